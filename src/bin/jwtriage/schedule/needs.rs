//! What a nightly run needs of its surroundings, as its configuration says.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Component, Path, PathBuf};

use bytesize::ByteSize;
use jwtriage::error::{Error, Result};
use toml::{Table, Value};

/// What is read, written and called.
#[derive(Debug, PartialEq, Eq)]
pub struct Needs {
    /// The directories and files that are read, none inside of another.
    pub logs: Vec<String>,
    /// The directories that are written to, but for [`STATE`].
    pub writes: Vec<String>,
    /// Whether there is a webhook.
    pub notifies: bool,
    /// How much memory the scan is given.
    pub memory: ByteSize,
}

/// Where state and reports are kept.
pub const STATE: &str = "/var/lib/jwtriage";

impl Default for Needs {
    fn default() -> Self {
        Self {
            logs: vec!["/var/log".to_owned()],
            writes: Vec::new(),
            notifies: false,
            memory: ByteSize::gib(1),
        }
    }
}

impl Needs {
    /// What a configuration asks for. The inner error is that it cannot be read, which may be due to where it is asked.
    ///
    /// # Errors
    /// When it is not TOML. The text repeats nothing of it.
    pub fn of(config: &Path) -> Result<io::Result<Self>> {
        let text = match fs::read_to_string(config) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::InvalidData => {
                return Err(none(config, "it is not UTF-8"));
            }
            Err(error) => return Ok(Err(error)),
        };
        let table: Table = text.parse().map_err(|error: toml::de::Error| none(config, error.message()))?;
        Ok(Ok(Self::in_table(&table, config.parent().unwrap_or(Path::new("/")))))
    }

    /// What it says wrongly, the nightly run itself tells: here it says nothing.
    fn in_table(table: &Table, home: &Path) -> Self {
        let text = |key: &str| table.get(key).and_then(Value::as_str);
        let given =
            table.get("paths").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        let logs = outermost(given.filter_map(|path| fixed_part(home, path)).collect());
        let directories = ["state", "reports"].into_iter().filter_map(text).map(|path| home.join(path));
        let metrics = text("metrics").and_then(|path| home.join(path).parent().map(Path::to_owned));
        let is_elsewhere = |path: &PathBuf| !path.starts_with(STATE);
        let writes = outermost(directories.chain(metrics).filter(is_elsewhere).collect());
        let usual = Self::default();
        Self {
            logs: if logs.is_empty() { usual.logs } else { logs },
            writes,
            notifies: table.get("notify").and_then(|notify| notify.get("url")).is_some(),
            memory: text("memory").and_then(|size| size.parse().ok()).unwrap_or(usual.memory),
        }
    }

    /// How much memory to allow: what the scan is given, and what chunks, windows of decoders and tables take besides.
    pub fn memory_limit_mib(&self) -> u64 {
        self.memory.as_u64().div_ceil(1 << 20) + 1024
    }
}

fn none(config: &Path, why: &str) -> Error {
    Error::new(format!("--config {}: expected the configuration of a nightly run: {why}", config.display()))
}

/// Of an argument of a scan, the part without wildcards, from the root on. A list of files says nothing until it is read.
fn fixed_part(home: &Path, argument: &str) -> Option<PathBuf> {
    if argument.starts_with('@') || argument == "-" {
        return None;
    }
    let fixed =
        |component: &Component<'_>| !component.as_os_str().to_string_lossy().contains(['*', '?', '[']);
    Some(home.join(Path::new(argument)).components().take_while(fixed).collect())
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
    use super::*;

    fn read(text: &str) -> Needs {
        Needs::in_table(&text.parse().unwrap(), Path::new("/etc/jwtriage"))
    }

    #[test]
    fn what_is_read_is_named_up_to_its_wildcards_and_once() {
        let needs = read(
            r#"paths = ["/var/log/app", "/srv/*/logs/*.gz", "/var/log/app/old/x.log", "logs", "@list", "-", "/a/b[12]"]"#,
        );
        assert_eq!(needs.logs, ["/a", "/etc/jwtriage/logs", "/srv", "/var/log/app"]);
    }

    #[test]
    fn what_is_written_elsewhere_and_called_is_known() {
        let needs = read(
            "state = '/var/lib/jwtriage/state.db'\nreports = '/srv/reports'\nmemory = '512MiB'\n\
             metrics = '/var/lib/node_exporter/jwtriage.prom'\n[notify]\nurl = 'https://alerts.example.com/'",
        );
        assert_eq!(needs.writes, ["/srv/reports", "/var/lib/node_exporter"]);
        assert!(needs.notifies);
        assert_eq!((needs.memory, needs.memory_limit_mib()), (ByteSize::mib(512), 1536));
    }

    #[test]
    fn what_says_nothing_needs_what_is_usual() {
        assert_eq!(read("[notify]\non = 'news'\n[other]"), Needs::default());
        assert_eq!(read("paths = 3\nmemory = 'lots'\nstate = []"), Needs::default());
    }

    #[test]
    fn a_configuration_that_is_none_is_not_repeated() {
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("nightly.toml");
        fs::write(&config, "[notify]\nurl = \"https://ann:s3cret@").unwrap();
        let error = Needs::of(&config).unwrap_err().to_string();
        assert!(error.contains("nightly.toml: expected") && !error.contains("s3cret"), "{error}");
        fs::remove_file(&config).unwrap();
        assert_eq!(Needs::of(&config).unwrap().unwrap_err().kind(), ErrorKind::NotFound);
    }
}
