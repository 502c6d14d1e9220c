//! The members of a compressed stream that several threads decode side by side, while some are idle.
//!
//! Many members behind one another are written by bgzip, by servers that compress each buffer of their log, by pbzip2 and
//! pzstd, and by `cat` of rotated files. Where a member begins can be seen by its first bytes, but not proved, so that
//! several threads begin at several places. What comes of it is taken only if it must be so: whole members, decoded from
//! where a member does begin, going by all that was decoded before it. Everything else, damage above all, is left to who
//! decodes member by member. So neither the bytes nor an error nor its offset depends on what is done here, or on who
//! is idle. How far is read ahead depends on the stream alone; a file of one member, as most are, is not read ahead, and
//! costs one search of the first buffer.

use std::collections::VecDeque;
use std::io::{BufRead, Read};
use std::sync::{Mutex, MutexGuard, PoisonError};

use memchr::memmem;

use super::decompress::{Coding, Format, Member};
use super::lookahead::Lookahead;
use super::meter::Meter;
use super::{Helpers, Limits};

/// How many members as large as the last shall be seen at once, and the bounds of that, in bytes.
const MEMBERS_SEEN: usize = 16;
const MIN_WINDOW: usize = 1 << 20;
const MAX_WINDOW: usize = 4 << 20;
/// How many bytes one thread decodes at a time: about as many as its cache holds, and more only if a member is larger.
/// Larger ones than `MAX_OUTPUT` (a frame of pzstd has 8 MiB) gave no gain on two cores: what is written far from where
/// it is read costs more than a second thread saves.
const OUTPUT: usize = 2 << 20;
const MAX_OUTPUT: usize = 4 << 20;
/// By how much an output grows.
const OUTPUT_STEP: usize = 256 << 10;

/// What was decoded ahead of who reads the stream, and what may be.
pub(super) struct Ahead<'a> {
    helpers: &'a dyn Helpers,
    format: Format,
    coding: Coding,
    /// Up to where members were looked for: the beginning of the last that was seen. It depends on the stream alone.
    seen_to: u64,
    /// Whether some were seen before it, and all that were tried are members.
    hopeful: bool,
    /// The last member that was not empty, and how many bytes came of all.
    last: Option<Size>,
    produced: u64,
    /// What was decoded and is not reached yet, in the order of the stream.
    groups: VecDeque<Group>,
    /// What is being handed out, and how much of it was.
    current: Group,
    served: usize,
    /// Outputs to be used again: fresh memory costs a page fault for each page.
    spare: Vec<Vec<u8>>,
}

/// How long a member is, and what came of it.
#[derive(Clone, Copy)]
struct Size {
    compressed: u64,
    output: u64,
}

/// Whole members that follow one another.
#[derive(Default)]
struct Group {
    /// Where the first begins, how long all are, and the last that is not empty.
    start: u64,
    size: usize,
    last: Option<Size>,
    /// What came of them, up to `filled`; behind it are bytes without meaning.
    output: Vec<u8>,
    filled: usize,
    /// Whether something stood behind them that is no whole member.
    is_broken: bool,
}

impl<'a> Ahead<'a> {
    pub(super) fn new(helpers: &'a dyn Helpers, format: Format, coding: Coding) -> Self {
        Self {
            helpers,
            format,
            coding,
            seen_to: 0,
            hopeful: false,
            last: None,
            produced: 0,
            groups: VecDeque::new(),
            current: Group::default(),
            served: 0,
            spare: Vec::new(),
        }
    }

    /// Takes note of a member that was decoded elsewhere.
    pub(super) fn note(&mut self, compressed: u64, output: u64) {
        // The frames between those of pzstd are some bytes long and hold nothing.
        if output > 0 {
            self.last = Some(Size { compressed, output });
            self.produced += output;
        }
    }

    /// Copies to `out` what is left of the members that were taken. Says how much that was.
    pub(super) fn read(&mut self, out: &mut [u8]) -> usize {
        let left = &self.current.output[self.served..self.current.filled];
        let count = left.len().min(out.len());
        out[..count].copy_from_slice(&left[..count]);
        self.served += count;
        count
    }

    /// Takes members that begin where `input` stands, if any are decoded ahead: consumes them, so that
    /// [`Ahead::read`] gives what came of them.
    pub(super) fn take<R: Read>(&mut self, input: &mut Lookahead<R>) -> bool {
        let offset = input.offset();
        while let Some(late) = self.groups.pop_front_if(|group| group.start < offset) {
            self.spare.push(late.output);
        }
        if self.groups.is_empty() {
            self.look(input);
        }
        let Some(group) = self.groups.pop_front_if(|group| group.start == offset) else {
            return false;
        };
        input.consume(group.size);
        self.last = group.last.or(self.last);
        self.produced += group.filled as u64;
        self.served = 0;
        let done = std::mem::replace(&mut self.current, group);
        self.spare.push(done.output);
        true
    }

    /// Looks for members behind the one that begins where `input` stands, and has them decoded.
    fn look<R: Read>(&mut self, input: &mut Lookahead<R>) {
        let offset = input.offset();
        if offset >= self.seen_to {
            let (compressed, output) = self.last.map_or((0, 0), |last| (last.compressed, last.output));
            if compressed > MAX_WINDOW as u64 / 2 || output > MAX_OUTPUT as u64 {
                return;
            }
            // Nothing is known of the first: what is seen of it must do.
            let wanted =
                self.last.map_or(0, |_| (compressed as usize * MEMBERS_SEEN).clamp(MIN_WINDOW, MAX_WINDOW));
            let window = input.peek_far(wanted);
            // No byte is searched at every member, so that hostile streams cost no more than twice their length.
            let last = last_beginning(self.format, window);
            self.hopeful = last.is_some();
            self.seen_to = offset + last.unwrap_or(window.len()) as u64;
        }
        let threads = match self.coding {
            // Slower than any chunk is scanned.
            Coding::Bzip2 | Coding::Xz => self.helpers.all(),
            // Faster than a chunk with many tokens: with all threads at work, the reader had better decode alone,
            // straight into the next chunk.
            Coding::Gzip | Coding::Deflate | Coding::Zstd => self.helpers.free(),
        };
        if self.hopeful && threads > 1 {
            let left = (self.seen_to - offset) as usize;
            self.decode(offset, &input.peek(left)[..left], threads);
        }
    }

    /// Has `window`, which begins at `offset`, decoded by so many threads.
    fn decode(&mut self, offset: u64, window: &[u8], threads: usize) {
        // Logs shrink to a tenth, and what is known tells better.
        let ratio = self.produced.checked_div(offset).map_or(10, |ratio| ratio.max(1));
        let reach = (window.len() / threads).min(OUTPUT / ratio as usize).max(1);
        let mut starts = vec![0];
        while starts.len() <= threads
            && let Some(next) = beginning_from(self.format, window, starts[starts.len() - 1] + reach)
        {
            starts.push(next);
        }
        if starts.len() <= threads {
            starts.push(window.len());
        }
        let jobs: Vec<_> = starts.windows(2).map(|pair| &window[pair[0]..pair[1]]).collect();
        if jobs.len() < 2 {
            self.hopeful = false;
            return;
        }
        let groups: Vec<_> = starts[..jobs.len()]
            .iter()
            .map(|start| {
                let output = self.spare.pop().unwrap_or_default();
                Mutex::new(Group { start: offset + *start as u64, output, ..Group::default() })
            })
            .collect();
        self.helpers.run(jobs.len(), &|job| lock(&groups[job]).decode(jobs[job], self.format, self.coding));
        for group in groups {
            let group = group.into_inner().unwrap_or_else(PoisonError::into_inner);
            self.hopeful &= !group.is_broken;
            if group.size > 0 {
                self.groups.push_back(group);
            } else {
                self.spare.push(group.output);
            }
        }
    }
}

impl Group {
    /// Decodes the whole members that `bytes` begins with, as far as what comes of them has room.
    fn decode(&mut self, bytes: &[u8], format: Format, coding: Coding) {
        let limits = Limits { free_expansion: u64::MAX, ..Limits::default() };
        let meter = Meter::new(&limits);
        let mut rest = bytes;
        while !rest.is_empty() {
            let start = bytes.len() - rest.len();
            let member = format.begins(rest).then(|| Member::new(coding));
            let Some(Ok(mut member)) = member else {
                self.is_broken = true;
                return;
            };
            let mut filled = self.filled;
            loop {
                // One byte more has room than may come, so that a member that fills it is seen to end.
                if filled > MAX_OUTPUT {
                    return;
                }
                if filled == self.output.len() {
                    self.output.resize((filled + OUTPUT_STEP).min(MAX_OUTPUT + 1), 0);
                }
                match member.read(&mut rest, &mut self.output[filled..], &meter) {
                    Ok(0) => break,
                    Ok(count) => filled += count,
                    Err(_) => {
                        self.is_broken = true;
                        return;
                    }
                }
            }
            self.size = bytes.len() - rest.len();
            if filled > self.filled {
                let compressed = (self.size - start) as u64;
                self.last = Some(Size { compressed, output: (filled - self.filled) as u64 });
            }
            self.filled = filled;
        }
    }
}

/// Whether `head` looks like the beginning of a member even where none need be.
fn seems_to_begin(format: Format, head: &[u8]) -> bool {
    match (format, head) {
        // Three bytes are found by chance once in 16 MiB; flags and the rest of the header leave little to it.
        (Format::Gzip, [_, _, _, 0..=31, _, _, _, _, 0 | 2 | 4, 0..=13 | 255, ..]) => format.begins(head),
        (Format::Gzip, _) => false,
        _ => format.begins(head),
    }
}

/// Where in `window` the first member at or behind `from` seems to begin.
fn beginning_from(format: Format, window: &[u8], from: usize) -> Option<usize> {
    let behind = window.get(from..)?;
    let mut places = memmem::find_iter(behind, format.magic());
    places.find(|at| seems_to_begin(format, &behind[*at..])).map(|at| from + at)
}

/// Where in `window` the last member seems to begin that is not its first.
fn last_beginning(format: Format, window: &[u8]) -> Option<usize> {
    let mut places = memmem::rfind_iter(window, format.magic());
    places.find(|at| *at > 0 && seems_to_begin(format, &window[*at..]))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;
    use crate::input::Alone;
    use crate::input::testing::{Fickle, lines, read};

    const FORMATS: [(Format, Coding); 4] = [
        (Format::Gzip, Coding::Gzip),
        (Format::Zstd, Coding::Zstd),
        (Format::Bzip2, Coding::Bzip2),
        (Format::Xz, Coding::Xz),
    ];

    fn member(coding: Coding, data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        match coding {
            Coding::Gzip => {
                flate2::write::GzEncoder::new(&mut out, flate2::Compression::fast()).write_all(data)
            }
            Coding::Zstd => zstd::Encoder::new(&mut out, 1).unwrap().auto_finish().write_all(data),
            Coding::Bzip2 => {
                bzip2::write::BzEncoder::new(&mut out, bzip2::Compression::fast()).write_all(data)
            }
            Coding::Xz => liblzma::write::XzEncoder::new(&mut out, 0).write_all(data),
            Coding::Deflate => unreachable!(),
        }
        .unwrap();
        out
    }

    #[test]
    fn many_members_are_decoded_by_helpers_and_one_member_is_not() {
        for (format, coding) in FORMATS {
            let helpers = Fickle::default();
            let members: Vec<_> = (0..200).map(|n| member(coding, &lines(n * 50, 50))).collect();
            let told = read((format, coding), &members.concat(), 1000, &Limits::default(), &helpers);
            assert!(told == (lines(0, 10_000), None), "{format:?}");
            let jobs = helpers.jobs();
            assert!(jobs > 1, "{format:?}: {jobs} jobs");
            let one = member(coding, &lines(0, 3000));
            let told = read((format, coding), &one, 1000, &Limits::default(), &helpers);
            assert!(told == (lines(0, 3000), None), "{format:?}");
            assert_eq!(helpers.jobs(), 0, "{format:?}");
        }
    }

    #[test]
    fn members_of_which_more_comes_than_one_thread_may_hold_are_read_all_the_same() {
        let sizes = [100, MAX_OUTPUT - 1, MAX_OUTPUT, MAX_OUTPUT + 1, 3, 3 << 20, 3 << 20, 1];
        for (format, coding) in [FORMATS[0], FORMATS[1]] {
            let stream: Vec<u8> = sizes.iter().flat_map(|size| member(coding, &vec![b'x'; *size])).collect();
            let (out, error) =
                read((format, coding), &stream, 1 << 20, &Limits::default(), &Fickle::default());
            assert_eq!((out.len(), error), (sizes.iter().sum(), None), "{format:?}");
        }
    }

    #[test]
    fn what_only_looks_like_a_member_inside_of_another_misleads_nobody() {
        let inner: Vec<u8> = (0..30).flat_map(|n| member(Coding::Gzip, &lines(n, 5))).collect();
        let mut stored = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
        stored.write_all(&inner).unwrap();
        let outer =
            [member(Coding::Gzip, b"before"), stored.finish().unwrap(), member(Coding::Gzip, b"behind")];
        let (out, error) = read(FORMATS[0], &outer.concat(), 100, &Limits::default(), &Fickle::default());
        assert_eq!((out, error), ([&b"before"[..], &inner, b"behind"].concat(), None));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        /// The law of this room: whoever helps, the bytes and the error are those that one alone finds.
        #[test]
        fn what_comes_out_does_not_depend_on_helpers(
            which in 0..4_usize,
            sizes in prop::collection::vec(0..300_usize, 1..40),
            padding in prop::collection::vec((0..40_usize, 1..9_usize), 0..3),
            flips in prop::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 0..3),
            cut in prop::option::of(any::<prop::sample::Index>()),
            step in prop::sample::select(vec![1_usize, 77, 5000]),
            free_expansion in prop::sample::select(vec![u64::MAX, 20_000]),
        ) {
            let (format, coding) = FORMATS[which];
            let mut stream = Vec::new();
            for (n, size) in sizes.iter().enumerate() {
                stream.extend(member(coding, &lines(n, *size)));
                let zeros = padding.iter().find(|(behind, _)| *behind == n).map_or(0, |(_, count)| *count);
                stream.extend(vec![0; zeros]);
            }
            for (place, flip) in flips {
                let place = place.index(stream.len());
                stream[place] ^= flip;
            }
            if let Some(cut) = cut {
                stream.truncate(cut.index(stream.len()));
            }
            let limits = Limits { free_expansion, max_ratio: 0, ..Limits::default() };
            let alone = read((format, coding), &stream, step, &limits, &Alone);
            let helped = read((format, coding), &stream, step, &limits, &Fickle::default());
            prop_assert!(alone == helped, "{:?} {:?}", alone.1, helped.1);
        }
    }
}
