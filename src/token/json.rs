//! A JSON object read member by member, also when it is cut: what could be read is kept, and how it ended is told.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;

/// How a text that should be a JSON object ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It is a whole object.
    Complete,
    /// It is an object so far; more bytes could make it whole.
    Cut,
    /// It is JSON, whole or so far, but no object.
    NotAnObject,
    /// It is not JSON.
    Invalid,
}

/// Takes the members of an object as they come.
pub(super) trait Members {
    /// A member's name was read. Says whether its value is wanted.
    fn name(&mut self, name: &str) -> bool;

    /// The value of the member last named, when it was wanted.
    fn value(&mut self, name: &str, value: Value);
}

/// Reads the object in `text`, giving its members to `members` up to where it ends or breaks.
pub(super) fn read(text: &[u8], members: &mut impl Members) -> Ending {
    let whole = std::str::from_utf8(text);
    // Only a character that is cut at the very end could still be completed.
    if whole.is_err_and(|error| error.error_len().is_some()) {
        return Ending::Invalid;
    }
    let first = text.iter().find(|byte| !byte.is_ascii_whitespace());
    if first.is_some_and(|&byte| byte != b'{') {
        return match serde_json::from_slice::<IgnoredAny>(text) {
            Ok(_) => Ending::NotAnObject,
            Err(error) if error.classify() == Category::Eof => Ending::NotAnObject,
            Err(_) => Ending::Invalid,
        };
    }
    // What is known to be text is not looked at for that again.
    let read = match whole {
        Ok(text) => read_object(serde_json::Deserializer::from_str(text), members),
        Err(_) => read_object(serde_json::Deserializer::from_slice(text), members),
    };
    match read.map_err(|error| error.classify()) {
        Ok(()) => Ending::Complete,
        Err(Category::Eof) => Ending::Cut,
        Err(_) => Ending::Invalid,
    }
}

fn read_object<'t>(
    mut json: serde_json::Deserializer<impl serde_json::de::Read<'t>>,
    members: &mut impl Members,
) -> serde_json::Result<()> {
    Object(members).deserialize(&mut json)?;
    json.end()
}

struct Object<'m, M>(&'m mut M);

impl<'de, M: Members> DeserializeSeed<'de> for Object<'_, M> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, M: Members> Visitor<'de> for Object<'_, M> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<Name<'de>>()? {
            if self.0.name(&name.0) {
                self.0.value(&name.0, map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

/// A member's name, borrowed unless it holds an escape.
struct Name<'de>(Cow<'de, str>);

impl<'de> serde::Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Cow<'de, str>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }
            fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
                Ok(Cow::Borrowed(name))
            }
            fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
                Ok(Cow::Owned(name.to_owned()))
            }
        }
        deserializer.deserialize_str(Text).map(Name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Seen(Vec<String>, Vec<String>);

    impl Members for Seen {
        fn name(&mut self, name: &str) -> bool {
            self.0.push(name.to_owned());
            name.len() == 1
        }

        fn value(&mut self, _: &str, value: Value) {
            self.1.push(value.to_string());
        }
    }

    #[test]
    fn an_object_tells_how_it_ended_and_keeps_what_was_read() {
        let cases: &[(&[u8], Ending, &[&str])] = &[
            (br#"{"a":1,"bb":[2]}"#, Ending::Complete, &["a", "bb"]),
            (b" {\n} ", Ending::Complete, &[]),
            (br#"{"a":1,"bb":[2]"#, Ending::Cut, &["a", "bb"]),
            (br#"{"a":1,"bb"#, Ending::Cut, &["a"]),
            (br#"{"a""#, Ending::Cut, &["a"]),
            (b"{\"a\":\"\xc3", Ending::Cut, &["a"]),
            (b"", Ending::Cut, &[]),
            (b"{\"a\":\"\xff\",", Ending::Invalid, &[]),
            (br#"{"a":12x}"#, Ending::Invalid, &["a"]),
            (br#"{"a":1}x"#, Ending::Invalid, &["a"]),
            (br#"["a",1]"#, Ending::NotAnObject, &[]),
            (br#"["a",1"#, Ending::NotAnObject, &[]),
            (b"123", Ending::NotAnObject, &[]),
            (b"foo", Ending::Invalid, &[]),
        ];
        for (text, ending, names) in cases {
            let mut seen = Seen::default();
            assert_eq!(
                (read(text, &mut seen), seen.0),
                (*ending, names.iter().map(|n| (*n).to_owned()).collect())
            );
        }
    }

    #[test]
    fn only_wanted_values_are_read() {
        let mut seen = Seen::default();
        read(br#"{"a":{"x":[1]},"bb":2,"c":"d"}"#, &mut seen);
        assert_eq!(seen.1, [r#"{"x":[1]}"#, r#""d""#]);
    }
}
