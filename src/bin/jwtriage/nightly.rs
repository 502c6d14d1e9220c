//! `jwtriage nightly`: what is new since the last run, once, whatever happens.

mod guard;
mod telling;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use clap::Args;
use guard::{doubt, recover, stop_flag};
use jwtriage::changes::{self, Baseline, Item, Kind, MOST_RUNS, Measure, News, Snapshot};
use jwtriage::error::{Error, Result};
use jwtriage::input::{self, Input, Place, Status};
use jwtriage::nightly::config::Config;
use jwtriage::nightly::lock::{Lock, Locked};
use jwtriage::nightly::plan::{Plan, plan};
use jwtriage::nightly::shelf::{Keep, Shelf};
use jwtriage::report::OccurrenceSpool;
use jwtriage::run::{Options, Scan};
use jwtriage::state::{Commit, Counts, Finished, Presence, RunNumber, RunStatus, SourceCounts, State};
use jwtriage::tell::{self, Webhook};
use jwtriage::timestamp::Timestamp;
use jwtriage::token::mask_tokens;
use telling::occurrences;
use tracing::{info, warn};

use crate::clock;
use crate::fail_on::FailOn;
use crate::log::{self, LogFormat, LogLevel, Troubles};
use crate::options;
use crate::scan::{exit, idle_groups, notices, with_report};
use crate::terminal;

/// Another run has the state: `EX_TEMPFAIL` of sysexits.
const BUSY: u8 = 75;

/// What there is to tell of a run that was stopped.
const STOPPED: &str = "the run was stopped before it had read everything: what it did not find is not gone, and the next one goes on there";

/// For how many runs a source is remembered that is gone.
const GONE_FOR: i64 = 400;

/// Of how many runs all that was counted is kept. Runs that have read nothing are no history, and count here.
const SNAPSHOTS: usize = 2 * MOST_RUNS;

/// Scan what is new since the last run, compare it with before, and tell only what has changed
///
/// Meant for a timer (see `jwtriage schedule`). What was read is remembered by its content: logs may be rotated, renamed and compressed, and
/// what is appended to a file is read from there on. Each run leaves a report of its own in the directory of reports, with what
/// is new and what is gone beside the last one; `latest` leads to it. A run that is stopped has counted what it has read, a run
/// that is killed nothing, and the next one goes on there.
#[derive(Debug, Args)]
#[command(after_help = "A configuration:\n  \
    paths = [\"/var/log/app\"]\n  \
    policy = \"policy.toml\"\n  \
    state = \"/var/lib/jwtriage/state.db\"\n  \
    reports = \"/var/lib/jwtriage/reports\"\n  \
    fail_on = [\"new\", \"live\"]\n\
    Its other keys: formats, baseline, timeout, metrics; [scan] with threads, memory, tz, time-format, time-key, bucket, group-by,\n\
    as, fingerprint-key, occurrences; [keep] with reports, age, tokens; [notify] with url, allow_http, always (see the README).\n\n\
    Exit codes: 0 done, nothing in --fail-on; 1 done, something in --fail-on was found; 2 wrong usage, configuration, policy or\n\
    state; 3 done, but some source could not be read to its end; 75 another run has the state; 130 stopped, by a signal or\n\
    after --timeout, with a report of what was read.")]
pub struct Nightly {
    /// What is scanned, and where state and reports are kept
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// Exit with 1 if this was found: `new` is what the run before did not have (the first has none before it), `live` a token that is still usable, `any` every
    /// verdict but valid, or verdicts [default: what the configuration says]
    #[arg(long, value_name = "WHAT,…", value_delimiter = ',')]
    fail_on: Vec<String>,
    /// Stop after this time with what was read, such as 4h [default: what the configuration says]
    #[arg(long, value_name = "DURATION")]
    timeout: Option<String>,
    /// The time that it is: tokens are live then, and the report is named after it [default: the clock at start]
    #[arg(long, value_name = "TIME")]
    now: Option<String>,
    /// How lines on stderr look
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// How much is said on stderr
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = LogLevel::Warn)]
    log_level: LogLevel,
    /// No news on stdout
    #[arg(long, short)]
    quiet: bool,
}

/// Runs the command.
///
/// # Errors
/// When something is wrong with configuration, policy, state or the directory of reports; what was counted before is as it was.
pub fn run(args: &Nightly) -> Result<ExitCode> {
    log::begin(args.log_format, args.log_level);
    match (run_logged(args), args.log_format) {
        (Err(error), LogFormat::Json) => {
            tracing::error!("{error}");
            Ok(ExitCode::from(2))
        }
        (done, _) => done,
    }
}

fn run_logged(args: &Nightly) -> Result<ExitCode> {
    let now = match &args.now {
        Some(text) => options::instant("--now", text, &options::zone("UTC")?)?,
        None => clock::now(),
    };
    let mut night = Night::prepare(args, now)?;
    let _lock = match Lock::take(&lock_path(&night.config.state), now)? {
        Locked::Ours(lock) => lock,
        Locked::Theirs(holder) => {
            terminal::complain(&format!(
                "another run has the state {}: {holder}; this one has done nothing",
                night.config.state.display()
            ));
            return Ok(ExitCode::from(BUSY));
        }
    };
    let mut state = State::open(&night.config.state)?;
    let done = night.run(&mut state);
    if done.is_err()
        && let Some(path) = &night.config.metrics
    {
        let told = night.failed(&state).write(path);
        told.unwrap_or_else(|error| warn!("{error}"));
    }
    done
}

/// `state.db.lock` of `state.db`: one lock, whatever links lead to the state.
fn lock_path(state: &Path) -> PathBuf {
    let mut name = std::fs::canonicalize(state).unwrap_or_else(|_| state.to_owned()).into_os_string();
    name.push(".lock");
    name.into()
}

/// A run, with all that can be wrong before it begins found right.
struct Night<'a> {
    args: &'a Nightly,
    now: Timestamp,
    begun: Instant,
    config: Config,
    options: Options,
    fail_on: FailOn,
    fails_on_news: bool,
    baseline: Option<Baseline>,
    webhook: Option<Webhook>,
    timeout: Option<Duration>,
}

/// What came of a run.
struct Outcome {
    finished: Finished,
    news: News,
    occurrences: tell::Counts,
}

impl<'a> Night<'a> {
    fn prepare(args: &'a Nightly, now: Timestamp) -> Result<Self> {
        let config = Config::read(&args.config)?;
        let in_config = |error: String| Error::new(format!("{}: {error}", args.config.display()));
        config.check_places().map_err(in_config)?;
        // What the command line calls a flag is a key here.
        let of_config = |error: Error| in_config(error.to_string().trim_start_matches("--").to_owned());
        let of_fail_on = |error: Error| if args.fail_on.is_empty() { of_config(error) } else { error };
        let named = if args.fail_on.is_empty() { &config.fail_on } else { &args.fail_on };
        let (news, others): (Vec<_>, Vec<_>) = named.iter().cloned().partition(|name| name == "new");
        let timeout = match &args.timeout {
            Some(text) => Some(options::duration("--timeout", text)?),
            None => config.timeout().map_err(in_config)?,
        };
        let webhook =
            config.notify.as_ref().map(|notify| Webhook::new(&notify.url, notify.allow_http)).transpose()?;
        if let Some(path) = &config.metrics {
            tell::check_path(path)?;
        }
        Ok(Self {
            args,
            now,
            begun: Instant::now(),
            options: options::of_nightly(&config).map_err(of_config)?,
            fail_on: FailOn::parse(&others, "new, ").map_err(of_fail_on)?,
            fails_on_news: !news.is_empty(),
            baseline: config.baseline.as_deref().map(Baseline::read).transpose()?,
            webhook,
            timeout: timeout.map(|millis| Duration::from_millis(millis.unsigned_abs())),
            config,
        })
    }

    fn run(&mut self, state: &mut State) -> Result<ExitCode> {
        let shelf = Shelf::open(&self.config.reports)?;
        recover(state, &shelf)?;
        doubt(state, &self.config.state, &shelf)?;
        if let Some(last) = state.last()?
            && last.finished.started.millis() > self.now.millis()
        {
            warn!(
                "the last run began at {}, which is later than now: was the clock set back?",
                last.finished.started
            );
        }
        let stop = stop_flag(self.timeout)?;
        let (number, outcome) = self.count(state, &shelf, &stop)?;
        shelf.publish(&outcome.finished.staged, &outcome.finished.report)?;
        state.set_published(number, &outcome.finished.report)?;
        info!(report = outcome.finished.report, "done");
        self.tell(state, number, &outcome, &stop)?;
        self.forget(state, &shelf, number);
        Ok(ExitCode::from(outcome.finished.exit_code))
    }

    /// Reads what is new, and makes the state count it, with a report that waits.
    fn count(
        &mut self,
        state: &mut State,
        shelf: &Shelf,
        stop: &Arc<AtomicBool>,
    ) -> Result<(RunNumber, Outcome)> {
        let mut plan = self.plan(state)?;
        self.options.stretches = Some(std::mem::take(&mut plan.stretches));
        let options = &self.options;
        let staging = shelf.begin()?;
        let spool = self.config.scan.occurrences.then(|| OccurrenceSpool::new(&staging)).transpose()?;
        let discovered = std::mem::take(&mut plan.discovered);
        let scan = jwtriage::run::scan_inputs(discovered, options, &Troubles, spool.as_ref(), stop)?;
        let formats = self.config.formats().map_err(Error::new)?;
        with_report(options, self.now, &scan, |report, at_once| {
            report.write(&formats, at_once, &staging)?;
            if let Some(spool) = spool {
                spool.finish(&scan.sources, &staging)?;
            }
            Ok(())
        })?;
        notices(&scan).iter().chain(&idle_groups(options, &scan)).for_each(|notice| warn!("{notice}"));

        let read: u64 = scan.sources.iter().map(|source| source.bytes).sum();
        let before = history(state)?;
        let mut snapshot = self.snapshot(changes::read(staging.path())?, state)?;
        if let Some(last) = before.last() {
            // Nobody has looked at it again.
            let unchanged = plan.unchanged.iter().map(|name| mask_tokens(name.as_str()));
            changes::still_damaged(last, unchanged).into_iter().for_each(|(item, measure)| {
                snapshot.entry(item).or_insert(measure);
            });
        }
        let live_tokens = snapshot.keys().filter(|item| item.kind == Kind::LiveToken).count() as u64;
        // A run that has read nothing has no news.
        let mut news = News::of(if read > 0 { &before } else { &[] }, &snapshot);
        if scan.interrupted {
            // What it did not get to is not gone.
            (news.resolved, news.out_of_band) = (Vec::new(), Vec::new());
            news.notices.push(STOPPED.to_owned());
        }
        if let Some(baseline) = &self.baseline {
            news.accept(baseline, self.now);
        }
        news.write(staging.path())?;
        let finished = Finished {
            started: self.now,
            finished: self.later(),
            report: shelf.name(self.now),
            staged: String::new(),
            status: if scan.interrupted { RunStatus::Interrupted } else { RunStatus::Complete },
            bytes: read,
            sources: sources(&scan, plan.unchanged.len() as u64),
            occurrences: scan.sources.iter().map(|source| source.found.candidates).sum(),
            live_tokens,
            exit_code: self.exit_code(&scan, live_tokens, &news),
        };
        let occurrences = occurrences(&snapshot);
        // Who did not look at everything cannot say what is gone.
        let presence = std::mem::take(&mut plan.presence);
        let presence = if scan.interrupted { Presence::default() } else { presence };
        let updates = plan.updates(&scan.endings)?;
        let finished = Finished { staged: shelf.settle(staging)?, ..finished };
        let commit = Commit {
            run: &finished,
            sources: &updates,
            presence: &presence,
            counts: &Counts::of(&shelf.path(&finished.staged))?,
            snapshot: &snapshot,
        };
        let committed = state.commit(&commit);
        if committed.is_err() {
            // What no state counts is no report.
            let _ = shelf.clear();
        }
        Ok((committed?, Outcome { finished, news, occurrences }))
    }

    fn plan(&self, state: &State) -> Result<Plan> {
        let index = state.sources()?;
        let mut discovered = input::discover(&self.config.paths());
        discovered.inputs.retain(|input| !self.is_own(input));
        discovered
            .problems
            .retain(|problem| !Path::new(problem.name.as_str()).starts_with(&self.config.reports));
        let limits = &self.options.limits;
        let planned = jwtriage::run::at_once(self.options.threads, |at_once| {
            plan(discovered, &index, limits, self.now, at_once)
        })??;
        info!(
            to_read = planned.discovered.inputs.len(),
            unchanged = planned.unchanged.len(),
            "looked at all files"
        );
        Ok(planned)
    }

    /// Whether a file is one that nightly runs write themselves.
    fn is_own(&self, input: &Input) -> bool {
        let Place::File(path) = &input.place else { return false };
        let Config { state, reports, .. } = &self.config;
        let beside_state = || {
            path.file_name()
                .zip(state.file_name())
                .is_some_and(|(name, state)| name.as_encoded_bytes().starts_with(state.as_encoded_bytes()))
        };
        path.starts_with(reports) || (path.parent() == state.parent() && beside_state())
    }

    /// What the report says, with all tokens that are still usable, also those that only earlier runs have found.
    fn snapshot(&self, report: Snapshot, state: &State) -> Result<Snapshot> {
        let mut snapshot = report;
        for token in state.live_tokens(self.now, self.options.criteria.policy.leeway)? {
            let (kind, name, verdict) = (Kind::LiveToken, token.fingerprint.to_string(), String::new());
            let none = Measure { occurrences: 0, distinct_tokens: 1 };
            snapshot.entry(Item { kind, name, verdict }).or_insert(none);
        }
        Ok(snapshot)
    }

    fn exit_code(&self, scan: &Scan, live_tokens: u64, news: &News) -> u8 {
        if scan.interrupted {
            exit::INTERRUPTED
        } else if scan.sources.iter().any(|source| source.status.is_incomplete()) {
            exit::INCOMPLETE
        } else if self.fail_on.is_met(scan, live_tokens) || (self.fails_on_news && news.fails()) {
            exit::FOUND
        } else {
            0
        }
    }

    /// When it is now.
    fn later(&self) -> Timestamp {
        let passed = i64::try_from(self.begun.elapsed().as_millis()).unwrap_or_default();
        Timestamp::new(self.now.millis() + passed, false)
    }

    /// Lets go of what is kept no longer. What cannot be removed is tried again the next time.
    fn forget(&self, state: &mut State, shelf: &Shelf, number: RunNumber) {
        let Ok(retention) = self.config.retention() else { return };
        let keep = Keep { count: retention.reports, age: retention.age };
        let before = Timestamp::new(self.now.millis().saturating_sub(retention.tokens), false);
        let forgotten = shelf.tidy(keep, self.now).and_then(|_| {
            state.forget_tokens(before)?;
            state.forget_sources(number.before(GONE_FOR))?;
            state.forget_snapshots(SNAPSHOTS)
        });
        forgotten.unwrap_or_else(|error| warn!("{error}"));
    }
}

/// What the runs before counted, of those that have read something, and all of it.
fn history(state: &State) -> Result<Vec<Snapshot>> {
    let snapshots = state.snapshots(SNAPSHOTS)?.into_iter();
    let mut history: Vec<_> = snapshots
        .filter(|(run, _)| run.finished.bytes > 0 && run.finished.status == RunStatus::Complete)
        .map(|(_, snapshot)| snapshot)
        .collect();
    Ok(history.split_off(history.len().saturating_sub(MOST_RUNS)))
}

fn sources(scan: &Scan, unchanged: u64) -> SourceCounts {
    let count = |status| scan.sources.iter().filter(|source| source.status == status).count() as u64;
    SourceCounts {
        complete: count(Status::Complete),
        partial: count(Status::Partial),
        unreadable: count(Status::Unreadable),
        skipped: count(Status::Skipped),
        unchanged,
    }
}
