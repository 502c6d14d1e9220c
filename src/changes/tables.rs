//! The news as files: `new.csv`, `resolved.csv`, `out_of_band.csv` and `changes.md`.
//!
//! The tables are written as those of a report are. Their rows are in the order of kinds (verdict, key, issuer, audience, source, live
//! token), then of names and verdicts.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;

use super::view::millionths;
use super::{Counted, Item, Kind, News, OutOfBand};
use crate::error::{Error, Result};
use crate::report::{Cell, Lines, Millionths};

/// The columns of `new.csv` and `resolved.csv`.
const COUNTED: [&str; 5] = ["kind", "name", "verdict", "occurrences", "distinct_tokens"];
/// The columns of `out_of_band.csv`. Rates are shares of all findings, as in `summary.csv`.
const OUT_OF_BAND: [&str; 9] = [
    "kind",
    "name",
    "verdict",
    "occurrences",
    "share",
    "usual_share",
    "lowest_share",
    "highest_share",
    "runs",
];

/// Writes all files into a directory that has none of them.
pub(super) fn write(news: &News, dir: &Path) -> Result<()> {
    for (name, content) in [
        ("new.csv", counted(&news.new)),
        ("resolved.csv", counted(&news.resolved)),
        ("out_of_band.csv", out_of_band(&news.out_of_band)),
        ("changes.md", news.markdown().into_bytes()),
    ] {
        let path = dir.join(name);
        let written = File::create_new(&path).and_then(|mut file| file.write_all(&content));
        written.map_err(|error| Error::new(format!("cannot write \"{}\": {error}", path.display())))?;
    }
    Ok(())
}

fn counted(rows: &[Counted]) -> Vec<u8> {
    let mut lines = Lines::default();
    lines.header(COUNTED);
    for Counted { item, measure } in rows {
        begin(&mut lines, item);
        lines.number(measure.occurrences);
        match item.kind {
            // Nobody counts their tokens.
            Kind::Source => lines.word(""),
            _ => lines.number(measure.distinct_tokens),
        }
        lines.end();
    }
    lines.into_bytes()
}

fn out_of_band(rows: &[OutOfBand]) -> Vec<u8> {
    let mut lines = Lines::default();
    lines.header(OUT_OF_BAND);
    for out in rows {
        let (low, high) = out.band.limits(out.findings);
        begin(&mut lines, &out.item);
        lines.number(out.occurrences);
        lines.shown(Millionths::of(out.occurrences, out.findings));
        for rate in [out.band.median, low, high] {
            lines.shown(Millionths::of(millionths(rate), 1_000_000));
        }
        lines.number(out.band.runs as u64);
        lines.end();
    }
    lines.into_bytes()
}

fn begin(lines: &mut Lines, item: &Item) {
    lines.word(item.kind.as_str());
    lines.text(Cell::text(&*item.name).as_str());
    lines.text(Cell::text(&*item.verdict).as_str());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::changes::testing::snapshot;
    use std::fs;

    fn file(news: &News, name: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        news.write(dir.path()).unwrap();
        fs::read_to_string(dir.path().join(name)).unwrap()
    }

    #[test]
    fn each_part_has_its_table() {
        let night =
            |expired: u64| snapshot(&[&format!("verdict - expired {expired}"), "verdict - valid 1000"]);
        let mut history = vec![night(10); 9];
        history[8].append(&mut snapshot(&["key =a,k-1,ES256 - 5"]));
        let mut now = night(100);
        now.append(&mut snapshot(&["issuer =1+1 expired 3", "source logs/a.log - 7"]));
        let news = News::of(&history, &now);
        assert_eq!(
            file(&news, "new.csv"),
            "kind,name,verdict,occurrences,distinct_tokens\nissuer,'=1+1,expired,3,3\nsource,logs/a.log,,7,\n"
        );
        assert_eq!(
            file(&news, "resolved.csv"),
            "kind,name,verdict,occurrences,distinct_tokens\nkey,\"'=a,k-1,ES256\",,5,5\n"
        );
        assert_eq!(
            file(&news, "out_of_band.csv"),
            "kind,name,verdict,occurrences,share,usual_share,lowest_share,highest_share,runs\n\
             verdict,,expired,100,0.090909,0.009901,0.000000,0.020402,9\n"
        );
        assert!(file(&news, "changes.md").starts_with("# jwtriage: 2 new"));
    }

    #[test]
    fn nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("changes.md"), "mine").unwrap();
        let error = News::default().write(dir.path()).unwrap_err().to_string();
        assert!(error.starts_with("cannot write \"") && error.contains("changes.md\": "), "{error}");
        assert_eq!(fs::read_to_string(dir.path().join("changes.md")).unwrap(), "mine");
    }
}
