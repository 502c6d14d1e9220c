//! All tokens → hints, on all threads.

use crate::at_once::AtOnce;
use crate::error::{Error, Result};
use crate::hints::{Facts, Hint, MessageCount};
use crate::spill::Tokens;

/// How many tokens one thread looks at, at a time.
const SLICE: usize = 4096;

/// What is likely to have gone wrong, by what is given before any token, and by what verifiers said.
///
/// # Errors
/// When tokens are stored and cannot be read back.
pub fn hints(
    given: &Facts<'_>,
    tokens: &Tokens<'_>,
    messages: &[MessageCount],
    at_once: &AtOnce<'_>,
) -> Result<Vec<Hint>> {
    let mut facts = given.beside();
    let gathered = tokens.slices(
        SLICE,
        at_once,
        |tokens| {
            let mut facts = given.beside();
            facts.add_all(tokens);
            facts
        },
        |behind| {
            facts = std::mem::replace(&mut facts, given.beside()).merge(behind);
            Ok(())
        },
    );
    gathered.map_err(|error| Error::new(format!("cannot read the tokens that were stored: {error}")))?;
    Ok(facts.hints(messages))
}
