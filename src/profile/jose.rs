//! `jose` 6 for JavaScript (`jwt/verify.js`, `lib/jws_verify.js`, `lib/jwt_claims_set.js`, `jwks/local.js`).
//!
//! `jwtVerify(token, key, { algorithms, issuer, audience, clockTolerance, requiredClaims })`, the key being what
//! `createRemoteJWKSet` gives or a secret. The signature comes before the claims; then claims that are missing, the issuer, the
//! audience, and the dates, of which `iat` only has to be a number.

use serde_json::{Map, Value};

use super::Input;
use super::check::{Check, Checks, Choice, Text};
use super::read::{self, Base64, reached_by_seconds};
use super::setup::{Effort, HeldKey};
use crate::policy::KeyKind;

/// `atob`, on which `jose` decodes where the runtime has nothing better.
const BASE64: Base64 = Base64 { standard: false, padding: true, stray_bits: true };

const HMAC: [&str; 3] = ["HS256", "HS384", "HS512"];
const RSA: [&str; 6] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
const OTHERS: [&str; 8] =
    ["ES256", "ES384", "ES512", "EdDSA", "Ed25519", "ML-DSA-44", "ML-DSA-65", "ML-DSA-87"];

pub(super) fn checks(input: &Input<'_>) -> Vec<Check> {
    let mut checks = Checks::default();
    let [header, payload, signature] = input.parts[..] else {
        return checks.fail("JWSInvalid: Invalid Compact JWS");
    };
    let header = BASE64.decode(header).and_then(|bytes| read::object(&bytes));
    let Some(header) = header else { return checks.fail("JWSInvalid: JWS Protected Header is invalid") };
    if let Some(error) = check_crit(&header) {
        return checks.fail(error);
    }
    let Some(alg) = read::text(header.get("alg")).filter(|alg| !alg.is_empty()) else {
        return checks.fail("JWSInvalid: JWS \"alg\" (Algorithm) Header Parameter missing or invalid");
    };
    if input.setup.algorithms.is_some() && !input.setup.allows(alg) {
        return checks.fail("JOSEAlgNotAllowed: \"alg\" (Algorithm) Header Parameter value not allowed");
    }
    if let Err(error) = add_key(input, &header, alg, signature, &mut checks) {
        return checks.fail(error);
    }
    let is_unencoded = header.contains_key("crit") && header.get("b64") == Some(&Value::Bool(false));
    let payload = if is_unencoded { Some(payload.as_bytes().to_vec()) } else { BASE64.decode(payload) };
    let Some(payload) = payload else {
        return checks.fail("JWSInvalid: Failed to base64url decode the payload");
    };
    if is_unencoded {
        return checks.fail("JWTInvalid: JWTs MUST NOT use unencoded payload");
    }
    let Some(Value::Object(claims)) = read::json_of_any_size(&payload) else {
        return checks.fail("JWTInvalid: JWT Claims Set must be a top-level JSON object");
    };
    check_claims(input, &claims, &mut checks);
    checks.done()
}

/// `validateCrit` and `validateB64`; the only extension that is known is `b64`.
fn check_crit(header: &Map<String, Value>) -> Option<Text> {
    let crit = header.get("crit")?;
    let names: Option<Vec<&str>> = crit
        .as_array()
        .filter(|crit| !crit.is_empty())
        .and_then(|crit| crit.iter().map(|name| name.as_str().filter(|name| !name.is_empty())).collect());
    let Some(names) = names else {
        return Some(
            "JWSInvalid: \"crit\" (Critical) Header Parameter MUST be an array of non-empty strings when present"
                .into(),
        );
    };
    for name in names {
        if name != "b64" {
            return Some("JOSENotSupported: Extension Header Parameter \"…\" is not recognized".into());
        }
        if !header.contains_key("b64") {
            return Some("JWSInvalid: Extension Header Parameter \"b64\" is missing".into());
        }
    }
    (!header.get("b64").is_some_and(Value::is_boolean)).then_some(
        "JWSInvalid: The \"b64\" (base64url-encode payload) Header Parameter must be a boolean".into(),
    )
}

/// The key, and the signature with it. The error is one that no key could prevent.
fn add_key(
    input: &Input<'_>,
    header: &Map<String, Value>,
    alg: &str,
    signature: &str,
    checks: &mut Checks,
) -> Result<(), Text> {
    let setup = input.setup;
    let is_secret_algorithm = HMAC.contains(&alg);
    let is_known = is_secret_algorithm || RSA.contains(&alg) || OTHERS.contains(&alg);
    let unknown = Text::from(format!(
        "JOSENotSupported: alg {} is not supported either by JOSE or your javascript runtime",
        read::repeated(alg)
    ));
    let bytes = BASE64.decode(signature).ok_or("JWSInvalid: Failed to base64url decode the signature");
    if setup.keys.is_empty() {
        if !is_known {
            return Err(unknown);
        }
        return bytes.map(|_| ()).map_err(Into::into);
    }
    let error = |held: &HeldKey, effort: &mut Effort| match &bytes {
        Err(error) => Some(Text::from(*error)),
        Ok(bytes) => with_key(input, held, alg, bytes, effort),
    };
    if !setup.fetches {
        if !is_known {
            return Err(unknown);
        }
        checks.add(Check::Key(setup.key_check(Choice::Any { last: false }, None, |_| true, error)));
        return Ok(());
    }
    if !is_known || is_secret_algorithm {
        return Err("JOSENotSupported: Unsupported \"alg\" value for a JSON Web Key Set".into());
    }
    let kid = header.get("kid");
    let is_usable = |held: &HeldKey| {
        // A curve is compared before the key is read, but a key that cannot be read is no candidate of ours.
        held.is_usable()
            && held.fits_kind(alg)
            && held.is_for_signatures()
            && held.key.key_ops.as_ref().is_none_or(|ops| ops.iter().any(|operation| operation == "verify"))
            && held.key.alg.as_deref().is_none_or(|own| own == alg)
            && kid.is_none_or(|kid| kid.as_str().is_some_and(|kid| held.has_kid(kid)))
    };
    let none = "JWKSNoMatchingKey: no applicable key found in the JSON Web Key Set";
    let several = "JWKSMultipleMatchingKeys: multiple matching keys found in the JSON Web Key Set";
    checks.add(Check::Key(setup.key_check(
        Choice::Only(several.into()),
        Some(none.into()),
        is_usable,
        error,
    )));
    Ok(())
}

/// `prepareKey` and `verify`; the signature is decoded before the key is looked at.
fn with_key(
    input: &Input<'_>,
    held: &HeldKey,
    alg: &str,
    signature: &[u8],
    effort: &mut Effort,
) -> Option<Text> {
    if held.is_secret() && !HMAC.contains(&alg) {
        return Some(
            format!(
                "TypeError: Key for the {alg} algorithm must be one of type CryptoKey, KeyObject, or JSON Web Key. \
                 Received an instance of Uint8Array"
            )
            .into(),
        );
    }
    if !held.is_secret() && HMAC.contains(&alg) {
        return Some(
            format!("TypeError: CryptoKey instances must be of type \"secret\" for the {alg} algorithm")
                .into(),
        );
    }
    if !held.fits_kind(alg) {
        return Some(
            "TypeError: CryptoKey does not support this operation, its algorithm.name must be …".into(),
        );
    }
    if let KeyKind::Rsa { modulus_bits } = held.key.kind
        && modulus_bits < 2048
    {
        return Some(format!("TypeError: {alg} requires key modulusLength to be 2048 bits or larger").into());
    }
    (!held.verifies(alg, input.signing_input(), signature, effort))
        .then_some("JWSSignatureVerificationFailed: signature verification failed".into())
}

/// `validateClaimsSet`
fn check_claims(input: &Input<'_>, claims: &Map<String, Value>, checks: &mut Checks) {
    let setup = input.setup;
    let failed = |text: String| Check::Always(format!("JWTClaimValidationFailed: {text}").into());
    let configured = [setup.issuers.as_ref().map(|_| "iss"), setup.audiences.as_ref().map(|_| "aud")]
        .into_iter()
        .flatten();
    let required = configured.chain(setup.required_claims.iter().rev().map(String::as_str));
    for claim in required {
        if !claims.contains_key(claim) {
            checks.add(failed(format!("missing required \"{claim}\" claim")));
        }
    }
    if !input.issuer_is_taken() {
        checks.add(failed("unexpected \"iss\" claim value".to_owned()));
    }
    if let Some(audiences) = &setup.audiences {
        let is_known =
            |aud: &Value| aud.as_str().is_some_and(|aud| audiences.iter().any(|known| known == aud));
        let matches = match claims.get("aud") {
            Some(Value::Array(several)) => several.iter().any(is_known),
            Some(one) => is_known(one),
            None => false,
        };
        if !matches {
            checks.add(failed("unexpected \"aud\" claim value".to_owned()));
        }
    }
    let tolerance = setup.leeway_seconds();
    let number = |name: &str, checks: &mut Checks| {
        let value = claims.get(name)?;
        if !value.is_number() {
            checks.add(failed(format!("\"{name}\" claim must be a number")));
        }
        value.as_f64()
    };
    number("iat", checks);
    if let Some(nbf) = number("nbf", checks) {
        let error = "JWTClaimValidationFailed: \"nbf\" claim timestamp check failed";
        checks.add(Check::Before(reached_by_seconds(nbf - tolerance), error.into()));
    }
    if let Some(exp) = number("exp", checks) {
        let error = "JWTExpired: \"exp\" claim timestamp check failed";
        checks.add(Check::From(reached_by_seconds(exp + tolerance), error.into()));
    }
}
