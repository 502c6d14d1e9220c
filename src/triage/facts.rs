//! What is kept of a token to be reported: no byte of it, and no more of its claims than reports may show.

use std::borrow::Cow;
use std::sync::Arc;

use foldhash::HashMap;

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

/// Keeps one copy of each text: a million tokens share a few issuers, keys and audiences. No token is in what is kept, since it may
/// be stored on disk.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// What is kept of texts, by these.
    known: HashMap<Arc<str>, Arc<str>>,
    /// What is shown of what is kept.
    shown: HashMap<Arc<str>, Arc<str>>,
    memory: usize,
}

impl Words {
    pub(super) fn keep(&mut self, text: Option<&str>) -> Option<Arc<str>> {
        let text = shortened(text?);
        if let Some(known) = self.known.get(&*text) {
            return Some(Arc::clone(known));
        }
        let own: Arc<str> = Arc::from(&*text);
        let kept = Self::masked(&own);
        self.memory += 2 * own.len() + size_of::<[usize; 12]>();
        self.known.insert(own, Arc::clone(&kept));
        Some(kept)
    }

    /// A text of any length, without a token in it.
    pub(super) fn masked(text: &Arc<str>) -> Arc<str> {
        match mask_tokens(text) {
            Cow::Borrowed(_) => Arc::clone(text),
            Cow::Owned(masked) => masked.into(),
        }
    }

    /// About how much memory the texts take, in bytes.
    pub(super) const fn memory(&self) -> usize {
        self.memory
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

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str =
        "eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjE3ODEyMjYwMDB9.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[test]
    fn no_token_is_in_what_is_kept_and_what_is_shown_is_shown_alike_again() {
        let mut words = Words::default();
        for text in [TOKEN, &format!("https://a.example/?t={TOKEN}"), &format!("{}{TOKEN}", "x".repeat(300))]
        {
            for _ in 0..2 {
                let kept = words.keep(Some(text)).unwrap();
                assert!(!kept.contains(".eyJ") && kept.len() < text.len(), "{}", kept.len());
                assert_eq!(words.keep(Some(&kept)), Some(Arc::clone(&kept)), "masked once more");
                assert_eq!(report::shown(&kept), report::shown(text));
            }
        }
        for text in ["/orders/{id}", "", "=cmd()", "\u{1b}[31m", &"\u{202e}".repeat(300)] {
            let shown = words.shown(Some(text)).unwrap();
            assert_eq!(*shown, *report::shown(text));
            assert_eq!(report::plain_text(&shown), &*shown);
        }
    }
}
