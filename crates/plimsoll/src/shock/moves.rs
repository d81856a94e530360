//! By how much each asset moves, in each kind of price, and what that means for a feed.

use super::fraction::Fraction;
use super::named::{KnownAs, Same, agree, known_as, known_assets, names};
use super::part::{Part, Rest};
use super::{Said, held_slots};
use crate::ask::Misasked;
use core::cell::RefCell;
use plimsoll_core::{
    Book, Decimal, FeedKind, How, Int, Observation, Origin, PriceId, Quote, Scale, Scenario, Target, VOL_UNIT,
};
use std::collections::{BTreeMap, BTreeSet};

/// The currency that assets move in.
pub(super) const DOLLAR: &str = "USD";
const KINDS: [FeedKind; 3] = [FeedKind::Oracle, FeedKind::Market, FeedKind::Redemption];
/// An asset may be counted in another, that in a third, and so on.
const CHAIN_MAX: u8 = 8;

/// What becomes of a price.
#[derive(Clone, Debug)]
pub(super) enum Decided {
    Times(Part),
    Exactly(Decimal),
    /// Nothing is said of this asset.
    Unsaid(String),
}

#[derive(Clone, Copy)]
pub(super) enum Base {
    Times(Fraction),
    Value(Decimal),
}

/// How an asset moves.
#[derive(Clone)]
pub(super) struct Move {
    pub(super) currency: Vec<String>,
    pub(super) base: Base,
    wrong: Fraction,
    /// What it was computed of: of a mapping to something that moves so.
    rests: BTreeSet<Rest>,
    /// The shocks of the scenario that say so, by their places; mappings of whoever asks come after them.
    shocks: Vec<usize>,
}

impl Move {
    fn still(currency: &[String]) -> Move {
        let (base, wrong) = (Base::Times(Fraction::ONE), Fraction::ONE);
        Move { currency: currency.to_vec(), base, wrong, rests: BTreeSet::new(), shocks: Vec::new() }
    }

    /// By how much it moves, as wrong as it is; `None` of one to a value, or past 256 bits.
    fn part(&self) -> Option<Part> {
        let Base::Times(part) = self.base else { return None };
        Some(Part { times: part.by(self.wrong)?, rests: self.rests.clone() })
    }

    /// Of two shocks the later stands; a wrong feed is wrong on top.
    fn take(&mut self, shock: usize, currency: &[String], how: How) -> Option<()> {
        self.shocks.push(shock);
        match how {
            How::Wrong(factor) => self.wrong = self.wrong.by(Fraction::whole(factor))?,
            How::Factor(factor) => self.base = Base::Times(Fraction::whole(factor)),
            How::Value(value) => self.base = Base::Value(value),
            How::Frozen => self.base = Base::Times(Fraction::ONE),
        }
        if !matches!(how, How::Wrong(_)) {
            self.currency = currency.to_vec();
        }
        Some(())
    }
}

/// All moves of a scenario in a book.
pub(super) struct Moves<'b> {
    pub(super) book: &'b Book,
    pub(super) quotes: &'b [Quote],
    /// Other names of an asset: a market wires the one to a feed of the other.
    pub(super) known_as: KnownAs,
    /// Which of them are one asset here.
    pub(super) same: Same,
    /// By the name that stands for the asset.
    pub(super) assets: [BTreeMap<String, Move>; 3],
    prices: BTreeMap<String, Move>,
    held: Vec<String>,
    /// Assets of which whoever asks says something else than a shock.
    overridden: Vec<String>,
    /// The shocks and mappings that some price was asked of, or that somebody replaced.
    heard: RefCell<BTreeSet<usize>>,
}

impl<'b> Moves<'b> {
    pub(super) fn new(
        book: &'b Book,
        quotes: &'b [Quote],
        scenario: &Scenario,
        said: &Said,
    ) -> Result<Moves<'b>, Misasked> {
        let known_as = known_as(book);
        agree(book, &known_as, said)?;
        let same = Same::new(book, &known_as, scenario, said);
        let (assets, prices) = (Default::default(), BTreeMap::new());
        let (held, overridden, heard) = (Vec::new(), Vec::new(), RefCell::default());
        let mut moves = Moves { book, quotes, known_as, same, assets, prices, held, overridden, heard };
        moves.hold(&scenario.hold);
        let apart = moves.apart(scenario, said);
        let too_far = |name: &str| Misasked::NoPrice {
            price: name.into(),
            found: "a move".into(),
            expected: "one whose digits 256 bits hold".into(),
        };
        let dollar = [DOLLAR.to_string()];
        for (at, shock) in scenario.shocks.iter().enumerate() {
            let (names, currency, kinds) = match &shock.target {
                Target::Assets { assets, currency, kinds } => (assets.clone(), &currency[..], kinds),
                Target::Collateral { kinds } => (moves.collateral(&apart), &dollar[..], kinds),
                Target::Prices(names) => {
                    for name in names {
                        moves.known_price(name)?;
                        let entry = moves.prices.entry(name.clone()).or_insert_with(|| Move::still(&[]));
                        entry.take(at, &[], shock.how).ok_or_else(|| too_far(name))?;
                    }
                    continue;
                }
            };
            let mut taken = BTreeSet::new();
            for name in names {
                moves.held.retain(|held| *held != name);
                let first = moves.same.of(&name).to_string();
                // Under two names a shock comes once.
                if !taken.insert(first.clone()) {
                    continue;
                }
                for kind in kinds {
                    let entry = moves.assets[place(*kind)].entry(first.clone());
                    let entry = entry.or_insert_with(|| Move::still(currency));
                    entry.take(at, currency, shock.how).ok_or_else(|| too_far(&name))?;
                }
            }
        }
        moves.say(scenario, said)?;
        moves.as_mapped(said)?;
        Ok(moves)
    }

    /// What whoever asks says goes before what the scenario says.
    fn say(&mut self, scenario: &Scenario, said: &Said) -> Result<(), Misasked> {
        known_assets(self.book, said.hold.iter().chain(said.map.iter().map(|mapping| &mapping.asset)))?;
        let shocks = scenario.shocks.len();
        said.hold.iter().for_each(|name| self.replace(name, shocks));
        self.hold(&said.hold);
        for (at, mapping) in said.map.iter().enumerate() {
            self.replace(&mapping.asset, shocks);
            // An asset may move as it would have moved, and further.
            let mut moved = Vec::new();
            for kind in KINDS {
                let Some(part) = self.dollars(kind, &mapping.like, CHAIN_MAX).ok() else { continue };
                let further =
                    part.further(mapping.times).filter(|part| part.times.times.mantissa > Int::ZERO);
                let part = further.ok_or_else(|| Misasked::NoPrice {
                    price: mapping.asset.clone(),
                    found: format!("{} times as far as {}", mapping.times, mapping.like),
                    expected: "a move that leaves a price".into(),
                })?;
                let (base, still) = (Base::Times(part.times), Move::still(&[DOLLAR.to_string()]));
                moved.push((kind, Move { base, rests: part.rests, shocks: vec![shocks + at], ..still }));
            }
            if moved.is_empty() {
                let names: BTreeSet<String> =
                    self.assets.iter().flat_map(|kind| kind.keys().cloned()).collect();
                let (what, known) =
                    ("asset that the scenario moves".to_string(), names.into_iter().collect());
                return Err(Misasked::NoSuch { what, found: mapping.like.clone(), known });
            }
            let first = self.same.of(&mapping.asset).to_string();
            for (kind, moved) in moved {
                self.assets[place(kind)].insert(first.clone(), moved);
            }
            self.held.retain(|held| *held != mapping.asset);
        }
        Ok(())
    }

    /// Notes that whoever asks says of an asset what some of so many shocks have said already.
    fn replace(&mut self, name: &str, shocks: usize) {
        let said = self.assets.iter().filter_map(|kind| kind.get(self.same.of(name)));
        let said: Vec<usize> = said.flat_map(|said| said.shocks.iter().copied()).collect();
        if said.iter().any(|shock| *shock < shocks) {
            self.overridden.push(name.to_string());
        }
        self.heard.get_mut().extend(said);
    }

    /// Refuses a mapping of an asset whose price is another's, which moves otherwise.
    fn as_mapped(&self, said: &Said) -> Result<(), Misasked> {
        let slots =
            self.book.markets.iter().flat_map(|listed| listed.market.slots().iter().zip(&listed.wiring));
        for (slot, id) in slots.filter_map(|(slot, wired)| Some((slot, (*wired)?))) {
            let Some(mapping) = said.map.iter().find(|mapping| mapping.asset == slot.asset) else { continue };
            let Some(price) = self.book.graph.price(id).filter(|price| price.unit.currency == DOLLAR) else {
                continue;
            };
            let Origin::Feed(feed) = &price.origin else { continue };
            let entry = self.assets[place(feed.kind)].get(self.same.of(&mapping.asset));
            let Some(Move { base: Base::Times(part), .. }) = entry else { continue };
            let as_said = match self.decide(id) {
                Decided::Times(moved) => moved.times.by(part.inverse()).is_some_and(Fraction::is_one),
                _ => false,
            };
            if !as_said {
                let of = names(self.book, id).join(" or ");
                let expected = format!("that {} moves as it is mapped: map {of}", mapping.asset);
                let found = format!("a price of {of} that moves otherwise");
                return Err(Misasked::NoPrice { price: price.name.clone(), found, expected });
            }
        }
        Ok(())
    }

    fn hold(&mut self, names: &[String]) {
        for name in names {
            for kind in &mut self.assets {
                kind.insert(self.same.of(name).to_string(), Move::still(&[DOLLAR.to_string()]));
            }
            if !self.held.contains(name) {
                self.held.push(name.clone());
            }
        }
    }

    pub(super) fn held(&self) -> &[String] {
        &self.held
    }

    pub(super) fn overridden(&self) -> &[String] {
        &self.overridden
    }

    /// The targets of shocks, and mapped assets, that no price with a value was asked of: for when all have been decided, also as
    /// sales are.
    pub(super) fn unheard(&self, scenario: &Scenario, said: &Said) -> Vec<String> {
        let heard = self.heard.borrow();
        let unheard = scenario.shocks.iter().enumerate().filter(|(at, _)| !heard.contains(at));
        let mut targets = Vec::new();
        for (_, shock) in unheard {
            let target = match &shock.target {
                Target::Assets { assets, .. } => assets.join(", "),
                Target::Collateral { .. } => "all collateral".into(),
                // Each of them is a price of the book.
                Target::Prices(names) if names.iter().any(|name| self.has_value(name)) => continue,
                Target::Prices(names) => names.join(", "),
            };
            if !targets.contains(&target) {
                targets.push(target);
            }
        }
        let mapped = said.map.iter().enumerate();
        let mapped = mapped.filter(|(at, _)| !heard.contains(&(scenario.shocks.len() + at)));
        for (_, mapping) in mapped {
            if !targets.contains(&mapping.asset) {
                targets.push(mapping.asset.clone());
            }
        }
        targets
    }

    /// Whether a price of this name has a value that could move.
    fn has_value(&self, name: &str) -> bool {
        let prices = self.book.graph.prices().iter().zip(self.quotes);
        prices.filter(|(price, _)| price.name == name).any(|(_, quote)| quote.value.is_some())
    }

    fn known_price(&self, name: &str) -> Result<(), Misasked> {
        let prices = self.book.graph.prices();
        if prices.iter().any(|price| price.name == name) {
            return Ok(());
        }
        let known = prices.iter().map(|price| price.name.clone()).collect();
        Err(Misasked::NoSuch { what: "existing price of the book".into(), found: name.into(), known })
    }

    /// Names that a shock of all collateral leaves alone.
    fn apart(&self, scenario: &Scenario, said: &Said) -> BTreeSet<String> {
        let named = scenario.shocks.iter().filter_map(|shock| match &shock.target {
            Target::Assets { assets, .. } => Some(assets),
            _ => None,
        });
        let mut names: BTreeSet<String> = named.flatten().chain(&scenario.hold).cloned().collect();
        names.extend(said.hold.iter().cloned().chain(said.map.iter().map(|mapping| mapping.asset.clone())));
        let others = names.iter().flat_map(|name| self.known_as.get(name).into_iter().flatten().cloned());
        let others: Vec<String> = others.collect();
        names.extend(others);
        names
    }

    /// The assets of the feeds below everything that backs a debt.
    fn collateral(&self, apart: &BTreeSet<String>) -> Vec<String> {
        let mut names = BTreeSet::new();
        for id in collateral_feeds(self.book) {
            names.extend(self.names(id));
        }
        names.retain(|name| !apart.contains(name));
        names.into_iter().collect()
    }

    pub(super) fn is_feed(&self, id: PriceId) -> bool {
        self.book.graph.price(id).is_some_and(|price| matches!(price.origin, Origin::Feed(_)))
    }

    fn names(&self, id: PriceId) -> Vec<String> {
        names(self.book, id)
    }

    /// The move of an asset by any of its names.
    fn find(&self, kind: FeedKind, name: &str) -> Option<&Move> {
        let moves = &self.assets[place(kind)];
        let by_name = |name: &str| moves.get(self.same.of(name));
        let others = self.known_as.get(name).into_iter().flatten();
        let found = by_name(name).or_else(|| others.into_iter().find_map(|other| by_name(other)))?;
        self.heard.borrow_mut().extend(&found.shocks);
        Some(found)
    }

    /// What an asset is worth in dollars, over what it was; the asset of which nothing is said where that is not known.
    fn dollars(&self, kind: FeedKind, name: &str, chain: u8) -> Result<Part, String> {
        let unsaid = || name.to_string();
        let Some(found) = self.find(kind, name) else {
            // A volatility is counted in nothing that moves.
            let still = name == DOLLAR || name == VOL_UNIT;
            return if still { Ok(Part::exact(Fraction::ONE)) } else { Err(unsaid()) };
        };
        let old = || {
            self.old(kind, name, &found.currency).or_else(|| self.old_through(kind, name, &found.currency))
        };
        self.moved(kind, found, old, chain).map_err(|whose| whose.unwrap_or_else(unsaid))
    }

    /// How an asset moves in dollars that was worth so much in what its move is counted in; whose move is not known, `None` of its own.
    fn moved(
        &self,
        kind: FeedKind,
        found: &Move,
        old: impl FnOnce() -> Option<Part>,
        chain: u8,
    ) -> Result<Part, Option<String>> {
        let own = match found.base {
            Base::Times(_) => found.part(),
            Base::Value(value) => {
                let wrong = found.wrong.by(Fraction::whole(value));
                wrong.zip(old()).and_then(|(value, old)| Part::exact(value).by(old.inverse()))
            }
        };
        let own = own.ok_or(None)?;
        if found.currency.iter().any(|currency| currency == DOLLAR) {
            return Ok(own);
        }
        let next = chain.checked_sub(1).ok_or(None)?;
        let counted = found.currency.iter().find_map(|currency| self.dollars(kind, currency, next).ok());
        let counted = counted.ok_or_else(|| found.currency.first().cloned())?;
        own.by(counted).ok_or(None)
    }

    pub(super) fn decide(&self, id: PriceId) -> Decided {
        self.decide_as(id, |kind| kind)
    }

    /// The same where an oracle follows the market.
    pub(super) fn decide_sale(&self, id: PriceId) -> Decided {
        self.decide_as(id, |kind| if kind == FeedKind::Oracle { FeedKind::Market } else { kind })
    }

    fn decide_as(&self, id: PriceId, as_kind: impl Fn(FeedKind) -> FeedKind) -> Decided {
        // A price without a value moves nowhere, whatever is said of it.
        let unmoved = self.quotes.get(id.0 as usize).is_none_or(|quote| quote.value.is_none());
        let heard = unmoved.then(|| self.heard.borrow().clone());
        let decided = self.decided(id, as_kind);
        if let Some(heard) = heard {
            self.heard.replace(heard);
        }
        decided
    }

    fn decided(&self, id: PriceId, as_kind: impl Fn(FeedKind) -> FeedKind) -> Decided {
        let Some(price) = self.book.graph.price(id) else { return Decided::Unsaid(String::new()) };
        if let Some(named) = self.prices.get(&price.name) {
            return match (named.base, named.wrong) {
                (Base::Times(_), _) => {
                    named.part().map_or_else(|| Decided::Unsaid(price.name.clone()), Decided::Times)
                }
                (Base::Value(value), wrong) => value
                    .times(wrong.times)
                    .map_or_else(|| Decided::Unsaid(price.name.clone()), Decided::Exactly),
            };
        }
        let Origin::Feed(Observation { kind, scale, .. }) = &price.origin else {
            return Decided::Unsaid(price.name.clone());
        };
        let kind = as_kind(*kind);
        let names = self.names(id);
        let Some((name, found)) = names.iter().find_map(|name| Some((name, self.find(kind, name)?))) else {
            return Decided::Unsaid(names.first().unwrap_or(&price.name).clone());
        };
        let currency = &price.unit.currency;
        let others = self.known_as.get(currency);
        let counted =
            found.currency.iter().any(|it| it == currency || others.is_some_and(|o| o.contains(it)));
        match (found.base, counted) {
            (Base::Value(value), true) if *scale == Scale::Decimal => match value.times(found.wrong.times) {
                Some(value) => Decided::Exactly(value),
                None => Decided::Unsaid(name.clone()),
            },
            (Base::Times(_), true) => {
                found.part().map_or_else(|| Decided::Unsaid(name.clone()), Decided::Times)
            }
            _ => {
                // A feed of its own in another currency than the value is said in goes to that value, whatever other feeds say.
                let direct = self.old(kind, name, &found.currency);
                let through = || {
                    let own = self.quotes.get(id.0 as usize)?.value.filter(|own| own.mantissa > Int::ZERO)?;
                    let counted = self.only(kind, &found.currency, currency)?;
                    Part::of(id, own).by(counted.inverse())
                };
                let own = if *scale == Scale::Decimal && direct.is_none() {
                    self.moved(kind, found, through, CHAIN_MAX)
                        .or_else(|_| self.dollars(kind, name, CHAIN_MAX))
                } else {
                    self.dollars(kind, name, CHAIN_MAX)
                };
                let part = own.and_then(|own| {
                    let counted = self.dollars(kind, currency, CHAIN_MAX)?;
                    own.by(counted.inverse()).ok_or_else(|| name.clone())
                });
                part.map_or_else(Decided::Unsaid, Decided::Times)
            }
        }
    }
}

const fn place(kind: FeedKind) -> usize {
    match kind {
        FeedKind::Oracle => 0,
        FeedKind::Market => 1,
        FeedKind::Redemption => 2,
    }
}

/// The feeds below the price of everything that backs a debt of somebody.
fn collateral_feeds(book: &Book) -> BTreeSet<PriceId> {
    let counts = |place: usize, holding: &plimsoll_core::Holding| {
        let listed = &book.accounts[place];
        let market = &*book.markets[listed.market].market;
        let counting = market.counting(&listed.account, holding.instrument);
        counting.is_ok_and(|counting| counting.weight.is_some())
    };
    let mut feeds = BTreeSet::new();
    for (listed, slots) in book.markets.iter().zip(held_slots(book, counts)) {
        for slot in slots {
            let Some(id) = listed.wiring.get(slot).copied().flatten() else { continue };
            let leaves = book.graph.leaves(id).into_iter();
            let is_feed =
                |id: &PriceId| book.graph.price(*id).is_some_and(|p| matches!(p.origin, Origin::Feed(_)));
            feeds.extend(leaves.filter(is_feed));
        }
    }
    feeds
}
