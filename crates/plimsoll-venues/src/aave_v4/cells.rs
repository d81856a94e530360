//! Every number of a market, as cells. Objects below [`SPOKES`] are hub assets, below [`RESERVES`] spokes, below
//! [`CONFIGURATIONS`] reserves, each in its order; then come the versions of configurations.

use super::{Configuration, HubAsset, Reserve, Spoke};
use crate::table::{Field, put_u64, put_unsigned};
use plimsoll_core::{Int, Part, RAY, U256, Unit, WAD};

/// The first spoke.
pub(super) const SPOKES: u64 = 1_000;
/// The first reserve.
pub(super) const RESERVES: u64 = 2_000;
/// The first version of the first reserve; those of the next are 2^32 further.
pub(super) const CONFIGURATIONS: u64 = 1 << 32;

/// A version of a reserve's configuration.
pub(super) fn configuration(reserve: usize, key: u32) -> u64 {
    CONFIGURATIONS * (reserve as u64 + 1) + u64::from(key)
}

/// The reserve and version of an object from [`CONFIGURATIONS`] on.
pub(super) fn version(object: u64) -> Option<(usize, u32)> {
    let reserve = usize::try_from((object / CONFIGURATIONS).checked_sub(1)?).ok()?;
    Some((reserve, u32::try_from(object % CONFIGURATIONS).ok()?))
}

/// The flags of a reserve by name.
pub(super) const FLAGS: &[Part] =
    &[flag("paused", 0), flag("frozen", 1), flag("borrowable", 2), flag("receive_shares_enabled", 3)];

const fn flag(name: &'static str, at: usize) -> Part {
    Part { name, at, width: 1, unit: Unit::NUMBER }
}

/// A number by its place in the row and how it is put there.
macro_rules! number {
    ($name:literal, $unit:expr, $row:ident => $place:expr, $put:expr) => {
        Field::new($name, $unit, |$row| Int::from($place), |$row, value| $put(&mut $place, value))
    };
}

/// A small number, or a flag.
macro_rules! small {
    ($name:literal, $unit:expr, $row:ident => $place:expr, $most:expr) => {
        Field::new(
            $name,
            $unit,
            |$row| Int::from(u64::from($place)),
            |$row, value| {
                let value = value.to_u64().filter(|value| *value <= $most)?;
                $place = value.try_into().ok()?;
                Some(())
            },
        )
    };
}

macro_rules! switch {
    ($name:literal, $row:ident => $place:expr) => {
        Field::new(
            $name,
            |_| Unit::NUMBER,
            |$row| Int::from(u64::from($place)),
            |$row, value| {
                $place = value.to_u64().filter(|value| *value <= 1)? == 1;
                Some(())
            },
        )
    };
}

pub(super) const ASSET_FIELDS: &[Field<HubAsset>] = &[
    small!("decimals", |_| Unit::NUMBER, a => a.decimals, 18),
    Field::new(
        "optimal_usage",
        |_| Unit::BPS,
        |a| u64::from(a.curve.optimal_usage).into(),
        |a, value| {
            a.curve.optimal_usage = value.to_u64().filter(|value| (1..10_000).contains(value))? as u16;
            Some(())
        },
    ),
    small!("base_rate", |_| Unit::BPS, a => a.curve.base_rate, u64::from(u32::MAX)),
    small!("growth_before", |_| Unit::BPS, a => a.curve.growth_before, u64::from(u32::MAX)),
    small!("growth_after", |_| Unit::BPS, a => a.curve.growth_after, u64::from(u32::MAX)),
    small!("liquidity_fee", |_| Unit::BPS, a => a.state.liquidity_fee, 10_000),
    number!("liquidity", raw, a => a.state.liquidity, put_120),
    number!("realized_fees", raw, a => a.state.realized_fees, put_120),
    number!("swept", raw, a => a.state.swept, put_120),
    number!("added_shares", shares, a => a.state.added_shares, put_120),
    number!("drawn_shares", shares, a => a.state.drawn_shares, put_120),
    number!("premium_shares", shares, a => a.state.premium_shares, put_120),
    number!("premium_offset_ray", fine, a => a.state.premium_offset, put_signed),
    number!("deficit_ray", fine, a => a.state.deficit, put_200),
    Field::new(
        "drawn_index",
        |_| Unit::RAY,
        |a| a.state.drawn_index.into(),
        |a, value| {
            a.state.drawn_index =
                value.to_u256().filter(|index| index.bit_len() <= 120 && *index >= RAY.value())?;
            Some(())
        },
    ),
    number!("drawn_rate", |_| Unit::RAY, a => a.state.drawn_rate, put_96),
    number!("last_update", |_| Unit::SECONDS, a => a.state.last_update, put_u64),
    number!("fee_receiver_shares", shares, a => a.state.fee_shares, put_120),
    switch!("fee_receiver_active", a => a.state.fee_receiver_active),
];

/// Where decimals stand in [`ASSET_FIELDS`]: the only number of it that forms depend on.
pub(super) const DECIMALS_FIELD: u16 = 0;
/// What somebody decides of a hub asset: decimals, curve, fee, receiver.
pub(super) const ASSET_RULES: [u16; 7] = [0, 1, 2, 3, 4, 5, 18];

pub(super) const SPOKE_FIELDS: &[Field<Spoke>] = &[
    Field::new(
        "target_health_factor",
        |_| Unit::WAD,
        |s| s.liquidation.target_health.into(),
        |s, value| {
            s.liquidation.target_health =
                value.to_u256().filter(|health| health.bit_len() <= 128 && *health >= WAD.value())?;
            Some(())
        },
    ),
    Field::new(
        "health_factor_for_max_bonus",
        |_| Unit::WAD,
        |s| s.liquidation.health_for_max_bonus.into(),
        |s, value| {
            s.liquidation.health_for_max_bonus = value.to_u256().filter(|health| *health < WAD.value())?;
            Some(())
        },
    ),
    small!("liquidation_bonus_factor", |_| Unit::BPS, s => s.liquidation.bonus_factor, 10_000),
    small!("max_user_reserves", |_| Unit::NUMBER, s => s.max_user_reserves, u64::from(u16::MAX)),
];

/// What a row of a reserve shows: units need its decimals.
#[derive(Clone)]
pub(super) struct ReserveRow {
    pub(super) reserve: Reserve,
    pub(super) decimals: u8,
}

/// Where the flags stand in [`RESERVE_FIELDS`].
pub(super) const FLAGS_FIELD: u16 = 3;
/// Where the newest version stands in [`RESERVE_FIELDS`].
pub(super) const NEWEST_FIELD: u16 = 4;

pub(super) const RESERVE_FIELDS: &[Field<ReserveRow>] = &[
    // Places are what a reserve is: the cells only show them.
    Field::new(
        "spoke",
        |_| Unit::NUMBER,
        |r| (r.reserve.spoke as u64).into(),
        |r, value| (Int::from(r.reserve.spoke as u64) == *value).then_some(()),
    ),
    Field::new(
        "hub_asset",
        |_| Unit::NUMBER,
        |r| (r.reserve.asset as u64).into(),
        |r, value| (Int::from(r.reserve.asset as u64) == *value).then_some(()),
    ),
    small!("collateral_risk", |_| Unit::BPS, r => r.reserve.collateral_risk, u64::from(NO_RISK_ABOVE)),
    small!("flags", |_| Unit::NUMBER, r => r.reserve.flags, 15),
    small!("dynamic_config_key", |_| Unit::NUMBER, r => r.reserve.newest, u64::from(u32::MAX)),
    number!("added_shares", row_shares, r => r.reserve.link.added_shares, put_120),
    number!("drawn_shares", row_shares, r => r.reserve.link.drawn_shares, put_120),
    number!("premium_shares", row_shares, r => r.reserve.link.premium_shares, put_120),
    number!("premium_offset_ray", row_fine, r => r.reserve.link.premium_offset, put_signed),
    number!("deficit_ray", row_fine, r => r.reserve.link.deficit, put_200),
    small!("add_cap", |_| Unit::NUMBER, r => r.reserve.link.add_cap, super::NO_CAP),
    small!("draw_cap", |_| Unit::NUMBER, r => r.reserve.link.draw_cap, super::NO_CAP),
    small!("risk_premium_threshold", |_| Unit::BPS, r => r.reserve.link.risk_premium_threshold,
        u64::from(super::NO_THRESHOLD)),
    switch!("active", r => r.reserve.link.active),
    switch!("halted", r => r.reserve.link.halted),
];

/// What somebody decides of a reserve: places, risk, flags, version, caps and what the hub lets its spoke do.
pub(super) const RESERVE_RULES: [u16; 10] = [0, 1, 2, 3, 4, 10, 11, 12, 13, 14];

/// The highest collateral risk: a thousand percent (`MAX_ALLOWED_COLLATERAL_RISK`).
const NO_RISK_ABOVE: u32 = 100_000;

pub(super) const CONFIGURATION_FIELDS: &[Field<Configuration>] = &[
    small!("collateral_factor", |_| Unit::BPS, c => c.collateral_factor, 9_999),
    small!("max_liquidation_bonus", |_| Unit::BPS, c => c.max_liquidation_bonus, u64::from(u32::MAX)),
    small!("liquidation_fee", |_| Unit::BPS, c => c.liquidation_fee, 10_000),
];

fn raw(asset: &HubAsset) -> Unit {
    Unit::raw(asset.decimals)
}

fn shares(asset: &HubAsset) -> Unit {
    Unit::shares(asset.decimals)
}

fn fine(asset: &HubAsset) -> Unit {
    super::hub::fine(asset.decimals)
}

fn row_shares(row: &ReserveRow) -> Unit {
    Unit::shares(row.decimals)
}

fn row_fine(row: &ReserveRow) -> Unit {
    super::hub::fine(row.decimals)
}

fn put_96(place: &mut U256, value: &Int) -> Option<()> {
    put_unsigned(place, value, 96)
}

fn put_120(place: &mut U256, value: &Int) -> Option<()> {
    put_unsigned(place, value, 120)
}

fn put_200(place: &mut U256, value: &Int) -> Option<()> {
    put_unsigned(place, value, 200)
}

/// `int200`: the lowest value has one bit less than it could.
fn put_signed(place: &mut Int, value: &Int) -> Option<()> {
    if value.magnitude().bit_len() > 199 {
        return None;
    }
    *place = *value;
    Some(())
}
