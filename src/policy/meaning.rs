//! A policy as written → as meant: text becomes durations, instants, patterns and keys, and what cannot be meant is a
//! problem with its place. All problems are found before any is reported.

use super::algorithm;
use super::doubts;
use super::duration;
use super::file::{IssuerEntry, PolicyEntry, RulesEntry};
use super::keys::KeySets;
use super::problem::{Problems, Warning, Written, quoted};
use super::uri::{self, Flaw};
use super::{Files, Issuer, IssuerName, Policy, Rules, TokenType};
use crate::timestamp::Timestamp;
use regex::Regex;
use std::collections::BTreeMap;
use std::path::Path;

/// The policy of a file in `dir`. It is worth something only when no problem was noted.
pub(super) fn policy(
    entry: &PolicyEntry,
    source: &str,
    dir: &Path,
    files: &dyn Files,
    problems: &mut Problems,
) -> Policy {
    let mut reader = Reader { dir, files, problems, warnings: Vec::new() };
    let leeway = reader.duration(entry.leeway.as_ref()).unwrap_or(0);
    let issuers: Vec<Issuer> = entry.issuers.iter().filter_map(|issuer| reader.issuer(issuer)).collect();
    reader.duplicates(&entry.issuers);
    let messages = entry.messages.iter().filter_map(|message| reader.message(message)).collect();
    let warnings = reader.warnings;
    let mut policy = Policy::assemble(source, leeway, values(&entry.show_claims), issuers);
    policy.messages = messages;
    policy.states_leeway = entry.leeway.is_some();
    policy.warnings = without_repeats(warnings);
    let lines: Vec<Option<usize>> = entry.issuers.iter().map(|issuer| issuer.line).collect();
    policy.doubts =
        without_repeats(doubts::find(&policy, entry.leeway.as_ref().and_then(|l| l.line), &lines));
    policy
}

/// The policy of flags. Without an issuer the rules are the union, which then holds for every token.
pub(super) fn policy_of_flags(
    leeway: Option<&Written<String>>,
    issuers: &[Written<String>],
    rules: &RulesEntry,
    files: &dyn Files,
    problems: &mut Problems,
) -> Policy {
    let mut reader = Reader { dir: Path::new(""), files, problems, warnings: Vec::new() };
    let states_leeway = leeway.is_some();
    let leeway = reader.duration(leeway).unwrap_or(0);
    let rules = reader.rules(rules);
    let mut names: Vec<&Written<String>> = Vec::new();
    for name in issuers {
        reader.check_name(name);
        if !names.iter().any(|known| known.value == name.value) {
            names.push(name);
        }
    }
    let warnings = reader.warnings;
    let issuer = |name: &Written<String>| Issuer {
        name: IssuerName::Exact(name.value.clone()),
        environment: DEFAULT_ENVIRONMENT.to_owned(),
        trusted: true,
        rules: rules.clone(),
    };
    let issuers: Vec<Issuer> = names.into_iter().map(issuer).collect();
    let lines = vec![None; issuers.len()];
    let mut policy = Policy::assemble("flags", leeway, Vec::new(), issuers);
    policy.states_leeway = states_leeway;
    if policy.issuers.is_empty() {
        policy.union = rules;
    } else {
        // One copy of the keys is enough, however many issuers share them.
        policy.union.keys = rules.keys;
    }
    policy.warnings = without_repeats(warnings);
    policy.doubts = without_repeats(doubts::find(&policy, None, &lines));
    policy
}

const DEFAULT_ENVIRONMENT: &str = "default";

fn values(written: &[Written<String>]) -> Vec<String> {
    written.iter().map(|written| written.value.clone()).collect()
}

/// Two issuers may name the same key file: what is doubtful about it is told once.
fn without_repeats(warnings: Vec<Warning>) -> Vec<Warning> {
    let mut kept: Vec<Warning> = Vec::with_capacity(warnings.len());
    for warning in warnings {
        if !kept.contains(&warning) {
            kept.push(warning);
        }
    }
    kept
}

/// Reads the tables of a policy, and notes what is wrong with them.
pub(super) struct Reader<'a> {
    pub(super) dir: &'a Path,
    pub(super) files: &'a dyn Files,
    pub(super) problems: &'a mut Problems,
    pub(super) warnings: Vec<Warning>,
}

impl Reader<'_> {
    pub(super) fn duration(&mut self, written: Option<&Written<String>>) -> Option<i64> {
        let written = written?;
        duration::parse(&written.value).map_err(|message| self.problems.with(written, message)).ok()
    }

    pub(super) fn time(&mut self, written: Option<&Written<String>>) -> Option<Timestamp> {
        let written = written?;
        written.value.parse().map_err(|message: String| self.problems.with(written, message)).ok()
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(
        &mut self,
        written: Option<&Written<String>>,
        words: &[(&str, T)],
    ) -> Option<T> {
        let written = written?;
        let found = words.iter().find(|(word, _)| *word == written.value).map(|(_, meaning)| *meaning);
        if found.is_none() {
            let words: Vec<String> = words.iter().map(|(word, _)| quoted(word)).collect();
            let expected = words.join(" or ");
            self.problems
                .with(written, format_args!("expected {expected}, found {}", quoted(&written.value)));
        }
        found
    }

    fn issuer(&mut self, entry: &IssuerEntry) -> Option<Issuer> {
        let name = self.name(entry);
        let rules = self.rules(&entry.rules);
        let environment = entry.environment.as_ref().map_or(DEFAULT_ENVIRONMENT, |written| &written.value);
        Some(Issuer {
            name: name?,
            environment: environment.to_owned(),
            trusted: entry.trusted.as_ref().is_none_or(|written| written.value),
            rules,
        })
    }

    fn name(&mut self, entry: &IssuerEntry) -> Option<IssuerName> {
        match (&entry.iss, &entry.iss_pattern) {
            (Some(iss), None) => {
                self.check_name(iss);
                Some(IssuerName::Exact(iss.value.clone()))
            }
            (None, Some(pattern)) => self.pattern(pattern),
            (Some(_), Some(pattern)) => {
                self.problems
                    .with(pattern, "expected iss or iss_pattern, found both; write two [[issuer]] tables");
                None
            }
            // Absent or refused: the reader of the file has said so.
            (None, None) => None,
        }
    }

    fn check_name(&mut self, written: &Written<String>) {
        if let Some(Flaw::Broken(why)) = uri::flaw(&written.value) {
            self.problems.with(
                written,
                format_args!(
                    "expected a name or a URL such as https://auth.example.com/, found {}: {why}",
                    quoted(&written.value)
                ),
            );
        }
    }

    fn pattern(&mut self, written: &Written<String>) -> Option<IssuerName> {
        let source = written.value.clone();
        // The source is compiled alone first: `a)|(b` must not become valid by the anchors' parentheses.
        match Regex::new(&source).and_then(|_| Regex::new(&format!(r"\A(?:{source})\z"))) {
            Ok(regex) => Some(IssuerName::Pattern { source, regex }),
            Err(error) => {
                let text = error.to_string();
                let reason = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
                self.problems.with(
                    written,
                    format_args!("expected a regular expression, found {}: {reason}", quoted(&source)),
                );
                None
            }
        }
    }

    fn duplicates(&mut self, issuers: &[IssuerEntry]) {
        let mut first_lines = BTreeMap::new();
        for written in issuers.iter().filter_map(|issuer| issuer.iss.as_ref().or(issuer.iss_pattern.as_ref()))
        {
            if let Some(first) = first_lines.insert((written.key, &written.value), written.line) {
                let first = first.map_or_else(String::new, |line| format!(" (line {line})"));
                self.problems.with(
                    written,
                    format_args!(
                        "{} is there twice{first}; write one [[issuer]] for it",
                        quoted(&written.value)
                    ),
                );
            }
        }
    }

    fn rules(&mut self, entry: &RulesEntry) -> Rules {
        let audiences = entry.audiences.as_ref().map(|written| {
            self.not_empty(written, "not to judge audiences");
            written.value.iter().for_each(|audience| self.check_name(audience));
            values(&written.value)
        });
        let algorithms = entry.algorithms.as_ref().map(|written| {
            self.not_empty(written, "to allow everything but none");
            written.value.iter().for_each(|name| self.check_algorithm(name));
            values(&written.value)
        });
        let sets = entry
            .keys
            .iter()
            .filter_map(|keys| self.key_sets(keys, algorithms.as_deref()))
            .flatten()
            .collect();
        let types = [("access", Some(TokenType::Access)), ("id", Some(TokenType::Id)), ("any", None)];
        Rules {
            token_type: self.word(entry.token_type.as_ref(), &types).flatten(),
            required_claims: values(&entry.required_claims),
            max_lifetime: self.duration(entry.max_lifetime.as_ref()),
            require_kid: entry.require_kid.as_ref().is_some_and(|written| written.value),
            keys: KeySets::new(sets),
            audiences,
            algorithms,
        }
    }

    fn not_empty(&mut self, list: &Written<Vec<Written<String>>>, purpose: &str) {
        if list.value.is_empty() {
            self.problems.with(
                list,
                format_args!("expected at least one value, found none; leave {} out {purpose}", list.key),
            );
        }
    }

    fn check_algorithm(&mut self, written: &Written<String>) {
        let name = &written.value;
        if algorithm::is_none(name) {
            self.problems.with(
                written,
                format_args!("alg {} is never allowed: anybody can write such a token", quoted(name)),
            );
        } else if algorithm::find(name).is_none() {
            let same_but_for_case =
                algorithm::KNOWN.iter().find(|known| known.name.eq_ignore_ascii_case(name));
            let advice = match same_but_for_case {
                Some(known) => format!("write \"{}\", letter case matters", known.name),
                None => {
                    let names: Vec<&str> = algorithm::KNOWN.iter().map(|known| known.name).collect();
                    format!("known are {}", names.join(", "))
                }
            };
            self.problems.with(
                written,
                format_args!("expected a signature algorithm, found {}; {advice}", quoted(name)),
            );
        }
    }

    pub(super) fn or_problem<T>(
        &mut self,
        written: &Written<String>,
        file: &str,
        result: Result<T, String>,
    ) -> Option<T> {
        result.map_err(|message| self.problems.with(written, format_args!("{file}: {message}"))).ok()
    }
}
