//! A segment that holds JSON: in the base64url alphabet, or in the standard one if only that makes a whole object.

use std::sync::LazyLock;

use aho_corasick::packed::{Config, Searcher};

use super::json::Ending;
use super::piece::{Alphabet, Piece, mask_length};
use super::{Claims, Header};
use crate::scan::candidate::run_length;

/// A segment's content, how it ends, and the piece that holds it.
pub(super) type Segment<'a, T> = (T, Ending, Piece<'a>);

/// Reads the header that begins `bytes`; `None` when none does.
pub(super) fn read_header(bytes: &[u8]) -> Option<Segment<'_, Header>> {
    let head = run_length(&bytes[..bytes.len().min(HEADER_WINDOWS[0])]);
    if is_short_and_no_header(bytes, head) {
        return None;
    }
    read_header_whole(bytes)
}

/// The same without the short cut.
fn read_header_whole(bytes: &[u8]) -> Option<Segment<'_, Header>> {
    let (header, ending, piece) = read_header_in(bytes, Alphabet::Url)?;
    if ending == Ending::Cut
        && !piece.padded
        && let Some(wider) = read_header_in(bytes, Alphabet::Standard)
        && wider.1 == Ending::Complete
    {
        return Some(wider);
    }
    Some((header, ending, piece))
}

/// Reads the claims at `from`. `show` names the claims whose values are kept beside the registered ones.
pub(super) fn read_claims<'a>(bytes: &'a [u8], from: usize, show: &[String]) -> Segment<'a, Claims> {
    let read = |alphabet| {
        let piece = Piece::read(bytes, from, alphabet);
        let (claims, ending) = Claims::read(&piece.decode(), show);
        (claims, ending, piece)
    };
    let (claims, ending, piece) = read(Alphabet::Url);
    if ending == Ending::Cut && !piece.padded {
        let wider = read(Alphabet::Standard);
        if wider.1 == Ending::Complete {
            return wider;
        }
    }
    (claims, ending, piece)
}

/// A header is looked at in windows of so many bytes before it is read as a whole. Most of what only looks like a header
/// shows it in the first; without them, a long run that is full of beginnings would be read once for each.
const HEADER_WINDOWS: [usize; 3] = [256, 2 << 10, 32 << 10];

/// What each header has, `alg"` or `enc"`, or an escape of a letter, `\u`, without which JSON cannot write them otherwise: as
/// base64url writes them, whichever of three places they have in its groups of three bytes.
const MARKS: [&str; 30] = [
    "YWxnI", "FsZy", "hbGci", "ZW5jI", "VuYy", "lbmMi", "XHU", "XHV", "XHW", "XHX", "Fx1", "Vx1", "lx1",
    "1x1", "cdQ", "cdR", "cdS", "cdT", "cdU", "cdV", "cdW", "cdX", "cdY", "cdZ", "cda", "cdb", "cdc", "cdd",
    "cde", "cdf",
];

/// What looks for [`MARKS`]; none on machines without vectors. Where there are sixteen buckets for them, a search takes two
/// thirds of the time that it takes with eight.
static MARK_SEARCH: LazyLock<Option<Searcher>> = LazyLock::new(|| {
    let search = |fat| Config::new().only_teddy_fat(fat).builder().extend(MARKS).build();
    search(Some(true)).or_else(|| search(None))
});

/// No header that says which algorithm, `{"alg"` or longer, is shorter in base64url.
const SHORTEST_HEADER: usize = 8;

/// A search in less than this takes other ways than vectors, which are slower.
const LEAST_SEARCHED: usize = 40;

/// Whether what `bytes` begin with, a run of base64url of `head` bytes, is no header for sure. It says nothing that [`decode`]
/// would not find out too, but logs may be full of cursors and ids that begin like a token, and this decodes and allocates
/// nothing.
///
/// [`decode`]: fn@super::decode
#[must_use]
pub fn is_short_and_no_header(bytes: &[u8], head: usize) -> bool {
    let Some(behind) = bytes.get(head..).filter(|behind| head < HEADER_WINDOWS[0] && !behind.is_empty())
    else {
        return false;
    };
    if matches!(behind[0], b'+' | b'/' | b'%' | b'=') || mask_length(behind).is_some() {
        return false;
    }
    if head < SHORTEST_HEADER {
        return true;
    }
    let window = &bytes[..bytes.len().min(head.max(LEAST_SEARCHED))];
    let search = MARK_SEARCH.as_ref();
    search.is_some_and(|search| search.find(window).is_none_or(|mark| mark.end() > head))
}

fn read_header_in(bytes: &[u8], alphabet: Alphabet) -> Option<Segment<'_, Header>> {
    for window in HEADER_WINDOWS {
        let within = &bytes[..bytes.len().min(window)];
        let piece = Piece::read(within, 0, alphabet);
        // An escape or padding may reach over the end of the window.
        if within.len() == bytes.len() || piece.end + "%3D%3D.".len() <= within.len() {
            let (header, ending) = Header::read(&piece.decode());
            return Some((header, ending, piece));
        }
        let (header, ending) = Header::read(&piece.decode());
        let may_go_on = matches!(ending, Ending::Complete | Ending::Cut);
        let is_last = window == HEADER_WINDOWS[HEADER_WINDOWS.len() - 1];
        if !may_go_on || is_last && !header.is_jose {
            return None;
        }
    }
    let piece = Piece::read(bytes, 0, alphabet);
    let (header, ending) = Header::read(&piece.decode());
    Some((header, ending, piece))
}

/// Whether `bytes` are the beginning of a JSON object, of whatever kind.
pub(super) fn begins_object(bytes: &[u8]) -> bool {
    Header::read(&Piece::read(bytes, 0, Alphabet::Standard).decode()).1 == Ending::Cut
}

#[cfg(test)]
mod tests {
    use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD};
    use proptest::prelude::*;

    use super::*;

    /// Texts that begin like a token, encoded from JSON that is nearly a header.
    fn nearly_headers() -> impl Strategy<Value = Vec<u8>> {
        let broken = r#"\{ ?"(a|al|alg|enc|kid|\\u0061lg|a\\u006cg|al\\u0067|e\\u006[Ee]c|[a-z >?~]{0,300}|[ -~]{0,40})"?(:"?[A-Za-z0-9>?~]{0,12}"?,?"?(alg|enc|typ)?"?:?)?\}?"#;
        let whole = r#"\{"x[>?~]{0,9}":1,"(alg|\\u0061lg|\\u0065nc|a\\u006Cg|enc|al)":"[>?~]{0,9}"\}"#;
        let json = prop_oneof![broken, whole];
        let behind = r#"(\.|\.\.\.|\*\*\*|\.\*\*\*|\+|/|%2B|=|==|%3D| |"|\[REDACTED\]|\\u003cmasked>|&lt;masked&gt;)?[A-Za-z0-9.]{0,9}"#;
        (json, 0..6_usize, behind, prop::sample::select(vec![BASE64URL_NOPAD, BASE64_NOPAD])).prop_map(
            |(json, cut, behind, alphabet)| {
                let mut text = alphabet.encode(json.as_bytes()).into_bytes();
                text.truncate(text.len().saturating_sub(cut).max(3));
                text.extend_from_slice(behind.as_bytes());
                text
            },
        )
    }

    #[test]
    fn a_mark_is_known_wherever_it_stands_and_whatever_stands_around_it() {
        for mark in ["alg\"", "enc\"", "\\u"] {
            for before in 0..3 {
                for around in 0..=u8::MAX {
                    let text = [&vec![around; before], mark.as_bytes(), &[around, around]].concat();
                    let text = BASE64URL_NOPAD.encode(&text);
                    assert!(
                        MARKS.iter().any(|mark| text.contains(mark)),
                        "{mark} behind {before} of {around}"
                    );
                }
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn the_short_cut_takes_no_candidate_away(text in nearly_headers()) {
            let decodes = |text| {
                read_header_whole(text).is_some_and(|(header, ending, piece)| match ending {
                    Ending::Complete => header.is_jose,
                    Ending::Cut => header.is_jose || mask_length(&text[piece.end..]).is_some(),
                    Ending::NotAnObject | Ending::Invalid => false,
                })
            };
            prop_assert!(!(is_short_and_no_header(&text, run_length(&text)) && decodes(&text)));
        }
    }
}
