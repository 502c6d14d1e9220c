//! The text of a proposal, line by line. Values are written by whoever made the token or the document, so there are two
//! ways for them into a line: as a TOML string that cannot be left ([`quoted`]), and in a comment that cannot be left.

use crate::policy::refused_name;
use crate::report::plain_text;
use crate::token::mask_tokens;

/// Where notes behind a setting begin, if it is shorter.
const NOTE_COLUMN: usize = 44;

/// Characters of a value that a report shows, and with it all that is known of it: a longer one cannot be proposed.
const LONGEST: usize = 256;

/// Characters of a value that a comment shows.
const SHOWN: usize = 100;

/// A policy file that is being written.
#[derive(Debug, Default)]
pub(super) struct Draft {
    text: String,
    /// Whether settings are written as comments, because the table that they belong to is one.
    pub(super) commented_out: bool,
}

impl Draft {
    /// An empty line.
    pub(super) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// A line of comment.
    pub(super) fn comment(&mut self, text: &str) {
        self.line("# ", text, "");
    }

    /// A line of comment about the line above it.
    pub(super) fn detail(&mut self, text: &str) {
        self.line("#   ", text, "");
    }

    /// A setting, or the head of a table: `text` is TOML on one line, with [`quoted`] values.
    pub(super) fn setting(&mut self, text: &str, note: &str) {
        let lead = if self.commented_out { "# " } else { "" };
        self.line(lead, text, note);
    }

    /// A setting that is up to a person to choose.
    pub(super) fn suggestion(&mut self, text: &str, note: &str) {
        self.line("# ", text, note);
    }

    fn line(&mut self, lead: &str, text: &str, note: &str) {
        let mut line = format!("{lead}{}", clean(text));
        if !note.is_empty() {
            line = format!("{line:<NOTE_COLUMN$} # {}", clean(note));
        }
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }

    /// All that was written.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// Text on one line, without tokens. It leaves alone what [`quoted`] has made of a value that may be proposed.
fn clean(text: &str) -> String {
    // Once more at the end: what follows an escape may read as a token together with its last digit.
    mask_tokens(&plain_text(&mask_tokens(text))).into_owned()
}

/// The value as a TOML string (a basic one, on one line), in which what cannot be seen is escaped. The serializer of the
/// `toml` crate would write some values over several lines, and others with invisible characters as they are.
pub(super) fn quoted(value: &str) -> String {
    let is_visible = |text: &str| *plain_text(text) == *text;
    let all_visible = is_visible(value);
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for c in value.chars() {
        let code = u32::from(c);
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            _ if all_visible || is_visible(c.encode_utf8(&mut [0; 4])) => text.push(c),
            _ if code <= 0xffff => text.push_str(&format!("\\u{code:04x}")),
            _ => text.push_str(&format!("\\U{code:08x}")),
        }
    }
    text.push('"');
    text
}

/// The value between quotes as a comment shows it: without tokens, and cut when it is long.
pub(super) fn shown(value: &str) -> String {
    // Masked before it is cut: what is left of a token may no longer look like one.
    let value = mask_tokens(value);
    match value.char_indices().nth(SHOWN) {
        None => quoted(&value),
        Some((end, _)) => format!("{}…", quoted(&value[..end])),
    }
}

/// Why no proposal may hold this value; `None` when it may.
pub(super) fn unfit(value: &str) -> Option<&'static str> {
    let holds_token = |text: &str| *mask_tokens(text) != *text || text.contains("eyJ***");
    if value.chars().nth(LONGEST).is_some() {
        Some("it is longer than reports show")
    } else if holds_token(value) || holds_token(&quoted(value)) {
        Some("it holds a token")
    } else {
        None
    }
}

/// Why no policy can have this value as an issuer or an audience; `None` when one can.
pub(super) fn unfit_name(name: &str) -> Option<&'static str> {
    unfit(name).or_else(|| refused_name(name))
}

/// `1 key`, `2 keys`.
pub(super) fn count(number: u64, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A token, and an escape whose last digit begins one.
    const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    fn value_of(toml: &str) -> String {
        let table: toml::Table = toml.parse().unwrap();
        table["x"].as_str().unwrap().to_owned()
    }

    #[test]
    fn a_value_is_written_so_that_it_reads_back_and_shows_what_it_holds() {
        for (value, written) in [
            ("https://auth.example.com/", r#""https://auth.example.com/""#),
            ("a\"b\\c", r#""a\"b\\c""#),
            ("a\nb\r\tc\0", r#""a\u000ab\u000d\u0009c\u0000""#),
            ("\u{7f}\u{202e}x\u{e0041}", r#""\u007f\u202ex\U000e0041""#),
            ("zürich 日本 '''", "\"zürich 日本 '''\""),
        ] {
            assert_eq!(quoted(value), written);
            assert_eq!(value_of(&format!("x = {written}")), value);
        }
    }

    #[test]
    fn a_value_that_holds_a_token_or_becomes_one_when_written_is_unfit() {
        assert_eq!(unfit("https://auth.example.com/"), None);
        assert_eq!(unfit(&format!("x {TOKEN}")), Some("it holds a token"));
        assert_eq!(unfit("cut from eyJ*** here"), Some("it holds a token"));
        let behind_a_mark = format!("\u{200e}{}", &TOKEN[1..]);
        assert_eq!(*mask_tokens(&behind_a_mark), *behind_a_mark, "as it is it holds none");
        assert_eq!(unfit(&behind_a_mark), Some("it holds a token"));
        assert_eq!(unfit(&"a".repeat(256)), None);
        assert_eq!(unfit(&"a".repeat(257)), Some("it is longer than reports show"));
        assert!(unfit_name(" https://a.example").unwrap().contains("white space"));
    }

    #[test]
    fn a_long_value_is_cut_in_a_comment_behind_the_masks() {
        assert_eq!(shown(&"ä".repeat(101)), format!("\"{}\"…", "ä".repeat(100)));
        let cut_by_the_mask = shown(&format!("{}{TOKEN}", "-".repeat(90)));
        assert_eq!(cut_by_the_mask, format!("\"{}eyJ***\"", "-".repeat(90)));
    }

    #[test]
    fn a_table_that_is_commented_out_is_so_with_every_setting() {
        let mut draft = Draft { commented_out: true, ..Draft::default() };
        draft.setting("[[issuer]]", "");
        draft.setting("iss = \"a\"", "why");
        assert_eq!(draft.finish(), format!("# [[issuer]]\n{:<NOTE_COLUMN$} # why\n", "# iss = \"a\""));
    }

    proptest! {
        #[test]
        fn any_value_reads_back_and_no_comment_is_left(value in any::<String>(), lead in "[\n\r\"'\\\\#\u{2028}\u{85}]{0,3}") {
            let value = format!("{lead}{value}");
            let mut draft = Draft::default();
            draft.comment(&value);
            draft.detail(&shown(&value));
            draft.suggestion(&format!("x = {}", shown(&value)), &value);
            draft.setting(&format!("x = {}", quoted(&value)), &value);
            let text = draft.finish();
            prop_assert_eq!(text.lines().count(), 4);
            prop_assert!(!text.replace('\n', "").contains(char::is_control));
            if unfit(&value).is_none() {
                prop_assert_eq!(value_of(&text), value);
            }
        }
    }
}
