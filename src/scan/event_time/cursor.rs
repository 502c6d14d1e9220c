//! A place in a line's bytes. Every step is bounded by the line; past its end it reads as a zero byte.

/// Two digits of a block as a number; `wrong` gathers a mark when they are none, to be tested once for many.
#[inline]
pub(super) fn two(digits: &[u8], wrong: &mut bool) -> u32 {
    let (tens, ones) = (digits[0].wrapping_sub(b'0'), digits[1].wrapping_sub(b'0'));
    *wrong |= tens > 9 || ones > 9;
    u32::from(tens) * 10 + u32::from(ones)
}

/// Reads bytes one after another; copied to look ahead and assigned back to commit.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    #[inline]
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    #[inline]
    pub(super) fn at(&self) -> usize {
        self.at
    }

    #[inline]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    /// What was stepped over.
    pub(super) fn before(&self) -> &'a [u8] {
        &self.bytes[..self.at.min(self.bytes.len())]
    }

    #[inline]
    pub(super) fn peek(&self) -> u8 {
        self.peek_at(0)
    }

    #[inline]
    pub(super) fn peek_at(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    #[inline]
    pub(super) fn skip(&mut self, count: usize) {
        self.at += count;
    }

    #[inline]
    pub(super) fn is_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Steps over `byte` if it is next.
    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == byte && !self.is_end();
        self.at += usize::from(found);
        found
    }

    /// Steps over spaces and tabs, at most `limit` of them, and says how many.
    #[inline]
    pub(super) fn blanks(&mut self, limit: usize) -> usize {
        let start = self.at;
        while self.at - start < limit && matches!(self.peek(), b' ' | b'\t') {
            self.at += 1;
        }
        self.at - start
    }

    /// How many digits come next, counted up to `limit`.
    #[inline]
    pub(super) fn count_digits(&self, limit: usize) -> usize {
        let rest = self.rest();
        let limit = limit.min(rest.len());
        let mut count = 0;
        while count < limit && rest[count].is_ascii_digit() {
            count += 1;
        }
        count
    }

    /// A number of exactly `count` digits; whether more follow is the caller's business.
    #[inline]
    pub(super) fn digits(&mut self, count: usize) -> Option<u32> {
        let mut value = 0;
        for ahead in 0..count {
            let digit = self.peek_at(ahead).wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            value = value * 10 + u32::from(digit);
        }
        self.at += count;
        Some(value)
    }

    /// The next `N` bytes, if there are as many.
    #[inline]
    pub(super) fn block<const N: usize>(&self) -> Option<&'a [u8; N]> {
        self.rest().first_chunk()
    }

    /// A number of one or two digits, and no third.
    #[inline]
    pub(super) fn small(&mut self) -> Option<u32> {
        match self.count_digits(3) {
            count @ 1..=2 => self.digits(count),
            _ => None,
        }
    }

    /// Whether a word could end here: the next byte is neither letter nor digit.
    #[inline]
    pub(super) fn is_word_end(&self) -> bool {
        !self.peek().is_ascii_alphanumeric()
    }
}
