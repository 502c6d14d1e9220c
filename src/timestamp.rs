//! One type for every instant that jwtriage handles: event times, NumericDates, policy windows.

use std::fmt;
use std::str::FromStr;

/// An instant in UTC, in milliseconds since 1970-01-01T00:00:00Z, and whether its origin stated a fraction of a
/// second. Finer fractions are cut, never rounded, so that an instant never moves past a boundary it was before.
///
/// `Display` is RFC 3339 in UTC with `Z`, with three digits of milliseconds only where the origin had a fraction.
/// An instant outside the years 0000 to 9999, which RFC 3339 cannot write, is shown as its number of seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    millis: i64,
    subsecond: bool,
}

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
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // jiff's civil times reach to the last second of 9999, the "never" of many token issuers; its instants do not.
        let epoch = jiff::civil::date(1970, 1, 1).at(0, 0, 0, 0);
        match epoch.checked_add(jiff::SignedDuration::from_millis(self.millis)) {
            Ok(at) if at.year() >= 0 => {
                let precision = if self.subsecond { 3 } else { 0 };
                write!(f, "{at:.precision$}Z")
            }
            _ => write!(f, "{}", self.millis.div_euclid(1000)),
        }
    }
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
