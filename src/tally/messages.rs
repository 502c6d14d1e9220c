//! What verifiers said, and whether we say the same of the tokens in question.

use foldhash::HashMap;
use serde::{Deserialize, Serialize};

use super::{Distinct, Places, earliest};
use crate::secret::Fingerprint;
use crate::timestamp::Timestamp;
use crate::verdict::{Agreement, KeyStatus, SignatureStatus, Verdict, VerdictSet};

/// What is counted together: a message, and what was found about the token of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MessageKey {
    /// Which message it is: a place in the catalogue.
    pub message: usize,
    /// The token's verdict; `None` where the record has no token, as below.
    pub verdict: Option<Verdict>,
    /// The other steps that the token fails.
    pub also: VerdictSet,
    /// Whether the message and the verdict say the same.
    pub agrees: Agreement,
    /// Where the token's key stood.
    pub key_status: Option<KeyStatus>,
    /// What became of the token's signature.
    pub signature: Option<SignatureStatus>,
}

/// How often, when and where.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessageCount {
    /// Records.
    pub occurrences: u64,
    /// The tokens of them.
    pub tokens: Distinct<Fingerprint>,
    /// The sources that hold them.
    pub places: Places,
    /// The earliest event time; `None` when no record has one.
    pub first_seen: Option<Timestamp>,
    /// The latest event time.
    pub last_seen: Option<Timestamp>,
}

/// Counts of messages. Merging is associative and commutative.
#[derive(Clone, Debug, Default)]
pub struct MessageTally {
    numbers: HashMap<MessageKey, MessageNumber>,
    counts: Vec<MessageCount>,
}

/// The number of what is counted together in the tally that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MessageNumber(pub(crate) u32);

impl MessageTally {
    /// Counts one record: its token, if it has one, when it was written, and the number of its source. Gives the number by
    /// which a record of the same token is counted again.
    pub fn add(
        &mut self,
        key: MessageKey,
        token: Option<Fingerprint>,
        at: Option<Timestamp>,
        source: u32,
    ) -> MessageNumber {
        let number = self.number(key);
        if let Some(token) = token {
            self.counts[number.0 as usize].tokens.add(token);
        }
        self.add_again(number, at, source);
        number
    }

    /// Counts one more record of a token.
    pub fn add_again(&mut self, number: MessageNumber, at: Option<Timestamp>, source: u32) {
        let count = &mut self.counts[number.0 as usize];
        count.occurrences += 1;
        count.places.add(source, 1);
        count.first_seen = earliest(count.first_seen, at);
        count.last_seen = count.last_seen.max(at);
    }

    /// Adds what another tally counted.
    pub fn merge(&mut self, mut other: Self) {
        for (key, number) in other.numbers {
            let theirs = std::mem::take(&mut other.counts[number.0 as usize]);
            let number = self.number(key);
            self.counts[number.0 as usize].merge(theirs);
        }
    }

    /// All counts, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&MessageKey, &MessageCount)> {
        let mut numbers: Vec<_> = self.numbers.iter().collect();
        numbers.sort_unstable();
        numbers.into_iter().map(|(key, number)| (key, &self.counts[number.0 as usize]))
    }

    /// Takes out the tokens of all counts.
    pub(super) fn drain(&mut self) -> Vec<(MessageKey, Vec<Fingerprint>)> {
        let tokens =
            |number: &MessageNumber, counts: &mut [MessageCount]| counts[number.0 as usize].tokens.drain();
        self.numbers.iter().map(|(key, number)| (*key, tokens(number, &mut self.counts))).collect()
    }

    /// Adds tokens that were taken out.
    pub(super) fn settle(&mut self, key: MessageKey, tokens: u64) {
        let number = self.number(key);
        self.counts[number.0 as usize].tokens.count_elsewhere(tokens);
    }

    pub(super) fn memory(&self) -> usize {
        self.counts.iter().map(|count| count.tokens.memory()).sum()
    }

    fn number(&mut self, key: MessageKey) -> MessageNumber {
        *self.numbers.entry(key).or_insert_with(|| {
            self.counts.push(MessageCount::default());
            MessageNumber(u32::try_from(self.counts.len() - 1).expect("few messages with few outcomes"))
        })
    }
}

impl MessageCount {
    /// Adds other records.
    pub fn merge(&mut self, other: Self) {
        self.occurrences += other.occurrences;
        self.tokens.merge(other.tokens);
        self.places.merge(&other.places);
        self.first_seen = earliest(self.first_seen, other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
    }
}
