//! Text from outside → cells that harm neither a terminal, nor a spreadsheet, nor whoever reads them.
//!
//! Names of sources, header values and claims are written by whoever made the token or the log. In a report they
//! hold no character that cannot be seen:
//!
//! - control characters (C0, DEL, C1; so ANSI escapes too) and the soft hyphen are written as `\xNN`,
//! - invisible ones beyond one byte (zero-width, bidirectional controls, line and paragraph separators, tags) as
//!   `\u{NNNN}`,
//! - a cell whose text begins with `=`, `+`, `-`, `@`, tab or CR begins with `'`, so that no spreadsheet takes it
//!   for a formula,
//! - a token, or the beginning of one, is written as `eyJ***`,
//! - a claim or header value longer than 256 characters is cut there and ends in `…`. It is cut before it is
//!   escaped: no escape is ever cut in half.
//!
//! The leading `'` is for spreadsheets alone: other formats take [`Cell::plain`], the same masked and escaped text
//! without it. A number that may be negative is text in a CSV file: its `-` would begin a formula.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use hashbrown::HashMap;

use crate::token::mask_tokens;

/// Characters of a claim or header value that a report shows.
const MAX_CHARS: usize = 256;

/// Text of a report that came from outside. There is no other way for such text into a row. Cells that are written
/// alike are equal.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell<'a> {
    /// As a CSV file has it.
    written: Cow<'a, str>,
    /// Whether its first character is a `'` that the text itself does not have.
    quoted: bool,
}

impl<'a> Cell<'a> {
    /// The cell of a text of any length: a source's name, a place, an error.
    pub(crate) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::masked(masked(text.into()))
    }

    /// The cell of a value that a token's header or claims hold, which may be of any length.
    pub(super) fn claim(value: impl Into<Cow<'a, str>>) -> Self {
        // Masked before it is cut: what is left of a token may no longer look like one.
        let value = masked(value.into());
        // Who has so few bytes has no more characters.
        if value.len() <= MAX_CHARS {
            return Self::masked(value);
        }
        match value.char_indices().nth(MAX_CHARS) {
            None => Self::masked(value),
            Some((end, _)) => Self::masked(Cow::Owned(format!("{}…", &value[..end]))),
        }
    }

    /// The cell of a text in which no token is.
    fn masked(text: Cow<'a, str>) -> Self {
        if !text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
            return Self { written: visible(text), quoted: false };
        }
        Self { written: Cow::Owned(format!("'{}", visible(text))), quoted: true }
    }

    /// The cell of a value that a token may lack; empty when it does.
    pub(super) fn maybe(value: Option<&'a str>) -> Self {
        value.map(Self::claim).unwrap_or_default()
    }

    /// The text as a CSV file has it.
    pub(crate) fn as_str(&self) -> &str {
        &self.written
    }

    /// The plain text of a cell that stands in a CSV file. It is masked and escaped anew: who knows who wrote the file.
    pub(crate) fn read(written: &'a str) -> Self {
        let begins_formula = |text: &&str| text.starts_with(['=', '+', '-', '@']);
        Self::text(written.strip_prefix('\'').filter(begins_formula).unwrap_or(written))
    }

    /// The text as formats have it that no spreadsheet opens.
    pub(crate) fn plain(&self) -> &str {
        &self.written[usize::from(self.quoted)..]
    }
}

impl PartialEq for Cell<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for Cell<'_> {}

impl PartialOrd for Cell<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Cell<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.written.cmp(&other.written)
    }
}

impl Hash for Cell<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.written.hash(state);
    }
}

/// Cells of values that come again and again: a million tokens share a few issuers, keys and audiences. Each is made once.
#[derive(Default)]
pub(super) struct Cells<'a> {
    claims: HashMap<Place, Cell<'a>>,
    texts: HashMap<Place, Cell<'a>>,
}

/// Where a text is in memory, and how long: no other can be there while it is borrowed.
type Place = (usize, usize);

fn place(text: &str) -> Place {
    (text.as_ptr().addr(), text.len())
}

impl<'a> Cells<'a> {
    /// [`Cell::text`] of a text.
    pub(super) fn text(&mut self, text: &'a str) -> Cell<'a> {
        self.texts.entry(place(text)).or_insert_with(|| Cell::text(text)).clone()
    }

    /// [`Cell::claim`] of a value.
    pub(super) fn claim(&mut self, value: &'a str) -> Cell<'a> {
        self.claims.entry(place(value)).or_insert_with(|| Cell::claim(value)).clone()
    }

    /// [`Cell::maybe`] of a value.
    pub(super) fn maybe(&mut self, value: Option<&'a str>) -> Cell<'a> {
        value.map(|value| self.claim(value)).unwrap_or_default()
    }
}

/// The text with masks in place of tokens.
fn masked(text: Cow<'_, str>) -> Cow<'_, str> {
    match mask_tokens(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(masked) => Cow::Owned(masked),
    }
}

/// The text with every character that cannot be seen written as an escape.
pub(super) fn visible<'a>(text: impl Into<Cow<'a, str>>) -> Cow<'a, str> {
    let text = text.into();
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) || !text.contains(is_invisible) {
        return text;
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match u32::from(c) {
            _ if !is_invisible(c) => shown.push(c),
            code @ ..=0xff => shown.push_str(&format!("\\x{code:02x}")),
            code => shown.push_str(&format!("\\u{{{code:x}}}")),
        }
    }
    Cow::Owned(shown)
}

/// Whether a reader would not see the character, or would see what follows it differently.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\0'..='\x1f'
            | '\x7f'..='\u{9f}'
            | '\u{ad}' // soft hyphen
            | '\u{61c}' // Arabic letter mark
            | '\u{180e}' // Mongolian vowel separator
            | '\u{200b}'..='\u{200f}' // zero-width, direction marks
            | '\u{2028}'..='\u{202e}' // line and paragraph separators, direction embeddings and overrides
            | '\u{2060}'..='\u{206f}' // word joiner, invisible operators, direction isolates
            | '\u{feff}' // byte order mark
            | '\u{fff9}'..='\u{fffb}' // interlinear annotation
            | '\u{e0000}'..='\u{e007f}' // tags
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_class_of_character_is_written_as_the_contract_says() {
        let cases = [
            ("plain, with \"quotes\" and ünïcödé 日本", "plain, with \"quotes\" and ünïcödé 日本"),
            ("", ""),
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("-", "'-"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\\x09=1"),
            ("\r=1", "'\\x0d=1"),
            ("\n=1", "\\x0a=1"),
            ("a=b-c+d@e", "a=b-c+d@e"),
            ("'quoted", "'quoted"),
            ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
            ("\0\x07\x7f", "\\x00\\x07\\x7f"),
            ("\u{80}\u{9b}31m\u{9f}", "\\x80\\x9b31m\\x9f"),
            ("\u{a0}", "\u{a0}"),
            ("a\u{200b}b\u{200f}c", "a\\u{200b}b\\u{200f}c"),
            ("\u{202a}\u{202e}gpj.exe", "\\u{202a}\\u{202e}gpj.exe"),
            ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"),
            ("\u{2028}\u{2029}", "\\u{2028}\\u{2029}"),
            ("\u{feff}=1", "\\u{feff}=1"),
            ("so\u{ad}ft", "so\\xadft"),
            ("\u{e0041}", "\\u{e0041}"),
            ("back\\slash", "back\\slash"),
        ];
        for (text, cell) in cases {
            assert_eq!(Cell::text(text).as_str(), cell);
        }
    }

    #[test]
    fn a_claim_is_cut_at_256_characters_and_never_within_an_escape() {
        let whole = "ä".repeat(256);
        assert_eq!(Cell::claim(&*whole).as_str(), whole);
        let long = "ä".repeat(257);
        assert_eq!(Cell::claim(&*long).as_str(), format!("{whole}…"));
        let escaped = Cell::claim("\x1b".repeat(300));
        assert_eq!(escaped.as_str(), format!("{}…", "\\x1b".repeat(256)));
        assert_eq!(Cell::text(&*long).as_str(), long);
    }

    #[test]
    fn a_clean_text_is_borrowed() {
        assert!(matches!(Cell::claim("https://auth.example.com/").written, Cow::Borrowed(_)));
    }

    #[test]
    fn a_cell_that_is_made_once_is_that_of_its_value() {
        let texts = ["=1", "", "=1+1", "eyJhbGciOiJub25lIn0.e30.", "=1"].map(str::to_owned);
        let mut cells = Cells::default();
        for text in texts.iter().chain(&texts) {
            assert_eq!(cells.text(text), Cell::text(&**text));
            assert_eq!(cells.claim(text), Cell::claim(&**text));
            assert_eq!(cells.claim(&text[..text.len() / 2]), Cell::claim(&text[..text.len() / 2]));
        }
    }

    #[test]
    fn only_a_csv_file_has_the_quote_that_keeps_a_formula_from_running() {
        let cell = Cell::text("=1+1");
        assert_eq!((cell.as_str(), cell.plain()), ("'=1+1", "=1+1"));
        let cell = Cell::text("'=1+1");
        assert_eq!((cell.as_str(), cell.plain()), ("'=1+1", "'=1+1"));
        assert_eq!(Cell::text("=1+1"), cell, "what a reader of the CSV file cannot tell apart is one cell");
        assert_eq!(Cell::text("\t-\u{1b}").plain(), "\\x09-\\x1b");
    }

    proptest! {
        #[test]
        fn no_cell_holds_a_control_character_or_begins_like_a_formula(text in any::<String>(), lead in "[=+@\t\r\n-]?") {
            let text = format!("{lead}{text}");
            for cell in [Cell::text(&*text), Cell::claim(&*text)] {
                prop_assert_eq!(&Cell::read(cell.as_str()), &cell, "what was written is read and written again");
                prop_assert!(!cell.as_str().contains(char::is_control));
                prop_assert!(!cell.as_str().starts_with(['=', '+', '-', '@']));
                prop_assert!(!cell.as_str().contains(is_invisible));
            }
        }
    }
}
