//! What golang-jwt 4 and 5 have in common: how a token is taken apart, what each signing method takes, the dates, and how a key
//! set is searched. What they say of it is their own.

use serde_json::{Map, Value};

use super::Input;
use super::check::{Check, Checks, Choice, Text};
use super::read::{self, Base64};
use super::setup::{Effort, HeldKey};
use crate::policy::KeyKind;

pub(super) const BASE64: Base64 = Base64 { standard: false, padding: false, stray_bits: true };

/// What Go says of a segment that is no base64url.
pub(super) const ILLEGAL: &str = "illegal base64 data at input byte …";

/// A token that could be taken apart, by a method that is allowed.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) header: Map<String, Value>,
    pub(super) claims: Map<String, Value>,
    pub(super) alg: String,
    pub(super) method: Method,
    /// `None`: no base64url.
    pub(super) signature: Option<Vec<u8>>,
}

/// Why a token could not be taken apart.
#[derive(Debug)]
pub(super) enum Unparsed {
    /// There are not three segments.
    Segments,
    /// The header or the claims are no base64url.
    Base64(Part),
    /// They are no JSON object; what Go says of it.
    Json(Part, Text),
    /// `alg` is no text.
    Unspecified,
    /// There is no such method.
    Unavailable,
    /// The method, by its name, is not one of those that are valid.
    NotAllowed(String),
}

/// One of the segments that are JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Header,
    Claims,
}

/// How JSON is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Json {
    /// `json.Unmarshal`: it is the whole text.
    Unmarshal,
    /// `json.Decoder`: it may be followed by anything.
    Decoder,
}

/// `ParseUnverified`, and the list of valid methods behind it. `json` is how the claims are read.
pub(super) fn parse(input: &Input<'_>, json: Json) -> Result<Parsed, Unparsed> {
    let [header, claims, signature] = input.parts[..] else { return Err(Unparsed::Segments) };
    let part = |text: &str, part, json| {
        let bytes = BASE64.decode(text).ok_or(Unparsed::Base64(part))?;
        object(&bytes, part, json).map_err(|error| Unparsed::Json(part, error))
    };
    let header = part(header, Part::Header, Json::Unmarshal)?;
    let claims = part(claims, Part::Claims, json)?;
    let alg = read::text(header.get("alg")).ok_or(Unparsed::Unspecified)?.to_owned();
    let method = Method::named(&alg).ok_or(Unparsed::Unavailable)?;
    if input.setup.algorithms.is_some() && !input.setup.allows(&alg) {
        return Err(Unparsed::NotAllowed(alg));
    }
    Ok(Parsed { header, claims, alg, method, signature: BASE64.decode(signature) })
}

/// What is put into a map: of `null`, nothing.
fn object(bytes: &[u8], part: Part, json: Json) -> Result<Map<String, Value>, Text> {
    // Go replaces what is no UTF-8.
    let text = String::from_utf8_lossy(bytes);
    let read = match json {
        Json::Unmarshal => serde_json::from_str(&text),
        Json::Decoder => read::leading_json(text.as_bytes()),
    };
    let found = match read {
        Ok(Value::Object(object)) => return Ok(object),
        Ok(Value::Null) => return Ok(Map::new()),
        Ok(Value::Bool(_)) => "bool",
        Ok(Value::Number(_)) => "number",
        Ok(Value::String(_)) => "string",
        Ok(Value::Array(_)) => "array",
        Err(error) => return Err(not_json(&text, &error, json)),
    };
    let map = match part {
        Part::Header => "map[string]interface {}",
        Part::Claims => "jwt.MapClaims",
    };
    Err(format!("json: cannot unmarshal {found} into Go value of type {map}").into())
}

/// What `encoding/json` says of a text.
fn not_json(text: &str, error: &serde_json::Error, json: Json) -> Text {
    if error.is_eof() {
        match json {
            Json::Unmarshal => "unexpected end of JSON input",
            Json::Decoder if text.trim().is_empty() => "EOF",
            Json::Decoder => "unexpected EOF",
        }
    } else if read::is_number_too_large(error) {
        "json: cannot unmarshal number … into Go value of type float64"
    } else {
        "invalid character …"
    }
    .into()
}

/// A signing method, whatever its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Hmac,
    Rsa,
    RsaPss,
    Ecdsa,
    Ed25519,
    None,
}

impl Method {
    fn named(alg: &str) -> Option<Self> {
        Some(match alg {
            "HS256" | "HS384" | "HS512" => Self::Hmac,
            "RS256" | "RS384" | "RS512" => Self::Rsa,
            "PS256" | "PS384" | "PS512" => Self::RsaPss,
            "ES256" | "ES384" | "ES512" => Self::Ecdsa,
            "EdDSA" => Self::Ed25519,
            "none" => Self::None,
            _ => return None,
        })
    }

    /// Whether a key is of the type that it verifies with.
    pub(super) fn takes(self, held: &HeldKey) -> bool {
        match self {
            Self::Hmac => held.is_secret(),
            Self::Rsa | Self::RsaPss => matches!(held.key.kind, KeyKind::Rsa { .. }),
            Self::Ecdsa => matches!(held.key.kind, KeyKind::Ec { .. }),
            Self::Ed25519 => matches!(held.key.kind, KeyKind::Okp { .. }),
            Self::None => false,
        }
    }

    /// What it says of a signature that does not verify.
    pub(super) const fn failure(self) -> &'static str {
        match self {
            Self::Hmac => "signature is invalid",
            Self::Rsa | Self::RsaPss => "crypto/rsa: verification error",
            Self::Ecdsa => "crypto/ecdsa: verification error",
            Self::Ed25519 => "ed25519: verification error",
            Self::None => "'none' signature type is not allowed",
        }
    }
}

impl Parsed {
    /// Whether a signature is that of a key of the right type.
    pub(super) fn verifies(
        &self,
        input: &Input<'_>,
        held: &HeldKey,
        signature: &[u8],
        effort: &mut Effort,
    ) -> bool {
        // A signature by another curve of the same family simply fails.
        held.fits_kind(&self.alg) && held.verifies(&self.alg, input.signing_input(), signature, effort)
    }
}

/// Why a key set gives no key.
#[derive(Debug)]
pub(super) enum NoKey<'a> {
    NoKid,
    /// `kid` is no text.
    KidType,
    /// No key has this `kid`.
    Unknown(&'a str),
}

/// The key, and the signature with it, of which `error` tells. The error is one that no key could prevent.
pub(super) fn add_key(
    input: &Input<'_>,
    header: &Map<String, Value>,
    no_key: impl Fn(&NoKey<'_>) -> Text,
    error: impl FnMut(&HeldKey, &mut Effort) -> Option<Text>,
    checks: &mut Checks,
) -> Result<(), Text> {
    let setup = input.setup;
    if !setup.fetches {
        checks.add(Check::Key(setup.key_check(Choice::Any { last: true }, None, |_| true, error)));
        return Ok(());
    }
    let kid = header.get("kid").ok_or_else(|| no_key(&NoKey::NoKid))?;
    let kid = kid.as_str().ok_or_else(|| no_key(&NoKey::KidType))?;
    let none = no_key(&NoKey::Unknown(kid));
    let is_named = |held: &HeldKey| held.is_usable() && held.has_kid(kid);
    checks.add(Check::Key(setup.key_check(Choice::First, Some(none), is_named, error)));
    Ok(())
}

/// What `keyfunc` says when a key of the set states another `alg` than the token.
pub(super) fn other_algorithm(held: &HeldKey, alg: &str) -> Option<String> {
    let own = held.key.alg.as_deref().filter(|own| *own != alg)?;
    Some(format!(
        "JWK \"alg\" parameter value {} does not match token \"alg\" parameter value \"{alg}\"",
        quoted(own)
    ))
}

/// A text as `%q` of Go writes it.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", read::repeated(text).escape_debug())
}

/// A date in milliseconds: a fraction of a second is cut, and 0 is no date. What is no number is an error.
pub(super) fn date(claims: &Map<String, Value>, name: &str) -> Result<Option<i64>, ()> {
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

/// The audiences: of anything but a string or an array, none; `None` where one of several is no string.
pub(super) fn audiences(aud: Option<&Value>) -> Option<Vec<&str>> {
    match aud {
        Some(Value::String(one)) => Some(vec![one]),
        Some(Value::Array(several)) => several.iter().map(Value::as_str).collect(),
        _ => Some(Vec::new()),
    }
}
