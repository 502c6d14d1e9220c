//! A message's pattern: what it matches, the literals that every match holds, and the text that reports show for it.
//!
//! Logs do not keep a text as it was printed: inside JSON a quote is escaped, inside HTML it is an entity, and the `: `
//! between an exception's name and what it says becomes `","message":"`. A pattern is written as the verifier prints
//! it, and widened here, so that it matches these forms too.

use memchr::memmem;
use regex_automata::meta::Regex;
use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Hir, HirKind, Repetition};
use std::ops::Range;
use std::sync::LazyLock;

/// The shortest literal that can lead to a pattern: shorter ones stand on every line.
pub(super) const SHORTEST_LITERAL: usize = 3;

/// How many literals may together lead to one pattern.
const MOST_LITERALS: usize = 64;

/// What a `"` in a pattern stands for.
static QUOTE: LazyLock<Hir> = LazyLock::new(|| fixed(r#"\\{0,3}"|\\{1,2}u0022|&quot;|&#34;"#));

/// What a `'` in a pattern stands for.
static APOSTROPHE: LazyLock<Hir> = LazyLock::new(|| fixed(r"\\{0,3}'|\\{1,2}u0027|&apos;|&#0?39;"));

/// What the `: ` behind the name of an exception stands for: itself, what PHP's loggers put there, and the way to the
/// next member of a JSON object.
static NAMED: LazyLock<Hir> = LazyLock::new(|| {
    let quote = r#"(?:\\{0,3}"|\\{1,2}u0022|&quot;|&#34;)"#;
    fixed(&format!(r"(?:\(code: [0-9]+\))?: |{quote}, ?{quote}[A-Za-z_.]{{1,24}}{quote}: ?{quote}"))
});

/// Behind what a `: ` is [`NAMED`].
const NAMES: [&str; 2] = ["Error", "Exception"];

/// A pattern, ready to be compiled where it is needed.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    hir: Hir,
    text: String,
    /// The only text that it matches as a verifier prints it, if there is only one and no quote in it.
    plain: Option<Vec<u8>>,
    /// Whether it matches `plain` in other forms too.
    is_widened: bool,
}

impl Pattern {
    /// A pattern of the catalogue. Its classes are of ASCII, which is quick to read.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn ascii(source: &str) -> Result<Self, String> {
        Self::read(source, false)
    }

    /// A pattern of a user's.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub(super) fn unicode(source: &str) -> Result<Self, String> {
        Self::read(source, true)
    }

    fn read(source: &str, unicode: bool) -> Result<Self, String> {
        let literal = unescaped(source);
        let hir = match &literal {
            Some(literal) => Hir::literal(literal.as_bytes()),
            None => parse(source, unicode)?,
        };
        let text = shown(&hir);
        let wide = widened(&hir);
        let plain = literal.filter(|literal| !literal.contains(['"', '\'']));
        let is_widened = wide.is_some();
        Ok(Self { text, plain: plain.map(String::into_bytes), is_widened, hir: wide.unwrap_or(hir) })
    }

    /// What reports show: the text with `…` where it varies.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The text that it matches, where that is a fixed one.
    pub(super) fn plain(&self) -> Option<&[u8]> {
        self.plain.as_deref()
    }

    /// Whether [`Pattern::plain`] is all that it matches.
    pub(super) const fn is_plain(&self) -> bool {
        self.plain.is_some() && !self.is_widened
    }

    /// How long a match can be; `None` if there is no limit.
    pub(super) fn longest(&self) -> Option<usize> {
        self.hir.properties().maximum_len()
    }

    /// What stands around a lead in every match, if the lead has one place in the pattern.
    pub(super) fn neighbours(&self, lead: &[u8]) -> Option<Neighbours> {
        let HirKind::Concat(parts) = self.hir.kind() else { return None };
        let literal = |part: &Hir| match part.kind() {
            HirKind::Literal(literal) => Some(literal.0.to_vec()),
            _ => None,
        };
        let places = parts.iter().enumerate().flat_map(|(n, part)| {
            let text = literal(part).unwrap_or_default();
            memmem::find_iter(&text, lead).map(|offset| (n, offset)).collect::<Vec<_>>()
        });
        let [(n, offset)] = *places.collect::<Vec<_>>().as_slice() else { return None };
        let named = |at: usize| parts.get(at).is_some_and(|part| *part == *NAMED);
        let mut behind = Vec::new();
        let mut gap = Gap::Bytes(0);
        for (at, part) in parts.iter().enumerate().skip(n + 1) {
            let properties = part.properties();
            let length = properties.minimum_len().filter(|length| properties.maximum_len() == Some(*length));
            gap = match (literal(part), gap, length) {
                (Some(text), gap, _) => {
                    behind.push((gap, text));
                    Gap::Bytes(0)
                }
                (None, Gap::Bytes(0), _) if named(at) => Gap::Named,
                (None, Gap::Bytes(before), Some(length)) => Gap::Bytes(before + length),
                _ => break,
            };
        }
        let name = n.checked_sub(2).filter(|_| named(n - 1)).and_then(|name| literal(&parts[name]));
        Some(Neighbours { own: literal(&parts[n])?, offset, name, behind })
    }

    /// The pattern as a machine.
    ///
    /// # Errors
    ///
    /// When it is too large.
    pub(super) fn compile(&self) -> Result<Regex, String> {
        let config = Regex::config().utf8_empty(false).nfa_size_limit(Some(1 << 20));
        Regex::builder()
            .configure(config)
            .build_from_hir(&self.hir)
            .map_err(|_| "it is too large; shorten what repeats".to_owned())
    }

    /// Sets of literals; of each set every match holds at least one member.
    pub(super) fn literal_sets(&self) -> Vec<Vec<Vec<u8>>> {
        let mut sets = literal_sets(&self.hir);
        sets.retain(|set| set.len() <= MOST_LITERALS);
        sets
    }
}

/// What stands around a lead in every match of a pattern.
#[derive(Debug)]
pub(super) struct Neighbours {
    /// The literal that holds the lead.
    own: Vec<u8>,
    /// Where in it the lead begins.
    offset: usize,
    /// The name of an exception, and [`NAMED`] before the literal.
    name: Option<Vec<u8>>,
    /// Other literals, each behind a gap, as far as gaps are known.
    behind: Vec<(Gap, Vec<u8>)>,
}

/// What stands between two literals.
#[derive(Clone, Copy, Debug)]
enum Gap {
    /// [`NAMED`].
    Named,
    /// So many bytes.
    Bytes(usize),
}

impl Neighbours {
    /// Whether they may stand around a lead that begins at `at`, as far as `bytes` tell, which are cut from a line. Where it is
    /// not the `: ` of most logs that divides a name and what is said, only its first or last character is looked at.
    pub(super) fn may_stand(&self, bytes: &[u8], at: usize) -> bool {
        if !may_stand(bytes, at, &self.own, self.offset) {
            return false;
        }
        let before = &bytes[..at.saturating_sub(self.offset)];
        let named = self.name.as_ref().is_none_or(|name| match before.strip_suffix(b": ") {
            Some(before) => may_stand(before, before.len(), name, name.len()) || before.ends_with(b")"),
            None => matches!(before, [] | b" " | [.., b'"' | b'2' | b';']),
        });
        if !named {
            return false;
        }
        let mut end = at + self.own.len() - self.offset;
        for (gap, literal) in &self.behind {
            end += match gap {
                Gap::Bytes(length) => *length,
                Gap::Named => match bytes.get(end..) {
                    Some([b':', b' ', ..]) => 2,
                    None | Some([] | b":" | [b'(' | b'"' | b'\\' | b'&', ..]) => return true,
                    Some(_) => return false,
                },
            };
            if !may_stand(bytes, end, literal, 0) {
                return false;
            }
            end += literal.len();
        }
        true
    }

    /// The bytes around a lead that suffice to say that they do not stand there, if few do.
    pub(super) fn refuted_by(&self, line: &[u8], lead: &Range<usize>) -> Option<Range<usize>> {
        const STEP: usize = 8;
        let windows = (1..=STEP).map(|n| lead.start.saturating_sub(n * STEP)..lead.end + n * STEP);
        let mut windows = windows.take_while(|window| window.end <= line.len());
        windows.find(|window| !self.may_stand(&line[window.clone()], lead.start - window.start))
    }
}

/// Whether a text may stand where its byte `offset` is at `at`, as far as `bytes` tell, which are cut from a line.
pub(super) fn may_stand(bytes: &[u8], at: usize, text: &[u8], offset: usize) -> bool {
    let before = offset.min(at);
    let behind = (text.len() - offset).min(bytes.len().saturating_sub(at));
    // What begins behind the end is cut off.
    bytes.get(at - before..at + behind).is_none_or(|there| *there == text[offset - before..offset + behind])
}

/// Whether a text stands in a line at `at`. Its end is compared first, as a number: that tells most texts apart which share
/// what leads to them.
pub(super) fn stands(line: &[u8], at: usize, text: &[u8]) -> bool {
    line.get(at..at + text.len())
        .is_some_and(|there| there.last_chunk::<4>() == text.last_chunk() && there == text)
}

/// How much a set of literals narrows the search: the length of its shortest member.
pub(super) fn shortest(set: &[Vec<u8>]) -> usize {
    set.iter().map(Vec::len).min().unwrap_or(0)
}

/// What a pattern says that is a text with some of its punctuation escaped, as most are: they need no parser.
fn unescaped(source: &str) -> Option<String> {
    let mut text = String::with_capacity(source.len());
    let mut chars = source.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.push(chars.next().filter(char::is_ascii_punctuation)?),
            '.' | '+' | '*' | '?' | '(' | ')' | '|' | '[' | ']' | '{' | '}' | '^' | '$' => return None,
            _ => text.push(c),
        }
    }
    Some(text)
}

fn parse(source: &str, unicode: bool) -> Result<Hir, String> {
    let parsed = ParserBuilder::new().unicode(unicode).utf8(false).build().parse(source);
    parsed.map_err(|error| {
        // The last line of the error's text is the reason; those above draw the pattern.
        let text = error.to_string();
        text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
    })
}

/// A pattern of this file's own.
fn fixed(source: &str) -> Hir {
    parse(source, false).expect("a pattern of the program's own is right")
}

/// The pattern with every quote and every `: ` behind a name as logs may write them, and groups that capture nothing; `None` if
/// it has none of that.
fn widened(hir: &Hir) -> Option<Hir> {
    match hir.kind() {
        HirKind::Literal(literal) => widened_literal(&literal.0).map(Hir::concat),
        HirKind::Capture(capture) => Some(widened(&capture.sub).unwrap_or_else(|| (*capture.sub).clone())),
        HirKind::Repetition(repetition) => widened(&repetition.sub)
            .map(|sub| Hir::repetition(Repetition { sub: Box::new(sub), ..repetition.clone() })),
        HirKind::Concat(parts) => any_widened(parts).map(Hir::concat),
        HirKind::Alternation(parts) => any_widened(parts).map(Hir::alternation),
        HirKind::Empty | HirKind::Class(_) | HirKind::Look(_) => None,
    }
}

fn any_widened(parts: &[Hir]) -> Option<Vec<Hir>> {
    let wide: Vec<_> = parts.iter().map(widened).collect();
    let all = || wide.iter().zip(parts).map(|(wide, part)| wide.as_ref().unwrap_or(part).clone()).collect();
    wide.iter().any(Option::is_some).then(all)
}

fn widened_literal(literal: &[u8]) -> Option<Vec<Hir>> {
    let mut parts = Vec::new();
    let mut plain = 0;
    let mut at = 0;
    while at < literal.len() {
        let behind_name = || NAMES.iter().any(|name| literal[..at].ends_with(name.as_bytes()));
        let (wide, length) = match &literal[at..] {
            [b'"', ..] => (&QUOTE, 1),
            [b'\'', ..] => (&APOSTROPHE, 1),
            [b':', b' ', ..] if behind_name() => (&NAMED, 2),
            _ => {
                at += 1;
                continue;
            }
        };
        parts.push(Hir::literal(&literal[plain..at]));
        parts.push(Hir::clone(wide));
        at += length;
        plain = at;
    }
    if parts.is_empty() {
        return None;
    }
    parts.push(Hir::literal(&literal[plain..]));
    Some(parts)
}

/// The text of a pattern with `…` for all that varies. What may be left out is left out, and so is what only has to stand
/// somewhere before the text.
fn shown(hir: &Hir) -> String {
    let mut text = String::new();
    show(hir, &mut text);
    text.trim_start_matches('…').trim().to_owned()
}

fn show(hir: &Hir, text: &mut String) {
    match hir.kind() {
        HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Capture(capture) => show(&capture.sub, text),
        HirKind::Concat(parts) => parts.iter().for_each(|part| show(part, text)),
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Repetition(optional) if optional.min == 0 && optional.max == Some(1) => {}
        HirKind::Alternation(_) | HirKind::Repetition(_) | HirKind::Class(_) => {
            if !text.ends_with('…') {
                text.push('…');
            }
        }
    }
}

/// See [`Pattern::literal_sets`].
fn literal_sets(hir: &Hir) -> Vec<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Literal(literal) => vec![vec![literal.0.to_vec()]],
        HirKind::Capture(capture) => literal_sets(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => literal_sets(&repetition.sub),
        HirKind::Concat(parts) => parts.iter().flat_map(literal_sets).collect(),
        // Each alternative has a set of its own, and a match holds a member of one of them.
        HirKind::Alternation(parts) => {
            let best = |part: &Hir| literal_sets(part).into_iter().max_by_key(|set| shortest(set));
            let all: Option<Vec<_>> = parts.iter().map(best).collect();
            all.map(|sets| sets.concat()).into_iter().collect()
        }
        HirKind::Repetition(_) | HirKind::Empty | HirKind::Class(_) | HirKind::Look(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(source: &str, text: &str) -> bool {
        Pattern::ascii(source).unwrap().compile().unwrap().is_match(text.as_bytes())
    }

    #[test]
    fn a_quote_stands_for_itself_as_logs_escape_it() {
        for quoted in [r#""aud""#, r#"\"aud\""#, r#"\\\"aud\\\""#, r"\u0022aud\u0022", "&quot;aud&quot;"] {
            assert!(matches(r#"unexpected "aud" claim"#, &format!("unexpected {quoted} claim")), "{quoted}");
        }
        for quoted in ["'kid'", r"\'kid\'", r"\u0027kid\u0027", "&#39;kid&#39;", "&apos;kid&apos;"] {
            assert!(matches("no 'kid' found", &format!("no {quoted} found")), "{quoted}");
        }
        assert!(!matches(r#"unexpected "aud" claim"#, "unexpected aud claim"));
        assert!(matches(r#"no "[^"]+" found"#, r#"no \"the thing\" found"#));
    }

    #[test]
    fn what_an_exception_says_may_stand_in_the_next_member_of_an_object() {
        let source = "TokenExpiredError: jwt expired";
        for text in [
            source,
            r#"{"name":"TokenExpiredError","message":"jwt expired"}"#,
            r#"{"type": "TokenExpiredError", "err.message": "jwt expired"}"#,
            r#"{\"name\":\"TokenExpiredError\",\"message\":\"jwt expired\"}"#,
            "TokenExpiredError(code: 0): jwt expired",
        ] {
            assert!(matches(source, text), "{text}");
        }
        assert!(!matches(source, "TokenExpiredError then jwt expired"));
        assert!(!matches("token: expired", r#""token","message":"expired""#), "token is no exception");
    }

    #[test]
    fn the_text_shown_has_holes_where_the_pattern_varies() {
        for (source, text) in [
            ("jwt expired", "jwt expired"),
            (r"Token expired at \d{4}-\d\d-\d\dT[\d:.]+Z", "Token expired at …-…-…T…Z"),
            (r#"claim "[^"]+" is missing"#, r#"claim "…" is missing"#),
            (r"(?:jwt|token).{0,80}?\bInvalidIssuer\b", "InvalidIssuer"),
            (r"oidc: get keys failed:? ", "oidc: get keys failed"),
            (r"Wrong issuer\. ", "Wrong issuer."),
        ] {
            assert_eq!(Pattern::ascii(source).unwrap().text(), text, "{source}");
        }
    }

    #[test]
    fn every_match_holds_a_literal_of_each_set() {
        let sets = |source| {
            let sets = Pattern::ascii(source).unwrap().literal_sets().into_iter();
            let words = |set: Vec<Vec<u8>>| {
                let words: Vec<String> = set.into_iter().map(|w| String::from_utf8(w).unwrap()).collect();
                words.join("|")
            };
            sets.map(words).collect::<Vec<_>>()
        };
        assert_eq!(sets("jwt expired"), ["jwt expired"]);
        assert_eq!(sets(r"kid \S+ for algorithm "), ["kid ", " for algorithm "]);
        assert_eq!(sets("the aud claim|no aud at all"), ["the aud claim|no aud at all"]);
        assert_eq!(sets("maybe (?:so)? or (?:not)+"), ["maybe ", " or ", "not"]);
        assert_eq!(sets(r"[a-z]+|token"), [] as [&str; 0]);
        assert!(sets(r#"unexpected "aud" claim"#).contains(&"unexpected ".to_owned()));
        assert_eq!(sets("(?i)token"), [] as [&str; 0], "letters of either case are no literal");
    }

    #[test]
    fn a_pattern_that_is_none_says_why() {
        assert_eq!(Pattern::unicode("a)|(b").unwrap_err(), "unopened group");
        assert_eq!(
            Pattern::ascii("[z-a]").unwrap_err(),
            "invalid character class range, the start must be <= the end"
        );
    }
}
