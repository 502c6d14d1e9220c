//! The place and the event time of positions in a chunk, asked for in ascending order.
//!
//! Nothing here is done per line of the log: line ends are counted up to positions whose line is asked for, and a line's
//! time is read when something was found on it. Only when that line states none are the lines above it read, each once.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::event_time::{LineTime, Recent, TimeFormat, TimeRules, W3cFields};
use super::groups::{Grouping, Values, with_head};
use super::survey::Survey;
use crate::input::chunk::{Chunk, Mark};
use crate::timestamp::Timestamp;

/// Where an event time comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TimeSource {
    /// The line itself.
    Line,
    /// The last line above that states its time.
    Carried,
    /// `--at`.
    Fixed,
    /// The source's modification time.
    File,
}

impl TimeSource {
    /// The contract's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Line => "line",
            Self::Carried => "carried",
            Self::Fixed => "fixed",
            Self::File => "file",
        }
    }
}

/// When something was written, and how that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventTime {
    /// The instant.
    pub at: Timestamp,
    /// Where it comes from.
    pub source: TimeSource,
}

/// How far from its beginning a record reaches, in bytes: the line that states its time, and the lines behind it that state
/// none, such as a stack trace. Lines further down are records of their own, so that a log without times is not one record.
pub const RECORD_LIMIT: u64 = 64 << 10;

/// A line that states its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stated {
    /// The time.
    pub at: Timestamp,
    /// Where the line begins in the decompressed source.
    pub offset: u64,
}

/// What is known about the time of a chunk's lines from what stands above them.
#[derive(Clone, Debug, Default)]
pub struct TimeContext {
    /// How the source's lines state their time.
    pub rules: Arc<TimeRules>,
    /// What the directives above say about the columns of a W3C log.
    pub fields: Option<Arc<W3cFields>>,
    /// The last line above that states its time.
    pub carried: Option<Stated>,
    /// The time of the line that the chunk begins inside of, and where its record begins.
    pub inside: Option<LineTime>,
    /// See [`TimeContext::inside`].
    pub inside_record: u64,
    /// The time of lines above which no line states one.
    pub fallback: Option<EventTime>,
    /// What lines say about groups, if that is asked.
    pub groups: Option<GroupContext>,
}

/// What is known about a chunk's groups from what stands above.
#[derive(Clone, Debug)]
pub struct GroupContext {
    grouping: Grouping,
    /// What the last line above says that states its time.
    head: Values,
    /// What the line says that the chunk begins inside of, as far as it was seen.
    inside: Values,
}

impl GroupContext {
    /// At the beginning of a source.
    #[must_use]
    pub fn new(grouping: Grouping) -> Self {
        let none = grouping.of_line(b"");
        Self { grouping, head: none.clone(), inside: none }
    }
}

impl TimeContext {
    /// The context of the chunk that follows `chunk`, whose context this is. Its survey, if it was made, saves work.
    #[must_use]
    pub fn behind(&self, chunk: &Chunk, survey: Option<&Survey>) -> Self {
        let mut lines = Lines::new(chunk, self);
        let ends_inside = !chunk.bytes.ends_with(b"\n");
        if let Some(survey) = survey
            && !(survey.has_comments || self.fields.is_some() || chunk.begins_inside_line || ends_inside)
        {
            lines.carried = survey.last_stated.or(lines.carried);
            lines.known_to = chunk.bytes.len();
        }
        let last_start = line_start(&chunk.bytes, chunk.bytes.len());
        let inside = if ends_inside { lines.stated(last_start, chunk.bytes.len()) } else { None };
        let inside_record = if ends_inside { lines.record_of(last_start, inside.is_some()) } else { 0 };
        // What a line states whose end is still to come is carried once it has ended; see `Lines::new`.
        let whole = if ends_inside { last_start } else { chunk.bytes.len() };
        let carried = lines.last_stated_before(whole);
        let groups = self.groups.as_ref().map(|groups| GroupContext {
            head: match carried {
                Some(above) if self.carried != carried => lines.values_at(above.offset, groups),
                _ => groups.head.clone(),
            },
            inside: if ends_inside {
                lines.values_of_line(last_start, groups)
            } else {
                groups.inside.clone()
            },
            ..groups.clone()
        });
        Self { carried, inside, inside_record, groups, ..self.clone() }
    }
}

/// What is known about a position in a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The offset in the decompressed source.
    pub offset: u64,
    /// When it was written; `None` when nothing tells.
    pub time: Option<EventTime>,
    /// How the line states its time, if it does.
    pub format: Option<TimeFormat>,
    /// Where its record begins in the decompressed source: see [`RECORD_LIMIT`]. It names the record, whatever the chunks.
    pub record: u64,
}

/// Answers for one chunk.
#[derive(Debug)]
pub struct Lines<'c> {
    chunk: &'c Chunk,
    context: &'c TimeContext,
    /// The last position.
    at: usize,
    /// The mark that holds for it, moved on to where line ends have been counted up to.
    counted: Mark,
    /// Marks that begin behind the last position.
    marks: &'c [Mark],
    /// Where the chunk's first line ends.
    first_line_end: usize,
    /// Where the chunk begins and ends in the decompressed source, if its lines are not in the order of offsets.
    disorder: Option<Range<u64>>,
    /// Where the last line ends that was counted.
    counted_to: usize,
    /// The line that was asked about last: where it ends, and its time.
    line_end: usize,
    time: Option<EventTime>,
    format: Option<TimeFormat>,
    record: u64,
    /// The last line before `known_to` that states its time.
    carried: Option<Stated>,
    known_to: usize,
    recent: Recent,
}

impl<'c> Lines<'c> {
    /// Answers for a chunk in its context.
    #[must_use]
    pub fn new(chunk: &'c Chunk, context: &'c TimeContext) -> Self {
        // The rest of a line that began in an earlier chunk states nothing more.
        let known_to = if chunk.begins_inside_line { line_end(&chunk.bytes, 0) } else { 0 };
        let inside = context.inside.filter(|_| chunk.begins_inside_line);
        Self {
            chunk,
            context,
            at: 0,
            counted: chunk.marks[0],
            marks: &chunk.marks[1..],
            first_line_end: known_to,
            disorder: disorder(chunk),
            line_end: 0,
            counted_to: 0,
            time: None,
            format: None,
            record: 0,
            carried: inside
                .map(|time| Stated { at: time.at, offset: context.inside_record })
                .or(context.carried),
            known_to,
            recent: Recent::default(),
        }
    }

    /// What is known about the position `at`, which must not be before one that was asked for earlier.
    pub fn place(&mut self, at: usize) -> Place {
        while let [next, rest @ ..] = self.marks
            && next.at <= at
        {
            self.counted = *next;
            self.marks = rest;
        }
        self.at = at;
        if at >= self.line_end {
            self.enter_line(at);
        }
        Place {
            offset: self.counted.offset + (at - self.counted.at) as u64,
            time: self.time,
            format: self.format,
            record: self.record,
        }
    }

    /// The line, from 1, that holds the last position. It is counted when it is asked for: most sightings of a token
    /// need no line.
    pub fn line(&mut self) -> u64 {
        let between = self.counted.at..self.at;
        self.counted.offset += between.len() as u64;
        self.counted.line += self.chunk.line_ends_in(between);
        self.counted.at = self.at;
        self.counted.line
    }

    /// Whether the last position's line was not counted before, which it is now; of a line in pieces, only the first is.
    pub fn count_line(&mut self) -> bool {
        // A line that began in an earlier chunk was counted there.
        let began_earlier = self.chunk.begins_inside_line && self.at < self.first_line_end;
        let is_new = !began_earlier && self.counted_to < self.line_end;
        self.counted_to = self.line_end;
        is_new
    }

    /// The length of the last position's line, without its end, if nothing but white space stands between `end` and
    /// that. `None` of a line that is only a piece, or whose end is not there.
    #[must_use]
    pub fn length_to(&self, end: usize) -> Option<usize> {
        let start = line_start(&self.chunk.bytes, self.at);
        let began_here = start > 0 || !self.chunk.begins_inside_line;
        let behind = self.chunk.bytes.get(end..self.line_end)?;
        let is_its_end = behind.ends_with(b"\n") && behind.trim_ascii().is_empty();
        (began_here && is_its_end).then(|| end - start)
    }

    /// Offsets of the source by which positions of different chunks can be ordered: what stands at or behind the end of this range
    /// is not in a line before that of `place`, and what stands at or before its beginning not in one behind it. Where records were
    /// joined that is a wide range: a line's number is then that of its record's first.
    #[must_use]
    pub fn order(&self, place: &Place) -> Range<u64> {
        self.disorder.clone().unwrap_or(place.offset..place.offset)
    }

    fn enter_line(&mut self, at: usize) {
        let start = line_start(&self.chunk.bytes, at);
        self.line_end = line_end(&self.chunk.bytes, at);
        let stated = self.stated(start, self.line_end);
        self.format = stated.map(|time| time.format);
        self.record = self.record_of(start, stated.is_some());
        self.time = match stated {
            Some(time) => Some(EventTime { at: time.at, source: TimeSource::Line }),
            None => match self.carried {
                Some(above) => Some(EventTime { at: above.at, source: TimeSource::Carried }),
                None => self.context.fallback,
            },
        };
        self.carried = stated.map(|time| Stated { at: time.at, offset: self.record }).or(self.carried);
        self.known_to = self.known_to.max(self.line_end);
    }

    /// The time that the line from `start` to `end` states.
    fn stated(&mut self, start: usize, end: usize) -> Option<LineTime> {
        if start == 0 && self.chunk.begins_inside_line {
            return self.context.inside;
        }
        let line = &self.chunk.bytes[start..end];
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        self.recent.of_line(line, &self.context.rules, self.context.fields.as_deref())
    }

    /// The values of the groups for the last position; none unless they are asked for.
    #[must_use]
    pub fn groups(&self) -> Option<Values> {
        let groups = self.context.groups.as_ref()?;
        let start = line_start(&self.chunk.bytes, self.at);
        let own = self.values_of_line(start, groups);
        let is_head = start == 0 && self.chunk.begins_inside_line || self.offset_of(start) == self.record;
        Some(if is_head { own } else { with_head(own, &self.values_at(self.record, groups)) })
    }

    /// What the line says that begins at this offset, at or above the last position: of those above the chunk, only the last
    /// one that states its time is known.
    fn values_at(&self, offset: u64, groups: &GroupContext) -> Values {
        let begins_here = self.chunk.marks.iter().rev().find(|mark| mark.offset <= offset);
        match begins_here {
            Some(mark) => {
                let start = mark.at + usize::try_from(offset - mark.offset).unwrap_or(usize::MAX);
                self.values_of_line(start.min(self.chunk.bytes.len()), groups)
            }
            None if self.chunk.begins_inside_line && offset == self.context.inside_record => {
                groups.inside.clone()
            }
            None => groups.head.clone(),
        }
    }

    fn values_of_line(&self, start: usize, groups: &GroupContext) -> Values {
        if start == 0 && self.chunk.begins_inside_line {
            return groups.inside.clone();
        }
        groups.grouping.of_line(&self.chunk.bytes[start..line_end(&self.chunk.bytes, start)])
    }

    /// Where the record begins that the line from `start` belongs to.
    fn record_of(&mut self, start: usize, is_dated: bool) -> u64 {
        if start == 0 && self.chunk.begins_inside_line {
            return self.context.inside_record;
        }
        let offset = self.offset_of(start);
        if is_dated {
            return offset;
        }
        let above = self.last_stated_before(start).map(|above| above.offset);
        above.filter(|above| offset - above <= RECORD_LIMIT).unwrap_or(offset)
    }

    /// The offset of a position in the decompressed source.
    fn offset_of(&self, position: usize) -> u64 {
        let marks = &self.chunk.marks;
        let mark = marks[marks.partition_point(|mark| mark.at <= position).saturating_sub(1)];
        mark.offset + (position - mark.at) as u64
    }

    /// The last line before `end`, a line start, that states its time. Every line is read once, whatever is asked.
    pub(super) fn last_stated_before(&mut self, end: usize) -> Option<Stated> {
        let mut line_end = end;
        while line_end > self.known_to {
            let start = line_start(&self.chunk.bytes, line_end - 1).max(self.known_to);
            if let Some(time) = self.stated(start, line_end) {
                self.carried = Some(Stated { at: time.at, offset: self.offset_of(start) });
                break;
            }
            line_end = start;
        }
        self.known_to = self.known_to.max(end);
        self.carried
    }
}

/// Where the line that holds position `at` begins.
fn line_start(bytes: &[u8], at: usize) -> usize {
    memchr::memrchr(b'\n', &bytes[..at]).map_or(0, |end| end + 1)
}

/// Where the line that holds position `at` ends, behind its line end.
fn line_end(bytes: &[u8], at: usize) -> usize {
    memchr::memchr(b'\n', &bytes[at..]).map_or(bytes.len(), |end| at + end + 1)
}

/// From where to where a chunk reaches in its source that is made of several pieces.
fn disorder(chunk: &Chunk) -> Option<Range<u64>> {
    let (first, rest) = chunk.marks.split_first().filter(|(_, rest)| !rest.is_empty())?;
    let mut range = first.offset..first.offset;
    let ends = rest.iter().map(|mark| mark.at).chain([chunk.bytes.len()]);
    for (mark, end) in chunk.marks.iter().zip(ends) {
        range.start = range.start.min(mark.offset);
        range.end = range.end.max(mark.offset + (end - mark.at) as u64);
    }
    Some(range)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::chunk::Chunker;
    use crate::scan::survey::Known;

    const LOG: &str = "no time yet\n\
        2026-06-12T01:00:00Z one\n\
        \tat frame\n\
        \tat frame\n\
        2026-06-12T01:00:05Z two\n\
        last";

    /// Line, offset, and second and source of the time.
    type Told = (u64, u64, Option<(i64, TimeSource)>);

    /// The line, the offset, the second and the source of the time at each `e`, over chunks of a capacity.
    fn told(text: &str, capacity: usize, fallback: Option<EventTime>) -> Vec<Told> {
        let mut chunker = Chunker::new(text.as_bytes(), 0, capacity);
        let mut context = TimeContext { fallback, ..TimeContext::default() };
        let mut told = Vec::new();
        let mut line_ends = 0;
        while let Some(mut chunk) = chunker.next_chunk(Vec::new()) {
            chunk.put_below(line_ends);
            let survey = Survey::of(&chunk, &context.rules, Known::default());
            line_ends += survey.line_ends;
            let mut lines = Lines::new(&chunk, &context);
            for at in memchr::memchr_iter(b'e', &chunk.bytes) {
                let place = lines.place(at);
                let time = place.time.map(|time| (time.at.millis() / 1000 - 1_781_226_000, time.source));
                told.push((lines.line(), place.offset, time));
            }
            let behind = context.behind(&chunk, Some(&survey));
            assert_eq!(behind.carried, context.behind(&chunk, None).carried);
            context = behind;
        }
        told
    }

    #[test]
    fn a_line_has_its_own_time_or_that_of_the_last_dated_line_above_whatever_the_chunks() {
        use TimeSource::{Carried, Line};
        for capacity in [1, 2, 7, 30, 64, 1000] {
            let told = told(LOG, capacity, None);
            let times: Vec<_> = told.iter().map(|(line, _, time)| (*line, *time)).collect();
            assert_eq!(
                times,
                [
                    (1, None),
                    (1, None),
                    (2, Some((0, Line))),
                    (3, Some((0, Carried))),
                    (4, Some((0, Carried))),
                ],
                "capacity {capacity}"
            );
            assert!(told.iter().all(|(_, offset, _)| LOG.as_bytes()[*offset as usize] == b'e'));
        }
    }

    #[test]
    fn only_lines_above_which_nothing_is_dated_fall_back() {
        let fallback =
            Some(EventTime { at: Timestamp::from_seconds(1_781_226_000), source: TimeSource::File });
        let told = told(LOG, 1000, fallback);
        assert_eq!(told[0].2, Some((0, TimeSource::File)));
        assert_eq!(told[3].2, Some((0, TimeSource::Carried)));
    }

    #[test]
    fn offsets_tell_the_order_of_lines_unless_records_were_joined() {
        let mark = |at, offset, line| Mark { at, offset, line };
        // A record that began in line 5 goes on behind another, which began in line 10.
        let joined = vec![mark(0, 1000, 10), mark(6, 400, 5), mark(12, 1200, 5)];
        for (marks, order) in [(vec![mark(0, 1000, 10)], 1012..1012), (joined, 400..1204)] {
            let chunk = Chunk {
                bytes: b"later begin end\n".to_vec(),
                begins_inside_line: false,
                begins_inside_run: false,
                marks,
                line_ends: Vec::new(),
            };
            let context = TimeContext::default();
            let mut lines = Lines::new(&chunk, &context);
            let place = lines.place(12);
            assert_eq!(lines.order(&place), order);
        }
    }

    #[test]
    fn the_length_of_a_line_is_told_at_its_end_only() {
        let length = |text: &str, what: &str| {
            let mut chunker = Chunker::new(text.as_bytes(), 0, 1000);
            let chunk = chunker.next_chunk(Vec::new()).unwrap();
            let context = TimeContext::default();
            let mut lines = Lines::new(&chunk, &context);
            let at = text.find(what).unwrap();
            lines.place(at);
            lines.length_to(at + what.len())
        };
        assert_eq!(length("first\n12345 token\r\nlast", "token"), Some(11));
        assert_eq!(length("token\n", "token"), Some(5));
        assert_eq!(length("token and more\n", "token"), None);
        assert_eq!(length("first\ntoken", "token"), None, "more may have been cut with the line end");
    }

    #[test]
    fn pieces_of_a_long_line_have_the_time_of_its_head() {
        use crate::input::chunk::LINE_LIMIT;
        let long = format!(
            "2026-06-12T01:00:00Z head {}\nundated e\n2026-06-12T01:00:09Z next e\n",
            "x ".repeat(LINE_LIMIT) + "e"
        );
        for capacity in [10_000, LINE_LIMIT] {
            let times: Vec<_> =
                told(&long, capacity, None).into_iter().map(|(line, _, time)| (line, time)).collect();
            assert_eq!(
                times,
                [
                    (1, Some((0, TimeSource::Line))),
                    (1, Some((0, TimeSource::Line))),
                    (2, Some((0, TimeSource::Carried))),
                    (2, Some((0, TimeSource::Carried))),
                    (3, Some((9, TimeSource::Line))),
                    (3, Some((9, TimeSource::Line))),
                ],
                "capacity {capacity}"
            );
        }
    }
}
