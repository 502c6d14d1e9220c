//! The rows of `live.csv`: tokens that are still usable, most urgent first.
//!
//! A token is usable while somebody may accept it who should not have it: it is whole and signed, it has not expired
//! (an `exp` in milliseconds is none: verifiers read it as seconds), and nothing shows that its signature is forged. What else fails does not matter: a token of another environment, for
//! another audience or under a key that the policy does not know is good where it belongs, one that is not valid yet will
//! be, and a retired key is still in somebody's cache.
//!
//! Most urgent is what can be misused the longest, because what expires within the hour will be harmless before anybody
//! has revoked it: first what never expires, then the latest expiry first, then the order of fingerprints.

use std::cmp::Reverse;

use super::Report;
use super::cell::Cell;
use super::rows::{LiveRow, Shown};
use super::tokens::{audiences, distinct_sources, first_location};
use crate::secret::Fingerprint;
use crate::tally::{TokenFacts, TokenTally};
use crate::timestamp::Timestamp;
use crate::verdict::{KeyStatus, Outcome, Verdict};

impl<'a> Report<'a> {
    /// How many tokens are still usable: the rows of `live.csv`.
    #[must_use]
    pub fn live_tokens(&self) -> usize {
        self.live().len()
    }

    /// The rows of `live.csv`.
    pub(super) fn live_rows(&self) -> impl Iterator<Item = LiveRow<'a>> {
        let now = self.findings.now;
        self.live().iter().map(move |&(fingerprint, token)| row(fingerprint, token, now))
    }

    /// The tokens that are still usable, in order.
    fn live(&self) -> &[(Fingerprint, &'a TokenTally)] {
        self.live.get_or_init(|| {
            let is_live = |token: &TokenTally| {
                usable_until(&token.facts).is_none_or(|exp| self.is_before(exp))
                    && token.outcomes.iter().any(|(outcome, _)| is_usable(outcome))
            };
            let mut live: Vec<_> = self.tokens.iter().copied().filter(|(_, token)| is_live(token)).collect();
            live.sort_by_key(|(fingerprint, token)| {
                let expiry = usable_until(&token.facts);
                (expiry.is_some(), Reverse(expiry.map(Timestamp::millis)), *fingerprint)
            });
            live
        })
    }

    /// Whether a verifier that grants the leeway still takes a token with this `exp`.
    fn is_before(&self, exp: Timestamp) -> bool {
        self.findings.now.millis() < exp.millis().saturating_add(self.findings.leeway)
    }
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
fn usable_until(facts: &TokenFacts) -> Option<Timestamp> {
    facts.expires_at.filter(|_| !facts.exp_in_milliseconds)
}

fn row(fingerprint: Fingerprint, token: &TokenTally, now: Timestamp) -> LiveRow<'_> {
    let facts = &*token.facts;
    let counts = || token.outcomes.iter().map(|(_, count)| count);
    LiveRow {
        fingerprint: Shown(fingerprint),
        iss: Cell::maybe(facts.iss.as_deref()),
        aud: audiences(facts),
        sub_fingerprint: facts.sub_fingerprint.map(Shown),
        expires_at: facts.expires_at.map(Shown),
        remaining_s: usable_until(facts).map(|exp| seconds_left(now, exp)),
        occurrences: counts().map(|count| count.occurrences).sum(),
        sources: distinct_sources(counts()),
        first_location: first_location(counts()),
    }
}

/// Whole seconds until `exp`, rounded down; none are left of a token that only the leeway keeps alive.
fn seconds_left(now: Timestamp, exp: Timestamp) -> i64 {
    exp.millis().saturating_sub(now.millis()).max(0) / 1000
}
