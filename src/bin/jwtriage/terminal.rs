//! What the user sees: stdout for results, stderr for what went wrong. No token leaves through either, not even one
//! that was typed or pasted where it does not belong.

use std::io::{self, ErrorKind, IsTerminal, Write};

use jwtriage::error::{Error, Result};
use jwtriage::token::mask_tokens;

/// When to use colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Color {
    /// Whether stdout gets colours.
    pub fn on_stdout(self) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => anstream::AutoStream::choice(&io::stdout()) != anstream::ColorChoice::Never,
        }
    }
}

/// The width of the terminal that stdout is, if it is one.
pub fn width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    terminal_size::terminal_size().map(|(width, _)| usize::from(width.0))
}

/// Writes a result to stdout. A reader that has gone away wants no more, and that is no error.
///
/// # Errors
/// When stdout cannot be written for any other reason.
pub fn print(text: &str) -> Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(mask_tokens(text).as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::new(format!("cannot write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a line to stderr. When nobody can read it there is nobody to tell.
pub fn complain(message: &str) {
    let _ = writeln!(io::stderr().lock(), "jwtriage: {}", mask_tokens(message));
}
