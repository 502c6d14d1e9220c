//! The directory of reports: each under the minute in which its run began, `latest` beside them.
//!
//! A report waits in a hidden directory until the state counts it ([`Shelf::settle`] makes that directory survive the process), and is
//! then renamed into its place ([`Shelf::publish`]). What waits and is counted by no state belongs to a run that did not end, and goes.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::report::Staging;
use crate::timestamp::Timestamp;

/// The link to the newest report.
const LATEST: &str = "latest";

/// The beginning of what a waiting report is called.
const WAITING: &str = ".waiting-";

/// Where reports are kept.
#[derive(Clone, Debug)]
pub struct Shelf {
    directory: PathBuf,
}

/// How long reports are kept.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// So many of the newest are, however old they are.
    pub count: usize,
    /// Of the others those are that are no older, in milliseconds.
    pub age: i64,
}

impl Shelf {
    /// The shelf in this directory, which is made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn open(directory: &Path) -> Result<Self> {
        let shelf = Self { directory: directory.to_owned() };
        fs::create_dir_all(directory).map_err(|error| shelf.cannot("make", "", &error))?;
        Ok(shelf)
    }

    /// Begins a report.
    ///
    /// # Errors
    /// When nothing can be written here.
    pub fn begin(&self) -> Result<Staging> {
        Staging::waiting(&self.directory, WAITING)
    }

    /// Makes sure that a report is on the disk and stays there, whatever becomes of this process. Gives the name under which it waits.
    ///
    /// # Errors
    /// When it cannot be written to the disk.
    pub fn settle(&self, report: Staging) -> Result<String> {
        let cannot = |error: &io::Error| self.cannot("write", "a report", error);
        for entry in fs::read_dir(report.path()).map_err(|error| cannot(&error))? {
            let synced = entry.and_then(|entry| File::open(entry.path())).and_then(|file| file.sync_all());
            synced.map_err(|error| cannot(&error))?;
        }
        sync(report.path()).and_then(|()| sync(&self.directory)).map_err(|error| cannot(&error))?;
        let kept = report.keep();
        Ok(kept.file_name().unwrap_or_default().to_string_lossy().into_owned())
    }

    /// The name of the report of a run that began then: that of its minute, in UTC, with a number behind it if it is taken.
    #[must_use]
    pub fn name(&self, began: Timestamp) -> String {
        let text = began.to_string();
        let minute = format!("{}{}Z", &text[..13], &text[14..16]);
        let numbered = (2..).map(|n: u32| format!("{minute}-{n}"));
        let mut names = std::iter::once(minute.clone()).chain(numbered);
        names.find(|name| fs::symlink_metadata(self.directory.join(name)).is_err()).unwrap_or(minute)
    }

    /// Puts the report that waits under a name in its place, and makes it the latest. What is in its place already stays.
    ///
    /// # Errors
    /// When that cannot be done, or there is no such report.
    pub fn publish(&self, waiting: &str, name: &str) -> Result<()> {
        let (from, to) = (self.directory.join(waiting), self.directory.join(name));
        if from.is_dir() || !to.is_dir() {
            fs::rename(&from, &to).map_err(|error| self.cannot("publish", name, &error))?;
        }
        self.point_latest_to(name)
            .and_then(|()| sync(&self.directory))
            .map_err(|error| self.cannot("publish", name, &error))
    }

    /// The name of the latest report, if there is one.
    #[must_use]
    pub fn latest(&self) -> Option<String> {
        let link = fs::read_link(self.directory.join(LATEST)).ok()?;
        link.to_str().map(str::to_owned)
    }

    /// Where a report is.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Whether there is a report of this name, in its place or waiting.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.path(name).is_dir()
    }

    #[cfg(unix)]
    fn point_latest_to(&self, name: &str) -> io::Result<()> {
        let beside = self.directory.join(".latest");
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        std::os::unix::fs::symlink(name, &beside)?;
        fs::rename(&beside, self.directory.join(LATEST))
    }

    #[cfg(not(unix))]
    fn point_latest_to(&self, name: &str) -> io::Result<()> {
        let beside = self.directory.join(".latest");
        fs::write(&beside, name)?;
        fs::rename(&beside, self.directory.join(LATEST))
    }

    /// Removes what waits here.
    ///
    /// # Errors
    /// When something cannot be removed.
    pub fn clear(&self) -> Result<()> {
        for name in self.names()? {
            if name.starts_with(WAITING) {
                self.remove(&name)?;
            }
        }
        Ok(())
    }

    /// Removes reports that are to be kept no longer; gives how many. Only what is named like a report counts. The clock may be wrong:
    /// the newest are never removed, and a report that is dated later than now is new.
    ///
    /// # Errors
    /// When a report cannot be removed.
    pub fn tidy(&self, keep: Keep, now: Timestamp) -> Result<usize> {
        let latest = fs::read_link(self.directory.join(LATEST)).ok();
        let mut reports: Vec<_> =
            self.names()?.into_iter().filter_map(|name| Some((began(&name)?, name))).collect();
        reports.sort();
        let old = reports.len().saturating_sub(keep.count);
        let is_due = |(began, name): &&(Timestamp, String)| {
            now.millis() - began.millis() > keep.age
                && latest.as_deref() != Some(Path::new(name))
                && self.path(name).join("summary.csv").is_file()
        };
        let due: Vec<_> = reports.iter().take(old).filter(is_due).collect();
        due.iter().try_for_each(|(_, name)| self.remove(name))?;
        Ok(due.len())
    }

    fn names(&self) -> Result<Vec<String>> {
        let entries = fs::read_dir(&self.directory).map_err(|error| self.cannot("read", "", &error))?;
        let names = entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned()));
        let mut names =
            names.collect::<io::Result<Vec<_>>>().map_err(|error| self.cannot("read", "", &error))?;
        names.sort();
        Ok(names)
    }

    fn remove(&self, name: &str) -> Result<()> {
        fs::remove_dir_all(self.directory.join(name)).map_err(|error| self.cannot("remove", name, &error))
    }

    fn cannot(&self, what: &str, name: &str, error: &io::Error) -> Error {
        let path = self.directory.join(OsStr::new(name));
        Error::new(format!("cannot {what} \"{}\": {error}", path.display()))
    }
}

/// When the run began whose report has this name.
fn began(name: &str) -> Option<Timestamp> {
    let (minute, number) = name.split_at_checked(16)?;
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if !(number.is_empty() || number.strip_prefix('-').is_some_and(is_number)) {
        return None;
    }
    let text = format!("{}:{}:00{}", minute.get(..13)?, minute.get(13..15)?, minute.get(15..)?);
    text.parse().ok()
}

/// Makes what was renamed in a directory survive a loss of power. Where a directory cannot be opened, nothing is to be done.
fn sync(directory: &Path) -> io::Result<()> {
    match File::open(directory) {
        Ok(directory) if cfg!(unix) => directory.sync_all(),
        Ok(_) => Ok(()),
        Err(_) if cfg!(not(unix)) => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGAN: i64 = 1_781_226_000;

    fn shelf() -> (tempfile::TempDir, Shelf) {
        let dir = tempfile::tempdir().unwrap();
        let shelf = Shelf::open(&dir.path().join("a/reports")).unwrap();
        (dir, shelf)
    }

    fn put(shelf: &Shelf, began: i64) -> String {
        let name = shelf.name(Timestamp::from_seconds(began));
        let report = shelf.begin().unwrap();
        report.write("summary.csv", |out| writeln!(out, "{name}")).unwrap();
        shelf.publish(&shelf.settle(report).unwrap(), &name).unwrap();
        name
    }

    #[test]
    fn a_report_is_named_after_its_minute_and_no_name_is_taken_twice() {
        let (_dir, shelf) = shelf();
        let names = [BEGAN, BEGAN + 59, BEGAN, BEGAN + 60].map(|began| put(&shelf, began));
        assert_eq!(
            names,
            ["2026-06-12T0100Z", "2026-06-12T0100Z-2", "2026-06-12T0100Z-3", "2026-06-12T0101Z"]
        );
        assert_eq!(fs::read_link(shelf.path(LATEST)).unwrap(), Path::new("2026-06-12T0101Z"));
        assert_eq!(fs::read_to_string(shelf.path("latest/summary.csv")).unwrap(), "2026-06-12T0101Z\n");
        assert_eq!(began(&names[2]).unwrap().millis(), BEGAN * 1000);
        for other in [
            "latest",
            "2026-06-12T0100Z-",
            "2026-06-12T0100Z-x",
            "2026-13-12T0100Z",
            "2026-06-12T0100Zz",
            "été",
        ] {
            assert!(began(other).is_none(), "{other}");
        }
    }

    #[test]
    fn what_is_known_is_published_later_and_what_waits_and_is_known_to_nobody_goes() {
        let (_dir, shelf) = shelf();
        let [known, unknown] = [(), ()].map(|()| shelf.settle(shelf.begin().unwrap()).unwrap());
        drop(shelf.begin().unwrap());
        let waiting: std::collections::BTreeSet<_> = [known.clone(), unknown.clone()].into();
        assert_eq!(shelf.names().unwrap(), Vec::from_iter(waiting));
        shelf.publish(&known, "2026-06-12T0100Z").unwrap();
        shelf.clear().unwrap();
        assert_eq!(shelf.names().unwrap(), ["2026-06-12T0100Z", LATEST]);
        assert!(shelf.publish(&unknown, "2026-06-13T0100Z").is_err());
        // A run that was killed behind the rename tries again.
        shelf.publish(&known, "2026-06-12T0100Z").unwrap();
        assert_eq!(shelf.names().unwrap(), ["2026-06-12T0100Z", LATEST]);
    }

    #[test]
    fn the_newest_are_kept_and_of_the_others_those_that_are_not_old() {
        let (_dir, shelf) = shelf();
        let day = 86_400;
        let names: Vec<_> = (0..6).map(|n| put(&shelf, BEGAN + n * day)).collect();
        fs::write(shelf.path("notes.txt"), "not ours").unwrap();
        fs::create_dir(shelf.path("0000-mine")).unwrap();
        let keep = Keep { count: 2, age: 3 * day * 1000 };
        let at = |days: i64| Timestamp::from_seconds(BEGAN + days * day + 1);
        assert_eq!(shelf.tidy(keep, at(-100)).unwrap(), 0, "the clock was set back");
        assert_eq!(shelf.tidy(keep, at(5)).unwrap(), 3);
        assert!(!shelf.path(&names[2]).exists() && shelf.path(&names[3]).exists());
        assert_eq!(shelf.tidy(keep, at(10_000)).unwrap(), 1, "the clock was set forward");
        assert!(shelf.path(&names[4]).exists() && shelf.path(&names[5]).exists());
        assert!(shelf.path("notes.txt").exists() && shelf.path("0000-mine").exists());
    }
}
