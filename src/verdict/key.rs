//! Step 3: is the key that `kid` names one that signs at this time? (`unknown_kid`, `stale_kid`, `alg_key_mismatch`)

use super::{Failure, KeyStatus, Verdict};
use crate::policy::{KeyEntry, Mismatch, Rules};
use crate::timestamp::Timestamp;
use crate::token::Token;

/// What can be asked about a token's key when an event time is known. It does not change with time.
#[derive(Clone, Debug)]
pub enum KeyQuestion {
    /// The answer is the same at all times.
    Settled(KeyStatus),
    /// `kid` names these keys.
    Named(Vec<KeyEntry>),
}

impl KeyQuestion {
    /// The question about a token. `knows_issuer` says whether `rules` are those of its own issuer: only its own
    /// issuer's key sets can tell that a `kid` is unknown.
    #[must_use]
    pub fn new(token: &Token, rules: &Rules, knows_issuer: bool) -> Self {
        // The `kid` of a JWE names a key that decrypts.
        if token.encrypted {
            return Self::Settled(KeyStatus::Unchecked);
        }
        let Some(kid) = &token.header.kid else { return Self::Settled(KeyStatus::Absent) };
        let entries = rules.keys.with_kid(kid);
        match entries.is_empty() {
            false => Self::Named(entries.to_vec()),
            true if knows_issuer && !rules.keys.is_empty() => Self::Settled(KeyStatus::Unknown),
            true => Self::Settled(KeyStatus::Unchecked),
        }
    }

    /// Where the key stands at the event time. Without one, only a key that never changes its status has one.
    #[must_use]
    pub fn status(&self, at: Option<Timestamp>) -> KeyStatus {
        match (self, at) {
            (Self::Settled(status), _) => *status,
            (Self::Named(entries), Some(at)) => {
                entries.iter().map(|entry| entry.status(at)).min().unwrap_or(KeyStatus::Unknown)
            }
            (Self::Named(entries), None) => {
                let always = |entry: &KeyEntry| entry.from.is_none() && entry.until.is_none();
                if entries.iter().any(always) { KeyStatus::Current } else { KeyStatus::Unchecked }
            }
        }
    }

    /// The instants, in milliseconds, at which the status may change.
    pub fn turns(&self) -> impl Iterator<Item = i64> {
        self.entries().iter().flat_map(|entry| [entry.from, entry.until]).flatten().map(Timestamp::millis)
    }

    /// The keys that `kid` names.
    #[must_use]
    pub fn entries(&self) -> &[KeyEntry] {
        if let Self::Named(entries) = self { entries } else { &[] }
    }
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

/// Whether no key that `kid` names can be used with the token's `alg` (RFC 8725 §3.1: one key, one algorithm).
#[must_use]
pub fn check_fit(token: &Token, keys: &[KeyEntry]) -> Option<Failure> {
    let alg = token.header.alg.as_deref().filter(|_| !token.header.is_unsigned())?;
    let mut first = None;
    for entry in keys {
        match entry.key.fits(alg) {
            Ok(()) => return None,
            Err(mismatch) => {
                first.get_or_insert(mismatch);
            }
        }
    }
    let detail = match first? {
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
            let found = KeyQuestion::new(&token, &rules, true).status(Some(at(seconds)));
            let failure =
                check_status(found, false).map_or(String::new(), |f| format!("{}/{}", f.verdict, f.detail));
            assert_eq!((found, failure.as_str()), (status, told), "{kid} at {seconds}");
        }
    }

    #[test]
    fn only_the_own_issuers_keys_can_tell_that_a_kid_is_unknown() {
        let token = token(r#"{"alg":"RS256","kid":"x"}"#, "{}");
        let with_keys = rules(vec![rsa_entry("k", 2048, None, None)]);
        let status = |rules: &Rules, own| KeyQuestion::new(&token, rules, own).status(Some(at(0)));
        assert_eq!(status(&with_keys, true), KeyStatus::Unknown);
        assert_eq!(status(&with_keys, false), KeyStatus::Unchecked);
        assert_eq!(status(&Rules::default(), true), KeyStatus::Unchecked);
    }

    #[test]
    fn a_token_without_kid_fails_only_where_one_is_required() {
        let token = token(r#"{"alg":"RS256"}"#, "{}");
        let status = KeyQuestion::new(&token, &Rules::default(), true).status(None);
        assert_eq!(check_status(status, false), None);
        assert_eq!(check_status(status, true), Some(Failure::new(Verdict::UnknownKid, "missing")));
    }

    #[test]
    fn without_an_event_time_only_an_unbounded_key_has_a_status() {
        let token = token(r#"{"alg":"RS256","kid":"k"}"#, "{}");
        let status = |entry| KeyQuestion::new(&token, &rules(vec![entry]), true).status(None);
        assert_eq!(status(rsa_entry("k", 2048, None, None)), KeyStatus::Current);
        assert_eq!(status(rsa_entry("k", 2048, Some(1), None)), KeyStatus::Unchecked);
    }

    #[test]
    fn a_key_must_fit_the_algorithm() {
        let keys = [rsa_entry("k", 2048, None, None)];
        let told = |alg: &str| check_fit(&token(&format!(r#"{{"alg":"{alg}","kid":"k"}}"#), "{}"), &keys);
        assert_eq!(told("RS256"), None);
        assert_eq!(told("HS256"), Some(Failure::new(Verdict::AlgKeyMismatch, "kty")));
        assert_eq!(told("none"), None, "the algorithm step tells that");
    }
}
