//! The one place that reads the clock.

use jwtriage::timestamp::Timestamp;

/// The instant at which it is asked, told without its fraction of a second, which would only distract.
pub fn now() -> Timestamp {
    Timestamp::new(jiff::Timestamp::now().as_millisecond(), false)
}
