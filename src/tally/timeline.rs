//! Occurrences per stretch of time, in buckets that coarsen as the range of times grows.

use std::collections::BTreeMap;

use crate::timestamp::Timestamp;
use crate::verdict::Verdict;

/// A timeline whose bucket nobody chose has at most this many.
const MAX_BUCKETS: i64 = 500;

/// Bucket widths in seconds. Each is a multiple of the one before, so that buckets merge whole: what was counted in
/// fine buckets and then coarsened equals what would have been counted in coarse ones.
const WIDTHS: [i64; 17] = [
    1,
    5,
    10,
    30,
    60,
    300,
    600,
    1800,
    3600,
    3 * 3600,
    6 * 3600,
    12 * 3600,
    86_400,
    7 * 86_400,
    28 * 86_400,
    364 * 86_400,
    36_400 * 86_400,
];

/// How wide the buckets are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketWidth {
    /// As narrow as the range of times allows with at most 500 buckets.
    Auto,
    /// This many seconds, at least 1.
    Seconds(i64),
}

/// Counts per bucket and verdict. A bucket is named by its number: its start in seconds since the epoch, over its
/// width.
#[derive(Clone, Debug)]
pub struct Timeline {
    chosen: BucketWidth,
    /// Index into [`WIDTHS`]; only grows. Meaningless when the width was chosen.
    step: usize,
    counts: BTreeMap<(i64, Verdict), u64>,
    undated: BTreeMap<Verdict, u64>,
}

impl Timeline {
    /// An empty timeline.
    #[must_use]
    pub fn new(chosen: BucketWidth) -> Self {
        Self { chosen, step: 0, counts: BTreeMap::new(), undated: BTreeMap::new() }
    }

    /// The present width of a bucket in seconds.
    #[must_use]
    pub fn width(&self) -> i64 {
        match self.chosen {
            BucketWidth::Auto => WIDTHS[self.step],
            BucketWidth::Seconds(width) => width.max(1),
        }
    }

    /// Counts one occurrence and returns its bucket's number; `None` when it has no event time. Afterwards the
    /// width may have grown: see [`Timeline::width`].
    pub(super) fn add(&mut self, at: Option<Timestamp>, verdict: Verdict) -> Option<i64> {
        let Some(at) = at else {
            *self.undated.entry(verdict).or_default() += 1;
            return None;
        };
        let bucket = at.millis().div_euclid(1000).div_euclid(self.width());
        let count = self.counts.entry((bucket, verdict)).or_insert(0);
        *count += 1;
        if *count > 1 {
            return Some(bucket);
        }
        let before = self.width();
        self.fit();
        Some(bucket.div_euclid(self.width() / before))
    }

    /// Adds what another timeline counted; both must have been made with the same width.
    pub(super) fn merge(&mut self, other: &Self) {
        self.coarsen_to(self.step.max(other.step));
        let ratio = self.width() / other.width();
        for (&(bucket, verdict), count) in &other.counts {
            *self.counts.entry((bucket.div_euclid(ratio), verdict)).or_default() += count;
        }
        for (&verdict, count) in &other.undated {
            *self.undated.entry(verdict).or_default() += count;
        }
        self.fit();
    }

    /// Occurrences per bucket start and verdict, in order; those without an event time come first, with `None`.
    pub fn iter(&self) -> impl Iterator<Item = (Option<Timestamp>, Verdict, u64)> + '_ {
        let undated = self.undated.iter().map(|(&verdict, &count)| (None, verdict, count));
        let dated =
            self.counts.iter().map(|(&(bucket, verdict), &count)| (Some(self.start(bucket)), verdict, count));
        undated.chain(dated)
    }

    /// The first instant of a bucket.
    #[must_use]
    pub fn start(&self, bucket: i64) -> Timestamp {
        Timestamp::from_seconds(bucket.saturating_mul(self.width()))
    }

    /// Coarsens until the range fits into the most buckets that a timeline may have.
    fn fit(&mut self) {
        if self.chosen != BucketWidth::Auto {
            return;
        }
        let (Some(&(first, _)), Some(&(last, _))) =
            (self.counts.keys().next(), self.counts.keys().next_back())
        else {
            return;
        };
        let now = self.width();
        let fits = |width: i64| last.div_euclid(width / now) - first.div_euclid(width / now) < MAX_BUCKETS;
        let step = (self.step..WIDTHS.len()).find(|&step| fits(WIDTHS[step])).unwrap_or(WIDTHS.len() - 1);
        self.coarsen_to(step);
    }

    fn coarsen_to(&mut self, step: usize) {
        if self.chosen != BucketWidth::Auto || step <= self.step {
            return;
        }
        let ratio = WIDTHS[step] / WIDTHS[self.step];
        self.step = step;
        for ((bucket, verdict), count) in std::mem::take(&mut self.counts) {
            *self.counts.entry((bucket.div_euclid(ratio), verdict)).or_default() += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(chosen: BucketWidth, seconds: &[i64]) -> Timeline {
        let mut timeline = Timeline::new(chosen);
        for &second in seconds {
            timeline.add(Some(Timestamp::from_seconds(second)), Verdict::Valid);
        }
        timeline
    }

    #[test]
    fn each_width_is_a_multiple_of_the_one_before() {
        assert!(WIDTHS.windows(2).all(|pair| pair[1] % pair[0] == 0 && pair[1] > pair[0]));
    }

    #[test]
    fn the_timeline_coarsens_only_when_it_must() {
        assert_eq!(filled(BucketWidth::Auto, &[0, 499]).width(), 1);
        assert_eq!(filled(BucketWidth::Auto, &[0, 500]).width(), 5);
        assert_eq!(filled(BucketWidth::Auto, &[-1, 86_400 * 300]).width(), 86_400);
        assert_eq!(filled(BucketWidth::Seconds(60), &[0, 86_400 * 300]).width(), 60);
    }

    #[test]
    fn the_bucket_that_add_returns_is_counted_in_the_width_after_it() {
        let mut timeline = Timeline::new(BucketWidth::Auto);
        timeline.add(Some(Timestamp::from_seconds(0)), Verdict::Valid);
        assert_eq!(timeline.add(Some(Timestamp::from_seconds(4_999)), Verdict::Valid), Some(499));
        assert_eq!(timeline.width(), 10);
    }

    #[test]
    fn split_and_merged_equals_counted_at_once() {
        let seconds: Vec<i64> = (0..2_000).map(|i| (i * 7_919) % 100_000 - 500).collect();
        let whole: Vec<_> = filled(BucketWidth::Auto, &seconds).iter().collect();
        for split in [0, 1, 3, 999, 2_000] {
            let mut left = filled(BucketWidth::Auto, &seconds[..split]);
            left.merge(&filled(BucketWidth::Auto, &seconds[split..]));
            assert_eq!(left.iter().collect::<Vec<_>>(), whole);
        }
    }
}
