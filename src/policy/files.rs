//! The files that a policy names: those of the disk, or a caller's own.

use std::io;
use std::path::{Path, PathBuf};

use crate::timestamp::Timestamp;

/// Where the files are that a policy names. A function from a path to its content is one that lists none.
pub trait Files {
    /// The content of a file.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The files that a glob pattern names.
    ///
    /// # Errors
    ///
    /// When the pattern is none, or a directory cannot be read.
    fn matching(&self, pattern: &str) -> Result<Vec<PathBuf>, String>;

    /// When a file was modified last, if that can be told.
    fn modified(&self, path: &Path) -> Option<Timestamp>;
}

/// The files of the disk.
pub(super) struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn matching(&self, pattern: &str) -> Result<Vec<PathBuf>, String> {
        let paths =
            glob::glob(pattern).map_err(|error| format!("expected a glob pattern, found {}", error.msg))?;
        let mut files = Vec::new();
        for path in paths {
            let path = path.map_err(|error| format!("{}: cannot read it", error.path().display()))?;
            if path.is_file() {
                files.push(path);
            }
        }
        Ok(files)
    }

    fn modified(&self, path: &Path) -> Option<Timestamp> {
        let modified = std::fs::metadata(path).and_then(|metadata| metadata.modified()).ok()?;
        let at = jiff::Timestamp::try_from(modified).ok()?;
        Some(Timestamp::from_millis(at.as_millisecond()))
    }
}

impl<F: Fn(&Path) -> io::Result<Vec<u8>>> Files for F {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self(path)
    }

    fn matching(&self, _: &str) -> Result<Vec<PathBuf>, String> {
        Ok(Vec::new())
    }

    fn modified(&self, _: &Path) -> Option<Timestamp> {
        None
    }
}
