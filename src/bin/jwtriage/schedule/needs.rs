//! What a nightly run needs of its surroundings, as its configuration says.

use std::fs::File;
use std::io;
use std::path::{Component, Path, PathBuf};

use bytesize::ByteSize;
use jwtriage::error::{Error, Result};
use jwtriage::nightly::config::Config;

/// What is read, written and called, and for how long.
#[derive(Debug, PartialEq, Eq)]
pub struct Needs {
    /// The directories and files that are read, none inside of another.
    pub logs: Vec<String>,
    /// The lists of logs: what is in them is not known here.
    pub lists: Vec<String>,
    /// The policy, the baseline and the key of fingerprints, where they do not lie beside the configuration.
    pub apart: Vec<String>,
    /// The directories that are written to, but for [`STATE`].
    pub writes: Vec<String>,
    /// Whether there is a webhook.
    pub notifies: bool,
    /// How much memory the scan is given.
    pub memory: ByteSize,
    /// After how many seconds a run that still goes on hangs.
    pub seconds: u64,
}

/// Where state and reports are kept.
pub const STATE: &str = "/var/lib/jwtriage";

/// How many seconds a run is given to end, once its own time is over.
const GRACE: u64 = 600;

impl Default for Needs {
    fn default() -> Self {
        Self {
            logs: vec!["/var/log".to_owned()],
            lists: Vec::new(),
            apart: Vec::new(),
            writes: Vec::new(),
            notifies: false,
            memory: ByteSize::gib(1),
            // It is over before the next one.
            seconds: 20 * 3600,
        }
    }
}

impl Needs {
    /// What a configuration asks for. The inner error is that it cannot be read, which may be due to where it is asked.
    ///
    /// # Errors
    /// When something in it is wrong. The text repeats no value of it.
    pub fn of(config: &Path) -> Result<io::Result<Self>> {
        Ok(match File::open(config) {
            Ok(_) => Ok(Self::asked(&Config::read(config)?, config)?),
            Err(error) => Err(error),
        })
    }

    fn asked(config: &Config, path: &Path) -> Result<Self> {
        let home = path.parent().and_then(|home| home.canonicalize().ok());
        let named = [&config.policy, &config.baseline, &config.scan.fingerprint_key].into_iter().flatten();
        let apart = named.filter(|file| file.parent() != home.as_deref()).cloned().collect();
        let lists = config.paths.iter().filter_map(|path| path.strip_prefix('@')).map(PathBuf::from);
        let usual = Self::default();
        let parent = |file: &PathBuf| file.parent().map(Path::to_owned);
        let metrics = config.metrics.as_ref().and_then(parent);
        let written = [parent(&config.state), Some(config.reports.clone()), metrics].into_iter().flatten();
        let elsewhere = written.filter(|path| !path.starts_with(STATE)).collect();
        let wrong = |what: &str| Error::new(format!("the configuration: {what}"));
        let memory = config.scan.memory.as_deref().map_or(Ok(usual.memory), str::parse);
        let timeout = config.timeout().map_err(|error| wrong(&error))?;
        Ok(Self {
            logs: outermost(config.paths.iter().filter_map(|path| fixed_part(path)).collect()),
            lists: outermost(lists.collect()),
            apart: outermost(apart),
            writes: outermost(elsewhere),
            notifies: config.notify.is_some(),
            memory: memory.map_err(|_| wrong("memory: expected a size such as 512MiB"))?,
            seconds: timeout.map_or(usual.seconds, |millis| millis.unsigned_abs().div_ceil(1000) + GRACE),
        })
    }

    /// How much memory to allow: what the scan is given, and what chunks, windows of decoders and tables take besides.
    pub fn memory_limit_mib(&self) -> u64 {
        self.memory.as_u64().div_ceil(1 << 20) + 1024
    }
}

/// Of an argument of a scan, the part without wildcards. A list of files says nothing until it is read.
fn fixed_part(argument: &str) -> Option<PathBuf> {
    let fixed =
        |component: &Component<'_>| !component.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    (!argument.starts_with('@')).then(|| Path::new(argument).components().take_while(fixed).collect())
}

/// Paths that are not inside of another, as text; what no line can hold is left to the nightly run to tell.
fn outermost(mut paths: Vec<PathBuf>) -> Vec<String> {
    paths.sort();
    let mut kept: Vec<PathBuf> = Vec::new();
    for path in paths {
        if !kept.iter().any(|outer| path.starts_with(outer)) {
            kept.push(path);
        }
    }
    let texts = kept.into_iter().filter_map(|path| path.into_os_string().into_string().ok());
    texts.filter(|path| !path.contains(char::is_control)).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::ErrorKind;

    use super::*;

    /// What a configuration with these lines asks for, and where it is.
    fn read(lines: &str) -> (Result<Needs>, String) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("nightly.toml");
        let usual = "state = '/var/lib/jwtriage/state.db'\nreports = '/var/lib/jwtriage/reports'\n";
        let own = if lines.contains("reports") { "" } else { usual };
        fs::write(&path, format!("{own}{lines}")).unwrap();
        (Needs::of(&path).map(|read| read.unwrap()), dir.path().to_str().unwrap().to_owned())
    }

    #[test]
    fn what_is_read_is_named_up_to_its_wildcards_and_once() {
        let paths = "paths = ['/var/log/app', '/srv/*/logs/*.gz', '/var/log/app/old/x.log', 'logs', '@list', '/a/b[12]']";
        let (needs, home) = read(paths);
        let mut expected = ["/a", "/srv", "/var/log/app", &format!("{home}/logs")].map(str::to_owned);
        expected.sort();
        let needs = needs.unwrap();
        assert_eq!(needs.logs, expected);
        assert_eq!(needs.lists, [format!("{home}/list")]);
    }

    #[test]
    fn what_does_not_lie_beside_the_configuration_is_known() {
        let beside = "policy = 'policy.toml'\nbaseline = './baseline.toml'";
        assert_eq!(
            read(&format!("paths = ['/var/log']\n{beside}")).0.unwrap().apart,
            <[String; 0]>::default()
        );
        let (needs, home) = read(
            "paths = ['/var/log']\npolicy = '/srv/policy.toml'\n[scan]\nfingerprint-key = 'keys/fingerprints'",
        );
        let mut expected = [format!("{home}/keys/fingerprints"), "/srv/policy.toml".to_owned()];
        expected.sort();
        assert_eq!(needs.unwrap().apart, expected);
    }

    #[test]
    fn what_is_written_elsewhere_called_and_allowed_is_known() {
        let (needs, home) = read(
            "paths = ['/var/log']\nstate = 'state.db'\nreports = '/srv/reports'\ntimeout = '2h'\n\
             metrics = '/var/lib/node_exporter/jwtriage.prom'\n[scan]\nmemory = '512MiB'\n\
             [notify]\nurl = 'https://alerts.example.com/'",
        );
        let needs = needs.unwrap();
        let mut expected = [home, "/srv/reports".to_owned(), "/var/lib/node_exporter".to_owned()];
        expected.sort();
        assert_eq!(needs.writes, expected);
        assert!(needs.notifies);
        assert_eq!((needs.memory, needs.memory_limit_mib(), needs.seconds), (ByteSize::mib(512), 1536, 7800));
    }

    #[test]
    fn what_says_nothing_else_needs_what_is_usual() {
        assert_eq!(read("paths = ['/var/log', '/var/log/app']").0.unwrap(), Needs::default());
    }

    #[test]
    fn a_configuration_that_is_wrong_is_told_without_its_values() {
        for lines in
            ["[notify]\nurl = 's3cret", "paths = ['s3cret']\n[scan]\nmemory = 's3cret'", "paths = 's3cret'"]
        {
            let error = read(lines).0.unwrap_err().to_string();
            assert!(!error.contains("s3cret"), "{error}");
        }
        let absent = Needs::of(Path::new("/absent/nightly.toml")).unwrap();
        assert_eq!(absent.unwrap_err().kind(), ErrorKind::NotFound);
    }
}
