//! `jwtriage diff REPORT_A REPORT_B`: what is new between two reports, and what is no longer found.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use jwtriage::changes::{self, Baseline, News};
use jwtriage::error::Result;
use jwtriage::report::Staging;

use crate::clock;
use crate::new_file;
use crate::scan::exit;
use crate::terminal;

/// Rows of each part that stdout shows; with --out, files have all.
const ROWS: usize = 20;

/// Tell what is new between two reports, and what is no longer found
///
/// Compares what the CSV files of two report directories count: verdicts with their details, keys (issuer, kid, alg), issuers and
/// audiences by verdict, sources with findings or trouble, and tokens that are still usable. An item is new if only REPORT_B has
/// it; how often it occurs makes no difference. Sources that a rotation has renamed (app.log.1, app-2026-06-12.log) are the
/// same. That tokens are valid is told only of issuers and audiences that are new.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    jwtriage diff monday tuesday\n  \
    jwtriage diff before-rotation after-rotation --out changes && grep ^key, changes/new.csv\n  \
    jwtriage diff last report --baseline baseline.toml --fail-on new --quiet || mail-somebody\n\n\
    A baseline names what somebody has looked at, by fingerprint, source (a glob), verdict, detail, iss, kid or aud:\n  \
    [[accept]]\n  \
    source = \"logs/legacy/*\"\n  \
    reason = \"the batch job renews too late, OPS-811\"\n  \
    expires = 2026-12-31\n\n\
    Exit codes: 0 done; 1 done, something is new (with --fail-on new); 2 wrong usage, no report, or nothing could be written.")]
pub struct Diff {
    /// The report directory to compare with, the earlier one
    #[arg(value_name = "REPORT_A")]
    before: PathBuf,
    /// The report directory of which it is asked what is new
    #[arg(value_name = "REPORT_B")]
    now: PathBuf,
    /// What is accepted and no news: a TOML file of [[accept]] tables, each with a reason and the day on which it expires
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Also write all of it to this directory, which must not be there yet: new.csv, resolved.csv and changes.md for a
    /// ticket (out_of_band.csv is for nightly runs, and empty)
    #[arg(long, short = 'o', value_name = "DIR")]
    out: Option<PathBuf>,
    /// Exit with 1 if anything is new, but for valid tokens
    #[arg(long, value_name = "WHAT", value_enum)]
    fail_on: Option<FailOn>,
    /// Nothing on stdout
    #[arg(long, short)]
    quiet: bool,
}

/// What makes the exit code 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    New,
}

/// Runs the command.
///
/// # Errors
/// When a directory is no report, the baseline has mistakes, or the files cannot be written.
pub fn run(args: &Diff) -> Result<ExitCode> {
    new_file::expect_absent(args.out.as_deref())?;
    let baseline = args.baseline.as_deref().map(Baseline::read).transpose()?.unwrap_or_default();
    let before = changes::read(&args.before)?;
    let mut news = News::of(&[before], &changes::read(&args.now)?);
    news.accept(&baseline, clock::now());
    if let Some(out) = &args.out {
        let staging = Staging::new(out)?;
        news.write(staging.path())?;
        staging.publish()?;
    }
    if !args.quiet {
        terminal::print(&news.text(ROWS))?;
    }
    let fails = args.fail_on == Some(FailOn::New) && news.fails();
    Ok(if fails { ExitCode::from(exit::FOUND) } else { ExitCode::SUCCESS })
}
