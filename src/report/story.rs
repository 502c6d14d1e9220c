//! What a reader is told first, in `summary.md` and `report.html`: the likeliest cause, the step that fails most for it,
//! what a verifier said of it, and where.

use std::cmp::Reverse;

use hashbrown::HashSet;

use super::Report;
use super::cell::Cell;
use super::coverage::{Coverage, Totals};
use super::meaning;
use super::rows::{HintRow, MessageRow, SummaryRow};
use crate::hints::HintName;
use crate::tally::SourceTally;
use crate::verdict::Verdict;

/// What a reader is told first.
pub(super) struct Story<'a> {
    pub(super) totals: Totals,
    pub(super) coverage: Coverage,
    /// The rows of `summary.csv`: the commonest first, `valid` last.
    pub(super) verdicts: Vec<SummaryRow<'a>>,
    pub(super) hints: Vec<(HintName, HintRow<'a>)>,
    /// The failure that is told first: what the first hint is about, else the commonest.
    pub(super) failure: Option<Failure<'a>>,
    /// What verifiers said: of this failure first, then the commonest first.
    pub(super) messages: Vec<MessageRow<'a>>,
}

/// A failure, and where it happened.
pub(super) struct Failure<'a> {
    pub(super) verdict: Verdict,
    pub(super) row: SummaryRow<'a>,
    /// The sources that hold it; those with the most failing findings first.
    pub(super) sources: Vec<Cell<'a>>,
}

impl<'a> Story<'a> {
    pub(super) fn new(report: &'a Report<'_>) -> Self {
        let mut verdicts = report.summary_rows();
        verdicts.sort_by_key(|row| (row.verdict == Verdict::Valid.as_str(), Reverse(row.occurrences)));
        let names = report.findings.hints.iter().map(|hint| hint.hint);
        let hints: Vec<_> = names.zip(report.hint_rows()).collect();
        let failure = told_first(hints.first().map(|(name, _)| *name), &verdicts).map(|(verdict, row)| {
            Failure { verdict, sources: report.sources_with(verdict, &row.detail), row: row.clone() }
        });
        let mut messages: Vec<_> = report.message_rows().collect();
        let about = failure.as_ref().map_or("", |failure| failure.row.verdict);
        messages.sort_by_key(|message| (message.verdict != about, Reverse(message.occurrences)));
        Self { totals: report.totals(), coverage: report.coverage(), verdicts, hints, failure, messages }
    }

    /// What has gone wrong, as a sentence without its full stop.
    pub(super) fn headline(&self) -> &'static str {
        match (self.hints.first(), &self.failure) {
            (Some((hint, _)), _) => meaning::cause(*hint),
            (None, Some(failure)) => meaning::meaning(failure.verdict),
            (None, None) if self.totals.occurrences == 0 => "No token was found",
            (None, None) => "Every token that was found is valid",
        }
    }
}

/// The failure that is told first. Rows are in order: the commonest first.
fn told_first<'r, 'a>(
    hint: Option<HintName>,
    rows: &'r [SummaryRow<'a>],
) -> Option<(Verdict, &'r SummaryRow<'a>)> {
    let verdict =
        |row: &SummaryRow<'_>| Verdict::ALL.iter().copied().find(|known| known.as_str() == row.verdict);
    let failing = || {
        rows.iter()
            .filter_map(|row| Some((verdict(row)?, row)))
            .filter(|(verdict, _)| *verdict != Verdict::Valid)
    };
    let about = hint.map_or(&[][..], meaning::verdicts_of);
    failing().find(|(verdict, _)| about.contains(verdict)).or_else(|| failing().next())
}

impl<'a> Report<'a> {
    /// The sources that hold a failure; those with the most failing findings first.
    fn sources_with(&self, verdict: Verdict, detail: &Cell<'_>) -> Vec<Cell<'a>> {
        let mut numbers: HashSet<u32> = HashSet::new();
        for (_, _, outcome, sum) in self.outcomes() {
            if outcome.verdict == verdict && Cell::claim(outcome.detail.as_str()) == *detail {
                numbers.extend(&sum.sources);
            }
        }
        let mut sources: Vec<&'a SourceTally> =
            self.findings.sources.iter().filter(|source| numbers.contains(&source.id)).collect();
        sources.sort_by_key(|source| (Reverse(source.found.failing()), &source.name));
        sources.into_iter().map(|source| Cell::text(&*source.name)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::rows::{Millionths, Shown};

    fn row(verdict: Verdict, occurrences: u64) -> SummaryRow<'static> {
        SummaryRow {
            verdict: verdict.as_str(),
            detail: Cell::default(),
            occurrences,
            distinct_tokens: occurrences,
            distinct_subjects: 0,
            sources: 1,
            first_seen: None,
            last_seen: None,
            share: Shown(Millionths::of(1, 1)),
        }
    }

    #[test]
    fn the_failure_that_the_hint_is_about_is_told_before_commoner_ones() {
        let rows = [row(Verdict::Expired, 9), row(Verdict::StaleKid, 2), row(Verdict::Valid, 100)];
        let told = |hint, rows| told_first(hint, rows).map(|(verdict, _)| verdict);
        assert_eq!(told(None, &rows), Some(Verdict::Expired));
        assert_eq!(told(Some(HintName::KeyRotationLag), &rows), Some(Verdict::StaleKid));
        assert_eq!(told(Some(HintName::LogTruncation), &rows), Some(Verdict::Expired), "nothing was cut");
        assert_eq!(told(None, &rows[2..]), None, "valid is no failure");
    }

    #[test]
    fn every_hint_but_that_of_live_tokens_is_about_failures() {
        for hint in HintName::ALL {
            let about = meaning::verdicts_of(*hint);
            assert_eq!(about.is_empty(), *hint == HintName::LiveTokensInLogs, "{hint}");
            assert!(!about.contains(&Verdict::Valid), "{hint}");
        }
    }
}
