//! The list of rules, and what all of them have in common.

use super::facts::{Facts, Given, Token};
use super::{Hint, HintName, MessageCount};
use super::{
    audience_near_miss::AudienceNearMiss, clock_skew::ClockSkew, environment_crossover::EnvironmentCrossover,
    forgery_attempt::ForgeryAttempt, id_token_as_access_token::IdTokenAsAccessToken,
    issuer_near_miss::IssuerNearMiss, key_rotation_lag::KeyRotationLag,
    live_tokens_in_logs::LiveTokensInLogs, log_truncation::LogTruncation,
    milliseconds_dates::MillisecondsDates, policy_gap::PolicyGap, reuse_after_expiry::ReuseAfterExpiry,
    stale_key_cache::StaleKeyCache, transport_corruption::TransportCorruption,
};
use crate::verdict::VerdictSet;

/// A rule: what it gathers of tokens, and the hint that it gives of it. What it keeps does not grow with the tokens, but at
/// most with the issuers, audiences, keys, sources and lengths that it tells apart.
pub(super) trait Rule<'p>: Default {
    /// It is shown the tokens that have had one of these verdicts. One that looks at messages alone needs none.
    const VERDICTS: VerdictSet = VerdictSet::of(&[]);

    /// Looks at a token.
    fn add(&mut self, _given: &Given<'p>, _token: &Token<'_>) {}

    /// Adds what was gathered of other tokens.
    fn merge(&mut self, _other: Self) {}

    /// The hint, if it holds.
    fn find(&self, facts: &Facts<'_>, messages: &[MessageCount]) -> Option<Hint>;
}

macro_rules! rules {
    ($($name:ident: $rule:ty,)+) => {
        /// What every rule has gathered.
        #[derive(Default)]
        pub(super) struct Rules<'p> { $($name: $rule,)+ }

        impl<'p> Rules<'p> {
            pub(super) fn add(&mut self, given: &Given<'p>, token: &Token<'_>) {
                $(if token.had.verdicts.meets(<$rule>::VERDICTS) {
                    self.$name.add(given, token);
                })+
            }

            pub(super) fn merge(&mut self, other: Self) {
                $(self.$name.merge(other.$name);)+
            }

            /// The hints of the rules that hold.
            pub(super) fn find(
                &self,
                facts: &Facts<'_>,
                messages: &[MessageCount],
            ) -> impl Iterator<Item = Hint> + use<> {
                let hints: [_; HintName::ALL.len()] = [$(self.$name.find(facts, messages),)+];
                hints.into_iter().flatten()
            }
        }
    };
}

// Every rule, in the order of the contract's list.
rules! {
    key_rotation_lag: KeyRotationLag,
    stale_key_cache: StaleKeyCache,
    clock_skew: ClockSkew,
    reuse_after_expiry: ReuseAfterExpiry,
    environment_crossover: EnvironmentCrossover,
    issuer_near_miss: IssuerNearMiss,
    audience_near_miss: AudienceNearMiss<'p>,
    log_truncation: LogTruncation,
    transport_corruption: TransportCorruption,
    id_token_as_access_token: IdTokenAsAccessToken,
    milliseconds_dates: MillisecondsDates,
    forgery_attempt: ForgeryAttempt,
    policy_gap: PolicyGap,
    live_tokens_in_logs: LiveTokensInLogs,
}
