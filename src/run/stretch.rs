//! Sources that are read in parts: one run goes on where another has left off.
//!
//! What is to be read of each source is told by its name. Where a source goes on, what stands right above is compared with what was
//! read there before, on the very handle that is read: a file may have been replaced since somebody looked at it.

use std::collections::HashMap;
use std::io::{self, Read};
use std::sync::Arc;

use super::source::ReadState;
use crate::input::chunk::{Chunk, Chunker, End};
use crate::input::identity::{Content, HEAD, Witness};
use crate::input::{PlainFile, Source, Status, replaced};
use crate::scan::feed::{Bookmark, Feed, Pieces};
use crate::scan::lines::TimeContext;

/// What is to be read of each source, by its name. A source that has none is not read: nobody has looked at it.
pub type Stretches = HashMap<Arc<str>, Stretch>;

/// What is to be read of a source.
#[derive(Clone, Debug)]
pub enum Stretch {
    /// What stands behind the place where it was left, if it is.
    From(Option<Start>),
    /// The same up to its last whole record: its writer may be about to write more.
    Growing(Option<Start>),
    /// Nothing.
    Nothing,
}

/// Where a source was left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// How to go on there.
    pub bookmark: Bookmark,
    /// What stands above.
    pub content: Content,
}

/// A source that was read, from its beginning or on from where it was left.
#[derive(Clone, Debug)]
pub struct Ending {
    /// The source's name.
    pub name: Arc<str>,
    /// Where it was left this time.
    pub start: Start,
    /// Whether there is more to read, even if nothing is written to it any more. Behind an error there may be, but only then.
    pub has_more: bool,
}

/// A source while it is read, whole or in part.
pub(super) struct Part {
    from: Bookmark,
    first: u64,
    /// Who sees what is read of a source that may be read in parts.
    witness: Option<Witness>,
    may_grow: bool,
}

impl Part {
    /// Reads a stream up to where this part of it begins.
    pub(super) fn of_stream(
        source: &Source,
        stretch: Option<&Stretch>,
        bytes: &mut dyn Read,
    ) -> io::Result<Self> {
        Self::begin(source, stretch, |known| {
            let mut witness = Witness::default();
            witness.watch(bytes, known.length)?;
            Ok(witness.begins_with(known).then_some(witness))
        })
    }

    /// The same in a file, in which most is jumped over.
    pub(super) fn of_file(
        source: &Source,
        stretch: Option<&Stretch>,
        file: &mut PlainFile,
    ) -> io::Result<Self> {
        Self::begin(source, stretch, |known| {
            let mut first = Vec::new();
            file.take(known.length.min(HEAD as u64)).read_to_end(&mut first)?;
            file.resume(source.start, &first, known)
        })
    }

    fn begin(
        source: &Source,
        stretch: Option<&Stretch>,
        approach: impl FnOnce(&Content) -> io::Result<Option<Witness>>,
    ) -> io::Result<Self> {
        let start = match stretch {
            // Of what was empty nothing is above, and a byte order mark may have come.
            Some(Stretch::From(start) | Stretch::Growing(start)) => {
                start.as_ref().filter(|start| start.content.length > 0)
            }
            Some(Stretch::Nothing) | None => None,
        };
        let whole = || Bookmark::beginning(source.start);
        let witness = match (start, stretch) {
            (Some(start), _) => Some(approach(&start.content)?.ok_or_else(replaced)?),
            (None, Some(_)) => Some(Witness::default()),
            (None, None) => None,
        };
        Ok(Self {
            from: start.map_or_else(whole, |start| start.bookmark.clone()),
            first: source.start,
            witness,
            may_grow: matches!(stretch, Some(Stretch::Growing(_))),
        })
    }

    pub(super) fn chunker<R: Read>(&self, bytes: R, capacity: usize) -> Chunker<R> {
        let chunker = Chunker::new(bytes, self.from.offset, capacity);
        match self.witness {
            Some(_) => chunker.in_part(self.from.inside(), self.may_grow),
            None => chunker,
        }
    }

    pub(super) fn feed(&self, context: TimeContext) -> Feed {
        Feed::new(context, &self.from)
    }

    /// Sees the next chunk as it was read.
    pub(super) fn see(&mut self, chunk: &Chunk) {
        if let Some(witness) = &mut self.witness {
            witness.feed(&chunk.bytes);
        }
    }

    /// What is left to be worked on, how far the source was read, and where it was left if it is read in parts.
    pub(super) fn end(
        self,
        name: &Arc<str>,
        mut feed: Feed,
        end: End,
        is_stopped: bool,
    ) -> (Pieces, ReadState, Option<Ending>) {
        let is_left = self.may_grow || is_stopped || end.error.is_some();
        let held_back = feed.bookmark(&end);
        let is_held = end.held_back || held_back.offset < end.bytes;
        let has_more = is_stopped || (self.may_grow && is_held);
        let content = |witness: &Witness| witness.content_at(held_back.offset - self.first);
        let (pieces, to, content) = match self.witness.as_ref().filter(|_| is_left).and_then(content) {
            Some(content) => (Pieces::new(), held_back, Some(content)),
            None => (feed.finish(), feed.bookmark(&end), self.witness.as_ref().map(Witness::content)),
        };
        let mut state = self.read_state(&to, end);
        if is_stopped && self.witness.is_some() && state.status == Status::Complete {
            state.status = Status::Partial;
            state.error = format!("at byte {}: the run was stopped; the next one goes on here", to.offset);
        }
        let ending = content.map(|content| Ending {
            name: Arc::clone(name),
            start: Start { bookmark: to, content },
            has_more,
        });
        (pieces, state, ending)
    }

    /// How far it was read when it was left at `to`.
    fn read_state(&self, to: &Bookmark, end: End) -> ReadState {
        let (status, error) = match end.error {
            None => (Status::Complete, String::new()),
            Some(error) if to.offset == self.first => {
                (Status::Unreadable, format!("at byte {}: {error}", end.bytes))
            }
            Some(error) => (Status::Partial, format!("at byte {}: {error}", end.bytes)),
        };
        let above = if self.from.offset == self.first { 0 } else { self.from.offset };
        ReadState {
            status,
            bytes: to.offset - above,
            lines: to.lines_begun() - self.from.lines_begun(),
            error,
        }
    }
}
