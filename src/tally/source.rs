//! What was read of one source, and what was found in it.

use std::sync::Arc;

use crate::input::Status;
use crate::scan::event_time::TimeFormat;
use crate::timestamp::Timestamp;

use super::{NearMisses, earliest};

/// One source's row of `sources.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceTally {
    /// The source's number, by which tokens refer to it.
    pub id: u32,
    /// Its name, as the user would type it.
    pub name: Arc<str>,
    /// How far it could be read.
    pub status: Status,
    /// Decompressed bytes that were scanned.
    pub bytes: u64,
    /// Lines that were scanned; a last line without a line end counts.
    pub lines: u64,
    /// What was found in it.
    pub found: Found,
    /// Why it is not complete, with the offset where that is known; else empty.
    pub error: String,
}

/// What was found in a source, or in a part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Findings.
    pub candidates: u64,
    /// Findings whose verdict is `valid`.
    pub valid: u64,
    /// Findings whose verdict is `expired`.
    pub expired: u64,
    /// The earliest event time of a finding.
    pub first_event: Option<Timestamp>,
    /// The latest event time of a finding.
    pub last_event: Option<Timestamp>,
    /// The formats in which lines with findings state their time.
    /// See [`Found::time_formats`].
    pub(crate) time_formats: Vec<TimeFormat>,
    /// Lines with findings that state no time of their own.
    pub undated_lines: u64,
    /// Findings whose event time is the source's modification time.
    pub at_file_time: u64,
    /// Findings that have no event time.
    pub untimed: u64,
    /// Findings that `--since` or `--until` left out; counted nowhere else.
    pub outside: u64,
    /// By how much findings that fail by time alone miss their dates, where that is little.
    pub near_misses: NearMisses,
}

impl Found {
    /// Adds what was found in another part.
    pub fn merge(&mut self, other: Self) {
        self.candidates += other.candidates;
        self.valid += other.valid;
        self.expired += other.expired;
        self.first_event = earliest(self.first_event, other.first_event);
        self.last_event = self.last_event.max(other.last_event);
        other.time_formats.into_iter().for_each(|format| self.add_time_format(format));
        self.undated_lines += other.undated_lines;
        self.at_file_time += other.at_file_time;
        self.untimed += other.untimed;
        self.outside += other.outside;
        self.near_misses.merge(&other.near_misses);
    }

    /// Notes the format in which a line states its time. Most sources have one, few have more than two.
    pub fn add_time_format(&mut self, format: TimeFormat) {
        if !self.time_formats.contains(&format) {
            self.time_formats.push(format);
        }
    }

    /// The names of the formats in which lines with findings state their time, sorted.
    #[must_use]
    pub fn time_formats(&self) -> Vec<String> {
        let mut names: Vec<_> = self.time_formats.iter().map(ToString::to_string).collect();
        names.sort_unstable();
        names
    }

    /// Findings whose verdict is not `valid`.
    #[must_use]
    pub const fn failing(&self) -> u64 {
        self.candidates - self.valid
    }
}
