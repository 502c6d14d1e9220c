//! Any text → a policy, with the bytes behind the first NUL as every file that it names, and as each of two snapshots. The
//! laws:
//!
//! 1. Nothing panics: the policy, a JWKS document on its own, and the text of `policy check`.
//! 2. No error, warning or check text, and no `Debug`, holds the secret of a secret file.
//! 3. What is shown holds no control character but line ends.
//! 4. Durations that the policy holds are not negative, and every issuer that it names is found by its name.

#![no_main]

use std::io;
use std::path::{Path, PathBuf};

use jwtriage::policy::check::Check;
use jwtriage::policy::{Files, IssuerName, KeyStatus, Policy, jwks};
use jwtriage::timestamp::Timestamp;
use libfuzzer_sys::fuzz_target;

/// How every secret file begins: in any encoding these are characters of a secret.
const SECRET: &str = "c0ffee5ec4e75eed";

/// Every file that may be named.
struct Any<'a>(&'a [u8]);

impl Files for Any<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        match path.extension() {
            Some(extension) if extension == "secret" => Ok([SECRET.as_bytes(), self.0].concat()),
            _ => Ok(self.0.to_vec()),
        }
    }

    fn matching(&self, _: &str) -> Result<Vec<PathBuf>, String> {
        Ok(["keys/2026-06-11.json", "keys/latest.json"].map(PathBuf::from).to_vec())
    }

    fn modified(&self, _: &Path) -> Option<Timestamp> {
        Some(Timestamp::from_seconds(1_800_000_000))
    }
}

fuzz_target!(|data: &[u8]| {
    let nul = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (text, rest) = (&data[..nul], data.get(nul + 1..).unwrap_or_default());
    let Ok(text) = std::str::from_utf8(text) else { return };
    // Who writes the secret into the policy itself will see it there.
    if text.contains(SECRET) || rest.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()) {
        return;
    }
    documents(rest);
    match Policy::from_toml(text, Path::new("policy.toml"), &Any(rest)) {
        Ok(policy) => check(&policy),
        Err(error) => may_be_shown(&error.to_string()),
    }
});

fn documents(document: &[u8]) {
    let mut warnings = Vec::new();
    match jwks::parse(document, "keys.json", &mut warnings) {
        Ok(keys) => keys.iter().for_each(|key| {
            for alg in ["RS256", "ES256", "HS256", "EdDSA", "?"] {
                let _ = (key.fits(alg), key.signature_len());
            }
            let _ = format!("{key:?}");
        }),
        Err(error) => may_be_shown(&error),
    }
    warnings.iter().for_each(|warning| may_be_shown(&warning.to_string()));
}

fn check(policy: &Policy) {
    let shown = Check(policy).to_string();
    may_be_shown(&shown);
    assert_eq!(shown, Check(&policy.clone()).to_string());
    holds_no_secret(&format!("{policy:?}"));
    policy.warnings().iter().chain(policy.doubts()).for_each(|warning| may_be_shown(&warning.to_string()));
    assert!(policy.leeway >= 0);
    for issuer in &policy.issuers {
        assert!(issuer.rules.max_lifetime.is_none_or(|lifetime| lifetime >= 0));
        if let IssuerName::Exact(name) = &issuer.name {
            assert!(policy.issuer_of(name).is_some_and(|found| found.name.matches(name)));
        }
        for entry in &issuer.rules.keys {
            let Some(kid) = &entry.key.kid else { continue };
            assert_ne!(issuer.rules.keys.status(kid, Timestamp::from_seconds(0)), KeyStatus::Unknown);
        }
    }
}

fn may_be_shown(text: &str) {
    let control = text.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(control, None, "a control character is shown");
    holds_no_secret(text);
}

/// Neither as text nor as the numbers of its bytes.
fn holds_no_secret(text: &str) {
    let numbers: Vec<String> = SECRET.bytes().map(|byte| byte.to_string()).collect();
    assert!(!text.contains(SECRET) && !text.contains(&numbers.join(", ")), "a secret is shown");
}
