//! What a worker remembers of a token, so that another finding of it touches two lines of the processor's cache, side by side.

use std::ops::Range;

use super::prepared::Hash;
use crate::tally::{MessageNumber, OutcomeNumber, Repeats, Tally, TokenNumber};
use crate::timestamp::Timestamp;
use crate::verdict::Verdict;

/// A token that was seen before: the last time that it was judged at an event time, what another finding shares with that, and
/// the findings since, which the tally does not know yet. What is 80 bytes long and begins at a multiple of 16 lies in two lines of
/// the cache, never in three.
#[derive(Debug)]
#[repr(align(16))]
pub(super) struct Known {
    /// Of its candidate.
    pub(super) hash: Hash,
    /// The event times, in milliseconds, at which the outcome is the same; none before it was judged.
    stretch: Range<i64>,
    /// An offset of the source that it does not stand behind.
    offset: u64,
    first_seen: Moment,
    last_seen: Moment,
    pub(super) number: TokenNumber,
    occurrences: u32,
    source: u32,
    /// The last messages of verifiers that were counted beside it and beside no other token, and that agree with the outcome as
    /// much all over the stretch.
    said: [Said; 2],
    /// The outcome's number in the tally.
    outcome: u16,
    verdict: Verdict,
    /// Whether it misses its dates by little, as it does all over the stretch.
    is_near: bool,
}

const _: () = assert!(size_of::<Known>() == 80, "a finding should touch no more than two lines of the cache");

/// A message, and what it is counted as.
#[derive(Clone, Copy, Debug)]
struct Said {
    /// Its place in the catalogue, twice, and whether the event time has a fraction of a second: without one it agrees with more.
    what: u16,
    number: u16,
}

impl Said {
    const NOTHING: Self = Self { what: u16::MAX, number: 0 };

    /// None of those at the end of an endless catalogue.
    fn what(entry: usize, at: Timestamp) -> Option<u16> {
        let what = entry.checked_mul(2)?.checked_add(usize::from(at.has_subsecond()))?;
        u16::try_from(what).ok().filter(|what| *what != Self::NOTHING.what)
    }
}

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
    pub(super) const fn new(hash: Hash, number: TokenNumber) -> Self {
        Self {
            hash,
            stretch: 0..0,
            offset: 0,
            first_seen: Moment(0),
            last_seen: Moment(0),
            number,
            occurrences: 0,
            source: 0,
            said: [Said::NOTHING; 2],
            outcome: 0,
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
        self.said = [Said::NOTHING; 2];
        let Ok(outcome) = u16::try_from(outcome.0) else {
            self.stretch = 0..0;
            return;
        };
        (self.outcome, self.verdict, self.is_near) = (outcome, verdict, is_near);
        self.stretch = common(stretch, &Moment::RANGE);
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
        Some(Found { outcome: self.outcome(), verdict: self.verdict, is_near: self.is_near })
    }

    /// Whether it was found again since it was judged.
    pub(super) const fn is_repeated(&self) -> bool {
        self.occurrences > 0
    }

    /// Tells the tally of the findings that it does not know yet.
    pub(super) fn hand_over(&mut self, tally: &mut Tally) {
        if self.occurrences > 0 {
            let (first_seen, last_seen) = (self.first_seen.time(), self.last_seen.time());
            let repeats =
                Repeats { occurrences: self.occurrences, first_seen, last_seen, source: self.source };
            tally.add_repeats(self.number, self.outcome(), &repeats);
            self.occurrences = 0;
        }
    }

    /// What a message is counted as beside this token, with an outcome at an event time, if it was counted before.
    pub(super) fn said_before(
        &self,
        entry: usize,
        outcome: OutcomeNumber,
        at: Timestamp,
    ) -> Option<MessageNumber> {
        let what = Said::what(entry, at)?;
        let said = self.said.iter().find(|said| said.what == what)?;
        let holds = self.outcome() == outcome && self.stretch.contains(&at.millis());
        holds.then_some(MessageNumber(said.number.into()))
    }

    /// Remembers what a message was counted as beside this token, with an outcome at an event time: they agree as much at all
    /// event times of a stretch.
    pub(super) fn said(
        &mut self,
        (entry, number): (usize, MessageNumber),
        outcome: OutcomeNumber,
        at: Timestamp,
        stretch: &Range<i64>,
    ) {
        let (Some(what), Ok(number)) = (Said::what(entry, at), u16::try_from(number.0)) else { return };
        if self.outcome() != outcome || !self.stretch.contains(&at.millis()) {
            return;
        }
        self.said = [Said { what, number }, self.said[0]];
        // Outside of that it is judged again, and nothing of this remembered.
        self.stretch = common(&self.stretch, stretch);
    }

    const fn outcome(&self) -> OutcomeNumber {
        OutcomeNumber(self.outcome as u32)
    }
}

fn common(one: &Range<i64>, other: &Range<i64>) -> Range<i64> {
    one.start.max(other.start)..one.end.min(other.end)
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
