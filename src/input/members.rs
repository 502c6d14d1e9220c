//! Members of a compressed stream, one behind the other → bytes.

use std::io::{self, Read};

use super::Helpers;
use super::ahead::Ahead;
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
    member: Option<Running>,
    ahead: Ahead<'a>,
    state: State,
}

/// A member that is being decoded: where it began, and how many bytes have come of it.
struct Running {
    member: Member,
    start: u64,
    produced: u64,
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
        Self { input, format, coding, meter, member: None, ahead, state: State::Running }
    }
}

impl<R: Read> Read for Decoder<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !out.is_empty() && self.state.running()? {
            if let Some(Running { member, start, produced }) = &mut self.member {
                match member.read(&mut self.input, out, self.meter)? {
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
                count => match self.meter.produce(count) {
                    (count, Ok(())) => return Ok(count),
                    (count, Err(error)) => {
                        self.state = State::failed(&error);
                        if count > 0 {
                            return Ok(count);
                        }
                        continue;
                    }
                },
            }
            match next_member(&mut self.input, self.format) {
                Ok(Next::Member) if self.ahead.take(&mut self.input) => {}
                Ok(Next::Member) => {
                    let member = Member::new(self.coding)?;
                    self.member = Some(Running { member, start: self.input.offset(), produced: 0 });
                }
                Ok(Next::End) => self.state = State::Ended,
                Err(error) => self.state = State::failed(&error),
            }
        }
        Ok(0)
    }
}
