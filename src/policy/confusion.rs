//! The key-confusion attack (RFC 8725 §2.1): a public key's text taken for an HMAC secret. A verifier that lets the token
//! choose the algorithm accepts what anybody who has the public key can sign.

use jsonwebtoken::DecodingKey;
use pkcs1::RsaPublicKeyRef;
use x509_cert::der::asn1::{AnyRef, BitStringRef, ObjectIdentifier, UintRef};
use x509_cert::der::pem::LineEnding;
use x509_cert::der::{Encode, pem};
use x509_cert::spki::{AlgorithmIdentifier, SubjectPublicKeyInfo};

use super::key::{Key, KeyKind, Material};
use super::object_ids;

impl Key {
    /// Whether an HMAC signature was made with the text of this public key as the secret, in one of the forms in which
    /// such texts lie about: that of the file that the policy names, PEM (RFC 7468) with and without the last line end, PKCS #1,
    /// DER.
    #[must_use]
    pub fn is_taken_for_a_secret(&self, alg: &str, signing_input: &[u8], signature: &str) -> bool {
        let (true, Ok(algorithm)) = (alg.starts_with("HS"), alg.parse()) else { return false };
        let verifies = |secret: &[u8]| {
            let key = DecodingKey::from_secret(secret);
            jsonwebtoken::crypto::verify(signature, signing_input, &key, algorithm).unwrap_or(false)
        };
        let line_ends = [&b""[..], b"\n", b"\r\n"];
        !self.pem.is_empty() && line_ends.iter().any(|end| verifies(&[&self.pem, *end].concat()))
            || self.texts().unwrap_or_default().iter().any(|text| verifies(text))
    }

    /// The forms of a public key; none of a secret, and of keys that have no such text.
    fn texts(&self) -> Option<Vec<Vec<u8>>> {
        let mut texts = Vec::new();
        let mut add = |label: &str, der: &[u8]| {
            let text = pem::encode_string(label, LineEnding::LF, der).ok()?;
            texts.push(text.trim_end().as_bytes().to_vec());
            texts.push(text.into_bytes());
            texts.push(der.to_vec());
            Some(())
        };
        match (&self.kind, &self.material) {
            (KeyKind::Rsa { .. }, Material::Rsa { n, e }) => {
                let key = RsaPublicKeyRef {
                    modulus: UintRef::new(n).ok()?,
                    public_exponent: UintRef::new(e).ok()?,
                };
                let der = key.to_der().ok()?;
                add("RSA PUBLIC KEY", &der)?;
                add("PUBLIC KEY", &public_key_info(object_ids::RSA, Some(AnyRef::NULL), &der)?)?;
            }
            (KeyKind::Ec { curve }, Material::Ec { x, y }) => {
                let (_, curve) = object_ids::CURVES.iter().find(|(name, _)| name == curve)?;
                let curve = ObjectIdentifier::new(curve).ok()?;
                let point = [&[4], x.as_slice(), y].concat();
                add("PUBLIC KEY", &public_key_info(object_ids::EC, Some(AnyRef::from(&curve)), &point)?)?;
            }
            (KeyKind::Okp { curve }, Material::Okp { x }) if curve == "Ed25519" => {
                add("PUBLIC KEY", &public_key_info(object_ids::ED25519, None, x)?)?;
            }
            _ => return None,
        }
        Some(texts)
    }
}

/// The DER of a SubjectPublicKeyInfo (RFC 5280 §4.1).
fn public_key_info(algorithm: &str, parameters: Option<AnyRef<'_>>, bits: &[u8]) -> Option<Vec<u8>> {
    let algorithm = AlgorithmIdentifier { oid: ObjectIdentifier::new(algorithm).ok()?, parameters };
    let subject_public_key = BitStringRef::from_bytes(bits).ok()?;
    SubjectPublicKeyInfo { algorithm, subject_public_key }.to_der().ok()
}
