//! How an identifier that is not allowed differs from one that is: the mistakes that people make with URLs.

/// How `value` differs from `allowed`, if they are nearly the same. The words are the contract's.
#[must_use]
pub fn difference(value: &str, allowed: &str) -> Option<&'static str> {
    let slashless = |text: &str| text.strip_suffix('/').unwrap_or(text).to_owned();
    let schemeless = |text: &str| {
        text.strip_prefix("https://").or(text.strip_prefix("http://")).unwrap_or(text).to_owned()
    };
    let portless = |text: &str| without_port(text).unwrap_or_else(|| text.to_owned());
    let same_by = |form: &dyn Fn(&str) -> String| form(value) == form(allowed);
    if value == allowed {
        None
    } else if same_by(&slashless) {
        Some("trailing_slash")
    } else if same_by(&schemeless) {
        Some("scheme")
    } else if same_by(&portless) {
        Some("port")
    } else {
        value.eq_ignore_ascii_case(allowed).then_some("case")
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
    let authority = authority(url)?;
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
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
            ("http://auth.example.com/realms/Main/", None),
            ("", None),
        ] {
            assert_eq!(difference(value, allowed), word, "{value}");
        }
        assert_eq!(difference("https://a.example/x", "https://a.example:8443/x"), Some("port"));
        assert_eq!(difference("https://a.example:1/x", "https://a.example:2/x"), Some("port"));
        assert_eq!(difference("API", "api"), Some("case"));
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
