//! The state as a whole: files that are not its own, runs that are remembered or not, and counts that add up.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use rusqlite::Connection;
use rusqlite::types::Value;
use tempfile::TempDir;

use super::*;
use crate::changes::{Item, Kind, Measure};
use crate::input::identity::Witness;
use crate::secret::Fingerprint;

/// 2026-06-12T00:00:00Z.
const DAY_ONE: i64 = 1_781_222_400;

/// A place for a state, and its reports.
struct Ground(TempDir);

impl Ground {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn open(&self) -> State {
        State::open(&self.path("state.db")).unwrap()
    }

    /// What is in the directory, by name.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let files = fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap());
        let files = files.filter(|entry| entry.file_type().unwrap().is_file());
        files.map(|file| (file.file_name().into_string().unwrap(), fs::read(file.path()).unwrap())).collect()
    }

    /// The counts of a report of these findings.
    fn counts(&self, findings: &[Finding]) -> Counts {
        let report = self.path("report");
        fs::create_dir_all(&report).unwrap();
        let mut timeline: BTreeMap<_, u64> = BTreeMap::new();
        let mut tokens: BTreeMap<_, (u64, Option<i64>, Option<i64>)> = BTreeMap::new();
        let mut live = BTreeSet::new();
        for finding in findings {
            // Six hours a bucket.
            let bucket = finding.at.map(|at| at.div_euclid(21_600) * 21_600);
            *timeline.entry((bucket, finding.verdict)).or_default() += 1;
            let token = tokens.entry((finding.token, finding.verdict, finding.detail)).or_default();
            token.0 += 1;
            token.1 = [token.1, finding.at].into_iter().flatten().min();
            token.2 = token.2.max(finding.at);
            if finding.verdict == "valid" {
                live.insert(finding.token);
            }
        }
        let shown =
            |at: Option<i64>| at.map(|at| Timestamp::from_seconds(at).to_string()).unwrap_or_default();
        let mut csv = "bucket_start,verdict,occurrences,distinct_tokens\n".to_owned();
        for ((bucket, verdict), occurrences) in timeline {
            csv += &format!("{},{verdict},{occurrences},1\n", shown(bucket));
        }
        fs::write(report.join("timeline.csv"), csv).unwrap();
        let mut csv = "fingerprint,verdict,detail,also,occurrences,first_seen,last_seen,sources\n".to_owned();
        for ((token, verdict, detail), (occurrences, first, last)) in tokens {
            let name = fingerprint(token);
            csv += &format!("{name},{verdict},{detail},,{occurrences},{},{},1\n", shown(first), shown(last));
        }
        fs::write(report.join("tokens.csv"), csv).unwrap();
        let mut csv = "fingerprint,iss,aud,sub_fingerprint,expires_at,remaining_s\n".to_owned();
        for token in live {
            csv += &format!("{},\"https://a,b\",,,{},1\n", fingerprint(token), shown(expiry(token)));
        }
        fs::write(report.join("live.csv"), csv).unwrap();
        Counts::of(&report).unwrap()
    }
}

#[derive(Clone, Debug)]
struct Finding {
    at: Option<i64>,
    verdict: &'static str,
    detail: &'static str,
    token: u8,
}

fn fingerprint(token: u8) -> Fingerprint {
    Fingerprint::from_bytes([token; 10])
}

/// When a token expires: some never do.
fn expiry(token: u8) -> Option<i64> {
    (!token.is_multiple_of(3)).then(|| DAY_ONE + 3600 * i64::from(token))
}

fn findings() -> impl Strategy<Value = Vec<Finding>> {
    let verdict =
        prop_oneof![Just(("valid", "")), Just(("expired", "expired")), Just(("expired", "within_skew"))];
    let at = proptest::option::weighted(0.9, DAY_ONE..DAY_ONE + 3 * 86_400);
    let finding = (at, verdict, 0..12_u8);
    let finding = finding.prop_map(|(at, (verdict, detail), token)| Finding { at, verdict, detail, token });
    proptest::collection::vec(finding, 0..60)
}

fn some_findings() -> Vec<Finding> {
    let finding = |n: u8| Finding {
        at: Some(DAY_ONE + i64::from(n) * 5_000),
        verdict: if n.is_multiple_of(3) { "expired" } else { "valid" },
        detail: if n.is_multiple_of(3) { "expired" } else { "" },
        token: n / 2,
    };
    (0..40).map(finding).collect()
}

fn run(hour: i64) -> Finished {
    Finished {
        started: Timestamp::from_seconds(DAY_ONE + 3600 * hour),
        finished: Timestamp::from_seconds(DAY_ONE + 3600 * hour + 60),
        report: format!("report-{hour}"),
        staged: format!("staged-{hour}"),
        status: RunStatus::Complete,
        bytes: 1 << 40,
        sources: SourceCounts { complete: 5, partial: 4, unreadable: 3, skipped: 2, unchanged: 1 },
        occurrences: 40,
        live_tokens: 7,
        exit_code: 3,
    }
}

fn seen(name: &str, text: &str) -> Seen {
    let mut witness = Witness::default();
    witness.feed(text.as_bytes());
    Seen {
        name: name.to_owned(),
        stat: Stat { dev: u64::MAX, ino: 1 << 63, size: 9, mtime_ns: -1, ctime_ns: i64::MAX },
        content: witness.content(),
        bookmark: vec![0, 255, 7],
        is_archive: true,
        more: true,
    }
}

fn snapshot(verdict: &str, occurrences: u64) -> Snapshot {
    let item = Item { kind: Kind::Verdict, name: "some detail".to_owned(), verdict: verdict.to_owned() };
    [(item, Measure { occurrences, distinct_tokens: 2 })].into()
}

/// Remembers a run with these findings and one new source.
fn remember(ground: &Ground, state: &mut State, hour: i64, findings: &[Finding]) -> Result<RunNumber> {
    let seen = seen(&format!("log-{hour}"), &"text ".repeat(hour as usize));
    state.commit(&Commit {
        run: &run(hour),
        sources: &[SourceUpdate { known: None, seen }],
        presence: &Presence::default(),
        counts: &ground.counts(findings),
        snapshot: &snapshot("expired", hour as u64),
    })
}

/// Everything that a state holds.
fn dump(connection: &Connection) -> Vec<Vec<Value>> {
    let mut rows = Vec::new();
    for table in ["runs", "sources", "verdicts", "days", "tokens", "live", "items", "measures"] {
        let mut select = connection.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2")).unwrap();
        let columns = select.column_count();
        let found = select.query_map((), |row| (0..columns).map(|n| row.get(n)).collect()).unwrap();
        rows.extend(found.map(|row: rusqlite::Result<Vec<Value>>| row.unwrap()));
        rows.push(vec![Value::Text(table.to_owned())]);
    }
    rows
}

/// Asserts that nothing has changed, without showing what.
fn same_files(before: &BTreeMap<String, Vec<u8>>, after: &BTreeMap<String, Vec<u8>>) {
    assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>());
    for (name, bytes) in before {
        assert!(after[name] == *bytes, "{name} has changed");
    }
}

/// Tries to open what is no good state in every way, and asserts that nothing of it changes.
fn refused(ground: &Ground, name: &str) -> String {
    let before = ground.files();
    let path = ground.path(name);
    let message = State::open(&path).unwrap_err().to_string();
    assert_eq!(State::open_read_only(&path).unwrap_err().to_string(), message);
    same_files(&before, &ground.files());
    assert!(message.contains(&format!("{name}: expected ")), "{message}");
    message
}

#[test]
fn a_new_state_is_its_owner_s_alone_and_nothing_else_is_left_behind() {
    let ground = Ground::new();
    let state = ground.open();
    assert_eq!(state.last().unwrap(), None);
    assert_eq!(state.sources().unwrap().sources(), []);
    let mode: (String, i64) = state
        .connection
        .query_row(
            "SELECT journal_mode, synchronous FROM pragma_journal_mode, pragma_synchronous",
            (),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(mode, ("wal".to_owned(), 2));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(ground.path("state.db")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    drop(state);
    assert_eq!(ground.files().into_keys().collect::<Vec<_>>(), ["state.db"]);
}

#[test]
fn what_a_run_remembers_is_there_when_the_state_is_opened_again() {
    let ground = Ground::new();
    let number = remember(&ground, &mut ground.open(), 1, &some_findings()).unwrap();
    for state in [ground.open(), State::open_read_only(&ground.path("state.db")).unwrap()] {
        let last = state.last().unwrap().unwrap();
        assert_eq!(last, Run { number, finished: run(1), published: false, notified: false });
        let index = state.sources().unwrap();
        let [source] = index.sources() else { panic!("one source") };
        assert_eq!(source.seen, seen("log-1", "text "));
        assert_eq!((source.first_run, source.last_run, source.missing_since), (number, number, None));
        assert_eq!(state.snapshots(9).unwrap(), [(last, snapshot("expired", 1))]);
        state.check().unwrap();
    }
}

#[test]
fn a_run_is_unpublished_until_it_is_said_to_be_published() {
    let ground = Ground::new();
    let mut state = ground.open();
    let first = remember(&ground, &mut state, 9, &[]).unwrap();
    let second = remember(&ground, &mut state, 1, &[]).unwrap();
    assert!(second > first, "the clock was set back, the number was not");
    let numbers =
        |state: &State| state.unpublished().unwrap().iter().map(|run| run.number).collect::<Vec<_>>();
    assert_eq!(numbers(&state), [first, second]);
    state.set_published(first, "report-9-2").unwrap();
    assert_eq!(numbers(&state), [second]);
    state.set_notified(second).unwrap();
    let runs = state.runs(5).unwrap();
    assert_eq!(runs[0].finished.report, "report-9-2");
    assert_eq!(
        runs.iter().map(|run| (run.published, run.notified)).collect::<Vec<_>>(),
        [(true, false), (false, true)]
    );
    assert_eq!(state.last().unwrap().unwrap().number, second);
}

#[test]
fn a_known_source_is_updated_and_one_that_is_gone_can_be_forgotten() {
    let ground = Ground::new();
    let mut state = ground.open();
    for hour in 1..=3 {
        remember(&ground, &mut state, hour, &[]).unwrap();
    }
    let ids: Vec<_> = state.sources().unwrap().sources().iter().map(|source| source.id).collect();
    let grown = Seen { more: false, ..seen("log-1.gz", "text and more") };
    let number = state
        .commit(&Commit {
            run: &run(4),
            sources: &[SourceUpdate { known: Some(ids[0]), seen: grown.clone() }],
            presence: &Presence { gone: vec![ids[1], ids[2]], back: Vec::new() },
            counts: &ground.counts(&[]),
            snapshot: &Snapshot::new(),
        })
        .unwrap();
    let index = state.sources().unwrap();
    let first = index.get(ids[0]).unwrap();
    assert_eq!((first.seen.clone(), first.first_run, first.last_run), (grown, RunNumber(1), number));
    assert_eq!(index.get(ids[1]).unwrap().missing_since, Some(number));

    let back = Presence { gone: Vec::new(), back: vec![ids[2]] };
    let commit = Commit {
        run: &run(5),
        sources: &[],
        presence: &back,
        counts: &ground.counts(&[]),
        snapshot: &Snapshot::new(),
    };
    state.commit(&commit).unwrap();
    assert_eq!(state.forget_sources(number.before(1)).unwrap(), 0, "it is not missing for so long");
    assert_eq!(state.forget_sources(number).unwrap(), 1);
    let left: Vec<_> = state.sources().unwrap().sources().iter().map(|source| source.id).collect();
    assert_eq!(left, [ids[0], ids[2]]);
    remember(&ground, &mut state, 6, &[]).unwrap();
    assert!(state.sources().unwrap().sources()[2].id > ids[2], "no number is given twice");
}

#[test]
fn of_runs_whose_snapshots_are_forgotten_only_verdicts_are_told() {
    let ground = Ground::new();
    let mut state = ground.open();
    let live =
        Item { kind: Kind::LiveToken, name: "jt_05fae48478c8a72ae5e3".to_owned(), verdict: String::new() };
    for hour in 1..=4 {
        let mut snapshot = snapshot("expired", hour as u64);
        snapshot.insert(live.clone(), Measure::default());
        let commit = Commit {
            run: &run(hour),
            sources: &[],
            presence: &Presence::default(),
            counts: &ground.counts(&[]),
            snapshot: &snapshot,
        };
        state.commit(&commit).unwrap();
    }
    state.forget_snapshots(2).unwrap();
    let counts: Vec<_> = state.snapshots(3).unwrap().iter().map(|(_, snapshot)| snapshot.len()).collect();
    assert_eq!(counts, [1, 2, 2]);
    let verdicts = state.verdicts_of_runs(4).unwrap();
    assert_eq!(trends(&verdicts), [Trend { verdict: "expired".to_owned(), counts: vec![1, 2, 3, 4] }]);
    state.forget_snapshots(0).unwrap();
    let items: i64 = state.connection.query_row("SELECT count(*) FROM items", (), |row| row.get(0)).unwrap();
    assert_eq!(items, 1, "the verdict");
}

#[test]
fn a_token_is_live_until_it_expires_whatever_run_found_it() {
    let ground = Ground::new();
    let mut state = ground.open();
    let valid = |token| Finding { at: Some(DAY_ONE), verdict: "valid", detail: "", token };
    remember(&ground, &mut state, 1, &[valid(1), valid(3)]).unwrap();
    remember(&ground, &mut state, 2, &[valid(2), valid(1)]).unwrap();
    let live = |state: &State, hour: i64, leeway| {
        let live = state.live_tokens(Timestamp::from_seconds(DAY_ONE + hour * 3600), leeway).unwrap();
        live.iter().map(|token| token.fingerprint).collect::<Vec<_>>()
    };
    assert_eq!(live(&state, 0, 0), [3, 2, 1].map(fingerprint), "what never expires comes first");
    assert_eq!(live(&state, 1, 0), [3, 2].map(fingerprint), "at its exp a token is expired");
    assert_eq!(live(&state, 1, 1), [3, 2, 1].map(fingerprint));
    assert_eq!(live(&state, 99, 0), [3].map(fingerprint));

    let before = state.verdicts().unwrap();
    state.forget_tokens(Timestamp::from_seconds(DAY_ONE + 2 * 3600)).unwrap();
    assert_eq!(live(&state, 0, 0), [3, 2].map(fingerprint));
    assert_eq!(state.verdicts().unwrap(), before, "what was counted stays counted");
    let tokens: i64 =
        state.connection.query_row("SELECT count(*) FROM tokens", (), |row| row.get(0)).unwrap();
    assert_eq!(tokens, 0);
}

#[test]
fn a_name_that_holds_a_token_is_stored_with_a_mask() {
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3ODEyMjYwMDB9.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let ground = Ground::new();
    let mut state = ground.open();
    let item = Item { kind: Kind::Source, name: format!("/logs/{token}"), verdict: String::new() };
    state
        .commit(&Commit {
            run: &run(1),
            sources: &[SourceUpdate { known: None, seen: seen(&format!("/logs/{token}"), "text") }],
            presence: &Presence::default(),
            counts: &ground.counts(&[]),
            snapshot: &[(item, Measure::default())].into(),
        })
        .unwrap();
    for (name, bytes) in ground.files() {
        assert!(!bytes.windows(8).any(|bytes| bytes == b"eyJhbGci" || bytes == b"eyJleHAi"), "{name}");
    }
    assert_eq!(state.sources().unwrap().sources()[0].seen.name, "/logs/eyJ***");
}

#[test]
fn a_report_counts_the_same_in_each_of_its_files_and_in_the_state() {
    let expected = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/expected");
    let reports = fs::read_dir(expected).unwrap().map(|entry| entry.unwrap().path());
    let reports: Vec<_> = reports.filter(|report| report.join("timeline.csv").exists()).collect();
    assert!(reports.len() > 5);
    for report in reports {
        let ground = Ground::new();
        let mut state = ground.open();
        let counts = Counts::of(&report).unwrap();
        let commit = Commit {
            run: &run(1),
            sources: &[],
            presence: &Presence::default(),
            counts: &counts,
            snapshot: &Snapshot::new(),
        };
        state.commit(&commit).unwrap();
        let summary = csv::Reader::from_path(report.join("summary.csv")).unwrap().into_records();
        let summary: BTreeSet<_> = summary
            .map(|row| row.unwrap())
            .map(|row| [0, 1, 2, 3, 6, 7].map(|column| row[column].to_owned()))
            .collect();
        let shown = |at: Option<Timestamp>| at.map(|at| at.to_string()).unwrap_or_default();
        let totals = state.verdicts().unwrap();
        let kept = totals.iter().map(|total| {
            let [occurrences, tokens] =
                [total.occurrences, total.distinct_tokens].map(|count| count.to_string());
            let [first, last] = [total.first_seen, total.last_seen].map(shown);
            [total.verdict.clone(), total.detail.clone(), occurrences, tokens, first, last]
        });
        // Whether a whole second was written with its fraction is not remembered.
        let whole = |row: &[String; 6]| row.clone().map(|cell| cell.replace(".000Z", "Z"));
        assert_eq!(
            kept.collect::<BTreeSet<_>>(),
            summary.iter().map(whole).collect(),
            "{}",
            report.display()
        );
        let by_day: u64 = state.days().unwrap().iter().map(|day| day.occurrences).sum();
        let by_verdict: u64 = totals.iter().map(|total| total.occurrences).sum();
        assert_eq!(by_day, by_verdict, "{}", report.display());
        let live = fs::read_to_string(report.join("live.csv")).unwrap().lines().count() - 1;
        assert_eq!(state.live_tokens(Timestamp::from_seconds(0), 0).unwrap().len(), live);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn in_however_many_runs_findings_are_counted_they_are_counted_once(
        findings in findings(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..4),
    ) {
        let ground = Ground::new();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(findings.len() + 1)).collect();
        cuts.extend([0, findings.len()]);
        cuts.sort_unstable();
        let mut split = ground.open();
        for (hour, cut) in (1..).zip(cuts.windows(2)) {
            remember(&ground, &mut split, hour, &findings[cut[0]..cut[1]]).unwrap();
        }
        let mut whole = State::open(&ground.path("whole.db")).unwrap();
        remember(&ground, &mut whole, 1, &findings).unwrap();

        prop_assert_eq!(split.verdicts().unwrap(), whole.verdicts().unwrap());
        prop_assert_eq!(split.days().unwrap(), whole.days().unwrap());
        let now = Timestamp::from_seconds(DAY_ONE + 7200);
        prop_assert_eq!(split.live_tokens(now, 0).unwrap(), whole.live_tokens(now, 0).unwrap());
        let tokens = |state: &State| {
            let mut select = state.connection.prepare(
                "SELECT hex(fingerprint), v.verdict, detail, t.occurrences, t.first_seen, t.last_seen
                 FROM tokens t JOIN verdicts v ON v.id = t.verdict ORDER BY 1, 2, 3").unwrap();
            let rows = select.query_map((), |row| (0..6).map(|n| row.get(n)).collect()).unwrap();
            rows.map(|row: rusqlite::Result<Vec<Value>>| row.unwrap()).collect::<Vec<_>>()
        };
        prop_assert_eq!(tokens(&split), tokens(&whole));
        let days: u64 = whole.days().unwrap().iter().map(|day| day.occurrences).sum();
        prop_assert_eq!(days, findings.len() as u64);
    }
}

/// The file and its log as they are now, as if the power had gone: in another place, the log cut or with a changed byte.
fn after_power_loss(ground: &Ground, log: &[u8]) -> Vec<Vec<Value>> {
    let other = Ground::new();
    fs::copy(ground.path("state.db"), other.path("state.db")).unwrap();
    fs::write(other.path("state.db-wal"), log).unwrap();
    dump(&other.open().connection)
}

#[test]
fn whenever_the_power_goes_the_state_is_the_one_before_or_the_one_after() {
    let ground = Ground::new();
    let mut state = ground.open();
    remember(&ground, &mut state, 1, &some_findings()).unwrap();
    let before = dump(&state.connection);
    remember(&ground, &mut state, 2, &some_findings()).unwrap();
    let after = dump(&state.connection);
    let log = fs::read(ground.path("state.db-wal")).unwrap();

    let first = after_power_loss(&ground, &[]);
    let (mut befores, mut afters) = (0, 0);
    let cuts = (0..log.len()).step_by(1009).chain(log.len() - 40..=log.len());
    for cut in cuts {
        let found = after_power_loss(&ground, &log[..cut]);
        // Before the first run was remembered there was nothing.
        befores += usize::from(found == before);
        afters += usize::from(found == after);
        assert!(found == before || found == after || found == first, "cut at {cut} of {}", log.len());
    }
    assert!(befores > 10 && afters > 0, "{befores} {afters}");
    for at in (0..log.len()).step_by(4001) {
        let mut log = log.clone();
        log[at] ^= 0x10;
        let found = after_power_loss(&ground, &log);
        assert!(found == before || found == after || found == first, "changed at {at} of {}", log.len());
    }
}

#[test]
fn what_was_not_committed_when_the_process_ended_is_not_there() {
    let ground = Ground::new();
    let mut state = ground.open();
    remember(&ground, &mut state, 1, &some_findings()).unwrap();
    let before = dump(&state.connection);
    // Nearly no memory, so that pages are written before the end.
    state.connection.pragma_update(None, "cache_size", 1).unwrap();
    let counts = ground.counts(&some_findings());
    let transaction = state.connection.transaction().unwrap();
    let presence = Presence::default();
    let snapshot = snapshot("expired", 1);
    let update = |n| SourceUpdate { known: None, seen: seen(&format!("log-{n}"), "text") };
    let sources: Vec<_> = (0..500).map(update).collect();
    let commit =
        Commit { run: &run(2), sources: &sources, presence: &presence, counts: &counts, snapshot: &snapshot };
    runs::commit(&transaction, &commit).unwrap();
    let log = fs::read(ground.path("state.db-wal")).unwrap();
    assert!(log.len() > 50_000, "{}", log.len());
    assert_eq!(after_power_loss(&ground, &log), before);
    drop(transaction);
    assert_eq!(dump(&state.connection), before);
}

#[test]
fn when_the_disk_is_full_the_state_is_as_it_was_and_the_run_can_be_repeated() {
    let ground = Ground::new();
    let mut state = ground.open();
    remember(&ground, &mut state, 1, &some_findings()).unwrap();
    let before = dump(&state.connection);
    let pages: u32 = state.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    let limit = |state: &State, pages: u32| {
        state
            .connection
            .query_row(&format!("PRAGMA max_page_count = {pages}"), (), |row| row.get::<_, u32>(0))
            .unwrap();
    };
    limit(&state, pages + 2);
    let update = |n| SourceUpdate { known: None, seen: seen(&format!("log-{n}"), "text") };
    let sources: Vec<_> = (0..500).map(update).collect();
    let presence = Presence::default();
    let snapshot = snapshot("expired", 1);
    let counts = ground.counts(&some_findings());
    let commit =
        Commit { run: &run(2), sources: &sources, presence: &presence, counts: &counts, snapshot: &snapshot };
    let message = state.commit(&commit).unwrap_err().to_string();
    assert!(message.contains("cannot remember the run: the disk is full"), "{message}");
    assert_eq!(dump(&state.connection), before);
    limit(&state, u32::MAX - 1);
    state.commit(&commit).unwrap();
    assert_eq!(state.sources().unwrap().sources().len(), 501);
}

#[test]
fn a_report_that_is_not_whole_changes_nothing() {
    let ground = Ground::new();
    let mut state = ground.open();
    let before = dump(&state.connection);
    let counts = ground.counts(&some_findings());
    let tokens = ground.path("report/tokens.csv");
    let text = fs::read_to_string(&tokens).unwrap();
    let commit = Commit {
        run: &run(1),
        sources: &[],
        presence: &Presence::default(),
        counts: &counts,
        snapshot: &Snapshot::new(),
    };
    for (bad, complaint) in [
        (text.replacen("jt_", "xx_", 3), "line 2: expected a fingerprint in column \"fingerprint\""),
        (text.replace(",1,2026", ",one,2026"), "expected a number in column \"occurrences\""),
        (text.replace("2026-06-12T", "yesterday "), "expected a time in column \"first_seen\""),
        (text[..text.len() - 5].to_owned(), "cannot read it"),
    ] {
        assert_ne!(bad, text);
        fs::write(&tokens, &bad).unwrap();
        let message = state.commit(&commit).unwrap_err().to_string();
        assert!(message.contains("tokens.csv") && message.contains(complaint), "{message}");
        assert_eq!(dump(&state.connection), before);
    }
    fs::write(&tokens, text.replace("occurrences", "often")).unwrap();
    let message = Counts::of(&ground.path("report")).unwrap_err().to_string();
    assert!(message.contains("expected a column \"occurrences\", but found none"), "{message}");
    fs::remove_file(&tokens).unwrap();
    let message = Counts::of(&ground.path("report")).unwrap_err().to_string();
    assert!(
        message.contains("expected a report with CSV files, but found no file \"tokens.csv\""),
        "{message}"
    );
}

#[test]
fn a_file_of_somebody_else_is_refused_and_left_as_it_is() {
    let ground = Ground::new();
    fs::write(ground.path("empty"), "").unwrap();
    assert!(refused(&ground, "empty").contains("found an empty file"));
    fs::write(ground.path("notes.txt"), "not a database, and longer than the header of one".repeat(4))
        .unwrap();
    assert!(refused(&ground, "notes.txt").contains("found a file that is no SQLite database"));
    fs::write(ground.path("short"), "SQLite format 3\0").unwrap();
    assert!(refused(&ground, "short").contains("found a file that is no SQLite database"));
    fs::create_dir(ground.path("directory")).unwrap();
    assert!(refused(&ground, "directory").contains("found a directory"));
    let other = Connection::open(ground.path("other.db")).unwrap();
    other.execute_batch("PRAGMA application_id = 7; PRAGMA user_version = 1; CREATE TABLE t (x);").unwrap();
    drop(other);
    assert!(refused(&ground, "other.db").contains("another program (application_id 0x00000007)"));
}

#[test]
fn a_newer_state_is_refused_and_left_as_it_is() {
    let ground = Ground::new();
    let state = ground.open();
    state.connection.pragma_update(None, "user_version", schema::VERSION + 1).unwrap();
    let newer = Ground::new();
    for name in ["state.db", "state.db-wal"] {
        fs::copy(ground.path(name), newer.path(name)).unwrap();
    }
    let copied = newer.files();
    drop(state);
    assert!(
        refused(&ground, "state.db")
            .contains("expected a state of version 1 or older, but found one of version 2")
    );

    // Only the log says so yet: SQLite has to read it, for which it makes an index of it.
    let message = State::open(&newer.path("state.db")).unwrap_err().to_string();
    assert!(message.contains("found one of version 2"), "{message}");
    let mut left = newer.files();
    left.remove("state.db-shm");
    same_files(&copied, &left);
    assert!(State::open(&newer.path("state.db")).is_err(), "and so it is the next time");
}

#[test]
fn a_damaged_state_is_refused_and_left_as_it_is() {
    let ground = Ground::new();
    let mut state = ground.open();
    for hour in 1..20 {
        remember(&ground, &mut state, hour, &some_findings()).unwrap();
    }
    drop(state);
    let path = ground.path("state.db");
    let whole = fs::read(&path).unwrap();
    let mut caught = 0;
    for page in 1..whole.len() / 4096 {
        let mut bytes = whole.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0xa5);
        fs::write(&path, bytes).unwrap();
        caught += usize::from(refused(&ground, "state.db").contains("expected an undamaged state"));
    }
    assert!(caught > 10, "{caught}");
    fs::write(&path, &whole[..whole.len() - 4096]).unwrap();
    let message = refused(&ground, "state.db");
    assert!(message.contains(&format!("found {} of {} bytes", whole.len() - 4096, whole.len())), "{message}");
    fs::write(&path, &whole).unwrap();
    ground.open().connection.execute_batch("ANALYZE").unwrap();
    ground.open().connection.execute_batch("DROP TABLE live").unwrap();
    assert!(refused(&ground, "state.db").contains("other tables than those of version 1"));
}

#[test]
fn a_state_that_cannot_be_made_is_complained_about() {
    let ground = Ground::new();
    let message = State::open(&ground.path("nowhere/state.db")).unwrap_err().to_string();
    assert!(message.contains("state.db: cannot make it: "), "{message}");
    let message = State::open_read_only(&ground.path("state.db")).unwrap_err().to_string();
    assert!(message.contains("state.db: expected a state of jwtriage, but found no file"), "{message}");
    assert!(ground.files().is_empty());
}

#[test]
fn a_state_whose_name_means_something_in_a_uri_can_be_opened() {
    let ground = Ground::new();
    let path = ground.path("a state?%41 #1&mode=memory.db");
    drop(State::open(&path).unwrap());
    let state = State::open(&path).unwrap();
    drop(State::open_read_only(&path).unwrap());
    drop(state);
    assert_eq!(ground.files().len(), 1);
}

#[cfg(unix)]
#[test]
fn where_nothing_can_be_written_a_state_can_still_be_read() {
    let ground = Ground::new();
    remember(&ground, &mut ground.open(), 1, &some_findings()).unwrap();
    let before = ground.files();
    // What SQLite would write beside the state has no room: that holds for root too, unlike modes.
    let beside = ground.path("state.db-shm");
    std::os::unix::fs::symlink("nowhere", &beside).unwrap();
    let state = State::open_read_only(&ground.path("state.db")).unwrap();
    assert_eq!(state.last().unwrap().unwrap().finished, run(1));
    drop(state);
    let message = State::open(&ground.path("state.db")).unwrap_err().to_string();
    assert!(message.contains("state.db: cannot open it: "), "{message}");
    fs::remove_file(&beside).unwrap();
    assert!(ground.files()["state.db"] == before["state.db"]);

    // It can be read by all, and changed by none.
    fs::create_dir(&beside).unwrap();
    assert_eq!(
        State::open_read_only(&ground.path("state.db")).unwrap().last().unwrap().unwrap().finished,
        run(1)
    );
    let message = State::open(&ground.path("state.db")).unwrap_err().to_string();
    assert!(
        message.contains("state.db: cannot open it: the file or its directory is read-only"),
        "{message}"
    );
}

#[test]
fn readers_see_the_state_before_while_a_run_is_remembered() {
    let ground = Ground::new();
    let mut state = ground.open();
    remember(&ground, &mut state, 1, &some_findings()).unwrap();
    let reader = State::open_read_only(&ground.path("state.db")).unwrap();
    let transaction = state.connection.transaction().unwrap();
    transaction.execute("DELETE FROM sources", ()).unwrap();
    assert_eq!(reader.sources().unwrap().sources().len(), 1);
    transaction.commit().unwrap();
    assert_eq!(reader.sources().unwrap().sources().len(), 0);
    let mut reader = reader;
    let message = reader.set_notified(RunNumber(1)).unwrap_err().to_string();
    assert!(message.contains("read-only"), "{message}");
}
