//! A scenario done to a book: which of its prices move, by how much, and whether the scenario says something of
//! everything that the book holds.
//!
//! Assets move in dollars; a price between two moves by the one over the other. Each kind of price (oracle, market,
//! redemption) has moves of its own. Observed prices move; what is derived from them follows by the graph.

mod before;
mod fraction;
mod moves;
mod named;
mod part;
mod sale;

use crate::ask::Misasked;
use fraction::Fraction;
use moves::{Decided, Moves};
pub use named::known_assets;
pub(crate) use named::{known_as, names};
use part::{Part, doubted};
use plimsoll_core::{
    Book, Decimal, FeedKind, Graph, Int, Kind, Observation, Origin, PriceId, PriceUnit, Quote, Scale,
    Scenario,
};
pub(crate) use sale::sale_readings;
use std::collections::BTreeSet;

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
}

impl Shocked {
    /// A book to which nothing is done.
    pub(crate) fn unmoved(book: &Book) -> Shocked {
        let (book, undelayed) = (book.clone(), Vec::new());
        let [sales, beyond] = [book.graph.clone(), book.graph.clone()];
        let (moved, market) = (Vec::new(), Vec::new());
        let (held, mapped, constant) = (Vec::new(), Vec::new(), Vec::new());
        let (overridden, without_effect) = (Vec::new(), Vec::new());
        Shocked {
            book,
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
    /// say, and what sales are worth. The way leads past a floor or ceiling; an oracle's feed is held within them at each step.
    pub(crate) fn on_the_way(&self, from: &Book, step: u32, of: u32) -> Option<[Graph; 2]> {
        let mut graphs = [self.book.graph.clone(), self.sales.clone()];
        if step == of {
            return Some(graphs);
        }
        let quotes = from.graph.quotes(from.at);
        for (graph, end) in graphs.iter_mut().zip([&self.beyond, &self.sales]) {
            for (at, was) in quotes.iter().enumerate() {
                let id = PriceId(at as u32);
                let feeds = [end.origin(id), graph.origin(id)];
                let [Some(Origin::Feed(end)), Some(Origin::Feed(feed))] = feeds else { continue };
                let (Some(to), Some(was)) = (end.price, was.value) else { continue };
                if to.trimmed() != was.trimmed() {
                    let (price, _) = within(feed, part_of_way(was, to, step, of, digits(from, id))?);
                    let feed = Observation { price: Some(price), ..feed.clone() };
                    graph.observe(id, feed)?;
                }
            }
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
    let decided: Vec<Decided> = (0..prices.len()).map(|at| moves.decide(PriceId(at as u32))).collect();
    let constant = unsaid(book, scenario, &moves, &decided)?;
    let mut after = book.clone();
    let [mut sales, mut beyond] = [book.graph.clone(), book.graph.clone()];
    let (mut moved, mut market) = (Vec::new(), Vec::new());
    for (at, price) in prices.iter().enumerate() {
        let id = PriceId(at as u32);
        let after_move = |moved: Option<&PriceMove>, decided: &Decided| {
            let seen = match (moved, &price.origin) {
                (Some(moved), origin) => observation(origin, moved.to),
                // A price that happens to stay where it was is as doubtful.
                (None, Origin::Feed(feed)) => feed.clone(),
                _ => return None,
            };
            let doubted = match decided {
                Decided::Times(part) => doubted(seen.clone(), id, &quotes, &part.rests),
                _ => seen.clone(),
            };
            (moved.is_some() || doubted != seen).then_some(doubted)
        };
        let oracle = change(book, id, &quotes[at], &decided[at], true)?;
        if let Some(end) = change(book, id, &quotes[at], &decided[at], false)? {
            // The id is one of this graph.
            let _ = beyond.observe(id, observation(&price.origin, end.to));
        }
        // Of an oracle: where it would be if it followed the market.
        let decided_sale = moves.decide_sale(id);
        let sale = change(book, id, &quotes[at], &decided_sale, false)?;
        if let Some(seen) = after_move(sale.as_ref(), &decided_sale) {
            let _ = sales.observe(id, Observation { floor: None, ceiling: None, ..seen });
        }
        if let Some(sale) = sale {
            let follows = oracle.as_ref().is_some_and(|oracle| oracle.to == sale.to);
            if !follows && sale.kind == Some(FeedKind::Oracle) && !moves.is_sold(id) {
                market.push(PriceMove { kind: Some(FeedKind::Market), ..sale });
            }
        }
        // The id is one of this graph.
        if let Some(seen) = after_move(oracle.as_ref(), &decided[at]) {
            let _ = after.graph.observe(id, seen);
        }
        moved.extend(oracle);
    }
    let undelayed = undelay(&mut after);
    still(book, &after, moves.held(), said)?;
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

/// The observation of a price that a scenario moved: as old, and as uncertain in its unit, as it was.
fn observation(origin: &Origin, price: Decimal) -> Observation {
    match origin {
        Origin::Feed(observed) => Observation { price: Some(price), ..observed.clone() },
        _ => Observation {
            kind: FeedKind::Oracle,
            price: Some(price),
            scale: Scale::Decimal,
            source: "scenario".into(),
            observed_at: None,
            max_age: None,
            confidence: None,
            floor: None,
            ceiling: None,
        },
    }
}

/// What becomes of a price, within the bounds of its feed or not; `None` where it stands.
fn change(
    book: &Book,
    id: PriceId,
    quote: &Quote,
    decided: &Decided,
    bounded: bool,
) -> Result<Option<PriceMove>, Misasked> {
    let (Some(price), Some(from)) = (book.graph.price(id), quote.value) else { return Ok(None) };
    let digits = digits(book, id);
    let refuse = |found: String, expected: &str| {
        Err(Misasked::NoPrice { price: price.name.clone(), found, expected: expected.into() })
    };
    let to = match decided {
        Decided::Unsaid(_) => return Ok(None),
        Decided::Times(part) if part.times.is_one() => return Ok(None),
        Decided::Times(Part { times: part, .. }) => match part.of(from, digits) {
            Some(to) => to,
            None => return refuse(format!("{from} times {part}"), "a price that 256 bits hold"),
        },
        Decided::Exactly(to) => to.cut(digits),
    };
    if to.mantissa <= Int::ZERO {
        let held = names(book, id).first().cloned().unwrap_or_default();
        return refuse(
            format!("less than {digits} digits show"),
            &format!("a price above zero where a market reads it; --hold {held} lets it stand"),
        );
    }
    let (to, kind, bound) = match &price.origin {
        Origin::Feed(feed) => {
            let (to, bound) = if bounded { within(feed, to) } else { (to, false) };
            (to, Some(feed.kind), bound)
        }
        _ => (to, None, false),
    };
    let (name, unit, to) = (price.name.clone(), price.unit.clone(), to.trimmed());
    Ok((to != from.trimmed()).then_some(PriceMove { name, unit, kind, from, to, bound }))
}

/// A feed's price within its bounds, and whether it would be beyond them.
fn within(feed: &Observation, to: Decimal) -> (Decimal, bool) {
    let below = |x: Decimal, y: Decimal| {
        let decimals = x.decimals.max(y.decimals);
        matches!((x.scaled(decimals), y.scaled(decimals)), (Ok(x), Ok(y)) if x < y)
    };
    match (feed.floor, feed.ceiling) {
        (Some(floor), _) if below(to, floor) => (floor, true),
        (_, Some(ceiling)) if below(ceiling, to) => (ceiling, true),
        _ => (to, false),
    }
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
    let slots = book.markets.iter().flat_map(|listed| listed.market.slots().iter().zip(&listed.wiring));
    let reads = |wired: PriceId| book.graph.below(wired, Origin::handed_on).contains(&id);
    let finest = slots.filter(|(_, wired)| wired.is_some_and(reads)).map(|(slot, _)| slot.decimals).min();
    finest.unwrap_or(written.max(8))
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

/// Why a value that is said of an asset says nothing of its price in the book.
fn uncounted(moves: &Moves<'_>, asset: &str) -> String {
    moves.counted_in(asset).map_or_else(String::new, |counted| {
        format!(
            "; it is said in {counted}, and the book has no one price of {counted} in the same currency to count by: \
             --map {asset}={counted} lets it move as {counted} does, --map {asset}={counted}*1.1 further"
        )
    })
}

/// Refuses a scenario that says nothing of something that is held; the prices of what is held that are constants.
fn unsaid(
    book: &Book,
    scenario: &Scenario,
    moves: &Moves<'_>,
    decided: &[Decided],
) -> Result<Vec<(String, String, String)>, Misasked> {
    let (mut missing, mut constant): (Vec<(String, String)>, Vec<_>) = (Vec::new(), Vec::new());
    // Who moves no price at all has said so of every one.
    let moves_none = scenario.shocks.is_empty();
    let miss = |missing: &mut Vec<(String, String)>, asset: &str, why: String| {
        if !moves_none && !missing.iter().any(|(known, _)| known == asset) {
            missing.push((asset.to_string(), why));
        }
    };
    // What is built on several feeds moves with each of them. What an issuer pays moves where a shock says so, and stands
    // beside a price of which something is said; where there is no such price, something must be said of one rate.
    let mut built: Vec<(Vec<String>, String)> = Vec::new();
    let redeemed = |id: PriceId| {
        let origin = book.graph.origin(id);
        matches!(origin, Some(Origin::Feed(feed)) if feed.kind == FeedKind::Redemption)
    };
    // What pools and vaults hold is nobody's price: it stands as the rate of a share does, unless it is named.
    let amounts = book.graph.amounts();
    for (listed, slots) in book.markets.iter().zip(held_slots(book, |_, _| true)) {
        for slot in slots {
            let asset = &listed.market.slots()[slot].asset;
            // What has no price is unknown before and after.
            let Some(id) = listed.wiring.get(slot).copied().flatten() else { continue };
            let Some(price) = book.graph.price(id) else { continue };
            let says = |id: PriceId| !matches!(decided[id.0 as usize], Decided::Unsaid(_));
            let leaves = book.graph.leaves(id);
            let prices = leaves.iter().copied().filter(|id| moves.is_feed(*id) && !amounts.contains(id));
            let feeds: Vec<PriceId> = prices.collect();
            match &decided[id.0 as usize] {
                _ if says(id) => {}
                _ if feeds.is_empty() => {
                    constant.push((listed.name.clone(), asset.clone(), price.name.clone()));
                }
                Decided::Unsaid(whose) if matches!(price.origin, Origin::Feed(_)) => {
                    let why = format!("{} reads {}{}", listed.name, price.name, uncounted(moves, whose));
                    miss(&mut missing, whose, why);
                }
                _ => {
                    let of = feeds.iter().filter_map(|id| book.graph.price(*id)).map(|p| p.name.as_str());
                    let of: Vec<&str> = of.collect();
                    let why = format!("{} reads {} of {}", listed.name, price.name, of.join(", "));
                    let unsaid = feeds.iter().filter_map(|id| match &decided[id.0 as usize] {
                        Decided::Unsaid(whose) => Some((redeemed(*id), whose.clone())),
                        _ => None,
                    });
                    let (paid, priced): (Vec<_>, Vec<_>) = unsaid.partition(|(redeemed, _)| *redeemed);
                    for (_, whose) in &priced {
                        miss(&mut missing, whose, format!("{why}{}", uncounted(moves, whose)));
                    }
                    if paid.len() == feeds.len() {
                        built.push((paid.into_iter().map(|(_, whose)| whose).collect(), why));
                    }
                }
            }
        }
    }
    for (whose, why) in built {
        let told = |name: &String| missing.iter().any(|(known, _)| known.split(" or ").any(|it| it == name));
        if !moves_none && !whose.iter().any(told) {
            missing.push((whose.join(" or "), why));
        }
    }
    if missing.is_empty() {
        Ok(constant)
    } else {
        Err(Misasked::Unsaid { scenario: scenario.name.clone(), missing })
    }
}

/// Refuses to hold what has the price of something that moves, or one that is built on it.
fn still(before: &Book, after: &Book, held: &[String], said: &Said) -> Result<(), Misasked> {
    let [was, is] = [before, after].map(|book| book.graph.quotes(book.at));
    let moves = |id: &PriceId| was[id.0 as usize].value != is[id.0 as usize].value;
    for listed in &before.markets {
        for (slot, wired) in listed.market.slots().iter().zip(&listed.wiring) {
            let asset = &slot.asset;
            let is_held = slot.currency == "USD" && held.contains(asset);
            let Some(id) = wired.filter(|id| is_held && moves(id)) else { continue };
            let leaves = before.graph.leaves(id).into_iter().filter(moves);
            let moving: BTreeSet<String> = leaves.flat_map(|id| names(before, id)).collect();
            let of = Vec::from_iter(moving.iter().map(String::as_str)).join(", ");
            let built = !matches!(before.graph.origin(id), Some(Origin::Feed(_)));
            let how = if built { "of which its price is built" } else { "whose price it has there" };
            let too: String = moving.iter().map(|name| format!(" --hold {name}")).collect();
            let mapped = said.map.iter().find(|mapping| moving.contains(&mapping.asset));
            let or = match mapped {
                _ if said.hold.contains(asset) => format!("no --hold {asset}"),
                _ if built => format!("a scenario that does not hold {asset}"),
                Some(mapping) => format!("--map {asset}={}*{}", mapping.like, mapping.times),
                None => format!("--map {asset}={of}"),
            };
            let price = before.graph.price(id).map_or_else(String::new, |price| price.name.clone());
            let found = format!("that {asset} is held while {of} moves, {how}");
            return Err(Misasked::NoPrice {
                price,
                found,
                expected: format!("both held ({}), or {or}", too.trim()),
            });
        }
    }
    Ok(())
}
