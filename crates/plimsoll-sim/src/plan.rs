//! What a simulation is founded on: prices, oracles, markets in which things are sold, keepers, borrowers.
//!
//! Every number here is somebody's word on the world, and says whether it was measured or assumed ([`Stated`]). Shares are in basis points,
//! amounts of currency in 10^-18.

use crate::prices::Paths;
use plimsoll_core::depth::Pool;
use plimsoll_core::{PriceId, U256};

/// One of a currency.
pub const ONE: U256 = U256::new(1_000_000_000_000_000_000);

/// A price of the book that moves.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// Which.
    pub id: PriceId,
    /// It moves by the product of these drivers' factors, each to its power.
    pub powers: Vec<(usize, f64)>,
    /// Digits after the point that are kept.
    pub digits: u8,
    /// What stands between the market and what is published; `None` where the price is a market's own.
    pub oracle: Option<Oracle>,
}

/// What an oracle makes of the market's price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Oracle {
    /// It is published anew after so many seconds at the latest; 0 for at every look.
    pub heartbeat: u64,
    /// It is published as soon as it has moved by so much \[bps\].
    pub deviation: u64,
    /// What is published is acted on so many seconds later.
    pub delay: u64,
    /// It is the mean of so many seconds; 0 for the price of now.
    pub mean: u64,
    /// It goes no further than this at once \[bps\]; 0 for no such bound.
    pub cap: u64,
    /// It publishes nothing from this second on.
    pub frozen: Option<u64>,
    /// From one second to another it publishes so many times the price \[bps of one\].
    pub wrong: Option<[u64; 3]>,
}

/// A depth curve that is walked down by sales and recovers.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    /// Names of what is sold.
    pub assets: Vec<String>,
    /// Names of what it brings; none where it is whatever is owed.
    pub against: Vec<String>,
    /// The driver whose price its sales press on.
    pub driver: Option<usize>,
    /// The price at which the points were measured \[1e18\].
    pub price: U256,
    /// Sold in all, brought in all \[1e18\]: the first grows, the second never falls.
    pub points: Vec<[U256; 2]>,
    /// After so many seconds buyers are back for half of what was sold; 0 for never.
    pub half_life: u64,
    /// The part of it that goes for each part that its driver has fallen \[bps\]: of 10,000 half of it is gone where the price halved.
    pub withdraws: u64,
    /// The part of its displacement that the market's price, and so every oracle, shows \[bps\].
    pub spills: u64,
}

/// A pool of two assets with real reserves.
#[derive(Clone, Debug, PartialEq)]
pub struct Amm {
    /// Its name.
    pub name: String,
    /// The assets, in the order of its reserves.
    pub assets: [String; 2],
    /// Their prices in the book, in one currency.
    pub prices: [PriceId; 2],
    /// Reserves and rules.
    pub pool: Pool,
    /// Somebody brings it back to the market's price every so many seconds; 0 for never.
    pub latency: u64,
}

/// Somebody who liquidates where it pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeper {
    /// His name.
    pub name: String,
    /// What he can repay in one call \[1e18\]; `None` where he borrows it for the call.
    pub capital: Option<U256>,
    /// The least that he acts for \[1e18\].
    pub least: U256,
    /// The highest gas price at which he sends anything, as a multiple of the calm one \[bps\]; `None` for any.
    pub gas_most: Option<u64>,
    /// Calls in one step.
    pub calls: u32,
    /// How likely he is to be there at a step \[bps\].
    pub awake: u64,
}

/// What a call costs as the price falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gas {
    /// In calm \[1e18\].
    pub calm: U256,
    /// So many times more for each part that the deepest driver fell in an hour \[bps of one\]: of 100,000 (ten times) a fall of a tenth
    /// doubles it.
    pub surge: u64,
}

/// What some borrowers do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Borrowers {
    /// What they do.
    pub policy: Policy,
    /// The part of all who owe \[bps\].
    pub share: u64,
    /// They act when their health is below this \[bps of one\].
    pub trigger: u32,
    /// They bring it to this \[bps of one\].
    pub target: u32,
    /// So many seconds later.
    pub delay: u64,
    /// How often they have the means.
    pub times: u32,
}

/// What a borrower does who is near his line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// He pays in more of each collateral.
    TopUp,
    /// He pays back a part of each debt.
    Repay,
}

/// Whether a number was measured or assumed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stated {
    /// Of whom or what.
    pub of: String,
    /// Which number.
    pub name: String,
    /// Its value, as it was written.
    pub value: String,
    /// `None` where it is an assumption; else where it was measured.
    pub measured: Option<String>,
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What moves prices, by name.
    pub drivers: Vec<String>,
    /// Prices that move.
    pub leaves: Vec<Leaf>,
    /// How drivers move.
    pub paths: Paths,
    /// Depth curves.
    pub curves: Vec<Curve>,
    /// Pools.
    pub pools: Vec<Amm>,
    /// Keepers.
    pub keepers: Vec<Keeper>,
    /// What calls cost.
    pub gas: Gas,
    /// Borrowers who act; the others sleep.
    pub borrowers: Vec<Borrowers>,
    /// Assets that the market sells below, or above, what their oracles would say: names, and the driver whose factor that is.
    pub discounts: Vec<(Vec<String>, usize)>,
    /// What a unit of each currency of a market is worth in that of thresholds and gas \[1e18\]; of one that is not here, one.
    pub units: Vec<(String, U256)>,
    /// Nobody liquidates: what the fall would have been without.
    pub nobody: bool,
    /// Seed of everything that is drawn.
    pub seed: u64,
}

impl Plan {
    /// An amount of thresholds in a market's own currency, rounded up; as it is beyond 256 bits.
    pub(crate) fn counted(&self, amount: U256, currency: &str) -> U256 {
        let unit = self.units.iter().find(|(name, _)| name == currency).map_or(ONE, |(_, unit)| *unit);
        amount.mul_div_wide(ONE, unit, plimsoll_core::Rounding::Up).unwrap_or(amount)
    }
}
