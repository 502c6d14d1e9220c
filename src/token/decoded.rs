//! What decoding a candidate gives, and the token's own bytes, which its fingerprint is made of.

use std::borrow::Cow;
use std::fmt;

use super::Token;
use crate::secret::RawToken;

/// A candidate that is one, decoded.
pub struct Decoded<'a> {
    /// How many bytes belong to it.
    pub length: usize,
    /// What it says.
    pub token: Token,
    own: Cow<'a, [u8]>,
}

impl fmt::Debug for Decoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { length, token, .. } = self;
        f.debug_struct("Decoded")
            .field("length", length)
            .field("token", token)
            .field("own", &self.own())
            .finish()
    }
}

impl<'a> Decoded<'a> {
    /// A token that was decoded from `raw`, which may be URL-encoded; `length` bytes belong to its candidate.
    pub(super) fn new(length: usize, token: Token, raw: &'a [u8]) -> Self {
        let escaped = raw.contains(&b'%');
        let own = if escaped { Cow::Owned(percent_decoded(raw)) } else { Cow::Borrowed(raw) };
        Self { length, token, own }
    }

    /// The token's own bytes, which its fingerprint is made of: without masks and disclosures, URL-decoded.
    #[must_use]
    pub fn own(&self) -> RawToken<'_> {
        RawToken::new(&self.own)
    }
}

/// Undoes the percent-encoding of the four characters that a candidate may hold encoded.
fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let (byte, behind) = match rest {
            [b'%', b'2', b'E' | b'e', behind @ ..] => (b'.', behind),
            [b'%', b'2', b'B' | b'b', behind @ ..] => (b'+', behind),
            [b'%', b'2', b'F' | b'f', behind @ ..] => (b'/', behind),
            [b'%', b'3', b'D' | b'd', behind @ ..] => (b'=', behind),
            _ => (*first, tail),
        };
        decoded.push(byte);
        rest = behind;
    }
    decoded
}
