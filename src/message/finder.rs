//! Where messages stand in a chunk of a log.

use super::catalogue::Catalogue;
use super::lead::{Filter, LONGEST_LEAD, leads};
use super::memo::Memo;
use super::pattern::Pattern;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use memchr::{memchr, memmem, memrchr};
use regex_automata::Input;
use regex_automata::meta::Regex;
use smallvec::SmallVec;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;

/// How far from its literal a message may reach, in bytes.
const REACH: usize = 512;

/// How far from a hit of the first filter any search reaches.
const AROUND: usize = REACH + LONGEST_LEAD;

/// A run of base64url of this length is part of a token, a key or a digest, and what looks like a word in it is chance.
const LONG_RUN: usize = 64;

/// A message in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Where it begins.
    pub at: usize,
    /// Where it ends.
    pub end: usize,
    /// Which one it is: a place in [`Catalogue::entries`].
    pub entry: usize,
}

/// Finds the messages of a catalogue. One serves all threads; the patterns are compiled when first needed.
#[derive(Debug)]
pub struct Finder {
    catalogue: Catalogue,
    /// The literals that all entries share.
    filter: Filter,
    /// Each entry's own literals.
    leads: AhoCorasick,
    /// The entries that each of `leads` leads to.
    owners: Vec<Vec<Owner>>,
    matchers: Vec<OnceLock<Matcher>>,
}

/// A pattern, compiled.
#[derive(Debug)]
struct Matcher {
    /// What every match holds: most leads of patterns that share them are told apart by this.
    needed: Vec<memmem::Finder<'static>>,
    regex: Regex,
}

impl Matcher {
    fn new(pattern: &Pattern) -> Self {
        let sets = pattern.literal_sets().into_iter().filter(|set| set.len() == 1);
        let needed = sets.flatten().map(|literal| memmem::Finder::new(&literal).into_owned()).collect();
        Self {
            needed,
            regex: pattern.compile().expect("patterns are compiled by their makers or by the tests"),
        }
    }
}

/// What a lead leads to.
#[derive(Clone, Copy, Debug)]
struct Owner {
    entry: usize,
    /// Where the lead begins in the entry's text, if that is a fixed one.
    offset: usize,
}

impl Finder {
    /// A finder of all that is in the catalogue.
    #[must_use]
    pub fn new(catalogue: Catalogue) -> Self {
        let shared = Filter::with([]);
        let mut owners: BTreeMap<Vec<u8>, Vec<Owner>> = BTreeMap::new();
        for (entry, literals) in leads(catalogue.patterns(), &shared).into_iter().enumerate() {
            let plain = catalogue.patterns()[entry].plain();
            for literal in literals {
                let offset = plain.and_then(|text| memmem::find(text, &literal)).unwrap_or(0);
                owners.entry(literal).or_default().push(Owner { entry, offset });
            }
        }
        let unshared: Vec<&Vec<u8>> =
            owners.keys().filter(|literal| shared.find(literal, 0..literal.len()).is_none()).collect();
        let filter = if unshared.is_empty() { shared } else { Filter::with(unshared) };
        let leads = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::NoncontiguousNFA))
            .build(owners.keys())
            .expect("the literals of a catalogue make an automaton");
        let matchers = catalogue.patterns().iter().map(|_| OnceLock::new()).collect();
        Self { catalogue, filter, leads, owners: owners.into_values().collect(), matchers }
    }

    /// The catalogue.
    #[must_use]
    pub const fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The messages in `bytes`, which are whole lines, in ascending order. None overlaps another: of two that would,
    /// the one of higher rank counts, then the longer, then the earlier entry.
    #[must_use]
    pub fn hits<'f, 'b>(&'f self, bytes: &'b [u8]) -> Hits<'f, 'b> {
        self.hits_with(bytes, Memo::default())
    }

    /// The same with what was remembered of earlier bytes; see [`Hits::into_memo`].
    #[must_use]
    pub const fn hits_with<'f, 'b>(&'f self, bytes: &'b [u8], memo: Memo) -> Hits<'f, 'b> {
        Hits { finder: self, bytes, from: 0, found: Vec::new(), told: 0, memo }
    }

    fn rank(&self, hit: Hit) -> u8 {
        self.catalogue.entries()[hit.entry].rank
    }

    /// The first hit of the first filter in a range of `bytes`, but for those inside of long runs.
    fn next_shared(&self, bytes: &[u8], mut range: Range<usize>) -> Option<Range<usize>> {
        loop {
            let hit = self.filter.find(bytes, range.clone())?;
            match long_run_end(bytes, hit.range()) {
                // What begins inside of the run may still end behind it.
                Some(end) => range.start = (hit.start() + 1).max((end + 1).saturating_sub(LONGEST_LEAD)),
                None => return Some(hit.range()),
            }
        }
    }

    /// The messages, the last first, that are led to from `first`, a hit of the first filter, or from behind it up to the
    /// end of its line or `limit`; and up to where that is.
    fn in_line_of(
        &self,
        bytes: &[u8],
        first: Range<usize>,
        limit: usize,
        memo: &mut Memo,
    ) -> (Vec<Hit>, usize) {
        // As much of the line as any search may reach.
        let floor = first.start.saturating_sub(AROUND);
        let start = memrchr(b'\n', &bytes[floor..first.start]).map_or(floor, |at| floor + at + 1);
        let ceiling = bytes.len().min(limit.max(first.end).saturating_add(AROUND));
        let end = memchr(b'\n', &bytes[first.end..ceiling]).map_or(ceiling, |length| first.end + length);
        let until = end.min(limit.max(first.end));
        let line = &bytes[start..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut look = Look { finder: self, line, at: start, until: SmallVec::new(), hits: Vec::new() };
        // An entry's lead holds a shared literal, so it lies around one.
        let mut shared = Some(first.start - start..first.end - start);
        let mut looked = 0;
        while let Some(hit) = shared {
            let near =
                hit.start.saturating_sub(LONGEST_LEAD).max(looked)..line.len().min(hit.end + LONGEST_LEAD);
            look.at_leads(near.clone(), memo);
            // What reaches beyond the end of this stretch begins here at the earliest.
            looked = near.end.saturating_sub(LONGEST_LEAD - 1);
            shared = self.next_shared(line, hit.end..line.len().min(until - start).max(hit.end));
        }
        (self.without_overlaps(look.hits), until)
    }

    fn matcher(&self, entry: usize) -> &Matcher {
        self.matchers[entry].get_or_init(|| Matcher::new(&self.catalogue.patterns()[entry]))
    }

    /// Of hits that overlap, the best; the last first.
    fn without_overlaps(&self, mut hits: Vec<Hit>) -> Vec<Hit> {
        if hits.len() <= 1 {
            hits.retain(|hit| hit.at < hit.end);
            return hits;
        }
        hits.sort_unstable_by_key(|hit| {
            (Reverse(self.rank(*hit)), Reverse(hit.end - hit.at), hit.entry, hit.at)
        });
        let mut kept: BTreeMap<usize, Hit> = BTreeMap::new();
        for hit in hits {
            // Those that are kept do not overlap: the last that begins before the end reaches furthest.
            let last = kept.range(..hit.end).next_back();
            if hit.at < hit.end && last.is_none_or(|(_, last)| last.end <= hit.at) {
                kept.insert(hit.at, hit);
            }
        }
        kept.into_values().rev().collect()
    }
}

/// A line, and what was found in it so far.
struct Look<'f, 'b> {
    finder: &'f Finder,
    line: &'b [u8],
    /// Where the line begins.
    at: usize,
    /// Up to where each entry was looked for.
    until: SmallVec<[(usize, usize); 8]>,
    hits: Vec<Hit>,
}

impl Look<'_, '_> {
    /// Looks for the entries whose leads stand in this part of the line.
    fn at_leads(&mut self, part: Range<usize>, memo: &mut Memo) {
        let finder = self.finder;
        let window = &self.line[part.clone()];
        let find = || {
            let leads = finder.leads.find_overlapping_iter(window);
            leads.map(|lead| (lead.pattern().as_usize(), lead.range())).collect()
        };
        for (number, lead) in memo.leads(window, find) {
            let lead = part.start + lead.start..part.start + lead.end;
            for owner in &finder.owners[number] {
                let until = self.until.iter().find(|(entry, _)| *entry == owner.entry);
                if until.is_none_or(|(_, until)| lead.start >= *until) {
                    self.at_lead(owner, lead.clone());
                }
            }
        }
    }

    fn at_lead(&mut self, owner: &Owner, lead: Range<usize>) {
        let pattern = &self.finder.catalogue.patterns()[owner.entry];
        let plain = pattern.plain().zip(lead.start.checked_sub(owner.offset));
        let until = match plain {
            Some((text, start)) if self.line[start..].starts_with(text) => {
                self.add(owner.entry, start..start + text.len());
                start + text.len()
            }
            _ if pattern.is_plain() => lead.end,
            _ => self.search(owner.entry, pattern.longest(), lead),
        };
        match self.until.iter_mut().find(|(entry, _)| *entry == owner.entry) {
            Some((_, known)) => *known = until,
            None => self.until.push((owner.entry, until)),
        }
    }

    /// Searches around a lead; says up to where the entry need not be looked for again.
    fn search(&mut self, entry: usize, longest: Option<usize>, lead: Range<usize>) -> usize {
        let reach = longest.map_or(REACH, |longest| longest.min(REACH));
        let window = lead.start.saturating_sub(reach)..self.line.len().min(lead.end + reach);
        let Matcher { needed, regex } = self.finder.matcher(entry);
        if needed.iter().all(|literal| literal.find(&self.line[window.clone()]).is_some()) {
            for found in regex.find_iter(Input::new(self.line).span(window.clone())) {
                self.add(entry, found.range());
            }
        }
        match longest {
            _ if window == (0..self.line.len()) => window.end,
            // Leads may follow each other closely, and without a limit all around each would be searched again.
            None => lead.end + REACH / 2,
            Some(_) => lead.end,
        }
    }

    fn add(&mut self, entry: usize, found: Range<usize>) {
        self.hits.push(Hit { at: self.at + found.start, end: self.at + found.end, entry });
    }
}

/// The messages in a chunk; see [`Finder::hits`]. A line is looked at once, however many there are in it.
#[derive(Debug)]
pub struct Hits<'f, 'b> {
    finder: &'f Finder,
    bytes: &'b [u8],
    /// Up to where all was found.
    from: usize,
    /// What was found in the line that ends there, the last first.
    found: Vec<Hit>,
    /// Where the last message ends that was found.
    told: usize,
    memo: Memo,
}

impl Hits<'_, '_> {
    /// What is to be remembered.
    #[must_use]
    pub fn into_memo(self) -> Memo {
        self.memo
    }

    /// The next message that begins before `limit`, which must not lie inside of one.
    pub fn next_before(&mut self, limit: usize) -> Option<Hit> {
        loop {
            if let Some(hit) = self.found.last() {
                return if hit.at < limit { self.found.pop() } else { None };
            }
            if self.from >= limit {
                return None;
            }
            let Some(first) = self.finder.next_shared(self.bytes, self.from..limit) else {
                self.from = limit;
                return None;
            };
            (self.found, self.from) = self.finder.in_line_of(self.bytes, first, limit, &mut self.memo);
            // Around a literal behind a limit, what stands before it may be found once more.
            self.found.retain(|hit| hit.at >= self.told);
            if let Some(last) = self.found.first() {
                self.told = last.end;
            }
        }
    }

    /// Looks for nothing before `position`: what stands there is known to be no message, a token for example.
    pub fn skip_to(&mut self, position: usize) {
        self.from = self.from.max(position);
    }
}

impl Iterator for Hits<'_, '_> {
    type Item = Hit;

    fn next(&mut self) -> Option<Hit> {
        self.next_before(self.bytes.len())
    }
}

/// Where the run of base64url ends that `found` lies in, if it is a long one.
fn long_run_end(bytes: &[u8], found: Range<usize>) -> Option<usize> {
    let in_run = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !bytes[found.clone()].iter().all(in_run) {
        return None;
    }
    let before = bytes[..found.start].iter().rev().take(LONG_RUN).take_while(|byte| in_run(byte)).count();
    let end = found.end + bytes[found.end..].iter().take_while(|byte| in_run(byte)).count();
    (end - found.start + before >= LONG_RUN).then_some(end)
}
