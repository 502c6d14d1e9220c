//! Any bytes → `token::decode`. The laws:
//!
//! 1. A candidate is no longer than its bytes, and its own bytes are no more than it.
//! 2. What is decoded depends on the candidate's bytes alone, not on what stands behind them: cut there, or followed
//!    by a byte that ends any candidate, it is the same. Workers rely on this: they know a token by its bytes.
//! 3. Where the plain shape is the whole candidate, decoding reaches as far.
//! 4. A text whose tokens were masked holds no other token than masked ones.
//! 5. A token whose signature has one fixed length is never valid once it was cut, wherever that was.

#![no_main]

use jwtriage::policy::Policy;
use jwtriage::scan::candidate::{Extent, shape};
use jwtriage::token::{Decoded, Fault, SignaturePart, Token, decode, mask_tokens};
use jwtriage::verdict::{Judge, Verdict};
use libfuzzer_sys::fuzz_target;

/// Algorithms whose signatures have one length, and that length.
const FIXED: [(&str, usize); 6] =
    [("HS256", 32), ("HS384", 48), ("HS512", 64), ("ES256", 64), ("ES384", 96), ("ES512", 132)];

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let masked = mask_tokens(text);
        for at in 0..masked.len() {
            let left = decode(&masked.as_bytes()[at..], &[]);
            assert!(left.is_none_or(|left| left.token.fault == Some(Fault::Masked)), "{masked:?} at {at}");
        }
    }
    let show = ["tenant".to_owned()];
    let Some(decoded) = decode(bytes, &show) else { return };
    assert!(decoded.length <= bytes.len());
    assert!(decoded.own().expose().len() <= decoded.length);

    let candidate = &bytes[..decoded.length];
    for behind in ["", " ", "\"", "&x=1"] {
        let alone = [candidate, behind.as_bytes()].concat();
        let again = decode(&alone, &show).expect("a candidate is one wherever it stands");
        assert_eq!(told(&again), told(&decoded), "followed by {behind:?}");
    }
    if let Extent::Whole(length) = shape(bytes).extent {
        assert_eq!(decoded.length, length);
    }
    if is_whole(&decoded.token) {
        let own = decoded.own().expose().len();
        for cut in (1..8).map(|eighth| own * eighth / 8).chain(own.saturating_sub(4)..own) {
            let Some(cut) = decode(&candidate[..cut], &show) else { continue };
            let outcome = Judge::new(&Policy::default()).prepare(&cut.token, cut.signed()).at(None);
            assert_ne!(outcome.verdict, Verdict::Valid);
        }
    }
});

/// All that decoding says.
fn told<'a>(decoded: &'a Decoded<'_>) -> (usize, &'a Token, &'a [u8]) {
    (decoded.length, &decoded.token, decoded.own().expose())
}

/// Whether the token has no fault and a signature of the only length that its algorithm makes.
fn is_whole(token: &Token) -> bool {
    let Some(SignaturePart { bytes, ragged: false }) = token.signature else { return false };
    let alg = token.header.alg.as_deref().unwrap_or_default();
    token.fault.is_none() && FIXED.contains(&(alg, bytes))
}
