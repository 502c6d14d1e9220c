//! `occurrences.csv`, which may be far larger than memory.
//!
//! Workers hand over the rows of a chunk, formatted and in order, whenever they are done with it. They are appended
//! to a nameless file as they come, and an index remembers which piece lies where. When all are there, the pieces
//! are copied in order: by source, then by chunk. Until then the rows take twice their room on disk, and the memory
//! they take is some tens of bytes per chunk. No byte of a token is in a row, so none is in the file either.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::sync::{Mutex, PoisonError};

use hashbrown::HashMap;

use super::Staging;
use super::cell::Cell;
use super::csv::Lines;
use super::rows::{OccurrenceRow, Row as _, Shown};
use crate::error::{Error, Result};
use crate::secret::Fingerprint;
use crate::tally::SourceTally;
use crate::timestamp::Timestamp;
use crate::verdict::Outcome;

/// The name of the file.
const NAME: &str = "occurrences.csv";

/// One finding, as a row of `occurrences.csv` tells it.
#[derive(Clone, Copy, Debug)]
pub struct Occurrence<'a> {
    /// The line, from 1.
    pub line: u64,
    /// Offset of the candidate's first byte in the decompressed source.
    pub offset: u64,
    /// When the line was written.
    pub event_time: Option<Timestamp>,
    /// Where the event time comes from: a word of contract section 3, or empty.
    pub time_source: &'static str,
    /// The token.
    pub fingerprint: Fingerprint,
    /// Its judgement.
    pub outcome: &'a Outcome,
}

/// The rows of one chunk of a source, formatted. They stay in the order in which they are pushed: by line, then by
/// offset.
pub struct ChunkRows {
    source: Cell<'static>,
    lines: Lines,
}

impl ChunkRows {
    /// No rows yet, of the source with this name.
    #[must_use]
    pub fn new(source: &str) -> Self {
        Self { source: Cell::text(source.to_owned()), lines: Lines::default() }
    }

    /// Adds a row.
    pub fn push(&mut self, occurrence: &Occurrence<'_>) {
        let Occurrence { line, offset, event_time, time_source, fingerprint, outcome } = *occurrence;
        let row = OccurrenceRow {
            source: &self.source,
            line,
            offset,
            event_time: event_time.map(Shown),
            time_source,
            fingerprint: Shown(fingerprint),
            verdict: outcome.verdict.as_str(),
            detail: Cell::claim(outcome.detail.as_str()),
            also: Shown(outcome.also),
        };
        row.write(&mut self.lines);
        self.lines.end();
    }

    /// The rows as CSV, without a header.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.lines.into_bytes()
    }
}

/// Rows on their way into `occurrences.csv`.
pub struct OccurrenceSpool {
    spooled: Mutex<Spooled>,
}

struct Spooled {
    file: File,
    /// Where the next piece goes. Bytes behind it are what is left of a piece that could not be written.
    end: u64,
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy)]
struct Piece {
    source: u32,
    chunk: u64,
    position: u64,
    length: u64,
}

impl OccurrenceSpool {
    /// An empty spool on the disk of the report.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn new(staging: &Staging) -> Result<Self> {
        let file = tempfile::tempfile_in(staging.path()).map_err(|error| cannot_spool(&error))?;
        Ok(Self { spooled: Mutex::new(Spooled { file, end: 0, pieces: Vec::new() }) })
    }

    /// Takes the rows of one chunk of the source with this number. Any thread may hand over any chunk at any time.
    ///
    /// # Errors
    /// When they cannot be written, as on a full disk. They are not in the file then, and the report should not be
    /// published.
    pub fn append(&self, source: u32, chunk: u64, rows: ChunkRows) -> Result<()> {
        let rows = rows.into_bytes();
        if rows.is_empty() {
            return Ok(());
        }
        // A thread that panics here leaves no half-written piece in the index.
        let mut spooled = self.spooled.lock().unwrap_or_else(PoisonError::into_inner);
        let position = spooled.end;
        let write =
            |file: &mut File| file.seek(SeekFrom::Start(position)).and_then(|_| file.write_all(&rows));
        write(&mut spooled.file).map_err(|error| cannot_spool(&error))?;
        let length = rows.len() as u64;
        spooled.end += length;
        spooled.pieces.push(Piece { source, chunk, position, length });
        Ok(())
    }

    /// Writes `occurrences.csv`, ordered by source, then by chunk. `sources` gives the names to the numbers.
    ///
    /// # Errors
    /// When the rows cannot be read back or the file cannot be written.
    pub fn finish(self, sources: &[SourceTally], staging: &Staging) -> Result<()> {
        let Spooled { mut file, mut pieces, .. } =
            self.spooled.into_inner().unwrap_or_else(PoisonError::into_inner);
        // Names that are shown alike may still differ: then the names themselves give the order.
        let names: HashMap<u32, (Cell<'_>, &str)> =
            sources.iter().map(|source| (source.id, (Cell::text(&*source.name), &*source.name))).collect();
        pieces.sort_unstable_by_key(|piece| (names.get(&piece.source), piece.source, piece.chunk));
        staging.write(NAME, |out| {
            let mut header = Lines::default();
            header.header(OccurrenceRow::COLUMNS.iter().copied());
            out.write_all(&header.into_bytes())?;
            for piece in &pieces {
                file.seek(SeekFrom::Start(piece.position))?;
                let copied = io::copy(&mut (&file).take(piece.length), out)?;
                if copied < piece.length {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Ok(())
        })
    }
}

fn cannot_spool(error: &io::Error) -> Error {
    Error::new(format!("cannot write the rows of {NAME} beside the report: {error}"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::Arc;

    use super::*;
    use crate::input::Status;
    use crate::secret::{Fingerprinter, RawToken};
    use crate::tally::source::Found;
    use crate::verdict::{Detail, KeyStatus, SignatureStatus, Verdict};

    fn rows(source: &str, lines: &[u64]) -> ChunkRows {
        let outcome = Outcome {
            verdict: Verdict::MissingClaim,
            detail: Detail::Claim("=tenant".into()),
            also: [Verdict::LifetimeTooLong].into_iter().collect(),
            key_status: KeyStatus::Unchecked,
            signature: SignatureStatus::Unchecked,
            predicted: None,
        };
        let mut rows = ChunkRows::new(source);
        for &line in lines {
            rows.push(&Occurrence {
                line,
                offset: line * 100,
                event_time: (line != 2).then(|| Timestamp::from_millis(1_781_226_000_007)),
                time_source: if line == 2 { "" } else { "line" },
                fingerprint: Fingerprinter::public().token(RawToken::new(b"t")),
                outcome: &outcome,
            });
        }
        rows
    }

    fn sources(names: &[&str]) -> Vec<SourceTally> {
        let source = |(id, name): (usize, &&str)| SourceTally {
            id: id as u32,
            name: Arc::from(*name),
            status: Status::Complete,
            bytes: 0,
            lines: 0,
            found: Found::default(),
            error: String::new(),
        };
        names.iter().enumerate().map(source).collect()
    }

    fn published(spool: OccurrenceSpool, names: &[&str], staging: Staging, out: &std::path::Path) -> String {
        spool.finish(&sources(names), &staging).unwrap();
        staging.publish().unwrap();
        fs::read_to_string(out.join(NAME)).unwrap()
    }

    #[test]
    fn a_row_tells_where_when_which_and_what() {
        let home = tempfile::tempdir().unwrap();
        let out = home.path().join("report");
        let staging = Staging::new(&out).unwrap();
        let spool = OccurrenceSpool::new(&staging).unwrap();
        spool.append(0, 0, rows("-", &[1, 2])).unwrap();
        let token = Fingerprinter::public().token(RawToken::new(b"t"));
        assert_eq!(
            published(spool, &["-"], staging, &out),
            format!(
                "source,line,offset,event_time,time_source,fingerprint,verdict,detail,also\n\
                 '-,1,100,2026-06-12T01:00:00.007Z,line,{token},missing_claim,'=tenant,lifetime_too_long\n\
                 '-,2,200,,,{token},missing_claim,'=tenant,lifetime_too_long\n"
            )
        );
    }

    #[test]
    fn chunks_handed_over_by_many_threads_in_any_order_are_written_in_order() {
        let names = ["b.log", "a.log", "=c.log", "empty.log"];
        let home = tempfile::tempdir().unwrap();
        let out = home.path().join("report");
        let staging = Staging::new(&out).unwrap();
        let spool = OccurrenceSpool::new(&staging).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4_u64 {
                let spool = &spool;
                scope.spawn(move || {
                    // 7 and 13 have no factor in common with 100: each thread hands over its chunks in another order.
                    for n in (0..100).map(|n| (n * (7 + 6 * (thread % 2))) % 100).filter(|n| n % 4 == thread)
                    {
                        for source in 0..3 {
                            let lines: &[u64] = if n % 5 == 0 { &[] } else { &[2 * n + 1, 2 * n + 2] };
                            spool.append(source, n, rows(names[source as usize], lines)).unwrap();
                        }
                    }
                });
            }
        });
        let file = published(spool, &names, staging, &out);
        let places: Vec<(&str, u64)> = file
            .lines()
            .skip(1)
            .map(|row| row.split_once(',').unwrap())
            .map(|(source, rest)| (source, rest.split_once(',').unwrap().0.parse().unwrap()))
            .collect();
        assert_eq!(places.len(), 3 * 80 * 2);
        assert_eq!((places[0], places[479]), (("'=c.log", 3), ("b.log", 200)));
        assert!(places.is_sorted());
    }

    #[test]
    fn a_spool_that_is_dropped_leaves_nothing_in_the_report() {
        let home = tempfile::tempdir().unwrap();
        let out = home.path().join("report");
        let staging = Staging::new(&out).unwrap();
        let spool = OccurrenceSpool::new(&staging).unwrap();
        spool.append(0, 0, rows("a.log", &[1])).unwrap();
        drop(spool);
        staging.publish().unwrap();
        assert_eq!(fs::read_dir(out).unwrap().count(), 0);
    }
}
