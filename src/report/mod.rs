//! Tally → files and a table for the terminal.
//!
//! Every format is made of the same rows: CSV files, `report.json`, `summary.md` and `report.html`. A [`Report`] is made once
//! from all that was found. It goes into the directory of a [`Staging`], which is made before the scan, so that a bad output
//! directory costs no time, and appears in its place when it is complete.
//!
//! Two things are made of tokens: the rows of `tokens.csv` and `live.csv`, token by token (`tokens.rs`, `live.rs`), and kinds of
//! tokens (`kinds.rs`), of which all other tables are made (`tables.rs`). The lines of `tokens.csv` and the kinds are made slice by
//! slice, by as many threads as there are (`at_once.rs`). How columns are called is in `rows.rs`, how text from outside is made
//! harmless in `cell.rs`. `occurrences.csv`, which may be larger than memory, is spooled while the scan runs: see [`OccurrenceSpool`].
//!
//! Invariant: the same findings give the same bytes, in whatever order they were counted.

mod about;
mod cell;
mod chart;
mod count;
mod coverage;
mod csv;
mod group;
mod html;
mod json;
mod kinds;
mod live;
mod markdown;
mod meaning;
mod occurrences;
mod publish;
mod rows;
mod sections;
mod story;
mod subjects;
mod summary;
mod tables;
mod tokens;
mod value;
mod view;

use std::io::{self, Write};

use crate::at_once::{AtOnce, each};
use crate::error::{Error, Result};
use crate::hints::Hint;
use crate::message::Entry;
use crate::spill::Tokens;
use crate::tally::{NamedToken, SourceTally, Tally};
use crate::timestamp::Timestamp;

pub use about::{About, KeyWindow, PolicyFile};
pub use occurrences::{ChunkRows, Occurrence, OccurrenceSpool};
pub use publish::Staging;

// What tells of changes between reports writes as they do.
pub(crate) use cell::Cell;
pub(crate) use csv::Lines;
pub(crate) use markdown::{code_in_table, prose};
pub(crate) use rows::Millionths;
pub(crate) use view::{counted, percent, short, thousands};

use count::Counted;
use kinds::Kinds;

/// Text from outside as a terminal may show it: every character that cannot be seen is written as an escape.
#[must_use]
pub fn plain_text(text: &str) -> std::borrow::Cow<'_, str> {
    cell::visible(text)
}

/// What a report shows of a claim, or of another value that whoever writes logs may have chosen.
#[must_use]
pub fn shown(value: &str) -> String {
    cell::Cell::claim(value).plain().to_owned()
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

/// How many tokens one thread looks at, at a time.
const SLICE: usize = 1024;

/// All that was found, ready to be written down.
pub struct Report<'a> {
    findings: Findings<'a>,
    tokens: Tokens<'a>,
    counted: Counted<'a>,
    /// Whether a verifier was asked what it would have said.
    predicts: bool,
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
struct ReportFile(&'static str, fn(&Report<'_>, &AtOnce<'_>, &mut dyn Write) -> io::Result<()>);

/// The CSV files.
const FILES: [ReportFile; 11] = [
    ReportFile("summary.csv", |report, _, out| csv::write(out, report.summary_rows())),
    ReportFile("tokens.csv", |report, at_once, out| report.write_tokens(at_once, out)),
    ReportFile("issuers.csv", |report, _, out| csv::write(out, report.issuer_rows())),
    ReportFile("audiences.csv", |report, _, out| csv::write(out, report.audience_rows())),
    ReportFile("clients.csv", |report, _, out| csv::write(out, report.client_rows())),
    ReportFile("keys.csv", |report, _, out| csv::write(out, report.key_rows())),
    ReportFile("timeline.csv", |report, _, out| csv::write(out, report.timeline_rows())),
    ReportFile("sources.csv", |report, _, out| csv::write(out, report.source_rows())),
    ReportFile("live.csv", |report, _, out| {
        let mut file = csv::File::begin::<rows::LiveRow<'_>>(out);
        report.each_live(usize::MAX, |row| file.row(&row))?;
        file.end()
    }),
    ReportFile("messages.csv", |report, _, out| csv::write(out, report.message_rows())),
    ReportFile("hints.csv", |report, _, out| csv::write(out, report.hint_rows())),
];

/// The CSV file of the user's groups, if there are any.
const GROUPS: ReportFile = ReportFile("groups.csv", |report, _, out| csv::write(out, report.group_rows()));

/// The files of the other formats.
const DOCUMENTS: [(Format, ReportFile); 3] = [
    (Format::Json, ReportFile("report.json", json::write)),
    (Format::Md, ReportFile("summary.md", |report, _, out| markdown::write(report, out))),
    (Format::Html, ReportFile("report.html", html::write)),
];

impl<'a> Report<'a> {
    /// Takes the findings, in whatever order they were counted, and their tokens.
    ///
    /// # Errors
    /// When tokens are stored and cannot be read.
    pub fn new(findings: Findings<'a>, tokens: Tokens<'a>, at_once: &AtOnce<'_>) -> Result<Self> {
        let counted = Counted::new(&findings, &tokens, at_once);
        let counted = counted
            .map_err(|error| Error::new(format!("cannot count the tokens that are stored: {error}")))?;
        Ok(Self { findings, tokens, counted, predicts: false })
    }

    /// The same with the errors that a verifier would have raised.
    #[must_use]
    pub fn with_predictions(self, predicts: bool) -> Self {
        Self { predicts, ..self }
    }

    /// Writes the report in these formats, but for `occurrences.csv`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, formats: &[Format], at_once: &AtOnce<'_>, staging: &Staging) -> Result<()> {
        let files = self.files(formats);
        let write = |n: usize| {
            let ReportFile(name, write) = files[n];
            staging.write(name, |out| write(self, at_once, out))
        };
        each(at_once, files.len(), write).into_iter().collect()
    }

    /// The files that the report has in these formats.
    fn files(&self, formats: &[Format]) -> Vec<&'static ReportFile> {
        let groups = (!self.findings.groups.is_empty()).then_some(&GROUPS);
        let tables = FILES.iter().chain(groups).map(|file| (Format::Csv, file));
        let documents = DOCUMENTS.iter().map(|(format, file)| (*format, file));
        let all = tables.chain(documents);
        all.filter(|(format, _)| formats.contains(format)).map(|(_, file)| file).collect()
    }

    /// What tables are made of.
    const fn kinds(&self) -> &Kinds {
        &self.counted.kinds
    }

    /// The table for the terminal, with a line end. Lines are cut to `width` columns, if that is given.
    #[must_use]
    pub fn summary(&self, width: Option<usize>, color: bool) -> String {
        summary::render(self, width, color)
    }
}

#[cfg(test)]
mod tests;
