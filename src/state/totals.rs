//! What all runs together have counted.

use rusqlite::{Connection, Transaction, params};

use super::runs::instant;
use crate::secret::Fingerprint;
use crate::timestamp::Timestamp;

/// How many milliseconds a day has.
pub(super) const DAY: i64 = 86_400_000;

/// The number of the day that stands for none.
pub(super) const UNDATED: i64 = i64::MIN;

/// What all runs found of a verdict with a detail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    /// The verdict.
    pub verdict: String,
    /// The detail; empty if there is none.
    pub detail: String,
    /// How often it was found.
    pub occurrences: u64,
    /// Of how many tokens.
    pub distinct_tokens: u64,
    /// The first event time.
    pub first_seen: Option<Timestamp>,
    /// The last event time.
    pub last_seen: Option<Timestamp>,
}

/// What all runs found of a verdict on a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    /// When the day began, in UTC; `None`: without event time.
    pub day: Option<Timestamp>,
    /// The verdict.
    pub verdict: String,
    /// How often it was found.
    pub occurrences: u64,
}

/// A token that was found usable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveToken {
    /// Its name.
    pub fingerprint: Fingerprint,
    /// When it expires; `None`: never.
    pub expires_at: Option<Timestamp>,
}

pub(super) fn verdicts(connection: &Connection) -> rusqlite::Result<Vec<Total>> {
    let mut select = connection.prepare(
        "SELECT verdict, detail, occurrences, tokens, first_seen, last_seen FROM verdicts ORDER BY verdict, detail",
    )?;
    let totals = select.query_map((), |row| {
        Ok(Total {
            verdict: row.get(0)?,
            detail: row.get(1)?,
            occurrences: row.get(2)?,
            distinct_tokens: row.get(3)?,
            first_seen: row.get::<_, Option<_>>(4)?.map(instant),
            last_seen: row.get::<_, Option<_>>(5)?.map(instant),
        })
    })?;
    totals.collect()
}

pub(super) fn days(connection: &Connection) -> rusqlite::Result<Vec<Day>> {
    let mut select =
        connection.prepare("SELECT day, verdict, occurrences FROM days ORDER BY day, verdict")?;
    let days = select.query_map((), |row| {
        let day: i64 = row.get(0)?;
        let start = (day != UNDATED).then(|| instant(day.saturating_mul(DAY)));
        Ok(Day { day: start, verdict: row.get(1)?, occurrences: row.get(2)? })
    })?;
    days.collect()
}

pub(super) fn live_tokens(
    connection: &Connection,
    now: Timestamp,
    leeway: i64,
) -> rusqlite::Result<Vec<LiveToken>> {
    let mut select = connection.prepare(
        "SELECT fingerprint, expires_at FROM live WHERE expires_at IS NULL OR expires_at > ?
         ORDER BY expires_at IS NOT NULL, expires_at DESC, fingerprint",
    )?;
    let live = select.query_map([now.millis().saturating_sub(leeway)], |row| {
        Ok(LiveToken {
            fingerprint: Fingerprint::from_bytes(row.get(0)?),
            expires_at: row.get::<_, Option<_>>(1)?.map(instant),
        })
    })?;
    live.collect()
}

/// Of a token without event times, the run that found it last says when that was.
pub(super) fn forget_tokens(transaction: &Transaction<'_>, before: Timestamp) -> rusqlite::Result<usize> {
    let tokens = transaction.execute(
        "DELETE FROM tokens WHERE
         coalesce(last_seen, (SELECT started FROM runs WHERE number = last_run)) < ?",
        [before.millis()],
    )?;
    let live = transaction.execute("DELETE FROM live WHERE expires_at < ?", params![before.millis()])?;
    Ok(tokens + live)
}
