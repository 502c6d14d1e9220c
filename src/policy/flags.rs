//! The flags that make a policy without a file. They become the same entries that a file becomes, so that both are
//! judged alike.

use super::file::{KeysEntry, RulesEntry};
use super::problem::{Problems, Written};
use super::{Files, Policy, meaning};
use crate::error::{Error, Result};
use crate::timestamp::Timestamp;

/// The policy flags as typed.
#[derive(Clone, Debug, Default)]
pub struct PolicyFlags {
    /// `--issuer`
    pub issuer: Vec<String>,
    /// `--audience`
    pub audience: Vec<String>,
    /// `--algorithm`
    pub algorithm: Vec<String>,
    /// `--jwks FILE`
    pub jwks: Vec<String>,
    /// `--retired-jwks FILE[@TIME]`
    pub retired_jwks: Vec<String>,
    /// `--leeway`
    pub leeway: Option<String>,
}

impl PolicyFlags {
    /// Whether no flag was given.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.leeway.is_none() && self.given().is_empty()
    }

    /// The flags given, but for `--leeway`.
    fn given(&self) -> Vec<&'static str> {
        [
            (&self.issuer, "--issuer"),
            (&self.audience, "--audience"),
            (&self.algorithm, "--algorithm"),
            (&self.jwks, "--jwks"),
            (&self.retired_jwks, "--retired-jwks"),
        ]
        .into_iter()
        .filter(|(values, _)| !values.is_empty())
        .map(|(_, flag)| flag)
        .collect()
    }

    /// An error when anything but `--leeway` is given beside `--policy`: two answers to what is right are none.
    pub(super) fn only_leeway(&self) -> Result<()> {
        let given = self.given();
        if given.is_empty() {
            return Ok(());
        }
        Err(Error::new(format!(
            "{}: expected --policy or flags that make a policy, found both; write them into the policy file",
            given.join(", ")
        )))
    }
}

/// The policy that the flags make.
pub(super) fn policy(flags: &PolicyFlags, files: &dyn Files) -> Result<Policy> {
    let mut problems = Problems::new("flags");
    let list = |values: &[String], key| {
        let each = |value: &String| Written { line: None, key, value: value.clone() };
        (!values.is_empty()).then(|| Written { line: None, key, value: values.iter().map(each).collect() })
    };
    let mut keys: Vec<KeysEntry> = flags
        .jwks
        .iter()
        .map(|file| KeysEntry { jwks: Some(flag("--jwks", file)), ..KeysEntry::default() })
        .collect();
    keys.extend(flags.retired_jwks.iter().map(|value| retired(value)));
    let rules = RulesEntry {
        audiences: list(&flags.audience, "--audience"),
        algorithms: list(&flags.algorithm, "--algorithm"),
        keys,
        ..RulesEntry::default()
    };
    let issuers: Vec<Written<String>> = flags.issuer.iter().map(|value| flag("--issuer", value)).collect();
    let leeway = flags.leeway.as_ref().map(|value| flag("--leeway", value));
    let policy = meaning::policy_of_flags(leeway.as_ref(), &issuers, &rules, files, &mut problems);
    problems.into_result()?;
    Ok(policy)
}

fn flag(key: &'static str, value: &str) -> Written<String> {
    Written { line: None, key, value: value.to_owned() }
}

/// `FILE[@TIME]`. A file's name may hold an `@` itself: what follows the last one is a time when it begins like one.
fn retired(value: &str) -> KeysEntry {
    let key = "--retired-jwks";
    let split = value.rsplit_once('@').filter(|(_, at)| {
        at.parse::<Timestamp>().is_ok()
            || (at.len() >= 5 && at.bytes().take(4).all(|b| b.is_ascii_digit()) && at.as_bytes()[4] == b'-')
    });
    match split {
        Some((file, at)) => {
            KeysEntry { jwks: Some(flag(key, file)), until: Some(flag(key, at)), ..KeysEntry::default() }
        }
        None => KeysEntry { jwks: Some(flag(key, value)), always_retired: true, ..KeysEntry::default() },
    }
}
