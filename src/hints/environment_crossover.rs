//! `environment_crossover`: tokens of one environment in another.
//!
//! Fires at [`FEW`] findings whose issuer the policy knows and does not trust, whatever else fails first, or whose audience
//! is another environment's. `high` if an issuer says so, because a token's issuer is not chosen by its user; `medium` if
//! only audiences do.

use super::facts::{Facts, Group, Seen, grouped};
use super::phrase::{findings, list, name};
use super::{Confidence, FEW, Hint, HintName};
use crate::policy::Issuer;
use crate::verdict::Verdict;

pub(super) fn find(facts: &Facts<'_>) -> Option<Hint> {
    let strangers: Vec<_> = facts
        .failing()
        .filter_map(|seen| Some((seen, elsewhere(facts, seen)?.environment.as_str())))
        .collect();
    let audiences = || facts.with(Verdict::WrongAudience, &["environment"]);
    let of_issuers: u64 = strangers.iter().map(|(seen, _)| seen.count.occurrences).sum();
    let all: Group = strangers.iter().map(|(seen, _)| *seen).chain(audiences()).collect();
    if all.occurrences < FEW {
        return None;
    }
    let confidence = if of_issuers >= FEW { Confidence::High } else { Confidence::Medium };
    let strangers = strangers.into_iter();
    let strangers =
        grouped(strangers.map(|(seen, environment)| ((name(seen.facts.iss.as_deref()), environment), seen)));
    let mut what: Vec<_> = strangers
        .iter()
        .map(|((iss, environment), group)| format!("issuer {iss} of {environment} ({})", group.occurrences))
        .collect();
    let foreign = grouped(audiences().map(|seen| (foreign_audience(facts, seen), seen)));
    what.extend(foreign.iter().map(|(aud, group)| format!("audience {aud} ({})", group.occurrences)));
    let mut trusted: Vec<_> = facts
        .policy
        .issuers
        .iter()
        .filter(|issuer| issuer.trusted)
        .map(|issuer| issuer.environment.as_str())
        .collect();
    trusted.sort_unstable();
    trusted.dedup();
    let trusted = trusted.iter().map(ToString::to_string);
    let here = if trusted.len() == 0 { "any that is trusted".to_owned() } else { list(trusted) };
    let evidence = format!(
        "{} are of another environment than {here}: {}; {}",
        findings(&all),
        list(what.into_iter()),
        facts.places(&all.sources)
    );
    let check = format!(
        "Find the client that is set up with the {} issuer and calls here (clients.csv names it), and correct its token \
         endpoint or its target; do not allow the other environment's issuer",
        strangers.first().map_or_else(
            || "other environment's".to_owned(),
            |((_, environment), _)| (*environment).to_owned()
        )
    );
    Some(all.hint(HintName::EnvironmentCrossover, confidence, evidence, check))
}

/// The issuer of a finding, if the policy knows it as another environment's.
fn elsewhere<'a>(facts: &Facts<'a>, seen: Seen<'a>) -> Option<&'a Issuer> {
    let fails =
        seen.outcome.verdict == Verdict::WrongIssuer || seen.outcome.also.contains(Verdict::WrongIssuer);
    let issuer = facts.policy.issuer_of(seen.facts.iss.as_deref().filter(|_| fails)?)?;
    (!issuer.trusted).then_some(issuer)
}

/// The first audience of a token that some issuer's rules name.
fn foreign_audience(facts: &Facts<'_>, seen: Seen<'_>) -> String {
    name(seen.facts.aud.iter().find(|aud| facts.policy.knows_audience(aud)).map(|aud| &**aud))
}
