//! `report.html`: one file that shows an incident at a glance, from a disk, without a network, on paper too.
//!
//! Invariants: text from outside is in it as text and in attributes only, escaped by the template, never in style or script.
//! Nothing is fetched, and a content security policy that names the hashes of the page's one style and one script
//! keeps it so. It stays below 2 MB, whatever was found: tables are cut by rows and by bytes (`view.rs`), pictures by
//! their parts (`chart/`).

use std::cmp::Reverse;
use std::io::{self, Write};

use askama::Template;
use data_encoding::BASE64;
use sha2::{Digest as _, Sha256};

use super::Report;
use super::about::shell_words;
use super::cell::Cell;
use super::chart::{KeyChart, TimelineChart, clock};
use super::meaning;
use super::rows::{
    AudienceRow, ClientRow, GroupRow, HintRow, IssuerRow, KeyRow, SourceRow, SummaryRow, TokenRow, When,
};
use super::story::{Failure, Story};
use super::value::Kind;
use super::view::{Limits, Table, counted, short, table, thousands};
use crate::hints::HintName;
use crate::verdict::Verdict;

/// How the file begins, by which an earlier report is told from another file of this name.
pub(super) const BEGINNING: &[u8] = b"<!doctype html>\n<!-- a report of jwtriage -->";

const STYLE: &str = include_str!("../../templates/report.css");
const SCRIPT: &str = include_str!("../../templates/report.js");

/// Characters of a command line, and of a sentence that holds names from outside.
const MAX_CHARS: usize = 2000;
/// Sources that are named of a failure.
const MAX_SOURCES: usize = 5;

/// Writes the file.
pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    out.write_all(BEGINNING)?;
    Page::new(report).write_into(out)
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

/// A table under a heading.
struct Section {
    id: &'static str,
    title: &'static str,
    note: &'static str,
    table: Table,
}

impl<'a> Page<'a> {
    fn new(report: &Report<'a>) -> Self {
        let story = Story::new(report);
        let about = &report.findings.about;
        let incomplete: Vec<_> =
            report.source_rows().into_iter().filter(|row| row.status != "complete").collect();
        let messages = messages(&story);
        let groups = groups(report);
        Self {
            policy_of_content: content_security_policy(),
            style: STYLE,
            script: SCRIPT,
            version: env!("CARGO_PKG_VERSION"),
            now: clock(&report.findings.now.to_string()),
            failure: story.failure.as_ref().map(Lead::new),
            hints: story.hints.iter().map(|(name, row)| Cause::new(*name, row)).collect(),
            timeline: TimelineChart::new(report),
            keys: KeyChart::new(report),
            messages: (!messages.table.rows.is_empty()).then_some(messages),
            key_table: keys(report),
            verdicts: verdicts(&story),
            issuers: issuers(report),
            audiences: audiences(report),
            sources: sources(report),
            groups: (!groups.table.rows.is_empty()).then_some(groups),
            live: live(report),
            folded: vec![clients(report), tokens(report), timeline(report)],
            incomplete: (!incomplete.is_empty()).then(|| unread(incomplete)),
            command: short(&shell_words(about.command_line), MAX_CHARS),
            policy: about
                .policy
                .map(|policy| (short(Cell::text(policy.path).plain(), 256), policy.sha256.to_owned())),
            story,
        }
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

/// A table of at most 500 rows and so many thousands of bytes.
const fn limits(kilobytes: usize) -> Limits {
    Limits { rows: 500, bytes: kilobytes * 1000 }
}

const SEEN: [&str; 4] = ["occurrences", "distinct_tokens", "first_seen", "last_seen"];

/// Columns, and when and how often it was seen.
fn and_seen(columns: &[&'static str]) -> Vec<&'static str> {
    columns.iter().copied().chain(SEEN).collect()
}

/// What fails comes first, the commonest first.
fn telling(verdict: &str, occurrences: u64) -> (bool, Reverse<u64>) {
    (verdict == Verdict::Valid.as_str(), Reverse(occurrences))
}

fn verdicts(story: &Story<'_>) -> Section {
    let columns = [
        "verdict",
        "detail",
        "share",
        "occurrences",
        "distinct_tokens",
        "distinct_subjects",
        "sources",
        "first_seen",
        "last_seen",
    ];
    let key = |row: &SummaryRow<'_>| telling(row.verdict, row.occurrences);
    let table = table("summary.csv", &columns, story.verdicts.iter().cloned(), key, limits(150));
    Section {
        id: "verdicts",
        title: "Verdicts",
        note: "The first validation step that a token fails, at the time of its line.",
        table,
    }
}

fn messages(story: &Story<'_>) -> Section {
    let columns = [
        "stack",
        "message",
        "cause",
        "verdict",
        "agrees",
        "occurrences",
        "sources",
        "first_seen",
        "last_seen",
    ];
    let table = table("messages.csv", &columns, story.messages.iter().cloned(), |_| (), limits(100));
    Section {
        id: "messages",
        title: "What the verifiers said",
        note: "Their own words in the logs, and whether they agree with the verdict.",
        table,
    }
}

fn keys(report: &Report<'_>) -> Section {
    let columns = [
        "kid",
        "iss",
        "alg",
        "key_status",
        "occurrences",
        "distinct_tokens",
        "sources",
        "first_seen",
        "last_seen",
        "verified",
        "failed",
    ];
    let usual = |row: &KeyRow<'_>| !["retired", "future", "unknown"].contains(&row.key_status);
    let key = |row: &KeyRow<'_>| (usual(row), Reverse(row.occurrences));
    let table = table("keys.csv", &columns, report.key_rows(), key, limits(100));
    Section { id: "key-table", title: "Keys by issuer and algorithm", note: "", table }
}

fn issuers(report: &Report<'_>) -> Section {
    let key = |row: &IssuerRow<'_>| telling(row.verdict, row.occurrences);
    let table =
        table("issuers.csv", &and_seen(&["iss", "known", "verdict"]), report.issuer_rows(), key, limits(100));
    Section {
        id: "issuers", title: "By issuer", note: "“known” tells whether the policy names it.", table
    }
}

fn audiences(report: &Report<'_>) -> Section {
    let key = |row: &AudienceRow<'_>| telling(row.verdict, row.occurrences);
    let table = table(
        "audiences.csv",
        &and_seen(&["aud", "known", "verdict"]),
        report.audience_rows(),
        key,
        limits(100),
    );
    Section {
        id: "audiences",
        title: "By audience",
        note: "A token for several audiences counts for each of them.",
        table,
    }
}

fn clients(report: &Report<'_>) -> Section {
    let key = |row: &ClientRow<'_>| telling(row.verdict, row.occurrences);
    let table = table(
        "clients.csv",
        &and_seen(&["client", "iss", "verdict", "distinct_subjects"]),
        report.client_rows(),
        key,
        limits(100),
    );
    Section {
        id: "clients",
        title: "By client",
        note: "The client is azp, else client_id, cid or appid.",
        table,
    }
}

fn sources(report: &Report<'_>) -> Section {
    let columns = [
        "source",
        "failing",
        "valid",
        "candidates",
        "first_event",
        "last_event",
        "status",
        "lines",
        "bytes",
        "undated_lines",
        "time_format",
    ];
    let key = |row: &SourceRow<'_>| (Reverse(row.failing), Reverse(row.candidates));
    let table = table("sources.csv", &columns, report.source_rows(), key, limits(150));
    Section { id: "sources", title: "By source", note: "Those with the most failing findings first.", table }
}

fn groups(report: &Report<'_>) -> Section {
    let key = |row: &GroupRow<'_>| telling(row.verdict, row.occurrences);
    let table =
        table("groups.csv", &and_seen(&["name", "value", "verdict"]), report.group_rows(), key, limits(100));
    Section { id: "groups", title: "By group", note: "As asked for with --group-by.", table }
}

fn live(report: &Report<'_>) -> Section {
    let columns = [
        "fingerprint",
        "expires_at",
        "remaining_s",
        "iss",
        "aud",
        "occurrences",
        "sources",
        "first_location",
    ];
    let table = table("live.csv", &columns, report.live_rows(), |_| (), limits(150));
    Section {
        id: "live",
        title: "Tokens that are still usable",
        note: "The longest usable first. Without expires_at, a token never expires.",
        table,
    }
}

fn tokens(report: &Report<'_>) -> Section {
    let columns = [
        "fingerprint",
        "verdict",
        "detail",
        "also",
        "occurrences",
        "sources",
        "first_seen",
        "last_seen",
        "issued_at",
        "expires_at",
        "past_expiry_s",
        "length",
        "alg",
        "kid",
        "key_status",
        "signature",
        "iss",
        "aud",
        "first_location",
    ];
    let key = |row: &TokenRow<'_>| telling(row.verdict, row.occurrences);
    let table = table("tokens.csv", &columns, report.token_rows().map(|(row, _)| row), key, limits(300));
    Section { id: "tokens", title: "Tokens", note: "Those that fail most often first.", table }
}

fn timeline(report: &Report<'_>) -> Section {
    let columns = ["bucket_start", "verdict", "occurrences", "distinct_tokens"];
    let table = table("timeline.csv", &columns, report.timeline_rows(), |_| (), limits(100));
    Section { id: "timeline-table", title: "Timeline in numbers", note: "", table }
}

fn unread(incomplete: Vec<SourceRow<'_>>) -> Section {
    let columns = ["source", "status", "error", "bytes", "lines", "candidates"];
    let key = |row: &SourceRow<'_>| row.status == "skipped";
    let table = table("sources.csv", &columns, incomplete, key, limits(100));
    Section { id: "incomplete", title: "Sources that were not read to their end", note: "", table }
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
