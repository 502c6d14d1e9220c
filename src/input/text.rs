//! UTF-16 → UTF-8, so that everything behind this room sees one encoding.

use std::io::{self, ErrorKind, Read};

use encoding_rs::{CoderResult, Decoder, Encoding};

const BUFFER: usize = 32 * 1024;

/// Reads UTF-16 as UTF-8. A surrogate without its partner, and half a code unit at the end, become U+FFFD.
pub(super) struct Utf16<R> {
    inner: R,
    decoder: Decoder,
    /// The bytes between `input.1` and `input.2` wait to be decoded.
    input: (Box<[u8]>, usize, usize),
    /// The bytes between `output.1` and `output.2` wait to be read.
    output: (Box<[u8]>, usize, usize),
    /// `inner` has ended, and whether the decoder has been told.
    ended: bool,
    flushed: bool,
}

impl<R: Read> Utf16<R> {
    /// Decodes what `inner` gives behind the byte order mark. `encoding` is one of the two UTF-16.
    pub(super) fn new(inner: R, encoding: &'static Encoding) -> Self {
        Self {
            inner,
            decoder: encoding.new_decoder_without_bom_handling(),
            input: (vec![0; BUFFER].into(), 0, 0),
            output: (vec![0; BUFFER].into(), 0, 0),
            ended: false,
            flushed: false,
        }
    }

    /// Decodes until there is output, or neither input nor output is left.
    fn refill(&mut self) -> io::Result<()> {
        while self.output.1 == self.output.2 && !self.flushed {
            if self.input.1 == self.input.2 && !self.ended {
                let count = match self.inner.read(&mut self.input.0) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                    other => other?,
                };
                self.ended = count == 0;
                (self.input.1, self.input.2) = (0, count);
            }
            let input = &self.input.0[self.input.1..self.input.2];
            let (result, read, written, _) =
                self.decoder.decode_to_utf8(input, &mut self.output.0, self.ended);
            self.input.1 += read;
            (self.output.1, self.output.2) = (0, written);
            self.flushed = self.ended && result == CoderResult::InputEmpty;
        }
        Ok(())
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        self.refill()?;
        let count = (&self.output.0[self.output.1..self.output.2]).read(out)?;
        self.output.1 += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(units: &[u16], extra: &[u8], step: usize) -> String {
        let mut bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        bytes.extend_from_slice(extra);
        let mut reader = Utf16::new(&bytes[..], encoding_rs::UTF_16LE);
        let mut text = Vec::new();
        let mut piece = vec![0; step];
        loop {
            let count = reader.read(&mut piece).unwrap();
            if count == 0 {
                return String::from_utf8(text).unwrap();
            }
            text.extend_from_slice(&piece[..count]);
        }
    }

    #[test]
    fn text_of_any_length_is_decoded_in_pieces_of_any_size() {
        let text = "GET /ü €1 𝄞 end\r\n".repeat(5000);
        let units: Vec<u16> = text.encode_utf16().collect();
        for step in [1, 3, 4096, 1 << 20] {
            assert_eq!(decode(&units, b"", step), text);
        }
    }

    #[test]
    fn a_lone_surrogate_and_half_a_unit_become_replacement_characters() {
        assert_eq!(decode(&[0x61, 0xd800, 0x62, 0xdc00, 0x63], b"", 7), "a\u{fffd}b\u{fffd}c");
        assert_eq!(decode(&[0x61], b"x", 7), "a\u{fffd}");
        assert_eq!(decode(&[0x61, 0xd834], b"", 7), "a\u{fffd}");
        assert_eq!(decode(&[], b"", 7), "");
    }
}
