//! The row that the header derives.

use super::line::{self, Position};
use super::{BASE_NODE, DEBT_NODE, FACTOR_STEP, Market, ROW_SCALE, price_node};
use alloc::vec;
use alloc::vec::Vec;
use plimsoll_core::Rounding::Down;
use plimsoll_core::{Form, Linear, Test, U256, Valid, WAD};

impl Market {
    /// `None` beyond 256 bits, which no account of this market can reach.
    pub(super) fn row(&self, position: &Position<'_>, test: Test) -> Option<Form> {
        let base_decimals = self.numbers.rules.base_decimals;
        let scale = U256::pow10(ROW_SCALE)?;
        let (mut backing, mut collateral) = (Linear::default(), Linear::default());
        let mut slack = scale;
        for (asset, balance) in position.collateral() {
            let rules = &self.assets[asset].rules;
            let factor = line::factor(rules, test);
            let unit = U256::pow10(ROW_SCALE - 4 - rules.decimals)?;
            let coefficient = balance.mul(factor.div(FACTOR_STEP, Down)?)?.mul(unit)?;
            backing = backing.plus(price_node(asset), coefficient.into())?;
            let whole = balance.mul(WAD.value().div(FACTOR_STEP, Down)?)?.mul(unit)?;
            collateral = collateral.plus(price_node(asset), whole.into())?;
            // (1 + factor) value units
            slack = slack.add(scale)?.add(factor.mul(U256::pow10(ROW_SCALE - 18)?)?)?;
        }
        let requirement = position.owed.mul(U256::pow10(ROW_SCALE - 15 - base_decimals)?)?;
        let price = U256::pow10(ROW_SCALE - base_decimals)?;
        let requirement = Linear::default().plus(DEBT_NODE, requirement.into())?;
        Some(Form {
            backing,
            debt: requirement.clone(),
            requirement,
            collateral,
            hinges: Vec::new(),
            slack: Linear { terms: vec![(BASE_NODE, price.into())], constant: slack.into() },
            scale,
            valid: Valid { boxes: Vec::new(), epoch: self.epoch },
        })
    }
}
