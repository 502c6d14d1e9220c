//! What the files count per row: occurrences, distinct tokens, first and last sight.

use crate::tally::{Count, earliest};
use crate::timestamp::Timestamp;

use super::rows::{Shown, When};

/// Counts distinct tokens. They are handed over one after the other, so that the last one seen tells whether a token
/// is new: no set is kept, however many there are.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct DistinctTokens {
    last: Option<usize>,
    count: u64,
}

impl DistinctTokens {
    /// Counts the token with this number, which must not be lower than any before.
    pub(super) fn add(&mut self, token: usize) {
        debug_assert!(self.last <= Some(token), "tokens are counted in order");
        if self.last != Some(token) {
            self.last = Some(token);
            self.count += 1;
        }
    }

    /// How many there were.
    pub(super) const fn count(self) -> u64 {
        self.count
    }
}

/// What a row counts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    /// Findings.
    pub(super) occurrences: u64,
    tokens: DistinctTokens,
    first_seen: Option<Timestamp>,
    last_seen: Option<Timestamp>,
}

impl Group {
    /// Counts what one token, with this number, had of one outcome; tokens come in order.
    pub(super) fn add(&mut self, token: usize, count: &Count) {
        self.occurrences += count.occurrences;
        self.tokens.add(token);
        self.first_seen = earliest(self.first_seen, count.first_seen);
        self.last_seen = self.last_seen.max(count.last_seen);
    }

    /// Distinct tokens.
    pub(super) const fn distinct_tokens(self) -> u64 {
        self.tokens.count()
    }

    /// The earliest event time.
    pub(super) fn first_seen(self) -> When {
        self.first_seen.map(Shown)
    }

    /// The latest event time.
    pub(super) fn last_seen(self) -> When {
        self.last_seen.map(Shown)
    }
}
