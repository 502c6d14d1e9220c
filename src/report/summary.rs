//! The table on stdout: what a person wants to see first, on one screen of 24 lines and 80 columns.
//!
//! Everything exact is in the CSV files; here, times are cut to the minute, and to what fits.

use std::cmp::Reverse;

use anstyle::{AnsiColor, Style};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::Report;
use super::cell::visible;
use super::rows::{SummaryRow, When};
use super::view::{counted, thousands};
use crate::hints::{Hint, HintName};
use crate::input::Status;
use crate::tally::SourceTally;
use crate::token::mask_tokens;
use crate::verdict::Verdict;

/// Rows of verdicts, and lines about a cause above them; with the rest, and the line on stderr about tokens that are
/// still usable, 24 lines.
const MAX_ROWS: usize = 11;
/// Rows of sources.
const MAX_SOURCES: usize = 5;
/// No line is cut shorter than this.
const MIN_WIDTH: usize = 20;

const PLAIN: Style = Style::new();
const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();
const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

/// The summary, with a line end.
pub(super) fn render(report: &Report<'_>, width: Option<usize>, color: bool) -> String {
    let width = width.map_or(usize::MAX, |width| width.max(MIN_WIDTH));
    let rows = report.summary_rows();
    let mut lines = vec![headline(report, &rows)];
    let cause = top_hint(report.findings.hints);
    let max_rows = MAX_ROWS - cause.len();
    lines.extend(cause);
    if !rows.is_empty() {
        lines.push(Line::default());
        lines.extend(verdicts(rows, width, max_rows));
    }
    let sources = top_sources(report.findings.sources, width);
    if !sources.is_empty() {
        lines.push(Line::default());
        lines.extend(sources);
    }
    lines.iter().map(|line| line.render(width, color)).collect()
}

/// What was found, in one sentence.
fn headline(report: &Report<'_>, rows: &[SummaryRow<'_>]) -> Line {
    let sources = report.findings.sources;
    let occurrences: u64 = rows.iter().map(|row| row.occurrences).sum();
    let scanned = sources.iter().filter(|source| source.status != Status::Skipped).count() as u64;
    let incomplete = sources.iter().filter(|source| source.status.is_incomplete()).count() as u64;
    let outside: u64 = sources.iter().map(|source| source.found.outside).sum();

    let scanned = counted(scanned, "source");
    let mut line = Line::default();
    line.push(
        BOLD,
        if occurrences == 0 {
            format!("no token found in {scanned}")
        } else {
            let tokens = counted(report.tokens.count(), "token");
            format!("{tokens} found {} in {scanned}", counted(occurrences, "time"))
        },
    );
    if incomplete > 0 {
        line.push(PLAIN, "; ");
        line.push(RED.bold(), format!("{} incomplete", counted(incomplete, "source")));
    }
    if outside > 0 {
        line.push(PLAIN, format!("; {} outside --since and --until", thousands(outside)));
    }
    line
}

/// What is likely to have gone wrong, and on which evidence; none when there is no hint of a cause. That tokens are still
/// usable is told on stderr, also to who asks for no table.
fn top_hint(hints: &[Hint]) -> Vec<Line> {
    let Some((hint, others)) =
        hints.split_first().filter(|(hint, _)| hint.hint != HintName::LiveTokensInLogs)
    else {
        return Vec::new();
    };
    let mut name = Line::default();
    name.push(PLAIN, "likely cause: ");
    name.push(BOLD, hint.hint.as_str());
    name.push(PLAIN, format!(" (confidence {})", hint.confidence));
    if !others.is_empty() {
        name.push(DIM, format!(", and {}: hints.csv", counted(others.len() as u64, "more hint")));
    }
    let mut evidence = Line::default();
    evidence.push(PLAIN, format!("  {}", visible(&*mask_tokens(&hint.evidence))));
    vec![Line::default(), name, evidence]
}

/// The table of verdicts: the commonest first, `valid` last.
fn verdicts(mut rows: Vec<SummaryRow<'_>>, width: usize, max_rows: usize) -> Vec<Line> {
    let is_valid = |row: &SummaryRow<'_>| row.verdict == Verdict::Valid.as_str();
    rows.sort_by_key(|row| (is_valid(row), Reverse(row.occurrences)));
    let hidden = rows.len().saturating_sub(max_rows);
    // The rarest failures are left out, never `valid`, which is the last row when it is there.
    let failing = rows.iter().filter(|row| !is_valid(row)).count();
    rows.drain(failing.saturating_sub(hidden)..failing);

    let table = |clock: Clock| {
        let mut table = Table::new(&[
            ("VERDICT", Align::Left),
            ("DETAIL", Align::Left),
            ("OCCURRENCES", Align::Right),
            ("TOKENS", Align::Right),
            (clock.heads().0, Align::Left),
            (clock.heads().1, Align::Left),
        ]);
        for row in &rows {
            table.push([
                (style_of(row.verdict), row.verdict.to_owned()),
                (PLAIN, row.detail.as_str().to_owned()),
                (PLAIN, thousands(row.occurrences)),
                (PLAIN, thousands(row.distinct_tokens)),
                (PLAIN, clock.show(row.first_seen)),
                (PLAIN, clock.show(row.last_seen)),
            ]);
        }
        table
    };
    let wide = table(Clock::Minute);
    let table = if wide.width() <= width { wide } else { table(Clock::short_for(&rows)) };
    let mut lines = table.into_lines();
    if hidden > 0 {
        // Above the row of valid tokens, if that is there: these rows come before it.
        let place = lines.len() - rows.iter().filter(|row| is_valid(row)).count();
        lines.insert(place, more(hidden, "row", "summary.csv"));
    }
    lines
}

/// The sources with the most failing findings; none when nothing fails.
fn top_sources(sources: &[SourceTally], width: usize) -> Vec<Line> {
    let mut failing: Vec<_> = sources.iter().filter(|source| source.found.failing() > 0).collect();
    if failing.is_empty() {
        return Vec::new();
    }
    failing.sort_by_key(|source| (Reverse(source.found.failing()), &source.name));
    let hidden = failing.len().saturating_sub(MAX_SOURCES);
    failing.truncate(MAX_SOURCES);

    let mut table =
        Table::new(&[("FAILING", Align::Right), ("FOUND", Align::Right), ("TOP SOURCES", Align::Left)]);
    let room = |found: &str| width.saturating_sub("FAILING".len() + 2 + found.len().max("FOUND".len()) + 2);
    for source in failing {
        let found = thousands(source.found.candidates);
        let name = keep_end(&visible(&*source.name), room(&found));
        table.push([(PLAIN, thousands(source.found.failing())), (PLAIN, found), (PLAIN, name)]);
    }
    let mut lines = table.into_lines();
    if hidden > 0 {
        lines.push(more(hidden, "source", "sources.csv"));
    }
    lines
}

fn more(hidden: usize, what: &str, file: &str) -> Line {
    let mut line = Line::default();
    let s = if hidden == 1 { "" } else { "s" };
    line.push(DIM, format!("… and {} more {what}{s}: {file}", thousands(hidden as u64)));
    line
}

fn style_of(verdict: &str) -> Style {
    let is = |verdicts: &[Verdict]| verdicts.iter().any(|known| known.as_str() == verdict);
    if is(&[Verdict::Valid]) {
        GREEN
    } else if is(&[Verdict::AlgNone, Verdict::AlgKeyMismatch, Verdict::InvalidSignature]) {
        RED
    } else {
        YELLOW
    }
}

/// How much of a time is shown.
#[derive(Clone, Copy)]
enum Clock {
    /// `2026-06-12 01:00`
    Minute,
    /// `06-12 01:00`, for times of one year.
    MinuteOfYear,
    /// `2026-06-12`
    Day,
}

impl Clock {
    /// The narrow way to show the times of these rows.
    fn short_for(rows: &[SummaryRow<'_>]) -> Self {
        let times = rows.iter().flat_map(|row| [row.first_seen, row.last_seen]).flatten();
        let mut years: Vec<_> = times.map(|time| time.0.to_string().chars().take(4).collect()).collect();
        years.dedup_by(|a: &mut String, b| a == b);
        if years.len() <= 1 { Self::MinuteOfYear } else { Self::Day }
    }

    const fn heads(self) -> (&'static str, &'static str) {
        match self {
            Self::Minute => ("FIRST SEEN (UTC)", "LAST SEEN (UTC)"),
            Self::MinuteOfYear | Self::Day => ("FIRST SEEN", "LAST SEEN"),
        }
    }

    fn show(self, when: When) -> String {
        let Some(time) = when else { return String::new() };
        let full = time.0.to_string();
        let range = match self {
            Self::Minute => 0..16,
            Self::MinuteOfYear => 5..16,
            Self::Day => 0..10,
        };
        // An instant that has no date is shown as its number of seconds.
        let part = if full.ends_with('Z') { full.get(range) } else { None };
        part.map_or_else(|| full.clone(), |part| part.replace('T', " "))
    }
}

/// Pieces of text, each in a style.
#[derive(Default)]
struct Line(Vec<(Style, String)>);

impl Line {
    fn push(&mut self, style: Style, text: impl Into<String>) {
        self.0.push((style, text.into()));
    }

    /// The line, cut to `width` columns, with its end.
    fn render(&self, width: usize, color: bool) -> String {
        let whole: usize = self.0.iter().map(|(_, text)| text.width()).sum();
        let mut room = if whole <= width { width } else { width - 1 };
        let mut shown = String::new();
        for (style, text) in &self.0 {
            let text = keep_start(text, room);
            room -= text.width();
            if color && *style != PLAIN && !text.is_empty() {
                shown.push_str(&format!("{style}{text}{style:#}"));
            } else {
                shown.push_str(text);
            }
        }
        shown.push_str(if whole <= width { "\n" } else { "…\n" });
        shown
    }
}

#[derive(Clone, Copy)]
enum Align {
    Left,
    Right,
}

/// Cells in columns, two blanks apart.
struct Table {
    aligns: Vec<Align>,
    rows: Vec<Vec<(Style, String)>>,
}

impl Table {
    fn new(columns: &[(&str, Align)]) -> Self {
        let head = columns.iter().map(|(name, _)| (DIM, (*name).to_owned())).collect();
        Self { aligns: columns.iter().map(|(_, align)| *align).collect(), rows: vec![head] }
    }

    fn push<const N: usize>(&mut self, cells: [(Style, String); N]) {
        self.rows.push(cells.into());
    }

    fn widths(&self) -> Vec<usize> {
        let widest = |i: usize| self.rows.iter().map(|row| row[i].1.width()).max().unwrap_or(0);
        (0..self.aligns.len()).map(widest).collect()
    }

    fn width(&self) -> usize {
        self.widths().iter().map(|width| width + 2).sum::<usize>() - 2
    }

    fn into_lines(self) -> Vec<Line> {
        let widths = self.widths();
        let line = |row: Vec<(Style, String)>| {
            let last = row.iter().rposition(|(_, text)| !text.is_empty()).unwrap_or(0);
            let mut line = Line::default();
            for (i, (style, text)) in row.into_iter().enumerate().take(last + 1) {
                let pad = " ".repeat(widths[i] - text.width());
                let gap = if i == last { "" } else { "  " };
                match self.aligns[i] {
                    Align::Right => {
                        line.push(PLAIN, pad);
                        line.push(style, text);
                        line.push(PLAIN, gap);
                    }
                    Align::Left => {
                        line.push(style, text);
                        line.push(PLAIN, if i == last { String::new() } else { pad + gap });
                    }
                }
            }
            line
        };
        self.rows.into_iter().map(line).collect()
    }
}

/// As much of the beginning as `width` columns take.
fn keep_start(text: &str, width: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > width
    });
    end.map_or(text, |(end, _)| &text[..end])
}

/// The text, or as much of its end as `width` columns take behind a `…`: of a path, the end tells most.
fn keep_end(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut used = 1;
    let cut = text.char_indices().rev().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > width
    });
    let start = cut.map_or(0, |(at, c)| at + c.len_utf8());
    format!("…{}", &text[start..])
}
