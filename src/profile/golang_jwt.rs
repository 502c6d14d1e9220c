//! golang-jwt 5 (`parser.go`, `validator.go`, `map_claims.go`), with `MicahParks/keyfunc` 3 for key sets.
//!
//! `jwt.Parse(token, keyfunc, jwt.WithValidMethods(…), jwt.WithIssuer(…), jwt.WithAudience(…), jwt.WithLeeway(…))`. The
//! signature comes before the claims; of those, all that fail are told, joined by a comma. `iat` is not looked at. An `exp` of
//! 0 is none. `keyfunc` wants a `kid`. A PSS signature with a salt of another length than its hash, which it takes, is predicted to
//! fail, because nothing here verifies it.

use serde_json::{Map, Value};

use super::Input;
use super::check::{Check, Checks, Text};
use super::golang::{self, ILLEGAL, Json, Method, NoKey, Parsed, Part, Unparsed, quoted};
use super::setup::{Effort, HeldKey};

const KEYFUNC: &str = "token is unverifiable: error while executing keyfunc: ";

const NONE: &str = "token signature is invalid: token is unverifiable: 'none' signature type is not allowed";

pub(super) fn checks(input: &Input<'_>) -> Vec<Check> {
    let mut checks = Checks::default();
    let token = match golang::parse(input, Json::Unmarshal) {
        Ok(token) => token,
        Err(error) => return checks.fail(unparsed(&error)),
    };
    let Some(signature) = &token.signature else { return checks.fail(undecodable("signature")) };
    if input.setup.keys.is_empty() {
        if token.method == Method::None {
            return checks.fail(NONE);
        }
    } else {
        let error = |held: &HeldKey, effort: &mut Effort| with_key(input, &token, held, signature, effort);
        if let Err(error) = golang::add_key(input, &token.header, no_key, error, &mut checks) {
            return checks.fail(error);
        }
    }
    checks.add(claims_check(input, &token.claims));
    checks.done()
}

fn unparsed(error: &Unparsed) -> Text {
    let name = |part: &Part| match part {
        Part::Header => "header",
        Part::Claims => "claim",
    };
    match error {
        Unparsed::Segments => "token is malformed: token contains an invalid number of segments".into(),
        Unparsed::Base64(part) => undecodable(name(part)),
        Unparsed::Json(part, _) => {
            format!("token is malformed: could not JSON decode {}: …", name(part)).into()
        }
        Unparsed::Unspecified => "token is unverifiable: signing method (alg) is unspecified".into(),
        Unparsed::Unavailable => "token is unverifiable: signing method (alg) is unavailable".into(),
        Unparsed::NotAllowed(alg) => {
            format!("token signature is invalid: signing method {alg} is invalid").into()
        }
    }
}

fn undecodable(what: &str) -> Text {
    format!("token is malformed: could not base64 decode {what}: {ILLEGAL}").into()
}

fn no_key(reason: &NoKey<'_>) -> Text {
    match reason {
        NoKey::NoKid => format!("{KEYFUNC}failed keyfunc: could not find kid in JWT header"),
        NoKey::KidType => format!("{KEYFUNC}failed keyfunc: could not convert kid in JWT header to string"),
        NoKey::Unknown(kid) => format!(
            "{KEYFUNC}key not found: kid {}\nfailed keyfunc: could not read JWK from storage",
            quoted(kid)
        ),
    }
    .into()
}

/// `keyfunc`, then `Verify` of the signing method.
fn with_key(
    input: &Input<'_>,
    token: &Parsed,
    held: &HeldKey,
    signature: &[u8],
    effort: &mut Effort,
) -> Option<Text> {
    if input.setup.fetches
        && let Some(error) = golang::other_algorithm(held, &token.alg)
    {
        return Some(format!("{KEYFUNC}failed keyfunc: {error}").into());
    }
    let method = token.method;
    if method != Method::None && method.takes(held) {
        let verifies = token.verifies(input, held, signature, effort);
        return (!verifies).then(|| format!("token signature is invalid: {}", method.failure()).into());
    }
    let expects = match method {
        Method::None => return Some(NONE.into()),
        Method::Hmac => "HMAC verify expects []byte",
        Method::Ecdsa => "ECDSA verify expects *ecdsa.PublicKey",
        Method::Ed25519 => "Ed25519 verify expects ed25519.PublicKey",
        Method::RsaPss => "RSA-PSS verify expects *rsa.PublicKey",
        Method::Rsa => "RSA verify expects *rsa.PublicKey",
    };
    Some(format!("token signature is invalid: key is of invalid type: {expects}").into())
}

/// `Validator.Validate`
fn claims_check(input: &Input<'_>, claims: &Map<String, Value>) -> Check {
    let setup = input.setup;
    let leeway = setup.leeway_or(0);
    let mut checks = Vec::new();
    let mut fail = |error: String| checks.push(Check::Always(error.into()));
    let invalid = |name: &str| format!("invalid type for claim: {name} is invalid");
    let missing = |name: &str| format!("token is missing required claim: {name} claim is required");
    let exp = golang::date(claims, "exp");
    match exp {
        Err(()) => fail(invalid("exp")),
        Ok(None) if setup.required_claims.iter().any(|claim| claim == "exp") => fail(missing("exp")),
        Ok(None) => {}
        Ok(Some(exp)) => checks.push(Check::From(exp.saturating_add(leeway), "token is expired".into())),
    }
    match golang::date(claims, "nbf") {
        Err(()) => checks.push(Check::Always(invalid("nbf").into())),
        Ok(None) => {}
        Ok(Some(nbf)) => {
            checks.push(Check::Before(nbf.saturating_sub(leeway), "token is not valid yet".into()));
        }
    }
    let mut fail = |error: String| checks.push(Check::Always(error.into()));
    if let Some(expected) = &setup.audiences {
        match golang::audiences(claims.get("aud")) {
            None => fail(invalid("aud")),
            Some(aud) if aud.is_empty() || aud == [""] => fail(missing("aud")),
            Some(aud) if aud.iter().any(|aud| expected.iter().any(|known| known == aud)) => {}
            Some(_) => fail("token has invalid audience".to_owned()),
        }
    }
    if setup.issuers.is_some() {
        match claims.get("iss").map(Value::as_str) {
            Some(None) => fail(invalid("iss")),
            None | Some(Some("")) => fail(missing("iss")),
            Some(Some(_)) if input.is_trusted => {}
            Some(Some(_)) => fail("token has invalid issuer".to_owned()),
        }
    }
    Check::Together { prefix: "token has invalid claims: ", separator: ", ", checks }
}
