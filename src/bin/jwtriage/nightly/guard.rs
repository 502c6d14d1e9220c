//! What is looked after before a nightly run begins: what an earlier one left, whether state and reports fit together, and who may stop it.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jwtriage::error::{Error, Result};
use jwtriage::nightly::shelf::Shelf;
use jwtriage::state::{Run, State};
use tracing::warn;

/// Puts reports in their places that the state counts already: their runs were ended before they could.
pub(super) fn recover(state: &mut State, shelf: &Shelf) -> Result<()> {
    for Run { number, finished, .. } in state.unpublished()? {
        if shelf.has(&finished.staged) || shelf.has(&finished.report) {
            shelf.publish(&finished.staged, &finished.report)?;
            warn!("the run of {} ended before its report was in its place; it is now", finished.started);
        } else {
            // No later run would ever find it: that must not keep them all from running.
            warn!("the report of the run of {} is gone; what it has counted stays counted", finished.started);
        }
        state.set_published(number, &finished.report)?;
    }
    shelf.clear()
}

/// Tells when the state and the reports do not fit together: what is counted again then looks like news.
pub(super) fn doubt(state: &State, path: &Path, shelf: &Shelf) -> Result<()> {
    let Some(latest) = shelf.latest() else { return Ok(()) };
    match state.last()? {
        None => warn!(
            "the state {} is new, and there are reports: everything is read and counted anew, beside nothing that was before",
            path.display()
        ),
        Some(last) if last.finished.report != latest => warn!(
            "the latest report is {latest}, and the last run of the state is {}: was an older state restored? What came \
             between is counted again",
            last.finished.report
        ),
        Some(_) => {}
    }
    Ok(())
}

/// A flag that is set by a signal, or after a while. What was read by then is counted.
pub(super) fn stop_flag(timeout: Option<Duration>) -> Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    let handler = move || {
        warn!("told to stop: the run ends with what it has read");
        flag.store(true, Ordering::Relaxed);
    };
    ctrlc::set_handler(handler).map_err(|error| Error::new(format!("cannot take signals: {error}")))?;
    if let Some(timeout) = timeout {
        let flag = Arc::clone(&stop);
        std::thread::spawn(move || {
            std::thread::sleep(timeout);
            warn!("the time is up: the run ends with what it has read");
            flag.store(true, Ordering::Relaxed);
        });
    }
    Ok(stop)
}
