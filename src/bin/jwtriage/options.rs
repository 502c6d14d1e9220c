//! From flags to how a scan is to be done.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use bytesize::ByteSize;
use jiff::tz::TimeZone;
use jwtriage::error::{Error, Result};
use jwtriage::input::Limits;
use jwtriage::input::chunk::LINE_LIMIT;
use jwtriage::nightly::config::Config;
use jwtriage::policy::{Policy, PolicyFlags, duration};
use jwtriage::profile::Profile;
use jwtriage::run::{Memory, Options};
use jwtriage::scan::event_time::TimeRules;
use jwtriage::scan::groups::GroupBy;
use jwtriage::secret::Fingerprinter;
use jwtriage::tally::BucketWidth;
use jwtriage::timestamp::Timestamp;
use jwtriage::triage::Criteria;

use crate::args::{Scan as Args, TimeArgs};

/// How to scan, as the command line says.
///
/// # Errors
/// When a flag or the policy is wrong.
pub fn of_scan(args: &Args) -> Result<Options> {
    let policy = Policy::load(args.policy.policy.as_deref(), &args.policy.flags())?;
    let criteria = Criteria {
        fingerprinter: fingerprinter(args.output.fingerprint_key.as_deref())?,
        bucket: bucket(args.output.bucket.as_deref())?,
        profile: args.output.profile(),
        ..Criteria::new(policy)
    };
    let groups = GroupBy::parse_all(&args.output.group_by);
    let groups = groups.map_err(|error| Error::new(format!("--group-by {error}")))?;
    let memory = Some(memory(args.memory)?);
    Ok(Options { groups: groups.into(), memory, ..options_at(&args.time, args.threads, criteria)? })
}

/// How to scan every night, as a configuration says.
///
/// # Errors
/// When something in it, or the policy, is wrong.
pub fn of_nightly(config: &Config) -> Result<Options> {
    let scan = &config.scan;
    let policy = Policy::load(config.policy.as_deref(), &PolicyFlags::default())?;
    let profile = scan.profile.as_deref().map(|name| {
        Profile::named(name).ok_or_else(|| {
            let known = Profile::ALL.map(Profile::as_str).join(", ");
            Error::new(format!("as: expected a verifier ({known}), but found \"{}\"", name.escape_debug()))
        })
    });
    let criteria = Criteria {
        fingerprinter: fingerprinter(scan.fingerprint_key.as_deref())?,
        bucket: bucket(Some(scan.bucket.as_deref().unwrap_or("1h")))?,
        profile: profile.transpose()?,
        ..Criteria::new(policy)
    };
    let groups =
        GroupBy::parse_all(&scan.group_by).map_err(|error| Error::new(format!("group-by {error}")))?;
    let text = scan.memory.as_deref().unwrap_or("1GiB");
    let size = text.parse().map_err(|_| {
        Error::new(format!("memory: expected a size such as 512MiB, but found \"{}\"", text.escape_debug()))
    })?;
    let time = TimeArgs {
        time_format: scan.time_format.clone(),
        time_key: scan.time_key.clone(),
        tz: scan.tz.clone().unwrap_or_else(|| "UTC".to_owned()),
        at: None,
        since: None,
        until: None,
    };
    let memory = Some(memory(size)?);
    Ok(Options { groups: groups.into(), memory, ..options_at(&time, scan.threads, criteria)? })
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
pub fn memory(memory: ByteSize) -> Result<Memory> {
    let bytes = usize::try_from(memory.as_u64()).unwrap_or(usize::MAX);
    if bytes < LEAST_MEMORY {
        return Err(Error::new(format!("--memory: expected at least 64MiB, but found {memory}")));
    }
    Ok(Memory { bytes: (bytes - LEAST_MEMORY / 2) / 4 * 3, directory: std::env::temp_dir() })
}

/// The least that `--memory` may be, in bytes.
const LEAST_MEMORY: usize = 64 << 20;

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

/// The time zone of this name.
///
/// # Errors
/// When there is none.
pub fn zone(name: &str) -> Result<TimeZone> {
    // To look a zone up takes a walk over all of the system's, a fifth of what an empty scan takes.
    if name == "UTC" {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|_| {
        let name = name.escape_debug();
        Error::new(format!(
            "--tz: expected an IANA time zone such as Europe/Berlin or UTC, but found \"{name}\""
        ))
    })
}

/// A time as typed: RFC 3339, or a date with or without a time of day in the zone of `--tz`.
///
/// # Errors
/// When it is none.
pub fn instant(flag: &str, text: &str, zone: &TimeZone) -> Result<Timestamp> {
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

/// A duration as typed, in milliseconds.
///
/// # Errors
/// When it is none.
pub fn duration(flag: &str, text: &str) -> Result<i64> {
    duration::parse(text).map_err(|error| Error::new(format!("{flag}: {error}")))
}

/// The width of the timeline's buckets.
///
/// # Errors
/// When it is none, or no whole seconds.
pub fn bucket(text: Option<&str>) -> Result<BucketWidth> {
    let Some(text) = text else { return Ok(BucketWidth::Auto) };
    let millis = duration("--bucket", text)?;
    if millis < 1000 || millis % 1000 != 0 {
        return Err(Error::new("--bucket: expected whole seconds, at least 1s"));
    }
    Ok(BucketWidth::Seconds(millis / 1000))
}

/// What names tokens: by a key of the user's own, if a file holds one.
///
/// # Errors
/// When it cannot be read, or is too short.
pub fn fingerprinter(file: Option<&Path>) -> Result<Fingerprinter> {
    let Some(file) = file else { return Ok(Fingerprinter::public()) };
    let complaint = |error: String| Error::new(format!("--fingerprint-key {}: {error}", file.display()));
    let key = std::fs::read(file).map_err(|error| complaint(format!("cannot read the key: {error}")))?;
    Fingerprinter::with_key(&key).map_err(|error| complaint(error.to_string()))
}
