//! Rows → the geometry of pictures: where every bar, line and label of `report.html` is. The templates make SVG of it.
//!
//! Invariant: a picture has at most so many parts, whatever was found: 150 bars, eight kinds of findings, 26
//! instants, 24 keys.

mod keys;
mod timeline;

pub(super) use keys::KeyChart;
pub(super) use timeline::TimelineChart;

use crate::timestamp::Timestamp;

/// How wide a picture is, in its own units.
pub(super) const WIDTH: f64 = 1000.0;

/// A stretch of time from left to right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// Its first instant, in milliseconds.
    from: i64,
    /// The instant behind its last; later than `from`.
    to: i64,
    left: f64,
    right: f64,
}

/// A label of an axis.
#[derive(Debug, PartialEq)]
pub(super) struct Tick {
    pub(super) at: String,
    pub(super) label: String,
    /// The day, where it is another one than at the tick before.
    pub(super) day: String,
}

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Steps between ticks.
const STEPS: [i64; 22] = [
    SECOND,
    5 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    5 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    2 * DAY,
    7 * DAY,
    28 * DAY,
    91 * DAY,
    364 * DAY,
    3640 * DAY,
    36_400 * DAY,
    364_000 * DAY,
];

/// Ticks of an axis, at most.
const MAX_TICKS: i64 = 9;

impl Axis {
    fn new(from: i64, to: i64, left: f64, right: f64) -> Self {
        Self { from, to: to.max(from.saturating_add(1)), left, right }
    }

    /// Where an instant is; what is outside is at the nearer end.
    fn x(self, millis: i64) -> f64 {
        let part = (millis as f64 - self.from as f64) / (self.to as f64 - self.from as f64);
        self.left + part.clamp(0.0, 1.0) * (self.right - self.left)
    }

    fn holds(self, millis: i64) -> bool {
        (self.from..=self.to).contains(&millis)
    }

    fn ticks(self) -> Vec<Tick> {
        let span = self.to.saturating_sub(self.from);
        let step = STEPS.iter().copied().find(|step| span / step < MAX_TICKS).unwrap_or(span / 2 + 1);
        let first = self.from.div_euclid(step).saturating_mul(step);
        let mut day = String::new();
        let instants = (0..=MAX_TICKS + 1).map_while(|n| first.checked_add(n.checked_mul(step)?));
        instants
            .filter(|at| self.holds(*at))
            .map(|at| {
                let text = Timestamp::new(at, false).to_string();
                let (date, clock) = text.split_once('T').unwrap_or((&text, ""));
                let label = match step {
                    DAY.. => String::new(),
                    MINUTE.. => clock.chars().take(5).collect(),
                    _ => clock.trim_end_matches('Z').to_owned(),
                };
                let is_new = date != day;
                date.clone_into(&mut day);
                Tick {
                    at: number(self.x(at)),
                    label,
                    day: if is_new { date.to_owned() } else { String::new() },
                }
            })
            .collect()
    }
}

/// A number of a picture, to a tenth.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// The instant as people read it: without the letters.
pub(super) fn clock(text: &str) -> String {
    text.strip_suffix('Z').map_or_else(|| text.to_owned(), |text| text.replacen('T', " ", 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-06-12T00:00:00Z
    const MIDNIGHT: i64 = 1_781_222_400_000;

    #[test]
    fn an_axis_has_at_most_ten_ticks_and_tells_the_day_when_it_changes() {
        let spans = [1, 7, SECOND, 59 * MINUTE, 5 * HOUR, 3 * DAY, 400 * DAY, 200_000 * DAY];
        for span in spans {
            let ticks = Axis::new(MIDNIGHT, MIDNIGHT + span, 0.0, 100.0).ticks();
            assert!((1..=10).contains(&ticks.len()), "{span}: {ticks:?}");
            assert!(ticks.iter().all(|tick| tick.label.is_empty()) || ticks[0].day == "2026-06-12", "{span}");
        }
        let ticks = Axis::new(MIDNIGHT - 2 * HOUR, MIDNIGHT + 2 * HOUR, 0.0, 100.0).ticks();
        let shown: Vec<_> = ticks.iter().map(|tick| (&*tick.at, &*tick.label, &*tick.day)).collect();
        assert_eq!(shown[0], ("0", "22:00", "2026-06-11"));
        assert_eq!(shown[4], ("50", "00:00", "2026-06-12"));
        assert_eq!(shown[5], ("62.5", "00:30", ""));
    }

    #[test]
    fn an_axis_over_all_of_time_is_still_one() {
        let axis = Axis::new(i64::MIN, i64::MAX, 0.0, 100.0);
        assert!(axis.ticks().len() <= 10);
        assert_eq!(number(axis.x(0)), "50");
        let axis = Axis::new(i64::MAX, i64::MAX, 0.0, 100.0);
        assert!(axis.ticks().len() <= 10);
    }
}
