//! What the lines before said, so that a line of the same second costs a compare.
//!
//! Two stamps are remembered: the RFC 3339 one that a line starts with, up to its second, and the bracket that an access
//! log has behind its client's address. A law in the tests says that what is remembered changes no answer.

use super::fast::{self, TO_SECOND};
use super::format::TimeFormat;
use super::rules::TimeRules;
use super::w3c::W3cFields;
use super::{LineTime, head, of_line};

/// `[12/Jun/2026:01:02:03 +0000]`.
const BRACKET: usize = 28;

/// How far into a line what is remembered reaches: an address, its dashes and the bracket, or a stamp and CRI's stream.
const FURTHEST: usize = 96;

/// Finds the times of lines that are read in the same way one after another.
#[derive(Debug)]
pub struct Recent {
    second: [u8; TO_SECOND],
    /// What `second` says, as seconds since 1970.
    seconds: i64,
    bracket: [u8; BRACKET],
    /// What a line says that has `bracket` behind its address.
    access: Option<LineTime>,
}

impl Default for Recent {
    fn default() -> Self {
        Self { second: [0; TO_SECOND], seconds: 0, bracket: [0; BRACKET], access: None }
    }
}

impl Recent {
    /// What [`of_line`] finds; all calls must be about the same rules.
    pub fn of_line(&mut self, line: &[u8], rules: &TimeRules, w3c: Option<&W3cFields>) -> Option<LineTime> {
        let begins_with_digit = line.first().is_some_and(u8::is_ascii_digit);
        if !begins_with_digit || w3c.is_some() || rules.key().is_some() || rules.format().is_some() {
            return of_line(line, rules, w3c);
        }
        // A line is read without its escape sequences, so that one of them may hide what stands here.
        if memchr::memchr(0x1b, &line[..line.len().min(FURTHEST)]).is_some() {
            return of_line(line, rules, w3c);
        }
        if let Some(found) = self.rfc3339(line) {
            return Some(found);
        }
        let Some(bracket) = bracket(line) else { return of_line(line, rules, w3c) };
        if self.access.is_some() && self.bracket == *bracket {
            return self.access;
        }
        let found = of_line(line, rules, w3c);
        if bracket.ends_with(b"]") && found.is_some_and(|found| found.format == TimeFormat::Clf) {
            (self.bracket, self.access) = (*bracket, found);
        }
        found
    }

    fn rfc3339(&mut self, line: &[u8]) -> Option<LineTime> {
        let block = line.first_chunk()?;
        if *block != self.second {
            self.seconds = fast::second(block)?;
            self.second = *block;
        }
        Some(head::behind_rfc3339(line, fast::behind_second(line, self.seconds)?))
    }
}

/// What stands behind an IPv4 address and the dashes of the next two columns, if it opens a bracket.
fn bracket(line: &[u8]) -> Option<&[u8; BRACKET]> {
    let (mut length, mut dots) = (0, 0);
    for &byte in line.iter().take(16) {
        match byte {
            b'0'..=b'9' => {}
            b'.' => dots += 1,
            _ => break,
        }
        length += 1;
    }
    let behind = line[length..].strip_prefix(b" - - ")?;
    (dots == 3 && behind.starts_with(b"[")).then(|| behind.first_chunk())?
}
