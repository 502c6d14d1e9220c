//! `reuse_after_expiry`: one and the same token is sent again and again after its `exp`; somebody does not renew it.
//!
//! A token fires with [`AGAIN`] `expired` findings over [`WHILE_MS`] or longer: a request that passes several services, or
//! is retried at once, makes a handful of lines within seconds. `high` if one of these tokens comes [`MANY`] times or
//! more, `medium` otherwise.

use std::cmp::Reverse;

use super::facts::{Facts, Given, Seen, Token};
use super::group::Group;
use super::phrase::{between, counted, duration};
use super::rules::Rule;
use super::{Confidence, Hint, HintName, MANY, MessageCount};
use crate::secret::Fingerprint;
use crate::verdict::{Verdict, VerdictSet};

/// Findings of one token after its `exp`.
const AGAIN: u64 = 5;

/// Between the first and the last of them, in milliseconds.
const WHILE_MS: i64 = 5 * 60 * 1000;

/// Tokens that are sent again and again.
#[derive(Default)]
pub(super) struct ReuseAfterExpiry {
    all: Group,
    /// How often the one came that came most often, and its name; of several, the first.
    most: Option<(u64, Reverse<Fingerprint>)>,
    /// The longest time, in milliseconds, after which one still came.
    longest: Option<i64>,
}

impl Rule<'_> for ReuseAfterExpiry {
    const VERDICTS: VerdictSet = VerdictSet::of(&[Verdict::Expired]);

    fn add(&mut self, _: &Given<'_>, token: &Token<'_>) {
        let is_old = |seen: &Seen<'_>| seen.outcome.detail.as_str() != "milliseconds";
        let expired = || token.of(Verdict::Expired).filter(is_old);
        if expired().map(|seen| seen.count.occurrences).sum::<u64>() < AGAIN {
            return;
        }
        let group: Group = expired().collect();
        if between(group.first_seen, group.last_seen) < Some(WHILE_MS) {
            return;
        }
        self.all.merge(&group);
        self.most = self.most.max(Some((group.occurrences, Reverse(token.fingerprint))));
        self.longest = self.longest.max(between(token.facts.expires_at, group.last_seen));
    }

    fn merge(&mut self, other: Self) {
        self.all.merge(&other.all);
        self.most = self.most.max(other.most);
        self.longest = self.longest.max(other.longest);
    }

    fn find(&self, facts: &Facts<'_>, _: &[MessageCount]) -> Option<Hint> {
        let Self { all, most, longest } = self;
        let (most, Reverse(worst)) = (*most)?;
        let confidence = if most >= MANY { Confidence::High } else { Confidence::Medium };
        let evidence = format!(
            "{} of {} after its exp, up to {} later; most often {worst} ({most}); {}",
            counted(all.occurrences, "finding"),
            counted(all.tokens, "token"),
            duration(longest.unwrap_or(0)),
            facts.places(&all.sources)
        );
        let check = format!(
            "Find the client that sends {worst} (its first_location in tokens.csv is the line to read); make it fetch a new \
             token before exp and after a 401, and stop retrying with the old one; the verifiers are right to refuse"
        );
        Some(all.hint(HintName::ReuseAfterExpiry, confidence, evidence, check))
    }
}
