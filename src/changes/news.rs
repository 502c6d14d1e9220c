//! What is to be told of a run, beside those before it.

use std::path::Path;

use super::bands::{self, OutOfBand};
use super::baseline::Baseline;
use super::compare::{Changes, Counted, compare};
use super::{Snapshot, markdown, tables, text};
use crate::error::Result;
use crate::timestamp::Timestamp;

/// What has changed, less what is accepted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct News {
    /// What only this run has, by kind, name and verdict.
    pub new: Vec<Counted>,
    /// What only the run before it had, in the same order.
    pub resolved: Vec<Counted>,
    /// Rates that have left their band, in the order of items; nothing that is new or resolved is among them.
    pub out_of_band: Vec<OutOfBand>,
    /// How many things that would be new, or out of their band, are accepted.
    pub accepted: u64,
    /// What else is to be told, such as entries of the baseline that have expired; each a sentence without its full stop.
    pub notices: Vec<String>,
}

impl News {
    /// What is to be told of a run, beside those before it, the last of which is the one that it is compared with. Beside none
    /// nothing is new.
    #[must_use]
    pub fn of(history: &[Snapshot], now: &Snapshot) -> Self {
        let Changes { new, resolved } = history.last().map(|before| compare(before, now)).unwrap_or_default();
        let is_told = |out: &OutOfBand| new.iter().chain(&resolved).any(|counted| counted.item == out.item);
        let out_of_band = bands::news(history, now).into_iter().filter(|out| !is_told(out)).collect();
        Self { new, resolved, out_of_band, ..Self::default() }
    }

    /// Takes out what a baseline accepts at this time, and tells what of it has expired.
    pub fn accept(&mut self, baseline: &Baseline, now: Timestamp) {
        let before = self.new.len() + self.out_of_band.len();
        self.new.retain(|counted| !baseline.accepts(&counted.item, now));
        self.out_of_band.retain(|out| !baseline.accepts(&out.item, now));
        self.accepted += (before - self.new.len() - self.out_of_band.len()) as u64;
        // What comes and goes and is accepted would be told whenever it goes.
        self.resolved.retain(|counted| !baseline.accepts(&counted.item, now));
        self.notices.extend(baseline.expired(now));
    }

    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.new.is_empty()
            && self.resolved.is_empty()
            && self.out_of_band.is_empty()
            && self.notices.is_empty()
    }

    /// Whether `--fail-on new` makes the exit code 1: something is new that is not merely valid, or a rate has left its band
    /// for the worse.
    #[must_use]
    pub fn fails(&self) -> bool {
        self.new.iter().any(|counted| !counted.item.is_valid())
            || self.out_of_band.iter().any(OutOfBand::is_worse)
    }

    /// Writes `new.csv`, `resolved.csv`, `out_of_band.csv` and `changes.md` into a directory that has none of them.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, dir: &Path) -> Result<()> {
        tables::write(self, dir)
    }

    /// The news for a mail or a terminal: a line that sums it up, and at most `rows` rows of each part.
    #[must_use]
    pub fn text(&self, rows: usize) -> String {
        text::render(self, rows)
    }

    /// The same in GitHub's Markdown, as `changes.md` has it: some 60 lines at most.
    #[must_use]
    pub fn markdown(&self) -> String {
        markdown::render(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::testing::{any_snapshot, snapshot};
    use proptest::prelude::*;

    fn now() -> Timestamp {
        "2026-06-12T01:00:00Z".parse().unwrap()
    }

    fn baseline(entry: &str) -> Baseline {
        Baseline::parse(&format!("[[accept]]\nreason = \"known\"\nexpires = 2026-06-30\n{entry}\n"), "b")
            .unwrap()
    }

    #[test]
    fn beside_no_run_nothing_is_new() {
        assert_eq!(News::of(&[], &snapshot(&["verdict - expired 3"])), News::default());
    }

    #[test]
    fn only_valid_tokens_of_a_new_issuer_are_told_and_do_not_fail() {
        let before = [snapshot(&["verdict - valid 3"])];
        let news = News::of(&before, &snapshot(&["verdict - valid 3", "issuer a valid 1"]));
        assert!(!news.is_empty() && !news.fails());
        let news = News::of(&before, &snapshot(&["verdict - valid 3", "issuer a expired 1"]));
        assert!(news.fails());
        let news = News::of(&before, &Snapshot::new());
        assert!(news.is_empty() && !news.fails(), "fewer valid tokens are no change: {news:?}");
    }

    #[test]
    fn what_is_accepted_is_counted_and_no_longer_told() {
        let before = [snapshot(&["source legacy/b.log - 1"])];
        let mut news = News::of(&before, &snapshot(&["source legacy/a.log - 9", "source web/a.log - 1"]));
        news.accept(&baseline("source = \"legacy/*\""), now());
        assert_eq!((news.new.len(), news.resolved.len(), news.accepted), (1, 0, 1));
        assert_eq!(news.new[0].item.name, "web/a.log");
        assert_eq!(news.notices, [""; 0]);
    }

    #[test]
    fn an_entry_that_has_expired_accepts_nothing_and_is_told() {
        let mut news = News::of(&[Snapshot::new()], &snapshot(&["source legacy/a.log - 9"]));
        news.accept(&baseline("source = \"legacy/*\""), "2026-07-01T00:00:00Z".parse().unwrap());
        assert_eq!((news.new.len(), news.accepted, news.notices.len()), (1, 0, 1));
    }

    #[test]
    fn a_rate_that_has_left_its_band_is_accepted_like_what_is_new() {
        let night = |expired| snapshot(&[&format!("verdict - expired {expired}"), "verdict - valid 1000"]);
        let history = vec![night(10); 9];
        let mut news = News::of(&history, &night(100));
        assert!(news.fails() && news.out_of_band.len() == 1, "{news:?}");
        news.accept(&baseline("verdict = \"expired\""), now());
        assert!(!news.fails() && news.is_empty() && news.accepted == 1, "{news:?}");
        assert!(!News::of(&vec![night(300); 9], &night(10)).fails(), "for the better");
    }

    proptest! {
        #[test]
        fn nothing_is_told_twice(
            history in proptest::collection::vec(any_snapshot(), 1..12), now in any_snapshot(),
        ) {
            let news = News::of(&history, &now);
            for out in &news.out_of_band {
                prop_assert!(!news.new.iter().chain(&news.resolved).any(|counted| counted.item == out.item));
            }
        }
    }
}
