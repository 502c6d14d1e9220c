//! The keys as a picture: a lane for each `kid`, with the windows in which the policy publishes it behind the stretches in
//! which it was seen.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::{Axis, Tick, WIDTH, clock, number};
use crate::report::Report;
use crate::report::rows::KeyRow;
use crate::report::view::{counted, short, thousands};
use crate::timestamp::Timestamp;

const MAX_LANES: usize = 24;
/// Windows and stretches of a lane.
const MAX_BARS: usize = 12;
/// Characters of a `kid` that fit beside its lane.
const MAX_CHARS: usize = 24;

const LEFT: f64 = 190.0;
const RIGHT: f64 = WIDTH - 76.0;
const TOP: f64 = 8.0;
const LANE: f64 = 26.0;

/// The keys as a picture.
pub(in crate::report) struct KeyChart {
    pub(in crate::report) lanes: Vec<Lane>,
    pub(in crate::report) ticks: Vec<Tick>,
    /// Where the lanes end, and the picture.
    pub(in crate::report) bottom: String,
    pub(in crate::report) height: String,
    /// Kids that have no lane.
    pub(in crate::report) more: u64,
    /// The statuses that are in it, and what they say, for the legend.
    pub(in crate::report) statuses: Vec<(&'static str, &'static str)>,
}

/// One `kid`.
pub(in crate::report) struct Lane {
    pub(in crate::report) name: String,
    pub(in crate::report) count: String,
    /// Where its line of text is.
    pub(in crate::report) text_y: String,
    pub(in crate::report) line_y: String,
    pub(in crate::report) windows: Vec<Bar>,
    pub(in crate::report) seen: Vec<Bar>,
}

/// A stretch of time.
pub(in crate::report) struct Bar {
    /// The class that gives it colour and pattern: the key's status.
    pub(in crate::report) class: &'static str,
    pub(in crate::report) x: String,
    pub(in crate::report) y: String,
    pub(in crate::report) width: String,
    pub(in crate::report) text: String,
}

/// When a `kid` was seen with one status.
#[derive(Default)]
struct Seen {
    occurrences: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Seen {
    fn add(&mut self, row: &KeyRow<'_>) {
        self.occurrences += row.occurrences;
        self.first = crate::tally::earliest(self.first, row.first_seen.map(|at| at.0));
        self.last = self.last.max(row.last_seen.map(|at| at.0));
    }
}

/// A `kid`'s stretches, by status.
type Kid = BTreeMap<&'static str, Seen>;

impl KeyChart {
    /// The picture of the rows of `keys.csv`; `None` when no finding has a time.
    pub(in crate::report) fn new(report: &Report<'_>, rows: &[KeyRow<'_>]) -> Option<Self> {
        let mut kids = BTreeMap::<String, Kid>::new();
        for row in rows {
            kids.entry(row.kid.plain().to_owned()).or_default().entry(row.key_status).or_default().add(row);
        }
        let totals = report.totals();
        let (first, last) = (totals.first_event?.0.millis(), totals.last_event?.0.millis());
        // A little room on both sides, so that what begins there is seen to begin.
        let room = (last.saturating_sub(first) / 50).max(1000);
        let axis = Axis::new(first.saturating_sub(room), last.saturating_add(room), LEFT, RIGHT);
        let (chosen, more) = chosen(kids);
        let lanes: Vec<_> = chosen
            .into_iter()
            .enumerate()
            .map(|(n, (name, kid))| lane(report, axis, n, &name, kid))
            .collect();
        let words = [
            ("current", "seen while it was current"),
            ("retired", "seen after it was retired"),
            ("future", "seen before it was published"),
            ("unknown", "seen, but unknown to the policy"),
            ("unchecked", "seen, not judged"),
            ("absent", "tokens without a kid"),
        ];
        let is_there =
            |word: &(&str, &str)| lanes.iter().flat_map(|lane| &lane.seen).any(|bar| bar.class == word.0);
        let statuses = words.into_iter().filter(is_there).collect();
        let bottom = TOP + LANE * lanes.len() as f64;
        Some(Self {
            ticks: axis.ticks(),
            bottom: number(bottom),
            height: number(bottom + 34.0),
            lanes,
            more,
            statuses,
        })
    }
}

impl KeyChart {
    /// Whether the policy says of any of them when it is published.
    pub(in crate::report) fn has_windows(&self) -> bool {
        self.lanes.iter().any(|lane| !lane.windows.is_empty())
    }
}

/// The kids that have a lane, by when they were first seen, and how many have none. Those that a policy would not take
/// come first, then the commonest.
fn chosen(kids: BTreeMap<String, Kid>) -> (Vec<(String, Kid)>, u64) {
    let mut kids: Vec<_> = kids.into_iter().collect();
    let odd = |kid: &Kid| ["retired", "future", "unknown"].iter().any(|status| kid.contains_key(status));
    let occurrences = |kid: &Kid| kid.values().map(|seen| seen.occurrences).sum::<u64>();
    // Half of the lanes at most are for odd kids: an attacker can make up as many as there are tokens.
    kids.sort_by_key(|(_, kid)| (!odd(kid), Reverse(occurrences(kid))));
    let odd_ones = kids.iter().filter(|(_, kid)| odd(kid)).count();
    let usual = kids.len() - odd_ones;
    let kept = odd_ones.min(MAX_LANES - usual.min(MAX_LANES / 2));
    let more = kids.len().saturating_sub(MAX_LANES) as u64;
    kids.drain(kept..odd_ones);
    kids.truncate(MAX_LANES);
    kids.sort_by_key(|(_, kid)| kid.values().filter_map(|seen| seen.first).min());
    (kids, more)
}

fn lane(report: &Report<'_>, axis: Axis, n: usize, name: &str, kid: Kid) -> Lane {
    let top = TOP + LANE * n as f64;
    let bar = |class, from: i64, to: i64, y: f64, text| {
        let (x, end) = (axis.x(from), axis.x(to));
        Bar { class, x: number(x), y: number(y), width: number((end - x).max(3.0)), text }
    };
    let windows = report.policy_key_rows().filter(|key| !name.is_empty() && key.kid.plain() == name);
    let windows = windows.filter_map(|key| {
        let from = key.from.map_or(i64::MIN, |at| at.0.millis());
        let until = key.until.map_or(i64::MAX, |at| at.0.millis());
        let time = |at: crate::report::rows::When, always: &str| {
            at.map_or_else(|| always.to_owned(), |at| clock(&at.0.to_string()))
        };
        let text = format!(
            "the policy publishes it from {} until {} ({})",
            time(key.from, "the beginning"),
            time(key.until, "now"),
            short(key.file.plain(), 128)
        );
        (from <= axis.to && until >= axis.from && from < until)
            .then(|| bar("window", from, until, top + 3.0, text))
    });
    let count = kid.values().map(|seen| seen.occurrences).sum();
    let seen = kid.into_iter().filter_map(|(status, seen)| {
        let (first, last) = (seen.first?, seen.last?);
        let text = format!(
            "{status}: {} from {} to {}",
            counted(seen.occurrences, "finding"),
            clock(&first.to_string()),
            clock(&last.to_string())
        );
        Some(bar(status, first.millis(), last.millis(), top + 8.0, text))
    });
    Lane {
        name: if name.is_empty() { "(no kid)".to_owned() } else { short(name, MAX_CHARS) },
        count: thousands(count),
        text_y: number(top + 17.0),
        line_y: number(top + LANE),
        windows: windows.take(MAX_BARS).collect(),
        seen: seen.take(MAX_BARS).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kid(status: &'static str, occurrences: u64, first: i64) -> Kid {
        let first = Some(Timestamp::from_seconds(first));
        BTreeMap::from([(status, Seen { occurrences, first, last: first })])
    }

    #[test]
    fn keys_that_somebody_made_up_do_not_push_the_real_ones_out_of_the_picture() {
        let mut kids: BTreeMap<_, _> = (0..1000).map(|n| (format!("x{n}"), kid("unknown", 1, n))).collect();
        kids.insert("real".to_owned(), kid("current", 500, 7));
        kids.insert("old".to_owned(), kid("retired", 50, 3));
        let (chosen, more) = chosen(kids);
        let names: Vec<_> = chosen.iter().map(|(name, _)| &**name).collect();
        assert!(names.contains(&"real") && names.contains(&"old"), "{names:?}");
        assert_eq!((names.len(), more), (MAX_LANES, 1002 - MAX_LANES as u64));
        assert!(chosen.is_sorted_by_key(|(_, kid)| kid.values().next().unwrap().first));
    }
}
