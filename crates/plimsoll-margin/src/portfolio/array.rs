//! What one contract is worth in every column: now, at both ends of the basis, in each scenario, and on each day of its underlying.
//!
//! Between two forwards and two volatilities a price is between those at the corners: a call rises with both, a put falls with the forward and rises
//! with the volatility, what is linear rises with its price. Black's formula is only known to within its error, so that the ends are widened by twice that.

use super::position::Ends;
use super::{Market, Terms, parts};
use crate::black76::{European, Near, Right, YEAR, deviation};
use crate::fixed::{ONE, mul, mul_div, power};
use crate::portfolio::model::{Day, Vol};
use alloc::vec::Vec;
use plimsoll_core::{Rounding, U256};

/// The column of things as they are.
pub(super) const NOW: usize = 0;
/// The columns of the basis: the expiry alone moves up, and down.
pub(super) const BASIS: [usize; 2] = [1, 2];
/// The first column of the scenarios.
pub(super) const SCENARIOS: usize = 3;

const DAY: u64 = 86_400;
const MONTH: u64 = 30 * DAY;

/// What a contract's price hangs on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inputs {
    /// The forward, or the price of a perp (10^-18).
    pub(super) forward: Ends,
    /// The volatility a year (10^-18); of an option alone.
    pub(super) vol: Ends,
    /// Seconds to the expiry; of a perp none.
    pub(super) seconds: u64,
}

/// By what volatilities are multiplied.
struct Shocks {
    up: i128,
    down: i128,
}

impl Shocks {
    /// 1 + up x (30 / days)^p and 1 - down x (30 / days)^p, a day at the least.
    fn of(market: &Market, seconds: u64) -> Option<Shocks> {
        let model = &market.spec.model;
        let exponent = if seconds <= MONTH { model.short_power } else { model.long_power };
        let times = power((MONTH.into(), seconds.max(DAY).into()), parts(exponent))?;
        let shock = |rate: u32| mul(parts(rate), times, Rounding::Down);
        Some(Shocks {
            up: ONE.checked_add(shock(model.vol_up)?)?,
            down: ONE.checked_sub(shock(model.vol_down)?)?.max(0),
        })
    }

    fn on(&self, vol: i128, what: Vol) -> Option<i128> {
        match what {
            Vol::Same => Some(vol),
            Vol::Up => mul(vol, self.up, Rounding::Down),
            Vol::Down => mul(vol, self.down, Rounding::Down),
        }
    }
}

/// The days of a contract's underlying, each with its place among the model's.
pub(super) fn days(market: &Market, underlying: usize) -> impl Iterator<Item = (usize, &Day)> {
    let name = &market.spec.underlyings[underlying].name;
    market.spec.model.days.iter().enumerate().filter(move |(_, day)| day.underlying == *name)
}

/// Every column of a contract at one forward and one volatility, each with its error; `None` where a number does not fit.
fn at(market: &Market, contract: usize, forward: i128, vol: i128, seconds: u64) -> Option<Vec<Near>> {
    let (spec, model) = (&market.spec.contracts[contract], &market.spec.model);
    let shocks = Shocks::of(market, seconds)?;
    let price = |moves: i128, what: Vol| {
        let forward = mul(forward, ONE.checked_add(moves)?, Rounding::Down)?;
        let Terms::Option { strike, right, .. } = spec.terms else {
            return Some(Near { value: forward, error: 1 });
        };
        let strike = market.price_wad(strike)?;
        let deviation = deviation(shocks.on(vol, what)?, seconds)?;
        European { forward, strike, deviation, discount: ONE, right }.price()
    };
    let later = mul_div(parts(model.basis_per_year), seconds.into(), YEAR.into(), Rounding::Down)?;
    let basis = parts(model.basis).checked_add(later)?.min(ONE);
    let mut columns = Vec::with_capacity(SCENARIOS + model.scenarios.len());
    columns.extend([price(0, Vol::Same)?, price(basis, Vol::Same)?, price(-basis, Vol::Same)?]);
    for scenario in &model.scenarios {
        columns.push(price(market.moved(spec.underlying, scenario), scenario.vol)?);
    }
    for (_, day) in days(market, spec.underlying) {
        columns.push(price(moved(day.moves), day.vol)?);
    }
    Some(columns)
}

/// A move in units of 10^-18.
pub(super) fn moved(moves: i32) -> i128 {
    i128::from(moves) * (ONE / 1_000_000)
}

/// Every column of a contract between the ends of what it hangs on. `None` where a number does not fit.
pub(super) fn array(market: &Market, contract: usize, inputs: &Inputs) -> Option<Vec<Ends>> {
    let Inputs { forward, vol, seconds } = *inputs;
    if forward[0] == forward[1] && vol[0] == vol[1] {
        let columns = at(market, contract, forward[0], vol[0], seconds)?;
        return Some(columns.iter().map(|near| [near.value; 2]).collect());
    }
    let put = matches!(market.spec.contracts[contract].terms, Terms::Option { right: Right::Put, .. });
    let [from, to] = if put { [forward[1], forward[0]] } else { forward };
    let low = at(market, contract, from, vol[0], seconds)?;
    let high = at(market, contract, to, vol[1], seconds)?;
    let between = |(low, high): (&Near, &Near)| {
        let error = low.error.max(high.error).checked_mul(2)?;
        Some([low.value.checked_sub(error)?.max(0), high.value.checked_add(error)?])
    };
    low.iter().zip(&high).map(between).collect()
}

/// A price of this market in units of 10^-18.
pub(super) fn wad(raw: U256, decimals: u8) -> Option<i128> {
    let scaled = raw.mul(U256::pow10(18_u8.checked_sub(decimals)?)?)?;
    i128::try_from(scaled.to_u128()?).ok()
}
