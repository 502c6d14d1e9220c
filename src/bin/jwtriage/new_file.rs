//! A file that a command writes: a new one, never in place of another, because a person may have edited that.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::Path;

use jwtriage::error::{Error, Result};

use crate::terminal;

/// Complains if the file of `--out` cannot be written, before any work is done for it.
///
/// # Errors
/// When something is there, or its directory is not.
pub fn expect_absent(out: Option<&Path>) -> Result<()> {
    let Some(out) = out else { return Ok(()) };
    if out.symlink_metadata().is_ok() {
        return Err(is_there(out));
    }
    if !directory(out).is_dir() {
        return Err(Error::new(format!(
            "--out {}: its directory is not there; make it first",
            out.display()
        )));
    }
    Ok(())
}

/// Writes to the file of `--out`, or to standard output.
///
/// # Errors
/// When something is there, or it cannot be written.
pub fn write(out: Option<&Path>, text: &str) -> Result<()> {
    let Some(out) = out else { return terminal::print(text) };
    let cannot = |error| Error::new(format!("--out {}: cannot write it: {error}", out.display()));
    let mut file = match OpenOptions::new().write(true).create_new(true).open(out) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => return Err(is_there(out)),
        opened => opened.map_err(cannot)?,
    };
    file.write_all(text.as_bytes()).map_err(|error| {
        // Half a policy is none.
        let _ = fs::remove_file(out);
        cannot(error)
    })
}

/// The directory in which a file stands.
pub fn directory(file: &Path) -> &Path {
    file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn is_there(out: &Path) -> Error {
    Error::new(format!(
        "--out {}: it is there already and is not overwritten; name another file",
        out.display()
    ))
}
