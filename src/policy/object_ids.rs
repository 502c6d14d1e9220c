//! The object identifiers of public keys, as PEM files and certificates name them (RFC 3279 §2.3, RFC 5480 §2.1.1,
//! RFC 8410 §3).

pub(super) const RSA: &str = "1.2.840.113549.1.1.1";
pub(super) const RSA_PSS: &str = "1.2.840.113549.1.1.10";
pub(super) const EC: &str = "1.2.840.10045.2.1";
pub(super) const ED25519: &str = "1.3.101.112";
pub(super) const ED448: &str = "1.3.101.113";

/// The curves of keys under [`EC`], as JWKs name them and by their identifiers.
pub(super) const CURVES: [(&str, &str); 4] = [
    ("P-256", "1.2.840.10045.3.1.7"),
    ("P-384", "1.3.132.0.34"),
    ("P-521", "1.3.132.0.35"),
    ("secp256k1", "1.3.132.0.10"),
];
