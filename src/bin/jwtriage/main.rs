//! The command line of jwtriage.

mod about;
mod args;
mod clock;
mod completions;
mod diff;
mod fail_on;
mod history;
mod log;
mod man;
mod new_file;
mod nightly;
mod options;
mod policy_check;
mod policy_infer;
mod policy_init;
mod progress;
mod scan;
mod schedule;
mod terminal;

use std::process::ExitCode;

use args::Command;

fn main() -> ExitCode {
    let done = match args::parse() {
        Command::Scan(args) => scan::run(&args),
        Command::PolicyCheck(args) => policy_check::run(&args),
        Command::PolicyInit(args) => policy_init::run(&args),
        Command::PolicyInfer(args) => policy_infer::run(&args),
        Command::Nightly(args) => nightly::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Schedule(args) => schedule::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => man::run(&args),
        Command::History(args) => history::run(&args),
    };
    done.unwrap_or_else(|error| {
        terminal::complain(&error.to_string());
        ExitCode::from(2)
    })
}
