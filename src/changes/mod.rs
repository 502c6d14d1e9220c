//! What a report says, as counted items, and what is different from what others said.

use std::collections::BTreeMap;

/// What an item is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A verdict; the item's name is its detail.
    Verdict,
    /// A key: issuer, `kid` and `alg`.
    Key,
    /// An issuer.
    Issuer,
    /// An audience.
    Audience,
    /// A source that has findings, or could not be read to its end.
    Source,
    /// A token that is still usable, by its fingerprint.
    LiveToken,
}

/// Something that a report counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Item {
    /// What it is about.
    pub kind: Kind,
    /// What it is called, as reports show it.
    pub name: String,
    /// The verdict that is counted, where the report counts by verdict; else empty.
    pub verdict: String,
}

/// How much of an item there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measure {
    /// Occurrences.
    pub occurrences: u64,
    /// Distinct tokens.
    pub distinct_tokens: u64,
}

/// All that a report counts.
pub type Snapshot = BTreeMap<Item, Measure>;
