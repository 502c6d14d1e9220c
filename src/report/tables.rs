//! Findings → the rows of each file, in order.
//!
//! A row's key is its leading cells as they are written: what a reader of the report could not tell apart is one
//! row, and no key comes twice. Keys are kept in ordered maps, so that the rows are in the order of their columns by
//! construction. Each table is one pass over the kinds of tokens.

use std::collections::BTreeMap;

use hashbrown::HashSet;

use super::cell::Cell;
use super::count::{client_row, verdict_row};
use super::group::Group;
use super::kinds::{Kind, Sum};
use super::rows::{
    AudienceRow, ClientRow, GroupRow, HintRow, IssuerRow, KeyRow, MessageRow, Millionths, Several, Shown,
    SourceRow, SummaryRow, TimelineRow,
};
use super::{Known, Report};
use crate::tally::{GroupCount, MessageCount};
use crate::timestamp::Timestamp;
use crate::verdict::{Outcome, SignatureStatus, Verdict};

impl<'a> Report<'a> {
    /// Every outcome of every kind of tokens, with the kind's number.
    pub(super) fn outcomes(&self) -> impl Iterator<Item = (usize, &Kind, &Outcome, &Sum)> {
        self.kinds().iter().enumerate().flat_map(|(number, kind)| {
            kind.outcomes.iter().map(move |(outcome, sum)| (number, kind, outcome, sum))
        })
    }

    /// The rows of `summary.csv`.
    pub(super) fn summary_rows(&self) -> Vec<SummaryRow<'_>> {
        let mut counted: BTreeMap<(&str, Cell<'_>), (Group, HashSet<u32>)> = BTreeMap::new();
        for (number, kind, outcome, sum) in self.outcomes() {
            let (group, sources) = counted.entry(verdict_row(outcome)).or_default();
            group.add(number, kind, sum);
            sources.extend(&sum.sources);
        }
        let whole = counted.values().map(|(group, _)| group.occurrences).sum();
        let subjects = &self.counted.subjects_by_verdict;
        let row =
            |((verdict, detail), (group, sources), &subjects): (_, (Group, HashSet<u32>), &u64)| SummaryRow {
                verdict,
                detail,
                occurrences: group.occurrences,
                distinct_tokens: group.distinct_tokens,
                distinct_subjects: subjects,
                sources: sources.len() as u64,
                first_seen: group.first_seen(),
                last_seen: group.last_seen(),
                share: Shown(Millionths::of(group.occurrences, whole)),
            };
        counted
            .into_iter()
            .zip(subjects)
            .map(|((key, counted), subjects)| row((key, counted, subjects)))
            .collect()
    }

    /// The rows of `issuers.csv`. Tokens without an issuer, or whose claims cannot be read, have an empty one.
    pub(super) fn issuer_rows(&self) -> impl Iterator<Item = IssuerRow<'_>> {
        let mut groups: BTreeMap<(Cell<'_>, &str, &str), Group> = BTreeMap::new();
        for (number, kind, outcome, sum) in self.outcomes() {
            let iss = kind.facts.iss.as_deref();
            let key = (Cell::maybe(iss), self.is_known(iss, |known| known.issuer), outcome.verdict.as_str());
            groups.entry(key).or_default().add(number, kind, sum);
        }
        groups.into_iter().map(|((iss, known, verdict), group)| IssuerRow {
            iss,
            known,
            verdict,
            occurrences: group.occurrences,
            distinct_tokens: group.distinct_tokens,
            first_seen: group.first_seen(),
            last_seen: group.last_seen(),
        })
    }

    /// The rows of `audiences.csv`. A token for several audiences counts for each, one for none for the empty one.
    pub(super) fn audience_rows(&self) -> impl Iterator<Item = AudienceRow<'_>> {
        let mut groups: BTreeMap<(Cell<'_>, &str, &str), Group> = BTreeMap::new();
        for (number, kind) in self.kinds().iter().enumerate() {
            let cell = |aud| (Cell::maybe(aud), self.is_known(aud, |known| known.audience));
            let mut audiences: Vec<_> = kind.facts.aud.iter().map(|aud| cell(Some(&**aud))).collect();
            if audiences.is_empty() {
                audiences.push(cell(None));
            }
            audiences.sort_unstable();
            audiences.dedup();
            for (aud, known) in audiences {
                for (outcome, sum) in &kind.outcomes {
                    let key = (aud.clone(), known, outcome.verdict.as_str());
                    groups.entry(key).or_default().add(number, kind, sum);
                }
            }
        }
        groups.into_iter().map(|((aud, known, verdict), group)| AudienceRow {
            aud,
            known,
            verdict,
            occurrences: group.occurrences,
            distinct_tokens: group.distinct_tokens,
            first_seen: group.first_seen(),
            last_seen: group.last_seen(),
        })
    }

    /// The rows of `clients.csv`.
    pub(super) fn client_rows(&self) -> impl Iterator<Item = ClientRow<'_>> {
        let mut groups: BTreeMap<(Cell<'_>, Cell<'_>, &str), Group> = BTreeMap::new();
        for (number, kind, outcome, sum) in self.outcomes() {
            groups.entry(client_row(kind, outcome)).or_default().add(number, kind, sum);
        }
        let groups = groups.into_iter().zip(&self.counted.subjects_by_client);
        groups.map(|(((client, iss, verdict), group), &subjects)| ClientRow {
            client,
            iss,
            verdict,
            occurrences: group.occurrences,
            distinct_tokens: group.distinct_tokens,
            distinct_subjects: subjects,
            first_seen: group.first_seen(),
            last_seen: group.last_seen(),
        })
    }

    /// The rows of `keys.csv`.
    pub(super) fn key_rows(&self) -> impl Iterator<Item = KeyRow<'_>> {
        #[derive(Default)]
        struct Counted {
            group: Group,
            sources: HashSet<u32>,
            verified: u64,
            failed: u64,
        }
        let mut counted: BTreeMap<[Cell<'_>; 3], BTreeMap<&str, Counted>> = BTreeMap::new();
        for (number, kind, outcome, sum) in self.outcomes() {
            let key = [&kind.facts.iss, &kind.facts.kid, &kind.facts.alg]
                .map(|value| Cell::maybe(value.as_deref()));
            let by_status = counted.entry(key).or_default();
            let counted = by_status.entry(outcome.key_status.as_str()).or_default();
            counted.group.add(number, kind, sum);
            counted.sources.extend(&sum.sources);
            match outcome.signature {
                SignatureStatus::Verified => counted.verified += sum.occurrences,
                SignatureStatus::Failed => counted.failed += sum.occurrences,
                SignatureStatus::NoKey | SignatureStatus::Unchecked | SignatureStatus::Unsigned => {}
            }
        }
        counted.into_iter().flat_map(|([iss, kid, alg], by_status)| {
            by_status.into_iter().map(move |(key_status, counted)| KeyRow {
                iss: iss.clone(),
                kid: kid.clone(),
                alg: alg.clone(),
                key_status,
                occurrences: counted.group.occurrences,
                distinct_tokens: counted.group.distinct_tokens,
                sources: counted.sources.len() as u64,
                first_seen: counted.group.first_seen(),
                last_seen: counted.group.last_seen(),
                verified: counted.verified,
                failed: counted.failed,
            })
        })
    }

    /// The rows of `timeline.csv`; findings without an event time come first, in an unnamed bucket.
    pub(super) fn timeline_rows(&self) -> Vec<TimelineRow> {
        let row = |(start, verdict, occurrences, distinct_tokens): (Option<Timestamp>, Verdict, u64, u64)| {
            let bucket_start = start.map(Shown);
            TimelineRow { bucket_start, verdict: verdict.as_str(), occurrences, distinct_tokens }
        };
        let mut rows: Vec<_> = self.findings.tally.timeline().iter().map(row).collect();
        rows.sort_unstable();
        rows
    }

    /// The rows of `sources.csv`.
    pub(super) fn source_rows(&self) -> Vec<SourceRow<'a>> {
        let row = |source: &'a crate::tally::SourceTally| {
            let found = &source.found;
            SourceRow {
                source: Cell::text(&*source.name),
                status: source.status.as_str(),
                bytes: source.bytes,
                lines: source.lines,
                candidates: found.candidates,
                valid: found.valid,
                failing: found.failing(),
                first_event: found.first_event.map(Shown),
                last_event: found.last_event.map(Shown),
                time_format: Several::texts(found.time_formats()),
                undated_lines: found.undated_lines,
                error: Cell::text(&*source.error),
            }
        };
        let mut rows: Vec<_> = self.findings.sources.iter().map(row).collect();
        rows.sort_unstable();
        rows
    }

    /// The rows of `messages.csv`.
    pub(super) fn message_rows(&self) -> impl Iterator<Item = MessageRow<'a>> {
        let mut merged: BTreeMap<_, MessageCount> = BTreeMap::new();
        for (key, count) in self.findings.tally.messages().iter() {
            let entry = &self.findings.messages[key.message];
            let key = (
                Cell::text(&*entry.stack),
                Cell::text(&*entry.message),
                entry.cause.as_str(),
                key.verdict.map_or("", Verdict::as_str),
                key.agrees.as_str(),
            );
            merged.entry(key).or_default().merge(count.clone());
        }
        merged.into_iter().map(|((stack, message, cause, verdict, agrees), count)| MessageRow {
            stack,
            message,
            cause,
            verdict,
            agrees,
            occurrences: count.occurrences,
            sources: count.places.sources().count() as u64,
            first_seen: count.first_seen.map(Shown),
            last_seen: count.last_seen.map(Shown),
        })
    }

    /// The rows of `groups.csv`.
    pub(super) fn group_rows(&self) -> Vec<GroupRow<'a>> {
        let tally = self.findings.tally.groups();
        let counts = self.findings.groups.iter().enumerate();
        let counts = counts.flat_map(|(number, name)| tally.iter(number).map(move |count| (name, count)));
        let row = |(name, (value, verdict, count)): (&'a String, (&'a str, Verdict, &GroupCount))| GroupRow {
            name: Cell::text(&**name),
            value: Cell::text(value),
            verdict: verdict.as_str(),
            occurrences: count.occurrences,
            distinct_tokens: count.tokens.count(),
            first_seen: count.first_seen.map(Shown),
            last_seen: count.last_seen.map(Shown),
        };
        let mut rows: Vec<_> = counts.map(row).collect();
        rows.sort_unstable();
        rows
    }

    /// The rows of `hints.csv`, most telling first.
    pub(super) fn hint_rows(&self) -> impl Iterator<Item = HintRow<'a>> {
        self.findings.hints.iter().map(|hint| HintRow {
            hint: hint.hint.as_str(),
            confidence: hint.confidence.as_str(),
            evidence: Cell::text(&*hint.evidence),
            occurrences: hint.occurrences,
            distinct_tokens: hint.distinct_tokens,
            sources: hint.sources,
            first_seen: hint.first_seen.map(Shown),
            last_seen: hint.last_seen.map(Shown),
            what_to_check: Cell::text(&*hint.what_to_check),
        })
    }

    /// Whether the policy names the value: `yes` or `no`; empty when there is no policy.
    fn is_known(
        &self,
        value: Option<&str>,
        list: impl Fn(&Known<'a>) -> &'a dyn Fn(&str) -> bool,
    ) -> &'static str {
        match &self.findings.known {
            None => "",
            Some(known) if value.is_some_and(list(known)) => "yes",
            Some(_) => "no",
        }
    }
}
