//! Two snapshots → what the one has that the other has not.
//!
//! An item that is new is in the later snapshot alone; one that is resolved is in the earlier alone, so that what is new from A
//! to B is resolved from B to A. Resolved says only that nobody found it again: a key may be mended, or its logs may be gone.
//!
//! That tokens are valid is no change of its own. It is told only of an issuer or audience that had no tokens at all before.

use super::{Item, Kind, Measure, Snapshot};

/// An item, and how much of it there is where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// What is counted.
    pub item: Item,
    /// How much of it there is.
    pub measure: Measure,
}

/// What is different. Both lists are in the order of their items: by kind, name and verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// What only the later snapshot has.
    pub new: Vec<Counted>,
    /// What only the earlier one has.
    pub resolved: Vec<Counted>,
}

/// What is different between two snapshots.
#[must_use]
pub fn compare(before: &Snapshot, now: &Snapshot) -> Changes {
    Changes { new: only(now, before), resolved: only(before, now) }
}

/// What one snapshot has that the other has not.
fn only(one: &Snapshot, other: &Snapshot) -> Vec<Counted> {
    let is_told = |item: &Item| {
        if other.contains_key(item) {
            false
        } else if item.is_valid() {
            item.kind != Kind::Verdict && !has_name(other, item)
        } else {
            true
        }
    };
    let told = one.iter().filter(|(item, _)| is_told(item));
    told.map(|(item, measure)| Counted { item: item.clone(), measure: *measure }).collect()
}

/// Whether a snapshot counts anything of this kind and name.
fn has_name(snapshot: &Snapshot, item: &Item) -> bool {
    let first = Item { verdict: String::new(), ..item.clone() };
    let found = snapshot.range(first..).next();
    found.is_some_and(|(found, _)| found.kind == item.kind && found.name == item.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::testing::{any_snapshot, snapshot};
    use proptest::prelude::*;

    fn shown(counted: &[Counted]) -> Vec<String> {
        let shown = |Counted { item, measure }: &Counted| {
            format!("{} {} {} {}", item.kind, item.name, item.verdict, measure.occurrences)
        };
        counted.iter().map(shown).collect()
    }

    #[test]
    fn an_item_is_new_or_resolved_when_only_one_report_has_it() {
        let before = snapshot(&["verdict expired expired 3", "key a,k1,ES256 - 7", "live_token jt_1 - 1"]);
        let now = snapshot(&["verdict expired expired 900", "key a,k2,ES256 - 8", "source a.log partial 0"]);
        let changes = compare(&before, &now);
        assert_eq!(shown(&changes.new), ["key a,k2,ES256  8", "source a.log partial 0"]);
        assert_eq!(shown(&changes.resolved), ["key a,k1,ES256  7", "live_token jt_1  1"]);
    }

    #[test]
    fn that_tokens_are_valid_is_told_only_of_names_that_are_new() {
        let before = snapshot(&["verdict - expired 1", "issuer a expired 1"]);
        let now = snapshot(&[
            "verdict - valid 9",
            "verdict - expired 1",
            "issuer a valid 5",
            "issuer a expired 1",
            "issuer b valid 4",
        ]);
        assert_eq!(shown(&compare(&before, &now).new), ["issuer b valid 4"]);
    }

    proptest! {
        #[test]
        fn what_is_new_one_way_is_resolved_the_other(a in any_snapshot(), b in any_snapshot()) {
            let (there, back) = (compare(&a, &b), compare(&b, &a));
            prop_assert_eq!(&there.new, &back.resolved);
            prop_assert_eq!(&there.resolved, &back.new);
        }

        #[test]
        fn a_report_has_nothing_new_beside_itself(a in any_snapshot()) {
            prop_assert_eq!(compare(&a, &a), Changes::default());
        }

        #[test]
        fn what_is_new_is_in_the_later_alone_and_whatever_fails_there_is_told(a in any_snapshot(), b in any_snapshot()) {
            let new = compare(&a, &b).new;
            prop_assert!(new.is_sorted_by(|one, next| one.item < next.item));
            for (item, measure) in &b {
                let told = new.iter().find(|counted| counted.item == *item);
                prop_assert!(told.is_none_or(|counted| counted.measure == *measure && !a.contains_key(item)));
                prop_assert!(told.is_some() || a.contains_key(item) || item.is_valid());
            }
            prop_assert!(new.iter().all(|counted| b.contains_key(&counted.item)));
        }
    }
}
