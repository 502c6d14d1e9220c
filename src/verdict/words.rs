//! The closed sets of words that a judgement is told in: verdicts, details, key status, signature status.

use std::fmt;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::policy::KeyStatus;
use crate::words::words;

words! {
    /// The first validation step that a token fails at its event time. The order is the order of the steps.
    Verdict {
        /// A mask has replaced part of the token.
        Redacted = "redacted",
        /// The beginning of a token whose rest is missing.
        Truncated = "truncated",
        /// Not the beginning of any token that a library takes.
        Malformed = "malformed",
        /// A JWE (RFC 7516): its claims cannot be read.
        Encrypted = "encrypted",
        /// `alg` is `none` (RFC 8725 §3.2).
        AlgNone = "alg_none",
        /// `alg` is not one that the policy allows (RFC 8725 §3.1), or `crit` names an extension (RFC 7515 §4.1.11).
        AlgNotAllowed = "alg_not_allowed",
        /// No key set has the `kid`.
        UnknownKid = "unknown_kid",
        /// The `kid` belongs to a key that was retired before the event time.
        StaleKid = "stale_kid",
        /// The key that `kid` names cannot be used with `alg`.
        AlgKeyMismatch = "alg_key_mismatch",
        /// The key is at hand and the signature does not verify.
        InvalidSignature = "invalid_signature",
        /// At or after `exp` (RFC 7519 §4.1.4).
        Expired = "expired",
        /// Before `nbf` (RFC 7519 §4.1.5).
        NotYetValid = "not_yet_valid",
        /// Before `iat` (RFC 7519 §4.1.6).
        IssuedInFuture = "issued_in_future",
        /// `iss` is not one that the policy allows (RFC 7519 §4.1.1).
        WrongIssuer = "wrong_issuer",
        /// No value of `aud` is allowed (RFC 7519 §4.1.3).
        WrongAudience = "wrong_audience",
        /// An ID or refresh token where an access token is expected, or the reverse (RFC 8725 §3.11).
        WrongTokenType = "wrong_token_type",
        /// A claim that the policy requires is absent.
        MissingClaim = "missing_claim",
        /// `exp − iat` is above the policy's maximum.
        LifetimeTooLong = "lifetime_too_long",
        /// Every step that could be judged passes.
        Valid = "valid",
    }
}

words! {
    /// What became of the signature.
    SignatureStatus {
        /// It verifies.
        Verified = "verified",
        /// It does not verify.
        Failed = "failed",
        /// The key is not at hand.
        NoKey = "no_key",
        /// Nobody looked.
        Unchecked = "unchecked",
        /// There is none to verify.
        Unsigned = "unsigned",
    }
}

words! {
    /// What kind of token it is, as its own words tell.
    TokenType {
        /// For a resource server (RFC 9068).
        Access = "access_token",
        /// About a login (OpenID Connect Core §2).
        Id = "id_token",
        /// For the authorization server.
        Refresh = "refresh_token",
        /// Ends a session (OpenID Connect Back-Channel Logout §2.4).
        Logout = "logout_token",
    }
}

/// What exactly failed; the closed set of contract words, and for `missing_claim` the claim's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Detail {
    /// Nothing to add.
    None,
    /// A word of the closed set.
    Word(#[serde(deserialize_with = "detail_word")] Word),
    /// The claim that the policy names.
    Claim(Arc<str>),
}

/// A word of [`DETAILS`].
type Word = &'static str;

/// The closed set of contract section 2.
const DETAILS: [Word; 46] = [
    "access_token",
    "alg",
    "bad_base64",
    "bad_json",
    "bad_time_claim",
    "case",
    "crit",
    "detached",
    "duplicate_claim",
    "environment",
    "expired",
    "extra_bytes",
    "extra_segments",
    "id_token",
    "in_header",
    "in_payload",
    "in_signature",
    "issued_in_future",
    "jwe",
    "kty",
    "logout_token",
    "masked",
    "milliseconds",
    "mismatch",
    "missing",
    "no_expiry",
    "no_signature",
    "not_an_object",
    "not_yet_published",
    "not_yet_valid",
    "other",
    "padded",
    "port",
    "refresh_token",
    "retired",
    "scheme",
    "signed",
    "standard_base64",
    "tenant",
    "too_long",
    "trailing_slash",
    "unknown",
    "unsigned",
    "url_encoded",
    "use",
    "within_skew",
];

fn detail_word<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Word, D::Error> {
    let word = <&str>::deserialize(deserializer)?;
    let known = DETAILS.binary_search(&word).map(|place| DETAILS[place]);
    known.map_err(|_| D::Error::custom("expected a word that details are told in"))
}

impl Detail {
    /// The detail as the reports write it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::None => "",
            Self::Word(word) => word,
            Self::Claim(name) => name,
        }
    }
}

impl fmt::Display for Detail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A step that fails, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The step's verdict.
    pub verdict: Verdict,
    /// How it fails.
    pub detail: Detail,
}

impl Failure {
    /// A failure whose detail is a word of the closed set.
    #[must_use]
    pub fn new(verdict: Verdict, detail: &'static str) -> Self {
        debug_assert!(DETAILS.contains(&detail), "{detail} is not in the closed set");
        Self { verdict, detail: Detail::Word(detail) }
    }
}

/// A set of verdicts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VerdictSet(u32);

impl VerdictSet {
    /// The set of these verdicts.
    #[must_use]
    pub const fn of(mut verdicts: &[Verdict]) -> Self {
        let mut set = Self(0);
        while let [verdict, rest @ ..] = verdicts {
            set.insert(*verdict);
            verdicts = rest;
        }
        set
    }

    /// Adds a verdict.
    pub const fn insert(&mut self, verdict: Verdict) {
        self.0 |= 1 << verdict as u32;
    }

    /// Whether the set has a verdict.
    #[must_use]
    pub const fn contains(self, verdict: Verdict) -> bool {
        self.0 & (1 << verdict as u32) != 0
    }

    /// Takes a verdict out.
    pub const fn remove(&mut self, verdict: Verdict) {
        self.0 &= !(1 << verdict as u32);
    }

    /// Whether the sets have a verdict in common.
    #[must_use]
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The set with what either has.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The verdicts of the set, in the order of the steps.
    pub fn iter(self) -> impl Iterator<Item = Verdict> {
        Verdict::ALL.iter().copied().filter(move |&verdict| self.contains(verdict))
    }
}

impl FromIterator<Verdict> for VerdictSet {
    fn from_iter<I: IntoIterator<Item = Verdict>>(verdicts: I) -> Self {
        let mut set = Self::default();
        verdicts.into_iter().for_each(|verdict| set.insert(verdict));
        set
    }
}

/// The verdicts joined with `;`, in the order of the steps.
impl fmt::Display for VerdictSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, verdict) in self.iter().enumerate() {
            f.write_str(if i == 0 { "" } else { ";" })?;
            f.write_str(verdict.as_str())?;
        }
        Ok(())
    }
}

/// The judgement of a token at one event time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Outcome {
    /// The first step that fails, or `valid`.
    pub verdict: Verdict,
    /// How it fails.
    pub detail: Detail,
    /// The other steps that fail too.
    pub also: VerdictSet,
    /// Where the key stood.
    pub key_status: KeyStatus,
    /// What became of the signature.
    pub signature: SignatureStatus,
    /// The error that a certain verifier would have raised, where one was asked and it would not have accepted the token.
    pub predicted: Option<Arc<str>>,
}

impl Outcome {
    /// Whether it fails, and nothing but the dates is why.
    #[must_use]
    pub fn fails_by_time_alone(&self) -> bool {
        use Verdict::{Expired, IssuedInFuture, NotYetValid};
        let is_of_time = |verdict| matches!(verdict, Expired | NotYetValid | IssuedInFuture);
        is_of_time(self.verdict) && self.also.iter().all(is_of_time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_written_in_the_order_of_the_steps() {
        let set: VerdictSet =
            [Verdict::WrongAudience, Verdict::Truncated, Verdict::Expired].into_iter().collect();
        assert_eq!(set.to_string(), "truncated;expired;wrong_audience");
        assert_eq!(VerdictSet::default().to_string(), "");
    }

    #[test]
    fn every_verdict_fits_the_set() {
        let all: VerdictSet = Verdict::ALL.iter().copied().collect();
        assert_eq!(all.iter().count(), Verdict::ALL.len());
    }

    #[test]
    fn details_are_in_order_so_that_they_can_be_looked_up() {
        assert!(DETAILS.is_sorted());
    }
}
