//! What a scenario does to a whole book, as one jump: who becomes liquidatable, what can be seized of them, and what debt
//! is left uncovered even if everybody acts at once.
//!
//! Accounts are packed once; in each scenario the kernel's floats say who may have crossed, and the venue's integers judge
//! those. Every number is the integers'.

mod counts;
pub(crate) mod play;

pub use counts::Counted;

use crate::ask::Misasked;
use crate::check::health;
use crate::identity::{Identity, identity};
use crate::ratio::Ratio;
use crate::shock::{Said, Shocked, shocked};
use crate::survey::{currency, one_a_currency};
use core::ops::AddAssign;
use plimsoll_core::{
    Book, Certainty, Compiled, Int, Judgement, Lens, Question, Reading, Scenario, Standing, Test, U256,
    Verdict, Why,
};
use plimsoll_kernel::{Layout, MarketRows, Packed, Packing, Path, World as Nodes};

/// How many accounts are what. The first is the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// All of them.
    pub accounts: u64,
    /// Above the line for sure.
    pub healthy: u64,
    /// Below it for sure.
    pub liquidatable: u64,
    /// Nothing is owed.
    pub no_debt: u64,
    /// It cannot be told.
    pub unknown: u64,
}

impl Counts {
    fn count(&mut self, verdict: Option<Verdict>) {
        self.accounts += 1;
        *match verdict {
            Some(Verdict::Healthy) => &mut self.healthy,
            Some(Verdict::Unhealthy) => &mut self.liquidatable,
            Some(Verdict::NoDebt) => &mut self.no_debt,
            None => &mut self.unknown,
        } += 1;
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.accounts += other.accounts;
        self.healthy += other.healthy;
        self.liquidatable += other.liquidatable;
        self.no_debt += other.no_debt;
        self.unknown += other.unknown;
    }
}

/// Money at risk, in one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Risk {
    /// The currency.
    pub currency: String,
    /// Decimals of the sums.
    pub decimals: u8,
    /// Collateral of the liquidatable accounts, before and after the shock, each at its own prices.
    pub collateral: [Int; 2],
    /// Debt of the liquidatable accounts, likewise.
    pub debt: [Int; 2],
    /// Collateral that one call for each liquidatable account can seize after the shock, at the venue's prices.
    pub seizable: Int,
    /// Debt that is left uncovered if liquidators act at once, at the venue's prices, in whatever amount: at least this.
    pub bad_debt: Int,
}

impl Risk {
    fn plus(&self, other: &Risk, [one, by]: [Int; 2]) -> Option<Risk> {
        let add = |x: Int, y: Int| x.mul(one)?.add(y.mul(by)?);
        let both = |x: [Int; 2], y: [Int; 2]| Some([add(x[0], y[0])?, add(x[1], y[1])?]);
        Some(Risk {
            currency: self.currency.clone(),
            decimals: self.decimals,
            collateral: both(self.collateral, other.collateral)?,
            debt: both(self.debt, other.debt)?,
            seizable: add(self.seizable, other.seizable)?,
            bad_debt: add(self.bad_debt, other.bad_debt)?,
        })
    }
}

/// A market before and after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Impact {
    /// Its name.
    pub market: String,
    /// Its accounts before.
    pub before: Counts,
    /// And after.
    pub after: Counts,
    /// Money at risk.
    pub risk: Risk,
    /// Liquidatable accounts, before and after, that the venue cannot value, or whose sums do not fit: in no sum.
    pub unsummed: [u64; 2],
    /// Accounts whose liquidation was not played to its end: after so many calls it was not over.
    pub unplayed: u64,
}

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
    book: &'b Book,
    /// What it is.
    pub identity: Identity,
    before: Vec<Judgement>,
    /// What is liquidatable now is worth.
    now: Vec<Impact>,
    readings: Vec<Vec<Reading>>,
    layout: Layout,
    /// Accounts with numbers so great that the integers must say whether they fit have no row in it.
    packed: Packed,
}

/// Numbers of an account below 2^this, and prices within 2^[`FAR`] of today's, stay far below the 256 bits at which a venue has
/// no answer: it multiplies by scales of less than 2^100.
const TAME: usize = 120;
const FAR: u64 = 1 << 32;

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
        let great = great_ones(book, &readings, &before);
        let too_many = || Misasked::TooMany { found: book.accounts.len() };
        let (layout, packed) = pack(book, &readings, &great).ok_or_else(too_many)?;
        let identity = identity(book, book.at, &readings);
        Ok(Stress { book, identity, before, now, readings, layout, packed })
    }

    /// Does one scenario.
    ///
    /// # Errors
    /// As [`shocked`]; and when a market cannot stand.
    pub fn jump(&self, scenario: &Scenario, said: &Said) -> Result<Jump, Misasked> {
        self.look(scenario.clone(), shocked(self.book, scenario, said)?)
    }

    /// The book as it stands, looked at in the same way.
    ///
    /// # Errors
    /// When a market cannot stand.
    pub fn stand(&self) -> Result<Jump, Misasked> {
        let (title, sources) = ("nothing moves".into(), Vec::new());
        let (hold, shocks) = (Vec::new(), Vec::new());
        self.look(
            Scenario { name: "as it stands".into(), title, sources, hold, shocks },
            Shocked::unmoved(self.book),
        )
    }

    fn look(&self, scenario: Scenario, shocked: Shocked) -> Result<Jump, Misasked> {
        let book = &shocked.book;
        let readings = readings(book);
        let standings = standings(book, &readings)?;
        let candidates = self.candidates(&standings, &readings);
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
        sunk.sort_by(|(x, a), (y, b)| worse(a.as_ref(), b.as_ref()).then(x.cmp(y)));
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
        let places: Vec<usize> = below.iter().map(|below| below.account).collect();
        play::play(book, &readings, &places, &mut impacts);
        let (mut before, mut after) = (Counts::default(), Counts::default());
        for impact in &impacts {
            before += impact.before;
            after += impact.after;
        }
        let risks = risks(&impacts);
        drop(standings);
        Ok(Jump {
            scenario,
            before,
            after,
            markets: impacts,
            risks,
            below,
            judged,
            unhealthy,
            verdicts,
            shocked,
        })
    }

    /// The verdict of an account that no screen holds back.
    fn clear(&self, place: usize) -> Verdict {
        match self.before[place].own.map(|own| own.verdict) {
            Ok(Verdict::NoDebt) => Verdict::NoDebt,
            _ => Verdict::Healthy,
        }
    }

    /// Whom the integers must judge: who may be below the line, whom a doubtful price touches, and whose numbers may be
    /// too great for the venue.
    fn candidates(&self, standings: &[Standing<'_>], readings: &[Vec<Reading>]) -> Vec<bool> {
        let screened = self.packed.screen(&nodes(&self.layout, standings, readings), Path::best());
        let mut candidates = vec![false; self.book.accounts.len()];
        for place in screened.below.iter().chain(&screened.undecided) {
            candidates[*place as usize] = true;
        }
        let far: Vec<bool> = self.readings.iter().zip(readings).map(|(was, is)| far(was, is)).collect();
        for (candidate, listed) in candidates.iter_mut().zip(&self.book.accounts) {
            *candidate |= far[listed.market];
        }
        candidates
    }
}

impl Impact {
    /// Adds a liquidatable account's collateral and debt, before or after; they come with their decimals.
    fn add(&mut self, when: usize, worth: Option<([Int; 2], u8)>) {
        let Risk { collateral, debt, decimals, .. } = &mut self.risk;
        let sums = worth.and_then(|([held, owed], unit)| {
            *decimals = unit;
            Some((collateral[when].add(held)?, debt[when].add(owed)?))
        });
        match sums {
            Some(sums) => (collateral[when], debt[when]) = sums,
            None => self.unsummed[when] += 1,
        }
    }
}

/// Sums of the markets, by currency.
fn risks(impacts: &[Impact]) -> Vec<Risk> {
    let some = |risk: &&Risk| risk.collateral != [Int::ZERO; 2] || risk.debt != [Int::ZERO; 2];
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

/// The least healthy first; without a health, last.
fn worse(x: Option<&Ratio>, y: Option<&Ratio>) -> core::cmp::Ordering {
    match (x, y) {
        (Some(x), Some(y)) => x.cmp(y),
        _ => x.is_none().cmp(&y.is_none()),
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

/// Of each account, whether the integers must say that its numbers fit: it is doubtful now, or has numbers beyond 2^[`TAME`]
/// that do not fit where every price is [`FAR`] times today's. Nothing that a venue multiplies grows when a price falls.
fn great_ones(book: &Book, readings: &[Vec<Reading>], before: &[Judgement]) -> Vec<bool> {
    let undelayed: Vec<_> = book.markets.iter().map(|listed| listed.market.undelayed()).collect();
    let highest = |(m, listed): (usize, &'_ plimsoll_core::ListedMarket)| -> Vec<Reading> {
        let slots = listed.market.slots().iter().zip(&readings[m]);
        slots
            .map(|(slot, reading)| {
                let far = |value: U256| {
                    value.mul(U256::from(FAR)).map_or(slot.highest, |far| far.min(slot.highest))
                };
                reading.value.map_or(*reading, |value| Reading::certain(far(value)))
            })
            .collect()
    };
    let far: Vec<Vec<Reading>> = book.markets.iter().enumerate().map(highest).collect();
    let market = |m: usize| undelayed[m].as_deref().unwrap_or(&*book.markets[m].market);
    let stand = |m: usize| Standing::new(market(m), &far[m], Lens::Action, book.at).ok();
    let standings: Vec<_> = (0..book.markets.len()).map(stand).collect();
    let fits = |listed: &plimsoll_core::ListedAccount| {
        let quoted = standings[listed.market].as_ref().map(Standing::quoted);
        quoted.is_some_and(|quoted| quoted.verdict(&listed.account, Test::Liquidation).is_ok())
    };
    let both = book.accounts.iter().zip(before);
    both.map(|(listed, seen)| match seen.certainty {
        Certainty::Certain | Certainty::NoDebt => !is_tame(listed, seen) && !fits(listed),
        _ => true,
    })
    .collect()
}

/// Whether every number of an account is below 2^[`TAME`].
fn is_tame(listed: &plimsoll_core::ListedAccount, seen: &Judgement) -> bool {
    let Ok(own) = seen.own else { return false };
    let numbers = [own.backing, own.requirement, own.collateral, own.debt].into_iter();
    let held = listed.account.holdings().iter().map(|holding| holding.quantity);
    numbers.chain(held).all(|number| number.magnitude().bit_len() <= TAME)
}

/// Whether a price of a market is so far from what it was that numbers may no longer fit.
fn far(was: &[Reading], is: &[Reading]) -> bool {
    let near = |(was, is): (&Reading, &Reading)| match (was.value, is.value) {
        (Some(was), Some(is)) => [(was, is), (is, was)].into_iter().all(|(x, y)| {
            // A product beyond 256 bits is above everything.
            x.mul(U256::from(FAR)).is_none_or(|most| y <= most)
        }),
        (None, None) => true,
        _ => false,
    };
    !was.iter().zip(is).all(near)
}

/// Every account's row, at the markets as the scenarios find them.
fn pack(book: &Book, readings: &[Vec<Reading>], great: &[bool]) -> Option<(Layout, Packed)> {
    let undelayed: Vec<_> = book.markets.iter().map(|listed| listed.market.undelayed()).collect();
    let market = |m: usize| undelayed[m].as_deref().unwrap_or(&*book.markets[m].market);
    let layout = Layout::new((0..book.markets.len()).map(|m| market(m).nodes().len()))?;
    let mut packing = Packing::default();
    let question = Question { test: Test::Liquidation, lens: Lens::Action, at: book.at };
    for (listed, great) in book.accounts.iter().zip(great) {
        let m = listed.market;
        let rows = MarketRows::counted(u32::try_from(m).ok()?, layout.base(m)?, market(m).epoch());
        let compiled = if *great { None } else { market(m).compile(&listed.account, question).ok() };
        packing.push(&compiled.unwrap_or(Compiled::Opaque), &rows)?;
    }
    let standings = standings(book, readings).ok()?;
    let near = nodes(&layout, &standings, readings);
    Some((layout, packing.finish(&near)))
}

/// The nodes of all markets; of a doubtful price none is known, so that whom it touches is a candidate.
fn nodes(layout: &Layout, standings: &[Standing<'_>], readings: &[Vec<Reading>]) -> Nodes {
    let of = |(standing, readings): (&Standing<'_>, &Vec<Reading>)| {
        let specs = standing.market().nodes().iter().zip(standing.quoted().nodes());
        let known = |(spec, node): (&plimsoll_core::NodeSpec, &Result<plimsoll_core::Node, Why>)| {
            let doubt = spec.slot.and_then(|slot| readings.get(slot)).and_then(|reading| reading.doubt);
            doubt.map_or(*node, Err)
        };
        specs.map(known).collect::<Vec<_>>()
    };
    let all: Vec<Vec<Result<plimsoll_core::Node, Why>>> = standings.iter().zip(readings).map(of).collect();
    Nodes::new(layout, all.iter().map(Vec::as_slice))
}
