//! Bytes in: from what the user typed to a stream of plain bytes per source.
//!
//! [`discover()`] turns arguments into [`Input`]s, the files to open. [`read`] opens one of them, looks at its first
//! bytes (never at its name), and sees through compression, archives and UTF-16, layer by layer, until it reaches
//! **sources**: what a person would call a log. Each is handed to a [`Visitor`] as a [`Read`], in the order in which
//! the input holds them. The rooms below:
//!
//! - `discover`: paths, directories, globs, `-` and `@FILE` → inputs, each file once, whatever the order of arguments
//! - `plain`: a file without layers, which a visitor may read as it likes
//! - `lookahead`: a buffered reader that can be asked what comes next
//! - `sniff`: first bytes → what they are
//! - `decompress`: gzip, zstd, bzip2, xz → bytes; `lz4`: the same for lz4; `meter`: what the limits allow of it;
//!   `members`: one member behind the other; `ahead`: members that idle threads decode side by side; `blocks`: the same
//!   for the blocks of one member (`bzip2_blocks`, `xz_blocks`, and `xz_index`, which is checked behind them)
//! - `tar`, `zip`: archives → members; `archive` is what both share
//! - `text`: UTF-16 → UTF-8
//! - [`chunk`]: a source's bytes → whole lines, in buffers of bounded size
//! - [`identity`]: by what a source is known again
//! - [`record`]: records that a container runtime has split → joined
//!
//! # Invariants
//!
//! - Everything is streamed. Nothing is unpacked to disk, mapped, or held whole in memory; what a reader needs is
//!   bounded by its window (at most 128 MiB, if a zstd or xz stream asks for it) whatever the input says of itself, and
//!   what who helps it needs by that and a block (at most 64 MiB, of xz).
//! - Nothing is lost silently: what is found but not read, or only partly, is either an error of the source's `Read`
//!   at the offset where it happened, or a [`Problem`]. Neither stops the members or inputs that can still be read.
//! - The bytes before an error are the beginning of what the undamaged input holds, unless the damage is of a kind
//!   that only a checksum can find.
//! - The work that an input can cause is bounded by [`Limits`].
//! - A file that grows, shrinks or vanishes while it is read is read as far as `read(2)` gives bytes.

mod ahead;
mod archive;
mod blocks;
mod bzip2_blocks;
pub mod chunk;
mod codec;
mod decompress;
mod discover;
pub mod identity;
mod lookahead;
mod lz4;
mod members;
mod meter;
mod name;
mod open;
mod plain;
pub mod record;
mod sniff;
mod tar;
mod text;
mod xz_blocks;
mod xz_chunks;
mod xz_index;
mod zip;

#[cfg(test)]
mod matrix;
#[cfg(test)]
mod testing;

use std::io::Read;
use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::timestamp::Timestamp;

pub use discover::{Discovered, discover};
pub use name::SourceName;
pub use open::{read, read_stream};
pub use plain::PlainFile;
pub use sniff::is_packed;

/// One thing to open. Behind it may be one source or, if it is an archive, many or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// How reports name it: as the user typed it, and the path below it if a directory was typed.
    pub name: SourceName,
    /// Where its bytes are.
    pub place: Place,
    /// Its size on disk when it was discovered, for progress only. A pipe has none.
    pub size: Option<u64>,
    /// When the file was last written to. A pipe has none.
    pub modified: Option<Timestamp>,
    /// The device and the number of the file, if no other one that has come into its place is meant.
    pub identity: Option<(u64, u64)>,
}

impl Input {
    /// Whether an open file is the one that is meant.
    fn is(&self, file: &std::fs::File) -> std::io::Result<bool> {
        #[cfg(unix)]
        if let Some(identity) = self.identity {
            use std::os::unix::fs::MetadataExt as _;
            let metadata = file.metadata()?;
            return Ok((metadata.dev(), metadata.ino()) == identity);
        }
        let _ = file;
        Ok(true)
    }
}

/// What is told of an input or a source that is not the one that was looked at.
pub(crate) fn replaced() -> std::io::Error {
    std::io::Error::other("was replaced after it was looked at; the next run reads it")
}

/// Where the bytes of an input are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// A file, or anything else that can be opened by a path.
    File(PathBuf),
    /// Standard input.
    Stdin,
}

/// What a [`Visitor`] is told about the bytes that it is about to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// How reports name it: `app.log.gz`, `bundle.tar.gz!var/log/app.log`.
    pub name: SourceName,
    /// When the file, or the archive's member, was last written to. The time in a gzip header is not used: it is the
    /// compressor's, and a file's own is nearer to its last line.
    pub modified: Option<Timestamp>,
    /// The offset of the first byte that is handed over: 3 if a UTF-8 byte order mark was dropped, else 0. Offsets
    /// count decompressed bytes; in a source that was UTF-16, the bytes of its UTF-8 form.
    pub start: u64,
}

/// How far a source was read: the words of `sources.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// To its end.
    Complete,
    /// Up to an error.
    Partial,
    /// Not at all, because of an error.
    Unreadable,
    /// Not at all, on purpose.
    Skipped,
}

impl Status {
    /// The word for it in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Unreadable => "unreadable",
            Self::Skipped => "skipped",
        }
    }

    /// Whether bytes may be missing from the report without anybody having asked for it.
    #[must_use]
    pub const fn is_incomplete(self) -> bool {
        matches!(self, Self::Partial | Self::Unreadable)
    }
}

/// Something that was named, found in a directory or found in an archive, but is not read, or not to its end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// What it is about: a path, an archive (whose own structure is damaged), or a member of one.
    pub name: SourceName,
    /// `Partial`, `Unreadable` or `Skipped`.
    pub status: Status,
    /// Why, in plain words.
    pub reason: String,
    /// Where in the archive named by `name` the trouble is.
    pub offset: Option<u64>,
}

/// Who reads the sources of an input. `Break` ends the reading of the whole input.
pub trait Visitor {
    /// Reads `bytes` to the end or to the first error, whichever comes first. The error's text is the reason, fit for
    /// `sources.csv`; its offset is `source.start` plus the number of bytes read before it.
    fn source(&mut self, source: &Source, bytes: &mut dyn Read) -> ControlFlow<()>;

    /// The same for a file that holds nothing but the source. It may be kept, and read after this has returned.
    fn file(&mut self, source: &Source, mut file: PlainFile) -> ControlFlow<()> {
        self.source(source, &mut file)
    }

    /// Takes note of trouble that is not a source's own.
    fn problem(&mut self, problem: Problem) -> ControlFlow<()>;
}

/// Threads that can help a reader. This room knows none: who reads an input lends those that have nothing else to do.
pub trait Helpers: Sync {
    /// How many threads may work for this reader, its own included: those that read nothing.
    fn all(&self) -> usize;

    /// How many of them have nothing to do right now.
    fn free(&self) -> usize;

    /// Calls `job` with each number below `jobs`, in any order, on any threads, and returns when all calls have.
    fn run(&self, jobs: usize, job: &(dyn Fn(usize) + Sync));
}

/// Nobody helps.
#[derive(Clone, Copy, Debug)]
pub struct Alone;

impl Helpers for Alone {
    fn all(&self) -> usize {
        1
    }

    fn free(&self) -> usize {
        1
    }

    fn run(&self, jobs: usize, job: &(dyn Fn(usize) + Sync)) {
        (0..jobs).for_each(job);
    }
}

/// What one input may cost. The defaults let honest logs through, and most bombs end at `free_expansion`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many layers of compression and archives may lie around a source. A `.tar.gz` has two.
    pub max_depth: usize,
    /// How many members the archives of one input may have together.
    pub max_members: u64,
    /// Bytes that may come out of decompression whatever went in. Every layer counts.
    pub free_expansion: u64,
    /// Past that: how many bytes may come out per byte that was read of the input. One layer of gzip (1,032:1), xz
    /// (7,000:1) or zstd (32,768:1) never gets there, whatever is in it; bzip2 does with gigabytes of one same byte,
    /// and so do bombs in layers.
    pub max_ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_depth: 8, max_members: 1_000_000, free_expansion: 8 << 30, max_ratio: 50_000 }
    }
}
