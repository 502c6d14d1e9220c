//! `audience_near_miss`: an `aud` that is nearly one that the policy allows.
//!
//! Fires when one such text, against one audience of the policy, has [`FEW`] `wrong_audience` findings with the detail
//! `trailing_slash`, `scheme`, `port` or `case`: `high`, because only a configuration that was typed by hand differs so
//! little.

use std::sync::Arc;

use super::facts::{Facts, Given, Seen, Token};
use super::group::{Group, Groups};
use super::phrase::{findings, list, name};
use super::rules::Rule;
use super::{Confidence, FEW, Hint, HintName, MessageCount};
use crate::verdict::near::difference;
use crate::verdict::{Verdict, VerdictSet};

/// Details that are near misses.
const NEAR: [&str; 4] = ["trailing_slash", "scheme", "port", "case"];

/// An audience, one of the policy that it nearly is, and how it differs.
type Miss<'p> = (Arc<str>, &'p str, &'static str);

/// Near misses. A token is in one group, because its audiences are judged alike at all times.
#[derive(Default)]
pub(super) struct AudienceNearMiss<'p>(Groups<Miss<'p>>);

impl<'p> Rule<'p> for AudienceNearMiss<'p> {
    const VERDICTS: VerdictSet = VerdictSet::of(&[Verdict::WrongAudience]);

    fn add(&mut self, given: &Given<'p>, token: &Token<'_>) {
        for seen in token.with(Verdict::WrongAudience, &NEAR) {
            if let Some(miss) = nearest(given, seen) {
                self.0.add(&miss, seen);
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
    }

    fn find(&self, facts: &Facts<'_>, _: &[MessageCount]) -> Option<Hint> {
        let mut pairs =
            self.0.told(|(found, expected, word)| Some((name(Some(found)), name(Some(expected)), *word)));
        pairs.retain(|(_, group)| group.occurrences >= FEW);
        let ((found, expected, _), _) = pairs.first()?;
        let all: Group = pairs.iter().map(|(_, group)| group).collect();

        let told = list(pairs.iter().map(|((found, expected, word), group)| {
            format!("{found} where {expected} is expected ({word}, {})", group.occurrences)
        }));
        let evidence = format!("{} have {told}; {}", findings(&all), facts.places(&all.sources));
        let check = format!(
            "Decide which is right, {found} or {expected}; then correct the audience (or resource) that the client asks \
             for, or that the verifier and the policy allow"
        );
        Some(all.hint(HintName::AudienceNearMiss, Confidence::High, evidence, check))
    }
}

/// The audience that the verdict is about, what it nearly is, and how it differs.
fn nearest<'p>(given: &Given<'p>, seen: Seen<'_>) -> Option<Miss<'p>> {
    let word = seen.outcome.detail.as_str();
    let allowed = given.rules_of(seen.facts).audiences.as_deref()?;
    let mut pairs = seen.facts.aud.iter().flat_map(|aud| allowed.iter().map(move |allowed| (aud, allowed)));
    pairs.find_map(|(aud, allowed)| {
        let word = difference(aud, allowed).filter(|difference| *difference == word)?;
        Some((Arc::clone(aud), allowed.as_str(), word))
    })
}
