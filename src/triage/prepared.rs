//! What is known of tokens whichever worker met them first. To decode and to judge one costs a hundred times more than to look
//! it up, and a log's tokens come to every worker.

use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::HashMap;
use foldhash::quality::RandomState;

use crate::profile::Forecast;
use crate::secret::Fingerprint;
use crate::tally::TokenFacts;
use crate::verdict::Judgement;

/// A token, decoded and judged as far as that does not depend on time.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) fingerprint: Fingerprint,
    pub(super) facts: Arc<TokenFacts>,
    pub(super) judgement: Judgement,
    /// What the verifier would say about it that was asked for.
    pub(super) forecast: Option<Forecast>,
}

impl Prepared {
    /// About how much memory one takes, with its facts, its texts and the places where it is remembered, in bytes. The texts of tokens
    /// are mostly shared; an audience and three failures are counted for each.
    pub(super) const MEMORY: usize = size_of::<Self>()
        + size_of::<TokenFacts>()
        + 2 * size_of::<(Hash, Arc<Self>)>()
        + 2 * size_of::<[usize; 4]>()
        + 128;
}

/// A candidate's bytes, hashed twice. They themselves are not kept: 128 bits under random keys tell candidates apart.
pub(super) type Hash = (u64, u64);

/// The tokens that any of several workers has prepared.
#[derive(Debug)]
pub struct PreparedTokens {
    hashers: [RandomState; 2],
    /// In so many parts that workers seldom meet at one.
    parts: [Mutex<HashMap<Hash, Arc<Prepared>>>; 64],
}

impl Default for PreparedTokens {
    fn default() -> Self {
        let hashers = [RandomState::default(), RandomState::default()];
        Self { hashers, parts: std::array::from_fn(|_| Mutex::default()) }
    }
}

impl PreparedTokens {
    pub(super) fn hash(&self, bytes: &[u8]) -> Hash {
        let [first, second] = &self.hashers;
        (first.hash_one(bytes), second.hash_one(bytes))
    }

    pub(super) fn get(&self, hash: Hash) -> Option<Arc<Prepared>> {
        self.part(hash).lock().unwrap_or_else(PoisonError::into_inner).get(&hash).map(Arc::clone)
    }

    /// Keeps what was prepared. Where two workers prepared the same token at the same time, the first one's is kept.
    pub(super) fn keep(&self, hash: Hash, prepared: Prepared) -> Arc<Prepared> {
        let mut part = self.part(hash).lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(part.entry(hash).or_insert_with(|| Arc::new(prepared)))
    }

    /// Forgets all of them.
    pub(super) fn clear(&self) {
        for part in &self.parts {
            part.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    fn part(&self, (_, second): Hash) -> &Mutex<HashMap<Hash, Arc<Prepared>>> {
        &self.parts[second as usize % self.parts.len()]
    }
}
