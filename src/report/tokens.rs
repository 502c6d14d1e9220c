//! The rows of `tokens.csv`: token × verdict × detail.
//!
//! A token's outcomes that differ only in what is not in this key are one row: `also` lists what any of them lists,
//! and of `key_status` and `signature` the last in the order of their words is shown, which is the most suspicious
//! that was seen of a key (`retired` rather than `current`).

use std::collections::BTreeSet;
use std::io::{self, Write};

use smallvec::SmallVec;

use super::cell::{Cell, Cells};
use super::csv::Lines;
use super::rows::{Place, Row as _, Seconds, Several, Shown, TokenRow};
use super::value::Valued as _;
use super::{NamedToken, Report, SLICE};
use crate::at_once::AtOnce;
use crate::tally::{Count, earliest};
use crate::timestamp::Timestamp;
use crate::verdict::{Outcome, VerdictSet};

/// A row, a cell per shown claim, and one for what a verifier would have said, where one was asked.
pub(super) type TokenCells<'a> = (TokenRow<'a>, Vec<Cell<'a>>);

impl Report<'_> {
    /// Writes `tokens.csv`. It has a column `claim.NAME` at its end for each claim that may be shown, and behind those
    /// `predicted_error`, where a verifier was asked.
    pub(super) fn write_tokens(&self, at_once: &AtOnce<'_>, out: &mut dyn Write) -> io::Result<()> {
        let names = self.findings.show_claims.iter();
        let claims: Vec<_> = names.map(|name| Cell::text(format!("claim.{name}"))).collect();
        let predicted = self.predicts.then_some("predicted_error");
        let mut header = Lines::default();
        let columns = TokenRow::COLUMNS.iter().copied();
        header.header(columns.chain(claims.iter().map(Cell::as_str)).chain(predicted));
        out.write_all(&header.into_bytes())?;
        self.tokens.slices(SLICE, at_once, |tokens| self.lines_of(tokens), |lines| out.write_all(&lines))
    }

    /// The lines of these tokens.
    fn lines_of(&self, tokens: &[NamedToken<'_>]) -> Vec<u8> {
        let mut lines = Lines::default();
        for (row, claims) in self.rows_of(tokens) {
            row.write(&mut lines);
            claims.iter().for_each(|claim| claim.write(&mut lines));
            lines.end();
        }
        lines.into_bytes()
    }

    /// The rows of these tokens.
    pub(super) fn rows_of<'t>(&self, tokens: &[NamedToken<'t>]) -> impl Iterator<Item = TokenCells<'t>> {
        let mut cells = Cells::default();
        tokens.iter().flat_map(move |token| self.rows_of_one(token, &mut cells))
    }

    /// The rows of a token, in order.
    fn rows_of_one<'t>(&self, token: &NamedToken<'t>, cells: &mut Cells<'t>) -> Vec<TokenCells<'t>> {
        let mut found: SmallVec<[Found<'t>; 1]> = (token.1.outcomes.iter())
            .map(|(outcome, count)| {
                (outcome.verdict.as_str(), cells.claim(outcome.detail.as_str()), outcome, count)
            })
            .collect();
        found.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let shown = &token.1.facts.shown_claims;
        let rows = found.chunk_by(|a, b| (a.0, &a.1) == (b.0, &b.1)).map(|found| {
            let claims = (0..self.findings.show_claims.len())
                .map(|n| Cell::maybe(shown.get(n).and_then(Option::as_deref)))
                .chain(self.predicts.then(|| predicted_errors(found)));
            (row(token, found, cells), claims.collect())
        });
        rows.collect()
    }
}

/// One outcome of a token, and the key of its row.
type Found<'a> = (&'static str, Cell<'a>, &'a Outcome, &'a Count);

/// The row of a token's outcomes that share a verdict and a detail; there is at least one.
fn row<'a>(token: &NamedToken<'a>, found: &[Found<'a>], cells: &mut Cells<'a>) -> TokenRow<'a> {
    let (fingerprint, token) = *token;
    let facts = &*token.facts;
    let outcomes = || found.iter().map(|(.., outcome, _)| *outcome);
    let counts = || found.iter().map(|(.., count)| *count);
    let last_seen = counts().filter_map(|count| count.last_seen).max();
    let (verdict, detail, ..) = &found[0];
    TokenRow {
        fingerprint: Shown(fingerprint),
        verdict,
        detail: detail.clone(),
        also: Shown(outcomes().map(|outcome| outcome.also).fold(VerdictSet::default(), VerdictSet::union)),
        occurrences: counts().map(|count| count.occurrences).sum(),
        first_seen: counts().map(|count| count.first_seen).fold(None, earliest).map(Shown),
        last_seen: last_seen.map(Shown),
        sources: distinct_sources(counts()),
        alg: cells.maybe(facts.alg.as_deref()),
        typ: cells.maybe(facts.typ.as_deref()),
        kid: cells.maybe(facts.kid.as_deref()),
        key_status: outcomes().map(|outcome| outcome.key_status).max().map_or("", |status| status.as_str()),
        signature: outcomes().map(|outcome| outcome.signature).max().map_or("", |status| status.as_str()),
        iss: cells.maybe(facts.iss.as_deref()),
        aud: Several::claims(&facts.aud, cells),
        sub_fingerprint: facts.sub_fingerprint.map(Shown),
        token_type: facts.token_type.map_or("", |kind| kind.as_str()),
        issued_at: facts.issued_at.map(Shown),
        not_before: facts.not_before.map(Shown),
        expires_at: facts.expires_at.map(Shown),
        lifetime_s: seconds_between(facts.issued_at, facts.expires_at).map(Seconds),
        past_expiry_s: seconds_between(facts.expires_at, last_seen).filter(|&seconds| seconds >= 0),
        length: counts().map(|count| count.length).max().unwrap_or(0),
        first_location: first_location(counts(), cells),
    }
}

/// What a verifier would have said at one time or another; nothing where it accepts the token.
fn predicted_errors<'a>(found: &[Found<'a>]) -> Cell<'a> {
    let errors: BTreeSet<&str> =
        found.iter().filter_map(|(.., outcome, _)| outcome.predicted.as_deref()).collect();
    Cell::text(errors.into_iter().collect::<Vec<_>>().join(" | "))
}

/// Whole seconds from one instant to another, rounded down; `None` unless both are there.
fn seconds_between(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<i64> {
    Some(to?.millis().saturating_sub(from?.millis()).div_euclid(1000))
}

/// In how many sources it was found.
pub(super) fn distinct_sources<'a>(counts: impl Iterator<Item = &'a Count>) -> u64 {
    // Few tokens are in so many that they need memory of their own.
    let mut sources: SmallVec<[u32; 8]> = counts.flat_map(|count| count.sources.sources()).collect();
    sources.sort_unstable();
    sources.dedup();
    sources.len() as u64
}

/// The first place.
pub(super) fn first_location<'a>(
    counts: impl Iterator<Item = &'a Count>,
    cells: &mut Cells<'a>,
) -> Option<Place<'a>> {
    let first = counts.map(|count| &count.first_location).min()?;
    Some(Place { source: cells.text(&first.source), line: first.line })
}
