//! `policy_gap`: a verifier and the policy do not agree about issuers or audiences.
//!
//! Fires at [`FEW`] messages that blame an issuer or an audience which the policy judges and allows: `high` at [`MANY`],
//! else `medium`. The other way round, a verifier lets an issuer or an audience pass that the policy refuses; that shows
//! only where it goes on to complain about claims, which verifiers look at last: `low`, because some look at them first.

use super::facts::Facts;
use super::messages::{Complaint, MessageCount, gathered};
use super::phrase::{counted, list};
use super::rules::Rule;
use super::{Confidence, FEW, Hint, HintName, MANY};
use crate::verdict::Verdict;

/// Looks at messages alone.
#[derive(Default)]
pub(super) struct PolicyGap;

impl Rule<'_> for PolicyGap {
    fn find(&self, facts: &Facts<'_>, messages: &[MessageCount]) -> Option<Hint> {
        let stricter = gathered(messages.iter().filter(|message| verifier_is_stricter(facts, message)));
        let laxer = gathered(messages.iter().filter(|message| verifier_is_laxer(message)));
        let (all, what, confidence, check) = if stricter.group.occurrences >= FEW {
            let confidence =
                if stricter.group.occurrences >= MANY { Confidence::High } else { Confidence::Medium };
            let check = "Compare the verifier's configured issuer and audience with iss and audiences of the policy, \
                         character by character; whichever does not say what the issuer promises is to be changed";
            (stricter, "refuse an issuer or audience that the policy allows", confidence, check)
        } else if laxer.group.occurrences >= FEW {
            let check = "See whether the verifier checks iss and aud at all, and if it does, which values it allows; either \
                         it takes tokens that it should refuse, or the policy lacks a value";
            (
                laxer,
                "complain only about claims of tokens whose issuer or audience the policy refuses",
                Confidence::Low,
                check,
            )
        } else {
            return None;
        };
        let stacks = list(all.stacks.iter().map(|(stack, count)| format!("{stack} ({count})")));
        let evidence = format!(
            "{} of {} {what}: {stacks}; {}",
            counted(all.group.occurrences, "message"),
            counted(all.stacks.len() as u64, "verifier"),
            facts.places(&all.group.sources)
        );
        Some(all.group.hint(HintName::PolicyGap, confidence, evidence, check.to_owned()))
    }
}

/// Whether the verifier blames what the policy judges and finds right.
fn verifier_is_stricter(facts: &Facts<'_>, message: &MessageCount) -> bool {
    let reads_claims = !matches!(
        message.verdict,
        Verdict::Redacted | Verdict::Truncated | Verdict::Malformed | Verdict::Encrypted
    );
    let judges_audiences =
        || facts.given.policy.issuers.iter().any(|issuer| issuer.rules.audiences.is_some());
    reads_claims
        && match message.complaint {
            Complaint::Issuer => facts.given.policy.judges_issuers() && !message.fails(Verdict::WrongIssuer),
            Complaint::Audience => judges_audiences() && !message.fails(Verdict::WrongAudience),
            _ => false,
        }
}

/// Whether the verifier blames a claim where the policy blames issuer or audience.
fn verifier_is_laxer(message: &MessageCount) -> bool {
    message.complaint == Complaint::Claims
        && (message.fails(Verdict::WrongIssuer) || message.fails(Verdict::WrongAudience))
}
