//! Step 5: is it the right time? (`expired`, `not_yet_valid`, `issued_in_future`; RFC 7519 §4.1.4 to §4.1.6)

use super::{Failure, Verdict};
use crate::timestamp::Timestamp;
use crate::token::NumericDate;

/// With this much more leeway, in milliseconds, a token `within_skew` would pass.
const SKEW: i64 = 60_000;

/// How far beyond the leeway, in seconds, a miss may be and still be a clock's fault. Hosts that keep time at all are
/// rarely further apart, and Kerberos (RFC 4120 §3.1.3) has long refused those that are.
pub const NEAR: i64 = 300;

/// The dates that a token is judged by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dates {
    /// `exp`.
    pub exp: Option<NumericDate>,
    /// `nbf`.
    pub nbf: Option<NumericDate>,
    /// `iat`.
    pub iat: Option<NumericDate>,
}

/// What is wrong with the time, in the order of the steps. `leeway` is in milliseconds.
pub fn check(dates: &Dates, at: Timestamp, leeway: i64) -> impl Iterator<Item = Failure> {
    let too_late = |date: NumericDate| at.millis().saturating_sub(date.at.millis().saturating_add(leeway));
    let too_early = |date: NumericDate| {
        date.at.millis().saturating_sub(leeway).saturating_sub(at.millis()).saturating_sub(1)
    };
    let judge = |verdict: Verdict, date: Option<NumericDate>, beyond: &dyn Fn(NumericDate) -> i64| {
        let date = date?;
        let beyond = beyond(date);
        if beyond < 0 {
            return None;
        }
        Some(Failure::new(
            verdict,
            match verdict {
                _ if date.in_milliseconds => "milliseconds",
                _ if beyond < SKEW => "within_skew",
                Verdict::Expired => "expired",
                Verdict::NotYetValid => "not_yet_valid",
                _ => "issued_in_future",
            },
        ))
    };
    [
        judge(Verdict::Expired, dates.exp, &too_late),
        judge(Verdict::NotYetValid, dates.nbf, &too_early),
        judge(Verdict::IssuedInFuture, dates.iat, &too_early),
    ]
    .into_iter()
    .flatten()
}

/// By how much an event time misses a date, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Apart {
    /// From one to the other.
    pub apart: i64,
    /// The same without the leeway; never negative.
    pub beyond: i64,
}

/// Which dates an event time misses. Dates in milliseconds are left out: that they are missed is no clock's fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Miss {
    /// It is before `nbf` or `iat`; told of the later of the two.
    pub early: Option<Apart>,
    /// It is at or after `exp`.
    pub late: Option<Apart>,
}

impl Apart {
    /// Whether a clock may be at fault: see [`NEAR`].
    #[must_use]
    pub const fn is_near(self) -> bool {
        self.beyond < NEAR * 1000
    }
}

impl Miss {
    /// Whether a clock may be at fault.
    #[must_use]
    pub fn is_near(&self) -> bool {
        [self.early, self.late].into_iter().flatten().any(Apart::is_near)
    }

    /// Which dates are missed at an event time, as [`check`] judges it.
    #[must_use]
    pub fn of(dates: &Dates, at: Timestamp, leeway: i64) -> Self {
        let millis = |date: Option<NumericDate>| {
            date.filter(|date| !date.in_milliseconds).map(|date| date.at.millis())
        };
        let early = millis(dates.nbf).max(millis(dates.iat)).map(|date| Apart {
            apart: date.saturating_sub(at.millis()),
            beyond: date.saturating_sub(leeway).saturating_sub(at.millis()),
        });
        let late = millis(dates.exp).map(|exp| Apart {
            apart: at.millis().saturating_sub(exp),
            beyond: at.millis().saturating_sub(exp.saturating_add(leeway)),
        });
        Self { early: early.filter(|early| early.beyond > 0), late: late.filter(|late| late.beyond >= 0) }
    }
}

/// The instants, in milliseconds, at which what [`check`] says may change, or whether a miss is near.
pub fn turns(dates: &Dates, leeway: i64) -> impl Iterator<Item = i64> {
    let too_late = dates.exp.map(|date| date.at.millis().saturating_add(leeway));
    let too_early = [dates.nbf, dates.iat].into_iter().flatten();
    let too_early = too_early.map(move |date| date.at.millis().saturating_sub(leeway));
    let near = NEAR * 1000;
    let late = [0, SKEW, near].map(|beyond| too_late.map(|turn| turn.saturating_add(beyond)));
    // An event that is early by as much as is no longer near stands before the turn, one that is late by as much behind it.
    let early = [0, SKEW, near - 1];
    let early = too_early.flat_map(move |turn| early.map(|beyond| turn.saturating_sub(beyond)));
    late.into_iter().flatten().chain(early)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(millis: i64) -> Option<NumericDate> {
        Some(NumericDate { at: Timestamp::from_millis(millis), in_milliseconds: false })
    }

    fn told(dates: Dates, at: i64, leeway: i64) -> Vec<String> {
        check(&dates, Timestamp::from_millis(at), leeway)
            .map(|f| format!("{}/{}", f.verdict, f.detail))
            .collect()
    }

    #[test]
    fn a_token_expires_at_exp_plus_leeway() {
        let dates = Dates { exp: date(1_000_000), ..Dates::default() };
        for (at, leeway, expected) in [
            (999_999, 0, ""),
            (1_000_000, 0, "expired/within_skew"),
            (1_000_000, 1, ""),
            (1_029_999, 30_000, ""),
            (1_030_000, 30_000, "expired/within_skew"),
            (1_089_999, 30_000, "expired/within_skew"),
            (1_090_000, 30_000, "expired/expired"),
        ] {
            assert_eq!(told(dates, at, leeway).join(";"), expected, "at {at}, leeway {leeway}");
        }
    }

    #[test]
    fn a_token_is_valid_from_nbf_and_iat_minus_leeway() {
        for (dates, word) in [
            (Dates { nbf: date(1_000_000), ..Dates::default() }, "not_yet_valid"),
            (Dates { iat: date(1_000_000), ..Dates::default() }, "issued_in_future"),
        ] {
            for (at, leeway, detail) in [
                (1_000_000, 0, ""),
                (999_999, 0, "within_skew"),
                (970_000, 30_000, ""),
                (969_999, 30_000, "within_skew"),
                (910_000, 30_000, "within_skew"),
                (909_999, 30_000, word),
            ] {
                let expected = if detail.is_empty() { String::new() } else { format!("{word}/{detail}") };
                assert_eq!(told(dates, at, leeway).join(";"), expected, "at {at}, leeway {leeway}");
            }
        }
    }

    #[test]
    fn a_date_in_milliseconds_says_so() {
        let exp = Some(NumericDate { at: Timestamp::from_millis(1_000), in_milliseconds: true });
        assert_eq!(told(Dates { exp, ..Dates::default() }, 1_001, 0), ["expired/milliseconds"]);
        assert_eq!(told(Dates { exp, ..Dates::default() }, 999, 0), [] as [&str; 0]);
    }

    #[test]
    fn a_miss_is_told_exactly_where_a_date_fails() {
        for (at, leeway) in (0..200).map(|n| (n * 1_000, 30_000)).chain([(i64::MIN, 0), (i64::MAX, i64::MAX)])
        {
            let dates = Dates { exp: date(70_000), nbf: date(120_000), iat: date(150_000) };
            let miss = Miss::of(&dates, Timestamp::from_millis(at), leeway);
            let failing: Vec<_> =
                check(&dates, Timestamp::from_millis(at), leeway).map(|f| f.verdict).collect();
            assert_eq!(miss.late.is_some(), failing.contains(&Verdict::Expired), "{at}");
            assert_eq!(miss.early.is_some(), failing.contains(&Verdict::IssuedInFuture), "{at}");
        }
        let dates = Dates { nbf: date(120_000), iat: date(110_000), ..Dates::default() };
        let miss = Miss::of(&dates, Timestamp::from_millis(75_000), 30_000);
        assert_eq!(miss.early, Some(Apart { apart: 45_000, beyond: 15_000 }), "of the later date");
        let exp = Some(NumericDate { at: Timestamp::from_millis(1_000), in_milliseconds: true });
        assert_eq!(
            Miss::of(&Dates { exp, ..Dates::default() }, Timestamp::from_millis(2_000), 0),
            Miss::default()
        );
    }

    #[test]
    fn all_that_fails_is_told_in_order_and_extremes_do_not_overflow() {
        let all = Dates { exp: date(0), nbf: date(i64::MAX), iat: date(i64::MAX) };
        told(all, i64::MIN, i64::MAX);
        told(all, i64::MAX, i64::MAX);
        assert_eq!(
            told(all, 1_000_000, 0),
            ["expired/expired", "not_yet_valid/not_yet_valid", "issued_in_future/issued_in_future"]
        );
    }
}
