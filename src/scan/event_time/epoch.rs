//! Numbers that count from 1970. The unit follows from the magnitude: the plausible ranges do not overlap.

use crate::timestamp::Timestamp;

use super::cursor::Cursor;

/// 1990-01-01 and 2100-01-01, in seconds.
const PLAUSIBLE: std::ops::Range<i64> = 631_152_000..4_102_444_800;

/// What one unit of an epoch number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Seconds,
    Millis,
    Micros,
    Nanos,
}

impl Unit {
    fn from_digits(digits: usize) -> Option<Self> {
        match digits {
            9 | 10 => Some(Self::Seconds),
            12 | 13 => Some(Self::Millis),
            15 | 16 => Some(Self::Micros),
            18 | 19 => Some(Self::Nanos),
            _ => None,
        }
    }

    const fn per_second(self) -> i64 {
        match self {
            Self::Seconds => 1,
            Self::Millis => 1_000,
            Self::Micros => 1_000_000,
            Self::Nanos => 1_000_000_000,
        }
    }
}

/// An epoch number with an optional fraction at the cursor, which it steps over. `unit` is judged by the number of
/// digits when it is not given. The byte that follows is the caller's business, but is no digit.
pub(super) fn number(cursor: &mut Cursor<'_>, unit: Option<Unit>) -> Option<(Timestamp, Unit)> {
    let count = cursor.count_digits(20);
    if !(9..=19).contains(&count) {
        return None;
    }
    let whole = integer(&cursor.rest()[..count]);
    let unit = match unit {
        Some(unit) => unit,
        None => Unit::from_digits(count)?,
    };
    let seconds = whole / unit.per_second();
    if !PLAUSIBLE.contains(&seconds) {
        return None;
    }
    cursor.skip(count);
    let mut nanos = (whole % unit.per_second()) * (1_000_000_000 / unit.per_second());
    let mut subsecond = unit != Unit::Seconds;
    if matches!(cursor.peek(), b'.' | b',') && cursor.peek_at(1).is_ascii_digit() {
        cursor.skip(1);
        if unit == Unit::Seconds {
            nanos = i64::from(fraction(cursor));
            subsecond = true;
        } else {
            skip_digits(cursor);
        }
    }
    if cursor.peek().is_ascii_digit() {
        return None;
    }
    Some((Timestamp::new(seconds * 1000 + nanos / 1_000_000, subsecond), unit))
}

/// An epoch number that fills `text`, as in a JSON value; exponents (`1.7e9`) are read too.
pub(super) fn value(text: &[u8]) -> Option<Timestamp> {
    let mut cursor = Cursor::new(text, 0);
    if let Some((at, _)) = number(&mut cursor, None)
        && cursor.is_end()
    {
        return Some(at);
    }
    if text.len() > 32 || !text.iter().any(|byte| matches!(byte, b'e' | b'E')) {
        return None;
    }
    let number: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let (low, high) = (PLAUSIBLE.start as f64, PLAUSIBLE.end as f64);
    let unit = [1.0, 1e3, 1e6, 1e9].into_iter().find(|unit| (low..high).contains(&(number / unit)))?;
    let subsecond = unit > 1.0 || number.fract() != 0.0;
    Some(Timestamp::new((number / unit * 1000.0).floor() as i64, subsecond))
}

/// Seconds and nanoseconds from two members, as log4j's `instant` and protobuf's timestamps have them.
pub(super) fn from_parts(seconds: i64, nanos: Option<i64>) -> Option<Timestamp> {
    if !PLAUSIBLE.contains(&seconds) {
        return None;
    }
    let millis = nanos.map(|nanos| nanos.clamp(0, 999_999_999) / 1_000_000);
    Some(Timestamp::new(seconds * 1000 + millis.unwrap_or(0), millis.is_some()))
}

/// The digits of a fraction as nanoseconds; digits past the ninth are stepped over.
fn fraction(cursor: &mut Cursor<'_>) -> u32 {
    let count = cursor.count_digits(9);
    let value = cursor.digits(count).unwrap_or(0);
    skip_digits(cursor);
    value * 10_u32.pow(9 - count as u32)
}

/// Bounded, because a line may be a million digits long.
fn skip_digits(cursor: &mut Cursor<'_>) {
    cursor.skip(cursor.count_digits(32));
}

/// At most 19 digits, which always fit once they are read as unsigned; beyond `i64` it saturates.
fn integer(digits: &[u8]) -> i64 {
    let value = digits.iter().fold(0_u64, |value, digit| value * 10 + u64::from(digit - b'0'));
    i64::try_from(value).unwrap_or(i64::MAX)
}
