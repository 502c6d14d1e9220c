//! Step 3: is the key that `kid` names one that signs at this time? (`unknown_kid`, `stale_kid`, `alg_key_mismatch`)

use super::signature::{self, Trial, TrialResult};
use super::{Failure, KeyStatus, SignatureStatus, Verdict};
use crate::policy::{KeyEntry, Mismatch, Rules};
use crate::timestamp::Timestamp;
use crate::token::{Signed, Token};

/// What can be asked about a token's key when an event time is known. It does not change with time.
#[derive(Clone, Debug)]
pub struct KeyQuestion {
    keys: Keys,
    token_is_unsigned: bool,
}

#[derive(Clone, Debug)]
enum Keys {
    /// The answer is the same at all times.
    Settled(KeyStatus, TrialResult),
    /// `kid` names these keys.
    Named(Vec<Trial>),
    /// There is no `kid`, or no key has one: all keys were tried.
    Tried {
        /// What can be said about `kid`.
        status: KeyStatus,
        /// The key that verifies the signature, as often as it was published.
        verified_by: Vec<KeyEntry>,
        /// What became of the signature where there is no such key.
        otherwise: TrialResult,
    },
}

/// What the key sets say about a token at an event time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyAnswer {
    /// Where the key stands that `kid` names.
    pub status: KeyStatus,
    /// Where the key stands that was found by trying.
    pub found: Option<KeyStatus>,
    /// Why none of the keys in question can be used with the token's `alg`.
    pub mismatch: Option<Mismatch>,
    /// What became of the signature.
    pub signature: SignatureStatus,
}

impl KeyQuestion {
    /// The question about a token. `knows_issuer` says whether `rules` are those of its own issuer: only its own
    /// issuer's key sets can tell that a `kid` is unknown, or that no key verifies a token without one.
    #[must_use]
    pub fn new(token: &Token, signed: Option<Signed<'_>>, rules: &Rules, knows_issuer: bool) -> Self {
        let keys = Keys::new(token, signed, rules, knows_issuer);
        Self { keys, token_is_unsigned: token.header.is_unsigned() }
    }

    /// The question about a signed token whose `kid` names these keys.
    #[cfg(test)]
    pub(super) const fn named(trials: Vec<Trial>) -> Self {
        Self { keys: Keys::Named(trials), token_is_unsigned: false }
    }

    /// The answer at the event time. Without one, only a key that never changes its status has one.
    #[must_use]
    pub fn answer(&self, at: Option<Timestamp>) -> KeyAnswer {
        let (status, found, result) = match &self.keys {
            Keys::Settled(status, result) => (*status, None, *result),
            Keys::Named(trials) => {
                let status = status_of(trials.iter().map(|trial| &trial.entry), at);
                // Of several keys of this name only those count that the status is of.
                let asked = |trial: &&Trial| at.is_none_or(|at| trial.entry.status(at) == status);
                let result = signature::sum(trials.iter().filter(asked));
                (status, None, result.unwrap_or(TrialResult::Untried))
            }
            Keys::Tried { status, verified_by, otherwise } if verified_by.is_empty() => {
                (*status, None, *otherwise)
            }
            Keys::Tried { status, verified_by, .. } => {
                (*status, Some(status_of(verified_by.iter(), at)), TrialResult::Verified)
            }
        };
        let mismatch = if let TrialResult::Misfit(mismatch) = result { Some(mismatch) } else { None };
        KeyAnswer { status, found, mismatch, signature: result.status(self.token_is_unsigned) }
    }

    /// Whether more keys are in question than are tried for one token.
    #[must_use]
    pub fn skips_keys(&self) -> bool {
        match &self.keys {
            Keys::Settled(..) => false,
            Keys::Named(trials) => trials.iter().any(|trial| trial.result == TrialResult::Skipped),
            Keys::Tried { verified_by, otherwise, .. } => {
                verified_by.is_empty() && *otherwise == TrialResult::Skipped
            }
        }
    }

    /// The instants, in milliseconds, at which the answer may change.
    pub fn turns(&self) -> impl Iterator<Item = i64> {
        let (trials, entries): (&[Trial], &[KeyEntry]) = match &self.keys {
            Keys::Settled(..) => (&[], &[]),
            Keys::Named(trials) => (trials, &[]),
            Keys::Tried { verified_by, .. } => (&[], verified_by),
        };
        let entries = trials.iter().map(|trial| &trial.entry).chain(entries);
        entries.flat_map(|entry| [entry.from, entry.until]).flatten().map(Timestamp::millis)
    }
}

impl Keys {
    fn new(token: &Token, signed: Option<Signed<'_>>, rules: &Rules, knows_issuer: bool) -> Self {
        let kid = token.header.kid.as_deref();
        // The `kid` of a JWE names a key that decrypts.
        if token.encrypted {
            return Self::Settled(KeyStatus::Unchecked, TrialResult::Untried);
        }
        let nothing_told = if kid.is_some() { KeyStatus::Unchecked } else { KeyStatus::Absent };
        if rules.keys.is_empty() {
            return Self::Settled(nothing_told, TrialResult::Untried);
        }
        // Keys that have no `kid` cannot tell which is meant.
        let names_keys = rules.keys.iter().any(|entry| entry.key.kid.is_some());
        if let Some(kid) = kid.filter(|_| names_keys) {
            let entries = rules.keys.with_kid(kid);
            if !entries.is_empty() {
                return Self::Named(signature::try_keys(token, signed, entries));
            }
            let status = if knows_issuer { KeyStatus::Unknown } else { KeyStatus::Unchecked };
            let can_verify = signed.is_some() && !token.header.is_unsigned();
            return Self::Settled(
                status,
                if can_verify { TrialResult::Impossible } else { TrialResult::Untried },
            );
        }
        // What is cut may have had a `kid`.
        if signed.is_none() {
            return Self::Settled(nothing_told, TrialResult::Untried);
        }
        let trials = signature::try_keys(token, signed, rules.keys.iter().as_slice());
        let (verified, others): (Vec<_>, Vec<_>) =
            trials.into_iter().partition(|trial| trial.result == TrialResult::Verified);
        let otherwise = match signature::sum(others.iter()).unwrap_or(TrialResult::Untried) {
            // That strangers' keys do not verify it says nothing.
            TrialResult::Failed | TrialResult::Misfit(_) if !knows_issuer => TrialResult::Impossible,
            result => result,
        };
        let verified_by = verified.into_iter().map(|trial| trial.entry).collect();
        Self::Tried { status: nothing_told, verified_by, otherwise }
    }
}

/// The best that any of the keys is at the event time.
fn status_of<'k>(mut entries: impl Iterator<Item = &'k KeyEntry>, at: Option<Timestamp>) -> KeyStatus {
    match at {
        Some(at) => entries.map(|entry| entry.status(at)).min().unwrap_or(KeyStatus::Unknown),
        None => {
            let always = |entry: &KeyEntry| entry.from.is_none() && entry.until.is_none();
            if entries.any(always) { KeyStatus::Current } else { KeyStatus::Unchecked }
        }
    }
}

/// How many public keys are compared with the secret of an HMAC token.
const CONFUSED_KEYS: usize = 64;

/// Whether an HMAC token was made with the text of a public key as its secret (RFC 8725 §2.1): one of those that its `kid`
/// names, or of all.
#[must_use]
pub fn check_confusion(token: &Token, signed: Option<Signed<'_>>, rules: &Rules) -> Option<Failure> {
    let (alg, signed) = token.header.alg.as_deref().zip(signed)?;
    let named = token.header.kid.as_deref().map_or(&[][..], |kid| rules.keys.with_kid(kid));
    let keys = if named.is_empty() { rules.keys.iter() } else { named.iter() };
    let is_confused =
        |entry: &KeyEntry| entry.key.is_taken_for_a_secret(alg, signed.signing_input, signed.signature);
    (alg.starts_with("HS") && keys.take(CONFUSED_KEYS).any(is_confused))
        .then(|| Failure::new(Verdict::AlgKeyMismatch, "kty"))
}

/// What a key's status says about a token. `require_kid` is the issuer's.
#[must_use]
pub fn check_status(status: KeyStatus, require_kid: bool) -> Option<Failure> {
    match status {
        KeyStatus::Unknown => Some(Failure::new(Verdict::UnknownKid, "unknown")),
        KeyStatus::Future => Some(Failure::new(Verdict::UnknownKid, "not_yet_published")),
        KeyStatus::Absent if require_kid => Some(Failure::new(Verdict::UnknownKid, "missing")),
        KeyStatus::Retired => Some(Failure::new(Verdict::StaleKid, "retired")),
        KeyStatus::Absent | KeyStatus::Current | KeyStatus::Unchecked => None,
    }
}

/// That no key in question can be used with the token's `alg` (RFC 8725 §3.1: one key, one algorithm).
#[must_use]
pub fn check_fit(mismatch: Option<Mismatch>) -> Option<Failure> {
    let detail = match mismatch? {
        Mismatch::Kty => "kty",
        Mismatch::Alg => "alg",
        Mismatch::Use => "use",
    };
    Some(Failure::new(Verdict::AlgKeyMismatch, detail))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, rsa_entry, token};
    use super::*;
    use crate::policy::{KeySet, KeySets};

    fn rules(entries: Vec<KeyEntry>) -> Rules {
        let set = |entry: KeyEntry| KeySet {
            file: "keys.json".into(),
            line: None,
            from: entry.from,
            until: entry.until,
            keys: vec![entry.key],
        };
        Rules { keys: KeySets::new(entries.into_iter().map(set).collect()), ..Rules::default() }
    }

    #[test]
    fn a_key_is_judged_by_its_windows_at_the_event_time() {
        let rules = rules(vec![
            rsa_entry("old", 2048, None, Some(100)),
            rsa_entry("now", 2048, Some(90), None),
            rsa_entry("next", 2048, Some(500), None),
        ]);
        for (kid, seconds, status, told) in [
            ("old", 99, KeyStatus::Current, ""),
            ("old", 100, KeyStatus::Retired, "stale_kid/retired"),
            ("now", 89, KeyStatus::Future, "unknown_kid/not_yet_published"),
            ("now", 90, KeyStatus::Current, ""),
            ("next", 200, KeyStatus::Future, "unknown_kid/not_yet_published"),
            ("gone", 200, KeyStatus::Unknown, "unknown_kid/unknown"),
        ] {
            let token = token(&format!(r#"{{"alg":"RS256","kid":"{kid}"}}"#), "{}");
            let found = KeyQuestion::new(&token, None, &rules, true).answer(Some(at(seconds))).status;
            let failure =
                check_status(found, false).map_or(String::new(), |f| format!("{}/{}", f.verdict, f.detail));
            assert_eq!((found, failure.as_str()), (status, told), "{kid} at {seconds}");
        }
    }

    #[test]
    fn only_the_own_issuers_keys_can_tell_that_a_kid_is_unknown() {
        let token = token(r#"{"alg":"RS256","kid":"x"}"#, "{}");
        let with_keys = rules(vec![rsa_entry("k", 2048, None, None)]);
        let status =
            |rules: &Rules, own| KeyQuestion::new(&token, None, rules, own).answer(Some(at(0))).status;
        assert_eq!(status(&with_keys, true), KeyStatus::Unknown);
        assert_eq!(status(&with_keys, false), KeyStatus::Unchecked);
        assert_eq!(status(&Rules::default(), true), KeyStatus::Unchecked);
    }

    #[test]
    fn a_token_without_kid_fails_only_where_one_is_required() {
        let token = token(r#"{"alg":"RS256"}"#, "{}");
        let status = KeyQuestion::new(&token, None, &Rules::default(), true).answer(None).status;
        assert_eq!(check_status(status, false), None);
        assert_eq!(check_status(status, true), Some(Failure::new(Verdict::UnknownKid, "missing")));
    }

    #[test]
    fn without_an_event_time_only_an_unbounded_key_has_a_status() {
        let token = token(r#"{"alg":"RS256","kid":"k"}"#, "{}");
        let status = |entry| KeyQuestion::new(&token, None, &rules(vec![entry]), true).answer(None).status;
        assert_eq!(status(rsa_entry("k", 2048, None, None)), KeyStatus::Current);
        assert_eq!(status(rsa_entry("k", 2048, Some(1), None)), KeyStatus::Unchecked);
    }

    #[test]
    fn a_key_must_fit_the_algorithm() {
        let rules = rules(vec![rsa_entry("k", 2048, None, None)]);
        let told = |alg: &str| {
            let token = token(&format!(r#"{{"alg":"{alg}","kid":"k"}}"#), "{}");
            check_fit(KeyQuestion::new(&token, None, &rules, true).answer(Some(at(0))).mismatch)
        };
        assert_eq!(told("RS256"), None);
        assert_eq!(told("HS256"), Some(Failure::new(Verdict::AlgKeyMismatch, "kty")));
        assert_eq!(told("none"), None, "the algorithm step tells that");
    }
}
