//! The blocks of one compressed stream that several threads decode side by side, while some are idle.
//!
//! bzip2 cuts what it compresses into blocks of at most 900 kB, xz with several threads into blocks of some MiB. None
//! needs what came before it, so that each can be decoded by itself, in a stream that is built around it. As in
//! `ahead`, what comes of that is taken only if it must be so: of whole blocks that follow one another from where the
//! stream stands. At anything else, damage above all, one decoder goes on alone, from the block that the stream has
//! come to, as if it had decoded all those before. So neither the bytes nor an error nor its offset depends on what is
//! done here, or on who is idle; nor does how far is read ahead. A stream of one block is not decoded here.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use std::sync::{Mutex, PoisonError};

use super::Helpers;
use super::decompress::{Coding, Member, State};
use super::lookahead::Lookahead;
use super::meter::Meter;
use super::{Limits, bzip2_blocks::Bzip2, xz_blocks::Xz};

/// By how much an output grows.
const OUTPUT_STEP: usize = 256 << 10;

/// A stream that is cut into blocks. A place in it is counted as its format likes: in bits or bytes of the input.
pub(super) trait Split: Sync + Sized {
    /// What is known of the blocks of a [`Piece`].
    type Detail: Send + Sync;

    /// With how few threads a piece is better decoded alone.
    const TOO_FEW: usize;

    /// The stream that begins where `input` stands, if it has several blocks: consumes what stands before the first.
    fn begin<R: Read>(input: &mut Lookahead<R>) -> Option<Self>;

    /// Where the next block begins, or what follows the last.
    fn place(&self) -> u64;

    /// Whole blocks that seem to follow one another from there. They depend on the stream alone.
    fn look<R: Read>(&self, input: &mut Lookahead<R>) -> VecDeque<Piece<Self::Detail>>;

    /// The offsets of the input between which `piece` lies; the last byte may be another's as well.
    fn bytes(piece: &Piece<Self::Detail>) -> (u64, u64);

    /// Decodes `piece` out of `bytes`, which begin where it does. False if it is not what it seemed to be.
    fn decode(&self, piece: &Piece<Self::Detail>, bytes: &[u8], output: &mut Output) -> bool;

    /// Goes on behind `piece`, which was decoded.
    fn pass<R: Read>(&mut self, piece: &Piece<Self::Detail>, input: &mut Lookahead<R>);

    /// Decodes alone, from where the stream stands.
    fn read<R: Read>(
        &mut self,
        input: &mut Lookahead<R>,
        out: &mut [u8],
        meter: &Meter<'_>,
    ) -> io::Result<Alone>;
}

/// Some blocks, one behind the other, that one thread decodes at a time.
pub(super) struct Piece<D> {
    pub(super) start: u64,
    pub(super) end: u64,
    pub(super) detail: D,
}

/// What came of decoding alone.
pub(super) enum Alone {
    /// So many bytes.
    Bytes(usize),
    /// The end of a block, behind which others can help again.
    Block,
    /// The end of the stream.
    End,
}

/// What came of a piece: the bytes up to `filled`. Those behind it have no meaning.
#[derive(Default)]
pub(super) struct Output {
    bytes: Vec<u8>,
    filled: usize,
}

impl Output {
    /// Decodes one whole stream, of which at most `limit` bytes may come.
    pub(super) fn decode(&mut self, coding: Coding, mut stream: impl BufRead, limit: usize) -> bool {
        let limits = Limits { free_expansion: u64::MAX, ..Limits::default() };
        let meter = Meter::new(&limits);
        let Ok(mut member) = Member::new(coding) else {
            return false;
        };
        self.filled = 0;
        // One byte more has room than may come, so that a stream that fills it is seen to end.
        while self.filled <= limit {
            if self.filled == self.bytes.len() {
                self.bytes.resize((self.filled + OUTPUT_STEP).min(limit + 1), 0);
            }
            match member.read(&mut stream, &mut self.bytes[self.filled..], &meter) {
                Ok(0) => return stream.fill_buf().is_ok_and(<[u8]>::is_empty),
                Ok(count) => self.filled += count,
                Err(_) => return false,
            }
        }
        false
    }
}

/// One stream of many blocks.
pub(super) struct Blocks<'a, S: Split> {
    helpers: &'a dyn Helpers,
    stream: S,
    /// Pieces that were seen and are not decoded, and where the last of them ends: up to there none is looked for.
    seen: VecDeque<Piece<S::Detail>>,
    seen_to: u64,
    /// What was decoded and is not reached yet, and whether it is what it seemed to be.
    decoded: VecDeque<(Piece<S::Detail>, Output, bool)>,
    /// What is being handed out, and how much of it was.
    current: Output,
    served: usize,
    /// Outputs to be used again: fresh memory costs a page fault for each page.
    spare: Vec<Output>,
    /// Whether the next block is decoded without help.
    is_alone: bool,
    state: State,
}

impl<'a, S: Split> Blocks<'a, S> {
    /// The stream that begins where `input` stands, if it has several blocks.
    pub(super) fn begin<R: Read>(input: &mut Lookahead<R>, helpers: &'a dyn Helpers) -> Option<Self> {
        Some(Self {
            helpers,
            stream: S::begin(input)?,
            seen: VecDeque::new(),
            seen_to: 0,
            decoded: VecDeque::new(),
            current: Output::default(),
            served: 0,
            spare: Vec::new(),
            is_alone: false,
            state: State::Running,
        })
    }

    /// Decodes into `out`, like [`Member::read`].
    pub(super) fn read<R: Read>(
        &mut self,
        input: &mut Lookahead<R>,
        out: &mut [u8],
        meter: &Meter<'_>,
    ) -> io::Result<usize> {
        while !out.is_empty() && self.state.running()? {
            let left = &self.current.bytes[self.served..self.current.filled];
            if !left.is_empty() {
                let count = left.len().min(out.len());
                out[..count].copy_from_slice(&left[..count]);
                self.served += count;
                match self.state.book(count, meter) {
                    0 => continue,
                    count => return Ok(count),
                }
            }
            if !self.is_alone && self.take(input) {
                continue;
            }
            self.is_alone = true;
            match self.stream.read(input, out, meter)? {
                Alone::Bytes(count) => return Ok(count),
                Alone::Block => self.is_alone = false,
                Alone::End => self.state = State::Ended,
            }
        }
        Ok(0)
    }

    /// Takes the next piece if it is decoded, or can be by helpers.
    fn take<R: Read>(&mut self, input: &mut Lookahead<R>) -> bool {
        let place = self.stream.place();
        if self.decoded.is_empty() {
            if place >= self.seen_to {
                self.seen = self.stream.look(input);
                self.seen_to = self.seen.back().map_or(place, |last| last.end);
            }
            while self.seen.pop_front_if(|piece| piece.start < place).is_some() {}
            let threads = self.helpers.all();
            if threads <= S::TOO_FEW || self.seen.front().is_none_or(|first| first.start != place) {
                return false;
            }
            self.decode(input, threads);
        }
        match self.decoded.pop_front() {
            Some((piece, output, true)) => {
                self.stream.pass(&piece, input);
                self.spare.push(std::mem::replace(&mut self.current, output));
                self.served = 0;
                true
            }
            _ => {
                // What stands behind it was found by a wrong guess, or is behind damage.
                self.decoded.clear();
                self.seen.clear();
                false
            }
        }
    }

    /// Has the next pieces decoded, one by each thread.
    fn decode<R: Read>(&mut self, input: &mut Lookahead<R>, threads: usize) {
        let pieces: Vec<_> = self.seen.drain(..threads.min(self.seen.len())).collect();
        let offset = input.offset();
        let end = pieces.last().map_or(offset, |last| S::bytes(last).1);
        let window = input.peek((end - offset) as usize);
        let (stream, spare) = (&self.stream, &mut self.spare);
        let jobs: Vec<_> = pieces
            .into_iter()
            .map(|piece| Mutex::new((piece, spare.pop().unwrap_or_default(), false)))
            .collect();
        self.helpers.run(jobs.len(), &|job| {
            let mut job = jobs[job].lock().unwrap_or_else(PoisonError::into_inner);
            let (piece, output, is_whole) = &mut *job;
            let (start, end) = S::bytes(piece);
            let bytes = &window[(start - offset) as usize..(end - offset) as usize];
            *is_whole = stream.decode(piece, bytes, output);
        });
        self.decoded
            .extend(jobs.into_iter().map(|job| job.into_inner().unwrap_or_else(PoisonError::into_inner)));
    }
}

/// A stream of many blocks, of a format that has such.
pub(super) enum Stream<'a> {
    Bzip2(Blocks<'a, Bzip2>),
    Xz(Blocks<'a, Xz>),
}

impl<'a> Stream<'a> {
    /// The stream that begins where `input` stands, if it has several blocks that can be decoded by themselves.
    pub(super) fn begin<R: Read>(
        input: &mut Lookahead<R>,
        coding: Coding,
        helpers: &'a dyn Helpers,
    ) -> Option<Self> {
        match coding {
            Coding::Bzip2 => Blocks::begin(input, helpers).map(Self::Bzip2),
            Coding::Xz => Blocks::begin(input, helpers).map(Self::Xz),
            Coding::Gzip | Coding::Deflate | Coding::Zstd => None,
        }
    }

    /// Decodes into `out`, like [`Member::read`].
    pub(super) fn read<R: Read>(
        &mut self,
        input: &mut Lookahead<R>,
        out: &mut [u8],
        meter: &Meter<'_>,
    ) -> io::Result<usize> {
        match self {
            Self::Bzip2(blocks) => blocks.read(input, out, meter),
            Self::Xz(blocks) => blocks.read(input, out, meter),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::input::decompress::{Coding, Format};
    use crate::input::testing::{Fickle, lines, read, read_serially};
    use crate::input::{Alone, Limits, bzip2_blocks, xz_blocks};

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        /// The law of this room: whoever helps, the bytes and the error are those that the library's decoder finds.
        #[test]
        fn what_comes_out_is_what_a_decoder_that_knows_no_blocks_finds(
            is_xz: bool,
            sizes in prop::collection::vec(prop::collection::vec(1..60_usize, 1..50), 1..4),
            unsized_block in prop::option::of(0..40_usize),
            padding in 0..9_usize,
            flips in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 0..3),
            cut in prop::option::of(any::<prop::sample::Index>()),
            step in prop::sample::select(vec![1_usize, 77, 5000]),
            free_expansion in prop::sample::select(vec![u64::MAX, 20_000]),
        ) {
            let (format, coding) =
                if is_xz { (Format::Xz, Coding::Xz) } else { (Format::Bzip2, Coding::Bzip2) };
            let mut stream = Vec::new();
            for sizes in sizes {
                let blocks: Vec<_> = sizes.iter().enumerate().map(|(n, size)| lines(n * 60, *size)).collect();
                stream.extend(if is_xz {
                    xz_blocks::stream(&blocks, |n| Some(n) != unsized_block)
                } else {
                    bzip2_blocks::stream(&blocks)
                });
                stream.extend(vec![0; padding]);
            }
            for (place, flip) in flips {
                let place = place.index(stream.len());
                stream[place] ^= flip;
            }
            if let Some(cut) = cut {
                stream.truncate(cut.index(stream.len()));
            }
            let limits = Limits { free_expansion, max_ratio: 0, ..Limits::default() };
            let serially = read_serially((format, coding), &stream, step, &limits);
            let alone = read((format, coding), &stream, step, &limits, &Alone);
            prop_assert!(alone == serially, "{} {:?}, {} {:?}", alone.0.len(), alone.1, serially.0.len(), serially.1);
            let helped = read((format, coding), &stream, step, &limits, &Fickle::default());
            prop_assert!(helped == serially, "{} {:?}, {} {:?}", helped.0.len(), helped.1, serially.0.len(), serially.1);
        }
    }
}
