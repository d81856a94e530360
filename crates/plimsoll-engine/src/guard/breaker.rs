//! A breaker: where too many accounts, or too much value, turn liquidatable at once, it is the input that is more likely wrong than the accounts, and nothing is
//! done until a person has looked (Paradex 2026-01: a price of zero; Moonwell 2026-02: a price without a factor).

use crate::Stamp;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What one change of inputs did to a book.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flips {
    /// Accounts that turned liquidatable, and all with debt.
    pub accounts: [u64; 2],
    /// Their collateral, and that of all with debt (quanta).
    pub value: [u128; 2],
}

/// What tripped it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tripped {
    /// What flipped.
    pub flips: Flips,
    /// When.
    pub at: Stamp,
}

impl fmt::Display for Tripped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Flips { accounts: [accounts, of], value: [value, of_value] } = self.flips;
        write!(
            f,
            "{accounts} of {of} accounts with {value} of {of_value} turned liquidatable at once: held until a person releases it"
        )
    }
}

/// The breaker.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// More than this part of all accounts with debt trips it (millionths).
    pub accounts: u64,
    /// More than this part of their collateral trips it (millionths).
    pub value: u64,
    /// So few accounts never trip it: in a book of three, one is a third.
    pub least: u64,
    tripped: Option<Tripped>,
}

impl Breaker {
    /// Whether it lets actions through.
    ///
    /// # Errors
    /// What tripped it.
    pub fn check(&self) -> Result<(), Tripped> {
        self.tripped.map_or(Ok(()), Err)
    }

    /// What one change of inputs did: whether it trips the breaker, or would.
    #[must_use]
    pub fn trips(&self, flips: &Flips) -> bool {
        let [accounts, of] = flips.accounts.map(u128::from);
        let [value, of_value] = flips.value;
        if accounts <= self.least.into() {
            return false;
        }
        // As products; what does not fit is more than any part.
        let beyond = |part: u128, of: u128, most: u64| match (
            part.checked_mul(1_000_000),
            of.checked_mul(most.into()),
        ) {
            (Some(part), Some(most)) => part > most,
            _ => true,
        };
        beyond(accounts, of, self.accounts) || beyond(value, of_value, self.value)
    }

    /// It trips. What tripped it first is kept.
    pub fn trip(&mut self, flips: Flips, at: Stamp) {
        self.tripped.get_or_insert(Tripped { flips, at });
    }

    /// A person lets actions through again: what had tripped it.
    pub fn release(&mut self) -> Option<Tripped> {
        self.tripped.take()
    }
}
