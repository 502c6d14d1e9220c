//! One pass over all tokens → what tables are made of, and which tokens are still usable.

use std::collections::BTreeMap;
use std::io;

use smallvec::SmallVec;

use super::cell::Cell;
use super::kinds::{Kind, Kinds};
use super::live::{Live, LiveEntry, Storing};
use super::subjects::{Gathered, PAIR, RowsOfKinds, Subjects};
use super::{Findings, SLICE};
use crate::at_once::AtOnce;
use crate::spill::Tokens;
use crate::tally::live_tokens;
use crate::verdict::Outcome;

/// What was counted.
pub(super) struct Counted<'a> {
    pub(super) kinds: Kinds,
    /// The subjects of each row of `summary.csv`.
    pub(super) subjects_by_verdict: Vec<u64>,
    /// The subjects of each row of `clients.csv`.
    pub(super) subjects_by_client: Vec<u64>,
    pub(super) live: Live<'a>,
}

impl<'a> Counted<'a> {
    /// Counts tokens.
    pub(super) fn new(
        findings: &Findings<'a>,
        tokens: &Tokens<'a>,
        at_once: &AtOnce<'_>,
    ) -> io::Result<Self> {
        let (now, leeway) = (findings.now, findings.leeway);
        let mut kinds = Kinds::default();
        let mut subjects = Gathered::new(
            tokens.spill(PAIR).map(|(spill, memory)| (spill, memory / size_of::<(u64, u32)>())),
        );
        let mut storing = Storing::of(tokens);
        let is_stored = storing.is_some();
        tokens.slices(
            // Each slice has nearly all kinds again.
            4 * SLICE,
            at_once,
            |tokens| {
                let usable = tokens.iter().filter(|_| is_stored);
                let live: io::Result<Vec<_>> =
                    usable.filter_map(|token| LiveEntry::of(token, now, leeway)).collect();
                (Kinds::of(tokens), live)
            },
            |(others, usable)| {
                subjects.add(kinds.merge(others))?;
                storing.as_mut().map_or(Ok(()), |storing| storing.add(usable?))
            },
        )?;
        let live = match storing {
            Some(storing) => storing.finish()?,
            None => Live::Kept(live_tokens(tokens.kept(), now, leeway)),
        };
        let subjects = subjects.finish()?;
        let subjects_by_verdict = subjects_by(&subjects, &kinds, |_, outcome| verdict_row(outcome))?;
        let subjects_by_client = subjects_by(&subjects, &kinds, client_row)?;
        Ok(Self { kinds, subjects_by_verdict, subjects_by_client, live })
    }
}

/// What is a row of `summary.csv`.
pub(super) fn verdict_row(outcome: &Outcome) -> (&'static str, Cell<'_>) {
    (outcome.verdict.as_str(), Cell::claim(outcome.detail.as_str()))
}

/// What is a row of `clients.csv`.
pub(super) fn client_row<'k>(kind: &'k Kind, outcome: &Outcome) -> (Cell<'k>, Cell<'k>, &'static str) {
    let [client, iss] = [&kind.facts.client, &kind.facts.iss].map(|text| Cell::maybe(text.as_deref()));
    (client, iss, outcome.verdict.as_str())
}

/// How many subjects each row has, in the order of the rows.
fn subjects_by<'k, K: Ord>(
    subjects: &Subjects,
    kinds: &'k Kinds,
    row: impl Fn(&'k Kind, &'k Outcome) -> K,
) -> io::Result<Vec<u64>> {
    let row = &row;
    let keys = || kinds.iter().map(|kind| kind.outcomes.iter().map(move |(outcome, _)| row(kind, outcome)));
    let mut rows: BTreeMap<K, u32> = keys().flatten().map(|key| (key, 0)).collect();
    rows.values_mut().zip(0..).for_each(|(row, number)| *row = number);
    let rows_of: RowsOfKinds =
        keys().map(|keys| keys.filter_map(|key| rows.get(&key).copied()).collect::<SmallVec<_>>()).collect();
    subjects.count(&rows_of, rows.len())
}
