//! What a verifier checks, one after the other, when all but the time is known.

use std::borrow::Cow;

use crate::timestamp::Timestamp;

/// An error as a log shows it; `…` stands for a part that jwtriage does not know or does not repeat.
pub(super) type Text = Cow<'static, str>;

/// One check, and the error when it fails.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Check {
    /// It fails at all times.
    Always(Text),
    /// It fails from this instant on, in milliseconds.
    From(i64, Text),
    /// It fails before this instant, in milliseconds.
    Before(i64, Text),
    /// It depends on the keys that are published.
    Key(KeyCheck),
    /// It is made only while none of these keys is published.
    Otherwise {
        /// The keys.
        unless: Vec<Trial>,
        /// The check.
        check: Box<Check>,
    },
    /// All of these are checked, and the errors of those that fail are told together.
    Together {
        /// What stands before them.
        prefix: &'static str,
        /// What stands between two of them.
        separator: &'static str,
        /// The checks.
        checks: Vec<Check>,
    },
}

/// A check of a key, and of the signature with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyCheck {
    /// Which of the keys that are published count.
    pub(super) choice: Choice,
    /// The keys in question, in the order of the policy.
    pub(super) trials: Vec<Trial>,
    /// The error when none of them is published; `None`: then nothing is wrong yet.
    pub(super) none: Option<Text>,
}

/// Which of several keys a verifier takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// The first.
    First,
    /// The only one; this is the error when there are more.
    Only(Text),
    /// Each, until one does. The error is that of the last, where `last`, or of the first.
    Any {
        /// Whose error is told when none does.
        last: bool,
    },
}

/// A key, and what the verifier would say with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trial {
    /// Published at this instant, in milliseconds; `None`: always was.
    pub(super) from: Option<i64>,
    /// Retired from this instant on, in milliseconds; `None`: still current.
    pub(super) until: Option<i64>,
    /// The error with this key; `None`: it is taken.
    pub(super) error: Option<Text>,
}

impl Check {
    /// The error at the event time. Without one, what depends on it does not fail.
    pub(super) fn at(&self, at: Option<Timestamp>) -> Option<Text> {
        let millis = at.map(Timestamp::millis);
        match self {
            Self::Always(error) => Some(error.clone()),
            Self::From(turn, error) => millis.filter(|at| at >= turn).map(|_| error.clone()),
            Self::Before(turn, error) => millis.filter(|at| at < turn).map(|_| error.clone()),
            Self::Key(check) => check.at(millis),
            Self::Otherwise { unless, check } => {
                let is_made = !unless.iter().any(|trial| trial.may_be_published(millis));
                is_made.then(|| check.at(at)).flatten()
            }
            Self::Together { prefix, separator, checks } => {
                let errors: Vec<Text> = checks.iter().filter_map(|check| check.at(at)).collect();
                (!errors.is_empty()).then(|| format!("{prefix}{}", errors.join(separator)).into())
            }
        }
    }

    /// Adds the instants, in milliseconds, at which [`Check::at`] may change.
    pub(super) fn add_turns(&self, turns: &mut Vec<i64>) {
        match self {
            Self::Always(_) => {}
            Self::From(turn, _) | Self::Before(turn, _) => turns.push(*turn),
            Self::Key(check) => check.trials.iter().for_each(|trial| trial.add_turns(turns)),
            Self::Otherwise { unless, check } => {
                unless.iter().for_each(|trial| trial.add_turns(turns));
                check.add_turns(turns);
            }
            Self::Together { checks, .. } => checks.iter().for_each(|check| check.add_turns(turns)),
        }
    }
}

impl KeyCheck {
    fn at(&self, at: Option<i64>) -> Option<Text> {
        // Without an event time it is not known which keys were published, unless all always are.
        if at.is_none() && self.trials.iter().any(|trial| trial.from.is_some() || trial.until.is_some()) {
            return None;
        }
        let mut published = self.trials.iter().filter(|trial| trial.may_be_published(at));
        let Some(first) = published.next() else { return self.none.clone() };
        match &self.choice {
            Choice::First => first.error.clone(),
            Choice::Only(several) if published.next().is_some() => Some(several.clone()),
            Choice::Only(_) => first.error.clone(),
            Choice::Any { last } => {
                let mut error = first.error.as_ref()?;
                for trial in published {
                    let other = trial.error.as_ref()?;
                    if *last {
                        error = other;
                    }
                }
                Some(error.clone())
            }
        }
    }
}

impl Trial {
    /// Whether it is published at an instant in milliseconds; without one, it may be.
    fn may_be_published(&self, at: Option<i64>) -> bool {
        at.is_none_or(|at| {
            self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
        })
    }

    fn add_turns(&self, turns: &mut Vec<i64>) {
        turns.extend([self.from, self.until].into_iter().flatten());
    }
}

/// The checks of a verifier in its order, as they are put together.
#[derive(Debug, Default)]
pub(super) struct Checks(Vec<Check>);

impl Checks {
    /// Ends the checks with one that always fails.
    pub(super) fn fail(mut self, error: impl Into<Text>) -> Vec<Check> {
        self.0.push(Check::Always(error.into()));
        self.0
    }

    /// Adds a check.
    pub(super) fn add(&mut self, check: Check) {
        self.0.push(check);
    }

    /// The checks; what comes behind one that always fails is left out.
    pub(super) fn done(mut self) -> Vec<Check> {
        if let Some(end) = self.0.iter().position(|check| matches!(check, Check::Always(_))) {
            self.0.truncate(end + 1);
        }
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(check: &Check, at: Option<i64>) -> String {
        check.at(at.map(Timestamp::from_millis)).unwrap_or_default().into_owned()
    }

    fn trial(from: Option<i64>, until: Option<i64>, error: Option<&'static str>) -> Trial {
        Trial { from, until, error: error.map(Into::into) }
    }

    #[test]
    fn a_date_fails_from_its_turn_on_or_before_it_and_never_without_an_event_time() {
        let (late, early) = (Check::From(10, "late".into()), Check::Before(10, "early".into()));
        for (at, expected) in
            [(Some(9), ["", "early"]), (Some(10), ["late", ""]), (Some(11), ["late", ""]), (None, ["", ""])]
        {
            assert_eq!([told(&late, at), told(&early, at)], expected, "{at:?}");
        }
    }

    #[test]
    fn only_published_keys_count_and_each_choice_picks_among_them() {
        let trials = vec![
            trial(None, Some(10), Some("a")),
            trial(Some(5), None, Some("b")),
            trial(Some(8), None, None),
        ];
        let check =
            |choice| Check::Key(KeyCheck { choice, trials: trials.clone(), none: Some("none".into()) });
        let at = |choice, at| told(&check(choice), Some(at));
        assert_eq!(at(Choice::First, 4), "a");
        assert_eq!(at(Choice::First, 10), "b");
        assert_eq!(at(Choice::Only("several".into()), 4), "a");
        assert_eq!(at(Choice::Only("several".into()), 5), "several");
        assert_eq!(at(Choice::Any { last: false }, 5), "a");
        assert_eq!(at(Choice::Any { last: true }, 5), "b");
        assert_eq!(at(Choice::Any { last: true }, 8), "", "one key is enough");
        assert_eq!(told(&check(Choice::First), None), "", "which are published is not known");
        let gone = KeyCheck { choice: Choice::First, trials: Vec::new(), none: Some("none".into()) };
        assert_eq!(told(&Check::Key(gone), None), "none");
    }

    #[test]
    fn errors_told_together_are_joined_in_order() {
        let checks = vec![
            Check::From(10, "expired".into()),
            Check::Before(20, "early".into()),
            Check::Always("iss".into()),
        ];
        let check = Check::Together { prefix: "claims: ", separator: ", ", checks };
        assert_eq!(told(&check, Some(15)), "claims: expired, early, iss");
        assert_eq!(told(&check, Some(25)), "claims: expired, iss");
        let mut turns = Vec::new();
        check.add_turns(&mut turns);
        assert_eq!(turns, [10, 20]);
    }
}
