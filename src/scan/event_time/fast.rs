//! Strict RFC 3339 at a line's start, the commonest stamp of all, in one pass.
//!
//! It accepts a part of what `stamp` accepts, and gives the same instant: a law in the tests says so, and another one
//! that jiff agrees. Whatever is unusual (a leap second, an offset beyond 18 hours, a fraction of more than nine
//! digits) is left to `stamp`.

use crate::timestamp::Timestamp;

use super::cursor::two;
use super::instant::{YEARS, days_from_civil, days_in};

/// A date and a time of day, up to the second.
pub(super) const TO_SECOND: usize = 19;

/// The instant that `line` starts with, and where its text ends.
pub(super) fn rfc3339(line: &[u8]) -> Option<(Timestamp, usize)> {
    behind_second(line, second(line.first_chunk()?)?)
}

/// Seconds since 1970 of `2026-06-12T01:02:03`, as if it were UTC.
pub(super) fn second(block: &[u8; TO_SECOND]) -> Option<i64> {
    let marks = [block[4], block[7], block[10], block[13], block[16]];
    if marks != *b"--T::" {
        return None;
    }
    let mut wrong = false;
    let mut pair = |at: usize| two(&block[at..at + 2], &mut wrong);
    let year = (pair(0) * 100 + pair(2)) as i32;
    let (month, day) = (pair(5), pair(8));
    let (hour, minute, second) = (pair(11), pair(14), pair(17));
    if wrong || !YEARS.contains(&year) || !(1..=12).contains(&month) || day == 0 || day > days_in(year, month)
    {
        return None;
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(days_from_civil(year, month, day) * 86_400 + i64::from(hour * 3600 + minute * 60 + second))
}

/// The instant that `line` starts with, whose date and time of day are `seconds`, and where its text ends.
pub(super) fn behind_second(line: &[u8], seconds: i64) -> Option<(Timestamp, usize)> {
    let (millis, zone) = fraction(line)?;
    let (offset, end) = offset(line, zone)?;
    let at = (seconds - i64::from(offset)) * 1000 + i64::from(millis.unwrap_or(0));
    Some((Timestamp::new(at, millis.is_some()), end))
}

/// Milliseconds behind the seconds, if stated, and where the zone starts.
fn fraction(line: &[u8]) -> Option<(Option<u32>, usize)> {
    if line.get(TO_SECOND) != Some(&b'.') {
        return Some((None, TO_SECOND));
    }
    let digits = line[20..].iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&digits) {
        return None;
    }
    let digit = |at: usize| if at < digits { u32::from(line[20 + at] - b'0') } else { 0 };
    Some((Some(digit(0) * 100 + digit(1) * 10 + digit(2)), 20 + digits))
}

/// Seconds east of UTC from `Z` or `+hh:mm`, and where they end; no letter or digit may follow.
fn offset(line: &[u8], at: usize) -> Option<(i32, usize)> {
    let (seconds, end) = match line.get(at)? {
        b'Z' => (0, at + 1),
        sign @ (b'+' | b'-') => {
            let block: &[u8; 5] = line[at + 1..].first_chunk()?;
            let mut wrong = block[2] != b':';
            let (hours, minutes) = (two(block, &mut wrong), two(&block[3..], &mut wrong));
            if wrong || hours > 18 || minutes > 59 {
                return None;
            }
            let seconds = (hours * 3600 + minutes * 60) as i32;
            (if *sign == b'-' { -seconds } else { seconds }, at + 6)
        }
        _ => return None,
    };
    (!line.get(end).is_some_and(u8::is_ascii_alphanumeric)).then_some((seconds, end))
}
