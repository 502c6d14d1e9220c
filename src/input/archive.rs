//! What tar and zip share: the names of members, and what a cut looks like.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, ErrorKind, Read};

use super::SourceName;
use super::decompress::ends_early;
use super::open::Layer;

/// Names the members of one archive. An archive can hold a name twice (`tar --append`); reports cannot, so that the
/// second is called `name#2`.
pub(super) struct Members {
    archive: SourceName,
    /// How often each name was seen, by its hash: a collision costs a `#2` that was not needed.
    seen: HashMap<u64, u32>,
}

impl Members {
    /// The members of the archive that reports call `archive`.
    pub(super) fn of(archive: &SourceName) -> Self {
        Self { archive: archive.clone(), seen: HashMap::new() }
    }

    /// The name of the next member.
    pub(super) fn name(&mut self, member: &[u8]) -> SourceName {
        let plain = self.archive.member(member);
        let mut name = plain.clone();
        loop {
            let mut hasher = DefaultHasher::new();
            name.hash(&mut hasher);
            let count = self.seen.entry(hasher.finish()).or_default();
            *count += 1;
            if *count == 1 {
                return name;
            }
            name = if name == plain { plain.repeated(*count) } else { name.repeated(2) };
        }
    }
}

/// Fills `out` from an archive that `what` names.
pub(super) fn read_exact(bytes: &mut Layer<'_>, out: &mut [u8], what: &str) -> io::Result<()> {
    bytes.read_exact(out).map_err(|error| match error.kind() {
        ErrorKind::UnexpectedEof if error.get_ref().is_none() => ends_early(what),
        _ => error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_comes_again_is_numbered() {
        let mut members = Members::of(&SourceName::from("a.tar"));
        let names = [&b"x"[..], b"x#2", b"x", b"./x", b"y"].map(|name| members.name(name).to_string());
        assert_eq!(names, ["a.tar!x", "a.tar!x#2", "a.tar!x#2#2", "a.tar!x#3", "a.tar!y"]);
    }
}
