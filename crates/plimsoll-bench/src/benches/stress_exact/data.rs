//! The demo book in memory, its worlds, and the rows that a plain sum takes.

use crate::peers::build_folder;
use crate::random::Random;
use crate::registry::Trouble;
use plimsoll::Counts;
use plimsoll_core::{
    Book, Compiled, Int, Lens, Linear, Market, Observation, Origin, Question, Reading, Scenario, Standing,
    Test,
};
use plimsoll_io::book::{demo, open};
use plimsoll_io::scenario::{library, read};
use std::path::{Path, PathBuf};

/// Another one when the files have to be written anew.
const VERSION: u32 = 1;

/// A book, and its markets as scenarios find them.
pub(super) struct Data {
    pub(super) book: Book,
    markets: Vec<Box<dyn Market>>,
}

/// What each market reads of each of its prices.
pub(super) type World = Vec<Vec<Reading>>;

fn no_data(what: impl Into<String>) -> Trouble {
    Trouble::NoData(what.into())
}

/// The folder of the demo book of so many accounts; it is written where it is not there.
pub(in crate::benches) fn written(accounts: u64, seed: u64) -> Result<PathBuf, Trouble> {
    let folder = build_folder().join("bench-books").join(format!("demo-{VERSION}-{accounts}-{seed}"));
    if !folder.is_dir() {
        eprintln!("writing {accounts} accounts to {}", folder.display());
        // Under another name until it is whole.
        let part = folder.with_extension("part");
        let _ = std::fs::remove_dir_all(&part); // of a run that was killed
        demo(accounts, seed, &part).map_err(|error| no_data(format!("{}: {error}", part.display())))?;
        std::fs::rename(&part, &folder).map_err(|error| no_data(format!("{}: {error}", folder.display())))?;
    }
    Ok(folder)
}

impl Data {
    /// Reads the book.
    pub(super) fn read(folder: &Path) -> Result<Data, Trouble> {
        let opened = open(folder);
        if !opened.faults.is_empty() {
            return Err(no_data(format!("{}: {}", folder.display(), opened.faults.render(false))));
        }
        let book = opened.book;
        let now = |listed: &plimsoll_core::ListedMarket| {
            listed.market.undelayed().unwrap_or_else(|| listed.market.boxed_clone())
        };
        let markets = book.markets.iter().map(now).collect();
        Ok(Data { book, markets })
    }

    /// As it stands.
    pub(super) fn today(&self) -> World {
        self.readings(&self.book.graph)
    }

    fn readings(&self, graph: &plimsoll_core::Graph) -> World {
        let quotes = graph.quotes(self.book.at);
        self.book.markets.iter().map(|market| self.book.readings(market, &quotes)).collect()
    }

    /// Made-up worlds: a common factor for ether and bitcoin, a little of each one's own, staked ether at a discount.
    pub(super) fn worlds(&self, count: usize, seed: u64) -> Result<Vec<World>, Trouble> {
        let mut random = Random::new(!seed);
        (0..count).map(|_| self.world(&mut random)).collect()
    }

    fn world(&self, random: &mut Random) -> Result<World, Trouble> {
        let mut graph = self.book.graph.clone();
        let common = (random.normal() * 0.25 - 0.15).exp();
        for (name, beta, own) in [
            ("WETH/USD", 1.0, 0.05),
            ("WBTC/USD", 0.8, 0.05),
            ("stETH/WETH", 0.0, 0.02),
            ("USDC/USD", 0.0, 0.002),
            ("USDT/USD", 0.0, 0.002),
        ] {
            let noise = random.normal() * own;
            let noise = if name == "stETH/WETH" { -noise.abs() } else { noise };
            let thousandths = (common.powf(beta) * noise.exp() * 1000.0).max(1.0) as i128;
            moved(&mut graph, name, thousandths).ok_or_else(|| no_data(format!("no price {name}")))?;
        }
        Ok(self.readings(&graph))
    }

    pub(super) fn stand<'d>(&'d self, world: &World) -> Result<Vec<Standing<'d>>, Trouble> {
        let both = self.markets.iter().zip(world);
        both.map(|(market, readings)| Ok(Standing::new(&**market, readings, Lens::Action, self.book.at)?))
            .collect()
    }

    /// Everybody in the venues' integers.
    pub(super) fn everybody(&self, standings: &[Standing<'_>]) -> Counts {
        let mut counts = Counts::default();
        for listed in &self.book.accounts {
            counts.count(standings[listed.market].judge(&listed.account, Test::Liquidation).verdict());
        }
        counts
    }
}

/// A scenario that ships.
pub(super) fn crash(name: &str) -> Result<Scenario, Trouble> {
    let shipped = library().iter().find(|shipped| shipped.name == name);
    let shipped = shipped.ok_or_else(|| no_data(format!("no scenario {name}")))?;
    read(shipped.name, shipped.text, &[]).scenario.ok_or_else(|| no_data(format!("the scenario {name}")))
}

/// A feed's price times so many thousandths.
fn moved(graph: &mut plimsoll_core::Graph, name: &str, thousandths: i128) -> Option<()> {
    let id = graph.find(name)?;
    let Origin::Feed(observation) = &graph.price(id)?.origin else { return None };
    let mut price = observation.price?;
    price.mantissa = price.mantissa.mul(Int::new(thousandths))?;
    price.decimals += 3;
    let price = Some(price.cut(18));
    let observation = Observation { price, ..observation.clone() };
    graph.observe(id, observation)
}

/// Compressed sparse rows of signed floats: every row of every account, one after another.
#[derive(Default)]
pub(super) struct Csr {
    /// Where the rows of each account end.
    accounts: Vec<u32>,
    /// Where the entries of each row end.
    ends: Vec<u32>,
    nodes: Vec<u32>,
    coefficients: Vec<f64>,
}

fn float(number: &Int) -> f64 {
    number.to_string().parse().unwrap_or(f64::NAN)
}

impl Csr {
    pub(super) fn of(data: &Data) -> Result<Csr, Trouble> {
        // The first node is one.
        let mut first = vec![1];
        for market in &data.markets {
            first.push(first.last().copied().unwrap_or(1) + market.nodes().len() as u32);
        }
        let question = Question { test: Test::Liquidation, lens: Lens::Action, at: data.book.at };
        let mut csr = Csr::default();
        for listed in &data.book.accounts {
            let compiled = data.markets[listed.market].compile(&listed.account, question)?;
            match &compiled {
                Compiled::Rows(forms) => {
                    for form in forms {
                        if !form.hinges.is_empty() {
                            return Err(no_data("a row with hinges"));
                        }
                        csr.part(&form.backing, 1.0, first[listed.market]);
                        csr.part(&form.requirement, -1.0, first[listed.market]);
                        csr.ends.push(csr.nodes.len() as u32);
                    }
                }
                Compiled::NoDebt => {}
                Compiled::Opaque => return Err(no_data("an account without a row")),
            }
            csr.accounts.push(csr.ends.len() as u32);
        }
        Ok(csr)
    }

    fn part(&mut self, part: &Linear, sign: f64, first: u32) {
        let mut entry = |node: u32, coefficient: &Int| {
            self.nodes.push(node);
            self.coefficients.push(sign * float(coefficient));
        };
        if !part.constant.is_zero() {
            entry(0, &part.constant);
        }
        for (node, coefficient) in &part.terms {
            entry(first + node.0, coefficient);
        }
    }

    pub(super) fn world(&self, standings: &[Standing<'_>]) -> Vec<f64> {
        let values = standings.iter().flat_map(|standing| standing.quoted().nodes());
        let value =
            |node: &Result<plimsoll_core::Node, _>| node.map_or(f64::NAN, |node| float(&node.mantissa));
        std::iter::once(1.0).chain(values.map(value)).collect()
    }

    /// How many accounts have a row below zero.
    pub(super) fn below(&self, world: &[f64]) -> u64 {
        let (mut row, mut begin, mut count) = (0, 0, 0);
        for &account in &self.accounts {
            let mut least = 0.0_f64;
            while row < account as usize {
                let entries = begin..self.ends[row] as usize;
                let products = self.nodes[entries.clone()].iter().zip(&self.coefficients[entries.clone()]);
                let sum: f64 = products.map(|(&node, &coefficient)| coefficient * world[node as usize]).sum();
                least = least.min(sum);
                (row, begin) = (row + 1, entries.end);
            }
            count += u64::from(least < 0.0);
        }
        count
    }
}
