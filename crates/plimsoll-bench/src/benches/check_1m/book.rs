//! The book that is checked, as files below the build's folder.

use crate::benches::assess_aave::population::{self, Maker, Place, Population};
use crate::peers::build_folder;
use crate::random::Random;
use crate::registry::Trouble;
use plimsoll_core::{
    Account, AccountId, Book, Decimal, FeedKind, Graph, Int, ListedMarket, Market, Observation, Origin,
    Price, PriceUnit, Scale,
};
use plimsoll_io::book::write;
use plimsoll_io::export::{Form, Table};
use plimsoll_venues::aave_v3::{E_MODE, Revision, debt, receipt};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Another one when the files have to be written anew.
const VERSION: u32 = 2;

/// A book that is there as files.
pub(super) struct Made {
    pub(super) folder: PathBuf,
    pub(super) accounts: u64,
    pub(super) seed: u64,
    /// The market, and a few of the accounts.
    pub(super) population: Population,
}

/// Writes a book of so many accounts, unless it is there.
pub(super) fn make(accounts: u64, seed: u64) -> Result<Made, Trouble> {
    let recorded = population::recorded(Revision::V3_5)?;
    let population = population::four_holdings(&recorded, accounts.min(2000) as usize, seed)?;
    let folder = build_folder().join("bench-books").join(format!("check-{VERSION}-{accounts}-{seed}"));
    if !folder.is_dir() {
        eprintln!("writing {accounts} accounts to {}", folder.display());
        // Under another name until it is whole.
        let part = folder.with_extension("part");
        let _ = std::fs::remove_dir_all(&part); // of a run that was killed
        save(&part, &population.places[0], accounts, seed)?;
        std::fs::rename(&part, &folder).map_err(|error| no_data(&folder, &error))?;
    }
    Ok(Made { folder, accounts, seed, population })
}

fn no_data(path: &Path, why: &dyn std::fmt::Display) -> Trouble {
    Trouble::NoData(format!("{}: {why}", path.display()))
}

fn save(folder: &Path, place: &Place, accounts: u64, seed: u64) -> Result<(), Trouble> {
    let mut book = frame(place)?;
    cover(&mut *book.markets[0].market, place, accounts, seed)
        .ok_or_else(|| no_data(folder, &"totals that do not fit"))?;
    let written = write(&book).map_err(|error| no_data(folder, &error))?;
    written.save(folder).map_err(|error| no_data(folder, &error))?;
    std::fs::remove_file(folder.join("positions.csv")).map_err(|error| no_data(folder, &error))?;
    let file = File::create(folder.join("positions.parquet")).map_err(|error| no_data(folder, &error))?;
    let names = ["account", "market", "kind", "asset", "quantity", "unit", "mode"];
    let mut table = Table::new(Form::Parquet, file, &names).map_err(|error| no_data(folder, &error))?;
    let (mut maker, mut random) = (Maker::new(place, seed), Random::new(!seed));
    for id in 0..accounts {
        let account =
            maker.account(AccountId(id)).ok_or_else(|| no_data(folder, &"a market without a price"))?;
        let name = name(id, accounts, &mut random);
        rows(place, &name, &account, &mut |row| table.row(&row)).map_err(|error| no_data(folder, &error))?;
    }
    table.finish().map_err(|error| no_data(folder, &error))?;
    Ok(())
}

/// Raises the recorded totals to what the accounts hold, of whom there are more than were recorded: a book whose accounts
/// hold more than its market has is faulty. Interest rates are numbers of their own and stay.
fn cover(market: &mut dyn Market, place: &Place, accounts: u64, seed: u64) -> Option<()> {
    let mut sums = vec![Int::ZERO; market.instruments().len()];
    let mut maker = Maker::new(place, seed);
    for id in 0..accounts {
        for holding in maker.account(AccountId(id))?.holdings() {
            let sum = sums.get_mut(holding.instrument.index())?;
            *sum = sum.add(holding.quantity)?;
        }
    }
    let mut totals = Vec::new();
    market.visit(&mut |cell, name, _, value| {
        let id = if name == "scaled_supply" { 1 } else { 2 };
        if ["scaled_supply", "scaled_debt"].contains(&name) {
            totals.push((cell, 3 * cell.object as usize + id, value));
        }
    });
    for (cell, instrument, total) in totals {
        let sum = *sums.get(instrument)?;
        if sum > total {
            market.set(cell, Some(sum)).ok()?;
        }
    }
    Some(())
}

/// The market and its prices, as raw integers.
fn frame(place: &Place) -> Result<Book, Trouble> {
    let mut graph = Graph::default();
    let mut wiring = Vec::new();
    for (slot, (spec, reading)) in place.pool.slots().iter().zip(&place.readings).enumerate() {
        let unit = PriceUnit::parse(&format!("{}/{}", spec.currency, spec.asset));
        let unit = unit.ok_or_else(|| Trouble::NoData(format!("no unit of {}", spec.asset)))?;
        let observation = Observation {
            kind: FeedKind::Oracle,
            price: reading.value.map(|value| Decimal::whole(Int::from(value))),
            scale: Scale::Raw,
            source: "recorded".into(),
            observed_at: Some(place.at),
            max_age: None,
            confidence: None,
            floor: None,
            ceiling: None,
        };
        let price = Price { name: format!("{slot} {}", spec.asset), unit, origin: Origin::Feed(observation) };
        wiring.push(Some(graph.add(price).map_err(|error| Trouble::NoData(error.to_string()))?));
    }
    let market = ListedMarket { name: "pool".into(), market: place.pool.boxed_clone(), wiring };
    Ok(Book { name: "a million".into(), at: place.at, graph, markets: vec![market], accounts: Vec::new() })
}

/// Like an address; names are in order.
fn name(number: u64, of: u64, random: &mut Random) -> String {
    let step = u64::MAX / of.max(1);
    let first = number * step + random.below(step);
    format!("0x{first:016x}{:016x}{:08x}", random.word(), random.word() as u32)
}

fn rows<E>(
    place: &Place,
    name: &str,
    account: &Account,
    put: &mut dyn FnMut([&str; 7]) -> Result<(), E>,
) -> Result<(), E> {
    let mode = account.term(E_MODE);
    let mode = if mode.is_zero() { String::new() } else { format!("emode={mode}") };
    for (id, reserve) in place.pool.reserves().iter().enumerate() {
        for (kind, instrument) in [("collateral", receipt(id)), ("debt", debt(id))] {
            let quantity = account.quantity(instrument);
            if !quantity.is_zero() {
                put([name, "pool", kind, &reserve.symbol, &quantity.to_string(), "scaled", &mode])?;
            }
        }
    }
    Ok(())
}
