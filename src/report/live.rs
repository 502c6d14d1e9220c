//! The rows of `live.csv`: tokens that are still usable, most urgent first. Which those are is the tally's rule
//! (`tally/live.rs`).

use super::cell::Cells;
use super::rows::{LiveRow, Several, Shown};
use super::tokens::{distinct_sources, first_location};
use super::{NamedToken, Report};
use crate::tally::{live_tokens, usable_until};
use crate::timestamp::Timestamp;

impl<'a> Report<'a> {
    /// How many tokens are still usable: the rows of `live.csv`.
    #[must_use]
    pub fn live_tokens(&self) -> usize {
        self.live().len()
    }

    /// The rows of `live.csv`.
    pub(super) fn live_rows(&self) -> impl Iterator<Item = LiveRow<'a>> {
        let now = self.findings.now;
        let mut cells = Cells::default();
        self.live().iter().map(move |token| row(token, now, &mut cells))
    }

    /// The tokens that are still usable, in order.
    fn live(&self) -> &[NamedToken<'a>] {
        self.live.get_or_init(|| live_tokens(&self.tokens, self.findings.now, self.findings.leeway))
    }
}

fn row<'a>(token: &NamedToken<'a>, now: Timestamp, cells: &mut Cells<'a>) -> LiveRow<'a> {
    let (fingerprint, token) = *token;
    let facts = &*token.facts;
    let counts = || token.outcomes.iter().map(|(_, count)| count);
    LiveRow {
        fingerprint: Shown(fingerprint),
        iss: cells.maybe(facts.iss.as_deref()),
        aud: Several::claims(&facts.aud, cells),
        sub_fingerprint: facts.sub_fingerprint.map(Shown),
        expires_at: usable_until(facts).map(Shown),
        remaining_s: usable_until(facts).map(|exp| seconds_left(now, exp)),
        occurrences: counts().map(|count| count.occurrences).sum(),
        sources: distinct_sources(counts()),
        first_location: first_location(counts(), cells),
    }
}

/// Whole seconds until `exp`, rounded down; none are left of a token that only the leeway keeps alive.
fn seconds_left(now: Timestamp, exp: Timestamp) -> i64 {
    exp.millis().saturating_sub(now.millis()).max(0) / 1000
}
