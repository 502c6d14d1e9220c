//! gzip, zstd, bzip2 and xz → bytes.
//!
//! The readers of the libraries lose what they have decoded when they meet damage, take a stream that was cut for one
//! that ended, or stop behind the first member. Here every decoded byte comes out before the error does, however much
//! room there is for it and however the input is read, and the end is clean only at the end of a member.

use std::io::{self, BufRead, ErrorKind, Read};

use super::codec::{Codec, DAMAGED};
use super::lookahead::Lookahead;
use super::meter::Meter;

/// A compressed format that is known by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// RFC 1952. Any number of members.
    Gzip,
    /// RFC 8878. Any number of frames, skippable ones among them.
    Zstd,
    /// Any number of streams.
    Bzip2,
    /// Any number of streams, and padding between them.
    Xz,
    /// The frame format, not the legacy one. Any number of frames, skippable ones among them.
    Lz4,
}

impl Format {
    pub(super) const ALL: [Self; 5] = [Self::Gzip, Self::Zstd, Self::Bzip2, Self::Xz, Self::Lz4];

    /// How messages call it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Lz4 => "lz4",
        }
    }

    /// The first bytes of its members, those that are the same in all.
    pub(super) const fn magic(self) -> &'static [u8] {
        match self {
            Self::Gzip => b"\x1f\x8b\x08",
            Self::Zstd => b"\x28\xb5\x2f\xfd",
            Self::Bzip2 => b"BZh",
            Self::Xz => b"\xfd7zXZ\0",
            Self::Lz4 => b"\x04\x22\x4d\x18",
        }
    }

    /// How its members are coded; None for lz4, whose decoder has another shape.
    pub(super) const fn coding(self) -> Option<Coding> {
        match self {
            Self::Gzip => Some(Coding::Gzip),
            Self::Zstd => Some(Coding::Zstd),
            Self::Bzip2 => Some(Coding::Bzip2),
            Self::Xz => Some(Coding::Xz),
            Self::Lz4 => None,
        }
    }

    /// Whether `head` is the beginning of a member of this format. A skippable frame counts as zstd at the beginning
    /// of a stream; in lz4 it can only follow a frame.
    pub(super) fn begins(self, head: &[u8]) -> bool {
        match self {
            Self::Zstd => head.starts_with(self.magic()) || skippable(head),
            Self::Bzip2 => match head {
                [b'B', b'Z', b'h', b'1'..=b'9', mark @ ..] => {
                    mark.starts_with(b"1AY&SY") || mark.starts_with(b"\x17\x72\x45\x38\x50\x90")
                }
                _ => false,
            },
            Self::Gzip | Self::Xz | Self::Lz4 => head.starts_with(self.magic()),
        }
    }
}

/// Whether `head` is the beginning of a skippable frame, which zstd and lz4 share.
pub(super) fn skippable(head: &[u8]) -> bool {
    matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}

/// What follows the end of a member.
pub(super) enum Next {
    /// Another member (or skippable frame).
    Member,
    /// Nothing, or zeros, with which tapes and disk images are padded.
    End,
}

/// Looks behind the end of a member of `format`. Bytes that are neither a member nor padding are an error, once
/// they have been counted: there may have been a member before something overwrote it.
pub(super) fn next_member<R: Read>(input: &mut Lookahead<R>, format: Format) -> io::Result<Next> {
    let mut behind = 0;
    loop {
        let head = input.peek(10);
        if head.is_empty() {
            input.fill_buf()?;
            return Ok(Next::End);
        }
        if format.begins(head) || (format == Format::Lz4 && skippable(head)) {
            return Ok(Next::Member);
        }
        let zeros = head.iter().take_while(|byte| **byte == 0).count();
        if zeros == 0 {
            behind += input.skip(u64::MAX)?;
            return Err(invalid(format!(
                "{behind} bytes behind the last {} member belong to none",
                format.name()
            )));
        }
        input.consume(zeros);
        behind += zeros as u64;
    }
}

pub(super) fn invalid(reason: impl Into<String>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, reason.into())
}

pub(super) fn ends_early(what: &str) -> io::Error {
    io::Error::new(ErrorKind::UnexpectedEof, format!("{what} ends early"))
}

/// How one member is coded: what a [`Format`] says, and what zip has besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Deflate,
    Zstd,
    Bzip2,
    Xz,
}

/// One member of a compressed stream, decoded from an input that the caller keeps. Consumes the member's own bytes
/// and none behind them.
pub(super) struct Member {
    coding: Coding,
    codec: Codec,
    state: State,
}

/// Whether there is more to decode.
pub(super) enum State {
    Running,
    Ended,
    /// There is no more, for this reason, which is given for as long as somebody asks: who reads an archive asks
    /// after who read its member was told.
    Failed(ErrorKind, String),
}

impl State {
    pub(super) fn failed(error: &io::Error) -> Self {
        Self::Failed(error.kind(), error.to_string())
    }

    /// Books `count` bytes that were produced. Says how many of them may be used; if not all, there is no more.
    pub(super) fn book(&mut self, count: usize, meter: &Meter<'_>) -> usize {
        let (count, allowed) = meter.produce(count);
        if let Err(error) = allowed {
            *self = Self::failed(&error);
        }
        count
    }

    /// False at the clean end.
    pub(super) fn running(&self) -> io::Result<bool> {
        match self {
            Self::Running => Ok(true),
            Self::Ended => Ok(false),
            Self::Failed(kind, reason) => Err(io::Error::new(*kind, reason.clone())),
        }
    }
}

impl Member {
    pub(super) fn new(coding: Coding) -> io::Result<Self> {
        let codec = Codec::new(coding)?;
        Ok(Self { coding, codec, state: State::Running })
    }

    /// Decodes into `out` what `input` holds of the member. 0 means that the member has ended.
    pub(super) fn read(
        &mut self,
        input: &mut impl BufRead,
        out: &mut [u8],
        meter: &Meter<'_>,
    ) -> io::Result<usize> {
        while !out.is_empty() && self.state.running()? {
            let piece = match input.fill_buf() {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                other => other?,
            };
            let at_end = piece.is_empty();
            let step = self.codec.step(piece, out);
            input.consume(step.consumed);
            match step.outcome {
                Ok(true) => self.state = State::Ended,
                Ok(false) if step.produced > 0 || step.consumed > 0 => {}
                Ok(false) if at_end => self.fail(&self.coding.ends_early()),
                Ok(false) => self.fail(&self.coding.invalid(DAMAGED)),
                Err(reason) => self.fail(&self.coding.invalid(&reason)),
            }
            if step.produced > 0 {
                let count = self.state.book(step.produced, meter);
                if count > 0 {
                    return Ok(count);
                }
            }
        }
        Ok(0)
    }

    /// Decodes `bytes`, which stand for what came before those that are read next, and forgets what comes of them.
    pub(super) fn feed(&mut self, mut bytes: &[u8]) {
        let mut forgotten = [0; 64];
        loop {
            let step = self.codec.step(bytes, &mut forgotten);
            bytes = &bytes[step.consumed..];
            if let Err(reason) = step.outcome {
                return self.fail(&self.coding.invalid(&reason));
            }
            if step.consumed == 0 && step.produced == 0 {
                return;
            }
        }
    }

    fn fail(&mut self, error: &io::Error) {
        self.state = State::failed(error);
    }
}

impl Coding {
    /// Why damaged data is not read further.
    pub(super) fn invalid(self, reason: &str) -> io::Error {
        invalid(format!("invalid {} data: {reason}", self.name()))
    }

    /// Why data that was cut is not.
    pub(super) fn ends_early(self) -> io::Error {
        ends_early(&format!("{} stream", self.name()))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::iter;

    use proptest::prelude::*;

    use super::*;
    use crate::input::Limits;

    /// Shows so many bytes at a time.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            unreachable!("decoders look at the buffer")
        }
    }

    impl BufRead for Pieces<'_> {
        fn fill_buf(&mut self) -> io::Result<&[u8]> {
            Ok(&self.0[..self.0.len().min(self.1)])
        }

        fn consume(&mut self, count: usize) {
            self.0 = &self.0[count..];
        }
    }

    /// What comes of a stream that is read in such pieces and decoded into such room, why it ends early, and how far from the end.
    fn decode(
        coding: Coding,
        bytes: &[u8],
        piece: usize,
        room: impl Iterator<Item = usize>,
    ) -> (Vec<u8>, String, usize) {
        let limits = Limits { free_expansion: u64::MAX, ..Limits::default() };
        let meter = Meter::new(&limits);
        let (mut pieces, mut out, mut all) = (Pieces(bytes, piece), vec![0; 1 << 20], Vec::new());
        let mut member = Member::new(coding).unwrap();
        for room in room {
            let reason = match member.read(&mut pieces, &mut out[..room], &meter) {
                Ok(0) => String::new(),
                Ok(count) => {
                    all.extend_from_slice(&out[..count]);
                    continue;
                }
                Err(error) => error.to_string(),
            };
            // Where damage is met is told only of what lies in a zip archive. bzip2 has looked up to eight bytes further
            // then, as far as they were there; zstd wants its whole header, and may know by the first byte.
            let is_unsure = coding == Coding::Bzip2 || bytes.len() - pieces.0.len() <= 21;
            let is_unsure = is_unsure && !reason.is_empty();
            return (all, reason, if is_unsure { 0 } else { pieces.0.len() });
        }
        unreachable!("there is room for ever")
    }

    fn encode(coding: Coding, text: &[u8]) -> Vec<u8> {
        let level = flate2::Compression::default();
        let mut bytes = Vec::new();
        match coding {
            Coding::Gzip => flate2::read::GzEncoder::new(text, level).read_to_end(&mut bytes),
            Coding::Deflate => flate2::read::DeflateEncoder::new(text, level).read_to_end(&mut bytes),
            Coding::Zstd => {
                zstd::stream::read::Encoder::new(text, 3).and_then(|mut zstd| zstd.read_to_end(&mut bytes))
            }
            Coding::Bzip2 => {
                bzip2::read::BzEncoder::new(text, bzip2::Compression::fast()).read_to_end(&mut bytes)
            }
            Coding::Xz => liblzma::read::XzEncoder::new(text, 6).read_to_end(&mut bytes),
        }
        .unwrap();
        bytes
    }

    const CODINGS: [Coding; 5] = [Coding::Gzip, Coding::Deflate, Coding::Zstd, Coding::Bzip2, Coding::Xz];

    #[test]
    fn damage_at_any_byte_of_a_short_stream_gives_the_same_bytes_and_reason_in_any_room() {
        let text: String =
            (0..200).map(|n| format!("{} line of a log {}\n", n * n * 7919 % 1000, n % 13)).collect();
        let mut reasons = std::collections::BTreeSet::new();
        for coding in CODINGS {
            let bytes = encode(coding, text.as_bytes());
            for at in 0..bytes.len() {
                let mut damaged = bytes.clone();
                damaged[at] ^= 0x55;
                let whole = decode(coding, &damaged, usize::MAX, iter::repeat(64 << 10));
                for room in [1, 8, 77] {
                    let other = decode(coding, &damaged, usize::MAX, iter::repeat(room));
                    assert!(whole == other, "{coding:?} {at} {room}: {:?} {:?}", told(&whole), told(&other));
                }
                reasons.insert(whole.1);
            }
        }
        assert!(reasons.contains("invalid deflate data: damaged block"), "{reasons:?}");
    }

    #[test]
    fn a_block_is_not_lost_for_damage_to_the_header_of_the_next() {
        let text = "2026-06-12T01:00:00Z INFO a line of a log\n".repeat(10_000);
        let bytes = encode(Coding::Zstd, text.as_bytes());
        let mut lengths = std::collections::BTreeSet::new();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x86;
            let whole = decode(Coding::Zstd, &damaged, usize::MAX, iter::repeat(1 << 20));
            for (piece, room) in [(1, 1 << 20), (usize::MAX, 128 << 10), (7, 1000)] {
                let other = decode(Coding::Zstd, &damaged, piece, iter::repeat(room));
                assert!(whole == other, "{at} {piece} {room}: {:?} {:?}", told(&whole), told(&other));
            }
            lengths.insert(whole.0.len());
        }
        assert!(lengths.len() >= 4 && lengths.contains(&text.len()), "{lengths:?}");
    }

    fn told(told: &(Vec<u8>, String, usize)) -> (usize, &str, usize) {
        (told.0.len(), &told.1, told.2)
    }

    #[test]
    fn xz_with_filters_that_hold_bytes_back_is_decoded_in_any_room() {
        use liblzma::stream::{Check, Filters, LzmaOptions};
        let text: Vec<u8> = (0..200_000_u32).map(|n| (n.wrapping_mul(0x9e37_79b9) >> 25) as u8).collect();
        let options = LzmaOptions::new_preset(0).unwrap();
        for filter in ["x86", "arm64"] {
            let mut filters = Filters::new();
            match filter {
                "x86" => filters.x86(),
                _ => filters.arm64(),
            };
            filters.lzma2(&options);
            let stream = liblzma::stream::Stream::new_stream_encoder(&filters, Check::Crc64).unwrap();
            let mut bytes = Vec::new();
            liblzma::read::XzEncoder::new_stream(&text[..], stream).read_to_end(&mut bytes).unwrap();
            for (piece, room) in [(1, 1), (usize::MAX, 1), (1, 1 << 20), (777, 1000), (4096, 64 << 10)] {
                let (out, reason, _) = decode(Coding::Xz, &bytes, piece, iter::repeat(room));
                assert!(out == text && reason.is_empty(), "{filter} {piece} {room}: {} {reason}", out.len());
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// What makes a damaged input give the same findings however it is read, and whoever helps.
        #[test]
        fn neither_room_nor_pieces_change_what_comes_of_damage(
            coding in prop::sample::select(CODINGS.to_vec()),
            lines in prop::collection::vec((0..200_u32, 0..40_usize), 1..2000),
            noise in prop::collection::vec(any::<u8>(), 0..5000),
            flips in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 0..4),
            cut in prop::option::of(any::<prop::sample::Index>()),
            piece in prop::sample::select(vec![1, 3, 1000, usize::MAX]),
            rooms in prop::collection::vec(prop::sample::select(vec![1_usize, 2, 7, 300, 64 << 10]), 1..9),
        ) {
            let mut text: Vec<u8> =
                lines.iter().flat_map(|(n, count)| format!("{n} {}\n", "=".repeat(*count)).into_bytes()).collect();
            text.extend(noise);
            let mut bytes = encode(coding, &text);
            for (place, flip) in flips {
                let place = place.index(bytes.len());
                bytes[place] ^= flip;
            }
            if let Some(cut) = cut {
                bytes.truncate(cut.index(bytes.len()));
            }
            let whole = decode(coding, &bytes, usize::MAX, iter::repeat(1 << 20));
            let other = decode(coding, &bytes, piece, rooms.into_iter().cycle());
            prop_assert!(whole == other, "{:?} {:?}", told(&whole), told(&other));
        }
    }
}
