//! What somebody has looked at and accepted: a TOML file that is kept in git.
//!
//! ```toml
//! [[accept]]
//! source = "logs/legacy/*"        # a glob over the name as changes tell it; `*` also stands for `/`
//! reason = "the batch job renews too late, OPS-811"
//! expires = 2026-12-31            # the last day on which this holds, in UTC
//!
//! [[accept]]
//! fingerprint = "jt_9f8a1c0d2b3e4f5a6b7c"
//! reason = "the load test's token, good for nothing"
//! expires = 2026-09-30
//! ```
//!
//! An entry accepts what has all its keys and is as they say:
//!
//! | what is new, or out of its band | keys |
//! |---|---|
//! | verdict | `verdict`, `detail` |
//! | key | `iss`, `kid` |
//! | issuer | `iss`, `verdict` |
//! | audience | `aud`, `verdict` |
//! | source | `source` |
//! | live token | `fingerprint` |
//!
//! So `iss` alone accepts an issuer with whatever verdict, and its keys; `verdict` alone accepts the verdict with all its details, of
//! every issuer and audience. Keys that nothing has together, such as `fingerprint` and `source`, are a mistake, for what is
//! counted by source is not counted by token: the entry would accept less than it says, or more. Reason and date are
//! required, and an entry whose day is over accepts nothing and is told, until somebody renews it or takes it out.

use std::path::Path;

use glob::Pattern;
use jiff::civil::{Date, date};
use toml::Spanned;
use toml::de::DeTable;

use super::read::key_parts;
use super::{Item, Kind};
use crate::error::Result;
use crate::policy::{Document, Problems, Shape, Written, nearest, quoted, read_text, read_toml};
use crate::report::Cell;
use crate::timestamp::Timestamp;
use crate::verdict::Verdict;

/// What is accepted, and until when.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    entries: Vec<Entry>,
}

/// An `[[accept]]` table.
#[derive(Clone, Debug)]
struct Entry {
    /// `file:line`.
    place: String,
    wanted: Vec<Wanted>,
    /// The last day on which it holds, and the instant at which that is over.
    expires: String,
    over: Timestamp,
}

/// A key of an entry, and what it asks for.
#[derive(Clone, Debug)]
struct Wanted {
    key: Key,
    value: Value,
}

#[derive(Clone, Debug)]
enum Value {
    Text(String),
    Glob(Pattern),
}

/// What an entry may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Fingerprint,
    Source,
    Verdict,
    Detail,
    Iss,
    Kid,
    Aud,
}

/// The keys with their names and what messages expect of them.
const KEYS: [(Key, &str, &str); 7] = [
    (Key::Fingerprint, "fingerprint", "a fingerprint such as \"jt_9f8a1c0d2b3e4f5a6b7c\""),
    (Key::Source, "source", "a glob over the names of sources, such as \"logs/legacy/*\""),
    (Key::Verdict, "verdict", "a verdict such as \"expired\""),
    (Key::Detail, "detail", "a detail of a verdict, as in summary.csv"),
    (Key::Iss, "iss", "an issuer, as in issuers.csv"),
    (Key::Kid, "kid", "a kid, as in keys.csv"),
    (Key::Aud, "aud", "an audience, as in audiences.csv"),
];

/// The keys that items of a kind have.
const fn keys_of(kind: Kind) -> &'static [Key] {
    match kind {
        Kind::Verdict => &[Key::Verdict, Key::Detail],
        Kind::Key => &[Key::Iss, Key::Kid],
        Kind::Issuer => &[Key::Iss, Key::Verdict],
        Kind::Audience => &[Key::Aud, Key::Verdict],
        Kind::Source => &[Key::Source],
        Kind::LiveToken => &[Key::Fingerprint],
    }
}

/// What an item has under a key; `None` if items of its kind have no such key.
fn value_of(item: &Item, key: Key) -> Option<String> {
    if !keys_of(item.kind).contains(&key) {
        return None;
    }
    let part = |n: usize| key_parts(&item.name)[n].clone();
    Some(match (item.kind, key) {
        (_, Key::Verdict) => item.verdict.clone(),
        (Kind::Key, Key::Iss) => part(0),
        (Kind::Key, Key::Kid) => part(1),
        _ => item.name.clone(),
    })
}

const TOP: Shape = Shape { label: "the baseline", home: "at the top", keys: &["accept"] };

const ACCEPT: Shape = Shape {
    label: "[[accept]]",
    home: "in [[accept]]",
    keys: &["fingerprint", "source", "verdict", "detail", "iss", "kid", "aud", "reason", "expires"],
};

const DATE: &str = "a date such as 2026-12-31";

impl Baseline {
    /// Reads a baseline.
    ///
    /// # Errors
    /// Every mistake on a line of its own: file, line, key, what was expected and what was found.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&read_text(path, "baseline")?, &path.display().to_string())
    }

    /// The baseline of a TOML text that stands in a file of this name.
    ///
    /// # Errors
    /// As [`Baseline::read`].
    pub fn parse(text: &str, name: &str) -> Result<Self> {
        let mut problems = Problems::new(name);
        let entries = read_toml(text, &mut problems, |document, table| {
            let section = document.enter(table, &TOP, &[&ACCEPT]);
            document.tables(
                &section,
                "accept",
                "an array of tables, each under [[accept]]",
                |document, table| entry(document, table, name),
            )
        });
        problems.into_result()?;
        Ok(Self { entries: entries.into_iter().flatten().collect() })
    }

    /// Whether an entry that still holds accepts the item.
    #[must_use]
    pub fn accepts(&self, item: &Item, now: Timestamp) -> bool {
        self.entries.iter().any(|entry| entry.holds(now) && entry.wanted.iter().all(|wanted| wanted.is(item)))
    }

    /// The entries whose day is over, each in a sentence.
    #[must_use]
    pub fn expired(&self, now: Timestamp) -> Vec<String> {
        let expired = self.entries.iter().filter(|entry| !entry.holds(now));
        let told = |Entry { place, expires, .. }: &Entry| {
            format!("{place}: this entry expired on {expires} and accepts nothing: renew it or take it out")
        };
        expired.map(told).collect()
    }
}

impl Entry {
    fn holds(&self, now: Timestamp) -> bool {
        now.millis() < self.over.millis()
    }
}

impl Wanted {
    fn is(&self, item: &Item) -> bool {
        let found = value_of(item, self.key);
        found.is_some_and(|found| match &self.value {
            Value::Text(text) => *text == found,
            Value::Glob(pattern) => pattern.matches(&found),
        })
    }
}

/// Reads an `[[accept]]` table; `None` when something is wrong with it, which the document knows then.
fn entry<'a>(document: &mut Document<'a>, table: &Spanned<&'a DeTable<'a>>, file: &str) -> Option<Entry> {
    let section = document.enter(table, &ACCEPT, &[]);
    let names = KEYS.map(|(_, name, _)| name);
    document.need_one(&section, &ACCEPT, &names);
    document.need_one(&section, &ACCEPT, &["reason"]);
    document.need_one(&section, &ACCEPT, &["expires"]);
    document.text(&section, "reason", "why this is accepted")?;
    let expires = document.date_or(&section, "expires", DATE);
    let over = expires.as_ref().and_then(|expires| end_of(document, expires));
    let mut wanted = Vec::new();
    for (key, name, expected) in KEYS {
        if let Some(written) = document.string(&section, name, expected) {
            wanted.extend(value(document, key, &written).map(|value| Wanted { key, value }));
        }
    }
    let together = |kind: &&Kind| wanted.iter().all(|wanted| keys_of(**kind).contains(&wanted.key));
    if Kind::ALL.iter().find(together).is_none() {
        let named = KEYS.iter().filter(|(key, ..)| wanted.iter().any(|wanted| wanted.key == *key));
        let named: Vec<_> = named.map(|(_, name, _)| *name).collect();
        let message = format!(
            "[[accept]]: expected keys that one thing has together, found {}: write an entry for each (a verdict has \
             verdict and detail, a key iss and kid, an issuer iss and verdict, an audience aud and verdict)",
            named.join(" and ")
        );
        document.problems.add(section.line, message);
        return None;
    }
    let place = section.line.map_or_else(|| file.to_owned(), |line| format!("{file}:{line}"));
    Some(Entry { place, wanted, expires: expires?.value, over: over? })
}

/// The instant at which a day is over.
fn end_of(document: &mut Document<'_>, expires: &Written<String>) -> Option<Timestamp> {
    // A date with a time of day is one too, for the parser.
    let day = Some(&expires.value).filter(|text| text.len() == 10).and_then(|text| text.parse::<Date>().ok());
    if let Some(day) = day {
        let days = i64::from(date(1970, 1, 1).until(day).ok()?.get_days());
        return Some(Timestamp::from_seconds((days + 1) * 86_400));
    }
    document.problems.with(expires, format_args!("expected {DATE}, found {}", quoted(&expires.value)));
    None
}

/// What a key asks for, as items have it.
fn value(document: &mut Document<'_>, key: Key, written: &Written<String>) -> Option<Value> {
    let found = quoted(&written.value);
    match key {
        Key::Verdict => {
            let known: Vec<_> = Verdict::ALL.iter().map(|verdict| verdict.as_str()).collect();
            if !known.contains(&&*written.value) {
                let near = quoted(nearest(&written.value, &known));
                document
                    .problems
                    .with(written, format_args!("unknown verdict {found}; did you mean {near}?"));
                return None;
            }
        }
        Key::Fingerprint => {
            let digits = written.value.strip_prefix("jt_").unwrap_or_default();
            if digits.len() != 20 || !digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
                // What stands here may be a token: it is not told.
                let expected = "expected a fingerprint, jt_ and 20 digits as in live.csv, found other text";
                document.problems.with(written, expected);
                return None;
            }
        }
        Key::Source => {
            return match Pattern::new(&written.value) {
                Ok(pattern) => Some(Value::Glob(pattern)),
                Err(error) => {
                    let what = format!("expected a glob pattern, found {found}: {}", error.msg);
                    document.problems.with(written, what);
                    None
                }
            };
        }
        Key::Detail | Key::Iss | Key::Kid | Key::Aud => {}
    }
    // As a report shows it, so that a line of its files can be copied.
    Some(Value::Text(Cell::read(&written.value).plain().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: &str = "reason = \"known\"\nexpires = 2026-06-30\n";

    fn baseline(keys: &str) -> Baseline {
        Baseline::parse(&format!("[[accept]]\n{keys}\n{ENDS}"), "baseline.toml").unwrap()
    }

    fn refusal(text: &str) -> String {
        Baseline::parse(text, "baseline.toml").unwrap_err().to_string()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn items() -> Vec<Item> {
        let item = |(kind, name, verdict): (Kind, &str, &str)| Item {
            kind,
            name: name.to_owned(),
            verdict: verdict.to_owned(),
        };
        [
            (Kind::Verdict, "retired", "stale_kid"),
            (Kind::Verdict, "expired", "expired"),
            (Kind::Key, "https://a/,k-1,ES256", ""),
            (Kind::Key, "https://a/,k-2,ES256", ""),
            (Kind::Issuer, "https://a/", "expired"),
            (Kind::Issuer, "https://b/", "stale_kid"),
            (Kind::Audience, "=api", "expired"),
            (Kind::Source, "logs/legacy/batch.log", ""),
            (Kind::Source, "logs/legacy/old/batch-*.log", "partial"),
            (Kind::LiveToken, "jt_0123456789abcdef0123", ""),
            (Kind::LiveToken, "", ""),
        ]
        .into_iter()
        .map(item)
        .collect()
    }

    /// Which of the items an entry accepts.
    fn accepted(keys: &str) -> Vec<usize> {
        let baseline = baseline(keys);
        let now = at("2026-06-12T01:00:00Z");
        (0..).zip(items()).filter(|(_, item)| baseline.accepts(item, now)).map(|(n, _)| n).collect()
    }

    #[test]
    fn an_entry_accepts_what_has_all_its_keys() {
        for (keys, numbers) in [
            ("fingerprint = \"jt_0123456789abcdef0123\"", vec![9]),
            ("source = \"logs/legacy/*\"", vec![7, 8]),
            ("source = \"logs/legacy/batch.log\"", vec![7]),
            ("verdict = \"expired\"", vec![1, 4, 6]),
            ("verdict = \"stale_kid\"\ndetail = \"retired\"", vec![0]),
            ("verdict = \"stale_kid\"\ndetail = \"other\"", vec![]),
            ("iss = \"https://a/\"", vec![2, 3, 4]),
            ("iss = \"https://a/\"\nkid = \"k-2\"", vec![3]),
            ("kid = \"k-1\"", vec![2]),
            ("iss = \"https://b/\"\nverdict = \"stale_kid\"", vec![5]),
            ("aud = \"=api\"", vec![6]),
            ("aud = \"'=api\"", vec![6]),
        ] {
            assert_eq!(accepted(keys), numbers, "{keys}");
        }
    }

    #[test]
    fn an_entry_holds_to_the_end_of_its_day_and_is_told_from_then_on() {
        let baseline = baseline("verdict = \"expired\"");
        let (last, next) = (at("2026-06-30T23:59:59.999Z"), at("2026-07-01T00:00:00Z"));
        let expired = &items()[1];
        assert!(baseline.accepts(expired, last) && !baseline.accepts(expired, next));
        assert_eq!(baseline.expired(last), [""; 0]);
        assert_eq!(
            baseline.expired(next),
            [
                "baseline.toml:1: this entry expired on 2026-06-30 and accepts nothing: renew it or take it out"
            ]
        );
    }

    #[test]
    fn an_entry_may_hold_as_long_as_there_are_dates() {
        let text = "[[accept]]\nverdict = \"expired\"\nreason = \"x\"\nexpires = ";
        let baseline = Baseline::parse(&format!("{text}9999-12-31"), "b").unwrap();
        assert!(baseline.accepts(&items()[1], at("9999-12-30T00:00:00Z")));
        let baseline = Baseline::parse(&format!("{text}\"1969-12-30\""), "b").unwrap();
        assert!(!baseline.accepts(&items()[1], at("1969-12-31T00:00:00Z")));
        assert!(baseline.accepts(&items()[1], at("1969-12-30T23:00:00Z")));
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        let told = refusal(
            "[[accept]]\nverdict = \"expird\"\nreason = \"x\"\nexpires = \"tomorrow\"\n\n[[accept]]\nfingerprnt = \"x\"\nreason = \"\"\n",
        );
        assert_eq!(
            told.lines().collect::<Vec<_>>(),
            [
                "baseline.toml:2: verdict: unknown verdict \"expird\"; did you mean \"expired\"?",
                "baseline.toml:4: expires: expected a date such as 2026-12-31, found \"tomorrow\"",
                "baseline.toml:6: [[accept]]: expected fingerprint or source or verdict or detail or iss or kid or aud, found none of them",
                "baseline.toml:6: [[accept]]: expected expires, found nothing",
                "baseline.toml:7: unknown key \"fingerprnt\" in [[accept]]; did you mean \"fingerprint\"?",
                "baseline.toml:8: reason: expected why this is accepted, found an empty string",
            ]
        );
    }

    #[test]
    fn keys_that_nothing_has_together_are_a_mistake() {
        for (keys, named) in [
            (
                "source = \"a\"\nfingerprint = \"jt_0123456789abcdef0123\"",
                "found fingerprint and source: write",
            ),
            ("kid = \"a\"\nverdict = \"expired\"", "found verdict and kid: write"),
        ] {
            let told = refusal(&format!("[[accept]]\n{keys}\n{ENDS}"));
            assert!(
                told.starts_with("baseline.toml:1: [[accept]]: expected keys that") && told.contains(named),
                "{told}"
            );
        }
    }

    #[test]
    fn what_is_not_as_it_should_be_is_refused_and_no_token_is_told() {
        let token = "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl";
        for (text, complaint) in [
            (
                format!("[[accept]]\nfingerprint = \"{token}\"\n{ENDS}"),
                "expected a fingerprint, jt_ and 20 digits",
            ),
            (format!("[[accept]]\nsource = \"a[\"\n{ENDS}"), "expected a glob pattern, found \"a[\""),
            (
                format!("[[accept]]\nkid = 7\n{ENDS}"),
                "kid: expected a kid, as in keys.csv, found the integer 7",
            ),
            (
                "accept = 1".to_owned(),
                "expected an array of tables, each under [[accept]], found the integer 1",
            ),
            (
                "expires = 2026-06-30".to_owned(),
                "unknown key \"expires\" in the baseline; it belongs in [[accept]]",
            ),
            (
                "[[accept]]\nkid = \"a\"\nreason = \"x\"\nexpires = \"2026-02-30\"".to_owned(),
                "expected a date",
            ),
            ("[[accept".to_owned(), "baseline.toml:1: this is not TOML"),
            (
                "[[accept]]\nkid = \"a\"\nreason = \"x\"\nexpires = 2026-06-30T10:00:00Z".to_owned(),
                "expected a date",
            ),
        ] {
            let told = refusal(&text);
            assert!(told.contains(complaint) && !told.contains("eyJ"), "{told}");
        }
    }

    #[test]
    fn an_empty_baseline_accepts_nothing() {
        let baseline = Baseline::parse("", "baseline.toml").unwrap();
        assert!(items().iter().all(|item| !baseline.accepts(item, at("2026-06-12T01:00:00Z"))));
    }
}
