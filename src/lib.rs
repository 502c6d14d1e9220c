//! jwtriage reads archived logs, finds every JSON Web Token and judges it as of the moment its line was written.
//!
//! Data flows one way, and each module is one step of it:
//!
//! ```text
//! discover ─► read ─► scan ─► decode ─► judge ─► tally ─► hints ─► report
//!  Source     Chunk  Candidate  Token   Finding   Tally    Hint      Row
//! ```
//!
//! - [`input`]: what the user typed → inputs → sources behind compression and archives → chunks of whole lines
//! - [`scan`]: chunks → candidates, the place and the event time of each
//! - [`token`]: candidate → header, claims, and what is wrong with the form
//! - [`verdict`]: token + [`policy`] + event time → the first step that fails, and the others that fail too
//! - [`tally`]: findings → counts that merge
//! - [`hints`]: counts → what is likely to have gone wrong
//! - [`report`]: counts → CSV files, and a table for the terminal
//! - [`triage`]: one chunk through the middle of it; [`run`]: the whole, over all threads
//!
//! [`message`] finds what verifiers say in the same lines, [`profile`] knows what a certain one would have said.
//!
//! [`changes`] tells what is new in a report beside others. [`proposal`] writes policies for a person to edit, from documents or
//! from counts.
//!
//! [`state`] is what nightly runs remember: which sources were read and how far, and what was counted.
//!
//! [`tell`] says what a run has found to those who watch: a file for Prometheus, a webhook.
//!
//! [`secret`] is the one door out for token bytes; [`error`] is what stops a run; [`timestamp`] is every instant.
//!
//! ```
//! use jwtriage::policy::Policy;
//! use jwtriage::timestamp::Timestamp;
//! use jwtriage::verdict::{Judge, Verdict};
//!
//! // {"alg":"HS256"} . {"exp":1781226000} . 32 bytes
//! let log = "2026-06-12T01:00:05Z Bearer eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3ODEyMjYwMDB9.\
//!            AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA rejected";
//! let start = jwtriage::scan::candidate::starts(log.as_bytes()).next().expect("a candidate");
//! let decoded = jwtriage::token::decode(&log.as_bytes()[start..], &[]).expect("a token");
//!
//! let judgement = Judge::new(&Policy::default()).prepare(&decoded.token, decoded.signed());
//! let when = |second: i64| Some(Timestamp::from_seconds(second));
//! assert_eq!(judgement.at(when(1_781_225_999)).verdict, Verdict::Valid);
//! assert_eq!(judgement.at(when(1_781_226_005)).verdict, Verdict::Expired);
//! ```

pub mod at_once;
pub mod changes;
pub mod error;
pub mod hints;
pub mod input;
pub mod message;
pub mod nightly;
pub mod policy;
pub mod profile;
pub mod proposal;
pub mod report;
pub mod run;
pub mod scan;
pub mod secret;
pub mod spill;
pub mod state;
pub mod tally;
pub mod tell;
pub mod timestamp;
pub mod token;
pub mod triage;
pub mod verdict;
mod words;
