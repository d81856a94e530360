//! A scenario as a path: prices go in equal steps on a straight line from today's to the shock's, and what is liquidated at one
//! step stays so at the next. The clock stands still.

use super::play::play;
use super::sums::{Counts, Impact, Risk, Sales};
use super::{Found, Stress, failure, readings, risks, sell, standings};
use crate::ask::Misasked;
use crate::shock::{Said, Shocked, sale_readings, shocked};
use crate::world::World;
use plimsoll_core::{Book, Feeds, Int, Reading, Scenario, Test, Verdict};

/// A path of a scenario.
#[derive(Clone)]
pub struct Walk {
    /// Where it ends.
    pub shocked: Shocked,
    /// Each step where liquidators act at once, at the venue's prices.
    pub at_once: Vec<Stride>,
    /// Each step where they sell what they seize; none where no depth was given.
    pub sold: Vec<Stride>,
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stride {
    /// All accounts as its prices find them.
    pub found: Counts,
    /// The same accounts when its liquidations are done.
    pub left: Counts,
    /// Each market. Collateral, debt and what is seizable are of the step's liquidatable; bad debt and sales are of all steps up to
    /// this one.
    pub markets: Vec<Impact>,
    /// Sums by currency, likewise.
    pub risks: Vec<Risk>,
}

/// What is carried from step to step.
struct Carried {
    world: World,
    /// Accounts that are no longer what was packed.
    changed: Vec<bool>,
    /// What was lost for good, by market.
    lost: Vec<Int>,
    /// What was sold, by market, with the decimals of its sums.
    sales: Vec<(Sales, u8)>,
}

impl Stress<'_> {
    /// Does a scenario in so many equal steps.
    ///
    /// # Errors
    /// As [`Stress::jump`].
    pub fn walk(&self, scenario: &Scenario, said: &Said, steps: u32) -> Result<Walk, Misasked> {
        let shocked = shocked(self.book, scenario, said)?;
        let as_packed = || vec![false; self.book.accounts.len()];
        let along = |into_depth| self.along(scenario, &shocked, steps, into_depth, as_packed());
        // The two know nothing of each other.
        let (at_once, sold) = std::thread::scope(|scope| {
            let sold = self.depth.is_some().then(|| scope.spawn(|| along(true)));
            let at_once = along(false);
            // A panic is a mistake of ours, and stays one.
            let joined = sold.map(|sold| sold.join().unwrap_or_else(|why| std::panic::resume_unwind(why)));
            (at_once, joined.unwrap_or_else(|| Ok(Vec::new())))
        });
        let (at_once, sold) = (at_once?, sold?);
        Ok(Walk { shocked, at_once, sold })
    }

    /// The steps of a path; accounts of which it is said that they changed are judged at every one.
    fn along(
        &self,
        scenario: &Scenario,
        shocked: &Shocked,
        steps: u32,
        into_depth: bool,
        changed: Vec<bool>,
    ) -> Result<Vec<Stride>, Misasked> {
        let book = &shocked.book;
        let failed = failure::failed(book, scenario)?;
        let mut pools = self.pools(scenario).filter(|_| into_depth);
        let mut carried = Carried {
            world: World { book: book.clone() },
            changed,
            lost: vec![Int::ZERO; book.markets.len()],
            sales: vec![(Sales::default(), 0); book.markets.len()],
        };
        let mut strides = Vec::new();
        for step in 1..=steps {
            let way = || Misasked::NoPrice {
                price: scenario.name.clone(),
                found: format!("step {step} of {steps}"),
                expected: "prices whose digits 256 bits hold".into(),
            };
            let [oracles, sales] = shocked.on_the_way(self.book, step, steps).ok_or_else(way)?;
            carried.world.book.graph = oracles;
            let readings = readings(&carried.world.book);
            let Found { mut impacts, verdicts, below, .. } =
                self.find(&carried.world.book, &readings, &carried.changed)?;
            carried.give(&mut impacts);
            let places: Vec<usize> = below.iter().map(|below| below.account).collect();
            let forced = carried.note(&places, &readings);
            let Carried { world, lost, .. } = &mut carried;
            match &mut pools {
                None => play(world, &readings, &places, &failed, &mut impacts, lost),
                Some(pools) => {
                    let market = sale_readings(&world.book, &sales, &shocked.same);
                    let par = sell::at_par(&world.book, &sales, &shocked.same);
                    let prices = sell::Prices { venue: &readings, market: &market, par: &par };
                    sell::sell(world, &prices, &places, &failed, pools, &mut impacts, lost);
                    // Whoever cannot be told of has sold nothing back.
                    let _ = pools.recover();
                }
            }
            carried.take(&impacts);
            let left = left(&carried.world.book, &readings, verdicts, &places, &forced)?;
            let mut found = Counts::default();
            impacts.iter().for_each(|impact| found += impact.after);
            let risks = risks(&impacts);
            strides.push(Stride { found, left, markets: impacts, risks });
        }
        Ok(strides)
    }
}

impl Carried {
    /// Puts what came before where this step adds to it.
    fn give(&self, impacts: &mut [Impact]) {
        for ((impact, lost), (sales, decimals)) in impacts.iter_mut().zip(&self.lost).zip(&self.sales) {
            let risk = &mut impact.risk;
            risk.decimals = risk.decimals.max(*decimals);
            risk.bad_debt = *lost;
            risk.sales = Sales { bad_debt: *lost, left: Default::default(), ..sales.clone() };
        }
    }

    /// Takes along what this step adds.
    fn take(&mut self, impacts: &[Impact]) {
        self.sales = impacts.iter().map(|it| (it.risk.sales.clone(), it.risk.decimals)).collect();
    }

    /// Remembers who is about to change: the liquidatable, and where the venue forces accounts everybody in the market, as what it
    /// takes may go to others. Which markets these are.
    fn note(&mut self, places: &[usize], readings: &[Vec<Reading>]) -> Vec<bool> {
        let book = &self.world.book;
        let mut forced = vec![false; book.markets.len()];
        for &place in places {
            self.changed[place] = true;
            let listed = &book.accounts[place];
            let feeds = Feeds { readings: &readings[listed.market] };
            forced[listed.market] |=
                !book.markets[listed.market].market.forced(&listed.account, feeds).is_empty();
        }
        for (changed, listed) in self.changed.iter_mut().zip(&book.accounts) {
            *changed |= forced[listed.market];
        }
        forced
    }
}

/// How all accounts stand after the liquidations of some.
fn left(
    book: &Book,
    readings: &[Vec<Reading>],
    mut verdicts: Vec<Option<Verdict>>,
    places: &[usize],
    forced: &[bool],
) -> Result<Counts, Misasked> {
    let standings = standings(book, readings)?;
    let others = book.accounts.iter().enumerate().filter(|(_, listed)| forced[listed.market]);
    for place in places.iter().copied().chain(others.map(|(place, _)| place)) {
        let listed = &book.accounts[place];
        verdicts[place] = standings[listed.market].judge(&listed.account, Test::Liquidation).verdict();
    }
    let mut counts = Counts::default();
    verdicts.into_iter().for_each(|verdict| counts.count(verdict));
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use plimsoll_core::{Decimal, FeedKind, How, Shock, Target};

    /// Rows were packed before anybody was liquidated; of the steps after that they say what judging everybody says.
    #[test]
    fn no_step_misses_anybody() {
        let mut liquidated = 0;
        let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        let folders = std::fs::read_dir(examples).unwrap_or_else(|why| panic!("{why}"));
        for folder in
            folders.flatten().map(|entry| entry.path()).filter(|path| path.join("book.toml").exists())
        {
            let name = folder.display();
            let opened = plimsoll_io::book::open(&folder);
            assert!(opened.faults.is_empty(), "{name}");
            let book = opened.book;
            let stress = Stress::new(&book).unwrap_or_else(|why| panic!("{why}"));
            for thousandths in [850, 600, 300] {
                let factor = Decimal { mantissa: Int::new(thousandths), decimals: 3 };
                let kinds = vec![FeedKind::Oracle, FeedKind::Market];
                let target = Target::Collateral { kinds };
                let shock = Shock { target, how: How::Factor(factor), liquidity: None };
                let dollars =
                    ["USDC", "USDT", "DAI", "USDS", "GHO", "BOLD", "EURC", "EURS", "UNI", "sUSDe", "MEME"];
                let scenario = Scenario::of_prices("test", dollars.map(String::from).to_vec(), vec![shock]);
                // A book of other dollars is no case.
                let Ok(end) = shocked(&book, &scenario, &Said::default()) else { continue };
                let all = |everybody: bool| {
                    let changed = vec![everybody; book.accounts.len()];
                    stress.along(&scenario, &end, 8, false, changed).unwrap_or_else(|why| panic!("{why}"))
                };
                let strides = all(false);
                assert_eq!(strides, all(true), "{name} {thousandths}");
                liquidated +=
                    strides.iter().map(|it| it.found.liquidatable - it.left.liquidatable).sum::<u64>();
            }
        }
        assert!(liquidated > 100, "{liquidated}");
    }
}
