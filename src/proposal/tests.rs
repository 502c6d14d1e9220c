//! Proposals as a whole: what they say, and that they are policies whatever was put into them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use data_encoding::BASE64URL_NOPAD;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::input::chunk::{Chunker, LINE_LIMIT};
use crate::policy::{IssuerName, Policy};
use crate::report::plain_text;
use crate::scan::lines::TimeContext;
use crate::secret::Fingerprinter;
use crate::tally::{BucketWidth, Tally};
use crate::token::mask_tokens;
use crate::triage::{Criteria, SourceId, Worker};

/// 2026-06-12T01:00:00Z, when every line of the logs here was written.
const NOW: i64 = 1_781_226_000;

/// `header.payload.signature`.
fn token(header: &Value, claims: &Value, signature: usize) -> String {
    let parts = [header.to_string().into_bytes(), claims.to_string().into_bytes(), vec![7; signature]];
    parts.map(|part| BASE64URL_NOPAD.encode(&part)).join(".")
}

fn rs256(kid: &str, claims: &Value) -> String {
    token(&json!({"alg": "RS256", "kid": kid}), claims, 256)
}

/// What a worker counts in logs, one per source, with a token on each line.
fn tally(sources: &[Vec<String>]) -> Tally {
    let criteria = Criteria {
        policy: Policy::default(),
        fingerprinter: Fingerprinter::public(),
        since: None,
        until: None,
        bucket: BucketWidth::Auto,
        profile: None,
    };
    let mut worker = Worker::new(&criteria);
    for (number, tokens) in sources.iter().enumerate() {
        let log: String =
            tokens.iter().map(|token| format!("2026-06-12T01:00:00Z token={token} \n")).collect();
        let mut chunker = Chunker::new(log.as_bytes(), 0, LINE_LIMIT);
        let source = SourceId { name: format!("{number}.log").into(), number: number as u32 };
        while let Some(chunk) = chunker.next_chunk(Vec::new()) {
            worker.triage(&chunk, &TimeContext::default(), &source, None);
        }
    }
    worker.into_tally()
}

fn inferred(tokens: &[String]) -> String {
    infer(&tally(&[tokens.to_vec()]), 1).text
}

/// The proposal as a policy at `conf/policy.toml`, beside files.
fn policy(text: &str, files: &[KeyFile<'_>]) -> Policy {
    let files: BTreeMap<PathBuf, &[u8]> =
        files.iter().map(|file| (Path::new("conf").join(file.path), file.bytes)).collect();
    let read =
        |path: &Path| files.get(path).map(|bytes| bytes.to_vec()).ok_or(io::ErrorKind::NotFound.into());
    Policy::from_toml(text, Path::new("conf/policy.toml"), &read)
        .unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn names(policy: &Policy) -> Vec<&str> {
    let mut names = Vec::new();
    for issuer in &policy.issuers {
        match &issuer.name {
            IssuerName::Exact(name) => names.push(name.as_str()),
            IssuerName::Pattern { .. } => panic!("a proposal holds no pattern"),
        }
    }
    names
}

/// Asserts what holds for every proposal.
fn assert_harmless(text: &str) {
    assert_eq!(mask_tokens(text), text, "a token");
    for line in text.lines() {
        assert_eq!(plain_text(line), line, "a character that cannot be seen");
    }
}

/// Takes the `#` from every setting that is only suggested, but for files that are not there.
fn with_suggestions(text: &str) -> String {
    let uncommented = |line: &str| {
        let rest = line.strip_prefix("# ")?;
        let is_setting = rest
            .split_once(" = ")
            .is_some_and(|(key, _)| key.chars().all(|c| c.is_ascii_lowercase() || c == '_'));
        (is_setting && !rest.starts_with("jwks") && !rest.starts_with("from") && !rest.starts_with("until"))
            .then(|| rest.to_owned())
    };
    text.lines().map(|line| uncommented(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

fn discovery(issuer: &str) -> Vec<u8> {
    json!({
        "issuer": issuer,
        "jwks_uri": "https://auth.example.com/jwks.json",
        "id_token_signing_alg_values_supported": ["RS256", "none", "HS256", "ES256", "RS256", "X1"],
    })
    .to_string()
    .into_bytes()
}

/// A JWKS with an RSA key for any algorithm, and another that is weak.
fn jwks() -> Vec<u8> {
    let modulus = |bytes: usize| {
        let mut modulus = vec![0xff; bytes];
        modulus[0] = 0xc1;
        BASE64URL_NOPAD.encode(&modulus)
    };
    json!({"keys": [
        {"kty": "RSA", "kid": "june", "use": "sig", "n": modulus(256), "e": "AQAB"},
        {"kty": "RSA", "kid": "weak\n\u{1b}[31m", "n": modulus(128), "e": "AQAB"},
    ]})
    .to_string()
    .into_bytes()
}

#[test]
fn a_discovery_document_and_its_keys_become_a_policy() {
    let keys = jwks();
    let files = [KeyFile { name: "keys/june.json", path: "keys/june.json", bytes: &keys }];
    let text = init(&discovery("https://auth.example.com/"), "openid.json", &files).unwrap();
    let policy = policy(&text, &files);
    assert_eq!(names(&policy), ["https://auth.example.com/"]);
    let rules = &policy.issuers[0].rules;
    assert_eq!(rules.algorithms.as_deref(), Some(&["RS256".to_owned()][..]));
    assert_eq!((rules.audiences.is_none(), rules.keys.sets().len(), rules.keys.iter().len()), (true, 1, 2));
    for told in [
        "# audiences = [",
        "left out \"none\": never allowed",
        "left out \"HS256\": no key given here serves it; a client's secret would be a secret_file",
        "left out \"ES256\": no key given here serves it",
        "left out \"X1\": no algorithm that is registered",
        "kid \"june\": RSA 2048, use sig",
        "kid \"weak\\u000a\\u001b[31m\": RSA 1024",
        "warning: key \"weak",
        "On a rotation, write here when these keys are retired",
        "# until = ",
    ] {
        assert!(text.contains(told), "{told} is not in\n{text}");
    }
    assert_harmless(&text);
}

#[test]
fn every_suggestion_of_init_can_be_taken() {
    let keys = jwks();
    let files = [
        KeyFile { name: "a.json", path: "a.json", bytes: &keys },
        KeyFile { name: "b.json", path: "b.json", bytes: &keys },
    ];
    for files in [&files[..], &files[..1], &[]] {
        let text =
            with_suggestions(&init(&discovery("https://auth.example.com/"), "openid.json", files).unwrap());
        let policy = policy(&text, files);
        let rules = &policy.issuers[0].rules;
        assert_eq!((policy.leeway, rules.max_lifetime, rules.require_kid), (30_000, Some(3_600_000), true));
    }
}

#[test]
fn without_keys_the_document_alone_says_which_algorithms_and_where_keys_are() {
    let text = init(&discovery("https://auth.example.com/"), "openid.json", &[]).unwrap();
    let policy = policy(&text, &[]);
    let expected = ["RS256", "HS256", "ES256"].map(str::to_owned);
    assert_eq!(policy.issuers[0].rules.algorithms.as_deref(), Some(&expected[..]));
    assert!(text.contains("Save what \"https://auth.example.com/jwks.json\" serves"), "{text}");
}

#[test]
fn where_the_document_lists_no_algorithms_those_that_the_keys_name_are_taken() {
    let document = br#"{"issuer":"https://auth.example.com/"}"#;
    let key = |alg: &str| {
        let x = BASE64URL_NOPAD.encode(&[5; 32]);
        format!(r#"{{"kty":"OKP","crv":"Ed25519","kid":"a","alg":"{alg}","x":"{x}"}}"#).into_bytes()
    };
    let algorithms = |alg: &str| {
        let bytes = key(alg);
        let files = [KeyFile { name: "k.json", path: "k.json", bytes: &bytes }];
        let text = init(document, "openid.json", &files).unwrap();
        policy(&text, &files).issuers[0].rules.algorithms.clone()
    };
    assert_eq!(algorithms("EdDSA"), Some(vec!["EdDSA".to_owned()]));
    assert_eq!(algorithms("RS256"), None, "a key cannot make an algorithm fit by naming it");
}

#[test]
fn an_issuer_that_no_policy_can_name_is_left_to_a_person() {
    let keys = jwks();
    let files = [KeyFile { name: "k.json", path: "k.json", bytes: &keys }];
    let nested = rs256("k", &json!({"iss": "x"}));
    for issuer in [
        "https://login.example.com/{tenantid}/v2.0",
        " https://a.example",
        &nested,
        &format!("https://{nested}/"),
    ] {
        let text = init(&discovery(issuer), "openid.json", &files).unwrap();
        assert_eq!(names(&policy(&text, &files)), [""; 0], "{text}");
        assert!(
            text.contains("# [[issuer]]\n# iss = ") && text.contains("# [[issuer.keys]]\n# jwks = "),
            "{text}"
        );
        assert_harmless(&text);
    }
}

#[test]
fn what_is_no_discovery_document_or_no_jwks_is_told() {
    let good = discovery("https://auth.example.com/");
    for (document, told) in [
        (
            &b"{\n  secret"[..],
            "openid.json: expected an OpenID discovery document (a JSON object with \"issuer\"), found no JSON at line 2",
        ),
        (b"[]", "found other JSON"),
        (b"{}", "found an object without it"),
        (br#"{"issuer":7}"#, "an \"issuer\" that is no name"),
        (br#"{"keys":[]}"#, "found a JWKS document: give it with --jwks"),
    ] {
        let error = init(document, "openid.json", &[]).unwrap_err().to_string();
        assert!(error.contains(told) && !error.contains("secret"), "{error}");
    }
    let error =
        init(&good, "openid.json", &[KeyFile { name: "--jwks my/k.json", path: "k.json", bytes: &good }])
            .unwrap_err()
            .to_string();
    assert!(
        error.starts_with("--jwks my/k.json: expected a JWKS document") && error.contains("jwks_uri"),
        "{error}"
    );
}

#[test]
fn healthy_logs_become_a_policy_with_counts() {
    let claims = |n: i64| json!({"iss": "https://auth.example.com/", "aud": ["api", "web", "api"], "iat": NOW - n, "exp": NOW - n + 3600});
    let (a, b) = (rs256("k1", &claims(10)), rs256("k2", &claims(20)));
    let expired = token(
        &json!({"alg": "ES256", "typ": "at+jwt"}),
        &json!({"iss": "https://auth.example.com/", "exp": NOW - 30}),
        64,
    );
    let other = rs256("k1", &json!({"iss": "https://other.example.com/", "iat": NOW - 60, "exp": NOW + 240}));
    let nameless = rs256("k1", &json!({"sub": "x"}));
    let none = token(&json!({"alg": "none"}), &json!({"iss": "https://evil.example.com/", "aud": "evil"}), 0);
    let cut = rs256("k1", &claims(30))[..200].to_owned();
    let first = vec![a.clone(), a.clone(), b, expired, nameless, none];
    let second = vec![a, other, cut, rs256("k1", &json!(["no claims"]))];
    let Inferred { text, issuers } = infer(&tally(&[first, second]), 2);

    assert_eq!(issuers, 2);
    let policy = policy(&text, &[]);
    assert_eq!(
        names(&policy),
        ["https://auth.example.com/", "https://other.example.com/"],
        "the frequent one first"
    );
    let [auth, other] = [0, 1].map(|n| &policy.issuers[n].rules);
    assert_eq!(auth.audiences.as_deref(), Some(&["api".to_owned(), "web".to_owned()][..]));
    assert_eq!(auth.algorithms.as_deref(), Some(&["RS256".to_owned(), "ES256".to_owned()][..]));
    assert_eq!((&other.audiences, auth.max_lifetime), (&None, None), "what is to be decided is left open");
    for told in [
        "10 findings of 8 tokens in 2 sources, of which used: 7 findings of 5 tokens",
        "left out as truncated: 1 finding of 1 token",
        "left out as malformed: 1 finding of 1 token",
        "left out as alg_none: 1 finding of 1 token",
        "left out without iss: 1 finding of 1 token",
        "1 finding would pass with 60 s more",
        "5 findings of 3 tokens in 2 sources, from 2026-06-12T01:00:00Z to 2026-06-12T01:00:00Z:",
        "80.0 % valid at their time (4 valid, 1 expired)",
        "\n  \"RS256\",                                   # 4 findings of 2 tokens\n",
        "no aud in 1 finding of 1 token: wrong_audience under this policy",
        "# max_lifetime = \"1h\"",
        "exp - iat of 2 tokens: shortest 1h, median 1h, longest 1h",
        "# max_lifetime = \"5m\"",
        "\"k1\" with \"RS256\": 3 findings of 1 token, from 2026",
        "decide: not as it is: no kid in 1 finding of 1 token",
        "access_token: 1 finding of 1 token, not told: 4 findings of 2 tokens",
    ] {
        assert!(text.contains(told), "{told} is not in\n{text}");
    }
    assert!(!text.contains("evil"), "{text}");
    assert_harmless(&text);
}

#[test]
fn every_suggestion_of_infer_can_be_taken() {
    let text = inferred(&[rs256("k", &json!({"iss": "a", "iat": NOW - 100, "exp": NOW + 5000}))]);
    let policy = policy(&with_suggestions(&text), &[]);
    assert_eq!((policy.leeway, policy.issuers[0].rules.max_lifetime), (30_000, Some(90 * 60_000)));
}

#[test]
fn a_rare_value_is_told_and_not_proposed() {
    let claims = |n: i64, aud: &str| json!({"iss": "a", "aud": aud, "iat": NOW - n});
    let mut tokens: Vec<String> = (0..300).map(|n| rs256("k", &claims(n, "api"))).collect();
    tokens.extend((0..3).map(|n| rs256("k", &claims(n, "three"))));
    tokens.push(token(&json!({"alg": "HS256", "kid": "k"}), &claims(0, "one"), 32));
    let text = inferred(&tokens);
    let policy = policy(&text, &[]);
    let rules = &policy.issuers[0].rules;
    assert_eq!(rules.algorithms.as_deref(), Some(&["RS256".to_owned()][..]));
    assert_eq!(rules.audiences.as_deref(), Some(&["api".to_owned(), "three".to_owned()][..]));
    for told in ["#   \"HS256\", ", "#   \"one\", ", "# rare, is it meant? 1 finding of 1 token"] {
        assert!(text.contains(told), "{told} is not in\n{text}");
    }
}

#[test]
fn logs_without_tokens_give_a_policy_that_names_no_issuer() {
    let Inferred { text, issuers } = infer(&tally(&[Vec::new()]), 1);
    assert_eq!((issuers, names(&policy(&text, &[])).len()), (0, 0));
    assert!(text.contains("0 findings of 0 tokens in 1 source, of which used"), "{text}");
}

/// Values that somebody may write into a token to harm the person who reads the proposal, or the program.
fn hostile() -> Vec<String> {
    let nested = rs256("k", &json!({"sub": "hidden"}));
    [
        "\"\n[[issuer]]\niss = \"https://evil.example.com/\"\n# ",
        "# x\r\ntrusted = true",
        "'''\n\"\"\"\\",
        "a\u{2028}[[issuer]]\u{85}b\u{1b}[2Jc\0",
        "\u{202e}moc.elpmaxe",
        "https://login.example.com/{tenantid}/v2.0",
        "https:/broken",
        " white ",
        "",
        "none",
        "NONE",
        "${jndi:ldap://x}",
        "=cmd()",
        "https://auth.example.com/",
    ]
    .map(str::to_owned)
    .into_iter()
    .chain([
        nested.clone(),
        format!("https://{nested}/"),
        format!("{}{nested}", "x".repeat(300)),
        format!("\u{200e}{}", &nested[1..]),
        "x".repeat(256),
        "x".repeat(257),
        "é".repeat(5000),
    ])
    .collect()
}

#[test]
fn hostile_claims_and_headers_stay_values() {
    let all = hostile();
    let tokens: Vec<String> = all
        .iter()
        .flat_map(|value| {
            let claims = json!({"iss": value, "aud": all, "exp": i64::MAX, "iat": i64::MIN});
            [
                token(&json!({"alg": value, "kid": value, "typ": value}), &claims, 256),
                rs256(value, &json!({"iss": value, "aud": value, "exp": NOW - 5, "iat": NOW})),
                rs256(value, &json!({"iss": "https://auth.example.com/", "aud": all, "client_id": value})),
            ]
        })
        .collect();
    let text = inferred(&tokens);
    assert_harmless(&text);
    let policy = policy(&text, &[]);
    for issuer in names(&policy) {
        assert!(all.iter().any(|value| value == issuer), "{issuer:?} was never an issuer\n{text}");
    }
    assert!(policy.issuers.iter().all(|issuer| issuer.rules.keys.is_empty()));
    assert!(names(&policy).contains(&hostile()[1].as_str()), "an odd name is still a name");
    for why in ["it holds a token", "it is longer than reports show", "white space", "looks like a template"]
    {
        assert!(text.contains(why), "{why} is not in\n{text}");
    }
    assert!(!text.contains("hidden") && !text.contains(&BASE64URL_NOPAD.encode(b"{\"sub\":\"hid")), "{text}");
}

#[test]
fn a_flood_of_issuers_audiences_and_kids_stays_a_page() {
    let tokens: Vec<String> = (0..400)
        .map(|n| rs256(&format!("k{n}"), &json!({"iss": if n % 2 == 0 { "a".to_owned() } else { format!("i{n:03}") }, "aud": format!("a{n:03}")})))
        .collect();
    let Inferred { text, issuers } = infer(&tally(&[tokens]), 1);
    assert_eq!((issuers, policy(&text, &[]).issuers.len()), (50, 50));
    assert!(
        text.contains(
            "left out: 151 issuers that were seen less often than those below: 151 findings of 151 tokens"
        ),
        "{text}"
    );
    assert!(text.contains("left out 150 more values") && text.contains("and 150 more kids"), "{text}");
}

#[test]
fn the_same_logs_give_the_same_bytes_in_any_order() {
    let tokens: Vec<String> = (0..40)
        .map(|n| rs256(&format!("k{}", n % 3), &json!({"iss": format!("i{}", n % 4), "aud": [format!("a{}", n % 5)], "iat": NOW - n, "exp": NOW + 60 * n})))
        .collect();
    let (left, right) = tokens.split_at(17);
    let mut backwards = tokens.clone();
    backwards.reverse();
    let text = infer(&tally(&[left.to_vec(), right.to_vec()]), 2).text;
    assert_eq!(text, infer(&tally(&[right.to_vec(), left.to_vec()]), 2).text);
    assert_eq!(text.replace("2 sources", "1 source"), infer(&tally(&[backwards]), 1).text);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_document_gives_a_policy(issuer in "\\PC{1,12}|[\"'\\\\\n\r\t\0#=\\[\\]{}:/ a\u{7f}\u{2028}]{1,12}", alg in any::<String>(), kid in any::<String>()) {
        let x = BASE64URL_NOPAD.encode(&[5; 32]);
        let keys = json!({"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": kid, "alg": alg, "use": kid, "x": x}]}).to_string();
        let files = [KeyFile { name: "k.json", path: "k.json", bytes: keys.as_bytes() }];
        let document = json!({"issuer": issuer, "jwks_uri": kid, "id_token_signing_alg_values_supported": [alg, "EdDSA", kid]});
        for files in [&files[..], &[]] {
            let text = init(document.to_string().as_bytes(), "openid.json", files).unwrap();
            let policy = policy(&text, files);
            prop_assert!(names(&policy).is_empty() || names(&policy) == [&issuer]);
            assert_harmless(&text);
        }
    }

    #[test]
    fn any_claims_give_a_policy(iss in any::<String>(), aud in proptest::collection::vec(any::<String>(), 0..4), kid in any::<String>(), exp in any::<i64>(), iat in any::<i64>()) {
        let text = inferred(&[rs256(&kid, &json!({"iss": iss, "aud": aud, "exp": exp, "iat": iat}))]);
        let policy = policy(&text, &[]);
        prop_assert!(names(&policy).is_empty() || names(&policy) == [&iss]);
        assert_harmless(&text);
    }
}
