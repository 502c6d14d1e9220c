//! `id_token_as_access_token`: clients send the token that tells them who has logged in to an API, which needs the other.
//!
//! Counts `wrong_token_type`/`id_token`, and what is `wrong_audience` first: an ID token names the client (OpenID Connect Core §2), and
//! audiences are checked before types. Fires at [`FEW`] findings: `high` if they are of [`FEW`] tokens, because a client that is
//! set up so sends nothing else; `medium` if they are of fewer.

use std::sync::Arc;

use super::facts::{Facts, Given, Seen, Token};
use super::group::Groups;
use super::phrase::{findings, list, name};
use super::rules::Rule;
use super::{Confidence, FEW, Hint, HintName, MessageCount};
use crate::verdict::{TokenType, Verdict, VerdictSet};

/// ID tokens by their first audience.
#[derive(Default)]
pub(super) struct IdTokenAsAccessToken(Groups<Option<Arc<str>>>);

impl Rule<'_> for IdTokenAsAccessToken {
    const VERDICTS: VerdictSet = VerdictSet::of(&[Verdict::WrongTokenType, Verdict::WrongAudience]);

    fn add(&mut self, _: &Given<'_>, token: &Token<'_>) {
        let names_client = |seen: &Seen<'_>| {
            let fails_too = seen.outcome.also.contains(Verdict::WrongTokenType);
            fails_too && seen.facts.token_type == Some(TokenType::Id)
        };
        let by_type = token.with(Verdict::WrongTokenType, &["id_token"]);
        for seen in by_type.chain(token.of(Verdict::WrongAudience).filter(names_client)) {
            self.0.add(&seen.facts.aud.first().cloned(), seen);
        }
    }

    fn merge(&mut self, other: Self) {
        self.0.merge(other.0);
    }

    fn find(&self, facts: &Facts<'_>, _: &[MessageCount]) -> Option<Hint> {
        let all = self.0.sum();
        if all.occurrences < FEW {
            return None;
        }
        let confidence = if all.tokens >= FEW { Confidence::High } else { Confidence::Medium };
        let audiences = self.0.told(|aud| Some(name(aud.as_deref())));
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
}
