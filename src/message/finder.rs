//! Where messages stand in a chunk of a log.

use super::catalogue::Catalogue;
use super::lead::{Filter, LONGEST_LEAD, Mark, leads};
use super::memo::Memo;
use super::pattern::{Neighbours, Pattern};
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

/// What is seen in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// One of the beginnings that were asked for stands here.
    Start(usize),
    /// A message.
    Message(Hit),
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
    /// How far leads reach around each of the filter's literals: before it, and behind it.
    reaches: Vec<(usize, usize)>,
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
#[derive(Debug)]
struct Owner {
    entry: usize,
    /// Where the lead begins in the entry's text, if that is a fixed one.
    offset: usize,
    /// What stands around the lead, if that can be said: most leads of patterns that share one are told apart by this.
    neighbours: Option<Neighbours>,
}

impl Finder {
    /// A finder of all that is in the catalogue, and of every place where one of `starts` stands: with these begins
    /// something else that is looked for, in the same pass.
    #[must_use]
    pub fn new(catalogue: Catalogue, starts: &[[u8; 3]]) -> Self {
        let shared = Filter::new(starts, []);
        let mut owners: BTreeMap<Vec<u8>, Vec<Owner>> = BTreeMap::new();
        for (entry, literals) in leads(catalogue.patterns(), &shared).into_iter().enumerate() {
            let plain = catalogue.patterns()[entry].plain();
            for literal in literals {
                let offset = plain.and_then(|text| memmem::find(text, &literal)).unwrap_or(0);
                let neighbours = catalogue.patterns()[entry].neighbours(&literal);
                owners.entry(literal).or_default().push(Owner { entry, offset, neighbours });
            }
        }
        let unshared: Vec<&Vec<u8>> =
            owners.keys().filter(|literal| shared.literal_in(literal).is_none()).collect();
        let filter = if unshared.is_empty() { shared } else { Filter::new(starts, unshared) };
        let reaches = filter.reaches(owners.keys());
        let leads = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::NoncontiguousNFA))
            .build(owners.keys())
            .expect("the literals of a catalogue make an automaton");
        let matchers = catalogue.patterns().iter().map(|_| OnceLock::new()).collect();
        Self { catalogue, filter, leads, owners: owners.into_values().collect(), reaches, matchers }
    }

    /// The catalogue.
    #[must_use]
    pub const fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The messages in `bytes`, which are whole lines, and the beginnings, in ascending order. No message overlaps another:
    /// of two that would, the one of higher rank counts, then the longer, then the earlier entry. Between two beginnings,
    /// that is: what led to a message before one of them is not asked what stands behind it.
    #[must_use]
    pub fn sights<'f, 'b>(&'f self, bytes: &'b [u8]) -> Sights<'f, 'b> {
        self.sights_with(bytes, Memo::default())
    }

    /// The same with what was remembered of earlier bytes; see [`Sights::into_memo`].
    #[must_use]
    pub fn sights_with<'f, 'b>(&'f self, bytes: &'b [u8], memo: Memo) -> Sights<'f, 'b> {
        Sights {
            finder: self,
            bytes,
            from: 0,
            found: Vec::new(),
            ahead: None,
            leads: SmallVec::new(),
            told: 0,
            run_end: 0,
            line_end: 0,
            memo,
        }
    }

    fn rank(&self, hit: Hit) -> u8 {
        self.catalogue.entries()[hit.entry].rank
    }

    fn matcher(&self, entry: usize) -> &Matcher {
        self.matchers[entry].get_or_init(|| Matcher::new(&self.catalogue.patterns()[entry]))
    }

    /// Keeps of hits that overlap the best; the last first.
    fn keep_best(&self, hits: &mut Vec<Hit>) {
        hits.retain(|hit| hit.at < hit.end);
        if hits.len() <= 1 {
            return;
        }
        hits.sort_unstable_by_key(|hit| {
            (Reverse(self.rank(*hit)), Reverse(hit.end - hit.at), hit.entry, hit.at)
        });
        let mut kept: BTreeMap<usize, Hit> = BTreeMap::new();
        for hit in hits.drain(..) {
            // Those that are kept do not overlap: the last that begins before the end reaches furthest.
            let last = kept.range(..hit.end).next_back();
            if last.is_none_or(|(_, last)| last.end <= hit.at) {
                kept.insert(hit.at, hit);
            }
        }
        hits.extend(kept.into_values().rev());
    }
}

/// A lead, by its number, and where it stands.
type FoundLead = (usize, Range<usize>);

/// A line, and what was found in it so far.
struct Look<'f, 'b, 'h> {
    finder: &'f Finder,
    line: &'b [u8],
    /// Where the line begins.
    at: usize,
    /// Up to where each entry was looked for.
    until: SmallVec<[(usize, usize); 8]>,
    hits: &'h mut Vec<Hit>,
}

impl Look<'_, '_, '_> {
    /// Looks for the entries that these leads lead to, if they begin before `limit`.
    fn at_leads(&mut self, leads: &[FoundLead], limit: usize) {
        let finder = self.finder;
        for (number, lead) in leads.iter().filter(|(_, lead)| lead.start < limit) {
            for owner in &finder.owners[*number] {
                let until = self.until.iter().find(|(entry, _)| *entry == owner.entry);
                if until.is_none_or(|(_, until)| lead.start - self.at >= *until) {
                    self.at_lead(owner, lead.start - self.at..lead.end - self.at);
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
            _ if owner.neighbours.as_ref().is_some_and(|around| !around.stand(self.line, lead.start)) => {
                lead.end
            }
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

/// What is seen in a chunk; see [`Finder::sights`]. A line is looked at once, however many messages there are in it.
#[derive(Debug)]
pub struct Sights<'f, 'b> {
    finder: &'f Finder,
    bytes: &'b [u8],
    /// Up to where all was seen.
    from: usize,
    /// The messages before that which were not told yet, the last first.
    found: Vec<Hit>,
    /// The mark behind them, if it was seen.
    ahead: Option<Mark>,
    /// What that leads to, if it is a literal.
    leads: SmallVec<[FoundLead; 4]>,
    /// Where the last message ends that was told.
    told: usize,
    /// Where the last long run ends.
    run_end: usize,
    /// Where the line ends that was looked at last.
    line_end: usize,
    memo: Memo,
}

impl Sights<'_, '_> {
    /// What is to be remembered.
    #[must_use]
    pub fn into_memo(self) -> Memo {
        self.memo
    }

    /// Looks for nothing before `position`, which must not be before what was told last: what stands there is known to be
    /// no message, a token for example.
    pub fn skip_to(&mut self, position: usize) {
        self.from = self.from.max(position);
        self.ahead.take_if(|mark| mark.at() < position);
    }

    /// The next mark at or behind `from`, but for literals that no lead holds and for those inside of long runs.
    fn next_mark(&mut self, mut from: usize) -> Option<Mark> {
        loop {
            let mark = self.finder.filter.find(self.bytes, from..self.bytes.len())?;
            let Mark::Literal(literal, number) = &mark else { return Some(mark) };
            self.find_leads(literal, *number);
            if !self.leads.is_empty() && literal.end > self.run_end {
                match long_run_end(self.bytes, literal.clone()) {
                    Some(run_end) => self.run_end = run_end,
                    None => return Some(mark),
                }
            }
            from = literal.start + 1;
        }
    }

    /// Finds the leads that hold a literal. They reach so far around it that a lead never crosses the end of a line.
    fn find_leads(&mut self, literal: &Range<usize>, number: usize) {
        let Finder { leads, reaches, .. } = self.finder;
        let (before, behind) = reaches[number];
        let start = literal.start.saturating_sub(before);
        let window = &self.bytes[start..self.bytes.len().min(literal.end + behind)];
        let own = literal.start - start..literal.end - start;
        let find = || {
            let found = leads.find_overlapping_iter(window);
            let holding = found.filter(|lead| lead.start() <= own.start && own.end <= lead.end());
            holding.map(|lead| (lead.pattern().as_usize(), lead.range())).collect()
        };
        let found = self.memo.leads((window, own.start), find).iter();
        self.leads.clear();
        self.leads.extend(found.map(|(lead, at)| (*lead, start + at.start..start + at.end)));
    }

    /// Finds the messages that are led to from `first`, a literal, and from those behind it up to a beginning or to the end
    /// of the line.
    fn look_at_line(&mut self, first: Range<usize>) {
        if first.start >= self.line_end {
            let length = memchr(b'\n', &self.bytes[first.start..]);
            self.line_end = length.map_or(self.bytes.len(), |length| first.start + length);
        }
        // As much of the line as any search may reach.
        let floor = first.start.saturating_sub(AROUND);
        let start = memrchr(b'\n', &self.bytes[floor..first.start]).map_or(floor, |at| floor + at + 1);
        let line = &self.bytes[start..self.line_end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let finder = self.finder;
        let mut hits = std::mem::take(&mut self.found);
        let mut look = Look { finder, line, at: start, until: SmallVec::new(), hits: &mut hits };
        let mut literal = first;
        loop {
            let leads = std::mem::take(&mut self.leads);
            let next = self.next_mark(literal.start + 1);
            let limit = if let Some(Mark::Start(at)) = next { at } else { self.line_end };
            look.at_leads(&leads, limit);
            match next {
                Some(Mark::Literal(next, _)) if next.start < self.line_end => literal = next,
                other => {
                    self.from = other.as_ref().map_or(self.bytes.len(), Mark::at);
                    self.ahead = other;
                    break;
                }
            }
        }
        // Around a literal behind a beginning, what stands before that may be found once more.
        hits.retain(|hit| hit.at >= self.told);
        finder.keep_best(&mut hits);
        self.found = hits;
    }
}

impl Iterator for Sights<'_, '_> {
    type Item = Sight;

    fn next(&mut self) -> Option<Sight> {
        loop {
            if let Some(hit) = self.found.pop() {
                self.told = hit.end;
                return Some(Sight::Message(hit));
            }
            let mark = self.ahead.take();
            match mark.or_else(|| self.next_mark(self.from))? {
                Mark::Start(at) => {
                    self.from = at + 1;
                    return Some(Sight::Start(at));
                }
                Mark::Literal(literal, _) => self.look_at_line(literal),
            }
        }
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
