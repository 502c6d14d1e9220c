//! Random logs: lines in the formats of the field, salted with tokens in every shape in which logs hold them.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::support::{NOON, token};

/// A few distinct tokens, so that the same one turns up again and again: by every algorithm's signature length, in and
/// out of date, and one that names its date in milliseconds.
pub(crate) fn tokens() -> Vec<String> {
    let claims = |n: i64, rest: &str| {
        format!(r#"{{"iss":"https://auth{n}.example.com/","sub":"user-{n}","aud":["api","b"]{rest}}}"#)
    };
    let dated = |n: i64, exp: i64| claims(n, &format!(r#","iat":{},"exp":{exp}"#, NOON - 3600));
    vec![
        token(r#"{"alg":"HS256","typ":"JWT"}"#, &dated(1, NOON + 60), 32),
        token(r#"{"alg":"ES256","kid":"k-1"}"#, &dated(2, NOON - 60), 64),
        token(r#"{"typ":"JWT","alg":"RS256","kid":"k-2"}"#, &dated(3, NOON + 7200), 256),
        token(r#"{"alg":"none"}"#, &claims(4, ""), 0),
        token("{\n  \"alg\": \"HS512\"\n}", &claims(5, r#","exp":1781226000000,"scope":"a>b?c~d""#), 64),
        token(r#"{"alg":"EdDSA"}"#, &claims(6, r#","nbf":"soon""#), 64),
    ]
}

/// A token in one of the shapes in which logs hold it.
fn shaped() -> impl Strategy<Value = String> {
    let tails =
        select(vec!["", "...", "\u{2026}", "[truncated]", "\"", "***", "%", "=", "==", ".", ".x", "~", "/"]);
    (select(tokens()), any::<Index>(), tails, 0..12_u8).prop_map(|(whole, at, tail, shape)| {
        let at = at.index(whole.len());
        let dot = |n: usize| whole.match_indices('.').nth(n).map_or(whole.len(), |(at, _)| at);
        match shape {
            0..=2 => format!("{whole}{tail}"),
            3 | 4 => format!("{}{tail}", &whole[..at]),
            5 => format!("{}***", &whole[..at]),
            6 => format!("{}***{}", &whole[..at], &whole[at..]),
            7 => whole.replace('.', "%2E").replace('-', "%2D") + tail,
            8 => format!("{whole}~{}~{tail}", BASE64URL_NOPAD.encode(br#"["salt","given_name","Ada"]"#)),
            9 => whole
                .split('.')
                .map(|part| part.replace('-', "+").replace('_', "/") + "=")
                .collect::<Vec<_>>()
                .join("."),
            10 => {
                let header = BASE64URL_NOPAD.encode(br#"{"alg":"RSA-OAEP","enc":"A256GCM"}"#);
                format!(
                    "{header}.{}.AAAAAAAAAAAAAAAA.{}.AAAAAAAAAAAAAAAAAAAAAA",
                    &whole[..at.min(dot(0))],
                    "Zm9v"
                )
            }
            _ => format!("{}.{tail}", &whole[..dot(at % 3)]),
        }
    })
}

/// The text of a line, without its line end.
fn message() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        5 => shaped(),
        3 => select(vec![
            "GET /api?x=1&token=", "Authorization: Bearer ", "jwt expired", "JsonWebTokenError: invalid signature ",
            "\"exp\" claim timestamp check failed", "key=value ", "eyJ", "eyJhIjoxfQ.eyJ", ".", "/",
            "\\\"", "\\n", "%3D", " ", "\t", "{\"t\":\"", "\u{1b}[31m", "\u{20ac}",
        ])
        .prop_map(str::to_owned),
        2 => "[A-Za-z0-9_.,; -]{0,30}",
        1 => Just(BASE64.encode(br#"{"cursor":12,"next":"x"}"#)),
    ];
    prop::collection::vec(word, 0..5).prop_map(|words| words.concat())
}

/// How a line is written.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Shape {
    Rfc3339,
    Clf,
    Json,
    /// A container runtime's line, split in two.
    CriSplit,
    Cri,
    /// Docker's JSON line, split in two.
    DockerSplit,
    Docker,
    Undated,
    /// More than a buffer for small reads.
    Long,
}

const DATED: [Shape; 5] = [Shape::Rfc3339, Shape::Clf, Shape::Json, Shape::Cri, Shape::Docker];

fn render(shape: Shape, after: i64, text: &str, cut: &Index) -> String {
    let at = jiff::Timestamp::from_second(NOON + after).unwrap();
    let cut = (0..=cut.index(text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let (head, rest) = text.split_at(cut);
    let json = |text: &str| serde_json::to_string(text).unwrap();
    let docker = |text: &str| format!("{{\"log\":{},\"stream\":\"stdout\",\"time\":\"{at}\"}}\n", json(text));
    match shape {
        Shape::Rfc3339 => format!("{at} INFO {text}\n"),
        Shape::Clf => {
            let date = at.strftime("%d/%b/%Y:%H:%M:%S +0000");
            format!("10.0.0.7 - - [{date}] \"GET /?t={text} HTTP/1.1\" 401 12\n")
        }
        Shape::Json => format!("{{\"time\":\"{at}\",\"level\":\"warn\",\"msg\":{}}}\n", json(text)),
        Shape::Cri => format!("{at} stdout F {text}\n"),
        Shape::CriSplit => format!("{at} stdout P {head}\n{at} stderr F {text}\n{at} stdout F {rest}\n"),
        Shape::Docker => docker(&format!("{text}\n")),
        Shape::DockerSplit => docker(head) + &docker(&format!("{rest}\n")),
        Shape::Undated => format!("\tat {text}\n"),
        Shape::Long => format!("{at} {} {text} {}\n", "filler ".repeat(900), "x".repeat(3000)),
    }
}

/// Lines in the shapes of `choices`; most in that of the first line, as in a real log.
fn lines(choices: &'static [Shape], count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<String>> {
    let line = (
        any::<bool>(),
        select(choices),
        prop_oneof![9 => -600..600_i64, 1 => -4_000_000..4_000_000_i64],
        message(),
        any::<Index>(),
    );
    (select(choices), prop::collection::vec(line, count)).prop_map(|(usual, lines)| {
        lines
            .iter()
            .map(|(as_usual, shape, after, text, cut)| {
                render(if *as_usual { usual } else { *shape }, *after, text, cut)
            })
            .collect()
    })
}

/// A log in any format, or in several at once. Its last line may lack its end.
pub(crate) fn log() -> impl Strategy<Value = String> {
    use Shape::{Clf, Cri, CriSplit, Docker, DockerSplit, Json, Long, Rfc3339, Undated};
    const ALL: &[Shape] = &[Rfc3339, Clf, Json, CriSplit, Cri, DockerSplit, Docker, Undated, Long];
    (lines(ALL, 0..25), any::<bool>()).prop_map(|(lines, ended)| {
        let mut log = lines.concat();
        if !ended {
            log.pop();
        }
        log
    })
}

/// The lines of a log in which every line is dated and a record of its own.
pub(crate) fn dated_lines() -> impl Strategy<Value = Vec<String>> {
    lines(&DATED, 1..25)
}

/// Bytes of any kind in which tokens and pieces of tokens are frequent.
pub(crate) fn salted_bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => message().prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => select(vec!["\n", "\n2026-06-12T01:00:00Z ", " ", "eyJ", "ewo", "IHs"]).prop_map(|text| text.as_bytes().to_vec()),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}
