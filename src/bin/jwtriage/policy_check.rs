//! `jwtriage policy check FILE`: what was understood, and what is doubtful.

use std::process::ExitCode;

use jwtriage::error::Result;
use jwtriage::policy::Policy;
use jwtriage::policy::check::Check;

use crate::args::PolicyCheck;
use crate::clock;
use crate::terminal;

/// Runs the command.
///
/// # Errors
/// When the policy has mistakes.
pub fn run(args: &PolicyCheck) -> Result<ExitCode> {
    let mut policy = Policy::from_file(&args.file)?;
    policy.warn_of_certificates(clock::now());
    terminal::print(&Check(&policy).to_string())?;
    Ok(ExitCode::SUCCESS)
}
