//! `transport_corruption`: something on the way changes tokens.
//!
//! Fires when [`FEW`] tokens are `malformed` in one and the same way that a transport causes (`url_encoded`,
//! `standard_base64`, `padded`, `bad_base64`). `high` if one source holds at least [`MOST_PERCENT`] % of these findings and
//! another source has none of them: then the place is known. `medium` otherwise: the client itself may write them so.

use super::facts::{Facts, Group, grouped};
use super::phrase::{findings, list};
use super::{Confidence, FEW, Hint, HintName};
use crate::verdict::Verdict;

/// Ways to be malformed that a transport causes.
const CHANGED: [&str; 4] = ["url_encoded", "standard_base64", "padded", "bad_base64"];

/// What part of the findings one place holds, so that a stray one elsewhere does not hide it.
const MOST_PERCENT: u64 = 80;

pub(super) fn find(facts: &Facts<'_>) -> Option<Hint> {
    let changed = facts.with(Verdict::Malformed, &CHANGED);
    let mut ways = grouped(changed.map(|seen| (seen.outcome.detail.as_str(), seen)));
    ways.retain(|(_, group)| group.distinct_tokens() >= FEW);
    let (way, _) = ways.first()?;
    let mut all = Group::default();
    ways.iter().for_each(|(_, group)| all.merge(group));

    let most = all.sources.values().max().copied().unwrap_or(0);
    let is_one_place =
        most * 100 >= all.occurrences * MOST_PERCENT && all.sources.len() < facts.sources.len();
    let confidence = if is_one_place { Confidence::High } else { Confidence::Medium };
    let told = list(ways.iter().map(|(way, group)| format!("{way} ({})", group.occurrences)));
    let evidence = format!("{} are changed: {told}; {}", findings(&all), facts.places(&all.sources));
    let check = format!(
        "Look at what handles the token before it is written there: {}; compare one fingerprint's request at the client with \
         what arrives",
        cause(way)
    );
    Some(all.hint(HintName::TransportCorruption, confidence, evidence, check))
}

/// What does this to tokens.
fn cause(way: &str) -> &'static str {
    match way {
        "url_encoded" => "a client or proxy that percent-encodes the header, or encodes a query twice",
        "standard_base64" => "code that encodes with + and / (base64) where - and _ (base64url) belong",
        "padded" => "code that encodes with padding, where JWTs have none",
        _ => "copying through a form, a shell or a column that changes or drops characters",
    }
}
