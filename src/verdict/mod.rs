//! Token + policy + event time → verdict.
//!
//! The steps run in the contract's order, one file per step, each a pure function. What does not depend on time is
//! judged once per distinct token ([`Judge::prepare`]); per occurrence only the key's window and the dates are compared
//! ([`Judgement::at`]).

mod agreement;
pub mod algorithm;
pub mod audience;
pub mod claims;
pub mod issuer;
pub mod key;
pub mod near;
pub mod parse;
pub mod signature;
#[cfg(test)]
mod testing;
pub mod time;
mod token_type;
mod words;

pub use crate::policy::KeyStatus;
pub use agreement::{Agreement, Circumstances, Statement};
pub use time::{Apart, Miss, NEAR};
pub use token_type::token_type;
pub use words::{Detail, Failure, Outcome, SignatureStatus, TokenType, Verdict, VerdictSet};

use std::ops::{BitOrAssign, Range};

use serde::{Deserialize, Serialize};

use crate::policy::{Policy, Rules};
use crate::timestamp::Timestamp;
use crate::token::{Signed, Token};
use key::{KeyAnswer, KeyQuestion};
use time::Dates;

/// Judges tokens by one policy.
#[derive(Clone, Copy, Debug)]
pub struct Judge<'p> {
    policy: &'p Policy,
}

/// All that can be said about a token before the event time is known.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The first step that fails at any time.
    first: Option<Failure>,
    /// All that fail at any time.
    failing: VerdictSet,
    key: KeyQuestion,
    require_kid: bool,
    fails_by_line_end: bool,
    circumstances: Circumstances,
}

/// What explains a token's outcome, and is told in a notice of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remarks {
    /// The signature failed, and would verify with a secret of the policy that had no line end behind it.
    pub fails_by_line_end: bool,
    /// The signature is unchecked because more keys are in question than are tried for one token.
    pub skips_keys: bool,
}

impl BitOrAssign for Remarks {
    fn bitor_assign(&mut self, other: Self) {
        self.fails_by_line_end |= other.fails_by_line_end;
        self.skips_keys |= other.skips_keys;
    }
}

impl<'p> Judge<'p> {
    /// A judge for this policy.
    #[must_use]
    pub const fn new(policy: &'p Policy) -> Self {
        Self { policy }
    }

    /// Runs the steps that do not depend on time; `signed` is what can be verified.
    #[must_use]
    pub fn prepare(self, token: &Token, signed: Option<Signed<'_>>) -> Judgement {
        // Claims that may have been cut off are not judged.
        let claims = token.claims.as_ref().filter(|_| token.claims_are_whole);
        let iss = claims.and_then(|claims| claims.iss.as_deref());
        let issuer = iss.and_then(|iss| self.policy.issuer_of(iss));
        let rules = issuer.map_or(self.policy.union(), |issuer| &issuer.rules);
        let knows_issuer = issuer.is_some() || !self.policy.judges_issuers();
        let named = token.header.kid.as_deref().filter(|_| !token.encrypted);
        let named = named.map_or(&[][..], |kid| rules.keys.with_kid(kid));

        let mut timeless = Vec::new();
        timeless.extend(parse::check(token, named));
        timeless.extend(algorithm::check(token, rules));
        // A signature that is cut cannot be judged.
        let signed = signed.filter(|_| parse::check_length(token, named).is_none());
        timeless.extend(key::check_confusion(token, signed, rules));
        let asked = if named.is_empty() { rules.keys.iter() } else { named.iter() };
        let fails_by_line_end = signature::fails_by_line_end(token, signed, asked);
        let key = KeyQuestion::new(token, signed, rules, knows_issuer);
        if let Some(claims) = claims {
            timeless.extend(issuer::check(iss, self.policy));
            let environment = issuer.map(|issuer| issuer.environment.as_str());
            timeless.extend(audience::check(&claims.aud, rules, environment, self.policy));
            timeless.extend(claims::check(claims, token_type(&token.header, claims), rules));
        }
        Judgement {
            failing: timeless.iter().map(|failure| failure.verdict).collect(),
            first: timeless.into_iter().min_by_key(|failure| failure.verdict),
            require_kid: Self::requires_kid(token, rules),
            fails_by_line_end,
            key,
            circumstances: Circumstances {
                dates: claims.map_or_else(Dates::default, |claims| Dates {
                    exp: claims.exp,
                    nbf: claims.nbf,
                    iat: claims.iat,
                }),
                leeway: self.policy.leeway,
                unjudged: self.unjudged(rules, claims.is_some()),
            },
        }
    }

    /// The verdicts that no token of these rules can have.
    fn unjudged(self, rules: &Rules, has_claims: bool) -> VerdictSet {
        let of_claims = [
            (Verdict::Expired, true),
            (Verdict::NotYetValid, true),
            (Verdict::IssuedInFuture, true),
            (Verdict::WrongIssuer, self.policy.judges_issuers()),
            (Verdict::WrongAudience, rules.audiences.is_some()),
            (Verdict::MissingClaim, !rules.required_claims.is_empty()),
        ];
        let of_claims = of_claims.into_iter().filter(|(_, judged)| !judged || !has_claims);
        let algorithm = rules.algorithms.is_none().then_some(Verdict::AlgNotAllowed);
        let key = rules.keys.is_empty().then_some(Verdict::UnknownKid);
        of_claims.map(|(verdict, _)| verdict).chain(algorithm).chain(key).collect()
    }

    /// A header that is cut may have lost its `kid`.
    fn requires_kid(token: &Token, rules: &Rules) -> bool {
        let header_is_whole = token.claims.is_some() || token.signature.is_some();
        rules.require_kid && header_is_whole
    }
}

impl Judgement {
    /// The outcome at an event time. Without one, what depends on it is not judged.
    #[must_use]
    pub fn at(&self, at: Option<Timestamp>) -> Outcome {
        let KeyAnswer { status: key_status, found, mismatch, signature } = self.key.answer(at);
        let key = key::check_status(key_status, self.require_kid);
        let found = found.and_then(|status| key::check_status(status, false));
        let fit = key::check_fit(mismatch);
        let dates = at
            .into_iter()
            .flat_map(|at| time::check(&self.circumstances.dates, at, self.circumstances.leeway));
        let mut first = self.first.clone();
        let mut failing = self.failing;
        for failure in key.into_iter().chain(found).chain(fit).chain(signature::check(signature)).chain(dates)
        {
            failing.insert(failure.verdict);
            if first.as_ref().is_none_or(|first| failure.verdict < first.verdict) {
                first = Some(failure);
            }
        }
        let Failure { verdict, detail } =
            first.unwrap_or(Failure { verdict: Verdict::Valid, detail: Detail::None });
        failing.remove(verdict);
        Outcome { verdict, detail, also: failing, key_status, signature, predicted: None }
    }

    /// Which dates are missed at an event time, and by how much.
    #[must_use]
    pub fn miss(&self, at: Timestamp) -> Miss {
        Miss::of(&self.circumstances.dates, at, self.circumstances.leeway)
    }

    /// What explains an outcome of this token.
    #[must_use]
    pub fn remarks(&self, outcome: &Outcome) -> Remarks {
        Remarks {
            fails_by_line_end: self.fails_by_line_end && outcome.signature == SignatureStatus::Failed,
            skips_keys: outcome.signature == SignatureStatus::Unchecked && self.key.skips_keys(),
        }
    }

    /// The event times around `at`, in milliseconds, at all of which the outcome is the same: most tokens have one
    /// outcome before a date and one after it.
    #[must_use]
    pub fn stretch(&self, at: Timestamp) -> Range<i64> {
        let at = at.millis();
        let Circumstances { dates, leeway, .. } = &self.circumstances;
        let turns = || time::turns(dates, *leeway).chain(self.key.turns());
        let from = turns().filter(|turn| *turn <= at).max().unwrap_or(i64::MIN);
        let until = turns().filter(|turn| *turn > at).min().unwrap_or(i64::MAX);
        from..until
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{POLICY, at, policy, token};
    use proptest::prelude::*;

    use super::signature::{Trial, TrialResult};
    use super::*;
    use crate::token::NumericDate;

    fn told(header: &str, claims: &str, policy: &Policy, seconds: Option<i64>) -> String {
        let outcome = Judge::new(policy).prepare(&token(header, claims), None).at(seconds.map(at));
        format!("{}/{} also {}", outcome.verdict, outcome.detail, outcome.also)
    }

    #[test]
    fn the_first_step_that_fails_is_the_verdict_and_the_others_are_listed() {
        let policy = policy(POLICY);
        let header = r#"{"alg":"RS256"}"#;
        let right = r#"{"iss":"https://a.example/","aud":"api","sub":"x","exp":1000}"#;
        let wrong = r#"{"iss":"https://a.example","aud":"x","exp":1000}"#;
        assert_eq!(told(header, right, &policy, Some(1029)), "valid/ also ");
        assert_eq!(told(header, right, &policy, Some(1030)), "expired/within_skew also ");
        assert_eq!(
            told(r#"{"alg":"HS256"}"#, wrong, &policy, Some(2000)),
            "alg_not_allowed/alg also expired;wrong_issuer;wrong_audience"
        );
        assert_eq!(told(header, wrong, &policy, None), "wrong_issuer/trailing_slash also wrong_audience");
    }

    #[test]
    fn the_outcome_is_the_same_over_its_stretch() {
        // Two keys of one kid, with windows; dates in every order; leeway; milliseconds.
        let entry = |from: Option<i64>, until: Option<i64>| {
            let mut entry = super::testing::rsa_entry("k", 2048, None, None);
            (entry.from, entry.until) = (from.map(Timestamp::from_millis), until.map(Timestamp::from_millis));
            entry
        };
        let date = |in_milliseconds| {
            move |millis: i64| NumericDate { at: Timestamp::from_millis(millis), in_milliseconds }
        };
        let instant = || proptest::option::of(-200_000_i64..200_000);
        let judgements =
            ([instant(), instant(), instant()], [instant(), instant(), instant(), instant()], 0..90_000_i64);
        proptest!(ProptestConfig::with_cases(2000), |((dates, windows, leeway) in judgements, at in -400_000_i64..400_000)| {
            let [exp, nbf, iat] = dates;
            let judgement = Judgement {
                first: None,
                failing: VerdictSet::default(),
                key: KeyQuestion::named(vec![
                    Trial { entry: entry(windows[0], windows[1]), result: TrialResult::Verified },
                    Trial { entry: entry(windows[2], windows[3]), result: TrialResult::Failed },
                ]),
                require_kid: false,
                fails_by_line_end: false,
                circumstances: Circumstances {
                    dates: Dates { exp: exp.map(date(false)), nbf: nbf.map(date(true)), iat: iat.map(date(false)) },
                    leeway,
                    unjudged: VerdictSet::default(),
                },
            };
            let outcome = |millis| judgement.at(Some(Timestamp::from_millis(millis)));
            let stretch = judgement.stretch(Timestamp::from_millis(at));
            prop_assert!(stretch.contains(&at));
            let (first, last) = (stretch.start.max(-900_000), stretch.end.min(900_000) - 1);
            let is_near = |millis| judgement.miss(Timestamp::from_millis(millis)).is_near();
            for other in [first, last, first.midpoint(last)] {
                prop_assert_eq!(outcome(other), outcome(at));
                prop_assert_eq!(is_near(other), is_near(at), "{} for {}", other, at);
            }
        });
    }

    #[test]
    fn without_a_policy_parse_alg_none_and_time_are_judged() {
        let none = Policy::default();
        let claims = r#"{"exp":1000}"#;
        assert_eq!(told(r#"{"alg":"XY1","kid":"k"}"#, claims, &none, Some(999)), "valid/ also ");
        assert_eq!(told(r#"{"alg":"none"}"#, claims, &none, Some(1000)), "alg_none/unsigned also expired");
    }

    #[test]
    fn claims_that_may_have_been_cut_off_are_not_judged() {
        let policy = policy(POLICY);
        let mut token = token(r#"{"alg":"RS256"}"#, "{}");
        token.claims_are_whole = false;
        token.fault = Some(crate::token::Fault::Cut(crate::token::Cut::InPayload));
        let outcome = Judge::new(&policy).prepare(&token, None).at(Some(at(0)));
        assert_eq!((outcome.verdict, outcome.also), (Verdict::Truncated, VerdictSet::default()));
    }
}
