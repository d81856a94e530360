//! By how much each asset moves, in each kind of price.

use super::decide::Decided;
use super::fraction::Fraction;
use super::named::{Same, agree, known_as, known_assets, names};
use super::one_move::{Base, Move};
use super::part::Part;
use super::{Said, held_slots};
use crate::ask::Misasked;
use core::cell::RefCell;
use plimsoll_core::{Book, FeedKind, Int, Origin, PriceId, Quote, Scenario, Target, VOL_UNIT};
use std::collections::{BTreeMap, BTreeSet};

/// The currency that assets move in.
pub(super) const DOLLAR: &str = "USD";
const KINDS: [FeedKind; 3] = [FeedKind::Oracle, FeedKind::Market, FeedKind::Redemption];
/// An asset may be counted in another, that in a third, and so on.
pub(super) const CHAIN_MAX: u8 = 8;

/// All moves of a scenario in a book.
pub(super) struct Moves<'b> {
    pub(super) book: &'b Book,
    pub(super) quotes: &'b [Quote],
    /// Which names are of one asset here: a market wires the one to a feed of the other.
    pub(super) same: Same,
    /// By the name that stands for the asset.
    pub(super) assets: [BTreeMap<String, Move>; 3],
    pub(super) prices: BTreeMap<String, Move>,
    held: Vec<String>,
    /// Assets of whose market, or issuer, a shock says something.
    shocked: BTreeSet<String>,
    /// Assets of which whoever asks says something else than a shock.
    overridden: Vec<String>,
    /// Prices that some market reads, or is computed from, and those of what a sale fetches of what they are made of.
    pub(super) hangs: BTreeSet<PriceId>,
    /// The shocks and mappings that some price was asked of, or that somebody replaced.
    pub(super) heard: RefCell<BTreeSet<usize>>,
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
        let shocked = BTreeSet::new();
        let mut moves = Moves {
            book,
            quotes,
            same,
            assets,
            prices,
            held,
            shocked,
            overridden,
            hangs: BTreeSet::new(),
            heard,
        };
        moves.hangs = moves.hanging();
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
                        let entry = moves.prices.entry(name.clone()).or_insert_with(|| Move::unsaid(&[]));
                        entry.take(at, &[], shock.how).ok_or_else(|| too_far(name))?;
                    }
                    continue;
                }
            };
            let mut taken = BTreeSet::new();
            for name in names {
                // Where the market alone is said of it, what oracles say stays held.
                if kinds.contains(&FeedKind::Oracle) {
                    moves.held.retain(|held| *held != name);
                } else {
                    moves.shocked.insert(name.clone());
                }
                let first = moves.same.of(&name).to_string();
                // Under two names a shock comes once.
                if !taken.insert(first.clone()) {
                    continue;
                }
                for kind in kinds {
                    let entry = moves.assets[place(*kind)].entry(first.clone());
                    let entry = entry.or_insert_with(|| Move::unsaid(currency));
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
                let Some(part) = self.dollars(kind, kind, &mapping.like, CHAIN_MAX).ok() else { continue };
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
                let like = &mapping.like;
                if names.contains(self.same.of(like)) {
                    return Err(Misasked::NoPrice {
                        price: mapping.asset.clone(),
                        found: format!("that it moves as {like}"),
                        expected: format!("a move of {like} that can be counted in {DOLLAR}"),
                    });
                }
                let (what, known) =
                    ("asset that the scenario moves".to_string(), names.into_iter().collect());
                return Err(Misasked::NoSuch { what, found: like.clone(), known });
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

    fn hanging(&self) -> BTreeSet<PriceId> {
        let (mut hangs, mut names) = (BTreeSet::new(), BTreeSet::new());
        for listed in &self.book.markets {
            names.extend(listed.market.slots().iter().map(|slot| slot.asset.clone()));
            names.extend(listed.market.instruments().iter().map(|one| one.asset.clone()));
            for id in listed.wiring.iter().flatten() {
                hangs.extend(self.book.graph.below(*id, Origin::legs));
            }
        }
        for id in hangs.clone() {
            names.extend(self.names(id));
        }
        let names: Vec<String> = names.into_iter().collect();
        hangs.extend(self.sales_of(&names));
        hangs
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

    /// Those that no shock says anything of, or whoever asks holds.
    pub(super) fn held_still(&self, said: &Said) -> Vec<String> {
        let still = |name: &&String| !self.shocked.contains(*name) || said.hold.contains(name);
        self.held.iter().filter(still).cloned().collect()
    }

    pub(super) fn overridden(&self) -> &[String] {
        &self.overridden
    }

    /// The targets of shocks, and mapped assets, that no price with a value was asked of: for when all have been decided, also as
    /// sales are.
    pub(super) fn unheard(&self, scenario: &Scenario, said: &Said) -> Vec<String> {
        let heard = self.heard.borrow();
        let shocks = || scenario.shocks.iter().enumerate();
        let moved =
            shocks().filter(|(at, _)| heard.contains(at)).filter_map(|(_, shock)| match &shock.target {
                Target::Assets { assets, .. } => Some(assets),
                _ => None,
            });
        let moved: BTreeSet<&String> = moved.flatten().collect();
        let mut targets = Vec::new();
        for (_, shock) in shocks().filter(|(at, _)| !heard.contains(at)) {
            let target = match &shock.target {
                // Other prices of the asset move: of which kind there is none.
                Target::Assets { assets, kinds, .. } if assets.iter().any(|name| moved.contains(name)) => {
                    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.name()).collect();
                    format!("{} ({})", assets.join(", "), kinds.join(", "))
                }
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
        let others: Vec<String> = names.iter().flat_map(|name| self.same.others(name).cloned()).collect();
        names.extend(others);
        names
    }

    /// The assets of the feeds below everything that backs a debt, and of the constants where no feed of a market's is.
    fn collateral(&self, apart: &BTreeSet<String>) -> Vec<String> {
        let mut names = BTreeSet::new();
        let (leaves, assets) = collateral_leaves(self.book);
        for id in leaves {
            names.extend(self.names(id));
        }
        // What a sale of it fetches falls, too, where the book has a price of that.
        names.extend(
            assets.into_iter().filter(|asset| !self.sales_of(std::slice::from_ref(asset)).is_empty()),
        );
        names.retain(|name| !apart.contains(name));
        names.into_iter().collect()
    }

    pub(super) fn is_feed(&self, id: PriceId) -> bool {
        self.book.graph.price(id).is_some_and(|price| matches!(price.origin, Origin::Feed(_)))
    }

    pub(super) fn names(&self, id: PriceId) -> Vec<String> {
        names(self.book, id)
    }

    /// What is said of an asset, by kind of price, without being asked of a price.
    fn words_on(&self, name: &str) -> impl Iterator<Item = &Move> {
        let first = self.same.of(name).to_string();
        self.assets.iter().filter_map(move |moves| moves.get(&first))
    }

    /// Whether all that is said of an asset is that it is wrong.
    pub(super) fn only_wrong(&self, name: &str) -> bool {
        self.words_on(name).next().is_some() && !self.says(name)
    }

    /// Whether anything is said of an asset, of whichever of its prices.
    pub(super) fn says(&self, name: &str) -> bool {
        self.words_on(name).any(|found| found.said)
    }

    /// The move of an asset by any of its names.
    pub(super) fn find(&self, kind: FeedKind, name: &str) -> Option<&Move> {
        let found = self.assets[place(kind)].get(self.same.of(name))?;
        self.heard.borrow_mut().extend(&found.shocks);
        Some(found)
    }

    /// What an asset is worth in dollars, over what it was; the asset of which nothing is said, or not enough, where that is not known.
    /// What it was feeds of the kind `base` say.
    pub(super) fn dollars(
        &self,
        kind: FeedKind,
        base: FeedKind,
        name: &str,
        chain: u8,
    ) -> Result<Part, String> {
        let unsaid = || name.to_string();
        let Some(found) = self.find(kind, name).filter(|found| found.said) else {
            // A volatility is counted in nothing that moves.
            let still = name == DOLLAR || name == VOL_UNIT;
            return if still { Ok(Part::exact(Fraction::ONE)) } else { Err(unsaid()) };
        };
        let old = || self.old(base, name, &found.currency);
        self.moved([kind, base], found, old, chain).map_err(|whose| whose.unwrap_or_else(unsaid))
    }

    /// The same of what something else is counted in: where a shock says something of its oracle alone, its market stands.
    pub(super) fn counting(
        &self,
        [kind, base]: [FeedKind; 2],
        name: &str,
        chain: u8,
    ) -> Result<Part, String> {
        self.dollars(kind, base, name, chain).or_else(|whose| {
            let said = |kind| self.find(kind, name).is_some();
            let stands = kind == FeedKind::Market && !said(kind) && KINDS.into_iter().any(said);
            if stands { Ok(Part::exact(Fraction::ONE)) } else { Err(whose) }
        })
    }

    /// How an asset moves in dollars that was worth so much in what its move is counted in; whose move is not known, `None` of its own.
    pub(super) fn moved(
        &self,
        kinds: [FeedKind; 2],
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
        let counted = found.currency.iter().find_map(|currency| self.counting(kinds, currency, next).ok());
        let counted = counted.ok_or_else(|| found.currency.first().cloned())?;
        own.by(counted).ok_or(None)
    }
}

const fn place(kind: FeedKind) -> usize {
    match kind {
        FeedKind::Oracle => 0,
        FeedKind::Market => 1,
        FeedKind::Redemption => 2,
    }
}

/// The feeds below the price of everything that backs a debt of somebody; where none of them sees a market, what was written down of
/// another thing than its currency. Beside them what the markets call it.
fn collateral_leaves(book: &Book) -> (BTreeSet<PriceId>, BTreeSet<String>) {
    let counts = |place: usize, holding: &plimsoll_core::Holding| {
        let listed = &book.accounts[place];
        let market = &*book.markets[listed.market].market;
        let counting = market.counting(&listed.account, holding.instrument);
        counting.is_ok_and(|counting| counting.weight.is_some())
    };
    let is_feed = |id: &PriceId| matches!(book.graph.origin(*id), Some(Origin::Feed(_)));
    let sees = |id: &PriceId| matches!(book.graph.origin(*id), Some(Origin::Feed(feed)) if feed.kind != FeedKind::Redemption);
    let (mut found, mut assets) = (BTreeSet::new(), BTreeSet::new());
    for (listed, slots) in book.markets.iter().zip(held_slots(book, counts)) {
        for slot in slots {
            let Some(id) = listed.wiring.get(slot).copied().flatten() else { continue };
            assets.insert(listed.market.slots()[slot].asset.clone());
            let leaves = book.graph.leaves(id);
            let blind = !leaves.iter().any(sees);
            let constant = |id: &PriceId| {
                let price = book.graph.price(*id).filter(|price| matches!(price.origin, Origin::Constant(_)));
                price.is_some_and(|price| price.unit.per.as_ref() != Some(&price.unit.currency))
            };
            found.extend(leaves.into_iter().filter(|id| is_feed(id) || (blind && constant(id))));
        }
    }
    (found, assets)
}
