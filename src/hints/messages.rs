//! What verifiers said about the tokens of their records, counted, as far as hints ask for it.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::group::Group;
use crate::message::{Cause, Entry};
use crate::tally::{self, MessageKey, MessageTally};
use crate::timestamp::Timestamp;
use crate::verdict::{KeyStatus, SignatureStatus, Verdict, VerdictSet};

/// What a verifier complained about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Complaint {
    /// It does not know the key that the token names.
    UnknownKey,
    /// The signature does not verify.
    Signature,
    /// The issuer.
    Issuer,
    /// The audience.
    Audience,
    /// What it looks at last, when issuer and audience were right: scopes, roles, other claims.
    Claims,
    /// Anything else.
    Other,
}

impl Complaint {
    const fn of(cause: Cause) -> Self {
        match cause {
            Cause::UnknownKid => Self::UnknownKey,
            Cause::InvalidSignature => Self::Signature,
            Cause::WrongIssuer => Self::Issuer,
            Cause::WrongAudience => Self::Audience,
            Cause::MissingClaim => Self::Claims,
            _ => Self::Other,
        }
    }
}

/// Messages of one kind about tokens that were judged alike.
#[derive(Clone, Debug)]
pub struct MessageCount {
    /// The verifier's name in the catalogue.
    pub stack: String,
    /// What it complained about.
    pub complaint: Complaint,
    /// Our verdict for the tokens of the same records.
    pub verdict: Verdict,
    /// The other steps that fail.
    pub also: VerdictSet,
    /// Where the tokens' key stood.
    pub key_status: KeyStatus,
    /// What became of their signature.
    pub signature: SignatureStatus,
    /// How many messages.
    pub occurrences: u64,
    /// Of how many tokens.
    pub distinct_tokens: u64,
    /// Messages by the number of their source.
    pub sources: BTreeMap<u32, u64>,
    /// The earliest event time.
    pub first_seen: Option<Timestamp>,
    /// The latest event time.
    pub last_seen: Option<Timestamp>,
}

impl MessageCount {
    /// What verifiers said of tokens, by the catalogue whose places the tally counts.
    #[must_use]
    pub fn all(tally: &MessageTally, catalogue: &[Entry]) -> Vec<Self> {
        let count = |(key, count): (&MessageKey, &tally::MessageCount)| {
            let entry = &catalogue[key.message];
            let name = if entry.library.is_empty() { &entry.stack } else { &entry.library };
            Some(Self {
                stack: name.clone(),
                complaint: Complaint::of(entry.cause),
                verdict: key.verdict?,
                also: key.also,
                key_status: key.key_status?,
                signature: key.signature?,
                occurrences: count.occurrences,
                distinct_tokens: count.tokens.count(),
                sources: count.places.iter().collect(),
                first_seen: count.first_seen,
                last_seen: count.last_seen,
            })
        };
        tally.iter().filter_map(count).collect()
    }

    /// Whether the tokens fail this step.
    pub(super) fn fails(&self, verdict: Verdict) -> bool {
        self.verdict == verdict || self.also.contains(verdict)
    }
}

/// Messages that have one cause in common.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) group: Group,
    /// The verifiers, those that say most first, then by name.
    pub(super) stacks: Vec<(String, u64)>,
}

/// Adds messages up.
pub(super) fn gathered<'a>(messages: impl Iterator<Item = &'a MessageCount>) -> Gathered {
    let mut all = Gathered::default();
    let mut stacks: BTreeMap<&str, u64> = BTreeMap::new();
    for message in messages {
        *stacks.entry(&message.stack).or_default() += message.occurrences;
        all.group.add_messages(message);
    }
    all.stacks = stacks.into_iter().map(|(stack, count)| (stack.to_owned(), count)).collect();
    all.stacks.sort_by_key(|(_, count)| Reverse(*count));
    all
}
