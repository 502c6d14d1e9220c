//! Nothing that jwtriage writes holds a part of a token, or a claim that nobody asked to see.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use jwtriage::input::chunk::Chunker;
use jwtriage::policy::Policy;
use jwtriage::scan::lines::{Lines, TimeContext};
use jwtriage::secret::{Fingerprinter, RawToken};
use jwtriage::token::decode;
use jwtriage::triage::{SourceId, Worker};
use jwtriage::verdict::Judge;

use crate::support::{self, CLAIMS, NOON, gzip, hs256, jwtriage, options, token};

/// Values of claims that no report shows, each of which stands nowhere else.
const HIDDEN: [&str; 5] = [
    "ada.lovelace@example.org",
    "hidden-jti-4711",
    "hidden-scope-value",
    "hidden-salt-0815",
    "hidden-nested",
];

/// How many characters of a segment in a row are too many.
const WINDOW: usize = 12;

/// Claims that hold everything that must not be seen, and a claim that may be.
fn claims(exp: i64) -> String {
    let [sub, jti, scope, _, nested] = HIDDEN;
    format!(
        r#"{{"iss":"https://auth.example.com/","aud":["api"],"azp":"web","sub":"{sub}","jti":"{jti}","scope":"{scope}","tenant":"acme","deep":{{"a":["{nested}"]}},"exp":{exp}}}"#
    )
}

/// Tokens whose every part is looked for.
fn tokens() -> Vec<String> {
    vec![
        token(r#"{"alg":"HS256","typ":"JWT"}"#, &claims(NOON + 60), 32),
        token(r#"{"alg":"RS256","kid":"key-1"}"#, &claims(NOON - 60), 256),
        token("{ \"alg\": \"ES256\"\n}", &claims(NOON + 7), 64),
        token(r#"{"alg":"none"}"#, &claims(NOON + 9), 0),
        token(r#"{"alg":"HS256"}"#, &claims(NOON).replace("\"exp\":", "\"exp\":\"x\",\"exp\":"), 32),
        token(r#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#, "an encrypted key of forty bytes and more", 30),
        // A token inside a token, and where a careless issuer or an attacker may put one: in what reports show.
        token(&format!(r#"{{"alg":"HS256","kid":"{0}","typ":"{0}"}}"#, nested()), &claims(NOON), 32),
        token(
            r#"{"alg":"HS256"}"#,
            &format!(r#"{{"iss":"{0}","aud":["x {0}","{0}"],"azp":"{0}","tenant":"{0}"}}"#, nested()),
            32,
        ),
        nested(),
    ]
}

/// The token that stands inside others.
fn nested() -> String {
    token(r#"{"alg":"HS256","typ":"at+jwt"}"#, r#"{"sub":"hidden-nested","n":1}"#, 32)
}

/// A log that holds the tokens in every shape, and none of it twice on a line.
fn log() -> String {
    let disclosure = BASE64URL_NOPAD.encode(br#"["hidden-salt-0815","name","Ada"]"#);
    let mut log = String::new();
    for whole in tokens() {
        let middle = whole.len() / 2;
        let shapes = [
            whole.clone(),
            whole[..middle].to_owned(),
            whole[..whole.len() - 9].to_owned(),
            format!("{}***", &whole[..middle]),
            format!("{}...{}", &whole[..middle], &whole[middle..]),
            whole.replace('.', "%2E"),
            whole.replace('-', "+").replace('_', "/"),
            whole.replace('.', "=.") + "==",
            format!("{whole}~{disclosure}~"),
            format!("{whole}.{disclosure}.{disclosure}"),
            format!("/path/{whole}/more?x={whole}"),
            format!("\u{1b}[31m{whole}\u{1b}[0m"),
        ];
        for (n, shape) in shapes.iter().enumerate() {
            log += &format!("2026-06-12T01:00:{n:02}Z GET /?access_token={shape}\n");
            log += &format!("{{\"time\":\"2026-06-12T01:00:{n:02}Z\",\"auth\":\"Bearer {shape}\"}}\n");
            log += &format!("\tat undated {shape}\n");
        }
    }
    log
}

/// What must stand nowhere.
struct Secrets {
    windows: HashSet<Vec<u8>>,
}

impl Secrets {
    fn new() -> Self {
        let parts: Vec<String> = tokens()
            .iter()
            .flat_map(|token| token.split('.').map(str::to_owned).collect::<Vec<_>>())
            .collect();
        let disclosure = BASE64URL_NOPAD.encode(br#"["hidden-salt-0815","name","Ada"]"#);
        let windows = parts
            .iter()
            .chain([&disclosure])
            .flat_map(|part| part.as_bytes().windows(WINDOW))
            .map(<[u8]>::to_vec)
            .collect();
        Self { windows }
    }

    /// Asserts that none of it stands in what was written.
    fn assert_absent(&self, what: &str, written: &[u8]) {
        let text = String::from_utf8_lossy(written);
        if let Some(at) = written.windows(WINDOW).position(|window| self.windows.contains(window)) {
            panic!("{what} holds a part of a token at byte {at}: {}", &text[..text.len().min(3000)]);
        }
        for hidden in HIDDEN {
            assert!(!text.contains(hidden), "{what} holds {hidden}");
            assert!(
                !text.contains(&HEXLOWER.encode(hidden.as_bytes())),
                "{what} holds {hidden} in hexadecimal"
            );
        }
        // `Debug` of bytes writes them as numbers.
        let numbers = format!("{:?}", &tokens()[0].as_bytes()[4..10]);
        assert!(
            !text.contains(numbers.trim_matches(['[', ']'])),
            "{what} holds a part of a token as numbers"
        );
    }

    /// Asserts that no file below a directory holds any of it, nor the name of one.
    fn assert_absent_below(&self, dir: &Path) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            self.assert_absent("the name of a file", path.as_os_str().as_encoded_bytes());
            if path.is_dir() {
                self.assert_absent_below(&path);
            } else {
                self.assert_absent(&path.display().to_string(), &fs::read(&path).unwrap());
            }
        }
    }
}

/// Inputs of every kind, whole and damaged, in `logs`.
fn write_logs(logs: &Path) {
    let log = log();
    fs::create_dir(logs).unwrap();
    fs::write(logs.join("app.log"), &log).unwrap();
    let gz = gzip(&log);
    fs::write(logs.join("cut.log.gz"), &gz[..gz.len() / 2]).unwrap();
    fs::write(logs.join("damaged.log.gz"), [&gz[..gz.len() / 2], b"garbage", &gz[gz.len() / 2..]].concat())
        .unwrap();
    fs::write(logs.join("archive.zip"), [b"PK\x03\x04", log.as_bytes()].concat()).unwrap();
    let mut archive = tar::Builder::new(Vec::new());
    for name in ["var/log/app.log", &format!("requests/{}", &tokens()[0][..90])] {
        let mut header = tar::Header::new_gnu();
        header.set_size(log.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, log.as_bytes()).unwrap();
    }
    let archive = archive.into_inner().unwrap();
    fs::write(logs.join("bundle.tar"), &archive).unwrap();
    fs::write(logs.join("cut.tar"), &archive[..archive.len() - 3000]).unwrap();
    fs::write(
        logs.join("wide.log"),
        log.encode_utf16().flat_map(u16::to_le_bytes).fold(vec![0xff, 0xfe], |mut all, byte| {
            all.push(byte);
            all
        }),
    )
    .unwrap();
}

#[test]
fn no_output_of_a_scan_holds_a_part_of_a_token_or_an_unnamed_claim() {
    let secrets = Secrets::new();
    let dir = tempfile::tempdir().unwrap();
    let logs = tempfile::tempdir().unwrap();
    write_logs(&logs.path().join("logs"));
    fs::write(dir.path().join("key"), "a key of our own, long enough").unwrap();
    fs::write(
        dir.path().join("policy.toml"),
        "show_claims = [\"tenant\"]\n[[issuer]]\niss = \"https://auth.example.com/\"\naudiences = [\"other\"]\nrequired_claims = [\"nothing\"]\n",
    )
    .unwrap();
    for (n, more) in [&[][..], &["--policy", "policy.toml", "--fingerprint-key", "key", "--color", "always"]]
        .iter()
        .enumerate()
    {
        let out = format!("report{n}");
        let done = jwtriage(dir.path())
            .args([
                "scan",
                "-",
                "--occurrences",
                "--format",
                "all",
                "--progress",
                "plain",
                "--fail-on",
                "any,live",
                "--out",
                &out,
            ])
            .args(["--now", "2026-06-12T01:00:00Z"])
            .arg(logs.path().join("logs"))
            .args(*more)
            // A token that was pasted where a path belongs comes back in the reports' command line, masked.
            .arg(format!("pasted/{}", tokens()[0]))
            .write_stdin(log())
            .env("RUST_BACKTRACE", "1")
            .output()
            .unwrap();
        assert_eq!(done.status.code(), Some(3), "damaged inputs are told");
        assert!(done.stderr.len() > 100 && done.stdout.len() > 100);
        secrets.assert_absent("stdout", &done.stdout);
        secrets.assert_absent("stderr", &done.stderr);
        let rows = support::rows(&fs::read(dir.path().join(&out).join("occurrences.csv")).unwrap());
        assert!(rows.len() > 1000, "only {} findings", rows.len());
        let live = support::rows(&fs::read(dir.path().join(&out).join("live.csv")).unwrap());
        assert!(!live.is_empty(), "no live token");
    }
    secrets.assert_absent_below(dir.path());
    let shown = |report: &str| {
        let csv = fs::read(dir.path().join(report).join("tokens.csv")).unwrap();
        let subjects = support::rows(&csv).iter().any(|row| !row["sub_fingerprint"].is_empty());
        (subjects, String::from_utf8(csv).unwrap().contains("acme"))
    };
    assert_eq!(shown("report0"), (false, false), "nobody asked for it");
    assert_eq!(shown("report1"), (true, true), "what was asked for is shown");
}

#[test]
fn no_policy_that_is_inferred_holds_a_part_of_a_token_or_a_claim_that_policies_do_not_name() {
    let secrets = Secrets::new();
    let dir = tempfile::tempdir().unwrap();
    let logs = tempfile::tempdir().unwrap();
    write_logs(&logs.path().join("logs"));
    for out in [&[][..], &["--out", "policy.toml"]] {
        let done = jwtriage(dir.path())
            .args(["policy", "infer", "--progress", "plain"])
            .arg(logs.path().join("logs"))
            .args(out)
            .output()
            .unwrap();
        assert_eq!(done.status.code(), Some(3), "damaged inputs are told");
        secrets.assert_absent("stdout", &done.stdout);
        secrets.assert_absent("stderr", &done.stderr);
    }
    secrets.assert_absent_below(dir.path());
    let policy = fs::read_to_string(dir.path().join("policy.toml")).unwrap();
    assert!(policy.contains("it holds a token") && !policy.contains("acme"), "{policy}");
    Policy::from_file(&dir.path().join("policy.toml")).unwrap();
}

#[test]
fn mistakes_in_a_policy_are_told_without_the_token_that_was_pasted_there() {
    let secrets = Secrets::new();
    let pasted = &tokens()[0];
    let policies = [
        format!("{pasted} = 1\n"),
        format!("leeway = \"{pasted}\"\n"),
        format!("leeway = {pasted}\n"),
        format!("[[issuer]]\niss_pattern = \"({pasted}\"\n"),
        format!("[[issuer]]\niss = \"a\"\ntoken_type = \"{pasted}\"\n"),
        format!("[[issuer]]\niss = \"a\"\nalgorithms = [\"{pasted}\"]\n"),
        format!("[[issuer]]\niss = \"a\"\n[[issuer.keys]]\njwks = \"k.json\"\nfrom = \"{pasted}\"\n"),
        format!(
            "[[issuer]]\niss = \"a\"\n[[issuer.keys]]\nsecret_file = \"k.json\"\nencoding = \"{pasted}\"\n"
        ),
        "[[issuer]]\niss = \"a\"\n[[issuer.keys]]\njwks = \"k.json\"\n".to_owned(),
        "[[issuer]]\niss = \"a\"\n[[issuer.keys]]\nsecret_file = \"k.json\"\nencoding = \"hex\"\n".to_owned(),
        pasted.clone(),
    ];
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("k.json"), format!("{{\"keys\":[\"{pasted}\", {pasted}]}}")).unwrap();
    for policy in policies {
        fs::write(dir.path().join("policy.toml"), &policy).unwrap();
        for command in [&["policy", "check", "policy.toml"][..], &["scan", "-", "--policy", "policy.toml"]] {
            let done = jwtriage(dir.path()).args(command).output().unwrap();
            assert_eq!(done.status.code(), Some(2), "{policy}");
            secrets.assert_absent("stderr", &done.stderr);
            secrets.assert_absent("stdout", &done.stdout);
        }
    }
}

#[test]
fn debug_of_what_holds_a_token_shows_nothing_of_it() {
    let secrets = Secrets::new();
    let log = log();
    let (policy, options) = (Policy::default(), options());
    for whole in tokens().iter().take(6) {
        let decoded = decode(whole.as_bytes(), &["tenant".to_owned()]).unwrap();
        secrets.assert_absent("Decoded", format!("{decoded:?} {decoded:#?}").as_bytes());
        secrets.assert_absent("Token", format!("{:?} {:#?}", decoded.token, decoded.token.claims).as_bytes());
        secrets.assert_absent(
            "RawToken",
            format!("{:?} {:#?}", decoded.own(), RawToken::new(whole.as_bytes())).as_bytes(),
        );
        let judgement = Judge::new(&policy).prepare(&decoded.token, decoded.signed());
        secrets.assert_absent("Judgement", format!("{judgement:?} {:?}", judgement.at(None)).as_bytes());
        let name = Fingerprinter::public().token(decoded.own());
        secrets.assert_absent("Fingerprint", format!("{name:?}").as_bytes());
    }
    let mut chunker = Chunker::new(log.as_bytes(), 0, 5000);
    let chunk = chunker.next_chunk(Vec::new()).unwrap();
    let context = TimeContext::default();
    let mut worker = Worker::new(&options.criteria);
    worker.triage(&chunk, &context, &SourceId { name: "app.log".into(), number: 0 }, None);
    secrets.assert_absent("Worker", format!("{worker:?}").as_bytes());
    secrets.assert_absent("Chunk", format!("{chunk:?} {chunk:#?}").as_bytes());
    secrets.assert_absent("Lines", format!("{:?}", Lines::new(&chunk, &context)).as_bytes());
}

#[test]
fn a_token_that_is_pasted_into_the_command_line_does_not_come_back_out() {
    let dir = tempfile::tempdir().unwrap();
    let token = hs256(CLAIMS);
    let flag = format!("--{token}");
    for args in [
        vec![token.as_str()],
        vec!["scan", &flag],
        vec!["scan", "--threads", &token],
        vec!["scan", "--progress", &token],
        vec!["scan", "--color", &token],
        vec!["scan", "--fail-on", &token],
        vec!["scan", "--tz", &token],
        vec!["scan", "--now", &token],
    ] {
        let output = jwtriage(dir.path()).args(&args).output().unwrap();
        let shown = [output.stdout, output.stderr].concat();
        let shown = String::from_utf8_lossy(&shown);
        assert_eq!(output.status.code(), Some(2), "{shown}");
        let leaks = token
            .as_bytes()
            .windows(12)
            .any(|window| memchr::memmem::find(shown.as_bytes(), window).is_some());
        assert!(!leaks, "{shown}");
    }
}
