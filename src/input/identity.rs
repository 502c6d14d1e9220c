//! Which content is which, whatever it is called: `app.log` is the same source when it is called `app.log.1`, and still when it is
//! `app.log.2.gz`.
//!
//! A content is told by how many bytes of it are known, by its head (the first 2ⁿ bytes, n as large as fits into the known ones, at most
//! 64 KiB) and by its tail (the known bytes' last 4 KiB, or all). Bytes are those behind decompression. What was read of a source is a
//! prefix of what that source is now; so a source that is shorter than what was read of one, is not that one.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read};

use sha2::{Digest as _, Sha256};

/// The longest head, in bytes.
pub const HEAD: usize = 1 << 16;

/// The longest tail, in bytes.
pub const TAIL: usize = 4096;

/// How many of the bytes that went by last are kept, so that tails can be told that end a little further up.
const KEPT: usize = 1 << 16;

/// A SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; Self::LENGTH]);

impl Hash {
    /// How many bytes it is stored in.
    pub const LENGTH: usize = 32;

    /// The bytes that it is stored in.
    #[must_use]
    pub const fn to_bytes(self) -> [u8; Self::LENGTH] {
        self.0
    }

    /// The hash that is stored in these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    fn of(parts: [&[u8]; 2]) -> Self {
        let mut sha = Sha256::new();
        parts.iter().for_each(|part| sha.update(part));
        Self(sha.finalize().into())
    }
}

/// How a content is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Content {
    /// How many bytes of it are known.
    pub length: u64,
    /// Of its first bytes: as many as the largest power of two that is neither above `length` nor above [`HEAD`].
    pub head: Hash,
    /// Of its last bytes before `length`: [`TAIL`], or all.
    pub tail: Hash,
}

impl Content {
    /// Nothing at all.
    #[must_use]
    pub fn empty() -> Self {
        Witness::default().content()
    }

    /// Where the bytes of its tail are.
    #[must_use]
    pub fn tail_range(&self) -> std::ops::Range<u64> {
        self.length.saturating_sub(TAIL as u64)..self.length
    }
}

/// The exponent of the head of a content of this length, which is not empty.
fn exponent(length: u64) -> Option<usize> {
    length.min(HEAD as u64).checked_ilog2().map(|exponent| exponent as usize)
}

/// The hashes of the first 1, 2, 4, … bytes of a content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heads(Vec<Hash>);

impl Heads {
    /// The hashes, of the fewest bytes first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Hash> + '_ {
        self.0.iter().copied()
    }
}

/// Sees the bytes of a source go by, in order, and can tell afterwards which content they are. It does not matter how they are cut.
#[derive(Clone, Default)]
pub struct Witness {
    length: u64,
    /// Up to [`HEAD`] bytes.
    first: Vec<u8>,
    /// At least [`KEPT`] bytes, if there were as many and all went by here; at least [`TAIL`] else.
    last: Vec<u8>,
    /// The tails at lengths that were asked for: those to come have none.
    tails: BTreeMap<u64, Option<Hash>>,
}

/// The bytes of a log have no business in a debug text.
impl std::fmt::Debug for Witness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Witness({} bytes)", self.length)
    }
}

impl Witness {
    /// A witness that goes on behind what was `known`, if that is what the source holds: given the first bytes of the source (those of
    /// the head at least; [`HEAD`] if it has as many), and the bytes of [`Content::tail_range`].
    #[must_use]
    pub fn resume(known: &Content, first: &[u8], tail: &[u8]) -> Option<Self> {
        let length = usize::try_from(known.length).unwrap_or(usize::MAX);
        let first = first.get(..length.min(HEAD))?.to_vec();
        let witness = Self { length: known.length, first, last: tail.to_vec(), tails: BTreeMap::new() };
        (tail.len() == length.min(TAIL) && witness.content() == *known).then_some(witness)
    }

    /// Sees the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let room = HEAD - self.first.len();
        self.first.extend_from_slice(&bytes[..room.min(bytes.len())]);
        let end = self.length + bytes.len() as u64;
        for (&at, tail) in self.tails.range_mut(self.length + 1..=end) {
            let (before, now) = last_of(&self.last, &bytes[..(at - self.length) as usize]);
            *tail = Some(Hash::of([before, now]));
        }
        if bytes.len() >= KEPT {
            self.last.clear();
        }
        self.last.extend_from_slice(&bytes[bytes.len().saturating_sub(KEPT)..]);
        if self.last.len() > 2 * KEPT {
            self.last.drain(..self.last.len() - KEPT);
        }
        self.length = end;
    }

    /// Sees the next bytes of a stream, so many if there are as many. Says how many there were.
    ///
    /// # Errors
    /// When it cannot be read; what was read before was seen.
    pub fn watch(&mut self, bytes: &mut dyn Read, length: u64) -> io::Result<u64> {
        let mut left = bytes.take(length);
        let mut buffer = [0; 16 << 10];
        loop {
            match left.read(&mut buffer) {
                Ok(0) => return Ok(length - left.limit()),
                Ok(count) => self.feed(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// How many bytes went by.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// The hashes of the first bytes, as far as they went by.
    #[must_use]
    pub fn heads(&self) -> Heads {
        let mut sha = Sha256::new();
        let mut hashed = 0;
        let exponents = 0..exponent(self.length).map_or(0, |exponent| exponent + 1);
        let heads = exponents.map(|exponent| {
            sha.update(&self.first[hashed..1 << exponent]);
            hashed = 1 << exponent;
            Hash(sha.clone().finalize().into())
        });
        Heads(heads.collect())
    }

    /// Asks for the tail at this length, which is to be asked for before it has gone by, unless it is at most [`HEAD`] or has just
    /// gone by.
    pub fn expect(&mut self, length: u64) {
        if length > self.length && length > HEAD as u64 {
            self.tails.entry(length).or_default();
        }
    }

    /// The tail at a length that went by: one of the last 60 KiB, one of at most [`HEAD`], or one that was [asked for](Self::expect).
    #[must_use]
    pub fn tail_at(&self, length: u64) -> Option<Hash> {
        if length > self.length {
            return None;
        }
        let back = usize::try_from(self.length - length).ok()?;
        if back <= KEPT - TAIL
            && let Some(end) = self.last.len().checked_sub(back)
            && (end >= TAIL || end as u64 == length)
        {
            return Some(Hash::of(last_of(&[], &self.last[..end]).into()));
        }
        match usize::try_from(length).ok().and_then(|length| self.first.get(..length)) {
            Some(all) => Some(Hash::of([last_of(&[], all).1, &[]])),
            None => self.tails.get(&length).copied().flatten(),
        }
    }

    /// What the content was at a length whose tail [can be told](Self::tail_at).
    #[must_use]
    pub fn content_at(&self, length: u64) -> Option<Content> {
        let tail = self.tail_at(length)?;
        let head = self.first.get(..exponent(length).map_or(0, |exponent| 1 << exponent))?;
        Some(Content { length, head: Hash::of([head, &[]]), tail })
    }

    /// Whether the source begins with this content.
    #[must_use]
    pub fn begins_with(&self, known: &Content) -> bool {
        self.content_at(known.length).as_ref() == Some(known)
    }

    /// What the content is, as far as it went by.
    #[must_use]
    pub fn content(&self) -> Content {
        let head = &self.first[..exponent(self.length).map_or(0, |exponent| 1 << exponent)];
        let (before, now) = last_of(&[], &self.last);
        Content { length: self.length, head: Hash::of([head, &[]]), tail: Hash::of([before, now]) }
    }
}

/// The last [`TAIL`] bytes of two pieces.
fn last_of<'a>(before: &'a [u8], now: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    let missing = TAIL.saturating_sub(now.len());
    (&before[before.len().saturating_sub(missing)..], &now[now.len().saturating_sub(TAIL)..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::Index as Place;

    use super::*;

    /// Bytes of which no piece is like another.
    fn bytes(length: usize) -> Vec<u8> {
        let mut state = 88_172_645_463_325_252_u64;
        let next = std::iter::repeat_with(move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        });
        next.take(length).collect()
    }

    fn sha(bytes: &[u8]) -> Hash {
        Hash(Sha256::digest(bytes).into())
    }

    /// The content of all these bytes, as the words of the module say it.
    fn content(bytes: &[u8]) -> Content {
        let head = (0..=16).map(|n| 1 << n).take_while(|length| *length <= bytes.len()).last().unwrap_or(0);
        let tail = bytes.len() - bytes.len().min(4096);
        Content { length: bytes.len() as u64, head: sha(&bytes[..head]), tail: sha(&bytes[tail..]) }
    }

    fn fed<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Witness {
        let mut witness = Witness::default();
        pieces.into_iter().for_each(|piece| witness.feed(piece));
        witness
    }

    /// Lengths around everything that is special.
    fn lengths() -> impl Strategy<Value = usize> {
        prop_oneof![
            0..20_usize,
            4080..4120_usize,
            65_500..65_600_usize,
            69_600..69_700_usize,
            0..200_000_usize
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn how_the_bytes_are_cut_does_not_matter(
            length in lengths(),
            cuts in proptest::collection::vec(any::<Place>(), 0..8),
            asked in proptest::collection::vec(any::<Place>(), 0..4),
        ) {
            let bytes = bytes(length);
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(length + 1)).chain([0, length]).collect();
            cuts.sort_unstable();
            let asked: Vec<_> = asked.iter().map(|at| at.index(length + 1)).collect();
            let mut witness = Witness::default();
            asked.iter().for_each(|at| witness.expect(*at as u64));
            cuts.windows(2).for_each(|cut| witness.feed(&bytes[cut[0]..cut[1]]));

            prop_assert_eq!(witness.content(), content(&bytes));
            let heads: Vec<_> = witness.heads().iter().collect();
            let whole = (0..=16).map(|n| 1 << n).take_while(|head| *head <= length).map(|head| sha(&bytes[..head]));
            prop_assert_eq!(heads, whole.collect::<Vec<_>>());
            for at in asked {
                prop_assert_eq!(witness.content_at(at as u64), Some(content(&bytes[..at])), "at {}", at);
            }
        }

        #[test]
        fn who_goes_on_knows_what_who_saw_everything_knows(length in lengths(), from in any::<Place>()) {
            let bytes = bytes(length);
            let from = from.index(length + 1);
            let known = content(&bytes[..from]);
            let tail = known.tail_range();
            let tail = &bytes[tail.start as usize..tail.end as usize];
            let mut witness = Witness::resume(&known, &bytes[..length.min(HEAD)], tail).expect("it is the same content");
            witness.feed(&bytes[from..]);
            prop_assert_eq!(witness.content(), content(&bytes));
            prop_assert!(witness.begins_with(&content(&bytes)));
        }

        #[test]
        fn nobody_goes_on_behind_other_bytes(length in 1..70_000_usize, at in any::<Place>()) {
            let mut bytes = bytes(length);
            let known = content(&bytes);
            let head = length.min(HEAD).checked_ilog2().map_or(0, |exponent| 1 << exponent);
            // Between head and tail nothing is looked at.
            let at = at.index(length);
            prop_assume!(at < head || at + TAIL >= length);
            bytes[at] ^= 1;
            let tail = &bytes[known.tail_range().start as usize..];
            prop_assert!(Witness::resume(&known, &bytes[..length.min(HEAD)], tail).is_none());
            prop_assert!(!fed([&*bytes]).begins_with(&known));
        }
    }

    #[test]
    fn bytes_that_come_one_by_one_are_kept_as_long_as_they_are_needed() {
        let bytes = bytes(70_000);
        assert_eq!(fed(bytes.chunks(1)).content(), content(&bytes));
    }

    #[test]
    fn a_source_that_is_shorter_than_what_was_read_of_one_is_another() {
        let bytes = bytes(5000);
        let known = content(&bytes);
        assert!(!fed([&bytes[..4999]]).begins_with(&known));
        assert!(fed([&*bytes]).begins_with(&known));
        assert!(Witness::resume(&known, &bytes[..4999], &bytes[904..]).is_none());
    }

    #[test]
    fn a_length_that_nobody_asked_for_is_not_told_once_it_has_gone_by() {
        let bytes = bytes(200_000);
        let witness = fed([&*bytes]);
        assert_eq!(witness.content_at(80_000), None);
        assert_eq!(witness.content_at(200_001), None);
        assert_eq!(witness.content_at(150_000), Some(content(&bytes[..150_000])));
        assert_eq!(witness.content_at(65_536), Some(content(&bytes[..65_536])));
    }

    #[test]
    fn debug_shows_no_byte_of_a_log() {
        assert_eq!(format!("{:?}", fed([b"secret".as_slice()])), "Witness(6 bytes)");
    }
}
