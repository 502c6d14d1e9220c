//! golang-jwt 5 (`parser.go`, `validator.go`, `map_claims.go`), with `MicahParks/keyfunc` 3 for key sets.
//!
//! `jwt.Parse(token, keyfunc, jwt.WithValidMethods(…), jwt.WithIssuer(…), jwt.WithAudience(…), jwt.WithLeeway(…))`. The
//! signature comes before the claims; of those, all that fail are told, joined by a comma. `iat` is not looked at. An `exp` of
//! 0 is none. `keyfunc` wants a `kid`. A PSS signature with a salt of another length than its hash, which it takes, is predicted to
//! fail, because nothing here verifies it.

use serde_json::{Map, Value};

use super::Input;
use super::check::{Check, Checks, Choice, Text};
use super::read::{self, Base64};
use super::setup::{Effort, HeldKey};
use crate::policy::KeyKind;

const BASE64: Base64 = Base64 { standard: false, padding: false, stray_bits: true };
const KEYFUNC: &str = "token is unverifiable: error while executing keyfunc: ";

const METHODS: [&str; 14] = [
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384",
    "ES512", "EdDSA", "none",
];

pub(super) fn checks(input: &Input<'_>) -> Vec<Check> {
    let mut checks = Checks::default();
    let [header, payload, signature] = input.parts[..] else {
        return checks.fail("token is malformed: token contains an invalid number of segments");
    };
    let undecodable = |what: &str| {
        format!("token is malformed: could not base64 decode {what}: illegal base64 data at input byte …")
    };
    let Some(header) = BASE64.decode(header) else { return checks.fail(undecodable("header")) };
    let Some(header) = nullable_object(&header) else {
        return checks.fail("token is malformed: could not JSON decode header: …");
    };
    let Some(payload) = BASE64.decode(payload) else { return checks.fail(undecodable("claim")) };
    let Some(claims) = nullable_object(&payload) else {
        return checks.fail("token is malformed: could not JSON decode claim: …");
    };
    let Some(alg) = read::text(header.get("alg")) else {
        return checks.fail("token is unverifiable: signing method (alg) is unspecified");
    };
    if !METHODS.contains(&alg) {
        return checks.fail("token is unverifiable: signing method (alg) is unavailable");
    }
    let setup = input.setup;
    if setup.algorithms.is_some() && !setup.allows(alg) {
        return checks.fail(format!("token signature is invalid: signing method {alg} is invalid"));
    }
    let Some(signature) = BASE64.decode(signature) else { return checks.fail(undecodable("signature")) };
    if let Err(error) = add_key(input, &header, alg, &signature, &mut checks) {
        return checks.fail(error);
    }
    checks.add(claims_check(input, &claims));
    checks.done()
}

/// What `json.Unmarshal` puts into a map: of `null`, nothing.
fn nullable_object(bytes: &[u8]) -> Option<Map<String, Value>> {
    // Go replaces what is no UTF-8.
    match read::json(String::from_utf8_lossy(bytes).as_bytes())? {
        Value::Object(object) => Some(object),
        Value::Null => Some(Map::new()),
        _ => None,
    }
}

/// The key, and the signature with it. The error is one that no key could prevent.
fn add_key(
    input: &Input<'_>,
    header: &Map<String, Value>,
    alg: &str,
    signature: &[u8],
    checks: &mut Checks,
) -> Result<(), Text> {
    let setup = input.setup;
    let error = |held: &HeldKey, effort: &mut Effort| with_key(input, held, alg, signature, effort);
    if setup.keys.is_empty() {
        return if alg == "none" { Err(NONE.into()) } else { Ok(()) };
    }
    if !setup.fetches {
        checks.add(Check::Key(setup.key_check(Choice::Any { last: true }, None, |_| true, error)));
        return Ok(());
    }
    let Some(kid) = header.get("kid") else {
        return Err(format!("{KEYFUNC}failed keyfunc: could not find kid in JWT header").into());
    };
    let Some(kid) = kid.as_str() else {
        return Err(format!("{KEYFUNC}failed keyfunc: could not convert kid in JWT header to string").into());
    };
    let none = format!(
        "{KEYFUNC}key not found: kid {}\nfailed keyfunc: could not read JWK from storage",
        quoted(kid)
    );
    let is_named = |held: &HeldKey| held.is_usable() && held.has_kid(kid);
    let with_jwk = |held: &HeldKey, effort: &mut Effort| match held.key.alg.as_deref() {
        Some(own) if own != alg => Some(Text::from(format!(
            "{KEYFUNC}failed keyfunc: JWK \"alg\" parameter value {} does not match token \"alg\" parameter value \"{alg}\"",
            quoted(own)
        ))),
        _ => error(held, effort),
    };
    checks.add(Check::Key(setup.key_check(Choice::First, Some(none.into()), is_named, with_jwk)));
    Ok(())
}

const NONE: &str = "token signature is invalid: token is unverifiable: 'none' signature type is not allowed";

/// A text as `%q` of Go writes it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", read::repeated(text).escape_debug())
}

/// `Verify` of the signing method.
fn with_key(
    input: &Input<'_>,
    held: &HeldKey,
    alg: &str,
    signature: &[u8],
    effort: &mut Effort,
) -> Option<Text> {
    let wrong_type = |expects: &str| {
        Some(Text::from(format!("token signature is invalid: key is of invalid type: {expects}")))
    };
    let failed = match (alg, &held.key.kind) {
        ("none", _) => return Some(NONE.into()),
        ("HS256" | "HS384" | "HS512", KeyKind::Oct { .. }) => "signature is invalid",
        ("HS256" | "HS384" | "HS512", _) => return wrong_type("HMAC verify expects []byte"),
        ("ES256" | "ES384" | "ES512", KeyKind::Ec { .. }) => "crypto/ecdsa: verification error",
        ("ES256" | "ES384" | "ES512", _) => return wrong_type("ECDSA verify expects *ecdsa.PublicKey"),
        ("EdDSA", KeyKind::Okp { .. }) => "ed25519: verification error",
        ("EdDSA", _) => return wrong_type("Ed25519 verify expects ed25519.PublicKey"),
        ("PS256" | "PS384" | "PS512", KeyKind::Rsa { .. }) => "crypto/rsa: verification error",
        ("PS256" | "PS384" | "PS512", _) => return wrong_type("RSA-PSS verify expects *rsa.PublicKey"),
        (_, KeyKind::Rsa { .. }) => "crypto/rsa: verification error",
        (_, _) => return wrong_type("RSA verify expects *rsa.PublicKey"),
    };
    // A signature by another curve of the same family simply fails.
    let verifies = held.fits_kind(alg) && held.verifies(alg, input.signing_input(), signature, effort);
    (!verifies).then(|| format!("token signature is invalid: {failed}").into())
}

/// `Validator.Validate`
fn claims_check(input: &Input<'_>, claims: &Map<String, Value>) -> Check {
    let setup = input.setup;
    let leeway = setup.leeway_or(0);
    let mut checks = Vec::new();
    let mut fail = |error: String| checks.push(Check::Always(error.into()));
    let invalid = |name: &str| format!("invalid type for claim: {name} is invalid");
    let missing = |name: &str| format!("token is missing required claim: {name} claim is required");
    let exp = date(claims, "exp");
    match exp {
        Err(()) => fail(invalid("exp")),
        Ok(None) if setup.required_claims.iter().any(|claim| claim == "exp") => fail(missing("exp")),
        Ok(None) => {}
        Ok(Some(exp)) => checks.push(Check::From(exp.saturating_add(leeway), "token is expired".into())),
    }
    match date(claims, "nbf") {
        Err(()) => checks.push(Check::Always(invalid("nbf").into())),
        Ok(None) => {}
        Ok(Some(nbf)) => {
            checks.push(Check::Before(nbf.saturating_sub(leeway), "token is not valid yet".into()));
        }
    }
    let mut fail = |error: String| checks.push(Check::Always(error.into()));
    if let Some(expected) = &setup.audiences {
        match audiences(claims.get("aud")) {
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

/// `parseNumericDate`, in milliseconds: a fraction of a second is cut, and 0 is no date.
fn date(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, ()> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(number)) => {
            let seconds = number.as_f64().ok_or(())?;
            // What Go's clock has no room for lies in the far past, where its processor is an amd64.
            let millis =
                if seconds.abs() < MAX_SECONDS { (seconds.floor() * 1000.0) as i64 } else { i64::MIN };
            Ok((seconds != 0.0).then_some(millis))
        }
        Some(_) => Err(()),
    }
}

/// The seconds since 1970 that a `time.Time`, which counts from the year 1, has room for.
const MAX_SECONDS: f64 = (i64::MAX - 62_135_596_800) as f64;

/// `parseClaimsString`; of anything but a string or an array, nothing.
fn audiences(aud: Option<&Value>) -> Option<Vec<&str>> {
    match aud {
        Some(Value::String(one)) => Some(vec![one]),
        Some(Value::Array(several)) => several.iter().map(Value::as_str).collect(),
        _ => Some(Vec::new()),
    }
}
