//! The decoders of the libraries, driven step by step.
//!
//! What comes of a stream does not depend on the room or the pieces that a step is given, not even of a damaged one,
//! which none of them promises: each is given no more at once than it can tell all about.

use std::io;

use flate2::FlushDecompress;
use liblzma::stream::Action;
use zstd::zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer, get_error_name};

use super::decompress::{Coding, invalid};
use super::xz_chunks;

/// The greatest memory that a stream may ask for as its window.
const MAX_WINDOW_LOG: u32 = 27;
pub(super) const DAMAGED: &str = "damaged block";
const ZSTD_BLOCK_HEADER: usize = 3;
const NEEDS_TOO_MUCH: &str = "it needs more than 128 MiB of memory to be decoded";

pub(super) enum Codec {
    Inflate(flate2::Decompress),
    /// The context, and how many bytes it wants next. It is given one header or block at a time, when all has come of
    /// what is before: on damage it forgets what it has written in the same call.
    Zstd(DCtx<'static>, usize),
    Bzip2(bzip2::Decompress),
    /// The decoder, and where it stands. It is given a chunk alone: what comes of a damaged one that does not end where
    /// it should depends on the room and on the bytes behind it otherwise.
    Xz(liblzma::stream::Stream, Box<xz_chunks::Stream>),
}

/// What a codec did with a piece of input.
pub(super) struct Step {
    pub(super) consumed: usize,
    pub(super) produced: usize,
    pub(super) outcome: Result<bool, String>,
}

impl Step {
    /// What was done between two readings of how much came in and out.
    fn between(before: (u64, u64), after: (u64, u64), outcome: Result<bool, String>) -> Self {
        let (consumed, produced) = ((after.0 - before.0) as usize, (after.1 - before.1) as usize);
        Self { consumed, produced, outcome }
    }
}

impl Codec {
    pub(super) fn new(coding: Coding) -> io::Result<Self> {
        Ok(match coding {
            Coding::Gzip => Self::Inflate(flate2::Decompress::new_gzip(15)),
            Coding::Deflate => Self::Inflate(flate2::Decompress::new(false)),
            Coding::Zstd => {
                let mut context = DCtx::create();
                context
                    .set_parameter(DParameter::WindowLogMax(MAX_WINDOW_LOG))
                    .map_err(|code| invalid(get_error_name(code)))?;
                Self::Zstd(context, 5)
            }
            Coding::Bzip2 => Self::Bzip2(bzip2::Decompress::new(false)),
            Coding::Xz => Self::Xz(
                liblzma::stream::Stream::new_stream_decoder(1 << MAX_WINDOW_LOG, 0).map_err(invalid_xz)?,
                Box::new(xz_chunks::Stream::new()),
            ),
        })
    }

    /// Decodes a piece. The outcome says whether the member has ended; what was produced before damage counts.
    pub(super) fn step(&mut self, input: &[u8], out: &mut [u8]) -> Step {
        match self {
            Self::Inflate(inflate) => {
                let before = (inflate.total_in(), inflate.total_out());
                let outcome = match inflate.decompress(input, out, FlushDecompress::None) {
                    Ok(status) => Ok(status == flate2::Status::StreamEnd),
                    Err(error) => Err(inflate_reason(error.message()).to_owned()),
                };
                Step::between(before, (inflate.total_in(), inflate.total_out()), outcome)
            }
            Self::Bzip2(bzip2) => {
                // Without room a block is decoded and nothing of it is written, and without input nothing but what it
                // holds: so an error of the second call is one of that block, behind what was written.
                let step = step_bzip2(bzip2, input, &mut []);
                if step.consumed > 0 || step.outcome != Ok(false) {
                    return step;
                }
                let mut step = step_bzip2(bzip2, &[], out);
                if step.produced == 0 && step.outcome.is_err() {
                    step.produced = untold(bzip2, out);
                }
                step
            }
            Self::Xz(xz, stream) => {
                let mut step = step_xz(xz, &input[..input.len().min(stream.data())], out);
                if step.consumed == 0 && step.produced == 0 && step.outcome == Ok(false) && stream.data() == 0
                {
                    // All has come of the chunk that ends here.
                    step = step_xz(xz, &input[..input.len().min(1)], &mut []);
                }
                stream.pass(&input[..step.consumed]);
                step
            }
            Self::Zstd(context, wanted) => {
                let step = step_zstd(context, wanted, &[], out);
                if step.produced > 0 || step.outcome != Ok(false) {
                    return step;
                }
                // It wants a block together with the header of the next.
                let given = wanted.checked_sub(ZSTD_BLOCK_HEADER).filter(|rest| *rest > 0).unwrap_or(*wanted);
                step_zstd(context, wanted, &input[..input.len().min(given)], out)
            }
        }
    }
}

fn step_bzip2(bzip2: &mut bzip2::Decompress, input: &[u8], out: &mut [u8]) -> Step {
    let before = (bzip2.total_in(), bzip2.total_out());
    let outcome = match bzip2.decompress(input, out) {
        Ok(bzip2::Status::MemNeeded) => Err("not enough memory".to_owned()),
        Ok(status) => Ok(status == bzip2::Status::StreamEnd),
        Err(bzip2::Error::DataMagic) => Err("bad header".to_owned()),
        Err(_) => Err(DAMAGED.to_owned()),
    };
    Step::between(before, (bzip2.total_in(), bzip2.total_out()), outcome)
}

/// How many bytes of a damaged block were written to `out` before the damage was met: the library forgets them, and
/// writes the same again when it is asked again.
fn untold(bzip2: &mut bzip2::Decompress, out: &mut [u8]) -> usize {
    let mut again = |with| {
        out.fill(with);
        let step = step_bzip2(bzip2, &[], out);
        (step.produced == 0).then(|| out.to_vec())
    };
    match (again(0xff), again(0)) {
        (Some(one), Some(other)) => one.iter().zip(&other).take_while(|(one, other)| one == other).count(),
        _ => 0,
    }
}

fn step_zstd(context: &mut DCtx<'_>, wanted: &mut usize, input: &[u8], out: &mut [u8]) -> Step {
    let mut source = InBuffer::around(input);
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
    // Of damage it does not tell how much it has looked at, which is all that it was given.
    let consumed = if outcome.is_err() { input.len() } else { source.pos() };
    Step { consumed, produced: sink.pos(), outcome }
}

fn step_xz(xz: &mut liblzma::stream::Stream, input: &[u8], out: &mut [u8]) -> Step {
    let before = (xz.total_in(), xz.total_out());
    let outcome = match xz.process(input, out, Action::Run) {
        Ok(status) => Ok(status == liblzma::stream::Status::StreamEnd),
        Err(error) => Err(xz_reason(&error).to_owned()),
    };
    Step::between(before, (xz.total_in(), xz.total_out()), outcome)
}

/// What is wrong with a header or a checksum. What is wrong with a block the library tells in words that depend on how much room
/// it was given.
fn inflate_reason(message: Option<&str>) -> &str {
    let of_frame = |message: &&str| message.starts_with("incorrect") || message.contains("header");
    message.filter(of_frame).unwrap_or(DAMAGED)
}

pub(super) fn xz_reason(error: &liblzma::stream::Error) -> &'static str {
    use liblzma::stream::Error;
    match error {
        Error::MemLimit => NEEDS_TOO_MUCH,
        Error::Mem => "not enough memory",
        Error::Format => "bad header",
        Error::Options | Error::UnsupportedCheck => "an unknown filter or check",
        _ => DAMAGED,
    }
}

fn invalid_xz(error: liblzma::stream::Error) -> io::Error {
    invalid(xz_reason(&error))
}
