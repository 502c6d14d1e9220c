//! Step 8: are the other claims right? (`wrong_token_type`, `missing_claim`, `lifetime_too_long`)

use std::sync::Arc;

use super::{Detail, Failure, TokenType, Verdict};
use crate::policy::{self, Rules};
use crate::token::Claims;

/// What is wrong with the claims, in the order of the steps. `token_type` is what the token says that it is, if it does.
pub fn check(claims: &Claims, token_type: Option<TokenType>, rules: &Rules) -> impl Iterator<Item = Failure> {
    [check_type(token_type, rules), check_required(claims, rules), check_lifetime(claims, rules)]
        .into_iter()
        .flatten()
}

/// A token that does not say what it is passes.
fn check_type(token_type: Option<TokenType>, rules: &Rules) -> Option<Failure> {
    let found = token_type?;
    let expected = match rules.token_type? {
        policy::TokenType::Access => TokenType::Access,
        policy::TokenType::Id => TokenType::Id,
    };
    (found != expected).then(|| Failure::new(Verdict::WrongTokenType, found.as_str()))
}

/// The first claim of the policy's list that is not there.
fn check_required(claims: &Claims, rules: &Rules) -> Option<Failure> {
    let missing = rules.required_claims.iter().find(|name| !claims.has(name))?;
    Some(Failure { verdict: Verdict::MissingClaim, detail: Detail::Claim(Arc::from(missing.as_str())) })
}

fn check_lifetime(claims: &Claims, rules: &Rules) -> Option<Failure> {
    let max = rules.max_lifetime?;
    let Some(exp) = claims.exp else { return Some(Failure::new(Verdict::LifetimeTooLong, "no_expiry")) };
    let lifetime = exp.at.millis().saturating_sub(claims.iat?.at.millis());
    (lifetime > max).then(|| Failure::new(Verdict::LifetimeTooLong, "too_long"))
}

#[cfg(test)]
mod tests {
    use super::super::testing::token;
    use super::*;

    fn told(claims: &str, token_type: Option<TokenType>, rules: &Rules) -> String {
        let claims = token("{}", claims).claims.unwrap();
        let failures: Vec<_> =
            check(&claims, token_type, rules).map(|f| format!("{}/{}", f.verdict, f.detail)).collect();
        failures.join(" ")
    }

    #[test]
    fn a_token_of_another_kind_is_wrong_and_one_that_does_not_say_passes() {
        let rules = |token_type| Rules { token_type, ..Rules::default() };
        let access = rules(Some(policy::TokenType::Access));
        assert_eq!(told("{}", Some(TokenType::Access), &access), "");
        assert_eq!(told("{}", Some(TokenType::Id), &access), "wrong_token_type/id_token");
        assert_eq!(told("{}", Some(TokenType::Refresh), &access), "wrong_token_type/refresh_token");
        assert_eq!(told("{}", None, &access), "");
        let id = rules(Some(policy::TokenType::Id));
        assert_eq!(told("{}", Some(TokenType::Access), &id), "wrong_token_type/access_token");
        assert_eq!(told("{}", Some(TokenType::Id), &rules(None)), "");
    }

    #[test]
    fn the_first_required_claim_that_is_absent_is_told() {
        let rules = Rules { required_claims: vec!["sub".into(), "scope".into()], ..Rules::default() };
        assert_eq!(told(r#"{"sub":null,"scope":1}"#, None, &rules), "");
        assert_eq!(told(r#"{"sub":"x"}"#, None, &rules), "missing_claim/scope");
        assert_eq!(told("{}", None, &rules), "missing_claim/sub");
    }

    #[test]
    fn a_lifetime_above_the_maximum_is_too_long_and_none_at_all_too() {
        let rules = Rules { max_lifetime: Some(3_600_000), ..Rules::default() };
        assert_eq!(told(r#"{"iat":1000,"exp":4600}"#, None, &rules), "");
        assert_eq!(told(r#"{"iat":1000,"exp":4601}"#, None, &rules), "lifetime_too_long/too_long");
        assert_eq!(told(r#"{"iat":1000}"#, None, &rules), "lifetime_too_long/no_expiry");
        assert_eq!(told(r#"{"exp":4601}"#, None, &rules), "", "without iat nobody can tell");
        assert_eq!(told("{}", None, &Rules::default()), "");
    }
}
