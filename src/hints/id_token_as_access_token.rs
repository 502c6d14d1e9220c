//! `id_token_as_access_token`: clients send the token that tells them who has logged in to an API, which needs the other.
//!
//! Counts `wrong_token_type`/`id_token`, and what is `wrong_audience` first: an ID token names the client (OpenID Connect Core §2), and
//! audiences are checked before types. Fires at [`FEW`] findings: `high` if they are of [`FEW`] tokens, because a client that is
//! set up so sends nothing else; `medium` if they are of fewer.

use super::facts::{Facts, Group, Seen, grouped};
use super::phrase::{findings, list, name};
use super::{Confidence, FEW, Hint, HintName};
use crate::verdict::{TokenType, Verdict};

pub(super) fn find(facts: &Facts<'_>) -> Option<Hint> {
    let sent = || {
        let names_client = |seen: &Seen<'_>| {
            let fails_too = seen.outcome.also.contains(Verdict::WrongTokenType);
            fails_too && seen.facts.token_type == Some(TokenType::Id)
        };
        let by_type = facts.with(Verdict::WrongTokenType, &["id_token"]);
        by_type.chain(facts.of(Verdict::WrongAudience).filter(names_client))
    };
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
