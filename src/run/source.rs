//! A source while it is read by one thread and triaged by many.

use std::sync::{Arc, Mutex};

use super::{into_inner, lock};
use crate::input::Status;
use crate::scan::survey::Known;
use crate::tally::source::Found;
use crate::tally::{MessageTally, SourceTally};
use crate::triage::{Edges, Entries, Seam, SourceId};

/// A source while it is read, and afterwards.
pub(super) struct SourceState {
    pub(super) id: SourceId,
    found: Mutex<Found>,
    said: Mutex<Said>,
    read: Mutex<ReadState>,
    known: Mutex<Known>,
}

/// What verifiers said in records that lie in several chunks.
#[derive(Default)]
struct Said {
    seam: Seam,
    messages: MessageTally,
}

/// How far a source was read.
pub(super) struct ReadState {
    pub(super) status: Status,
    pub(super) bytes: u64,
    pub(super) lines: u64,
    pub(super) error: String,
}

impl SourceState {
    /// A source of which nothing was read.
    pub(super) fn new(id: SourceId) -> Self {
        let read = ReadState { status: Status::Complete, bytes: 0, lines: 0, error: String::new() };
        Self {
            id,
            found: Mutex::default(),
            said: Mutex::default(),
            read: Mutex::new(read),
            known: Mutex::default(),
        }
    }

    /// Notes what its chunks have told so far.
    pub(super) fn note(&self, known: Known) {
        *lock(&self.known) = known;
    }

    /// What was noted last.
    pub(super) fn known(&self) -> Known {
        *lock(&self.known)
    }

    /// Adds what was found in a chunk, by its number.
    pub(super) fn add(&self, found: Found, number: u64, edges: Edges, entries: Entries<'_>) {
        lock(&self.found).merge(found);
        let Said { seam, messages } = &mut *lock(&self.said);
        seam.join(number, edges, self.id.number, entries, messages);
    }

    /// Notes how far it was read; says what is known of it by then.
    pub(super) fn end(&self, end: ReadState) -> SourceTally {
        *lock(&self.read) = end;
        self.tally()
    }

    fn tally(&self) -> SourceTally {
        let ReadState { status, bytes, lines, ref error } = *lock(&self.read);
        SourceTally {
            id: self.id.number,
            name: Arc::clone(&self.id.name),
            status,
            bytes,
            lines,
            found: lock(&self.found).clone(),
            error: error.clone(),
        }
    }

    /// What was found in the source, and what verifiers said across its chunks.
    pub(super) fn into_tally(self, entries: Entries<'_>) -> (SourceTally, MessageTally) {
        let tally = self.tally();
        let Said { mut seam, mut messages } = into_inner(self.said);
        seam.finish(self.id.number, entries, &mut messages);
        (tally, messages)
    }
}
