//! What every chunk is judged by.

use std::sync::{Arc, LazyLock};

use crate::message::{Finder, Starts};
use crate::policy::Policy;
use crate::profile::Profile;
use crate::scan::candidate::{PREFIXES, begins_run};
use crate::secret::Fingerprinter;
use crate::tally::BucketWidth;
use crate::timestamp::Timestamp;

/// Where a token may begin, for a [`Finder`] to look for in the same pass.
pub const STARTS: Starts<'static> = Starts { texts: &PREFIXES, behind: begins_run };

/// Finds the messages of the catalogue, for all policies that add none.
static BUILT_IN: LazyLock<Arc<Finder>> = LazyLock::new(|| Arc::new(Finder::new(&[], STARTS)));

/// What every chunk is judged by.
#[derive(Debug)]
pub struct Criteria {
    /// What is right.
    pub policy: Policy,
    /// Names tokens.
    pub fingerprinter: Fingerprinter,
    /// Findings before this instant are left out.
    pub since: Option<Timestamp>,
    /// Findings at or after this instant are left out.
    pub until: Option<Timestamp>,
    /// Width of the timeline's buckets.
    pub bucket: BucketWidth,
    /// The verifier whose errors are predicted.
    pub profile: Option<Profile>,
    /// Finds what verifiers say, and where tokens may begin.
    pub messages: Arc<Finder>,
}

impl Criteria {
    /// By this policy, with fingerprints under the public key and buckets of any width, at any time.
    #[must_use]
    pub fn new(policy: Policy) -> Self {
        Self {
            messages: match &*policy.messages {
                [] => Arc::clone(&BUILT_IN),
                own => Arc::new(Finder::new(own, STARTS)),
            },
            policy,
            fingerprinter: Fingerprinter::public(),
            since: None,
            until: None,
            bucket: BucketWidth::Auto,
            profile: None,
        }
    }
}
