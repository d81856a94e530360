//! An account as a row of coefficient times node.

use super::position::{User, Versions};
use super::{Market, drawn_node, price_node, supply_node};
use plimsoll_core::{Account, Compiled, Form, Int, Linear, NodeId, RAY, Refusal, Test, U256, Valid};

/// # Errors
/// When the account contradicts itself.
pub(super) fn compile(market: &Market, account: &Account, test: Test) -> Result<Compiled, Refusal> {
    let user = User::of(market, account)?;
    if !user.positions.iter().any(|position| position.owes) {
        return Ok(Compiled::NoDebt);
    }
    let versions = versions(test);
    let mut row = Row::default();
    for (place, (reserve, position)) in market.reserves.iter().zip(&user.positions).enumerate() {
        let level = U256::pow10(18 - market.decimals(place));
        if position.counts {
            row = row.asks(place).ok_or(OVERFLOW)?;
            if position.supplied != U256::ZERO {
                let factor = |versions| {
                    let key = user.key(place, reserve, versions);
                    Ok(market.configuration(place, key)?.collateral_factor)
                };
                if factor(versions)? != 0 {
                    let factor = U256::from(u64::from(factor(versions)?));
                    row = row.backs(place, position.supplied, level, factor).ok_or(OVERFLOW)?;
                }
                // It is collateral by the version in force, whichever the line goes by.
                if factor(Versions::Own)? != 0 {
                    row = row.holds(place, position.supplied, level).ok_or(OVERFLOW)?;
                }
            }
        }
        if position.owes {
            let shares = position.drawn.add(position.premium_shares);
            row = row.owes(place, shares, position.premium_offset, level).ok_or(OVERFLOW)?;
        }
    }
    Ok(Compiled::Rows(alloc::vec![row.form(market.epoch)]))
}

const OVERFLOW: Refusal = Refusal::Overflow("the form's coefficients");
const BPS: U256 = U256::new(10_000);

/// Which versions of configurations a line goes by.
pub(super) const fn versions(test: Test) -> Versions {
    match test {
        Test::Borrow | Test::Fill => Versions::Newest,
        Test::Liquidation | Test::LiquidationEnd => Versions::Own,
    }
}

/// The sums of the header, in value x bps x 1e-27.
#[derive(Default)]
struct Row {
    backing: Linear,
    collateral: Linear,
    requirement: Linear,
    slack: Linear,
}

impl Row {
    fn backs(mut self, place: usize, shares: U256, level: Option<U256>, factor: U256) -> Option<Row> {
        let weight = level?.mul(factor)?;
        let (supply, price) = (NodeId(supply_node(place)), NodeId(price_node(place)));
        self.backing = self.backing.plus(supply, Int::from(shares.mul(weight)?))?;
        self.slack = self.slack.plus(price, Int::from(shares.max(RAY.value()).mul(weight)?))?;
        Some(self)
    }

    fn holds(mut self, place: usize, shares: U256, level: Option<U256>) -> Option<Row> {
        let weight = level?.mul(BPS)?;
        let supply = NodeId(supply_node(place));
        self.collateral = self.collateral.plus(supply, Int::from(shares.mul(weight)?))?;
        Some(self)
    }

    /// The contract reads the price of what is switched on and does not count: without it there is no answer.
    fn asks(mut self, place: usize) -> Option<Row> {
        self.slack = self.slack.plus(NodeId(price_node(place)), Int::ZERO)?;
        Some(self)
    }

    fn owes(mut self, place: usize, shares: Option<U256>, offset: Int, level: Option<U256>) -> Option<Row> {
        let (drawn, price) = (NodeId(drawn_node(place)), NodeId(price_node(place)));
        let weight = level?.mul(BPS)?;
        self.requirement = self.requirement.plus(drawn, Int::from(shares?.mul(weight)?))?;
        self.requirement = self.requirement.plus(price, offset.neg().mul(Int::from(weight))?)?;
        Some(self)
    }

    fn form(mut self, epoch: u64) -> Form {
        self.slack.constant = Int::from(RAY.value());
        Form {
            backing: self.backing,
            debt: self.requirement.clone(),
            requirement: self.requirement,
            hinges: alloc::vec![],
            slack: self.slack,
            scale: RAY.value(),
            collateral: self.collateral,
            valid: Valid { boxes: alloc::vec![], epoch },
        }
    }
}
