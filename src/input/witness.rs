//! By what a source is known again under another name, or with more behind it: how it begins, how much of it was read, and
//! what stands at the end of that. Of what is kept nothing can be read: hashes and a length.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// How much of its beginning tells a source from others, in bytes.
const HEAD: usize = 64 << 10;

/// How much of what was read last is compared, in bytes.
pub const TAIL: usize = 4 << 10;

/// How many of the bytes that were seen last are remembered: a tail can be told that ends further up.
const REMEMBERED: usize = 64 << 10;

/// The SHA-256 of some bytes.
pub type Hash = [u8; 32];

/// How a source begins: so many bytes, a power of two, and their hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Head {
    /// How many bytes.
    pub length: u32,
    /// Their hash.
    pub hash: Hash,
}

/// How much of a source was read, and what stands at the end of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    /// How many bytes were read.
    pub length: u64,
    /// The hash of the last of them, at most [`TAIL`].
    pub tail: Hash,
}

impl Reached {
    /// How many bytes the tail has.
    #[must_use]
    pub fn tail_length(&self) -> usize {
        TAIL.min(usize::try_from(self.length).unwrap_or(TAIL))
    }
}

/// Sees the bytes of a source in their order, in whatever pieces.
#[derive(Clone, Default)]
pub struct Witness {
    head: Vec<u8>,
    /// The last bytes: at least [`REMEMBERED`], where there are so many.
    last: Vec<u8>,
    length: u64,
    /// Whether the beginning was seen.
    saw_head: bool,
}

impl Witness {
    /// Sees a source from its beginning.
    #[must_use]
    pub fn new() -> Self {
        Self { saw_head: true, ..Self::default() }
    }

    /// Sees a source from where so many bytes of it stand above.
    #[must_use]
    pub fn from(length: u64) -> Self {
        Self { length, saw_head: length == 0, ..Self::default() }
    }

    /// Sees more.
    pub fn see(&mut self, bytes: &[u8]) {
        if self.saw_head {
            let room = HEAD - self.head.len();
            self.head.extend_from_slice(&bytes[..bytes.len().min(room)]);
        }
        self.length += bytes.len() as u64;
        self.last.extend_from_slice(&bytes[bytes.len().saturating_sub(REMEMBERED)..]);
        if self.last.len() > 2 * REMEMBERED {
            self.last.drain(..self.last.len() - REMEMBERED);
        }
    }

    /// How many bytes stand above, with those that were seen.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// What was reached.
    #[must_use]
    pub fn reached(&self) -> Reached {
        let tail = &self.last[self.last.len().saturating_sub(TAIL)..];
        Reached { length: self.length, tail: Sha256::digest(tail).into() }
    }

    /// What was reached when so many bytes stood above, if that is not long ago.
    #[must_use]
    pub fn reached_at(&self, length: u64) -> Option<Reached> {
        let back = usize::try_from(self.length.checked_sub(length)?).ok()?;
        let end = self.last.len().checked_sub(back).filter(|_| back <= REMEMBERED - TAIL)?;
        let start = end.saturating_sub(TAIL);
        let reached = Reached { length, tail: Sha256::digest(&self.last[start..end]).into() };
        (reached.tail_length() == end - start).then_some(reached)
    }

    /// How the source begins, for every power of two of bytes that it has, ascending; none if its beginning was not seen.
    #[must_use]
    pub fn heads(&self) -> Vec<Head> {
        let mut hasher = Sha256::new();
        let mut hashed = 0;
        let powers = (0..=HEAD.trailing_zeros()).map(|power| 1 << power);
        powers
            .take_while(|length| self.saw_head && *length <= self.head.len())
            .map(|length| {
                hasher.update(&self.head[hashed..length]);
                hashed = length;
                Head { length: length as u32, hash: hasher.clone().finalize().into() }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seen<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Witness {
        let mut witness = Witness::new();
        pieces.into_iter().for_each(|piece| witness.see(piece));
        witness
    }

    proptest! {
        #[test]
        fn what_is_seen_does_not_depend_on_the_pieces_and_is_what_a_hash_of_the_bytes_says(
            length in 0_usize..300_000, size in 1_usize..100_000, back in 0_usize..REMEMBERED,
        ) {
            let bytes: Vec<u8> = (0..length).map(|n| (n * n / 7) as u8).collect();
            let witness = seen(bytes.chunks(size));
            let tail = |end: usize| -> Hash { Sha256::digest(&bytes[end.saturating_sub(TAIL)..end]).into() };
            prop_assert_eq!(witness.reached(), Reached { length: length as u64, tail: tail(length) });
            if let Some(end) = length.checked_sub(back) {
                let told = Some(Reached { length: end as u64, tail: tail(end) });
                prop_assert_eq!(witness.reached_at(end as u64), told.filter(|_| back <= REMEMBERED - TAIL));
            }
            let heads = witness.heads();
            let count = if length == 0 { 0 } else { length.min(HEAD).ilog2() as usize + 1 };
            prop_assert_eq!(heads.len(), count);
            for head in heads {
                let hash: Hash = Sha256::digest(&bytes[..head.length as usize]).into();
                prop_assert_eq!(head.hash, hash);
            }
        }

        #[test]
        fn who_sees_a_source_from_further_down_reaches_the_same_if_the_tail_above_is_seen_too(
            above in 0_usize..10_000, below in 0_usize..10_000,
        ) {
            let bytes: Vec<u8> = (0..above + below).map(|n| (n * n / 7) as u8).collect();
            let from = above.saturating_sub(TAIL);
            let mut witness = Witness::from(from as u64);
            witness.see(&bytes[from..above]);
            witness.see(&bytes[above..]);
            prop_assert_eq!(witness.reached(), seen([&bytes[..]]).reached());
            prop_assert_eq!(witness.heads().is_empty(), from > 0 || bytes.is_empty());
        }
    }
}
