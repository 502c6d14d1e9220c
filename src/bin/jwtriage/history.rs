//! `jwtriage history`: what nightly runs found, run by run.

use std::cmp::Reverse;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use clap::Args;
use jwtriage::error::{Error, Result};
use jwtriage::state::{RunStatus, State, Trend, VerdictsOfRun, sparkline, trends};

use crate::terminal::{self, Color};

const DIM: Style = Style::new().dimmed();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();

/// A sparkline is not cut shorter than this.
const MIN_BARS: usize = 8;

/// Show how findings went from one nightly run to the next
///
/// A line per verdict, with a bar per run, the newest at the right: the highest bar is that verdict's greatest number, the lowest
/// is for none. Reads the state file and changes nothing; a run may be under way.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    jwtriage history --state /var/lib/jwtriage/state.db\n  \
    jwtriage history --state state.db --runs 365 --csv > year.csv")]
pub struct History {
    /// The state file of the nightly runs
    #[arg(long, value_name = "FILE")]
    state: PathBuf,
    /// How many runs to show, the last ones
    #[arg(long, value_name = "N", default_value = "28")]
    runs: NonZeroUsize,
    /// Print CSV instead, a line per run and verdict
    #[arg(long)]
    csv: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto, conflicts_with = "csv")]
    color: Color,
}

/// Runs the command.
///
/// # Errors
/// When the state cannot be read.
pub fn run(args: &History) -> Result<ExitCode> {
    let runs = State::open_read_only(&args.state)?.verdicts_of_runs(args.runs.get())?;
    let shown = if args.csv {
        csv(&runs).map_err(|error| Error::new(format!("cannot write CSV: {error}")))?
    } else {
        table(&runs, terminal::width(), args.color.on_stdout())
    };
    terminal::print(&shown)?;
    Ok(ExitCode::SUCCESS)
}

/// A line per run and verdict; a run that found nothing has one without a verdict.
fn csv(runs: &[VerdictsOfRun]) -> csv::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record([
        "run",
        "started",
        "finished",
        "status",
        "report",
        "bytes",
        "verdict",
        "occurrences",
    ])?;
    for VerdictsOfRun { run, verdicts } in runs {
        let about = [
            run.number.get().to_string(),
            run.finished.started.to_string(),
            run.finished.finished.to_string(),
            run.finished.status.to_string(),
            run.finished.report.clone(),
            run.finished.bytes.to_string(),
        ];
        let found = verdicts.iter().map(|(verdict, occurrences)| (verdict.as_str(), *occurrences));
        let nothing = verdicts.is_empty().then_some(("", 0));
        for (verdict, occurrences) in found.chain(nothing) {
            let occurrences = occurrences.to_string();
            writer.write_record(about.iter().map(String::as_str).chain([verdict, &occurrences]))?;
        }
    }
    let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The trends as a table, cut to a width.
fn table(runs: &[VerdictsOfRun], width: Option<usize>, color: bool) -> String {
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else {
        return "no run is remembered yet\n".to_owned();
    };
    let day = |run: &VerdictsOfRun| run.run.finished.started.to_string().chars().take(10).collect::<String>();
    let interrupted = runs.iter().filter(|run| run.run.finished.status == RunStatus::Interrupted).count();
    let mut head = match runs.len() {
        1 => format!("1 run, {}", day(last)),
        many => format!("{many} runs, {} to {}", day(first), day(last)),
    };
    if interrupted > 0 {
        head += &format!("; {interrupted} interrupted");
    }
    head.push('\n');

    let mut trends = trends(runs);
    if trends.is_empty() {
        return head + "no token was found\n";
    }
    // As in the summary of a scan: the commonest first, valid last.
    trends.sort_by_key(|trend| (is_valid(trend), Reverse(trend.last()), Reverse(trend.max())));
    format!("{head}\n{}", lines(&trends, width, color))
}

/// A line per trend, all of as many runs.
fn lines(trends: &[Trend], width: Option<usize>, color: bool) -> String {
    let runs = trends.first().map_or(0, |trend| trend.counts.len());
    let rows: Vec<[String; 4]> = trends
        .iter()
        .map(|trend| {
            let [min, median, last] = [trend.min(), trend.median(), trend.last()].map(thousands);
            [trend.verdict.clone(), min, median, last]
        })
        .collect();
    let names = ["VERDICT", "MIN", "MEDIAN", "LAST"];
    let widest = |column: usize| {
        let cells = rows.iter().map(|row| row[column].len());
        cells.chain([names[column].len()]).max().unwrap_or(0)
    };
    let widths = [0, 1, 2, 3].map(widest);
    let left = width.map_or(usize::MAX, |width| width.saturating_sub(widths.iter().sum::<usize>() + 4 * 2));
    let bars = runs.min(left.max(MIN_BARS));
    let bars_name = if bars < runs { format!("LAST {bars} RUNS") } else { "RUNS".to_owned() };

    let mut shown = String::new();
    let mut line = |style: Style, cells: [&str; 4], end: &str| {
        let [verdict, min, median, last] = cells;
        let [a, b, c, d] = widths;
        let text = format!("{verdict:a$}  {min:>b$}  {median:>c$}  {last:>d$}  {end}");
        shown += &if color { format!("{style}{text}{style:#}\n") } else { text + "\n" };
    };
    line(DIM, names, &bars_name);
    for (trend, row) in trends.iter().zip(&rows) {
        let style = if is_valid(trend) { GREEN } else { YELLOW };
        let newest = &trend.counts[trend.counts.len() - bars..];
        line(style, row.each_ref().map(String::as_str), &sparkline(newest));
    }
    shown
}

fn is_valid(trend: &Trend) -> bool {
    trend.verdict == jwtriage::verdict::Verdict::Valid.as_str()
}

/// The number with a comma between each three digits.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_narrow_terminal_there_are_bars_of_the_last_runs_only() {
        let counts = (0..100).map(|run| if run < 90 { 1000 } else { run - 89 }).collect();
        let trends = [Trend { verdict: "expired".to_owned(), counts }];
        let shown = lines(&trends, Some(41), false);
        assert_eq!(
            shown,
            "VERDICT  MIN  MEDIAN  LAST  LAST 13 RUNS\n\
             expired    1   1,000    10  ███▂▂▂▂▂▂▂▂▂▂\n"
        );
        let shown = lines(&trends, Some(1), false);
        assert!(shown.ends_with("  ▄▄▅▆▆▇██\n"), "{shown}");
        assert!(lines(&trends, None, false).contains(&"█".repeat(90)));
    }
}
