//! The catalogue: the rows of `catalogue.csv`, and what the user adds.
//!
//! What every run needs of the built-in patterns stands in `leads.csv`, row by row: their text as reports show it, and the
//! literals that lead to them. To read all patterns for it would take four times as long as all else that is done before the
//! first message (40 million instructions, of which 28 are saved), while every thread waits; now a pattern is read when a
//! lead to it is met. A test holds the file equal to what the patterns say, and writes it with `JWTRIAGE_BLESS=1`.

use super::Cause;
use super::pattern::{Pattern, SHORTEST_LITERAL, shortest};
use std::ops::RangeInclusive;
use std::sync::OnceLock;

pub(super) const BUILT_IN: &str = include_str!("catalogue.csv");

pub(super) const LEADS: &str = include_str!("leads.csv");

/// What a rank may be.
pub const RANKS: RangeInclusive<u8> = 1..=3;

/// The rank of a user's own message.
pub const DEFAULT_RANK: u8 = 3;

/// A message that verifiers print.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What the verifier is written in or part of: `node`, `java`, `gateway`; `own` unless the user says otherwise.
    pub stack: String,
    /// The verifiers; empty for a user's own.
    pub library: String,
    /// The text, with `…` where it varies.
    pub message: String,
    /// What it says is wrong.
    pub cause: Cause,
    /// How much it is worth, from 1 (generic, or a wrapper) to 3 (names the cause in words of its own).
    pub rank: u8,
}

/// A message that a user adds.
#[derive(Clone, Debug)]
pub struct OwnMessage {
    stack: String,
    cause: Cause,
    rank: u8,
    pattern: Pattern,
}

impl OwnMessage {
    /// The stack of messages that name none.
    pub const STACK: &'static str = "own";

    /// A message that `pattern` matches.
    ///
    /// # Errors
    ///
    /// What is wrong with the pattern: it is none, it is too large, it needs more than a line, or no literal leads to it.
    pub fn new(stack: &str, pattern: &str, cause: Cause, rank: u8) -> Result<Self, String> {
        assert!(RANKS.contains(&rank), "a rank from 1 to 3");
        let pattern = Pattern::unicode(pattern)?;
        pattern.compile()?;
        let sets = pattern.literal_sets();
        if sets.iter().flatten().flatten().any(|byte| matches!(byte, b'\n' | b'\r')) {
            return Err("a message stands on one line; give the line that tells the cause".to_owned());
        }
        if !sets.iter().any(|set| shortest(set) >= SHORTEST_LITERAL) {
            return Err(format!(
                "every match must hold a fixed text of at least {SHORTEST_LITERAL} letters in the same case; \
                 add words of the message"
            ));
        }
        Ok(Self { stack: stack.to_owned(), cause, rank, pattern })
    }

    pub(super) const fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    fn read(&self) -> Lazy {
        Lazy { source: String::new(), pattern: OnceLock::from(self.pattern.clone()) }
    }

    /// The message as it is found.
    #[must_use]
    pub fn entry(&self) -> Entry {
        Entry {
            stack: self.stack.clone(),
            library: String::new(),
            message: self.pattern.text().to_owned(),
            cause: self.cause,
            rank: self.rank,
        }
    }
}

/// All messages that are looked for.
#[derive(Clone, Debug)]
pub struct Catalogue {
    entries: Vec<Entry>,
    patterns: Vec<Lazy>,
    /// What leads to the built-in entries, which are the last.
    leads: Vec<Vec<Vec<u8>>>,
}

/// A pattern that is read when it is first needed.
#[derive(Clone, Debug)]
struct Lazy {
    source: String,
    pattern: OnceLock<Pattern>,
}

impl Catalogue {
    /// The user's own messages and the built-in ones. The user's come first: of two entries that match the same text
    /// with the same rank, the first one counts.
    #[must_use]
    pub fn new(own: &[OwnMessage]) -> Self {
        let mut catalogue = Self {
            entries: own.iter().map(OwnMessage::entry).collect(),
            patterns: own.iter().map(OwnMessage::read).collect(),
            leads: Vec::new(),
        };
        let mut leads = csv::ReaderBuilder::new().flexible(true).from_reader(LEADS.as_bytes());
        let mut rows = csv::Reader::from_reader(BUILT_IN.as_bytes());
        for (row, led_to) in rows.records().zip(leads.records()) {
            let row = row.expect("the catalogue's rows have five columns");
            let led_to = led_to.expect("the leads are UTF-8");
            let cause = Cause::parse(&row[2]).expect("the catalogue's causes are known");
            let rank = row[3].parse().expect("the catalogue's ranks are numbers");
            let [stack, library, message] = [&row[0], &row[1], &led_to[0]].map(str::to_owned);
            catalogue.entries.push(Entry { stack, library, message, cause, rank });
            catalogue.patterns.push(Lazy { source: row[4].to_owned(), pattern: OnceLock::new() });
            catalogue.leads.push(led_to.iter().skip(1).map(|lead| lead.as_bytes().to_vec()).collect());
        }
        catalogue
    }

    /// The entries; [`Hit::entry`](super::Hit::entry) is a place in this list.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The pattern of an entry.
    pub(super) fn pattern(&self, entry: usize) -> &Pattern {
        let Lazy { source, pattern } = &self.patterns[entry];
        pattern.get_or_init(|| Pattern::ascii(source).expect("the catalogue's patterns are right"))
    }

    /// What leads to the built-in entries, which are the last.
    pub(super) fn leads(&self) -> &[Vec<Vec<u8>>] {
        &self.leads
    }
}

impl Default for Catalogue {
    fn default() -> Self {
        Self::new(&[])
    }
}
