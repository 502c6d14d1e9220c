//! `report.json`: all tables in one document, and how they came about. `schema/report.schema.json` describes it.
//!
//! A row is an object whose members are the columns of the CSV file; what is an empty cell there is `null` here, numbers
//! are numbers, and what the CSV file joins with `;` is an array. It is written row by row, a row a line, so that two
//! reports can be compared by lines and nothing is kept in memory. Findings one by one are not in it: it is read as a
//! whole, and should not grow with the log (see `occurrences.csv`).

use std::io::{self, Write};

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

use super::cell::Cell;
use super::rows::{Row, Shown, TokenRow};
use super::tokens::TokenCells;
use super::value::Valued as _;
use super::{NamedToken, Report, SLICE};
use crate::at_once::AtOnce;

/// The version of the schema. It grows when a reader of the version before could fail; members may be added without.
const SCHEMA_VERSION: u32 = 1;

/// How the document begins, by which an earlier report is told from another file of this name.
pub(super) const BEGINNING: &[u8] = b"{\n\"report\":\"jwtriage\",";

/// Writes the document.
pub(super) fn write(report: &Report<'_>, at_once: &AtOnce<'_>, out: &mut dyn Write) -> io::Result<()> {
    let about = &report.findings.about;
    out.write_all(BEGINNING)?;
    write!(out, "\n\"schema_version\":{SCHEMA_VERSION}")?;
    let mut document = Document { out };
    document.member("jwtriage_version", &env!("CARGO_PKG_VERSION"))?;
    let command: Vec<_> = about.command_line.iter().map(|word| Cell::text(&**word)).collect();
    document.member("command_line", &command.iter().map(Cell::plain).collect::<Vec<_>>())?;
    document.member(
        "policy",
        &about.policy.map(|policy| {
            let path = Cell::text(policy.path);
            Members([("path", path.plain().to_owned()), ("sha256", policy.sha256.to_owned())])
        }),
    )?;
    document.rows("policy_keys", report.policy_key_rows())?;
    document.member("now", &Shown(report.findings.now).value())?;
    document.member("bucket_s", &report.findings.tally.timeline().width())?;
    let totals = report.totals();
    document.member(
        "totals",
        &Members([
            ("occurrences", totals.occurrences.value()),
            ("valid", totals.valid.value()),
            ("failing", totals.failing.value()),
            ("distinct_tokens", totals.distinct_tokens.value()),
            ("live_tokens", totals.live_tokens.value()),
            ("first_event", totals.first_event.value()),
            ("last_event", totals.last_event.value()),
        ]),
    )?;
    document.member("coverage", &report.coverage())?;
    document.rows("hints", report.hint_rows())?;
    document.rows("messages", report.message_rows())?;
    document.rows("summary", report.summary_rows())?;
    document.list("live", |list| report.each_live(usize::MAX, |row| list.add(&RowObject(row))))?;
    document.rows("issuers", report.issuer_rows())?;
    document.rows("audiences", report.audience_rows())?;
    document.rows("clients", report.client_rows())?;
    document.rows("keys", report.key_rows())?;
    document.rows("timeline", report.timeline_rows())?;
    document.rows("sources", report.source_rows())?;
    document.rows("groups", report.group_rows())?;
    document.list("tokens", |list| {
        report.tokens.slices(
            SLICE,
            at_once,
            |tokens| elements(report, tokens),
            |elements| list.append(&elements?),
        )
    })?;
    document.out.write_all(b"\n}\n")
}

/// Tokens as elements of a list.
fn elements(report: &Report<'_>, tokens: &[NamedToken<'_>]) -> io::Result<Vec<u8>> {
    let mut elements = Vec::new();
    let mut list = List { out: &mut elements, is_empty: true };
    report.rows_of(tokens).try_for_each(|token| list.add(&TokenObject(report, token)))?;
    Ok(elements)
}

/// A document on its way.
struct Document<'o> {
    out: &'o mut dyn Write,
}

impl Document<'_> {
    /// Writes a member; one stands before it.
    fn member(&mut self, name: &str, value: &impl Serialize) -> io::Result<()> {
        write!(self.out, ",\n\"{name}\":")?;
        Ok(serde_json::to_writer(&mut *self.out, value)?)
    }

    /// Writes a member that holds a table.
    fn rows<R: Row>(&mut self, name: &str, rows: impl IntoIterator<Item = R>) -> io::Result<()> {
        self.list(name, |list| rows.into_iter().try_for_each(|row| list.add(&RowObject(row))))
    }

    /// Writes a member that holds a list.
    fn list(&mut self, name: &str, add: impl FnOnce(&mut List<'_>) -> io::Result<()>) -> io::Result<()> {
        write!(self.out, ",\n\"{name}\":[")?;
        add(&mut List { out: &mut *self.out, is_empty: true })?;
        self.out.write_all(b"]")
    }
}

/// A list on its way, an element a line.
struct List<'o> {
    out: &'o mut dyn Write,
    is_empty: bool,
}

impl List<'_> {
    fn add(&mut self, element: &impl Serialize) -> io::Result<()> {
        self.separate()?;
        self.out.write_all(b"\n")?;
        Ok(serde_json::to_writer(&mut *self.out, element)?)
    }

    /// Adds what was written of another list.
    fn append(&mut self, elements: &[u8]) -> io::Result<()> {
        if elements.is_empty() {
            return Ok(());
        }
        self.separate()?;
        self.out.write_all(elements)
    }

    fn separate(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.is_empty) { Ok(()) } else { self.out.write_all(b",") }
    }
}

/// Members of an object, in order.
struct Members<V, const N: usize>([(&'static str, V); N]);

impl<V: Serialize, const N: usize> Serialize for Members<V, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// A row as an object.
struct RowObject<R>(R);

impl<R: Row> Serialize for RowObject<R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(R::COLUMNS.iter().zip(self.0.values()))
    }
}

/// A row of `tokens.csv`, with the claims that may be shown in a member of their own.
struct TokenObject<'r, 't>(&'r Report<'r>, TokenCells<'t>);

impl Serialize for TokenObject<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(report, (row, claims)) = self;
        let mut object = serializer.serialize_map(None)?;
        for (column, value) in TokenRow::COLUMNS.iter().zip(row.values()) {
            object.serialize_entry(column, &value)?;
        }
        object.serialize_entry("claims", &Claims(report.findings.show_claims, claims))?;
        if let Some(predicted) = claims.last().filter(|_| report.predicts) {
            object.serialize_entry("predicted_error", &predicted.value())?;
        }
        object.end()
    }
}

/// The claims that may be shown, by name.
struct Claims<'c>(&'c [String], &'c [Cell<'c>]);

impl Serialize for Claims<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(None)?;
        for (n, (name, claim)) in self.0.iter().zip(self.1).enumerate() {
            // A policy may name one twice; an object should not.
            if !self.0[..n].contains(name) {
                object.serialize_entry(Cell::text(&**name).plain(), &claim.value())?;
            }
        }
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::rows::{
        AudienceRow, ClientRow, GroupRow, HintRow, IssuerRow, KeyRow, LiveRow, MessageRow, PolicyKeyRow,
        SourceRow, SummaryRow, TimelineRow,
    };
    use crate::report::value::Kind;

    /// What the schema says of a row.
    fn check<R: Row>(schema: &serde_json::Value, name: &str, more: &[&str]) {
        let row = &schema["$defs"][name];
        let required: Vec<_> =
            row["required"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(required, [R::COLUMNS, more].concat(), "{name}");
        // This member is there with `--as` only.
        let optional = usize::from(row["properties"]["predicted_error"].is_object());
        assert_eq!(row["properties"].as_object().unwrap().len(), required.len() + optional, "{name}");
        for (column, kind) in R::COLUMNS.iter().zip(R::KINDS) {
            let told = row["properties"][column].to_string();
            let is_told = match kind {
                Kind::Time => told.contains("#/$defs/time"),
                Kind::Number => told.contains("\"integer\"") || told.contains("\"number\""),
                Kind::List => told.contains("\"array\""),
                Kind::Text => {
                    told.contains("\"string\"") || told.contains("enum") || told.contains("#/$defs/verdict")
                }
            };
            assert!(is_told, "{name}.{column} is {kind:?}, but the schema says {told}");
        }
    }

    #[test]
    fn the_schema_has_the_columns_of_every_table() {
        let schema = include_str!("../../schema/report.schema.json");
        let schema: serde_json::Value = serde_json::from_str(schema).unwrap();
        check::<PolicyKeyRow<'_>>(&schema, "policy_key", &[]);
        check::<HintRow<'_>>(&schema, "hint", &[]);
        check::<MessageRow<'_>>(&schema, "message", &[]);
        check::<SummaryRow<'_>>(&schema, "summary", &[]);
        check::<LiveRow<'_>>(&schema, "live", &[]);
        check::<IssuerRow<'_>>(&schema, "issuer", &[]);
        check::<AudienceRow<'_>>(&schema, "audience", &[]);
        check::<ClientRow<'_>>(&schema, "client", &[]);
        check::<KeyRow<'_>>(&schema, "key", &[]);
        check::<TimelineRow>(&schema, "bucket", &[]);
        check::<SourceRow<'_>>(&schema, "source", &[]);
        check::<GroupRow<'_>>(&schema, "group", &[]);
        check::<TokenRow<'_>>(&schema, "token", &["claims"]);
        let words = |name: &str| schema["$defs"][name]["enum"].as_array().unwrap().len();
        assert_eq!(words("verdict"), crate::verdict::Verdict::ALL.len());
        let hints = schema["$defs"]["hint"]["properties"]["hint"]["enum"].as_array().unwrap();
        assert_eq!(hints.len(), crate::hints::HintName::ALL.len());
    }
}
