//! Sources, as they are stored.

use rusqlite::{Connection, Row, Transaction, named_params, params};

use super::runs::RunNumber;
use super::sources::{Presence, Seen, Source, SourceId, SourceUpdate, Stat};
use crate::input::identity::{Content, Hash};
use crate::token::mask_tokens;

/// All sources, in order.
pub(super) fn load_sources(connection: &Connection) -> rusqlite::Result<Vec<Source>> {
    let mut select = connection.prepare(
        "SELECT id, name, dev, ino, size, mtime_ns, ctime_ns, length, head, tail, bookmark, is_archive, more, first_run, last_run,
         missing_since FROM sources ORDER BY id",
    )?;
    let sources = select.query_map((), source)?;
    sources.collect()
}

fn source(row: &Row<'_>) -> rusqlite::Result<Source> {
    Ok(Source {
        id: SourceId(row.get(0)?),
        seen: Seen {
            name: row.get(1)?,
            stat: Stat {
                dev: row.get::<_, i64>(2)?.cast_unsigned(),
                ino: row.get::<_, i64>(3)?.cast_unsigned(),
                size: row.get(4)?,
                mtime_ns: row.get(5)?,
                ctime_ns: row.get(6)?,
            },
            content: Content {
                length: row.get(7)?,
                head: Hash::from_bytes(row.get(8)?),
                tail: Hash::from_bytes(row.get(9)?),
            },
            bookmark: row.get(10)?,
            is_archive: row.get(11)?,
            more: row.get(12)?,
        },
        first_run: RunNumber(row.get(13)?),
        last_run: RunNumber(row.get(14)?),
        missing_since: row.get::<_, Option<i64>>(15)?.map(RunNumber),
    })
}

/// Remembers what a run saw of sources.
pub(super) fn update_sources(
    transaction: &Transaction<'_>,
    run: RunNumber,
    updates: &[SourceUpdate],
    presence: &Presence,
) -> rusqlite::Result<()> {
    let mut gone = transaction.prepare("UPDATE sources SET missing_since = ? WHERE id = ?")?;
    presence.gone.iter().try_for_each(|id| gone.execute(params![run.0, id.0]).map(drop))?;
    let mut back = transaction.prepare("UPDATE sources SET missing_since = NULL WHERE id = ?")?;
    presence.back.iter().try_for_each(|id| back.execute([id.0]).map(drop))?;

    // A source without an id gets the next one.
    let mut put = transaction.prepare(
        "INSERT INTO sources (id, name, dev, ino, size, mtime_ns, ctime_ns, length, head, tail, bookmark, is_archive, more,
         first_run, last_run)
         VALUES (:id, :name, :dev, :ino, :size, :mtime_ns, :ctime_ns, :length, :head, :tail, :bookmark, :is_archive, :more,
         :run, :run)
         ON CONFLICT (id) DO UPDATE SET name = :name, dev = :dev, ino = :ino, size = :size, mtime_ns = :mtime_ns,
         ctime_ns = :ctime_ns, length = :length, head = :head, tail = :tail, bookmark = :bookmark, is_archive = :is_archive,
         more = :more, last_run = :run, missing_since = NULL",
    )?;
    for SourceUpdate { known, seen } in updates {
        let Seen { name, stat, content, bookmark, is_archive, more } = seen;
        put.execute(named_params! {
            ":id": known.map(|id| id.0),
            ":name": mask_tokens(name),
            ":dev": stat.dev.cast_signed(),
            ":ino": stat.ino.cast_signed(),
            ":size": stat.size,
            ":mtime_ns": stat.mtime_ns,
            ":ctime_ns": stat.ctime_ns,
            ":length": content.length,
            ":head": content.head.to_bytes(),
            ":tail": content.tail.to_bytes(),
            ":bookmark": bookmark,
            ":is_archive": is_archive,
            ":more": more,
            ":run": run.0,
        })?;
    }
    Ok(())
}

/// Forgets sources that are missing since that run or longer.
pub(super) fn forget_sources(
    transaction: &Transaction<'_>,
    missing_since: RunNumber,
) -> rusqlite::Result<usize> {
    transaction.execute("DELETE FROM sources WHERE missing_since <= ?", [missing_since.0])
}
