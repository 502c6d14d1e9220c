//! What `jwtriage policy check FILE` prints: what was understood and what is doubtful. Plain text, deterministic, and
//! without a secret.

use super::duration;
use super::key::Key;
use super::keys::{ALWAYS_RETIRED, KeySet};
use super::problem::shown;
use super::{Issuer, IssuerName, Policy, Rules};
use crate::message::OwnMessage;
use std::fmt;

/// The text that describes a policy. Issuers stand in the order in which they are tried (exact names, sorted, then
/// patterns), key sets by their beginning, keys by their `kid`.
#[derive(Debug)]
pub struct Check<'a>(pub &'a Policy);

impl fmt::Display for Check<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let policy = self.0;
        writeln!(f, "policy: {}", policy.source())?;
        writeln!(f, "leeway: {}", duration::show(policy.leeway))?;
        writeln!(f, "claims shown: {}", list(&policy.show_claims, "none"))?;
        for entry in policy.messages.iter().map(OwnMessage::entry) {
            let (stack, message) = (shown(&entry.stack), shown(&entry.message));
            writeln!(f, "message of {stack}: {message} ({}, rank {})", entry.cause, entry.rank)?;
        }
        for issuer in in_order(&policy.issuers) {
            writeln!(f)?;
            show_issuer(f, issuer)?;
        }
        if !policy.judges_issuers() {
            writeln!(f, "\nany issuer")?;
            show_rules(f, policy.union())?;
        }
        let doubtful: Vec<String> =
            policy.warnings().iter().chain(policy.doubts()).map(ToString::to_string).collect();
        writeln!(f, "\ndoubtful:{}", if doubtful.is_empty() { " nothing" } else { "" })?;
        for doubt in &doubtful {
            writeln!(f, "  {doubt}")?;
        }
        writeln!(
            f,
            "\n{}, {}, {} doubtful",
            count(policy.issuers.len(), "issuer"),
            count(policy.union().keys.iter().len(), "key"),
            doubtful.len()
        )
    }
}

fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

fn in_order(issuers: &[Issuer]) -> Vec<&Issuer> {
    let (mut exact, patterns): (Vec<&Issuer>, Vec<&Issuer>) =
        issuers.iter().partition(|issuer| matches!(issuer.name, IssuerName::Exact(_)));
    exact.sort_by_cached_key(|issuer| issuer.name.to_string());
    exact.extend(patterns);
    exact
}

fn list(values: &[String], none: &str) -> String {
    let mut values: Vec<String> = values.iter().map(|value| shown(value)).collect();
    values.sort();
    if values.is_empty() { none.to_owned() } else { values.join(", ") }
}

fn yes_or_no(value: bool) -> &'static str {
    if value { "yes" } else { "no" }
}

fn show_issuer(f: &mut fmt::Formatter<'_>, issuer: &Issuer) -> fmt::Result {
    match &issuer.name {
        IssuerName::Exact(_) => writeln!(f, "issuer {}", issuer.name)?,
        IssuerName::Pattern { .. } => writeln!(f, "issuers like {}", issuer.name)?,
    }
    writeln!(f, "  environment: {}", shown(&issuer.environment))?;
    writeln!(f, "  trusted: {}", yes_or_no(issuer.trusted))?;
    show_rules(f, &issuer.rules)
}

fn show_rules(f: &mut fmt::Formatter<'_>, rules: &Rules) -> fmt::Result {
    let audiences = rules.audiences.as_ref().map_or("not judged".to_owned(), |values| list(values, "none"));
    let algorithms =
        rules.algorithms.as_ref().map_or("everything but none".to_owned(), |values| list(values, "none"));
    writeln!(f, "  audiences: {audiences}")?;
    writeln!(f, "  algorithms: {algorithms}")?;
    match rules.token_type {
        Some(token_type) => writeln!(f, "  token type: {token_type}")?,
        None => writeln!(f, "  token type: any")?,
    }
    writeln!(f, "  required claims: {}", list(&rules.required_claims, "none"))?;
    let lifetime = rules.max_lifetime.map_or("any".to_owned(), duration::show);
    writeln!(f, "  longest lifetime: {lifetime}")?;
    writeln!(f, "  kid required: {}", yes_or_no(rules.require_kid))?;
    let mut sets: Vec<&KeySet> = rules.keys.sets().iter().collect();
    sets.sort_by_key(|set| (set.from.map(|from| from.millis()), &set.file));
    if sets.is_empty() {
        writeln!(f, "  keys: none, kid and signature are not judged")?;
    }
    for set in sets {
        writeln!(f, "  keys of {}, {}", shown(&set.file), window(set))?;
        let mut keys: Vec<&Key> = set.keys.iter().map(AsRef::as_ref).collect();
        keys.sort_by(|a, b| a.kid.cmp(&b.kid));
        for key in keys {
            show_key(f, key)?;
        }
    }
    Ok(())
}

fn window(set: &KeySet) -> String {
    match (set.from, set.until) {
        (_, Some(ALWAYS_RETIRED)) => "always retired".to_owned(),
        (None, None) => "always current".to_owned(),
        (Some(from), None) => format!("current from {from}"),
        (None, Some(until)) => format!("current until {until}"),
        (Some(from), Some(until)) => format!("current from {from} until {until}"),
    }
}

fn show_key(f: &mut fmt::Formatter<'_>, key: &Key) -> fmt::Result {
    match &key.kid {
        Some(kid) => write!(f, "    kid {}", shown(kid))?,
        None => write!(f, "    no kid")?,
    }
    write!(f, ": {}", key.kind)?;
    if let Some(alg) = &key.alg {
        write!(f, ", alg {}", shown(alg))?;
    }
    if let Some(usage) = &key.usage {
        write!(f, ", use {usage}")?;
    }
    if let Some(ops) = &key.key_ops {
        write!(f, ", key_ops {}", list(ops, "none"))?;
    }
    writeln!(f)
}
