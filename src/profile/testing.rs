//! Tables of cases for the verifiers that no test can ask: each row was worked out from the source that the verifier's
//! file names.

use std::path::Path;

use aws_lc_rs::hmac;
use data_encoding::BASE64URL_NOPAD;

use super::{Profile, Verifier};
use crate::policy::Policy;
use crate::timestamp::Timestamp;
use crate::token::decode;

/// When the tokens are verified, in seconds.
pub(super) const NOW: i64 = 1_781_226_000;

const SECRET: &[u8] = b"a secret that is long enough for the hash it is used with";

/// The claims of a token that every verifier accepts at [`NOW`], but for its dates.
pub(super) const RIGHT: &str =
    r#""iss":"https://auth.example.com/","aud":"https://api.example.com","sub":"u""#;

/// A policy for tokens of one issuer that are signed with a secret, with rules of its own in front.
pub(super) fn secret(top: &str) -> Policy {
    policy(&format!(
        "{top}\n[[issuer]]\niss = \"https://auth.example.com/\"\naudiences = [\"https://api.example.com\"]\n\
         [[issuer.keys]]\nsecret_file = \"secret\"\n"
    ))
}

/// A policy for tokens of one issuer with a key set.
pub(super) fn fetched() -> Policy {
    policy(
        "[[issuer]]\niss = \"https://auth.example.com/\"\naudiences = [\"https://api.example.com\"]\n\
         [[issuer.keys]]\njwks = \"old.json\"\nuntil = \"2026-06-12T02:00:00Z\"\n\
         [[issuer.keys]]\njwks = \"new.json\"\nfrom = \"2026-06-12T01:30:00Z\"\n",
    )
}

fn policy(toml: &str) -> Policy {
    let files = |path: &Path| match path.to_str() {
        Some("secret") => Ok(SECRET.to_vec()),
        Some("old.json") => Ok(jwks("old", 0xb5).into_bytes()),
        Some("new.json") => Ok(jwks("new", 0xb7).into_bytes()),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    };
    Policy::from_toml(toml, Path::new("policy.toml"), &files).unwrap()
}

/// A key set of one RSA key, with which no token verifies.
fn jwks(kid: &str, byte: u8) -> String {
    let modulus = BASE64URL_NOPAD.encode(&[byte; 256]);
    format!(r#"{{"keys":[{{"kty":"RSA","kid":"{kid}","n":"{modulus}","e":"AQAB"}}]}}"#)
}

/// A token with this header and these claims, signed with the secret.
pub(super) fn signed(header: &str, claims: &str) -> String {
    let input = [header, claims].map(|part| BASE64URL_NOPAD.encode(part.as_bytes())).join(".");
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), input.as_bytes());
    format!("{input}.{}", BASE64URL_NOPAD.encode(tag.as_ref()))
}

/// The token that says so, with [`RIGHT`] and more claims.
pub(super) fn hs256(more: &str) -> String {
    signed(r#"{"alg":"HS256","typ":"JWT"}"#, &format!("{{{RIGHT}{more}}}"))
}

/// A token that says RS256 and this `kid`, with a signature that nobody made.
pub(super) fn rs256(kid: &str, claims: &str) -> String {
    let header = format!(r#"{{"alg":"RS256","typ":"JWT"{kid}}}"#);
    let signature = [7; 256];
    [header.as_bytes(), claims.as_bytes(), &signature].map(|part| BASE64URL_NOPAD.encode(part)).join(".")
}

/// What a verifier says about a token so many seconds after [`NOW`]; nothing where it accepts it.
pub(super) fn said(profile: Profile, policy: &Policy, token: &str, later: i64) -> String {
    let decoded = decode(token.as_bytes(), &[]).unwrap();
    assert_eq!(decoded.length, token.len(), "the whole text is one candidate: {token}");
    let forecast = Verifier::new(profile, policy).forecast(&decoded.token, decoded.own());
    forecast.at(Some(Timestamp::from_seconds(NOW + later))).as_deref().unwrap_or_default().to_owned()
}

/// Asserts what a verifier says about tokens that expire an hour after [`NOW`] and have more claims and other texts in place
/// of a claim's.
pub(super) fn assert_said(profile: Profile, policy: &Policy, cases: &[(&str, i64, &str)]) {
    for (token, later, expected) in cases {
        assert_eq!(said(profile, policy, token, *later), *expected, "{token} at {later}");
    }
}
