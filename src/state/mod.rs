//! What is remembered from run to run, in one SQLite file: which sources were read and how far, the runs, and what they counted.
//!
//! Invariants:
//! - A run is remembered in one transaction, [`State::commit`], with its sources and all its counts, or not at all. Whatever ends the
//!   process, the disk or the power in between, the state is the one before or the one after.
//! - A file that is no state of jwtriage, is damaged, or is of a newer version, is refused and left as it is.
//! - Nothing of a token is stored but its fingerprint. Names are stored with tokens masked, bookmarks as their maker made them.
//! - It reads no clock: every instant comes from the caller. Runs are in the order of their numbers.
//!
//! Only one process may write at a time; the caller sees to that. Others may read meanwhile.

mod counts;
mod file;
mod runs;
mod schema;
mod snapshots;
mod sources;
mod stored;
#[cfg(test)]
mod tests;
mod totals;
mod trend;

use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};

pub use counts::Counts;
pub use runs::{Commit, Finished, Run, RunNumber, RunStatus, SourceCounts};
pub use sources::{Claims, Index, Opened, Presence, Seen, Source, SourceId, SourceUpdate, Stat};
pub use totals::{Day, LiveToken, Total};
pub use trend::{Trend, VerdictsOfRun, sparkline, trends};

use crate::changes::Snapshot;
use crate::error::{Error, Result};
use crate::timestamp::Timestamp;

/// A state that is open.
#[derive(Debug)]
pub struct State {
    connection: Connection,
    path: PathBuf,
}

impl State {
    /// Opens a state, or makes an empty one that only its owner can read. A state of an older version is brought up to date.
    ///
    /// # Errors
    /// When the file cannot be made or opened, or is no state, or is damaged, or newer: it is left as it is.
    pub fn open(path: &Path) -> Result<Self> {
        if file::find(path)?.is_none() {
            file::create(path)?;
        }
        // The full path is no URI, whatever the name is.
        let path = file::find(path)?.unwrap_or_else(|| path.to_owned());
        Ok(Self { connection: file::open(&path)?, path })
    }

    /// Opens a state to read it only.
    ///
    /// # Errors
    /// When the file is not there, cannot be opened, is no state, is damaged, or is of another version.
    pub fn open_read_only(path: &Path) -> Result<Self> {
        let Some(path) = file::find(path)? else {
            return Err(Error::new(format!(
                "state file {}: expected a state of jwtriage, but found no file; the first nightly run makes it",
                path.display()
            )));
        };
        Ok(Self { connection: file::open_read_only(&path)?, path })
    }

    /// Looks at every page of the file.
    ///
    /// # Errors
    /// When it is damaged.
    pub fn check(&self) -> Result<()> {
        self.read("check it", |connection| file::check(connection, &self.path))
    }

    /// All known sources, ready to look files up.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn sources(&self) -> Result<Index> {
        self.read("read its sources", |connection| Ok(Index::new(stored::load_sources(connection)?)))
    }

    /// Remembers a run, all of it or nothing, and says which number it has. It is not published yet, and nobody is notified of it.
    ///
    /// # Errors
    /// When the report cannot be read, or the state cannot be written.
    pub fn commit(&mut self, commit: &Commit<'_>) -> Result<RunNumber> {
        self.change("remember the run", |transaction| runs::commit(transaction, commit))
    }

    /// The runs that were remembered but not published, in order.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn unpublished(&self) -> Result<Vec<Run>> {
        self.read("read its runs", |connection| Ok(runs::unpublished(connection)?))
    }

    /// Notes that the report of a run is in its place, which has the given name.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_published(&mut self, number: RunNumber, report: &str) -> Result<()> {
        self.change("note that the report is published", |transaction| {
            Ok(runs::set_published(transaction, number, report)?)
        })
    }

    /// Notes that whoever was to be notified of a run was.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_notified(&mut self, number: RunNumber) -> Result<()> {
        self.change("note that the run is told", |transaction| Ok(runs::set_notified(transaction, number)?))
    }

    /// The last runs, so many at most, in order.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn runs(&self, most: usize) -> Result<Vec<Run>> {
        self.read("read its runs", |connection| Ok(runs::last(connection, most)?))
    }

    /// The last run.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn last(&self) -> Result<Option<Run>> {
        Ok(self.runs(1)?.pop())
    }

    /// What the reports of the last runs counted, so many at most, in order. Of runs whose snapshots were
    /// [forgotten](Self::forget_snapshots), nothing is left to be told.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn snapshots(&self, most: usize) -> Result<Vec<(Run, Snapshot)>> {
        self.read("read its snapshots", |connection| snapshots::last(connection, most))
    }

    /// How often the last runs, so many at most, found which verdict, in order.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn verdicts_of_runs(&self, most: usize) -> Result<Vec<VerdictsOfRun>> {
        self.read("read its snapshots", |connection| Ok(snapshots::verdicts(connection, most)?))
    }

    /// What all runs together found, by verdict and detail.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn verdicts(&self) -> Result<Vec<Total>> {
        self.read("read its counts", |connection| Ok(totals::verdicts(connection)?))
    }

    /// What all runs together found, by day and verdict; what has no event time comes first.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn days(&self) -> Result<Vec<Day>> {
        self.read("read its counts", |connection| Ok(totals::days(connection)?))
    }

    /// The tokens that any run found usable and that nothing shows to have expired at `now`, most urgent first, as in `live.csv`. `leeway`,
    /// in milliseconds, is how long after its `exp` verifiers still take a token.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn live_tokens(&self, now: Timestamp, leeway: i64) -> Result<Vec<LiveToken>> {
        self.read("read its tokens", |connection| Ok(totals::live_tokens(connection, now, leeway)?))
    }

    /// Forgets tokens that were last seen, and have expired, before an instant: they are still counted, and a token that comes again
    /// counts as another one. Says how many rows are gone.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn forget_tokens(&mut self, before: Timestamp) -> Result<usize> {
        self.change("forget tokens", |transaction| Ok(totals::forget_tokens(transaction, before)?))
    }

    /// Forgets sources that no run has found since the one with this number. If one comes back, it is read once more. Says how many are
    /// gone.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn forget_sources(&mut self, missing_since: RunNumber) -> Result<usize> {
        self.change("forget sources", |transaction| Ok(stored::forget_sources(transaction, missing_since)?))
    }

    /// Forgets the snapshots of all runs but the last, as many as are to be kept: there may be as many items as live tokens. Verdicts
    /// are kept, which are few, for [`State::verdicts_of_runs`].
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn forget_snapshots(&mut self, keep: usize) -> Result<()> {
        self.change("forget snapshots", |transaction| Ok(snapshots::forget(transaction, keep)?))
    }

    fn read<T>(&self, what: &str, read: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T> {
        read(&self.connection).map_err(|fault| explain(&self.path, what, fault))
    }

    /// Does something in one transaction.
    fn change<T>(
        &mut self,
        what: &str,
        change: impl FnOnce(&Transaction<'_>) -> Result<T, Fault>,
    ) -> Result<T> {
        let changed = (|| {
            let transaction = Transaction::new(&mut self.connection, TransactionBehavior::Immediate)?;
            let result = change(&transaction)?;
            transaction.commit()?;
            Ok(result)
        })();
        changed.map_err(|fault| explain(&self.path, what, fault))
    }
}

/// What goes wrong inside of the room.
#[derive(Debug)]
enum Fault {
    /// SQLite says so.
    Sql(rusqlite::Error),
    /// All is said.
    Report(Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Report(error)
    }
}

/// Says what went wrong, and what to do.
fn explain(path: &Path, what: &str, fault: Fault) -> Error {
    let error = match fault {
        Fault::Report(error) => return error,
        Fault::Sql(error) => error,
    };
    let cannot = |why: &str| Error::new(format!("state file {}: cannot {what}: {why}", path.display()));
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            cannot("the disk is full; the state is as it was before, make room and run again")
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            file::damaged(path, &format!("damage where it was to {what}"))
        }
        Some(ErrorCode::DatabaseBusy) => {
            cannot("another process is writing to it; run again when that has ended")
        }
        Some(ErrorCode::ReadOnly) => {
            cannot("the file or its directory is read-only; let the user of jwtriage write to both")
        }
        // The words of SQLite, which name tables and columns, and nothing that is in them.
        _ => cannot(&error.to_string()),
    }
}
