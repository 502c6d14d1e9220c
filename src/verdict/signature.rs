//! Step 4: does the signature verify with a key at hand? (`invalid_signature`; RFC 7515 §5.2)

use super::{Failure, SignatureStatus, Verdict};
use crate::policy::key::Material;
use crate::policy::{Key, KeyEntry, Mismatch, Verification};
use crate::token::{Signed, Token};

/// How much work one token may cause, in verifications with an RSA key of 2048 bits. A token without `kid` is tried with
/// every key that fits, and a log may hold millions of such tokens: keys beyond this are not tried, and the signature is
/// then `unchecked` unless one before them verifies it. It is enough for 200 keys of the usual kinds.
pub const EFFORT: usize = 640;

/// A key, and what became of the signature with it.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The key, and when it was published.
    pub entry: KeyEntry,
    /// What became of it.
    pub result: TrialResult,
}

/// What became of a signature with one key. Of several keys, of which one is enough, the first in this order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TrialResult {
    /// It verifies.
    Verified,
    /// There is nothing to verify.
    Untried,
    /// The keys before it have used up [`EFFORT`]: it might have verified it.
    Skipped,
    /// The key fits, but nothing here verifies with it.
    Impossible,
    /// It does not verify.
    Failed,
    /// The key cannot be used with the token's `alg`.
    Misfit(Mismatch),
}

impl TrialResult {
    /// What the reports call it.
    #[must_use]
    pub fn status(self, token_is_unsigned: bool) -> SignatureStatus {
        match self {
            Self::Verified => SignatureStatus::Verified,
            Self::Untried if token_is_unsigned => SignatureStatus::Unsigned,
            Self::Untried | Self::Skipped => SignatureStatus::Unchecked,
            Self::Failed => SignatureStatus::Failed,
            Self::Impossible | Self::Misfit(_) => SignatureStatus::NoKey,
        }
    }
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

/// Tries the signature with these keys, those first that are still published. The same key, published more than once, is
/// tried once, and none behind one that verifies.
#[must_use]
pub fn try_keys(token: &Token, signed: Option<Signed<'_>>, entries: &[KeyEntry]) -> Vec<Trial> {
    let mut trials: Vec<Trial> =
        entries.iter().map(|entry| Trial { entry: entry.clone(), result: TrialResult::Untried }).collect();
    let Some(alg) = token.header.alg.as_deref().filter(|_| !token.header.is_unsigned()) else {
        return trials;
    };
    trials.sort_by_key(|trial| trial.entry.until.is_some());
    let mut effort = EFFORT;
    let mut verified = false;
    for n in 0..trials.len() {
        let (before, rest) = trials.split_at_mut(n);
        let key = &rest[0].entry.key;
        // Members such as `use` may differ between two documents that publish one key.
        let same = before.iter().find(|other| {
            !matches!(other.result, TrialResult::Misfit(_))
                && key.material != Material::Unusable
                && other.entry.key.material == key.material
        });
        let result = match (key.fits(alg), signed) {
            (Err(mismatch), _) => TrialResult::Misfit(mismatch),
            (Ok(()), None) => TrialResult::Untried,
            (Ok(()), Some(signed)) => match same {
                Some(same) => same.result,
                None if verified => TrialResult::Failed,
                None => try_key(alg, token, signed, key, &mut effort),
            },
        };
        verified |= result == TrialResult::Verified;
        rest[0].result = result;
    }
    trials
}

fn try_key(alg: &str, token: &Token, signed: Signed<'_>, key: &Key, effort: &mut usize) -> TrialResult {
    let length = token.signature.map(|signature| signature.bytes);
    if key.signature_len().is_some_and(|own| Some(own) != length) {
        return TrialResult::Failed;
    }
    let Some(left) = effort.checked_sub(key.cost()) else { return TrialResult::Skipped };
    *effort = left;
    match key.verify(alg, signed.signing_input, signed.signature) {
        Verification::Verified => TrialResult::Verified,
        Verification::Failed => TrialResult::Failed,
        Verification::Impossible => TrialResult::Impossible,
    }
}

/// What became of the signature with several keys, of which one is enough; `None` without any.
pub fn sum<'t>(trials: impl Iterator<Item = &'t Trial>) -> Option<TrialResult> {
    trials.map(|trial| trial.result).min()
}

/// What the signature's status says about a token.
#[must_use]
pub fn check(signature: SignatureStatus) -> Option<Failure> {
    (signature == SignatureStatus::Failed).then(|| Failure::new(Verdict::InvalidSignature, "mismatch"))
}
