//! One run: from tick to tick until the path ends.
//!
//! At each tick, in this order: buyers come back and liquidity withdraws; prices move, pressed down by what was sold; oracles publish; whoever may
//! have crossed a line is judged; borrowers act whose time has come; keepers act, worst account first; pools whose time has come are brought back to
//! the market. What is drawn is drawn in this order from the run's own stream, so that a run is the same whatever runs beside it.

use crate::borrower::{self, Rescue, Wakeful};
use crate::keeper::{self, Look, Paying, Why};
use crate::ledger::{Holder, Ledger};
use crate::outcome::{Event, Liquidation, Outcome, What};
use crate::plan::{ONE, Plan};
use crate::state::{State, Unplayable};
use crate::street::{Sale, Street};
use crate::worth::{currency, rescale};
use plimsoll_core::{AccountId, Book, Effects, Feeds, Int, Kind, Lens, Party, Reading, Rounding, Test, U256};
use plimsoll_risk::stream::Stream;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What keepers draw comes from another key than prices.
const KEEPERS: u64 = 0x6b65_6570_6572_7300;
/// Calls on one account at one tick.
const CALLS_MAX: u32 = 64;
/// An account that nobody wanted is looked at again after as many ticks as it was left times, at most this.
const PATIENCE: u64 = 64;

/// A run while it is played.
pub struct Run<'p> {
    plan: &'p Plan,
    state: State,
    street: Street,
    wakeful: Wakeful,
    draws: Stream,
    ticks: Vec<crate::prices::Tick>,
    next: usize,
    outcome: Outcome,
    highest: Vec<f64>,
    /// Of the last hour: second, and the highest that each driver was.
    hour: VecDeque<(u64, Vec<f64>)>,
    fallen: BTreeSet<u32>,
    /// Accounts that nobody wanted: how often, and the tick from which they are looked at again.
    left: BTreeMap<u32, (u64, u64)>,
    /// Accounts with calls that follow the first, such as auctions.
    followed: BTreeSet<u32>,
    since: Option<u64>,
    /// Who was told to be below.
    told: BTreeSet<u32>,
    events: Option<Vec<Event>>,
}

impl<'p> Run<'p> {
    /// A run that has not begun.
    ///
    /// # Errors
    /// Where the book or the plan cannot be played.
    pub fn new(book: &Book, plan: &'p Plan, run: u64) -> Result<Run<'p>, Unplayable> {
        let triggers: Vec<u32> = plan.borrowers.iter().map(|of| of.trigger).collect();
        let sound = plan.borrowers.iter().all(|of| of.target > of.trigger && of.trigger > 10_000)
            && plan.borrowers.iter().map(|of| of.share).sum::<u64>() <= 10_000;
        if !sound {
            return Err(Unplayable::Plan(
                "borrowers: expected triggers above 1, targets above them, shares of at most all",
            ));
        }
        if plan.keepers.len() > 64 || plan.pools.iter().any(|amm| amm.pool.reserves.len() != 2) {
            return Err(Unplayable::Plan("expected at most 64 keepers, and pools of two assets"));
        }
        let ticks = plan.paths.run(plan.seed, run);
        let drivers = plan.drivers.len();
        if ticks.is_empty() || ticks.iter().any(|tick| tick.logs.len() != drivers) {
            return Err(Unplayable::Plan("paths: expected a tick or more, with a number for each driver"));
        }
        let state = State::new(book, plan, &triggers)?;
        let outcome = Outcome {
            run,
            impact: vec![U256::ZERO; drivers],
            lowest: vec![ONE; drivers],
            lowest_alone: vec![ONE; drivers],
            ..Outcome::default()
        };
        Ok(Run {
            plan,
            state,
            street: Street::new(&plan.curves, &plan.pools),
            wakeful: Wakeful::new(plan.seed),
            draws: Stream::new(plan.seed ^ KEEPERS, run),
            ticks,
            next: 0,
            outcome,
            highest: vec![1.0; drivers],
            hour: VecDeque::new(),
            fallen: BTreeSet::new(),
            left: BTreeMap::new(),
            followed: BTreeSet::new(),
            since: None,
            told: BTreeSet::new(),
            events: None,
        })
    }

    /// Keeps what happens.
    #[must_use]
    pub fn traced(mut self) -> Run<'p> {
        self.events = Some(Vec::new());
        self
    }

    /// Plays to the end.
    ///
    /// # Errors
    /// Where a market does not stand at a price, or a number does not fit.
    pub fn finish(mut self) -> Result<(Outcome, Vec<Event>), Unplayable> {
        while self.step()? {}
        self.close()?;
        Ok((self.outcome, self.events.unwrap_or_default()))
    }

    /// Plays one tick; whether there was one.
    ///
    /// # Errors
    /// As [`Run::finish`].
    pub fn step(&mut self) -> Result<bool, Unplayable> {
        let Some(tick) = self.ticks.get(self.next).cloned() else { return Ok(false) };
        self.next += 1;
        self.street.recover(tick.after);
        let alone: Vec<f64> = tick.logs.iter().map(|log| libm::exp(*log)).collect();
        let stands: Vec<f64> = alone.iter().zip(&self.highest).map(|(now, most)| now / most).collect();
        self.street.withdraw(&stands);
        let pressed = self.street.pressed(alone.len());
        let logs: Vec<f64> =
            tick.logs.iter().zip(&pressed).map(|(log, factor)| log + libm::log(*factor)).collect();
        self.note_prices(tick.after, &alone, &pressed);
        for (id, factor) in self.state.look(tick.after, &logs) {
            self.tell(What::Published(id, factor));
        }
        self.judge()?;
        self.rescue()?;
        let gas = self.gas(tick.after, &alone);
        if !self.plan.nobody {
            self.keep(gas)?;
        }
        self.restore()?;
        self.tell_crossings();
        self.time_below();
        Ok(true)
    }

    /// When the next tick is, in seconds since the start; `None` at the end.
    #[must_use]
    pub fn next_after(&self) -> Option<u64> {
        self.ticks.get(self.next).map(|tick| tick.after)
    }

    /// The book as it stands now: the real one, at the prices that its markets act on.
    #[must_use]
    pub fn book(&self) -> &Book {
        &self.state.book
    }

    /// Who holds what more than at the start.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.outcome.ledger
    }

    /// Pools as they stand now.
    #[must_use]
    pub fn pools(&self) -> &[crate::plan::Amm] {
        &self.street.pools
    }

    /// What happened so far, where it is kept.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        self.events.as_deref().unwrap_or_default()
    }

    /// Accounts that the index looked at so far.
    #[must_use]
    pub fn touched(&self) -> u64 {
        self.state.touched
    }

    fn tell(&mut self, what: What) {
        let after = self.state.after();
        if let Some(events) = &mut self.events {
            events.push(Event { after, what });
        }
    }

    fn note_prices(&mut self, after: u64, alone: &[f64], pressed: &[f64]) {
        let raw = |of: f64| U256::from((of.clamp(0.0, 1e9) * 1e18) as u128);
        for (driver, (now, factor)) in alone.iter().zip(pressed).enumerate() {
            self.highest[driver] = self.highest[driver].max(*now);
            let deepest = &mut self.outcome.impact[driver];
            *deepest = (*deepest).max(raw(1.0 - factor));
            let [lowest, lone] = [&mut self.outcome.lowest[driver], &mut self.outcome.lowest_alone[driver]];
            (*lowest, *lone) = ((*lowest).min(raw(now * factor)), (*lone).min(raw(*now)));
        }
        self.hour.push_back((after, alone.to_vec()));
        while self.hour.front().is_some_and(|(at, _)| at.saturating_add(3600) < after) {
            self.hour.pop_front();
        }
    }

    /// The price of gas, as a multiple of the calm one \[bps\].
    fn gas(&self, _: u64, alone: &[f64]) -> u64 {
        if self.plan.gas.surge == 0 {
            return 10_000;
        }
        let fall = |driver: usize| {
            let most = self.hour.iter().map(|(_, then)| then[driver]).fold(alone[driver], f64::max);
            1.0 - alone[driver] / most
        };
        let deepest = (0..alone.len()).map(fall).fold(0.0, f64::max);
        10_000 + (deepest * self.plan.gas.surge as f64) as u64
    }

    /// Judges who may have crossed, and tells who did.
    fn judge(&mut self) -> Result<(), Unplayable> {
        self.state.tick()?;
        self.fallen.extend(&self.state.below);
        self.tell_crossings();
        Ok(())
    }

    /// Tells who fell or rose since it was told last.
    fn tell_crossings(&mut self) {
        if self.events.is_none() {
            return;
        }
        let now = self.state.below.clone();
        let before = std::mem::replace(&mut self.told, now.clone());
        now.difference(&before).for_each(|place| self.tell(What::Fell(*place)));
        before.difference(&now).for_each(|place| self.tell(What::Rose(*place)));
    }

    fn rescue(&mut self) -> Result<(), Unplayable> {
        let after = self.state.after();
        for (level, place) in std::mem::take(&mut self.state.near) {
            self.wakeful.notice(self.plan, after, level, place);
        }
        for (place, policy) in self.wakeful.due(after) {
            let terms = &self.plan.borrowers[policy];
            let market = self.state.book.accounts[place as usize].market;
            let Some(actions) = borrower::wants(&self.state, terms, place) else { continue };
            for action in actions {
                let Some(effects) = borrower::act(&self.state, place, action) else {
                    self.outcome.rescues_refused += 1;
                    continue;
                };
                let sales = self.state.sale_readings(market);
                let worth = borrower::worth_paid(&self.state, place, &effects, &sales).unwrap_or(Int::ZERO);
                let rescue = Rescue { place, paid_in: terms.policy == crate::plan::Policy::TopUp, worth };
                self.settle(market, &effects)?;
                self.state.apply(market, &effects)?;
                self.rescued(market, &rescue)?;
            }
        }
        Ok(())
    }

    fn rescued(&mut self, market: usize, rescue: &Rescue) -> Result<(), Unplayable> {
        self.outcome.rescues += 1;
        let sums = self.sums(market);
        sums.rescued = add(sums.rescued, rescue.worth)?;
        self.tell(What::Rescued(rescue.place, rescue.paid_in));
        Ok(())
    }

    fn sums(&mut self, market: usize) -> &mut crate::outcome::Sums {
        let currency = currency(&*self.state.book.markets[market].market);
        self.outcome.sums.entry(currency).or_default()
    }

    /// Keepers who are there act, each on the account that stands worst, until nobody wants any.
    fn keep(&mut self, gas: u64) -> Result<(), Unplayable> {
        // Drawn at every tick, so that what a run draws does not hang on who fell.
        let mut there: Vec<(u64, usize)> = Vec::new();
        for (at, keeper) in self.plan.keepers.iter().enumerate() {
            let (order, awake) = (self.draws.bits(), self.draws.below(10_000) < keeper.awake);
            if awake && keeper.gas_most.is_none_or(|most| gas <= most) {
                there.push((order, at));
            }
        }
        there.sort_unstable();
        let mut calls: Vec<u32> = self.plan.keepers.iter().map(|keeper| keeper.calls).collect();
        let cost = self.plan.gas.calm.mul_div_wide(U256::from(gas), U256::new(10_000), Rounding::Up);
        let cost = Int::from(cost.ok_or(Unplayable::Plan("gas does not fit 256 bits"))?);
        for place in self.worst_first() {
            if there.is_empty() {
                self.outcome.passed.nobody += 1;
                continue;
            }
            let mut why = None;
            for _ in 0..CALLS_MAX {
                let still = self.state.below.contains(&place) || self.followed.contains(&place);
                if !still {
                    why = None;
                    break;
                }
                match self.one(place, &there, &mut calls, cost)? {
                    None => why = None,
                    Some(reason) => {
                        why = Some(reason);
                        break;
                    }
                }
            }
            match why {
                None => {
                    self.left.remove(&place);
                }
                Some(reason) => {
                    reason.count(&mut self.outcome.passed);
                    if !self.state.below.contains(&place) {
                        self.followed.remove(&place);
                    }
                    let times = self.left.get(&place).map_or(0, |(times, _)| *times) + 1;
                    self.left.insert(place, (times, self.next as u64 + times.min(PATIENCE)));
                }
            }
        }
        Ok(())
    }

    /// Everybody below the line who may be wanted, the least healthy first; of one health by number.
    fn worst_first(&mut self) -> Vec<u32> {
        let now = self.next as u64;
        let due = |place: &u32| self.left.get(place).is_none_or(|(_, from)| *from <= now);
        let mut found: Vec<(Int, Int, u32)> = Vec::new();
        for place in self.state.below.union(&self.followed).copied().filter(due) {
            if let Ok(seen) = self.state.seen(place) {
                found.push((seen.backing, seen.requirement, place));
            }
        }
        found.sort_by(|(b, r, at), (c, s, other)| b.mul_wide(*s).cmp(&c.mul_wide(*r)).then(at.cmp(other)));
        found.into_iter().map(|(_, _, place)| place).collect()
    }

    /// One call on an account by the first keeper for whom it pays; else why for none.
    fn one(
        &mut self,
        place: u32,
        there: &[(u64, usize)],
        calls: &mut [u32],
        gas: Int,
    ) -> Result<Option<Why>, Unplayable> {
        let market = self.state.book.accounts[place as usize].market;
        let sales = self.state.sale_readings(market);
        let counted = currency(&*self.state.book.markets[market].market);
        let in_currency = |amount| self.plan.counted(amount, &counted);
        let gas = Int::from(in_currency(gas.magnitude()));
        let mut why = Why::Refused;
        for (_, keeper) in there {
            if calls[*keeper] == 0 {
                continue;
            }
            let terms = &self.plan.keepers[*keeper];
            let (capital, least) = (terms.capital.map(in_currency), in_currency(terms.least));
            let terms = &crate::plan::Keeper { capital, least, ..terms.clone() };
            let look = Look {
                state: &self.state,
                street: &self.street,
                place,
                keeper: *keeper,
                terms,
                sales: &sales,
                gas,
            };
            match look.best() {
                Ok(paying) => {
                    calls[*keeper] -= 1;
                    self.liquidate(place, *keeper, paying, gas)?;
                    return Ok(None);
                }
                Err(found) => why = why.max(found),
            }
        }
        Ok(Some(why))
    }

    fn liquidate(&mut self, place: u32, keeper: usize, paying: Paying, gas: Int) -> Result<(), Unplayable> {
        let market = self.state.book.accounts[place as usize].market;
        self.settle(market, &paying.effects)?;
        for lot in &paying.received {
            let Some((sale, owed)) = &lot.sale else { continue };
            let overflow = Unplayable::Plan("a sale does not fit 256 bits");
            let amount = rescale(lot.raw, lot.decimals, 18, Rounding::Up).ok_or(overflow.clone())?;
            self.street.sell(&lot.asset, amount, *sale).ok_or(overflow.clone())?;
            self.sold(market, keeper, lot, *sale, owed).ok_or(overflow)?;
        }
        self.state.apply(market, &paying.effects)?;
        let listed = &self.state.book.markets[market];
        let feeds = Feeds { readings: self.state.readings(market) };
        let account = &self.state.book.accounts[place as usize].account;
        let forced = !listed.market.forced(account, feeds).is_empty();
        if forced {
            self.followed.insert(place)
        } else {
            self.followed.remove(&place)
        };
        self.outcome.calls += 1;
        let Paying { paid, cost, brought, worth, profit, written_off, .. } = paying;
        let received = paying.received.iter().map(|lot| (lot.asset.clone(), lot.raw, lot.decimals)).collect();
        let sums = self.sums(market);
        sums.repaid = add(sums.repaid, cost)?;
        sums.seized = add(sums.seized, worth)?;
        sums.cost = add(sums.cost, worth.sub(cost).unwrap_or(Int::ZERO))?;
        sums.profit = add(sums.profit, profit)?;
        sums.gas = add(sums.gas, gas)?;
        sums.bad_debt = add(sums.bad_debt, written_off)?;
        sums.written_off = add(sums.written_off, written_off)?;
        self.tell(What::Liquidated(Liquidation {
            account: place,
            keeper,
            paid,
            received,
            brought,
            profit,
            written_off,
        }));
        Ok(())
    }

    /// What was sold goes to whoever bought it, and what it brought to the keeper: in tokens, to the unit.
    fn sold(
        &mut self,
        market: usize,
        keeper: usize,
        lot: &keeper::Lotted,
        sale: Sale,
        owed: &str,
    ) -> Option<()> {
        let named = &*self.state.book.markets[market].market;
        let decimals = keeper::token(named, owed)?;
        let (buyer, got) = match sale {
            Sale::Pool(at, paid) => (Holder::Pool(at), rescale(paid, 18, decimals, Rounding::Down)?),
            Sale::Curve(..) => {
                let sales = self.state.sale_readings(market);
                let named = &*self.state.book.markets[market].market;
                let crate::worth::Price(whole, digits) =
                    crate::worth::price(named, &sales, self.state.book.at, owed)?;
                let up = U256::pow10(decimals)?.mul(U256::pow10(digits)?)?;
                let down = U256::pow10(18)?.mul(whole)?;
                (Holder::Street, lot.brings.to_u256()?.mul_div_wide(up, down, Rounding::Down)?)
            }
        };
        let ledger = &mut self.outcome.ledger;
        ledger.flow(&lot.asset, lot.raw, Holder::Keeper(keeper), buyer)?;
        ledger.flow(owed, got, buyer, Holder::Keeper(keeper))
    }

    /// Tokens that go in and out of wallets by effects of a market.
    fn settle(&mut self, market: usize, effects: &Effects) -> Result<(), Unplayable> {
        let keepers = self.plan.keepers.len();
        let named = &*self.state.book.markets[market].market;
        let wallet = |id: AccountId| match keeper::of(id, keepers) {
            Some(keeper) => Holder::Keeper(keeper),
            None => Holder::Borrower(usize::try_from(id.0).unwrap_or(usize::MAX)),
        };
        let mut moved: Vec<(String, U256, Holder, Holder)> = Vec::new();
        for flow in &effects.flows {
            let holder = |party: Party| match party {
                Party::Wallet(id) => wallet(id),
                Party::Account(id) if keeper::of(id, keepers).is_some() => wallet(id),
                _ => Holder::Market(market),
            };
            let [from, to] = [holder(flow.from), holder(flow.to)];
            let Some(spec) = named.instruments().get(flow.instrument.index()).filter(|_| from != to) else {
                continue;
            };
            let token = if spec.kind == Kind::Asset {
                spec.asset.clone()
            } else {
                format!("{} of {market}", spec.name)
            };
            moved.push((token, flow.amount, from, to));
        }
        for (token, amount, from, to) in moved {
            self.outcome
                .ledger
                .flow(&token, amount, from, to)
                .ok_or(Unplayable::Plan("a ledger beyond 256 bits"))?;
        }
        Ok(())
    }

    fn restore(&mut self) -> Result<(), Unplayable> {
        let after = self.state.after();
        for at in self.street.due(after) {
            let [p, q] = self.street.pools[at].prices;
            let prices = [self.state.sale_price(p), self.state.sale_price(q)];
            let [Some(p), Some(q)] = prices else { continue };
            let Some((from, put, got)) = self.street.restore(at, after, [p, q]) else { continue };
            let names = self.street.pools[at].assets.clone();
            self.outcome.arbitrages += 1;
            let overflow = Unplayable::Plan("a ledger beyond 256 bits");
            // A pool's own amounts have 18 digits, whatever its tokens have: they are kept apart from raw ones.
            let [into, out] = [from, 1 - from].map(|side| format!("{} [1e18]", names[side]));
            let ledger = &mut self.outcome.ledger;
            ledger.flow(&into, put, Holder::Arbitrageur, Holder::Pool(at)).ok_or(overflow.clone())?;
            ledger.flow(&out, got, Holder::Pool(at), Holder::Arbitrageur).ok_or(overflow)?;
            self.tell(What::Arbitraged(at, from, put, got));
        }
        Ok(())
    }

    fn time_below(&mut self) {
        let after = self.state.after();
        match (self.since, self.state.below.is_empty()) {
            (None, false) => self.since = Some(after),
            (Some(since), true) => {
                self.outcome.clearing = self.outcome.clearing.max(after - since);
                self.since = None;
            }
            _ => {}
        }
    }

    /// What is left at the end: debt beyond collateral, at the market's price.
    fn close(&mut self) -> Result<(), Unplayable> {
        if let Some(since) = self.since {
            self.outcome.clearing = self.outcome.clearing.max(self.state.after() - since);
            self.outcome.uncleared = true;
        }
        self.outcome.fell = self.fallen.len() as u64;
        self.outcome.left = self.state.below.len() as u64;
        self.outcome.unknown = self.state.unknown.len() as u64;
        for market in 0..self.state.book.markets.len() {
            let sales = self.state.sale_readings(market);
            let lost = uncovered(&self.state.book, market, &sales);
            let lost = lost.ok_or(Unplayable::Plan("what is uncovered does not fit 256 bits"))?;
            let sums = self.sums(market);
            sums.bad_debt = add(sums.bad_debt, lost)?;
        }
        Ok(())
    }
}

fn add(sum: Int, more: Int) -> Result<Int, Unplayable> {
    sum.add(more).ok_or(Unplayable::Plan("a sum does not fit 256 bits"))
}

/// Debt beyond collateral of all accounts of a market \[1e18 of its currency\]; who cannot be judged is passed over here and told as unknown.
fn uncovered(book: &Book, market: usize, sales: &[Reading]) -> Option<Int> {
    let quoted = book.markets[market].market.at(Feeds { readings: sales }, Lens::Action, book.at).ok()?;
    let mut sum = Int::ZERO;
    for listed in book.accounts.iter().filter(|listed| listed.market == market) {
        let Ok(seen) = quoted.verdict(&listed.account, Test::Borrow) else { continue };
        let short = seen.debt.sub(seen.collateral)?;
        if short > Int::ZERO {
            let raw = rescale(short.magnitude(), seen.unit.decimals, 18, Rounding::Up)?;
            sum = sum.add(raw.into())?;
        }
    }
    Some(sum)
}
