//! What the tests share: tokens, the program, and scans through the library.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use assert_cmd::Command;
use data_encoding::BASE64URL_NOPAD;
use jwtriage::hints::Facts;
use jwtriage::input::Limits;
use jwtriage::input::chunk::LINE_LIMIT;
use jwtriage::policy::Policy;
use jwtriage::report::{About, Findings, Format, OccurrenceSpool, Report, Staging};
use jwtriage::run::{self, Ending, Observer, Options};
use jwtriage::scan::event_time::TimeRules;
use jwtriage::tally::{SourceTally, Tally};
use jwtriage::timestamp::Timestamp;
use jwtriage::triage::Criteria;

/// 2026-06-12T01:00:00Z, around which all logs of the tests are written.
pub(crate) const NOON: i64 = 1_781_226_000;

/// Every format of a report.
const FORMATS: [Format; 4] = [Format::Csv, Format::Json, Format::Md, Format::Html];

/// The claims of a token that is valid at [`NOON`].
pub(crate) const CLAIMS: &str =
    r#"{"iss":"https://auth.example.com/","aud":"api","sub":"u-1","exp":1781229600,"iat":1781222400}"#;

/// `header.payload.signature`, with a signature of so many bytes.
pub(crate) fn token(header: &str, claims: &str, signature: usize) -> String {
    let signature: Vec<u8> = (0..signature).map(|i| (i as u8).wrapping_mul(37).wrapping_add(11)).collect();
    [header.as_bytes(), claims.as_bytes(), &signature].map(|part| BASE64URL_NOPAD.encode(part)).join(".")
}

/// A token under HS256 with these claims.
pub(crate) fn hs256(claims: &str) -> String {
    token(r#"{"alg":"HS256","typ":"JWT"}"#, claims, 32)
}

/// A line at [`NOON`] that holds a text.
pub(crate) fn line(text: &str) -> String {
    format!("2026-06-12T01:00:00Z api auth failed token={text} \n")
}

/// A line with a token that is valid at its time.
pub(crate) fn valid_line() -> String {
    line(&hs256(CLAIMS))
}

/// A line with a token that expired an hour before.
pub(crate) fn expired_line() -> String {
    line(&hs256(r#"{"iss":"https://auth.example.com/","sub":"u-2","exp":1781222400}"#))
}

/// The program, to be run in a directory, with nothing of the tester's own surroundings.
pub(crate) fn jwtriage(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jwtriage"));
    command.current_dir(dir).env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").env_remove("CLICOLOR");
    command
}

/// The files of a directory, by name.
pub(crate) fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    fs::read_dir(dir)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// The rows of a CSV file as maps from column to cell.
pub(crate) fn rows(csv: &[u8]) -> Vec<BTreeMap<String, String>> {
    csv::Reader::from_reader(csv).into_deserialize().collect::<Result<_, _>>().unwrap()
}

/// How to scan when nothing special is wanted: one thread, lines without time are at [`NOON`].
pub(crate) fn options() -> Options {
    Options {
        stretches: None,
        threads: 1,
        chunk_size: LINE_LIMIT,
        limits: Limits::default(),
        time: TimeRules::default(),
        at: Some(Timestamp::from_seconds(NOON)),
        groups: std::sync::Arc::default(),
        criteria: Criteria::new(Policy::default()),
        memory: None,
    }
}

/// What a scan through the library gave.
pub(crate) struct Scanned {
    pub(crate) tally: Tally,
    pub(crate) sources: Vec<SourceTally>,
    pub(crate) endings: Vec<Ending>,
    /// The report, `occurrences.csv` included.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
}

impl Scanned {
    /// A file of the report.
    pub(crate) fn rows(&self, name: &str) -> Vec<BTreeMap<String, String>> {
        rows(&self.files[name])
    }

    /// Everything that is counted per token, in a form that can be compared.
    pub(crate) fn counts(&self) -> String {
        counts(&self.tally)
    }
}

/// Everything that a tally counts, in a form that can be compared.
pub(crate) fn counts(tally: &Tally) -> String {
    let mut text = format!("width {}\n", tally.timeline().width());
    for (fingerprint, token) in tally.tokens() {
        let mut outcomes: Vec<_> =
            token.outcomes.iter().map(|(outcome, count)| format!("{outcome:?} {count:?}")).collect();
        outcomes.sort();
        text += &format!("{fingerprint} {:?} {outcomes:#?}\n", token.facts);
    }
    for bucket in tally.timeline().iter() {
        text += &format!("{bucket:?}\n");
    }
    text
}

/// Is told everything, and says nothing.
pub(crate) struct Silent;

impl Observer for Silent {
    fn discovered(&self, _: usize, _: u64) {}
    fn read(&self, _: u64) {}
    fn found(&self, _: u64) {}
    fn trouble(&self, _: &SourceTally) {}
}

/// Scans through the library and writes the whole report.
pub(crate) fn scan(paths: &[&Path], options: &Options) -> Scanned {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("report");
    let staging = Staging::new(&out).unwrap();
    let spool = OccurrenceSpool::new(&staging).unwrap();
    let paths: Vec<OsString> = paths.iter().map(|path| (*path).into()).collect();
    let scan = run::scan(&paths, options, &Silent, Some(&spool), &AtomicBool::new(false)).unwrap();
    let run::Scan { tally, sources, .. } = &scan;
    let now = Timestamp::from_seconds(NOON);
    let facts = Facts::new(&options.criteria.policy, sources, now);
    let hints = run::at_once(2, |at_once| run::hints(&facts, &scan.tokens(), &[], at_once));
    let hints = hints.unwrap().unwrap();
    let findings = Findings {
        tally,
        sources,
        known: None,
        show_claims: &[],
        now,
        messages: options.criteria.messages.catalogue().entries(),
        groups: &[],
        hints: &hints,
        leeway: 0,
        about: About { command_line: &["jwtriage".to_owned(), "scan".to_owned()], ..About::default() },
    };
    run::at_once(2, |at_once| {
        let report = Report::new(findings, scan.tokens(), at_once).unwrap();
        report.write(&FORMATS, at_once, &staging).unwrap();
    })
    .unwrap();
    spool.finish(sources, &staging).unwrap();
    staging.publish().unwrap();
    let files = files(&out);
    let run::Scan { tally, sources, endings, .. } = scan;
    Scanned { tally, sources, endings, files }
}

/// Writes a file that was written to at a time, in seconds since 1970.
pub fn put(path: &Path, bytes: impl AsRef<[u8]>, at: i64) {
    let mut file = File::create(path).unwrap();
    file.write_all(bytes.as_ref()).unwrap();
    touch(&file, at);
}

pub fn touch(file: &File, at: i64) {
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(at as u64)).unwrap();
}

pub fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}
