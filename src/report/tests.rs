//! Whole files from tallies made by hand.

use std::fs;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::hints::{Confidence, HintName};
use crate::input::Status;
use crate::scan::event_time::TimeFormat;
use crate::secret::{Fingerprint, Fingerprinter, RawToken};
use crate::tally::source::Found;
use crate::tally::{BucketWidth, Sighting, TokenFacts};
use crate::timestamp::Timestamp;
use crate::verdict::{Detail, KeyStatus, Outcome, SignatureStatus, TokenType, Verdict};

/// 2026-06-12T01:00:00Z
const ONE: i64 = 1_781_226_000;

/// Findings in the making.
struct Made {
    tally: Tally,
    sources: Vec<SourceTally>,
    show_claims: Vec<String>,
    now: i64,
    hints: Vec<Hint>,
    leeway: i64,
}

impl Made {
    fn new(sources: &[&str]) -> Self {
        let source = |(id, name): (usize, &&str)| SourceTally {
            id: id as u32,
            name: (*name).into(),
            status: Status::Complete,
            bytes: 1000,
            lines: 10,
            found: Found::default(),
            error: String::new(),
        };
        Self {
            tally: Tally::new(BucketWidth::Auto),
            sources: sources.iter().enumerate().map(source).collect(),
            show_claims: Vec::new(),
            now: ONE,
            hints: Vec::new(),
            leeway: 0,
        }
    }

    /// Counts a finding in the tally and in its source.
    fn see(
        &mut self,
        token: &str,
        facts: &TokenFacts,
        outcome: &Outcome,
        place: (usize, u64),
        at: Option<i64>,
    ) {
        let (id, line) = place;
        let source = &mut self.sources[id];
        let event_time = at.map(Timestamp::from_seconds);
        let sighting = Sighting { event_time, source: &source.name, source_id: source.id, line, length: 500 };
        let number = self.tally.token(fingerprint(token), || Arc::new(facts.clone()));
        self.tally.add(number, outcome.clone(), &sighting);
        source.found.merge(Found {
            candidates: 1,
            valid: u64::from(outcome.verdict == Verdict::Valid),
            first_event: event_time,
            last_event: event_time,
            ..Found::default()
        });
    }

    fn file(&self, name: &str, known: Option<Known<'_>>) -> String {
        let ReportFile(_, write) = FILES.iter().find(|file| file.0 == name).unwrap();
        let mut out = Vec::new();
        write(&self.report(known), &one_by_one, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn report<'a>(&'a self, known: Option<Known<'a>>) -> Report<'a> {
        let findings = Findings {
            tally: &self.tally,
            sources: &self.sources,
            known,
            show_claims: &self.show_claims,
            now: Timestamp::from_seconds(self.now),
            messages: &[],
            groups: &[],
            hints: &self.hints,
            leeway: self.leeway,
            about: About::default(),
        };
        Report::new(findings, Tokens::Kept(self.tally.tokens()), &one_by_one).unwrap()
    }

    fn summary(&self, width: Option<usize>, color: bool) -> String {
        self.report(None).summary(width, color)
    }
}

/// Whatever the order in which parts are done, the report is the same: these are done last to first.
fn one_by_one(count: usize, part: &(dyn Fn(usize) + Sync)) {
    (0..count).rev().for_each(part);
}

fn fingerprint(token: &str) -> Fingerprint {
    Fingerprinter::public().token(RawToken::new(token.as_bytes()))
}

fn outcome(verdict: Verdict, detail: &'static str) -> Outcome {
    Outcome {
        verdict,
        detail: if detail.is_empty() { Detail::None } else { Detail::Word(detail) },
        also: [].into_iter().collect(),
        key_status: KeyStatus::Current,
        signature: SignatureStatus::Unchecked,
        predicted: None,
    }
}

/// An access token that lives from one o'clock for an hour.
fn facts() -> TokenFacts {
    TokenFacts {
        alg: Some("RS256".into()),
        typ: Some("at+jwt".into()),
        kid: Some("2026-06".into()),
        iss: Some("https://auth.example.com/".into()),
        aud: vec!["https://api.example.com".into(), "account".into()],
        client: Some("shop".into()),
        subject: Some(7),
        token_type: Some(TokenType::Access),
        issued_at: Some(Timestamp::from_seconds(ONE)),
        expires_at: Some(Timestamp::from_seconds(ONE + 3600)),
        ..TokenFacts::default()
    }
}

/// Two tokens in two sources: one valid, then expired; one that is only the beginning of a token and has no date.
fn incident() -> Made {
    let mut made = Made::new(&["b.log", "a.log"]);
    let valid = outcome(Verdict::Valid, "");
    let expired = outcome(Verdict::Expired, "expired");
    let retired = Outcome {
        also: [Verdict::WrongAudience].into_iter().collect(),
        key_status: KeyStatus::Retired,
        signature: SignatureStatus::Verified,
        ..expired.clone()
    };
    made.see("t1", &facts(), &valid, (0, 3), Some(ONE + 1));
    made.see("t1", &facts(), &expired, (0, 9), Some(ONE + 3600));
    made.see("t1", &facts(), &retired, (1, 2), Some(ONE + 3690));
    let cut = TokenFacts { alg: Some("=HS256".into()), ..TokenFacts::default() };
    made.see("t2", &cut, &outcome(Verdict::Truncated, "in_payload"), (1, 5), None);
    made
}

#[test]
fn summary_csv_counts_by_verdict_and_detail() {
    assert_eq!(
        incident().file("summary.csv", None),
        "verdict,detail,occurrences,distinct_tokens,distinct_subjects,sources,first_seen,last_seen,share\n\
         expired,expired,2,1,1,2,2026-06-12T02:00:00Z,2026-06-12T02:01:30Z,0.500000\n\
         truncated,in_payload,1,1,0,1,,,0.250000\n\
         valid,,1,1,1,1,2026-06-12T01:00:01Z,2026-06-12T01:00:01Z,0.250000\n"
    );
}

#[test]
fn tokens_csv_merges_outcomes_that_differ_only_in_also_key_status_and_signature() {
    let (t1, t2) = (fingerprint("t1"), fingerprint("t2"));
    let facts = "RS256,at+jwt,2026-06";
    let claims = "https://auth.example.com/,https://api.example.com;account,,access_token,\
                  2026-06-12T01:00:00Z,,2026-06-12T02:00:00Z,3600";
    let mut rows = [
        format!(
            "{t1},expired,expired,wrong_audience,2,2026-06-12T02:00:00Z,2026-06-12T02:01:30Z,2,{facts},\
             retired,unchecked,{claims},90,500,a.log:2\n\
             {t1},valid,,,1,2026-06-12T01:00:01Z,2026-06-12T01:00:01Z,1,{facts},current,unchecked,{claims},\
             ,500,b.log:3\n"
        ),
        format!("{t2},truncated,in_payload,,1,,,1,'=HS256,,,current,unchecked,,,,,,,,,,500,a.log:5\n"),
    ];
    rows.sort();
    let file = incident().file("tokens.csv", None);
    let (header, body) = file.split_once('\n').unwrap();
    assert!(header.starts_with("fingerprint,verdict,detail,also,") && header.ends_with(",first_location"));
    assert_eq!(body, rows.concat());
}

#[test]
fn a_token_is_past_its_expiry_from_the_very_instant_on() {
    let mut made = Made::new(&["a.log"]);
    let skewed = outcome(Verdict::Expired, "within_skew");
    made.see("t", &facts(), &skewed, (0, 1), Some(ONE + 3600));
    let file = made.file("tokens.csv", None);
    assert!(file.ends_with(",3600,0,500,a.log:1\n"), "{file}");
}

#[test]
fn shown_claims_are_columns_at_the_end_of_tokens_csv() {
    let mut made = Made::new(&["a.log"]);
    made.show_claims = vec!["tenant".into(), "scope".into()];
    let long = "x".repeat(300);
    let shown = |values: [Option<&str>; 2]| TokenFacts {
        shown_claims: values.map(|value| value.map(Into::into)).into(),
        ..TokenFacts::default()
    };
    let valid = outcome(Verdict::Valid, "");
    made.see("t", &shown([Some("-1,\n"), Some(&long)]), &valid, (0, 1), None);
    let file = made.file("tokens.csv", None);
    let (header, row) = file.split_once('\n').unwrap();
    assert!(header.ends_with(",first_location,claim.tenant,claim.scope"), "{header}");
    assert!(row.ends_with(&format!(",a.log:1,\"'-1,\\x0a\",{}…\n", &long[..256])), "{row}");
}

#[test]
fn issuers_csv_tells_what_the_policy_names() {
    let issuer = |iss: &str| iss == "https://auth.example.com/";
    let known = Known { issuer: &issuer, audience: &|_| false };
    assert_eq!(
        incident().file("issuers.csv", Some(known)),
        "iss,known,verdict,occurrences,distinct_tokens,first_seen,last_seen\n\
         ,no,truncated,1,1,,\n\
         https://auth.example.com/,yes,expired,2,1,2026-06-12T02:00:00Z,2026-06-12T02:01:30Z\n\
         https://auth.example.com/,yes,valid,1,1,2026-06-12T01:00:01Z,2026-06-12T01:00:01Z\n"
    );
    let without = incident().file("issuers.csv", None);
    assert!(without.contains("https://auth.example.com/,,valid,1,1,"), "{without}");
}

#[test]
fn a_token_counts_once_for_each_of_its_audiences() {
    let audience = |aud: &str| aud == "account";
    let known = Known { issuer: &|_| false, audience: &audience };
    let mut made = Made::new(&["a.log"]);
    let twice = TokenFacts { aud: vec!["b".into(), "account".into(), "b".into()], ..TokenFacts::default() };
    let valid = outcome(Verdict::Valid, "");
    made.see("t", &twice, &valid, (0, 1), None);
    made.see("t", &twice, &valid, (0, 2), None);
    made.see("u", &TokenFacts::default(), &valid, (0, 3), None);
    assert_eq!(
        made.file("audiences.csv", Some(known)),
        "aud,known,verdict,occurrences,distinct_tokens,first_seen,last_seen\n\
         ,no,valid,1,1,,\n\
         account,yes,valid,2,1,,\n\
         b,no,valid,2,1,,\n"
    );
}

#[test]
fn clients_csv_counts_by_client_and_issuer() {
    assert_eq!(
        incident().file("clients.csv", None),
        "client,iss,verdict,occurrences,distinct_tokens,distinct_subjects,first_seen,last_seen\n\
         ,,truncated,1,1,0,,\n\
         shop,https://auth.example.com/,expired,2,1,1,2026-06-12T02:00:00Z,2026-06-12T02:01:30Z\n\
         shop,https://auth.example.com/,valid,1,1,1,2026-06-12T01:00:01Z,2026-06-12T01:00:01Z\n"
    );
}

#[test]
fn keys_csv_counts_by_key_and_where_it_stood() {
    assert_eq!(
        incident().file("keys.csv", None),
        "iss,kid,alg,key_status,occurrences,distinct_tokens,sources,first_seen,last_seen,verified,failed\n\
         ,,'=HS256,current,1,1,1,,,0,0\n\
         https://auth.example.com/,2026-06,RS256,current,2,1,1,2026-06-12T01:00:01Z,2026-06-12T02:00:00Z,0,0\n\
         https://auth.example.com/,2026-06,RS256,retired,1,1,1,2026-06-12T02:01:30Z,2026-06-12T02:01:30Z,1,0\n"
    );
}

#[test]
fn timeline_csv_puts_undated_findings_first_and_counts_a_token_once_per_bucket() {
    let mut made = incident();
    let detail = outcome(Verdict::Expired, "milliseconds");
    made.see("t1", &facts(), &detail, (0, 20), Some(ONE + 3601));
    made.see("t1", &facts(), &detail, (0, 21), None);
    made.see("t3", &facts(), &detail, (0, 22), Some(ONE + 3602));
    assert_eq!(
        made.file("timeline.csv", None),
        "bucket_start,verdict,occurrences,distinct_tokens\n\
         ,expired,1,1\n\
         ,truncated,1,1\n\
         2026-06-12T01:00:00Z,valid,1,1\n\
         2026-06-12T02:00:00Z,expired,3,2\n\
         2026-06-12T02:01:30Z,expired,1,1\n"
    );
}

#[test]
fn sources_csv_is_ordered_by_name() {
    let mut made = incident();
    for format in [TimeFormat::Rfc3339, TimeFormat::EpochS, TimeFormat::Rfc3339] {
        made.sources[0].found.add_time_format(format);
    }
    made.sources[0].found.undated_lines = 4;
    made.sources.push(SourceTally {
        id: 2,
        name: "-".into(),
        status: Status::Partial,
        bytes: 17,
        lines: 1,
        found: Found::default(),
        error: "damaged at byte 17, \x1b[31m".into(),
    });
    assert_eq!(
        made.file("sources.csv", None),
        "source,status,bytes,lines,candidates,valid,failing,first_event,last_event,time_format,undated_lines,error\n\
         '-,partial,17,1,0,0,0,,,,0,\"damaged at byte 17, \\x1b[31m\"\n\
         a.log,complete,1000,10,2,0,2,2026-06-12T02:01:30Z,2026-06-12T02:01:30Z,,0,\n\
         b.log,complete,1000,10,2,1,1,2026-06-12T01:00:01Z,2026-06-12T02:00:00Z,epoch_s;rfc3339,4,\n"
    );
}

/// The rows of `live.csv`, without what follows the column `remaining_s`.
fn live(made: &Made) -> Vec<String> {
    let file = made.file("live.csv", None);
    let rows = file.lines().skip(1).map(|row| row.rsplitn(4, ',').last().unwrap().to_owned());
    rows.collect()
}

#[test]
fn live_csv_counts_all_that_happened_to_a_token() {
    let mut made = incident();
    made.now = ONE + 3599;
    let t1 = fingerprint("t1");
    assert_eq!(
        made.file("live.csv", None),
        format!(
            "fingerprint,iss,aud,sub_fingerprint,expires_at,remaining_s,occurrences,sources,first_location\n\
             {t1},https://auth.example.com/,https://api.example.com;account,,2026-06-12T02:00:00Z,1,3,2,a.log:2\n"
        )
    );
}

#[test]
fn a_token_is_live_until_its_expiry_and_the_leeway() {
    let mut made = incident();
    let left = |made: &Made| live(made).first().map(|row| row.rsplit(',').next().unwrap().to_owned());
    for (now, leeway, remaining) in [
        (0, 0, Some("3600")),
        (3599, 0, Some("1")),
        (3600, 0, None),
        (3600, 1, Some("0")),
        (3629, 30_000, Some("0")),
        (3630, 30_000, None),
    ] {
        (made.now, made.leeway) = (ONE + now, leeway);
        assert_eq!(left(&made).as_deref(), remaining, "{now} {leeway}");
        assert_eq!(made.report(None).live_tokens(), u64::from(remaining.is_some()));
    }
}

#[test]
fn live_csv_begins_with_what_can_be_misused_the_longest() {
    let mut made = Made::new(&["a.log"]);
    let expiring = |millis: Option<i64>| TokenFacts {
        expires_at: millis.map(|millis| Timestamp::from_millis(ONE * 1000 + millis)),
        ..TokenFacts::default()
    };
    for (token, millis) in [
        ("soon", Some(1_999)),
        ("sooner", Some(1_000)),
        ("late", Some(86_400_000)),
        ("never", None),
        ("also late", Some(86_400_000)),
        ("also never", None),
        ("no more", Some(0)),
    ] {
        made.see(token, &expiring(millis), &outcome(Verdict::Valid, ""), (0, 1), Some(ONE));
    }
    let mut never = ["never", "also never"].map(|name| format!("{},,,,,", fingerprint(name)));
    let late = |name| format!("{},,,,2026-06-13T01:00:00.000Z,86400", fingerprint(name));
    let mut late = ["late", "also late"].map(late);
    never.sort();
    late.sort();
    let soon = |name, at| format!("{},,,,2026-06-12T01:00:0{at}Z,1", fingerprint(name));
    let soon = [soon("soon", "1.999"), soon("sooner", "1.000")];
    assert_eq!(live(&made), [never, late, soon].concat());
}

#[test]
fn what_nobody_accepts_is_not_live_and_all_else_is() {
    for &verdict in Verdict::ALL {
        let mut made = Made::new(&["a.log"]);
        made.see("t", &facts(), &outcome(verdict, ""), (0, 1), None);
        let dead = [
            Verdict::Redacted,
            Verdict::Truncated,
            Verdict::Malformed,
            Verdict::Encrypted,
            Verdict::AlgNone,
            // The outcome's `key_status` says that `kid` names a key.
            Verdict::AlgKeyMismatch,
            Verdict::InvalidSignature,
        ];
        assert_eq!(live(&made).is_empty(), dead.contains(&verdict), "{verdict}");
    }
}

#[test]
fn a_signature_that_does_not_verify_is_forged_whatever_else_fails_unless_the_key_is_another_issuer_s() {
    let also = |verdict, also: &[Verdict]| {
        let outcome = Outcome { also: also.iter().copied().collect(), ..outcome(verdict, "") };
        let mut made = Made::new(&["a.log"]);
        made.see("t", &facts(), &outcome, (0, 1), None);
        !live(&made).is_empty()
    };
    assert!(!also(Verdict::AlgNotAllowed, &[Verdict::InvalidSignature]));
    assert!(!also(Verdict::StaleKid, &[Verdict::InvalidSignature, Verdict::WrongAudience]));
    assert!(also(Verdict::InvalidSignature, &[Verdict::WrongIssuer]));
    assert!(also(Verdict::StaleKid, &[Verdict::InvalidSignature, Verdict::WrongIssuer]));
    assert!(!also(Verdict::Malformed, &[Verdict::WrongIssuer]));
}

#[test]
fn that_no_key_at_hand_is_for_an_algorithm_shows_a_forgery_only_where_kid_names_one() {
    let is_live = |key_status, also: &[Verdict]| {
        let also = also.iter().copied().collect();
        let outcome = Outcome { key_status, also, ..outcome(Verdict::AlgKeyMismatch, "kty") };
        let mut made = Made::new(&["a.log"]);
        made.see("t", &facts(), &outcome, (0, 1), None);
        !live(&made).is_empty()
    };
    assert!(!is_live(KeyStatus::Current, &[]));
    assert!(!is_live(KeyStatus::Retired, &[]));
    assert!(is_live(KeyStatus::Absent, &[]));
    assert!(is_live(KeyStatus::Current, &[Verdict::WrongIssuer]));
}

#[test]
fn an_expiry_in_milliseconds_is_none() {
    let mut made = Made::new(&["a.log"]);
    let facts = TokenFacts { exp_in_milliseconds: true, ..facts() };
    made.see("t", &facts, &outcome(Verdict::Expired, "milliseconds"), (0, 1), Some(ONE));
    made.now = ONE + 86_400;
    assert!(live(&made)[0].ends_with(",,"), "{:?}", live(&made));
}

#[test]
fn a_token_is_live_if_any_of_its_outcomes_is() {
    let mut made = Made::new(&["a.log"]);
    let forged = outcome(Verdict::InvalidSignature, "mismatch");
    made.see("t", &facts(), &forged, (0, 1), None);
    assert_eq!(live(&made).len(), 0);
    made.see("t", &facts(), &outcome(Verdict::StaleKid, "retired"), (0, 2), None);
    assert_eq!(live(&made).len(), 1);
}

#[test]
fn an_empty_report_has_every_file_with_its_header() {
    let home = tempfile::tempdir().unwrap();
    let out = home.path().join("report");
    let mut made = Made::new(&[]);
    made.show_claims = vec!["tenant".into()];
    let staging = Staging::new(&out).unwrap();
    let report = made.report(None);
    report.write(&[Format::Csv], &one_by_one, &staging).unwrap();
    OccurrenceSpool::new(&staging).unwrap().finish(&[], &staging).unwrap();
    staging.publish().unwrap();
    let mut headers: Vec<_> = fs::read_dir(&out)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.file_name().unwrap().to_owned(), fs::read_to_string(path).unwrap()))
        .collect();
    headers.sort();
    let begins: Vec<_> = headers
        .iter()
        .map(|(name, text)| (name.to_str().unwrap(), text.split_once(',').unwrap().0))
        .collect();
    assert_eq!(
        begins,
        [
            ("audiences.csv", "aud"),
            ("clients.csv", "client"),
            ("hints.csv", "hint"),
            ("issuers.csv", "iss"),
            ("keys.csv", "iss"),
            ("live.csv", "fingerprint"),
            ("messages.csv", "stack"),
            ("occurrences.csv", "source"),
            ("sources.csv", "source"),
            ("summary.csv", "verdict"),
            ("timeline.csv", "bucket_start"),
            ("tokens.csv", "fingerprint"),
        ]
    );
    assert!(headers.iter().all(|(_, text)| text.ends_with('\n') && text.lines().count() == 1));
    assert!(headers[11].1.ends_with(",first_location,claim.tenant\n"));
}

#[test]
fn the_summary_fits_a_terminal_of_80_columns() {
    let mut made = incident();
    made.sources[0].status = Status::Partial;
    made.sources[0].found.outside = 1200;
    assert_eq!(
        made.summary(Some(80), false),
        "2 tokens found 4 times in 2 sources; 1 source incomplete; 1,200 outside --since…\n\
         \n\
         VERDICT    DETAIL      OCCURRENCES  TOKENS  FIRST SEEN (UTC)  LAST SEEN (UTC)\n\
         expired    expired               2       1  2026-06-12 02:00  2026-06-12 02:01\n\
         truncated  in_payload            1       1\n\
         valid                            1       1  2026-06-12 01:00  2026-06-12 01:00\n\
         \n\
         FAILING  FOUND  TOP SOURCES\n\
         \u{20}     2      2  a.log\n\
         \u{20}     1      2  b.log\n"
    );
    let narrow = made.summary(Some(68), false);
    assert!(narrow.contains("TOKENS  FIRST SEEN   LAST SEEN\n"), "{narrow}");
    assert!(narrow.contains("1       1  06-12 01:00  06-12 01:00\n"), "{narrow}");
}

#[test]
fn the_summary_names_the_commonest_and_is_never_longer_than_a_screen() {
    let names: Vec<String> = (0..9).map(|i| format!("logs/{}/{i}.log", "deep/".repeat(30))).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut made = Made::new(&names);
    for (i, &verdict) in Verdict::ALL.iter().enumerate() {
        for n in 0..=i {
            made.see("t", &facts(), &outcome(verdict, ""), (n % 9, 1), Some(ONE));
        }
    }
    let summary = made.summary(Some(80), false);
    let lines: Vec<&str> = summary.lines().collect();
    assert_eq!(lines.len(), 23, "the line on stderr about live tokens makes 24: {summary}");
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{summary}");
    assert_eq!(lines[0], "1 token found 190 times in 9 sources");
    assert!(lines[3].starts_with("lifetime_too_long "), "{summary}");
    assert_eq!(lines[13], "… and 8 more rows: summary.csv");
    assert!(lines[14].starts_with("valid "), "{summary}");
    assert!(lines[17].ends_with("/deep//0.log") && lines[17].contains("  …"), "{summary}");
    assert_eq!(lines[22], "… and 4 more sources: sources.csv");

    made.hints = vec![hint(HintName::ClockSkew, &"seconds ".repeat(50)), hint(HintName::PolicyGap, "")];
    let summary = made.summary(Some(80), false);
    let lines: Vec<&str> = summary.lines().collect();
    assert_eq!(lines.len(), 23, "{summary}");
    assert_eq!(lines[2], "likely cause: clock_skew (confidence high), and 1 more hint: hints.csv");
    assert!(lines[3].starts_with("  seconds ") && lines[3].chars().count() == 80, "{summary}");
    assert_eq!(lines[13], "… and 11 more rows: summary.csv");
}

#[test]
fn the_summary_tells_a_cause_and_leaves_live_tokens_to_their_own_line() {
    let mut made = incident();
    let without = made.summary(None, false);
    made.hints = vec![hint(HintName::LiveTokensInLogs, "2 tokens")];
    assert_eq!(made.summary(None, false), without);
    made.hints.insert(
        0,
        hint(HintName::IssuerNearMiss, "iss \x1b[2J\u{202e}eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln"),
    );
    let with = made.summary(None, false);
    assert!(
        with.contains("\n\nlikely cause: issuer_near_miss (confidence high), and 1 more hint: hints.csv\n"),
        "{with}"
    );
    assert!(with.contains("\n  iss \\x1b[2J\\u{202e}eyJ***\n\n"), "{with}");
}

fn hint(hint: HintName, evidence: &str) -> Hint {
    Hint {
        hint,
        confidence: Confidence::High,
        evidence: evidence.to_owned(),
        occurrences: 7,
        distinct_tokens: 5,
        sources: 1,
        first_seen: Some(Timestamp::from_seconds(ONE)),
        last_seen: None,
        what_to_check: "Look, then see".to_owned(),
    }
}

#[test]
fn hints_csv_tells_hints_in_their_order_and_harmless() {
    let mut made = incident();
    made.hints = vec![hint(HintName::PolicyGap, "=cmd() \x1b[31m"), hint(HintName::ClockSkew, "45 s")];
    assert_eq!(
        made.file("hints.csv", None),
        "hint,confidence,evidence,occurrences,distinct_tokens,sources,first_seen,last_seen,what_to_check\n\
         policy_gap,high,'=cmd() \\x1b[31m,7,5,1,2026-06-12T01:00:00Z,,\"Look, then see\"\n\
         clock_skew,high,45 s,7,5,1,2026-06-12T01:00:00Z,,\"Look, then see\"\n"
    );
}

#[test]
fn an_empty_summary_is_one_line() {
    let mut made = Made::new(&["a.log", "b.log", "c.log"]);
    assert_eq!(made.summary(Some(80), true), "\x1b[1mno token found in 3 sources\x1b[0m\n");
    made.sources[1].status = Status::Unreadable;
    made.sources[2].status = Status::Skipped;
    assert_eq!(made.summary(None, false), "no token found in 2 sources; 1 source incomplete\n");
}

#[test]
fn the_summary_passes_no_terminal_control_on() {
    let mut made = Made::new(&["\x1b]0;pwned\x07\u{202e}gol.a"]);
    let claim =
        Outcome { detail: Detail::Claim("te\x1b[2Jnant".into()), ..outcome(Verdict::MissingClaim, "") };
    made.see("t", &facts(), &claim, (0, 1), None);
    let plain = made.summary(Some(200), false);
    assert!(!plain.contains(|c: char| c.is_control() && c != '\n') && !plain.contains('\u{202e}'), "{plain}");
    assert!(
        plain.contains("te\\x1b[2Jnant") && plain.contains("\\x1b]0;pwned\\x07\\u{202e}gol.a"),
        "{plain}"
    );
    let colored = made.summary(Some(200), true);
    assert!(colored.contains("\x1b[33mmissing_claim\x1b[0m"), "{colored:?}");
}

/// The sum of a column.
fn sum(file: &str, column: &str) -> u64 {
    let mut reader = ::csv::Reader::from_reader(file.as_bytes());
    let index = reader.headers().unwrap().iter().position(|name| name == column).unwrap();
    reader.records().map(|record| record.unwrap()[index].parse::<u64>().unwrap()).sum()
}

/// A finding: token, verdict, whether its detail is a claim's name, source, second.
type Seen = (usize, usize, bool, usize, Option<i64>);

/// What the tokens' makers wrote into each of them, and what was found.
fn findings() -> impl Strategy<Value = ([String; 8], Vec<Seen>)> {
    let text = prop_oneof!["[ab]", "[=+@\t\r-][\\PC\u{0}-\u{9f}]{0,3}", any::<String>()];
    let at = prop::option::of(prop_oneof![ONE..ONE + 10, 0..4_000_000_000_i64]);
    let seen = (0..8_usize, 0..Verdict::ALL.len(), any::<bool>(), 0..4_usize, at);
    (prop::array::uniform8(text), prop::collection::vec(seen, 0..40))
}

fn made_from(texts: &[String; 8], findings: &[Seen]) -> Made {
    let mut made = Made::new(&["b", "a", "=c", "d\x1b"]);
    made.show_claims = vec!["tenant".into()];
    for &(token, verdict, claim, source, at) in findings {
        let text: Arc<str> = (&*texts[token]).into();
        let facts = TokenFacts {
            alg: Some(Arc::clone(&text)),
            kid: Some(Arc::clone(&text)),
            iss: Some(Arc::clone(&text)),
            aud: vec![Arc::clone(&text)],
            client: Some(Arc::clone(&text)),
            subject: Some(token as u64 / 2),
            shown_claims: vec![Some(Arc::clone(&text))],
            ..TokenFacts::default()
        };
        let detail = if claim { Detail::Claim(text) } else { Detail::None };
        let outcome = Outcome { detail, ..outcome(Verdict::ALL[verdict], "") };
        made.see(&token.to_string(), &facts, &outcome, (source, 1), at);
    }
    made
}

proptest! {
    #[test]
    fn every_file_counts_the_same_findings((texts, findings) in findings()) {
        let made = made_from(&texts, &findings);
        let whole = findings.len() as u64;
        prop_assert_eq!(sum(&made.file("sources.csv", None), "candidates"), whole);
        for ReportFile(name, _) in FILES.iter().filter(|file| !["sources.csv", "live.csv", "messages.csv", "hints.csv"].contains(&file.0)) {
            prop_assert_eq!(sum(&made.file(name, None), "occurrences"), whole, "{}", name);
        }
    }

    #[test]
    fn every_text_cell_is_harmless_and_no_key_comes_twice_or_out_of_order((texts, findings) in findings()) {
        let made = made_from(&texts, &findings);
        // In live.csv the tokens that never expire, as all of these, are ordered by fingerprint.
        let key_columns: [usize; FILES.len()] = [2, 3, 3, 3, 3, 4, 2, 1, 1, 5, 1];
        for (ReportFile(name, _), columns) in FILES.iter().zip(key_columns) {
            let file = made.file(name, None);
            prop_assert!(!file.contains(|c: char| c.is_control() && c != '\n'), "{}", name);
            let mut keys: Vec<Vec<String>> = Vec::new();
            for record in ::csv::Reader::from_reader(file.as_bytes()).records() {
                let record = record.unwrap();
                for cell in &record {
                    prop_assert!(!cell.starts_with(['=', '+', '-', '@']) && !cell.contains('\n'), "{}", name);
                }
                keys.push(record.iter().take(columns).map(str::to_owned).collect());
            }
            prop_assert!(keys.is_sorted_by(|a, b| a < b), "{}", name);
        }
    }

    #[test]
    fn the_order_in_which_findings_are_counted_shows_nowhere(
        (texts, findings) in findings(),
        split in 0..40_usize,
    ) {
        let whole = made_from(&texts, &findings);
        let (left, right) = findings.split_at(split.min(findings.len()));
        let (mut merged, left) = (made_from(&texts, right), made_from(&texts, left));
        merged.tally = merged.tally.merge(left.tally);
        for (mine, theirs) in merged.sources.iter_mut().zip(left.sources) {
            mine.found.merge(theirs.found);
        }
        merged.sources.reverse();
        for ReportFile(name, _) in FILES {
            prop_assert_eq!(merged.file(name, None), whole.file(name, None), "{}", name);
        }
        prop_assert_eq!(merged.summary(None, true), whole.summary(None, true));
    }
}

/// A hint whose texts are hostile.
fn hostile_hint() -> Hint {
    Hint {
        hint: HintName::KeyRotationLag,
        confidence: Confidence::High,
        evidence: "51 findings of kid </p><script>alert(1)</script> and @team, in 2 sources".to_owned(),
        occurrences: 1_234,
        distinct_tokens: 33,
        sources: 2,
        first_seen: Some(Timestamp::from_seconds(ONE)),
        last_seen: Some(Timestamp::from_seconds(ONE + 60)),
        what_to_check: "Ask who signs with `may-ec-1`, see [x](javascript:alert(1))".to_owned(),
    }
}

fn document(report: &Report<'_>, name: &str) -> String {
    let (_, ReportFile(_, write)) = DOCUMENTS.iter().find(|(_, file)| file.0 == name).unwrap();
    let mut out = Vec::new();
    write(report, &one_by_one, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_first_hint_is_the_headline_and_its_texts_are_text() {
    let made = incident();
    let hints = [hostile_hint()];
    let findings = Findings { hints: &hints, ..made.report(None).findings };
    let report = Report::new(findings, Tokens::Kept(made.tally.tokens()), &one_by_one).unwrap();
    let html = document(&report, "report.html");
    let headline = "<h1>Tokens are still signed with, or kept from, a key that was retired</h1>";
    assert!(html.contains(headline), "{html}");
    assert!(html.contains("kid &#60;/p&#62;&#60;script&#62;alert(1)&#60;/script&#62; and @team"), "{html}");
    assert!(html.contains("1,234 findings, 33 tokens, 2 sources"), "{html}");
    assert_eq!(html.matches("<script").count(), 1);
    let markdown = document(&report, "summary.md");
    let cause = "(`key_rotation_lag`, confidence high). 51 findings of kid `</p><script>alert(1)</script>` and `@team`, in 2 sources";
    assert!(markdown.contains(cause), "{markdown}");
    assert!(
        markdown.contains("Ask who signs with `` `may-ec-1` ``, see `[x](javascript:alert(1))`"),
        "{markdown}"
    );
    let json = document(&report, "report.json");
    assert!(json.contains(r#""hint":"key_rotation_lag","confidence":"high""#), "{json}");
}

#[test]
fn documents_are_below_their_size_when_every_text_is_as_long_and_hostile_as_can_be() {
    let mut made = Made::new(&["app.log"]);
    let long: Arc<str> = "\"'<&>".repeat(60).into();
    for n in 0..3_000u64 {
        let value = |what: &str| -> Option<Arc<str>> { Some(format!("{what}{n}{long}").into()) };
        let facts = TokenFacts {
            alg: value("a"),
            typ: value("t"),
            kid: value("k"),
            iss: value("i"),
            aud: value("u").into_iter().collect(),
            client: value("c"),
            ..TokenFacts::default()
        };
        let verdict = Verdict::ALL[n as usize % Verdict::ALL.len()];
        let outcome = Outcome {
            verdict,
            detail: Detail::Claim(format!("d{n}{long}").into()),
            also: Verdict::ALL.iter().copied().collect(),
            key_status: KeyStatus::Unknown,
            signature: SignatureStatus::NoKey,
            predicted: None,
        };
        made.see(&n.to_string(), &facts, &outcome, (0, n + 1), Some(ONE + n as i64 * 977));
    }
    let report = made.report(None);
    let html = document(&report, "report.html");
    assert!(html.len() < 2_000_000, "{} bytes", html.len());
    for file in ["summary", "tokens", "issuers", "audiences", "clients", "keys", "live"] {
        assert!(html.contains(&format!("more rows in <code>{file}.csv</code>")), "{file}");
    }
    assert!(document(&report, "summary.md").len() < 200_000);
}
