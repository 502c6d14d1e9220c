//! Step 6: does it come from an issuer that is trusted here? (`wrong_issuer`; RFC 7519 §4.1.1)

use super::near::{difference, host, variants};
use super::{Failure, Verdict};
use crate::policy::{Issuer, IssuerName, Policy};

/// What is wrong with `iss`, compared exactly, letter case and trailing slash included, as verifiers do.
#[must_use]
pub fn check(iss: Option<&str>, policy: &Policy) -> Option<Failure> {
    if !policy.judges_issuers() {
        return None;
    }
    let Some(iss) = iss else { return Some(Failure::new(Verdict::WrongIssuer, "missing")) };
    let detail = match policy.issuer_of(iss) {
        Some(issuer) if issuer.trusted => return None,
        Some(_) => "environment",
        None => nearest(iss, policy).map_or("other", |(_, word)| word),
    };
    Some(Failure::new(Verdict::WrongIssuer, detail))
}

/// The words for a near miss, the nearest first.
const WORDS: [&str; 5] = ["trailing_slash", "scheme", "port", "case", "tenant"];

/// The trusted issuer of the policy that an `iss` is nearest to, and how it differs; none if it is near to none.
#[must_use]
pub fn nearest<'p>(iss: &str, policy: &'p Policy) -> Option<(&'p Issuer, &'static str)> {
    let trusted = policy.issuers.iter().filter(|issuer| issuer.trusted);
    let misses = trusted.filter_map(|issuer| Some((issuer, miss(iss, &issuer.name)?)));
    misses.min_by_key(|(_, word)| WORDS.iter().position(|known| known == word))
}

fn miss(iss: &str, name: &IssuerName) -> Option<&'static str> {
    let (near, own_host) = match name {
        IssuerName::Exact(allowed) => (difference(iss, allowed), host(allowed).map(str::to_owned)),
        IssuerName::Pattern { source, regex } => {
            let near = variants(iss).find(|(_, variant)| regex.is_match(variant)).map(|(word, _)| word);
            (near, host_of_pattern(source))
        }
    };
    near.or_else(|| {
        let same_host = host(iss).zip(own_host).is_some_and(|(a, b)| a.eq_ignore_ascii_case(&b));
        same_host.then_some("tenant")
    })
}

/// The host that every match of a pattern has, when the pattern spells it out up to the path.
fn host_of_pattern(pattern: &str) -> Option<String> {
    let mut literal = String::new();
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => literal.push(characters.next().filter(char::is_ascii_punctuation)?),
            '/' if host(&literal).is_some() => return host(&literal).map(str::to_owned),
            ':' | '/' | '-' | '_' => literal.push(character),
            _ if character.is_alphanumeric() => literal.push(character),
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::testing::policy;
    use super::*;

    const POLICY: &str = r#"
        [[issuer]]
        iss = "https://auth.example.com/realms/main"
        [[issuer]]
        iss_pattern = 'https://login\.example\.org/[0-9a-f]{4}/v2\.0'
        [[issuer]]
        iss = "https://auth.staging.example.com/realms/main"
        environment = "staging"
        trusted = false
    "#;

    #[test]
    fn an_issuer_is_right_exactly_or_wrong_in_a_way_that_is_told() {
        let policy = policy(POLICY);
        for (iss, detail) in [
            (Some("https://auth.example.com/realms/main"), ""),
            (Some("https://login.example.org/12ab/v2.0"), ""),
            (None, "missing"),
            (Some("https://auth.example.com/realms/main/"), "trailing_slash"),
            (Some("http://auth.example.com/realms/main"), "scheme"),
            (Some("https://auth.example.com:8443/realms/main"), "port"),
            (Some("https://auth.example.com/realms/MAIN"), "case"),
            (Some("https://auth.example.com/realms/other"), "tenant"),
            (Some("https://auth.staging.example.com/realms/main"), "environment"),
            (Some("https://login.example.org/12ab/v2.0/"), "trailing_slash"),
            (Some("http://login.example.org/12ab/v2.0"), "scheme"),
            (Some("https://login.example.org:443/12ab/v2.0"), "port"),
            (Some("https://login.example.org/12AB/v2.0"), "case"),
            (Some("https://login.example.org/wxyz/v2.0"), "tenant"),
            (Some("https://loginXexample.org/12ab/v2.0"), "other"),
            (Some("https://login.evil.example/"), "other"),
            (Some(""), "other"),
        ] {
            let told = check(iss, &policy).map_or(String::new(), |failure| failure.detail.to_string());
            assert_eq!(told, detail, "{iss:?}");
        }
    }

    #[test]
    fn without_a_policy_no_issuer_is_wrong() {
        assert_eq!(check(None, &Policy::default()), None);
    }
}
