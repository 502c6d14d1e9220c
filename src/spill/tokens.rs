//! Tokens in the order of their fingerprints, kept in memory or stored on disk.

use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use super::Spill;
use super::run::{self, PARTS, Run, Writer};
use crate::at_once::{AtOnce, each};
use crate::secret::Fingerprint;
use crate::tally::{MarkCounts, NamedToken, Record, Tally, TokenTally};

/// How many slices are made something of at the same time; what is made of as many is in memory before it is taken.
const TOGETHER: usize = 16;

/// What is sorted on disk beside the tokens, and what is read of it, takes this part of the memory that tokens may take.
const SHARES: usize = 8;

/// Tokens in parts of all logs, on their way to be stored.
#[derive(Debug)]
pub struct TokenSpill {
    spill: Spill,
    memory: usize,
}

impl TokenSpill {
    /// None yet. Runs are written into a directory, and what is kept of tokens in memory takes about so many bytes.
    #[must_use]
    pub fn new(directory: &Path, memory: usize) -> Self {
        Self { spill: Spill::new(directory, Fingerprint::LENGTH, memory / SHARES), memory }
    }

    /// Writes what is known of some tokens, in the order of their fingerprints.
    ///
    /// # Errors
    /// When it cannot be written, as on a full disk.
    pub fn write(&self, records: impl Iterator<Item = (Fingerprint, Record)>) -> io::Result<()> {
        let mut value = Vec::new();
        self.spill.write(|push| {
            for (name, record) in records {
                value = to_bytes(&record, std::mem::take(&mut value))?;
                push(&name.to_bytes(), &value)?;
            }
            Ok(())
        })
    }

    /// Whether no token was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spill.is_empty()
    }

    /// Brings all that is known of each token together, and adds it to a tally of all logs whose tokens were taken out.
    ///
    /// # Errors
    /// When it cannot be written or read back.
    pub fn finish(self, tally: &mut Tally, at_once: &AtOnce<'_>) -> io::Result<StoredTokens> {
        let Self { spill, memory } = self;
        let directory = spill.directory.clone();
        let runs = spill.into_runs();
        let parts = each(at_once, PARTS, |part| merge(&runs, part, &directory, tally));
        let mut stored = StoredTokens { parts: Vec::new(), tokens: 0, directory, memory };
        for part in parts {
            let (run, tokens, counts) = part?;
            stored.parts.push(run);
            stored.tokens += tokens;
            tally.settle(counts);
        }
        Ok(stored)
    }
}

/// Merges one part of all runs into a run of tokens: how many these are, and what they are counted in.
fn merge(runs: &[Run], part: usize, directory: &Path, tally: &Tally) -> io::Result<(Run, u64, MarkCounts)> {
    let mut writer = Writer::new(directory, Fingerprint::LENGTH)?;
    let (mut tokens, mut counts) = (0, MarkCounts::default());
    let mut value = Vec::new();
    let mut end = |name: Fingerprint, record: Record| {
        if let Some(token) = counts.add(record, tally) {
            value = to_bytes(&token, std::mem::take(&mut value))?;
            writer.push(&name.to_bytes(), &value)?;
            tokens += 1;
        }
        io::Result::Ok(())
    };
    let mut present: Option<(Fingerprint, Record)> = None;
    let _ = run::merge(runs, part, |key, value| {
        let (name, record) = (name(key)?, from_bytes::<Record>(value)?);
        match &mut present {
            Some((known, present)) if *known == name => present.merge(record),
            _ => {
                if let Some((name, record)) = present.replace((name, record)) {
                    end(name, record)?;
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    })?;
    present.map_or(Ok(()), |(name, record)| end(name, record))?;
    Ok((writer.finish()?, tokens, counts))
}

/// All tokens of which something was counted, on disk.
#[derive(Debug)]
pub struct StoredTokens {
    /// One run for each part of the fingerprints.
    parts: Vec<Run>,
    tokens: u64,
    /// Where more can be stored, and how many bytes tokens may take in memory.
    directory: PathBuf,
    memory: usize,
}

/// All tokens of which something was counted, in the order of their fingerprints.
#[derive(Debug)]
pub enum Tokens<'t> {
    /// In memory.
    Kept(Vec<NamedToken<'t>>),
    /// On disk.
    Stored(&'t StoredTokens),
}

impl<'t> Tokens<'t> {
    /// Those in memory.
    #[must_use]
    pub fn kept(&self) -> &[NamedToken<'t>] {
        match self {
            Self::Kept(tokens) => tokens,
            Self::Stored(_) => &[],
        }
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self {
            Self::Kept(tokens) => tokens.len() as u64,
            Self::Stored(stored) => stored.tokens,
        }
    }

    /// Where entries can be stored that may be as many as the tokens are, with keys of so many bytes, and how many bytes of them may be
    /// kept in memory; `None` when all tokens are kept there.
    #[must_use]
    pub fn spill(&self, key: usize) -> Option<(Spill, usize)> {
        match self {
            Self::Kept(_) => None,
            Self::Stored(StoredTokens { directory, memory, .. }) => {
                let memory = memory / SHARES;
                Some((Spill::new(directory, key, memory), memory))
            }
        }
    }

    /// Hands what `make` makes of every slice of so many tokens to `take`, in order, until that fails.
    ///
    /// # Errors
    /// When tokens cannot be read back; and what `take` gives.
    pub fn slices<T: Send + Sync>(
        &self,
        size: usize,
        at_once: &AtOnce<'_>,
        make: impl Fn(&[NamedToken<'_>]) -> T + Sync,
        mut take: impl FnMut(T) -> io::Result<()>,
    ) -> io::Result<()> {
        match self {
            Self::Kept(tokens) => tokens.chunks(TOGETHER * size).try_for_each(|tokens| {
                let slices: Vec<_> = tokens.chunks(size).collect();
                each(at_once, slices.len(), |n| make(slices[n])).into_iter().try_for_each(&mut take)
            }),
            Self::Stored(stored) => stored.slices(size, |slices| {
                let made = each(at_once, slices.len(), |n| slices[n].with(&make));
                slices.clear();
                made.into_iter().try_for_each(|made| take(made?))
            }),
        }
    }
}

impl StoredTokens {
    /// Reads slices of so many tokens, and calls `take` whenever enough are read; it empties the list.
    fn slices(&self, size: usize, mut take: impl FnMut(&mut Vec<Slice>) -> io::Result<()>) -> io::Result<()> {
        let (mut slices, mut slice) = (Vec::new(), Slice::default());
        for (part, run) in self.parts.iter().enumerate() {
            let mut reader = run.part(part);
            while let Some((key, value)) = reader.next()? {
                slice.push(name(key)?, value);
                if slice.tokens.len() == size {
                    slices.push(std::mem::take(&mut slice));
                }
                if slices.len() == TOGETHER {
                    take(&mut slices)?;
                }
            }
        }
        slices.push(slice);
        take(&mut slices)
    }
}

/// Some tokens, as they are stored.
#[derive(Default)]
struct Slice {
    /// Each token's name, and where its value ends.
    tokens: Vec<(Fingerprint, usize)>,
    values: Vec<u8>,
}

impl Slice {
    fn push(&mut self, name: Fingerprint, value: &[u8]) {
        self.values.extend_from_slice(value);
        self.tokens.push((name, self.values.len()));
    }

    fn with<T>(&self, make: impl Fn(&[NamedToken<'_>]) -> T) -> io::Result<T> {
        let mut start = 0;
        let token = |&(name, end): &(Fingerprint, usize)| {
            let value = &self.values[std::mem::replace(&mut start, end)..end];
            Ok((name, from_bytes(value)?))
        };
        let tokens = self.tokens.iter().map(token).collect::<io::Result<Vec<(Fingerprint, TokenTally)>>>()?;
        let named: Vec<_> = tokens.iter().map(|(name, token)| (*name, token)).collect();
        Ok(make(&named))
    }
}

fn name(key: &[u8]) -> io::Result<Fingerprint> {
    key.try_into().map(Fingerprint::from_bytes).map_err(|_| damaged())
}

/// Writes a value as it is stored, over the old content of a buffer.
///
/// # Errors
/// None, of what is stored of tokens.
pub fn to_bytes<T: serde::Serialize>(value: &T, mut buffer: Vec<u8>) -> io::Result<Vec<u8>> {
    buffer.clear();
    postcard::to_extend(value, buffer).map_err(io::Error::other)
}

/// Reads a value as it is stored.
///
/// # Errors
/// When the bytes are not those that were written.
pub fn from_bytes<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> io::Result<T> {
    postcard::from_bytes(bytes).map_err(|_| damaged())
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "what was stored there is no longer what was written")
}
