//! What a webhook is told: numbers and fingerprints, as JSON.

use serde::Serialize;

use super::{Counts, Figures};

/// The version of the message. A field is added without a new one; one that goes away, or means something else, makes one.
pub const SCHEMA_VERSION: u32 = 1;

/// How many fingerprints a message holds at most: receivers limit what they take, and more are in the report.
const MAX_FINGERPRINTS: usize = 100;

/// What a run has to tell.
#[derive(Clone, Debug)]
pub struct Event {
    /// The number of the run. It is the same in a message that comes twice because the answer to the first was lost.
    pub run: u64,
    /// What is told of it.
    pub figures: Figures,
    /// The fingerprints of tokens that the news is about, most urgent first. What is none is left out.
    pub fingerprints: Vec<String>,
}

/// An event as it is written.
#[derive(Serialize)]
struct Message<'a> {
    schema_version: u32,
    event: &'static str,
    /// The same in one line, which chat systems show.
    text: String,
    jwtriage_version: &'static str,
    run: u64,
    started_at: String,
    duration_seconds: f64,
    exit_code: u8,
    bytes: u64,
    sources: &'a Counts,
    occurrences: &'a Counts,
    live_tokens: &'a Counts,
    news: &'a Counts,
    fingerprints: Vec<&'a str>,
    /// How many there are, also of those that have no room.
    fingerprints_total: usize,
}

impl Event {
    /// The message, as JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let known: Vec<_> =
            self.fingerprints.iter().map(String::as_str).filter(|it| is_fingerprint(it)).collect();
        let (stamp, length) = self.figures.started.rfc3339();
        let message = Message {
            schema_version: SCHEMA_VERSION,
            event: "jwtriage.nightly",
            text: self.text(),
            jwtriage_version: env!("CARGO_PKG_VERSION"),
            run: self.run,
            started_at: String::from_utf8_lossy(&stamp[..length]).into_owned(),
            duration_seconds: self.figures.duration.as_secs_f64(),
            exit_code: self.figures.exit_code,
            bytes: self.figures.bytes,
            sources: &self.figures.sources,
            occurrences: &self.figures.occurrences,
            live_tokens: &self.figures.live_tokens,
            news: &self.figures.news,
            fingerprints_total: known.len(),
            fingerprints: known.into_iter().take(MAX_FINGERPRINTS).collect(),
        };
        // Strings, numbers and maps of strings: there is nothing in it that JSON cannot say.
        serde_json::to_string(&message).unwrap_or_default()
    }

    /// What happened, in one line.
    fn text(&self) -> String {
        let spoken = |(word, number): (&str, u64)| format!("{number} {}", word.replace('_', " "));
        let news: Vec<_> = self.figures.news.iter().filter(|(_, number)| *number > 0).map(spoken).collect();
        let news = if news.is_empty() { "nothing new".to_owned() } else { news.join(", ") };
        let live = match self.figures.live_tokens.sum() {
            0 => String::new(),
            1 => "; 1 token in logs is still usable".to_owned(),
            more => format!("; {more} tokens in logs are still usable"),
        };
        format!("jwtriage run {}: {news}{live} (exit code {})", self.run, self.figures.exit_code)
    }
}

/// Whether a text is the fingerprint of a token, by its form.
fn is_fingerprint(text: &str) -> bool {
    text.strip_prefix("jt_").is_some_and(|digits| {
        digits.len() == 20 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use std::time::Duration;

    use super::*;
    use crate::timestamp::Timestamp;

    fn sample() -> Event {
        Event {
            run: 42,
            figures: Figures {
                started: Timestamp::from_seconds(1_781_229_600),
                duration: Duration::from_millis(154_250),
                exit_code: 1,
                bytes: 73_400_320,
                sources: [("complete", 41)].into_iter().collect(),
                occurrences: [("valid", 549), ("expired", 47)].into_iter().collect(),
                live_tokens: [("usable", 2)].into_iter().collect(),
                news: [("new", 3), ("resolved", 1), ("out_of_band", 1), ("gone", 0)].into_iter().collect(),
            },
            fingerprints: vec!["jt_05fae48478c8a72ae5e3".to_owned()],
        }
    }

    fn read(event: &Event) -> Value {
        serde_json::from_str(&event.to_json()).unwrap()
    }

    #[test]
    fn a_message_says_all_that_is_counted() {
        let expected = json!({
            "schema_version": 1,
            "event": "jwtriage.nightly",
            "text": "jwtriage run 42: 3 new, 1 out of band, 1 resolved; 2 tokens in logs are still usable (exit code 1)",
            "jwtriage_version": env!("CARGO_PKG_VERSION"),
            "run": 42,
            "started_at": "2026-06-12T02:00:00Z",
            "duration_seconds": 154.25,
            "exit_code": 1,
            "bytes": 73_400_320,
            "sources": {"complete": 41},
            "occurrences": {"valid": 549, "expired": 47},
            "live_tokens": {"usable": 2},
            "news": {"new": 3, "resolved": 1, "out_of_band": 1, "gone": 0},
            "fingerprints": ["jt_05fae48478c8a72ae5e3"],
            "fingerprints_total": 1,
        });
        assert_eq!(read(&sample()), expected);
    }

    #[test]
    fn a_night_without_news_says_so() {
        let mut event = sample();
        event.figures.exit_code = 0;
        event.figures.news = Counts::default();
        event.figures.live_tokens = Counts::default();
        assert_eq!(read(&event)["text"], "jwtriage run 42: nothing new (exit code 0)");
    }

    #[test]
    fn what_is_no_fingerprint_is_not_sent() {
        let token = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1In0.";
        let others = [
            token,
            "jt_",
            "jt_05FAE48478C8A72AE5E3",
            "sub_05fae48478c8a72ae5e3",
            "jt_05fae48478c8a72ae5e3\n",
        ];
        let event = Event { fingerprints: others.map(str::to_owned).to_vec(), ..sample() };
        assert_eq!(
            (&read(&event)["fingerprints"], &read(&event)["fingerprints_total"]),
            (&json!([]), &json!(0))
        );
    }

    #[test]
    fn of_many_fingerprints_the_first_hundred_are_sent_and_all_are_counted() {
        let fingerprints = (0..250).map(|number| format!("jt_{number:020x}")).collect();
        let message = read(&Event { fingerprints, ..sample() });
        assert_eq!(message["fingerprints"].as_array().unwrap().len(), 100);
        assert_eq!(message["fingerprints"][99], "jt_00000000000000000063");
        assert_eq!(message["fingerprints_total"], 250);
    }
}
