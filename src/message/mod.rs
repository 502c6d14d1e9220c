//! The error texts that verifiers print: which text says what, and where in a log one stands.
//!
//! `catalogue.csv` is the project's own list, a row for each text: `stack` and `library` (joined with ` / ` where
//! several print the same text), the `cause` that it names, its `rank` and its `pattern`. The rank says how much the
//! text is worth: 3 names the cause in words that are unmistakably a verifier's, 2 in clear words that others use too,
//! and 1 is generic, or wraps a better text. Patterns are regular expressions over bytes with ASCII classes, in
//! which a quote stands for every way in which logs escape it (`pattern.rs`). Words that other programs print as often are
//! there with something around them that only verifiers say, or not at all. A policy adds messages of its own
//! ([`OwnMessage`]).
//!
//! A [`Finder`] looks for all of them at once, in three steps, each of which only runs where the one before it hit: a
//! vectorised search for the few short literals of `lead.rs`, of which every entry holds one; around these, an
//! automaton over one literal of each entry; around its hits, the entry's text or pattern.
//!
//! Invariants: nothing here reads a file or fails on what a log holds. What is shown of a message is its pattern's
//! text, never the log's. No match crosses the end of a line.

mod catalogue;
mod cause;
mod finder;
mod lead;
mod memo;
mod pattern;
mod sights;
mod span;

pub use catalogue::{Catalogue, DEFAULT_RANK, Entry, OwnMessage, RANKS};
pub use cause::Cause;
pub use finder::{Finder, Hit};
pub use memo::Memo;
pub use sights::{Sight, Sights, Starts};

#[cfg(test)]
mod tests;
