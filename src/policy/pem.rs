//! PEM files (RFC 7468) → keys: public keys (RFC 5280 §4.1, RFC 8017 appendix A.1.1) and certificates. What is read is
//! written as a JWK and goes the way of all keys, so that it is judged by the same rules.

use data_encoding::BASE64URL_NOPAD;
use pkcs1::RsaPublicKeyRef;
use serde_json::{Map, Value, json};
use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode, pem};
use x509_cert::spki::SubjectPublicKeyInfoRef;

use super::jwks;
use super::key::{Key, coordinate_len};
use super::object_ids;
use super::problem::Warning;
use crate::timestamp::Timestamp;

const EXPECTED: &str = "expected a public key or a certificate in PEM";

/// The key of a PEM file; warnings name `file`. Behind the first block nothing is read: a chain begins with the
/// certificate whose key signs.
///
/// # Errors
///
/// What was expected and what was found. The text tells nothing of what the file holds.
pub(super) fn parse(
    bytes: &[u8],
    kid: Option<String>,
    file: &str,
    warnings: &mut Vec<Warning>,
) -> Result<Key, String> {
    let block = first_block(bytes).ok_or_else(|| format!("{EXPECTED}, found no PEM block"))?;
    let (label, der) = pem::decode_vec(block).map_err(|_| format!("{EXPECTED}, found a broken PEM block"))?;
    let mut expires = None;
    let members = match label {
        "PUBLIC KEY" => SubjectPublicKeyInfoRef::from_der(&der).ok().and_then(|info| members(&info)),
        "RSA PUBLIC KEY" => rsa(&der),
        "CERTIFICATE" => Certificate::from_der(&der).ok().and_then(|certificate| {
            let certificate = certificate.tbs_certificate();
            let until = certificate.validity().not_after.to_unix_duration().as_secs();
            expires = i64::try_from(until).ok().map(Timestamp::from_seconds);
            let info = certificate.subject_public_key_info();
            let bits = info.subject_public_key.as_bytes()?;
            key(
                &info.algorithm.oid,
                info.algorithm.parameters.as_ref().and_then(|any| any.decode_as().ok()),
                bits,
            )
        }),
        private if private.ends_with("PRIVATE KEY") => {
            return Err(format!(
                "{EXPECTED}, found a private key: name its public key instead, and keep this file to who signs"
            ));
        }
        _ => return Err(format!("{EXPECTED}, found a PEM block of another kind")),
    };
    let mut members = members.ok_or_else(|| {
        format!("{EXPECTED} of an RSA key, an Ed25519 key or one on P-256, P-384, P-521 or secp256k1, found another")
    })?;
    if let Some(kid) = kid {
        members.insert("kid".to_owned(), kid.into());
    }
    let others = memchr::memmem::find_iter(bytes, b"-----BEGIN ").count() - 1;
    if others > 0 && label != "CERTIFICATE" {
        warnings.push(Warning::new(
            file,
            format!(
                "{others} more PEM blocks behind the first are not read; name each key in a file of its own"
            ),
        ));
    }
    Ok(Key { certificate_until: expires, pem: block.to_vec(), ..jwks::key(&members, file, warnings) })
}

/// The text from the first `-----BEGIN` to the end of its block.
fn first_block(bytes: &[u8]) -> Option<&[u8]> {
    let begin = memchr::memmem::find(bytes, b"-----BEGIN ")?;
    let end = begin + memchr::memmem::find(&bytes[begin..], b"-----END ")?;
    let line_end = memchr::memchr(b'\n', &bytes[end..]).map_or(bytes.len(), |at| end + at);
    Some(bytes[begin..line_end].trim_ascii_end())
}

fn members(info: &SubjectPublicKeyInfoRef<'_>) -> Option<Map<String, Value>> {
    let curve = info.algorithm.parameters.and_then(|any| any.decode_as().ok());
    key(&info.algorithm.oid, curve, info.subject_public_key.as_bytes()?)
}

/// The JWK members of a key, by the algorithm's object identifier and its curve.
fn key(
    algorithm: &ObjectIdentifier,
    curve: Option<ObjectIdentifier>,
    bits: &[u8],
) -> Option<Map<String, Value>> {
    match algorithm.to_string().as_str() {
        object_ids::RSA | object_ids::RSA_PSS => rsa(bits),
        object_ids::EC => {
            let curve = curve?.to_string();
            let (name, _) = object_ids::CURVES.iter().find(|(_, id)| *id == curve)?;
            let length = coordinate_len(name)?;
            // SEC 1 §2.3.4; a compressed point would have to be solved for y, and is rare.
            let (x, y) = bits.strip_prefix(&[4]).filter(|point| point.len() == 2 * length)?.split_at(length);
            Some(object(json!({"kty": "EC", "crv": name, "x": text(x), "y": text(y)})))
        }
        object_ids::ED25519 => Some(object(json!({"kty": "OKP", "crv": "Ed25519", "x": text(bits)}))),
        object_ids::ED448 => Some(object(json!({"kty": "OKP", "crv": "Ed448", "x": text(bits)}))),
        _ => None,
    }
}

fn rsa(der: &[u8]) -> Option<Map<String, Value>> {
    // A negative number is no `UintRef`.
    let key = RsaPublicKeyRef::from_der(der).ok()?;
    Some(object(json!({
        "kty": "RSA",
        "n": text(key.modulus.as_bytes()),
        "e": text(key.public_exponent.as_bytes()),
    })))
}

fn text(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(members) = value { members } else { Map::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{KeyKind, Policy};
    use std::path::Path;

    const RSA: &str = "\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAyoUZYDOQaIlkG7SG4hLc
vIiydr8OqOTw6YJ/0ZckXa/lhtMD+BquRHvyLR4ZCibsUo4oVoT7u2/s3Ck/zrkS
lYYLY23Tw+oDcn9Z+abw2hKrS81+7Z4YJcIggCkDkzGCujxGOfpss0o54OMzcnM4
TRzugTz+z6SyN2G7GOyJ5KSH3dOY2brJ04C1n/HkOs57LIJePMr8/xoF4b3UU+kB
1nauSnrr06yWivDUvQj6TWz37pWVJIhPQoR7bSVusy+b5VwRbO14I5apBkq3Ieyn
nBMHGP3nPiZxnY/VGAhMkabLkl4eM/AaapcNTw2qX+kXyYLtIGlwQF/P0fCtGhth
RwIDAQAB
-----END PUBLIC KEY-----
";

    const RSA_PKCS1: &str = "\
-----BEGIN RSA PUBLIC KEY-----
MIIBCgKCAQEAyoUZYDOQaIlkG7SG4hLcvIiydr8OqOTw6YJ/0ZckXa/lhtMD+Bqu
RHvyLR4ZCibsUo4oVoT7u2/s3Ck/zrkSlYYLY23Tw+oDcn9Z+abw2hKrS81+7Z4Y
JcIggCkDkzGCujxGOfpss0o54OMzcnM4TRzugTz+z6SyN2G7GOyJ5KSH3dOY2brJ
04C1n/HkOs57LIJePMr8/xoF4b3UU+kB1nauSnrr06yWivDUvQj6TWz37pWVJIhP
QoR7bSVusy+b5VwRbO14I5apBkq3IeynnBMHGP3nPiZxnY/VGAhMkabLkl4eM/Aa
apcNTw2qX+kXyYLtIGlwQF/P0fCtGhthRwIDAQAB
-----END RSA PUBLIC KEY-----
";

    const EC: &str = "\
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEwj0yhqldWQx7khhazEgXYvzi4SKk
QHOS0Yg2vSc65JzcN+z1ADOBi6WcZ0u0VcHYcculDgvvWZB/IaBGeLxjjw==
-----END PUBLIC KEY-----
";

    const EC_COMPRESSED: &str = "\
-----BEGIN PUBLIC KEY-----
MDkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDIgADwj0yhqldWQx7khhazEgXYvzi4SKk
QHOS0Yg2vSc65Jw=
-----END PUBLIC KEY-----
";

    const ED25519: &str = "\
-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAzTraY7VEAq++iEg5Z5m0JvkHgEZVP5jUyZzDfhxa70w=
-----END PUBLIC KEY-----
";

    /// Of the same key as `EC`.
    const CERTIFICATE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBbTCCAROgAwIBAgIUKz0B1BDxnCuoKYU9vV4Bb8o5mx8wCgYIKoZIzj0EAwIw
DDEKMAgGA1UEAwwBeDAeFw0yNjExMjIwOTQyMjhaFw0yNjExMjMwOTQyMjhaMAwx
CjAIBgNVBAMMAXgwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATCPTKGqV1ZDHuS
GFrMSBdi/OLhIqRAc5LRiDa9JzrknNw37PUAM4GLpZxnS7RVwdhxy6UOC+9ZkH8h
oEZ4vGOPo1MwUTAdBgNVHQ4EFgQUzsml+oqZzf3+D3qKNB3Z7JIPtoUwHwYDVR0j
BBgwFoAUzsml+oqZzf3+D3qKNB3Z7JIPtoUwDwYDVR0TAQH/BAUwAwEB/zAKBggq
hkjOPQQDAgNIADBFAiBbeeascpAgx7yoiQ09RSAook08AoTJdXBtiXnf6iN/bAIh
AMRfErrhhmxfaqr9TYtXsx2S5aeGGFeppbCS3vQ2Ln44
-----END CERTIFICATE-----
";

    fn read(text: &str) -> Result<Key, String> {
        parse(text.as_bytes(), Some("k".to_owned()), "key.pem", &mut Vec::new())
    }

    #[test]
    fn a_public_key_is_read_in_each_of_its_forms() {
        for (text, kind) in [
            (RSA, KeyKind::Rsa { modulus_bits: 2048 }),
            (RSA_PKCS1, KeyKind::Rsa { modulus_bits: 2048 }),
            (EC, KeyKind::Ec { curve: "P-256".to_owned() }),
            (ED25519, KeyKind::Okp { curve: "Ed25519".to_owned() }),
        ] {
            let key = read(text).unwrap();
            assert_eq!((&key.kind, key.kid.as_deref(), key.certificate_until), (&kind, Some("k"), None));
            assert_eq!(read(&text.replace('\n', "\r\n")).unwrap().material, key.material);
        }
        assert_eq!(read(RSA).unwrap().material, read(RSA_PKCS1).unwrap().material);
    }

    #[test]
    fn a_certificate_gives_its_key_and_its_end() {
        let text = format!("subject=CN = x\n{CERTIFICATE}{RSA}");
        let key = read(&text).unwrap();
        assert_eq!(key.material, read(EC).unwrap().material);
        assert_eq!(key.certificate_until.unwrap().to_string(), "2026-11-23T09:42:28Z");
    }

    #[test]
    fn a_certificate_that_has_ended_is_a_warning() {
        let text = "[[issuer]]\niss = \"https://a.example/\"\n[[issuer.keys]]\npem = \"c.pem\"\n";
        let read = |_: &Path| Ok(CERTIFICATE.as_bytes().to_vec());
        let mut policy = Policy::from_toml(text, Path::new("policy.toml"), &read).unwrap();
        for (now, told) in
            [("2026-11-23T09:42:28Z", 0), ("2026-11-23T09:42:29Z", 1), ("2027-01-01T00:00:00Z", 1)]
        {
            policy.warn_of_certificates(now.parse().unwrap());
            let ended =
                policy.warnings().iter().filter(|warning| warning.message.contains("certificate ended"));
            assert_eq!(ended.count(), told, "{now}");
        }
    }

    #[test]
    fn of_several_public_keys_the_first_is_read_and_the_others_are_told() {
        let mut warnings = Vec::new();
        let key = parse(format!("{EC}{RSA}").as_bytes(), None, "key.pem", &mut warnings).unwrap();
        assert_eq!(key.material, read(EC).unwrap().material);
        // What stands behind it may be a private key: nothing of it is kept.
        assert_eq!(key.pem, EC.trim_end().as_bytes());
        assert!(warnings[0].message.starts_with("1 more PEM blocks"), "{warnings:?}");
    }

    #[test]
    fn what_is_no_public_key_is_refused() {
        for (text, found) in [
            ("", "found no PEM block"),
            ("-----BEGIN PUBLIC KEY-----", "found no PEM block"),
            ("-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----", "found a broken PEM block"),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "found a private key"),
            ("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----", "found a PEM block of another kind"),
            ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "found another"),
            (EC_COMPRESSED, "found another"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.starts_with(EXPECTED) && error.contains(found), "{found}: {error}");
        }
    }
}
