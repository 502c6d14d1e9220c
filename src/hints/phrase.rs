//! Numbers, names and places in plain words, as evidence tells them. What came from outside is cut short here, and tokens
//! in it are masked before that, since what is left of one may no longer look like it; what it may do to a terminal or a
//! spreadsheet is the report's to prevent.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

use super::facts::Facts;
use super::group::Group;
use crate::timestamp::Timestamp;
use crate::token::mask_tokens;

/// Items of a list that are told.
const SHOWN: usize = 3;

/// Characters of an identifier that are told. Issuers and audiences are URLs, and most fit.
const LONGEST: usize = 80;

/// `1 token`, `12 tokens`.
pub(super) fn counted(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `51 findings of 33 tokens`.
pub(super) fn findings(group: &Group) -> String {
    format!("{} of {}", counted(group.occurrences, "finding"), counted(group.tokens, "token"))
}

/// An identifier from outside, with `…` in place of its end where it is long. One that is not there is told as such.
pub(super) fn name(text: Option<&str>) -> String {
    match text {
        None => "none".to_owned(),
        Some("") => "\"\"".to_owned(),
        Some(text) => short(&mask_tokens(text)),
    }
}

/// As much of the text as may be told.
fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// `2 h 5 min`, `47 min`, `42 s`, of a number of milliseconds.
pub(super) fn duration(millis: i64) -> String {
    let seconds = millis.max(0) / 1000;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600, seconds / 60);
    match () {
        () if days >= 2 => format!("{days} d {} h", hours % 24),
        () if hours >= 1 => format!("{hours} h {} min", minutes % 60),
        () if minutes >= 2 => format!("{minutes} min"),
        () => format!("{seconds} s"),
    }
}

/// From one instant to another, where both are known.
pub(super) fn between(from: Option<Timestamp>, to: Option<Timestamp>) -> Option<i64> {
    Some(to?.millis().saturating_sub(from?.millis()))
}

/// The first few of a list, and how many more there are.
pub(super) fn list(items: impl ExactSizeIterator<Item = String>) -> String {
    let more = items.len().saturating_sub(SHOWN);
    let mut text = items.take(SHOWN).collect::<Vec<_>>().join(", ");
    if more > 0 {
        text += &format!(" and {more} more");
    }
    text
}

impl Facts<'_> {
    /// A source's name without the directory that all share.
    pub(super) fn source_name(&self, number: u32) -> String {
        let Some(source) = self.given.sources.get(&number) else { return "a source".to_owned() };
        let own = match mask_tokens(&source.name) {
            Cow::Borrowed(name) => Cow::Borrowed(&name[self.given.common_name..]),
            masked => masked,
        };
        // Of a path, the end tells most.
        match own.char_indices().rev().nth(LONGEST - 1) {
            Some((start, _)) if start > 0 => format!("…{}", &own[start..]),
            _ => own.into_owned(),
        }
    }

    /// `in 2 of 18 sources with tokens: orders/app.log (41), orders/app.log.1 (10)`.
    pub(super) fn places(&self, sources: &BTreeMap<u32, u64>) -> String {
        self.places_with(sources, |_| String::new())
    }

    /// The same with something more to say about each source.
    pub(super) fn places_with(&self, sources: &BTreeMap<u32, u64>, more: impl Fn(u32) -> String) -> String {
        let place =
            |(&number, &count): (&u32, &u64)| (Reverse(count), self.source_name(number), more(number));
        let mut places: Vec<_> = sources.iter().map(place).collect();
        places.sort();
        if self.given.sources.len() == 1 {
            return "in the only source with tokens".to_owned();
        }
        let listed = list(places.iter().map(|(count, name, more)| format!("{name} ({}{more})", count.0)));
        format!("in {} of {} sources with tokens: {listed}", places.len(), self.given.sources.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_told_in_two_units_at_most() {
        for (seconds, text) in [
            (-1, "0 s"),
            (42, "42 s"),
            (119, "119 s"),
            (120, "2 min"),
            (3599, "59 min"),
            (3600, "1 h 0 min"),
            (86_400, "24 h 0 min"),
            (200_000, "2 d 7 h"),
        ] {
            assert_eq!(duration(seconds * 1000), text);
        }
    }

    #[test]
    fn a_list_tells_three_and_how_many_more() {
        let items = |count: u64| list((0..count).map(|n| n.to_string()).collect::<Vec<_>>().into_iter());
        assert_eq!(items(3), "0, 1, 2");
        assert_eq!(items(5), "0, 1, 2 and 2 more");
    }

    #[test]
    fn a_long_name_is_cut() {
        let long = "\u{e4}".repeat(200);
        assert_eq!(name(Some(&long)).chars().count(), LONGEST + 1);
        assert_eq!(name(None), "none");
    }
}
