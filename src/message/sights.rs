//! One pass over a chunk of a log: messages, and where something else may begin.

use super::finder::{AROUND, Finder, FoundLead, Hit, Look};
use super::lead::LONGEST_LEAD;
use super::lead::Mark;
use super::memo::Memo;
use super::span::{Examined, Outcome};
use memchr::{memchr, memrchr};
use smallvec::SmallVec;
use std::ops::Range;

/// A run of base64url of this length is part of a token, a key or a digest, and what looks like a word in it is chance.
const LONG_RUN: usize = 64;

/// How much more than leads is remembered before and behind a literal. The more, the fewer entries are looked for where they do
/// not stand; and the less often the same comes again, above all behind a time.
pub(super) const NEAR: (usize, usize) = (1, 4);

/// Something that is looked for in the same pass as messages.
#[derive(Clone, Copy, Debug)]
pub struct Starts<'s> {
    /// What it begins with.
    pub texts: &'s [[u8; 3]],
    /// Whether it can begin behind these bytes.
    pub behind: fn(&[u8]) -> bool,
}

/// What is seen in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// Something may begin here that was asked for; see [`Starts`].
    Start(usize),
    /// A message.
    Message(Hit),
}

impl Finder {
    /// The messages in `bytes`, which are whole lines, and where something else may begin: each in ascending order, and a
    /// message where what leads to it stands. None overlaps another: of two that would, the one of higher rank counts, then
    /// the longer, then the earlier entry; but what was led to before a start is told without a look at what is behind that.
    #[must_use]
    pub fn sights<'f, 'b>(&'f self, bytes: &'b [u8]) -> Sights<'f, 'b> {
        self.sights_with(bytes, Memo::default())
    }

    /// The same with what was remembered of earlier bytes; see [`Sights::into_memo`].
    #[must_use]
    pub fn sights_with<'f, 'b>(&'f self, bytes: &'b [u8], memo: Memo) -> Sights<'f, 'b> {
        Sights {
            finder: self,
            bytes,
            from: 0,
            searched: 0,
            found: Vec::new(),
            ahead: None,
            leads: SmallVec::new(),
            told: 0,
            run_end: 0,
            line_end: 0,
            examined: Examined::default(),
            memo,
        }
    }
}

/// What is seen in a chunk; see [`Finder::sights`]. What lies between two starts in a line is looked at once, however many
/// messages there are in it.
#[derive(Debug)]
pub struct Sights<'f, 'b> {
    finder: &'f Finder,
    bytes: &'b [u8],
    /// Nothing before that counts.
    from: usize,
    /// From where the next mark is looked for, if that counts.
    searched: usize,
    /// The messages before that which were not told yet, the last first.
    found: Vec<Hit>,
    /// The mark behind them, if it was seen.
    ahead: Option<Mark>,
    /// What that leads to, if it is a literal.
    leads: SmallVec<[FoundLead; 4]>,
    /// Where the last message ends that was told.
    told: usize,
    /// Where the last long run ends.
    run_end: usize,
    /// Where the line ends that was looked at last.
    line_end: usize,
    /// By what the marks were found since the first of a span, but for the bytes between them.
    examined: Examined,
    memo: Memo,
}

impl Sights<'_, '_> {
    /// What is to be remembered.
    #[must_use]
    pub fn into_memo(self) -> Memo {
        self.memo
    }

    /// Lets nothing before `position` lead to a message or be a start; it must not be before what was told last. What stands
    /// there is known, a token for example.
    pub fn skip_to(&mut self, position: usize) {
        self.from = self.from.max(position);
        self.ahead.take_if(|mark| mark.at() < position);
    }

    /// The next mark: a place where something else may begin, or a literal that a lead holds, outside of long runs.
    fn next_mark(&mut self) -> Option<Mark> {
        loop {
            let range = self.from.max(self.searched)..self.bytes.len();
            let found = self.finder.filter.find_behind(self.bytes, self.searched, range);
            self.searched = found.as_ref().map_or(self.bytes.len(), |(_, next)| *next);
            let (mark, _) = found?;
            match &mark {
                Mark::Start(at) if (self.finder.behind)(&self.bytes[..*at]) => return Some(mark),
                Mark::Literal(literal, number) if literal.end > self.run_end => {
                    self.find_leads(literal, *number);
                    if !self.leads.is_empty() {
                        let run = run_around(self.bytes, literal);
                        if run.len() < LONG_RUN {
                            if self.examined.is_known() {
                                self.examined.note(with_ends(&run));
                            }
                            return Some(mark);
                        }
                        self.run_end = run.end;
                        self.examined.note(None);
                    }
                }
                Mark::Start(_) | Mark::Literal(..) => self.examined.note(None),
            }
        }
    }

    /// Finds the leads that hold a literal, and what they may lead to. No lead and no text holds the end of a line.
    fn find_leads(&mut self, literal: &Range<usize>, number: usize) {
        let index = self.finder.index();
        let (before, behind) = index.reaches[number];
        if self.examined.is_known() {
            self.examined.note(self.around(literal, number));
        }
        let start = literal.start.saturating_sub(before + NEAR.0);
        let window = &self.bytes[start..self.bytes.len().min(literal.end + behind + NEAR.1)];
        let own = literal.start - start..literal.end - start;
        let found = self.memo.leads((window, own.start), || index.led_to(window, &own)).iter();
        self.leads.clear();
        self.leads.extend(found.map(|(owner, at)| (*owner, start + at.start..start + at.end)));
    }

    /// What decides which literal it is and what it may lead to, if nothing before it is missing; it may reach beyond the end.
    fn around(&self, literal: &Range<usize>, number: usize) -> Option<Range<usize>> {
        let (before, behind) = self.finder.index().reaches[number];
        let end = (literal.end + behind + NEAR.1).max(literal.start + LONGEST_LEAD);
        Some(literal.start.checked_sub(before + NEAR.0)?..end)
    }

    /// Tells what was found around `first`, a literal, and behind it when the same stood there.
    fn remembers(&mut self, first: &Range<usize>) -> bool {
        let Some(span) = self.memo.span(self.memo.last()) else { return false };
        let Some(at) = span.stands(self.bytes, first.start) else { return false };
        let (start, searched) = span.ahead(at);
        // What was told before, a long run, or what stands further before a start could make a difference.
        if at < self.told || first.start < self.run_end || !(self.finder.behind)(&self.bytes[..start]) {
            return false;
        }
        self.found.extend(span.hits(at));
        self.memo.note_again();
        self.ahead = Some(Mark::Start(start));
        self.searched = searched;
        true
    }

    /// Finds the messages that are led to from `first`, a literal, and from those behind it up to a beginning or to the end
    /// of the line.
    fn look_at_line(&mut self, first: Range<usize>, number: usize) {
        if first.start >= self.line_end {
            let length = memchr(b'\n', &self.bytes[first.start..]);
            self.line_end = length.map_or(self.bytes.len(), |length| first.start + length);
        }
        // As much of the line as any search may reach.
        let floor = first.start.saturating_sub(AROUND);
        let start = memrchr(b'\n', &self.bytes[floor..first.start]).map_or(floor, |at| floor + at + 1);
        let line = &self.bytes[start..self.line_end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let index = self.finder.index();
        let mut hits = std::mem::take(&mut self.found);
        let place = self.memo.last();
        let is_worth = first.start >= self.run_end && self.memo.is_worth();
        self.examined = Examined::default();
        if is_worth && let Some(around) = self.around(&first, number) {
            self.examined = Examined::by(around);
            self.examined.note(with_ends(&run_around(self.bytes, &first)));
        }
        let examined = self.examined.clone();
        let mut look = Look { index, line, at: start, until: SmallVec::new(), hits: &mut hits, examined };
        loop {
            let leads = std::mem::take(&mut self.leads);
            let next = self.next_mark();
            look.at_leads(&leads);
            match next {
                Some(Mark::Literal(next, _)) if next.start < self.line_end => {}
                other => {
                    self.ahead = other;
                    break;
                }
            }
        }
        let examined = look.examined;
        // Around a literal behind a beginning, what stands before that may be found once more.
        hits.retain(|hit| hit.at >= self.told);
        index.keep_best(&mut hits);
        self.found = hits;
        if is_worth {
            self.remember(place, first.start, examined);
        }
    }

    /// Remembers what was found from a literal on, if it was followed by a start.
    fn remember(&mut self, place: usize, literal: usize, examined: Examined) {
        let mut marks = std::mem::take(&mut self.examined);
        let start = match &self.ahead {
            Some(Mark::Start(at)) => Some(*at),
            _ => None,
        };
        marks.note(start.map(|start| literal..start + self.finder.filter.tail));
        let examined = marks.and(examined).filter(|range| range.start >= self.told);
        if let Some(span) = self.memo.span(place) {
            let outcome = Outcome { hits: &self.found, start: start.unwrap_or(0), searched: self.searched };
            span.remember((self.bytes, literal), examined, &outcome);
        }
    }
}

impl Iterator for Sights<'_, '_> {
    type Item = Sight;

    fn next(&mut self) -> Option<Sight> {
        loop {
            if let Some(hit) = self.found.pop() {
                self.told = hit.end;
                return Some(Sight::Message(hit));
            }
            let mark = self.ahead.take();
            match mark.or_else(|| self.next_mark())? {
                Mark::Start(at) => return Some(Sight::Start(at)),
                Mark::Literal(literal, _) if self.remembers(&literal) => {}
                Mark::Literal(literal, number) => self.look_at_line(literal, number),
            }
        }
    }
}

/// The run of base64url that `found` lies in, as far back as matters; only what was found if that is not of base64url.
fn run_around(bytes: &[u8], found: &Range<usize>) -> Range<usize> {
    let in_run = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !bytes[found.clone()].iter().all(in_run) {
        return found.clone();
    }
    let before = bytes[..found.start].iter().rev().take(LONG_RUN).take_while(|byte| in_run(byte)).count();
    let behind = bytes[found.end..].iter().take_while(|byte| in_run(byte)).count();
    found.start - before..found.end + behind
}

/// A run with what ends it on either side.
fn with_ends(run: &Range<usize>) -> Option<Range<usize>> {
    Some(run.start.checked_sub(1)?..run.end + 1)
}
