//! What "right" means: issuers, audiences, algorithms, and keys over time, from a policy file or from flags.
//!
//! A policy goes through three forms, and each file here is one step: *as written* (a file or flags, with the
//! line of every value), *as meant* (durations, instants, patterns and keys in place of text), and the [`Policy`] that
//! judges. Mistakes are collected and reported together; what is doubtful but usable is a [`Warning`].
//!
//! Invariants: files are read at start-up only, and only through the [`Files`] of the constructors. Secrets stay
//! in [`key::SecretBytes`], which no `Debug` or `Display` shows. A [`Policy`] never changes after it is made, apart
//! from its leeway.

pub mod algorithm;
pub mod check;
mod confusion;
mod doubts;
pub mod duration;
mod file;
mod files;
mod flags;
pub mod jwks;
pub mod key;
mod key_files;
pub mod keys;
mod meaning;
mod messages;
mod object_ids;
mod pem;
mod problem;
mod secret_file;
mod section;
mod snapshots;
mod uri;
mod verifier;

pub use files::Files;
pub use flags::PolicyFlags;
pub use key::{Key, KeyKind, Mismatch};
pub use keys::{KeyEntry, KeySet, KeySets, KeyStatus};
pub use problem::Warning;
pub use uri::refused_name;
pub use verifier::Verification;

// Baselines are files of the same kind.
pub(crate) use problem::{Problems, Written, quoted};
pub(crate) use section::{Document, Shape, nearest, read as read_toml};

use crate::error::{Error, Result};
use crate::message::OwnMessage;
use crate::timestamp::Timestamp;
use data_encoding::HEXLOWER;
use files::Disk;
use regex::Regex;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::path::Path;

/// What is right, for every token. The default is no policy at all: nothing of it can be judged.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// How far clocks may differ, in milliseconds; never negative.
    pub leeway: i64,
    /// Whether the leeway was written down. If not, a verifier has the one that it has by default.
    pub states_leeway: bool,
    /// The claims whose plain values reports may show.
    pub show_claims: Vec<String>,
    /// The issuers, in the order of the file.
    pub issuers: Vec<Issuer>,
    /// Messages of verifiers that are looked for besides the built-in ones, in the order of the file.
    pub messages: Vec<OwnMessage>,
    source: String,
    digest: Option<String>,
    union: Rules,
    warnings: Vec<Warning>,
    doubts: Vec<Warning>,
}

/// An issuer that the policy knows.
#[derive(Clone, Debug)]
pub struct Issuer {
    /// Which values of `iss` are its own.
    pub name: IssuerName,
    /// The environment that it belongs to.
    pub environment: String,
    /// Whether its tokens can be valid here.
    pub trusted: bool,
    /// What its tokens must be like.
    pub rules: Rules,
}

/// The name of an issuer.
#[derive(Clone, Debug)]
pub enum IssuerName {
    /// This very string.
    Exact(String),
    /// Every string that matches from end to end.
    Pattern {
        /// The pattern as written.
        source: String,
        /// The pattern, anchored at both ends.
        regex: Regex,
    },
}

/// What tokens must be like. The default asks for nothing.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// The audiences of which a token must name one; `None`: not judged.
    pub audiences: Option<Vec<String>>,
    /// The algorithms allowed; `None`: everything but `none`.
    pub algorithms: Option<Vec<String>>,
    /// The type that a token must have; `None`: any.
    pub token_type: Option<TokenType>,
    /// Claims that must be there.
    pub required_claims: Vec<String>,
    /// The longest lifetime, in milliseconds.
    pub max_lifetime: Option<i64>,
    /// Whether the header must name a key.
    pub require_kid: bool,
    /// The keys, over time.
    pub keys: KeySets,
}

/// The type of a token that an issuer's rules may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenType {
    /// An access token.
    Access,
    /// An ID token.
    Id,
}

impl Policy {
    /// The policy of a TOML file; the key files that it names are relative to it.
    ///
    /// # Errors
    ///
    /// Every mistake on a line of its own: file, line, key, what was expected and what was found.
    pub fn from_file(path: &Path) -> Result<Self> {
        Self::from_toml(&read_text(path, "policy")?, path, &Disk)
    }

    /// The policy of a TOML text that stands at `path`, with the files that it names.
    ///
    /// # Errors
    ///
    /// As [`Policy::from_file`].
    pub fn from_toml(text: &str, path: &Path, files: &dyn Files) -> Result<Self> {
        let source = path.display().to_string();
        let mut problems = Problems::new(&source);
        let entry = file::parse(text, &mut problems);
        let dir = path.parent().unwrap_or(Path::new(""));
        let mut policy = meaning::policy(&entry, &source, dir, files, &mut problems);
        problems.into_result()?;
        policy.digest = Some(HEXLOWER.encode(&Sha256::digest(text)));
        Ok(policy)
    }

    /// The policy that flags make without a file; `None` when no flag says anything. Several issuers share the other
    /// flags. Without an issuer, issuers are not judged, and the other flags hold for every token.
    ///
    /// # Errors
    ///
    /// Every mistake on a line of its own: flag, what was expected and what was found.
    pub fn from_flags(flags: &PolicyFlags) -> Result<Option<Self>> {
        if flags.is_empty() {
            return Ok(None);
        }
        flags::policy(flags, &Disk).map(Some)
    }

    /// The policy of a command line: of a file, of flags, or none. Beside a file only `--leeway` may be given; it
    /// takes the place of the file's.
    ///
    /// # Errors
    ///
    /// As [`Policy::from_file`] and [`Policy::from_flags`], and when both say what is right.
    pub fn load(path: Option<&Path>, flags: &PolicyFlags) -> Result<Self> {
        let Some(path) = path else {
            return Ok(Self::from_flags(flags)?.unwrap_or_default());
        };
        flags.only_leeway()?;
        let mut policy = Self::from_file(path)?;
        if let Some(over) = Self::from_flags(flags)? {
            (policy.leeway, policy.states_leeway) = (over.leeway, true);
        }
        Ok(policy)
    }

    /// Puts a policy together; `union` is computed here unless there is no issuer.
    fn assemble(source: &str, leeway: i64, show_claims: Vec<String>, issuers: Vec<Issuer>) -> Self {
        let union = Rules::union(&issuers);
        Self { leeway, show_claims, issuers, source: source.to_owned(), union, ..Self::default() }
    }

    /// Adds a warning for each key of a certificate that has ended at `now`. Such a key still verifies: whether anybody
    /// looked at the certificate is not known.
    pub fn warn_of_certificates(&mut self, now: Timestamp) {
        for set in
            self.issuers.iter().flat_map(|issuer| issuer.rules.keys.sets()).chain(self.union.keys.sets())
        {
            for until in set.keys.iter().filter_map(|key| key.certificate_until) {
                let warning = Warning::new(&*set.file, format!("the certificate ended at {until}"));
                if until.millis() < now.millis() && !self.warnings.contains(&warning) {
                    self.warnings.push(warning);
                }
            }
        }
    }

    /// Why some secret or key cannot be used or should not be, in the order of the policy. For stderr.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// What else looks like a mistake, in the order of the policy. For `policy check`.
    #[must_use]
    pub fn doubts(&self) -> &[Warning] {
        &self.doubts
    }

    /// The file that the policy comes from, or `flags`; empty for no policy.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// SHA-256 of the policy file's bytes, in hexadecimal; the key files that it names are not in it. `None` without
    /// a file.
    #[must_use]
    pub fn digest(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// Whether the policy names any issuer. If not, no `iss` is right or wrong, and [`Policy::union`] holds for every
    /// token: a `kid` that it does not know is `unknown` then, not `unchecked`.
    #[must_use]
    pub fn judges_issuers(&self) -> bool {
        !self.issuers.is_empty()
    }

    /// The issuer that `iss` names, trusted or not: by its exact name, else by the first pattern.
    #[must_use]
    pub fn issuer_of(&self, iss: &str) -> Option<&Issuer> {
        let exact = |issuer: &&Issuer| matches!(&issuer.name, IssuerName::Exact(name) if name == iss);
        self.issuers
            .iter()
            .find(exact)
            .or_else(|| self.issuers.iter().find(|issuer| issuer.name.matches(iss)))
    }

    /// Whether some issuer's rules name this audience.
    #[must_use]
    pub fn knows_audience(&self, aud: &str) -> bool {
        self.issuers
            .iter()
            .flat_map(|issuer| issuer.rules.audiences.iter().flatten())
            .any(|known| known == aud)
    }

    /// The rules for tokens of an unknown issuer: all algorithms, audiences and keys of all issuers, and nothing else.
    /// Where one issuer leaves algorithms or audiences open, so does the union.
    #[must_use]
    pub fn union(&self) -> &Rules {
        &self.union
    }
}

/// The text of a file, which is `what`.
pub(crate) fn read_text(path: &Path, what: &str) -> Result<String> {
    let bytes = std::fs::read(path)
        .map_err(|error| Error::new(format!("{}: cannot read the {what}: {error}", path.display())))?;
    String::from_utf8(bytes).map_err(|error| {
        let read = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + read.iter().filter(|&&byte| byte == b'\n').count();
        Error::new(format!("{}:{line}: expected UTF-8 text, found other bytes", path.display()))
    })
}

impl IssuerName {
    /// Whether `iss` is this name.
    #[must_use]
    pub fn matches(&self, iss: &str) -> bool {
        match self {
            Self::Exact(name) => name == iss,
            Self::Pattern { regex, .. } => regex.is_match(iss),
        }
    }
}

/// The name, or the source of the pattern.
impl fmt::Display for IssuerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(&problem::shown(name)),
            Self::Pattern { source, .. } => f.write_str(&problem::shown(source)),
        }
    }
}

impl fmt::Display for TokenType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Access => "access",
            Self::Id => "id",
        })
    }
}

impl Rules {
    fn union(issuers: &[Issuer]) -> Self {
        if issuers.is_empty() {
            return Self::default();
        }
        // `None` from one issuer makes the whole `None`; a value that two issuers name is kept once.
        let all = |of: fn(&Self) -> &Option<Vec<String>>| {
            let lists: Option<Vec<&Vec<String>>> =
                issuers.iter().map(|issuer| of(&issuer.rules).as_ref()).collect();
            lists.map(|lists| {
                let mut all: Vec<String> = lists.into_iter().flatten().cloned().collect();
                all.sort();
                all.dedup();
                all
            })
        };
        let sets = issuers.iter().flat_map(|issuer| issuer.rules.keys.sets()).cloned().collect();
        Self {
            audiences: all(|rules| &rules.audiences),
            algorithms: all(|rules| &rules.algorithms),
            keys: KeySets::new(sets),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests;
