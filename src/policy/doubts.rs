//! What looks like a mistake in a policy that can be used as it is. Needs no clock: a policy is judged alike today
//! and next year.

use super::algorithm;
use super::duration;
use super::key::{Key, KeyKind};
use super::keys::{ALWAYS_RETIRED, KeySet};
use super::problem::{Warning, quoted};
use super::uri::{self, Flaw};
use super::{IssuerName, Policy, Rules};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything doubtful about `policy`, in the order of its file. `lines` holds the line of each issuer.
pub(super) fn find(policy: &Policy, leeway_line: Option<usize>, lines: &[Option<usize>]) -> Vec<Warning> {
    let mut doubts = Doubts { source: &policy.source, line: leeway_line, found: Vec::new() };
    doubts.leeway(policy.leeway);
    doubts.line = None;
    if policy.issuers.is_empty() {
        doubts.add("no issuer is named: issuers are not judged");
    } else if !policy.issuers.iter().any(|issuer| issuer.trusted) {
        doubts.add("no issuer is trusted: every token is wrong_issuer at best");
    }
    for (n, issuer) in policy.issuers.iter().enumerate() {
        doubts.line = lines.get(n).copied().flatten();
        match &issuer.name {
            IssuerName::Exact(name) => {
                doubts.name(name);
                let twin = policy.issuers[..n].iter().find_map(|other| match &other.name {
                    IssuerName::Exact(other) if folded(other) == folded(name) => Some(other),
                    _ => None,
                });
                if let Some(twin) = twin {
                    doubts.add(format!(
                        "issuers {} and {} differ only by letter case or a trailing slash",
                        quoted(twin),
                        quoted(name)
                    ));
                }
            }
            IssuerName::Pattern { source, regex } => doubts.pattern(source, regex),
        }
        let name = quoted(&issuer.name.to_string());
        // An issuer that is known by name only needs no rules of its own.
        if issuer.trusted {
            doubts.openness(&name, &issuer.rules);
        }
        doubts.algorithms(&name, &issuer.rules);
        doubts.windows(&name, issuer.rules.keys.sets());
        doubts.same_kid_other_key(issuer.rules.keys.sets());
        doubts.keys_without_kid(&name, issuer.rules.keys.sets());
    }
    doubts.found
}

fn folded(name: &str) -> String {
    name.trim_end_matches('/').to_lowercase()
}

struct Doubts<'a> {
    source: &'a str,
    line: Option<usize>,
    found: Vec<Warning>,
}

impl Doubts<'_> {
    fn add(&mut self, message: impl Into<String>) {
        self.add_at(self.line, message);
    }

    fn add_at(&mut self, line: Option<usize>, message: impl Into<String>) {
        let place = line.map_or_else(|| self.source.to_owned(), |line| format!("{}:{line}", self.source));
        self.found.push(Warning::new(place, message));
    }

    fn leeway(&mut self, leeway: i64) {
        if leeway > 300_000 {
            self.add(format!("a leeway of {} hides real expiry; 5m is a lot", duration::show(leeway)));
        }
    }

    fn name(&mut self, name: &str) {
        if name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("http://")) {
            self.add(format!("the issuer {} is not https", quoted(name)));
        }
        if let Some(Flaw::Odd(why)) = uri::flaw(name) {
            self.add(format!("the issuer {}: {why}", quoted(name)));
        }
    }

    fn pattern(&mut self, source: &str, regex: &regex::Regex) {
        if regex.is_match("https://attacker.invalid/") || regex.is_match("x") {
            self.add(format!("the pattern {} matches any issuer at all", quoted(source)));
        } else if has_bare_dot(source) {
            self.add(format!(
                "the pattern {} has a \".\" that matches any character; write \"\\.\"",
                quoted(source)
            ));
        }
    }

    fn openness(&mut self, name: &str, rules: &Rules) {
        if rules.audiences.is_none() {
            self.add(format!("the issuer {name} has no audiences: any aud is valid"));
        }
        if rules.keys.sets().is_empty() {
            self.add(format!("the issuer {name} has no keys: kid and signature are not judged"));
        } else if rules.keys.is_empty() {
            self.add(format!(
                "the key sets of the issuer {name} hold no key: kid and signature are not judged"
            ));
        }
    }

    fn algorithms(&mut self, name: &str, rules: &Rules) {
        let Some(allowed) = &rules.algorithms else { return };
        let (hmac, public): (Vec<&String>, Vec<&String>) =
            allowed.iter().partition(|alg| algorithm::find(alg).is_some_and(|a| a.hmac_len.is_some()));
        if !hmac.is_empty() && !public.is_empty() {
            self.add(format!(
                "the issuer {name} allows secrets ({}) beside public keys ({}): a verifier that mixes them up can be deceived",
                join(&hmac),
                join(&public)
            ));
        }
        if rules.keys.is_empty() {
            return;
        }
        let unserved: Vec<&String> = allowed
            .iter()
            .filter(|alg| !rules.keys.iter().any(|entry| entry.key.fits(alg).is_ok()))
            .collect();
        if !unserved.is_empty() {
            self.add(format!("the issuer {name} allows {}, but has no key that fits", join(&unserved)));
        }
        for set in rules.keys.sets() {
            for key in &set.keys {
                let secret = matches!(key.kind, KeyKind::Oct { .. });
                if secret && hmac.is_empty() {
                    self.add_at(
                        set.line,
                        format!("{}: a secret, but the issuer {name} allows no HS algorithm", set.file),
                    );
                }
            }
        }
    }

    /// Rotations that leave an instant without a current key, or tokens in flight without theirs.
    fn windows(&mut self, name: &str, sets: &[KeySet]) {
        let mut sets: Vec<&KeySet> = sets.iter().filter(|set| set.until != Some(ALWAYS_RETIRED)).collect();
        sets.sort_by_key(|set| set.from.map(|from| from.millis()));
        let Some(first) = sets.first() else { return };
        if let Some(from) = first.from {
            self.add_at(first.line, format!("the issuer {name} has no current key before {from}"));
        }
        let mut covered = first.until;
        for set in &sets[1..] {
            let (Some(end), Some(from)) = (covered, set.from) else {
                covered = later(covered, set.until);
                continue;
            };
            if end.millis() < from.millis() {
                self.add_at(set.line, format!("the issuer {name} has no current key from {end} to {from}"));
            } else if end.millis() == from.millis() {
                self.add_at(
                    set.line,
                    format!(
                        "the key sets of the issuer {name} do not overlap at {from}: tokens issued just before are stale_kid at once"
                    ),
                );
            }
            covered = later(covered, set.until);
        }
        if let Some(end) = covered {
            self.add(format!("every key set of the issuer {name} ends: none is current from {end} on"));
        }
    }

    /// Where some keys have a `kid`, tokens that name one are not tried with those that have none.
    fn keys_without_kid(&mut self, name: &str, sets: &[KeySet]) {
        if !sets.iter().flat_map(|set| &set.keys).any(|key| key.kid.is_some()) {
            return;
        }
        for set in sets {
            let unnamed = set.keys.iter().filter(|key| key.kid.is_none()).count();
            if unnamed > 0 {
                let keys = if unnamed == 1 { "a key".to_owned() } else { format!("{unnamed} keys") };
                self.add_at(
                    set.line,
                    format!(
                        "{}: {keys} without kid beside keys of the issuer {name} that have one: only tokens without kid are tried with it",
                        set.file
                    ),
                );
            }
        }
    }

    fn same_kid_other_key(&mut self, sets: &[KeySet]) {
        let mut first: BTreeMap<&str, (&KeySet, &Arc<Key>)> = BTreeMap::new();
        for set in sets {
            for key in &set.keys {
                let Some(kid) = key.kid.as_deref() else { continue };
                let (other_set, other) = *first.entry(kid).or_insert((set, key));
                if other_set.file != set.file && other.material != key.material {
                    self.add_at(
                        set.line,
                        format!(
                            "the kid {} is one key in {} and another in {}",
                            quoted(kid),
                            other_set.file,
                            set.file
                        ),
                    );
                }
            }
        }
    }
}

/// The later end of two windows; one without an end outlasts everything.
fn later<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    Some(a?.max(b?))
}

fn join(names: &[&String]) -> String {
    names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", ")
}

/// A `.` that is neither escaped, nor in a class, nor repeated: most likely meant as a dot.
fn has_bare_dot(pattern: &str) -> bool {
    let mut in_class = false;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '[' => in_class = true,
            ']' => in_class = false,
            '.' if !in_class && !matches!(chars.peek(), Some('*' | '+' | '?' | '{')) => return true,
            _ => {}
        }
    }
    false
}
