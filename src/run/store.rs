//! Tokens that memory has no room for, while workers count them.

use std::path::PathBuf;

use crate::at_once::AtOnce;
use crate::error::{Error, Result};
use crate::spill::{StoredTokens, TokenSpill};
use crate::tally::Tally;
use crate::triage::Worker;

/// How much memory tokens may take, and where they go when there are more.
#[derive(Clone, Debug)]
pub struct Memory {
    /// About how many bytes all that is known of tokens may take.
    pub bytes: usize,
    /// The directory that runs of tokens are written into.
    pub directory: PathBuf,
}

/// See the module.
pub(super) struct Store {
    spill: TokenSpill,
    /// What the tokens of one worker may take.
    share: usize,
    memory: Memory,
}

impl Store {
    /// Of so many workers.
    pub(super) fn new(memory: &Memory, workers: usize) -> Self {
        let spill = TokenSpill::new(&memory.directory, memory.bytes);
        Self { spill, share: memory.bytes / workers, memory: memory.clone() }
    }

    /// Writes the tokens of a worker, if they take more than its share.
    pub(super) fn relieve(&self, worker: &mut Worker<'_>) -> Result<()> {
        if worker.memory() <= self.share {
            return Ok(());
        }
        self.spill.write(worker.drain()).map_err(|error| self.complaint(&error))
    }

    /// Whether nothing was written.
    pub(super) fn is_empty(&self) -> bool {
        self.spill.is_empty()
    }

    /// Writes the last tokens of a worker; gives what else it has counted.
    pub(super) fn last(&self, mut worker: Worker<'_>) -> Result<Tally> {
        self.spill.write(worker.drain()).map_err(|error| self.complaint(&error))?;
        Ok(worker.into_tally())
    }

    /// Brings all that is known of each token together.
    pub(super) fn finish(self, tally: &mut Tally, at_once: &AtOnce<'_>) -> Result<StoredTokens> {
        let Self { spill, memory, .. } = self;
        // What was said across chunks.
        let stored = spill.write(tally.drain()).and_then(|()| spill.finish(tally, at_once));
        stored.map_err(|error| complaint(&memory, &error))
    }

    fn complaint(&self, error: &std::io::Error) -> Error {
        complaint(&self.memory, error)
    }
}

fn complaint(memory: &Memory, error: &std::io::Error) -> Error {
    let Memory { bytes, directory } = memory;
    Error::new(format!(
        "cannot store in {} the tokens that have no room in the {} MiB of --memory: {error}; raise --memory, or set \
         TMPDIR to a directory with more room",
        directory.display(),
        bytes >> 20
    ))
}
