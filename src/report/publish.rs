//! A directory that is complete or absent.
//!
//! All files are written into a hidden directory beside the one that the user named, and renamed into its place when
//! the last is written. What is dropped before that leaves nothing behind.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Read as _, Write};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{html, json, markdown};
use crate::error::{Error, Result};

/// Every file that a report may hold, and those that desktops leave wherever somebody looks. A directory that holds
/// anything else is not replaced: it would take away what jwtriage did not write.
const MAY_BE_REPLACED: [&str; 23] = [
    "summary.csv",
    "tokens.csv",
    "issuers.csv",
    "audiences.csv",
    "clients.csv",
    "keys.csv",
    "timeline.csv",
    "sources.csv",
    "messages.csv",
    "hints.csv",
    "live.csv",
    "groups.csv",
    "occurrences.csv",
    "report.json",
    "report.html",
    "summary.md",
    "new.csv",
    "resolved.csv",
    "out_of_band.csv",
    "changes.md",
    ".DS_Store",
    "Thumbs.db",
    "desktop.ini",
];

/// A report on its way: a directory that nobody sees until [`Staging::publish`].
pub struct Staging {
    /// Where the report will be, links resolved.
    target: PathBuf,
    /// Where it is made: in the same directory as the target, so that a rename moves it.
    made: TempDir,
}

/// By which files a directory is told to be a report: each format has one that the others lack, and how that begins.
/// Other programs write files of some of these names too.
const MARKS: [(&str, &[u8]); 4] = [
    ("summary.csv", b""),
    ("report.json", json::BEGINNING),
    ("summary.md", markdown::BEGINNING),
    ("report.html", html::BEGINNING),
];

impl Staging {
    /// Begins a report that will be in `out`, which may be absent, empty or an earlier report.
    ///
    /// # Errors
    /// When `out` is anything else, or nothing can be written beside it.
    pub fn new(out: &Path) -> Result<Self> {
        let target = match fs::symlink_metadata(out) {
            Ok(_) => fs::canonicalize(out).map_err(|error| cannot("use", out, &error))?,
            Err(error) if error.kind() == ErrorKind::NotFound => out.to_owned(),
            Err(error) => return Err(cannot("use", out, &error)),
        };
        check_replaceable(&target, out)?;
        let parent = parent(&target);
        if !parent.is_dir() {
            return Err(Error::new(format!(
                "expected --out to name a place in an existing directory, but found no directory \"{}\": \
                 create it first",
                parent.display()
            )));
        }
        let made = beside(&target, "partial").map_err(|error| cannot("write beside", out, &error))?;
        Ok(Self { target, made })
    }

    /// Begins a report that waits in a hidden directory in `parent`, until somebody puts it in its place.
    ///
    /// # Errors
    /// When nothing can be written there.
    pub fn waiting(parent: &Path, prefix: &str) -> Result<Self> {
        let made = tempfile::Builder::new().prefix(prefix).tempdir_in(parent);
        let made = made.map_err(|error| cannot("write into", parent, &error))?;
        Ok(Self { target: made.path().to_owned(), made })
    }

    /// Leaves the report where it is made, and says where that is.
    #[must_use]
    pub fn keep(self) -> PathBuf {
        self.made.keep()
    }

    /// The directory in which the report is made.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.made.path()
    }

    /// Writes one file of the report.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<()> {
        let written = || {
            let mut out = BufWriter::with_capacity(1 << 16, File::create_new(self.path().join(name))?);
            write(&mut out)?;
            out.flush()
        };
        written().map_err(|error| cannot("write", &self.target.join(name), &error))
    }

    /// Puts the report in its place. An earlier report is moved away first and removed last, so that its place never
    /// holds half of either.
    ///
    /// # Errors
    /// When that cannot be done; an earlier report is then back in its place.
    pub fn publish(self) -> Result<()> {
        // A scan takes its time: the place may no longer be what it was.
        check_replaceable(&self.target, &self.target)?;
        let failed = |error| cannot("replace", &self.target, &error);
        let earlier = beside(&self.target, "earlier").map_err(failed)?;
        let moved_to = earlier.path().join("report");
        let was_there = match fs::rename(&self.target, &moved_to) {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            Err(error) => return Err(failed(error)),
        };
        if let Err(error) = fs::rename(self.made.path(), &self.target) {
            if was_there && fs::rename(&moved_to, &self.target).is_err() {
                let kept = earlier.keep().join("report");
                return Err(Error::new(format!(
                    "cannot replace \"{}\": {error}; the earlier report is in \"{}\"",
                    self.target.display(),
                    kept.display()
                )));
            }
            return Err(failed(error));
        }
        // The directory is no longer where it was made: there is nothing left to clean up.
        let _ = self.made.keep();
        Ok(())
    }
}

/// Refuses a target whose replacement would take away what jwtriage did not write; `out` is its name for the user.
fn check_replaceable(target: &Path, out: &Path) -> Result<()> {
    let expected = "expected --out to name a new directory, an empty one or an earlier report";
    let entries = match fs::read_dir(target) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound && target.file_name().is_some() => return Ok(()),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            return Err(Error::new(format!(
                "{expected}, but found the file \"{}\": name another directory",
                out.display()
            )));
        }
        Err(error) => return Err(cannot("use", out, &error)),
    };
    let names = entries
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect::<io::Result<Vec<OsString>>>()
        .map_err(|error| cannot("use", out, &error))?;
    let foreign = names.iter().filter(|name| !MAY_BE_REPLACED.iter().any(|known| name == known)).min();
    if let Some(foreign) = foreign {
        return Err(Error::new(format!(
            "{expected}, but found \"{}\" in \"{}\": name another directory",
            foreign.display(),
            out.display()
        )));
    }
    if !names.is_empty() && !MARKS.iter().any(|(name, beginning)| begins(&target.join(name), beginning)) {
        return Err(Error::new(format!(
            "{expected}, but found neither summary.csv nor a report of another format in \"{}\", which is not empty: \
             name another directory",
            out.display()
        )));
    }
    let current = std::env::current_dir().and_then(fs::canonicalize);
    if current.is_ok_and(|current| current == target) {
        return Err(Error::new(format!(
            "expected --out to name another directory than the current one, but found \"{}\": it could not be \
             replaced as a whole",
            out.display()
        )));
    }
    Ok(())
}

/// Whether there is a file that begins like this.
fn begins(path: &Path, beginning: &[u8]) -> bool {
    let mut found = Vec::with_capacity(beginning.len());
    let read = File::open(path).and_then(|file| file.take(beginning.len() as u64).read_to_end(&mut found));
    read.is_ok() && found == beginning
}

/// A new hidden directory beside the target, named after it.
fn beside(target: &Path, purpose: &str) -> io::Result<TempDir> {
    let mut prefix = OsString::from(".");
    prefix.push(target.file_name().unwrap_or_default());
    prefix.push(format!(".{purpose}-"));
    tempfile::Builder::new().prefix(&prefix).tempdir_in(parent(target))
}

/// The directory that holds the target.
fn parent(target: &Path) -> &Path {
    match target.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn cannot(what: &str, path: &Path, error: &io::Error) -> Error {
    Error::new(format!("cannot {what} \"{}\": {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names_in(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn write(staging: &Staging, name: &str, text: &str) {
        staging.write(name, |out| out.write_all(text.as_bytes())).unwrap();
    }

    fn report(out: &Path, text: &str) {
        let staging = Staging::new(out).unwrap();
        write(&staging, "summary.csv", text);
        staging.publish().unwrap();
    }

    fn refusal(out: &Path) -> String {
        Staging::new(out).err().expect("it is refused").to_string()
    }

    #[test]
    fn a_report_appears_only_when_it_is_published() {
        let home = tempfile::tempdir().unwrap();
        let out = home.path().join("report");
        let staging = Staging::new(&out).unwrap();
        write(&staging, "summary.csv", "a\n");
        write(&staging, "tokens.csv", "b\n");
        assert!(!out.exists());
        let hidden = names_in(home.path());
        assert!(hidden.len() == 1 && hidden[0].starts_with(".report.partial-"), "{hidden:?}");
        staging.publish().unwrap();
        assert_eq!(names_in(home.path()), ["report"]);
        assert_eq!(names_in(&out), ["summary.csv", "tokens.csv"]);
    }

    #[test]
    fn an_earlier_report_is_there_until_the_next_one_is_and_is_replaced_as_a_whole() {
        let home = tempfile::tempdir().unwrap();
        let out = home.path().join("report");
        report(&out, "old\n");
        fs::write(out.join("occurrences.csv"), "only the old one has it").unwrap();
        let staging = Staging::new(&out).unwrap();
        write(&staging, "summary.csv", "new\n");
        assert_eq!(names_in(&out), ["occurrences.csv", "summary.csv"]);
        assert_eq!(fs::read_to_string(out.join("summary.csv")).unwrap(), "old\n");
        staging.publish().unwrap();
        assert_eq!(names_in(&out), ["summary.csv"]);
        assert_eq!(fs::read_to_string(out.join("summary.csv")).unwrap(), "new\n");
        assert_eq!(names_in(home.path()), ["report"]);
    }

    #[test]
    fn an_empty_directory_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        let out = home.path().join("report");
        fs::create_dir(&out).unwrap();
        report(&out, "new\n");
        assert_eq!(names_in(&out), ["summary.csv"]);
    }

    #[test]
    fn what_is_dropped_before_it_is_published_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        let staging = Staging::new(&home.path().join("report")).unwrap();
        write(&staging, "summary.csv", "a\n");
        drop(staging);
        assert_eq!(names_in(home.path()), [""; 0]);
    }

    #[test]
    fn a_file_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let out = home.path().join("report");
        fs::write(&out, "mine").unwrap();
        assert!(refusal(&out).contains("but found the file \""), "{}", refusal(&out));
        assert_eq!(fs::read_to_string(&out).unwrap(), "mine");
    }

    #[test]
    fn a_directory_with_anything_that_is_no_report_is_refused_and_left_alone() {
        let home = tempfile::tempdir().unwrap();
        let out = home.path().join("logs");
        fs::create_dir(&out).unwrap();
        fs::write(out.join("tokens.csv"), "somebody else's").unwrap();
        assert!(refusal(&out).contains("found neither summary.csv nor"), "{}", refusal(&out));
        fs::write(out.join("summary.csv"), "a report's").unwrap();
        fs::write(out.join("notes.txt"), "mine").unwrap();
        assert!(refusal(&out).contains("found \"notes.txt\" in \""), "{}", refusal(&out));
        assert_eq!(names_in(&out), ["notes.txt", "summary.csv", "tokens.csv"]);
        assert_eq!(names_in(home.path()), ["logs"]);
    }

    #[test]
    fn a_report_without_csv_files_is_known_by_how_its_files_begin() {
        let home = tempfile::tempdir().unwrap();
        let out = home.path().join("report");
        fs::create_dir(&out).unwrap();
        for (name, beginning) in &MARKS[1..] {
            fs::write(out.join(name), "somebody else's").unwrap();
            assert!(refusal(&out).contains("found neither summary.csv nor"), "{name}: {}", refusal(&out));
            fs::write(out.join(name), [beginning, &b" and so on"[..]].concat()).unwrap();
            assert!(Staging::new(&out).is_ok(), "{name}");
            fs::remove_file(out.join(name)).unwrap();
        }
    }

    #[test]
    fn what_came_into_the_place_during_the_scan_is_not_taken_away() {
        let home = tempfile::tempdir().unwrap();
        let out = home.path().join("report");
        let staging = Staging::new(&out).unwrap();
        fs::create_dir(&out).unwrap();
        fs::write(out.join("notes.txt"), "mine").unwrap();
        assert!(staging.publish().unwrap_err().to_string().contains("notes.txt"));
        assert_eq!(names_in(home.path()), ["report"]);
        assert_eq!(names_in(&out), ["notes.txt"]);
    }

    #[test]
    fn a_place_in_no_directory_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let message = refusal(&home.path().join("absent").join("report"));
        assert!(message.contains("found no directory") && message.ends_with("create it first"), "{message}");
        assert_eq!(names_in(home.path()), [""; 0]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_the_directory_behind_it_is_replaced() {
        let home = tempfile::tempdir().unwrap();
        report(&home.path().join("2026"), "old\n");
        let link = home.path().join("latest");
        std::os::unix::fs::symlink("2026", &link).unwrap();
        report(&link, "new\n");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(home.path().join("2026").join("summary.csv")).unwrap(), "new\n");
    }

    #[cfg(unix)]
    #[test]
    fn the_directory_has_the_mode_that_the_umask_gives() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("plain")).unwrap();
        report(&home.path().join("report"), "a\n");
        let mode = |name| fs::metadata(home.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode("report"), mode("plain"));
    }
}
