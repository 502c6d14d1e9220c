//! `milliseconds_dates`: dates are written in milliseconds, where RFC 7519 §2 has seconds.
//!
//! Fires when [`FEW`] tokens of one issuer hold such a date, whether they fail or not: a verifier that takes it as seconds
//! sees the year 58,000. `high` if they are at least half of the issuer's tokens, because code that writes milliseconds
//! always does; else `medium`.

use std::sync::Arc;

use super::facts::{Facts, Given, Token};
use super::group::{Group, Groups};
use super::phrase::{findings, list, name};
use super::rules::Rule;
use super::{Confidence, FEW, Hint, HintName, MessageCount};
use crate::verdict::{Verdict, VerdictSet};

/// Tokens with such a date by issuer.
#[derive(Default)]
pub(super) struct MillisecondsDates(Groups<Option<Arc<str>>>);

impl Rule<'_> for MillisecondsDates {
    const VERDICTS: VerdictSet = VerdictSet::of(Verdict::ALL);

    fn add(&mut self, _: &Given<'_>, token: &Token<'_>) {
        if token.facts.in_milliseconds {
            token.outcomes().for_each(|seen| self.0.add(&seen.facts.iss, seen));
        }
    }

    fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
    }

    fn find(&self, facts: &Facts<'_>, _: &[MessageCount]) -> Option<Hint> {
        let of_issuer = |iss| self.0.by_key().get(iss).filter(|group| group.tokens >= FEW);
        let issuers: Vec<_> = self.0.by_key().keys().filter_map(|iss| Some((iss, of_issuer(iss)?))).collect();
        if issuers.is_empty() {
            return None;
        }
        let all: Group = issuers.iter().map(|(_, group)| *group).collect();
        let tokens = facts.keys.iter().filter(|used| of_issuer(&used.iss).is_some());
        let tokens: u64 = tokens.map(|used| used.counts.tokens).sum();
        let is_rule = all.tokens * 2 >= tokens;
        let confidence = if is_rule { Confidence::High } else { Confidence::Medium };
        let told = list(
            issuers.iter().map(|(iss, group)| format!("{} ({})", name(iss.as_deref()), group.occurrences)),
        );
        let evidence = format!(
            "{} hold exp, nbf or iat in milliseconds, of {tokens} tokens in all of issuer {told}; {}",
            findings(&all),
            facts.places(&all.sources)
        );
        let check = "Find the code that mints these tokens and divide by 1000: NumericDate is in seconds; until then most \
                     verifiers never see such a token expire, or refuse its nbf and iat, so revoke what must not live on"
            .to_owned();
        Some(all.hint(HintName::MillisecondsDates, confidence, evidence, check))
    }
}
