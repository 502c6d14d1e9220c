//! What was found around a literal, by the bytes around it: a log says the same thing again and again, and to compare two dozen
//! bytes is many times faster than to run an automaton over them.

use super::finder::FoundLead;
use super::lead::LONGEST_LEAD;
use super::sights::NEAR;
use foldhash::quality::RandomState;
use smallvec::SmallVec;
use std::hash::BuildHasher;

/// How many windows are remembered. One that comes later takes the place of another.
const SLOTS: usize = 1024;

/// The longest window that is kept in place: a literal of the first filter with the rest of a lead on either side, and a little
/// more.
const LONGEST: usize = 32;
const _: () = assert!(2 * LONGEST_LEAD + NEAR.0 + NEAR.1 <= LONGEST, "the usual window fits");

/// A worker's memory of windows. It holds text of the log, and no `Debug` shows it.
#[derive(Default)]
pub struct Memo {
    /// None before the first is remembered.
    slots: Vec<Option<Slot>>,
    hasher: RandomState,
}

struct Slot {
    window: SmallVec<[u8; LONGEST]>,
    literal: usize,
    leads: Vec<FoundLead>,
}

impl std::fmt::Debug for Memo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memo")
    }
}

impl Memo {
    /// What the leads in a window around the literal that begins there may lead to: what `find` finds, or has found the last
    /// time.
    pub(super) fn leads(
        &mut self,
        (window, literal): (&[u8], usize),
        find: impl FnOnce() -> Vec<FoundLead>,
    ) -> &[FoundLead] {
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, || None);
        }
        let place = self.hasher.hash_one(window) as usize % SLOTS;
        let slot = &mut self.slots[place];
        if slot.as_ref().is_none_or(|slot| *slot.window != *window || slot.literal != literal) {
            *slot = Some(Slot { window: SmallVec::from_slice(window), literal, leads: find() });
        }
        slot.as_ref().map_or(&[], |slot| &slot.leads)
    }
}
