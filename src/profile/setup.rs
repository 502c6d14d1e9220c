//! How a verifier is configured by somebody who wants what the policy says.
//!
//! It trusts the trusted issuers of the policy. A token of one of them is judged by that issuer's rules, as a verifier does
//! that picks its configuration by `iss`; any other token by the rules of all trusted issuers together. Key sets are what a JWKS
//! client fetches; secrets, and keys of which none has a `kid`, are configured directly.

use std::borrow::Cow;
use std::sync::Arc;

use super::check::{Choice, KeyCheck, Text, Trial};
use super::read::canonical;
use crate::policy::algorithm::KNOWN;
use crate::policy::key::{Material, Usage};
use crate::policy::{Issuer, Key, KeyKind, Policy, Rules, Verification};
use crate::timestamp::Timestamp;
use crate::verdict::signature::EFFORT;

/// What a verifier is told.
#[derive(Clone, Debug)]
pub(super) struct Setup {
    /// The issuers that it takes; `None`: it does not look.
    pub(super) issuers: Option<Vec<String>>,
    /// The audiences of which a token has to name one; `None`: it is told none.
    pub(super) audiences: Option<Vec<String>>,
    /// The algorithms that it takes; `None`: it is told none.
    pub(super) algorithms: Option<Vec<String>>,
    /// The claims that it requires.
    pub(super) required_claims: Vec<String>,
    /// Its leeway in milliseconds; `None`: its own.
    pub(super) leeway: Option<i64>,
    /// Its keys, in the order of the policy.
    pub(super) keys: Vec<HeldKey>,
    /// Whether it fetches a key set and looks up `kid` there.
    pub(super) fetches: bool,
}

/// A key, and when it was published.
#[derive(Clone, Debug)]
pub(super) struct HeldKey {
    /// The key.
    pub(super) key: Arc<Key>,
    /// The same without what it says of its use, for libraries that do not ask.
    bare: Key,
    from: Option<i64>,
    until: Option<i64>,
}

/// All the setups that a policy makes.
#[derive(Debug)]
pub(super) struct Setups<'p> {
    policy: &'p Policy,
    /// For tokens of each trusted issuer, with its place in the policy.
    own: Vec<(usize, Setup)>,
    /// For all other tokens.
    other: Setup,
}

impl<'p> Setups<'p> {
    pub(super) fn new(policy: &'p Policy) -> Self {
        let trusted: Vec<(usize, &Issuer)> =
            policy.issuers.iter().enumerate().filter(|(_, issuer)| issuer.trusted).collect();
        let names: Vec<String> = trusted.iter().map(|(_, issuer)| issuer.name.to_string()).collect();
        let setup = |rules: &Rules| Setup {
            issuers: policy.judges_issuers().then(|| names.clone()),
            ..Setup::new(rules, policy)
        };
        let own: Vec<(usize, Setup)> =
            trusted.iter().map(|(place, issuer)| (*place, setup(&issuer.rules))).collect();
        let other = match own.as_slice() {
            [] => setup(policy.union()),
            [(_, only)] => only.clone(),
            several => Setup::of_all(several),
        };
        Self { policy, own, other }
    }

    /// The setup that a token with this `iss` meets, and whether the issuer is one that it takes.
    pub(super) fn of(&self, iss: Option<&str>) -> (&Setup, bool) {
        let issuer = iss.and_then(|iss| self.policy.issuer_of(iss));
        let own = issuer.and_then(|issuer| {
            self.own.iter().find(|(place, _)| std::ptr::eq(&raw const self.policy.issuers[*place], issuer))
        });
        own.map_or((&self.other, false), |(_, setup)| (setup, true))
    }
}

impl Setup {
    fn new(rules: &Rules, policy: &Policy) -> Self {
        let keys: Vec<HeldKey> = rules
            .keys
            .sets()
            .iter()
            .flat_map(|set| {
                let (from, until) = (set.from.map(Timestamp::millis), set.until.map(Timestamp::millis));
                set.keys.iter().map(move |key| HeldKey::new(key, from, until))
            })
            .collect();
        Self {
            issuers: None,
            audiences: rules.audiences.clone(),
            algorithms: rules.algorithms.clone(),
            required_claims: rules.required_claims.clone(),
            leeway: policy.states_leeway.then_some(policy.leeway),
            fetches: keys.iter().any(|held| held.key.kid.is_some() && !held.is_secret()),
            keys,
        }
    }

    /// What several take together. Where one is told no audiences or algorithms, so are all.
    fn of_all(setups: &[(usize, Self)]) -> Self {
        let setups = || setups.iter().map(|(_, setup)| setup);
        let all = |of: fn(&Self) -> &Option<Vec<String>>| {
            let lists: Option<Vec<&Vec<String>>> = setups().map(|setup| of(setup).as_ref()).collect();
            let mut all: Vec<String> = Vec::new();
            for value in lists?.into_iter().flatten() {
                if !all.contains(value) {
                    all.push(value.clone());
                }
            }
            Some(all)
        };
        let first = setups().next();
        Self {
            issuers: first.and_then(|setup| setup.issuers.clone()),
            audiences: all(|setup| &setup.audiences),
            algorithms: all(|setup| &setup.algorithms),
            required_claims: Vec::new(),
            leeway: first.and_then(|setup| setup.leeway),
            keys: setups().flat_map(|setup| setup.keys.iter().cloned()).collect(),
            fetches: setups().any(|setup| setup.fetches),
        }
    }

    /// The leeway in milliseconds, or the verifier's own, in seconds.
    pub(super) fn leeway_or(&self, seconds: i64) -> i64 {
        self.leeway.unwrap_or(seconds * 1000)
    }

    /// The leeway in seconds.
    pub(super) fn leeway_seconds(&self) -> f64 {
        self.leeway_or(0) as f64 / 1000.0
    }

    /// Whether it would take this algorithm: one of the policy, or where that says none, one that some key is for.
    pub(super) fn allows(&self, alg: &str) -> bool {
        match &self.algorithms {
            Some(algorithms) => algorithms.iter().any(|allowed| allowed == alg),
            None if self.keys.is_empty() => KNOWN.iter().any(|known| known.name == alg),
            None => {
                KNOWN.iter().any(|known| known.name == alg)
                    && self.keys.iter().any(|held| held.bare.fits(alg).is_ok())
            }
        }
    }

    /// A check of the keys that `wanted` picks.
    pub(super) fn key_check(
        &self,
        choice: Choice,
        none: Option<Text>,
        wanted: impl Fn(&HeldKey) -> bool,
        mut error: impl FnMut(&HeldKey, &mut Effort) -> Option<Text>,
    ) -> KeyCheck {
        let mut effort = Effort(EFFORT);
        let trial =
            |held: &HeldKey| Trial { from: held.from, until: held.until, error: error(held, &mut effort) };
        KeyCheck { choice, none, trials: self.keys.iter().filter(|held| wanted(held)).map(trial).collect() }
    }
}

/// How much work one token may still cause, as in the verdict's own trials.
#[derive(Debug)]
pub(super) struct Effort(usize);

impl HeldKey {
    fn new(key: &Arc<Key>, from: Option<i64>, until: Option<i64>) -> Self {
        let bare = Key { alg: None, usage: None, key_ops: None, ..Key::clone(key) };
        Self { key: Arc::clone(key), bare, from, until }
    }

    /// Whether it is a secret.
    pub(super) fn is_secret(&self) -> bool {
        matches!(self.key.kind, KeyKind::Oct { .. })
    }

    /// Whether a library can read it at all.
    pub(super) fn is_usable(&self) -> bool {
        self.key.material != Material::Unusable
    }

    /// Whether its `use` allows signatures.
    pub(super) fn is_for_signatures(&self) -> bool {
        matches!(self.key.usage, None | Some(Usage::Sig))
    }

    /// Whether its `kid` is this one.
    pub(super) fn has_kid(&self, kid: &str) -> bool {
        self.key.kid.as_deref() == Some(kid)
    }

    /// Whether its type and curve are those of an algorithm.
    pub(super) fn fits_kind(&self, alg: &str) -> bool {
        self.bare.fits(alg).is_ok()
    }

    /// The algorithm that a library takes it for where it says none.
    pub(super) fn natural_algorithm(&self) -> Option<Cow<'_, str>> {
        if let Some(alg) = &self.key.alg {
            return Some(Cow::Borrowed(alg));
        }
        let name = match &self.key.kind {
            KeyKind::Rsa { .. } => "RS256",
            KeyKind::Oct { .. } => "HS256",
            KeyKind::Ec { curve } => match curve.as_str() {
                "P-256" => "ES256",
                "P-384" => "ES384",
                "P-521" => "ES512",
                "secp256k1" => "ES256K",
                _ => return None,
            },
            KeyKind::Okp { curve } if curve == "Ed25519" => "EdDSA",
            _ => return None,
        };
        Some(Cow::Borrowed(name))
    }

    /// Whether the signature verifies, whatever the key says of its use. What cannot be verified here is taken to be right.
    pub(super) fn verifies(&self, alg: &str, input: &str, signature: &[u8], effort: &mut Effort) -> bool {
        let Some(left) = effort.0.checked_sub(self.bare.cost()) else { return true };
        effort.0 = left;
        self.bare.verify(alg, input.as_bytes(), &canonical(signature)) != Verification::Failed
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn policy(toml: &str) -> Policy {
        let files = |path: &Path| match path.to_str() {
            Some("secret") => Ok(vec![7; 32]),
            _ => Err(std::io::ErrorKind::NotFound.into()),
        };
        Policy::from_toml(toml, Path::new("policy.toml"), &files).unwrap()
    }

    const POLICY: &str = r#"
        [[issuer]]
        iss = "https://a.example/"
        audiences = ["a"]
        algorithms = ["HS256"]
        required_claims = ["sub"]
        [[issuer.keys]]
        secret_file = "secret"
        [[issuer]]
        iss_pattern = 'https://b\.example/[a-z]+'
        audiences = ["b", "a"]
        algorithms = ["RS256"]
        [[issuer]]
        iss = "https://staging.example/"
        environment = "staging"
        trusted = false
        audiences = ["s"]
    "#;

    #[test]
    fn a_token_of_a_trusted_issuer_meets_that_issuer_s_rules_and_any_other_those_of_all() {
        let policy = policy(POLICY);
        let setups = Setups::new(&policy);
        let of = |iss| {
            let (setup, is_trusted) = setups.of(iss);
            (
                setup.audiences.clone().unwrap(),
                setup.algorithms.clone().unwrap(),
                setup.keys.len(),
                is_trusted,
            )
        };
        let texts = |values: &[&str]| values.iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(of(Some("https://a.example/")), (texts(&["a"]), texts(&["HS256"]), 1, true));
        assert_eq!(of(Some("https://b.example/x")), (texts(&["b", "a"]), texts(&["RS256"]), 0, true));
        let all = (texts(&["a", "b"]), texts(&["HS256", "RS256"]), 1, false);
        assert_eq!(
            of(Some("https://staging.example/")),
            all,
            "nobody configures an issuer that is not trusted"
        );
        assert_eq!((of(Some("https://a.example")), of(None)), (all.clone(), all));
        assert_eq!(
            setups.of(None).0.issuers,
            Some(texts(&["https://a.example/", r"https://b\.example/[a-z]+"]))
        );
    }

    #[test]
    fn a_leeway_is_the_verifier_s_own_unless_the_policy_states_one() {
        let leeway = |text: &str| {
            let policy = policy(&format!("{text}\n{POLICY}"));
            Setups::new(&policy).of(None).0.leeway_or(60)
        };
        assert_eq!(leeway(""), 60_000);
        assert_eq!(leeway(r#"leeway = "0s""#), 0);
        assert_eq!(leeway(r#"leeway = "90s""#), 90_000);
    }

    #[test]
    fn without_a_policy_a_verifier_is_told_nothing() {
        let policy = Policy::default();
        let setups = Setups::new(&policy);
        let (setup, _) = setups.of(Some("x"));
        assert_eq!((&setup.issuers, &setup.audiences, &setup.algorithms), (&None, &None, &None));
        assert!(setup.keys.is_empty() && setup.allows("RS256") && !setup.allows("none"));
    }

    #[test]
    fn where_the_policy_names_no_algorithms_those_that_the_keys_are_for_are_allowed() {
        let policy =
            policy("[[issuer]]\niss = \"https://a.example/\"\n[[issuer.keys]]\nsecret_file = \"secret\"\n");
        let setups = Setups::new(&policy);
        let (setup, _) = setups.of(None);
        assert!(setup.allows("HS512") && !setup.allows("RS256") && !setup.allows("none"));
    }
}
