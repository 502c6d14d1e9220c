//! Rows → bytes: RFC 4180, UTF-8, `\n`, and a header also when there are no rows.
//!
//! Invariant: the bytes are those that the crate `csv` writes (a law in the tests), of rows of two columns or more. It is
//! not used for them, because it asks each cell for its text through two layers: a row costs several times as much then.

use std::fmt::Display;
use std::io::{self, Write};

use super::rows::Row;
use crate::timestamp::Timestamp;

/// How many bytes are gathered before they are written.
const ENOUGH: usize = 1 << 16;

/// Writes a file of rows that are already in order.
pub(super) fn write<R: Row>(out: &mut dyn Write, rows: impl IntoIterator<Item = R>) -> io::Result<()> {
    let mut file = File::begin::<R>(out);
    rows.into_iter().try_for_each(|row| file.row(&row))?;
    file.end()
}

/// A file that is written row by row.
pub(super) struct File<'o> {
    out: &'o mut dyn Write,
    lines: Lines,
}

impl<'o> File<'o> {
    /// Begins a file of such rows.
    pub(super) fn begin<R: Row>(out: &'o mut dyn Write) -> Self {
        let mut lines = Lines::default();
        lines.header(R::COLUMNS.iter().copied());
        Self { out, lines }
    }

    /// Writes a row.
    pub(super) fn row(&mut self, row: &impl Row) -> io::Result<()> {
        row.write(&mut self.lines);
        self.lines.end();
        if self.lines.bytes.len() >= ENOUGH {
            self.out.write_all(&self.lines.bytes)?;
            self.lines.bytes.clear();
        }
        Ok(())
    }

    /// Writes what is left.
    pub(super) fn end(self) -> io::Result<()> {
        self.out.write_all(&self.lines.bytes)
    }
}

/// Lines of a file, in memory.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// Behind each cell is a `,`; that of the last becomes the line's end.
    bytes: Vec<u8>,
}

impl Lines {
    /// Adds a line of names.
    pub(crate) fn header<'h>(&mut self, names: impl IntoIterator<Item = &'h str>) {
        names.into_iter().for_each(|name| self.text(name));
        self.end();
    }

    /// Adds a cell of any text.
    pub(crate) fn text(&mut self, text: &str) {
        if is_quoted(text) {
            self.bytes.push(b'"');
            self.bytes.extend_from_slice(text.replace('"', "\"\"").as_bytes());
            self.bytes.push(b'"');
        } else {
            self.bytes.extend_from_slice(text.as_bytes());
        }
        self.bytes.push(b',');
    }

    /// Adds a cell of any text, a colon and a number.
    pub(super) fn place(&mut self, text: &str, number: u64) {
        if is_quoted(text) {
            return self.text(&format!("{text}:{number}"));
        }
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(b':');
        self.number(number);
    }

    /// Adds a cell of a text that holds nothing to be quoted, such as a word of a closed set; maybe none.
    pub(crate) fn word(&mut self, word: &str) {
        self.bytes.extend_from_slice(word.as_bytes());
        self.bytes.push(b',');
    }

    /// Adds a cell of such words, joined with `;`.
    pub(super) fn words<'w>(&mut self, words: impl Iterator<Item = &'w str>) {
        let start = self.bytes.len();
        for word in words {
            if self.bytes.len() > start {
                self.bytes.push(b';');
            }
            self.bytes.extend_from_slice(word.as_bytes());
        }
        self.bytes.push(b',');
    }

    /// Adds a cell of an instant.
    pub(super) fn time(&mut self, at: Timestamp) {
        if !at.is_rfc3339() {
            return self.shown(at);
        }
        let (text, length) = at.rfc3339();
        self.bytes.extend_from_slice(&text[..length]);
        self.bytes.push(b',');
    }

    /// Adds a cell of what displays nothing that has to be quoted.
    pub(crate) fn shown(&mut self, value: impl Display) {
        write!(self.bytes, "{value},").expect("memory takes every cell");
    }

    /// Adds a cell of a number.
    pub(crate) fn number(&mut self, number: u64) {
        let mut digits = [0; 20];
        let mut start = digits.len();
        let mut left = number;
        while left > 0 || start == digits.len() {
            start -= 1;
            digits[start] = b'0' + (left % 10) as u8;
            left /= 10;
        }
        self.bytes.extend_from_slice(&digits[start..]);
        self.bytes.push(b',');
    }

    /// Ends the line, which has a cell.
    pub(crate) fn end(&mut self) {
        if let Some(last) = self.bytes.last_mut() {
            *last = b'\n';
        }
    }

    /// The lines as they are written.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Whether a cell of this text stands in quotes.
fn is_quoted(text: &str) -> bool {
    text.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_number_is_written_as_it_is_displayed(number in prop_oneof![Just(0), 1..1000_u64, any::<u64>()]) {
            let mut lines = Lines::default();
            lines.number(number);
            lines.shown(number);
            prop_assert_eq!(lines.into_bytes(), format!("{number},{number},").into_bytes());
        }

        #[test]
        fn lines_are_those_of_the_crate_csv(
            rows in proptest::collection::vec(proptest::collection::vec("[a-c,\"\r\n;é ']{0,12}", 2..5), 0..6),
        ) {
            let mut theirs = ::csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
            let mut lines = Lines::default();
            for row in &rows {
                theirs.write_record(row.iter().chain([&format!("{}:7", row[0])])).unwrap();
                row.iter().for_each(|cell| lines.text(cell));
                lines.place(&row[0], 7);
                lines.end();
            }
            prop_assert_eq!(lines.into_bytes(), theirs.into_inner().unwrap());
        }
    }
}
