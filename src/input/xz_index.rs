//! The index and the footer of an xz stream, checked against its blocks.
//!
//! They are read byte by byte, and what is wrong is noticed at the same byte as by liblzma, so that a stream that is
//! damaged there and cut behind it ends for the same reason.

use std::io::{self, BufRead, Read};

use flate2::Crc;
use sha2::{Digest as _, Sha256};

use super::codec::xz_reason;
use super::decompress::{Coding, State};
use super::lookahead::Lookahead;
use super::xz_chunks::{HEADER, Record};

/// The greatest length of a block that an index may tell.
const MAX_UNPADDED: u64 = (i64::MAX as u64) & !3;

/// The lengths of many blocks, in as much memory as those of one.
#[derive(Clone, Default)]
pub(super) struct Sums {
    count: u64,
    /// How long the blocks are, what comes of them, and what they take of an index.
    padded: u64,
    output: u64,
    listed: u64,
    all: Sha256,
}

impl Sums {
    pub(super) fn add(&mut self, record: Record) {
        self.count += 1;
        self.padded += record.padded();
        self.output += record.output;
        for number in [record.unpadded, record.output] {
            self.listed += u64::from((64 - (number | 1).leading_zeros()).div_ceil(7));
            self.all.update(number.to_le_bytes());
        }
    }
}

/// An index that is being read.
pub(super) struct Index {
    header: [u8; HEADER],
    blocks: Sums,
    /// What the index told so far, and its checksum and length.
    records: Sums,
    crc: Crc,
    length: u64,
    part: Part,
    /// The number that is being read, and how many digits of it were.
    number: u64,
    digits: u32,
    footer: Vec<u8>,
    state: State,
}

#[derive(Clone, Copy)]
enum Part {
    Indicator,
    Count,
    Unpadded,
    /// How many bytes come of a block that is so long.
    Output(u64),
    Padding,
    /// The checksum, of which so many bytes were read.
    Crc(usize),
    Footer,
}

/// What is wrong.
enum Flaw {
    Damage,
    Unknown,
}

impl Index {
    /// The index of a stream with such a header and such blocks.
    pub(super) fn new(header: [u8; HEADER], blocks: Sums) -> Self {
        Self {
            header,
            blocks,
            records: Sums::default(),
            crc: Crc::new(),
            length: 0,
            part: Part::Indicator,
            number: 0,
            digits: 0,
            footer: Vec::new(),
            state: State::Running,
        }
    }

    /// Reads on to the end of the stream.
    pub(super) fn check<R: Read>(&mut self, input: &mut Lookahead<R>) -> io::Result<()> {
        while self.state.running()? {
            let Some(byte) = input.fill_buf()?.first().copied() else {
                self.state = State::failed(&Coding::Xz.ends_early());
                continue;
            };
            input.consume(1);
            match self.byte(byte) {
                Ok(true) => self.state = State::Ended,
                Ok(false) => {}
                Err(flaw) => {
                    let reason = match flaw {
                        Flaw::Damage => liblzma::stream::Error::Data,
                        Flaw::Unknown => liblzma::stream::Error::Options,
                    };
                    self.state = State::failed(&Coding::Xz.invalid(xz_reason(&reason)));
                }
            }
        }
        Ok(())
    }

    /// Reads one byte. True at the end.
    fn byte(&mut self, byte: u8) -> Result<bool, Flaw> {
        match self.part {
            Part::Indicator => self.part = Part::Count,
            Part::Count => {
                if let Some(count) = self.digit(byte)? {
                    demand(count == self.blocks.count)?;
                    self.part = Part::Unpadded;
                }
            }
            Part::Unpadded => {
                if let Some(unpadded) = self.digit(byte)? {
                    demand((5..=MAX_UNPADDED).contains(&unpadded))?;
                    self.part = Part::Output(unpadded);
                }
            }
            Part::Output(unpadded) => {
                if let Some(output) = self.digit(byte)? {
                    let (blocks, records) = (&self.blocks, &mut self.records);
                    records.add(Record { unpadded, output });
                    demand(
                        records.padded <= blocks.padded
                            && records.output <= blocks.output
                            && records.listed <= blocks.listed,
                    )?;
                    self.part = if records.count == blocks.count { Part::Padding } else { Part::Unpadded };
                }
            }
            Part::Padding if !self.length.is_multiple_of(4) => demand(byte == 0)?,
            Part::Padding => {
                demand(self.records.all.clone().finalize() == self.blocks.all.clone().finalize())?;
                self.part = Part::Crc(0);
                return self.byte(byte);
            }
            Part::Crc(at) => {
                demand(self.crc.sum().to_le_bytes()[at] == byte)?;
                self.part = if at == 3 { Part::Footer } else { Part::Crc(at + 1) };
                self.length += 1;
                return Ok(false);
            }
            Part::Footer => {
                self.footer.push(byte);
                return if self.footer.len() == HEADER { self.judge().map(|()| true) } else { Ok(false) };
            }
        }
        self.length += 1;
        self.crc.update(&[byte]);
        Ok(false)
    }

    /// Takes a byte of a number, which is told seven bits at a time, the lowest first. None if more are to come.
    fn digit(&mut self, byte: u8) -> Result<Option<u64>, Flaw> {
        self.number |= u64::from(byte & 0x7f) << (7 * self.digits);
        self.digits += 1;
        if byte & 0x80 > 0 {
            demand(self.digits < 9)?;
            return Ok(None);
        }
        demand(byte > 0 || self.digits == 1)?;
        self.digits = 0;
        Ok(Some(std::mem::take(&mut self.number)))
    }

    fn judge(&self) -> Result<(), Flaw> {
        let found = &self.footer[..];
        if found == footer(&self.header, self.length) {
            return Ok(());
        }
        let is_footer = found.ends_with(b"YZ") && crc(&found[4..10]).to_le_bytes() == found[..4];
        let is_known = found[8] == 0 && found[9] < 0x10;
        Err(if is_footer && !is_known { Flaw::Unknown } else { Flaw::Damage })
    }
}

fn demand(is_so: bool) -> Result<(), Flaw> {
    if is_so { Ok(()) } else { Err(Flaw::Damage) }
}

/// The footer of a stream with such a header, and an index of so many bytes.
pub(super) fn footer(header: &[u8; HEADER], index: u64) -> [u8; HEADER] {
    let mut footer = [0; HEADER];
    footer[4..8].copy_from_slice(&((index / 4 - 1) as u32).to_le_bytes());
    footer[8..10].copy_from_slice(&header[6..8]);
    footer[10..].copy_from_slice(b"YZ");
    let crc = crc(&footer[4..10]);
    footer[..4].copy_from_slice(&crc.to_le_bytes());
    footer
}

pub(super) fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}
