//! An OpenID discovery document and JWKS files → a policy. Both were saved by the user: nothing is fetched.

use serde_json::{Map, Value};

use super::draft::{Draft, count, quoted, shown, unfit_name};
use crate::error::{Error, Result};
use crate::policy::algorithm::{self, KNOWN};
use crate::policy::key::Material;
use crate::policy::{Key, Warning, jwks};

/// The member of OpenID Connect Discovery 1.0 §3 that lists algorithms.
const ALGORITHMS: &str = "id_token_signing_alg_values_supported";

/// How many keys of one file are listed.
const KEYS_LISTED: usize = 50;

/// A JWKS file.
#[derive(Clone, Copy, Debug)]
pub struct KeyFile<'a> {
    /// How errors call it.
    pub name: &'a str,
    /// Its path, as the policy will name it.
    pub path: &'a str,
    /// What it holds.
    pub bytes: &'a [u8],
}

/// The policy for the issuer of a discovery document (OpenID Connect Discovery 1.0 §3, RFC 8414 §2), called `name` in
/// errors, and its keys.
///
/// # Errors
/// When it is no such document, or a file is no JWKS: which, what was expected and what was found.
pub fn init(document: &[u8], name: &str, key_files: &[KeyFile<'_>]) -> Result<String> {
    let metadata = Metadata::read(document).map_err(|error| Error::new(format!("{name}: {error}")))?;
    let sets = key_files.iter().map(KeySet::read).collect::<Result<Vec<_>>>()?;
    let mut draft = Draft::default();
    head(&mut draft);
    issuer(&mut draft, &metadata, &sets);
    if sets.is_empty() {
        no_keys(&mut draft, &metadata);
    }
    for (n, set) in sets.iter().enumerate() {
        key_set(&mut draft, set, n == 0, sets.len() > 1);
    }
    Ok(draft.finish())
}

/// What a discovery document says that a policy needs.
struct Metadata {
    issuer: String,
    jwks_uri: Option<String>,
    /// `None`: the document does not say.
    algorithms: Option<Vec<String>>,
}

impl Metadata {
    fn read(document: &[u8]) -> Result<Self, String> {
        const EXPECTED: &str = "expected an OpenID discovery document (a JSON object with \"issuer\")";
        let document = document.strip_prefix(b"\xef\xbb\xbf").unwrap_or(document);
        // The text of the JSON error may quote the document: only its place is told.
        let value: Value = serde_json::from_slice(document).map_err(|error| {
            format!("{EXPECTED}, found no JSON at line {} column {}", error.line(), error.column())
        })?;
        let Value::Object(members) = value else {
            return Err(format!("{EXPECTED}, found other JSON"));
        };
        let issuer = match members.get("issuer") {
            Some(Value::String(issuer)) if !issuer.is_empty() => issuer.clone(),
            Some(_) => return Err(format!("{EXPECTED}, found an \"issuer\" that is no name")),
            None if members.contains_key("keys") => {
                return Err(format!("{EXPECTED}, found a JWKS document: give it with --jwks"));
            }
            None => return Err(format!("{EXPECTED}, found an object without it")),
        };
        let jwks_uri = members.get("jwks_uri").and_then(Value::as_str).map(str::to_owned);
        Ok(Self { issuer, jwks_uri, algorithms: Self::algorithms(&members) })
    }

    fn algorithms(members: &Map<String, Value>) -> Option<Vec<String>> {
        let listed = members.get(ALGORITHMS)?.as_array()?;
        let mut names: Vec<String> = Vec::new();
        for name in listed.iter().filter_map(Value::as_str) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        Some(names)
    }
}

/// The keys of a file.
struct KeySet<'a> {
    path: &'a str,
    keys: Vec<Key>,
    warnings: Vec<Warning>,
}

impl<'a> KeySet<'a> {
    fn read(file: &KeyFile<'a>) -> Result<Self> {
        let mut warnings = Vec::new();
        let keys = jwks::parse(file.bytes, file.path, &mut warnings)
            .map_err(|error| Error::new(format!("{}: {error}", file.name)))?;
        Ok(Self { path: file.path, keys, warnings })
    }
}

fn head(draft: &mut Draft) {
    draft.comment(
        "Written by `jwtriage policy init` from what the issuer publishes. Read it, make the decisions that",
    );
    draft.comment("are left open, and then see what `jwtriage policy check` says about it.");
    draft.blank();
    draft.suggestion("leeway = \"30s\"", "decide: how far clocks may differ; default 0s");
    draft.suggestion(
        "show_claims = [\"tenant\"]",
        "decide: claims whose plain values reports may show; default none",
    );
    draft.blank();
}

fn issuer(draft: &mut Draft, metadata: &Metadata, sets: &[KeySet<'_>]) {
    let name = &metadata.issuer;
    if let Some(why) = unfit_name(name) {
        draft.comment("decide: no policy can name this issuer as the document writes it:");
        draft.detail(why);
        draft.detail(
            "Write iss, or iss_pattern, as your tokens have it, and take the # from the lines of the table.",
        );
        draft.commented_out = true;
    } else if name.get(..8).is_none_or(|scheme| !scheme.eq_ignore_ascii_case("https://")) {
        draft.comment("decide: is this the issuer? OpenID demands an https URL.");
    }
    draft.setting("[[issuer]]", "");
    let iss = if draft.commented_out { shown(name) } else { quoted(name) };
    draft.setting(&format!("iss = {iss}"), "compared exactly, with the slash at its end or without");
    draft
        .suggestion("environment = \"prod\"", "decide: which environment it belongs to; default \"default\"");
    draft.suggestion(
        "audiences = [\"https://api.example.com\"]",
        "decide: what aud your service answers to; without it any is valid",
    );
    algorithms(draft, metadata, sets);
    draft.suggestion(
        "token_type = \"access\"",
        "decide: \"access\" where an API takes the tokens, \"id\" for logins; default any",
    );
    draft
        .suggestion("required_claims = [\"sub\"]", "decide: claims that every token must have; default none");
    draft.suggestion("max_lifetime = \"1h\"", "decide: the longest time from iat to exp; default not judged");
    let keys = || sets.iter().flat_map(|set| &set.keys);
    let unnamed = keys().filter(|key| key.kid.is_none()).count() as u64;
    let note = match (keys().count() as u64, unnamed) {
        (0, _) => "decide: whether a token must name its key; default false".to_owned(),
        (_, 0) => "decide: whether a token must name its key; all keys here have a kid".to_owned(),
        (all, _) => format!("decide: not as it is: {unnamed} of {} here have no kid", count(all, "key")),
    };
    draft.suggestion("require_kid = true", &note);
}

fn algorithms(draft: &mut Draft, metadata: &Metadata, sets: &[KeySet<'_>]) {
    let served = |alg: &str| {
        let usable = sets.iter().flat_map(|set| &set.keys).filter(|key| key.material != Material::Unusable);
        usable.into_iter().any(|key| key.fits(alg).is_ok())
    };
    let keys_given = !sets.is_empty();
    let listed = metadata.algorithms.as_deref();
    let is_listed = |alg: &str| listed.is_some_and(|listed| listed.iter().any(|name| name == alg));
    let mut allowed: Vec<&str> = listed
        .unwrap_or_default()
        .iter()
        .map(String::as_str)
        .filter(|alg| algorithm::find(alg).is_some() && (!keys_given || served(alg)))
        .collect();
    // The document lists what ID tokens are signed with; a key that names another algorithm signs something too.
    let named = |alg: &&str| {
        sets.iter().flat_map(|set| &set.keys).any(|key| key.alg.as_deref() == Some(*alg)) && served(alg)
    };
    let of_keys: Vec<&str> =
        KNOWN.iter().map(|known| known.name).filter(named).filter(|alg| !is_listed(alg)).collect();
    let origin = match (allowed.is_empty(), &*of_keys) {
        (true, _) => "as the keys name them".to_owned(),
        (false, []) => "as the document lists them".to_owned(),
        (false, more) => format!("as the document lists them, and {}, which a key names", more.join(", ")),
    };
    allowed.extend(of_keys);
    if allowed.is_empty() {
        draft.suggestion(
            "algorithms = [\"RS256\"]",
            "decide: without it every algorithm but none is allowed; nothing given here says which",
        );
    } else {
        let names: Vec<String> = allowed.iter().map(|alg| quoted(alg)).collect();
        draft.setting(
            &format!("algorithms = [{}]", names.join(", ")),
            &format!("decide: {origin}, for ID tokens; access tokens may have fewer"),
        );
    }
    for alg in listed.unwrap_or_default().iter().filter(|alg| !allowed.contains(&alg.as_str())) {
        let why = match algorithm::find(alg) {
            _ if algorithm::is_none(alg) => "never allowed, anybody can write such a token",
            None => "no algorithm that is registered",
            Some(known) if known.hmac_len.is_some() => {
                "no key given here serves it; a client's secret would be a secret_file under [[issuer.keys]]"
            }
            Some(_) => "no key given here serves it",
        };
        draft.detail(&format!("left out {}: {why}", shown(alg)));
    }
}

fn no_keys(draft: &mut Draft, metadata: &Metadata) {
    draft.blank();
    match &metadata.jwks_uri {
        Some(uri) => draft.comment(&format!(
            "decide: without keys, kid and signature are not judged. Save what {} serves and name the file here:",
            shown(uri)
        )),
        None => draft.comment("decide: without keys, kid and signature are not judged. Name the issuer's JWKS here:"),
    }
    draft.suggestion("[[issuer.keys]]", "");
    draft.suggestion("jwks = \"keys/jwks.json\"", "relative to this file");
    windows(draft, true, false);
}

fn key_set(draft: &mut Draft, set: &KeySet<'_>, is_first: bool, has_others: bool) {
    draft.blank();
    draft.setting("[[issuer.keys]]", "");
    draft.setting(&format!("jwks = {}", quoted(set.path)), "relative to this file");
    for key in set.keys.iter().take(KEYS_LISTED) {
        let kid = key.kid.as_deref().map_or_else(|| "no kid".to_owned(), |kid| format!("kid {}", shown(kid)));
        let alg = key.alg.as_deref().map_or_else(String::new, |alg| format!(", alg {}", shown(alg)));
        let usage = key.usage.as_ref().map_or_else(String::new, |usage| format!(", use {usage}"));
        draft.detail(&format!("{kid}: {}{alg}{usage}", key.kind));
    }
    if let Some(more @ 1..) = set.keys.len().checked_sub(KEYS_LISTED) {
        draft.detail(&format!("and {}", count(more as u64, "more key")));
    }
    for warning in &set.warnings {
        draft.detail(&format!("warning: {}", warning.message));
    }
    windows(draft, is_first, has_others);
}

/// Where to write when keys came and went.
fn windows(draft: &mut Draft, is_first: bool, has_others: bool) {
    if has_others {
        let note = "decide: when these keys were published; without it they always were";
        draft.suggestion("from = \"2026-06-12T01:30:00Z\"", note);
        let note = "decide: when they were retired; without it they still are current";
        draft.suggestion("until = \"2026-06-12T02:00:00Z\"", note);
    } else if is_first {
        draft.comment("On a rotation, write here when these keys are retired, and put a second [[issuer.keys]] below it");
        draft.comment("with the new JWKS and its from, a little earlier than this until:");
        draft.suggestion("until = \"2026-06-12T02:00:00Z\"", "");
    }
}
