//! Logs in memory, by how dense the tokens in them are, each with its right answer. Made anew in every run, and the
//! same in every run: no file, no clock, no seed from outside.

use data_encoding::BASE64URL_NOPAD;

/// About how large a corpus is, in bytes.
const SIZE: usize = 8 << 20;

/// How many tokens take turns where they repeat.
const POOL: usize = 200;

/// The names of all corpora.
pub const NAMES: [&str; 6] = ["none", "decoys", "sparse", "mixed", "dense", "fresh"];

/// A log, and what is to be found in it.
pub struct Corpus {
    /// The text.
    pub text: Vec<u8>,
    /// How many tokens stand in it.
    pub findings: u64,
    /// How many different ones.
    pub distinct: usize,
}

impl Corpus {
    /// The corpus of this name:
    ///
    /// - `none`: not even an `eyJ`
    /// - `decoys`: on every line base64 that begins like a token and is none, and words that hold its beginning
    /// - `sparse`: a token on every 1000th line
    /// - `mixed`: a token on every 20th line
    /// - `dense`: a token on every line
    /// - `fresh`: a token on every line, each for the first time
    pub fn named(name: &str) -> Self {
        let every = match name {
            "sparse" => 1000,
            "mixed" => 20,
            "dense" | "fresh" => 1,
            _ => usize::MAX,
        };
        let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
        let pool: Vec<String> = (0..POOL).map(|_| token(&mut numbers)).collect();
        let mut text = Vec::with_capacity(SIZE + 4096);
        let mut findings = 0;
        for line in 1.. {
            let tail = match name {
                "decoys" => decoy(&mut numbers),
                "fresh" => token(&mut numbers),
                _ if line % every == 0 => pool[(line / every) % POOL].clone(),
                _ => format!("{:016x}", numbers.next()),
            };
            findings += u64::from(line % every == 0);
            text.extend_from_slice(head(line, &mut numbers).as_bytes());
            text.extend_from_slice(tail.as_bytes());
            text.push(b'\n');
            if text.len() >= SIZE {
                break;
            }
        }
        let distinct = if name == "fresh" { findings as usize } else { POOL.min(findings as usize) };
        Self { text, findings, distinct }
    }
}

/// What stands before a token, and on lines without one.
fn head(line: usize, numbers: &mut Numbers) -> String {
    let (hours, minutes, seconds) = (line / 36_000 % 24, line / 600 % 60, line / 10 % 60);
    let level = ["DEBUG", "INFO", "INFO", "WARN"][numbers.below(4)];
    let service = ["orders", "billing", "gateway", "survey"][numbers.below(4)];
    format!(
        "2026-06-12T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z {level} [{service}-{}] request_id={:016x} \
         GET /v1/{service}/{} status=200 duration_ms={} authorization=Bearer ",
        numbers.below(1000),
        numbers.below(16),
        numbers.next(),
        numbers.below(1_000_000),
        numbers.below(2000),
    )
}

/// A token as an identity provider makes it, but for its signature, which nobody verifies.
pub fn token(numbers: &mut Numbers) -> String {
    let header = format!(r#"{{"alg":"RS256","typ":"JWT","kid":"2026-{:02}"}}"#, numbers.below(12) + 1);
    let issued = 1_781_220_000 + numbers.below(7200);
    let claims = format!(
        r#"{{"iss":"https://auth.example.com/","aud":["https://api.example.com"],"sub":"user|{:016x}","azp":"web","iat":{issued},"exp":{},"scope":"openid profile orders:read"}}"#,
        numbers.next(),
        issued + 3600
    );
    let signature: Vec<u8> = (0..32).flat_map(|_| numbers.next().to_le_bytes()).collect();
    [header.as_bytes(), claims.as_bytes(), &signature].map(|part| BASE64URL_NOPAD.encode(part)).join(".")
}

/// Base64 JSON that is no header, or a word with `eyJ` in it.
fn decoy(numbers: &mut Numbers) -> String {
    let json = format!(r#"{{"cursor":"{:016x}","page":{}}}"#, numbers.next(), numbers.below(100));
    let base64 = BASE64URL_NOPAD.encode(json.as_bytes());
    match numbers.below(3) {
        0 => format!("cursor={base64} keyJson=monkeyJars"),
        1 => format!("eyJ eyJfZm9v {base64}.{base64}"),
        _ => format!("session:{base64}; eyJhbGciOiJub25lIiwia2lkIjp4fQ"),
    }
}

/// Numbers that look random (xorshift64).
pub struct Numbers(pub u64);

impl Numbers {
    /// The next one.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}
