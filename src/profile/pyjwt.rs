//! PyJWT 2.15 (`api_jwt.py`, `api_jws.py`), with its own `PyJWKClient` (`jwks_client.py`) for key sets.
//!
//! `key = client.get_signing_key_from_jwt(token)`, then `jwt.decode(token, key, algorithms=…, audience=…, issuer=…,
//! leeway=…, options={"require": …})`. The signature comes before the claims; `iat`, `nbf`, `exp`, `iss`, `aud`, `sub`, `jti`
//! follow in this order. A token with an audience is refused where none is expected. Numbers may be written as strings.

use serde_json::{Map, Value};

use super::Input;
use super::check::{Check, Checks, Choice, Text};
use super::read::{self, Base64};
use super::setup::{Effort, HeldKey};
use crate::policy::algorithm::KNOWN;

const BASE64: Base64 = Base64 { standard: false, padding: true, stray_bits: false };
const NOT_ALLOWED: &str = "InvalidAlgorithmError: The specified alg value is not allowed";

pub(super) fn checks(input: &Input<'_>) -> Vec<Check> {
    let mut checks = Checks::default();
    // The last dot ends the signing input, the first ends the header.
    let split = input.text.rsplit_once('.').and_then(|(signed, signature)| {
        signed.split_once('.').map(|(header, payload)| (header, payload, signature))
    });
    let Some((header, payload, signature)) = split else {
        return checks.fail("DecodeError: Not enough segments");
    };
    let Some(header) = BASE64.decode(header) else {
        return checks.fail("DecodeError: Invalid header padding");
    };
    let header = match read::json(&header) {
        None => return checks.fail("DecodeError: Invalid header string: …"),
        Some(Value::Object(header)) => header,
        Some(_) => return checks.fail("DecodeError: Invalid header string: must be a json object"),
    };
    let is_unencoded = header.get("b64") == Some(&Value::Bool(false));
    if is_unencoded && !payload.is_empty() {
        return checks.fail("DecodeError: Payload segment must be empty when 'b64' is false.");
    }
    let Some(payload) = BASE64.decode(payload) else {
        return checks.fail("DecodeError: Invalid payload padding");
    };
    let Some(signature) = BASE64.decode(signature) else {
        return checks.fail("DecodeError: Invalid crypto padding");
    };
    if let Some(error) = check_header(&header, is_unencoded) {
        return checks.fail(error);
    }
    let alg = header.get("alg");
    let claims = match read::json_of_any_size(&payload) {
        Some(Value::Object(claims)) => Ok(claims),
        None => Err("DecodeError: Invalid payload string: …"),
        Some(_) => Err("DecodeError: Invalid payload string: must be a json object"),
    };
    let setup = input.setup;
    if setup.fetches {
        // The client decodes the token once before it looks for the key.
        if let Err(error) = claims {
            return checks.fail(error);
        }
        let kid = read::text(header.get("kid"));
        let none = read::repeated(kid.unwrap_or("None"));
        let none = format!("PyJWKClientError: Unable to find a signing key that matches: \"{none}\"");
        let is_named = |held: &HeldKey| {
            held.is_usable()
                && held.is_for_signatures()
                && is_jwk(held)
                && kid.is_some_and(|kid| held.has_kid(kid))
        };
        let error = |held: &HeldKey, effort: &mut Effort| with_jwk(input, held, alg, &signature, effort);
        checks.add(Check::Key(setup.key_check(Choice::First, Some(none.into()), is_named, error)));
    } else {
        if let Some(error) = check_algorithm(input, alg) {
            return checks.fail(error);
        }
        let error = |held: &HeldKey, effort: &mut Effort| with_key(input, held, alg, &signature, effort);
        checks.add(Check::Key(setup.key_check(Choice::Any { last: false }, None, |_| true, error)));
    }
    match claims {
        Err(error) => return checks.fail(error),
        Ok(claims) => check_claims(input, &claims, &mut checks),
    }
    checks.done()
}

/// `_validate_headers`, and what `decode_complete` asks about `b64`.
fn check_header(header: &Map<String, Value>, is_unencoded: bool) -> Option<Text> {
    if header.get("kid").is_some_and(|kid| !kid.is_string()) {
        return Some("InvalidTokenError: Key ID header parameter must be a string".into());
    }
    if let Some(crit) = header.get("crit") {
        let Some(crit) = crit.as_array().filter(|crit| !crit.is_empty()) else {
            return Some("InvalidTokenError: Invalid 'crit' header: must be a non-empty list".into());
        };
        for extension in crit {
            match extension.as_str() {
                None => {
                    return Some("InvalidTokenError: Invalid 'crit' header: values must be strings".into());
                }
                Some("b64") if header.contains_key("b64") => {}
                Some("b64") => {
                    return Some(
                        "InvalidTokenError: Critical extension 'b64' is missing from headers".into(),
                    );
                }
                Some(_) => return Some("InvalidTokenError: Unsupported critical extension: …".into()),
            }
        }
    }
    if !is_unencoded {
        return None;
    }
    Some(if header.contains_key("crit") {
        "DecodeError: It is required that you pass in a value for the \"detached_payload\" argument to decode a \
         message having the b64 header set to false."
            .into()
    } else {
        "InvalidTokenError: The 'b64' header parameter requires 'b64' to be listed in 'crit'.".into()
    })
}

fn check_algorithm(input: &Input<'_>, alg: Option<&Value>) -> Option<Text> {
    match alg {
        None => Some("InvalidAlgorithmError: Algorithm not specified".into()),
        Some(alg) => (!alg.as_str().is_some_and(|alg| input.setup.allows(alg))).then_some(NOT_ALLOWED.into()),
    }
}

/// Whether `PyJWK` can be made of it.
fn is_jwk(held: &HeldKey) -> bool {
    held.natural_algorithm()
        .is_some_and(|alg| KNOWN.iter().any(|known| known.name == alg) && held.fits_kind(&alg))
}

/// With a key of a key set, which is for one algorithm.
fn with_jwk(
    input: &Input<'_>,
    held: &HeldKey,
    alg: Option<&Value>,
    signature: &[u8],
    effort: &mut Effort,
) -> Option<Text> {
    if let Some(error) = check_algorithm(input, alg) {
        return Some(error);
    }
    let alg = read::text(alg).unwrap_or_default();
    let own = held.natural_algorithm().unwrap_or_default();
    if alg != own {
        return Some(
            format!(
                "InvalidAlgorithmError: Token algorithm '{alg}' does not match the key's algorithm '{own}'"
            )
            .into(),
        );
    }
    check_signature(input, held, alg, signature, effort)
}

/// With a key that is configured directly.
fn with_key(
    input: &Input<'_>,
    held: &HeldKey,
    alg: Option<&Value>,
    signature: &[u8],
    effort: &mut Effort,
) -> Option<Text> {
    let alg = read::text(alg).unwrap_or_default();
    if held.is_secret() && !alg.starts_with("HS") {
        return Some("InvalidKeyError: Could not parse the provided public key.".into());
    }
    if !held.is_secret() && alg.starts_with("HS") {
        return Some(
            "InvalidKeyError: The specified key is an asymmetric key or x509 certificate and should not be used as an HMAC secret."
                .into(),
        );
    }
    if !held.fits_kind(alg) {
        return Some("InvalidKeyError: …".into());
    }
    check_signature(input, held, alg, signature, effort)
}

fn check_signature(
    input: &Input<'_>,
    held: &HeldKey,
    alg: &str,
    signature: &[u8],
    effort: &mut Effort,
) -> Option<Text> {
    (!held.verifies(alg, input.signing_input(), signature, effort))
        .then_some("InvalidSignatureError: Signature verification failed".into())
}

/// `_validate_claims`
fn check_claims(input: &Input<'_>, claims: &Map<String, Value>, checks: &mut Checks) {
    let setup = input.setup;
    for required in &setup.required_claims {
        if claims.get(required).is_none_or(Value::is_null) {
            checks.add(missing(required));
        }
    }
    let leeway = setup.leeway_or(0);
    let early = |name| Text::from(format!("ImmatureSignatureError: The token is not yet valid ({name})"));
    for (name, error) in [
        ("iat", "InvalidIssuedAtError: Issued At claim (iat) must be an integer."),
        ("nbf", "DecodeError: Not Before claim (nbf) must be an integer."),
    ] {
        match claims.get(name).map(integer) {
            None => {}
            Some(None) => checks.add(Check::Always(error.into())),
            Some(Some(seconds)) => {
                checks.add(Check::Before(seconds.saturating_mul(1000).saturating_sub(leeway), early(name)));
            }
        }
    }
    match claims.get("exp").map(integer) {
        None => {}
        Some(None) => {
            checks.add(Check::Always("DecodeError: Expiration Time claim (exp) must be an integer.".into()));
        }
        Some(Some(seconds)) => checks.add(Check::From(
            seconds.saturating_mul(1000).saturating_add(leeway),
            "ExpiredSignatureError: Signature has expired".into(),
        )),
    }
    if setup.issuers.is_some() {
        match claims.get("iss") {
            None => checks.add(missing("iss")),
            Some(Value::String(_)) if input.is_trusted => {}
            Some(Value::String(_)) => checks.add(Check::Always("InvalidIssuerError: Invalid issuer".into())),
            Some(_) => {
                checks.add(Check::Always("InvalidIssuerError: Payload Issuer (iss) must be a string".into()));
            }
        }
    }
    if let Some(error) = check_audience(setup.audiences.as_deref(), claims.get("aud")) {
        checks.add(error);
    }
    if claims.get("sub").is_some_and(|sub| !sub.is_string()) {
        checks.add(Check::Always("InvalidSubjectError: Subject must be a string".into()));
    }
    if claims.get("jti").is_some_and(|jti| !jti.is_string()) {
        checks.add(Check::Always("InvalidJTIError: JWT ID must be a string".into()));
    }
}

fn missing(claim: &str) -> Check {
    Check::Always(format!("MissingRequiredClaimError: Token is missing the \"{claim}\" claim").into())
}

fn check_audience(expected: Option<&[String]>, aud: Option<&Value>) -> Option<Check> {
    let error = |text: &'static str| Some(Check::Always(text.into()));
    let aud = aud.filter(|aud| is_truthy(aud));
    let (Some(expected), Some(aud)) = (expected, aud) else {
        return match (expected, aud) {
            (None, Some(_)) => error("InvalidAudienceError: Invalid audience"),
            (Some(_), None) => Some(missing("aud")),
            _ => None,
        };
    };
    let values = match aud {
        Value::String(one) => Some(vec![one.as_str()]),
        Value::Array(several) => several.iter().map(Value::as_str).collect(),
        _ => None,
    };
    match values {
        None => error("InvalidAudienceError: Invalid claim format in token"),
        Some(values) if expected.iter().any(|known| values.contains(&known.as_str())) => None,
        Some(_) => error("InvalidAudienceError: Audience doesn't match"),
    }
}

/// What Python takes for true.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(value) => *value,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(members) => !members.is_empty(),
    }
}

/// `int(value)` of Python.
fn integer(value: &Value) -> Option<i64> {
    match value {
        Value::Bool(value) => Some(i64::from(*value)),
        // The cast saturates, and cuts a fraction as Python does.
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|seconds| seconds as i64)),
        Value::String(text) => {
            let text = text.trim();
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            let is_number =
                digits.split('_').all(|group| !group.is_empty() && group.bytes().all(|b| b.is_ascii_digit()));
            let number = text.replace('_', "");
            let saturated = if text.starts_with('-') { i64::MIN } else { i64::MAX };
            is_number.then(|| number.parse().unwrap_or(saturated))
        }
        _ => None,
    }
}
