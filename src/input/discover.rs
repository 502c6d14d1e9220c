//! What the user typed → inputs: each file once, in the order of the names, whatever the order of arguments.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::{self, FileType, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use super::meter::plain_reason;
use super::{Input, Place, Problem, SourceName, Status};
use crate::timestamp::Timestamp;

/// What is to be read, and what is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discovered {
    /// Sorted by name; no file is in it twice.
    pub inputs: Vec<Input>,
    /// Sorted by name: arguments that lead nowhere, and files that were found but are not read.
    pub problems: Vec<Problem>,
}

/// Finds the files that `args` mean. An argument is, in this order:
///
/// - `-`: standard input
/// - `@FILE`: the paths in FILE (`@-`: in standard input), one per line, no globs; `./@x` is a path
/// - the path of a file, a directory (with all files below it, hidden ones too; symbolic links are followed), or
///   anything else that can be read, such as a pipe
/// - a glob: `*`, `?`, `[a-z]`, and `**` for any directories. A path that exists wins over its meaning as a glob.
///
/// A file that is reached by two names (links, or arguments that overlap) is read under the first of them in the
/// order of names, and a directory under the one by which it is reached first; the others are `Skipped`. An argument
/// that leads nowhere is `Unreadable`, and the others are read.
#[must_use]
pub fn discover(args: &[OsString]) -> Discovered {
    let mut finder = Finder::default();
    // Who comes first to standard input or to a directory gets it. That must not depend on the order of arguments.
    let mut args: Vec<&OsString> = args.iter().collect();
    args.sort();
    args.dedup();
    let mut paths = Vec::new();
    for arg in args {
        finder.argument(arg, &mut paths);
    }
    paths.sort();
    paths.dedup();
    for path in paths {
        finder.path(&path);
    }
    finder.finish()
}

#[derive(Default)]
struct Finder {
    found: Vec<(Input, Option<Identity>)>,
    problems: Vec<Problem>,
    /// The directories that were entered, and by which name.
    entered: HashMap<Identity, PathBuf>,
    /// `-` was given, and takes standard input before `@-` can.
    stdin: bool,
}

/// What tells one file from another.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Identity {
    #[cfg(unix)]
    Inode { device: u64, inode: u64 },
    #[cfg(not(unix))]
    Path(PathBuf),
}

impl Identity {
    #[cfg(unix)]
    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
    fn of(_path: &Path, metadata: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        Some(Self::Inode { device: metadata.dev(), inode: metadata.ino() })
    }

    #[cfg(not(unix))]
    fn of(path: &Path, _metadata: &Metadata) -> Option<Self> {
        fs::canonicalize(path).ok().map(Self::Path)
    }
}

impl Finder {
    /// Adds to `paths` what an argument means.
    fn argument(&mut self, arg: &OsStr, paths: &mut Vec<PathBuf>) {
        if arg == "-" {
            return self.stdin();
        }
        if let Some(list) = arg.as_encoded_bytes().strip_prefix(b"@") {
            return self.list(arg, list, paths);
        }
        let path = Path::new(arg);
        match (fs::symlink_metadata(path), arg.to_str()) {
            (Err(_), Some(pattern)) if pattern.contains(['*', '?', '[']) => self.glob(pattern, paths),
            _ => paths.push(path.to_owned()),
        }
    }

    fn stdin(&mut self) {
        self.stdin = true;
        let input = Input {
            name: SourceName::stdin(),
            place: Place::Stdin,
            size: None,
            modified: None,
            identity: None,
        };
        self.found.push((input, None));
    }

    /// Reads a list of paths.
    fn list(&mut self, arg: &OsStr, list: &[u8], paths: &mut Vec<PathBuf>) {
        let mut bytes = Vec::new();
        let result = match list {
            b"-" if self.stdin => Err(io::Error::other("standard input is already read as the source -")),
            b"-" => io::stdin().lock().read_to_end(&mut bytes),
            _ => os_str(list)
                .and_then(|list| fs::File::open(list).and_then(|mut file| file.read_to_end(&mut bytes))),
        };
        if let Err(error) = result {
            let reason = format!("cannot read the list of paths: {}", plain_reason(&error));
            self.problem(SourceName::from_os(arg), Status::Unreadable, reason);
        }
        for line in bytes.split(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            match os_str(line) {
                Ok(path) if !path.is_empty() => paths.push(path.into()),
                Ok(_) => {}
                Err(error) => {
                    let reason = format!("cannot read the list of paths: {}", plain_reason(&error));
                    self.problem(SourceName::from_os(arg), Status::Unreadable, reason);
                }
            }
        }
    }

    fn glob(&mut self, pattern: &str, paths: &mut Vec<PathBuf>) {
        let name = || SourceName::from(pattern);
        let matches = match glob::glob(pattern) {
            Ok(matches) => matches,
            Err(error) => {
                let reason =
                    format!("no such file, and not a glob: {} at character {}", error.msg, error.pos + 1);
                return self.problem(name(), Status::Unreadable, reason);
            }
        };
        let mut any = false;
        for entry in matches {
            any = true;
            match entry {
                Ok(path) => paths.push(path),
                Err(error) => self.unreadable(error.path(), error.error()),
            }
        }
        if !any {
            self.problem(name(), Status::Unreadable, "no such file, and nothing matches it as a glob");
        }
    }

    /// A path that was named.
    fn path(&mut self, path: &Path) {
        match fs::metadata(path) {
            Err(error) => self.unreadable(path, &error),
            Ok(metadata) if metadata.is_dir() => self.directory(path, &metadata),
            // Pipes and devices are read if somebody names them: /dev/stdin, <(zcat x).
            Ok(metadata) => match special(metadata.file_type()) {
                Some("socket") => {
                    self.problem(SourceName::from_os(path.as_os_str()), Status::Skipped, "a socket");
                }
                _ => self.file(path, &metadata),
            },
        }
    }

    /// Everything below a directory.
    fn directory(&mut self, path: &Path, metadata: &Metadata) {
        let mut waiting = vec![(path.to_owned(), metadata.clone())];
        while let Some((path, metadata)) = waiting.pop() {
            if !self.enter(&path, &metadata) {
                continue;
            }
            let mut entries: Vec<PathBuf> = Vec::new();
            match fs::read_dir(&path) {
                Err(error) => self.unreadable(&path, &error),
                Ok(listing) => {
                    for entry in listing {
                        match entry {
                            Ok(entry) => entries.push(path.join(entry.file_name())),
                            Err(error) => self.unreadable(&path, &error),
                        }
                    }
                }
            }
            entries.sort();
            let mut below = Vec::new();
            for entry in entries {
                match fs::metadata(&entry) {
                    Err(error) => self.unreadable(&entry, &error),
                    Ok(metadata) if metadata.is_dir() => below.push((entry, metadata)),
                    Ok(metadata) => match special(metadata.file_type()) {
                        Some(kind) => {
                            let name = SourceName::from_os(entry.as_os_str());
                            self.problem(name, Status::Skipped, format!("a {kind}"));
                        }
                        None => self.file(&entry, &metadata),
                    },
                }
            }
            waiting.extend(below.into_iter().rev());
        }
    }

    /// Whether a directory is entered for the first time. A link that leads back to a directory above it is one that
    /// is not, so that no loop is walked twice.
    fn enter(&mut self, path: &Path, metadata: &Metadata) -> bool {
        let Some(identity) = Identity::of(path, metadata) else { return true };
        if let Some(first) = self.entered.get(&identity) {
            if first != path {
                let reason = format!("same directory as {}", SourceName::from_os(first.as_os_str()));
                self.problem(SourceName::from_os(path.as_os_str()), Status::Skipped, reason);
            }
            return false;
        }
        self.entered.insert(identity, path.to_owned());
        true
    }

    fn file(&mut self, path: &Path, metadata: &Metadata) {
        let regular = metadata.is_file();
        let input = Input {
            name: SourceName::from_os(path.as_os_str()),
            place: Place::File(path.to_owned()),
            size: regular.then_some(metadata.len()),
            modified: if regular { modified(metadata) } else { None },
            identity: None,
        };
        self.found.push((input, Identity::of(path, metadata)));
    }

    fn unreadable(&mut self, path: &Path, error: &io::Error) {
        let is_link = fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink());
        let reason = match error.kind() {
            io::ErrorKind::NotFound if is_link => "a symbolic link that leads nowhere".to_owned(),
            _ => plain_reason(error),
        };
        self.problem(SourceName::from_os(path.as_os_str()), Status::Unreadable, reason);
    }

    fn problem(&mut self, name: SourceName, status: Status, reason: impl Into<String>) {
        self.problems.push(Problem { name, status, reason: reason.into(), offset: None });
    }

    /// Sorts, and sees to it that every file is read once.
    fn finish(mut self) -> Discovered {
        self.found.sort_by(|(a, _), (b, _)| a.name.cmp(&b.name));
        let mut names: HashMap<Identity, SourceName> = HashMap::new();
        let mut inputs: Vec<Input> = Vec::new();
        for (input, identity) in self.found {
            let Some(identity) = identity else {
                inputs.push(input);
                continue;
            };
            if let Some(first) = names.get(&identity) {
                if *first != input.name {
                    self.problems.push(Problem {
                        reason: format!("same file as {first}"),
                        name: input.name,
                        status: Status::Skipped,
                        offset: None,
                    });
                }
                continue;
            }
            names.insert(identity, input.name.clone());
            inputs.push(input);
        }
        // A pipe that was named, and is also in a directory that was.
        self.problems
            .retain(|problem| inputs.binary_search_by(|input| input.name.cmp(&problem.name)).is_err());
        self.problems.sort();
        self.problems.dedup();
        Discovered { inputs, problems: self.problems }
    }
}

/// What a file is that is neither a file nor a directory.
fn special(kind: FileType) -> Option<&'static str> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return Some("pipe");
        }
        if kind.is_socket() {
            return Some("socket");
        }
        if kind.is_char_device() || kind.is_block_device() {
            return Some("device");
        }
    }
    let _ = kind;
    None
}

fn modified(metadata: &Metadata) -> Option<Timestamp> {
    let time = metadata.modified().ok()?;
    let millis = match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).ok()?,
        Err(before) => -i64::try_from(before.duration().as_nanos().div_ceil(1_000_000)).ok()?,
    };
    Some(Timestamp::from_millis(millis))
}

/// A path from the bytes of a list. Where paths are not bytes, the list has to be UTF-8.
fn os_str(bytes: &[u8]) -> io::Result<&OsStr> {
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        Ok(OsStr::from_bytes(bytes))
    }
    #[cfg(not(unix))]
    {
        str::from_utf8(bytes).map(OsStr::new).map_err(|_| io::Error::other("expected a path in UTF-8"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(found: &Discovered) -> Vec<String> {
        found.inputs.iter().map(|input| input.name.to_string()).collect()
    }

    fn problems(found: &Discovered) -> Vec<String> {
        found.problems.iter().map(|p| format!("{} {}: {}", p.status.as_str(), p.name, p.reason)).collect()
    }

    /// A directory to play in, whose path the expectations need not know.
    struct Ground(tempfile::TempDir);

    impl Ground {
        fn new(files: &[&str]) -> Self {
            let ground = Self(tempfile::tempdir().unwrap());
            for file in files {
                let path = ground.0.path().join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, file).unwrap();
            }
            ground
        }

        fn path(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        /// Discovers, and takes the ground's own path out of the names.
        fn discover(&self, args: &[&str]) -> (Vec<String>, Vec<String>) {
            let root = format!("{}/", self.0.path().display());
            let args: Vec<OsString> = args
                .iter()
                .map(|arg| match arg.strip_prefix('@') {
                    Some(list) => format!("@{root}{list}").into(),
                    None => format!("{root}{arg}").into(),
                })
                .collect();
            let found = discover(&args);
            let backwards: Vec<OsString> = args.into_iter().rev().collect();
            assert_eq!(discover(&backwards), found, "the order of arguments must not matter");
            let clean = |texts: Vec<String>| texts.iter().map(|text| text.replace(&root, "")).collect();
            (clean(names(&found)), clean(problems(&found)))
        }
    }

    #[test]
    fn a_directory_is_walked_in_the_order_of_names() {
        let ground =
            Ground::new(&["logs/b.log", "logs/a/2.log", "logs/a/1.log", "logs/.hidden", "logs/c.gz"]);
        let (names, problems) = ground.discover(&["logs"]);
        assert_eq!(names, ["logs/.hidden", "logs/a/1.log", "logs/a/2.log", "logs/b.log", "logs/c.gz"]);
        assert!(problems.is_empty());
    }

    #[test]
    fn overlapping_arguments_give_every_file_once() {
        let ground = Ground::new(&["logs/a.log", "logs/sub/b.log"]);
        let (names, problems) = ground.discover(&["logs", "logs/a.log", "logs/sub", "logs/a.log", "logs/"]);
        assert_eq!(names, ["logs/a.log", "logs/sub/b.log"]);
        assert!(problems.is_empty());
    }

    #[test]
    fn sizes_and_times_are_known() {
        let ground = Ground::new(&["a.log"]);
        let found = discover(&[ground.path("a.log").into()]);
        assert_eq!(found.inputs[0].size, Some(5));
        assert!(found.inputs[0].modified.unwrap() > Timestamp::from_seconds(1_577_836_800));
    }

    #[test]
    fn a_path_that_leads_nowhere_does_not_stop_the_others() {
        let ground = Ground::new(&["a.log"]);
        let (names, problems) = ground.discover(&["gone.log", "a.log", "gone/*.log", "bad[glob"]);
        assert_eq!(names, ["a.log"]);
        assert!(
            problems[0].starts_with("unreadable bad[glob: no such file, and not a glob: "),
            "{}",
            problems[0]
        );
        assert_eq!(
            problems[1..],
            [
                "unreadable gone.log: no such file or directory",
                "unreadable gone/*.log: no such file, and nothing matches it as a glob",
            ]
        );
    }

    #[test]
    fn globs_match_files_and_directories_and_a_literal_path_wins() {
        let ground = Ground::new(&["a1.log", "a2.log", "a[1].log", "deep/x/y.log", "deep/z.log"]);
        assert_eq!(ground.discover(&["a?.log"]).0, ["a1.log", "a2.log"]);
        assert_eq!(ground.discover(&["a[1].log"]).0, ["a[1].log"]);
        assert_eq!(ground.discover(&["**/y.log"]).0, ["deep/x/y.log"]);
        assert_eq!(ground.discover(&["de*"]).0, ["deep/x/y.log", "deep/z.log"]);
    }

    #[test]
    fn a_list_has_a_path_per_line_and_no_globs() {
        let ground = Ground::new(&["a.log", "b.log"]);
        let root = ground.0.path().display();
        let list = format!("{root}/b.log\r\n\n{root}/a.log\n{root}/*.log");
        fs::write(ground.path("list"), list).unwrap();
        let (names, problems) = ground.discover(&["@list"]);
        assert_eq!(names, ["a.log", "b.log"]);
        assert_eq!(problems, ["unreadable *.log: no such file or directory"]);
        let (names, problems) = ground.discover(&["@gone", "a.log"]);
        assert_eq!(names, ["a.log"]);
        assert_eq!(problems, ["unreadable @gone: cannot read the list of paths: no such file or directory"]);
    }

    #[test]
    fn standard_input_is_read_once() {
        let found = discover(&["-".into(), "-".into()]);
        assert_eq!((names(&found), found.problems.len()), (vec!["-".to_owned()], 0));
        let found = discover(&["@-".into(), "-".into()]);
        assert_eq!(names(&found), ["-"]);
        assert!(problems(&found)[0].ends_with("already read as the source -"));
    }

    #[cfg(unix)]
    mod unix {
        use super::*;
        use std::os::unix::ffi::OsStringExt;
        use std::os::unix::fs::symlink;

        #[test]
        fn a_file_with_several_names_is_read_under_the_first() {
            let ground = Ground::new(&["logs/b.log"]);
            symlink("b.log", ground.path("logs/a.log")).unwrap();
            fs::hard_link(ground.path("logs/b.log"), ground.path("logs/c.log")).unwrap();
            let (names, problems) = ground.discover(&["logs"]);
            assert_eq!(names, ["logs/a.log"]);
            let same =
                ["logs/b.log", "logs/c.log"].map(|name| format!("skipped {name}: same file as logs/a.log"));
            assert_eq!(problems, same);
        }

        #[test]
        fn loops_of_links_end() {
            let ground = Ground::new(&["logs/sub/a.log"]);
            symlink("..", ground.path("logs/sub/up")).unwrap();
            symlink("sub", ground.path("logs/zzz")).unwrap();
            symlink("self", ground.path("logs/self")).unwrap();
            symlink("nowhere", ground.path("logs/dead")).unwrap();
            let (names, problems) = ground.discover(&["logs"]);
            assert_eq!(names, ["logs/sub/a.log"]);
            assert_eq!(problems.len(), 4);
            assert_eq!(problems[0], "unreadable logs/dead: a symbolic link that leads nowhere");
            assert!(problems[1].starts_with("unreadable logs/self: "));
            assert_eq!(problems[2], "skipped logs/sub/up: same directory as logs");
            assert_eq!(problems[3], "skipped logs/zzz: same directory as logs/sub");
        }

        #[test]
        fn a_socket_is_skipped() {
            let ground = Ground::new(&["logs/a.log"]);
            let _socket = std::os::unix::net::UnixListener::bind(ground.path("logs/s")).unwrap();
            let (names, problems) = ground.discover(&["logs"]);
            assert_eq!(
                (names, problems),
                (vec!["logs/a.log".to_owned()], vec!["skipped logs/s: a socket".to_owned()])
            );
        }

        #[test]
        fn a_device_that_is_named_is_read() {
            let found = discover(&["/dev/null".into()]);
            assert_eq!((names(&found), found.inputs[0].size), (vec!["/dev/null".to_owned()], None));
        }

        #[test]
        fn a_name_that_is_not_utf_8_is_shown_without_loss() {
            let ground = Ground::new(&[]);
            let name = OsString::from_vec(b"caf\xe9.log".to_vec());
            fs::write(ground.0.path().join(&name), "x").unwrap();
            assert_eq!(ground.discover(&[""]).0, ["caf\\xe9.log"]);
        }
    }
}
