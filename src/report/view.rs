//! Rows → a table to look at: some of the columns, the most telling rows, cut to what a page may hold.
//!
//! A table has at most so many rows and so many bytes, whoever wrote what is in it, and tells how many rows there are
//! more and in which file they all are. Numbers are those of the file.

use super::rows::Row;
use super::value::{Kind, Value};

/// Characters of a text that a table shows: as many as a claim may have in the files. Sources and errors may be longer.
const MAX_CHARS: usize = 256;

/// What a row costs beside its text: its tags.
const ROW_COST: usize = 60;
const CELL_COST: usize = 40;

/// A table to look at.
pub(super) struct Table {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Shown>>,
    /// Rows of the file that are not here.
    pub(super) more: u64,
    /// The file that has all rows.
    pub(super) file: &'static str,
}

/// A column.
#[derive(Clone, Copy)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

impl Column {
    /// Whether it holds numbers.
    pub(super) fn is_number(self) -> bool {
        self.kind == Kind::Number
    }

    /// The name as a person writes it: what is counted is distinct, or it is occurrences.
    pub(super) fn title(self) -> String {
        self.name.strip_prefix("distinct_").unwrap_or(self.name).replace('_', " ")
    }
}

/// A cell as it is shown.
pub(super) struct Shown {
    pub(super) text: String,
    pub(super) column: Column,
}

/// What a table may hold.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    pub(super) rows: usize,
    /// Bytes, as they are when every special character of HTML is escaped.
    pub(super) bytes: usize,
}

/// The rows with the smallest keys as a table with these columns. Of equal keys, what comes first in the file does.
pub(super) fn table<R: Row, K: Ord>(
    file: &'static str,
    columns: &[&'static str],
    rows: impl IntoIterator<Item = R>,
    key: impl Fn(&R) -> K,
    limits: Limits,
) -> Table {
    First::of(columns, rows, key, limits.rows).into_table::<R>(file, columns, limits)
}

/// The rows with the smallest keys, in order, and how many rows there are.
pub(super) struct First<K> {
    rows: Vec<(K, Vec<Shown>)>,
    total: u64,
}

impl<K: Ord> First<K> {
    /// None of none.
    pub(super) const fn none() -> Self {
        Self { rows: Vec::new(), total: 0 }
    }

    /// The first `most` of these rows.
    pub(super) fn of<R: Row>(
        columns: &[&'static str],
        rows: impl IntoIterator<Item = R>,
        key: impl Fn(&R) -> K,
        most: usize,
    ) -> Self {
        let (first, total) = smallest(rows, &key, most);
        let columns = columns_of::<R>(columns);
        let cells = |row: &R| {
            let values = row.values();
            columns.iter().map(|&(place, column)| Shown { text: show(&values[place]), column }).collect()
        };
        Self { rows: first.iter().map(|row| (key(row), cells(row))).collect(), total }
    }

    /// The first `most` of these and of others that come behind them.
    pub(super) fn merge(&mut self, behind: Self, most: usize) {
        self.total += behind.total;
        self.rows.extend(behind.rows);
        self.rows.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.rows.truncate(most);
    }

    /// As a table; of rows with these columns.
    pub(super) fn into_table<R: Row>(
        self,
        file: &'static str,
        columns: &[&'static str],
        limits: Limits,
    ) -> Table {
        let mut left = limits.bytes;
        let mut rows = Vec::new();
        for (_, cells) in self.rows {
            let cost = ROW_COST + cells.iter().map(|cell| CELL_COST + cost(&cell.text)).sum::<usize>();
            if cost > left {
                break;
            }
            left -= cost;
            rows.push(cells);
        }
        let columns = columns_of::<R>(columns).into_iter().map(|(_, column)| column).collect();
        Table { more: self.total - rows.len() as u64, columns, rows, file }
    }
}

/// These columns, and where they are in a row.
fn columns_of<R: Row>(columns: &[&'static str]) -> Vec<(usize, Column)> {
    let place = |name: &&'static str| R::COLUMNS.iter().position(|column| column == name);
    let column = |place| (place, Column { name: R::COLUMNS[place], kind: R::KINDS[place] });
    columns.iter().filter_map(place).map(column).collect()
}

/// The first `most` rows in order of their keys, and how many rows there were.
fn smallest<R, K: Ord>(
    rows: impl IntoIterator<Item = R>,
    key: impl Fn(&R) -> K,
    most: usize,
) -> (Vec<R>, u64) {
    let mut kept = Vec::new();
    let mut total = 0;
    for row in rows {
        total += 1;
        kept.push((key(&row), row));
        // Twice as many as are wanted before they are sorted out: there may be millions.
        if kept.len() >= 2 * most.max(1) {
            kept.sort_by(|(a, _), (b, _)| a.cmp(b));
            kept.truncate(most);
        }
    }
    kept.sort_by(|(a, _), (b, _)| a.cmp(b));
    kept.truncate(most);
    (kept.into_iter().map(|(_, row)| row).collect(), total)
}

/// The bytes of a text in HTML.
fn cost(text: &str) -> usize {
    text.chars().map(|c| if "<>&\"'".contains(c) { 6 } else { c.len_utf8() }).sum()
}

/// A value as people read it.
pub(super) fn show(value: &Value<'_>) -> String {
    match value {
        Value::Nothing => String::new(),
        Value::Text(text) => short(text, MAX_CHARS),
        Value::Count(count) => thousands(*count),
        Value::Number(number) if *number < 0 => format!("-{}", thousands(number.unsigned_abs())),
        Value::Number(number) => thousands(number.unsigned_abs()),
        Value::Share(share) => percent(share.get()),
        Value::Time(time) => time.to_string(),
        Value::List(list) => short(&list.join(", "), MAX_CHARS),
    }
}

/// The text, or as much of its beginning as so many characters are, and `…`.
pub(crate) fn short(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Millionths as a percentage with two digits: rounded, but neither up to all nor down to nothing.
pub(crate) fn percent(millionths: u64) -> String {
    match millionths {
        1..50 => "< 0.01 %".to_owned(),
        999_950..1_000_000 => "> 99.99 %".to_owned(),
        _ => {
            let hundredths = (millionths + 50) / 100;
            format!("{}.{:02} %", hundredths / 100, hundredths % 100)
        }
    }
}

/// The number with a comma between each three digits.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// `1 source`, `12,345 sources`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", thousands(count), if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::cell::Cell;
    use crate::report::rows::{GroupRow, Millionths};

    fn rows(count: u64, value: &str) -> impl Iterator<Item = GroupRow<'_>> {
        (0..count).map(move |n| GroupRow {
            name: Cell::text("path"),
            value: Cell::text(value),
            verdict: "expired",
            occurrences: n * 1000,
            distinct_tokens: n,
            first_seen: None,
            last_seen: None,
        })
    }

    fn shown(count: u64, value: &str, limits: Limits) -> Table {
        let key = |row: &GroupRow<'_>| std::cmp::Reverse(row.occurrences);
        table("groups.csv", &["occurrences", "value"], rows(count, value), key, limits)
    }

    #[test]
    fn a_table_shows_the_first_rows_in_order_and_tells_how_many_are_left() {
        let limits = Limits { rows: 3, bytes: 100_000 };
        let table = shown(5000, "/a", limits);
        let numbers: Vec<_> = table.rows.iter().map(|row| &*row[0].text).collect();
        assert_eq!(numbers, ["4,999,000", "4,998,000", "4,997,000"]);
        assert_eq!(table.more, 4997);
        assert_eq!(shown(2, "/a", limits).more, 0);
    }

    #[test]
    fn a_table_ends_before_it_is_too_large_whatever_the_text_is() {
        let limits = Limits { rows: 500, bytes: 10_000 };
        let table = shown(500, &"<".repeat(10_000), limits);
        assert_eq!(table.rows.len(), 10_000 / (ROW_COST + 2 * CELL_COST + 7 + 256 * 6 + 3));
        assert_eq!(table.more, 500 - table.rows.len() as u64);
    }

    #[test]
    fn a_share_is_neither_rounded_to_all_nor_to_nothing() {
        let shown = |part, whole| show(&Value::Share(Millionths::of(part, whole)));
        assert_eq!(shown(1, 3), "33.33 %");
        assert_eq!(shown(1, 1), "100.00 %");
        assert_eq!(shown(0, 1), "0.00 %");
        assert_eq!(shown(1, 1_000_000), "< 0.01 %");
        assert_eq!(shown(999_999, 1_000_000), "> 99.99 %");
    }
}
