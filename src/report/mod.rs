//! Tally → files and a table for the terminal.
//!
//! Every format is made of the same rows: CSV files, `report.json`, `summary.md` and `report.html`. A [`Report`] is made once from all that was found. It goes into the directory of a [`Staging`], which is made
//! before the scan, so that a bad output directory costs no time, and appears in its place when it is complete. What
//! each file holds is in `tables.rs`, `tokens.rs` and `live.rs`, how its columns are called in `rows.rs`, how text from outside
//! is made harmless in `cell.rs`. `occurrences.csv`, which may be larger than memory, is spooled while the scan runs:
//! see [`OccurrenceSpool`].
//!
//! Invariant: the same findings give the same bytes, in whatever order they were counted.

mod about;
mod cell;
mod chart;
mod coverage;
mod csv;
mod group;
mod html;
mod json;
mod live;
mod markdown;
mod meaning;
mod occurrences;
mod publish;
mod rows;
mod sections;
mod story;
mod summary;
mod tables;
mod tokens;
mod value;
mod view;

use std::io::{self, Write};
use std::sync::OnceLock;

use crate::error::Result;
use crate::hints::Hint;
use crate::message::Entry;
use crate::secret::Fingerprint;
use crate::tally::{SourceTally, Tally, TokenTally};
use crate::timestamp::Timestamp;

pub use about::{About, KeyWindow, PolicyFile};
pub use occurrences::{ChunkRows, Occurrence, OccurrenceSpool};
pub use publish::Staging;

use cell::Cell;
use rows::Row as _;

/// Text from outside as a terminal may show it: every character that cannot be seen is written as an escape.
#[must_use]
pub fn plain_text(text: &str) -> std::borrow::Cow<'_, str> {
    cell::visible(text)
}

/// Everything that the reports are made from.
#[derive(Clone, Copy)]
pub struct Findings<'a> {
    /// All counts but those per source.
    pub tally: &'a Tally,
    /// What was read of each source, in any order.
    pub sources: &'a [SourceTally],
    /// What the policy names; `None` without a policy.
    pub known: Option<Known<'a>>,
    /// The claims whose plain values may be shown, in the order of `TokenFacts::shown_claims`.
    pub show_claims: &'a [String],
    /// The time at which `live.csv` asks whether a token is still usable.
    pub now: Timestamp,
    /// The catalogue of what verifiers say.
    pub messages: &'a [Entry],
    /// The names of the user's groups.
    pub groups: &'a [String],
    /// What is likely to have gone wrong, most telling first.
    pub hints: &'a [Hint],
    /// How long after its `exp` verifiers still take a token, in milliseconds.
    pub leeway: i64,
    /// How the findings came about.
    pub about: About<'a>,
}

/// What the policy names.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// Whether it names this issuer.
    pub issuer: &'a (dyn Fn(&str) -> bool + Sync),
    /// Whether it names this audience.
    pub audience: &'a (dyn Fn(&str) -> bool + Sync),
}

/// All that was found, ready to be written down.
pub struct Report<'a> {
    findings: Findings<'a>,
    /// Ordered by fingerprint.
    tokens: Vec<(Fingerprint, &'a TokenTally)>,
    /// Whether a verifier was asked what it would have said.
    predicts: bool,
    /// Those that are still usable, once somebody has asked.
    live: OnceLock<Vec<(Fingerprint, &'a TokenTally)>>,
}

/// What a report is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Format {
    /// A file per table, for scripts and spreadsheets.
    Csv,
    /// `report.json`: all tables and how they came about.
    Json,
    /// `summary.md`: what matters, to be pasted into a runbook.
    Md,
    /// `report.html`: a page to look at.
    Html,
}

/// One file of a report: its name, and what writes it.
pub struct ReportFile(&'static str, fn(&Report<'_>, &mut dyn Write) -> io::Result<()>);

/// The CSV files.
const FILES: [ReportFile; 11] = [
    ReportFile("summary.csv", |report, out| csv::write(out, report.summary_rows())),
    ReportFile("tokens.csv", |report, out| report.write_tokens(out)),
    ReportFile("issuers.csv", |report, out| csv::write(out, report.issuer_rows())),
    ReportFile("audiences.csv", |report, out| csv::write(out, report.audience_rows())),
    ReportFile("clients.csv", |report, out| csv::write(out, report.client_rows())),
    ReportFile("keys.csv", |report, out| csv::write(out, report.key_rows())),
    ReportFile("timeline.csv", |report, out| csv::write(out, report.timeline_rows())),
    ReportFile("sources.csv", |report, out| csv::write(out, report.source_rows())),
    ReportFile("live.csv", |report, out| csv::write(out, report.live_rows())),
    ReportFile("messages.csv", |report, out| csv::write(out, report.message_rows())),
    ReportFile("hints.csv", |report, out| csv::write(out, report.hint_rows())),
];

/// The CSV file of the user's groups, if there are any.
const GROUPS: ReportFile = ReportFile("groups.csv", |report, out| csv::write(out, report.group_rows()));

/// The files of the other formats.
const DOCUMENTS: [(Format, ReportFile); 3] = [
    (Format::Json, ReportFile("report.json", |report, out| json::write(report, out))),
    (Format::Md, ReportFile("summary.md", |report, out| markdown::write(report, out))),
    (Format::Html, ReportFile("report.html", |report, out| html::write(report, out))),
];

impl<'a> Report<'a> {
    /// Takes the findings, in whatever order they were counted.
    #[must_use]
    pub fn new(findings: Findings<'a>) -> Self {
        Self { findings, tokens: findings.tally.tokens(), predicts: false, live: OnceLock::new() }
    }

    /// The same with the errors that a verifier would have raised.
    #[must_use]
    pub fn with_predictions(self, predicts: bool) -> Self {
        Self { predicts, ..self }
    }

    /// The files that the report has in these formats.
    #[must_use]
    pub fn files(&self, formats: &[Format]) -> Vec<&'static ReportFile> {
        let groups = (!self.findings.groups.is_empty()).then_some(&GROUPS);
        let tables = FILES.iter().chain(groups).map(|file| (Format::Csv, file));
        let documents = DOCUMENTS.iter().map(|(format, file)| (*format, file));
        let all = tables.chain(documents);
        all.filter(|(format, _)| formats.contains(format)).map(|(_, file)| file).collect()
    }

    /// Writes one file. Files may be written at the same time.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, file: &ReportFile, staging: &Staging) -> Result<()> {
        staging.write(file.0, |out| (file.1)(self, out))
    }

    /// The table for the terminal, with a line end. Lines are cut to `width` columns, if that is given.
    #[must_use]
    pub fn summary(&self, width: Option<usize>, color: bool) -> String {
        summary::render(self, width, color)
    }

    /// `tokens.csv` has a column `claim.NAME` at its end for each claim that may be shown, and behind those `predicted_error`,
    /// where a verifier was asked.
    fn write_tokens(&self, out: &mut dyn Write) -> io::Result<()> {
        let claims: Vec<_> =
            self.findings.show_claims.iter().map(|name| Cell::text(format!("claim.{name}"))).collect();
        let predicted = self.predicts.then_some("predicted_error");
        let header = rows::TokenRow::COLUMNS.iter().copied().chain(claims.iter().map(Cell::as_str));
        let header = header.chain(predicted);
        csv::write_under(out, header, self.token_rows())
    }
}

#[cfg(test)]
mod tests;
