//! What verifiers say in the lines of a log, tied to the tokens of their records; and findings by the user's own groups.

use std::fs;
use std::path::Path;

use crate::support::{NOON, expired_line, hs256, jwtriage, rows};

/// The rows of a file of the report on these logs, without their header; cells joined with `|`.
fn told(logs: &[(&str, String)], flags: &[&str], file: &str, columns: &[&str]) -> Vec<String> {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in logs {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let names = logs.iter().map(|(name, _)| *name).filter(|name| name.ends_with(".log"));
    let arguments = ["scan", "--quiet", "--out", "report", "--now", "2026-06-12T09:00:00Z"];
    let done = jwtriage(dir.path()).args(arguments).args(names).args(flags).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    read(&dir.path().join("report").join(file), columns)
}

fn read(file: &Path, columns: &[&str]) -> Vec<String> {
    let cells = |row: std::collections::BTreeMap<String, String>| {
        columns.iter().map(|column| row[*column].clone()).collect::<Vec<_>>().join("|")
    };
    rows(&fs::read(file).unwrap()).into_iter().map(cells).collect()
}

const MESSAGE: [&str; 6] = ["stack", "message", "cause", "verdict", "agrees", "occurrences"];

/// A token that is valid at noon, and one that expired a minute before.
fn good() -> String {
    hs256(&format!(r#"{{"iss":"https://a.example/","exp":{}}}"#, NOON + 600))
}

fn late() -> String {
    hs256(&format!(r#"{{"iss":"https://a.example/","exp":{}}}"#, NOON - 60))
}

#[test]
fn a_message_is_tied_to_the_token_of_its_record_and_agrees_or_not() {
    let log = format!(
        "2026-06-12T01:00:00Z TokenExpiredError: jwt expired token={late}\n\
         2026-06-12T01:00:01Z TokenExpiredError: jwt expired token={good}\n\
         2026-06-12T01:00:02Z request failed token={late}\n\
         \tat verify (auth.js:12)\n\
         Caused by: TokenExpiredError: jwt expired\n\
         2026-06-12T01:00:03Z TokenExpiredError: jwt expired\n\
         2026-06-12T01:00:04Z nothing to see token={good}\n",
        late = late(),
        good = good(),
    );
    let told = told(&[("app.log", log)], &[], "messages.csv", &MESSAGE);
    let row = |rest: &str| format!("node|TokenExpiredError: jwt expired|expired|{rest}");
    assert_eq!(told, [row("|no_token|1"), row("expired|yes|2"), row("valid|no|1")]);
}

#[test]
fn the_innermost_message_of_a_record_counts_once() {
    let log = format!(
        "2026-06-12T01:00:00Z UnauthorizedError: Authentication failed token={}\n\
         Caused by: JsonWebTokenError: jwt malformed\n\
         Caused by: JsonWebTokenError: invalid signature\n",
        late(),
    );
    let told = told(&[("app.log", log)], &[], "messages.csv", &["message", "occurrences"]);
    assert_eq!(told, ["JsonWebTokenError: invalid signature|1"]);
}

#[test]
fn a_policy_adds_messages_of_its_own() {
    let policy = "[[message]]\npattern = 'gate says no: \\w+'\ncause = \"expired\"\nstack = \"gate\"\n";
    let log = format!("2026-06-12T01:00:00Z gate says no: stale token={}\n", late());
    let logs = [("app.log", log), ("policy.toml", policy.to_owned())];
    let told = told(&logs, &["--policy", "policy.toml"], "messages.csv", &MESSAGE);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("gate|gate says no: ") && told[0].ends_with("|expired|expired|yes|1"),
        "{told:?}"
    );
}

#[test]
fn findings_are_counted_by_pattern_by_source_and_by_key() {
    let log = format!(
        "{{\"time\":\"2026-06-12T01:00:00Z\",\"service\":\"orders\",\"path\":\"/a\",\"token\":\"{late}\"}}\n\
         {{\"time\":\"2026-06-12T01:00:01Z\",\"service\":\"orders\",\"path\":\"/b\",\"token\":\"{good}\"}}\n\
         {{\"time\":\"2026-06-12T01:00:02Z\",\"path\":\"/b\",\"token\":\"{good}\"}}\n",
        late = late(),
        good = good(),
    );
    let logs = [("web-1.log", log), ("db-1.log", expired_line())];
    let flags = [
        "--group-by",
        "service",
        "--group-by",
        "host=source:^([a-z]+)-",
        "--group-by",
        r#"path="path":"([^"]*)""#,
    ];
    let columns = ["name", "value", "verdict", "occurrences", "distinct_tokens"];
    let told = told(&logs, &flags, "groups.csv", &columns);
    assert_eq!(
        told,
        [
            "host|db|expired|1|1",
            "host|web|expired|1|1",
            "host|web|valid|2|1",
            "path||expired|1|1",
            "path|/a|expired|1|1",
            "path|/b|valid|2|1",
            "service||expired|1|1",
            "service||valid|1|1",
            "service|orders|expired|1|1",
            "service|orders|valid|1|1",
        ]
    );
}

#[test]
fn a_line_without_a_value_has_that_of_its_record_s_first_line_and_no_token_is_taken_apart() {
    let token = late();
    let log = format!(
        "2026-06-12T01:00:00Z service=orders failed\n\ttoken={token}\n\
         2026-06-12T01:00:01Z service=billing token={token}\n"
    );
    let flags = ["--group-by", "service", "--group-by", "t=token=(.{4})"];
    let told = told(&[("app.log", log)], &flags, "groups.csv", &["name", "value", "occurrences"]);
    assert_eq!(told, ["service|billing|1", "service|orders|1", "t|eyJ*|2"]);
}

#[test]
fn a_group_that_is_none_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("app.log"), "").unwrap();
    let done = jwtriage(dir.path())
        .args(["scan", "app.log", "--out", "r", "--group-by", "path=("])
        .output()
        .unwrap();
    assert_eq!(done.status.code(), Some(2));
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains("--group-by path=(: expected a regular expression behind path="), "{said}");
}

#[test]
fn a_line_without_a_time_counts_as_such_whatever_is_said_on_it() {
    let log = format!("jwt expired {}\njwt expired\n{}\n", late(), late());
    let told = told(&[("app.log", log)], &[], "sources.csv", &["lines", "candidates", "undated_lines"]);
    assert_eq!(told, ["3|2|2"]);
}

#[test]
fn a_group_that_has_no_value_anywhere_is_told() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("app.log"), expired_line()).unwrap();
    let arguments =
        ["scan", "app.log", "--quiet", "--out", "r", "--group-by", "sevrice", "--group-by", "all=."];
    let done = jwtriage(dir.path()).args(arguments).output().unwrap();
    let said = String::from_utf8(done.stderr).unwrap();
    assert!(said.contains("no finding has a value of --group-by sevrice"), "{said}");
    assert!(!said.contains("--group-by all"), "{said}");
}

#[test]
fn no_part_of_a_token_is_a_group_s_value_in_whatever_form_it_stands() {
    let token = late();
    let [header, payload, signature] = token.split('.').collect::<Vec<_>>()[..] else {
        panic!("three segments")
    };
    let log = format!(
        "{{\"time\":\"2026-06-12T01:00:00Z\",\"protected\":\"{header}\",\"payload\":\"{payload}\",\"signature\":\"{signature}\",\"t\":\"{token}\"}}\n\
         {{\"time\":\"2026-06-12T01:00:01Z\",\"x\":\"refresh={payload}.{signature}\",\"t\":\"{token}\"}}\n\
         {{\"time\":\"2026-06-12T01:00:02Z\",\"x\":\"{header}. {payload}. {signature}\",\"t\":\"{token}\"}}\n"
    );
    let groups = ["protected", "payload", "signature", "x", "all=(.+)"];
    let flags: Vec<&str> = groups.iter().flat_map(|group| ["--group-by", group]).collect();
    let values = told(&[("app.log", log)], &flags, "groups.csv", &["value"]).join("\n");
    for segment in [header, payload, signature] {
        for window in segment.as_bytes().windows(12) {
            let window = std::str::from_utf8(window).unwrap();
            assert!(!values.contains(window), "{values}");
        }
    }
}

#[test]
fn a_member_s_value_is_what_its_json_says() {
    let token = late();
    let log = format!(
        "{{\"time\":\"2026-06-12T01:00:00Z\",\"path\":\"\\/v1\\/caf\\u00e9\",\"t\":\"{token}\"}}\n\
         {{\"time\":\"2026-06-12T01:00:01Z\",\"path\":\"/v1/caf\u{e9}\",\"t\":\"{token}\"}}\n\
         {{\"time\":\"2026-06-12T01:00:02Z\",\"path\":null,\"t\":\"{token}\"}}\n"
    );
    let told = told(&[("app.log", log)], &["--group-by", "path"], "groups.csv", &["value", "occurrences"]);
    assert_eq!(told, ["|1", "/v1/caf\u{e9}|2"]);
}

#[test]
fn a_message_that_holds_the_token_is_tied_to_it_wherever_its_fixed_text_stands() {
    let token = late();
    let log = format!(
        "2026-06-12T01:00:00Z nothing yet\n2026-06-12T01:00:01Z gate refused {token} because it is stale\n\
         2026-06-12T01:00:02Z token={token}\n"
    );
    for pattern in ["refused \\S+ because it is stale", "gate refused for good: |gate refused \\S+ because"] {
        let policy = format!("[[message]]\npattern = '{pattern}'\ncause = \"expired\"\nstack = \"gate\"\n");
        let logs = [("app.log", log.clone()), ("policy.toml", policy)];
        let columns = ["verdict", "agrees", "occurrences", "first_seen"];
        let told = told(&logs, &["--policy", "policy.toml"], "messages.csv", &columns);
        assert_eq!(told, ["expired|yes|1|2026-06-12T01:00:01Z"], "{pattern}");
    }
}
