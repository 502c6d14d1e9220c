//! What reports counted, run by run.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::runs::{RunNumber, last as last_runs, limit};
use super::trend::VerdictsOfRun;
use super::{Fault, Run};
use crate::changes::{Item, Kind, Measure, Snapshot};
use crate::error::Error;
use crate::token::mask_tokens;

/// The kind that is stored as this word.
fn kind(stored: &str) -> Result<Kind, Fault> {
    Kind::named(stored)
        .ok_or_else(|| Error::new("expected a kind of item in the state, but found another word").into())
}

/// Remembers what the report of a run counted.
pub(super) fn insert(
    transaction: &Transaction<'_>,
    run: RunNumber,
    snapshot: &Snapshot,
) -> rusqlite::Result<()> {
    let mut find = transaction.prepare("SELECT id FROM items WHERE kind = ? AND name = ? AND verdict = ?")?;
    let mut name = transaction.prepare("INSERT INTO items (kind, name, verdict) VALUES (?, ?, ?)")?;
    // Two names may be the same when they are masked.
    let mut measure = transaction.prepare(
        "INSERT INTO measures (run, item, occurrences, distinct_tokens) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT DO UPDATE SET occurrences = occurrences + ?3, distinct_tokens = distinct_tokens + ?4",
    )?;
    for (item, measured) in snapshot {
        let key = params![item.kind.as_str(), mask_tokens(&item.name), item.verdict];
        let id = match find.query_one(key, |row| row.get(0)).optional()? {
            Some(id) => id,
            None => name.insert(key)?,
        };
        measure.execute(params![run.0, id, measured.occurrences, measured.distinct_tokens])?;
    }
    Ok(())
}

/// What the reports of the last runs counted, in order.
pub(super) fn last(connection: &Connection, most: usize) -> Result<Vec<(Run, Snapshot)>, Fault> {
    let mut select = connection.prepare(
        "SELECT kind, name, verdict, occurrences, distinct_tokens FROM measures JOIN items ON item = id WHERE run = ?",
    )?;
    let mut snapshots = Vec::new();
    for run in last_runs(connection, most)? {
        let mut snapshot = Snapshot::new();
        let mut rows = select.query([run.number.0])?;
        while let Some(row) = rows.next()? {
            let item = Item {
                kind: kind(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?,
                name: row.get(1)?,
                verdict: row.get(2)?,
            };
            let measure = Measure { occurrences: row.get(3)?, distinct_tokens: row.get(4)? };
            snapshot.insert(item, measure);
        }
        snapshots.push((run, snapshot));
    }
    Ok(snapshots)
}

/// How often the last runs found which verdict, in order.
pub(super) fn verdicts(connection: &Connection, most: usize) -> rusqlite::Result<Vec<VerdictsOfRun>> {
    let mut select = connection.prepare(
        "SELECT verdict, sum(occurrences) FROM measures JOIN items ON item = id WHERE run = ? AND kind = ? GROUP BY verdict",
    )?;
    let runs = last_runs(connection, most)?.into_iter();
    let of_run = runs.map(|run| {
        let verdicts = select
            .query_map(params![run.number.0, Kind::Verdict.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let verdicts = verdicts.collect::<rusqlite::Result<BTreeMap<_, _>>>()?;
        Ok(VerdictsOfRun { run, verdicts })
    });
    of_run.collect()
}

/// Forgets the snapshots of all runs but the last so many; of the others, verdicts are kept.
pub(super) fn forget(transaction: &Transaction<'_>, keep: usize) -> rusqlite::Result<()> {
    transaction.execute(
        "DELETE FROM measures WHERE run NOT IN (SELECT number FROM runs ORDER BY number DESC LIMIT ?)
         AND item NOT IN (SELECT id FROM items WHERE kind = ?)",
        params![limit(keep), Kind::Verdict.as_str()],
    )?;
    transaction.execute("DELETE FROM items WHERE id NOT IN (SELECT item FROM measures)", ())?;
    Ok(())
}
