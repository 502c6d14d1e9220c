//! The tables, and how older states become present ones.
//!
//! `user_version` of the file says how many of the [`MIGRATIONS`] it has seen. A migration that was released is never edited; what is to
//! change is changed by a further one. Instants are milliseconds since the epoch, unless a column is named otherwise. No column holds a
//! byte of a token: fingerprints are stored as their ten bytes, and names with tokens masked.

use rusqlite::{Connection, Transaction, TransactionBehavior};

/// What `application_id` says: `jwtr`.
pub(super) const APPLICATION: u32 = u32::from_be_bytes(*b"jwtr");

/// From nothing to the present version, step by step.
pub(super) const MIGRATIONS: &[&str] = &[V1];

/// The present version.
pub(super) const VERSION: u32 = MIGRATIONS.len() as u32;

const V1: &str = "
-- A run, in the order of numbers: clocks can be set back.
CREATE TABLE runs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    started INTEGER NOT NULL,
    finished INTEGER NOT NULL,
    report TEXT NOT NULL,
    staged TEXT NOT NULL,
    status TEXT NOT NULL,
    published INTEGER NOT NULL DEFAULT 0,
    notified INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL,
    complete INTEGER NOT NULL,
    partial INTEGER NOT NULL,
    unreadable INTEGER NOT NULL,
    skipped INTEGER NOT NULL,
    unchanged INTEGER NOT NULL,
    occurrences INTEGER NOT NULL,
    live_tokens INTEGER NOT NULL,
    exit_code INTEGER NOT NULL
) STRICT;
CREATE INDEX runs_unpublished ON runs (number) WHERE NOT published;

-- A content, under the name that it was last seen by. dev and ino are unsigned, bit by bit.
CREATE TABLE sources (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    dev INTEGER NOT NULL,
    ino INTEGER NOT NULL,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    length INTEGER NOT NULL,
    head BLOB NOT NULL,
    tail BLOB NOT NULL,
    bookmark BLOB NOT NULL,
    is_archive INTEGER NOT NULL,
    more INTEGER NOT NULL,
    first_run INTEGER NOT NULL REFERENCES runs (number),
    last_run INTEGER NOT NULL REFERENCES runs (number),
    missing_since INTEGER REFERENCES runs (number)
) STRICT;
CREATE INDEX sources_missing ON sources (missing_since) WHERE missing_since IS NOT NULL;

-- What all runs have counted, by verdict and detail. tokens: how many rows for it were ever added to the table of that name.
CREATE TABLE verdicts (
    id INTEGER PRIMARY KEY,
    verdict TEXT NOT NULL,
    detail TEXT NOT NULL,
    occurrences INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    first_seen INTEGER,
    last_seen INTEGER,
    UNIQUE (verdict, detail)
) STRICT;

-- The same by day of event time in UTC. day: days since the epoch; the smallest number stands for none.
CREATE TABLE days (
    day INTEGER NOT NULL,
    verdict TEXT NOT NULL,
    occurrences INTEGER NOT NULL,
    PRIMARY KEY (day, verdict)
) STRICT, WITHOUT ROWID;

-- The same by token. verdict: the id of its row.
CREATE TABLE tokens (
    fingerprint BLOB NOT NULL,
    verdict INTEGER NOT NULL,
    occurrences INTEGER NOT NULL,
    first_seen INTEGER,
    last_seen INTEGER,
    first_run INTEGER NOT NULL,
    last_run INTEGER NOT NULL,
    PRIMARY KEY (fingerprint, verdict)
) STRICT, WITHOUT ROWID;

-- Tokens that were usable when a run found them. expires_at: none if they never expire.
CREATE TABLE live (
    fingerprint BLOB NOT NULL PRIMARY KEY,
    expires_at INTEGER,
    first_run INTEGER NOT NULL,
    last_run INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What reports counted: names come again run after run.
CREATE TABLE items (
    id INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    verdict TEXT NOT NULL,
    UNIQUE (kind, name, verdict)
) STRICT;
CREATE TABLE measures (
    run INTEGER NOT NULL REFERENCES runs (number),
    item INTEGER NOT NULL REFERENCES items (id),
    occurrences INTEGER NOT NULL,
    distinct_tokens INTEGER NOT NULL,
    PRIMARY KEY (run, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX measures_by_item ON measures (item);
";

/// The version of a state.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Brings a state to the version after the last of these steps: all the way, or not at all.
pub(super) fn migrate(connection: &mut Connection, steps: &[&str]) -> rusqlite::Result<()> {
    let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
    let seen = version(&transaction)? as usize;
    for step in steps.iter().skip(seen) {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION)?;
    transaction.pragma_update(None, "user_version", steps.len() as u32)?;
    transaction.commit()
}

/// The tables and indices, each in the words in which it was made.
pub(super) fn tables(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let mut tables = connection.prepare("SELECT name, coalesce(sql, '') FROM sqlite_schema ORDER BY name")?;
    let tables = tables.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    tables.collect()
}

/// The tables and indices of the present version.
pub(super) fn present_tables() -> rusqlite::Result<Vec<(String, String)>> {
    let mut model = Connection::open_in_memory()?;
    migrate(&mut model, MIGRATIONS)?;
    tables(&model)
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: [&str; 2] =
        ["CREATE TABLE a (x INTEGER) STRICT; INSERT INTO a VALUES (7);", "ALTER TABLE a ADD COLUMN y TEXT;"];

    #[test]
    fn an_older_state_is_brought_up_to_date_and_keeps_what_it_knows() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &OLD[..1]).unwrap();
        assert_eq!(version(&connection).unwrap(), 1);
        migrate(&mut connection, &OLD).unwrap();
        assert_eq!(version(&connection).unwrap(), 2);
        let row = connection.query_row("SELECT x, y FROM a", (), |row| Ok((row.get(0)?, row.get(1)?)));
        assert_eq!(row, Ok((7, None::<String>)));
        migrate(&mut connection, &OLD).unwrap();
        assert_eq!(version(&connection).unwrap(), 2, "there is nothing left to do");
    }

    #[test]
    fn a_step_that_fails_leaves_the_version_that_was_there() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &OLD[..1]).unwrap();
        let before = tables(&connection).unwrap();
        let steps = [OLD[0], "ALTER TABLE a ADD COLUMN z TEXT;", "DROP TABLE nowhere;"];
        migrate(&mut connection, &steps).unwrap_err();
        assert_eq!((version(&connection).unwrap(), tables(&connection).unwrap()), (1, before));
    }

    #[test]
    fn the_present_version_is_what_the_steps_make() {
        let tables = present_tables().unwrap();
        let named = |name: &str| tables.iter().any(|(table, _)| table == name);
        assert!(
            ["runs", "sources", "verdicts", "days", "tokens", "live", "items", "measures"]
                .into_iter()
                .all(named)
        );
    }
}
