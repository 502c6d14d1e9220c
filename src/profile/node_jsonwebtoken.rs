//! `jsonwebtoken` 9 for Node (`verify.js`, `decode.js`), on `jws` 4, with `jwks-rsa` 3 (`JwksClient.js`) for key sets.
//!
//! `jwt.verify(token, key, { algorithms, issuer, audience, clockTolerance })`. The signature comes before the claims, `nbf`
//! before `exp`, the audience before the issuer; `iat` is not looked at. The payload is read as JSON only where `typ` is `JWT`
//! or where it happens to be an object. Like OpenSSL, it takes a PSS signature with a salt of any length; that one is predicted
//! to fail all the same, because nothing here verifies it.

use serde_json::Value;

use super::Input;
use super::check::{Check, Checks, Choice, KeyCheck, Text};
use super::read::{self, node_buffer, reached_by_seconds};
use super::setup::{Effort, HeldKey, Setup};
use crate::policy::KeyKind;

const CALLBACK: &str = "JsonWebTokenError: error in secret or public key callback: ";
const NO_SIGNATURE: &str = "JsonWebTokenError: jwt signature is required";
const BAD_ALGORITHM: &str = "JsonWebTokenError: invalid algorithm";

const RSA: [&str; 6] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
const EC: [&str; 3] = ["ES256", "ES384", "ES512"];
const HMAC: [&str; 3] = ["HS256", "HS384", "HS512"];

pub(super) fn checks(input: &Input<'_>) -> Vec<Check> {
    let mut checks = Checks::default();
    let [header, payload, signature] = input.parts[..] else {
        return checks.fail("JsonWebTokenError: jwt malformed");
    };
    let is_plain = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    // jws reads the header byte by byte, not as UTF-8.
    let header_text: String = node_buffer(header).into_iter().map(char::from).collect();
    let header = read::object(header_text.as_bytes());
    let has_form = !payload.is_empty() && input.parts.iter().all(|part| is_plain(part));
    let Some(header) = header.filter(|_| has_form) else {
        return checks.fail("JsonWebTokenError: invalid token");
    };
    let payload = String::from_utf8_lossy(&node_buffer(payload)).into_owned();
    let claims = read::json_of_any_size(payload.as_bytes());
    if header.get("typ").and_then(Value::as_str) == Some("JWT") && claims.is_none() {
        return checks.fail("SyntaxError: …");
    }
    let alg = read::text(header.get("alg"));
    checks.add(key(input, alg, header.get("kid"), signature));
    if input.setup.keys.is_empty() && !alg.is_some_and(|alg| input.setup.allows(alg)) {
        return checks.fail(BAD_ALGORITHM);
    }
    match claims {
        Some(Value::Null) if header.get("typ").and_then(Value::as_str) == Some("JWT") => {
            return checks.fail("TypeError: Cannot read properties of null (reading 'nbf')");
        }
        claims => check_claims(input, claims.as_ref().unwrap_or(&Value::Null), &mut checks),
    }
    checks.done()
}

/// The key, and all that is checked with it.
fn key(input: &Input<'_>, alg: Option<&str>, kid: Option<&Value>, signature: &str) -> Check {
    let setup = input.setup;
    if setup.keys.is_empty() {
        let none = signature.is_empty().then_some(NO_SIGNATURE.into());
        return Check::Key(KeyCheck { choice: Choice::First, trials: Vec::new(), none });
    }
    let error = |held: &HeldKey, effort: &mut Effort| with_key(input, held, alg, signature, effort);
    if !setup.fetches {
        return Check::Key(setup.key_check(Choice::Any { last: false }, None, |_| true, error));
    }
    let fetched = |held: &HeldKey| held.is_usable() && held.is_for_signatures() && !held.is_secret();
    let check = match kid.filter(|kid| !kid.is_null()) {
        None => {
            let several = format!("{CALLBACK}No KID specified and JWKS endpoint returned more than 1 key");
            let none = format!("{CALLBACK}The JWKS endpoint did not contain any signing keys");
            setup.key_check(Choice::Only(several.into()), Some(none.into()), fetched, error)
        }
        Some(kid) => {
            let name = kid.as_str().map_or_else(|| shown(kid), read::repeated);
            let none = format!("{CALLBACK}Unable to find a signing key that matches '{name}'");
            let named = |held: &HeldKey| fetched(held) && kid.as_str().is_some_and(|kid| held.has_kid(kid));
            setup.key_check(Choice::First, Some(none.into()), named, error)
        }
    };
    Check::Key(check)
}

/// What stands in a message for a value that is no string.
fn shown(value: &Value) -> String {
    match value {
        Value::Object(_) => "[object Object]".to_owned(),
        Value::Array(_) => "…".to_owned(),
        other => other.to_string(),
    }
}

/// What `verify` says with this key, up to the signature.
fn with_key(
    input: &Input<'_>,
    held: &HeldKey,
    alg: Option<&str>,
    signature: &str,
    effort: &mut Effort,
) -> Option<Text> {
    if signature.is_empty() {
        return Some(NO_SIGNATURE.into());
    }
    let alg = alg.unwrap_or_default();
    if !allows(input.setup, held, alg) {
        return Some(BAD_ALGORITHM.into());
    }
    let is_asymmetric = ["RS", "PS", "ES"].iter().any(|family| alg.starts_with(family));
    if alg.starts_with("HS") && !held.is_secret() {
        return Some(
            format!("JsonWebTokenError: secretOrPublicKey must be a symmetric key when using {alg}").into(),
        );
    }
    if is_asymmetric && held.is_secret() {
        return Some(
            format!("JsonWebTokenError: secretOrPublicKey must be an asymmetric key when using {alg}").into(),
        );
    }
    check_key_type(held, alg).or_else(|| check_signature(input, held, alg, signature, effort))
}

/// `options.algorithms`, or what the type of the key stands for.
fn allows(setup: &Setup, held: &HeldKey, alg: &str) -> bool {
    if setup.algorithms.is_some() {
        return setup.allows(alg);
    }
    match held.key.kind {
        KeyKind::Oct { .. } => HMAC.contains(&alg),
        KeyKind::Ec { .. } => EC.contains(&alg),
        _ => RSA.contains(&alg),
    }
}

/// `lib/validateAsymmetricKey.js`
fn check_key_type(held: &HeldKey, alg: &str) -> Option<Text> {
    let one_of = |kind: &str, algorithms: &[&str]| {
        let algorithms = algorithms.join(", ");
        format!("Error: \"alg\" parameter for \"{kind}\" key type must be one of: {algorithms}.").into()
    };
    match &held.key.kind {
        KeyKind::Oct { .. } => None,
        KeyKind::Rsa { .. } if RSA.contains(&alg) => None,
        KeyKind::Rsa { .. } => Some(one_of("rsa", &["RS256", "PS256", "RS384", "PS384", "RS512", "PS512"])),
        KeyKind::Ec { .. } if !EC.contains(&alg) => Some(one_of("ec", &EC)),
        KeyKind::Ec { .. } if held.fits_kind(alg) => None,
        KeyKind::Ec { .. } => {
            let curve = match alg {
                "ES256" => "prime256v1",
                "ES384" => "secp384r1",
                _ => "secp521r1",
            };
            Some(format!("Error: \"alg\" parameter \"{alg}\" requires curve \"{curve}\".").into())
        }
        KeyKind::Okp { curve } => {
            Some(format!("Error: Unknown key type \"{}\".", curve.to_ascii_lowercase()).into())
        }
        KeyKind::Unreadable { .. } | KeyKind::Other(_) => None,
    }
}

/// `jwa`: an HMAC is compared as text, anything else as bytes, however they are written.
fn check_signature(
    input: &Input<'_>,
    held: &HeldKey,
    alg: &str,
    signature: &str,
    effort: &mut Effort,
) -> Option<Text> {
    let is_known = RSA.contains(&alg) || EC.contains(&alg) || HMAC.contains(&alg);
    if !is_known {
        return Some(format!("TypeError: \"{alg}\" is not a valid algorithm.…").into());
    }
    let bytes = node_buffer(signature);
    if EC.contains(&alg)
        && let Some(length) = held.key.signature_len().filter(|length| *length != bytes.len())
    {
        let saw = bytes.len();
        return Some(
            format!("TypeError: \"{alg}\" signatures must be \"{length}\" bytes, saw \"{saw}\"").into(),
        );
    }
    let is_text_of_bytes = !held.is_secret() || read::canonical(&bytes) == signature;
    let verifies = is_text_of_bytes && held.verifies(alg, input.signing_input(), &bytes, effort);
    (!verifies).then_some("JsonWebTokenError: invalid signature".into())
}

fn check_claims(input: &Input<'_>, claims: &Value, checks: &mut Checks) {
    let setup = input.setup;
    let leeway = setup.leeway_seconds();
    // Of anything but an object, JavaScript gives `undefined`.
    if let Some(nbf) = claims.get("nbf") {
        checks.add(match nbf.as_f64() {
            None => Check::Always("JsonWebTokenError: invalid nbf value".into()),
            Some(nbf) => {
                Check::Before(reached_by_seconds(nbf - leeway), "NotBeforeError: jwt not active".into())
            }
        });
    }
    if let Some(exp) = claims.get("exp") {
        checks.add(match exp.as_f64() {
            None => Check::Always("JsonWebTokenError: invalid exp value".into()),
            Some(exp) => {
                Check::From(reached_by_seconds(exp + leeway), "TokenExpiredError: jwt expired".into())
            }
        });
    }
    if let Some(audiences) = &setup.audiences {
        let named =
            |value: &Value| value.as_str().is_some_and(|aud| audiences.iter().any(|known| known == aud));
        let matches = match claims.get("aud") {
            Some(Value::Array(several)) => several.iter().any(named),
            Some(one) => named(one),
            None => false,
        };
        if !matches {
            let expected = audiences.join(" or ");
            checks.add(Check::Always(
                format!("JsonWebTokenError: jwt audience invalid. expected: {expected}").into(),
            ));
        }
    }
    if !input.issuer_is_taken() {
        let expected = setup.issuers.iter().flatten().map(String::as_str).collect::<Vec<_>>().join(",");
        checks.add(Check::Always(
            format!("JsonWebTokenError: jwt issuer invalid. expected: {expected}").into(),
        ));
    }
}
