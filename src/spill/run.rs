//! A sorted run: entries in the order of their keys, in a file that has no name and is gone with the process.
//!
//! Version 1 of the format: the text `jwtriage run`, a zero byte, the version (u16), the length of a key (u8), and [`PARTS`] LZ4 frames with
//! checksums. The frame with number *n* holds the entries whose key begins with the four bits *n*: the length of the value
//! (u32), the key, and the value. Numbers are little-endian. Where the frames begin is known to who has written them; who has not
//! can read them one behind the other. A value holds no byte of a token (`tally/record.rs` says what it holds).

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::ops::{ControlFlow, Range};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use lz4_flex::frame::{BlockMode, BlockSize, FrameDecoder, FrameEncoder, FrameInfo};

/// How a run begins.
const NAME: &[u8; 13] = b"jwtriage run\0";
const VERSION: u16 = 1;

/// In how many parts a run is written, so that as many threads can merge runs. Keys are mostly hashes, so the parts are of one size.
pub(super) const PARTS: usize = 16;

/// How much is read of a file at a time, in bytes.
const READ: usize = 32 << 10;

/// What one reader of a part takes: what is read, a block, and the end of the block before.
pub(super) const READER_MEMORY: usize = READ + (64 << 10) * 3;

fn part_of(key: &[u8]) -> usize {
    key.first().map_or(0, |first| usize::from(first >> 4))
}

fn frame<W: Write>(out: W) -> FrameEncoder<W> {
    let info =
        FrameInfo::new().block_size(BlockSize::Max64KB).block_mode(BlockMode::Linked).content_checksum(true);
    FrameEncoder::with_frame_info(info, out)
}

/// A run that was written.
#[derive(Debug)]
pub(super) struct Run {
    file: Mutex<File>,
    key: usize,
    parts: [Range<u64>; PARTS],
}

/// A run that is being written.
pub(super) struct Writer {
    /// The present part; there is none behind the last.
    part: Option<FrameEncoder<BufWriter<File>>>,
    key: usize,
    /// Where the present part begins, and where those before it are.
    start: u64,
    parts: Vec<Range<u64>>,
}

impl Writer {
    /// Begins a run of entries with keys of so many bytes, in a directory.
    pub(super) fn new(directory: &Path, key: usize) -> io::Result<Self> {
        let mut out = BufWriter::new(tempfile::tempfile_in(directory)?);
        out.write_all(NAME)?;
        out.write_all(&VERSION.to_le_bytes())?;
        out.write_all(&[u8::try_from(key).map_err(|_| io::Error::from(ErrorKind::InvalidInput))?])?;
        let start = out.stream_position()?;
        Ok(Self { part: Some(frame(out)), key, start, parts: Vec::new() })
    }

    /// Writes an entry whose key is not before that of the last.
    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) -> io::Result<()> {
        debug_assert_eq!(key.len(), self.key);
        while self.parts.len() < part_of(key) {
            let out = self.end_part()?;
            self.part = Some(frame(out));
        }
        let part = self.part.as_mut().ok_or(ErrorKind::WriteZero)?;
        let length = u32::try_from(value.len()).map_err(|_| io::Error::from(ErrorKind::InvalidInput))?;
        part.write_all(&length.to_le_bytes())?;
        part.write_all(key)?;
        part.write_all(value)
    }

    fn end_part(&mut self) -> io::Result<BufWriter<File>> {
        let part = self.part.take().ok_or(ErrorKind::WriteZero)?;
        let mut out = part.finish()?;
        let end = out.stream_position()?;
        self.parts.push(std::mem::replace(&mut self.start, end)..end);
        Ok(out)
    }

    /// Ends the run.
    pub(super) fn finish(mut self) -> io::Result<Run> {
        let out = loop {
            let out = self.end_part()?;
            if self.parts.len() == PARTS {
                break out;
            }
            self.part = Some(frame(out));
        };
        let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
        let parts = std::array::from_fn(|n| self.parts[n].clone());
        Ok(Run { file: Mutex::new(file), key: self.key, parts })
    }
}

/// Reads the entries of one part of a run, in order.
pub(super) struct Reader<'r> {
    frame: FrameDecoder<BufReader<Section<'r>>>,
    key: Vec<u8>,
    value: Vec<u8>,
}

impl Run {
    /// Reads one of its parts.
    pub(super) fn part(&self, part: usize) -> Reader<'_> {
        let Range { start, end } = self.parts[part];
        let section = Section { file: &self.file, at: start, end };
        let frame = FrameDecoder::new(BufReader::with_capacity(READ, section));
        Reader { frame, key: vec![0; self.key], value: Vec::new() }
    }
}

impl Reader<'_> {
    /// The key and the value of the next entry.
    pub(super) fn next(&mut self) -> io::Result<Option<(&[u8], &[u8])>> {
        Ok(if self.advance()? { Some((&self.key, &self.value)) } else { None })
    }

    fn advance(&mut self) -> io::Result<bool> {
        let mut length = [0; 4];
        match self.frame.read(&mut length)? {
            0 => return Ok(false),
            count => self.frame.read_exact(&mut length[count..])?,
        }
        self.frame.read_exact(&mut self.key)?;
        self.value.resize(u32::from_le_bytes(length) as usize, 0);
        self.frame.read_exact(&mut self.value)?;
        Ok(true)
    }
}

/// A part of a file that others read too.
struct Section<'r> {
    file: &'r Mutex<File>,
    at: u64,
    end: u64,
}

impl Read for Section<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.end - self.at).unwrap_or(usize::MAX).min(out.len());
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let count = file.read(&mut out[..most])?;
        if count == 0 && most > 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.at += count as u64;
        Ok(count)
    }
}

/// A reader with an entry, and the number of its run.
struct Head<'r>(Reader<'r>, usize);

impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        (&self.0.key, self.1).cmp(&(&other.0.key, other.1))
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head<'_> {}

/// Hands the entries of one part of these runs to `take`, in the order of their keys, until that has enough; of equal keys, in the order
/// of the runs.
pub(super) fn merge(
    runs: &[Run],
    part: usize,
    mut take: impl FnMut(&[u8], &[u8]) -> io::Result<ControlFlow<()>>,
) -> io::Result<ControlFlow<()>> {
    let mut heads = BinaryHeap::with_capacity(runs.len());
    for (number, run) in runs.iter().enumerate() {
        let mut reader = run.part(part);
        if reader.advance()? {
            heads.push(Reverse(Head(reader, number)));
        }
    }
    while let Some(mut head) = heads.peek_mut() {
        let Reverse(Head(reader, _)) = &mut *head;
        if take(&reader.key, &reader.value)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
        if !reader.advance()? {
            PeekMut::pop(head);
        }
    }
    Ok(ControlFlow::Continue(()))
}
