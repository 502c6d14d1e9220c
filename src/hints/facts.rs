//! What hints are found from: the counts of a tally and of its sources, the policy, and what verifiers said; gone through
//! once, so that each rule looks only at the findings of its own verdicts.

use std::collections::BTreeMap;

use foldhash::HashSet;

use super::messages::MessageCount;
use super::{Confidence, Hint, HintName};
use crate::policy::{Policy, Rules};
use crate::secret::Fingerprint;
use crate::tally::{Count, SourceTally, TokenFacts, TokenTally, earliest, live_tokens};
use crate::timestamp::Timestamp;
use crate::verdict::{Outcome, Verdict};

/// A token and all that happened to it.
pub type NamedToken<'a> = (Fingerprint, &'a TokenTally);

/// Everything that hints are found from. The order of tokens, sources and messages does not matter.
pub struct Facts<'a> {
    /// Every token.
    pub(super) tokens: &'a [NamedToken<'a>],
    /// What is right.
    pub(super) policy: &'a Policy,
    /// The time at which live tokens are live.
    pub(super) now: Timestamp,
    /// The tokens that are still usable then, most urgent first.
    pub(super) live: Vec<NamedToken<'a>>,
    /// What verifiers said.
    pub(super) messages: &'a [MessageCount],
    /// Sources that hold a token, by their number.
    pub(super) sources: BTreeMap<u32, &'a SourceTally>,
    /// How many bytes all names of these sources share, up to a `/`.
    pub(super) common_name: usize,
    /// What was counted of each failing verdict; that of one token stands together.
    failing: Vec<Vec<Seen<'a>>>,
}

/// One outcome of one token.
#[derive(Clone, Copy)]
pub(super) struct Seen<'a> {
    pub(super) fingerprint: Fingerprint,
    pub(super) facts: &'a TokenFacts,
    pub(super) outcome: &'a Outcome,
    pub(super) count: &'a Count,
}

impl<'a> Facts<'a> {
    /// Gathers what was counted, by a policy, at the time `now`, and what verifiers said.
    #[must_use]
    pub fn new(
        tokens: &'a [NamedToken<'a>],
        sources: &'a [SourceTally],
        policy: &'a Policy,
        now: Timestamp,
        messages: &'a [MessageCount],
    ) -> Self {
        let mut failing = vec![Vec::new(); Verdict::ALL.len()];
        for seen in tokens.iter().flat_map(outcomes_of) {
            if seen.outcome.verdict != Verdict::Valid {
                failing[seen.outcome.verdict as usize].push(seen);
            }
        }
        let sources: BTreeMap<_, _> = sources
            .iter()
            .filter(|source| source.found.candidates > 0)
            .map(|source| (source.id, source))
            .collect();
        let common_name = shared_directory(sources.values().map(|source| &*source.name));
        let live = live_tokens(tokens, now, policy.leeway);
        Self { tokens, policy, now, live, messages, sources, common_name, failing }
    }

    /// What was counted of a failing verdict.
    pub(super) fn of(&self, verdict: Verdict) -> impl Iterator<Item = Seen<'a>> + '_ {
        self.failing[verdict as usize].iter().copied()
    }

    /// What was counted of a failing verdict, token by token.
    pub(super) fn by_token(&self, verdict: Verdict) -> impl Iterator<Item = &[Seen<'a>]> + '_ {
        self.failing[verdict as usize].chunk_by(|a, b| a.fingerprint == b.fingerprint)
    }

    /// What was counted of a failing verdict with one of these details.
    pub(super) fn with(&self, verdict: Verdict, details: &[&str]) -> impl Iterator<Item = Seen<'a>> {
        self.of(verdict).filter(move |seen| details.contains(&seen.outcome.detail.as_str()))
    }

    /// What was counted of every failing verdict.
    pub(super) fn failing(&self) -> impl Iterator<Item = Seen<'a>> + '_ {
        self.failing.iter().flatten().copied()
    }

    /// The rules that a token is judged by.
    pub(super) fn rules_of(&self, facts: &TokenFacts) -> &'a Rules {
        let issuer = facts.iss.as_deref().and_then(|iss| self.policy.issuer_of(iss));
        issuer.map_or(self.policy.union(), |issuer| &issuer.rules)
    }
}

/// Every outcome of a token.
pub(super) fn outcomes_of<'a>(token: &NamedToken<'a>) -> impl Iterator<Item = Seen<'a>> + use<'a> {
    let (fingerprint, token) = *token;
    let facts = &*token.facts;
    token.outcomes.iter().map(move |(outcome, count)| Seen { fingerprint, facts, outcome, count })
}

/// How many bytes of a path all of these share, up to and with a `/`.
fn shared_directory<'a>(mut names: impl Iterator<Item = &'a str>) -> usize {
    let Some(first) = names.next() else { return 0 };
    let directory = |length: usize| first[..length].rfind('/').map_or(0, |at| at + 1);
    names.fold(directory(first.len()), |shared, name| {
        let same = first[..shared].bytes().zip(name.bytes()).take_while(|(a, b)| a == b).count();
        // A `/` is never inside a character, so this cuts none.
        first.as_bytes()[..same].iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1)
    })
}

/// Findings that have one cause in common.
#[derive(Clone, Default)]
pub(super) struct Group {
    pub(super) occurrences: u64,
    pub(super) tokens: HashSet<Fingerprint>,
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
            self.tokens.insert(seen.fingerprint);
            self.first_seen = earliest(self.first_seen, seen.count.first_seen);
            self.last_seen = self.last_seen.max(seen.count.last_seen);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.occurrences += other.occurrences;
        self.tokens.extend(&other.tokens);
        for (&source, occurrences) in &other.sources {
            *self.sources.entry(source).or_default() += occurrences;
        }
        self.first_seen = earliest(self.first_seen, other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
    }

    pub(super) fn distinct_tokens(&self) -> u64 {
        self.tokens.len() as u64
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
            distinct_tokens: self.distinct_tokens(),
            sources: self.sources.len() as u64,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            what_to_check,
        }
    }
}

impl<'a> FromIterator<Seen<'a>> for Group {
    fn from_iter<I: IntoIterator<Item = Seen<'a>>>(seen: I) -> Self {
        let mut group = Self::default();
        seen.into_iter().for_each(|seen| group.add(seen));
        group
    }
}

/// Groups by a key, the one with the most occurrences first, then by key.
pub(super) fn grouped<'a, K: Ord>(seen: impl Iterator<Item = (K, Seen<'a>)>) -> Vec<(K, Group)> {
    let mut groups: BTreeMap<K, Group> = BTreeMap::new();
    seen.for_each(|(key, seen)| groups.entry(key).or_default().add(seen));
    let mut groups: Vec<_> = groups.into_iter().collect();
    // Stable: what has as many stays in the order of the keys.
    groups.sort_by_key(|(_, group)| std::cmp::Reverse(group.occurrences));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_that_all_names_share_ends_with_a_slash() {
        for (names, shared) in [
            (&["logs/api/a.log", "logs/api/b.log"][..], "logs/api/"),
            (&["logs/api/a.log", "logs/apis/b.log"], "logs/"),
            (&["logs/a.log"], "logs/"),
            (&["a.log", "b.log"], ""),
            (&["-"], ""),
            (&["l\u{f6}gs/a", "l\u{f8}gs/a"], ""),
            (&[], ""),
        ] {
            let length = shared_directory(names.iter().copied());
            assert_eq!(names.first().map_or("", |name| &name[..length]), shared, "{names:?}");
        }
    }
}
