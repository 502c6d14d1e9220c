//! Spring Security 6 as a resource server (`NimbusJwtDecoder.java`, `JwtTimestampValidator.java`, `JwtIssuerValidator.java`,
//! `JwtClaimValidator.java`), on nimbus-jose-jwt 9 (`JWTParser.java`, `DefaultJWTProcessor.java`, `JWSVerificationKeySelector.java`),
//! configured as Spring Boot does it from `issuer-uri`, `jws-algorithms` and `audiences`.
//!
//! The type of the token and its signature come before the claims, then the dates, the issuer and the audience. A token is still
//! taken at `exp` + skew, which is 60 seconds. With several issuers, `JwtIssuerAuthenticationManagerResolver` asks for the issuer
//! before anything else.

use serde_json::{Map, Value};

use super::Input;
use super::check::{Check, Checks, Choice, Text};
use super::read::{self, Base64};
use super::setup::{Effort, HeldKey};

/// nimbus reads what it can; what is no base64 gives text that is no JSON.
const BASE64: Base64 = Base64 { standard: true, padding: true, stray_bits: true };

/// What stands before every error of the decoder.
const DECODE: &str = "An error occurred while attempting to decode the Jwt: ";

pub(super) fn checks(input: &Input<'_>) -> Vec<Check> {
    let mut checks = Checks::default();
    let several = input.setup.issuers.as_ref().is_some_and(|issuers| issuers.len() > 1);
    let malformed =
        if several { "InvalidBearerTokenException: …".to_owned() } else { bad("Malformed token") };
    let header =
        input.parts.first().and_then(|part| BASE64.decode(part)).and_then(|bytes| strict_object(&bytes));
    let Some(header) = header else { return checks.fail(malformed) };
    let Some(alg) = read::text(header.get("alg")) else { return checks.fail(malformed) };
    let [_, payload, signature] = input.parts[..] else { return checks.fail(malformed) };
    if alg == "none" {
        return checks.fail(if signature.is_empty() {
            "BadJwtException: Unsupported algorithm of none".to_owned()
        } else {
            malformed
        });
    }
    if signature.is_empty() {
        return checks.fail(malformed);
    }
    let claims = BASE64.decode(payload).and_then(|bytes| strict_object(&bytes)).filter(is_claims_set);
    if several && claims.is_none() {
        return checks.fail(malformed);
    }
    if several && !input.is_trusted {
        return checks.fail(match claims.as_ref().and_then(|claims| claims.get("iss")) {
            Some(_) => "InvalidBearerTokenException: Invalid issuer",
            None => "InvalidBearerTokenException: Missing issuer",
        });
    }
    if !is_jwt(&header) {
        return checks.fail(bad("JOSE header typ (type) … not allowed"));
    }
    let Some(claims) = claims else { return checks.fail(bad("Malformed payload")) };
    let signature = BASE64.decode(signature).unwrap_or_default();
    add_key(input, &header, alg, &signature, &mut checks);
    if let (Some(exp), Some(iat)) = (seconds(&claims, "exp"), seconds(&claims, "iat"))
        && exp <= iat
    {
        return checks.fail(format!("JwtException: {DECODE}expiresAt must be after issuedAt"));
    }
    check_claims(input, &claims, &mut checks);
    checks.done()
}

fn bad(what: &str) -> String {
    format!("BadJwtException: {DECODE}{what}")
}

fn invalid(what: &str) -> Text {
    format!("JwtValidationException: {DECODE}{what}").into()
}

/// An object in which no member stands twice: Gson refuses those.
fn strict_object(bytes: &[u8]) -> Option<Map<String, Value>> {
    struct Once;
    impl<'de> serde::de::Visitor<'de> for Once {
        type Value = Map<String, Value>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }
        fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Map::new();
            while let Some((name, value)) = map.next_entry()? {
                if members.insert(name, value).is_some() {
                    return Err(serde::de::Error::custom("a member stands twice"));
                }
            }
            Ok(members)
        }
    }
    let text = String::from_utf8_lossy(bytes);
    let mut json = serde_json::Deserializer::from_str(&text);
    let members = serde::Deserializer::deserialize_map(&mut json, Once).ok()?;
    json.end().ok().map(|()| members)
}

/// `JWTClaimsSet.parse`: dates are numbers, and `iss` and `sub` are strings.
fn is_claims_set(claims: &Map<String, Value>) -> bool {
    let is_of = |name: &str, kind: fn(&Value) -> bool| {
        claims.get(name).is_none_or(|value| value.is_null() || kind(value))
    };
    ["iss", "sub", "jti"].into_iter().all(|name| is_of(name, Value::is_string))
        && ["exp", "nbf", "iat"].into_iter().all(|name| is_of(name, Value::is_number))
}

/// `DefaultJOSEObjectTypeVerifier.JWT`: no `typ`, or `JWT` in any letter case.
fn is_jwt(header: &Map<String, Value>) -> bool {
    match header.get("typ") {
        None | Some(Value::Null) => true,
        Some(typ) => typ.as_str().is_some_and(|typ| typ.eq_ignore_ascii_case("JWT")),
    }
}

/// `DefaultJWTProcessor`: every key that matches is tried.
fn add_key(input: &Input<'_>, header: &Map<String, Value>, alg: &str, signature: &[u8], checks: &mut Checks) {
    let setup = input.setup;
    let none = bad("Signed JWT rejected: Another algorithm expected, or no matching key(s) found");
    if !setup.allows(alg) {
        checks.add(Check::Always(none.into()));
        return;
    }
    if setup.keys.is_empty() {
        return;
    }
    let kid = read::text(header.get("kid"));
    let matches = |held: &HeldKey| {
        held.is_usable()
            && held.fits_kind(alg)
            && held.is_for_signatures()
            && held.key.alg.as_deref().is_none_or(|own| own == alg)
            && (!setup.fetches || kid.is_none_or(|kid| held.has_kid(kid)))
    };
    let has_critical = header.get("crit").is_some_and(|crit| crit != &serde_json::json!(["b64"]));
    let error = |held: &HeldKey, effort: &mut Effort| {
        let verifies = !has_critical && held.verifies(alg, input.signing_input(), signature, effort);
        (!verifies).then(|| bad("Signed JWT rejected: Invalid signature").into())
    };
    checks.add(Check::Key(setup.key_check(Choice::Any { last: true }, Some(none.into()), matches, error)));
}

/// The seconds of a date; a fraction is cut.
fn seconds(claims: &Map<String, Value>, name: &str) -> Option<i64> {
    let value = claims.get(name)?;
    // The cast saturates.
    value.as_i64().or_else(|| value.as_f64().map(|seconds| seconds as i64))
}

fn check_claims(input: &Input<'_>, claims: &Map<String, Value>, checks: &mut Checks) {
    let skew = input.setup.leeway_or(60);
    if let Some(exp) = seconds(claims, "exp") {
        // It is expired once it lies before the clock less the skew.
        let turn = exp.saturating_mul(1000).saturating_add(skew).saturating_add(1);
        checks.add(Check::From(turn, invalid("Jwt expired at …")));
    }
    if let Some(nbf) = seconds(claims, "nbf") {
        let turn = nbf.saturating_mul(1000).saturating_sub(skew);
        checks.add(Check::Before(turn, invalid("Jwt used before …")));
    }
    if !input.issuer_is_taken() {
        checks.add(Check::Always(invalid("The iss claim is not valid")));
    }
    let Some(expected) = &input.setup.audiences else { return };
    let is_known = |aud: &Value| aud.as_str().is_some_and(|aud| expected.iter().any(|known| known == aud));
    let matches = match claims.get("aud") {
        Some(Value::Array(several)) => several.iter().any(is_known),
        Some(one) => is_known(one),
        None => false,
    };
    if !matches {
        checks.add(Check::Always(invalid("The aud claim is not valid")));
    }
}

#[cfg(test)]
mod tests {
    use super::super::Profile;
    use super::super::testing::{NOW, RIGHT, assert_said, fetched, hs256, rs256, secret, signed};

    /// Of `NimbusJwtDecoder.java`, `JwtTimestampValidator.java` and `DefaultJWTProcessor.java`.
    #[test]
    fn spring_checks_type_and_signature_then_dates_issuer_and_audience() {
        let told = |class: &str, what: &str| {
            format!("{class}: An error occurred while attempting to decode the Jwt: {what}")
        };
        let invalid = |what: &str| told("JwtValidationException", what);
        let bad = |what: &str| told("BadJwtException", what);
        let hs = |claims: &str| signed(r#"{"alg":"HS256"}"#, claims);
        let late = hs256(&format!(r#","exp":{NOW}"#));
        let early = hs256(&format!(r#","nbf":{NOW}"#));
        assert_said(
            Profile::Spring,
            &secret(""),
            &[
                (&late, 60, ""),
                (&late, 61, &invalid("Jwt expired at …")),
                (&early, -60, ""),
                (&early, -61, &invalid("Jwt used before …")),
                (&hs(r#"{"iss":"https://x.example","exp":1}"#), 0, &invalid("Jwt expired at …")),
                (&hs(r#"{"iss":"https://x.example"}"#), 0, &invalid("The iss claim is not valid")),
                (
                    &hs(r#"{"iss":"https://auth.example.com/","aud":"x"}"#),
                    0,
                    &invalid("The aud claim is not valid"),
                ),
                (&hs256(r#","exp":"soon""#), 0, &bad("Malformed payload")),
                (&hs256(r#","sub":"twice""#), 0, &bad("Malformed payload")),
                (&hs256(r#","iat":5,"exp":5"#), 0, &told("JwtException", "expiresAt must be after issuedAt")),
                (
                    &signed(r#"{"alg":"HS256","typ":"at+jwt"}"#, &format!("{{{RIGHT}}}")),
                    0,
                    &bad("JOSE header typ (type) … not allowed"),
                ),
                (
                    &signed(r#"{"alg":"HS256","crit":["x"]}"#, &format!("{{{RIGHT}}}")),
                    0,
                    &bad("Signed JWT rejected: Invalid signature"),
                ),
                (&signed(r#"{"alg":"none"}"#, "{}"), 0, &bad("Malformed token")),
                (
                    signed(r#"{"alg":"none"}"#, "{}")
                        .rsplit_once('.')
                        .map(|(front, _)| format!("{front}."))
                        .unwrap()
                        .as_str(),
                    0,
                    "BadJwtException: Unsupported algorithm of none",
                ),
                (
                    &rs256("", "{}"),
                    0,
                    &bad("Signed JWT rejected: Another algorithm expected, or no matching key(s) found"),
                ),
            ],
        );
        assert_said(
            Profile::Spring,
            &secret("leeway = \"0s\""),
            &[(&late, 0, ""), (&late, 1, &invalid("Jwt expired at …"))],
        );
    }

    #[test]
    fn spring_tells_an_unknown_key_from_a_wrong_signature() {
        let (old, none) = (rs256(r#","kid":"old""#, "{}"), rs256("", "{}"));
        let decode =
            "BadJwtException: An error occurred while attempting to decode the Jwt: Signed JWT rejected: ";
        let wrong = format!("{decode}Invalid signature");
        let unknown = format!("{decode}Another algorithm expected, or no matching key(s) found");
        assert_said(
            Profile::Spring,
            &fetched(),
            &[(&old, 0, &wrong), (&old, 3600, &unknown), (&none, 3600, &wrong)],
        );
    }
}
