//! What was found, by the user's own groups: services, versions, paths.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::record::GroupKey;
use super::{Distinct, earliest};
use crate::secret::Fingerprint;
use crate::timestamp::Timestamp;
use crate::verdict::Verdict;

/// How many values of one name are kept apart: the first in the order of their text. Which these are does not depend on the
/// order in which they come, and nothing of one that is kept was ever counted elsewhere.
pub const MAX_VALUES: usize = 10_000;

/// The value under which all are counted that are behind the first 10,000, and those that are called so.
pub const OTHERS: &str = "(other)";

/// How often, and when.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupCount {
    /// Findings.
    pub occurrences: u64,
    /// Their tokens.
    pub tokens: Distinct<Fingerprint>,
    /// The earliest event time; `None` when none has one.
    pub first_seen: Option<Timestamp>,
    /// The latest event time.
    pub last_seen: Option<Timestamp>,
}

/// Counts by verdict.
type ByVerdict = BTreeMap<Verdict, GroupCount>;

/// Counts by value, for each name in the order of the user's. Merging is associative and commutative.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupTally(Vec<Values>);

#[derive(Clone, Debug, Default, PartialEq)]
struct Values {
    /// `None` where a record has no value.
    known: BTreeMap<Option<Arc<str>>, ByVerdict>,
    others: ByVerdict,
}

impl GroupTally {
    /// Counts a finding under the value of the name with this number.
    pub fn add(
        &mut self,
        name: usize,
        value: Option<&Arc<str>>,
        verdict: Verdict,
        token: Fingerprint,
        at: Option<Timestamp>,
    ) {
        let mut count =
            GroupCount { occurrences: 1, tokens: Distinct::default(), first_seen: at, last_seen: at };
        count.tokens.add(token);
        self.values(name).merge(value.cloned(), verdict, count);
    }

    /// Adds what another tally counted.
    pub fn merge(&mut self, other: Self) {
        for (name, values) in other.0.into_iter().enumerate() {
            let mine = self.values(name);
            for (value, counts) in values.known {
                for (verdict, count) in counts {
                    mine.merge(value.clone(), verdict, count);
                }
            }
            for (verdict, count) in values.others {
                mine.others.entry(verdict).or_default().merge(count);
            }
        }
    }

    /// The counts of the name with this number, in order of values and verdicts, [`OTHERS`] last. The value of records that have
    /// none is empty.
    pub fn iter(&self, name: usize) -> impl Iterator<Item = (&str, Verdict, &GroupCount)> {
        self.0.get(name).into_iter().flat_map(|values| {
            let known =
                values.known.iter().map(|(value, counts)| (value.as_deref().unwrap_or_default(), counts));
            known.chain(std::iter::once((OTHERS, &values.others))).flat_map(|(value, counts)| {
                counts.iter().map(move |(verdict, count)| (value, *verdict, count))
            })
        })
    }

    /// Takes out the tokens of all counts.
    pub(super) fn drain(&mut self) -> Vec<(GroupKey, Vec<Fingerprint>)> {
        let mut drained = Vec::new();
        for (name, values) in (0..).zip(&mut self.0) {
            let others: Option<Arc<str>> = Some(OTHERS.into());
            let known = values.known.iter_mut().map(|(value, counts)| (value.clone(), counts));
            for (value, counts) in known.chain(std::iter::once((others, &mut values.others))) {
                let counts = counts.iter_mut();
                drained.extend(
                    counts.map(|(verdict, count)| ((name, value.clone(), *verdict), count.tokens.drain())),
                );
            }
        }
        drained
    }

    /// Under which value what once had a value of its own is counted by now.
    pub(super) fn place(&self, name: u32, value: Option<Arc<str>>) -> Option<Arc<str>> {
        let is_known = self.0.get(name as usize).is_some_and(|values| values.known.contains_key(&value));
        if is_known { value } else { Some(OTHERS.into()) }
    }

    /// Adds tokens that were taken out.
    pub(super) fn settle(&mut self, (name, value, verdict): GroupKey, tokens: u64) {
        let Some(values) = self.0.get_mut(name as usize) else { return };
        let counts = match values.known.get_mut(&value) {
            Some(counts) => counts,
            None => &mut values.others,
        };
        counts.entry(verdict).or_default().tokens.count_elsewhere(tokens);
    }

    pub(super) fn memory(&self) -> usize {
        let counts = self.0.iter().flat_map(|values| values.known.values().chain([&values.others]));
        counts.flat_map(BTreeMap::values).map(|count| count.tokens.memory()).sum()
    }

    fn values(&mut self, name: usize) -> &mut Values {
        if self.0.len() <= name {
            self.0.resize_with(name + 1, Values::default);
        }
        &mut self.0[name]
    }
}

impl Values {
    fn merge(&mut self, value: Option<Arc<str>>, verdict: Verdict, count: GroupCount) {
        if value.as_deref() == Some(OTHERS) {
            self.others.entry(verdict).or_default().merge(count);
            return;
        }
        self.known.entry(value).or_default().entry(verdict).or_default().merge(count);
        if self.known.len() > MAX_VALUES
            && let Some((_, last)) = self.known.pop_last()
        {
            for (verdict, count) in last {
                self.others.entry(verdict).or_default().merge(count);
            }
        }
    }
}

impl GroupCount {
    /// Adds other findings.
    pub fn merge(&mut self, other: Self) {
        self.occurrences += other.occurrences;
        self.tokens.merge(other.tokens);
        self.first_seen = earliest(self.first_seen, other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::{Fingerprinter, RawToken};

    #[test]
    fn values_beyond_the_limit_are_counted_together_in_whatever_order_they_come() {
        let token = Fingerprinter::public().token(RawToken::new(b"t"));
        let value = |n: usize| Arc::from(format!("{n:06}"));
        let counted = |order: &mut dyn Iterator<Item = usize>| {
            let mut tally = GroupTally::default();
            order.for_each(|n| tally.add(0, Some(&value(n)), Verdict::Expired, token, None));
            tally
        };
        let most = MAX_VALUES + 5;
        let (up, down) = (counted(&mut (0..most)), counted(&mut (0..most).rev()));
        assert_eq!(up, down);
        let told: Vec<_> = up.iter(0).map(|(value, _, count)| (value, count.occurrences)).collect();
        assert_eq!(told.len(), MAX_VALUES + 1);
        assert_eq!(told[0], ("000000", 1));
        assert_eq!(told[MAX_VALUES], (OTHERS, 5));
        // What two have seen of the same values is what one sees of all.
        let mut halves = counted(&mut (0..most).step_by(2));
        halves.merge(counted(&mut (1..most).step_by(2)));
        assert_eq!(halves, up);
    }
}
