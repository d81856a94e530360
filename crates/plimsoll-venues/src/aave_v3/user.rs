//! One account: balances, weights, health. `GenericLogic.calculateUserAccountData`.

use super::{COLLATERAL_BIT, Configuration, DEBT_BIT, EMode, Pool, Revision, Role, UserConfig};
use plimsoll_core::{
    Account, Arithmetic, BPS, Divisor, Feeds, Holding, InstrumentId, RAY, Refusal, Rounding, Silent, Subject,
    Time, Trace, U256, Unit, WAD,
};

/// A reserve at one time with one price: what every account that holds it needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leg {
    /// Underlying per scaled receipt [ray].
    pub(super) income: U256,
    /// Debt per scaled debt [ray].
    pub(super) debt_index: U256,
    /// Price of a whole token [base].
    pub(super) price: Option<U256>,
    /// 10^decimals.
    pub(super) unit: Divisor,
    /// Loan-to-value outside e-mode [bps].
    pub(super) ltv: u16,
    /// Liquidation threshold outside e-mode [bps].
    pub(super) threshold: u16,
}

impl Leg {
    /// A reserve that nobody asked for.
    pub(super) const UNASKED: Leg = Leg {
        income: U256::ZERO,
        debt_index: U256::ZERO,
        price: None,
        unit: Divisor::of(U256::ONE),
        ltv: 0,
        threshold: 0,
    };

    /// Accrues a reserve to a time and reads its price.
    pub(super) fn of<T: Trace + ?Sized>(
        t: &mut T,
        pool: &Pool,
        reserve: usize,
        feeds: Feeds<'_>,
        at: Time,
    ) -> Result<Leg, Refusal> {
        let listed = &pool.reserves[reserve];
        let decimals = listed.configuration.decimals();
        let unit = U256::pow10(decimals).ok_or(Refusal::Overflow("10^decimals"))?;
        Ok(Leg {
            income: listed.state.income_index(t, at)?,
            debt_index: listed.state.debt_index(t, pool.revision, at)?,
            price: feeds.get(reserve).value,
            unit: Divisor::of(unit),
            ltv: listed.configuration.get(Configuration::LTV) as u16,
            threshold: listed.configuration.get(Configuration::THRESHOLD) as u16,
        })
    }
}

/// The weights of one holding in the account's mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weights {
    /// What it carries of new debt [bps].
    pub(super) ltv: u16,
    /// What it carries before liquidation [bps].
    pub(super) threshold: u16,
    /// The price source that replaces the asset's own (3.0 and 3.1).
    pub(super) price_slot: Option<usize>,
}

/// What the account's mode makes of a reserve.
///
/// `own_ltv` and `own_threshold` are the reserve's [bps]. Sources: up to 3.1 `EModeLogic.isInEModeCategory` and
/// `getEModeConfiguration`; from 3.2 the category's bitmaps; from 3.6 `ValidationLogic.getUserReserveLtv`.
pub(super) fn weights(
    pool: &Pool,
    mode: Option<&EMode>,
    reserve: usize,
    own_ltv: u16,
    own_threshold: u16,
) -> Weights {
    let own = Weights { ltv: own_ltv, threshold: own_threshold, price_slot: None };
    let Some(mode) = mode else { return own };
    if !pool.in_mode(mode, reserve) {
        let shut_out = pool.revision >= Revision::V3_7 && mode.isolated;
        return Weights { ltv: if shut_out { 0 } else { own_ltv }, ..own };
    }
    let ltv = if pool.revision >= Revision::V3_6 {
        if mode.ltv_zero.bit(reserve) { 0 } else { mode.ltv }
    } else if own_ltv == 0 {
        0
    } else {
        mode.ltv
    };
    Weights { ltv, threshold: mode.threshold, price_slot: mode.price_slot }
}

/// What `calculateUserAccountData` returns, and the sums it is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct AccountData {
    /// All counted collateral [base].
    pub(super) collateral: U256,
    /// All debt [base].
    pub(super) debt: U256,
    /// Sum of value x loan-to-value [base x bps].
    pub(super) ltv_sum: U256,
    /// Sum of value x threshold [base x bps].
    pub(super) threshold_sum: U256,
    /// Some counted collateral carries no new debt.
    pub(super) has_zero_ltv: bool,
    /// Some debt is held, whatever its value.
    pub(super) owes: bool,
}

/// The account's numbers at one time (`calculateUserAccountData`).
///
/// A receipt counts when its collateral bit is set; a debt when its borrowing bit is. Zero balances need no price.
///
/// # Errors
/// [`Refusal::PriceUnknown`] for a counted holding without a price, overflow where the contract reverts.
#[inline]
pub(super) fn account_data<T: Trace + ?Sized>(
    t: &mut T,
    pool: &Pool,
    legs: &[Leg],
    feeds: &[Option<U256>],
    account: &Account,
) -> Result<AccountData, Refusal> {
    let config = UserConfig::of(account);
    let mode = pool.mode_of(account)?;
    let mut data = AccountData {
        collateral: U256::ZERO,
        debt: U256::ZERO,
        ltv_sum: U256::ZERO,
        threshold_sum: U256::ZERO,
        has_zero_ltv: false,
        owes: false,
    };
    for &Holding { instrument, quantity } in account.holdings() {
        let (reserve, role) = pool.role(instrument)?;
        let scaled = quantity.to_u256().ok_or(Refusal::InconsistentAccount("a negative holding"))?;
        match role {
            Role::Asset => {}
            Role::Receipt if config.bit(reserve, COLLATERAL_BIT) => {
                let leg = &legs[reserve];
                if leg.threshold == 0 && pool.revision <= Revision::V3_5 {
                    continue;
                }
                t.about(Subject::Holding(instrument));
                let weights = weights(pool, mode, reserve, leg.ltv, leg.threshold);
                let balance = receipt_balance(t, pool.revision, leg, scaled)?;
                let price = price_of(t, leg, weights.price_slot, feeds, reserve)?;
                let value = t.mul_div(
                    "value = balance x price / 10^decimals",
                    balance,
                    price,
                    leg.unit,
                    Rounding::Down,
                    pool.base,
                )?;
                data.collateral =
                    t.add("collateral = collateral + value", data.collateral, value, pool.base)?;
                data.ltv_sum = weigh(t, &LTV, data.ltv_sum, value, weights.ltv)?;
                data.threshold_sum = weigh(t, &THRESHOLD, data.threshold_sum, value, weights.threshold)?;
                data.has_zero_ltv |= if pool.revision >= Revision::V3_6 { weights.ltv } else { leg.ltv } == 0;
            }
            Role::Receipt => {}
            Role::Debt if config.bit(reserve, DEBT_BIT) => {
                let leg = &legs[reserve];
                t.about(Subject::Holding(instrument));
                let weights = weights(pool, mode, reserve, leg.ltv, leg.threshold);
                let balance = debt_balance(t, pool.revision, leg, scaled)?;
                let price = price_of(t, leg, weights.price_slot, feeds, reserve)?;
                let value = t.mul_div(
                    "value = balance x price / 10^decimals",
                    balance,
                    price,
                    leg.unit,
                    pool.revision.debt_value(),
                    pool.base,
                )?;
                data.debt = t.add("debt = debt + value", data.debt, value, pool.base)?;
                data.owes = true;
            }
            Role::Debt => {}
        }
    }
    t.about(Subject::Account);
    Ok(data)
}

struct Weighing {
    weight: &'static str,
    sum: &'static str,
}

const LTV: Weighing =
    Weighing { weight: "weight = value x loan-to-value", sum: "carried = carried + weight" };
const THRESHOLD: Weighing =
    Weighing { weight: "weight = value x threshold", sum: "threshold sum = threshold sum + weight" };

#[inline]
fn weigh<T: Trace + ?Sized>(
    t: &mut T,
    names: &Weighing,
    sum: U256,
    value: U256,
    weight: u16,
) -> Result<U256, Refusal> {
    let unit = Unit { name: "base x bps", decimals: 12 };
    let weighed = t.mul(names.weight, value, U256::new(weight as u128), unit)?;
    t.add(names.sum, sum, weighed, unit)
}

#[inline]
fn price_of<T: Trace + ?Sized>(
    t: &mut T,
    leg: &Leg,
    mode_slot: Option<usize>,
    feeds: &[Option<U256>],
    reserve: usize,
) -> Result<U256, Refusal> {
    let (slot, price) = match mode_slot {
        None => (reserve, leg.price),
        Some(slot) => (slot, feeds.get(slot).copied().flatten()),
    };
    let price = price.ok_or(Refusal::PriceUnknown { slot, why: plimsoll_core::Why::Missing })?;
    t.given("price, as the oracle gives it", price, Unit { name: "base", decimals: 8 });
    Ok(price)
}

/// Receipt balance with interest (`TokenMath.getATokenBalance`) [raw].
#[inline]
pub(super) fn receipt_balance<T: Trace + ?Sized>(
    t: &mut T,
    revision: Revision,
    leg: &Leg,
    scaled: U256,
) -> Result<U256, Refusal> {
    let formula = "balance = scaled x income index / 1e27";
    t.mul_div(formula, scaled, leg.income, RAY, revision.receipt_balance(), Unit::raw(0))
}

/// Debt with interest (`TokenMath.getVTokenBalance`) [raw].
#[inline]
pub(super) fn debt_balance<T: Trace + ?Sized>(
    t: &mut T,
    revision: Revision,
    leg: &Leg,
    scaled: U256,
) -> Result<U256, Refusal> {
    let formula = "balance = scaled debt x debt index / 1e27";
    t.mul_div(formula, scaled, leg.debt_index, RAY, revision.debt_balance(), Unit::raw(0))
}

/// 10^18: the line of every health factor.
pub(super) const LINE: U256 = WAD.value();

impl AccountData {
    /// The average loan-to-value, cut to whole basis points [bps].
    pub(super) fn average_ltv<T: Trace + ?Sized>(&self, t: &mut T) -> Result<U256, Refusal> {
        average(t, "average loan-to-value = carried / collateral", self.ltv_sum, self.collateral)
    }

    /// The average threshold, cut to whole basis points [bps].
    pub(super) fn average_threshold<T: Trace + ?Sized>(&self, t: &mut T) -> Result<U256, Refusal> {
        average(t, "average threshold = threshold sum / collateral", self.threshold_sum, self.collateral)
    }

    /// What the collateral carries of debt in all (`calculateAvailableBorrows`, before the debt is taken off)
    /// [base].
    pub(super) fn capacity<T: Trace + ?Sized>(&self, t: &mut T, pool: &Pool) -> Result<U256, Refusal> {
        let ltv = self.average_ltv(t)?;
        let formula = "capacity = collateral x average loan-to-value / 1e4";
        t.mul_div(formula, self.collateral, ltv, BPS, pool.revision.capacity(), pool.base)
    }

    /// Backing and requirement of the liquidation line, in one unit: up to 3.4 base units, from 3.5 on their
    /// ten-thousandths, because the threshold is not divided out before it is compared.
    pub(super) fn line<T: Trace + ?Sized>(&self, t: &mut T, pool: &Pool) -> Result<Line, Refusal> {
        if pool.revision >= Revision::V3_5 {
            let formula = "requirement = debt x 1e4";
            let requirement = t.mul(formula, self.debt, BPS.value(), pool.fine_base())?;
            return Ok(Line { backing: self.threshold_sum, requirement });
        }
        let threshold = self.average_threshold(t)?;
        let formula = "backing = collateral x average threshold / 1e4";
        let backing = t.mul_div(formula, self.collateral, threshold, BPS, Rounding::HalfUp, pool.base)?;
        Ok(Line { backing, requirement: self.debt })
    }

    /// The health factor [wad]; 2^256 - 1 where nothing is owed.
    pub(super) fn health<T: Trace + ?Sized>(&self, t: &mut T, pool: &Pool) -> Result<U256, Refusal> {
        if self.debt == U256::ZERO {
            return Ok(U256::MAX);
        }
        if pool.revision >= Revision::V3_5 {
            let formula = "ratio = threshold sum x 1e18 / debt";
            let unit = Unit { name: "wad x bps", decimals: 22 };
            let ratio = t.mul_div(formula, self.threshold_sum, LINE, self.debt, Rounding::HalfUp, unit)?;
            let formula = "health factor = ratio / 1e4";
            return t.mul_div(formula, ratio, U256::ONE, BPS, Rounding::Down, Unit::WAD);
        }
        let Line { backing, .. } = self.line(t, pool)?;
        let formula = "health factor = backing x 1e18 / debt";
        t.mul_div(formula, backing, LINE, self.debt, Rounding::HalfUp, Unit::WAD)
    }
}

/// The two numbers of the liquidation line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) backing: U256,
    pub(super) requirement: U256,
}

#[inline]
fn average<T: Trace + ?Sized>(
    t: &mut T,
    formula: &'static str,
    sum: U256,
    collateral: U256,
) -> Result<U256, Refusal> {
    if collateral == U256::ZERO {
        return Ok(U256::ZERO);
    }
    t.mul_div(formula, sum, U256::ONE, collateral, Rounding::Down, Unit::BPS)
}

/// All that an account holds of a receipt, with interest [raw]: what `balanceOf` says.
pub(super) fn held(
    pool: &Pool,
    legs: &[Leg],
    account: &Account,
    instrument: InstrumentId,
) -> Result<U256, Refusal> {
    let (reserve, role) = pool.role(instrument)?;
    let scaled = account.quantity(instrument).to_u256().unwrap_or(U256::ZERO);
    match role {
        Role::Asset => Ok(scaled),
        Role::Receipt => receipt_balance(&mut Silent, pool.revision, &legs[reserve], scaled),
        Role::Debt => debt_balance(&mut Silent, pool.revision, &legs[reserve], scaled),
    }
}
