//! The file that the state is in: made, recognised, checked, and never touched if it is not ours.
//!
//! A new state is made beside its place and linked into it when it is complete, so that a state is there whole or not at all. One that is
//! there is first looked at as bytes: SQLite opens only what says that it is a state of jwtriage in a version that this program knows, and
//! is as long as it says. Then its tables are compared with those of its version. A file of up to [`SMALL`] bytes is checked page by page
//! too; in a larger one, damage is noticed where it is read, and a run that notices it changes nothing.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use super::schema::{APPLICATION, MIGRATIONS, VERSION, migrate, present_tables, tables, version};
use super::{Fault, explain};
use crate::error::{Error, Result};

/// Up to so many bytes a state is checked whole whenever it is opened, which takes some hundredths of a second.
pub(super) const SMALL: u64 = 16 << 20;

/// How long to wait for another connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// How every SQLite database begins.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// What to do about a file that is not to be touched.
const ANOTHER: &str = "it was left as it is; name another file, or move it away to begin anew";

/// The present path of a state, where it is there.
pub(super) fn find(path: &Path) -> Result<Option<PathBuf>> {
    match fs::canonicalize(path) {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot(path, "open it", &error)),
    }
}

/// Makes an empty state, unless something else has just made one.
pub(super) fn create(path: &Path) -> Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let failed = |error: std::io::Error| cannot(path, "make it", &error);
    let directory = fs::canonicalize(directory).map_err(failed)?;
    // Its mode is 0600.
    let new = tempfile::Builder::new().prefix(".jwtriage-state-").suffix(".new").tempfile_in(&directory);
    let new = new.map_err(failed)?;
    let filled = (|| {
        let mut connection = connect(new.path(), OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        migrate(&mut connection, MIGRATIONS)?;
        // The journal's mode is kept in the file. It cannot be changed together with the tables.
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.close().map_err(|(_, error)| error)
    })();
    filled.map_err(|error| explain(path, "make it", error.into()))?;
    new.as_file().sync_all().map_err(failed)?;
    match new.persist_noclobber(path) {
        Err(error) if error.error.kind() != ErrorKind::AlreadyExists => return Err(failed(error.error)),
        _ => {}
    }
    if cfg!(unix) {
        File::open(&directory).and_then(|directory| directory.sync_all()).map_err(failed)?;
    }
    Ok(())
}

/// Opens a state to read and write it, and brings it up to date.
pub(super) fn open(path: &Path) -> Result<Connection> {
    let known = recognise(path)?;
    let ready = (|| {
        let mut connection = match known.has_log {
            true => sound(path, path, known, OpenFlags::SQLITE_OPEN_READ_WRITE)?,
            false => {
                sound(path, &immutable(path), known, IMMUTABLE)?;
                connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?
            }
        };
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "cache_size", -(32 << 10))?;
        if known.version < VERSION {
            migrate(&mut connection, MIGRATIONS)?;
        }
        // What cannot be written is told now, and not when all logs have been read.
        Transaction::new(&mut connection, TransactionBehavior::Immediate)?.commit()?;
        Ok(connection)
    })();
    ready.map_err(|fault| explain(path, "open it", fault))
}

/// Opens a state to read it only.
pub(super) fn open_read_only(path: &Path) -> Result<Connection> {
    let known = recognise(path)?;
    if known.version < VERSION {
        return Err(refused(
            path,
            &format!("a state of version {VERSION}"),
            &format!("one of version {}", known.version),
            "the next nightly run brings it up to date",
        ));
    }
    let ready = (|| {
        if known.has_log {
            return sound(path, path, known, OpenFlags::SQLITE_OPEN_READ_ONLY);
        }
        let alone = sound(path, &immutable(path), known, IMMUTABLE)?;
        let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        match version(&connection).map_err(|error| (error.sqlite_error_code(), error)) {
            Ok(_) => Ok(connection),
            // Where nothing can be written, there is no place for what readers and writers share, and no writer either.
            Err((Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly), _)) => Ok(alone),
            Err((_, error)) => Err(error.into()),
        }
    })();
    ready.map_err(|fault| explain(path, "open it", fault))
}

/// How a file is opened as one that nobody changes: without a log, and so without a trace.
const IMMUTABLE: OpenFlags = OpenFlags::SQLITE_OPEN_READ_ONLY.union(OpenFlags::SQLITE_OPEN_URI);

/// The file as one that nobody changes.
fn immutable(path: &Path) -> PathBuf {
    let mut uri = "file://".to_owned();
    for &byte in path.as_os_str().as_encoded_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    (uri + "?immutable=1").into()
}

/// What can be told of a state before it is opened.
#[derive(Clone, Copy)]
struct Known {
    /// Its version, as far as the file says it.
    version: u32,
    /// Whether there is a log beside it, of changes that are not in the file yet.
    has_log: bool,
    /// How long the file is.
    length: u64,
}

/// Refuses what is no state.
fn recognise(path: &Path) -> Result<Known> {
    let refused = |found: &str| Err(refused(path, "a state of jwtriage", found, ANOTHER));
    let unreadable = |error: std::io::Error| cannot(path, "read it", &error);
    if fs::metadata(path).map_err(unreadable)?.is_dir() {
        return refused("a directory");
    }
    let mut file = File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if !metadata.is_file() {
        return refused("something that is no file");
    }
    let has_log = fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0);
    let mut header = [0; 100];
    match file.read_exact(&mut header) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof && metadata.len() == 0 => {
            return refused("an empty file");
        }
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => return Err(unreadable(error)),
        Ok(()) if header.starts_with(MAGIC) => {}
        _ => return refused("a file that is no SQLite database"),
    }
    let number = |at: usize| u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    let application = number(68);
    if application != APPLICATION {
        return refused(&format!("a database of another program (application_id {application:#010x})"));
    }
    let version = number(60);
    if version > VERSION {
        return Err(newer(path, version));
    }
    let page = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 1 << 16,
        page => u64::from(page),
    };
    let length = page * u64::from(number(28));
    if version == 0 || (!has_log && length > metadata.len()) {
        let found = format!("{} of {length} bytes", metadata.len());
        return Err(damaged(path, &found));
    }
    Ok(Known { version, has_log, length: metadata.len() })
}

/// A connection to a state, opened under this name, if it is sound.
fn sound(path: &Path, name: &Path, known: Known, flags: OpenFlags) -> std::result::Result<Connection, Fault> {
    let connection = connect(name, flags)?;
    // What is refused in the end is to stay as it is, with the changes that its log holds.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    let version = version(&connection)?;
    if version > VERSION {
        return Err(newer(path, version).into());
    }
    // More tables than these do no harm: SQLite itself adds some when it is asked for statistics.
    let found = tables(&connection)?;
    if version == VERSION && present_tables()?.iter().any(|table| !found.contains(table)) {
        return Err(damaged(path, &format!("other tables than those of version {version}")).into());
    }
    if known.length <= SMALL {
        check(&connection, path)?;
    }
    Ok(connection)
}

/// Looks at every page.
pub(super) fn check(connection: &Connection, path: &Path) -> std::result::Result<(), Fault> {
    let found: String = connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0))?;
    // What SQLite says of it names tables and pages, and nothing that is in them.
    if found == "ok" { Ok(()) } else { Err(Fault::Report(damaged(path, found.trim()))) }
}

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(PATIENCE)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(connection)
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}

fn cannot(path: &Path, what: &str, error: &std::io::Error) -> Error {
    Error::new(format!("state file {}: cannot {what}: {error}", path.display()))
}

fn refused(path: &Path, expected: &str, found: &str, help: &str) -> Error {
    Error::new(format!("state file {}: expected {expected}, but found {found}; {help}", path.display()))
}

fn newer(path: &Path, version: u32) -> Error {
    refused(
        path,
        &format!("a state of version {VERSION} or older"),
        &format!("one of version {version}, which a newer jwtriage has written"),
        "it was left as it is; run that jwtriage",
    )
}

pub(super) fn damaged(path: &Path, found: &str) -> Error {
    refused(
        path,
        "an undamaged state",
        found,
        "it was left as it is; move it away together with the files beside it whose names go on with -wal and -shm, then restore a \
         backup, or begin anew, which scans everything once more",
    )
}
