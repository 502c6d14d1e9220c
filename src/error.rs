//! What stops a run. A bad token or a bad line is data, never an error; an input that cannot be read is a row in
//! `sources.csv`, not an error either. What remains is the user's to mend: usage, policy, output directory.

use std::fmt;

/// Why nothing was scanned (exit code 2): one line that says what was expected, what was found, and what to do.
#[derive(Debug)]
pub struct Error {
    message: String,
}

impl Error {
    /// An error that shows `message`, which is lower case, names the file or flag and holds no secret.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// The result of what can stop a run.
pub type Result<T, E = Error> = std::result::Result<T, E>;
