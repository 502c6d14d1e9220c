//! What was read of one source, and what was found in it.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::timestamp::Timestamp;

use super::earliest;

/// How far a source could be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SourceStatus {
    /// To its end.
    Complete,
    /// Up to an error.
    Partial,
    /// Not at all.
    Unreadable,
    /// Left out on purpose.
    Skipped,
}

impl SourceStatus {
    /// The status as the reports write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Unreadable => "unreadable",
            Self::Skipped => "skipped",
        }
    }

    /// Whether bytes of the source may be missing from the report without anybody having asked for it.
    #[must_use]
    pub const fn is_incomplete(self) -> bool {
        matches!(self, Self::Partial | Self::Unreadable)
    }
}

/// One source's row of `sources.csv`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceTally {
    /// The source's number, by which tokens refer to it.
    pub id: u32,
    /// Its name, as the user would type it.
    pub name: Arc<str>,
    /// How far it could be read.
    pub status: SourceStatus,
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
    /// The earliest event time of a finding.
    pub first_event: Option<Timestamp>,
    /// The latest event time of a finding.
    pub last_event: Option<Timestamp>,
    /// The formats in which lines with findings state their time.
    pub time_formats: BTreeSet<&'static str>,
    /// Lines with findings that state no time of their own.
    pub undated_lines: u64,
    /// Findings that `--since` or `--until` left out; counted nowhere else.
    pub outside: u64,
}

impl Found {
    /// Adds what was found in another part.
    pub fn merge(&mut self, other: Self) {
        self.candidates += other.candidates;
        self.valid += other.valid;
        self.first_event = earliest(self.first_event, other.first_event);
        self.last_event = self.last_event.max(other.last_event);
        self.time_formats.extend(other.time_formats);
        self.undated_lines += other.undated_lines;
        self.outside += other.outside;
    }

    /// Findings whose verdict is not `valid`.
    #[must_use]
    pub const fn failing(&self) -> u64 {
        self.candidates - self.valid
    }
}
