//! The real binary, run on real files: one test program for all of it.

mod golden;
