//! What was found around a literal, by the bytes around it: a log says the same thing again and again, and to compare two dozen
//! bytes is many times faster than to run an automaton over them.

use super::finder::FoundLead;
use super::lead::LONGEST_LEAD;
use super::sights::NEAR;
use super::span::Span;
use foldhash::quality::RandomState;
use smallvec::SmallVec;
use std::hash::BuildHasher;

/// How many windows are remembered. One that comes later takes the place of another.
const SLOTS: usize = 1024;

/// How many more spans may be remembered than have come again. To remember one costs about as much as to look at it; of what
/// never comes again, only one in [`SELDOM`] is.
const FUTILE: u8 = 64;
const SELDOM: u8 = 32;

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
    /// The window that was looked up last.
    last: usize,
    /// How many more spans were remembered than have come again.
    futile: u8,
    /// How many spans were looked at.
    looks: u8,
}

struct Slot {
    window: SmallVec<[u8; LONGEST]>,
    literal: usize,
    leads: Vec<FoundLead>,
    /// What was found there and behind it.
    span: Span,
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
        self.last = self.hasher.hash_one(window) as usize % SLOTS;
        let slot = &mut self.slots[self.last];
        if slot.as_ref().is_none_or(|slot| *slot.window != *window || slot.literal != literal) {
            *slot = Some(Slot {
                window: SmallVec::from_slice(window),
                literal,
                leads: find(),
                span: Span::default(),
            });
        }
        slot.as_ref().map_or(&[], |slot| &slot.leads)
    }

    /// The window that was looked up last.
    pub(super) const fn last(&self) -> usize {
        self.last
    }

    /// The span that was remembered with a window, or with another that came later.
    pub(super) fn span(&mut self, window: usize) -> Option<&mut Span> {
        Some(&mut self.slots.get_mut(window)?.as_mut()?.span)
    }

    /// Notes that a span has come again.
    pub(super) const fn note_again(&mut self) {
        self.futile = self.futile.saturating_sub(1);
    }

    /// Whether the span that is looked at now is worth remembering.
    pub(super) const fn is_worth(&mut self) -> bool {
        self.looks = self.looks.wrapping_add(1);
        if self.futile < FUTILE {
            self.futile += 1;
            return true;
        }
        self.looks.is_multiple_of(SELDOM)
    }
}
