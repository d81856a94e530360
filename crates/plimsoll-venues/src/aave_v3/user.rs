//! One account: balances, weights, health. `GenericLogic.calculateUserAccountData`.

use super::{COLLATERAL_BIT, Configuration, DEBT_BIT, EMode, Pool, Revision, Role, UserConfig};
use plimsoll_core::{
    Account, Arithmetic, BPS, Divisor, Feeds, Holding, InstrumentId, RAY, Refusal, Rounding, Silent, Subject,
    Time, Trace, U256, Unit, WAD,
};

/// A reserve at one time with one price: what every account that holds it needs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leg {
    /// Underlying per scaled receipt (ray).
    pub(super) income: U256,
    /// Debt per scaled debt (ray).
    pub(super) debt_index: U256,
    /// Price of a whole token (base).
    pub(super) price: Option<U256>,
    /// 10^decimals.
    pub(super) unit: Divisor,
    /// Loan-to-value outside e-mode (bps).
    pub(super) ltv: u16,
    /// Liquidation threshold outside e-mode (bps).
    pub(super) threshold: u16,
    /// Decimals of the token.
    pub(super) decimals: u8,
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
        decimals: 0,
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
            decimals,
        })
    }
}

/// The weights of one holding in the account's mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Weights {
    /// What it carries of new debt (bps).
    pub(super) ltv: u16,
    /// What it carries before liquidation (bps).
    pub(super) threshold: u16,
    /// The price source that replaces the asset's own (3.0 and 3.1).
    pub(super) price_slot: Option<usize>,
}

/// What the account's mode makes of a reserve.
///
/// `own_ltv` and `own_threshold` are the reserve's (bps). Sources: up to 3.1 `EModeLogic.isInEModeCategory` and
/// `getEModeConfiguration`; from 3.2 the category's bitmaps; from 3.6 `ValidationLogic.getUserReserveLtv`.
#[inline(always)]
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
    /// All counted collateral (base).
    pub(super) collateral: U256,
    /// All debt (base).
    pub(super) debt: U256,
    /// Sum of value x loan-to-value (base x bps).
    pub(super) ltv_sum: U256,
    /// Sum of value x threshold (base x bps).
    pub(super) threshold_sum: U256,
    /// Some debt is held, whatever its value.
    pub(super) owes: bool,
}

/// The account's numbers at one time (`calculateUserAccountData`).
///
/// A receipt counts when its collateral bit is set; a debt when its borrowing bit is. Zero balances need no price.
///
/// # Errors
/// [`Refusal::PriceUnknown`] for a counted holding without a price, overflow where the contract reverts.
#[inline(always)]
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
        owes: false,
    };
    for Holding { instrument, quantity } in account.holdings() {
        let (reserve, role) = pool.role(*instrument)?;
        if quantity.is_negative() {
            return Err(Refusal::InconsistentAccount("a negative holding"));
        }
        let leg = &legs[reserve];
        let (bit, side) = match role {
            Role::Asset => continue,
            Role::Receipt => (COLLATERAL_BIT, Side::receipt(pool.revision, leg)),
            Role::Debt => (DEBT_BIT, Side::debt(pool.revision, leg)),
        };
        let left_out = role == Role::Receipt && leg.threshold == 0 && pool.revision <= Revision::V3_5;
        if left_out || !config.bit(reserve, bit) {
            continue;
        }
        t.about(Subject::Holding(*instrument));
        let weights = weights(pool, mode, reserve, leg.ltv, leg.threshold);
        let balance = side.balance(t, quantity.magnitude())?;
        let price = price_of(t, leg, weights.price_slot, feeds, reserve)?;
        let value = t.mul_div(VALUE, balance, price, leg.unit, side.value_rounding, pool.base)?;
        if role == Role::Debt {
            data.debt = t.add("debt = debt + value", data.debt, value, pool.base)?;
            data.owes = true;
            continue;
        }
        data.collateral = t.add("collateral = collateral + value", data.collateral, value, pool.base)?;
        data.ltv_sum = weigh(t, &LTV, data.ltv_sum, value, weights.ltv)?;
        data.threshold_sum = weigh(t, &THRESHOLD, data.threshold_sum, value, weights.threshold)?;
    }
    t.about(Subject::Account);
    Ok(data)
}

/// Some collateral in use carries no new debt (`hasZeroLtvCollateral`); the contract looks at the flags alone,
/// whatever is held.
pub(super) fn has_zero_ltv(pool: &Pool, account: &Account) -> Result<bool, Refusal> {
    let mode = pool.mode_of(account)?;
    let flagged = UserConfig::of(account).all(COLLATERAL_BIT);
    let listed = flagged.filter_map(|reserve| Some((reserve, pool.reserves.get(reserve)?.configuration)));
    Ok(listed.into_iter().any(|(reserve, configuration)| {
        let own = configuration.get(Configuration::LTV) as u16;
        if pool.revision <= Revision::V3_5 {
            return own == 0 && configuration.get(Configuration::THRESHOLD) != 0;
        }
        weights(pool, mode, reserve, own, 0).ltv == 0
    }))
}

const VALUE: &str = "value = balance x price / 10^decimals";

struct Weighing {
    weight: &'static str,
    sum: &'static str,
}

const LTV: Weighing =
    Weighing { weight: "weight = value x loan-to-value", sum: "carried = carried + weight" };
const THRESHOLD: Weighing =
    Weighing { weight: "weight = value x threshold", sum: "threshold sum = threshold sum + weight" };

#[inline(always)]
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

#[inline(always)]
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

/// How what is held becomes a balance and a value: what differs between receipts and debts.
pub(super) struct Side<'l> {
    formula: &'static str,
    index: &'l U256,
    balance_rounding: Rounding,
    value_rounding: Rounding,
    decimals: u8,
}

impl<'l> Side<'l> {
    #[inline(always)]
    fn receipt(revision: Revision, leg: &'l Leg) -> Side<'l> {
        Side {
            formula: "balance = scaled x income index / 1e27",
            index: &leg.income,
            balance_rounding: revision.receipt_balance(),
            value_rounding: Rounding::Down,
            decimals: leg.decimals,
        }
    }

    #[inline(always)]
    fn debt(revision: Revision, leg: &'l Leg) -> Side<'l> {
        Side {
            formula: "balance = scaled debt x debt index / 1e27",
            index: &leg.debt_index,
            balance_rounding: revision.debt_balance(),
            value_rounding: revision.debt_value(),
            decimals: leg.decimals,
        }
    }

    /// The value of a scaled quantity at a price (base).
    pub(super) fn value(
        pool: &Pool,
        leg: &Leg,
        role: Role,
        scaled: U256,
        price: U256,
    ) -> Result<U256, Refusal> {
        let t = &mut Silent;
        let side = match role {
            Role::Debt => Side::debt(pool.revision, leg),
            Role::Asset | Role::Receipt => Side::receipt(pool.revision, leg),
        };
        let balance = side.balance(t, scaled)?;
        t.mul_div(VALUE, balance, price, leg.unit, side.value_rounding, pool.base)
    }

    #[inline(always)]
    fn balance<T: Trace + ?Sized>(&self, t: &mut T, scaled: U256) -> Result<U256, Refusal> {
        let unit = Unit::raw(self.decimals);
        t.mul_div(self.formula, scaled, *self.index, RAY, self.balance_rounding, unit)
    }
}

/// Receipt balance with interest (`TokenMath.getATokenBalance`) (raw).
#[inline]
pub(super) fn receipt_balance<T: Trace + ?Sized>(
    t: &mut T,
    revision: Revision,
    leg: &Leg,
    scaled: U256,
) -> Result<U256, Refusal> {
    Side::receipt(revision, leg).balance(t, scaled)
}

/// Debt with interest (`TokenMath.getVTokenBalance`) (raw).
#[inline]
pub(super) fn debt_balance<T: Trace + ?Sized>(
    t: &mut T,
    revision: Revision,
    leg: &Leg,
    scaled: U256,
) -> Result<U256, Refusal> {
    Side::debt(revision, leg).balance(t, scaled)
}

/// 10^18: the line of every health factor.
pub(super) const LINE: U256 = WAD.value();

/// The same before the thresholds' basis points are divided out (from 3.5).
const FINE_LINE: U256 = U256::new(10_000_000_000_000_000_000_000);

impl AccountData {
    /// The average loan-to-value, cut to whole basis points (bps).
    pub(super) fn average_ltv<T: Trace + ?Sized>(&self, t: &mut T) -> Result<U256, Refusal> {
        average(t, "average loan-to-value = carried / collateral", self.ltv_sum, self.collateral)
    }

    /// The average threshold, cut to whole basis points (bps).
    #[inline(always)]
    pub(super) fn average_threshold<T: Trace + ?Sized>(&self, t: &mut T) -> Result<U256, Refusal> {
        average(t, "average threshold = threshold sum / collateral", self.threshold_sum, self.collateral)
    }

    /// What the collateral carries of debt in all (`calculateAvailableBorrows`, before the debt is taken off)
    /// (base).
    pub(super) fn capacity<T: Trace + ?Sized>(&self, t: &mut T, pool: &Pool) -> Result<U256, Refusal> {
        let ltv = self.average_ltv(t)?;
        let formula = "capacity = collateral x average loan-to-value / 1e4";
        t.mul_div(formula, self.collateral, ltv, BPS, pool.revision.capacity(), pool.base)
    }

    /// Backing and requirement of the liquidation line, in one unit: up to 3.4 base units, from 3.5 on their
    /// ten-thousandths, because the threshold is not divided out before it is compared.
    #[inline(always)]
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

    /// The health factor (wad); 2^256 - 1 where nothing is owed.
    pub(super) fn health<T: Trace + ?Sized>(&self, t: &mut T, pool: &Pool) -> Result<U256, Refusal> {
        if self.debt == U256::ZERO {
            return Ok(U256::MAX);
        }
        if pool.revision >= Revision::V3_5 {
            let unit = Unit { name: "wad x bps", decimals: 22 };
            let ratio = t.mul_div(RATIO, self.threshold_sum, LINE, self.debt, Rounding::HalfUp, unit)?;
            let formula = "health factor = ratio / 1e4";
            return t.mul_div(formula, ratio, U256::ONE, BPS, Rounding::Down, Unit::WAD);
        }
        let Line { backing, .. } = self.line(t, pool)?;
        t.mul_div(HEALTH, backing, LINE, self.debt, Rounding::HalfUp, Unit::WAD)
    }

    /// Whether [`AccountData::health`] is at least [`LINE`], and refused where that is; a listener hears it divided.
    ///
    /// To others it is compared without a division: floor(n / d) >= m is n >= m x d, and a floor of a floor by 1e4
    /// puts 1e4 into m. An m x d beyond 256 bits is above every n.
    #[inline(always)]
    pub(super) fn is_healthy<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        pool: &Pool,
        line: &Line,
    ) -> Result<bool, Refusal> {
        if t.listens() {
            return Ok(self.health(t, pool)? >= LINE);
        }
        if self.debt == U256::ZERO {
            return Ok(true);
        }
        let fine = pool.revision >= Revision::V3_5;
        let (formula, least) = if fine { (RATIO, FINE_LINE) } else { (HEALTH, LINE) };
        let dividend = line.backing.mul(LINE).and_then(|product| product.add(self.debt.half()));
        let dividend = dividend.ok_or(Refusal::Overflow(formula))?;
        Ok(self.debt.mul(least).is_some_and(|needed| dividend >= needed))
    }
}

const RATIO: &str = "ratio = threshold sum x 1e18 / debt";
const HEALTH: &str = "health factor = backing x 1e18 / debt";

/// The two numbers of the liquidation line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) backing: U256,
    pub(super) requirement: U256,
}

#[inline(always)]
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

/// All that an account holds of a receipt, with interest (raw): what `balanceOf` says.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aave_v3::PoolSpec;
    use alloc::string::String;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn pool(revision: Revision) -> Pool {
        let spec = PoolSpec { revision, currency: String::new(), reserves: Vec::new(), modes: Vec::new() };
        Pool::new(spec).expect("an empty pool")
    }

    fn owing(collateral: U256, threshold_sum: U256, debt: U256) -> AccountData {
        let ltv_sum = U256::ZERO;
        AccountData { collateral, debt, ltv_sum, threshold_sum, owes: true }
    }

    /// The comparison without a division, beside the health factor that a listener sees: verdicts and refusals.
    fn check(data: &AccountData) {
        for revision in Revision::ALL {
            let pool = pool(revision);
            let Ok(line) = data.line(&mut Silent, &pool) else { continue }; // refused before either is asked
            let divided = data.health(&mut Silent, &pool).map(|health| health >= LINE);
            let undivided = data.is_healthy(&mut Silent, &pool, &line);
            assert_eq!(divided, undivided, "{} {data:?}", revision.name());
        }
    }

    /// Any width up to 256 bits, small ones more often.
    fn number() -> impl Strategy<Value = U256> {
        (any::<[u8; 32]>(), 0_usize..32).prop_map(|(mut bytes, zeros)| {
            bytes[32 - zeros..].fill(0);
            U256::from_le_bytes(bytes)
        })
    }

    proptest! {
        #[test]
        fn health_compared_without_dividing_is_health_divided(c in number(), s in number(), d in number()) {
            check(&owing(c, s, d));
        }

        /// Around the line itself: the backing that a debt just needs, give or take a unit.
        #[test]
        fn health_compared_without_dividing_is_right_at_the_line(
            debt in 0_u128..1 << 100,
            less in 0_u128..3,
            weight in 1_u128..10_001,
        ) {
            let needed = (debt + 1 - less.min(debt)) * 10_000;
            let collateral = U256::new(needed / weight);
            for nudge in [0, 1, 9_999, 10_000, 10_001] {
                check(&owing(collateral, U256::new(needed + nudge), U256::new(debt)));
                let sum = U256::new(needed.saturating_sub(nudge));
                check(&owing(collateral, sum, U256::new(debt)));
            }
        }
    }

    /// From 2e18 base units on, half up lets one unit too little pass (the header of [`crate::aave_v3`]).
    #[test]
    fn from_twenty_billion_on_half_up_lets_a_unit_pass() {
        let debt = 2_000_000_000_000_000_000_u128;
        for (debt, healthy) in [(debt, true), (debt - 2, false)] {
            let data = owing(U256::new(debt), U256::new(debt * 10_000 - 1), U256::new(debt));
            check(&data);
            let pool = pool(Revision::V3_5);
            let line = data.line(&mut Silent, &pool).expect("a line");
            assert_eq!(data.is_healthy(&mut Silent, &pool, &line), Ok(healthy));
        }
    }
}
