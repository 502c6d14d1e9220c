//! `report.html`: one file that shows an incident at a glance, from a disk, without a network, on paper too.
//!
//! Invariants: text from outside is in it as text and in attributes only, escaped by the template, never in style or script.
//! Nothing is fetched, and a content security policy that names the hashes of the page's one style and one script
//! keeps it so. It stays below 2 MB, whatever was found: tables are cut by rows and by bytes (`view.rs`), pictures by
//! their parts (`chart/`).

use std::io::{self, Write};

use askama::Template;
use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};

use super::Report;
use super::about::shell_words;
use super::cell::Cell;
use super::chart::{KeyChart, TimelineChart, clock};
use super::meaning;
use super::rows::{HintRow, When};
use super::sections::{self, Section};
use super::story::{Failure, Story};
use super::value::Kind;
use super::view::{counted, short, thousands};
use crate::at_once::AtOnce;
use crate::hints::HintName;

/// How the file begins, by which an earlier report is told from another file of this name.
pub(super) const BEGINNING: &[u8] = b"<!doctype html>\n<!-- a report of jwtriage -->";

const STYLE: &str = include_str!("../../templates/report.css");
const SCRIPT: &str = include_str!("../../templates/report.js");

/// Characters of a command line, and of a sentence that holds names from outside.
const MAX_CHARS: usize = 2000;
/// Sources that are named of a failure.
const MAX_SOURCES: usize = 5;

/// Writes the file.
pub(super) fn write(report: &Report<'_>, at_once: &AtOnce<'_>, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(BEGINNING)?;
    Page::new(report, at_once)?.write_into(out)
}

/// The page, as its template wants it.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    policy_of_content: String,
    style: &'static str,
    script: &'static str,
    version: &'static str,
    now: String,
    story: Story<'a>,
    failure: Option<Lead>,
    hints: Vec<Cause>,
    timeline: Option<TimelineChart>,
    keys: Option<KeyChart>,
    messages: Option<Section>,
    /// By key, verdict, issuer, audience, source: what is open to the eye.
    key_table: Section,
    verdicts: Section,
    issuers: Section,
    audiences: Section,
    sources: Section,
    groups: Option<Section>,
    live: Section,
    /// What is looked up: closed until somebody asks.
    folded: Vec<Section>,
    incomplete: Option<Section>,
    command: String,
    policy: Option<(String, String)>,
}

/// The failure that is told first.
struct Lead {
    verdict: &'static str,
    detail: String,
    meaning: &'static str,
    first_look: &'static str,
    counts: String,
    since: String,
    sources: Vec<String>,
    more_sources: usize,
}

/// A hint.
struct Cause {
    name: &'static str,
    cause: &'static str,
    confidence: &'static str,
    evidence: String,
    check: String,
    counts: String,
    since: String,
}

impl<'a> Page<'a> {
    fn new(report: &'a Report<'_>, at_once: &AtOnce<'_>) -> io::Result<Self> {
        let story = Story::new(report);
        let about = &report.findings.about;
        // Each is a pass over all kinds of tokens, or all buckets.
        let (keys, timeline): (Vec<_>, Vec<_>) = (report.key_rows().collect(), report.timeline_rows());
        let incomplete: Vec<_> =
            report.source_rows().into_iter().filter(|row| row.status != "complete").collect();
        let messages = sections::messages(&story);
        let groups = sections::groups(report);
        let (key_chart, timeline_chart) =
            (KeyChart::new(report, &keys), TimelineChart::new(report, &timeline));
        Ok(Self {
            policy_of_content: content_security_policy(),
            style: STYLE,
            script: SCRIPT,
            version: env!("CARGO_PKG_VERSION"),
            now: clock(&report.findings.now.to_string()),
            failure: story.failure.as_ref().map(Lead::new),
            hints: story.hints.iter().map(|(name, row)| Cause::new(*name, row)).collect(),
            timeline: timeline_chart,
            keys: key_chart,
            messages: (!messages.table.rows.is_empty()).then_some(messages),
            key_table: sections::keys(keys),
            verdicts: sections::verdicts(&story),
            issuers: sections::issuers(report),
            audiences: sections::audiences(report),
            sources: sections::sources(report),
            groups: (!groups.table.rows.is_empty()).then_some(groups),
            live: sections::live(report)?,
            folded: vec![
                sections::clients(report),
                sections::tokens(report, at_once)?,
                sections::timeline(timeline),
            ],
            incomplete: (!incomplete.is_empty()).then(|| sections::unread(incomplete)),
            command: short(&shell_words(about.command_line), MAX_CHARS),
            policy: about
                .policy
                .map(|policy| (short(Cell::text(policy.path).plain(), 256), policy.sha256.to_owned())),
            story,
        })
    }

    /// Numbers that say how large it is.
    fn stats(&self) -> Vec<(&'static str, String, String)> {
        let (totals, coverage) = (&self.story.totals, &self.story.coverage);
        let incomplete = match coverage.incomplete() {
            0 => "all read to their end".to_owned(),
            some => format!("{} incomplete", thousands(some)),
        };
        let share = totals.failing as f64 * 100.0 / totals.occurrences.max(1) as f64;
        vec![
            (
                "Failing",
                thousands(totals.failing),
                format!("{share:.1} % of {}", counted(totals.occurrences, "finding")),
            ),
            ("Tokens", thousands(totals.distinct_tokens), "distinct".to_owned()),
            ("Sources", thousands(coverage.sources - coverage.skipped), incomplete),
            ("First", self.when(totals.first_event), "UTC".to_owned()),
            ("Last", self.when(totals.last_event), "UTC".to_owned()),
        ]
    }

    fn when(&self, when: When) -> String {
        when.map_or_else(|| "no time".to_owned(), |at| clock(&at.0.to_string()))
    }

    /// How much was read, in words and numbers.
    fn coverage(&self) -> Vec<(&'static str, String)> {
        let coverage = &self.story.coverage;
        [
            ("Sources read to their end", coverage.complete),
            ("Sources read up to an error", coverage.partial),
            ("Sources that could not be read", coverage.unreadable),
            ("Sources left out", coverage.skipped),
            ("Bytes", coverage.bytes),
            ("Lines", coverage.lines),
            ("Lines with findings and without a time of their own", coverage.undated_lines),
            ("Findings judged at a file’s modification time", coverage.at_file_time),
            ("Findings without any time", coverage.without_time),
            ("Findings outside --since and --until, left out", coverage.left_out),
        ]
        .into_iter()
        .map(|(what, count)| (what, thousands(count)))
        .collect()
    }
}

impl Lead {
    fn new(failure: &Failure<'_>) -> Self {
        let row = &failure.row;
        Self {
            verdict: row.verdict,
            detail: row.detail.plain().to_owned(),
            meaning: meaning::meaning(failure.verdict),
            first_look: meaning::first_look(failure.verdict),
            counts: format!(
                "{} of {}",
                counted(row.occurrences, "finding"),
                counted(row.distinct_tokens, "token")
            ),
            since: since(row.first_seen, row.last_seen),
            sources: failure.sources.iter().take(MAX_SOURCES).map(|name| short(name.plain(), 256)).collect(),
            more_sources: failure.sources.len().saturating_sub(MAX_SOURCES),
        }
    }
}

impl Cause {
    fn new(name: HintName, row: &HintRow<'_>) -> Self {
        let counts = [(row.occurrences, "finding"), (row.distinct_tokens, "token"), (row.sources, "source")];
        Self {
            name: row.hint,
            cause: meaning::cause(name),
            confidence: row.confidence,
            evidence: short(row.evidence.plain(), MAX_CHARS),
            check: short(row.what_to_check.plain(), MAX_CHARS),
            counts: counts.map(|(count, what)| counted(count, what)).join(", "),
            since: since(row.first_seen, row.last_seen),
        }
    }
}

/// From when to when, in words.
fn since(first: When, last: When) -> String {
    match (first, last) {
        (Some(first), Some(last)) if first == last => format!("at {} UTC", clock(&first.0.to_string())),
        (Some(first), Some(last)) => {
            format!("since {}, last at {} UTC", clock(&first.0.to_string()), clock(&last.0.to_string()))
        }
        _ => "at no known time".to_owned(),
    }
}

/// What the page may load and run: nothing but its own style and script.
fn content_security_policy() -> String {
    let hash = |text: &str| format!("'sha256-{}'", BASE64.encode(&Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'none'; \
         require-trusted-types-for 'script'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn style_and_script_hold_nothing_that_ends_them_or_is_fetched() {
        for text in [STYLE, SCRIPT] {
            for needle in ["</", "<!--", "@import", "http:", "https:", "fetch(", "innerHTML", "eval("] {
                assert!(!text.contains(needle), "{needle}");
            }
        }
        assert_eq!(content_security_policy().matches("'sha256-").count(), 2);
    }
}
