//! Step 2: is the algorithm allowed? (`alg_none`, `alg_not_allowed`)

use super::{Failure, Verdict};
use crate::policy::Rules;
use crate::token::Token;

/// What is wrong with the algorithm: `none` in any letter case (RFC 8725 §3.2), one that the rules do not list
/// (RFC 8725 §3.1), or an extension that must be understood and is not (RFC 7515 §4.1.11).
#[must_use]
pub fn check(token: &Token, rules: &Rules) -> Option<Failure> {
    // The `alg` of a JWE says how its key is encrypted, not how anything is signed.
    if token.encrypted {
        return None;
    }
    if token.header.is_unsigned() {
        let signed = token.signature.is_some_and(|signature| signature.bytes > 0);
        return Some(Failure::new(Verdict::AlgNone, if signed { "signed" } else { "unsigned" }));
    }
    let alg = token.header.alg.as_deref()?;
    let allowed = rules.algorithms.as_ref().is_none_or(|allowed| allowed.iter().any(|name| name == alg));
    if !allowed {
        return Some(Failure::new(Verdict::AlgNotAllowed, "alg"));
    }
    token.header.crit.then(|| Failure::new(Verdict::AlgNotAllowed, "crit"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::token;
    use super::*;
    use crate::token::SignaturePart;

    #[test]
    fn the_algorithm_must_be_on_the_list_and_never_none() {
        let rules = Rules { algorithms: Some(vec!["RS256".into()]), ..Rules::default() };
        let none_listed = Rules { algorithms: Some(vec!["none".into()]), ..Rules::default() };
        for (header, rules, signed, expected) in [
            (r#"{"alg":"RS256"}"#, &rules, true, ""),
            (r#"{"alg":"rs256"}"#, &rules, true, "alg_not_allowed/alg"),
            (r#"{"alg":"HS256"}"#, &rules, true, "alg_not_allowed/alg"),
            (r#"{"alg":"HS256"}"#, &Rules::default(), true, ""),
            (r#"{"alg":"RS256","crit":["exp"]}"#, &rules, true, "alg_not_allowed/crit"),
            (r#"{"alg":"none"}"#, &Rules::default(), false, "alg_none/unsigned"),
            (r#"{"alg":"nOnE"}"#, &none_listed, true, "alg_none/signed"),
            (r#"{"alg":7}"#, &rules, true, ""),
        ] {
            let mut token = token(header, "{}");
            token.signature = signed.then_some(SignaturePart { bytes: 256, ragged: false });
            let told = check(&token, rules).map_or(String::new(), |f| format!("{}/{}", f.verdict, f.detail));
            assert_eq!(told, expected, "{header}");
        }
    }

    #[test]
    fn the_algorithm_of_an_encrypted_token_is_not_judged() {
        let mut token = token(r#"{"alg":"dir","enc":"A128GCM"}"#, "{}");
        token.encrypted = true;
        let rules = Rules { algorithms: Some(vec!["RS256".into()]), ..Rules::default() };
        assert_eq!(check(&token, &rules), None);
    }
}
