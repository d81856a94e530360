//! What a crash does to a book, played step by step: a crash as it was written down becomes a plan over the book's own prices.
//!
//! Prices move as `risk` has them move: an asset's price in dollars, whatever its feed counts in, and nothing stands still by silence. What is
//! played is `plimsoll-sim`'s; nothing is decided here.

#![allow(clippy::float_arithmetic)] // of drawn prices and their ways; no verdict is made here

mod experiments;
mod replay;
mod stated;

pub use experiments::{Reverse, SWEPT, Swept, reverse, sweep};
pub use replay::Replay;

use crate::ask::Misasked;
use crate::chance::Still;
use crate::chance::drivers::{Drivers, Moves};
use crate::identity::{Identity, identity};
use crate::shock::{Said, digits, held_slots, known_as, names};
use crate::stress::readings;
use crate::survey::currency;
use plimsoll_core::depth::{Pool, Rule};
use plimsoll_core::{Book, Crash, CrashOracle, Decimal, Depth, Origin, PriceId, Rounding, U256};
use plimsoll_risk::bars::{Bar, Bars};
use plimsoll_risk::history::{History, Series};
use plimsoll_sim::outcome::{Event, Outcome};
use plimsoll_sim::plan::{Amm, Borrowers, Curve, Gas, Keeper, Leaf, ONE, Oracle, Plan, Policy, Stated};
use plimsoll_sim::play::Run;
use plimsoll_sim::prices::{Drawn, Motion, Paths, Tick};
use plimsoll_sim::{Unplayable, many};
use std::collections::{BTreeMap, BTreeSet};

/// A crash over a book, ready to be played.
pub struct Simulation {
    book: Book,
    /// What is played.
    pub plan: Plan,
    /// What it is computed from.
    pub identity: Identity,
    /// Every number of the plan, and whether it was measured.
    pub stated: Vec<Stated>,
    /// Prices that stand still, and why.
    pub still: Vec<(String, Still)>,
    /// Assets of the crash that move no price of the book.
    pub without_effect: Vec<String>,
    /// Currencies of markets of which the book has no price in USD: thresholds and gas count one for one there.
    pub unpriced: Vec<String>,
}

/// The currency of thresholds and gas.
const DOLLAR: &str = "USD";

impl Simulation {
    /// Puts a crash over a book; `replayed` bars go before its own ways and what is drawn.
    ///
    /// # Errors
    /// When the book hangs on a price of which the crash says nothing, a name is not the book's, or a number cannot be.
    pub fn new(
        book: &Book,
        crash: &Crash,
        depth: Option<&Depth>,
        said: &Said,
        replayed: Option<&Replay<'_>>,
        seed: u64,
    ) -> Result<Simulation, Misasked> {
        let said = Said { hold: [said.hold.clone(), crash.hold.clone()].concat(), map: said.map.clone() };
        let history = named(crash)?;
        let mut drivers = Drivers::new(book, &history, &said);
        let (mut leaves, mut still, mut missing) = (Vec::new(), Vec::new(), Vec::new());
        let (mut moved, known) = (BTreeSet::new(), known_as(book));
        let of = |base: &str| {
            let has = |names: &[String]| names.iter().any(|name| name.eq_ignore_ascii_case(base));
            crash.assets.iter().position(|asset| !asset.blind && has(&asset.names))
        };
        for id in read(book) {
            let name = || book.graph.price(id).map_or_else(String::new, |price| price.name.clone());
            match drivers.leaf(id) {
                Moves::Still(why) => still.push((name(), why)),
                Moves::Unknown(asset) => missing.push((asset, format!("price {}", name()))),
                Moves::With(powers) => {
                    let mut ours: BTreeMap<usize, f64> = BTreeMap::new();
                    for (series, power) in powers {
                        if let Some(asset) = of(&drivers.series[series].base) {
                            *ours.entry(asset).or_default() += power;
                        }
                    }
                    ours.retain(|_, power| power.abs() > 1e-12);
                    moved.extend(ours.keys().copied());
                    let called = aliases(names(book, id), &known);
                    leaves.push(Leaf {
                        id,
                        powers: ours.into_iter().collect(),
                        digits: digits(book, id),
                        oracle: Some(oracle(crash, &called)?),
                    });
                }
            }
        }
        if !missing.is_empty() {
            missing.sort();
            missing.dedup();
            return Err(Misasked::Unsaid { scenario: crash.name.clone(), missing });
        }
        let assets = crash.assets.iter().enumerate();
        let (mut discounts, mut without_effect) = (Vec::new(), Vec::new());
        for (at, asset) in assets {
            let first = asset.names.first().cloned().unwrap_or_default();
            if asset.blind {
                let called = aliases(asset.names.clone(), &known);
                let slots = book.markets.iter().flat_map(|listed| listed.market.slots());
                if !slots.into_iter().any(|slot| called.contains(&slot.asset)) {
                    without_effect.push(first);
                }
                discounts.push((called, at));
            } else if !moved.contains(&at) {
                without_effect.push(first);
            }
        }
        let readings = readings(book);
        let (units, unpriced) = units(book);
        let mut simulation = Simulation {
            identity: identity(book, book.at, &readings),
            book: book.clone(),
            plan: Plan {
                drivers: crash
                    .assets
                    .iter()
                    .map(|asset| asset.names.first().cloned().unwrap_or_default())
                    .collect(),
                leaves,
                paths: replayed.map_or_else(|| paths(crash), |replayed| replay::paths(crash, replayed))?,
                curves: depth.map_or(Ok(Vec::new()), |depth| curves(crash, depth, &known))?,
                pools: pools(book, crash)?,
                keepers: keepers(crash)?,
                gas: Gas { calm: gas(depth)?, surge: bps(crash.surge)? },
                borrowers: borrowers(crash)?,
                discounts,
                units,
                nobody: false,
                seed,
            },
            stated: stated::all(crash, depth),
            still,
            without_effect,
            unpriced,
        };
        simulation.still.sort();
        // What cannot be played is told before the first run.
        Run::new(&simulation.book, &simulation.plan, 0).map_err(|why| misasked(&why))?;
        Ok(simulation)
    }

    /// Plays runs `0..runs` on so many threads; `done` is told how many are.
    ///
    /// # Errors
    /// The first run's that cannot be played.
    pub fn play(
        &self,
        runs: u64,
        threads: usize,
        done: &(dyn Fn(u64) + Sync),
    ) -> Result<Vec<Outcome>, Misasked> {
        many::play(&self.book, &self.plan, runs, threads, done).map_err(|why| misasked(&why))
    }

    /// One run with everything that happens in it.
    ///
    /// # Errors
    /// Where it cannot be played.
    pub fn trace(&self, run: u64) -> Result<(Outcome, Vec<Event>), Misasked> {
        let run = Run::new(&self.book, &self.plan, run).map_err(|why| misasked(&why))?;
        run.traced().finish().map_err(|why| misasked(&why))
    }

    /// The book of one run as it stands once so many seconds have passed: what any question can be asked of.
    ///
    /// # Errors
    /// Where it cannot be played.
    pub fn at(&self, run: u64, after: u64) -> Result<Book, Misasked> {
        let mut run = Run::new(&self.book, &self.plan, run).map_err(|why| misasked(&why))?;
        while run.next_after().is_some_and(|next| next <= after) {
            run.step().map_err(|why| misasked(&why))?;
        }
        Ok(run.book().clone())
    }

    /// The book that the crash is done to.
    #[must_use]
    pub fn book(&self) -> &Book {
        &self.book
    }
}

fn misasked(why: &Unplayable) -> Misasked {
    match why {
        Unplayable::Stands { market, refusal } => {
            Misasked::Stands { market: market.clone(), refusal: *refusal }
        }
        Unplayable::TooMany => Misasked::TooMany { found: usize::MAX },
        Unplayable::Price { .. } | Unplayable::Plan(_) => {
            Misasked::NoEstimate { found: "a crash that cannot be played".into(), expected: why.to_string() }
        }
    }
}

fn no(found: impl Into<String>, expected: impl Into<String>) -> Misasked {
    Misasked::NoEstimate { found: found.into(), expected: expected.into() }
}

/// Every asset of a crash as a series of no prices: what asks which series moves a price asks by names alone.
fn named(crash: &Crash) -> Result<History, Misasked> {
    let one = || Bars::new(1, vec![Bar { time: 0, open: 1.0, high: 1.0, low: 1.0, close: 1.0 }]);
    let mut series: Vec<Series> = Vec::new();
    for asset in crash.assets.iter().filter(|asset| !asset.blind) {
        for name in &asset.names {
            if series.iter().any(|known| known.base.eq_ignore_ascii_case(name)) {
                return Err(no(format!("{name} twice"), "each asset under one [[asset]]"));
            }
            let bars = one().map_err(|why| no(why.to_string(), "a bar"))?;
            series.push(Series { base: name.clone(), quote: DOLLAR.into(), bars, ranged: false });
        }
    }
    Ok(History::new(DOLLAR.into(), series, Vec::new(), String::new()))
}

/// Every leaf that the prices hang on which some account's market reads for it.
fn read(book: &Book) -> BTreeSet<PriceId> {
    let mut slots: Vec<BTreeSet<usize>> =
        held_slots(book, |_, _| true).into_iter().map(|slots| slots.into_iter().collect()).collect();
    for listed in &book.accounts {
        let reads = book.markets[listed.market].market.reads(&listed.account);
        slots[listed.market].extend(reads.into_iter().flatten());
    }
    let mut leaves = BTreeSet::new();
    for (listed, slots) in book.markets.iter().zip(slots) {
        for slot in slots {
            if let Some(id) = listed.wiring.get(slot).copied().flatten() {
                let is_feed = |id: &PriceId| matches!(book.graph.origin(*id), Some(Origin::Feed(_)));
                leaves.extend(book.graph.leaves(id).into_iter().filter(is_feed));
            }
        }
    }
    leaves
}

/// Names with the other names that the book has for them.
fn aliases(names: Vec<String>, known: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let others: Vec<String> =
        names.iter().flat_map(|name| known.get(name).into_iter().flatten().cloned()).collect();
    let mut all = names;
    for other in others {
        if !all.contains(&other) {
            all.push(other);
        }
    }
    all
}

fn raw(number: Decimal) -> Result<U256, Misasked> {
    let wrong = |_| no(number.to_string(), "a number of at most 18 digits after the point");
    number.cut(18).scaled_amount(18).map_err(wrong)
}

/// A part or a multiple in basis points of one, cut.
fn bps(number: Decimal) -> Result<u64, Misasked> {
    let wrong = || no(number.to_string(), "a number that fits basis points");
    number.cut(4).scaled_amount(4).ok().and_then(U256::to_u64).filter(|bps| *bps < 1 << 40).ok_or_else(wrong)
}

fn float(number: Decimal) -> f64 {
    crate::chance::float(number)
}

fn oracle(crash: &Crash, called: &[String]) -> Result<Oracle, Misasked> {
    let of = |oracle: &&CrashOracle| {
        oracle.assets.is_empty() || oracle.assets.iter().any(|name| called.contains(name))
    };
    let Some(terms) = crash.oracles.iter().rfind(of) else { return Ok(Oracle::default()) };
    let wrong = match terms.wrong {
        Some((from, to, times)) => Some([from, to, bps(times)?]),
        None => None,
    };
    Ok(Oracle {
        heartbeat: terms.heartbeat,
        deviation: bps(terms.deviation)?,
        delay: terms.delay,
        mean: terms.mean,
        cap: terms.cap.map_or(Ok(0), bps)?,
        frozen: terms.frozen,
        wrong,
    })
}

fn paths(crash: &Crash) -> Result<Paths, Misasked> {
    // Ways of several assets have points at different times: each is read at all of them.
    let mut times: BTreeSet<u64> =
        crash.assets.iter().flat_map(|it| it.way.iter().map(|(at, _)| *at)).collect();
    times.insert(0);
    let log = |asset: &plimsoll_core::CrashAsset, at: u64| {
        let mut before = (0, 0.0);
        for (time, left) in &asset.way {
            let here = (*time, float(*left).ln());
            if *time >= at {
                let width = (time - before.0) as f64;
                let part = if width > 0.0 { (at - before.0) as f64 / width } else { 1.0 };
                return before.1 + (here.1 - before.1) * part;
            }
            before = here;
        }
        before.1
    };
    let way: Vec<Tick> = times
        .iter()
        .map(|at| Tick { after: *at, logs: crash.assets.iter().map(|asset| log(asset, *at)).collect() })
        .collect();
    let each = crash.assets.iter().map(|asset| Motion {
        volatility: float(asset.volatility),
        jump: float(asset.jump).ln(),
        spread: float(asset.spread),
    });
    let each: Vec<Motion> = each.collect();
    let moves = |motion: &Motion| motion.volatility > 0.0;
    let jumps = !crash.jumps.mantissa.is_zero();
    if !jumps && !each.iter().any(moves) {
        let paths = Paths::points(&way, crash.steps, crash.step);
        return paths.ok_or_else(|| no("a way without points", "points in order of time"));
    }
    Ok(Paths::Drawn(Drawn {
        steps: crash.steps,
        seconds: crash.step,
        way,
        each,
        together: float(crash.together),
        jumps: float(crash.jumps),
    }))
}

fn curves(
    crash: &Crash,
    depth: &Depth,
    known: &BTreeMap<String, BTreeSet<String>>,
) -> Result<Vec<Curve>, Misasked> {
    let street = &crash.street;
    let curve = |curve: &plimsoll_core::DepthCurve| {
        let assets = aliases(curve.assets.clone(), known);
        let mut points = Vec::new();
        for [sold, brings] in &curve.points {
            points.push([raw(*sold)?, raw(*brings)?]);
        }
        let its = |asset: &plimsoll_core::CrashAsset| {
            !asset.blind && aliases(asset.names.clone(), known).iter().any(|name| assets.contains(name))
        };
        Ok(Curve {
            driver: crash.assets.iter().position(its),
            assets,
            against: curve.against.clone(),
            price: raw(curve.price)?,
            points,
            half_life: street.half_life,
            withdraws: bps(street.withdraws)?,
            spills: bps(street.spills)?,
        })
    };
    depth.curves.iter().map(curve).collect()
}

fn pools(book: &Book, crash: &Crash) -> Result<Vec<Amm>, Misasked> {
    let price = |name: &String| {
        let counts = |id: PriceId| book.graph.price(id).is_some_and(|price| price.unit.currency == DOLLAR);
        let wired = book.markets.iter().flat_map(|listed| listed.market.slots().iter().zip(&listed.wiring));
        let by_slot =
            wired.filter(|(slot, _)| slot.asset == *name).find_map(|(_, id)| id.filter(|id| counts(*id)));
        let prices = book.graph.prices().iter().enumerate();
        let by_unit = prices
            .filter(|(_, price)| price.unit.currency == DOLLAR && price.unit.per.as_ref() == Some(name))
            .map(|(at, _)| PriceId(at as u32))
            .next();
        by_slot.or(by_unit).ok_or_else(|| {
            no(format!("a pool of {name}"), format!("a price of {name} in {DOLLAR} in the book"))
        })
    };
    let pool = |pool: &plimsoll_core::CrashPool| {
        let [a, b] = &pool.assets;
        let rule = pool.amplification.map_or(Rule::ConstantProduct, |a| Rule::StableSwap(U256::from(a)));
        Ok(Amm {
            name: pool.name.clone(),
            prices: [price(a)?, price(b)?],
            assets: pool.assets.clone(),
            pool: Pool {
                rule,
                reserves: vec![raw(pool.reserves[0])?, raw(pool.reserves[1])?],
                fee: raw(pool.fee)?,
            },
            latency: pool.latency,
        })
    };
    crash.pools.iter().map(pool).collect()
}

fn keepers(crash: &Crash) -> Result<Vec<Keeper>, Misasked> {
    let keeper = |keeper: &plimsoll_core::CrashKeeper| {
        Ok(Keeper {
            name: keeper.name.clone(),
            capital: keeper.capital.map(raw).transpose()?,
            least: raw(keeper.least)?,
            gas_most: keeper.gas_most.map(bps).transpose()?,
            calls: keeper.calls,
            awake: bps(keeper.awake)?,
        })
    };
    crash.keepers.iter().map(keeper).collect()
}

fn borrowers(crash: &Crash) -> Result<Vec<Borrowers>, Misasked> {
    let small =
        |number| bps(number).and_then(|bps| u32::try_from(bps).map_err(|_| no("a health", "at most 100")));
    let of = |it: &plimsoll_core::CrashBorrowers| {
        Ok(Borrowers {
            policy: if it.pays_in { Policy::TopUp } else { Policy::Repay },
            share: bps(it.share)?,
            trigger: small(it.trigger)?,
            target: small(it.target)?,
            delay: it.delay,
            times: it.times,
        })
    };
    crash.borrowers.iter().map(of).collect()
}

/// What a call costs in dollars: as the depth says it for them, else for the first currency that it names; nothing where it names none.
fn gas(depth: Option<&Depth>) -> Result<U256, Misasked> {
    let Some(depth) = depth else { return Ok(U256::ZERO) };
    let first = depth.gas.first().map(|gas| gas.amount);
    match depth.gas_in(DOLLAR).or(first) {
        Some(amount) => raw(amount),
        None => Ok(U256::ZERO),
    }
}

/// What a unit of each market's currency is worth in dollars now, and those of which the book does not say.
fn units(book: &Book) -> (Vec<(String, U256)>, Vec<String>) {
    let quotes = book.graph.quotes(book.at);
    let (mut units, mut unpriced): (Vec<(String, U256)>, Vec<String>) = (Vec::new(), Vec::new());
    for listed in &book.markets {
        let currency = currency(&*listed.market);
        let known = units.iter().any(|(name, _)| *name == currency) || unpriced.contains(&currency);
        if known || currency == DOLLAR {
            continue;
        }
        let named = aliases(vec![currency.clone()], &known_as(book));
        let found = book.graph.prices().iter().zip(&quotes).find_map(|(price, quote)| {
            let is = price.unit.currency == DOLLAR
                && price.unit.per.as_ref().is_some_and(|per| named.contains(per));
            let value = quote.value.filter(|_| is)?.cut(18).scaled_amount(18).ok()?;
            (value != U256::ZERO).then_some(value)
        });
        match found {
            Some(unit) => units.push((currency, unit)),
            None => unpriced.push(currency),
        }
    }
    (units, unpriced)
}

/// An amount of a currency in dollars, as at the start, cut; as it is where the book does not say.
#[must_use]
pub fn in_dollars(plan: &Plan, currency: &str, amount: plimsoll_core::Int) -> Option<plimsoll_core::Int> {
    let unit = plan.units.iter().find(|(name, _)| name == currency).map_or(ONE, |(_, unit)| *unit);
    let whole = amount.magnitude().mul_div_wide(unit, ONE, Rounding::Down)?;
    Some(plimsoll_core::Int::from_parts(amount.is_negative(), whole))
}
