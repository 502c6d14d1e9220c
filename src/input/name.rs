//! What reports call a source.

use std::ffi::OsStr;
use std::fmt;
use std::sync::Arc;

/// The name of a source as the user would type it. Cheap to clone; ordered by its bytes.
///
/// A byte that is not UTF-8 is written `\xNN`. So that two names never look the same, a backslash that would read as
/// such an escape is written `\x5c`. Control characters are kept: what shows them has to escape them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceName(Arc<str>);

impl SourceName {
    /// The name for standard input.
    #[must_use]
    pub fn stdin() -> Self {
        Self("-".into())
    }

    /// The name for a path or an argument.
    #[must_use]
    pub fn from_os(name: &OsStr) -> Self {
        Self(readable(name.as_encoded_bytes(), cfg!(windows)).into())
    }

    /// The name of `member` in the archive that has this name. A leading `./`, which only says how the archive was
    /// made, is dropped.
    #[must_use]
    pub fn member(&self, member: &[u8]) -> Self {
        let mut member = member;
        while let Some(rest) = member.strip_prefix(b"./") {
            member = rest;
        }
        Self(format!("{}!{}", self.0, readable(member, false)).into())
    }

    /// The same name for the `count`th member that has it.
    #[must_use]
    pub(super) fn repeated(&self, count: u32) -> Self {
        Self(format!("{}#{count}", self.0).into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<SourceName> for Arc<str> {
    fn from(name: SourceName) -> Self {
        name.0
    }
}

impl From<&str> for SourceName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

/// `bytes` as text from which the bytes can be told. Where backslashes separate directories they are left alone.
fn readable(bytes: &[u8], backslash_separates: bool) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(at) = rest.find("\\x") {
            let looks_escaped =
                rest.as_bytes()[at + 2..].iter().take(2).filter(|b| b.is_ascii_hexdigit()).count() == 2;
            text.push_str(&rest[..at]);
            text.push_str(if looks_escaped && !backslash_separates { "\\x5cx" } else { "\\x" });
            rest = &rest[at + 2..];
        }
        text.push_str(rest);
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_that_is_not_utf_8_is_escaped_and_what_looks_like_an_escape_is_too() {
        assert_eq!(readable(b"caf\xe9.log", false), "caf\\xe9.log");
        assert_eq!(readable(b"caf\\xe9.log", false), "caf\\x5cxe9.log");
        assert_eq!(readable("café \\x \\n.log".as_bytes(), false), "café \\x \\n.log");
        assert_eq!(readable(b"c:\\xe9", true), "c:\\xe9");
    }

    #[test]
    fn a_member_is_named_behind_its_archive_without_leading_dots() {
        let archive = SourceName::from("bundle.tar.gz");
        assert_eq!(archive.member(b"./var/log/app.log").as_str(), "bundle.tar.gz!var/log/app.log");
        assert_eq!(archive.member(b"../a").member(b"b").as_str(), "bundle.tar.gz!../a!b");
        assert_eq!(SourceName::stdin().member(b"a.log").as_str(), "-!a.log");
    }
}
