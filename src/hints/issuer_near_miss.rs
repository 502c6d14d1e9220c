//! `issuer_near_miss`: an `iss` that is nearly one that the policy allows.
//!
//! Fires when one such text, against one issuer of the policy, has [`FEW`] `wrong_issuer` findings with the detail
//! `trailing_slash`, `scheme`, `port` or `case`: `high`, because only a configuration that was typed by hand differs so
//! little. With `tenant` (same host, other path) it is `medium`: the other tenant may be meant.

use super::facts::{Facts, Group, grouped};
use super::phrase::{findings, list, name};
use super::{Confidence, FEW, Hint, HintName};
use crate::policy::IssuerName;
use crate::verdict::{Verdict, issuer};

/// Details that are near misses.
const NEAR: [&str; 5] = ["trailing_slash", "scheme", "port", "case", "tenant"];

pub(super) fn find(facts: &Facts<'_>) -> Option<Hint> {
    let missed = facts.with(Verdict::WrongIssuer, &NEAR).filter_map(|seen| {
        let iss = seen.facts.iss.as_deref()?;
        let (expected, word) = issuer::nearest(iss, facts.policy)?;
        Some(((name(Some(iss)), expected_text(&expected.name), word), seen))
    });
    let mut pairs = grouped(missed);
    pairs.retain(|(_, group)| group.occurrences >= FEW);
    let ((found, expected, word), _) = pairs.first()?;
    let mut all = Group::default();
    pairs.iter().for_each(|(_, group)| all.merge(group));

    let confidence = if *word == "tenant" { Confidence::Medium } else { Confidence::High };
    let told = list(pairs.iter().map(|((found, expected, word), group)| {
        format!("{found} where {expected} is expected ({word}, {})", group.occurrences)
    }));
    let evidence = format!("{} have {told}; {}", findings(&all), facts.places(&all.sources));
    let check = format!(
        "Decide which is right, {found} or {expected}: the issuer's discovery document says it; then correct the client or \
         issuer that writes the other, or the policy and the verifiers"
    );
    Some(all.hint(HintName::IssuerNearMiss, confidence, evidence, check))
}

fn expected_text(expected: &IssuerName) -> String {
    match expected {
        IssuerName::Exact(iss) => name(Some(iss)),
        IssuerName::Pattern { source, .. } => format!("the pattern {}", name(Some(source))),
    }
}
