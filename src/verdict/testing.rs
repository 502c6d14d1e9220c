//! Tokens, keys and policies for the tables of cases.

use std::path::Path;
use std::sync::Arc;

use data_encoding::BASE64URL_NOPAD;

use crate::policy::key::Material;
use crate::policy::{Key, KeyEntry, KeyKind, Policy};
use crate::timestamp::Timestamp;
use crate::token::{Claims, Header, Token, decode};

/// The token with this header and these claims, with nothing wrong with its form and without a signature.
pub(super) fn token(header: &str, claims: &str) -> Token {
    let whole = format!(
        "{}.{}.",
        BASE64URL_NOPAD.encode(br#"{"alg":"none"}"#),
        BASE64URL_NOPAD.encode(claims.as_bytes())
    );
    let claims: Option<Claims> = decode(whole.as_bytes(), &[]).unwrap().token.claims;
    Token {
        header: header_of(header),
        claims,
        claims_are_whole: true,
        fault: None,
        encrypted: false,
        signature: None,
    }
}

/// A header as it is read from a candidate; `alg` is put in where the text has none, and taken out again.
fn header_of(text: &str) -> Header {
    let marked = text.replacen('{', if text == "{}" { r#"{"enc":0"# } else { r#"{"enc":0,"# }, 1);
    decode(BASE64URL_NOPAD.encode(marked.as_bytes()).as_bytes(), &[])
        .map(|d| d.token.header)
        .map_or_else(|| panic!("no header: {text}"), |header| Header { duplicate: false, ..header })
}

/// An RSA key of this `kid` with a window in seconds.
pub(super) fn rsa_entry(kid: &str, modulus_bits: usize, from: Option<i64>, until: Option<i64>) -> KeyEntry {
    let key = Key::new(Some(kid.to_owned()), KeyKind::Rsa { modulus_bits }, Material::Unusable);
    KeyEntry { key: Arc::new(key), from: from.map(at), until: until.map(at) }
}

/// This many seconds after the epoch.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// A policy that names no files.
pub(super) fn policy(toml: &str) -> Policy {
    let no_files = |_: &Path| Err(std::io::ErrorKind::NotFound.into());
    Policy::from_toml(toml, Path::new("policy.toml"), &no_files).unwrap()
}

/// One issuer, with a rule for each step that needs one.
pub(super) const POLICY: &str = r#"
    leeway = "30s"
    [[issuer]]
    iss = "https://a.example/"
    audiences = ["api"]
    algorithms = ["RS256"]
    required_claims = ["sub"]
"#;
