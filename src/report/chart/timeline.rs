//! The timeline as a picture: above, what fails, stacked by verdict; below, what is valid, on a scale of its own, so that
//! a few failures among many valid tokens are seen. Instants of the policy go through both.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{Axis, Tick, WIDTH, clock, number};
use crate::report::Report;
use crate::report::rows::TimelineRow;
use crate::report::view::{counted, short, thousands};
use crate::timestamp::Timestamp;
use crate::verdict::Verdict;

const MAX_BARS: i64 = 150;
/// How many buckets make a bar; more of them by powers of two.
const TOGETHER: [i64; 9] = [1, 2, 5, 10, 15, 30, 60, 180, 360];
/// Verdicts that have a colour of their own; the rest share one.
const MAX_SERIES: usize = 6;
const MAX_MARKERS: usize = 26;
/// Kids and files that are named of an instant.
const MAX_NAMES: usize = 6;

const LEFT: f64 = 56.0;
const RIGHT: f64 = WIDTH - 8.0;
const TOP: f64 = 22.0;
/// Heights of the two panels, and the gap between.
const FAILING: f64 = 170.0;
const GAP: f64 = 20.0;
const VALID: f64 = 52.0;

/// The timeline as a picture.
pub(in crate::report) struct TimelineChart {
    /// What fails, and below it what is valid.
    pub(in crate::report) panels: [Panel; 2],
    /// Where the panels begin and end.
    pub(in crate::report) top: String,
    pub(in crate::report) bottom: String,
    /// In the order of the stack, from below: the commonest first.
    pub(in crate::report) series: Vec<Series>,
    pub(in crate::report) hits: Vec<Hit>,
    pub(in crate::report) ticks: Vec<Tick>,
    pub(in crate::report) markers: Vec<Marker>,
    /// How wide a bar is, such as `60 s`.
    pub(in crate::report) bucket: String,
    /// Findings that are not in the picture, because they have no time.
    pub(in crate::report) undated: u64,
    /// The picture in a sentence.
    pub(in crate::report) description: String,
}

/// A panel, and the labels of its scale.
pub(in crate::report) struct Panel {
    pub(in crate::report) name: &'static str,
    pub(in crate::report) top: String,
    pub(in crate::report) bottom: String,
    pub(in crate::report) middle: String,
    pub(in crate::report) scale: [(String, String); 3],
}

/// One kind of findings.
pub(in crate::report) struct Series {
    /// The class that gives it colour and pattern.
    pub(in crate::report) class: String,
    pub(in crate::report) name: String,
    pub(in crate::report) count: u64,
    /// The outline of its bars.
    pub(in crate::report) path: String,
}

/// Where the numbers of a bucket are told.
pub(in crate::report) struct Hit {
    pub(in crate::report) x: String,
    pub(in crate::report) width: String,
    pub(in crate::report) text: String,
}

/// An instant of the policy.
pub(in crate::report) struct Marker {
    /// Where it is; empty if it is outside of the picture.
    pub(in crate::report) x: String,
    /// Where its letter is.
    pub(in crate::report) label_y: String,
    pub(in crate::report) letter: char,
    pub(in crate::report) time: String,
    pub(in crate::report) text: String,
}

impl TimelineChart {
    /// The picture of the rows of `timeline.csv`; `None` when no finding has a time.
    pub(in crate::report) fn new(report: &Report<'_>, rows: &[TimelineRow]) -> Option<Self> {
        let dated = || rows.iter().filter_map(|row| Some((row.bucket_start?.0.millis(), row)));
        let (first, last) = (dated().map(|(at, _)| at).min()?, dated().map(|(at, _)| at).max()?);
        let bucket = report.findings.tally.timeline().width().saturating_mul(1000);
        let (width, first, bars) = coarse(first, last, bucket);
        let axis = Axis::new(first, first.saturating_add(width.saturating_mul(bars)), LEFT, RIGHT);
        let place = |at: i64| usize::try_from(at.saturating_sub(first) / width).unwrap_or(0);

        let names = series_names(dated().map(|(_, row)| row));
        // Counts by bucket, then by series; the last two are the other failures and the valid ones.
        let mut counts = BTreeMap::<usize, Vec<u64>>::new();
        for (at, row) in dated() {
            let series = names.iter().position(|name| *name == row.verdict);
            let valid = row.verdict == Verdict::Valid.as_str();
            let series = series.unwrap_or(names.len() + usize::from(valid));
            counts.entry(place(at)).or_insert_with(|| vec![0; names.len() + 2])[series] += row.occurrences;
        }
        let other = names.len();
        let most_failing = counts.values().map(|counts| counts[..=other].iter().sum()).max().unwrap_or(0);
        let most_valid = counts.values().map(|counts| counts[other + 1]).max().unwrap_or(0);
        let failing = Panel::new("failing", TOP, FAILING, most_failing);
        let valid = Panel::new("valid", TOP + FAILING + GAP, VALID, most_valid);

        let mut series: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(n, name)| Series::new(format!("s{}", n + 1), (*name).to_owned()))
            .chain([
                Series::new("s0".to_owned(), "other failures".to_owned()),
                Series::new("ok".to_owned(), "valid".to_owned()),
            ])
            .collect();
        let mut hits = Vec::new();
        for (&bucket, counts) in &counts {
            let start = first.saturating_add(width.saturating_mul(bucket as i64));
            let (x, end) = (axis.x(start), axis.x(start.saturating_add(width)));
            let bar = (end - x - 0.4).max(0.6);
            let mut foot = TOP + FAILING;
            for (series, &count) in series.iter_mut().zip(counts).take(other + 1) {
                let height = FAILING * count as f64 / nice(most_failing) as f64;
                series.add(count, x, foot - height, bar, height);
                foot -= height;
            }
            let height = VALID * counts[other + 1] as f64 / nice(most_valid) as f64;
            series[other + 1].add(counts[other + 1], x, TOP + FAILING + GAP + VALID - height, bar, height);
            hits.push(Hit {
                x: number(x),
                width: number((end - x).max(1.0)),
                text: tell(start, &series, counts),
            });
        }
        series.retain(|series| series.count > 0);
        let undated = rows.iter().filter(|row| row.bucket_start.is_none()).map(|row| row.occurrences).sum();
        let fails: u64 = series.iter().filter(|series| series.class != "ok").map(|series| series.count).sum();
        let description = format!(
            "{} and {} valid between {} and {} UTC, a bar for each {}.",
            counted(fails, "failing finding"),
            thousands(series.iter().filter(|series| series.class == "ok").map(|series| series.count).sum()),
            clock(&Timestamp::new(first, false).to_string()),
            clock(&Timestamp::new(first.saturating_add(width.saturating_mul(bars)), false).to_string()),
            span(width / 1000),
        );
        Some(Self {
            top: failing.top.clone(),
            bottom: valid.bottom.clone(),
            panels: [failing, valid],
            series,
            hits,
            ticks: axis.ticks(),
            markers: markers(report, axis),
            bucket: span(width / 1000),
            undated,
            description,
        })
    }
}

impl Panel {
    fn new(name: &'static str, top: f64, height: f64, most: u64) -> Self {
        let most = nice(most);
        let label = |part: f64, count: u64| (number(top + height * (1.0 - part)), thousands(count));
        let middle =
            if most.is_multiple_of(2) { label(0.5, most / 2) } else { (String::new(), String::new()) };
        Self {
            name,
            top: number(top),
            bottom: number(top + height),
            middle: number(top + height / 2.0),
            scale: [label(0.0, 0), middle, label(1.0, most)],
        }
    }
}

impl Series {
    /// Whether it has a pattern: every other one has, so that neighbours differ in more than colour.
    pub(in crate::report) fn is_hatched(&self) -> bool {
        ["s2", "s4", "s6"].contains(&&*self.class)
    }

    fn new(class: String, name: String) -> Self {
        Self { class, name, count: 0, path: String::new() }
    }

    fn add(&mut self, count: u64, x: f64, y: f64, width: f64, height: f64) {
        if count > 0 {
            self.count += count;
            // What is there is seen, however little it is.
            let height = height.max(0.8);
            let [x, y, width, height] = [x, y, width, height].map(number);
            let _ = write!(self.path, "M{x} {y}h{width}v{height}h-{width}z");
        }
    }
}

/// How wide bars are, where the first begins and how many there are between two bucket starts: whole buckets, so many
/// together that people can tell the bars apart.
fn coarse(first: i64, last: i64, bucket: i64) -> (i64, i64, i64) {
    let bars = |width: i64| {
        let start = first.div_euclid(width).saturating_mul(width);
        (start, last.saturating_sub(start) / width + 1)
    };
    let mut together = TOGETHER.iter().copied().chain((1..).map(|n| 1i64 << n.min(60)));
    loop {
        let width = bucket.saturating_mul(together.next().unwrap_or(i64::MAX));
        let (start, count) = bars(width);
        if count <= MAX_BARS || width == i64::MAX {
            return (width, start, count.min(MAX_BARS));
        }
    }
}

/// The failing verdicts that have a colour of their own: the commonest first.
fn series_names<'r>(rows: impl Iterator<Item = &'r TimelineRow>) -> Vec<&'static str> {
    let mut counts = BTreeMap::<&str, u64>::new();
    for row in rows.filter(|row| row.verdict != Verdict::Valid.as_str()) {
        *counts.entry(row.verdict).or_default() += row.occurrences;
    }
    let mut names: Vec<_> = counts.into_iter().collect();
    names.sort_by_key(|(_, count)| Reverse(*count));
    // One colour for "others" that are a single verdict would tell less than its name.
    names.truncate(if names.len() == MAX_SERIES + 1 { MAX_SERIES + 1 } else { MAX_SERIES });
    names.into_iter().map(|(name, _)| name).collect()
}

/// The numbers of a bucket.
fn tell(start: i64, series: &[Series], counts: &[u64]) -> String {
    let found = series.iter().zip(counts).filter(|(_, count)| **count > 0);
    let found: Vec<_> =
        found.map(|(series, count)| format!("{} {}", thousands(*count), series.name)).collect();
    format!("{}: {}", clock(&Timestamp::new(start, false).to_string()), found.join(", "))
}

/// The next number that a scale may end with: one or two digits, then noughts.
fn nice(most: u64) -> u64 {
    let mut unit = 1u64;
    while most / unit >= 100 {
        unit = unit.saturating_mul(10);
    }
    let head = most.div_ceil(unit);
    let head =
        [1, 2, 4, 5, 6, 8, 10, 12, 15, 20, 25, 30, 40, 50, 60, 80].into_iter().find(|nice| *nice >= head);
    head.unwrap_or(100).saturating_mul(unit)
}

/// Seconds as people say them.
fn span(seconds: i64) -> String {
    let units = [(86_400, "day"), (3600, "hour"), (60, "minute")];
    let unit = units.into_iter().find(|(unit, _)| seconds >= *unit && seconds % unit == 0);
    let (count, name) = unit.map_or((seconds, "second"), |(unit, name)| (seconds / unit, name));
    if count == 1 { name.to_owned() } else { counted(count.unsigned_abs(), name) }
}

/// The instants at which keys of the policy are published and retired, in order; those in the picture have a place.
fn markers(report: &Report<'_>, axis: Axis) -> Vec<Marker> {
    #[derive(Default)]
    struct Named {
        kids: BTreeSet<String>,
        files: BTreeSet<String>,
    }
    let mut instants = BTreeMap::<(Timestamp, &str), Named>::new();
    for key in report.policy_key_rows() {
        for (at, what) in [(key.from, "published"), (key.until, "retired")] {
            let Some(at) = at.filter(|at| at.0.is_rfc3339()) else { continue };
            let named = instants.entry((at.0, what)).or_default();
            let kid = key.kid.plain();
            named.kids.insert(if kid.is_empty() { "a key without kid".to_owned() } else { short(kid, 64) });
            named.files.insert(short(key.file.plain(), 128));
        }
    }
    // Those in the picture come first where there are too many.
    let mut chosen: Vec<_> = instants.into_iter().collect();
    chosen.sort_by_key(|((at, _), _)| !axis.holds(at.millis()));
    chosen.truncate(MAX_MARKERS);
    chosen.sort_by_key(|(instant, _)| *instant);
    let list = |names: BTreeSet<String>| {
        let more = names.len().saturating_sub(MAX_NAMES);
        let mut text = names.into_iter().take(MAX_NAMES).collect::<Vec<_>>().join(", ");
        if more > 0 {
            let _ = write!(text, " and {more} more");
        }
        text
    };
    let mut last_x = f64::MIN;
    let mut raised = false;
    let letters = ('A'..='Z').zip(chosen);
    letters
        .map(|(letter, ((at, what), named))| {
            let x = axis.x(at.millis());
            // Letters that would stand on each other alternate in height.
            raised = x - last_x < 14.0 && !raised;
            last_x = x;
            Marker {
                x: if axis.holds(at.millis()) { number(x) } else { String::new() },
                label_y: number(if raised { TOP - 12.0 } else { TOP - 1.0 }),
                letter,
                time: at.to_string(),
                text: format!("{what}: {} ({})", list(named.kids), list(named.files)),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_merged_into_bars_until_people_can_tell_them_apart() {
        assert_eq!(coarse(1000, 150_000, 1000), (1000, 1000, 150));
        assert_eq!(coarse(1000, 151_000, 1000), (2000, 0, 76));
        assert_eq!(coarse(-7000, 499_000, 1000), (5000, -10_000, 102));
        for (first, last) in [(i64::MIN, i64::MAX), (0, i64::MAX), (i64::MIN, 0), (i64::MAX, i64::MAX)] {
            let (width, _, bars) = coarse(first, last, 1000);
            assert!(width > 0 && (1..=MAX_BARS).contains(&bars), "{width} {bars}");
        }
    }

    #[test]
    fn a_scale_ends_with_a_round_number_that_holds_all() {
        let cases =
            [(0, 1), (1, 1), (3, 4), (7, 8), (11, 12), (99, 100), (100, 100), (101, 120), (1234, 1500)];
        for (most, end) in cases {
            assert_eq!(nice(most), end, "{most}");
        }
        assert!(nice(u64::MAX) > 0);
    }

    #[test]
    fn a_span_is_said_in_its_greatest_unit() {
        assert_eq!(
            [1, 60, 300, 90, 7200, 604_800].map(span),
            ["second", "minute", "5 minutes", "90 seconds", "2 hours", "7 days"]
        );
    }
}
