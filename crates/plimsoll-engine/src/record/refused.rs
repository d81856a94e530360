//! Why a command is not done.

use super::Impact;
use crate::feed;
use crate::guard::{Flips, Held};
use crate::{Stamp, written};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a command is not done. It is written down all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refused {
    /// The clock stood later before.
    ClockBack {
        /// What it was (ns).
        was: Stamp,
    },
    /// Nothing has this name.
    NoSuch {
        /// What: market, account, feed, intent, proposal, alert, price.
        what: String,
        /// The name.
        name: String,
    },
    /// A source said something that cannot be taken.
    Quote(feed::Refused),
    /// The market does not do it.
    Market {
        /// The code of its refusal.
        code: String,
        /// In words.
        why: String,
    },
    /// The market is kept elsewhere; what is done there comes as a fact.
    KeptElsewhere,
    /// An account would be left below its line, or nearer to it than it was below.
    WouldBeUnhealthy {
        /// Which.
        account: String,
    },
    /// Nobody can say where the account would stand, and the steps take on risk.
    WouldBeUnknown {
        /// Which.
        account: String,
    },
    /// Nobody may act on it: what state it is in.
    NotLiquidatable {
        /// In words.
        state: String,
    },
    /// Where it stands is not known.
    Unknown {
        /// Why.
        why: String,
    },
    /// A guard holds it.
    Held(Held),
    /// Only a person may; this is none.
    NotAPerson,
    /// It takes two people.
    SamePerson,
    /// It ended already.
    IsResolved,
    /// The change would flip more of the book than the breaker lets.
    TooMuch(Box<Impact>),
    /// Since it was proposed the book moved so that it would touch more accounts.
    Moved(Box<Impact>),
    /// Something does not fit together.
    Unfit(String),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::ClockBack { was } => {
                write!(f, "the clock stood at {} before, and must not go back", written(*was))
            }
            Refused::NoSuch { what, name } => write!(f, "no {what} is called {name}"),
            Refused::Quote(refused) => refused.fmt(f),
            Refused::Market { code, why } => write!(f, "{code}: {why}"),
            Refused::KeptElsewhere => {
                f.write_str("the market is kept elsewhere: what is done there comes as positions and cells")
            }
            Refused::WouldBeUnhealthy { account } => {
                write!(f, "{account} would be below its line, or further below")
            }
            Refused::WouldBeUnknown { account } => {
                write!(f, "where {account} would stand cannot be said, and this takes on risk")
            }
            Refused::NotLiquidatable { state } => write!(f, "the account is {state}"),
            Refused::Unknown { why } => write!(f, "where the account stands is not known: {why}"),
            Refused::Held(held) => held.fmt(f),
            Refused::NotAPerson => f.write_str("only a person of the configuration may"),
            Refused::SamePerson => f.write_str("who proposed cannot approve"),
            Refused::IsResolved => f.write_str("it has ended"),
            Refused::TooMuch(impact) => {
                let Flips { accounts: [accounts, of], .. } = impact.flips;
                write!(
                    f,
                    "{accounts} of {of} accounts would newly be below their line, and of {} nobody can say: more than the breaker lets",
                    impact.unjudged
                )
            }
            Refused::Moved(impact) => {
                let Impact { called, unknown, unjudged, .. } = **impact;
                let Flips { accounts: [accounts, _], .. } = impact.flips;
                write!(
                    f,
                    "now {accounts} accounts would newly be below their line, {called} called, {unknown} unknown, and of {unjudged} nobody can say: more than when it was proposed"
                )
            }
            Refused::Unfit(why) => f.write_str(why),
        }
    }
}
