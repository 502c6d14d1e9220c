//! What a run that comes every night knows beyond a scan: what is new since the last one, and where its report belongs.
//!
//! - [`mod@config`]: what is scanned, and who is told
//! - [`mod@lock`]: one run at a time
//! - [`mod@plan`]: files → what of each is to be read, and what is to be remembered of it afterwards
//! - [`mod@shelf`]: the directory of reports, `latest`, and how long they are kept
//!
//! Invariants:
//! - What is counted once is never counted again, whatever a file is called, how often it is packed, and whenever a run is killed.
//! - A report is on the shelf, complete, if and only if the state counts it, as soon as the run, or the next one, has put it there.

pub mod config;
pub mod lock;
mod look;
pub mod plan;
pub mod shelf;
