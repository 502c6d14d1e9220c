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
