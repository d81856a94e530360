//! Who acts in a step: borrowers whose time has come, keepers, arbitrageurs; and who gave what to whom.

use super::{CALLS_MAX, DUST, FOLLOWED, PATIENCE, Run, add};
use crate::borrower::{self, Rescue};
use crate::keeper::{self, Look, Paying, Why};
use crate::ledger::Holder;
use crate::outcome::{Liquidation, Sums, What};
use crate::plan::{Keeper, Policy};
use crate::state::Unplayable;
use crate::street::Sale;
use crate::worth::{Price, currency, price, rescale};
use plimsoll_core::{AccountId, Call, Effects, Feeds, Int, Kind, Party, Rounding, Silent, U256};
use std::cmp::Ordering;
use std::collections::BTreeMap;

impl Run<'_> {
    pub(super) fn rescue(&mut self) -> Result<(), Unplayable> {
        let after = self.state.after();
        for (level, place) in std::mem::take(&mut self.state.crossed.near) {
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
                let rescue = Rescue { place, paid_in: terms.policy == Policy::TopUp, worth };
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

    pub(super) fn sums(&mut self, market: usize) -> &mut Sums {
        let currency = currency(&*self.state.book.markets[market].market);
        self.outcome.sums.entry(currency).or_default()
    }

    /// Keepers who are there act, each on the account that stands worst, until nobody wants any.
    pub(super) fn keep(&mut self, gas: u64) -> Result<(), Unplayable> {
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
        let cost = [cost, Int::from(self.plan.gas.calm)];
        if !there.is_empty() {
            self.prepare()?;
        }
        for place in self.worst_first() {
            let mut why = there.is_empty().then_some(Why::Nobody);
            for _ in 0..CALLS_MAX {
                if why.is_some() || !self.open(place) {
                    break;
                }
                why = self.one(place, &there, &mut calls, cost)?;
            }
            if let Some(reason) = why {
                self.leave(place, reason);
            } else if !self.open(place) {
                self.ready.remove(&place);
                self.left.remove(&place);
            }
        }
        Ok(())
    }

    /// Whether something may still be done to an account.
    fn open(&self, place: u32) -> bool {
        self.state.crossed.below.contains(&place) || self.followed.contains(&place)
    }

    /// Whether the venue names calls on an account: on its position, or on what was taken of it.
    fn is_forced(&self, place: u32) -> bool {
        let listed = &self.state.book.accounts[place as usize];
        let feeds = Feeds { readings: self.state.readings(listed.market) };
        !self.state.book.markets[listed.market].market.forced(&listed.account, feeds).is_empty()
    }

    /// Nobody wants an account now: it is looked at again later, and the later the more often it was left.
    fn leave(&mut self, place: u32, why: Why) {
        why.count(&mut self.outcome.passed);
        let followed = !self.state.crossed.below.contains(&place);
        if followed && !self.is_forced(place) {
            self.followed.remove(&place);
        }
        let times = self.left.entry(place).or_default();
        *times += 1;
        let wait = match why {
            // Whether somebody is there is drawn anew at each look.
            Why::Nobody => 1,
            // What an auction asks falls with time.
            _ if followed => (*times).min(FOLLOWED),
            // Its bonus grows with nothing but its price.
            Why::Dust => 1_u64.checked_shl(u32::try_from(*times).unwrap_or(64)).unwrap_or(DUST).min(DUST),
            _ => (*times).min(PATIENCE),
        };
        self.ready.remove(&place);
        self.waiting.entry(self.next as u64 + wait).or_default().push(place);
    }

    /// What anybody may do first at markets where somebody is below, such as letting a venue read the price that it acts on.
    fn prepare(&mut self) -> Result<(), Unplayable> {
        let open = self.state.crossed.below.iter().chain(&self.followed);
        let of = |place: &u32| {
            let listed = &self.state.book.accounts[*place as usize];
            (listed.market, listed.account.id)
        };
        // One account of each: the calls are to the market alone.
        let markets: BTreeMap<usize, AccountId> = open.map(of).collect();
        for (market, account) in markets {
            let prepared = {
                let feeds = Feeds { readings: self.state.readings(market) };
                self.state.book.markets[market].market.prepared(feeds, self.state.book.at)
            };
            for (at, action) in prepared {
                let named = &*self.state.book.markets[market].market;
                let feeds = Feeds { readings: self.state.readings(market) };
                let call = Call { actor: keeper::id(0), account, at, action };
                // One that is not due changes nothing.
                if let Ok(effects) = named.act(&call, &self.state.book, feeds, &mut Silent) {
                    self.settle(market, &effects)?;
                    self.state.apply(market, &effects)?;
                }
            }
        }
        Ok(())
    }

    /// Everybody below the line who may be wanted now, the least healthy first; of one health by number.
    fn worst_first(&mut self) -> Vec<u32> {
        let now = self.next as u64;
        while let Some(entry) = self.waiting.first_entry().filter(|entry| *entry.key() <= now) {
            for place in entry.remove() {
                if self.open(place) {
                    self.ready.insert(place);
                } else {
                    self.left.remove(&place);
                }
            }
        }
        let open: Vec<u32> = self.ready.iter().copied().filter(|place| self.open(*place)).collect();
        self.ready = open.iter().copied().collect();
        let mut found = self.state.standing(&open);
        found.sort_by(least_healthy_first);
        found.into_iter().map(|(_, _, place)| place).collect()
    }

    /// One call on an account by the first keeper for whom it pays; else why for none.
    fn one(
        &mut self,
        place: u32,
        there: &[(u64, usize)],
        calls: &mut [u32],
        gas: [Int; 2],
    ) -> Result<Option<Why>, Unplayable> {
        let market = self.state.book.accounts[place as usize].market;
        let sales = self.state.sale_readings(market);
        let counted = currency(&*self.state.book.markets[market].market);
        let in_currency = |amount| self.plan.counted(amount, &counted);
        let gas = gas.map(|gas| Int::from(in_currency(gas.magnitude())));
        let terms = |keeper: usize| {
            let terms = &self.plan.keepers[keeper];
            let (capital, least) = (terms.capital.map(in_currency), in_currency(terms.least));
            Keeper { capital, least, ..terms.clone() }
        };
        let able: Vec<(usize, Keeper)> =
            there.iter().map(|(_, at)| *at).filter(|at| calls[*at] > 0).map(|at| (at, terms(at))).collect();
        let Some((first, lenient)) = able.first().cloned() else { return Ok(Some(Why::Nobody)) };
        let look = |keeper: usize, terms: &Keeper| {
            Look { state: &self.state, street: &self.street, place, keeper, terms, sales: &sales, gas }.best()
        };
        // Whoever asks least and has most: what does not pay for him pays for none.
        let least = able.iter().map(|(_, terms)| terms.least).min().unwrap_or(lenient.least);
        let capital =
            able.iter().map(|(_, terms)| terms.capital).max_by_key(|capital| capital.unwrap_or(U256::MAX));
        let lenient = Keeper { least, capital: capital.flatten(), ..lenient };
        let mut best = match look(first, &lenient) {
            Ok(paying) => Some(paying),
            Err(why) => return Ok(Some(why)),
        };
        let mut why = Why::Unprofitable;
        for (keeper, terms) in &able {
            let fits = |paying: &Paying| {
                let free = paying.paid.is_empty() && paying.received.is_empty();
                let has = terms.capital.is_none_or(|most| paying.cost <= Int::from(most));
                has && (free || paying.profit >= Int::from(terms.least))
            };
            // The call is his own: it is the one that was found only where he was asked.
            let found = match best.take_if(|paying| *keeper == first && fits(paying)) {
                Some(paying) => Ok(paying),
                None => look(*keeper, terms),
            };
            match found {
                Ok(paying) => {
                    calls[*keeper] -= 1;
                    self.liquidate(place, *keeper, paying, gas[0])?;
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
        let forced = self.is_forced(place);
        if forced {
            self.followed.insert(place);
            self.ready.insert(place);
        } else {
            self.followed.remove(&place);
        }
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
                let Price(whole, digits) = price(named, &sales, self.state.book.at, owed)?;
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
            // A coin that the venue keeps in finer units is another entry than the token itself.
            let plain = spec.kind == Kind::Asset && keeper::token(named, &spec.asset) == Some(spec.decimals);
            let token = if plain { spec.asset.clone() } else { format!("{} of {market}", spec.name) };
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

    pub(super) fn restore(&mut self) -> Result<(), Unplayable> {
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
}

/// By backing over requirement, then by number. Who is asked for nothing, such as one whose position is in an auction, has no ratio and comes
/// last: nothing over nothing is not equal to everything.
fn least_healthy_first((b, r, at): &(Int, Int, u32), (c, s, other): &(Int, Int, u32)) -> Ordering {
    let ratio = match (r.is_zero(), s.is_zero()) {
        (false, false) => b.mul_wide(*s).cmp(&c.mul_wide(*r)),
        (nothing, others_nothing) => nothing.cmp(&others_nothing),
    };
    ratio.then(at.cmp(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sorting once panicked on a book of a hundred thousand: 0 over 0 was equal to every ratio.
    #[test]
    fn health_is_a_total_order_with_nothing_over_nothing_in_it() {
        let one = |b: i128, r: i128, at: u32| (Int::new(b), Int::new(r), at);
        let all = [one(1, 2, 0), one(0, 0, 1), one(9, 10, 2), one(5, 0, 3), one(2, 4, 4), one(-1, 3, 5)];
        let mut sorted = all.to_vec();
        sorted.sort_by(least_healthy_first);
        assert_eq!(sorted.iter().map(|it| it.2).collect::<Vec<_>>(), [5, 0, 4, 2, 1, 3]);
        for x in &all {
            for y in &all {
                assert_eq!(least_healthy_first(x, y), least_healthy_first(y, x).reverse());
                for z in &all {
                    if least_healthy_first(x, y).is_lt() && least_healthy_first(y, z).is_lt() {
                        assert!(least_healthy_first(x, z).is_lt());
                    }
                }
            }
        }
    }
}
