//! Names of months and weekdays: English, and the French and German months that localised syslogs write.

/// A month's name at the start of `text`: its number from 1, and how many bytes the name has. English names may be
/// whole or cut to three letters, in any letter case; a dot after the abbreviation belongs to it.
pub(super) fn month(text: &[u8]) -> Option<(u32, usize)> {
    let letters = text.get(..3)?;
    let number = match [letters[0] | 0x20, letters[1] | 0x20, letters[2] | 0x20] {
        [b'j', b'a', b'n'] => 1,
        [b'f', b'e', b'b'] => 2,
        [b'm', b'a', b'r'] => 3,
        [b'a', b'p', b'r'] => 4,
        [b'm', b'a', b'y'] => 5,
        [b'j', b'u', b'n'] => 6,
        [b'j', b'u', b'l'] => 7,
        [b'a', b'u', b'g'] => 8,
        [b's', b'e', b'p'] => 9,
        [b'o', b'c', b't'] => 10,
        [b'n', b'o', b'v'] => 11,
        [b'd', b'e', b'c'] => 12,
        _ => return foreign_month(text),
    };
    let length = word_length(text);
    let full = FULL_MONTHS[number - 1];
    let whole =
        length == 3 || &text[..length] == b"Sept" || text[..length].eq_ignore_ascii_case(full.as_bytes());
    if !whole || text.get(length).is_some_and(|byte| !byte.is_ascii()) {
        return foreign_month(text);
    }
    Some((number as u32, length + usize::from(text.get(length) == Some(&b'.'))))
}

const FULL_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Longer names come before their beginnings. What English writes alike is not repeated.
const FOREIGN_MONTHS: [(&str, u32); 15] = [
    ("janv", 1),
    ("févr", 2),
    ("fév", 2),
    ("mars", 3),
    ("mär", 3),
    ("avril", 4),
    ("avr", 4),
    ("mai", 5),
    ("juin", 6),
    ("juil", 7),
    ("août", 8),
    ("okt", 10),
    ("déc", 12),
    ("dez", 12),
    ("sept", 9),
];

fn foreign_month(text: &[u8]) -> Option<(u32, usize)> {
    let may_start = matches!(text[0] | 0x20, b'a' | b'd' | b'f' | b'j' | b'm' | b'o' | b's');
    if !may_start || text[1..3].iter().any(|byte| byte.is_ascii() && !byte.is_ascii_alphabetic()) {
        return None;
    }
    FOREIGN_MONTHS.iter().find_map(|&(name, number)| {
        let found = text.get(..name.len())?;
        let after = text.get(name.len()).copied().unwrap_or(0);
        if !found.eq_ignore_ascii_case(name.as_bytes()) || after.is_ascii_alphabetic() || !after.is_ascii() {
            return None;
        }
        Some((number, name.len() + usize::from(after == b'.')))
    })
}

/// The length of an English weekday's name, whole or cut to three letters, at the start of `text`.
pub(super) fn weekday(text: &[u8]) -> Option<usize> {
    let letters = text.get(..3)?;
    let full: &[u8] = match [letters[0] | 0x20, letters[1] | 0x20, letters[2] | 0x20] {
        [b'm', b'o', b'n'] => b"Monday",
        [b't', b'u', b'e'] => b"Tuesday",
        [b'w', b'e', b'd'] => b"Wednesday",
        [b't', b'h', b'u'] => b"Thursday",
        [b'f', b'r', b'i'] => b"Friday",
        [b's', b'a', b't'] => b"Saturday",
        [b's', b'u', b'n'] => b"Sunday",
        _ => return None,
    };
    let length = word_length(text);
    (length == 3 || text[..length].eq_ignore_ascii_case(full)).then_some(length)
}

/// How many ASCII letters `text` starts with; no name is longer than a dozen.
fn word_length(text: &[u8]) -> usize {
    text.iter().take(12).take_while(|byte| byte.is_ascii_alphabetic()).count()
}
