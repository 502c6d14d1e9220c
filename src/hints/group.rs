//! Findings that have one cause in common, counted one token after the other.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::facts::Seen;
use super::messages::MessageCount;
use super::{Confidence, Hint, HintName};
use crate::secret::Fingerprint;
use crate::tally::earliest;
use crate::timestamp::Timestamp;

/// Findings that have one cause in common.
///
/// Invariant: what is added of one token is added at once, before anything of another, and nowhere else in what is merged.
/// So tokens are counted without a list of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    pub(super) occurrences: u64,
    pub(super) tokens: u64,
    /// The token that was counted last.
    last: Option<Fingerprint>,
    /// Occurrences by the source's number.
    pub(super) sources: BTreeMap<u32, u64>,
    pub(super) first_seen: Option<Timestamp>,
    pub(super) last_seen: Option<Timestamp>,
}

impl Group {
    pub(super) fn add(&mut self, seen: Seen<'_>) {
        self.add_in(seen, |_| true);
    }

    /// Adds what was found in these sources only. The times are those of all.
    pub(super) fn add_in(&mut self, seen: Seen<'_>, is_meant: impl Fn(u32) -> bool) {
        for (source, occurrences) in seen.count.sources.iter().filter(|(source, _)| is_meant(*source)) {
            self.occurrences += occurrences;
            *self.sources.entry(source).or_default() += occurrences;
            if self.last != Some(seen.fingerprint) {
                self.last = Some(seen.fingerprint);
                self.tokens += 1;
            }
            self.first_seen = earliest(self.first_seen, seen.count.first_seen);
            self.last_seen = self.last_seen.max(seen.count.last_seen);
        }
    }

    /// Adds findings of other tokens.
    pub(super) fn merge(&mut self, other: &Self) {
        self.occurrences += other.occurrences;
        self.tokens += other.tokens;
        for (&source, occurrences) in &other.sources {
            *self.sources.entry(source).or_default() += occurrences;
        }
        self.first_seen = earliest(self.first_seen, other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
    }

    /// Adds what verifiers said. Tokens count once for each kind of message.
    pub(super) fn add_messages(&mut self, message: &MessageCount) {
        self.merge(&Self {
            occurrences: message.occurrences,
            tokens: message.distinct_tokens,
            last: None,
            sources: message.sources.clone(),
            first_seen: message.first_seen,
            last_seen: message.last_seen,
        });
    }

    /// The hint that this group is the evidence of.
    pub(super) fn hint(
        &self,
        hint: HintName,
        confidence: Confidence,
        evidence: String,
        what_to_check: String,
    ) -> Hint {
        Hint {
            hint,
            confidence,
            evidence,
            occurrences: self.occurrences,
            distinct_tokens: self.tokens,
            sources: self.sources.len() as u64,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            what_to_check,
        }
    }
}

impl<'g> FromIterator<&'g Group> for Group {
    /// The sum of groups that have no token in common.
    fn from_iter<I: IntoIterator<Item = &'g Group>>(groups: I) -> Self {
        let mut sum = Self::default();
        groups.into_iter().for_each(|group| sum.merge(group));
        sum
    }
}

impl<'t> FromIterator<Seen<'t>> for Group {
    /// What was found of one token.
    fn from_iter<I: IntoIterator<Item = Seen<'t>>>(seen: I) -> Self {
        let mut group = Self::default();
        seen.into_iter().for_each(|seen| group.add(seen));
        group
    }
}

/// Groups by a key.
#[derive(Debug)]
pub(super) struct Groups<K>(BTreeMap<K, Group>);

// Keys need no default.
impl<K> Default for Groups<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: Ord> Groups<K> {
    pub(super) fn add(&mut self, key: &K, seen: Seen<'_>)
    where
        K: Clone,
    {
        match self.0.get_mut(key) {
            Some(group) => group.add(seen),
            None => self.0.entry(key.clone()).or_default().add(seen),
        }
    }

    /// Adds findings of other tokens.
    pub(super) fn merge(&mut self, other: Self) {
        for (key, group) in other.0 {
            self.0.entry(key).or_default().merge(&group);
        }
    }

    /// All groups by key.
    pub(super) const fn by_key(&self) -> &BTreeMap<K, Group> {
        &self.0
    }

    /// The sum of all, if no token is in two of them.
    pub(super) fn sum(&self) -> Group {
        self.0.values().collect()
    }

    /// The groups by what is told of their keys, the one with the most occurrences first, then by what is told. Groups of
    /// which the same is told become one, and may have no token in common.
    pub(super) fn told<'k, T: Ord>(&'k self, told: impl Fn(&'k K) -> Option<T>) -> Vec<(T, Group)> {
        let mut groups = Groups::default();
        for (key, group) in self.0.iter().filter_map(|(key, group)| Some((told(key)?, group))) {
            groups.0.entry(key).or_default().merge(group);
        }
        let mut groups: Vec<_> = groups.0.into_iter().collect();
        // Stable: what has as many stays in the order of the keys.
        groups.sort_by_key(|(_, group)| Reverse(group.occurrences));
        groups
    }
}
