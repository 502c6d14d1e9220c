//! `clock_skew`: lines are dated before the tokens in them were issued, or tokens seem to end too soon, by a little: a
//! clock is off.
//!
//! Only near misses count (up to five minutes beyond the leeway, `tally/offsets.rs`). No token can be used before it was
//! issued, so *early* misses of `nbf` and `iat` mean that two clocks differ: a source fires with [`FEW`] of them. If more
//! than half of the sources do (and there are several), the issuer's clock is ahead; otherwise the hosts that write these
//! sources are behind. `high` at [`SURE`] findings that lie within [`CONSTANT`] seconds of each other, as those of a clock
//! that is off by a constant do, if there is another source to compare with; else `medium`.
//!
//! *Late* misses of `exp` are weaker, because clients that renew too late cause them too. A source fires with [`MANY`] of
//! them, if they are most of what has expired in it; and only if less than half of the sources do, and the tokens are
//! [`SURE`] or more, because one that is retried is one client's. The host's clock may be ahead then: `medium` if the tokens
//! are [`MANY`] and no other source has [`FEW`] such misses, else `low`.
//!
//! Only findings count that fail by time alone: what else is wrong with a token may be why it is old.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::facts::{Facts, Given, Seen, Token};
use super::group::Group;
use super::phrase::{between, counted, findings, list};
use super::rules::Rule;
use super::{Confidence, FEW, Hint, HintName, MANY, MessageCount};
use crate::tally::{Offsets, SourceTally};
use crate::verdict::{NEAR, Verdict, VerdictSet};

/// From so many on, misses are no longer the retries of one request.
const SURE: u64 = 5;

/// How far apart, in seconds, the misses of a clock may lie that is off by a constant: tokens are a while on their way,
/// and fresh ones are used within the first minute.
const CONSTANT: i32 = 60;

/// Misses of each source whose clock may be off.
type Offs<'p> = BTreeMap<u32, &'p Offsets>;

/// Sources whose clock may be off, which is known of the sources before any token.
pub(super) struct Skewed<'p> {
    /// By early misses.
    early: Offs<'p>,
    /// By late misses, that are most of what has expired there.
    late: Offs<'p>,
}

impl<'p> Skewed<'p> {
    pub(super) fn of(sources: &BTreeMap<u32, &'p SourceTally>) -> Self {
        let found = || sources.iter().map(|(&id, source)| (id, &source.found));
        let early = found().map(|(id, found)| (id, &found.near_misses.early));
        let late = found().map(|(id, found)| (id, &found.near_misses.late, found.expired));
        Self {
            early: early.filter(|(_, near)| near.count() >= FEW).collect(),
            late: late
                .filter(|(_, near, expired)| near.count() >= MANY && near.count() * 2 > *expired)
                .map(|(id, near, _)| (id, near))
                .collect(),
        }
    }
}

/// Near misses in the sources that may be skewed.
#[derive(Default)]
pub(super) struct ClockSkew {
    early: Group,
    late: Group,
}

impl Rule<'_> for ClockSkew {
    const VERDICTS: VerdictSet =
        VerdictSet::of(&[Verdict::Expired, Verdict::NotYetValid, Verdict::IssuedInFuture]);

    fn add(&mut self, given: &Given<'_>, token: &Token<'_>) {
        let is_meant = |seen: &Seen<'_>| {
            seen.outcome.fails_by_time_alone() && seen.outcome.detail.as_str() != "milliseconds"
        };
        let is_near = |millis: i64| millis < given.policy.leeway.saturating_add(NEAR * 1000);
        let begins = token.facts.not_before.max(token.facts.issued_at);
        let is_early = |seen: &Seen<'_>| between(seen.count.last_seen, begins).is_some_and(is_near);
        let is_late =
            |seen: &Seen<'_>| between(token.facts.expires_at, seen.count.first_seen).is_some_and(is_near);
        let early = token.of(Verdict::NotYetValid).chain(token.of(Verdict::IssuedInFuture));
        early
            .filter(|seen| is_meant(seen) && is_early(seen))
            .for_each(|seen| self.early.add_in(seen, |source| given.skewed.early.contains_key(&source)));
        token
            .of(Verdict::Expired)
            .filter(|seen| is_meant(seen) && is_late(seen))
            .for_each(|seen| self.late.add_in(seen, |source| given.skewed.late.contains_key(&source)));
    }

    fn merge(&mut self, other: Self) {
        self.early.merge(&other.early);
        self.late.merge(&other.late);
    }

    fn find(&self, facts: &Facts<'_>, _: &[MessageCount]) -> Option<Hint> {
        early(facts, &self.early).or_else(|| late(facts, &self.late))
    }
}

fn early(facts: &Facts<'_>, group: &Group) -> Option<Hint> {
    let skewed = &facts.given.skewed.early;
    if group.occurrences == 0 {
        return None;
    }
    let eligible = comparable(facts);
    let all_are_skewed = skewed.len() > 1 && skewed.len() * 2 > eligible;
    let is_constant = skewed.values().all(|offsets| spread(offsets) <= CONSTANT);
    let confidence = if group.occurrences >= SURE && is_constant && eligible > 1 {
        Confidence::High
    } else {
        Confidence::Medium
    };
    let mut evidence =
        format!("{} are dated before the token's nbf or iat: {}", findings(group), told(facts, skewed));
    let check = if all_are_skewed {
        evidence += &format!(
            "; {} of {} show it, so the issuer's clock is ahead",
            skewed.len(),
            counted(eligible as u64, "source")
        );
        "Compare the clock of the issuer's hosts with a time server (chronyc tracking, timedatectl) and repair its \
         synchronisation; a leeway of a minute in the verifiers helps until then"
            .to_owned()
    } else if eligible > 1 {
        let others = others(eligible - skewed.len());
        evidence += &format!("; {others} with the issuer, so it is the clock there that is behind");
        format!(
            "Compare the clock of the host that writes {} with a time server (chronyc tracking, timedatectl) and repair its \
             synchronisation; the tokens and the issuer are right",
            names(facts, skewed)
        )
    } else {
        evidence += "; there is no other source to compare with";
        "Compare the clocks of this host and of the issuer with a time server (chronyc tracking, timedatectl): this one is \
         behind, or the issuer's is ahead"
            .to_owned()
    };
    Some(group.hint(HintName::ClockSkew, confidence, evidence, check))
}

fn late(facts: &Facts<'_>, group: &Group) -> Option<Hint> {
    let skewed = &facts.given.skewed.late;
    let eligible = comparable(facts);
    if skewed.is_empty() || skewed.len() * 2 >= eligible {
        return None;
    }
    if group.occurrences < MANY || group.tokens < SURE {
        return None;
    }
    let is_alone = facts
        .given
        .sources
        .iter()
        .all(|(id, source)| skewed.contains_key(id) || source.found.near_misses.late.count() < FEW);
    let confidence = if is_alone && group.tokens >= MANY { Confidence::Medium } else { Confidence::Low };
    let evidence = format!(
        "{} are dated just after the token's exp: {}; {} with the issuer, so it may be the clock there that is ahead",
        findings(group),
        told(facts, skewed),
        others(eligible - skewed.len())
    );
    let check = format!(
        "Compare the clock of the host that writes {} with a time server (chronyc tracking, timedatectl); if it is right, \
         its clients renew too late",
        names(facts, skewed)
    );
    Some(group.hint(HintName::ClockSkew, confidence, evidence, check))
}

/// How many sources have enough findings to show a clock that is off.
fn comparable(facts: &Facts<'_>) -> usize {
    facts.given.sources.values().filter(|source| source.found.candidates >= FEW).count()
}

/// How far the middle eight tenths of the misses lie apart.
fn spread(offsets: &Offsets) -> i32 {
    offsets.percentile(90).zip(offsets.percentile(10)).map_or(0, |(most, least)| most - least)
}

/// `by 39 s (median; at most 45 s) in edge-2.log (13)`.
fn told(facts: &Facts<'_>, skewed: &Offs<'_>) -> String {
    let mut sources: Vec<_> = skewed
        .iter()
        .map(|(&id, offsets)| (Reverse(offsets.count()), facts.source_name(id), *offsets))
        .collect();
    sources.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
    list(sources.iter().map(|(count, name, offsets)| {
        let seconds = |percent| offsets.percentile(percent).unwrap_or(0);
        format!("by {} s (median; at most {} s) in {name} ({})", seconds(50), seconds(100), count.0)
    }))
}

fn names(facts: &Facts<'_>, skewed: &Offs<'_>) -> String {
    let mut names: Vec<_> = skewed.keys().map(|&id| facts.source_name(id)).collect();
    names.sort();
    list(names.into_iter())
}

/// `the other 17 sources agree`.
fn others(count: usize) -> String {
    if count == 1 { "the other source agrees".to_owned() } else { format!("the other {count} sources agree") }
}
