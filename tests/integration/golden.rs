//! The cases below `testdata/`: `testdata/expected/CASE.args` makes one of the directory `testdata/CASE`. The binary runs
//! with these arguments (one per line), `--out report` and a fixed `--now`, in a copy of the case, so that neither the
//! clock nor any file's modification time can be an input. `testdata/expected/CASE/` holds what it has to write, byte for
//! byte, with its `stdout`, `stderr` (lines sorted: threads race) and `exit` code. `JWTRIAGE_BLESS=1` writes it anew.
//!
//! A `CASE.labels.csv` says what the generator of a case knows about each token, without having asked jwtriage.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The `--now` of a case whose arguments state none: the morning after the incident.
const NOW: &str = "2026-06-12T09:00:00Z";

/// Differing lines that are shown per file.
const SHOWN_LINES: usize = 3;

/// A case, run.
struct Run {
    output: Output,
    root: TempDir,
}

fn testdata() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata")
}

/// What belongs to a case and is no input: `expected/CASE`, and what is called like it.
fn expected(case: &str, extension: &str) -> PathBuf {
    testdata().join("expected").join(format!("{case}{extension}"))
}

/// The names of all cases; those of incidents begin with `scenarios/`.
fn cases() -> Vec<String> {
    let in_directory = |prefix: &'static str| {
        files(&testdata().join("expected").join(prefix))
            .into_keys()
            .filter_map(move |name| name.strip_suffix(".args").map(|name| format!("{prefix}{name}")))
    };
    let mut names: Vec<_> = in_directory("").chain(in_directory("scenarios/")).collect();
    names.sort();
    names
}

fn run(case: &str, more: &[&str]) -> Run {
    let root = TempDir::new().expect("a temporary directory can be made");
    copy_tree(&testdata().join(case), &root.path().join("testdata").join(case));
    let args = fs::read_to_string(expected(case, ".args")).expect("args can be read");
    let now: &[&str] = if args.lines().any(|arg| arg == "--now") { &[] } else { &["--now", NOW] };
    let output = Command::new(env!("CARGO_BIN_EXE_jwtriage"))
        .args(args.lines())
        .args(["--out", "report"])
        .args(now)
        .args(more)
        .current_dir(root.path())
        .env_clear()
        .env("NO_COLOR", "1")
        .stdin(Stdio::null())
        .output()
        .expect("the binary runs");
    Run { output, root }
}

fn copy_tree(from: &Path, to: &Path) {
    if from.is_dir() {
        for entry in fs::read_dir(from).expect("a directory can be listed") {
            let name = entry.expect("a directory can be listed").file_name();
            copy_tree(&from.join(&name), &to.join(&name));
        }
    } else {
        fs::create_dir_all(to.parent().expect("a file is in a directory")).expect("a directory can be made");
        fs::copy(from, to).expect("a file can be copied");
    }
}

impl Run {
    /// Everything that came out, by the name of its file in `expected/`.
    fn results(&self) -> BTreeMap<String, Vec<u8>> {
        let mut results = files(&self.root.path().join("report"));
        let stderr = String::from_utf8_lossy(&self.output.stderr);
        let mut troubles: Vec<_> = stderr.split_inclusive('\n').collect();
        troubles.sort_unstable();
        let exit = self.output.status.code().map_or_else(|| "none".to_owned(), |code| code.to_string());
        results.insert("stdout".into(), self.output.stdout.clone());
        results.insert("stderr".into(), troubles.concat().into_bytes());
        results.insert("exit".into(), format!("{exit}\n").into_bytes());
        results
    }
}

/// The files of a directory; none when it is not there.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let Ok(entries) = fs::read_dir(directory) else { return BTreeMap::new() };
    entries
        .map(|entry| entry.expect("a directory can be listed"))
        .filter(|entry| entry.path().is_file())
        .map(|entry| {
            let name = entry.file_name().into_string().expect("results have plain names");
            (name, fs::read(entry.path()).expect("a result can be read"))
        })
        .collect()
}

/// Where two sets of files differ, for people to read; empty when they do not.
fn difference(expected: &BTreeMap<String, Vec<u8>>, found: &BTreeMap<String, Vec<u8>>) -> String {
    let mut told = String::new();
    let mut tell = |line: String| writeln!(told, "  {line}").expect("a string can be written to");
    for name in expected.keys().filter(|name| !found.contains_key(*name)) {
        tell(format!("{name}: expected, but not written"));
    }
    for (name, found) in found {
        match expected.get(name) {
            None => tell(format!("{name}: written, but not expected")),
            Some(expected) if expected == found => {}
            Some(expected) => {
                let (expected, found) = (String::from_utf8_lossy(expected), String::from_utf8_lossy(found));
                let (mut left, mut right) = (expected.split('\n'), found.split('\n'));
                let pairs = std::iter::from_fn(|| match (left.next(), right.next()) {
                    (None, None) => None,
                    pair => Some(pair),
                });
                let differing = pairs.enumerate().filter(|(_, (left, right))| left != right);
                for (number, (left, right)) in differing.take(SHOWN_LINES) {
                    tell(format!("{name}:{}", number + 1));
                    tell(format!("  expected {}", left.unwrap_or("nothing more").escape_debug()));
                    tell(format!("  found    {}", right.unwrap_or("nothing more").escape_debug()));
                }
            }
        }
    }
    told
}

fn bless(directory: &Path, results: &BTreeMap<String, Vec<u8>>) {
    for stale in files(directory).keys().filter(|name| !results.contains_key(*name)) {
        fs::remove_file(directory.join(stale)).expect("a stale result can be removed");
    }
    fs::create_dir_all(directory).expect("a directory can be made");
    for (name, bytes) in results {
        fs::write(directory.join(name), bytes).expect("a result can be written");
    }
}

#[test]
fn every_case_gives_what_is_expected() {
    let cases = cases();
    assert!(cases.iter().any(|case| case == "incident"), "the incident is among the cases");
    let mut told = String::new();
    for case in &cases {
        let results = run(case, &[]).results();
        let directory = expected(case, "");
        if std::env::var_os("JWTRIAGE_BLESS").is_some_and(|value| value == "1") {
            bless(&directory, &results);
        }
        let difference = difference(&files(&directory), &results);
        if !difference.is_empty() {
            told.extend([case, ":\n", &difference]);
        }
    }
    assert!(told.is_empty(), "results differ (JWTRIAGE_BLESS=1 takes them as they are):\n{told}");
}

#[test]
fn every_token_is_found_once_and_judged_as_its_maker_says() {
    let labelled: Vec<_> =
        cases().into_iter().filter(|case| expected(case, ".labels.csv").is_file()).collect();
    assert!(labelled.iter().any(|case| case == "incident"), "the incident has labels");
    for case in labelled {
        let run = run(&case, &[]);
        let labels = expected(&case, ".labels.csv");
        let columns = header(&labels);
        let expected = rows(&labels, &columns);
        let found = rows(&run.root.path().join("report/occurrences.csv"), &columns);
        let missing = beyond(&expected, &found);
        let extra = beyond(&found, &expected);
        assert!(
            missing.is_empty() && extra.is_empty(),
            "{case}: labelled, but not found:\n{}\nfound, but not labelled:\n{}",
            missing.join("\n"),
            extra.join("\n")
        );
    }
}

#[test]
fn the_incident_gives_the_same_bytes_on_any_number_of_threads() {
    let one = run("incident", &["--threads", "1"]).results();
    let mut eight = run("incident", &["--threads", "8"]).results();
    // The command line is told as it was typed.
    for name in ["report.json", "summary.md"] {
        let text = String::from_utf8_lossy(&eight[name]);
        let text = text.replace("--threads\",\"8", "--threads\",\"1").replace("--threads 8", "--threads 1");
        eight.insert(name.into(), text.into_bytes());
    }
    assert_eq!(difference(&one, &eight), "");
}

#[test]
fn the_readme_shows_what_the_incident_really_prints() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"))
        .expect("there is a README");
    let stdout =
        fs::read_to_string(expected("incident", "").join("stdout")).expect("the incident prints something");
    let session: String =
        stdout.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect();
    assert!(readme.contains(&session), "the README should show:\n{session}");
    // What it quotes of the reports: rows of keys.csv, and some columns of tokens.csv.
    let report = |name: &str| fs::read_to_string(expected("incident", "").join(name)).expect("a report");
    let keys = report("keys.csv");
    let tokens: Vec<String> =
        report("tokens.csv").lines().map(|row| cut(row, &[1, 4, 5, 18, 20, 24])).collect();
    for line in readme.lines().map(str::trim_start) {
        if line.starts_with("iss,kid") || line.starts_with("https://auth.shop") {
            assert!(keys.lines().any(|row| row == line), "{line}");
        } else if line.starts_with("jt_") {
            assert!(tokens.iter().any(|row| row == line), "{line}");
        }
    }
}

/// The columns with these numbers, from 1, of a row without quotes.
fn cut(row: &str, columns: &[usize]) -> String {
    let cells: Vec<&str> = row.split(',').collect();
    columns.iter().filter_map(|column| cells.get(column - 1).copied()).collect::<Vec<_>>().join(",")
}

fn header(file: &Path) -> Vec<String> {
    let mut reader = csv::Reader::from_path(file).expect("a table can be read");
    reader.headers().expect("a table has a header").iter().map(str::to_owned).collect()
}

/// The rows of a table, these columns only, and how often each is there.
fn rows(file: &Path, columns: &[String]) -> BTreeMap<String, usize> {
    let mut reader = csv::Reader::from_path(file).expect("a table can be read");
    let header = reader.headers().expect("a table has a header").clone();
    let place = |name: &String| header.iter().position(|column| column == name).expect("the column is there");
    let places: Vec<_> = columns.iter().map(place).collect();
    let mut rows = BTreeMap::new();
    for record in reader.records() {
        let record = record.expect("a table can be read");
        let cells: Vec<_> = places.iter().map(|&place| &record[place]).collect();
        *rows.entry(cells.join(",")).or_default() += 1;
    }
    rows
}

/// The rows that `rows` has more often than `others`.
fn beyond(rows: &BTreeMap<String, usize>, others: &BTreeMap<String, usize>) -> Vec<String> {
    let more = |row: &String, count: usize| count > others.get(row).copied().unwrap_or_default();
    rows.iter().filter(|(row, count)| more(row, **count)).map(|(row, _)| row.clone()).collect()
}
