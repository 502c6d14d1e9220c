//! The claims set (RFC 7519 §4).

use foldhash::HashSet;
use std::fmt;

use serde_json::{Number, Value};

use super::json::{self, Ending, Members};
use crate::timestamp::Timestamp;

/// A number at or above this is milliseconds: as seconds it would be after the year 5138.
const MILLISECONDS_FROM: f64 = 1e11;

/// A NumericDate (RFC 7519 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumericDate {
    /// The instant that was meant.
    pub at: Timestamp,
    /// Whether it was written in milliseconds, so that a verifier which takes it as seconds sees another date.
    pub in_milliseconds: bool,
}

impl NumericDate {
    fn read(number: &Number) -> Option<Self> {
        let value = number.as_f64()?;
        let in_milliseconds = value.abs() >= MILLISECONDS_FROM;
        let at = match (number.as_i64(), in_milliseconds) {
            (Some(seconds), false) => Timestamp::from_seconds(seconds),
            (Some(millis), true) => Timestamp::new(millis, millis % 1000 != 0),
            // The casts saturate, and a fraction of a millisecond is cut.
            (None, false) => Timestamp::new((value * 1000.0).floor() as i64, value.fract() != 0.0),
            (None, true) => Timestamp::new(value.floor() as i64, value % 1000.0 != 0.0),
        };
        Some(Self { at, in_milliseconds })
    }
}

/// The claims that jwtriage judges or reports, as far as they could be read. `Debug` shows none of the values but
/// the times.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Claims {
    /// `iss`, when it is a string.
    pub iss: Option<String>,
    /// The strings of `aud`, a string or an array.
    pub aud: Vec<String>,
    /// `sub`; a number is taken as its digits.
    pub sub: Option<String>,
    /// `exp`.
    pub exp: Option<NumericDate>,
    /// `nbf`.
    pub nbf: Option<NumericDate>,
    /// `iat`.
    pub iat: Option<NumericDate>,
    /// `azp`, else `client_id`, `cid`, `appid`.
    pub client: Option<String>,
    /// `typ` of the claims, by which Keycloak names the kind.
    pub typ: Option<String>,
    /// `token_use`, by which Cognito names the kind.
    pub token_use: Option<String>,
    /// The names of all members.
    pub names: HashSet<String>,
    /// Whether a member stands in it twice.
    pub duplicate: bool,
    /// Whether `exp`, `nbf` or `iat` is there and no number.
    pub bad_time: bool,
    /// The values of the claims that were asked for, by place in the list that asked.
    pub shown: Vec<Option<String>>,
}

impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("exp", &self.exp)
            .field("nbf", &self.nbf)
            .field("iat", &self.iat)
            .field("members", &self.names.len())
            .field("duplicate", &self.duplicate)
            .field("bad_time", &self.bad_time)
            .finish_non_exhaustive()
    }
}

impl Claims {
    /// Reads a claims set, whole or cut. `show` names the claims whose values are kept beside the registered ones.
    pub(super) fn read(text: &[u8], show: &[String]) -> (Self, Ending) {
        // Room for as many claims as most tokens have.
        let names = HashSet::with_capacity_and_hasher(14, foldhash::fast::RandomState::default());
        let claims = Self { shown: vec![None; show.len()], names, ..Self::default() };
        let mut reader = Reader { claims, show, client_rank: usize::MAX };
        let ending = json::read(text, &mut reader);
        let mut claims = reader.claims;
        if ending == Ending::Cut {
            // The last number may have lost digits.
            (claims.exp, claims.nbf, claims.iat) = (None, None, None);
        }
        (claims, ending)
    }

    /// Whether the claim is there.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }
}

/// Claims that name the client, the most telling first (OpenID Connect Core §2, RFC 8693 §4.3, Okta, Entra v1).
const CLIENT_CLAIMS: [&str; 4] = ["azp", "client_id", "cid", "appid"];

struct Reader<'s> {
    claims: Claims,
    show: &'s [String],
    client_rank: usize,
}

impl Members for Reader<'_> {
    fn name(&mut self, name: &str) -> bool {
        self.claims.duplicate |= !self.claims.names.insert(name.to_owned());
        matches!(name, "iss" | "aud" | "sub" | "exp" | "nbf" | "iat" | "typ" | "token_use")
            || CLIENT_CLAIMS.contains(&name)
            || self.show.iter().any(|shown| shown == name)
    }

    fn value(&mut self, name: &str, value: Value) {
        for (shown, slot) in self.show.iter().zip(&mut self.claims.shown) {
            if shown == name {
                *slot = Some(text(&value).unwrap_or_else(|| value.to_string()));
            }
        }
        let claims = &mut self.claims;
        match name {
            "iss" => claims.iss = string(value),
            "aud" => claims.aud = audiences(value),
            "sub" => claims.sub = text(&value),
            "typ" => claims.typ = string(value),
            "token_use" => claims.token_use = string(value),
            "exp" | "nbf" | "iat" => {
                let date = if let Value::Number(number) = &value { NumericDate::read(number) } else { None };
                claims.bad_time |= date.is_none();
                match name {
                    "exp" => claims.exp = date,
                    "nbf" => claims.nbf = date,
                    _ => claims.iat = date,
                }
            }
            _ => {
                let rank = CLIENT_CLAIMS.iter().position(|claim| *claim == name).unwrap_or(usize::MAX);
                if let (true, Some(client)) = (rank < self.client_rank, string(value)) {
                    self.client_rank = rank;
                    claims.client = Some(client);
                }
            }
        }
    }
}

fn string(value: Value) -> Option<String> {
    if let Value::String(text) = value { Some(text) } else { None }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn audiences(value: Value) -> Vec<String> {
    match value {
        Value::String(one) => vec![one],
        Value::Array(many) => many.into_iter().filter_map(string).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(text: &str) -> Claims {
        Claims::read(text.as_bytes(), &["tenant".to_owned()]).0
    }

    #[test]
    fn a_numeric_date_is_seconds_with_or_without_a_fraction_or_milliseconds() {
        let cases = [
            ("1781226000", "2026-06-12T01:00:00Z", false),
            ("1781226000.25", "2026-06-12T01:00:00.250Z", false),
            ("1.781226e9", "2026-06-12T01:00:00Z", false),
            ("1781226000123", "2026-06-12T01:00:00.123Z", true),
            ("1781226000000", "2026-06-12T01:00:00Z", true),
            ("1781226000123.5", "2026-06-12T01:00:00.123Z", true),
            ("99999999999", "5138-11-16T09:46:39Z", false),
            ("-1", "1969-12-31T23:59:59Z", false),
            ("0", "1970-01-01T00:00:00Z", false),
        ];
        for (written, at, in_milliseconds) in cases {
            let date = claims(&format!(r#"{{"exp":{written}}}"#)).exp.unwrap();
            assert_eq!(
                (date.at.to_string().as_str(), date.in_milliseconds),
                (at, in_milliseconds),
                "{written}"
            );
        }
        assert_eq!(claims(r#"{"exp":1e300}"#).exp.unwrap().at.millis(), i64::MAX);
    }

    #[test]
    fn a_date_that_is_no_number_is_a_bad_time_claim() {
        for value in [r#""1781226000""#, "true", "null", "[1]", "{}"] {
            assert!(claims(&format!(r#"{{"nbf":{value}}}"#)).bad_time, "{value}");
        }
        assert!(!claims(r#"{"auth_time":"yesterday"}"#).bad_time);
    }

    #[test]
    fn the_most_telling_client_claim_wins_wherever_it_stands() {
        assert_eq!(claims(r#"{"appid":"d","azp":"a","client_id":"b"}"#).client.as_deref(), Some("a"));
        assert_eq!(claims(r#"{"cid":"c","client_id":["no string"]}"#).client.as_deref(), Some("c"));
    }

    #[test]
    fn an_audience_is_a_string_or_an_array_of_strings() {
        assert_eq!(claims(r#"{"aud":"a"}"#).aud, ["a"]);
        assert_eq!(claims(r#"{"aud":["a",1,"b"]}"#).aud, ["a", "b"]);
        assert_eq!(claims(r#"{"aud":null}"#).aud, [] as [&str; 0]);
    }

    #[test]
    fn only_claims_that_were_asked_for_keep_their_values() {
        assert_eq!(claims(r#"{"tenant":"acme","secret":"x"}"#).shown, [Some("acme".to_owned())]);
        assert_eq!(claims(r#"{"tenant":{"id":1}}"#).shown, [Some(r#"{"id":1}"#.to_owned())]);
    }
}
