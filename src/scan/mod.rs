//! Bytes → candidates: where tokens may be, and when the line was written.

pub mod candidate;
pub mod event_time;
pub mod feed;
pub mod groups;
pub mod lines;
pub mod survey;
