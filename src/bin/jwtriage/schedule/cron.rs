//! A line of a crontab.

use std::fmt::Write as _;

use super::Cron;
use super::quote;

/// A crontab with one line that starts a run, and what to know about it.
pub fn text(args: &Cron, program: &str, config: &str) -> String {
    let mut text = String::from(
        "# jwtriage, every night. Nightly runs lock each other out by themselves: no flock is needed.\n\
         # cron mails what the run writes, and looks at no exit code: 0 nothing new, 1 news, 2 wrong configuration,\n\
         # 3 some source could not be read to its end, 75 another run is under way, 130 stopped.\n",
    );
    // Writing to a string cannot fail.
    let _ = match &args.mail_to {
        Some(address) => writeln!(text, "MAILTO={address}"),
        None => {
            writeln!(text, "# MAILTO=ops@example.com says who gets that mail; without it, the user does.")
        }
    };
    if let Some(zone) = &args.common.tz {
        let _ = writeln!(
            text,
            "# cronie obeys CRON_TZ. Debian's cron does not: state the time in the machine's zone there.\nCRON_TZ={zone}"
        );
    }
    let user = args.user.as_ref().map_or_else(String::new, |user| format!("{user} "));
    let _ = writeln!(
        text,
        "{} {} * * * {user}nice -n 10 ionice -c 2 -n 7 {} nightly --config {}",
        args.common.at.minute(),
        args.common.at.hour(),
        quote::crontab(program),
        quote::crontab(config),
    );
    text
}
