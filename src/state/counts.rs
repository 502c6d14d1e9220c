//! The counts of a report, from its CSV files into the state, row by row: `tokens.csv` may have millions.
//!
//! `timeline.csv` gives the days; a bucket that is wider than a day counts for the day that it begins on. `tokens.csv` gives tokens and
//! verdicts. `live.csv` gives the tokens that are usable, by the rule of `tally/live.rs`: a token that one run found usable is, for all
//! runs, usable until it expires.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use csv::ByteRecord;
use data_encoding::HEXLOWER;
use foldhash::HashMap;
use rusqlite::{OptionalExtension as _, Transaction, named_params, params};

use super::Fault;
use super::runs::RunNumber;
use super::totals::{DAY, UNDATED};
use crate::error::{Error, Result};
use crate::secret::Fingerprint;
use crate::timestamp::Timestamp;

/// The counts of a report, in its directory.
#[derive(Clone, Debug)]
pub struct Counts {
    directory: PathBuf,
}

impl Counts {
    /// The counts of the report in this directory.
    ///
    /// # Errors
    /// When it has not all files that are needed, with all columns.
    pub fn of(directory: &Path) -> Result<Self> {
        let counts = Self { directory: directory.to_owned() };
        counts.timeline()?;
        counts.tokens()?;
        counts.live()?;
        Ok(counts)
    }

    fn timeline(&self) -> Result<Table<3>> {
        Table::open(self.directory.join("timeline.csv"), ["bucket_start", "verdict", "occurrences"])
    }

    fn tokens(&self) -> Result<Table<6>> {
        let columns = ["fingerprint", "verdict", "detail", "occurrences", "first_seen", "last_seen"];
        Table::open(self.directory.join("tokens.csv"), columns)
    }

    fn live(&self) -> Result<Table<2>> {
        Table::open(self.directory.join("live.csv"), ["fingerprint", "expires_at"])
    }

    /// Adds them to what the state counts.
    pub(super) fn add_to(&self, transaction: &Transaction<'_>, run: RunNumber) -> Result<(), Fault> {
        self.add_days(transaction)?;
        self.add_tokens(transaction, run)?;
        self.add_live(transaction, run)
    }

    fn add_days(&self, transaction: &Transaction<'_>) -> Result<(), Fault> {
        let mut add = transaction.prepare(
            "INSERT INTO days (day, verdict, occurrences) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET occurrences = occurrences + ?3",
        )?;
        let mut table = self.timeline()?;
        while let Some(row) = table.next()? {
            let day = row.time(0)?.map_or(UNDATED, |start| start.div_euclid(DAY));
            add.execute(params![day, row.text(1)?, row.number(2)?])?;
        }
        Ok(())
    }

    fn add_tokens(&self, transaction: &Transaction<'_>, run: RunNumber) -> Result<(), Fault> {
        // Most tokens of a night were not there the night before.
        let mut insert = transaction.prepare(
            "INSERT INTO tokens (fingerprint, verdict, occurrences, first_seen, last_seen, first_run, last_run)
             VALUES (?, ?, ?, ?, ?, ?6, ?6) ON CONFLICT DO NOTHING",
        )?;
        let mut update = transaction.prepare(
            "UPDATE tokens SET occurrences = occurrences + ?3,
             first_seen = min(coalesce(first_seen, ?4), coalesce(?4, first_seen)),
             last_seen = max(coalesce(last_seen, ?5), coalesce(?5, last_seen)), last_run = ?6
             WHERE fingerprint = ?1 AND verdict = ?2",
        )?;
        let mut verdicts = Verdicts::default();
        let mut table = self.tokens()?;
        while let Some(row) = table.next()? {
            let (occurrences, first, last) = (row.number(3)?, row.time(4)?, row.time(5)?);
            let total = verdicts.total(transaction, &row)?;
            let values = params![row.fingerprint(0)?, total.id, occurrences, first, last, run.0];
            let is_new = insert.execute(values)? == 1;
            if !is_new {
                update.execute(values)?;
            }
            total.add(occurrences, is_new, first, last);
        }
        verdicts.write(transaction)
    }

    fn add_live(&self, transaction: &Transaction<'_>, run: RunNumber) -> Result<(), Fault> {
        let mut add = transaction.prepare(
            "INSERT INTO live (fingerprint, expires_at, first_run, last_run) VALUES (?1, ?2, ?3, ?3)
             ON CONFLICT DO UPDATE SET expires_at = ?2, last_run = ?3",
        )?;
        let mut table = self.live()?;
        while let Some(row) = table.next()? {
            add.execute(params![row.fingerprint(0)?, row.time(1)?, run.0])?;
        }
        Ok(())
    }
}

/// What a report adds to the verdicts.
#[derive(Default)]
struct Verdicts {
    /// Which of `added` is for a verdict and a detail, which a zero byte parts.
    places: HashMap<Vec<u8>, usize>,
    added: Vec<Added>,
    /// The verdict and the detail that are looked up.
    key: Vec<u8>,
}

/// What a report adds to one of them.
struct Added {
    id: i64,
    occurrences: u64,
    tokens: u64,
    first: Option<i64>,
    last: Option<i64>,
}

impl Verdicts {
    /// What is added to the verdict and the detail of a row of `tokens.csv`.
    fn total(&mut self, transaction: &Transaction<'_>, row: &Row<'_, 6>) -> Result<&mut Added, Fault> {
        let (verdict, detail) = (row.text(1)?, row.text(2)?);
        self.key.clear();
        self.key.extend_from_slice(verdict.as_bytes());
        self.key.push(0);
        self.key.extend_from_slice(detail.as_bytes());
        let place = match self.places.get(&self.key) {
            Some(&place) => place,
            None => {
                let id = id_of(transaction, verdict, detail)?;
                self.added.push(Added { id, occurrences: 0, tokens: 0, first: None, last: None });
                self.places.insert(self.key.clone(), self.added.len() - 1);
                self.added.len() - 1
            }
        };
        Ok(&mut self.added[place])
    }

    fn write(self, transaction: &Transaction<'_>) -> Result<(), Fault> {
        let mut update = transaction.prepare(
            "UPDATE verdicts SET occurrences = occurrences + :occurrences, tokens = tokens + :tokens,
             first_seen = min(coalesce(first_seen, :first), coalesce(:first, first_seen)),
             last_seen = max(coalesce(last_seen, :last), coalesce(:last, last_seen)) WHERE id = :id",
        )?;
        for Added { id, occurrences, tokens, first, last } in self.added {
            update.execute(named_params! {
                ":id": id, ":occurrences": occurrences, ":tokens": tokens, ":first": first, ":last": last,
            })?;
        }
        Ok(())
    }
}

impl Added {
    fn add(&mut self, occurrences: u64, is_new: bool, first: Option<i64>, last: Option<i64>) {
        self.occurrences += occurrences;
        self.tokens += u64::from(is_new);
        self.first = [self.first, first].into_iter().flatten().min();
        self.last = self.last.max(last);
    }
}

/// The id of a verdict with a detail, which has one from now on.
fn id_of(transaction: &Transaction<'_>, verdict: &str, detail: &str) -> rusqlite::Result<i64> {
    let mut find = transaction.prepare("SELECT id FROM verdicts WHERE verdict = ? AND detail = ?")?;
    if let Some(id) = find.query_one([verdict, detail], |row| row.get(0)).optional()? {
        return Ok(id);
    }
    let mut insert = transaction
        .prepare("INSERT INTO verdicts (verdict, detail, occurrences, tokens) VALUES (?, ?, 0, 0)")?;
    insert.insert([verdict, detail])
}

/// A CSV file of a report, of which some columns are read.
struct Table<const N: usize> {
    path: PathBuf,
    reader: csv::Reader<Box<dyn Read>>,
    columns: [&'static str; N],
    places: [usize; N],
    record: ByteRecord,
}

/// A line of it.
struct Row<'t, const N: usize>(&'t Table<N>);

impl<const N: usize> Table<N> {
    fn open(path: PathBuf, columns: [&'static str; N]) -> Result<Self> {
        let file: Box<dyn Read> = match File::open(&path) {
            Ok(file) => Box::new(file),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let directory = path.parent().unwrap_or(&path).display();
                let message = format!(
                    "{directory}: expected a report with CSV files, but found no file \"{}\"",
                    name(&path)
                );
                return Err(Error::new(message));
            }
            Err(error) => return Err(unreadable(&path, &error)),
        };
        let mut reader = csv::ReaderBuilder::new().buffer_capacity(1 << 18).from_reader(file);
        let header = reader.byte_headers().map_err(|error| unreadable(&path, &error))?;
        let mut places = [0; N];
        for (place, column) in places.iter_mut().zip(columns) {
            let found = header.iter().position(|name| name == column.as_bytes());
            *place = found.ok_or_else(|| {
                Error::new(format!("{}: expected a column \"{column}\", but found none", path.display()))
            })?;
        }
        Ok(Self { path, reader, columns, places, record: ByteRecord::new() })
    }

    fn next(&mut self) -> Result<Option<Row<'_, N>>> {
        match self.reader.read_byte_record(&mut self.record) {
            Ok(true) => Ok(Some(Row(self))),
            Ok(false) => Ok(None),
            Err(error) => Err(unreadable(&self.path, &error)),
        }
    }
}

impl<const N: usize> Row<'_, N> {
    fn cell(&self, column: usize) -> &[u8] {
        self.0.record.get(self.0.places[column]).unwrap_or_default()
    }

    fn text(&self, column: usize) -> Result<&str> {
        str::from_utf8(self.cell(column)).map_err(|_| self.unexpected(column, "UTF-8"))
    }

    fn number(&self, column: usize) -> Result<u64> {
        self.text(column)?.parse().map_err(|_| self.unexpected(column, "a number"))
    }

    fn fingerprint(&self, column: usize) -> Result<[u8; Fingerprint::LENGTH]> {
        let mut bytes = [0; Fingerprint::LENGTH];
        let digits = self.cell(column).strip_prefix(b"jt_").filter(|digits| digits.len() == 2 * bytes.len());
        match digits.map(|digits| HEXLOWER.decode_mut(digits, &mut bytes)) {
            Some(Ok(_)) => Ok(bytes),
            _ => Err(self.unexpected(column, "a fingerprint")),
        }
    }

    /// An instant in milliseconds, if there is one.
    fn time(&self, column: usize) -> Result<Option<i64>> {
        let text = self.text(column)?;
        if text.is_empty() {
            return Ok(None);
        }
        // What RFC 3339 has no year for is written as its number of seconds.
        let seconds = || Some(Timestamp::from_seconds(text.parse().ok()?).millis());
        let rfc3339 = || Some(text.parse::<Timestamp>().ok()?.millis());
        seconds().or_else(rfc3339).map(Some).ok_or_else(|| self.unexpected(column, "a time"))
    }

    /// What is in the cell is not told.
    fn unexpected(&self, column: usize, expected: &str) -> Error {
        let line = self.0.record.position().map_or(0, csv::Position::line);
        let Table { path, columns, .. } = self.0;
        Error::new(format!(
            "{}: line {line}: expected {expected} in column \"{}\", but found something else",
            path.display(),
            columns[column]
        ))
    }
}

fn name(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().unwrap_or_default().to_string_lossy()
}

fn unreadable(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::new(format!("{}: cannot read it: {error}", path.display()))
}
