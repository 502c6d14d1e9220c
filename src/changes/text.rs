//! The news in a few lines, for the mail that cron sends and for the terminal.

use unicode_width::UnicodeWidthStr as _;

use super::view::{Told, amount, first, headline, kinds, name, of_it, rate, sentence};
use super::{Counted, News, OutOfBand};
use crate::report::thousands;

/// The news, with a line end.
pub(super) fn render(news: &News, rows: usize) -> String {
    let mut text = headline(news) + "\n";
    let counted = |Counted { item, measure }: &Counted| amount(item, *measure);
    text += &part("new", "new.csv", &news.new, rows, counted);
    text += &part("out of band", "out_of_band.csv", &news.out_of_band, rows, |out: &OutOfBand| {
        let [now, usual, band] = rate(out);
        format!("{now} of all findings, usually {usual} ({band}, {} runs)", out.band.runs)
    });
    text += &part("no longer found", "resolved.csv", &news.resolved, rows, counted);
    if !news.notices.is_empty() {
        text.push('\n');
        let (shown, left) = news.notices.split_at(news.notices.len().min(rows));
        shown.iter().for_each(|notice| text += &format!("{}\n", sentence(notice)));
        if !left.is_empty() {
            text += &format!("… and {} more\n", thousands(left.len() as u64));
        }
    }
    text
}

/// A part under its heading, in columns; nothing of no rows.
fn part<T: Told>(title: &str, file: &str, told: &[T], rows: usize, amount: impl Fn(&T) -> String) -> String {
    if told.is_empty() {
        return String::new();
    }
    let (shown, left) = first(told, rows);
    let cells: Vec<_> = shown
        .into_iter()
        .map(|told| {
            [told.item().kind.title().to_owned(), name(told.item()), of_it(told.item()), amount(told)]
        })
        .collect();
    let widest = |column: usize| cells.iter().map(|row| row[column].width()).max().unwrap_or(0);
    let widths = [widest(0), widest(1), widest(2), 0];
    let mut text = format!("\n{title} ({}):\n", kinds(told));
    for row in &cells {
        let mut line = " ".to_owned();
        for (cell, width) in row.iter().zip(widths).filter(|(cell, width)| *width > 0 || !cell.is_empty()) {
            line += &format!(" {cell}{} ", " ".repeat(width.saturating_sub(cell.width())));
        }
        text += line.trim_end();
        text.push('\n');
    }
    if left > 0 {
        text += &format!("  … and {} more: {file}\n", thousands(left as u64));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::testing::snapshot;

    #[test]
    fn the_news_are_told_in_columns() {
        let before = snapshot(&["verdict - expired 7", "key https://a/,k-1,ES256 - 1234"]);
        let now = snapshot(&[
            "verdict retired stale_kid 51",
            "verdict - expired 8",
            "issuer - expired 1",
            "source logs/a.log - 51",
            "source logs/b.log unreadable 0",
            "live_token jt_0123456789abcdef0123 - 2",
        ]);
        let mut news = News::of(&[before], &now);
        news.accepted = 2;
        news.notices.push("baseline.toml:1: this entry expired".to_owned());
        assert_eq!(
            news.text(4),
            "\
5 new, 1 no longer found, 2 accepted

new (1 verdict, 1 issuer, 2 sources, 1 live token):
  verdict     stale_kid                retired  51 times, 51 tokens
  issuer      (none)                   expired  1 time, 1 token
  source      logs/a.log                        51 findings
  live token  jt_0123456789abcdef0123           2 times
  … and 1 more: new.csv

no longer found (1 key):
  key  https://a/,k-1,ES256  1,234 times, 1,234 tokens

baseline.toml:1: this entry expired
"
        );
    }

    #[test]
    fn a_rate_is_told_with_what_is_usual() {
        let night = |expired: u64| {
            snapshot(&[
                &format!("verdict expired expired {expired}"),
                &format!("verdict - valid {}", 1000 - expired),
            ])
        };
        let news = News::of(&vec![night(20); 9], &night(100));
        assert_eq!(
            news.text(4),
            "\
1 rate out of band

out of band (1 verdict):
  verdict  expired  expired  10.00 % of all findings, usually 2.00 % (0.43 % to 3.57 %, 9 runs)
"
        );
    }

    #[test]
    fn no_news_are_told_in_a_line() {
        assert_eq!(News::default().text(4), "nothing new\n");
    }

    #[test]
    fn what_a_name_says_is_neither_run_nor_obeyed() {
        let mut now = snapshot(&["issuer x expired 1"]);
        let (mut item, measure) = now.pop_first().unwrap();
        item.name = format!("\u{1b}[2J\u{202e}eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl{}", "é".repeat(500));
        now.insert(item, measure);
        let text = News::of(&[snapshot(&[])], &now).text(4);
        let line = text.lines().nth(3).unwrap();
        assert!(line.starts_with("  issuer  \\x1b[2J\\u{202e}eyJ***"), "{line}");
        assert!(line.contains('…') && line.len() < 300, "{line}");
    }
}
