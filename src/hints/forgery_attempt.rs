//! `forgery_attempt`: somebody tries what gets past a careless verifier.
//!
//! Counted are: `alg_none`; an HMAC where the key or the issuer's allowed algorithms are asymmetric (the public key taken
//! for a secret); a signature that does not verify under a `kid` that the policy knows, and under which at least
//! [`GENUINE`] times as many tokens do verify (if nearly none do, the key in the policy is wrong, not the tokens).
//! Fires at [`FEW`] findings. `high` if they are of two kinds or more, because that is how one looks for a gap; `medium`
//! if of one: a broken client can make these too.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::facts::{Facts, Given, Seen, Token};
use super::group::Group;
use super::keys::KeyName;
use super::phrase::{findings, list};
use super::rules::Rule;
use super::{Confidence, FEW, Hint, HintName, MessageCount};
use crate::policy::KeyStatus;
use crate::verdict::{Verdict, VerdictSet};

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

/// What somebody tries.
#[derive(Default)]
pub(super) struct ForgeryAttempt {
    /// A token without a signature is nothing else at any time.
    unsigned: Group,
    confusion: Group,
    /// By the key that a signature is not of: which of them are forged is known when all tokens are.
    tampered: BTreeMap<KeyName, Tampered>,
}

/// Signatures that are not a known key's.
#[derive(Default)]
struct Tampered {
    group: Group,
    /// How many of the tokens are counted under confusion as well, at another time.
    confused: u64,
}

impl Tampered {
    fn merge(&mut self, other: &Self) {
        self.group.merge(&other.group);
        self.confused += other.confused;
    }
}

impl Rule<'_> for ForgeryAttempt {
    const VERDICTS: VerdictSet = VerdictSet::of(&[
        Verdict::AlgNone,
        Verdict::AlgNotAllowed,
        Verdict::AlgKeyMismatch,
        Verdict::InvalidSignature,
    ]);

    fn add(&mut self, given: &Given<'_>, token: &Token<'_>) {
        token.of(Verdict::AlgNone).for_each(|seen| self.unsigned.add(seen));
        let is_hmac = |seen: &Seen<'_>| seen.facts.alg.as_deref().is_some_and(|alg| alg.starts_with("HS"));
        let not_allowed = token.of(Verdict::AlgNotAllowed).filter(|seen| allows_key_pairs_only(given, *seen));
        let mut is_confused = false;
        for seen in token.of(Verdict::AlgKeyMismatch).chain(not_allowed).filter(is_hmac) {
            self.confusion.add(seen);
            is_confused = true;
        }
        let is_known =
            |seen: &Seen<'_>| matches!(seen.outcome.key_status, KeyStatus::Current | KeyStatus::Retired);
        let mut failed = token.of(Verdict::InvalidSignature).filter(is_known).peekable();
        if failed.peek().is_some() {
            let key = (token.facts.iss.clone(), token.facts.kid.clone());
            let tampered = self.tampered.entry(key).or_default();
            failed.for_each(|seen| tampered.group.add(seen));
            tampered.confused += u64::from(is_confused);
        }
    }

    fn merge(&mut self, other: Self) {
        self.unsigned.merge(&other.unsigned);
        self.confusion.merge(&other.confusion);
        for (key, tampered) in other.tampered {
            self.tampered.entry(key).or_default().merge(&tampered);
        }
    }

    fn find(&self, facts: &Facts<'_>, _: &[MessageCount]) -> Option<Hint> {
        let tampered = self.tampered(facts);
        let mut tricks = vec![
            (Trick::Unsigned, &self.unsigned),
            (Trick::Confusion, &self.confusion),
            (Trick::Tampered, &tampered.group),
        ];
        tricks.retain(|(_, group)| group.occurrences > 0);
        tricks.sort_by_key(|(trick, group)| (Reverse(group.occurrences), *trick));
        let mut all: Group = tricks.iter().map(|(_, group)| *group).collect();
        // They are in two of these groups.
        all.tokens -= tampered.confused;
        if all.occurrences < FEW {
            return None;
        }
        let confidence = if tricks.len() > 1 { Confidence::High } else { Confidence::Medium };
        let told =
            list(tricks.iter().map(|(trick, group)| format!("{} ({})", trick.told(), group.occurrences)));
        let evidence = format!("{} try {told}; {}", findings(&all), facts.places(&all.sources));
        let check = "See in the lines (occurrences.csv) who sent them and whether any was answered with 200: a verifier that \
                     took one must be fixed at once, to allow only the issuer's algorithms; if none did, block the sender"
            .to_owned();
        Some(all.hint(HintName::ForgeryAttempt, confidence, evidence, check))
    }
}

impl ForgeryAttempt {
    /// The signatures that are not of keys which verify many others.
    fn tampered(&self, facts: &Facts<'_>) -> Tampered {
        let mut all = Tampered::default();
        for ((iss, kid), tampered) in &self.tampered {
            let counts = facts.keys.counts(iss.as_ref(), kid.as_ref());
            if counts.verified >= counts.failed * GENUINE {
                all.merge(tampered);
            }
        }
        all
    }
}

fn allows_key_pairs_only(given: &Given<'_>, seen: Seen<'_>) -> bool {
    let allowed = given.rules_of(seen.facts).algorithms.as_deref();
    allowed.is_some_and(|allowed| !allowed.iter().any(|alg| alg.starts_with("HS")))
}
