//! Every number of a market, as cells: the market itself is object 0, assets follow from [`ASSETS`] on, perps from [`PERPS`] on, and the tiers of a
//! perp from [`TIERS`] on, those of the initial line first.

use super::{Asked, Asset, INITIAL, MAINTENANCE, MILLIONTHS, MOST, Perp, Spec, Tier, Weights};
use crate::fields::{put_flag, put_place, put_rate, put_small, rate};
use crate::schedule;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use plimsoll_core::table::{self, Field, put_u64, put_unsigned};
use plimsoll_core::{Cell, Encoded, Int, Refusal, Time, U256, Unit};

const ASSETS: u64 = 1_000;
const PERPS: u64 = 2_000;
const SCHEDULES: u64 = 10_000_000;
const TIERS: u64 = 1 << 32;

/// When the market was as it is.
pub(super) const UPDATED: Cell = Cell { object: 0, field: 1 };

/// What the market itself keeps.
#[derive(Clone, Copy, Debug, Default)]
struct Head {
    price_decimals: u8,
    updated: u64,
}

fn number(_: &Head) -> Unit {
    Unit::NUMBER
}

const HEAD: &[Field<Head>] = &[
    Field::new(
        "price_decimals",
        number,
        |r| Int::from(u64::from(r.price_decimals)),
        |r, v| put_small(&mut r.price_decimals, v),
    ),
    Field::new("updated", |_| Unit::SECONDS, |r| r.updated.into(), |r, v| put_u64(&mut r.updated, v)),
];

/// An asset, with the decimals of prices.
type AssetRow = (Asset, u8);

const ASSET: &[Field<AssetRow>] = &[
    Field::new(
        "decimals",
        |_| Unit::NUMBER,
        |r| Int::from(u64::from(r.0.decimals)),
        |r, v| put_small(&mut r.0.decimals, v),
    ),
    Field::new(
        "priced",
        |_| Unit::NUMBER,
        |r| Int::from(u64::from(r.0.priced)),
        |r, v| put_flag(&mut r.0.priced, v),
    ),
    rate!("initial_asset_weight", r => r.0.weights[INITIAL].asset),
    rate!("asset_weight", r => r.0.weights[MAINTENANCE].asset),
    rate!("initial_liability_weight", r => r.0.weights[INITIAL].liability),
    rate!("liability_weight", r => r.0.weights[MAINTENANCE].liability),
    Field::new(
        "collateral_cap",
        |r| Unit::raw(r.1),
        |r| r.0.cap.into(),
        |r, v| put_unsigned(&mut r.0.cap, v, 128),
    ),
    Field::new(
        "lends",
        |_| Unit::NUMBER,
        |r| Int::from(u64::from(r.0.lends)),
        |r, v| put_flag(&mut r.0.lends, v),
    ),
    rate!("liquidation_bonus", r => r.0.bonus),
];

const PERP: &[Field<Perp>] = &[
    Field::new(
        "decimals",
        |_| Unit::NUMBER,
        |r| Int::from(u64::from(r.decimals)),
        |r, v| put_small(&mut r.decimals, v),
    ),
    Field::new(
        "settles_in",
        |_| Unit::NUMBER,
        |r| Int::from(r.settles_in as u64),
        |r, v| put_place(&mut r.settles_in, v),
    ),
    Field::new("lot", |r| Unit::raw(r.decimals), |r| r.lot.into(), |r, v| put_unsigned(&mut r.lot, v, 127)),
    rate!("liquidation_fee", r => r.fee),
    rate!("initial_profit_weight", r => r.asked[INITIAL].profit),
    rate!("profit_weight", r => r.asked[MAINTENANCE].profit),
    Field::new(
        "initial_tiers",
        |_| Unit::NUMBER,
        |r| Int::from(r.asked[INITIAL].tiers.len() as u64),
        |r, v| put_count(&mut r.asked[INITIAL], v),
    ),
    Field::new(
        "tiers",
        |_| Unit::NUMBER,
        |r| Int::from(r.asked[MAINTENANCE].tiers.len() as u64),
        |r, v| put_count(&mut r.asked[MAINTENANCE], v),
    ),
];

/// How many tiers a line has: they are cells of their own, so a market's number of them stays.
fn put_count(asked: &mut Asked, value: &Int) -> Option<()> {
    let count = usize::try_from(value.to_u64()?).ok().filter(|count| *count <= MOST)?;
    if asked.tiers.is_empty() {
        asked.tiers = vec![Tier { from: U256::ZERO, rate: 0 }; count];
    }
    (asked.tiers.len() == count).then_some(())
}

/// A tier, with the decimals of what it counts.
type TierRow = (Tier, u8);

const TIER: &[Field<TierRow>] = &[
    Field::new("from", |r| Unit::raw(r.1), |r| r.0.from.into(), |r, v| put_unsigned(&mut r.0.from, v, 128)),
    rate!("rate", r => r.0.rate),
];

fn head(spec: &Spec) -> Head {
    Head { price_decimals: spec.price_decimals, updated: spec.updated.0 }
}

/// The object of a tier.
fn tier(perp: usize, line: usize, place: usize) -> u64 {
    TIERS * (perp as u64 + 1) + (line * MOST + place) as u64
}

/// Which tier an object is.
fn tier_of(object: u64) -> Option<(usize, usize, usize)> {
    let perp = usize::try_from((object / TIERS).checked_sub(1)?).ok()?;
    let rest = usize::try_from(object % TIERS).ok()?;
    (rest / MOST <= MAINTENANCE).then_some((perp, rest / MOST, rest % MOST))
}

/// Decimals of what a perp settles in.
fn settled(spec: &Spec, perp: &Perp) -> u8 {
    spec.assets.get(perp.settles_in).map_or(0, |asset| asset.decimals)
}

pub(super) fn visit(spec: &Spec, see: &mut dyn FnMut(Cell, &'static str, Unit, Int)) {
    table::visit(HEAD, 0, &head(spec), see);
    for (object, asset) in (ASSETS..).zip(&spec.assets) {
        table::visit(ASSET, object, &(asset.clone(), spec.price_decimals), see);
    }
    for (object, perp) in (PERPS..).zip(&spec.perps) {
        table::visit(PERP, object, perp, see);
    }
    schedule::visit(SCHEDULES, &spec.schedules, see);
    for (place, perp) in spec.perps.iter().enumerate() {
        let decimals = settled(spec, perp);
        for line in [INITIAL, MAINTENANCE] {
            for (number, row) in perp.asked[line].tiers.iter().enumerate() {
                table::visit(TIER, tier(place, line, number), &(*row, decimals), see);
            }
        }
    }
}

pub(super) fn set(spec: &mut Spec, cell: Cell, value: Option<&Int>) -> Result<(), Refusal> {
    let Cell { object, field } = cell;
    if object == 0 {
        let mut row = head(spec);
        table::set(HEAD, &mut row, field, value)?;
        (spec.price_decimals, spec.updated) = (row.price_decimals, Time(row.updated));
        return Ok(());
    }
    if let Some((perp, line, number)) = tier_of(object) {
        let decimals = spec.perps.get(perp).map_or(0, |perp| settled(spec, perp));
        let perp = spec.perps.get_mut(perp).ok_or(Refusal::NoSuchCell)?;
        let place = perp.asked[line].tiers.get_mut(number).ok_or(Refusal::NoSuchCell)?;
        let mut row = (*place, decimals);
        table::set(TIER, &mut row, field, value)?;
        *place = row.0;
        return Ok(());
    }
    if object >= SCHEDULES {
        return schedule::set(SCHEDULES, &mut spec.schedules, cell, value);
    }
    let at = |first: u64| object.checked_sub(first).and_then(|at| usize::try_from(at).ok());
    if let Some(perp) = at(PERPS) {
        let perp = spec.perps.get_mut(perp).ok_or(Refusal::NoSuchCell)?;
        return table::set(PERP, perp, field, value);
    }
    let asset = at(ASSETS).and_then(|at| spec.assets.get_mut(at)).ok_or(Refusal::NoSuchCell)?;
    let mut row = (asset.clone(), spec.price_decimals);
    table::set(ASSET, &mut row, field, value)?;
    *asset = row.0;
    Ok(())
}

/// What a value must obey beside the numbers about it.
pub(super) fn rule(cell: Cell) -> Option<&'static str> {
    match cell.object {
        0 if cell.field == 0 => Some("at most 12 decimals"),
        0 => None,
        ASSETS..PERPS => match cell.field {
            2 | 3 => Some("initial_asset_weight <= asset_weight <= 1000000"),
            4 | 5 => Some("initial_liability_weight >= liability_weight >= 1000000"),
            6 => Some("no cap (0) on an asset in which a perp settles"),
            _ => None,
        },
        SCHEDULES..TIERS => Some("rows later and later, each a rate above 0 and below 1000000"),
        PERPS..SCHEDULES => match cell.field {
            4 | 5 => Some("initial_profit_weight <= profit_weight <= 1000000"),
            6 | 7 => Some("the number of tiers that there are"),
            _ => None,
        },
        _ => Some("tiers that rise from nothing on, with rates that rise, the first above 0"),
    }
}

pub(super) fn names(spec: &Spec) -> Vec<(u64, &'static str, String)> {
    let mut names = vec![(0, "currency", spec.currency.clone())];
    names.extend((ASSETS..).zip(&spec.assets).map(|(object, asset)| (object, "asset", asset.name.clone())));
    names.extend((PERPS..).zip(&spec.perps).map(|(object, perp)| (object, "perp", perp.name.clone())));
    let perp = |place: usize| spec.perps.get(place).map(|perp| perp.name.as_str());
    names.extend(schedule::names(SCHEDULES, &spec.schedules, perp));
    for (place, perp) in spec.perps.iter().enumerate() {
        for (line, word) in [(INITIAL, "initial"), (MAINTENANCE, "maintenance")] {
            for number in 0..perp.asked[line].tiers.len() {
                let name = format!("{} {word} tier {}", perp.name, number + 1);
                names.push((tier(place, line, number), "tier", name));
            }
        }
    }
    names
}

/// The spec that [`visit`] and [`names`] showed.
pub(super) fn read(encoded: &Encoded) -> Result<Spec, Refusal> {
    let names = |what: &str| {
        let of = encoded.names.iter().filter(move |(_, known, _)| known == what);
        of.map(|(_, _, name)| name.clone()).collect::<Vec<_>>()
    };
    let currency = names("currency");
    let [currency] = currency.as_slice() else { return Err(Refusal::NoSuchCell) };
    let mut row = Head::default();
    let mut rest = table::fill(HEAD, 0, &mut row, &encoded.cells)?;
    let (price_decimals, updated) = (row.price_decimals, Time(row.updated));
    let (mut assets, mut perps) = (Vec::new(), Vec::new());
    for (object, name) in (ASSETS..).zip(names("asset")) {
        let weights = [Weights { asset: 0, liability: 0 }; 2];
        let asset =
            Asset { name, decimals: 0, priced: false, weights, cap: U256::ZERO, lends: false, bonus: 0 };
        let mut row = (asset, price_decimals);
        rest = table::fill(ASSET, object, &mut row, rest)?;
        assets.push(row.0);
    }
    for (object, name) in (PERPS..).zip(names("perp")) {
        let asked = || Asked { profit: 0, tiers: Vec::new() };
        let mut perp =
            Perp { name, decimals: 0, settles_in: 0, lot: U256::ONE, fee: 0, asked: [asked(), asked()] };
        rest = table::fill(PERP, object, &mut perp, rest)?;
        perps.push(perp);
    }
    let scheduled =
        encoded.names.iter().filter(|(_, what, _)| what == "schedule").map(|(object, _, _)| *object);
    let schedules;
    (schedules, rest) = schedule::read(SCHEDULES, scheduled, rest)?;
    for (place, perp) in perps.iter_mut().enumerate() {
        for line in [INITIAL, MAINTENANCE] {
            for (number, tier) in perp.asked[line].tiers.iter_mut().enumerate() {
                let mut row = (*tier, 0);
                rest = table::fill(TIER, self::tier(place, line, number), &mut row, rest)?;
                *tier = row.0;
            }
        }
    }
    if !rest.is_empty() {
        return Err(Refusal::NoSuchCell);
    }
    let spec = Spec { currency: currency.clone(), price_decimals, updated, assets, perps, schedules };
    let mut known = names_of(&spec);
    known.sort();
    let mut told = encoded.names.clone();
    told.sort();
    if known == told { Ok(spec) } else { Err(Refusal::NoSuchCell) }
}

fn names_of(spec: &Spec) -> Vec<(u64, String, String)> {
    names(spec).into_iter().map(|(object, what, name)| (object, what.into(), name)).collect()
}
