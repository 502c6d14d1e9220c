//! From the fields that a line states to an instant: calendar, zone, and the year that syslog leaves out.

use crate::timestamp::Timestamp;

use super::rules::TimeRules;

/// Log lines were written between these years; anything else that looks like a date is none.
pub(super) const YEARS: std::ops::RangeInclusive<i32> = 1970..=2199;

/// A calendar date and a time of day, checked when it is made; without a year it may be 29 February.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    year: Option<i32>,
    month: u32,
    day: u32,
    clock: Clock,
}

/// A time of day that exists. A leap second was read as second 59, as jiff does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clock {
    pub(super) hour: u32,
    pub(super) minute: u32,
    pub(super) second: u32,
    pub(super) millis: u32,
    pub(super) subsecond: bool,
}

/// What a line says about its offset from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Zone<'a> {
    Unstated,
    /// Seconds east of UTC.
    Offset(i32),
    /// An abbreviation, which the user's own zone may explain better than the table of common ones.
    Named(&'a [u8]),
}

/// A time as a line states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum When<'a> {
    Instant(Timestamp),
    Civil(Civil, Zone<'a>),
}

impl Civil {
    #[inline]
    pub(super) fn new(year: Option<i32>, month: u32, day: u32, clock: Clock) -> Option<Self> {
        if !(1..=12).contains(&month) || day == 0 || day > days_in(year.unwrap_or(2000), month) {
            return None;
        }
        if year.is_some_and(|year| !YEARS.contains(&year)) {
            return None;
        }
        Some(Self { year, month, day, clock })
    }

    /// From a year and the number of a day in it, counted from 1.
    pub(super) fn from_ordinal(year: i32, ordinal: u32, clock: Clock) -> Option<Self> {
        let mut day = ordinal;
        for month in 1..=12 {
            let days = days_in(year, month);
            if day <= days {
                return Self::new(Some(year), month, day, clock);
            }
            day -= days;
        }
        None
    }

    /// Milliseconds since 1970 of this date and time in `year`, as if it were UTC.
    fn utc_millis(&self, year: i32) -> i64 {
        let clock = &self.clock;
        let seconds = days_from_civil(year, self.month, self.day) * 86_400
            + i64::from(clock.hour * 3600 + clock.minute * 60 + clock.second);
        seconds * 1000 + i64::from(clock.millis)
    }

    fn to_jiff(self, year: i32) -> Option<jiff::civil::DateTime> {
        let clock = &self.clock;
        jiff::civil::DateTime::new(
            i16::try_from(year).ok()?,
            self.month as i8,
            self.day as i8,
            clock.hour as i8,
            clock.minute as i8,
            clock.second as i8,
            clock.millis as i32 * 1_000_000,
        )
        .ok()
    }
}

impl When<'_> {
    /// The instant, once zone and year are settled by the rules. A yearless time takes the year that puts it closest
    /// at or before the reference, and is no time when there is no reference.
    #[inline]
    pub(super) fn settle(self, rules: &TimeRules) -> Option<Timestamp> {
        let (civil, zone) = match self {
            When::Instant(at) => return Some(at),
            When::Civil(civil, zone) => (civil, zone),
        };
        if let Some(year) = civil.year {
            return settle_in_year(civil, year, zone, rules);
        }
        let reference = rules.reference()?;
        let newest = rules.reference_year() + 1;
        // Nine years hold a 29 February even around a century that has none.
        (newest - 9..=newest)
            .rev()
            .filter(|&year| YEARS.contains(&year) && civil.day <= days_in(year, civil.month))
            .filter_map(|year| settle_in_year(civil, year, zone, rules))
            .find(|at| at.millis() <= reference.millis())
    }
}

fn settle_in_year(civil: Civil, year: i32, zone: Zone<'_>, rules: &TimeRules) -> Option<Timestamp> {
    let known = match zone {
        Zone::Offset(seconds) => Some(seconds),
        Zone::Unstated => rules.fixed_offset(),
        Zone::Named(name) if rules.fixed_offset().is_some() => {
            offset_of_abbreviation(name).or(rules.fixed_offset())
        }
        Zone::Named(name) => {
            let own = own_abbreviation(civil.to_jiff(year)?, name, rules);
            if let Some(at) = own {
                return Some(Timestamp::new(at.as_millisecond(), civil.clock.subsecond));
            }
            offset_of_abbreviation(name)
        }
    };
    if let Some(seconds) = known {
        let millis = civil.utc_millis(year) - i64::from(seconds) * 1000;
        return Some(Timestamp::new(millis, civil.clock.subsecond));
    }
    // In a gap or fold of the zone: jiff's "compatible" choice.
    let at = rules.zone().to_timestamp(civil.to_jiff(year)?).ok()?;
    Some(Timestamp::new(at.as_millisecond(), civil.clock.subsecond))
}

/// The instant when the user's zone itself calls its offset `name` then: `CST` is China's for a user in Shanghai, and
/// in the hour that comes twice `CEST` and `CET` tell which.
fn own_abbreviation(civil: jiff::civil::DateTime, name: &[u8], rules: &TimeRules) -> Option<jiff::Timestamp> {
    let ambiguous = rules.zone().to_ambiguous_timestamp(civil);
    [ambiguous.earlier(), ambiguous.later()]
        .into_iter()
        .flatten()
        .find(|&at| rules.zone().to_offset_info(at).abbreviation().as_bytes().eq_ignore_ascii_case(name))
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar.
pub(super) fn days_from_civil(year: i32, month: u32, day: u32) -> i64 {
    // Years start in March here, so that the leap day is a year's last.
    let year = i64::from(year) - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((i64::from(month) + 9) % 12) + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

pub(super) fn days_in(year: i32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Offsets of the abbreviations that logs really hold. Where one has several meanings, the commonest in logs: `CST`
/// and `EST` are American, `IST` is Indian, `BST` is British. The user's own zone is asked first.
pub(super) fn offset_of_abbreviation(name: &[u8]) -> Option<i32> {
    let quarters = match name {
        b"Z" | b"UTC" | b"GMT" | b"UT" | b"WET" => 0,
        b"WEST" | b"BST" | b"CET" | b"MET" => 4,
        b"CEST" | b"MEST" | b"EET" | b"SAST" => 8,
        b"EEST" | b"MSK" => 12,
        b"PKT" => 20,
        b"IST" => 22,
        b"SGT" | b"HKT" | b"AWST" => 32,
        b"JST" | b"KST" => 36,
        b"ACST" => 38,
        b"AEST" => 40,
        b"ACDT" => 42,
        b"AEDT" => 44,
        b"NZST" => 48,
        b"NZDT" => 52,
        b"BRT" => -12,
        b"EDT" => -16,
        b"EST" | b"CDT" => -20,
        b"CST" | b"MDT" => -24,
        b"MST" | b"PDT" => -28,
        b"PST" | b"AKDT" => -32,
        b"AKST" => -36,
        b"HST" => -40,
        _ => return None,
    };
    Some(quarters * 900)
}
