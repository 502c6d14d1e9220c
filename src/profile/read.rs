//! A token as verifiers read it: more or less strictly than jwtriage's own decoder, each in its own way.

use std::sync::LazyLock;

use data_encoding::{BASE64URL_NOPAD, Encoding, Specification};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::token::mask_tokens;

/// How strictly a library reads base64url.
#[derive(Clone, Copy, Debug)]
pub(super) struct Base64 {
    /// Whether `+` and `/` are read as `-` and `_`.
    pub(super) standard: bool,
    /// Whether `=` may stand at the end, where it makes the length a multiple of four.
    pub(super) padding: bool,
    /// Whether bits beyond the last byte are left out of account, instead of being an error.
    pub(super) stray_bits: bool,
}

/// base64url without padding, whatever the bits beyond the last byte.
static LAX: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
    specification.check_trailing_bits = false;
    specification.encoding().expect("an alphabet of 64 symbols")
});

impl Base64 {
    /// The bytes that a segment encodes; `None` where the library refuses it.
    pub(super) fn decode(self, text: &str) -> Option<Vec<u8>> {
        let bare = text.trim_end_matches('=');
        let padding = text.len() - bare.len();
        if padding > 0 && (!self.padding || padding > 2 || !text.len().is_multiple_of(4)) {
            return None;
        }
        let replaced: String;
        let bare = if self.standard {
            replaced = bare.replace('+', "-").replace('/', "_");
            &replaced
        } else {
            bare
        };
        let encoding = if self.stray_bits { &*LAX } else { &BASE64URL_NOPAD };
        encoding.decode(bare.as_bytes()).ok()
    }
}

/// What `Buffer.from(text, "base64")` of Node makes of characters of the base64url alphabet: everything that makes a byte.
pub(super) fn node_buffer(text: &str) -> Vec<u8> {
    let whole = if text.len() % 4 == 1 { &text[..text.len() - 1] } else { text };
    LAX.decode(whole.as_bytes()).unwrap_or_default()
}

/// A JSON text; of members that stand twice the last counts, as in JavaScript, Python and Go.
pub(super) fn json(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes).ok()
}

/// The same for libraries that know numbers of any size: one of more digits than a double has room for is cut to as many.
pub(super) fn json_of_any_size(bytes: &[u8]) -> Option<Value> {
    serde_json::from_slice(bytes)
        .or_else(|error| {
            if is_number_too_large(&error) { serde_json::from_slice(&shortened(bytes)) } else { Err(error) }
        })
        .ok()
}

/// The JSON text at the start, for libraries that do not mind what follows it.
pub(super) fn leading_json(bytes: &[u8]) -> Result<Value, serde_json::Error> {
    Value::deserialize(&mut serde_json::Deserializer::from_slice(bytes))
}

/// Whether a text is no JSON for the sole reason that a number is larger than a double has room for.
pub(super) fn is_number_too_large(error: &serde_json::Error) -> bool {
    error.to_string().starts_with("number out of range")
}

/// A JSON text in which no number has more than 300 digits in a row.
fn shortened(bytes: &[u8]) -> Vec<u8> {
    let (mut text, mut digits, mut in_string, mut escaped) =
        (Vec::with_capacity(bytes.len()), 0, false, false);
    for &byte in bytes {
        in_string ^= byte == b'"' && !escaped;
        escaped = in_string && byte == b'\\' && !escaped;
        digits = if byte.is_ascii_digit() && !in_string { digits + 1 } else { 0 };
        if digits <= 300 {
            text.push(byte);
        }
    }
    text
}

/// A JSON object.
pub(super) fn object(bytes: &[u8]) -> Option<Map<String, Value>> {
    match json(bytes) {
        Some(Value::Object(object)) => Some(object),
        _ => None,
    }
}

/// A text and the length of its bytes is all that a signature is, until a key is known.
pub(super) fn canonical(signature: &[u8]) -> String {
    BASE64URL_NOPAD.encode(signature)
}

/// The milliseconds of a number of seconds, rounded up to a whole second: when a clock that counts whole seconds reaches it.
pub(super) fn reached_by_seconds(seconds: f64) -> i64 {
    // The cast saturates.
    (seconds.ceil() * 1000.0) as i64
}

/// As much of a value of the token as an error repeats, without a token that may stand in it.
pub(super) fn repeated(value: &str) -> String {
    mask_tokens(value).chars().take(REPEATED).collect()
}

/// How many characters of a value an error repeats.
const REPEATED: usize = 256;

/// The text of a string value.
pub(super) fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_strictness_takes_what_its_library_takes() {
        let strict = Base64 { standard: false, padding: false, stray_bits: false };
        let cases = [
            // (text, strict, padding, stray bits, standard)
            ("-_8", [true, true, true, true]),
            ("-_8=", [false, true, false, false]),
            ("-_8==", [false, false, false, false]),
            ("-_9", [false, false, true, false]),
            ("+/8", [false, false, false, true]),
            ("-_8-_", [false, false, false, false]),
        ];
        for (text, expected) in cases {
            let rules = [
                strict,
                Base64 { padding: true, ..strict },
                Base64 { stray_bits: true, ..strict },
                Base64 { standard: true, ..strict },
            ];
            assert_eq!(rules.map(|rule| rule.decode(text).is_some()), expected, "{text}");
        }
        assert_eq!(node_buffer("-_9"), [0xfb, 0xff]);
        assert_eq!(node_buffer("QUJDR"), b"ABC");
    }

    #[test]
    fn a_number_of_any_size_is_read_where_the_library_reads_it() {
        let text = format!(r#"{{"a\\\"1":"{0}","exp":{0},"n":1}}"#, "9".repeat(400));
        assert_eq!(json(text.as_bytes()), None);
        let value = json_of_any_size(text.as_bytes()).unwrap();
        assert_eq!(value["exp"].as_f64(), Some(1e300));
        assert_eq!(value.as_object().unwrap().values().next().unwrap().as_str().unwrap().len(), 400);
        assert_eq!(json_of_any_size(b"{"), None);
    }

    #[test]
    fn what_follows_a_leading_text_is_not_read() {
        assert_eq!(leading_json(b" {\"a\":1}x").unwrap()["a"], 1);
        assert!(leading_json(b"").unwrap_err().is_eof());
        assert!(leading_json(b"x{}").unwrap_err().is_syntax());
    }

    #[test]
    fn a_clock_of_whole_seconds_reaches_a_fraction_at_the_next_one() {
        for (seconds, millis) in
            [(1.0, 1000), (1.5, 2000), (-1.5, -1000), (1e300, i64::MAX), (-1e300, i64::MIN)]
        {
            assert_eq!(reached_by_seconds(seconds), millis, "{seconds}");
        }
    }
}
