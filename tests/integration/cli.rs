//! The program as its users meet it: arguments, exit codes, what goes to stdout and stderr.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use assert_cmd::assert::Assert;
use tempfile::TempDir;

use crate::support::{self, CLAIMS, expired_line, hs256, jwtriage, line, valid_line};

/// A directory with a log that holds one valid and one expired token.
fn logs() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("app.log"), valid_line() + &expired_line()).unwrap();
    dir
}

/// A `--now` at which none of the tokens in these tests is still usable.
const LATER: &str = "--now=2026-07-01";

/// Runs the program in a directory; a scan at [`LATER`], unless its arguments state another `--now`.
fn run(dir: &Path, arguments: &[&str]) -> Assert {
    let takes_now =
        arguments.first() == Some(&"scan") && !arguments.iter().any(|word| word.starts_with("--now"));
    jwtriage(dir).args(arguments).args(takes_now.then_some(LATER)).assert()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn stdout(done: &Assert) -> String {
    text(&done.get_output().stdout)
}

fn stderr(done: &Assert) -> String {
    text(&done.get_output().stderr)
}

/// The names of what is in a directory, hidden ones too.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A cell of the only row of a report's file.
fn cell(dir: &Path, file: &str, column: &str) -> String {
    let rows = support::rows(&fs::read(dir.join("report").join(file)).unwrap());
    assert_eq!(rows.len(), 1, "{file}");
    rows[0][column].clone()
}

#[test]
fn a_scan_without_trouble_exits_with_0_and_says_nothing_on_stderr() {
    let dir = logs();
    let done = run(dir.path(), &["scan", "app.log"]).code(0);
    assert!(stdout(&done).contains("expired"), "{}", stdout(&done));
    assert_eq!(stderr(&done), "");
    assert_eq!(names(dir.path()), ["app.log"], "without --out nothing is written");
}

#[test]
fn a_verdict_named_by_fail_on_exits_with_1() {
    let dir = logs();
    for (fail_on, code) in [
        ("expired", 1),
        ("any", 1),
        ("malformed,expired", 1),
        ("malformed", 0),
        ("stale_kid,truncated", 0),
        ("valid", 1),
    ] {
        run(dir.path(), &["scan", "app.log", "--quiet", "--fail-on", fail_on]).code(code);
    }
    fs::write(dir.path().join("good.log"), valid_line()).unwrap();
    run(dir.path(), &["scan", "good.log", "--quiet", "--fail-on", "any"]).code(0);
}

#[test]
fn wrong_usage_exits_with_2_says_what_to_do_and_writes_nothing() {
    let dir = logs();
    fs::write(dir.path().join("short.key"), "short").unwrap();
    let cases: [(&[&str], &[&str]); 19] = [
        (&["--fail-on", "expird"], &["--fail-on", "expird", "live", "stale_kid"]),
        (&["--now", "soon"], &["--now", "soon", "2026-06-12T02:00:00Z"]),
        (&["--tz", "Europe/Berlim"], &["--tz", "Europe/Berlim", "IANA"]),
        (&["--since", "yesterday"], &["--since", "yesterday", "2026-06-12T02:00:00Z"]),
        (&["--until", "25:00"], &["--until", "25:00"]),
        (&["--at", "noon"], &["--at", "noon"]),
        (&["--policy", "missing.toml"], &["missing.toml", "cannot read"]),
        (&["--jwks", "missing.json"], &["missing.json"]),
        (&["--bucket", "5 apples"], &["--bucket"]),
        (&["--bucket", "500ms"], &["--bucket"]),
        (&["--fingerprint-key", "short.key"], &["short.key", "16 bytes"]),
        (&["--fingerprint-key", "missing.key"], &["missing.key"]),
        (&["--time-format", "%Q"], &["--time-format"]),
        (&["--time-key", "a..b"], &["--time-key", "a..b"]),
        (&["--threads", "0"], &["--threads"]),
        (&["--group-by", "svc", "--group-by", "svc=^(\\w+)"], &["--group-by", "svc", "twice"]),
        (&["--memory", "1KiB"], &["--memory", "64MiB", "1.0 KiB"]),
        (&["--memory", "lots"], &["--memory", "lots"]),
        (&["--no-such-flag"], &["--no-such-flag"]),
    ];
    for (flags, told) in cases {
        let done = run(dir.path(), &[&["scan", "app.log", "--out", "report"], flags].concat()).code(2);
        for word in told {
            assert!(stderr(&done).contains(word), "{flags:?} does not tell {word}: {}", stderr(&done));
        }
        assert_eq!(stdout(&done), "", "{flags:?}");
        assert_eq!(names(dir.path()), ["app.log", "short.key"], "{flags:?}");
    }
    run(dir.path(), &["scan", "app.log", "--occurrences"]).code(2);
    run(dir.path(), &[]).code(2);
}

#[test]
fn a_source_that_cannot_be_read_exits_with_3_and_has_a_row() {
    let dir = logs();
    let done =
        run(dir.path(), &["scan", "missing.log", "app.log", "--out", "report", "--fail-on", "any"]).code(3);
    assert!(stderr(&done).contains("missing.log: unreadable"), "{}", stderr(&done));
    let rows = support::rows(&fs::read(dir.path().join("report/sources.csv")).unwrap());
    let told: Vec<_> =
        rows.iter().map(|row| (&*row["source"], &*row["status"], &*row["candidates"])).collect();
    assert_eq!(told, [("app.log", "complete", "2"), ("missing.log", "unreadable", "0")]);
}

#[test]
fn a_report_replaces_an_earlier_one_and_nothing_else() {
    let dir = logs();
    run(dir.path(), &["scan", "app.log", "--out", "report", "--occurrences"]).code(0);
    assert!(dir.path().join("report/occurrences.csv").exists());
    run(dir.path(), &["scan", "app.log", "--out", "report"]).code(0);
    assert!(!dir.path().join("report/occurrences.csv").exists(), "the earlier report is gone");
    assert_eq!(names(dir.path()), ["app.log", "report"], "nothing stays beside it");

    fs::create_dir(dir.path().join("home")).unwrap();
    fs::write(dir.path().join("home/diary.txt"), "mine").unwrap();
    fs::write(dir.path().join("home/summary.csv"), "mine too").unwrap();
    for out in ["home", "app.log", "no/such/parent", "."] {
        let done = run(dir.path(), &["scan", "app.log", "--out", out]).code(2);
        assert!(stderr(&done).contains("--out") || stderr(&done).contains(out), "{}", stderr(&done));
        assert_eq!(stdout(&done), "", "nothing was scanned");
    }
    assert_eq!(names(&dir.path().join("home")), ["diary.txt", "summary.csv"]);
    assert_eq!(names(dir.path()), ["app.log", "home", "report"]);
}

#[test]
fn standard_input_is_read_as_a_dash_and_by_default_in_a_pipe() {
    let dir = logs();
    for arguments in [&["scan"][..], &["scan", "-"]] {
        let done = jwtriage(dir.path())
            .args(arguments)
            .args(["--out", "report"])
            .write_stdin(valid_line())
            .assert()
            .code(0);
        assert_eq!(stderr(&done), "");
        assert_eq!(cell(dir.path(), "sources.csv", "candidates"), "1");
        assert_eq!(cell(dir.path(), "sources.csv", "source"), "'-");
    }
}

#[test]
fn lists_globs_and_directories_name_the_same_files() {
    let dir = logs();
    fs::create_dir(dir.path().join("more")).unwrap();
    fs::write(dir.path().join("more/a b.log"), valid_line()).unwrap();
    fs::write(dir.path().join("more/other.txt"), valid_line()).unwrap();
    fs::write(dir.path().join("list"), "app.log\nmore/a b.log\n").unwrap();
    let sources = |paths: &[&str]| {
        run(dir.path(), &[&["scan", "--quiet", "--out", "report"], paths].concat()).code(0);
        let rows = support::rows(&fs::read(dir.path().join("report/sources.csv")).unwrap());
        rows.into_iter().map(|row| row["source"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(sources(&["@list"]), ["app.log", "more/a b.log"]);
    assert_eq!(sources(&["more/*.log", "a*.log"]), ["app.log", "more/a b.log"]);
    assert_eq!(sources(&["more"]), ["more/a b.log", "more/other.txt"]);
    assert_eq!(
        sources(&["more", "more/other.txt", "more/*"]),
        ["more/a b.log", "more/other.txt"],
        "each file once"
    );
}

#[test]
fn quiet_prints_nothing() {
    let dir = logs();
    let done = run(dir.path(), &["scan", "app.log", "--quiet"]).code(0);
    assert_eq!((stdout(&done), stderr(&done)), (String::new(), String::new()));
}

#[test]
fn colours_are_used_where_they_are_asked_for() {
    let dir = logs();
    let escapes = |flags: &[&str], no_color: bool| {
        let mut command = jwtriage(dir.path());
        if no_color {
            command.env("NO_COLOR", "1");
        }
        let done = command.args(["scan", "app.log"]).args(flags).assert().code(0);
        stdout(&done).contains('\u{1b}')
    };
    assert!(!escapes(&[], false), "a pipe is no terminal");
    assert!(!escapes(&[], true));
    assert!(!escapes(&["--color", "never"], false));
    assert!(escapes(&["--color", "always"], false));
    assert!(escapes(&["--color", "always"], true), "a flag is stronger than the environment");
}

#[test]
fn plain_progress_is_for_stderr_and_no_progress_is_shown_in_a_pipe() {
    let dir = logs();
    let done = run(dir.path(), &["scan", "app.log", "--progress", "plain"]).code(0);
    assert!(!stdout(&done).contains("read at") && !stderr(&done).contains('\u{1b}'), "{}", stderr(&done));
    let done = run(dir.path(), &["scan", "app.log", "--progress", "none"]).code(0);
    assert_eq!(stderr(&done), "");
}

#[test]
fn help_tells_the_flags_and_the_exit_codes() {
    let dir = logs();
    let done = run(dir.path(), &["--help"]).code(0);
    assert!(stdout(&done).contains("Exit codes: 0 done") && stdout(&done).contains("scan"));
    let done = run(dir.path(), &["scan", "--help"]).code(0);
    for flag in
        ["--policy", "--out", "--since", "--tz", "--fail-on", "--now", "--occurrences", "--fingerprint-key"]
    {
        assert!(stdout(&done).contains(flag), "{flag}");
    }
    assert!(stdout(&run(dir.path(), &["--version"]).code(0)).contains(env!("CARGO_PKG_VERSION")));
}

#[test]
fn policy_check_tells_what_was_understood_or_where_the_mistake_is() {
    let dir = logs();
    fs::write(
        dir.path().join("good.toml"),
        "[[issuer]]\niss = \"https://auth.example.com/\"\naudiences = [\"api\"]\n",
    )
    .unwrap();
    let done = run(dir.path(), &["policy", "check", "good.toml"]).code(0);
    assert!(stdout(&done).contains("https://auth.example.com/"), "{}", stdout(&done));
    fs::write(dir.path().join("bad.toml"), "[[issuer]]\niss = \"a\"\naudience = [\"api\"]\n").unwrap();
    let done = run(dir.path(), &["policy", "check", "bad.toml"]).code(2);
    let told = stderr(&done);
    assert!(
        told.contains("bad.toml:3") && told.contains("\"audience\"") && told.contains("audiences"),
        "{told}"
    );
}

/// A directory with a discovery document, a JWKS in `keys` and a place for policies.
fn published() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for sub in ["keys", "conf", "conf/deep"] {
        fs::create_dir(dir.path().join(sub)).unwrap();
    }
    fs::write(
        dir.path().join("openid.json"),
        r#"{"issuer":"https://auth.example.com/","jwks_uri":"https://auth.example.com/jwks","id_token_signing_alg_values_supported":["RS256","EdDSA","none"]}"#,
    )
    .unwrap();
    let key =
        r#"{"kty":"OKP","crv":"Ed25519","kid":"june","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    fs::write(dir.path().join("keys/june.json"), format!("{{\"keys\":[{key}]}}")).unwrap();
    dir
}

#[test]
fn policy_init_writes_a_policy_that_finds_its_keys_wherever_it_stands() {
    let dir = published();
    let init = ["policy", "init", "--discovery", "openid.json", "--jwks", "keys/june.json"];
    let printed = stdout(&run(dir.path(), &init).code(0));
    fs::write(dir.path().join("printed.toml"), &printed).unwrap();
    for (out, named) in [
        ("policy.toml", "\"keys/june.json\""),
        ("conf/policy.toml", "\"../keys/june.json\""),
        ("conf/deep/policy.toml", "\"../../keys/june.json\""),
        ("keys/policy.toml", "\"june.json\""),
    ] {
        let done = run(dir.path(), &[&init[..], &["--out", out]].concat()).code(0);
        assert_eq!((stdout(&done), stderr(&done)), (String::new(), String::new()));
        assert!(fs::read_to_string(dir.path().join(out)).unwrap().contains(named), "{out}");
        let check = stdout(&run(dir.path(), &["policy", "check", out]).code(0));
        assert!(check.contains("kid june: OKP Ed25519") && check.contains("algorithms: EdDSA\n"), "{check}");
    }
    assert_eq!(fs::read_to_string(dir.path().join("policy.toml")).unwrap(), printed);
}

#[test]
fn policy_init_overwrites_nothing_and_tells_which_document_is_wrong() {
    let dir = published();
    fs::write(dir.path().join("mine.toml"), "mine").unwrap();
    let cases: [(&[&str], &[&str]); 7] = [
        (&["--discovery", "openid.json", "--out", "mine.toml"], &["--out mine.toml", "not overwritten"]),
        (&["--discovery", "openid.json", "--out", "no/p.toml"], &["--out no/p.toml", "directory"]),
        (&["--discovery", "missing.json", "--out", "p.toml"], &["--discovery missing.json", "cannot read"]),
        (&["--discovery", "keys/june.json", "--out", "p.toml"], &["--discovery keys/june.json", "--jwks"]),
        (
            &["--discovery", "openid.json", "--jwks", "openid.json", "--out", "conf/p.toml"],
            &["--jwks openid.json", "expected a JWKS document"],
        ),
        (&["--discovery", "openid.json", "--jwks", "no.json", "--out", "p.toml"], &["--jwks no.json"]),
        (&["--jwks", "keys/june.json"], &["--discovery"]),
    ];
    for (flags, told) in cases {
        let done = run(dir.path(), &[&["policy", "init"], flags].concat()).code(2);
        for word in told {
            assert!(stderr(&done).contains(word), "{flags:?} does not tell {word}: {}", stderr(&done));
        }
        assert_eq!(stdout(&done), "", "{flags:?}");
    }
    assert_eq!(fs::read_to_string(dir.path().join("mine.toml")).unwrap(), "mine");
    assert_eq!(names(dir.path()), ["conf", "keys", "mine.toml", "openid.json"]);
    assert_eq!(names(&dir.path().join("conf")), ["deep"]);
}

#[test]
fn policy_infer_proposes_a_policy_that_the_same_logs_pass() {
    let dir = logs();
    let done = run(dir.path(), &["policy", "infer", "app.log", "--out", "policy.toml"]).code(0);
    assert_eq!((stdout(&done), stderr(&done)), (String::new(), String::new()));
    let text = fs::read_to_string(dir.path().join("policy.toml")).unwrap();
    assert!(text.contains("2 findings of 2 tokens in 1 source"), "{text}");
    assert!(text.contains("50.0 % valid at their time (1 valid, 1 expired)"), "{text}");
    run(dir.path(), &["policy", "check", "policy.toml"]).code(0);
    fs::write(dir.path().join("good.log"), valid_line()).unwrap();
    run(dir.path(), &["scan", "good.log", "--policy", "policy.toml", "--quiet", "--fail-on", "any"]).code(0);

    let printed = stdout(&run(dir.path(), &["policy", "infer", "--threads", "4", "app.log"]).code(0));
    assert_eq!(printed, text, "the same logs, the same bytes");
    let done = run(dir.path(), &["policy", "infer", "app.log", "--out", "policy.toml"]).code(2);
    assert!(stderr(&done).contains("--out policy.toml") && stderr(&done).contains("not overwritten"));
    assert_eq!(fs::read_to_string(dir.path().join("policy.toml")).unwrap(), text);
}

#[test]
fn policy_infer_tells_what_it_could_not_read_and_when_it_proposes_nothing() {
    let dir = logs();
    let done = run(dir.path(), &["policy", "infer", "app.log", "missing.log"]).code(3);
    assert!(stderr(&done).contains("missing.log: unreadable"), "{}", stderr(&done));
    assert!(stdout(&done).contains("iss = \"https://auth.example.com/\""), "{}", stdout(&done));
    let done = run(dir.path(), &["policy", "infer", "app.log", "--since", "2027-01-01"]).code(0);
    let told = stderr(&done);
    assert!(told.contains("2 findings outside") && told.contains("no issuer is proposed"), "{told}");
    for flags in [&["app.log", "--tz", "Nowhere/At_all"][..], &["app.log", "--since", "yesterday"], &[]] {
        assert_eq!(stdout(&run(dir.path(), &[&["policy", "infer"], flags].concat()).code(2)), "");
    }
}

#[test]
fn help_tells_how_policies_are_made() {
    let dir = logs();
    let help = |arguments: &[&str]| stdout(&run(dir.path(), arguments).code(0));
    let policy = help(&["policy", "--help"]);
    assert!(policy.contains("init ") && policy.contains("infer "), "{policy}");
    assert!(help(&["policy", "init", "--help"]).contains("Nothing is fetched"));
    assert!(help(&["policy", "infer", "--help"]).contains("Exit codes: 0 done"));
}

#[test]
fn a_policy_from_flags_judges_as_one_from_a_file_does() {
    let dir = logs();
    fs::write(
        dir.path().join("policy.toml"),
        "[[issuer]]\niss = \"https://other.example.com/\"\naudiences = [\"web\"]\n",
    )
    .unwrap();
    let summary = |flags: &[&str]| {
        run(dir.path(), &[&["scan", "app.log", "--quiet", "--out", "report"], flags].concat()).code(0);
        text(&fs::read(dir.path().join("report/summary.csv")).unwrap())
    };
    let by_file = summary(&["--policy", "policy.toml"]);
    assert_eq!(by_file, summary(&["--issuer", "https://other.example.com/", "--audience", "web"]));
    assert!(by_file.contains("wrong_issuer"), "{by_file}");
}

#[test]
fn at_is_the_time_of_lines_that_state_none() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("app.log"), format!("undated {}\n", hs256(CLAIMS))).unwrap();
    for (at, verdict) in [
        ("2026-06-12T01:00:00Z", "valid"),
        ("2026-06-12T03:00:00Z", "expired"),
        ("2026-06-11", "issued_in_future"),
    ] {
        run(dir.path(), &["scan", "app.log", "--quiet", "--out", "report", "--occurrences", "--at", at])
            .code(0);
        assert_eq!(cell(dir.path(), "summary.csv", "verdict"), verdict, "{at}");
        assert_eq!(cell(dir.path(), "occurrences.csv", "time_source"), "fixed");
    }
}

#[test]
fn now_decides_which_tokens_are_live_and_takes_times_as_at_does() {
    let dir = logs();
    let live = |flags: &[&str]| {
        let args = [&["scan", "app.log", "--quiet", "--out", "report"], flags].concat();
        let told = stderr(&run(dir.path(), &args).code(0));
        let rows = support::rows(&fs::read(dir.path().join("report/live.csv")).unwrap());
        let left: Vec<_> = rows.iter().map(|row| row["remaining_s"].clone()).collect();
        (left.join(","), told)
    };
    let told = |now: &str, file: &str| format!("jwtriage: 1 token is still usable at {now}: see {file}\n");
    let file = Path::new("report").join("live.csv").display().to_string();
    assert_eq!(
        live(&["--now", "2026-06-12T01:59:58Z"]),
        ("2".into(), told("2026-06-12T01:59:58Z", &file)),
        "also with --quiet"
    );
    assert_eq!(live(&["--now", "2026-06-12T02:00:00Z"]), (String::new(), String::new()));
    assert_eq!(live(&["--now", "2026-06-12T02:00:00Z", "--leeway", "30s"]).0, "0");
    assert_eq!(live(&["--now", "2026-06-12", "--tz", "Asia/Tokyo"]).0, "39600,32400", "midnight in --tz");
    assert_eq!(live(&[]), (String::new(), String::new()));
}

#[test]
fn without_now_the_clock_decides() {
    let dir = tempfile::tempdir().unwrap();
    let unix = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let token = |exp: u64| line(&hs256(&format!(r#"{{"sub":"u-{exp}","exp":{exp}}}"#)));
    fs::write(dir.path().join("app.log"), token(unix - 60) + &token(unix + 3600)).unwrap();
    let scan = ["scan", "app.log", "--quiet", "--out", "report"];
    jwtriage(dir.path()).args(scan).assert().code(0);
    let left: i64 = cell(dir.path(), "live.csv", "remaining_s").parse().unwrap();
    assert!((3000..=3600).contains(&left), "{left}");
}

#[test]
fn fail_on_live_exits_with_1_when_a_token_is_still_usable_and_any_does_not() {
    let dir = logs();
    fs::write(dir.path().join("good.log"), valid_line()).unwrap();
    let early = "2026-06-12T01:30:00Z";
    for (fail_on, now, code) in [
        ("live", early, 1),
        ("malformed,live", early, 1),
        ("any", early, 0),
        ("live", "2026-06-12T02:00:00Z", 0),
        ("valid,live", "2026-06-12T02:00:00Z", 1),
    ] {
        run(dir.path(), &["scan", "good.log", "--quiet", "--fail-on", fail_on, "--now", now]).code(code);
    }
    run(dir.path(), &["scan", "good.log", "missing.log", "--quiet", "--fail-on", "live", "--now", early])
        .code(3);
    let done = run(dir.path(), &["scan", "good.log", "--now", early]).code(0);
    assert!(
        stderr(&done).contains("1 token is still usable") && stderr(&done).contains("--out"),
        "{}",
        stderr(&done)
    );
    let page = ["scan", "good.log", "--quiet", "--now", early, "--out", "page", "--format", "html"];
    let told = stderr(&run(dir.path(), &page).code(0));
    assert!(told.contains("--format csv") && !told.contains("page/live.csv"), "no table was written: {told}");
}

#[test]
fn the_flags_of_event_time_each_change_what_they_should() {
    let dir = tempfile::tempdir().unwrap();
    let log = format!(
        "{{\"time\":\"2026-06-12T01:00:00Z\",\"sent\":{{\"when\":\"2026-06-12T01:30:00Z\"}},\"local\":\"12.06.2026 01h45m00\",\"t\":\"{}\"}}\n",
        hs256(CLAIMS)
    );
    fs::write(dir.path().join("app.log"), log).unwrap();
    let time = |flags: &[&str]| {
        run(
            dir.path(),
            &[&["scan", "app.log", "--quiet", "--out", "report", "--occurrences"], flags].concat(),
        )
        .code(0);
        cell(dir.path(), "occurrences.csv", "event_time")
    };
    assert_eq!(time(&[]), "2026-06-12T01:00:00Z");
    assert_eq!(time(&["--tz", "Asia/Tokyo"]), "2026-06-12T01:00:00Z", "a time with a zone keeps it");
    assert_eq!(time(&["--time-key", "sent.when"]), "2026-06-12T01:30:00Z");
    let format = ["--time-format", "%d.%m.%Y %Hh%Mm%S"];
    assert_eq!(time(&format), "2026-06-12T01:45:00Z");
    assert_eq!(time(&[&format[..], &["--tz", "Europe/Berlin"]].concat()), "2026-06-11T23:45:00Z");
}

#[test]
fn findings_outside_since_and_until_are_left_out_and_told() {
    let dir = logs();
    let occurrences = |flags: &[&str]| {
        let done = run(
            dir.path(),
            &[&["scan", "app.log", "--quiet", "--out", "report", "--occurrences"], flags].concat(),
        )
        .code(0);
        (support::rows(&fs::read(dir.path().join("report/occurrences.csv")).unwrap()).len(), stderr(&done))
    };
    assert_eq!(occurrences(&["--since", "2026-06-12T01:00:00Z"]), (2, String::new()), "since is included");
    let (left, told) = occurrences(&["--until", "2026-06-12T01:00:00Z"]);
    assert!(left == 0 && told.contains("2 findings outside"), "until is not: {told}");
    assert_eq!(
        occurrences(&["--since", "2026-06-12T03:00", "--tz", "Europe/Berlin"]).0,
        2,
        "a time of day in --tz"
    );
}

#[test]
fn the_bucket_is_as_wide_as_it_was_asked_to_be() {
    let dir = logs();
    let later = line(&hs256(CLAIMS)).replace("01:00:00Z", "01:07:30Z");
    fs::write(dir.path().join("app.log"), valid_line() + &later).unwrap();
    let starts = |bucket: &str| {
        run(dir.path(), &["scan", "app.log", "--quiet", "--out", "report", "--bucket", bucket]).code(0);
        let rows = support::rows(&fs::read(dir.path().join("report/timeline.csv")).unwrap());
        rows.into_iter().map(|row| row["bucket_start"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(starts("5m"), ["2026-06-12T01:00:00Z", "2026-06-12T01:05:00Z"]);
    assert_eq!(starts("1h"), ["2026-06-12T01:00:00Z"]);
    assert_eq!(starts("1s"), ["2026-06-12T01:00:00Z", "2026-06-12T01:07:30Z"]);
}

#[test]
fn subjects_have_fingerprints_only_under_a_key_of_ones_own() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("app.log"), valid_line()).unwrap();
    fs::write(dir.path().join("key"), "sixteen bytes and more").unwrap();
    let names = |flags: &[&str]| {
        run(dir.path(), &[&["scan", "app.log", "--quiet", "--out", "report"], flags].concat()).code(0);
        let names = |file| ["fingerprint", "sub_fingerprint"].map(|column| cell(dir.path(), file, column));
        assert_eq!(names("tokens.csv"), names("live.csv"));
        names("tokens.csv")
    };
    let now = ["--now", "2026-06-12"];
    let (public, own) = (names(&now), names(&[&now[..], &["--fingerprint-key", "key"]].concat()));
    assert_ne!(public[0], own[0]);
    assert!(public[1].is_empty() && own[1].starts_with("sub_"));
}

#[cfg(unix)]
mod signals_and_pipes {
    use super::*;

    /// The program, with pipes to all its ends.
    fn spawn(dir: &Path, arguments: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_jwtriage"))
            .args(arguments)
            .arg(LATER)
            .current_dir(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Waits until something is so.
    fn until(what: &str, so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !so() {
            assert!(begun.elapsed() < Duration::from_secs(20), "waited in vain until {what}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn interrupt(child: &Child) {
        assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    }

    #[test]
    fn an_interrupted_scan_of_a_silent_pipe_exits_with_130_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = spawn(dir.path(), &["scan", "-", "--out", "report", "--occurrences"]);
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(valid_line().as_bytes()).unwrap();
        until("the report is begun", || !names(dir.path()).is_empty());
        std::thread::sleep(Duration::from_millis(100));
        interrupt(&child);
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert_eq!(names(dir.path()), [""; 0]);
        drop(stdin);
    }

    #[test]
    fn an_interrupted_scan_of_a_busy_pipe_keeps_the_earlier_report() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("app.log"), valid_line()).unwrap();
        run(dir.path(), &["scan", "app.log", "--quiet", "--out", "report"]).code(0);
        let before = support::files(&dir.path().join("report"));
        let mut child = spawn(dir.path(), &["scan", "-", "--out", "report", "--occurrences"]);
        let mut stdin = child.stdin.take().unwrap();
        let feeder = std::thread::spawn(move || {
            let lines = expired_line().repeat(1000);
            while stdin.write_all(lines.as_bytes()).is_ok() {}
        });
        until("the report is begun", || names(dir.path()).len() > 2);
        std::thread::sleep(Duration::from_millis(200));
        interrupt(&child);
        assert_eq!(child.wait().unwrap().code(), Some(130));
        feeder.join().unwrap();
        assert_eq!(names(dir.path()), ["app.log", "report"]);
        assert_eq!(support::files(&dir.path().join("report")), before);
    }

    #[test]
    fn a_reader_of_stdout_that_goes_away_is_no_error() {
        let dir = logs();
        let mut child = spawn(dir.path(), &["scan", "-"]);
        drop(child.stdout.take());
        child.stdin.take().unwrap().write_all(valid_line().as_bytes()).unwrap();
        let mut told = String::new();
        child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        assert_eq!((child.wait().unwrap().code(), told.as_str()), (Some(0), ""));
    }

    #[test]
    fn a_named_pipe_is_read_like_a_file() {
        let dir = tempfile::tempdir().unwrap();
        assert!(Command::new("mkfifo").arg(dir.path().join("pipe")).status().unwrap().success());
        let child = spawn(dir.path(), &["scan", "pipe", "--quiet", "--out", "report"]);
        fs::write(dir.path().join("pipe"), valid_line()).unwrap();
        let done = child.wait_with_output().unwrap();
        assert_eq!((done.status.code(), text(&done.stderr).as_str()), (Some(0), ""));
        assert_eq!(cell(dir.path(), "sources.csv", "valid"), "1");
    }
}
