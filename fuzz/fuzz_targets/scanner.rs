//! Any bytes → chunks → findings. The laws:
//!
//! 1. Whatever the size of the chunks, and whichever a worker sees first, the rows are the same.
//! 2. No cell holds 12 bytes in a row of any candidate.
//! 3. Nothing panics.
//!
//! The first two bytes of an input are not text: they choose the size of the chunks, and whether the text is blown up
//! to more than a line that is held as a whole.

#![no_main]

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use jwtriage::input::chunk::{Chunk, Chunker, LINE_LIMIT};
use jwtriage::policy::Policy;
use jwtriage::report::ChunkRows;
use jwtriage::scan::candidate::starts;
use jwtriage::scan::event_time::TimeRules;
use jwtriage::scan::feed::{Bookmark, Feed};
use jwtriage::scan::lines::{EventTime, TimeContext, TimeSource};
use jwtriage::scan::survey::Survey;
use jwtriage::tally::source::Found;
use jwtriage::timestamp::Timestamp;
use jwtriage::token::decode;
use jwtriage::triage::{Criteria, SourceId, Worker};
use libfuzzer_sys::fuzz_target;

const WINDOW: usize = 12;

/// 2026-06-12T01:00:00Z.
const REFERENCE: Timestamp = Timestamp::from_seconds(1_781_226_000);

static CRITERIA: LazyLock<Criteria> = LazyLock::new(|| Criteria::new(policy()));

static RULES: LazyLock<Arc<TimeRules>> =
    LazyLock::new(|| Arc::new(TimeRules::default().with_reference(Some(REFERENCE))));

fn policy() -> Policy {
    const POLICY: &str = r#"
        leeway = "30s"
        [[issuer]]
        iss = "https://auth.example.com/"
        audiences = ["api"]
        algorithms = ["RS256", "ES256", "HS256"]
        required_claims = ["sub"]
        max_lifetime = "1h"
          [[issuer.keys]]
          jwks = "a.json"
          until = "2026-06-12T01:00:00Z"
    "#;
    const KEYS: &[u8] = br#"{"keys":[{"kty":"EC","crv":"P-256","kid":"k1","alg":"ES256",
        "x":"wj0yhqldWQx7khhazEgXYvzi4SKkQHOS0Yg2vSc65Jw","y":"3Dfs9QAzgYulnGdLtFXB2HHLpQ4L71mQfyGgRni8Y48"}]}"#;
    Policy::from_toml(POLICY, Path::new("policy.toml"), &|_: &Path| Ok(KEYS.to_vec()))
        .expect("the policy is right")
}

fuzz_target!(|data: &[u8]| {
    let [size, shape, text @ ..] = data else { return };
    let blown_up = blow_up(text, *shape, *size);
    let text = blown_up.as_deref().unwrap_or(text);
    // Small chunks of a long text are many chunks.
    let unit = if blown_up.is_some() { 1 << 14 } else { 1 };
    let capacity = unit * (1 + usize::from(*size) * usize::from(*size) / 16);

    let (whole, found) = findings(text, text.len().min(LINE_LIMIT), Order::AsTheyCome);
    let (pieces, found_in_pieces) = findings(text, capacity, Order::LastFirst);
    assert_eq!(rows_text(&whole), rows_text(&pieces), "chunks of {capacity} bytes give other rows");
    assert_eq!(found, found_in_pieces, "chunks of {capacity} bytes give other counts");
    assert_eq!(found.candidates, whole.iter().filter(|byte| **byte == b'\n').count() as u64);
    no_row_holds_a_part_of_a_candidate(&whole, text);
});

/// A text with one of four shapes gets a filler of a line limit's length in it: a run, words, short lines, or what may
/// stand in a token. All others are left alone: this is a hundred times slower than a text of its own length.
fn blow_up(text: &[u8], shape: u8, size: u8) -> Option<Vec<u8>> {
    let fillers: [&[u8]; 4] = [b"x", b"word ", b"a line\n", b".-_x"];
    let filler = fillers.get(usize::from(shape.checked_sub(0xf5)?))?;
    let at = text.len() * usize::from(size % 4) / 3;
    Some([&text[..at], &filler.repeat(LINE_LIMIT / filler.len()), &text[at..]].concat())
}

/// In which order a worker takes chunks. The flow gives them to many, in no order.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    AsTheyCome,
    LastFirst,
}

/// The rows of all findings, and their counts, as the flow makes them from chunks of a capacity.
fn findings(text: &[u8], capacity: usize, order: Order) -> (Vec<u8>, Found) {
    let source = SourceId { name: "fuzz.log".into(), number: 0 };
    let mut chunks = chunks(text, capacity);
    if order == Order::LastFirst {
        chunks.reverse();
    }
    let mut worker = Worker::new(&CRITERIA);
    let mut pieces: Vec<(Vec<u8>, Found)> = chunks
        .iter()
        .map(|(chunk, context)| {
            let mut rows = ChunkRows::new(&source.name);
            let found = worker.triage(chunk, context, &source, Some(&mut rows)).found;
            (rows.into_bytes(), found)
        })
        .collect();
    if order == Order::LastFirst {
        pieces.reverse();
    }
    let mut all = Found::default();
    let mut all_rows = Vec::new();
    for (rows, found) in pieces {
        all_rows.extend(rows);
        all.merge(found);
    }
    (all_rows, all)
}

/// The chunks of a text, joined, each with what is known of the time above it.
fn chunks(text: &[u8], capacity: usize) -> Vec<(Chunk, TimeContext)> {
    let context = TimeContext {
        rules: Arc::clone(&RULES),
        fallback: Some(EventTime { at: REFERENCE, source: TimeSource::File }),
        ..TimeContext::default()
    };
    let mut chunker = Chunker::new(text, 0, capacity);
    let mut feed = Feed::new(context, &Bookmark::default());
    let mut pieces = Vec::new();
    while let Some(chunk) = chunker.next_chunk(Vec::new()) {
        let survey = Survey::of(&chunk, &RULES, feed.known());
        pieces.extend(feed.take(chunk, survey));
    }
    pieces.extend(feed.finish());
    pieces.into_iter().map(|fed| (fed.chunk, fed.context)).collect()
}

/// The rows as text, which differences are easier to see in.
fn rows_text(rows: &[u8]) -> &str {
    std::str::from_utf8(rows).expect("rows are UTF-8")
}

fn no_row_holds_a_part_of_a_candidate(rows: &[u8], text: &[u8]) {
    if rows.is_empty() {
        return;
    }
    let shown: HashSet<&[u8]> = rows.windows(WINDOW).filter(|window| !is_known(window)).collect();
    let mut from = 0;
    for at in starts(text) {
        if at < from {
            continue;
        }
        let Some(decoded) = decode(&text[at..], &[]) else { continue };
        let candidate = &text[at..at + decoded.length];
        from = at + decoded.length;
        let leaked = candidate.windows(WINDOW).position(|window| shown.contains(window));
        assert_eq!(leaked, None, "a row holds a part of the candidate at byte {at}");
    }
}

/// Verdicts (`no_signature`), fingerprints and dates (`2026-06-12T0`) are base64url too, and the fuzzer has learned to
/// write a token's fingerprint into the token beside it, and into a mask what stands on both sides of a row's comma.
fn is_known(window: &[u8]) -> bool {
    window.contains(&b',')
        || window.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        || window.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'T'))
}
