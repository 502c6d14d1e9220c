//! What kind of token it is, as its own words tell: first the explicit ones, then the claims that only one kind has.

use super::TokenType;
use crate::token::{Claims, Header};

/// Claims that bind an ID token to what was issued with it (OpenID Connect Core §2, §3.3.2.11).
const ID_BINDINGS: [&str; 3] = ["at_hash", "c_hash", "s_hash"];

/// Claims of access tokens: scopes and clients (RFC 9068 §2.2, RFC 8693 §4.2, Okta, Entra, Auth0, Keycloak).
const ACCESS_CUES: [&str; 9] =
    ["scope", "scp", "client_id", "cid", "appid", "permissions", "realm_access", "appidacr", "azpacr"];

/// Claims about a login or a person, which alone make an ID token.
const ID_CUES: [&str; 3] = ["nonce", "email_verified", "firebase"];

/// The kind of a token with these claims; `None` when it does not say.
#[must_use]
pub fn token_type(header: &Header, claims: &Claims) -> Option<TokenType> {
    let typ = header.typ.as_deref().unwrap_or_default().to_ascii_lowercase();
    match typ.strip_prefix("application/").unwrap_or(&typ) {
        "at+jwt" => return Some(TokenType::Access),
        "logout+jwt" => return Some(TokenType::Logout),
        _ => {}
    }
    match claims.typ.as_deref() {
        Some("Bearer") => return Some(TokenType::Access),
        Some("ID") => return Some(TokenType::Id),
        Some("Refresh" | "Offline") => return Some(TokenType::Refresh),
        Some("Logout") => return Some(TokenType::Logout),
        _ => {}
    }
    match claims.token_use.as_deref() {
        Some("access") => return Some(TokenType::Access),
        Some("id") => return Some(TokenType::Id),
        Some("refresh") => return Some(TokenType::Refresh),
        _ => {}
    }
    let has_any = |names: &[&str]| names.iter().any(|name| claims.has(name));
    if has_any(&ID_BINDINGS) {
        Some(TokenType::Id)
    } else if has_any(&ACCESS_CUES) {
        Some(TokenType::Access)
    } else if has_any(&ID_CUES) {
        Some(TokenType::Id)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::token;
    use super::*;

    #[test]
    fn the_kind_is_told_by_explicit_words_first_and_by_claims_next() {
        use TokenType::{Access, Id, Logout, Refresh};
        for (header, claims, kind) in [
            (r#"{"typ":"at+jwt"}"#, r#"{"nonce":"n"}"#, Some(Access)),
            (r#"{"typ":"application/AT+JWT"}"#, "{}", Some(Access)),
            (r#"{"typ":"logout+jwt"}"#, "{}", Some(Logout)),
            (r#"{"typ":"JWT"}"#, r#"{"typ":"Bearer","nonce":"n"}"#, Some(Access)),
            ("{}", r#"{"typ":"ID","azp":"c"}"#, Some(Id)),
            ("{}", r#"{"typ":"Offline","scope":"x"}"#, Some(Refresh)),
            ("{}", r#"{"token_use":"id","client_id":"c"}"#, Some(Id)),
            ("{}", r#"{"token_use":"access"}"#, Some(Access)),
            ("{}", r#"{"scope":"openid","at_hash":"h"}"#, Some(Id)),
            ("{}", r#"{"scope":"openid","nonce":"n"}"#, Some(Access)),
            ("{}", r#"{"nonce":"n"}"#, Some(Id)),
            ("{}", r#"{"email_verified":true}"#, Some(Id)),
            (r#"{"typ":"JWT"}"#, r#"{"sub":"x","azp":"c"}"#, None),
        ] {
            let token = token(header, claims);
            assert_eq!(token_type(&token.header, &token.claims.unwrap()), kind, "{header} {claims}");
        }
    }
}
