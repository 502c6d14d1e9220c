//! What a verifier's message says is wrong: the closed set of causes.

use std::fmt;

/// What a verifier says is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// There was no token at all.
    MissingToken,
    /// What was sent is no token.
    Malformed,
    /// The token has no signature, or says that it has none.
    AlgNone,
    /// The algorithm is not one that the verifier takes, or does not go with the key.
    AlgNotAllowed,
    /// The verifier could not get its keys.
    JwksFetchFailed,
    /// The verifier has no key for it.
    UnknownKid,
    /// The signature does not verify.
    InvalidSignature,
    /// It is over.
    Expired,
    /// It has not begun.
    NotYetValid,
    /// It was issued later than now.
    IssuedInFuture,
    /// Another issuer's.
    WrongIssuer,
    /// For another audience.
    WrongAudience,
    /// A claim is absent.
    MissingClaim,
    /// Anything else, or the verifier does not say.
    GenericInvalid,
}

impl Cause {
    /// Every cause, in the order in which verifiers check.
    pub const ALL: [Self; 14] = [
        Self::MissingToken,
        Self::Malformed,
        Self::AlgNone,
        Self::AlgNotAllowed,
        Self::JwksFetchFailed,
        Self::UnknownKid,
        Self::InvalidSignature,
        Self::Expired,
        Self::NotYetValid,
        Self::IssuedInFuture,
        Self::WrongIssuer,
        Self::WrongAudience,
        Self::MissingClaim,
        Self::GenericInvalid,
    ];

    /// The cause as the catalogue, policies and reports write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MissingToken => "missing_token",
            Self::Malformed => "malformed",
            Self::AlgNone => "alg_none",
            Self::AlgNotAllowed => "alg_not_allowed",
            Self::JwksFetchFailed => "jwks_fetch_failed",
            Self::UnknownKid => "unknown_kid",
            Self::InvalidSignature => "invalid_signature",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::IssuedInFuture => "issued_in_future",
            Self::WrongIssuer => "wrong_issuer",
            Self::WrongAudience => "wrong_audience",
            Self::MissingClaim => "missing_claim",
            Self::GenericInvalid => "generic_invalid",
        }
    }

    /// The cause of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == name)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_has_a_name_of_its_own_and_is_found_by_it() {
        for cause in Cause::ALL {
            assert_eq!(Cause::parse(cause.as_str()), Some(cause));
        }
        assert_eq!(Cause::parse("Expired"), None);
    }
}
