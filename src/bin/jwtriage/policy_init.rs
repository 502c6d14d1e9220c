//! `jwtriage policy init`: documents that an issuer publishes → a policy to edit.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::process::ExitCode;

use jwtriage::error::{Error, Result};
use jwtriage::policy::jwks;
use jwtriage::proposal::{self, KeyFile};

use crate::args::PolicyInit;
use crate::new_file::{self, directory};
use crate::terminal;

/// Runs the command.
///
/// # Errors
/// When a document cannot be read or is none, or the policy cannot be written.
pub fn run(args: &PolicyInit) -> Result<ExitCode> {
    new_file::expect_absent(args.out.as_deref())?;
    let discovery = read("--discovery", &args.discovery)?;
    let files = args
        .jwks
        .iter()
        .map(|path| {
            Ok((called("--jwks", path), seen_from(args.out.as_deref(), path)?, read("--jwks", path)?))
        })
        .collect::<Result<Vec<_>>>()?;
    let files: Vec<_> = files.iter().map(|(name, path, bytes)| KeyFile { name, path, bytes }).collect();
    let text = proposal::init(&discovery, &called("--discovery", &args.discovery), &files)?;
    let mut warnings = Vec::new();
    for file in &files {
        // What is no JWKS document has been refused above.
        let _ = jwks::parse(file.bytes, file.name, &mut warnings);
    }
    warnings.iter().for_each(|warning| terminal::complain(&format!("warning: {warning}")));
    new_file::write(args.out.as_deref(), &text)?;
    Ok(ExitCode::SUCCESS)
}

/// A file as errors call it.
fn called(flag: &str, path: &Path) -> String {
    format!("{flag} {}", path.display())
}

fn read(flag: &str, path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|error| Error::new(format!("{}: cannot read it: {error}", called(flag, path))))
}

/// The path of a key file as a policy at `out` names it: an absolute one as it is, others relative to the policy. A
/// policy that goes to standard output is taken to stand here.
fn seen_from(out: Option<&Path>, path: &Path) -> Result<String> {
    let cannot = |why: String| Error::new(format!("{}: {why}", called("--jwks", path)));
    let seen = match out.map(directory) {
        Some(home) if path.is_relative() && home != Path::new(".") => {
            let real =
                |dir: &Path| dir.canonicalize().map_err(|error| cannot(format!("cannot find it: {error}")));
            let name = path.file_name().ok_or_else(|| cannot("expected a file".to_owned()))?;
            relative(&real(home)?, &real(directory(path))?).join(name)
        }
        _ => path.to_owned(),
    };
    seen.into_os_string()
        .into_string()
        .map_err(|_| cannot("expected a path in UTF-8, for the policy to name".to_owned()))
}

/// The way from one directory to another, both without links.
fn relative(from: &Path, to: &Path) -> PathBuf {
    let shared = from.components().zip(to.components()).take_while(|(from, to)| from == to).count();
    let up = from.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_leads_up_to_what_both_share_and_down_again() {
        for (from, to, way) in [
            ("/a/b", "/a/b", ""),
            ("/a/b", "/a/b/keys", "keys"),
            ("/a/b", "/a", ".."),
            ("/a/b", "/a/c/d", "../c/d"),
            ("/", "/a", "a"),
        ] {
            assert_eq!(relative(Path::new(from), Path::new(to)), Path::new(way), "{from} to {to}");
        }
    }
}
