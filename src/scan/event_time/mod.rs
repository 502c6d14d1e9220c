//! When a log line was written: a pure function of the line and what is known about its source.
//!
//! # Where a line's own time may stand
//!
//! A date somewhere on a line (a claim, a file name, a URL, the message) is not the line's time, so that only these
//! places are asked, in this order:
//!
//! 1. what the user named: `--time-key`, else `--time-format`; then nothing else is asked;
//! 2. the columns that a W3C extended log's `#Fields:` names;
//! 3. the head of the line, perhaps behind a few prefixes (`head`): a host, a level, `[thread]`, `web-1  | `, `<PRI>`;
//! 4. the members of a JSON object that starts there (`json`) or the pairs of a logfmt line (`logfmt`), at the line's
//!    own level and in the order of `keys`;
//! 5. a bracket behind the client columns of an access log (`columns`).
//!
//! An indented line is a continuation: only a bare stamp right behind the blanks counts there, and a JSON object behind
//! one or two, which is an element of an array. A syslog prefix wins
//! over HAProxy's own bracket, and docker's `time` member over dates inside `log`.
//!
//! # What a time is
//!
//! A date and a time of day that exist (1970 to 2199; epoch numbers 1990 to 2100). A leap second is read as second 59.
//! Fractions are cut to milliseconds. Dates with the year last are month first unless the first number is above 12,
//! or dots separate them. Nothing here keeps state that changes an answer: chunks of a source are scanned in parallel.

mod clock;
mod columns;
mod cursor;
mod custom;
mod epoch;
mod fast;
mod format;
mod head;
mod instant;
mod json;
mod keys;
mod logfmt;
mod marked;
mod names;
mod recent;
mod rules;
mod stamp;
mod w3c;

#[cfg(test)]
mod tests;

use crate::timestamp::Timestamp;

pub use custom::text_under_key;
pub use format::TimeFormat;
pub use recent::Recent;
pub use rules::TimeRules;
pub use w3c::W3cFields;

/// Where terminals' escape sequences are looked for; a line that has one here is read without all of them.
const ANSI_HEAD: usize = 256;

/// How much of a line with escape sequences is copied to read it without them.
const ANSI_COPY: usize = 64 * 1024;

/// When a line was written, and how it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineTime {
    /// The instant.
    pub at: Timestamp,
    /// The shape in which the line states it.
    pub format: TimeFormat,
}

/// When `line` was written, if it says so itself. `w3c` is the state of the source's W3C directives, where there are.
///
/// The work is linear in the line, and small unless the line is JSON or logfmt. Any bytes at all are fine.
#[must_use]
pub fn of_line(line: &[u8], rules: &TimeRules, w3c: Option<&W3cFields>) -> Option<LineTime> {
    if memchr::memchr(0x1b, &line[..line.len().min(ANSI_HEAD)]).is_some() {
        let plain = without_ansi(&line[..line.len().min(ANSI_COPY)]);
        return of_plain_line(&plain, rules, w3c);
    }
    of_plain_line(line, rules, w3c)
}

fn of_plain_line(line: &[u8], rules: &TimeRules, w3c: Option<&W3cFields>) -> Option<LineTime> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    if let Some(key) = rules.key() {
        return custom::of_key(line, key, rules);
    }
    if let Some(format) = rules.format() {
        return format.find(line, rules);
    }
    if let Some(fields) = w3c
        && let Some(found) = fields.of_line(line, rules)
    {
        return Some(found);
    }
    head::of_line(line, rules)
}

/// The line without ECMA-48 escape sequences: `ESC [ … letter`, and `ESC` with one other byte.
fn without_ansi(line: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(line.len());
    let mut rest = line;
    while let Some(escape) = memchr::memchr(0x1b, rest) {
        plain.extend_from_slice(&rest[..escape]);
        rest = &rest[escape + 1..];
        let length = match rest.first() {
            Some(b'[') => {
                let parameters = rest[1..].iter().take_while(|byte| (0x20..0x40).contains(*byte)).count();
                (parameters + 2).min(rest.len())
            }
            Some(_) => 1,
            None => 0,
        };
        rest = &rest[length..];
    }
    plain.extend_from_slice(rest);
    plain
}
