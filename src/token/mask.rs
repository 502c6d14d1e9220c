//! Tokens in text that is shown: names, values and messages from outside may hold one, by accident or on purpose.

use std::borrow::Cow;

use super::decode;
use super::segment::begins_object;
use crate::scan::candidate::{is_prefix, run_length};

/// What stands in place of a token.
const MASK: &str = "eyJ***";

/// How many bytes are decoded to tell whether they are a token. It bounds the work on text that is full of beginnings.
const WINDOW: usize = 4096;

/// The text with a mask in place of every token in it, cut ones included, wherever they begin: unlike in a log, also
/// inside a word. What goes on behind a token without a break may be a part of it and is masked with it.
#[must_use]
pub fn mask_tokens(text: &str) -> Cow<'_, str> {
    let mut shown = String::new();
    let mut copied = 0;
    for (at, start) in text.as_bytes().array_windows().enumerate() {
        if at < copied || !is_prefix(*start) {
            continue;
        }
        let end = text.len().min(at + WINDOW);
        let window = &text.as_bytes()[at..end];
        let length = decode(window, &[]).map(|decoded| decoded.length);
        // What may still turn out to be a header is masked too: here too much does no harm.
        let length = length.or_else(|| (end < text.len() && begins_object(window)).then_some(window.len()));
        if let Some(length) = length {
            shown.push_str(&text[copied..at]);
            shown.push_str(MASK);
            let end = at + length;
            copied = (end..).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
            copied += text[copied..].find(ends_mask).unwrap_or(text.len() - copied);
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    shown.push_str(&text[copied..]);
    Cow::Owned(shown)
}

/// The same, and what may be a part of a token in another form (RFC 7515 §7.2 has each segment in a member of its own): what begins
/// like a segment that holds JSON, and runs as long as the shortest signature that look like chance.
#[must_use]
pub fn mask_parts(text: &str) -> Cow<'_, str> {
    let masked = mask_tokens(text);
    let mut shown = String::new();
    let mut copied = 0;
    let mut at = 0;
    while at < masked.len() {
        let length = run_length(&masked.as_bytes()[at..]);
        let run = &masked[at..at + length];
        if is_part(run) {
            shown.push_str(&masked[copied..at]);
            shown.push_str("***");
            copied = at + length;
        }
        at += length;
        at += masked[at..].chars().next().map_or(0, char::len_utf8);
    }
    if copied == 0 {
        return masked;
    }
    shown.push_str(&masked[copied..]);
    Cow::Owned(shown)
}

/// The characters of the shortest signature, that of HS256, without a few that may be cut off.
const SIGNATURE: usize = 40;

/// Whether a run of base64url may be a segment of a token.
fn is_part(run: &str) -> bool {
    let bytes = run.as_bytes();
    let holds_json = bytes.len() > MASK.len() && bytes.first_chunk().is_some_and(|start| is_prefix(*start));
    let has = |kind: fn(&u8) -> bool| bytes.iter().any(kind);
    holds_json
        || bytes.len() >= SIGNATURE
            && has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_lowercase)
            && has(u8::is_ascii_digit)
}

/// Whether a character stands in no token, nor in what shortens one.
fn ends_mask(c: char) -> bool {
    !(c.is_ascii_alphanumeric() || "-_.+=%~*\u{2026}".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_in_a_text_is_masked_and_the_rest_is_not() {
        let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.";
        let cases = [
            (token.to_owned(), "eyJ***"),
            (format!("https://a.example/{token}/x"), "https://a.example/eyJ***/x"),
            (format!("é{token}, {token} ü"), "éeyJ***, eyJ*** ü"),
            (format!("inside{token}"), "insideeyJ***"),
            ("eyJhbGciOiJub2\u{2026}".to_owned(), "eyJ***"),
            ("eyJ, eyJoIjoxfQ and surveyJson".to_owned(), "eyJ, eyJoIjoxfQ and surveyJson"),
            (format!("{token}...aGVsbG8.d29ybGQ:7"), "eyJ***:7"),
            (format!("eyJ4NWMiOiAi{}", "QUFB".repeat(2000)), "eyJ***"),
            (String::new(), ""),
        ];
        for (text, masked) in cases {
            assert_eq!(mask_tokens(&text), masked, "{text}");
        }
    }
}
