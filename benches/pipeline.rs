//! Whole logs through all steps of one worker: candidate, token, finding, tally. Run with `cargo bench --bench pipeline`.
//!
//! The right answer is asserted before anything is timed, so that no speed is that of a wrong answer.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop where it stands")]

mod data;

use std::path::Path;
use std::sync::Arc;

use data::{Corpus, NAMES};
use divan::Bencher;
use divan::counter::BytesCount;
use jwtriage::input::chunk::{Chunk, Chunker, LINE_LIMIT};
use jwtriage::policy::Policy;
use jwtriage::report::ChunkRows;
use jwtriage::scan::lines::TimeContext;
use jwtriage::secret::Fingerprinter;
use jwtriage::tally::BucketWidth;
use jwtriage::triage::{Criteria, SourceId, Worker};

fn main() {
    divan::main();
}

const POLICY: &str = r#"
    leeway = "30s"
    [[issuer]]
    iss = "https://auth.example.com/"
    audiences = ["https://api.example.com"]
    algorithms = ["RS256"]
    required_claims = ["sub", "scope"]
    max_lifetime = "1h"
"#;

fn criteria() -> Criteria {
    Criteria {
        policy: Policy::from_toml(POLICY, Path::new("policy.toml"), &|_: &Path| Ok(Vec::new())).unwrap(),
        fingerprinter: Fingerprinter::public(),
        since: None,
        until: None,
        bucket: BucketWidth::Auto,
        profile: None,
    }
}

fn chunks(text: &[u8]) -> Vec<Chunk> {
    let mut chunker = Chunker::new(text, 0, LINE_LIMIT);
    std::iter::from_fn(|| chunker.next_chunk(Vec::new())).collect()
}

/// Runs all chunks through a new worker. Says how many findings there are, and how many different tokens.
fn triage(chunks: &[Chunk], criteria: &Criteria, with_rows: bool) -> (u64, usize) {
    let source = SourceId { name: Arc::from("app.log"), number: 0 };
    let context = TimeContext::default();
    let mut worker = Worker::new(criteria);
    let findings = chunks
        .iter()
        .map(|chunk| {
            let mut rows = with_rows.then(|| ChunkRows::new(&source.name));
            worker.triage(chunk, &context, &source, rows.as_mut()).candidates
        })
        .sum();
    (findings, worker.into_tally().tokens().len())
}

fn bench(bencher: Bencher<'_, '_>, name: &str, with_rows: bool) {
    let corpus = Corpus::named(name);
    let (chunks, criteria) = (chunks(&corpus.text), criteria());
    let answer = (corpus.findings, corpus.distinct);
    assert_eq!(triage(&chunks, &criteria, with_rows), answer, "{name}");
    bencher
        .counter(BytesCount::of_slice(&corpus.text))
        .bench_local(|| triage(divan::black_box(&chunks), &criteria, with_rows));
}

/// A worker that has seen nothing yet, over all chunks of a log.
#[divan::bench(args = NAMES, sample_count = 20, sample_size = 1)]
fn worker(bencher: Bencher<'_, '_>, name: &str) {
    bench(bencher, name, false);
}

/// The same, with a row for each finding.
#[divan::bench(args = NAMES, sample_count = 20, sample_size = 1)]
fn worker_with_occurrences(bencher: Bencher<'_, '_>, name: &str) {
    bench(bencher, name, true);
}

/// Only cutting a log into chunks: the least that reading costs.
#[divan::bench(args = ["mixed"], sample_count = 20, sample_size = 1)]
fn chunker(bencher: Bencher<'_, '_>, name: &str) {
    let corpus = Corpus::named(name);
    assert_eq!(chunks(&corpus.text).iter().map(|chunk| chunk.bytes.len()).sum::<usize>(), corpus.text.len());
    bencher.counter(BytesCount::of_slice(&corpus.text)).bench_local(|| {
        let mut chunker = Chunker::new(divan::black_box(&corpus.text[..]), 0, LINE_LIMIT);
        let mut buffer = Vec::new();
        while let Some(chunk) = chunker.next_chunk(std::mem::take(&mut buffer)) {
            buffer = chunk.bytes;
        }
    });
}
