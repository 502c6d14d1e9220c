//! A time of day with its fraction, and the zone behind it.

use super::cursor::{Cursor, two};
use super::instant::{Clock, Zone, offset_of_abbreviation};

/// A time of day at the cursor: `1:02`, `01:02:03`, a fraction after `.`, `,` or (three, six or nine digits) `:`, and
/// AM or PM. Second 60, a leap second, is read as 59, as jiff does. Nothing is consumed when there is none.
#[inline]
pub(super) fn clock(cursor: &mut Cursor<'_>) -> Option<Clock> {
    let mut ahead = *cursor;
    let (mut hour, minute, second, has_seconds) = hour_minute_second(&mut ahead)?;
    let (mut millis, mut subsecond) = (0, false);
    if has_seconds && let Some(fraction) = fraction(&mut ahead) {
        (millis, subsecond) = (fraction, true);
    }
    if ahead.peek().is_ascii_digit() {
        return None;
    }
    if let Some(afternoon) = meridiem(&mut ahead) {
        if !(1..=12).contains(&hour) {
            return None;
        }
        hour = hour % 12 + if afternoon { 12 } else { 0 };
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    *cursor = ahead;
    Some(Clock { hour, minute, second: second.min(59), millis, subsecond })
}

/// Hour, minute, second, and whether a second was stated.
fn hour_minute_second(cursor: &mut Cursor<'_>) -> Option<(u32, u32, u32, bool)> {
    // By far the commonest layout is tested as a whole.
    if let Some(block) = cursor.block::<8>()
        && block[2] == b':'
        && block[5] == b':'
    {
        let mut wrong = false;
        let found =
            (two(block, &mut wrong), two(&block[3..], &mut wrong), two(&block[6..], &mut wrong), true);
        if !wrong {
            cursor.skip(8);
            return Some(found);
        }
    }
    let hour = cursor.small()?;
    if !cursor.eat(b':') {
        return None;
    }
    let minute = cursor.digits(2)?;
    if cursor.peek() == b':' && cursor.peek_at(1).is_ascii_digit() {
        cursor.skip(1);
        return Some((hour, minute, cursor.digits(2)?, true));
    }
    Some((hour, minute, 0, false))
}

/// Six digits that are a time of day, then perhaps a fraction: `010203`, `102240,672`.
pub(super) fn compact_clock(cursor: &mut Cursor<'_>) -> Option<Clock> {
    let mut ahead = *cursor;
    let (hour, minute, second) = (ahead.digits(2)?, ahead.digits(2)?, ahead.digits(2)?);
    let fraction = fraction(&mut ahead);
    if hour > 23 || minute > 59 || second > 60 || ahead.peek().is_ascii_digit() {
        return None;
    }
    *cursor = ahead;
    let (millis, subsecond) = (fraction.unwrap_or(0), fraction.is_some());
    Some(Clock { hour, minute, second: second.min(59), millis, subsecond })
}

/// A fraction of a second in whole milliseconds: finer digits are cut, never rounded.
fn fraction(cursor: &mut Cursor<'_>) -> Option<u32> {
    let mark = cursor.peek();
    if !matches!(mark, b'.' | b',' | b':') || !cursor.peek_at(1).is_ascii_digit() {
        return None;
    }
    let mut ahead = *cursor;
    ahead.skip(1);
    // No clock counts finer than 32 digits, and a line may be a million digits long.
    let count = ahead.count_digits(32);
    if count == 0 || (mark == b':' && !(matches!(count, 3 | 6 | 9) && ahead.peek_at(count) != b':')) {
        return None;
    }
    let millis =
        ahead.rest()[..count.min(3)].iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    ahead.skip(count);
    *cursor = ahead;
    Some(millis * 10_u32.pow(3 - count.min(3) as u32))
}

/// `AM`, `pm`, with or without a blank before it; true for the afternoon.
fn meridiem(cursor: &mut Cursor<'_>) -> Option<bool> {
    let mut ahead = *cursor;
    ahead.blanks(1);
    // U+202F, which newer Java and .NET put before AM and PM.
    if ahead.rest().starts_with("\u{202f}".as_bytes()) {
        ahead.skip(3);
    }
    let afternoon = match ahead.peek() {
        b'A' | b'a' => false,
        b'P' | b'p' => true,
        _ => return None,
    };
    ahead.skip(1);
    if !matches!(ahead.peek(), b'M' | b'm') {
        return None;
    }
    ahead.skip(1);
    if !ahead.is_word_end() {
        return None;
    }
    *cursor = ahead;
    Some(afternoon)
}

/// The zone behind a time of day, glued to it or after a blank: `Z`, `+02:00`, `+0200`, `+02`, `CEST`, `UTC+2`.
/// Anything else is text: the zone is unstated and the cursor stays.
#[inline]
pub(super) fn zone<'a>(cursor: &mut Cursor<'a>) -> Zone<'a> {
    let mut ahead = *cursor;
    let glued = ahead.blanks(2) == 0;
    let found = match ahead.peek() {
        b'+' | b'-' => offset(&mut ahead, glued).map(Zone::Offset),
        b'Z' | b'z' if glued && !ahead.peek_at(1).is_ascii_alphanumeric() => {
            ahead.skip(1);
            Some(Zone::Offset(0))
        }
        b'A'..=b'Z' => abbreviation(&mut ahead),
        _ => None,
    };
    match found {
        Some(zone) => {
            *cursor = ahead;
            zone
        }
        None => Zone::Unstated,
    }
}

/// `+hh:mm`, `+hhmm` or `+hh`, not followed by anything that would make it another number.
fn offset(cursor: &mut Cursor<'_>, glued: bool) -> Option<i32> {
    let sign = if cursor.peek() == b'-' { -1 } else { 1 };
    cursor.skip(1);
    let digits = cursor.count_digits(5);
    let hours = cursor.digits(2)?;
    let minutes = match digits {
        4 => cursor.digits(2)?,
        2 if cursor.peek() == b':' && cursor.peek_at(1).is_ascii_digit() => {
            cursor.skip(1);
            cursor.digits(2)?
        }
        2 => 0,
        _ => return None,
    };
    let ends = !cursor.peek().is_ascii_digit() && (glued || !matches!(cursor.peek(), b'-' | b'.' | b'/'));
    (hours <= 18 && minutes <= 59 && ends).then_some(sign * (hours * 3600 + minutes * 60) as i32)
}

/// An upper-case word of one to five letters; only those that name a zone count, but which the user's own zone names
/// is known later. `UTC` and `GMT` may carry an offset.
fn abbreviation<'a>(cursor: &mut Cursor<'a>) -> Option<Zone<'a>> {
    let word = cursor.rest();
    let length = word.iter().take(6).take_while(|byte| byte.is_ascii_uppercase()).count();
    if length == 0 || length > 5 {
        return None;
    }
    let name = &word[..length];
    cursor.skip(length);
    if matches!(name, b"UTC" | b"GMT") && matches!(cursor.peek(), b'+' | b'-') {
        let mut ahead = *cursor;
        if let Some(seconds) = offset(&mut ahead, true) {
            *cursor = ahead;
            return Some(Zone::Offset(seconds));
        }
    }
    if !cursor.is_word_end() {
        return None;
    }
    match offset_of_abbreviation(name) {
        Some(0) if matches!(name, b"Z" | b"UTC" | b"GMT" | b"UT") => Some(Zone::Offset(0)),
        _ => Some(Zone::Named(name)),
    }
}
