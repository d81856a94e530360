//! What an account can hold.

use alloc::string::String;
use serde::{Deserialize, Serialize};

/// An instrument's place in its market's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InstrumentId(pub u32);

impl InstrumentId {
    /// As an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What holding an instrument means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A token or currency itself, outside the market's books.
    Asset,
    /// A claim on the market: scaled deposit, supply share, posted collateral. Never negative.
    Receipt,
    /// What is owed, counted positive: scaled debt, borrow share, normalised debt. Never negative.
    Debt,
    /// A signed quantity that is a claim above zero and a debt below (Compound's principal, margin cash).
    Balance,
    /// A derivative: perp, future, option series; negative is short.
    Derivative,
}

/// One thing that accounts of a market hold a signed raw quantity of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    /// What people call it, such as `aWETH`.
    pub name: String,
    /// What holding it means.
    pub kind: Kind,
    /// The asset behind it, such as `WETH`.
    pub asset: String,
    /// Decimals of one whole unit of this instrument.
    pub decimals: u8,
}
