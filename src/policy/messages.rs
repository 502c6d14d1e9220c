//! `[[message]]`: messages of verifiers that the user adds to the catalogue.

use super::file::MessageEntry;
use super::meaning::Reader;
use super::problem::{Written, quoted};
use crate::message::{Cause, DEFAULT_RANK, OwnMessage, RANKS};

impl Reader<'_> {
    pub(super) fn message(&mut self, entry: &MessageEntry) -> Option<OwnMessage> {
        let causes: Vec<(&str, Cause)> = Cause::ALL.iter().map(|cause| (cause.as_str(), *cause)).collect();
        let cause = self.word(entry.cause.as_ref(), &causes);
        let rank = entry.rank.as_ref().map_or(Some(DEFAULT_RANK), |written| self.rank(written));
        let stack = entry.stack.as_ref().map_or(OwnMessage::STACK, |written| &written.value);
        let written = entry.pattern.as_ref()?;
        // A pattern is looked at even if something else is wrong: all mistakes are told at once.
        let message = OwnMessage::new(
            stack,
            &written.value,
            cause.unwrap_or(Cause::GenericInvalid),
            rank.unwrap_or(DEFAULT_RANK),
        );
        let message = message.map_err(|reason| {
            let found = quoted(&written.value);
            self.problems
                .with(written, format_args!("expected a regular expression, found {found}: {reason}"));
        });
        message.ok().filter(|_| cause.is_some() && rank.is_some())
    }

    fn rank(&mut self, written: &Written<i64>) -> Option<u8> {
        let rank = u8::try_from(written.value).ok().filter(|rank| RANKS.contains(rank));
        if rank.is_none() {
            self.problems.with(
                written,
                format_args!(
                    "expected {} (generic) to {} (names the cause), found {}",
                    RANKS.start(),
                    RANKS.end(),
                    written.value
                ),
            );
        }
        rank
    }
}
