//! Files → what of each is to be read, and what is to be remembered of it afterwards.
//!
//! A file whose status is as it was is not opened. Of the others the beginning is looked at; where that is known, also whether they go on
//! as what was read before did. So a file is known again under every name and packing, and only what is new in it is read.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use super::look::{Found, Looked, look};
use crate::at_once::{AtOnce, each};
use crate::error::{Error, Result};
use crate::input::identity::Content;
use crate::input::{self, Discovered, Input, Limits, Place, Problem, SourceName, Status};
use crate::run::{Ending, Start, Stretch, Stretches};
use crate::scan::feed::Bookmark;
use crate::state::{
    Claims, Index, Opened, Presence, Seen, Source as KnownSource, SourceId, SourceUpdate, Stat,
};
use crate::timestamp::Timestamp;

/// A file that was written to so short a while ago may be in the middle of a line even if a run before this one saw it like that, in
/// milliseconds.
const QUIET: u64 = 60_000;

/// What is to be read.
#[derive(Debug, Default)]
pub struct Plan {
    /// The files to open, and what was found that is no file to read.
    pub discovered: Discovered,
    /// What of them is to be read.
    pub stretches: Stretches,
    /// The files that were not opened because nothing of them has changed.
    pub unchanged: Vec<SourceName>,
    /// Which known sources came and went.
    pub presence: Presence,
    /// What is to be remembered of sources that need not be read.
    updates: Vec<SourceUpdate>,
    /// The same of archives, and which of their members are to be read first.
    archives: Vec<(SourceUpdate, Vec<Arc<str>>)>,
    /// What is known of those that are read, by their names.
    records: HashMap<Arc<str>, Record>,
}

/// What is known of a source before it is read.
#[derive(Clone, Debug)]
struct Record {
    known: Option<SourceId>,
    stat: Stat,
}

/// Looks at all files that were discovered, and decides.
///
/// # Errors
/// When what is remembered of a source cannot be understood.
pub fn plan(
    discovered: Discovered,
    index: &Index,
    limits: &Limits,
    now: Timestamp,
    at_once: &AtOnce<'_>,
) -> Result<Plan> {
    let mut plan = Plan::default();
    plan.discovered.problems = discovered.problems;
    let mut claims = index.claims();
    let members = Members::of(index);
    let stats = each(at_once, discovered.inputs.len(), |n| stat(&discovered.inputs[n]));
    let mut changed = Vec::new();
    let mut files = HashMap::new();
    for (mut input, stat) in discovered.inputs.into_iter().zip(stats) {
        // Where files have numbers, whoever opens this one is told if another has come into its place.
        let file = stat.as_ref().ok().map(|stat| (stat.dev, stat.ino)).filter(|(_, number)| *number > 0);
        input.identity = file;
        // A file may be renamed while others are looked at, and be met twice.
        if let Some(first) = file.and_then(|file| files.insert(file, input.name.clone())) {
            plan.skip(input, format!("same file as {first}, which was renamed"));
            continue;
        }
        match stat {
            Err(problem) => plan.discovered.problems.push(problem),
            Ok(stat) => match claims.unchanged(input.name.as_str(), &stat) {
                Some(source) if source.seen.more => plan.go_on(input, stat, source, now)?,
                Some(_) => {
                    members.claim(input.name.as_str(), &stat, &mut claims);
                    plan.unchanged.push(input.name);
                }
                None if is_being_packed(&input, now) => {
                    plan.skip(
                        input,
                        "is packed, and was written to just now; the next run reads it".to_owned(),
                    );
                }
                None => changed.push((input, stat)),
            },
        }
    }
    plan.discovered.problems.sort();
    let looked = each(at_once, changed.len(), |n| {
        let (input, stat) = &changed[n];
        look(input, *stat, index, limits)
    });
    plan.decide(looked, claims)?;
    Ok(plan)
}

impl Plan {
    fn skip(&mut self, Input { name, .. }: Input, reason: String) {
        self.discovered.problems.push(Problem { name, status: Status::Skipped, reason, offset: None });
    }

    /// Reads the rest of a file to which nothing was written since the last run: a line that has no end by now has none.
    fn go_on(&mut self, input: Input, stat: Stat, source: &KnownSource, now: Timestamp) -> Result<()> {
        let start = start(&source.seen)?;
        let stretch =
            if was_just_written(&input, now) { Stretch::Growing(start) } else { Stretch::From(start) };
        let name: Arc<str> = input.name.as_str().into();
        self.stretches.insert(Arc::clone(&name), stretch);
        self.records.insert(name, Record { known: Some(source.id), stat });
        self.discovered.inputs.push(input);
        Ok(())
    }

    fn decide(&mut self, looked: Vec<Looked>, mut claims: Claims<'_>) -> Result<()> {
        let opened: Vec<Opened> = looked
            .iter()
            .flat_map(|looked| looked.sources.iter().map(|found| found.opened.clone()))
            .collect();
        let mut settled = claims.settle(&opened).into_iter();
        for Looked { input, sources, is_archive, may_grow } in looked {
            // Who reads a file that could not be opened is told why, and reads nothing if it can be opened then.
            let is_closed = sources.is_empty();
            let mut read: Vec<Arc<str>> = Vec::new();
            let mut archive = None;
            for (n, Found { opened, length }) in sources.into_iter().enumerate() {
                let known = settled.next().flatten();
                let Opened { name, stat, .. } = opened;
                let known_id = known.map(|source| source.id);
                let seen = known.map(|source| source.seen.clone());
                // What there is to know of an archive itself is its status.
                if is_archive && n == 0 {
                    let seen = Seen {
                        name,
                        stat,
                        content: Content::empty(),
                        bookmark: Vec::new(),
                        is_archive: true,
                        more: false,
                    };
                    archive = Some(SourceUpdate { known: known_id, seen });
                    continue;
                }
                let name: Arc<str> = name.into();
                let start = seen.as_ref().map(start).transpose()?.flatten();
                if let (Some(seen), Some(start)) = (&seen, &start)
                    && length == Some(start.content.length)
                {
                    let seen = Seen { name: name.to_string(), stat, more: false, ..seen.clone() };
                    self.updates.push(SourceUpdate { known: known_id, seen });
                    self.stretches.insert(name, Stretch::Nothing);
                    continue;
                }
                read.push(Arc::clone(&name));
                let stretch = if may_grow { Stretch::Growing(start) } else { Stretch::From(start) };
                self.stretches.insert(Arc::clone(&name), stretch);
                self.records.insert(name, Record { known: known_id, stat });
            }
            if is_closed || !read.is_empty() {
                self.discovered.inputs.push(input);
            }
            self.archives.extend(archive.map(|archive| (archive, read)));
        }
        self.presence = claims.presence();
        Ok(())
    }

    /// What is to be remembered of all sources, now that they were left where they were.
    ///
    /// # Errors
    /// When a bookmark cannot be written down.
    pub fn updates(self, endings: &[Ending]) -> Result<Vec<SourceUpdate>> {
        let mut updates = self.updates;
        let done: HashSet<&str> =
            endings.iter().filter(|ending| !ending.has_more).map(|ending| &*ending.name).collect();
        let is_done = |read: &[Arc<str>]| read.iter().all(|member| done.contains(&**member));
        updates
            .extend(self.archives.into_iter().filter(|(_, read)| is_done(read)).map(|(archive, _)| archive));
        for Ending { name, start, has_more } in endings {
            let Some(Record { known, stat }) = self.records.get(name).cloned() else { continue };
            let bookmark = postcard::to_allocvec(&start.bookmark)
                .map_err(|error| Error::new(format!("cannot write down where {name} was left: {error}")))?;
            let seen = Seen {
                name: name.to_string(),
                stat,
                content: start.content,
                bookmark,
                is_archive: false,
                more: *has_more,
            };
            updates.push(SourceUpdate { known, seen });
        }
        Ok(updates)
    }
}

/// Where a known source was left, if anything of it was read.
fn start(seen: &Seen) -> Result<Option<Start>> {
    if seen.bookmark.is_empty() {
        return Ok(None);
    }
    let bookmark: Bookmark = postcard::from_bytes(&seen.bookmark)
        .map_err(|_| Error::new("the state holds a bookmark that this version cannot read: restore an earlier state, or begin a new one"))?;
    Ok(Some(Start { bookmark, content: seen.content }))
}

/// What the file system says of an input, which must be a file.
fn stat(input: &Input) -> std::result::Result<Stat, Problem> {
    let problem = |status, reason: String| Problem { name: input.name.clone(), status, reason, offset: None };
    let Place::File(path) = &input.place else {
        return Err(problem(Status::Skipped, "is standard input, which is gone tomorrow".to_owned()));
    };
    let metadata = fs::metadata(path).map_err(|error| problem(Status::Unreadable, error.to_string()))?;
    if !metadata.is_file() {
        return Err(problem(
            Status::Skipped,
            "is no regular file, of which the next run could tell what is new".to_owned(),
        ));
    }
    Ok(stat_of(&metadata, path))
}

#[cfg(unix)]
fn stat_of(metadata: &fs::Metadata, _: &Path) -> Stat {
    use std::os::unix::fs::MetadataExt as _;
    let nanos = |seconds: i64, nanos: i64| seconds.saturating_mul(1_000_000_000).saturating_add(nanos);
    Stat {
        dev: metadata.dev(),
        ino: metadata.ino(),
        size: metadata.size(),
        mtime_ns: nanos(metadata.mtime(), metadata.mtime_nsec()),
        ctime_ns: nanos(metadata.ctime(), metadata.ctime_nsec()),
    }
}

/// Where files have no numbers, their sizes and times have to do.
#[cfg(not(unix))]
fn stat_of(metadata: &fs::Metadata, _: &Path) -> Stat {
    let since = metadata.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    let mtime_ns = since.and_then(|since| i64::try_from(since.as_nanos()).ok()).unwrap_or_default();
    Stat { size: metadata.len(), mtime_ns, ..Stat::default() }
}

/// Whether a packed file may still become longer. Until then it is a part of a log that is there, too, under another name.
fn is_being_packed(input: &Input, now: Timestamp) -> bool {
    let Place::File(path) = &input.place else { return false };
    if !was_just_written(input, now) {
        return false;
    }
    let mut head = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(512).read_to_end(&mut head));
    read.is_ok() && input::is_packed(&head)
}

/// A file that is dated far ahead was not: a clock was wrong.
fn was_just_written(input: &Input, now: Timestamp) -> bool {
    input.modified.is_some_and(|at| now.millis().abs_diff(at.millis()) < QUIET)
}

/// The known members of archives, by the archive.
struct Members<'i>(HashMap<&'i str, Vec<&'i str>>);

impl<'i> Members<'i> {
    fn of(index: &'i Index) -> Self {
        let mut members = HashMap::<_, Vec<_>>::new();
        for source in index.sources() {
            // Which of the first few parts the archive from the member, only the archive could tell.
            for (at, _) in source.seen.name.match_indices('!').take(8) {
                members.entry(&source.seen.name[..at]).or_default().push(source.seen.name.as_str());
            }
        }
        Self(members)
    }

    /// All that is known to be in an archive is still there.
    fn claim(&self, archive: &str, stat: &Stat, claims: &mut Claims<'_>) {
        for member in self.0.get(archive).into_iter().flatten() {
            let _ = claims.unchanged(member, stat);
        }
    }
}
