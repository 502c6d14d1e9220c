//! Many nights over logs that grow, are rotated, packed, moved and taken away: what all runs together have counted is what one scan of
//! everything counts.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jwtriage::state::State;
use jwtriage::tally::BucketWidth;
use jwtriage::timestamp::Timestamp;
use proptest::prelude::*;

use crate::logs::dated_lines;
use crate::support::{NOON, gzip, jwtriage, options, put, scan, touch};

/// The time between two nights, in seconds.
const DAY: i64 = 86_400;

/// Chances, the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}

/// A log that a program writes and a rotator moves.
struct Log {
    path: PathBuf,
    lines: Vec<String>,
    /// How many bytes of all lines were written.
    written: usize,
    rotated: usize,
}

impl Log {
    fn all(&self) -> String {
        self.lines.concat()
    }

    /// Where what was rotated is.
    fn earlier(&self, number: usize) -> Option<PathBuf> {
        let name = |suffix: &str| PathBuf::from(format!("{}.{number}{suffix}", self.path.display()));
        ["", ".gz", ".zst"].map(name).into_iter().find(|path| path.exists())
    }

    /// Writes up to a byte of all lines.
    fn write(&mut self, to: usize, at: i64) {
        let all = self.all();
        let mut file = File::options().create(true).append(true).open(&self.path).unwrap();
        file.write_all(&all.as_bytes()[self.written..to]).unwrap();
        self.written = to;
        touch(&file, at);
    }

    /// Where the line ends in which the last byte that was written stands.
    fn line_end(&self) -> usize {
        let ends = self.lines.iter().scan(0, |end, line| {
            *end += line.len();
            Some(*end)
        });
        ends.into_iter().find(|end| *end >= self.written).unwrap_or(self.written)
    }

    fn rotate(&mut self, chance: &mut Chance, at: i64) {
        self.write(self.line_end(), at);
        for number in (1..=self.rotated).rev() {
            let Some(path) = self.earlier(number) else { continue };
            let suffix = path.extension().unwrap().to_str().unwrap();
            let suffix = if suffix.parse::<usize>().is_ok() { String::new() } else { format!(".{suffix}") };
            let next = format!("{}.{}", self.path.display(), number + 1);
            if suffix.is_empty() && chance.below(2) == 0 {
                // Packing gives a file times of its own, and takes the old one away.
                let bytes = fs::read(&path).unwrap();
                fs::remove_file(&path).unwrap();
                let (packed, suffix) = pack(&bytes, chance);
                put(Path::new(&format!("{next}{suffix}")), &packed, at);
            } else {
                fs::rename(&path, format!("{next}{suffix}")).unwrap();
            }
        }
        let first = PathBuf::from(format!("{}.1", self.path.display()));
        if chance.below(4) == 0 {
            // logrotate's copytruncate.
            fs::copy(&self.path, &first).unwrap();
            File::create(&self.path).unwrap();
        } else {
            fs::rename(&self.path, first).unwrap();
        }
        self.rotated += 1;
    }

    /// Takes away the oldest of those that were rotated, if there are a few.
    fn forget_oldest(&mut self) {
        if let Some(path) = (3..=self.rotated).rev().find_map(|number| self.earlier(number)) {
            fs::remove_file(path).unwrap();
        }
    }
}

fn pack(bytes: &[u8], chance: &mut Chance) -> (Vec<u8>, &'static str) {
    if chance.below(2) == 0 {
        return (zstd::encode_all(bytes, 1).unwrap(), ".zst");
    }
    (gzip(bytes), ".gz")
}

/// A home for a nightly run, with three logs.
struct Home {
    dir: tempfile::TempDir,
    logs: Vec<Log>,
}

impl Home {
    fn new(lines: Vec<Vec<String>>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("logs/archive")).unwrap();
        let config = "paths = [\"logs\"]\nstate = \"state.db\"\nreports = \"reports\"\nformats = []\nkeep.reports = 2\n";
        fs::write(dir.path().join("nightly.toml"), config).unwrap();
        let log = |(n, lines)| Log {
            path: dir.path().join(format!("logs/{n}.log")),
            lines,
            written: 0,
            rotated: 0,
        };
        let logs = lines.into_iter().enumerate().map(log).collect();
        Self { dir, logs }
    }

    fn arguments(&self, now: i64) -> Vec<String> {
        let config = self.dir.path().join("nightly.toml").display().to_string();
        let now = Timestamp::from_seconds(now).to_string();
        ["nightly", "--config", &config, "--now", &now, "--quiet"].map(str::to_owned).into()
    }

    fn night(&self, now: i64) {
        jwtriage(self.dir.path()).args(self.arguments(now)).assert().success().stdout("");
    }

    /// What happens between two nights: some of what remains to be written, and what a rotator does.
    fn day(&mut self, chance: &mut Chance, at: i64) {
        for log in &mut self.logs {
            let left = log.all().len() - log.written;
            let more = chance.below(left / 3 + 2).min(left);
            log.write(log.written + more, at - 1);
            // A file that is quiet for an hour does not end in the middle of a line.
            if chance.below(2) == 0 {
                log.write(log.line_end(), at - 3600);
            }
            if chance.below(3) == 0 {
                log.rotate(chance, at - 100);
                let left = log.all().len() - log.written;
                let more = chance.below(left + 1);
                log.write(log.written + more, at - 2);
            }
        }
    }

    fn finish(&mut self, at: i64) {
        for log in &mut self.logs {
            log.write(log.all().len(), at);
        }
    }

    /// What all runs have counted.
    fn counted(&self) -> (Counts, Days) {
        let state = State::open_read_only(&self.dir.path().join("state.db")).unwrap();
        let verdicts = state.verdicts().unwrap().into_iter().map(|total| {
            let seen = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
            let numbers =
                (total.occurrences, total.distinct_tokens, seen(total.first_seen), seen(total.last_seen));
            ((total.verdict, total.detail), numbers)
        });
        let days = state.days().unwrap().into_iter().map(|day| {
            ((day.day.map(|at| at.to_string()).unwrap_or_default(), day.verdict), day.occurrences)
        });
        (verdicts.collect(), days.collect())
    }

    /// What one scan of everything counts.
    fn expected(&self) -> (Counts, Days) {
        let dir = tempfile::tempdir().unwrap();
        for (n, log) in self.logs.iter().enumerate() {
            put(&dir.path().join(n.to_string()), log.all().as_bytes(), NOON);
        }
        let mut options = options();
        options.at = None;
        options.criteria.bucket = BucketWidth::Seconds(DAY);
        let scanned = scan(&[dir.path()], &options);
        let number = |row: &BTreeMap<String, String>, column: &str| row[column].parse::<u64>().unwrap();
        let verdicts = scanned.rows("summary.csv").into_iter().map(|row| {
            let numbers = (
                number(&row, "occurrences"),
                number(&row, "distinct_tokens"),
                row["first_seen"].clone(),
                row["last_seen"].clone(),
            );
            ((row["verdict"].clone(), row["detail"].clone()), numbers)
        });
        let days = scanned
            .rows("timeline.csv")
            .into_iter()
            .map(|row| ((row["bucket_start"].clone(), row["verdict"].clone()), number(&row, "occurrences")));
        (verdicts.collect(), days.collect())
    }
}

/// Occurrences, tokens, first and last seen, by verdict and detail.
type Counts = BTreeMap<(String, String), (u64, u64, String, String)>;

/// Occurrences by day and verdict.
type Days = BTreeMap<(String, String), u64>;

/// What is counted otherwise than it should be.
fn difference((counts, days): &(Counts, Days), (right, right_days): &(Counts, Days)) -> Vec<String> {
    let counts = counts
        .keys()
        .chain(right.keys())
        .filter(|key| counts.get(*key) != right.get(*key))
        .map(|key| format!("{key:?}: {:?}, not {:?}", counts.get(key), right.get(key)));
    let days = days
        .keys()
        .chain(right_days.keys())
        .filter(|key| days.get(*key) != right_days.get(*key))
        .map(|key| format!("{key:?}: {:?}, not {:?}", days.get(key), right_days.get(key)));
    counts.chain(days).collect()
}

fn three_logs() -> impl Strategy<Value = Vec<Vec<String>>> {
    let log = prop::collection::vec(dated_lines(), 1..6).prop_map(|parts| parts.concat());
    prop::collection::vec(log, 3)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn thirty_nights_count_what_one_scan_of_everything_counts(lines in three_logs(), seed in any::<u64>()) {
        let (mut home, mut chance) = (Home::new(lines), Chance(seed));
        for night in 1..30 {
            let now = NOON + night * DAY;
            home.day(&mut chance, now);
            home.night(now);
            if chance.below(3) == 0 {
                home.logs.iter_mut().for_each(Log::forget_oldest);
            }
        }
        home.finish(NOON + 30 * DAY - 3600);
        home.night(NOON + 30 * DAY);
        let counted = home.counted();
        prop_assert_eq!(difference(&counted, &home.expected()), Vec::<String>::new());
        home.night(NOON + 31 * DAY);
        prop_assert_eq!(&counted, &home.counted(), "nothing is new");
    }
}

/// Runs that are killed count what they have counted, or nothing; never half of it, never twice.
#[test]
fn whenever_runs_are_killed_everything_is_counted_once() {
    let line = |n: usize| format!("2026-06-12T01:{:02}:{:02}Z token={}\n", n / 60 % 60, n % 60, token(n));
    fn token(n: usize) -> String {
        crate::support::hs256(&format!(r#"{{"sub":"u-{n}","exp":{}}}"#, NOON + 1800))
    }
    let lines = (0..3).map(|log| (0..600).map(|n| line(n * 3 + log)).collect()).collect();
    let (mut home, mut chance) = (Home::new(lines), Chance(7));
    home.day(&mut chance, NOON - 3600);
    let begun = Instant::now();
    home.night(NOON - 3600);
    let usual = begun.elapsed().as_micros() as usize;
    let mut killed = 0;
    for round in 0..200 {
        let now = NOON + round * 3600;
        home.day(&mut chance, now);
        let mut child = Command::new(env!("CARGO_BIN_EXE_jwtriage"))
            .args(home.arguments(now))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_micros(chance.below(usual * 3) as u64));
        child.kill().unwrap();
        killed += u32::from(!child.wait().unwrap().success());
    }
    home.finish(NOON + 300 * 3600);
    home.night(NOON + 310 * 3600);
    assert_eq!(difference(&home.counted(), &home.expected()), Vec::<String>::new());
    assert!((10..190).contains(&killed), "{killed} of 200 runs were killed before their end");
    let names: Vec<_> = fs::read_dir(home.dir.path().join("reports"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(names.iter().all(|name| !name.to_str().unwrap().starts_with('.')), "{names:?}");
}
