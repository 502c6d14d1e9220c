//! Token + policy + event time → verdict.

mod words;

pub use words::{Detail, Failure, KeyStatus, Outcome, SignatureStatus, TokenType, Verdict, VerdictSet};
