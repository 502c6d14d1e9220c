//! Tally → hints: what is likely to have gone wrong, on which evidence, and what to check next.
//!
//! A hint is no verdict. Each has a rule of its own, stated at the head of its file, that turns counts into a confidence;
//! where the rule does not hold, there is no hint. A rule gives one hint at most, whose evidence names the worst places
//! first, and `rules.rs` lists them all.
//!
//! Every token is looked at once: a rule gathers what it needs of it ([`Facts::add`]), what was gathered of different
//! tokens merges ([`Facts::merge`]), and hints are found at the end ([`Facts::hints`]).
//!
//! Most telling first: by confidence, then by how many occurrences a hint explains, then by how many tokens, then in the
//! order of the contract's list. `live_tokens_in_logs` is no cause but an alert, so it comes last whatever its numbers are.
//!
//! Pure: the order of tokens, sources and messages shows nowhere. Evidence holds no byte of a token, no subject, and of
//! claims no value but issuers and audiences; text from outside is cut short in it, and for the report to make harmless.

mod audience_near_miss;
mod clock_skew;
mod environment_crossover;
mod facts;
mod forgery_attempt;
mod group;
mod id_token_as_access_token;
mod issuer_near_miss;
mod key_rotation_lag;
mod keys;
mod live_tokens_in_logs;
mod log_truncation;
mod messages;
mod milliseconds_dates;
mod phrase;
mod pipelines;
mod policy_gap;
mod reuse_after_expiry;
mod rules;
mod stale_key_cache;
#[cfg(test)]
mod tests;
mod transport_corruption;
mod words;

pub use facts::Facts;
pub use messages::{Complaint, MessageCount};
pub use words::{Confidence, HintName};

use std::cmp::Reverse;

use crate::timestamp::Timestamp;

/// What is likely to have gone wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Its name.
    pub hint: HintName,
    /// How sure it is.
    pub confidence: Confidence,
    /// The numbers that speak for it, as a sentence. Text from outside in it is not yet harmless.
    pub evidence: String,
    /// Findings that it explains.
    pub occurrences: u64,
    /// Tokens that they are of.
    pub distinct_tokens: u64,
    /// Sources that hold them.
    pub sources: u64,
    /// The earliest event time of them.
    pub first_seen: Option<Timestamp>,
    /// The latest event time of them.
    pub last_seen: Option<Timestamp>,
    /// What to look at next, as a line of a runbook.
    pub what_to_check: String,
}

/// Fewer findings than this make no hint: one may be anybody's mistake, two may be one and its retry.
const FEW: u64 = 3;

/// From so many on, a pattern that has another explanation than chance is hardly chance.
const MANY: u64 = 10;

impl Facts<'_> {
    /// All hints of what was gathered and of what verifiers said, most telling first.
    #[must_use]
    pub fn hints(&self, messages: &[MessageCount]) -> Vec<Hint> {
        let mut hints: Vec<_> = self.rules.find(self, messages).collect();
        hints.sort_by_key(|hint| {
            let is_alert = hint.hint == HintName::LiveTokensInLogs;
            let explains = (Reverse(hint.occurrences), Reverse(hint.distinct_tokens));
            (is_alert, hint.confidence, explains, hint.hint)
        });
        hints
    }
}
