//! What is known about a source before its lines are read, and what the user asked for.

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::timestamp::Timestamp;

use super::custom::CustomFormat;

/// How the lines of one source state their time: zone, reference for yearless times, and the user's own format or key.
///
/// The default reads zoneless times as UTC and knows no reference, so that yearless times are none.
#[derive(Clone, Debug)]
pub struct TimeRules {
    zone: TimeZone,
    /// `Some` if and only if `zone` has one offset for ever: calendar arithmetic then needs no zone data.
    fixed_offset: Option<i32>,
    reference: Option<Timestamp>,
    /// The year of `reference` in `zone`; meaningless without one.
    reference_year: i32,
    format: Option<CustomFormat>,
    key: Option<Arc<str>>,
}

impl Default for TimeRules {
    fn default() -> Self {
        Self {
            zone: TimeZone::UTC,
            fixed_offset: Some(0),
            reference: None,
            reference_year: 1970,
            format: None,
            key: None,
        }
    }
}

impl TimeRules {
    /// Reads zoneless times in `zone` (`--tz`).
    #[must_use]
    pub fn with_zone(mut self, zone: TimeZone) -> Self {
        self.fixed_offset = zone.to_fixed_offset().ok().map(jiff::tz::Offset::seconds);
        self.zone = zone;
        let reference = self.reference;
        self.with_reference(reference)
    }

    /// Gives yearless times the year that puts them closest at or before `reference`: `--at`, or else the source's
    /// modification time. Without a reference a yearless time is none.
    #[must_use]
    pub fn with_reference(mut self, reference: Option<Timestamp>) -> Self {
        self.reference = reference;
        self.reference_year = reference
            .and_then(|at| jiff::Timestamp::from_millisecond(at.millis()).ok())
            .map_or(1970, |at| i32::from(at.to_zoned(self.zone.clone()).year()));
        self
    }

    /// Takes the time only from where `pattern` matches (`--time-format`): a strptime pattern as jiff reads it, or one
    /// of `epoch`, `epoch_s`, `epoch_ms`, `epoch_us`, `epoch_ns`.
    ///
    /// # Errors
    ///
    /// If the pattern is none, or does not hold a date and a time of day. The text names `--time-format`.
    pub fn with_format(mut self, pattern: &str) -> Result<Self, String> {
        self.format = Some(CustomFormat::new(pattern)?);
        Ok(self)
    }

    /// Takes the time only from this JSON member (a dotted path reaches into nested objects) or logfmt key
    /// (`--time-key`).
    ///
    /// # Errors
    ///
    /// If the key is empty or has an empty part. The text names `--time-key`.
    pub fn with_key(mut self, key: &str) -> Result<Self, String> {
        if key.split('.').any(str::is_empty) {
            return Err(format!(
                "expected a JSON member or logfmt key such as time or event.created in --time-key, but found \"{}\"",
                key.escape_debug()
            ));
        }
        self.key = Some(Arc::from(key));
        Ok(self)
    }

    pub(super) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    pub(super) fn fixed_offset(&self) -> Option<i32> {
        self.fixed_offset
    }

    pub(super) fn reference(&self) -> Option<Timestamp> {
        self.reference
    }

    pub(super) fn reference_year(&self) -> i32 {
        self.reference_year
    }

    pub(super) fn format(&self) -> Option<&CustomFormat> {
        self.format.as_ref()
    }

    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }
}
