//! Key sets over time: which keys an issuer had published when a line was written. A set holds from its `from`
//! (included) to its `until` (excluded); instants are compared by their milliseconds alone.

use super::key::Key;
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The end of a set that was retired before anything was logged (`--retired-jwks` without a time).
pub(super) const ALWAYS_RETIRED: Timestamp = Timestamp::from_millis(i64::MIN);

/// The keys of one file, and when they were published.
#[derive(Clone, Debug)]
pub struct KeySet {
    /// The file, as the user would find it from here.
    pub file: String,
    /// The line of the policy file that names it; `None` for a flag.
    pub line: Option<usize>,
    /// Published at this instant; `None`: always was.
    pub from: Option<Timestamp>,
    /// Retired from this instant on; `None`: still current.
    pub until: Option<Timestamp>,
    /// The keys, in the order of the file.
    pub keys: Vec<Arc<Key>>,
}

/// A key, and when it was published.
#[derive(Clone, Debug)]
pub struct KeyEntry {
    /// The key.
    pub key: Arc<Key>,
    /// Published at this instant; `None`: always was.
    pub from: Option<Timestamp>,
    /// Retired from this instant on; `None`: still current.
    pub until: Option<Timestamp>,
}

/// What the key sets say about a token's `kid` at its event time; `Display` is the contract's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum KeyStatus {
    /// A set that holds the event time has it.
    Current,
    /// Only a set that had ended has it.
    Retired,
    /// Only a set that had not begun has it.
    Future,
    /// No set has it.
    Unknown,
    /// The token has no `kid`. [`KeySets::status`] is not asked then.
    Absent,
    /// There are no keys to judge by.
    Unchecked,
}

/// All the keys of an issuer.
#[derive(Clone, Debug, Default)]
pub struct KeySets {
    sets: Vec<KeySet>,
    /// Every key of every set, sorted by `kid` (those without one first), then in the order of the policy.
    entries: Vec<KeyEntry>,
}

impl KeySets {
    /// Gathers key sets.
    #[must_use]
    pub fn new(sets: Vec<KeySet>) -> Self {
        let mut entries: Vec<KeyEntry> = sets
            .iter()
            .flat_map(|set| {
                set.keys.iter().map(|key| KeyEntry { key: Arc::clone(key), from: set.from, until: set.until })
            })
            .collect();
        entries.sort_by(|a, b| a.key.kid.cmp(&b.key.kid));
        Self { sets, entries }
    }

    /// Whether there is no key at all; nothing can be said about any `kid` then.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Every key of that `kid`, each with its window.
    #[must_use]
    pub fn with_kid(&self, kid: &str) -> &[KeyEntry] {
        let start = self.entries.partition_point(|entry| entry.key.kid.as_deref() < Some(kid));
        let end = self.entries.partition_point(|entry| entry.key.kid.as_deref() <= Some(kid));
        &self.entries[start..end]
    }

    /// What can be said about `kid` at the instant `at`.
    #[must_use]
    pub fn status(&self, kid: &str, at: Timestamp) -> KeyStatus {
        if self.is_empty() {
            return KeyStatus::Unchecked;
        }
        // The order of the enum is the order of precedence: current, else retired, else future, else unknown.
        self.with_kid(kid).iter().map(|entry| entry.status(at)).min().unwrap_or(KeyStatus::Unknown)
    }

    /// Every key, sorted by `kid`; those without one first.
    pub fn iter(&self) -> std::slice::Iter<'_, KeyEntry> {
        self.entries.iter()
    }

    /// The sets themselves, in the order of the policy.
    #[must_use]
    pub fn sets(&self) -> &[KeySet] {
        &self.sets
    }
}

impl<'a> IntoIterator for &'a KeySets {
    type Item = &'a KeyEntry;
    type IntoIter = std::slice::Iter<'a, KeyEntry>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl KeyEntry {
    /// Whether the key is current, retired or future at the instant `at`.
    #[must_use]
    pub fn status(&self, at: Timestamp) -> KeyStatus {
        if self.until.is_some_and(|until| until.millis() <= at.millis()) {
            KeyStatus::Retired
        } else if self.from.is_some_and(|from| at.millis() < from.millis()) {
            KeyStatus::Future
        } else {
            KeyStatus::Current
        }
    }
}

impl KeyStatus {
    /// The contract's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Retired => "retired",
            Self::Future => "future",
            Self::Unknown => "unknown",
            Self::Absent => "absent",
            Self::Unchecked => "unchecked",
        }
    }
}

impl fmt::Display for KeyStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(kids: &[Option<&str>], from: Option<i64>, until: Option<i64>) -> KeySet {
        let key = |kid: &Option<&str>| Arc::new(Key::of_secret(kid.map(str::to_owned), vec![7; 32]));
        KeySet {
            file: "keys.json".to_owned(),
            line: None,
            from: from.map(Timestamp::from_seconds),
            until: until.map(Timestamp::from_seconds),
            keys: kids.iter().map(key).collect(),
        }
    }

    #[test]
    fn a_window_holds_its_beginning_and_not_its_end() {
        let sets = KeySets::new(vec![set(&[Some("a")], Some(100), Some(200))]);
        for (millis, expected) in [
            (99_999, KeyStatus::Future),
            (100_000, KeyStatus::Current),
            (199_999, KeyStatus::Current),
            (200_000, KeyStatus::Retired),
        ] {
            for subsecond in [false, true] {
                assert_eq!(sets.status("a", Timestamp::new(millis, subsecond)), expected, "{millis}");
            }
        }
    }

    #[test]
    fn current_wins_over_retired_and_retired_over_future() {
        let at = Timestamp::from_seconds(150);
        let (old, now, next) = (
            set(&[Some("a"), Some("b")], None, Some(100)),
            set(&[Some("a")], Some(100), Some(200)),
            set(&[Some("a"), Some("b"), Some("c")], Some(200), None),
        );
        let sets = KeySets::new(vec![next, old, now]);
        assert_eq!(sets.status("a", at), KeyStatus::Current);
        assert_eq!(sets.status("b", at), KeyStatus::Retired);
        assert_eq!(sets.status("c", at), KeyStatus::Future);
        assert_eq!(sets.status("d", at), KeyStatus::Unknown);
        assert_eq!(sets.with_kid("a").len(), 3);
    }

    #[test]
    fn without_keys_nothing_is_checked() {
        let at = Timestamp::from_seconds(0);
        assert_eq!(KeySets::default().status("a", at), KeyStatus::Unchecked);
        assert_eq!(KeySets::new(vec![set(&[], None, None)]).status("a", at), KeyStatus::Unchecked);
        assert_eq!(KeySets::new(vec![set(&[None], None, None)]).status("", at), KeyStatus::Unknown);
    }

    proptest! {
        #[test]
        fn a_kid_is_current_exactly_when_some_window_holds_the_instant(
            windows in proptest::collection::vec(
                (0..3usize, proptest::option::of(-5i64..5), proptest::option::of(-5i64..5)), 0..6),
            at in -6i64..6,
        ) {
            let kids = ["a", "b", "c"];
            let sets = KeySets::new(windows.iter().map(|(kid, from, until)| set(&[Some(kids[*kid])], *from, *until)).collect());
            for (n, kid) in kids.iter().enumerate() {
                let held = windows.iter().any(|(k, from, until)| {
                    *k == n && from.is_none_or(|from| from <= at) && until.is_none_or(|until| at < until)
                });
                prop_assert_eq!(sets.status(kid, Timestamp::from_seconds(at)) == KeyStatus::Current, held);
            }
        }

        #[test]
        fn no_kid_and_no_instant_panics(kid in ".*", at in any::<i64>()) {
            let sets = KeySets::new(vec![set(&[Some("a"), None], Some(0), None)]);
            let _ = sets.status(&kid, Timestamp::from_millis(at));
        }
    }
}
