//! A stream of bytes → chunks that end at line ends.
//!
//! A line of up to [`LINE_LIMIT`] bytes is never split. A longer one comes in pieces, cut where no token can stand, so
//! that memory is bounded whatever the lines are like. Where pieces are cut depends on the line alone, not on how many
//! bytes a read returns or how large a buffer is: equal bytes give equal findings.

use std::fmt;
use std::io::{self, Read};
use std::ops::Range;

/// Longest line that is held as a whole, and size of a chunk, in bytes.
pub const LINE_LIMIT: usize = 1 << 20;

/// How far back from the end of a piece a place is sought at which no token can stand; also the longest token that is
/// sure to be found whole in a line of more than [`LINE_LIMIT`] bytes.
pub const TOKEN_LIMIT: usize = 256 << 10;

/// The least that a buffer has room for, if as much is wanted. It doubles as long as a source goes on: most are short,
/// and no larger buffer is prepared for them.
const MIN_READ: usize = 64 << 10;

/// How many bytes it is whose line ends are counted together.
pub const LINE_END_BLOCK: usize = 255 * 16;

/// Some whole lines of a source, or a piece of a line that is longer than [`LINE_LIMIT`]. `Debug` shows no text.
#[derive(Clone, PartialEq, Eq)]
pub struct Chunk {
    /// The text.
    pub bytes: Vec<u8>,
    /// Whether it begins inside a line whose beginning an earlier chunk held.
    pub begins_inside_line: bool,
    /// Whether it begins inside a run of characters that could not be cut otherwise.
    pub begins_inside_run: bool,
    /// Where its bytes stood in the source. The first begins at 0; they ascend by `at`.
    pub marks: Vec<Mark>,
    /// How many line ends stand in each block of [`LINE_END_BLOCK`] bytes from the beginning on, as far as they were counted.
    pub line_ends: Vec<u16>,
}

impl fmt::Debug for Chunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunk({} bytes from {:?})", self.bytes.len(), self.marks.first())
    }
}

impl Chunk {
    /// Numbers the lines, which so far were numbered as if nothing stood above.
    pub fn put_below(&mut self, lines: u64) {
        self.marks.iter_mut().for_each(|mark| mark.line += lines);
    }

    /// How many line ends stand there. Blocks that were counted are not looked at again.
    #[must_use]
    pub fn line_ends_in(&self, range: Range<usize>) -> u64 {
        let count = |range: Range<usize>| memchr::memchr_iter(b'\n', &self.bytes[range]).count() as u64;
        let blocks =
            range.start.div_ceil(LINE_END_BLOCK)..(range.end / LINE_END_BLOCK).min(self.line_ends.len());
        if blocks.is_empty() {
            return count(range);
        }
        let before = range.start..blocks.start * LINE_END_BLOCK;
        let behind = blocks.end * LINE_END_BLOCK..range.end;
        let within: u64 = self.line_ends[blocks].iter().map(|ends| u64::from(*ends)).sum();
        count(before) + within + count(behind)
    }
}

/// From `at` on, bytes of a chunk stood at `offset` of the source and in `line`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Place in the chunk.
    pub at: usize,
    /// Offset in the decompressed source, from 0.
    pub offset: u64,
    /// Line in the source, from 1. A [`Chunker`] does not know it before [`Chunk::put_below`].
    pub line: u64,
}

/// Cuts a stream into chunks. It counts no lines: whoever works on a chunk does that while others read on.
pub struct Chunker<R> {
    reader: R,
    /// How many bytes are asked for at a time, 1 to [`LINE_LIMIT`].
    capacity: usize,
    /// Bytes that were read behind the end of the last chunk; they begin a line, or continue one that is in pieces.
    rest: Vec<u8>,
    begins_inside_line: bool,
    begins_inside_run: bool,
    /// The offset of the next chunk.
    next: u64,
    ended: bool,
    /// Whether a last line without an end is left alone: at the end of what was read, and before an error.
    holds_back: (bool, bool),
    /// Whether it did leave something.
    held_back: bool,
    error: Option<io::Error>,
}

/// What there was to read, known at the end.
#[derive(Debug)]
pub struct End {
    /// The offset behind the last byte of the last chunk.
    pub bytes: u64,
    /// Whether the last line has no line end.
    pub ends_inside_line: bool,
    /// Whether it may end inside a token.
    pub ends_inside_run: bool,
    /// Whether a last line without an end was left alone.
    pub held_back: bool,
    /// Why it ended before its end.
    pub error: Option<io::Error>,
}

impl<R: Read> Chunker<R> {
    /// Cuts what `reader` gives, asking for `capacity` bytes at a time. The first byte stands at `start` of the source.
    pub fn new(reader: R, start: u64, capacity: usize) -> Self {
        Self {
            reader,
            capacity: capacity.clamp(1, LINE_LIMIT),
            rest: Vec::new(),
            begins_inside_line: false,
            begins_inside_run: false,
            next: start,
            ended: false,
            holds_back: (false, false),
            held_back: false,
            error: None,
        }
    }

    /// The same for a source that is read in parts. It begins where an earlier chunker has ended, maybe inside of a line and of a
    /// run; a last line without an end is left for the next one if it `may_grow`, or if there is an error.
    #[must_use]
    pub fn in_part(self, (inside_line, inside_run): (bool, bool), may_grow: bool) -> Self {
        let holds_back = (may_grow, true);
        Self { begins_inside_line: inside_line, begins_inside_run: inside_run, holds_back, ..self }
    }

    /// The next chunk, in `buffer`, whose content is discarded; `None` at the end. After an error what was read before
    /// it comes as chunks too.
    pub fn next_chunk(&mut self, mut buffer: Vec<u8>) -> Option<Chunk> {
        // The buffer's old content is read over, not cleared: zeroing it again would touch every byte once more.
        let mut filled = self.rest.len();
        buffer.truncate(self.capacity.max(filled));
        if buffer.len() < filled {
            buffer.resize(filled, 0);
        }
        buffer[..filled].copy_from_slice(&self.rest);
        self.rest.clear();
        let (length, inside_line, inside_run) = loop {
            let window = &buffer[..filled.min(LINE_LIMIT)];
            if window.len() < self.capacity && !self.ended {
                self.fill(&mut buffer, &mut filled);
                continue;
            }
            if let Some(last) = memchr::memrchr(b'\n', window) {
                break (last + 1, false, false);
            }
            if window.len() == LINE_LIMIT {
                let (length, inside_run) = cut(window);
                break (length, true, inside_run);
            }
            if self.ended {
                let (at_end, at_error) = self.holds_back;
                let holds_back = if self.error.is_some() { at_error } else { at_end };
                // What is behind, if there ever is anything, may go on with a token.
                self.held_back = holds_back && filled > 0;
                break (if holds_back { 0 } else { window.len() }, false, true);
            }
            self.fill(&mut buffer, &mut filled);
        };
        if length == 0 {
            return None;
        }
        self.rest.extend_from_slice(&buffer[length..filled]);
        buffer.truncate(length);
        let chunk = Chunk {
            begins_inside_line: self.begins_inside_line,
            begins_inside_run: self.begins_inside_run,
            marks: vec![Mark { at: 0, offset: self.next, line: 1 }],
            line_ends: Vec::new(),
            bytes: buffer,
        };
        self.next += length as u64;
        self.begins_inside_line = inside_line || !chunk.bytes.ends_with(b"\n");
        self.begins_inside_run = inside_run;
        Some(chunk)
    }

    /// What there was to read; asked when no chunk is left.
    pub fn end(self) -> End {
        End {
            bytes: self.next,
            ends_inside_line: self.begins_inside_line,
            ends_inside_run: self.begins_inside_run,
            held_back: self.held_back,
            error: self.error,
        }
    }

    /// Reads once behind the first `filled` bytes of the buffer.
    fn fill(&mut self, buffer: &mut Vec<u8>, filled: &mut usize) {
        // A buffer that is filled to the limit and no further needs no copy of what is behind the last line.
        let wanted = self.capacity.min(LINE_LIMIT.saturating_sub(*filled).max(1));
        let length = (2 * buffer.len()).max(*filled + MIN_READ).min(*filled + wanted);
        if buffer.len() < length {
            buffer.resize(length, 0);
        }
        let end = buffer.len().min(*filled + wanted);
        match self.reader.read(&mut buffer[*filled..end]) {
            Ok(0) => self.ended = true,
            Ok(count) => *filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                self.ended = true;
                self.error = Some(error);
            }
        }
    }
}

/// Where a piece of a long line ends: behind the last byte at which no token can stand, or, if there is none within
/// reach, at the end, which may be inside a run.
fn cut(window: &[u8]) -> (usize, bool) {
    let reach = window.len() - TOKEN_LIMIT;
    let apart = |byte: &u8| matches!(byte, 0..=0x20 | b'"' | b',' | b';' | b'&') && *byte != 0x1b;
    match window[reach..].iter().rposition(apart) {
        Some(last) => (reach + last + 1, false),
        None => (window.len(), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn chunks(text: &[u8], capacity: usize) -> (Vec<Chunk>, End) {
        let mut chunker = Chunker::new(text, 0, capacity);
        let mut chunks = Vec::new();
        while let Some(chunk) = chunker.next_chunk(Vec::new()) {
            chunks.push(chunk);
        }
        (chunks, chunker.end())
    }

    #[test]
    fn a_chunk_ends_at_the_last_line_end_that_was_read() {
        let (chunks, end) = chunks(b"one\ntwo\nthree", 6);
        let told: Vec<_> = chunks.iter().map(|c| (&*c.bytes, c.marks[0].offset)).collect();
        assert_eq!(told, [(&b"one\n"[..], 0), (b"two\n", 4), (b"three", 8)]);
        assert_eq!((end.bytes, end.ends_inside_line), (13, true));
    }

    #[test]
    fn an_empty_source_has_no_chunk_and_no_open_line() {
        let (chunks, end) = chunks(b"", 7);
        assert_eq!((chunks.len(), end.bytes, end.ends_inside_line), (0, 0, false));
    }

    #[test]
    fn a_long_line_comes_in_pieces_that_are_cut_where_no_token_can_stand() {
        let mut text = vec![b'x'; LINE_LIMIT - 10];
        text.extend_from_slice(b" token-that-must-stay-whole rest\nnext\n");
        for capacity in [1 << 10, 77_777, LINE_LIMIT] {
            let (chunks, end) = chunks(&text, capacity);
            assert!(chunks[0].bytes.ends_with(b"x "), "capacity {capacity}");
            assert!(chunks[1].begins_inside_line && !chunks[1].begins_inside_run);
            assert!(chunks[1].bytes.starts_with(b"token-that-must-stay-whole rest\n"));
            assert!(!end.ends_inside_line);
        }
    }

    #[test]
    fn a_run_that_fills_a_whole_piece_is_cut_and_says_so() {
        let text = vec![b'x'; LINE_LIMIT + 5];
        let (chunks, end) = chunks(&text, LINE_LIMIT);
        assert_eq!((chunks[0].bytes.len(), chunks[1].bytes.len()), (LINE_LIMIT, 5));
        assert!(chunks[1].begins_inside_run && chunks[1].begins_inside_line);
        assert_eq!((end.bytes, end.ends_inside_line), (LINE_LIMIT as u64 + 5, true));
    }

    #[test]
    fn what_was_read_before_an_error_comes_as_chunks() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let mut chunker = Chunker::new((&b"one\ntw"[..]).chain(Broken), 0, LINE_LIMIT);
        assert_eq!(chunker.next_chunk(Vec::new()).map(|c| c.bytes), Some(b"one\n".to_vec()));
        assert_eq!(chunker.next_chunk(Vec::new()).map(|c| c.bytes), Some(b"tw".to_vec()));
        assert_eq!(chunker.next_chunk(Vec::new()), None);
        assert_eq!(chunker.end().error.map(|error| error.to_string()), Some("broken".to_owned()));
    }

    proptest! {
        #[test]
        fn chunks_are_the_text_and_know_their_place(
            text in prop::collection::vec(prop::sample::select(b"ab \n\n".to_vec()), 0..300),
            capacity in 1_usize..50,
        ) {
            let (chunks, end) = chunks(&text, capacity);
            prop_assert_eq!(&chunks.iter().flat_map(|c| c.bytes.clone()).collect::<Vec<_>>(), &text);
            for chunk in &chunks {
                let before = &text[..chunk.marks[0].offset as usize];
                prop_assert!(before.is_empty() || before.ends_with(b"\n"));
            }
            prop_assert_eq!(end.ends_inside_line, text.last().is_some_and(|last| *last != b'\n'));
        }
    }
}
