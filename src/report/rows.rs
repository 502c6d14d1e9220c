//! The rows of every file, column by column as the contract names them. The name of a field is the name of its
//! column; columns may be added at the end, never renamed, reordered or removed.
//!
//! Invariant: text that came from outside is in a row only as a [`Cell`]; what else there is are words of closed
//! sets, numbers, times and fingerprints.

use std::fmt;

use smallvec::SmallVec;

use super::cell::{Cell, Cells};
use super::csv::Lines;
use super::value::{Kind, Value, Valued};
use crate::secret::{Fingerprint, SubjectFingerprint};
use crate::timestamp::Timestamp;
use crate::verdict::VerdictSet;

/// One line of a file.
pub(super) trait Row {
    /// The file's header.
    const COLUMNS: &'static [&'static str];
    /// What each column holds.
    const KINDS: &'static [Kind];

    /// What the columns hold in this row, for formats that know more than text.
    fn values(&self) -> Vec<Value<'_>>;

    /// Adds its cells to a line of the CSV file, and does not end it.
    fn write(&self, line: &mut Lines);
}

/// A value whose cell is what it displays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shown<T>(pub(super) T);

/// An instant, or an empty cell.
pub(super) type When = Option<Shown<Timestamp>>;

macro_rules! rows {
    ($($(#[$meta:meta])* $name:ident $(<$life:lifetime>)? { $($field:ident: $type:ty,)+ })+) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) struct $name $(<$life>)? { $(pub(super) $field: $type,)+ }

        impl $(<$life>)? Row for $name $(<$life>)? {
            const COLUMNS: &'static [&'static str] = &[$(stringify!($field)),+];
            const KINDS: &'static [Kind] = &[$(<$type as Valued>::KIND),+];

            fn values(&self) -> Vec<Value<'_>> {
                vec![$(self.$field.value()),+]
            }

            fn write(&self, line: &mut Lines) {
                $(self.$field.write(line);)+
            }
        }
    )+ };
}

rows! {
    /// `summary.csv`: verdict × detail.
    SummaryRow<'a> {
        verdict: &'static str,
        detail: Cell<'a>,
        occurrences: u64,
        distinct_tokens: u64,
        distinct_subjects: u64,
        sources: u64,
        first_seen: When,
        last_seen: When,
        share: Share,
    }

    /// `tokens.csv`: token × verdict × detail. One column per shown claim follows.
    TokenRow<'a> {
        fingerprint: Shown<Fingerprint>,
        verdict: &'static str,
        detail: Cell<'a>,
        also: Shown<VerdictSet>,
        occurrences: u64,
        first_seen: When,
        last_seen: When,
        sources: u64,
        alg: Cell<'a>,
        typ: Cell<'a>,
        kid: Cell<'a>,
        key_status: &'static str,
        signature: &'static str,
        iss: Cell<'a>,
        aud: Several<'a>,
        sub_fingerprint: Option<Shown<SubjectFingerprint>>,
        token_type: &'static str,
        issued_at: When,
        not_before: When,
        expires_at: When,
        lifetime_s: Option<Seconds>,
        past_expiry_s: Option<i64>,
        length: u32,
        first_location: Option<Place<'a>>,
    }

    /// `issuers.csv`: iss × verdict.
    IssuerRow<'a> {
        iss: Cell<'a>,
        known: &'static str,
        verdict: &'static str,
        occurrences: u64,
        distinct_tokens: u64,
        first_seen: When,
        last_seen: When,
    }

    /// `audiences.csv`: aud × verdict.
    AudienceRow<'a> {
        aud: Cell<'a>,
        known: &'static str,
        verdict: &'static str,
        occurrences: u64,
        distinct_tokens: u64,
        first_seen: When,
        last_seen: When,
    }

    /// `clients.csv`: client × iss × verdict.
    ClientRow<'a> {
        client: Cell<'a>,
        iss: Cell<'a>,
        verdict: &'static str,
        occurrences: u64,
        distinct_tokens: u64,
        distinct_subjects: u64,
        first_seen: When,
        last_seen: When,
    }

    /// `keys.csv`: iss × kid × alg × status of the key.
    KeyRow<'a> {
        iss: Cell<'a>,
        kid: Cell<'a>,
        alg: Cell<'a>,
        key_status: &'static str,
        occurrences: u64,
        distinct_tokens: u64,
        sources: u64,
        first_seen: When,
        last_seen: When,
        verified: u64,
        failed: u64,
    }

    /// `timeline.csv`: bucket × verdict.
    TimelineRow {
        bucket_start: When,
        verdict: &'static str,
        occurrences: u64,
        distinct_tokens: u64,
    }

    /// `sources.csv`: source.
    SourceRow<'a> {
        source: Cell<'a>,
        status: &'static str,
        bytes: u64,
        lines: u64,
        candidates: u64,
        valid: u64,
        failing: u64,
        first_event: When,
        last_event: When,
        time_format: Several<'a>,
        undated_lines: u64,
        error: Cell<'a>,
    }

    /// `live.csv`: token that is still usable.
    LiveRow<'a> {
        fingerprint: Shown<Fingerprint>,
        iss: Cell<'a>,
        aud: Several<'a>,
        sub_fingerprint: Option<Shown<SubjectFingerprint>>,
        expires_at: When,
        remaining_s: Option<i64>,
        occurrences: u64,
        sources: u64,
        first_location: Option<Place<'a>>,
    }

    /// `messages.csv`: verifier message × cause × verdict × agreement.
    MessageRow<'a> {
        stack: Cell<'a>,
        message: Cell<'a>,
        cause: &'static str,
        verdict: &'static str,
        agrees: &'static str,
        occurrences: u64,
        sources: u64,
        first_seen: When,
        last_seen: When,
    }

    /// `hints.csv`: hint, most telling first.
    HintRow<'a> {
        hint: &'static str,
        confidence: &'static str,
        evidence: Cell<'a>,
        occurrences: u64,
        distinct_tokens: u64,
        sources: u64,
        first_seen: When,
        last_seen: When,
        what_to_check: Cell<'a>,
    }

    /// `groups.csv`: name × value × verdict.
    GroupRow<'a> {
        name: Cell<'a>,
        value: Cell<'a>,
        verdict: &'static str,
        occurrences: u64,
        distinct_tokens: u64,
        first_seen: When,
        last_seen: When,
    }

    /// The keys of the policy over time, which no CSV file has.
    PolicyKeyRow<'a> {
        issuer: Cell<'a>,
        kid: Cell<'a>,
        file: Cell<'a>,
        from: When,
        until: When,
    }

    /// `occurrences.csv`: finding.
    OccurrenceRow<'a> {
        source: &'a Cell<'a>,
        line: u64,
        offset: u64,
        event_time: When,
        time_source: &'static str,
        fingerprint: Shown<Fingerprint>,
        verdict: &'static str,
        detail: Cell<'a>,
        also: Shown<VerdictSet>,
    }
}

/// Seconds that may be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Seconds(pub(super) i64);

/// Where a token stands: `source:line`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place<'a> {
    pub(super) source: Cell<'a>,
    pub(super) line: u64,
}

/// Several values in one cell, joined with `;`, and each on its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Several<'a> {
    joined: Cell<'a>,
    each: SmallVec<[Cell<'a>; 1]>,
}

impl<'a> Several<'a> {
    /// Values of a token's claim, in its order.
    pub(super) fn claims(values: &'a [impl AsRef<str>], cells: &mut Cells<'a>) -> Self {
        let each: SmallVec<[Cell<'a>; 1]> = values.iter().map(|value| cells.claim(value.as_ref())).collect();
        let joined = match &*each {
            [] => Cell::default(),
            [only] => only.clone(),
            _ => Cell::claim(values.iter().map(AsRef::as_ref).collect::<Vec<_>>().join(";")),
        };
        Self { joined, each }
    }

    /// Names.
    pub(super) fn texts(values: Vec<String>) -> Self {
        let joined = Cell::text(values.join(";"));
        Self { joined, each: values.into_iter().map(Cell::text).collect() }
    }

    /// The one cell.
    pub(super) const fn joined(&self) -> &Cell<'a> {
        &self.joined
    }

    /// The values, each on its own.
    pub(super) fn each(&self) -> &[Cell<'a>] {
        &self.each
    }
}

/// A part of all occurrences, from `0.000000` to `1.000000`.
pub(super) type Share = Shown<Millionths>;

/// Millionths, displayed as a decimal with six digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Millionths(u64);

impl Millionths {
    /// How many millionths.
    pub(crate) const fn get(self) -> u64 {
        self.0
    }

    /// `part` of `whole`, rounded to the nearest; nothing of nothing is nothing.
    pub(crate) fn of(part: u64, whole: u64) -> Self {
        let whole = u128::from(whole.max(1));
        let millionths = (u128::from(part) * 1_000_000 + whole / 2) / whole;
        Self(u64::try_from(millionths).unwrap_or(u64::MAX))
    }
}

impl fmt::Display for Millionths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_has_six_digits_and_is_rounded() {
        let share = |part, whole| Millionths::of(part, whole).to_string();
        assert_eq!(share(1, 4), "0.250000");
        assert_eq!(share(2, 3), "0.666667");
        assert_eq!(share(1, 1), "1.000000");
        assert_eq!(share(0, 0), "0.000000");
        assert_eq!(share(u64::MAX, u64::MAX), "1.000000");
    }

    #[test]
    fn the_columns_are_the_contract_s() {
        let joined = |columns: &[&str]| columns.join(",");
        assert_eq!(
            joined(SummaryRow::COLUMNS),
            "verdict,detail,occurrences,distinct_tokens,distinct_subjects,sources,first_seen,last_seen,share"
        );
        assert_eq!(
            joined(TokenRow::COLUMNS),
            "fingerprint,verdict,detail,also,occurrences,first_seen,last_seen,sources,alg,typ,kid,key_status,\
             signature,iss,aud,sub_fingerprint,token_type,issued_at,not_before,expires_at,lifetime_s,\
             past_expiry_s,length,first_location"
        );
        assert_eq!(
            joined(IssuerRow::COLUMNS),
            "iss,known,verdict,occurrences,distinct_tokens,first_seen,last_seen"
        );
        assert_eq!(
            joined(AudienceRow::COLUMNS),
            "aud,known,verdict,occurrences,distinct_tokens,first_seen,last_seen"
        );
        assert_eq!(
            joined(ClientRow::COLUMNS),
            "client,iss,verdict,occurrences,distinct_tokens,distinct_subjects,first_seen,last_seen"
        );
        assert_eq!(
            joined(KeyRow::COLUMNS),
            "iss,kid,alg,key_status,occurrences,distinct_tokens,sources,first_seen,last_seen,verified,failed"
        );
        assert_eq!(joined(TimelineRow::COLUMNS), "bucket_start,verdict,occurrences,distinct_tokens");
        assert_eq!(
            joined(SourceRow::COLUMNS),
            "source,status,bytes,lines,candidates,valid,failing,first_event,last_event,time_format,\
             undated_lines,error"
        );
        assert_eq!(
            joined(LiveRow::COLUMNS),
            "fingerprint,iss,aud,sub_fingerprint,expires_at,remaining_s,occurrences,sources,first_location"
        );
        assert_eq!(
            joined(MessageRow::COLUMNS),
            "stack,message,cause,verdict,agrees,occurrences,sources,first_seen,last_seen"
        );
        assert_eq!(
            joined(HintRow::COLUMNS),
            "hint,confidence,evidence,occurrences,distinct_tokens,sources,first_seen,last_seen,what_to_check"
        );
        assert_eq!(
            joined(GroupRow::COLUMNS),
            "name,value,verdict,occurrences,distinct_tokens,first_seen,last_seen"
        );
        assert_eq!(
            joined(OccurrenceRow::COLUMNS),
            "source,line,offset,event_time,time_source,fingerprint,verdict,detail,also"
        );
    }
}
