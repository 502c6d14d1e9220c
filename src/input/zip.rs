//! zip archives → members, as they follow each other.
//!
//! The members' own headers are read, not the directory at the end: so an archive can come through a pipe or out of
//! another archive, and one whose end is missing still gives what it has.

use std::io::{self, BufRead, Read};
use std::ops::ControlFlow;

use flate2::Crc;

use super::archive::{Members, read_exact};
use super::decompress::{Coding, Member, State, ends_early, invalid};
use super::meter::Meter;
use super::open::{Layer, Opener};
use super::{Source, SourceName, Status};
use crate::timestamp::Timestamp;

const MEMBER: &[u8] = b"PK\x03\x04";
const DESCRIPTOR: &[u8] = b"PK\x07\x08";
/// A descriptor with its mark and 64-bit sizes.
const DESCRIPTOR_LEN: usize = 24;

/// Opens every member of `archive`, whose members lie in `depth` layers. Damage between members costs those up to the
/// next header.
pub(super) fn read(
    opener: &mut Opener<'_>,
    archive: &SourceName,
    depth: usize,
    bytes: &mut Layer<'_>,
) -> ControlFlow<()> {
    let mut members = Members::of(archive);
    let mut looking = false;
    loop {
        let at = bytes.offset();
        let mark = bytes.peek(4);
        if mark.len() < 4 {
            // Where it ends, not where it was last looked at, which depends on how the bytes came.
            let error = bytes.skip(u64::MAX).err().unwrap_or_else(|| ends_early("zip archive"));
            return opener.cut(archive, &error, bytes.offset());
        }
        if mark.starts_with(b"PK") && matches!(mark[2..4], [1, 2] | [5, 6] | [6, 6] | [6, 8]) {
            // The directory, which is not needed. But what is wrong with the stream below may only show at its end.
            return match bytes.skip(u64::MAX) {
                Ok(_) => ControlFlow::Continue(()),
                Err(error) => opener.cut(archive, &error, bytes.offset()),
            };
        }
        if !mark.starts_with(MEMBER) {
            // Behind data that failed, its descriptor is left.
            if !looking && !mark.starts_with(DESCRIPTOR) {
                let reason =
                    "expected a zip header, found something else; looking for the next one".to_owned();
                opener.problem(archive, Status::Partial, reason, Some(at))?;
            }
            looking = true;
            let next = memchr::memchr(b'P', &mark[1..]).map_or(mark.len(), |found| found + 1);
            bytes.consume(next);
            continue;
        }
        let header = match Header::read(bytes) {
            Ok(header) => header,
            Err(error) => return opener.cut(archive, &error, at),
        };
        let coding = header.coding();
        let mut body = Body::new(&header, coding.as_ref().ok().copied().flatten(), bytes, opener.meter);
        if !header.name.ends_with(b"/") {
            if !opener.admit(archive, at)? {
                return ControlFlow::Continue(());
            }
            let source = Source { name: members.name(&header.name), modified: header.modified, start: 0 };
            match coding {
                Ok(_) => opener.member(source, depth, &mut body)?,
                Err(reason) => opener.problem(&source.name, Status::Unreadable, reason, None)?,
            }
        }
        // If this fails, whoever read the member has been told, and the next header has to be looked for.
        let rest = io::copy(&mut body, &mut io::sink());
        looking = rest.is_err() && body.left.is_none();
        let left = body.left.unwrap_or(0);
        let error = match bytes.skip(left) {
            Ok(skipped) if skipped == left => continue,
            Ok(_) => ends_early("zip archive"),
            Err(error) => error,
        };
        return opener.cut(archive, &error, bytes.offset());
    }
}

/// The header of a member.
struct Header {
    name: Vec<u8>,
    modified: Option<Timestamp>,
    flags: u16,
    method: u16,
    crc: u32,
    /// How many bytes follow, if that is known before they are read.
    size: Option<u64>,
    /// The size of the member itself.
    plain_size: u64,
}

impl Header {
    /// Consumes the header at which `bytes` stands.
    fn read(bytes: &mut Layer<'_>) -> io::Result<Self> {
        let mut fixed = [0; 30];
        read_exact(bytes, &mut fixed, "zip archive")?;
        let half = |at: usize| u16::from_le_bytes([fixed[at], fixed[at + 1]]);
        let word = |at: usize| u32::from(half(at)) | u32::from(half(at + 2)) << 16;
        let mut name = vec![0; half(26).into()];
        read_exact(bytes, &mut name, "zip archive")?;
        let mut extra = vec![0; half(28).into()];
        read_exact(bytes, &mut extra, "zip archive")?;
        let mut header = Self {
            name,
            modified: dos_time(half(12), half(10)),
            flags: half(6),
            method: half(8),
            crc: word(14),
            size: Some(word(18).into()),
            plain_size: word(22).into(),
        };
        header.take_in(&extra);
        if header.described() && header.size == Some(0) {
            header.size = None;
        }
        Ok(header)
    }

    /// Takes in the extra fields: the sizes of large files, and the time in UTC.
    fn take_in(&mut self, extra: &[u8]) {
        let mut rest = extra;
        while let [id_low, id_high, size_low, size_high, behind @ ..] = rest {
            let size = usize::from(u16::from_le_bytes([*size_low, *size_high]));
            let Some((field, next)) = behind.split_at_checked(size) else { return };
            match (u16::from_le_bytes([*id_low, *id_high]), field) {
                (0x0001, _) if field.len() >= 16 && self.size == Some(u32::MAX.into()) => {
                    self.plain_size = number(&field[..8]);
                    self.size = Some(number(&field[8..16]));
                }
                (0x5455, [flags, a, b, c, d, ..]) if flags & 1 != 0 => {
                    let seconds = i32::from_le_bytes([*a, *b, *c, *d]);
                    self.modified = Some(Timestamp::from_seconds(seconds.into()));
                }
                _ => {}
            }
            rest = next;
        }
    }

    /// Whether checksum and sizes follow the data.
    fn described(&self) -> bool {
        self.flags & 8 != 0
    }

    /// How the data is coded (None: stored as it is), or why it cannot be read.
    fn coding(&self) -> Result<Option<Coding>, String> {
        if self.flags & 1 != 0 || self.method == 99 {
            return Err("encrypted".to_owned());
        }
        let name = match self.method {
            0 => return Ok(None),
            8 => return Ok(Some(Coding::Deflate)),
            12 => return Ok(Some(Coding::Bzip2)),
            93 => return Ok(Some(Coding::Zstd)),
            95 => return Ok(Some(Coding::Xz)),
            9 => "deflate64",
            14 => "lzma",
            98 => "ppmd",
            _ => "unknown",
        };
        Err(format!("compressed by zip method {} ({name}), which is not supported", self.method))
    }
}

/// A number of any width, least significant byte first.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// The time of a member, which has no zone; it is taken for UTC. Most tools add a field that is. Tools that leave the
/// time out write the first moment that it can express.
fn dos_time(date: u16, time: u16) -> Option<Timestamp> {
    if (date, time) == (0x21, 0) {
        return None;
    }
    let part = |value: u16, shift: u16, bits: u16| (value >> shift & ((1 << bits) - 1)) as i8;
    let year = 1980 + (date >> 9) as i16;
    let at = jiff::civil::DateTime::new(
        year,
        part(date, 5, 4),
        part(date, 0, 5),
        part(time, 11, 5),
        part(time, 5, 6),
        part(time, 0, 5) * 2,
        0,
    );
    let at = at.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_seconds(at.timestamp().as_second()))
}

/// The data of one member.
struct Body<'d, 'b> {
    bytes: &'d mut Layer<'b>,
    meter: &'d Meter<'d>,
    /// Where the data begins.
    start: u64,
    /// How many bytes of it are left, if that is known.
    left: Option<u64>,
    described: bool,
    /// None for data that is stored as it is.
    coding: Option<Coding>,
    member: Option<Member>,
    /// What was read so far, and what it should be.
    crc: Crc,
    read: u64,
    expected: (u64, u64),
    state: State,
}

impl<'d, 'b> Body<'d, 'b> {
    fn new(header: &Header, coding: Option<Coding>, bytes: &'d mut Layer<'b>, meter: &'d Meter<'d>) -> Self {
        Self {
            start: bytes.offset(),
            bytes,
            meter,
            left: header.size,
            described: header.described(),
            coding,
            member: None,
            crc: Crc::new(),
            read: 0,
            expected: (header.crc.into(), header.plain_size),
            state: State::Running,
        }
    }

    fn read_data(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some(coding) = self.coding else {
            return match self.left {
                Some(left) => self.read_stored(left, out),
                None => self.read_to_descriptor(out),
            };
        };
        let member = match &mut self.member {
            Some(member) => member,
            empty => empty.insert(Member::new(coding)?),
        };
        let Some(left) = &mut self.left else { return member.read(self.bytes, out, self.meter) };
        let mut data = (&mut *self.bytes).take(*left);
        let result = member.read(&mut data, out, self.meter);
        *left = data.limit();
        result
    }

    fn read_stored(&mut self, left: u64, out: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(left).map_or(out.len(), |left| left.min(out.len()));
        let count = self.bytes.read(&mut out[..wanted])?;
        if count == 0 && wanted > 0 {
            return Err(ends_early("zip archive"));
        }
        self.left = Some(left - count as u64);
        Ok(count)
    }

    /// Reads stored data of unknown length: up to a descriptor that says just the length at which it stands.
    fn read_to_descriptor(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let length = self.bytes.offset() - self.start;
        let ahead = self.bytes.peek(DESCRIPTOR_LEN);
        if ahead.is_empty() {
            self.bytes.fill_buf()?;
            return Err(ends_early("zip archive"));
        }
        let plain = match memchr::memmem::find(ahead, DESCRIPTOR) {
            Some(0) => match ahead.get(8..12) {
                Some(size) if number(size) == length & 0xffff_ffff => return Ok(0),
                Some(_) => 1,
                None => 0,
            },
            Some(found) => found,
            // The descriptor may begin in the last bytes.
            None => {
                let begun = (1..4).rev().find(|length| ahead.ends_with(&DESCRIPTOR[..*length]));
                ahead.len() - begun.unwrap_or(0)
            }
        };
        if plain == 0 {
            return Err(ends_early("zip archive"));
        }
        let count = plain.min(out.len());
        out[..count].copy_from_slice(&ahead[..count]);
        self.bytes.consume(count);
        Ok(count)
    }

    /// Compares what was read with what the header says, or the descriptor behind the data.
    fn check(&mut self) -> io::Result<()> {
        let mut expected = self.expected;
        if self.described {
            let coded = self.bytes.offset() - self.start;
            self.bytes.skip(self.left.take().unwrap_or(0))?;
            let ahead = self.bytes.peek(DESCRIPTOR_LEN);
            let bare = ahead.strip_prefix(DESCRIPTOR).unwrap_or(ahead);
            // The sizes have 8 bytes each or 4, and nothing says which.
            let found = [8, 4].into_iter().find(|width| {
                let mask = u64::MAX >> (64 - 8 * width);
                let coded_there = bare.get(4..4 + width).map(number);
                let plain_there = bare.get(4 + width..4 + 2 * width).map(number);
                (coded_there, plain_there) == (Some(coded & mask), Some(self.read & mask))
            });
            let Some(width) = found else {
                return Err(invalid("the descriptor behind a zip member does not fit its data"));
            };
            expected = (number(&bare[..4]), self.read);
            let length = ahead.len() - bare.len() + 4 + 2 * width;
            self.bytes.consume(length);
        }
        if (u64::from(self.crc.sum()), self.read) != expected {
            return Err(invalid("checksum or size of a zip member does not fit its data"));
        }
        Ok(())
    }
}

impl Read for Body<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() || !self.state.running()? {
            return Ok(0);
        }
        let result = self.read_data(out).and_then(|count| {
            if count == 0 {
                self.check()?;
            }
            Ok(count)
        });
        match &result {
            Ok(0) => self.state = State::Ended,
            Ok(count) => {
                self.crc.update(&out[..*count]);
                self.read += *count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => self.state = State::failed(error),
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_member_is_utc_or_left_out() {
        let date = (2026 - 1980) << 9 | 6 << 5 | 12;
        let at: Timestamp = "2026-06-12T01:02:58Z".parse().unwrap();
        assert_eq!(dos_time(date, 1 << 11 | 2 << 5 | 29), Some(at));
        assert_eq!(dos_time(0x21, 0), None);
        assert_eq!(dos_time(0, 0), None);
    }

    #[test]
    fn extra_fields_give_the_time_in_utc_and_the_sizes_of_large_files() {
        let mut fixed = b"PK\x03\x04\x2d\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
        fixed.extend([0xff; 8]);
        fixed.extend(b"\x01\0\x1d\0a\x01\0\x10\0");
        fixed.extend([5_u64 << 32, 3 << 32].map(u64::to_le_bytes).concat());
        fixed.extend(b"\x55\x54\x05\0\x01\x90\x71\x2b\x6a");
        let mut bytes: &[u8] = &fixed;
        let mut layer = crate::input::lookahead::Lookahead::new(&mut bytes as &mut dyn Read, 64);
        let header = Header::read(&mut layer).unwrap();
        assert_eq!((header.plain_size, header.size), (5 << 32, Some(3 << 32)));
        assert_eq!(header.modified, Some(Timestamp::from_seconds(0x6a2b_7190)));
        assert_eq!(header.name, b"a");
    }
}
