//! `jwtriage history`: what nightly runs found, run by run.

use std::fs;
use std::path::Path;

use jwtriage::changes::{Item, Kind, Measure, Snapshot};
use jwtriage::state::{Commit, Counts, Finished, Presence, RunStatus, SourceCounts, State};
use jwtriage::timestamp::Timestamp;

use crate::support::{files, jwtriage, rows};

/// Remembers a night on which so many findings had these verdicts.
fn night(dir: &Path, day: i64, status: RunStatus, found: &[(&str, u64)]) {
    let started = 1_781_229_600 + day * 86_400;
    let report = dir.join("report");
    fs::create_dir_all(&report).unwrap();
    fs::write(report.join("timeline.csv"), "bucket_start,verdict,occurrences\n").unwrap();
    fs::write(report.join("tokens.csv"), "fingerprint,verdict,detail,occurrences,first_seen,last_seen\n")
        .unwrap();
    fs::write(report.join("live.csv"), "fingerprint,expires_at\n").unwrap();
    let item = |verdict: &str, detail: &str| Item {
        kind: Kind::Verdict,
        name: detail.to_owned(),
        verdict: verdict.to_owned(),
    };
    // Two details, one verdict.
    let snapshot: Snapshot = found
        .iter()
        .flat_map(|(verdict, count)| {
            [("", count - 1), ("x", 1)].map(|(detail, occurrences)| {
                (item(verdict, detail), Measure { occurrences, distinct_tokens: 1 })
            })
        })
        .collect();
    let run = Finished {
        started: Timestamp::from_seconds(started),
        finished: Timestamp::from_seconds(started + 90),
        report: format!("night-{day}"),
        staged: String::new(),
        status,
        bytes: 4096,
        sources: SourceCounts::default(),
        occurrences: 0,
        live_tokens: 0,
        exit_code: 0,
    };
    let mut state = State::open(&dir.join("state.db")).unwrap();
    let commit = Commit {
        run: &run,
        sources: &[],
        presence: &Presence::default(),
        counts: &Counts::of(&report).unwrap(),
        snapshot: &snapshot,
    };
    state.commit(&commit).unwrap();
}

fn nights() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    night(dir.path(), 0, RunStatus::Complete, &[("valid", 1000), ("expired", 10)]);
    night(dir.path(), 1, RunStatus::Interrupted, &[]);
    night(dir.path(), 2, RunStatus::Complete, &[("valid", 2000), ("expired", 20), ("stale_kid", 7)]);
    night(dir.path(), 3, RunStatus::Complete, &[("valid", 1500), ("expired", 5)]);
    dir
}

fn told(dir: &Path, args: &[&str]) -> String {
    let told = jwtriage(dir).args(["history", "--state", "state.db"]).args(args).assert().success();
    String::from_utf8(told.get_output().stdout.clone()).unwrap()
}

#[test]
fn each_verdict_has_a_bar_per_night_the_newest_at_the_right() {
    let dir = nights();
    assert_eq!(
        told(dir.path(), &[]),
        "4 runs, 2026-06-12 to 2026-06-15; 1 interrupted\n\
         \n\
         VERDICT    MIN  MEDIAN   LAST  RUNS\n\
         expired      0       7      5  ▅▁█▃\n\
         stale_kid    0       0      0  ▁▁█▁\n\
         valid        0   1,250  1,500  ▅▁█▇\n"
    );
    let last = told(dir.path(), &["--runs", "2", "--color", "always"]);
    assert!(last.starts_with("2 runs, 2026-06-14 to 2026-06-15\n"), "{last}");
    assert!(last.contains("\u{1b}[33mexpired") && last.contains("█▃\u{1b}[0m"), "{last}");
}

#[test]
fn as_csv_each_night_and_verdict_has_a_line_and_a_night_without_findings_one() {
    let dir = nights();
    let csv = told(dir.path(), &["--csv"]);
    assert!(csv.starts_with("run,started,finished,status,report,bytes,verdict,occurrences\n"), "{csv}");
    let rows = rows(csv.as_bytes());
    let cells = |columns: [&str; 4]| {
        rows.iter().map(|row| columns.map(|column| &*row[column]).join(" ")).collect::<Vec<_>>()
    };
    assert_eq!(
        cells(["run", "status", "verdict", "occurrences"]),
        [
            "1 complete expired 10",
            "1 complete valid 1000",
            "2 interrupted  0",
            "3 complete expired 20",
            "3 complete stale_kid 7",
            "3 complete valid 2000",
            "4 complete expired 5",
            "4 complete valid 1500",
        ]
    );
    assert_eq!(
        cells(["started", "finished", "report", "bytes"])[0],
        "2026-06-12T02:00:00Z 2026-06-12T02:01:30Z night-0 4096"
    );
    assert_eq!(told(dir.path(), &["--csv", "--runs", "1"]).lines().count(), 3);
}

#[test]
fn history_changes_no_state_and_makes_none() {
    let dir = nights();
    let state = dir.path().join("state.db");
    let before = fs::read(&state).unwrap();
    told(dir.path(), &[]);
    assert!(fs::read(&state).unwrap() == before);

    let failed = |name: &str| {
        let failed = jwtriage(dir.path()).args(["history", "--state", name]).assert().code(2);
        assert!(failed.get_output().stdout.is_empty());
        String::from_utf8(failed.get_output().stderr.clone()).unwrap()
    };
    let message = failed("nowhere.db");
    assert!(message.contains("expected a state of jwtriage, but found no file"), "{message}");
    assert!(!dir.path().join("nowhere.db").exists());
    fs::write(dir.path().join("notes"), "something else").unwrap();
    let message = failed("notes");
    assert!(
        message.contains("but found a file that is no SQLite database; it was left as it is"),
        "{message}"
    );
}

#[test]
fn a_state_without_runs_has_no_history() {
    let dir = tempfile::tempdir().unwrap();
    drop(State::open(&dir.path().join("state.db")).unwrap());
    assert_eq!(told(dir.path(), &[]), "no run is remembered yet\n");
    assert_eq!(told(dir.path(), &["--csv"]).lines().count(), 1);
}

#[test]
fn a_relative_name_that_looks_like_a_uri_is_a_name() {
    let dir = tempfile::tempdir().unwrap();
    let name = "file:state.db?mode=memory";
    drop(State::open(&dir.path().join(name)).unwrap());
    let shown = jwtriage(dir.path()).args(["history", "--state", name]).assert().success();
    assert_eq!(shown.get_output().stdout, b"no run is remembered yet\n");
    // Beside it stand what readers and writers share.
    assert!(files(dir.path()).keys().all(|file| file.starts_with(name)));
}
