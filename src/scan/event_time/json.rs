//! A walk over one JSON object that may be cut or broken anywhere: what was read before counts.
//!
//! Only the object's own members are shown; what is nested is stepped over as a whole. Linear in the text.

use std::ops::ControlFlow;

use super::LineTime;
use super::epoch;
use super::format::TimeFormat;
use super::instant::When;
use super::keys::{self, Best, Key};
use super::rules::TimeRules;

/// A member's value, without its quotes; escapes are as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Text(&'a [u8]),
    /// A number, or a bare word such as `null`.
    Bare(&'a [u8]),
    /// An object or array with its brackets; the closing one may be cut off.
    Nested(&'a [u8]),
}

/// The time among the members of the object that `text` starts with.
pub(super) fn of_object(text: &[u8], rules: &TimeRules) -> Option<LineTime> {
    let mut best = Best::new(rules);
    members(text, |name, value| {
        match (keys::lookup(name), value) {
            (Some(key), _) if !best.wants(key) => {}
            (Some(key), Value::Text(text) | Value::Bare(text)) => best.offer(key, text),
            (Some(key), Value::Nested(object)) => offer_object(&mut best, key, object),
            (None, Value::Nested(records)) if matches!(name, b"resourceLogs" | b"resourceSpans") => {
                offer_otlp(&mut best, records);
            }
            (None, _) => {}
        }
        if best.is_settled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    best.finish(TimeFormat::Json)
}

/// Times that are objects: MongoDB's `{"$date": …}`, log4j's `{"epochSecond": …, "nanoOfSecond": …}`, protobuf's
/// `{"seconds": …, "nanos": …}`.
fn offer_object<'a>(best: &mut Best<'a>, key: Key, object: &'a [u8]) {
    let (mut seconds, mut nanos) = (None, None);
    members(object, |name, value| {
        match (name, value) {
            (b"$date", Value::Text(text) | Value::Bare(text)) => best.offer(key, text),
            (b"$date", Value::Nested(object)) => members(object, |name, value| {
                if let (b"$numberLong", Value::Text(text) | Value::Bare(text)) = (name, value) {
                    best.offer(key, text);
                }
                ControlFlow::Continue(())
            }),
            (b"epochSecond" | b"seconds", Value::Text(text) | Value::Bare(text)) => seconds = integer(text),
            (b"nanoOfSecond" | b"nanos", Value::Text(text) | Value::Bare(text)) => nanos = integer(text),
            _ => {}
        }
        ControlFlow::Continue(())
    });
    if let Some(at) = seconds.and_then(|seconds| epoch::from_parts(seconds, nanos)) {
        best.offer_time(key, When::Instant(at));
    }
}

/// The time that an object under the user's own key is.
pub(super) fn of_time_object(object: &[u8], rules: &TimeRules) -> Option<LineTime> {
    let mut best = Best::new(rules);
    offer_object(&mut best, keys::lookup(b"time")?, object);
    best.finish(|_| TimeFormat::TimeKey)
}

/// An OTLP export is one object whose records lie deep; it counts as written when its first record was.
fn offer_otlp<'a>(best: &mut Best<'a>, records: &'a [u8]) {
    for marker in [&b"\"timeUnixNano\""[..], b"\"endTimeUnixNano\"", b"\"observedTimeUnixNano\""] {
        if let Some(found) = memchr::memmem::find(records, marker)
            && let Some((Value::Text(text) | Value::Bare(text), _)) =
                member_value(records, found + marker.len())
            && let Some(key) = keys::lookup(b"timeUnixNano")
            && best.wants(key)
        {
            best.offer(key, text);
        }
    }
}

fn integer(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The value at a path of member names joined by dots; a member whose own name holds the dots wins over nesting.
pub(super) fn at_path<'a>(object: &'a [u8], path: &str) -> Option<Value<'a>> {
    let (mut exact, mut nested) = (None, None);
    members(object, |name, value| {
        if name == path.as_bytes() {
            exact = Some(value);
            return ControlFlow::Break(());
        }
        let below = path.as_bytes().strip_prefix(name).and_then(|rest| rest.strip_prefix(b"."));
        if let (Some(below), Value::Nested(inner), None) = (below, value, nested) {
            nested = at_path(inner, &path[path.len() - below.len()..]);
        }
        ControlFlow::Continue(())
    });
    exact.or(nested)
}

/// Shows each member of the object that `text` starts with, until the object or the text ends, something there is no
/// JSON, or `visit` breaks.
fn members<'a>(text: &'a [u8], mut visit: impl FnMut(&'a [u8], Value<'a>) -> ControlFlow<()>) {
    if text.first() != Some(&b'{') {
        return;
    }
    let mut at = skip_blanks(text, 1);
    while text.get(at) == Some(&b'"') {
        let Some(name_end) = string_end(text, at + 1) else { return };
        let Some((value, value_end)) = member_value(text, name_end + 1) else { return };
        if visit(&text[at + 1..name_end], value).is_break() {
            return;
        }
        let comma = skip_blanks(text, value_end);
        if text.get(comma) != Some(&b',') {
            return;
        }
        at = skip_blanks(text, comma + 1);
    }
}

/// The value behind a colon at or after `at`, and where it ends. A string or number that is cut off is none.
fn member_value(text: &[u8], at: usize) -> Option<(Value<'_>, usize)> {
    let colon = skip_blanks(text, at);
    if text.get(colon) != Some(&b':') {
        return None;
    }
    let start = skip_blanks(text, colon + 1);
    match text.get(start)? {
        b'"' => {
            let end = string_end(text, start + 1)?;
            Some((Value::Text(&text[start + 1..end]), end + 1))
        }
        b'{' | b'[' => {
            let end = nested_end(text, start);
            Some((Value::Nested(&text[start..end]), end))
        }
        _ => {
            let length =
                text[start..].iter().position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t'))?;
            Some((Value::Bare(&text[start..start + length]), start + length))
        }
    }
}

fn skip_blanks(text: &[u8], mut at: usize) -> usize {
    while matches!(text.get(at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
        at += 1;
    }
    at
}

/// The place of the quote that ends the string whose inside starts at `at`.
fn string_end(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}

/// Where the object or array that starts at `at` ends; the end of the text when it is cut off.
fn nested_end(text: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => match string_end(text, at + 1) {
                Some(end) => at = end,
                None => return text.len(),
            },
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}
