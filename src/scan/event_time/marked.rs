//! Lines whose first byte says what they are: `#` comments, `=====` banners, TAI64N labels, journald's export.

use super::LineTime;
use super::cursor::Cursor;
use super::epoch;
use super::format::TimeFormat;
use super::head;
use super::instant::When;
use super::rules::TimeRules;
use super::stamp::{self, Stamp};
use super::w3c;

/// How far into a banner its time may stand.
const BANNER_LENGTH: usize = 128;

/// A line that starts with `#`: a shell's history, MySQL's `# Time:`, a W3C log's `#Date:` (which is in UTC).
pub(super) fn comment(line: &[u8], rules: &TimeRules) -> Option<LineTime> {
    if let Some(rest) = line.strip_prefix(b"# Time: ") {
        return head::settled(stamp::stamp(&mut Cursor::new(rest, 0))?, rules);
    }
    if let Some(found) = w3c::of_date_directive(line, 0).or_else(|| zeek_directive(line, rules)) {
        return Some(found);
    }
    let mut cursor = Cursor::new(line, 1);
    cursor.eat(b'+');
    let (at, _) = epoch::number(&mut cursor, Some(epoch::Unit::Seconds))?;
    cursor.rest().trim_ascii().is_empty().then_some(LineTime { at, format: TimeFormat::ShellHistory })
}

/// Zeek's `#open` and `#close`: `2026-06-12-01-02-03`, in the zone of its host.
fn zeek_directive(line: &[u8], rules: &TimeRules) -> Option<LineTime> {
    let value = line.strip_prefix(b"#open\t").or_else(|| line.strip_prefix(b"#close\t"))?.trim_ascii();
    let mut colons = <[u8; 19]>::try_from(value).ok()?;
    for at in [13, 16] {
        colons[at] = if colons[at] == b'-' { b':' } else { return None };
    }
    head::settled(stamp::stamp(&mut Cursor::new(&colons, 0))?, rules)
}

/// `===== Start of system state dump at Thu Jun 2 00:01:01 UTC 2022 =====`.
pub(super) fn banner(line: &[u8]) -> Option<Stamp<'_>> {
    let head = &line[..line.len().min(BANNER_LENGTH)];
    if !head.starts_with(b"=====") {
        return None;
    }
    let at = memchr::memmem::find(head, b" at ")?;
    stamp::stamp(&mut Cursor::new(line, at + 4)).filter(|found| found.format == TimeFormat::Ctime)
}

/// daemontools' label: 2^62 and ten seconds above the epoch, then nanoseconds, in hexadecimal.
pub(super) fn tai64n(line: &[u8]) -> Option<Stamp<'_>> {
    let digits = line.get(1..25)?;
    if line.get(25).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let hex = |digits: &[u8]| {
        digits
            .iter()
            .try_fold(0_u64, |value, &digit| Some(value << 4 | u64::from(char::from(digit).to_digit(16)?)))
    };
    let seconds = hex(&digits[..16])?.checked_sub((1 << 62) + 10)?;
    let nanos = hex(&digits[16..])?;
    if nanos > 999_999_999 {
        return None;
    }
    let at = epoch::from_parts(i64::try_from(seconds).ok()?, Some(nanos as i64))?;
    Some(Stamp { when: When::Instant(at), format: TimeFormat::Tai64n })
}

pub(super) fn journald_export(line: &[u8]) -> Option<Stamp<'_>> {
    let mut cursor = Cursor::new(line.strip_prefix(b"__REALTIME_TIMESTAMP=")?, 0);
    let (at, _) = epoch::number(&mut cursor, Some(epoch::Unit::Micros))?;
    let found = Stamp { when: When::Instant(at), format: TimeFormat::JournaldExport };
    cursor.rest().trim_ascii().is_empty().then_some(found)
}
