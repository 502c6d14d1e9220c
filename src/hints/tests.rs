//! Rules at their thresholds, from counts made by hand.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::input::Status;
use crate::policy::{KeyStatus, Policy};
use crate::secret::{Fingerprinter, RawToken};
use crate::tally::source::Found;
use crate::tally::{BucketWidth, NamedToken, Sighting, SourceTally, Tally, TokenFacts};
use crate::verdict::{Detail, Outcome, SignatureStatus, Verdict, VerdictSet};

/// 2026-06-12T01:00:00Z
const ONE: i64 = 1_781_226_000;

const ISS: &str = "https://auth.example.com/";

const POLICY: &str = r#"
    leeway = "30s"
    [[issuer]]
    iss = "https://auth.example.com/"
    environment = "prod"
    audiences = ["https://api.example.com"]
    algorithms = ["ES256"]
    [[issuer]]
    iss = "https://auth.staging.example.com/"
    environment = "staging"
    trusted = false
"#;

/// Findings in the making.
struct Made {
    tally: Tally,
    sources: Vec<SourceTally>,
    messages: Vec<MessageCount>,
    policy: Policy,
    seen: i64,
}

impl Made {
    /// So many sources, with ordinary tokens in each.
    fn new(sources: u32) -> Self {
        let source = |id| SourceTally {
            id,
            name: format!("logs/{id}.log").into(),
            status: Status::Complete,
            bytes: 1000,
            lines: 10,
            found: Found::default(),
            error: String::new(),
        };
        let no_files = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
        let policy = Policy::from_toml(POLICY, std::path::Path::new("policy.toml"), &no_files).unwrap();
        let mut made = Self {
            tally: Tally::new(BucketWidth::Auto),
            sources: (0..sources).map(source).collect(),
            messages: Vec::new(),
            policy,
            seen: 0,
        };
        for n in 0..sources * 4 {
            let valid = outcome(Verdict::Valid, "");
            made.see(&format!("valid {n}"), &facts(), &valid, n % sources, ONE + 600);
        }
        made
    }

    fn see(&mut self, token: &str, facts: &TokenFacts, outcome: &Outcome, source: u32, at: i64) {
        self.see_length(token, facts, outcome, source, at, (400, 0));
    }

    /// Counts a finding of a candidate of some length, at the end of a line of some length.
    fn see_length(
        &mut self,
        token: &str,
        facts: &TokenFacts,
        outcome: &Outcome,
        source: u32,
        at: i64,
        (length, cut_line): (u32, u32),
    ) {
        self.seen += 1;
        let place = &mut self.sources[source as usize];
        let event_time = Some(Timestamp::from_seconds(at));
        let line = u64::try_from(self.seen).unwrap();
        let sighting = Sighting { event_time, source: &place.name, source_id: source, line, length };
        let name = Fingerprinter::public().token(RawToken::new(token.as_bytes()));
        let number = self.tally.token(name, || Arc::new(facts.clone()));
        let outcome_number = self.tally.add(number, outcome.clone(), &sighting);
        self.tally.note_cut_line(number, outcome_number, cut_line);
        place.found.candidates += 1;
        place.found.valid += u64::from(outcome.verdict == Verdict::Valid);
        place.found.expired += u64::from(outcome.verdict == Verdict::Expired);
        if outcome.fails_by_time_alone() {
            let date =
                |at: Option<Timestamp>| at.map(|at| crate::token::NumericDate { at, in_milliseconds: false });
            let dates = crate::verdict::time::Dates {
                exp: date(facts.expires_at),
                nbf: date(facts.not_before),
                iat: date(facts.issued_at),
            };
            let miss = crate::verdict::Miss::of(&dates, Timestamp::from_seconds(at), self.policy.leeway);
            place.found.near_misses.add(&miss);
        }
    }

    fn hints(&self) -> Vec<Hint> {
        self.hints_of(&self.tally.tokens(), &self.sources)
    }

    /// The hints of tokens that are looked at together, which are those of each token gathered by itself and merged.
    fn hints_of(&self, tokens: &[NamedToken<'_>], sources: &[SourceTally]) -> Vec<Hint> {
        let none = Facts::new(&self.policy, sources, Timestamp::from_seconds(ONE + 86_400));
        let mut together = none.beside();
        together.add_all(tokens);
        let merged = tokens.iter().fold(none.beside(), |facts, token| {
            let mut one = none.beside();
            one.add(token);
            facts.merge(one)
        });
        let hints = together.hints(&self.messages);
        assert_eq!(merged.hints(&self.messages), hints);
        hints
    }

    /// The hints as `name confidence occurrences/tokens/sources`.
    fn told(&self) -> Vec<String> {
        let told = |hint: &Hint| {
            let Hint { hint, confidence, occurrences, distinct_tokens, sources, .. } = hint;
            format!("{hint} {confidence} {occurrences}/{distinct_tokens}/{sources}")
        };
        self.hints().iter().map(told).collect()
    }
}

/// An access token that lives from one o'clock for an hour.
fn facts() -> TokenFacts {
    TokenFacts {
        alg: Some("ES256".into()),
        kid: Some("new".into()),
        iss: Some(ISS.into()),
        aud: vec!["https://api.example.com".into()],
        issued_at: Some(Timestamp::from_seconds(ONE)),
        expires_at: Some(Timestamp::from_seconds(ONE + 3600)),
        ..TokenFacts::default()
    }
}

fn outcome(verdict: Verdict, detail: &'static str) -> Outcome {
    Outcome {
        verdict,
        detail: if detail.is_empty() { Detail::None } else { Detail::Word(detail) },
        also: VerdictSet::default(),
        key_status: KeyStatus::Current,
        signature: SignatureStatus::Verified,
        predicted: None,
    }
}

/// As many findings of different tokens, one after the other, in source 0.
fn several(count: i64, facts: &TokenFacts, outcome: &Outcome) -> Made {
    let mut made = Made::new(3);
    (0..count).for_each(|n| made.see(&format!("t{n}"), facts, outcome, 0, ONE + 600 + n));
    made
}

fn message(complaint: Complaint, verdict: Verdict, occurrences: u64) -> MessageCount {
    MessageCount {
        stack: "envoy".to_owned(),
        complaint,
        verdict,
        also: VerdictSet::default(),
        key_status: KeyStatus::Current,
        signature: SignatureStatus::Verified,
        occurrences,
        distinct_tokens: occurrences,
        sources: [(0, occurrences)].into(),
        first_seen: Some(Timestamp::from_seconds(ONE + 60)),
        last_seen: Some(Timestamp::from_seconds(ONE + 90)),
    }
}

#[test]
fn two_findings_are_no_hint_and_three_are() {
    for (verdict, detail, hint) in [
        (Verdict::StaleKid, "retired", "key_rotation_lag medium 3/3/1"),
        (Verdict::WrongAudience, "environment", "environment_crossover medium 3/3/1"),
        (Verdict::WrongTokenType, "id_token", "id_token_as_access_token high 3/3/1"),
        (Verdict::AlgNone, "unsigned", "forgery_attempt medium 3/3/1"),
        (Verdict::Malformed, "padded", "transport_corruption high 3/3/1"),
    ] {
        let outcome = outcome(verdict, detail);
        assert_eq!(several(3, &facts(), &outcome).told(), [hint]);
        assert_eq!(several(2, &facts(), &outcome).told(), [] as [&str; 0], "{verdict}");
    }
}

#[test]
fn an_issuer_is_near_in_the_way_that_the_verdict_tells() {
    for (iss, detail, hint) in [
        ("https://auth.example.com", "trailing_slash", "issuer_near_miss high 3/3/1"),
        ("https://auth.example.com/other", "tenant", "issuer_near_miss medium 3/3/1"),
        ("https://auth.staging.example.com/", "environment", "environment_crossover high 3/3/1"),
    ] {
        let facts = TokenFacts { iss: Some(iss.into()), ..facts() };
        let made = several(3, &facts, &outcome(Verdict::WrongIssuer, detail));
        assert_eq!(made.told(), [hint]);
        assert!(made.hints()[0].evidence.contains(iss), "{}", made.hints()[0].evidence);
    }
}

#[test]
fn a_token_of_another_environment_is_told_whatever_else_fails_first() {
    let facts = TokenFacts { iss: Some("https://auth.staging.example.com/".into()), ..facts() };
    let also = [Verdict::WrongIssuer].into_iter().collect();
    let unknown = Outcome { also, ..outcome(Verdict::UnknownKid, "unknown") };
    assert_eq!(several(3, &facts, &unknown).told(), ["environment_crossover high 3/3/1"]);
}

#[test]
fn signatures_that_fail_are_forged_only_where_nine_times_as_many_do_not() {
    let failed =
        Outcome { signature: SignatureStatus::Failed, ..outcome(Verdict::InvalidSignature, "mismatch") };
    let with_genuine = |genuine: i64| {
        let mut made = several(3, &facts(), &failed);
        // Twelve are there from the start.
        for n in 12..genuine {
            made.see(&format!("more {n}"), &facts(), &outcome(Verdict::Valid, ""), 0, ONE + 600);
        }
        made.told()
    };
    assert_eq!(with_genuine(27), ["forgery_attempt medium 3/3/1"]);
    assert_eq!(with_genuine(26), [] as [&str; 0]);
}

#[test]
fn a_clock_that_is_behind_is_told_from_an_issuer_whose_clock_is_ahead() {
    let early = |sources: &[u32], of: u32| {
        let mut made = Made::new(of);
        for (n, source) in (0..).zip(sources) {
            let facts = TokenFacts { not_before: Some(Timestamp::from_seconds(ONE + 45)), ..facts() };
            let early = outcome(Verdict::NotYetValid, "within_skew");
            made.see(&format!("early {n}"), &facts, &early, *source, ONE + n % 3);
        }
        made
    };
    let host = early(&[1; 5], 4);
    assert_eq!(host.told(), ["clock_skew high 5/5/1"]);
    assert!(host.hints()[0].evidence.contains("by 44 s (median; at most 45 s) in 1.log (5); the other 3"));
    assert_eq!(early(&[1; 4], 4).told(), ["clock_skew medium 4/4/1"]);
    assert_eq!(early(&[1; 2], 4).told(), [] as [&str; 0]);
    assert_eq!(early(&[0; 5], 1).told(), ["clock_skew medium 5/5/1"], "with nothing to compare");
    let issuer = early(&[0, 0, 0, 1, 1, 1, 2, 2, 2], 4);
    assert_eq!(issuer.told(), ["clock_skew high 9/9/3"]);
    assert!(issuer.hints()[0].evidence.contains("3 of 4 sources show it, so the issuer's clock is ahead"));
}

#[test]
fn late_tokens_are_a_clock_s_fault_only_in_few_sources_and_of_several_tokens() {
    let late = |sources: &[u32], tokens: i64| {
        let mut made = Made::new(4);
        for (n, source) in (0..).zip(sources.iter().cycle().take(12)) {
            let late = outcome(Verdict::Expired, "within_skew");
            made.see(&format!("late {}", n % tokens), &facts(), &late, *source, ONE + 3640 + n % 7);
        }
        made.told()
    };
    assert_eq!(late(&[2], 12), ["clock_skew medium 12/12/1"]);
    assert_eq!(late(&[2], 9), ["clock_skew low 12/9/1"]);
    assert_eq!(late(&[2], 4), [] as [&str; 0], "one client that retries");
    assert_eq!(late(&[0, 1], 12), [] as [&str; 0], "clients that renew late are everywhere");
}

#[test]
fn a_token_is_reused_when_it_comes_again_after_a_while() {
    let reused = |times: i64, step: i64| {
        let mut made = Made::new(2);
        for n in 0..times {
            made.see("old", &facts(), &outcome(Verdict::Expired, "expired"), 0, ONE + 5000 + n * step);
        }
        made.told()
    };
    assert_eq!(reused(5, 75), ["reuse_after_expiry medium 5/1/1"]);
    assert_eq!(reused(10, 75), ["reuse_after_expiry high 10/1/1"]);
    assert_eq!(reused(5, 74), [] as [&str; 0], "within five minutes");
    assert_eq!(reused(4, 600), [] as [&str; 0]);
}

#[test]
fn tokens_are_cut_by_lines_of_one_length_or_at_one_length_of_their_own() {
    let cut = |places: &[(u32, u32)]| {
        let mut made = Made::new(2);
        for (n, place) in (0..).zip(places) {
            let cut = outcome(Verdict::Truncated, "in_payload");
            made.see_length(&format!("cut {n}"), &facts(), &cut, 0, ONE + n, *place);
        }
        made.hints().first().map(|hint| format!("{}: {}", hint.confidence, hint.evidence)).unwrap_or_default()
    };
    let lines = cut(&[(310, 1019), (320, 1020), (333, 1019), (340, 700)]);
    assert!(
        lines.starts_with(
            "high: 3 findings of 3 tokens are cut where their line ends after 1019 bytes, close to 1024"
        ),
        "{lines}"
    );
    let tokens = cut(&[(4089, 0), (4089, 0), (4089, 0), (100, 0)]);
    assert!(
        tokens.starts_with("high: 3 findings of 3 tokens are cut after 4089 bytes, 4096 with"),
        "{tokens}"
    );
    let nobody_s = cut(&[(256, 0), (256, 0), (256, 0)]);
    assert!(nobody_s.starts_with("medium: 3 findings of 3 tokens are cut after 256 bytes;"), "{nobody_s}");
    assert!(cut(&[(256, 0); 10]).starts_with("high: "), "ten tokens of one length");
    assert_eq!(cut(&[(256, 900), (300, 800), (310, 700)]), "");
    assert_eq!(cut(&[(256, 0), (256, 0), (256, 0), (1, 0), (2, 0), (3, 0), (4, 0)]), "", "fewer than half");
}

#[test]
fn dates_in_milliseconds_are_told_of_an_issuer_whatever_the_verdict() {
    let wrong =
        TokenFacts { in_milliseconds: true, iss: Some("https://legacy.example.com".into()), ..facts() };
    assert_eq!(several(3, &wrong, &outcome(Verdict::Valid, "")).told(), ["milliseconds_dates high 3/3/1"]);
    let some = TokenFacts { iss: Some(ISS.into()), ..wrong };
    assert_eq!(several(3, &some, &outcome(Verdict::Valid, "")).told(), ["milliseconds_dates medium 3/3/1"]);
}

#[test]
fn a_verifier_that_blames_a_good_key_has_an_old_cache() {
    let mut made = Made::new(2);
    made.messages = vec![
        message(Complaint::UnknownKey, Verdict::Valid, 2),
        message(Complaint::Signature, Verdict::Expired, 1),
    ];
    assert_eq!(made.told(), ["stale_key_cache medium 3/3/1"], "no key set of the policy has a time");
    assert!(made.hints()[0].evidence.contains("envoy (3)"));
    made.messages[0].key_status = KeyStatus::Retired;
    assert_eq!(made.told(), [] as [&str; 0]);
    made.messages = vec![message(Complaint::Other, Verdict::Expired, 9)];
    assert_eq!(made.told(), [] as [&str; 0]);
}

#[test]
fn a_verifier_and_the_policy_differ_one_way_or_the_other() {
    let told = |complaint, verdict, occurrences| {
        let mut made = Made::new(2);
        made.messages = vec![message(complaint, verdict, occurrences)];
        made.told()
    };
    assert_eq!(told(Complaint::Issuer, Verdict::Valid, 10), ["policy_gap high 10/10/1"]);
    assert_eq!(told(Complaint::Audience, Verdict::Expired, 3), ["policy_gap medium 3/3/1"]);
    assert_eq!(told(Complaint::Claims, Verdict::WrongAudience, 3), ["policy_gap low 3/3/1"]);
    assert_eq!(told(Complaint::Audience, Verdict::WrongAudience, 9), [] as [&str; 0], "they agree");
    assert_eq!(told(Complaint::Audience, Verdict::Truncated, 9), [] as [&str; 0], "nobody could read it");
    assert_eq!(told(Complaint::Issuer, Verdict::Valid, 2), [] as [&str; 0]);
}

#[test]
fn the_surest_comes_first_then_what_explains_most_and_the_alert_last() {
    let mut made = several(5, &facts(), &outcome(Verdict::WrongTokenType, "id_token"));
    for n in 0..9 {
        made.see(&format!("n{n}"), &facts(), &outcome(Verdict::AlgNone, "unsigned"), 1, ONE + n);
    }
    for n in 0..3 {
        made.see(&format!("p{n}"), &facts(), &outcome(Verdict::Malformed, "padded"), 2, ONE + n);
    }
    let forever = TokenFacts { expires_at: None, ..facts() };
    for n in 0..20 {
        made.see(&format!("l{n}"), &forever, &outcome(Verdict::Valid, ""), 2, ONE + n);
    }
    assert_eq!(
        made.told(),
        [
            "id_token_as_access_token high 5/5/1",
            "transport_corruption high 3/3/1",
            "forgery_attempt medium 9/9/1",
            "live_tokens_in_logs high 20/20/1",
        ]
    );
}

#[test]
fn a_token_in_text_from_outside_is_masked_before_the_text_is_cut() {
    let inner = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl";
    for before in 20..60 {
        let iss = format!("{ISS}{}/{inner}", "x".repeat(before));
        let facts = TokenFacts { iss: Some(iss.as_str().into()), kid: Some(iss.as_str().into()), ..facts() };
        let mut made = several(3, &facts, &outcome(Verdict::WrongIssuer, "tenant"));
        made.sources[0].name = format!("logs/{}/{inner}/0.log", "y".repeat(before)).into();
        for n in 0..3 {
            made.see(&format!("s{n}"), &facts, &outcome(Verdict::StaleKid, "retired"), 0, ONE + n);
        }
        for hint in made.hints() {
            let text = hint.evidence + &hint.what_to_check;
            assert!(!text.contains("eyJh") && !text.contains("c2ln"), "{text}");
        }
    }
}

#[test]
fn text_from_outside_is_cut_short() {
    let long: Arc<str> = format!("https://auth.example.com/{}", "x".repeat(250)).into();
    let facts = TokenFacts { iss: Some(long), ..facts() };
    let made = several(3, &facts, &outcome(Verdict::WrongIssuer, "tenant"));
    assert!(made.hints()[0].evidence.len() < 400, "{}", made.hints()[0].evidence);
}

#[test]
fn a_token_with_two_outcomes_of_one_cause_counts_once() {
    let mut made = Made::new(2);
    for n in 0..3 {
        made.see(&format!("t{n}"), &facts(), &outcome(Verdict::Malformed, "padded"), 0, ONE + n);
        made.see(&format!("t{n}"), &facts(), &outcome(Verdict::Malformed, "url_encoded"), 0, ONE + n);
        made.see(&format!("u{n}"), &facts(), &outcome(Verdict::Malformed, "url_encoded"), 0, ONE + n);
    }
    assert_eq!(made.told(), ["transport_corruption high 9/6/1"]);

    let mut made = Made::new(2);
    let hmac = TokenFacts { alg: Some("HS256".into()), ..facts() };
    for n in 0..30 {
        made.see(&format!("v{n}"), &facts(), &outcome(Verdict::Valid, ""), 0, ONE + 600);
    }
    let failed =
        Outcome { signature: SignatureStatus::Failed, ..outcome(Verdict::InvalidSignature, "mismatch") };
    for n in 0..3 {
        made.see(&format!("t{n}"), &hmac, &outcome(Verdict::AlgKeyMismatch, "kty"), 0, ONE + n);
        made.see(&format!("t{n}"), &hmac, &failed, 0, ONE + 60 + n);
    }
    assert_eq!(made.told(), ["forgery_attempt high 6/3/1"]);
}

#[test]
fn a_cut_token_counts_in_each_of_its_sources_and_has_its_longest_length() {
    let told = |elsewhere: &[u32]| {
        let mut made = Made::new(4);
        let cut = outcome(Verdict::Truncated, "in_payload");
        for n in 0..3 {
            made.see_length(&format!("t{n}"), &facts(), &cut, 0, ONE + n, (256, 0));
            // Its beginning, at a time when its key was not yet retired.
            let earlier = Outcome { key_status: KeyStatus::Future, ..cut.clone() };
            made.see_length(&format!("t{n}"), &facts(), &earlier, 0, ONE - 60, (200, 0));
        }
        for (n, source) in (0..).zip(elsewhere) {
            made.see_length(
                &format!("other {}", n % 3),
                &facts(),
                &cut,
                *source,
                ONE + n,
                (300 + n as u32 % 3, 0),
            );
        }
        made.told()
    };
    assert_eq!(told(&[0, 0, 0]), ["log_truncation medium 6/3/1"]);
    assert_eq!(told(&[0, 0, 0, 1, 1, 1]), ["log_truncation medium 6/3/1"], "none of the three stands there");
    assert_eq!(told(&[0, 0, 0, 0, 0, 0, 0]), ["log_truncation medium 6/3/1"], "the same three");
}

/// Two issuers with keys, of which `old` is retired while tokens come.
fn keyed() -> Policy {
    let of = "[[issuer.keys]]\njwks = \"old\"\nuntil = \"2026-06-12T01:20:00Z\"\n[[issuer.keys]]\njwks = \"new\"\n";
    let toml = POLICY.replace("algorithms = [\"ES256\"]\n", &format!("algorithms = [\"ES256\"]\n{of}"));
    let keys = |path: &std::path::Path| {
        let kid = path.file_name().unwrap().to_str().unwrap();
        Ok(format!(r#"{{"keys":[{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{}"}}]}}"#, "A".repeat(43))
            .into())
    };
    Policy::from_toml(&toml, std::path::Path::new("policy.toml"), &keys).unwrap()
}

/// A token of many that differ in all that rules look at.
fn facts_of(token: usize) -> TokenFacts {
    let text = |texts: &[&str], step: usize| -> Option<Arc<str>> {
        Some(texts[token / step % texts.len()]).filter(|text| !text.is_empty()).map(Into::into)
    };
    let date = |seconds: i64| Some(Timestamp::from_seconds(ONE + seconds));
    TokenFacts {
        alg: text(&["ES256", "HS256"], 1),
        kid: text(&["new", "old", ""], 2),
        iss: text(&[ISS, ISS, "https://auth.example.com", "https://auth.staging.example.com/", ""], 3),
        aud: text(&["https://api.example.com", "https://api.example.com/", "else"], 2).into_iter().collect(),
        token_type: token.is_multiple_of(2).then_some(crate::verdict::TokenType::Id),
        issued_at: date(i64::try_from(token).unwrap() * 100),
        expires_at: date([0, 900, 200_000][token % 3]),
        in_milliseconds: token.is_multiple_of(4),
        ..TokenFacts::default()
    }
}

/// What may be wrong with it at one time or another: the words that rules ask for.
const WRONG: [(Verdict, &[&str]); 14] = [
    (Verdict::Valid, &[""]),
    (Verdict::Truncated, &["in_payload", "in_header"]),
    (Verdict::Malformed, &["padded", "url_encoded", "bad_base64"]),
    (Verdict::AlgNone, &["unsigned"]),
    (Verdict::AlgNotAllowed, &["other"]),
    (Verdict::StaleKid, &["retired"]),
    (Verdict::AlgKeyMismatch, &["kty"]),
    (Verdict::InvalidSignature, &["mismatch"]),
    (Verdict::Expired, &["expired", "within_skew"]),
    (Verdict::NotYetValid, &["within_skew"]),
    (Verdict::IssuedInFuture, &["within_skew"]),
    (Verdict::WrongIssuer, &["trailing_slash", "environment"]),
    (Verdict::WrongAudience, &["trailing_slash", "environment"]),
    (Verdict::WrongTokenType, &["id_token"]),
];

/// A finding of few tokens, each of which may have any outcomes: its token, which of a few things is wrong with it, and how
/// exactly.
type AnyFinding = (usize, usize, [u8; 6]);

fn any_of(findings: &[AnyFinding], wrong: [usize; 3]) -> Made {
    let mut made = Made { policy: keyed(), ..Made::new(4) };
    for &(token, which, [word, also, status, signature, source, at]) in findings {
        let (verdict, details) = WRONG[wrong[which]];
        let later = [Verdict::Expired, Verdict::WrongIssuer, Verdict::WrongTokenType].into_iter();
        let later = later.filter(|later| *later > verdict).take(usize::from(also % 3));
        let statuses = [KeyStatus::Current, KeyStatus::Retired, KeyStatus::Unknown];
        let outcome = Outcome {
            also: later.collect(),
            key_status: statuses[usize::from(status % 3)],
            signature: SignatureStatus::ALL[usize::from(signature % 3)],
            ..outcome(verdict, details[usize::from(word) % details.len()])
        };
        let length = 300 + u32::from(word % 16);
        let length = (length, [0, length + 700][usize::from(at % 2)]);
        let (source, at) = (u32::from(source % 4), ONE + i64::from(at) * 10);
        made.see_length(&token.to_string(), &facts_of(token), &outcome, source, at, length);
    }
    made
}

#[test]
fn a_rotation_is_sure_where_it_is_known_when_and_another_key_of_the_issuer_is_seen() {
    let told = |iss: &str| {
        let mut made = Made { policy: keyed(), ..Made::new(2) };
        let stale = Outcome { key_status: KeyStatus::Retired, ..outcome(Verdict::StaleKid, "retired") };
        let old = TokenFacts { kid: Some("old".into()), iss: Some(iss.into()), ..facts() };
        for n in 0..3 {
            made.see(&format!("t{n}"), &old, &stale, 0, ONE + 1300 + n);
        }
        made.told()
    };
    assert_eq!(told(ISS), ["key_rotation_lag high 3/3/1"]);
    assert_eq!(
        told("https://login.example.com/"),
        ["key_rotation_lag medium 3/3/1"],
        "whose keys nobody uses"
    );
}

#[test]
fn facts_may_be_gathered_on_another_thread() {
    const fn is_send<T: Send>(_: &T) {}
    let made = Made::new(1);
    is_send(&Facts::new(&made.policy, &made.sources, Timestamp::from_seconds(ONE)));
}

proptest! {
    // What one rule looks at is rare among all that may be.
    #![proptest_config(ProptestConfig::with_cases(1024))]
    #[test]
    fn into_which_slices_tokens_are_cut_and_how_these_are_merged_shows_nowhere(
        findings in proptest::collection::vec((0..40_usize, 0..3_usize, any::<[u8; 6]>()), 1..50),
        wrong in proptest::array::uniform3(0..WRONG.len()),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..6),
        merges in proptest::collection::vec(any::<proptest::sample::Index>(), 6),
    ) {
        let made = any_of(&findings, wrong);
        let tokens = made.tally.tokens();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(tokens.len() + 1)).collect();
        cuts.extend([0, tokens.len()]);
        cuts.sort_unstable();
        let before_any = Facts::new(&made.policy, &made.sources, Timestamp::from_seconds(ONE + 86_400));
        let gathered = |slice: &[NamedToken<'_>]| {
            let mut facts = before_any.beside();
            slice.iter().for_each(|token| facts.add(token));
            facts
        };
        let mut parts: Vec<_> = cuts.windows(2).map(|ends| gathered(&tokens[ends[0]..ends[1]])).collect();
        for merge in merges {
            if parts.len() > 1 {
                let at = merge.index(parts.len() - 1);
                let behind = parts.remove(at + 1);
                let before = std::mem::replace(&mut parts[at], before_any.beside());
                parts[at] = before.merge(behind);
            }
        }
        prop_assert_eq!(parts.len(), 1);
        prop_assert_eq!(parts[0].hints(&made.messages), made.hints());
    }
}

proptest! {
    #[test]
    fn the_order_of_tokens_and_sources_shows_nowhere(
        findings in proptest::collection::vec((0..14_usize, 0..9_u32, 0..4_u32, 0..4000_i64), 0..80),
        seed in any::<u64>(),
    ) {
        let mut made = Made::new(4);
        for (kind, token, source, at) in findings {
            let verdict = Verdict::ALL[kind];
            let detail = ["padded", "in_payload", "within_skew", "trailing_slash"][kind % 4];
            let length = (200 + token, 900 + token % 2);
            made.see_length(&format!("{kind} {token}"), &facts(), &outcome(verdict, detail), source, ONE + at, length);
        }
        let expected = made.hints();
        let mut tokens = made.tally.tokens();
        let mut sources = made.sources.clone();
        tokens.reverse();
        let middle = (seed % tokens.len() as u64) as usize;
        tokens.rotate_left(middle);
        sources.reverse();
        prop_assert_eq!(made.hints_of(&tokens, &sources), expected);
    }
}
