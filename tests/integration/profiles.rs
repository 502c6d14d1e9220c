//! Predicted errors: those of `jsonwebtoken` for Rust beside the library itself (other verifiers are asked by
//! `tests/profiles/run.py`), and `predicted_error` in a report.

use std::io;
use std::path::Path;

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use data_encoding::BASE64URL_NOPAD as BASE64URL;
use jsonwebtoken::jwk::JwkSet;
use jsonwebtoken::{
    Algorithm, AlgorithmFamily, DecodingKey, Validation, decode_header, get_current_timestamp,
};
use jwtriage::policy::Policy;
use jwtriage::profile::{Profile, Verifier};
use jwtriage::timestamp::Timestamp;
use jwtriage::token::decode;
use serde_json::{Value, json};

use crate::support::{NOON, hs256, jwtriage, rows};

const SECRET: &[u8] = b"a secret that is long enough for the hash it is used with";
const ISSUER: &str = "https://auth.example.com/";

/// A generator of numbers that gives the same ones every time.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// The keys, and what makes tokens with them.
struct Keys {
    ec: EcdsaKeyPair,
    ed: Ed25519KeyPair,
}

impl Keys {
    fn new() -> Self {
        let random = SystemRandom::new();
        let ec = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        Self {
            ec: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, ec.as_ref()).unwrap(),
            ed: Ed25519KeyPair::generate().unwrap(),
        }
    }

    fn jwks(&self) -> Value {
        let point = self.ec.public_key().as_ref();
        let encoded = |bytes: &[u8]| BASE64URL.encode(bytes);
        json!({"keys": [
            {"kty": "EC", "crv": "P-256", "kid": "ec", "x": encoded(&point[1..33]), "y": encoded(&point[33..])},
            {"kty": "OKP", "crv": "Ed25519", "kid": "ed", "x": encoded(self.ed.public_key().as_ref())},
        ]})
    }

    fn sign(&self, kid: &str, input: &[u8]) -> Vec<u8> {
        match kid {
            "ec" => self.ec.sign(&SystemRandom::new(), input).unwrap().as_ref().to_vec(),
            "ed" => self.ed.sign(input).as_ref().to_vec(),
            _ => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), input).as_ref().to_vec(),
        }
    }

    /// A token that is right, or has up to a few things wrong with it.
    fn token(&self, numbers: &mut Numbers, kid: &str, now: i64) -> String {
        let alg = match kid {
            "ec" => "ES256",
            "ed" => "EdDSA",
            _ => "HS256",
        };
        let mut header = vec![format!(r#""alg":"{alg}""#), format!(r#""kid":"{kid}""#)];
        if numbers.once_in(6) {
            let parts = [
                r#""alg":"none""#,
                r#""alg":"ES384""#,
                r#""alg":"HS512""#,
                r#""alg":"RS256""#,
                r#""alg":"ES512""#,
                r#""alg":5"#,
                r#""typ":5"#,
                r#""typ":null"#,
                r#""typ":"at+jwt""#,
                r#""crit":["exp"]"#,
                r#""crit":"exp""#,
                r#""kid":"gone""#,
                r#""kid":7"#,
                r#""b64":false"#,
                r#""x":{"y":[1]}"#,
                r#""cty":"a","cty":"b""#,
            ];
            let place = numbers.below(header.len() + 1);
            match header.get_mut(place) {
                Some(part) => (*part).clone_from(&numbers.pick(&parts).to_string()),
                None => header.push(numbers.pick(&parts).to_string()),
            }
        }
        if numbers.once_in(20) {
            header.remove(numbers.below(header.len()));
        }
        let exp = now + numbers.pick(&[600, 600, 600, 1, 0, -1, -29, -30, -31, -59, -60, -61, -300]);
        let mut claims = vec![
            format!(r#""iss":"{ISSUER}""#),
            r#""aud":"api""#.to_owned(),
            format!(r#""exp":{exp}"#),
            r#""sub":"u""#.to_owned(),
        ];
        for _ in 0..numbers.below(3) {
            let values = [
                format!(r#""exp":"{}""#, now + 60),
                format!(r#""exp":{}.5"#, now - 61),
                format!(r#""exp":{}.4"#, now - 61),
                r#""exp":true"#.to_owned(),
                r#""exp":null"#.to_owned(),
                r#""exp":-5"#.to_owned(),
                r#""exp":[1]"#.to_owned(),
                r#""exp":{}"#.to_owned(),
                r#""exp":1e300"#.to_owned(),
                format!(r#""exp":{}000"#, now - 60),
                r#""exp":0"#.to_owned(),
                format!(r#""nbf":{}"#, now + 600),
                r#""nbf":"soon""#.to_owned(),
                r#""nbf":[1]"#.to_owned(),
                r#""iss":"https://auth.example.com""#.to_owned(),
                r#""iss":["x","https://auth.example.com/"]"#.to_owned(),
                r#""iss":["x"]"#.to_owned(),
                r#""iss":5"#.to_owned(),
                r#""iss":null"#.to_owned(),
                r#""iss":{"a":1}"#.to_owned(),
                r#""aud":["x","api"]"#.to_owned(),
                r#""aud":["x"]"#.to_owned(),
                r#""aud":[]"#.to_owned(),
                r#""aud":""#.to_owned() + "\"",
                r#""aud":["api",5]"#.to_owned(),
                r#""aud":7"#.to_owned(),
                r#""aud":null"#.to_owned(),
                r#""aud":{"a":[]}"#.to_owned(),
                r#""sub":5"#.to_owned(),
                r#""sub":["a"]"#.to_owned(),
                r#""sub":null"#.to_owned(),
                r#""x":[1,{"y":"ü\u00e9"}]"#.to_owned(),
            ];
            let value = numbers.pick(&values).clone();
            let name = value.split(':').next().unwrap();
            let place = claims.iter().position(|claim| claim.starts_with(name));
            match place.filter(|_| !numbers.once_in(8)) {
                Some(place) => claims[place] = value,
                None => claims.push(value),
            }
        }
        if numbers.once_in(8) {
            claims.remove(numbers.below(claims.len()));
        }
        let mut payload = format!("{{{}}}", claims.join(","));
        if numbers.once_in(25) {
            let texts = ["[]", "[1,2]", "null", "5", r#""text""#, "no json", "", "{}", r#"{"exp":1"#];
            payload = (*numbers.pick(&texts)).to_owned();
        }
        let header = format!("{{{}}}", header.join(","));
        let input = [header, payload].map(|part| BASE64URL.encode(part.as_bytes())).join(".");
        let mut signature = self.sign(kid, input.as_bytes());
        if numbers.once_in(12) {
            let place = numbers.below(signature.len());
            match numbers.below(3) {
                0 => signature[place] ^= 1,
                1 => signature.truncate(place),
                _ => signature.push(0),
            }
        }
        let mut text = format!("{input}.{}", BASE64URL.encode(&signature));
        match numbers.below(60) {
            0 => text.push('='),
            1 => text.push_str(".x"),
            2 => text.truncate(input.len()),
            3 => text.truncate(input.len() + 1),
            4 => text = text.replacen('.', "=.", 1),
            5 => text.push('A'),
            6 => text.truncate(text.len() - 3),
            _ => {}
        }
        text
    }
}

/// A setup, as the policy says it and as the library is told.
struct Setup {
    policy: Policy,
    set: Option<JwkSet>,
    audiences: bool,
    leeway: Option<u64>,
    algorithms: Option<&'static [Algorithm]>,
}

impl Setup {
    fn new(keys: &Keys, fetches: bool, rules: &str) -> Self {
        let jwks = keys.jwks();
        let file = if fetches { r#"jwks = "k.json""# } else { r#"secret_file = "secret""# };
        let (top, issuer) = rules.split_once(';').unwrap();
        let toml = format!("{top}\n[[issuer]]\niss = \"{ISSUER}\"\n{issuer}\n[[issuer.keys]]\n{file}\n");
        let files = |path: &Path| match path.to_str() {
            Some("k.json") => Ok(jwks.to_string().into_bytes()),
            Some("secret") => Ok(SECRET.to_vec()),
            _ => Err(io::ErrorKind::NotFound.into()),
        };
        Self {
            policy: Policy::from_toml(&toml, Path::new("policy.toml"), &files).unwrap(),
            set: fetches.then(|| serde_json::from_value(jwks.clone()).unwrap()),
            audiences: rules.contains("audiences"),
            leeway: rules.contains("leeway").then_some(30),
            algorithms: rules.contains("algorithms").then_some(&[
                Algorithm::ES256,
                Algorithm::EdDSA,
                Algorithm::HS256,
                Algorithm::HS384,
            ]),
        }
    }

    /// What the library says; nothing where it accepts the token.
    fn real(&self, text: &str) -> String {
        match self.verify(text) {
            Ok(()) => String::new(),
            Err(error) => error,
        }
    }

    fn verify(&self, text: &str) -> Result<(), String> {
        let header = decode_header(text).map_err(|error| error.to_string())?;
        let (key, family) = match &self.set {
            None => (DecodingKey::from_secret(SECRET), AlgorithmFamily::Hmac),
            Some(set) => {
                let kid = header.kid.ok_or("Token doesn't have a `kid` header field")?;
                let jwk = set.find(&kid).ok_or("No matching JWK found for the given kid")?;
                let family = if kid == "ec" { AlgorithmFamily::Ec } else { AlgorithmFamily::Ed };
                (DecodingKey::from_jwk(jwk).unwrap(), family)
            }
        };
        let mut validation = Validation::new_for_family(family);
        if let Some(algorithms) = self.algorithms {
            validation.algorithms.retain(|alg| algorithms.contains(alg));
        }
        validation.set_issuer(&[ISSUER]);
        if self.audiences {
            validation.set_audience(&["api", "files"]);
        }
        if let Some(leeway) = self.leeway {
            validation.leeway = leeway;
        }
        jsonwebtoken::decode::<Value>(text, &key, &validation).map(|_| ()).map_err(|error| error.to_string())
    }
}

/// Whether a text is the predicted one, in which `…` stands for anything.
fn agrees(predicted: &str, real: &str) -> bool {
    match predicted.split_once('…') {
        None => predicted == real,
        Some((start, end)) => real.starts_with(start) && real[start.len()..].ends_with(end),
    }
}

#[test]
fn the_rust_library_raises_the_errors_that_are_predicted() {
    let keys = Keys::new();
    let setups = [
        Setup::new(
            &keys,
            true,
            "leeway = \"30s\";audiences = [\"api\", \"files\"]\nalgorithms = [\"ES256\", \"EdDSA\", \"HS256\", \"HS384\"]",
        ),
        Setup::new(&keys, true, ";"),
        Setup::new(&keys, false, ";audiences = [\"api\"]"),
    ];
    let mut numbers = Numbers(0x5eed);
    let (mut compared, mut accepted, mut different) = (0, 0, Vec::new());
    for n in 0..4500 {
        let setup = &setups[n % 3];
        let kid = if setup.set.is_none() { "secret" } else { *numbers.pick(&["ec", "ed"]) };
        // The library looks at the clock itself: what it says counts only if the second did not change meanwhile.
        let (text, real, now) = loop {
            let now = get_current_timestamp();
            let text = keys.token(&mut numbers, kid, now as i64);
            let real = setup.real(&text);
            if get_current_timestamp() == now {
                break (text, real, now);
            }
        };
        let Some(decoded) = decode(text.as_bytes(), &[]).filter(|decoded| decoded.length == text.len())
        else {
            continue;
        };
        let verifier = Verifier::new(Profile::RustJsonwebtoken, &setup.policy);
        let forecast = verifier.forecast(&decoded.token, decoded.own());
        let at = forecast.at(Some(Timestamp::from_seconds(now as i64)));
        let predicted = at.as_deref().unwrap_or_default();
        compared += 1;
        accepted += usize::from(real.is_empty());
        if !agrees(predicted, &real) {
            different.push(format!("setup {}: real {real:?}, predicted {predicted:?}: {text}", n % 3));
        }
    }
    assert!(
        different.is_empty(),
        "{} of {compared}:\n{}",
        different.len(),
        different[..different.len().min(12)].join("\n")
    );
    assert!(compared > 4000 && accepted > 500, "{compared} compared, {accepted} accepted");
}

#[test]
fn a_report_names_the_errors_only_where_a_verifier_is_asked() {
    let dir = tempfile::tempdir().unwrap();
    let token = hs256(&format!(r#"{{"iss":"{ISSUER}","exp":{}}}"#, NOON + 60));
    let log =
        [0, 60, 59].map(|later| format!("2026-06-12T01:0{}:{:02}Z token={token} \n", later / 60, later % 60));
    std::fs::write(dir.path().join("app.log"), log.concat()).unwrap();
    let scan = |flags: &[&str]| {
        let flags = [&["scan", "app.log", "--quiet", "--out", "report"], flags].concat();
        jwtriage(dir.path()).args(flags).assert().code(0);
        rows(&std::fs::read(dir.path().join("report/tokens.csv")).unwrap())
    };
    assert!(scan(&[]).iter().all(|row| !row.contains_key("predicted_error")));
    let said: Vec<_> = scan(&["--as", "node-jsonwebtoken"])
        .iter()
        .map(|row| (row["verdict"].clone(), row["occurrences"].clone(), row["predicted_error"].clone()))
        .collect();
    let expected = [("expired", "1", "TokenExpiredError: jwt expired"), ("valid", "2", "")];
    assert_eq!(said, expected.map(|(verdict, count, error)| (verdict.into(), count.into(), error.into())));
    // A verifier with a minute of leeway takes it as long again: the verdict stays what it is.
    assert!(scan(&["--as", "envoy"]).iter().all(|row| row["predicted_error"].is_empty()));
}

#[test]
fn what_a_verifier_says_at_different_times_stands_in_one_row() {
    let dir = tempfile::tempdir().unwrap();
    // Expired all the time, which PyJWT says only where `iat` does not lie ahead.
    let token = hs256(&format!(r#"{{"iat":{},"exp":{}}}"#, NOON + 30, NOON - 1000));
    let log = ["01:00:29", "01:00:30", "01:00:28"].map(|at| format!("2026-06-12T{at}Z token={token} \n"));
    std::fs::write(dir.path().join("app.log"), log.concat()).unwrap();
    let flags = ["scan", "app.log", "--quiet", "--out", "report", "--as", "pyjwt"];
    jwtriage(dir.path()).args(flags).assert().code(0);
    let rows = rows(&std::fs::read(dir.path().join("report/tokens.csv")).unwrap());
    assert_eq!((rows.len(), rows[0]["occurrences"].as_str()), (1, "3"));
    assert_eq!(
        rows[0]["predicted_error"],
        "ExpiredSignatureError: Signature has expired | ImmatureSignatureError: The token is not yet valid (iat)"
    );
}
