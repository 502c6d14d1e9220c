//! `jwtriage diff`, and what a nightly run calls: reports of scans compared, told and written.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use assert_cmd::assert::Assert;
use jwtriage::changes::{self, News};
use tempfile::TempDir;

use crate::support::{self, expired_line, hs256, jwtriage, line, valid_line};

/// When the tests' reports ask what is still usable: an hour after the tokens of most of them have expired.
const LATER: &str = "--now=2026-07-01";

/// Scans some of a directory's files into a report directory there.
fn scan(dir: &Path, paths: &[&str], out: &str) {
    jwtriage(dir).arg("scan").args(paths).args(["--quiet", "--out", out, LATER]).assert().success();
}

/// A directory with a log, and its report as `a`.
fn first_report(log: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("logs")).unwrap();
    fs::write(dir.path().join("logs/app.log"), log).unwrap();
    scan(dir.path(), &["logs"], "a");
    dir
}

/// The same with a second log, and the report of both as `b`.
fn two_reports(log: &str, other: &str) -> TempDir {
    let dir = first_report(log);
    fs::write(dir.path().join("logs/other.log"), other).unwrap();
    scan(dir.path(), &["logs"], "b");
    dir
}

fn diff(dir: &Path, arguments: &[&str]) -> Assert {
    jwtriage(dir).arg("diff").args(arguments).assert()
}

fn stdout(done: &Assert) -> String {
    String::from_utf8(done.get_output().stdout.clone()).unwrap()
}

fn stderr(done: &Assert) -> String {
    String::from_utf8(done.get_output().stderr.clone()).unwrap()
}

/// What a table of changes names: kind, name and verdict of each row.
fn named(files: &BTreeMap<String, Vec<u8>>, table: &str) -> Vec<[String; 3]> {
    let named = |row: BTreeMap<String, String>| ["kind", "name", "verdict"].map(|column| row[column].clone());
    support::rows(&files[table]).into_iter().map(named).collect()
}

#[test]
fn what_one_more_log_brings_is_new_and_the_other_way_round_it_is_gone() {
    let other =
        line(&hs256(r#"{"iss":"https://staging.example.com/","aud":"web","sub":"u-3","exp":1781222400}"#));
    let dir = two_reports(&valid_line(), &other);
    let done = diff(dir.path(), &["a", "b", "--out", "changes"]).code(0);
    assert_eq!(
        stdout(&done),
        "\
5 new

new (1 verdict, 1 key, 1 issuer, 1 audience, 1 source):
  verdict   expired                              expired  1 time, 1 token
  key       https://staging.example.com/,,HS256           1 time, 1 token
  issuer    https://staging.example.com/         expired  1 time, 1 token
  audience  web                                  expired  1 time, 1 token
  source    logs/other.log                                1 finding
"
    );
    assert_eq!(stderr(&done), "");
    diff(dir.path(), &["b", "a", "--out", "back", "--quiet"]).code(0).stdout("");
    let (there, back) =
        (support::files(&dir.path().join("changes")), support::files(&dir.path().join("back")));
    assert_eq!(
        there.keys().collect::<Vec<_>>(),
        ["changes.md", "new.csv", "out_of_band.csv", "resolved.csv"]
    );
    assert_eq!(there["new.csv"], back["resolved.csv"]);
    assert_eq!(there["resolved.csv"], back["new.csv"]);
    let expected = [
        ["verdict", "expired", "expired"],
        ["key", "https://staging.example.com/,,HS256", ""],
        ["issuer", "https://staging.example.com/", "expired"],
        ["audience", "web", "expired"],
        ["source", "logs/other.log", ""],
    ];
    assert_eq!(named(&there, "new.csv"), expected.map(|row| row.map(str::to_owned)));
}

#[test]
fn a_report_beside_itself_or_with_rotated_logs_has_no_news() {
    let dir = first_report(&expired_line());
    fs::rename(dir.path().join("logs/app.log"), dir.path().join("logs/app.log.1")).unwrap();
    scan(dir.path(), &["logs"], "b");
    for now in ["a", "b"] {
        diff(dir.path(), &["a", now, "--fail-on", "new"]).code(0).stdout("nothing new\n");
    }
}

#[test]
fn news_exits_with_1_only_if_asked_and_valid_tokens_never_do() {
    let dir = two_reports(&valid_line(), &expired_line());
    diff(dir.path(), &["a", "b"]).code(0);
    diff(dir.path(), &["a", "b", "--fail-on", "new"]).code(1);
    diff(dir.path(), &["b", "a", "--fail-on", "new"]).code(0);
    let valid = line(&hs256(r#"{"iss":"https://auth.example.com/","aud":"other","exp":1781229600}"#));
    let dir = two_reports(&valid_line(), &valid);
    let done = diff(dir.path(), &["a", "b", "--fail-on", "new"]).code(0);
    assert!(stdout(&done).contains("audience  other  valid  1 time, 1 token"), "{}", stdout(&done));
}

#[test]
fn a_live_token_is_news_until_the_baseline_accepts_it() {
    let forever = line(&hs256(r#"{"iss":"https://auth.example.com/","aud":"api","sub":"u-9"}"#));
    let dir = two_reports(&valid_line(), &forever);
    let live = support::rows(&fs::read(dir.path().join("b/live.csv")).unwrap());
    let fingerprint = &live[0]["fingerprint"];
    let done = diff(dir.path(), &["a", "b", "--fail-on", "new"]).code(1);
    assert!(stdout(&done).contains(&format!("live token  {fingerprint}  1 time")), "{}", stdout(&done));

    let accept = |expires: &str| {
        let entry = format!(
            "[[accept]]\nfingerprint = \"{fingerprint}\"\nreason = \"a test's\"\nexpires = {expires}\n"
        );
        fs::write(dir.path().join("baseline.toml"), entry).unwrap();
    };
    accept("9999-12-31");
    let arguments = ["a", "b", "--baseline", "baseline.toml", "--fail-on", "new"];
    diff(dir.path(), &arguments).code(0).stdout("nothing new, 1 accepted\n");
    accept("2020-01-01");
    let done = diff(dir.path(), &arguments).code(1);
    let told =
        "baseline.toml:1: this entry expired on 2020-01-01 and accepts nothing: renew it or take it out\n";
    assert!(stdout(&done).starts_with("1 new\n") && stdout(&done).ends_with(told), "{}", stdout(&done));
}

#[test]
fn a_baseline_accepts_sources_by_pattern() {
    let dir = two_reports(&expired_line(), &expired_line());
    let entry = "[[accept]]\nsource = \"logs/oth*\"\nreason = \"known\"\nexpires = 9999-12-31\n";
    fs::write(dir.path().join("baseline.toml"), entry).unwrap();
    diff(dir.path(), &["a", "b", "--fail-on", "new"]).code(1);
    diff(dir.path(), &["a", "b", "--fail-on", "new", "--baseline", "baseline.toml"]).code(0);
}

#[test]
fn wrong_usage_exits_with_2_and_says_what_to_do() {
    let dir = two_reports(&valid_line(), &expired_line());
    jwtriage(dir.path())
        .args(["scan", "logs", "--quiet", "--out", "page", "--format", "html", LATER])
        .assert()
        .success();
    fs::write(dir.path().join("bad.toml"), "[[accept]]\nkidd = \"x\"\n").unwrap();
    for (arguments, complaint) in [
        (vec!["a"], "REPORT_B"),
        (vec!["a", "absent"], "expected a report directory with summary.csv, found \"absent\": "),
        (vec!["page", "b"], "found only report.html in \"page\": write its report again, with --format csv"),
        (vec!["logs", "b"], "found none in \"logs\": name the directory that was given to --out"),
        (vec!["logs/app.log", "b"], "found the file \"logs/app.log\""),
        (
            vec!["a", "b", "--baseline", "bad.toml"],
            "unknown key \"kidd\" in [[accept]]; did you mean \"kid\"?",
        ),
        (vec!["a", "b", "--out", "b"], "--out b: it is there already"),
        (vec!["a", "b", "--fail-on", "expired"], "new"),
    ] {
        let done = diff(dir.path(), &arguments).code(2).stdout("");
        assert!(stderr(&done).contains(complaint), "{arguments:?}: {}", stderr(&done));
    }
    assert!(dir.path().join("b/tokens.csv").is_file(), "the report is still there");
}

#[test]
fn hostile_claims_are_harmless_in_every_output_and_no_part_of_a_token_is_in_them() {
    let nested = hs256(r#"{"sub":"hidden-nested-subject"}"#);
    let hostile = [
        "=HYPERLINK(\\\"https://evil.example/\\\")",
        "\\u001b[31mred\\u001b]0;title\\u0007",
        "<script>alert(1)</script>",
        "`|| [x](javascript:alert(1)) @everyone ![](https://evil.example/p.png)",
        "a\\nb,c\\\"d",
        "\\u202egpj.exe",
        &nested,
    ];
    let token = |text: &str| {
        let claims = format!(r#"{{"iss":"{text}","aud":"{text}","sub":"hidden-subject","exp":1781222400}}"#);
        let header = format!(r#"{{"alg":"HS256","kid":"{text}"}}"#);
        support::token(&header, &claims, 32)
    };
    let tokens: Vec<_> = hostile.iter().map(|text| token(text)).collect();
    let log: String = tokens.iter().map(|token| line(token)).collect();
    let dir = two_reports(&valid_line(), &log);
    let done = diff(dir.path(), &["a", "b", "--out", "changes"]).code(0);
    let mut outputs = support::files(&dir.path().join("changes"));
    assert!(named(&outputs, "new.csv").iter().any(|[_, name, _]| name.starts_with("'=HYPERLINK")));
    assert!(named(&outputs, "new.csv").iter().any(|[_, name, _]| name == "eyJ***"));
    for row in named(&outputs, "new.csv").iter().flatten() {
        assert!(!row.starts_with(['=', '+', '-', '@']), "{row}");
    }
    let markdown = String::from_utf8(outputs["changes.md"].clone()).unwrap();
    for cell in markdown.lines().flat_map(|line| line.trim_start_matches("| ").split(" | ")) {
        let is_markup = ["<", "](", "![", "@", "HYPERLINK", "\\x"].iter().any(|markup| cell.contains(markup));
        assert!(!is_markup || cell.starts_with('`') || cell.starts_with("<code>&#"), "{cell}: {markdown}");
    }
    outputs.insert("stdout".to_owned(), stdout(&done).into_bytes());
    for (name, bytes) in &outputs {
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(!text.contains(|c: char| c.is_control() && c != '\n' || c == '\u{202e}'), "{name}: {text}");
        assert!(!text.contains("hidden"), "{name}: {text}");
        for part in tokens.iter().chain([&nested]).flat_map(|token| token.split('.')) {
            let windows = part.as_bytes().windows(12).map(|window| std::str::from_utf8(window).unwrap());
            assert!(windows.into_iter().all(|window| !text.contains(window)), "{name}: {text}");
        }
    }
}

#[test]
fn every_report_of_the_test_data_can_be_read_and_counts_all_that_it_tells() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    for case in ["incident", "formulas", "live", "damaged", "empty"] {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("report");
        let mut command = jwtriage(&root);
        command.args(["scan", case, "--quiet", "--now", "2026-06-12T09:00:00Z", "--out"]).arg(&out);
        assert!(matches!(command.output().unwrap().status.code(), Some(0 | 3)), "{case}");
        let snapshot = changes::read(&out).unwrap();
        let files = support::files(&out);
        for (kind, file) in [("verdict", "summary.csv"), ("key", "keys.csv"), ("issuer", "issuers.csv")] {
            let counted: u64 = support::rows(&files[file])
                .iter()
                .map(|row| row["occurrences"].parse::<u64>().unwrap())
                .sum();
            let items = snapshot.iter().filter(|(item, _)| item.kind.as_str() == kind);
            assert_eq!(items.map(|(_, measure)| measure.occurrences).sum::<u64>(), counted, "{case}/{file}");
        }
        let live = snapshot.keys().filter(|item| item.kind == changes::Kind::LiveToken).count();
        assert_eq!(live, support::rows(&files["live.csv"]).len(), "{case}");
        assert!(News::of(std::slice::from_ref(&snapshot), &snapshot).is_empty(), "{case}");
    }
}
