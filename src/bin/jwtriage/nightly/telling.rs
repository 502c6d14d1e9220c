//! Whom a nightly run tells of itself: monitoring, a webhook, and whoever reads its output.

use std::sync::atomic::{AtomicBool, Ordering};

use jwtriage::changes::{Kind, MOST_RUNS, News, Snapshot};
use jwtriage::error::Result;
use jwtriage::state::{RunNumber, RunStatus, SourceCounts, State};
use jwtriage::tell::{Counts, Event, Figures, Metrics};
use jwtriage::timestamp::Timestamp;
use tracing::warn;

use super::{Night, Outcome};
use crate::terminal;

/// How many lines of each part of the news are printed.
const PRINTED: usize = 10;

impl Night<'_> {
    /// Tells everybody. Nothing of that changes what was counted.
    pub(super) fn tell(
        &self,
        state: &mut State,
        number: RunNumber,
        outcome: &Outcome,
        stop: &AtomicBool,
    ) -> Result<()> {
        let Outcome { finished, news, .. } = outcome;
        let figures = self.figures(outcome);
        if let Some(path) = &self.config.metrics {
            let is_complete = finished.status == RunStatus::Complete;
            let last_success = if is_complete { Some(self.later()) } else { self.last_success(state) };
            let metrics = Metrics { last_success, figures: figures.clone() };
            metrics.write(path).unwrap_or_else(|error| warn!("{error}"));
        }
        let always = self.config.notify.as_ref().is_some_and(|notify| notify.always);
        if let Some(webhook) = &self.webhook
            && (always || !news.is_empty())
        {
            let live = news.new.iter().filter(|new| new.item.kind == Kind::LiveToken);
            let fingerprints = live.map(|new| new.item.name.clone()).collect();
            let event = Event { run: number.get().unsigned_abs(), figures, fingerprints };
            let wait = |time| {
                std::thread::sleep(time);
                !stop.load(Ordering::Relaxed)
            };
            match webhook.send(&event, &wait) {
                Ok(()) => state.set_notified(number)?,
                Err(error) => warn!("{error}"),
            }
        }
        if !self.args.quiet && (!news.is_empty() || finished.exit_code != 0) {
            let report = self.config.reports.join(&finished.report);
            let mut text = news.text(PRINTED).trim_end().to_owned();
            if news.is_empty() {
                let verdicts =
                    outcome.occurrences.iter().map(|(verdict, number)| format!("{number} {verdict}"));
                let found = verdicts.collect::<Vec<_>>().join(", ");
                let found = if found.is_empty() { "no token" } else { &found };
                let live = match finished.live_tokens {
                    1 => "1 token is".to_owned(),
                    more => format!("{more} tokens are"),
                };
                text = format!("nothing new beside earlier runs; found {found}; {live} still usable");
            }
            terminal::print(&format!("{text}\nreport: {}\n", report.display()))?;
        }
        Ok(())
    }

    fn figures(&self, outcome: &Outcome) -> Figures {
        let Outcome { finished, news, occurrences } = outcome;
        Figures {
            started: finished.started,
            duration: self.begun.elapsed(),
            exit_code: finished.exit_code,
            bytes: finished.bytes,
            sources: counted(&finished.sources),
            occurrences: occurrences.clone(),
            live_tokens: [("usable", finished.live_tokens)].into_iter().collect(),
            news: counted_news(news),
        }
    }

    /// What is measured of a run that has failed.
    pub(super) fn failed(&self, state: &State) -> Metrics {
        let none = Counts::default();
        let figures = Figures {
            started: self.now,
            duration: self.begun.elapsed(),
            exit_code: 2,
            bytes: 0,
            sources: none.clone(),
            occurrences: none.clone(),
            live_tokens: none.clone(),
            news: none,
        };
        Metrics { last_success: self.last_success(state), figures }
    }

    fn last_success(&self, state: &State) -> Option<Timestamp> {
        let runs = state.runs(MOST_RUNS).unwrap_or_default();
        let complete = runs.iter().rev().find(|run| run.finished.status == RunStatus::Complete);
        complete.map(|run| run.finished.finished)
    }
}

fn counted(sources: &SourceCounts) -> Counts {
    let SourceCounts { complete, partial, unreadable, skipped, unchanged } = *sources;
    let words = ["complete", "partial", "unreadable", "skipped", "unchanged"];
    words.into_iter().zip([complete, partial, unreadable, skipped, unchanged]).collect()
}

fn counted_news(news: &News) -> Counts {
    let numbers = [news.new.len(), news.resolved.len(), news.out_of_band.len()].map(|number| number as u64);
    ["new", "resolved", "out_of_band"].into_iter().zip(numbers).collect()
}

/// What the snapshot counts, by verdict.
pub(super) fn occurrences(snapshot: &Snapshot) -> Counts {
    let verdicts = snapshot.iter().filter(|(item, _)| item.kind == Kind::Verdict);
    verdicts.map(|(item, measure)| (item.verdict.clone(), measure.occurrences)).collect()
}
