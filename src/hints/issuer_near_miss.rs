//! `issuer_near_miss`: an `iss` that is nearly one that the policy allows.
//!
//! Fires when one such text, against one issuer of the policy, has [`FEW`] `wrong_issuer` findings with the detail
//! `trailing_slash`, `scheme`, `port` or `case`: `high`, because only a configuration that was typed by hand differs so
//! little. With `tenant` (same host, other path) it is `medium`: the other tenant may be meant.

use std::sync::Arc;

use super::facts::{Facts, Given, Token};
use super::group::{Group, Groups};
use super::phrase::{findings, list, name};
use super::rules::Rule;
use super::{Confidence, FEW, Hint, HintName, MessageCount};
use crate::policy::IssuerName;
use crate::verdict::{Verdict, VerdictSet, issuer};

/// Details that are near misses.
const NEAR: [&str; 5] = ["trailing_slash", "scheme", "port", "case", "tenant"];

/// Near misses by `iss`.
#[derive(Default)]
pub(super) struct IssuerNearMiss(Groups<Option<Arc<str>>>);

impl Rule<'_> for IssuerNearMiss {
    const VERDICTS: VerdictSet = VerdictSet::of(&[Verdict::WrongIssuer]);

    fn add(&mut self, _: &Given<'_>, token: &Token<'_>) {
        token.with(Verdict::WrongIssuer, &NEAR).for_each(|seen| self.0.add(&seen.facts.iss, seen));
    }

    fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
    }

    fn find(&self, facts: &Facts<'_>, _: &[MessageCount]) -> Option<Hint> {
        let mut pairs = self.0.told(|iss| {
            let iss = iss.as_deref()?;
            let (expected, word) = issuer::nearest(iss, facts.given.policy)?;
            Some((name(Some(iss)), expected_text(&expected.name), word))
        });
        pairs.retain(|(_, group)| group.occurrences >= FEW);
        let ((found, expected, word), _) = pairs.first()?;
        let all: Group = pairs.iter().map(|(_, group)| group).collect();

        let confidence = if *word == "tenant" { Confidence::Medium } else { Confidence::High };
        let told = list(pairs.iter().map(|((found, expected, word), group)| {
            format!("{found} where {expected} is expected ({word}, {})", group.occurrences)
        }));
        let evidence = format!("{} have {told}; {}", findings(&all), facts.places(&all.sources));
        let check = format!(
            "Decide which is right, {found} or {expected}: the issuer's discovery document says it; then correct the client \
             or issuer that writes the other, or the policy and the verifiers"
        );
        Some(all.hint(HintName::IssuerNearMiss, confidence, evidence, check))
    }
}

fn expected_text(expected: &IssuerName) -> String {
    match expected {
        IssuerName::Exact(iss) => name(Some(iss)),
        IssuerName::Pattern { source, .. } => format!("the pattern {}", name(Some(source))),
    }
}
