//! jwtriage reads archived logs, finds every JSON Web Token and judges it as of the moment its line was written.

pub mod error;
pub mod input;
pub mod policy;
pub mod report;
pub mod run;
pub mod scan;
pub mod secret;
pub mod tally;
pub mod timestamp;
pub mod token;
pub mod triage;
pub mod verdict;
