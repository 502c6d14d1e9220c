//! The tests that need the whole: one binary, so that it is linked once.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

mod cli;
mod diff;
mod documents;
mod faults;
mod golden;
mod hints;
mod history;
mod laws;
mod leak;
mod logs;
mod messages;
mod nightly;
mod nights;
mod parts;
mod profiles;
mod schedule;
mod shell;
mod signatures;
mod support;
mod tidy;
