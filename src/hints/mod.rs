//! Tally → hints: what is likely to have gone wrong, on which evidence, and what to check next.
//!
//! A hint is no verdict. Each has a rule of its own, stated at the head of its file, that turns counts into a confidence;
//! where the rule does not hold, there is no hint. Most telling first: see [`find`].

mod words;

pub use words::{Confidence, HintName};

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
