//! The closed sets of words that hints are told in.

use crate::words::words;

words! {
    /// What is likely to have gone wrong (contract section 4).
    HintName {
        /// Tokens under a retired key after a rotation.
        KeyRotationLag = "key_rotation_lag",
        /// A verifier does not know, or rejects, what verifies with a current key.
        StaleKeyCache = "stale_key_cache",
        /// A host's clock is off.
        ClockSkew = "clock_skew",
        /// The same token is sent again and again after `exp`.
        ReuseAfterExpiry = "reuse_after_expiry",
        /// Tokens of one environment in another.
        EnvironmentCrossover = "environment_crossover",
        /// An issuer that is nearly the right one.
        IssuerNearMiss = "issuer_near_miss",
        /// An audience that is nearly the right one.
        AudienceNearMiss = "audience_near_miss",
        /// Tokens cut at one line length.
        LogTruncation = "log_truncation",
        /// Something on the way changes tokens.
        TransportCorruption = "transport_corruption",
        /// ID tokens where access tokens belong.
        IdTokenAsAccessToken = "id_token_as_access_token",
        /// Dates in milliseconds.
        MillisecondsDates = "milliseconds_dates",
        /// Somebody tries to forge tokens.
        ForgeryAttempt = "forgery_attempt",
        /// A verifier and the policy differ about issuers or audiences.
        PolicyGap = "policy_gap",
        /// Tokens that are still usable stand in the logs.
        LiveTokensInLogs = "live_tokens_in_logs",
    }
}

words! {
    /// How sure a hint is; the surest first.
    Confidence {
        /// Little else explains the numbers.
        High = "high",
        /// It explains them, and so would something else.
        Medium = "medium",
        /// It is worth a look.
        Low = "low",
    }
}
