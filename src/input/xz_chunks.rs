//! The chunks that the blocks of an xz stream are made of.
//!
//! A block ends where its LZMA2 data says so, which is made of chunks that tell their lengths: where chunks and blocks
//! end is found without decoding.

/// How long the header of a stream is.
pub(super) const HEADER: usize = 12;

/// How long a block is without its padding, and how many bytes come of it.
#[derive(Clone, Copy)]
pub(super) struct Record {
    pub(super) unpadded: u64,
    pub(super) output: u64,
}

impl Record {
    /// How long the block is in the stream.
    pub(super) fn padded(self) -> u64 {
        self.unpadded.next_multiple_of(4)
    }
}

/// Follows a stream that is being decoded.
pub(super) struct Stream {
    header: [u8; HEADER],
    at: At,
}

enum At {
    /// So many bytes of the header were passed.
    Header(usize),
    /// In front of a block or the index.
    Between,
    Block(Block),
    Index,
}

impl Stream {
    pub(super) const fn new() -> Self {
        Self { header: [0; HEADER], at: At::Header(0) }
    }

    /// How many of the next bytes belong to one chunk, or to what is in none. 0 if the next byte tells that.
    pub(super) fn data(&self) -> usize {
        let count = match &self.at {
            At::Header(passed) => (HEADER - passed) as u64,
            At::Between => 0,
            At::Block(block) => block.data(),
            At::Index => u64::MAX,
        };
        usize::try_from(count).unwrap_or(usize::MAX)
    }

    /// Passes the next bytes: as many as are data at most, or one that tells what is.
    pub(super) fn pass(&mut self, bytes: &[u8]) {
        match (&mut self.at, bytes) {
            (At::Header(passed), _) => {
                self.header[*passed..*passed + bytes.len()].copy_from_slice(bytes);
                *passed += bytes.len();
                if *passed == HEADER {
                    self.at = At::Between;
                }
            }
            (At::Between, [0, ..]) => self.at = At::Index,
            (At::Between, [_, ..]) => {
                let mut block = Block::new(&self.header);
                block.pass(bytes);
                self.at = At::Block(block);
            }
            (At::Block(block), _) => {
                block.pass(bytes);
                if block.is_whole() {
                    self.at = At::Between;
                }
            }
            (At::Between, []) | (At::Index, _) => {}
        }
    }
}

/// Follows a block to its end without decoding it.
#[derive(Clone)]
pub(super) struct Block {
    part: Part,
    /// How many bytes come before the next that tells something, and what was passed.
    skip: u64,
    passed: u64,
    /// How long the check is.
    pub(super) check: u64,
    pub(super) record: Record,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The length of the header.
    Header,
    /// The first byte of a chunk, or of none.
    Control,
    /// The bytes of its sizes, of which so many are to come.
    Sizes { control: u8, number: u32, more: u8 },
    /// Padding and check, or what follows them.
    End,
    /// What no decoder takes.
    Damage,
}

impl Block {
    pub(super) fn new(header: &[u8; HEADER]) -> Self {
        let check = match header[7] & 0xf {
            0 => 0,
            kind => 4 << ((kind - 1) / 3),
        };
        let record = Record { unpadded: 0, output: 0 };
        Self { part: Part::Header, skip: 0, passed: 0, check, record }
    }

    /// How many of the next bytes tell nothing of what is behind them.
    fn data(&self) -> u64 {
        if self.part == Part::Damage { u64::MAX } else { self.skip }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.part == Part::End && self.skip == 0
    }

    /// Passes those of the next bytes that belong to the block. Says how many they are.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while self.part != Part::Damage {
            let step = self.skip.min((bytes.len() - at) as u64);
            self.skip -= step;
            self.passed += step;
            at += step as usize;
            match bytes.get(at) {
                Some(byte) if !self.is_whole() => self.byte(*byte),
                _ => return at,
            }
            self.passed += 1;
            at += 1;
        }
        bytes.len()
    }

    fn byte(&mut self, byte: u8) {
        self.part = match self.part {
            Part::Header => {
                self.skip = u64::from(byte) * 4 + 3;
                Part::Control
            }
            Part::Control => match byte {
                0 => {
                    self.record.unpadded = self.passed + 1 + self.check;
                    self.skip = self.record.padded() - (self.passed + 1);
                    Part::End
                }
                1 | 2 => Part::Sizes { control: byte, number: 0, more: 2 },
                0x80.. => Part::Sizes { control: byte, number: 0, more: 4 },
                _ => Part::Damage,
            },
            Part::Sizes { control, number, more } => {
                let number = number << 8 | u32::from(byte);
                if more == 1 {
                    let (output, packed) = match control {
                        1 | 2 => (number, number),
                        _ => (u32::from(control & 0x1f) << 16 | number >> 16, number & 0xffff),
                    };
                    self.record.output += u64::from(output) + 1;
                    // In front of some lies a byte of properties.
                    self.skip = u64::from(packed) + 1 + u64::from(control >= 0xc0);
                    Part::Control
                } else {
                    Part::Sizes { control, number, more: more - 1 }
                }
            }
            Part::End | Part::Damage => self.part,
        };
    }
}
