//! Rates over many runs → those that are out of their band.
//!
//! The rate of an item is its share of all findings of a run, so that a busy night is no news. What is usual is the median of
//! its rates over the last [`MOST_RUNS`] runs, and how far they stray is their median absolute deviation (MAD) from it: half of
//! the runs may be as odd as they like without moving either. With the rate *x* of `n` findings, the item is out of its band if
//!
//! ```text
//! |x − median| > 3.5 × max(1.4826 × MAD, √(median / n))    and    |x − median| × n > 10
//! ```
//!
//! The first part is the rule of Iglewicz and Hoaglin (*How to Detect and Handle Outliers*, ASQC 1993; NIST/SEMATECH
//! e-Handbook of Statistical Methods, section 1.3.5.17): a modified z-score above 3.5, where 1.4826 = 1 / 0.6745 makes the MAD
//! estimate a standard deviation. The root is how far counts stray by chance alone (the standard deviation of a Poisson
//! count), so that a MAD of zero, as of an item that most runs do not have, does not make every change an outlier. The second
//! part keeps small numbers from crying: ten findings more or less are nothing to wake anybody for.
//!
//! Fewer than [`LEAST_RUNS`] runs say nothing. An item that a run does not have has the rate 0 there; a run without any
//! finding has no rates, and does not count. Runs have no order here.
//!
//! Rated are verdicts, issuers and audiences by failing verdict, failing findings of sources, and live tokens, all together:
//! which of them it is, is new every night. Keys are not: each rotation moves all traffic from one to another.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::{Item, Kind, Measure, Snapshot};

/// How many runs a band is made of, at most.
pub const MOST_RUNS: usize = 28;
/// How many runs it takes to say what is usual.
pub const LEAST_RUNS: usize = 7;

/// How many deviations from the usual are too many.
const DEVIATIONS: f64 = 3.5;
/// What makes a median absolute deviation estimate a standard deviation.
const CONSISTENT: f64 = 1.4826;
/// How many findings more or fewer are too few to be told.
const LEAST_FINDINGS: f64 = 10.0;

/// How large a share of all findings an item usually is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// The median of its rates.
    pub median: f64,
    /// The estimate of their standard deviation.
    pub deviation: f64,
    /// Of how many runs.
    pub runs: usize,
}

impl Band {
    /// The band of these rates, one of each run, in any order; `None` of too few.
    #[must_use]
    pub fn of(mut rates: Vec<f64>) -> Option<Self> {
        let runs = rates.len();
        if runs < LEAST_RUNS {
            return None;
        }
        let median = median(&mut rates);
        let mut deviations: Vec<f64> = rates.iter().map(|rate| (rate - median).abs()).collect();
        Some(Self { median, deviation: CONSISTENT * self::median(&mut deviations), runs })
    }

    /// The lowest and the highest rate in the band, of a run with so many findings.
    #[must_use]
    pub fn limits(&self, findings: u64) -> (f64, f64) {
        let findings = (findings as f64).max(1.0);
        let by_chance = (self.median / findings).sqrt();
        let room = (DEVIATIONS * self.deviation.max(by_chance)).max(LEAST_FINDINGS / findings);
        (self.median - room, self.median + room)
    }

    /// On which side of the band so many of the findings of a run are; `Equal` if within.
    #[must_use]
    pub fn side(&self, occurrences: u64, findings: u64) -> Ordering {
        let (low, high) = self.limits(findings);
        let rate = rate(occurrences, findings);
        if rate < low {
            Ordering::Less
        } else if rate > high {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    }
}

/// An item whose rate is out of its band.
#[derive(Clone, Debug, PartialEq)]
pub struct OutOfBand {
    /// What is counted. Live tokens, all together, have no name.
    pub item: Item,
    /// How often it is found now.
    pub occurrences: u64,
    /// How many findings there are now.
    pub findings: u64,
    /// What is usual.
    pub band: Band,
}

impl OutOfBand {
    /// Whether it is above its band; else it is below.
    #[must_use]
    pub fn is_above(&self) -> bool {
        self.band.side(self.occurrences, self.findings) == Ordering::Greater
    }

    /// Whether that is for the worse: more that fails, or less that is valid.
    #[must_use]
    pub fn is_worse(&self) -> bool {
        self.is_above() != self.item.is_valid()
    }
}

/// What of a snapshot is out of the bands that these others make, in the order of items. The last [`MOST_RUNS`] of them that have
/// findings count.
#[must_use]
pub fn bands(history: &[Snapshot], now: &Snapshot) -> Vec<OutOfBand> {
    let (bands, now) = (usual(history), Rated::of(now));
    let out = |(item, band): (Item, Band)| {
        let (occurrences, findings) = (now.occurrences(&item), now.findings);
        let is_out = findings > 0 && band.side(occurrences, findings) != Ordering::Equal;
        is_out.then_some(OutOfBand { item, occurrences, findings, band })
    };
    bands.into_iter().filter_map(out).collect()
}

/// The same less what was out of its band on the same side in the last run with findings already: that is told once.
pub(super) fn news(history: &[Snapshot], now: &Snapshot) -> Vec<OutOfBand> {
    let before = history.iter().rev().map(Rated::of).find(|run| run.findings > 0).unwrap_or_default();
    let is_news = |out: &OutOfBand| {
        let side = |occurrences, findings| out.band.side(occurrences, findings);
        side(before.occurrences(&out.item), before.findings) != side(out.occurrences, out.findings)
    };
    bands(history, now).into_iter().filter(is_news).collect()
}

/// The band of each item that runs have. An item that only the run to be judged has is new, and has none.
fn usual(history: &[Snapshot]) -> BTreeMap<Item, Band> {
    let runs: Vec<_> =
        history.iter().rev().map(Rated::of).filter(|run| run.findings > 0).take(MOST_RUNS).collect();
    let mut rates: BTreeMap<&Item, Vec<f64>> = BTreeMap::new();
    for run in &runs {
        for (item, &occurrences) in &run.items {
            rates.entry(item).or_default().push(rate(occurrences, run.findings));
        }
    }
    let band = |(item, mut rates): (&Item, Vec<f64>)| {
        rates.resize(runs.len(), 0.0);
        Some((item.clone(), Band::of(rates)?))
    };
    rates.into_iter().filter_map(band).collect()
}

/// What is rated of a snapshot.
#[derive(Default)]
struct Rated {
    items: BTreeMap<Item, u64>,
    /// All findings.
    findings: u64,
}

impl Rated {
    fn of(snapshot: &Snapshot) -> Self {
        let mut rated = Self::default();
        for (item, &Measure { occurrences, .. }) in snapshot {
            let name = match item.kind {
                Kind::Verdict => {
                    rated.findings = rated.findings.saturating_add(occurrences);
                    &item.name
                }
                Kind::Issuer | Kind::Audience if !item.is_valid() => &item.name,
                Kind::Source if item.verdict.is_empty() => &item.name,
                Kind::LiveToken => "",
                Kind::Issuer | Kind::Audience | Kind::Source | Kind::Key => continue,
            };
            let item = Item { kind: item.kind, name: name.to_owned(), verdict: item.verdict.clone() };
            let sum = rated.items.entry(item).or_default();
            *sum = sum.saturating_add(occurrences);
        }
        rated
    }

    fn occurrences(&self, item: &Item) -> u64 {
        self.items.get(item).copied().unwrap_or(0)
    }
}

/// A share of all findings; 0 of none.
fn rate(occurrences: u64, findings: u64) -> f64 {
    occurrences as f64 / findings.max(1) as f64
}

/// The median of numbers, of which there is one at least. Sorts them.
fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    if numbers.len().is_multiple_of(2) {
        f64::midpoint(numbers[middle - 1], numbers[middle])
    } else {
        numbers[middle]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::testing::{any_snapshot, snapshot};
    use proptest::prelude::*;

    /// A run with so many findings that have expired, of a thousand.
    fn run(expired: u64) -> Snapshot {
        let valid = 1000 - expired;
        snapshot(&[&format!("verdict - expired {expired}"), &format!("verdict - valid {valid}")])
    }

    fn out(history: &[u64], now: u64) -> Vec<(String, bool)> {
        let history: Vec<_> = history.iter().map(|expired| run(*expired)).collect();
        bands(&history, &run(now)).into_iter().map(|out| (out.item.verdict.clone(), out.is_worse())).collect()
    }

    #[test]
    fn a_rate_that_jumps_is_out_of_its_band_and_what_is_usual_is_not() {
        let history = [30, 28, 33, 31, 29, 30, 35];
        assert_eq!(out(&history, 34), []);
        assert_eq!(
            out(&history, 70),
            [("expired".to_owned(), true)],
            "70 valid ones fewer are within chance"
        );
        assert_eq!(out(&history, 400), [("expired".to_owned(), true), ("valid".to_owned(), true)]);
        assert_eq!(
            out(&[300, 280, 330, 310, 290, 300, 350], 20),
            [("expired".to_owned(), false), ("valid".to_owned(), false)]
        );
    }

    #[test]
    fn the_limits_are_those_of_the_rule() {
        let band = Band::of(vec![0.10, 0.12, 0.11, 0.09, 0.10, 0.30, 0.08]).unwrap();
        // The median is 0.10; deviations are 0, 0, 0.01, 0.01, 0.02, 0.02 and 0.20, of which the median is 0.01.
        assert!((band.median - 0.10).abs() < 1e-12 && (band.deviation - 0.014_826).abs() < 1e-12);
        let (low, high) = band.limits(1_000_000);
        assert!(
            (low - (0.10 - 3.5 * 0.014_826)).abs() < 1e-12 && (high - (0.10 + 3.5 * 0.014_826)).abs() < 1e-12
        );
        // Of 100 findings, chance alone makes 0.0316; of 10, ten findings are all of them.
        assert!((band.limits(100).1 - (0.10 + 3.5 * 0.001_f64.sqrt())).abs() < 1e-12);
        assert!((band.limits(10).1 - 1.10).abs() < 1e-12);
    }

    #[test]
    fn equal_runs_leave_room_for_chance_and_small_numbers_do_not_cry() {
        assert_eq!(out(&[100; 28], 130), [], "three times the root of 100");
        assert_eq!(out(&[100; 28], 136), [("expired".to_owned(), true)]);
        assert_eq!(out(&[0; 28], 10), []);
        assert_eq!(out(&[0; 28], 11), [("expired".to_owned(), true)]);
    }

    #[test]
    fn six_runs_say_nothing_and_runs_without_findings_are_none() {
        assert_eq!(out(&[1; 6], 900), []);
        assert_eq!(out(&[1; 7], 900).len(), 2);
        let mut history = vec![run(1); 6];
        history.push(Snapshot::new());
        assert_eq!(bands(&history, &run(900)), []);
        assert_eq!(bands(&vec![run(900); 7], &Snapshot::new()), [], "no findings have no rate");
    }

    #[test]
    fn only_the_last_28_runs_count() {
        let mut history = vec![500; 100];
        history.extend([10; 28]);
        assert_eq!(out(&history, 10), []);
        assert_eq!(out(&history, 500).len(), 2);
    }

    #[test]
    fn a_rate_that_stays_out_of_its_band_is_told_once() {
        let mut history = vec![run(10); 10];
        assert_eq!(news(&history, &run(500)).len(), 2);
        history.push(run(500));
        history.push(Snapshot::new());
        assert_eq!(bands(&history, &run(510)).len(), 2);
        assert_eq!(news(&history, &run(510)), []);
        history.push(run(10));
        assert_eq!(news(&history, &run(500)).len(), 2);
    }

    #[test]
    fn live_tokens_are_rated_together_and_keys_not_at_all() {
        let night = |token: &str, found: u64, key: u64| {
            snapshot(&[
                "verdict - valid 1000",
                &format!("live_token {token} - {found}"),
                &format!("key a,{key},RS256 - 1000"),
            ])
        };
        let history: Vec<_> = (0..9).map(|n| night(&format!("jt_{n}"), 5, 1)).collect();
        assert_eq!(bands(&history, &night("jt_x", 6, 2)), []);
        let told = bands(&history, &night("jt_x", 60, 2));
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].item.kind, &*told[0].item.name, told[0].occurrences), (Kind::LiveToken, "", 60));
    }

    proptest! {
        #[test]
        fn bands_do_not_depend_on_the_order_of_runs(
            history in proptest::collection::vec(any_snapshot(), 0..MOST_RUNS),
            now in any_snapshot(),
            seed in any::<u64>(),
        ) {
            let mut shuffled = history.clone();
            for n in (1..shuffled.len()).rev() {
                shuffled.swap(n, (seed.wrapping_mul(n as u64 + 77) % (n as u64 + 1)) as usize);
            }
            prop_assert_eq!(bands(&history, &now), bands(&shuffled, &now));
        }

        #[test]
        fn what_most_runs_are_like_is_within(run in any_snapshot(), others in proptest::collection::vec(any_snapshot(), 0..7)) {
            let mut history = vec![run.clone(); 8];
            history.extend(others);
            prop_assert_eq!(bands(&history, &run), []);
        }

        #[test]
        fn a_band_holds_its_median_and_grows_narrower_with_findings(
            rates in proptest::collection::vec(0.0..1.0_f64, LEAST_RUNS..=MOST_RUNS),
            findings in 1..1_000_000_u64,
        ) {
            let band = Band::of(rates).unwrap();
            let ((low, high), (wide_low, wide_high)) = (band.limits(findings + 1), band.limits(findings));
            prop_assert!(low <= band.median && band.median <= high);
            prop_assert!(wide_low <= low && high <= wide_high);
        }
    }
}
