//! One verification per distinct token, beside `openssl speed` on the same machine.
//!
//! For RS256, ES256 and HS256: 100,000 distinct tokens are made, and judged on one thread as a scan judges tokens that it
//! sees for the first time (decoded, all steps, signature verified). Before and after, `openssl speed` tells how many
//! verifications (for HS256: HMACs of 256 bytes) it makes in a second; the table shows the mean, because the machine's clock
//! wanders. Public exponents are 65537, moduli have 2048 bits.

#![allow(clippy::print_stdout, reason = "a bench is there to print")]

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self as lc, EcdsaKeyPair, KeyPair, RsaKeyPair};
use data_encoding::BASE64URL_NOPAD;
use jwtriage::policy::Policy;
use jwtriage::token::decode;
use jwtriage::verdict::{Judge, SignatureStatus};
use serde_json::{Value, json};

const TOKENS: usize = 100_000;

fn main() {
    // `cargo test` and `cargo bench -- FILTER` run every bench; this one takes minutes.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    println!("{:<8}{:>14}{:>14}{:>8}", "alg", "jwtriage 1/s", "openssl 1/s", "ratio");
    rs256();
    es256();
    hs256();
}

fn rs256() {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let public = lc::RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
    let jwk = json!({"kty": "RSA", "kid": "k", "n": encoded(&public.n), "e": encoded(&public.e)});
    let sign = |input: &[u8]| {
        let mut signature = vec![0; 256];
        key.sign(&lc::RSA_PKCS1_SHA256, &SystemRandom::new(), input, &mut signature).expect("a signature");
        signature
    };
    report("RS256", &jwk, &sign, &|| openssl(&["rsa2048"], "rsa 2048 bits", 6));
}

fn es256() {
    let key = EcdsaKeyPair::generate(&lc::ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let (x, y) = key.public_key().as_ref()[1..].split_at(32);
    let jwk = json!({"kty": "EC", "kid": "k", "crv": "P-256", "x": encoded(x), "y": encoded(y)});
    let sign = |input: &[u8]| key.sign(&SystemRandom::new(), input).expect("a signature").as_ref().to_vec();
    report("ES256", &jwk, &sign, &|| openssl(&["ecdsap256"], " 256 bits ecdsa", 7));
}

fn hs256() {
    let secret = [7; 32];
    let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
    let jwk = json!({"kty": "oct", "kid": "k", "k": encoded(&secret)});
    let sign = |input: &[u8]| hmac::sign(&key, input).as_ref().to_vec();
    let hmacs = || {
        let kilobytes = openssl(&["-bytes", "256", "-hmac", "sha256"], "hmac(sha256)", 1)?;
        Some(kilobytes * 1000.0 / 256.0)
    };
    report("HS256", &jwk, &sign, &hmacs);
}

fn report(alg: &str, jwk: &Value, sign: &dyn Fn(&[u8]) -> Vec<u8>, openssl: &dyn Fn() -> Option<f64>) {
    let tokens: Vec<String> = (0..TOKENS)
        .map(|number| {
            let header = json!({"alg": alg, "kid": "k"}).to_string();
            let claims =
                json!({"iss": "https://a.example/", "sub": "someone", "exp": 2_000_000_000, "jti": number});
            let input = format!("{}.{}", encoded(header.as_bytes()), encoded(claims.to_string().as_bytes()));
            format!("{input}.{}", encoded(&sign(input.as_bytes())))
        })
        .collect();
    let text = "[[issuer]]\niss = \"https://a.example/\"\n[[issuer.keys]]\njwks = \"keys.json\"\n";
    let document = json!({"keys": [jwk]}).to_string().into_bytes();
    let policy = Policy::from_toml(text, Path::new("policy.toml"), &|_: &Path| Ok(document.clone()))
        .expect("a policy");
    let before = openssl();
    let start = Instant::now();
    for token in &tokens {
        let decoded = decode(token.as_bytes(), &[]).expect("a token");
        let outcome = Judge::new(&policy).prepare(&decoded.token, decoded.signed()).at(None);
        assert_eq!(outcome.signature, SignatureStatus::Verified);
    }
    let rate = TOKENS as f64 / start.elapsed().as_secs_f64();
    let mean = before.zip(openssl()).map(|(before, after)| f64::midpoint(before, after));
    match mean {
        Some(openssl) => println!("{alg:<8}{rate:>14.0}{openssl:>14.0}{:>8.2}", rate / openssl),
        None => println!("{alg:<8}{rate:>14.0}{:>14}{:>8}", "not found", ""),
    }
}

/// The number in this column of the line of `openssl speed` that begins so; `None` where there is no openssl.
fn openssl(arguments: &[&str], line: &str, column: usize) -> Option<f64> {
    let output = Command::new("openssl").args(["speed", "-seconds", "3"]).args(arguments).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found = text.lines().find(|found| found.starts_with(line))?;
    found.split_whitespace().nth(column)?.trim_end_matches('k').parse().ok()
}

fn encoded(bytes: &[u8]) -> String {
    BASE64URL_NOPAD.encode(bytes)
}
