//! What holds of jwtriage as a whole, told from outside: through the library's front door, or through the program.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop where it stands")]

mod cli;
mod faults;
mod laws;
mod leak;
mod logs;
mod support;
mod tidy;
