//! The keys under which structured logs state their time, in order of trust.
//!
//! Rank 0 is asked first. Keys that loggers reserve for the time of the record come before those that also name a date
//! of the business (`date`, `created_at`); the end of a request comes before its start, because it is when the line was
//! written. Letter case does not matter. All members of a line are looked at, so that the order on the line does not
//! matter either; of two with the same rank the first wins.

use crate::timestamp::Timestamp;

use super::fast;
use super::format::TimeFormat;
use super::instant::When;
use super::rules::TimeRules;
use super::stamp;

/// The longest key in the table.
const LONGEST: usize = 24;

/// A key that is known to hold the time of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) rank: u8,
    /// As reports show it.
    pub(super) name: &'static str,
}

/// The key's place in the table.
pub(super) fn lookup(key: &[u8]) -> Option<Key> {
    if key.is_empty() || key.len() > LONGEST {
        return None;
    }
    let mut lower = [0; LONGEST];
    let lower = &mut lower[..key.len()];
    lower.copy_from_slice(key);
    lower.make_ascii_lowercase();
    let (rank, name) = match &*lower {
        b"@timestamp" => (0, "@timestamp"),
        b"__realtime_timestamp" => (0, "__REALTIME_TIMESTAMP"),
        b"timestamp" => (1, "timestamp"),
        b"time" => (2, "time"),
        b"ts" => (3, "ts"),
        b"t" => (4, "t"),
        b"@t" => (5, "@t"),
        b"@time" => (5, "@time"),
        b"_time" => (5, "_time"),
        b"datetime" => (6, "datetime"),
        b"date_time" => (6, "date_time"),
        b"asctime" => (6, "asctime"),
        b"instant" => (6, "instant"),
        b"timemillis" => (6, "timeMillis"),
        b"timestamp_ns" => (6, "timestamp_ns"),
        b"timestamp_us" => (6, "timestamp_us"),
        b"timestamp_ms" => (6, "timestamp_ms"),
        b"timestampms" => (6, "timestampMs"),
        b"time_ms" => (6, "time_ms"),
        b"ts_ms" => (6, "ts_ms"),
        b"epoch" => (6, "epoch"),
        b"unixtime" => (6, "unixtime"),
        b"timeunixnano" => (6, "timeUnixNano"),
        b"eventtime" => (7, "eventTime"),
        b"event_time" => (7, "event_time"),
        b"eventtimestamp" => (7, "eventTimestamp"),
        b"event_timestamp" => (7, "event_timestamp"),
        b"logtime" => (7, "logTime"),
        b"log_time" => (7, "log_time"),
        b"logtimestamp" => (7, "logTimestamp"),
        b"log_timestamp" => (7, "log_timestamp"),
        b"logged_at" => (7, "logged_at"),
        b"timegenerated" => (7, "TimeGenerated"),
        b"time_iso8601" => (7, "time_iso8601"),
        b"time_local" => (7, "time_local"),
        b"msec" => (7, "msec"),
        b"edgeendtimestamp" => (8, "EdgeEndTimestamp"),
        b"endtime" => (8, "endTime"),
        b"end_time" => (8, "end_time"),
        b"stagetimestamp" => (8, "stageTimestamp"),
        b"requesttimestamp" => (9, "requestTimestamp"),
        b"request_timestamp" => (9, "request_timestamp"),
        b"requestreceivedtimestamp" => (9, "requestReceivedTimestamp"),
        b"requesttime" => (9, "requestTime"),
        b"requesttimeepoch" => (9, "requestTimeEpoch"),
        b"edgestarttimestamp" => (10, "EdgeStartTimestamp"),
        b"start_time" => (10, "start_time"),
        b"starttime" => (10, "startTime"),
        b"startutc" => (10, "StartUTC"),
        b"started_at" => (10, "started_at"),
        b"published" => (11, "published"),
        b"activitydatetime" => (11, "activityDateTime"),
        b"createddatetime" => (11, "createdDateTime"),
        b"creationtime" => (11, "CreationTime"),
        b"date" => (12, "date"),
        b"created_at" => (13, "created_at"),
        b"createdat" => (13, "createdAt"),
        b"receivetimestamp" => (14, "receiveTimestamp"),
        b"observedtimestamp" => (14, "observedTimestamp"),
        b"observedtimeunixnano" => (14, "observedTimeUnixNano"),
        b"epochmillis" => (14, "epochMillis"),
        b"timecreated" => (14, "TimeCreated"),
        b"sourcetimestamp" => (14, "sourceTimestamp"),
        b"recorded_at" => (14, "recorded_at"),
        _ => return None,
    };
    Some(Key { rank, name })
}

/// Collects what the members of one line offer, and keeps the best.
pub(super) struct Best<'a> {
    rules: &'a TimeRules,
    found: Option<(Key, Timestamp)>,
    /// A `date` and a `time` member that are a time only together, as firewalls write them.
    date: Option<&'a [u8]>,
    time: Option<&'a [u8]>,
}

impl<'a> Best<'a> {
    pub(super) fn new(rules: &'a TimeRules) -> Self {
        Self { rules, found: None, date: None, time: None }
    }

    /// Whether a member with this key could still win.
    pub(super) fn wants(&self, key: Key) -> bool {
        self.found.is_none_or(|(best, _)| key.rank < best.rank)
    }

    /// Whether nothing can win over what was found.
    pub(super) fn is_settled(&self) -> bool {
        self.found.is_some_and(|(best, _)| best.rank == 0)
    }

    /// A member's text or number.
    pub(super) fn offer(&mut self, key: Key, value: &'a [u8]) {
        // What `whole` would find, for the commonest stamp of all.
        if let Some((at, end)) = fast::rfc3339(value)
            && end == value.len()
        {
            self.offer_time(key, When::Instant(at));
        } else if let Some(when) = stamp::whole(value) {
            self.offer_time(key, when);
        } else if key.name == "date" && value.len() <= 16 {
            self.date = Some(value);
        } else if key.name == "time" && value.len() <= 24 {
            self.time = Some(value);
        }
    }

    pub(super) fn offer_time(&mut self, key: Key, when: When<'_>) {
        if self.wants(key)
            && let Some(at) = when.settle(self.rules)
        {
            self.found = Some((key, at));
        }
    }

    /// The best, with the format made from its key.
    pub(super) fn finish(self, format: impl Fn(&'static str) -> TimeFormat) -> Option<super::LineTime> {
        if let Some((key, at)) = self.found {
            return Some(super::LineTime { at, format: format(key.name) });
        }
        let joined = [self.date?, b" ", self.time?].concat();
        let at = stamp::whole(&joined)?.settle(self.rules)?;
        Some(super::LineTime { at, format: format("date") })
    }
}
