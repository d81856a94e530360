//! SPAN: the requirement of one combined commodity from risk arrays.
//!
//! Source: the method as CME describes it, in the order of `marginism` 0.1.1 (`compute_commodity`). Units of 1e-18 of the quote currency; contracts are whole.
//!
//! ```text
//! scan        = max(0, the greatest over 16 scenarios of sum of contracts x loss of one)
//! calendar    = for each spread of the table, in its order: n x charge, n = min(|delta a|, |delta b|) if their signs differ; n is then spent
//! minimum     = short options x rate
//! value       = sum of contracts x price of options
//! requirement = max(0, max(scan + calendar, minimum) - value)
//! ```
//!
//! The table of spreads is an ordered rule: what the first spread takes, the second has not. The result is what that order gives, and no
//! optimum. Left out: spreads between commodities, several tiers of months, and deltas that are not one to one.

use crate::fixed::mul;
use plimsoll_core::Rounding;

/// How many scenarios there are.
pub const SCENARIOS: usize = 16;

/// A position in one contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Whether it is an option, whose value counts.
    pub option: bool,
    /// Its expiry, as a place in the list of deltas.
    pub expiry: usize,
    /// Contracts, short where negative.
    pub contracts: i64,
    /// The price of one.
    pub price: i128,
    /// What one long contract loses in each scenario.
    pub losses: [i128; SCENARIOS],
    /// The composite delta of one.
    pub delta: i128,
}

/// A line of the table of spreads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// One expiry.
    pub near: usize,
    /// The other.
    pub far: usize,
    /// What one spread is charged.
    pub charge: i128,
}

/// What SPAN says of a portfolio.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// The worst loss, not negative.
    pub scan: i128,
    /// Which scenario it is, from 0; the first of equals.
    pub scenario: usize,
    /// What spreads between months are charged.
    pub calendar: i128,
    /// The least for short options.
    pub minimum: i128,
    /// What options are worth, negative where more is owed than held.
    pub option_value: i128,
    /// What is asked.
    pub total: i128,
}

/// The requirement of a portfolio. `deltas` is room for the delta of each expiry; what is left unspent of them stands in it afterwards.
/// `None` where a number does not fit or an expiry has no room.
#[must_use]
pub fn requirement(
    positions: &[Position],
    spreads: &[Spread],
    short_option_rate: i128,
    deltas: &mut [i128],
) -> Option<Requirement> {
    deltas.fill(0);
    let mut losses = [0_i128; SCENARIOS];
    let (mut option_value, mut short) = (0_i128, 0_i128);
    for position in positions {
        let contracts = i128::from(position.contracts);
        for (sum, loss) in losses.iter_mut().zip(position.losses) {
            *sum = sum.checked_add(contracts.checked_mul(loss)?)?;
        }
        let delta = deltas.get_mut(position.expiry)?;
        *delta = delta.checked_add(contracts.checked_mul(position.delta)?)?;
        if position.option {
            option_value = option_value.checked_add(contracts.checked_mul(position.price)?)?;
            short -= contracts.min(0);
        }
    }
    let (mut scenario, mut worst) = (0, losses[0]);
    for (number, loss) in losses.into_iter().enumerate() {
        if loss > worst {
            (scenario, worst) = (number, loss);
        }
    }
    let calendar = spreads.iter().try_fold(0_i128, |sum, spread| sum.checked_add(spread.charged(deltas)?))?;
    let (scan, minimum) = (worst.max(0), short.checked_mul(short_option_rate)?);
    let total = scan.checked_add(calendar)?.max(minimum).checked_sub(option_value)?.max(0);
    Some(Requirement { scan, scenario, calendar, minimum, option_value, total })
}

impl Spread {
    /// The charge for as many spreads as there are, whose deltas are spent.
    fn charged(&self, deltas: &mut [i128]) -> Option<i128> {
        let (near, far) = (*deltas.get(self.near)?, *deltas.get(self.far)?);
        if near.signum() * far.signum() >= 0 {
            return Some(0);
        }
        let spreads = near.checked_abs()?.min(far.checked_abs()?);
        deltas[self.near] = near - near.signum() * spreads;
        deltas[self.far] = far - far.signum() * spreads;
        mul(spreads, self.charge, Rounding::Up)
    }
}
