//! The chunks of one source on their way to the workers.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use memchr::memmem;

use super::{Reader, SourceState};
use crate::input::Source;
use crate::input::chunk::{Chunk, Mark};
use crate::input::record::Joiner;
use crate::scan::event_time::W3cFields;
use crate::scan::lines::{EventTime, TimeContext, TimeSource};

/// Joins the chunks of one source, cuts them at W3C directives, and hands each over with its time context.
pub(super) struct Chunks<'a, 'f, 's, 'r> {
    reader: &'a Reader<'f, 's, 'r>,
    state: Arc<SourceState>,
    joiner: Joiner,
    context: TimeContext,
    /// Whether the source begins like a W3C extended log; `None` before its first chunk.
    has_directives: Option<bool>,
    number: u64,
}

impl<'a, 'f, 's, 'r> Chunks<'a, 'f, 's, 'r> {
    pub(super) fn new(reader: &'a Reader<'f, 's, 'r>, state: Arc<SourceState>, source: &Source) -> Self {
        let options = reader.flow.options;
        let rules = options.time.clone().with_reference(options.at.or(source.modified));
        let fixed = options.at.map(|at| EventTime { at, source: TimeSource::Fixed });
        let file = source.modified.map(|at| EventTime { at, source: TimeSource::File });
        let context =
            TimeContext { rules: Arc::new(rules), fallback: fixed.or(file), ..TimeContext::default() };
        Self { reader, state, joiner: Joiner::default(), context, has_directives: None, number: 0 }
    }

    pub(super) fn take(&mut self, chunk: Chunk) {
        let chunk = self.joiner.join(chunk);
        if *self.has_directives.get_or_insert(chunk.bytes.starts_with(b"#")) {
            self.take_with_directives(chunk);
        } else {
            self.dispatch(chunk);
        }
    }

    pub(super) fn finish(&mut self) {
        if let Some(chunk) = self.joiner.finish() {
            self.dispatch(chunk);
        }
    }

    /// Cuts a chunk where a directive changes what is known about the columns.
    fn take_with_directives(&mut self, mut chunk: Chunk) {
        let mut from = 0;
        while let Some(start) = directive_from(&chunk, from) {
            let end =
                memchr::memchr(b'\n', &chunk.bytes[start..]).map_or(chunk.bytes.len(), |end| start + end + 1);
            let mut fields = self.context.fields.as_deref().cloned().unwrap_or_else(W3cFields::new);
            from = end;
            if fields.update(chunk.bytes[start..end].trim_ascii_end()) {
                if start > 0 {
                    let rest = split_off(&mut chunk, start);
                    self.dispatch(chunk);
                    chunk = rest;
                    from = end - start;
                }
                self.context.fields = Some(Arc::new(fields));
            }
        }
        self.dispatch(chunk);
    }

    fn dispatch(&mut self, chunk: Chunk) {
        if chunk.bytes.is_empty() {
            return;
        }
        let behind = self.context.behind(&chunk);
        let context = std::mem::replace(&mut self.context, behind);
        let number = self.number;
        self.number += 1;
        let flow = self.reader.flow;
        if !flow.may_hand_over() {
            flow.triage(&self.state, chunk, number, &context);
            return;
        }
        flow.handed.fetch_add(1, Ordering::Relaxed);
        let state = Arc::clone(&self.state);
        self.reader.scope.spawn(move |_| {
            flow.triage(&state, chunk, number, &context);
            flow.handed.fetch_sub(1, Ordering::Relaxed);
        });
    }
}

/// Where the first line at or behind `from`, a line start, begins with `#`.
fn directive_from(chunk: &Chunk, from: usize) -> Option<usize> {
    let bytes = &chunk.bytes;
    let at_start = bytes.get(from) == Some(&b'#') && !(from == 0 && chunk.begins_inside_line);
    if at_start {
        return Some(from);
    }
    // `from` may be the end of the chunk; the line end before it is looked at again so that none is missed.
    let search = from.saturating_sub(1);
    memmem::find(&bytes[search..], b"\n#").map(|at| search + at + 1)
}

/// Splits a chunk at a line start.
fn split_off(chunk: &mut Chunk, at: usize) -> Chunk {
    let bytes = chunk.bytes.split_off(at);
    let last = chunk.marks.iter().rposition(|mark| mark.at <= at).unwrap_or_default();
    let before = chunk.marks[last];
    let skipped = &chunk.bytes[before.at..];
    let first = Mark {
        at: 0,
        offset: before.offset + skipped.len() as u64,
        line: before.line + memchr::memchr_iter(b'\n', skipped).count() as u64,
    };
    let behind = chunk.marks[last + 1..].iter().map(|mark| Mark { at: mark.at - at, ..*mark });
    let marks = std::iter::once(first).chain(behind).collect();
    chunk.marks.truncate(last + 1);
    Chunk { bytes, begins_inside_line: false, begins_inside_run: false, marks }
}
