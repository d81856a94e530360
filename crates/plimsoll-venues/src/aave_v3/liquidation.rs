//! A liquidation, to the unit: `LiquidationLogic.executeLiquidationCall` of each release.

use super::actions::Work;
use super::user::{self, AccountData, LINE, Leg, Weights};
use super::{
    COLLATERAL_BIT, Configuration, DEBT_BIT, Pool, Revision, Role, UserConfig, asset, debt, receipt,
};
use alloc::vec::Vec;
use plimsoll_core::{
    Account, Amount, Arithmetic, BPS, InstrumentId, Liquidated, Lot, Party, Receive, Refusal, Rounding,
    Subject, Time, Trace, U256, Unit,
};

/// Above this health only half is liquidated (wad).
const CLOSE_FACTOR_LINE: U256 = U256::new(950_000_000_000_000_000);
/// Half of the debt (bps).
const HALF: U256 = U256::new(5_000);
/// From 3.3: positions with less than this on either side are liquidated whole (base).
const SMALL_POSITION: U256 = U256::new(2_000 * 100_000_000);
/// From 3.3: at least this must be left on both sides (base).
const LEAST_LEFTOVER: U256 = U256::new(1_000 * 100_000_000);

/// Whether a liquidation of an unhealthy account could run now: some debt and some collateral that can be seized are in
/// use, not paused and past their grace period.
pub(super) fn executable(pool: &Pool, account: &Account, at: Time) -> Result<(), Refusal> {
    let config = UserConfig::of(account);
    let mut refusals = [Err(Refusal::NothingToSeize), Err(Refusal::NotLiquidatable)];
    for holding in account.holdings() {
        let (reserve, role) = pool.role(holding.instrument)?;
        let (side, counts) = match role {
            Role::Receipt => (0, config.bit(reserve, COLLATERAL_BIT)),
            Role::Debt => (1, config.bit(reserve, DEBT_BIT)),
            Role::Asset => continue,
        };
        if !counts || refusals[side].is_ok() {
            continue;
        }
        if role == Role::Debt || seizable(pool, reserve) {
            refusals[side] = open_for_liquidation(pool, reserve, at);
        } else if refusals[side] == Err(Refusal::NothingToSeize) {
            refusals[side] = Err(Refusal::NotSeizable(holding.instrument));
        }
    }
    refusals.into_iter().collect()
}

/// Up to 3.5 collateral of threshold zero cannot be seized.
fn seizable(pool: &Pool, reserve: usize) -> bool {
    let threshold = pool.reserves[reserve].configuration.get(Configuration::THRESHOLD);
    pool.revision >= Revision::V3_6 || threshold != 0
}

fn open_for_liquidation(pool: &Pool, reserve: usize, at: Time) -> Result<(), Refusal> {
    require_active(pool, reserve)?;
    require_running(pool, reserve)?;
    require_no_grace(pool, reserve, at)
}

fn require_active(pool: &Pool, reserve: usize) -> Result<(), Refusal> {
    let active = pool.reserves[reserve].configuration.is(Configuration::ACTIVE);
    if active { Ok(()) } else { Err(Refusal::Inactive(asset(reserve))) }
}

fn require_running(pool: &Pool, reserve: usize) -> Result<(), Refusal> {
    let paused = pool.reserves[reserve].configuration.is(Configuration::PAUSED);
    if paused { Err(Refusal::Paused(asset(reserve))) } else { Ok(()) }
}

/// The contract asks for `grace < now`; a reserve that never had one has 0.
fn require_no_grace(pool: &Pool, reserve: usize, at: Time) -> Result<(), Refusal> {
    let until = pool.reserves[reserve].grace_until;
    if pool.revision >= Revision::V3_1 && until != Time(0) && until >= at {
        return Err(Refusal::GracePeriod { until });
    }
    Ok(())
}

/// The two reserves of a liquidation, with what the account has in them.
struct Sides {
    /// Reserve that is seized.
    collateral: usize,
    /// Reserve that is repaid.
    debt: usize,
    collateral_leg: Leg,
    debt_leg: Leg,
    collateral_price: U256,
    debt_price: U256,
    /// The account's collateral in its reserve (raw), and scaled.
    held: U256,
    held_scaled: U256,
    /// The account's debt in its reserve (raw).
    owed: U256,
    /// Liquidation bonus, 10 500 is 5 % (bps).
    bonus: U256,
}

/// What is exchanged (raw).
struct Exchange {
    repaid: U256,
    /// Collateral of the liquidator.
    received: U256,
    /// The venue's part.
    fee: U256,
    /// Both.
    seized: U256,
}

/// Liquidates in the pool of `work`; its effects are the answer.
pub(super) fn liquidate<T: Trace + ?Sized>(
    t: &mut T,
    work: &mut Work<'_>,
    repay: InstrumentId,
    seize: InstrumentId,
    lot: Lot,
    receive: Receive,
) -> Result<(), Refusal> {
    let pool = work.pool;
    let (debt_reserve, role) = pool.role(repay)?;
    if role != Role::Debt {
        return Err(Refusal::NoSuchInstrument(repay));
    }
    let (collateral_reserve, role) = pool.role(seize)?;
    if role != Role::Receipt {
        return Err(Refusal::NoSuchInstrument(seize));
    }
    work.accrue(t, debt_reserve)?;
    let data = work.account_data(t)?;
    let health = data.health(t, pool)?;
    validate(work, collateral_reserve, debt_reserve, health)?;
    let sides = sides(t, work, collateral_reserve, debt_reserve)?;
    let asked = match lot {
        Lot::Repay(Amount::All) => U256::MAX,
        Lot::Repay(Amount::Assets(amount)) => amount,
        Lot::Repay(Amount::Shares(_)) | Lot::Seize(_) => return Err(Refusal::NotAtThisVenue),
    };
    let most = most_liquidatable(t, pool, &sides, &data, health)?;
    let debt_to_cover = t.min("debt to cover = asked, at most liquidatable", asked, most, Unit::NUMBER);
    let exchange = exchange(t, pool, &sides, debt_to_cover)?;
    refuse_dust(t, pool, &sides, &exchange)?;
    let left = what_is_left(t, pool, &sides, &exchange, &data)?;
    execute(t, work, &sides, &exchange, &left, receive)
}

/// `ValidationLogic.validateLiquidationCall`, in its order.
fn validate(work: &Work<'_>, collateral: usize, owed: usize, health: U256) -> Result<(), Refusal> {
    let pool = work.pool;
    if pool.revision >= Revision::V3_4 && work.call.actor == work.call.account {
        return Err(Refusal::SelfLiquidation);
    }
    let both = [collateral, owed];
    both.iter().try_for_each(|&reserve| require_active(pool, reserve))?;
    both.iter().try_for_each(|&reserve| require_running(pool, reserve))?;
    both.iter().try_for_each(|&reserve| require_no_grace(pool, reserve, work.call.at))?;
    if health >= LINE {
        return Err(Refusal::NotLiquidatable);
    }
    let config = UserConfig::of(&work.account);
    if !seizable(pool, collateral) || !config.bit(collateral, COLLATERAL_BIT) {
        return Err(Refusal::NotSeizable(receipt(collateral)));
    }
    if work.account.quantity(debt(owed)).is_zero() {
        return Err(Refusal::NothingOwed(debt(owed)));
    }
    Ok(())
}

fn sides<T: Trace + ?Sized>(
    t: &mut T,
    work: &Work<'_>,
    collateral: usize,
    owed: usize,
) -> Result<Sides, Refusal> {
    let pool = work.pool;
    let (collateral_leg, debt_leg) = (work.legs[collateral], work.legs[owed]);
    let mode = pool.mode_of(&work.account)?;
    let own = |reserve: usize| user::weights(pool, mode, reserve, 0, 0);
    let Weights { price_slot: collateral_slot, .. } = own(collateral);
    // Up to 3.1 the debt is taken at the category's price without asking whether the asset is in it: an account
    // in a category can owe nothing else.
    let debt_slot = mode.and_then(|mode| mode.price_slot);
    let price = |reserve: usize, leg: &Leg, slot: Option<usize>| {
        let (slot, price) = match slot {
            None => (reserve, leg.price),
            Some(slot) => (slot, work.prices.get(slot).copied().flatten()),
        };
        price.ok_or(Refusal::PriceUnknown { slot, why: plimsoll_core::Why::Missing })
    };
    let bonus = match mode {
        Some(mode) if pool.in_mode(mode, collateral) => u64::from(mode.bonus),
        _ => pool.reserves[collateral].configuration.get(Configuration::BONUS),
    };
    let scaled = |id: InstrumentId| work.account.quantity(id).to_u256().unwrap_or(U256::ZERO);
    let held_scaled = scaled(receipt(collateral));
    t.about(Subject::Holding(receipt(collateral)));
    let held = user::receipt_balance(t, pool.revision, &collateral_leg, held_scaled)?;
    t.given("liquidation bonus", U256::from(bonus), Unit::BPS);
    t.about(Subject::Holding(debt(owed)));
    let owed_raw = user::debt_balance(t, pool.revision, &debt_leg, scaled(debt(owed)))?;
    t.about(Subject::Account);
    Ok(Sides {
        collateral,
        debt: owed,
        collateral_leg,
        debt_leg,
        collateral_price: price(collateral, &collateral_leg, collateral_slot)?,
        debt_price: price(owed, &debt_leg, debt_slot)?,
        held,
        held_scaled,
        owed: owed_raw,
        bonus: U256::from(bonus),
    })
}

/// The close factor (`_calculateDebt` up to 3.2, `executeLiquidationCall` from 3.3) (raw debt).
fn most_liquidatable<T: Trace + ?Sized>(
    t: &mut T,
    pool: &Pool,
    sides: &Sides,
    data: &AccountData,
    health: U256,
) -> Result<U256, Refusal> {
    if pool.revision <= Revision::V3_2 {
        if health > CLOSE_FACTOR_LINE {
            let formula = "liquidatable = owed x 50 %";
            return t.mul_div(formula, sides.owed, HALF, BPS, Rounding::HalfUp, Unit::NUMBER);
        }
        return Ok(sides.owed);
    }
    let formula = "debt value = owed x price / 10^decimals";
    let debt_value = t.mul_div(
        formula,
        sides.owed,
        sides.debt_price,
        sides.debt_leg.unit,
        pool.revision.debt_value(),
        pool.base,
    )?;
    let formula = "collateral value = held x price / 10^decimals";
    let collateral_value = t.mul_div(
        formula,
        sides.held,
        sides.collateral_price,
        sides.collateral_leg.unit,
        Rounding::Down,
        pool.base,
    )?;
    let large = collateral_value >= SMALL_POSITION && debt_value >= SMALL_POSITION;
    if large && health > CLOSE_FACTOR_LINE {
        let formula = "half = all debt x 50 %";
        let half = t.mul_div(formula, data.debt, HALF, BPS, Rounding::HalfUp, pool.base)?;
        if debt_value > half {
            let formula = "liquidatable = half x 10^decimals / price";
            let unit = sides.debt_leg.unit.value();
            return t.mul_div(formula, half, unit, sides.debt_price, Rounding::Down, Unit::NUMBER);
        }
    }
    Ok(sides.owed)
}

/// `_calculateAvailableCollateralToLiquidate`.
fn exchange<T: Trace + ?Sized>(
    t: &mut T,
    pool: &Pool,
    sides: &Sides,
    debt_to_cover: U256,
) -> Result<Exchange, Refusal> {
    let Sides { bonus, held, .. } = *sides;
    let (collateral_unit, debt_unit) = (sides.collateral_leg.unit.value(), sides.debt_leg.unit.value());
    let n = Unit::NUMBER;
    let cost = t.mul("cost = debt price x debt to cover", sides.debt_price, debt_to_cover, n)?;
    let rate = t.mul("rate = collateral price x 10^debt decimals", sides.collateral_price, debt_unit, n)?;
    let formula = "base collateral = cost x 10^collateral decimals / rate";
    let base = t.mul_div(formula, cost, collateral_unit, rate, Rounding::Down, n)?;
    let formula = "collateral bought = base collateral x bonus / 1e4";
    let bought = t.mul_div(formula, base, bonus, BPS, pool.revision.collateral_bought(), n)?;
    let (seized, repaid) = if bought > held {
        let worth = t.mul("worth = collateral price x held", sides.collateral_price, held, n)?;
        let formula = "debt rate = debt price x 10^collateral decimals";
        let rate = t.mul(formula, sides.debt_price, collateral_unit, n)?;
        let formula = "debt worth = worth x 10^debt decimals / debt rate";
        let worth = t.mul_div(formula, worth, debt_unit, rate, Rounding::Down, n)?;
        let formula = "repaid = debt worth x 1e4 / bonus";
        let needed = t.mul_div(formula, worth, BPS.value(), bonus, pool.revision.debt_needed(), n)?;
        (held, needed)
    } else {
        (bought, debt_to_cover)
    };
    let share = pool.reserves[sides.collateral].configuration.get(Configuration::PROTOCOL_FEE);
    let fee = if share == 0 {
        U256::ZERO
    } else {
        let formula = "without bonus = seized x 1e4 / bonus";
        let plain = t.mul_div(formula, seized, BPS.value(), bonus, pool.revision.without_bonus(), n)?;
        let gained = t.sub("bonus part = seized - without bonus", seized, plain, n)?;
        let formula = "fee = bonus part x fee share / 1e4";
        t.mul_div(formula, gained, U256::from(share), BPS, pool.revision.protocol_fee(), n)?
    };
    let received = t.sub("received = seized - fee", seized, fee, n)?;
    Ok(Exchange { repaid, received, fee, seized })
}

/// From 3.3: unless one side is used up, both must keep a minimum (`MustNotLeaveDust`).
fn refuse_dust<T: Trace + ?Sized>(
    t: &mut T,
    pool: &Pool,
    sides: &Sides,
    exchange: &Exchange,
) -> Result<(), Refusal> {
    let both_left = exchange.repaid < sides.owed && exchange.seized < sides.held;
    if pool.revision < Revision::V3_3 || !both_left {
        return Ok(());
    }
    let n = Unit::NUMBER;
    let debt_left = t.sub("debt left = owed - repaid", sides.owed, exchange.repaid, n)?;
    let formula = "its value = debt left x price / 10^decimals";
    let rounding = pool.revision.debt_value();
    let debt_left =
        t.mul_div(formula, debt_left, sides.debt_price, sides.debt_leg.unit, rounding, pool.base)?;
    let held_left = t.sub("collateral left = held - seized", sides.held, exchange.seized, n)?;
    let formula = "its value = collateral left x price / 10^decimals";
    let (price, unit) = (sides.collateral_price, sides.collateral_leg.unit);
    let held_left = t.mul_div(formula, held_left, price, unit, Rounding::Down, pool.base)?;
    if debt_left >= LEAST_LEFTOVER && held_left >= LEAST_LEFTOVER { Ok(()) } else { Err(Refusal::LeavesDust) }
}

/// What the account has afterwards.
struct Left {
    /// The collateral's flag goes.
    no_longer_collateral: bool,
    /// Nothing of value is left: the rest of the debt is written off (from 3.3).
    written_off: bool,
}

fn what_is_left<T: Trace + ?Sized>(
    t: &mut T,
    pool: &Pool,
    sides: &Sides,
    exchange: &Exchange,
    data: &AccountData,
) -> Result<Left, Refusal> {
    let all_seized = exchange.seized == sides.held;
    if pool.revision < Revision::V3_3 {
        return Ok(Left { no_longer_collateral: all_seized, written_off: false });
    }
    if pool.revision < Revision::V3_7 {
        let written_off = seized_value(t, pool, sides, exchange.seized)? == data.collateral;
        return Ok(Left { no_longer_collateral: all_seized, written_off });
    }
    let index = sides.collateral_leg.income;
    let received = to_scaled(t, pool, exchange.received, index)?;
    let fee = to_scaled(t, pool, exchange.fee, index)?;
    let both = t.add("scaled seized = received + fee", received, fee, Unit::NUMBER)?;
    let used = t.min("scaled seized, at most held", both, sides.held_scaled, Unit::NUMBER);
    let amount = user::receipt_balance(t, pool.revision, &sides.collateral_leg, used)?;
    let written_off = seized_value(t, pool, sides, amount)? == data.collateral;
    Ok(Left { no_longer_collateral: used == sides.held_scaled || written_off, written_off })
}

fn seized_value<T: Trace + ?Sized>(
    t: &mut T,
    pool: &Pool,
    sides: &Sides,
    amount: U256,
) -> Result<U256, Refusal> {
    let formula = "seized value = amount x price / 10^decimals";
    let (price, unit) = (sides.collateral_price, sides.collateral_leg.unit);
    t.mul_div(formula, amount, price, unit, Rounding::Down, pool.base)
}

/// Scaled receipts that leave for an amount.
fn to_scaled<T: Trace + ?Sized>(t: &mut T, pool: &Pool, amount: U256, index: U256) -> Result<U256, Refusal> {
    let formula = "scaled = amount x 1e27 / income index";
    let one = plimsoll_core::RAY.value();
    t.mul_div(formula, amount, one, index, pool.revision.receipt_burn(), Unit::NUMBER)
}

fn execute<T: Trace + ?Sized>(
    t: &mut T,
    work: &mut Work<'_>,
    sides: &Sides,
    exchange: &Exchange,
    left: &Left,
    receive: Receive,
) -> Result<(), Refusal> {
    let pool = work.pool;
    let (actor, user) = (work.call.actor, work.call.account);
    let (collateral, owed) = (sides.collateral, sides.debt);
    let mut liquidated = Liquidated {
        repaid: exchange.repaid,
        seized: exchange.seized,
        fee: exchange.fee,
        bad_debt: Vec::new(),
    };

    // From 3.5 on the collateral reserve is accrued before anything else; 3.5 and 3.6 do it on a copy that was
    // read before, so that for one and the same asset the treasury's gain is added a second time.
    if pool.revision >= Revision::V3_5 {
        if collateral != owed {
            work.accrue(t, collateral)?;
        } else if pool.revision <= Revision::V3_6 {
            work.repeat_treasury_gain(owed)?;
        }
    }
    if left.no_longer_collateral {
        work.set_flag(collateral, COLLATERAL_BIT, false);
    }
    let written = work.burn_debt(t, owed, sides.owed, exchange.repaid, left.written_off)?;
    liquidated.bad_debt.extend(written.map(|amount| (debt(owed), amount)));
    reduce_isolated_debt(t, work, sides, exchange.repaid)?;

    let index = sides.collateral_leg.income;
    let scaled = to_scaled(t, pool, exchange.received, index)?;
    match receive {
        Receive::Receipt => {
            let previous = work.quantity_of(actor, receipt(collateral));
            work.move_receipt(collateral, scaled, Party::Account(user), Party::Account(actor))?;
            // 3.3 alone knows accounts that liquidate themselves whole: the collateral goes and comes back.
            let returned = pool.revision == Revision::V3_3 && actor == user && exchange.seized == sides.held;
            if pool.revision <= Revision::V3_5 && (previous.is_zero() || returned) {
                work.use_as_collateral_if_allowed(actor, collateral)?;
            }
        }
        Receive::Asset => {
            work.accrue(t, collateral)?;
            work.update_rates(t, collateral, U256::ZERO, exchange.received)?;
            if scaled == U256::ZERO {
                return Err(Refusal::AmountZero);
            }
            work.move_receipt(collateral, scaled, Party::Account(user), Party::Burn)?;
            work.pay_out(collateral, exchange.received)?;
        }
    }
    if exchange.fee != U256::ZERO {
        let held = work.account.quantity(receipt(collateral)).to_u256().unwrap_or(U256::ZERO);
        let mut fee = to_scaled(t, pool, exchange.fee, index)?;
        if fee > held {
            // Up to 3.4 the rest goes through its amount and back.
            fee = if pool.revision >= Revision::V3_5 {
                held
            } else {
                let amount = user::receipt_balance(t, pool.revision, &sides.collateral_leg, held)?;
                to_scaled(t, pool, amount, index)?
            };
        }
        work.move_receipt(collateral, fee, Party::Account(user), Party::Treasury)?;
    }
    if left.written_off {
        let config = UserConfig::of(&work.account);
        for reserve in config.all(DEBT_BIT) {
            let listed = pool.reserves.get(reserve);
            if !listed.is_some_and(|listed| listed.configuration.is(Configuration::ACTIVE)) {
                continue;
            }
            work.accrue(t, reserve)?;
            let scaled = work.account.quantity(debt(reserve)).to_u256().unwrap_or(U256::ZERO);
            let amount = user::debt_balance(t, pool.revision, &work.legs[reserve], scaled)?;
            let written = work.burn_debt(t, reserve, amount, U256::ZERO, true)?;
            liquidated.bad_debt.extend(written.map(|amount| (debt(reserve), amount)));
        }
    }
    work.pay_in(owed, exchange.repaid)?;
    work.effects.liquidated = Some(liquidated);
    Ok(())
}

/// Debt carried in isolation falls by what was repaid, in whole cents (up to 3.6).
fn reduce_isolated_debt<T: Trace + ?Sized>(
    t: &mut T,
    work: &mut Work<'_>,
    sides: &Sides,
    repaid: U256,
) -> Result<(), Refusal> {
    let pool = work.pool;
    let isolated = match pool.revision {
        // Asked after the flags changed: an account that lost its only collateral is not isolated any more.
        Revision::V3_0 | Revision::V3_1 | Revision::V3_2 => work.isolated_collateral(),
        Revision::V3_7 => None,
        _ => {
            let ceiling = pool.reserves[sides.collateral].configuration.get(Configuration::DEBT_CEILING);
            (ceiling != 0).then_some(sides.collateral)
        }
    };
    match isolated {
        Some(reserve) => work.reduce_isolated_debt(t, reserve, sides.debt, repaid),
        None => Ok(()),
    }
}
