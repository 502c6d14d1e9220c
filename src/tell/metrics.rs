//! Metrics in the text format of Prometheus, for the textfile collector of its node exporter.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use super::{Counts, Figures};
use crate::error::{Error, Result};
use crate::timestamp::Timestamp;

/// What is measured of the last run, whether it succeeded or not.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// When the last run that succeeded was over: this one or an earlier one, if there ever was one.
    pub last_success: Option<Timestamp>,
    /// What is told of this run.
    pub figures: Figures,
}

impl Metrics {
    /// Writes them to a file in place of an earlier one. Whoever reads meanwhile, and whoever finds the disk after a power
    /// loss, sees the earlier file or this one, whole. It may be read by everyone, since the exporter is another user.
    ///
    /// # Errors
    /// When the file cannot be written; an earlier one is then as it was.
    pub fn write(&self, path: &Path) -> Result<()> {
        replace(path, self.to_string().as_bytes())
            .map_err(|error| Error::new(format!("cannot write metrics to \"{}\": {error}", path.display())))
    }
}

/// Complains about a path that the textfile collector would not read, or that has no directory.
///
/// # Errors
/// When it does not end in `.prom`, or its directory is not there.
pub fn check_path(path: &Path) -> Result<()> {
    if path.extension().is_none_or(|extension| extension != "prom") {
        return Err(Error::new(format!(
            "expected a file for metrics whose name ends in .prom, found \"{}\": the node exporter reads no other",
            path.display()
        )));
    }
    if !directory(path).is_dir() {
        return Err(Error::new(format!(
            "expected a file for metrics in a directory that is there, found \"{}\": make its directory first",
            path.display()
        )));
    }
    Ok(())
}

impl fmt::Display for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |time: Timestamp| time.millis() as f64 / 1_000.0;
        let mut out = Families { f };
        if let Some(last_success) = self.last_success {
            let help = "When the last successful run was over, in seconds since the epoch.";
            out.one("last_success_timestamp_seconds", help, &seconds(last_success))?;
        }
        let help = "When the last run began, in seconds since the epoch.";
        out.one("last_run_start_timestamp_seconds", help, &seconds(self.figures.started))?;
        out.one(
            "last_run_duration_seconds",
            "How long the last run took.",
            &self.figures.duration.as_secs_f64(),
        )?;
        out.one("last_run_exit_code", "The exit code of the last run.", &self.figures.exit_code)?;
        out.one("last_run_read_bytes", "How many bytes of logs the last run has read.", &self.figures.bytes)?;
        out.many("last_run_sources", "Sources of the last run.", "status", &self.figures.sources)?;
        out.many("last_run_occurrences", "Findings of the last run.", "verdict", &self.figures.occurrences)?;
        let help = "Distinct tokens in logs that were still usable at the end of the last run.";
        out.many("live_tokens", help, "state", &self.figures.live_tokens)?;
        out.many("last_run_news", "What the last run found changed.", "change", &self.figures.news)?;
        out.family("build_info", "The version of jwtriage that ran, with the value 1.")?;
        writeln!(out.f, "jwtriage_build_info{{version=\"{}\"}} 1", env!("CARGO_PKG_VERSION"))
    }
}

/// Writes one metric behind the other. All are gauges: each run begins anew.
struct Families<'a, 'f> {
    f: &'a mut fmt::Formatter<'f>,
}

impl Families<'_, '_> {
    fn family(&mut self, name: &str, help: &str) -> fmt::Result {
        writeln!(self.f, "# HELP jwtriage_{name} {help}\n# TYPE jwtriage_{name} gauge")
    }

    fn one(&mut self, name: &str, help: &str, value: &dyn fmt::Display) -> fmt::Result {
        self.family(name, help)?;
        writeln!(self.f, "jwtriage_{name} {value}")
    }

    /// A value per word. Words hold nothing that would have to be escaped.
    fn many(&mut self, name: &str, help: &str, label: &str, counts: &Counts) -> fmt::Result {
        if counts.iter().next().is_some() {
            self.family(name, help)?;
        }
        counts
            .iter()
            .try_for_each(|(word, value)| writeln!(self.f, "jwtriage_{name}{{{label}=\"{word}\"}} {value}"))
    }
}

/// Puts a file in the place of another: written beside it under a name that collectors do not read, synced, renamed.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = directory(path);
    let mut beside = tempfile::Builder::new().prefix(".jwtriage-").suffix(".tmp").tempfile_in(directory)?;
    beside.write_all(bytes)?;
    // Temporary files are private, and what is asked for at their birth is cut by the umask.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        beside.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    beside.as_file().sync_all()?;
    beside.persist(path).map_err(|error| error.error)?;
    // The rename itself is on disk only with its directory. Not every file system lets a directory be synced.
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
    Ok(())
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sample() -> Metrics {
        Metrics {
            last_success: Some(Timestamp::from_millis(1_781_229_754_250)),
            figures: Figures {
                started: Timestamp::from_seconds(1_781_229_600),
                duration: Duration::from_millis(154_250),
                exit_code: 1,
                bytes: 73_400_320,
                sources: [("complete", 41), ("partial", 1)].into_iter().collect(),
                occurrences: [("valid", 549), ("expired", 47), ("stale_kid", 51)].into_iter().collect(),
                live_tokens: [("usable", 2), ("no_expiry", 1)].into_iter().collect(),
                news: [("new", 3), ("resolved", 1)].into_iter().collect(),
            },
        }
    }

    /// `promtool check metrics` is asked about this file in CI.
    #[test]
    fn metrics_are_written_as_the_sample_in_testdata() {
        let expected = include_str!("../../testdata/tell/metrics.prom");
        let version = concat!("version=\"", env!("CARGO_PKG_VERSION"), "\"");
        assert_eq!(sample().to_string(), expected.replace("version=\"0.1.0\"", version));
    }

    #[test]
    fn every_value_has_help_and_type_above_it_and_each_name_comes_once() {
        let text = sample().to_string();
        let mut families = Vec::new();
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                families.push(help.split_once(' ').unwrap().0);
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                assert_eq!(kind, format!("{} gauge", families.last().unwrap()));
            } else {
                assert_eq!(line.split([' ', '{']).next(), families.last().copied(), "{line}");
                assert!(line.rsplit_once(' ').unwrap().1.parse::<f64>().is_ok(), "{line}");
            }
        }
        let all = families.len();
        families.sort_unstable();
        families.dedup();
        assert_eq!(families.len(), all);
    }

    #[test]
    fn before_the_first_success_there_is_no_time_of_it_and_what_was_not_counted_has_no_family() {
        let mut metrics = Metrics { last_success: None, ..sample() };
        metrics.figures.news = Counts::default();
        let text = metrics.to_string();
        assert!(!text.contains("last_success") && !text.contains("news"));
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("jwtriage.prom");
        fs::write(&path, "earlier").unwrap();
        sample().write(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), sample().to_string());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o644);
        }
    }

    #[test]
    fn a_file_that_cannot_be_replaced_stays_as_it_was_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        // A directory of that name cannot be renamed over.
        let path = dir.path().join("jwtriage.prom");
        fs::create_dir(&path).unwrap();
        let error = sample().write(&path).unwrap_err().to_string();
        assert!(error.contains("cannot write metrics to") && error.contains("jwtriage.prom"), "{error}");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_path_that_no_exporter_reads_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let told = |name: &str| check_path(&dir.path().join(name)).map_err(|error| error.to_string());
        assert!(told("jwtriage.prom").is_ok());
        assert!(told("jwtriage.txt").unwrap_err().contains(".prom"));
        assert!(told("absent/jwtriage.prom").unwrap_err().contains("make its directory first"));
    }
}
