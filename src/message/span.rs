//! What was found from a literal that leads to messages up to the beginning of a token, with the bytes that it was found by:
//! where they come again, the same is found. A verifier's message comes again and again, with the same words around it.
//!
//! To be found again without a look, it must depend on these bytes alone. So nothing is remembered when a regular expression
//! was asked, when a line or a chunk begins or ends close by, or when a long run was met.

use super::finder::Hit;
use smallvec::SmallVec;
use std::ops::Range;

/// How many bytes a span that is remembered may depend on.
const LONGEST: usize = 160;

/// What is known about the bytes that decided what was found.
#[derive(Clone, Debug, Default)]
pub(super) struct Examined {
    /// All of them, if so much is known.
    bytes: Option<Range<usize>>,
}

impl Examined {
    /// What was found depends on these bytes.
    pub(super) const fn by(bytes: Range<usize>) -> Self {
        Self { bytes: Some(bytes) }
    }

    /// Whether it is known by what bytes.
    pub(super) const fn is_known(&self) -> bool {
        self.bytes.is_some()
    }

    /// What was found depends on these bytes too; nothing is known if these are not.
    pub(super) fn note(&mut self, more: Option<Range<usize>>) {
        let both = self.bytes.take().zip(more);
        self.bytes = both.map(|(known, more)| known.start.min(more.start)..known.end.max(more.end));
    }

    /// The same of two.
    pub(super) fn and(mut self, other: Self) -> Option<Range<usize>> {
        self.note(other.bytes);
        self.bytes
    }
}

/// The run of bytes from a literal that leads to a message up to where something else begins, and those around it that matter.
/// Places are relative to the first of `bytes`, and it holds text of the log.
#[derive(Default)]
pub(super) struct Span {
    bytes: Vec<u8>,
    literal: usize,
    hits: SmallVec<[Hit; 2]>,
    start: usize,
    searched: usize,
}

/// What a look at a span brings.
#[derive(Debug)]
pub(super) struct Outcome<'h> {
    /// The messages in it, the last first.
    pub(super) hits: &'h [Hit],
    /// Where something else begins.
    pub(super) start: usize,
    /// From where the next mark is looked for.
    pub(super) searched: usize,
}

impl Span {
    /// Where the bytes begin that matter, if they stand around the literal that begins there.
    pub(super) fn stands(&self, bytes: &[u8], literal: usize) -> Option<usize> {
        let start = literal.checked_sub(self.literal).filter(|_| !self.bytes.is_empty())?;
        let there = bytes.get(start..start + self.bytes.len())?;
        (*there == *self.bytes).then_some(start)
    }

    /// The messages in it, where its bytes begin at `at`; the last first.
    pub(super) fn hits(&self, at: usize) -> impl Iterator<Item = Hit> {
        self.hits.iter().map(move |hit| Hit { at: at + hit.at, end: at + hit.end, entry: hit.entry })
    }

    /// Where something else begins, and from where the next mark is looked for, where its bytes begin at `at`.
    pub(super) const fn ahead(&self, at: usize) -> (usize, usize) {
        (at + self.start, at + self.searched)
    }

    /// Remembers a look at what is around a literal that begins there, if what was found depends on a few bytes of one line.
    pub(super) fn remember(
        &mut self,
        (bytes, literal): (&[u8], usize),
        examined: Option<Range<usize>>,
        outcome: &Outcome<'_>,
    ) {
        let short = examined.filter(|range| range.len() <= LONGEST);
        let inside = short.and_then(|range| Some((range.start, bytes.get(range)?)));
        let Some((at, there)) = inside.filter(|(_, there)| !there.iter().any(|byte| b"\r\n".contains(byte)))
        else {
            return;
        };
        self.bytes.clear();
        self.bytes.extend_from_slice(there);
        self.literal = literal - at;
        let hit = |hit: &Hit| Hit { at: hit.at - at, end: hit.end - at, entry: hit.entry };
        self.hits = outcome.hits.iter().map(hit).collect();
        self.start = outcome.start - at;
        self.searched = outcome.searched - at;
    }
}
