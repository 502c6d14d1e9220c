//! A token as it is stored outside of memory: what happened to it, and in which counts of distinct tokens it is.
//!
//! While tokens are kept, a bucket of the timeline, a message or a group knows its tokens, and so how many they are. Once tokens are
//! stored, each carries the marks of what it is counted in. All records of a token come together again, so that what has its mark
//! counts it once, and no set of tokens is needed.
//!
//! Invariant: records merge as tallies do; what is counted of marks equals what the sets would have counted.

use std::iter::Peekable;
use std::sync::Arc;
use std::vec::IntoIter;

use foldhash::HashMap;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::messages::MessageKey;
use super::{Outcomes, Tally, TokenFacts, TokenNumber, TokenTally, Told};
use crate::secret::Fingerprint;
use crate::verdict::{Remarks, Verdict};

/// What is known of a token in one part of all logs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// None where there is no more than marks.
    facts: Option<Arc<TokenFacts>>,
    outcomes: Outcomes,
    remarks: Remarks,
    marks: Marks,
}

/// A bucket of the timeline: its start in seconds since the epoch, `None` without an event time, and the verdict.
pub(super) type Bucket = (Option<i64>, Verdict);

/// A row of a group: the number of its name, its value, and the verdict.
pub(super) type GroupKey = (u32, Option<Arc<str>>, Verdict);

/// What a token is counted in; some of it more than once.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Marks {
    buckets: Vec<Bucket>,
    messages: Vec<MessageKey>,
    groups: Vec<GroupKey>,
}

/// How many tokens have each of the marks, and what else is told of all.
#[derive(Debug, Default)]
pub struct MarkCounts {
    told: Told,
    buckets: HashMap<Bucket, u64>,
    messages: HashMap<MessageKey, u64>,
    groups: HashMap<GroupKey, u64>,
}

impl Record {
    /// Adds what is known of the same token elsewhere.
    pub fn merge(&mut self, other: Self) {
        let Self { facts, outcomes, remarks, marks } = other;
        if self.facts.is_none() {
            self.facts = facts;
        }
        super::add_outcomes(&mut self.outcomes, outcomes);
        self.remarks |= remarks;
        self.marks.buckets.extend(marks.buckets);
        self.marks.messages.extend(marks.messages);
        self.marks.groups.extend(marks.groups);
    }
}

impl MarkCounts {
    /// Counts a token, of which this is all that is known, in what a tally of all logs has. Gives the token, unless all its findings
    /// were left out.
    pub fn add(&mut self, record: Record, tally: &Tally) -> Option<TokenTally> {
        let Record { facts, outcomes, remarks, marks: Marks { buckets, messages, groups } } = record;
        let starts = buckets.into_iter().map(|(start, verdict)| (tally.timeline.start_of(start), verdict));
        count(&mut self.buckets, starts);
        count(&mut self.messages, messages.into_iter());
        let places = groups.into_iter();
        let places = places.map(|(name, value, verdict)| (name, tally.groups.place(name, value), verdict));
        count(&mut self.groups, places);
        let facts = facts.filter(|_| !outcomes.is_empty())?;
        let token = TokenTally { facts, outcomes, remarks };
        self.told.add(&token);
        Some(token)
    }

    /// Adds counts of other tokens.
    pub fn merge(&mut self, other: Self) {
        fn merge<K: Eq + std::hash::Hash>(mine: &mut HashMap<K, u64>, theirs: HashMap<K, u64>) {
            theirs.into_iter().for_each(|(key, count)| *mine.entry(key).or_default() += count);
        }
        self.told.merge(other.told);
        merge(&mut self.buckets, other.buckets);
        merge(&mut self.messages, other.messages);
        merge(&mut self.groups, other.groups);
    }
}

/// Counts each key once.
fn count<K: Ord + Eq + std::hash::Hash>(counts: &mut HashMap<K, u64>, keys: impl Iterator<Item = K>) {
    let mut keys: SmallVec<[K; 4]> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter().for_each(|key| *counts.entry(key).or_default() += 1);
}

impl Tally {
    /// Takes all tokens out, in the order of their fingerprints. What counts tokens has none of them afterwards, but keeps its other
    /// counts.
    pub fn drain(&mut self) -> impl Iterator<Item = (Fingerprint, Record)> + use<> {
        let mut tokens = std::mem::take(&mut self.tokens);
        let mut names: Vec<(Fingerprint, Option<TokenNumber>)> = std::mem::take(&mut self.numbers)
            .into_iter()
            .map(|(name, number)| (name, Some(number)))
            .collect();
        names.sort_unstable();
        let (messages, groups) = (self.messages.drain(), self.groups.drain());
        // What was said across chunks is not counted beside its tokens.
        let is_new = |name: &Fingerprint| names.binary_search_by_key(name, |(known, _)| *known).is_err();
        let said = messages.iter().flat_map(|(_, names)| names);
        let strangers: Vec<_> = said.filter(|name| is_new(name)).map(|name| (*name, None)).collect();
        names.extend(strangers);
        names.sort_unstable();
        names.dedup();

        let mut places = vec![0; tokens.len()];
        for (place, (_, number)) in (0..).zip(&names) {
            if let Some(TokenNumber(number)) = number {
                places[*number as usize] = place;
            }
        }
        let place_of = |name: Fingerprint| {
            let place = names.binary_search_by_key(&name, |(known, _)| *known);
            u32::try_from(place.unwrap_or_else(|place| place)).expect("fewer than 2^32 distinct tokens")
        };
        let mut buckets = Marked::new(self.timeline.drain(), |TokenNumber(number)| places[number as usize]);
        let mut messages = Marked::new(messages, place_of);
        let mut groups = Marked::new(groups, place_of);
        (0..).zip(names).map(move |(place, (name, number))| {
            let token = number.map(|TokenNumber(number)| &mut tokens[number as usize]);
            let (facts, outcomes, remarks) = token.map_or_else(Default::default, |token| {
                (Some(Arc::clone(&token.facts)), std::mem::take(&mut token.outcomes), token.remarks)
            });
            let marks =
                Marks { buckets: buckets.of(place), messages: messages.of(place), groups: groups.of(place) };
            (name, Record { facts, outcomes, remarks, marks })
        })
    }

    /// Adds how many tokens what counts tokens has of those that were taken out.
    pub fn settle(&mut self, counts: MarkCounts) {
        let MarkCounts { told, buckets, messages, groups } = counts;
        self.elsewhere.merge(told);
        buckets.into_iter().for_each(|(bucket, tokens)| self.timeline.settle(bucket, tokens));
        messages.into_iter().for_each(|(key, tokens)| self.messages.settle(key, tokens));
        groups.into_iter().for_each(|(key, tokens)| self.groups.settle(key, tokens));
    }
}

/// Marks of tokens, in the order of the tokens' places. There may be hundreds for each: they take eight bytes.
struct Marked<M> {
    marks: Vec<M>,
    /// The place of a token, and the number of its mark.
    marked: Peekable<IntoIter<(u32, u32)>>,
}

impl<M: Clone> Marked<M> {
    /// The marks of these tokens, each of which has a place.
    fn new<T>(marks: Vec<(M, Vec<T>)>, place: impl Fn(T) -> u32) -> Self {
        let (marks, tokens): (Vec<M>, Vec<Vec<T>>) = marks.into_iter().unzip();
        let mut marked = Vec::with_capacity(tokens.iter().map(Vec::len).sum());
        for (number, tokens) in (0..).zip(tokens) {
            marked.extend(tokens.into_iter().map(|token| (place(token), number)));
        }
        marked.sort_unstable();
        marked.dedup();
        Self { marks, marked: marked.into_iter().peekable() }
    }

    /// The marks of the token with this place. Tokens are asked for in order.
    fn of(&mut self, place: u32) -> Vec<M> {
        let Self { marks, marked } = self;
        let next = std::iter::from_fn(|| marked.next_if(|(known, _)| *known == place));
        next.map(|(_, number)| marks[number as usize].clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::secret::{Fingerprinter, RawToken};
    use crate::tally::{BucketWidth, Sighting};
    use crate::timestamp::Timestamp;
    use crate::verdict::{Agreement, Detail, KeyStatus, Outcome, SignatureStatus, VerdictSet};

    /// One finding: its token, when it was, what its verdict is, and what it says about a group and a message.
    type Finding = (u8, i64, bool, u8);

    fn count(tally: &mut Tally, (token, at, is_valid, value): Finding) {
        let name = Fingerprinter::public().token(RawToken::new(&[token]));
        let number =
            tally.token(name, || Arc::new(TokenFacts { subject: Some(token.into()), ..Default::default() }));
        let verdict = if is_valid { Verdict::Valid } else { Verdict::Expired };
        let outcome = Outcome {
            verdict,
            detail: Detail::None,
            also: VerdictSet::default(),
            key_status: KeyStatus::Current,
            signature: SignatureStatus::Unchecked,
            predicted: None,
        };
        let source: Arc<str> = "a.log".into();
        let event_time = (at % 7 != 0).then(|| Timestamp::from_seconds(at));
        let line = u64::from(value) + 1;
        tally.remark(number, Remarks { fails_by_line_end: value == 1, skips_keys: value == 2 });
        tally.add(
            number,
            outcome,
            &Sighting { event_time, source: &source, source_id: 0, line, length: 100 },
        );
        let text = (value > 0).then(|| Arc::from(value.to_string()));
        tally.groups_mut().add(0, text.as_ref(), verdict, name, event_time);
        let key = MessageKey {
            message: usize::from(value % 3),
            verdict: Some(verdict),
            also: VerdictSet::default(),
            agrees: Agreement::Near,
            key_status: None,
            signature: None,
        };
        tally.messages_mut().add(key, Some(name), event_time, 0);
    }

    fn told(tally: &Tally, tokens: &BTreeMap<Fingerprint, TokenTally>) -> String {
        let timeline: Vec<_> = tally.timeline().iter().collect();
        let groups: Vec<_> = tally
            .groups()
            .iter(0)
            .map(|(v, w, c)| (v.to_owned(), w, c.occurrences, c.tokens.count()))
            .collect();
        let messages: Vec<_> =
            tally.messages().iter().map(|(k, c)| (k, c.occurrences, c.tokens.count())).collect();
        let mut tokens = tokens.clone();
        tokens.values_mut().for_each(|token| token.outcomes.sort_by(|a, b| a.0.cmp(&b.0)));
        let remarked = (
            tally.remarked(|remarks| remarks.fails_by_line_end),
            tally.remarked(|remarks| remarks.skips_keys),
        );
        let verdicts = tally.verdicts();
        format!("{remarked:?} {verdicts:?} {timeline:?} {groups:?} {messages:?} {tokens:?}")
    }

    proptest! {
        #[test]
        fn what_was_taken_out_part_by_part_is_what_is_counted_at_once(
            findings in prop::collection::vec((0..9_u8, -400..90_000_i64, any::<bool>(), 0..5_u8), 0..80),
            parts in 1..9_usize,
        ) {
            let mut whole = Tally::new(BucketWidth::Auto);
            findings.iter().for_each(|finding| count(&mut whole, *finding));
            let tokens = whole.tokens().into_iter().map(|(name, token)| (name, token.clone())).collect();

            let mut records: BTreeMap<Fingerprint, Record> = BTreeMap::new();
            let mut rest = Tally::new(BucketWidth::Auto);
            for part in findings.chunks(findings.len() / parts + 1) {
                let mut tally = Tally::new(BucketWidth::Auto);
                part.iter().for_each(|finding| count(&mut tally, *finding));
                let drained: Vec<_> = tally.drain().collect();
                prop_assert!(drained.is_sorted_by_key(|(name, _)| *name));
                for (name, record) in drained {
                    match records.get_mut(&name) {
                        Some(known) => known.merge(record),
                        None => drop(records.insert(name, record)),
                    }
                }
                rest = rest.merge(tally);
            }
            let mut counts = MarkCounts::default();
            let mut merged = BTreeMap::new();
            for (name, record) in records {
                merged.extend(counts.add(record, &rest).map(|token| (name, token)));
            }
            rest.settle(counts);
            prop_assert_eq!(told(&rest, &merged), told(&whole, &tokens));
        }
    }
}
