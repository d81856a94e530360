//! The row of an account; the slack is derived in the header of [`super`].

use super::{COLLATERAL_BIT, Configuration, DEBT_BIT, Pool, Revision, Role, UserConfig, user};
use alloc::vec::Vec;
use plimsoll_core::{Account, Compiled, Form, Holding, Int, Linear, NodeId, RAY, Refusal, Test, U256, Valid};

/// Backing, requirement and slack as they are put together.
struct Row {
    backing: Linear,
    requirement: Linear,
    value: Linear,
    slack: Linear,
    /// One base unit x 1e-4, in row units.
    fine: U256,
}

/// The account as one row of (scaled balance x weight) x (price x index).
pub(super) fn compile(pool: &Pool, account: &Account, test: Test) -> Result<Compiled, Refusal> {
    let config = UserConfig::of(account);
    let mode = pool.mode_of(account)?;
    let most = pool.reserves.iter().map(|r| r.configuration.decimals()).max().unwrap_or(0);
    let Some(fine) = U256::pow10(most).and_then(|power| power.mul(RAY.value())) else {
        return Ok(Compiled::Opaque);
    };
    let line = Line::of(pool.revision, test);
    let empty = Linear::default;
    let mut row = Row { backing: empty(), requirement: empty(), value: empty(), slack: empty(), fine };
    let mut owes = false;
    let mut thresholds: Vec<u16> = Vec::new();
    for &Holding { instrument, quantity } in account.holdings() {
        let (reserve, role) = pool.role(instrument)?;
        let scaled = quantity.to_u256().ok_or(Refusal::InconsistentAccount("a negative holding"))?;
        let configuration = pool.reserves[reserve].configuration;
        let own_ltv = configuration.get(Configuration::LTV) as u16;
        let own_threshold = configuration.get(Configuration::THRESHOLD) as u16;
        let weights = user::weights(pool, mode, reserve, own_ltv, own_threshold);
        let node = NodeId(pool.node(mode, reserve, role));
        // Powers of ten that bring every reserve to the finest decimals.
        let Some(level) = U256::pow10(most - configuration.decimals()) else { return Ok(Compiled::Opaque) };
        let added = match role {
            Role::Receipt if config.bit(reserve, COLLATERAL_BIT) => {
                if own_threshold == 0 && pool.revision <= Revision::V3_5 {
                    continue;
                }
                let weight = if line.by_ltv { weights.ltv } else { weights.threshold };
                if !thresholds.contains(&weight) {
                    thresholds.push(weight);
                }
                row.collateral(&line, node, scaled, level, weight)
            }
            Role::Debt if config.bit(reserve, DEBT_BIT) => {
                owes = true;
                row.debt(&line, node, scaled, level)
            }
            _ => Some(()),
        };
        if added.is_none() {
            return Ok(Compiled::Opaque);
        }
    }
    if !owes {
        return Ok(Compiled::NoDebt);
    }
    match row.finish(pool, &line, account, thresholds.len() > 1) {
        Some(form) => Ok(Compiled::Rows(alloc::vec![form])),
        None => Ok(Compiled::Opaque),
    }
}

/// Which line, and how its arithmetic rounds.
struct Line {
    /// The borrowing line weighs by loan-to-value, the liquidation line by threshold.
    by_ltv: bool,
    /// Whether balances are rounded half up (up to 3.4) or in the pool's favour.
    halves: bool,
    /// Whether the average weight is cut to whole basis points before it is used.
    averaged: bool,
}

impl Line {
    fn of(revision: Revision, test: Test) -> Line {
        let by_ltv = matches!(test, Test::Borrow | Test::Fill);
        let halves = revision < Revision::V3_5;
        Line { by_ltv, halves, averaged: halves || by_ltv }
    }
}

const TEN_THOUSAND: U256 = plimsoll_core::BPS.value();

impl Row {
    fn collateral(
        &mut self,
        line: &Line,
        node: NodeId,
        scaled: U256,
        level: U256,
        weight: u16,
    ) -> Option<()> {
        let weight = U256::new(weight as u128);
        let coefficient = scaled.mul(level)?.mul(weight)?;
        self.backing = core::mem::take(&mut self.backing).plus(node, coefficient.into())?;
        let whole = scaled.mul(level)?.mul(TEN_THOUSAND)?;
        self.value = core::mem::take(&mut self.value).plus(node, whole.into())?;
        // weight x (u or u/2, and 1); u in row units is at most level x node.
        let unit = weight.mul(level)?;
        let unit = if line.halves { half_up(unit)? } else { unit };
        self.slack = core::mem::take(&mut self.slack).plus(node, unit.into())?;
        self.slack.constant = self.slack.constant.add(weight.mul(self.fine)?.into())?;
        Some(())
    }

    fn debt(&mut self, line: &Line, node: NodeId, scaled: U256, level: U256) -> Option<()> {
        let coefficient = scaled.mul(level)?.mul(TEN_THOUSAND)?;
        self.requirement = core::mem::take(&mut self.requirement).plus(node, coefficient.into())?;
        let unit = TEN_THOUSAND.mul(level)?;
        let unit = if line.halves { half_up(unit)? } else { unit };
        self.slack = core::mem::take(&mut self.slack).plus(node, unit.into())?;
        self.slack.constant = self.slack.constant.add(TEN_THOUSAND.mul(self.fine)?.into())?;
        Some(())
    }

    /// The account's own roundings: the average cut to whole basis points, and the product with it.
    fn finish(mut self, pool: &Pool, line: &Line, account: &Account, mixed: bool) -> Option<Form> {
        if line.averaged && (mixed || line.by_ltv) {
            self.average_cut(pool, account)?;
        }
        if line.averaged {
            let rounding = if line.halves { U256::new(5_000) } else { TEN_THOUSAND };
            self.slack.constant = self.slack.constant.add(rounding.mul(self.fine)?.into())?;
        }
        // The exact headroom is in base units where the line is averaged, in their ten-thousandths elsewhere.
        let scale = if line.averaged { self.fine.mul(TEN_THOUSAND)? } else { self.fine };
        Some(Form {
            backing: self.backing,
            debt: self.requirement.clone(),
            requirement: self.requirement,
            collateral: self.value,
            hinges: Vec::new(),
            slack: self.slack,
            scale,
            valid: Valid { boxes: Vec::new(), epoch: pool.epoch },
        })
    }

    /// Cutting the average loses less than one basis point of all collateral: at most one basis point of the
    /// real collateral and of half a raw unit of each.
    fn average_cut(&mut self, pool: &Pool, account: &Account) -> Option<()> {
        let config = UserConfig::of(account);
        let mode = pool.mode_of(account).ok()?;
        let most = pool.reserves.iter().map(|r| r.configuration.decimals()).max().unwrap_or(0);
        for &Holding { instrument, quantity } in account.holdings() {
            let (reserve, role) = pool.role(instrument).ok()?;
            let configuration = pool.reserves[reserve].configuration;
            let skipped = configuration.get(Configuration::THRESHOLD) == 0 && pool.revision <= Revision::V3_5;
            if role != Role::Receipt || !config.bit(reserve, COLLATERAL_BIT) || skipped {
                continue;
            }
            let level = U256::pow10(most - configuration.decimals())?;
            let raw = quantity.magnitude().add(U256::ONE)?;
            let node = NodeId(pool.node(mode, reserve, role));
            self.slack = core::mem::take(&mut self.slack).plus(node, Int::from(raw.mul(level)?))?;
        }
        Some(())
    }
}

fn half_up(value: U256) -> Option<U256> {
    value.div(U256::new(2), plimsoll_core::Rounding::Up)
}
