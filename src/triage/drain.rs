//! A worker that forgets its tokens, because they take too much memory.

use super::Worker;
use super::facts::Words;
use super::known::Known;
use super::prepared::Prepared;
use crate::secret::Fingerprint;
use crate::tally::Record;

impl Worker<'_> {
    /// About how much memory the tokens take that it remembers, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        let known = self.tokens.capacity() * size_of::<Known>();
        let by_bytes = self.by_bytes.capacity() * size_of::<u32>() * 8 / 7;
        let prepared = self.prepared.len() * Prepared::MEMORY + self.words.memory();
        known + by_bytes + prepared + self.tally.memory()
    }

    /// Takes out all that was counted of tokens, in the order of their fingerprints, and forgets them.
    pub fn drain(&mut self) -> impl Iterator<Item = (Fingerprint, Record)> + use<> {
        for known in &mut self.tokens {
            known.hand_over(&mut self.tally);
        }
        self.tokens.clear();
        self.prepared.clear();
        self.by_bytes.clear();
        self.words = Words::default();
        // What is shared is remembered by some worker, and takes no more memory than that counts.
        self.shared.clear();
        self.tally.drain()
    }
}
