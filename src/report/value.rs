//! What a column holds, for formats that know more than text: numbers, instants, lists, and nothing at all.
//!
//! Invariant: text in a [`Value`] is as masked and escaped as in the CSV file, for it is made of the same
//! [`Cell`]; only the quote for spreadsheets is left out.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

use super::cell::Cell;
use super::csv::Lines;
use super::rows::{Millionths, Place, Seconds, Several, Shown};
use crate::secret::{Fingerprint, SubjectFingerprint};
use crate::timestamp::Timestamp;
use crate::verdict::{Verdict, VerdictSet};

/// What a column may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text, or nothing.
    Text,
    /// A number.
    Number,
    /// An instant, or nothing.
    Time,
    /// Texts, none of them empty for want of a value.
    List,
}

/// What a row holds in a column.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'v> {
    /// An empty cell.
    Nothing,
    /// Text, not empty.
    Text(Cow<'v, str>),
    /// A count.
    Count(u64),
    /// A number that may be negative.
    Number(i64),
    /// A part of all.
    Share(Millionths),
    /// An instant.
    Time(Timestamp),
    /// Texts, in order.
    List(Vec<&'v str>),
}

/// As JSON has it. An instant that RFC 3339 cannot write, such as one in the year 10000, is a number of seconds.
impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_unit(),
            Self::Text(text) => serializer.serialize_str(text),
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Number(number) => serializer.serialize_i64(*number),
            // Six digits of a number that is at most one: the shortest text that means this double has no more of them.
            Self::Share(share) => serializer.serialize_f64(share.get() as f64 / 1e6),
            Self::Time(time) if time.is_rfc3339() => serializer.collect_str(time),
            Self::Time(time) => serializer.serialize_i64(time.millis().div_euclid(1000)),
            Self::List(list) => list.serialize(serializer),
        }
    }
}

/// What can stand in a column.
pub(super) trait Valued {
    /// What the column holds.
    const KIND: Kind;

    /// What it holds here.
    fn value(&self) -> Value<'_>;

    /// Adds its cell to a line of a CSV file.
    fn write(&self, line: &mut Lines);
}

fn text(text: &str) -> Value<'_> {
    if text.is_empty() { Value::Nothing } else { Value::Text(Cow::Borrowed(text)) }
}

impl Valued for &'static str {
    const KIND: Kind = Kind::Text;

    fn value(&self) -> Value<'_> {
        text(self)
    }

    fn write(&self, line: &mut Lines) {
        line.word(self);
    }
}

impl Valued for Cell<'_> {
    const KIND: Kind = Kind::Text;

    fn value(&self) -> Value<'_> {
        text(self.plain())
    }

    fn write(&self, line: &mut Lines) {
        line.text(self.as_str());
    }
}

impl Valued for &Cell<'_> {
    const KIND: Kind = Kind::Text;

    fn value(&self) -> Value<'_> {
        (*self).value()
    }

    fn write(&self, line: &mut Lines) {
        (*self).write(line);
    }
}

impl Valued for Place<'_> {
    const KIND: Kind = Kind::Text;

    fn value(&self) -> Value<'_> {
        Value::Text(Cow::Owned(format!("{}:{}", self.source.plain(), self.line)))
    }

    fn write(&self, line: &mut Lines) {
        line.place(self.source.as_str(), self.line);
    }
}

impl Valued for Several<'_> {
    const KIND: Kind = Kind::List;

    fn value(&self) -> Value<'_> {
        Value::List(self.each().iter().map(Cell::plain).collect())
    }

    fn write(&self, line: &mut Lines) {
        self.joined().write(line);
    }
}

impl Valued for Shown<VerdictSet> {
    const KIND: Kind = Kind::List;

    fn value(&self) -> Value<'_> {
        Value::List(self.0.iter().map(Verdict::as_str).collect())
    }

    fn write(&self, line: &mut Lines) {
        line.words(self.0.iter().map(Verdict::as_str));
    }
}

impl Valued for u64 {
    const KIND: Kind = Kind::Number;

    fn value(&self) -> Value<'_> {
        Value::Count(*self)
    }

    fn write(&self, line: &mut Lines) {
        line.number(*self);
    }
}

impl Valued for u32 {
    const KIND: Kind = Kind::Number;

    fn value(&self) -> Value<'_> {
        Value::Count(u64::from(*self))
    }

    fn write(&self, line: &mut Lines) {
        line.number(u64::from(*self));
    }
}

impl Valued for i64 {
    const KIND: Kind = Kind::Number;

    fn value(&self) -> Value<'_> {
        Value::Number(*self)
    }

    fn write(&self, line: &mut Lines) {
        match u64::try_from(*self) {
            Ok(number) => line.number(number),
            Err(_) => line.shown(self),
        }
    }
}

impl Valued for Seconds {
    const KIND: Kind = Kind::Number;

    fn value(&self) -> Value<'_> {
        Value::Number(self.0)
    }

    fn write(&self, line: &mut Lines) {
        match u64::try_from(self.0) {
            Ok(seconds) => line.number(seconds),
            // A `-` would begin a formula.
            Err(_) => line.shown(format_args!("'{}", self.0)),
        }
    }
}

impl Valued for Shown<Millionths> {
    const KIND: Kind = Kind::Number;

    fn value(&self) -> Value<'_> {
        Value::Share(self.0)
    }

    fn write(&self, line: &mut Lines) {
        line.shown(self.0);
    }
}

impl Valued for Shown<Timestamp> {
    const KIND: Kind = Kind::Time;

    fn value(&self) -> Value<'_> {
        Value::Time(self.0)
    }

    fn write(&self, line: &mut Lines) {
        line.time(self.0);
    }
}

impl Valued for Shown<Fingerprint> {
    const KIND: Kind = Kind::Text;

    fn value(&self) -> Value<'_> {
        Value::Text(Cow::Owned(self.0.to_string()))
    }

    fn write(&self, line: &mut Lines) {
        line.shown(self.0);
    }
}

impl Valued for Shown<SubjectFingerprint> {
    const KIND: Kind = Kind::Text;

    fn value(&self) -> Value<'_> {
        Value::Text(Cow::Owned(self.0.to_string()))
    }

    fn write(&self, line: &mut Lines) {
        line.shown(self.0);
    }
}

impl<T: Valued> Valued for Option<T> {
    const KIND: Kind = T::KIND;

    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Nothing, Valued::value)
    }

    fn write(&self, line: &mut Lines) {
        match self {
            Some(value) => value.write(line),
            None => line.word(""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::cell::Cells;

    fn json(value: &Value<'_>) -> String {
        serde_json::to_string(value).unwrap()
    }

    #[test]
    fn an_empty_cell_is_null_and_a_list_of_nothing_is_empty() {
        assert_eq!(json(&Cell::default().value()), "null");
        assert_eq!(json(&"".value()), "null");
        assert_eq!(json(&Option::<i64>::None.value()), "null");
        assert_eq!(json(&Several::default().value()), "[]");
    }

    #[test]
    fn numbers_are_numbers_and_formulas_have_no_quote() {
        assert_eq!(json(&Seconds(-60).value()), "-60");
        assert_eq!(json(&Shown(Millionths::of(2, 3)).value()), "0.666667");
        assert_eq!(json(&Shown(Millionths::of(1, 1_000_000)).value()), "1e-6");
        assert_eq!(json(&Cell::text("-2+3").value()), "\"-2+3\"");
        let several = Several::claims(&["=a;b", "c"], &mut Cells::default());
        assert_eq!(json(&several.value()), r#"["=a;b","c"]"#);
        let mut line = Lines::default();
        several.write(&mut line);
        Seconds(-60).write(&mut line);
        line.end();
        assert_eq!(line.into_bytes(), b"'=a;b;c,'-60\n");
    }

    #[test]
    fn an_instant_is_text_where_rfc_3339_has_one_and_seconds_elsewhere() {
        assert_eq!(json(&Shown(Timestamp::from_seconds(1_781_226_000)).value()), "\"2026-06-12T01:00:00Z\"");
        assert_eq!(json(&Shown(Timestamp::from_seconds(253_402_300_800)).value()), "253402300800");
    }
}
