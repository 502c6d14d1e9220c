//! Any bytes → the times that their lines state. The laws:
//!
//! 1. A time is in the years 1970 to 2199, as far as a day around them that an offset can make of it.
//! 2. An RFC 3339 time at a line's start is the instant that jiff reads in it, and no zone or reference changes it.
//! 3. A time is shown as RFC 3339, and read back from that it is the same.
//!
//! Lines that start with `#` also go into what is known of the columns of those behind them.

#![no_main]

use std::sync::LazyLock;

use jiff::tz::TimeZone;
use jwtriage::scan::event_time::{TimeFormat, TimeRules, W3cFields, of_line};
use jwtriage::timestamp::Timestamp;
use libfuzzer_sys::fuzz_target;

const DAY: i64 = 86_400_000;
/// 1970-01-01 and 2200-01-01, in milliseconds since 1970, and a day.
const RANGE: std::ops::Range<i64> = -DAY..7_258_118_400_000 + DAY;

/// 2026-06-12T01:00:00Z.
const REFERENCE: Timestamp = Timestamp::from_seconds(1_781_226_000);

static UTC: LazyLock<TimeRules> = LazyLock::new(TimeRules::default);
static BERLIN: LazyLock<TimeRules> = LazyLock::new(|| {
    let zone = TimeZone::get("Europe/Berlin").expect("Berlin is in the time zone data");
    TimeRules::default().with_zone(zone).with_reference(Some(REFERENCE))
});
static BY_KEY: LazyLock<TimeRules> =
    LazyLock::new(|| TimeRules::default().with_key("event.created").expect("the key is one"));
static BY_FORMAT: LazyLock<TimeRules> =
    LazyLock::new(|| TimeRules::default().with_format("%d/%b/%Y %H:%M:%S%.f").expect("the pattern is one"));

fuzz_target!(|data: &[u8]| {
    let mut fields = W3cFields::new();
    for line in data.split(|byte| *byte == b'\n') {
        if line.starts_with(b"#") {
            fields.update(line);
        }
        for rules in [&*UTC, &*BERLIN, &*BY_KEY, &*BY_FORMAT] {
            for fields in [None, Some(&fields)] {
                if let Some(found) = of_line(line, rules, fields) {
                    is_an_instant_of_a_log(found.at);
                }
            }
        }
        if let Some(expected) = rfc3339(line) {
            for rules in [&*UTC, &*BERLIN] {
                let found = of_line(line, rules, None).expect("a time that jiff reads");
                assert!(matches!(found.format, TimeFormat::Rfc3339 | TimeFormat::Cri), "{found:?}");
                assert_eq!(found.at, expected);
            }
        }
    }
});

fn is_an_instant_of_a_log(at: Timestamp) {
    assert!(RANGE.contains(&at.millis()), "{at}");
    assert_eq!(at.to_string().parse::<Timestamp>().map(Timestamp::millis), Ok(at.millis()));
}

/// What jiff says of a strict RFC 3339 time at the start of a line, before a blank or the line's end.
fn rfc3339(line: &[u8]) -> Option<Timestamp> {
    let stamp = line.split(|byte| *byte == b' ').next()?;
    let pattern = b"dddd-dd-ddTdd:dd:dd";
    let (head, tail) = stamp.split_at_checked(pattern.len())?;
    let matches = |text: &[u8], pattern: &[u8]| {
        text.len() == pattern.len()
            && text.iter().zip(pattern).all(|(byte, kind)| match kind {
                b'd' => byte.is_ascii_digit(),
                _ => byte == kind,
            })
    };
    let fraction = tail
        .strip_prefix(b".")
        .map_or(0, |digits| 1 + digits.iter().take_while(|byte| byte.is_ascii_digit()).count());
    let offset = &tail[fraction..];
    let strict = matches(head, pattern)
        && fraction != 1
        && fraction <= 10
        && (offset == b"Z" || matches(offset, b"+dd:dd") || matches(offset, b"-dd:dd"));
    if !strict {
        return None;
    }
    let at: Timestamp = std::str::from_utf8(stamp).ok()?.parse().ok()?;
    let year: i32 = std::str::from_utf8(&head[..4]).ok()?.parse().ok()?;
    // jiff knows larger offsets than any place on Earth has.
    let is_earthly = offset == b"Z" || matches!(&offset[1..3], [b'0', _] | [b'1', b'0'..=b'7']);
    (is_earthly && (1970..=2199).contains(&year)).then(|| Timestamp::new(at.millis(), fraction > 0))
}
