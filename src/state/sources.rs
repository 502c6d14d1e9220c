//! The sources that are known, and which of them the files of a run are.
//!
//! Every known source is claimed by at most one file of a run. A file whose name and file status are those of a known source is that
//! source, and is not opened. Of the others, those that begin with the same known content are as good as each other: whichever of them
//! claims it, the same bytes remain to be read of all of them together. So the longest known content is given away first, to the file
//! of its name if there is one, else to the first in the order of names; nothing depends on the order in which files are found. A known
//! source of which nothing is known yet goes to the file of its name, or to none.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use foldhash::{HashMap, HashMapExt as _, HashSet};
use smallvec::SmallVec;

use super::RunNumber;
use crate::input::identity::{Content, Hash, Heads};
use crate::token::mask_tokens;

/// What a file system says of a file. Whatever is written to the file changes some of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stat {
    /// The device that holds it.
    pub dev: u64,
    /// Its number there.
    pub ino: u64,
    /// Its length in bytes, as it is stored.
    pub size: u64,
    /// When its bytes were last written, in nanoseconds since the epoch.
    pub mtime_ns: i64,
    /// When anything of it was last changed.
    pub ctime_ns: i64,
}

/// The number of a known source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub(super) i64);

/// What is to be remembered of a source that was read, or that has another name or status than before.
#[derive(Clone, PartialEq, Eq)]
pub struct Seen {
    /// Its name. What in it looks like a token is masked before it is stored.
    pub name: String,
    /// What the file system said before it was opened.
    pub stat: Stat,
    /// What was read of it.
    pub content: Content,
    /// Where reading goes on; nobody but the reader knows what is in it. It holds no byte of a token.
    pub bookmark: Vec<u8>,
    /// Whether it is an archive.
    pub is_archive: bool,
    /// Whether there was more to read.
    pub more: bool,
}

/// What a bookmark holds is nobody's business.
impl fmt::Debug for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stat, content, is_archive, more, .. } = self;
        let mut shown = f.debug_struct("Seen");
        shown
            .field("stat", stat)
            .field("content", content)
            .field("is_archive", is_archive)
            .field("more", more);
        shown.finish_non_exhaustive()
    }
}

/// A source that is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its number.
    pub id: SourceId,
    /// What was remembered of it last.
    pub seen: Seen,
    /// The run that found it first.
    pub first_run: RunNumber,
    /// The last run that remembered something of it. Runs in which nothing of it had changed are not told.
    pub last_run: RunNumber,
    /// The first run that did not find it any more.
    pub missing_since: Option<RunNumber>,
}

/// A source that a run has something to remember of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceUpdate {
    /// The source that it is; `None`: a new one.
    pub known: Option<SourceId>,
    /// What is to be remembered.
    pub seen: Seen,
}

/// Some of the sources, by their places among all, in the order of their numbers. Mostly there is one.
type Places = SmallVec<[u32; 2]>;

/// All known sources, to look files up. Keys are hashes and contents, not names, because there may be as many as there are files in a
/// large tree, and every run begins with them.
#[derive(Debug, Default)]
pub struct Index {
    sources: Vec<Source>,
    /// Which hash a name has.
    names: RandomState,
    by_name: HashMap<u64, Places>,
    by_content: HashMap<Content, Places>,
    /// One source of each known content with this head, the longest first.
    by_head: HashMap<Hash, Places>,
}

impl Index {
    /// An index of these sources.
    #[must_use]
    pub fn new(mut sources: Vec<Source>) -> Self {
        sources.sort_by_key(|source| source.id);
        let mut index = Self {
            names: RandomState::default(),
            by_name: HashMap::with_capacity(sources.len()),
            by_content: HashMap::with_capacity(sources.len()),
            by_head: HashMap::with_capacity(sources.len()),
            sources,
        };
        for (at, source) in (0..).zip(&index.sources) {
            let Seen { name, content, .. } = &source.seen;
            index.by_name.entry(index.names.hash_one(name.as_str())).or_default().push(at);
            let same = index.by_content.entry(*content).or_default();
            same.push(at);
            if same.len() == 1 && content.length > 0 {
                index.by_head.entry(content.head).or_default().push(at);
            }
        }
        let content = |at: &u32| index.sources[*at as usize].seen.content;
        for places in index.by_head.values_mut().filter(|places| places.len() > 1) {
            places.sort_unstable_by_key(|at| Reverse(content(at)));
        }
        index
    }

    /// All sources, in the order of their numbers.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    /// The source with this number.
    #[must_use]
    pub fn get(&self, id: SourceId) -> Option<&Source> {
        let place = self.sources.binary_search_by_key(&id, |source| source.id);
        place.ok().map(|place| &self.sources[place])
    }

    /// The known contents whose head is one of these, the longest first: what a file with these heads may begin with, if it is as long
    /// and their tails agree.
    #[must_use]
    pub fn candidates(&self, heads: &Heads) -> Vec<Content> {
        let heads = heads.iter().rev();
        heads.flat_map(|head| self.at(self.by_head.get(&head)).map(|source| source.seen.content)).collect()
    }

    /// Nothing is claimed yet.
    #[must_use]
    pub fn claims(&self) -> Claims<'_> {
        Claims { index: self, taken: HashSet::default() }
    }

    fn at(&self, places: Option<&Places>) -> impl Iterator<Item = &Source> {
        let places = places.map_or(&[][..], |places| places.as_slice());
        places.iter().map(|&at| &self.sources[at as usize])
    }

    /// The sources that are called so.
    pub fn named(&self, name: &str) -> impl Iterator<Item = &Source> {
        self.at(self.by_name.get(&self.names.hash_one(name))).filter(move |source| source.seen.name == name)
    }
}

/// A file that is not unchanged, and what it was found to begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened {
    /// Its name.
    pub name: String,
    /// What the file system says.
    pub stat: Stat,
    /// Those of the [candidates](Index::candidates) that it does begin with.
    pub contents: Vec<Content>,
}

/// Which known sources the files of a run are.
#[derive(Debug)]
pub struct Claims<'i> {
    index: &'i Index,
    taken: HashSet<SourceId>,
}

/// The sources that are no longer there, and those that are there again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// They were there when the last run looked.
    pub gone: Vec<SourceId>,
    /// They were not.
    pub back: Vec<SourceId>,
}

impl<'i> Claims<'i> {
    /// The known source that a file is, if nothing of it has changed since it was read; there may still be more to read.
    pub fn unchanged(&mut self, name: &str, stat: &Stat) -> Option<&'i Source> {
        let name = mask_tokens(name);
        let is_it = |source: &&Source| source.seen.stat == *stat && !self.taken.contains(&source.id);
        let source = self.index.named(&name).find(is_it)?;
        self.taken.insert(source.id);
        Some(source)
    }

    /// The known sources that all other files of a run are, in the order of the files; `None` of those that are new. It is asked once,
    /// when all [unchanged](Self::unchanged) files are known.
    pub fn settle(&mut self, files: &[Opened]) -> Vec<Option<&'i Source>> {
        let names: Vec<_> = files.iter().map(|file| mask_tokens(&file.name)).collect();
        let mut order: Vec<_> = (0..files.len()).collect();
        order.sort_by_key(|&n| (&names[n], &files[n].stat));

        let mut wanted: BTreeMap<Content, Vec<usize>> = BTreeMap::new();
        for &n in &order {
            let contents: BTreeSet<_> =
                files[n].contents.iter().filter(|content| content.length > 0).collect();
            contents.into_iter().for_each(|content| wanted.entry(*content).or_default().push(n));
        }
        wanted.insert(Content::empty(), order);

        let mut settled: Vec<Option<&'i Source>> = vec![None; files.len()];
        for (content, files) in wanted.into_iter().rev() {
            let sources = self.index.at(self.index.by_content.get(&content));
            let mut left: Vec<_> = sources.filter(|source| !self.taken.contains(&source.id)).collect();
            if left.is_empty() {
                continue;
            }
            let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
            for &n in files.iter().rev().filter(|&&n| settled[n].is_none()) {
                by_name.entry(&names[n]).or_default().push(n);
            }
            left.retain(|source| {
                let Some(n) = by_name.get_mut(&*source.seen.name).and_then(Vec::pop) else { return true };
                self.taken.insert(source.id);
                settled[n] = Some(source);
                false
            });
            if content.length > 0 {
                let unnamed: Vec<_> = files.iter().copied().filter(|&n| settled[n].is_none()).collect();
                for (source, n) in left.into_iter().zip(unnamed) {
                    self.taken.insert(source.id);
                    settled[n] = Some(source);
                }
            }
        }
        settled
    }

    /// Which sources came and went, as far as they were claimed. It says so only of a run that has looked at every file.
    #[must_use]
    pub fn presence(&self) -> Presence {
        let sources = || self.index.sources.iter();
        let is_there = |source: &&Source| self.taken.contains(&source.id);
        let gone = sources().filter(|source| source.missing_since.is_none() && !is_there(source));
        let back = sources().filter(|source| source.missing_since.is_some() && is_there(source));
        Presence {
            gone: gone.map(|source| source.id).collect(),
            back: back.map(|source| source.id).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::input::identity::Witness;

    fn witness(text: &str) -> Witness {
        let mut witness = Witness::default();
        witness.feed(text.as_bytes());
        witness
    }

    fn known(id: i64, name: &str, text: &str) -> Source {
        let seen = Seen {
            name: name.to_owned(),
            stat: Stat { ino: id as u64, size: text.len() as u64, ..Stat::default() },
            content: witness(text).content(),
            bookmark: Vec::new(),
            is_archive: false,
            more: false,
        };
        let run = RunNumber(1);
        Source { id: SourceId(id), seen, first_run: run, last_run: run, missing_since: None }
    }

    fn opened(index: &Index, name: &str, text: &str) -> Opened {
        let witness = witness(text);
        let mut contents = index.candidates(&witness.heads());
        contents.retain(|content| witness.begins_with(content));
        Opened { name: name.to_owned(), stat: Stat { ino: 1_000, ..Stat::default() }, contents }
    }

    fn index(known_as: &[(&str, &str)]) -> Index {
        Index::new(known_as.iter().zip(1..).map(|((name, text), id)| known(id, name, text)).collect())
    }

    /// Which known source each file is, by its number.
    fn settled(index: &Index, files: &[(&str, &str)]) -> Vec<Option<i64>> {
        let files: Vec<_> = files.iter().map(|(name, text)| opened(index, name, text)).collect();
        let settled = index.claims().settle(&files).into_iter();
        settled.map(|source| source.map(|source| source.id.0)).collect()
    }

    #[test]
    fn logs_that_rotate_are_who_they_were() {
        let index = index(&[("app.log", "monday"), ("app.log.1", "sunday")]);
        let files = [("app.log", "tuesday"), ("app.log.1", "monday, later"), ("app.log.2.gz", "sunday")];
        assert_eq!(settled(&index, &files), [None, Some(1), Some(2)]);
    }

    #[test]
    fn two_equal_files_are_two_sources_each_by_its_name() {
        let index = index(&[("b.log", "the same"), ("a.log", "the same")]);
        assert_eq!(
            settled(&index, &[("a.log", "the same"), ("b.log", "the same, longer")]),
            [Some(2), Some(1)]
        );
        assert_eq!(settled(&index, &[("x.log", "the same"), ("w.log", "the same")]), [Some(2), Some(1)]);
        let files = [("c.log", "the same"), ("b.log", "the same"), ("a.log", "the same")];
        assert_eq!(settled(&index, &files), [None, Some(1), Some(2)], "the third is new");
    }

    #[test]
    fn the_longest_is_given_away_first_so_that_nothing_is_read_twice() {
        let index = index(&[("app.log", "#\n"), ("app.log.1", "#\nmonday")]);
        let files = [("app.log", "#\nmonday, later"), ("app.log.1", "#\ntuesday")];
        assert_eq!(settled(&index, &files), [Some(2), Some(1)]);
    }

    #[test]
    fn a_file_that_was_truncated_and_written_anew_is_new() {
        let index = index(&[("app.log", "monday")]);
        assert_eq!(settled(&index, &[("app.log", "mon")]), [None]);
        assert_eq!(settled(&index, &[("app.log", "")]), [None]);
        assert_eq!(settled(&index, &[("app.log", "tue"), ("app.log.1", "monday")]), [None, Some(1)]);
    }

    #[test]
    fn an_empty_source_is_known_by_its_name_alone() {
        let index = index(&[("app.log", "")]);
        assert_eq!(settled(&index, &[("app.log", "monday"), ("other.log", "")]), [Some(1), None]);
        assert_eq!(settled(&index, &[("other.log", "")]), [None]);
    }

    #[test]
    fn what_has_not_changed_is_not_opened_and_not_given_away_again() {
        let index = index(&[("a.log", "same"), ("b.log", "same")]);
        let mut claims = index.claims();
        let stat = index.get(SourceId(1)).unwrap().seen.stat;
        assert_eq!(claims.unchanged("b.log", &stat), None, "another name");
        assert_eq!(claims.unchanged("a.log", &Stat { ctime_ns: 1, ..stat }), None, "another time");
        assert_eq!(claims.unchanged("a.log", &stat).unwrap().id, SourceId(1));
        assert_eq!(claims.unchanged("a.log", &stat), None, "it is given away");
        let files = [opened(&index, "c.log", "same"), opened(&index, "d.log", "same")];
        let ids: Vec<_> = claims.settle(&files).into_iter().map(|source| source.map(|s| s.id.0)).collect();
        assert_eq!(ids, [Some(2), None]);
    }

    #[test]
    fn a_name_that_holds_a_token_is_found_under_its_mask() {
        let token =
            "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3ODEyMjYwMDB9.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let name = format!("{token}.log");
        let masked = mask_tokens(&name).into_owned();
        assert!(!masked.contains("eyJhbGci"));
        let index = index(&[(&masked, "text")]);
        let stat = index.sources()[0].seen.stat;
        assert!(index.claims().unchanged(&name, &stat).is_some());
        assert_eq!(settled(&index, &[("other", "text"), (&name, "text")]), [None, Some(1)]);
    }

    #[test]
    fn what_came_and_went_is_told_once() {
        let mut sources =
            vec![known(1, "a", "aa"), known(2, "b", "bb"), known(3, "c", "cc"), known(4, "d", "dd")];
        sources[2].missing_since = Some(RunNumber(1));
        sources[3].missing_since = Some(RunNumber(1));
        let index = Index::new(sources);
        let mut claims = index.claims();
        claims.settle(&[opened(&index, "a", "aa"), opened(&index, "c", "cc")]);
        assert_eq!(claims.presence(), Presence { gone: vec![SourceId(2)], back: vec![SourceId(3)] });
    }

    /// The most bytes that need not be read again, whichever known source each file is.
    fn most(known: &[&str], taken: &mut [bool], files: &[&str]) -> usize {
        let Some((file, files)) = files.split_first() else { return 0 };
        let mut best = most(known, taken, files);
        for n in 0..known.len() {
            if !taken[n] && !known[n].is_empty() && file.starts_with(known[n]) {
                taken[n] = true;
                best = best.max(known[n].len() + most(known, taken, files));
                taken[n] = false;
            }
        }
        best
    }

    proptest! {
        #[test]
        fn no_other_way_to_give_sources_away_reads_less_and_the_order_of_files_does_not_matter(
            known_as in proptest::collection::vec(("[xyz]", "[ab]{0,4}"), 0..5),
            found in proptest::collection::btree_map("[vwxyz]", "[ab]{0,5}", 0..5),
            shuffled in any::<u64>(),
        ) {
            let known_as: Vec<_> = known_as.iter().map(|(name, text)| (&**name, &**text)).collect();
            let mut files: Vec<_> = found.iter().map(|(name, text)| (&**name, &**text)).collect();
            let index = index(&known_as);
            let ids = settled(&index, &files);

            let claimed: Vec<_> = ids.iter().flatten().collect();
            let distinct: BTreeSet<_> = claimed.iter().collect();
            prop_assert_eq!(distinct.len(), claimed.len(), "each at most once");
            let saved: usize = claimed.iter().map(|id| known_as[**id as usize - 1].1.len()).sum();
            for (id, (name, text)) in ids.iter().zip(&files) {
                let Some(id) = id else { continue };
                let (known_name, known) = known_as[*id as usize - 1];
                prop_assert!(text.starts_with(known) && (!known.is_empty() || *name == known_name));
            }
            let texts: Vec<_> = files.iter().map(|(_, text)| *text).collect();
            let known: Vec<_> = known_as.iter().map(|(_, text)| *text).collect();
            prop_assert_eq!(saved, most(&known, &mut vec![false; known.len()], &texts));

            let by_name: BTreeMap<_, _> = files.iter().map(|(name, _)| *name).zip(ids).collect();
            if !files.is_empty() {
                let turn = shuffled as usize % files.len();
                files.rotate_left(turn);
                files.swap(0, (shuffled >> 32) as usize % by_name.len());
            }
            let again: BTreeMap<_, _> = files.iter().map(|(name, _)| *name).zip(settled(&index, &files)).collect();
            prop_assert_eq!(by_name, again);
        }
    }
}
