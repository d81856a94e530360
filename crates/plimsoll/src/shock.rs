//! A scenario done to a book: which of its prices move, by how much, and whether the scenario says something of
//! everything that the book holds.
//!
//! Assets move in dollars; a price between two moves by the one over the other. Each kind of price (oracle, market,
//! redemption) has moves of its own. Observed prices move; what is derived from them follows by the graph.

mod after;
mod before;
mod decide;
mod fraction;
mod moves;
mod named;
mod one_move;
mod part;
mod said;
mod sale;
mod unsaid;

use crate::ask::Misasked;
use after::{at_step, bounds, change, doubt, is_market, observation, still_bounded};
use decide::Decided;
use fraction::Fraction;
use moves::Moves;
pub use named::known_assets;
pub(crate) use named::{Same, known_as, names};
use part::Part;
use plimsoll_core::{
    Book, Decimal, FeedKind, Graph, Int, Kind, Observation, Origin, PriceId, PriceUnit, Scale, Scenario,
};
use said::{SaidSale, said_sales};
use sale::uncapped;
pub(crate) use sale::{sale_readings, sales_at_par};
use std::collections::BTreeSet;
use unsaid::{still, unsaid};

/// What whoever asks says of assets that a scenario does not name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// These stand still.
    pub hold: Vec<String>,
    /// These move as another does.
    pub map: Vec<Mapping>,
}

/// An asset that moves as another does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The asset.
    pub asset: String,
    /// The other.
    pub like: String,
    /// So many times as far: of 1.3, 26 % where the other moves 20 %.
    pub times: Decimal,
}

/// A price that a scenario moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceMove {
    /// Its name in the book.
    pub name: String,
    /// What it is counted in.
    pub unit: PriceUnit,
    /// Which question it answers; `None` of one that was derived or assumed.
    pub kind: Option<FeedKind>,
    /// What it was.
    pub from: Decimal,
    /// What it is.
    pub to: Decimal,
    /// It would have gone further, and the feed cannot say so.
    pub bound: bool,
}

/// A book after a scenario.
#[derive(Clone)]
pub struct Shocked {
    /// The book as it is then. Nothing stands between its feeds and what its markets act on.
    pub book: Book,
    /// The observed prices that moved.
    pub moved: Vec<PriceMove>,
    /// What the market's price of an asset does where the oracle's feed of it does not follow, and the book has no price of a sale:
    /// from the feed's own price on. Only sales are at it.
    pub market: Vec<PriceMove>,
    /// Assets that stand still because it was said, by the scenario or whoever asked.
    pub held: Vec<String>,
    /// Assets that move as others.
    pub mapped: Vec<Mapping>,
    /// Assets of which whoever asked said something else than the scenario's own shock.
    pub overridden: Vec<String>,
    /// Targets of the scenario's shocks none of whose assets moves a price of the book, and such mapped assets: misspelt, without a feed
    /// of their own, or one that has no price.
    pub without_effect: Vec<String>,
    /// Prices that are constants, also with the rate of a vault before them, and blind to any market: market, asset, price.
    pub constant: Vec<(String, String, String)>,
    /// Markets whose delayed oracle is taken as if the shock had gone through.
    pub undelayed: Vec<String>,
    /// Prices as they would be if every oracle followed the market: what sales are worth where the book has no price of a
    /// sale. No floor or ceiling holds them.
    pub sales: Graph,
    /// Where oracles would stand if no floor or ceiling held them: where a path goes.
    pub(crate) beyond: Graph,
    /// Which names are of one asset.
    pub(crate) same: Same,
    /// What the scenario says that a sale fetches where the book has no feed that could: they stand behind the book's own prices in `sales`.
    said_sales: Vec<SaidSale>,
}

impl Shocked {
    /// A book to which nothing is done.
    pub(crate) fn unmoved(book: &Book) -> Shocked {
        let (book, undelayed) = (book.clone(), Vec::new());
        let [sales, beyond] = [uncapped(&book.graph), book.graph.clone()];
        let (moved, market) = (Vec::new(), Vec::new());
        let (held, mapped, constant) = (Vec::new(), Vec::new(), Vec::new());
        let (overridden, without_effect) = (Vec::new(), Vec::new());
        let (same, said_sales) = (Same::of_book(&book), Vec::new());
        Shocked {
            book,
            same,
            said_sales,
            moved,
            market,
            held,
            mapped,
            overridden,
            without_effect,
            constant,
            undelayed,
            sales,
            beyond,
        }
    }

    /// Prices so many steps on a straight way from those of a book to these, each that differs cut to its digits: what oracles
    /// say, and what sales are worth. The way leads past a floor or ceiling; a feed that has one is held within it at each step.
    pub(crate) fn on_the_way(&self, from: &Book, step: u32, of: u32) -> Option<[Graph; 2]> {
        let mut graphs = [self.book.graph.clone(), self.sales.clone()];
        if step == of {
            return Some(graphs);
        }
        let quotes = from.graph.quotes(from.at);
        for (graph, oracles) in graphs.iter_mut().zip([true, false]) {
            for (at, was) in quotes.iter().enumerate() {
                let id = PriceId(at as u32);
                let first = from.graph.origin(id)?;
                // What a market's feed says, a sale is at.
                let held = oracles || is_market(first);
                let end = if held { &self.beyond } else { &self.sales };
                let feeds = [end.origin(id), graph.origin(id)];
                let [Some(Origin::Feed(end)), Some(Origin::Feed(feed))] = feeds else { continue };
                let (Some(to), Some(was), Some(_)) = (end.price, was.value, feed.price) else { continue };
                if to.trimmed() != was.trimmed() {
                    let bounds = if held { bounds(first) } else { [None; 2] };
                    let price = part_of_way(was, to, step, of, digits(from, id))?;
                    let seen = at_step(feed, bounds, price)?;
                    graph.observe(id, seen)?;
                }
            }
        }
        for said in &self.said_sales {
            let (Some(Origin::Feed(feed)), Some(from)) = (self.sales.origin(said.id), said.from) else {
                continue;
            };
            let Some(to) = feed.price else { continue };
            let seen =
                Observation { price: Some(part_of_way(from, to, step, of, said::DIGITS)?), ..feed.clone() };
            graphs[1].observe(said.id, seen)?;
        }
        Some(graphs)
    }
}

/// `from` and so many parts of the way to `to`, cut.
fn part_of_way(from: Decimal, to: Decimal, step: u32, of: u32, digits: u8) -> Option<Decimal> {
    let decimals = from.decimals.max(to.decimals).max(digits);
    let (from, to) = (from.scaled(decimals).ok()?, to.scaled(decimals).ok()?);
    let way =
        to.sub(from)?.mul(Int::new(step.into()))?.div(Int::new(of.into()), plimsoll_core::Rounding::Down)?;
    Some(Decimal { mantissa: from.add(way)?, decimals }.cut(digits).trimmed())
}

/// Does a scenario to a book.
///
/// # Errors
/// When the book holds something of which nothing is said, a name is not the book's, or a price cannot be what it would be.
pub fn shocked(book: &Book, scenario: &Scenario, said: &Said) -> Result<Shocked, Misasked> {
    let quotes = book.graph.quotes(book.at);
    let moves = Moves::new(book, &quotes, scenario, said)?;
    let prices = book.graph.prices();
    let ids = || (0..prices.len()).map(|at| PriceId(at as u32));
    let decided: Vec<Decided> = ids().map(|id| moves.decide(id)).collect();
    // Of an oracle: where it would be if it followed the market.
    let decided_sales: Vec<Decided> = ids().map(|id| moves.decide_sale(id)).collect();
    let constant = unsaid(book, scenario, &moves, [&decided, &decided_sales])?;
    let mut after = book.clone();
    let [mut sales, mut beyond] = [uncapped(&book.graph), book.graph.clone()];
    let wired = book.markets.iter().flat_map(|listed| listed.wiring.iter().flatten());
    let read: BTreeSet<PriceId> = wired.flat_map(|id| sales.below(*id, Origin::legs)).collect();
    let (mut moved, mut market) = (Vec::new(), Vec::new());
    // The ids are those of these graphs.
    for (id, price) in ids().zip(prices) {
        let (quote, origin) = (&quotes[id.0 as usize], &price.origin);
        let [known, sold] = [&decided, &decided_sales].map(|decided| &decided[id.0 as usize]);
        let oracle = change(book, id, quote, known, true)?;
        if let Some(end) = change(book, id, quote, known, false)? {
            let _ = beyond.observe(id, observation(origin, end.to));
        }
        if let Some(oracle) = &oracle {
            let _ = after.graph.observe(id, still_bounded(observation(origin, oracle.to), origin, id, known));
        }
        let sale = change(book, id, quote, sold, is_market(origin))?;
        if let Some(sale) = &sale {
            let mut seen = observation(origin, sale.to);
            if !is_market(origin) {
                // No bound of an oracle holds the market.
                (seen.floor, seen.ceiling) = (None, None);
            }
            let _ = sales.observe(id, still_bounded(seen, origin, id, sold));
        }
        if matches!(sold, Decided::Lost) {
            let nothing = observation(origin, Decimal::whole(Int::ZERO));
            let _ = sales.observe(id, Observation { price: None, ..nothing });
        }
        if let Some(sale) = sale {
            let follows = oracle.as_ref().is_some_and(|oracle| oracle.to == sale.to);
            // What was written down of no price is no move of one.
            let is_price = matches!(origin, Origin::Feed(_)) || read.contains(&id);
            if !follows && is_price && !is_market(origin) && !moves.is_sold(id) {
                market.push(PriceMove { kind: Some(FeedKind::Market), ..sale });
            }
        }
        moved.extend(oracle);
    }
    doubt(&mut after.graph, book.at, &quotes, &decided);
    doubt(&mut sales, book.at, &quotes, &decided_sales);
    let undelayed = undelay(&mut after);
    still([book, &after], &moves.same, &moves.held_still(said), said)?;
    let said_sales = said_sales(book, &moves, &mut sales)?;
    let same = moves.same.clone();
    let (held, mapped) = (moves.held().to_vec(), said.map.clone());
    let (overridden, without_effect) = (moves.overridden().to_vec(), moves.unheard(scenario, said));
    Ok(Shocked {
        book: after,
        moved,
        market,
        held,
        mapped,
        overridden,
        without_effect,
        constant,
        undelayed,
        sales,
        beyond,
        same,
        said_sales,
    })
}

/// Lets every price go through the oracles that delay it; the markets with one.
pub(crate) fn undelay(book: &mut Book) -> Vec<String> {
    let mut undelayed = Vec::new();
    for listed in &mut book.markets {
        if let Some(market) = listed.market.undelayed() {
            listed.market = market;
            undelayed.push(listed.name.clone());
        }
    }
    undelayed
}

/// The feeds that a scenario halves, and those that it doubles: what moves with its factor, and against it.
///
/// # Errors
/// As [`shocked`]; and when a feed does neither.
pub(crate) fn halved(book: &Book, scenario: &Scenario, said: &Said) -> Result<[Vec<PriceId>; 2], Misasked> {
    let quotes = book.graph.quotes(book.at);
    let moves = Moves::new(book, &quotes, scenario, said)?;
    let [mut with, mut against] = [Vec::new(), Vec::new()];
    for (at, price) in book.graph.prices().iter().enumerate() {
        let id = PriceId(at as u32);
        let Decided::Times(Part { times: part, .. }) = moves.decide(id) else { continue };
        let is = |other: Fraction| part.by(other).is_some_and(Fraction::is_one);
        let [half, two] = [Decimal { mantissa: Int::new(5), decimals: 1 }, Decimal::whole(Int::new(2))];
        match () {
            () if part.is_one() || quotes[at].value.is_none() => {}
            () if is(Fraction::whole(two)) => with.push(id),
            () if is(Fraction::whole(half)) => against.push(id),
            () => {
                let (price, found) =
                    (price.name.clone(), format!("a move of its own: {part} where the factor is 0.5"));
                let expected = "a price that moves by the factor, or against it, or stands".into();
                return Err(Misasked::NoPrice { price, found, expected });
            }
        }
    }
    Ok([with, against])
}

/// So many digits after the point are kept: those that every market takes that reads the price as it is.
pub(crate) fn digits(book: &Book, id: PriceId) -> u8 {
    let written = match book.graph.price(id).map(|price| &price.origin) {
        Some(Origin::Feed(Observation { scale: Scale::Raw, .. })) => return 0,
        Some(Origin::Feed(Observation { price: Some(price), .. }) | Origin::Constant(price)) => {
            price.trimmed().decimals
        }
        origin => origin.and_then(Origin::decimals).unwrap_or(0),
    };
    read_in(book, id).unwrap_or(written.max(8))
}

/// The digits after the point that every market takes that reads a price as it is; `None` where none does.
fn read_in(book: &Book, id: PriceId) -> Option<u8> {
    let slots = book.markets.iter().flat_map(|listed| listed.market.slots().iter().zip(&listed.wiring));
    let reads = |wired: PriceId| book.graph.below(wired, Origin::handed_on).contains(&id);
    slots.filter(|(_, wired)| wired.is_some_and(reads)).map(|(slot, _)| slot.decimals).min()
}

/// The places, in each market, of the price slots that some account hangs on: of what it holds or owes, or what its market says that
/// it reads.
fn read_slots(book: &Book) -> Vec<BTreeSet<usize>> {
    let held = held_slots(book, |_, _| true);
    let mut slots: Vec<BTreeSet<usize>> = held.into_iter().map(|slots| slots.into_iter().collect()).collect();
    for listed in &book.accounts {
        slots[listed.market]
            .extend(book.markets[listed.market].market.reads(&listed.account).into_iter().flatten());
    }
    slots
}

/// The places, in each market, of the price slots of what some account holds or owes there.
pub(crate) fn held_slots(
    book: &Book,
    of: impl Fn(usize, &plimsoll_core::Holding) -> bool,
) -> Vec<Vec<usize>> {
    let mut assets: Vec<BTreeSet<&str>> = vec![BTreeSet::new(); book.markets.len()];
    for (place, listed) in book.accounts.iter().enumerate() {
        let market = &*book.markets[listed.market].market;
        for holding in listed.account.holdings() {
            let instrument = market.instruments().get(holding.instrument.index());
            let counts = |kind| kind != Kind::Asset;
            if let Some(instrument) = instrument.filter(|i| counts(i.kind) && !holding.quantity.is_zero())
                && !assets[listed.market].contains(instrument.asset.as_str())
                && of(place, holding)
            {
                assets[listed.market].insert(&instrument.asset);
            }
        }
    }
    let slots = |(listed, assets): (&plimsoll_core::ListedMarket, &BTreeSet<&str>)| {
        let slots = listed.market.slots().iter().enumerate();
        slots.filter(|(_, slot)| assets.contains(slot.asset.as_str())).map(|(at, _)| at).collect()
    };
    book.markets.iter().zip(&assets).map(slots).collect()
}
