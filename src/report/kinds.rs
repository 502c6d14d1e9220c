//! Tokens → kinds of tokens, which is what tables are made of.
//!
//! Tokens are of one kind if no table tells them apart: their issuer, audiences, client and key are the same, and they have
//! had the same outcomes. A million tokens are of some hundreds of kinds, so that a table, which looks at all kinds, costs
//! nothing beside the one pass over the tokens that counts them.
//!
//! Invariants: a kind borrows nothing from its tokens. To merge is associative; kinds are in the order in which their first
//! token came, if what is merged is.

use std::hash::{BuildHasher as _, Hash as _, Hasher as _};
use std::sync::Arc;

use foldhash::fast::RandomState;
use hashbrown::{HashSet, HashTable};
use smallvec::SmallVec;

use super::NamedToken;
use super::subjects::Pair;
use crate::tally::{Count, TokenFacts, earliest};
use crate::timestamp::Timestamp;
use crate::verdict::{Detail, KeyStatus, Outcome, SignatureStatus, Verdict};

/// Tokens that no table tells apart.
pub(super) struct Kind {
    /// Those of its first token. Its dates say nothing of the others.
    pub(super) facts: Arc<TokenFacts>,
    /// How many tokens there are.
    pub(super) tokens: u64,
    /// What they have had, every one of them: the outcome of its first token, and how often it was in all.
    pub(super) outcomes: SmallVec<[(Outcome, Sum); 1]>,
}

/// How often, when and where tokens of a kind have had an outcome.
#[derive(Default)]
pub(super) struct Sum {
    pub(super) occurrences: u64,
    pub(super) first_seen: Option<Timestamp>,
    pub(super) last_seen: Option<Timestamp>,
    pub(super) sources: HashSet<u32>,
}

/// All kinds.
#[derive(Default)]
pub(super) struct Kinds {
    kinds: Vec<Kind>,
    /// Which subjects have tokens of which kinds: in order, none of them twice, once they were taken out of a slice of tokens.
    subjects: Vec<Pair>,
    numbers: HashTable<usize>,
    hasher: RandomState,
}

impl Kinds {
    /// The kinds of these tokens.
    pub(super) fn of(tokens: &[NamedToken<'_>]) -> Self {
        let mut kinds = Self::default();
        for (_, token) in tokens {
            let outcomes = token.outcomes.iter().map(|(outcome, _)| outcome);
            let (number, kind) = kinds.kind(&token.facts, outcomes);
            kind.tokens += 1;
            for ((_, sum), (_, count)) in kind.outcomes.iter_mut().zip(&token.outcomes) {
                sum.add(count);
            }
            kinds.subjects.extend(token.facts.subject.map(|subject| (subject, number)));
        }
        kinds.subjects.sort_unstable();
        kinds.subjects.dedup();
        kinds
    }

    /// Adds others behind these; gives which subjects have tokens of which of these kinds, of the others.
    pub(super) fn merge(&mut self, others: Self) -> impl Iterator<Item = Pair> + use<> {
        let Self { kinds, subjects, .. } = others;
        let mut numbers = Vec::with_capacity(kinds.len());
        for other in kinds {
            let outcomes = other.outcomes.iter().map(|(outcome, _)| outcome);
            let (number, kind) = self.kind(&other.facts, outcomes);
            numbers.push(number);
            kind.tokens += other.tokens;
            for ((_, sum), (_, others)) in kind.outcomes.iter_mut().zip(other.outcomes) {
                sum.merge(others);
            }
        }
        subjects.into_iter().map(move |(subject, kind)| (subject, numbers[kind as usize]))
    }

    /// Every kind.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.iter()
    }

    /// The kind of tokens with these facts that have had these outcomes.
    fn kind<'o>(
        &mut self,
        facts: &Arc<TokenFacts>,
        outcomes: impl ExactSizeIterator<Item = &'o Outcome> + Clone,
    ) -> (u32, &mut Kind) {
        let Self { kinds, numbers, hasher, .. } = self;
        let hash = hash(hasher, facts, outcomes.clone());
        let is_it = |number: &usize| {
            let kind = &kinds[*number];
            texts(&kind.facts) == texts(facts)
                && kind.outcomes.len() == outcomes.len()
                && kind
                    .outcomes
                    .iter()
                    .zip(outcomes.clone())
                    .all(|((mine, _), other)| told(mine) == told(other))
        };
        let rehash = |number: &usize| {
            let kind = &kinds[*number];
            self::hash(hasher, &kind.facts, kind.outcomes.iter().map(|(outcome, _)| outcome))
        };
        let number = *numbers.entry(hash, is_it, rehash).or_insert(kinds.len()).get();
        if number == kinds.len() {
            let outcomes = outcomes.map(|outcome| (outcome.clone(), Sum::default())).collect();
            kinds.push(Kind { facts: Arc::clone(facts), tokens: 0, outcomes });
        }
        (u32::try_from(number).expect("fewer than 2^32 kinds"), &mut kinds[number])
    }
}

impl Sum {
    fn add(&mut self, count: &Count) {
        self.occurrences += count.occurrences;
        self.first_seen = earliest(self.first_seen, count.first_seen);
        self.last_seen = self.last_seen.max(count.last_seen);
        self.sources.extend(count.sources.sources());
    }

    fn merge(&mut self, other: Self) {
        self.occurrences += other.occurrences;
        self.first_seen = earliest(self.first_seen, other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
        self.sources.extend(other.sources);
    }
}

/// What tables tell of a token.
type Texts<'f> = ([Option<&'f str>; 4], &'f [Arc<str>]);

fn texts(facts: &TokenFacts) -> Texts<'_> {
    let TokenFacts { iss, kid, alg, client, aud, .. } = facts;
    ([iss, kid, alg, client].map(Option::as_deref), aud)
}

/// What tables tell of an outcome.
fn told(outcome: &Outcome) -> (Verdict, &Detail, KeyStatus, SignatureStatus) {
    (outcome.verdict, &outcome.detail, outcome.key_status, outcome.signature)
}

fn hash<'o>(hasher: &RandomState, facts: &TokenFacts, outcomes: impl Iterator<Item = &'o Outcome>) -> u64 {
    let mut hasher = hasher.build_hasher();
    texts(facts).hash(&mut hasher);
    outcomes.for_each(|outcome| told(outcome).hash(&mut hasher));
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::secret::{Fingerprinter, RawToken};
    use crate::tally::{BucketWidth, Sighting, Tally};
    use crate::verdict::VerdictSet;

    /// Tokens by their number: some are alike, and some are found twice.
    fn counted(numbers: &[u8]) -> Tally {
        let mut tally = Tally::new(BucketWidth::Auto);
        let text = |text: u8| Some(Arc::from(text.to_string()));
        for (line, &number) in (1..).zip(numbers) {
            let facts = TokenFacts {
                iss: text(number % 3),
                aud: text(number % 2).into_iter().collect(),
                subject: Some(u64::from(number / 8)),
                ..TokenFacts::default()
            };
            let outcome = Outcome {
                verdict: if line % 2 == 0 { Verdict::Valid } else { Verdict::Expired },
                detail: Detail::None,
                also: if number % 5 == 0 {
                    [Verdict::MissingClaim].into_iter().collect()
                } else {
                    VerdictSet::default()
                },
                key_status: KeyStatus::Current,
                signature: SignatureStatus::Unchecked,
                predicted: None,
            };
            let token =
                tally.token(Fingerprinter::public().token(RawToken::new(&[number])), || Arc::new(facts));
            let event_time = Some(Timestamp::from_seconds(i64::from(number) * 7 % 100));
            let source = Arc::from("api.log");
            let source_id = u32::from(number % 4);
            tally.add(token, outcome, &Sighting { event_time, source: &source, source_id, line, length: 1 });
        }
        tally
    }

    /// All that is told of kinds, whatever their order.
    fn told_of(kinds: &Kinds) -> BTreeSet<String> {
        let told = |kind: &Kind| {
            let outcomes = kind.outcomes.iter().map(|(outcome, sum)| {
                let sources: BTreeSet<_> = sum.sources.iter().collect();
                let times = (sum.first_seen, sum.last_seen);
                format!("{:?}", (told(outcome), sum.occurrences, times, sources))
            });
            let outcomes: Vec<_> = outcomes.collect();
            format!("{:?}", (texts(&kind.facts), kind.tokens, outcomes))
        };
        kinds.iter().map(told).collect()
    }

    proptest! {
        #[test]
        fn kinds_that_are_merged_are_those_of_all_tokens(
            numbers in proptest::collection::vec(0..60_u8, 0..80),
            split in 0..60_usize,
        ) {
            let tally = counted(&numbers);
            let tokens = tally.tokens();
            let all = Kinds::of(&tokens);
            let (left, right) = tokens.split_at(split.min(tokens.len()));
            let mut merged = Kinds::default();
            let mut subjects: Vec<_> = merged.merge(Kinds::of(left)).collect();
            subjects.extend(merged.merge(Kinds::of(right)));
            prop_assert_eq!(told_of(&merged), told_of(&all));
            subjects.sort_unstable();
            subjects.dedup();
            prop_assert_eq!(&subjects, &all.subjects);
            prop_assert_eq!(told_of(&all).len(), all.iter().count(), "no kind comes twice");
            prop_assert_eq!(all.iter().map(|kind| kind.tokens).sum::<u64>(), tokens.len() as u64);
            let found = all.iter().flat_map(|kind| &kind.outcomes).map(|(_, sum)| sum.occurrences).sum::<u64>();
            prop_assert_eq!(found, numbers.len() as u64);
        }
    }
}
