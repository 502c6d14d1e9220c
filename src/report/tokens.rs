//! The rows of `tokens.csv`: token × verdict × detail.
//!
//! A token's outcomes that differ only in what is not in this key are one row: `also` lists what any of them lists,
//! and of `key_status` and `signature` the last in the order of their words is shown, which is the most suspicious
//! that was seen of a key (`retired` rather than `current`).

use std::collections::{BTreeMap, BTreeSet};

use super::Report;
use super::cell::Cell;
use super::rows::{Seconds, Several, Shown, TokenRow};
use crate::secret::Fingerprint;
use crate::tally::{Count, TokenFacts, earliest};
use crate::timestamp::Timestamp;
use crate::verdict::{Outcome, VerdictSet};

/// A row, a cell per shown claim, and one for what a verifier would have said, where one was asked.
pub(super) type TokenCells<'a> = (TokenRow<'a>, Vec<Cell<'a>>);

impl<'a> Report<'a> {
    /// The rows of `tokens.csv`, made one token at a time.
    pub(super) fn token_rows(&self) -> impl Iterator<Item = TokenCells<'a>> {
        let claims = self.findings.show_claims.len();
        let predicts = self.predicts;
        self.tokens.iter().flat_map(move |&(fingerprint, token)| {
            let mut merged: BTreeMap<_, Vec<&'a (Outcome, Count)>> = BTreeMap::new();
            for found in &token.outcomes {
                let key = (found.0.verdict.as_str(), Cell::claim(found.0.detail.as_str()));
                merged.entry(key).or_default().push(found);
            }
            let facts = &*token.facts;
            merged.into_iter().map(move |((verdict, detail), found)| {
                let shown = |i| Cell::maybe(facts.shown_claims.get(i).and_then(Option::as_deref));
                let predicted = predicts.then(|| predicted_errors(&found));
                let row = row(fingerprint, facts, verdict, detail, &found);
                (row, (0..claims).map(shown).chain(predicted).collect())
            })
        })
    }
}

/// The row of a token's outcomes that share a verdict and a detail; there is at least one.
fn row<'a>(
    fingerprint: Fingerprint,
    facts: &'a TokenFacts,
    verdict: &'static str,
    detail: Cell<'a>,
    found: &[&'a (Outcome, Count)],
) -> TokenRow<'a> {
    let outcomes = || found.iter().map(|(outcome, _)| outcome);
    let counts = || found.iter().map(|(_, count)| count);
    let last_seen = counts().filter_map(|count| count.last_seen).max();
    TokenRow {
        fingerprint: Shown(fingerprint),
        verdict,
        detail,
        also: Shown(outcomes().map(|outcome| outcome.also).fold(VerdictSet::default(), VerdictSet::union)),
        occurrences: counts().map(|count| count.occurrences).sum(),
        first_seen: counts().map(|count| count.first_seen).fold(None, earliest).map(Shown),
        last_seen: last_seen.map(Shown),
        sources: distinct_sources(counts()),
        alg: Cell::maybe(facts.alg.as_deref()),
        typ: Cell::maybe(facts.typ.as_deref()),
        kid: Cell::maybe(facts.kid.as_deref()),
        key_status: outcomes().map(|outcome| outcome.key_status).max().map_or("", |status| status.as_str()),
        signature: outcomes().map(|outcome| outcome.signature).max().map_or("", |status| status.as_str()),
        iss: Cell::maybe(facts.iss.as_deref()),
        aud: audiences(facts),
        sub_fingerprint: facts.sub_fingerprint.map(Shown),
        token_type: facts.token_type.map_or("", |kind| kind.as_str()),
        issued_at: facts.issued_at.map(Shown),
        not_before: facts.not_before.map(Shown),
        expires_at: facts.expires_at.map(Shown),
        lifetime_s: seconds_between(facts.issued_at, facts.expires_at).map(Seconds),
        past_expiry_s: seconds_between(facts.expires_at, last_seen).filter(|&seconds| seconds >= 0),
        length: counts().map(|count| count.length).max().unwrap_or(0),
        first_location: first_location(counts()),
    }
}

/// What a verifier would have said at one time or another; nothing where it accepts the token.
fn predicted_errors<'a>(found: &[&'a (Outcome, Count)]) -> Cell<'a> {
    let errors: BTreeSet<&str> =
        found.iter().filter_map(|(outcome, _)| outcome.predicted.as_deref()).collect();
    Cell::text(errors.into_iter().collect::<Vec<_>>().join(" | "))
}

/// Whole seconds from one instant to another, rounded down; `None` unless both are there.
fn seconds_between(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<i64> {
    Some(to?.millis().saturating_sub(from?.millis()).div_euclid(1000))
}

/// In how many sources it was found.
pub(super) fn distinct_sources<'a>(counts: impl Iterator<Item = &'a Count>) -> u64 {
    let mut sources: Vec<u32> = counts.flat_map(|count| count.sources.sources()).collect();
    sources.sort_unstable();
    sources.dedup();
    sources.len() as u64
}

/// The first place, as `source:line`.
pub(super) fn first_location<'a>(counts: impl Iterator<Item = &'a Count>) -> Cell<'a> {
    let first = counts.map(|count| &count.first_location).min();
    first.map(|place| Cell::text(format!("{}:{}", place.source, place.line))).unwrap_or_default()
}

/// The values of `aud`, in the token's order.
pub(super) fn audiences(facts: &TokenFacts) -> Several<'_> {
    Several::claims(&facts.aud)
}
