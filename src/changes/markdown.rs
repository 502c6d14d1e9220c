//! `changes.md`: what is new first, then what is out of its band, then what is no longer found; to be pasted, or sent.
//!
//! Invariant: as in `summary.md`, text from outside stands in code spans only.

use std::fmt::Write as _;

use super::view::{Told, first, headline, kinds, name, of_it, rate, sentence};
use super::{Counted, Kind, News, OutOfBand};
use crate::report::{code_in_table, prose, thousands};

/// Rows of each part: with all headings, 60 lines at most.
const NEW_ROWS: usize = 18;
const OUT_ROWS: usize = 6;
const RESOLVED_ROWS: usize = 6;
const NOTICES: usize = 4;

/// The file.
pub(super) fn render(news: &News) -> String {
    let mut text = format!("# jwtriage: {}\n", headline(news));
    let counted = |Counted { item, measure }: &Counted| {
        let tokens = match item.kind {
            Kind::Source => String::new(),
            _ => thousands(measure.distinct_tokens),
        };
        vec![thousands(measure.occurrences), tokens]
    };
    text += &part("New", "new.csv", &["occurrences", "tokens"], &news.new, NEW_ROWS, counted);
    let columns = ["occurrences", "of all findings", "usually", "band"];
    text +=
        &part("Out of band", "out_of_band.csv", &columns, &news.out_of_band, OUT_ROWS, |out: &OutOfBand| {
            let mut cells = vec![thousands(out.occurrences)];
            cells.extend(rate(out));
            cells
        });
    text += &part(
        "No longer found",
        "resolved.csv",
        &["occurrences", "tokens"],
        &news.resolved,
        RESOLVED_ROWS,
        counted,
    );
    if !news.notices.is_empty() {
        text += "\n## Notices\n\n";
        for notice in news.notices.iter().take(NOTICES) {
            let _ = writeln!(text, "- {}", prose(&sentence(notice)));
        }
        if let Some(left) = news.notices.len().checked_sub(NOTICES + 1) {
            let _ = writeln!(text, "- … and {} more.", thousands(left as u64 + 1));
        }
    }
    text
}

/// A table under a heading; nothing of no rows.
fn part<T: Told>(
    title: &str,
    file: &str,
    numbers: &[&str],
    told: &[T],
    rows: usize,
    cells: impl Fn(&T) -> Vec<String>,
) -> String {
    if told.is_empty() {
        return String::new();
    }
    let mut text = format!("\n## {title}: {}\n\n| what | name | of it |", kinds(told));
    numbers.iter().for_each(|column| text += &format!(" {column} |"));
    text += "\n| --- | --- | --- |";
    numbers.iter().for_each(|_| text += " ---: |");
    text.push('\n');
    let (shown, left) = first(told, rows);
    for told in shown {
        let item = told.item();
        let mut row = vec![item.kind.title().to_owned()];
        row.extend([name(item), of_it(item)].iter().map(|text| code_in_table(text)));
        row.extend(cells(told));
        text.push('|');
        row.iter().for_each(|cell| text += &format!(" {cell}{}|", if cell.is_empty() { "" } else { " " }));
        text.push('\n');
    }
    if left > 0 {
        let _ = writeln!(text, "\n… and {} more in `{file}`.", thousands(left as u64));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::Snapshot;
    use crate::changes::testing::{any_snapshot, snapshot};
    use proptest::prelude::*;

    #[test]
    fn what_is_new_comes_first() {
        let night = |expired: u64, more: &[&str]| {
            let mut items = vec![format!("verdict - expired {expired}"), "verdict - valid 1000".to_owned()];
            items.extend(more.iter().map(|item| (*item).to_owned()));
            snapshot(&items.iter().map(String::as_str).collect::<Vec<_>>())
        };
        let history = vec![night(10, &["key a,k-1,ES256 - 5"]); 9];
        let mut news = News::of(&history, &night(100, &["source logs/a|b.log - 7", "audience - expired 1"]));
        news.notices.push("baseline.toml:1: this entry expired on 2026-06-30".to_owned());
        assert_eq!(
            news.markdown(),
            "\
# jwtriage: 2 new, 1 no longer found, 1 rate out of band

## New: 1 audience, 1 source

| what | name | of it | occurrences | tokens |
| --- | --- | --- | ---: | ---: |
| audience | `(none)` | `expired` | 1 | 1 |
| source | <code>logs&#47;a&#124;b&#46;log</code> | | 7 | |

## Out of band: 1 verdict

| what | name | of it | occurrences | of all findings | usually | band |
| --- | --- | --- | ---: | ---: | ---: | ---: |
| verdict | `expired` | | 100 | 9.09 % | 0.99 % | 0.00 % to 2.04 % |

## No longer found: 1 key

| what | name | of it | occurrences | tokens |
| --- | --- | --- | ---: | ---: |
| key | `a,k-1,ES256` | | 5 | 5 |

## Notices

- `baseline.toml:1`: this entry expired on `2026-06-30`
"
        );
    }

    #[test]
    fn it_has_60_lines_at_most() {
        let many = |kind: &str, n: usize| (0..n).map(|n| format!("{kind} {n} expired 9")).collect::<Vec<_>>();
        let run = |items: Vec<String>| snapshot(&items.iter().map(String::as_str).collect::<Vec<_>>());
        let mut news = News::of(&[run(many("issuer", 300))], &run(many("audience", 300)));
        let usual: Vec<_> = vec![run(many("verdict", 99)); 7];
        let mut late = many("verdict", 99);
        late.iter_mut().step_by(2).for_each(|item| *item += "99");
        news.out_of_band = News::of(&usual, &run(late)).out_of_band;
        news.notices = vec!["a".to_owned(); 9];
        assert!(news.out_of_band.len() > OUT_ROWS);
        let text = news.markdown();
        assert!(text.contains("… and 282 more in `new.csv`.") && text.contains("- … and 5 more."), "{text}");
        assert!(text.lines().count() <= 60, "{}", text.lines().count());
    }

    proptest! {
        #[test]
        fn text_from_outside_stands_in_code(name in "[\\PC\u{1b}]{1,40}", now in any_snapshot()) {
            let before = Snapshot::new();
            let mut now = now;
            let (mut item, measure) = snapshot(&["issuer x expired 1000"]).pop_first().unwrap();
            item.name = format!("<img src=x onerror=alert(1)>|{name}\n@team");
            now.insert(item, measure);
            let text = News::of(&[before], &now).markdown();
            let line = text.lines().find(|line| line.contains("onerror"));
            let line = line.unwrap_or_else(|| panic!("one line: {text}"));
            prop_assert!(line.starts_with("| issuer | <code>&#60;img") && line.ends_with("| `expired` | 1,000 | 1,000 |"), "{}", line);
            let is_harmless = !text.contains("<img") && !text.contains('\u{1b}') && !text.contains("\n@team");
            prop_assert!(is_harmless, "{}", text);
        }
    }
}
