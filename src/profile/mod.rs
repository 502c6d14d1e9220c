//! What a certain verifier would have said about a token: its own order of checks, its defaults, its boundaries, and the text
//! of its error as a log shows it. The verdict stays what it is; a profile only predicts.
//!
//! One file per verifier (what two have in common stands in one more), each written after the source of the version that its documentation names. A [`Verifier`] is configured
//! from the policy (`setup.rs`) and makes of each token a [`Forecast`]: the checks that depend on nothing but keys and
//! time (`check.rs`). Where a verifier reads a token otherwise than jwtriage's decoder does, it reads the bytes themselves (`read.rs`).
//!
//! Invariant: of a token's own values only `iss`, `aud`, `alg` and `kid` stand in an error; what else there would be, and
//! what is not known (the verifier's clock to the second, its parser's remarks), is `…`.

mod check;
mod dotnet;
mod envoy;
mod golang;
mod golang_jwt;
mod golang_jwt_v4;
mod java_jwt;
mod jose;
mod node_jsonwebtoken;
mod pyjwt;
mod read;
mod rust_jsonwebtoken;
mod setup;
mod spring;
#[cfg(test)]
mod testing;

use std::ops::Range;
use std::sync::Arc;

use crate::policy::Policy;
use crate::secret::RawToken;
use crate::timestamp::Timestamp;
use crate::token::{Fault, Token};
use check::Check;
use setup::{Setup, Setups};

/// A verifier whose errors can be predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// `jsonwebtoken` 9 for Node, with `jwks-rsa` 3 for key sets.
    NodeJsonwebtoken,
    /// PyJWT 2.
    Pyjwt,
    /// golang-jwt 5, with `MicahParks/keyfunc` 3 for key sets.
    GolangJwt,
    /// golang-jwt 4, with `MicahParks/keyfunc` 1 for key sets.
    GolangJwtV4,
    /// `jose` 6 for JavaScript.
    Jose,
    /// `com.auth0:java-jwt` 4, with `jwks-rsa` for key sets.
    JavaJwt,
    /// Spring Security 6, resource server.
    Spring,
    /// `Microsoft.IdentityModel` 8 (`JsonWebTokenHandler`), as ASP.NET Core uses it.
    Dotnet,
    /// Envoy's `jwt_authn` filter, and Istio's `RequestAuthentication`.
    Envoy,
    /// `jsonwebtoken` for Rust, 10 and 11.
    RustJsonwebtoken,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::NodeJsonwebtoken,
        Self::Pyjwt,
        Self::GolangJwt,
        Self::GolangJwtV4,
        Self::Jose,
        Self::JavaJwt,
        Self::Spring,
        Self::Dotnet,
        Self::Envoy,
        Self::RustJsonwebtoken,
    ];

    /// The name that `--as` takes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NodeJsonwebtoken => "node-jsonwebtoken",
            Self::Pyjwt => "pyjwt",
            Self::GolangJwt => "golang-jwt",
            Self::GolangJwtV4 => "golang-jwt-v4",
            Self::Jose => "jose",
            Self::JavaJwt => "java-jwt",
            Self::Spring => "spring",
            Self::Dotnet => "dotnet",
            Self::Envoy => "envoy",
            Self::RustJsonwebtoken => "rust-jsonwebtoken",
        }
    }

    /// The profile of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == name)
    }

    fn checks(self, input: &Input<'_>) -> Vec<Check> {
        match self {
            Self::NodeJsonwebtoken => node_jsonwebtoken::checks(input),
            Self::Pyjwt => pyjwt::checks(input),
            Self::GolangJwt => golang_jwt::checks(input),
            Self::GolangJwtV4 => golang_jwt_v4::checks(input),
            Self::Jose => jose::checks(input),
            Self::JavaJwt => java_jwt::checks(input),
            Self::Spring => spring::checks(input),
            Self::Dotnet => dotnet::checks(input),
            Self::Envoy => envoy::checks(input),
            Self::RustJsonwebtoken => rust_jsonwebtoken::checks(input),
        }
    }
}

/// A verifier, configured from a policy.
#[derive(Debug)]
pub struct Verifier<'p> {
    profile: Profile,
    setups: Setups<'p>,
}

/// What a verifier would say about one token, at any time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forecast(Vec<Check>);

/// What is told of a token of which a part was masked: the verifier saw all of it, and we do not.
const MASKED: &str = "… (the token is masked)";

/// A token as it is given to a verifier.
struct Input<'a> {
    text: &'a str,
    /// Between the dots.
    parts: Vec<&'a str>,
    setup: &'a Setup,
    /// Whether `iss` is one that the verifier takes.
    is_trusted: bool,
}

impl<'p> Verifier<'p> {
    /// The verifier, configured as somebody would who wants what the policy says.
    #[must_use]
    pub fn new(profile: Profile, policy: &'p Policy) -> Self {
        Self { profile, setups: Setups::new(policy) }
    }

    /// What it would say about a token. It is taken to have been given what the log shows, also where that is cut; only of a
    /// token with a mask in it nothing can be said.
    #[must_use]
    pub fn forecast(&self, token: &Token, raw: RawToken<'_>) -> Forecast {
        let text = std::str::from_utf8(raw.expose()).ok().filter(|_| token.fault != Some(Fault::Masked));
        let Some(text) = text else { return Forecast(vec![Check::Always(MASKED.into())]) };
        let iss = issuer(text);
        let (setup, is_trusted) = self.setups.of(iss.as_deref());
        Forecast(self.profile.checks(&Input { text, parts: text.split('.').collect(), setup, is_trusted }))
    }
}

impl Forecast {
    /// The error at the event time; `None` where the verifier accepts the token. Without an event time, what depends on it does
    /// not fail.
    #[must_use]
    pub fn at(&self, event_time: Option<Timestamp>) -> Option<Arc<str>> {
        self.0.iter().find_map(|check| check.at(event_time)).map(Into::into)
    }

    /// The part of a stretch of event times around `at`, in milliseconds, at all of which the answer is the same.
    #[must_use]
    pub fn narrow(&self, stretch: &Range<i64>, at: Timestamp) -> Range<i64> {
        let at = at.millis();
        let from = self.turns().filter(|turn| *turn <= at).max().unwrap_or(i64::MIN);
        let until = self.turns().filter(|turn| *turn > at).min().unwrap_or(i64::MAX);
        stretch.start.max(from)..stretch.end.min(until)
    }

    /// The instants, in milliseconds, at which the answer may change.
    pub fn turns(&self) -> impl Iterator<Item = i64> {
        let mut turns = Vec::new();
        self.0.iter().for_each(|check| check.add_turns(&mut turns));
        turns.into_iter()
    }
}

impl Input<'_> {
    /// Whether a verifier that compares `iss` is content with it.
    fn issuer_is_taken(&self) -> bool {
        self.setup.issuers.is_none() || self.is_trusted
    }

    /// Header and payload with the dot between them, as they are signed.
    fn signing_input(&self) -> &str {
        self.text.rfind('.').map_or(self.text, |end| &self.text[..end])
    }
}

/// `iss`, by which the configuration is picked, read as leniently as the most lenient verifier does.
fn issuer(text: &str) -> Option<String> {
    let lenient = read::Base64 { standard: true, padding: true, stray_bits: true };
    let payload = lenient.decode(text.split('.').nth(1)?)?;
    let claims = read::leading_json(String::from_utf8_lossy(&payload).as_bytes()).ok()?;
    read::text(claims.get("iss")).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::testing::{NOW, fetched, hs256, rs256, said, signed};
    use super::*;
    use crate::token::decode;

    #[test]
    fn every_profile_is_found_by_its_name() {
        for profile in Profile::ALL {
            assert_eq!(Profile::named(profile.as_str()), Some(profile));
        }
        assert_eq!(Profile::named("Node"), None);
    }

    #[test]
    fn without_a_policy_only_form_and_time_are_judged() {
        let none = Policy::default();
        let live = hs256(&format!(r#","exp":{}"#, NOW + 600));
        let expired = hs256(r#","exp":1"#);
        let unsigned = signed(r#"{"alg":"none"}"#, "{}");
        let unsigned = format!("{}.", unsigned.rsplit_once('.').unwrap().0);
        for profile in Profile::ALL {
            let told = |token: &str| said(profile, &none, token, 0);
            let takes_any_audience = !matches!(profile, Profile::Pyjwt | Profile::RustJsonwebtoken);
            assert_eq!(told(&live).is_empty(), takes_any_audience, "{profile:?}: {}", told(&live));
            for token in [&expired, &unsigned, &live[..live.len() / 2]] {
                assert_ne!(told(token), "", "{profile:?}: {token}");
            }
        }
    }

    #[test]
    fn a_masked_token_is_not_judged() {
        let token = hs256("");
        let masked = format!("{}...[REDACTED]", &token[..20]);
        let decoded = decode(masked.as_bytes(), &[]).unwrap();
        let policy = Policy::default();
        let forecast = Verifier::new(Profile::Jose, &policy).forecast(&decoded.token, decoded.own());
        assert_eq!(forecast.at(None).as_deref(), Some(MASKED));
    }

    #[test]
    fn a_value_of_the_token_is_cut_and_no_token_stands_in_it() {
        let inner = hs256("");
        for (kid, kept) in [(&inner, "eyJ***".to_owned()), (&"x".repeat(90_000), "x".repeat(256))] {
            let token = rs256(&format!(r#","kid":"{kid}""#), r#"{"exp":9999999999}"#);
            for profile in [Profile::NodeJsonwebtoken, Profile::Pyjwt, Profile::GolangJwt, Profile::JavaJwt] {
                let told = said(profile, &fetched(), &token, 0);
                assert!(told.contains(&kept) && told.len() < 500, "{profile:?}: {told}");
            }
        }
    }

    #[test]
    fn without_an_event_time_neither_dates_nor_keys_with_a_window_are_judged() {
        let token = rs256(
            r#","kid":"old""#,
            &format!(r#"{{"iss":"https://auth.example.com/","aud":"https://api.example.com","exp":{NOW}}}"#),
        );
        let decoded = decode(token.as_bytes(), &[]).unwrap();
        let policy = fetched();
        for profile in Profile::ALL {
            let forecast = Verifier::new(profile, &policy).forecast(&decoded.token, decoded.own());
            assert_eq!(forecast.at(None), None, "{profile:?}");
        }
    }

    proptest! {
        #[test]
        fn the_answer_is_the_same_over_its_stretch(
            dates in prop::array::uniform3(prop::option::of(-9000_i64..9000)),
            kid in prop::sample::select(vec![r#","kid":"old""#, r#","kid":"new""#, r#","kid":"x""#, ""]),
            at in -9000_i64..9000,
            other in -9000_i64..9000,
        ) {
            let policy = fetched();
            let dates = ["exp", "nbf", "iat"].iter().zip(dates).filter_map(|(name, date)| Some(format!(r#","{name}":{}"#, NOW + date?)));
            let claims = format!(r#"{{"iss":"https://auth.example.com/"{}}}"#, dates.collect::<String>());
            let token = rs256(kid, &claims);
            let decoded = decode(token.as_bytes(), &[]).unwrap();
            let instant = |seconds: i64| Timestamp::from_seconds(NOW + seconds);
            for profile in Profile::ALL {
                let forecast = Verifier::new(profile, &policy).forecast(&decoded.token, decoded.own());
                let stretch = forecast.narrow(&(i64::MIN..i64::MAX), instant(at));
                prop_assert!(stretch.contains(&instant(at).millis()));
                let told = |millis| forecast.at(Some(Timestamp::from_millis(millis)));
                let known = told(instant(at).millis());
                let ends = [stretch.start.max(0), stretch.end.min(4_000_000_000_000) - 1];
                for millis in ends.into_iter().chain(stretch.contains(&instant(other).millis()).then(|| instant(other).millis())) {
                    prop_assert_eq!(told(millis), known.clone(), "{:?} at {}", profile, millis);
                }
            }
        }
    }
}
