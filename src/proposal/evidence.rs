//! What a tally tells about issuers. Evidence are the findings of tokens that are whole, signed and readable: valid
//! ones, and those that only came too late or too early. All others are counted and give nothing to a proposal.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::draft::count;
use crate::tally::{Count, Tally, TokenFacts, earliest};
use crate::timestamp::Timestamp;
use crate::verdict::{Outcome, TokenType, Verdict};

/// How often something was seen. Its text is `3 findings of 2 tokens`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seen {
    pub(super) findings: u64,
    pub(super) tokens: u64,
}

impl Seen {
    /// One more token, with so many findings.
    const fn token(self, findings: u64) -> Self {
        Self { findings: self.findings + findings, tokens: self.tokens + 1 }
    }

    pub(super) const fn plus(self, other: Self) -> Self {
        Self { findings: self.findings + other.findings, tokens: self.tokens + other.tokens }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", count(self.findings, "finding"), count(self.tokens, "token"))
    }
}

/// The entries of a map, the most frequent first, then by name.
pub(super) fn by_count<'m, V>(
    map: &'m BTreeMap<&'m str, V>,
    seen: impl Fn(&V) -> Seen,
) -> Vec<(&'m str, &'m V)> {
    let mut entries: Vec<_> = map.iter().map(|(name, value)| (*name, value)).collect();
    entries.sort_by_key(|(_, value)| Reverse(seen(value).findings));
    entries
}

/// All that was seen.
#[derive(Default)]
pub(super) struct Evidence<'t> {
    pub(super) all: Seen,
    pub(super) used: Seen,
    pub(super) within_skew: u64,
    /// Of findings that give nothing to the proposal.
    pub(super) unused: BTreeMap<Verdict, Seen>,
    pub(super) without_issuer: Seen,
    pub(super) issuers: BTreeMap<&'t str, Issuer<'t>>,
}

impl<'t> Evidence<'t> {
    pub(super) fn gather(tally: &'t Tally) -> Self {
        let mut seen = Self::default();
        for (_, token) in tally.tokens() {
            seen.all = seen.all.token(token.outcomes.iter().map(|(_, count)| count.occurrences).sum());
            let (used, unused): (Vec<_>, Vec<_>) =
                token.outcomes.iter().partition(|(outcome, _)| is_evidence(outcome.verdict));
            let mut of_verdict: BTreeMap<Verdict, u64> = BTreeMap::new();
            for (outcome, count) in unused {
                *of_verdict.entry(outcome.verdict).or_default() += count.occurrences;
            }
            for (verdict, findings) in of_verdict {
                let seen = seen.unused.entry(verdict).or_default();
                *seen = seen.token(findings);
            }
            if used.is_empty() {
                continue;
            }
            let findings = used.iter().map(|(_, count)| count.occurrences).sum();
            seen.used = seen.used.token(findings);
            let skewed = used.iter().filter(|(outcome, _)| outcome.detail.as_str() == "within_skew");
            seen.within_skew += skewed.map(|(_, count)| count.occurrences).sum::<u64>();
            match token.facts.iss.as_deref() {
                None => seen.without_issuer = seen.without_issuer.token(findings),
                Some(iss) => seen.issuers.entry(iss).or_default().add(&token.facts, &used, findings),
            }
        }
        seen
    }
}

/// Whether a token of that verdict tells what its issuer's tokens are like.
const fn is_evidence(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Valid | Verdict::Expired | Verdict::NotYetValid | Verdict::IssuedInFuture)
}

/// What was seen of an issuer.
#[derive(Default)]
pub(super) struct Issuer<'t> {
    pub(super) seen: Seen,
    pub(super) span: Span,
    pub(super) sources: BTreeSet<u32>,
    pub(super) verdicts: BTreeMap<Verdict, u64>,
    pub(super) audiences: BTreeMap<&'t str, Seen>,
    pub(super) without_audience: Seen,
    pub(super) algorithms: BTreeMap<&'t str, Seen>,
    pub(super) kids: BTreeMap<(&'t str, &'t str), Kid>,
    pub(super) without_kid: Seen,
    pub(super) types: BTreeMap<TokenType, Seen>,
    pub(super) without_type: Seen,
    /// `exp − iat` of each token that has both, in milliseconds.
    pub(super) lifetimes: Vec<i64>,
    pub(super) without_lifetime: Seen,
}

/// What was seen of a `kid`.
#[derive(Default)]
pub(super) struct Kid {
    pub(super) seen: Seen,
    pub(super) span: Span,
}

/// The first and the last event time.
#[derive(Clone, Copy, Default)]
pub(super) struct Span {
    pub(super) first: Option<Timestamp>,
    pub(super) last: Option<Timestamp>,
}

impl Span {
    fn add(&mut self, counts: &[&(Outcome, Count)]) {
        for (_, count) in counts {
            self.first = earliest(self.first, count.first_seen);
            self.last = self.last.max(count.last_seen);
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.first, self.last) {
            (Some(first), Some(last)) => write!(f, "from {first} to {last}"),
            _ => f.write_str("at no known time"),
        }
    }
}

impl<'t> Issuer<'t> {
    /// Adds a token that was found so many times.
    fn add(&mut self, facts: &'t TokenFacts, used: &[&(Outcome, Count)], findings: u64) {
        let more = |seen: &mut Seen| *seen = seen.token(findings);
        more(&mut self.seen);
        self.span.add(used);
        for (outcome, count) in used {
            self.sources.extend(count.sources.sources());
            *self.verdicts.entry(outcome.verdict).or_default() += count.occurrences;
        }
        // An audience that a token names twice is counted once.
        let audiences: BTreeSet<&str> = facts.aud.iter().map(|aud| &**aud).collect();
        audiences.iter().for_each(|aud| more(self.audiences.entry(aud).or_default()));
        if audiences.is_empty() {
            more(&mut self.without_audience);
        }
        let alg = facts.alg.as_deref().unwrap_or_default();
        more(self.algorithms.entry(alg).or_default());
        match facts.kid.as_deref() {
            None => more(&mut self.without_kid),
            Some(kid) => {
                let kid = self.kids.entry((kid, alg)).or_default();
                more(&mut kid.seen);
                kid.span.add(used);
            }
        }
        match facts.token_type {
            None => more(&mut self.without_type),
            Some(kind) => more(self.types.entry(kind).or_default()),
        }
        match (facts.issued_at, facts.expires_at) {
            (Some(iat), Some(exp)) => self.lifetimes.push(exp.millis().saturating_sub(iat.millis())),
            _ => more(&mut self.without_lifetime),
        }
    }
}
