//! Signatures of every algorithm, and what must never verify: flipped bits, cut and padded signatures, other hashes and
//! curves, other encodings, keys taken for what they are not.

use std::io;
use std::path::Path;
use std::sync::OnceLock;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self as lc, EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, RsaKeyPair,
};
use data_encoding::BASE64URL_NOPAD as BASE64URL;
use jwtriage::policy::Policy;
use jwtriage::timestamp::Timestamp;
use jwtriage::token::decode;
use jwtriage::verdict::{Judge, Outcome, SignatureStatus};
use serde_json::{Value, json};

use crate::support::jwtriage;

/// A PS256 token's signatures over one signing input, by the length of their salt in bytes; made with another library.
const PSS_MODULUS: &str = "t-YiqmbbHDpTQT2-sTKIlGT5Q0Sf_7tMBfwv5AeJYc2bEJ7bjF4W5h7uBgfF66K0HwC5H2ZNm6GcctjeS-FQTVgqxx40ceU-Z_QODCUUK4Bv4XPhaNNU8uVZdhnKKSURgcnFUPCUkoZ3lq8IdxTfCVO7e8lpjQDus6U_rAjbAWCw4QLi4tgq_H8qaYtWOwduQ1tM2lx505qtnlNnfx607zFQUhuTvV_vvVhKFs4Es82pvbqahUT-GoZGH1Tt-xrh51GINg9hKFAB20VnpTBo-LOu2zLAGfJCmkycBoo2v1Ncw-V9p9TRFFKdVi273ApbrnJJ4CG8kkB-yzjzh-4O8Q";
const PSS_SIGNATURES: [(&str, &str); 6] = [
    (
        "32",
        "FGkdl28UHfRp6q-otThHM3ujVTRJD7fDnoL8w5pedwC4SmknmPUpu5PFl-KuUoc4KSRX16clK9UN9LriLmPDN_ow0Nws8qKshQ5O3PuQsE6gd0fXqk9W4eflQTSSAmtmtRQ0qOXRjtp16xpQD3mLwrg3xzcG8GB5jd4nGBRKXzAPZpgz4d-nX7fXoDCy1MxbuJyUhhVszqN39yMU-lrVef6KXZg6FZv5Wvvn13pufdbSLTuYQNqYGXhNz_oBCUUmaW_Rph57FmTaO4b7WwoX3VbM0ZrFZg3MnXLauBU-eFbv5hCJ200wcFTcCVusuqj0eRNEUFgT-0bPL4f9UrpIqw",
    ),
    (
        "0",
        "byvZq7bY6B9uBdUwyDkYpcuUoSCEW4NCfJT8xfj7JFv5c9mjgig7YoqNFOXtgMKgBDg62m9XQrwlcKWFxon26EaMUaAKEepBKEy-4umooV6pAWgNzIPgUzBpaOC9WSuXbJTISoOfw2024sC7D7lpztRbt8sJjApGLwQpLZNvmYdd-XDTRfWdrexJV2nQz-3OhLdzo4SEB8DI2hoA2CiKAGJIRAFMHx7KGPQhkfUw2mahtTt1FksEG9y69EyI5s5FfEr0fn3Wh40zpEYvRegnOyRQdt2OHaSDatZUV4uS3cyWopunrccJ_h14YG-87Pt4vQWpIlKm3WVjEwK96D_TbQ",
    ),
    (
        "20",
        "AUmRbmw81XRHv43iIe_NqfyCE4FD9TeZs4pjtLFToLi6i3uzPGn7gu12wF-RIhlliD8W0bEGgF8_2tYGtD7SWlnN3oYb3uDXogqBubo09byUaptYjd7KVJO3FYFdOl84PqDiNec5xZcsP80rohM5RHEBdAK7tzQ-7baNk2aaH2lH0DyquJ3dXImwsiRWivmuJ5LYl6VWp7t2Tz7RyZ_TnUHinRe0knC4Is7Tknp6qJj5Y3WlSVOhtZCg4FSNWd_4SABPDABBfCxN7QoJop8JOWj5uufRelZayMByHrFFZdL0J5HjXr2kiVB5TordcdK6w9J9F0GJ5P6C2tUykTOjtg",
    ),
    (
        "64",
        "twNVTY47_tYeIICdcnChnNFM2QaYuMfe2sv4Dl_qL8cZCmtJh39ZJZnUtvVElcBn2UG7qENCBxTkIhjghB9VBbPzJH0ch4qCWgunuA7VF2YCP6fXOOIVFRIkpZxooJYiSuwoR5tZ4eJqVViAcjO7_aGnVUgJw5Rp7go1ZfCuiUP3Dl4oVb8b77ghjmWJBQZiiTVD5zWIfJN9WwrbFyK2lh1vDz2PPR32gOKk-XAUD5uxleM0tO-_6rq8KR6ba1txQkfWutcgfSiNnsOOmfVToXnW8Pq0SFaoSCLaq11t3nqvXmCLw-1SoE3e38f1GtRsnV1OQdiCV_nQT9fQKFeN8Q",
    ),
    (
        "222",
        "pihHCUttmr5Alps_z1cKfPw34a_a8GgGPKA54iFZeI4UmOZyCOdv5S0ovuil-ITYXqRpZYrDh5fPuKR_Agh02bYSIBakoyL_Uv_mPPjQ6FQUToyEQBPx_cGY4iZzhM-Ccc9JXdRMUTjPbLoR-IwRkNpNr9bAwges3UYmR9ZMI6pQD8jzFt5rOgDvS3734OsI6JDz8UYJDTnbZ6JD09HWmX2HgeJ_nXEbuffXttdPug_Itw3y9wujEy1vrry3Ss07G_aUqOoCWwPS1JiWFBare3L4sgHMEmEvGf8PMjhKvIIOV4qcjhhdII3lWPYd3ysuffsGbxZ43uSKjSiCtl0U_A",
    ),
    (
        "mgf1sha1",
        "AtYVEF8bG27zlvK1fuyJMF2nZwllm-_EZ5ougeCDtlqaGfyNVapgN8XFzj5-Grx81MTYYIRgubbJkFJ5kmPx62GnxHRdjWjRU5L3ajJfJd4hivCE7D3st_Sa_DO9MmgtGsHozd0Iflt_hjageHvEDvCg3mJQiWIuzMdk6y501sTw5tXHmUY_ocmSmjjDTCsgdunTEP509AxHM8R0uhYAVzMIVSbpF76Le1JSau7PNSv2xDI6MtWLh5Iwcg1pgA1ghctWkdpHKAUlWT1oTe8l3bzMJW1HwuaHuWPCZeef0yiPs1tZ6-n45ex8nxp-ieTpIs8LVsR0uXJBhDAQDcjpPA",
    ),
];

/// What signs a signing input.
type Sign = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// A key that signs under one algorithm.
struct Signer {
    alg: &'static str,
    /// The public key, without `kid`.
    jwk: Value,
    sign: Sign,
}

impl Signer {
    fn token(&self, header: &Value) -> String {
        let input = signing_input(header);
        let signature = (self.sign)(input.as_bytes());
        format!("{input}.{}", BASE64URL.encode(&signature))
    }

    /// The token that says what it is, under the kid `k`.
    fn usual(&self) -> String {
        self.token(&json!({"alg": self.alg, "kid": "k"}))
    }

    fn jwk_named(&self, kid: &str) -> Value {
        let mut jwk = self.jwk.clone();
        jwk["kid"] = kid.into();
        jwk
    }
}

fn signing_input(header: &Value) -> String {
    let claims = json!({"iss": "https://a.example/", "sub": "x", "exp": 2000});
    format!(
        "{}.{}",
        BASE64URL.encode(header.to_string().as_bytes()),
        BASE64URL.encode(claims.to_string().as_bytes())
    )
}

/// One RSA key for all tests: to make one takes long.
fn rsa_key() -> &'static RsaKeyPair {
    static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
    KEY.get_or_init(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
}

fn rsa(alg: &'static str, encoding: &'static dyn lc::RsaEncoding) -> Signer {
    let components = lc::RsaPublicKeyComponents::<Vec<u8>>::from(rsa_key().public_key());
    Signer {
        alg,
        jwk: json!({"kty": "RSA", "n": BASE64URL.encode(&components.n), "e": BASE64URL.encode(&components.e)}),
        sign: Box::new(|input| {
            let mut signature = vec![0; rsa_key().public_modulus_len()];
            rsa_key().sign(encoding, &SystemRandom::new(), input, &mut signature).unwrap();
            signature
        }),
    }
}

fn ec(alg: &'static str, curve: &str, algorithm: &'static EcdsaSigningAlgorithm) -> Signer {
    let key = EcdsaKeyPair::generate(algorithm).unwrap();
    let point = key.public_key().as_ref()[1..].to_vec();
    let (x, y) = point.split_at(point.len() / 2);
    Signer {
        alg,
        jwk: json!({"kty": "EC", "crv": curve, "x": BASE64URL.encode(x), "y": BASE64URL.encode(y)}),
        sign: Box::new(move |input| key.sign(&SystemRandom::new(), input).unwrap().as_ref().to_vec()),
    }
}

fn hs(alg: &'static str, algorithm: hmac::Algorithm) -> Signer {
    let secret = [alg.as_bytes(); 16].concat();
    let key = hmac::Key::new(algorithm, &secret);
    Signer {
        alg,
        jwk: json!({"kty": "oct", "k": BASE64URL.encode(&secret)}),
        sign: Box::new(move |input| hmac::sign(&key, input).as_ref().to_vec()),
    }
}

fn ed25519() -> Signer {
    let key = Ed25519KeyPair::generate().unwrap();
    let x = BASE64URL.encode(key.public_key().as_ref());
    Signer {
        alg: "EdDSA",
        jwk: json!({"kty": "OKP", "crv": "Ed25519", "x": x}),
        sign: Box::new(move |input| key.sign(input).as_ref().to_vec()),
    }
}

fn es256() -> Signer {
    ec("ES256", "P-256", &lc::ECDSA_P256_SHA256_FIXED_SIGNING)
}

fn signers() -> Vec<Signer> {
    vec![
        hs("HS256", hmac::HMAC_SHA256),
        hs("HS384", hmac::HMAC_SHA384),
        hs("HS512", hmac::HMAC_SHA512),
        rsa("RS256", &lc::RSA_PKCS1_SHA256),
        rsa("RS384", &lc::RSA_PKCS1_SHA384),
        rsa("RS512", &lc::RSA_PKCS1_SHA512),
        rsa("PS256", &lc::RSA_PSS_SHA256),
        rsa("PS384", &lc::RSA_PSS_SHA384),
        rsa("PS512", &lc::RSA_PSS_SHA512),
        es256(),
        ec("ES384", "P-384", &lc::ECDSA_P384_SHA384_FIXED_SIGNING),
        ec("ES512", "P-521", &lc::ECDSA_P521_SHA512_FIXED_SIGNING),
        ec("ES256K", "secp256k1", &lc::ECDSA_P256K1_SHA256_FIXED_SIGNING),
        ed25519(),
    ]
}

/// A policy of one issuer and these key sets, each a table's lines and the keys of its document.
fn policy(sets: &[(&str, Vec<Value>)]) -> Policy {
    let mut text = "[[issuer]]\niss = \"https://a.example/\"\n".to_owned();
    for (number, (window, _)) in sets.iter().enumerate() {
        text += &format!("[[issuer.keys]]\njwks = \"{number}\"\n{window}\n");
    }
    let read = |path: &Path| {
        let number: usize = path.to_str().unwrap().parse().map_err(|_| io::ErrorKind::NotFound)?;
        Ok(json!({"keys": sets[number].1}).to_string().into_bytes())
    };
    Policy::from_toml(&text, Path::new("policy.toml"), &read).unwrap()
}

fn judge(policy: &Policy, token: &str) -> Outcome {
    judge_at(policy, token, 1000)
}

fn judge_at(policy: &Policy, token: &str, seconds: i64) -> Outcome {
    let decoded = decode(token.as_bytes(), &[]).unwrap();
    Judge::new(policy).prepare(&decoded.token, decoded.signed()).at(Some(Timestamp::from_seconds(seconds)))
}

/// Verdict, detail and signature, as the reports write them.
fn told(outcome: &Outcome) -> String {
    format!("{}/{} {}", outcome.verdict, outcome.detail, outcome.signature)
}

const GOOD: &str = "valid/ verified";
const BAD: &str = "invalid_signature/mismatch failed";

/// The token with another signature.
fn with_signature(token: &str, signature: &[u8]) -> String {
    let (input, _) = token.rsplit_once('.').unwrap();
    format!("{input}.{}", BASE64URL.encode(signature))
}

fn signature_of(token: &str) -> Vec<u8> {
    BASE64URL.decode(token.rsplit_once('.').unwrap().1.as_bytes()).unwrap()
}

#[test]
fn every_algorithm_verifies_what_was_signed_with_its_key_and_nothing_else() {
    for signer in signers() {
        let key = policy(&[("", vec![signer.jwk_named("k")])]);
        let token = signer.usual();
        assert_eq!(told(&judge(&key, &token)), GOOD, "{}", signer.alg);
        let signature = signature_of(&token);
        for at in (0..signature.len() * 8).step_by(13) {
            let mut flipped = signature.clone();
            flipped[at / 8] ^= 1 << (at % 8);
            assert_eq!(told(&judge(&key, &with_signature(&token, &flipped))), BAD, "{} bit {at}", signer.alg);
        }
        for filler in [0, 1, 0xff] {
            let filled = vec![filler; signature.len()];
            assert_eq!(told(&judge(&key, &with_signature(&token, &filled))), BAD, "{} {filler}", signer.alg);
        }
        // The same claims in another order are another signing input.
        let other =
            with_signature(&signer.token(&json!({"alg": signer.alg, "kid": "k", "typ": "JWT"})), &signature);
        assert_eq!(told(&judge(&key, &other)), BAD, "{}", signer.alg);
    }
}

#[test]
fn a_signature_that_is_cut_or_padded_is_told_by_its_length_and_never_verified() {
    for signer in signers() {
        let key = policy(&[("", vec![signer.jwk_named("k")])]);
        let token = signer.usual();
        let signature = signature_of(&token);
        for length in [1, signature.len() / 2, signature.len() - 1] {
            let cut = judge(&key, &with_signature(&token, &signature[..length]));
            assert_eq!(told(&cut), "truncated/in_signature unchecked", "{} {length}", signer.alg);
        }
        for padded in [[&[0], &*signature].concat(), [&*signature, &[0]].concat()] {
            let outcome = judge(&key, &with_signature(&token, &padded));
            assert_ne!(outcome.signature, SignatureStatus::Verified, "{}", signer.alg);
            assert_ne!(outcome.verdict.as_str(), "valid", "{}", signer.alg);
        }
    }
}

#[test]
fn an_ecdsa_signature_in_der_or_with_leading_zeros_is_none() {
    let signer = es256();
    let key = policy(&[("", vec![signer.jwk_named("k")])]);
    let token = signer.usual();
    let signature = signature_of(&token);
    let (r, s) = signature.split_at(32);
    let integer = |number: &[u8]| [&[2, 33, 0], number].concat();
    let der = [vec![0x30, 70], integer(r), integer(s)].concat();
    let zeros = [&[0], r, &[0], s].concat();
    for other in [der, zeros] {
        assert_eq!(told(&judge(&key, &with_signature(&token, &other))), "malformed/extra_bytes unchecked");
    }
}

#[test]
fn a_signature_by_another_hash_or_padding_does_not_verify() {
    let of = |alg: &str| signers().into_iter().find(|signer| signer.alg == alg).unwrap();
    for (says, is) in [("RS256", "RS512"), ("RS256", "PS256"), ("PS256", "RS256"), ("PS384", "PS256")] {
        let signer = of(is);
        let key = policy(&[("", vec![signer.jwk_named("k")])]);
        let token = signer.token(&json!({"alg": says, "kid": "k"}));
        assert_eq!(told(&judge(&key, &token)), BAD, "{says} signed as {is}");
    }
}

#[test]
fn a_pss_signature_has_a_salt_as_long_as_its_hash() {
    // RFC 7518 §3.5; libraries that take any salt length take more than the standard allows.
    let jwk = json!({"kty": "RSA", "kid": "k", "n": PSS_MODULUS, "e": "AQAB"});
    let key = policy(&[("", vec![jwk])]);
    let input = format!(
        "{}.{}",
        BASE64URL.encode(br#"{"alg":"PS256","kid":"k"}"#),
        BASE64URL.encode(br#"{"sub":"x"}"#)
    );
    for (salt, signature) in PSS_SIGNATURES {
        let outcome = judge(&key, &format!("{input}.{signature}"));
        let expected = if salt == "32" { SignatureStatus::Verified } else { SignatureStatus::Failed };
        assert_eq!(outcome.signature, expected, "salt {salt}");
    }
}

#[test]
fn the_key_decides_about_the_algorithm_not_the_token() {
    let curves = [es256(), ec("ES384", "P-384", &lc::ECDSA_P384_SHA384_FIXED_SIGNING)];
    let [p256, p384] = &curves;
    let key = policy(&[("", vec![p384.jwk_named("k")])]);
    assert_eq!(told(&judge(&key, &p256.usual())), "alg_key_mismatch/kty no_key");
    let restricted = |member: &str, value: Value| {
        let mut jwk = p256.jwk_named("k");
        jwk[member] = value;
        told(&judge(&policy(&[("", vec![jwk])]), &p256.usual()))
    };
    assert_eq!(restricted("use", "enc".into()), "alg_key_mismatch/use no_key");
    assert_eq!(restricted("key_ops", json!(["sign"])), "alg_key_mismatch/use no_key");
    assert_eq!(restricted("alg", "ES256K".into()), "alg_key_mismatch/alg no_key");
    assert_eq!(restricted("use", "sig".into()), GOOD);
}

#[test]
fn a_public_key_taken_for_a_secret_is_recognised_and_never_verified() {
    for signer in [rsa("RS256", &lc::RSA_PKCS1_SHA256), es256(), ed25519()] {
        let key = policy(&[("", vec![signer.jwk_named("k")])]);
        let der = match signer.alg {
            "RS256" => aws_lc_rs::encoding::AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(
                rsa_key().public_key(),
            )
            .unwrap()
            .as_ref()
            .to_vec(),
            _ => {
                let member = |name: &str| {
                    BASE64URL.decode(signer.jwk[name].as_str().unwrap_or_default().as_bytes()).unwrap()
                };
                let prefix: &[u8] = match signer.alg {
                    "ES256" => b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04",
                    _ => b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00",
                };
                [prefix, &member("x"), &member("y")].concat()
            }
        };
        let body = data_encoding::BASE64.encode(&der);
        let lines: Vec<&str> =
            (0..body.len()).step_by(64).map(|at| &body[at..body.len().min(at + 64)]).collect();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"));
        for secret in [pem.as_bytes(), pem.trim_end().as_bytes(), &der] {
            let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
            for header in [
                json!({"alg": "HS256"}),
                json!({"alg": "HS256", "kid": "k"}),
                json!({"alg": "HS256", "kid": "x"}),
            ] {
                let input = signing_input(&header);
                let token =
                    format!("{input}.{}", BASE64URL.encode(hmac::sign(&secret, input.as_bytes()).as_ref()));
                let outcome = judge(&key, &token);
                let words: Vec<_> =
                    std::iter::once(outcome.verdict).chain(outcome.also.iter()).map(|v| v.as_str()).collect();
                assert!(words.contains(&"alg_key_mismatch"), "{} {header}: {words:?}", signer.alg);
                assert_ne!(outcome.signature, SignatureStatus::Verified);
            }
        }
        // Nor does any other secret verify where the keys are public.
        let other = hmac::Key::new(hmac::HMAC_SHA256, b"another secret of thirty-two byte");
        let input = signing_input(&json!({"alg": "HS256"}));
        let token = format!("{input}.{}", BASE64URL.encode(hmac::sign(&other, input.as_bytes()).as_ref()));
        assert_eq!(told(&judge(&key, &token)), "alg_key_mismatch/kty no_key", "{}", signer.alg);
    }
}

#[test]
fn a_token_without_kid_is_tried_with_every_key_that_fits_the_current_ones_first() {
    let [old, new, other] = [es256(), es256(), es256()];
    let keys = policy(&[
        ("until = \"1970-01-01T00:10:00Z\"", vec![old.jwk_named("old")]),
        (
            "from = \"1970-01-01T00:05:00Z\"",
            vec![new.jwk_named("new"), rsa("RS256", &lc::RSA_PKCS1_SHA256).jwk_named("rsa")],
        ),
    ]);
    let anonymous = |signer: &Signer| signer.token(&json!({"alg": "ES256"}));
    for (signer, seconds, expected) in [
        (&old, 599, GOOD),
        (&old, 600, "stale_kid/retired verified"),
        (&new, 299, "unknown_kid/not_yet_published verified"),
        (&new, 300, GOOD),
        (&other, 400, BAD),
    ] {
        let outcome = judge_at(&keys, &anonymous(signer), seconds);
        assert_eq!(
            (told(&outcome).as_str(), outcome.key_status.as_str()),
            (expected, "absent"),
            "at {seconds}"
        );
    }
}

#[test]
fn where_no_key_has_a_kid_a_token_s_kid_tells_nothing_and_all_keys_are_tried() {
    let [signer, other] = [es256(), es256()];
    let keys = policy(&[("", vec![signer.jwk.clone()])]);
    let told = |signer: &Signer| {
        let outcome = judge(&keys, &signer.usual());
        (told(&outcome), outcome.key_status.as_str())
    };
    assert_eq!(told(&signer), (GOOD.to_owned(), "unchecked"));
    assert_eq!(told(&other), (BAD.to_owned(), "unchecked"));
}

#[test]
fn the_keys_of_others_cannot_tell_that_a_stranger_s_token_is_forged() {
    let [signer, other] = [es256(), es256()];
    let keys = policy(&[("", vec![signer.jwk_named("k")])]);
    let claims = BASE64URL.encode(br#"{"iss":"https://b.example/","exp":2000}"#);
    let input = format!("{}.{claims}", BASE64URL.encode(br#"{"alg":"ES256"}"#));
    let token = |signer: &Signer| format!("{input}.{}", BASE64URL.encode(&(signer.sign)(input.as_bytes())));
    assert_eq!(told(&judge(&keys, &token(&signer))), "wrong_issuer/other verified");
    assert_eq!(told(&judge(&keys, &token(&other))), "wrong_issuer/other no_key");
}

#[test]
fn a_secret_that_ends_with_a_line_end_is_named_as_the_likely_cause() {
    let secret = b"a secret of thirty-two bytes or more";
    let input = signing_input(&json!({"alg": "HS256"}));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
    let token = format!("{input}.{}", BASE64URL.encode(signature.as_ref()));
    let decoded = decode(token.as_bytes(), &[]).unwrap();
    for (end, fails) in [("", false), ("\n", true), ("\r\n", true), (" ", false)] {
        let file = [secret, end.as_bytes()].concat();
        let text = "[[issuer]]\niss = \"https://a.example/\"\n[[issuer.keys]]\nsecret_file = \"s\"\n";
        let keys = Policy::from_toml(text, Path::new("policy.toml"), &|_: &Path| Ok(file.clone())).unwrap();
        let judgement = Judge::new(&keys).prepare(&decoded.token, decoded.signed());
        let outcome = judgement.at(None);
        assert_eq!(judgement.remarks(&outcome).fails_by_line_end, fails, "{end:?}");
        assert_eq!(outcome.signature == SignatureStatus::Verified, end.is_empty(), "{end:?}");
    }
}

#[test]
fn a_key_published_twice_with_other_members_is_one_key() {
    let signer = es256();
    let renamed = |kid: &str, member: &str, value: &str| {
        let mut jwk = signer.jwk_named(kid);
        jwk[member] = value.into();
        jwk
    };
    let windows = ["until = \"1970-01-01T00:10:00Z\"", "from = \"1970-01-01T00:10:00Z\""];
    let keys = policy(&[
        (windows[0], vec![signer.jwk_named("k")]),
        (windows[1], vec![renamed("k", "alg", "ES256")]),
    ]);
    let anonymous = signer.token(&json!({"alg": "ES256"}));
    for token in [signer.usual(), anonymous.clone()] {
        assert_eq!([599, 600].map(|at| told(&judge_at(&keys, &token, at))), [GOOD, GOOD]);
    }
    let keys = policy(&[
        (windows[0], vec![signer.jwk_named("old")]),
        (windows[1], vec![renamed("new", "use", "sig")]),
    ]);
    assert_eq!([599, 600].map(|at| told(&judge_at(&keys, &anonymous, at))), [GOOD, GOOD]);
    // The same key where it is published for another use does not verify.
    let keys = policy(&[("", vec![renamed("k", "use", "enc"), signer.jwk_named("k")])]);
    assert_eq!(told(&judge(&keys, &signer.usual())), GOOD);
}

#[test]
fn whether_a_key_fits_is_asked_of_those_published_at_the_time() {
    let secret = hs("HS256", hmac::HMAC_SHA256);
    let public = es256();
    let keys = policy(&[
        ("until = \"1970-01-01T00:10:00Z\"", vec![secret.jwk_named("k")]),
        ("from = \"1970-01-01T00:10:00Z\"", vec![public.jwk_named("k")]),
    ]);
    let forged = with_signature(&secret.usual(), &[7; 32]);
    assert_eq!(told(&judge_at(&keys, &secret.usual(), 599)), GOOD);
    assert_eq!(told(&judge_at(&keys, &forged, 599)), BAD);
    for token in [secret.usual(), forged] {
        assert_eq!(told(&judge_at(&keys, &token, 600)), "alg_key_mismatch/kty no_key");
    }
}

#[test]
fn a_retired_key_without_kid_is_stale_also_for_a_token_that_has_one() {
    let [old, new] = [es256(), es256()];
    let keys = policy(&[
        ("until = \"1970-01-01T00:10:00Z\"", vec![old.jwk.clone()]),
        ("from = \"1970-01-01T00:10:00Z\"", vec![new.jwk.clone()]),
    ]);
    assert_eq!(told(&judge_at(&keys, &old.usual(), 599)), GOOD);
    assert_eq!(told(&judge_at(&keys, &old.usual(), 600)), "stale_kid/retired verified");
    assert_eq!(told(&judge_at(&keys, &new.usual(), 600)), GOOD);
}

#[test]
fn a_token_without_kid_that_no_key_of_its_issuer_fits_is_not_valid() {
    let secret = hs("HS256", hmac::HMAC_SHA256);
    let public = es256();
    let keys = policy(&[("", vec![public.jwk_named("k")])]);
    assert_eq!(told(&judge(&keys, &secret.token(&json!({"alg": "HS256"})))), "alg_key_mismatch/kty no_key");
    let mut encrypts = public.jwk_named("k");
    encrypts["use"] = "enc".into();
    let keys = policy(&[("", vec![encrypts])]);
    assert_eq!(told(&judge(&keys, &public.token(&json!({"alg": "ES256"})))), "alg_key_mismatch/use no_key");
}

#[test]
fn leading_zeros_of_a_modulus_or_an_exponent_change_nothing() {
    let signer = rsa("RS256", &lc::RSA_PKCS1_SHA256);
    let mut jwk = signer.jwk_named("k");
    jwk["e"] = "AAEAAQ".into();
    assert_eq!(told(&judge(&policy(&[("", vec![jwk])]), &signer.usual())), GOOD);
}

#[test]
fn a_scan_names_a_line_end_behind_a_secret_only_where_signatures_fail_by_it() {
    let secret = b"a secret of thirty-two bytes or more";
    let input = signing_input(&json!({"alg": "HS256"}));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), input.as_bytes());
    let token = format!("{input}.{}", BASE64URL.encode(signature.as_ref()));
    let dir = tempfile::tempdir().unwrap();
    // A URL-encoded form of the token is the same token, in whatever order they come.
    let encoded = token.replace('.', "%2E");
    let lines = [&encoded, &token, &encoded].map(|text| format!("1970-01-01T00:10:00Z token={text} \n"));
    std::fs::write(dir.path().join("app.log"), lines.concat()).unwrap();
    std::fs::write(dir.path().join("with.secret"), [secret.as_slice(), b"\n"].concat()).unwrap();
    std::fs::write(dir.path().join("without.secret"), secret).unwrap();
    let said = |files: &[&str]| {
        let keys: String =
            files.iter().map(|file| format!("[[issuer.keys]]\nsecret_file = \"{file}\"\n")).collect();
        let text = format!("[[issuer]]\niss = \"https://a.example/\"\n{keys}");
        std::fs::write(dir.path().join("policy.toml"), text).unwrap();
        let scan = ["scan", "app.log", "--policy", "policy.toml", "--now", "2026-07-01"];
        String::from_utf8(jwtriage(dir.path()).args(scan).output().unwrap().stderr).unwrap()
    };
    let hint = "1 token has a signature that fails and would verify if a secret of the policy did not end with a line end";
    assert!(said(&["with.secret"]).contains(hint));
    assert!(!said(&["with.secret", "without.secret"]).contains("would verify"));
    assert!(!said(&["without.secret"]).contains("would verify"));
}

#[test]
fn a_scan_says_that_a_token_has_more_keys_than_are_tried() {
    let keys: Vec<Signer> = (0..230).map(|_| es256()).collect();
    let named = keys.iter().rev().enumerate().map(|(n, key)| key.jwk_named(&format!("{n:03}")));
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("keys.json"), json!({"keys": named.collect::<Vec<_>>()}).to_string())
        .unwrap();
    let said = |signer: &Signer| {
        let line = format!("1970-01-01T00:10:00Z token={}\n", signer.token(&json!({"alg": "ES256"})));
        std::fs::write(dir.path().join("app.log"), line).unwrap();
        let scan = ["scan", "app.log", "--issuer", "https://a.example/", "--jwks", "keys.json"];
        let output = jwtriage(dir.path()).args(scan).args(["--now", "2026-07-01"]).output().unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let notice =
        "1 token has a signature that is unchecked, because the policy has more keys for it than are tried";
    assert!(said(&keys[0]).contains(notice), "{}", said(&keys[0]));
    assert!(!said(&keys[229]).contains("more keys"), "the first key verifies it");
}

#[test]
fn a_kid_that_two_keys_share_is_tried_with_both_that_are_published_at_the_time() {
    let [first, second] = [es256(), es256()];
    let both = policy(&[("", vec![first.jwk_named("k"), second.jwk_named("k")])]);
    assert_eq!([&first, &second].map(|signer| told(&judge(&both, &signer.usual()))), [GOOD, GOOD]);
    let replaced = policy(&[
        ("until = \"1970-01-01T00:10:00Z\"", vec![first.jwk_named("k")]),
        ("from = \"1970-01-01T00:10:00Z\"", vec![second.jwk_named("k")]),
    ]);
    assert_eq!(told(&judge_at(&replaced, &first.usual(), 599)), GOOD);
    assert_eq!(told(&judge_at(&replaced, &first.usual(), 600)), BAD);
}

#[test]
fn a_retired_key_still_tells_whether_the_signature_was_its_own() {
    let signer = es256();
    let keys = policy(&[("until = \"1970-01-01T00:10:00Z\"", vec![signer.jwk_named("k")])]);
    assert_eq!(told(&judge(&keys, &signer.usual())), "stale_kid/retired verified");
    let forged = with_signature(&signer.usual(), &[7; 64]);
    let outcome = judge(&keys, &forged);
    assert_eq!(told(&outcome), "stale_kid/retired failed");
    assert_eq!(outcome.also.to_string(), "invalid_signature");
}

#[test]
fn what_one_token_may_cost_is_bounded() {
    let keys: Vec<Signer> = (0..230).map(|_| es256()).collect();
    let jwks = |signers: &mut dyn Iterator<Item = &Signer>| {
        policy(&[("", signers.enumerate().map(|(n, signer)| signer.jwk_named(&format!("{n:03}"))).collect())])
    };
    let token = keys[0].token(&json!({"alg": "ES256"}));
    assert_eq!(told(&judge(&jwks(&mut keys.iter()), &token)), GOOD);
    let last = jwks(&mut keys.iter().rev());
    assert_eq!(told(&judge(&last, &token)), "valid/ unchecked", "it is not tried with the last of 230");
    let named = keys[0].token(&json!({"alg": "ES256", "kid": "229"}));
    assert_eq!(told(&judge(&last, &named)), GOOD, "a kid names its key however many there are");
}

#[test]
fn a_key_that_serves_an_attack_is_refused_and_costs_nothing() {
    let signer = rsa("RS256", &lc::RSA_PKCS1_SHA256);
    let point = es256();
    let huge = BASE64URL.encode(&[0xff; 2049]);
    let even = BASE64URL.encode(&[0xfe; 256]);
    let changed = |jwk: &Value, member: &str, value: &str| {
        let mut jwk = jwk.clone();
        (jwk["kid"], jwk[member]) = ("k".into(), value.into());
        jwk
    };
    for (jwk, why) in [
        (changed(&signer.jwk, "n", &huge), "an RSA key of 16392 bits, more than 16384"),
        (changed(&signer.jwk, "n", &even), "modulus is even"),
        (changed(&signer.jwk, "e", "Ag"), "exponent is even or below 3"),
        (changed(&signer.jwk, "e", "AQ"), "exponent is even or below 3"),
        (changed(&signer.jwk, "e", &BASE64URL.encode(&[0xff; 200])), "exponent has 1600 bits, more than 33"),
        (changed(&point.jwk, "y", point.jwk["x"].as_str().unwrap()), "no point on the curve P-256"),
        (
            changed(&point.jwk, "x", "AA"),
            "expected coordinates of 32 bytes (RFC 7518 §6.2.1.2), found 1 and 32",
        ),
    ] {
        let keys = policy(&[("", vec![jwk])]);
        let warnings: Vec<String> = keys.warnings().iter().map(ToString::to_string).collect();
        assert!(warnings.iter().any(|warning| warning.contains(why)), "{why}: {warnings:?}");
        let alg = if why.contains("P-256") || why.contains("coordinates") { "ES256" } else { "RS256" };
        let token = signer.token(&json!({"alg": alg, "kid": "k"}));
        assert_ne!(judge(&keys, &token).signature, SignatureStatus::Verified, "{why}");
    }
}
