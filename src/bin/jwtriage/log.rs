//! What an unattended run says of itself on stderr, as text or as JSON, a line each.

use std::io::{self, Write};

use jwtriage::input::Status;
use jwtriage::report::plain_text;
use jwtriage::run::Observer;
use jwtriage::tally::SourceTally;
use jwtriage::token::mask_tokens;
use tracing::level_filters::LevelFilter;

/// How lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// For people and journals.
    Text,
    /// For collectors.
    Json,
}

/// How much is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum LogLevel {
    /// Why there is no report.
    Error,
    /// What was not read, and what to know before believing the times.
    Warn,
    /// What was done, in a few lines.
    Info,
}

/// Begins to say things.
pub fn begin(format: LogFormat, level: LogLevel) {
    let level = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
    };
    let lines = tracing_subscriber::fmt().with_max_level(level).with_writer(|| Masked).with_target(false);
    match format {
        LogFormat::Text => lines.with_ansi(false).init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}

/// Stderr, through which no token leaves.
struct Masked;

impl Write for Masked {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        // When nobody can read it there is nobody to tell.
        let _ = io::stderr().lock().write_all(mask_tokens(&text).as_bytes());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Tells of troubles as they are met.
pub struct Troubles;

impl Observer for Troubles {
    fn discovered(&self, inputs: usize, bytes: u64) {
        tracing::info!(inputs, bytes, "reading what is new");
    }

    fn read(&self, _: u64) {}

    fn found(&self, _: u64) {}

    fn trouble(&self, source: &SourceTally) {
        let (name, status) = (plain_text(&source.name), source.status.as_str());
        let why = plain_text(&source.error);
        if source.status == Status::Skipped {
            tracing::info!("{name}: {status}: {why}");
        } else {
            tracing::warn!("{name}: {status}: {why}");
        }
    }
}
