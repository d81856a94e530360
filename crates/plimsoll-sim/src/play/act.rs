//! Who acts in a step: borrowers whose time has come, keepers, arbitrageurs; and who gave what to whom.

use super::{CALLS_MAX, PATIENCE, Run, add};
use crate::borrower::{self, Rescue};
use crate::keeper::{self, Look, Paying, Why};
use crate::ledger::Holder;
use crate::outcome::{Liquidation, Sums, What};
use crate::plan::{Keeper, Policy};
use crate::state::Unplayable;
use crate::street::Sale;
use crate::worth::{Price, currency, price, rescale};
use plimsoll_core::{AccountId, Effects, Feeds, Int, Kind, Party, Rounding, U256};

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
        for place in self.worst_first() {
            if there.is_empty() {
                self.outcome.passed.nobody += 1;
                continue;
            }
            let mut why = None;
            for _ in 0..CALLS_MAX {
                let still = self.state.crossed.below.contains(&place) || self.followed.contains(&place);
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
                    if !self.state.crossed.below.contains(&place) {
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
        let open: Vec<u32> = self.state.crossed.below.union(&self.followed).copied().filter(due).collect();
        let mut found = self.state.standing(&open);
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
            let terms = &Keeper { capital, least, ..terms.clone() };
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
