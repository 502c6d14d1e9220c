//! Candidate → token: what the header and the claims say, and what is wrong with the form. Pure, and without policy or
//! clock: a token that was decoded once never needs to be decoded again.

pub mod algorithm;
mod claims;
mod decode;
mod encrypted;
mod header;
mod json;
mod mask;
mod piece;
mod segment;

use std::fmt;

pub use claims::{Claims, NumericDate};
pub use decode::{Decoded, decode};
pub use header::Header;
pub use mask::{mask_parts, mask_tokens};
pub use segment::is_short_and_no_header;

/// A decoded candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The header, as far as it could be read.
    pub header: Header,
    /// The claims, as far as they could be read.
    pub claims: Option<Claims>,
    /// Whether all claims could be read. If not, a claim that is not there may have been cut off.
    pub claims_are_whole: bool,
    /// What is wrong with the form, if anything. Whether the signature is long enough is for the judge to say, because
    /// it depends on the key.
    pub fault: Option<Fault>,
    /// Whether it is a JWE.
    pub encrypted: bool,
    /// The signature, when the token has one.
    pub signature: Option<SignaturePart>,
}

/// The last segment of a JWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignaturePart {
    /// How many whole bytes it encodes.
    pub bytes: usize,
    /// Whether it ends where no encoder ends: with a character left over, or with bits set beyond the last byte. Then
    /// it was cut, if its length allows for more, or damaged.
    pub ragged: bool,
}

/// What a signature is about, and the signature (RFC 7515 §2). `Debug` shows no byte of either.
#[derive(Clone, Copy)]
pub struct Signed<'a> {
    /// The JWS Signing Input: header, dot, payload.
    pub signing_input: &'a [u8],
    /// The JWS Signature in base64url.
    pub signature: &'a str,
}

impl fmt::Debug for Signed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Signed({} bytes, signature of {} characters)",
            self.signing_input.len(),
            self.signature.len()
        )
    }
}

/// What is wrong with a token's form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A mask has replaced a part.
    Masked,
    /// The rest is missing.
    Cut(Cut),
    /// No library takes it.
    Flaw(Flaw),
}

/// Where a token ends early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Inside the header.
    InHeader,
    /// Behind the header, or inside the payload.
    InPayload,
    /// Inside the signature (or the authentication tag).
    InSignature,
    /// Behind the payload.
    NoSignature,
}

impl Cut {
    /// The contract's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InHeader => "in_header",
            Self::InPayload => "in_payload",
            Self::InSignature => "in_signature",
            Self::NoSignature => "no_signature",
        }
    }
}

/// Why no library takes a token. Where a token has several flaws, the first in this order is told: what transport did
/// to the whole, then the form, then the content. A cut of the signature comes between form and content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// Percent-encoded dots, padding or characters.
    UrlEncoded,
    /// `+` and `/` instead of `-` and `_` (RFC 7515 §2 asks for base64url).
    StandardBase64,
    /// `=` behind a segment (RFC 7515 §2 asks for none).
    Padded,
    /// A segment of impossible length (RFC 4648 §4), or with bits set beyond its last byte (RFC 4648 §3.5).
    BadBase64,
    /// More segments than a JWS has.
    ExtraSegments,
    /// An empty payload before a signature (RFC 7515 appendix F).
    Detached,
    /// The signature is longer than its algorithm makes it.
    ExtraBytes,
    /// The payload, or the header of a token that goes on, is not JSON; or there is no `alg` that is a string
    /// (RFC 7515 §4.1.1, RFC 7516 §4.1.1).
    BadJson,
    /// The payload is JSON, but no object (RFC 7519 §3).
    NotAnObject,
    /// A member stands twice (RFC 7519 §4, RFC 7515 §4).
    DuplicateClaim,
    /// `exp`, `nbf` or `iat` is no number (RFC 7519 §2).
    BadTimeClaim,
}

impl Flaw {
    /// Whether it is about what the token says, not about its form: a signature that is cut is told before it.
    #[must_use]
    pub const fn is_of_content(self) -> bool {
        matches!(self, Self::BadJson | Self::NotAnObject | Self::DuplicateClaim | Self::BadTimeClaim)
    }

    /// The contract's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UrlEncoded => "url_encoded",
            Self::StandardBase64 => "standard_base64",
            Self::Padded => "padded",
            Self::BadBase64 => "bad_base64",
            Self::ExtraSegments => "extra_segments",
            Self::Detached => "detached",
            Self::BadJson => "bad_json",
            Self::NotAnObject => "not_an_object",
            Self::DuplicateClaim => "duplicate_claim",
            Self::BadTimeClaim => "bad_time_claim",
            Self::ExtraBytes => "extra_bytes",
        }
    }
}
