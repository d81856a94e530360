//! Collateral at risk as one factor moves: exact steps, one where each account's verdict flips.
//!
//! An account counts with what it has where it flips. Between two steps nobody joins and nobody leaves.

use crate::ask::Misasked;
use crate::boundary::{Boundary, Crossing, boundary};
use crate::identity::{Identity, identity};
use crate::path::{Mover, Path};
use crate::shock::{Said, Shocked, halved, shocked, undelay};
use crate::stress::{by_name, play, readings, standings, value};
use crate::survey::currency;
use crate::world::World;
use plimsoll_core::{
    Book, Decimal, FeedKind, How, Int, Lens, ListedMarket, Origin, PriceId, Question, Reading, Scenario,
    Shock, Standing, Target, Test, U256, Verdict,
};
use std::collections::{BTreeMap, BTreeSet};

/// Whose price is the factor's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Along {
    /// Everything that backs a debt of somebody.
    Collateral,
    /// One asset, with all that is built on it.
    Asset(String),
}

/// The curve of a book along one factor (1e-8 parts), which is 1 today.
pub struct Curve {
    /// What it was computed from.
    pub identity: Identity,
    /// Whose price moves.
    pub along: Along,
    /// The feeds that move by the factor.
    pub with: Vec<String>,
    /// The feeds that move by its inverse: prices in what moves.
    pub against: Vec<String>,
    /// What stands still, and by whose word. Its book is not the curve's.
    pub said: Shocked,
    /// Who is liquidatable today.
    pub now: Vec<Step>,
    /// Downwards, from 1 on.
    pub down: Vec<Step>,
    /// Upwards, from 1 on.
    pub up: Vec<Step>,
    /// Accounts in no step: what is said of them hangs on a doubtful price, or the venue has no answer.
    pub unknown: u64,
    /// Accounts whose verdict is proven only up to this factor.
    pub unproven: Vec<(usize, U256)>,
    /// Where it ends before every factor is asked: beyond it nothing is known of a market's accounts.
    pub ends: Vec<End>,
}

/// Where the curve of a market's accounts ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The market.
    pub market: String,
    /// The last factor that is asked (1e-8 parts).
    pub factor: U256,
    /// A price that has no digit left beyond it, or is more than its venue takes.
    pub price: String,
}

/// An account whose verdict flips.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The first factor, walking from 1, at which it is another (1e-8 parts).
    pub factor: U256,
    /// From here on it stays so; `None` where the end of the path has today's verdict again.
    pub settled: Option<U256>,
    /// The account's place in the book.
    pub account: usize,
    /// It becomes liquidatable, and does not cease to be.
    pub joins: bool,
    /// What it has at that factor; of one that leaves, today.
    pub at: Option<AtRisk>,
    /// The sums in its market's currency from here on: of all that joined and did not leave.
    pub sum: AtRisk,
    /// How many accounts of that currency are liquidatable from here on.
    pub accounts: u64,
    /// The currency.
    pub currency: String,
    /// Decimals of the amounts.
    pub decimals: u8,
}

/// Collateral at risk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AtRisk {
    /// Collateral at full value.
    pub collateral: Int,
    /// What one call can seize of it, by the venue's own prices.
    pub seizable: Int,
}

impl AtRisk {
    fn plus(self, other: AtRisk, sign: Int) -> Option<AtRisk> {
        let collateral = self.collateral.add(other.collateral.mul(sign)?)?;
        Some(AtRisk { collateral, seizable: self.seizable.add(other.seizable.mul(sign)?)? })
    }

    fn finer(self, by: u8) -> Option<AtRisk> {
        let power = Int::from(U256::pow10(by)?);
        Some(AtRisk { collateral: self.collateral.mul(power)?, seizable: self.seizable.mul(power)? })
    }
}

/// The scenario that halves what a curve moves.
#[must_use]
pub fn halving(along: &Along, hold: &[String]) -> Scenario {
    let kinds = vec![FeedKind::Oracle, FeedKind::Market];
    let target = match along {
        Along::Collateral => Target::Collateral { kinds },
        Along::Asset(name) => {
            Target::Assets { assets: vec![name.clone()], currency: vec!["USD".into()], kinds }
        }
    };
    let how = How::Factor(Decimal { mantissa: Int::new(5), decimals: 1 });
    Scenario::of_prices("the curve", hold.to_vec(), vec![Shock { target, how, liquidity: None }])
}

/// Every account's step along one factor, from the book's own time and prices.
///
/// # Errors
/// As of a scenario that moves the same; and when a feed moves neither by the factor nor against it, or nothing moves.
pub fn curve(book: &Book, along: Along, hold: &[String], said: &Said) -> Result<Curve, Misasked> {
    let scenario = halving(&along, hold);
    let told = shocked(book, &scenario, said)?;
    let [with, against] = halved(book, &scenario, said)?;
    if with.is_empty() && against.is_empty() {
        let known = movable(book, &told.held).into_iter().map(String::from).collect();
        let found = if let Along::Asset(name) = &along { name.clone() } else { "collateral".into() };
        let what = "asset with a feed that has a price and is not held".into();
        return Err(Misasked::NoSuch { what, found, known });
    }
    let identity = identity(book, book.at, &readings(book));
    let mut base = book.clone();
    undelay(&mut base);
    let name = |id: &PriceId| base.graph.price(*id).map_or_else(String::new, |price| price.name.clone());
    let [with_names, against_names] = [&with, &against].map(|ids| ids.iter().map(name).collect());
    let walk = Walk::new(&base, Mover::Factor { with, against })?;
    let mut curve = Curve {
        identity,
        along,
        with: with_names,
        against: against_names,
        said: told,
        now: Vec::new(),
        down: Vec::new(),
        up: Vec::new(),
        unknown: 0,
        unproven: Vec::new(),
        ends: walk.ends(),
    };
    walk.all(&mut curve);
    Ok(curve)
}

/// Assets whose price stands on a feed that has one, but for those that are held.
fn movable<'b>(book: &'b Book, held: &[String]) -> BTreeSet<&'b str> {
    let quotes = book.graph.quotes(book.at);
    let moves = |id: &PriceId| {
        let feed = book.graph.price(*id).is_some_and(|price| matches!(price.origin, Origin::Feed(_)));
        feed && quotes[id.0 as usize].value.is_some()
    };
    let slots = book.markets.iter().flat_map(|listed| listed.market.slots().iter().zip(&listed.wiring));
    let slots = slots.filter(|(_, wired)| wired.is_some_and(|id| book.graph.leaves(id).iter().any(moves)));
    let names = slots.map(|(slot, _)| slot.asset.as_str());
    names.filter(|name| !held.iter().any(|held| held == name)).collect()
}

/// So few accounts are not worth a thread of their own.
const LEAST_EACH: usize = 512;

/// What some accounts do: steps of today, downwards and upwards.
#[derive(Default)]
struct Part {
    found: [Vec<Step>; 3],
    unknown: u64,
    unproven: Vec<(usize, U256)>,
}

/// A book along one factor.
struct Walk<'b> {
    book: &'b Book,
    paths: Vec<Option<Path<'b>>>,
    /// What each market reads today.
    readings: Vec<Vec<Reading>>,
    standings: Vec<Standing<'b>>,
}

/// What moves without what no price of a market hangs on, which ends no path of its.
fn read_by(mover: &Mover, book: &Book, listed: &ListedMarket) -> Mover {
    let Mover::Factor { with, against } = mover else { return mover.clone() };
    let wired = listed.wiring.iter().flatten();
    let read: BTreeSet<PriceId> = wired.flat_map(|id| book.graph.leaves(*id)).collect();
    let of = |feeds: &[PriceId]| feeds.iter().copied().filter(|feed| read.contains(feed)).collect();
    Mover::Factor { with: of(with), against: of(against) }
}

impl<'b> Walk<'b> {
    fn new(book: &'b Book, mover: Mover) -> Result<Walk<'b>, Misasked> {
        let quotes = book.graph.quotes(book.at);
        let path = |market: usize| {
            let mover = read_by(&mover, book, &book.markets[market]);
            Path::new(book, market, &quotes, mover)
        };
        let paths = (0..book.markets.len()).map(path).collect();
        let readings = readings(book);
        let standings = standings(book, &readings)?;
        Ok(Walk { book, paths, readings, standings })
    }

    /// Of each market that has accounts.
    fn ends(&self) -> Vec<End> {
        let held: BTreeSet<usize> = self.book.accounts.iter().map(|listed| listed.market).collect();
        let paths = held.into_iter().filter_map(|market| Some((market, self.paths[market].as_ref()?)));
        let ends = paths.flat_map(|(market, path)| {
            let market = &self.book.markets[market].name;
            let end = |(factor, price)| End { market: market.clone(), factor, price };
            path.stops().into_iter().flatten().map(end)
        });
        ends.collect()
    }

    fn all(&self, curve: &mut Curve) {
        let accounts = self.book.accounts.len();
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        // Accounts are independent, and come back in their order whoever looked at them.
        let each = accounts.div_ceil(threads.clamp(1, accounts.div_ceil(LEAST_EACH).max(1))).max(1);
        let parts: Vec<Part> = std::thread::scope(|scope| {
            let starts = (0..accounts).step_by(each);
            let spawn = |from: usize| scope.spawn(move || self.part(from..(from + each).min(accounts)));
            let running: Vec<_> = starts.map(spawn).collect();
            let ended = running.into_iter().map(|thread| {
                // A panic is a mistake of ours, and stays one.
                thread.join().unwrap_or_else(|why| std::panic::resume_unwind(why))
            });
            ended.collect()
        });
        let mut found: [Vec<Step>; 3] = Default::default();
        for part in parts {
            for (all, some) in found.iter_mut().zip(part.found) {
                all.extend(some);
            }
            curve.unknown += part.unknown;
            curve.unproven.extend(part.unproven);
        }
        // By name where two flip together: the order of a file's rows decides nothing.
        let name = |account: usize| by_name(self.book, account);
        let tied = |x: &Step, y: &Step| name(x.account).cmp(&name(y.account));
        found[0].sort_by(tied);
        found[1].sort_by(|x, y| y.factor.cmp(&x.factor).then_with(|| tied(x, y)));
        found[2].sort_by(|x, y| x.factor.cmp(&y.factor).then_with(|| tied(x, y)));
        curve.unproven.sort_by(|(x, _), (y, _)| name(*x).cmp(&name(*y)));
        let finest = finest(&found);
        let mut sums = BTreeMap::new();
        add_up(&mut found[0], &finest, &mut sums);
        for side in &mut found[1..] {
            add_up(side, &finest, &mut sums.clone());
        }
        let [now, down, up] = found;
        (curve.now, curve.down, curve.up) = (now, down, up);
    }

    fn part(&self, accounts: std::ops::Range<usize>) -> Part {
        let one = U256::from(crate::path::WHOLE);
        let mut world = World { book: self.book.clone() };
        let mut part = Part::default();
        for account in accounts {
            let listed = &self.book.accounts[account];
            let standing = &self.standings[listed.market];
            let judgement = standing.judge(&listed.account, Test::Liquidation);
            let today = match judgement.verdict() {
                None => {
                    part.unknown += 1;
                    continue;
                }
                Some(Verdict::NoDebt) => continue,
                Some(today) => today,
            };
            let below = today == Verdict::Unhealthy;
            let now = if below { self.at_risk(&mut world, account, one) } else { None };
            if below {
                part.found[0].push(self.step(account, (one, Some(one)), true, now));
            }
            let Some(Boundary { down, up, .. }) = self.boundary(account) else { continue };
            for (side, crossing) in [(1, down), (2, up)] {
                match crossing {
                    Crossing::Never => {}
                    Crossing::Unproven(from) => part.unproven.push((account, from)),
                    Crossing::At { first, settled } => {
                        let at = if below { now } else { self.at_risk(&mut world, account, first) };
                        part.found[side].push(self.step(account, (first, settled), !below, at));
                    }
                }
            }
        }
        part
    }

    fn boundary(&self, account: usize) -> Option<Boundary> {
        let listed = &self.book.accounts[account];
        let path = self.paths[listed.market].as_ref()?;
        let standing = &self.standings[listed.market];
        let question = Question { test: Test::Liquidation, lens: Lens::Action, at: self.book.at };
        boundary(path, standing.market(), standing.quoted(), &listed.account, question)
    }

    fn step(
        &self,
        account: usize,
        (factor, settled): (U256, Option<U256>),
        joins: bool,
        at: Option<(AtRisk, u8)>,
    ) -> Step {
        let market = self.book.accounts[account].market;
        let currency = currency(&*self.book.markets[market].market);
        let decimals = at.map_or(0, |(_, decimals)| decimals);
        let (at, sum) = (at.map(|(at, _)| at), AtRisk::default());
        Step { factor, settled, account, joins, at, sum, accounts: 0, currency, decimals }
    }

    /// What an account has, and what can be seized of it, at a factor.
    fn at_risk(&self, world: &mut World, account: usize, factor: U256) -> Option<(AtRisk, u8)> {
        let listed = &self.book.accounts[account];
        let market = &*self.book.markets[listed.market].market;
        let mut readings = self.readings[listed.market].clone();
        if let Some(path) = &self.paths[listed.market] {
            readings = path.today().to_vec();
            path.between(factor, factor, &mut readings)?;
        }
        let standing = Standing::new(market, &readings, Lens::Action, self.book.at).ok()?;
        let ([collateral, _], decimals) = value(&standing, listed)?;
        let seizable = play::seizable(world, account, &readings, decimals)?;
        Some((AtRisk { collateral, seizable }, decimals))
    }
}

/// The most decimals of each currency.
fn finest(found: &[Vec<Step>; 3]) -> BTreeMap<String, u8> {
    let mut finest: BTreeMap<String, u8> = BTreeMap::new();
    for step in found.iter().flatten() {
        let most = finest.entry(step.currency.clone()).or_default();
        *most = step.decimals.max(*most);
    }
    finest
}

type Sums = BTreeMap<String, (AtRisk, u64)>;

/// Sums from step to step. What cannot be told or does not fit is in no sum.
fn add_up(steps: &mut [Step], finest: &BTreeMap<String, u8>, sums: &mut Sums) {
    for step in steps {
        let decimals = finest.get(&step.currency).copied().unwrap_or(step.decimals);
        step.at = step.at.and_then(|at| at.finer(decimals.saturating_sub(step.decimals)));
        step.decimals = decimals;
        let (sum, accounts) = sums.entry(step.currency.clone()).or_default();
        let sign = if step.joins { Int::ONE } else { Int::new(-1) };
        *sum = step.at.and_then(|at| sum.plus(at, sign)).unwrap_or(*sum);
        *accounts = if step.joins { *accounts + 1 } else { accounts.saturating_sub(1) };
        (step.sum, step.accounts) = (*sum, *accounts);
    }
}
