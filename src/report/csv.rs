//! Rows → bytes: RFC 4180, UTF-8, `\n`, and a header also when there are no rows.

use std::io::{self, Write};

use serde::Serialize;

use super::rows::Row;

/// Writes a file of rows that are already in order.
pub(super) fn write<R: Row>(out: impl Write, rows: impl IntoIterator<Item = R>) -> io::Result<()> {
    write_under(out, R::COLUMNS.iter().copied(), rows)
}

/// Writes a file of rows under a header of its own.
pub(super) fn write_under<'h>(
    out: impl Write,
    header: impl IntoIterator<Item = &'h str>,
    rows: impl IntoIterator<Item = impl Serialize>,
) -> io::Result<()> {
    let mut csv = writer(out);
    csv.write_record(header)?;
    for row in rows {
        csv.serialize(row)?;
    }
    csv.flush()
}

/// A writer that writes no header on its own.
pub(super) fn writer<W: Write>(out: W) -> csv::Writer<W> {
    csv::WriterBuilder::new().has_headers(false).from_writer(out)
}
