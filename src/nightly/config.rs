//! `nightly.toml`: what is scanned every night, by what it is judged, and who is told.
//!
//! Paths are relative to the file. Whatever is not named has the default that the command line has.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::policy::duration;
use crate::report::Format;

/// The file, as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// What is scanned, as on the command line: files, directories, globs, `@FILE`.
    pub paths: Vec<String>,
    /// The policy file.
    pub policy: Option<PathBuf>,
    /// The state file.
    pub state: PathBuf,
    /// The directory of reports.
    pub reports: PathBuf,
    /// What reports are written as, beside CSV.
    #[serde(default = "formats")]
    formats: Vec<String>,
    /// Accepted findings.
    pub baseline: Option<PathBuf>,
    /// What makes the exit code 1: `new`, `live`, `any`, verdicts.
    #[serde(default)]
    pub fail_on: Vec<String>,
    /// After which time a run ends with what it has.
    timeout: Option<String>,
    /// How to scan.
    #[serde(default)]
    pub scan: Scan,
    /// How long things are kept.
    #[serde(default)]
    keep: Keep,
    /// The file for Prometheus.
    pub metrics: Option<PathBuf>,
    /// The webhook.
    pub notify: Option<Notify>,
}

/// The flags of `jwtriage scan` that a run every night may need.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scan {
    /// `--threads`
    pub threads: Option<std::num::NonZeroUsize>,
    /// `--memory`
    pub memory: Option<String>,
    /// `--tz`
    pub tz: Option<String>,
    /// `--time-format`
    pub time_format: Option<String>,
    /// `--time-key`
    pub time_key: Option<String>,
    /// `--bucket`
    pub bucket: Option<String>,
    /// `--group-by`
    #[serde(default)]
    pub group_by: Vec<String>,
    /// `--as`
    #[serde(rename = "as")]
    pub profile: Option<String>,
    /// `--fingerprint-key`
    pub fingerprint_key: Option<PathBuf>,
    /// `--occurrences`
    #[serde(default)]
    pub occurrences: bool,
}

/// How long things are kept, as written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Keep {
    reports: usize,
    age: String,
    tokens: String,
}

impl Default for Keep {
    fn default() -> Self {
        Self { reports: 30, age: "90d".to_owned(), tokens: "400d".to_owned() }
    }
}

/// Who is told over the network.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// Where. It may hold a secret: it is never shown.
    pub url: String,
    /// Whether a URL with `http` is meant, beyond this machine.
    #[serde(default)]
    pub allow_http: bool,
    /// Whether runs are told that have no news.
    #[serde(default)]
    pub always: bool,
}

impl std::fmt::Debug for Notify {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Notify").field("always", &self.always).finish_non_exhaustive()
    }
}

/// Every key that has a value.
const KEYS: [&str; 29] = [
    "paths",
    "policy",
    "state",
    "reports",
    "formats",
    "baseline",
    "fail_on",
    "timeout",
    "scan",
    "keep",
    "metrics",
    "notify",
    "threads",
    "memory",
    "tz",
    "time-format",
    "time-key",
    "bucket",
    "group-by",
    "as",
    "fingerprint-key",
    "occurrences",
    "age",
    "tokens",
    "url",
    "allow_http",
    "always",
    "keep.age",
    "keep.tokens",
];

/// How long things are kept, in milliseconds but for the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How many reports are kept, however old they are.
    pub reports: usize,
    /// How old other reports may be.
    pub age: i64,
    /// How long ago a token may have been seen last.
    pub tokens: i64,
}

fn formats() -> Vec<String> {
    ["csv", "md", "html"].map(str::to_owned).into()
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, or something in it is wrong. The text names the file, the line and the key, and no value.
    pub fn read(path: &Path) -> Result<Self> {
        let complaint = |what: &str| Error::new(format!("{}: {what}", path.display()));
        let text = fs::read_to_string(path)
            .map_err(|error| complaint(&format!("cannot read the configuration: {error}")))?;
        let mut config: Self = toml::from_str(&text).map_err(|error| {
            let line =
                error.span().map_or(0, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            let key = text.lines().nth(line.saturating_sub(1)).and_then(key_of).unwrap_or_default();
            complaint(&format!("line {line}{key}: {}", without_value(error.message())))
        })?;
        config.check().map_err(|error| complaint(&error))?;
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let home = parent
            .canonicalize()
            .map_err(|error| complaint(&format!("cannot find its directory: {error}")))?;
        config.place_beside(&home);
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        if self.paths.is_empty() {
            return Err("paths: expected files, directories or globs, but found none".to_owned());
        }
        if self.paths.iter().any(String::is_empty) {
            return Err("paths: expected files, directories or globs, but found an empty text".to_owned());
        }
        if self.paths.iter().any(|path| path == "-" || path == "@-") {
            return Err("paths: expected files, directories or globs, but found standard input, which is gone tomorrow".to_owned());
        }
        self.formats()?;
        self.timeout()?;
        self.retention().map(drop)
    }

    /// Whether state and reports can be where they are to be: who only asks what is configured may be on another machine.
    ///
    /// # Errors
    /// When a directory is missing, or something else is in its place.
    pub fn check_places(&self) -> Result<(), String> {
        let parent = self.state.parent().unwrap_or(Path::new("/"));
        if !parent.is_dir() {
            return Err(format!(
                "state: expected a file in an existing directory, but found no directory \"{}\": create it first",
                parent.display()
            ));
        }
        if self.state.is_dir() {
            return Err(format!(
                "state: expected a file, but found the directory \"{}\"",
                self.state.display()
            ));
        }
        if self.reports.exists() && !self.reports.is_dir() {
            return Err(format!(
                "reports: expected a directory, but found the file \"{}\"",
                self.reports.display()
            ));
        }
        Ok(())
    }

    /// Makes paths relative to where the file is.
    fn place_beside(&mut self, directory: &Path) {
        let place = |path: &mut PathBuf| *path = beside(directory, path);
        let optional =
            [&mut self.policy, &mut self.baseline, &mut self.metrics, &mut self.scan.fingerprint_key];
        optional.into_iter().flatten().for_each(place);
        [&mut self.state, &mut self.reports].into_iter().for_each(place);
        for path in &mut self.paths {
            let placed = match path.strip_prefix('@') {
                Some(list) => format!("@{}", beside(directory, Path::new(list)).display()),
                None => beside(directory, Path::new(&*path)).display().to_string(),
            };
            *path = placed;
        }
    }

    /// What is scanned.
    #[must_use]
    pub fn paths(&self) -> Vec<OsString> {
        self.paths.iter().map(OsString::from).collect()
    }

    /// What reports are written as: CSV in any case, because that is what runs are compared by.
    ///
    /// # Errors
    /// When one is none.
    pub fn formats(&self) -> Result<Vec<Format>, String> {
        let named = self.formats.iter().map(|name| match name.as_str() {
            "csv" => Ok(Format::Csv),
            "json" => Ok(Format::Json),
            "md" => Ok(Format::Md),
            "html" => Ok(Format::Html),
            other => Err(format!(
                "formats: expected csv, json, md or html, but found \"{}\"",
                other.escape_debug()
            )),
        });
        let mut formats = std::iter::once(Ok(Format::Csv)).chain(named).collect::<Result<Vec<_>, _>>()?;
        formats.sort_unstable();
        formats.dedup();
        Ok(formats)
    }

    /// After how many milliseconds a run ends with what it has.
    ///
    /// # Errors
    /// When it is no duration.
    pub fn timeout(&self) -> Result<Option<i64>, String> {
        self.timeout.as_deref().map(|text| millis("timeout", text)).transpose()
    }

    /// How long things are kept.
    ///
    /// # Errors
    /// When something is no duration.
    pub fn retention(&self) -> Result<Retention, String> {
        let Keep { reports, age, tokens } = &self.keep;
        Ok(Retention {
            reports: (*reports).max(1),
            age: millis("keep.age", age)?,
            tokens: millis("keep.tokens", tokens)?,
        })
    }
}

/// What is wrong with a line, without the value that stands there: it may be the URL of a webhook, out of its place.
fn without_value(message: &str) -> String {
    let names_it = message.starts_with("invalid type: ") || message.starts_with("invalid value: ");
    let expected = message.rfind("expected ").filter(|_| names_it);
    let told = expected.map_or(message, |at| &message[at..]);
    let words = [
        ("expected a nonzero usize", "expected a whole number from 1"),
        ("expected usize", "expected a whole number from 0"),
        ("expected path string", "expected a path in quotes"),
        ("expected a string", "expected a text in quotes"),
        ("expected a boolean", "expected true or false"),
        ("expected struct ", "expected a table, not the value of a key"),
    ];
    let word = words.iter().find(|(theirs, _)| told.starts_with(theirs));
    word.map_or(told, |(_, ours)| ours).to_owned()
}

/// A path relative to a directory that has no links in it, without steps upwards: a log has the same name wherever a run begins.
fn beside(directory: &Path, path: &Path) -> PathBuf {
    let (mut base, mut rest) = (directory, path);
    loop {
        if let Ok(below) = rest.strip_prefix("..") {
            base = base.parent().unwrap_or(base);
            rest = below;
        } else if let Ok(below) = rest.strip_prefix(".") {
            rest = below;
        } else {
            return if rest.as_os_str().is_empty() { base.to_owned() } else { base.join(rest) };
        }
    }
}

/// The key that a line gives a value to, as a complaint names it. What is no key of ours may be anything, and is not repeated.
fn key_of(line: &str) -> Option<String> {
    let key = line.split_once('=')?.0.trim();
    KEYS.contains(&key).then(|| format!(", {key}"))
}

fn millis(key: &str, text: &str) -> Result<i64, String> {
    duration::parse(text).map_err(|error| format!("{key}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nightly.toml");
        fs::write(&path, text).unwrap();
        Config::read(&path)
    }

    const LEAST: &str =
        "paths = [\"/var/log\", \"logs/*.gz\", \"@list\"]\nstate = \"state.db\"\nreports = \"reports\"\n";

    #[test]
    fn paths_are_relative_to_the_file_and_the_rest_has_defaults() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nightly.toml");
        fs::write(&path, LEAST).unwrap();
        let config = Config::read(&path).unwrap();
        let beside = |name: &str| dir.path().join(name);
        assert_eq!(
            config.paths,
            [
                "/var/log".to_owned(),
                beside("logs/*.gz").display().to_string(),
                format!("@{}", beside("list").display()),
            ]
        );
        assert_eq!((config.state.clone(), config.reports.clone()), (beside("state.db"), beside("reports")));
        assert_eq!(config.formats().unwrap(), [Format::Csv, Format::Md, Format::Html]);
        assert_eq!(config.timeout().unwrap(), None);
        let day = 86_400_000;
        assert_eq!(config.retention().unwrap(), Retention { reports: 30, age: 90 * day, tokens: 400 * day });
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_and_without_its_value() {
        for (text, expected) in [
            ("colour = 1\n", "line 4: unknown field `colour`"),
            ("formats = [\"pdf\"]\n", "formats: expected csv, json, md or html, but found \"pdf\""),
            ("timeout = \"soon\"\n", "timeout: "),
            ("[keep]\nage = \"x\"\n", "keep.age: "),
            ("[notify]\nurl = 5\n", "line 5, url: "),
            ("timeout = true\n", "line 4, timeout: "),
            ("[notify]\nurl = \"https://hooks.example.com/s3cret\"\nsecret = 1\n", "unknown field `secret`"),
        ] {
            let error = read(&format!("{LEAST}{text}")).unwrap_err().to_string();
            assert!(error.contains("nightly.toml") && error.contains(expected), "{error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
        let places = |state: &str, reports: &str| {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("nightly.toml");
            fs::write(&path, format!("paths = [\"a\"]\nstate = \"{state}\"\nreports = \"{reports}\"\n"))
                .unwrap();
            Config::read(&path).unwrap().check_places().unwrap_err()
        };
        assert!(places("none/state.db", "r").contains("create it first"));
        assert!(places(".", "r").contains("expected a file, but found the directory"));
        assert!(places("s", "nightly.toml").contains("expected a directory, but found the file"));
        let stdin = read("paths = [\"-\"]\nstate = \"s\"\nreports = \"r\"\n").unwrap_err().to_string();
        assert!(stdin.contains("standard input"), "{stdin}");
    }

    #[test]
    fn a_value_in_the_wrong_place_is_not_repeated() {
        let url = "'https://ann:s3cret@alerts.example.com/, expected s3cret'";
        for (line, expected) in [
            (format!("notify = {url}"), "line 4, notify: expected a table, not the value of a key"),
            (format!("timeout = [{url}]"), "line 4, timeout: expected a text in quotes"),
            (format!("[notify]\nurl = {url}\nalways = {url}"), "line 6, always: expected true or false"),
            (format!("[keep]\nreports = {url}"), "line 5, reports: expected a whole number from 0"),
        ] {
            let error = read(&format!("{LEAST}{line}")).unwrap_err().to_string();
            assert!(error.ends_with(expected) && !error.contains("s3cret"), "{error}");
        }
    }
}
