//! One chunk through all steps: candidate → token → finding → tally. A worker keeps for itself what it has learned, so
//! that a token it has seen before costs a hash, a look-up and a comparison of times.

mod criteria;
mod drain;
mod facts;
mod known;
mod prepared;
mod record;

use std::sync::Arc;

use hashbrown::HashTable;

use crate::input::chunk::{Chunk, TOKEN_LIMIT};
use crate::message::{Hit, Memo, Sight};
use crate::profile::Verifier;
use crate::report::{ChunkRows, Occurrence};
use crate::scan::candidate::{Extent, Shape, shape};
use crate::scan::lines::{Lines, Place, TimeContext, TimeSource};
use crate::tally::source::Found;
use crate::tally::{OutcomeNumber, Sighting, Tally, earliest};
use crate::timestamp::Timestamp;
use crate::token::{decode, is_short_and_no_header};
use crate::verdict::{Agreement, Judge, Judgement, Verdict};

pub use criteria::{Criteria, STARTS};
use facts::{Words, facts};
use known::Known;
pub use prepared::PreparedTokens;
use prepared::{Hash, Prepared};
pub use record::{Edges, Entries, Seam};
use record::{Record, Records, Said, Witness};

/// A header shorter than this says no more than an algorithm, and is rare.
const SHORT: usize = 16;

/// What a chunk held that was not counted in the worker's tally.
#[derive(Debug)]
pub struct Triaged {
    /// What was found in it, for its source.
    pub found: Found,
    /// Its first and its last record.
    pub edges: Edges,
}

/// The source that a chunk is of.
#[derive(Clone, Debug)]
pub struct SourceId {
    /// Its name.
    pub name: Arc<str>,
    /// Its number.
    pub number: u32,
}

/// Works on one chunk at a time and remembers every token that it has seen.
#[derive(Debug)]
pub struct Worker<'c> {
    criteria: &'c Criteria,
    tokens: Vec<Known>,
    /// What can be said about each of the tokens; this and what follows is apart from what every finding needs, so that that lies
    /// close together.
    prepared: Vec<Arc<Prepared>>,
    verifier: Option<Verifier<'c>>,
    /// The tokens by their candidates.
    by_bytes: HashTable<u32>,
    /// What other workers have prepared too.
    shared: Arc<PreparedTokens>,
    words: Words,
    /// What was found of verifiers' messages.
    memo: Memo,
    tally: Tally,
}

/// A finding, as its record remembers it.
#[derive(Clone, Copy, Debug)]
struct Seen {
    /// The token's place in `Worker::tokens`.
    token: u32,
    outcome: OutcomeNumber,
    at: Option<Timestamp>,
}

/// A token in a chunk.
struct Finding {
    /// Its place in `Worker::tokens`.
    token: u32,
    /// Where its candidate begins, and how many bytes that has.
    at: usize,
    length: usize,
}

impl<'c> Worker<'c> {
    /// A worker that has seen nothing, and shares what it prepares with no other.
    #[must_use]
    pub fn new(criteria: &'c Criteria) -> Self {
        Self::sharing(criteria, Arc::default())
    }

    /// One that shares what it prepares with others; all by the same criteria.
    #[must_use]
    pub fn sharing(criteria: &'c Criteria, shared: Arc<PreparedTokens>) -> Self {
        Self {
            criteria,
            tokens: Vec::new(),
            prepared: Vec::new(),
            verifier: criteria.profile.map(|profile| Verifier::new(profile, &criteria.policy)),
            by_bytes: HashTable::new(),
            shared,
            words: Words::default(),
            memo: Memo::default(),
            tally: Tally::new(criteria.bucket),
        }
    }

    /// All that was counted.
    #[must_use]
    pub fn into_tally(mut self) -> Tally {
        for known in &mut self.tokens {
            known.hand_over(&mut self.tally);
        }
        self.tally
    }

    /// Finds, judges and counts every token of a chunk, and what verifiers say. With `rows`, each finding is also written
    /// there.
    pub fn triage(
        &mut self,
        chunk: &Chunk,
        context: &TimeContext,
        source: &SourceId,
        mut rows: Option<&mut ChunkRows>,
    ) -> Triaged {
        let mut found = Found::default();
        let mut lines = Lines::new(chunk, context);
        let mut records = Records::new();
        let criteria = self.criteria;
        let mut sights = criteria.messages.sights_with(&chunk.bytes, std::mem::take(&mut self.memo));
        // Inside a run that was cut no token begins.
        let mut from = usize::from(chunk.begins_inside_run);
        // Up to here reaches what began like a candidate and was none.
        let mut barren = 0;
        while let Some(sight) = sights.next() {
            let at = match sight {
                Sight::Start(at) if at >= from => at,
                Sight::Start(_) => continue,
                Sight::Message(hit) => {
                    self.say(hit, from, &mut lines, source, &mut records);
                    continue;
                }
            };
            let bytes = &chunk.bytes[at..chunk.bytes.len().min(at + TOKEN_LIMIT)];
            let token = if at < barren { self.decoded(bytes) } else { self.token(bytes) };
            match token {
                Ok((token, length)) => {
                    from = at + length;
                    sights.skip_to(from);
                    let finding = Finding { token, at, length };
                    let sighted = self.count(&finding, &mut lines, source, &mut found, rows.as_deref_mut());
                    if let Some((record, seen)) = sighted {
                        records.enter(record, |ended| self.settle(ended, source));
                        records.see(seen);
                    }
                }
                Err(length) => {
                    from = at + 1;
                    barren = barren.max(at + length);
                }
            }
        }
        self.memo = sights.into_memo();
        Triaged { found, edges: records.edges(|seen| self.witness(seen)) }
    }

    /// Adds what a verifier said to its record. A message that holds a token may begin before `from`, the token's end, on
    /// the same line.
    fn say(
        &mut self,
        hit: Hit,
        from: usize,
        lines: &mut Lines<'_>,
        source: &SourceId,
        records: &mut Records<Seen>,
    ) {
        let place = lines.place(hit.at.max(from));
        if self.is_outside(&place) {
            return;
        }
        let rank = self.criteria.messages.catalogue().entries()[hit.entry].rank;
        let said = Said { entry: hit.entry, rank, at: place.time.map(|time| time.at) };
        records.enter(place.record, |ended| self.settle(ended, source));
        records.say(said);
    }

    /// Counts the message of a record of which nothing follows.
    fn settle(&mut self, record: &Record<Seen>, source: &SourceId) {
        let sole =
            record.sole().and_then(|(said, seen)| Some((said, seen.token as usize, seen.outcome, seen.at?)));
        if let Some((said, token, outcome, at)) = sole
            && let Some(number) = self.tokens[token].said_before(said.entry, outcome, at)
        {
            self.tally.messages_mut().add_again(number, said.at, source.number);
            return;
        }
        let told = |&Seen { token, outcome, at }: &Seen| {
            let number = self.tokens[token as usize].number;
            (self.tally.outcome(number, outcome), self.judgement(token).circumstances(), at)
        };
        let entries = || self.criteria.messages.catalogue().entries();
        let Some((key, token, said_at)) = record.answer(&entries, told) else { return };
        let fingerprint = token.map(|seen| self.prepared[seen.token as usize].fingerprint);
        let number = self.tally.messages_mut().add(key, fingerprint, said_at, source.number);
        // Most tokens come once: what holds beside one is found out when it has come again.
        let repeated = sole.filter(|(_, token, ..)| self.tokens[*token].is_repeated());
        if let Some((said, token, outcome, at)) = repeated {
            let stretch = match key.agrees {
                Agreement::Yes => i64::MIN..i64::MAX,
                _ => self.prepared[token].judgement.circumstances().stretch(at),
            };
            self.tokens[token].said((said.entry, number), outcome, at, &stretch);
        }
    }

    fn witness(&self, seen: Seen) -> Witness {
        let Seen { token, outcome, at } = seen;
        let outcome = self.tally.outcome(self.tokens[token as usize].number, outcome).clone();
        let circumstances = *self.judgement(token).circumstances();
        Witness { fingerprint: self.prepared[token as usize].fingerprint, outcome, circumstances, at }
    }

    fn judgement(&self, token: u32) -> &Judgement {
        &self.prepared[token as usize].judgement
    }

    /// The token whose candidate begins `bytes`, and the candidate's length; or, if there is none, how far what looked
    /// like one reaches.
    fn token(&mut self, bytes: &[u8]) -> Result<(u32, usize), usize> {
        let Shape { head, extent } = shape(bytes);
        let (Extent::Whole(reach) | Extent::Open(reach)) = extent;
        // What stands alone or is short is seldom a token, and to see so costs less than to look it up.
        let is_doubtful = head < SHORT || extent == Extent::Whole(head);
        if is_doubtful && is_short_and_no_header(bytes, head) {
            return Err(reach);
        }
        if let Extent::Whole(length) = extent {
            let hash = self.shared.hash(&bytes[..length]);
            if let Some(token) = self.known(hash) {
                return Ok((token, length));
            }
            if let Some(prepared) = self.shared.get(hash) {
                return Ok((self.learn(hash, prepared), length));
            }
        }
        self.decoded(bytes).map_err(|_| reach)
    }

    /// The same by decoding, which takes a look at the beginning only where there is none. So what is full of beginnings
    /// is not measured again from each.
    fn decoded(&mut self, bytes: &[u8]) -> Result<(u32, usize), usize> {
        let decoded = decode(bytes, &self.criteria.policy.show_claims).ok_or(0_usize)?;
        let hash = self.shared.hash(&bytes[..decoded.length]);
        if let Some(token) = self.known(hash) {
            return Ok((token, decoded.length));
        }
        let prepared = self.shared.get(hash).unwrap_or_else(|| {
            let Self { criteria, words, verifier, .. } = self;
            let prepared = Prepared {
                fingerprint: criteria.fingerprinter.token(decoded.own()),
                facts: Arc::new(facts(&decoded, &criteria.fingerprinter, words)),
                judgement: Judge::new(&criteria.policy).prepare(&decoded.token, decoded.signed()),
                forecast: verifier.as_ref().map(|verifier| verifier.forecast(&decoded.token, decoded.own())),
            };
            self.shared.keep(hash, prepared)
        });
        Ok((self.learn(hash, prepared), decoded.length))
    }

    /// Remembers a token that was prepared.
    fn learn(&mut self, hash: Hash, prepared: Arc<Prepared>) -> u32 {
        let number = self.tally.token(prepared.fingerprint, || Arc::clone(&prepared.facts));
        let token = u32::try_from(self.tokens.len()).expect("fewer than 2^32 distinct tokens");
        self.tokens.push(Known::new(hash, number));
        self.prepared.push(prepared);
        let Self { tokens, by_bytes, .. } = self;
        by_bytes.insert_unique(hash.0, token, |&token| tokens[token as usize].hash.0);
        token
    }

    /// The token of a candidate that came before.
    fn known(&self, hash: Hash) -> Option<u32> {
        self.by_bytes.find(hash.0, |&token| self.tokens[token as usize].hash == hash).copied()
    }

    /// A finding without an event time cannot be shown to be outside.
    fn is_outside(&self, place: &Place) -> bool {
        place.time.is_some_and(|time| {
            let millis = time.at.millis();
            self.criteria.since.is_some_and(|since| millis < since.millis())
                || self.criteria.until.is_some_and(|until| millis >= until.millis())
        })
    }

    /// Counts a finding; gives its record and what to ask of it there, unless it is left out.
    fn count(
        &mut self,
        finding: &Finding,
        lines: &mut Lines<'_>,
        source: &SourceId,
        found: &mut Found,
        rows: Option<&mut ChunkRows>,
    ) -> Option<(u64, Seen)> {
        let Finding { token, at, length } = *finding;
        let place = lines.place(at);
        if self.is_outside(&place) {
            found.outside += 1;
            return None;
        }
        let event_time = place.time.map(|time| time.at);
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        let known = &mut self.tokens[token as usize];
        let number = known.number;
        let order = lines.order(&place);
        let again = event_time.and_then(|at| known.count_again(at, (source.number, order.start)));
        let found_now = match (again, event_time) {
            (Some(again), Some(at)) => {
                self.tally.add_to_timeline(number, again.verdict, at);
                again
            }
            _ => {
                let (source_id, line) = (source.number, lines.line());
                let sighting = Sighting { event_time, source: &source.name, source_id, line, length };
                self.count_first(token, &sighting, order.end)
            }
        };
        let known::Found { outcome, verdict, is_near } = found_now;
        if verdict == Verdict::Truncated
            && let Some(line) = lines.length_to(at + length as usize)
        {
            self.tally.note_cut_line(number, outcome, u32::try_from(line).unwrap_or(u32::MAX));
        }
        if is_near && let Some(event_time) = event_time {
            found.near_misses.add(&self.judgement(token).miss(event_time));
        }
        if let Some(rows) = rows {
            rows.push(&Occurrence {
                line: lines.line(),
                offset: place.offset,
                event_time,
                time_source: place.time.map_or("", |time| time.source.as_str()),
                fingerprint: self.prepared[token as usize].fingerprint,
                outcome: self.tally.outcome(number, outcome),
            });
        }
        found.candidates += 1;
        found.valid += u64::from(verdict == Verdict::Valid);
        found.expired += u64::from(verdict == Verdict::Expired);
        found.first_event = earliest(found.first_event, event_time);
        found.last_event = found.last_event.max(event_time);
        if let Some(format) = place.format {
            found.add_time_format(format);
        }
        match place.time.map(|time| time.source) {
            None => found.untimed += 1,
            Some(TimeSource::File) => found.at_file_time += 1,
            Some(_) => {}
        }
        found.undated_lines += u64::from(lines.count_line() && place.format.is_none());
        if let Some(values) = lines.groups() {
            let fingerprint = self.prepared[token as usize].fingerprint;
            for (name, value) in values.iter().enumerate() {
                let value = self.words.shown(value.as_deref());
                self.tally.groups_mut().add(name, value.as_ref(), verdict, fingerprint, event_time);
            }
        }
        Some((place.record, Seen { token, outcome, at: event_time }))
    }

    /// Counts a finding that shares too little with the last one of its token; it stands at or before an offset of its source.
    fn count_first(&mut self, token: u32, sighting: &Sighting<'_>, offset: u64) -> known::Found {
        let known = &mut self.tokens[token as usize];
        let Prepared { judgement, forecast, .. } = &*self.prepared[token as usize];
        known.hand_over(&mut self.tally);
        let mut outcome = judgement.at(sighting.event_time);
        let predicted = forecast.as_ref().and_then(|forecast| forecast.at(sighting.event_time));
        outcome.predicted = predicted.as_ref().map(Words::masked);
        self.tally.remark(known.number, judgement.remarks(&outcome));
        let verdict = outcome.verdict;
        let is_near = outcome.fails_by_time_alone()
            && sighting.event_time.is_some_and(|at| judgement.miss(at).is_near());
        let outcome = self.tally.add(known.number, outcome, sighting);
        let found = known::Found { outcome, verdict, is_near };
        if let Some(at) = sighting.event_time {
            let stretch = judgement.stretch(at);
            let stretch = forecast.as_ref().map_or(stretch.clone(), |forecast| forecast.narrow(&stretch, at));
            known.judged(found, &stretch, at, (sighting.source_id, offset));
        }
        found
    }
}
