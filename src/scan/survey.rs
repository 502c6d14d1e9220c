//! What a chunk says of itself, whatever stands above it.
//!
//! All that has to look at each byte of a chunk before its place in the source is known is done here, so that it can be
//! done for many chunks at once; what then remains to be done in their order costs nothing per byte.

use std::sync::Arc;

use wide::u8x16;

use super::event_time::TimeRules;
use super::lines::{Lines, Stated, TimeContext};
use crate::input::chunk::Chunk;
use crate::input::record::Wrapping;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Survey {
    /// How many line ends.
    pub line_ends: u64,
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
        let (line_ends, comment_below) = line_ends(&chunk.bytes);
        let has_comments = comment_below || !chunk.begins_inside_line && chunk.bytes.first() == Some(&b'#');
        let last_stated = || {
            let context = TimeContext { rules: Arc::clone(rules), ..TimeContext::default() };
            Lines::new(chunk, &context).last_stated_before(chunk.bytes.len())
        };
        Self {
            line_ends,
            has_comments,
            splits: known.wrapping.map(|wrapping| wrapping.splits(&chunk.bytes)),
            last_stated: if known.has_columns { None } else { last_stated() },
        }
    }
}

/// How many line ends there are, and whether a `#` stands behind one. With vectors that every processor has, both together
/// take 34 ms per GiB; a count and a search by hand-written AVX2 took 38 and 29.
fn line_ends(bytes: &[u8]) -> (u64, bool) {
    let Some((last, firsts)) = bytes.split_last() else { return (0, false) };
    let (blocks, rest) = firsts.as_chunks();
    let (behind, _) = bytes[1..].as_chunks();
    let mut count = 0;
    let mut comments = u8x16::splat(0);
    // What a lane counts fits into a byte.
    for (blocks, behind) in blocks.chunks(255).zip(behind.chunks(255)) {
        let mut ends = u8x16::splat(0);
        for (these, next) in blocks.iter().zip(behind) {
            let are_ends = u8x16::new(*these).simd_eq(u8x16::splat(b'\n'));
            ends -= are_ends;
            comments |= are_ends & u8x16::new(*next).simd_eq(u8x16::splat(b'#'));
        }
        count += ends.to_array().iter().map(|ends| u64::from(*ends)).sum::<u64>();
    }
    count += rest.iter().chain([last]).filter(|byte| **byte == b'\n').count() as u64;
    let tail = &bytes[firsts.len() - rest.len()..];
    (count, comments.to_bitmask() != 0 || tail.windows(2).any(|pair| pair == b"\n#"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn line_ends_are_counted_and_comments_seen(
            text in prop::collection::vec(prop::sample::select(b"ab \n\n#".to_vec()), 0..100),
            before in 0_usize..3 * 255 * 16,
        ) {
            let text = [vec![b'\n'; before], text].concat();
            let count = text.iter().filter(|byte| **byte == b'\n').count() as u64;
            prop_assert_eq!(line_ends(&text), (count, text.windows(2).any(|pair| pair == b"\n#")));
        }
    }
}
