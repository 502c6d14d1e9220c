//! Proposals: policy files that are written for a person to edit, from what an issuer publishes (`init.rs`) or from
//! what logs hold (`evidence.rs`, `infer.rs`).
//!
//! A proposal never decides what only a person can: what is not known stands in it as a comment, with what was seen.
//!
//! Invariants: a proposal parses as a policy, whatever an issuer, an audience or a `kid` is called (`draft.rs`). No line
//! of it holds a token or a character that cannot be seen. The same inputs give the same bytes.

mod draft;
mod evidence;
mod infer;
mod init;

pub use infer::{Inferred, infer};
pub use init::{KeyFile, init};

#[cfg(test)]
mod tests;
