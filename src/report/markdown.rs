//! `summary.md`: what matters, in GitHub's Markdown, to be pasted into a runbook, a ticket or a chat.
//!
//! Invariant: text from outside stands in code spans only. Nothing in them is markup, a link, a mention or an emoji,
//! whoever renders it; what could end one, a backtick or the end of a table's cell, is taken care of in `code`.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::io::{self, Write};

use super::Report;
use super::about::shell_words;
use super::cell::Cell;
use super::meaning;
use super::rows::{KeyRow, SourceRow, SummaryRow, When};
use super::story::Story;
use super::value::Kind;
use super::view::{Limits, Table, counted, short, table, thousands};
use crate::hints::Confidence;
use crate::verdict::Verdict;

/// How the file begins, by which an earlier report is told from another file of this name.
pub(super) const BEGINNING: &[u8] = b"# jwtriage: ";

/// Rows of a table; the files have all.
const ROWS: usize = 12;
/// Sources that are named of a failure.
const MAX_SOURCES: usize = 3;
/// Characters of a command line, and of a sentence that holds names from outside.
const MAX_CHARS: usize = 1000;

/// Writes the file.
pub(super) fn write(report: &Report<'_>, out: &mut dyn Write) -> io::Result<()> {
    let story = Story::new(report);
    let mut text = String::new();
    for part in [
        headline(&story),
        live(report, &story),
        five_lines(report, &story),
        hints(report),
        verdicts(&story),
        keys(report),
        sources(report),
        coverage(report, &story),
    ] {
        text.push_str(&part);
    }
    out.write_all(text.as_bytes())
}

/// What was found, in a title and a sentence.
fn headline(story: &Story<'_>) -> String {
    let (totals, coverage) = (&story.totals, &story.coverage);
    let mut text = format!("# jwtriage: {}\n\n", story.headline());
    let _ = write!(
        text,
        "{} of {} fail; {} in {}",
        thousands(totals.failing),
        counted(totals.occurrences, "finding"),
        counted(totals.distinct_tokens, "token"),
        counted(coverage.sources - coverage.skipped, "source"),
    );
    if let (Some(first), Some(last)) = (totals.first_event, totals.last_event) {
        let _ = write!(text, ", from {} to {}", first.0, last.0);
    }
    text.push_str(".\n");
    text
}

/// That what leaked can still be misused.
fn live(report: &Report<'_>, story: &Story<'_>) -> String {
    let are = match story.totals.live_tokens {
        0 => return String::new(),
        1 => "1 token in these logs is".to_owned(),
        more => format!("{} tokens in these logs are", thousands(more)),
    };
    let now = report.findings.now;
    format!(
        "\n> [!WARNING]\n> {are} still usable at {now} by whoever can read them: revoke what `live.csv` lists.\n"
    )
}

/// The five lines that a runbook wants.
fn five_lines(report: &Report<'_>, story: &Story<'_>) -> String {
    let error = match story.messages.first() {
        None => "none that a verifier is known to print".to_owned(),
        Some(said) => {
            format!(
                "{} ({}, {})",
                code(said.message.plain()),
                code(said.stack.plain()),
                counted(said.occurrences, "time")
            )
        }
    };
    let step = match &story.failure {
        None => "none".to_owned(),
        Some(failure) => {
            let row = &failure.row;
            let verdict = [row.verdict, row.detail.plain()].into_iter().filter(|word| !word.is_empty());
            let mut step = format!(
                "{}: {}, {} of {}{}",
                meaning::step(failure.verdict),
                verdict.map(code).collect::<Vec<_>>().join(" / "),
                counted(row.occurrences, "finding"),
                counted(row.distinct_tokens, "token"),
                between(row.first_seen, row.last_seen),
            );
            let named: Vec<_> = failure
                .sources
                .iter()
                .take(MAX_SOURCES)
                .map(|name| code(&short(name.plain(), 256)))
                .collect();
            let _ = write!(step, ", in {}", named.join(", "));
            if failure.sources.len() > MAX_SOURCES {
                let _ = write!(step, " and {} more", thousands((failure.sources.len() - MAX_SOURCES) as u64));
            }
            step
        }
    };
    let (cause, fix) = match (story.hints.first(), &story.failure) {
        (Some((name, row)), _) => (
            format!(
                "{} ({}, confidence {}). {}",
                meaning::cause(*name),
                code(row.hint),
                row.confidence,
                prose(row.evidence.plain())
            ),
            prose(row.what_to_check.plain()),
        ),
        (None, Some(failure)) => (
            format!("not told by the counts alone. {}.", meaning::meaning(failure.verdict)),
            meaning::first_look(failure.verdict).to_owned(),
        ),
        (None, None) => ("none".to_owned(), "none".to_owned()),
    };
    let command = shell_words(report.findings.about.command_line);
    let tool = format!("jwtriage {}: {}", env!("CARGO_PKG_VERSION"), code(&short(&command, MAX_CHARS)));
    let lines = [
        ("Error string", error),
        ("Failing step", step),
        ("Root cause", cause),
        ("Fix to try", fix),
        ("Tool that exposed it", tool),
    ];
    lines.iter().fold("\n".to_owned(), |text, (name, line)| text + &format!("- **{name}:** {line}\n"))
}

fn between(first: When, last: When) -> String {
    match (first, last) {
        (Some(first), Some(last)) if first == last => format!(" at {}", first.0),
        (Some(first), Some(last)) => format!(" from {} to {}", first.0, last.0),
        _ => String::new(),
    }
}

fn hints(report: &Report<'_>) -> String {
    let hints: Vec<_> = report.hint_rows().collect();
    if hints.is_empty() {
        return String::new();
    }
    let mut text = "\n## Likely causes\n\n".to_owned();
    for (n, row) in hints.iter().enumerate() {
        let sure = if row.confidence == Confidence::High.as_str() { "**high**" } else { row.confidence };
        let _ = writeln!(
            text,
            "{}. {} (confidence {sure}): {}. **Check:** {}.",
            n + 1,
            code(row.hint),
            prose(row.evidence.plain()),
            prose(row.what_to_check.plain())
        );
    }
    text
}

fn verdicts(story: &Story<'_>) -> String {
    let columns = [
        "verdict",
        "detail",
        "occurrences",
        "distinct_tokens",
        "sources",
        "first_seen",
        "last_seen",
        "share",
    ];
    let failing = story.verdicts.iter().filter(|row| row.verdict != Verdict::Valid.as_str()).cloned();
    let key = |row: &SummaryRow<'_>| Reverse(row.occurrences);
    section("Failures", &table("summary.csv", &columns, failing, key, limits()))
}

fn keys(report: &Report<'_>) -> String {
    let columns = [
        "kid",
        "iss",
        "alg",
        "key_status",
        "occurrences",
        "distinct_tokens",
        "first_seen",
        "last_seen",
        "verified",
        "failed",
    ];
    let key = |row: &KeyRow<'_>| (row.key_status == "current", Reverse(row.occurrences));
    section("Keys", &table("keys.csv", &columns, report.key_rows(), key, limits()))
}

fn sources(report: &Report<'_>) -> String {
    let columns = ["source", "failing", "candidates", "first_event", "last_event", "status"];
    let key = |row: &SourceRow<'_>| Reverse(row.failing);
    let failing = report.source_rows().into_iter().filter(|row| row.failing > 0);
    section("Sources with failures", &table("sources.csv", &columns, failing, key, limits()))
}

/// How much was read, and by which policy it was judged.
fn coverage(report: &Report<'_>, story: &Story<'_>) -> String {
    let coverage = &story.coverage;
    let mut text = "\n## Coverage\n\n".to_owned();
    let _ = writeln!(
        text,
        "- {} read: {}, {}",
        counted(coverage.sources - coverage.skipped, "source"),
        counted(coverage.bytes, "byte"),
        counted(coverage.lines, "line"),
    );
    for (count, what) in [
        (coverage.partial, "read up to an error"),
        (coverage.unreadable, "not readable"),
        (coverage.skipped, "left out"),
    ] {
        if count > 0 {
            let _ = writeln!(text, "- {} {what}: see `sources.csv`", counted(count, "source"));
        }
    }
    for (count, what) in [
        (coverage.undated_lines, "line with findings states no time of its own"),
        (coverage.at_file_time, "finding judged at a file's modification time"),
        (coverage.without_time, "finding without any time"),
        (coverage.left_out, "finding outside `--since` and `--until` left out"),
    ] {
        if count > 0 {
            let (noun, rest) = what.split_once(' ').unwrap_or((what, ""));
            let rest = if count == 1 {
                rest.to_owned()
            } else {
                rest.replacen("states no time of its own", "state no time of their own", 1)
            };
            let _ = writeln!(text, "- {} {rest}", counted(count, noun));
        }
    }
    match report.findings.about.policy {
        Some(policy) => {
            let path = Cell::text(policy.path);
            let _ = writeln!(
                text,
                "- judged by {}, SHA-256 {}",
                code(&short(path.plain(), 256)),
                code(policy.sha256)
            );
        }
        None => text.push_str("- judged without a policy file\n"),
    }
    let _ = writeln!(
        text,
        "- written by jwtriage {}; “now” is {}",
        env!("CARGO_PKG_VERSION"),
        report.findings.now
    );
    text
}

const fn limits() -> Limits {
    Limits { rows: ROWS, bytes: 32_768 }
}

/// A table under a heading; nothing of no rows.
fn section(title: &str, table: &Table) -> String {
    if table.rows.is_empty() {
        return String::new();
    }
    let mut text = format!("\n## {title}\n\n|");
    for column in &table.columns {
        let _ = write!(text, " {} |", column.title());
    }
    text.push_str("\n|");
    for column in &table.columns {
        text.push_str(if column.is_number() { " ---: |" } else { " --- |" });
    }
    text.push('\n');
    for row in &table.rows {
        text.push('|');
        for cell in row {
            let shown = match cell.column.kind {
                Kind::Number | Kind::Time => cell.text.clone(),
                Kind::Text | Kind::List => code_in_table(&cell.text),
            };
            let _ = write!(text, " {shown}{}|", if shown.is_empty() { "" } else { " " });
        }
        text.push('\n');
    }
    if table.more > 0 {
        let _ = writeln!(text, "\n… and {} in `{}`.", counted(table.more, "more row"), table.file);
    }
    text
}

/// A text as a code span: between more backticks than stand in it.
fn code(text: &str) -> String {
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // A space on either side is taken away again, so that one more keeps what is there.
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A text as code in a table's cell, which a `|` would end even in a code span; `\|` does not help behind a `\`.
pub(crate) fn code_in_table(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    if !text.contains('|') {
        return code(text);
    }
    let mut shown = "<code>".to_owned();
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            let _ = write!(shown, "&#{};", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown + "</code>"
}

/// A sentence with names from outside in it: every word that is not plainly a word or a number is a code span.
pub(crate) fn prose(text: &str) -> String {
    let text = short(text, MAX_CHARS);
    let is_plain = |word: &str| {
        let core =
            word.trim_start_matches(['(', '"']).trim_end_matches([',', '.', ';', ':', ')', '"', '?', '!']);
        let letters = core.chars().all(|c| c.is_alphabetic() || c == '-' || c == '\'' || c == '’');
        let number = core.chars().all(|c| c.is_ascii_digit() || ",.".contains(c));
        (letters || number || core == "%" || core == "…") && !core.starts_with("www")
    };
    let mut shown = String::new();
    for (n, word) in text.split(' ').enumerate() {
        if n > 0 {
            shown.push(' ');
        }
        if is_plain(word) {
            shown.push_str(word);
        } else {
            let open = if word.starts_with('(') { "(" } else { "" };
            let word = &word[open.len()..];
            let closes = |c: char| ",.;:".contains(c) || c == ')' && !word.contains('(');
            let end = word.trim_end_matches(closes).len();
            let (name, tail) = if end == 0 { (word, "") } else { word.split_at(end) };
            let _ = write!(shown, "{open}{}{tail}", code(name));
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_a_code_span_but_its_own_backticks() {
        let cases = [
            ("plain", "`plain`"),
            ("a`b", "``a`b``"),
            ("`", "`` ` ``"),
            ("``", "``` `` ```"),
            (" a ", "`  a  `"),
            ("](javascript:alert(1))", "`](javascript:alert(1))`"),
            ("@everyone <script>", "`@everyone <script>`"),
            ("", "(empty)"),
        ];
        for (text, span) in cases {
            assert_eq!(code(text), span);
        }
    }

    #[test]
    fn nothing_ends_a_cell_of_a_table() {
        assert_eq!(code_in_table("a\\|b"), "<code>a&#92;&#124;b</code>");
        assert_eq!(code_in_table("|`<@b>"), "<code>&#124;&#96;&#60;&#64;b&#62;</code>");
        assert_eq!(code_in_table("a\\b"), "`a\\b`");
    }

    #[test]
    fn in_a_sentence_only_plain_words_and_numbers_are_not_code() {
        let cases = [
            ("51 findings, 98.5 % of all, in 2 sources.", "51 findings, 98.5 % of all, in 2 sources."),
            ("kid jun-ec-1 (in logs/a.log), at 02:00:", "kid `jun-ec-1` (in `logs/a.log`), at `02:00`:"),
            ("ask @team about #7", "ask `@team` about `#7`"),
            ("see www.evil.example", "see `www.evil.example`"),
            ("*bold* [a](b) <b> :bug: a_b", "`*bold*` `[a](b)` `<b>` `:bug`: `a_b`"),
        ];
        for (text, shown) in cases {
            assert_eq!(prose(text), shown);
        }
    }
}
