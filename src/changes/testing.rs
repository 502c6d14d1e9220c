//! Snapshots for the tests of this room.

use proptest::prelude::*;

use super::{Item, Kind, Measure, Snapshot};

/// A snapshot of items that are written `kind name verdict occurrences`, with `-` for nothing.
pub(super) fn snapshot(items: &[&str]) -> Snapshot {
    let item = |text: &&str| {
        let words: Vec<_> = text.split(' ').map(|word| if word == "-" { "" } else { word }).collect();
        let kind = Kind::named(words[0]).unwrap();
        let item = Item { kind, name: words[1].to_owned(), verdict: words[2].to_owned() };
        let occurrences = words[3].parse().unwrap();
        (item, Measure { occurrences, distinct_tokens: occurrences })
    };
    items.iter().map(item).collect()
}

/// Any snapshot of few names, so that several have much in common.
pub(super) fn any_snapshot() -> impl Strategy<Value = Snapshot> {
    let verdict = prop_oneof![Just(""), Just("valid"), Just("expired"), Just("stale_kid")];
    let item = (0..Kind::ALL.len(), "[ab]?", verdict, 0..40_u64);
    proptest::collection::vec(item, 0..24).prop_map(|items| {
        let item = |(kind, name, verdict, occurrences): (usize, String, &str, u64)| {
            let item = Item { kind: Kind::ALL[kind], name, verdict: verdict.to_owned() };
            (item, Measure { occurrences, distinct_tokens: occurrences.min(3) })
        };
        items.into_iter().map(item).collect()
    })
}
