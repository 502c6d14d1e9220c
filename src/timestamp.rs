//! One type for every instant that jwtriage handles: event times, NumericDates, policy windows.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An instant in UTC, in milliseconds since 1970-01-01T00:00:00Z, and whether its origin stated a fraction of a
/// second. Finer fractions are cut, never rounded, so that an instant never moves past a boundary it was before.
///
/// `Display` is RFC 3339 in UTC with `Z`, with three digits of milliseconds only where the origin had a fraction.
/// An instant outside the years 0000 to 9999, which RFC 3339 cannot write, is shown as its number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp {
    millis: i64,
    subsecond: bool,
}

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

impl Timestamp {
    /// An instant of `millis` milliseconds since the epoch; `subsecond` says whether its origin stated a fraction.
    #[must_use]
    pub const fn new(millis: i64, subsecond: bool) -> Self {
        Self { millis, subsecond }
    }

    /// A whole second since the epoch. Saturates at the ends of the range.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self { millis: seconds.saturating_mul(1000), subsecond: false }
    }

    /// Milliseconds since the epoch, stated as such.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self { millis, subsecond: true }
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.millis
    }

    /// Whether RFC 3339 can write it: its year has four digits.
    #[must_use]
    pub const fn is_rfc3339(self) -> bool {
        // From 0000-01-01T00:00:00Z to 9999-12-31T23:59:59.999Z.
        -62_167_219_200_000 <= self.millis && self.millis < 253_402_300_800_000
    }

    /// Whether the origin stated a fraction of a second.
    #[must_use]
    pub const fn has_subsecond(self) -> bool {
        self.subsecond
    }

    /// The text that is displayed of an instant that [is in RFC 3339](Self::is_rfc3339), and how long it is.
    #[must_use]
    pub const fn rfc3339(self) -> ([u8; 24], usize) {
        /// The two digits of a number below 100.
        const fn pair(number: u32) -> [u8; 2] {
            [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8]
        }
        let (days, second) = (self.millis.div_euclid(DAY), self.millis.rem_euclid(DAY) as u32 / 1000);
        let millis = self.millis.rem_euclid(1000) as u32;
        let (year, month, day) = date(days);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        [text[0], text[1]] = pair(year / 100);
        [text[2], text[3]] = pair(year % 100);
        [text[5], text[6]] = pair(month);
        [text[8], text[9]] = pair(day);
        [text[11], text[12]] = pair(second / 3600);
        [text[14], text[15]] = pair(second / 60 % 60);
        [text[17], text[18]] = pair(second % 60);
        [text[20], text[21]] = pair(millis / 10);
        text[22] = b'0' + (millis % 10) as u8;
        if self.subsecond {
            return (text, text.len());
        }
        text[19] = b'Z';
        (text, 20)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_rfc3339() {
            let (text, length) = self.rfc3339();
            f.write_str(str::from_utf8(&text[..length]).unwrap_or_default())
        } else {
            write!(f, "{}", self.millis.div_euclid(1000))
        }
    }
}

/// Year, month and day of the Gregorian calendar, of the days since 1970-01-01, from the year 0 on. A report writes some five
/// instants per token; this takes a third of what a library of calendars takes, to which a law in the tests holds it equal.
const fn date(days: i64) -> (u32, u32, u32) {
    // Years that begin in March end with the leap day, and 400 of them, an era, always have as many days. The first era begins
    // in the year -400.
    let days = (days + 719_468 + 146_097) as u32;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Months from March on: 31, 30, 31, 30, 31 days, and again.
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, more) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year_of_era + era * 400 + more - 400, month, day)
}

/// Parses RFC 3339 (`2026-06-12T02:00:00Z`, any offset). The error says what was expected.
impl FromStr for Timestamp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let at: jiff::Timestamp = text.trim().parse().map_err(|_| {
            format!(
                "expected an RFC 3339 time such as 2026-06-12T02:00:00Z, but found \"{}\"",
                text.escape_debug()
            )
        })?;
        Ok(Self {
            millis: at.as_nanosecond().div_euclid(1_000_000) as i64,
            subsecond: at.subsec_nanosecond() != 0,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// As jiff writes it, whose civil times reach to the last second of 9999, the "never" of many token issuers.
    fn by_jiff(at: Timestamp) -> String {
        let epoch = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
        match epoch.checked_add(jiff::SignedDuration::from_millis(at.millis)) {
            Ok(civil) if civil.year() >= 0 => {
                let precision = if at.subsecond { 3 } else { 0 };
                format!("{civil:.precision$}Z")
            }
            _ => at.millis.div_euclid(1000).to_string(),
        }
    }

    #[test]
    fn every_day_of_four_centuries_has_its_date() {
        for day in 0..146_097 {
            let at = Timestamp::from_seconds(day * 86_400 + 86_399);
            assert_eq!(at.to_string(), by_jiff(at));
        }
    }

    proptest! {
        #[test]
        fn an_instant_is_written_as_jiff_writes_it(
            millis in prop_oneof![any::<i64>(), -62_167_219_200_000..253_402_300_800_000_i64],
            subsecond in any::<bool>(),
        ) {
            let at = Timestamp::new(millis, subsecond);
            prop_assert_eq!(at.to_string(), by_jiff(at));
        }
    }

    #[test]
    fn milliseconds_are_shown_only_where_the_origin_had_them() {
        assert_eq!(Timestamp::from_seconds(1_781_226_000).to_string(), "2026-06-12T01:00:00Z");
        assert_eq!(Timestamp::from_millis(1_781_226_000_000).to_string(), "2026-06-12T01:00:00.000Z");
        assert_eq!(Timestamp::from_millis(1_781_226_000_007).to_string(), "2026-06-12T01:00:00.007Z");
    }

    #[test]
    fn an_instant_that_rfc_3339_cannot_write_is_shown_as_seconds() {
        assert_eq!(Timestamp::from_seconds(253_402_300_800).to_string(), "253402300800");
        assert_eq!(Timestamp::from_seconds(253_402_300_799).to_string(), "9999-12-31T23:59:59Z");
        for edge in [-62_167_219_200, 253_402_300_800] {
            for seconds in edge - 1..=edge {
                let at = Timestamp::from_seconds(seconds);
                assert_eq!(at.is_rfc3339(), at.to_string().ends_with('Z'), "{seconds}");
            }
        }
    }

    #[test]
    fn an_offset_is_taken_into_account_and_a_fraction_is_cut() {
        let at: Timestamp = "2026-06-12T03:00:00.0019+02:00".parse().unwrap();
        assert_eq!(at, Timestamp::from_millis(1_781_226_000_001));
        assert!("yesterday".parse::<Timestamp>().unwrap_err().contains("RFC 3339"));
    }
}
