//! Joins the records that a container runtime has split over several lines, before they are scanned.
//!
//! - CRI (containerd, CRI-O): `TIME stdout P text` lines up to the next `F` line of the same stream.
//! - Docker json-file: `{"log":"text","stream":…}` lines whose text does not end with `\n`.
//!
//! A joined record takes the head of its first line, time included, and the texts of all; it stands where its first
//! line stood, so that lines stay in order. Chunks in which nothing is split pass untouched, at the cost of one search
//! for a needle.

use std::collections::VecDeque;
use std::ops::Range;

use memchr::memmem;
use serde::{Deserialize, Serialize};

use super::chunk::{Chunk, LINE_LIMIT, Mark};

/// How a source's lines are wrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Wrapping {
    /// By containerd and CRI-O.
    Cri,
    /// By Docker, as JSON.
    Docker,
}

/// The first lines of a source, so many, tell how its lines are wrapped.
const TELLING_LINES: usize = 5;

/// Joins split records over all chunks of one source, which must come in order.
pub struct Joiner {
    /// `None` until a line tells it, and for ever in most sources.
    wrapping: Option<Wrapping>,
    /// How many more lines may tell it. They are counted over chunks, whose size must not show.
    telling_lines: usize,
    /// Records in order, from the first that is open on.
    held: VecDeque<Record>,
    /// How many records were held and have been let go: the number of the first that is held.
    released: usize,
    /// The streams whose next line goes on with a record, and its number: at most stdout and stderr.
    open: Vec<(Vec<u8>, usize)>,
    /// How many bytes are held.
    held_bytes: usize,
}

/// A record, or a line that waits for a record above it.
struct Record {
    bytes: Vec<u8>,
    /// What stands behind the text: of a Docker record the first line's own, with its time.
    tail: Vec<u8>,
    marks: Vec<Mark>,
}

/// The parts of a wrapped line.
struct Wrapped {
    stream: Range<usize>,
    text: Range<usize>,
    is_partial: bool,
}

impl Default for Joiner {
    fn default() -> Self {
        Self {
            wrapping: None,
            telling_lines: TELLING_LINES,
            held: VecDeque::new(),
            released: 0,
            open: Vec::new(),
            held_bytes: 0,
        }
    }
}

/// What a joiner has been told by the lines so far, but for records that are open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    wrapping: Option<Wrapping>,
    lines: usize,
}

impl Joiner {
    /// Goes on where another one stood that no record was open in.
    #[must_use]
    pub fn resumed(told: Told) -> Self {
        let telling_lines = TELLING_LINES.saturating_sub(told.lines);
        Self { wrapping: told.wrapping, telling_lines, ..Self::default() }
    }

    /// What the lines so far have told.
    #[must_use]
    pub fn told(&self) -> Told {
        Told { wrapping: self.wrapping, lines: TELLING_LINES - self.telling_lines }
    }

    /// Where the first line stands that is held back.
    #[must_use]
    pub fn held_from(&self) -> Option<Mark> {
        self.held.front().and_then(|record| record.marks.first()).copied()
    }

    /// The chunk with its split records joined, if there are any; a record whose end is still to come is kept for a later
    /// chunk. Whoever has asked [`Wrapping::splits`] tells the answer.
    pub fn join(&mut self, chunk: &Chunk, splits: Option<bool>) -> Option<Chunk> {
        self.look_at(chunk);
        let wrapping = self.wrapping?;
        let is_touched = !self.held.is_empty() || splits.unwrap_or_else(|| wrapping.splits(&chunk.bytes));
        is_touched.then(|| self.rewrite(wrapping, chunk))
    }

    /// How lines are wrapped, once a line has told it.
    #[must_use]
    pub fn wrapping(&self) -> Option<Wrapping> {
        self.wrapping
    }

    /// Looks at the first lines of the source, as far as they are in this chunk.
    fn look_at(&mut self, chunk: &Chunk) {
        let mut lines =
            chunk.bytes.split_inclusive(|byte| *byte == b'\n').skip(chunk.begins_inside_line.into());
        while self.wrapping.is_none()
            && self.telling_lines > 0
            && let Some(line) = lines.next()
        {
            self.wrapping = Wrapping::of(line);
            self.telling_lines -= 1;
        }
    }

    /// The records that were still open when the source ended, as a last chunk.
    pub fn finish(&mut self) -> Option<Chunk> {
        let mut out = Rewritten::default();
        self.release(&mut out, 0);
        (!out.bytes.is_empty()).then(|| out.into_chunk(false, false))
    }

    fn rewrite(&mut self, wrapping: Wrapping, chunk: &Chunk) -> Chunk {
        let mut out = Rewritten::default();
        let mut mark = chunk.marks[0];
        let mut begins_inside_line = chunk.begins_inside_line;
        for line in chunk.bytes.split_inclusive(|byte| *byte == b'\n') {
            let wrapped = wrapping.parse(line).filter(|_| !begins_inside_line && line.ends_with(b"\n"));
            if line.ends_with(b"\n") {
                self.line(wrapping, line, wrapped.as_ref(), mark, &mut out);
                self.release(&mut out, LINE_LIMIT);
            } else {
                // The pieces of a long line follow each other: nothing may be held that would come between them.
                self.release(&mut out, 0);
                out.line(line, mark);
            }
            begins_inside_line = false;
            mark.offset += line.len() as u64;
            mark.line += u64::from(line.ends_with(b"\n"));
        }
        out.into_chunk(chunk.begins_inside_line, chunk.begins_inside_run)
    }

    fn line(
        &mut self,
        wrapping: Wrapping,
        line: &[u8],
        wrapped: Option<&Wrapped>,
        mark: Mark,
        out: &mut Rewritten,
    ) {
        let stream = wrapped.map(|wrapped| &line[wrapped.stream.clone()]);
        let open = self.open.iter().find(|(of, _)| Some(of.as_slice()) == stream);
        match (open.map(|(_, number)| number - self.released), wrapped) {
            (Some(at), Some(wrapped)) => {
                let record = &mut self.held[at];
                let text = &line[wrapped.text.clone()];
                let offset = mark.offset + wrapped.text.start as u64;
                record.marks.push(Mark { at: record.bytes.len(), offset, line: record.marks[0].line });
                record.bytes.extend_from_slice(text);
                self.held_bytes += text.len() + size_of::<Mark>();
                if !wrapped.is_partial {
                    self.close(at + self.released);
                }
            }
            (None, Some(wrapped)) if wrapped.is_partial => {
                let tail = match wrapping {
                    Wrapping::Cri => b"\n",
                    Wrapping::Docker => &line[wrapped.text.end..],
                };
                self.hold(stream.map(<[u8]>::to_vec), &line[..wrapped.text.end], tail, mark);
            }
            _ if self.held.is_empty() => out.line(line, mark),
            _ => self.hold(None, line, b"", mark),
        }
    }

    fn hold(&mut self, stream: Option<Vec<u8>>, bytes: &[u8], tail: &[u8], mark: Mark) {
        if let Some(stream) = stream {
            self.open.push((stream, self.released + self.held.len()));
        }
        let marks = vec![Mark { at: 0, ..mark }];
        let record = Record { bytes: bytes.to_vec(), tail: tail.to_vec(), marks };
        self.held_bytes += record.size();
        self.held.push_back(record);
    }

    /// Nothing goes on with the record of this number.
    fn close(&mut self, number: usize) {
        self.open.retain(|(_, open)| *open != number);
    }

    /// Lets go of what stands before the first open record; of an open one too while more than `limit` bytes are held.
    fn release(&mut self, out: &mut Rewritten, limit: usize) {
        while let Some(record) = self.held.front() {
            let is_open = self.open.iter().any(|(_, number)| *number == self.released);
            if is_open && self.held_bytes <= limit {
                return;
            }
            self.held_bytes -= record.size();
            self.close(self.released);
            self.released += 1;
            out.record(self.held.pop_front().expect("there is a front"));
        }
    }
}

impl Record {
    /// How much memory it takes.
    fn size(&self) -> usize {
        size_of::<Self>() + self.bytes.len() + self.tail.len() + self.marks.len() * size_of::<Mark>()
    }
}

impl Wrapping {
    /// How a line is wrapped.
    fn of(line: &[u8]) -> Option<Self> {
        [Self::Cri, Self::Docker].into_iter().find(|wrapping| wrapping.parse(line).is_some())
    }

    fn parse(self, line: &[u8]) -> Option<Wrapped> {
        match self {
            Self::Cri => parse_cri(line),
            Self::Docker => parse_docker(line),
        }
    }

    /// Whether a line of the text is partial. May only err by saying yes.
    #[must_use]
    pub fn splits(self, bytes: &[u8]) -> bool {
        match self {
            Self::Cri => [&b"stdout P"[..], b"stderr P"].iter().any(|tag| memmem::find(bytes, tag).is_some()),
            Self::Docker => {
                memmem::find_iter(bytes, b"\"stream\"").any(|at| !ends_with_escaped_newline(&bytes[..at]))
            }
        }
    }
}

/// `2026-06-12T01:02:03.123456789Z stdout P text`.
fn parse_cri(line: &[u8]) -> Option<Wrapped> {
    let space = memchr::memchr(b' ', &line[..line.len().min(40)])?;
    if space < 20 || !line[0].is_ascii_digit() || line[10] != b'T' {
        return None;
    }
    let stream = space + 1..space + 7;
    let behind = line.get(stream.start..)?;
    if !(behind.starts_with(b"stdout ") || behind.starts_with(b"stderr ")) {
        return None;
    }
    let is_partial = match behind.get(7..9)? {
        [b'P', b' ' | b':'] => true,
        [b'F', b' ' | b':' | b'\n'] => false,
        _ => return None,
    };
    let tag_end = 9 + memchr::memchr(b' ', behind.get(8..)?).filter(|colon| *colon > 0).unwrap_or(0);
    let text = (stream.start + tag_end).min(line.len())..without_line_end(line).len();
    Some(Wrapped { stream, text: text.start..text.end.max(text.start), is_partial })
}

/// `{"log":"text\n","stream":"stdout","time":"2026-06-12T01:02:03.123Z"}`, white space allowed between the parts.
fn parse_docker(line: &[u8]) -> Option<Wrapped> {
    let value = line.strip_prefix(b"{\"log\"")?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let text = value.strip_prefix(b"\"")?;
    let start = line.len() - text.len();
    let end = start + string_length(text)?;
    // The runtime writes the stream right behind the text; `Wrapping::splits` relies on it.
    let behind = line[end + 1..].trim_ascii_start().strip_prefix(b",")?.trim_ascii_start();
    let at = line.len() - behind.strip_prefix(b"\"stream\"")?.len();
    let open = at + memchr::memchr(b'"', &line[at..])? + 1;
    let close = open + memchr::memchr(b'"', &line[open..])?;
    let is_partial = !ends_with_newline_escape(&line[start..end]);
    Some(Wrapped { stream: open..close, text: start..end, is_partial })
}

/// Length of a JSON string's text, up to the quote that ends it.
fn string_length(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + memchr::memchr2(b'"', b'\\', &text[from..])?;
        if text[at] == b'"' {
            return Some(at);
        }
        from = at + 2;
        if from > text.len() {
            return None;
        }
    }
}

/// Whether the member before `"stream"` is a string that ends with `\n`.
fn ends_with_escaped_newline(before: &[u8]) -> bool {
    let value = before.trim_ascii_end();
    let value = value.strip_suffix(b",").unwrap_or(value).trim_ascii_end();
    value.strip_suffix(b"\"").is_some_and(ends_with_newline_escape)
}

/// Whether a JSON string's text ends with the escape `\n`, not with an escaped backslash and an `n`.
fn ends_with_newline_escape(text: &[u8]) -> bool {
    let Some(head) = text.strip_suffix(b"n") else { return false };
    head.iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1
}

/// A chunk under construction.
#[derive(Default)]
struct Rewritten {
    bytes: Vec<u8>,
    marks: Vec<Mark>,
    /// The mark that bytes which simply go on would have.
    expected: Option<(u64, u64)>,
}

impl Rewritten {
    fn line(&mut self, line: &[u8], mark: Mark) {
        if self.expected != Some((mark.offset, mark.line)) {
            self.marks.push(Mark { at: self.bytes.len(), ..mark });
        }
        self.bytes.extend_from_slice(line);
        let ended = u64::from(line.ends_with(b"\n"));
        self.expected = Some((mark.offset + line.len() as u64, mark.line + ended));
    }

    fn record(&mut self, record: Record) {
        let base = self.bytes.len();
        self.marks.extend(record.marks.into_iter().map(|mark| Mark { at: base + mark.at, ..mark }));
        self.bytes.extend_from_slice(&record.bytes);
        self.bytes.extend_from_slice(&record.tail);
        self.expected = None;
    }

    fn into_chunk(mut self, begins_inside_line: bool, begins_inside_run: bool) -> Chunk {
        if self.marks.is_empty() {
            self.marks.push(Mark { at: 0, offset: 0, line: 1 });
        }
        let Self { bytes, marks, .. } = self;
        Chunk { bytes, begins_inside_line, begins_inside_run, marks, line_ends: Vec::new() }
    }
}

/// A line without `\n` or `\r\n`. Blanks before that are text: a record may be split behind one.
fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::chunk::Chunker;

    /// The text after joining, and the line and offset of each byte for which `wanted` stands in it.
    fn joined(text: &str, capacity: usize) -> Vec<Chunk> {
        let (mut chunker, mut joiner) = (Chunker::new(text.as_bytes(), 0, capacity), Joiner::default());
        let mut chunks = Vec::new();
        while let Some(chunk) = chunker.next_chunk(Vec::new()) {
            chunks.push(joiner.join(&chunk, None).unwrap_or(chunk));
        }
        chunks.extend(joiner.finish());
        chunks
    }

    fn text(chunks: &[Chunk]) -> String {
        chunks.iter().map(|chunk| std::str::from_utf8(&chunk.bytes).unwrap()).collect()
    }

    const CRI: &str = "2026-06-12T01:00:00.000000001Z stdout F plain\n\
         2026-06-12T01:00:01.000000001Z stdout P one-\n\
         2026-06-12T01:00:02.000000001Z stderr F between\n\
         2026-06-12T01:00:03.000000001Z stdout P two-\n\
         2026-06-12T01:00:04.000000001Z stdout F three\n\
         2026-06-12T01:00:05.000000001Z stdout F plain\n";

    #[test]
    fn a_blank_at_the_end_of_a_part_stays() {
        let log = "2026-06-12T01:00:01Z stderr P one \n2026-06-12T01:00:02Z stderr F two\r\n";
        assert!(text(&joined(log, 1000)).contains(" one two"), "{}", text(&joined(log, 1000)));
    }

    #[test]
    fn cri_records_are_joined_per_stream_under_the_head_of_their_first_line() {
        for capacity in [1, 50, 100, 10_000] {
            assert_eq!(
                text(&joined(CRI, capacity)),
                "2026-06-12T01:00:00.000000001Z stdout F plain\n\
                 2026-06-12T01:00:01.000000001Z stdout P one-two-three\n\
                 2026-06-12T01:00:02.000000001Z stderr F between\n\
                 2026-06-12T01:00:05.000000001Z stdout F plain\n",
                "capacity {capacity}"
            );
        }
    }

    #[test]
    fn marks_tell_where_each_part_stood_and_the_record_counts_as_its_first_line() {
        let chunks = joined(CRI, 10_000);
        let place = |part: &str| {
            let at = memmem::find(&chunks[0].bytes, part.as_bytes()).unwrap();
            let mark = chunks[0].marks.iter().rfind(|mark| mark.at <= at).unwrap();
            let between = &chunks[0].bytes[mark.at..at];
            let line = mark.line + between.iter().filter(|byte| **byte == b'\n').count() as u64;
            (mark.offset as usize + at - mark.at, line)
        };
        for (part, line) in [("between", 3), ("one-", 2), ("two-", 2), ("three", 2), ("Z stdout F plain", 1)]
        {
            assert_eq!(place(part), (CRI.find(part).unwrap(), line), "{part}");
        }
        let last = chunks[0].marks.last().unwrap();
        assert_eq!((last.offset as usize, last.line), (CRI.find("2026-06-12T01:00:05").unwrap(), 6));
    }

    #[test]
    fn docker_fragments_are_joined_and_keep_the_first_time() {
        let line = |text: &str, time: u32| {
            format!("{{\"log\":\"{text}\",\"stream\":\"stdout\",\"time\":\"2026-06-12T01:00:0{time}Z\"}}\n")
        };
        let split =
            [line("a \\\"q\\\" b-", 1), line("c\\\\n", 2), line("-d\\n", 3), line("whole\\n", 4)].concat();
        let whole = line("a \\\"q\\\" b-c\\\\n-d\\n", 1) + &line("whole\\n", 4);
        for capacity in [1, 64, 10_000] {
            assert_eq!(text(&joined(&split, capacity)), whole);
        }
    }

    #[test]
    fn white_space_between_the_parts_of_a_docker_line_is_allowed() {
        let text_of = "{\"log\": \"one-\", \"stream\": \"stderr\", \"time\": \"t1\"}\n\
                       {\"log\": \"two\\n\", \"stream\": \"stderr\", \"time\": \"t2\"}\n";
        assert_eq!(
            text(&joined(text_of, 1000)),
            "{\"log\": \"one-two\\n\", \"stream\": \"stderr\", \"time\": \"t1\"}\n"
        );
    }

    #[test]
    fn a_partial_record_whose_tag_is_followed_by_others_is_joined_alone_in_its_chunk() {
        let tagged = CRI.replace("stdout P ", "stdout P:x ");
        for capacity in [1, 10_000] {
            assert!(text(&joined(&tagged, capacity)).contains("P:x one-two-three\n"), "capacity {capacity}");
        }
    }

    #[test]
    fn a_line_whose_text_is_not_followed_by_its_stream_is_no_docker_line() {
        let other = "{\"log\":\"one-\",\"tag\":\"x\\n\",\"stream\":\"stdout\"}\n";
        let docker = "{\"log\":\"a\",\"stream\":\"stdout\"}\n{\"log\":\"b\\n\",\"stream\":\"stdout\"}\n";
        for capacity in [1, 10_000] {
            let joined = text(&joined(&[docker, other, docker].concat(), capacity));
            assert!(joined.contains(other), "capacity {capacity}");
        }
    }

    #[test]
    fn a_record_without_end_is_kept_at_the_end_of_the_source() {
        let open =
            "2026-06-12T01:00:01.000000001Z stdout P one-\n2026-06-12T01:00:03.000000001Z stdout P two-\n";
        let chunks = joined(open, 1000);
        assert_eq!(text(&chunks), "2026-06-12T01:00:01.000000001Z stdout P one-two-\n");
    }

    #[test]
    fn nothing_is_touched_where_nothing_is_split() {
        for plain in ["one stdout P two\nthree\n", "{\"log\":\"x\\n\",\"stream\":\"stdout\"}\n", ""] {
            let chunks = joined(plain, 1000);
            assert_eq!(text(&chunks), plain);
            assert!(chunks.iter().all(|chunk| chunk.marks.len() == 1));
        }
    }

    /// The number of lines that tell how a source is wrapped was once taken from its first chunk alone, however short.
    #[test]
    fn any_of_the_first_lines_tells_the_wrapping_whatever_the_chunks() {
        let head = "starting\n";
        let split = "{\"log\":\"one \",\"stream\":\"stdout\"}\n{\"log\":\"two\\n\",\"stream\":\"stdout\"}\n";
        let text = |chunks: Vec<Chunk>| chunks.into_iter().flat_map(|chunk| chunk.bytes).collect::<Vec<_>>();
        for capacity in [1, 12, 1000] {
            let near = text(joined(&format!("{head}{split}"), capacity));
            assert!(near.windows(7).any(|window| window == b"one two"), "capacity {capacity}");
            let far = format!("{}{split}", head.repeat(TELLING_LINES));
            assert_eq!(text(joined(&far, capacity)), far.as_bytes(), "capacity {capacity}");
        }
    }
}
