//! `key_rotation_lag`: a key was retired, and tokens under it still come.
//!
//! Fires at [`FEW`] `stale_kid` findings whose signature is not known to be forged. `high` if the policy tells when the
//! key was retired and another key of the same issuer is seen in use: then a rotation took place and somebody missed it.
//! `medium` otherwise, because the policy's `until` may be what is wrong.
//!
//! Who is late is told by `iat`: a token that was issued after the key was retired is the issuer's fault, one from before
//! is kept by a client.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::facts::{Facts, Given, Seen, Token};
use super::group::{Group, Groups};
use super::keys::KeyName;
use super::phrase::{between, counted, duration, findings, name};
use super::rules::Rule;
use super::{Confidence, FEW, Hint, HintName, MessageCount};
use crate::timestamp::Timestamp;
use crate::verdict::{SignatureStatus, Verdict, VerdictSet};

/// A retired key: its `kid`, and when it was retired, if that is known.
type Retired = (Option<Arc<str>>, Option<Timestamp>);

/// Tokens under retired keys.
#[derive(Default)]
pub(super) struct KeyRotationLag {
    all: Group,
    /// The same by key. A token that was seen before and after a key set ended may be in two of them.
    keys: Groups<Retired>,
    /// Those that were issued after their key was retired.
    from_issuer: Group,
    /// When the last token of each source was seen, and whether that stands in other sources too.
    last: BTreeMap<u32, (Option<Timestamp>, bool)>,
    /// Every issuer whose tokens name a retired key, forged ones included.
    issuers: BTreeSet<KeyName>,
}

impl Rule<'_> for KeyRotationLag {
    const VERDICTS: VerdictSet = VerdictSet::of(&[Verdict::StaleKid]);

    fn add(&mut self, given: &Given<'_>, token: &Token<'_>) {
        let mut stale = token.of(Verdict::StaleKid).peekable();
        if stale.peek().is_none() {
            return;
        }
        let key = (token.facts.iss.clone(), token.facts.kid.clone());
        if !self.issuers.contains(&key) {
            self.issuers.insert(key);
        }
        for seen in stale.filter(|seen| seen.outcome.signature != SignatureStatus::Failed) {
            let until = retired_at(given, seen);
            self.all.add(seen);
            self.keys.add(&(seen.facts.kid.clone(), until), seen);
            let issued_after =
                until.zip(seen.facts.issued_at).is_some_and(|(until, at)| at.millis() >= until.millis());
            if issued_after {
                self.from_issuer.add(seen);
            }
            let is_elsewhere = seen.count.sources.sources().nth(1).is_some();
            for source in seen.count.sources.sources() {
                let known = self.last.entry(source).or_default();
                *known = (*known).max((seen.count.last_seen, is_elsewhere));
            }
        }
    }

    fn merge(&mut self, other: Self) {
        self.all.merge(&other.all);
        self.keys.merge(other.keys);
        self.from_issuer.merge(&other.from_issuer);
        for (source, last) in other.last {
            let known = self.last.entry(source).or_default();
            *known = (*known).max(last);
        }
        self.issuers.extend(other.issuers);
    }

    fn find(&self, facts: &Facts<'_>, _: &[MessageCount]) -> Option<Hint> {
        let Self { all, from_issuer, .. } = self;
        if all.occurrences < FEW {
            return None;
        }
        let keys = self.keys.told(Some);
        let ((kid, until), worst) = keys.first()?;
        let (kid, is_rotated) = (kid.as_deref(), self.another_key_is_used(facts, kid));
        let confidence = if until.is_some() && is_rotated { Confidence::High } else { Confidence::Medium };
        let mut evidence = format!("{} under kid {}", findings(all), name(kid));
        if keys.len() > 1 {
            evidence +=
                &format!(" ({}) and {}", worst.occurrences, counted(keys.len() as u64 - 1, "other kid"));
        }
        match until {
            Some(until) => {
                evidence += &format!(" after it was retired at {until}");
                if let Some(lag) = between(Some(*until), all.last_seen) {
                    evidence += &format!(", for {}", duration(lag));
                }
                evidence += &format!(
                    "; {} of the tokens were issued after that, {} before",
                    from_issuer.tokens,
                    all.tokens.saturating_sub(from_issuer.tokens)
                );
            }
            None => evidence += ", which the policy calls retired",
        }
        let lag = |source| self.lag(source, *until).map(|lag| format!(", for {lag}")).unwrap_or_default();
        evidence += &format!("; {}", facts.places_with(&all.sources, lag));
        let from_clients = all.occurrences - from_issuer.occurrences;
        let check = what_to_check(&name(kid), from_issuer.occurrences, from_clients);
        Some(all.hint(HintName::KeyRotationLag, confidence, evidence, check))
    }
}

impl KeyRotationLag {
    /// For how long a source was late, if its last stale token stands in no other source: of one that does it is not known
    /// where it was seen last.
    fn lag(&self, source: u32, until: Option<Timestamp>) -> Option<String> {
        let (at, _) = self.last.get(&source).filter(|(_, is_elsewhere)| !is_elsewhere)?;
        Some(duration(between(until, *at)?))
    }

    /// Whether tokens of an issuer whose key is retired are seen under another key, which is current.
    fn another_key_is_used(&self, facts: &Facts<'_>, kid: &Option<Arc<str>>) -> bool {
        facts.keys.iter().any(|used| {
            used.counts.is_current
                && used.kid != *kid
                && self.issuers.contains(&(used.iss.clone(), kid.clone()))
        })
    }
}

/// The last time before a stale token was seen that a set with the key it names ended.
fn retired_at(given: &Given<'_>, seen: Seen<'_>) -> Option<Timestamp> {
    let kid = seen.facts.kid.as_deref();
    let entries = kid.map_or(&[][..], |kid| given.rules_of(seen.facts).keys.with_kid(kid));
    let ends = entries.iter().filter_map(|entry| entry.until);
    // A set that ended before anything was logged tells no time.
    let known = ends
        .filter(|until| until.millis() > i64::MIN && seen.count.last_seen.is_none_or(|seen| *until <= seen));
    known.max()
}

fn what_to_check(kid: &str, from_issuer: u64, from_clients: u64) -> String {
    let issuer = format!(
        "Find the issuer's instance that still signs with {kid} (tokens with an iat after its end) and make it load the \
         new key; the verifiers are right to refuse"
    );
    let clients = "Make clients renew a token that is refused, and next time keep the old key published for one token \
                   lifetime after the new one signs (in the policy: a later until)";
    match (from_issuer >= FEW, from_clients >= FEW) {
        (true, true) => format!("{issuer}. {clients}"),
        (true, false) => issuer,
        _ if from_issuer > from_clients => issuer,
        _ => clients.to_owned(),
    }
}
