//! Every number of a market, as cells: object 0 is the market, objects 1 and up its collateral assets in their order.

use super::{AssetRules, AssetTotals, FACTOR_STEP, Rules, State};
use crate::table::{Field, put_u64, put_unsigned, put_up_to};
use plimsoll_core::Rounding::Exact;
use plimsoll_core::{Int, Part, U256, Unit, WAD};

/// Supplying, collateral and base, is stopped (`isSupplyPaused`).
pub const PAUSE_SUPPLY: u8 = 1;
/// Transfers are stopped (`isTransferPaused`).
pub const PAUSE_TRANSFER: u8 = 2;
/// Withdrawing and borrowing is stopped (`isWithdrawPaused`).
pub const PAUSE_WITHDRAW: u8 = 4;
/// Absorbing is stopped (`isAbsorbPaused`).
pub const PAUSE_ABSORB: u8 = 8;
/// Buying collateral is stopped (`isBuyPaused`).
pub const PAUSE_BUY: u8 = 16;

/// The flags by name.
pub(super) const FLAGS: &[Part] = &[
    flag("supply_paused", 0),
    flag("transfer_paused", 1),
    flag("withdraw_paused", 2),
    flag("absorb_paused", 3),
    flag("buy_paused", 4),
];

const fn flag(name: &'static str, at: usize) -> Part {
    Part { name, at, width: 1, unit: Unit::NUMBER }
}

/// The market as a whole: one row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) rules: Rules,
    pub(super) state: State,
}

/// A collateral asset: one row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct AssetRow {
    pub(super) rules: AssetRules,
    pub(super) totals: AssetTotals,
}

/// Where the flags stand in [`FIELDS`]: rules before them, state behind.
pub(super) const FLAGS_FIELD: u16 = 16;

/// How many fields at the head of [`ASSET_FIELDS`] are rules.
pub(super) const ASSET_RULES: u16 = 5;

macro_rules! number {
    ($name:literal, $unit:expr, $row:ident => $place:expr, $put:expr) => {
        Field::new($name, $unit, |$row| $place.into(), |$row, value| $put(&mut $place, value))
    };
}

pub(super) const FIELDS: &[Field<Numbers>] = &[
    Field::new(
        "base_decimals",
        plain,
        |r| Int::new(r.rules.base_decimals.into()),
        |r, v| put_small(&mut r.rules.base_decimals, v, 6, 18),
    ),
    number!("store_front_price_factor", wad, r => r.rules.store_front_price_factor, put_factor),
    number!("supply_kink", wad, r => r.rules.supply.kink, put_64),
    number!("supply_slope_low", wad, r => r.rules.supply.slope_low, put_64),
    number!("supply_slope_high", wad, r => r.rules.supply.slope_high, put_64),
    number!("supply_base", wad, r => r.rules.supply.base, put_64),
    number!("borrow_kink", wad, r => r.rules.borrow.kink, put_64),
    number!("borrow_slope_low", wad, r => r.rules.borrow.slope_low, put_64),
    number!("borrow_slope_high", wad, r => r.rules.borrow.slope_high, put_64),
    number!("borrow_base", wad, r => r.rules.borrow.base, put_64),
    number!("tracking_index_scale", plain, r => r.rules.tracking_index_scale, put_positive_64),
    number!("base_tracking_supply_speed", plain, r => r.rules.base_tracking_supply_speed, put_64),
    number!("base_tracking_borrow_speed", plain, r => r.rules.base_tracking_borrow_speed, put_64),
    number!("base_min_for_rewards", principal, r => r.rules.base_min_for_rewards, put_positive_104),
    number!("base_borrow_min", raw, r => r.rules.base_borrow_min, put_104),
    number!("target_reserves", raw, r => r.rules.target_reserves, put_104),
    Field::new(
        "pause_flags",
        plain,
        |r| Int::new(r.rules.pause_flags.into()),
        |r, v| put_small(&mut r.rules.pause_flags, v, 0, 31),
    ),
    number!("base_supply_index", index, r => r.state.base_supply_index, put_index),
    number!("base_borrow_index", index, r => r.state.base_borrow_index, put_index),
    number!("tracking_supply_index", plain, r => r.state.tracking_supply_index, put_64),
    number!("tracking_borrow_index", plain, r => r.state.tracking_borrow_index, put_64),
    number!("total_supply_base", principal, r => r.state.total_supply_base, put_104),
    number!("total_borrow_base", principal, r => r.state.total_borrow_base, put_104),
    Field::new(
        "last_accrual_time",
        |_| Unit::SECONDS,
        |r| r.state.last_accrual_time.into(),
        |r, v| put_u64(&mut r.state.last_accrual_time, Some(v).filter(|v| v.magnitude().bit_len() <= 40)?),
    ),
    number!("base_balance", raw, r => r.state.base_balance, put_255),
];

pub(super) const ASSET_FIELDS: &[Field<AssetRow>] = &[
    Field::new(
        "decimals",
        |_| Unit::NUMBER,
        |r| Int::new(r.rules.decimals.into()),
        |r, v| put_small(&mut r.rules.decimals, v, 0, 19),
    ),
    number!("borrow_collateral_factor", asset_wad, r => r.rules.borrow_factor, put_packed),
    number!("liquidate_collateral_factor", asset_wad, r => r.rules.liquidate_factor, put_packed_factor),
    number!("liquidation_factor", asset_wad, r => r.rules.liquidation_factor, put_packed),
    number!("supply_cap", asset_raw, r => r.rules.supply_cap, put_128),
    number!("total_supply", asset_raw, r => r.totals.total_supply, put_128),
    number!("reserves", asset_raw, r => r.totals.reserves, put_128),
];

fn plain(_: &Numbers) -> Unit {
    Unit::NUMBER
}

fn wad(_: &Numbers) -> Unit {
    Unit::WAD
}

fn raw(row: &Numbers) -> Unit {
    Unit::raw(row.rules.base_decimals)
}

fn principal(row: &Numbers) -> Unit {
    Unit::scaled(row.rules.base_decimals)
}

fn index(_: &Numbers) -> Unit {
    super::interest::INDEX
}

fn asset_wad(_: &AssetRow) -> Unit {
    Unit::WAD
}

fn asset_raw(row: &AssetRow) -> Unit {
    Unit::raw(row.rules.decimals)
}

fn put_small(place: &mut u8, value: &Int, least: u8, most: u8) -> Option<()> {
    let small = u8::try_from(value.to_u64()?).ok()?;
    *place = Some(small).filter(|small| (least..=most).contains(small))?;
    Some(())
}

fn put_factor(place: &mut U256, value: &Int) -> Option<()> {
    put_up_to(place, value, WAD.value())
}

/// A factor that 16 bits of four decimals hold.
fn put_packed(place: &mut U256, value: &Int) -> Option<()> {
    let steps = value.to_u256()?.div(FACTOR_STEP, Exact)?;
    put_unsigned(place, Some(value).filter(|_| steps.bit_len() <= 16)?, 256)
}

fn put_packed_factor(place: &mut U256, value: &Int) -> Option<()> {
    put_packed(place, Some(value).filter(|value| value.magnitude() <= WAD.value())?)
}

fn put_64(place: &mut U256, value: &Int) -> Option<()> {
    put_unsigned(place, value, 64)
}

fn put_positive_64(place: &mut U256, value: &Int) -> Option<()> {
    put_64(place, Some(value).filter(|value| !value.is_zero())?)
}

fn put_104(place: &mut U256, value: &Int) -> Option<()> {
    put_unsigned(place, value, 104)
}

fn put_positive_104(place: &mut U256, value: &Int) -> Option<()> {
    put_104(place, Some(value).filter(|value| !value.is_zero())?)
}

fn put_128(place: &mut U256, value: &Int) -> Option<()> {
    put_unsigned(place, value, 128)
}

fn put_255(place: &mut U256, value: &Int) -> Option<()> {
    put_unsigned(place, value, 255)
}

/// Indices begin at one and never fall.
fn put_index(place: &mut U256, value: &Int) -> Option<()> {
    put_64(place, Some(value).filter(|value| value.magnitude() >= super::interest::INDEX_ONE.value())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_stand_where_they_are_said_to() {
        assert_eq!(FIELDS[usize::from(FLAGS_FIELD)].name, "pause_flags");
        let flags = [PAUSE_SUPPLY, PAUSE_TRANSFER, PAUSE_WITHDRAW, PAUSE_ABSORB, PAUSE_BUY];
        assert!(flags.iter().zip(FLAGS).all(|(flag, part)| usize::from(*flag) == 1 << part.at));
    }
}
