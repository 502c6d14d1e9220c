//! What is wrong with a policy (errors, all of them at once) and what is doubtful about it (warnings), each with its
//! place. Also how names that somebody else chose (a `kid`, a path) are shown safely.

use crate::error::{Error, Result};
use std::fmt;

/// A value as it was written, and where: the line of a policy file, or a flag.
#[derive(Clone, Debug)]
pub(crate) struct Written<T> {
    /// The line in the policy file, from 1; `None` for a flag.
    pub(crate) line: Option<usize>,
    /// The key, or the flag with its dashes.
    pub(crate) key: &'static str,
    /// What was written.
    pub(crate) value: T,
}

/// The errors found so far. All are collected, so that one run of the user's mends them all.
#[derive(Debug)]
pub(crate) struct Problems {
    file: String,
    found: Vec<(Option<usize>, String)>,
}

impl Problems {
    pub(crate) fn new(file: &str) -> Self {
        Self { file: file.to_owned(), found: Vec::new() }
    }

    /// Notes a problem at a line of the policy file.
    pub(crate) fn add(&mut self, line: Option<usize>, message: impl fmt::Display) {
        self.found.push((line, format!("{}{message}", place_prefix(&self.file, line))));
    }

    /// Notes a problem with a value.
    pub(crate) fn with<T>(&mut self, written: &Written<T>, message: impl fmt::Display) {
        self.add(written.line, format_args!("{}: {message}", written.key));
    }

    /// `Ok` when nothing was noted; else every problem on a line of its own, in the order of the file.
    pub(crate) fn into_result(mut self) -> Result<()> {
        if self.found.is_empty() {
            return Ok(());
        }
        self.found.sort_by_key(|(line, _)| *line);
        let lines: Vec<String> = self.found.into_iter().map(|(_, message)| message).collect();
        Err(Error::new(lines.join("\n")))
    }
}

fn place_prefix(file: &str, line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!("{file}:{line}: "))
}

/// Something doubtful that stops nothing: one line, with the file (and line) that it is about. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// `file:line`, the file alone, or a flag.
    pub place: String,
    /// What is doubtful, and what follows from it.
    pub message: String,
}

impl Warning {
    pub(super) fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into() }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Text that somebody else wrote, on one line and of bounded length: control characters are escaped, the rest of a
/// long one is cut.
pub(super) fn shown(text: &str) -> String {
    const LONGEST: usize = 256;
    let mut shown = String::new();
    for (n, c) in text.chars().enumerate() {
        if n == LONGEST {
            shown.push('…');
            break;
        }
        if c.is_control() { shown.extend(c.escape_default()) } else { shown.push(c) }
    }
    shown
}

/// [`shown`], between quotes.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", shown(text))
}
