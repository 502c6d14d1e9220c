//! What others are told of a run: a file for Prometheus, and a message to a webhook.
//!
//! Only numbers, words of this program and fingerprints of tokens leave through here: [`Counts`] takes no other names, and
//! [`Event`] no other fingerprints. So no text from a log can reach a monitoring system, whoever wrote it there.
//!
//! This room writes a file and speaks to a network; it neither reads the clock nor waits by itself.

mod address;
mod event;
mod metrics;
mod webhook;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::timestamp::Timestamp;

pub use event::{Event, SCHEMA_VERSION};
pub use metrics::{Metrics, check_path};
pub use webhook::{Timing, Webhook};

/// Numbers by word: verdicts, states, statuses, whatever is one word in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts(BTreeMap<String, u64>);

impl Counts {
    /// Adds to the number of a word. What is no word (`[a-z][a-z0-9_]*`, at most 64 bytes) is counted as `other`.
    pub fn add(&mut self, word: &str, number: u64) {
        let word = if is_word(word) { word } else { "other" };
        let sum = self.0.entry(word.to_owned()).or_default();
        *sum = sum.saturating_add(number);
    }

    /// All words with their numbers, in the order of the words.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(word, number)| (word.as_str(), *number))
    }

    /// The sum of all numbers.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.0.values().fold(0, |sum, number| sum.saturating_add(*number))
    }
}

impl<W: AsRef<str>> FromIterator<(W, u64)> for Counts {
    fn from_iter<I: IntoIterator<Item = (W, u64)>>(all: I) -> Self {
        let mut counts = Self::default();
        all.into_iter().for_each(|(word, number)| counts.add(word.as_ref(), number));
        counts
    }
}

/// What is told of a run, to whomever.
#[derive(Clone, Debug)]
pub struct Figures {
    /// When it began.
    pub started: Timestamp,
    /// How long it took.
    pub duration: Duration,
    /// What it exits with.
    pub exit_code: u8,
    /// How many bytes it has read.
    pub bytes: u64,
    /// Its sources by status.
    pub sources: Counts,
    /// Its occurrences by verdict.
    pub occurrences: Counts,
    /// Tokens that are still usable, by state.
    pub live_tokens: Counts,
    /// What is news, by what kind of news it is: new, resolved, ….
    pub news: Counts,
}

fn is_word(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_word_is_counted_and_not_named() {
        let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1In0.";
        let names = ["expired", token, "expired", "", "Valid", "a\"b", "1st"];
        let counts: Counts = names.into_iter().zip(1..).collect();
        let all: Vec<_> = counts.iter().collect();
        assert_eq!(all, [("expired", 1 + 3), ("other", 2 + 4 + 5 + 6 + 7)]);
        assert_eq!(counts.sum(), 28);
    }

    #[test]
    fn sums_stop_at_the_largest_number() {
        let counts: Counts = [("a", u64::MAX), ("a", 1), ("b", 1)].into_iter().collect();
        assert_eq!(counts.sum(), u64::MAX);
    }
}
