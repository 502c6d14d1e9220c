//! What a report says, as counted items, and what is different from what others said.
//!
//! A [`Snapshot`] is what a report directory counts ([`read()`], from its CSV files). [`News`] is what is to be told of one when
//! others came before it: items that are [new or no longer found](compare()), rates that are out of their [bands](Band),
//! less what a [`Baseline`] accepts. It is written as three tables and `changes.md`, and told in a few lines of text.
//!
//! ```no_run
//! # use std::path::Path;
//! # use jwtriage::changes::{Baseline, News, Snapshot, read};
//! # use jwtriage::{error::Result, timestamp::Timestamp};
//! # fn nightly(history: Vec<Snapshot>, staging: &Path, now: Timestamp) -> Result<()> {
//! let tonight = read(staging)?;
//! let mut news = News::of(&history, &tonight);
//! news.accept(&Baseline::read(Path::new("baseline.toml"))?, now);
//! news.write(staging)?;
//! if !news.is_empty() {
//!     let mail = news.text(10);
//! }
//! # Ok(()) }
//! ```
//!
//! Invariants: only [`read()`], [`Baseline::read`] and [`News::write`] touch files; no clock is read. Names come from outside and
//! pass through a report's cells both when they are read and when they are told. `tokens.csv` is never read: it may be as
//! large as the logs.

mod bands;
mod baseline;
mod compare;
mod markdown;
mod news;
mod read;
mod stream;
mod tables;
#[cfg(test)]
mod testing;
mod text;
mod view;

use std::collections::BTreeMap;

pub use bands::{Band, LEAST_RUNS, MOST_RUNS, OutOfBand, bands};
pub use baseline::Baseline;
pub use compare::{Changes, Counted, compare};
pub use news::News;
pub use read::{read, still_damaged};

use crate::verdict::Verdict;
use crate::words::words;

words! {
    /// What an item is about.
    Kind {
        /// A verdict; the item's name is its detail.
        Verdict = "verdict",
        /// A key: issuer, `kid` and `alg`, as a line of a CSV file has them.
        Key = "key",
        /// An issuer.
        Issuer = "issuer",
        /// An audience.
        Audience = "audience",
        /// A source that has findings, or could not be read to its end; the same name for all that a rotation makes of it.
        Source = "source",
        /// A token that is still usable, by its fingerprint.
        LiveToken = "live_token",
    }
}

impl Kind {
    /// The kind that is written as this word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }

    /// As a person writes it.
    const fn title(self) -> &'static str {
        match self {
            Self::LiveToken => "live token",
            other => other.as_str(),
        }
    }
}

/// Something that a report counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item {
    /// What it is about.
    pub kind: Kind,
    /// What it is called, as reports show it.
    pub name: String,
    /// The verdict that is counted, where the report counts by verdict; of a source that was not read to its end, its
    /// status; else empty.
    pub verdict: String,
}

impl Item {
    /// Whether it counts tokens that are right.
    fn is_valid(&self) -> bool {
        self.verdict == Verdict::Valid.as_str()
    }
}

/// How much of an item there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measure {
    /// Occurrences.
    pub occurrences: u64,
    /// Distinct tokens; an upper bound where several rows of a report make one item, and 0 of sources, whose tokens nobody
    /// counts.
    pub distinct_tokens: u64,
}

impl Measure {
    /// Adds another.
    fn add(&mut self, other: Self) {
        self.occurrences = self.occurrences.saturating_add(other.occurrences);
        self.distinct_tokens = self.distinct_tokens.saturating_add(other.distinct_tokens);
    }
}

/// All that a report counts.
pub type Snapshot = BTreeMap<Item, Measure>;
