//! JWKS documents saved night by night → key sets over time: a key is current from the first snapshot that has it until
//! the first later one that has not.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use regex::Regex;

use super::key::Key;
use super::keys::KeySet;
use crate::timestamp::Timestamp;

/// A date in a file's name, and maybe a time of day, in UTC: `2026-06-12`, `20260612T0200Z`, `2026-06-12_02-00-00`.
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?:^|\D)(\d{4})-?(\d\d)-?(\d\d)(?:[T_-]?(\d\d)[:-]?(\d\d)(?:[:-]?(\d\d))?Z?)?(?:\D|$)";
    Regex::new(pattern).expect("the pattern of dates is a constant")
});

/// A snapshot on disk.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) path: PathBuf,
    /// When it was saved.
    pub(super) at: Timestamp,
}

/// The snapshots that a glob pattern names, earliest first.
///
/// # Errors
///
/// When the pattern is none, names no file, or a snapshot's time cannot be told.
pub(super) fn find(pattern: &Path) -> Result<Vec<Snapshot>, String> {
    let text = pattern.to_str().ok_or("expected a pattern in UTF-8")?;
    let paths = glob::glob(text).map_err(|error| format!("expected a glob pattern, found {}", error.msg))?;
    let mut snapshots = Vec::new();
    for path in paths.flatten().filter(|path| path.is_file()) {
        let at = time_of(&path).ok_or_else(|| {
            format!("{}: expected a date in its name, or a modification time", path.display())
        })?;
        snapshots.push(Snapshot { path, at });
    }
    if snapshots.is_empty() {
        return Err("it names no file".to_owned());
    }
    snapshots.sort_by(|a, b| (a.at.millis(), &a.path).cmp(&(b.at.millis(), &b.path)));
    Ok(snapshots)
}

/// When a snapshot was saved: what its name says, else its modification time.
fn time_of(path: &Path) -> Option<Timestamp> {
    let name = path.file_name()?.to_str();
    name.and_then(time_in_name).or_else(|| {
        let modified = fs::metadata(path).and_then(|metadata| metadata.modified()).ok()?;
        let at = jiff::Timestamp::try_from(modified).ok()?;
        Some(Timestamp::from_millis(at.as_millisecond()))
    })
}

fn time_in_name(name: &str) -> Option<Timestamp> {
    DATE.captures_iter(name).find_map(|found| {
        let number = |n| found.get(n).map_or(Some(0_i16), |digits| digits.as_str().parse().ok());
        let small = |n| i8::try_from(number(n)?).ok();
        let civil =
            DateTime::new(number(1)?, small(2)?, small(3)?, small(4)?, small(5)?, small(6)?, 0).ok()?;
        let at = civil.to_zoned(TimeZone::UTC).ok()?.timestamp();
        Some(Timestamp::from_seconds(at.as_second()))
    })
}

/// A key that some snapshots have: first seen in the one numbered `first`.
struct Held<'k> {
    key: &'k Arc<Key>,
    first: usize,
    file: &'k str,
}

/// The key sets that snapshots make, each with the keys that came and went together. `line` is that of the policy.
pub(super) fn key_sets(snapshots: &[(Timestamp, String, Vec<Arc<Key>>)], line: Option<usize>) -> Vec<KeySet> {
    let mut sets: Vec<KeySet> = Vec::new();
    let mut held: Vec<Held<'_>> = Vec::new();
    let mut end = |held: &Held<'_>, until: Option<Timestamp>| {
        let from = Some(snapshots[held.first].0);
        match sets.iter_mut().find(|set| (set.from, set.until) == (from, until)) {
            Some(set) => set.keys.push(Arc::clone(held.key)),
            None => {
                let keys = vec![Arc::clone(held.key)];
                sets.push(KeySet { file: held.file.to_owned(), line, from, until, keys });
            }
        }
    };
    for (number, (at, file, keys)) in snapshots.iter().enumerate() {
        let (kept, gone): (Vec<_>, Vec<_>) = held.into_iter().partition(|held| keys.contains(held.key));
        gone.iter().for_each(|held| end(held, Some(*at)));
        held = kept;
        for key in keys {
            if !held.iter().any(|held| held.key == key) {
                held.push(Held { key, first: number, file });
            }
        }
    }
    held.iter().for_each(|held| end(held, None));
    sets
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kid: &str) -> Arc<Key> {
        Arc::new(Key::of_secret(Some(kid.to_owned()), b"0123456789abcdef".to_vec()))
    }

    #[test]
    fn a_name_tells_the_time_in_the_forms_that_jobs_write() {
        for (name, told) in [
            ("jwks-2026-06-12.json", "2026-06-12T00:00:00Z"),
            ("20260612.json", "2026-06-12T00:00:00Z"),
            ("jwks_20260612T0200Z.json", "2026-06-12T02:00:00Z"),
            ("2026-06-12T02:03:04Z", "2026-06-12T02:03:04Z"),
            ("keys.2026-06-12_02-03-04.json", "2026-06-12T02:03:04Z"),
        ] {
            assert_eq!(time_in_name(name).map(|at| at.to_string()).as_deref(), Some(told), "{name}");
        }
        for name in ["jwks.json", "20261399.json", "build-1234567890123.json"] {
            assert_eq!(time_in_name(name), None, "{name}");
        }
    }

    #[test]
    fn a_key_is_current_from_the_first_snapshot_that_has_it_until_the_first_later_one_that_has_not() {
        let day = |n: i64| Timestamp::from_seconds(n * 86_400);
        let [a, b, c] = ["a", "b", "c"].map(key);
        let snapshots = [
            (day(1), "1.json".to_owned(), vec![Arc::clone(&a)]),
            (day(2), "2.json".to_owned(), vec![Arc::clone(&a), Arc::clone(&b)]),
            (day(3), "3.json".to_owned(), vec![Arc::clone(&b), c]),
            (day(4), "4.json".to_owned(), vec![a, b]),
        ];
        let told: Vec<String> = key_sets(&snapshots, None)
            .iter()
            .map(|set| {
                let kids: Vec<_> = set.keys.iter().filter_map(|key| key.kid.as_deref()).collect();
                let until = set.until.map_or("…".to_owned(), |until| until.to_string());
                format!("{} {}–{until} {}", set.file, set.from.unwrap(), kids.join(","))
            })
            .collect();
        assert_eq!(
            told,
            [
                "1.json 1970-01-02T00:00:00Z–1970-01-04T00:00:00Z a",
                "3.json 1970-01-04T00:00:00Z–1970-01-05T00:00:00Z c",
                "2.json 1970-01-03T00:00:00Z–… b",
                "4.json 1970-01-05T00:00:00Z–… a",
            ]
        );
    }
}
