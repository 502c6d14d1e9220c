//! `live_tokens_in_logs`: tokens that are still usable stand in the logs, where whoever reads them can take them.
//!
//! Fires at the first token of `live.csv`, because one is enough to do harm. `high` if a key of the policy verifies one of
//! them, `medium` if none is known to be genuine. It is an alert and no cause, and comes last.

use super::facts::{Facts, Given, Token};
use super::group::Group;
use super::phrase::counted;
use super::rules::Rule;
use super::{Confidence, Hint, HintName, MessageCount};
use crate::tally::usable_until;
use crate::timestamp::Timestamp;
use crate::verdict::{SignatureStatus, Verdict, VerdictSet};

/// Tokens that are still usable.
#[derive(Default)]
pub(super) struct LiveTokensInLogs {
    all: Group,
    /// Those that a key of the policy verifies.
    verified: u64,
    /// Those that never expire.
    endless: u64,
    /// When the last of the others expires.
    last: Option<Timestamp>,
}

impl Rule<'_> for LiveTokensInLogs {
    const VERDICTS: VerdictSet = VerdictSet::of(Verdict::ALL);

    fn add(&mut self, _: &Given<'_>, token: &Token<'_>) {
        if !token.is_live {
            return;
        }
        token.outcomes().for_each(|seen| self.all.add(seen));
        let is_verified = token.outcomes().any(|seen| seen.outcome.signature == SignatureStatus::Verified);
        let expiry = usable_until(token.facts);
        self.verified += u64::from(is_verified);
        self.endless += u64::from(expiry.is_none());
        self.last = self.last.max(expiry);
    }

    fn merge(&mut self, other: Self) {
        self.all.merge(&other.all);
        self.verified += other.verified;
        self.endless += other.endless;
        self.last = self.last.max(other.last);
    }

    fn find(&self, facts: &Facts<'_>, _: &[MessageCount]) -> Option<Hint> {
        let Self { all, verified, endless, last } = self;
        if all.tokens == 0 {
            return None;
        }
        let mut evidence = format!("{} still usable at {}", counted_are(all.tokens), facts.given.now);
        match (endless, all.tokens) {
            (0, _) => {}
            (1, 1) => evidence += " and never expires",
            (1, _) => evidence += ", 1 of which never expires",
            _ => evidence += &format!(", {endless} of which never expire"),
        }
        if let Some(last) = last {
            evidence += &format!(", the last to expire at {last}");
        }
        evidence += &format!(
            "; the policy's keys verify {verified} of them; {}; {}",
            counted(all.occurrences, "finding"),
            facts.places(&all.sources)
        );
        let check =
            "Revoke the tokens of live.csv from the top (or end their sessions), take them out of the logs and of all \
             copies, and stop what writes them from logging tokens"
                .to_owned();
        let confidence = if *verified > 0 { Confidence::High } else { Confidence::Medium };
        Some(all.hint(HintName::LiveTokensInLogs, confidence, evidence, check))
    }
}

fn counted_are(tokens: u64) -> String {
    format!("{} {}", counted(tokens, "token"), if tokens == 1 { "is" } else { "are" })
}
