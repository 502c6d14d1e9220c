//! Access logs state their time in a bracket behind the columns about the client.

use super::cursor::Cursor;
use super::format::TimeFormat;
use super::stamp::{self, Stamp};

/// How far into a line the bracket may start: long lists of forwarding proxies stand before it.
const FURTHEST: usize = 1024;

/// How many brackets are tried.
const BRACKETS: usize = 16;

/// The stamp that fills a bracket outside of quotes, behind a blank. `[12/Jun/2026:01:02:03 +0000]` counts whatever
/// stands before it; other shapes only where the line starts with an address or a bracket, because messages have them
/// too.
pub(super) fn bracketed(line: &[u8]) -> Option<Stamp<'_>> {
    let head = &line[..line.len().min(FURTHEST)];
    let starts_with_client = matches!(head.first(), Some(b'0'..=b'9' | b'['));
    let mut quotes = 0;
    let mut counted = 0;
    for open in memchr::memchr_iter(b'[', head).take(BRACKETS) {
        quotes += memchr::memchr_iter(b'"', &head[counted..open]).count();
        counted = open;
        let outside = quotes % 2 == 0 && (open == 0 || matches!(head[open - 1], b' ' | b'\t'));
        let mut cursor = Cursor::new(line, open + 1);
        if outside
            && let Some(found) = stamp::stamp(&mut cursor)
            && cursor.peek() == b']'
            && (found.format == TimeFormat::Clf || starts_with_client)
        {
            return Some(found);
        }
    }
    None
}
