//! JWKS documents saved night by night → key sets over time: a key is current from the first snapshot that has it until
//! the first later one that has not.

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use regex::Regex;

use super::Files;
use super::key::Key;
use super::keys::KeySet;
use super::problem::Warning;
use crate::timestamp::Timestamp;

/// A date in a file's name, and maybe a time of day and an offset; UTC without one: `2026-06-12`, `20260612T0200Z`,
/// `2026-06-12_02-00-00`, `2026-06-12T02:00:00+02:00`.
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    let time = r"[T_-]?(\d\d)[:-]?(\d\d)(?:[:-]?(\d\d))?(?:Z|([+-]\d\d):?(\d\d))?";
    let pattern = format!(r"(?:^|\D)(\d{{4}})-?(\d\d)-?(\d\d)(?:{time})?(?:\D|$)");
    Regex::new(&pattern).expect("the pattern of dates is a constant")
});

/// A snapshot on disk.
#[derive(Debug)]
pub(super) struct Snapshot {
    pub(super) path: PathBuf,
    /// When it was saved.
    pub(super) at: Timestamp,
    /// Whether no name told that, so that its modification time was taken.
    pub(super) is_by_modification: bool,
}

/// The snapshots that a glob pattern, relative to `dir`, names, earliest first.
///
/// # Errors
///
/// When the pattern is none, names no file or what cannot be read, or a snapshot's time cannot be told.
pub(super) fn find(files: &dyn Files, dir: &Path, pattern: &str) -> Result<Vec<Snapshot>, String> {
    let pattern = if Path::new(pattern).is_absolute() || dir.as_os_str().is_empty() {
        pattern.to_owned()
    } else {
        // The directory is a name, not a pattern.
        let dir = dir.to_str().ok_or("expected the policy in a directory whose name is UTF-8")?;
        format!("{}/{pattern}", glob::Pattern::escape(dir))
    };
    let mut snapshots = Vec::new();
    for path in files.matching(&pattern)? {
        let named =
            path.ancestors().take(2).filter_map(|part| part.file_name()?.to_str()).find_map(time_in_name);
        let at = named.or_else(|| files.modified(&path)).ok_or_else(|| {
            format!("{}: expected a date in its name, or a modification time", path.display())
        })?;
        snapshots.push(Snapshot { path, at, is_by_modification: named.is_none() });
    }
    if snapshots.is_empty() {
        return Err("it names no file".to_owned());
    }
    snapshots.sort_by(|a, b| (a.at.millis(), &a.path).cmp(&(b.at.millis(), &b.path)));
    Ok(snapshots)
}

/// The first date in a name that is one.
fn time_in_name(name: &str) -> Option<Timestamp> {
    let mut from = 0;
    while let Some(found) = DATE.captures_at(name, from) {
        let number = |n| found.get(n).map_or(Some(0_i16), |digits| digits.as_str().parse().ok());
        let small = |n| i8::try_from(number(n)?).ok();
        let instant = || {
            let civil =
                DateTime::new(number(1)?, small(2)?, small(3)?, small(4)?, small(5)?, small(6)?, 0).ok()?;
            let (hours, minutes) = (i64::from(small(7)?), i64::from(small(8)?));
            let minutes = if found.get(7).is_some_and(|sign| sign.as_str().starts_with('-')) {
                -minutes
            } else {
                minutes
            };
            let at = civil.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
            Some(Timestamp::from_seconds(at - hours * 3600 - minutes * 60))
        };
        if let Some(at) = instant() {
            return Some(at);
        }
        // What is no date may end with the beginning of one.
        from = found.get(0)?.start() + 1;
    }
    None
}

/// Snapshots of one instant made one: each has the keys of all.
pub(super) fn united(
    snapshots: Vec<(Timestamp, String, Vec<Arc<Key>>)>,
) -> Vec<(Timestamp, String, Vec<Arc<Key>>)> {
    let mut united: Vec<(Timestamp, String, Vec<Arc<Key>>)> = Vec::new();
    for (at, file, keys) in snapshots {
        match united.last_mut().filter(|last| last.0.millis() == at.millis()) {
            Some(last) => last.2.extend(keys),
            None => united.push((at, file, keys)),
        }
    }
    united
}

/// Of the warnings that say the same about several snapshots, the first, and in how many more it holds.
pub(super) fn told_once(warnings: Vec<Warning>) -> Vec<Warning> {
    let mut told: Vec<(Warning, usize)> = Vec::new();
    for warning in warnings {
        match told.iter_mut().find(|(known, _)| known.message == warning.message) {
            Some((_, more)) => *more += 1,
            None => told.push((warning, 0)),
        }
    }
    let text = |(warning, more): (Warning, usize)| match more {
        0 => warning,
        1 => Warning { message: format!("{} (so in 1 more snapshot)", warning.message), ..warning },
        _ => Warning { message: format!("{} (so in {more} more snapshots)", warning.message), ..warning },
    };
    told.into_iter().map(text).collect()
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
            ("2026-06-12T02:00:00+02:00.json", "2026-06-12T00:00:00Z"),
            ("2026-06-12T02:00:00-0130.json", "2026-06-12T03:30:00Z"),
            ("jwks-9999-1234-2026-06-10.json", "2026-06-10T00:00:00Z"),
        ] {
            assert_eq!(time_in_name(name).map(|at| at.to_string()).as_deref(), Some(told), "{name}");
        }
        for name in ["jwks.json", "20261399.json", "build-1234567890123.json"] {
            assert_eq!(time_in_name(name), None, "{name}");
        }
    }

    #[test]
    fn snapshots_of_one_instant_are_one() {
        let at = Timestamp::from_seconds(86_400);
        let snapshots = [("a.json", "a"), ("b.json", "b")];
        let snapshots = snapshots.map(|(file, kid)| (at, file.to_owned(), vec![key(kid)])).to_vec();
        let sets = key_sets(&united(snapshots), None);
        assert_eq!(sets.len(), 1);
        assert_eq!((sets[0].from, sets[0].until, sets[0].keys.len()), (Some(at), None, 2));
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
