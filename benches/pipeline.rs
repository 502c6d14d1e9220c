//! Whole logs through all steps of one worker: candidate, token, finding, tally. Run with `cargo bench --bench pipeline`.
//!
//! The right answer is asserted before anything is timed, so that no speed is that of a wrong answer.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop where it stands")]

mod data;

use std::hash::BuildHasher;
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

use data::{Corpus, NAMES};
use divan::Bencher;
use divan::counter::BytesCount;
use foldhash::HashMap;
use foldhash::fast::RandomState;
use jwtriage::input::chunk::{Chunk, Chunker, LINE_LIMIT};
use jwtriage::input::{Alone, Limits, Problem, Source, SourceName, Visitor, read_stream};
use jwtriage::policy::Policy;
use jwtriage::report::ChunkRows;
use jwtriage::scan::lines::TimeContext;
use jwtriage::triage::{Criteria, SourceId, Worker};
use memchr::memmem;

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
    Criteria::new(Policy::from_toml(POLICY, Path::new("policy.toml"), &|_: &Path| Ok(Vec::new())).unwrap())
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
            worker.triage(chunk, &context, &source, rows.as_mut()).found.candidates
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

/// Only what finding cannot do without: beginnings are searched, runs measured, hashed and counted. Nothing is decoded, dated,
/// judged or searched for messages: how much more a worker takes is what the whole job costs.
#[divan::bench(args = NAMES, sample_count = 20, sample_size = 1)]
fn finding_alone(bencher: Bencher<'_, '_>, name: &str) {
    let corpus = Corpus::named(name);
    // Who does not decode is deceived by decoys.
    assert!(name == "decoys" || find(&corpus.text) == (corpus.findings, corpus.distinct), "{name}");
    bencher.counter(BytesCount::of_slice(&corpus.text)).bench_local(|| find(divan::black_box(&corpus.text)));
}

/// How many runs there are that look like tokens, and how many different ones.
fn find(text: &[u8]) -> (u64, usize) {
    let may_belong: [bool; 256] = std::array::from_fn(|byte| {
        matches!(byte as u8, b'-' | b'_' | b'.') || (byte as u8).is_ascii_alphanumeric()
    });
    let beginning = memmem::Finder::new("eyJ");
    let mut tokens: HashMap<u64, u64> = HashMap::default();
    let hasher = RandomState::default();
    let mut from = 0;
    while let Some(at) = beginning.find(&text[from..]).map(|at| from + at) {
        let length = text[at..].iter().take_while(|byte| may_belong[usize::from(**byte)]).count();
        let run = &text[at..at + length];
        if run.contains(&b'.') {
            *tokens.entry(hasher.hash_one(run)).or_default() += 1;
        }
        from = at + length;
    }
    (tokens.values().sum(), tokens.len())
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

/// Counts bytes, in pieces as large as a chunk.
struct Count {
    bytes: u64,
    piece: Vec<u8>,
}

impl Visitor for Count {
    fn source(&mut self, _: &Source, bytes: &mut dyn Read) -> ControlFlow<()> {
        while let count @ 1.. = bytes.read(&mut self.piece).unwrap() {
            self.bytes += count as u64;
        }
        ControlFlow::Continue(())
    }

    fn problem(&mut self, problem: Problem) -> ControlFlow<()> {
        panic!("{}", problem.reason)
    }
}

fn compress(format: &str, text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    match format {
        "gzip" => flate2::write::GzEncoder::new(&mut out, flate2::Compression::default()).write_all(text),
        "zstd" => zstd::Encoder::new(&mut out, 3).unwrap().auto_finish().write_all(text),
        "bzip2" => bzip2::write::BzEncoder::new(&mut out, bzip2::Compression::best()).write_all(text),
        _ => liblzma::write::XzEncoder::new(&mut out, 6).write_all(text),
    }
    .unwrap();
    out
}

/// A compressed log through its decoder, on one thread: what one file cannot be read faster than.
#[divan::bench(args = ["gzip", "zstd", "bzip2", "xz"], sample_count = 10, sample_size = 1)]
fn decoder(bencher: Bencher<'_, '_>, format: &str) {
    let text = Corpus::named("mixed").text;
    let stream = compress(format, &text);
    let read = || {
        let mut count = Count { bytes: 0, piece: vec![0; LINE_LIMIT] };
        let source = Source { name: SourceName::from("app.log"), modified: None, start: 0 };
        let _ = read_stream(source, &mut &stream[..], &Limits::default(), &Alone, &|_| {}, &mut count);
        count.bytes
    };
    assert_eq!(read(), text.len() as u64, "{format}");
    bencher.counter(BytesCount::of_slice(&text)).bench_local(read);
}
