//! Findings → counts that merge. Merging is associative and commutative and an empty tally is its identity, so that
//! every worker counts for itself and the order in which they finish shows nowhere.

mod distinct;
mod groups;
mod live;
mod messages;
mod offsets;
mod places;
mod record;
pub mod source;
mod timeline;
mod told;

use foldhash::HashMap;
use std::sync::Arc;

pub use distinct::Distinct;
pub use groups::{GroupCount, GroupTally, OTHERS};
pub use live::{is_live, live_tokens, usable_until};
pub use messages::{MessageCount, MessageKey, MessageNumber, MessageTally};
pub use offsets::{NearMisses, Offsets};
pub use places::Places;
pub use record::{MarkCounts, Record};
pub use source::SourceTally;
pub use timeline::{BucketWidth, Timeline};

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use told::Told;

use crate::secret::{Fingerprint, SubjectFingerprint};
use crate::timestamp::Timestamp;
use crate::verdict::{Outcome, Remarks, TokenType, Verdict, VerdictSet};

/// What the reports may show of a token: no byte of it, only what contract section 5 names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenFacts {
    /// `alg` of the header (RFC 7515 §4.1.1).
    pub alg: Option<Arc<str>>,
    /// `typ` of the header (RFC 7515 §4.1.9).
    pub typ: Option<Arc<str>>,
    /// `kid` of the header (RFC 7515 §4.1.4).
    pub kid: Option<Arc<str>>,
    /// `iss` (RFC 7519 §4.1.1).
    pub iss: Option<Arc<str>>,
    /// The values of `aud` (RFC 7519 §4.1.3), in the token's order.
    pub aud: Vec<Arc<str>>,
    /// `azp`, else `client_id`, `cid`, `appid`.
    pub client: Option<Arc<str>>,
    /// Tells subjects apart; never shown.
    pub subject: Option<u64>,
    /// The subject's fingerprint, when a key of the user's own makes it.
    pub sub_fingerprint: Option<SubjectFingerprint>,
    /// What kind of token it is.
    pub token_type: Option<TokenType>,
    /// `iat`.
    pub issued_at: Option<Timestamp>,
    /// `nbf`.
    pub not_before: Option<Timestamp>,
    /// `exp`.
    pub expires_at: Option<Timestamp>,
    /// Whether `exp` is written in milliseconds: who reads it as seconds (RFC 7519 §2) sees it thousands of years away.
    pub exp_in_milliseconds: bool,
    /// Whether one of these dates was written in milliseconds.
    pub in_milliseconds: bool,
    /// Plain values of the claims that the policy names under `show_claims`, in the policy's order.
    pub shown_claims: Vec<Option<Arc<str>>>,
}

/// Where a candidate stands. Places order by source name, then line, then offset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Location {
    /// The source's name.
    pub source: Arc<str>,
    /// The line, from 1.
    pub line: u64,
}

/// How often, when and where one token had one outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// How often.
    pub occurrences: u64,
    /// How many of the occurrences have no event time.
    pub undated: u64,
    /// The earliest event time; `None` when no occurrence has one.
    pub first_seen: Option<Timestamp>,
    /// The latest event time.
    pub last_seen: Option<Timestamp>,
    /// The sources that hold it.
    pub sources: Places,
    /// The first place, by source name and line.
    pub first_location: Location,
    /// Length of the candidate in bytes; the longest where they differ (SD-JWT disclosures, URL-encoding).
    pub length: u32,
    /// Length of the line at whose end a `truncated` candidate stands, the longest of several; else 0.
    pub cut_line: u32,
}

/// The outcomes of a token, and how often each was.
type Outcomes = SmallVec<[(Outcome, Count); 1]>;

/// One token and all that happened to it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TokenTally {
    /// What may be shown of it.
    pub facts: Arc<TokenFacts>,
    /// Its outcomes, in no order. Most tokens have one, which is counted where the token is found: every step through
    /// memory that a sighting costs is a wait.
    pub outcomes: Outcomes,
    /// What explains them.
    pub remarks: Remarks,
}

/// A place in a source at which a token was found, as the tally counts it.
#[derive(Clone, Copy, Debug)]
pub struct Sighting<'a> {
    /// When the line was written.
    pub event_time: Option<Timestamp>,
    /// The source's name.
    pub source: &'a Arc<str>,
    /// The source's number.
    pub source_id: u32,
    /// The line, from 1.
    pub line: u64,
    /// Length of the candidate in bytes.
    pub length: u32,
}

/// More findings of the same bytes, with an outcome that was counted for them in the same source before, on the same line or
/// above. They are summed up where they are found: every step through memory that a single one costs is a wait.
#[derive(Clone, Copy, Debug)]
pub struct Repeats {
    /// How many.
    pub occurrences: u32,
    /// The earliest event time.
    pub first_seen: Timestamp,
    /// The latest event time.
    pub last_seen: Timestamp,
    /// The source's number.
    pub source: u32,
}

/// A token by its name.
pub type NamedToken<'a> = (Fingerprint, &'a TokenTally);

/// All counts but those per source, which the sources keep for themselves.
#[derive(Clone, Debug)]
pub struct Tally {
    tokens: Vec<TokenTally>,
    numbers: HashMap<Fingerprint, TokenNumber>,
    /// What is told of tokens that were taken out.
    elsewhere: Told,
    timeline: Timeline,
    messages: MessageTally,
    groups: GroupTally,
}

/// A token's number in the tally that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenNumber(u32);

/// The number of one of a token's outcomes in the tally that gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutcomeNumber(pub(crate) u32);

impl Tally {
    /// An empty tally.
    #[must_use]
    pub fn new(width: BucketWidth) -> Self {
        Self {
            tokens: Vec::new(),
            numbers: HashMap::default(),
            elsewhere: Told::default(),
            timeline: Timeline::new(width),
            messages: MessageTally::default(),
            groups: GroupTally::default(),
        }
    }

    /// The number of the token with this fingerprint; `facts` are asked for when it is new.
    pub fn token(
        &mut self,
        fingerprint: Fingerprint,
        facts: impl FnOnce() -> Arc<TokenFacts>,
    ) -> TokenNumber {
        *self.numbers.entry(fingerprint).or_insert_with(|| {
            let facts = facts();
            self.tokens.push(TokenTally::new(facts));
            TokenNumber(u32::try_from(self.tokens.len() - 1).expect("fewer than 2^32 distinct tokens"))
        })
    }

    /// Counts one finding, and gives the outcome's number, by which it is counted again.
    pub fn add(&mut self, token: TokenNumber, outcome: Outcome, sighting: &Sighting<'_>) -> OutcomeNumber {
        let outcomes = &mut self.tokens[token.0 as usize].outcomes;
        let number = outcomes.iter().position(|(known, _)| *known == outcome);
        let number = number.unwrap_or(outcomes.len());
        match outcomes.get_mut(number) {
            Some((_, count)) => count.add(sighting),
            None => outcomes.push((outcome, Count::new(sighting))),
        }
        let verdict = outcomes[number].0.verdict;
        self.timeline.add(sighting.event_time, verdict, token);
        OutcomeNumber(u32::try_from(number).expect("a token has few outcomes"))
    }

    /// Counts a finding whose verdict is known in the timeline alone; it is one of [`Repeats`].
    pub fn add_to_timeline(&mut self, token: TokenNumber, verdict: Verdict, at: Timestamp) {
        self.timeline.add(Some(at), verdict, token);
    }

    /// Counts findings that are in the timeline already.
    pub fn add_repeats(&mut self, token: TokenNumber, outcome: OutcomeNumber, repeats: &Repeats) {
        self.tokens[token.0 as usize].outcomes[outcome.0 as usize].1.add_repeats(repeats);
    }

    /// Notes that an occurrence of a `truncated` outcome stands at the end of a line of this length.
    pub fn note_cut_line(&mut self, token: TokenNumber, outcome: OutcomeNumber, length: u32) {
        let count = &mut self.tokens[token.0 as usize].outcomes[outcome.0 as usize].1;
        count.cut_line = count.cut_line.max(length);
    }

    /// The outcome with this number.
    #[must_use]
    pub fn outcome(&self, token: TokenNumber, outcome: OutcomeNumber) -> &Outcome {
        &self.tokens[token.0 as usize].outcomes[outcome.0 as usize].0
    }

    /// Adds what another tally counted. Both must have been made with the same bucket width.
    #[must_use]
    pub fn merge(mut self, mut other: Self) -> Self {
        if self.tokens.len() < other.tokens.len() {
            std::mem::swap(&mut self, &mut other);
        }
        self.elsewhere.merge(std::mem::take(&mut other.elsewhere));
        self.messages.merge(std::mem::take(&mut other.messages));
        self.groups.merge(std::mem::take(&mut other.groups));
        let mut renumbered: Vec<TokenNumber> = (0..).take(other.tokens.len()).map(TokenNumber).collect();
        for (fingerprint, number) in other.numbers {
            let theirs = &mut other.tokens[number.0 as usize];
            let mine = self.token(fingerprint, || Arc::clone(&theirs.facts));
            renumbered[number.0 as usize] = mine;
            self.tokens[mine.0 as usize].merge(theirs.remarks, theirs.outcomes.drain(..));
        }
        self.timeline.merge(other.timeline, |token| renumbered[token.0 as usize]);
        self
    }

    /// How much memory the tokens take, and what has to know them, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        let tokens = self.tokens.capacity() * size_of::<TokenTally>();
        let numbers = self.numbers.capacity() * size_of::<(Fingerprint, TokenNumber)>() * 8 / 7;
        tokens + numbers + self.timeline.memory() + self.messages.memory() + self.groups.memory()
    }

    /// Every token of which something was counted, with its fingerprint, ordered by fingerprint. One whose findings
    /// were all left out has a number, and is not told.
    #[must_use]
    pub fn tokens(&self) -> Vec<NamedToken<'_>> {
        let numbered = self.numbers.iter().map(|(&name, number)| (name, &self.tokens[number.0 as usize]));
        let mut tokens: Vec<_> = numbered.filter(|(_, token)| !token.outcomes.is_empty()).collect();
        tokens.sort_unstable_by_key(|(name, _)| *name);
        tokens
    }

    /// Notes what explains an outcome of a token.
    pub fn remark(&mut self, token: TokenNumber, remarks: Remarks) {
        self.tokens[token.0 as usize].remarks |= remarks;
    }

    /// How many tokens such a remark was made about.
    #[must_use]
    pub fn remarked(&self, which: fn(&Remarks) -> bool) -> usize {
        let elsewhere = self.elsewhere.remarks.iter().filter(|(remarks, _)| which(remarks));
        let here = self.tokens.iter().filter(|token| which(&token.remarks)).count();
        here + elsewhere.map(|(_, tokens)| tokens).sum::<usize>()
    }

    /// Every verdict that was found.
    #[must_use]
    pub fn verdicts(&self) -> VerdictSet {
        let outcomes = self.tokens.iter().flat_map(|token| &token.outcomes);
        outcomes.map(|(outcome, _)| outcome.verdict).collect::<VerdictSet>().union(self.elsewhere.verdicts)
    }

    /// What verifiers said.
    #[must_use]
    pub const fn messages(&self) -> &MessageTally {
        &self.messages
    }

    /// What verifiers said, to be added to.
    pub const fn messages_mut(&mut self) -> &mut MessageTally {
        &mut self.messages
    }

    /// Findings by the user's groups.
    #[must_use]
    pub const fn groups(&self) -> &GroupTally {
        &self.groups
    }

    /// Findings by the user's groups, to be added to.
    pub const fn groups_mut(&mut self) -> &mut GroupTally {
        &mut self.groups
    }

    /// Occurrences over time.
    #[must_use]
    pub const fn timeline(&self) -> &Timeline {
        &self.timeline
    }
}

impl TokenTally {
    /// A token to which nothing has happened.
    fn new(facts: Arc<TokenFacts>) -> Self {
        Self { facts, outcomes: SmallVec::new(), remarks: Remarks::default() }
    }

    /// Adds what happened to it elsewhere.
    fn merge(&mut self, remarks: Remarks, outcomes: impl IntoIterator<Item = (Outcome, Count)>) {
        self.remarks |= remarks;
        add_outcomes(&mut self.outcomes, outcomes);
    }
}

fn add_outcomes(known: &mut Outcomes, more: impl IntoIterator<Item = (Outcome, Count)>) {
    for (outcome, count) in more {
        match known.iter_mut().find(|(known, _)| *known == outcome) {
            Some((_, known)) => known.merge(count),
            None => known.push((outcome, count)),
        }
    }
}

impl Count {
    fn new(sighting: &Sighting<'_>) -> Self {
        let mut count = Self {
            occurrences: 1,
            undated: u64::from(sighting.event_time.is_none()),
            first_seen: sighting.event_time,
            last_seen: sighting.event_time,
            sources: Places::default(),
            first_location: Location { source: Arc::clone(sighting.source), line: sighting.line },
            length: sighting.length,
            cut_line: 0,
        };
        count.sources.add(sighting.source_id, 1);
        count
    }

    fn add(&mut self, sighting: &Sighting<'_>) {
        self.occurrences += 1;
        self.undated += u64::from(sighting.event_time.is_none());
        self.first_seen = earliest(self.first_seen, sighting.event_time);
        self.last_seen = self.last_seen.max(sighting.event_time);
        self.sources.add(sighting.source_id, 1);
        if (&**sighting.source, sighting.line) < (&*self.first_location.source, self.first_location.line) {
            self.first_location = Location { source: Arc::clone(sighting.source), line: sighting.line };
        }
        self.length = self.length.max(sighting.length);
    }

    fn add_repeats(&mut self, repeats: &Repeats) {
        self.occurrences += u64::from(repeats.occurrences);
        self.first_seen = earliest(self.first_seen, Some(repeats.first_seen));
        self.last_seen = self.last_seen.max(Some(repeats.last_seen));
        self.sources.add(repeats.source, repeats.occurrences);
    }

    fn merge(&mut self, other: Self) {
        self.occurrences += other.occurrences;
        self.undated += other.undated;
        self.first_seen = earliest(self.first_seen, other.first_seen);
        self.last_seen = self.last_seen.max(other.last_seen);
        self.sources.merge(&other.sources);
        if other.first_location < self.first_location {
            self.first_location = other.first_location;
        }
        self.length = self.length.max(other.length);
        self.cut_line = self.cut_line.max(other.cut_line);
    }
}

/// The earlier of two times; any time is earlier than none.
#[must_use]
pub fn earliest(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (known, None) | (None, known) => known,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::{Fingerprinter, RawToken};
    use crate::verdict::{Detail, KeyStatus, SignatureStatus, Verdict, VerdictSet};

    fn counted(times: &[Option<i64>]) -> Tally {
        let mut tally = Tally::new(BucketWidth::Auto);
        let name = Fingerprinter::public().token(RawToken::new(b"a"));
        let token = tally.token(name, Arc::default);
        let outcome = Outcome {
            verdict: Verdict::Valid,
            detail: Detail::None,
            also: VerdictSet::default(),
            key_status: KeyStatus::Unchecked,
            signature: SignatureStatus::Unchecked,
            predicted: None,
        };
        let source: Arc<str> = "api.log".into();
        for time in times {
            let event_time = time.map(Timestamp::from_seconds);
            let sighting = Sighting { event_time, source: &source, source_id: 0, line: 1, length: 100 };
            tally.add(token, outcome.clone(), &sighting);
        }
        tally
    }

    #[test]
    fn a_token_whose_findings_were_all_left_out_is_not_told() {
        assert_eq!(counted(&[]).tokens().len(), 0);
        assert_eq!(counted(&[Some(7)]).tokens().len(), 1);
    }

    #[test]
    fn a_count_tells_its_undated_occurrences_also_after_a_merge() {
        let merged = counted(&[Some(7), None]).merge(counted(&[None, None, Some(3)]));
        let tokens = merged.tokens();
        let (_, count) = &tokens[0].1.outcomes[0];
        assert_eq!((count.occurrences, count.undated), (5, 3));
        let timeline: Vec<_> = merged.timeline().iter().map(|(at, _, n, tokens)| (at, n, tokens)).collect();
        let at = |second| Some(Timestamp::from_seconds(second));
        assert_eq!(timeline, [(None, 3, 1), (at(3), 1, 1), (at(7), 1, 1)]);
    }

    #[test]
    fn repeats_count_as_much_as_the_findings_that_they_stand_for() {
        let one_by_one = counted(&[Some(5), Some(9), Some(7)]);
        let mut summed = counted(&[Some(5)]);
        let (token, outcome) = (TokenNumber(0), OutcomeNumber(0));
        let at = Timestamp::from_seconds;
        for second in [9, 7] {
            summed.add_to_timeline(token, Verdict::Valid, at(second));
        }
        let (first_seen, last_seen) = (at(7), at(9));
        let repeats = Repeats { occurrences: 2, first_seen, last_seen, source: 0 };
        summed.add_repeats(token, outcome, &repeats);
        let told =
            |tally: &Tally| (format!("{:?}", tally.tokens()), tally.timeline().iter().collect::<Vec<_>>());
        assert_eq!(told(&summed), told(&one_by_one));
    }
}
