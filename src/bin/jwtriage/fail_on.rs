//! `--fail-on`: what makes the exit code 1.

use jwtriage::error::{Error, Result};
use jwtriage::run::Scan;
use jwtriage::verdict::Verdict;

/// What makes the exit code 1 when it is found.
#[derive(Debug, Default)]
pub struct FailOn {
    verdicts: Vec<Verdict>,
    /// Tokens that are still usable.
    live: bool,
}

impl FailOn {
    /// Reads `any`, `live` and verdicts; `also` is what else is known, and was taken out before.
    ///
    /// # Errors
    /// When a name is none of them.
    pub fn parse(names: &[String], also: &str) -> Result<Self> {
        let mut fail_on = Self::default();
        let all = || Verdict::ALL.iter().copied();
        for name in names {
            match (name.as_str(), all().find(|verdict| verdict.as_str() == name)) {
                ("any", _) => fail_on.verdicts.extend(all().filter(|verdict| *verdict != Verdict::Valid)),
                ("live", _) => fail_on.live = true,
                (_, Some(verdict)) => fail_on.verdicts.push(verdict),
                (_, None) => {
                    let known: Vec<_> = all().map(Verdict::as_str).collect();
                    let (name, known) = (name.escape_debug(), known.join(", "));
                    return Err(Error::new(format!(
                        "--fail-on: expected {also}any, live or a verdict ({known}), but found \"{name}\""
                    )));
                }
            }
        }
        Ok(fail_on)
    }

    /// Whether any of it was found.
    pub fn is_met(&self, scan: &Scan, live_tokens: u64) -> bool {
        let found = scan.tally.verdicts();
        found.iter().any(|verdict| self.verdicts.contains(&verdict)) || (self.live && live_tokens > 0)
    }
}
