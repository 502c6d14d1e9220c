//! What the tests of decoders share.

use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::decompress::{Coding, Format, Member, Next, next_member};
use super::lookahead::Lookahead;
use super::members::Decoder;
use super::meter::Meter;
use super::{Helpers, Limits};

/// Idle threads that come and go; the last job is done first.
#[derive(Default)]
pub(super) struct Fickle {
    asked: AtomicUsize,
    jobs: AtomicUsize,
}

impl Fickle {
    /// How many jobs were given to them since this was last asked.
    pub(super) fn jobs(&self) -> usize {
        self.jobs.swap(0, Ordering::Relaxed)
    }
}

impl Helpers for Fickle {
    fn all(&self) -> usize {
        [5, 2, 3, 1][self.asked.fetch_add(1, Ordering::Relaxed) % 4]
    }

    fn free(&self) -> usize {
        self.all()
    }

    fn run(&self, jobs: usize, job: &(dyn Fn(usize) + Sync)) {
        self.jobs.fetch_add(jobs, Ordering::Relaxed);
        (0..jobs).rev().for_each(job);
    }
}

/// What comes out, and why it ends if it does not end well.
pub(super) type Told = (Vec<u8>, Option<String>);

/// Reads a stream as the program does, `step` bytes at a time.
pub(super) fn read(
    (format, coding): (Format, Coding),
    stream: &[u8],
    step: usize,
    limits: &Limits,
    helpers: &dyn Helpers,
) -> Told {
    let meter = Meter::new(limits);
    let mut decoder = Decoder::new(Lookahead::new(stream, 4096), format, coding, &meter, helpers);
    told(step, |piece| decoder.read(piece))
}

/// The same by the decoders of the libraries alone, which know nothing of helpers.
pub(super) fn read_serially(
    (format, coding): (Format, Coding),
    stream: &[u8],
    step: usize,
    limits: &Limits,
) -> Told {
    let meter = Meter::new(limits);
    let mut input = Lookahead::new(stream, 4096);
    let mut member = None;
    told(step, |piece| {
        loop {
            let running = match &mut member {
                Some(running) => running,
                None => match next_member(&mut input, format)? {
                    Next::Member => member.insert(Member::new(coding)?),
                    Next::End => return Ok(0),
                },
            };
            match running.read(&mut input, piece, &meter)? {
                0 => member = None,
                count => return Ok(count),
            }
        }
    })
}

fn told(step: usize, mut read: impl FnMut(&mut [u8]) -> io::Result<usize>) -> Told {
    let (mut out, mut piece) = (Vec::new(), vec![0; step]);
    loop {
        match read(&mut piece) {
            Ok(0) => return (out, None),
            Ok(count) => out.extend_from_slice(&piece[..count]),
            Err(error) => return (out, Some(error.to_string())),
        }
    }
}

/// Lines, numbered from `from` on.
pub(super) fn lines(from: usize, count: usize) -> Vec<u8> {
    (from..from + count)
        .flat_map(|n| format!("line {n} {}\n", n.wrapping_mul(0x9e37_79b9)).into_bytes())
        .collect()
}
