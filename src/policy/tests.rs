//! A policy as a whole: every error text, every doubt, and what a right policy comes to.

use super::check::Check;
use super::*;
use crate::timestamp::Timestamp;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

/// A policy at `conf/policy.toml` with the files that it names.
fn policy_with(text: &str, files: &[(&str, &str)]) -> Result<Policy> {
    let files: BTreeMap<PathBuf, Vec<u8>> = files
        .iter()
        .map(|(path, content)| (PathBuf::from("conf").join(path), content.as_bytes().to_vec()))
        .collect();
    Policy::from_toml(text, Path::new("conf/policy.toml"), &|path: &Path| {
        files.get(path).cloned().ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no such file"))
    })
}

fn error(text: &str) -> String {
    policy_with(text, &[("bad.json", "[]"), ("empty.json", "{\"keys\":[]}"), ("odd.hex", "xyz")])
        .unwrap_err()
        .to_string()
}

fn jwk(kid: &str) -> String {
    format!(
        r#"{{"kty":"OKP","crv":"Ed25519","kid":"{kid}","x":"{}"}}"#,
        data_encoding::BASE64URL_NOPAD.encode(&[5; 32])
    )
}

fn jwks(kids: &[&str]) -> String {
    let keys: Vec<String> = kids.iter().map(|kid| jwk(kid)).collect();
    format!("{{\"keys\":[{}]}}", keys.join(","))
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The example that the documentation gives.
const WHOLE: &str = r#"
leeway = "30s"
show_claims = ["tenant"]

[[issuer]]
iss = "https://auth.example.com/"
environment = "prod"
audiences = ["https://api.example.com"]
algorithms = ["RS256", "EdDSA"]
token_type = "access"
required_claims = ["sub", "scope"]
max_lifetime = "1h"
require_kid = true
  [[issuer.keys]]
  jwks = "keys/2026-05.json"
  until = "2026-06-12T02:00:00Z"
  [[issuer.keys]]
  jwks = "keys/2026-06.json"
  from = 2026-06-12T03:30:00+02:00

[[issuer]]
iss_pattern = 'https://login\.example\.com/[0-9a-f]{4}/v2\.0'
environment = "stage"
trusted = false
algorithms = ["ES256"]
audiences = ["https://api.example.com", "b"]
"#;

fn whole() -> Policy {
    let files =
        [("keys/2026-05.json", jwks(&["may", "both"])), ("keys/2026-06.json", jwks(&["both", "june"]))];
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    policy_with(WHOLE, &files).unwrap()
}

#[test]
fn a_whole_policy_is_understood() {
    let policy = whole();
    assert_eq!((policy.leeway, &policy.show_claims), (30_000, &vec!["tenant".to_owned()]));
    let issuer = policy.issuer_of("https://auth.example.com/").unwrap();
    assert_eq!((issuer.environment.as_str(), issuer.trusted), ("prod", true));
    assert_eq!(issuer.rules.token_type, Some(TokenType::Access));
    assert_eq!(issuer.rules.required_claims, ["sub", "scope"]);
    assert_eq!((issuer.rules.max_lifetime, issuer.rules.require_kid), (Some(3_600_000), true));
    for (kid, time, status) in [
        ("may", "2026-06-12T01:59:59.999Z", KeyStatus::Current),
        ("may", "2026-06-12T02:00:00.000Z", KeyStatus::Retired),
        ("june", "2026-06-12T01:29:59Z", KeyStatus::Future),
        ("june", "2026-06-12T01:30:00Z", KeyStatus::Current),
        ("both", "2026-06-12T03:00:00Z", KeyStatus::Current),
        ("other", "2026-06-12T03:00:00Z", KeyStatus::Unknown),
    ] {
        assert_eq!(issuer.rules.keys.status(kid, at(time)), status, "{kid} at {time}");
    }
    assert!(policy.warnings().is_empty(), "{:?}", policy.warnings());
}

#[test]
fn a_pattern_is_anchored_at_both_ends_and_an_exact_name_comes_first() {
    let policy = whole();
    let stage = policy.issuer_of("https://login.example.com/01ab/v2.0").unwrap();
    assert_eq!((stage.environment.as_str(), stage.trusted), ("stage", false));
    for iss in [
        "xhttps://login.example.com/01ab/v2.0",
        "https://login.example.com/01ab/v2.0\n",
        "https://auth.example.com",
        "",
    ] {
        assert!(policy.issuer_of(iss).is_none(), "{iss}");
    }
    let policy = policy_with(
        "[[issuer]]\niss_pattern = 'a|ab'\nenvironment = \"p\"\n[[issuer]]\niss_pattern = 'a.'\nenvironment = \"q\"\n[[issuer]]\niss = \"a\"\nenvironment = \"r\"",
        &[],
    )
    .unwrap();
    let environment = |iss| policy.issuer_of(iss).map(|issuer| issuer.environment.as_str());
    assert_eq!(environment("a"), Some("r"));
    assert_eq!(environment("ab"), Some("p"), "an alternative is anchored too, and the first pattern wins");
    assert_eq!(environment("ac"), Some("q"));
    assert_eq!(environment("abc"), None);
}

#[test]
fn the_union_holds_what_any_issuer_allows_and_asks_for_nothing_else() {
    let policy = whole();
    let union = policy.union();
    assert_eq!(union.algorithms.as_ref().unwrap(), &["ES256", "EdDSA", "RS256"]);
    assert_eq!(union.audiences.as_ref().unwrap(), &["b", "https://api.example.com"]);
    assert_eq!(union.keys.with_kid("both").len(), 2);
    assert!(union.required_claims.is_empty() && union.max_lifetime.is_none() && union.token_type.is_none());
    assert!(!union.require_kid);
    let open = policy_with("[[issuer]]\niss = \"a\"\nalgorithms = [\"RS256\"]\n[[issuer]]\niss = \"b\"", &[])
        .unwrap();
    assert_eq!((&open.union().algorithms, &open.union().audiences), (&None, &None));
}

#[test]
fn no_policy_judges_nothing() {
    let policy = Policy::default();
    assert!(!policy.judges_issuers() && policy.issuer_of("a").is_none() && policy.union().keys.is_empty());
    assert_eq!(policy.union().keys.status("a", at("2026-01-01T00:00:00Z")), KeyStatus::Unchecked);
    assert!(
        policy_with("", &[]).unwrap().warnings().is_empty(),
        "an empty file is a policy that asks for nothing"
    );
}

#[test]
fn every_mistake_names_its_line_its_key_and_what_was_expected() {
    let issuer = |rest: &str| format!("[[issuer]]\niss = \"a\"\n{rest}");
    let keys = |rest: &str| issuer(&format!("[[issuer.keys]]\n{rest}"));
    let message = |rest: &str| format!("[[message]]\ncause = \"expired\"\n{rest}");
    for (text, expected) in [
        ("a = ".to_owned(), "1: this is not TOML: string values must be quoted, expected literal string"),
        (
            issuer("audience = [\"x\"]"),
            "3: unknown key \"audience\" in [[issuer]]; did you mean \"audiences\"?",
        ),
        (issuer("AUD = 1"), "3: unknown key \"AUD\" in [[issuer]]; did you mean \"audiences\"?"),
        (
            issuer("max-lifetime = 1"),
            "3: unknown key \"max-lifetime\" in [[issuer]]; did you mean \"max_lifetime\"?",
        ),
        (
            issuer("leeway = \"1s\""),
            "3: unknown key \"leeway\" in [[issuer]]; it belongs at the top, above the first [[issuer]]",
        ),
        (issuer("jwks = \"k\""), "3: unknown key \"jwks\" in [[issuer]]; it belongs in [[issuer.keys]]"),
        ("leway = \"1s\"".to_owned(), "1: unknown key \"leway\" in the policy; did you mean \"leeway\"?"),
        (
            "[[issuers]]\niss = \"a\"".to_owned(),
            "1: unknown key \"issuers\" in the policy; did you mean \"issuer\"?",
        ),
        (
            keys("jwk = \"x\"\njwks = \"empty.json\""),
            "4: unknown key \"jwk\" in [[issuer.keys]]; did you mean \"jwks\"?",
        ),
        (
            "[issuer]\niss = \"a\"".to_owned(),
            "1: issuer: expected an array of tables, each under [[issuer]], found a table",
        ),
        (
            "issuer = [1]".to_owned(),
            "1: issuer: expected an array of tables, each under [[issuer]], found the integer 1",
        ),
        (
            issuer("keys = 1"),
            "3: keys: expected an array of tables, each under [[issuer.keys]], found the integer 1",
        ),
        (
            "leeway = 30".to_owned(),
            "1: leeway: expected a duration with its unit, in quotes, such as \"30s\", \"5m\" or \"1h30m\", found the integer 30",
        ),
        (
            "leeway = \"30\"".to_owned(),
            "1: leeway: expected a duration with its unit, such as \"30s\", \"5m\", \"1h30m\" or \"500ms\", found \"30\"",
        ),
        (
            issuer("max_lifetime = \"-1h\""),
            "3: max_lifetime: expected a duration with its unit, such as \"30s\", \"5m\", \"1h30m\" or \"500ms\", found \"-1h\"",
        ),
        (issuer("trusted = \"yes\""), "3: trusted: expected true or false, found the string \"yes\""),
        (issuer("audiences = \"x\""), "3: audiences: expected an array of strings, found the string \"x\""),
        (
            issuer("audiences = [\n\"x\",\n1.5]"),
            "5: audiences: expected an array of strings that are not empty, found the float 1.5",
        ),
        (
            issuer("required_claims = [\"\"]"),
            "3: required_claims: expected an array of strings that are not empty, found an empty string",
        ),
        (
            issuer("audiences = []"),
            "3: audiences: expected at least one value, found none; leave audiences out not to judge audiences",
        ),
        (
            issuer("algorithms = []"),
            "3: algorithms: expected at least one value, found none; leave algorithms out to allow everything but none",
        ),
        (
            issuer("algorithms = [\"RS256\", \"None\"]"),
            "3: algorithms: alg \"None\" is never allowed: anybody can write such a token",
        ),
        (
            issuer("algorithms = [\"rs256\"]"),
            "3: algorithms: expected a signature algorithm, found \"rs256\"; write \"RS256\", letter case matters",
        ),
        (
            issuer("token_type = \"refresh\""),
            "3: token_type: expected \"access\" or \"id\" or \"any\", found \"refresh\"",
        ),
        (
            "[[issuer]]\nenvironment = \"x\"".to_owned(),
            "1: [[issuer]]: expected iss or iss_pattern, found neither",
        ),
        (
            issuer("iss_pattern = \"b\""),
            "3: iss_pattern: expected iss or iss_pattern, found both; write two [[issuer]] tables",
        ),
        (
            "[[issuer]]\niss_pattern = 'a)|(b'".to_owned(),
            "2: iss_pattern: expected a regular expression, found \"a)|(b\": unopened group",
        ),
        (
            "[[issuer]]\niss = \"\"".to_owned(),
            "2: iss: expected the value of a token's iss, such as \"https://auth.example.com/\", found an empty string",
        ),
        (
            "[[issuer]]\niss = \"https:/a\"".to_owned(),
            "2: iss: expected a name or a URL such as https://auth.example.com/, found \"https:/a\": \"//\" and a host must follow \"https:\"",
        ),
        (
            issuer("audiences = [\"https://\"]"),
            "3: audiences: expected a name or a URL such as https://auth.example.com/, found \"https://\": it has no host",
        ),
        (
            issuer("[[issuer]]\niss = \"a\""),
            "4: iss: \"a\" is there twice (line 2); write one [[issuer]] for it",
        ),
        (
            keys("from = \"2026-01-01T00:00:00Z\""),
            "3: [[issuer.keys]]: expected jwks or jwks_snapshots or pem or secret_file, found none of them",
        ),
        (
            keys("jwks = \"empty.json\"\nsecret_file = \"b\""),
            "5: secret_file: expected jwks or secret_file, found both; write two [[issuer.keys]] tables",
        ),
        (
            keys("jwks = \"empty.json\"\nencoding = \"hex\""),
            "5: encoding: expected beside secret_file only; the other files say it themselves",
        ),
        (
            keys("secret_file = \"odd.hex\"\nencoding = \"hexa\""),
            "5: encoding: expected \"raw\" or \"base64\" or \"base64url\" or \"hex\", found \"hexa\"",
        ),
        (
            keys("secret_file = \"odd.hex\"\nencoding = \"hex\""),
            "4: secret_file: conf/odd.hex: expected a secret in hex, found something else",
        ),
        (keys("jwks = \"no.json\""), "4: jwks: conf/no.json: cannot read it: no such file"),
        (
            keys("jwks = \"bad.json\""),
            "4: jwks: conf/bad.json: expected a JWKS document (a JSON object with an array \"keys\"), found an array",
        ),
        (
            keys("jwks = \"empty.json\"\nfrom = \"12 June\""),
            "5: from: expected an RFC 3339 time such as 2026-06-12T02:00:00Z, but found \"12 June\"",
        ),
        (
            keys("jwks = \"empty.json\"\nfrom = 2026-06-12"),
            "5: from: expected an RFC 3339 time such as 2026-06-12T02:00:00Z, but found \"2026-06-12\"",
        ),
        (
            keys("jwks = \"empty.json\"\nuntil = 2026"),
            "5: until: expected an RFC 3339 time such as \"2026-06-12T02:00:00Z\", found the integer 2026",
        ),
        (
            keys(
                "jwks = \"empty.json\"\nfrom = \"2026-06-12T02:00:00Z\"\nuntil = \"2026-06-12T02:00:00.0Z\"",
            ),
            "6: until: expected an instant after from (2026-06-12T02:00:00Z), found 2026-06-12T02:00:00Z",
        ),
        (
            "[[message]]\npatern = \"x\"\npattern = \"gate closed\"\ncause = \"expired\"".to_owned(),
            "2: unknown key \"patern\" in [[message]]; did you mean \"pattern\"?",
        ),
        ("[[message]]\ncause = \"expired\"".to_owned(), "1: [[message]]: expected pattern, found nothing"),
        (
            "[[message]]\npattern = \"gate closed\"".to_owned(),
            "1: [[message]]: expected cause, found nothing",
        ),
        (
            message("pattern = \"gate (closed\""),
            "3: pattern: expected a regular expression, found \"gate (closed\": unclosed group",
        ),
        (
            message("pattern = \"[a-z]+\""),
            "3: pattern: expected a regular expression, found \"[a-z]+\": every match must hold a fixed text of at least 3 letters in the same case; add words of the message",
        ),
        (
            message("pattern = \"gate closed\"\nrank = 4"),
            "4: rank: expected 1 (generic) to 3 (names the cause), found 4",
        ),
        (
            message("pattern = \"gate closed\"\nrank = \"high\""),
            "4: rank: expected 1, 2 or 3, found the string \"high\"",
        ),
        ("pattern = \"x\"".to_owned(), "1: unknown key \"pattern\" in the policy; it belongs in [[message]]"),
    ] {
        assert_eq!(error(&text), format!("conf/policy.toml:{expected}"), "{text}");
    }
}

#[test]
fn an_unknown_cause_is_told_the_known_ones() {
    let error = error("[[message]]\npattern = \"gate closed\"\ncause = \"late\"");
    assert!(error.starts_with("conf/policy.toml:3: cause: expected \"missing_token\" or "), "{error}");
    assert!(error.ends_with(", found \"late\""), "{error}");
}

#[test]
fn messages_of_the_users_own_have_defaults() {
    let policy = policy_with(
        "[[message]]\npattern = 'gate closed for \\w+'\ncause = \"wrong_audience\"\n\
         [[message]]\npattern = \"late\"\ncause = \"expired\"\nstack = \"shop\"\nrank = 0x1",
        &[],
    )
    .unwrap();
    let entries: Vec<_> = policy.messages.iter().map(OwnMessage::entry).collect();
    let told: Vec<_> =
        entries.iter().map(|e| (e.stack.as_str(), e.message.as_str(), e.cause.as_str(), e.rank)).collect();
    assert_eq!(told, [("own", "gate closed for …", "wrong_audience", 3), ("shop", "late", "expired", 1)]);
    let check = Check(&policy).to_string();
    assert!(check.contains("\nmessage of own: gate closed for … (wrong_audience, rank 3)\n"), "{check}");
}

#[test]
fn an_unknown_algorithm_is_told_the_known_ones() {
    let error = error("[[issuer]]\niss = \"a\"\nalgorithms = [\"RSA\"]");
    assert!(
        error.contains("found \"RSA\"; known are HS256, HS384,") && error.ends_with("Ed25519, Ed448"),
        "{error}"
    );
}

#[test]
fn all_mistakes_are_reported_at_once_in_the_order_of_the_file() {
    let error = error("leeway = 1\n[[issuer]]\nalgorithms = [\"x\"]\nfoo = 1\ntrusted = 0");
    let places: Vec<&str> = error.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(places.len(), 5, "{error}");
    assert_eq!(
        places,
        [
            "conf/policy.toml:1:",
            "conf/policy.toml:2:",
            "conf/policy.toml:3:",
            "conf/policy.toml:4:",
            "conf/policy.toml:5:"
        ]
    );
}

#[test]
fn key_warnings_name_the_file_and_are_told_once() {
    let text = "[[issuer]]\niss = \"a\"\nalgorithms = [\"HS384\"]\n[[issuer.keys]]\nsecret_file = \"s\"\n[[issuer.keys]]\nsecret_file = \"s\"";
    let policy = policy_with(text, &[("s", "hunter2\n")]).unwrap();
    let warnings: Vec<String> = policy.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "conf/s: the raw secret ends with a newline, which is taken as a part of it; write the file without one if it is not",
            "conf/s: a secret of 8 bytes, but HS384 demands 48 (RFC 7518 §3.2)",
        ]
    );
}

#[test]
fn a_short_secret_in_a_jwks_is_measured_by_its_own_algorithm_else_by_the_issuer_s() {
    let document = r#"{"keys":[{"kty":"oct","kid":"own","alg":"HS256","k":"aHVudGVyMg"},{"kty":"oct","kid":"open","k":"aHVudGVyMg"}]}"#;
    let text = "[[issuer]]\niss = \"a\"\nalgorithms = [\"HS512\"]\n[[issuer.keys]]\njwks = \"k.json\"";
    let policy = policy_with(text, &[("k.json", document)]).unwrap();
    let short: Vec<String> = policy
        .warnings()
        .iter()
        .map(ToString::to_string)
        .filter(|warning| warning.contains("demands"))
        .collect();
    assert_eq!(
        short,
        [
            "conf/k.json: key \"own\": a secret of 7 bytes, but HS256 demands 32 (RFC 7518 §3.2)",
            "conf/k.json: key \"open\": a secret of 7 bytes, but HS512 demands 64 (RFC 7518 §3.2)",
        ]
    );
}

#[test]
fn every_doubt_names_its_line() {
    let (one, two) =
        (jwks(&["k"]), "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\",\"x\":\"AA\"}]}");
    let files = [
        ("one.json", one.as_str()),
        ("two.json", two),
        ("s", "0123456789abcdef0123456789abcdef"),
        ("none.json", "{\"keys\":[]}"),
    ];
    let set = |file: &str, rest: &str| format!("[[issuer.keys]]\njwks = \"{file}\"\n{rest}\n");
    let issuer = |rest: &str| format!("[[issuer]]\niss = \"a\"\naudiences = [\"x\"]\n{rest}");
    let rotation = |until: &str, from: &str| {
        issuer(
            &(set("one.json", &format!("until = \"{until}\""))
                + &set("one.json", &format!("from = \"{from}\""))),
        )
    };
    for (text, expected) in [
        (String::new(), vec!["conf/policy.toml: no issuer is named: issuers are not judged"]),
        (
            format!("leeway = \"6m\"\n{}", issuer(&set("one.json", ""))),
            vec!["conf/policy.toml:1: a leeway of 6m hides real expiry; 5m is a lot"],
        ),
        (
            issuer("trusted = false"),
            vec!["conf/policy.toml: no issuer is trusted: every token is wrong_issuer at best"],
        ),
        (
            "[[issuer]]\niss = \"a\"".to_owned(),
            vec![
                "conf/policy.toml:1: the issuer \"a\" has no audiences: any aud is valid",
                "conf/policy.toml:1: the issuer \"a\" has no keys: kid and signature are not judged",
            ],
        ),
        (
            issuer(&set("none.json", "")),
            vec![
                "conf/policy.toml:1: the key sets of the issuer \"a\" hold no key: kid and signature are not judged",
            ],
        ),
        (
            issuer(&format!("{}[[issuer]]\niss = \"A/\"\ntrusted = false\n", set("one.json", ""))),
            vec![
                "conf/policy.toml:7: issuers \"a\" and \"A/\" differ only by letter case or a trailing slash",
            ],
        ),
        (
            format!("{}[[issuer]]\niss = \"http://b\"\ntrusted = false", issuer(&set("one.json", ""))),
            vec!["conf/policy.toml:7: the issuer \"http://b\" is not https"],
        ),
        (
            format!("{}[[issuer]]\niss = \"1:2\"\ntrusted = false", issuer(&set("one.json", ""))),
            vec![
                "conf/policy.toml:7: the issuer \"1:2\": it holds a \":\" but is no URI, which RFC 7519 §2 demands",
            ],
        ),
        (
            format!("{}[[issuer]]\niss_pattern = '.*'\ntrusted = false", issuer(&set("one.json", ""))),
            vec!["conf/policy.toml:7: the pattern \".*\" matches any issuer at all"],
        ),
        (
            format!(
                "{}[[issuer]]\niss_pattern = 'a[.]b\\.c.d'\ntrusted = false",
                issuer(&set("one.json", ""))
            ),
            vec![
                "conf/policy.toml:7: the pattern \"a[.]b\\.c.d\" has a \".\" that matches any character; write \"\\.\"",
            ],
        ),
        (
            issuer(&format!("algorithms = [\"HS256\", \"EdDSA\"]\n{}", set("one.json", ""))),
            vec![
                "conf/policy.toml:1: the issuer \"a\" allows secrets (HS256) beside public keys (EdDSA): a verifier that mixes them up can be deceived",
                "conf/policy.toml:1: the issuer \"a\" allows HS256, but has no key that fits",
            ],
        ),
        (
            issuer("algorithms = [\"EdDSA\"]\n[[issuer.keys]]\nsecret_file = \"s\""),
            vec![
                "conf/policy.toml:1: the issuer \"a\" allows EdDSA, but has no key that fits",
                "conf/policy.toml:5: conf/s: a secret, but the issuer \"a\" allows no HS algorithm",
            ],
        ),
        (
            rotation("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"),
            vec![
                "conf/policy.toml:7: the issuer \"a\" has no current key from 2026-01-01T00:00:00Z to 2026-01-02T00:00:00Z",
            ],
        ),
        (
            rotation("2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z"),
            vec![
                "conf/policy.toml:7: the key sets of the issuer \"a\" do not overlap at 2026-01-01T00:00:00Z: tokens issued just before are stale_kid at once",
            ],
        ),
        (rotation("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"), vec![]),
        (
            issuer(&set("one.json", "until = \"2026-01-02T00:00:00Z\"")),
            vec![
                "conf/policy.toml:1: every key set of the issuer \"a\" ends: none is current from 2026-01-02T00:00:00Z on",
            ],
        ),
        (
            issuer(&set("one.json", "from = \"2026-01-02T00:00:00Z\"")),
            vec!["conf/policy.toml:4: the issuer \"a\" has no current key before 2026-01-02T00:00:00Z"],
        ),
        (
            issuer(&(set("one.json", "") + &set("two.json", ""))),
            vec![
                "conf/policy.toml:7: the kid \"k\" is one key in conf/one.json and another in conf/two.json",
            ],
        ),
        (
            issuer(&(set("one.json", "") + "[[issuer.keys]]\nsecret_file = \"s\"\n")),
            vec![
                "conf/policy.toml:7: conf/s: a key without kid beside keys of the issuer \"a\" that have one: only tokens without kid are tried with it",
            ],
        ),
        (issuer("[[issuer.keys]]\nsecret_file = \"s\"\n"), vec![]),
    ] {
        let policy = policy_with(&text, &files).unwrap();
        let doubts: Vec<String> = policy.doubts().iter().map(ToString::to_string).collect();
        assert_eq!(doubts, expected, "{text}");
    }
}

#[test]
fn a_policy_check_says_what_was_understood() {
    let expected = r#"policy: conf/policy.toml
leeway: 30s
claims shown: tenant

issuer https://auth.example.com/
  environment: prod
  trusted: yes
  audiences: https://api.example.com
  algorithms: EdDSA, RS256
  token type: access
  required claims: scope, sub
  longest lifetime: 1h
  kid required: yes
  keys of conf/keys/2026-05.json, current until 2026-06-12T02:00:00Z
    kid both: OKP Ed25519
    kid may: OKP Ed25519
  keys of conf/keys/2026-06.json, current from 2026-06-12T01:30:00Z
    kid both: OKP Ed25519
    kid june: OKP Ed25519

issuers like https://login\.example\.com/[0-9a-f]{4}/v2\.0
  environment: stage
  trusted: no
  audiences: b, https://api.example.com
  algorithms: ES256
  token type: any
  required claims: none
  longest lifetime: any
  kid required: no
  keys: none, kid and signature are not judged

doubtful:
  conf/policy.toml:5: the issuer "https://auth.example.com/" allows RS256, but has no key that fits

2 issuers, 4 keys, 1 doubtful
"#;
    assert_eq!(Check(&whole()).to_string(), expected);
}

#[test]
fn no_debug_and_no_check_shows_a_secret() {
    let secret = "correct-horse-battery-staple-0123";
    let encoded = data_encoding::BASE64URL_NOPAD.encode(secret.as_bytes());
    let text =
        "[[issuer]]\niss = \"a\"\n[[issuer.keys]]\nsecret_file = \"s\"\n[[issuer.keys]]\njwks = \"k.json\"";
    let document = format!(
        r#"{{"keys":[{{"kty":"oct","kid":"o","k":"{encoded}"}},{{"kty":"OKP","crv":"Ed25519","x":"AA","d":"{encoded}"}}]}}"#
    );
    let policy = policy_with(text, &[("s", secret), ("k.json", &document)]).unwrap();
    assert_eq!(policy.union().keys.iter().len(), 3);
    let bytes = secret.as_bytes().iter().map(u8::to_string).collect::<Vec<_>>();
    for shown in [format!("{policy:?}"), format!("{policy:#?}"), Check(&policy).to_string()] {
        for window in secret.as_bytes().windows(4) {
            assert!(!shown.contains(std::str::from_utf8(window).unwrap()));
        }
        assert!(!shown.contains(&encoded[..8]) && !shown.contains(&bytes[..4].join(", ")));
        assert!(!shown.replace(char::is_whitespace, "").contains(&bytes[..4].join(",")));
    }
}

#[test]
fn a_broken_key_file_does_not_show_its_bytes_in_the_error() {
    let text = "[[issuer]]\niss = \"a\"\n[[issuer.keys]]\njwks = \"k.json\"";
    for document in ["hunter2hunter2", "{\"keys\": hunter2}", "\"hunter2\"", "{\"keys\":\"hunter2\"}"] {
        let error = policy_with(text, &[("k.json", document)]).unwrap_err().to_string();
        assert!(!error.contains("hunter"), "{error}");
    }
}

#[test]
fn names_in_key_files_cannot_drive_the_terminal() {
    let text = "[[issuer]]\niss = \"a\"\n[[issuer.keys]]\njwks = \"k.json\"";
    let document = r#"{"keys":[{"kty":"x\u001b[2J","kid":"\u001b]0;\u0007\n","alg":"\u009b"}]}"#;
    let policy = policy_with(text, &[("k.json", document)]).unwrap();
    assert!(!Check(&policy).to_string().contains(|c: char| c.is_control() && c != '\n'));
}

mod flags {
    use super::*;

    fn dir() -> (tempfile::TempDir, String) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a@b.json"), jwks(&["a"])).unwrap();
        let file = dir.path().join("a@b.json").display().to_string();
        (dir, file)
    }

    #[test]
    fn flags_make_a_policy_of_issuers_with_the_same_rules() {
        let (_dir, file) = dir();
        let flags = PolicyFlags {
            issuer: vec!["a".to_owned(), "b".to_owned(), "a".to_owned()],
            audience: vec!["x".to_owned()],
            algorithm: vec!["RS256".to_owned()],
            jwks: vec![file],
            leeway: Some("1m".to_owned()),
            ..PolicyFlags::default()
        };
        let policy = Policy::from_flags(&flags).unwrap().unwrap();
        assert_eq!((policy.leeway, policy.issuers.len()), (60_000, 2));
        assert_eq!(policy.issuer_of("b").unwrap().rules.audiences.as_ref().unwrap(), &["x"]);
        assert_eq!(policy.union().keys.iter().len(), 1);
        assert!(Policy::from_flags(&PolicyFlags::default()).unwrap().is_none());
    }

    #[test]
    fn flags_without_an_issuer_hold_for_every_token() {
        let (_dir, file) = dir();
        let flags =
            PolicyFlags { jwks: vec![file], algorithm: vec!["EdDSA".to_owned()], ..PolicyFlags::default() };
        let policy = Policy::from_flags(&flags).unwrap().unwrap();
        assert!(!policy.judges_issuers());
        assert_eq!(policy.union().algorithms.as_ref().unwrap(), &["EdDSA"]);
        assert_eq!(policy.union().keys.status("a", at("2026-01-01T00:00:00Z")), KeyStatus::Current);
        assert!(Check(&policy).to_string().contains("any issuer\n"));
    }

    #[test]
    fn a_retired_set_ends_at_its_time_or_was_always_retired() {
        let (_dir, file) = dir();
        let status = |value: String, time: &str| {
            let flags = PolicyFlags { retired_jwks: vec![value], ..PolicyFlags::default() };
            let policy = Policy::from_flags(&flags).unwrap().unwrap();
            assert!(!Check(&policy).to_string().contains("-9223372036854775"), "no made-up instant is shown");
            policy.union().keys.status("a", at(time))
        };
        let timed = format!("{file}@2026-06-12T02:00:00Z");
        assert_eq!(status(timed.clone(), "2026-06-12T01:59:59Z"), KeyStatus::Current);
        assert_eq!(status(timed, "2026-06-12T02:00:00Z"), KeyStatus::Retired);
        assert_eq!(status(file, "0000-01-01T00:00:00Z"), KeyStatus::Retired);
    }

    #[test]
    fn a_mistake_in_a_flag_names_the_flag() {
        for (flags, expected) in [
            (
                PolicyFlags { leeway: Some("30".to_owned()), ..PolicyFlags::default() },
                "--leeway: expected a duration with its unit, such as \"30s\", \"5m\", \"1h30m\" or \"500ms\", found \"30\"",
            ),
            (
                PolicyFlags { retired_jwks: vec!["x.json@2026-13-01".to_owned()], ..PolicyFlags::default() },
                "--retired-jwks: expected an RFC 3339 time such as 2026-06-12T02:00:00Z, but found \"2026-13-01\"",
            ),
            (
                PolicyFlags { algorithm: vec!["none".to_owned()], ..PolicyFlags::default() },
                "--algorithm: alg \"none\" is never allowed: anybody can write such a token",
            ),
        ] {
            let error = Policy::from_flags(&flags).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
    }

    #[test]
    fn beside_a_file_only_the_leeway_may_be_given() {
        let (dir, _) = dir();
        let path = dir.path().join("policy.toml");
        std::fs::write(
            &path,
            "leeway = \"1s\"\n[[issuer]]\niss = \"a\"\n[[issuer.keys]]\njwks = \"a@b.json\"\n",
        )
        .unwrap();
        let policy = Policy::load(Some(&path), &PolicyFlags::default()).unwrap();
        assert_eq!((policy.leeway, policy.union().keys.iter().len()), (1000, 1));
        let leeway = PolicyFlags { leeway: Some("2s".to_owned()), ..PolicyFlags::default() };
        assert_eq!(Policy::load(Some(&path), &leeway).unwrap().leeway, 2000);
        let both = PolicyFlags { issuer: vec!["a".to_owned()], ..leeway };
        let error = Policy::load(Some(&path), &both).unwrap_err().to_string();
        assert!(error.starts_with("--issuer: expected --policy or flags"), "{error}");
        assert!(!Policy::load(None, &PolicyFlags::default()).unwrap().judges_issuers());
    }

    #[test]
    fn a_policy_file_that_cannot_be_read_or_is_not_text_is_an_error() {
        let (dir, _) = dir();
        let path = dir.path().join("policy.toml");
        assert!(
            Policy::from_file(&path)
                .unwrap_err()
                .to_string()
                .contains("policy.toml: cannot read the policy: ")
        );
        std::fs::write(&path, b"leeway = \"1s\"\n# \xff\n").unwrap();
        let error = Policy::from_file(&path).unwrap_err().to_string();
        assert!(error.ends_with("policy.toml:2: expected UTF-8 text, found other bytes"), "{error}");
    }
}

proptest! {
    #[test]
    fn no_text_panics_and_every_error_names_a_line(text in "([ a-z=\\[\\]\"'.{},#\\n0-9-]|iss|\\[\\[issuer\\]\\]\\n|keys|é){0,60}") {
        if let Err(error) = policy_with(&text, &[]) {
            for line in error.to_string().lines() {
                prop_assert!(line.starts_with("conf/policy.toml:"), "{}", line);
            }
        }
    }
}

/// Files in memory that a pattern's last component, a mere `*.json`, lists.
struct Night(Vec<(&'static str, String)>);

impl Files for Night {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        let found = self.0.iter().find(|(name, _)| Path::new("conf/keys").join(name) == path);
        found.map(|(_, text)| text.clone().into_bytes()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn matching(&self, pattern: &str) -> std::result::Result<Vec<PathBuf>, String> {
        assert_eq!(pattern, "conf/keys/*.json");
        Ok(self.0.iter().map(|(name, _)| Path::new("conf/keys").join(name)).collect())
    }

    fn modified(&self, _: &Path) -> Option<Timestamp> {
        Some(at("2026-06-13T00:00:00Z"))
    }
}

#[test]
fn snapshots_are_listed_by_the_caller_and_say_what_is_wrong_with_a_key_once() {
    let weak = jwk("w").replace("\"kid\"", "\"d\":\"\",\"kid\"");
    let document = format!("{{\"keys\":[{weak}]}}");
    let files = ["2026-06-11.json", "2026-06-12.json", "latest.json"].map(|name| (name, document.clone()));
    let text =
        "[[issuer]]\niss = \"https://a.example/\"\n[[issuer.keys]]\njwks_snapshots = \"keys/*.json\"\n";
    let load = |files: Vec<_>| Policy::from_toml(text, Path::new("conf/policy.toml"), &Night(files));
    let policy = load(files.to_vec()).unwrap();
    let [key] = *policy.union().keys.iter().collect::<Vec<_>>() else { panic!("one key") };
    assert_eq!((key.from, key.until), (Some(at("2026-06-11T00:00:00Z")), None));
    let warnings: Vec<String> = policy.warnings().iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(
        warnings[0].starts_with("conf/keys/2026-06-11.json: ")
            && warnings[0].ends_with("(so in 2 more snapshots)")
    );
    assert_eq!(warnings[1], "conf/keys/latest.json: no date in its name; its modification time is taken");
    let error = load(Vec::new()).unwrap_err().to_string();
    assert!(error.contains("it names no file"), "{error}");
}
