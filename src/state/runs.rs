//! Runs, and how one is remembered.

use rusqlite::{Connection, Row, Transaction, params};

use super::counts::Counts;
use super::sources::{Presence, SourceUpdate};
use super::{Fault, snapshots, stored};
use crate::changes::Snapshot;
use crate::timestamp::Timestamp;
use crate::words::words;

/// The number of a run. Later runs have larger numbers, whatever the clock says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RunNumber(pub(super) i64);

impl RunNumber {
    /// The number.
    #[must_use]
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The run so many runs before.
    #[must_use]
    pub const fn before(self, runs: i64) -> Self {
        Self(self.0.saturating_sub(runs))
    }
}

words! {
    /// How a run ended.
    RunStatus {
        /// It read all that there was.
        Complete = "complete",
        /// It was told to end before.
        Interrupted = "interrupted",
    }
}

/// How many sources became what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SourceCounts {
    /// Read to their ends.
    pub complete: u64,
    /// Read up to an error.
    pub partial: u64,
    /// Not read.
    pub unreadable: u64,
    /// Not to be read.
    pub skipped: u64,
    /// Not opened, because nothing of them has changed.
    pub unchanged: u64,
}

/// What is to be remembered of a run itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// When it began.
    pub started: Timestamp,
    /// When all was read and the report written.
    pub finished: Timestamp,
    /// The name that its report is to have.
    pub report: String,
    /// The name of the directory in which its report waits.
    pub staged: String,
    /// How it ended.
    pub status: RunStatus,
    /// How many bytes it read.
    pub bytes: u64,
    /// What became of the sources.
    pub sources: SourceCounts,
    /// How many findings it has.
    pub occurrences: u64,
    /// How many tokens it found that are still usable.
    pub live_tokens: u64,
    /// With which code it is to end.
    pub exit_code: u8,
}

/// A run that is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its number.
    pub number: RunNumber,
    /// What was remembered of it.
    pub finished: Finished,
    /// Whether its report is in its place.
    pub published: bool,
    /// Whether whoever is to be notified was.
    pub notified: bool,
}

/// All that is remembered together of a run.
#[derive(Debug)]
pub struct Commit<'a> {
    /// The run itself.
    pub run: &'a Finished,
    /// The sources of which there is something new to remember.
    pub sources: &'a [SourceUpdate],
    /// Which sources came and went; nothing, if the run did not look at every file.
    pub presence: &'a Presence,
    /// What its report counted.
    pub counts: &'a Counts,
    /// What its report says, as items.
    pub snapshot: &'a Snapshot,
}

/// Writes all of it.
pub(super) fn commit(transaction: &Transaction<'_>, commit: &Commit<'_>) -> Result<RunNumber, Fault> {
    let number = insert(transaction, commit.run)?;
    stored::update_sources(transaction, number, commit.sources, commit.presence)?;
    commit.counts.add_to(transaction, number)?;
    snapshots::insert(transaction, number, commit.snapshot)?;
    Ok(number)
}

fn insert(transaction: &Transaction<'_>, run: &Finished) -> rusqlite::Result<RunNumber> {
    let SourceCounts { complete, partial, unreadable, skipped, unchanged } = run.sources;
    let mut insert = transaction.prepare(
        "INSERT INTO runs (started, finished, report, staged, status, bytes, complete, partial, unreadable, skipped,
         unchanged, occurrences, live_tokens, exit_code) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )?;
    let number = insert.insert(params![
        run.started.millis(),
        run.finished.millis(),
        run.report,
        run.staged,
        run.status.as_str(),
        run.bytes,
        complete,
        partial,
        unreadable,
        skipped,
        unchanged,
        run.occurrences,
        run.live_tokens,
        run.exit_code,
    ])?;
    Ok(RunNumber(number))
}

/// The columns of a run, as [`read`] reads them.
pub(super) const COLUMNS: &str =
    "number, started, finished, report, staged, status, published, notified, bytes, complete, partial,
     unreadable, skipped, unchanged, occurrences, live_tokens, exit_code";

/// A run, of its columns.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Run> {
    let status: String = row.get(5)?;
    // There are but two, and what is not known to be complete is not.
    let status =
        if status == RunStatus::Complete.as_str() { RunStatus::Complete } else { RunStatus::Interrupted };
    Ok(Run {
        number: RunNumber(row.get(0)?),
        finished: Finished {
            started: instant(row.get(1)?),
            finished: instant(row.get(2)?),
            report: row.get(3)?,
            staged: row.get(4)?,
            status,
            bytes: row.get(8)?,
            sources: SourceCounts {
                complete: row.get(9)?,
                partial: row.get(10)?,
                unreadable: row.get(11)?,
                skipped: row.get(12)?,
                unchanged: row.get(13)?,
            },
            occurrences: row.get(14)?,
            live_tokens: row.get(15)?,
            exit_code: row.get(16)?,
        },
        published: row.get(6)?,
        notified: row.get(7)?,
    })
}

/// An instant, as it is stored: that a source stated a fraction of none is forgotten.
pub(super) const fn instant(millis: i64) -> Timestamp {
    Timestamp::new(millis, millis % 1000 != 0)
}

/// The last runs, in order.
pub(super) fn last(connection: &Connection, most: usize) -> rusqlite::Result<Vec<Run>> {
    let mut select =
        connection.prepare(&format!("SELECT {COLUMNS} FROM runs ORDER BY number DESC LIMIT ?"))?;
    let mut runs = select.query_map([limit(most)], read)?.collect::<rusqlite::Result<Vec<_>>>()?;
    runs.reverse();
    Ok(runs)
}

/// A number of rows, as SQLite takes it.
pub(super) fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

/// The runs that were not published, in order.
pub(super) fn unpublished(connection: &Connection) -> rusqlite::Result<Vec<Run>> {
    let mut select =
        connection.prepare(&format!("SELECT {COLUMNS} FROM runs WHERE NOT published ORDER BY number"))?;
    let runs = select.query_map((), read)?;
    runs.collect()
}

pub(super) fn set_published(
    transaction: &Transaction<'_>,
    number: RunNumber,
    report: &str,
) -> rusqlite::Result<()> {
    transaction
        .execute("UPDATE runs SET published = 1, report = ? WHERE number = ?", params![report, number.0])
        .map(drop)
}

pub(super) fn set_notified(transaction: &Transaction<'_>, number: RunNumber) -> rusqlite::Result<()> {
    transaction.execute("UPDATE runs SET notified = 1 WHERE number = ?", [number.0]).map(drop)
}
