//! Members of a compressed stream, one behind the other → bytes.

use std::io::{self, Read};

use super::Helpers;
use super::ahead::Ahead;
use super::blocks::Stream;
use super::decompress::{Coding, Format, Member, Next, State, next_member};
use super::lookahead::Lookahead;
use super::meter::Meter;

/// Reads all members of a compressed stream, one behind the other.
pub(super) struct Decoder<'a, R> {
    input: Lookahead<R>,
    format: Format,
    coding: Coding,
    meter: &'a Meter<'a>,
    /// None between two members.
    member: Option<Running<'a>>,
    helpers: &'a dyn Helpers,
    ahead: Ahead<'a>,
    state: State,
}

/// A member that is being decoded: where it began, and how many bytes have come of it.
struct Running<'a> {
    codec: Codec<'a>,
    start: u64,
    produced: u64,
}

enum Codec<'a> {
    Whole(Member),
    Blocks(Box<Stream<'a>>),
}

impl<'a, R: Read> Decoder<'a, R> {
    /// A decoder of `input`, whose first bytes are a member of `format`, coded in `coding`.
    pub(super) fn new(
        input: Lookahead<R>,
        format: Format,
        coding: Coding,
        meter: &'a Meter<'a>,
        helpers: &'a dyn Helpers,
    ) -> Self {
        let ahead = Ahead::new(helpers, format, coding);
        Self { input, format, coding, meter, member: None, helpers, ahead, state: State::Running }
    }
}

impl<R: Read> Read for Decoder<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !out.is_empty() && self.state.running()? {
            if let Some(Running { codec, start, produced }) = &mut self.member {
                let count = match codec {
                    Codec::Whole(member) => member.read(&mut self.input, out, self.meter)?,
                    Codec::Blocks(stream) => stream.read(&mut self.input, out, self.meter)?,
                };
                match count {
                    0 => {
                        self.ahead.note(self.input.offset() - *start, *produced);
                        self.member = None;
                    }
                    count => {
                        *produced += count as u64;
                        return Ok(count);
                    }
                }
                continue;
            }
            match self.ahead.read(out) {
                0 => {}
                count => match self.state.book(count, self.meter) {
                    0 => continue,
                    count => return Ok(count),
                },
            }
            match next_member(&mut self.input, self.format) {
                Ok(Next::Member) if self.ahead.take(&mut self.input) => {}
                Ok(Next::Member) => {
                    let start = self.input.offset();
                    let codec = match Stream::begin(&mut self.input, self.coding, self.helpers) {
                        Some(stream) => Codec::Blocks(Box::new(stream)),
                        None => Codec::Whole(Member::new(self.coding)?),
                    };
                    self.member = Some(Running { codec, start, produced: 0 });
                }
                Ok(Next::End) => self.state = State::Ended,
                Err(error) => self.state = State::failed(&error),
            }
        }
        Ok(0)
    }
}
