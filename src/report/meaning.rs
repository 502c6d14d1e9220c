//! What the words of the reports mean, for whoever reads them for the first time at three in the morning.

use crate::hints::HintName;
use crate::verdict::Verdict;

/// The validation step that a verdict belongs to (contract section 2).
pub(super) const fn step(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Redacted | Verdict::Truncated | Verdict::Malformed | Verdict::Encrypted => "parse",
        Verdict::AlgNone | Verdict::AlgNotAllowed => "algorithm",
        Verdict::UnknownKid | Verdict::StaleKid | Verdict::AlgKeyMismatch => "key",
        Verdict::InvalidSignature => "signature",
        Verdict::Expired | Verdict::NotYetValid | Verdict::IssuedInFuture => "time",
        Verdict::WrongIssuer => "issuer",
        Verdict::WrongAudience => "audience",
        Verdict::WrongTokenType | Verdict::MissingClaim | Verdict::LifetimeTooLong => "claims",
        Verdict::Valid => "none",
    }
}

/// What a verdict says of a token.
pub(super) const fn meaning(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Redacted => "A mask had replaced part of the token before it was logged",
        Verdict::Truncated => "Only the beginning of the token is there",
        Verdict::Malformed => "No library takes this for a token",
        Verdict::Encrypted => "The token is encrypted, so its claims cannot be read",
        Verdict::AlgNone => "The token claims to need no signature",
        Verdict::AlgNotAllowed => "The token was signed with an algorithm that the policy does not allow",
        Verdict::UnknownKid => "No key set of the policy has the key that the token names",
        Verdict::StaleKid => "The key that the token names had been retired when the line was written",
        Verdict::AlgKeyMismatch => "The key that the token names cannot be used with the token's algorithm",
        Verdict::InvalidSignature => "The key is known, and the signature does not verify with it",
        Verdict::Expired => "The token had expired when the line was written",
        Verdict::NotYetValid => "The token was used before it began to be valid",
        Verdict::IssuedInFuture => "The token states that it was issued later than it was used",
        Verdict::WrongIssuer => "The policy does not trust the token's issuer",
        Verdict::WrongAudience => "The token is meant for another audience",
        Verdict::WrongTokenType => "Another type of token is expected here",
        Verdict::MissingClaim => "A claim that the policy requires is absent",
        Verdict::LifetimeTooLong => "The token lives longer than the policy allows",
        Verdict::Valid => "Every step that could be judged passes",
    }
}

/// Where to look first when a verdict is all that is known.
pub(super) const fn first_look(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Redacted => {
            "Nothing is wrong with the token: judge by what the verifier says, or by the callers' own logs."
        }
        Verdict::Truncated => {
            "Compare the lengths in tokens.csv: many of one length mean that something cuts lines or headers there."
        }
        Verdict::Malformed => {
            "See what the caller sends, and what lies between it and the verifier: encoders, proxies, templates."
        }
        Verdict::Encrypted => {
            "Ask the issuer whether encrypted tokens are meant to come here, and who holds their key."
        }
        Verdict::AlgNone => {
            "See who sends them, by source and client, and make sure that every verifier refuses them."
        }
        Verdict::AlgNotAllowed => {
            "Compare the algorithms that the issuer announces with those of the policy."
        }
        Verdict::UnknownKid => {
            "Compare the issuer's present key set with the policy's, and with what the verifier has cached."
        }
        Verdict::StaleKid => {
            "Compare the tokens' issued_at with the rotation: issued before it, a client keeps old tokens; after it, a signer still has the old key."
        }
        Verdict::AlgKeyMismatch => {
            "See who sends them: a library that picks another algorithm, or somebody who tries public keys as secrets."
        }
        Verdict::InvalidSignature => {
            "See whether one source or all of them are concerned: something that changes tokens on the way, a wrong key, or a forgery."
        }
        Verdict::Expired => {
            "Look at past_expiry_s in tokens.csv: seconds mean clocks, hours mean a client that does not renew."
        }
        Verdict::NotYetValid | Verdict::IssuedInFuture => {
            "Compare the clocks of issuer and verifier; a leeway covers seconds, not minutes."
        }
        Verdict::WrongIssuer => {
            "Compare the issuer character by character with the policy's, and see which environment it belongs to."
        }
        Verdict::WrongAudience => {
            "Compare the audience character by character with the policy's, and see for which service the client asked."
        }
        Verdict::WrongTokenType => "See which token of the login response the client sends.",
        Verdict::MissingClaim => {
            "Look up at the issuer which claims this client's tokens get, and since when."
        }
        Verdict::LifetimeTooLong => {
            "Compare the lifetime that the issuer grants this client with the policy's."
        }
        Verdict::Valid => "Nothing.",
    }
}

/// What a hint says has gone wrong.
pub(super) const fn cause(hint: HintName) -> &'static str {
    match hint {
        HintName::KeyRotationLag => "Tokens are still signed with, or kept from, a key that was retired",
        HintName::StaleKeyCache => "A verifier works with an outdated copy of the keys",
        HintName::ClockSkew => "Clocks of issuer and verifier differ",
        HintName::ReuseAfterExpiry => "A client sends tokens again and again after they have expired",
        HintName::EnvironmentCrossover => "Tokens of one environment are sent to another",
        HintName::IssuerNearMiss => "The issuer is spelled differently in tokens and policy",
        HintName::AudienceNearMiss => "The audience is spelled differently in tokens and policy",
        HintName::LogTruncation => "Something cuts tokens at one length",
        HintName::TransportCorruption => "Something changes tokens on their way",
        HintName::IdTokenAsAccessToken => "ID tokens are sent where access tokens belong",
        HintName::MillisecondsDates => "Dates in tokens are in milliseconds instead of seconds",
        HintName::ForgeryAttempt => "Somebody tries forged tokens",
        HintName::PolicyGap => "Verifiers and the policy differ about who may call",
        HintName::LiveTokensInLogs => "Tokens that are still usable stand in the logs",
    }
}

/// The verdicts of the findings that a hint is about.
pub(super) const fn verdicts_of(hint: HintName) -> &'static [Verdict] {
    match hint {
        HintName::KeyRotationLag => &[Verdict::StaleKid],
        HintName::StaleKeyCache => &[Verdict::UnknownKid, Verdict::StaleKid, Verdict::InvalidSignature],
        HintName::ClockSkew => &[Verdict::Expired, Verdict::NotYetValid, Verdict::IssuedInFuture],
        HintName::ReuseAfterExpiry => &[Verdict::Expired],
        HintName::EnvironmentCrossover => &[Verdict::WrongIssuer, Verdict::WrongAudience],
        HintName::IssuerNearMiss => &[Verdict::WrongIssuer],
        HintName::AudienceNearMiss => &[Verdict::WrongAudience],
        HintName::LogTruncation => &[Verdict::Truncated],
        HintName::TransportCorruption => &[Verdict::Malformed, Verdict::InvalidSignature],
        HintName::IdTokenAsAccessToken => &[Verdict::WrongTokenType],
        HintName::MillisecondsDates => &[Verdict::Expired, Verdict::NotYetValid, Verdict::IssuedInFuture],
        HintName::ForgeryAttempt => &[Verdict::AlgNone, Verdict::AlgKeyMismatch, Verdict::InvalidSignature],
        HintName::PolicyGap => &[Verdict::WrongIssuer, Verdict::WrongAudience],
        HintName::LiveTokensInLogs => &[],
    }
}
