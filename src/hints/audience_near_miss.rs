//! `audience_near_miss`: an `aud` that is nearly one that the policy allows.
//!
//! Fires when one such text, against one audience of the policy, has [`FEW`] `wrong_audience` findings with the detail
//! `trailing_slash`, `scheme`, `port` or `case`: `high`, because only a configuration that was typed by hand differs so
//! little.

use super::facts::{Facts, Group, Seen, grouped};
use super::phrase::{findings, list, name};
use super::{Confidence, FEW, Hint, HintName};
use crate::verdict::Verdict;
use crate::verdict::near::difference;

/// Details that are near misses.
const NEAR: [&str; 4] = ["trailing_slash", "scheme", "port", "case"];

pub(super) fn find(facts: &Facts<'_>) -> Option<Hint> {
    let missed = facts.with(Verdict::WrongAudience, &NEAR);
    let mut pairs = grouped(missed.filter_map(|seen| Some((nearest(facts, seen)?, seen))));
    pairs.retain(|(_, group)| group.occurrences >= FEW);
    let ((found, expected, _), _) = pairs.first()?;
    let mut all = Group::default();
    pairs.iter().for_each(|(_, group)| all.merge(group));

    let told = list(pairs.iter().map(|((found, expected, word), group)| {
        format!("{found} where {expected} is expected ({word}, {})", group.occurrences)
    }));
    let evidence = format!("{} have {told}; {}", findings(&all), facts.places(&all.sources));
    let check = format!(
        "Decide which is right, {found} or {expected}; then correct the audience (or resource) that the client asks for, or \
         that the verifier and the policy allow"
    );
    Some(all.hint(HintName::AudienceNearMiss, Confidence::High, evidence, check))
}

/// The audience that the verdict is about, what it nearly is, and how it differs.
fn nearest<'a>(facts: &Facts<'a>, seen: Seen<'a>) -> Option<(String, String, &'static str)> {
    let word = seen.outcome.detail.as_str();
    let allowed = facts.rules_of(seen.facts).audiences.as_deref()?;
    let pairs = seen.facts.aud.iter().flat_map(|aud| allowed.iter().map(move |allowed| (aud, allowed)));
    let (found, expected) =
        pairs.into_iter().find(|(aud, allowed)| difference(aud, allowed) == Some(word))?;
    Some((name(Some(found)), name(Some(expected)), difference(found, expected)?))
}
