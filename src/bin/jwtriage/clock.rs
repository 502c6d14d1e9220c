//! The one place that reads the clock.

use jwtriage::timestamp::Timestamp;

/// The instant at which it is asked.
pub fn now() -> Timestamp {
    Timestamp::new(jiff::Timestamp::now().as_millisecond(), false)
}
