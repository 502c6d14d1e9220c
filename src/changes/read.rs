//! A report directory → its [`Snapshot`], from the CSV files that count.
//!
//! | file | items |
//! |---|---|
//! | `summary.csv` | verdict: each detail of each verdict |
//! | `keys.csv` | key: issuer, `kid` and `alg`, whatever the key's status was |
//! | `issuers.csv`, `audiences.csv` | issuer, audience: each with each verdict |
//! | `sources.csv` | source: failing findings of each [log](super::stream); and, of what could not be read to its end, its status |
//! | `live.csv` | live token: its fingerprint |
//!
//! Rows that make the same item are added up. An empty name is one too: tokens without an issuer are tokens of an issuer
//! that nobody names.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

use csv::{Reader, StringRecord};

use super::stream::stream;
use super::{Item, Kind, Measure, Snapshot};
use crate::error::{Error, Result};
use crate::report::{Cell, Lines};

/// Reads a report directory. What its files hold is read as it comes, and only what is counted is kept.
///
/// # Errors
/// When it is no report directory, or has no CSV files, or one of them is not as jwtriage writes it.
pub fn read(dir: &Path) -> Result<Snapshot> {
    expect_report(dir)?;
    let mut snapshot = Snapshot::new();
    let mut add = |kind, name: String, verdict: &str, occurrences, distinct_tokens| {
        let item = Item { kind, name, verdict: text(verdict) };
        snapshot.entry(item).or_default().add(Measure { occurrences, distinct_tokens });
    };
    table(
        dir,
        "summary.csv",
        ["detail", "verdict"],
        ["occurrences", "distinct_tokens"],
        |[name, verdict], [n, tokens]| {
            add(Kind::Verdict, text(name), verdict, n, tokens);
        },
    )?;
    table(dir, "keys.csv", ["iss", "kid", "alg"], ["occurrences", "distinct_tokens"], |key, [n, tokens]| {
        add(Kind::Key, key_name(&key.map(text)), "", n, tokens);
    })?;
    for (kind, file, name) in [(Kind::Issuer, "issuers.csv", "iss"), (Kind::Audience, "audiences.csv", "aud")]
    {
        table(
            dir,
            file,
            [name, "verdict"],
            ["occurrences", "distinct_tokens"],
            |[name, verdict], [n, tokens]| {
                add(kind, text(name), verdict, n, tokens);
            },
        )?;
    }
    table(dir, "sources.csv", ["source", "status"], ["failing"], |[name, status], [failing]| {
        if failing > 0 {
            add(Kind::Source, stream(&text(name)), "", failing, 0);
        }
        if matches!(status, "partial" | "unreadable") {
            add(Kind::Source, stream(&text(name)), status, 0, 0);
        }
    })?;
    table(dir, "live.csv", ["fingerprint"], ["occurrences"], |[name], [n]| {
        add(Kind::LiveToken, text(name), "", n, 1);
    })?;
    Ok(snapshot)
}

/// What a snapshot says of logs that could not be read to their end, of those of these sources and what lies in them. Sources are named
/// as in reports: without tokens.
#[must_use]
pub fn still_damaged<S: AsRef<str>>(before: &Snapshot, sources: impl IntoIterator<Item = S>) -> Snapshot {
    let is_damaged = |item: &Item| item.kind == Kind::Source && !item.verdict.is_empty();
    let damaged: Vec<_> = before.iter().filter(|(item, _)| is_damaged(item)).collect();
    if damaged.is_empty() {
        return Snapshot::new();
    }
    let streams: HashSet<String> = sources.into_iter().map(|name| stream(name.as_ref())).collect();
    let outer = |name: &str| name.match_indices('!').any(|(at, _)| streams.contains(&stream(&name[..at])));
    let still = damaged.into_iter().filter(|(item, _)| streams.contains(&item.name) || outer(&item.name));
    still.map(|(item, measure)| (item.clone(), *measure)).collect()
}

/// The name of a key.
pub(super) fn key_name(key: &[String; 3]) -> String {
    let mut line = Lines::default();
    key.iter().for_each(|part| line.text(part));
    line.end();
    String::from_utf8_lossy(&line.into_bytes()).trim_end_matches('\n').to_owned()
}

/// Issuer, `kid` and `alg` of a key's name.
pub(super) fn key_parts(name: &str) -> [String; 3] {
    let mut record = StringRecord::new();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(name.as_bytes());
    // A name that is no such line has no parts.
    let _ = reader.read_record(&mut record);
    [0, 1, 2].map(|part| record.get(part).unwrap_or_default().to_owned())
}

/// What a cell says, masked and escaped anew: a report may have been written by anybody.
fn text(cell: &str) -> String {
    Cell::read(cell).plain().to_owned()
}

/// Complains if this is no directory of CSV files, as a person would ask: is it there, is it a directory, has it none?
fn expect_report(dir: &Path) -> Result<()> {
    if dir.join("summary.csv").is_file() {
        return Ok(());
    }
    let shown = dir.display();
    let found = match std::fs::metadata(dir) {
        Err(error) => format!("\"{shown}\": {error}"),
        Ok(metadata) if !metadata.is_dir() => {
            format!("the file \"{shown}\": name the directory that was given to --out")
        }
        Ok(_) => match ["report.json", "report.html", "summary.md"]
            .iter()
            .find(|name| dir.join(name).is_file())
        {
            Some(other) => format!("only {other} in \"{shown}\": write its report again, with --format csv"),
            None => format!("none in \"{shown}\": name the directory that was given to --out"),
        },
    };
    Err(Error::new(format!("expected a report directory with summary.csv, found {found}")))
}

/// Hands the texts and the numbers of some columns to `take`, row by row.
fn table<const T: usize, const N: usize>(
    dir: &Path,
    file: &str,
    texts: [&str; T],
    numbers: [&str; N],
    mut take: impl FnMut([&str; T], [u64; N]),
) -> Result<()> {
    let path = dir.join(file);
    let wrong = |what: String| Error::new(format!("\"{}\": {what}", path.display()));
    let advice = "is it a whole report of jwtriage? write it again";
    let opened = File::open(&path).map_err(|error| {
        wrong(format!("cannot read the table, which every report with CSV files has: {error}; {advice}"))
    })?;
    let mut reader = Reader::from_reader(opened);
    let broken = |error: &csv::Error| wrong(format!("expected a CSV file, found that {error}; {advice}"));
    let header = reader.headers().map_err(|error| broken(&error))?.clone();
    let place = |column: &str| {
        let place = header.iter().position(|name| name == column);
        place.ok_or_else(|| wrong(format!("expected a column {column}, found none; {advice}")))
    };
    let (mut text_places, mut number_places) = ([0; T], [0; N]);
    for (at, column) in text_places.iter_mut().zip(texts).chain(number_places.iter_mut().zip(numbers)) {
        *at = place(column)?;
    }
    let mut record = StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| broken(&error))? {
        let cell = |at: usize| record.get(at).unwrap_or_default();
        let mut values = [0; N];
        for ((value, at), column) in values.iter_mut().zip(number_places).zip(numbers) {
            *value = cell(at).parse().map_err(|_| {
                let line = record.position().map_or(0, csv::Position::line);
                wrong(format!("line {line}: expected a number as {column}, found other text; {advice}"))
            })?;
        }
        take(text_places.map(cell), values);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// The tables of a report, each with these rows.
    fn report(rows: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (file, header) in [
            (
                "summary.csv",
                "verdict,detail,occurrences,distinct_tokens,distinct_subjects,sources,first_seen,last_seen,share",
            ),
            (
                "keys.csv",
                "iss,kid,alg,key_status,occurrences,distinct_tokens,sources,first_seen,last_seen,verified,failed",
            ),
            ("issuers.csv", "iss,known,verdict,occurrences,distinct_tokens,first_seen,last_seen"),
            ("audiences.csv", "aud,known,verdict,occurrences,distinct_tokens,first_seen,last_seen"),
            (
                "sources.csv",
                "source,status,bytes,lines,candidates,valid,failing,first_event,last_event,time_format,undated_lines,error",
            ),
            (
                "live.csv",
                "fingerprint,iss,aud,sub_fingerprint,expires_at,remaining_s,occurrences,sources,first_location",
            ),
        ] {
            let rows: String =
                rows.iter().filter(|(name, _)| *name == file).map(|(_, row)| format!("{row}\n")).collect();
            fs::write(dir.path().join(file), format!("{header}\n{rows}")).unwrap();
        }
        dir
    }

    fn items(rows: &[(&str, &str)]) -> Vec<(&'static str, String, String, u64, u64)> {
        let read = read(report(rows).path()).unwrap();
        let row = |(item, count): (Item, Measure)| {
            (item.kind.as_str(), item.name, item.verdict, count.occurrences, count.distinct_tokens)
        };
        read.into_iter().map(row).collect()
    }

    fn item(
        kind: &'static str,
        name: &str,
        verdict: &str,
        n: u64,
        tokens: u64,
    ) -> (&'static str, String, String, u64, u64) {
        (kind, name.to_owned(), verdict.to_owned(), n, tokens)
    }

    #[test]
    fn each_table_gives_its_items() {
        let found = items(&[
            ("summary.csv", "stale_kid,retired,51,33,9,2,,,0.100000"),
            ("keys.csv", "\"https://a/,b\",may-1,ES256,current,140,73,10,,,137,1"),
            ("keys.csv", "\"https://a/,b\",may-1,ES256,retired,51,33,2,,,51,0"),
            ("issuers.csv", "https://a/,yes,valid,549,283,,"),
            ("audiences.csv", ",no,expired,4,4,,"),
            ("sources.csv", "logs/app.log.1,complete,9,9,41,0,41,,,,0,"),
            ("sources.csv", "logs/app.log,partial,9,9,9,8,1,,,,0,cut"),
            ("sources.csv", "logs/good.log,complete,9,9,9,9,0,,,,0,"),
            ("sources.csv", "logs/none.log,unreadable,0,0,0,0,0,,,,0,denied"),
            ("live.csv", "jt_0123456789abcdef0123,https://a/,,,,,7,1,logs/app.log:3"),
        ]);
        assert_eq!(
            found,
            [
                item("verdict", "retired", "stale_kid", 51, 33),
                item("key", "\"https://a/,b\",may-1,ES256", "", 191, 106),
                item("issuer", "https://a/", "valid", 549, 283),
                item("audience", "", "expired", 4, 4),
                item("source", "logs/app.log", "", 42, 0),
                item("source", "logs/app.log", "partial", 0, 0),
                item("source", "logs/none.log", "unreadable", 0, 0),
                item("live_token", "jt_0123456789abcdef0123", "", 7, 1),
            ]
        );
    }

    #[test]
    fn the_quote_for_spreadsheets_is_taken_away_and_what_is_hidden_is_shown() {
        let found = items(&[
            ("issuers.csv", "'=1+1,no,expired,1,1,,"),
            ("issuers.csv", "'@x,no,expired,1,1,,"),
            ("issuers.csv", "'tis,no,expired,1,1,,"),
            ("issuers.csv", "\u{1b}[31mred,no,expired,1,1,,"),
            ("issuers.csv", "x eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl,no,expired,1,1,,"),
        ]);
        let names: Vec<_> = found.iter().map(|item| &*item.1).collect();
        assert_eq!(names, ["'tis", "=1+1", "@x", "\\x1b[31mred", "x eyJ***"]);
    }

    #[test]
    fn a_key_is_made_of_its_name_again() {
        for key in
            [["https://a/", "k,1", "ES256"], ["", "", ""], ["a\"b", "=1", "none"], ["-", " ", "x\\x0ay"]]
        {
            let key = key.map(str::to_owned);
            assert_eq!(key_parts(&key_name(&key)), key);
        }
    }

    fn refusal(dir: &Path) -> String {
        read(dir).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_report_directory_is_refused_with_what_was_found() {
        let dir = tempfile::tempdir().unwrap();
        let expected = "expected a report directory with summary.csv, found ";
        let absent = refusal(&dir.path().join("absent"));
        assert!(absent.starts_with(expected) && absent.contains("absent\": "), "{absent}");
        let empty = refusal(dir.path());
        assert!(
            empty.starts_with(&format!("{expected}none in \"")) && empty.ends_with("given to --out"),
            "{empty}"
        );
        fs::write(dir.path().join("report.html"), "").unwrap();
        let page = refusal(dir.path());
        assert!(page.contains("only report.html in") && page.ends_with("with --format csv"), "{page}");
        let file = refusal(&dir.path().join("report.html"));
        assert!(file.contains("found the file \""), "{file}");
    }

    #[test]
    fn a_table_that_jwtriage_did_not_write_is_refused() {
        let cases = [
            ("keys.csv", None, "which every report with CSV files has"),
            ("summary.csv", Some("a,b\n1,2\n"), "expected a column detail, found none"),
            (
                "live.csv",
                Some("fingerprint,occurrences\njt_1,secret\n"),
                "line 2: expected a number as occurrences",
            ),
            (
                "issuers.csv",
                Some("iss,verdict,occurrences,distinct_tokens\nx\n"),
                "expected a CSV file, found that",
            ),
        ];
        for (file, content, complaint) in cases {
            let dir = report(&[]);
            match content {
                None => fs::remove_file(dir.path().join(file)).unwrap(),
                Some(content) => fs::write(dir.path().join(file), content).unwrap(),
            }
            let told = refusal(dir.path());
            assert!(told.contains(file) && told.contains(complaint) && !told.contains("secret"), "{told}");
        }
    }
}
