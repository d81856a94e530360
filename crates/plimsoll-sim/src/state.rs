//! The book while it is played: prices as oracles publish them and as sales would fetch them, and who stands below which line.
//!
//! The book is the real one: what is published is observed in its price graph, and its markets act on that. Whoever may have crossed a line is
//! found by the kernel's tick index and judged by the market's integers; nobody else is looked at.

use crate::oracle::{Feed, WHOLE, factor};
use crate::plan::Plan;
use plimsoll_core::{
    AccountId, Book, Compiled, Decimal, Effects, Feeds, Int, Lens, Market, Node, Observation, Origin, Party,
    PriceId, Question, Quote, Quoted, Reading, Refusal, Rounding, Test, Time, U256, Verdict, Why,
};
use plimsoll_kernel::{Candidate, Index, Layout, Level, MarketRows, World};
use std::collections::BTreeSet;

/// Why a book cannot be played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unplayable {
    /// A market cannot stand at the book's time and prices.
    Stands {
        /// Its name.
        market: String,
        /// What it says.
        refusal: Refusal,
    },
    /// More accounts or nodes than the index takes.
    TooMany,
    /// A price that shall move has no value, or is no price of the book.
    Price {
        /// Its name.
        price: String,
    },
    /// A number of the plan that cannot be.
    Plan(&'static str),
}

impl std::fmt::Display for Unplayable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Unplayable::Stands { market, refusal } => write!(f, "market {market} does not stand: {refusal}"),
            Unplayable::TooMany => f.write_str("the book has more accounts or nodes than a simulation takes"),
            Unplayable::Price { price } => write!(f, "price {price} has no value to move from"),
            Unplayable::Plan(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for Unplayable {}

/// What moves with a leaf.
struct Moved {
    id: PriceId,
    start: Decimal,
    digits: u8,
    powers: Vec<(usize, f64)>,
    /// What stands between; `None` where it is a market's own price.
    feed: Option<Feed>,
    /// Its factor in the market now.
    market: u128,
}

/// A market's place in the index.
struct Place {
    base: u32,
    epoch: u64,
    nodes: Vec<Result<Node, Why>>,
    readings: Vec<Reading>,
}

/// Who stands below which level, and the book.
pub(crate) struct State {
    pub(crate) book: Book,
    start: Time,
    leaves: Vec<Moved>,
    /// The same prices as the market has them.
    sales: Vec<Quote>,
    sales_at: u64,
    places: Vec<Place>,
    index: Index,
    levels: Vec<Level>,
    pub(crate) crossed: Crossed,
    /// Accounts that could not be judged when they were asked about.
    pub(crate) unknown: BTreeSet<u32>,
    /// Accounts that the index looked at so far.
    pub(crate) touched: u64,
    after: u64,
    /// Of each market, slots whose asset the market sells at another price than its oracle's: with the driver.
    discounts: Vec<Vec<(usize, usize)>>,
    /// What drivers' factors are now.
    factors: Vec<u128>,
}

/// Who stands where, as the index told it.
#[derive(Default)]
pub(crate) struct Crossed {
    /// Below the line.
    pub(crate) below: BTreeSet<u32>,
    /// Who fell below it since these were last taken.
    pub(crate) fell: Vec<u32>,
    /// Who fell below a borrower's level since these were last taken: the level's place, and the account.
    pub(crate) near: Vec<(u8, u32)>,
}

impl Crossed {
    fn note(&mut self, event: plimsoll_kernel::Event) {
        match (event.level, event.unhealthy) {
            (0, true) => {
                self.below.insert(event.account);
                self.fell.push(event.account);
            }
            (0, false) => {
                self.below.remove(&event.account);
            }
            (level, true) => self.near.push((level, event.account)),
            (_, false) => {}
        }
    }
}

/// Readings as the venue uses them: doubts are ours and not its own.
fn used(readings: Vec<Reading>) -> Vec<Reading> {
    readings.into_iter().map(|reading| reading.value.map_or(reading, Reading::certain)).collect()
}

/// A decimal times a factor, cut to its digits; never zero.
fn times(start: Decimal, factor: u128, digits: u8) -> Option<Decimal> {
    let mantissa = start.mantissa.to_u256()?;
    let finer = digits.saturating_sub(start.decimals);
    let scale = U256::pow10(finer)?;
    let whole = mantissa.mul(scale)?.mul_div_wide(U256::new(factor), U256::new(WHOLE), Rounding::Down)?;
    let moved = Decimal { mantissa: whole.into(), decimals: start.decimals.checked_add(finer)? }.cut(digits);
    let least = Decimal { mantissa: Int::ONE, decimals: digits };
    Some(if moved.mantissa.is_zero() { least } else { moved.trimmed() })
}

impl State {
    /// The book before anything has moved. `triggers` are the levels of borrowers \[bps of one\].
    pub(crate) fn new(book: &Book, plan: &Plan, triggers: &[u32]) -> Result<State, Unplayable> {
        let mut book = book.clone();
        let quotes = book.graph.quotes(book.at);
        let mut leaves = Vec::new();
        for leaf in &plan.leaves {
            let name = || book.graph.price(leaf.id).map_or_else(String::new, |price| price.name.clone());
            let start = quotes.get(leaf.id.0 as usize).and_then(|quote| quote.value);
            let start = start.ok_or_else(|| Unplayable::Price { price: name() })?;
            if leaf.powers.iter().any(|(driver, power)| *driver >= plan.drivers.len() || !power.is_finite()) {
                return Err(Unplayable::Plan("a price moves with a driver that there is not"));
            }
            leaves.push(Moved {
                id: leaf.id,
                start,
                digits: leaf.digits,
                powers: leaf.powers.clone(),
                feed: leaf.oracle.map(Feed::new),
                market: WHOLE,
            });
        }
        // A delayed oracle of the venue's own is that of the plan: nothing stands between twice.
        for listed in &mut book.markets {
            if let Some(market) = listed.market.undelayed() {
                listed.market = market;
            }
        }
        let line = Level { num: 1, den: 1 };
        let levels: Vec<Level> = std::iter::once(line)
            .chain(triggers.iter().map(|bps| Level { num: *bps, den: 10_000 }))
            .collect();
        let mut places = Vec::new();
        for listed in &book.markets {
            let readings = used(book.readings(listed, &quotes));
            let nodes = nodes(&*listed.market, &readings, book.at)
                .map_err(|refusal| Unplayable::Stands { market: listed.name.clone(), refusal })?;
            places.push(Place { base: 0, epoch: listed.market.epoch(), nodes, readings });
        }
        let layout = Layout::new(places.iter().map(|place| place.nodes.len())).ok_or(Unplayable::TooMany)?;
        for (at, place) in places.iter_mut().enumerate() {
            place.base = layout.base(at).ok_or(Unplayable::TooMany)?;
        }
        let world = World::new(&layout, places.iter().map(|place| &place.nodes[..]));
        let mut index =
            Index::new(&layout, world, &levels).ok_or(Unplayable::Plan("at most seven triggers above 0"))?;
        index.reserve(u32::try_from(book.accounts.len()).map_err(|_| Unplayable::TooMany)?);
        let start = book.at;
        let discounted = |asset: &String| {
            let of = |(names, _): &&(Vec<String>, usize)| names.contains(asset);
            plan.discounts.iter().find(of).map(|(_, driver)| *driver)
        };
        let slots = |listed: &plimsoll_core::ListedMarket| {
            let slots = listed.market.slots().iter().enumerate();
            slots.filter_map(|(slot, spec)| Some((slot, discounted(&spec.asset)?))).collect()
        };
        if plan.discounts.iter().any(|(_, driver)| *driver >= plan.drivers.len()) {
            return Err(Unplayable::Plan("a discount moves with a driver that there is not"));
        }
        let discounts = book.markets.iter().map(slots).collect();
        let mut state = State {
            discounts,
            factors: vec![WHOLE; plan.drivers.len()],
            start,
            leaves,
            sales: quotes,
            sales_at: 0,
            places,
            index,
            levels,
            crossed: Crossed::default(),
            unknown: BTreeSet::new(),
            touched: 0,
            after: 0,
            book,
        };
        let mut of: Vec<Vec<u32>> = vec![Vec::new(); state.book.markets.len()];
        for (place, listed) in (0..).zip(&state.book.accounts) {
            of[listed.market].push(place);
        }
        for (market, accounts) in of.into_iter().enumerate() {
            state.update(market, accounts)?;
        }
        Ok(state)
    }

    /// Seconds since the start.
    pub(crate) fn after(&self) -> u64 {
        self.after
    }

    /// Prices are at these factors of drivers, at a second; the leaves that oracles published, with their factors.
    pub(crate) fn look(&mut self, after: u64, drivers: &[f64]) -> Vec<(PriceId, u128)> {
        self.after = after;
        self.book.at = Time(self.start.0.saturating_add(after));
        let mut published = Vec::new();
        for (factor_now, log) in self.factors.iter_mut().zip(drivers) {
            *factor_now = factor(libm::exp(*log));
        }
        for leaf in &mut self.leaves {
            let log: f64 = leaf.powers.iter().map(|(driver, power)| power * drivers[*driver]).sum();
            leaf.market = factor(libm::exp(log));
            let moved = match &mut leaf.feed {
                Some(feed) => feed.look(after, leaf.market).then(|| feed.now()),
                None => (leaf.market != WHOLE).then_some(leaf.market),
            };
            let price = moved.and_then(|factor| Some((factor, times(leaf.start, factor, leaf.digits)?)));
            if let Some((factor, price)) = price
                && let Some(seen) =
                    self.book.graph.origin(leaf.id).and_then(|origin| observed(origin, price, self.book.at))
            {
                let _ = self.book.graph.observe(leaf.id, seen);
                published.push((leaf.id, factor));
            }
        }
        published
    }

    /// Judges whoever may have crossed since the last time: prices, time and markets are what they are now.
    pub(crate) fn tick(&mut self) -> Result<(), Unplayable> {
        let quotes = self.book.graph.quotes(self.book.at);
        for (place, listed) in self.places.iter_mut().zip(&self.book.markets) {
            place.readings = used(self.book.readings(listed, &quotes));
        }
        let State { book, places, index, levels, unknown, crossed, touched, .. } = self;
        let quoted = places.iter().enumerate().map(|(at, place)| stand(book, at, place));
        let quoted: Vec<Box<dyn Quoted + '_>> = quoted.collect::<Result<_, _>>()?;
        let mut moved = Vec::new();
        for (place, quoted) in places.iter().zip(&quoted) {
            for (at, (was, is)) in (place.base..).zip(place.nodes.iter().zip(quoted.nodes())) {
                if was != is {
                    moved.push((at, *is));
                }
            }
        }
        let mut decide = |asked: &mut [Candidate]| {
            judge(book, |market| Some(&*quoted[market]), levels, unknown, asked);
        };
        let (ticked, events) = index.tick(&moved, &mut decide);
        *touched += ticked.touched;
        events.iter().for_each(|event| crossed.note(*event));
        let mut renewed = Vec::new();
        for (at, (place, listed)) in places.iter().zip(&book.markets).enumerate() {
            if place.epoch != listed.market.epoch() {
                index.void(at as u32, &mut decide).iter().for_each(|event| crossed.note(*event));
                renewed.push(at);
            }
        }
        let nodes: Vec<Vec<Result<Node, Why>>> =
            quoted.iter().map(|quoted| quoted.nodes().to_vec()).collect();
        drop(quoted);
        for (place, nodes) in self.places.iter_mut().zip(nodes) {
            place.nodes = nodes;
        }
        for market in renewed {
            self.places[market].epoch = self.book.markets[market].market.epoch();
            let of = |place: &u32| self.book.accounts[*place as usize].market == market;
            let all: Vec<u32> = (0..self.book.accounts.len() as u32).filter(of).collect();
            self.update(market, all)?;
        }
        Ok(())
    }

    /// Accounts of a market are others than they were: their rows anew.
    fn update(&mut self, market: usize, accounts: impl IntoIterator<Item = u32>) -> Result<(), Unplayable> {
        let State { book, places, index, levels, unknown, crossed, .. } = self;
        let quoted = stand(book, market, &places[market])?;
        let question = Question { test: Test::Liquidation, lens: Lens::Action, at: book.at };
        let named = &*book.markets[market].market;
        let rows = MarketRows::screened(market as u32, places[market].base, named.epoch());
        for place in accounts {
            let compiled =
                named.compile(&book.accounts[place as usize].account, question).unwrap_or(Compiled::Opaque);
            let decide = |asked: &mut [Candidate]| {
                judge(book, |number| (number == market).then_some(&*quoted), levels, unknown, asked);
            };
            let events = index.update(place, &compiled, &rows, decide).ok_or(Unplayable::TooMany)?;
            events.iter().for_each(|event| crossed.note(*event));
        }
        Ok(())
    }

    /// What the venue of a market acts on.
    pub(crate) fn readings(&self, market: usize) -> &[Reading] {
        &self.places[market].readings
    }

    /// What sales are worth at a market's prices now, before any of it is sold.
    pub(crate) fn sale_readings(&mut self, market: usize) -> Vec<Reading> {
        self.refresh_sales();
        let mut readings = used(self.book.readings(&self.book.markets[market], &self.sales));
        for (slot, driver) in &self.discounts[market] {
            let Some(reading) = readings.get_mut(*slot) else { continue };
            let times = U256::new(self.factors[*driver]);
            let value =
                reading.value.and_then(|value| value.mul_div_wide(times, U256::new(WHOLE), Rounding::Down));
            // A price of nothing is none.
            *reading = value.map_or(*reading, |value| Reading::certain(value.max(U256::ONE)));
        }
        readings
    }

    /// The market's own price \[1e18\]; `None` where there is none.
    pub(crate) fn sale_price(&mut self, id: PriceId) -> Option<U256> {
        self.refresh_sales();
        let quote = self.sales.get(id.0 as usize)?.value?;
        quote.cut(18).scaled_amount(18).ok()
    }

    fn refresh_sales(&mut self) {
        if self.sales_at == self.after && self.after > 0 {
            return;
        }
        self.sales_at = self.after;
        let quotes = self.book.graph.quotes(self.book.at);
        let replaced: Vec<(PriceId, Quote)> = self
            .leaves
            .iter()
            .filter_map(|leaf| {
                let price = times(leaf.start, leaf.market, leaf.digits)?;
                let scale = quotes.get(leaf.id.0 as usize)?.scale;
                Some((leaf.id, Quote::between(price, price, scale)))
            })
            .collect();
        self.sales = self.book.graph.replaced(&quotes, &replaced, self.book.at);
    }

    /// What somebody's call does, and then it is done: accounts that it names are watched anew.
    pub(crate) fn apply(&mut self, market: usize, effects: &Effects) -> Result<(), Unplayable> {
        let overflow = Unplayable::Plan("an account would hold more than fits 256 bits");
        let mut named: Vec<usize> = Vec::new();
        let all = self.book.accounts.len();
        let mut name = |id: AccountId| {
            let place = usize::try_from(id.0).ok().filter(|place| *place < all);
            named.extend(place.filter(|place| !named.contains(place)));
        };
        for flow in &effects.flows {
            for party in [flow.from, flow.to] {
                if let Party::Account(id) = party {
                    name(id);
                }
            }
        }
        effects.terms.iter().for_each(|(id, _, _)| name(*id));
        let mut after = Vec::new();
        for place in &named {
            let account = effects.apply_to(&self.book.accounts[*place].account).ok_or(overflow.clone())?;
            after.push((*place, account));
        }
        let listed = &mut self.book.markets[market];
        let refused = |refusal| Unplayable::Stands { market: listed.name.clone(), refusal };
        listed.market.apply(effects).map_err(refused)?;
        for (place, account) in after {
            self.book.accounts[place].account = account;
        }
        // An effect names accounts of its own market.
        self.update(market, named.into_iter().map(|place| place as u32))
    }

    /// Accounts with what counts for them and what is asked, as their venues see them now; who cannot be judged is left out.
    pub(crate) fn standing(&self, accounts: &[u32]) -> Vec<(Int, Int, u32)> {
        let mut quoted: Vec<Option<Box<dyn Quoted + '_>>> = Vec::new();
        quoted.resize_with(self.places.len(), || None);
        let mut found = Vec::new();
        for place in accounts {
            let listed = &self.book.accounts[*place as usize];
            let known = &mut quoted[listed.market];
            if known.is_none() {
                *known = stand(&self.book, listed.market, &self.places[listed.market]).ok();
            }
            let seen = known.as_ref().map(|quoted| quoted.verdict(&listed.account, Test::Liquidation));
            if let Some(Ok(seen)) = seen {
                found.push((seen.backing, seen.requirement, *place));
            }
        }
        found
    }

    /// The exact verdict on an account as its venue sees it now: backing and requirement, collateral and debt.
    pub(crate) fn seen(&self, place: u32) -> Result<plimsoll_core::Assessment, Refusal> {
        let listed = &self.book.accounts[place as usize];
        let market = &*self.book.markets[listed.market].market;
        let feeds = Feeds { readings: self.readings(listed.market) };
        market.at(feeds, Lens::Action, self.book.at)?.verdict(&listed.account, Test::Liquidation)
    }
}

/// The observation in a price's place, where it has one.
fn observed(origin: &Origin, price: Decimal, at: Time) -> Option<Observation> {
    let Origin::Feed(feed) = origin else { return None };
    // A feed goes no further than its bounds.
    let floor = feed.floor.filter(|floor| less(price, *floor));
    let ceiling = feed.ceiling.filter(|ceiling| less(*ceiling, price));
    let price = floor.or(ceiling).unwrap_or(price);
    Some(Observation { price: Some(price), observed_at: Some(at), confidence: None, ..feed.clone() })
}

fn less(a: Decimal, b: Decimal) -> bool {
    let digits = a.decimals.max(b.decimals);
    matches!((a.scaled(digits), b.scaled(digits)), (Ok(a), Ok(b)) if a < b)
}

fn nodes(market: &dyn Market, readings: &[Reading], at: Time) -> Result<Vec<Result<Node, Why>>, Refusal> {
    Ok(market.at(Feeds { readings }, Lens::Action, at)?.nodes().to_vec())
}

fn stand<'b>(book: &'b Book, market: usize, place: &'b Place) -> Result<Box<dyn Quoted + 'b>, Unplayable> {
    let listed = &book.markets[market];
    let quoted = listed.market.at(Feeds { readings: &place.readings }, Lens::Action, book.at);
    quoted.map_err(|refusal| Unplayable::Stands { market: listed.name.clone(), refusal })
}

/// The market's integers on each: below the line, and below each level. Who cannot be judged is below none, and is told as unknown.
fn judge<'q>(
    book: &Book,
    quoted: impl Fn(usize) -> Option<&'q (dyn Quoted + 'q)>,
    levels: &[Level],
    unknown: &mut BTreeSet<u32>,
    asked: &mut [Candidate],
) {
    for candidate in asked {
        let listed = &book.accounts[candidate.account as usize];
        let seen = quoted(listed.market).map(|quoted| quoted.verdict(&listed.account, Test::Liquidation));
        let Some(Ok(seen)) = seen else {
            unknown.insert(candidate.account);
            continue;
        };
        unknown.remove(&candidate.account);
        candidate.unhealthy = match seen.verdict {
            Verdict::NoDebt => 0,
            Verdict::Unhealthy => u8::MAX,
            Verdict::Healthy => (1..levels.len()).fold(0, |bits, at| {
                let Level { num, den } = levels[at];
                let left = seen.backing.mul_wide(Int::from(u64::from(den)));
                let right = seen.requirement.mul_wide(Int::from(u64::from(num)));
                if left < right { bits | 1 << at } else { bits }
            }),
        };
    }
}
