//! How a number went from run to run.

use std::collections::{BTreeMap, BTreeSet};

use super::Run;

/// The bars of a sparkline, by height.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// How often a run found which verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerdictsOfRun {
    /// The run.
    pub run: Run,
    /// Occurrences by verdict; only what was found.
    pub verdicts: BTreeMap<String, u64>,
}

/// How often a verdict was found, run by run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trend {
    /// The verdict.
    pub verdict: String,
    /// Its occurrences in each run, in order.
    pub counts: Vec<u64>,
}

impl Trend {
    /// The least of its counts.
    #[must_use]
    pub fn min(&self) -> u64 {
        self.counts.iter().copied().min().unwrap_or(0)
    }

    /// The greatest of its counts.
    #[must_use]
    pub fn max(&self) -> u64 {
        self.counts.iter().copied().max().unwrap_or(0)
    }

    /// The count in the middle; of two, what lies between them, rounded down.
    #[must_use]
    pub fn median(&self) -> u64 {
        let mut sorted = self.counts.clone();
        sorted.sort_unstable();
        match sorted.len() {
            0 => 0,
            n if n % 2 == 1 => sorted[n / 2],
            n => sorted[n / 2 - 1].midpoint(sorted[n / 2]),
        }
    }

    /// The count of the last run.
    #[must_use]
    pub fn last(&self) -> u64 {
        self.counts.last().copied().unwrap_or(0)
    }
}

/// The trends of all verdicts that any of these runs found, in the order of their names.
#[must_use]
pub fn trends(runs: &[VerdictsOfRun]) -> Vec<Trend> {
    let verdicts: BTreeSet<_> = runs.iter().flat_map(|run| run.verdicts.keys()).collect();
    let count = |verdict: &String, run: &VerdictsOfRun| run.verdicts.get(verdict).copied().unwrap_or(0);
    let trend = |verdict: &String| Trend {
        verdict: verdict.clone(),
        counts: runs.iter().map(|run| count(verdict, run)).collect(),
    };
    verdicts.into_iter().map(trend).collect()
}

/// A bar per number, the highest as high as bars are; only of nothing there is the lowest.
#[must_use]
pub fn sparkline(numbers: &[u64]) -> String {
    let max = numbers.iter().copied().max().unwrap_or(0).max(1);
    let highest = BARS.len() as u128 - 1;
    let height = |number: u64| (u128::from(number) * highest).div_ceil(u128::from(max)) as usize;
    numbers.iter().map(|&number| BARS[height(number)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_high_as_numbers_and_only_of_nothing_there_is_the_lowest() {
        assert_eq!(sparkline(&[0, 1, 2, 3, 4, 5, 6, 7]), "▁▂▃▄▅▆▇█");
        assert_eq!(sparkline(&[0, 1, 1_000_000]), "▁▂█");
        assert_eq!(sparkline(&[0, 0]), "▁▁");
        assert_eq!(sparkline(&[u64::MAX, 0]), "█▁");
        assert_eq!(sparkline(&[]), "");
    }

    #[test]
    fn the_median_lies_in_the_middle() {
        let trend = |counts: &[u64]| Trend { verdict: String::new(), counts: counts.to_vec() };
        assert_eq!(trend(&[9, 1, 5]).median(), 5);
        assert_eq!(trend(&[9, 1, 5, 6]).median(), 5);
        assert_eq!(trend(&[u64::MAX, u64::MAX]).median(), u64::MAX);
        assert_eq!(trend(&[]).median(), 0);
        let trend = trend(&[9, 1, 5]);
        assert_eq!((trend.min(), trend.max(), trend.last()), (1, 9, 5));
    }
}
