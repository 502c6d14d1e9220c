//! Sources that are read in parts: all findings of all parts are those of the whole, each once.

use std::mem;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use jwtriage::input::{Limits, discover};
use jwtriage::nightly::plan::{Plan, plan};
use jwtriage::run::{Ending, Options, Start, Stretch, Stretches, at_once, scan_inputs};
use jwtriage::state::Index as State;
use jwtriage::timestamp::Timestamp;
use proptest::prelude::*;
use proptest::sample::Index;

use crate::logs::log;
use crate::support::{CLAIMS, NOON, Scanned, Silent, gzip, hs256, line, options, put, scan, valid_line};

fn write(path: &Path, bytes: &[u8]) {
    put(path, bytes, NOON + 3600);
}

/// Everything about each finding but its source's name.
fn findings(scanned: &Scanned) -> Vec<String> {
    let rows = scanned.rows("occurrences.csv");
    rows.into_iter()
        .map(|mut row| {
            row.remove("source");
            format!("{row:?}")
        })
        .collect()
}

/// Reads a file from where it was left.
fn go_on(path: &Path, start: Option<Start>, may_grow: bool, others: &Options) -> (Scanned, Ending) {
    let stretch = if may_grow { Stretch::Growing(start) } else { Stretch::From(start) };
    let stretches = Stretches::from([(path.to_str().unwrap().into(), stretch)]);
    let Options { threads, chunk_size, .. } = *others;
    let scanned =
        scan(&[path], &Options { stretches: Some(stretches), at: None, threads, chunk_size, ..options() });
    let [ending] = &scanned.endings[..] else { panic!("{} endings", scanned.endings.len()) };
    let ending = ending.clone();
    (scanned, ending)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_log_that_grows_and_is_packed_at_last_is_read_once(
        log in log(),
        nights in prop::collection::vec(any::<Index>(), 0..5),
        packed in any::<bool>(),
        chunk_size in prop::sample::select(vec![100, 4096, 1 << 20]),
        threads in 1_usize..3,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { threads, chunk_size, at: None, ..options() };
        let whole = dir.path().join("whole.log");
        write(&whole, log.as_bytes());
        let expected = scan(&[&whole], &options);
        let mut lengths: Vec<usize> = nights.iter().map(|night| night.index(log.len() + 1)).collect();
        lengths.sort_unstable();
        let path = dir.path().join("app.log");
        let (mut start, mut found, mut bytes, mut lines) = (None, Vec::new(), 0, 0);
        let mut add = |(scanned, ending): (Scanned, Ending)| {
            found.extend(findings(&scanned));
            bytes += scanned.sources[0].bytes;
            lines += scanned.sources[0].lines;
            Some(ending.start)
        };
        for length in lengths {
            write(&path, &log.as_bytes()[..length]);
            start = add(go_on(&path, start, true, &options));
        }
        let last = dir.path().join("app.log.1");
        write(&last, &if packed { gzip(log.as_bytes()) } else { log.into_bytes() });
        let end = add(go_on(&last, start, false, &options));
        prop_assert_eq!(&found, &findings(&expected));
        prop_assert_eq!(bytes, expected.sources[0].bytes);
        prop_assert_eq!(lines, expected.sources[0].lines);
        prop_assert!(findings(&go_on(&last, end, false, &options).0).is_empty());
    }
}

#[test]
fn a_line_that_has_no_end_yet_is_left_for_the_next_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let line = valid_line();
    write(&path, [&line, &line[..200]].concat().as_bytes());
    let (first, ending) = go_on(&path, None, true, &options());
    assert_eq!((first.sources[0].lines, ending.has_more), (1, true));
    assert_eq!(ending.start.bookmark.offset, line.len() as u64);
    write(&path, line.repeat(2).as_bytes());
    let (second, _) = go_on(&path, Some(ending.start), true, &options());
    assert_eq!(second.rows("summary.csv")[0]["verdict"], "valid");
    assert_eq!(second.rows("tokens.csv")[0]["first_location"], format!("{}:2", path.display()));
}

#[test]
fn what_goes_on_with_a_word_that_had_no_end_is_no_token() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    let line = line(&format!("word{}", hs256(CLAIMS)));
    write(&path, &line.as_bytes()[..line.find("eyJ").unwrap()]);
    let (first, ending) = go_on(&path, None, false, &options());
    write(&path, line.as_bytes());
    let (second, _) = go_on(&path, Some(ending.start), false, &options());
    assert!(findings(&first).is_empty() && findings(&second).is_empty());
}

#[test]
fn a_file_that_was_replaced_since_is_not_read_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    write(&path, valid_line().repeat(3).as_bytes());
    let (_, ending) = go_on(&path, None, true, &options());
    write(&path, valid_line().replace("api", "web").repeat(9).as_bytes());
    let stretches = Stretches::from([(path.to_str().unwrap().into(), Stretch::From(Some(ending.start)))]);
    let scanned = scan(&[&path], &Options { stretches: Some(stretches), ..options() });
    assert!(scanned.endings.is_empty() && scanned.rows("tokens.csv").is_empty());
    assert!(scanned.sources[0].error.contains("was replaced"), "{}", scanned.sources[0].error);
}

/// Looks at the files of a directory as the first of all nights does, long after they were written.
fn planned(dir: &Path) -> Plan {
    let (limits, now) = (Limits::default(), Timestamp::from_seconds(NOON + 90_000));
    let found = discover(&[dir.into()]);
    at_once(1, |at_once| plan(found, &State::default(), &limits, now, at_once)).unwrap().unwrap()
}

/// What is found in what was planned, and what is not read.
fn scan_planned(plan: &mut Plan) -> (Vec<Ending>, Vec<String>) {
    let (discovered, stretches) = (mem::take(&mut plan.discovered), mem::take(&mut plan.stretches));
    let options = Options { stretches: Some(stretches), at: None, ..options() };
    let scanned = scan_inputs(discovered, &options, &Silent, None, &AtomicBool::new(false)).unwrap();
    let troubles = scanned.sources.into_iter().filter(|source| !source.error.is_empty());
    (scanned.endings, troubles.map(|source| format!("{}: {}", source.name, source.error)).collect())
}

#[test]
fn a_file_that_takes_the_place_of_another_before_it_is_read_is_left_for_the_next_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name);
    write(&path("app.log"), valid_line().repeat(3).as_bytes());
    write(&path("app.log.1"), valid_line().repeat(2).as_bytes());
    let mut plan = planned(dir.path());
    std::fs::rename(path("app.log.1"), path("app.log.2")).unwrap();
    std::fs::rename(path("app.log"), path("app.log.1")).unwrap();
    write(&path("app.log"), b"");
    let (endings, troubles) = scan_planned(&mut plan);
    assert!(endings.is_empty(), "{endings:?}");
    assert_eq!(troubles.len(), 2);
    assert!(troubles.iter().all(|trouble| trouble.ends_with("the next run reads it")), "{troubles:?}");
}

#[test]
fn a_member_that_nobody_has_looked_at_is_left_for_the_next_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs.tar");
    let archive = |members: &[&str]| {
        let mut tar = tar::Builder::new(Vec::new());
        for name in members {
            let (mut header, text) = (tar::Header::new_gnu(), valid_line());
            header.set_size(text.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, name, text.as_bytes()).unwrap();
        }
        tar.into_inner().unwrap()
    };
    write(&path, &archive(&["a.log"]));
    let mut plan = planned(dir.path());
    write(&path, &archive(&["a.log", "b.log"]));
    let (endings, troubles) = scan_planned(&mut plan);
    let read: Vec<_> = endings.iter().map(|ending| &*ending.name).collect();
    assert_eq!(read, [format!("{}!a.log", path.display())]);
    assert_eq!(troubles.len(), 1);
    assert!(troubles[0].contains("!b.log: was replaced"), "{troubles:?}");
}

#[test]
fn an_empty_log_may_be_written_with_a_byte_order_mark() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app.log");
    write(&path, b"");
    let (_, mut ending) = go_on(&path, None, true, &options());
    let mut log = "\u{feff}\n".to_owned();
    for lines in 1..4 {
        write(&path, log.as_bytes());
        let (scanned, next) = go_on(&path, Some(ending.start), true, &options());
        assert_eq!((scanned.sources[0].lines, next.start.bookmark.offset), (1, log.len() as u64), "{lines}");
        log += &valid_line();
        ending = next;
    }
}
