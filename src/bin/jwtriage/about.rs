//! How a report came about: in which formats it is wanted, the command line, and what the policy says of keys.

use clap::ValueEnum;
use jwtriage::policy::{IssuerName, KeySets, Policy};
use jwtriage::report::{Format, KeyWindow, PolicyFile};

/// A format, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FormatName {
    Csv,
    Json,
    Md,
    Html,
    /// Every one of them.
    All,
}

/// The formats that are meant, each once.
pub fn formats(named: &[FormatName]) -> Vec<Format> {
    if named.is_empty() {
        return vec![Format::Csv];
    }
    let mut formats: Vec<_> = named
        .iter()
        .flat_map(|name| match name {
            FormatName::Csv => vec![Format::Csv],
            FormatName::Json => vec![Format::Json],
            FormatName::Md => vec![Format::Md],
            FormatName::Html => vec![Format::Html],
            FormatName::All => vec![Format::Csv, Format::Json, Format::Md, Format::Html],
        })
        .collect();
    formats.sort_unstable();
    formats.dedup();
    formats
}

/// The command line as typed, under the program's own name, wherever it is installed.
pub fn command_line() -> Vec<String> {
    let typed = std::env::args_os().skip(1).map(|word| word.to_string_lossy().into_owned());
    std::iter::once("jwtriage".to_owned()).chain(typed).collect()
}

/// The policy file, if there is one.
pub fn policy_file(policy: &Policy) -> Option<PolicyFile<'_>> {
    policy.digest().map(|sha256| PolicyFile { path: policy.source(), sha256 })
}

/// The keys of the policy over time. Without an issuer, its keys hold for every token.
pub fn key_windows(policy: &Policy) -> Vec<KeyWindow> {
    if !policy.judges_issuers() {
        return windows("", &policy.union().keys).collect();
    }
    let named = policy.issuers.iter().map(|issuer| {
        let name = match &issuer.name {
            IssuerName::Exact(name) => name,
            IssuerName::Pattern { source, .. } => source,
        };
        windows(name, &issuer.rules.keys)
    });
    named.flatten().collect()
}

fn windows<'a>(issuer: &'a str, keys: &'a KeySets) -> impl Iterator<Item = KeyWindow> + 'a {
    keys.sets().iter().flat_map(move |set| {
        set.keys.iter().map(move |key| KeyWindow {
            issuer: issuer.to_owned(),
            kid: key.kid.clone(),
            file: set.file.clone(),
            from: set.from,
            until: set.until,
        })
    })
}
