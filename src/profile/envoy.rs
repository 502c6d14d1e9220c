//! Envoy's `jwt_authn` filter (`authenticator.cc`, `source/common/jwt/jwt.cc`, `verify.cc`, `check_audience.cc`, `status.cc`), on
//! which Istio's `RequestAuthentication` rests too.
//!
//! A provider per issuer, with its key set, `audiences` and `clock_skew_seconds`. Issuer, dates and audience come before the
//! signature, so that an expired token says nothing about its key; `nbf` comes before `exp`. `http://`, `https://` and a `/` at the
//! end of an audience do not count. Algorithms are not configured: what counts is what the keys are for.

use serde_json::{Map, Value};

use super::Input;
use super::check::{Check, Checks, Choice, Text};
use super::read::{self, Base64};
use super::setup::{Effort, HeldKey};
use crate::policy::KeyKind;

const BASE64: Base64 = Base64 { standard: false, padding: true, stray_bits: true };
const FAILS: &str = "Jwt verification fails";
const NO_MATCH: &str = "Jwks doesn't have key to match kid or alg from Jwt";

const ALGORITHMS: [&str; 13] = [
    "ES256", "ES384", "ES512", "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384",
    "PS512", "EdDSA",
];

pub(super) fn checks(input: &Input<'_>) -> Vec<Check> {
    let mut checks = Checks::default();
    // Empty sections are skipped before they are counted.
    let sections: Vec<&str> = input.parts.iter().copied().filter(|part| !part.is_empty()).collect();
    let [header, payload, signature] = sections[..] else {
        return checks
            .fail("Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections");
    };
    let Some(header) = BASE64.decode(header) else {
        return checks.fail("Jwt header is an invalid Base64url encoded");
    };
    let Some(header) = read::object(&header) else { return checks.fail("Jwt header is an invalid JSON") };
    let Some(alg) = read::text(header.get("alg")) else {
        return checks.fail("Jwt header [alg] field is required and must be a string");
    };
    if !ALGORITHMS.contains(&alg) {
        return checks.fail("Jwt header [alg] is not supported");
    }
    let kid = match header.get("kid") {
        None => "",
        Some(Value::String(kid)) => kid,
        Some(_) => return checks.fail("Jwt header [kid] field is not a string"),
    };
    let Some(payload) = BASE64.decode(payload) else {
        return checks.fail("Jwt payload is an invalid Base64url encoded");
    };
    let Some(claims) = read::object(&payload) else { return checks.fail("Jwt payload is an invalid JSON") };
    if let Some(error) = misshapen(&claims) {
        return checks.fail(error);
    }
    let Some(signature) = BASE64.decode(signature) else {
        return checks.fail("Jwt signature is an invalid Base64url encoded");
    };
    if !input.issuer_is_taken() {
        return checks.fail("Jwt issuer is not configured");
    }
    add_dates(input, &claims, &mut checks);
    if !audience_is_taken(input.setup.audiences.as_deref(), claims.get("aud")) {
        return checks.fail("Audiences in Jwt are not allowed");
    }
    if !input.setup.keys.is_empty() {
        checks.add(key(input, alg, kid, &signature));
    }
    checks.done()
}

/// `Jwt::parseFromString`: the types of the claims.
fn misshapen(claims: &Map<String, Value>) -> Option<Text> {
    let no_string = |name: &str| claims.get(name).is_some_and(|value| !value.is_string());
    let error =
        |name: &str, what: &str| Some(Text::from(format!("Jwt payload [{name}] field is not {what}")));
    for name in ["iss", "sub"] {
        if no_string(name) {
            return error(name, "a string");
        }
    }
    for name in ["iat", "nbf", "exp"] {
        match claims.get(name) {
            None => {}
            Some(Value::Number(number)) if in_range(number.as_f64()) => {}
            Some(Value::Number(_)) => return error(name, "a positive 64 bit integer"),
            Some(_) => return error(name, "an integer"),
        }
    }
    if no_string("jti") {
        return error("jti", "a string");
    }
    let is_string_list = |aud: &Value| match aud {
        Value::String(_) => true,
        Value::Array(several) => several.iter().all(Value::is_string),
        _ => false,
    };
    if claims.get("aud").is_some_and(|aud| !is_string_list(aud)) {
        return error("aud", "a string or string list");
    }
    None
}

fn in_range(number: Option<f64>) -> bool {
    number.is_some_and(|number| (0.0..u64::MAX as f64).contains(&number))
}

/// `Jwt::verifyTimeConstraint`: whole seconds, and a fraction of a claim is cut. A skew of 0 is the default one.
fn add_dates(input: &Input<'_>, claims: &Map<String, Value>, checks: &mut Checks) {
    let skew = match input.setup.leeway_or(60) / 1000 {
        0 => 60,
        seconds => seconds,
    };
    // The cast saturates.
    let date = |name: &str| claims.get(name).and_then(Value::as_f64).map_or(0, |seconds| seconds as i64);
    let (nbf, exp) = (date("nbf"), date("exp"));
    checks.add(Check::Before(nbf.saturating_sub(skew).saturating_mul(1000), "Jwt not yet valid".into()));
    if exp != 0 {
        let turn = exp.saturating_add(skew).saturating_add(1).saturating_mul(1000);
        checks.add(Check::From(turn, "Jwt is expired".into()));
    }
}

/// `CheckAudience::areAudiencesAllowed`
fn audience_is_taken(expected: Option<&[String]>, aud: Option<&Value>) -> bool {
    let Some(expected) = expected.filter(|expected| !expected.is_empty()) else { return true };
    let is_known = |aud: &Value| {
        aud.as_str().is_some_and(|aud| expected.iter().any(|known| sanitized(known) == sanitized(aud)))
    };
    match aud {
        Some(Value::Array(several)) => several.iter().any(is_known),
        Some(one) => is_known(one),
        None => false,
    }
}

fn sanitized(aud: &str) -> &str {
    let aud = aud.strip_prefix("http://").or_else(|| aud.strip_prefix("https://")).unwrap_or(aud);
    aud.strip_suffix('/').unwrap_or(aud)
}

/// `verifyJwtWithoutTimeChecking`: every key whose `kid` and `alg` do not contradict the token is tried.
fn key(input: &Input<'_>, alg: &str, kid: &str, signature: &[u8]) -> Check {
    let matches = |held: &HeldKey| {
        let own_kid = held.key.kid.as_deref().unwrap_or_default();
        let kid_matches = kid.is_empty() || own_kid.is_empty() || own_kid == kid;
        held.is_usable() && kid_matches && held.key.alg.as_deref().is_none_or(|own| own == alg)
    };
    let error = |held: &HeldKey, effort: &mut Effort| {
        let is_ed25519 = matches!(&held.key.kind, KeyKind::Okp { curve } if curve == "Ed25519");
        if is_ed25519 && signature.len() != 64 {
            return Some(Text::from("Jwt ED25519 signature is wrong length"));
        }
        let verifies = held.fits_kind(alg) && held.verifies(alg, input.signing_input(), signature, effort);
        (!verifies).then_some(FAILS.into())
    };
    Check::Key(input.setup.key_check(Choice::Any { last: true }, Some(NO_MATCH.into()), matches, error))
}

#[cfg(test)]
mod tests {
    use super::super::Profile;
    use super::super::testing::{NOW, assert_said, fetched, hs256, rs256, secret, signed};

    /// Of `jwt.cc`, `authenticator.cc` and `verify.cc`.
    #[test]
    fn envoy_checks_issuer_dates_and_audience_before_the_signature() {
        let late = hs256(&format!(r#","exp":{NOW}"#));
        let early = hs256(&format!(r#","nbf":{NOW}"#));
        let both = rs256("", r#"{"iss":"https://x.example","exp":1}"#);
        let forged = rs256("", r#"{"iss":"https://auth.example.com/","exp":1}"#);
        let unnamed = rs256("", r#"{"iss":"https://auth.example.com/"}"#);
        let slash = signed(
            r#"{"alg":"HS256"}"#,
            r#"{"iss":"https://auth.example.com/","aud":["http://api.example.com/"]}"#,
        );
        assert_said(
            Profile::Envoy,
            &secret(""),
            &[
                (&late, 60, ""),
                (&late, 61, "Jwt is expired"),
                (&early, -60, ""),
                (&early, -61, "Jwt not yet valid"),
                (&both, 0, "Jwt issuer is not configured"),
                (&forged, 0, "Jwt is expired"),
                (&unnamed, 0, "Audiences in Jwt are not allowed"),
                (&slash, 0, ""),
                (&hs256(r#","exp":"soon""#), 0, "Jwt payload [exp] field is not an integer"),
                (&hs256(r#","exp":-1"#), 0, "Jwt payload [exp] field is not a positive 64 bit integer"),
                (&hs256(r#","nbf":null"#), 0, "Jwt payload [nbf] field is not an integer"),
                (&hs256(r#","jti":5"#), 0, "Jwt payload [jti] field is not a string"),
                (&hs256(r#","exp":0"#), 0, ""),
                (&signed(r#"{"alg":"none"}"#, "{}"), 0, "Jwt header [alg] is not supported"),
                (&signed(r#"{"alg":"HS256","kid":5}"#, "{}"), 0, "Jwt header [kid] field is not a string"),
                (&signed(r#"{"alg":5}"#, "{}"), 0, "Jwt header [alg] field is required and must be a string"),
                (&signed(r#"{"alg":"HS256"}"#, "[1]"), 0, "Jwt payload is an invalid JSON"),
            ],
        );
        // A skew of nothing is the default one; that of the policy counts.
        assert_said(Profile::Envoy, &secret("leeway = \"0s\""), &[(&late, 60, "")]);
        assert_said(
            Profile::Envoy,
            &secret("leeway = \"30s\""),
            &[(&late, 30, ""), (&late, 31, "Jwt is expired")],
        );
    }

    #[test]
    fn envoy_looks_for_keys_that_do_not_contradict_the_token_at_its_time() {
        let claims = r#"{"iss":"https://auth.example.com/","aud":"https://api.example.com"}"#;
        let (old, new, none) =
            (rs256(r#","kid":"old""#, claims), rs256(r#","kid":"new""#, claims), rs256("", claims));
        let unknown = "Jwks doesn't have key to match kid or alg from Jwt";
        assert_said(
            Profile::Envoy,
            &fetched(),
            &[
                (&old, 3599, "Jwt verification fails"),
                (&old, 3600, unknown),
                (&new, 1799, unknown),
                (&new, 1800, "Jwt verification fails"),
                (&none, 0, "Jwt verification fails"),
            ],
        );
    }
}
