//! What a worker remembers of a token, so that another finding of it touches one place in memory.

use std::ops::Range;

use crate::tally::{MessageNumber, OutcomeNumber, Repeats, Tally, TokenNumber};
use crate::timestamp::Timestamp;
use crate::verdict::Verdict;

/// A token that was seen before.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) number: TokenNumber,
    pub(super) last: Option<LastSighting>,
    /// What verifiers said of it the last times.
    pub(super) said: [Option<SaidBefore>; 2],
}

/// The last time that a token was found with an event time, and what another finding shares with it.
#[derive(Debug)]
pub(super) struct LastSighting {
    pub(super) outcome: OutcomeNumber,
    pub(super) verdict: Verdict,
    /// Whether it misses its dates by little, as it does all over the stretch.
    pub(super) is_near: bool,
    /// The event times, in milliseconds, at which the outcome is the same.
    pub(super) stretch: Range<i64>,
    /// A place in the source at which it was counted.
    pub(super) offset: u64,
    /// The findings since, which the tally does not know yet, and the source.
    pub(super) repeats: Repeats,
}

/// A verifier's message beside no other token, counted, and what another such record shares with it.
#[derive(Debug)]
pub(super) struct SaidBefore {
    pub(super) entry: usize,
    pub(super) outcome: OutcomeNumber,
    /// The event times, in milliseconds, at which the message and the outcome agree as much.
    pub(super) stretch: Range<i64>,
    pub(super) has_subsecond: bool,
    pub(super) number: MessageNumber,
}

impl Known {
    /// The last sighting, if a finding at `at` and at this offset of a source repeats it.
    pub(super) fn again(&mut self, at: Timestamp, source: u32, offset: u64) -> Option<&mut LastSighting> {
        let last = self.last.as_mut()?;
        let is_below = last.repeats.source == source && last.offset <= offset;
        (is_below && last.stretch.contains(&at.millis())).then_some(last)
    }

    /// Tells the tally of the findings that it does not know yet.
    pub(super) fn hand_over(&mut self, tally: &mut Tally) {
        if let Some(LastSighting { outcome, repeats, .. }) = &mut self.last
            && repeats.occurrences > 0
        {
            tally.add_repeats(self.number, *outcome, repeats);
            repeats.occurrences = 0;
        }
    }
}

impl SaidBefore {
    /// Whether the same of the same token at `at` is counted as this was.
    pub(super) fn holds(&self, entry: usize, outcome: OutcomeNumber, at: Timestamp) -> bool {
        let same = (self.entry, self.outcome, self.has_subsecond) == (entry, outcome, at.has_subsecond());
        same && self.stretch.contains(&at.millis())
    }
}
