//! Completions and manual pages: made of the command line itself, and read by the programs for which they are made,
//! where these are installed.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{files, jwtriage};

/// What the program writes to stdout, with nothing on stderr.
fn told(arguments: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let done = jwtriage(dir.path()).args(arguments).assert().success().stderr("");
    String::from_utf8(done.get_output().stdout.clone()).unwrap()
}

/// What the program says when it refuses.
fn refused(arguments: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let done = jwtriage(dir.path()).args(arguments).assert().code(2).stdout("");
    String::from_utf8(done.get_output().stderr.clone()).unwrap()
}

/// Every subcommand as typed, by what `--help` lists below each: `policy`, `policy check`, ….
fn subcommands() -> Vec<String> {
    fn below(words: &[&str], all: &mut Vec<String>) {
        let help = told(&[words, &["--help"]].concat());
        let listed = help.split_once("\nCommands:\n").map_or("", |(_, behind)| behind);
        for line in listed.lines().take_while(|line| line.starts_with("  ")) {
            // What is listed stands two columns in; its description may go on further in.
            let name = line[2..].split(' ').next().unwrap();
            if !name.is_empty() && name != "help" {
                let deeper = [words, &[name]].concat();
                all.push(deeper.join(" "));
                below(&deeper, all);
            }
        }
    }
    let mut all = Vec::new();
    below(&[], &mut all);
    assert!(all.iter().any(|name| name == "policy check"), "{all:?}");
    all
}

/// Asks a program about a text, unless it is not installed here.
fn accepts(program: &str, arguments: &[&OsStr], text: &str) {
    let asked = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut asked) = asked else { return };
    asked.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let said = asked.wait_with_output().unwrap();
    let complaints = [said.stdout, said.stderr].concat();
    assert!(said.status.success(), "{program}: {}", String::from_utf8_lossy(&complaints));
}

#[test]
fn every_shell_gets_a_script_that_names_every_subcommand() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = told(&["completions", shell]);
        for name in subcommands() {
            let last = name.rsplit(' ').next().unwrap();
            assert!(script.contains(last), "{shell} does not know {name}");
        }
        assert!(script.contains("fail-on"), "{shell}");
    }
}

#[test]
fn shells_can_read_their_scripts() {
    for shell in ["bash", "zsh", "fish"] {
        accepts(shell, &["-n".as_ref()], &told(&["completions", shell]));
    }
}

#[test]
fn bash_completes_a_subcommand_and_a_flags_words() {
    let complete = |typed: &[&str]| {
        let words = typed.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
        let asks = format!(
            "{}\nCOMP_WORDS=({words}); COMP_CWORD={}; _jwtriage jwtriage '{}' '{}'; echo \"${{COMPREPLY[*]}}\"",
            told(&["completions", "bash"]),
            typed.len() - 1,
            typed[typed.len() - 1],
            typed[typed.len() - 2],
        );
        let said = Command::new("bash").args(["--norc", "-c", &asks]).output().ok()?;
        Some(String::from_utf8(said.stdout).unwrap())
    };
    let Some(subcommands) = complete(&["jwtriage", "sc"]) else { return };
    assert!(subcommands.split_whitespace().any(|word| word == "scan"), "{subcommands}");
    let formats = complete(&["jwtriage", "scan", "--color", "a"]).unwrap();
    assert_eq!(formats.split_whitespace().collect::<Vec<_>>(), ["auto", "always"]);
}

#[test]
fn another_shell_is_refused_with_those_that_are_known() {
    let error = refused(&["completions", "tcsh"]);
    assert!(error.contains("bash") && error.contains("elvish"), "{error}");
}

#[test]
fn every_subcommand_has_its_page_and_only_these() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("share/man1");
    // A second time too: pages of an earlier version are replaced.
    for _ in 0..2 {
        jwtriage(dir.path()).args(["man", "--out"]).arg(&out).assert().success().stdout("").stderr("");
    }
    let pages = files(&out);
    let names: BTreeSet<_> = pages.keys().cloned().collect();
    let expected = subcommands().into_iter().map(|name| format!("jwtriage-{}.1", name.replace(' ', "-")));
    assert_eq!(names, expected.chain(["jwtriage.1".to_owned()]).collect());
    for (name, page) in &pages {
        let page = String::from_utf8(page.clone()).unwrap();
        let title =
            format!("\n.TH {} 1 \" \" \"jwtriage {}\"", &name[..name.len() - 2], env!("CARGO_PKG_VERSION"));
        assert!(
            page.contains(&title) && page.contains(".SH SYNOPSIS") && !page.contains("EXTRA"),
            "{name}: {page}"
        );
        let typed: Vec<_> = name[..name.len() - 2].split('-').skip(1).collect();
        assert_eq!(told(&[&["man"], &typed[..]].concat()), page, "on stdout and in a file");
    }
}

#[test]
fn readers_of_manual_pages_find_no_error_in_them() {
    let dir = tempfile::tempdir().unwrap();
    jwtriage(dir.path()).args(["man", "--out", "."]).assert().success();
    for name in files(dir.path()).keys() {
        let page = dir.path().join(name);
        accepts(
            "mandoc",
            &["-T".as_ref(), "lint".as_ref(), "-W".as_ref(), "error".as_ref(), page.as_ref()],
            "",
        );
    }
}

#[test]
fn a_page_that_there_is_not_is_refused_with_those_that_there_are() {
    let error = refused(&["man", "polcy"]);
    assert!(error.contains("found \"polcy\"") && error.contains("scan, policy"), "{error}");
    let error = refused(&["man", "scan", "x"]);
    assert!(error.contains("found \"x\": it has no subcommands"), "{error}");
    refused(&["man", "scan", "--out", "."]);
}

#[test]
fn pages_that_cannot_be_written_are_told() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("taken"), "").unwrap();
    let done = jwtriage(dir.path()).args(["man", "--out", "taken/man1"]).assert().code(2).stdout("");
    let error = String::from_utf8(done.get_output().stderr.clone()).unwrap();
    assert!(
        error.contains("--out: cannot make")
            && error.contains(&Path::new("taken/man1").display().to_string()),
        "{error}"
    );
}
