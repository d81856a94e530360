//! The same figures written down plainly: one checked 256-bit product and one division for every multiplication.

use plimsoll_core::{Rounding, U256};
use plimsoll_margin::derive::{FIRST_SCENARIO, Portfolio, Scenario, Vol};
use plimsoll_margin::fixed;
use plimsoll_margin::mango::{Account, ONE, Perp};

fn times(x: i128, y: i128, unit: u128, down: bool) -> Option<i128> {
    let negative = (x < 0) != (y < 0);
    let rounding = if negative && down { Rounding::Up } else { Rounding::Down };
    let product = U256::new(x.unsigned_abs()).mul(U256::new(y.unsigned_abs()))?;
    let value = i128::try_from(product.div(U256::new(unit), rounding)?.to_u128()?).ok()?;
    Some(if negative { -value } else { value })
}

/// Maintenance health as the program has it.
pub(super) fn health(account: &Account<'_>) -> Option<i128> {
    let mul = |x, y| times(x, y, ONE as u128, true);
    let side = |perp: &Perp, orders: i64| {
        let base = i128::from(perp.lots + orders) * i128::from(perp.lot) * ONE;
        let weight = if base < 0 { perp.maintenance.liability } else { perp.maintenance.asset };
        let paid = mul(-i128::from(orders) * i128::from(perp.lot) * ONE, perp.prices.oracle)?;
        mul(mul(base, weight)?, perp.prices.oracle)?.checked_add(paid)
    };
    let mut sum = 0_i128;
    for token in account.tokens {
        let mut balance = token.balance;
        for perp in account.perps.iter().filter(|perp| perp.settles_in == token.index) {
            let profit = perp.quote.checked_add(side(perp, perp.bids)?.min(side(perp, -perp.asks)?))?;
            balance = balance.checked_add(if profit > 0 {
                mul(profit, perp.maintenance_profit)?
            } else {
                profit
            })?;
        }
        let weight = if balance < 0 { token.maintenance.liability } else { token.maintenance.asset };
        sum = sum.checked_add(mul(balance, mul(weight, token.prices.oracle)?)?)?;
    }
    Some(sum)
}

/// What options do in each scenario, every product cut by itself.
pub(super) fn outcomes(
    portfolio: &Portfolio<'_>,
    scenarios: &[Scenario],
    outcomes: &mut [i128],
) -> Option<i128> {
    let mul = |x, y| times(x, y, fixed::ONE as u128, false);
    outcomes.fill(0);
    for group in portfolio.groups {
        let column = |place: usize| {
            group
                .held
                .iter()
                .try_fold(0_i128, |sum, held| sum.checked_add(mul(held.amount, held.columns[place])?))
        };
        let now = column(0)?;
        let (long, short) = group.state.static_discounts();
        for (number, (outcome, scenario)) in outcomes.iter_mut().zip(scenarios).enumerate() {
            let there = column(number + FIRST_SCENARIO)?;
            let change = mul(there, if there < 0 { short } else { long })?.checked_sub(now)?;
            let change = mul(change, scenario.dampening)?;
            let skew = matches!(scenario.vol, Vol::Linear | Vol::Absolute);
            *outcome = outcome.checked_add(if skew { -change.abs() } else { change })?;
        }
    }
    outcomes.iter().min().copied()
}
