//! `id_token_as_access_token`: clients send the token that tells them who has logged in to an API, which needs the other.
//!
//! Fires at [`FEW`] `wrong_token_type`/`id_token` findings: `high` if they are of [`FEW`] tokens, because a client that is
//! set up so sends nothing else; `medium` if they are of fewer.

use super::facts::{Facts, Group, grouped};
use super::phrase::{findings, list, name};
use super::{Confidence, FEW, Hint, HintName};
use crate::verdict::Verdict;

pub(super) fn find(facts: &Facts<'_>) -> Option<Hint> {
    let sent = || facts.with(Verdict::WrongTokenType, &["id_token"]);
    let all: Group = sent().collect();
    if all.occurrences < FEW {
        return None;
    }
    let confidence = if all.distinct_tokens() >= FEW { Confidence::High } else { Confidence::Medium };
    let audiences = grouped(sent().map(|seen| (name(seen.facts.aud.first().map(|aud| &**aud)), seen)));
    let audiences = list(audiences.iter().map(|(aud, group)| format!("{aud} ({})", group.occurrences)));
    let evidence = format!(
        "{} are ID tokens where access tokens are expected, for audience {audiences}; {}",
        findings(&all),
        facts.places(&all.sources)
    );
    let check = "Find the client (clients.csv names it) and make it send the access_token of the token response, not the \
                 id_token; it has to ask for this API's audience or scope when it logs in"
        .to_owned();
    Some(all.hint(HintName::IdTokenAsAccessToken, confidence, evidence, check))
}
