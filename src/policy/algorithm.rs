//! The signature algorithms that JOSE registers (RFC 7518 §3.1, RFC 8037, RFC 8812, RFC 9864) and the keys that they
//! work with. Names are compared exactly: `rs256` is no algorithm.

/// A registered signature algorithm.
#[derive(Debug, PartialEq, Eq)]
pub struct Algorithm {
    /// The value of `alg`.
    pub name: &'static str,
    /// The `kty` of a key that it works with.
    pub kty: &'static str,
    /// The `crv` values that it works with; empty for a `kty` without curves.
    pub curves: &'static [&'static str],
    /// For an HMAC: the bytes of its hash, which its secret must not fall short of (RFC 7518 §3.2).
    pub hmac_len: Option<usize>,
}

const fn of(name: &'static str, kty: &'static str, curves: &'static [&'static str]) -> Algorithm {
    Algorithm { name, kty, curves, hmac_len: None }
}

const fn hmac(name: &'static str, hash_len: usize) -> Algorithm {
    Algorithm { name, kty: "oct", curves: &[], hmac_len: Some(hash_len) }
}

/// Every algorithm that a policy may allow; `none` is not among them.
pub const KNOWN: [Algorithm; 16] = [
    hmac("HS256", 32),
    hmac("HS384", 48),
    hmac("HS512", 64),
    of("RS256", "RSA", &[]),
    of("RS384", "RSA", &[]),
    of("RS512", "RSA", &[]),
    of("PS256", "RSA", &[]),
    of("PS384", "RSA", &[]),
    of("PS512", "RSA", &[]),
    of("ES256", "EC", &["P-256"]),
    of("ES384", "EC", &["P-384"]),
    of("ES512", "EC", &["P-521"]),
    of("ES256K", "EC", &["secp256k1"]),
    of("EdDSA", "OKP", &["Ed25519", "Ed448"]),
    of("Ed25519", "OKP", &["Ed25519"]),
    of("Ed448", "OKP", &["Ed448"]),
];

/// The algorithm of that exact name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Algorithm> {
    KNOWN.iter().find(|algorithm| algorithm.name == name)
}

/// Whether `name` is `none`, in any letter case.
#[must_use]
pub fn is_none(name: &str) -> bool {
    name.eq_ignore_ascii_case("none")
}
