//! What changed between two books of the same markets: who is near the line now, who changed tier, and of every account how
//! much of the change is its own doing, interest, other rules and other prices.
//!
//! The change is split by replaying worlds, in the order of [`Cause`]: the older account in the older world, with its newer
//! quantities, in the newer state and at the newer time, under the newer rules, at the newer prices. Each world is valued by
//! the venue's own integers, so the parts add to the change to the last unit; where a world between cannot be valued, the
//! parts beside it are not told.

mod amounts;
mod feeds;
mod markets;
mod owners;
mod worlds;

pub use amounts::{Amounts, Attribution, Cause, SumChange, Untold};
pub use feeds::{FeedChange, Standstill};
pub use markets::{MarketChange, Rewired, RuleChange};
pub use owners::OwnerChange;

use crate::ask::Misasked;
use crate::check::{self, Ladder, Severity, Tier, least};
use crate::identity::Identity;
use crate::ratio::Ratio;
use crate::survey::{Survey, Surveyed, Unsound, currency, one_a_currency};
pub(crate) use amounts::scaled;
use plimsoll_core::{
    AccountId, Book, Lens, ListedAccount, NextPrice, Quote, Reading, Renewed, Standing, Test,
};
use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, HashMap};
pub(crate) use worlds::units;
use worlds::{Between, Side, Worlds};

/// The answer.
#[derive(Clone, Debug)]
pub struct Brief {
    /// What it was computed from: the older book, then the newer.
    pub identities: [Identity; 2],
    /// Every market of either book, in the newer one's order; then those that are gone.
    pub markets: Vec<MarketChange>,
    /// Sums over the accounts that were asked about, by currency.
    pub sums: Vec<SumChange>,
    /// How many of them are in each tier, before and after.
    pub tiers: [BTreeMap<Tier, u64>; 2],
    /// How many went from which tier to which; `None` is not listed.
    pub transitions: BTreeMap<[Option<Tier>; 2], u64>,
    /// The worst of them as they stand in the newer book: unknown, then the least healthy.
    pub worst: Vec<AccountChange>,
    /// The sums without the accounts that `worst` has.
    pub rest: Vec<SumChange>,
    /// Those whose tier changed, who came and who are gone: who fell first.
    pub moved: Vec<AccountChange>,
    /// Those that are above their line, and will be below it by a price on its way to their venue.
    pub coming: Vec<AccountChange>,
    /// How many there are, of whom the lists have the first: moved, and coming.
    pub found: [u64; 2],
    /// The owners of several of these accounts, by the least healthy of them.
    pub owners: Vec<OwnerChange>,
    /// How many such owners there are.
    pub several: u64,
    /// What the markets rest on.
    pub feeds: Vec<FeedChange>,
    /// How many accounts the newer book has, whoever was asked about.
    pub accounts: u64,
    /// The worst of the newer book, whoever was asked about.
    pub severity: Severity,
}

/// An account of either book.
#[derive(Clone, Debug)]
pub struct AccountChange {
    /// Its name.
    pub name: String,
    /// Whose it is.
    pub owner: String,
    /// Its market: a place in [`Brief::markets`].
    pub market: usize,
    /// Its places in the older and in the newer book.
    pub places: [Option<usize>; 2],
    /// Its tiers.
    pub tiers: [Option<Tier>; 2],
    /// Its health at the prices that the venue would use.
    pub health: [Option<Ratio>; 2],
    /// The price on its way to the venue at which it will be below the line.
    pub coming: Option<NextPrice>,
    /// How it stands in the newer book under the parameters that its next risk is judged by, where it is judged by others.
    pub renewed: Option<Renewed>,
    /// What changed, and by what.
    pub change: Attribution,
}

/// What is asked of two books.
#[derive(Clone, Copy, Debug)]
pub struct Compared<'a> {
    /// Where the tiers begin.
    pub ladder: Ladder,
    /// Accounts of this owner alone.
    pub owner: Option<&'a str>,
    /// So many accounts, or owners, of each list.
    pub top: usize,
}

/// Compares a book with an older one of the same markets, each at its own time. Accounts are the same where market and name
/// are.
///
/// # Errors
/// [`Misasked::Order`] where the older book is the newer; [`Misasked::Stands`] where a market cannot stand at its book's time.
pub fn brief(older: &Book, newer: &Book, asked: &Compared<'_>) -> Result<Brief, Misasked> {
    if older.at > newer.at {
        return Err(Misasked::Order { older: older.at, newer: newer.at });
    }
    let stands = |(market, refusal): Unsound| Misasked::Stands { market, refusal };
    let ends = [End::of(older), End::of(newer)];
    let standings = [ends[0].standings().map_err(stands)?, ends[1].standings().map_err(stands)?];
    let pairs = pairs(older, newer);
    let sides = |pair: &Pair| [0, 1].map(|end: usize| pair.sides[end].map(|place| ends[end].side(place)));
    let between = |pair: &Pair| match sides(pair) {
        [Some(older), Some(newer)] => Some(Between::of(older, newer)),
        _ => None,
    };
    let between: Vec<Option<Between>> = pairs.iter().map(between).collect();
    let worlds = pairs.iter().zip(&between).map(|(pair, between)| {
        let mut stand = [None, None];
        for (end, side) in sides(pair).into_iter().enumerate() {
            stand[end] = side.map(|side| (side, &standings[end][side.place]));
        }
        Worlds::new(stand, between.as_ref(), newer)
    });
    let worlds: Vec<Worlds<'_>> = worlds.collect();
    let matched = matched(older, newer, &pairs);
    let looking = Looking {
        books: [older, newer],
        standings: &standings,
        pairs: &pairs,
        worlds: &worlds,
        older_of: matched.older_of,
        ladder: asked.ladder,
    };

    let takes = |listed: &ListedAccount| asked.owner.is_none_or(|owner| listed.owner == owner);
    let takes =
        |places: &[Option<usize>; 2]| (0..2).any(|end| looking.listed(places, end).is_some_and(takes));
    let chosen = matched.accounts.iter().filter(|(_, places)| takes(places));
    let mut seen: Vec<Seen> = chosen.map(|(pair, places)| looking.look(*pair, *places)).collect();
    seen.sort_by(worse_first);
    let shown = seen.iter().take(asked.top).take_while(|one| one.places[1].is_some()).count();

    let (mut sums, mut rest) = (looking.no_sums(), looking.no_sums());
    for (at, one) in seen.iter().enumerate() {
        let split = looking.split(one);
        sums[one.pair].add(one.tiers, &split);
        if at >= shown {
            rest[one.pair].add(one.tiers, &split);
        }
    }
    let mut tiers = [BTreeMap::new(), BTreeMap::new()];
    let mut transitions = BTreeMap::new();
    for one in &seen {
        *transitions.entry(one.tiers).or_insert(0) += 1;
        for (tiers, tier) in tiers.iter_mut().zip(one.tiers) {
            if let Some(tier) = tier {
                *tiers.entry(tier).or_insert(0) += 1;
            }
        }
    }
    let mut moved: Vec<&Seen> = seen.iter().filter(|one| one.tiers[0] != one.tiers[1]).collect();
    // The order among equals stays that of health.
    moved.sort_by_key(|one| one.way());
    let coming: Vec<&Seen> = seen.iter().filter(|one| one.coming).collect();
    let found = [moved.len() as u64, coming.len() as u64];
    let tell = |list: &[&Seen]| list.iter().take(asked.top).map(|one| looking.tell(one)).collect();
    let (owners, several) = owners::owners(&looking, &seen, asked.top);

    let surveys =
        [survey(older, &asked.ladder).map_err(stands)?, survey(newer, &asked.ladder).map_err(stands)?];
    let [Surveyed { identity: was, markets: before, .. }, now] = surveys;
    let info = |end: usize, place: Option<usize>| {
        let infos = if end == 0 { &before } else { &now.markets };
        infos.get(place?).cloned()
    };
    let markets = pairs.iter().enumerate().map(|(at, pair)| {
        let (rules, rewired) = match sides(pair) {
            [Some(older), Some(newer)] => (markets::rules(older, newer), markets::rewired(older, newer)),
            _ => (Vec::new(), Vec::new()),
        };
        MarketChange {
            name: looking.market_name(at).to_string(),
            before: info(0, pair.sides[0]),
            after: info(1, pair.sides[1]),
            replaced: pair.replaced,
            rules,
            rewired,
            unwired: sides(pair)[1].map_or_else(Vec::new, markets::unwired),
            untold: between[at].as_ref().and_then(Between::untold),
            sum: sums[at].clone(),
        }
    });
    Ok(Brief {
        markets: markets.collect(),
        identities: [was, now.identity],
        sums: by_currency(sums),
        rest: by_currency(rest),
        tiers,
        transitions,
        worst: seen.iter().take(shown).map(|one| looking.tell(one)).collect(),
        moved: tell(&moved),
        coming: tell(&coming),
        found,
        owners,
        several,
        feeds: feeds::feeds(older, newer, [&ends[0].quotes, &ends[1].quotes]),
        accounts: now.accounts,
        severity: now.severity,
    })
}

fn survey(book: &Book, ladder: &Ladder) -> Result<Surveyed, Unsound> {
    let mut survey = Survey::new(book, book.at, ladder)?;
    for listed in &book.accounts {
        survey.judge(listed);
    }
    Ok(survey.finish())
}

/// One of the two books, with its prices at its own time.
struct End<'b> {
    book: &'b Book,
    quotes: Vec<Quote>,
    readings: Vec<Vec<Reading>>,
}

impl<'b> End<'b> {
    fn of(book: &'b Book) -> End<'b> {
        let quotes = book.graph.quotes(book.at);
        let readings = book.markets.iter().map(|market| book.readings(market, &quotes)).collect();
        End { book, quotes, readings }
    }

    fn side(&self, place: usize) -> Side<'_> {
        Side { book: self.book, place, quotes: &self.quotes, readings: &self.readings[place] }
    }

    fn standings(&self) -> Result<Vec<Standing<'b>>, Unsound> {
        let stand = |(listed, readings): (&'b plimsoll_core::ListedMarket, &Vec<Reading>)| {
            let standing = Standing::new(&*listed.market, readings, Lens::Action, self.book.at);
            standing.map_err(|refusal| (listed.name.clone(), refusal))
        };
        self.book.markets.iter().zip(&self.readings).map(stand).collect()
    }
}

/// A market of either book: its places in the older and in the newer.
struct Pair {
    sides: [Option<usize>; 2],
    /// The other book has another market of this name.
    replaced: bool,
}

/// The markets of both books, matched by name: the newer book's in its order, then those that are gone. One of another venue
/// or currency is another market.
fn pairs(older: &Book, newer: &Book) -> Vec<Pair> {
    let what = |book: &Book, place: usize| {
        let market = &*book.markets[place].market;
        (market.venue().0, currency(market))
    };
    let twin = |book: &Book, name: &str| book.markets.iter().position(|listed| listed.name == name);
    let same = |before: usize, after: usize| what(older, before) == what(newer, after);
    let mut pairs = Vec::with_capacity(newer.markets.len());
    for (after, listed) in newer.markets.iter().enumerate() {
        let before = twin(older, &listed.name);
        let same = before.filter(|before| same(*before, after));
        pairs.push(Pair { sides: [same, Some(after)], replaced: before != same });
    }
    for (before, listed) in older.markets.iter().enumerate() {
        let after = twin(newer, &listed.name);
        if after.is_none_or(|after| !same(before, after)) {
            pairs.push(Pair { sides: [Some(before), None], replaced: after.is_some() });
        }
    }
    pairs
}

/// Every account of either book.
struct Matched {
    /// The market's pair, and the places in both books.
    accounts: Vec<(usize, [Option<usize>; 2])>,
    /// The older place of each account of the newer book.
    older_of: Vec<Option<usize>>,
}

fn matched(older: &Book, newer: &Book, pairs: &[Pair]) -> Matched {
    let pair_of = |end: usize, markets: usize| {
        let mut of = vec![0; markets];
        for (at, pair) in pairs.iter().enumerate() {
            if let Some(place) = pair.sides[end] {
                of[place] = at;
            }
        }
        of
    };
    let (before, after) = (pair_of(0, older.markets.len()), pair_of(1, newer.markets.len()));
    let mut known: HashMap<(usize, &str), usize> = HashMap::with_capacity(older.accounts.len());
    for (place, listed) in older.accounts.iter().enumerate() {
        known.insert((before[listed.market], &listed.name), place);
    }
    let mut accounts = Vec::with_capacity(newer.accounts.len());
    let mut older_of = Vec::with_capacity(newer.accounts.len());
    for (place, listed) in newer.accounts.iter().enumerate() {
        let pair = after[listed.market];
        let was = known.remove(&(pair, listed.name.as_str()));
        accounts.push((pair, [was, Some(place)]));
        older_of.push(was);
    }
    let mut gone: Vec<usize> = known.into_values().collect();
    gone.sort_unstable();
    accounts
        .extend(gone.into_iter().map(|place| (before[older.accounts[place].market], [Some(place), None])));
    Matched { accounts, older_of }
}

/// What is looked at.
struct Looking<'m> {
    books: [&'m Book; 2],
    standings: &'m [Vec<Standing<'m>>; 2],
    pairs: &'m [Pair],
    worlds: &'m [Worlds<'m>],
    older_of: Vec<Option<usize>>,
    ladder: Ladder,
}

/// An account of either book, judged in both.
struct Seen {
    pair: usize,
    places: [Option<usize>; 2],
    tiers: [Option<Tier>; 2],
    health: [Option<Ratio>; 2],
    coming: bool,
}

impl Seen {
    /// Where an account stands among those whose tier changed: who fell, who rose, who came, who is gone; of those the worst.
    fn way(&self) -> (u8, Reverse<Option<Tier>>) {
        let [before, after] = self.tiers;
        let way = match (before, after) {
            (Some(before), Some(after)) if after > before => 0,
            (Some(_), Some(_)) => 1,
            (None, _) => 2,
            (_, None) => 3,
        };
        (way, Reverse(after))
    }
}

/// As the newer book has them, in the order of `check`; then those that are gone.
fn worse_first(x: &Seen, y: &Seen) -> Ordering {
    let rank = |seen: &Seen| match seen.tiers[1] {
        Some(Tier::Unknown) => 0,
        Some(Tier::NoDebt) => 2,
        Some(_) => 1,
        None => 3,
    };
    let health = || least((x.tiers[1], &x.health[1]), (y.tiers[1], &y.health[1]));
    rank(x)
        .cmp(&rank(y))
        .then_with(health)
        .then_with(|| x.places[1].cmp(&y.places[1]))
        .then(x.places[0].cmp(&y.places[0]))
}

impl<'m> Looking<'m> {
    fn listed(&self, places: &[Option<usize>; 2], end: usize) -> Option<&'m ListedAccount> {
        self.books[end].accounts.get(places[end]?)
    }

    /// Whose it is; of one that is gone, whose it was.
    fn owner(&self, seen: &Seen) -> &'m str {
        let listed = self.listed(&seen.places, 1).or(self.listed(&seen.places, 0));
        listed.map_or("", |listed| listed.owner.as_str())
    }

    fn market_name(&self, pair: usize) -> &'m str {
        let [before, after] = self.pairs[pair].sides;
        let name =
            |end: usize, place: Option<usize>| self.books[end].markets.get(place?).map(|it| it.name.as_str());
        name(1, after).or(name(0, before)).unwrap_or("")
    }

    fn look(&self, pair: usize, places: [Option<usize>; 2]) -> Seen {
        let mut seen = Seen { pair, places, tiers: [None; 2], health: [None; 2], coming: false };
        for end in 0..2 {
            let Some(listed) = self.listed(&places, end) else { continue };
            let standing = &self.standings[end][listed.market];
            let judgement = standing.judge(&listed.account, Test::Liquidation);
            seen.health[end] = check::health(&judgement);
            seen.tiers[end] = Some(self.ladder.tier(&judgement, seen.health[end].as_ref()));
            seen.coming = end == 1 && check::coming(standing, &listed.account, &judgement).is_some();
        }
        seen
    }

    fn split(&self, seen: &Seen) -> Attribution {
        let account = |end: usize| self.listed(&seen.places, end).map(|listed| &listed.account);
        let older_of = |id: AccountId| {
            let place = *self.older_of.get(usize::try_from(id.0).ok()?)?;
            place.and_then(|place| self.books[0].accounts.get(place)).map(|listed| listed.account.id)
        };
        self.worlds[seen.pair].split(account(0), account(1), &older_of)
    }

    fn tell(&self, seen: &Seen) -> AccountChange {
        let name = self.listed(&seen.places, 1).or(self.listed(&seen.places, 0));
        let coming = self.listed(&seen.places, 1).filter(|_| seen.coming).and_then(|listed| {
            let standing = &self.standings[1][listed.market];
            let judgement = standing.judge(&listed.account, Test::Liquidation);
            check::coming(standing, &listed.account, &judgement)
        });
        let renewed = self.listed(&seen.places, 1).and_then(|listed| {
            self.standings[1][listed.market].quoted().renewed(&listed.account).ok().flatten()
        });
        AccountChange {
            name: name.map_or_else(String::new, |listed| listed.name.clone()),
            owner: self.owner(seen).to_string(),
            market: seen.pair,
            places: seen.places,
            tiers: seen.tiers,
            health: seen.health,
            coming,
            renewed,
            change: self.split(seen),
        }
    }

    /// One empty sum for each market.
    fn no_sums(&self) -> Vec<SumChange> {
        let of = |(pair, worlds): (&Pair, &Worlds<'_>)| {
            let [before, after] = pair.sides;
            let market = |end: usize, place: Option<usize>| self.books[end].markets.get(place?);
            let listed = market(1, after).or(market(0, before));
            let currency = listed.map_or_else(String::new, |listed| currency(&*listed.market));
            SumChange { currency, decimals: worlds.decimals, ..SumChange::default() }
        };
        self.pairs.iter().zip(self.worlds).map(of).collect()
    }
}

/// Sums of markets as sums of currencies, without those of nobody.
fn by_currency(mut sums: Vec<SumChange>) -> Vec<SumChange> {
    sums.retain(|sum| sum.accounts != [0; 2] || sum.unvalued != [0; 2]);
    sums.sort_by(|x, y| x.currency.cmp(&y.currency).then(x.decimals.cmp(&y.decimals)));
    one_a_currency(sums.into_iter(), |sum| (&sum.currency, sum.decimals), SumChange::plus)
}
