//! Laws that hold for every log: what is found depends on the bytes of the log and on nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use jwtriage::input::chunk::{LINE_LIMIT, TOKEN_LIMIT};
use jwtriage::policy::Policy;
use jwtriage::run::{Memory, Options};
use jwtriage::scan::candidate::{BEFORE, START};
use jwtriage::secret::Fingerprinter;
use jwtriage::tally::{BucketWidth, Tally};
use jwtriage::timestamp::Timestamp;
use jwtriage::token::decode;
use jwtriage::verdict::Judge;
use proptest::prelude::*;
use proptest::sample::Index;
use regex::bytes::Regex;
use tempfile::TempDir;

use crate::logs::{dated_lines, log, salted_bytes, tokens};
use crate::support::{self, NOON, Scanned, counts, hs256, jwtriage, line, options, put, scan, token};

/// Chunks of so many bytes must give the same findings.
const CHUNK_SIZES: [usize; 6] = [1, 2, 3, 7, 64, 4096];

fn cases(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, max_shrink_iters: 300, ..ProptestConfig::default() }
}

/// A directory with one file, and the file's path.
fn file(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(name);
    write(&path, bytes);
    (dir, path)
}

/// Writes a file that was last changed an hour after [`NOON`], whenever the test runs.
fn write(path: &Path, bytes: &[u8]) {
    put(path, bytes, NOON + 3600);
}

/// The options of a scan that goes by the files' own times.
fn by_file_time() -> Options {
    Options { at: None, ..options() }
}

/// What differs between two reports, briefly; `None` if nothing does.
fn difference(one: &Scanned, other: &Scanned) -> Option<String> {
    let text = |file: Option<&Vec<u8>>| file.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    one.files.keys().chain(other.files.keys()).find_map(|name| {
        let (one, other) = (text(one.files.get(name)), text(other.files.get(name)));
        (one != other)
            .then(|| format!("{name}:\n{}\n---\n{}", one.unwrap_or_default(), other.unwrap_or_default()))
    })
}

proptest! {
    #![proptest_config(cases(24))]

    #[test]
    fn the_chunk_size_shows_nowhere(log in log()) {
        let (_dir, path) = file("app.log", log.as_bytes());
        let expected = scan(&[&path], &by_file_time());
        for chunk_size in CHUNK_SIZES {
            let found = scan(&[&path], &Options { chunk_size, ..by_file_time() });
            prop_assert_eq!(difference(&expected, &found), None, "chunk size {}", chunk_size);
            prop_assert_eq!(expected.counts(), found.counts(), "chunk size {}", chunk_size);
            let near = |scanned: &Scanned| scanned.sources[0].found.near_misses.clone();
            prop_assert_eq!(near(&expected), near(&found), "chunk size {}", chunk_size);
        }
    }

    #[test]
    fn the_number_of_threads_the_memory_and_the_order_of_paths_show_nowhere(logs in prop::collection::vec(log(), 1..5)) {
        let dir = tempfile::tempdir().unwrap();
        let paths: Vec<_> = (0..logs.len()).map(|n| dir.path().join(format!("{n}.log"))).collect();
        paths.iter().zip(&logs).for_each(|(path, log)| write(path, log.as_bytes()));
        let mut paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
        let expected = scan(&paths, &by_file_time());
        for threads in [2, 8] {
            let found = scan(&paths, &Options { threads, chunk_size: 300, ..by_file_time() });
            prop_assert_eq!(difference(&expected, &found), None, "{} threads", threads);
        }
        for (bytes, threads) in [(0, 1), (0, 2), (20_000, 2)] {
            let memory = Some(Memory { bytes, directory: dir.path().to_owned() });
            let found = scan(&paths, &Options { threads, chunk_size: 300, memory, ..by_file_time() });
            prop_assert_eq!(difference(&expected, &found), None, "{} bytes for tokens", bytes);
        }
        paths.reverse();
        prop_assert_eq!(difference(&expected, &scan(&paths, &Options { threads: 3, ..by_file_time() })), None);
        prop_assert_eq!(difference(&expected, &scan(&[dir.path()], &by_file_time())), None, "as a directory");
    }

    #[test]
    fn every_finding_is_counted_once_in_every_place(log in log()) {
        let (_dir, path) = file("app.log", log.as_bytes());
        let scanned = scan(&[&path], &options());
        let sum = |name: &str, column: &str| -> u64 {
            scanned.rows(name).iter().map(|row| row[column].parse::<u64>().unwrap()).sum()
        };
        let candidates = sum("sources.csv", "candidates");
        prop_assert_eq!(candidates, scanned.rows("occurrences.csv").len() as u64);
        prop_assert_eq!(candidates, sum("sources.csv", "valid") + sum("sources.csv", "failing"));
        for name in ["summary.csv", "tokens.csv", "timeline.csv", "keys.csv"] {
            prop_assert_eq!(candidates, sum(name, "occurrences"), "{}", name);
        }
        prop_assert_eq!(candidates, scanned.tally.timeline().iter().map(|(_, _, count, _)| count).sum::<u64>());
    }

    #[test]
    fn a_log_that_is_split_at_a_line_end_gives_the_same_totals(lines in dated_lines(), at in any::<Index>()) {
        let (whole_dir, whole) = file("whole.log", lines.concat().as_bytes());
        let (head, rest) = lines.split_at(at.index(lines.len() + 1));
        let parts = [("a.log", head), ("b.log", rest)].map(|(name, lines)| {
            let path = whole_dir.path().join(name);
            write(&path, lines.concat().as_bytes());
            path
        });
        let whole = scan(&[&whole], &by_file_time());
        let parts = scan(&[&parts[0], &parts[1]], &by_file_time());
        prop_assert_eq!(totals(&whole), totals(&parts));
    }

    #[test]
    fn merging_is_associative_and_commutative_and_an_empty_tally_changes_nothing(
        logs in prop::array::uniform3(log()),
        auto in any::<bool>(),
    ) {
        let width = if auto { BucketWidth::Auto } else { BucketWidth::Seconds(60) };
        let dir = tempfile::tempdir().unwrap();
        let [a, b, c] = [0, 1, 2].map(|n| {
            let path = dir.path().join(format!("{n}.log"));
            write(&path, logs[n].as_bytes());
            let mut options = by_file_time();
            options.criteria.bucket = width;
            scan(&[&path], &options).tally
        });
        let merge = |one: &Tally, other: &Tally| one.clone().merge(other.clone());
        prop_assert_eq!(counts(&merge(&merge(&a, &b), &c)), counts(&merge(&a, &merge(&b, &c))));
        prop_assert_eq!(counts(&merge(&a, &b)), counts(&merge(&b, &a)));
        prop_assert_eq!(counts(&merge(&a, &Tally::new(width))), counts(&a));
        prop_assert_eq!(counts(&merge(&Tally::new(width), &a)), counts(&a));
    }

    #[test]
    fn wrapped_and_piped_logs_give_the_findings_of_the_plain_file(log in log()) {
        let dir = tempfile::tempdir().unwrap();
        let findings = |path: &Path| placeless(&scan(&[path], &options()), "app.log");
        let plain = dir.path().join("app.log");
        write(&plain, log.as_bytes());
        let expected = findings(&plain);
        for (name, bytes) in wrapped(log.as_bytes()) {
            let path = dir.path().join(name);
            write(&path, &bytes);
            prop_assert_eq!(&expected, &findings(&path), "{}", name);
        }
    }
}

proptest! {
    #![proptest_config(cases(6))]

    #[test]
    fn a_piped_log_gives_the_findings_of_the_plain_file(log in log()) {
        let dir = tempfile::tempdir().unwrap();
        write(&dir.path().join("app.log"), log.as_bytes());
        let report = |path: &str, out: &str| {
            jwtriage(dir.path())
                .args(["scan", path, "--at", "2026-06-12T01:00:00Z", "--now", "2026-06-12T01:00:00Z"])
                .args(["--occurrences", "--quiet", "--out", out])
                .write_stdin(log.clone())
                .assert()
                .success();
            placeless_files(&support::files(&dir.path().join(out)), |name| name == path || name == format!("'{path}"))
        };
        prop_assert_eq!(report("app.log", "of-file"), report("-", "of-pipe"));
    }
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn the_fast_scanner_finds_what_the_naive_one_finds(bytes in salted_bytes()) {
        // A first line keeps random bytes from being taken for an archive or another encoding.
        let text = [b"2026-06-12T01:00:00Z log\n", &*bytes].concat();
        let (_dir, path) = file("app.log", &text);
        let mut options = options();
        options.time = options.time.with_key("no.line.has.it").unwrap();
        let found: Vec<_> = scan(&[&path], &options)
            .rows("occurrences.csv")
            .into_iter()
            .map(|row| [&row["offset"], &row["fingerprint"], &row["verdict"], &row["detail"], &row["also"]].map(String::clone))
            .collect();
        prop_assert_eq!(found, naive(&text));
    }

    #[test]
    fn no_bytes_at_all_make_a_scan_panic_or_fail(
        magic in proptest::sample::select(vec![
            &b""[..], b"\x1f\x8b\x08\0\0\0\0\0\0\x03", b"\x28\xb5\x2f\xfd", b"BZh9", b"\xfd7zXZ\0", b"\x04\x22\x4d\x18", b"PK\x03\x04",
            b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"#Fields: date time cs-uri-query\n",
        ]),
        bytes in salted_bytes(),
    ) {
        let (_dir, path) = file("app.log", &[magic, &bytes].concat());
        prop_assert_eq!(scan(&[&path], &options()).sources.len(), 1);
    }
}

/// What a scanner finds that tries every place, decodes everything afresh and remembers nothing: the specification of
/// the fast one. Every line is at [`NOON`].
fn naive(text: &[u8]) -> Vec<[String; 5]> {
    let start = Regex::new(&format!("^(?:{START})")).unwrap();
    let before = Regex::new(BEFORE).unwrap();
    let policy = Policy::default();
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        // What stands more than an escape away tells nothing about where a run begins.
        let begins = start.is_match(&text[at..]) && before.is_match(&text[at.saturating_sub(64)..at]);
        let Some(decoded) = begins.then(|| decode(&text[at..], &[])).flatten() else {
            at += 1;
            continue;
        };
        let outcome = Judge::new(&policy)
            .prepare(&decoded.token, decoded.signed())
            .at(Some(Timestamp::from_seconds(NOON)));
        found.push([
            at.to_string(),
            Fingerprinter::public().token(decoded.own()).to_string(),
            outcome.verdict.to_string(),
            outcome.detail.as_str().to_owned(),
            outcome.also.to_string(),
        ]);
        at += decoded.length;
    }
    found
}

/// What was found, without the numbers and names of sources: per token and outcome how often and when, and per bucket.
fn totals(scanned: &Scanned) -> (Vec<String>, Vec<String>) {
    let outcomes = scanned.tally.tokens().into_iter().flat_map(|(fingerprint, token)| {
        token.outcomes.iter().map(move |(outcome, count)| {
            let times = (count.first_seen, count.last_seen, count.occurrences, count.length);
            format!("{fingerprint} {:?} {outcome:?} {times:?}", token.facts)
        })
    });
    let mut outcomes: Vec<_> = outcomes.collect();
    outcomes.sort();
    (outcomes, scanned.tally.timeline().iter().map(|bucket| format!("{bucket:?}")).collect())
}

/// The rows of a report without the source's name. `name` ends the name of the source of the plain file.
fn placeless(scanned: &Scanned, name: &str) -> BTreeMap<String, Vec<BTreeMap<String, String>>> {
    placeless_files(&scanned.files, |source| source.contains(name))
}

fn placeless_files(
    files: &BTreeMap<String, Vec<u8>>,
    is_source: impl Fn(&str) -> bool,
) -> BTreeMap<String, Vec<BTreeMap<String, String>>> {
    let tables = files.iter().filter(|(name, _)| name.ends_with(".csv"));
    let mut tables: BTreeMap<_, _> = tables.map(|(name, csv)| (name.clone(), support::rows(csv))).collect();
    for row in tables.values_mut().flatten() {
        if let Some(source) = row.get_mut("source") {
            assert!(is_source(source), "an unknown source: {source}");
            source.clear();
        }
        if let Some(place) = row.get_mut("first_location") {
            *place = place.rsplit(':').next().unwrap().to_owned();
        }
        // Hints name sources in the middle of sentences.
        for sentence in ["evidence", "what_to_check"] {
            row.remove(sentence);
        }
    }
    tables
}

/// A log in every wrapping in which archives hold it, by the name of the file.
fn wrapped(log: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    fn finish<W: Write, T>(mut writer: W, log: &[u8], finish: impl FnOnce(W) -> T) -> T {
        writer.write_all(log).unwrap();
        finish(writer)
    }
    let gz = |log: &[u8]| {
        finish(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()), log, |w| {
            w.finish().unwrap()
        })
    };
    let tar = {
        let mut header = tar::Header::new_ustar();
        header.set_size(log.len() as u64);
        header.set_mode(0o644);
        header.set_mtime(NOON as u64);
        let mut builder = tar::Builder::new(Vec::new());
        builder.append_data(&mut header, "var/log/app.log", log).unwrap();
        builder.into_inner().unwrap()
    };
    let zip = {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        writer.start_file("app.log", zip::write::SimpleFileOptions::default()).unwrap();
        finish(writer, log, |w| w.finish().unwrap().into_inner())
    };
    let middle = log.len() / 2;
    vec![
        ("app.log.gz", gz(log)),
        ("app.log.members.gz", [gz(&log[..middle]), gz(&log[middle..])].concat()),
        ("app.log.zst", zstd::encode_all(log, 1).unwrap()),
        ("app.log.bz2", {
            let encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
            finish(encoder, log, |w| w.finish().unwrap())
        }),
        ("app.log.xz", finish(liblzma::write::XzEncoder::new(Vec::new(), 1), log, |w| w.finish().unwrap())),
        ("app.log.lz4", finish(lz4_flex::frame::FrameEncoder::new(Vec::new()), log, |w| w.finish().unwrap())),
        ("bundle.tar.gz", gz(&tar)),
        ("bundle.tar", tar),
        ("bundle.zip", zip),
    ]
}

#[test]
fn a_token_that_is_cut_anywhere_is_never_valid() {
    let claims = r#"{"iss":"https://auth.example.com/","exp":1781229600,"n":12}"#;
    for (header, signature) in [(r#"{"alg":"HS256"}"#, 32), (r#"{"alg":"ES256","kid":"k"}"#, 64)] {
        let whole = token(header, claims, signature);
        for tail in
            ["", "\"}", "...", "\u{2026}", "[truncated]", " rest", "\\n", ",", "***", "%", "=", "&x=y"]
        {
            let cuts: String = (0..whole.len()).map(|at| line(&format!("{}{tail}", &whole[..at]))).collect();
            let (_dir, path) = file("app.log", (line(&whole) + &cuts).as_bytes());
            let rows = scan(&[&path], &options()).rows("occurrences.csv");
            let valid: Vec<_> =
                rows.iter().filter(|row| row["verdict"] == "valid").map(|row| &row["line"]).collect();
            assert_eq!(valid, ["1"], "{header} with {tail:?} behind the cut");
            assert!(rows.len() > whole.len() - 20, "only {} of {} cuts were seen", rows.len(), whole.len());
        }
    }
}

#[test]
fn the_same_fingerprint_means_the_same_facts() {
    let mut known: BTreeMap<String, (String, String)> = BTreeMap::new();
    for whole in tokens() {
        for at in 10..=whole.len() {
            for tail in [
                "",
                "***",
                "...",
                "\u{2026}",
                "[REDACTED]",
                "=",
                "==",
                ".",
                "..",
                ".***",
                "~",
                "/",
                "%3D",
                "%2E",
                "+",
            ] {
                let text = format!("{}{tail}", &whole[..at]);
                let Some(decoded) = decode(text.as_bytes(), &[]) else { continue };
                let name = Fingerprinter::public().token(decoded.own()).to_string();
                let facts = format!(
                    "{:?} {:?}",
                    decoded.token.header.kid,
                    decoded.token.claims.map(|c| (c.iss, c.sub, c.exp, c.nbf, c.iat))
                );
                let (first, known) = known.entry(name).or_insert_with(|| (text.clone(), facts.clone()));
                assert_eq!(*known, facts, "\n{first}\n{text}");
            }
        }
    }
}

#[test]
fn tokens_about_the_cuts_of_a_very_long_line_do_not_depend_on_chunks() {
    let whole = hs256(support::CLAIMS);
    // Around the place where the piece of a long line ends, and around where the search for such a place begins.
    for edge in [LINE_LIMIT, LINE_LIMIT - TOKEN_LIMIT] {
        for before in [edge - whole.len() - 60, edge - whole.len() / 2, edge - 1] {
            let text = format!(
                "2026-06-12T01:00:00Z {}{whole}\" {}\nlast {whole}",
                "a ".repeat(before / 2),
                "x".repeat(LINE_LIMIT)
            );
            let (_dir, path) = file("app.log", text.as_bytes());
            let expected = scan(&[&path], &options());
            let verdicts: Vec<_> =
                expected.rows("occurrences.csv").into_iter().map(|row| row["verdict"].clone()).collect();
            assert_eq!(verdicts, ["valid", "valid"], "{before} bytes before the token");
            for (chunk_size, threads) in [(4096, 1), (65_537, 2), (LINE_LIMIT, 8)] {
                let found = scan(&[&path], &Options { chunk_size, threads, ..options() });
                assert_eq!(difference(&expected, &found), None, "chunk size {chunk_size}");
            }
        }
    }
}

#[test]
fn one_large_file_read_by_many_threads_gives_the_bytes_that_one_thread_gives() {
    let mut text = String::new();
    let tokens = tokens();
    for n in 0..4000 {
        text += &line(&tokens[n % tokens.len()]);
        text += "\tat frame, no time here\n";
    }
    let (_dir, path) = file("app.log", text.as_bytes());
    let expected = scan(&[&path], &options());
    for threads in [2, 8] {
        let found = scan(&[&path], &Options { threads, chunk_size: 10_000, ..options() });
        assert_eq!(difference(&expected, &found), None, "{threads} threads");
    }
    assert_eq!(fs::metadata(&path).unwrap().len(), expected.sources[0].bytes);
}
