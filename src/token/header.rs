//! The JOSE header (RFC 7515 §4, RFC 7516 §4).

use foldhash::HashSet;
use std::fmt;

use serde_json::Value;

use super::algorithm::is_signature_algorithm;
use super::json::{self, Ending, Members};

/// What the header says, as far as it could be read. `Debug` shows none of the values: anything may be in them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Header {
    /// The algorithm, when it is a string.
    pub alg: Option<String>,
    /// The content encryption, when it is a string: the mark of a JWE.
    pub enc: Option<String>,
    /// The media type of the whole.
    pub typ: Option<String>,
    /// Which key; a number is taken as its digits.
    pub kid: Option<String>,
    /// Whether it has `crit`: extensions that must be understood. jwtriage, like most verifiers, understands none.
    pub crit: bool,
    /// Whether a member stands in it twice.
    pub duplicate: bool,
    /// Whether it has the member `alg` or `enc`, whatever its value, even cut: the mark of a candidate.
    pub is_jose: bool,
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header")
            .field("unsigned", &self.is_unsigned())
            .field("encrypted", &self.is_encrypted())
            .field("crit", &self.crit)
            .field("duplicate", &self.duplicate)
            .finish_non_exhaustive()
    }
}

impl Header {
    /// Reads a header, whole or cut.
    pub(super) fn read(text: &[u8]) -> (Self, Ending) {
        let mut reader = Reader::default();
        let ending = json::read(text, &mut reader);
        (reader.header, ending)
    }

    /// Whether the token is a JWE: it has `enc`, and `alg` is not one that signs.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.enc.is_some() && !self.alg.as_deref().is_some_and(is_signature_algorithm)
    }

    /// Whether `alg` is `none` in any letter case.
    #[must_use]
    pub fn is_unsigned(&self) -> bool {
        self.alg.as_deref().is_some_and(|alg| alg.eq_ignore_ascii_case("none"))
    }
}

#[derive(Default)]
struct Reader {
    header: Header,
    names: HashSet<String>,
}

impl Members for Reader {
    fn name(&mut self, name: &str) -> bool {
        self.header.is_jose |= matches!(name, "alg" | "enc");
        self.header.duplicate |= !self.names.insert(name.to_owned());
        matches!(name, "alg" | "enc" | "typ" | "kid" | "crit")
    }

    fn value(&mut self, name: &str, value: Value) {
        let slot = match name {
            "alg" => &mut self.header.alg,
            "enc" => &mut self.header.enc,
            "typ" => &mut self.header.typ,
            "kid" => &mut self.header.kid,
            _ => {
                self.header.crit = true;
                return;
            }
        };
        *slot = match value {
            Value::String(text) => Some(text),
            Value::Number(number) if name == "kid" => Some(number.to_string()),
            _ => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_header_keeps_what_was_read() {
        let (header, ending) = Header::read(br#"{"alg":"RS256","kid":7,"typ":"J"#);
        assert_eq!(ending, Ending::Cut);
        assert_eq!(
            (header.alg.as_deref(), header.kid.as_deref(), header.typ),
            (Some("RS256"), Some("7"), None)
        );
    }

    #[test]
    fn a_name_alone_makes_it_a_jose_header() {
        assert!(Header::read(br#"{"alg""#).0.is_jose);
        assert!(Header::read(br#"{"enc":"#).0.is_jose);
        assert!(!Header::read(br#"{"typ":"JWT","alg"#).0.is_jose);
    }

    #[test]
    fn encryption_needs_enc_and_an_algorithm_that_does_not_sign() {
        assert!(Header::read(br#"{"alg":"dir","enc":"A128GCM"}"#).0.is_encrypted());
        assert!(!Header::read(br#"{"alg":"RS256","enc":"A128GCM"}"#).0.is_encrypted());
        assert!(!Header::read(br#"{"alg":"dir"}"#).0.is_encrypted());
    }

    #[test]
    fn a_member_that_stands_twice_is_noticed() {
        assert!(Header::read(br#"{"alg":"none","alg":"RS256"}"#).0.duplicate);
        assert!(!Header::read(br#"{"alg":"none","x":{"alg":1}}"#).0.duplicate);
    }
}
