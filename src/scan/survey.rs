//! What a chunk says of itself, whatever stands above it.
//!
//! All that has to look at each byte of a chunk before its place in the source is known is done here, so that it can be
//! done for many chunks at once; what then remains to be done in their order costs nothing per byte.

use std::sync::Arc;

use wide::u8x16;

use super::event_time::TimeRules;
use super::lines::{Lines, Stated, TimeContext};
use crate::input::chunk::{Chunk, LINE_END_BLOCK};
use crate::input::record::Wrapping;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    /// How many line ends.
    pub line_ends: u64,
    /// How many of them stand in each whole block: see [`Chunk::line_ends`].
    pub line_ends_by_block: Vec<u16>,
    /// Whether a line begins with `#`.
    pub has_comments: bool,
    /// Whether a line is part of a split record, if the wrapping is known.
    pub splits: Option<bool>,
    /// The last line that states its time by the rules, if all lines are whole.
    pub last_stated: Option<Stated>,
}

/// What the chunks of a source have told so far, and holds for all below. Who knows less surveys too much or too little,
/// which costs time and changes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Known {
    /// Directives tell in which columns the time stands: the rules say nothing.
    pub has_columns: bool,
    /// How lines are wrapped.
    pub wrapping: Option<Wrapping>,
}

impl Survey {
    /// Looks at a chunk of a source whose lines state their time by `rules`.
    #[must_use]
    pub fn of(chunk: &Chunk, rules: &Arc<TimeRules>, known: Known) -> Self {
        let (line_ends, line_ends_by_block, comment_below) = line_ends(&chunk.bytes);
        let has_comments = comment_below || !chunk.begins_inside_line && chunk.bytes.first() == Some(&b'#');
        let last_stated = || {
            let context = TimeContext { rules: Arc::clone(rules), ..TimeContext::default() };
            Lines::new(chunk, &context).last_stated_before(chunk.bytes.len())
        };
        Self {
            line_ends,
            line_ends_by_block,
            has_comments,
            splits: known.wrapping.map(|wrapping| wrapping.splits(&chunk.bytes)),
            last_stated: if known.has_columns { None } else { last_stated() },
        }
    }
}

/// How many line ends there are, in all and in each block that ends before the last byte, and whether a `#` stands behind one.
/// With vectors that every processor has, all together take 34 ms per GiB; a count and a search by hand-written AVX2 took 38
/// and 29.
fn line_ends(bytes: &[u8]) -> (u64, Vec<u16>, bool) {
    let Some((last, firsts)) = bytes.split_last() else { return (0, Vec::new(), false) };
    let (blocks, rest) = firsts.as_chunks();
    let (behind, _) = bytes[1..].as_chunks();
    let mut by_block: Vec<u16> = Vec::with_capacity(bytes.len() / LINE_END_BLOCK + 1);
    let mut comments = u8x16::splat(0);
    // What a lane counts of a block fits into a byte.
    for (blocks, behind) in blocks.chunks(LINE_END_BLOCK / 16).zip(behind.chunks(LINE_END_BLOCK / 16)) {
        let mut ends = u8x16::splat(0);
        for (these, next) in blocks.iter().zip(behind) {
            let are_ends = u8x16::new(*these).simd_eq(u8x16::splat(b'\n'));
            ends -= are_ends;
            comments |= are_ends & u8x16::new(*next).simd_eq(u8x16::splat(b'#'));
        }
        by_block.push(ends.to_array().iter().map(|ends| u16::from(*ends)).sum());
    }
    let mut count = by_block.iter().map(|ends| u64::from(*ends)).sum::<u64>();
    by_block.truncate(firsts.len() / LINE_END_BLOCK);
    count += rest.iter().chain([last]).filter(|byte| **byte == b'\n').count() as u64;
    let tail = &bytes[firsts.len() - rest.len()..];
    (count, by_block, comments.to_bitmask() != 0 || tail.windows(2).any(|pair| pair == b"\n#"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::chunk::{Chunker, LINE_LIMIT};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn line_ends_are_counted_and_comments_seen(
            text in prop::collection::vec(prop::sample::select(b"ab \n\n#".to_vec()), 0..100),
            before in 0..3 * LINE_END_BLOCK,
            range in [0_usize..9999, 0_usize..9999],
        ) {
            let text: Vec<u8> = text.iter().copied().cycle().take(before).chain(text.iter().copied()).collect();
            let count = text.iter().filter(|byte| **byte == b'\n').count() as u64;
            let (all, line_ends, has_comments) = line_ends(&text);
            prop_assert_eq!((all, has_comments), (count, text.windows(2).any(|pair| pair == b"\n#")));
            prop_assert_eq!(line_ends.len(), text.len().saturating_sub(1) / LINE_END_BLOCK);

            let chunk = Chunker::new(&*text, 0, LINE_LIMIT).next_chunk(Vec::new());
            let Some(mut chunk) = chunk else { return Ok(()) };
            let [a, b] = range.map(|at| at.min(chunk.bytes.len()));
            let range = a.min(b)..a.max(b);
            let uncounted = chunk.line_ends_in(range.clone());
            chunk.line_ends = line_ends;
            let naive = chunk.bytes[range.clone()].iter().filter(|byte| **byte == b'\n').count() as u64;
            prop_assert_eq!((uncounted, chunk.line_ends_in(range)), (naive, naive));
        }
    }
}
