//! Which messages stand in a line of a log.

use super::catalogue::{Catalogue, OwnMessage};
use super::lead::{Filter, LONGEST_LEAD, leads};
use super::pattern::{Neighbours, Pattern, may_stand, stands};
use super::sights::Starts;
use super::span::Examined;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use memchr::memmem;
use regex_automata::Input;
use regex_automata::meta::Regex;
use smallvec::SmallVec;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::OnceLock;

/// How far from its literal a message may reach, in bytes.
const REACH: usize = 512;

/// How far from a hit of the first filter any search reaches.
pub(super) const AROUND: usize = REACH + LONGEST_LEAD;

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

/// Finds the messages of the catalogue. One serves all threads. What a log without messages has no use for is made when it is
/// first needed: the index, and of that the patterns.
#[derive(Debug)]
pub struct Finder {
    own: Vec<OwnMessage>,
    /// The literals that entries share, and what else is looked for.
    pub(super) filter: Filter,
    /// Whether that can begin behind these bytes.
    pub(super) behind: fn(&[u8]) -> bool,
    index: OnceLock<Index>,
}

/// What leads to the entries of a catalogue.
#[derive(Debug)]
pub(super) struct Index {
    catalogue: Catalogue,
    /// Each entry's own literals.
    pub(super) leads: AhoCorasick,
    /// What leads lead to.
    owners: Vec<Owner>,
    /// Which of `owners` each of `leads` leads to.
    owned: Vec<Range<usize>>,
    /// How far leads reach around each of the filter's literals: before it, and behind it.
    pub(super) reaches: Vec<(usize, usize)>,
    matchers: Vec<OnceLock<Matcher>>,
}

/// A pattern, compiled.
#[derive(Debug)]
struct Matcher {
    /// What every match holds, wherever it stands in it.
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
    /// Known when the lead was met.
    place: OnceLock<Place>,
}

/// Where in its pattern a lead stands.
#[derive(Debug)]
struct Place {
    /// Where it begins in the entry's text, if that is a fixed one.
    offset: usize,
    /// What stands around it, if that can be said: most leads of patterns that share one are told apart by this.
    neighbours: Option<Neighbours>,
}

impl Owner {
    fn place(&self, pattern: &Pattern, lead: &[u8]) -> &Place {
        self.place.get_or_init(|| Place {
            offset: pattern.plain().and_then(|text| memmem::find(text, lead)).unwrap_or(0),
            neighbours: pattern.neighbours(lead),
        })
    }
}

impl Finder {
    /// A finder of the user's own messages, of those of the catalogue, and of every place where something else may begin.
    #[must_use]
    pub fn new(own: &[OwnMessage], starts: Starts<'_>) -> Self {
        let Starts { texts, behind } = starts;
        let mut filter = Filter::new(texts, []);
        // The catalogue's entries share literals; the user's may have others.
        let mut unshared: BTreeSet<Vec<u8>> = own_leads(own, &filter).into_iter().flatten().collect();
        unshared.retain(|literal| filter.literal_in(literal).is_none());
        if !unshared.is_empty() {
            filter = Filter::new(texts, &unshared);
        }
        Self { own: own.to_vec(), filter, behind, index: OnceLock::new() }
    }

    /// The catalogue, with the user's own messages.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.index().catalogue
    }

    pub(super) fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::new(&self.own, &self.filter))
    }
}

/// What leads to each of the user's own messages.
fn own_leads(own: &[OwnMessage], shared: &Filter) -> Vec<Vec<Vec<u8>>> {
    leads(&own.iter().map(OwnMessage::pattern).collect::<Vec<_>>(), shared)
}

impl Index {
    fn new(own: &[OwnMessage], filter: &Filter) -> Self {
        let catalogue = Catalogue::new(own);
        let own_leads = own_leads(own, filter);
        let mut owners: BTreeMap<&[u8], Vec<Owner>> = BTreeMap::new();
        for (entry, literals) in own_leads.iter().chain(catalogue.leads()).enumerate() {
            for literal in literals {
                owners.entry(literal).or_default().push(Owner { entry, place: OnceLock::new() });
            }
        }
        let reaches = filter.reaches(owners.keys().copied());
        let leads = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::NoncontiguousNFA))
            .build(owners.keys())
            .expect("the literals of a catalogue make an automaton");
        let matchers = catalogue.entries().iter().map(|_| OnceLock::new()).collect();
        let ends = owners.values().scan(0, |end, owners| {
            let start = *end;
            *end += owners.len();
            Some(start..*end)
        });
        let owned = ends.collect();
        let owners = owners.into_values().flatten().collect();
        Self { catalogue, leads, owners, owned, reaches, matchers }
    }

    /// The leads that hold the literal at `literal`, with the entries that may stand there as far as these bytes tell, which
    /// are cut from a line.
    pub(super) fn led_to(&self, bytes: &[u8], literal: &Range<usize>) -> Vec<FoundLead> {
        let mut found = Vec::new();
        for lead in self.leads.find_overlapping_iter(bytes) {
            if lead.start() <= literal.start && literal.end <= lead.end() {
                let owners = self.owned[lead.pattern().as_usize()].clone();
                let owners = owners.filter(|&owner| self.may_stand(&self.owners[owner], bytes, lead.range()));
                found.extend(owners.map(|owner| (owner, lead.range())));
            }
        }
        found
    }

    fn may_stand(&self, owner: &Owner, bytes: &[u8], lead: Range<usize>) -> bool {
        let pattern = self.catalogue.pattern(owner.entry);
        let Place { offset, neighbours } = owner.place(pattern, &bytes[lead.clone()]);
        let is_plain = || pattern.plain().is_some_and(|text| may_stand(bytes, lead.start, text, *offset));
        let around = || neighbours.as_ref().is_none_or(|around| around.may_stand(bytes, lead.start));
        is_plain() || !pattern.is_plain() && around()
    }

    fn rank(&self, hit: Hit) -> u8 {
        self.catalogue.entries()[hit.entry].rank
    }

    fn matcher(&self, entry: usize) -> &Matcher {
        self.matchers[entry].get_or_init(|| Matcher::new(self.catalogue.pattern(entry)))
    }

    /// Keeps of hits that overlap the best; the last first.
    pub(super) fn keep_best(&self, hits: &mut Vec<Hit>) {
        hits.retain(|hit| hit.at < hit.end);
        if hits.len() <= 1 {
            return;
        }
        hits.sort_unstable_by_key(|hit| {
            (Reverse(self.rank(*hit)), Reverse(hit.end - hit.at), hit.entry, hit.at)
        });
        // The usual case: the name of an exception with what it says, and what it says alone.
        if let [best, other] = hits[..]
            && best.at < other.end
            && other.at < best.end
        {
            hits.truncate(1);
            return;
        }
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

/// What a lead leads to, by its number, and where the lead stands.
pub(super) type FoundLead = (usize, Range<usize>);

/// A line, and what was found in it so far.
pub(super) struct Look<'f, 'b, 'h> {
    pub(super) index: &'f Index,
    pub(super) line: &'b [u8],
    /// Where the line begins.
    pub(super) at: usize,
    /// Up to where entries were found, or searched for.
    pub(super) until: SmallVec<[(usize, usize); 8]>,
    pub(super) hits: &'h mut Vec<Hit>,
    /// By what.
    pub(super) examined: Examined,
}

impl Look<'_, '_, '_> {
    /// Looks for the entries that these leads lead to.
    pub(super) fn at_leads(&mut self, leads: &[FoundLead]) {
        let index = self.index;
        for (owner, lead) in leads {
            let owner = &index.owners[*owner];
            let until = self.until.iter().find(|(entry, _)| *entry == owner.entry);
            if until.is_none_or(|(_, until)| lead.start - self.at >= *until) {
                self.at_lead(owner, lead.start - self.at..lead.end - self.at);
            }
        }
    }

    fn at_lead(&mut self, owner: &Owner, lead: Range<usize>) {
        let pattern = self.index.catalogue.pattern(owner.entry);
        let Place { offset, neighbours } = owner.place(pattern, &self.line[lead.clone()]);
        let plain = pattern.plain().zip(lead.start.checked_sub(*offset));
        let until = match plain {
            Some((text, start)) if stands(self.line, start, text) => {
                self.note(|_| Some(start..start + text.len()));
                self.add(owner.entry, start..start + text.len());
                start + text.len()
            }
            _ => {
                if let Some(text) = pattern.plain() {
                    let start = lead.start.checked_sub(*offset);
                    self.note(|line| other_byte(line, start?, text, lead.start));
                }
                // Most leads end here, and to note that they do would cost more than to come here again.
                if pattern.is_plain() {
                    return;
                }
                if let Some(around) =
                    neighbours.as_ref().filter(|around| !around.may_stand(self.line, lead.start))
                {
                    self.note(|line| around.refuted_by(line, &lead));
                    return;
                }
                self.examined.note(None);
                self.search(owner.entry, pattern.longest(), lead)
            }
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
        let Matcher { needed, regex } = self.index.matcher(entry);
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

    /// Notes what of the line decided.
    fn note(&mut self, by: impl FnOnce(&[u8]) -> Option<Range<usize>>) {
        if self.examined.is_known() {
            self.examined.note(by(self.line).map(|range| self.at + range.start..self.at + range.end));
        }
    }

    fn add(&mut self, entry: usize, found: Range<usize>) {
        self.hits.push(Hit { at: self.at + found.start, end: self.at + found.end, entry });
    }
}

/// A byte by which a text does not stand in a line at `at`: of them the closest to `near`.
fn other_byte(line: &[u8], at: usize, text: &[u8], near: usize) -> Option<Range<usize>> {
    let pairs = text.iter().zip(line.get(at..)?).enumerate();
    let others = pairs.filter(|(_, (byte, there))| byte != there).map(|(n, _)| at + n);
    others.min_by_key(|other| other.abs_diff(near)).map(|other| other..other + 1)
}
