//! What of the news is shown where there is not room for all, and in which words. The tables have everything.

use std::cmp::Reverse;

use super::{Item, Kind, Measure, News, OutOfBand};
use crate::report::{Cell, Millionths, counted, percent, short, thousands};

/// Characters of a name.
const MAX_CHARS: usize = 120;

/// What can be shown as a row.
pub(super) trait Told {
    /// What it is about.
    fn item(&self) -> &Item;
    /// How much of it there is.
    fn weight(&self) -> u64;
}

impl Told for super::Counted {
    fn item(&self) -> &Item {
        &self.item
    }

    fn weight(&self) -> u64 {
        self.measure.occurrences
    }
}

impl Told for OutOfBand {
    fn item(&self) -> &Item {
        &self.item
    }

    fn weight(&self) -> u64 {
        self.occurrences
    }
}

/// The rows to show, at most so many, and how many are left. They come by kind, and of each kind the most frequent first. No kind
/// takes the room of another while it has more rows than that: a thousand live tokens do not hide a source.
pub(super) fn first<T: Told>(told: &[T], rows: usize) -> (Vec<&T>, usize) {
    let mut order: Vec<(usize, &T)> = Vec::with_capacity(told.len());
    for kind in Kind::ALL {
        let mut of_kind: Vec<_> = told.iter().filter(|told| told.item().kind == *kind).collect();
        of_kind.sort_by_key(|told| (Reverse(told.weight()), told.item()));
        order.extend(of_kind.into_iter().enumerate());
    }
    // The first of each kind, then the second of each, and so on, as far as there is room.
    let mut places: Vec<_> = order.iter().enumerate().map(|(place, (nth, _))| (*nth, place)).collect();
    places.sort_unstable();
    places.truncate(rows);
    let mut places: Vec<_> = places.into_iter().map(|(_, place)| place).collect();
    places.sort_unstable();
    let shown: Vec<_> = places.into_iter().map(|place| order[place].1).collect();
    let left = told.len() - shown.len();
    (shown, left)
}

/// How many of each kind there are: `2 verdicts, 1 key`.
pub(super) fn kinds<T: Told>(told: &[T]) -> String {
    let count =
        |kind: &Kind| (kind.title(), told.iter().filter(|told| told.item().kind == *kind).count() as u64);
    let counts = Kind::ALL.iter().map(count).filter(|(_, count)| *count > 0);
    counts.map(|(title, count)| counted(count, title)).collect::<Vec<_>>().join(", ")
}

/// Text from outside as it is shown.
pub(super) fn visible(text: &str) -> String {
    short(Cell::text(text).plain(), MAX_CHARS)
}

/// A notice as it is shown.
pub(super) fn sentence(notice: &str) -> String {
    short(Cell::text(notice).plain(), 8 * MAX_CHARS)
}

/// What an item is called on its own: of a verdict its word, else its name.
pub(super) fn name(item: &Item) -> String {
    match item.kind {
        Kind::Verdict => visible(&item.verdict),
        Kind::LiveToken if item.name.is_empty() => "(all)".to_owned(),
        _ if item.name.is_empty() => "(none)".to_owned(),
        _ => visible(&item.name),
    }
}

/// What is counted of it: of a verdict its detail, else the verdict; maybe nothing.
pub(super) fn of_it(item: &Item) -> String {
    visible(if item.kind == Kind::Verdict { &item.name } else { &item.verdict })
}

/// `12 times, 3 tokens`; nothing of a source that could not be read.
pub(super) fn amount(item: &Item, measure: Measure) -> String {
    let times = counted(measure.occurrences, "time");
    match item.kind {
        Kind::Source if measure.occurrences == 0 => String::new(),
        Kind::Source => counted(measure.occurrences, "finding"),
        Kind::LiveToken => times,
        _ => format!("{times}, {}", counted(measure.distinct_tokens, "token")),
    }
}

/// What a rate is, and what it usually is.
pub(super) fn rate(out: &OutOfBand) -> [String; 3] {
    let (low, high) = out.band.limits(out.findings);
    let of_one = |rate: f64| percent(millionths(rate));
    [
        percent(Millionths::of(out.occurrences, out.findings).get()),
        of_one(out.band.median),
        format!("{} to {}", of_one(low), of_one(high)),
    ]
}

/// A rate as an integer, within nothing and all.
pub(super) fn millionths(rate: f64) -> u64 {
    (rate.clamp(0.0, 1.0) * 1e6).round() as u64
}

/// The news in a line, without its end.
pub(super) fn headline(news: &News) -> String {
    let mut parts = Vec::new();
    for (count, what) in [(news.new.len(), "new"), (news.resolved.len(), "no longer found")] {
        if count > 0 {
            parts.push(format!("{} {what}", thousands(count as u64)));
        }
    }
    match news.out_of_band.len() as u64 {
        0 => {}
        count => parts.push(format!("{} out of band", counted(count, "rate"))),
    }
    if parts.is_empty() {
        parts.push("nothing new".to_owned());
    }
    if news.accepted > 0 {
        parts.push(format!("{} accepted", thousands(news.accepted)));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::compare;
    use crate::changes::testing::snapshot;

    #[test]
    fn a_thousand_live_tokens_do_not_hide_a_source() {
        let mut items: Vec<_> = (0..1000).map(|n| format!("live_token jt_{n:04} - {}", n % 7)).collect();
        items.extend((0..4).map(|n| format!("source {n}.log - {n}")));
        items.push("verdict - expired 3".to_owned());
        let items: Vec<_> = items.iter().map(String::as_str).collect();
        let new = compare(&super::super::Snapshot::new(), &snapshot(&items)).new;
        let (shown, left) = first(&new, 8);
        let shown: Vec<_> = shown.iter().map(|counted| &*counted.item.name).collect();
        assert_eq!(shown, ["", "3.log", "2.log", "1.log", "0.log", "jt_0006", "jt_0013", "jt_0020"]);
        assert_eq!(left, 997);
        assert_eq!(first(&new, 2000).0.len(), 1005);
        assert_eq!(first(&new, 0).0.len(), 0);
    }
}
