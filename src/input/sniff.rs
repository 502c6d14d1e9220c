//! First bytes → what they are. Names are never looked at: archived logs are called `app.log.1` and hold gzip, or
//! `app.log.gz` and hold text.

use super::decompress::Format;

/// How many bytes [`sniff`] wants to see: the header of a tar member.
pub(super) const SNIFF_LEN: usize = 512;

/// What a stream holds, going by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text or binary: read as it is.
    Plain,
    /// UTF-8 behind a byte order mark.
    Utf8WithMark,
    /// UTF-16, least significant byte first, behind a byte order mark.
    Utf16Le,
    /// UTF-16, most significant byte first, behind a byte order mark.
    Utf16Be,
    /// Compressed.
    Compressed(Format),
    /// A tar archive.
    Tar,
    /// A zip archive.
    Zip,
}

/// What begins with `head`, which holds [`SNIFF_LEN`] bytes unless the stream is shorter.
pub(super) fn sniff(head: &[u8]) -> Kind {
    if let Some(format) = Format::ALL.into_iter().find(|format| format.begins(head)) {
        return Kind::Compressed(format);
    }
    match head {
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Kind::Zip,
        _ if super::tar::begins(head) => Kind::Tar,
        [0xef, 0xbb, 0xbf, ..] => Kind::Utf8WithMark,
        // The same two bytes and two zeros would be UTF-32, which no logger writes, or a UTF-16 text that begins
        // with U+0000, which is no text.
        [0xff, 0xfe, 0, 0, ..] => Kind::Plain,
        [0xff, 0xfe, ..] => Kind::Utf16Le,
        [0xfe, 0xff, ..] => Kind::Utf16Be,
        _ => Kind::Plain,
    }
}

/// Whether what begins with these bytes is compressed, or an archive. It takes 512 of them, if there are as many.
#[must_use]
pub fn is_packed(head: &[u8]) -> bool {
    matches!(sniff(head), Kind::Compressed(_) | Kind::Tar | Kind::Zip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shorter_than_its_magic_is_plain() {
        for head in [&b""[..], b"\x1f\x8b", b"P", b"PK", b"BZh9", b"\xfd7zX", b"\xff", b"\xef\xbb"] {
            assert_eq!(sniff(head), Kind::Plain);
        }
    }

    #[test]
    fn text_that_looks_a_little_like_an_archive_is_plain() {
        for head in [&b"BZh9 is a fine prefix for a line"[..], b"PK is my name", b"\xff\xfe\0\0e\0\0\0"] {
            assert_eq!(sniff(head), Kind::Plain);
        }
        assert_eq!(sniff(&[0; 512]), Kind::Plain);
        assert_eq!(sniff(&[b' '; 512]), Kind::Plain);
    }

    #[test]
    fn byte_order_marks_are_seen() {
        assert_eq!(sniff(b"\xef\xbb\xbf{"), Kind::Utf8WithMark);
        assert_eq!(sniff(b"\xff\xfe{\0"), Kind::Utf16Le);
        assert_eq!(sniff(b"\xfe\xff\0{"), Kind::Utf16Be);
    }
}
