//! Markets that fail: whoever has something there loses it, and nobody is liquidated.

use super::standings;
use super::sums::Loss;
use crate::ask::Misasked;
use crate::survey::currency;
use plimsoll_core::{Book, Decimal, Int, Kind, Reading, Rounding, Scenario, Standing, Test, U256};
use std::collections::BTreeMap;

/// What is left of a whole is said with at most so many digits.
const DIGITS: u8 = 18;

/// Which markets of a book fail in a scenario.
///
/// # Errors
/// When one of them is not the book's.
pub(super) fn failed(book: &Book, scenario: &Scenario) -> Result<Vec<bool>, Misasked> {
    let named = scenario.failures.iter().flat_map(|failure| &failure.markets);
    for name in named.clone() {
        if !book.markets.iter().any(|listed| listed.name == *name) {
            let known = book.markets.iter().map(|listed| listed.name.clone()).collect();
            let what = "existing market of the book".into();
            return Err(Misasked::NoSuch { what, found: name.clone(), known });
        }
    }
    Ok(book.markets.iter().map(|listed| named.clone().any(|name| *name == listed.name)).collect())
}

/// What holders lose, by market and owner, the greatest loss of a market first.
///
/// # Errors
/// When a market cannot stand.
pub(super) fn losses(
    book: &Book,
    readings: &[Vec<Reading>],
    scenario: &Scenario,
) -> Result<Vec<Loss>, Misasked> {
    if scenario.failures.is_empty() {
        return Ok(Vec::new());
    }
    let pays = |market: &str| {
        // Of two the later stands.
        let mut named = scenario.failures.iter().rev();
        named.find(|failure| failure.markets.iter().any(|name| name == market)).map(|failure| failure.pays)
    };
    let standings = standings(book, readings)?;
    let mut losses: BTreeMap<(usize, &str), Loss> = BTreeMap::new();
    for listed in &book.accounts {
        let market = &book.markets[listed.market];
        let Some(pays) = pays(&market.name) else { continue };
        let loss = losses.entry((listed.market, &listed.owner)).or_insert_with(|| Loss {
            market: market.name.clone(),
            owner: listed.owner.clone(),
            currency: currency(&*market.market),
            decimals: 0,
            accounts: 0,
            held: Int::ZERO,
            lost: Int::ZERO,
            owed: Int::ZERO,
            unvalued: 0,
        });
        loss.accounts += 1;
        let sums = holdings(&standings[listed.market], listed).and_then(|([held, owed], decimals)| {
            Some((loss.held.add(held)?, loss.owed.add(owed)?, loss.lost.add(lost(held, pays)?)?, decimals))
        });
        match sums {
            Some(sums) => (loss.held, loss.owed, loss.lost, loss.decimals) = sums,
            None => loss.unvalued += 1,
        }
    }
    let mut losses: Vec<((usize, &str), Loss)> = losses.into_iter().collect();
    losses.sort_by(|((x, _), a), ((y, _), b)| x.cmp(y).then(b.lost.cmp(&a.lost)));
    Ok(losses.into_iter().map(|(_, loss)| loss).collect())
}

/// What is not paid, rounded up.
fn lost(held: Int, pays: Decimal) -> Option<Int> {
    let one = U256::pow10(DIGITS)?;
    let share = one.sub(pays.scaled_amount(DIGITS).ok()?)?;
    held.to_u256()?.mul_div_wide(share, one, Rounding::Up).map(Int::from)
}

/// The value of all receipts and all debts, and its decimals; `None` where one has no price. What is booked as plain assets (Dai in a vat) is
/// held there, too; of positions only what they have gained or lost is.
fn holdings(standing: &Standing<'_>, listed: &plimsoll_core::ListedAccount) -> Option<([Int; 2], u8)> {
    let account = &listed.account;
    let (mut sums, mut gained) = ([Int::ZERO; 2], Int::ZERO);
    for held in account.holdings().iter().filter(|held| !held.quantity.is_zero()) {
        let value = || Some(Int::from(standing.quoted().balance(account, held.instrument).ok()?.value?));
        let side = match standing.market().instruments().get(held.instrument.index())?.kind {
            Kind::Receipt | Kind::Asset => 0,
            Kind::Debt => 1,
            Kind::Balance | Kind::Derivative => {
                gained =
                    if held.quantity.is_negative() { gained.sub(value()?)? } else { gained.add(value()?)? };
                continue;
            }
        };
        sums[side] = sums[side].add(value()?)?;
    }
    let side = usize::from(gained.is_negative());
    sums[side] = sums[side].add(gained.magnitude().into())?;
    let unit = standing.quoted().verdict(account, Test::Borrow).ok()?.unit;
    Some((sums, unit.decimals))
}
