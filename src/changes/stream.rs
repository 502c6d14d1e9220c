//! The name of what a source is a piece of: `app.log`, `app.log.1`, `app.log.2.gz` and `app.log-20260612` are one log, and so
//! are `app-2026-06-11.log` and `app-2026-06-12.log`. Without this, every rotation would be news.
//!
//! - A date, with its time of day if it has one, becomes `*`, as in `app-*.log`.
//! - At the end of a name, of that before a `!` as well, a date or a number of up to three digits goes with the ending of its
//!   compression. A number behind a digit stays: `10.0.0.1` is an address.
//!
//! So a name stays as it is when nothing in it has been rotated, and the name of a piece is that of all.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// A date from 1900 on, as `20260612`, `2026-06-12` or `2026/06/12`, and the digits that follow it, two at least.
static DATE: LazyLock<Regex> = LazyLock::new(|| {
    let date = r"(?:19|20)[0-9]{2}[-_./]?(?:0[1-9]|1[0-2])[-_./]?(?:0[1-9]|[12][0-9]|3[01])";
    // Behind a `/` there is no time of day: `2026/06/12/10.0.0.1.log` is of a host.
    let time = r"(?:[-_.:T]?[0-9]{2,})*Z?";
    Regex::new(&format!("(^|[^0-9]){date}{time}")).expect("a pattern that is constant")
});

/// What rotation puts at the end of a name that has something else in it.
static ROTATED: LazyLock<Regex> = LazyLock::new(|| {
    let date = r"([^/])[-_.]\*(?:\.[0-9]{1,3})?";
    let number = r"([^/0-9])\.[0-9]{1,3}";
    let compressed = r"(?:\.(?:gz|zst|bz2|xz|lz4))?";
    Regex::new(&format!("(?:{date}|{number}){compressed}$")).expect("a pattern that is constant")
});

/// The name of the log that a source of this name is a piece of.
pub(super) fn stream(source: &str) -> String {
    let pieces: Vec<_> = source
        .split('!')
        .map(|piece| {
            let dated = DATE.replace_all(piece, "${1}*");
            match ROTATED.replace(&dated, "${1}${2}") {
                Cow::Borrowed(_) => dated.into_owned(),
                Cow::Owned(name) => name,
            }
        })
        .collect();
    pieces.join("!")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn all_that_a_rotation_makes_of_a_log_has_one_name() {
        let logs: [(&str, &[&str]); 7] = [
            (
                "logs/app.log",
                &[
                    "logs/app.log",
                    "logs/app.log.1",
                    "logs/app.log.2.gz",
                    "logs/app.log.365.zst",
                    "logs/app.log-20260612",
                    "logs/app.log-20260612.gz",
                    "logs/app.log.2026-06-12.3.xz",
                    "logs/app.log-2026061213",
                    "logs/app.log-20260612-131500.gz",
                ],
            ),
            (
                "logs/app-*.json.gz",
                &[
                    "logs/app-2026-06-12.json.gz",
                    "logs/app-20260613.json.gz",
                    "logs/app-2026-06-12T01-00-00Z.json.gz",
                ],
            ),
            (
                "edge.tar.gz!var/log/syslog",
                &["edge.tar.gz!var/log/syslog", "edge.tar.gz!var/log/syslog.1.bz2"],
            ),
            ("edge-*.tar.gz!syslog", &["edge-2026-06-12.tar.gz!syslog.1"]),
            ("pods/web/0.log", &["pods/web/0.log", "pods/web/0.log.20260612-010203.gz"]),
            ("edge/*/10.0.0.1.log", &["edge/2026/06/12/10.0.0.1.log", "edge/2026-06-13/10.0.0.1.log"]),
            ("elb/*/1234_web_*_a1.log.gz", &["elb/2026/06/12/1234_web_20260612T0105Z_a1.log.gz"]),
        ];
        for (name, sources) in logs {
            for source in sources {
                assert_eq!(stream(source), name, "{source}");
            }
        }
    }

    #[test]
    fn what_is_no_rotation_stays_as_it_is() {
        for name in [
            "-",
            "",
            "web1.log",
            "web-2.log.gz",
            "hosts/10.0.0.1",
            "logs/legacy/batch.log.xz",
            "orders/9120260612.log",
            "report-2099-13-01.log",
            "1781226000000.log",
            "logs/.1",
        ] {
            assert_eq!(stream(name), name);
        }
    }

    proptest! {
        #[test]
        fn a_name_stays_a_name_and_is_the_same_of_every_piece(
            name in "[a-z]{1,8}/[a-z]{1,8}\\.log", number in 1..999_u32, day in 1..29_u32,
        ) {
            prop_assert_eq!(stream(&format!("{name}.{number}.gz")), &*name);
            prop_assert_eq!(stream(&format!("{name}-202606{day:02}")), &*name);
        }
    }
}
