//! The chunks of one source in their order: split records joined, cut where a W3C directive changes what is known about the
//! columns, and each with its lines numbered and with what is known about its time from the chunks before it.

use std::sync::Arc;

use memchr::memmem;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::event_time::W3cFields;
use super::lines::{Stated, TimeContext};
use super::survey::{Known, Survey};
use crate::input::chunk::{Chunk, End, Mark};
use crate::input::record::{Joiner, Told};

/// See the module. It is passed on from chunk to chunk.
pub struct Feed {
    joiner: Joiner,
    context: TimeContext,
    /// The number of the next chunk that is given.
    number: u64,
    /// How many lines have ended.
    lines: u64,
}

/// A chunk with all that it takes to work on it.
#[derive(Debug)]
pub struct Fed {
    /// The chunk.
    pub chunk: Chunk,
    /// What is known from above.
    pub context: TimeContext,
    /// Its number in the source, from 0.
    pub number: u64,
}

/// Where a source was left, and all that has to be known to go on there as if it had been read at once. It holds no text.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bookmark {
    /// The offset of the first byte that was not read.
    pub offset: u64,
    /// How many lines have ended above.
    lines: u64,
    /// Whether it is inside of a line, and in a run that may be a token.
    inside: (bool, bool),
    /// The last line above that states its time.
    carried: Option<Stated>,
    fields: Option<W3cFields>,
    told: Told,
}

impl Bookmark {
    /// The beginning of a source whose first byte stands there.
    #[must_use]
    pub fn beginning(offset: u64) -> Self {
        Self { offset, ..Self::default() }
    }

    /// How many lines have begun above.
    #[must_use]
    pub fn lines_begun(&self) -> u64 {
        self.lines + u64::from(self.inside.0)
    }

    /// Whether it is inside of a line, and in a run that may be a token.
    #[must_use]
    pub fn inside(&self) -> (bool, bool) {
        self.inside
    }
}

/// What becomes of a chunk: nearly always one.
pub type Pieces = SmallVec<[Fed; 1]>;

impl Feed {
    /// Goes on at a place in a source, of which this is known.
    #[must_use]
    pub fn new(context: TimeContext, bookmark: &Bookmark) -> Self {
        let fields = bookmark.fields.clone().map(Arc::new);
        let context = TimeContext { carried: bookmark.carried, fields, ..context };
        Self { joiner: Joiner::resumed(bookmark.told), context, number: 0, lines: bookmark.lines }
    }

    /// Where to go on when `end` is where the chunks that were taken have ended. What is held back is read again then.
    #[must_use]
    pub fn bookmark(&self, end: &End) -> Bookmark {
        let held = self.joiner.held_from();
        let is_inside = held.is_none() && end.ends_inside_line;
        // The rest of the line that it is inside of is of that line's time.
        let inside = self.context.inside.filter(|_| is_inside);
        let inside = inside.map(|time| Stated { at: time.at, offset: self.context.inside_record });
        Bookmark {
            offset: held.map_or(end.bytes, |mark| mark.offset),
            lines: held.map_or(self.lines, |mark| mark.line - 1),
            inside: (is_inside, is_inside && end.ends_inside_run),
            carried: inside.or(self.context.carried),
            fields: self.context.fields.as_deref().map(W3cFields::to_be_kept),
            told: self.joiner.told(),
        }
    }

    /// How many lines have ended in the chunks that were taken.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// What a survey of chunks below need not find out.
    #[must_use]
    pub fn known(&self) -> Known {
        Known { has_columns: self.context.fields.is_some(), wrapping: self.joiner.wrapping() }
    }

    /// Takes the next chunk as it was read, and what it says of itself.
    pub fn take(&mut self, mut chunk: Chunk, survey: Survey) -> Pieces {
        chunk.put_below(self.lines);
        self.lines += survey.line_ends;
        match self.joiner.join(&chunk, survey.splits) {
            Some(joined) => self.take_joined(joined),
            None => self.cut_at_directives(chunk, survey),
        }
    }

    /// What is left at the end of the source.
    pub fn finish(&mut self) -> Pieces {
        self.joiner.finish().map(|chunk| self.take_joined(chunk)).unwrap_or_default()
    }

    fn take_joined(&mut self, chunk: Chunk) -> Pieces {
        let survey = Survey::of(&chunk, &self.context.rules, Known { wrapping: None, ..self.known() });
        self.cut_at_directives(chunk, survey)
    }

    fn cut_at_directives(&mut self, mut chunk: Chunk, mut survey: Survey) -> Pieces {
        let mut pieces = Pieces::new();
        chunk.line_ends = std::mem::take(&mut survey.line_ends_by_block);
        if !survey.has_comments {
            pieces.extend(self.give(chunk, Some(&survey)));
            return pieces;
        }
        let mut done = 0;
        let mut from = 0;
        while let Some(start) = comment_from(&chunk, from) {
            from =
                memchr::memchr(b'\n', &chunk.bytes[start..]).map_or(chunk.bytes.len(), |end| start + end + 1);
            let mut fields = self.context.fields.as_deref().cloned().unwrap_or_default();
            if fields.update(chunk.bytes[start..from].trim_ascii_end()) {
                pieces.extend(self.give(slice(&chunk, done, start), None));
                done = start;
                self.context.fields = Some(Arc::new(fields));
            }
        }
        let rest = if done == 0 { chunk } else { slice(&chunk, done, chunk.bytes.len()) };
        pieces.extend(self.give(rest, None));
        pieces
    }

    fn give(&mut self, chunk: Chunk, survey: Option<&Survey>) -> Option<Fed> {
        if chunk.bytes.is_empty() {
            return None;
        }
        let behind = self.context.behind(&chunk, survey);
        let context = std::mem::replace(&mut self.context, behind);
        self.number += 1;
        Some(Fed { chunk, context, number: self.number - 1 })
    }
}

/// Where the first line at or behind `from`, a line start, begins with `#`.
fn comment_from(chunk: &Chunk, from: usize) -> Option<usize> {
    let bytes = &chunk.bytes;
    if bytes.get(from) == Some(&b'#') && !(from == 0 && chunk.begins_inside_line) {
        return Some(from);
    }
    // The line end before `from` is looked at again so that no line is missed.
    let search = from.saturating_sub(1);
    memmem::find(&bytes[search..], b"\n#").map(|at| search + at + 1)
}

/// The lines of a chunk from `start` to `end`, both line starts.
fn slice(chunk: &Chunk, start: usize, end: usize) -> Chunk {
    let first = chunk.marks.partition_point(|mark| mark.at <= start).saturating_sub(1);
    let before = chunk.marks[first];
    let mark = Mark {
        at: 0,
        offset: before.offset + (start - before.at) as u64,
        line: before.line + chunk.line_ends_in(before.at..start),
    };
    let behind = chunk.marks[first + 1..].iter().take_while(|mark| mark.at < end);
    let marks =
        std::iter::once(mark).chain(behind.map(|mark| Mark { at: mark.at - start, ..*mark })).collect();
    Chunk {
        bytes: chunk.bytes[start..end].to_vec(),
        begins_inside_line: start == 0 && chunk.begins_inside_line,
        begins_inside_run: start == 0 && chunk.begins_inside_run,
        marks,
        line_ends: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::chunk::Chunker;
    use crate::scan::event_time::W3cFields;

    /// All pieces of a text that is read in chunks of a capacity, and how many lines have ended in it.
    fn fed(text: &str, capacity: usize) -> (Vec<Fed>, u64) {
        let context = TimeContext::default();
        let rules = Arc::clone(&context.rules);
        let mut feed = Feed::new(context, &Bookmark::default());
        let mut chunker = Chunker::new(text.as_bytes(), 0, capacity);
        let mut pieces = Vec::new();
        while let Some(chunk) = chunker.next_chunk(Vec::new()) {
            let survey = Survey::of(&chunk, &rules, feed.known());
            pieces.extend(feed.take(chunk, survey));
        }
        pieces.extend(feed.finish());
        (pieces, feed.lines())
    }

    const LOG: &str =
        "#Software: none\nfirst\n\n#Fields: date time\n2026-06-12 01:00:00\n#Date: 2026-06-13\nlast";

    #[test]
    fn pieces_are_the_text_in_order_and_their_lines_are_numbered() {
        for capacity in [1, 7, 20, 1000] {
            let (pieces, lines) = fed(LOG, capacity);
            assert_eq!(lines, 6, "capacity {capacity}");
            let mut text = String::new();
            for (number, Fed { chunk, number: told, .. }) in pieces.iter().enumerate() {
                assert_eq!(number as u64, *told);
                assert_eq!(chunk.marks[0].offset as usize, text.len());
                assert_eq!(chunk.marks[0].line as usize, 1 + text.matches('\n').count());
                text.push_str(std::str::from_utf8(&chunk.bytes).unwrap());
            }
            assert_eq!(text, LOG);
        }
    }

    #[test]
    fn a_directive_holds_from_its_own_line_on_whatever_the_chunks() {
        for capacity in [1, 7, 20, 1000] {
            let (pieces, _) = fed(LOG, capacity);
            let mut fields = W3cFields::new();
            for line in LOG.split_inclusive('\n') {
                fields.update(line.trim_end().as_bytes());
                let at = LOG.find(line).unwrap() as u64;
                let piece = pieces.iter().rfind(|fed| fed.chunk.marks[0].offset <= at).unwrap();
                let known = piece.context.fields.as_deref().cloned().unwrap_or_default();
                assert_eq!(known, fields, "capacity {capacity}, {line}");
            }
        }
    }
}
