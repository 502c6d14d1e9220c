//! What hints are found from: what is given before any token, and what is gathered of tokens, one after the other.

use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::SmallVec;

use super::clock_skew::Skewed;
use super::keys::{KeyUse, Keys};
use super::rules::Rules;
use crate::policy::{Policy, Rules as PolicyRules};
use crate::secret::Fingerprint;
use crate::tally::{Count, NamedToken, SourceTally, TokenFacts, TokenTally, is_live};
use crate::timestamp::Timestamp;
use crate::verdict::{Outcome, Verdict, VerdictSet};

/// Everything that hints are found from, as far as it has been gathered. It holds no token: each is looked at once, and
/// what is kept of it is counts by issuer, audience, key, source or length.
///
/// The order of sources and messages does not matter, nor that of tokens, as long as each comes once with all its
/// outcomes: gathered in parts, they give the same hints.
pub struct Facts<'p> {
    pub(super) given: Arc<Given<'p>>,
    /// How many tokens there are of each issuer and key.
    pub(super) keys: Keys,
    /// What each rule has gathered.
    pub(super) rules: Rules<'p>,
}

/// What is given before any token.
pub(super) struct Given<'p> {
    /// What is right.
    pub(super) policy: &'p Policy,
    /// The time at which live tokens are live.
    pub(super) now: Timestamp,
    /// Sources that hold a token, by their number.
    pub(super) sources: BTreeMap<u32, &'p SourceTally>,
    /// How many bytes all names of these sources share, up to a `/`.
    pub(super) common_name: usize,
    /// Sources whose clock may be off.
    pub(super) skewed: Skewed<'p>,
}

impl<'p> Facts<'p> {
    /// Before any token: a policy, all sources, and the time at which it is asked what is still usable.
    #[must_use]
    pub fn new(policy: &'p Policy, sources: &'p [SourceTally], now: Timestamp) -> Self {
        let sources: BTreeMap<_, _> = sources
            .iter()
            .filter(|source| source.found.candidates > 0)
            .map(|source| (source.id, source))
            .collect();
        let common_name = shared_directory(sources.values().map(|source| &*source.name));
        let skewed = Skewed::of(&sources);
        Self::before_any_token(Arc::new(Given { policy, now, sources, common_name, skewed }))
    }

    /// What this was before any token, to gather others beside these and [merge](Self::merge) them. It costs nothing.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self::before_any_token(Arc::clone(&self.given))
    }

    fn before_any_token(given: Arc<Given<'p>>) -> Self {
        Self { given, keys: Keys::default(), rules: Rules::default() }
    }

    /// Looks at a token with all its outcomes. Each token comes once.
    pub fn add(&mut self, token: &NamedToken<'_>) {
        self.add_all(std::slice::from_ref(token));
    }

    /// Looks at several tokens, which is faster than one by one: what every token is asked is asked of all of them first, step
    /// by step, so that the processor waits for the memory of many at a time.
    pub fn add_all(&mut self, tokens: &[NamedToken<'_>]) {
        for tokens in tokens.chunks(TOGETHER) {
            let had: SmallVec<[_; TOGETHER]> = tokens.iter().map(|(_, token)| Had::of(token)).collect();
            let tokens = tokens.iter().zip(had).map(|(token, had)| Token::new(&self.given, token, had));
            let tokens: SmallVec<[_; TOGETHER]> = tokens.collect();
            for token in &tokens {
                self.keys.add(token);
                self.rules.add(&self.given, token);
            }
        }
    }

    /// Adds what was gathered of other tokens, with the same given. It is associative.
    #[must_use]
    pub fn merge(mut self, behind: Self) -> Self {
        self.keys.merge(behind.keys);
        self.rules.merge(behind.rules);
        self
    }
}

impl<'p> Given<'p> {
    /// The rules that a token is judged by.
    pub(super) fn rules_of(&self, facts: &TokenFacts) -> &'p PolicyRules {
        let issuer = facts.iss.as_deref().and_then(|iss| self.policy.issuer_of(iss));
        issuer.map_or(self.policy.union(), |issuer| &issuer.rules)
    }
}

/// How many tokens are looked at together.
const TOGETHER: usize = 32;

/// A token that is looked at, with what every token is asked.
pub(super) struct Token<'t> {
    pub(super) fingerprint: Fingerprint,
    tally: &'t TokenTally,
    pub(super) facts: &'t TokenFacts,
    pub(super) had: Had,
    pub(super) iss: Option<&'t Arc<str>>,
    /// The `kid`, if anything is known of that key.
    pub(super) known_kid: Option<&'t Arc<str>>,
    /// Whether it is still usable.
    pub(super) is_live: bool,
}

/// What outcomes a token has had.
#[derive(Clone, Copy)]
pub(super) struct Had {
    /// Most tokens are valid, and few rules look at these.
    pub(super) verdicts: VerdictSet,
    /// What they tell of its key.
    pub(super) key: KeyUse,
}

impl Had {
    fn of(token: &TokenTally) -> Self {
        let outcomes = || token.outcomes.iter().map(|(outcome, _)| outcome);
        Self { verdicts: outcomes().map(|outcome| outcome.verdict).collect(), key: KeyUse::of(outcomes()) }
    }
}

/// One outcome of one token.
#[derive(Clone, Copy)]
pub(super) struct Seen<'t> {
    pub(super) fingerprint: Fingerprint,
    pub(super) facts: &'t TokenFacts,
    pub(super) outcome: &'t Outcome,
    pub(super) count: &'t Count,
}

impl<'t> Token<'t> {
    fn new(given: &Given<'_>, &(fingerprint, tally): &NamedToken<'t>, had: Had) -> Self {
        let facts = &*tally.facts;
        Self {
            fingerprint,
            tally,
            facts,
            had,
            iss: facts.iss.as_ref(),
            known_kid: facts.kid.as_ref().filter(|_| had.key.is_known()),
            is_live: is_live(tally, given.now, given.policy.leeway),
        }
    }

    /// Every outcome.
    pub(super) fn outcomes(&self) -> impl Iterator<Item = Seen<'t>> + use<'t> {
        let Self { fingerprint, tally, facts, .. } = *self;
        tally.outcomes.iter().map(move |(outcome, count)| Seen { fingerprint, facts, outcome, count })
    }

    /// The outcomes with this verdict.
    pub(super) fn of(&self, verdict: Verdict) -> impl Iterator<Item = Seen<'t>> + use<'t> {
        self.outcomes().filter(move |seen| seen.outcome.verdict == verdict)
    }

    /// The outcomes with this verdict and one of these details.
    pub(super) fn with<'d>(
        &self,
        verdict: Verdict,
        details: &'d [&str],
    ) -> impl Iterator<Item = Seen<'t>> + use<'t, 'd> {
        self.of(verdict).filter(move |seen| details.contains(&seen.outcome.detail.as_str()))
    }
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
