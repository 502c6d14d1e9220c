//! In which sources something was found, and how often in each.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

/// Occurrences per source, by the source's number, sorted by it. Most tokens stand in one source or two.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Places(SmallVec<[(u32, u32); 2]>);

impl Places {
    /// Counts so many occurrences in a source. A count that is full stays so.
    pub(super) fn add(&mut self, source: u32, occurrences: u32) {
        match self.0.last_mut() {
            // The last is the likeliest: a source is read from its beginning to its end.
            Some((last, count)) if *last == source => *count = count.saturating_add(occurrences),
            Some((last, _)) if *last > source => match self.place(source) {
                Ok(place) => self.0[place].1 = self.0[place].1.saturating_add(occurrences),
                Err(place) => self.0.insert(place, (source, occurrences)),
            },
            _ => self.0.push((source, occurrences)),
        }
    }

    /// Adds what was counted elsewhere.
    pub(super) fn merge(&mut self, other: &Self) {
        other.0.iter().for_each(|&(source, count)| self.add(source, count));
    }

    fn place(&self, source: u32) -> Result<usize, usize> {
        self.0.binary_search_by_key(&source, |(number, _)| *number)
    }

    /// The sources' numbers, ascending.
    pub fn sources(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().map(|(source, _)| *source)
    }

    /// The sources' numbers, ascending, each with its occurrences.
    pub fn iter(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.0.iter().map(|&(source, count)| (source, u64::from(count)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn counted(sources: &[u32]) -> Places {
        let mut places = Places::default();
        sources.iter().for_each(|source| places.add(*source, 1));
        places
    }

    proptest! {
        #[test]
        fn what_is_split_and_merged_equals_what_is_counted_at_once(
            sources in proptest::collection::vec(0..6_u32, 0..40),
            split in 0..40_usize,
        ) {
            let (left, right) = sources.split_at(split.min(sources.len()));
            let (mut one, mut other) = (counted(left), counted(right));
            other.merge(&counted(left));
            one.merge(&counted(right));
            prop_assert_eq!(&one, &counted(&sources));
            prop_assert_eq!(&one, &other);
            let total: u64 = one.iter().map(|(_, count)| count).sum();
            prop_assert_eq!(total, sources.len() as u64);
            prop_assert!(one.sources().is_sorted());
        }
    }
}
