//! How many seconds findings miss a date by: what tells a clock that is off from a token that is old.
//!
//! Only near misses are counted (see [`Apart::is_near`]), in whole seconds, so that a source needs at most a few hundred counts of each
//! kind, however many findings it has.

use std::collections::BTreeMap;

use crate::verdict::{Apart, Miss};

/// Misses by seconds between the date and the event time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offsets(BTreeMap<i32, u64>);

impl Offsets {
    /// Counts a miss if it is near.
    fn add(&mut self, miss: Apart) {
        if miss.is_near()
            && let Ok(seconds) = i32::try_from(miss.apart.div_euclid(1000))
        {
            *self.0.entry(seconds).or_default() += 1;
        }
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        for (&seconds, count) in &other.0 {
            *self.0.entry(seconds).or_default() += count;
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// The seconds, the lower half of which misses by no more than this; 50 gives the median. `None` of none.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> Option<i32> {
        let rank = (self.count() * percent).div_ceil(100).max(1);
        let mut seen = 0;
        self.0.iter().find_map(|(&seconds, count)| {
            seen += count;
            (seen >= rank).then_some(seconds)
        })
    }
}

/// The near misses of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NearMisses {
    /// Event times before `nbf` or `iat`: how many seconds before the later of the two.
    pub early: Offsets,
    /// Event times at or after `exp`: how many seconds after it.
    pub late: Offsets,
}

impl NearMisses {
    /// Counts a finding that misses its dates so.
    pub fn add(&mut self, miss: &Miss) {
        if let Some(early) = miss.early {
            self.early.add(early);
        }
        if let Some(late) = miss.late {
            self.late.add(late);
        }
    }

    /// Adds what was counted elsewhere.
    pub fn merge(&mut self, other: &Self) {
        self.early.merge(&other.early);
        self.late.merge(&other.late);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counted(millis: &[i64]) -> Offsets {
        let mut offsets = Offsets::default();
        millis.iter().for_each(|apart| offsets.add(Apart { apart: *apart, beyond: *apart }));
        offsets
    }

    #[test]
    fn a_miss_is_near_up_to_five_minutes_beyond_the_leeway() {
        let mut offsets = counted(&[0, 299_999, 300_000]);
        assert_eq!((offsets.count(), offsets.percentile(100)), (2, Some(299)));
        offsets.add(Apart { apart: 900_000, beyond: 299_999 });
        assert_eq!(offsets.percentile(100), Some(900), "whatever the leeway is");
    }

    proptest! {
        #[test]
        fn the_median_is_that_of_the_sorted_seconds(
            millis in proptest::collection::vec(0..400_000_i64, 1..60),
            split in 0..60_usize,
        ) {
            let mut seconds: Vec<_> = millis.iter().filter(|m| **m < 300_000).map(|m| (m / 1000) as i32).collect();
            seconds.sort_unstable();
            let median = seconds.get(seconds.len().div_ceil(2).saturating_sub(1)).copied();
            let whole = counted(&millis);
            prop_assert_eq!(whole.percentile(50), median);
            let (left, right) = millis.split_at(split.min(millis.len()));
            let (mut one, mut other) = (counted(left), counted(right));
            one.merge(&counted(right));
            other.merge(&counted(left));
            prop_assert_eq!(&one, &whole);
            prop_assert_eq!(&other, &whole);
        }
    }
}
