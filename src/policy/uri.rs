//! StringOrURI (RFC 7519 §2): any string may name an issuer or an audience, but one that holds a `:` must be a URI.
//! This tells the typing mistakes that no token could ever match from the odd names that some provider really uses.

/// What is wrong with a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// It cannot be meant: an error.
    Broken(&'static str),
    /// RFC 7519 does not allow it, yet a token may hold it: worth a doubt.
    Odd(&'static str),
}

/// Why no policy can name this issuer or audience; `None` when one can.
#[must_use]
pub fn refused_name(name: &str) -> Option<&'static str> {
    match flaw(name)? {
        Flaw::Broken(why) => Some(why),
        Flaw::Odd(_) => None,
    }
}

/// Looks for what is wrong with `name` as the value of `iss` or `aud`.
pub(super) fn flaw(name: &str) -> Option<Flaw> {
    if name.is_empty() {
        return Some(Flaw::Broken("it is empty"));
    }
    if name.trim() != name {
        return Some(Flaw::Broken("it has white space around it"));
    }
    let Some((scheme, rest)) = name.split_once(':') else {
        return name
            .contains("//")
            .then_some(Flaw::Odd("it has \"//\" but no scheme such as \"https:\" before it"));
    };
    if name.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Some(Flaw::Broken("a URI has no white space or control characters"));
    }
    if name.contains(['{', '}', '<', '>']) {
        return Some(Flaw::Broken(
            "it looks like a template: {…} and <…> must be filled in, or use iss_pattern for an issuer",
        ));
    }
    let scheme_ok = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    if !scheme_ok {
        return Some(Flaw::Odd("it holds a \":\" but is no URI, which RFC 7519 §2 demands"));
    }
    let web = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    if web { web_flaw(rest) } else { None }
}

fn web_flaw(rest: &str) -> Option<Flaw> {
    let Some(rest) = rest.strip_prefix("//") else {
        return Some(Flaw::Broken("\"//\" and a host must follow \"https:\""));
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host_and_port = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    // The colons of an IPv6 address are inside its brackets.
    let (host, port) = match host_and_port.rfind(']') {
        Some(end) => (&host_and_port[..=end], &host_and_port[end + 1..]),
        None => match host_and_port.find(':') {
            Some(colon) => host_and_port.split_at(colon),
            None => (host_and_port, ""),
        },
    };
    if host.is_empty() || host == "[]" {
        return Some(Flaw::Broken("it has no host"));
    }
    let port_ok = match port.strip_prefix(':') {
        Some(digits) => digits.parse::<u16>().is_ok(),
        None => port.is_empty(),
    };
    (!port_ok).then_some(Flaw::Broken("its port is not a number from 0 to 65535"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_providers_really_use_pass() {
        for name in [
            "https://auth.example.com/",
            "https://auth.example.com:8443/realms/main",
            "https://[::1]:8080/x",
            "http://user@localhost",
            "accounts.example.com",
            "kubernetes/serviceaccount",
            "urn:example:api",
            "api://0f0f0f0f",
            "joe",
            "did:web:example.com",
            "https://example.com/a%20b?x=1#y",
        ] {
            assert_eq!(flaw(name), None, "{name}");
        }
    }

    #[test]
    fn broken_urls_are_told_from_odd_names() {
        for name in [
            "",
            " https://a.example",
            "https:/auth.example.com",
            "https:auth.example.com",
            "https://",
            "https:///path",
            "https://:443/",
            "https://auth.example.com:84a3/",
            "https://auth.example.com:99999/",
            "https://[::1]8080/",
            "https://auth.example.com/my realm",
            "https://login.example.com/{tenantid}/v2.0",
        ] {
            assert!(matches!(flaw(name), Some(Flaw::Broken(_))), "{name}");
        }
        for name in ["10.0.0.1:8080", "https//auth.example.com", "my issuer: prod"] {
            let found = flaw(name);
            assert_eq!(matches!(found, Some(Flaw::Odd(_))), !name.contains(' '), "{name}");
        }
    }
}
