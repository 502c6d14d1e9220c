//! lz4 frames → bytes. `lz4_flex` decodes a block at a time, so that nothing decoded is lost; what it does not say is
//! whether a frame ended or the input did.

use std::io::{self, ErrorKind, Read};

use lz4_flex::frame::FrameDecoder;

use super::decompress::{Format, Next, State, ends_early, invalid, next_member, skippable};
use super::lookahead::Lookahead;
use super::meter::Meter;

/// Reads all frames of an lz4 stream, one behind the other.
pub(super) struct Lz4<'a, R: Read> {
    frames: FrameDecoder<Watched<R>>,
    meter: &'a Meter<'a>,
    in_frame: bool,
    state: State,
}

/// Remembers what the decoder met below.
struct Watched<R> {
    input: Lookahead<R>,
    ended: bool,
    failed: bool,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let result = self.input.read(out);
        match &result {
            Ok(0) => self.ended |= !out.is_empty(),
            Ok(_) => {}
            Err(error) => self.failed |= error.kind() != ErrorKind::Interrupted,
        }
        result
    }
}

impl<'a, R: Read> Lz4<'a, R> {
    /// A decoder of `input`, whose first bytes are an lz4 frame.
    pub(super) fn new(input: Lookahead<R>, meter: &'a Meter<'a>) -> Self {
        let watched = Watched { input, ended: false, failed: false };
        Self { frames: FrameDecoder::new(watched), meter, in_frame: false, state: State::Running }
    }

    /// Goes to the beginning of the next frame. False at the clean end.
    fn next_frame(&mut self) -> io::Result<bool> {
        let input = &mut self.frames.get_mut().input;
        while let Next::Member = next_member(input, Format::Lz4)? {
            let head = input.peek(8);
            if !skippable(head) {
                return Ok(true);
            }
            let Some(size) = head.get(4..8).and_then(|size| size.try_into().ok()).map(u32::from_le_bytes)
            else {
                return Err(ends_early("lz4 stream"));
            };
            if input.skip(8 + u64::from(size))? < 8 + u64::from(size) {
                return Err(ends_early("lz4 stream"));
            }
        }
        Ok(false)
    }

    fn read_frames(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.in_frame {
                self.in_frame = self.next_frame()?;
                if !self.in_frame {
                    return Ok(0);
                }
            }
            let result = self.frames.read(out);
            let below = self.frames.get_mut();
            match result {
                Ok(0) if below.ended => return Err(ends_early("lz4 stream")),
                Ok(0) => self.in_frame = false,
                Ok(count) => return Ok(count),
                Err(error) if error.kind() == ErrorKind::Interrupted || below.failed => return Err(error),
                Err(_) if below.ended => return Err(ends_early("lz4 stream")),
                Err(_) => return Err(invalid("invalid lz4 data")),
            }
        }
    }
}

impl<R: Read> Read for Lz4<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() || !self.state.running()? {
            return Ok(0);
        }
        match self.read_frames(out) {
            Ok(0) => self.state = State::Ended,
            Ok(count) => {
                let (count, allowed) = self.meter.produce(count);
                if let Err(error) = allowed {
                    self.state = State::failed(&error);
                }
                if count > 0 {
                    return Ok(count);
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => return Err(error),
            Err(error) => self.state = State::failed(&error),
        }
        self.state.running().map(|_| 0)
    }
}
