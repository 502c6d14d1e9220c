//! How much has come out of decompression for how much went in: what stops an archive bomb.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read};

use super::Limits;

/// The account of one input, shared by all its layers.
pub(super) struct Meter<'a> {
    limits: &'a Limits,
    read: Cell<u64>,
    produced: Cell<u64>,
}

impl<'a> Meter<'a> {
    /// An empty account.
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self { limits, read: Cell::new(0), produced: Cell::new(0) }
    }

    /// Books `count` decompressed bytes. Says how many of them may be used, and gives an error if that is not all,
    /// because no honest archive makes as many. Where they end does not depend on how many come at a time.
    pub(super) fn produce(&self, count: usize) -> (usize, io::Result<()>) {
        let Limits { free_expansion, max_ratio, .. } = *self.limits;
        let left =
            free_expansion.max(self.read.get().saturating_mul(max_ratio)).saturating_sub(self.produced.get());
        self.produced.set(self.produced.get().saturating_add(count as u64));
        match usize::try_from(left) {
            Ok(left) if left < count => {
                let reason = format!(
                    "expands to more than {free_expansion} bytes and more than {max_ratio} times its size; \
                     not read further because it looks like an archive bomb"
                );
                (left, Err(io::Error::new(ErrorKind::InvalidData, reason)))
            }
            _ => (count, Ok(())),
        }
    }
}

/// The reader at the bottom of all layers: it books what is read, and tells `progress`.
pub(super) struct Metered<'a, R> {
    pub(super) inner: R,
    pub(super) meter: &'a Meter<'a>,
    pub(super) progress: &'a dyn Fn(u64),
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(out).map_err(with_plain_reason)?;
        self.meter.read.set(self.meter.read.get() + count as u64);
        (self.progress)(count as u64);
        Ok(count)
    }
}

/// The same error, whose text fits into a sentence.
pub(super) fn with_plain_reason(error: io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(_) => io::Error::new(error.kind(), plain_reason(&error)),
        None => error,
    }
}

/// The text of an error as it fits into a sentence: without the number of the operating system.
pub(super) fn plain_reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error ").next().unwrap_or_default();
    let mut letters = text.chars();
    match (letters.next(), letters.clone().next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain(letters).collect(),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_has_no_number_and_no_capital() {
        assert_eq!(plain_reason(&io::Error::from_raw_os_error(13)), "permission denied");
        assert_eq!(plain_reason(&io::Error::other("gzip stream ends early")), "gzip stream ends early");
    }

    #[test]
    fn expansion_is_free_up_to_a_size_and_then_in_proportion_to_what_was_read() {
        let limits = Limits { free_expansion: 100, max_ratio: 10, ..Limits::default() };
        let meter = Meter::new(&limits);
        assert!(matches!(meter.produce(99), (99, Ok(()))));
        assert!(matches!(meter.produce(3), (1, Err(_))));
        assert!(matches!(meter.produce(1), (0, Err(_))));
        let mut bottom = Metered { inner: &[0; 50][..], meter: &meter, progress: &|_| {} };
        assert_eq!(bottom.read(&mut [0; 80]).unwrap(), 50);
        assert!(matches!(meter.produce(397), (397, Ok(()))));
        let (allowed, error) = meter.produce(5);
        assert_eq!(allowed, 0);
        assert!(error.unwrap_err().to_string().contains("archive bomb"));
    }
}
