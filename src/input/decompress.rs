//! gzip, zstd, bzip2 and xz → bytes.
//!
//! The decoders of the libraries are driven step by step, because their readers lose what they have decoded when
//! they meet damage, take a stream that was cut for one that ended, or stop behind the first member. Here every
//! decoded byte comes out before the error does, and the end is clean only at the end of a member.

use std::io::{self, BufRead, ErrorKind, Read};

use flate2::FlushDecompress;
use liblzma::stream::Action;
use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, get_error_name};

use super::lookahead::Lookahead;
use super::meter::Meter;

/// The greatest memory that a stream may ask for as its window.
const MAX_WINDOW_LOG: u32 = 27;
const NEEDS_TOO_MUCH: &str = "it needs more than 128 MiB of memory to be decoded";

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

enum Codec {
    Inflate(flate2::Decompress),
    /// The context, and how many bytes it wants next. It is given no more than that, so that it decodes one block at
    /// a time: on damage it forgets all blocks that it has decoded in the same call.
    Zstd(DCtx<'static>, usize),
    Bzip2(bzip2::Decompress),
    Xz(liblzma::stream::Stream),
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

/// What a codec did with a piece of input.
struct Step {
    consumed: usize,
    produced: usize,
    outcome: Result<bool, String>,
}

impl Member {
    pub(super) fn new(coding: Coding) -> io::Result<Self> {
        let codec = match coding {
            Coding::Gzip => Codec::Inflate(flate2::Decompress::new_gzip(15)),
            Coding::Deflate => Codec::Inflate(flate2::Decompress::new(false)),
            Coding::Zstd => {
                let mut context = DCtx::create();
                context
                    .set_parameter(DParameter::WindowLogMax(MAX_WINDOW_LOG))
                    .map_err(|code| invalid(get_error_name(code)))?;
                Codec::Zstd(context, 5)
            }
            Coding::Bzip2 => Codec::Bzip2(bzip2::Decompress::new(false)),
            Coding::Xz => Codec::Xz(
                liblzma::stream::Stream::new_stream_decoder(1 << MAX_WINDOW_LOG, 0).map_err(invalid_xz)?,
            ),
        };
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
                Ok(false) => self.fail(&invalid(format!("invalid {} data", self.coding.name()))),
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

impl Codec {
    /// Decodes a piece. The outcome says whether the member has ended; what was produced before damage counts.
    fn step(&mut self, input: &[u8], out: &mut [u8]) -> Step {
        match self {
            Self::Inflate(inflate) => {
                let before = (inflate.total_in(), inflate.total_out());
                let outcome = inflate.decompress(input, out, FlushDecompress::None);
                Step {
                    consumed: (inflate.total_in() - before.0) as usize,
                    produced: (inflate.total_out() - before.1) as usize,
                    outcome: match outcome {
                        Ok(status) => Ok(status == flate2::Status::StreamEnd),
                        Err(error) => Err(inflate_reason(error.message()).to_owned()),
                    },
                }
            }
            Self::Bzip2(bzip2) => {
                let before = (bzip2.total_in(), bzip2.total_out());
                let outcome = bzip2.decompress(input, out);
                Step {
                    consumed: (bzip2.total_in() - before.0) as usize,
                    produced: (bzip2.total_out() - before.1) as usize,
                    outcome: match outcome {
                        Ok(bzip2::Status::MemNeeded) => Err("not enough memory".to_owned()),
                        Ok(status) => Ok(status == bzip2::Status::StreamEnd),
                        Err(bzip2::Error::DataMagic) => Err("bad header".to_owned()),
                        Err(_) => Err("damaged block".to_owned()),
                    },
                }
            }
            Self::Xz(xz) => {
                let before = (xz.total_in(), xz.total_out());
                let outcome = xz.process(input, out, Action::Run);
                Step {
                    consumed: (xz.total_in() - before.0) as usize,
                    produced: (xz.total_out() - before.1) as usize,
                    outcome: match outcome {
                        Ok(status) => Ok(status == liblzma::stream::Status::StreamEnd),
                        Err(error) => Err(xz_reason(&error).to_owned()),
                    },
                }
            }
            Self::Zstd(context, wanted) => {
                let mut source = InBuffer::around(&input[..input.len().min(*wanted)]);
                let mut sink = OutBuffer::around(out);
                let outcome = match context.decompress_stream(&mut sink, &mut source) {
                    Ok(hint) => {
                        *wanted = hint;
                        Ok(hint == 0)
                    }
                    Err(code) => Err(match get_error_name(code) {
                        "Frame requires too much memory for decoding" => NEEDS_TOO_MUCH.to_owned(),
                        name => name.to_lowercase(),
                    }),
                };
                Step { consumed: source.pos(), produced: sink.pos(), outcome }
            }
        }
    }
}

/// What is wrong with a header or a checksum. What is wrong with a block the library tells in words that depend on how much room
/// it was given.
fn inflate_reason(message: Option<&str>) -> &str {
    let of_frame = |message: &&str| message.starts_with("incorrect") || message.contains("header");
    message.filter(of_frame).unwrap_or("damaged block")
}

pub(super) fn xz_reason(error: &liblzma::stream::Error) -> &'static str {
    use liblzma::stream::Error;
    match error {
        Error::MemLimit => NEEDS_TOO_MUCH,
        Error::Mem => "not enough memory",
        Error::Format => "bad header",
        Error::Options | Error::UnsupportedCheck => "an unknown filter or check",
        _ => "damaged block",
    }
}

fn invalid_xz(error: liblzma::stream::Error) -> io::Error {
    invalid(xz_reason(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::Limits;

    /// Why a stream ends early that is decoded into so much room at a time.
    fn reason(bytes: &[u8], room: usize) -> String {
        let limits = Limits::default();
        let meter = Meter::new(&limits);
        let (mut rest, mut out) = (bytes, vec![0; room]);
        let mut member = Member::new(Coding::Deflate).unwrap();
        loop {
            match member.read(&mut rest, &mut out, &meter) {
                Ok(0) => return String::new(),
                Ok(_) => {}
                Err(error) => return error.to_string(),
            }
        }
    }

    #[test]
    fn the_reason_of_damage_does_not_depend_on_the_room_for_what_comes_out() {
        use std::io::Write;
        let text: String =
            (0..400).map(|n| format!("{} line of a log {}\n", n * n * 7919 % 1000, n % 13)).collect();
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        let bytes = encoder.finish().unwrap();
        let mut reasons = std::collections::BTreeSet::new();
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x55;
            let whole = reason(&damaged, 64 << 10);
            assert_eq!(whole, reason(&damaged, 8), "byte {at}");
            reasons.insert(whole);
        }
        assert!(reasons.contains("invalid deflate data: damaged block"), "{reasons:?}");
    }
}
