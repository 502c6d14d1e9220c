//! The pieces that a candidate is made of: segments in the right alphabet or in a wrong one, the dots between them,
//! and masks that stand where a part has been taken out.

use std::borrow::Cow;
use std::sync::LazyLock;

use data_encoding::{BASE64URL_NOPAD, Encoding, Specification};
use regex::bytes::Regex;

use crate::scan::candidate::run_length;

/// Which characters a segment may hold besides base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Alphabet {
    /// None.
    Url,
    /// `+` and `/`, plain or percent-encoded.
    Standard,
}

/// A run of base64 characters in a candidate. It has no `Debug`, so that none of them is ever shown.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    /// Its characters in the base64url alphabet, without padding.
    pub(super) text: Cow<'a, [u8]>,
    /// Where it ends in the candidate, padding included.
    pub(super) end: usize,
    /// Whether characters of the standard alphabet stand in it.
    pub(super) standard: bool,
    /// Whether padding stands behind it.
    pub(super) padded: bool,
    /// Whether something in it is percent-encoded.
    pub(super) escaped: bool,
}

impl<'a> Piece<'a> {
    /// The piece that begins at `from`, maybe empty.
    #[must_use]
    pub(super) fn read(bytes: &'a [u8], from: usize, alphabet: Alphabet) -> Self {
        let mut end = from + run_length(&bytes[from..]);
        let mut piece = Self {
            text: Cow::Borrowed(&bytes[from..end]),
            end,
            standard: false,
            padded: false,
            escaped: false,
        };
        if alphabet == Alphabet::Standard {
            end = piece.take_standard(bytes);
        }
        piece.end = end;
        piece.take_padding(bytes);
        piece
    }

    /// Takes the characters of the standard alphabet behind the piece, and the runs behind them.
    fn take_standard(&mut self, bytes: &[u8]) -> usize {
        let mut end = self.end;
        loop {
            let (replacement, length) = match &bytes[end..] {
                [b'+', ..] => (b'-', 1),
                [b'/', ..] => (b'_', 1),
                [b'%', b'2', b'B' | b'b', ..] => (b'-', 3),
                [b'%', b'2', b'F' | b'f', ..] => (b'_', 3),
                _ => return end,
            };
            self.standard = true;
            self.escaped |= length == 3;
            let run = run_length(&bytes[end + length..]);
            let text = self.text.to_mut();
            text.push(replacement);
            text.extend_from_slice(&bytes[end + length..end + length + run]);
            end += length + run;
        }
    }

    /// Takes the `=` or `%3D` behind the piece, if they are as many as its length asks for.
    fn take_padding(&mut self, bytes: &[u8]) {
        let wanted = match self.text.len() % 4 {
            2 => 2,
            3 => 1,
            _ => return,
        };
        let mut end = self.end;
        let mut escaped = false;
        for _ in 0..wanted {
            match &bytes[end..] {
                [b'=', ..] => end += 1,
                [b'%', b'3', b'D' | b'd', ..] => {
                    end += 3;
                    escaped = true;
                }
                _ => return,
            }
        }
        // `name=value`: the sign belongs to what comes next.
        if bytes.get(end).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'=') {
            return;
        }
        self.end = end;
        self.padded = true;
        self.escaped |= escaped;
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether it ends as no encoder ends: with a character left over, or with bits set beyond the last whole byte.
    pub(super) fn is_ragged(&self) -> bool {
        let beyond = match self.text.len() % 4 {
            1 => return true,
            2 => 0b1111,
            3 => 0b11,
            _ => return false,
        };
        self.text.last().is_some_and(|&last| value(last) & beyond != 0)
    }

    /// How many whole bytes it encodes.
    #[must_use]
    pub(super) fn byte_length(&self) -> usize {
        self.text.len() * 6 / 8
    }

    /// The whole bytes that it encodes. Bits beyond the last whole byte are dropped, as most libraries do.
    #[must_use]
    pub(super) fn decode(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.byte_length()];
        decode_into(&self.text, &mut bytes);
        bytes
    }

    /// Whether it is a word that stands for a part taken out: `REDACTED`, `xxxx`.
    #[must_use]
    pub(super) fn is_mask(&self) -> bool {
        let text: &[u8] = &self.text;
        let crossed_out = text.len() >= 3 && text.iter().all(|byte| matches!(byte, b'x' | b'X'));
        crossed_out || MASK_WORDS.iter().any(|word| text.eq_ignore_ascii_case(word.as_bytes()))
    }
}

/// The whole bytes that a run of base64url encodes, written into `out`, which must have room for them. A character left
/// over (RFC 4648 §4) completes no byte.
pub(super) fn decode_into<'o>(run: &[u8], out: &'o mut [u8]) -> &'o [u8] {
    let whole = run.len() - usize::from(run.len() % 4 == 1);
    let bytes = &mut out[..whole * 6 / 8];
    let decoded = LENIENT.decode_mut(&run[..whole], bytes);
    debug_assert!(decoded.is_ok(), "a run holds nothing but base64url");
    bytes
}

/// The six bits that a character of base64url stands for.
const fn value(character: u8) -> u8 {
    match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'-' => 62,
        _ => 63,
    }
}

/// Base64url that does not mind bits beyond the last whole byte.
static LENIENT: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification: Specification = BASE64URL_NOPAD.specification();
    specification.check_trailing_bits = false;
    specification.encoding().expect("base64url is an encoding")
});

/// What people and log pipelines write in place of a secret.
const MASK_WORDS: [&str; 12] = [
    "redacted",
    "masked",
    "filtered",
    "hidden",
    "removed",
    "scrubbed",
    "sanitized",
    "obfuscated",
    "omitted",
    "secret",
    "sensitive",
    "suppressed",
];

/// A mask: three stars or bullets, or a mask word in brackets.
static MASK: LazyLock<Regex> = LazyLock::new(|| {
    let words = MASK_WORDS.join("|");
    let open = r"(?:\[|<|\{|\(|&lt;|\\u003[cC]|%5[bB]|%3[cC])";
    let pattern = format!(
        r"^(?:\*{{3,}}|\u{{2022}}{{3,}}|{open}[ _-]?(?:[a-z]+[ _-])?(?i:{words})[^\]>\n]{{0,40}}?(?:\]|>|\}}|\)|&gt;|\\u003[eE]|%5[dD]|%3[eE])|\[(?:PII|Security Artifact) of type)"
    );
    Regex::new(&pattern).expect("the mask pattern is a constant")
});

/// Length of the mask that begins `bytes`, also behind an ellipsis (`...[REDACTED]`).
#[must_use]
pub(super) fn mask_length(bytes: &[u8]) -> Option<usize> {
    let dots = ellipsis_length(bytes);
    let first = *bytes.get(dots)?;
    // A mask is rare, and none begins with a byte that ends most candidates.
    if matches!(first, b'*' | b'[' | b'<' | b'{' | b'(' | b'&' | b'\\' | b'%' | 0xe2) {
        MASK.find(&bytes[dots..]).map(|mask| dots + mask.end())
    } else {
        None
    }
}

/// Length of the dots or of the ellipsis that begin `bytes`.
fn ellipsis_length(bytes: &[u8]) -> usize {
    if bytes.starts_with("\u{2026}".as_bytes()) {
        return "\u{2026}".len();
    }
    bytes.iter().take(8).take_while(|&&byte| byte == b'.').count()
}

/// Length of the dot that begins `bytes`, plain or percent-encoded.
#[must_use]
pub(super) fn dot_length(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [b'.', ..] => Some(1),
        [b'%', b'2', b'E' | b'e', ..] => Some(3),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, alphabet: Alphabet) -> (String, usize, bool, bool, bool) {
        let piece = Piece::read(text.as_bytes(), 0, alphabet);
        let shown = String::from_utf8(piece.text.to_vec()).unwrap();
        (shown, piece.end, piece.standard, piece.padded, piece.escaped)
    }

    #[test]
    fn a_piece_ends_where_its_alphabet_ends() {
        assert_eq!(read("ab-_/x", Alphabet::Url), ("ab-_".into(), 4, false, false, false));
        assert_eq!(read("ab/x+y z", Alphabet::Standard), ("ab_x-y".into(), 6, true, false, false));
        assert_eq!(read("ab%2Fxy%2b.", Alphabet::Standard), ("ab_xy-".into(), 10, true, false, true));
    }

    #[test]
    fn padding_belongs_to_a_piece_only_when_its_length_asks_for_it() {
        assert_eq!(read("abc=.x", Alphabet::Url), ("abc".into(), 4, false, true, false));
        assert_eq!(read("ab==", Alphabet::Url), ("ab".into(), 4, false, true, false));
        assert_eq!(read("ab%3D%3d&", Alphabet::Url), ("ab".into(), 8, false, true, true));
        assert_eq!(read("ab=", Alphabet::Url).1, 2);
        assert_eq!(read("abcd=", Alphabet::Url).1, 4);
        assert_eq!(read("abc=value", Alphabet::Url).1, 3);
        assert_eq!(read("abc==", Alphabet::Url).1, 3);
    }

    #[test]
    fn a_piece_decodes_to_its_whole_bytes() {
        let decode = |text: &str| Piece::read(text.as_bytes(), 0, Alphabet::Url).decode();
        assert_eq!(decode("Zm9v"), b"foo");
        assert_eq!(decode("Zm9vYg"), b"foob");
        assert_eq!(decode("Zm9vYh"), b"foob", "bits beyond the last byte");
        assert_eq!(decode("Zm9vY"), b"foo", "a left-over character");
        assert_eq!(decode(""), b"");
    }

    #[test]
    fn a_ragged_end_is_one_that_no_encoder_makes() {
        let ragged = |text: &str| Piece::read(text.as_bytes(), 0, Alphabet::Url).is_ragged();
        for text in ["Zm9v", "Zm9vYg", "Zm9vYmE", ""] {
            assert!(!ragged(text), "{text}");
        }
        for text in ["Zm9vY", "Zm9vYh", "Zm9vYmF"] {
            assert!(ragged(text), "{text}");
        }
    }

    #[test]
    fn masks_are_known_in_the_forms_that_logs_hold() {
        let masks = [
            "***",
            "*****",
            "[REDACTED]",
            "[redacted]",
            "<redacted>",
            "...[REDACTED]",
            "\u{2026}[MASKED]",
            "....***",
            "\\u003credacted\\u003e",
            "&lt;redacted&gt;",
            "[FILTERED]",
            "{HIDDEN}",
            "[jwt redacted]",
            "\u{2022}\u{2022}\u{2022}\u{2022}",
            "[redacted 312 chars]",
            "%5BREDACTED%5D",
        ];
        for mask in masks {
            assert_eq!(mask_length(mask.as_bytes()), Some(mask.len()), "{mask}");
        }
        for text in
            ["", "*", "**", "...", "\u{2026}[truncated]", "[snip]", "\" ", ")", "<b>", "[12]", "&state=x"]
        {
            assert_eq!(mask_length(text.as_bytes()), None, "{text}");
        }
        for word in ["xxxx", "XXX", "REDACTED", "Filtered"] {
            assert!(Piece::read(word.as_bytes(), 0, Alphabet::Url).is_mask(), "{word}");
        }
        assert!(!Piece::read(b"xx", 0, Alphabet::Url).is_mask());
    }
}
