//! How much was read, how much of it tells its time, and what was found in all: the sums of `sources.csv`.

use serde::Serialize;

use super::Report;
use super::rows::{Shown, When};
use crate::input::Status;
use crate::tally::{SourceTally, earliest};

/// The sums of `sources.csv`.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Coverage {
    pub(super) sources: u64,
    pub(super) complete: u64,
    pub(super) partial: u64,
    pub(super) unreadable: u64,
    pub(super) skipped: u64,
    pub(super) bytes: u64,
    pub(super) lines: u64,
    pub(super) undated_lines: u64,
    /// Findings whose event time is a file's modification time.
    pub(super) at_file_time: u64,
    /// Findings without an event time.
    pub(super) without_time: u64,
    /// Findings that `--since` and `--until` left out.
    pub(super) left_out: u64,
}

/// What was found in all.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub(super) occurrences: u64,
    pub(super) valid: u64,
    pub(super) failing: u64,
    pub(super) distinct_tokens: u64,
    pub(super) live_tokens: u64,
    pub(super) first_event: When,
    pub(super) last_event: When,
}

impl Coverage {
    fn add(&mut self, source: &SourceTally) {
        self.sources += 1;
        *match source.status {
            Status::Complete => &mut self.complete,
            Status::Partial => &mut self.partial,
            Status::Unreadable => &mut self.unreadable,
            Status::Skipped => &mut self.skipped,
        } += 1;
        self.bytes += source.bytes;
        self.lines += source.lines;
        self.undated_lines += source.found.undated_lines;
        self.at_file_time += source.found.at_file_time;
        self.without_time += source.found.untimed;
        self.left_out += source.found.outside;
    }

    /// Sources that could not be read to their end.
    pub(super) const fn incomplete(&self) -> u64 {
        self.partial + self.unreadable
    }
}

impl Report<'_> {
    /// How much was read.
    pub(super) fn coverage(&self) -> Coverage {
        let mut coverage = Coverage::default();
        self.findings.sources.iter().for_each(|source| coverage.add(source));
        coverage
    }

    /// What was found in all.
    pub(super) fn totals(&self) -> Totals {
        let mut totals = Totals {
            distinct_tokens: self.tokens.count(),
            live_tokens: self.live_tokens(),
            ..Totals::default()
        };
        let (mut first, mut last) = (None, None);
        for found in self.findings.sources.iter().map(|source| &source.found) {
            totals.occurrences += found.candidates;
            totals.valid += found.valid;
            totals.failing += found.failing();
            first = earliest(first, found.first_event);
            last = last.max(found.last_event);
        }
        (totals.first_event, totals.last_event) = (first.map(Shown), last.map(Shown));
        totals
    }
}
