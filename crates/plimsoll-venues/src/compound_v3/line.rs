//! What an account holds, and the sum that `isBorrowCollateralized` and `isLiquidatable` run.

use super::casts::INT256;
use super::interest::cast;
use super::{AssetRules, BASE_SLOT, DEBT, Market, SUPPLY, State, VALUE, asset_of, collateral, slot};
use plimsoll_core::Rounding::{Down, TowardZero};
use plimsoll_core::{Account, Arithmetic, Holding, Int, Refusal, Subject, Test, Trace, U256, WAD, Why};

/// What one account has of the market.
#[derive(Clone, Copy, Debug)]
pub(super) struct Position<'a> {
    /// The principal where it is above zero.
    pub(super) supplied: U256,
    /// The principal where it is below zero, counted positive.
    pub(super) owed: U256,
    posted: &'a [Holding],
}

impl<'a> Position<'a> {
    pub(super) fn of(market: &Market, account: &'a Account) -> Result<Position<'a>, Refusal> {
        let mut position = Position { supplied: U256::ZERO, owed: U256::ZERO, posted: &[] };
        let holdings = account.holdings();
        for (place, holding) in holdings.iter().enumerate() {
            let (size, bits) = match holding.instrument {
                SUPPLY => (&mut position.supplied, 103),
                DEBT => (&mut position.owed, 103),
                other if asset_of(other).is_some_and(|asset| asset < market.assets.len()) => {
                    if position.posted.is_empty() {
                        position.posted = &holdings[place..];
                    }
                    (&mut U256::default(), 128)
                }
                other => return Err(Refusal::NoSuchInstrument(other)),
            };
            let quantity = holding.quantity.to_u256().filter(|quantity| quantity.bit_len() <= bits);
            *size = quantity
                .ok_or(Refusal::InconsistentAccount("a holding that is negative or beyond its bits"))?;
        }
        if position.supplied != U256::ZERO && position.owed != U256::ZERO {
            return Err(Refusal::InconsistentAccount("the base token is both supplied and owed"));
        }
        Ok(position)
    }

    pub(super) fn principal(&self) -> Int {
        if self.owed == U256::ZERO { self.supplied.into() } else { Int::from_parts(true, self.owed) }
    }

    /// Assets that are posted, in the market's order, and how much of each.
    pub(super) fn collateral(&self) -> impl Iterator<Item = (usize, U256)> + use<'a> {
        // Holdings are sorted by instrument, and instruments by asset.
        let posted = self.posted.iter();
        posted.filter_map(|one| Some((asset_of(one.instrument)?, one.quantity.magnitude())))
    }
}

/// The factor that a line counts by.
pub(super) const fn factor(rules: &AssetRules, test: Test) -> U256 {
    match test {
        Test::Borrow => rules.borrow_factor,
        Test::Fill | Test::Liquidation | Test::LiquidationEnd => rules.liquidate_factor,
    }
}

/// A price, or why there is none: what the market's slots read.
pub(super) type Price = Result<U256, Why>;

pub(super) fn known(prices: &[Price], slot: usize) -> Result<U256, Refusal> {
    let price = prices.get(slot).copied().unwrap_or(Err(Why::Missing));
    price.map_err(|why| Refusal::PriceUnknown { slot, why })
}

/// The two sides of the comparison, and all collateral at full value (value units).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) requirement: U256,
    pub(super) backing: U256,
    pub(super) collateral: U256,
}

impl Line {
    pub(super) fn covered(&self) -> bool {
        self.backing >= self.requirement
    }

    /// Runs the sum as the contract does. Behind the point where the contract stops, what has no price (or does not
    /// fit) is left out of backing and collateral, and refuses nothing. So for an account without debt, which the
    /// contract asks no price at all.
    pub(super) fn of<T: Trace + ?Sized>(
        t: &mut T,
        market: &Market,
        state: &State,
        position: &Position<'_>,
        test: Test,
        prices: &[Price],
    ) -> Result<Line, Refusal> {
        let mut line = Line::default();
        if position.owed != U256::ZERO {
            line.requirement = requirement(t, market, state, position.owed, prices)?;
        }
        for (asset, balance) in position.collateral() {
            let stopped = position.owed == U256::ZERO || line.covered();
            let counted = counted(t, market, asset, balance, test, prices).and_then(|counted| {
                t.about(Subject::Account);
                let sum =
                    t.add("backing = what is counted, in order", line.backing, counted.counted, VALUE)?;
                Ok((counted.value, sum))
            });
            match counted {
                Ok((value, backing)) => {
                    line.backing = backing;
                    // Nothing is decided by this sum.
                    line.collateral = line.collateral.add(value).unwrap_or(U256::MAX);
                }
                Err(_) if stopped => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(line)
    }
}

/// `signedMulPrice` of the debt, which is cut toward zero.
fn requirement<T: Trace + ?Sized>(
    t: &mut T,
    market: &Market,
    state: &State,
    principal: U256,
    prices: &[Price],
) -> Result<U256, Refusal> {
    let price = cast(known(prices, BASE_SLOT)?, 255, INT256)?;
    t.about(Subject::Holding(DEBT));
    let owed = state.present_borrow(t, principal, market.base_unit())?;
    let formula = "requirement = owed * base price / base unit";
    // The product is a negative `int256`: down to -2^255.
    if owed.mul(price).is_none_or(|product| product.sub_or_zero(U256::ONE).bit_len() > 255) {
        return Err(Refusal::Overflow(formula));
    }
    t.mul_div(formula, owed, price, market.base_scale(), TowardZero, VALUE)
}

/// One asset's part.
struct Counted {
    value: U256,
    counted: U256,
}

fn counted<T: Trace + ?Sized>(
    t: &mut T,
    market: &Market,
    asset: usize,
    balance: U256,
    test: Test,
    prices: &[Price],
) -> Result<Counted, Refusal> {
    let price = known(prices, slot(asset))?;
    let rules = &market.assets[asset].rules;
    t.about(Subject::Holding(collateral(asset)));
    let value = t.mul_div("value = balance * price / unit", balance, price, rules.scale(), Down, VALUE)?;
    let counted = t.mul_div("counted = value * factor", value, factor(rules, test), WAD, Down, VALUE)?;
    Ok(Counted { value, counted: cast(counted, 255, INT256)? })
}

impl Market {
    pub(super) fn base_scale(&self) -> U256 {
        U256::pow10(self.numbers.rules.base_decimals).unwrap_or(U256::ONE)
    }
}
