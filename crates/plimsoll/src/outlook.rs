//! What kills an account, and when: the distance along each factor, the day on which interest alone reaches the
//! line, what it earns and pays, and what each holding is good for.

use crate::ask::{asset_of, slot_called};
use crate::blind::{Blind, Blinds, looks};
use crate::boundary::{Boundary, Crossing, boundary};
use crate::identity::{Identity, identity};
use crate::limits::{Limit, withdrawable};
use crate::path::{Mover, Path};
use crate::ratio::Ratio;
use crate::worst::{WorstDay, worst_day_of};
use plimsoll_core::{
    Account, AccountId, Balance, Book, BranchHealth, Compiled, Counting, Feeds, InstrumentId, Int, Judgement,
    Kind, Lens, ListedMarket, Look, Market, NextPrice, Origin, Premium, PriceId, Question, Quote, Quoted,
    Reading, Refusal, Rounding, Standing, Test, Time, U256, Verdict,
};
use std::collections::BTreeMap;

/// A year of 365 days (s).
const YEAR: u64 = 31_536_000;
/// Interest is followed for this long (s).
const HORIZON: u64 = 10 * YEAR;

/// How far it is to a crossing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distance {
    /// The first point at which the verdict is the other one.
    pub first: U256,
    /// From today's point to it, in 1e-6 parts of today's, cut toward today's; negative downwards.
    pub parts: Int,
    /// The same over today's, exact and without a sign: what distances are compared by.
    pub way: Ratio,
}

impl Distance {
    /// Whether it is a fall to less than a millionth of today's price: there whole units decide and not the market. Such
    /// a crossing is told, but is no danger.
    #[must_use]
    pub fn is_dust(&self) -> bool {
        self.parts <= Int::new(-999_999)
    }
}

/// One factor that moves the account: a feed with all that is derived from it.
#[derive(Clone, Debug)]
pub struct Factor {
    /// The feed.
    pub leaf: PriceId,
    /// Both crossings.
    pub boundary: Boundary,
    /// Down to the first flip; `None` where none is proven to be.
    pub down: Option<Distance>,
    /// Up to it.
    pub up: Option<Distance>,
    /// The worst recorded day of what the feed prices.
    pub worst: Option<WorstDay>,
}

impl Factor {
    /// The nearer of the two crossings, those aside where only whole units decide: of a healthy account a danger, of an
    /// unhealthy one the way back.
    #[must_use]
    pub fn nearest(&self) -> Option<Distance> {
        let market = |distance: Option<Distance>| distance.filter(|distance| !distance.is_dust());
        match (market(self.down), market(self.up)) {
            (Some(down), Some(up)) => Some(if down.way <= up.way { down } else { up }),
            (down, up) => down.or(up),
        }
    }

    /// The fall to the crossing as a multiple of the worst recorded day (1e-2 parts, cut): below 100 such a day is
    /// enough. `None` of an unhealthy account, which no fall kills.
    #[must_use]
    pub fn worst_days(&self) -> Option<U256> {
        if self.boundary.today == Verdict::Unhealthy {
            return None;
        }
        let (down, worst) = (self.down?, self.worst?);
        let parts = down.parts.magnitude();
        // 1e-6 parts over 1e-4 parts, in hundredths.
        parts.div(U256::from(u64::from(worst.fall)), Rounding::Down)
    }
}

/// When interest alone reaches the line, prices and everybody else standing still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// It is there already.
    Already,
    /// At this second the account is unhealthy, and it was not a second before.
    Out(Time),
    /// Not within ten years.
    Never,
    /// The market cannot be asked so far ahead.
    Unknown(Refusal),
}

/// What a year of 365 days brings at today's prices, nobody acting: rates are as the venue's own rules move them
/// (account unit).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carry {
    /// Interest that holdings earn at the venue. A token's own yield (staking) is not in it.
    pub earned: Int,
    /// Interest that is owed.
    pub paid: Int,
    /// All debt today.
    pub debt: Int,
    /// Digits after the point.
    pub decimals: u8,
}

impl Carry {
    /// The borrow rate at which what is earned pays for the debt.
    #[must_use]
    pub fn breakeven(&self) -> Option<Ratio> {
        Ratio::of(self.earned, self.debt)
    }

    /// The borrow rate that is paid.
    #[must_use]
    pub fn rate(&self) -> Option<Ratio> {
        Ratio::of(self.paid, self.debt)
    }
}

/// What one holding is good for.
#[derive(Clone, Debug)]
pub struct Good {
    /// The holding.
    pub instrument: InstrumentId,
    /// What it is worth.
    pub balance: Result<Balance, Refusal>,
    /// Whether it counts, and why not.
    pub counting: Result<Counting, Refusal>,
    /// How much of it can go in one action at the pool's cash and the account's health; `None` for a debt.
    pub withdrawable: Option<Limit>,
}

/// Everything that threatens one account.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// The feeds that move it, nearest crossing first; those that do not matter last.
    pub factors: Vec<Factor>,
    /// When interest alone reaches the line; `None` without debt.
    pub interest: Option<Runs>,
    /// What a year brings; `None` where a price is missing.
    pub carry: Option<Carry>,
    /// Its holdings.
    pub holdings: Vec<Good>,
    /// Why what a year brings, and when interest reaches the line, cannot be told, where that is not a price.
    pub unrated: Option<Refusal>,
    /// How much debt is redeemed before its own, or why that cannot be told; `None` where no redemption reaches it.
    pub redemption: Option<Result<Redemption, Refusal>>,
    /// What the risk of its own collateral costs it; `None` where the venue asks nothing for it.
    pub premium: Option<Premium>,
    /// How the branch stands of which it is a part; `None` where the venue has none.
    pub branch: Option<Branch>,
    /// The price that the venue will use next, and what it will say then; `None` where none is queued.
    pub next: Option<NextPrice>,
    /// Its collateral at prices that no market moves.
    pub blind: Vec<Blind>,
}

/// The branch of which an account is a part, and what kills that.
#[derive(Clone, Debug)]
pub struct Branch {
    /// How it stands.
    pub health: BranchHealth,
    /// The feed whose fall is the shortest to the ratio at which anybody may shut the branch down, and the way; `None` where
    /// it may be now, where none leads there, or where that is not proven.
    pub shut_down: Option<(PriceId, Distance)>,
}

/// An account's place in the order of redemptions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redemption {
    /// What others owe who are redeemed first (raw).
    pub before: U256,
    /// What is redeemed, …
    pub asset: String,
    /// … and its decimals.
    pub decimals: u8,
}

/// A book standing at a time, ready to look ahead for any of its accounts.
pub struct Lookout<'b> {
    book: &'b Book,
    at: Time,
    quotes: Vec<Quote>,
    markets: Vec<Stand<'b>>,
}

struct Stand<'b> {
    listed: &'b ListedMarket,
    readings: Vec<Reading>,
    now: Box<dyn Quoted + 'b>,
    /// The feeds behind each slot.
    behind: Vec<Vec<PriceId>>,
    paths: BTreeMap<PriceId, Path<'b>>,
    /// The market later on, where many accounts ask for the same time.
    later: Vec<(Time, Stands<'b>)>,
    /// Debt that is redeemed before an account's, where the venue knows redemption.
    queued: BTreeMap<AccountId, U256>,
    /// Why each queue cannot be told, where it cannot.
    queues: Vec<Option<Refusal>>,
    /// A total that is missing, and that the market's rates follow from.
    unrated: Option<Refusal>,
    /// The market to which no price comes by itself, where one would.
    still: Option<Box<dyn Market>>,
    /// Its prices looked through, if one of them sees no market.
    blind: Option<Vec<Option<Look>>>,
}

type Stands<'b> = Result<Box<dyn Quoted + 'b>, Refusal>;

impl<'b> Lookout<'b> {
    /// Makes a book's markets stand at a time.
    ///
    /// # Errors
    /// As [`plimsoll_core::Market::at`], with the market's name.
    pub fn new(book: &'b Book, at: Time) -> Result<Lookout<'b>, (String, Refusal)> {
        let quotes = book.graph.quotes(at);
        let stand = |number: usize| Stand::new(book, number, &quotes, at);
        let markets: Result<Vec<Stand<'b>>, _> = (0..book.markets.len()).map(stand).collect();
        Ok(Lookout { book, at, markets: markets?, quotes })
    }

    /// The outlook of the account at a place of the book.
    #[must_use]
    pub fn of(&self, account: usize) -> Outlook {
        let listed = &self.book.accounts[account];
        let (stand, account) = (&self.markets[listed.market], &listed.account);
        let market = &*stand.listed.market;
        let holdings = account.holdings().iter().map(|holding| holding.instrument);
        let limits = withdrawable(market, &stand.readings, account, &[self.at]);
        Outlook {
            carry: stand.carry(account, self.at),
            premium: stand.now.premium(account).ok().flatten(),
            holdings: holdings
                .map(|instrument| Good {
                    instrument,
                    balance: stand.now.balance(account, instrument),
                    counting: market.counting(account, instrument),
                    withdrawable: limits.iter().find(|limit| limit.instrument == instrument).copied(),
                })
                .collect(),
            ..self.glance(listed.market, account)
        }
    }

    /// What kills an account and when, without carry and holdings, which ask the market far more.
    #[must_use]
    pub fn glance(&self, market: usize, account: &Account) -> Outlook {
        let factors = self.factors(market, account);
        let interest = self.markets[market].interest(account, self.at);
        let stand = &self.markets[market];
        let next = stand.listed.market.queued(account, Test::Liquidation, self.at);
        Outlook {
            factors,
            interest,
            carry: None,
            holdings: Vec::new(),
            premium: None,
            unrated: stand.unrated(account),
            redemption: stand.redemption(account),
            branch: stand.branch(account),
            next,
            blind: self.blind(stand, account),
        }
    }

    fn blind(&self, stand: &Stand<'b>, account: &Account) -> Vec<Blind> {
        let Some(looks) = &stand.blind else { return Vec::new() };
        // An account without anything says in what values are counted.
        let nothing = Account::new(AccountId(u64::MAX));
        let Ok(unit) = stand.now.verdict(&nothing, Test::Borrow).map(|seen| seen.unit) else {
            return Vec::new();
        };
        let (quotes, readings, decimals) = (&self.quotes, &stand.readings, unit.decimals);
        let blinds = Blinds { book: self.book, listed: stand.listed, quotes, readings, decimals };
        blinds.of(account, &*stand.now, looks)
    }

    /// Where the verdict on an account flips as one asset's price moves and all others stand still, in the integers
    /// that the venue reads.
    #[must_use]
    pub fn slots(&self, account: usize) -> Vec<(String, Boundary)> {
        let listed = &self.book.accounts[account];
        let stand = &self.markets[listed.market];
        let through = stand.through();
        let market = through.as_deref().unwrap_or(&*stand.listed.market);
        let slots = slots(market, &listed.account, self.question());
        let found = slots.into_iter().filter_map(|slot| {
            let name = slot_called(&*stand.listed.market, slot);
            Some((name, self.along(account, Mover::Slot(slot))?))
        });
        found.collect()
    }

    /// Where the verdict on an account flips as something moves; `None` where it does not move the account, or a
    /// price is missing.
    #[must_use]
    pub fn along(&self, account: usize, mover: Mover) -> Option<Boundary> {
        let listed = &self.book.accounts[account];
        let stand = &self.markets[listed.market];
        let path = Path::at(self.book, listed.market, &self.quotes, mover, self.at)?;
        let through = stand.through();
        let market = through.as_deref().unwrap_or(&*stand.listed.market);
        let fresh = through.as_deref().and_then(|market| stand.fresh(market, self.at));
        let now = fresh.as_deref().unwrap_or(&*stand.now);
        boundary(&path, market, now, &listed.account, self.question())
    }

    /// The verdict on an account, with what is doubtful about it.
    ///
    /// # Errors
    /// As [`plimsoll_core::Market::at`].
    pub fn judge(&self, account: usize) -> Result<Judgement, Refusal> {
        let listed = &self.book.accounts[account];
        let market = &self.book.markets[listed.market];
        let readings = self.book.readings(market, &self.quotes);
        let standing = Standing::new(&*market.market, &readings, Lens::Action, self.at)?;
        Ok(standing.judge(&listed.account, Test::Liquidation))
    }

    /// What it all was computed from.
    #[must_use]
    pub fn identity(&self) -> Identity {
        let readings = self.book.markets.iter().map(|market| self.book.readings(market, &self.quotes));
        identity(self.book, self.at, &readings.collect::<Vec<_>>())
    }

    fn question(&self) -> Question {
        Question { test: Test::Liquidation, lens: Lens::Action, at: self.at }
    }

    /// The feeds that move an account, nearest crossing first ([`Factor::nearest`]). Nothing else of an outlook: for whole books.
    #[must_use]
    pub fn factors(&self, market: usize, account: &Account) -> Vec<Factor> {
        let stand = &self.markets[market];
        let question = self.question();
        let mut factors: Vec<Factor> = Vec::new();
        let through = stand.through();
        let market = through.as_deref().unwrap_or(&*stand.listed.market);
        let fresh = through.as_deref().and_then(|market| stand.fresh(market, self.at));
        let now = fresh.as_deref().unwrap_or(&*stand.now);
        for leaf in stand.leaves(market, account, question) {
            let Some(path) = stand.paths.get(&leaf) else { continue };
            let found = boundary(path, market, now, account, question);
            let Some(boundary) = found else { continue };
            let [down, up] = [boundary.down, boundary.up].map(|crossing| distance(boundary.now, crossing));
            factors.push(Factor { leaf, boundary, down, up, worst: worst_day_of(self.book, leaf) });
        }
        factors.sort_by_key(|factor| {
            // Feeds that are a leg of one price are equally near, but for the digits in which each is written: the
            // first of the book is named.
            let parts = factor.nearest().map(|nearest| nearest.parts.magnitude());
            (parts.is_none(), parts, factor.down.is_none() && factor.up.is_none(), factor.leaf)
        });
        factors
    }
}

fn distance(now: U256, crossing: Crossing) -> Option<Distance> {
    let Crossing::At { first, .. } = crossing else { return None };
    let (gap, negative) = match now.sub(first) {
        Some(gap) => (gap, true),
        None => (first.sub(now)?, false),
    };
    let parts = gap.mul_div_wide(U256::from(1_000_000_u64), now, Rounding::Down)?;
    let way = Ratio::of(gap.into(), now.into())?;
    Some(Distance { first, parts: Int::from_parts(negative, parts), way })
}

/// The prices behind the nodes of an account's rows; without rows, of all that it has.
fn slots(market: &dyn Market, account: &Account, question: Question) -> Vec<usize> {
    let rows = match market.compile(account, question) {
        Ok(Compiled::Rows(rows)) => rows,
        Ok(Compiled::Opaque) => {
            if let Some(reads) = market.reads(account) {
                return reads;
            }
            let has = |asset: &str| {
                let mut held = account
                    .holdings()
                    .iter()
                    .filter_map(|held| market.instruments().get(held.instrument.index()));
                held.any(|spec| spec.asset == asset)
            };
            let slots = market.slots().iter().enumerate();
            return slots.filter(|(_, slot)| has(&slot.asset)).map(|(at, _)| at).collect();
        }
        Ok(Compiled::NoDebt) | Err(_) => return Vec::new(),
    };
    let parts = rows.iter().flat_map(|row| [&row.backing, &row.requirement].into_iter().chain(&row.hinges));
    let terms = parts.flat_map(|part| &part.terms).filter(|(_, coefficient)| !coefficient.is_zero());
    let mut slots: Vec<usize> =
        terms.filter_map(|(node, _)| market.nodes().get(node.0 as usize)?.slot).collect();
    slots.sort_unstable();
    slots.dedup();
    slots
}

/// A total of zero of what an account has, where rates follow from totals. Where somebody owes, there is a supply too.
fn unrated(market: &dyn Market, account: &Account) -> Option<Refusal> {
    let rated = market.rated();
    let has = |id: &InstrumentId| !account.quantity(*id).is_zero();
    let none = |id: &InstrumentId| market.total(*id) == Some(U256::ZERO);
    let debt = |id: &InstrumentId| {
        market.instruments().get(id.index()).is_some_and(|instrument| instrument.kind == Kind::Debt)
    };
    let owes = rated.iter().any(|id| debt(id) && has(id));
    rated.iter().find(|id| none(id) && (has(id) || owes)).map(|id| Refusal::TotalsMissing(*id))
}

/// The way down a path to one of its points.
fn distance_to(path: &Path<'_>, first: U256) -> Option<Distance> {
    distance(path.now, Crossing::At { first, settled: None })
}

impl<'b> Stand<'b> {
    fn new(
        book: &'b Book,
        number: usize,
        quotes: &[Quote],
        at: Time,
    ) -> Result<Stand<'b>, (String, Refusal)> {
        let listed = &book.markets[number];
        let used: Vec<Quote> = quotes.iter().map(|quote| quote.as_used()).collect();
        let readings = book.readings(listed, &used);
        let stand = |at| listed.market.at(Feeds { readings: &readings }, Lens::Action, at);
        let now = stand(at).map_err(|refusal| (listed.name.clone(), refusal))?;
        // 1, 2, 4, ... days, and the horizon; a year for the carry.
        let days = (0..12).map(|n| 86_400_u64 << n).chain([HORIZON, YEAR]).map(|later| at.plus(later));
        let later = days.map(|at| (at, stand(at))).collect();
        let feed = |id: PriceId| matches!(book.graph.price(id).map(|p| &p.origin), Some(Origin::Feed(_)));
        let leaves = |wired: &Option<PriceId>| -> Vec<PriceId> {
            let leaves = wired.map_or_else(Vec::new, |id| book.graph.leaves(id));
            leaves.into_iter().filter(|&leaf| feed(leaf)).collect()
        };
        let behind: Vec<Vec<PriceId>> = listed.wiring.iter().map(leaves).collect();
        let mut paths = BTreeMap::new();
        for &leaf in behind.iter().flatten() {
            if !paths.contains_key(&leaf)
                && let Some(path) = Path::at(book, number, quotes, Mover::Leaf(leaf), at)
            {
                paths.insert(leaf, path);
            }
        }
        let mut queued = BTreeMap::new();
        let queues = listed.market.queues(book, Feeds { readings: &readings }, at);
        let queues = queues.into_iter().map(|queue| {
            // A queue that cannot be told, such as without a price, tells nobody's place.
            let mut before = U256::ZERO;
            for place in queue? {
                queued.insert(place.account, before);
                before = before.add(place.debt).ok_or(Refusal::Overflow("debt that is redeemed first"))?;
            }
            Ok(())
        });
        let queues = queues.map(Result::err).collect();
        let own = book.accounts.iter().filter(|one| one.market == number);
        let unrated = own.map(|one| unrated(&*listed.market, &one.account)).find_map(|missing| missing);
        let still = listed.market.still(Feeds { readings: &readings }, at);
        let looks = looks(book, listed, &used, at);
        let blind = looks.iter().flatten().any(|look| look.sight.is_blind()).then_some(looks);
        Ok(Stand { listed, readings, now, behind, paths, later, queued, queues, unrated, still, blind })
    }

    fn redemption(&self, account: &Account) -> Option<Result<Redemption, Refusal>> {
        let market = &*self.listed.market;
        let queue = market.queue_of(account);
        if let Some(refusal) = queue.and_then(|queue| *self.queues.get(queue)?) {
            return Some(Err(refusal));
        }
        let before = *self.queued.get(&account.id)?;
        let kind = |id: InstrumentId| market.instruments().get(id.index()).map(|i| i.kind);
        let debt = account.holdings().iter().find(|held| kind(held.instrument) == Some(Kind::Debt))?;
        let (asset, decimals) = asset_of(market, debt.instrument);
        Some(Ok(Redemption { before, asset, decimals }))
    }

    /// The branch of an account, and the feed that is the nearest to bringing all of it down.
    fn branch(&self, account: &Account) -> Option<Branch> {
        let health = self.now.branch(account).ok().flatten()?;
        let above = health.ratio.is_some_and(|ratio| ratio >= health.shut_down);
        let falls_at = health.falls_at.filter(|_| above);
        let ways = falls_at.into_iter().flat_map(|(slot, most)| {
            let leaves = self.behind.get(slot).into_iter().flatten();
            leaves.filter_map(move |leaf| {
                let path = self.paths.get(leaf)?;
                Some((*leaf, distance_to(path, path.falls_to(slot, most)?)?))
            })
        });
        let shut_down = ways.min_by(|(_, x), (_, y)| x.way.cmp(&y.way));
        Some(Branch { health, shut_down })
    }

    /// Why rates say nothing of an account's interest: totals that its market's rates follow from are missing.
    fn unrated(&self, account: &Account) -> Option<Refusal> {
        self.unrated.or_else(|| unrated(&*self.listed.market, account))
    }

    /// The market as it will be when its feeds have gone through what delays them; `None` where nothing does.
    fn through(&self) -> Option<Box<dyn Market>> {
        self.listed.market.undelayed()
    }

    fn fresh<'m>(&self, market: &'m dyn Market, at: Time) -> Option<Box<dyn Quoted + 'm>> {
        market.at(Feeds { readings: &self.readings }, Lens::Action, at).ok()
    }

    /// The feeds behind the prices that move an account.
    fn leaves(&self, market: &dyn Market, account: &Account, question: Question) -> Vec<PriceId> {
        let slots = slots(market, account, question);
        let leaves = slots.into_iter().filter_map(|slot| self.behind.get(slot)).flatten();
        let mut leaves: Vec<PriceId> = leaves.copied().collect();
        leaves.sort_unstable();
        leaves.dedup();
        leaves
    }

    /// The verdict at a time to which no price has changed.
    fn ask(&self, at: Time, account: &Account) -> Result<Verdict, Refusal> {
        let verdict = |quoted: &dyn Quoted| Ok(quoted.verdict(account, Test::Liquidation)?.verdict);
        if let Some(still) = &self.still {
            return verdict(&*still.at(Feeds { readings: &self.readings }, Lens::Action, at)?);
        }
        match self.later.iter().find(|(later, _)| *later == at) {
            Some((_, Ok(quoted))) => verdict(&**quoted),
            Some((_, Err(refusal))) => Err(*refusal),
            None => {
                let feeds = Feeds { readings: &self.readings };
                verdict(&*self.listed.market.at(feeds, Lens::Action, at)?)
            }
        }
    }

    fn interest(&self, account: &Account, at: Time) -> Option<Runs> {
        let today = self.now.verdict(account, Test::Liquidation);
        match today.map(|today| today.verdict) {
            Ok(Verdict::NoDebt) => return None,
            Ok(Verdict::Unhealthy) => return Some(Runs::Already),
            Err(refusal) => return Some(Runs::Unknown(refusal)),
            Ok(Verdict::Healthy) => {}
        }
        if let Some(refusal) = self.unrated(account) {
            return Some(Runs::Unknown(refusal));
        }
        // The first of the days ahead on which it is unhealthy, then the second within.
        let mut healthy = at;
        let ahead = self.later.iter().map(|(time, _)| *time).filter(|time| *time <= at.plus(HORIZON));
        let mut ahead: Vec<Time> = ahead.collect();
        ahead.sort_unstable();
        let mut unhealthy = None;
        for time in ahead {
            match self.ask(time, account) {
                Ok(Verdict::Unhealthy) => {
                    unhealthy = Some(time);
                    break;
                }
                Ok(_) => healthy = time,
                Err(refusal) => return Some(Runs::Unknown(refusal)),
            }
        }
        let Some(mut unhealthy) = unhealthy else { return Some(Runs::Never) };
        while unhealthy.0 - healthy.0 > 1 {
            let middle = Time(healthy.0.midpoint(unhealthy.0));
            match self.ask(middle, account) {
                Ok(Verdict::Unhealthy) => unhealthy = middle,
                Ok(_) => healthy = middle,
                Err(refusal) => return Some(Runs::Unknown(refusal)),
            }
        }
        Some(Runs::Out(unhealthy))
    }

    fn carry(&self, account: &Account, at: Time) -> Option<Carry> {
        if self.unrated(account).is_some() {
            return None;
        }
        let (_, Ok(later)) = self.later.iter().find(|(time, _)| *time == at.plus(YEAR))? else { return None };
        let unit = self.now.verdict(account, Test::Borrow).ok()?.unit;
        let mut carry =
            Carry { earned: Int::ZERO, paid: Int::ZERO, debt: Int::ZERO, decimals: unit.decimals };
        for holding in account.holdings() {
            let balance = |quoted: &dyn Quoted| quoted.balance(account, holding.instrument).ok();
            let (now, then) = (balance(&*self.now)?, balance(&**later)?);
            let instrument = self.listed.market.instruments().get(holding.instrument.index())?;
            // A price that a delayed oracle lets in meanwhile is no interest. What has no price, such as a stablecoin at
            // par, is worth more by interest alone, also where that is paid beside the balance.
            let priced = self.listed.market.slots().iter().any(|slot| slot.asset == instrument.asset);
            let grown = now.raw != then.raw || !priced;
            let (now, then) = (Int::from(now.value?), Int::from(then.value?));
            let gain = if grown { then.sub(now)? } else { Int::ZERO };
            match instrument.kind {
                Kind::Debt => {
                    carry.paid = carry.paid.add(gain)?;
                    carry.debt = carry.debt.add(now)?;
                }
                _ => carry.earned = carry.earned.add(gain)?,
            }
        }
        Some(carry)
    }
}
