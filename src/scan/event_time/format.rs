//! The names of the shapes in which a line can state its time.

use std::fmt;

/// How a line stated its time. `Display` gives the short, stable name that reports use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimeFormat {
    /// `2026-06-12T01:02:03.123Z`: year first, `T`, and an offset.
    Rfc3339,
    /// Year first, but with a blank, slashes, no zone, or otherwise looser than RFC 3339.
    Iso8601,
    /// Year and day of the year: `2026-163T01:02:03`.
    Ordinal,
    /// Digits without separators: `20260612T010203Z`, `20260612.010203`.
    Compact,
    /// A two-digit year first: `081109 203615`, `17/06/09 20:10:40`.
    ShortYear,
    /// `[12/Jun/2026:01:02:03 +0000]`, and HAProxy's form with a fraction.
    Clf,
    /// `12 Jun 2026 01:02:03`, `12-Jun-2026 01:02:03`.
    DayMonthName,
    /// `06/12/2026 01:02:03`: month first unless the first number is above 12.
    MonthDayYear,
    /// `12.06.2026 01:02:03`.
    DottedDate,
    /// `Jun 12 01:02:03`, with or without `<PRI>`, fraction and year.
    SyslogRfc3164,
    /// `<34>1 2026-06-12T01:02:03Z`.
    SyslogRfc5424,
    /// With a weekday: `Fri Jun 12 01:02:03 2026`, date(1), Apache's error log, RFC 2822.
    Ctime,
    /// `Jun 12, 2026 1:02:03 AM`.
    JavaUtilLogging,
    /// `E0612 01:02:03.123456`.
    Klog,
    /// `06-12 01:02:03.123`.
    Logcat,
    /// An RFC 3339 time, then `stdout F` or `stderr P`.
    Cri,
    /// Seconds since 1970 at the line's head.
    EpochS,
    /// Milliseconds since 1970 at the line's head.
    EpochMs,
    /// Microseconds since 1970 at the line's head.
    EpochUs,
    /// Nanoseconds since 1970 at the line's head.
    EpochNs,
    /// `@40000000433225833b6e1a8c`.
    Tai64n,
    /// `__REALTIME_TIMESTAMP=1534860261221373`.
    JournaldExport,
    /// `type=SYSCALL msg=audit(1364481363.243:24287):`.
    Audit,
    /// `#+1162490366`, a shell's history file.
    ShellHistory,
    /// The date and time columns of a W3C extended log.
    W3c,
    /// A JSON member at the line's own level.
    Json(&'static str),
    /// A `key=value` pair at the line's own level.
    Logfmt(&'static str),
    /// What `--time-key` names.
    TimeKey,
    /// What `--time-format` describes.
    TimeFormat,
}

impl fmt::Display for TimeFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Rfc3339 => "rfc3339",
            Self::Iso8601 => "iso8601",
            Self::Ordinal => "iso8601_ordinal",
            Self::Compact => "compact",
            Self::ShortYear => "short_year",
            Self::Clf => "clf",
            Self::DayMonthName => "day_month_name",
            Self::MonthDayYear => "month_day_year",
            Self::DottedDate => "dotted_date",
            Self::SyslogRfc3164 => "syslog_rfc3164",
            Self::SyslogRfc5424 => "syslog_rfc5424",
            Self::Ctime => "ctime",
            Self::JavaUtilLogging => "java_util_logging",
            Self::Klog => "klog",
            Self::Logcat => "logcat",
            Self::Cri => "cri",
            Self::EpochS => "epoch_s",
            Self::EpochMs => "epoch_ms",
            Self::EpochUs => "epoch_us",
            Self::EpochNs => "epoch_ns",
            Self::Tai64n => "tai64n",
            Self::JournaldExport => "journald_export",
            Self::Audit => "audit",
            Self::ShellHistory => "shell_history",
            Self::W3c => "w3c",
            Self::Json(key) => return write!(f, "json:{key}"),
            Self::Logfmt(key) => return write!(f, "logfmt:{key}"),
            Self::TimeKey => "time_key",
            Self::TimeFormat => "time_format",
        };
        f.write_str(name)
    }
}
