//! A buffered reader that can be asked what comes next.

use std::io::{self, BufRead, ErrorKind, Read};

/// Like `BufReader`, and [`Lookahead::peek`] shows bytes without consuming them. A read that is at least as large as
/// the buffer bypasses it once it is empty, so that the bytes of a plain file are copied once.
///
/// An error while peeking is not lost: it is returned when the bytes before it have been consumed.
pub(super) struct Lookahead<R> {
    inner: R,
    /// The bytes between `start` and `end` have been read from `inner` and not been consumed.
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    /// What `inner` said when it last gave no bytes: it is not asked again until that was passed on.
    stopped: Option<io::Result<()>>,
    /// How many bytes have been consumed, which is the offset of the next.
    consumed: u64,
}

impl<R: Read> Lookahead<R> {
    /// Reads from `inner` through a buffer of `capacity` bytes.
    pub(super) fn new(inner: R, capacity: usize) -> Self {
        Self {
            inner,
            buffer: vec![0; capacity].into_boxed_slice(),
            start: 0,
            end: 0,
            stopped: None,
            consumed: 0,
        }
    }

    /// The offset of the next byte.
    pub(super) fn offset(&self) -> u64 {
        self.consumed
    }

    /// The next `count` bytes (at most the buffer's capacity) and what lies in the buffer behind them; fewer than
    /// `count` only if the stream ends or fails behind them.
    pub(super) fn peek(&mut self, count: usize) -> &[u8] {
        debug_assert!(count <= self.buffer.len());
        if self.end - self.start < count && self.buffer.len() - self.start < count {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        while self.end - self.start < count && self.stopped.is_none() {
            self.fill();
        }
        &self.buffer[self.start..self.end]
    }

    /// The same for any `count`: the buffer grows to hold as much, and stays so.
    pub(super) fn peek_far(&mut self, count: usize) -> &[u8] {
        if count > self.buffer.len() {
            let mut buffer = vec![0; count].into_boxed_slice();
            buffer[..self.end - self.start].copy_from_slice(&self.buffer[self.start..self.end]);
            self.buffer = buffer;
            self.end -= self.start;
            self.start = 0;
        }
        self.peek(count)
    }

    /// Consumes `count` bytes that [`Lookahead::peek`] has shown.
    pub(super) fn consume_peeked(&mut self, count: usize) {
        self.consume(count);
    }

    /// Consumes `count` bytes. Says how many there were.
    pub(super) fn skip(&mut self, count: u64) -> io::Result<u64> {
        let mut skipped = 0;
        while skipped < count {
            let here = self.fill_buf()?.len();
            if here == 0 {
                break;
            }
            let step = usize::try_from(count - skipped).map_or(here, |left| here.min(left));
            self.consume(step);
            skipped += step as u64;
        }
        Ok(skipped)
    }

    /// Reads once from `inner` behind what the buffer holds.
    fn fill(&mut self) {
        match self.inner.read(&mut self.buffer[self.end..]) {
            Ok(0) => self.stopped = Some(Ok(())),
            Ok(count) => self.end += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => self.stopped = Some(Err(error)),
        }
    }
}

impl<R: Read> BufRead for Lookahead<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            while self.end == 0 && self.stopped.is_none() {
                self.fill();
            }
            if self.end == 0
                && let Some(Err(error)) = self.stopped.take_if(|stopped| stopped.is_err())
            {
                return Err(error);
            }
        }
        Ok(&self.buffer[self.start..self.end])
    }

    fn consume(&mut self, count: usize) {
        debug_assert!(count <= self.end - self.start);
        self.start += count;
        self.consumed += count as u64;
    }
}

impl<R: Read> Read for Lookahead<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = if self.start == self.end && out.len() >= self.buffer.len() && self.stopped.is_none() {
            let count = self.inner.read(out)?;
            self.consumed += count as u64;
            return Ok(count);
        } else {
            self.fill_buf()?.read(out)?
        };
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its pieces one per read, then fails.
    struct Pieces(Vec<&'static [u8]>);

    impl Read for Pieces {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Err(io::Error::other("the disk is gone"));
            }
            let piece = self.0.remove(0);
            out[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    #[test]
    fn peeking_consumes_nothing_and_keeps_an_error_until_its_turn() {
        let mut bytes = Lookahead::new(Pieces(vec![b"ab", b"c", b"d"]), 8);
        assert_eq!(bytes.peek(3), b"abc");
        assert_eq!(bytes.peek(8), b"abcd");
        assert_eq!(bytes.offset(), 0);
        let mut out = [0; 3];
        bytes.read_exact(&mut out).unwrap();
        assert_eq!((&out, bytes.offset()), (b"abc", 3));
        assert_eq!(bytes.skip(1).unwrap(), 1);
        assert_eq!(bytes.read(&mut out).unwrap_err().to_string(), "the disk is gone");
    }

    #[test]
    fn peeking_makes_room_at_the_front_of_the_buffer() {
        let mut bytes = Lookahead::new(&b"abcdefgh"[..], 4);
        assert_eq!(bytes.peek(4), b"abcd");
        bytes.consume(3);
        assert_eq!(bytes.peek(4), b"defg");
        assert_eq!(bytes.skip(100).unwrap(), 5);
        assert_eq!(bytes.peek(1), b"");
    }
}
