//! `forgery_attempt`: somebody tries what gets past a careless verifier.
//!
//! Counted are: `alg_none`; an HMAC where the key or the issuer's allowed algorithms are asymmetric (the public key taken
//! for a secret); a signature that does not verify under a `kid` that the policy knows, and under which at least
//! [`GENUINE`] times as many tokens do verify (if nearly none do, the key in the policy is wrong, not the tokens).
//! Fires at [`FEW`] findings. `high` if they are of two kinds or more, because that is how one looks for a gap; `medium`
//! if of one: a broken client can make these too.

use foldhash::HashMap;

use super::facts::{Facts, Group, Seen, grouped, outcomes_of};
use super::phrase::{findings, list};
use super::{Confidence, FEW, Hint, HintName};
use crate::policy::KeyStatus;
use crate::tally::TokenFacts;
use crate::verdict::{SignatureStatus, Verdict};

/// How many tokens of a key verify for each that does not, if those that do not are forged.
const GENUINE: u64 = 9;

/// What somebody tries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trick {
    Unsigned,
    Confusion,
    Tampered,
}

impl Trick {
    const fn told(self) -> &'static str {
        match self {
            Self::Unsigned => "alg none",
            Self::Confusion => "an HMAC in place of a key pair",
            Self::Tampered => "a signature that is not the known key's",
        }
    }
}

pub(super) fn find(facts: &Facts<'_>) -> Option<Hint> {
    let keys = verified_by_key(facts);
    let tricks = grouped(facts.failing().filter_map(|seen| Some((trick(facts, &keys, seen)?, seen))));
    let mut all = Group::default();
    tricks.iter().for_each(|(_, group)| all.merge(group));
    if all.occurrences < FEW {
        return None;
    }
    let confidence = if tricks.len() > 1 { Confidence::High } else { Confidence::Medium };
    let told = list(tricks.iter().map(|(trick, group)| format!("{} ({})", trick.told(), group.occurrences)));
    let evidence = format!("{} try {told}; {}", findings(&all), facts.places(&all.sources));
    let check = "See in the lines (occurrences.csv) who sent them and whether any was answered with 200: a verifier that took \
                 one must be fixed at once, to allow only the issuer's algorithms; if none did, block the sender"
        .to_owned();
    Some(all.hint(HintName::ForgeryAttempt, confidence, evidence, check))
}

/// How many tokens verify, and how many do not, under each issuer's `kid`.
type Keys<'a> = HashMap<(Option<&'a str>, Option<&'a str>), (u64, u64)>;

fn key_of(facts: &TokenFacts) -> (Option<&str>, Option<&str>) {
    (facts.iss.as_deref(), facts.kid.as_deref())
}

/// The keys under which a signature did not verify.
fn verified_by_key<'a>(facts: &Facts<'a>) -> Keys<'a> {
    let failed = facts.of(Verdict::InvalidSignature);
    let mut keys: Keys<'a> = failed.map(|seen| (key_of(seen.facts), (0, 0))).collect();
    if keys.is_empty() {
        return keys;
    }
    for token in facts.tokens {
        let Some((verified, failed)) = keys.get_mut(&key_of(&token.1.facts)) else { continue };
        let has = |status| outcomes_of(token).any(|seen| seen.outcome.signature == status);
        *verified += u64::from(has(SignatureStatus::Verified));
        *failed += u64::from(has(SignatureStatus::Failed));
    }
    keys
}

fn trick(facts: &Facts<'_>, keys: &Keys<'_>, seen: Seen<'_>) -> Option<Trick> {
    let is_hmac = seen.facts.alg.as_deref().is_some_and(|alg| alg.starts_with("HS"));
    match seen.outcome.verdict {
        Verdict::AlgNone => Some(Trick::Unsigned),
        Verdict::AlgKeyMismatch if is_hmac => Some(Trick::Confusion),
        Verdict::AlgNotAllowed if is_hmac && allows_key_pairs_only(facts, seen) => Some(Trick::Confusion),
        Verdict::InvalidSignature => {
            let known = matches!(seen.outcome.key_status, KeyStatus::Current | KeyStatus::Retired);
            let (verified, failed) = keys.get(&key_of(seen.facts)).copied()?;
            (known && verified >= failed * GENUINE).then_some(Trick::Tampered)
        }
        _ => None,
    }
}

fn allows_key_pairs_only(facts: &Facts<'_>, seen: Seen<'_>) -> bool {
    let allowed = facts.rules_of(seen.facts).algorithms.as_deref();
    allowed.is_some_and(|allowed| !allowed.iter().any(|alg| alg.starts_with("HS")))
}
