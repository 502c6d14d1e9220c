//! `jwtriage man`: manual pages, made of what `--help` says.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command};
use clap_mangen::Man as Page;
use jwtriage::error::{Error, Result};

use crate::args;
use crate::terminal;

/// Write manual pages
///
/// Without --out, one page goes to standard output: that of jwtriage as a whole, or of the subcommand that is named.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    jwtriage man | man -l -\n  \
    jwtriage man policy init | man -l -\n  \
    jwtriage man --out /usr/local/share/man/man1")]
pub struct Man {
    /// The subcommand whose page is wanted, such as `scan` or `policy init` [default: jwtriage as a whole]
    #[arg(value_name = "SUBCOMMAND", conflicts_with = "out")]
    subcommand: Vec<String>,
    /// Write all pages to this directory, which is made if it is not there; earlier pages are replaced
    #[arg(long, short = 'o', value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// When there is no such subcommand, or the pages cannot be written.
pub fn run(args: &Man) -> Result<ExitCode> {
    let mut whole = args::cli().disable_help_subcommand(true);
    // Only then do subcommands know their full names, and what they inherit.
    whole.build();
    match &args.out {
        Some(out) => {
            fs::create_dir_all(out).map_err(|error| cannot("make", out, &error))?;
            write_all(&whole, out)?;
        }
        None => terminal::print(&text(named(&whole, &args.subcommand)?).1)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Writes the page of a command and those of its subcommands.
fn write_all(command: &Command, out: &Path) -> Result<()> {
    let (name, page) = text(command);
    let path = out.join(name);
    fs::write(&path, page).map_err(|error| cannot("write", &path, &error))?;
    command.get_subcommands().try_for_each(|subcommand| write_all(subcommand, out))
}

/// The subcommand to which these words lead.
fn named<'a>(whole: &'a Command, words: &[String]) -> Result<&'a Command> {
    words.iter().try_fold(whole, |command, word| {
        command.find_subcommand(word).ok_or_else(|| {
            let known: Vec<_> = command.get_subcommands().map(Command::get_name).collect();
            let found = format!("found \"{word}\"");
            Error::new(match known.join(", ") {
                none if none.is_empty() => {
                    format!(
                        "expected no more than \"{}\", {found}: it has no subcommands",
                        command.get_name()
                    )
                }
                known => format!("expected a subcommand of {}, {found}: it has {known}", command.get_name()),
            })
        })
    })
}

/// The file name and the text of a command's page.
fn text(command: &Command) -> (String, String) {
    // A date that is left out is taken to be what stands behind it.
    let page = Page::new(command.clone())
        .date(" ")
        .source(concat!("jwtriage ", env!("CARGO_PKG_VERSION")))
        .manual("jwtriage");
    let mut text = Vec::new();
    // A vector takes all that is written to it.
    let _ = page.render(&mut text);
    // The section that holds examples and exit codes, by the name under which readers of manual pages look for them.
    let text = String::from_utf8_lossy(&text).replace("\n.SH EXTRA\n", "\n.SH NOTES\n");
    (page.get_filename(), text)
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::new(format!("--out: cannot {what} \"{}\": {error}", path.display()))
}
