//! Walks over a candidate segment by segment and decides where it ends, what it says and what is wrong with its form.
//!
//! The walk is greedy where the form is right and careful where it is not: a character of a wrong alphabet belongs to
//! a candidate only if the segment makes sense with it and makes none without it, so that a path or a parameter behind
//! a token is never taken for a part of it.

use std::borrow::Cow;
use std::fmt;

use super::algorithm::{SignatureLengths, is_signature_algorithm};
use super::json::Ending;
use super::piece::{Alphabet, Piece, dot_length, mask_length};
use super::segment::{read_claims, read_header};
use super::{Claims, Cut, Fault, Flaw, Header, SignaturePart, Signed, Token};
use crate::secret::RawToken;

/// A candidate that is one, decoded. `Debug` shows no byte of it.
pub struct Decoded<'a> {
    /// How many bytes belong to it.
    pub length: usize,
    /// What it says.
    pub token: Token,
    own: Cow<'a, [u8]>,
}

impl fmt::Debug for Decoded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { length, token, .. } = self;
        f.debug_struct("Decoded")
            .field("length", length)
            .field("token", token)
            .field("own", &self.own())
            .finish()
    }
}

impl Decoded<'_> {
    /// The token's own bytes, which its fingerprint is made of: without masks and disclosures, URL-decoded.
    #[must_use]
    pub fn own(&self) -> RawToken<'_> {
        RawToken::new(&self.own)
    }

    /// What can be verified; `None` where the form is not that of a JWS, so that no verifier would look at the signature.
    #[must_use]
    pub fn signed(&self) -> Option<Signed<'_>> {
        let has_form = match self.token.fault {
            None => true,
            Some(Fault::Flaw(flaw)) => flaw.is_of_content(),
            Some(Fault::Masked | Fault::Cut(_)) => false,
        };
        self.token.signature.filter(|signature| has_form && signature.bytes > 0 && !signature.ragged)?;
        let dot = memchr::memrchr(b'.', &self.own)?;
        let signature = std::str::from_utf8(&self.own[dot + 1..]).ok()?;
        Some(Signed { signing_input: &self.own[..dot], signature })
    }
}

/// Decodes the candidate that begins `bytes`; `None` when it is none. `show` names claims whose values are kept.
///
/// What is none costs little, however long the run is that it begins.
#[must_use]
pub fn decode<'a>(bytes: &'a [u8], show: &[String]) -> Option<Decoded<'a>> {
    let (header, ending, piece) = read_header(bytes)?;
    let mut walk = Walk::new(bytes, header, show);
    walk.take(&piece);
    match ending {
        Ending::Complete if walk.token.header.is_jose => walk.behind_header(&piece),
        Ending::Cut => walk.behind_cut_header(&piece)?,
        _ => return None,
    }
    Some(walk.finish())
}

pub(super) struct Walk<'a, 's> {
    pub(super) bytes: &'a [u8],
    show: &'s [String],
    pub(super) token: Token,
    /// Where the candidate ends as far as it was walked.
    pub(super) end: usize,
    /// Where the token's own bytes end: before masks and disclosures.
    pub(super) own_end: usize,
    escaped: bool,
}

impl<'a, 's> Walk<'a, 's> {
    fn new(bytes: &'a [u8], header: Header, show: &'s [String]) -> Self {
        let token = Token {
            encrypted: header.is_encrypted(),
            header,
            claims: None,
            claims_are_whole: false,
            fault: None,
            signature: None,
        };
        Self { bytes, show, token, end: 0, own_end: 0, escaped: false }
    }

    /// A header that ends early: cut, masked, or closed by a dot although it is not whole.
    fn behind_cut_header(&mut self, piece: &Piece<'a>) -> Option<()> {
        if self.take_mask() {
            return Some(());
        }
        if !self.token.header.is_jose {
            return None;
        }
        if self.segment_follows() {
            self.flaw(if piece.is_ragged() { Flaw::BadBase64 } else { Flaw::BadJson });
            self.take_extra_segments();
        } else {
            self.cut(Cut::InHeader);
        }
        Some(())
    }

    fn behind_header(&mut self, header: &Piece<'a>) {
        if self.token.header.duplicate {
            self.flaw(Flaw::DuplicateClaim);
        }
        if self.take_mask() {
            return;
        }
        let Some(payload_at) = self.behind_dot() else {
            self.cut(Cut::InPayload);
            return;
        };
        if self.token.header.is_encrypted() {
            self.encrypted_segments();
        } else if Piece::read(self.bytes, payload_at, Alphabet::Url).is_empty() {
            self.empty_payload(payload_at);
        } else {
            self.payload(payload_at);
        }
        // The dot closes the header only if it turned out to belong to the candidate.
        if self.end > header.end {
            self.flaw_if(header.is_ragged(), Flaw::BadBase64);
            self.flaw_if(self.token.header.alg.is_none(), Flaw::BadJson);
        }
    }

    /// Behind `header.`: nothing, an ellipsis, or the signature of a detached payload.
    fn empty_payload(&mut self, at: usize) {
        let signature_at = dot_length(&self.bytes[at..]).map(|dot| at + dot);
        match signature_at.map(|at| Piece::read(self.bytes, at, Alphabet::Url)) {
            Some(signature) if !signature.is_empty() => {
                self.take(&signature);
                self.token.signature = Some(part(&signature));
                self.flaw(Flaw::Detached);
                self.take_extra_segments();
            }
            Some(_) => self.cut(Cut::InPayload),
            None => {
                self.end = at;
                self.own_end = at;
                self.cut(Cut::InPayload);
            }
        }
    }

    fn payload(&mut self, at: usize) {
        let (claims, ending, piece) = read_claims(self.bytes, at, self.show);
        if piece.is_mask() {
            self.mask(piece.end);
            return;
        }
        self.take(&piece);
        self.token.claims_are_whole = ending == Ending::Complete;
        let closed = self.segment_follows() || self.standard_signature_follows();
        if closed && piece.is_ragged() {
            self.flaw(Flaw::BadBase64);
        }
        match ending {
            Ending::Complete => self.check_claims(&claims),
            Ending::Cut if closed => self.flaw(Flaw::BadJson),
            Ending::Cut => {}
            Ending::NotAnObject => self.flaw(Flaw::NotAnObject),
            Ending::Invalid => self.flaw(Flaw::BadJson),
        }
        if matches!(ending, Ending::Complete | Ending::Cut) {
            self.token.claims = Some(claims);
        }
        if self.take_mask() {
            return;
        }
        if closed {
            self.signature();
        } else {
            self.end_behind_payload(ending);
        }
    }

    fn check_claims(&mut self, claims: &Claims) {
        if claims.duplicate {
            self.flaw(Flaw::DuplicateClaim);
        }
        if claims.bad_time {
            self.flaw(Flaw::BadTimeClaim);
        }
    }

    /// Behind `header.payload`, with no signature behind it, maybe a dot.
    fn end_behind_payload(&mut self, ending: Ending) {
        if let Some(end) = self.last_dot_end() {
            self.end = end;
            self.own_end = end;
            if self.token.header.is_unsigned() && ending != Ending::Cut {
                return;
            }
        } else if matches!(ending, Ending::Invalid | Ending::NotAnObject) {
            // The payload may go on, but no further byte would make it an object.
            return;
        }
        self.cut(if ending == Ending::Cut { Cut::InPayload } else { Cut::NoSignature });
    }

    /// Behind `header.payload.`, with a segment there.
    fn signature(&mut self) {
        let Some(at) = self.behind_dot() else { return };
        let mut piece = Piece::read(self.bytes, at, Alphabet::Url);
        if piece.is_mask() {
            self.mask(piece.end);
            return;
        }
        let mut fits = self.signature_fits(&piece);
        if let Some(wider) = self.standard_signature(at).filter(|_| !fits) {
            piece = wider;
            fits = true;
        }
        self.take(&piece);
        self.token.signature = Some(part(&piece));
        if !fits && self.take_mask() {
            return;
        }
        if self.segment_follows() {
            self.flaw(Flaw::ExtraSegments);
            self.take_extra_segments();
        }
        self.take_disclosures();
    }

    /// Whether a piece is as long as a signature under the token's algorithm.
    fn signature_fits(&self, piece: &Piece<'_>) -> bool {
        let lengths = SignatureLengths::of(self.token.header.alg.as_deref().unwrap_or_default());
        lengths.allow(piece.byte_length()) && !piece.is_ragged()
    }

    /// The signature at `at`, if it takes the standard alphabet to make one of the right length.
    fn standard_signature(&self, at: usize) -> Option<Piece<'a>> {
        let known = self.token.header.alg.as_deref().is_some_and(is_signature_algorithm);
        let wider = Piece::read(self.bytes, at, Alphabet::Standard);
        Some(wider).filter(|wider| known && wider.standard && self.signature_fits(wider))
    }

    fn standard_signature_follows(&self) -> bool {
        self.behind_dot().is_some_and(|at| self.standard_signature(at).is_some())
    }

    /// Takes all segments that follow, and masks among them.
    pub(super) fn take_extra_segments(&mut self) {
        while self.segment_follows() {
            let Some(at) = self.behind_dot() else { return };
            self.take(&Piece::read(self.bytes, at, Alphabet::Url));
        }
    }

    /// The `~` parts of an SD-JWT (RFC 9901 §4): disclosures, and a key binding JWT at the end.
    fn take_disclosures(&mut self) {
        let own_end = self.own_end;
        while self.bytes.get(self.end) == Some(&b'~') {
            self.take(&Piece::read(self.bytes, self.end + 1, Alphabet::Url));
            self.take_extra_segments();
        }
        self.own_end = own_end;
    }

    /// Takes a piece, and notes what is wrong with its characters.
    pub(super) fn take(&mut self, piece: &Piece<'_>) {
        self.end = piece.end;
        self.own_end = piece.end;
        if piece.escaped {
            self.escaped = true;
            self.flaw(Flaw::UrlEncoded);
        }
        if piece.standard {
            self.flaw(Flaw::StandardBase64);
        }
        if piece.padded {
            self.flaw(Flaw::Padded);
        }
    }

    /// Takes a mask that stands here or behind dots, and the segments behind it; the token is then redacted.
    pub(super) fn take_mask(&mut self) -> bool {
        let Some(mask) = mask_length(&self.bytes[self.end..]) else { return false };
        self.mask(self.end + mask);
        true
    }

    /// Ends the walk behind a mask that ends at `end`.
    pub(super) fn mask(&mut self, end: usize) {
        let own_end = self.own_end;
        self.end = end;
        loop {
            if self.segment_follows() {
                self.take_extra_segments();
            } else if let Some(mask) =
                self.behind_dot().and_then(|at| mask_length(&self.bytes[at..]).map(|n| at + n))
            {
                self.end = mask;
            } else {
                break;
            }
        }
        self.own_end = own_end;
        self.token.fault = Some(Fault::Masked);
    }

    /// The place behind the dot that stands here.
    pub(super) fn behind_dot(&self) -> Option<usize> {
        dot_length(&self.bytes[self.end..]).map(|dot| self.end + dot)
    }

    /// The place behind the dot that stands here, unless more dots make it an ellipsis.
    pub(super) fn last_dot_end(&self) -> Option<usize> {
        self.behind_dot().filter(|&end| dot_length(&self.bytes[end..]).is_none())
    }

    /// Whether a dot and a segment that is not empty stand here.
    pub(super) fn segment_follows(&self) -> bool {
        self.behind_dot().is_some_and(|at| !Piece::read(self.bytes, at, Alphabet::Url).is_empty())
    }

    pub(super) fn flaw_if(&mut self, is_so: bool, flaw: Flaw) {
        if is_so {
            self.flaw(flaw);
        }
    }

    /// Notes a flaw; the first in order is told. A flaw of the form outranks a cut: no further byte would mend it.
    pub(super) fn flaw(&mut self, flaw: Flaw) {
        self.token.fault = match self.token.fault {
            Some(Fault::Masked) => Some(Fault::Masked),
            Some(Fault::Flaw(known)) => Some(Fault::Flaw(known.min(flaw))),
            Some(Fault::Cut(cut)) if flaw.is_of_content() => Some(Fault::Cut(cut)),
            Some(Fault::Cut(_)) | None => Some(Fault::Flaw(flaw)),
        };
    }

    /// Notes that the rest is missing, unless it is known that nothing would mend the token's form.
    pub(super) fn cut(&mut self, cut: Cut) {
        match self.token.fault {
            Some(Fault::Flaw(flaw)) if flaw.is_of_content() => self.token.fault = Some(Fault::Cut(cut)),
            Some(_) => {}
            None => self.token.fault = Some(Fault::Cut(cut)),
        }
    }

    fn finish(mut self) -> Decoded<'a> {
        let raw = &self.bytes[..self.own_end];
        let dot_escaped = raw.contains(&b'%');
        if dot_escaped || self.escaped {
            self.flaw(Flaw::UrlEncoded);
        }
        let own = if dot_escaped { Cow::Owned(percent_decoded(raw)) } else { Cow::Borrowed(raw) };
        Decoded { length: self.end, token: self.token, own }
    }
}

fn part(piece: &Piece<'_>) -> SignaturePart {
    SignaturePart { bytes: piece.byte_length(), ragged: piece.is_ragged() }
}

/// Undoes the percent-encoding of the four characters that a candidate may hold encoded.
fn percent_decoded(bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let (byte, behind) = match rest {
            [b'%', b'2', b'E' | b'e', behind @ ..] => (b'.', behind),
            [b'%', b'2', b'B' | b'b', behind @ ..] => (b'+', behind),
            [b'%', b'2', b'F' | b'f', behind @ ..] => (b'/', behind),
            [b'%', b'3', b'D' | b'd', behind @ ..] => (b'=', behind),
            _ => (*first, tail),
        };
        decoded.push(byte);
        rest = behind;
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use data_encoding::{BASE64, BASE64URL, BASE64URL_NOPAD};
    use proptest::prelude::*;

    const HEADER: &str = r#"{"alg":"ES256","kid":"k1"}"#;
    const CLAIMS: &str = r#"{"iss":"https://a.example/?>~","exp":1781226000}"#;

    fn b64(text: &str) -> String {
        BASE64URL_NOPAD.encode(text.as_bytes())
    }

    fn signature(bytes: usize) -> String {
        BASE64URL_NOPAD.encode(&vec![0xfb; bytes])
    }

    fn whole() -> String {
        format!("{}.{}.{}", b64(HEADER), b64(CLAIMS), signature(64))
    }

    /// What `text` is decoded to: the fault's word, and what is left of the text behind the candidate.
    fn told(text: &str) -> Option<(&'static str, &str)> {
        let decoded = decode(text.as_bytes(), &[])?;
        let word = match decoded.token.fault {
            None => "",
            Some(Fault::Masked) => "masked",
            Some(Fault::Cut(cut)) => cut.as_str(),
            Some(Fault::Flaw(flaw)) => flaw.as_str(),
        };
        Some((word, &text[decoded.length..]))
    }

    #[test]
    fn a_candidate_ends_at_the_first_byte_that_cannot_belong_to_it() {
        for behind in [
            "",
            " next",
            "&state=x",
            ".",
            ". Then",
            "...",
            "\\n",
            "%20",
            "/path/x.txt",
            "=x",
            "=",
            "~",
            "<b>",
            "\u{2026}",
        ] {
            let text = whole() + behind;
            let (word, rest) = told(&text).unwrap();
            assert_eq!(word, "", "{behind}");
            assert!(rest == behind || behind == "~", "{behind}: left {rest}");
        }
    }

    #[test]
    fn faults_are_told_in_the_words_of_the_contract() {
        let (h, p, s) = (b64(HEADER), b64(CLAIMS), signature(64));
        let header_padded = BASE64URL.encode(br#"{"alg":"ES256","kid":"k"}"#);
        let standard = BASE64.encode(br#"{"iss":"https://a.example/?>~","x":1}"#);
        let cases: Vec<(String, &str, &str)> = vec![
            (h[..20].into(), "in_header", ""),
            (format!("{}. x", &h[..20]), "in_header", ". x"),
            (h.clone(), "in_payload", ""),
            (format!("{h}."), "in_payload", ""),
            (format!("{h}.. "), "in_payload", ".. "),
            (format!("{h}...[snip]"), "in_payload", "...[snip]"),
            (format!("{h}.{}", &p[..21]), "in_payload", ""),
            (format!("{h}.{}...", &p[..22]), "in_payload", "..."),
            (format!("{h}.{}.", &p[..22]), "in_payload", ""),
            (format!("{h}.{p}"), "no_signature", ""),
            (format!("{h}.{p}."), "no_signature", ""),
            (format!("{h}.{p}..."), "no_signature", "..."),
            (format!("{h}..{s} "), "detached", " "),
            (format!("{h}.{p}.{s}.{s}."), "extra_segments", "."),
            (format!("{h}.{p}.{s}=="), "padded", ""),
            (format!("{header_padded}.{p}.{s}"), "padded", ""),
            (format!("{h}.{standard}.{s}"), "standard_base64", ""),
            (format!("{h}.{p}.{}", BASE64.encode(&[0xfb; 64]).trim_end_matches('=')), "standard_base64", ""),
            (whole().replace('.', "%2E"), "url_encoded", ""),
            (format!("{h}.{}.{s}", b64("[1]")), "not_an_object", ""),
            (format!("{h}.{}", b64("12")), "not_an_object", ""),
            (format!("{h}.{}.{s}", b64(r#"{"exp":12x}"#)), "bad_json", ""),
            (format!("{h}.{}.", b64(r#"{"exp":12x}"#)), "no_signature", ""),
            (format!("{}.{p}.{s}", b64(r#"{"alg":256}"#)), "bad_json", ""),
            (format!("{h}.{}.{s}", &p[..21]), "bad_base64", ""),
            (format!("{h}.{}.{s}", &p[..24]), "bad_json", ""),
            (format!("{}.{p}.{s}", &h[..20]), "bad_json", ""),
            (format!("{}.{p}.{s}", &h[..21]), "bad_base64", ""),
            (format!("{h}.{}.{s}", b64(r#"{"a":1,"a":2}"#)), "duplicate_claim", ""),
            (format!("{h}.{}.{s}", b64(r#"{"exp":"soon"}"#)), "bad_time_claim", ""),
            (format!("{}.{p}.{s}", b64(r#"{"alg":"ES256","alg":"ES256"}"#)), "duplicate_claim", ""),
        ];
        for (text, word, rest) in cases {
            assert_eq!(told(&text), Some((word, rest)), "{word}: {} bytes", text.len());
        }
    }

    #[test]
    fn a_mask_is_told_wherever_it_stands() {
        let (h, p, s) = (b64(HEADER), b64(CLAIMS), signature(64));
        let masked = [
            "eyJ***".to_owned(),
            "eyJhbGci...[REDACTED]".to_owned(),
            "eyJ0eXAi[REDACTED]".to_owned(),
            format!("{h}.***"),
            format!("{h}.***.***"),
            format!("{h}.***.{s}"),
            format!("{h}.[REDACTED]"),
            format!("{h}.<redacted>"),
            format!("{h}.{p}.[REDACTED]"),
            format!("{h}.{}***", &p[..10]),
            format!("{h}.{p}.{}****", &s[..10]),
            format!("{h}.{p}.REDACTED"),
            format!("{h}.xxxxx.xxxxx"),
        ];
        for text in masked {
            assert_eq!(told(&format!("{text} next")), Some(("masked", " next")), "{text}");
        }
        assert_eq!(
            told(&format!("{}***", whole())),
            Some(("", "***")),
            "behind a whole token it is emphasis"
        );
    }

    #[test]
    fn what_has_no_alg_is_no_candidate() {
        for text in [r#"{"event":"x","n":1}"#, r#"{"user":"bob","#, r#"["alg"]"#, r#"{"alg":1}x"#] {
            assert_eq!(told(&b64(text)), None, "{text}");
        }
        assert_eq!(told("eyJ.eyJ.eyJ"), None);
        assert_eq!(told("eyJfZm9v"), None);
    }

    #[test]
    fn an_encrypted_token_has_five_segments() {
        let h = b64(r#"{"alg":"dir","enc":"A256GCM"}"#);
        for (rest, word) in [
            (".a2V5.aXY.Y3Q", "in_payload"),
            (".a2V5", "in_payload"),
            (".a2V5.", "no_signature"),
            (".", "in_payload"),
            ("", "in_payload"),
            (".a2V5.aXY.Y3R.dGFn", "bad_base64"),
        ] {
            assert_eq!(told(&format!("{h}{rest}")), Some((word, "")), "{rest}");
        }
        assert_eq!(told(&format!("{h}...")), Some(("in_payload", "...")));
        assert_eq!(told(&format!("{h}.a2V5... x")), Some(("in_payload", "... x")));
        for segments in ["..aXY.Y3Q.dGFn", ".a2V5.aXY.Y3Q.dGFn", ".a2V5.aXY..dGFn", "..aXY.Y3Q."] {
            let text = format!("{h}{segments} x");
            let decoded = decode(text.as_bytes(), &[]).unwrap();
            assert_eq!((decoded.token.fault, decoded.token.encrypted), (None, true));
            assert_eq!(decoded.length, text.len() - 2);
        }
        assert_eq!(told(&format!("{h}..aXY.Y3Q.{}.x", signature(16))), Some(("extra_segments", "")));
    }

    #[test]
    fn what_stands_behind_a_candidate_changes_nothing_of_it() {
        // Ends with bits set beyond its last byte.
        let ragged = "eyJhbGciOiJub25lIn1";
        let jwe = b64(r#"{"alg":"dir","enc":"A256GCM"}"#);
        for (candidate, behind) in [
            (ragged.to_owned(), ".."),
            (ragged.to_owned(), "...x"),
            (format!("{jwe}.a2V5a"), "..."),
            (jwe.clone(), "......."),
            (jwe.clone(), ".......x"),
            (format!("{jwe}.a2V5"), ".....x"),
        ] {
            let with = format!("{candidate}{behind}");
            assert_eq!(told(&with), Some(("in_payload", behind)), "{with}");
            assert_eq!(told(&candidate), Some(("in_payload", "")), "{candidate}");
        }
        assert_eq!(told(&format!("{jwe}.a2V5a. x")), Some(("bad_base64", " x")));
        for text in [format!("{jwe}..."), jwe.clone(), format!("{jwe}.***")] {
            let token = decode(text.as_bytes(), &[]).unwrap().token;
            assert!(token.encrypted, "the header tells that it is a JWE's");
        }
    }

    #[test]
    fn an_unsigned_token_ends_with_a_dot() {
        let text = format!("{}.{}.", b64(r#"{"alg":"None"}"#), b64(CLAIMS));
        assert_eq!(told(&text), Some(("", "")));
        assert_eq!(told(&text[..text.len() - 1]), Some(("no_signature", "")));
    }

    #[test]
    fn the_same_token_url_encoded_or_with_disclosures_has_the_same_bytes_of_its_own() {
        let plain = whole();
        for text in [plain.replace('.', "%2e"), format!("{plain}~ZGlz~Y2w~"), format!("{plain}~ZA~{plain} x")]
        {
            let decoded = decode(text.as_bytes(), &[]).unwrap();
            assert_eq!(decoded.own().expose(), plain.as_bytes());
            assert_eq!(decoded.length, text.trim_end_matches(" x").len());
        }
    }

    #[test]
    fn white_space_around_the_brace_is_allowed() {
        for header in ["{ \"alg\":1}", "{\n  \"alg\":1}", "{\r\n\"alg\":1}", "{\t\"alg\":1}", " {\"alg\":1}"]
        {
            assert_eq!(told(&b64(header)), Some(("in_payload", "")), "{header:?}");
        }
    }

    #[test]
    fn claims_of_a_cut_payload_are_kept_but_not_called_whole() {
        let text = format!("{}.{}", b64(HEADER), &b64(CLAIMS)[..50]);
        let token = decode(text.as_bytes(), &[]).unwrap().token;
        assert!(!token.claims_are_whole);
        assert_eq!(token.claims.unwrap().iss.as_deref(), Some("https://a.example/?>~"));
    }

    proptest! {
        #[test]
        fn a_token_cut_anywhere_behind_its_alg_is_a_candidate_with_a_fault(cut in 12_usize..200) {
            let text = whole();
            if cut < text.len() - 86 {
                let decoded = decode(&text.as_bytes()[..cut], &[]).unwrap();
                prop_assert!(decoded.token.fault.is_some());
                prop_assert_eq!(decoded.length, cut);
            }
        }

        #[test]
        fn nothing_panics_and_no_candidate_is_longer_than_its_bytes(
            head in prop::sample::select(vec!["", "eyJhbGciOiJFUzI1NiJ9", "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0"]),
            tail in prop::collection::vec(prop_oneof![any::<u8>(), prop::sample::select(b"eyJ0.._-+/=%2E~*[]x".to_vec())], 0..80),
        ) {
            let bytes = [head.as_bytes(), &tail].concat();
            if let Some(decoded) = decode(&bytes, &[]) {
                prop_assert!(decoded.length <= bytes.len());
                prop_assert!(decoded.own().expose().len() <= decoded.length);
            }
        }
    }
}
