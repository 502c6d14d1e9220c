//! `Microsoft.IdentityModel` 8 (`JsonWebTokenHandler.ValidateSignature.cs`, `JsonWebToken.PayloadClaimSet.cs`, `Validators.cs`,
//! `ValidatorUtilities.cs`, `InternalValidators.cs`), as `AddJwtBearer` of ASP.NET Core configures it.
//!
//! The signature comes before lifetime, audience and issuer, in this order. Where no key has the token's `kid`, all keys are tried,
//! and then lifetime, issuer and audience come before the complaint about the key: a token that is expired is told to be expired.
//! `exp` is required, and `nbf` may not lie behind it. The skew is five minutes, and a token is still taken at `exp` + skew. An
//! audience may differ by a `/` at its end. The texts are English ones, with what varies left out: numbers of keys, the keys, the token.

use serde_json::{Map, Value};

use super::Input;
use super::check::{Check, Checks, Choice, Text};
use super::read::{self, Base64};
use super::setup::{Effort, HeldKey};

const BASE64: Base64 = Base64 { standard: true, padding: true, stray_bits: true };

pub(super) fn checks(input: &Input<'_>) -> Vec<Check> {
    let mut checks = Checks::default();
    let malformed = |what: &str| format!("SecurityTokenMalformedException: {what}");
    let form = match input.parts.len() {
        1 => Some("IDX14100: JWT is not well formed, there are no dots (.).…"),
        2 if input.parts[1].is_empty() => Some("IDX14100: JWT is not well formed, there are no dots (.).…"),
        2 => Some("IDX14120: JWT is not well formed, there is only one dot (.).…"),
        3 => None,
        4 => Some("IDX14121: JWT is not a well formed JWE, there must be four dots (.).…"),
        5 => return checks.fail("SecurityTokenDecryptionFailedException: …"),
        _ => Some(
            "IDX14122: JWT is not a well formed JWE, there are more than four dots (.) a JWE can have at most 4 dots.…",
        ),
    };
    if let Some(form) = form {
        return checks.fail(malformed(form));
    }
    let object = |part: &str| BASE64.decode(part).and_then(|bytes| read::object(&bytes));
    let Some(header) = object(input.parts[0]) else {
        return checks
            .fail(malformed("IDX14102: Unable to decode the header '…' as Base64Url encoded string."));
    };
    let Some(claims) = object(input.parts[1]).filter(is_readable) else {
        return checks
            .fail(malformed("IDX14101: Unable to decode the payload '…' as Base64Url encoded string."));
    };
    let Some(signature) = BASE64.decode(input.parts[2]) else {
        return checks.fail("FormatException: IDX10400: …");
    };
    if input.parts[2].is_empty() {
        return checks.fail(
            "SecurityTokenInvalidSignatureException: IDX10504: Unable to validate signature, token does not have a signature: '…'.",
        );
    }
    let lifetime = lifetime(input, &claims);
    let (audience, issuer) = (audience(input, claims.get("aud")), issuer(input, claims.get("iss")));
    add_key(input, &header, &signature, &mut checks, [&lifetime, &issuer, &audience]);
    lifetime.into_iter().chain(audience).chain(issuer).for_each(|check| checks.add(check));
    checks.done()
}

/// `ValidateSignature`. `claims` are the checks that come first where no key has the token's name.
fn add_key(
    input: &Input<'_>,
    header: &Map<String, Value>,
    signature: &[u8],
    checks: &mut Checks,
    claims: [&[Check]; 3],
) {
    let setup = input.setup;
    if setup.keys.is_empty() {
        return;
    }
    let alg = read::text(header.get("alg")).unwrap_or_default();
    let kid = read::text(header.get("kid")).filter(|kid| !kid.is_empty());
    let verifies = |held: &HeldKey, effort: &mut Effort| {
        let is_allowed = setup.algorithms.is_none() || setup.allows(alg);
        is_allowed && held.fits_kind(alg) && held.verifies(alg, input.signing_input(), signature, effort)
    };
    let matched =
        "SecurityTokenInvalidSignatureException: IDX10511: Signature validation failed. Keys tried: '…'. …";
    let (unmatched, any) = match kid {
        Some(kid) => {
            let kid = read::repeated(kid);
            let unmatched = format!(
                "SecurityTokenSignatureKeyNotFoundException: IDX10503: Signature validation failed. The token's kid is: '{kid}', \
                 but did not match any keys in TokenValidationParameters or Configuration. Keys tried: '…'. …"
            );
            (unmatched, false)
        }
        None => (
            "SecurityTokenSignatureKeyNotFoundException: IDX10517: Signature validation failed. The token's kid is missing. Keys \
             tried: '…'. …"
                .to_owned(),
            true,
        ),
    };
    let named = |held: &HeldKey| held.is_usable() && (any || kid.is_some_and(|kid| held.has_kid(kid)));
    let own = setup.key_check(Choice::Any { last: true }, None, named, |held, effort| {
        (!verifies(held, effort)).then(|| if any { unmatched.clone().into() } else { Text::from(matched) })
    });
    checks.add(Check::Key(own.clone()));
    if any {
        return;
    }
    // While no key of that name is published, the others are tried, and if none verifies, the claims have the first word.
    let others = setup.key_check(
        Choice::Any { last: true },
        None,
        |held| held.is_usable() && !named(held),
        |held, effort| (!verifies(held, effort)).then(|| unmatched.clone().into()),
    );
    let fallback = |error: Check| Check::Otherwise {
        unless: own
            .trials
            .iter()
            .chain(others.trials.iter().filter(|trial| trial.error.is_none()))
            .cloned()
            .collect(),
        check: Box::new(error),
    };
    for check in claims.into_iter().flatten() {
        checks.add(fallback(check.clone()));
    }
    checks.add(fallback(Check::Always(unmatched.into())));
}

/// `ReadPayloadValue` of `JsonWebToken.PayloadClaimSet.cs`: the types of the claims.
fn is_readable(claims: &Map<String, Value>) -> bool {
    let is_of = |name: &str, kind: fn(&Value) -> bool| claims.get(name).is_none_or(kind);
    let is_text = |value: &Value| value.is_string() || value.is_null();
    ["iss", "jti", "azp"].into_iter().all(|name| is_of(name, is_text))
        && ["exp", "nbf", "iat"].into_iter().all(|name| is_of(name, |value| seconds(value).is_some()))
        && is_of("sub", |value| value.is_string() || value.is_null() || value.is_number())
        && is_of("aud", |value| match value {
            Value::Array(several) => several.iter().all(|value| value.is_string() || value.is_null()),
            one => one.is_string() || one.is_null(),
        })
}

/// `ReadLong`: a number, or one as text; a fraction is rounded, a half to the even number.
fn seconds(value: &Value) -> Option<i64> {
    let (whole, number) = match value {
        Value::Number(number) => (number.as_i64(), number.as_f64()),
        Value::String(text) => (text.trim().parse().ok(), text.trim().parse().ok()),
        _ => return None,
    };
    let fits = |number: &f64| number.abs() < i64::MAX as f64;
    whole.or_else(|| number.filter(fits).map(|number: f64| number.round_ties_even() as i64))
}

/// `ValidateLifetime`
fn lifetime(input: &Input<'_>, claims: &Map<String, Value>) -> Vec<Check> {
    let date = |name: &str| claims.get(name).and_then(seconds).map(|seconds| seconds.saturating_mul(1000));
    let skew = input.setup.leeway_or(300);
    let fails = |text: &'static str| vec![Check::Always(text.into())];
    let Some(exp) = date("exp") else {
        return fails(
            "SecurityTokenNoExpirationException: IDX10225: Lifetime validation failed. The token is missing an Expiration Time. …",
        );
    };
    let nbf = date("nbf");
    if nbf.is_some_and(|nbf| nbf > exp) {
        return fails(
            "SecurityTokenInvalidLifetimeException: IDX10224: Lifetime validation failed. The NotBefore (UTC): '…' is after Expires (UTC): '…'.",
        );
    }
    let early = nbf.map(|nbf| {
        Check::Before(
            nbf.saturating_sub(skew),
            "SecurityTokenNotYetValidException: IDX10222: Lifetime validation failed. The token is not yet valid. ValidFrom (UTC): '…', Current time (UTC): '…'."
                .into(),
        )
    });
    // It is expired once it lies before the clock less the skew.
    let late = Check::From(
        exp.saturating_add(skew).saturating_add(1),
        "SecurityTokenExpiredException: IDX10223: Lifetime validation failed. The token is expired. ValidTo (UTC): '…', Current time (UTC): '…'."
            .into(),
    );
    early.into_iter().chain([late]).collect()
}

/// `ValidateAudience`
fn audience(input: &Input<'_>, aud: Option<&Value>) -> Vec<Check> {
    let Some(expected) = &input.setup.audiences else { return Vec::new() };
    let bare = |aud: &str| aud.strip_suffix('/').unwrap_or(aud).to_owned();
    let is_known =
        |aud: &Value| aud.as_str().is_some_and(|aud| expected.iter().any(|known| bare(known) == bare(aud)));
    let (matches, is_empty) = match aud {
        None | Some(Value::Null) => (false, true),
        Some(Value::Array(several)) => (several.iter().any(is_known), several.is_empty()),
        Some(one) => (is_known(one), false),
    };
    let error = if matches {
        return Vec::new();
    } else if is_empty {
        "IDX10206: Unable to validate audience. The 'audiences' parameter is empty."
    } else {
        "IDX10214: Audience validation failed. …"
    };
    vec![Check::Always(format!("SecurityTokenInvalidAudienceException: {error}").into())]
}

/// `ValidateIssuer`
fn issuer(input: &Input<'_>, iss: Option<&Value>) -> Vec<Check> {
    if input.issuer_is_taken() {
        return Vec::new();
    }
    let is_blank = iss.and_then(Value::as_str).is_none_or(|iss| iss.trim().is_empty());
    let error = if is_blank {
        "IDX10211: Unable to validate issuer. The 'issuer' parameter is null or whitespace"
    } else {
        "IDX10205: Issuer validation failed. …"
    };
    vec![Check::Always(format!("SecurityTokenInvalidIssuerException: {error}").into())]
}

#[cfg(test)]
mod tests {
    use super::super::Profile;
    use super::super::testing::{NOW, assert_said, fetched, hs256, rs256, secret, signed};

    const UNREADABLE: &str = "SecurityTokenMalformedException: IDX14101: Unable to decode the payload '…' as Base64Url encoded string.";

    const EXPIRED: &str = "SecurityTokenExpiredException: IDX10223: Lifetime validation failed. The token is expired. ValidTo (UTC): '…', Current time (UTC): '…'.";

    /// Of `Validators.cs`, `ValidatorUtilities.cs` and `JsonWebToken.cs`.
    #[test]
    fn dotnet_checks_the_signature_then_lifetime_audience_and_issuer() {
        let late = hs256(&format!(r#","exp":{NOW}"#));
        let early = hs256(&format!(r#","nbf":{NOW},"exp":{}"#, NOW + 600));
        let hs = |claims: &str| signed(r#"{"alg":"HS256"}"#, claims);
        let live = format!(r#""exp":{}"#, NOW + 600);
        let audience = |what: &str| format!("SecurityTokenInvalidAudienceException: {what}");
        let issuer = |what: &str| format!("SecurityTokenInvalidIssuerException: {what}");
        let right = r#""aud":"https://api.example.com/""#;
        assert_said(
            Profile::Dotnet,
            &secret(""),
            &[
                (&late, 300, ""),
                (&late, 301, EXPIRED),
                (&early, -300, ""),
                (
                    &early,
                    -301,
                    "SecurityTokenNotYetValidException: IDX10222: Lifetime validation failed. The token is not yet valid. ValidFrom (UTC): '…', Current time (UTC): '…'.",
                ),
                (
                    &hs256(""),
                    0,
                    "SecurityTokenNoExpirationException: IDX10225: Lifetime validation failed. The token is missing an Expiration Time. …",
                ),
                (
                    &hs256(r#","nbf":9,"exp":8"#),
                    0,
                    "SecurityTokenInvalidLifetimeException: IDX10224: Lifetime validation failed. The NotBefore (UTC): '…' is after Expires (UTC): '…'.",
                ),
                (
                    &hs(&format!("{{{live}}}")),
                    0,
                    &audience("IDX10206: Unable to validate audience. The 'audiences' parameter is empty."),
                ),
                (
                    &hs(&format!(r#"{{{live},"aud":"x"}}"#)),
                    0,
                    &audience("IDX10214: Audience validation failed. …"),
                ),
                (
                    &hs(&format!("{{{live},{right}}}")),
                    0,
                    &issuer(
                        "IDX10211: Unable to validate issuer. The 'issuer' parameter is null or whitespace",
                    ),
                ),
                (
                    &hs(&format!(r#"{{{live},{right},"iss":"x"}}"#)),
                    0,
                    &issuer("IDX10205: Issuer validation failed. …"),
                ),
                (&hs(&format!(r#"{{{live},{right},"iss":"https://auth.example.com/"}}"#)), 0, ""),
                (&hs256(r#","exp":"soon""#), 0, UNREADABLE),
                (&hs256(r#","exp":null"#), 0, UNREADABLE),
                (&hs256(r#","exp":true"#), 0, UNREADABLE),
                (&hs256(r#","exp":1,"nbf":{}"#), 0, UNREADABLE),
                (&hs(r#"{"exp":9999999999,"iss":5}"#), 0, UNREADABLE),
                (&hs(r#"{"exp":9999999999,"aud":["x",5]}"#), 0, UNREADABLE),
                (&hs256(&format!(r#","exp":"{NOW}""#)), 300, ""),
                (&hs256(&format!(r#","exp":"{NOW}""#)), 301, EXPIRED),
                (&hs256(&format!(r#","exp":{NOW}.6"#)), 301, ""),
                (
                    &hs("[1]"),
                    0,
                    "SecurityTokenMalformedException: IDX14101: Unable to decode the payload '…' as Base64Url encoded string.",
                ),
                (
                    late.rsplit_once('.').unwrap().0,
                    0,
                    "SecurityTokenMalformedException: IDX14120: JWT is not well formed, there is only one dot (.).…",
                ),
            ],
        );
        assert_said(Profile::Dotnet, &secret("leeway = \"0s\""), &[(&late, 0, ""), (&late, 1, EXPIRED)]);
    }

    /// Of `JsonWebTokenHandler.ValidateSignature.cs` and `InternalValidators.cs`.
    #[test]
    fn dotnet_lets_the_claims_speak_first_where_no_key_has_the_token_s_name() {
        let live = format!(
            r#"{{"iss":"https://auth.example.com/","aud":"https://api.example.com","exp":{}}}"#,
            NOW + 9000
        );
        let expired = r#"{"exp":1}"#;
        let matched = "SecurityTokenInvalidSignatureException: IDX10511: Signature validation failed. Keys tried: '…'. …";
        let unmatched = "SecurityTokenSignatureKeyNotFoundException: IDX10503: Signature validation failed. The token's kid is: 'old', but did not match any keys in TokenValidationParameters or Configuration. Keys tried: '…'. …";
        let unnamed = "SecurityTokenSignatureKeyNotFoundException: IDX10517: Signature validation failed. The token's kid is missing. Keys tried: '…'. …";
        assert_said(
            Profile::Dotnet,
            &fetched(),
            &[
                (&rs256(r#","kid":"old""#, expired), 3599, matched),
                (&rs256(r#","kid":"old""#, expired), 3600, EXPIRED),
                (&rs256(r#","kid":"old""#, &live), 3600, unmatched),
                (&rs256("", expired), 0, unnamed),
            ],
        );
    }
}
