//! What is kept of a token to be reported: no byte of it, and no more of its claims than reports may show.

use std::borrow::Cow;
use std::sync::Arc;

use foldhash::{HashMap, HashSet};

use crate::report;
use crate::secret::Fingerprinter;
use crate::tally::TokenFacts;
use crate::token::{Decoded, Token, mask_tokens};
use crate::verdict::token_type;

/// What the reports may show of a token.
pub(super) fn facts(decoded: &Decoded<'_>, fingerprinter: &Fingerprinter, words: &mut Words) -> TokenFacts {
    let Token { header, claims, .. } = &decoded.token;
    let mut facts = TokenFacts {
        alg: words.keep(header.alg.as_deref()),
        typ: words.keep(header.typ.as_deref()),
        kid: words.keep(header.kid.as_deref()),
        ..TokenFacts::default()
    };
    let Some(claims) = claims else { return facts };
    let subject = claims.sub.as_deref().map(|sub| fingerprinter.subject(sub));
    facts.iss = words.keep(claims.iss.as_deref());
    facts.aud = claims.aud.iter().take(KEPT_AUDIENCES).filter_map(|aud| words.keep(Some(aud))).collect();
    facts.client = words.keep(claims.client.as_deref());
    facts.subject = subject.map(|subject| subject.number());
    facts.sub_fingerprint = subject.filter(|_| fingerprinter.is_keyed());
    facts.token_type = token_type(header, claims);
    facts.issued_at = claims.iat.map(|date| date.at);
    facts.not_before = claims.nbf.map(|date| date.at);
    facts.expires_at = claims.exp.map(|date| date.at);
    facts.exp_in_milliseconds = claims.exp.is_some_and(|date| date.in_milliseconds);
    facts.in_milliseconds =
        [claims.iat, claims.nbf, claims.exp].into_iter().flatten().any(|date| date.in_milliseconds);
    facts.shown_claims = claims.shown.iter().map(|value| words.keep(value.as_deref())).collect();
    facts
}

/// How many audiences of one token are kept.
const KEPT_AUDIENCES: usize = 256;

/// How many characters of a value are kept: one more than reports show, so that they see that it goes on.
const KEPT_CHARACTERS: usize = 257;

/// Keeps one copy of each text: a million tokens share a few issuers, keys and audiences.
#[derive(Debug, Default)]
pub(super) struct Words {
    known: HashSet<Arc<str>>,
    /// What is shown of texts, by these.
    shown: HashMap<Arc<str>, Arc<str>>,
}

impl Words {
    pub(super) fn keep(&mut self, text: Option<&str>) -> Option<Arc<str>> {
        let text = shortened(text?);
        if let Some(known) = self.known.get(&*text) {
            return Some(Arc::clone(known));
        }
        let kept: Arc<str> = Arc::from(&*text);
        self.known.insert(Arc::clone(&kept));
        Some(kept)
    }

    /// What a report shows of a value: values of which it shows the same are one.
    pub(super) fn shown(&mut self, text: Option<&str>) -> Option<Arc<str>> {
        let text = self.keep(text)?;
        let shown = self.shown.entry(text).or_insert_with_key(|text| report::shown(text).into());
        Some(Arc::clone(shown))
    }
}

/// As much of a value as reports can show. A token in it is masked first: cut, it might no longer look like one.
fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() < KEPT_CHARACTERS {
        return Cow::Borrowed(text);
    }
    let masked = mask_tokens(text);
    match masked.char_indices().nth(KEPT_CHARACTERS) {
        Some((end, _)) => Cow::Owned(masked[..end].to_owned()),
        None => masked,
    }
}
