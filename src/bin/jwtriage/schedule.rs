//! `jwtriage schedule`: ready text that starts a nightly run every night, for what the machine has to do so.

mod cron;
mod kubernetes;
mod needs;
mod quote;
mod systemd;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bytesize::ByteSize;
use clap::{Args, Subcommand};
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jwtriage::error::{Error, Result};

use crate::new_file;
use crate::terminal;
use needs::Needs;

/// What starts a run.
#[derive(Debug, Subcommand)]
pub enum Schedule {
    Systemd(Systemd),
    Cron(Cron),
    Kubernetes(Kubernetes),
}

/// What and when, as typed.
#[derive(Debug, Args)]
struct Common {
    /// The configuration of the nightly run; what it reads, writes and notifies is taken from it if it is there already
    #[arg(long, value_name = "FILE", default_value = "/etc/jwtriage/nightly.toml")]
    config: PathBuf,
    /// The time of day to run at
    #[arg(long, value_name = "HH:MM", default_value = "02:00", value_parser = time_of_day)]
    at: Time,
    /// The time zone of --at, an IANA name such as Europe/Berlin [default: that of the machine; in Kubernetes Etc/UTC]
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    tz: Option<String>,
}

/// Where the program is, as typed.
#[derive(Debug, Args)]
struct Program {
    /// The program to run [default: this one]
    #[arg(long, value_name = "FILE")]
    program: Option<PathBuf>,
}

/// What limits memory, as typed.
#[derive(Debug, Args)]
struct Memory {
    /// The memory that the run is configured to use, such as 512MiB; what it may take besides is added [default: what the
    /// configuration says, or 1GiB]
    #[arg(long, value_name = "SIZE")]
    memory: Option<ByteSize>,
}

/// Print a systemd service and its timer
///
/// The service sees the machine read-only, has no capability, no device and, unless the configuration has a webhook, no
/// network. It keeps its state and reports in /var/lib/jwtriage.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    jwtriage schedule systemd --at 02:00 --out /etc/systemd/system\n  \
    systemctl daemon-reload && systemctl enable --now jwtriage.timer")]
pub struct Systemd {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    program: Program,
    #[command(flatten)]
    memory: Memory,
    /// The user to run as [default: one that systemd makes for the time of the run]
    #[arg(long, value_name = "NAME", value_parser = account)]
    user: Option<String>,
    /// A group whose files the run may read besides (repeatable) [default: adm, to which Debian's logs belong]
    #[arg(long, value_name = "NAME", value_parser = account)]
    group: Vec<String>,
    /// Write jwtriage.service and jwtriage.timer to this directory, where neither may be yet [default: standard output]
    #[arg(long, short = 'o', value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Print a line for cron
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    jwtriage schedule cron --user jwtriage --mail-to ops@example.com > /etc/cron.d/jwtriage\n  \
    (crontab -l; jwtriage schedule cron) | crontab -")]
pub struct Cron {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    program: Program,
    /// The user to run as, in a file in /etc/cron.d [default: a line for that user's own crontab]
    #[arg(long, value_name = "NAME", value_parser = account)]
    user: Option<String>,
    /// Who gets a mail when the run has something to say [default: the user]
    #[arg(long, value_name = "ADDRESS", value_parser = mail_address)]
    mail_to: Option<String>,
}

/// Print a CronJob for Kubernetes, and the volume for its state
///
/// The container has a read-only root filesystem, no privileges and a user of its own. The logs are directories of the
/// node, mounted read-only.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  \
    kubectl create configmap jwtriage --from-file=/etc/jwtriage\n  \
    jwtriage schedule kubernetes --image registry.example.com/jwtriage:1 --tz Europe/Berlin | kubectl apply -f -")]
pub struct Kubernetes {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    memory: Memory,
    /// The image to run
    #[arg(long, value_name = "IMAGE", default_value = concat!("jwtriage:", env!("CARGO_PKG_VERSION")))]
    image: String,
    /// How large the volume for state and reports is
    #[arg(long, value_name = "SIZE", default_value = "10GiB")]
    state_size: ByteSize,
}

/// Runs the command.
///
/// # Errors
/// When a path cannot be written down, the configuration is none, or the text cannot be written.
pub fn run(args: &Schedule) -> Result<ExitCode> {
    match args {
        Schedule::Systemd(args) => write_units(args)?,
        Schedule::Cron(args) => {
            let config = named("--config", &args.common.config)?;
            // Nothing of it stands in the line, but one that is wrong would be told at night.
            let _ = Needs::of(Path::new(&config))?;
            terminal::print(&cron::text(args, &program(&args.program)?, &config))?;
        }
        Schedule::Kubernetes(args) => {
            let config = named("--config", &args.common.config)?;
            let needs = needs(&config, &args.memory)?;
            for path in needs.logs.iter().filter(|path| path.contains(':')) {
                terminal::complain(&format!("warning: Kubernetes mounts no path with a colon: {path}"));
            }
            for path in &needs.apart {
                terminal::complain(&format!(
                    "warning: the configuration names {path}, and a ConfigMap holds only what lies beside it: move it there"
                ));
            }
            for path in &needs.writes {
                terminal::complain(&format!(
                    "warning: the configuration writes to {path}, where no volume is: add one, or write to {}",
                    needs::STATE
                ));
            }
            terminal::print(&kubernetes::text(args, Path::new(&config).file_name(), &needs))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn write_units(args: &Systemd) -> Result<()> {
    let config = named("--config", &args.common.config)?;
    let program = program(&args.program)?;
    if program.contains(['"', '\'', '\\']) {
        return Err(Error::new(format!(
            "--program {program}: expected a path without quotes and backslashes: systemd starts no such program"
        )));
    }
    let needs = needs(&config, &args.memory)?;
    for path in [&program, &config].into_iter().chain(&needs.logs).filter(|path| systemd::is_hidden(path)) {
        terminal::complain(&format!(
            "warning: the service cannot see {path} (ProtectHome, PrivateTmp): move it, or change that"
        ));
    }
    let units = systemd::units(args, &program, &config, &needs);
    match &args.out {
        None => {
            let files = units.map(|(name, text)| format!("# /etc/systemd/system/{name}\n{text}"));
            terminal::print(&files.join("\n"))
        }
        Some(out) => {
            let files = units.map(|(name, text)| (out.join(name), text));
            files.iter().try_for_each(|(path, _)| new_file::expect_absent(Some(path)))?;
            files.iter().try_for_each(|(path, text)| new_file::write(Some(path), text))
        }
    }
}

/// What the configuration asks for; where there is none yet, what is usual.
fn needs(config: &str, memory: &Memory) -> Result<Needs> {
    let mut needs = Needs::of(Path::new(config))?.unwrap_or_else(|why| {
        terminal::complain(&format!(
            "warning: --config {config}: cannot read it ({why}), so logs are taken to be in /var/log, and there is no webhook; \
             if it says otherwise, print this again where it can be read"
        ));
        Needs::default()
    });
    for list in &needs.lists {
        terminal::complain(&format!(
            "warning: which logs are in the list {list} is not known here: add their directories, and that of the list, by hand"
        ));
    }
    if let Some(memory) = memory.memory {
        needs.memory = memory;
    }
    Ok(needs)
}

/// The program to run.
fn program(args: &Program) -> Result<String> {
    match &args.program {
        Some(program) => named("--program", program),
        None => {
            let this = std::env::current_exe().map_err(|error| {
                Error::new(format!("cannot tell where this program is ({error}): name it with --program"))
            })?;
            named("--program", &this)
        }
    }
}

/// A path from the root on, as text that fits into a line.
fn named(flag: &str, path: &Path) -> Result<String> {
    let cannot = |why: &str| Error::new(format!("{flag} {}: {why}", path.display()));
    let whole = std::path::absolute(path).map_err(|error| cannot(&error.to_string()))?;
    match whole.to_str() {
        Some(text) if !text.contains(char::is_control) => Ok(text.to_owned()),
        _ => Err(cannot("expected a path in UTF-8 without control characters, which no schedule could hold")),
    }
}

fn time_of_day(text: &str) -> Result<Time, String> {
    Time::strptime("%H:%M", text).map_err(|_| "expected a time of day such as 02:00".to_owned())
}

fn zone(text: &str) -> Result<String, String> {
    // The name as the database writes it: schedulers are particular about that.
    let known = TimeZone::get(text).ok().and_then(|zone| zone.iana_name().map(str::to_owned));
    known.ok_or_else(|| "expected an IANA name such as Europe/Berlin".to_owned())
}

/// The name of a user or group, as systemd and cron take it.
fn account(text: &str) -> Result<String, String> {
    let fits = |(at, byte): (usize, u8)| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'_' => true,
        b'0'..=b'9' | b'-' => at > 0,
        _ => false,
    };
    match (1..=31).contains(&text.len()) && text.bytes().enumerate().all(fits) {
        true => Ok(text.to_owned()),
        false => {
            Err("expected a name of letters, digits, _ and -, that begins with a letter or _".to_owned())
        }
    }
}

fn mail_address(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "@.,_+-".contains(c);
    match !text.is_empty() && text.chars().all(fits) {
        true => Ok(text.to_owned()),
        false => Err("expected an address such as ops@example.com".to_owned()),
    }
}

/// The name of the configuration, whatever it is called.
fn name_of(file: Option<&OsStr>) -> String {
    file.map_or_else(|| "nightly.toml".to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_cannot_break_out_of_a_line() {
        for bad in ["", "a b", "a;b", "a\nb", "%i", "1a", "-a", "a:b", "ä", &"a".repeat(32)] {
            assert!(account(bad).is_err(), "{bad}");
        }
        assert_eq!(account("_app-1"), Ok("_app-1".to_owned()));
        for bad in
            ["", "a b@example.com", "a@example.com\n* * * * * rm", "a%b@example.com", "\"a\"@example.com"]
        {
            assert!(mail_address(bad).is_err(), "{bad}");
        }
        assert!(mail_address("ops+jwt@example.com,oncall@example.com").is_ok());
    }

    #[test]
    fn times_and_zones_are_what_they_say_or_refused() {
        assert_eq!(time_of_day("23:05").map(|time| (time.hour(), time.minute())), Ok((23, 5)));
        for bad in ["", "24:00", "2", "02:60", "02:00:00", "*:0"] {
            assert!(time_of_day(bad).is_err(), "{bad}");
        }
        assert_eq!(zone("europe/berlin"), Ok("Europe/Berlin".to_owned()));
        assert!(zone("Europe/Atlantis").is_err() && zone("").is_err());
    }
}
