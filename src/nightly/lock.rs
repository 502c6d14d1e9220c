//! One run at a time: a file beside the state that is locked as long as a run lasts. The system lets go of it however the run ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::error::{Error, Result};
use crate::timestamp::Timestamp;

/// How much of what a holder wrote is read.
const MOST: u64 = 200;

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// What came of trying to lock.
#[derive(Debug)]
pub enum Locked {
    /// It is ours.
    Ours(Lock),
    /// Another run has it, which wrote this of itself.
    Theirs(String),
}

impl Lock {
    /// Takes the lock at this path, and writes who has it.
    ///
    /// # Errors
    /// When the file cannot be opened or locked for another reason than that it is locked.
    pub fn take(path: &Path, now: Timestamp) -> Result<Locked> {
        let cannot = |error| Error::new(format!("cannot lock \"{}\": {error}", path.display()));
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = opened.map_err(cannot)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Locked::Theirs(holder(&mut file))),
            Err(TryLockError::Error(error)) => return Err(cannot(error)),
        }
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "process {} since {now}", std::process::id()));
        // Who has it is only told to others: a full disk does not keep a run from running.
        drop(written);
        Ok(Locked::Ours(Self { _file: file }))
    }
}

/// What the holder wrote of itself.
fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.take(MOST).read_to_string(&mut text);
    let line = text.lines().next().unwrap_or_default();
    let is_told = line.starts_with("process ") && line.chars().all(|it| it.is_ascii_graphic() || it == ' ');
    if is_told { line.to_owned() } else { "another process".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_is_told_who_was_first_until_that_one_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.db.lock");
        let now = Timestamp::from_seconds(1_781_226_000);
        let Locked::Ours(first) = Lock::take(&path, now).unwrap() else { panic!("nobody has it") };
        let Locked::Theirs(holder) = Lock::take(&path, now).unwrap() else { panic!("it is taken") };
        assert_eq!(holder, format!("process {} since 2026-06-12T01:00:00Z", std::process::id()));
        drop(first);
        assert!(matches!(Lock::take(&path, now).unwrap(), Locked::Ours(_)));
    }

    #[test]
    fn what_a_holder_wrote_is_shown_only_if_it_looks_like_that() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let other = File::create(&path).unwrap();
        other.lock().unwrap();
        (&other).write_all(b"process \x1b[31m1").unwrap();
        let taken = Lock::take(&path, Timestamp::from_seconds(0)).unwrap();
        assert!(matches!(taken, Locked::Theirs(holder) if holder == "another process"));
    }
}
