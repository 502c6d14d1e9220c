//! Verifiers' messages. Run with `cargo bench --bench messages`.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot go on should stop where it stands")]

#[allow(dead_code, reason = "of a corpus only the text matters here")]
mod data;

use std::hint::black_box;

use data::{Corpus, NAMES};
use divan::Bencher;
use divan::counter::BytesCount;
use jwtriage::message::{Finder, Sight};
use jwtriage::triage::STARTS;

fn main() {
    divan::main();
}

fn messages(finder: &Finder, text: &[u8]) -> usize {
    finder.sights(text).filter(|sight| matches!(sight, Sight::Message(_))).count()
}

/// What a run pays at its start.
#[divan::bench(sample_count = 20)]
fn start(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| Finder::new(&[], STARTS));
}

/// What it pays for its first literal that may lead to a message.
#[divan::bench(sample_count = 20)]
fn catalogue(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| Finder::new(&[], STARTS).catalogue().entries().len());
}

/// Logs that hold no message: what the first filter costs, and what it lets through.
#[divan::bench(args = NAMES, sample_count = 20)]
fn none(bencher: Bencher<'_, '_>, name: &str) {
    let text = Corpus::named(name).text;
    let finder = Finder::new(&[], STARTS);
    assert_eq!(messages(&finder, &text), 0);
    bencher.counter(BytesCount::of_slice(&text)).bench_local(|| messages(&finder, black_box(&text)));
}

/// A message on every so many lines.
#[divan::bench(args = [1000, 20, 1], sample_count = 20)]
fn one_in(bencher: Bencher<'_, '_>, every: usize) {
    const MESSAGES: [&str; 4] = [
        "TokenExpiredError: jwt expired",
        r#"{\"level\":\"error\",\"message\":\"unexpected \"aud\" claim value\"}"#,
        "IDX10223: Lifetime validation failed.",
        "token is expired by 3m12s",
    ];
    let plain = Corpus::named("none").text;
    let mut text = Vec::with_capacity(plain.len() * 2);
    let mut expected = 0;
    for (n, line) in plain.split_inclusive(|&byte| byte == b'\n').enumerate() {
        if n % every == 0 {
            text.extend_from_slice(&line[..line.len() - 1]);
            text.push(b' ');
            text.extend_from_slice(MESSAGES[n / every % MESSAGES.len()].as_bytes());
            text.push(b'\n');
            expected += 1;
        } else {
            text.extend_from_slice(line);
        }
    }
    let finder = Finder::new(&[], STARTS);
    assert_eq!(messages(&finder, &text), expected);
    bencher.counter(BytesCount::of_slice(&text)).bench_local(|| messages(&finder, black_box(&text)));
}
