//! `key_rotation_lag`: a key was retired, and tokens under it still come.
//!
//! Fires at [`FEW`] `stale_kid` findings whose signature is not known to be forged. `high` if the policy tells when the
//! key was retired and another key of the same issuer is seen in use: then a rotation took place and somebody missed it.
//! `medium` otherwise, because the policy's `until` may be what is wrong.
//!
//! Who is late is told by `iat`: a token that was issued after the key was retired is the issuer's fault, one from before
//! is kept by a client.

use std::collections::BTreeMap;

use super::facts::{Facts, Group, Seen, grouped};
use super::phrase::{between, counted, duration, findings, name};
use super::{Confidence, FEW, Hint, HintName};
use crate::policy::KeyStatus;
use crate::timestamp::Timestamp;
use crate::verdict::{SignatureStatus, Verdict};

/// A retired key: its `kid`, and when it was retired, if that is known.
type Retired<'a> = (Option<&'a str>, Option<Timestamp>);

pub(super) fn find(facts: &Facts<'_>) -> Option<Hint> {
    let stale =
        || facts.of(Verdict::StaleKid).filter(|seen| seen.outcome.signature != SignatureStatus::Failed);
    let all: Group = stale().collect();
    if all.occurrences < FEW {
        return None;
    }
    let keys = grouped(stale().map(|seen| (retired(facts, seen), seen)));
    let ((kid, until), worst) = keys.first()?;
    let issued_after = |seen: &Seen<'_>| {
        let until = retired(facts, *seen).1.map(Timestamp::millis);
        until.is_some_and(|until| seen.facts.issued_at.is_some_and(|at| at.millis() >= until))
    };
    let from_issuer: Group = stale().filter(issued_after).collect();
    let from_clients = all.occurrences - from_issuer.occurrences;

    let confidence = if until.is_some() && another_key_is_used(facts, *kid) {
        Confidence::High
    } else {
        Confidence::Medium
    };
    let mut evidence = format!("{} under kid {}", findings(&all), name(*kid));
    if keys.len() > 1 {
        evidence += &format!(" ({}) and {}", worst.occurrences, counted(keys.len() as u64 - 1, "other kid"));
    }
    match until {
        Some(until) => {
            evidence += &format!(" after it was retired at {until}");
            if let Some(lag) = between(Some(*until), all.last_seen) {
                evidence += &format!(", for {}", duration(lag));
            }
            evidence += &format!(
                "; {} of the tokens were issued after that, {} before",
                from_issuer.tokens.len(),
                all.tokens.len().saturating_sub(from_issuer.tokens.len())
            );
        }
        None => evidence += ", which the policy calls retired",
    }
    let lags = lags(stale(), *until);
    let until = |source| lags.get(&source).map(|lag| format!(", for {lag}")).unwrap_or_default();
    evidence += &format!("; {}", facts.places_with(&all.sources, until));
    let check = what_to_check(&name(*kid), from_issuer.occurrences, from_clients);
    Some(all.hint(HintName::KeyRotationLag, confidence, evidence, check))
}

/// For how long each source was late, where its last stale token stands in no other source: of one that does it is not
/// known where it was seen last.
fn lags<'a>(stale: impl Iterator<Item = Seen<'a>>, until: Option<Timestamp>) -> BTreeMap<u32, String> {
    let mut last: BTreeMap<u32, (Option<Timestamp>, bool)> = BTreeMap::new();
    for seen in stale {
        let sources: Vec<u32> = seen.count.sources.sources().collect();
        for source in &sources {
            let known = last.entry(*source).or_default();
            *known = (*known).max((seen.count.last_seen, sources.len() > 1));
        }
    }
    let known = last.into_iter().filter(|(_, (_, is_elsewhere))| !is_elsewhere);
    known.filter_map(|(source, (at, _))| Some((source, duration(between(until, at)?)))).collect()
}

/// The key that a stale token names, and the last time before it was seen that a set with this key ended.
fn retired<'a>(facts: &Facts<'a>, seen: Seen<'a>) -> Retired<'a> {
    let kid = seen.facts.kid.as_deref();
    let entries = kid.map_or(&[][..], |kid| facts.rules_of(seen.facts).keys.with_kid(kid));
    let ends = entries.iter().filter_map(|entry| entry.until);
    // A set that ended before anything was logged tells no time.
    let known = ends
        .filter(|until| until.millis() > i64::MIN && seen.count.last_seen.is_none_or(|seen| *until <= seen));
    (kid, known.max())
}

/// Whether tokens of an issuer whose key is retired are seen under another key, which is current.
fn another_key_is_used(facts: &Facts<'_>, kid: Option<&str>) -> bool {
    let issuers: Vec<_> = facts
        .of(Verdict::StaleKid)
        .filter(|seen| seen.facts.kid.as_deref() == kid)
        .map(|seen| seen.facts.iss.as_deref())
        .collect();
    facts.tokens.iter().any(|(_, token)| {
        token.facts.kid.as_deref() != kid
            && token.outcomes.iter().any(|(outcome, _)| outcome.key_status == KeyStatus::Current)
            && issuers.contains(&token.facts.iss.as_deref())
    })
}

fn what_to_check(kid: &str, from_issuer: u64, from_clients: u64) -> String {
    let issuer = format!(
        "Find the issuer's instance that still signs with {kid} (tokens with an iat after its end) and make it load the \
         new key; the verifiers are right to refuse"
    );
    let clients = "Make clients renew a token that is refused, and next time keep the old key published for one token \
                   lifetime after the new one signs (in the policy: a later until)";
    match (from_issuer >= FEW, from_clients >= FEW) {
        (true, true) => format!("{issuer}. {clients}"),
        (true, false) => issuer,
        _ if from_issuer > from_clients => issuer,
        _ => clients.to_owned(),
    }
}
