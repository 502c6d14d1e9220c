//! `jwtriage completions`: what a shell has to know to complete a command line.

use std::process::ExitCode;

use clap::Args;
use clap_complete::Shell;
use jwtriage::error::Result;

use crate::args;
use crate::terminal;

/// Write what a shell needs to complete jwtriage's command lines
///
/// What comes out is a script for that shell; it names every subcommand and flag, and the words that flags take.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    jwtriage completions bash > /etc/bash_completion.d/jwtriage\n  \
    jwtriage completions zsh > /usr/local/share/zsh/site-functions/_jwtriage\n  \
    jwtriage completions fish > ~/.config/fish/completions/jwtriage.fish")]
pub struct Completions {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    shell: Shell,
}

/// Runs the command.
///
/// # Errors
/// When standard output cannot be written.
pub fn run(args: &Completions) -> Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut args::cli(), "jwtriage", &mut script);
    terminal::print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
