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
    /// A line of the source on which it was counted, and the offset at which it stands there.
    pub(super) line: u64,
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
    /// The last sighting, if a finding at `at` in a source repeats it. `least_line` is a line that the finding is not before, and
    /// `offset` is its own, where lines are in the order of offsets.
    pub(super) fn again(
        &mut self,
        at: Timestamp,
        source: u32,
        (least_line, offset): (u64, Option<u64>),
    ) -> Option<&mut LastSighting> {
        let last = self.last.as_mut()?;
        let is_below = last.line <= least_line || offset.is_some_and(|offset| last.offset <= offset);
        let repeats = last.repeats.source == source && is_below && last.stretch.contains(&at.millis());
        (repeats && last.repeats.occurrences < u32::MAX).then_some(last)
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
