//! What is told of all tokens together, of those that were taken out of a tally.

use super::TokenTally;
use crate::verdict::{Remarks, VerdictSet};

/// What is told of all tokens.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) verdicts: VerdictSet,
    /// How many tokens were remarked upon, by what was remarked.
    pub(super) remarks: Vec<(Remarks, usize)>,
}

impl Told {
    pub(super) fn add(&mut self, token: &TokenTally) {
        self.verdicts =
            self.verdicts.union(token.outcomes.iter().map(|(outcome, _)| outcome.verdict).collect());
        if token.remarks != Remarks::default() {
            self.remark(token.remarks, 1);
        }
    }

    fn remark(&mut self, remarks: Remarks, tokens: usize) {
        match self.remarks.iter_mut().find(|(known, _)| *known == remarks) {
            Some((_, known)) => *known += tokens,
            None => self.remarks.push((remarks, tokens)),
        }
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.verdicts = self.verdicts.union(other.verdicts);
        other.remarks.into_iter().for_each(|(remarks, tokens)| self.remark(remarks, tokens));
    }
}
