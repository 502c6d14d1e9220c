//! tar archives → members, one header of 512 bytes after the other.
//!
//! The headers' fields are read by the `tar` crate. Its own reader of archives is not used: it stops at the first
//! damaged header, takes a cut member for a short one, and holds extension records of any size in memory.

use std::collections::VecDeque;
use std::io::{self, BufRead, Read};
use std::ops::ControlFlow;

use ::tar::{EntryType, GnuExtSparseHeader, GnuSparseHeader, Header, PaxExtensions};

use super::archive::{Members, read_exact};
use super::decompress::{ends_early, invalid};
use super::meter::Meter;
use super::open::{Layer, Opener};
use super::{Source, SourceName, Status};
use crate::timestamp::Timestamp;

const BLOCK: usize = 512;
/// The longest name, or set of pax records, that is read. File systems end at 4 KiB.
const MAX_EXTENSION: u64 = 1 << 20;
/// The most pieces that a sparse member may have.
const MAX_PIECES: usize = 1 << 20;

/// Whether `head` is the beginning of a tar archive: it has the mark of all tar formats since 1988, or else the
/// checksum of the one before.
pub(super) fn begins(head: &[u8]) -> bool {
    head.get(257..263).is_some_and(|mark| mark == b"ustar\0" || mark == b"ustar ")
        || head.len() >= BLOCK && head[0] != 0 && header(head).is_some()
}

/// The header in the first block of `bytes`, if there is one and it is intact.
fn header(bytes: &[u8]) -> Option<&Header> {
    let header = Header::from_byte_slice(bytes.get(..BLOCK)?);
    let expected = i64::from(header.cksum().ok()?);
    let blank = b"        ".iter();
    let summed = bytes[..148].iter().chain(blank).chain(&bytes[156..BLOCK]);
    let (unsigned, signed) = summed.fold((0, 0), |(unsigned, signed), byte| {
        (unsigned + i64::from(*byte), signed + i64::from(byte.cast_signed()))
    });
    (expected == unsigned || expected == signed).then_some(header)
}

/// What extension records say about the member that follows them.
#[derive(Default)]
struct Extended {
    path: Option<Vec<u8>>,
    size: Option<u64>,
    modified: Option<Timestamp>,
}

/// Opens every member of `archive`, whose members lie in `depth` layers. A damaged header costs the members up to
/// the next intact one.
pub(super) fn read(
    opener: &mut Opener<'_>,
    archive: &SourceName,
    depth: usize,
    bytes: &mut Layer<'_>,
) -> ControlFlow<()> {
    let mut members = Members::of(archive);
    let mut extended = Extended::default();
    let mut damaged = false;
    let mut end_seen = false;
    loop {
        let at = bytes.offset();
        let block = bytes.peek(BLOCK);
        if block.len() < BLOCK {
            let rest = block.len();
            let error = match bytes.skip(u64::MAX) {
                Err(error) => error,
                // Whoever writes two blocks of zeros behind the last member may pad the last block, too.
                Ok(_) if end_seen => return ControlFlow::Continue(()),
                Ok(_) if rest == 0 => {
                    invalid("tar archive ends without its end mark; members may be missing")
                }
                Ok(_) => ends_early("tar archive"),
            };
            return opener.cut(archive, &error, at);
        }
        if block[..BLOCK].iter().all(|byte| *byte == 0) {
            end_seen = true;
            bytes.consume(BLOCK);
            continue;
        }
        let Some(member) = header(block).cloned().and_then(|header| Member::new(header, &mut extended))
        else {
            // Behind the end mark, tapes hold what was on them before.
            if !damaged && !end_seen {
                let reason = "damaged tar header; looking for the next one".to_owned();
                opener.problem(archive, Status::Partial, reason, Some(at))?;
            }
            damaged = true;
            bytes.consume(BLOCK);
            continue;
        };
        damaged = false;
        end_seen = false;
        bytes.consume(BLOCK);
        if member.holds_a_file() && !opener.admit(archive, at)? {
            return ControlFlow::Continue(());
        }
        if let Err(error) = member.read(opener, &mut members, depth, bytes, &mut extended)? {
            return opener.cut(archive, &error, bytes.offset());
        }
    }
}

/// A header, and what it says together with the extension records before it.
struct Member {
    header: Header,
    path: Vec<u8>,
    modified: Option<Timestamp>,
    /// How many bytes follow the header, not counting the blocks that describe a sparse file.
    size: u64,
}

impl Member {
    /// Takes what is in `extended`, unless this is another extension record. None if the header makes no sense.
    fn new(header: Header, extended: &mut Extended) -> Option<Self> {
        let size = match header.entry_type() {
            // Old archives give the size of the file that a link points to, but nothing follows.
            EntryType::Link
            | EntryType::Symlink
            | EntryType::Char
            | EntryType::Block
            | EntryType::Directory
            | EntryType::Fifo => 0,
            _ => header.entry_size().ok()?,
        };
        let is_extension = is_extension(header.entry_type());
        let extended = if is_extension { Extended::default() } else { std::mem::take(extended) };
        let size = if size == 0 { 0 } else { extended.size.unwrap_or(size) };
        if size > i64::MAX as u64 {
            return None;
        }
        // Tools that leave the time out write 0.
        let seconds = header.mtime().ok().filter(|seconds| *seconds != 0).and_then(|s| i64::try_from(s).ok());
        Some(Self {
            path: extended.path.unwrap_or_else(|| header.path_bytes().into_owned()),
            modified: extended.modified.or(seconds.map(Timestamp::from_seconds)),
            size,
            header,
        })
    }

    fn holds_a_file(&self) -> bool {
        let kind = self.header.entry_type();
        match kind {
            EntryType::Link
            | EntryType::Symlink
            | EntryType::Char
            | EntryType::Block
            | EntryType::Directory
            | EntryType::Fifo => false,
            // Before 1988, a directory was a file whose name ends in a slash.
            EntryType::Regular => !self.path.ends_with(b"/"),
            // GNU's label of a volume, which is a name and no file.
            EntryType::__Nonexhaustive(b'V') => false,
            _ => !is_extension(kind),
        }
    }

    /// Reads the member up to the next header. The inner error means that the archive cannot be read further.
    fn read(
        self,
        opener: &mut Opener<'_>,
        members: &mut Members,
        depth: usize,
        bytes: &mut Layer<'_>,
        extended: &mut Extended,
    ) -> ControlFlow<(), io::Result<()>> {
        let sparse = match self.sparse_map(bytes) {
            Ok(sparse) => sparse,
            Err(error) => return ControlFlow::Continue(Err(error)),
        };
        let end = bytes.offset() + self.size;
        let mut data = Data { bytes, left: self.size };
        if is_extension(self.header.entry_type()) {
            if self.size <= MAX_EXTENSION {
                let mut records = Vec::new();
                if let Err(error) = data.read_to_end(&mut records) {
                    return ControlFlow::Continue(Err(error));
                }
                extended.take_in(self.header.entry_type(), &records);
            }
        } else if self.holds_a_file() {
            let source = Source { name: members.name(&self.path), modified: self.modified, start: 0 };
            match sparse {
                None => opener.member(source, depth, &mut data)?,
                Some(map) => {
                    let meter = opener.meter;
                    opener.member(source, depth, &mut Sparse { data, map, position: 0, meter })?;
                }
            }
        }
        let end = end.next_multiple_of(BLOCK as u64);
        let left = end - bytes.offset();
        ControlFlow::Continue(match bytes.skip(left) {
            // Only the padding of the last member is missing.
            Ok(skipped) if left - skipped < BLOCK as u64 && self.size.is_multiple_of(BLOCK as u64) => Ok(()),
            Ok(skipped) if skipped < left => Err(ends_early("tar archive")),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        })
    }

    /// Which pieces of a sparse file follow, and the size of the file; None if it is not sparse.
    fn sparse_map(&self, bytes: &mut Layer<'_>) -> io::Result<Option<Map>> {
        let gnu = self.header.as_gnu().filter(|_| self.header.entry_type().is_gnu_sparse());
        let Some(gnu) = gnu else { return Ok(None) };
        let mut pieces = VecDeque::new();
        add_pieces(&mut pieces, &gnu.sparse)?;
        let mut more = gnu.is_extended();
        while more {
            let mut block = GnuExtSparseHeader::new();
            read_exact(bytes, block.as_mut_bytes(), "tar archive")?;
            add_pieces(&mut pieces, &block.sparse)?;
            more = block.is_extended();
        }
        Ok(Some(Map { pieces, size: gnu.real_size()? }))
    }
}

/// What a sparse file consists of.
struct Map {
    /// Offset and length of the pieces, in their order.
    pieces: VecDeque<(u64, u64)>,
    /// The size of the file with its holes.
    size: u64,
}

fn add_pieces(pieces: &mut VecDeque<(u64, u64)>, described: &[GnuSparseHeader]) -> io::Result<()> {
    for piece in described.iter().filter(|piece| !piece.is_empty()) {
        if pieces.len() == MAX_PIECES {
            return Err(invalid(format!("sparse file of more than {MAX_PIECES} pieces")));
        }
        pieces.push_back((piece.offset()?, piece.length()?));
    }
    Ok(())
}

fn is_extension(kind: EntryType) -> bool {
    kind.is_gnu_longname()
        || kind.is_gnu_longlink()
        || kind.is_pax_local_extensions()
        || kind.is_pax_global_extensions()
}

impl Extended {
    /// Takes in an extension record. Records about links, and about all members, say nothing that is used here.
    fn take_in(&mut self, kind: EntryType, records: &[u8]) {
        if kind.is_gnu_longname() {
            let end = records.iter().position(|byte| *byte == 0).unwrap_or(records.len());
            self.path = Some(records[..end].to_vec());
        }
        if !kind.is_pax_local_extensions() {
            return;
        }
        for record in PaxExtensions::new(records).filter_map(Result::ok) {
            let value = record.value_bytes();
            let text = str::from_utf8(value).ok();
            match record.key_bytes() {
                b"path" | b"GNU.sparse.name" => self.path = Some(value.to_vec()),
                b"size" => self.size = text.and_then(|size| size.parse().ok()),
                b"mtime" => self.modified = text.and_then(pax_time),
                _ => {}
            }
        }
    }
}

/// Seconds since the epoch, with a fraction or without.
fn pax_time(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let millis = seconds.parse::<i64>().ok()?.checked_mul(1000)?;
    if fraction.is_empty() {
        return Some(Timestamp::new(millis, false));
    }
    let digits: String = fraction.chars().chain("000".chars()).take(3).collect();
    let below: i64 = digits.parse::<u16>().ok()?.into();
    Some(Timestamp::from_millis(if seconds.starts_with('-') { millis - below } else { millis + below }))
}

/// The bytes behind a header.
struct Data<'d, 'b> {
    bytes: &'d mut Layer<'b>,
    left: u64,
}

impl Read for Data<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).map_or(out.len(), |left| left.min(out.len()));
        let count = self.bytes.read(&mut out[..wanted])?;
        if count == 0 && wanted > 0 {
            return Err(ends_early("tar archive"));
        }
        self.left -= count as u64;
        Ok(count)
    }
}

/// A file with holes, whose pieces follow each other without them.
struct Sparse<'d, 'b> {
    data: Data<'d, 'b>,
    map: Map,
    position: u64,
    meter: &'d Meter<'d>,
}

impl Read for Sparse<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self
            .map
            .pieces
            .front()
            .is_some_and(|(offset, length)| offset.saturating_add(*length) <= self.position)
        {
            self.map.pieces.pop_front();
        }
        let (start, end) = match self.map.pieces.front() {
            Some((offset, length)) => (*offset, offset.saturating_add(*length)),
            None => (self.map.size, self.map.size),
        };
        let in_hole = self.position < start;
        let left = if in_hole { start } else { end }.saturating_sub(self.position);
        let wanted = usize::try_from(left).map_or(out.len(), |left| left.min(out.len()));
        let count = if in_hole {
            let (count, allowed) = self.meter.produce(wanted);
            if count == 0 {
                allowed?;
            }
            out[..count].fill(0);
            count
        } else {
            self.data.read(&mut out[..wanted])?
        };
        self.position += count as u64;
        Ok(count)
    }
}
