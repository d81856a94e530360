//! What an engine is founded on, and what of it can be changed by two people.

use crate::Stamp;
use crate::calls::Policy;
use crate::feed::Rule;
use crate::guard::Limits;
use plimsoll_core::{Cell, Graph, Int, PriceId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A level as a multiple of the requirement, such as 11 / 10: below it is who backs less than that.
pub type Level = (u32, u32);

/// The levels of a group of accounts, and what their owners are told and given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Below this an account is warned.
    pub warning: Level,
    /// Below this it is called.
    pub call: Level,
    /// Deadline and escalation.
    pub policy: Policy,
}

/// Who a policy is for: a market, and a group of its accounts; the group without a name is all who have no policy of their own.
pub type Group = (String, String);

/// How a price of the book is heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The price, by its name in the book.
    pub price: String,
    /// Digits after the point that quotes of it have.
    pub decimals: u8,
    /// When it is believed.
    pub rule: Rule,
}

/// Everything that people decide about an engine. Values are millionths of [`Config::currency`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// People by name: who may approve, release and confirm. A program is none of them.
    pub people: BTreeSet<String>,
    /// What caps and the breaker count in.
    pub currency: String,
    /// For a market that counts in another currency, the price of that in ours.
    pub worth: BTreeMap<String, String>,
    /// The policies.
    pub terms: BTreeMap<Group, Terms>,
    /// Caps on actions.
    pub limits: Limits,
    /// So often may a strategy act on one account …
    pub repeats: u32,
    /// … within this time (ns).
    pub window: Stamp,
    /// How far a price may be from the feed (millionths of it).
    pub collar: u64,
    /// More accounts, of all with debt, that flip at once hold every liquidation (millionths), …
    pub flips: u64,
    /// … or more of their collateral (millionths), …
    pub flips_value: u64,
    /// … unless they are so few.
    pub flips_least: u64,
    /// How long feeds that came back must have been back (ns).
    pub grace: Stamp,
    /// What the market takes of an asset in 60 s, in value; an asset without is never sold.
    pub depths: BTreeMap<String, u128>,
    /// Markets that are kept elsewhere, a chain or an exchange: state comes from there, an intent is sent there, and who was acted on is
    /// unknown until it was seen again.
    pub followed: BTreeSet<String>,
    /// An account of such a market that was not seen for longer is unknown (ns).
    pub sight: Stamp,
    /// An intent that is out for longer is told to be late (ns).
    pub late: Stamp,
    /// So long the answer to a command is kept for whoever sends it twice (ns).
    pub memory: Stamp,
    /// How far the clock may be off (ns); `None` where nobody compares it.
    pub clock: Option<Stamp>,
    /// What flips within this time of each other flips at once, to the breaker (ns).
    pub flips_within: Stamp,
    /// Who may say prices, by source; empty where anybody may.
    pub sources: BTreeMap<String, Voice>,
    /// The strategies that there are; empty where names are free.
    pub strategies: BTreeSet<String>,
    /// Nobody is liquidated on prices that were observed further apart (ns); `None` where they may be.
    pub skew: Option<Stamp>,
}

/// How long it is known how far the clock is off after it was compared (ns). RTS 25 asks for a comparison a minute of whoever trades.
pub const MEASURED: Stamp = 120 * 1_000_000_000;

/// A source that may be heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voice {
    /// What it fails together with.
    pub origin: String,
    /// Who may speak for it; empty where anybody may.
    pub by: BTreeSet<String>,
}

/// A market as it is founded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// Its canonical bytes ([`plimsoll_core::Market::encode`]).
    pub market: Vec<u8>,
    /// The price behind each slot.
    pub wiring: Vec<Option<PriceId>>,
}

/// The first record of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Founding {
    /// The program that wrote it.
    pub program: String,
    /// What the book calls itself.
    pub book: String,
    /// When.
    pub at: Stamp,
    /// All prices.
    pub graph: Graph,
    /// All markets; accounts come as positions.
    pub markets: Vec<Place>,
    /// How prices are heard. One that is not named stays what the book says, and grows old as it says.
    pub sources: Vec<Source>,
    /// The rest.
    pub config: Config,
}

/// What two people may change together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Rules of a market that is kept here: a weight, a line, a cap.
    Rules {
        /// Which.
        market: String,
        /// Numbers of it, all at once.
        cells: Vec<(Cell, Option<Int>)>,
    },
    /// What prices are made of. Units must multiply out; markets must find the prices that they are wired to.
    Prices(Graph),
    /// When a feed is believed.
    Source(Source),
    /// A policy.
    Terms(Group, Terms),
    /// Caps on actions.
    Limits(Limits),
    /// What the market takes of an asset in 60 s.
    Depth(String, u128),
    /// How far a price may be from the feed.
    Collar(u64),
    /// Who is a person.
    People(BTreeSet<String>),
}
