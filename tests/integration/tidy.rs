//! The rules of the house that no compiler knows.

use std::fs;
use std::path::{Path, PathBuf};

/// Which rooms of the crate a room may know. What a room is for is told where it begins, in its module documentation.
/// Data flows one way: nobody knows `run` but who drives it, and what comes later is not known by what comes before.
const MAY_IMPORT: [(&str, &[&str]); 24] = [
    ("error", &[]),
    ("words", &[]),
    ("at_once", &[]),
    ("timestamp", &[]),
    ("secret", &["error"]),
    ("message", &[]),
    ("policy", &["message", "error", "timestamp"]),
    ("input", &["timestamp"]),
    ("scan", &["input", "timestamp"]),
    ("token", &["scan", "secret", "timestamp"]),
    ("verdict", &["token", "policy", "message", "timestamp", "words"]),
    ("profile", &["verdict", "token", "policy", "secret", "timestamp"]),
    ("tally", &["verdict", "scan", "input", "secret", "timestamp"]),
    ("hints", &["tally", "verdict", "token", "policy", "message", "secret", "timestamp", "words"]),
    ("spill", &["at_once", "tally", "secret"]),
    (
        "report",
        &[
            "at_once",
            "spill",
            "hints",
            "message",
            "tally",
            "verdict",
            "token",
            "input",
            "secret",
            "error",
            "timestamp",
        ],
    ),
    // What is proposed is a policy, made of counts, in which text from outside is as harmless as in a report.
    ("proposal", &["report", "tally", "verdict", "token", "policy", "error", "timestamp"]),
    (
        "triage",
        &[
            "report",
            "tally",
            "profile",
            "verdict",
            "token",
            "scan",
            "input",
            "policy",
            "message",
            "secret",
            "timestamp",
        ],
    ),
    (
        "run",
        &[
            "at_once",
            "spill",
            "hints",
            "triage",
            "report",
            "tally",
            "token",
            "scan",
            "input",
            "error",
            "timestamp",
        ],
    ),
    ("changes", &["report", "verdict", "policy", "error", "timestamp", "words"]),
    // It masks tokens in the names that it stores. What a report says it reads from the report's files, as anybody would.
    ("state", &["changes", "input", "token", "secret", "error", "timestamp", "words"]),
    // Does I/O: it writes a file and speaks to a network. It knows of a run what it is told in numbers.
    ("tell", &["error", "timestamp"]),
    // It drives `run`, night after night.
    ("nightly", &["run", "state", "report", "at_once", "scan", "input", "policy", "error", "timestamp"]),
    ("lib", &[]),
];

/// Rooms that compute and do nothing else: no files, no threads, no clock.
const PURE: [&str; 9] =
    ["message", "scan", "token", "verdict", "profile", "tally", "hints", "proposal", "triage"];

/// What a pure room does not name.
const IMPURE: [&str; 8] = [
    "std::fs",
    "std::io",
    "std::thread",
    "std::net",
    "std::env",
    "std::process",
    "SystemTime",
    "std::time::Instant",
];

/// What no file of the crate holds.
const NOWHERE: [&str; 7] = ["todo!", "unimplemented!", "FIXME", "println!", "print!", "dbg!", "#[ignore"];

/// How long a file may be, up to its tests.
const MAX_LINES: usize = 400;

/// A source file of the crate.
struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The room that it belongs to: the directory or file directly in `src`.
    fn room(&self) -> &str {
        let first = self.path.components().next().unwrap().as_os_str().to_str().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Whether all of it is tests.
    fn is_test(&self) -> bool {
        ["tests.rs", "testing.rs", "matrix.rs"].iter().any(|name| self.path.ends_with(name))
    }

    /// Its lines up to its tests, numbered from 1; none if all of it is tests.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let code = if self.is_test() { "" } else { &self.text };
        let code = code.split("#[cfg(test)]\nmod tests {").next().unwrap();
        code.lines().enumerate().map(|(n, line)| (n + 1, line))
    }

    /// Its lines of code up to its tests: neither comments nor documentation.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.lines().filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// All source files, by path below `src`.
fn sources() -> Vec<Source> {
    fn walk(root: &Path, dir: &Path, sources: &mut Vec<Source>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, sources);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                sources.push(Source { path: path.strip_prefix(root).unwrap().to_owned(), text });
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut sources = Vec::new();
    walk(&root, &root, &mut sources);
    assert!(sources.len() > 50, "src was not found");
    sources
}

/// Asserts that there are no complaints.
fn none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// The rooms that a line of code names as `crate::room`, or as `crate::{room, room}`.
fn rooms_named(line: &str) -> Vec<&str> {
    let word = |text: &str| text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let mut named = Vec::new();
    for (at, name) in line.match_indices("crate::") {
        let rest = &line[at + name.len()..];
        match rest.strip_prefix('{') {
            Some(list) => named.extend(list.split(['}', ';']).next().unwrap_or("").split(',').map(|room| {
                let room = room.trim();
                &room[..word(room)]
            })),
            None => named.push(&rest[..word(rest)]),
        }
    }
    named
}

#[test]
fn rooms_know_only_rooms_that_come_before_them() {
    let mut complaints = Vec::new();
    for source in sources().iter().filter(|source| source.room() != "bin") {
        let room = source.room();
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(known, _)| *known == room) else {
            complaints
                .push(format!("{}: a room that the map of imports does not have", source.path.display()));
            continue;
        };
        for (n, line) in source.code() {
            for named in
                rooms_named(line).into_iter().filter(|named| *named != room && !allowed.contains(named))
            {
                complaints.push(format!("{}:{n}: {room} names {named}", source.path.display()));
            }
        }
    }
    none(&complaints);
}

#[test]
fn the_map_of_imports_has_no_circle_and_no_room_that_is_gone() {
    let order: Vec<_> = MAY_IMPORT.iter().map(|(room, _)| *room).collect();
    let all = sources();
    for (at, (room, allowed)) in MAY_IMPORT.iter().enumerate() {
        assert!(all.iter().any(|source| source.room() == *room), "{room} is gone");
        for other in *allowed {
            assert!(order[..at].contains(other), "{room} may import {other}, which does not come before it");
            let uses = |source: &Source| source.code().any(|(_, line)| rooms_named(line).contains(other));
            assert!(all.iter().any(|s| s.room() == *room && uses(s)), "{room} no longer imports {other}");
        }
    }
}

#[test]
fn rooms_that_compute_touch_no_file_no_thread_and_no_clock() {
    let mut complaints = Vec::new();
    for source in sources().iter().filter(|source| PURE.contains(&source.room())) {
        for (n, line) in source.code() {
            if let Some(what) = IMPURE.iter().find(|what| line.contains(*what)) {
                complaints.push(format!("{}:{n}: {what}", source.path.display()));
            }
        }
    }
    none(&complaints);
}

#[test]
fn only_run_starts_threads_and_only_the_program_reads_the_clock() {
    let mut complaints = Vec::new();
    for source in sources().iter().filter(|source| source.room() != "bin") {
        for (n, line) in source.code() {
            let threads = source.room() != "run" && (line.contains("rayon") || line.contains("thread::"));
            if threads || line.contains("SystemTime::now") || line.contains("Instant::now") {
                complaints.push(format!("{}:{n}: {}", source.path.display(), line.trim()));
            }
        }
    }
    none(&complaints);
}

#[test]
fn only_tell_knows_a_network() {
    let mut complaints = Vec::new();
    for source in sources().iter().filter(|source| source.room() != "tell") {
        for (n, line) in source.code() {
            if let Some(what) = ["std::net", "ureq", "rustls"].iter().find(|what| line.contains(*what)) {
                complaints.push(format!("{}:{n}: {what}", source.path.display()));
            }
        }
    }
    none(&complaints);
}

#[test]
fn the_whole_crate_forbids_unsafe_code() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    assert_eq!(manifest["lints"]["rust"]["unsafe_code"].as_str(), Some("forbid"));
    for source in sources() {
        assert!(!source.text.contains("allow(unsafe"), "{}", source.path.display());
    }
}

#[test]
fn every_file_has_one_job_and_says_which() {
    let mut complaints = Vec::new();
    for source in sources() {
        let lines = source.lines().count();
        if lines > MAX_LINES {
            complaints.push(format!("{}: {lines} lines before its tests", source.path.display()));
        }
        if !source.is_test() && !source.text.starts_with("//!") {
            complaints.push(format!("{}: does not begin with what it is for", source.path.display()));
        }
    }
    none(&complaints);
}

#[test]
fn nothing_is_left_for_later_and_the_library_prints_nothing() {
    let mut complaints = Vec::new();
    for source in sources() {
        for (n, line) in source.text.lines().enumerate() {
            if let Some(what) = NOWHERE.iter().find(|what| line.contains(*what)) {
                complaints.push(format!("{}:{}: {what}", source.path.display(), n + 1));
            }
        }
    }
    none(&complaints);
}
