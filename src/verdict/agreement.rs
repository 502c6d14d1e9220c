//! Does a verifier's message agree with our judgement of the token beside it?
//!
//! | the verifier says | `yes` where we find one of |
//! |---|---|
//! | `malformed` | `malformed`, `truncated` |
//! | `alg_none` | `alg_none`, `truncated` (a signature that is missing) |
//! | `alg_not_allowed` | `alg_not_allowed`, `alg_none`, `alg_key_mismatch` |
//! | `unknown_kid` | `unknown_kid`, `stale_kid`, `alg_key_mismatch` |
//! | `invalid_signature` | `invalid_signature`, `unknown_kid`, `stale_kid`, `alg_key_mismatch`, `truncated`, `alg_none` (it may try the key that it has) |
//! | `expired` | `expired` |
//! | `not_yet_valid`, `issued_in_future` | `not_yet_valid`, `issued_in_future` (some verifiers have one text for both) |
//! | `wrong_issuer` | `wrong_issuer` |
//! | `wrong_audience` | `wrong_audience` |
//! | `missing_claim` | `missing_claim`, or `missing` (`no_expiry`) in the detail of another |
//! | `missing_token`, `jwks_fetch_failed`, `generic_invalid` | nothing: they do not say what is wrong with a token |
//!
//! It is enough that one of them is among the other steps that fail: verifiers check in other orders. Otherwise the
//! answer is `near` where both may be right:
//!
//! - the log hides what the verifier saw (`redacted`, `truncated`, `encrypted`), or we could not judge what it judged (no
//!   policy for it, no key, no event time)
//! - it speaks of time, and the event time is as close to that date as clocks and leeways differ: the leeway, one second,
//!   and one more where the log has whole seconds only; or the date is in milliseconds and was read as seconds
//! - it only says that something is wrong (`generic_invalid`, `jwks_fetch_failed`, rank 1), and something is; or it saw no
//!   token where the one in the log is `malformed`
//!
//! And `no` otherwise: it refuses what is right here, or for another reason.

use super::time::Dates;
use super::{Detail, Judgement, KeyStatus, Outcome, SignatureStatus, Verdict, VerdictSet};
use crate::message::Cause;
use crate::timestamp::Timestamp;
use crate::token::NumericDate;
use std::fmt;

/// How far the clocks of a verifier and of its log may differ, in milliseconds.
const TICK: i64 = 1000;

/// Whether a verifier's message and our judgement agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Agreement {
    /// They say the same.
    Yes,
    /// They contradict each other.
    No,
    /// They differ by no more than clocks, leeways and wrappers do, or one of them could not see enough.
    Near,
    /// The record holds no token.
    NoToken,
}

impl Agreement {
    /// The word as the reports write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Near => "near",
            Self::NoToken => "no_token",
        }
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a verifier says, and how exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The cause that it names.
    pub cause: Cause,
    /// The rank of its message.
    pub rank: u8,
}

/// What is known of a token besides its outcome.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances {
    dates: Dates,
    leeway: i64,
    /// The steps that were not judged.
    unjudged: VerdictSet,
}

impl Judgement {
    /// What else is known, for whoever asks later whether a verifier agrees.
    #[must_use]
    pub const fn circumstances(&self) -> Circumstances {
        Circumstances { dates: self.dates, leeway: self.leeway, unjudged: self.unjudged }
    }
}

impl Circumstances {
    /// Whether what a verifier says about the token agrees with `outcome`, which is the judgement at `at`.
    #[must_use]
    pub fn agree(&self, statement: Statement, outcome: &Outcome, at: Option<Timestamp>) -> Agreement {
        agreement(statement, outcome, self, at)
    }
}

fn agreement(
    statement: Statement,
    outcome: &Outcome,
    known: &Circumstances,
    at: Option<Timestamp>,
) -> Agreement {
    let Statement { cause, rank } = statement;
    let mut failing = outcome.also;
    failing.insert(outcome.verdict);
    let same = same_as(cause);
    if same.iter().any(|&verdict| failing.contains(verdict)) || is_missing(cause, &outcome.detail) {
        return Agreement::Yes;
    }
    let hidden = [Verdict::Redacted, Verdict::Truncated, Verdict::Encrypted];
    let is_hidden = hidden.iter().any(|&verdict| failing.contains(verdict));
    let is_unjudged = same.iter().any(|&verdict| known.unjudged.contains(verdict))
        || match cause {
            Cause::UnknownKid => outcome.key_status == KeyStatus::Unchecked,
            Cause::InvalidSignature => {
                matches!(outcome.signature, SignatureStatus::NoKey | SignatureStatus::Unchecked)
            }
            _ => false,
        };
    let is_vague = match cause {
        Cause::GenericInvalid | Cause::JwksFetchFailed => outcome.verdict != Verdict::Valid,
        Cause::MissingToken => failing.contains(Verdict::Malformed),
        _ => rank == 1 && outcome.verdict != Verdict::Valid,
    };
    if is_hidden || is_unjudged || is_vague || is_close(cause, known, at) {
        Agreement::Near
    } else {
        Agreement::No
    }
}

/// The verdicts that say the same as a cause.
const fn same_as(cause: Cause) -> &'static [Verdict] {
    use Verdict as V;
    match cause {
        Cause::Malformed => &[V::Malformed, V::Truncated],
        Cause::AlgNone => &[V::AlgNone, V::Truncated],
        Cause::AlgNotAllowed => &[V::AlgNotAllowed, V::AlgNone, V::AlgKeyMismatch],
        Cause::UnknownKid => &[V::UnknownKid, V::StaleKid, V::AlgKeyMismatch],
        Cause::InvalidSignature => {
            &[V::InvalidSignature, V::UnknownKid, V::StaleKid, V::AlgKeyMismatch, V::Truncated, V::AlgNone]
        }
        Cause::Expired => &[V::Expired],
        Cause::NotYetValid | Cause::IssuedInFuture => &[V::NotYetValid, V::IssuedInFuture],
        Cause::WrongIssuer => &[V::WrongIssuer],
        Cause::WrongAudience => &[V::WrongAudience],
        Cause::MissingClaim => &[V::MissingClaim],
        Cause::MissingToken | Cause::JwksFetchFailed | Cause::GenericInvalid => &[],
    }
}

/// Whether both miss something that other steps ask for: the issuer, the audience, the key's name, an end.
fn is_missing(cause: Cause, detail: &Detail) -> bool {
    cause == Cause::MissingClaim && matches!(detail, Detail::Word("missing" | "no_expiry"))
}

/// Whether a cause that speaks of time is a matter of clocks and leeways.
fn is_close(cause: Cause, known: &Circumstances, at: Option<Timestamp>) -> bool {
    let Dates { exp, nbf, iat } = known.dates;
    let (dates, is_late) = match cause {
        Cause::Expired => ([exp, None], true),
        Cause::NotYetValid | Cause::IssuedInFuture => ([nbf, iat], false),
        _ => return false,
    };
    let mut dates = dates.into_iter().flatten();
    let Some(at) = at else { return dates.next().is_some() };
    let resolution = if at.has_subsecond() { 0 } else { TICK };
    let tolerance = known.leeway.saturating_add(TICK + resolution);
    dates.any(|date: NumericDate| {
        let distance = at.millis().abs_diff(date.at.millis());
        // Milliseconds taken for seconds are in a far future: that token never ends, and never begins.
        distance <= tolerance.unsigned_abs() || (date.in_milliseconds && !is_late)
    })
}
