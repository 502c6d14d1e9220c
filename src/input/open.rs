//! Opens an input and sees through its layers.

use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;

use super::lookahead::Lookahead;
use super::lz4::Lz4;
use super::members::Decoder;
use super::meter::{Meter, Metered, plain_reason};
use super::plain::Opened;
use super::sniff::{Kind, SNIFF_LEN, sniff};
use super::text::Utf16;
use super::{
    Helpers, Input, Limits, Place, Problem, Source, SourceName, Status, Visitor, replaced, tar, zip,
};

/// How much is read at once from a file.
const FILE_BUFFER: usize = 128 * 1024;
/// How much is buffered between two layers.
const LAYER_BUFFER: usize = 16 * 1024;

/// Reads `input` and hands every source in it to `visitor`, in order. `progress` is told of every read how many bytes
/// of the input it gave, unless the visitor reads a file by itself; `helpers` may decode. `Break` if the visitor wanted to stop.
pub fn read(
    input: &Input,
    limits: &Limits,
    helpers: &dyn Helpers,
    progress: &dyn Fn(u64),
    visitor: &mut dyn Visitor,
) -> ControlFlow<()> {
    let source = Source { name: input.name.clone(), modified: input.modified, start: 0 };
    match &input.place {
        Place::Stdin => read_stream(source, &mut io::stdin().lock(), limits, helpers, progress, visitor),
        Place::File(path) => match open(input, path).and_then(Opened::look) {
            Ok(Opened::Plain(file, start)) => visitor.file(&Source { start, ..source }, file),
            Ok(Opened::Layers(mut file)) => {
                read_stream(source, &mut file, limits, helpers, progress, visitor)
            }
            Err(error) => visitor.problem(Problem {
                name: input.name.clone(),
                status: Status::Unreadable,
                reason: plain_reason(&error),
                offset: None,
            }),
        },
    }
}

/// Opens the file of an input.
fn open(input: &Input, path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    if input.is(&file)? { Ok(file) } else { Err(replaced()) }
}

/// The same for any stream of bytes.
pub fn read_stream(
    source: Source,
    bytes: &mut dyn Read,
    limits: &Limits,
    helpers: &dyn Helpers,
    progress: &dyn Fn(u64),
    visitor: &mut dyn Visitor,
) -> ControlFlow<()> {
    let meter = Meter::new(limits);
    let mut bytes = Metered { inner: bytes, meter: &meter, progress };
    let mut opener = Opener { limits, meter: &meter, helpers, members: 0, visitor };
    opener.open(source, 0, Lookahead::new(&mut bytes, FILE_BUFFER))
}

/// The bytes of one layer.
pub(super) type Layer<'b> = Lookahead<&'b mut dyn Read>;

/// What all layers of one input share.
pub(super) struct Opener<'a> {
    limits: &'a Limits,
    pub(super) meter: &'a Meter<'a>,
    helpers: &'a dyn Helpers,
    /// How many members have been opened, in all archives.
    members: u64,
    visitor: &'a mut dyn Visitor,
}

impl Opener<'_> {
    /// Looks at the first bytes of what lies in `depth` layers, and opens it.
    fn open(&mut self, mut source: Source, depth: usize, mut bytes: Layer<'_>) -> ControlFlow<()> {
        let kind = sniff(bytes.peek(SNIFF_LEN));
        let layered = matches!(kind, Kind::Compressed(_) | Kind::Tar | Kind::Zip);
        if layered && depth >= self.limits.max_depth {
            let reason = format!(
                "lies in {depth} layers of compression and archives and is another; \
                 not opened because it looks like an archive bomb"
            );
            return self.problem(&source.name, Status::Skipped, reason, None);
        }
        match kind {
            Kind::Plain => self.visitor.source(&source, &mut bytes),
            Kind::Utf8WithMark => {
                bytes.consume_peeked(3);
                source.start = 3;
                self.visitor.source(&source, &mut bytes)
            }
            Kind::Utf16Le | Kind::Utf16Be => {
                bytes.consume_peeked(2);
                let little = kind == Kind::Utf16Le;
                let encoding = if little { encoding_rs::UTF_16LE } else { encoding_rs::UTF_16BE };
                self.visitor.source(&source, &mut Utf16::new(bytes, encoding))
            }
            Kind::Compressed(format) => match format.coding() {
                Some(coding) => {
                    let mut decoder = Decoder::new(bytes, format, coding, self.meter, self.helpers);
                    self.open(source, depth + 1, Lookahead::new(&mut decoder, LAYER_BUFFER))
                }
                None => {
                    let mut decoder = Lz4::new(bytes, self.meter);
                    self.open(source, depth + 1, Lookahead::new(&mut decoder, LAYER_BUFFER))
                }
            },
            Kind::Tar => tar::read(self, &source.name, depth + 1, &mut bytes),
            Kind::Zip => zip::read(self, &source.name, depth + 1, &mut bytes),
        }
    }

    /// Opens a member of an archive, whose members lie in `depth` layers.
    pub(super) fn member(&mut self, source: Source, depth: usize, bytes: &mut dyn Read) -> ControlFlow<()> {
        self.open(source, depth, Lookahead::new(bytes, LAYER_BUFFER))
    }

    /// Whether one more member may be opened. Says so if not.
    pub(super) fn admit(&mut self, archive: &SourceName, offset: u64) -> ControlFlow<(), bool> {
        self.members += 1;
        if self.members <= self.limits.max_members {
            return ControlFlow::Continue(true);
        }
        let reason = format!("more than {} members; the rest is not read", self.limits.max_members);
        self.problem(archive, Status::Partial, reason, Some(offset))?;
        ControlFlow::Continue(false)
    }

    /// Tells the visitor of trouble.
    pub(super) fn problem(
        &mut self,
        name: &SourceName,
        status: Status,
        reason: String,
        offset: Option<u64>,
    ) -> ControlFlow<()> {
        self.visitor.problem(Problem { name: name.clone(), status, reason, offset })
    }

    /// Tells the visitor that the rest of an archive cannot be read.
    pub(super) fn cut(&mut self, archive: &SourceName, error: &io::Error, offset: u64) -> ControlFlow<()> {
        self.problem(archive, Status::Partial, plain_reason(error), Some(offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Alone, discover};

    #[derive(Default)]
    struct Notes(Vec<String>);

    impl Visitor for Notes {
        fn source(&mut self, source: &Source, bytes: &mut dyn Read) -> ControlFlow<()> {
            let mut all = Vec::new();
            let error = bytes.read_to_end(&mut all).err();
            self.0.push(format!("{}: {} bytes, {:?}", source.name, all.len(), error.map(|e| e.to_string())));
            ControlFlow::Continue(())
        }

        fn problem(&mut self, problem: Problem) -> ControlFlow<()> {
            self.0.push(format!("{}: {} {}", problem.name, problem.status.as_str(), problem.reason));
            ControlFlow::Continue(())
        }
    }

    #[test]
    fn a_file_that_vanished_or_shrank_since_it_was_found_harms_nothing_else() {
        let ground = tempfile::tempdir().unwrap();
        for name in ["a", "b", "c"] {
            std::fs::write(ground.path().join(name), "12345").unwrap();
        }
        let mut found = discover(&[ground.path().into()]);
        std::fs::remove_file(ground.path().join("a")).unwrap();
        std::fs::write(ground.path().join("b"), "1").unwrap();
        let mut notes = Notes::default();
        for (input, name) in found.inputs.iter_mut().zip(["a", "b", "c"]) {
            input.name = SourceName::from(name);
            assert_eq!(
                read(input, &Limits::default(), &Alone, &|_| {}, &mut notes),
                ControlFlow::Continue(())
            );
        }
        assert_eq!(
            notes.0,
            ["a: unreadable no such file or directory", "b: 1 bytes, None", "c: 5 bytes, None"]
        );
    }

    /// Grows by a line whenever it is read, ten times.
    struct Growing(u32);

    impl Read for Growing {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            self.0 += 1;
            if self.0 > 10 {
                return Err(io::Error::from_raw_os_error(5));
            }
            out[..5].copy_from_slice(b"line\n");
            Ok(5)
        }
    }

    #[test]
    fn an_error_of_the_disk_comes_behind_what_was_read_in_plain_words() {
        let mut notes = Notes::default();
        let source = Source { name: SourceName::from("x"), modified: None, start: 0 };
        let _ = read_stream(source, &mut Growing(0), &Limits::default(), &Alone, &|_| {}, &mut notes);
        assert_eq!(notes.0, ["x: 50 bytes, Some(\"input/output error\")"]);
    }
}
