//! What is really held and owed: which observed and assumed prices move it, how much of it each of them carries, and what
//! is blind to the market.

use crate::blind::{AtMarket, Blinds, looks, market_price};
use crate::identity::{Identity, identity};
use crate::ratio::Ratio;
use crate::survey::{Unsound, currency, one_a_currency};
use plimsoll_core::{
    Account, AccountId, Book, Decimal, Feeds, InstrumentId, Int, Kind, Lens, ListedMarket, Look, PriceId,
    Quote, Quoted, Reading, Refusal, SharedPool, Sight, Test, U256, Why,
};
use std::collections::BTreeMap;

/// Whose exposure is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of<'a> {
    /// Everybody's, as sums.
    Book,
    /// One owner's, position by position.
    Owner(&'a str),
    /// One account's, by its place in the book.
    Account(usize),
}

/// On which side a position stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stands {
    /// It is owned and counts as collateral.
    Collateral,
    /// It is owned and does not count.
    Beside,
    /// It is owed.
    Debt,
}

/// What a position's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// A leaf of the price that the market acts on.
    Price(PriceId),
    /// It is what the market counts in.
    Currency,
    /// The venue itself counts it at a fixed value: a stablecoin at par.
    Venue,
}

/// How a source stands to a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pull {
    /// The source.
    pub source: Source,
    /// The part of the position's value that it carries. The parts of a position add up to its value.
    pub carries: Int,
    /// The value that moves with it, in proportion; negative where it moves the other way.
    pub moves: Int,
}

/// Something that an account holds or owes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// The account's place in the book.
    pub account: usize,
    /// What it is.
    pub instrument: InstrumentId,
    /// On which side it stands.
    pub stands: Stands,
    /// Its value at the venue's price (account unit).
    pub value: U256,
    /// Digits after the point of values.
    pub decimals: u8,
    /// The price slot that it is valued by; `None` where there is none.
    pub slot: Option<usize>,
    /// What its value comes from, in the order of the graph.
    pub pulls: Vec<Pull>,
    /// What it would be worth at the market's price, where its own sees no market and the book has one.
    pub at_market: Option<AtMarket>,
}

/// A price that some position is valued by, looked through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wired {
    /// The market's place in the book.
    pub market: usize,
    /// The asset.
    pub asset: String,
    /// The price.
    pub price: PriceId,
    /// What it is made of; `None` where a value is missing that decides it.
    pub look: Option<Look>,
    /// What a sale fetches, where the book says it without doubt.
    pub sale: Option<(PriceId, Decimal)>,
}

/// Sums of the positions of one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sums {
    /// The currency.
    pub currency: String,
    /// Digits after the point.
    pub decimals: u8,
    /// Values by side: collateral, beside, debt.
    pub values: [Int; 3],
    /// The same of positions whose price sees no market.
    pub blind: [Int; 3],
    /// What each source carries and moves, by side.
    pub sources: BTreeMap<Source, [(Int, Int); 3]>,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct Exposure {
    /// What it was computed from.
    pub identity: Identity,
    /// How many accounts it is of.
    pub accounts: u64,
    /// Their positions in the book's order; none where everybody's were asked for.
    pub held: Vec<Exposed>,
    /// Positions without a value, and why: they are in no sum.
    pub unknown: Vec<(usize, InstrumentId, Refusal)>,
    /// Sums by currency.
    pub sums: Vec<Sums>,
    /// Every price that they are valued by.
    pub seen: Vec<Wired>,
    /// Where everybody's were asked for: the pools that parts of a market share, with the market's place in the book.
    pub pools: Vec<(usize, SharedPool)>,
}

impl Sums {
    /// The source that carries most of the collateral, and the part that it carries; `None` without collateral.
    #[must_use]
    pub fn largest(&self) -> Option<(Source, Ratio)> {
        let carried = self.sources.iter().map(|(source, sides)| (*source, sides[0].0));
        // Of equal ones the first.
        let (source, most) = carried.rev().max_by(|(_, x), (_, y)| x.cmp(y))?;
        Some((source, Ratio::of(most, self.values[0])?))
    }

    fn empty(currency: String, decimals: u8) -> Sums {
        let none = [Int::ZERO; 3];
        Sums { currency, decimals, values: none, blind: none, sources: BTreeMap::new() }
    }

    /// One position more; `None` beyond 256 bits.
    fn add(&mut self, exposed: &Exposed, blind: bool) -> Option<()> {
        let side = exposed.stands as usize;
        let value = Int::from(exposed.value);
        self.values[side] = self.values[side].add(value)?;
        if blind {
            self.blind[side] = self.blind[side].add(value)?;
        }
        for pull in &exposed.pulls {
            let sum = &mut self.sources.entry(pull.source).or_insert([(Int::ZERO, Int::ZERO); 3])[side];
            *sum = (sum.0.add(pull.carries)?, sum.1.add(pull.moves)?);
        }
        Some(())
    }

    /// Two sums, each times a factor, in the unit of the first.
    fn sum(&self, other: &Sums, [one, by]: [Int; 2]) -> Option<Sums> {
        let mut sum = Sums::empty(self.currency.clone(), self.decimals);
        for (part, times) in [(self, one), (other, by)] {
            for side in 0..3 {
                sum.values[side] = sum.values[side].add(part.values[side].mul(times)?)?;
                sum.blind[side] = sum.blind[side].add(part.blind[side].mul(times)?)?;
            }
            for (source, sides) in &part.sources {
                let entry = sum.sources.entry(*source).or_insert([(Int::ZERO, Int::ZERO); 3]);
                for (sum, (carries, moves)) in entry.iter_mut().zip(sides) {
                    *sum = (sum.0.add(carries.mul(times)?)?, sum.1.add(moves.mul(times)?)?);
                }
            }
        }
        Some(sum)
    }
}

/// What accounts are exposed to, at the book's own time and the prices that its venues would use.
///
/// # Errors
/// When a market cannot stand at that time. Names the market.
pub fn exposure(book: &Book, of: Of<'_>) -> Result<Exposure, Unsound> {
    let quotes = book.graph.quotes(book.at);
    let mut desks = Vec::new();
    for listed in &book.markets {
        desks.push(Desk::new(book, listed, &quotes).map_err(|why| (listed.name.clone(), why))?);
    }
    let asked = |(place, owner): (usize, &str)| match of {
        Of::Book => true,
        Of::Owner(name) => owner == name,
        Of::Account(account) => account == place,
    };
    let mut answer = Exposure {
        identity: identity(book, book.at, &readings(book, &quotes)),
        accounts: 0,
        held: Vec::new(),
        unknown: Vec::new(),
        sums: Vec::new(),
        seen: Vec::new(),
        pools: Vec::new(),
    };
    let mut sums: BTreeMap<(String, u8), Sums> = BTreeMap::new();
    let mut used = vec![Vec::new(); desks.len()];
    let accounts = book.accounts.iter().enumerate();
    for (place, listed) in accounts.filter(|(place, listed)| asked((*place, &listed.owner))) {
        answer.accounts += 1;
        let desk = &desks[listed.market];
        let ids = listed.account.holdings().iter().map(|holding| holding.instrument);
        for id in ids {
            let exposed = desk.exposed(place, &listed.account, id).and_then(|exposed| {
                let key = (desk.currency.clone(), desk.decimals);
                let sum =
                    sums.entry(key).or_insert_with(|| Sums::empty(desk.currency.clone(), desk.decimals));
                sum.add(&exposed, desk.is_blind(&exposed))
                    .ok_or(Refusal::Overflow("the sum of the positions"))?;
                Ok(exposed)
            });
            match exposed {
                Ok(exposed) => {
                    used[listed.market].extend(exposed.slot);
                    if of != Of::Book {
                        answer.held.push(exposed);
                    }
                }
                Err(why) => answer.unknown.push((place, id, why)),
            }
            if used[listed.market].len() > 1 << 10 {
                used[listed.market].sort_unstable();
                used[listed.market].dedup();
            }
        }
    }
    for (market, (desk, mut slots)) in desks.iter().zip(used).enumerate() {
        slots.sort_unstable();
        slots.dedup();
        answer.seen.extend(slots.into_iter().filter_map(|slot| desk.seen(market, slot)));
    }
    if of == Of::Book {
        for (place, listed) in book.markets.iter().enumerate() {
            let pools = listed.market.pools(book.at).map_err(|why| (listed.name.clone(), why))?;
            answer.pools.extend(pools.into_iter().map(|pool| (place, pool)));
        }
    }
    answer.sums = one_a_currency(sums.into_values(), |sums| (&sums.currency, sums.decimals), Sums::sum);
    Ok(answer)
}

fn readings(book: &Book, quotes: &[Quote]) -> Vec<Vec<Reading>> {
    book.markets.iter().map(|listed| book.readings(listed, quotes)).collect()
}

/// A market standing still, whose prices are looked through.
pub(crate) struct Desk<'b> {
    book: &'b Book,
    pub(crate) listed: &'b ListedMarket,
    /// With their doubts.
    quotes: &'b [Quote],
    readings: Vec<Reading>,
    now: Box<dyn Quoted + 'b>,
    looks: Vec<Option<Look>>,
    /// Slots that price what other slots price too (an e-mode's own price): the market as it is with each of them doubled.
    others: Vec<(usize, Box<dyn Quoted + 'b>)>,
    pub(crate) currency: String,
    pub(crate) decimals: u8,
}

impl<'b> Desk<'b> {
    pub(crate) fn new(
        book: &'b Book,
        listed: &'b ListedMarket,
        quotes: &'b [Quote],
    ) -> Result<Desk<'b>, Refusal> {
        let market = &*listed.market;
        let used: Vec<Quote> = quotes.iter().map(|quote| quote.as_used()).collect();
        let readings = book.readings(listed, &used);
        let stand = |readings: &[Reading]| market.at(Feeds { readings }, Lens::Action, book.at);
        let now = stand(&readings)?;
        let names_an_asset =
            |slot: usize| market.instruments().iter().any(|one| one.asset == market.slots()[slot].asset);
        let mut others = Vec::new();
        for slot in (0..market.slots().len()).filter(|slot| !names_an_asset(*slot)) {
            let mut doubled = readings.clone();
            if let Some(value) = doubled[slot].value.and_then(|value| value.add(value)) {
                doubled[slot] = Reading::certain(value);
                others.push((slot, stand(&doubled)?));
            }
        }
        // An account without anything says in what values are counted.
        let decimals = now.verdict(&Account::new(AccountId(u64::MAX)), Test::Borrow)?.unit.decimals;
        let (looks, currency) = (looks(book, listed, &used, book.at), currency(market));
        Ok(Desk { book, listed, quotes, readings, now, looks, others, currency, decimals })
    }

    /// A holding with all that its value comes from.
    pub(crate) fn exposed(
        &self,
        place: usize,
        account: &Account,
        id: InstrumentId,
    ) -> Result<Exposed, Refusal> {
        let market = &*self.listed.market;
        let spec = market.instruments().get(id.index()).ok_or(Refusal::NoSuchInstrument(id))?;
        let owes = match spec.kind {
            Kind::Asset | Kind::Receipt => false,
            Kind::Debt => true,
            // Of a position each leg: the base of a long one is owned, its quote owed.
            Kind::Balance | Kind::Derivative => account.quantity(id).is_negative(),
        };
        let balance = self.now.balance(account, id)?;
        let slot = self.slot(account, id, &spec.asset);
        let missing = || {
            let slot = slot.unwrap_or(0);
            let why = self.readings.get(slot).and_then(|reading| reading.doubt).unwrap_or(Why::Missing);
            Refusal::PriceUnknown { slot, why }
        };
        let value = balance.value.ok_or_else(missing)?;
        let stands = match () {
            () if owes => Stands::Debt,
            () if market.counting(account, id)?.weight.is_some() => Stands::Collateral,
            () => Stands::Beside,
        };
        let pulls = self.pulls(slot, &spec.asset, value).ok_or_else(missing)?;
        let (account, instrument, decimals) = (place, id, self.decimals);
        let mut exposed =
            Exposed { account, instrument, stands, value, decimals, slot, pulls, at_market: None };
        if self.is_blind(&exposed) {
            let Desk { book, listed, quotes, decimals, .. } = *self;
            let blinds = Blinds { book, listed, quotes, readings: &self.readings, decimals };
            exposed.at_market = blinds.at_market(&spec.asset, balance.raw, value);
        }
        Ok(exposed)
    }

    /// The slot that values a holding: the one that moves it where several price its asset.
    fn slot(&self, account: &Account, id: InstrumentId, asset: &str) -> Option<usize> {
        let value = |quoted: &dyn Quoted| quoted.balance(account, id).ok()?.value;
        let other = self.others.iter().find(|(_, doubled)| value(&**doubled) != value(&*self.now));
        let own = || self.listed.market.slots().iter().position(|slot| slot.asset == asset);
        other.map(|(slot, _)| *slot).or_else(own)
    }

    /// What carries and moves a value; `None` where its price cannot be looked through.
    fn pulls(&self, slot: Option<usize>, asset: &str, value: U256) -> Option<Vec<Pull>> {
        let Some(slot) = slot else {
            let source = if asset == self.currency { Source::Currency } else { Source::Venue };
            let carries = Int::from(value);
            return Some(vec![Pull { source, carries, moves: carries }]);
        };
        let look = self.looks.get(slot)?.as_ref()?;
        let pull = |(leaf, carries): (&plimsoll_core::Leaf, Int)| {
            Some(Pull { source: Source::Price(leaf.id), carries, moves: leaf.moves(value)? })
        };
        look.leaves.iter().zip(look.shared(value)?).map(pull).collect()
    }

    /// Whether no market moves the value: a price that sees none, or the venue's own.
    fn is_blind(&self, exposed: &Exposed) -> bool {
        match exposed.slot {
            Some(slot) => self.looks[slot].as_ref().is_some_and(|look| look.sight.is_blind()),
            None => exposed.pulls.iter().any(|pull| pull.source == Source::Venue),
        }
    }

    fn seen(&self, market: usize, slot: usize) -> Option<Wired> {
        let price = self.listed.wiring.get(slot).copied().flatten()?;
        let asset = self.listed.market.slots()[slot].asset.clone();
        let sale = market_price(self.book, self.listed, self.quotes, &asset);
        Some(Wired { market, asset, price, look: self.looks[slot].clone(), sale })
    }
}

impl Wired {
    /// What the price sees of the market; `None` where that cannot be told.
    #[must_use]
    pub fn sight(&self) -> Option<Sight> {
        self.look.as_ref().map(|look| look.sight)
    }
}
