//! The whole flow, and the only place that knows threads: discover → read → scan, decode, judge, tally → report.
//!
//! Every thread of the pool takes the next input, largest first, and reads it to the end. What it reads comes in
//! chunks; if there are idle threads, it hands them chunks, or what remains to be read of a plain file (see `reader`), and
//! works on all itself if there are none. So many files keep all threads busy, and one big file too. Idle threads also
//! help to decode, where a compressed file has many members.

mod hints;
mod reader;
mod source;
mod store;
mod stretch;

use std::ffi::OsString;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use hints::hints;
use rayon::prelude::*;
use reader::Reader;
use source::{ReadState, SourceState};
pub use store::Memory;
use store::Store;
use stretch::Part;
pub use stretch::{Ending, Start, Stretch, Stretches};

use crate::at_once::AtOnce;
use crate::error::{Error, Result};
use crate::input::chunk::{End, LINE_LIMIT};
use crate::input::{self, Discovered, Helpers, Input, Limits, Problem, Status};
use crate::report::{ChunkRows, OccurrenceSpool};
use crate::scan::event_time::TimeRules;
use crate::scan::feed::{Fed, Feed, Pieces};
use crate::scan::groups::GroupBy;
use crate::spill::{StoredTokens, Tokens};
use crate::tally::{SourceTally, Tally};
use crate::timestamp::Timestamp;
use crate::triage::{Criteria, PreparedTokens, SourceId, Triaged, Worker};

/// How many chunks may wait for each thread that reads nothing. With 4, one big compressed file is scanned about a
/// twentieth faster than with 2: who decodes takes on a chunk, and falls behind, less often.
const HANDED: usize = 4;

/// How to scan.
#[derive(Debug)]
pub struct Options {
    /// How many threads; at least 1.
    pub threads: usize,
    /// How many bytes are read at a time, 1 to [`crate::input::chunk::LINE_LIMIT`]. Findings do not depend on it.
    pub chunk_size: usize,
    /// What one input may cost.
    pub limits: Limits,
    /// How lines state their time.
    pub time: TimeRules,
    /// The event time of lines that state none, and the reference of those that leave out the year (`--at`).
    pub at: Option<Timestamp>,
    /// What findings are grouped by.
    pub groups: Arc<[GroupBy]>,
    /// What tokens are judged by.
    pub criteria: Criteria,
    /// What is to be read of which source, if all are read in parts; `None`: everything.
    pub stretches: Option<Stretches>,
    /// How much memory tokens may take before they are stored on disk; `None`: as much as they need.
    pub memory: Option<Memory>,
}

/// Is told how a scan goes on. Called from many threads.
pub trait Observer: Sync {
    /// What will be read: how many inputs, and their size on disk as far as it is known.
    fn discovered(&self, inputs: usize, bytes: u64);

    /// So many more bytes of the inputs were read, as they are on disk.
    fn read(&self, bytes: u64);

    /// So many more findings.
    fn found(&self, findings: u64);

    /// A source could not be read, or not to its end, or was left out.
    fn trouble(&self, source: &SourceTally);
}

/// What a scan has found.
#[derive(Debug)]
pub struct Scan {
    /// All counts but those per source.
    pub tally: Tally,
    /// The tokens, if they are not in the tally.
    pub stored: Option<StoredTokens>,
    /// The sources, ordered by name.
    pub sources: Vec<SourceTally>,
    /// Where sources were left that are read in parts, ordered by name.
    pub endings: Vec<Ending>,
    /// Whether it was told to stop before its end.
    pub interrupted: bool,
}

impl Scan {
    /// All tokens of which something was counted.
    #[must_use]
    pub fn tokens(&self) -> Tokens<'_> {
        self.stored.as_ref().map_or_else(|| Tokens::Kept(self.tally.tokens()), Tokens::Stored)
    }
}

/// Scans what `paths` mean. Findings are also written to `occurrences`, if given; `stop` ends the scan early.
///
/// # Errors
/// When no thread can be started, or the occurrences cannot be written. An input that cannot be read is no error.
pub fn scan(
    paths: &[OsString],
    options: &Options,
    observer: &dyn Observer,
    occurrences: Option<&OccurrenceSpool>,
    stop: &AtomicBool,
) -> Result<Scan> {
    scan_inputs(input::discover(paths), options, observer, occurrences, stop)
}

/// Scans inputs that were discovered. What was read of them when it is stopped is in what is found.
///
/// # Errors
/// See [`scan`].
pub fn scan_inputs(
    discovered: Discovered,
    options: &Options,
    observer: &dyn Observer,
    occurrences: Option<&OccurrenceSpool>,
    stop: &AtomicBool,
) -> Result<Scan> {
    let Discovered { inputs, problems } = discovered;
    observer.discovered(inputs.len(), inputs.iter().filter_map(|input| input.size).sum());
    let flow = Flow::new(options, observer, occurrences, stop);
    for problem in problems {
        flow.note(problem);
    }
    flow.run(inputs)?;
    flow.finish()
}

/// Does work of which parts can be done at once, on so many threads.
///
/// # Errors
/// When no thread can be started.
pub fn at_once<T: Send>(threads: usize, work: impl FnOnce(&AtOnce<'_>) -> T + Send) -> Result<T> {
    let parts = |count, part: &(dyn Fn(usize) + Sync)| (0..count).into_par_iter().for_each(part);
    Ok(pool(threads)?.install(|| work(&parts)))
}

fn pool(threads: usize) -> Result<rayon::ThreadPool> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map_err(|error| Error::new(format!("cannot start {threads} threads: {error}; try --threads 1")))
}

/// What all threads of a scan share.
struct Flow<'r> {
    options: &'r Options,
    observer: &'r dyn Observer,
    occurrences: Option<&'r OccurrenceSpool>,
    stop: &'r AtomicBool,
    /// One per thread, by the thread's number in the pool; a lock is only ever taken by its own thread.
    workers: Vec<Mutex<Worker<'r>>>,
    sources: Mutex<Vec<Arc<SourceState>>>,
    next_source: AtomicU32,
    /// Threads that are reading an input.
    readers: AtomicUsize,
    /// Chunks, and plain files, that were handed to other threads and are not done.
    handed: AtomicUsize,
    buffers: Mutex<Vec<Vec<u8>>>,
    store: Option<Store>,
    endings: Mutex<Vec<Ending>>,
    failure: Mutex<Option<Error>>,
}

impl<'r> Flow<'r> {
    fn new(
        options: &'r Options,
        observer: &'r dyn Observer,
        occurrences: Option<&'r OccurrenceSpool>,
        stop: &'r AtomicBool,
    ) -> Self {
        let threads = options.threads.max(1);
        let tokens = Arc::<PreparedTokens>::default();
        let worker = |_| Mutex::new(Worker::sharing(&options.criteria, Arc::clone(&tokens)));
        Self {
            options,
            observer,
            occurrences,
            stop,
            workers: (0..threads).map(worker).collect(),
            sources: Mutex::default(),
            next_source: AtomicU32::new(0),
            readers: AtomicUsize::new(0),
            handed: AtomicUsize::new(0),
            buffers: Mutex::default(),
            store: options.memory.as_ref().map(|memory| Store::new(memory, threads)),
            endings: Mutex::default(),
            failure: Mutex::default(),
        }
    }

    fn run(&self, mut inputs: Vec<Input>) -> Result<()> {
        // What has no size, a pipe, may be the longest.
        inputs.sort_by_key(|input| std::cmp::Reverse(input.size.unwrap_or(u64::MAX)));
        let threads = self.workers.len();
        let pool = pool(threads)?;
        let next = AtomicUsize::new(0);
        pool.scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|scope| {
                    self.readers.fetch_add(1, Ordering::Relaxed);
                    while let Some(input) = inputs.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let mut reader = Reader { flow: self, scope };
                        if input::read(
                            input,
                            &self.options.limits,
                            self,
                            &|bytes| self.observer.read(bytes),
                            &mut reader,
                        )
                        .is_break()
                        {
                            break;
                        }
                    }
                    self.readers.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        if self.is_stopped() && self.options.stretches.is_some() {
            let begun = next.into_inner().min(inputs.len());
            inputs.drain(begun..).for_each(|input| self.note(not_begun(input)));
        }
        Ok(())
    }

    fn finish(self) -> Result<Scan> {
        if let Some(failure) = into_inner(self.failure) {
            return Err(failure);
        }
        let messages = &self.options.criteria.messages;
        let entries = || messages.catalogue().entries();
        let (mut sources, said): (Vec<_>, Vec<_>) = into_inner(self.sources)
            .into_iter()
            .filter_map(Arc::into_inner)
            .map(|source| source.into_tally(&entries))
            .unzip();
        sources.sort_by(|a, b| (&a.name, a.status, &a.error).cmp(&(&b.name, b.status, &b.error)));
        let threads = self.workers.len();
        let workers = self.workers.into_iter().map(into_inner);
        let store = self.store.filter(|store| !store.is_empty());
        let tallies = workers.map(|worker| match &store {
            Some(store) => store.last(worker),
            None => Ok(worker.into_tally()),
        });
        let tallies = tallies.collect::<Result<Vec<_>>>()?.into_iter();
        let mut tally =
            tallies.reduce(Tally::merge).unwrap_or_else(|| Tally::new(self.options.criteria.bucket));
        said.into_iter().for_each(|messages| tally.messages_mut().merge(messages));
        let stored = store.map(|store| at_once(threads, |at_once| store.finish(&mut tally, at_once))?);
        let stored = stored.transpose()?;
        let mut endings = into_inner(self.endings);
        endings.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Scan { tally, stored, sources, endings, interrupted: self.stop.load(Ordering::Relaxed) })
    }

    /// Registers a source.
    fn begin(&self, name: Arc<str>) -> Arc<SourceState> {
        let number = self.next_source.fetch_add(1, Ordering::Relaxed);
        let state = Arc::new(SourceState::new(SourceId { name, number }));
        lock(&self.sources).push(Arc::clone(&state));
        state
    }

    /// Notes how far a source was read; gives what is left to be worked on.
    fn leave(&self, state: &SourceState, part: Part, feed: Feed, end: End) -> Pieces {
        let (pieces, read, ending) = part.end(&state.id.name, feed, end, self.is_stopped());
        lock(&self.endings).extend(ending);
        self.end(state, read);
        pieces
    }

    /// Notes how far a source was read.
    fn end(&self, state: &SourceState, end: ReadState) {
        let tally = state.end(end);
        if tally.status != Status::Complete {
            self.observer.trouble(&tally);
        }
    }

    /// Notes what was not read.
    fn note(&self, problem: Problem) {
        let state = self.begin(problem.name.into());
        let error = match problem.offset {
            Some(offset) => format!("at byte {offset}: {}", problem.reason),
            None => problem.reason,
        };
        self.end(&state, ReadState { status: problem.status, bytes: 0, lines: 0, error });
    }

    /// Runs a chunk through all steps, on this thread.
    fn triage(&self, state: &SourceState, fed: Fed) {
        let Fed { chunk, context, number } = fed;
        let thread = rayon::current_thread_index().unwrap_or_default();
        let mut rows = self.occurrences.map(|_| ChunkRows::new(&state.id.name));
        let mut worker = lock(&self.workers[thread]);
        let Triaged { found, edges } = worker.triage(&chunk, &context, &state.id, rows.as_mut());
        if let Some(store) = &self.store
            && let Err(error) = store.relieve(&mut worker)
        {
            self.fail(error);
        }
        drop(worker);
        if found.candidates > 0 {
            self.observer.found(found.candidates);
        }
        state.add(found, number, edges, &|| self.options.criteria.messages.catalogue().entries());
        if let (Some(spool), Some(rows)) = (self.occurrences, rows)
            && let Err(error) = spool.append(state.id.number, number, rows)
        {
            self.fail(error);
        }
        let mut buffers = lock(&self.buffers);
        if buffers.len() < HANDED * self.workers.len() && chunk.bytes.capacity() <= 2 * LINE_LIMIT {
            buffers.push(chunk.bytes);
        }
    }

    /// Ends the scan with an error.
    fn fail(&self, error: Error) {
        lock(&self.failure).get_or_insert(error);
        self.stop.store(true, Ordering::Relaxed);
    }

    /// A buffer that another chunk no longer needs, or a new one.
    fn buffer(&self) -> Vec<u8> {
        lock(&self.buffers).pop().unwrap_or_default()
    }

    /// Whether a chunk should be handed to another thread: as long as there are threads that read nothing, and no more
    /// than [`HANDED`] chunks for each of them.
    fn may_hand_over(&self) -> bool {
        self.handed.load(Ordering::Relaxed) < HANDED * self.idle()
    }

    /// Whether a plain file should be shared: as long as there are threads that have nothing to do.
    fn may_share(&self) -> bool {
        self.handed.load(Ordering::Relaxed) < self.idle()
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Whether to go on with what comes next.
    fn go_on(&self) -> ControlFlow<()> {
        if self.is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// How many threads read nothing.
    fn idle(&self) -> usize {
        self.workers.len().saturating_sub(self.readers.load(Ordering::Relaxed))
    }
}

impl Helpers for Flow<'_> {
    fn all(&self) -> usize {
        1 + self.idle() / self.readers.load(Ordering::Relaxed).max(1)
    }

    fn free(&self) -> usize {
        let free = self.idle().saturating_sub(self.handed.load(Ordering::Relaxed));
        1 + free / self.readers.load(Ordering::Relaxed).max(1)
    }

    /// Who calls it holds no lock, and works on chunks, or another input, while it waits for jobs that others took.
    fn run(&self, jobs: usize, job: &(dyn Fn(usize) + Sync)) {
        (0..jobs).into_par_iter().with_max_len(1).for_each(job);
    }
}

/// What is told of an input that a run which was stopped has not come to.
fn not_begun(input: Input) -> Problem {
    let reason = "the run was stopped before this was read; the next one reads it".to_owned();
    Problem { name: input.name, status: Status::Skipped, reason, offset: None }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A thread that panicked ends the scan with its panic; no half-done count is ever reported.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn into_inner<T>(mutex: Mutex<T>) -> T {
    mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
}
