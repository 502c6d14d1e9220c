//! How an identifier that is not allowed differs from one that is: the mistakes that people make with URLs.

/// How `value` differs from `allowed`, if they are nearly the same: the first difference where there are several. The
/// words, and their order, are the contract's.
#[must_use]
pub fn difference(value: &str, allowed: &str) -> Option<&'static str> {
    let (found, wanted) = (Parts::of(value), Parts::of(allowed));
    if value == allowed || !found.rest.eq_ignore_ascii_case(&wanted.rest) {
        None
    } else if found.slashes != wanted.slashes {
        Some("trailing_slash")
    } else if !found.scheme.eq_ignore_ascii_case(wanted.scheme) {
        Some("scheme")
    } else if found.port != wanted.port {
        Some("port")
    } else {
        Some("case")
    }
}

/// An identifier, taken apart into what people get wrong and the rest.
struct Parts<'t> {
    /// How many slashes stand at the end.
    slashes: usize,
    /// `http`, `https`, or nothing.
    scheme: &'t str,
    /// The port with its colon, or nothing.
    port: &'t str,
    rest: String,
}

impl<'t> Parts<'t> {
    fn of(text: &'t str) -> Self {
        let trimmed = text.trim_end_matches('/');
        let slashes = text.len() - trimmed.len();
        let (scheme, behind) = match trimmed.split_once("://") {
            Some((scheme, behind)) if ["http", "https"].iter().any(|s| scheme.eq_ignore_ascii_case(s)) => {
                (scheme, behind)
            }
            _ => ("", trimmed),
        };
        let authority = behind.split(['/', '?', '#']).next().unwrap_or(behind);
        let host = if scheme.is_empty() { authority } else { without_digits(authority) };
        let port = &authority[host.len()..];
        let rest = [host, &behind[authority.len()..]].concat();
        Self { slashes, scheme, port, rest }
    }
}

/// An authority without its port.
fn without_digits(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// The forms of `value` with one thing changed, each with the word for it: to ask a pattern what would have matched.
pub(super) fn variants(value: &str) -> impl Iterator<Item = (&'static str, String)> {
    let slash = value.strip_suffix('/').map_or_else(|| format!("{value}/"), str::to_owned);
    let scheme = match value.split_once("://") {
        Some(("https", rest)) => Some(format!("http://{rest}")),
        Some(("http", rest)) => Some(format!("https://{rest}")),
        Some(_) => None,
        None => Some(format!("https://{value}")),
    };
    let forms = [
        Some(("trailing_slash", slash)),
        scheme.map(|changed| ("scheme", changed)),
        without_port(value).map(|changed| ("port", changed)),
        Some(("case", value.to_ascii_lowercase())),
    ];
    forms.into_iter().flatten()
}

/// The host of a URL, with its port.
fn authority(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    Some(rest.split(['/', '?', '#']).next().unwrap_or(rest))
}

/// The host of a URL.
#[must_use]
pub fn host(url: &str) -> Option<&str> {
    let host = without_digits(authority(url)?);
    (!host.is_empty()).then_some(host)
}

/// The URL without its port; `None` when it has none.
fn without_port(url: &str) -> Option<String> {
    let (authority, host) = (authority(url)?, host(url)?);
    let start = url.find("://")? + "://".len();
    (authority.len() > host.len())
        .then(|| format!("{}{host}{}", &url[..start], &url[start + authority.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_have_a_word_and_the_rest_has_none() {
        let allowed = "https://auth.example.com/realms/Main";
        for (value, word) in [
            ("https://auth.example.com/realms/Main/", Some("trailing_slash")),
            ("http://auth.example.com/realms/Main", Some("scheme")),
            ("auth.example.com/realms/Main", Some("scheme")),
            ("https://auth.example.com:8443/realms/Main", Some("port")),
            ("https://auth.example.com/realms/main", Some("case")),
            ("HTTPS://AUTH.EXAMPLE.COM/REALMS/MAIN", Some("case")),
            ("https://auth.example.com/realms/other", None),
            ("http://auth.example.com/realms/Main/", Some("trailing_slash")),
            ("http://auth.example.com:80/realms/main", Some("scheme")),
            ("https://auth.example.com/realms/Main//", Some("trailing_slash")),
            ("ftp://auth.example.com/realms/Main", None),
            ("", None),
        ] {
            assert_eq!(difference(value, allowed), word, "{value}");
        }
        assert_eq!(difference("https://a.example/x", "https://a.example:8443/x"), Some("port"));
        assert_eq!(difference("https://a.example:1/x", "https://a.example:2/x"), Some("port"));
        assert_eq!(difference("API", "api"), Some("case"));
        assert_eq!(difference("auth.example.com", "https://auth.example.com/"), Some("trailing_slash"));
    }

    #[test]
    fn the_host_of_a_url_has_no_port() {
        assert_eq!(host("https://a.example:8443/x"), Some("a.example"));
        assert_eq!(host("https://[::1]:80/"), Some("[::1]"));
        assert_eq!(host("https://[::1]/"), Some("[::1]"));
        assert_eq!(host("urn:a:b"), None);
        assert_eq!(host("https:///x"), None);
    }
}
