//! The one door out for token bytes: what is secret goes in here, and only fingerprints come out.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::error::{Error, Result};

/// Key of the fingerprints when no `--fingerprint-key` is given: public and fixed, so that the reports of two teams
/// join by default.
const PUBLIC_KEY: &[u8] = b"jwtriage public fingerprint key, version 1";

/// Shortest key that `--fingerprint-key` takes, in bytes.
const MIN_KEY: usize = 16;

/// Keeps subjects and tokens apart under one key. No token begins like this.
const SUBJECT_DOMAIN: &[u8] = b"sub\0";

/// Bytes of a token as found in a log. It has no `Display`, no `Serialize`, and its `Debug` shows only a length: the
/// bytes leave through [`Fingerprinter`] and through the decoder, nowhere else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RawToken<'a>(&'a [u8]);

impl<'a> RawToken<'a> {
    /// Takes the bytes in.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes, for the rooms that look for and decode tokens.
    #[must_use]
    pub const fn expose(self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for RawToken<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RawToken({} bytes)", self.0.len())
    }
}

/// The first ten bytes of an HMAC-SHA-256: the only name that a token, or a subject, has in what jwtriage writes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Digest([u8; 10]);

impl Digest {
    /// The digest as `prefix` and 20 lower-case hex digits.
    fn write(self, f: &mut fmt::Formatter<'_>, prefix: &str) -> fmt::Result {
        let digit = |value: u8| b"0123456789abcdef"[usize::from(value)];
        let mut digits = [0; 20];
        for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(self.0) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        f.write_str(prefix)?;
        f.write_str(str::from_utf8(&digits).unwrap_or_default())
    }
}

/// Names a token: `jt_` and 20 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Fingerprint(Digest);

/// Names a subject: `sub_` and 20 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SubjectFingerprint(Digest);

impl SubjectFingerprint {
    /// A number that tells subjects apart, where they need to be counted and not named.
    #[must_use]
    pub const fn number(self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.0.0;
        u64::from_le_bytes([a, b, c, d, e, f, g, h])
    }
}

impl Fingerprint {
    /// How many bytes it is stored in.
    pub const LENGTH: usize = size_of::<Digest>();

    /// The bytes that it is stored in. They compare as fingerprints do.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::LENGTH] {
        self.0.0
    }

    /// The fingerprint that is stored in these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(Digest(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, "jt_")
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for SubjectFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(f, "sub_")
    }
}

impl fmt::Debug for SubjectFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Makes fingerprints under one key. Subjects can be guessed (they are mail addresses and numbers), so they get a
/// fingerprint that leaves only under a key of the user's own; see [`Fingerprinter::is_keyed`].
#[derive(Clone)]
pub struct Fingerprinter {
    hmac: Hmac<Sha256>,
    keyed: bool,
}

impl Fingerprinter {
    /// Fingerprints under the fixed public key.
    #[must_use]
    pub fn public() -> Self {
        Self { hmac: hmac_under(PUBLIC_KEY), keyed: false }
    }

    /// Fingerprints under a key of the user's own.
    ///
    /// # Errors
    /// When the key is shorter than 16 bytes.
    pub fn with_key(key: &[u8]) -> Result<Self> {
        if key.len() < MIN_KEY {
            return Err(Error::new(format!(
                "expected a fingerprint key of at least {MIN_KEY} bytes, but found {}",
                key.len()
            )));
        }
        Ok(Self { hmac: hmac_under(key), keyed: true })
    }

    /// Whether the key is the user's own, so that fingerprints of subjects may be shown.
    #[must_use]
    pub const fn is_keyed(&self) -> bool {
        self.keyed
    }

    /// The fingerprint of a token: of its own bytes, after URL-decoding where that was needed.
    #[must_use]
    pub fn token(&self, token: RawToken<'_>) -> Fingerprint {
        Fingerprint(self.digest(&[token.expose()]))
    }

    /// The fingerprint of a subject.
    #[must_use]
    pub fn subject(&self, subject: &str) -> SubjectFingerprint {
        SubjectFingerprint(self.digest(&[SUBJECT_DOMAIN, subject.as_bytes()]))
    }

    fn digest(&self, parts: &[&[u8]]) -> Digest {
        let mut hmac = self.hmac.clone();
        parts.iter().for_each(|part| hmac.update(part));
        let whole = hmac.finalize().into_bytes();
        let mut digest = [0; 10];
        digest.copy_from_slice(&whole[..10]);
        Digest(digest)
    }
}

impl fmt::Debug for Fingerprinter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprinter(keyed: {})", self.keyed)
    }
}

fn hmac_under(key: &[u8]) -> Hmac<Sha256> {
    <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_first_ten_bytes_of_hmac_sha_256() {
        let shown =
            Fingerprinter::with_key(&[0x0b; 20]).unwrap().token(RawToken::new(b"Hi There")).to_string();
        assert_eq!(shown, "jt_b0344c61d8db38535ca8", "RFC 4231, test case 1");
    }

    #[test]
    fn a_subject_and_a_token_of_the_same_bytes_do_not_share_a_name() {
        let names = Fingerprinter::public();
        let token = names.token(RawToken::new(b"alice")).to_string();
        let subject = names.subject("alice").to_string();
        assert_eq!(subject.len(), "sub_".len() + 20);
        assert_ne!(token.trim_start_matches("jt_"), subject.trim_start_matches("sub_"));
    }

    #[test]
    fn debug_shows_no_byte_of_a_token_and_no_byte_of_the_key() {
        assert_eq!(format!("{:?}", RawToken::new(b"eyJhbGciOiJub25lIn0")), "RawToken(19 bytes)");
        let names = Fingerprinter::with_key(b"0123456789abcdef").unwrap();
        assert_eq!(format!("{names:?}"), "Fingerprinter(keyed: true)");
    }

    #[test]
    fn a_short_key_is_refused() {
        let message = Fingerprinter::with_key(b"short").unwrap_err().to_string();
        assert_eq!(message, "expected a fingerprint key of at least 16 bytes, but found 5");
    }
}
