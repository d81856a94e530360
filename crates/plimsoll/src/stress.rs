//! What a scenario does to a whole book: who becomes liquidatable, what can be seized of them, what debt is left uncovered
//! if everybody acts at once, and what is left where seized collateral has to be sold. As one jump, and as a path of steps.
//!
//! Accounts are packed once; in each world the kernel's floats say who may have crossed, and the venue's integers judge
//! those. Every number is the integers'.

mod counts;
mod failure;
pub(crate) mod play;
pub(crate) mod pools;
mod screen;
mod sell;
mod sums;
mod tallies;
mod walk;

pub use counts::Counted;
pub use sums::{Counts, Impact, Left, Loss, Risk, Sales, Stays};
pub use tallies::{Backing, Class, Lowest, Tallies};
pub use walk::{Stride, Walk};

use crate::ask::Misasked;
use crate::check::health;
use crate::identity::{Identity, identity};
use crate::ratio::Ratio;
use crate::shock::{Said, Same, Shocked, sale_readings, shocked};
use crate::survey::{currency, one_a_currency};
use crate::world::World;
use plimsoll_core::{Book, Depth, Int, Judgement, Kind, Lens, Reading, Scenario, Standing, Test, Verdict};
use pools::Pools;
use screen::Screen;
use std::collections::BTreeSet;

/// An account that is liquidatable after a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Below {
    /// Its place in the book.
    pub account: usize,
    /// It was so before.
    pub already: bool,
    /// Its health before; `None` where there is none to tell.
    pub before: Option<Ratio>,
    /// And after.
    pub after: Option<Ratio>,
    /// Its collateral after, in the unit of its market's risk; `None` where the venue cannot value it.
    pub collateral: Option<Int>,
    /// Its debt, likewise.
    pub debt: Option<Int>,
}

/// What a scenario does.
#[derive(Clone)]
pub struct Jump {
    /// The scenario.
    pub scenario: Scenario,
    /// The book after it, and what moved.
    pub shocked: Shocked,
    /// All accounts before.
    pub before: Counts,
    /// And after.
    pub after: Counts,
    /// Each market.
    pub markets: Vec<Impact>,
    /// Sums by currency.
    pub risks: Vec<Risk>,
    /// Accounts that are liquidatable after, worst first.
    pub below: Vec<Below>,
    /// What holders lose in markets that fail.
    pub losses: Vec<Loss>,
    /// How many accounts the integers judged; of the others floats proved that they are above the line.
    pub judged: u64,
    /// An account is unhealthy by its venue's own test, at whatever price the venue would use.
    pub unhealthy: bool,
    verdicts: Vec<Option<Verdict>>,
}

impl Jump {
    /// What may be relied upon of each account after the shock; `None` is unknown.
    #[must_use]
    pub fn verdicts(&self) -> &[Option<Verdict>] {
        &self.verdicts
    }

    /// Accounts that are liquidatable after and were not before, worst first.
    pub fn fallen(&self) -> impl Iterator<Item = &Below> {
        self.below.iter().filter(|below| !below.already)
    }

    /// The health of an account after the shock, at the prices that its venue would use.
    #[must_use]
    pub fn health_of(&self, account: usize) -> Option<Ratio> {
        let book = &self.shocked.book;
        let listed = book.accounts.get(account)?;
        let market = &book.markets[listed.market];
        let readings = book.readings(market, &book.graph.quotes(book.at));
        let standing = Standing::new(&*market.market, &readings, Lens::Action, book.at).ok()?;
        health(&standing.judge(&listed.account, Test::Liquidation))
    }

    /// Accounts that are liquidatable here and not there, worst first: the same accounts under other parameters.
    pub fn not_in<'j>(&'j self, there: &'j Jump) -> impl Iterator<Item = &'j Below> {
        let stands = |below: &&Below| there.verdicts.get(below.account) != Some(&Some(Verdict::Unhealthy));
        self.below.iter().filter(stands)
    }
}

/// A book that is ready for scenarios.
pub struct Stress<'b> {
    pub(crate) book: &'b Book,
    /// What it is.
    pub identity: Identity,
    /// What selling seized collateral brings, where somebody said so.
    depth: Option<Depth>,
    /// How many names of each curve's assets are its own.
    own: Vec<usize>,
    before: Vec<Judgement>,
    /// What is liquidatable now is worth.
    now: Vec<Impact>,
    screen: Screen,
}

/// What is found in one world.
struct Found {
    impacts: Vec<Impact>,
    verdicts: Vec<Option<Verdict>>,
    /// Who is liquidatable, worst first.
    below: Vec<Below>,
    judged: u64,
    unhealthy: bool,
}

impl<'b> Stress<'b> {
    /// Judges a book as it stands and packs it.
    ///
    /// # Errors
    /// When a market cannot stand at the book's time, or there are more accounts than a screen takes.
    pub fn new(book: &'b Book) -> Result<Stress<'b>, Misasked> {
        let readings = readings(book);
        let standings = standings(book, &readings)?;
        let judge = |listed: &plimsoll_core::ListedAccount| {
            standings[listed.market].judge(&listed.account, Test::Liquidation)
        };
        let before: Vec<Judgement> = book.accounts.iter().map(judge).collect();
        let mut now: Vec<Impact> = book.markets.iter().map(impact).collect();
        for (listed, judgement) in book.accounts.iter().zip(&before) {
            let impact = &mut now[listed.market];
            impact.before.count(judgement.verdict());
            if judgement.verdict() == Some(Verdict::Unhealthy) {
                impact.add(0, value(&standings[listed.market], listed));
            }
        }
        let identity = identity(book, book.at, &readings);
        let too_many = || Misasked::TooMany { found: book.accounts.len() };
        let screen = Screen::new(book, readings.clone(), &before).ok_or_else(too_many)?;
        Ok(Stress { book, identity, depth: None, own: Vec::new(), before, now, screen })
    }

    /// The same where liquidators sell what they seize, and act only where that pays.
    ///
    /// # Errors
    /// When it is said what a call costs, but not in the currency of one of the book's markets.
    pub fn sold_into(self, depth: Depth) -> Result<Stress<'b>, Misasked> {
        for listed in &self.book.markets {
            let currency = currency(&*listed.market);
            if depth.gas_in(&currency).is_none() {
                let (market, depth) = (listed.name.clone(), depth.name.clone());
                return Err(Misasked::NoGas { market, currency, depth });
            }
        }
        let own = depth.curves.iter().map(|curve| curve.assets.len()).collect();
        Ok(Stress { depth: Some(named(self.book, depth)), own, ..self })
    }

    /// Curves that no sale of the book can go down: no market of it has the asset, or what it is sold for as a debt, also by another name.
    #[must_use]
    pub fn curves_unused(&self) -> Vec<String> {
        let markets = || self.book.markets.iter();
        let slots = markets().flat_map(|listed| listed.market.slots());
        let names: BTreeSet<&str> = slots.map(|slot| slot.asset.as_str()).collect();
        let instruments = markets().flat_map(|listed| listed.market.instruments());
        let debts = instruments.filter(|instrument| instrument.kind == Kind::Debt);
        let debts: BTreeSet<&str> = debts.map(|instrument| instrument.asset.as_str()).collect();
        let any = |names: &BTreeSet<&str>, of: &[String]| of.iter().any(|name| names.contains(name.as_str()));
        let curves = self.depth.iter().flat_map(|depth| &depth.curves);
        let used = |curve: &plimsoll_core::DepthCurve| {
            any(&names, &curve.assets) && (curve.against.is_empty() || any(&debts, &curve.against))
        };
        let told = |curve: &plimsoll_core::DepthCurve| {
            let sold = curve.assets.join(" or ");
            let owed =
                any(&names, &curve.assets).then(|| format!("{sold} for {}", curve.against.join(" or ")));
            owed.unwrap_or(sold)
        };
        curves.filter(|curve| !used(curve)).map(told).collect()
    }

    /// The depth that is sold into, if any, with the names that the book has for its assets.
    #[must_use]
    pub fn depth(&self) -> Option<&Depth> {
        self.depth.as_ref()
    }

    /// Does one scenario.
    ///
    /// # Errors
    /// As [`shocked`]; when a market cannot stand, or one that shall fail is not the book's.
    pub fn jump(&self, scenario: &Scenario, said: &Said) -> Result<Jump, Misasked> {
        self.look(scenario.clone(), shocked(self.book, scenario, said)?)
    }

    /// The book as it stands, looked at in the same way.
    ///
    /// # Errors
    /// When a market cannot stand.
    pub fn stand(&self) -> Result<Jump, Misasked> {
        let still = Scenario::of_prices("as it stands", Vec::new(), Vec::new());
        self.look(Scenario { title: "nothing moves".into(), ..still }, Shocked::unmoved(self.book))
    }

    fn look(&self, scenario: Scenario, shocked: Shocked) -> Result<Jump, Misasked> {
        let book = &shocked.book;
        let readings = readings(book);
        let failed = failure::failed(book, &scenario)?;
        let Found { mut impacts, verdicts, below, judged, unhealthy } = self.find(book, &readings, &[])?;
        let places: Vec<usize> = below.iter().map(|below| below.account).collect();
        if !places.is_empty() {
            let mut lost = vec![Int::ZERO; impacts.len()];
            let mut world = World { book: book.clone() };
            play::play(&mut world, &readings, &places, &failed, &mut impacts, &mut lost);
        }
        if let Some(mut pools) = self.pools(&scenario).filter(|_| !places.is_empty()) {
            let mut world = World { book: book.clone() };
            let market = sale_readings(book, &shocked.sales, &shocked.same);
            let par = sell::at_par(book, &shocked.sales, &shocked.same);
            let prices = sell::Prices { venue: &readings, market: &market, par: &par };
            let mut lost = vec![Int::ZERO; impacts.len()];
            sell::sell(&mut world, &prices, &places, &failed, &mut pools, &mut impacts, &mut lost);
        }
        let (mut before, mut after) = (Counts::default(), Counts::default());
        for impact in &impacts {
            before += impact.before;
            after += impact.after;
        }
        let risks = risks(&impacts);
        let losses = failure::losses(book, &readings, &scenario)?;
        Ok(Jump {
            scenario,
            before,
            after,
            markets: impacts,
            risks,
            below,
            losses,
            judged,
            unhealthy,
            verdicts,
            shocked,
        })
    }

    /// The curves as a scenario leaves them.
    fn pools(&self, scenario: &Scenario) -> Option<Pools<'_>> {
        self.depth.as_ref().and_then(|depth| Pools::new(depth, &self.own, scenario))
    }

    /// Judges the accounts of a world, of which those that changed are no longer what was packed.
    fn find(&self, book: &Book, readings: &[Vec<Reading>], changed: &[bool]) -> Result<Found, Misasked> {
        let standings = standings(book, readings)?;
        let candidates = self.screen.candidates(book, &standings, readings, changed);
        let judged = candidates.iter().filter(|candidate| **candidate).count() as u64;
        let mut impacts = self.now.clone();
        let mut verdicts = Vec::with_capacity(book.accounts.len());
        let (mut sunk, mut unhealthy) = (Vec::new(), false);
        for (place, listed) in book.accounts.iter().enumerate() {
            let verdict = if candidates[place] {
                let judgement = standings[listed.market].judge(&listed.account, Test::Liquidation);
                unhealthy |= judgement.own.is_ok_and(|own| own.verdict == Verdict::Unhealthy);
                if judgement.verdict() == Some(Verdict::Unhealthy) {
                    sunk.push((place, health(&judgement)));
                }
                judgement.verdict()
            } else {
                // Above the line for sure, and a debt is one at every price.
                Some(self.clear(place))
            };
            impacts[listed.market].after.count(verdict);
            verdicts.push(verdict);
        }
        // By name where two stand alike: the order of a file's rows decides nothing.
        let name = |place: usize| by_name(book, place);
        sunk.sort_by(|(x, a), (y, b)| worse(a.as_ref(), b.as_ref()).then_with(|| name(*x).cmp(&name(*y))));
        let mut below = Vec::with_capacity(sunk.len());
        for (account, after) in sunk {
            let listed = &book.accounts[account];
            let worth = value(&standings[listed.market], listed);
            impacts[listed.market].add(1, worth);
            let seen = &self.before[account];
            let already = seen.verdict() == Some(Verdict::Unhealthy);
            let [collateral, debt] = [0, 1].map(|side| worth.map(|(sums, _)| sums[side]));
            below.push(Below { account, already, before: health(seen), after, collateral, debt });
        }
        Ok(Found { impacts, verdicts, below, judged, unhealthy })
    }

    /// The verdict of an account that no screen holds back.
    fn clear(&self, place: usize) -> Verdict {
        match self.before[place].own.map(|own| own.verdict) {
            Ok(Verdict::NoDebt) => Verdict::NoDebt,
            _ => Verdict::Healthy,
        }
    }
}

/// Sums of the markets, by currency.
fn risks(impacts: &[Impact]) -> Vec<Risk> {
    let some = |risk: &&Risk| {
        let sums = [risk.collateral[0], risk.collateral[1], risk.debt[0], risk.debt[1], risk.bad_debt];
        sums.iter().chain([&risk.sales.sold, &risk.sales.bad_debt]).any(|sum| !sum.is_zero())
    };
    let mut risks: Vec<Risk> = impacts.iter().map(|impact| &impact.risk).filter(some).cloned().collect();
    risks.sort_by(|x, y| x.currency.cmp(&y.currency).then(x.decimals.cmp(&y.decimals)));
    one_a_currency(risks.into_iter(), |risk| (&risk.currency, risk.decimals), Risk::plus)
}

fn impact(listed: &plimsoll_core::ListedMarket) -> Impact {
    Impact {
        market: listed.name.clone(),
        before: Counts::default(),
        after: Counts::default(),
        risk: Risk { currency: currency(&*listed.market), ..Risk::default() },
        unsummed: [0; 2],
        unplayed: 0,
    }
}

/// Collateral and debt in whole units of the market's currency.
pub(crate) fn value(
    standing: &Standing<'_>,
    listed: &plimsoll_core::ListedAccount,
) -> Option<([Int; 2], u8)> {
    let seen = standing.quoted().verdict(&listed.account, Test::Borrow).ok()?;
    Some(([seen.collateral, seen.debt], seen.unit.decimals))
}

/// An account's market and name, which no other has.
pub(crate) fn by_name(book: &Book, place: usize) -> (&str, &str) {
    let listed = &book.accounts[place];
    (&book.markets[listed.market].name, &listed.name)
}

/// The least healthy of the liquidatable first: before all others those without a health, whose backing is below zero.
fn worse(x: Option<&Ratio>, y: Option<&Ratio>) -> core::cmp::Ordering {
    match (x, y) {
        (Some(x), Some(y)) => x.cmp(y),
        _ => y.is_none().cmp(&x.is_none()),
    }
}

pub(crate) fn readings(book: &Book) -> Vec<Vec<Reading>> {
    let quotes = book.graph.quotes(book.at);
    book.markets.iter().map(|market| book.readings(market, &quotes)).collect()
}

pub(crate) fn standings<'m>(
    book: &'m Book,
    readings: &[Vec<Reading>],
) -> Result<Vec<Standing<'m>>, Misasked> {
    let stand = |(listed, readings): (&'m plimsoll_core::ListedMarket, &Vec<Reading>)| {
        Standing::new(&*listed.market, readings, Lens::Action, book.at)
            .map_err(|refusal| Misasked::Stands { market: listed.name.clone(), refusal })
    };
    book.markets.iter().zip(readings).map(stand).collect()
}

/// Curves under the other names that a book has for their assets too, where other curves do not have them already for all that it is
/// sold for.
fn named(book: &Book, mut depth: Depth) -> Depth {
    let same = Same::of_book(book);
    let others = |names: &[String]| -> BTreeSet<String> {
        let others = names.iter().flat_map(|name| same.others(name));
        others.filter(|name| !names.contains(*name)).cloned().collect()
    };
    for curve in &mut depth.curves {
        curve.against.extend(others(&curve.against));
    }
    let written = depth.curves.clone();
    let has = |name: &String, against: Option<&String>| {
        written.iter().any(|curve| {
            curve.assets.contains(name)
                && against.map_or(curve.against.is_empty(), |against| curve.against.contains(against))
        })
    };
    for curve in &mut depth.curves {
        let mut more = others(&curve.assets);
        more.retain(|name| match &curve.against[..] {
            [] => !has(name, None),
            against => against.iter().any(|against| !has(name, Some(against))),
        });
        curve.assets.extend(more);
    }
    depth
}
