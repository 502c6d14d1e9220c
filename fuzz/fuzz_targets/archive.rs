//! Any bytes → the sources in them. The laws:
//!
//! 1. Reading ends, does not panic, and gives no more bytes than the limits allow.
//! 2. However the bytes arrive, as a file or dribbling out of a pipe, and however they are asked for, the sources,
//!    their bytes and the reasons of their errors are the same.
//! 3. No reason holds a control character.
//!
//! The first byte of an input is not read: it chooses the size of the pieces.

#![no_main]

use std::io::{self, Read};
use std::ops::ControlFlow;

use jwtriage::input::{Alone, Limits, Problem, Source, SourceName, Visitor, read_stream};
use libfuzzer_sys::fuzz_target;

const LIMITS: Limits = Limits { max_depth: 3, max_members: 8, free_expansion: 1 << 18, max_ratio: 16 };

/// The most that one step of a decoder gives before it is counted: a block of lz4.
const STEP: usize = 8 << 20;

fuzz_target!(|data: &[u8]| {
    let [size, bytes @ ..] = data else { return };
    let whole = notes(&mut &*bytes, 64 << 10);
    let given: usize = whole.iter().map(|note| note.bytes.len()).sum();
    let may_expand_to = (LIMITS.free_expansion as usize).max(bytes.len() * LIMITS.max_ratio as usize);
    // UTF-16 grows by half when it becomes UTF-8.
    assert!(given <= (may_expand_to + STEP + bytes.len()) * 3 / 2, "{given} bytes out of {}", bytes.len());

    let piece = 1 + usize::from(*size);
    let pieces = notes(&mut Pieces { bytes, size: piece }, piece.next_power_of_two());
    assert!(whole == pieces, "in pieces of {piece} bytes:\n{whole:#?}\nbecomes\n{pieces:#?}");
});

/// Gives a few bytes at a time, as a pipe may.
struct Pieces<'a> {
    bytes: &'a [u8],
    size: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let size = self.size.min(out.len());
        self.bytes.read(&mut out[..size])
    }
}

/// A source, or a problem.
#[derive(PartialEq, Eq)]
struct Note {
    name: String,
    bytes: Vec<u8>,
    reason: String,
}

impl std::fmt::Debug for Note {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {} bytes, {}", self.name.escape_debug(), self.bytes.len(), self.reason)
    }
}

/// Reads sources with a buffer of a size.
struct Notes {
    notes: Vec<Note>,
    buffer: Vec<u8>,
}

impl Notes {
    fn add(&mut self, name: &SourceName, bytes: Vec<u8>, reason: String) -> ControlFlow<()> {
        assert!(!reason.contains(char::is_control), "{}", reason.escape_debug());
        self.notes.push(Note { name: name.to_string(), bytes, reason });
        ControlFlow::Continue(())
    }
}

impl Visitor for Notes {
    fn source(&mut self, source: &Source, from: &mut dyn Read) -> ControlFlow<()> {
        let mut bytes = Vec::new();
        let reason = loop {
            match from.read(&mut self.buffer) {
                Ok(0) => break String::new(),
                Ok(count) => bytes.extend_from_slice(&self.buffer[..count]),
                Err(error) => break error.to_string(),
            }
        };
        self.add(&source.name, bytes, reason)
    }

    fn problem(&mut self, problem: Problem) -> ControlFlow<()> {
        let reason = format!("{} {:?} {}", problem.status.as_str(), problem.offset, problem.reason);
        self.add(&problem.name, Vec::new(), reason)
    }
}

fn notes(bytes: &mut dyn Read, buffer: usize) -> Vec<Note> {
    let source = Source { name: SourceName::from("x"), modified: None, start: 0 };
    let mut notes = Notes { notes: Vec::new(), buffer: vec![0; buffer] };
    assert!(read_stream(source, bytes, &LIMITS, &Alone, &|_| {}, &mut notes).is_continue());
    notes.notes
}
