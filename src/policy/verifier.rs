//! Does a signature verify with a key? And can a key verify at all?
//!
//! Verification is done by `jsonwebtoken` on aws-lc-rs. What that crate leaves out is asked of aws-lc-rs directly: ES512
//! (RFC 7518 §3.4), ES256K (RFC 8812 §3.2), PKCS #1 signatures of RSA keys below 2048 bits, and all RSA keys, because
//! `jsonwebtoken` makes them ready anew for each signature, which is a fourth of the work.
//! Nothing here verifies Ed448 (RFC 8037), RSA keys above 8192 bits, or PSS and SHA-384 signatures of short RSA keys.
//!
//! The algorithm is the token's word, so it is never taken without the key's consent: [`Key::fits`] comes first.

use std::fmt;
use std::sync::OnceLock;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256K1_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED,
    ED25519, ParsedPublicKey, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA384, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, DecodingKey};

use super::key::{Key, KeyKind, Material, coordinate_len};
use super::problem::quoted;

/// The longest RSA modulus that a key may have, in bits. Longer ones only serve to make a verifier work.
const MAX_MODULUS_BITS: usize = 16_384;

/// The longest public exponent, in bits: that of the library, and more than any key in use has.
const MAX_EXPONENT_BITS: usize = 33;

/// RSA moduli that signatures are verified with, in bits.
const MODULUS_BITS: std::ops::RangeInclusive<usize> = 1024..=8192;

/// What became of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// It was made with this key.
    Verified,
    /// It was not.
    Failed,
    /// The key is not for this algorithm, or nothing here verifies with it.
    Impossible,
}

impl Key {
    /// Verifies a signature (RFC 7515 §5.2): the base64url text behind the second dot, over all before it.
    #[must_use]
    pub fn verify(&self, alg: &str, signing_input: &[u8], signature: &str) -> Verification {
        if self.fits(alg).is_err() {
            return Verification::Impossible;
        }
        let verifies = match (alg, &self.kind, &self.material) {
            (_, KeyKind::Rsa { modulus_bits }, Material::Rsa { n, e }) => {
                let Some(key) = self.prepared.rsa(alg, *modulus_bits, n, e) else {
                    return Verification::Impossible;
                };
                decoded(signature).is_some_and(|bytes| key.verify_sig(signing_input, &bytes).is_ok())
            }
            ("ES512", _, Material::Ec { x, y }) => {
                ecdsa(&ECDSA_P521_SHA512_FIXED, &point(x, y), signing_input, signature)
            }
            ("ES256K", _, Material::Ec { x, y }) => {
                ecdsa(&ECDSA_P256K1_SHA256_FIXED, &point(x, y), signing_input, signature)
            }
            _ => {
                let (Some(algorithm), Some(key)) = (self.algorithm(alg), self.decoding_key()) else {
                    return Verification::Impossible;
                };
                jsonwebtoken::crypto::verify(signature, signing_input, &key, algorithm).unwrap_or(false)
            }
        };
        if verifies { Verification::Verified } else { Verification::Failed }
    }

    /// Whether the signature verifies with the secret but for the line end behind it, as editors put one at the end of a file.
    #[must_use]
    pub fn verifies_without_line_end(&self, alg: &str, signing_input: &[u8], signature: &str) -> bool {
        let Material::Secret(secret) = &self.material else { return false };
        let secret = secret.expose();
        let trimmed = secret.strip_suffix(b"\n").map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        trimmed.is_some_and(|trimmed| {
            let key = Self::of_secret(None, trimmed.to_vec());
            key.verify(alg, signing_input, signature) == Verification::Verified
        })
    }

    /// What one verification costs, in those of an RSA key of 2048 bits, rounded up.
    #[must_use]
    pub fn cost(&self) -> usize {
        match &self.kind {
            KeyKind::Rsa { modulus_bits } => modulus_bits.div_ceil(2048).pow(2),
            KeyKind::Ec { curve } if curve == "P-256" => 3,
            KeyKind::Ec { .. } => 16,
            KeyKind::Okp { .. } => 2,
            KeyKind::Oct { .. } | KeyKind::Unreadable { .. } | KeyKind::Other(_) => 1,
        }
    }

    /// The algorithm as `jsonwebtoken` names it, if that verifies it with this key.
    fn algorithm(&self, alg: &str) -> Option<Algorithm> {
        let algorithm = if alg == "Ed25519" { Algorithm::EdDSA } else { alg.parse().ok()? };
        let is_possible = match &self.kind {
            KeyKind::Okp { curve } => curve == "Ed25519",
            KeyKind::Ec { .. } | KeyKind::Oct { .. } => true,
            KeyKind::Rsa { .. } | KeyKind::Unreadable { .. } | KeyKind::Other(_) => false,
        };
        is_possible.then_some(algorithm)
    }

    fn decoding_key(&self) -> Option<DecodingKey> {
        Some(match &self.material {
            Material::Ec { x, y } => DecodingKey::from_ec_der(&point(x, y)),
            Material::Okp { x } => DecodingKey::from_ed_der(x),
            Material::Secret(secret) => DecodingKey::from_secret(secret.expose()),
            Material::Rsa { .. } | Material::Unusable => return None,
        })
    }
}

/// An RSA key made ready for each of the algorithms in [`RSA_ALGORITHMS`], when the first signature asks for it. It is no
/// part of what the key is: a copy begins without it, and any two are equal.
#[derive(Default)]
pub(crate) struct Prepared([OnceLock<Option<ParsedPublicKey>>; RSA_ALGORITHMS.len()]);

/// The algorithms of RFC 7518 §3.3 and §3.5, and the shortest modulus that each is verified with, in bits.
static RSA_ALGORITHMS: [(&str, usize, &RsaParameters); 6] = [
    ("RS256", *MODULUS_BITS.start(), &RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
    ("RS384", 2048, &RSA_PKCS1_2048_8192_SHA384),
    ("RS512", *MODULUS_BITS.start(), &RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
    ("PS256", 2048, &RSA_PSS_2048_8192_SHA256),
    ("PS384", 2048, &RSA_PSS_2048_8192_SHA384),
    ("PS512", 2048, &RSA_PSS_2048_8192_SHA512),
];

impl Prepared {
    fn rsa(&self, alg: &str, modulus_bits: usize, n: &[u8], e: &[u8]) -> Option<&ParsedPublicKey> {
        let number = RSA_ALGORITHMS.iter().position(|(name, shortest, _)| {
            *name == alg && modulus_bits >= *shortest && MODULUS_BITS.contains(&modulus_bits)
        })?;
        let parameters = RSA_ALGORITHMS[number].2;
        let prepare = || RsaPublicKeyComponents { n, e }.to_parsed_public_key(parameters).ok();
        self.0[number].get_or_init(prepare).as_ref()
    }
}

impl Clone for Prepared {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl PartialEq for Prepared {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Prepared {}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prepared")
    }
}

/// Why nothing should ever be verified with a key, or nothing here can be.
pub(super) fn objection(kind: &KeyKind, material: &Material) -> Option<String> {
    match (kind, material) {
        (KeyKind::Rsa { modulus_bits }, Material::Rsa { n, e }) => {
            let exponent = e.as_slice();
            let exponent_bits =
                exponent.first().map_or(0, |first| exponent.len() * 8 - first.leading_zeros() as usize);
            let is_odd = |bytes: &[u8]| bytes.last().is_some_and(|last| last % 2 == 1);
            if *modulus_bits > MAX_MODULUS_BITS {
                Some(format!("an RSA key of {modulus_bits} bits, more than {MAX_MODULUS_BITS}"))
            } else if !is_odd(n) {
                Some("an RSA key whose modulus is even".to_owned())
            } else if !is_odd(exponent) || exponent_bits < 2 {
                Some("an RSA key whose exponent is even or below 3".to_owned())
            } else if exponent_bits > MAX_EXPONENT_BITS {
                Some(format!(
                    "an RSA key whose exponent has {exponent_bits} bits, more than {MAX_EXPONENT_BITS}"
                ))
            } else if !MODULUS_BITS.contains(modulus_bits) {
                Some(format!(
                    "an RSA key of {modulus_bits} bits, but signatures are verified with {} to {}",
                    MODULUS_BITS.start(),
                    MODULUS_BITS.end()
                ))
            } else {
                None
            }
        }
        (KeyKind::Ec { curve }, Material::Ec { x, y }) => {
            let algorithm: &'static dyn VerificationAlgorithm = match curve.as_str() {
                "P-256" => &ECDSA_P256_SHA256_FIXED,
                "P-384" => &ECDSA_P384_SHA384_FIXED,
                "P-521" => &ECDSA_P521_SHA512_FIXED,
                "secp256k1" => &ECDSA_P256K1_SHA256_FIXED,
                _ => return Some(format!("its curve {} is unknown", quoted(curve))),
            };
            if let Some(length) =
                coordinate_len(curve).filter(|length| (x.len(), y.len()) != (*length, *length))
            {
                let found = format!("{} and {}", x.len(), y.len());
                return Some(format!(
                    "expected coordinates of {length} bytes (RFC 7518 §6.2.1.2), found {found}"
                ));
            }
            let parsed = ParsedPublicKey::new(algorithm, point(x, y));
            parsed.is_err().then(|| format!("it is no point on the curve {curve}"))
        }
        (KeyKind::Okp { curve }, Material::Okp { x }) => match curve.as_str() {
            "Ed25519" => {
                let parsed = ParsedPublicKey::new(&ED25519, x);
                parsed.is_err().then(|| "it is no point on the curve Ed25519".to_owned())
            }
            "Ed448" => Some("an Ed448 key, and no library here verifies Ed448".to_owned()),
            _ => None,
        },
        _ => None,
    }
}

/// An unsigned number without its leading zeros.
pub(super) fn significant(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.iter().take_while(|&&byte| byte == 0).count()..]
}

/// A point in its uncompressed form (SEC 1 §2.3.3).
fn point(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}

fn decoded(signature: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(signature.as_bytes()).ok()
}

fn ecdsa(
    algorithm: &'static dyn VerificationAlgorithm,
    point: &[u8],
    signing_input: &[u8],
    signature: &str,
) -> bool {
    let key = UnparsedPublicKey::new(algorithm, point);
    decoded(signature).is_some_and(|bytes| key.verify(signing_input, &bytes).is_ok())
}
