//! The head of a line: a stamp, or a few prefixes and then a stamp, a JSON object or logfmt pairs.
//!
//! A prefix is what loggers, shippers and multiplexers put before the time: a host or address, a level, a number, a
//! bracket, `key=value`, `name::`, `web-1  | `, `<PRI>`. A plain word is none, so that a sentence with a date in it
//! (`token expired 2026-06-12 …`) is not taken for a dated line.

use crate::timestamp::Timestamp;

use super::LineTime;
use super::columns;
use super::cursor::Cursor;
use super::fast;
use super::format::TimeFormat;
use super::json;
use super::logfmt;
use super::marked;
use super::rules::TimeRules;
use super::stamp::{self, Stamp};

/// How many prefixes may stand before the time.
const PREFIXES: usize = 8;

/// How long one prefix may be.
const PREFIX_LENGTH: usize = 128;

/// The line's own time, for a line without escape sequences.
pub(super) fn of_line(line: &[u8], rules: &TimeRules) -> Option<LineTime> {
    if let Some(found) = fast::rfc3339(line) {
        return Some(behind_rfc3339(line, found));
    }
    let mut cursor = Cursor::new(line, 0);
    let found = match *line.first()? {
        b'0'..=b'9' => match stamp::stamp(&mut cursor).or_else(|| stamp::epoch_stamp(&mut cursor)) {
            Some(found) => Some(found),
            None => return behind_prefixes(line, rules),
        },
        b' ' | b'\t' => {
            cursor.blanks(PREFIX_LENGTH);
            // An element of an array with an element a line is a record of its own; what is indented further belongs
            // to the line above.
            if let [b' ', b'{', ..] | [b' ', b' ', b'{', ..] = line {
                return json::of_object(cursor.rest(), rules);
            }
            stamp::stamp(&mut cursor)
        }
        b'{' => return json::of_object(line, rules).or_else(|| settled(inside(cursor, b'}')?, rules)),
        b'[' | b',' if line.get(1) == Some(&b'{') => return json::of_object(&line[1..], rules),
        b'@' => marked::tai64n(line),
        b'_' => marked::journald_export(line),
        b'#' => return marked::comment(line, rules),
        b'=' => marked::banner(line),
        _ => return behind_prefixes(line, rules),
    };
    settled(found?, rules)
}

/// The time of a line that begins with this one; `end` is where that ends.
pub(super) fn behind_rfc3339(line: &[u8], (at, end): (Timestamp, usize)) -> LineTime {
    let format = if is_cri(&line[end..]) { TimeFormat::Cri } else { TimeFormat::Rfc3339 };
    LineTime { at, format }
}

pub(super) fn settled(found: Stamp<'_>, rules: &TimeRules) -> Option<LineTime> {
    Some(LineTime { at: found.when.settle(rules)?, format: found.format })
}

/// CRI's runtimes write an RFC 3339 time, the stream, and whether the record goes on.
fn is_cri(behind: &[u8]) -> bool {
    (behind.starts_with(b" stdout ") || behind.starts_with(b" stderr "))
        && matches!(behind.get(8), Some(b'F' | b'P'))
}

/// What a step over one prefix came to.
enum Step {
    /// Something else may follow.
    Prefix,
    /// `key=value`: the line is logfmt from here on.
    Pair,
    /// The message has begun.
    Text,
}

fn behind_prefixes(line: &[u8], rules: &TimeRules) -> Option<LineTime> {
    let mut cursor = Cursor::new(line, 0);
    client_columns(&mut cursor);
    let mut pairs_were_asked = false;
    let mut is_rfc_5424 = false;
    for _ in 0..=PREFIXES {
        if let Some(mut found) = stamp_at(cursor) {
            if is_rfc_5424 && matches!(found.format, TimeFormat::Rfc3339 | TimeFormat::Iso8601) {
                found.format = TimeFormat::SyslogRfc5424;
            }
            return settled(found, rules);
        }
        if cursor.peek() == b'{' && cursor.rest()[1..].trim_ascii_start().starts_with(b"\"") {
            return json::of_object(cursor.rest(), rules);
        }
        if cursor.peek() == b'<' {
            match priority(&mut cursor) {
                Some(versioned) => is_rfc_5424 = versioned,
                None => break,
            }
            continue;
        }
        let before = cursor;
        match step(&mut cursor) {
            Step::Prefix => {}
            Step::Pair if pairs_were_asked => {}
            Step::Pair => {
                pairs_were_asked = true;
                if let Some(found) = logfmt::of_pairs(before.rest(), rules) {
                    return Some(found);
                }
            }
            Step::Text => break,
        }
    }
    settled(columns::bracketed(line)?, rules)
}

/// Steps over an address and the dashes of an access log's next columns. Nothing there could be a stamp or anything
/// but a prefix, so that this only saves trying.
fn client_columns(cursor: &mut Cursor<'_>) {
    let rest = cursor.rest();
    let address = rest.iter().take(48).take_while(|&&byte| byte.is_ascii_digit() || byte == b'.').count();
    if address >= 7 && rest[address..].starts_with(b" - - [") {
        cursor.skip(address + 5);
    }
}

/// A stamp here, perhaps inside a bracket or quotes.
fn stamp_at(cursor: Cursor<'_>) -> Option<Stamp<'_>> {
    let mut ahead = cursor;
    match ahead.peek() {
        b'[' => inside(cursor, b']'),
        // Redis writes only this one message with an epoch number.
        b'(' if cursor.before().ends_with(b":signal-handler ") => {
            ahead.skip(1);
            stamp::epoch_stamp(&mut ahead)
        }
        b'(' => inside(cursor, b')'),
        b'<' => inside(cursor, b'>'),
        b'"' | b'\'' if ahead.at() == 0 => {
            let quote = ahead.peek();
            ahead.skip(1);
            stamp::stamp(&mut ahead).filter(|_| ahead.peek() == quote)
        }
        // Cisco marks a clock that is not synchronised.
        b'*' | b'.' => {
            ahead.skip(1);
            stamp::stamp(&mut ahead)
        }
        b'0'..=b'9' if is_traced_epoch(cursor) => stamp::epoch_stamp(&mut ahead),
        _ => stamp::stamp(&mut ahead),
    }
}

/// `pid 1697048351.000001`: an epoch number with a fraction, behind nothing but a number.
fn is_traced_epoch(cursor: Cursor<'_>) -> bool {
    cursor.at() > 0 && cursor.at() < 12 && cursor.count_digits(11) == 10 && cursor.peek_at(10) == b'.'
}

/// A stamp inside a bracket: right behind the opening, or behind one word that is a prefix (`[DEBUG 2026-06-12 …`).
/// An epoch number must fill the bracket.
fn inside(cursor: Cursor<'_>, close: u8) -> Option<Stamp<'_>> {
    let mut ahead = cursor;
    ahead.skip(1);
    ahead.blanks(4);
    if let Some(found) = stamp::stamp(&mut ahead) {
        return Some(found);
    }
    if close == b']'
        && let Some(found) = stamp::epoch_stamp(&mut ahead)
    {
        return (ahead.peek() == b']').then_some(found);
    }
    match step(&mut ahead) {
        Step::Prefix => stamp::stamp(&mut ahead),
        Step::Pair | Step::Text => None,
    }
}

/// Syslog's `<34>`, and whether RFC 5424's version follows.
fn priority(cursor: &mut Cursor<'_>) -> Option<bool> {
    cursor.skip(1);
    let digits = cursor.count_digits(4);
    if !(1..=3).contains(&digits) || cursor.peek_at(digits) != b'>' {
        return None;
    }
    cursor.skip(digits + 1);
    let versioned = cursor.peek() == b'1' && cursor.peek_at(1) == b' ';
    cursor.skip(if versioned { 2 } else { 0 });
    Some(versioned)
}

/// Steps over one prefix and the blanks behind it.
fn step(cursor: &mut Cursor<'_>) -> Step {
    let start = cursor.at();
    let moved = match cursor.peek() {
        b'[' => group(cursor, b'[', b']'),
        b'(' => group(cursor, b'(', b')'),
        b'|' | b'-' | b'>' | b':' | b',' if start > 0 => {
            cursor.skip(1);
            true
        }
        _ => match word(cursor) {
            Step::Prefix => true,
            Step::Pair => {
                cursor.blanks(PREFIX_LENGTH);
                return Step::Pair;
            }
            Step::Text => segment(cursor),
        },
    };
    if !moved {
        return Step::Text;
    }
    cursor.blanks(PREFIX_LENGTH);
    Step::Prefix
}

/// A bracket up to its closing partner, and `:` or `,` behind it.
fn group(cursor: &mut Cursor<'_>, open: u8, close: u8) -> bool {
    let mut depth = 0_usize;
    for (index, &byte) in cursor.rest().iter().take(PREFIX_LENGTH).enumerate() {
        if byte == open {
            depth += 1;
        } else if byte == close {
            depth -= 1;
            if depth == 0 {
                cursor.skip(index + 1);
                let _ = cursor.eat(b':') || cursor.eat(b',');
                return true;
            }
        }
    }
    false
}

/// One word that can be no sentence: see `is_origin` and `is_label`.
fn word(cursor: &mut Cursor<'_>) -> Step {
    let rest = cursor.rest();
    let length = rest.iter().take(PREFIX_LENGTH).take_while(|byte| is_word_byte(**byte)).count();
    let found = &rest[..length];
    let after = rest.get(length).copied().unwrap_or(0);
    if length == 0 || length == PREFIX_LENGTH {
        return Step::Text;
    }
    if after == b'=' {
        cursor.skip(length + 1);
        return pair_value(cursor);
    }
    if let Some(colons) = memchr::memmem::find(found, b"::") {
        cursor.skip(colons + 2);
        return Step::Prefix;
    }
    match after {
        b' ' | b'\t' | b',' if is_label(found) || is_origin(found) => {
            cursor.skip(length);
            cursor.eat(b',');
            Step::Prefix
        }
        // A process with its number: `gateway[812]:`.
        b'[' => {
            let mut ahead = *cursor;
            ahead.skip(length);
            if group(&mut ahead, b'[', b']') && matches!(ahead.peek(), b' ' | b'\t') {
                *cursor = ahead;
                return Step::Prefix;
            }
            Step::Text
        }
        _ => Step::Text,
    }
}

const fn is_word_byte(byte: u8) -> bool {
    WORD_BYTES[byte as usize]
}

const WORD_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        let letter = (byte as u8).is_ascii_alphanumeric();
        table[byte] = letter
            || matches!(byte as u8, b'.' | b'_' | b':' | b'/' | b'@' | b'-' | b'+' | b'#' | b'%' | b'$');
        byte += 1;
    }
    table
};

/// Steps over the value of a pair.
fn pair_value(cursor: &mut Cursor<'_>) -> Step {
    let rest = cursor.rest();
    let limit = rest.len().min(PREFIX_LENGTH);
    let length = match rest.first() {
        Some(b'"') => memchr::memchr(b'"', &rest[1..limit]).map(|end| end + 2),
        _ => Some(memchr::memchr2(b' ', b'\t', &rest[..limit]).unwrap_or(limit)),
    };
    // Even a pair that is too long to step over makes the line logfmt.
    cursor.skip(length.unwrap_or(0));
    Step::Pair
}

/// A level, a stream, a protocol of a load balancer, or one letter.
fn is_label(word: &[u8]) -> bool {
    let word = word.strip_suffix(b":").unwrap_or(word);
    if word.len() == 1 {
        return word[0].is_ascii_alphabetic();
    }
    let mut lower = [0; 9];
    let Some(lower) = lower.get_mut(..word.len()) else { return false };
    lower.copy_from_slice(word);
    lower.make_ascii_lowercase();
    matches!(
        &*lower,
        b"trace"
            | b"debug"
            | b"info"
            | b"notice"
            | b"warn"
            | b"warning"
            | b"error"
            | b"err"
            | b"crit"
            | b"critical"
            | b"alert"
            | b"emerg"
            | b"emergency"
            | b"fatal"
            | b"panic"
            | b"severe"
            | b"config"
            | b"fine"
            | b"finer"
            | b"finest"
            | b"verbose"
            | b"success"
            | b"log"
            | b"stdout"
            | b"stderr"
            | b"http"
            | b"https"
            | b"h2"
            | b"ws"
            | b"wss"
            | b"grpcs"
            | b"tls"
            | b"tcp"
            | b"localhost"
    )
}

/// A host, address, number or the like: a word with a digit, dot, dash, slash or `@` in it. With a colon behind it, it
/// must have a digit, or it could be an HTTP header (`Last-Modified:`) or an exception.
fn is_origin(word: &[u8]) -> bool {
    let digit = word.iter().any(u8::is_ascii_digit);
    if word.ends_with(b":") {
        return digit && !word.ends_with(b"Exception:") && !word.ends_with(b"Error:");
    }
    let letter = word.iter().any(u8::is_ascii_alphabetic);
    digit || (letter && word.iter().any(|byte| matches!(byte, b'.' | b'-' | b'/' | b'@')))
}

/// A short column that ends in `|`, as docker compose and the Java service wrapper write: `jvm 1    | `.
fn segment(cursor: &mut Cursor<'_>) -> bool {
    let head = &cursor.rest()[..cursor.rest().len().min(PREFIX_LENGTH / 2)];
    let Some(bar) = memchr::memchr(b'|', head) else { return false };
    let plain = head[..bar]
        .iter()
        .all(|&byte| is_word_byte(byte) || matches!(byte, b' ' | b'\t' | b'?' | b'(' | b')'));
    if bar == 0 || !plain {
        return false;
    }
    cursor.skip(bar + 1);
    true
}
