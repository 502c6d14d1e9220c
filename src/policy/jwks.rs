//! JWKS documents (RFC 7517 §5) → keys. Strict about being such a document at all, lenient about each key in it: a key
//! that cannot be read or has an unknown type stays in the set, because its `kid` was published, and costs a warning.

use super::algorithm;
use super::key::{Key, KeyKind, Material, Usage};
use super::problem::{Warning, quoted};
use super::verifier;
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use zeroize::{Zeroize, Zeroizing};

const EXPECTED: &str = "expected a JWKS document (a JSON object with an array \"keys\")";

/// Reads a JWKS document; warnings name `file`. A single key (an object with `kty`) is taken as a set of one.
///
/// # Errors
///
/// What was expected and what was found when this is no JWKS document.
pub fn parse(document: &[u8], file: &str, warnings: &mut Vec<Warning>) -> Result<Vec<Key>, String> {
    let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
    let mut root = match serde_json::from_slice(document) {
        Ok(Value::Object(root)) => root,
        Ok(other) => return Err(format!("{EXPECTED}, found {}", json_type(&other))),
        Err(_) if document.trim_ascii_start().starts_with(b"-----BEGIN") => {
            return Err(format!("{EXPECTED}, found PEM text"));
        }
        // The text of the JSON error may quote the document, which may hold a secret: only its place is told.
        Err(error) => {
            return Err(format!(
                "{EXPECTED}, found no JSON at line {} column {}",
                error.line(),
                error.column()
            ));
        }
    };
    let mut reader = Reader { file, warnings };
    let entries = match root.remove("keys") {
        Some(Value::Array(entries)) => entries,
        Some(other) => return Err(format!("{EXPECTED}, found \"keys\" as {}", json_type(&other))),
        None if root.contains_key("kty") => {
            reader.warn("a single key, not a JWKS document; taken as a set of one");
            vec![Value::Object(root)]
        }
        None if root.contains_key("jwks_uri") => {
            return Err(format!(
                "{EXPECTED}, found OpenID metadata: save the document at its jwks_uri instead"
            ));
        }
        None => return Err(format!("{EXPECTED}, found an object without \"keys\"")),
    };
    let keys = reader.keys(&entries);
    entries.into_iter().for_each(wipe);
    Ok(keys)
}

/// Overwrites all text in a key: it may be a secret.
fn wipe(value: Value) {
    match value {
        Value::String(mut text) => text.zeroize(),
        Value::Array(values) => values.into_iter().for_each(wipe),
        Value::Object(members) => members.into_iter().for_each(|(_, value)| wipe(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The key that these members of a JWK make (RFC 7517 §4); warnings name `file`.
pub(super) fn key(members: &Map<String, Value>, file: &str, warnings: &mut Vec<Warning>) -> Key {
    Reader { file, warnings }.key(1, members)
}

fn json_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

struct Reader<'a> {
    file: &'a str,
    warnings: &'a mut Vec<Warning>,
}

impl Reader<'_> {
    fn warn(&mut self, message: impl Into<String>) {
        self.warnings.push(Warning::new(self.file, message));
    }

    fn keys(&mut self, entries: &[Value]) -> Vec<Key> {
        let mut keys = Vec::with_capacity(entries.len());
        for (n, entry) in entries.iter().enumerate() {
            match entry {
                Value::Object(members) => keys.push(self.key(n + 1, members)),
                other => self.warn(format!(
                    "key {}: expected an object, found {}; skipped",
                    n + 1,
                    json_type(other)
                )),
            }
        }
        if keys.is_empty() {
            self.warn("it holds no keys");
        }
        let mut seen = BTreeSet::new();
        let mut repeated = BTreeSet::new();
        for kid in keys.iter().filter_map(|key| key.kid.as_deref()) {
            if !seen.insert(kid) && repeated.insert(kid) {
                self.warnings.push(Warning::new(
                    self.file,
                    format!(
                        "the kid {} is there more than once; every key of that name is tried",
                        quoted(kid)
                    ),
                ));
            }
        }
        keys
    }

    fn key(&mut self, n: usize, members: &Map<String, Value>) -> Key {
        let text = |name: &str| members.get(name).and_then(Value::as_str).map(str::to_owned);
        // A token's number is taken as its digits too.
        let kid = match members.get("kid") {
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => text("kid"),
        };
        let name = kid.as_deref().map_or_else(|| format!("key {n}"), |kid| format!("key {}", quoted(kid)));
        for member in ["kid", "alg", "use"] {
            if let Some(other) = members.get(member).filter(|value| !value.is_string()) {
                self.warn(format!(
                    "{name}: expected \"{member}\" to be a string, found {}; {}",
                    json_type(other),
                    if member == "kid" && other.is_number() { "its digits are taken" } else { "ignored" }
                ));
            }
        }
        let key_ops = match members.get("key_ops") {
            None => None,
            Some(Value::Array(ops)) => {
                Some(ops.iter().filter_map(Value::as_str).map(str::to_owned).collect())
            }
            Some(other) => {
                self.warn(format!(
                    "{name}: expected \"key_ops\" to be an array, found {}; ignored",
                    json_type(other)
                ));
                None
            }
        };
        let (kind, material) = self.kind(&name, members);
        let usage = text("use").map(|value| match value.as_str() {
            "sig" => Usage::Sig,
            "enc" => Usage::Enc,
            _ => Usage::Other(value),
        });
        Key { alg: text("alg"), usage, key_ops, ..Key::new(kid, kind, material) }
    }

    fn kind(&mut self, name: &str, members: &Map<String, Value>) -> (KeyKind, Material) {
        let Some(kty) = members.get("kty").and_then(Value::as_str) else {
            self.warn(format!("{name}: it has no \"kty\"; its kid is known, but nothing verifies with it"));
            return (KeyKind::Unreadable { kty: String::new() }, Material::Unusable);
        };
        if ["RSA", "EC", "OKP"].contains(&kty) {
            self.warn_of_private(name, members);
        }
        let curve = members.get("crv").and_then(Value::as_str).map(str::to_owned);
        let read = match kty {
            "RSA" => self.rsa(name, members),
            "EC" => self.ec(name, members, curve),
            "OKP" => self.okp(name, members, curve),
            "oct" => self.oct(name, members),
            _ => {
                self.warn(format!(
                    "{name}: its type {} is unknown; its kid is known, but nothing verifies with it",
                    quoted(kty)
                ));
                return (KeyKind::Other(kty.to_owned()), Material::Unusable);
            }
        };
        let (kind, material) = read.unwrap_or_else(|member| {
            self.warn(format!(
                "{name}: expected \"{member}\" in base64url (\"crv\" as a name) for a key of type {kty}; its kid is known, but nothing verifies with it"
            ));
            (KeyKind::Unreadable { kty: kty.to_owned() }, Material::Unusable)
        });
        match verifier::objection(&kind, &material) {
            None => (kind, material),
            Some(why) => {
                self.warn(format!("{name}: {why}; its kid is known, but nothing verifies with it"));
                (kind, Material::Unusable)
            }
        }
    }

    /// What a public key set should never hold. The values are not kept.
    fn warn_of_private(&mut self, name: &str, members: &Map<String, Value>) {
        let private: Vec<&str> = ["d", "p", "q", "dp", "dq", "qi", "oth"]
            .into_iter()
            .filter(|m| members.contains_key(*m))
            .collect();
        if !private.is_empty() {
            self.warn(format!(
                "{name}: it holds a private key ({}): replace it, whoever reads this file can sign",
                private.join(", ")
            ));
        }
    }

    fn rsa(&mut self, name: &str, members: &Map<String, Value>) -> Result<(KeyKind, Material), &'static str> {
        let n = self.bytes(name, members, "n")?;
        let e = self.bytes(name, members, "e")?;
        let (n, e) = (verifier::significant(&n).to_vec(), verifier::significant(&e).to_vec());
        let first = n.first().ok_or("n")?;
        let modulus_bits = n.len() * 8 - first.leading_zeros() as usize;
        if modulus_bits < 2048 {
            self.warn(format!(
                "{name}: an RSA key of {modulus_bits} bits; RFC 7518 §3.3 demands 2048 or more"
            ));
        }
        Ok((KeyKind::Rsa { modulus_bits }, Material::Rsa { n, e }))
    }

    fn ec(
        &mut self,
        name: &str,
        members: &Map<String, Value>,
        curve: Option<String>,
    ) -> Result<(KeyKind, Material), &'static str> {
        let curve = curve.ok_or("crv")?;
        let x = self.bytes(name, members, "x")?;
        let y = self.bytes(name, members, "y")?;
        Ok((KeyKind::Ec { curve }, Material::Ec { x, y }))
    }

    fn okp(
        &mut self,
        name: &str,
        members: &Map<String, Value>,
        curve: Option<String>,
    ) -> Result<(KeyKind, Material), &'static str> {
        let curve = curve.ok_or("crv")?;
        let x = self.bytes(name, members, "x")?;
        Ok((KeyKind::Okp { curve }, Material::Okp { x }))
    }

    fn oct(&mut self, name: &str, members: &Map<String, Value>) -> Result<(KeyKind, Material), &'static str> {
        let secret = self.bytes(name, members, "k")?;
        self.warn(format!("{name}: it is a symmetric key: whoever reads this file can sign"));
        if secret.is_empty() {
            self.warn(format!("{name}: its secret is empty: anybody can sign"));
        }
        let demanded = members.get("alg").and_then(Value::as_str).and_then(algorithm::find);
        if let Some((alg, len)) = demanded.and_then(|alg| Some((alg.name, alg.hmac_len?)))
            && secret.len() < len
        {
            self.warn(format!(
                "{name}: a secret of {} bytes, but {alg} demands {len} (RFC 7518 §3.2)",
                secret.len()
            ));
        }
        let key = Key::of_secret(None, secret);
        Ok((key.kind, key.material))
    }

    /// A member in base64url. Padding and the standard alphabet are taken too, with a warning.
    fn bytes(
        &mut self,
        name: &str,
        members: &Map<String, Value>,
        member: &'static str,
    ) -> Result<Vec<u8>, &'static str> {
        let text = members.get(member).and_then(Value::as_str).ok_or(member)?;
        let usual = Zeroizing::new(text.trim_end_matches('=').replace('+', "-").replace('/', "_"));
        let bytes = BASE64URL_NOPAD.decode(usual.as_bytes()).map_err(|_| member)?;
        if *usual != text {
            self.warn(format!(
                "{name}: \"{member}\" is padded or in standard base64; strict libraries refuse it"
            ));
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(document: &str) -> (Vec<Key>, Vec<String>) {
        let mut warnings = Vec::new();
        let keys = parse(document.as_bytes(), "keys.json", &mut warnings).unwrap();
        (keys, warnings.iter().map(ToString::to_string).collect())
    }

    fn modulus(bytes: usize) -> String {
        BASE64URL_NOPAD.encode(&vec![0xc1; bytes])
    }

    #[test]
    fn a_usual_document_gives_its_keys_without_a_warning() {
        let (keys, warnings) = read(&format!(
            r#"{{"keys":[
                {{"kty":"RSA","kid":"r","alg":"RS256","use":"sig","n":"{}","e":"AQAB","x5t":"ignored"}},
                {{"kty":"EC","kid":"e","crv":"P-256","x":"axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY","y":"T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU","key_ops":["verify"]}},
                {{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"enc"}}]}}"#,
            modulus(256),
        ));
        assert_eq!(warnings, Vec::<String>::new());
        assert_eq!(keys[0].kind, KeyKind::Rsa { modulus_bits: 2048 });
        assert_eq!((keys[0].alg.as_deref(), &keys[0].usage), (Some("RS256"), &Some(Usage::Sig)));
        assert_eq!(keys[0].material, Material::Rsa { n: vec![0xc1; 256], e: vec![1, 0, 1] });
        assert_eq!(keys[1].kind, KeyKind::Ec { curve: "P-256".to_owned() });
        assert_eq!(keys[1].key_ops, Some(vec!["verify".to_owned()]));
        assert_eq!((keys[2].kid.as_deref(), &keys[2].usage), (None, &Some(Usage::Enc)));
    }

    #[test]
    fn what_is_no_jwks_document_is_refused() {
        for (document, found) in [
            ("", "found no JSON at line 1 column 0"),
            ("{\"keys\": [}", "found no JSON at line 1 column 11"),
            ("[]", "found an array"),
            ("\"s3cret\"", "found a string"),
            ("{}", "found an object without \"keys\""),
            ("{\"keys\":{\"a\":\"-----BEGIN CERTIFICATE-----\"}}", "found \"keys\" as an object"),
            ("{\"issuer\":\"x\",\"jwks_uri\":\"y\"}", "save the document at its jwks_uri instead"),
            ("-----BEGIN PUBLIC KEY-----\nMIIB", "found PEM text"),
        ] {
            let error = parse(document.as_bytes(), "keys.json", &mut Vec::new()).unwrap_err();
            assert!(error.starts_with("expected a JWKS document") && error.ends_with(found), "{error}");
        }
    }

    #[test]
    fn one_bad_key_never_loses_the_others() {
        let (keys, warnings) = read(
            r#"{"keys":[7, {"kid":"no-type"}, {"kty":"RSA","kid":"no-n","e":"AQAB"}, {"kty":"RSA","kid":"zero","n":"AAAA","e":"AQAB"},
                {"kty":"EC","kid":"no-crv","x":"AA","y":"AA"}, {"kty":"LMS","kid":"new"}, {"kty":"OKP","kid":7,"crv":"X25519","x":"AA"}]}"#,
        );
        let shown: Vec<String> = keys.iter().map(|key| format!("{:?} {}", key.kid, key.kind)).collect();
        assert_eq!(
            shown,
            [
                "Some(\"no-type\") unreadable",
                "Some(\"no-n\") RSA unreadable",
                "Some(\"zero\") RSA unreadable",
                "Some(\"no-crv\") EC unreadable",
                "Some(\"new\") unknown type LMS",
                "Some(\"7\") OKP X25519",
            ]
        );
        assert_eq!(warnings.len(), 7, "{warnings:#?}");
        assert_eq!(warnings[0], "keys.json: key 1: expected an object, found a number; skipped");
        assert!(warnings[2].contains("key \"no-n\": expected \"n\" in base64url"), "{}", warnings[2]);
        assert!(
            warnings[6]
                == "keys.json: key \"7\": expected \"kid\" to be a string, found a number; its digits are taken",
            "{}",
            warnings[6]
        );
    }

    #[test]
    fn what_makes_a_key_unsafe_is_a_warning() {
        let (keys, warnings) = read(&format!(
            r#"{{"keys":[{{"kty":"RSA","kid":"a","n":"{}","e":"AQAB","d":"c2VjcmV0","p":"c2VjcmV0"}},
                {{"kty":"oct","kid":"a","k":"c2VjcmV0","alg":"HS256"}}, {{"kty":"oct","kid":"b","k":""}}]}}"#,
            modulus(128)
        ));
        assert_eq!(
            warnings,
            [
                "keys.json: key \"a\": it holds a private key (d, p): replace it, whoever reads this file can sign",
                "keys.json: key \"a\": an RSA key of 1024 bits; RFC 7518 §3.3 demands 2048 or more",
                "keys.json: key \"a\": it is a symmetric key: whoever reads this file can sign",
                "keys.json: key \"a\": a secret of 6 bytes, but HS256 demands 32 (RFC 7518 §3.2)",
                "keys.json: key \"b\": it is a symmetric key: whoever reads this file can sign",
                "keys.json: key \"b\": its secret is empty: anybody can sign",
                "keys.json: the kid \"a\" is there more than once; every key of that name is tried",
            ]
        );
        assert_eq!(keys[2].kind, KeyKind::Oct { bits: 0 });
    }

    #[test]
    fn a_single_key_and_a_byte_order_mark_are_taken() {
        let (keys, warnings) = read("\u{feff}{\"kty\":\"LMS\",\"kid\":\"a\"}");
        assert_eq!(keys.len(), 1);
        assert!(warnings[0].contains("a single key"), "{}", warnings[0]);
    }

    #[test]
    fn an_empty_set_is_a_warning_and_padding_too() {
        assert_eq!(read("{\"keys\":[]}").1, ["keys.json: it holds no keys"]);
        let (keys, warnings) = read("{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"+/8=\"}]}");
        assert_eq!(keys[0].material, Material::Okp { x: vec![0xfb, 0xff] });
        assert_eq!(
            warnings,
            ["keys.json: key 1: \"x\" is padded or in standard base64; strict libraries refuse it"]
        );
    }

    proptest! {
        #[test]
        fn no_bytes_panic(document in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&document, "keys.json", &mut Vec::new());
        }

        #[test]
        fn no_member_panics(kty in "RSA|EC|OKP|oct|x", crv in "P-256|Ed25519|x", bytes in "[A-Za-z0-9_=+-]{0,40}") {
            let key = serde_json::json!({"kty": kty, "crv": crv, "n": bytes, "e": bytes, "x": bytes, "y": bytes, "k": bytes});
            let document = serde_json::json!({"keys": [key]}).to_string();
            let keys = parse(document.as_bytes(), "keys.json", &mut Vec::new()).unwrap();
            prop_assert_eq!(keys.len(), 1);
            let _ = keys[0].signature_len();
        }
    }
}
