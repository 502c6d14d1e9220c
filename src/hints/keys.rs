//! How many tokens there are of each issuer and key, and what became of their signatures: what several rules compare
//! their findings with.

use std::hash::BuildHasher as _;
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::facts::Token;
use crate::verdict::{KeyStatus, Outcome, SignatureStatus};

/// An issuer's `iss`, and a `kid`.
pub(super) type KeyName = (Option<Arc<str>>, Option<Arc<str>>);

/// Tokens by issuer and key.
#[derive(Default)]
pub(super) struct Keys {
    used: HashTable<Used>,
    hasher: RandomState,
}

/// The tokens under a key.
pub(super) struct Used {
    pub(super) iss: Option<Arc<str>>,
    /// None also for tokens of whose key nothing is known: anybody may write any `kid`, and to remember them all could
    /// cost as much as to remember the tokens.
    pub(super) kid: Option<Arc<str>>,
    /// What is counted of them.
    pub(super) counts: Counts,
}

/// What is counted of the tokens under a key.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    pub(super) tokens: u64,
    /// Those whose signature was verified, at one time or another.
    pub(super) verified: u64,
    /// Those whose signature was not.
    pub(super) failed: u64,
    /// Whether the key was current for one of them.
    pub(super) is_current: bool,
}

/// What a token's outcomes, at one time or another, tell of its key.
#[derive(Clone, Copy, Default)]
pub(super) struct KeyUse {
    verified: bool,
    failed: bool,
    is_current: bool,
}

impl KeyUse {
    pub(super) fn of<'t>(outcomes: impl Iterator<Item = &'t Outcome>) -> Self {
        outcomes.fold(Self::default(), |key, outcome| Self {
            verified: key.verified | (outcome.signature == SignatureStatus::Verified),
            failed: key.failed | (outcome.signature == SignatureStatus::Failed),
            is_current: key.is_current | (outcome.key_status == KeyStatus::Current),
        })
    }

    pub(super) const fn is_known(self) -> bool {
        self.verified || self.failed || self.is_current
    }
}

impl Keys {
    pub(super) fn add(&mut self, token: &Token<'_>) {
        let KeyUse { verified, failed, is_current } = token.had.key;
        self.counts_mut(token.iss, token.known_kid).add(&Counts {
            tokens: 1,
            verified: u64::from(verified),
            failed: u64::from(failed),
            is_current,
        });
    }

    /// Adds other tokens.
    pub(super) fn merge(&mut self, other: Self) {
        for Used { iss, kid, counts } in other.used {
            self.counts_mut(iss.as_ref(), kid.as_ref()).add(&counts);
        }
    }

    /// Every issuer and key with its tokens, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Used> {
        self.used.iter()
    }

    /// What is counted of the tokens under a key.
    pub(super) fn counts(&self, iss: Option<&Arc<str>>, kid: Option<&Arc<str>>) -> Counts {
        let used = self.used.find(hash(&self.hasher, iss, kid), |used| used.is(iss, kid));
        used.map(|used| used.counts).unwrap_or_default()
    }

    fn counts_mut(&mut self, iss: Option<&Arc<str>>, kid: Option<&Arc<str>>) -> &mut Counts {
        let Self { used, hasher } = self;
        let is_it = |used: &Used| used.is(iss, kid);
        let rehash = |used: &Used| hash(hasher, used.iss.as_ref(), used.kid.as_ref());
        let entry = used.entry(hash(hasher, iss, kid), is_it, rehash);
        let new = || Used { iss: iss.cloned(), kid: kid.cloned(), counts: Counts::default() };
        &mut entry.or_insert_with(new).into_mut().counts
    }
}

impl Used {
    fn is(&self, iss: Option<&Arc<str>>, kid: Option<&Arc<str>>) -> bool {
        self.iss.as_ref() == iss && self.kid.as_ref() == kid
    }
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.tokens += other.tokens;
        self.verified += other.verified;
        self.failed += other.failed;
        self.is_current |= other.is_current;
    }
}

fn hash(hasher: &RandomState, iss: Option<&Arc<str>>, kid: Option<&Arc<str>>) -> u64 {
    hasher.hash_one((iss, kid))
}
