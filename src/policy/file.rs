//! The policy file as it is written: the TOML schema, with the line of every value. What the values mean is not
//! judged here.

use super::problem::{Problems, Written};
use super::section::{Document, Shape, read};
use toml::Spanned;
use toml::de::DeTable;

/// A policy as written, in a file or by flags.
#[derive(Debug, Default)]
pub(super) struct PolicyEntry {
    pub(super) leeway: Option<Written<String>>,
    pub(super) show_claims: Vec<Written<String>>,
    pub(super) issuers: Vec<IssuerEntry>,
    pub(super) messages: Vec<MessageEntry>,
}

/// A `[[message]]` table.
#[derive(Debug, Default)]
pub(super) struct MessageEntry {
    pub(super) pattern: Option<Written<String>>,
    pub(super) cause: Option<Written<String>>,
    pub(super) stack: Option<Written<String>>,
    pub(super) rank: Option<Written<i64>>,
}

/// An `[[issuer]]` table.
#[derive(Debug, Default)]
pub(super) struct IssuerEntry {
    pub(super) line: Option<usize>,
    pub(super) iss: Option<Written<String>>,
    pub(super) iss_pattern: Option<Written<String>>,
    pub(super) environment: Option<Written<String>>,
    pub(super) trusted: Option<Written<bool>>,
    pub(super) rules: RulesEntry,
}

/// What an `[[issuer]]` table, or the flags, say about tokens.
#[derive(Debug, Default)]
pub(super) struct RulesEntry {
    pub(super) audiences: Option<Written<Vec<Written<String>>>>,
    pub(super) algorithms: Option<Written<Vec<Written<String>>>>,
    pub(super) token_type: Option<Written<String>>,
    pub(super) required_claims: Vec<Written<String>>,
    pub(super) max_lifetime: Option<Written<String>>,
    pub(super) require_kid: Option<Written<bool>>,
    pub(super) keys: Vec<KeysEntry>,
}

/// An `[[issuer.keys]]` table.
#[derive(Debug, Default)]
pub(super) struct KeysEntry {
    pub(super) line: Option<usize>,
    pub(super) jwks: Option<Written<String>>,
    pub(super) jwks_snapshots: Option<Written<String>>,
    pub(super) pem: Option<Written<String>>,
    pub(super) secret_file: Option<Written<String>>,
    pub(super) encoding: Option<Written<String>>,
    pub(super) kid: Option<Written<String>>,
    pub(super) from: Option<Written<String>>,
    pub(super) until: Option<Written<String>>,
    /// Retired at a time that nobody stated (`--retired-jwks FILE`); a file cannot say that.
    pub(super) always_retired: bool,
}

const TOP: Shape = Shape {
    label: "the policy",
    home: "at the top, above the first [[issuer]]",
    keys: &["leeway", "show_claims", "issuer", "message"],
};

const MESSAGE: Shape =
    Shape { label: "[[message]]", home: "in [[message]]", keys: &["pattern", "cause", "stack", "rank"] };

const ISSUER: Shape = Shape {
    label: "[[issuer]]",
    home: "in [[issuer]]",
    keys: &[
        "iss",
        "iss_pattern",
        "environment",
        "trusted",
        "audiences",
        "algorithms",
        "token_type",
        "required_claims",
        "max_lifetime",
        "require_kid",
        "keys",
    ],
};

const KEYS: Shape = Shape {
    label: "[[issuer.keys]]",
    home: "in [[issuer.keys]]",
    keys: &["jwks", "jwks_snapshots", "pem", "secret_file", "encoding", "kid", "from", "until"],
};

/// Reads the TOML text of a policy file. What is wrong is added to `problems`; the rest is still returned, so that
/// later steps can find more.
pub(super) fn parse(text: &str, problems: &mut Problems) -> PolicyEntry {
    read(text, problems, policy)
}

const DURATION: &str = "a duration with its unit, in quotes, such as \"30s\", \"5m\" or \"1h30m\"";

fn policy<'a>(document: &mut Document<'a>, table: &Spanned<&'a DeTable<'a>>) -> PolicyEntry {
    let section = document.enter(table, &TOP, &[&ISSUER, &KEYS, &MESSAGE]);
    PolicyEntry {
        leeway: document.string(&section, "leeway", DURATION),
        show_claims: document
            .strings(&section, "show_claims")
            .map(|written| written.value)
            .unwrap_or_default(),
        issuers: document.tables(&section, "issuer", "an array of tables, each under [[issuer]]", issuer),
        messages: document.tables(&section, "message", "an array of tables, each under [[message]]", message),
    }
}

fn message<'a>(document: &mut Document<'a>, table: &Spanned<&'a DeTable<'a>>) -> MessageEntry {
    let section = document.enter(table, &MESSAGE, &[&TOP, &ISSUER, &KEYS]);
    document.need_one(&section, &MESSAGE, &["pattern"]);
    document.need_one(&section, &MESSAGE, &["cause"]);
    MessageEntry {
        pattern: document.text(&section, "pattern", "a regular expression"),
        cause: document.string(&section, "cause", "a cause such as \"expired\""),
        stack: document.text(&section, "stack", "a name such as \"own\""),
        rank: document.integer(&section, "rank", "1, 2 or 3"),
    }
}

fn issuer<'a>(document: &mut Document<'a>, table: &Spanned<&'a DeTable<'a>>) -> IssuerEntry {
    let section = document.enter(table, &ISSUER, &[&TOP, &KEYS]);
    document.need_one(&section, &ISSUER, &["iss", "iss_pattern"]);
    IssuerEntry {
        line: section.line,
        iss: document.text(
            &section,
            "iss",
            "the value of a token's iss, such as \"https://auth.example.com/\"",
        ),
        iss_pattern: document.text(&section, "iss_pattern", "a regular expression"),
        environment: document.text(&section, "environment", "a name such as \"prod\""),
        trusted: document.boolean(&section, "trusted"),
        rules: RulesEntry {
            audiences: document.strings(&section, "audiences"),
            algorithms: document.strings(&section, "algorithms"),
            token_type: document.string(&section, "token_type", "\"access\", \"id\" or \"any\""),
            required_claims: document
                .strings(&section, "required_claims")
                .map(|written| written.value)
                .unwrap_or_default(),
            max_lifetime: document.string(&section, "max_lifetime", DURATION),
            require_kid: document.boolean(&section, "require_kid"),
            keys: document.tables(&section, "keys", "an array of tables, each under [[issuer.keys]]", keys),
        },
    }
}

fn keys<'a>(document: &mut Document<'a>, table: &Spanned<&'a DeTable<'a>>) -> KeysEntry {
    let section = document.enter(table, &KEYS, &[&ISSUER, &TOP]);
    document.need_one(&section, &KEYS, &["jwks", "jwks_snapshots", "pem", "secret_file"]);
    KeysEntry {
        line: section.line,
        jwks: document.text(&section, "jwks", "the path of a JWKS document"),
        jwks_snapshots: document.text(
            &section,
            "jwks_snapshots",
            "a glob pattern that names JWKS documents, such as \"keys/*.json\"",
        ),
        pem: document.text(&section, "pem", "the path of a public key or certificate in PEM"),
        secret_file: document.text(&section, "secret_file", "the path of a file that holds a secret"),
        encoding: document.string(&section, "encoding", "\"raw\", \"base64\", \"base64url\" or \"hex\""),
        kid: document.text(&section, "kid", "the kid of the key"),
        from: document.time(&section, "from"),
        until: document.time(&section, "until"),
        always_retired: false,
    }
}
