//! The reports that people and programs read as a whole: `report.json`, `summary.md` and `report.html` of the cases below
//! `testdata/`. Every number in them is the CSV files', and nothing in them but text is what somebody wrote into a log.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use scraper::{Html, Selector};
use serde_json::Value;

use crate::support::{self, jwtriage, line, token};

/// Cases that differ in what is there: a policy, none, hostile claims, damaged sources, nothing at all.
const CASES: [&str; 6] = ["incident", "formulas", "live", "no-policy", "damaged", "empty"];

/// The files of a case in every format.
fn report(case: &str) -> BTreeMap<String, Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let args = fs::read_to_string(root.join(format!("testdata/expected/{case}.args"))).unwrap();
    let out = tempfile::tempdir().unwrap();
    let out = out.path().join("report");
    let now: &[&str] = if args.contains("--now") { &[] } else { &["--now", "2026-06-12T09:00:00Z"] };
    let done = jwtriage(root)
        .args(args.lines())
        .args(["--format", "all", "--quiet", "--out"])
        .arg(&out)
        .args(now)
        .output();
    assert!(matches!(done.unwrap().status.code(), Some(0 | 1 | 3)), "{case}");
    support::files(&out)
}

fn text(files: &BTreeMap<String, Vec<u8>>, name: &str) -> String {
    String::from_utf8(files[name].clone()).unwrap()
}

/// A report of one log, in every format.
fn report_of(log: &str) -> BTreeMap<String, Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("app.log"), log).unwrap();
    jwtriage(dir.path())
        .args(["scan", "app.log", "--quiet", "--out", "report", "--format", "all"])
        .assert()
        .success();
    support::files(&dir.path().join("report"))
}

/// A cell of a CSV file as a number, if it is one.
fn digits(text: &str) -> Option<String> {
    let text = text.trim_start_matches('\'').replace(',', "");
    text.parse::<i64>().is_ok().then_some(text)
}

fn select(selector: &str) -> Selector {
    Selector::parse(selector).unwrap()
}

#[test]
fn every_report_json_is_what_its_schema_says() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/report.schema.json");
    let schema: Value = serde_json::from_slice(&fs::read(schema).unwrap()).unwrap();
    assert!(jsonschema::draft202012::meta::is_valid(&schema));
    let validator = jsonschema::draft202012::options().should_validate_formats(true).build(&schema).unwrap();
    for case in CASES {
        let report: Value = serde_json::from_slice(&report(case)["report.json"]).unwrap();
        let errors: Vec<_> = validator
            .iter_errors(&report)
            .take(3)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{case}: {errors:?}");
        let mut wrong = report;
        wrong["tokens"] = serde_json::json!([{ "fingerprint": "eyJhbGciOiJub25lIn0" }]);
        assert!(!validator.is_valid(&wrong), "the schema refuses something");
    }
}

#[test]
fn report_json_has_the_rows_of_the_csv_files() {
    for case in CASES {
        let files = report(case);
        let report: Value = serde_json::from_slice(&files["report.json"]).unwrap();
        for (name, csv) in files.iter().filter_map(|(name, csv)| Some((name.strip_suffix(".csv")?, csv))) {
            // Findings one by one are in their own file alone.
            if name == "occurrences" {
                continue;
            }
            let rows = support::rows(csv);
            let objects = report[name].as_array().unwrap();
            assert_eq!(rows.len(), objects.len(), "{case}: {name}");
            for (row, object) in rows.iter().zip(objects) {
                for (column, cell) in row {
                    let member = column
                        .strip_prefix("claim.")
                        .map_or(&object[column], |claim| &object["claims"][claim]);
                    let shown = match member {
                        Value::Null => String::new(),
                        Value::Array(list) => {
                            list.iter().map(|item| item.as_str().unwrap()).collect::<Vec<_>>().join(";")
                        }
                        Value::Number(number) if column == "share" => {
                            format!("{:.6}", number.as_f64().unwrap())
                        }
                        Value::String(text) => text.clone(),
                        other => other.to_string(),
                    };
                    let unquoted = cell.strip_prefix('\'').unwrap_or(cell);
                    assert!(
                        *cell == shown || unquoted == shown,
                        "{case}: {name}.{column}: {cell} and {shown}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_row_of_report_html_is_a_row_of_the_csv_files() {
    let (table, column, row, cell) =
        (select("table.sortable"), select("thead th"), select("tbody tr"), select("th, td"));
    for case in CASES {
        let files = report(case);
        let page = Html::parse_document(&text(&files, "report.html"));
        let mut seen = 0;
        for table in page.select(&table) {
            let file = table.attr("data-file").unwrap();
            let columns: Vec<_> = table.select(&column).map(|th| th.attr("data-column").unwrap()).collect();
            // As people read them: the quote against formulas is gone, `;` is `, `, and times have no letters.
            let shown = |column: &str, text: &str| match column {
                "share" => String::new(),
                _ => digits(text).unwrap_or_else(|| {
                    text.trim_start_matches('\'')
                        .replace(';', ", ")
                        .replace('T', " ")
                        .trim_end_matches('Z')
                        .to_owned()
                }),
            };
            let rows: BTreeSet<Vec<String>> = support::rows(&files[file])
                .iter()
                .map(|row| columns.iter().map(|column| shown(column, &row[*column])).collect())
                .collect();
            for tr in table.select(&row) {
                let cells: Vec<String> = tr
                    .select(&cell)
                    .zip(&columns)
                    .map(|(cell, column)| {
                        let text: String = cell.text().collect();
                        let is_none = cell.value().name() == "th" && text == "none";
                        if is_none { String::new() } else { shown(column, &text) }
                    })
                    .collect();
                assert!(rows.contains(&cells), "{case}: {file} has no row {cells:?}");
                seen += 1;
            }
        }
        assert!(seen > 5 || case == "empty", "{case}: {seen} rows");
    }
}

#[test]
fn every_number_of_the_tables_of_summary_md_is_in_the_csv_files() {
    for (title, file) in
        [("## Failures", "summary.csv"), ("## Keys", "keys.csv"), ("## Sources", "sources.csv")]
    {
        let files = report("incident");
        let markdown = text(&files, "summary.md");
        let section = markdown.split(title).nth(1).unwrap().split("\n## ").next().unwrap();
        let mut lines = section.lines().filter(|line| line.starts_with('|'));
        let head: Vec<_> = lines.next().unwrap().split('|').map(str::trim).collect();
        let csv = support::rows(&files[file]);
        let known = |title: &str, row: &BTreeMap<String, String>| {
            row.iter()
                .find(|(column, _)| column.trim_start_matches("distinct_").replace('_', " ") == title)
                .map(|(_, cell)| cell.clone())
        };
        let lines: Vec<_> = lines.skip(1).collect();
        assert!(lines.len() > 5, "{title}");
        for line in lines {
            let cells: Vec<_> =
                line.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect();
            let is_row = |row: &BTreeMap<String, String>| {
                head.iter().zip(&cells).filter(|(title, _)| !title.is_empty() && **title != "share").all(
                    |(title, cell)| {
                        known(title, row).is_some_and(|known| {
                            known == *cell || digits(cell).is_some_and(|cell| cell == known)
                        })
                    },
                )
            };
            assert!(csv.iter().any(is_row), "{file}: {line}");
        }
    }
}

#[test]
fn the_page_is_accessible_without_colour_pointer_or_script() {
    let page = Html::parse_document(&text(&report("incident"), "report.html"));
    let all = |selector: &str| page.select(&select(selector)).collect::<Vec<_>>();
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    assert_eq!(all("html[lang]").len(), 1);
    assert_eq!(all("h1").len(), 1);
    assert_eq!(all("main").len(), 1);
    assert!(all("thead th:not([scope=col]), tbody th:not([scope=row])").is_empty());
    for picture in all("svg:not([aria-hidden])") {
        let names = picture.attr("aria-labelledby").unwrap();
        assert_eq!(picture.attr("role"), Some("img"));
        for name in names.split(' ') {
            assert_eq!(all(&format!("#{name}")).len(), 1, "{name}");
        }
    }
    assert_eq!(all("svg:not([aria-hidden]) > title").len(), 2);
    assert!(all(".scroll:not([tabindex='0'])").is_empty());
    for link in all("a[href^='#']") {
        assert_eq!(all(link.attr("href").unwrap()).len(), 1, "{:?}", link.attr("href"));
    }
    let ids: Vec<_> = all("[id]").iter().filter_map(|element| element.attr("id")).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "every id is there once");
    assert!(
        all("[style], [onclick], img, iframe, object, link:not([href='data:,']), script[src]").is_empty()
    );
}

#[test]
fn what_a_log_holds_is_text_on_the_page_and_code_in_the_summary() {
    let hostile = [
        "<script>alert(1)</script>",
        "\\\"><img src=x onerror=alert(1)>",
        "](javascript:alert(1))",
        "=cmd()|'/c calc'!A1",
        "\\u001b[31mred",
        "\\u202etxt.exe",
        "a|b`c``d\\\\|e",
        "@everyone #1 :bug: $x$",
    ];
    let log: String = hostile
        .iter()
        .map(|value| {
            let header = format!(r#"{{"alg":"ES256","kid":"{value}"}}"#);
            line(&token(
                &header,
                &format!(r#"{{"iss":"{value}","aud":"{value}","azp":"{value}","exp":1781222400}}"#),
                64,
            ))
        })
        .collect();
    let files = report_of(&log);
    let html = text(&files, "report.html");
    let page = Html::parse_document(&html);
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    assert_eq!(page.select(&select("script")).count(), 1);
    assert_eq!(page.select(&select("img, [onerror]")).count(), 0);
    assert!(page.select(&select("a")).all(|link| link.attr("href").unwrap().starts_with('#')));
    let shown: String = page.root_element().text().collect();
    for value in [
        "<script>alert(1)</script>",
        "](javascript:alert(1))",
        "=cmd()|'/c calc'!A1",
        "\\x1b[31mred",
        "\\u{202e}txt.exe",
    ] {
        assert!(shown.contains(value), "{value}");
    }
    let markdown = text(&files, "summary.md");
    // What is left when code is taken away holds nothing of it.
    let prose = regex::Regex::new(r"<code>[^<]*</code>").unwrap().replace_all(&markdown, "");
    let prose = ["```", "``", "`"]
        .iter()
        .fold(prose.into_owned(), |text, fence| text.split(fence).step_by(2).collect::<Vec<_>>().join(""));
    for part in ["<", "javascript", "@everyone", ":bug:", "cmd", "\u{1b}", "\u{202e}"] {
        assert!(!prose.contains(part), "{part} in {prose}");
    }
    for (name, bytes) in &files {
        let text = String::from_utf8(bytes.clone()).unwrap();
        assert!(!text.contains(['\u{1b}', '\u{202e}']), "{name}");
    }
}

#[test]
fn formats_are_chosen_and_csv_is_the_default() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("app.log"), support::valid_line()).unwrap();
    let written = |formats: &[&str]| -> Vec<String> {
        jwtriage(dir.path())
            .args(["scan", "app.log", "--quiet", "--out", "report"])
            .args(formats)
            .assert()
            .success();
        support::files(&dir.path().join("report")).into_keys().filter(|name| name != "tokens.csv").collect()
    };
    let csv = written(&[]);
    assert!(csv.len() > 5 && csv.iter().all(|name| name.ends_with(".csv")), "{csv:?}");
    assert_eq!(written(&["--format", "json"]), ["report.json"]);
    assert_eq!(written(&["--format", "md,html", "--format", "md"]), ["report.html", "summary.md"]);
    assert_eq!(written(&["--format", "html", "--occurrences"]), ["occurrences.csv", "report.html"]);
    assert_eq!(written(&["--format", "all"]).len(), csv.len() + 3);
    assert_eq!(written(&["--format", "csv"]), csv);
    for wrong in [&["--format", "pdf", "--out", "x"][..], &["--format", "html"]] {
        jwtriage(dir.path()).args(["scan", "app.log"]).args(wrong).assert().code(2);
    }
}
