//! Which things there were, of things that come again and again.

/// Things as they come, some of them more than once. To write one behind the last is what a finding can afford: a set would
/// wait for memory at each. The list is sorted and rid of what it holds twice when it is full.
#[derive(Clone, Debug)]
pub struct Distinct<T> {
    things: Vec<T>,
    /// Things that are kept elsewhere and were counted there: none of those above.
    elsewhere: u64,
}

impl<T> Default for Distinct<T> {
    fn default() -> Self {
        Self { things: Vec::new(), elsewhere: 0 }
    }
}

impl<T: Copy + Ord> Distinct<T> {
    /// Adds one.
    pub(super) fn add(&mut self, thing: T) {
        self.make_room(1);
        self.things.push(thing);
    }

    /// Adds what another has.
    pub(super) fn merge(&mut self, mut other: Self) {
        if self.things.len() < other.things.len() {
            std::mem::swap(&mut self.things, &mut other.things);
        }
        self.make_room(other.things.len());
        self.things.extend(other.things);
        self.elsewhere += other.elsewhere;
    }

    /// Takes all of them out, some of them more than once.
    pub(super) fn drain(&mut self) -> Vec<T> {
        std::mem::take(&mut self.things)
    }

    /// Counts so many that are kept elsewhere; all are by now.
    pub(super) fn count_elsewhere(&mut self, things: u64) {
        self.elsewhere += things;
    }

    /// How much memory they take, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.things.capacity() * size_of::<T>()
    }

    /// The same under other names.
    pub(super) fn renamed(mut self, name: impl Fn(T) -> T) -> Self {
        self.things.iter_mut().for_each(|thing| *thing = name(*thing));
        self
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.elsewhere + self.sorted().len() as u64
    }

    fn sorted(&self) -> Vec<T> {
        let mut things = self.things.clone();
        things.sort_unstable();
        things.dedup();
        things
    }

    fn make_room(&mut self, more: usize) {
        if self.things.capacity() - self.things.len() < more {
            self.things.sort_unstable();
            self.things.dedup();
            let length = self.things.len();
            // At least half of the room is free afterwards, so that the next time is not soon.
            self.things.reserve(length.max(more));
        }
    }
}

impl<T: Copy + Ord> PartialEq for Distinct<T> {
    fn eq(&self, other: &Self) -> bool {
        self.elsewhere == other.elsewhere && self.sorted() == other.sorted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn what_comes_a_million_times_takes_no_room() {
        let mut distinct = Distinct::default();
        (0..1_000_000_u32).for_each(|n| distinct.add(n % 3));
        assert_eq!(distinct.count(), 3);
        assert!(distinct.things.capacity() < 64);
    }

    proptest! {
        #[test]
        fn it_counts_like_a_set_however_it_is_split(
            things in proptest::collection::vec(0..40_u32, 0..200),
            split in 0..200_usize,
        ) {
            let counted = |things: &[u32]| {
                let mut distinct = Distinct::default();
                things.iter().for_each(|thing| distinct.add(*thing));
                distinct
            };
            let set: BTreeSet<_> = things.iter().collect();
            let (left, right) = things.split_at(split.min(things.len()));
            let mut merged = counted(left);
            merged.merge(counted(right));
            prop_assert_eq!(merged.renamed(|thing| thing + 7).count(), set.len() as u64);
            prop_assert_eq!(counted(&things).count(), set.len() as u64);
        }
    }
}
