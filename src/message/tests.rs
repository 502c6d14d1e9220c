//! The laws of the catalogue and of the finder.

use super::catalogue::{BUILT_IN, LEADS};
use super::lead::{Filter, ORDER, leads};
use super::pattern::Pattern;
use super::*;
use proptest::prelude::*;
use regex_automata::Input;
use regex_automata::meta::Regex;
use regex_syntax::hir::{Class, Hir, HirKind};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::LazyLock;

static FINDER: LazyLock<Finder> = LazyLock::new(|| Finder::new(&[], NOTHING_ELSE));

/// The catalogue's patterns as they are written.
static SOURCES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut reader = csv::Reader::from_reader(BUILT_IN.as_bytes());
    reader.records().map(|row| row.unwrap()[4].to_owned()).collect()
});

static REGEXES: LazyLock<Vec<Regex>> =
    LazyLock::new(|| patterns().iter().map(|pattern| pattern.compile().unwrap()).collect());

fn patterns() -> Vec<&'static Pattern> {
    let catalogue = FINDER.catalogue();
    (0..catalogue.entries().len()).map(|entry| catalogue.pattern(entry)).collect()
}

/// What else is looked for: where no `-` is before it.
const STARTS: Starts<'static> =
    Starts { texts: &[*b"eyJ", *b"ew0"], behind: |before| !before.ends_with(b"-") };

const NOTHING_ELSE: Starts<'static> = Starts { texts: &[], behind: |_| true };

/// The messages in a text.
fn hits(finder: &Finder, text: &[u8]) -> Vec<Hit> {
    let hit = |sight| match sight {
        Sight::Message(hit) => Some(hit),
        Sight::Start(_) => None,
    };
    finder.sights(text).filter_map(hit).collect()
}

/// A text that a pattern matches; `choice` picks among alternatives.
fn sample(hir: &Hir, choice: usize, text: &mut String) {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => text.push_str(std::str::from_utf8(&literal.0).unwrap()),
        HirKind::Class(class) => {
            let all: Vec<u8> = match class {
                Class::Bytes(class) => {
                    class.ranges().iter().flat_map(|range| range.start()..=range.end()).collect()
                }
                Class::Unicode(class) => {
                    let ascii = |c: char| u8::try_from(c).expect("the catalogue's classes are of ASCII");
                    class
                        .ranges()
                        .iter()
                        .flat_map(|range| ascii(range.start())..=ascii(range.end()))
                        .collect()
                }
            };
            // Letters are the least likely to mean anything.
            let letters: Vec<u8> = all
                .iter()
                .copied()
                .filter(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
                .collect();
            let from = if letters.is_empty() { &all } else { &letters };
            text.push(char::from(from[choice % from.len()]));
        }
        HirKind::Repetition(repetition) => {
            let (min, max) = (repetition.min, repetition.max.unwrap_or(repetition.min + 4));
            for n in 0..min + choice as u32 % (max - min + 1).min(4) {
                sample(&repetition.sub, choice + n as usize, text);
            }
        }
        HirKind::Capture(capture) => sample(&capture.sub, choice, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| sample(part, choice, text)),
        HirKind::Alternation(parts) => sample(&parts[choice % parts.len()], choice / parts.len(), text),
    }
}

/// Texts of an entry as its verifier prints them.
fn samples(entry: usize) -> BTreeSet<String> {
    let parsed = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(&SOURCES[entry]);
    let hir = parsed.unwrap();
    let one = |choice| {
        let mut text = String::new();
        sample(&hir, choice, &mut text);
        text
    };
    (0..8).map(one).collect()
}

/// The lines that a text may come in.
fn lines_with(text: &str) -> Vec<String> {
    let json = |text: &str| serde_json::to_string(text).unwrap();
    let object = format!("{{\"level\":\"error\",\"message\":{},\"status\":401}}", json(text));
    vec![
        format!("2026-06-12T01:00:00.055Z ERROR [main] {text}"),
        object.clone(),
        format!("{{\"log\":{},\"stream\":\"stderr\"}}", json(&object)),
        format!("time=2026-06-12T01:00:00Z level=error msg={} status=401", json(text)),
        format!(
            "\tat com.example.Main.run(Main.java:7)\nCaused by: com.example.LoginFailed: {text}\n\tat x.Y.z(Y.java:1)"
        ),
        format!("\"{}\"\r\n", text.replace('"', "&quot;").replace('\'', "&#39;")),
    ]
}

/// The hit that tells the cause, as a record chooses it: the highest rank, and of these the last.
fn innermost_of(hits: impl Iterator<Item = Hit>) -> Option<Hit> {
    hits.max_by_key(|hit| (FINDER.catalogue().entries()[hit.entry].rank, hit.at))
}

fn entries(text: &str) -> Vec<&'static Entry> {
    hits(&FINDER, text.as_bytes()).iter().map(|hit| &FINDER.catalogue().entries()[hit.entry]).collect()
}

#[test]
fn every_sample_of_every_entry_is_found_with_its_cause_in_every_kind_of_line() {
    let mut complaints = String::new();
    for (n, entry) in FINDER.catalogue().entries().iter().enumerate() {
        for text in samples(n) {
            for line in lines_with(&text) {
                let found = innermost_of(hits(&FINDER, line.as_bytes()).into_iter());
                let found = found.map(|hit| &FINDER.catalogue().entries()[hit.entry]);
                if found.is_none_or(|found| found.cause != entry.cause || found.rank < entry.rank) {
                    let found = found.map_or("nothing", |found| &found.message);
                    writeln!(complaints, "{} ({}): {found} in {line}", SOURCES[n], entry.cause).unwrap();
                    break;
                }
            }
        }
    }
    assert!(complaints.is_empty(), "\n{complaints}");
}

#[test]
fn no_literal_of_the_first_filter_hides_behind_a_beginning() {
    let prefixes = crate::scan::candidate::PREFIXES.map(|prefix| String::from_utf8(prefix.to_vec()).unwrap());
    for literal in ORDER.into_iter().filter(|literal| !literal.is_empty()) {
        assert!(prefixes.iter().all(|prefix| !literal.starts_with(prefix)), "{literal}");
    }
    assert_eq!(ORDER.iter().filter(|literal| literal.is_empty()).count(), prefixes.len());
}

#[test]
fn every_entry_is_led_to_by_a_literal_that_the_first_filter_finds() {
    let shared = Filter::new(STARTS.texts, []);
    for (n, literals) in leads(&patterns(), &shared).iter().enumerate() {
        assert!(!literals.is_empty(), "{}", SOURCES[n]);
        for literal in literals {
            assert!(shared.literal_in(literal).is_some(), "{}", SOURCES[n]);
        }
    }
}

#[test]
fn what_leads_to_an_entry_is_at_hand_as_its_pattern_says() {
    let patterns: Vec<Pattern> = SOURCES.iter().map(|source| Pattern::ascii(source).unwrap()).collect();
    let shared = Filter::new(crate::triage::STARTS.texts, []);
    let mut lines = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    lines.write_record(["message", "leads"]).unwrap();
    for (pattern, literals) in patterns.iter().zip(leads(&patterns.iter().collect::<Vec<_>>(), &shared)) {
        let literals = literals.iter().map(Vec::as_slice);
        lines.write_record([pattern.text().as_bytes()].into_iter().chain(literals)).unwrap();
    }
    let wanted = String::from_utf8(lines.into_inner().unwrap()).unwrap();
    if std::env::var_os("JWTRIAGE_BLESS").is_some_and(|value| value == "1") {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/message/leads.csv"), wanted).unwrap();
    } else {
        assert_eq!(LEADS, wanted, "JWTRIAGE_BLESS=1 writes them anew");
    }
}

#[test]
fn the_catalogue_has_every_cause_and_no_row_twice() {
    let entries = FINDER.catalogue().entries();
    assert!(entries.len() > 600, "{}", entries.len());
    for cause in Cause::ALL {
        assert!(entries.iter().any(|entry| entry.cause == cause), "{cause}");
    }
    let mut seen = BTreeSet::new();
    for (entry, source) in entries.iter().zip(&*SOURCES) {
        assert!(RANKS.contains(&entry.rank), "{source}");
        assert!(
            !entry.stack.is_empty() && !entry.library.is_empty() && !entry.message.is_empty(),
            "{source}"
        );
        assert!(seen.insert((&entry.stack, &entry.message)), "two rows show as {}", entry.message);
        if entry.rank == 1 {
            assert!(matches!(
                entry.cause,
                Cause::GenericInvalid | Cause::UnknownKid | Cause::InvalidSignature
            ));
        }
    }
}

/// Lines as any service writes them. None is a verifier's.
const ORDINARY: &str = r#"
10.0.0.7 - alice [12/Jun/2026:01:00:00 +0000] "GET /api/v1/tokens?page=2 HTTP/1.1" 401 58 "-" "Mozilla/5.0 (X11) AppleWebKit/537.36 Firefox/139"
10.0.0.7 - - [12/Jun/2026:01:00:00 +0000] "POST /oauth2/token HTTP/1.1" 400 112 "-" "curl/8.1"
10.0.0.7 - - [12/Jun/2026:01:00:00 +0000] "GET /docs/jwt-expired HTTP/1.1" 200 9000
10.0.0.7 - - [12/Jun/2026:01:00:00 +0000] "GET /login/callback?access_token=abc&id_token=def HTTP/1.1" 302 0
{"level":"info","msg":"request finished","status":401,"user":"bob","token_type":"Bearer","expires_in":3600}
{"level":"info","msg":"completion done","prompt_tokens":812,"completion_tokens":64,"total_tokens":876}
{"level":"debug","msg":"token count exceeds the limit of the model","tokens":9000}
{"error":"invalid_grant","error_description":"Code not valid"}
{"alg":"RS256","kid":"2026-06","use":"sig"}
{"keys":[{"kty":"RSA","alg":"RS256","kid":"a","n":"xyz","e":"AQAB"}]}
level=info msg="user logged in" user=carol session=7f3a issuer=https://auth.example.com/
level=warn msg="session expired, user has to log in again" user=carol
level=info msg="session is expired" session=7f3a
level=info msg="password expired for user dave"
level=info msg="cache entry expired" key=orders:17
level=error msg="certificate has expired" issuer="CN=Example CA"
level=error msg="x509: certificate signed by unknown authority" issuer="CN=Example CA"
level=info msg="refreshed token" client=web expires_in=300
level=info msg="issued access token" client=web scope="openid profile"
level=info msg="fetching keys from redis" pattern=user:*
level=info msg="fetching keys " count=12
level=info msg="JWKS refreshed" keys=3 uri=https://auth.example.com/jwks
level=info msg="jwks cache hit" kid=2026-06
level=info msg="audience segment computed" segment=17 users=1024
level=info msg="video segments written" count=6
level=warn msg="claim 4711 is missing documents" claim=4711
level=info msg="insurance claim is required for case 12"
level=info msg="The warranty claim is not valid for this product"
level=error msg="invalid signature of webhook" provider=payments
level=error msg="signature mismatch: expected sha256=aa got sha256=bb" hook=deploy
level=error msg="failed to verify signature: gpg: no public key" package=nginx
level=info msg="wrong algorithm chosen for sorting, falling back"
level=error msg="unsupported signature algorithm" peer=10.0.0.9
level=error msg="InvalidSignature" queue=orders
InvalidSignatureException: Signature expired: 20260612T010000Z is now earlier than 20260612T010500Z
com.amazonaws.services.s3.model.AmazonS3Exception: Invalid signature for request (Service: S3)
java.lang.IllegalArgumentException: method signature does not match: void run(String)
java.lang.NoSuchMethodError: the signature of Foo.bar() has changed
	at io.jsonwebtoken.impl.DefaultJwtParser.parse(DefaultJwtParser.java:351)
	at org.springframework.security.oauth2.jwt.NimbusJwtDecoder.decode(NimbusJwtDecoder.java:155)
	at com.auth0.jwt.JWTVerifier.verify(JWTVerifier.java:463)
org.postgresql.util.PSQLException: ERROR: syntax error at or near "token"
ERROR:  column "aud" of relation "claims" does not exist
SELECT id, token, signature FROM sessions WHERE expired = false AND issuer = 'x';
INSERT INTO claims (iss, aud, exp) VALUES ('a', 'b', 1781226000);
Unexpected token < in JSON at position 0
SyntaxError: Unexpected token } in JSON at position 17
SyntaxError: Invalid or unexpected token
ParseError: unexpected token "end of file" at line 3
Expired tokens removed: 17
housekeeping: deleted 12 expired tokens and 3 expired sessions
csrf token refreshed for session 7f3a
Jun 12 01:00:00 host sshd[17]: Failed publickey for root from 10.0.0.9: RSA SHA256:abc
Jun 12 01:00:00 host sudo: pam_unix(sudo:auth): authentication failure; user=eve
Jun 12 01:00:00 host kernel: module verification failed: signature and/or required key missing - tainting kernel
[notice] 7#7: signal process started, key not found in shared memory
[error] 7#7: *12 open() "/usr/share/nginx/html/token" failed (2: No such file or directory)
I0612 01:00:00.000000 1 trace.go:205] Trace: "Update" url:/api/v1/namespaces/kube-system/serviceaccounts/token
I0612 01:00:00.000000 1 controller.go:42] service account default/builder has been deleted
E0612 01:00:00.000000 1 memcache.go:265] couldn't get current server API group list: Unauthorized
warning: the algorithm parameter is deprecated; use algorithms
Authorization: Bearer abcdefghijklmnop
www-authenticate: Bearer realm="api"
User-Agent: jwt-client/1.2 (JWT; JWK; JWS)
bad_signature: 0 missing_claim: 0 expired_token: 0 invalid_token: 3
jwt_verifications_total{result="ok"} 1024
jwt_expired_total 7
token expiration is set to 3600 seconds
The token bucket is empty; retry in 3 s
Cookies was not authenticated. Failure message: Ticket expired
index IDX10223 rebuilt in 12 ms
"#;

#[test]
fn no_ordinary_line_holds_a_message() {
    assert!(ORDINARY.lines().count() > 70);
    for line in ORDINARY.lines() {
        assert_eq!(entries(line), [] as [&Entry; 0], "{line}");
    }
    assert_eq!(entries(ORDINARY), [] as [&Entry; 0]);
}

#[test]
fn the_longer_and_the_more_specific_text_wins() {
    let innermost = |text: &str| {
        let hit = innermost_of(hits(&FINDER, text.as_bytes()).into_iter()).unwrap();
        let entry = &FINDER.catalogue().entries()[hit.entry];
        (entry.message.as_str(), entry.cause)
    };
    for (text, message, cause) in [
        ("UnauthorizedError: jwt expired", "UnauthorizedError: jwt expired", Cause::Expired),
        (
            "error validating token: invalid expiration time (exp) claim: token is expired",
            "invalid expiration time (exp) claim: token is expired",
            Cause::Expired,
        ),
        (
            "error validating token: validation failed, invalid audience claim (aud)",
            "validation failed, invalid audience claim (aud)",
            Cause::WrongAudience,
        ),
        ("Could not verify JWT: JWTNotInIssuer", "Could not verify JWT: JWTNotInIssuer", Cause::WrongIssuer),
        (
            "An error occurred while attempting to decode the Jwt: Jwt expired at 2026-06-12T01:00:00Z",
            "Jwt expired at …-…-…T…Z",
            Cause::Expired,
        ),
        ("the token is unverifiable: oidc: get keys failed: EOF", "oidc: …", Cause::JwksFetchFailed),
    ] {
        assert_eq!(innermost(text), (message, cause), "{text}");
    }
}

#[test]
fn what_looks_like_a_word_inside_of_a_long_run_is_chance() {
    let run = "A".repeat(40);
    assert_eq!(entries(&format!("{run}_ERR_JWT_EXPIRED_{run}")), [] as [&Entry; 0]);
    assert_eq!(entries(&format!("token={run}jwt{run} ERR_JWT_EXPIRED")).len(), 1);
    assert_eq!(entries(&format!("{run}{run} jwt expired")).len(), 1);
    assert_eq!(entries(&format!("{run}{run}no applicable key found in the JSON Web Key Set")).len(), 1);
    assert_eq!(entries(&format!("jwt expired {run}{run}oken{run}\njwt expired")).len(), 2);
}

#[test]
fn no_match_crosses_the_end_of_a_line() {
    assert_eq!(entries("token\nInvalidSignature"), [] as [&Entry; 0]);
    assert_eq!(entries("jwt\nexpired"), [] as [&Entry; 0]);
    assert_eq!(entries("token error: Expired token\r\nnext").len(), 1, "the end of a line ends a text");
}

#[test]
fn all_messages_of_a_very_long_line_are_found() {
    let filler = "lorem ipsum, ".repeat(100);
    let mut line = String::new();
    for n in 0..300 {
        write!(line, "{filler} {} {n} unexpected \\\"aud\\\" claim value", "x".repeat(n)).unwrap();
    }
    assert_eq!(entries(&line).len(), 300);
}

#[test]
fn a_users_own_message_comes_first_and_may_hold_no_shared_literal() {
    let own = |pattern| OwnMessage::new("shop", pattern, Cause::WrongAudience, 3).unwrap();
    let finder = Finder::new(
        &[
            own("gate closed for [a-z]+"),
            own("jwt expired"),
            own("größe \\w+ zu 'lang'"),
            own("eyJ is no token"),
        ],
        STARTS,
    );
    let found = |text: &str| {
        let hits = hits(&finder, text.as_bytes()).into_iter();
        hits.map(|hit| (hit.entry, text[hit.at..hit.end].to_owned())).collect::<Vec<_>>()
    };
    let pair = |entry: usize, text: &str| (entry, text.to_owned());
    assert_eq!(
        found("gate closed for shoes\ngate closed for 7\njwt expired"),
        [pair(0, "gate closed for shoes"), pair(1, "jwt expired")]
    );
    assert_eq!(found(r"größe übel zu \u0027lang\u0027"), [pair(2, r"größe übel zu \u0027lang\u0027")]);
    assert_eq!(found("gate eyJ is no token"), [pair(3, "eyJ is no token")]);
    assert_eq!(finder.catalogue().entries()[0].message, "gate closed for …");
    assert_eq!(finder.catalogue().entries()[0].stack, "shop");
}

#[test]
fn a_users_literal_is_found_in_whatever_it_begins_and_wherever_it_begins_again() {
    let own = |pattern| OwnMessage::new("shop", pattern, Cause::UnknownKid, 3).unwrap();
    let patterns = [r"\bkid[ =]\d\S+", "yJa shut", "eyJab shut", r"=== token ===\d"];
    let finder = Finder::new(&patterns.map(own), STARTS);
    let found = |text: &str| hits(&finder, text.as_bytes()).first().map(|hit| hit.entry);
    for text in ["kid=7f3a", "kid 7f3a"] {
        assert_eq!(found(text), Some(0), "{text}");
    }
    assert_eq!(found("x yJa shut"), Some(1));
    assert_eq!(found("eyJab shut"), Some(2));
    assert_eq!(found("=== token ==== token ===7"), Some(3));
}

#[test]
fn only_what_may_begin_something_else_divides_a_line() {
    let finder = Finder::new(&[], crate::triage::STARTS);
    let line = "2026-06-12T01:00:00Z WARN invalid bearer token (framework auth): InvalidIssuer";
    let said: Vec<_> = hits(&finder, line.as_bytes()).iter().map(|hit| hit.entry).collect();
    let causes = said.iter().map(|entry| finder.catalogue().entries()[*entry].cause).collect::<Vec<_>>();
    assert_eq!(causes, [Cause::WrongIssuer]);
}

#[test]
fn many_own_messages_are_all_found() {
    let text = |n: usize| format!("{n:03} gate{n} shut");
    let own: Vec<OwnMessage> =
        (0..200).map(|n| OwnMessage::new("own", &text(n), Cause::Expired, 3).unwrap()).collect();
    let finder = Finder::new(&own, STARTS);
    let log: String = (0..200).map(|n| text(n) + "\n").collect();
    assert_eq!(
        hits(&finder, log.as_bytes()).iter().map(|hit| hit.entry).collect::<Vec<_>>(),
        (0..200).collect::<Vec<_>>()
    );
}

#[test]
fn a_pattern_that_cannot_be_found_is_refused() {
    for pattern in ["[a-z]+", "(?i)token expired", "ab.*", "token|x"] {
        let error = OwnMessage::new("own", pattern, Cause::Expired, 3).unwrap_err();
        assert!(error.contains("at least 3"), "{pattern}: {error}");
    }
    let error = OwnMessage::new("own", "gate closed\\nfor", Cause::Expired, 3).unwrap_err();
    assert!(error.contains("one line"), "{error}");
    let error = OwnMessage::new("own", "gate [a-z]{99999}", Cause::Expired, 3).unwrap_err();
    assert!(error.contains("too large"), "{error}");
    assert!(OwnMessage::new("own", "abc", Cause::Expired, 3).is_ok());
}

/// What the finder is to find in a line that is no longer than its reach: every pattern on the whole line, and of
/// matches that overlap the best.
fn naive(text: &[u8]) -> Vec<Hit> {
    let mut found: Vec<Hit> = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive(|&byte| byte == b'\n') {
        let bare = line.strip_suffix(b"\n").unwrap_or(line);
        let mut all = Vec::new();
        for (entry, regex) in REGEXES.iter().enumerate() {
            let matches = regex.find_iter(Input::new(bare));
            all.extend(matches.map(|m| Hit { at: start + m.start(), end: start + m.end(), entry }));
        }
        let rank = |hit: &Hit| FINDER.catalogue().entries()[hit.entry].rank;
        all.sort_by_key(|hit| (3 - rank(hit), usize::MAX - (hit.end - hit.at), hit.entry, hit.at));
        let mut kept: Vec<Hit> = Vec::new();
        for hit in all {
            if kept.iter().all(|other| hit.end <= other.at || other.end <= hit.at) {
                kept.push(hit);
            }
        }
        kept.sort_by_key(|hit| hit.at);
        found.extend(kept);
        start += line.len();
    }
    found
}

/// Lines in which texts of the catalogue, whole and cut, are frequent.
fn salted() -> impl Strategy<Value = String> {
    let all: Vec<String> = (0..SOURCES.len()).flat_map(samples).filter(|text| text.len() < 100).collect();
    let text = prop::sample::select(all);
    let cut = |(text, from, to): (String, usize, usize)| text.chars().skip(from).take(to).collect::<String>();
    let piece = prop_oneof![
        3 => text.clone(),
        2 => (text, 0..10_usize, 0..30_usize).prop_map(cut),
        2 => prop::sample::select(vec![
            "token", "jwt ", "JWT", " claim ", "\"", "\\\"", "'", "user=7", "Error: ", "issuer ", "a", "é",
            "{\"message\":\"", "&quot;", "eyJhbGciOiJIUzI1NiJ9", "-ew0", ": ",
        ]).prop_map(str::to_owned),
        1 => "[ -~]{0,12}",
    ];
    let line = prop::collection::vec((piece, prop::sample::select(vec![" ", " ", "", ", "])), 0..5)
        .prop_map(|pieces| pieces.into_iter().map(|(text, gap)| text + gap).collect::<String>());
    prop::collection::vec(line, 1..4).prop_map(|lines| lines.join("\n"))
}

static WITH_STARTS: LazyLock<Finder> = LazyLock::new(|| Finder::new(&[], crate::triage::STARTS));

/// One whose own texts overlap what begins something else.
static WITH_OWN: LazyLock<Finder> = LazyLock::new(|| {
    let own = |pattern| OwnMessage::new("shop", pattern, Cause::UnknownKid, 3).unwrap();
    Finder::new(
        &["token=eyJhb shut", "=eyJhbG is shut", "warn: jwt", r"Bearer \w+ jwt", "red Err"].map(own),
        STARTS,
    )
});

/// What is seen when whatever begins a token is one of eight bytes.
fn seen(sights: &mut Sights<'_, '_>, length: usize) -> Vec<Sight> {
    let mut seen = Vec::new();
    while let Some(sight) = sights.next() {
        if let Sight::Start(at) = sight {
            sights.skip_to(length.min(at + 8));
        }
        seen.push(sight);
    }
    seen
}

/// A line in which a beginning follows a message closely.
fn repeated() -> impl Strategy<Value = String> {
    let all: Vec<String> = (0..SOURCES.len()).flat_map(samples).filter(|text| text.len() < 60).collect();
    let usual = prop::sample::select(vec![
        "TokenExpiredError: jwt expired",
        "JsonWebTokenError: invalid signature",
        "JsonWebTokenError: jwt malformed",
    ]);
    let text = prop_oneof![usual.prop_map(str::to_owned), prop::sample::select(all)];
    let before = prop::sample::select(vec![
        "2026-06-12T01:00:00Z ERROR ",
        "",
        "{\"level\":\"warn\",\"msg\":\"",
        "2026-06-12T01:00:00Z WARN jwt: ",
    ]);
    let behind = prop::sample::select(vec![
        " token=eyJhbGciOiJI",
        "\",\"headers\":{\"authorization\":\"Bearer eyJhbGciOiJIUzI1NiJ9.e30",
        " eyJ",
        "",
        " token=xeyJ token=eyJ",
        ": token ew0 eyJhbGciOiJI is jwt",
        "\\neyJhbGciOi",
    ]);
    (before, text, behind).prop_map(|(before, text, behind)| {
        // Twice, for what is told before a beginning is not told again.
        format!("{before}{text}{behind} by {text}{behind}\n")
    })
}

#[test]
fn what_stands_between_a_message_and_a_token_is_remembered_if_it_decides_alone() {
    let is_remembered = |line: &str, literal: &str| {
        let mut memo = Memo::default();
        for _ in 0..2 {
            let mut sights = WITH_STARTS.sights_with(line.as_bytes(), memo);
            assert_eq!(
                seen(&mut sights, line.len()),
                seen(&mut WITH_STARTS.sights(line.as_bytes()), line.len()),
                "{line}"
            );
            memo = sights.into_memo();
        }
        // Where nothing but the first literal was looked up, the rest was remembered.
        let span = memo.span(memo.last()).unwrap();
        span.stands(line.as_bytes(), line.find(literal).unwrap()).is_some()
    };
    assert!(is_remembered("00:00Z ERROR TokenExpiredError: jwt expired token=eyJhbGciOiJI\n", "oken"));
    let object =
        r#"{"msg":"JsonWebTokenError: invalid signature","headers":{"authorization":"Bearer eyJhbGci"#;
    assert!(is_remembered(object, "oken"));
    for (line, literal) in [
        // The line ends, or begins, close by.
        ("00:00Z ERROR TokenExpiredError: jwt expired\n", "oken"),
        ("TokenExpiredError: jwt expired token=eyJhbGciOiJI\n", "oken"),
        // A regular expression was asked.
        ("00:00Z ERROR jwt audience invalid. expected: a token is expired by 3m12s eyJhbGciOiJI\n", "jwt"),
    ] {
        assert!(!is_remembered(line, literal), "{line}");
    }
}

/// What makes a line another.
#[derive(Clone, Debug)]
enum Change {
    Nothing,
    /// A byte is another one.
    Byte(prop::sample::Index, u8),
    /// Bytes are left out.
    Cut(prop::sample::Index, usize),
    /// It begins later, as a chunk may.
    Begin(prop::sample::Index),
    /// It ends earlier, with these.
    End(prop::sample::Index, &'static str),
}

impl Change {
    fn made_to(&self, line: &str) -> Vec<u8> {
        let mut line = line.as_bytes().to_vec();
        match self {
            Self::Nothing => {}
            Self::Byte(at, byte) => *at.get_mut(&mut line) = *byte,
            Self::Cut(at, length) => {
                let at = at.index(line.len());
                line.drain(at..line.len().min(at + length));
            }
            Self::Begin(at) => drop(line.drain(..at.index(line.len()))),
            Self::End(at, end) => {
                line.truncate(at.index(line.len()));
                line.extend_from_slice(end.as_bytes());
            }
        }
        line
    }
}

fn change() -> impl Strategy<Value = Change> {
    let place = any::<prop::sample::Index>;
    let byte = prop_oneof![any::<u8>(), prop::sample::select(b"\n\r\"-: ex".to_vec())];
    prop_oneof![
        2 => Just(Change::Nothing),
        3 => (place(), byte).prop_map(|(at, byte)| Change::Byte(at, byte)),
        1 => (place(), 1..12_usize).prop_map(|(at, length)| Change::Cut(at, length)),
        1 => place().prop_map(Change::Begin),
        1 => (place(), prop::sample::select(vec!["", "\n", "\r\n"])).prop_map(|(at, end)| Change::End(at, end)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_finder_finds_what_all_patterns_find_on_every_line(text in salted()) {
        let found = hits(&FINDER, text.as_bytes());
        prop_assert_eq!(found, naive(text.as_bytes()), "{}", text);
    }

    #[test]
    fn beginnings_are_seen_wherever_they_stand_and_only_they_divide_what_is_found(text in salted()) {
        let finder = Finder::new(&[], STARTS);
        let (mut starts, mut messages) = (Vec::new(), Vec::new());
        for sight in finder.sights(text.as_bytes()) {
            match sight {
                Sight::Start(at) => starts.push(at),
                Sight::Message(hit) => messages.push(hit),
            }
        }
        let places = text.as_bytes().array_windows().enumerate();
        let places = places.filter(|(at, start)| STARTS.texts.contains(start) && !text[..*at].ends_with('-'));
        prop_assert_eq!(starts, places.map(|(at, _)| at).collect::<Vec<_>>());
        prop_assert!(messages.windows(2).all(|pair| pair[0].end <= pair[1].at), "{}", text);
        if !text.contains("eyJ") && !text.contains("ew0") {
            let whole = hits(&FINDER, text.as_bytes());
            prop_assert_eq!(messages, whole);
        }
    }

    #[test]
    fn what_is_skipped_hides_nothing_behind_it(text in salted(), line in any::<prop::sample::Index>()) {
        let starts: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).chain([0]).collect();
        let from = *line.get(&starts);
        let mut rest = hits(&FINDER, text.as_bytes());
        rest.retain(|hit| hit.at >= from);
        let mut sights = FINDER.sights(text.as_bytes());
        sights.skip_to(from);
        prop_assert_eq!(sights.collect::<Vec<_>>(), rest.into_iter().map(Sight::Message).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_remembered_of_lines_is_found_in_others_only_where_it_stands(
        lines in prop::collection::vec(repeated(), 1..4),
        copies in prop::collection::vec((any::<prop::sample::Index>(), change()), 0..40),
    ) {
        let changed = copies.iter().map(|(line, change)| change.made_to(line.get::<String>(&lines)));
        let lines: Vec<Vec<u8>> = lines.iter().map(|line| line.clone().into_bytes()).chain(changed).collect();
        for finder in [&*WITH_STARTS, &*WITH_OWN] {
            let mut memo = Memo::default();
            for chunk in [lines.as_slice(), &lines[lines.len() / 2..]] {
                // Every line alone and then all of them, with what was remembered of those before.
                for line in chunk.iter().chain([&chunk.concat()]) {
                    let mut sights = finder.sights_with(line, memo);
                    let found: Vec<Sight> = seen(&mut sights, line.len());
                    memo = sights.into_memo();
                    let fresh: Vec<Sight> = seen(&mut finder.sights(line), line.len());
                    prop_assert_eq!(found, fresh, "{}", String::from_utf8_lossy(line));
                }
            }
        }
    }

    #[test]
    fn what_the_filter_finds_with_a_run_up_is_what_it_finds_place_by_place(
        pieces in prop::collection::vec((prop::sample::select(ORDER.to_vec()), 0..9_usize, 0..9_usize), 0..30),
        from in 0..40_usize,
    ) {
        let filter = Filter::new(STARTS.texts, []);
        let cut = |(text, from, to): (&'static str, usize, usize)| text.chars().skip(from / 2).take(to);
        let text: String = pieces.into_iter().flat_map(cut).collect();
        let (bytes, from) = (text.as_bytes(), from.min(text.len()));
        let mut found = Vec::new();
        let (mut free, mut at) = (0, from);
        while let Some((mark, next)) = filter.find_behind(bytes, free, at..bytes.len()) {
            found.push(mark);
            (free, at) = (next, next);
        }
        let places = (from..bytes.len()).filter_map(|at| {
            let (mark, _) = filter.find_behind(bytes, at, at..bytes.len())?;
            (mark.at() == at).then_some(mark)
        });
        prop_assert_eq!(found, places.collect::<Vec<_>>(), "{}", text);
    }

    #[test]
    fn hits_ascend_and_do_not_overlap(text in prop::collection::vec(any::<u8>(), 0..300), salt in salted()) {
        let text = [text.as_slice(), salt.as_bytes(), &text].concat();
        let mut end = 0;
        for hit in hits(&FINDER, &text) {
            prop_assert!(end <= hit.at && hit.at < hit.end && hit.end <= text.len());
            end = hit.end;
        }
    }
}

#[test]
fn every_pattern_compiles() {
    assert_eq!(REGEXES.len(), SOURCES.len());
    assert!(
        Pattern::ascii("a{100000}").is_ok_and(|pattern| pattern.compile().is_err()),
        "and a huge one does not"
    );
}
