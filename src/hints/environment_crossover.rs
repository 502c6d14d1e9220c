//! `environment_crossover`: tokens of one environment in another.
//!
//! Fires at [`FEW`] findings whose issuer the policy knows and does not trust, whatever else fails first, or whose audience
//! is another environment's. `high` if an issuer says so, because a token's issuer is not chosen by its user; `medium` if
//! only audiences do.

use std::sync::Arc;

use super::facts::{Facts, Given, Seen, Token};
use super::group::{Group, Groups};
use super::phrase::{findings, list, name};
use super::rules::Rule;
use super::{Confidence, FEW, Hint, HintName, MessageCount};
use crate::policy::{Issuer, Policy};
use crate::verdict::{Verdict, VerdictSet};

/// Tokens of another environment.
#[derive(Default)]
pub(super) struct EnvironmentCrossover {
    all: Group,
    /// Those of strangers, by issuer.
    strangers: Groups<Option<Arc<str>>>,
    /// Those for strangers, by audience.
    audiences: Groups<Option<Arc<str>>>,
}

impl Rule<'_> for EnvironmentCrossover {
    const VERDICTS: VerdictSet = {
        let mut failing = VerdictSet::of(Verdict::ALL);
        failing.remove(Verdict::Valid);
        failing
    };

    fn add(&mut self, given: &Given<'_>, token: &Token<'_>) {
        let fails = |seen: &Seen<'_>| {
            seen.outcome.verdict == Verdict::WrongIssuer || seen.outcome.also.contains(Verdict::WrongIssuer)
        };
        let mut strange = token.outcomes().filter(fails).peekable();
        if strange.peek().is_some() && elsewhere(given.policy, token.facts.iss.as_deref()).is_some() {
            for seen in strange {
                self.all.add(seen);
                self.strangers.add(&seen.facts.iss, seen);
            }
        }
        for seen in token.with(Verdict::WrongAudience, &["environment"]) {
            // The first one that some issuer's rules name.
            let foreign = seen.facts.aud.iter().find(|aud| given.policy.knows_audience(aud));
            self.all.add(seen);
            self.audiences.add(&foreign.cloned(), seen);
        }
    }

    fn merge(&mut self, other: Self) {
        self.all.merge(&other.all);
        self.strangers.merge(other.strangers);
        self.audiences.merge(other.audiences);
    }

    fn find(&self, facts: &Facts<'_>, _: &[MessageCount]) -> Option<Hint> {
        let Self { all, strangers, audiences } = self;
        let policy = facts.given.policy;
        if all.occurrences < FEW {
            return None;
        }
        let confidence =
            if strangers.sum().occurrences >= FEW { Confidence::High } else { Confidence::Medium };
        let strangers = strangers.told(|iss| {
            let iss = iss.as_deref();
            Some((name(iss), elsewhere(policy, iss)?.environment.as_str()))
        });
        let mut what: Vec<_> = strangers
            .iter()
            .map(|((iss, environment), group)| {
                format!("issuer {iss} of {environment} ({})", group.occurrences)
            })
            .collect();
        let foreign = audiences.told(|aud| Some(name(aud.as_deref())));
        what.extend(foreign.iter().map(|(aud, group)| format!("audience {aud} ({})", group.occurrences)));
        let evidence = format!(
            "{} are of another environment than {}: {}; {}",
            findings(all),
            here(policy),
            list(what.into_iter()),
            facts.places(&all.sources)
        );
        let check = format!(
            "Find the client that is set up with the {} issuer and calls here (clients.csv names it), and correct its token \
             endpoint or its target; do not allow the other environment's issuer",
            strangers.first().map_or("other environment's", |((_, environment), _)| environment)
        );
        Some(all.hint(HintName::EnvironmentCrossover, confidence, evidence, check))
    }
}

/// The issuer, if the policy knows it as another environment's.
fn elsewhere<'p>(policy: &'p Policy, iss: Option<&str>) -> Option<&'p Issuer> {
    policy.issuer_of(iss?).filter(|issuer| !issuer.trusted)
}

/// The environments that are trusted.
fn here(policy: &Policy) -> String {
    let trusted = policy.issuers.iter().filter(|issuer| issuer.trusted);
    let mut trusted: Vec<_> = trusted.map(|issuer| issuer.environment.as_str()).collect();
    trusted.sort_unstable();
    trusted.dedup();
    match trusted.as_slice() {
        [] => "any that is trusted".to_owned(),
        environments => list(environments.iter().map(ToString::to_string)),
    }
}
