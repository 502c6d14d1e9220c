//! `live_tokens_in_logs`: tokens that are still usable stand in the logs, where whoever reads them can take them.
//!
//! Fires at the first token of `live.csv`, because one is enough to do harm. `high` if a key of the policy verifies one of
//! them, `medium` if none is known to be genuine. It is an alert and no cause, and comes last.

use super::facts::{Facts, Group, Seen, outcomes_of};
use super::phrase::counted;
use super::{Confidence, Hint, HintName};
use crate::tally::usable_until;
use crate::verdict::SignatureStatus;

pub(super) fn find(facts: &Facts<'_>) -> Option<Hint> {
    if facts.live.is_empty() {
        return None;
    }
    let all: Group = facts.live.iter().flat_map(outcomes_of).collect();
    let is_verified = |seen: Seen<'_>| seen.outcome.signature == SignatureStatus::Verified;
    let verified = facts.live.iter().filter(|token| outcomes_of(token).any(is_verified)).count() as u64;
    let expiries = || facts.live.iter().map(|(_, token)| usable_until(&token.facts));
    let endless = expiries().filter(Option::is_none).count() as u64;

    let mut evidence = format!("{} still usable at {}", counted_are(facts.live.len() as u64), facts.now);
    match (endless, facts.live.len()) {
        (0, _) => {}
        (1, 1) => evidence += " and never expires",
        (1, _) => evidence += ", 1 of which never expires",
        _ => evidence += &format!(", {endless} of which never expire"),
    }
    if let Some(last) = expiries().flatten().max() {
        evidence += &format!(", the last to expire at {last}");
    }
    evidence += &format!(
        "; the policy's keys verify {verified} of them; {}; {}",
        counted(all.occurrences, "finding"),
        facts.places(&all.sources)
    );
    let check = "Revoke the tokens of live.csv from the top (or end their sessions), take them out of the logs and of all \
                 copies, and stop what writes them from logging tokens"
        .to_owned();
    let confidence = if verified > 0 { Confidence::High } else { Confidence::Medium };
    Some(all.hint(HintName::LiveTokensInLogs, confidence, evidence, check))
}

fn counted_are(tokens: u64) -> String {
    format!("{} {}", counted(tokens, "token"), if tokens == 1 { "is" } else { "are" })
}
