//! A breaker: where too many accounts, or too much value, turn liquidatable at once, it is the input that is more likely wrong than the accounts, and nothing is
//! done until a person has looked (Paradex 2026-01: a price of zero; Moonwell 2026-02: a price without a factor).

use super::whole;
use crate::Stamp;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;
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
            "{accounts} of {of} accounts with {} of {} turned liquidatable at once: held until a person releases it",
            whole(value, 6),
            whole(of_value, 6)
        )
    }
}

/// The breaker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Breaker {
    /// More than this part of all accounts with debt trips it (millionths).
    pub accounts: u64,
    /// More than this part of their collateral trips it (millionths).
    pub value: u64,
    /// So few accounts never trip it: in a book of three, one is a third.
    pub least: u64,
    /// What flips within this time of each other flips at once (ns).
    pub window: Stamp,
    tripped: Option<Tripped>,
    /// Who flipped within the window, and when.
    flipped: VecDeque<(Stamp, u32)>,
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

    /// Of so much collateral in all this much may flip.
    #[must_use]
    pub fn enough(&self, part: u128) -> u128 {
        let scaled = part.checked_mul(1_000_000);
        scaled
            .and_then(|scaled| scaled.checked_div(self.value.into()))
            .and_then(|whole| whole.checked_add(1))
            .unwrap_or(u128::MAX)
    }

    /// Accounts flipped.
    pub fn flip(&mut self, places: &[u32], now: Stamp) {
        let window = self.window;
        while self.flipped.front().is_some_and(|(at, _)| now.saturating_sub(*at) > window) {
            self.flipped.pop_front();
        }
        self.flipped.extend(places.iter().map(|place| (now, *place)));
    }

    /// Every account that flipped within the window that ends now, once.
    #[must_use]
    pub fn within(&self, now: Stamp) -> Vec<u32> {
        let within = self.flipped.iter().filter(|(at, _)| now.saturating_sub(*at) <= self.window);
        let mut places: Vec<u32> = within.map(|(_, place)| *place).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// It trips. What tripped it first is kept.
    pub fn trip(&mut self, flips: Flips, at: Stamp) {
        self.tripped.get_or_insert(Tripped { flips, at });
    }

    /// A person lets actions through again: what had tripped it.
    pub fn release(&mut self) -> Option<Tripped> {
        self.flipped.clear();
        self.tripped.take()
    }
}
