//! What the user says about where the time is: `--time-format` and `--time-key`.

use std::sync::Arc;

use jiff::fmt::strtime::BrokenDownTime;

use crate::timestamp::Timestamp;

use super::LineTime;
use super::cursor::Cursor;
use super::epoch::{self, Unit};
use super::format::TimeFormat;
use super::instant::{Civil, Clock, When, Zone};
use super::json::{self, Value};
use super::logfmt;
use super::rules::TimeRules;
use super::stamp;

/// How far into a line the format may start to match, and a JSON object to start.
const FURTHEST: usize = 256;

/// How many bytes a match may be long.
const LONGEST: usize = 128;

/// A pattern that was seen to hold a date and a time of day.
#[derive(Clone, Debug)]
pub(super) struct CustomFormat {
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Pattern(Arc<str>),
    Epoch(Option<Unit>),
}

impl CustomFormat {
    pub(super) fn new(pattern: &str) -> Result<Self, String> {
        let unit = match pattern.trim() {
            "epoch" => Some(None),
            "epoch_s" => Some(Some(Unit::Seconds)),
            "epoch_ms" => Some(Some(Unit::Millis)),
            "epoch_us" => Some(Some(Unit::Micros)),
            "epoch_ns" => Some(Some(Unit::Nanos)),
            _ => None,
        };
        if let Some(unit) = unit {
            return Ok(Self { kind: Kind::Epoch(unit) });
        }
        let refuse = |why: &str| {
            format!(
                "expected a strptime pattern such as %d/%b/%Y %H:%M:%S or one of epoch, epoch_s, epoch_ms, epoch_us, \
                 epoch_ns in --time-format, but found \"{}\": {why}",
                pattern.escape_debug()
            )
        };
        // A pattern is good if it can read back what it writes, and that is enough to be a time.
        let sample =
            jiff::civil::date(2026, 6, 12).at(13, 2, 3, 456_000_000).to_zoned(jiff::tz::TimeZone::UTC);
        let sample = sample.map_err(|error| refuse(&error.to_string()))?;
        let written =
            BrokenDownTime::from(&sample).to_string(pattern).map_err(|error| refuse(&error.to_string()))?;
        let read = BrokenDownTime::parse(pattern, &written).map_err(|error| refuse(&error.to_string()))?;
        let reference = Timestamp::from_millis(sample.timestamp().as_millisecond());
        let rules = TimeRules::default().with_reference(Some(reference));
        if when(&read).and_then(|when| when.settle(&rules)).is_none() {
            return Err(refuse("it has no date, or no time of day"));
        }
        Ok(Self { kind: Kind::Pattern(Arc::from(pattern.trim_start())) })
    }

    /// The first place in the head of the line where the format matches: its start, or behind any byte that is neither
    /// letter nor digit.
    pub(super) fn find(&self, line: &[u8], rules: &TimeRules) -> Option<LineTime> {
        let starts = (0..line.len().min(FURTHEST)).filter(|&at| {
            !line[at].is_ascii_whitespace() && (at == 0 || !line[at - 1].is_ascii_alphanumeric())
        });
        let at = starts.filter_map(|at| self.at_start(&line[at..], rules)).map(|(at, _)| at).next()?;
        Some(LineTime { at, format: TimeFormat::TimeFormat })
    }

    /// A time at the start of `text`, and its length. A number that goes on is no match.
    fn at_start(&self, text: &[u8], rules: &TimeRules) -> Option<(Timestamp, usize)> {
        let (at, length) = match &self.kind {
            Kind::Epoch(unit) => {
                let mut cursor = Cursor::new(text, 0);
                let (at, _) = epoch::number(&mut cursor, *unit)?;
                (at, cursor.at())
            }
            Kind::Pattern(pattern) => {
                let text = &text[..text.len().min(LONGEST)];
                let (read, length) = BrokenDownTime::parse_prefix(&**pattern, text).ok()?;
                (when(&read)?.settle(rules)?, length)
            }
        };
        let goes_on = text.get(length).is_some_and(u8::is_ascii_digit) && text[length - 1].is_ascii_digit();
        (!goes_on).then_some((at, length))
    }
}

/// The time under the user's key: a member of a JSON object that starts in the line's head, else a logfmt pair. With a
/// format too, the value is read by it.
pub(super) fn of_key(line: &[u8], key: &str, rules: &TimeRules) -> Option<LineTime> {
    let value = match under_key(line, key)? {
        Value::Text(text) | Value::Bare(text) => text,
        Value::Nested(object) => return json::of_time_object(object, rules),
    };
    let at = match rules.format() {
        Some(format) => format.at_start(value, rules)?.0,
        None => stamp::whole(value)?.settle(rules)?,
    };
    Some(LineTime { at, format: TimeFormat::TimeKey })
}

/// The text that stands under a key: of a member of a JSON object that starts in the line's head, else of a member on a line
/// of its own, else of a logfmt pair. Escapes are resolved, as JSON writes them.
pub fn text_under_key(line: &str, key: &str) -> Option<String> {
    let (text, is_bare) = match under_key(line.as_bytes(), key)? {
        Value::Text(text) => (text, false),
        Value::Bare(text) => (text, true),
        Value::Nested(_) => return None,
    };
    let text = String::from_utf8_lossy(text);
    if is_bare && text == "null" {
        return None;
    }
    if !is_bare && text.contains('\\') {
        return serde_json::from_str(&format!("\"{text}\"")).ok().or_else(|| Some(text.into_owned()));
    }
    Some(text.into_owned())
}

fn under_key<'l>(line: &'l [u8], key: &str) -> Option<Value<'l>> {
    let open = memchr::memchr(b'{', &line[..line.len().min(FURTHEST)]);
    let in_object = open.and_then(|open| json::at_path(&line[open..], key));
    let alone = || member(line, key).or_else(|| logfmt::value_of(line, key.as_bytes()));
    in_object.or_else(|| alone().map(Value::Text))
}

/// What jiff read, as the rest of the room states times; none if a date or a time of day is missing.
fn when(read: &BrokenDownTime) -> Option<When<'static>> {
    let nanos = read.subsec_nanosecond();
    if let Some(at) = read.timestamp() {
        return epoch::from_parts(at.as_second(), nanos.map(i64::from)).map(When::Instant);
    }
    read.hour()?;
    if read.iana_time_zone().is_some() {
        let at = read.to_zoned().ok()?.timestamp();
        return Some(When::Instant(Timestamp::new(at.as_millisecond(), nanos.is_some())));
    }
    let time = read.to_time().ok()?;
    let clock = Clock {
        hour: time.hour() as u32,
        minute: time.minute() as u32,
        second: time.second() as u32,
        millis: time.millisecond() as u32,
        subsecond: nanos.is_some(),
    };
    let civil = match read.to_date() {
        Ok(date) => Civil::new(Some(i32::from(date.year())), date.month() as u32, date.day() as u32, clock)?,
        Err(_) if read.year().is_none() => Civil::new(None, read.month()? as u32, read.day()? as u32, clock)?,
        Err(_) => return None,
    };
    let zone = read.offset().map_or(Zone::Unstated, |offset| Zone::Offset(offset.seconds()));
    Some(When::Civil(civil, zone))
}

/// The value of a member that has its line to itself, as in JSON that is printed with indentation.
fn member<'l>(line: &'l [u8], key: &str) -> Option<&'l [u8]> {
    let name = line.trim_ascii_start().strip_prefix(b"\"")?.strip_prefix(key.as_bytes())?;
    let value = name.strip_prefix(b"\"")?.trim_ascii_start().strip_prefix(b":")?.trim_ascii();
    let value = value.strip_suffix(b",").unwrap_or(value);
    Some(value.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(value))
}
