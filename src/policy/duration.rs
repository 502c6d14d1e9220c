//! Durations as a policy and its flags write them: `30s`, `5m`, `1h30m`, `500ms`, `7d`. A number always has its unit,
//! because a bare 300 is seconds to one reader and milliseconds to the next.

/// What a duration looks like, for error texts.
pub const EXPECTED: &str = "a duration with its unit, such as \"30s\", \"5m\", \"1h30m\" or \"500ms\"";

const UNITS: [(&str, i64); 5] = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Parses a duration to milliseconds. Units are `d`, `h`, `m`, `s` and `ms`, each a whole number, from large to small.
///
/// # Errors
///
/// What was expected and what was found, when `text` is no such duration or too long for an `i64`.
pub fn parse(text: &str) -> Result<i64, String> {
    total(text.trim()).ok_or_else(|| format!("expected {EXPECTED}, found {}", super::problem::quoted(text)))
}

fn total(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut sum: i64 = 0;
    let mut last_scale = i64::MAX;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, tail) = rest.split_at(digits);
        let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, tail) = tail.split_at(letters);
        let (_, scale) = *UNITS.iter().find(|(name, _)| *name == unit)?;
        if scale >= last_scale {
            return None;
        }
        sum = sum.checked_add(number.parse::<i64>().ok()?.checked_mul(scale)?)?;
        last_scale = scale;
        rest = tail;
    }
    (last_scale != i64::MAX).then_some(sum)
}

/// Writes milliseconds as [`parse`] reads them.
#[must_use]
pub fn show(millis: i64) -> String {
    let mut rest = millis;
    let mut shown = String::new();
    for (unit, scale) in UNITS.iter().rev() {
        if rest >= *scale {
            shown.push_str(&format!("{}{unit}", rest / scale));
            rest %= scale;
        }
    }
    if shown.is_empty() { "0s".to_owned() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_with_its_unit_is_a_duration() {
        for (text, millis) in [
            ("0s", 0),
            ("30s", 30_000),
            ("5m", 300_000),
            ("1h", 3_600_000),
            ("1h30m", 5_400_000),
            ("500ms", 500),
            ("1m500ms", 60_500),
            ("7d", 604_800_000),
            (" 30s ", 30_000),
        ] {
            assert_eq!(parse(text), Ok(millis), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_what_was_expected() {
        for text in [
            "",
            "30",
            "-30s",
            "s",
            "1.5h",
            "30 s",
            "30sec",
            "30s30s",
            "30m1h",
            "1h30",
            "9223372036854775807s",
            "١s",
        ] {
            let error = parse(text).unwrap_err();
            assert!(
                error.starts_with("expected a duration with its unit")
                    && error.ends_with(&format!("\"{text}\"")),
                "{error}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_parses_back(millis in 0..i64::MAX) {
            prop_assert_eq!(parse(&show(millis)), Ok(millis));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = parse(&text);
        }
    }
}
