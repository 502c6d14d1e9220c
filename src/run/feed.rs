//! The chunks of one source on their way to the workers: split records joined, cut where a W3C directive changes what is
//! known about the columns, and each with what is known about its time from the chunks before it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use memchr::memmem;

use super::{Reader, SourceState};
use crate::input::Source;
use crate::input::chunk::{Chunk, Mark};
use crate::input::record::Joiner;
use crate::scan::groups::Grouping;
use crate::scan::lines::{EventTime, GroupContext, TimeContext, TimeSource};
use crate::token::mask_parts;

/// See the module.
pub(super) struct Feed<'a, 'f, 's, 'r> {
    reader: &'a Reader<'f, 's, 'r>,
    state: Arc<SourceState>,
    joiner: Joiner,
    context: TimeContext,
    number: u64,
}

impl<'a, 'f, 's, 'r> Feed<'a, 'f, 's, 'r> {
    pub(super) fn new(reader: &'a Reader<'f, 's, 'r>, state: Arc<SourceState>, source: &Source) -> Self {
        let options = reader.flow.options;
        let rules = options.time.clone().with_reference(options.at.or(source.modified));
        let fixed = options.at.map(|at| EventTime { at, source: TimeSource::Fixed });
        let file = source.modified.map(|at| EventTime { at, source: TimeSource::File });
        let grouping = || Grouping::new(Arc::clone(&options.groups), &state.id.name, mask_parts);
        let context = TimeContext {
            rules: Arc::new(rules),
            fallback: fixed.or(file),
            groups: (!options.groups.is_empty()).then(|| GroupContext::new(grouping())),
            ..TimeContext::default()
        };
        Self { reader, state, joiner: Joiner::default(), context, number: 0 }
    }

    pub(super) fn take(&mut self, chunk: Chunk) {
        let chunk = self.joiner.join(chunk);
        self.cut_at_directives(chunk);
    }

    pub(super) fn finish(&mut self) {
        if let Some(chunk) = self.joiner.finish() {
            self.cut_at_directives(chunk);
        }
    }

    /// Cuts a chunk where a directive changes what is known about the columns.
    fn cut_at_directives(&mut self, chunk: Chunk) {
        let mut done = 0;
        let mut from = 0;
        while let Some(start) = comment_from(&chunk, from) {
            from =
                memchr::memchr(b'\n', &chunk.bytes[start..]).map_or(chunk.bytes.len(), |end| start + end + 1);
            let mut fields = self.context.fields.as_deref().cloned().unwrap_or_default();
            if fields.update(chunk.bytes[start..from].trim_ascii_end()) {
                if start > done {
                    let piece = slice(&chunk, done, start);
                    self.dispatch(piece);
                }
                done = start;
                self.context.fields = Some(Arc::new(fields));
            }
        }
        if done == 0 {
            self.dispatch(chunk);
        } else {
            let piece = slice(&chunk, done, chunk.bytes.len());
            self.dispatch(piece);
        }
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
fn comment_from(chunk: &Chunk, from: usize) -> Option<usize> {
    let bytes = &chunk.bytes;
    if bytes.get(from) == Some(&b'#') && !(from == 0 && chunk.begins_inside_line) {
        return Some(from);
    }
    // The line end before `from` is looked at again so that no line is missed.
    let search = from.saturating_sub(1);
    memmem::find(&bytes[search..], b"\n#").map(|at| search + at + 1)
}

/// The lines of a chunk from `start` to `end`, both line starts.
fn slice(chunk: &Chunk, start: usize, end: usize) -> Chunk {
    let first = chunk.marks.partition_point(|mark| mark.at <= start).saturating_sub(1);
    let before = chunk.marks[first];
    let skipped = &chunk.bytes[before.at..start];
    let mark = Mark {
        at: 0,
        offset: before.offset + skipped.len() as u64,
        line: before.line + memchr::memchr_iter(b'\n', skipped).count() as u64,
    };
    let behind = chunk.marks[first + 1..].iter().take_while(|mark| mark.at < end);
    let marks =
        std::iter::once(mark).chain(behind.map(|mark| Mark { at: mark.at - start, ..*mark })).collect();
    Chunk {
        bytes: chunk.bytes[start..end].to_vec(),
        begins_inside_line: start == 0 && chunk.begins_inside_line,
        begins_inside_run: start == 0 && chunk.begins_inside_run,
        marks,
    }
}
