//! The literals that lead to messages: the few that all entries share, and one or more of each entry's own.

use super::pattern::{Pattern, SHORTEST_LITERAL, shortest};
use aho_corasick::{AhoCorasick, Input, MatchKind, packed};
use std::collections::HashMap;
use std::ops::Range;

/// The literals of the first filter: every entry's own literal holds one of them. Few, rare in logs that do not speak of
/// tokens, and of beginnings that vector instructions tell apart well: a single one more can halve the speed, as the bench
/// `messages` shows. So can another order, which decides which of them share a bucket of the vectors: this one was found by
/// simulated annealing (`benches/literal_order.py` does it), for the fewest false hits on the trigrams of application,
/// access and system logs, manuals, source code and decoys. One that was found on fewer vocabularies took half as long
/// again where logs speak of regions and invoices. In each bucket, what logs of tokens hold most stands first: literals of
/// a bucket are compared one by one. In the order before this one that took 8 % of the instructions from a scan of decoys
/// and 0.5 % from one of dense logs.
pub(super) const ORDER: [&str; 41] = [
    START,
    "ignature",
    START,
    "N Web Key",
    "ssue",
    START,
    "JWK",
    "alg ",
    START,
    "jwt",
    "IDX",
    "DecodeE",
    START,
    "alg: ",
    "laim",
    "Jwk",
    "oken",
    "JWS",
    "jose",
    START,
    START,
    START,
    "JWE",
    "Jwt",
    START,
    "egments",
    "jwk",
    "JOSE",
    "zation ",
    START,
    "jws",
    "kid ",
    "dience",
    "igning ",
    "idc:",
    "KID ",
    "satisf",
    START,
    "lgorithm",
    "JWT",
    START,
];

/// In [`ORDER`] the place of one of the beginnings.
const START: &str = "";

/// How long a literal that leads to an entry may be, and so how far from a hit of the first filter it may begin.
pub(super) const LONGEST_LEAD: usize = 12;

/// The search for a few short literals, and in the same pass for the beginnings of something else: two passes over the
/// bytes of a log cost twice as much.
#[derive(Debug)]
pub(super) struct Filter {
    search: Search,
    /// Which of its literals are beginnings.
    starts: Vec<bool>,
    /// For each of its literals, how many bytes behind where it begins the search goes on.
    strides: Vec<usize>,
    /// How many bytes from where a beginning stands decide that it is the first mark.
    pub(super) tail: usize,
}

/// The search with vectors compares three bytes of each place, of the first place where it begins only the third and of the next
/// only two. So it had better begin this far before what is looked for, where nothing is found: behind a word stands
/// seldom what could be a literal's last letter. Else it tries, one by one, most of the literals.
const RUN_UP: usize = 2;

#[derive(Debug)]
enum Search {
    /// With vector instructions.
    Packed(packed::Searcher),
    /// On machines without, and where a policy adds more literals than vectors can hold.
    Automaton(AhoCorasick),
}

/// What the first filter finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// Something else begins here.
    Start(usize),
    /// A literal, and its number.
    Literal(Range<usize>, usize),
}

impl Mark {
    /// Where it begins.
    pub(super) const fn at(&self) -> usize {
        match self {
            Self::Start(at) => *at,
            Self::Literal(literal, _) => literal.start,
        }
    }
}

impl Filter {
    /// The search for `starts`, for the literals of [`ORDER`] and for other literals. Of those that begin at one place, the first counts.
    pub(super) fn new<'l>(starts: &[[u8; 3]], others: impl IntoIterator<Item = &'l Vec<u8>>) -> Self {
        // At the place of a beginning no literal is seen: one that begins so is sought by what is behind.
        let is_seen = |text: &&[u8]| !starts.iter().any(|start| text.starts_with(start));
        let others = others.into_iter();
        let others = others.map(|literal| (0..).map(|n| &literal[n..]).find(is_seen).unwrap_or(literal));
        let mut others: Vec<&[u8]> = others.collect();
        let mut beginnings = starts.iter().map(<[u8; 3]>::as_slice);
        let shared = ORDER.iter().filter_map(|literal| match *literal {
            START => beginnings.next().map(|start| (start, true)),
            literal => Some((literal.as_bytes(), false)),
        });
        let mut shared: Vec<(&[u8], bool)> = shared.collect();
        shared.extend(beginnings.map(|start| (start, true)));
        // Of literals that begin at one place the first is seen: so one that is the beginning of another stands before it.
        others.sort_unstable_by_key(|literal| literal.len());
        let (short, others): (Vec<_>, Vec<_>) = others
            .into_iter()
            .partition(|other| shared.iter().any(|(literal, _)| literal.starts_with(other)));
        let own = |literal| (literal, false);
        let literals = short.into_iter().map(own).chain(shared).chain(others.into_iter().map(own));
        let (literals, starts): (Vec<&[u8]>, Vec<bool>) = literals.unzip();
        let strides = literals.iter().map(|literal| stride(literal, &literals)).collect();
        let tail = tail(&literals, &starts);
        let kind = packed::MatchKind::LeftmostFirst;
        let mut config = packed::Config::new();
        // More than 32 literals would be put into twice as many buckets, with which a step is half as long. In this order
        // eight are enough: 12 GB/s instead of 9.
        config.match_kind(kind).only_teddy_fat(Some(false));
        let packed = config.builder().extend(&literals).build();
        let search = packed.map_or_else(
            || {
                let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(&literals);
                Search::Automaton(automaton.expect("a few literals make an automaton"))
            },
            Search::Packed,
        );
        Self { search, starts, strides, tail }
    }

    /// The first mark that begins in a range of `bytes`, and from where to look for the next one; before the range, the bytes from
    /// `free` on are free of what was found.
    #[inline]
    pub(super) fn find_behind(
        &self,
        bytes: &[u8],
        free: usize,
        range: Range<usize>,
    ) -> Option<(Mark, usize)> {
        let mut from = range.start.saturating_sub(RUN_UP).max(free);
        loop {
            let (mark, number) = self.find(bytes, from..range.end)?;
            from = mark.at() + self.strides[number];
            if mark.at() >= range.start {
                return Some((mark, from));
            }
        }
    }

    /// The first mark in a range of `bytes`, and its literal's number.
    #[inline]
    fn find(&self, bytes: &[u8], range: Range<usize>) -> Option<(Mark, usize)> {
        let found = match &self.search {
            Search::Packed(searcher) => searcher.find_in(bytes, range.into()),
            Search::Automaton(automaton) => automaton.find(Input::new(bytes).range(range)),
        }?;
        let number = found.pattern().as_usize();
        let mark = if self.starts[number] {
            Mark::Start(found.start())
        } else {
            Mark::Literal(found.range(), number)
        };
        Some((mark, number))
    }

    /// For each literal how far leads reach around it, when it is the first that is found in them: before it, and behind it.
    pub(super) fn reaches<'l>(&self, leads: impl IntoIterator<Item = &'l [u8]>) -> Vec<(usize, usize)> {
        let mut reaches = vec![(0, 0); self.starts.len()];
        for lead in leads {
            if let Some((found, number)) = self.first_in(lead) {
                let (before, behind) = &mut reaches[number];
                *before = found.start.max(*before);
                *behind = (lead.len() - found.end).max(*behind);
            }
        }
        reaches
    }

    /// Where the first of its literals stands in another one.
    pub(super) fn literal_in(&self, literal: &[u8]) -> Option<Range<usize>> {
        self.first_in(literal).map(|(found, _)| found)
    }

    fn first_in(&self, literal: &[u8]) -> Option<(Range<usize>, usize)> {
        let mut from = 0;
        loop {
            match self.find(literal, from..literal.len())?.0 {
                Mark::Literal(found, number) => return Some((found, number)),
                Mark::Start(at) => from = at + 1,
            }
        }
    }
}

/// How far behind where a literal begins another one may begin, or the run-up to what is behind it.
fn stride(literal: &[u8], all: &[&[u8]]) -> usize {
    let begins = |rest: &[u8]| all.iter().any(|other| other.starts_with(rest) || rest.starts_with(other));
    let last = literal.len().saturating_sub(RUN_UP).max(1);
    (1..last).find(|&at| begins(&literal[at..])).unwrap_or(last)
}

/// How far behind where one of `starts` begins a literal may end that begins before it, or there and is tried first.
fn tail(all: &[&[u8]], starts: &[bool]) -> usize {
    let starts = || all.iter().zip(starts).enumerate().filter(|(_, (_, is_start))| **is_start);
    let rests = |(number, (start, _)): (usize, (&&[u8], &bool))| {
        let rests = all.iter().enumerate().flat_map(move |(other, literal)| {
            (usize::from(other >= number)..literal.len()).map(|at| &literal[at..])
        });
        let longest =
            rests.filter(|rest| rest.starts_with(start) || start.starts_with(rest)).map(<[u8]>::len).max();
        longest.unwrap_or(0).max(start.len())
    };
    starts().map(rests).max().unwrap_or(0)
}

/// For each pattern the literals that lead to it: every match holds one of them, and each of them holds one that `shared`
/// finds, unless there is no such set.
pub(super) fn leads(patterns: &[&Pattern], shared: &Filter) -> Vec<Vec<Vec<u8>>> {
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
        let is_shared = set.iter().all(|literal| shared.literal_in(literal).is_some());
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
    let found = shared.literal_in(literal).unwrap_or(0..0);
    let start = found.start.saturating_sub((LONGEST_LEAD - found.len()) / 2);
    let start = start.min(literal.len() - LONGEST_LEAD);
    &literal[start..start + LONGEST_LEAD]
}
