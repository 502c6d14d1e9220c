//! The part of the walk that is for JWEs: five segments, none of which can be read.

use super::decode::Walk;
use super::piece::{Alphabet, Piece, dot_length};
use super::{Cut, Flaw};

/// Segments of a JWE (RFC 7516 §3.1).
const SEGMENTS: usize = 5;

impl Walk<'_, '_> {
    /// Behind the header of a JWE: encrypted key, initialization vector, ciphertext, tag, each of which may be empty.
    pub(super) fn encrypted_segments(&mut self) {
        let mut segments = 1;
        let mut is_ragged = false;
        while let Some(at) = self.behind_dot().filter(|_| segments < SEGMENTS) {
            let piece = Piece::read(self.bytes, at, Alphabet::Url);
            if piece.is_mask() {
                self.mask(piece.end);
                return;
            }
            // Dots with nothing behind them are an ellipsis; only the tag may be missing behind its dot.
            if piece.is_empty() && !self.leads_to_segment(at, SEGMENTS - segments - 1) {
                break;
            }
            self.flaw_if(is_ragged, Flaw::BadBase64);
            segments += 1;
            self.take(&piece);
            if self.take_mask() {
                return;
            }
            is_ragged = piece.is_ragged();
        }
        if segments == SEGMENTS {
            self.flaw_if(is_ragged, Flaw::BadBase64);
            if self.segment_follows() {
                self.flaw(Flaw::ExtraSegments);
                self.take_extra_segments();
            }
            return;
        }
        let mut cut = Cut::InPayload;
        if let Some(end) = self.last_dot_end() {
            self.end = end;
            self.own_end = end;
            self.flaw_if(is_ragged, Flaw::BadBase64);
            if segments == 2 {
                cut = Cut::NoSignature;
            }
        }
        self.cut(cut);
    }

    /// Whether an empty segment at `at` may be one of a JWE: the last, or one behind which `left` dots at most lead to
    /// a segment that is not empty.
    fn leads_to_segment(&self, mut at: usize, left: usize) -> bool {
        let mut dots = 0;
        while let Some(dot) = dot_length(&self.bytes[at..]) {
            at += dot;
            dots += 1;
        }
        left == 0 || dots <= left && !Piece::read(self.bytes, at, Alphabet::Url).is_empty()
    }
}
