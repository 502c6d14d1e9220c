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
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;

/// How far the clocks of a verifier and of its log may differ, in milliseconds.
const TICK: i64 = 1000;

/// Whether a verifier's message and our judgement agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
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
    pub(super) dates: Dates,
    /// In milliseconds.
    pub(super) leeway: i64,
    /// The verdicts of steps that are left out, because the policy does not say what is right or the claims cannot be read.
    pub(super) unjudged: VerdictSet,
}

impl Judgement {
    /// What else is known, for whoever asks later whether a verifier agrees.
    #[must_use]
    pub const fn circumstances(&self) -> &Circumstances {
        &self.circumstances
    }
}

impl Circumstances {
    /// Whether what a verifier says about the token agrees with `outcome`, which is the judgement at `at`.
    #[must_use]
    pub fn agree(&self, statement: Statement, outcome: &Outcome, at: Option<Timestamp>) -> Agreement {
        agreement(statement, outcome, self, at)
    }

    /// The event times around `at`, in milliseconds, at which the answer is the same if the outcome and the precision of the
    /// time are. A `yes` is the same at any time.
    #[must_use]
    pub fn stretch(&self, at: Timestamp) -> Range<i64> {
        let tolerance = self.tolerance(at);
        let Dates { exp, nbf, iat } = self.dates;
        let turns = || {
            [exp, nbf, iat].into_iter().flatten().flat_map(|date| {
                let date = date.at.millis();
                [date.saturating_sub(tolerance), date.saturating_add(tolerance).saturating_add(1)]
            })
        };
        let from = turns().filter(|turn| *turn <= at.millis()).max().unwrap_or(i64::MIN);
        let until = turns().filter(|turn| *turn > at.millis()).min().unwrap_or(i64::MAX);
        from..until
    }

    /// By how much a date and an event time may differ for reasons of clocks and leeways, in milliseconds.
    const fn tolerance(&self, at: Timestamp) -> i64 {
        let resolution = if at.has_subsecond() { 0 } else { TICK };
        self.leeway.saturating_add(TICK + resolution)
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
    let tolerance = known.tolerance(at);
    dates.any(|date: NumericDate| {
        let distance = at.millis().abs_diff(date.at.millis());
        // Milliseconds taken for seconds are in a far future: that token never ends, and never begins.
        distance <= tolerance.unsigned_abs() || (date.in_milliseconds && !is_late)
    })
}

#[cfg(test)]
mod tests {
    use super::super::Judge;
    use super::super::testing::{POLICY, at, policy, token};
    use super::*;

    const RIGHT: &str =
        r#"{"iss":"https://a.example/","aud":"api","sub":"x","exp":2000,"nbf":1000,"iat":1000}"#;

    fn asked(toml: &str, claims: &str, seconds: Option<i64>, cause: Cause, rank: u8) -> &'static str {
        let policy = policy(toml);
        let judgement = Judge::new(&policy).prepare(&token(r#"{"alg":"RS256"}"#, claims), None);
        let at = seconds.map(at);
        judgement.circumstances().agree(Statement { cause, rank }, &judgement.at(at), at).as_str()
    }

    fn said(claims: &str, seconds: i64, cause: Cause) -> &'static str {
        asked(POLICY, claims, Some(seconds), cause, 3)
    }

    #[test]
    fn both_may_find_any_of_the_steps_that_fail() {
        let wrong = r#"{"iss":"https://b.example/","aud":"web","sub":"x","exp":2000}"#;
        for (cause, expected) in [
            (Cause::Expired, "yes"),
            (Cause::WrongIssuer, "yes"),
            (Cause::WrongAudience, "yes"),
            (Cause::NotYetValid, "no"),
            (Cause::AlgNotAllowed, "no"),
            (Cause::Malformed, "no"),
        ] {
            assert_eq!(said(wrong, 9000, cause), expected, "{cause}");
        }
    }

    #[test]
    fn what_is_valid_here_and_refused_there_is_a_contradiction() {
        for cause in Cause::ALL {
            let expected = match cause {
                // There are no keys to look in.
                Cause::UnknownKid | Cause::InvalidSignature => "near",
                _ => "no",
            };
            assert_eq!(said(RIGHT, 1500, cause), expected, "{cause}");
        }
        assert_eq!(asked(POLICY, RIGHT, Some(1500), Cause::AlgNotAllowed, 1), "no", "a wrapper of nothing");
    }

    #[test]
    fn clocks_and_leeways_make_a_difference_near() {
        for (seconds, cause, expected) in [
            (1967, Cause::Expired, "no"),
            (1968, Cause::Expired, "near"),
            (2029, Cause::Expired, "near"),
            (2030, Cause::Expired, "yes"),
            (969, Cause::NotYetValid, "yes"),
            (970, Cause::NotYetValid, "near"),
            (1032, Cause::IssuedInFuture, "near"),
            (1033, Cause::IssuedInFuture, "no"),
            (2000, Cause::NotYetValid, "no"),
            (2029, Cause::WrongIssuer, "no"),
        ] {
            assert_eq!(said(RIGHT, seconds, cause), expected, "{cause} at {seconds}");
        }
    }

    #[test]
    fn a_fraction_of_a_second_narrows_what_is_near() {
        let policy = policy(POLICY);
        let judgement = Judge::new(&policy).prepare(&token(r#"{"alg":"RS256"}"#, RIGHT), None);
        for (millis, expected) in [(1_968_999, Agreement::No), (1_969_000, Agreement::Near)] {
            let at = Some(Timestamp::new(millis, true));
            let said = Statement { cause: Cause::Expired, rank: 3 };
            assert_eq!(judgement.circumstances().agree(said, &judgement.at(at), at), expected, "{millis}");
        }
    }

    #[test]
    fn within_a_stretch_the_answer_is_the_same_and_at_its_end_it_may_not_be() {
        let policy = policy(POLICY);
        let claims = r#"{"iss":"https://a.example/","aud":"api","sub":"x","exp":2000,"nbf":1000,"iat":1010}"#;
        let judgement = Judge::new(&policy).prepare(&token(r#"{"alg":"RS256"}"#, claims), None);
        for subsecond in [false, true] {
            for cause in [Cause::Expired, Cause::NotYetValid] {
                let said = |millis| {
                    let at = Timestamp::new(millis, subsecond);
                    let statement = Statement { cause, rank: 3 };
                    let outcome = judgement.at(Some(at));
                    let stretch = judgement.circumstances().stretch(at);
                    (judgement.circumstances().agree(statement, &outcome, Some(at)), outcome, stretch)
                };
                let mut ends = 0;
                for millis in (900_000..2_100_000).step_by(250) {
                    let ((agrees, outcome, stretch), next) = (said(millis), said(millis + 250));
                    assert!(stretch.contains(&millis));
                    if outcome == next.1 && stretch.contains(&(millis + 250)) {
                        assert_eq!(agrees, next.0, "{cause} {millis}");
                    }
                    ends += usize::from(agrees != next.0 && outcome == next.1);
                }
                assert!(ends > 0, "{cause}: no answer ever changed");
            }
        }
    }

    #[test]
    fn milliseconds_taken_for_seconds_have_not_begun() {
        let claims =
            r#"{"iss":"https://a.example/","aud":"api","sub":"x","exp":1781230000000,"nbf":1781226000000}"#;
        assert_eq!(said(claims, 1_781_228_000, Cause::NotYetValid), "near");
        assert_eq!(said(claims, 1_781_228_000, Cause::Expired), "no");
    }

    #[test]
    fn what_is_not_judged_here_cannot_be_contradicted() {
        let open = "[[issuer]]\niss = \"https://a.example/\"";
        for cause in [Cause::WrongAudience, Cause::MissingClaim, Cause::AlgNotAllowed, Cause::UnknownKid] {
            assert_eq!(asked(open, RIGHT, Some(1500), cause, 3), "near", "{cause}");
        }
        assert_eq!(asked(open, RIGHT, Some(1500), Cause::WrongIssuer, 3), "no");
        assert_eq!(asked("", RIGHT, Some(1500), Cause::WrongIssuer, 3), "near");
        assert_eq!(asked(POLICY, RIGHT, None, Cause::Expired, 3), "near", "without an event time");
        let endless = r#"{"iss":"https://a.example/","aud":"api","sub":"x"}"#;
        assert_eq!(asked(POLICY, endless, None, Cause::Expired, 3), "no", "there is no date to be near to");
    }

    #[test]
    fn a_vague_message_agrees_a_little_with_any_failure() {
        let wrong = r#"{"iss":"https://b.example/","aud":"api","sub":"x","exp":2000}"#;
        for (cause, rank, expected) in [
            (Cause::GenericInvalid, 2, "near"),
            (Cause::JwksFetchFailed, 3, "near"),
            (Cause::AlgNotAllowed, 1, "near"),
            (Cause::AlgNotAllowed, 2, "no"),
            (Cause::MissingToken, 3, "no"),
        ] {
            assert_eq!(asked(POLICY, wrong, Some(1500), cause, rank), expected, "{cause} {rank}");
        }
    }

    #[test]
    fn a_claim_that_is_missing_may_be_the_issuer_the_audience_or_the_end() {
        let claims = r#"{"iss":"https://a.example/","sub":"x","exp":2000}"#;
        assert_eq!(said(claims, 1500, Cause::MissingClaim), "yes");
        assert_eq!(said(claims, 1500, Cause::WrongAudience), "yes");
        assert_eq!(
            said(r#"{"iss":"https://a.example/","aud":"web","sub":"x"}"#, 1500, Cause::MissingClaim),
            "no"
        );
    }

    #[test]
    fn a_log_that_hides_the_token_contradicts_nobody() {
        let policy = policy(POLICY);
        let mut cut = token(r#"{"alg":"RS256"}"#, RIGHT);
        cut.claims_are_whole = false;
        cut.fault = Some(crate::token::Fault::Cut(crate::token::Cut::InPayload));
        let judgement = Judge::new(&policy).prepare(&cut, None);
        let outcome = judgement.at(Some(at(1500)));
        for (cause, expected) in [
            (Cause::Malformed, "yes"),
            (Cause::InvalidSignature, "yes"),
            (Cause::Expired, "near"),
            (Cause::WrongAudience, "near"),
            (Cause::MissingToken, "near"),
        ] {
            let said =
                judgement.circumstances().agree(Statement { cause, rank: 3 }, &outcome, Some(at(1500)));
            assert_eq!(said.as_str(), expected, "{cause}");
        }
    }
}
