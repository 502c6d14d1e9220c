//! Inputs and places that misbehave: what can be read is read, what cannot is told, and nothing stops the rest.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use jwtriage::input::Status;
use jwtriage::run::Options;

use crate::support::{self, CLAIMS, Scanned, expired_line, hs256, jwtriage, options, rows, scan, valid_line};

/// Scans while something happens to the files.
fn scan_while(path: &Path, options: &Options, happens: impl Fn() + Sync) -> Scanned {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                happens();
            }
        });
        let scanned = scan(&[path], options);
        done.store(true, Ordering::Relaxed);
        scanned
    })
}

/// A log of some megabytes, which takes a while to read.
fn large(dir: &Path) -> PathBuf {
    let path = dir.join("app.log");
    fs::write(&path, valid_line().repeat(10_000)).unwrap();
    path
}

fn small_chunks() -> Options {
    Options { chunk_size: 1000, threads: 2, ..options() }
}

#[test]
fn a_file_that_grows_while_it_is_read_is_read_as_far_as_it_goes() {
    let dir = tempfile::tempdir().unwrap();
    let path = large(dir.path());
    let left = std::sync::atomic::AtomicU32::new(500);
    let scanned = scan_while(&path, &small_chunks(), || {
        if left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
            let mut file = OpenOptions::new().append(true).open(&path).unwrap();
            file.write_all(expired_line().as_bytes()).unwrap();
        }
    });
    let source = &scanned.sources[0];
    assert_eq!(source.status, Status::Complete);
    assert_eq!(source.found.valid, 10_000);
    assert!(source.found.candidates <= 10_500);
}

#[test]
fn a_file_that_shrinks_or_vanishes_while_it_is_read_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = large(dir.path());
    let begun = AtomicBool::new(false);
    let shrunk = scan_while(&path, &small_chunks(), || {
        if !begun.swap(true, Ordering::Relaxed) {
            File::options().write(true).open(&path).unwrap().set_len(100_000).unwrap();
        }
    });
    assert_eq!(shrunk.sources.len(), 1);
    assert!(shrunk.sources[0].found.candidates <= 10_000 && shrunk.sources[0].bytes >= 100_000);

    let path = large(dir.path());
    let vanished = scan_while(&path, &small_chunks(), || {
        let _ = fs::remove_file(&path);
    });
    assert_eq!(vanished.sources.len(), 1);
    let source = &vanished.sources[0];
    // It was opened before it went, or it was not there to be opened.
    assert!(
        (source.status == Status::Complete && source.found.candidates == 10_000)
            || (source.status == Status::Unreadable && source.found.candidates == 0),
        "{source:?}"
    );
}

#[test]
fn a_truncated_gz_beside_a_good_file_gives_what_could_be_read_and_the_good_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    gz.write_all(valid_line().repeat(1000).as_bytes()).unwrap();
    let gz = gz.finish().unwrap();
    fs::write(dir.path().join("cut.log.gz"), &gz[..gz.len() / 2]).unwrap();
    fs::write(dir.path().join("good.log"), valid_line()).unwrap();
    let done = jwtriage(dir.path()).args(["scan", ".", "--quiet", "--out", "report"]).assert().code(3);
    let told = String::from_utf8(done.get_output().stderr.clone()).unwrap();
    assert_eq!(told.lines().count(), 1, "{told}");
    assert!(told.contains("cut.log.gz: partial"), "{told}");
    let sources = rows(&fs::read(dir.path().join("report/sources.csv")).unwrap());
    assert_eq!([&sources[0]["status"], &sources[1]["status"]], ["partial", "complete"]);
    let read: u64 = sources[0]["candidates"].parse().unwrap();
    assert!((450..550).contains(&read), "{read} of about 500 tokens were read");
    assert!(sources[0]["error"].starts_with("at byte "), "{}", sources[0]["error"]);
    assert_eq!(sources[1]["candidates"], "1");
}

#[cfg(unix)]
#[test]
fn what_cannot_be_opened_has_a_row_and_stops_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("logs");
    fs::create_dir(&logs).unwrap();
    fs::write(logs.join("good.log"), valid_line()).unwrap();
    std::os::unix::fs::symlink("gone.log", logs.join("dangling.log")).unwrap();
    std::os::unix::fs::symlink(".", logs.join("circle")).unwrap();
    let done = jwtriage(dir.path())
        .args(["scan", "logs", "logs/dangling.log", "--quiet", "--out", "report"])
        .assert()
        .code(3);
    let told = String::from_utf8(done.get_output().stderr.clone()).unwrap();
    assert!(told.contains("logs/dangling.log: unreadable"), "{told}");
    let sources = rows(&fs::read(dir.path().join("report/sources.csv")).unwrap());
    let good: Vec<_> = sources.iter().filter(|row| row["status"] == "complete").collect();
    assert_eq!(good.len(), 1, "a circle of links is no second source");
    assert_eq!(good[0]["candidates"], "1");
}

#[test]
fn a_thousand_small_files_are_a_thousand_sources() {
    let dir = tempfile::tempdir().unwrap();
    let logs = dir.path().join("logs");
    fs::create_dir(&logs).unwrap();
    for n in 0..1000 {
        fs::write(logs.join(format!("{n:04}.log")), if n % 2 == 0 { valid_line() } else { expired_line() })
            .unwrap();
    }
    let scanned = scan(&[&logs], &Options { threads: 4, ..options() });
    assert_eq!(scanned.sources.len(), 1000);
    assert!(
        scanned
            .sources
            .iter()
            .all(|source| source.status == Status::Complete && source.found.candidates == 1)
    );
    let summary = scanned.rows("summary.csv");
    assert_eq!(summary.iter().map(|row| &*row["sources"]).collect::<Vec<_>>(), ["500", "500"]);
}

#[test]
fn a_report_that_cannot_be_written_costs_no_scan() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("app.log"), valid_line()).unwrap();
    for out in ["app.log/report", "app.log", "missing/report"] {
        let done = jwtriage(dir.path()).args(["scan", "app.log", "--out", out]).assert().code(2);
        let told = String::from_utf8(done.get_output().stderr.clone()).unwrap();
        assert!(told.contains(out.split('/').next().unwrap()), "{told}");
        assert!(done.get_output().stdout.is_empty());
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// Every beginning was once read to the end of its run: a line like these took minutes.
#[test]
fn a_line_that_is_full_of_beginnings_is_read_once() {
    let size = 256 << 10;
    for piece in
        ["_eyJ", "-eyJhbGciOiJ", "eyJ.", "/eyJhIjoxMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkw"]
    {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("hostile.log");
        fs::write(&log, piece.repeat(size / piece.len())).unwrap();
        let scanned = scan(&[&log], &options());
        assert_eq!(scanned.sources[0].bytes as usize, size / piece.len() * piece.len(), "{piece}");
        // The last beginning may be a token that was cut.
        assert!(scanned.sources[0].found.candidates <= 1, "{piece}");
    }
}

/// Directives were once looked for only in sources that begin with one, and each copied the rest of its chunk.
#[test]
fn directives_of_an_extended_log_hold_wherever_they_stand() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("u_ex.log");
    let mut text = "a line of the log before\n".to_owned();
    for _ in 0..2000 {
        text += "#Fields: s-ip date time cs-uri\n#Fields: s-ip time date cs-uri\n";
    }
    text += &format!("#Fields: s-ip date time cs-uri\n10.0.0.1 2026-06-12 01:00:00 /?t={}\n", hs256(CLAIMS));
    fs::write(&log, &text).unwrap();
    for chunk_size in [1, 64, 1 << 20] {
        let scanned = scan(&[&log], &Options { chunk_size, ..options() });
        let row = &scanned.rows("occurrences.csv")[0];
        assert_eq!(
            (&*row["event_time"], &*row["line"]),
            ("2026-06-12T01:00:00Z", "4003"),
            "chunks of {chunk_size}"
        );
    }
}

/// A piece of a long line was once taken for the beginning of the record that had been held before it.
#[test]
fn a_long_line_behind_an_open_record_leaves_the_record_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("pod.log");
    let text = format!(
        "2026-06-12T00:30:00.000000000Z stdout F start\n\
         2026-06-12T01:00:00.000000000Z stdout P Bearer {}\n\
         2026-06-12T01:00:01.000000000Z stderr F {}\n\
         2026-06-12T01:00:02.000000000Z stdout F end\n",
        hs256(CLAIMS),
        "long ".repeat(300_000)
    );
    fs::write(&log, &text).unwrap();
    let scanned = scan(&[&log], &options());
    let row = &scanned.rows("occurrences.csv")[0];
    assert_eq!((&*row["event_time"], &*row["time_source"]), ("2026-06-12T01:00:00.000Z", "line"));
}

#[test]
fn tokens_that_memory_has_no_room_for_change_no_report_and_a_disk_without_room_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let token = |n: u32| {
        hs256(&format!(r#"{{"iss":"https://a.example/","sub":"user-{}","n":{n},"exp":1781226000}}"#, n / 2))
    };
    let lines: String = (0..30_000).map(|n| format!("2026-06-12T01:00:00Z token={}\n", token(n))).collect();
    fs::write(dir.path().join("app.log"), lines).unwrap();
    let scan = [
        "scan",
        "app.log",
        "--quiet",
        "--format",
        "csv",
        "--now",
        "2026-06-12T00:00:00Z",
        "--threads",
        "2",
        "--out",
    ];
    jwtriage(dir.path()).args(scan).arg("kept").assert().code(0);
    jwtriage(dir.path()).args(scan).args(["stored", "--memory", "64MiB"]).assert().code(0);
    assert_eq!(support::files(&dir.path().join("stored")), support::files(&dir.path().join("kept")));

    // So many tokens are not kept in 64 MiB: where they would go is asked for.
    let nowhere = dir.path().join("nowhere");
    let failed = jwtriage(dir.path())
        .env("TMPDIR", &nowhere)
        .args(scan)
        .args(["lost", "--memory", "64MiB"])
        .assert()
        .code(2);
    let told = String::from_utf8_lossy(&failed.get_output().stderr).into_owned();
    assert!(told.contains("nowhere") && told.contains("--memory") && told.contains("TMPDIR"), "{told}");
    assert!(!dir.path().join("lost").exists(), "no report is left");
    jwtriage(dir.path()).env("TMPDIR", &nowhere).args(scan).arg("kept").assert().code(0);
}
