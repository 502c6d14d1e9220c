//! One time stamp at one place: date, time of day, zone. Which place is right is `head`'s business.
//!
//! Every shape here states a date and a time of day; a date alone or a time of day alone is no stamp. Numeric dates
//! with the year last are month first unless the first number is above 12; with dots they are day first.

use super::clock::{clock, compact_clock, zone};
use super::cursor::{Cursor, two};
use super::epoch;
use super::format::TimeFormat;
use super::instant::{Civil, Clock, When, Zone};
use super::names;

/// A time as stated, and in which shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp<'a> {
    pub(super) when: When<'a>,
    pub(super) format: TimeFormat,
}

impl<'a> Stamp<'a> {
    fn civil(civil: Option<Civil>, zone: Zone<'a>, format: TimeFormat) -> Option<Self> {
        Some(Self { when: When::Civil(civil?, zone), format })
    }
}

/// A date and time of day at the cursor, which ends up behind it; where there is none, the cursor stays. Epoch numbers
/// are none here: see `epoch_stamp`.
pub(super) fn stamp<'a>(cursor: &mut Cursor<'a>) -> Option<Stamp<'a>> {
    if let Some(found) = fixed_iso(cursor) {
        return Some(found);
    }
    let mut ahead = *cursor;
    let found = match ahead.peek() {
        b'0'..=b'9' => from_digits(&mut ahead),
        b'A'..=b'Z' | b'a'..=b'z' => from_letters(&mut ahead),
        _ => None,
    }?;
    *cursor = ahead;
    Some(found)
}

/// An epoch number at the cursor that stands alone: what follows cannot belong to it.
pub(super) fn epoch_stamp<'a>(cursor: &mut Cursor<'a>) -> Option<Stamp<'a>> {
    let mut ahead = *cursor;
    let (at, unit) = epoch::number(&mut ahead, None)?;
    if !matches!(
        ahead.peek(),
        b' ' | b'\t' | b'\r' | b'\n' | b':' | b',' | b';' | b']' | b')' | b'|' | b'"' | 0
    ) {
        return None;
    }
    let format = match unit {
        epoch::Unit::Seconds => TimeFormat::EpochS,
        epoch::Unit::Millis => TimeFormat::EpochMs,
        epoch::Unit::Micros => TimeFormat::EpochUs,
        epoch::Unit::Nanos => TimeFormat::EpochNs,
    };
    *cursor = ahead;
    Some(Stamp { when: When::Instant(at), format })
}

/// A stamp or epoch number that fills `text`, as values of keys do; `[Europe/Berlin]` may stand behind it, as Java
/// writes it.
pub(super) fn whole(text: &[u8]) -> Option<When<'_>> {
    let text = text.trim_ascii();
    if let Some(at) = epoch::value(text) {
        return Some(When::Instant(at));
    }
    let mut cursor = Cursor::new(text, 0);
    let found = stamp(&mut cursor)?;
    let rest = cursor.rest();
    let ends = rest.is_empty() || (rest[0] == b'[' && rest.ends_with(b"]")) || rest.starts_with(b" (");
    ends.then_some(found.when)
}

fn from_digits<'a>(cursor: &mut Cursor<'a>) -> Option<Stamp<'a>> {
    let count = cursor.count_digits(15);
    match (count, cursor.peek_at(count)) {
        (4, b'-' | b'/' | b'.') => year_first(cursor),
        (4, b' ') => year_then_month_name(cursor),
        (1 | 2, b'/') if cursor.peek_at(count + 1).is_ascii_digit() => slashed(cursor),
        (1 | 2, b'/' | b' ') => day_first_name(cursor),
        (1 | 2, b'-') if !cursor.peek_at(count + 1).is_ascii_digit() => day_first_name(cursor),
        (2, b'-') if cursor.peek_at(5) == b'-' => last_year(cursor, b'-', TimeFormat::MonthDayYear),
        (2, b'-') => month_day(cursor, b'-'),
        (1 | 2, b'.') => dotted(cursor),
        (6, b' ' | b'\t') => short_compact(cursor),
        (8 | 14, _) => compact(cursor),
        _ => None,
    }
}

fn from_letters<'a>(cursor: &mut Cursor<'a>) -> Option<Stamp<'a>> {
    // klog's severity letter has the date glued to it.
    if cursor.peek_at(1).is_ascii_digit() {
        return klog(cursor);
    }
    if let Some(length) = names::weekday(cursor.rest()) {
        cursor.skip(length);
        cursor.eat(b'.');
        cursor.eat(b',');
        if cursor.blanks(2) == 0 {
            return None;
        }
        let found = if cursor.peek().is_ascii_digit() {
            if cursor.count_digits(5) == 4 { year_first(cursor)? } else { day_first_name(cursor)? }
        } else {
            month_first_name(cursor)?
        };
        return Some(Stamp { format: TimeFormat::Ctime, ..found });
    }
    names::month(cursor.rest())?;
    month_first_name(cursor)
}

/// `2026-06-12T01:02:03` and `2026-06-12 01:02:03`, whatever follows: what `year_first` would find, for the layout that
/// most lines have, tested as a whole.
fn fixed_iso<'a>(cursor: &mut Cursor<'a>) -> Option<Stamp<'a>> {
    let block = cursor.block::<11>()?;
    if block[4] != b'-' || block[7] != b'-' || !matches!(block[10], b'T' | b' ') {
        return None;
    }
    let mut wrong = false;
    let year = two(block, &mut wrong) * 100 + two(&block[2..], &mut wrong);
    let (month, day) = (two(&block[5..], &mut wrong), two(&block[8..], &mut wrong));
    if wrong {
        return None;
    }
    let mut ahead = *cursor;
    ahead.skip(11);
    let clock = clock(&mut ahead)?;
    let zone = zone(&mut ahead);
    let rfc = block[10] == b'T' && matches!(zone, Zone::Offset(_));
    let format = if rfc { TimeFormat::Rfc3339 } else { TimeFormat::Iso8601 };
    let found = Stamp::civil(Civil::new(Some(year as i32), month, day, clock), zone, format)?;
    *cursor = ahead;
    Some(found)
}

/// `2026-06-12T01:02:03.123+02:00` and its looser relatives: the separators `-`, `/` and `.`, numbers without leading
/// zeros, a blank or `_` for the `T`, and no zone. Also `2026-Jun-12` and the ordinal `2026-163`.
fn year_first<'a>(cursor: &mut Cursor<'a>) -> Option<Stamp<'a>> {
    let year = cursor.digits(4)? as i32;
    let separator = cursor.peek();
    cursor.skip(1);
    let (month, day) = if cursor.count_digits(4) == 3 && separator == b'-' {
        return ordinal(cursor, year);
    } else if let Some((month, length)) = names::month(cursor.rest()) {
        cursor.skip(length);
        (month, cursor.eat(separator).then(|| cursor.small())??)
    } else {
        let month = cursor.small()?;
        (month, cursor.eat(separator).then(|| cursor.small())??)
    };
    let strict = cursor.peek() == b'T' && separator == b'-';
    if !date_time_gap(cursor) {
        return None;
    }
    let clock = clock(cursor)?;
    let zone = zone(cursor);
    let rfc = strict && matches!(zone, Zone::Offset(_));
    let format = if rfc { TimeFormat::Rfc3339 } else { TimeFormat::Iso8601 };
    Stamp::civil(Civil::new(Some(year), month, day, clock), zone, format)
}

fn ordinal<'a>(cursor: &mut Cursor<'a>, year: i32) -> Option<Stamp<'a>> {
    let day = cursor.digits(3)?;
    if !date_time_gap(cursor) {
        return None;
    }
    let clock = clock(cursor)?;
    Stamp::civil(Civil::from_ordinal(year, day, clock), zone(cursor), TimeFormat::Ordinal)
}

/// What may stand between a date and a time of day: `T`, `_`, `-`, `:`, a comma, blanks.
fn date_time_gap(cursor: &mut Cursor<'_>) -> bool {
    match cursor.peek() {
        b'T' | b't' | b'_' | b'-' | b':' => {
            cursor.skip(1);
            true
        }
        _ => {
            cursor.eat(b',');
            cursor.blanks(4) > 0
        }
    }
}

/// `2026 Jun 12 01:02:03`.
fn year_then_month_name<'a>(cursor: &mut Cursor<'a>) -> Option<Stamp<'a>> {
    let year = cursor.digits(4)? as i32;
    cursor.skip(1);
    let (month, length) = names::month(cursor.rest())?;
    cursor.skip(length);
    cursor.blanks(2);
    let day = cursor.small()?;
    if cursor.blanks(2) == 0 {
        return None;
    }
    let clock = clock(cursor)?;
    Stamp::civil(Civil::new(Some(year), month, day, clock), zone(cursor), TimeFormat::SyslogRfc3164)
}

/// `06/12/2026 01:02:03`, or with a two-digit year first `17/06/09 20:10:40`.
fn slashed<'a>(cursor: &mut Cursor<'a>) -> Option<Stamp<'a>> {
    let mut ahead = *cursor;
    let (first, second) = (ahead.small()?, ahead.eat(b'/').then(|| ahead.small())??);
    if !ahead.eat(b'/') {
        return None;
    }
    if ahead.count_digits(5) == 4 {
        return last_year(cursor, b'/', TimeFormat::MonthDayYear);
    }
    let day = ahead.digits(2)?;
    if !date_time_gap(&mut ahead) {
        return None;
    }
    let clock = clock(&mut ahead)?;
    let zone = zone(&mut ahead);
    *cursor = ahead;
    Stamp::civil(Civil::new(Some(short_year(first)), second, day, clock), zone, TimeFormat::ShortYear)
}

/// Two numbers and a four-digit year: month first, unless the first number cannot be a month or dots say otherwise.
fn last_year<'a>(cursor: &mut Cursor<'a>, separator: u8, format: TimeFormat) -> Option<Stamp<'a>> {
    let first = cursor.small()?;
    cursor.skip(1);
    let second = cursor.small()?;
    if !cursor.eat(separator) {
        return None;
    }
    let year = cursor.digits(4)? as i32;
    if !date_time_gap(cursor) {
        return None;
    }
    let clock = clock(cursor)?;
    let day_first = separator == b'.' || first > 12;
    let (month, day) = if day_first { (second, first) } else { (first, second) };
    Stamp::civil(Civil::new(Some(year), month, day, clock), zone(cursor), format)
}

/// `12.06.2026 01:02:03`, or yearless with the month first `06.12 01:02:03`.
fn dotted<'a>(cursor: &mut Cursor<'a>) -> Option<Stamp<'a>> {
    let mut ahead = *cursor;
    ahead.small()?;
    ahead.skip(1);
    let second = ahead.count_digits(3);
    match ahead.peek_at(second) {
        b'.' => last_year(cursor, b'.', TimeFormat::DottedDate),
        b' ' if second == 2 => month_day(cursor, b'.'),
        _ => None,
    }
}

/// Yearless `06-12 01:02:03.123`, as logcat writes it. Seconds are required: too much else looks like this.
fn month_day<'a>(cursor: &mut Cursor<'a>, separator: u8) -> Option<Stamp<'a>> {
    let month = cursor.digits(2)?;
    let day = cursor.eat(separator).then(|| cursor.digits(2))??;
    if cursor.blanks(1) == 0 || cursor.peek_at(5) != b':' {
        return None;
    }
    let clock = clock(cursor)?;
    Stamp::civil(Civil::new(None, month, day, clock), zone(cursor), TimeFormat::Logcat)
}

/// `12/Jun/2026:01:02:03 +0000`, `12-Jun-2026 01:02:03`, `12 Jun 2026 01:02:03`, and yearless `12 Jun 01:02:03`.
fn day_first_name<'a>(cursor: &mut Cursor<'a>) -> Option<Stamp<'a>> {
    let day = cursor.small()?;
    let separator = cursor.peek();
    cursor.skip(1);
    let (month, length) = names::month(cursor.rest())?;
    cursor.skip(length);
    if !cursor.eat(separator) {
        return None;
    }
    let year = match cursor.count_digits(5) {
        4 => Some(cursor.digits(4)? as i32),
        1 | 2 if separator == b' ' => None,
        2 => Some(short_year(cursor.digits(2)?)),
        _ => return None,
    };
    if year.is_some() && !date_time_gap(cursor) {
        return None;
    }
    let clock = clock(cursor)?;
    let format = if separator == b'/' { TimeFormat::Clf } else { TimeFormat::DayMonthName };
    Stamp::civil(Civil::new(year, month, day, clock), zone(cursor), format)
}

/// `Jun 12 01:02:03`, with a year before or after the time of day or none, and `Jun 12, 2026 1:02:03 AM`.
fn month_first_name<'a>(cursor: &mut Cursor<'a>) -> Option<Stamp<'a>> {
    let (month, length) = names::month(cursor.rest())?;
    cursor.skip(length);
    if cursor.blanks(2) == 0 && !cursor.eat(b'-') {
        return None;
    }
    let day = cursor.small()?;
    let comma = cursor.eat(b',');
    if cursor.blanks(2) == 0 {
        return None;
    }
    let mut year = None;
    if cursor.count_digits(5) == 4 {
        year = Some(cursor.digits(4)? as i32);
        cursor.eat(b',');
        if cursor.blanks(2) == 0 {
            return None;
        }
    }
    let clock = clock(cursor)?;
    let zone = zone(cursor);
    if year.is_none() {
        year = trailing_year(cursor);
    }
    let format = if comma { TimeFormat::JavaUtilLogging } else { TimeFormat::SyslogRfc3164 };
    Stamp::civil(Civil::new(year, month, day, clock), zone, format)
}

/// A year behind the time of day: `… 01:02:03 2026`. Another four-digit number there is text.
fn trailing_year(cursor: &mut Cursor<'_>) -> Option<i32> {
    let mut ahead = *cursor;
    if ahead.blanks(1) == 0 || ahead.count_digits(5) != 4 {
        return None;
    }
    let year = ahead.digits(4)? as i32;
    if !(1970..2200).contains(&year)
        || !matches!(ahead.peek(), b' ' | b'\t' | b'\r' | b':' | b',' | b']' | b')' | 0)
    {
        return None;
    }
    *cursor = ahead;
    Some(year)
}

/// `E0612 01:02:03.123456`, and glog's newer `I20260612 01:02:03.123456`.
fn klog<'a>(cursor: &mut Cursor<'a>) -> Option<Stamp<'a>> {
    if !matches!(cursor.peek(), b'I' | b'W' | b'E' | b'F' | b'D' | b'V' | b'C') {
        return None;
    }
    cursor.skip(1);
    let year = match cursor.count_digits(9) {
        4 => None,
        8 => Some(cursor.digits(4)? as i32),
        _ => return None,
    };
    let (month, day) = (cursor.digits(2)?, cursor.digits(2)?);
    if cursor.blanks(1) == 0 || cursor.peek_at(2) != b':' || cursor.peek_at(5) != b':' {
        return None;
    }
    let clock = clock(cursor)?;
    Stamp::civil(Civil::new(year, month, day, clock), Zone::Unstated, TimeFormat::Klog)
}

/// `081109 203615`, and MySQL's `170213 16:00:33` with a blank for a leading zero.
fn short_compact<'a>(cursor: &mut Cursor<'a>) -> Option<Stamp<'a>> {
    let year = short_year(cursor.digits(2)?);
    let (month, day) = (cursor.digits(2)?, cursor.digits(2)?);
    cursor.blanks(2);
    let clock = compact_or_colons(cursor)?;
    Stamp::civil(Civil::new(Some(year), month, day, clock), Zone::Unstated, TimeFormat::ShortYear)
}

/// `20260612T010203Z`, `20260612.010203,672`, `20260612 01:02:03`, `20260612010203`.
fn compact<'a>(cursor: &mut Cursor<'a>) -> Option<Stamp<'a>> {
    let year = cursor.digits(4)? as i32;
    let (month, day) = (cursor.digits(2)?, cursor.digits(2)?);
    if !cursor.peek().is_ascii_digit() {
        if !matches!(cursor.peek(), b'T' | b't' | b'.' | b'-' | b'_' | b' ' | b'\t' | b':') {
            return None;
        }
        cursor.skip(1);
    }
    let clock = compact_or_colons(cursor)?;
    Stamp::civil(Civil::new(Some(year), month, day, clock), zone(cursor), TimeFormat::Compact)
}

fn compact_or_colons(cursor: &mut Cursor<'_>) -> Option<Clock> {
    match cursor.count_digits(7) {
        6 => compact_clock(cursor),
        _ => clock(cursor),
    }
}

/// POSIX: 69 to 99 are of the twentieth century.
fn short_year(year: u32) -> i32 {
    year as i32 + if year >= 69 { 1900 } else { 2000 }
}
