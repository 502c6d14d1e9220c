//! `jwtriage policy infer`: logs → a policy to edit.

use std::process::ExitCode;

use jwtriage::error::Result;
use jwtriage::policy::Policy;
use jwtriage::proposal::{Inferred, infer};
use jwtriage::triage::Criteria;

use crate::args::PolicyInfer;
use crate::new_file;
use crate::options::options_at;
use crate::progress::Progress;
use crate::scan::{exit, notices, stop_on_signal};
use crate::terminal;

/// Runs the command.
///
/// # Errors
/// When flags are wrong, before anything is scanned; or when the policy cannot be written.
pub fn run(args: &PolicyInfer) -> Result<ExitCode> {
    new_file::expect_absent(args.out.as_deref())?;
    let options = options_at(&args.time, args.threads, Criteria::new(Policy::default()))?;
    let progress = Progress::new(args.progress);
    let stop = stop_on_signal(None)?;
    let scan = jwtriage::run::scan(&args.paths, &options, &progress, None, &stop);
    progress.finish();
    let scan = scan?;
    if scan.interrupted {
        return Ok(ExitCode::from(exit::INTERRUPTED));
    }
    let Inferred { text, issuers } = infer(&scan.tally, scan.sources.len());
    new_file::write(args.out.as_deref(), &text)?;
    notices(&scan).iter().for_each(|notice| terminal::complain(notice));
    if issuers == 0 {
        terminal::complain("no issuer is proposed: no whole, signed token names one that a policy can name");
    }
    let incomplete = scan.sources.iter().any(|source| source.status.is_incomplete());
    Ok(if incomplete { ExitCode::from(exit::INCOMPLETE) } else { ExitCode::SUCCESS })
}
