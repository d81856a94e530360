//! What might happen to prices: shocks as somebody states them, before any book is looked at.
//!
//! A scenario names things as markets do (assets, feeds) and says how much their prices move, in exact decimals. Which
//! feeds of a book that means, and whether it says something of everything that the book holds, is for whoever applies
//! it to find out.

use crate::graph::FeedKind;
use crate::num::Decimal;
use alloc::string::String;
use alloc::vec::Vec;

/// A set of shocks that come at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// The name that it is asked for by.
    pub name: String,
    /// What it was asked with, by name.
    pub parameters: Vec<(String, String)>,
    /// What it is, in a line.
    pub title: String,
    /// Where each figure is from.
    pub sources: Vec<String>,
    /// Assets that stand still, each said and none by silence.
    pub hold: Vec<String>,
    /// What moves. Of two shocks of one price the later replaces the earlier; [`How::Wrong`] comes on top.
    pub shocks: Vec<Shock>,
    /// The part that is left of every depth curve that no shock says it of; `None` where all is left.
    pub liquidity: Option<Decimal>,
    /// Markets that fail.
    pub failures: Vec<Failure>,
}

impl Scenario {
    /// A scenario of prices alone.
    #[must_use]
    pub fn of_prices(name: &str, hold: Vec<String>, shocks: Vec<Shock>) -> Scenario {
        let (title, sources, failures) = (String::new(), Vec::new(), Vec::new());
        let (name, parameters) = (name.into(), Vec::new());
        Scenario { name, parameters, title, sources, hold, shocks, liquidity: None, failures }
    }

    /// Its name, with what it was asked with behind a colon: `one-asset:asset=ETH,percent=-10`.
    #[must_use]
    pub fn called(&self) -> String {
        let mut called = self.name.clone();
        for (at, (name, value)) in self.parameters.iter().enumerate() {
            called.push(if at == 0 { ':' } else { ',' });
            called.push_str(name);
            called.push('=');
            called.push_str(value);
        }
        called
    }
}

/// Markets that fail, as by a fault of a contract: who has something there gets a part of it, and nobody is liquidated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Their names in the book.
    pub markets: Vec<String>,
    /// The part of what they have that holders get: at least 0, at most 1.
    pub pays: Decimal,
}

/// One statement about prices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shock {
    /// Whose prices.
    pub target: Target,
    /// How they move.
    pub how: How,
    /// The part that is left of the depth in which these assets are sold; `None` where nothing is said of it.
    pub liquidity: Option<Decimal>,
}

/// Whose prices move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// Every price of these assets in one of these currencies, of the kinds said. What is built on them moves along.
    Assets {
        /// Names of one and the same asset, or of assets that move alike.
        assets: Vec<String>,
        /// In what the move is counted: names of one and the same currency.
        currency: Vec<String>,
        /// Which questions' answers move.
        kinds: Vec<FeedKind>,
    },
    /// Everything that some account of the book has as collateral, but for what the scenario names or holds.
    Collateral {
        /// Which questions' answers move.
        kinds: Vec<FeedKind>,
    },
    /// Prices by their names in the book, of whatever kind they are.
    Prices(Vec<String>),
}

/// How a price moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// To so many times the old one.
    Factor(Decimal),
    /// To this, whatever it was.
    Value(Decimal),
    /// Not at all, although another shock moves it: the feed has stopped.
    Frozen,
    /// To so many times what it would be otherwise: the feed is wrong.
    Wrong(Decimal),
}
