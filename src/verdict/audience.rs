//! Step 7: is it meant for this audience? (`wrong_audience`; RFC 7519 §4.1.3)

use super::near::difference;
use super::{Failure, Verdict};
use crate::policy::{Policy, Rules};

/// The words for a near miss, the most telling first.
const WORDS: [&str; 5] = ["environment", "trailing_slash", "scheme", "port", "case"];

/// What is wrong with `aud`: no value of it is one of the audiences. `environment` is the issuer's, when it is known.
#[must_use]
pub fn check(aud: &[String], rules: &Rules, environment: Option<&str>, policy: &Policy) -> Option<Failure> {
    let allowed = rules.audiences.as_ref()?;
    if aud.iter().any(|value| allowed.contains(value)) {
        return None;
    }
    if aud.is_empty() {
        return Some(Failure::new(Verdict::WrongAudience, "missing"));
    }
    let elsewhere = |value: &String| {
        let others =
            policy.issuers.iter().filter(|issuer| environment.is_some_and(|own| own != issuer.environment));
        others.flat_map(|issuer| issuer.rules.audiences.iter().flatten()).any(|audience| audience == value)
    };
    let misses: Vec<_> = aud
        .iter()
        .flat_map(|value| {
            let near = allowed.iter().filter_map(move |allowed| difference(value, allowed));
            near.chain(elsewhere(value).then_some("environment"))
        })
        .collect();
    let detail = WORDS.into_iter().find(|word| misses.contains(word)).unwrap_or("other");
    Some(Failure::new(Verdict::WrongAudience, detail))
}

#[cfg(test)]
mod tests {
    use super::super::testing::policy;
    use super::*;

    #[test]
    fn one_value_of_the_audience_must_be_right() {
        let policy = policy(
            r#"
            [[issuer]]
            iss = "https://a.example/"
            environment = "prod"
            audiences = ["https://api.example.com", "orders"]
            [[issuer]]
            iss = "https://b.example/"
            environment = "staging"
            audiences = ["https://api.staging.example.com"]
            "#,
        );
        let rules = &policy.issuers[0].rules;
        for (aud, detail) in [
            (&["orders"][..], ""),
            (&["billing", "orders"], ""),
            (&[], "missing"),
            (&["https://api.example.com/"], "trailing_slash"),
            (&["http://api.example.com"], "scheme"),
            (&["https://api.example.com:443"], "port"),
            (&["Orders"], "case"),
            (&["https://api.staging.example.com"], "environment"),
            (&["billing", "Orders", "http://api.example.com"], "scheme"),
            (&["billing", ""], "other"),
        ] {
            let aud: Vec<String> = aud.iter().map(|value| (*value).to_owned()).collect();
            let told =
                check(&aud, rules, Some("prod"), &policy).map_or(String::new(), |f| f.detail.to_string());
            assert_eq!(told, detail, "{aud:?}");
        }
        assert_eq!(check(&[], &Rules::default(), None, &policy), None, "not judged");
    }
}
