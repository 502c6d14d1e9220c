//! Reads sources, and shares the work on them with the threads that read nothing.
//!
//! What reads a stream (a decoder, an archive, a pipe) stays on its thread, which hands chunks to others. A plain file is
//! handed on itself: who has read a chunk leaves the file to the next thread and works on the chunk, which is in its
//! processor's cache. Then only reading, and what [`Feed`] does between two chunks, is done one after the other.

use std::io::{self, Read};
use std::mem;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use rayon::Scope;

use super::source::SourceState;
use super::stretch::{Part, Stretch};
use super::{Flow, Observer};
use crate::input::chunk::{Chunk, Chunker};
use crate::input::{PlainFile, Problem, Source, Status, Visitor, replaced};
use crate::scan::event_time::TimeRules;
use crate::scan::feed::{Fed, Feed};
use crate::scan::groups::Grouping;
use crate::scan::lines::{EventTime, GroupContext, TimeContext, TimeSource};
use crate::scan::survey::Survey;
use crate::token::mask_parts;

/// Reads the sources of one input.
pub(super) struct Reader<'f, 's, 'r> {
    pub(super) flow: &'f Flow<'r>,
    pub(super) scope: &'s Scope<'f>,
}

impl Visitor for Reader<'_, '_, '_> {
    fn source(&mut self, source: &Source, bytes: &mut dyn Read) -> ControlFlow<()> {
        let flow = self.flow;
        let Some((state, mut part)) = self.begin(source, |stretch| Part::of_stream(source, stretch, bytes))
        else {
            return flow.go_on();
        };
        let context = context(flow, source, &state);
        let rules = Arc::clone(&context.rules);
        let mut feed = part.feed(context);
        let mut chunker = part.chunker(bytes, flow.options.chunk_size);
        while !flow.is_stopped()
            && let Some(chunk) = chunker.next_chunk(flow.buffer())
        {
            part.see(&chunk);
            let survey = Survey::of(&chunk, &rules, feed.known());
            feed.take(chunk, survey).into_iter().for_each(|fed| self.share(&state, fed));
        }
        flow.leave(&state, part, feed, chunker.end()).into_iter().for_each(|fed| self.share(&state, fed));
        flow.go_on()
    }

    fn file(&mut self, source: &Source, mut file: PlainFile) -> ControlFlow<()> {
        let flow = self.flow;
        let Some((state, part)) = self.begin(source, |stretch| Part::of_file(source, stretch, &mut file))
        else {
            return flow.go_on();
        };
        let context = context(flow, source, &state);
        let rules = Arc::clone(&context.rules);
        let (first, above) = sync_channel(1);
        let _ = first.send(part.feed(context));
        let bytes = Watched { file, observer: flow.observer };
        let chunker = part.chunker(bytes, flow.options.chunk_size);
        SharedFile { flow, state, rules, chunker, part, above, is_shared: false }.read_on(self.scope);
        flow.go_on()
    }

    fn problem(&mut self, problem: Problem) -> ControlFlow<()> {
        self.flow.note(problem);
        ControlFlow::Continue(())
    }
}

impl Reader<'_, '_, '_> {
    /// Begins with a source, or with the part of it that is to be read; none if that is nothing, or cannot be.
    fn begin(
        &self,
        source: &Source,
        approach: impl FnOnce(Option<&Stretch>) -> io::Result<Part>,
    ) -> Option<(Arc<SourceState>, Part)> {
        let stretches = self.flow.options.stretches.as_ref();
        let stretch = stretches.map(|all| all.get(source.name.as_str()));
        if let Some(Some(Stretch::Nothing)) = stretch {
            return None;
        }
        // What was not there when somebody looked is remembered by nobody, and would be read once more.
        let part = match stretch {
            Some(None) => Err(replaced()),
            Some(stretch) => approach(stretch),
            None => approach(None),
        };
        match part {
            Ok(part) => Some((self.flow.begin(source.name.clone().into()), part)),
            Err(error) => {
                let (name, reason) = (source.name.clone(), error.to_string());
                self.flow.note(Problem { name, status: Status::Partial, reason, offset: None });
                None
            }
        }
    }

    /// Hands a chunk to another thread, or works on it.
    fn share(&self, state: &Arc<SourceState>, fed: Fed) {
        let flow = self.flow;
        if !flow.may_hand_over() {
            flow.triage(state, fed);
            return;
        }
        flow.handed.fetch_add(1, Ordering::Relaxed);
        let state = Arc::clone(state);
        self.scope.spawn(move |_| {
            flow.triage(&state, fed);
            flow.handed.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// A plain file while it is read.
struct SharedFile<'f, 'r> {
    flow: &'f Flow<'r>,
    state: Arc<SourceState>,
    rules: Arc<TimeRules>,
    chunker: Chunker<Watched<'r>>,
    part: Part,
    /// Whence the feed comes when the chunk above has been through it.
    above: Receiver<Feed>,
    /// Whether other threads may read on.
    is_shared: bool,
}

impl<'f> SharedFile<'f, '_> {
    /// Reads a chunk, leaves the rest of the file to whichever thread has nothing to do, if there are such, and works on
    /// the chunk.
    fn read_on(mut self, scope: &Scope<'f>) {
        let flow = self.flow;
        while !flow.is_stopped()
            && let Some(chunk) = self.chunker.next_chunk(flow.buffer())
        {
            self.part.see(&chunk);
            let (below, next) = sync_channel(1);
            let above = mem::replace(&mut self.above, next);
            let turn = Turn { above, below };
            if !self.is_shared && flow.may_share() {
                flow.handed.fetch_add(1, Ordering::Relaxed);
                self.is_shared = true;
            }
            if self.is_shared {
                let (state, rules) = (Arc::clone(&self.state), Arc::clone(&self.rules));
                scope.spawn(move |scope| self.read_on(scope));
                return turn.work(flow, &state, &rules, chunk);
            }
            turn.work(flow, &self.state, &self.rules, chunk);
        }
        self.end();
    }

    fn end(self) {
        let Self { flow, state, chunker, part, above, is_shared, .. } = self;
        if let Ok(feed) = above.recv() {
            let pieces = flow.leave(&state, part, feed, chunker.end());
            pieces.into_iter().for_each(|fed| flow.triage(&state, fed));
        }
        flow.handed.fetch_sub(is_shared.into(), Ordering::Relaxed);
    }
}

/// The place of a chunk between that above and that below. Whoever has a chunk is at work on it, and waits for nobody but
/// those who are at work on chunks above; so all waiting ends.
struct Turn {
    above: Receiver<Feed>,
    below: SyncSender<Feed>,
}

impl Turn {
    fn work(self, flow: &Flow<'_>, state: &SourceState, rules: &Arc<TimeRules>, chunk: Chunk) {
        let survey = Survey::of(&chunk, rules, state.known());
        // No feed comes if who had it has panicked, which ends the scan.
        let Ok(mut feed) = self.above.recv() else { return };
        let pieces = feed.take(chunk, survey);
        state.note(feed.known());
        let _ = self.below.send(feed);
        pieces.into_iter().for_each(|fed| flow.triage(state, fed));
    }
}

/// A plain file whose reading is told to the observer.
struct Watched<'r> {
    file: PlainFile,
    observer: &'r dyn Observer,
}

impl Read for Watched<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(out)?;
        self.observer.read(count as u64);
        Ok(count)
    }
}

/// What is known at the beginning of a source.
fn context(flow: &Flow<'_>, source: &Source, state: &SourceState) -> TimeContext {
    let options = flow.options;
    let rules = options.time.clone().with_reference(options.at.or(source.modified));
    let fixed = options.at.map(|at| EventTime { at, source: TimeSource::Fixed });
    let file = source.modified.map(|at| EventTime { at, source: TimeSource::File });
    let grouping = || Grouping::new(Arc::clone(&options.groups), &state.id.name, mask_parts);
    TimeContext {
        rules: Arc::new(rules),
        fallback: fixed.or(file),
        groups: (!options.groups.is_empty()).then(|| GroupContext::new(grouping())),
        ..TimeContext::default()
    }
}
