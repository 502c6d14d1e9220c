//! The blocks of one bzip2 stream.
//!
//! A block begins at any bit, with a mark of 48 bits and its own checksum; the stream ends with another mark and a
//! checksum that combines those of all blocks. What a block holds is not told before it is decoded, so that the mark
//! behind it is searched for. A block that holds a mark by chance or on purpose is cut too early, and does not decode.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read, Write};
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::blocks::{Alone, Output, Piece, Split};
use super::decompress::{Coding, Member};
use super::lookahead::Lookahead;
use super::meter::Meter;

const BLOCK: u64 = 0x3141_5926_5359;
const END: u64 = 0x1772_4538_5090;
const MARK_BITS: u32 = 48;
const CRC_BITS: u32 = 32;
/// The bits of `BZh9`.
const HEADER_BITS: u64 = 32;

/// How far is read ahead. A block is at most 2.3 MB long, and of logs a tenth of that.
const WINDOW: usize = 4 << 20;
/// A piece has as many blocks as are this long together, in bits, and hold this much at most, in 100 kB, before runs
/// of the same byte are made short, which only few logs are full of.
const PIECE_BITS: usize = (32 << 10) * 8;
const PIECE_HOLDS: u32 = 40;
const MAX_OUTPUT: usize = 8 << 20;

/// The bytes of both marks that are whole at each of eight places in a byte: the pattern 8 n + k is of mark n behind
/// k bits.
static MARKS: LazyLock<AhoCorasick> = LazyLock::new(|| {
    let patterns =
        [BLOCK, END].into_iter().flat_map(|mark| (0..8).map(move |bit| (mark << (16 - bit)).to_be_bytes()));
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(patterns.map(|bytes| bytes[1..6].to_vec()))
        .expect("sixteen short patterns fit into any automaton")
});

/// A stream, and the block that it has come to.
pub(super) struct Bzip2 {
    /// The digit in its header: how many times 100 kB a block may hold.
    level: u8,
    /// The bit of the input at which the next mark stands.
    place: u64,
    /// The combined checksum of the blocks before it.
    crc: u32,
    /// Who goes on alone, to the end of the stream.
    member: Option<Member>,
}

/// How many blocks a piece has, and their combined checksum.
pub(super) struct Detail {
    blocks: u32,
    crc: u32,
}

impl Split for Bzip2 {
    type Detail = Detail;
    const TOO_FEW: usize = 0;

    fn begin<R: Read>(input: &mut Lookahead<R>) -> Option<Self> {
        let has_several = |window: &[u8]| {
            let mut marks = marks(window, HEADER_BITS as usize);
            match (marks.next(), marks.next()) {
                (Some((_, END)), _) | (_, Some((_, END))) => Some(false),
                (Some(_), Some(_)) => Some(true),
                _ => None,
            }
        };
        let head = input.peek(4);
        let level = *head.get(3)?;
        // Of most streams of one block that is told by what was read anyway.
        let has_several = has_several(head).or_else(|| has_several(input.peek_far(WINDOW)));
        if has_several != Some(true) {
            return None;
        }
        let place = input.offset() * 8 + HEADER_BITS;
        input.consume(HEADER_BITS as usize / 8);
        Some(Self { level, place, crc: 0, member: None })
    }

    fn place(&self) -> u64 {
        self.place
    }

    fn look<R: Read>(&self, input: &mut Lookahead<R>) -> VecDeque<Piece<Detail>> {
        let first = input.offset() * 8;
        let window = input.peek_far(WINDOW);
        let at = (self.place - first) as usize;
        let marks: Vec<_> = marks(window, at).map(|(at, _)| at).collect();
        let mut pieces: VecDeque<Piece<Detail>> = VecDeque::new();
        if marks.first() != Some(&at) {
            return pieces;
        }
        let most = PIECE_HOLDS / u32::from(self.level - b'0');
        for pair in marks.windows(2) {
            let crc = bits(window, pair[0] + MARK_BITS as usize, CRC_BITS).unwrap_or_default() as u32;
            let end = first + pair[1] as u64;
            match pieces.back_mut() {
                Some(last) if end - last.start <= PIECE_BITS as u64 && last.detail.blocks < most => {
                    last.end = end;
                    last.detail =
                        Detail { blocks: last.detail.blocks + 1, crc: combine(last.detail.crc, 1, crc) };
                }
                _ => {
                    let start = first + pair[0] as u64;
                    pieces.push_back(Piece { start, end, detail: Detail { blocks: 1, crc } });
                }
            }
        }
        pieces
    }

    fn bytes(piece: &Piece<Detail>) -> (u64, u64) {
        (piece.start / 8, piece.end.div_ceil(8))
    }

    fn decode(&self, piece: &Piece<Detail>, bytes: &[u8], output: &mut Output) -> bool {
        let mut stream = Bits::default();
        stream.push(self.header(), HEADER_BITS as u32);
        let start = (piece.start % 8) as usize;
        stream.copy(bytes, start, start + (piece.end - piece.start) as usize);
        stream.push(END, MARK_BITS);
        stream.push(piece.detail.crc.into(), CRC_BITS);
        output.decode(Coding::Bzip2, &stream.finish()[..], MAX_OUTPUT)
    }

    fn pass<R: Read>(&mut self, piece: &Piece<Detail>, input: &mut Lookahead<R>) {
        self.crc = combine(self.crc, piece.detail.blocks, piece.detail.crc);
        self.place = piece.end;
        input.consume((piece.end / 8 - input.offset()) as usize);
    }

    fn read<R: Read>(
        &mut self,
        input: &mut Lookahead<R>,
        out: &mut [u8],
        meter: &Meter<'_>,
    ) -> io::Result<Alone> {
        if self.member.is_none() {
            self.member = Some(self.resume(input)?);
        }
        match &mut self.member {
            Some(member) => match member.read(input, out, meter)? {
                0 => Ok(Alone::End),
                count => Ok(Alone::Bytes(count)),
            },
            None => Ok(Alone::End),
        }
    }
}

impl Bzip2 {
    fn header(&self) -> u64 {
        u32::from_be_bytes([b'B', b'Z', b'h', self.level]).into()
    }

    /// A decoder that has decoded as much of the stream as was passed.
    fn resume<R: Read>(&self, input: &mut Lookahead<R>) -> io::Result<Member> {
        let shared = (self.place % 8) as u32;
        let mut stream = Bits::default();
        stream.push(self.header(), HEADER_BITS as u32);
        stand_in(self.crc, shared as usize, &mut stream)?;
        if shared > 0 {
            // The first bits of this byte belong to the block before.
            let byte = input.fill_buf()?.first().copied().unwrap_or_default();
            stream.push((byte & (0xff >> shared)).into(), 8 - shared);
            input.consume(1);
        }
        let mut member = Member::new(Coding::Bzip2)?;
        member.feed(&stream.finish());
        Ok(member)
    }
}

/// The combined checksum of the blocks that `before` is of, and of so many others.
fn combine(before: u32, blocks: u32, crc: u32) -> u32 {
    before.rotate_left(blocks % 32) ^ crc
}

/// Appends to the header of a stream one block whose checksum is `crc`, so that its last bit stands in front of bit
/// `place` of a byte. In front of the rest of a stream it stands for all blocks of which `crc` is the combined checksum.
fn stand_in(crc: u32, place: usize, stream: &mut Bits) -> io::Result<()> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(&of_checksum(crc))?;
    let whole = encoder.finish()?;
    let end = marks(&whole, HEADER_BITS as usize).last().map_or(0, |(end, _)| end);
    copy_block(&whole, &vec![false; (8 + place - end % 8) % 8], stream);
    Ok(())
}

/// Appends the only block of a whole stream, and behind its selectors such as it does not need: each ends with a bit
/// that is not set.
fn copy_block(whole: &[u8], selectors: &[bool], stream: &mut Bits) {
    let at = |bit, count| bits(whole, bit, count).unwrap_or_default();
    let start = HEADER_BITS as usize;
    let end = marks(whole, start).last().map_or(start, |(end, _)| end);
    // Behind mark, checksum, a bit and the origin stands the map of symbols, then how many tables and selectors are.
    let map = start + 48 + 32 + 1 + 24;
    let count = map + 16 + 16 * at(map, 16).count_ones() as usize + 3;
    let needed = at(count, 15);
    let mut behind = count + 15;
    for _ in 0..needed {
        while at(behind, 1) == 1 {
            behind += 1;
        }
        behind += 1;
    }
    stream.copy(whole, start, count);
    stream.push(needed + selectors.iter().filter(|bit| !**bit).count() as u64, 15);
    stream.copy(whole, count + 15, behind);
    selectors.iter().for_each(|bit| stream.push((*bit).into(), 1));
    stream.copy(whole, behind, end);
}

/// The four bytes whose checksum is `crc`.
fn of_checksum(crc: u32) -> [u8; 4] {
    // Backwards from what the register holds at the end to what it holds when the bytes are in it.
    let mut register = !crc;
    for _ in 0..32 {
        register = if register & 1 == 1 { ((register ^ 0x04c1_1db7) >> 1) | 1 << 31 } else { register >> 1 };
    }
    (!register).to_be_bytes()
}

/// The marks in `bytes` from bit `from` on, up to the first that ends a stream, and the bits at which they stand.
fn marks(bytes: &[u8], from: usize) -> impl Iterator<Item = (usize, u64)> {
    let places = MARKS.find_iter(&bytes[from / 8..]);
    let mut is_end = false;
    let found = places.filter_map(move |place| {
        let (mark, bit) = (place.pattern().as_usize() / 8, place.pattern().as_usize() % 8);
        let at = ((from / 8 + place.start()) * 8 + bit).checked_sub(8)?;
        let mark = [BLOCK, END][mark];
        (at >= from && bits(bytes, at, MARK_BITS) == Some(mark)).then_some((at, mark))
    });
    found.take_while(move |(_, mark)| !std::mem::replace(&mut is_end, *mark == END))
}

/// At most 56 bits of `bytes`, from bit `at` on.
fn bits(bytes: &[u8], at: usize, count: u32) -> Option<u64> {
    let from = bytes.get(at / 8..)?;
    let here = from.len().min(8);
    let mut word = [0; 8];
    word[..here].copy_from_slice(&from[..here]);
    let is_there = at % 8 + count as usize <= here * 8;
    is_there.then(|| (u64::from_be_bytes(word) << (at % 8)) >> (64 - count))
}

/// Bits, the first of a byte being its highest.
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    /// The last bits, fewer than eight, that make no byte yet.
    rest: u64,
    count: u32,
}

impl Bits {
    /// Appends the lowest `count` bits, at most 48.
    fn push(&mut self, bits: u64, count: u32) {
        self.rest = (self.rest << count) | bits;
        self.count += count;
        while self.count >= 8 {
            self.count -= 8;
            self.bytes.push((self.rest >> self.count) as u8);
        }
        self.rest &= (1 << self.count) - 1;
    }

    /// Appends the bits of `bytes` from `start` to `end`.
    fn copy(&mut self, bytes: &[u8], start: usize, end: usize) {
        self.bytes.reserve((end - start) / 8 + 16);
        let mut at = start;
        while at < end {
            let count = (end - at).min(48) as u32;
            self.push(bits(bytes, at, count).unwrap_or_default(), count);
            at += count as usize;
        }
    }

    /// All bytes; the last is filled with zeros.
    fn finish(mut self) -> Vec<u8> {
        if self.count > 0 {
            self.push(0, 8 - self.count);
        }
        self.bytes
    }
}

#[cfg(test)]
pub(super) use tests::stream;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::input::decompress::Format;
    use crate::input::testing::{Fickle, lines, read, read_serially};
    use crate::input::{Alone as Nobody, Limits};

    /// A stream with such blocks, however short.
    pub(in crate::input) fn stream(blocks: &[Vec<u8>]) -> Vec<u8> {
        stream_with_marks(blocks, &[])
    }

    /// The same with a mark inside of every block, among the selectors, of which a block may have more than it needs.
    fn stream_with_marks(blocks: &[Vec<u8>], inside: &[u64]) -> Vec<u8> {
        let mut stream = Bits::default();
        stream.push(u32::from_be_bytes(*b"BZh9").into(), 32);
        let mut crc = 0;
        let selectors: Vec<_> = inside
            .iter()
            .flat_map(|mark| (0..49).map(move |bit| (mark << 1) >> (48 - bit) & 1 == 1))
            .collect();
        for block in blocks {
            let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
            encoder.write_all(block).unwrap();
            let whole = encoder.finish().unwrap();
            copy_block(&whole, &selectors, &mut stream);
            crc = combine(crc, 1, bits(&whole, 32 + 48, 32).unwrap() as u32);
        }
        stream.push(END, 48);
        stream.push(crc.into(), 32);
        stream.finish()
    }

    fn told(stream: &[u8], helpers: &dyn crate::input::Helpers) -> (Vec<u8>, Option<String>) {
        let told = read((Format::Bzip2, Coding::Bzip2), stream, 1000, &Limits::default(), helpers);
        assert!(
            told == read_serially((Format::Bzip2, Coding::Bzip2), stream, 1000, &Limits::default()),
            "{:?}",
            told.1
        );
        told
    }

    #[test]
    fn bits_come_out_as_they_went_in_wherever_they_stand() {
        let bytes: Vec<u8> = (0..100_u8).map(|n| n.wrapping_mul(151)).collect();
        for start in 0..40 {
            for end in [start, start + 1, start + 48, start + 49, 800] {
                let mut copied = Bits::default();
                copied.push(5, 3);
                copied.copy(&bytes, start, end);
                let copied = copied.finish();
                assert_eq!(copied.len(), (end - start + 3).div_ceil(8));
                for at in start..end {
                    assert_eq!(bits(&copied, at - start + 3, 1), bits(&bytes, at, 1), "{start} {end} {at}");
                }
            }
        }
        assert_eq!(bits(&bytes, 800 - 48, 48).map(|bits| bits & 0xff), Some(bytes[99].into()));
        assert_eq!(bits(&bytes, 800 - 47, 48), None);
        assert_eq!(bits(&bytes, 900, 1), None);
    }

    #[test]
    fn marks_are_found_at_every_bit() {
        for place in 0..200 {
            let mut stream = Bits::default();
            let mut wanted = Vec::new();
            for (mark, behind) in [(BLOCK, place), (BLOCK, 3), (END, 9), (BLOCK, 1)] {
                for _ in 0..behind {
                    stream.push(1, 1);
                }
                wanted.push((stream.bytes.len() * 8 + stream.count as usize, mark));
                stream.push(mark, 48);
            }
            let bytes = stream.finish();
            assert_eq!(marks(&bytes, 0).collect::<Vec<_>>(), wanted[..3], "{place}");
            assert_eq!(marks(&bytes, place + 1).collect::<Vec<_>>(), wanted[1..3], "{place}");
        }
    }

    #[test]
    fn a_mark_inside_of_a_block_misleads_nobody() {
        let noise: Vec<u8> = (0..4000_u32).map(|n| (n.wrapping_mul(0x9e37_79b9) >> 24) as u8).collect();
        let blocks = vec![noise; 12];
        for inside in [&[BLOCK][..], &[END], &[BLOCK, BLOCK], &[BLOCK, END]] {
            let misleading = stream_with_marks(&blocks, inside);
            let honest = stream(&blocks);
            let helpers = Fickle::default();
            assert!(told(&misleading, &helpers) == (blocks.concat(), None), "{inside:x?}");
            assert!(
                told(&[honest, misleading].concat(), &helpers) == (vec![blocks.concat(); 2].concat(), None)
            );
        }
    }

    #[test]
    fn blocks_of_one_stream_are_decoded_by_helpers() {
        let text = lines(0, 20_000);
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
        encoder.write_all(&text).unwrap();
        let stream = encoder.finish().unwrap();
        let helpers = Fickle::default();
        assert!(told(&stream, &helpers) == (text.clone(), None));
        assert!(helpers.jobs() >= 4);
        assert!(told(&stream, &Nobody) == (text, None));
    }

    #[test]
    fn a_stream_that_is_longer_than_the_window_is_decoded_to_its_end() {
        let mut state = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        })
        .take(WINDOW + WINDOW / 2)
        .collect();
        let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::best());
        encoder.write_all(&noise).unwrap();
        let mut stream = encoder.finish().unwrap();
        let helpers = Fickle::default();
        assert!(told(&stream, &helpers) == (noise, None));
        assert!(helpers.jobs() >= 6);
        let near_end = stream.len() - 1000;
        stream[near_end] ^= 1;
        assert!(told(&stream, &Fickle::default()).1.is_some());
    }

    #[test]
    fn a_block_of_which_too_much_comes_is_decoded_all_the_same() {
        let blocks = [b"a".to_vec(), vec![b'x'; MAX_OUTPUT + 1], b"b".to_vec(), b"c".to_vec()];
        assert!(told(&stream(&blocks), &Fickle::default()) == (blocks.concat(), None));
    }

    #[test]
    fn four_equal_bytes_stand_in_as_well() {
        // Of these bzip2 makes a run. Their checksum is told by the stream that holds them.
        for byte in 0..=255 {
            let whole = stream(&[vec![byte; 4]]);
            let crc = bits(&whole, 32 + 48, 32).unwrap() as u32;
            assert_eq!(of_checksum(crc), [byte; 4]);
            let mut stand = Bits::default();
            stand.push(u32::from_be_bytes(*b"BZh1").into(), 32);
            stand_in(crc, usize::from(byte) % 8, &mut stand).unwrap();
            stand.push(END, 48);
            stand.push(crc.into(), 32);
            assert!(Output::default().decode(Coding::Bzip2, &stand.finish()[..], 100));
        }
    }

    proptest! {
        /// What [`Bzip2::resume`] rests on.
        #[test]
        fn one_block_stands_in_for_any_that_have_such_a_checksum(crc: u32, place in 0..8_usize) {
            let mut stream = Bits::default();
            stream.push(u32::from_be_bytes(*b"BZh1").into(), 32);
            stand_in(crc, place, &mut stream).unwrap();
            prop_assert_eq!(stream.count as usize, place);
            stream.push(END, 48);
            stream.push(crc.into(), 32);
            let mut output = Output::default();
            prop_assert!(output.decode(Coding::Bzip2, &stream.finish()[..], 100));
        }
    }
}
