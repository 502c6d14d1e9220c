//! W3C extended logs (IIS, CloudFront and others): the time stands in columns that a `#Fields:` line names.

use serde::{Deserialize, Serialize};

use super::LineTime;
use super::cursor::Cursor;
use super::format::TimeFormat;
use super::instant::{When, Zone};
use super::rules::TimeRules;
use super::stamp;

/// How many columns are looked at.
const COLUMNS: usize = 256;

/// What the directives above a line say about its columns. Times are UTC by the standard, local where the columns are
/// called `date-local` and `time-local`, and at the offset that a `#GMT-Offset:` states.
///
/// A log that has a `time` column only takes the date of its last `#Date:`; lines after a midnight without a new
/// `#Date:` are then a day early, because lines are read without memory of each other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct W3cFields {
    date: Option<usize>,
    time: Option<usize>,
    local: bool,
    /// Seconds east of UTC.
    offset: i32,
    /// The date of the last `#Date:` or `#Start-Date:`, as written.
    header_date: Option<Vec<u8>>,
}

impl W3cFields {
    /// Nothing known yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in a line that starts with `#`. Other lines, and directives that say nothing about times, change nothing.
    /// Returns whether anything changed.
    pub fn update(&mut self, line: &[u8]) -> bool {
        let before = self.clone();
        if let Some(names) = line.strip_prefix(b"#Fields:") {
            self.set_columns(names);
        } else if let Some(date) = date_directive(line) {
            let token = date.split(|byte| byte.is_ascii_whitespace()).next().unwrap_or_default();
            if !token.is_empty() && token.len() <= 16 {
                self.header_date = Some(token.to_vec());
            }
        } else if let Some(offset) = line.strip_prefix(b"#GMT-Offset:") {
            let joined = [b"2026-01-01T00:00:00", offset.trim_ascii()].concat();
            if let Some(found) = stamp::stamp(&mut Cursor::new(&joined, 0))
                && let When::Civil(_, Zone::Offset(seconds)) = found.when
            {
                self.offset = seconds;
            }
        }
        *self != before
    }

    /// The same without a date that is no date: nothing else that a log says is kept beyond its scan.
    #[must_use]
    pub(crate) fn to_be_kept(&self) -> Self {
        let is_date =
            |date: &Vec<u8>| date.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'/' | b'.'));
        Self { header_date: self.header_date.clone().filter(is_date), ..self.clone() }
    }

    fn set_columns(&mut self, names: &[u8]) {
        let names = names.split(|byte| byte.is_ascii_whitespace()).filter(|name| !name.is_empty());
        (self.date, self.time, self.local) = (None, None, false);
        for (index, name) in names.enumerate().take(COLUMNS) {
            match name {
                b"date" if self.date.is_none() || self.local => {
                    (self.date, self.local) = (Some(index), false);
                }
                b"time" if self.time.is_none() || !self.local => self.time = Some(index),
                b"date-local" if self.date.is_none() => (self.date, self.local) = (Some(index), true),
                b"time-local" if self.time.is_none() => self.time = Some(index),
                _ => {}
            }
        }
    }

    /// The time in the line's columns; none if the columns are unknown or hold something else.
    pub(super) fn of_line(&self, line: &[u8], rules: &TimeRules) -> Option<LineTime> {
        if line.first() == Some(&b'#') {
            return of_date_directive(line, self.offset);
        }
        let time = column(line, self.time?)?;
        let date = match self.date {
            Some(index) => column(line, index)?,
            None => self.header_date.as_deref()?,
        };
        if date.len() > 16 || time.len() > 24 {
            return None;
        }
        let mut joined = [0; 41];
        let length = date.len() + 1 + time.len();
        joined[..date.len()].copy_from_slice(date);
        joined[date.len()] = b' ';
        joined[date.len() + 1..length].copy_from_slice(time);
        let found = stamp::stamp(&mut Cursor::new(&joined[..length], 0))?;
        let when = match found.when {
            When::Civil(civil, Zone::Unstated) if !self.local => {
                When::Civil(civil, Zone::Offset(self.offset))
            }
            other => other,
        };
        Some(LineTime { at: when.settle(rules)?, format: TimeFormat::W3c })
    }
}

/// The time in a `#Date:` or `#Start-Date:` line itself, at this many seconds east of UTC.
pub(super) fn of_date_directive(line: &[u8], offset: i32) -> Option<LineTime> {
    let found = stamp::stamp(&mut Cursor::new(date_directive(line)?, 0))?;
    let when = match found.when {
        When::Civil(civil, Zone::Unstated) => When::Civil(civil, Zone::Offset(offset)),
        other => other,
    };
    Some(LineTime { at: when.settle(&TimeRules::default())?, format: TimeFormat::W3c })
}

fn date_directive(line: &[u8]) -> Option<&[u8]> {
    let value = line.strip_prefix(b"#Date:").or_else(|| line.strip_prefix(b"#Start-Date:"))?;
    Some(value.trim_ascii())
}

/// The column with this index, without its quotes. Columns are separated by runs of blanks; quotes hold blanks.
fn column(line: &[u8], index: usize) -> Option<&[u8]> {
    let mut rest = line.trim_ascii_start();
    for current in 0.. {
        let (value, after) = match rest.strip_prefix(b"\"") {
            Some(inside) => {
                let end = memchr::memchr(b'"', inside)?;
                (&inside[..end], &inside[end + 1..])
            }
            None => rest.split_at(memchr::memchr3(b' ', b'\t', b'\r', rest).unwrap_or(rest.len())),
        };
        if current == index {
            return Some(value);
        }
        rest = after.trim_ascii_start();
        if rest.is_empty() {
            break;
        }
    }
    None
}
