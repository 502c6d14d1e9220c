//! Typed reading of TOML tables, where every value keeps its line and every mistake says what was expected. Baselines are
//! read by it too.

use super::problem::{Problems, Written, quoted, shown};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The text of a TOML file, which turns byte offsets to lines.
pub(crate) struct Document<'a> {
    text: &'a str,
    /// What is wrong with it so far.
    pub(crate) problems: Problems,
}

/// One kind of table in the schema: how messages call it, and the keys that it may have.
pub(crate) struct Shape {
    pub(crate) label: &'static str,
    /// Where to put a key that belongs here.
    pub(crate) home: &'static str,
    pub(crate) keys: &'static [&'static str],
}

/// A table whose keys are known to be right, to be taken out one by one.
pub(crate) struct Section<'a> {
    table: &'a DeTable<'a>,
    /// The line of its header.
    pub(crate) line: Option<usize>,
}

/// Reads the TOML text of a file, from its outermost table on. What is wrong is added to `problems`; the rest is still
/// returned, so that later steps can find more.
pub(crate) fn read<T: Default>(
    text: &str,
    problems: &mut Problems,
    read: impl for<'d> FnOnce(&mut Document<'d>, &Spanned<&'d DeTable<'d>>) -> T,
) -> T {
    let (root, syntax_errors) = DeTable::parse_recoverable(text);
    let taken = std::mem::replace(problems, Problems::new(""));
    let mut document = Document::new(text, taken);
    let entry = if let Some(error) = syntax_errors.first() {
        // What a parser makes of the text behind a syntax error is guesswork: only the first is told.
        let line = error.span().map_or(Some(1), |span| document.line_at(span.start));
        document.problems.add(line, format_args!("this is not TOML: {}", shown(error.message())));
        T::default()
    } else {
        read(&mut document, &Spanned::new(root.span(), root.get_ref()))
    };
    *problems = document.problems;
    entry
}

impl<'a> Document<'a> {
    pub(crate) fn new(text: &'a str, problems: Problems) -> Self {
        Self { text, problems }
    }

    fn line<T>(&self, spanned: &Spanned<T>) -> Option<usize> {
        self.line_at(spanned.span().start)
    }

    /// The line, from 1, that holds the byte at `offset`.
    pub(crate) fn line_at(&self, offset: usize) -> Option<usize> {
        let before = self.text.as_bytes().get(..offset).unwrap_or(self.text.as_bytes());
        Some(1 + memchr::memchr_iter(b'\n', before).count())
    }

    /// Enters a table. Keys that its shape does not have are problems that name the nearest one, or the table (out of
    /// `others`) where such a key belongs.
    pub(crate) fn enter(
        &mut self,
        table: &Spanned<&'a DeTable<'a>>,
        shape: &Shape,
        others: &[&Shape],
    ) -> Section<'a> {
        for key in table.get_ref().keys() {
            let name: &str = key.get_ref();
            if shape.keys.contains(&name) {
                continue;
            }
            let advice = match others.iter().find(|other| other.keys.contains(&name)) {
                Some(other) => format!("it belongs {}", other.home),
                None => format!("did you mean {}?", quoted(nearest(name, shape.keys))),
            };
            let message = format!("unknown key {} in {}; {advice}", quoted(name), shape.label);
            self.problems.add(self.line(key), message);
        }
        Section { table: table.get_ref(), line: self.line(table) }
    }

    /// Demands at least one of some keys, whatever its value is worth.
    pub(crate) fn need_one(&mut self, section: &Section<'a>, shape: &Shape, keys: &[&str]) {
        if !keys.iter().any(|key| section.table.contains_key(*key)) {
            let none = match keys.len() {
                1 => "nothing",
                2 => "neither",
                _ => "none of them",
            };
            let message = format!("{}: expected {}, found {none}", shape.label, keys.join(" or "));
            self.problems.add(section.line, message);
        }
    }

    fn wrong_type(&mut self, line: Option<usize>, key: &str, expected: &str, found: &DeValue<'_>) {
        self.problems.add(line, format_args!("{key}: expected {expected}, found {}", describe(found)));
    }

    fn get(&self, section: &Section<'a>, key: &str) -> Option<(&'a DeValue<'a>, Option<usize>)> {
        let value = section.table.get(key)?;
        Some((value.get_ref(), self.line(value)))
    }

    /// A string; `expected` says what it should hold.
    pub(crate) fn string(
        &mut self,
        section: &Section<'a>,
        key: &'static str,
        expected: &str,
    ) -> Option<Written<String>> {
        let (value, line) = self.get(section, key)?;
        match value {
            DeValue::String(text) => Some(Written { line, key, value: text.clone().into_owned() }),
            other => {
                self.wrong_type(line, key, expected, other);
                None
            }
        }
    }

    /// A string that is not empty.
    pub(crate) fn text(
        &mut self,
        section: &Section<'a>,
        key: &'static str,
        expected: &str,
    ) -> Option<Written<String>> {
        let written = self.string(section, key, expected)?;
        if written.value.is_empty() {
            self.problems.with(&written, format_args!("expected {expected}, found an empty string"));
            return None;
        }
        Some(written)
    }

    /// An instant: an RFC 3339 string, or TOML's own date-time, as text.
    pub(crate) fn time(&mut self, section: &Section<'a>, key: &'static str) -> Option<Written<String>> {
        self.date_or(section, key, "an RFC 3339 time such as \"2026-06-12T02:00:00Z\"")
    }

    /// What `expected` tells: a string, or TOML's own date or date-time, as text.
    pub(crate) fn date_or(
        &mut self,
        section: &Section<'a>,
        key: &'static str,
        expected: &str,
    ) -> Option<Written<String>> {
        if let Some((DeValue::Datetime(at), line)) = self.get(section, key) {
            return Some(Written { line, key, value: at.to_string() });
        }
        self.string(section, key, expected)
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&mut self, section: &Section<'a>, key: &'static str) -> Option<Written<bool>> {
        let (value, line) = self.get(section, key)?;
        if let Some(value) = value.as_bool() {
            return Some(Written { line, key, value });
        }
        self.wrong_type(line, key, "true or false", value);
        None
    }

    /// A whole number; `expected` says which.
    pub(crate) fn integer(
        &mut self,
        section: &Section<'a>,
        key: &'static str,
        expected: &str,
    ) -> Option<Written<i64>> {
        let (value, line) = self.get(section, key)?;
        let number = match value {
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix()).ok(),
            _ => None,
        };
        if let Some(value) = number {
            return Some(Written { line, key, value });
        }
        self.wrong_type(line, key, expected, value);
        None
    }

    /// An array of strings that are not empty; `None` when any of its members is something else.
    pub(crate) fn strings(
        &mut self,
        section: &Section<'a>,
        key: &'static str,
    ) -> Option<Written<Vec<Written<String>>>> {
        let (value, line) = self.get(section, key)?;
        let DeValue::Array(items) = value else {
            self.wrong_type(line, key, "an array of strings", value);
            return None;
        };
        let mut strings = Vec::with_capacity(items.len());
        for item in items {
            let line = self.line(item);
            match item.get_ref() {
                DeValue::String(text) if !text.is_empty() => {
                    strings.push(Written { line, key, value: text.clone().into_owned() });
                }
                other => self.wrong_type(line, key, "an array of strings that are not empty", other),
            }
        }
        (strings.len() == items.len()).then_some(Written { line, key, value: strings })
    }

    /// An array of tables, each entered by `read`.
    pub(crate) fn tables<T>(
        &mut self,
        section: &Section<'a>,
        key: &'static str,
        expected: &str,
        mut read: impl FnMut(&mut Self, &Spanned<&'a DeTable<'a>>) -> T,
    ) -> Vec<T> {
        let Some((value, line)) = self.get(section, key) else { return Vec::new() };
        let DeValue::Array(items) = value else {
            self.wrong_type(line, key, expected, value);
            return Vec::new();
        };
        let mut tables = Vec::with_capacity(items.len());
        for item in items {
            match item.get_ref() {
                DeValue::Table(table) => tables.push(read(self, &Spanned::new(item.span(), table))),
                other => self.wrong_type(self.line(item), key, expected, other),
            }
        }
        tables
    }
}

/// The key that is most like a name.
pub(crate) fn nearest<'k>(name: &str, keys: &[&'k str]) -> &'k str {
    let name = name.to_ascii_lowercase().replace('-', "_");
    let near = |key: &&str| strsim::jaro_winkler(&name, key);
    keys.iter().copied().max_by(|a, b| near(a).total_cmp(&near(b))).unwrap_or_default()
}

fn describe(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) if text.is_empty() => "an empty string".to_owned(),
        DeValue::String(text) => format!("the string {}", quoted(text)),
        DeValue::Integer(number) => format!("the integer {number}"),
        DeValue::Float(number) => format!("the float {number}"),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(at) => format!("the date-time {at}"),
        DeValue::Array(_) => "an array".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
