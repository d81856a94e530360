//! Every number of a market, as cells: the market and its model are object 0, then follow assets, underlyings, expiries, scenarios, days and contracts, each
//! from a number of its own on.

use super::model::{Day, Model, Scenario, Vol};
use super::spec::{Asset, Contract, Expiry, Spec, Terms, Underlying};
use crate::black76::Right;
use crate::fields::{put_flag, put_move, put_place, put_rate, put_small, rate};
use crate::market::MILLIONTHS;
use crate::schedule;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use plimsoll_core::table::{self, Field, put_u64, put_unsigned};
use plimsoll_core::{Cell, Encoded, Int, Refusal, Time, U256, Unit};

const ASSETS: u64 = 1_000;
const UNDERLYINGS: u64 = 2_000;
const EXPIRIES: u64 = 3_000;
const SCENARIOS: u64 = 4_000;
const DAYS: u64 = 5_000;
const CONTRACTS: u64 = 1_000_000;
const SCHEDULES: u64 = 10_000_000;

/// When the market was as it is.
pub(super) const UPDATED: Cell = Cell { object: 0, field: 1 };

fn count(number: usize) -> Int {
    Int::from(number as u64)
}

/// The market without its lists.
const HEAD: &[Field<Spec>] = &[
    Field::new(
        "price_decimals",
        |_| Unit::NUMBER,
        |r| Int::from(u64::from(r.price_decimals)),
        |r, v| put_small(&mut r.price_decimals, v),
    ),
    Field::new("updated", |_| Unit::SECONDS, |r| r.updated.0.into(), |r, v| put_u64(&mut r.updated.0, v)),
    Field::new(
        "settles_in",
        |_| Unit::NUMBER,
        |r| count(r.settles_in),
        |r, v| put_place(&mut r.settles_in, v),
    ),
    rate!("vol_up", r => r.model.vol_up),
    rate!("vol_down", r => r.model.vol_down),
    rate!("vol_power", r => r.model.short_power),
    rate!("vol_power_beyond", r => r.model.long_power),
    rate!("basis", r => r.model.basis),
    rate!("basis_per_year", r => r.model.basis_per_year),
    rate!("short_options", r => r.model.short_options),
    rate!("maintenance", r => r.model.maintenance),
    rate!("liquidation_fee", r => r.fee),
];

const ASSET: &[Field<Asset>] = &[
    Field::new(
        "decimals",
        |_| Unit::NUMBER,
        |r| Int::from(u64::from(r.decimals)),
        |r, v| put_small(&mut r.decimals, v),
    ),
    Field::new(
        "priced",
        |_| Unit::NUMBER,
        |r| Int::from(u64::from(r.priced)),
        |r, v| put_flag(&mut r.priced, v),
    ),
    rate!("haircut", r => r.haircut),
    // One more than its place; 0 for none.
    Field::new(
        "moves_with",
        |_| Unit::NUMBER,
        |r| count(r.underlying.map_or(0, |underlying| underlying + 1)),
        |r, v| {
            let mut place = 0;
            put_place(&mut place, v)?;
            r.underlying = place.checked_sub(1);
            Some(())
        },
    ),
    Field::new(
        "lends",
        |_| Unit::NUMBER,
        |r| Int::from(u64::from(r.lends)),
        |r, v| put_flag(&mut r.lends, v),
    ),
];

const EXPIRY: &[Field<Expiry>] = &[
    Field::new(
        "underlying",
        |_| Unit::NUMBER,
        |r| count(r.underlying),
        |r, v| put_place(&mut r.underlying, v),
    ),
    Field::new("expires", |_| Unit::SECONDS, |r| r.at.0.into(), |r, v| put_u64(&mut r.at.0, v)),
];

fn put_vol(place: &mut Vol, value: &Int) -> Option<()> {
    *place = *Vol::ALL.get(usize::try_from(value.to_u64()?).ok()?)?;
    Some(())
}

const SCENARIO: &[Field<Scenario>] = &[
    Field::new("move", |_| MILLIONTHS, |r| Int::new(r.moves.into()), |r, v| put_move(&mut r.moves, v)),
    Field::new("vol", |_| Unit::NUMBER, |r| Int::from(r.vol as u64), |r, v| put_vol(&mut r.vol, v)),
    rate!("counts", r => r.counts),
];

const DAY: &[Field<Day>] = &[
    Field::new("move", |_| MILLIONTHS, |r| Int::new(r.moves.into()), |r, v| put_move(&mut r.moves, v)),
    Field::new("vol", |_| Unit::NUMBER, |r| Int::from(r.vol as u64), |r, v| put_vol(&mut r.vol, v)),
];

/// A contract in numbers: its kind is 0 of a perp, 1 of a future, 2 of a call and 3 of a put.
#[derive(Clone, Debug)]
struct Row {
    decimals: u8,
    underlying: usize,
    lot: U256,
    kind: u8,
    expiry: usize,
    strike: U256,
    /// Those of prices.
    digits: u8,
}

impl Row {
    fn of(contract: &Contract, digits: u8) -> Row {
        let (kind, strike) = match contract.terms {
            Terms::Perp => (0, U256::ZERO),
            Terms::Future { .. } => (1, U256::ZERO),
            Terms::Option { strike, right: Right::Call, .. } => (2, strike),
            Terms::Option { strike, right: Right::Put, .. } => (3, strike),
        };
        let expiry = contract.terms.expiry().unwrap_or(0);
        let Contract { decimals, underlying, lot, .. } = *contract;
        Row { decimals, underlying, lot, kind, expiry, strike, digits }
    }

    fn contract(&self, name: String) -> Option<Contract> {
        let (expiry, strike) = (self.expiry, self.strike);
        let terms = match self.kind {
            0 => Terms::Perp,
            1 => Terms::Future { expiry },
            2 => Terms::Option { expiry, strike, right: Right::Call },
            3 => Terms::Option { expiry, strike, right: Right::Put },
            _ => return None,
        };
        Some(Contract { name, underlying: self.underlying, decimals: self.decimals, lot: self.lot, terms })
    }
}

const CONTRACT: &[Field<Row>] = &[
    Field::new(
        "decimals",
        |_| Unit::NUMBER,
        |r| Int::from(u64::from(r.decimals)),
        |r, v| put_small(&mut r.decimals, v),
    ),
    Field::new(
        "underlying",
        |_| Unit::NUMBER,
        |r| count(r.underlying),
        |r, v| put_place(&mut r.underlying, v),
    ),
    Field::new("lot", |r| Unit::raw(r.decimals), |r| r.lot.into(), |r, v| put_unsigned(&mut r.lot, v, 126)),
    Field::new("kind", |_| Unit::NUMBER, |r| Int::from(u64::from(r.kind)), |r, v| put_small(&mut r.kind, v)),
    Field::new("expiry", |_| Unit::NUMBER, |r| count(r.expiry), |r, v| put_place(&mut r.expiry, v)),
    Field::new(
        "strike",
        |r| Unit::raw(r.digits),
        |r| r.strike.into(),
        |r, v| put_unsigned(&mut r.strike, v, 80),
    ),
];

pub(super) fn visit(spec: &Spec, see: &mut dyn FnMut(Cell, &'static str, Unit, Int)) {
    table::visit(HEAD, 0, spec, see);
    for (object, asset) in (ASSETS..).zip(&spec.assets) {
        table::visit(ASSET, object, asset, see);
    }
    for (object, expiry) in (EXPIRIES..).zip(&spec.expiries) {
        table::visit(EXPIRY, object, expiry, see);
    }
    for (object, scenario) in (SCENARIOS..).zip(&spec.model.scenarios) {
        table::visit(SCENARIO, object, scenario, see);
    }
    for (object, day) in (DAYS..).zip(&spec.model.days) {
        table::visit(DAY, object, day, see);
    }
    for (object, contract) in (CONTRACTS..).zip(&spec.contracts) {
        table::visit(CONTRACT, object, &Row::of(contract, spec.price_decimals), see);
    }
    schedule::visit(SCHEDULES, &spec.schedules, see);
}

pub(super) fn set(spec: &mut Spec, cell: Cell, value: Option<&Int>) -> Result<(), Refusal> {
    let Cell { object, field } = cell;
    let at = |first: u64| usize::try_from(object - first).map_err(|_| Refusal::NoSuchCell);
    match object {
        0 => table::set(HEAD, spec, field, value),
        ASSETS..UNDERLYINGS => {
            let asset = spec.assets.get_mut(at(ASSETS)?).ok_or(Refusal::NoSuchCell)?;
            table::set(ASSET, asset, field, value)
        }
        EXPIRIES..SCENARIOS => {
            let expiry = spec.expiries.get_mut(at(EXPIRIES)?).ok_or(Refusal::NoSuchCell)?;
            table::set(EXPIRY, expiry, field, value)
        }
        SCENARIOS..DAYS => {
            let scenario = spec.model.scenarios.get_mut(at(SCENARIOS)?).ok_or(Refusal::NoSuchCell)?;
            table::set(SCENARIO, scenario, field, value)
        }
        DAYS..CONTRACTS => {
            let day = spec.model.days.get_mut(at(DAYS)?).ok_or(Refusal::NoSuchCell)?;
            table::set(DAY, day, field, value)
        }
        SCHEDULES.. => schedule::set(SCHEDULES, &mut spec.schedules, cell, value),
        CONTRACTS..SCHEDULES => {
            let digits = spec.price_decimals;
            let contract = spec.contracts.get_mut(at(CONTRACTS)?).ok_or(Refusal::NoSuchCell)?;
            let mut row = Row::of(contract, digits);
            table::set(CONTRACT, &mut row, field, value)?;
            *contract = row.contract(contract.name.clone()).ok_or(Refusal::NoSuchCell)?;
            Ok(())
        }
        _ => Err(Refusal::NoSuchCell),
    }
}

pub(super) fn names(spec: &Spec) -> Vec<(u64, &'static str, String)> {
    let mut names = vec![(0, "currency", spec.currency.clone())];
    names.extend((ASSETS..).zip(&spec.assets).map(|(object, asset)| (object, "asset", asset.name.clone())));
    for (object, underlying) in (UNDERLYINGS..).zip(&spec.underlyings) {
        names.push((object, "underlying", underlying.name.clone()));
        names.push((object, "surface", underlying.surface.clone()));
    }
    for (object, expiry) in (EXPIRIES..).zip(&spec.expiries) {
        let underlying = spec.underlyings.get(expiry.underlying).map_or("?", |known| known.name.as_str());
        names.push((object, "expiry", format!("{underlying} {}", expiry.at)));
    }
    for (object, number) in (SCENARIOS..).zip(1..=spec.model.scenarios.len()) {
        names.push((object, "scenario", format!("scenario {number}")));
    }
    for (object, day) in (DAYS..).zip(&spec.model.days) {
        names.push((object, "day", day.name.clone()));
        names.push((object, "day of", day.underlying.clone()));
    }
    let contracts = (CONTRACTS..).zip(&spec.contracts);
    names.extend(contracts.map(|(object, contract)| (object, "contract", contract.name.clone())));
    let underlying = |place: usize| spec.underlyings.get(place).map(|known| known.name.as_str());
    names.extend(schedule::names(SCHEDULES, &spec.schedules, underlying));
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
    let underlyings = names("underlying").into_iter().zip(names("surface"));
    let model = Model {
        scenarios: Vec::new(),
        vol_up: 0,
        vol_down: 0,
        short_power: 0,
        long_power: 0,
        basis: 0,
        basis_per_year: 0,
        short_options: 0,
        maintenance: 0,
        days: Vec::new(),
    };
    let mut spec = Spec {
        currency: currency.clone(),
        price_decimals: 0,
        updated: Time(0),
        settles_in: 0,
        assets: Vec::new(),
        underlyings: underlyings.map(|(name, surface)| Underlying { name, surface }).collect(),
        expiries: Vec::new(),
        contracts: Vec::new(),
        fee: 0,
        schedules: Vec::new(),
        model,
    };
    let mut rest = table::fill(HEAD, 0, &mut spec, &encoded.cells)?;
    for (object, name) in (ASSETS..).zip(names("asset")) {
        let mut asset =
            Asset { name, decimals: 0, priced: false, haircut: 0, underlying: None, lends: false };
        rest = table::fill(ASSET, object, &mut asset, rest)?;
        spec.assets.push(asset);
    }
    for (object, _) in (EXPIRIES..).zip(names("expiry")) {
        let mut expiry = Expiry { underlying: 0, at: Time(0) };
        rest = table::fill(EXPIRY, object, &mut expiry, rest)?;
        spec.expiries.push(expiry);
    }
    for (object, _) in (SCENARIOS..).zip(names("scenario")) {
        let mut scenario = Scenario { moves: 0, vol: Vol::Same, counts: 0 };
        rest = table::fill(SCENARIO, object, &mut scenario, rest)?;
        spec.model.scenarios.push(scenario);
    }
    for (object, (name, underlying)) in (DAYS..).zip(names("day").into_iter().zip(names("day of"))) {
        let mut day = Day { underlying, name, moves: 0, vol: Vol::Same };
        rest = table::fill(DAY, object, &mut day, rest)?;
        spec.model.days.push(day);
    }
    for (object, name) in (CONTRACTS..).zip(names("contract")) {
        let empty = Contract { name, underlying: 0, decimals: 0, lot: U256::ONE, terms: Terms::Perp };
        let mut row = Row::of(&empty, spec.price_decimals);
        rest = table::fill(CONTRACT, object, &mut row, rest)?;
        spec.contracts.push(row.contract(empty.name).ok_or(Refusal::NoSuchCell)?);
    }
    let scheduled =
        encoded.names.iter().filter(|(_, what, _)| what == "schedule").map(|(object, _, _)| *object);
    (spec.schedules, rest) = schedule::read(SCHEDULES, scheduled, rest)?;
    if !rest.is_empty() {
        return Err(Refusal::NoSuchCell);
    }
    let known = self::names(&spec).into_iter().map(|(object, what, name)| (object, what.into(), name));
    let mut known: Vec<(u64, String, String)> = known.collect();
    known.sort();
    let mut told = encoded.names.clone();
    told.sort();
    if known == told { Ok(spec) } else { Err(Refusal::NoSuchCell) }
}
