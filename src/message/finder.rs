//! Where messages stand in a chunk of a log.

use super::catalogue::{Catalogue, SHARED, is_shared, leads};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use memchr::{memchr, memrchr};
use regex_automata::Input;
use regex_automata::meta::Regex;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;

/// How far from its literal a message may reach, in bytes.
const REACH: usize = 512;

/// A run of base64url of this length is part of a token, a key or a digest, and what looks like a word in it is chance.
const LONG_RUN: usize = 64;

/// A message in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Where it begins.
    pub at: usize,
    /// Where it ends.
    pub end: usize,
    /// Which one it is: a place in [`Catalogue::entries`].
    pub entry: usize,
}

/// Finds the messages of a catalogue. One serves all threads; the patterns are compiled when first needed.
#[derive(Debug)]
pub struct Finder {
    catalogue: Catalogue,
    /// The literals that all entries share.
    filter: AhoCorasick,
    /// Each entry's own literals.
    leads: AhoCorasick,
    /// The entries that each of `leads` leads to.
    owners: Vec<Vec<usize>>,
    regexes: Vec<OnceLock<Regex>>,
}

impl Finder {
    /// A finder of all that is in the catalogue.
    #[must_use]
    pub fn new(catalogue: Catalogue) -> Self {
        let mut owners: BTreeMap<Vec<u8>, Vec<usize>> = BTreeMap::new();
        for (entry, pattern) in catalogue.patterns().iter().enumerate() {
            for literal in leads(pattern) {
                owners.entry(literal).or_default().push(entry);
            }
        }
        let shared = SHARED.iter().map(|literal| literal.as_bytes().to_vec());
        let unshared = owners.keys().filter(|literal| !is_shared(literal)).cloned();
        let filter = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostFirst)
            .build(shared.chain(unshared))
            .expect("a few literals make an automaton");
        let leads = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(owners.keys())
            .expect("the literals of a catalogue make an automaton");
        let regexes = catalogue.patterns().iter().map(|_| OnceLock::new()).collect();
        Self { catalogue, filter, leads, owners: owners.into_values().collect(), regexes }
    }

    /// The catalogue.
    #[must_use]
    pub const fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The messages in `bytes`, which are whole lines, in ascending order. None overlaps another: of two that would,
    /// the one of higher rank counts, then the longer, then the earlier entry.
    #[must_use]
    pub fn hits<'f, 'b>(&'f self, bytes: &'b [u8]) -> Hits<'f, 'b> {
        Hits { finder: self, bytes, from: 0, found: Vec::new() }
    }

    /// Of the messages of one record, the one that tells the cause: the highest rank, and of these the last, since
    /// wrappers stand before what they wrap.
    #[must_use]
    pub fn innermost(&self, hits: impl IntoIterator<Item = Hit>) -> Option<Hit> {
        hits.into_iter().max_by_key(|hit| (self.rank(*hit), hit.at))
    }

    fn rank(&self, hit: Hit) -> u8 {
        self.catalogue.entries()[hit.entry].rank
    }

    /// The next line at or after `from` that holds a literal of the first filter outside of long runs.
    fn next_line(&self, bytes: &[u8], mut from: usize) -> Option<Range<usize>> {
        loop {
            let hit = self.filter.find(aho_corasick::Input::new(bytes).range(from..))?;
            match long_run_end(bytes, hit.range()) {
                // What begins inside of the run may still end behind it.
                Some(end) => from = (end - hit.len()).max(hit.start()) + 1,
                None => {
                    let start = memrchr(b'\n', &bytes[..hit.start()]).map_or(0, |at| at + 1);
                    let length = memchr(b'\n', &bytes[hit.start()..]);
                    let end = length.map_or(bytes.len(), |length| hit.start() + length);
                    return Some(start..end);
                }
            }
        }
    }

    /// All messages in a line, the last first. `at` is where the line begins.
    fn in_line(&self, line: &[u8], at: usize) -> Vec<Hit> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut all = Vec::new();
        // Up to where each entry was looked for.
        let mut looked: BTreeMap<usize, usize> = BTreeMap::new();
        for lead in self.leads.find_overlapping_iter(line) {
            for &entry in &self.owners[lead.pattern()] {
                let looked = looked.entry(entry).or_insert(0);
                if lead.start() < *looked {
                    continue;
                }
                let window = lead.start().saturating_sub(REACH)..line.len().min(lead.end() + REACH);
                // What lies close to the window's end is looked at again in the next window.
                *looked = if window.end == line.len() { window.end } else { window.end - REACH / 2 };
                let matches = self.regex(entry).find_iter(Input::new(line).span(window));
                all.extend(matches.map(|found| Hit { at: at + found.start(), end: at + found.end(), entry }));
            }
        }
        self.without_overlaps(all)
    }

    fn regex(&self, entry: usize) -> &Regex {
        let compile = || self.catalogue.patterns()[entry].compile().expect("the tests compile every pattern");
        self.regexes[entry].get_or_init(compile)
    }

    /// Of hits that overlap, the best; the last first.
    fn without_overlaps(&self, mut hits: Vec<Hit>) -> Vec<Hit> {
        hits.sort_unstable_by_key(|hit| {
            (Reverse(self.rank(*hit)), Reverse(hit.end - hit.at), hit.entry, hit.at)
        });
        let mut kept: BTreeMap<usize, Hit> = BTreeMap::new();
        for hit in hits {
            // Those that are kept do not overlap: the last that begins before the end reaches furthest.
            let last = kept.range(..hit.end).next_back();
            if hit.at < hit.end && last.is_none_or(|(_, last)| last.end <= hit.at) {
                kept.insert(hit.at, hit);
            }
        }
        kept.into_values().rev().collect()
    }
}

/// The messages in a chunk; see [`Finder::hits`]. A line is looked at once, however many there are in it.
#[derive(Clone, Debug)]
pub struct Hits<'f, 'b> {
    finder: &'f Finder,
    bytes: &'b [u8],
    /// Where the next line begins.
    from: usize,
    /// What was found in the line above, the last first.
    found: Vec<Hit>,
}

impl Iterator for Hits<'_, '_> {
    type Item = Hit;

    fn next(&mut self) -> Option<Hit> {
        loop {
            if let Some(hit) = self.found.pop() {
                return Some(hit);
            }
            let line = self.finder.next_line(self.bytes, self.from)?;
            self.from = line.end;
            self.found = self.finder.in_line(&self.bytes[line.clone()], line.start);
        }
    }
}

/// Where the run of base64url ends that `found` lies in, if it is a long one.
fn long_run_end(bytes: &[u8], found: Range<usize>) -> Option<usize> {
    let in_run = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !bytes[found.clone()].iter().all(in_run) {
        return None;
    }
    let before = bytes[..found.start].iter().rev().take(LONG_RUN).take_while(|byte| in_run(byte)).count();
    let end = found.end + bytes[found.end..].iter().take_while(|byte| in_run(byte)).count();
    (end - found.start + before >= LONG_RUN).then_some(end)
}
