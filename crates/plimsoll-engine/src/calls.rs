//! The life of a margin call: what an account is told, by when it must have acted, and what follows.
//!
//! ```text
//!              below warning          below call              deadline passed, or below the line
//!   healthy ───────────────► warned ───────────────► called ──────────────────────────────────► liquidatable ──► liquidating ──► healthy, closed, bad debt
//!      ▲                        │                      │ │                                            │
//!      └────────────────────────┴──── back above ──────┘ └── met, or withdrawn as prices recover      └── recovered before anybody acted
//! ```
//!
//! [`Life::decide`] says what happens and changes nothing; [`Life::apply`] does it and decides nothing. Deadlines are events like others: they pass when the clock of the
//! commands is told to be past them, so that a replay sees what was seen. An account of which nothing is known keeps the state that it had: it is
//! not warned, called, escalated or let go for that, and its deadline does not pass while it lasts.

use crate::Stamp;
use serde::{Deserialize, Serialize};

/// Where an account stands against the levels of its policy, by exact comparison of its venue's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Level {
    /// It holds nothing and owes nothing.
    Gone,
    /// It owes nothing.
    NoDebt,
    /// Above every level.
    Above,
    /// Below the level of warnings.
    Warning,
    /// Below the level of calls.
    Call,
    /// Below the venue's line.
    Line,
    /// What it holds is gone, and it owes.
    Bad,
}

/// What brought a new level about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cause {
    /// The owner acted.
    Owner,
    /// Prices, interest or rules.
    World,
    /// We did: an intent was carried out.
    Us,
}

/// What is seen of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Its level; `None` where it is not known.
    pub level: Option<Level>,
    /// What is missing to satisfy a call (quanta); 0 where nothing is.
    pub missing: u128,
    /// What brought it about.
    pub cause: Cause,
}

/// What the owners of a group of accounts are told and given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// From the call to its deadline (ns); with 0 it passes at the next look.
    pub grace: Stamp,
    /// Whether an account whose call passed its deadline is liquidated though it is above the venue's line.
    pub escalates: bool,
}

/// How an account lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Nothing is asked of it.
    #[default]
    Healthy,
    /// It was warned.
    Warned,
    /// It was called.
    Called {
        /// By when it must have acted.
        deadline: Stamp,
        /// What is missing (quanta).
        missing: u128,
    },
    /// It may be liquidated.
    Liquidatable {
        /// Since its call passed, and not by the venue's line.
        by_call: bool,
    },
    /// An intent is out for it.
    Liquidating {
        /// Which.
        intent: u64,
        /// As before: since its call passed, and not by the venue's line.
        by_call: bool,
    },
    /// Nothing is left of it.
    Closed,
    /// It owes what nothing backs.
    BadDebt,
}

/// What happens to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// It is warned.
    Warned,
    /// It is called.
    Called {
        /// By when it must have acted.
        deadline: Stamp,
        /// What is missing (quanta).
        missing: u128,
    },
    /// Its owner did a part of what a call asks; the deadline stays.
    PartlyMet {
        /// What is still missing (quanta).
        missing: u128,
    },
    /// Prices, interest or rules took the account further from, or nearer to, what its call asks; the deadline stays.
    Moved {
        /// What is missing now (quanta).
        missing: u128,
    },
    /// Its owner met the call.
    Met,
    /// The call is withdrawn: prices did what was asked of the owner.
    Withdrawn,
    /// The deadline passed.
    Escalated,
    /// The deadline passed, and the policy leaves it at that; the call stands.
    Overdue,
    /// It is below the venue's line.
    BelowLine,
    /// It is above the line again, and nobody had acted.
    Recovered,
    /// An intent is out for it.
    Intended {
        /// Which.
        intent: u64,
    },
    /// The intent came to nothing; it stands as it stood.
    Abandoned,
    /// The intent was carried out.
    Liquidated,
    /// It is no longer warned.
    Cleared,
    /// Nothing is left of it.
    Closed,
    /// It owes what nothing backs.
    BecameBad,
    /// Its owner took it further from what its call asks; the deadline stays.
    Widened {
        /// What is missing now (quanta).
        missing: u128,
    },
    /// It was liquidatable since its call had passed, and is above the level of calls again.
    Settled,
}

/// The life of one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// How it lives.
    pub state: State,
    /// Whether its call was told to be overdue.
    pub overdue: bool,
    /// The deadline of the call that was made last and was neither met nor withdrawn: falling below the line meanwhile gives nobody a
    /// later one.
    pub due: Option<Stamp>,
}

impl Life {
    /// What follows from what is seen. Events come in the order in which they are to be applied.
    #[must_use]
    pub fn decide(&self, policy: &Policy, seen: &Seen, now: Stamp) -> Vec<Event> {
        let Some(level) = seen.level else { return Vec::new() };
        // While an intent is out its outcome decides, and not what is seen meanwhile.
        if let State::Liquidating { .. } = self.state {
            return Vec::new();
        }
        let mut events = Vec::new();
        match level {
            Level::Bad => {
                if self.state != State::BadDebt {
                    events.push(Event::BecameBad);
                }
            }
            Level::Line => {
                if self.state != (State::Liquidatable { by_call: false }) {
                    events.push(Event::BelowLine);
                }
            }
            Level::Call => self.below_call(policy, seen, now, &mut events),
            Level::Gone | Level::NoDebt | Level::Above | Level::Warning => {
                self.above_call(level, seen.cause, &mut events);
            }
        }
        events
    }

    /// Below the level of calls and above the line.
    fn below_call(&self, policy: &Policy, seen: &Seen, now: Stamp, events: &mut Vec<Event>) {
        let missing = seen.missing;
        match self.state {
            State::Called { deadline, .. } if now >= deadline && policy.escalates => {
                events.push(Event::Escalated)
            }
            State::Called { deadline, missing: before } => {
                if missing != before {
                    events.push(match seen.cause {
                        Cause::Owner if missing < before => Event::PartlyMet { missing },
                        Cause::Owner => Event::Widened { missing },
                        Cause::World | Cause::Us => Event::Moved { missing },
                    });
                }
                if now >= deadline && !self.overdue {
                    events.push(Event::Overdue);
                }
            }
            // By its call, and nothing has changed.
            State::Liquidatable { by_call: true } | State::Liquidating { .. } => {}
            State::Liquidatable { by_call: false } => {
                events.push(Event::Recovered);
                let deadline = self.due.unwrap_or_else(|| now.saturating_add(policy.grace));
                events.push(Event::Called { deadline, missing });
                if now >= deadline {
                    events.push(if policy.escalates { Event::Escalated } else { Event::Overdue });
                }
            }
            State::Healthy | State::Warned | State::Closed | State::BadDebt => {
                events.push(Event::Called { deadline: now.saturating_add(policy.grace), missing });
            }
        }
    }

    /// Above the level of calls.
    fn above_call(&self, level: Level, cause: Cause, events: &mut Vec<Event>) {
        match self.state {
            State::Called { .. } => {
                events.push(if cause == Cause::Owner { Event::Met } else { Event::Withdrawn });
            }
            State::Liquidatable { by_call: true } => events.push(Event::Settled),
            State::Liquidatable { by_call: false } => events.push(Event::Recovered),
            State::Warned if level != Level::Warning => events.push(Event::Cleared),
            State::Warned | State::Healthy | State::Closed | State::BadDebt | State::Liquidating { .. } => {}
        }
        let is_warned = self.state == State::Warned && events.is_empty();
        if level == Level::Warning && !is_warned {
            events.push(Event::Warned);
        }
        let over = match self.state {
            State::Closed => level != Level::Gone,
            State::BadDebt => true,
            _ => false,
        };
        if level != Level::Warning && over {
            events.push(Event::Cleared);
        }
        // Whoever was never called or below the line is forgotten without a word.
        if level == Level::Gone && !matches!(self.state, State::Healthy | State::Closed | State::Warned) {
            events.push(Event::Closed);
        }
    }

    /// What was decided is done.
    pub fn apply(&mut self, event: &Event) {
        self.overdue = matches!(event, Event::Overdue)
            || self.overdue
                && matches!(event, Event::PartlyMet { .. } | Event::Widened { .. } | Event::Moved { .. });
        match event {
            Event::Called { deadline, .. } => self.due = Some(*deadline),
            Event::Warned
            | Event::Met
            | Event::Withdrawn
            | Event::Cleared
            | Event::Recovered
            | Event::Settled
            | Event::Closed
            | Event::BecameBad => self.due = None,
            _ => {}
        }
        self.state = match (event, self.state) {
            (Event::Warned, _) => State::Warned,
            (Event::Called { deadline, missing }, _) => {
                State::Called { deadline: *deadline, missing: *missing }
            }
            (
                Event::PartlyMet { missing } | Event::Widened { missing } | Event::Moved { missing },
                State::Called { deadline, .. },
            ) => State::Called { deadline, missing: *missing },
            (Event::Met | Event::Withdrawn | Event::Recovered | Event::Settled | Event::Cleared, _) => {
                State::Healthy
            }
            (Event::Escalated, _) => State::Liquidatable { by_call: true },
            // Carried out or not, it stands as it stood until it is looked at: a part of what is to be done ends nothing.
            (Event::Abandoned | Event::Liquidated, State::Liquidating { by_call, .. }) => {
                State::Liquidatable { by_call }
            }
            (Event::BelowLine | Event::Abandoned | Event::Liquidated, _) => {
                State::Liquidatable { by_call: false }
            }
            (Event::Intended { intent }, was) => {
                let by_call = matches!(was, State::Liquidatable { by_call: true });
                State::Liquidating { intent: *intent, by_call }
            }
            (Event::Closed, _) => State::Closed,
            (Event::BecameBad, _) => State::BadDebt,
            (
                Event::Overdue | Event::PartlyMet { .. } | Event::Widened { .. } | Event::Moved { .. },
                state,
            ) => state,
        };
    }

    /// Whether an intent to liquidate may be made for it.
    #[must_use]
    pub const fn may_be_liquidated(&self) -> bool {
        matches!(self.state, State::Liquidatable { .. })
    }
}
