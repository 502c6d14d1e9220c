//! Step 1: is it a whole token? (`redacted`, `truncated`, `malformed`, `encrypted`)

use super::{Failure, Verdict};
use crate::policy::KeyEntry;
use crate::token::algorithm::{SignatureLengths, is_signature_algorithm};
use crate::token::{Cut, Fault, Flaw, SignaturePart, Token};

/// What is wrong with the form. `keys` are those that the token's `kid` names: the modulus of an RSA key tells how long
/// its signatures are, where the algorithm alone leaves a choice.
#[must_use]
pub fn check(token: &Token, keys: &[KeyEntry]) -> Option<Failure> {
    let by_length = || check_length(token, keys);
    match token.fault {
        Some(Fault::Masked) => Some(Failure::new(Verdict::Redacted, "masked")),
        Some(Fault::Cut(cut)) => Some(truncated(cut)),
        Some(Fault::Flaw(flaw)) if flaw.is_of_content() => by_length().or(Some(malformed(flaw))),
        Some(Fault::Flaw(flaw)) => Some(malformed(flaw)),
        None if token.encrypted => Some(Failure::new(Verdict::Encrypted, "jwe")),
        None => by_length(),
    }
}

/// What is wrong with the length of the signature.
#[must_use]
pub fn check_length(token: &Token, keys: &[KeyEntry]) -> Option<Failure> {
    let (alg, signature) = token.header.alg.as_deref().zip(token.signature)?;
    if token.header.is_unsigned() {
        // There should be none at all; how long it is says nothing.
        return signature.ragged.then(|| malformed(Flaw::BadBase64));
    }
    check_signature(alg, signature, keys)
}

fn truncated(cut: Cut) -> Failure {
    Failure::new(Verdict::Truncated, cut.as_str())
}

fn malformed(flaw: Flaw) -> Failure {
    Failure::new(Verdict::Malformed, flaw.as_str())
}

/// A signature that further bytes could make as long as it has to be is cut; one that is too long is not. One that ends
/// as no encoder ends is cut, or damaged if it may not be longer.
fn check_signature(alg: &str, signature: SignaturePart, keys: &[KeyEntry]) -> Option<Failure> {
    let own = key_length(alg, keys);
    let lengths = match (&own, SignatureLengths::of(alg)) {
        (Some(own), _) => std::slice::from_ref(own),
        (None, SignatureLengths::OneOf(lengths)) => lengths,
        // Of an algorithm that nobody here knows, a ragged end is all that can be wrong.
        (None, SignatureLengths::Any) => return signature.ragged.then(|| truncated(Cut::InSignature)),
    };
    let fits = lengths.contains(&signature.bytes);
    let may_grow = lengths.iter().any(|&length| length > signature.bytes);
    match (fits, signature.ragged) {
        (true, false) => None,
        _ if may_grow => Some(truncated(Cut::InSignature)),
        (true, true) => Some(malformed(Flaw::BadBase64)),
        (false, _) => Some(malformed(Flaw::ExtraBytes)),
    }
}

/// The length that all keys of the token's `kid` give its signature.
fn key_length(alg: &str, keys: &[KeyEntry]) -> Option<usize> {
    let mut lengths = keys
        .iter()
        .filter(|entry| is_signature_algorithm(alg) && entry.key.fits(alg).is_ok())
        .map(|entry| entry.key.signature_len());
    let first = lengths.next()??;
    lengths.all(|length| length == Some(first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{rsa_entry, token};
    use super::*;

    fn told(alg: &str, bytes: usize, ragged: bool, keys: &[KeyEntry]) -> Option<(Verdict, String)> {
        let mut token = token(&format!(r#"{{"alg":"{alg}"}}"#), "{}");
        token.signature = Some(SignaturePart { bytes, ragged });
        check(&token, keys).map(|failure| (failure.verdict, failure.detail.to_string()))
    }

    #[test]
    fn a_signature_has_one_of_the_lengths_of_its_algorithm() {
        let cut = Some((Verdict::Truncated, "in_signature".to_owned()));
        let long = Some((Verdict::Malformed, "extra_bytes".to_owned()));
        let damaged = Some((Verdict::Malformed, "bad_base64".to_owned()));
        for (alg, bytes, ragged, expected) in [
            ("HS256", 32, false, &None),
            ("HS256", 31, true, &cut),
            ("HS256", 32, true, &damaged),
            ("HS256", 33, false, &long),
            ("ES256", 64, false, &None),
            ("ES256", 80, false, &long),
            ("ES512", 131, false, &cut),
            ("EdDSA", 64, false, &None),
            ("EdDSA", 65, false, &cut),
            ("EdDSA", 114, false, &None),
            ("EdDSA", 115, false, &long),
            ("RS256", 256, false, &None),
            ("RS256", 256, true, &cut),
            ("PS512", 300, false, &cut),
            ("RS256", 513, false, &long),
            ("XY999", 7, false, &None),
            ("XY999", 7, true, &cut),
        ] {
            assert_eq!(&told(alg, bytes, ragged, &[]), expected, "{alg} {bytes} {ragged}");
        }
    }

    #[test]
    fn the_key_that_kid_names_tells_the_length_of_an_rsa_signature() {
        let keys = [rsa_entry("k", 3072, None, None)];
        assert_eq!(told("RS256", 384, false, &keys), None);
        assert_eq!(told("RS256", 256, false, &keys).unwrap().0, Verdict::Truncated);
        assert_eq!(told("RS256", 512, false, &keys).unwrap().0, Verdict::Malformed);
        let either = [rsa_entry("k", 3072, None, None), rsa_entry("k", 2048, None, None)];
        assert_eq!(told("RS256", 256, false, &either), None, "two keys of one kid leave the choice");
        assert_eq!(told("HS256", 32, false, &keys), None, "a key that does not fit says nothing");
    }

    #[test]
    fn a_fault_of_the_form_comes_before_the_signature() {
        let mut token = token(r#"{"alg":"HS256"}"#, "{}");
        token.signature = Some(SignaturePart { bytes: 1, ragged: false });
        token.fault = Some(Fault::Flaw(Flaw::Padded));
        assert_eq!(check(&token, &[]), Some(Failure::new(Verdict::Malformed, "padded")));
        token.fault = Some(Fault::Flaw(Flaw::BadTimeClaim));
        assert_eq!(
            check(&token, &[]),
            Some(Failure::new(Verdict::Truncated, "in_signature")),
            "but one of content"
        );
        token.fault = Some(Fault::Masked);
        assert_eq!(check(&token, &[]), Some(Failure::new(Verdict::Redacted, "masked")));
    }
}
