//! The worlds between two books: the older market with the newer state, and the newer market with the older prices. Each is
//! one that the market can hold, and its own integers value the accounts in it.

use super::amounts::{Amounts, Attribution, Untold, scaled};
use plimsoll_core::{
    Account, AccountId, Book, Cell, Feeds, Int, Lens, ListedMarket, Market, Meaning, Nature, Quote, Quoted,
    Reading, Refusal, Standing, Test, Verdict, Why,
};
use std::collections::BTreeMap;

/// A market and what it reads, in a world of neither book.
pub(super) struct World {
    market: Box<dyn Market>,
    readings: Vec<Reading>,
}

/// The worlds between, of a market that is in both books.
pub(super) struct Between {
    /// Older rules and prices, newer state and time.
    state: Result<World, Untold>,
    /// Older prices, the rest newer.
    rules: Result<World, Untold>,
}

/// A market of a book.
#[derive(Clone, Copy)]
pub(super) struct Side<'b> {
    pub(super) book: &'b Book,
    pub(super) place: usize,
    pub(super) quotes: &'b [Quote],
    pub(super) readings: &'b [Reading],
}

impl<'b> Side<'b> {
    pub(super) fn listed(&self) -> &'b ListedMarket {
        &self.book.markets[self.place]
    }

    pub(super) fn market(&self) -> &'b dyn Market {
        &*self.listed().market
    }

    /// The name of the price behind a slot.
    pub(super) fn feed(&self, slot: usize) -> Option<&'b str> {
        let id = self.listed().wiring.get(slot).copied().flatten()?;
        self.book.graph.price(id).map(|price| price.name.as_str())
    }
}

/// Whether what one lists stands in the other at the same places, as far as both go.
fn alike(older: &dyn Market, newer: &dyn Market) -> bool {
    older.instruments().iter().zip(newer.instruments()).all(|(x, y)| x == y)
}

impl Between {
    pub(super) fn of(older: Side<'_>, newer: Side<'_>) -> Between {
        let at = older.book.at;
        let clone = || older.market().boxed_clone();
        // No price comes to a venue that delays them while all prices are the older ones.
        let still = older.market().still(Feeds { readings: older.readings }, at).unwrap_or_else(clone);
        let rules = rules(&*still, older, newer);
        let state = if alike(older.market(), newer.market()) {
            state(still, older, newer)
        } else {
            Err(Untold::Layout)
        };
        Between { state, rules }
    }

    /// Why a world between cannot be, where one cannot.
    pub(super) fn untold(&self) -> Option<Untold> {
        [&self.state, &self.rules].into_iter().find_map(|world| world.as_ref().err().copied())
    }
}

/// The older market with the newer numbers of state. What only the newer lists (a reserve, say) has no place here; who
/// holds it cannot be valued.
fn state(mut market: Box<dyn Market>, older: Side<'_>, newer: Side<'_>) -> Result<World, Untold> {
    let mut known: BTreeMap<Cell, Int> = BTreeMap::new();
    older.market().visit(&mut |cell, _, _, value| {
        known.insert(cell, value);
    });
    let mut refused = None;
    newer.market().visit(&mut |cell, _, _, value| {
        if newer.market().nature(cell) != Nature::State || known.get(&cell) == Some(&value) {
            return;
        }
        match market.set(cell, Some(value)) {
            Err(refusal) if known.contains_key(&cell) => refused = Some(refusal),
            _ => {}
        }
    });
    match refused {
        Some(refusal) => Err(Untold::Refused(refusal)),
        None => Ok(World { market, readings: older.readings.to_vec() }),
    }
}

/// The newer market at the older prices: those that it keeps, and those that it reads, through its own feeds where the
/// older book has them.
fn rules(still: &dyn Market, older: Side<'_>, newer: Side<'_>) -> Result<World, Untold> {
    let mut market = newer.market().boxed_clone();
    for (cell, value) in still.kept_under(newer.market()) {
        market.set(cell, Some(value)).map_err(Untold::Refused)?;
    }
    let slots = newer.market().slots().iter().enumerate();
    let read = slots.map(|(slot, spec)| {
        let before = older.market().slots().iter().position(|one| one.asset == spec.asset);
        let same = before.filter(|before| older.feed(*before) == newer.feed(slot));
        let through = || {
            let id = older.book.graph.find(newer.feed(slot)?)?;
            older.quotes.get(id.0 as usize)?.reading(spec.decimals).ok()
        };
        let before = |slot: Option<usize>| older.readings.get(slot?).copied();
        before(same).or_else(through).or_else(|| before(before_of(older, spec.asset.as_str())))
    });
    let unread = Reading::unknown(None, Why::Missing);
    let readings: Vec<Reading> = read.map(|reading| reading.unwrap_or(unread)).collect();
    let still = market.still(Feeds { readings: &readings }, older.book.at);
    Ok(World { market: still.unwrap_or(market), readings })
}

fn before_of(older: Side<'_>, asset: &str) -> Option<usize> {
    older.market().slots().iter().position(|slot| slot.asset == asset)
}

/// A market standing still in one world.
struct View<'m> {
    market: &'m dyn Market,
    quoted: Box<dyn Quoted + 'm>,
    /// A price has no value.
    gaps: bool,
}

impl<'m> View<'m> {
    fn of(world: &'m World, newer: &Book) -> Result<View<'m>, Untold> {
        let feeds = Feeds { readings: &world.readings };
        let quoted = world.market.at(feeds, Lens::Action, newer.at).map_err(Untold::Refused)?;
        Ok(View { market: &*world.market, quoted, gaps: gaps(&world.readings) })
    }
}

fn gaps(readings: &[Reading]) -> bool {
    readings.iter().any(|reading| reading.value.is_none())
}

/// A market in every world.
pub(super) struct Worlds<'m> {
    /// Digits of all amounts after the point: of the finest unit that the market counts in.
    pub(super) decimals: u8,
    ends: [Option<(&'m Standing<'m>, bool)>; 2],
    /// The worlds between; `None` where the market is in one book alone.
    between: Option<[Result<View<'m>, Untold>; 2]>,
    /// Quantities of the newer book mean the same in the older market.
    alike: bool,
}

impl<'m> Worlds<'m> {
    pub(super) fn new(
        sides: [Option<(Side<'m>, &'m Standing<'m>)>; 2],
        between: Option<&'m Between>,
        newer: &Book,
    ) -> Worlds<'m> {
        let alike = match sides {
            [Some((older, _)), Some((newer, _))] => alike(older.market(), newer.market()),
            _ => false,
        };
        let ends = sides.map(|side| side.map(|(side, standing)| (standing, gaps(side.readings))));
        let units = ends.iter().flatten().flat_map(|(standing, _)| units(standing));
        let view = |world: &'m Result<World, Untold>| match world {
            Ok(world) => View::of(world, newer),
            Err(untold) => Err(*untold),
        };
        Worlds {
            decimals: units.max().unwrap_or(0),
            ends,
            between: between.map(|between| [view(&between.state), view(&between.rules)]),
            alike,
        }
    }

    /// An account's change in parts. `older_of` gives an account of the newer book its number in the older one.
    pub(super) fn split(
        &self,
        was: Option<&Account>,
        is: Option<&Account>,
        older_of: &dyn Fn(AccountId) -> Option<AccountId>,
    ) -> Attribution {
        let end = |side: usize, account: Option<&Account>| match (account, self.ends[side]) {
            (None, _) => Ok(Amounts::default()),
            (Some(account), Some((standing, gaps))) => {
                self.amounts(standing.market(), standing.quoted(), gaps, account)
            }
            (Some(_), None) => Err(Untold::OneBook),
        };
        let (before, after) = (end(0, was), end(1, is));
        let Some(views) = &self.between else {
            return Attribution::of([
                before,
                Err(Untold::OneBook),
                Err(Untold::OneBook),
                Err(Untold::OneBook),
                after,
            ]);
        };
        let Some(is) = is else {
            // Whoever is gone has nothing in any world.
            let nothing = Ok(Amounts::default());
            return Attribution::of([before, nothing, nothing, nothing, after]);
        };
        let acted = if !self.alike { Err(Untold::Layout) } else { self.acted(was, is, older_of) };
        let [state, rules] = views.each_ref().map(|view| match view {
            Ok(View { market, quoted, gaps }) => self.amounts(*market, &**quoted, *gaps, is),
            Err(untold) => Err(*untold),
        });
        Attribution::of([before, acted, state, rules, after])
    }

    /// What the account of the newer book would come to in the older market.
    fn acted(
        &self,
        was: Option<&Account>,
        is: &Account,
        older_of: &dyn Fn(AccountId) -> Option<AccountId>,
    ) -> Result<Amounts, Untold> {
        let (Some((older, gaps)), Some((newer, _))) = (self.ends[0], self.ends[1]) else {
            return Err(Untold::OneBook);
        };
        let mut account = is.clone();
        account.id = was.map_or(AccountId(u64::MAX), |was| was.id);
        for &(term, value) in is.terms() {
            if let Some(Meaning::Account(id)) = newer.market().meaning(term, &value) {
                let moved =
                    older_of(id).and_then(|older| value.sub(Int::from(id.0))?.add(Int::from(older.0)));
                account.set_term(term, moved.unwrap_or(Int::ZERO));
            }
        }
        if was.is_some_and(|was| same(was, &account)) {
            return self.amounts(older.market(), older.quoted(), gaps, &account);
        }
        let back = older.market().put_back(&account, was, older.time()).map_err(Untold::Refused)?;
        self.amounts(older.market(), older.quoted(), gaps, back.as_ref().unwrap_or(&account))
    }

    fn amounts(
        &self,
        market: &dyn Market,
        quoted: &dyn Quoted,
        gaps: bool,
        account: &Account,
    ) -> Result<Amounts, Untold> {
        let line = quoted.verdict(account, Test::Liquidation).map_err(Untold::Refused)?;
        let loans = quoted.verdict(account, Test::Borrow).map_err(Untold::Refused)?;
        if gaps && (line.verdict == Verdict::NoDebt || line.backing >= line.requirement) {
            // What has no price is left out of sums where it decides nothing: here it would look like a loss.
            priced(market, quoted, account)?;
        }
        let (from, to) = (loans.unit.decimals, self.decimals);
        let amounts = || {
            let collateral = scaled(loans.collateral, from, to)?;
            let debt = scaled(loans.debt, from, to)?;
            let headroom = scaled(line.backing.sub(line.requirement)?, line.unit.decimals, to)?;
            let uncovered = debt.sub(collateral)?.max(Int::ZERO);
            Some(Amounts { collateral, debt, headroom, uncovered })
        };
        amounts().ok_or(Untold::TooGreat)
    }
}

/// The digits of both lines, as an account that holds nothing has them.
pub(crate) fn units(standing: &Standing<'_>) -> impl Iterator<Item = u8> {
    let nobody = Account::new(AccountId(u64::MAX));
    let of = |test| standing.quoted().verdict(&nobody, test).ok().map(|seen| seen.unit.decimals);
    [of(Test::Liquidation), of(Test::Borrow)].into_iter().flatten()
}

/// Whether two accounts hold the same on the same terms, whatever their numbers.
fn same(x: &Account, y: &Account) -> bool {
    x.holdings() == y.holdings() && x.terms() == y.terms()
}

/// Whether everything that counts of an account has a price.
fn priced(market: &dyn Market, quoted: &dyn Quoted, account: &Account) -> Result<(), Untold> {
    for holding in account.holdings() {
        let id = holding.instrument;
        let counts = market.counting(account, id).is_ok_and(|counting| counting.why_not.is_none());
        let balance = quoted.balance(account, id).map_err(Untold::Refused)?;
        if counts && balance.value.is_none() {
            let asset = market.instruments().get(id.index()).map(|instrument| instrument.asset.as_str());
            let slot = market.slots().iter().position(|slot| Some(slot.asset.as_str()) == asset);
            let why = Why::Missing;
            return Err(Untold::Refused(Refusal::PriceUnknown { slot: slot.unwrap_or(0), why }));
        }
    }
    Ok(())
}
