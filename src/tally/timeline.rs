//! Occurrences per stretch of time, in buckets that coarsen as the range of times grows.

use foldhash::HashMap;

use super::TokenNumber;
use super::distinct::Distinct;
use super::record::Bucket;
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
/// width; findings without an event time are in one without a number.
#[derive(Clone, Debug)]
pub struct Timeline {
    chosen: BucketWidth,
    /// Index into [`WIDTHS`]; only grows. Meaningless when the width was chosen.
    step: usize,
    /// Which of these are asked for next is likely to have been asked for last: that is why they are hashed.
    buckets: HashMap<(Option<i64>, Verdict), BucketCount>,
    /// The first and the last number.
    range: Option<(i64, i64)>,
}

/// What a bucket holds of one verdict.
#[derive(Clone, Debug, Default)]
struct BucketCount {
    occurrences: u64,
    tokens: Distinct<TokenNumber>,
}

impl Timeline {
    /// An empty timeline.
    #[must_use]
    pub fn new(chosen: BucketWidth) -> Self {
        Self { chosen, step: 0, buckets: HashMap::default(), range: None }
    }

    /// The present width of a bucket in seconds.
    #[must_use]
    pub fn width(&self) -> i64 {
        match self.chosen {
            BucketWidth::Auto => WIDTHS[self.step],
            BucketWidth::Seconds(width) => width.max(1),
        }
    }

    /// Counts one finding of a token.
    pub(super) fn add(&mut self, at: Option<Timestamp>, verdict: Verdict, token: TokenNumber) {
        let number = at.map(|at| at.millis().div_euclid(1000).div_euclid(self.width()));
        let bucket = self.buckets.entry((number, verdict)).or_default();
        bucket.occurrences += 1;
        bucket.tokens.add(token);
        if let Some(number) = number
            && bucket.occurrences == 1
        {
            self.reach((number, number));
        }
    }

    /// Adds what another timeline counted, whose tokens have other numbers; both must have been made with the same width.
    pub(super) fn merge(&mut self, mut other: Self, renumbered: impl Fn(TokenNumber) -> TokenNumber) {
        let step = self.step.max(other.step);
        self.coarsen_to(step);
        other.coarsen_to(step);
        for (key, BucketCount { occurrences, tokens }) in other.buckets {
            let theirs = BucketCount { occurrences, tokens: tokens.renamed(&renumbered) };
            self.buckets.entry(key).or_default().merge(theirs);
        }
        if let Some(range) = other.range {
            self.reach(range);
        }
    }

    /// Occurrences and distinct tokens per bucket start and verdict, in order; those without an event time come first, with
    /// `None`.
    pub fn iter(&self) -> impl Iterator<Item = (Option<Timestamp>, Verdict, u64, u64)> + '_ {
        let mut buckets: Vec<_> = self.buckets.iter().collect();
        buckets.sort_unstable_by_key(|(key, _)| **key);
        buckets.into_iter().map(|(&(number, verdict), bucket)| {
            let start = number.map(|number| Timestamp::from_seconds(number.saturating_mul(self.width())));
            (start, verdict, bucket.occurrences, bucket.tokens.count())
        })
    }

    /// Takes out the tokens of all buckets.
    pub(super) fn drain(&mut self) -> Vec<(Bucket, Vec<TokenNumber>)> {
        let width = self.width();
        let start = |number: Option<i64>| number.map(|number| number.saturating_mul(width));
        let drained = self.buckets.iter_mut();
        drained.map(|(&(number, verdict), count)| ((start(number), verdict), count.tokens.drain())).collect()
    }

    /// The start of the bucket that a narrower one, with this start, is in by now.
    pub(super) fn start_of(&self, start: Option<i64>) -> Option<i64> {
        start.map(|start| start.div_euclid(self.width()).saturating_mul(self.width()))
    }

    /// Adds tokens that were taken out.
    pub(super) fn settle(&mut self, (start, verdict): Bucket, tokens: u64) {
        let number = start.map(|start| start.div_euclid(self.width()));
        if let Some(count) = self.buckets.get_mut(&(number, verdict)) {
            count.tokens.count_elsewhere(tokens);
        }
    }

    pub(super) fn memory(&self) -> usize {
        self.buckets.values().map(|count| count.tokens.memory()).sum()
    }

    /// Notes the first and the last of more buckets, and coarsens until all fit into the most that a timeline may have.
    fn reach(&mut self, more: (i64, i64)) {
        let (first, last) = self.range.unwrap_or(more);
        let (first, last) = (first.min(more.0), last.max(more.1));
        self.range = Some((first, last));
        if self.chosen != BucketWidth::Auto || last.saturating_sub(first) < MAX_BUCKETS {
            return;
        }
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
        self.range = self.range.map(|(first, last)| (first.div_euclid(ratio), last.div_euclid(ratio)));
        for ((number, verdict), bucket) in std::mem::take(&mut self.buckets) {
            let number = number.map(|number| number.div_euclid(ratio));
            self.buckets.entry((number, verdict)).or_default().merge(bucket);
        }
    }
}

impl BucketCount {
    fn merge(&mut self, other: Self) {
        self.occurrences += other.occurrences;
        self.tokens.merge(other.tokens);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(chosen: BucketWidth, seconds: &[i64]) -> Timeline {
        let mut timeline = Timeline::new(chosen);
        for &second in seconds {
            timeline.add(
                Some(Timestamp::from_seconds(second)),
                Verdict::Valid,
                TokenNumber(second as u32 % 7),
            );
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
    fn a_token_counts_once_in_each_bucket() {
        let mut timeline = Timeline::new(BucketWidth::Seconds(60));
        for (second, token) in [(0, 1), (59, 2), (30, 1), (61, 1), (62, 1)] {
            timeline.add(Some(Timestamp::from_seconds(second)), Verdict::Valid, TokenNumber(token));
        }
        timeline.add(None, Verdict::Valid, TokenNumber(3));
        let told: Vec<_> = timeline.iter().map(|(_, _, occurrences, tokens)| (occurrences, tokens)).collect();
        assert_eq!(told, [(1, 1), (3, 2), (2, 1)]);
    }

    #[test]
    fn split_and_merged_equals_counted_at_once() {
        let seconds: Vec<i64> = (0..2_000).map(|i| (i * 7_919) % 100_000 - 500).collect();
        let whole: Vec<_> = filled(BucketWidth::Auto, &seconds).iter().collect();
        for split in [0, 1, 3, 999, 2_000] {
            let mut left = filled(BucketWidth::Auto, &seconds[..split]);
            left.merge(filled(BucketWidth::Auto, &seconds[split..]), |token| token);
            assert_eq!(left.iter().collect::<Vec<_>>(), whole);
        }
    }

    #[test]
    fn a_timeline_that_only_the_merge_makes_too_long_coarsens_whole() {
        let (early, late): (Vec<i64>, Vec<i64>) =
            ((-400..0).step_by(7).collect(), (0..499).step_by(7).collect());
        let mut merged = filled(BucketWidth::Auto, &early);
        assert_eq!(merged.width(), 1);
        merged.merge(filled(BucketWidth::Auto, &late), |token| token);
        let whole = filled(BucketWidth::Auto, &[early, late].concat());
        assert_eq!((merged.width(), whole.width()), (5, 5));
        assert_eq!(merged.iter().collect::<Vec<_>>(), whole.iter().collect::<Vec<_>>());
    }
}
