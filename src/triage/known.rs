//! What a worker remembers of a token, so that another finding of it touches one line of the processor's cache.

use std::ops::Range;

use crate::tally::{MessageNumber, OutcomeNumber, Repeats, Tally, TokenNumber};
use crate::timestamp::Timestamp;
use crate::verdict::Verdict;

/// A token that was seen before: the last time that it was judged at an event time, what another finding shares with that, and
/// the findings since, which the tally does not know yet.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Known {
    /// The event times, in milliseconds, at which the outcome is the same; none before it was judged.
    stretch: Range<i64>,
    /// An offset of the source that it does not stand behind.
    offset: u64,
    first_seen: Moment,
    last_seen: Moment,
    pub(super) number: TokenNumber,
    outcome: OutcomeNumber,
    occurrences: u32,
    source: u32,
    verdict: Verdict,
    /// Whether it misses its dates by little, as it does all over the stretch.
    is_near: bool,
}

const _: () = assert!(size_of::<Known>() == 64, "a finding should wait for memory once");

/// What was found of a finding.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) outcome: OutcomeNumber,
    pub(super) verdict: Verdict,
    pub(super) is_near: bool,
}

/// An event time in one word; words compare as the times do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Moment(i64);

impl Moment {
    /// The times that it can hold.
    const RANGE: Range<i64> = i64::MIN / 2..i64::MAX / 2;

    fn new(at: Timestamp) -> Self {
        Self(at.millis() << 1 | i64::from(at.has_subsecond()))
    }

    const fn time(self) -> Timestamp {
        Timestamp::new(self.0 >> 1, self.0 & 1 == 1)
    }
}

impl Known {
    pub(super) const fn new(number: TokenNumber) -> Self {
        Self {
            stretch: 0..0,
            offset: 0,
            first_seen: Moment(0),
            last_seen: Moment(0),
            number,
            outcome: OutcomeNumber::FIRST,
            occurrences: 0,
            source: 0,
            verdict: Verdict::Valid,
            is_near: false,
        }
    }

    /// Remembers a finding at an event time in a source, which the tally has counted, and which stands at or before an offset.
    pub(super) fn judged(
        &mut self,
        found: Found,
        stretch: &Range<i64>,
        at: Timestamp,
        (source, offset): (u32, u64),
    ) {
        let Found { outcome, verdict, is_near } = found;
        (self.outcome, self.verdict, self.is_near) = (outcome, verdict, is_near);
        let Range { start, end } = Moment::RANGE;
        self.stretch = stretch.start.max(start)..stretch.end.min(end);
        (self.first_seen, self.last_seen) = (Moment::new(at), Moment::new(at));
        (self.source, self.offset) = (source, offset);
    }

    /// Counts a finding at an event time in a source, at or behind an offset there, if it is one more of those that are summed
    /// up here.
    pub(super) fn count_again(&mut self, at: Timestamp, (source, offset): (u32, u64)) -> Option<Found> {
        let repeats = self.source == source && self.offset <= offset && self.stretch.contains(&at.millis());
        if !repeats || self.occurrences == u32::MAX {
            return None;
        }
        self.occurrences += 1;
        let moment = Moment::new(at);
        self.first_seen = self.first_seen.min(moment);
        self.last_seen = self.last_seen.max(moment);
        Some(Found { outcome: self.outcome, verdict: self.verdict, is_near: self.is_near })
    }

    /// Tells the tally of the findings that it does not know yet.
    pub(super) fn hand_over(&mut self, tally: &mut Tally) {
        if self.occurrences > 0 {
            let (first_seen, last_seen) = (self.first_seen.time(), self.last_seen.time());
            let repeats =
                Repeats { occurrences: self.occurrences, first_seen, last_seen, source: self.source };
            tally.add_repeats(self.number, self.outcome, &repeats);
            self.occurrences = 0;
        }
    }
}

/// A verifier's message beside no other token, counted, and what another such record shares with it.
#[derive(Debug)]
pub(super) struct SaidBefore {
    pub(super) entry: u32,
    pub(super) outcome: OutcomeNumber,
    /// The event times, in milliseconds, at which the message and the outcome agree as much.
    pub(super) stretch: Range<i64>,
    pub(super) has_subsecond: bool,
    pub(super) number: MessageNumber,
}

impl SaidBefore {
    /// Whether the same of the same token at `at` is counted as this was.
    pub(super) fn holds(&self, entry: usize, outcome: OutcomeNumber, at: Timestamp) -> bool {
        let same = self.entry as usize == entry
            && (self.outcome, self.has_subsecond) == (outcome, at.has_subsecond());
        same && self.stretch.contains(&at.millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn moments_are_times_in_the_same_order(
            times in prop::collection::vec((Moment::RANGE.prop_union(-9..9), any::<bool>()), 2),
        ) {
            let times: Vec<_> = times.into_iter().map(|(millis, part)| Timestamp::new(millis, part)).collect();
            let moments: Vec<_> = times.iter().map(|at| Moment::new(*at)).collect();
            prop_assert_eq!(moments[0].cmp(&moments[1]), times[0].cmp(&times[1]));
            prop_assert_eq!(moments[0].time(), times[0]);
        }
    }
}
