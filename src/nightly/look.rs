//! A file → how the sources in it begin, and which known contents they begin with.

use std::io::Read;
use std::ops::ControlFlow;

use crate::input::identity::{Content, HEAD, Witness};
use crate::input::{Alone, Input, Limits, PlainFile, Problem, Source, Visitor, read};
use crate::state::{Index, Opened, Source as KnownSource, Stat};

/// What was found in a file that is not unchanged.
pub(super) struct Looked {
    pub(super) input: Input,
    /// The file itself, and its members if it is an archive.
    pub(super) sources: Vec<Found>,
    pub(super) is_archive: bool,
    pub(super) may_grow: bool,
}

/// A source, and which known contents it begins with.
pub(super) struct Found {
    pub(super) opened: Opened,
    /// How long it is, if its end was seen.
    pub(super) length: Option<u64>,
}

/// Looks at the beginnings of what is in a file, and as far as it is known.
pub(super) fn look(input: &Input, stat: Stat, index: &Index, limits: &Limits) -> Looked {
    let own = Opened { name: input.name.as_str().to_owned(), stat, contents: Vec::new() };
    let mut look = Look { own, index, sources: Vec::new(), is_plain: false };
    let _ = read(input, limits, &Alone, &|_| {}, &mut look);
    let Look { own, mut sources, is_plain, .. } = look;
    let is_archive = sources.iter().any(|found| found.opened.name != own.name);
    if is_archive {
        sources.insert(0, Found { opened: own, length: None });
    }
    Looked { input: input.clone(), sources, is_archive, may_grow: is_plain }
}

struct Look<'i> {
    own: Opened,
    index: &'i Index,
    sources: Vec<Found>,
    is_plain: bool,
}

impl Visitor for Look<'_> {
    fn source(&mut self, source: &Source, bytes: &mut dyn Read) -> ControlFlow<()> {
        let name = source.name.as_str().to_owned();
        let is_file = name == self.own.name;
        let mut witness = Witness::default();
        // Where it cannot be read further there may be more.
        let mut ends_within = |witness: &mut Witness, length: u64| {
            witness.watch(bytes, length).is_ok_and(|count| count < length)
        };
        let mut is_end = ends_within(&mut witness, HEAD as u64);
        let candidates = self.index.candidates(&witness.heads());
        candidates.iter().for_each(|known| witness.expect(known.length));
        let furthest = candidates.iter().map(|known| known.length).max().unwrap_or(0);
        // One byte more tells whether that is all.
        if !is_end && furthest >= witness.length() {
            let further = furthest + 1 - witness.length();
            is_end = ends_within(&mut witness, further);
        }
        let contents = candidates.into_iter().filter(|known| witness.begins_with(known)).collect();
        let opened = Opened { name, contents, ..self.own.clone() };
        self.sources.push(Found { opened, length: is_end.then(|| witness.length()) });
        if is_file { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// Most of a file is jumped over.
    fn file(&mut self, source: &Source, mut file: PlainFile) -> ControlFlow<()> {
        self.is_plain = true;
        let length = self.own.stat.size.saturating_sub(source.start);
        let (mut witness, mut first) = (Witness::default(), Vec::new());
        let _ = (&mut file).take(HEAD as u64).read_to_end(&mut first);
        witness.feed(&first);
        let mut begins_with = |known: &Content| {
            let mut resumed = || file.resume(source.start, &first, known);
            known.length <= length && resumed().is_ok_and(|witness| witness.is_some())
        };
        // Where the file is what it was, whatever else begins like it need not be asked: many logs have the same banner.
        let is_own = |known: &&KnownSource| {
            (known.seen.stat.dev, known.seen.stat.ino) == (self.own.stat.dev, self.own.stat.ino)
        };
        let own = self.index.named(&self.own.name).find(is_own).map(|known| known.seen.content);
        let contents = match own.filter(|own| own.length > 0 && begins_with(own)) {
            Some(own) => vec![own],
            None => self.index.candidates(&witness.heads()).into_iter().filter(&mut begins_with).collect(),
        };
        let opened = Opened { contents, ..self.own.clone() };
        self.sources.push(Found { opened, length: Some(length) });
        ControlFlow::Break(())
    }

    fn problem(&mut self, _: Problem) -> ControlFlow<()> {
        // Whoever reads it is told again.
        ControlFlow::Continue(())
    }
}
