//! The scenarios below `testdata/hints` and `testdata/scenarios`: of every hint one in which it must be given, and one
//! near it in which it must not; and incidents as they happen, of which the right cause must be read first. Their
//! `hints.expected` was written by their generator, which has not asked jwtriage.

use std::fs;
use std::path::{Path, PathBuf};

use jwtriage::hints::HintName;

use crate::support::{files, jwtriage, rows};

/// When it is asked which tokens are still usable: the morning after the next day.
const NOW: &str = "2026-06-13T09:00:00Z";

/// What a scenario's rows are compared by.
const COLUMNS: [&str; 5] = ["hint", "confidence", "occurrences", "distinct_tokens", "sources"];

fn testdata(place: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(place)
}

/// The rows of a table of hints, as far as they are compared.
fn hints(csv: &[u8]) -> Vec<String> {
    rows(csv).iter().map(|row| COLUMNS.map(|column| row[column].as_str()).join(",")).collect()
}

/// The hints that a scenario gives, and those that it should give.
fn given_and_expected(scenario: &Path) -> (Vec<String>, Vec<String>) {
    let out = tempfile::tempdir().unwrap();
    let report = out.path().join("report");
    jwtriage(scenario)
        .args(["scan", "logs", "--policy", "policy.toml", "--now", NOW, "--quiet", "--out"])
        .arg(&report)
        .assert()
        .success();
    let expected = hints(&fs::read(scenario.join("hints.expected")).unwrap());
    (hints(&files(&report)["hints.csv"]), expected)
}

#[test]
fn every_hint_is_given_where_it_must_be_and_not_where_it_must_not() {
    let mut complaints = Vec::new();
    for hint in HintName::ALL {
        let name = |row: &String| row.split(',').next() == Some(hint.as_str());
        for way in ["fires", "quiet"] {
            let (given, expected) = given_and_expected(&testdata("hints").join(hint.as_str()).join(way));
            assert_eq!(expected.iter().any(name), way == "fires", "{hint}/{way} expects what it is for");
            if given != expected {
                complaints.push(format!("{hint}/{way}: expected {expected:?}, but found {given:?}"));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn every_scenario_is_of_a_hint() {
    for entry in fs::read_dir(testdata("hints")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(HintName::ALL.iter().any(|hint| hint.as_str() == name), "{name}");
    }
}

#[test]
fn of_an_incident_the_right_cause_is_read_first() {
    let mut incidents = 0;
    for entry in fs::read_dir(testdata("scenarios")).unwrap() {
        let scenario = entry.unwrap().path();
        let (given, expected) = given_and_expected(&scenario);
        assert_eq!(given, expected, "{}", scenario.display());
        incidents += 1;
    }
    assert_eq!(incidents, 3);
    let incident = hints(&fs::read(testdata("expected/incident/hints.csv")).unwrap());
    assert_eq!(incident[0], "key_rotation_lag,high,51,33,2");
}
