//! The tables of `report.html`: which columns of a file each shows, and which of its rows come first.

use std::cmp::Reverse;
use std::io;

use super::rows::{
    AudienceRow, ClientRow, GroupRow, IssuerRow, KeyRow, LiveRow, SourceRow, SummaryRow, TimelineRow,
    TokenRow,
};
use super::story::Story;
use super::view::{First, Limits, Table, table};
use super::{Report, SLICE};
use crate::at_once::AtOnce;
use crate::verdict::Verdict;

/// A table under a heading.
pub(super) struct Section {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) note: &'static str,
    pub(super) table: Table,
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

pub(super) fn verdicts(story: &Story<'_>) -> Section {
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

pub(super) fn messages(story: &Story<'_>) -> Section {
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

pub(super) fn keys(rows: Vec<KeyRow<'_>>) -> Section {
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
    let table = table("keys.csv", &columns, rows, key, limits(100));
    Section { id: "key-table", title: "Keys by issuer and algorithm", note: "", table }
}

pub(super) fn issuers(report: &Report<'_>) -> Section {
    let key = |row: &IssuerRow<'_>| telling(row.verdict, row.occurrences);
    let table =
        table("issuers.csv", &and_seen(&["iss", "known", "verdict"]), report.issuer_rows(), key, limits(100));
    Section {
        id: "issuers", title: "By issuer", note: "“known” tells whether the policy names it.", table
    }
}

pub(super) fn audiences(report: &Report<'_>) -> Section {
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

pub(super) fn clients(report: &Report<'_>) -> Section {
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

pub(super) fn sources(report: &Report<'_>) -> Section {
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

pub(super) fn groups(report: &Report<'_>) -> Section {
    let key = |row: &GroupRow<'_>| telling(row.verdict, row.occurrences);
    let table =
        table("groups.csv", &and_seen(&["name", "value", "verdict"]), report.group_rows(), key, limits(100));
    Section { id: "groups", title: "By group", note: "As asked for with --group-by.", table }
}

pub(super) fn live(report: &Report<'_>) -> io::Result<Section> {
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
    let limits = limits(150);
    let mut first = First::none();
    report.each_live(limits.rows, |row| {
        first.merge(First::of(&columns, [row], |_| (), 1), limits.rows);
        Ok(())
    })?;
    let mut table = first.into_table::<LiveRow<'_>>("live.csv", &columns, limits);
    table.more = report.live_tokens() - table.rows.len() as u64;
    Ok(Section {
        id: "live",
        title: "Tokens that are still usable",
        note: "The longest usable first. Without expires_at, a token never expires.",
        table,
    })
}

pub(super) fn tokens(report: &Report<'_>, at_once: &AtOnce<'_>) -> io::Result<Section> {
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
    let limits = limits(300);
    let mut first = First::none();
    report.tokens.slices(
        // Of each slice up to as many rows are kept as the table shows.
        16 * SLICE,
        at_once,
        |tokens| First::of(&columns, report.rows_of(tokens).map(|(row, _)| row), key, limits.rows),
        |behind| {
            first.merge(behind, limits.rows);
            Ok(())
        },
    )?;
    let table = first.into_table::<TokenRow<'_>>("tokens.csv", &columns, limits);
    Ok(Section { id: "tokens", title: "Tokens", note: "Those that fail most often first.", table })
}

pub(super) fn timeline(rows: Vec<TimelineRow>) -> Section {
    let columns = ["bucket_start", "verdict", "occurrences", "distinct_tokens"];
    let table = table("timeline.csv", &columns, rows, |_| (), limits(100));
    Section { id: "timeline-table", title: "Timeline in numbers", note: "", table }
}

pub(super) fn unread(incomplete: Vec<SourceRow<'_>>) -> Section {
    let columns = ["source", "status", "error", "bytes", "lines", "candidates"];
    let key = |row: &SourceRow<'_>| row.status == "skipped";
    let table = table("sources.csv", &columns, incomplete, key, limits(100));
    Section { id: "incomplete", title: "Sources that were not read to their end", note: "", table }
}
