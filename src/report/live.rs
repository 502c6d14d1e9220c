//! The rows of `live.csv`: tokens that are still usable, most urgent first. Which those are is the tally's rule
//! (`tally/live.rs`).

use std::io;
use std::ops::ControlFlow;

use super::cell::Cells;
use super::rows::{LiveRow, Several, Shown};
use super::tokens::{distinct_sources, first_location};
use super::{NamedToken, Report};
use crate::secret::Fingerprint;
use crate::spill::{self, Spill, Stored, Tokens};
use crate::tally::{TokenTally, is_live, usable_until};
use crate::timestamp::Timestamp;

/// How many bytes a token's place among the live ones is stored in.
const PLACE: usize = 9 + Fingerprint::LENGTH;

/// The tokens that are still usable, in order.
pub(super) enum Live<'a> {
    /// In memory.
    Kept(Vec<NamedToken<'a>>),
    /// On disk, and how many there are.
    Stored(Stored, u64),
}

/// Tokens that are still usable, on their way to be stored.
pub(super) struct Storing {
    count: u64,
    /// Those that are not stored yet, and how much memory they may take.
    entries: Vec<LiveEntry>,
    memory: usize,
    spill: Spill,
}

/// A token that is still usable, as it is stored: its place, and all that happened to it.
pub(super) struct LiveEntry([u8; PLACE], Vec<u8>);

impl LiveEntry {
    /// The entry of a token, if it is still usable.
    pub(super) fn of(token: &NamedToken<'_>, now: Timestamp, leeway: i64) -> Option<io::Result<Self>> {
        let (name, token) = *token;
        let expiry = is_live(token, now, leeway).then(|| usable_until(&token.facts))?;
        let mut place = [0; PLACE];
        if let Some(expiry) = expiry {
            place[0] = 1;
            // The bytes of larger numbers are to be smaller.
            place[1..9].copy_from_slice(&(!expiry.millis() ^ i64::MIN).to_be_bytes());
        }
        place[9..].copy_from_slice(&name.to_bytes());
        Some(spill::to_bytes(token, Vec::new()).map(|token| Self(place, token)))
    }
}

impl Storing {
    /// None yet; `None` of tokens that are kept in memory.
    pub(super) fn of(tokens: &Tokens<'_>) -> Option<Self> {
        let (spill, memory) = tokens.spill(PLACE)?;
        Some(Self { count: 0, entries: Vec::new(), memory, spill })
    }

    /// Adds some.
    pub(super) fn add(&mut self, more: Vec<LiveEntry>) -> io::Result<()> {
        self.count += more.len() as u64;
        self.entries.extend(more);
        // Entries are of much the same size.
        let size = self.entries.last().map_or(0, |entry| size_of::<LiveEntry>() + entry.1.len());
        if size * self.entries.len() < self.memory { Ok(()) } else { self.store() }
    }

    fn store(&mut self) -> io::Result<()> {
        let Self { entries, spill, .. } = self;
        entries.sort_unstable_by_key(|LiveEntry(place, _)| *place);
        spill.write(|push| entries.drain(..).try_for_each(|LiveEntry(place, token)| push(&place, &token)))
    }

    /// All are added.
    pub(super) fn finish(mut self) -> io::Result<Live<'static>> {
        self.store()?;
        Ok(Live::Stored(self.spill.finish(), self.count))
    }
}

impl Report<'_> {
    /// How many tokens are still usable: the rows of `live.csv`.
    #[must_use]
    pub fn live_tokens(&self) -> u64 {
        match &self.counted.live {
            Live::Kept(tokens) => tokens.len() as u64,
            Live::Stored(_, count) => *count,
        }
    }

    /// Hands the first rows of `live.csv` to `take`, so many at most, in order, until that fails.
    pub(super) fn each_live(
        &self,
        most: usize,
        mut take: impl FnMut(LiveRow<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        let now = self.findings.now;
        let mut taken = 0;
        match &self.counted.live {
            Live::Kept(tokens) => {
                let mut cells = Cells::default();
                tokens.iter().take(most).try_for_each(|token| take(row(token, now, &mut cells)))
            }
            Live::Stored(stored, _) => stored.each(|place, token| {
                if taken == most {
                    return Ok(ControlFlow::Break(()));
                }
                taken += 1;
                let name = place[9..].try_into().map(Fingerprint::from_bytes).map_err(io::Error::other)?;
                let token: TokenTally = spill::from_bytes(token)?;
                take(row(&(name, &token), now, &mut Cells::default())).map(ControlFlow::Continue)
            }),
        }
    }
}

fn row<'a>(token: &NamedToken<'a>, now: Timestamp, cells: &mut Cells<'a>) -> LiveRow<'a> {
    let (fingerprint, token) = *token;
    let facts = &*token.facts;
    let counts = || token.outcomes.iter().map(|(_, count)| count);
    LiveRow {
        fingerprint: Shown(fingerprint),
        iss: cells.maybe(facts.iss.as_deref()),
        aud: Several::claims(&facts.aud, cells),
        sub_fingerprint: facts.sub_fingerprint.map(Shown),
        expires_at: usable_until(facts).map(Shown),
        remaining_s: usable_until(facts).map(|exp| seconds_left(now, exp)),
        occurrences: counts().map(|count| count.occurrences).sum(),
        sources: distinct_sources(counts()),
        first_location: first_location(counts(), cells),
    }
}

/// Whole seconds until `exp`, rounded down; none are left of a token that only the leeway keeps alive.
fn seconds_left(now: Timestamp, exp: Timestamp) -> i64 {
    exp.millis().saturating_sub(now.millis()).max(0) / 1000
}
