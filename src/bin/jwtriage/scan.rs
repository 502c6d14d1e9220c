//! `jwtriage scan`: from the flags to the report.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jwtriage::at_once::AtOnce;
use jwtriage::error::{Error, Result};
use jwtriage::hints::{Facts, MessageCount};
use jwtriage::report::{About, Findings, Format, Known, OccurrenceSpool, Report, Staging};
use jwtriage::run::{Options, Scan};
use jwtriage::scan::groups::GroupBy;
use jwtriage::tally::source::Found;
use jwtriage::timestamp::Timestamp;

use crate::about;
use crate::args::{OutputArgs, Scan as Args};
use crate::clock;
use crate::fail_on::FailOn;
use crate::options::{self, instant};
use crate::progress::Progress;
use crate::terminal;

/// Exit codes of contract section 6.
pub mod exit {
    pub const FOUND: u8 = 1;
    pub const INCOMPLETE: u8 = 3;
    pub const INTERRUPTED: u8 = 130;
}

/// Runs the command.
///
/// # Errors
/// When flags, policy or output directory are wrong, before anything is scanned; or when a report cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let now = now(args)?;
    let fail_on = FailOn::parse(&args.output.fail_on, "")?;
    let mut options = options::of_scan(args)?;
    options.criteria.policy.warn_of_certificates(now);
    let staging = args.output.out.as_deref().map(Staging::new).transpose()?;
    let spool = match &staging {
        Some(staging) if args.output.occurrences => Some(OccurrenceSpool::new(staging)?),
        _ => None,
    };
    let progress = Progress::new(args.output.progress);
    options
        .criteria
        .policy
        .warnings()
        .iter()
        .for_each(|warning| progress.complain(&format!("warning: {warning}")));
    let stop = stop_on_signal(staging.as_ref())?;
    let scan = jwtriage::run::scan(&args.paths, &options, &progress, spool.as_ref(), &stop);
    progress.finish();
    let scan = scan?;
    if scan.interrupted {
        drop(staging);
        return Ok(ExitCode::from(exit::INTERRUPTED));
    }
    let live_tokens = write(&args.output, &options, now, &scan, staging, spool)?;
    let code = exit_code(&scan, live_tokens, &fail_on);
    // The process ends here: to free a million counts one by one would only take time.
    std::mem::forget(scan);
    Ok(code)
}

/// Writes the report and tells what was found; gives the number of tokens that are still usable.
fn write(
    args: &OutputArgs,
    options: &Options,
    now: Timestamp,
    scan: &Scan,
    staging: Option<Staging>,
    spool: Option<OccurrenceSpool>,
) -> Result<u64> {
    let formats = about::formats(&args.format);
    let (live_tokens, summary) = with_report(options, now, scan, |report, at_once| {
        if let Some(staging) = staging {
            report.write(&formats, at_once, &staging)?;
            if let Some(spool) = spool {
                spool.finish(&scan.sources, &staging)?;
            }
            staging.publish()?;
        }
        let summary = (!args.quiet).then(|| report.summary(terminal::width(), args.color.on_stdout()));
        Ok((report.live_tokens(), summary))
    })?;
    let tables = args.out.as_deref().filter(|_| formats.contains(&Format::Csv));
    let notices = live_notice(live_tokens, now, tables).into_iter().chain(notices(scan));
    let notices = notices.chain(idle_groups(options, scan));
    notices.for_each(|notice| terminal::complain(&notice));
    if let Some(summary) = summary {
        terminal::print(&summary)?;
    }
    Ok(live_tokens)
}

/// Makes the report of what was found, and does something with it, on all threads.
///
/// # Errors
/// When tokens that are stored cannot be read, or what is done fails.
pub fn with_report<T: Send>(
    options: &Options,
    now: Timestamp,
    scan: &Scan,
    make: impl FnOnce(&Report<'_>, &AtOnce<'_>) -> Result<T> + Send,
) -> Result<T> {
    let policy = &options.criteria.policy;
    let issuer = |iss: &str| policy.issuer_of(iss).is_some();
    let audience = |aud: &str| policy.knows_audience(aud);
    let known = Known { issuer: &issuer, audience: &audience };
    let groups: Vec<String> = options.groups.iter().map(|group| group.name.clone()).collect();
    let has_messages = scan.tally.messages().iter().next().is_some();
    let catalogue = if has_messages { options.criteria.messages.catalogue().entries() } else { &[] };
    let given = Facts::new(policy, &scan.sources, now);
    let said = MessageCount::all(scan.tally.messages(), catalogue);
    let about = About {
        command_line: &about::command_line(),
        policy: about::policy_file(policy),
        keys: &about::key_windows(policy),
    };
    let predicts = options.criteria.profile.is_some();
    jwtriage::run::at_once(options.threads, |at_once| {
        let tokens = scan.tokens();
        let hints = jwtriage::run::hints(&given, &tokens, &said, at_once)?;
        let findings = Findings {
            tally: &scan.tally,
            sources: &scan.sources,
            known: policy.judges_issuers().then_some(known),
            show_claims: &policy.show_claims,
            now,
            messages: catalogue,
            groups: &groups,
            hints: &hints,
            leeway: policy.leeway,
            about,
        };
        make(&Report::new(findings, tokens, at_once)?.with_predictions(predicts), at_once)
    })?
}

/// The groups that no finding has a value of, which is rarely what was meant.
pub fn idle_groups(options: &Options, scan: &Scan) -> Vec<String> {
    let tally = scan.tally.groups();
    let is_idle = |number: usize| {
        let mut values = tally.iter(number).peekable();
        values.peek().is_some() && values.all(|(value, ..)| value.is_empty())
    };
    let idle = options.groups.iter().enumerate().filter(|(number, _)| is_idle(*number));
    idle.map(|(_, GroupBy { name, .. })| format!("no finding has a value of --group-by {name}: expected a key of JSON or logfmt lines, or NAME=PATTERN")).collect()
}

/// That what leaked into the logs can still be misused, and where to look: in the tables, if they are written to a directory.
fn live_notice(live_tokens: u64, now: Timestamp, tables: Option<&Path>) -> Option<String> {
    let found = match live_tokens {
        0 => return None,
        1 => format!("1 token is still usable at {now}"),
        more => format!("{more} tokens are still usable at {now}"),
    };
    Some(match tables {
        Some(tables) => format!("{found}: see {}", tables.join("live.csv").display()),
        None => format!("{found} (see live.csv with --out DIR --format csv)"),
    })
}

/// What the reader should know before believing the times.
pub fn notices(scan: &Scan) -> Vec<String> {
    let count = |of: fn(&Found) -> u64| {
        let counts = scan.sources.iter().map(|source| of(&source.found)).filter(|count| *count > 0);
        counts.fold((0, 0), |(sources, findings), count| (sources + 1, findings + count))
    };
    let (file_sources, at_file_time) = count(|found| found.at_file_time);
    let (untimed_sources, untimed) = count(|found| found.untimed);
    let (_, outside) = count(|found| found.outside);
    let mut notices = Vec::new();
    if at_file_time > 0 {
        notices.push(format!(
            "{} judged at the file's modification time, because no line up to \
             them states one (see --at, --time-format, --time-key)",
            findings(at_file_time, file_sources)
        ));
    }
    if untimed > 0 {
        notices.push(format!(
            "{} without event time and not judged for what depends on it (see --at)",
            findings(untimed, untimed_sources)
        ));
    }
    if outside > 0 {
        let was = if outside == 1 {
            "1 finding outside --since and --until was".to_owned()
        } else {
            format!("{outside} findings outside --since and --until were")
        };
        notices.push(format!("{was} left out"));
    }
    let mut remark = |which, text| match scan.tally.remarked(which) {
        0 => {}
        1 => notices.push(format!("1 token has a signature that {text}")),
        tokens => notices.push(format!("{tokens} tokens have a signature that {text}")),
    };
    remark(
        |remarks| remarks.fails_by_line_end,
        "fails and would verify if a secret of the policy did not end with a line end: write its file without one",
    );
    remark(
        |remarks| remarks.skips_keys,
        "is unchecked, because the policy has more keys for it than are tried for one token: give the keys a kid, or split the issuers",
    );
    notices
}

/// `1 finding in 1 source is`, `5 findings in 2 sources are`.
fn findings(findings: u64, sources: u64) -> String {
    let counted = |count: u64, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let are = if findings == 1 { "is" } else { "are" };
    format!("{} in {} {are}", counted(findings, "finding"), counted(sources, "source"))
}

fn exit_code(scan: &Scan, live_tokens: u64, fail_on: &FailOn) -> ExitCode {
    let incomplete = scan.sources.iter().any(|source| source.status.is_incomplete());
    match (incomplete, fail_on.is_met(scan, live_tokens)) {
        (true, _) => ExitCode::from(exit::INCOMPLETE),
        (false, true) => ExitCode::from(exit::FOUND),
        (false, false) => ExitCode::SUCCESS,
    }
}

/// When it is asked whether a token is still usable.
fn now(args: &Args) -> Result<Timestamp> {
    match &args.output.now {
        Some(text) => instant("--now", text, &options::zone(&args.time.tz)?),
        None => Ok(clock::now()),
    }
}

/// How long a scan that was told to stop may take to do so, before it is ended where it stands. A read from a pipe
/// that gives nothing never comes back.
const GRACE: Duration = Duration::from_secs(1);

/// A flag that is set when the user, or the system, wants the scan to stop. No half-written report stays behind.
///
/// # Errors
/// When signals cannot be taken.
pub fn stop_on_signal(staging: Option<&Staging>) -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let (flag, partial) = (Arc::clone(&stop), staging.map(|staging| staging.path().to_owned()));
    let handler = move || {
        flag.store(true, Ordering::Relaxed);
        std::thread::sleep(GRACE);
        if let Some(partial) = &partial {
            let _ = std::fs::remove_dir_all(partial);
        }
        std::process::exit(i32::from(exit::INTERRUPTED));
    };
    ctrlc::set_handler(handler).map_err(|error| Error::new(format!("cannot take signals: {error}")))?;
    Ok(stop)
}
