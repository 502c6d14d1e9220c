//! What belongs together because it is one record: what a verifier said, and the token that it said it about.
//!
//! A record is a line that states its time with the lines behind it that state none (see `scan::lines::RECORD_LIMIT`). It
//! may begin in one chunk and end in another, which another worker has. So a chunk settles the records of which it saw
//! the beginning and the end, and hands over its first and its last one ([`Edges`]); a [`Seam`] joins them in the order of
//! the source. What comes out does not depend on where chunks were cut.

use std::collections::BTreeMap;

use smallvec::SmallVec;

use crate::message::Entry;
use crate::secret::Fingerprint;
use crate::tally::{MessageKey, MessageTally};
use crate::timestamp::Timestamp;
use crate::verdict::{Agreement, Circumstances, Outcome, Statement};

/// How many tokens of one record are asked whether they are what a message is about: the first. A record with more is a dump.
const MAX_TOKENS: usize = 16;

/// Gives the entries of the catalogue, which is not made before a record holds a message.
pub type Entries<'e> = &'e dyn Fn() -> &'e [Entry];

/// A message in a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Said {
    /// Its place in the catalogue.
    pub(crate) entry: usize,
    /// How specific it is.
    pub(crate) rank: u8,
    /// When its line was written.
    pub(crate) at: Option<Timestamp>,
}

/// A token in a record, and all that is needed to ask whether a message is about it.
#[derive(Clone, Debug)]
pub(crate) struct Witness {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) outcome: Outcome,
    pub(crate) circumstances: Circumstances,
    pub(crate) at: Option<Timestamp>,
}

/// A record, or as much of it as was seen. `T` tells a token.
#[derive(Clone, Debug)]
pub(crate) struct Record<T> {
    /// Where it begins in its source, which is its name.
    id: u64,
    /// The one message that tells the cause: of those of the highest rank the last, for wrappers stand before what they wrap.
    message: Option<Said>,
    tokens: SmallVec<[T; 2]>,
}

impl<T> Record<T> {
    fn new(id: u64) -> Self {
        Self { id, message: None, tokens: SmallVec::new() }
    }

    fn say(&mut self, said: Said) {
        if self.message.is_none_or(|known| known.rank <= said.rank) {
            self.message = Some(said);
        }
    }

    fn see(&mut self, token: T) {
        if self.tokens.len() < MAX_TOKENS {
            self.tokens.push(token);
        }
    }

    /// Adds what follows of the same record.
    fn append(&mut self, rest: Self) {
        rest.tokens.into_iter().for_each(|token| self.see(token));
        if let Some(said) = rest.message {
            self.say(said);
        }
    }

    /// The message and the token, if there is one of each.
    pub(crate) fn sole(&self) -> Option<(Said, &T)> {
        let [token] = self.tokens.as_slice() else { return None };
        Some((self.message?, token))
    }

    /// The message beside the token that it agrees with best, of several the first, and when its line was written. `told`
    /// says what is known of a token.
    pub(crate) fn answer<'t>(
        &'t self,
        entries: Entries<'_>,
        told: impl Fn(&'t T) -> (&'t Outcome, &'t Circumstances, Option<Timestamp>),
    ) -> Option<(MessageKey, Option<&'t T>, Option<Timestamp>)> {
        let said = self.message?;
        let Entry { cause, rank, .. } = entries()[said.entry];
        let statement = Statement { cause, rank };
        let agreements = self.tokens.iter().map(|token| {
            let (outcome, circumstances, at) = told(token);
            (circumstances.agree(statement, outcome, at), Some((token, outcome)))
        });
        let (agrees, token) = agreements
            .min_by_key(|(agrees, _)| (*agrees != Agreement::Yes, *agrees != Agreement::Near))
            .unwrap_or((Agreement::NoToken, None));
        let outcome = token.map(|(_, outcome)| outcome);
        let key = MessageKey {
            message: said.entry,
            verdict: outcome.map(|outcome| outcome.verdict),
            also: outcome.map(|outcome| outcome.also).unwrap_or_default(),
            agrees,
            key_status: outcome.map(|outcome| outcome.key_status),
            signature: outcome.map(|outcome| outcome.signature),
        };
        Some((key, token.map(|(token, _)| token), said.at))
    }

    /// The same with its tokens told in another way.
    fn map<U>(self, told: impl FnMut(T) -> U) -> Record<U> {
        let Self { id, message, tokens } = self;
        Record { id, message, tokens: tokens.into_iter().map(told).collect() }
    }
}

/// The records of one chunk, as they come.
#[derive(Debug)]
pub(crate) struct Records<T> {
    /// The first one, once another has begun.
    first: Option<Record<T>>,
    open: Option<Record<T>>,
}

impl<T> Records<T> {
    pub(crate) const fn new() -> Self {
        Self { first: None, open: None }
    }

    /// Goes on with a record. If that is another one, `settle` is given the one that has ended, where it holds a message: where it
    /// stands, for every token begins or ends one.
    pub(crate) fn enter(&mut self, record: u64, settle: impl FnOnce(&Record<T>)) {
        match &mut self.open {
            Some(open) if open.id == record => {}
            Some(open) if self.first.is_some() => {
                if open.message.is_some() {
                    settle(open);
                }
                open.id = record;
                open.message = None;
                open.tokens.clear();
            }
            open => self.first = open.replace(Record::new(record)),
        }
    }

    /// Adds a token to the record that was entered.
    pub(crate) fn see(&mut self, token: T) {
        if let Some(open) = &mut self.open {
            open.see(token);
        }
    }

    /// Adds a message to the record that was entered.
    pub(crate) fn say(&mut self, said: Said) {
        if let Some(open) = &mut self.open {
            open.say(said);
        }
    }

    /// What may go on in the chunk above or below.
    pub(crate) fn edges(self, mut told: impl FnMut(T) -> Witness) -> Edges {
        let Self { first, open } = self;
        Edges([first, open].map(|record| record.map(|record| record.map(&mut told))))
    }
}

/// The first and the last record of a chunk, if they are two; what there is of one may be any part of it.
#[derive(Debug, Default)]
pub struct Edges([Option<Record<Witness>>; 2]);

/// Joins the edges of a source's chunks, which come in any order.
#[derive(Debug, Default)]
pub struct Seam {
    /// The number of the chunk whose edges are next.
    next: u64,
    waiting: BTreeMap<u64, Edges>,
    open: Option<Record<Witness>>,
}

impl Seam {
    /// Takes the edges of a chunk by its number, from 0, and counts the records that have ended.
    pub fn join(
        &mut self,
        number: u64,
        edges: Edges,
        source: u32,
        entries: Entries<'_>,
        tally: &mut MessageTally,
    ) {
        self.waiting.insert(number, edges);
        while let Some(Edges(edges)) = self.waiting.remove(&self.next) {
            self.next += 1;
            for record in edges.into_iter().flatten() {
                match &mut self.open {
                    Some(open) if open.id == record.id => open.append(record),
                    open => {
                        if let Some(ended) = open.replace(record) {
                            ended.settle(source, entries, tally);
                        }
                    }
                }
            }
        }
    }

    /// Counts the last record.
    pub fn finish(&mut self, source: u32, entries: Entries<'_>, tally: &mut MessageTally) {
        if let Some(ended) = self.open.take() {
            ended.settle(source, entries, tally);
        }
    }
}

impl Record<Witness> {
    /// Counts the message of a record of which nothing follows.
    fn settle(&self, source: u32, entries: Entries<'_>, tally: &mut MessageTally) {
        const fn told(token: &Witness) -> (&Outcome, &Circumstances, Option<Timestamp>) {
            (&token.outcome, &token.circumstances, token.at)
        }
        if let Some((key, token, at)) = self.answer(entries, told) {
            tally.add(key, token.map(|token| token.fingerprint), at, source);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::Cause;
    use crate::secret::{Fingerprinter, RawToken};
    use crate::verdict::{Detail, KeyStatus, SignatureStatus, Verdict, VerdictSet};

    /// What stands in a record: a token with one of two verdicts, or a message with one of two causes and a rank.
    #[derive(Clone, Copy, Debug)]
    enum Event {
        Token(Verdict),
        Message(usize),
    }

    fn entries() -> Vec<Entry> {
        let entry = |cause, rank| Entry {
            stack: "own".to_owned(),
            library: String::new(),
            message: format!("{cause:?} {rank}"),
            cause,
            rank,
        };
        vec![
            entry(Cause::Expired, 3),
            entry(Cause::InvalidSignature, 3),
            entry(Cause::Expired, 2),
            entry(Cause::GenericInvalid, 1),
        ]
    }

    fn witness(verdict: Verdict) -> Witness {
        let outcome = Outcome {
            verdict,
            detail: Detail::None,
            also: VerdictSet::default(),
            key_status: KeyStatus::Current,
            signature: SignatureStatus::Verified,
            predicted: None,
        };
        let fingerprint = Fingerprinter::public().token(RawToken::new(verdict.as_str().as_bytes()));
        Witness { fingerprint, outcome, circumstances: Circumstances::default(), at: None }
    }

    /// What is counted of events in chunks, whose edges come in this order.
    fn counted(chunks: &[&[(u64, Event)]], order: &[usize]) -> MessageTally {
        let entries = entries();
        let mut tally = MessageTally::default();
        let mut edges: Vec<Option<Edges>> = Vec::new();
        for chunk in chunks {
            let mut records = Records::new();
            for &(record, event) in *chunk {
                records.enter(record, |ended: &Record<Verdict>| {
                    ended.clone().map(witness).settle(7, &|| &entries, &mut tally);
                });
                match event {
                    Event::Token(verdict) => records.see(verdict),
                    Event::Message(entry) => {
                        records.say(Said { entry, rank: entries[entry].rank, at: None });
                    }
                }
            }
            edges.push(Some(records.edges(witness)));
        }
        let mut seam = Seam::default();
        for &number in order {
            seam.join(number as u64, edges[number].take().unwrap(), 7, &|| &entries, &mut tally);
        }
        seam.finish(7, &|| &entries, &mut tally);
        tally
    }

    fn told(tally: &MessageTally) -> Vec<(usize, Option<Verdict>, u64)> {
        tally.iter().map(|(key, count)| (key.message, key.verdict, count.occurrences)).collect()
    }

    #[test]
    fn of_the_messages_of_a_record_the_most_specific_counts_and_of_these_the_last() {
        let messages = |order: &[usize]| {
            let events: Vec<_> = order.iter().map(|entry| (1, Event::Message(*entry))).collect();
            told(&counted(&[&events], &[0]))
        };
        assert_eq!(messages(&[3, 2]), [(2, None, 1)]);
        assert_eq!(messages(&[0, 1, 3]), [(1, None, 1)]);
    }

    #[test]
    fn a_message_counts_beside_the_token_of_its_record_that_it_agrees_with() {
        let events = [
            (1, Event::Token(Verdict::Expired)),
            (2, Event::Token(Verdict::InvalidSignature)),
            (2, Event::Message(0)),
            (2, Event::Token(Verdict::Expired)),
            (3, Event::Message(1)),
        ];
        let told = told(&counted(&[&events], &[0]));
        assert_eq!(told, [(0, Some(Verdict::Expired), 1), (1, None, 1)]);
    }

    fn events() -> impl Strategy<Value = Vec<(u64, Event)>> {
        let event = prop_oneof![
            Just(Event::Token(Verdict::Expired)),
            Just(Event::Token(Verdict::InvalidSignature)),
            (0..4_usize).prop_map(Event::Message),
        ];
        prop::collection::vec((0..2_u64, event), 0..60).prop_map(|events| {
            let mut record = 0;
            events
                .into_iter()
                .map(|(step, event)| {
                    record += step;
                    (record, event)
                })
                .collect()
        })
    }

    proptest! {
        #[test]
        fn where_a_source_was_cut_and_which_chunk_was_done_first_shows_nowhere(
            events in events(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
            reversed in any::<bool>(),
        ) {
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(events.len() + 1)).collect();
            cuts.extend([0, events.len()]);
            cuts.sort_unstable();
            let chunks: Vec<_> = cuts.windows(2).map(|ends| &events[ends[0]..ends[1]]).collect();
            let mut order: Vec<_> = (0..chunks.len()).collect();
            if reversed {
                order.reverse();
            }
            let (chunked, whole) = (counted(&chunks, &order), counted(&[&events], &[0]));
            prop_assert!(chunked.iter().eq(whole.iter()));
        }
    }
}
