//! What sales bring as they go down depth curves, one after the other. Integers in 10^-18 of whole tokens.
//!
//! A curve is a straight line from point to point, from nothing on. A sale brings what the curve has after it less what it
//! had before, so that however a sale is split it brings the same in all. Liquidity that dries up to a part leaves that
//! part of each size: the same price for so many times less.

use plimsoll_core::num::Rounding;
use plimsoll_core::{Decimal, Depth, FeedKind, How, Int, Scenario, Target, U256};

/// Depth curves in a scenario, and how far each of them is walked down.
#[derive(Clone)]
pub(crate) struct Pools<'d> {
    pub(crate) depth: &'d Depth,
    /// How many names of each curve's assets are its own; those after them are other names that the book has.
    own: &'d [usize],
    curves: Vec<Vec<[U256; 2]>>,
    /// The price of each curve, of its points.
    prices: Vec<U256>,
    /// What was sold into each of them.
    sold: Vec<U256>,
}

/// An amount, a price or a part of a whole in 10^-18.
fn raw(number: Decimal) -> Option<U256> {
    number.scaled_amount(Depth::DECIMALS).ok()
}

impl<'d> Pools<'d> {
    /// Curves with what a scenario leaves of them. `None` where a number does not fit.
    pub(crate) fn new(depth: &'d Depth, own: &'d [usize], scenario: &Scenario) -> Option<Pools<'d>> {
        let one = U256::pow10(Depth::DECIMALS)?;
        let whole = scenario.liquidity.map_or(Some(one), raw)?;
        let mut left: Vec<(U256, &[FeedKind])> = vec![(whole, &[]); depth.curves.len()];
        for shock in &scenario.shocks {
            for (left, curve) in left.iter_mut().zip(&depth.curves) {
                let kinds = match &shock.target {
                    Target::Assets { assets, kinds, .. } => {
                        Some(kinds).filter(|_| assets.iter().any(|name| curve.assets.contains(name)))
                    }
                    Target::Collateral { kinds } => Some(kinds),
                    Target::Prices(_) => None,
                };
                let Some(kinds) = kinds else { continue };
                // Who replaces a shock replaces what it said of liquidity.
                let replaces =
                    !matches!(shock.how, How::Wrong(_)) && left.1.iter().all(|kind| kinds.contains(kind));
                match shock.liquidity {
                    Some(part) => *left = (raw(part)?, kinds),
                    None if replaces => *left = (whole, &[]),
                    None => {}
                }
            }
        }
        let mut curves = Vec::new();
        for (curve, (left, _)) in depth.curves.iter().zip(&left) {
            let mut points = vec![[U256::ZERO; 2]];
            for [sold, got] in &curve.points {
                let shrunk = |number: Decimal| raw(number)?.mul_div(*left, one, Rounding::Down);
                points.push([shrunk(*sold)?, shrunk(*got)?]);
            }
            curves.push(points);
        }
        let prices = depth.curves.iter().map(|curve| raw(curve.price)).collect::<Option<Vec<_>>>()?;
        let sold = vec![U256::ZERO; curves.len()];
        Some(Pools { depth, own, curves, prices, sold })
    }

    /// The curve that a sale goes down: one that names both, else one for whatever is owed. Of each of these one with the asset's very name
    /// goes before one with another.
    pub(crate) fn curve(&self, asset: &str, against: &str) -> Option<usize> {
        let curves = || self.depth.curves.iter().zip(self.own).enumerate();
        let find = |names_both: bool, very: bool| {
            let mut fitting = curves().filter(|(_, (curve, own))| {
                let names = if very { curve.assets.get(..**own) } else { Some(&curve.assets[..]) };
                let sold = names.is_some_and(|names| names.iter().any(|name| name == asset));
                let named = curve.against.iter().any(|name| name == against);
                sold && if names_both { named } else { curve.against.is_empty() }
            });
            fitting.next().map(|(at, _)| at)
        };
        [(true, true), (true, false), (false, true), (false, false)]
            .into_iter()
            .find_map(|(names_both, very)| find(names_both, very))
    }

    /// How far each curve is walked down.
    pub(crate) fn mark(&self) -> Vec<U256> {
        self.sold.clone()
    }

    /// Back to where it was.
    pub(crate) fn back(&mut self, mark: Vec<U256>) {
        self.sold = mark;
    }

    /// Sells so much (10^-`token`) of an asset and goes down its curve; what that brings at a market's price of the
    /// asset, in 10^-`decimals` of the price's currency: the difference of two places on the curve, each cut, and cut once more,
    /// so that one sale may bring 10^-18 more than the curve says, and all together never do. `None` beyond the data: then
    /// nothing is sold.
    pub(crate) fn sell(
        &mut self,
        curve: usize,
        (raw, token): (U256, u8),
        price: Decimal,
        decimals: u8,
    ) -> Option<U256> {
        let (value, after) = self.sale(curve, self.sold[curve], (raw, token), price, decimals)?;
        self.sold[curve] = after;
        Some(value)
    }

    /// What the same would bring where so much was sold before, and how much has been sold then.
    pub(crate) fn sale(
        &self,
        curve: usize,
        before: U256,
        (raw, token): (U256, u8),
        price: Decimal,
        decimals: u8,
    ) -> Option<(U256, U256)> {
        let amount = match Depth::DECIMALS.checked_sub(token) {
            Some(finer) => raw.mul(U256::pow10(finer)?)?,
            None => raw.div(U256::pow10(token - Depth::DECIMALS)?, Rounding::Up)?,
        };
        let after = before.add(amount)?;
        let points = &self.curves[curve];
        let brought = brings(points, after)?.sub(brings(points, before)?)?;
        // The part of the curve's own price that it brings, of the market's price.
        let up = price.mantissa.to_u256()?.mul(U256::pow10(decimals)?)?;
        let down = self.prices[curve].mul(U256::pow10(price.decimals)?)?;
        let value = brought.mul_div_wide(up, down, Rounding::Down)?;
        Some((value, after))
    }

    /// Buyers come back for a part of what was sold; what stays sold is rounded up.
    pub(super) fn recover(&mut self) -> Option<()> {
        let one = U256::pow10(Depth::DECIMALS)?;
        let stays = one.sub(raw(self.depth.recovers)?)?;
        for sold in &mut self.sold {
            *sold = sold.mul_div(stays, one, Rounding::Up)?;
        }
        Some(())
    }

    /// What a call costs in a currency, in 10^-`decimals` of it, rounded up; `None` where that is not said.
    pub(super) fn gas(&self, currency: &str, decimals: u8) -> Option<Int> {
        let gas = self.depth.gas_in(currency)?;
        let finest = decimals.max(gas.decimals);
        let exact = gas.scaled_amount(finest).ok()?;
        exact.div(U256::pow10(finest - decimals)?, Rounding::Up).map(Int::from)
    }
}

/// What a sale of so much brings in all, rounded down; `None` beyond the last point.
fn brings(points: &[[U256; 2]], sold: U256) -> Option<U256> {
    let end = points.iter().position(|[at, _]| sold <= *at)?;
    let [x, y] = points[end];
    let Some([x_before, y_before]) = end.checked_sub(1).map(|before| points[before]) else { return Some(y) };
    let part = y.sub(y_before)?.mul_div_wide(sold.sub(x_before)?, x.sub(x_before)?, Rounding::Down)?;
    y_before.add(part)
}
