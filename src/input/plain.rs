//! A file that holds a source as it is, without any layer around it.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use super::identity::{Content, Witness};
use super::meter::with_plain_reason;
use super::sniff::{Kind, SNIFF_LEN, sniff};

/// What remains to be read of such a file. It belongs to whoever reads it, on any thread.
#[derive(Debug)]
pub struct PlainFile(File);

/// What there is to read in a file that was opened.
pub(super) enum Opened {
    /// A source whose first byte stands at this offset.
    Plain(PlainFile, u64),
    /// Anything else, from its beginning.
    Layers(File),
}

impl Opened {
    /// Looks at the first bytes of a file. One that cannot be read twice, such as a pipe, is not looked at.
    pub(super) fn look(mut file: File) -> io::Result<Self> {
        if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Ok(Self::Layers(file));
        }
        let mut head = Vec::with_capacity(SNIFF_LEN);
        let is_read = (&file).take(SNIFF_LEN as u64).read_to_end(&mut head).is_ok();
        let start = match sniff(&head) {
            Kind::Plain if is_read => Some(0),
            Kind::Utf8WithMark if is_read => Some(3),
            _ => None,
        };
        file.seek(SeekFrom::Start(start.unwrap_or(0)))?;
        Ok(match start {
            Some(start) => Self::Plain(PlainFile(file), start),
            None => Self::Layers(file),
        })
    }
}

impl PlainFile {
    /// Goes on reading at a byte of the file.
    ///
    /// # Errors
    /// When the file cannot do that.
    pub fn seek(&mut self, offset: u64) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(offset)).map(drop).map_err(with_plain_reason)
    }

    /// Who sees what stands behind `known`, if the source begins with that, whose first byte stands at `start` of the file; `first`
    /// are its first bytes. What is between them and the tail is jumped over; the next byte that is read stands behind `known`.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn resume(&mut self, start: u64, first: &[u8], known: &Content) -> io::Result<Option<Witness>> {
        let range = known.tail_range();
        self.seek(start + range.start)?;
        let mut tail = Vec::new();
        self.take(range.end - range.start).read_to_end(&mut tail)?;
        Ok(Witness::resume(known, first, &tail))
    }
}

impl Read for PlainFile {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0.read(out).map_err(with_plain_reason)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(bytes: &[u8]) -> (Option<u64>, Vec<u8>) {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, bytes).unwrap();
        file.rewind().unwrap();
        let mut rest = Vec::new();
        match Opened::look(file).unwrap() {
            Opened::Plain(mut file, start) => (file.read_to_end(&mut rest).map(|_| start).ok(), rest),
            Opened::Layers(mut file) => (file.read_to_end(&mut rest).map(|_| None).unwrap(), rest),
        }
    }

    #[test]
    fn a_look_consumes_nothing_but_a_mark() {
        let long = b"line\n".repeat(1000);
        assert_eq!(look(&long), (Some(0), long));
        assert_eq!(look(b"\xef\xbb\xbfline"), (Some(3), b"line".to_vec()));
        assert_eq!(look(b""), (Some(0), Vec::new()));
        assert_eq!(look(b"\x1f\x8b\x08\x00rest"), (None, b"\x1f\x8b\x08\x00rest".to_vec()));
        assert_eq!(look(b"\xff\xfea\0"), (None, b"\xff\xfea\0".to_vec()));
    }

    #[test]
    fn what_is_no_regular_file_is_not_looked_at() {
        let (reader, mut writer) = io::pipe().unwrap();
        io::Write::write_all(&mut writer, b"line").unwrap();
        drop(writer);
        let file = File::from(std::os::fd::OwnedFd::from(reader));
        let Opened::Layers(mut file) = Opened::look(file).unwrap() else { panic!("looked at a pipe") };
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "line");
    }
}
