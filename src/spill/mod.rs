//! What memory has no room for → sorted runs on disk → one sorted stream.
//!
//! Past `--memory` a worker writes its tokens as a run, in the order of their fingerprints, and begins anew. At the end all runs are
//! merged, so that all that is known of a token comes together (`tokens.rs`); the report goes through tokens in slices, whether
//! they are kept in memory or stored. What else may be as large as the tokens are many is sorted on disk the same way.
//!
//! Runs are files without a name in one directory: whatever happens to the process, nothing of them stays behind. Of one
//! size, at most 64 wait until they are merged into one: neither open files nor buffers grow with the log.
//!
//! Invariant: what is written is what is read, in the order of keys, and whatever the limit was the report is the same.

mod run;
mod tokens;

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

pub use tokens::{StoredTokens, TokenSpill, Tokens, from_bytes, to_bytes};

use run::{PARTS, READER_MEMORY, Run, Writer};

/// How many runs of a size are merged into one.
const MERGES: usize = 64;

/// Entries that are sorted on disk, with keys of one length.
#[derive(Debug)]
pub struct Spill {
    directory: PathBuf,
    key: usize,
    /// How many runs are merged into one.
    merges: usize,
    /// Runs by how often they were merged.
    levels: Mutex<Vec<Vec<Run>>>,
}

impl Spill {
    /// Nothing yet. Runs are written into a directory, and all buffers to merge them take no more than so many bytes.
    #[must_use]
    pub fn new(directory: &Path, key: usize, memory: usize) -> Self {
        let merges = (memory / READER_MEMORY).clamp(2, MERGES);
        Self { directory: directory.to_owned(), key, merges, levels: Mutex::default() }
    }

    /// Writes a run of entries, keys and values, in the order of their keys.
    ///
    /// # Errors
    /// When it cannot be written, or runs cannot be merged, as on a full disk.
    pub fn write(
        &self,
        entries: impl FnOnce(&mut dyn FnMut(&[u8], &[u8]) -> io::Result<()>) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut writer = Writer::new(&self.directory, self.key)?;
        entries(&mut |key, value| writer.push(key, value))?;
        let mut run = writer.finish()?;
        let mut levels = self.levels.lock().unwrap_or_else(PoisonError::into_inner);
        for level in 0.. {
            if levels.len() == level {
                levels.push(Vec::new());
            }
            levels[level].push(run);
            if levels[level].len() < self.merges {
                break;
            }
            let runs = std::mem::take(&mut levels[level]);
            let mut writer = Writer::new(&self.directory, self.key)?;
            for part in 0..PARTS {
                let _ =
                    run::merge(&runs, part, |key, value| writer.push(key, value).map(ControlFlow::Continue))?;
            }
            run = writer.finish()?;
        }
        Ok(())
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.levels.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// All runs.
    fn into_runs(self) -> Vec<Run> {
        self.levels.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect()
    }

    /// All entries, to be read in order and as often as needed.
    #[must_use]
    pub fn finish(self) -> Stored {
        Stored(self.into_runs())
    }
}

/// Entries that were sorted on disk.
#[derive(Debug)]
pub struct Stored(Vec<Run>);

impl Stored {
    /// Hands every entry, its key and its value, to `take`, in the order of keys, until that fails or has enough.
    ///
    /// # Errors
    /// When they cannot be read back; and what `take` gives.
    pub fn each(&self, mut take: impl FnMut(&[u8], &[u8]) -> io::Result<ControlFlow<()>>) -> io::Result<()> {
        for part in 0..PARTS {
            if run::merge(&self.0, part, &mut take)?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_was_written_in_runs_is_read_in_the_order_of_keys(
            runs in prop::collection::vec(prop::collection::vec((any::<[u8; 3]>(), 0..300_usize), 0..40), 0..12),
            memory in 0..1_000_000_usize,
        ) {
            let directory = tempfile::tempdir().unwrap();
            let spill = Spill::new(directory.path(), 3, memory);
            let mut all = Vec::new();
            for (number, mut entries) in runs.into_iter().enumerate() {
                entries.sort();
                let value = |length: usize| vec![number as u8; length];
                spill.write(|push| entries.iter().try_for_each(|(key, length)| push(key, &value(*length)))).unwrap();
                all.extend(entries.into_iter().map(|(key, length)| (key.to_vec(), value(length))));
            }
            all.sort_by(|a, b| a.0.cmp(&b.0));
            let stored = spill.finish();
            for _ in 0..2 {
                let mut read = Vec::new();
                let take = |key: &[u8], value: &[u8]| {
                    read.push((key.to_vec(), value.to_vec()));
                    Ok(ControlFlow::Continue(()))
                };
                stored.each(take).unwrap();
                prop_assert!(read.is_sorted_by_key(|(key, _)| key.clone()));
                let (mut read, mut all) = (read, all.clone());
                read.sort();
                all.sort();
                prop_assert_eq!(read, all);
            }
            prop_assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "no file has a name");
        }
    }
}
