//! How far the scan is: a bar on a terminal, a line now and then where asked for, nothing in a pipe.

use std::io::{self, IsTerminal};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};
use jwtriage::input::Status;
use jwtriage::report::plain_text;
use jwtriage::run::Observer;
use jwtriage::tally::SourceTally;

use crate::terminal::complain;

/// How to show progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ProgressMode {
    /// A bar on a terminal, nothing elsewhere.
    Auto,
    /// A line on stderr every 30 seconds.
    Plain,
    /// Nothing.
    None,
}

/// How often `--progress plain` writes a line.
const PLAIN_INTERVAL: Duration = Duration::from_secs(30);

/// Shows progress and troubles on stderr.
pub struct Progress {
    bar: ProgressBar,
    plain: Option<Mutex<Instant>>,
    begun: Instant,
    total: AtomicU64,
    read: AtomicU64,
    findings: AtomicU64,
}

impl Progress {
    /// Progress in this mode.
    pub fn new(mode: ProgressMode) -> Self {
        let draws = mode == ProgressMode::Auto && io::stderr().is_terminal();
        let target = if draws { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        Self {
            bar: ProgressBar::with_draw_target(Some(0), target),
            plain: (mode == ProgressMode::Plain).then(|| Mutex::new(Instant::now())),
            begun: Instant::now(),
            total: AtomicU64::new(0),
            read: AtomicU64::new(0),
            findings: AtomicU64::new(0),
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Writes a line to stderr, above the bar.
    pub fn complain(&self, message: &str) {
        self.bar.suspend(|| complain(message));
    }

    fn plain_line(&self) {
        let Some(plain) = &self.plain else { return };
        let Ok(mut last) = plain.try_lock() else { return };
        if last.elapsed() < PLAIN_INTERVAL {
            return;
        }
        *last = Instant::now();
        let read = self.read.load(Ordering::Relaxed);
        let total = self.total.load(Ordering::Relaxed);
        let elapsed = self.begun.elapsed().as_secs_f64();
        let rate = read as f64 / elapsed;
        let left = match total.checked_sub(read) {
            Some(left) if rate > 0.0 => format!(", about {} s left", (left as f64 / rate).ceil()),
            _ => String::new(),
        };
        complain(&format!(
            "{} of {} read at {}/s, {} findings{left}",
            HumanBytes(read),
            HumanBytes(total),
            HumanBytes(rate as u64),
            HumanCount(self.findings.load(Ordering::Relaxed)),
        ));
    }
}

impl Observer for Progress {
    fn discovered(&self, inputs: usize, bytes: u64) {
        self.total.store(bytes, Ordering::Relaxed);
        let template = if bytes > 0 {
            "{bar:30} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left, {msg}"
        } else {
            "{spinner} {bytes}, {bytes_per_sec}, {elapsed}, {msg}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        self.bar.set_length(bytes);
        self.bar.set_message(format!("{inputs} inputs"));
        self.bar.enable_steady_tick(Duration::from_millis(100));
    }

    fn read(&self, bytes: u64) {
        self.read.fetch_add(bytes, Ordering::Relaxed);
        self.bar.inc(bytes);
        self.plain_line();
    }

    fn found(&self, findings: u64) {
        let all = self.findings.fetch_add(findings, Ordering::Relaxed) + findings;
        if !self.bar.is_hidden() {
            self.bar.set_message(format!("{} findings", HumanCount(all)));
        }
    }

    fn trouble(&self, source: &SourceTally) {
        let place = if source.name.as_ref() == "-" { "standard input" } else { &source.name };
        let read = match source.status {
            Status::Partial => format!(" ({} were read)", HumanBytes(source.bytes)),
            _ => String::new(),
        };
        let told =
            format!("{}: {}: {}{read}", plain_text(place), source.status.as_str(), plain_text(&source.error));
        self.complain(&told);
    }
}
