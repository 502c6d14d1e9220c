//! `transport_corruption`: something on the way changes tokens.
//!
//! Fires when [`FEW`] tokens are `malformed` in one and the same way that a transport causes (`url_encoded`,
//! `standard_base64`, `padded`, `bad_base64`). `high` if one source holds at least [`MOST_PERCENT`] % of these findings and
//! another source has none of them: then the place is known. `medium` otherwise: the client itself may write them so.

use super::facts::{Facts, Given, Token};
use super::group::{Group, Groups};
use super::phrase::{findings, list};
use super::rules::Rule;
use super::{Confidence, FEW, Hint, HintName, MessageCount};
use crate::verdict::{Verdict, VerdictSet};

/// Ways to be malformed that a transport causes.
const CHANGED: [&str; 4] = ["url_encoded", "standard_base64", "padded", "bad_base64"];

/// What part of the findings one place holds, so that a stray one elsewhere does not hide it.
const MOST_PERCENT: u64 = 80;

/// Changed tokens.
#[derive(Default)]
pub(super) struct TransportCorruption {
    /// By the place of the way in [`CHANGED`].
    ways: Groups<usize>,
    /// How many tokens are changed in these ways and no others, each of which is a bit: one that is URL-encoded here may
    /// be padded there.
    tokens: [u64; 1 << CHANGED.len()],
}

impl Rule<'_> for TransportCorruption {
    const VERDICTS: VerdictSet = VerdictSet::of(&[Verdict::Malformed]);

    fn add(&mut self, _: &Given<'_>, token: &Token<'_>) {
        let mut ways = 0;
        for seen in token.of(Verdict::Malformed) {
            let detail = seen.outcome.detail.as_str();
            if let Some(way) = CHANGED.iter().position(|known| *known == detail) {
                self.ways.add(&way, seen);
                ways |= 1 << way;
            }
        }
        self.tokens[ways] += 1;
    }

    fn merge(&mut self, other: Self) {
        self.ways.merge(other.ways);
        self.tokens.iter_mut().zip(other.tokens).for_each(|(tokens, other)| *tokens += other);
    }

    fn find(&self, facts: &Facts<'_>, _: &[MessageCount]) -> Option<Hint> {
        let mut ways = self.ways.told(|way| Some((CHANGED[*way], 1 << way)));
        ways.retain(|(_, group)| group.tokens >= FEW);
        let ((way, _), _) = ways.first()?;
        let told_ways: usize = ways.iter().map(|((_, way), _)| way).sum();
        let mut all: Group = ways.iter().map(|(_, group)| group).collect();
        // A token that is changed in two ways is in two of these groups.
        let tokens = (0..).zip(self.tokens).filter(|(ways, _)| ways & told_ways != 0);
        all.tokens = tokens.map(|(_, tokens)| tokens).sum();

        let most = all.sources.values().max().copied().unwrap_or(0);
        let is_one_place =
            most * 100 >= all.occurrences * MOST_PERCENT && all.sources.len() < facts.given.sources.len();
        let confidence = if is_one_place { Confidence::High } else { Confidence::Medium };
        let told = list(ways.iter().map(|((way, _), group)| format!("{way} ({})", group.occurrences)));
        let evidence = format!("{} are changed: {told}; {}", findings(&all), facts.places(&all.sources));
        let check = format!(
            "Look at what handles the token before it is written there: {}; compare one fingerprint's request at the client \
             with what arrives",
            cause(way)
        );
        Some(all.hint(HintName::TransportCorruption, confidence, evidence, check))
    }
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
