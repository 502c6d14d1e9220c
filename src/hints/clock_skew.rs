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
//! them, if they are most of what has expired in it, and only if less than half of the sources do: `medium`, its host's
//! clock may be ahead.

use std::collections::BTreeMap;

use super::facts::{Facts, Group, Seen};
use super::phrase::{between, counted, findings, list};
use super::{Confidence, FEW, Hint, HintName, MANY};
use crate::tally::{NEAR, Offsets};
use crate::verdict::Verdict;

/// From so many early misses on, two clocks differ for sure: retries of one request do not make so many.
const SURE: u64 = 5;

/// How far apart, in seconds, the misses of a clock may lie that is off by a constant: tokens are a while on their way,
/// and fresh ones are used within the first minute.
const CONSTANT: i32 = 60;

/// Offsets of each source whose clock differs.
type Skewed<'a> = BTreeMap<u32, &'a Offsets>;

pub(super) fn find(facts: &Facts<'_>) -> Option<Hint> {
    early(facts).or_else(|| late(facts))
}

fn early(facts: &Facts<'_>) -> Option<Hint> {
    let skewed: Skewed<'_> = facts
        .sources
        .iter()
        .map(|(&id, source)| (id, &source.found.near_misses.early))
        .filter(|(_, offsets)| offsets.count() >= FEW)
        .collect();
    let dates = |seen: &Seen<'_>| seen.facts.not_before.max(seen.facts.issued_at);
    let near =
        |seen: &Seen<'_>| between(seen.count.last_seen, dates(seen)).is_some_and(|ms| is_near(facts, ms));
    let misses = facts.of(Verdict::NotYetValid).chain(facts.of(Verdict::IssuedInFuture)).filter(near);
    let group = gather(misses, &skewed);
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
    let mut evidence = format!("{} are dated before the token's nbf or iat, ", findings(&group));
    evidence += &told(facts, &skewed, "early");
    let check = if all_are_skewed {
        evidence += &format!(
            "; {} of {} show it, so the issuer's clock is ahead",
            skewed.len(),
            counted(eligible as u64, "source")
        );
        "compare the clock of the issuer's hosts with a time server (chronyc tracking, timedatectl) and repair its \
         synchronisation; a leeway of a minute in the verifiers helps until then"
            .to_owned()
    } else if eligible > 1 {
        let rest = eligible - skewed.len();
        evidence +=
            &format!("; {} not, so the clocks of the hosts that write these are behind", others(rest));
        format!(
            "compare the clock of the host that writes {} with a time server (chronyc tracking, timedatectl) and repair its \
             synchronisation; the tokens and the issuer are right",
            names(facts, &skewed)
        )
    } else {
        evidence += "; there is no other source to compare with";
        "compare the clocks of this host and of the issuer with a time server (chronyc tracking, timedatectl): this one is \
         behind, or the issuer's is ahead"
            .to_owned()
    };
    Some(group.hint(HintName::ClockSkew, confidence, evidence, check))
}

fn late(facts: &Facts<'_>) -> Option<Hint> {
    let mut expired: BTreeMap<u32, u64> = BTreeMap::new();
    for (source, count) in facts.of(Verdict::Expired).flat_map(|seen| seen.count.sources.iter()) {
        *expired.entry(source).or_default() += count;
    }
    let skewed: Skewed<'_> = facts
        .sources
        .iter()
        .map(|(&id, source)| (id, &source.found.near_misses.late))
        .filter(|(id, near)| near.count() >= MANY && near.count() * 2 > expired.get(id).copied().unwrap_or(0))
        .collect();
    let eligible = comparable(facts);
    if skewed.is_empty() || skewed.len() * 2 >= eligible {
        return None;
    }
    let near = |seen: &Seen<'_>| {
        between(seen.facts.expires_at, seen.count.first_seen).is_some_and(|ms| is_near(facts, ms))
    };
    let group = gather(facts.of(Verdict::Expired).filter(near), &skewed);
    if group.occurrences < MANY {
        return None;
    }
    let evidence = format!(
        "{} are dated just after the token's exp, {}; {} not, so the clocks of the hosts that write these may be ahead",
        findings(&group),
        told(facts, &skewed, "late"),
        others(eligible - skewed.len())
    );
    let check = format!(
        "compare the clock of the host that writes {} with a time server (chronyc tracking, timedatectl); if it is right, \
         its clients renew too late",
        names(facts, &skewed)
    );
    Some(group.hint(HintName::ClockSkew, Confidence::Medium, evidence, check))
}

fn is_near(facts: &Facts<'_>, millis: i64) -> bool {
    millis < facts.policy.leeway.saturating_add(NEAR * 1000)
}

fn gather<'a>(seen: impl Iterator<Item = Seen<'a>>, skewed: &Skewed<'_>) -> Group {
    let mut group = Group::default();
    seen.filter(|seen| seen.outcome.detail.as_str() != "milliseconds")
        .for_each(|seen| group.add_in(seen, |source| skewed.contains_key(&source)));
    group
}

/// How many sources have enough findings to show a clock that is off.
fn comparable(facts: &Facts<'_>) -> usize {
    facts.sources.values().filter(|source| source.found.candidates >= FEW).count()
}

/// How far the middle eight tenths of the misses lie apart.
fn spread(offsets: &Offsets) -> i32 {
    offsets.percentile(90).zip(offsets.percentile(10)).map_or(0, |(most, least)| most - least)
}

/// `39 s early at the median, 45 s at most, in edge-2.log`.
fn told(facts: &Facts<'_>, skewed: &Skewed<'_>, way: &str) -> String {
    let mut sources: Vec<_> = skewed.iter().map(|(&id, offsets)| (facts.source_name(id), *offsets)).collect();
    sources.sort_by(|a, b| (b.1.count(), &a.0).cmp(&(a.1.count(), &b.0)));
    list(sources.iter().map(|(name, offsets)| {
        let seconds = |percent| offsets.percentile(percent).unwrap_or(0);
        let (median, most) = (seconds(50), seconds(100));
        format!("{median} s {way} at the median and {most} s at most in {name} ({})", offsets.count())
    }))
}

fn names(facts: &Facts<'_>, skewed: &Skewed<'_>) -> String {
    let mut names: Vec<_> = skewed.keys().map(|&id| facts.source_name(id)).collect();
    names.sort();
    list(names.into_iter())
}

/// `17 other sources are`.
fn others(count: usize) -> String {
    if count == 1 { "1 other source is".to_owned() } else { format!("{count} other sources are") }
}
