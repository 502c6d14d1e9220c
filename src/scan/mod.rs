//! Bytes to candidates, and what a line says about itself. Pure: no I/O, no clock, no threads.

pub mod event_time;
