//! What a signature algorithm's name says about its signatures (RFC 7518 §3, RFC 8037 §3.1, RFC 8812 §3.2).

/// The lengths in bytes that a signature may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureLengths {
    /// One of these, ascending.
    OneOf(&'static [usize]),
    /// The algorithm is not known.
    Any,
}

impl SignatureLengths {
    /// The lengths under `alg`. RSA signatures are as long as the modulus: 1024, 2048, 3072 or 4096 bits where the
    /// key is not known.
    #[must_use]
    pub fn of(alg: &str) -> Self {
        Self::OneOf(match alg {
            "HS256" => &[32],
            "HS384" => &[48],
            "HS512" => &[64],
            "ES256" | "ES256K" | "Ed25519" => &[64],
            "ES384" => &[96],
            "ES512" => &[132],
            "Ed448" => &[114],
            "EdDSA" => &[64, 114],
            "RS256" | "RS384" | "RS512" | "PS256" | "PS384" | "PS512" => &[128, 256, 384, 512],
            _ => return Self::Any,
        })
    }

    /// Whether a signature may be this long.
    #[must_use]
    pub fn allow(self, bytes: usize) -> bool {
        match self {
            Self::OneOf(lengths) => lengths.contains(&bytes),
            Self::Any => true,
        }
    }
}

/// Whether `alg` names a signature algorithm that is known here.
#[must_use]
pub fn is_signature_algorithm(alg: &str) -> bool {
    SignatureLengths::of(alg) != SignatureLengths::Any
}
