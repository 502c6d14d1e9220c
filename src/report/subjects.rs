//! Pairs of subjects and kinds of tokens → how many subjects each row of a table has.
//!
//! A subject has tokens of several kinds, and a row counts several kinds: once all pairs are in the order of subjects, one pass
//! counts each subject once in every row, and no set of subjects is needed. Where tokens are stored, pairs are too.

use std::io;
use std::ops::ControlFlow;

use smallvec::SmallVec;

use crate::spill::{Spill, Stored};

/// A subject, and the number of a kind that tokens of it are of.
pub(super) type Pair = (u64, u32);

/// How many bytes a pair is stored in.
pub(super) const PAIR: usize = 12;

/// The rows that each kind is counted in.
pub(super) type RowsOfKinds = Vec<SmallVec<[u32; 2]>>;

/// Pairs as they come, some of them more than once.
#[derive(Default)]
pub(super) struct Gathered {
    pairs: Vec<Pair>,
    /// Where they go when there are so many.
    spill: Option<(Spill, usize)>,
}

/// All pairs, in order.
pub(super) enum Subjects {
    Kept(Vec<Pair>),
    Stored(Stored),
}

impl Gathered {
    /// None yet. With a spill, no more than so many are kept in memory.
    pub(super) fn new(spill: Option<(Spill, usize)>) -> Self {
        Self { pairs: Vec::new(), spill }
    }

    /// Adds pairs.
    pub(super) fn add(&mut self, pairs: impl Iterator<Item = Pair>) -> io::Result<()> {
        self.pairs.extend(pairs);
        match &self.spill {
            Some((_, most)) if self.pairs.len() >= *most => self.store(),
            _ => Ok(()),
        }
    }

    fn store(&mut self) -> io::Result<()> {
        let Some((spill, _)) = &self.spill else { return Ok(()) };
        self.pairs.sort_unstable();
        self.pairs.dedup();
        let key = |(subject, kind): &Pair| {
            let mut key = [0; PAIR];
            key[..8].copy_from_slice(&subject.to_be_bytes());
            key[8..].copy_from_slice(&kind.to_be_bytes());
            key
        };
        spill.write(|push| self.pairs.iter().try_for_each(|pair| push(&key(pair), &[])))?;
        self.pairs.clear();
        Ok(())
    }

    /// All of them.
    pub(super) fn finish(mut self) -> io::Result<Subjects> {
        if self.spill.as_ref().is_some_and(|(spill, _)| !spill.is_empty()) {
            self.store()?;
        }
        Ok(match self.spill {
            Some((spill, _)) if !spill.is_empty() => Subjects::Stored(spill.finish()),
            _ => {
                // What comes of a slice of tokens is in order: to merge such runs takes less than to sort.
                self.pairs.sort();
                Subjects::Kept(self.pairs)
            }
        })
    }
}

impl Subjects {
    /// How many subjects each of so many rows has.
    pub(super) fn count(&self, rows_of: &RowsOfKinds, rows: usize) -> io::Result<Vec<u64>> {
        let mut counts = vec![0; rows];
        let mut count = |rows: &mut Vec<u32>| {
            rows.sort_unstable();
            rows.dedup();
            rows.drain(..).for_each(|row| counts[row as usize] += 1);
        };
        let mut rows = Vec::new();
        let mut present = None;
        self.each(|(subject, kind)| {
            if present.replace(subject) != Some(subject) {
                count(&mut rows);
            }
            rows.extend(&rows_of[kind as usize]);
        })?;
        count(&mut rows);
        Ok(counts)
    }

    fn each(&self, mut take: impl FnMut(Pair)) -> io::Result<()> {
        match self {
            Self::Kept(pairs) => pairs.iter().for_each(|pair| take(*pair)),
            Self::Stored(stored) => stored.each(|key, _| {
                let (subject, kind) = key.split_at(8);
                if let (Ok(subject), Ok(kind)) = (subject.try_into(), kind.try_into()) {
                    take((u64::from_be_bytes(subject), u32::from_be_bytes(kind)));
                }
                Ok(ControlFlow::Continue(()))
            })?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rows_count_subjects_as_sets_would_in_memory_and_stored(
            pairs in prop::collection::vec((0..9_u64, 0..5_u32), 0..60),
            rows_of in prop::collection::vec(prop::collection::vec(0..4_u32, 0..4), 5),
            most in 1..30_usize,
        ) {
            let mut sets: BTreeMap<u32, BTreeSet<u64>> = BTreeMap::new();
            for (subject, kind) in &pairs {
                for row in &rows_of[*kind as usize] {
                    sets.entry(*row).or_default().insert(*subject);
                }
            }
            let expected: Vec<_> = (0..4).map(|row| sets.get(&row).map_or(0, |set| set.len() as u64)).collect();
            let rows_of: RowsOfKinds = rows_of.into_iter().map(SmallVec::from_vec).collect();
            let directory = tempfile::tempdir().unwrap();
            for spill in [None, Some((Spill::new(directory.path(), PAIR, 0), most))] {
                let mut gathered = Gathered::new(spill);
                pairs.chunks(7).for_each(|pairs| gathered.add(pairs.iter().copied()).unwrap());
                prop_assert_eq!(&gathered.finish().unwrap().count(&rows_of, 4).unwrap(), &expected);
            }
        }
    }
}
