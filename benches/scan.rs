//! Each step on its own. Run with `cargo bench --bench scan`, or one step with `cargo bench --bench scan -- decode`.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop where it stands")]

mod data;

use std::collections::HashSet;
use std::hint::black_box;
use std::path::Path;

use data::{Corpus, NAMES, Numbers};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use divan::Bencher;
use divan::counter::BytesCount;
use jwtriage::message::{Finder, Sight};
use jwtriage::policy::Policy;
use jwtriage::scan::candidate::{self, Extent, run_length};
use jwtriage::scan::event_time::{TimeRules, of_line};
use jwtriage::secret::{Fingerprinter, RawToken};
use jwtriage::timestamp::Timestamp;
use jwtriage::token::{Token, decode};
use jwtriage::triage::STARTS;
use jwtriage::verdict::{Judge, Verdict};

fn main() {
    divan::main();
}

fn token() -> String {
    data::token(&mut Numbers(1))
}

/// All places in a log where a token may begin, found together with messages.
#[divan::bench(args = NAMES, sample_count = 20)]
fn starts(bencher: Bencher<'_, '_>, name: &str) {
    let Corpus { text, findings, distinct } = Corpus::named(name);
    let finder = Finder::new(&[], STARTS);
    let all = |text: &[u8]| {
        let mut all = Vec::new();
        for sight in finder.sights(text) {
            if let Sight::Start(at) = sight {
                all.push(at);
            }
        }
        all
    };
    let tokens: Vec<&[u8]> = all(&text)
        .into_iter()
        .filter_map(|at| decode(&text[at..], &[]).map(|decoded| &text[at..at + decoded.length]))
        .collect();
    assert_eq!((tokens.len() as u64, HashSet::<_>::from_iter(&tokens).len()), (findings, distinct));
    bencher.counter(BytesCount::of_slice(&text)).bench_local(|| all(black_box(&text)));
}

/// How far a run of base64url reaches, by its length.
#[divan::bench(name = "run_length", args = [43, 342, 4096])]
fn run(bencher: Bencher<'_, '_>, length: usize) {
    let text = ["x".repeat(length).as_bytes(), b" behind"].concat();
    assert_eq!(run_length(&text), length);
    bencher.counter(BytesCount::new(length)).bench_local(|| run_length(black_box(&text)));
}

/// How far a whole token reaches.
#[divan::bench(name = "extent")]
fn whole_extent(bencher: Bencher<'_, '_>) {
    let text = token() + " behind";
    let length = text.len() - " behind".len();
    assert_eq!(candidate::shape(text.as_bytes()).extent, Extent::Whole(length));
    bencher.counter(BytesCount::new(length)).bench_local(|| candidate::shape(black_box(text.as_bytes())));
}

/// What the decoder meets.
const SHAPES: [&str; 8] = [
    "whole",
    "cut_in_payload",
    "masked",
    "url_encoded",
    "padded_standard",
    "with_disclosures",
    "jwe",
    "decoy",
];

fn shape(name: &str) -> String {
    let token = token();
    match name {
        "cut_in_payload" => format!("{}...", &token[..150]),
        "masked" => format!("{}[REDACTED]", &token[..150]),
        "url_encoded" => token.replace('.', "%2E"),
        "padded_standard" => token
            .split('.')
            .map(|segment| BASE64.encode(&BASE64URL_NOPAD.decode(segment.as_bytes()).unwrap()))
            .collect::<Vec<_>>()
            .join("."),
        "with_disclosures" => format!("{token}~{}~{}~", "ZGlz".repeat(10), "Y2xv".repeat(10)),
        "jwe" => {
            let header = BASE64URL_NOPAD.encode(br#"{"alg":"RSA-OAEP","enc":"A256GCM","kid":"k"}"#);
            [&header, &"A".repeat(342), &"B".repeat(16), &"C".repeat(400), &"A".repeat(22)]
                .map(String::as_str)
                .join(".")
        }
        "decoy" => BASE64URL_NOPAD.encode(br#"{"cursor":"00000000000000000000","page":17,"more":true}"#),
        _ => token,
    }
}

/// Candidate → token, by what the candidate looks like.
#[divan::bench(name = "decode", args = SHAPES)]
fn decode_shape(bencher: Bencher<'_, '_>, name: &str) {
    let text = shape(name) + " behind";
    let fault = decode(text.as_bytes(), &[]).map(|decoded| decoded.token.fault.is_some());
    let expected = match name {
        "decoy" => None,
        "whole" | "with_disclosures" | "jwe" => Some(false),
        _ => Some(true),
    };
    assert_eq!(fault, expected, "{name}");
    bencher
        .counter(BytesCount::new(text.len() - " behind".len()))
        .bench_local(|| decode(black_box(text.as_bytes()), &[]).is_some());
}

/// The name of a token.
#[divan::bench]
fn fingerprint(bencher: Bencher<'_, '_>) {
    let token = token();
    let fingerprinter = Fingerprinter::public();
    bencher
        .counter(BytesCount::of_str(&token))
        .bench_local(|| fingerprinter.token(RawToken::new(black_box(token.as_bytes()))));
}

/// A line's beginning, by its format. All state 2026-06-12T01:02:03 in UTC.
const LINES: [(&str, &str); 12] = [
    ("rfc3339", "2026-06-12T01:02:03.123Z INFO"),
    ("rfc3339_offset", "2026-06-12T03:02:03+02:00 INFO"),
    ("comma_millis", "2026-06-12 01:02:03,123 INFO"),
    ("clf", "203.0.113.7 - - [12/Jun/2026:01:02:03 +0000] \"GET /"),
    ("syslog_rfc3164", "<34>Jun 12 01:02:03 host app[17]:"),
    ("klog", "E0612 01:02:03.123456   17 main.go:42]"),
    ("ctime", "[Fri Jun 12 01:02:03.123456 2026] [core:error]"),
    ("epoch_s", "1781226123.123 INFO"),
    ("json", "{\"level\":\"info\",\"message\":\"a b c\",\"ts\":1781226123.123,\"rest\":\""),
    ("logfmt", "level=info msg=\"a b c\" time=2026-06-12T01:02:03Z rest="),
    ("cri", "2026-06-12T01:02:03.123456789Z stdout F"),
    ("undated", "    at com.example.orders.Service.call(Service.java:42)"),
];

/// When a line was written, by its format; behind it stands a token.
#[divan::bench(args = LINES.map(|(name, _)| name))]
fn event_time(bencher: Bencher<'_, '_>, name: &str) {
    let (_, head) = LINES.into_iter().find(|(known, _)| *known == name).unwrap();
    let line = format!("{head} Bearer {}\"}}", token());
    let rules = TimeRules::default().with_reference(Some(Timestamp::from_seconds(1_781_300_000)));
    let found = of_line(line.as_bytes(), &rules, None).map(|found| found.at.millis() / 1000);
    assert_eq!(found, (name != "undated").then_some(1_781_226_123), "{name}");
    bencher
        .counter(BytesCount::of_str(&line))
        .bench_local(|| of_line(black_box(line.as_bytes()), &rules, None));
}

fn policy() -> Policy {
    const POLICY: &str = r#"
        leeway = "30s"
        [[issuer]]
        iss = "https://auth.example.com/"
        audiences = ["https://api.example.com"]
        algorithms = ["RS256"]
        required_claims = ["sub", "scope"]
        max_lifetime = "1h"
        [[issuer]]
        iss_pattern = 'https://login\.example\.com/[0-9a-f-]{36}/v2\.0'
    "#;
    Policy::from_toml(POLICY, Path::new("policy.toml"), &|_: &Path| Ok(Vec::new())).unwrap()
}

fn decoded() -> Token {
    decode(token().as_bytes(), &[]).unwrap().token
}

/// The steps that do not depend on time: once per distinct token.
#[divan::bench]
fn verdict_prepare(bencher: Bencher<'_, '_>) {
    let (policy, token) = (policy(), decoded());
    bencher.bench_local(|| Judge::new(&policy).prepare(black_box(&token), None));
}

/// The steps that do: once per finding. By the verdict.
#[divan::bench(args = ["valid", "expired"])]
fn verdict_at(bencher: Bencher<'_, '_>, name: &str) {
    let (policy, token) = (policy(), decoded());
    let judgement = Judge::new(&policy).prepare(&token, None);
    let expires_at = token.claims.as_ref().and_then(|claims| claims.exp).unwrap().at.millis();
    let (seconds, verdict) = if name == "valid" { (-60, Verdict::Valid) } else { (60, Verdict::Expired) };
    let at = Some(Timestamp::from_millis(expires_at + seconds * 1000));
    assert_eq!(judgement.at(at).verdict, verdict);
    bencher.bench_local(|| judgement.at(black_box(at)));
}
