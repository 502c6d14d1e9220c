//! One key: what it is, which algorithms it fits, and the material that verifies a signature.

use super::algorithm;
use super::verifier::Prepared;
use crate::timestamp::Timestamp;
use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A key from a JWKS document, a PEM file or a secret file. Its `Debug` shows no secret; private members are never kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The name that a token's header gives it.
    pub kid: Option<String>,
    /// What it is.
    pub kind: KeyKind,
    /// The one algorithm that it is for (JWK member `alg`).
    pub alg: Option<String>,
    /// What it is for (JWK member `use`).
    pub usage: Option<Usage>,
    /// The operations that it is for (JWK member `key_ops`).
    pub key_ops: Option<Vec<String>>,
    /// What verifies with it.
    pub material: Material,
    /// When the certificate ends that it was read from.
    pub certificate_until: Option<Timestamp>,
    /// The PEM block that it was read from, without a line end; empty for any other.
    pub(crate) pem: Vec<u8>,
    /// What has been made ready for verifying.
    pub(crate) prepared: Prepared,
}

/// The type of a key, with what decides about algorithms and lengths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// An RSA key.
    Rsa {
        /// Bits of the modulus, leading zeros not counted.
        modulus_bits: usize,
    },
    /// An elliptic-curve key.
    Ec {
        /// `P-256`, `P-384`, `P-521`, `secp256k1`, or what the document says.
        curve: String,
    },
    /// An octet key pair.
    Okp {
        /// `Ed25519`, `Ed448`, or what the document says.
        curve: String,
    },
    /// A secret.
    Oct {
        /// Bits of the secret.
        bits: usize,
    },
    /// A key of a known `kty` (empty: of none) whose members cannot be read. It is kept because its `kid` was published.
    Unreadable {
        /// The value of `kty`.
        kty: String,
    },
    /// A key of a type that no algorithm of ours works with.
    Other(
        /// The value of `kty`.
        String,
    ),
}

/// What a key is meant for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Usage {
    /// `sig`
    Sig,
    /// `enc`
    Enc,
    /// Any other value.
    Other(String),
}

/// Why a key cannot be used with an algorithm; `Display` is the contract's `detail` of `alg_key_mismatch`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mismatch {
    /// The type or curve of the key is not the algorithm's.
    Kty,
    /// The key is for another algorithm.
    Alg,
    /// The key is not for signatures.
    Use,
}

/// What a signature is verified with: the decoded members of a JWK, big-endian. `verifier.rs` reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Material {
    /// An RSA public key.
    Rsa {
        /// The modulus.
        n: Vec<u8>,
        /// The public exponent.
        e: Vec<u8>,
    },
    /// A point on the curve of the key's kind.
    Ec {
        /// The x coordinate.
        x: Vec<u8>,
        /// The y coordinate.
        y: Vec<u8>,
    },
    /// A public key on the curve of the key's kind.
    Okp {
        /// The public key.
        x: Vec<u8>,
    },
    /// An HMAC secret, maybe empty.
    Secret(SecretBytes),
    /// Nothing verifies with this key: unreadable, refused, or of an unknown type.
    Unusable,
}

/// The bytes of a secret, overwritten when it is dropped. `Debug` shows only how many; there is no `Display`.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The secret itself, for a verifier only.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes({} bytes masked)", self.0.len())
    }
}

impl Key {
    /// A key of which nothing else is said.
    pub(crate) fn new(kid: Option<String>, kind: KeyKind, material: Material) -> Self {
        Self {
            kid,
            kind,
            alg: None,
            usage: None,
            key_ops: None,
            material,
            certificate_until: None,
            pem: Vec::new(),
            prepared: Prepared::default(),
        }
    }

    /// A key made of a secret. An empty one verifies too, as it does for whoever has configured it.
    pub(super) fn of_secret(kid: Option<String>, secret: Vec<u8>) -> Self {
        let kind = KeyKind::Oct { bits: secret.len() * 8 };
        Self::new(kid, kind, Material::Secret(SecretBytes::new(secret)))
    }

    /// The bytes of a signature made with this key; `None` where the algorithm decides (HMAC) or the key does not say.
    #[must_use]
    pub fn signature_len(&self) -> Option<usize> {
        match &self.kind {
            KeyKind::Rsa { modulus_bits } => Some(modulus_bits.div_ceil(8)),
            KeyKind::Ec { curve } => coordinate_len(curve).map(|len| len * 2),
            KeyKind::Okp { curve } => match curve.as_str() {
                "Ed25519" => Some(64),
                "Ed448" => Some(114),
                _ => None,
            },
            KeyKind::Oct { .. } | KeyKind::Unreadable { .. } | KeyKind::Other(_) => None,
        }
    }

    /// Whether a signature by `alg` can be judged with this key. What the key leaves open, and an algorithm that
    /// nobody registered, is not held against it.
    ///
    /// # Errors
    ///
    /// The first reason why not.
    pub fn fits(&self, alg: &str) -> Result<(), Mismatch> {
        if !self.kind_fits(alg) {
            return Err(Mismatch::Kty);
        }
        if self.alg.as_deref().is_some_and(|own| !self.same_algorithm(own, alg)) {
            return Err(Mismatch::Alg);
        }
        let not_for_signatures = !matches!(self.usage, None | Some(Usage::Sig));
        let never_verifies =
            self.key_ops.as_ref().is_some_and(|ops| !ops.iter().any(|operation| operation == "verify"));
        if not_for_signatures || never_verifies { Err(Mismatch::Use) } else { Ok(()) }
    }

    fn kind_fits(&self, alg: &str) -> bool {
        let Some(algorithm) = algorithm::find(alg) else { return true };
        match &self.kind {
            KeyKind::Rsa { .. } => algorithm.kty == "RSA",
            KeyKind::Ec { curve } => algorithm.kty == "EC" && algorithm.curves.contains(&curve.as_str()),
            KeyKind::Okp { curve } => algorithm.kty == "OKP" && algorithm.curves.contains(&curve.as_str()),
            KeyKind::Oct { .. } => algorithm.kty == "oct",
            KeyKind::Unreadable { kty } => kty.is_empty() || algorithm.kty == kty,
            KeyKind::Other(_) => false,
        }
    }

    /// `EdDSA` and the name of the key's own curve are one algorithm under two names (RFC 9864 §4.1).
    fn same_algorithm(&self, own: &str, alg: &str) -> bool {
        let generic = |name| match &self.kind {
            KeyKind::Okp { curve } if name == curve => "EdDSA",
            _ => name,
        };
        generic(own) == generic(alg)
    }
}

/// The bytes of a coordinate on a curve (RFC 7518 §6.2.1.2).
pub(super) fn coordinate_len(curve: &str) -> Option<usize> {
    match curve {
        "P-256" | "secp256k1" => Some(32),
        "P-384" => Some(48),
        "P-521" => Some(66),
        _ => None,
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kty => "kty",
            Self::Alg => "alg",
            Self::Use => "use",
        })
    }
}

/// `RSA 2048`, `EC P-256`, `oct 256`, …
impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use super::problem::shown;
        match self {
            Self::Rsa { modulus_bits } => write!(f, "RSA {modulus_bits}"),
            Self::Ec { curve } => write!(f, "EC {}", shown(curve)),
            Self::Okp { curve } => write!(f, "OKP {}", shown(curve)),
            Self::Oct { bits } => write!(f, "oct {bits}"),
            Self::Unreadable { kty } if kty.is_empty() => f.write_str("unreadable"),
            Self::Unreadable { kty } => write!(f, "{kty} unreadable"),
            Self::Other(kty) => write!(f, "unknown type {}", shown(kty)),
        }
    }
}

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sig => f.write_str("sig"),
            Self::Enc => f.write_str("enc"),
            Self::Other(value) => f.write_str(&super::problem::shown(value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(kind: KeyKind) -> Key {
        Key::new(None, kind, Material::Unusable)
    }

    fn rsa() -> Key {
        key(KeyKind::Rsa { modulus_bits: 2048 })
    }

    fn ec(curve: &str) -> Key {
        key(KeyKind::Ec { curve: curve.to_owned() })
    }

    fn okp(curve: &str) -> Key {
        key(KeyKind::Okp { curve: curve.to_owned() })
    }

    #[test]
    fn each_algorithm_fits_its_own_type_and_curve_and_no_other() {
        let keys = [
            ("RSA", rsa()),
            ("P-256", ec("P-256")),
            ("P-384", ec("P-384")),
            ("P-521", ec("P-521")),
            ("secp256k1", ec("secp256k1")),
            ("Ed25519", okp("Ed25519")),
            ("Ed448", okp("Ed448")),
            ("X25519", okp("X25519")),
            ("oct", key(KeyKind::Oct { bits: 256 })),
            ("other", key(KeyKind::Other("LMS".to_owned()))),
        ];
        for (algs, fitting) in [
            (&["HS256", "HS384", "HS512"][..], &["oct"][..]),
            (&["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"], &["RSA"]),
            (&["ES256"], &["P-256"]),
            (&["ES384"], &["P-384"]),
            (&["ES512"], &["P-521"]),
            (&["ES256K"], &["secp256k1"]),
            (&["EdDSA"], &["Ed25519", "Ed448"]),
            (&["Ed25519"], &["Ed25519"]),
            (&["Ed448"], &["Ed448"]),
        ] {
            for alg in algs {
                for (name, key) in &keys {
                    let expected = if fitting.contains(name) { Ok(()) } else { Err(Mismatch::Kty) };
                    assert_eq!(key.fits(alg), expected, "{alg} with {name}");
                }
            }
        }
    }

    #[test]
    fn the_alg_member_binds_a_key_to_one_algorithm() {
        let key = Key { alg: Some("RS256".to_owned()), ..rsa() };
        assert_eq!(key.fits("RS256"), Ok(()));
        assert_eq!(key.fits("PS256"), Err(Mismatch::Alg));
        assert_eq!(key.fits("HS256"), Err(Mismatch::Kty), "the type is judged before the member");
    }

    #[test]
    fn eddsa_and_the_curve_s_own_name_are_one_algorithm() {
        let key = |alg: &str| Key { alg: Some(alg.to_owned()), ..okp("Ed25519") };
        assert_eq!(key("EdDSA").fits("Ed25519"), Ok(()));
        assert_eq!(key("Ed25519").fits("EdDSA"), Ok(()));
        assert_eq!(key("Ed448").fits("EdDSA"), Err(Mismatch::Alg));
    }

    #[test]
    fn a_key_that_is_not_for_verifying_fits_nothing() {
        let with_use = |usage| Key { usage: Some(usage), ..rsa() };
        assert_eq!(with_use(Usage::Sig).fits("RS256"), Ok(()));
        assert_eq!(with_use(Usage::Enc).fits("RS256"), Err(Mismatch::Use));
        assert_eq!(with_use(Usage::Other("tls".to_owned())).fits("RS256"), Err(Mismatch::Use));
        let with_ops =
            |ops: &[&str]| Key { key_ops: Some(ops.iter().map(ToString::to_string).collect()), ..rsa() };
        assert_eq!(with_ops(&["sign", "verify"]).fits("RS256"), Ok(()));
        assert_eq!(with_ops(&["sign"]).fits("RS256"), Err(Mismatch::Use));
        assert_eq!(with_ops(&[]).fits("RS256"), Err(Mismatch::Use));
    }

    #[test]
    fn what_is_unknown_is_not_held_against_a_key() {
        assert_eq!(rsa().fits("XY999"), Ok(()), "an algorithm that nobody registered cannot be judged");
        let unreadable = |kty: &str| key(KeyKind::Unreadable { kty: kty.to_owned() });
        assert_eq!(unreadable("RSA").fits("PS384"), Ok(()));
        assert_eq!(unreadable("RSA").fits("ES256"), Err(Mismatch::Kty));
        assert_eq!(unreadable("").fits("ES256"), Ok(()));
    }

    #[test]
    fn the_length_of_a_signature_follows_from_the_key() {
        assert_eq!(key(KeyKind::Rsa { modulus_bits: 2047 }).signature_len(), Some(256));
        assert_eq!(key(KeyKind::Rsa { modulus_bits: 3072 }).signature_len(), Some(384));
        assert_eq!(ec("P-521").signature_len(), Some(132));
        assert_eq!(ec("secp256k1").signature_len(), Some(64));
        assert_eq!(okp("Ed448").signature_len(), Some(114));
        assert_eq!(key(KeyKind::Oct { bits: 256 }).signature_len(), None);
    }
}
