//! `milliseconds_dates`: dates are written in milliseconds, where RFC 7519 §2 has seconds.
//!
//! Fires when [`FEW`] tokens of one issuer hold such a date, whether they fail or not: a verifier that takes it as seconds
//! sees the year 58,000. `high` if they are at least half of the issuer's tokens, because code that writes milliseconds
//! always does; else `medium`.

use std::collections::BTreeMap;

use super::facts::{Facts, Group, outcomes_of};
use super::phrase::{findings, list, name};
use super::{Confidence, FEW, Hint, HintName};

pub(super) fn find(facts: &Facts<'_>) -> Option<Hint> {
    let mut issuers: BTreeMap<Option<&str>, Group> = BTreeMap::new();
    for token in facts.tokens.iter().filter(|(_, token)| token.facts.in_milliseconds) {
        let issuer = issuers.entry(token.1.facts.iss.as_deref()).or_default();
        outcomes_of(token).for_each(|seen| issuer.add(seen));
    }
    issuers.retain(|_, group| group.distinct_tokens() >= FEW);
    if issuers.is_empty() {
        return None;
    }
    let mut all = Group::default();
    issuers.values().for_each(|group| all.merge(group));
    let tokens =
        facts.tokens.iter().filter(|(_, token)| issuers.contains_key(&token.facts.iss.as_deref())).count();
    let is_rule = all.distinct_tokens() * 2 >= tokens as u64;
    let confidence = if is_rule { Confidence::High } else { Confidence::Medium };
    let told = list(issuers.iter().map(|(iss, group)| format!("{} ({})", name(*iss), group.occurrences)));
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
