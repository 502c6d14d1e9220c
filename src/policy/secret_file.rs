//! Secret files → HMAC keys. What makes a secret doubtful is a warning; only what cannot be decoded is an error.

use super::algorithm;
use super::key::{Key, KeyKind};
use super::problem::{Warning, quoted};
use zeroize::Zeroizing;

use data_encoding::{BASE64_NOPAD, BASE64URL_NOPAD, HEXLOWER_PERMISSIVE};

/// How a secret file writes its secret.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Encoding {
    /// The bytes of the file are the secret, each of them.
    #[default]
    Raw,
    /// Standard base64, padded or not.
    Base64,
    /// base64url, padded or not.
    Base64Url,
    /// Hexadecimal digits.
    Hex,
}

impl Encoding {
    /// The words of the policy file.
    pub(super) const WORDS: [(&str, Self); 4] =
        [("raw", Self::Raw), ("base64", Self::Base64), ("base64url", Self::Base64Url), ("hex", Self::Hex)];

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(_, encoding)| *encoding == self).map_or("raw", |(word, _)| word)
    }
}

/// Makes a key of a secret file's bytes; warnings name `file`.
///
/// # Errors
///
/// When the file is not in its encoding. The text tells nothing of what it holds.
pub(super) fn parse(
    bytes: &[u8],
    encoding: Encoding,
    kid: Option<String>,
    file: &str,
    warnings: &mut Vec<Warning>,
) -> Result<Key, String> {
    // White space is no part of an encoded secret: editors end files with a newline, tools wrap long lines.
    let digits = || {
        let digits = bytes.iter().copied().filter(|byte| !byte.is_ascii_whitespace());
        // Of its final size, so that no copy of the beginning is left behind.
        let mut kept = Zeroizing::new(Vec::with_capacity(bytes.len()));
        kept.extend(digits);
        kept
    };
    let unpadded = || {
        let mut digits = digits();
        while digits.last() == Some(&b'=') {
            digits.pop();
        }
        digits
    };
    let decoded = match encoding {
        Encoding::Raw => Ok(bytes.to_vec()),
        Encoding::Base64 => BASE64_NOPAD.decode(&unpadded()),
        Encoding::Base64Url => BASE64URL_NOPAD.decode(&unpadded()),
        Encoding::Hex => HEXLOWER_PERMISSIVE.decode(&digits()),
    };
    let secret =
        decoded.map_err(|_| format!("expected a secret in {}, found something else", encoding.word()))?;
    if secret.is_empty() {
        warnings.push(Warning::new(file, "the secret is empty: anybody can sign"));
    } else if encoding == Encoding::Raw && secret.ends_with(b"\n") {
        warnings.push(Warning::new(
            file,
            "the raw secret ends with a newline, which is taken as a part of it; write the file without one if it is not",
        ));
    }
    Ok(Key::of_secret(kid, secret))
}

/// Warns when a secret is shorter than the hash of an HMAC algorithm that its issuer allows. An issuer that allows
/// everything is judged by the shortest hash.
pub(super) fn warn_if_short(key: &Key, allowed: Option<&[String]>, file: &str, warnings: &mut Vec<Warning>) {
    let KeyKind::Oct { bits } = key.kind else { return };
    let length = bits / 8;
    let default = ["HS256".to_owned()];
    let too_long: Vec<String> = allowed
        .unwrap_or(&default)
        .iter()
        .filter_map(|name| algorithm::find(name))
        .filter_map(|algorithm| Some((algorithm.name, algorithm.hmac_len?)))
        .filter(|(_, demanded)| length < *demanded)
        .map(|(name, demanded)| format!("{name} demands {demanded}"))
        .collect();
    if length > 0 && !too_long.is_empty() {
        let demands = too_long.join(", ");
        let name = key.kid.as_ref().map_or_else(String::new, |kid| format!("key {}: ", quoted(kid)));
        let message = format!("{name}a secret of {length} bytes, but {demands} (RFC 7518 §3.2)");
        warnings.push(Warning::new(file, message));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::key::Material;

    fn read(bytes: &[u8], encoding: Encoding) -> (Result<Key, String>, Vec<String>) {
        let mut warnings = Vec::new();
        let key = parse(bytes, encoding, None, "hs.secret", &mut warnings);
        (key, warnings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn a_secret_is_read_in_its_encoding() {
        for (bytes, encoding) in [
            (&b"\xfb\xff\xfe"[..], Encoding::Raw),
            (b"+//+\n", Encoding::Base64),
            (b"-__-\n", Encoding::Base64Url),
            (b"fbFF\nfe\r\n", Encoding::Hex),
        ] {
            let (key, warnings) = read(bytes, encoding);
            let Material::Secret(secret) = key.unwrap().material else { panic!("no secret in {encoding:?}") };
            assert_eq!(secret.expose(), b"\xfb\xff\xfe");
            assert_eq!(warnings, Vec::<String>::new());
        }
        assert_eq!(read(b"YQ==", Encoding::Base64).0.unwrap().kind, KeyKind::Oct { bits: 8 });
    }

    #[test]
    fn a_secret_in_another_encoding_is_an_error_that_does_not_show_it() {
        for encoding in [Encoding::Base64, Encoding::Base64Url, Encoding::Hex] {
            let error = read(b"hunter2!", encoding).0.unwrap_err();
            assert_eq!(error, format!("expected a secret in {}, found something else", encoding.word()));
        }
    }

    #[test]
    fn an_empty_secret_and_a_trailing_newline_are_warnings() {
        let (key, warnings) = read(b"", Encoding::Raw);
        assert_eq!(key.unwrap().kind, KeyKind::Oct { bits: 0 });
        assert_eq!(warnings, ["hs.secret: the secret is empty: anybody can sign"]);
        let (key, warnings) = read(b"hunter2\r\n", Encoding::Raw);
        assert_eq!(key.unwrap().kind, KeyKind::Oct { bits: 72 }, "the newline stays");
        assert!(warnings[0].contains("ends with a newline"), "{}", warnings[0]);
    }

    #[test]
    fn a_secret_is_measured_against_the_hashes_that_its_issuer_allows() {
        let check = |length: usize, allowed: Option<&[&str]>| {
            let allowed = allowed.map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>());
            let mut warnings = Vec::new();
            warn_if_short(
                &Key::of_secret(None, vec![1; length]),
                allowed.as_deref(),
                "hs.secret",
                &mut warnings,
            );
            warnings.first().map(ToString::to_string)
        };
        assert_eq!(check(32, None), None);
        assert_eq!(check(32, Some(&["RS256", "HS256"])), None);
        assert_eq!(
            check(31, None).unwrap(),
            "hs.secret: a secret of 31 bytes, but HS256 demands 32 (RFC 7518 §3.2)"
        );
        assert_eq!(
            check(40, Some(&["HS256", "HS384", "HS512"])).unwrap(),
            "hs.secret: a secret of 40 bytes, but HS384 demands 48, HS512 demands 64 (RFC 7518 §3.2)"
        );
    }
}
