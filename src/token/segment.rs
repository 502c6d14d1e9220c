//! A segment that holds JSON: in the base64url alphabet, or in the standard one if only that makes a whole object.

use super::json::Ending;
use super::piece::{Alphabet, Piece};
use super::{Claims, Header};

/// A segment's content, how it ends, and the piece that holds it.
pub(super) type Segment<'a, T> = (T, Ending, Piece<'a>);

/// Reads the header that begins `bytes`; `None` when none does.
pub(super) fn read_header(bytes: &[u8]) -> Option<Segment<'_, Header>> {
    let (header, ending, piece) = read_header_in(bytes, Alphabet::Url)?;
    if ending == Ending::Cut
        && !piece.padded
        && let Some(wider) = read_header_in(bytes, Alphabet::Standard)
        && wider.1 == Ending::Complete
    {
        return Some(wider);
    }
    Some((header, ending, piece))
}

/// Reads the claims at `from`. `show` names the claims whose values are kept beside the registered ones.
pub(super) fn read_claims<'a>(bytes: &'a [u8], from: usize, show: &[String]) -> Segment<'a, Claims> {
    let read = |alphabet| {
        let piece = Piece::read(bytes, from, alphabet);
        let (claims, ending) = Claims::read(&piece.decode(), show);
        (claims, ending, piece)
    };
    let (claims, ending, piece) = read(Alphabet::Url);
    if ending == Ending::Cut && !piece.padded {
        let wider = read(Alphabet::Standard);
        if wider.1 == Ending::Complete {
            return wider;
        }
    }
    (claims, ending, piece)
}

/// A header is looked at in windows of so many bytes before it is read as a whole. Most of what only looks like a header
/// shows it in the first; without them, a long run that is full of beginnings would be read once for each.
const HEADER_WINDOWS: [usize; 3] = [256, 2 << 10, 32 << 10];

fn read_header_in(bytes: &[u8], alphabet: Alphabet) -> Option<Segment<'_, Header>> {
    for window in HEADER_WINDOWS {
        let within = &bytes[..bytes.len().min(window)];
        let piece = Piece::read(within, 0, alphabet);
        // An escape or padding may reach over the end of the window.
        if within.len() == bytes.len() || piece.end + "%3D%3D.".len() <= within.len() {
            let (header, ending) = Header::read(&piece.decode());
            return Some((header, ending, piece));
        }
        let (header, ending) = Header::read(&piece.decode());
        let may_go_on = matches!(ending, Ending::Complete | Ending::Cut);
        let is_last = window == HEADER_WINDOWS[HEADER_WINDOWS.len() - 1];
        if !may_go_on || is_last && !header.is_jose {
            return None;
        }
    }
    let piece = Piece::read(bytes, 0, alphabet);
    let (header, ending) = Header::read(&piece.decode());
    Some((header, ending, piece))
}

/// Whether `bytes` are the beginning of a JSON object, of whatever kind.
pub(super) fn begins_object(bytes: &[u8]) -> bool {
    Header::read(&Piece::read(bytes, 0, Alphabet::Standard).decode()).1 == Ending::Cut
}
