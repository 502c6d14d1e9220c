//! The literals that lead to messages: the few that all entries share, and one or more of each entry's own.

use super::pattern::{Pattern, SHORTEST_LITERAL, shortest};
use aho_corasick::{AhoCorasick, Input, Match, MatchKind, packed};
use std::collections::HashMap;
use std::ops::Range;

/// The literals of the first filter: every entry's own literal holds one of them. Few, rare in logs that do not
/// speak of tokens, and of beginnings that vector instructions tell apart well: a single one more can halve the speed, as
/// the bench `messages` shows. So can another order, which decides which of them share a bucket of the vectors: this one is
/// the best of some hundreds that were tried on application, access and system logs.
pub(super) const SHARED: [&str; 29] = [
    "IDX",
    "udience",
    "JWT",
    "jws",
    "oidc:",
    "Jwk",
    "ssue",
    "JWK",
    "ignature",
    "egments",
    "JWS",
    "jose",
    "kid ",
    "orization ",
    "SON Web Key",
    "DecodeE",
    "Jwt",
    "jwt",
    "JWE",
    "JOSE",
    "oken",
    "igning ",
    "satisf",
    "jwk",
    "alg ",
    "lgorithm",
    "alg: ",
    "KID ",
    "laim",
];

/// How long a literal that leads to an entry may be, and so how far from a hit of the first filter it may begin.
pub(super) const LONGEST_LEAD: usize = 16;

/// The search for a few short literals.
#[derive(Debug)]
pub(super) enum Filter {
    /// With vector instructions.
    Packed(packed::Searcher),
    /// On machines without, and where a policy adds more literals than vectors can hold.
    Automaton(AhoCorasick),
}

impl Filter {
    /// The search for [`SHARED`] and other literals.
    pub(super) fn with<'l>(others: impl IntoIterator<Item = &'l Vec<u8>>) -> Self {
        let shared = SHARED.iter().map(|literal| literal.as_bytes());
        let literals: Vec<&[u8]> = shared.chain(others.into_iter().map(Vec::as_slice)).collect();
        let kind = packed::MatchKind::LeftmostFirst;
        if let Some(searcher) = packed::Config::new().match_kind(kind).builder().extend(&literals).build() {
            return Self::Packed(searcher);
        }
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(&literals);
        Self::Automaton(automaton.expect("a few literals make an automaton"))
    }

    /// The first of the literals in a range of `bytes`.
    pub(super) fn find(&self, bytes: &[u8], range: Range<usize>) -> Option<Match> {
        match self {
            Self::Packed(searcher) => searcher.find_in(bytes, range.into()),
            Self::Automaton(automaton) => automaton.find(Input::new(bytes).range(range)),
        }
    }
}

/// For each pattern the literals that lead to it: every match holds one of them, and each of them holds one that `shared`
/// finds, unless there is no such set.
pub(super) fn leads(patterns: &[Pattern], shared: &Filter) -> Vec<Vec<Vec<u8>>> {
    let candidates: Vec<Vec<Vec<Vec<u8>>>> = patterns
        .iter()
        .map(|pattern| {
            let sets = pattern.literal_sets().into_iter().filter(|set| shortest(set) >= SHORTEST_LITERAL);
            let cut = sets.map(|set| set.iter().map(|literal| cut(literal, shared).to_vec()).collect());
            cut.collect()
        })
        .collect();
    let mut owners: HashMap<Vec<u8>, usize> = HashMap::new();
    for literal in candidates.iter().flatten().flatten() {
        *owners.entry(literal.clone()).or_default() += 1;
    }
    // What leads to few patterns saves looking for the others.
    let worth = |set: &Vec<Vec<u8>>| {
        let is_shared = set.iter().all(|literal| shared.find(literal, 0..literal.len()).is_some());
        let crowd = set.iter().filter_map(|literal| owners.get(literal)).max().copied();
        (is_shared, std::cmp::Reverse(crowd), shortest(set))
    };
    candidates.into_iter().map(|sets| sets.into_iter().max_by_key(worth).unwrap_or_default()).collect()
}

/// A literal that is not too long, around what `shared` finds of it.
fn cut<'l>(literal: &'l [u8], shared: &Filter) -> &'l [u8] {
    if literal.len() <= LONGEST_LEAD {
        return literal;
    }
    let found = shared.find(literal, 0..literal.len()).map_or(0..0, |found| found.range());
    let start = found.start.saturating_sub((LONGEST_LEAD - found.len()) / 2);
    let start = start.min(literal.len() - LONGEST_LEAD);
    &literal[start..start + LONGEST_LEAD]
}
