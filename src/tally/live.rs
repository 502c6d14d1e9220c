//! Which tokens are still usable: the rule of `live.csv`.
//!
//! A token is usable while somebody may accept it who should not have it: it is whole and signed, it has not expired
//! (an `exp` in milliseconds is none: verifiers read it as seconds), and nothing shows that its signature is forged. What else fails does not matter: a token of another environment, for
//! another audience or under a key that the policy does not know is good where it belongs, one that is not valid yet will
//! be, and a retired key is still in somebody's cache.
//!
//! Most urgent is what can be misused the longest, because what expires within the hour will be harmless before anybody
//! has revoked it: first what never expires, then the latest expiry first, then the order of fingerprints.

use std::cmp::Reverse;

use super::{TokenFacts, TokenTally};
use crate::secret::Fingerprint;
use crate::timestamp::Timestamp;
use crate::verdict::{KeyStatus, Outcome, Verdict};

/// The tokens that are still usable at `now`, most urgent first. `leeway`, in milliseconds, is how long after its `exp`
/// verifiers still take a token.
#[must_use]
pub fn live_tokens<'a>(
    tokens: &[(Fingerprint, &'a TokenTally)],
    now: Timestamp,
    leeway: i64,
) -> Vec<(Fingerprint, &'a TokenTally)> {
    let mut live: Vec<_> = tokens.iter().copied().filter(|(_, token)| is_live(token, now, leeway)).collect();
    live.sort_by_key(|(fingerprint, token)| {
        let expiry = usable_until(&token.facts);
        (expiry.is_some(), Reverse(expiry.map(Timestamp::millis)), *fingerprint)
    });
    live
}

/// Whether a token is still usable at `now`.
#[must_use]
pub fn is_live(token: &TokenTally, now: Timestamp, leeway: i64) -> bool {
    let is_before = |exp: Timestamp| now.millis() < exp.millis().saturating_add(leeway);
    usable_until(&token.facts).is_none_or(is_before)
        && token.outcomes.iter().any(|(outcome, _)| is_usable(outcome))
}

/// How a token may be malformed that is whole: whoever reads the log undoes what a transport did to it, and most libraries
/// take the last of two members of one name.
const MENDED: [&str; 4] = ["url_encoded", "padded", "standard_base64", "duplicate_claim"];

/// Whether a token with this outcome is one that somebody may accept before it expires. What is certain to fail with
/// everybody is left out, and nothing else.
fn is_usable(outcome: &Outcome) -> bool {
    let fails = |step| outcome.verdict == step || outcome.also.iter().any(|also| also == step);
    match outcome.verdict {
        Verdict::Redacted | Verdict::Truncated | Verdict::Encrypted | Verdict::AlgNone => false,
        Verdict::Malformed if !MENDED.contains(&outcome.detail.as_str()) => false,
        // What the keys of another issuer make of it says nothing.
        _ if fails(Verdict::WrongIssuer) => true,
        // That no key at hand is for its `alg` says nothing either, unless `kid` names one.
        _ => {
            let names_a_key =
                matches!(outcome.key_status, KeyStatus::Current | KeyStatus::Retired | KeyStatus::Future);
            !fails(Verdict::InvalidSignature) && (!names_a_key || !fails(Verdict::AlgKeyMismatch))
        }
    }
}

/// From when on everybody refuses a token; `None`: never.
#[must_use]
pub fn usable_until(facts: &TokenFacts) -> Option<Timestamp> {
    facts.expires_at.filter(|_| !facts.exp_in_milliseconds)
}
