//! golang-jwt 4 (`parser.go`, `map_claims.go`, `errors.go` of 4.4.3), with `MicahParks/keyfunc` 1 for key sets.
//!
//! `jwt.Parse(token, keyfunc, jwt.WithValidMethods(…))` with `MapClaims`. The dates are judged before the signature, but of all that
//! fails only the last is told: the signature, then `nbf`, `iat` and `exp`. A date of 0 is none, and one that is no number
//! fails as if it had passed. There is no leeway, also where the policy states one, and no claim is required. Behind the claims'
//! JSON anything may follow.
//!
//! Version 4 looks at neither audience nor issuer by itself. Where the policy states them, the service is taken to ask behind
//! `Parse`, in this order, with `claims.VerifyAudience(audience, true)` for each audience and `claims.VerifyIssuer(issuer, true)`, and
//! to return what the library has for it, `ErrTokenInvalidAudience` and `ErrTokenInvalidIssuer`. A service may word it otherwise.
//!
//! A PSS signature with a salt of another length than its hash, which it takes, is predicted to fail, because nothing here
//! verifies it.

use super::Input;
use super::check::{Check, Checks, Text};
use super::golang::{self, ILLEGAL, Json, Method, NoKey, Parsed, Unparsed};
use super::setup::{Effort, HeldKey};

const WRONG_TYPE: &str = "key is of invalid type";

pub(super) fn checks(input: &Input<'_>) -> Vec<Check> {
    let mut checks = Checks::default();
    let token = match golang::parse(input, Json::Decoder) {
        Ok(token) => token,
        Err(error) => return checks.fail(unparsed(error)),
    };
    if input.setup.keys.is_empty() {
        if token.method == Method::None {
            return checks.fail(token.method.failure());
        }
        if token.signature.is_none() {
            return checks.fail(ILLEGAL);
        }
    } else {
        let error = |held: &HeldKey, effort: &mut Effort| with_key(input, &token, held, effort);
        if let Err(error) = golang::add_key(input, &token.header, no_key, error, &mut checks) {
            return checks.fail(error);
        }
    }
    check_claims(input, &token, &mut checks);
    checks.done()
}

/// Of an error from elsewhere `ValidationError` tells only that one.
fn unparsed(error: Unparsed) -> Text {
    match error {
        Unparsed::Segments => "token contains an invalid number of segments".into(),
        Unparsed::Base64(_) => ILLEGAL.into(),
        Unparsed::Json(_, error) => error,
        Unparsed::Unspecified => "signing method (alg) is unspecified.".into(),
        Unparsed::Unavailable => "signing method (alg) is unavailable.".into(),
        Unparsed::NotAllowed(alg) => format!("signing method {alg} is invalid").into(),
    }
}

fn no_key(reason: &NoKey<'_>) -> Text {
    match reason {
        NoKey::NoKid => "the JWT has an invalid kid: could not find kid in JWT header",
        NoKey::KidType => "the JWT has an invalid kid: could not convert kid in JWT header to string",
        NoKey::Unknown(_) => "the given key ID was not found in the JWKS",
    }
    .into()
}

/// `getKey` of the key set.
fn refused_by_keyfunc(held: &HeldKey, alg: &str) -> Option<Text> {
    if !held.is_for_signatures() {
        return Some(
            "the given JWK was found, but its \"use\" parameter's value was not whitelisted: JWK \"use\" parameter \
             value \"…\" is not whitelisted"
                .into(),
        );
    }
    let error = golang::other_algorithm(held, alg)?;
    Some(
        format!(
            "the given JWK was found, but its \"alg\" parameter's value did not match the expected algorithm: {error}"
        )
        .into(),
    )
}

/// `keyfunc`, then `Verify` of the signing method, each of which has its own order.
fn with_key(input: &Input<'_>, token: &Parsed, held: &HeldKey, effort: &mut Effort) -> Option<Text> {
    if input.setup.fetches
        && let Some(error) = refused_by_keyfunc(held, &token.alg)
    {
        return Some(error);
    }
    let method = token.method;
    let is_taken = method.takes(held);
    match (method, &token.signature) {
        (Method::None, _) => Some(method.failure().into()),
        (Method::Hmac | Method::Ed25519, _) if !is_taken => Some(WRONG_TYPE.into()),
        (_, None) => Some(ILLEGAL.into()),
        (Method::RsaPss, _) if !is_taken => Some("key is invalid".into()),
        _ if !is_taken => Some(WRONG_TYPE.into()),
        (_, Some(signature)) => {
            let verifies = token.verifies(input, held, signature, effort);
            (!verifies).then(|| method.failure().into())
        }
    }
}

/// `MapClaims.Valid`, from its last check to its first, then what the service asks.
fn check_claims(input: &Input<'_>, token: &Parsed, checks: &mut Checks) {
    let claims = &token.claims;
    for (name, error) in [("nbf", "Token is not valid yet"), ("iat", "Token used before issued")] {
        match golang::date(claims, name) {
            Err(()) => checks.add(Check::Always(error.into())),
            Ok(None) => {}
            Ok(Some(date)) => checks.add(Check::Before(date, error.into())),
        }
    }
    let expired = "Token is expired";
    match golang::date(claims, "exp") {
        Err(()) => checks.add(Check::Always(expired.into())),
        Ok(None) => {}
        Ok(Some(exp)) => checks.add(Check::From(exp, expired.into())),
    }
    if let Some(expected) = &input.setup.audiences {
        let named = golang::audiences(claims.get("aud")).unwrap_or_default();
        if !named.iter().any(|aud| expected.iter().any(|known| known == aud)) {
            checks.add(Check::Always("token has invalid audience".into()));
        }
    }
    if !input.issuer_is_taken() {
        checks.add(Check::Always("token has invalid issuer".into()));
    }
}

#[cfg(test)]
mod tests {
    use super::super::Profile;
    use super::super::testing::{NOW, assert_said, fetched, hs256, rs256, secret, signed};

    /// Of `ParseWithClaims` and `MapClaims.Valid`; the real library is asked by a script.
    #[test]
    fn version_4_tells_the_signature_then_the_last_date_that_fails() {
        let late = hs256(&format!(r#","exp":{NOW}"#));
        let early = hs256(&format!(r#","iat":{NOW}.9"#));
        let all = hs256(r#","exp":1,"iat":9999999999,"nbf":9999999999"#);
        let forged = format!("{}AAAA", &all[..all.len() - 4]);
        let cases: [(&str, i64, &str); 11] = [
            (&late, -1, ""),
            (&late, 0, "Token is expired"),
            (&early, -1, "Token used before issued"),
            (&early, 0, ""),
            (&all, 0, "Token is not valid yet"),
            (&hs256(r#","exp":1,"iat":9999999999"#), 0, "Token used before issued"),
            (&forged, 0, "signature is invalid"),
            (&hs256(r#","exp":"9999999999""#), 0, "Token is expired"),
            (&hs256(r#","exp":0,"nbf":0"#), 0, ""),
            (
                &signed(r#"{"alg":"HS256"}"#, r#"{"iss":"https://auth.example.com/"}"#),
                0,
                "token has invalid audience",
            ),
            (
                &signed(r#"{"alg":"HS256"}"#, r#"{"aud":"https://api.example.com"}"#),
                0,
                "token has invalid issuer",
            ),
        ];
        assert_said(Profile::GolangJwtV4, &secret(""), &cases);
        assert_said(Profile::GolangJwtV4, &secret("leeway = \"60s\""), &cases);
    }

    /// Of `jwks.go` and `keyfunc.go`.
    #[test]
    fn version_4_finds_no_key_in_the_words_of_its_keyfunc() {
        let kid = |kid: &str| rs256(kid, "{}");
        assert_said(
            Profile::GolangJwtV4,
            &fetched(),
            &[
                (&kid(""), 0, "the JWT has an invalid kid: could not find kid in JWT header"),
                (
                    &kid(r#","kid":7"#),
                    0,
                    "the JWT has an invalid kid: could not convert kid in JWT header to string",
                ),
                (&kid(r#","kid":"new""#), 0, "the given key ID was not found in the JWKS"),
                (&kid(r#","kid":"old""#), 0, "crypto/rsa: verification error"),
            ],
        );
    }
}
