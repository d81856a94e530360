//! The accounts that are assessed, and the markets they stand in.

use crate::random::Random;
use crate::registry::Trouble;
use plimsoll_core::{Account, AccountId, Divisor, Int, RAY, Reading, Rounding, Silent, Time, U256};
use plimsoll_io::vectors::recorded_markets;
use plimsoll_venues::aave_v3::{Configuration, E_MODE, Pool, Revision, USER_CONFIG, debt, receipt};
use std::path::{Path, PathBuf};

/// Accounts of one release, market by market.
pub(crate) struct Population {
    pub(crate) name: String,
    pub(crate) revision: Revision,
    pub(crate) places: Vec<Place>,
}

/// A market and accounts in it.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) pool: Pool,
    pub(crate) readings: Vec<Reading>,
    pub(crate) at: Time,
    pub(crate) accounts: Vec<Account>,
    /// The contract's health factors where they were recorded, in the order of the accounts (wad).
    pub(crate) recorded: Vec<U256>,
}

impl Population {
    pub(crate) fn size(&self) -> usize {
        self.places.iter().map(|place| place.accounts.len()).sum()
    }

    /// At most so many of the accounts, spread evenly over all; recorded ones are few and stay whole.
    pub(crate) fn sample(&self, most: usize) -> Population {
        let step = self.size().div_ceil(most.max(1)).max(1);
        let thin = |place: &Place| Place {
            accounts: place.accounts.iter().step_by(step).cloned().collect(),
            ..place.clone()
        };
        let seeded = self.places.iter().all(|place| place.recorded.is_empty());
        let places = if seeded { self.places.iter().map(thin).collect() } else { self.places.clone() };
        Population { name: self.name.clone(), revision: self.revision, places }
    }
}

/// Every recorded account of a release.
pub(crate) fn recorded(revision: Revision) -> Result<Population, Trouble> {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../vectors"));
    let listed = std::fs::read_dir(folder).map_err(|error| no_data(folder, &error))?;
    let mut files: Vec<PathBuf> = listed.flatten().map(|entry| entry.path()).collect();
    files.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.starts_with("aave_v3") && name.contains("_accounts.json")
    });
    files.sort();
    let mut places = Vec::new();
    for path in files {
        let bytes = std::fs::read(&path).map_err(|error| no_data(&path, &error))?;
        let markets = recorded_markets(&bytes).map_err(|fault| no_data(&path, &fault))?;
        for market in markets.into_iter().filter(|market| market.pool.revision() == revision) {
            let (accounts, recorded) = market.accounts.into_iter().unzip();
            let (pool, readings, at) = (market.pool, market.readings, market.at);
            places.push(Place { pool, readings, at, accounts, recorded });
        }
    }
    if places.is_empty() {
        return Err(Trouble::NoData(format!("no recorded accounts of Aave {} in vectors/", revision.name())));
    }
    Ok(Population { name: format!("recorded accounts, {}", revision.name()), revision, places })
}

fn no_data(path: &Path, why: &dyn std::fmt::Display) -> Trouble {
    Trouble::NoData(format!("{}: {why}", path.display()))
}

/// Seeded accounts of exactly four holdings in the first recorded market.
pub(crate) fn four_holdings(recorded: &Population, size: usize, seed: u64) -> Result<Population, Trouble> {
    let market = &recorded.places[0];
    let mut maker = Maker::new(market, seed);
    let accounts: Option<Vec<Account>> = (0..size as u64).map(|id| maker.account(AccountId(id))).collect();
    let accounts = accounts.ok_or_else(|| Trouble::NoData("a market without a price".into()))?;
    Ok(Population {
        name: format!("four holdings, {}", recorded.revision.name()),
        revision: recorded.revision,
        places: vec![Place { accounts, recorded: Vec::new(), ..market.clone() }],
    })
}

/// Makes seeded accounts, one after another.
pub(crate) struct Maker<'p> {
    market: &'p Place,
    random: Random,
}

/// One whole dollar in base units.
const DOLLAR: u128 = 100_000_000;

impl<'p> Maker<'p> {
    pub(crate) fn new(market: &'p Place, seed: u64) -> Maker<'p> {
        Maker { market, random: Random::new(seed) }
    }

    /// Collateral of 100 to 10 million dollars a holding, spread evenly over the powers of ten, and debts that make
    /// the health about 0.95 to 2.5.
    pub(crate) fn account(&mut self, id: AccountId) -> Option<Account> {
        let reserves = self.market.pool.reserves().len();
        let modes = self.market.pool.modes();
        let mode = if self.random.below(10) == 0 && !modes.is_empty() {
            modes[self.random.below(modes.len() as u64) as usize].id
        } else {
            0
        };
        let collaterals = 1 + self.random.below(3) as usize;
        let mut config = U256::ZERO;
        let mut account = Account::new(id);
        let mut backing: u128 = 0;
        for reserve in self.pick(collaterals, |configuration| configuration.get(Configuration::THRESHOLD) > 0)
        {
            let power = self.random.below(5) as u32;
            let value = u128::from(100 + self.random.below(900)) * 10_u128.pow(power) * DOLLAR;
            let threshold = self.market.pool.reserves()[reserve].configuration.get(Configuration::THRESHOLD);
            backing += value / 10_000 * u128::from(threshold);
            account.set(receipt(reserve), self.scaled(reserve, value, false)?);
            config = config.with_bit(2 * reserve + 1, true);
        }
        let debts = 4 - collaterals;
        let health_milli = u128::from(950 + self.random.below(1550));
        let each = (backing * 1000 / health_milli / debts as u128).max(DOLLAR);
        for reserve in self.pick(debts, |_| true) {
            account.set(debt(reserve), self.scaled(reserve, each, true)?);
            config = config.with_bit(2 * reserve, true);
        }
        debug_assert!(reserves >= 4 && account.holdings().len() == 4);
        account.set_term(E_MODE, Int::new(i128::from(mode)));
        account.set_term(USER_CONFIG, Int::from(config));
        Some(account)
    }

    /// So many different reserves.
    fn pick(&mut self, count: usize, fits: fn(Configuration) -> bool) -> Vec<usize> {
        let mut picked: Vec<usize> = Vec::new();
        while picked.len() < count {
            let reserve = self.random.below(self.market.pool.reserves().len() as u64) as usize;
            if !picked.contains(&reserve) && fits(self.market.pool.reserves()[reserve].configuration) {
                picked.push(reserve);
            }
        }
        picked
    }

    /// About this value of a reserve in scaled units, with digits down to the last; never zero.
    fn scaled(&mut self, reserve: usize, value: u128, owed: bool) -> Option<Int> {
        let price = self.market.readings[reserve].value?;
        let listed = &self.market.pool.reserves()[reserve];
        let (t, at, revision) = (&mut Silent, self.market.at, self.market.pool.revision());
        let index =
            if owed { listed.state.debt_index(t, revision, at) } else { listed.state.income_index(t, at) };
        let unit = U256::pow10(listed.configuration.decimals())?;
        let raw = U256::new(value).mul_div(unit, Divisor::from(price), Rounding::Up)?;
        let scaled = raw.mul_div(RAY.value(), Divisor::from(index.ok()?), Rounding::Up)?;
        let digits = U256::from(self.random.below(1000));
        Some(Int::from(scaled.add(digits)?))
    }
}
