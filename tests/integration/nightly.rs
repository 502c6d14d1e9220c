//! `jwtriage nightly` when something is wrong, and what it tells.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, SystemTime};

use assert_cmd::assert::OutputAssertExt;
use jwtriage::state::{RunStatus, State};
use jwtriage::timestamp::Timestamp;

use crate::support::{NOON, expired_line, files, gzip, jwtriage, put, rows, valid_line};

const DAY: i64 = 86_400;

/// A home with a configuration, to which `more` is added, and one log.
fn home(more: &str, log: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("logs")).unwrap();
    write(dir.path(), "app.log", log);
    configure(dir.path(), more);
    dir
}

fn configure(dir: &Path, more: &str) {
    let config =
        format!("paths = [\"logs\"]\nstate = \"state.db\"\nreports = \"reports\"\nformats = []\n{more}\n");
    fs::write(dir.join("nightly.toml"), config).unwrap();
}

/// Writes a log that nobody has touched for a while.
fn write(dir: &Path, name: &str, text: &str) {
    put(&dir.join("logs").join(name), text, NOON);
}

fn at(now: i64) -> [String; 2] {
    ["--now".to_owned(), Timestamp::from_seconds(now).to_string()]
}

fn nightly(dir: &Path, now: i64) -> Output {
    jwtriage(dir).args(["nightly", "--config", "nightly.toml"]).args(at(now)).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn occurrences(dir: &Path) -> u64 {
    let state = State::open_read_only(&dir.join("state.db")).unwrap();
    state.verdicts().unwrap().iter().map(|total| total.occurrences).sum()
}

#[test]
fn a_night_reports_what_is_new_and_tells_what_has_changed() {
    let dir = home("fail_on = [\"new\"]", &valid_line().repeat(5));
    let first = nightly(dir.path(), NOON);
    assert_eq!((first.status.code(), text(&first.stdout), text(&first.stderr)), (Some(0), "", ""));
    write(dir.path(), "app.log", &(valid_line().repeat(5) + &expired_line()));
    let second = nightly(dir.path(), NOON + DAY);
    assert_eq!(second.status.code(), Some(1), "{}", text(&second.stderr));
    assert!(text(&second.stdout).contains("expired"), "{}", text(&second.stdout));
    assert!(text(&second.stdout).contains("reports/2026-06-13T0100Z"), "{}", text(&second.stdout));
    let report = files(&dir.path().join("reports/latest"));
    assert_eq!(rows(&report["summary.csv"]).len(), 1, "only what is new");
    let new = rows(&report["new.csv"]);
    assert!(new.iter().any(|row| row["kind"] == "verdict" && row["verdict"] == "expired"), "{new:?}");
    let location = &rows(&report["tokens.csv"])[0]["first_location"];
    assert!(location.ends_with("logs/app.log:6"), "{location}");
    assert_eq!(occurrences(dir.path()), 6);
}

#[test]
fn of_two_runs_at_once_the_second_does_nothing_and_names_the_first() {
    let dir = home("", &valid_line());
    let mut lock = File::create(dir.path().join("state.db.lock")).unwrap();
    lock.lock().unwrap();
    writeln!(lock, "process 4711 since 2026-06-12T01:00:00Z").unwrap();
    let second = nightly(dir.path(), NOON);
    assert_eq!(second.status.code(), Some(75));
    assert!(
        text(&second.stderr).contains("process 4711 since 2026-06-12T01:00:00Z"),
        "{}",
        text(&second.stderr)
    );
    assert!(!dir.path().join("state.db").exists() && !dir.path().join("reports").exists());
    drop(lock);
    assert_eq!(nightly(dir.path(), NOON).status.code(), Some(0));
}

#[test]
fn a_run_that_is_told_to_end_has_counted_what_it_has_read_and_the_next_one_goes_on() {
    let lines: Vec<String> =
        (0..20).map(|n| valid_line().replace("01:00:00", &format!("01:00:{n:02}"))).collect();
    let log = lines.concat().repeat(4000);
    // How much is read by then depends on the machine: some of it, not all.
    let dir = [50, 100, 200, 400, 800, 1600].into_iter().find_map(|millis| {
        let dir = home("[scan]\nthreads = 1", &log);
        for n in 0..3 {
            write(dir.path(), &format!("{n}.log"), &log);
        }
        let mut run = Command::new(env!("CARGO_BIN_EXE_jwtriage"))
            .current_dir(dir.path())
            .args(["nightly", "--config", "nightly.toml"])
            .args(at(NOON + DAY))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Where its report waits is made when it begins to read, and can be told to end.
        while fs::read_dir(dir.path().join("reports")).map_or(0, Iterator::count) == 0 {
            assert!(run.try_wait().unwrap().is_none(), "it ended before it began to read");
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(millis));
        Command::new("kill").args(["-TERM", &run.id().to_string()]).assert().success();
        let code = run.wait_with_output().unwrap().status.code();
        assert_eq!(code, Some(130));
        let state = State::open_read_only(&dir.path().join("state.db")).unwrap();
        assert_eq!(state.last().unwrap().unwrap().finished.status, RunStatus::Interrupted);
        let before = occurrences(dir.path());
        assert!(before < 320_000, "it was stopped too late to tell anything");
        (before > 0).then_some(dir)
    });
    let dir = dir.expect("one of them is stopped while it reads");
    assert_eq!(nightly(dir.path(), NOON + DAY).status.code(), Some(0));
    assert_eq!(occurrences(dir.path()), 320_000);
}

#[test]
fn a_run_whose_time_is_up_ends_with_what_it_has() {
    let dir = home("timeout = \"1ms\"", &valid_line().repeat(200_000));
    let run = nightly(dir.path(), NOON);
    assert_eq!(run.status.code(), Some(130));
    assert!(text(&run.stderr).contains("the time is up"), "{}", text(&run.stderr));
    assert!(dir.path().join("reports/latest/summary.csv").exists());
    configure(dir.path(), "");
    assert_eq!(nightly(dir.path(), NOON).status.code(), Some(0));
    assert_eq!(occurrences(dir.path()), 200_000);
}

#[test]
fn a_last_line_without_an_end_waits_a_night_however_old_it_is() {
    let line = expired_line();
    let dir = home("", &(valid_line() + &line[..100]));
    nightly(dir.path(), NOON + DAY);
    assert_eq!(occurrences(dir.path()), 1);
    write(dir.path(), "app.log", &(valid_line() + &line));
    nightly(dir.path(), NOON + 2 * DAY);
    assert_eq!(occurrences(dir.path()), 2);
    write(dir.path(), "app.log", &(valid_line() + &line + line.trim_end()));
    nightly(dir.path(), NOON + 3 * DAY);
    assert_eq!(occurrences(dir.path()), 2);
    // Nothing was written to it since: the line has no other end.
    nightly(dir.path(), NOON + 4 * DAY);
    assert_eq!(occurrences(dir.path()), 3);
}

#[test]
fn a_last_line_without_an_end_is_read_though_the_log_is_dated_later_than_now() {
    let dir = home("", &(valid_line() + expired_line().trim_end()));
    nightly(dir.path(), NOON - 3 * DAY);
    assert_eq!(occurrences(dir.path()), 1);
    nightly(dir.path(), NOON - 2 * DAY);
    assert_eq!(occurrences(dir.path()), 2);
}

#[test]
fn what_a_run_that_was_stopped_did_not_get_to_is_neither_gone_nor_new() {
    let dir = home("fail_on = [\"new\"]", &(valid_line() + &expired_line()));
    nightly(dir.path(), NOON);
    let more = valid_line().repeat(200_000) + &expired_line();
    write(dir.path(), "app.log", &(valid_line() + &expired_line() + &more));
    let stopped = jwtriage(dir.path())
        .args(["nightly", "--config", "nightly.toml", "--timeout", "1ms"])
        .args(at(NOON + DAY))
        .output()
        .unwrap();
    assert_eq!(stopped.status.code(), Some(130));
    assert!(text(&stopped.stdout).contains("was stopped"), "{}", text(&stopped.stdout));
    assert!(!text(&stopped.stdout).contains("no longer"), "{}", text(&stopped.stdout));
    let sources = rows(&files(&dir.path().join("reports/latest"))["sources.csv"]);
    assert!(sources.iter().all(|row| row["status"] == "partial"), "{sources:?}");
    let next = nightly(dir.path(), NOON + 2 * DAY);
    assert_eq!(next.status.code(), Some(0));
    assert!(
        !text(&next.stdout).contains("new") && !text(&next.stdout).contains("expired"),
        "{}",
        text(&next.stdout)
    );
}

#[test]
fn a_damaged_log_that_nobody_touches_is_not_told_as_mended() {
    let dir = home("", &valid_line());
    let packed = gzip(valid_line().repeat(50));
    let path = dir.path().join("logs/old.gz");
    put(&path, &packed[..packed.len() - 12], NOON);
    assert_eq!(nightly(dir.path(), NOON + DAY).status.code(), Some(3));
    for night in 2..4 {
        write(dir.path(), "app.log", &valid_line().repeat(night));
        let run = nightly(dir.path(), NOON + night as i64 * DAY);
        assert_eq!((run.status.code(), text(&run.stdout)), (Some(0), ""), "{}", text(&run.stderr));
    }
    put(&path, &packed, NOON);
    write(dir.path(), "app.log", &valid_line().repeat(5));
    let mended = nightly(dir.path(), NOON + 5 * DAY);
    assert!(text(&mended.stdout).contains("no longer found (1 source)"), "{}", text(&mended.stdout));
}

#[test]
fn what_a_stopped_run_has_not_begun_is_named() {
    let dir = home("timeout = \"1ms\"\n[scan]\nthreads = 1", &valid_line().repeat(100_000));
    for n in 0..3 {
        write(dir.path(), &format!("{n}.log"), &valid_line());
    }
    assert_eq!(nightly(dir.path(), NOON + DAY).status.code(), Some(130));
    let sources = rows(&files(&dir.path().join("reports/latest"))["sources.csv"]);
    assert_eq!(sources.len(), 4, "{sources:?}");
    assert!(sources.iter().all(|row| row["error"].contains("the run was stopped")), "{sources:?}");
    configure(dir.path(), "");
    assert_eq!(nightly(dir.path(), NOON + DAY).status.code(), Some(0));
    assert_eq!(occurrences(dir.path()), 100_003);
}

#[test]
fn what_a_run_found_before_it_was_stopped_is_told() {
    let log = valid_line() + &expired_line() + &valid_line().repeat(400_000);
    // How much is read by then depends on the machine: long enough for the first lines, not for all.
    let told = [50, 100, 200, 400, 800, 1600].into_iter().find_map(|millis| {
        let dir = home("[scan]\nthreads = 1", &valid_line());
        nightly(dir.path(), NOON);
        write(dir.path(), "app.log", &log);
        let run = jwtriage(dir.path())
            .args(["nightly", "--config", "nightly.toml", "--timeout", &format!("{millis}ms")])
            .args(at(NOON + DAY))
            .output()
            .unwrap();
        let is_in_between = run.status.code() == Some(130) && occurrences(dir.path()) > 1;
        is_in_between.then(|| text(&run.stdout).to_owned())
    });
    let told = told.expect("one of them is stopped while it reads");
    assert!(told.contains("expired") && told.contains("was stopped"), "{told}");
}

#[test]
fn a_token_that_an_earlier_run_found_is_still_usable() {
    let dir = home("fail_on = [\"live\"]", &valid_line());
    let first = nightly(dir.path(), NOON);
    assert_eq!(first.status.code(), Some(1));
    assert!(text(&first.stdout).contains("1 token is still usable"), "{}", text(&first.stdout));
    assert_eq!(nightly(dir.path(), NOON + 60).status.code(), Some(1), "nothing is new in the logs");
    assert_eq!(nightly(dir.path(), NOON + DAY).status.code(), Some(0), "it has expired");
}

#[test]
fn sources_have_the_same_names_wherever_a_run_begins_and_reports_are_none() {
    let dir = home("", &expired_line());
    fs::create_dir(dir.path().join("etc")).unwrap();
    let config =
        "paths = [\"../logs\", \"..\"]\nstate = \"../state.db\"\nreports = \"../reports\"\nformats = []\n";
    fs::write(dir.path().join("etc/nightly.toml"), config).unwrap();
    let run = |at_home: &Path, config: &str, now: i64| {
        let run = jwtriage(at_home).args(["nightly", "--config", config]).args(at(now)).output().unwrap();
        assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
        text(&run.stdout).to_owned()
    };
    run(dir.path(), "etc/nightly.toml", NOON);
    let sources = rows(&files(&dir.path().join("reports/latest"))["sources.csv"]);
    let logs = dir.path().canonicalize().unwrap().join("logs/app.log");
    assert!(sources.iter().any(|row| row["source"] == logs.display().to_string()), "{sources:?}");
    write(dir.path(), "app.log", &expired_line().repeat(2));
    assert_eq!(run(&dir.path().join("etc"), "nightly.toml", NOON + DAY), "");
    let sources = rows(&files(&dir.path().join("reports/latest"))["sources.csv"]);
    assert!(
        sources.iter().all(|row| !row["source"].contains("reports/") && !row["source"].contains("state.db"))
    );
}

#[test]
fn a_state_that_is_gone_or_older_than_the_reports_is_told() {
    let dir = home("", &valid_line());
    let state = dir.path().join("state.db");
    nightly(dir.path(), NOON);
    fs::copy(&state, dir.path().join("old.db")).unwrap();
    write(dir.path(), "app.log", &valid_line().repeat(2));
    nightly(dir.path(), NOON + DAY);
    fs::copy(dir.path().join("old.db"), &state).unwrap();
    let older = nightly(dir.path(), NOON + 2 * DAY);
    assert!(text(&older.stderr).contains("was an older state restored?"), "{}", text(&older.stderr));
    fs::remove_file(&state).unwrap();
    let anew = nightly(dir.path(), NOON + 3 * DAY);
    assert!(text(&anew.stderr).contains("is new, and there are reports"), "{}", text(&anew.stderr));
}

#[test]
fn what_is_wrong_in_the_configuration_is_told_by_its_key() {
    let dir = home("fail_on = [\"nwe\"]", "");
    let run = nightly(dir.path(), NOON);
    let why = text(&run.stderr);
    assert!(
        run.status.code() == Some(2) && why.contains("nightly.toml: fail-on: expected new, any, live"),
        "{why}"
    );
    configure(dir.path(), "[scan]\ntz = \"Berlin\"");
    let run = jwtriage(dir.path())
        .args(["nightly", "--config", "nightly.toml", "--log-format", "json"])
        .output()
        .unwrap();
    let entry: serde_json::Value = serde_json::from_str(text(&run.stderr).trim()).unwrap();
    assert_eq!((run.status.code(), &entry["level"]), (Some(2), &"ERROR".into()));
    assert!(entry["message"].as_str().unwrap().contains("nightly.toml: tz: "), "{entry}");
}

#[test]
fn a_clock_that_is_set_back_is_told_and_takes_nothing_away() {
    let dir = home("keep.reports = 1\nkeep.age = \"1d\"", &valid_line());
    nightly(dir.path(), NOON + 5 * DAY);
    write(dir.path(), "app.log", &valid_line().repeat(2));
    let back = nightly(dir.path(), NOON + 4 * DAY);
    assert_eq!(back.status.code(), Some(0));
    assert!(text(&back.stderr).contains("was the clock set back?"), "{}", text(&back.stderr));
    let reports = dir.path().join("reports");
    assert!(reports.join("2026-06-17T0100Z").exists() && reports.join("2026-06-16T0100Z").exists());
    assert_eq!(fs::read_link(reports.join("latest")).unwrap(), Path::new("2026-06-16T0100Z"));
    assert_eq!(occurrences(dir.path()), 2);
    // The minute of an earlier report may come again.
    write(dir.path(), "app.log", &valid_line().repeat(3));
    nightly(dir.path(), NOON + 5 * DAY);
    assert!(reports.join("2026-06-17T0100Z-2").exists());
    assert_eq!(occurrences(dir.path()), 3);
}

#[cfg(unix)]
#[test]
fn a_state_has_one_lock_whatever_links_lead_to_it() {
    let dir = home("", &valid_line());
    assert_eq!(nightly(dir.path(), NOON).status.code(), Some(0));
    std::os::unix::fs::symlink("state.db", dir.path().join("link.db")).unwrap();
    let config = fs::read_to_string(dir.path().join("nightly.toml")).unwrap();
    fs::write(dir.path().join("nightly.toml"), config.replace("state.db", "link.db")).unwrap();
    let lock = File::open(dir.path().join("state.db.lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(nightly(dir.path(), NOON).status.code(), Some(75));
}

#[test]
fn a_member_of_an_archive_is_there_as_long_as_the_archive_whatever_that_is_called() {
    let dir = home("", "");
    let mut tar = tar::Builder::new(Vec::new());
    let (mut header, line) = (tar::Header::new_gnu(), valid_line());
    header.set_size(line.len() as u64);
    tar.append_data(&mut header, "a!b.log", line.as_bytes()).unwrap();
    let path = dir.path().join("logs/odd!.tar");
    fs::write(&path, tar.into_inner().unwrap()).unwrap();
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(NOON as u64);
    File::options().append(true).open(&path).unwrap().set_modified(at).unwrap();
    for night in 1..4 {
        assert_eq!(nightly(dir.path(), NOON + night * DAY).status.code(), Some(0));
    }
    let state = State::open_read_only(&dir.path().join("state.db")).unwrap().sources().unwrap();
    assert_eq!(state.sources().len(), 3);
    assert!(state.sources().iter().all(|source| source.missing_since.is_none()), "{:?}", state.sources());
}

/// A run cannot publish a report that somebody has removed; it was once the end of all runs.
#[test]
fn a_report_that_is_gone_before_it_was_published_keeps_no_run_from_running() {
    let dir = home("", &valid_line());
    assert_eq!(nightly(dir.path(), NOON).status.code(), Some(0));
    let state = rusqlite::Connection::open(dir.path().join("state.db")).unwrap();
    state.execute("UPDATE runs SET published = 0", ()).unwrap();
    drop(state);
    fs::remove_dir_all(dir.path().join("reports")).unwrap();
    let next = nightly(dir.path(), NOON + DAY);
    assert_eq!(next.status.code(), Some(0), "{}", text(&next.stderr));
    assert!(text(&next.stderr).contains("is gone"), "{}", text(&next.stderr));
    assert_eq!((occurrences(dir.path()), nightly(dir.path(), NOON + DAY).stderr.len()), (1, 0));
}

/// While a log is packed it is there twice, and the packed one is only a part of it.
#[test]
fn a_log_that_is_just_being_packed_is_read_when_that_is_done() {
    let lines: String = (0..300)
        .map(|n| valid_line().replace("01:00:00", &format!("01:{:02}:{:02}", n / 60, n % 60)))
        .collect();
    let dir = home("", &lines);
    assert_eq!(nightly(dir.path(), NOON + DAY).status.code(), Some(0));
    let packed = gzip(&lines);
    let path = dir.path().join("logs/app.gz");
    fs::rename(dir.path().join("logs/app.log"), dir.path().join("logs/app.log.1")).unwrap();
    put(&path, &packed[..packed.len() / 2], NOON + 2 * DAY - 1);
    let second = nightly(dir.path(), NOON + 2 * DAY);
    assert_eq!((second.status.code(), occurrences(dir.path())), (Some(0), 300), "{}", text(&second.stderr));
    let sources = rows(&files(&dir.path().join("reports/latest"))["sources.csv"]);
    assert!(sources[0]["error"].contains("the next run reads it"), "{sources:?}");
    put(&path, &packed, NOON + 2 * DAY);
    assert_eq!((nightly(dir.path(), NOON + 2 * DAY).status.code(), occurrences(dir.path())), (Some(0), 300));
    fs::remove_file(dir.path().join("logs/app.log.1")).unwrap();
    // One more line tells that it was read.
    put(&path, gzip(lines + &expired_line()), NOON + 2 * DAY);
    assert_eq!(nightly(dir.path(), NOON + 3 * DAY).status.code(), Some(0));
    assert_eq!(occurrences(dir.path()), 301);
}

#[test]
fn a_state_that_is_none_is_refused_and_left_as_it_is() {
    let dir = home("", &valid_line());
    fs::write(dir.path().join("state.db"), "notes of mine").unwrap();
    let run = nightly(dir.path(), NOON);
    assert_eq!(run.status.code(), Some(2));
    assert!(text(&run.stderr).contains("state.db"), "{}", text(&run.stderr));
    assert_eq!(fs::read(dir.path().join("state.db")).unwrap(), b"notes of mine");
    assert!(!dir.path().join("reports/latest").exists());
}

/// Whether a file system can be mounted for a test, which takes a namespace of one's own.
fn can_mount() -> bool {
    Command::new("unshare").args(["-rm", "true"]).output().is_ok_and(|output| output.status.success())
}

/// Runs a script in which `small` is a file system of 300 KiB, and `$NIGHTLY` a nightly run.
fn with_small_disk(dir: &Path, script: &str) -> Output {
    let script = format!("mount -t tmpfs -o size=300k tmpfs small && {script}");
    let nightly = format!("{} nightly --config nightly.toml", env!("CARGO_BIN_EXE_jwtriage"));
    let mut command = Command::new("unshare");
    command.current_dir(dir).args(["-rm", "sh", "-c", &script]).env("NIGHTLY", nightly);
    command.output().unwrap()
}

#[test]
fn a_full_disk_ends_a_run_and_nothing_is_half_done_or_lost() {
    if !can_mount() {
        return;
    }
    let lines: String = (0..2000)
        .map(|n| {
            let token = crate::support::hs256(&format!(r#"{{"sub":"u-{n}","exp":{}}}"#, NOON + 60));
            format!("2026-06-12T01:00:00Z {token}\n")
        })
        .collect();
    let dir = home("", &lines);
    fs::create_dir(dir.path().join("small")).unwrap();
    let config =
        "paths = [\"logs\"]\nstate = \"small/state.db\"\nreports = \"small/reports\"\nformats = []\n";
    fs::write(dir.path().join("nightly.toml"), config).unwrap();
    let script = "$NIGHTLY; echo code $?; ls -A small/reports | wc -l; \
                  mount -o remount,size=30m tmpfs small; $NIGHTLY; echo code $?; ls -A small/reports | wc -l; \
                  cp small/state.db* .";
    let output = with_small_disk(dir.path(), script);
    let (told, why) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(told.lines().collect::<Vec<_>>(), ["code 2", "0", "code 0", "2"], "{why}");
    assert!(why.contains("o space left on device") || why.contains("full"), "{why}");
    assert_eq!(occurrences(dir.path()), 2000);
}

#[test]
fn a_directory_that_cannot_be_written_to_is_named_before_anything_is_read() {
    if !can_mount() {
        return;
    }
    let dir = home("", &valid_line());
    fs::create_dir(dir.path().join("small")).unwrap();
    let config = "paths = [\"logs\"]\nstate = \"state.db\"\nreports = \"small/reports\"\nformats = []\n";
    fs::write(dir.path().join("nightly.toml"), config).unwrap();
    let script = "mount -o remount,ro tmpfs small; $NIGHTLY; echo code $?; mount -o remount,rw tmpfs small; $NIGHTLY; echo code $?";
    let output = with_small_disk(dir.path(), script);
    assert_eq!(text(&output.stdout), "code 2\ncode 0\n");
    let why = text(&output.stderr);
    assert!(why.contains("small/reports") && why.to_lowercase().contains("read-only"), "{why}");
    assert_eq!(occurrences(dir.path()), 1);
}

#[test]
fn metrics_and_a_webhook_tell_numbers_and_fingerprints() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let url = format!("http://{address}/hook?key=s3cret");
    let more = format!("metrics = \"m.prom\"\n[notify]\nurl = \"{url}\"\nalways = true");
    let dir = home(&more, &(valid_line() + &expired_line()));
    let received = std::thread::spawn(move || {
        let (mut connection, _) = server.accept().unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        while !request.ends_with(b"}") {
            let count = connection.read(&mut buffer).unwrap();
            assert!(count > 0, "it ended within a request");
            request.extend_from_slice(&buffer[..count]);
        }
        connection.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        String::from_utf8(request).unwrap()
    });
    let run = jwtriage(dir.path())
        .args(["nightly", "--config", "nightly.toml", "--log-format", "json", "--log-level", "info"])
        .args(at(NOON))
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", text(&run.stderr));
    // Who still waits for a request gets none.
    drop(TcpStream::connect(address));
    let request = received.join().unwrap();
    let body: serde_json::Value = serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    assert_eq!(body["occurrences"]["expired"], 1);
    assert_eq!(body["live_tokens"]["usable"], 1);
    let metrics = fs::read_to_string(dir.path().join("m.prom")).unwrap();
    assert!(metrics.contains("jwtriage_live_tokens{state=\"usable\"} 1\n"), "{metrics}");
    assert!(metrics.contains("jwtriage_last_success_timestamp_seconds 1781226000"), "{metrics}");
    assert!(text(&run.stderr).contains("\"done\""), "{}", text(&run.stderr));
    for line in text(&run.stderr).lines() {
        let entry: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(entry["level"].is_string() && entry["message"].is_string(), "{line}");
    }
    assert!(!text(&run.stderr).contains("s3cret"));
}
