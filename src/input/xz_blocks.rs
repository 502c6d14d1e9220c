//! The blocks of one xz stream.
//!
//! Where a block ends is found without decoding, in `xz_chunks`. Behind the last block stands the index, which tells
//! the lengths of all. A decoder that decodes blocks one by one has seen none but its own, so that the index is
//! checked in `xz_index`.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};

use super::blocks::{Alone, Output, Piece, Split};
use super::decompress::{Coding, Member};
use super::lookahead::Lookahead;
use super::meter::Meter;
use super::xz_chunks::{Block, HEADER, Record};
use super::xz_index::{Index, Sums, crc, footer};

/// How far is read ahead: some blocks of all presets but the greatest, whose blocks are decoded one by one.
const WINDOW: usize = 16 << 20;
/// How many bytes may come of a block that is decoded by itself.
const MAX_OUTPUT: u64 = 64 << 20;
/// A piece has as many blocks as this many bytes come of together, and no more than so many: who decodes it makes one
/// decoder for all.
const PIECE_OUTPUT: u64 = 1 << 20;
const PIECE_BLOCKS: usize = 16;

/// A stream, and the block that it has come to.
pub(super) struct Xz {
    header: [u8; HEADER],
    place: u64,
    /// The lengths of the blocks before it.
    passed: Sums,
    /// Who decodes the next block, or checks the index.
    alone: Option<Running>,
}

enum Running {
    Block(Box<Lone>),
    Index(Box<Index>),
}

impl Split for Xz {
    type Detail = Vec<Record>;
    // The window is decoded straight into what is read.
    const TOO_FEW: usize = 1;

    fn begin<R: Read>(input: &mut Lookahead<R>) -> Option<Self> {
        let head = input.peek(HEADER + 2);
        let header = *head.first_chunk()?;
        // Blocks that tell their sizes were written by several threads, and are many; others are one as a rule.
        if head.len() < HEADER + 2 || head[HEADER] == 0 || head[HEADER + 1] & 0xc0 != 0xc0 {
            return None;
        }
        let has_several = |window: &[u8]| {
            let (blocks, behind) = blocks(&header, &window[HEADER..]);
            match behind {
                _ if blocks.len() > 1 => Some(true),
                Some(0) => Some(false),
                _ => None,
            }
        };
        // Of most streams of one block that is told by what was read anyway.
        let has_several = has_several(head).or_else(|| has_several(input.peek_far(WINDOW)));
        if has_several != Some(true) {
            return None;
        }
        input.consume(HEADER);
        Some(Self { header, place: input.offset(), passed: Sums::default(), alone: None })
    }

    fn place(&self) -> u64 {
        self.place
    }

    fn look<R: Read>(&self, input: &mut Lookahead<R>) -> VecDeque<Piece<Vec<Record>>> {
        let (blocks, _) = blocks(&self.header, input.peek_far(WINDOW));
        let mut pieces: VecDeque<Piece<Vec<Record>>> = VecDeque::new();
        let (mut end, mut output) = (self.place, u64::MAX);
        for record in blocks {
            let start = end;
            end += record.padded();
            output = output.saturating_add(record.output);
            match pieces.back_mut() {
                Some(last) if output <= PIECE_OUTPUT && last.detail.len() < PIECE_BLOCKS => {
                    last.end = end;
                    last.detail.push(record);
                }
                _ => {
                    output = record.output;
                    pieces.push_back(Piece { start, end, detail: vec![record] });
                }
            }
        }
        pieces
    }

    fn bytes(piece: &Piece<Vec<Record>>) -> (u64, u64) {
        (piece.start, piece.end)
    }

    fn decode(&self, piece: &Piece<Vec<Record>>, bytes: &[u8], output: &mut Output) -> bool {
        let end = end(&self.header, &piece.detail);
        output.decode(Coding::Xz, self.header.chain(bytes).chain(&end[..]), MAX_OUTPUT as usize)
    }

    fn pass<R: Read>(&mut self, piece: &Piece<Vec<Record>>, input: &mut Lookahead<R>) {
        piece.detail.iter().for_each(|record| self.passed.add(*record));
        self.place = piece.end;
        input.consume((piece.end - piece.start) as usize);
    }

    fn read<R: Read>(
        &mut self,
        input: &mut Lookahead<R>,
        out: &mut [u8],
        meter: &Meter<'_>,
    ) -> io::Result<Alone> {
        let running = match &mut self.alone {
            Some(running) => running,
            None => {
                let running = match input.fill_buf()?.first() {
                    Some(0) => Running::Index(Box::new(Index::new(self.header, self.passed.clone()))),
                    _ => Running::Block(Box::new(Lone::new(self.header)?)),
                };
                self.alone.insert(running)
            }
        };
        match running {
            Running::Index(index) => index.check(input).map(|()| Alone::End),
            Running::Block(block) => match block.read(input, out, meter)? {
                0 => {
                    self.passed.add(block.frame.block.record);
                    self.place = input.offset();
                    self.alone = None;
                    Ok(Alone::Block)
                }
                count => Ok(Alone::Bytes(count)),
            },
        }
    }
}

/// The blocks that `bytes` begins with and holds whole, as far as they are fit for a piece, and the first byte behind
/// them: 0 is that of the index.
fn blocks(header: &[u8; HEADER], bytes: &[u8]) -> (Vec<Record>, Option<u8>) {
    let (mut found, mut rest) = (Vec::new(), bytes);
    while rest.first().is_some_and(|size| *size != 0) {
        let mut block = Block::new(header);
        let length = block.pass(rest);
        if !block.is_whole() || block.record.output > MAX_OUTPUT {
            break;
        }
        found.push(block.record);
        rest = &rest[length..];
    }
    (found, rest.first().copied())
}

/// What follows blocks that are all of a stream: the index and the footer.
fn end(header: &[u8; HEADER], records: &[Record]) -> Vec<u8> {
    let mut end = vec![0];
    number(records.len() as u64, &mut end);
    for record in records {
        number(record.unpadded, &mut end);
        number(record.output, &mut end);
    }
    end.resize(end.len().next_multiple_of(4), 0);
    end.extend(crc(&end).to_le_bytes());
    end.extend(footer(header, end.len() as u64));
    end
}

/// Writes a number seven bits at a time, the lowest first.
fn number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// A block that is decoded straight from the input.
struct Lone {
    member: Member,
    frame: Frame,
}

/// What is put around a block so that it is a stream: how much of the header was read, and what is left of the end.
struct Frame {
    header: [u8; HEADER],
    begun: usize,
    block: Block,
    end: Vec<u8>,
    ended: usize,
}

impl Lone {
    fn new(header: [u8; HEADER]) -> io::Result<Self> {
        let frame = Frame { header, begun: 0, block: Block::new(&header), end: Vec::new(), ended: 0 };
        Ok(Self { member: Member::new(Coding::Xz)?, frame })
    }

    /// Decodes into `out`. 0 means that the block has ended.
    fn read<R: Read>(
        &mut self,
        input: &mut Lookahead<R>,
        out: &mut [u8],
        meter: &Meter<'_>,
    ) -> io::Result<usize> {
        self.member.read(&mut Framed { frame: &mut self.frame, input }, out, meter)
    }
}

/// A block as a stream.
struct Framed<'a, R> {
    frame: &'a mut Frame,
    input: &'a mut Lookahead<R>,
}

impl<R: Read> BufRead for Framed<'_, R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let frame = &*self.frame;
        if frame.begun < HEADER {
            return Ok(&frame.header[frame.begun..]);
        }
        if frame.block.is_whole() {
            return Ok(&frame.end[frame.ended..]);
        }
        let bytes = self.input.fill_buf()?;
        Ok(&bytes[..frame.block.clone().pass(bytes)])
    }

    fn consume(&mut self, count: usize) {
        let frame = &mut *self.frame;
        if frame.begun < HEADER {
            frame.begun += count;
        } else if frame.block.is_whole() {
            frame.ended += count;
        } else {
            // They lie in the buffer, as they were shown.
            frame.block.pass(&self.input.peek(count)[..count]);
            self.input.consume(count);
            if frame.block.is_whole() {
                frame.end = end(&frame.header, &[frame.block.record]);
            }
        }
    }
}

impl<R: Read> Read for Framed<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(out)?;
        self.consume(count);
        Ok(count)
    }
}

#[cfg(test)]
pub(super) use tests::stream;

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::input::decompress::Format;
    use crate::input::testing::{Fickle, lines, read, read_serially};
    use crate::input::{Alone as Nobody, Helpers, Limits};

    /// A stream with such blocks, as several threads write it: they tell their sizes, if `is_sized` says so of them.
    pub(in crate::input) fn stream(blocks: &[Vec<u8>], is_sized: impl Fn(usize) -> bool) -> Vec<u8> {
        let mut stream = Vec::new();
        let mut records = Vec::new();
        for (n, block) in blocks.iter().enumerate() {
            let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 0);
            encoder.write_all(block).unwrap();
            let alone = encoder.finish().unwrap();
            if n == 0 {
                stream.extend(&alone[..HEADER]);
            }
            let header = *alone.first_chunk().unwrap();
            let mut one = Block::new(&header);
            let length = one.pass(&alone[HEADER..]);
            let (head, body) = alone[HEADER..HEADER + length].split_at(12);
            let mut record = one.record;
            if is_sized(n) {
                let compressed = record.unpadded - 12 - one.check;
                let mut sized = vec![0, 0xc0];
                number(compressed, &mut sized);
                number(record.output, &mut sized);
                sized.extend(&head[2..5]);
                sized.resize(sized.len().next_multiple_of(4), 0);
                sized[0] = (sized.len() / 4) as u8;
                sized.extend(crc(&sized).to_le_bytes());
                record.unpadded = record.unpadded - 12 + sized.len() as u64;
                stream.extend(sized);
            } else {
                stream.extend(head);
            }
            stream.extend(body);
            records.push(record);
        }
        let header = *stream.first_chunk().unwrap();
        stream.extend(end(&header, &records));
        stream
    }

    fn told(stream: &[u8], helpers: &dyn Helpers) -> (Vec<u8>, Option<String>) {
        let told = read((Format::Xz, Coding::Xz), stream, 1000, &Limits::default(), helpers);
        let serially = read_serially((Format::Xz, Coding::Xz), stream, 1000, &Limits::default());
        assert!(told == serially, "{:?} {:?}", told.1, serially.1);
        told
    }

    fn blocks(count: usize) -> Vec<Vec<u8>> {
        (0..count).map(|n| lines(n * 30, 1 + n % 30)).collect()
    }

    #[test]
    fn blocks_of_one_stream_are_decoded_by_helpers() {
        let blocks = blocks(100);
        let stream = stream(&blocks, |_| true);
        let helpers = Fickle::default();
        assert!(told(&stream, &helpers) == (blocks.concat(), None));
        assert!(helpers.jobs() >= 4);
        assert!(told(&stream, &Nobody) == (blocks.concat(), None));
    }

    #[test]
    fn blocks_that_do_not_tell_their_sizes_are_decoded_all_the_same() {
        let blocks = blocks(60);
        for is_sized in [|_| false, |n| n == 0, |n| n % 7 > 0] {
            assert!(told(&stream(&blocks, is_sized), &Fickle::default()) == (blocks.concat(), None));
        }
    }

    #[test]
    fn blocks_of_which_too_much_comes_are_decoded_all_the_same() {
        let mut blocks = blocks(5);
        blocks.insert(2, vec![b'x'; MAX_OUTPUT as usize + 1]);
        blocks.insert(4, vec![b'x'; MAX_OUTPUT as usize]);
        let stream = stream(&blocks, |_| true);
        let (out, error) =
            read((Format::Xz, Coding::Xz), &stream, 1 << 20, &Limits::default(), &Fickle::default());
        assert!(out == blocks.concat(), "{error:?}");
    }

    #[test]
    fn every_damage_to_index_and_footer_is_told_as_liblzma_tells_it_wherever_the_stream_is_cut() {
        let blocks = blocks(9);
        let whole = stream(&blocks, |_| true);
        let tail = whole.len() - end(whole.first_chunk().unwrap(), &[]).len() - 40;
        let mut reasons = std::collections::BTreeSet::new();
        for at in tail..whole.len() {
            for flip in [1, 4, 0x80, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] ^= flip;
                for cut in [whole.len(), (at + 7).min(whole.len()), at + 1, at] {
                    reasons.extend(told(&damaged[..cut], &Nobody).1);
                }
            }
        }
        // A footer that is whole, but says what is not known.
        let mut unknown = whole.clone();
        let footer = whole.len() - HEADER;
        unknown[footer + 8] = 1;
        let crc = crc(&unknown[footer + 4..footer + 10]);
        unknown[footer..footer + 4].copy_from_slice(&crc.to_le_bytes());
        reasons.extend(told(&unknown, &Nobody).1);
        assert_eq!(
            reasons.into_iter().collect::<Vec<_>>(),
            [
                "invalid xz data: an unknown filter or check",
                "invalid xz data: damaged block",
                "xz stream ends early"
            ]
        );
    }
}
