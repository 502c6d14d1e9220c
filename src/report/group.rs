//! What the files count per row: occurrences, distinct tokens, first and last sight.

use super::kinds::{Kind, Sum};
use super::rows::{Shown, When};
use crate::tally::earliest;
use crate::timestamp::Timestamp;

/// What a row counts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Group {
    /// Findings.
    pub(super) occurrences: u64,
    /// Their tokens. Tokens of a kind have all of its outcomes, so that the last kind that was counted tells whether its tokens
    /// are new.
    pub(super) distinct_tokens: u64,
    last: Option<usize>,
    first_seen: Option<Timestamp>,
    last_seen: Option<Timestamp>,
}

impl Group {
    /// Counts what the tokens of a kind, which has this number, had of one outcome; kinds come in order.
    pub(super) fn add(&mut self, number: usize, kind: &Kind, sum: &Sum) {
        debug_assert!(self.last <= Some(number), "kinds are counted in order");
        if self.last != Some(number) {
            self.last = Some(number);
            self.distinct_tokens += kind.tokens;
        }
        self.occurrences += sum.occurrences;
        self.first_seen = earliest(self.first_seen, sum.first_seen);
        self.last_seen = self.last_seen.max(sum.last_seen);
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
