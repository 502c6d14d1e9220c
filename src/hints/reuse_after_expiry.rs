//! `reuse_after_expiry`: one and the same token is sent again and again after its `exp`; somebody does not renew it.
//!
//! A token fires with [`AGAIN`] `expired` findings over [`WHILE_MS`] or longer: a request that passes several services, or
//! is retried at once, makes a handful of lines within seconds. `high` if one of these tokens comes [`MANY`] times or
//! more, `medium` otherwise.

use std::cmp::Reverse;

use super::facts::{Facts, Group, Seen};
use super::phrase::{between, counted, duration};
use super::{Confidence, Hint, HintName, MANY};
use crate::secret::Fingerprint;
use crate::timestamp::Timestamp;
use crate::verdict::Verdict;

/// Findings of one token after its `exp`.
const AGAIN: u64 = 5;

/// Between the first and the last of them, in milliseconds.
const WHILE_MS: i64 = 5 * 60 * 1000;

pub(super) fn find(facts: &Facts<'_>) -> Option<Hint> {
    let mut reused: Vec<_> = facts.by_token(Verdict::Expired).filter_map(again).collect();
    reused.sort_by_key(|token| (Reverse(token.group.occurrences), token.name));
    let Reused { name: worst, group: most, .. } = reused.first()?;
    let longest = reused.iter().filter_map(|token| between(token.expires_at, token.group.last_seen)).max();
    let mut all = Group::default();
    reused.iter().for_each(|token| all.merge(&token.group));

    let confidence = if most.occurrences >= MANY { Confidence::High } else { Confidence::Medium };
    let evidence = format!(
        "{} of {} after its exp, up to {} later; most often {worst} ({}); {}",
        counted(all.occurrences, "finding"),
        counted(all.distinct_tokens(), "token"),
        duration(longest.unwrap_or(0)),
        most.occurrences,
        facts.places(&all.sources)
    );
    let check = format!(
        "Find the client that sends {worst} (its first_location in tokens.csv is the line to read); make it fetch a new token \
         before exp and after a 401, and stop retrying with the old one; the verifiers are right to refuse"
    );
    Some(all.hint(HintName::ReuseAfterExpiry, confidence, evidence, check))
}

/// A token that is sent again and again.
struct Reused {
    name: Fingerprint,
    expires_at: Option<Timestamp>,
    group: Group,
}

/// What was found of a token after its `exp`, if that is enough.
fn again(expired: &[Seen<'_>]) -> Option<Reused> {
    if expired.iter().map(|seen| seen.count.occurrences).sum::<u64>() < AGAIN {
        return None;
    }
    let is_old = |seen: &Seen<'_>| seen.outcome.detail.as_str() != "milliseconds";
    let group: Group = expired.iter().copied().filter(is_old).collect();
    let lasts = between(group.first_seen, group.last_seen) >= Some(WHILE_MS);
    let first = expired.first()?;
    (group.occurrences >= AGAIN && lasts).then_some(Reused {
        name: first.fingerprint,
        expires_at: first.facts.expires_at,
        group,
    })
}
