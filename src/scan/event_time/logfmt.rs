//! A walk over `key=value` pairs, with bare words between them. Linear in the text.

use super::LineTime;
use super::cursor::Cursor;
use super::epoch;
use super::format::TimeFormat;
use super::instant::When;
use super::keys::{self, Best};
use super::rules::TimeRules;
use super::stamp;

/// The time among the pairs of `text`; the kernel's audit log has it as `msg=audit(1364481363.243:24287):`.
pub(super) fn of_pairs(text: &[u8], rules: &TimeRules) -> Option<LineTime> {
    let mut best = Best::new(rules);
    let mut audit = None;
    pairs(text, |name, value, rest| {
        if name == b"msg"
            && let Some(inside) = value.strip_prefix(b"audit(")
            && let Some((at, _)) = epoch::number(&mut Cursor::new(inside, 0), None)
        {
            audit = Some(LineTime { at, format: TimeFormat::Audit });
        } else if let Some(key) = keys::lookup(name)
            && best.wants(key)
        {
            match with_blank(value, rest) {
                Some(when) => best.offer_time(key, when),
                None => best.offer(key, value),
            }
        }
        audit.is_none() && !best.is_settled()
    });
    audit.or_else(|| best.finish(TimeFormat::Logfmt))
}

/// An unquoted date whose time of day stands behind a blank: `time=2026-06-12 01:02:03 level=info`.
fn with_blank<'a>(value: &[u8], rest: &'a [u8]) -> Option<When<'a>> {
    if !(8..=11).contains(&value.len()) || !rest.starts_with(value) || rest.get(value.len()) != Some(&b' ') {
        return None;
    }
    stamp::stamp(&mut Cursor::new(rest, 0)).map(|found| found.when)
}

/// The value of the first pair whose key is `wanted`.
pub(super) fn value_of<'a>(text: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    let mut found = None;
    pairs(text, |name, value, _| {
        if name == wanted {
            found = Some(value);
        }
        found.is_none()
    });
    found
}

/// Shows each pair, and the text from its value on, until `visit` says no. A quoted value comes without its quotes; one
/// that is cut off is left out.
fn pairs<'a>(text: &'a [u8], mut visit: impl FnMut(&'a [u8], &'a [u8], &'a [u8]) -> bool) {
    let mut at = 0;
    while at < text.len() {
        let word = &text[at..];
        let Some(end) =
            word.iter().position(|byte| matches!(byte, b'=' | b'"' | b' ' | b'\t' | b'\n' | b'\r'))
        else {
            return;
        };
        at += end + 1;
        match word[end] {
            b'"' => match quoted_end(text, at) {
                Some(end) => at = end + 1,
                None => return,
            },
            b'=' if end > 0 => {
                let (value, next) = if text.get(at) == Some(&b'"') {
                    let Some(end) = quoted_end(text, at + 1) else { return };
                    (&text[at + 1..end], end + 1)
                } else {
                    let rest = &text[at..];
                    let length = memchr::memchr3(b' ', b'\t', b'\n', rest).unwrap_or(rest.len());
                    (rest[..length].trim_ascii_end(), at + length)
                };
                let rest = &text[at..];
                at = next;
                if !visit(&word[..end], value, rest) {
                    return;
                }
            }
            _ => {}
        }
    }
}

fn quoted_end(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}
