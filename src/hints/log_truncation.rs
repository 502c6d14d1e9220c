//! `log_truncation`: tokens are cut at one length, by something that cuts whatever it is given.
//!
//! Two lengths are looked at. Of tokens that end where their line ends, the line's: it fires when [`FEW`] findings of
//! `truncated` stand at the end of lines of one length, give or take [`SLACK`] bytes, and are at least half of all that
//! do. Of all cut tokens, their own: it fires when [`FEW`] tokens have the very same length and are at least half of the
//! cut tokens of their sources. Where both hold, the one that explains more is told. Tokens without a signature
//! (`no_signature`) are left out: some libraries log them so on purpose.
//!
//! `high` if that is the limit of a known pipeline (`pipelines.rs`; of a token also with `Bearer ` or
//! `Authorization: Bearer ` before it) or if [`MANY`] tokens have it, else `medium`.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::facts::{Facts, Group, Seen};
use super::phrase::findings;
use super::pipelines::known;
use super::{Confidence, FEW, Hint, HintName, MANY};
use crate::verdict::Verdict;

/// Details of tokens that were cut.
const CUT: [&str; 3] = ["in_header", "in_payload", "in_signature"];

/// How many bytes lines may differ that one limit has cut: a limit counts a priority of one to three digits that the file
/// does not show, and no cut goes through a character.
const SLACK: u32 = 4;

/// What stands before a token in the header that is cut, and how many bytes it has.
const BEFORE: [(&str, u32); 3] = [("", 0), ("Bearer ", 7), ("Authorization: Bearer ", 22)];

/// Findings that were cut at one length.
struct Cluster {
    length: u32,
    group: Group,
}

pub(super) fn find(facts: &Facts<'_>) -> Option<Hint> {
    let lines = by_line(facts);
    let tokens = by_token(facts);
    let explained =
        |cluster: &Option<Cluster>| cluster.as_ref().map_or(0, |cluster| cluster.group.occurrences);
    if explained(&lines) >= explained(&tokens) {
        lines.map(|cluster| of_lines(facts, &cluster))
    } else {
        tokens.map(|cluster| of_tokens(facts, &cluster))
    }
}

/// The findings whose line was cut at the commonest length.
fn by_line(facts: &Facts<'_>) -> Option<Cluster> {
    let at_end = || facts.with(Verdict::Truncated, &CUT).filter(|seen| seen.count.cut_line > 0);
    let (length, group) = commonest(at_end().map(|seen| (seen.count.cut_line, seen)), SLACK)?;
    let all: u64 = at_end().map(|seen| seen.count.occurrences).sum();
    (group.occurrences >= FEW && group.occurrences * 2 >= all).then_some(Cluster { length, group })
}

/// The findings of tokens that have the commonest length.
fn by_token(facts: &Facts<'_>) -> Option<Cluster> {
    let cut = || facts.with(Verdict::Truncated, &CUT);
    let (length, group) = commonest(cut().map(|seen| (seen.count.length, seen)), 0)?;
    let here =
        |seen: &Seen<'_>| seen.count.sources.sources().any(|source| group.sources.contains_key(&source));
    let all: Group = cut().filter(here).collect();
    let is_pattern = group.distinct_tokens() >= FEW && group.distinct_tokens() * 2 >= all.distinct_tokens();
    is_pattern.then_some(Cluster { length, group })
}

/// The length that most findings have, give or take `slack`, and these findings; of several, the shortest.
fn commonest<'a>(seen: impl Iterator<Item = (u32, Seen<'a>)>, slack: u32) -> Option<(u32, Group)> {
    let mut lengths: BTreeMap<u32, Group> = BTreeMap::new();
    seen.for_each(|(length, seen)| lengths.entry(length).or_default().add(seen));
    let around = |length: u32| lengths.range(length.saturating_sub(slack)..=length.saturating_add(slack));
    let count = |length: u32| around(length).map(|(_, group)| group.occurrences).sum::<u64>();
    let own = |length: &u32| lengths.get(length).map_or(0, |group| group.occurrences);
    let length = lengths.keys().copied().min_by_key(|length| Reverse((count(*length), own(length))))?;
    let mut all = Group::default();
    around(length).for_each(|(_, group)| all.merge(group));
    Some((length, all))
}

fn of_lines(facts: &Facts<'_>, cluster: &Cluster) -> Hint {
    let Cluster { length, group } = cluster;
    let (limit, is_known) = match known(*length, true) {
        Some((pipeline, true)) => (format!(", the limit of {}", pipeline.name), true),
        Some((pipeline, false)) => {
            (format!(", close to {}, the limit of {}", pipeline.bytes, pipeline.name), true)
        }
        None => (String::new(), false),
    };
    let evidence = format!(
        "{} are cut where their line ends after {length} bytes{limit}; {}",
        findings(group),
        facts.places(&group.sources)
    );
    hint(group, is_known, evidence)
}

fn of_tokens(facts: &Facts<'_>, cluster: &Cluster) -> Hint {
    let Cluster { length, group } = cluster;
    let pipelines =
        BEFORE.iter().filter_map(|(before, more)| Some((*before, known(length + more, false)?.0)));
    let pipeline = pipelines.into_iter().next();
    let limit = match pipeline {
        Some(("", pipeline)) => format!(", the limit of {}", pipeline.name),
        Some((before, pipeline)) => {
            let before = before.trim_end();
            format!(", {} with \"{before}\" before them, the limit of {}", pipeline.bytes, pipeline.name)
        }
        None => String::new(),
    };
    let evidence =
        format!("{} are cut after {length} bytes{limit}; {}", findings(group), facts.places(&group.sources));
    hint(group, pipeline.is_some(), evidence)
}

fn hint(group: &Group, is_known: bool, evidence: String) -> Hint {
    let is_sure = is_known || group.distinct_tokens() >= MANY;
    let confidence = if is_sure { Confidence::High } else { Confidence::Medium };
    let check = "Find what cuts there on the way of these lines: if it only writes logs, raise its limit or log no tokens; if \
                 it passes the header on (a proxy, a gateway), raise its header buffers, or make the tokens shorter (fewer \
                 groups, roles, scopes)"
        .to_owned();
    group.hint(HintName::LogTruncation, confidence, evidence, check)
}
