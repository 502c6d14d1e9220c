//! `jsonwebtoken` for Rust, 10 and 11 (`decoding.rs`, `validation.rs`): the library that jwtriage itself verifies with, so that
//! it is asked for its own errors wherever that can be done without a clock.
//!
//! `decode_header`, the key by `JwkSet::find`, then `decode` with `Validation::new(…)`, `set_issuer`, `set_audience` and `leeway`.
//! The signature comes before the claims; `exp` is required, `nbf` and `iat` are not looked at, and neither an issuer nor an audience is
//! missed. A token with an audience is refused where none is expected.

use std::borrow::Cow;
use std::collections::HashSet;

use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::errors::Error;
use jsonwebtoken::{Algorithm, AlgorithmFamily, decode_header};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Input;
use super::check::{Check, Checks, Choice, Text};
use super::setup::{Effort, HeldKey};
use crate::policy::KeyKind;

const BAD_ALGORITHM: &str = "InvalidAlgorithm";

pub(super) fn checks(input: &Input<'_>) -> Vec<Check> {
    let mut checks = Checks::default();
    let header = match decode_header(input.text) {
        Ok(header) => header,
        Err(error) => return checks.fail(told(&error)),
    };
    let setup = input.setup;
    let signature = input.text.rsplit('.').next().unwrap_or_default();
    let error = |held: &HeldKey, effort: &mut Effort| with_key(input, held, header.alg, signature, effort);
    if setup.keys.is_empty() {
        if !setup.allows(name_of(header.alg)) {
            return checks.fail(BAD_ALGORITHM);
        }
    } else if setup.fetches {
        // What the library's own example for key sets says.
        let Some(kid) = header.kid.as_deref() else {
            return checks.fail("Token doesn't have a `kid` header field");
        };
        let none = "No matching JWK found for the given kid";
        let is_named = |held: &HeldKey| held.is_usable() && held.has_kid(kid);
        checks.add(Check::Key(setup.key_check(Choice::First, Some(none.into()), is_named, error)));
    } else {
        checks.add(Check::Key(setup.key_check(Choice::Any { last: false }, None, |_| true, error)));
    }
    if let Err(error) = insecure_decode_claims::<Value>(input.text) {
        return checks.fail(told(&error));
    }
    let payload = input.text.split('.').nth(1).unwrap_or_default();
    let payload = BASE64URL_NOPAD.decode(payload.as_bytes()).unwrap_or_default();
    match serde_json::from_slice::<ClaimsForValidation<'_>>(&payload) {
        Ok(claims) => check_claims(input, &claims, &mut checks),
        Err(error) => return checks.fail(without_values(&format!("JSON error: {error}"))),
    }
    checks.done()
}

/// The error as it displays itself.
fn told(error: &Error) -> Text {
    without_values(&error.to_string()).into()
}

/// A message of serde without the value that it complains of; an unknown `alg` may stay.
fn without_values(message: &str) -> String {
    let Some(start) = message.find("invalid type: ").map(|at| at + "invalid type: ".len()) else {
        return message.to_owned();
    };
    match message[start..].rfind(", expected ") {
        Some(end) => format!("{}…{}", &message[..start], &message[start + end..]),
        None => message.to_owned(),
    }
}

/// The name of an algorithm in a header; nothing of one that a later version of the library may have.
const fn name_of(alg: Algorithm) -> &'static str {
    match alg {
        Algorithm::HS256 => "HS256",
        Algorithm::HS384 => "HS384",
        Algorithm::HS512 => "HS512",
        Algorithm::ES256 => "ES256",
        Algorithm::ES384 => "ES384",
        Algorithm::RS256 => "RS256",
        Algorithm::RS384 => "RS384",
        Algorithm::RS512 => "RS512",
        Algorithm::PS256 => "PS256",
        Algorithm::PS384 => "PS384",
        Algorithm::PS512 => "PS512",
        Algorithm::EdDSA => "EdDSA",
        _ => "",
    }
}

/// `decode` up to the signature. The algorithms that are allowed are those of the key's family, because the library refuses a
/// list that mixes families.
fn with_key(
    input: &Input<'_>,
    held: &HeldKey,
    alg: Algorithm,
    signature: &str,
    effort: &mut Effort,
) -> Option<Text> {
    let family = match held.key.kind {
        KeyKind::Rsa { .. } => AlgorithmFamily::Rsa,
        KeyKind::Ec { .. } => AlgorithmFamily::Ec,
        KeyKind::Okp { .. } => AlgorithmFamily::Ed,
        KeyKind::Oct { .. } => AlgorithmFamily::Hmac,
        KeyKind::Unreadable { .. } | KeyKind::Other(_) => return None,
    };
    let name = name_of(alg);
    let is_allowed = input.setup.algorithms.is_none() || input.setup.allows(name);
    if alg.family() != family || !is_allowed {
        return Some(BAD_ALGORITHM.into());
    }
    // The error of a signature that is no base64url is the library's own.
    let key = jsonwebtoken::DecodingKey::from_secret(b"");
    if let Err(error) = jsonwebtoken::crypto::verify(signature, b"", &key, Algorithm::HS256) {
        return Some(told(&error));
    }
    let bytes = BASE64URL_NOPAD.decode(signature.as_bytes()).unwrap_or_default();
    let verifies = held.fits_kind(name) && held.verifies(name, input.signing_input(), &bytes, effort);
    (!verifies).then_some("InvalidSignature".into())
}

/// A claim as the library takes it: there in the right type, there in another one, or not there (also when it is `null`).
#[derive(Debug, Default)]
enum Claim<T> {
    Parsed(T),
    Unreadable,
    #[default]
    Absent,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Claim<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match Option::<T>::deserialize(deserializer) {
            Ok(Some(value)) => Self::Parsed(value),
            Ok(None) => Self::Absent,
            Err(_) => Self::Unreadable,
        })
    }
}

/// The claims that the library validates, in the types that it validates and by the name that its errors show, so that its
/// parser stumbles where ours does.
#[derive(Deserialize)]
struct ClaimsForValidation<'a> {
    #[serde(deserialize_with = "number", default)]
    exp: Claim<u64>,
    #[serde(deserialize_with = "number", default)]
    nbf: Claim<u64>,
    #[serde(borrow)]
    sub: Claim<Cow<'a, str>>,
    #[serde(borrow)]
    iss: Claim<Names<'a>>,
    #[serde(borrow)]
    aud: Claim<Names<'a>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Names<'a> {
    One(#[serde(borrow)] Cow<'a, str>),
    Several(HashSet<String>),
}

impl Names<'_> {
    fn any(&self, is_known: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::One(name) => is_known(name),
            Self::Several(names) => names.iter().any(|name| is_known(name)),
        }
    }
}

/// A number that is not negative, rounded to a whole one.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Claim<u64>, D::Error> {
    struct Number;
    impl serde::de::Visitor<'_> for Number {
        type Value = u64;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a number")
        }
        fn visit_u64<E>(self, value: u64) -> Result<u64, E> {
            Ok(value)
        }
        fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<u64, E> {
            if value.is_finite() && value >= 0.0 && value < u64::MAX as f64 {
                Ok(value.round() as u64)
            } else {
                Err(E::custom("a negative number"))
            }
        }
    }
    Ok(deserializer.deserialize_any(Number).map_or(Claim::Unreadable, Claim::Parsed))
}

/// `validate`
fn check_claims(input: &Input<'_>, claims: &ClaimsForValidation<'_>, checks: &mut Checks) {
    let setup = input.setup;
    let is_missing = |claim: &str| match claim {
        "exp" => !matches!(claims.exp, Claim::Parsed(_)),
        "nbf" => !matches!(claims.nbf, Claim::Parsed(_)),
        "sub" => !matches!(claims.sub, Claim::Parsed(_)),
        "iss" => !matches!(claims.iss, Claim::Parsed(_)),
        "aud" => !matches!(claims.aud, Claim::Parsed(_)),
        _ => false,
    };
    for claim in ["exp"].into_iter().chain(setup.required_claims.iter().map(String::as_str)) {
        if is_missing(claim) {
            checks.add(Check::Always(format!("Missing required claim: {claim}").into()));
        }
    }
    if let Claim::Parsed(exp) = claims.exp {
        // It is expired once it lies before the clock less the leeway, both in whole seconds.
        let leeway = setup.leeway_or(60) / 1000;
        let turn = i64::try_from(exp).unwrap_or(i64::MAX).saturating_add(leeway).saturating_add(1);
        checks.add(Check::From(turn.saturating_mul(1000), "ExpiredSignature".into()));
    }
    if let (Claim::Parsed(iss), Some(_)) = (&claims.iss, &setup.issuers) {
        let is_taken = match iss {
            Names::One(_) => input.is_trusted,
            Names::Several(_) => iss.any(|iss| setup.issuers.iter().flatten().any(|known| known == iss)),
        };
        if !is_taken {
            checks.add(Check::Always("InvalidIssuer".into()));
        }
    }
    let is_known = |aud: &str| setup.audiences.iter().flatten().any(|known| known == aud);
    if let Claim::Parsed(aud) = &claims.aud
        && !aud.any(is_known)
    {
        checks.add(Check::Always("InvalidAudience".into()));
    }
}
