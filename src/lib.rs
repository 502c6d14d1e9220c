//! jwtriage reads archived logs, finds every JSON Web Token and judges it as of the moment its line was written.

pub mod error;
pub mod input;
pub mod timestamp;
