//! `log_truncation`: tokens are cut at one length, by something that cuts whatever it is given.
//!
//! Two lengths are looked at. Of tokens that end where their line ends, the line's: it fires when [`FEW`] findings of
//! `truncated` stand at the end of lines of one length, give or take [`SLACK`] bytes, and are at least half of all that
//! do. Of all cut tokens, their own: it fires when [`FEW`] tokens have the very same length and are at least half of the
//! cut tokens of their sources, where a token counts once in each source in which it stands. Where both hold, the one that
//! explains more is told. Of a token that was found with several lengths the longest counts: it is what all of it was cut
//! to. Tokens without a signature (`no_signature`) are left out: some libraries log them so on purpose.
//!
//! `high` if that is the limit of a known pipeline (`pipelines.rs`; of a token also with `Bearer ` or
//! `Authorization: Bearer ` before it) or if [`MANY`] tokens have it, else `medium`.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use smallvec::SmallVec;

use super::facts::{Facts, Given, Seen, Token};
use super::group::{Group, Groups};
use super::phrase::findings;
use super::pipelines::known;
use super::rules::Rule;
use super::{Confidence, FEW, Hint, HintName, MANY, MessageCount};
use crate::verdict::{Verdict, VerdictSet};

/// Details of tokens that were cut.
const CUT: [&str; 3] = ["in_header", "in_payload", "in_signature"];

/// How many bytes lines may differ that one limit has cut: a limit counts a priority of one to three digits that the file
/// does not show, and no cut goes through a character.
const SLACK: u32 = 4;

/// What stands before a token in the header that is cut, and how many bytes it has.
const BEFORE: [(&str, u32); 3] = [("", 0), ("Bearer ", 7), ("Authorization: Bearer ", 22)];

/// Cut tokens. Each has one length, so that those of several lengths add up.
#[derive(Default)]
pub(super) struct LogTruncation {
    /// Those at the end of lines, by the length of the line.
    lines: Groups<u32>,
    /// All, by their own length.
    tokens: Groups<u32>,
    /// Of those of a length, in how many sources each stands, summed up.
    standing: BTreeMap<u32, u64>,
    /// Cut tokens by source.
    sources: BTreeMap<u32, u64>,
}

/// Findings that were cut at one length.
struct Cluster {
    length: u32,
    group: Group,
}

impl Rule<'_> for LogTruncation {
    const VERDICTS: VerdictSet = VerdictSet::of(&[Verdict::Truncated]);

    fn add(&mut self, _: &Given<'_>, token: &Token<'_>) {
        let cut = || token.with(Verdict::Truncated, &CUT);
        let Some(length) = cut().map(|seen| seen.count.length).max() else { return };
        cut().for_each(|seen| self.tokens.add(&length, seen));
        let at_end = || cut().filter(|seen| seen.count.cut_line > 0);
        if let Some(line) = at_end().map(|seen| seen.count.cut_line).max() {
            at_end().for_each(|seen| self.lines.add(&line, seen));
        }
        let sources = distinct_sources(cut());
        *self.standing.entry(length).or_default() += sources.len() as u64;
        for source in sources {
            *self.sources.entry(source).or_default() += 1;
        }
    }

    fn merge(&mut self, other: Self) {
        self.lines.merge(other.lines);
        self.tokens.merge(other.tokens);
        for (length, count) in other.standing {
            *self.standing.entry(length).or_default() += count;
        }
        for (source, count) in other.sources {
            *self.sources.entry(source).or_default() += count;
        }
    }

    fn find(&self, facts: &Facts<'_>, _: &[MessageCount]) -> Option<Hint> {
        let lines = self.by_line();
        let tokens = self.by_token();
        let explained =
            |cluster: &Option<Cluster>| cluster.as_ref().map_or(0, |cluster| cluster.group.occurrences);
        if explained(&lines) >= explained(&tokens) {
            lines.map(|cluster| of_lines(facts, &cluster))
        } else {
            tokens.map(|cluster| of_tokens(facts, &cluster))
        }
    }
}

impl LogTruncation {
    /// The findings whose line was cut at the commonest length.
    fn by_line(&self) -> Option<Cluster> {
        let Cluster { length, group } = commonest(&self.lines, SLACK)?;
        let all = self.lines.sum().occurrences;
        (group.occurrences >= FEW && group.occurrences * 2 >= all).then_some(Cluster { length, group })
    }

    /// The findings of tokens that have the commonest length.
    fn by_token(&self) -> Option<Cluster> {
        let Cluster { length, group } = commonest(&self.tokens, 0)?;
        let own = self.standing.get(&length).copied().unwrap_or(0);
        let all: u64 = group.sources.keys().filter_map(|source| self.sources.get(source)).sum();
        (group.tokens >= FEW && own * 2 >= all).then_some(Cluster { length, group })
    }
}

/// The sources that hold any of these.
fn distinct_sources<'t>(seen: impl Iterator<Item = Seen<'t>>) -> SmallVec<[u32; 8]> {
    let mut sources: SmallVec<[u32; 8]> = seen.flat_map(|seen| seen.count.sources.sources()).collect();
    sources.sort_unstable();
    sources.dedup();
    sources
}

/// The length that most findings have, give or take `slack`, and these findings; of several, the shortest.
fn commonest(lengths: &Groups<u32>, slack: u32) -> Option<Cluster> {
    let lengths = lengths.by_key();
    let around = |length: u32| lengths.range(length.saturating_sub(slack)..=length.saturating_add(slack));
    let count = |length: u32| around(length).map(|(_, group)| group.occurrences).sum::<u64>();
    let own = |length: &u32| lengths.get(length).map_or(0, |group| group.occurrences);
    let length = lengths.keys().copied().min_by_key(|length| Reverse((count(*length), own(length))))?;
    Some(Cluster { length, group: around(length).map(|(_, group)| group).collect() })
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
    let is_sure = is_known || group.tokens >= MANY;
    let confidence = if is_sure { Confidence::High } else { Confidence::Medium };
    let check = "Find what cuts there on the way of these lines: if it only writes logs, raise its limit or log no tokens; if \
                 it passes the header on (a proxy, a gateway), raise its header buffers, or make the tokens shorter (fewer \
                 groups, roles, scopes)"
        .to_owned();
    group.hint(HintName::LogTruncation, confidence, evidence, check)
}
