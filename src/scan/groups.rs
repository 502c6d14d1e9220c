//! `--group-by`: what the lines of a log say about which service, version or path they are of.
//!
//! A value is sought in the line itself and, where that has none, in the first line of its record. Tokens are masked
//! before anything is sought, so that no pattern takes a piece out of one.

use std::borrow::Cow;
use std::sync::Arc;

use regex::Regex;
use smallvec::SmallVec;

use super::event_time::text_under_key;

/// How much of a line is looked at, in bytes.
const LINE_LIMIT: usize = 64 << 10;

/// What groups are called and how their values are found.
#[derive(Clone, Debug)]
pub struct GroupBy {
    /// The group's name.
    pub name: String,
    rule: Rule,
}

#[derive(Clone, Debug)]
enum Rule {
    /// The first group of a pattern over the line, or all that it matches.
    Record(Regex),
    /// The same over the name of the source.
    Source(Regex),
    /// A JSON member, dotted for nested ones, or a logfmt key.
    Key,
}

impl GroupBy {
    /// Reads `NAME=PATTERN`, `NAME=source:PATTERN` or `KEY`.
    ///
    /// # Errors
    ///
    /// What was expected and what was found.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (name, rule) = match text.split_once('=') {
            None => (text, Rule::Key),
            Some((name, pattern)) => {
                let (over_source, pattern) = match pattern.strip_prefix("source:") {
                    Some(pattern) => (true, pattern),
                    None => (false, pattern),
                };
                let regex = Regex::new(pattern).map_err(|error| {
                    // The last line of its text says what; those before repeat the pattern and point into it.
                    let error = error.to_string();
                    let why = error.lines().last().unwrap_or_default();
                    format!("expected a regular expression behind {name}=, but found {why}")
                })?;
                if pattern.is_empty() || regex.is_match("") {
                    return Err(format!(
                        "expected a pattern behind {name}= that matches something, but it matches nothing at all too"
                    ));
                }
                (name, if over_source { Rule::Source(regex) } else { Rule::Record(regex) })
            }
        };
        if name.is_empty() {
            return Err("expected NAME=PATTERN, NAME=source:PATTERN or KEY, but found no name".to_owned());
        }
        Ok(Self { name: name.to_owned(), rule })
    }

    /// Reads one of each text; no two may have the same name, or a finding would be counted twice in one row.
    ///
    /// # Errors
    ///
    /// Which text is wrong, what was expected and what was found.
    pub fn parse_all(texts: &[String]) -> Result<Vec<Self>, String> {
        let mut groups: Vec<Self> = Vec::with_capacity(texts.len());
        for text in texts {
            let group = Self::parse(text).map_err(|error| format!("{}: {error}", text.escape_debug()))?;
            if groups.iter().any(|other| other.name == group.name) {
                let name = group.name.escape_debug();
                return Err(format!(
                    "{}: expected each name once, but found {name} twice; call one NAME=PATTERN",
                    text.escape_debug()
                ));
            }
            groups.push(group);
        }
        Ok(groups)
    }
}

/// The value of each group, where there is one.
pub type Values = SmallVec<[Option<Arc<str>>; 2]>;

/// How the values of a source's lines are found.
#[derive(Clone, Debug)]
pub struct Grouping {
    rules: Arc<[GroupBy]>,
    /// What the source's name says.
    of_source: Values,
    /// Takes the tokens out of a text.
    mask: fn(&str) -> Cow<'_, str>,
}

impl Grouping {
    /// How the values of the lines of a source are found; `mask` takes tokens out of a text.
    #[must_use]
    pub fn new(rules: Arc<[GroupBy]>, source: &str, mask: fn(&str) -> Cow<'_, str>) -> Self {
        let source = mask(source);
        let of_source = rules.iter().map(|group| match &group.rule {
            Rule::Source(regex) => captured(regex, &source),
            Rule::Record(_) | Rule::Key => None,
        });
        Self { of_source: of_source.collect(), rules, mask }
    }

    /// What a line says, which need not have all of its bytes.
    #[must_use]
    pub fn of_line(&self, line: &[u8]) -> Values {
        let text = String::from_utf8_lossy(&line[..line.len().min(LINE_LIMIT)]);
        let text = (self.mask)(&text);
        let value = |(group, of_source): (&GroupBy, &Option<Arc<str>>)| match &group.rule {
            Rule::Record(regex) => captured(regex, &text),
            Rule::Source(_) => of_source.clone(),
            Rule::Key => text_under_key(&text, &group.name).map(Into::into),
        };
        self.rules.iter().zip(&self.of_source).map(value).collect()
    }
}

/// The values of a line, those that it has none of taken from the first line of its record.
#[must_use]
pub fn with_head(mut line: Values, head: &Values) -> Values {
    line.iter_mut()
        .zip(head)
        .filter(|(value, _)| value.is_none())
        .for_each(|(value, head)| value.clone_from(head));
    line
}

/// What the pattern's first group matches, else all that it matches.
fn captured(regex: &Regex, text: &str) -> Option<Arc<str>> {
    let found = regex.captures(text)?;
    found.get(1).or_else(|| found.get(0)).map(|value| value.as_str().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(groups: &[&str], source: &str, line: &str) -> Vec<Option<String>> {
        let rules: Vec<GroupBy> = groups.iter().map(|text| GroupBy::parse(text).unwrap()).collect();
        fn masked(text: &str) -> Cow<'_, str> {
            Cow::Owned(text.replace("secret", "***"))
        }
        let values = Grouping::new(rules.into(), source, masked).of_line(line.as_bytes());
        values.into_iter().map(|value| value.map(|value| value.to_string())).collect()
    }

    #[test]
    fn a_value_is_the_first_group_of_a_pattern_or_a_member_s_or_a_pair_s() {
        let some = |text: &str| Some(text.to_owned());
        let json = r#"2026 {"service":"orders","http":{"path":"/a"},"n":3}"#;
        assert_eq!(
            values(&["service", "http.path", "n", "x"], "", json),
            [some("orders"), some("/a"), some("3"), None]
        );
        assert_eq!(values(&["svc"], "", "level=info svc=\"a b\" x=1"), [some("a b")]);
        let clf = "GET /api/v1/users HTTP/1.1";
        assert_eq!(values(&["path=GET (/[a-z]+)", "all=v[0-9]"], "", clf), [some("/api"), some("v1")]);
        assert_eq!(values(&["host=source:^([a-z]+)-"], "web-1/app.log", clf), [some("web")]);
    }

    #[test]
    fn no_pattern_takes_a_piece_out_of_what_is_masked() {
        assert_eq!(
            values(&["x=token=(.{3})", "s=source:(s.c)"], "secret", "token=secret"),
            [Some("***".to_owned()), None]
        );
    }

    #[test]
    fn what_is_no_group_says_why() {
        let error = |text| GroupBy::parse(text).unwrap_err();
        assert!(error("=x").contains("no name"));
        assert!(
            error("path=(").contains("expected a regular expression behind path="),
            "{}",
            error("path=(")
        );
        assert!(error("path=x*").contains("matches something"));
        assert!(error("path=source:").contains("matches something"));
    }
}
