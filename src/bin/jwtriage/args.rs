//! The command line: as typed ([`Cli`] and what hangs off it), then as meant ([`Command`]).

use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::path::PathBuf;

use bytesize::ByteSize;
use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand};
use jwtriage::policy::PolicyFlags;
use jwtriage::profile::Profile;
use jwtriage::token::mask_tokens;

use crate::about::FormatName;
use crate::completions::Completions;
use crate::diff::Diff;
use crate::history::History;
use crate::man::Man;
use crate::nightly::Nightly;
use crate::progress::ProgressMode;
use crate::schedule::Schedule;
use crate::terminal::{self, Color};

/// What is to be done.
pub enum Command {
    /// `jwtriage scan`
    Scan(Box<Scan>),
    /// `jwtriage policy check`
    PolicyCheck(PolicyCheck),
    /// `jwtriage policy init`
    PolicyInit(PolicyInit),
    /// `jwtriage policy infer`
    PolicyInfer(PolicyInfer),
    /// `jwtriage nightly`
    Nightly(Nightly),
    /// `jwtriage diff`
    Diff(Diff),
    /// `jwtriage history`
    History(History),
    /// `jwtriage schedule`
    Schedule(Schedule),
    /// `jwtriage completions`
    Completions(Completions),
    /// `jwtriage man`
    Man(Man),
}

/// Find every JSON Web Token in archived logs and judge it as of the moment its line was written
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100, propagate_version = true)]
#[command(
    after_help = "Exit codes: 0 done, nothing in --fail-on; 1 done, something in --fail-on was found;\n\
    2 wrong usage, policy or output directory; 3 done, but some source could not be read to its end;\n\
    130 interrupted."
)]
struct Cli {
    #[command(subcommand)]
    command: Subcommands,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    Scan(Box<Scan>),
    /// Work with policy files
    #[command(subcommand)]
    Policy(PolicyCommands),
    Nightly(Nightly),
    Diff(Diff),
    History(History),
    /// Print what starts a nightly run: systemd units, a crontab line, a Kubernetes CronJob
    #[command(subcommand)]
    Schedule(Schedule),
    Completions(Completions),
    Man(Man),
}

#[derive(Debug, Subcommand)]
enum PolicyCommands {
    /// Say what a policy file means, and what in it is doubtful
    Check(PolicyCheck),
    // What these two say of themselves, a comment here would cut to its first line.
    Init(PolicyInit),
    Infer(PolicyInfer),
}

/// `jwtriage policy check` as typed.
#[derive(Debug, Args)]
pub struct PolicyCheck {
    /// The policy file
    pub file: PathBuf,
}

/// Write a policy from an OpenID discovery document and JWKS files on disk, for you to edit
///
/// Nothing is fetched: save both documents first. What they do not say (audiences, token type, when keys were rotated)
/// stands in the policy as a comment, to be decided by you.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    curl -o openid.json https://auth.example.com/.well-known/openid-configuration\n  \
    curl -o keys/2026-06.json \"$(jq -r .jwks_uri openid.json)\"\n  \
    jwtriage policy init --discovery openid.json --jwks keys/2026-06.json --out policy.toml\n  \
    jwtriage policy check policy.toml")]
pub struct PolicyInit {
    /// The discovery document, as /.well-known/openid-configuration serves it
    #[arg(long, value_name = "FILE")]
    pub discovery: PathBuf,
    /// A JWKS file of the issuer, as its jwks_uri serves it; the policy names it relative to itself (repeatable)
    #[arg(long, value_name = "FILE")]
    pub jwks: Vec<PathBuf>,
    /// Write the policy to this file, which must not be there yet [default: standard output]
    #[arg(long, short = 'o', value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Propose a policy from the tokens that healthy logs hold, for you to edit
///
/// Scans like `jwtriage scan` without a policy, and writes one with every issuer, audience and algorithm that whole,
/// signed tokens name, with counts, lifetimes and kids. Take logs of a day on which all went well: what an attacker has
/// sent is in the logs too, and only you can tell it from the rest.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    jwtriage policy infer /var/log/app --out policy.toml && jwtriage policy check policy.toml\n  \
    jwtriage policy infer 'logs/*.zst' --since 2026-06-01 --until 2026-06-08\n\n\
    Exit codes: 0 done; 2 wrong usage; 3 done, but some source could not be read to its end.")]
pub struct PolicyInfer {
    /// Files, directories, globs, `-` for standard input, `@FILE` for a list of paths, one per line
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<OsString>,
    /// Write the policy to this file, which must not be there yet [default: standard output]
    #[arg(long, short = 'o', value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// How to show progress
    #[arg(long, value_name = "MODE", value_enum, default_value_t = ProgressMode::Auto)]
    pub progress: ProgressMode,
    /// How many threads to use [default: one per core]
    #[arg(long, short = 'j', value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    #[command(flatten)]
    pub time: TimeArgs,
}

/// Scan logs and write reports
///
/// Reads files, directories, archives and compressed files (gzip, zstd, bzip2, xz, lz4, tar, zip, told apart by their
/// content, never by their name), finds every JWT-shaped string, decodes it, judges it at the time of its own line and
/// writes aggregated reports. The likeliest cause of what fails is shown with its evidence; all causes are in hints.csv,
/// each with what to check next. Tokens are named only by fingerprints.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    jwtriage scan /var/log/app --policy policy.toml --out report\n  \
    zcat app.log.gz | jwtriage scan - --issuer https://auth.example.com/ --jwks jwks.json\n  \
    jwtriage scan 'logs/*.zst' --since 2026-06-12T01:00:00Z --tz Europe/Berlin --out report\n  \
    jwtriage scan @files.txt --policy policy.toml --fail-on expired,stale_kid --quiet")]
pub struct Scan {
    /// Files, directories, globs, `-` for standard input, `@FILE` for a list of paths, one per line [default: `-` in a pipe]
    #[arg(value_name = "PATH")]
    pub paths: Vec<OsString>,

    #[command(flatten)]
    pub policy: PolicyArgs,
    #[command(flatten)]
    pub time: TimeArgs,
    #[command(flatten)]
    pub output: OutputArgs,

    /// How many threads to use [default: one per core]
    #[arg(long, short = 'j', value_name = "N")]
    pub threads: Option<NonZeroUsize>,
    /// How much memory to use, such as 512MiB; what is known of more tokens than fit is sorted in files in TMPDIR
    #[arg(long, value_name = "SIZE", default_value = "1GiB")]
    pub memory: ByteSize,
}

/// What tokens are judged by, as typed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Policy")]
pub struct PolicyArgs {
    /// The policy file: issuers, audiences, algorithms and keys over time
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
    /// An issuer that is trusted (without a policy file; repeatable)
    #[arg(long, value_name = "ISS")]
    issuer: Vec<String>,
    /// An audience that is allowed (repeatable)
    #[arg(long, value_name = "AUD")]
    audience: Vec<String>,
    /// An algorithm that is allowed (repeatable) [default: everything but none]
    #[arg(long, value_name = "ALG", value_delimiter = ',')]
    algorithm: Vec<String>,
    /// A JWKS file with keys that are current (repeatable)
    #[arg(long, value_name = "FILE")]
    jwks: Vec<String>,
    /// A JWKS file with keys that are retired, from TIME on if it is given (repeatable)
    #[arg(long, value_name = "FILE[@TIME]")]
    retired_jwks: Vec<String>,
    /// How far clocks may differ, such as 30s [default: 0s]
    #[arg(long, value_name = "DURATION", allow_hyphen_values = true)]
    leeway: Option<String>,
}

impl PolicyArgs {
    /// The flags that make a policy.
    pub fn flags(&self) -> PolicyFlags {
        PolicyFlags {
            issuer: self.issuer.clone(),
            audience: self.audience.clone(),
            algorithm: self.algorithm.clone(),
            jwks: self.jwks.clone(),
            retired_jwks: self.retired_jwks.clone(),
            leeway: self.leeway.clone(),
        }
    }
}

/// Where event times come from, as typed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Event time")]
pub struct TimeArgs {
    /// How lines state their time: a strptime pattern, or epoch, epoch_ms, epoch_us, epoch_ns [default: found per line]
    #[arg(long, value_name = "PATTERN", conflicts_with = "time_key")]
    pub time_format: Option<String>,
    /// The JSON member (dotted for nested ones) or logfmt key that holds the time; in JSON printed over several lines, the
    /// member on a line of its own
    #[arg(long, value_name = "KEY")]
    pub time_key: Option<String>,
    /// The time zone of times that state none, an IANA name such as Europe/Berlin
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    pub tz: String,
    /// The event time of lines that state none and have no dated line above, instead of the file's modification time;
    /// also what times without a year are taken to be shortly before
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// Leave out findings before this time (RFC 3339, or a date with or without a time of day in --tz)
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Leave out findings at or after this time
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
}

/// What is written, as typed.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Write the reports to this directory, which appears when they are complete and replaces an earlier report [default:
    /// summary only]
    #[arg(long, short = 'o', value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// What the reports are written as (repeatable): csv is a file per table, json is report.json, md is summary.md for a
    /// runbook, html is report.html, a page to look at [default: csv]
    #[arg(long, value_name = "FORMAT,…", value_enum, value_delimiter = ',', requires = "out")]
    pub format: Vec<FormatName>,
    /// Also write every single finding to occurrences.csv
    #[arg(long, requires = "out")]
    pub occurrences: bool,
    /// Also count findings by what their lines say, in groups.csv: NAME=PATTERN (its first group, over the line and the first
    /// line of its record), NAME=source:PATTERN (over the source's name), or a JSON or logfmt KEY (repeatable)
    #[arg(long, value_name = "GROUP", requires = "out")]
    pub group_by: Vec<String>,
    /// Name the error that this verifier would have raised about each token, in the last column of tokens.csv
    #[arg(long = "as", value_name = "VERIFIER", requires = "out", value_parser = PossibleValuesParser::new(Profile::ALL.map(Profile::as_str)))]
    profile: Option<String>,
    /// Width of the timeline's buckets, such as 5m [default: at most 500 buckets]
    #[arg(long, value_name = "DURATION")]
    pub bucket: Option<String>,
    /// A file with a key (16 bytes or more) for fingerprints of your own; subjects are shown as fingerprints only then
    #[arg(long, value_name = "FILE")]
    pub fingerprint_key: Option<PathBuf>,
    /// The time at which live.csv asks which tokens are still usable [default: the clock at start]
    #[arg(long, value_name = "TIME")]
    pub now: Option<String>,
    /// Exit with 1 if one of these verdicts (expired, stale_kid, wrong_issuer, … as in summary.csv) was found; `any` is
    /// every verdict but valid, `live` is a token that is still usable
    #[arg(long, value_name = "VERDICT,…", value_delimiter = ',')]
    pub fail_on: Vec<String>,
    /// No summary on stdout
    #[arg(long, short)]
    pub quiet: bool,
    /// How to show progress
    #[arg(long, value_name = "MODE", value_enum, default_value_t = ProgressMode::Auto)]
    pub progress: ProgressMode,
    /// When to use colours
    #[arg(long, value_name = "WHEN", value_enum, default_value_t = Color::Auto)]
    pub color: Color,
}

impl OutputArgs {
    /// The verifier that `--as` names.
    pub fn profile(&self) -> Option<Profile> {
        self.profile.as_deref().and_then(Profile::named)
    }
}

/// The command line as clap knows it, for completions and manual pages.
pub fn cli() -> clap::Command {
    Cli::command()
}

/// What the command line means. Ends the process where it means nothing, or asks for help.
pub fn parse() -> Command {
    match Cli::try_parse().unwrap_or_else(|error| leave(&error)).command {
        Subcommands::Policy(PolicyCommands::Check(args)) => Command::PolicyCheck(args),
        Subcommands::Policy(PolicyCommands::Init(args)) => Command::PolicyInit(args),
        Subcommands::Policy(PolicyCommands::Infer(args)) => Command::PolicyInfer(args),
        Subcommands::Nightly(args) => Command::Nightly(args),
        Subcommands::Diff(args) => Command::Diff(args),
        Subcommands::History(args) => Command::History(args),
        Subcommands::Schedule(args) => Command::Schedule(args),
        Subcommands::Completions(args) => Command::Completions(args),
        Subcommands::Man(args) => Command::Man(args),
        Subcommands::Scan(mut args) => {
            if args.paths.is_empty() {
                args.paths.push(default_path());
            }
            Command::Scan(args)
        }
    }
}

/// Ends the process with what clap has to say: help, or a usage error. A token that was pasted into the command line does
/// not come back out.
fn leave(error: &clap::Error) -> ! {
    if error.use_stderr() {
        let told = error.render().to_string();
        let told = mask_tokens(&told);
        terminal::complain(told.trim_end().strip_prefix("error: ").unwrap_or(&told));
        std::process::exit(error.exit_code());
    }
    error.exit()
}

/// Standard input, if something is to be expected there.
fn default_path() -> OsString {
    if io::stdin().is_terminal() {
        let message = "expected a PATH: files, directories, globs, - for standard input or @FILE for a list";
        let mut cli = Cli::command();
        let scan = cli.find_subcommand_mut("scan").map(std::mem::take).unwrap_or_default();
        leave(&scan.bin_name("jwtriage scan").error(ErrorKind::MissingRequiredArgument, message));
    }
    "-".into()
}
