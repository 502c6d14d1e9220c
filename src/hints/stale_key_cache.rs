//! `stale_key_cache`: a verifier does not know the key of a token, or calls its signature wrong, and yet the signature
//! verifies with a key that is current.
//!
//! Fires at [`FEW`] such messages. `high` if the first comes within [`SOON`] after keys of the policy were published: then
//! the verifier still has the keys of before. `medium` otherwise: it may be set up with another issuer's keys.

use super::facts::Facts;
use super::messages::{Complaint, MessageCount, gathered};
use super::phrase::{counted, duration, list};
use super::rules::Rule;
use super::{Confidence, FEW, Hint, HintName};
use crate::policy::KeyStatus;
use crate::timestamp::Timestamp;
use crate::verdict::SignatureStatus;

/// How long after a rotation, in milliseconds, a cache of keys may be the cause: libraries and gateways keep keys for
/// minutes to hours, a day at most.
const SOON: i64 = 24 * 3600 * 1000;

/// Looks at messages alone.
#[derive(Default)]
pub(super) struct StaleKeyCache;

impl Rule<'_> for StaleKeyCache {
    fn find(&self, facts: &Facts<'_>, messages: &[MessageCount]) -> Option<Hint> {
        let all = gathered(messages.iter().filter(|message| contradicts(message)));
        if all.group.occurrences < FEW {
            return None;
        }
        let published = published_before(facts, all.group.first_seen);
        let soon = published.zip(all.group.first_seen).map(|(from, seen)| seen.millis() - from.millis());
        let soon = soon.filter(|millis| *millis <= SOON);
        let stacks = list(all.stacks.iter().map(|(stack, count)| format!("{stack} ({count})")));
        let mut evidence = format!(
            "{} of {} call the key unknown or the signature wrong, of tokens that verify with a current key: {stacks}",
            counted(all.group.occurrences, "message"),
            counted(all.stacks.len() as u64, "verifier"),
        );
        if let (Some(millis), Some(from)) = (soon, published) {
            evidence +=
                &format!("; the first comes {} after keys were published at {from}", duration(millis));
        }
        evidence += &format!("; {}", facts.places(&all.group.sources));
        let check = "Restart the verifier, or drop its cached key set, and see the messages end; then make it fetch the key \
                     set again when it meets a kid that it does not know, and check that it can reach the issuer's jwks_uri"
            .to_owned();
        let confidence = if soon.is_some() { Confidence::High } else { Confidence::Medium };
        Some(all.group.hint(HintName::StaleKeyCache, confidence, evidence, check))
    }
}

/// Whether the message blames a key or a signature with which nothing is wrong.
fn contradicts(message: &MessageCount) -> bool {
    matches!(message.complaint, Complaint::UnknownKey | Complaint::Signature)
        && message.key_status == KeyStatus::Current
        && message.signature == SignatureStatus::Verified
}

/// The last time before an instant at which the policy has keys published.
fn published_before(facts: &Facts<'_>, at: Option<Timestamp>) -> Option<Timestamp> {
    let issuers = facts.given.policy.issuers.iter().map(|issuer| &issuer.rules);
    let sets = issuers.chain([facts.given.policy.union()]).flat_map(|rules| rules.keys.sets());
    sets.filter_map(|set| set.from).filter(|from| at.is_some_and(|at| *from <= at)).max()
}
