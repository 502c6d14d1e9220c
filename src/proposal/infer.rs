//! What logs hold → a policy. Anybody can write an issuer into a log, so that everything here is a question to the
//! person who edits it, with the counts that help to answer it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, count, quoted, shown, unfit, unfit_name};
use super::evidence::{Evidence, Issuer, Kid, Seen, by_count};
use crate::policy::{algorithm, duration};
use crate::tally::Tally;
use crate::verdict::{TokenType, Verdict};

/// How many issuers are proposed, and how many audiences, algorithms and kids of each are listed: a page that a person can
/// read, whatever was put into the logs.
const LISTED: usize = 50;

/// What is seen so many times less often than the most frequent value is listed as a comment: one forged token must not
/// teach a policy its algorithm.
const RARE: u64 = 100;

/// A policy that was inferred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inferred {
    /// The policy file.
    pub text: String,
    /// How many issuers it names.
    pub issuers: usize,
}

/// The policy that the tokens of a tally suggest, which was made without one from so many sources.
#[must_use]
pub fn infer(tally: &Tally, sources: usize) -> Inferred {
    let seen = Evidence::gather(tally);
    let mut draft = Draft::default();
    head(&mut draft, &seen, sources);
    let issuers = by_count(&seen.issuers, |issuer| issuer.seen);
    let (named, unnamed): (Vec<_>, Vec<_>) =
        issuers.into_iter().partition(|(name, _)| unfit_name(name).is_none());
    let left_out = named.get(LISTED..).unwrap_or_default();
    if !left_out.is_empty() {
        let seen = left_out.iter().map(|(_, issuer)| issuer.seen).fold(Seen::default(), Seen::plus);
        draft.blank();
        draft.comment(&format!(
            "left out: {} that were seen less often than those below: {seen}",
            count(left_out.len() as u64, "issuer")
        ));
    }
    for (name, issuer) in unnamed.iter().take(LISTED) {
        let why = unfit_name(name).unwrap_or_default();
        draft.blank();
        draft.comment(&format!("left out: iss = {} ({}): {why}", shown(name), issuer.seen));
    }
    if unnamed.len() > LISTED {
        draft.comment(&format!("and {} of that kind", count((unnamed.len() - LISTED) as u64, "more issuer")));
    }
    for (name, issuer) in named.iter().take(LISTED) {
        issuer.propose(name, &mut draft);
    }
    Inferred { text: draft.finish(), issuers: named.len().min(LISTED) }
}

impl Issuer<'_> {
    fn propose(&self, name: &str, draft: &mut Draft) {
        let valid = self.verdicts.get(&Verdict::Valid).copied().unwrap_or_default();
        let told: Vec<String> =
            self.verdicts.iter().rev().map(|(verdict, findings)| format!("{findings} {verdict}")).collect();
        draft.blank();
        draft.comment(&format!(
            "{} in {}, {}:",
            self.seen,
            count(self.sources.len() as u64, "source"),
            self.span
        ));
        draft.comment(&format!(
            "{} valid at their time ({})",
            share(valid, self.seen.findings),
            told.join(", ")
        ));
        if valid == 0 {
            draft.comment("decide: not one of its tokens was valid: is this issuer in use?");
        }
        draft.setting("[[issuer]]", "");
        draft.setting(
            &format!("iss = {}", quoted(name)),
            "decide: delete the whole table unless you trust it",
        );
        draft.suggestion(
            "environment = \"prod\"",
            "decide: which environment it belongs to; default \"default\"",
        );
        self.propose_audiences(draft);
        self.propose_algorithms(draft);
        self.propose_token_type(draft);
        self.propose_lifetime(draft);
        let note = match self.without_kid {
            Seen { tokens: 0, .. } => "decide: whether a token must name its key; all do".to_owned(),
            some => format!("decide: not as it is: no kid in {some}"),
        };
        draft.suggestion("require_kid = true", &note);
        self.ask_for_keys(draft);
    }

    fn propose_audiences(&self, draft: &mut Draft) {
        list(
            draft,
            "audiences",
            &self.audiences,
            unfit_name,
            "decide: which of these your service answers to",
        );
        if self.audiences.is_empty() {
            draft.suggestion("audiences = [\"api\"]", "no token names one: aud is not judged");
        } else if self.without_audience.tokens > 0 {
            draft.detail(&format!("no aud in {}: wrong_audience under this policy", self.without_audience));
        }
    }

    fn propose_algorithms(&self, draft: &mut Draft) {
        let unknown = |alg: &str| {
            unfit(alg).or_else(|| algorithm::find(alg).is_none().then_some("no algorithm that is registered"))
        };
        list(draft, "algorithms", &self.algorithms, unknown, "decide: which of these the issuer signs with");
        let hmac = |alg: &&&str| algorithm::find(alg).map(|known| known.hmac_len.is_some());
        let kinds: BTreeSet<_> = self.algorithms.keys().filter_map(|alg| hmac(&alg)).collect();
        if kinds.len() > 1 {
            draft.detail(
                "decide: secrets (HS…) beside public keys: a verifier that mixes them up can be deceived. Which is meant?",
            );
        }
    }

    fn propose_token_type(&self, draft: &mut Draft) {
        let mut seen: Vec<String> = self.types.iter().map(|(kind, seen)| format!("{kind}: {seen}")).collect();
        if self.without_type.tokens > 0 {
            seen.push(format!("not told: {}", self.without_type));
        }
        let most = self.types.iter().max_by_key(|(kind, seen)| (seen.findings, Reverse(**kind)));
        let word = match most {
            Some((TokenType::Id, _)) => "id",
            Some((TokenType::Access, _)) => "access",
            _ => "any",
        };
        draft.suggestion(&format!("token_type = \"{word}\""), &format!("decide; {}", seen.join(", ")));
    }

    fn propose_lifetime(&self, draft: &mut Draft) {
        let mut lifetimes: Vec<i64> = self.lifetimes.iter().copied().filter(|millis| *millis > 0).collect();
        lifetimes.sort_unstable();
        let backwards = (self.lifetimes.len() - lifetimes.len()) as u64;
        match (lifetimes.first(), lifetimes.get(lifetimes.len().saturating_sub(1) / 2), lifetimes.last()) {
            (Some(&min), Some(&median), Some(&max)) => draft.suggestion(
                &format!("max_lifetime = \"{}\"", duration::show(rounded_up(max))),
                &format!(
                    "decide; exp - iat of {}: shortest {}, median {}, longest {}",
                    count(lifetimes.len() as u64, "token"),
                    duration::show(min),
                    duration::show(median),
                    duration::show(max)
                ),
            ),
            _ => draft
                .suggestion("max_lifetime = \"1h\"", "decide; no token tells when it was issued and expires"),
        }
        if self.without_lifetime.tokens > 0 {
            draft.detail(&format!("no exp or no iat in {}", self.without_lifetime));
        }
        if backwards > 0 {
            draft.detail(&format!("exp is not after iat in {}", count(backwards, "token")));
        }
    }

    fn ask_for_keys(&self, draft: &mut Draft) {
        draft.comment("decide: without keys, kid and signature are not judged. They come from the issuer, never from a log.");
        if self.kids.is_empty() {
            draft.detail("no token names a key");
        } else {
            draft.comment(
                "A kid that ends early or begins late in this list may need an until or a from. Kids seen:",
            );
        }
        let mut kids: Vec<_> = self.kids.iter().collect();
        kids.sort_by_key(|(_, kid)| Reverse(kid.seen.findings));
        for ((kid, alg), Kid { seen, span }) in kids.iter().take(LISTED) {
            draft.detail(&format!("{} with {}: {seen}, {span}", shown(kid), shown(alg)));
        }
        if let Some(more @ 1..) = kids.len().checked_sub(LISTED) {
            draft.detail(&format!("and {}", count(more as u64, "more kid")));
        }
        draft.suggestion("[[issuer.keys]]", "");
        draft.suggestion("jwks = \"keys/jwks.json\"", "relative to this file");
        draft.suggestion("from = \"2026-06-12T01:30:00Z\"", "when it was published; default: always was");
        draft.suggestion("until = \"2026-06-12T02:00:00Z\"", "when it was retired; default: still current");
    }
}

fn head(draft: &mut Draft, seen: &Evidence<'_>, sources: usize) {
    draft.comment("Proposed by `jwtriage policy infer` from what logs hold. No signature was verified, and anybody can write");
    draft.comment("an iss, an aud or a kid into a log: read every line, delete what is not yours, make the decisions that");
    draft.comment("are left open, and then see what `jwtriage policy check` says about it.");
    draft.comment("");
    draft.comment(&format!(
        "{} in {}, of which used: {}",
        seen.all,
        count(sources as u64, "source"),
        seen.used
    ));
    for (verdict, seen) in &seen.unused {
        draft.detail(&format!("left out as {verdict}: {seen}"));
    }
    if seen.without_issuer.tokens > 0 {
        draft.detail(&format!("left out without iss: {}", seen.without_issuer));
    }
    draft.blank();
    let skewed = match seen.within_skew {
        0 => "no finding would pass with 60 s more".to_owned(),
        some => format!("{} would pass with 60 s more", count(some, "finding")),
    };
    draft.suggestion("leeway = \"30s\"", &format!("decide: how far clocks may differ; default 0s; {skewed}"));
}

/// A list of values, the most frequent first. Rare ones, and those that no policy can have, are comments. There is no list
/// when no value is left, for an empty one is a mistake.
fn list(
    draft: &mut Draft,
    key: &str,
    values: &BTreeMap<&str, Seen>,
    unfit: impl Fn(&str) -> Option<&'static str>,
    note: &str,
) {
    let (fit, left_out): (Vec<_>, Vec<_>) =
        by_count(values, |seen| *seen).into_iter().partition(|(value, _)| unfit(value).is_none());
    if let Some((_, most)) = fit.first() {
        draft.setting(&format!("{key} = ["), note);
        for (value, seen) in fit.iter().take(LISTED) {
            let entry = format!("  {},", quoted(value));
            if seen.findings < most.findings / RARE {
                draft.suggestion(&entry, &format!("rare, is it meant? {seen}"));
            } else {
                draft.setting(&entry, &seen.to_string());
            }
        }
        draft.setting("]", "");
    }
    if let Some(more @ 1..) = fit.len().checked_sub(LISTED) {
        draft.detail(&format!("left out {}, which were seen less often", count(more as u64, "more value")));
    }
    for (value, seen) in left_out.iter().take(LISTED) {
        let why = unfit(value).unwrap_or_default();
        draft.detail(&format!("left out of {key}: {} ({seen}): {why}", shown(value)));
    }
}

/// A part of a whole in percent, rounded down to tenths: 100 % is all.
fn share(part: u64, whole: u64) -> String {
    let tenths = u128::from(part) * 1000 / u128::from(whole.max(1));
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// A lifetime as a person would write its limit: to whole minutes up to an hour, quarters of an hour up to a day, days
/// above.
fn rounded_up(millis: i64) -> i64 {
    const MINUTE: i64 = 60_000;
    let unit = match millis {
        ..=3_600_000 => MINUTE,
        3_600_001..=86_400_000 => 15 * MINUTE,
        _ => 24 * 60 * MINUTE,
    };
    millis.checked_add(unit - 1).map_or(i64::MAX / unit * unit, |more| more / unit * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_lifetime_is_rounded_up_to_what_a_person_would_write() {
        for (seconds, shown) in [
            (1, "1m"),
            (60, "1m"),
            (301, "6m"),
            (3600, "1h"),
            (3601, "1h15m"),
            (28_800, "8h"),
            (86_400, "1d"),
            (86_401, "2d"),
            (i64::MAX / 1000, "106751991167d"),
        ] {
            assert_eq!(duration::show(rounded_up(seconds * 1000)), shown, "{seconds}");
        }
        assert!(duration::parse(&duration::show(rounded_up(i64::MAX))).is_ok());
    }

    #[test]
    fn a_share_is_never_rounded_up_to_all() {
        assert_eq!(share(1, 1), "100.0 %");
        assert_eq!(share(9_999, 10_000), "99.9 %");
        assert_eq!(share(0, 0), "0.0 %");
        assert_eq!(share(u64::MAX, u64::MAX), "100.0 %");
    }
}
