//! The book, packed and plain.

use crate::benches::assess_aave::population::{self, Place};
use crate::benches::tables::Rows;
use crate::random::Random;
use crate::registry::Trouble;
use plimsoll_core::{
    Account, AccountId, Compiled, Feeds, Int, Lens, Market, Question, Quoted, RAY, Reading, Rounding, Silent,
    Test, U256,
};
use plimsoll_kernel::{Layout, MarketRows, Packed, Packing, World};
use plimsoll_venues::aave_v3::{Configuration, Revision, USER_CONFIG, debt, receipt};

/// Cents in a unit of the headroom: ten-thousandths of 10^-8 dollars.
const CENTS: f64 = 1e-10;

/// A book that is there in every form.
pub(super) struct Data {
    place: Place,
    pub(super) readings: Vec<Reading>,
    pub(super) accounts: Vec<Account>,
    pub(super) layout: Layout,
    pub(super) packed: Packed,
    pub(super) rows: MarketRows,
    pub(super) csr: Csr,
}

impl Data {
    pub(super) fn new(accounts: usize, seed: u64) -> Result<Data, Trouble> {
        let place = population::recorded(Revision::V3_5)?.places.swap_remove(0);
        let mut crowd = Crowd::new(&place, seed)?;
        let layout = Layout::new([place.pool.nodes().len()]).ok_or_else(|| no_data("too many nodes"))?;
        let rows = MarketRows { market: 0, base: 1, epoch: place.pool.epoch(), quanta: CENTS };
        let question = Question { test: Test::Liquidation, lens: Lens::Action, at: place.at };
        let (mut packing, mut csr, mut all) = (Packing::default(), Csr::default(), Vec::new());
        for id in 0..accounts as u64 {
            let account = crowd.account(AccountId(id)).ok_or_else(|| no_data("an account does not fit"))?;
            let compiled = place.pool.compile(&account, question)?;
            csr.push(&compiled)?;
            packing.push(&compiled, &rows).ok_or_else(|| no_data("too many accounts"))?;
            all.push(account);
        }
        let readings = place.readings.clone();
        let packed = {
            let quoted = place.pool.at(Feeds { readings: &readings }, Lens::Action, place.at)?;
            packing.finish(&World::new(&layout, [quoted.nodes()]))
        };
        Ok(Data { readings, accounts: all, layout, packed, rows, csr, place })
    }

    /// One account of so many, compiled anew.
    pub(super) fn compiled(&self, every: usize) -> Result<Vec<(u32, Compiled)>, Trouble> {
        let question = Question { test: Test::Liquidation, lens: Lens::Action, at: self.place.at };
        let some = (0..).zip(&self.accounts).step_by(every);
        some.map(|(number, account)| Ok((number, self.place.pool.compile(account, question)?))).collect()
    }

    pub(super) fn stand(&self, readings: &[Reading]) -> Result<Box<dyn Quoted + '_>, Trouble> {
        Ok(self.place.pool.at(Feeds { readings }, Lens::Action, self.place.at)?)
    }

    /// Each price times so many thousandths.
    pub(super) fn moved(&self, thousandths: &[u64]) -> Vec<Reading> {
        let moved = |(reading, &by): (&Reading, &u64)| {
            let value = reading
                .value
                .and_then(|value| value.mul_div(U256::from(by), U256::from(1000_u64), Rounding::Up));
            value.map_or(*reading, Reading::certain)
        };
        self.readings.iter().zip(thousandths).map(moved).collect()
    }

    /// One factor for all, and a little of each one's own.
    pub(super) fn scenarios(&self, count: usize, seed: u64) -> Vec<Vec<Reading>> {
        let mut random = Random::new(!seed);
        let one = |random: &mut Random| {
            let common = (random.normal() * 0.12 - 0.05).exp();
            let each = |slot: usize| {
                // Every third is a stable.
                let (own, beta) = if slot % 3 == 2 { (0.001, 0.0) } else { (0.01, 1.0) };
                let factor = common.powf(beta) * (1.0 + own * random.normal());
                (factor * 1000.0).max(1.0) as u64
            };
            (0..self.readings.len()).map(each).collect::<Vec<_>>()
        };
        (0..count).map(|_| one(&mut random)).map(|by| self.moved(&by)).collect()
    }
}

fn no_data(what: &str) -> Trouble {
    Trouble::NoData(what.into())
}

/// Accounts as books have them.
struct Crowd<'p> {
    place: &'p Place,
    random: Random,
    /// What a dollar is in scaled units, as receipt and as debt.
    a_dollar: Vec<[f64; 2]>,
    thresholds: Vec<f64>,
}

impl<'p> Crowd<'p> {
    fn new(place: &'p Place, seed: u64) -> Result<Crowd<'p>, Trouble> {
        let mut a_dollar = Vec::new();
        let mut thresholds = Vec::new();
        for (listed, reading) in place.pool.reserves().iter().zip(&place.readings) {
            let price = reading.value.ok_or_else(|| no_data("a market without a price"))?;
            let (t, at, revision) = (&mut Silent, place.at, place.pool.revision());
            let indices = [listed.state.income_index(t, at)?, listed.state.debt_index(t, revision, at)?];
            let unit = U256::pow10(listed.configuration.decimals()).unwrap_or(U256::ONE);
            let float = |x: U256| x.to_string().parse::<f64>().unwrap_or(f64::NAN);
            let raw = 1e8 * float(unit) / float(price);
            a_dollar.push(indices.map(|index| raw * float(RAY.value()) / float(index)));
            thresholds.push(listed.configuration.get(Configuration::THRESHOLD) as f64 / 1e4);
        }
        Ok(Crowd { place, random: Random::new(seed), a_dollar, thresholds })
    }

    fn account(&mut self, id: AccountId) -> Option<Account> {
        let kind = self.random.unit();
        let dollars = (self.random.normal() * 2.0 + 9.0).exp();
        let (holdings, health) = match kind {
            x if x < 0.1 => (2, 1.02 + 0.28 * self.random.unit()),
            x if x < 0.19 => (2, self.distance()),
            _ => (3 + (self.random.unit() * self.random.unit() * 5.0 + 0.3) as usize, self.distance()),
        };
        let debts = if holdings <= 3 { 1 } else { 1 + (self.random.unit() * holdings as f64 / 2.0) as usize };
        let (mut account, mut config, mut backing) = (Account::new(id), U256::ZERO, 0.0);
        for reserve in self.pick(holdings - debts, true) {
            let value = dollars * (0.1 + self.random.unit());
            backing += value * self.thresholds[reserve];
            account.set(receipt(reserve), self.scaled(reserve, value, 0)?);
            config = config.with_bit(2 * reserve + 1, true);
        }
        for reserve in self.pick(debts, false) {
            let value = backing / health / debts as f64;
            account.set(debt(reserve), self.scaled(reserve, value, 1)?);
            config = config.with_bit(2 * reserve, true);
        }
        account.set_term(USER_CONFIG, Int::from(config));
        Some(account)
    }

    /// Health above one.
    fn distance(&mut self) -> f64 {
        1.0 + (self.random.normal() - 0.5).exp()
    }

    /// So many different reserves, the first ones often.
    fn pick(&mut self, count: usize, collateral: bool) -> Vec<usize> {
        let reserves = self.place.pool.reserves().len();
        let mut picked = Vec::new();
        while picked.len() < count {
            let skewed = self.random.unit().powi(3);
            let reserve = (skewed * reserves as f64) as usize;
            if !picked.contains(&reserve) && (!collateral || self.thresholds[reserve] > 0.0) {
                picked.push(reserve);
            }
        }
        picked
    }

    fn scaled(&self, reserve: usize, dollars: f64, owed: usize) -> Option<Int> {
        let scaled = dollars * self.a_dollar[reserve][owed];
        (scaled < 1e38).then(|| Int::from(U256::new((scaled as u128).max(1))))
    }
}

/// Compressed sparse rows of signed floats, as one writes them first.
#[derive(Default)]
pub(super) struct Csr {
    ends: Vec<u32>,
    nodes: Vec<u32>,
    coefficients: Vec<f64>,
}

impl Csr {
    fn push(&mut self, compiled: &Compiled) -> Result<(), Trouble> {
        let Compiled::Rows(rows) = compiled else { return Err(no_data("an account without a row")) };
        for (part, sign) in [(&rows[0].backing, 1.0), (&rows[0].requirement, -1.0)] {
            for (node, coefficient) in &part.terms {
                self.nodes.push(node.0);
                self.coefficients.push(sign * coefficient.to_string().parse::<f64>().unwrap_or(f64::NAN));
            }
        }
        self.ends.push(self.nodes.len() as u32);
        Ok(())
    }

    pub(super) fn rows(&self) -> Rows<'_> {
        Rows { ends: &self.ends, nodes: &self.nodes, coefficients: &self.coefficients }
    }

    pub(super) fn world(&self, quoted: &dyn Quoted) -> Vec<f64> {
        let float = |node: &Result<plimsoll_core::Node, _>| {
            node.map_or(f64::NAN, |node| node.mantissa.to_string().parse::<f64>().unwrap_or(f64::NAN))
        };
        quoted.nodes().iter().map(float).collect()
    }

    /// How many are below zero.
    pub(super) fn below(&self, world: &[f64]) -> usize {
        let (mut begin, mut count) = (0, 0);
        for &end in &self.ends {
            let entries = begin..end as usize;
            let products = self.nodes[entries.clone()].iter().zip(&self.coefficients[entries]);
            let row: f64 = products.map(|(&node, &coefficient)| coefficient * world[node as usize]).sum();
            count += usize::from(row < 0.0);
            begin = end as usize;
        }
        count
    }
}
