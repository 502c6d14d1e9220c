//! `com.auth0:java-jwt` 4 (`JWTDecoder.java`, `TokenUtils.java`, `JWTVerifier.java`, `PayloadDeserializer.java`), with
//! `com.auth0:jwks-rsa` (`UrlJwkProvider.java`) for key sets.
//!
//! The key by `JwkProvider.get(kid)`, then `JWT.require(algorithm).withIssuer(…).withAnyOfAudience(…).acceptLeeway(…)`, the
//! algorithm being the one that the key is for. Issuer and audience come before the dates, and `iat` is a date that may not lie
//! ahead either, in the words of `nbf`. Fractions of a second are cut.

use serde_json::{Map, Value};

use super::Input;
use super::check::{Check, Checks, Choice, Text};
use super::read::{self, Base64};
use super::setup::{Effort, HeldKey};
use crate::policy::KeyKind;

/// `Base64.getUrlDecoder()`
const BASE64: Base64 = Base64 { standard: false, padding: true, stray_bits: true };

const MISMATCH: &str =
    "AlgorithmMismatchException: The provided Algorithm doesn't match the one defined in the JWT's Header.";

pub(super) fn checks(input: &Input<'_>) -> Vec<Check> {
    let mut checks = Checks::default();
    let parts =
        |found: &str| format!("JWTDecodeException: The token was expected to have 3 parts, but got {found}.");
    let [header, payload, signature] = input.parts[..] else {
        return checks.fail(match input.parts.len() {
            1 => parts("0"),
            2 => parts("2"),
            _ => parts("> 3"),
        });
    };
    let (Some(header), Some(payload)) = (BASE64.decode(header), BASE64.decode(payload)) else {
        return checks.fail("JWTDecodeException: The input is not a valid base 64 encoded string.");
    };
    let no_json = "JWTDecodeException: The string '…' doesn't have a valid JSON format.";
    let (Some(header), Some(claims)) = (read::object(&header), read::object(&payload)) else {
        return checks.fail(no_json);
    };
    if let Some(error) = misshapen(&claims) {
        return checks.fail(error);
    }
    // One that cannot be decoded is told like one that does not verify.
    let signature = BASE64.decode(signature).unwrap_or_default();
    let alg = read::text(header.get("alg")).unwrap_or_default();
    add_key(input, &header, alg, &signature, &mut checks);
    check_claims(input, &claims, &mut checks);
    checks.done()
}

/// `PayloadDeserializer`: a date is a number that a `long` can hold; a list of audiences holds what can be a string.
fn misshapen(claims: &Map<String, Value>) -> Option<Text> {
    if let Some(Value::Array(values)) = claims.get("aud")
        && values.iter().any(|value| value.is_array() || value.is_object())
    {
        return Some("JWTDecodeException: Couldn't map the Claim's array contents to String".into());
    }
    let is_date = |value: &Value| value.is_null() || seconds(value).is_some();
    let name = ["exp", "nbf", "iat"]
        .into_iter()
        .find(|name| claims.get(*name).is_some_and(|value| !is_date(value)))?;
    Some(format!("JWTDecodeException: The claim '{name}' contained a non-numeric date value.").into())
}

/// A number without its fraction, if it fits.
fn seconds(value: &Value) -> Option<i64> {
    let number = value.as_f64()?;
    ((i64::MIN as f64)..=(i64::MAX as f64)).contains(&number).then(|| value.as_i64().unwrap_or(number as i64))
}

fn add_key(input: &Input<'_>, header: &Map<String, Value>, alg: &str, signature: &[u8], checks: &mut Checks) {
    let setup = input.setup;
    if setup.keys.is_empty() {
        if !setup.allows(alg) {
            checks.add(Check::Always(MISMATCH.into()));
        }
        return;
    }
    let error = |held: &HeldKey, effort: &mut Effort| with_key(input, held, alg, signature, effort);
    if !setup.fetches {
        checks.add(Check::Key(setup.key_check(Choice::Any { last: false }, None, |_| true, error)));
        return;
    }
    let kid = read::text(header.get("kid"));
    let name = kid.map_or_else(|| "null".to_owned(), read::repeated);
    let none = format!("SigningKeyNotFoundException: No key found in … with kid {name}");
    let usable = |held: &HeldKey| held.is_usable() && !held.is_secret();
    checks.add(Check::Key(match kid {
        // A set of one key needs no name.
        None => setup.key_check(Choice::Only(none.clone().into()), Some(none.into()), usable, error),
        Some(kid) => {
            let named = |held: &HeldKey| usable(held) && held.has_kid(kid);
            setup.key_check(Choice::First, Some(none.into()), named, error)
        }
    }));
}

/// `verifyAlgorithm` and `Algorithm.verify`
fn with_key(
    input: &Input<'_>,
    held: &HeldKey,
    alg: &str,
    signature: &[u8],
    effort: &mut Effort,
) -> Option<Text> {
    let is_configured = match (&held.key.alg, &input.setup.algorithms) {
        (Some(own), _) => own == alg,
        (None, Some(_)) => input.setup.allows(alg),
        (None, None) => held.fits_kind(alg),
    };
    if !is_configured || !held.fits_kind(alg) {
        return Some(MISMATCH.into());
    }
    let description = match (&held.key.kind, alg.get(2..).unwrap_or_default()) {
        (KeyKind::Rsa { .. }, bits) => format!("SHA{bits}withRSA"),
        (KeyKind::Ec { .. }, bits) => format!("SHA{bits}withECDSA"),
        (_, bits) => format!("HmacSHA{bits}"),
    };
    let verifies = held.verifies(alg, input.signing_input(), signature, effort);
    (!verifies).then(|| {
        format!(
            "SignatureVerificationException: The Token's Signature resulted invalid when verified using the Algorithm: {description}"
        )
        .into()
    })
}

/// `verifyClaims`: in the order in which they were asked for, the dates at the end.
fn check_claims(input: &Input<'_>, claims: &Map<String, Value>, checks: &mut Checks) {
    let setup = input.setup;
    let missing = |name: &str| {
        Check::Always(format!("MissingClaimException: The Claim '{name}' is not present in the JWT.").into())
    };
    let wrong = |text: &'static str| Check::Always(text.into());
    if setup.issuers.is_some() {
        match claims.get("iss") {
            None => checks.add(missing("iss")),
            Some(Value::String(_)) if input.is_trusted => {}
            Some(_) => checks.add(wrong(
                "IncorrectClaimException: The Claim 'iss' value doesn't match the required issuer.",
            )),
        }
    }
    if let Some(expected) = &setup.audiences {
        let is_known =
            |aud: &Value| aud.as_str().is_some_and(|aud| expected.iter().any(|known| known == aud));
        let matches = match claims.get("aud") {
            None => true,
            Some(Value::Array(several)) => several.iter().any(is_known),
            Some(one) => is_known(one),
        };
        if !claims.contains_key("aud") {
            checks.add(missing("aud"));
        } else if !matches {
            checks.add(wrong(
                "IncorrectClaimException: The Claim 'aud' value doesn't contain the required audience.",
            ));
        }
    }
    for name in &setup.required_claims {
        if !claims.contains_key(name) {
            checks.add(missing(name));
        }
    }
    let leeway = setup.leeway_or(0) / 1000;
    let date = |name: &str| claims.get(name).and_then(seconds);
    if let Some(exp) = date("exp") {
        let turn = exp.saturating_add(leeway).saturating_mul(1000);
        checks.add(Check::From(turn, "TokenExpiredException: The Token has expired on ….".into()));
    }
    for name in ["nbf", "iat"] {
        if let Some(seconds) = date(name) {
            let turn = seconds.saturating_sub(leeway).saturating_mul(1000);
            checks.add(Check::Before(
                turn,
                "IncorrectClaimException: The Token can't be used before ….".into(),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Profile;
    use super::super::testing::{NOW, assert_said, fetched, hs256, rs256, secret, signed};

    /// Of `JWTDecoder.java`, `PayloadDeserializer.java` and `JWTVerifier.java`.
    #[test]
    fn java_jwt_checks_the_signature_then_issuer_audience_and_dates() {
        let late = hs256(&format!(r#","exp":{NOW}"#));
        let early = hs256(&format!(r#","iat":{NOW}"#));
        let expired = "TokenExpiredException: The Token has expired on ….";
        let before = "IncorrectClaimException: The Token can't be used before ….";
        let hs = |claims: &str| signed(r#"{"alg":"HS256"}"#, claims);
        assert_said(
            Profile::JavaJwt,
            &secret(""),
            &[
                (&late, -1, ""),
                (&late, 0, expired),
                (&early, 0, ""),
                (&early, -1, before),
                (&hs256(r#","exp":1.9"#), 0, expired),
                (
                    &hs256(r#","exp":"soon""#),
                    0,
                    "JWTDecodeException: The claim 'exp' contained a non-numeric date value.",
                ),
                (
                    &hs256(r#","nbf":true"#),
                    0,
                    "JWTDecodeException: The claim 'nbf' contained a non-numeric date value.",
                ),
                (&hs256(r#","exp":null"#), 0, ""),
                (
                    &hs(r#"{"iss":"https://x.example","exp":1}"#),
                    0,
                    "IncorrectClaimException: The Claim 'iss' value doesn't match the required issuer.",
                ),
                (&hs(r#"{"exp":1}"#), 0, "MissingClaimException: The Claim 'iss' is not present in the JWT."),
                (
                    &hs(r#"{"iss":"https://auth.example.com/","aud":["x"],"exp":1}"#),
                    0,
                    "IncorrectClaimException: The Claim 'aud' value doesn't contain the required audience.",
                ),
                (
                    &hs(r#"{"iss":"https://auth.example.com/","exp":1}"#),
                    0,
                    "MissingClaimException: The Claim 'aud' is not present in the JWT.",
                ),
                (
                    &rs256("", r#"{"exp":1}"#),
                    0,
                    "AlgorithmMismatchException: The provided Algorithm doesn't match the one defined in the JWT's Header.",
                ),
                (
                    &format!("{late}AA"),
                    0,
                    "SignatureVerificationException: The Token's Signature resulted invalid when verified using the Algorithm: HmacSHA256",
                ),
                (&hs256(r#","exp":1,"iss":"https://auth.example.com/""#), 0, expired),
                (&hs("[1]"), 0, "JWTDecodeException: The string '…' doesn't have a valid JSON format."),
                (
                    &format!("{late}.x"),
                    0,
                    "JWTDecodeException: The token was expected to have 3 parts, but got > 3.",
                ),
            ],
        );
        assert_said(
            Profile::JavaJwt,
            &secret("leeway = \"30s\""),
            &[(&late, 29, ""), (&late, 30, expired), (&early, -30, ""), (&early, -31, before)],
        );
    }

    #[test]
    fn java_jwt_wants_a_kid_unless_the_set_holds_one_key() {
        let (old, none) = (rs256(r#","kid":"old""#, "{}"), rs256("", "{}"));
        let failed = "SignatureVerificationException: The Token's Signature resulted invalid when verified using the Algorithm: SHA256withRSA";
        let missing = |kid: &str| format!("SigningKeyNotFoundException: No key found in … with kid {kid}");
        assert_said(
            Profile::JavaJwt,
            &fetched(),
            &[
                (&old, 0, failed),
                (&old, 3600, &missing("old")),
                (&none, 0, failed),
                (&none, 1800, &missing("null")),
            ],
        );
    }
}
