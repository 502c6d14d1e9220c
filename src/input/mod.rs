//! Bytes in.

pub mod chunk;
pub mod record;
