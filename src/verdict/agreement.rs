//! stub
use super::time::Dates;
use super::{Outcome, Verdict};
use crate::message::Cause;
use crate::timestamp::Timestamp;
/// stub
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Agreement {
    Yes,
    Near,
    No,
    NoToken,
}
impl Agreement {
    /// stub
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Near => "near",
            Self::No => "no",
            Self::NoToken => "no_token",
        }
    }
}
/// stub
pub fn agreement(
    cause: Cause,
    rank: u8,
    outcome: &Outcome,
    dates: &Dates,
    leeway: i64,
    at: Option<Timestamp>,
) -> Agreement {
    let _ = (rank, dates, leeway, at);
    if cause.as_str() == outcome.verdict.as_str() {
        Agreement::Yes
    } else if outcome.verdict == Verdict::Valid {
        Agreement::No
    } else {
        Agreement::Near
    }
}
