//! Where a token may begin and how far its plain shape reaches.
//!
//! Two patterns are the specification; the code beside them is what runs, and a law in the tests holds them equal.
//!
//! - [`START`]: the base64url of `{`, white space allowed around it, then `"`, at a place where a run begins. The
//!   usual start is `eyJ` (`{"` and a letter); pretty-printed headers begin otherwise.
//! - [`PLAIN`]: runs of base64url joined by single dots. What follows tells whether that is the whole candidate
//!   ([`Extent::Whole`]) or whether the decoder has to look closer (padding, wrong alphabets, masks, `~` parts).

use wide::u8x16;

/// The first three characters of a candidate: `{"`, `{ `, `{\n`, `{\r`, `{\t`, or one white space before the brace.
pub const START: &str = r"ey[AIJKL]|ew[0ko]|IHs|Cns|CXs|DQp";

/// The texts that [`START`] matches, in the order in which vector instructions tell them apart best beside the literals of
/// [`crate::message`].
pub const PREFIXES: [[u8; 3]; 12] = [
    *b"eyJ", *b"IHs", *b"ewo", *b"eyK", *b"CXs", *b"DQp", *b"Cns", *b"ew0", *b"eyL", *b"eyI", *b"ewk",
    *b"eyA",
];

/// Whether three characters are one of the [`PREFIXES`]. For short texts, in which no automaton is worth its start.
#[must_use]
pub const fn is_prefix(start: [u8; 3]) -> bool {
    match start {
        [b'e', b'y', third] => matches!(third, b'A' | b'I'..=b'L'),
        [b'e', b'w', third] => matches!(third, b'0' | b'k' | b'o'),
        other => matches!(&other, b"IHs" | b"Cns" | b"CXs" | b"DQp"),
    }
}

/// What may stand before a candidate so that a run begins there: no letter or digit, unless it ends an escape
/// (`%3D`, `\n`, `\u003d`, `\x22`) or a terminal colour.
pub const BEFORE: &str = concat!(
    r"(?-u:^|[^A-Za-z0-9]|%[0-9A-Fa-f]{2}|\\[bfnrt]|\\u[0-9A-Fa-f]{4}|\\x[0-9A-Fa-f]{2}",
    r"|\x1b\[[0-9;]*[A-Za-z])$"
);

/// The plain shape: runs of base64url joined by single dots.
pub const PLAIN: &str = r"^[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*";

/// A byte after the plain shape at which nothing that belongs to a token can follow, unless it begins a [`MASK`].
pub const BEHIND: &str = r#"(?-u)^(?:[\x00-\x20"'&,;:)>}\]|\\`$?!@^]|$)"#;

/// The escaped `<` of a mask, as HTML and JSON write it: `&lt;redacted&gt;`, `\u003credacted\u003e`.
pub const MASK: &str = r"^(?:&lt;|\\u003[cC])";

/// How far a candidate reaches from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// These many bytes, and nothing behind them can belong to it.
    Whole(usize),
    /// At least these many bytes; only decoding can tell what of them, and of what is behind them.
    Open(usize),
}

/// The plain shape of what may be a candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// The length of its first run.
    pub head: usize,
    /// How far it reaches.
    pub extent: Extent,
}

/// The places where a token may begin, by a look at every byte. A scan finds them together with messages: see
/// [`crate::triage::STARTS`].
pub fn starts(bytes: &[u8]) -> impl Iterator<Item = usize> + '_ {
    let starts = bytes.array_windows().enumerate().filter(|(_, start)| is_prefix(**start));
    starts.map(|(at, _)| at).filter(|&at| begins_run(&bytes[..at]))
}

/// Whether a run of base64url begins behind `before`: see [`BEFORE`]. A token may begin where this is so and one of the
/// [`PREFIXES`] follows.
#[must_use]
pub fn begins_run(before: &[u8]) -> bool {
    let Some(&last) = before.last() else { return true };
    !last.is_ascii_alphanumeric() || ends_escape(before)
}

/// Whether `before` ends with an escape sequence whose last byte is a letter or a digit.
fn ends_escape(before: &[u8]) -> bool {
    let hex_behind = |mark: &[u8], digits: usize| {
        before.len() >= mark.len() + digits && {
            let (head, tail) = before.split_at(before.len() - digits);
            head.ends_with(mark) && tail.iter().all(u8::is_ascii_hexdigit)
        }
    };
    if hex_behind(b"%", 2) || hex_behind(br"\u", 4) || hex_behind(br"\x", 2) {
        return true;
    }
    match before {
        [.., b'\\', b'b' | b'f' | b'n' | b'r' | b't'] => true,
        [head @ .., last] if last.is_ascii_alphabetic() => {
            let parameters =
                head.iter().rev().take_while(|byte| byte.is_ascii_digit() || **byte == b';').count();
            head[..head.len() - parameters].ends_with(b"\x1b[")
        }
        _ => false,
    }
}

/// The plain shape that begins `bytes`.
#[must_use]
pub fn shape(bytes: &[u8]) -> Shape {
    let head = run_length(bytes);
    let mut end = head;
    while bytes.get(end) == Some(&b'.') {
        let run = run_length(&bytes[end + 1..]);
        if run == 0 {
            return Shape { head, extent: Extent::Open(end) };
        }
        end += 1 + run;
    }
    let extent = match bytes.get(end) {
        Some(b'&' | b'\\') if begins_mask(&bytes[end..]) => Extent::Open(end),
        Some(&byte) if !ENDS[byte as usize] => Extent::Open(end),
        _ => Extent::Whole(end),
    };
    Shape { head, extent }
}

/// Whether an escaped `<` begins `behind`: see [`MASK`].
fn begins_mask(behind: &[u8]) -> bool {
    [&b"&lt;"[..], br"\u003c", br"\u003C"].iter().any(|mask| behind.starts_with(mask))
}

/// Which bytes end a candidate for sure: the table behind [`BEHIND`].
const ENDS: [bool; 256] = {
    let mut table = [false; 256];
    let mut i = 0;
    while i <= 0x20 {
        table[i] = true;
        i += 1;
    }
    let others = br#""'&,;:)>}]|\`$?!@^"#;
    let mut i = 0;
    while i < others.len() {
        table[others[i] as usize] = true;
        i += 1;
    }
    table
};

/// Whether a byte belongs to the base64url alphabet (RFC 4648 §5).
#[must_use]
pub const fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Length of the run of base64url that begins `bytes`. Tokens are hundreds of bytes long: sixteen bytes are tested at once,
/// with vectors that every processor has. That takes 50 to 80 ns for a token of 540 bytes; what compilers make of a loop took
/// 190.
#[must_use]
pub fn run_length(bytes: &[u8]) -> usize {
    let mut length = 0;
    for block in bytes.as_chunks().0 {
        let in_run = which_are_base64url(u8x16::new(*block)).to_bitmask();
        if in_run != 0xffff {
            return length + in_run.trailing_ones() as usize;
        }
        length += block.len();
    }
    length + bytes[length..].iter().take_while(|&&byte| is_base64url(byte)).count()
}

/// The same as [`is_base64url`], all ones where it is true.
fn which_are_base64url(bytes: u8x16) -> u8x16 {
    let all = u8x16::splat;
    let is_within = |from_first: u8x16, last| from_first.min(all(last)).simd_eq(from_first);
    let letters = is_within((bytes | all(0x20)) - all(b'a'), 25);
    let digits = is_within(bytes - all(b'0'), 9);
    letters | digits | bytes.simd_eq(all(b'-')) | bytes.simd_eq(all(b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use regex::bytes::Regex;

    /// What the patterns say: all starts in a text.
    fn starts_by_pattern(text: &[u8]) -> Vec<usize> {
        let (start, before) = (Regex::new(&format!("^(?:{START})")).unwrap(), Regex::new(BEFORE).unwrap());
        (0..text.len()).filter(|&i| start.is_match(&text[i..]) && before.is_match(&text[..i])).collect()
    }

    fn extent_by_pattern(text: &[u8]) -> Extent {
        let plain = Regex::new(PLAIN).unwrap().find(text).map_or(0, |found| found.end());
        let is = |pattern| Regex::new(pattern).unwrap().is_match(&text[plain..]);
        if is(BEHIND) && !is(MASK) { Extent::Whole(plain) } else { Extent::Open(plain) }
    }

    /// Bytes in which the interesting ones are frequent.
    fn salted() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            4 => "[A-Za-z0-9_-]{1,40}".prop_map(String::into_bytes),
            3 => prop::sample::select(vec![
                "eyJ", "eyA", "ewo", "IHs", "Cns", "DQp", ".", "..", "%3D", "%2e", "\\n", "\\u003d", "\\x22",
                "\x1b[0m", "\x1b[1;31m", "=", "_", "-", " ", "\"", "~", "***", "\u{2026}", "&", "&lt;",
                "\\u003c", "\\u003C",
            ])
            .prop_map(|text| text.as_bytes().to_vec()),
            1 => prop::collection::vec(any::<u8>(), 1..4),
        ];
        prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn starts_are_where_the_patterns_say(text in salted()) {
            prop_assert_eq!(starts(&text).collect::<Vec<_>>(), starts_by_pattern(&text));
        }

        #[test]
        fn extents_are_what_the_patterns_say(text in salted(), head in "[A-Za-z0-9_-]{1,3}") {
            let text = [head.into_bytes(), text].concat();
            prop_assert_eq!(shape(&text).extent, extent_by_pattern(&text));
            prop_assert_eq!(shape(&text).head, run_length(&text));
        }

        #[test]
        fn the_run_length_is_that_of_a_naive_count(
            run in "[A-Za-z0-9_-]{0,70}",
            rest in prop::collection::vec(any::<u8>(), 0..70),
        ) {
            let text = [run.as_bytes(), &rest].concat();
            let naive = text.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'-' || **b == b'_').count();
            prop_assert_eq!(run_length(&text), naive);
        }
    }

    #[test]
    fn a_run_begins_behind_what_peers_take_for_a_part_of_it() {
        for before in ["", "?t=", "%3D", "%20", "_", "\\n", "\\u0026", "\\x3d", "\x1b[1;33m", "/", "."] {
            let text = format!("{before}eyJhbGciOi");
            assert!(starts(text.as_bytes()).eq([before.len()]), "{before:?}");
        }
    }

    #[test]
    fn an_escaped_mask_leaves_the_extent_open() {
        for mask in ["&lt;redacted&gt;", "\\u003credacted\\u003e", "\\u003CREDACTED\\u003E"] {
            assert_eq!(shape(format!("eyJhbGciOi.e30{mask}").as_bytes()).extent, Extent::Open(14), "{mask}");
        }
        for behind in ["&l=1", "&amp;", "\\n", "\\u0026"] {
            assert_eq!(
                shape(format!("eyJhbGciOi.e30{behind}").as_bytes()).extent,
                Extent::Whole(14),
                "{behind}"
            );
        }
    }

    #[test]
    fn vectors_and_bytes_agree_on_the_alphabet() {
        for byte in 0..=255 {
            let in_run = which_are_base64url(u8x16::splat(byte)).to_bitmask();
            assert_eq!(in_run == 0xffff, is_base64url(byte), "{byte}");
            assert!(in_run == 0xffff || in_run == 0, "{byte}");
        }
    }

    #[test]
    fn no_run_begins_inside_a_word() {
        for text in ["keyJson", "surveyAnswers", "aeyJhbGciOi", "7eyJhbGciOi", "zz3DeyJhbGciOi"] {
            assert_eq!(starts(text.as_bytes()).next(), None, "{text}");
        }
    }
}
