//! Step 4: does the signature verify with a key at hand? (`invalid_signature`; RFC 7515 §5.2)

use super::{Failure, SignatureStatus, Verdict};
use crate::policy::{Key, KeyEntry, Verification};
use crate::token::{Signed, Token};

/// How much work one token may cause, in verifications with an RSA key of 2048 bits. A token without `kid` is tried with
/// every key that fits, and a log may hold millions of such tokens: keys beyond this are not tried, and the signature is
/// then `unchecked` unless one before them verifies it.
pub const EFFORT: usize = 256;

/// A key, and what became of the signature with it.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The key, and when it was published.
    pub entry: KeyEntry,
    /// `no_key` when it is not for the token's algorithm.
    pub signature: SignatureStatus,
}

/// Whether a secret among these keys verifies the signature once the line end behind it is taken away: the likely cause of
/// a failure, because editors put one at the end of a file.
#[must_use]
pub fn fails_by_line_end<'k>(
    token: &Token,
    signed: Option<Signed<'_>>,
    entries: impl Iterator<Item = &'k KeyEntry>,
) -> bool {
    let Some((alg, signed)) = token.header.alg.as_deref().zip(signed) else { return false };
    alg.starts_with("HS")
        && entries
            .take(EFFORT)
            .any(|entry| entry.key.verifies_without_line_end(alg, signed.signing_input, signed.signature))
}

/// Tries the signature with these keys, those first that are still published. The same key in several sets is tried once,
/// and none behind one that verifies.
#[must_use]
pub fn try_keys(token: &Token, signed: Option<Signed<'_>>, entries: &[KeyEntry]) -> Vec<Trial> {
    let mut trials: Vec<Trial> =
        entries.iter().map(|entry| Trial { entry: entry.clone(), signature: untried(token) }).collect();
    let (Some(alg), Some(signed)) = (token.header.alg.as_deref(), signed) else { return trials };
    if token.header.is_unsigned() {
        return trials;
    }
    trials.sort_by_key(|trial| trial.entry.until.is_some());
    let mut effort = EFFORT;
    let mut verified = false;
    for n in 0..trials.len() {
        let (before, rest) = trials.split_at_mut(n);
        let trial = &mut rest[0];
        let same = before.iter().find(|other| other.entry.key == trial.entry.key);
        trial.signature = match same {
            Some(same) => same.signature,
            None if verified => SignatureStatus::Failed,
            None => try_key(alg, token, signed, &trial.entry.key, &mut effort),
        };
        verified |= trial.signature == SignatureStatus::Verified;
    }
    trials
}

fn try_key(alg: &str, token: &Token, signed: Signed<'_>, key: &Key, effort: &mut usize) -> SignatureStatus {
    if key.fits(alg).is_err() {
        return SignatureStatus::NoKey;
    }
    let length = token.signature.map(|signature| signature.bytes);
    if key.signature_len().is_some_and(|own| Some(own) != length) {
        return SignatureStatus::Failed;
    }
    let Some(left) = effort.checked_sub(key.cost()) else { return SignatureStatus::Unchecked };
    *effort = left;
    match key.verify(alg, signed.signing_input, signed.signature) {
        Verification::Verified => SignatureStatus::Verified,
        Verification::Failed => SignatureStatus::Failed,
        Verification::Impossible => SignatureStatus::NoKey,
    }
}

/// What becomes of a signature that nothing is tried with.
#[must_use]
pub fn untried(token: &Token) -> SignatureStatus {
    if token.header.is_unsigned() { SignatureStatus::Unsigned } else { SignatureStatus::Unchecked }
}

/// What became of the signature with several keys, of which one is enough; `None` without any.
pub fn sum(trials: impl Iterator<Item = SignatureStatus>) -> Option<SignatureStatus> {
    // A key that was not tried might have verified it.
    trials.min_by_key(|signature| match signature {
        SignatureStatus::Verified => 0,
        SignatureStatus::Unsigned => 1,
        SignatureStatus::Unchecked => 2,
        SignatureStatus::Failed => 3,
        SignatureStatus::NoKey => 4,
    })
}

/// What the signature's status says about a token.
#[must_use]
pub fn check(signature: SignatureStatus) -> Option<Failure> {
    (signature == SignatureStatus::Failed).then(|| Failure::new(Verdict::InvalidSignature, "mismatch"))
}
