//! `jwtriage scan`: from the flags to the report.

use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytesize::ByteSize;
use jiff::tz::TimeZone;
use jwtriage::error::{Error, Result};
use jwtriage::hints::{Facts, MessageCount};
use jwtriage::input::Limits;
use jwtriage::input::chunk::LINE_LIMIT;
use jwtriage::policy::{Policy, duration};
use jwtriage::report::{About, Findings, Format, Known, OccurrenceSpool, Report, Staging};
use jwtriage::run::{Memory, Options, Scan};
use jwtriage::scan::event_time::TimeRules;
use jwtriage::scan::groups::GroupBy;
use jwtriage::secret::Fingerprinter;
use jwtriage::tally::BucketWidth;
use jwtriage::tally::source::Found;
use jwtriage::timestamp::Timestamp;
use jwtriage::triage::Criteria;
use jwtriage::verdict::Verdict;

use crate::about;
use crate::args::{OutputArgs, Scan as Args, TimeArgs};
use crate::clock;
use crate::progress::Progress;
use crate::terminal;

/// Exit codes of contract section 6.
pub mod exit {
    pub(super) const FOUND: u8 = 1;
    pub const INCOMPLETE: u8 = 3;
    pub const INTERRUPTED: u8 = 130;
}

/// Runs the command.
///
/// # Errors
/// When flags, policy or output directory are wrong, before anything is scanned; or when a report cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let now = now(args)?;
    let fail_on = FailOn::parse(&args.output.fail_on)?;
    let mut options = options(args)?;
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
    let (live_tokens, summary) = jwtriage::run::at_once(options.threads, |at_once| {
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
        let report = Report::new(findings, tokens, at_once)?.with_predictions(predicts);
        if let Some(staging) = staging {
            report.write(&about::formats(&args.format), at_once, &staging)?;
            if let Some(spool) = spool {
                spool.finish(&scan.sources, &staging)?;
            }
            staging.publish()?;
        }
        let summary = (!args.quiet).then(|| report.summary(terminal::width(), args.color.on_stdout()));
        Ok::<_, Error>((report.live_tokens(), summary))
    })??;
    let tables = args.out.as_deref().filter(|_| about::formats(&args.format).contains(&Format::Csv));
    let notices = live_notice(live_tokens, now, tables).into_iter().chain(notices(scan));
    let notices = notices.chain(idle_groups(&groups, scan));
    notices.for_each(|notice| terminal::complain(&notice));
    if let Some(summary) = summary {
        terminal::print(&summary)?;
    }
    Ok(live_tokens)
}

/// The groups that no finding has a value of, which is rarely what was meant.
fn idle_groups(groups: &[String], scan: &Scan) -> Vec<String> {
    let tally = scan.tally.groups();
    let is_idle = |number: usize| {
        let mut values = tally.iter(number).peekable();
        values.peek().is_some() && values.all(|(value, ..)| value.is_empty())
    };
    let idle = groups.iter().enumerate().filter(|(number, _)| is_idle(*number));
    idle.map(|(_, name)| format!("no finding has a value of --group-by {name}: expected a key of JSON or logfmt lines, or NAME=PATTERN")).collect()
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
    let found = scan.tally.verdicts().iter().any(|verdict| fail_on.verdicts.contains(&verdict))
        || (fail_on.live && live_tokens > 0);
    match (incomplete, found) {
        (true, _) => ExitCode::from(exit::INCOMPLETE),
        (false, true) => ExitCode::from(exit::FOUND),
        (false, false) => ExitCode::SUCCESS,
    }
}

fn options(args: &Args) -> Result<Options> {
    let policy = Policy::load(args.policy.policy.as_deref(), &args.policy.flags())?;
    let criteria = Criteria {
        fingerprinter: fingerprinter(&args.output)?,
        bucket: bucket(args.output.bucket.as_deref())?,
        profile: args.output.profile(),
        ..Criteria::new(policy)
    };
    let groups = GroupBy::parse_all(&args.output.group_by);
    let groups = groups.map_err(|error| Error::new(format!("--group-by {error}")))?;
    let memory = Some(memory(args.memory)?);
    Ok(Options { groups: groups.into(), memory, ..options_at(&args.time, args.threads, criteria)? })
}

/// How to scan by these criteria, at the times that the flags state.
///
/// # Errors
/// When the flags of time are wrong.
pub fn options_at(args: &TimeArgs, threads: Option<NonZeroUsize>, criteria: Criteria) -> Result<Options> {
    let zone = zone(&args.tz)?;
    let time = |flag: &str, text: &Option<String>| {
        text.as_deref().map(|text| instant(flag, text, &zone)).transpose()
    };
    let (at, since, until) =
        (time("--at", &args.at)?, time("--since", &args.since)?, time("--until", &args.until)?);
    if let (Some(since), Some(until)) = (since, until)
        && since.millis() >= until.millis()
    {
        return Err(Error::new(format!(
            "--since: expected a time before --until ({until}), but found {since}"
        )));
    }
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    Ok(Options {
        threads: threads.map_or_else(cores, usize::from),
        chunk_size: LINE_LIMIT,
        limits: Limits::default(),
        time: time_rules(args, zone)?,
        at,
        groups: Arc::default(),
        criteria: Criteria { since, until, ..criteria },
        stretches: None,
        memory: None,
    })
}

/// What of `--memory` tokens may take: the rest is for chunks, for sorting, and for what is read and written.
///
/// # Errors
/// When it is too little.
fn memory(memory: ByteSize) -> Result<Memory> {
    let bytes = usize::try_from(memory.as_u64()).unwrap_or(usize::MAX);
    if bytes < LEAST_MEMORY {
        return Err(Error::new(format!("--memory: expected at least 64MiB, but found {memory}")));
    }
    Ok(Memory { bytes: (bytes - LEAST_MEMORY / 2) / 4 * 3, directory: std::env::temp_dir() })
}

/// The least that `--memory` may be, in bytes.
const LEAST_MEMORY: usize = 64 << 20;

/// When it is asked whether a token is still usable.
fn now(args: &Args) -> Result<Timestamp> {
    match &args.output.now {
        Some(text) => instant("--now", text, &zone(&args.time.tz)?),
        None => Ok(clock::now()),
    }
}

fn time_rules(args: &TimeArgs, zone: TimeZone) -> Result<TimeRules> {
    let mut rules = TimeRules::default().with_zone(zone);
    if let Some(pattern) = &args.time_format {
        rules = rules.with_format(pattern).map_err(Error::new)?;
    }
    if let Some(key) = &args.time_key {
        rules = rules.with_key(key).map_err(Error::new)?;
    }
    Ok(rules)
}

fn zone(name: &str) -> Result<TimeZone> {
    TimeZone::get(name).map_err(|_| {
        let name = name.escape_debug();
        Error::new(format!(
            "--tz: expected an IANA time zone such as Europe/Berlin or UTC, but found \"{name}\""
        ))
    })
}

/// A time as typed: RFC 3339, or a date with or without a time of day in the zone of `--tz`.
fn instant(flag: &str, text: &str, zone: &TimeZone) -> Result<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let civil = text.parse::<jiff::civil::DateTime>();
    let at = civil.and_then(|civil| zone.to_timestamp(civil)).map_err(|_| {
        let text = text.escape_debug();
        Error::new(format!(
            "{flag}: expected a time such as 2026-06-12T02:00:00Z, 2026-06-12T02:00 or 2026-06-12, but found \"{text}\""
        ))
    })?;
    Ok(Timestamp::new(at.as_millisecond(), at.subsec_nanosecond() != 0))
}

fn bucket(text: Option<&str>) -> Result<BucketWidth> {
    let Some(text) = text else { return Ok(BucketWidth::Auto) };
    let millis = duration::parse(text).map_err(|error| Error::new(format!("--bucket: {error}")))?;
    if millis < 1000 || millis % 1000 != 0 {
        return Err(Error::new("--bucket: expected whole seconds, at least 1s"));
    }
    Ok(BucketWidth::Seconds(millis / 1000))
}

fn fingerprinter(args: &OutputArgs) -> Result<Fingerprinter> {
    let Some(file) = &args.fingerprint_key else { return Ok(Fingerprinter::public()) };
    let complaint = |error: String| Error::new(format!("--fingerprint-key {}: {error}", file.display()));
    let key = std::fs::read(file).map_err(|error| complaint(format!("cannot read the key: {error}")))?;
    Fingerprinter::with_key(&key).map_err(|error| complaint(error.to_string()))
}

/// What makes the exit code 1 when it is found.
#[derive(Default)]
struct FailOn {
    verdicts: Vec<Verdict>,
    /// Tokens that are still usable.
    live: bool,
}

impl FailOn {
    fn parse(names: &[String]) -> Result<Self> {
        let mut fail_on = Self::default();
        let all = || Verdict::ALL.iter().copied();
        for name in names {
            match (name.as_str(), all().find(|verdict| verdict.as_str() == name)) {
                ("any", _) => fail_on.verdicts.extend(all().filter(|verdict| *verdict != Verdict::Valid)),
                ("live", _) => fail_on.live = true,
                (_, Some(verdict)) => fail_on.verdicts.push(verdict),
                (_, None) => {
                    let known: Vec<_> = all().map(Verdict::as_str).collect();
                    let (name, known) = (name.escape_debug(), known.join(", "));
                    return Err(Error::new(format!(
                        "--fail-on: expected any, live or a verdict ({known}), but found \"{name}\""
                    )));
                }
            }
        }
        Ok(fail_on)
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
