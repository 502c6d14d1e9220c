//! How findings came about, as the formats that are read by people tell it: the command, the policy, its keys over time.

use super::Report;
use super::cell::Cell;
use super::rows::{PolicyKeyRow, Shown};
use crate::timestamp::Timestamp;

/// How findings came about. Text in it is not yet harmless.
#[derive(Clone, Copy, Debug, Default)]
pub struct About<'a> {
    /// The command line, as typed.
    pub command_line: &'a [String],
    /// The policy file; `None` when there is none.
    pub policy: Option<PolicyFile<'a>>,
    /// The keys of the policy over time, in its order.
    pub keys: &'a [KeyWindow],
}

/// The file that says what is right.
#[derive(Clone, Copy, Debug)]
pub struct PolicyFile<'a> {
    /// Its path, as typed.
    pub path: &'a str,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: &'a str,
}

/// A key of the policy, and when it was published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyWindow {
    /// Its issuer, or the pattern of its issuers; empty for the keys of every issuer.
    pub issuer: String,
    /// Its name.
    pub kid: Option<String>,
    /// The file that it stands in.
    pub file: String,
    /// Published at this instant; `None`: always was.
    pub from: Option<Timestamp>,
    /// Retired from this instant on; `None`: still current.
    pub until: Option<Timestamp>,
}

/// A command line as a shell takes it, masked and escaped like every text from outside.
pub(super) fn shell_words(words: &[String]) -> String {
    let quoted = words.iter().map(|word| {
        let cell = Cell::text(&**word);
        let word = cell.plain();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@+%".contains(c);
        if !word.is_empty() && word.chars().all(is_plain) {
            word.to_owned()
        } else {
            format!("'{}'", word.replace('\'', r"'\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

impl<'a> Report<'a> {
    /// The keys of the policy over time, in its order.
    pub(super) fn policy_key_rows(&self) -> impl Iterator<Item = PolicyKeyRow<'a>> {
        self.findings.about.keys.iter().map(|key| PolicyKeyRow {
            issuer: Cell::text(&*key.issuer),
            kid: Cell::maybe(key.kid.as_deref()),
            file: Cell::text(&*key.file),
            from: key.from.map(Shown),
            until: key.until.map(Shown),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_is_shown_as_a_shell_takes_it_and_without_a_token() {
        let words = ["jwtriage", "scan", "my logs/*.gz", "it's", "", "eyJhbGciOiJub25lIn0.e30.", "\u{1b}[m"];
        let shown = shell_words(&words.map(str::to_owned));
        assert_eq!(shown, r"jwtriage scan 'my logs/*.gz' 'it'\''s' '' 'eyJ***' '\x1b[m'");
    }
}
