//! Actions on accounts that are liquidatable: durable before they are sent, and resolved once.

use super::act::touched;
use super::{Machine, no_such, refused};
use crate::Stamp;
use crate::calls::{self, Level};
use crate::guard::{Act, Held, Kind};
use crate::record::{Alert, Event, Grounds, Outcome, Refused};
use crate::state::Stage;
use crate::watch::Watch;
use plimsoll_core::{
    AccountId, Action, Assessment, Call, Effects, Feeds, InstrumentId, Int, Lens, Mechanism, Reading, Silent,
    Test,
};

/// Whoever carries an intent out: no account of any book.
const KEEPER: AccountId = AccountId(u64::MAX);

impl Machine {
    pub(super) fn intend(
        &mut self,
        market: &str,
        account: &str,
        action: &Action,
        strategy: &str,
        price: Option<u128>,
    ) -> Result<(), Refused> {
        let (number, place) = self.account(market, account)?;
        let life = self.state.rows[place as usize].life;
        let by_call = match life.state {
            calls::State::Liquidatable { by_call } => by_call,
            // Nobody is called healthy of whom nothing is known.
            state => {
                let sight = Watch::see(&self.state, place);
                let is_out = matches!(state, calls::State::Liquidating { .. });
                return Err(match sight.level {
                    None if !is_out => Refused::Unknown { why: sight.why },
                    _ => Refused::NotLiquidatable { state: state_word(&state).into() },
                });
            }
        };
        let strategies = &self.state.config.strategies;
        if !strategies.is_empty() && !strategies.contains(strategy) {
            return Err(no_such("strategy", strategy));
        }
        let seen = self.is_below(place, by_call)?;
        let action = &if by_call { self.as_agent(place, action, price) } else { action.clone() };
        let (effects, after) = self.try_out(number, place, action)?;
        let value = after.and_then(|after| {
            let paid = seen.debt.sub(after.debt)?.max(seen.collateral.sub(after.collateral)?);
            self.value(place, paid, seen.unit.decimals)
        });
        let value = value.unwrap_or(u128::MAX);
        let mut sold = self.sold(number, place, action, &effects, value);
        sold.sort_by_key(|(_, value)| std::cmp::Reverse(*value));
        let mut parts = sold.into_iter().map(|(sold, value)| {
            let asset = self.asset(number, sold);
            let part = self.of_depth(&asset, value);
            (asset, part)
        });
        let (asset, of_depth) = parts.next().unwrap_or_default();
        let others: Vec<(String, u64)> = parts.collect();
        let reference = self.reference(number, &asset);
        let act = Act {
            kind: Kind::Liquidation,
            market: market.into(),
            account: account.into(),
            asset,
            others,
            strategy: strategy.into(),
            value,
            of_depth,
            needs: Some(self.state.needs_of(place)),
            prices: match reference {
                Some(0) => [1, 0],
                Some(reference) => [price.unwrap_or(reference), reference],
                None => [0, 0],
            },
        };
        self.state.guards.check(&act, self.state.now).map_err(Refused::Held)?;
        self.is_of_one_time(&act)?;
        let grounds = Grounds::of(&seen, self.prices(place));
        let intent = self.state.counters[0];
        self.happen(Event::Intended { intent, act, place, action: action.clone(), grounds });
        self.happen(Event::Lived { place, what: calls::Event::Intended { intent }, grounds: None });
        if self.state.guards.throttle.stopped().any(|stopped| stopped.strategy == strategy) {
            self.alert(Alert::Throttled(strategy.into()));
        }
        Ok(())
    }

    /// A trade as somebody's agent closes what he holds, and opens nothing.
    fn holds_enough(&self, place: u32, action: &Action) -> Result<(), Refused> {
        let Action::Fill { instrument, quantity, .. } = action else { return Ok(()) };
        let held =
            self.state.book.accounts.get(place as usize).map(|listed| listed.account.quantity(*instrument));
        let held = held.unwrap_or(Int::ZERO);
        let closes = held.is_negative() != quantity.is_negative() && quantity.magnitude() <= held.magnitude();
        if closes {
            return Ok(());
        }
        Err(Refused::Unfit("the account does not hold so much any more: abandon it".into()))
    }

    /// Whether the prices that an action needs were observed near each other: a hedge whose legs are priced minutes apart is none
    /// (Aave on Polygon: two stable coins, eleven minutes).
    fn is_of_one_time(&self, act: &Act) -> Result<(), Refused> {
        let Some(most) = self.state.config.skew else { return Ok(()) };
        let needed = act.needs.iter().flatten().filter_map(|feed| {
            let newest = self.state.feeds.get(feed)?.feed.newest(self.state.now)?;
            Some((newest, feed))
        });
        let mut times: Vec<(Stamp, &String)> = needed.collect();
        times.sort_unstable();
        let (Some((old, first)), Some((new, last))) = (times.first(), times.last()) else { return Ok(()) };
        let apart = new.saturating_sub(*old);
        if apart <= most {
            return Ok(());
        }
        Err(Refused::Held(Held::Skewed { feeds: [first.to_string(), last.to_string()], apart, most }))
    }

    /// An account that may be acted on, exactly and now: not what the index was last told.
    fn is_below(&self, place: u32, by_call: bool) -> Result<Assessment, Refused> {
        let sight = Watch::see(&self.state, place);
        match (sight.level, sight.seen) {
            (Some(Level::Line | Level::Bad), Some(seen)) => Ok(seen),
            (Some(Level::Call), Some(seen)) if by_call => Ok(seen),
            (None, _) => Err(Refused::Unknown { why: sight.why }),
            _ => Err(Refused::NotLiquidatable { state: "above its line".into() }),
        }
    }

    /// What an action would do, and how the account would stand, where that can be said. It may touch nobody else but whoever carries
    /// it out.
    fn try_out(
        &self,
        number: u32,
        place: u32,
        action: &Action,
    ) -> Result<(Effects, Option<Assessment>), Refused> {
        let book = &self.state.book;
        let listed = &book.markets[number as usize];
        let readings: Vec<Reading> = book.readings(listed, &book.graph.quotes(book.at));
        let feeds = Feeds { readings: &readings };
        let own = AccountId(place.into());
        let named: &[AccountId] = match action {
            Action::Liquidate(Mechanism::Absorb { accounts } | Mechanism::Batch { accounts }) => accounts,
            _ => &[],
        };
        if named.iter().any(|account| *account != own) {
            return Err(Refused::Unfit("an intent is about one account".into()));
        }
        let actor = if matches!(action, Action::Fill { .. }) { own } else { KEEPER };
        let call = Call { actor, account: own, at: book.at, action: action.clone() };
        let effects =
            listed.market.act(&call, book, feeds, &mut Silent).map_err(|refusal| refused(&refusal))?;
        let account = Machine::after(&effects, &book.accounts[place as usize].account)?;
        let mut market = listed.market.boxed_clone();
        market.apply(&effects).map_err(|refusal| refused(&refusal))?;
        let after = market.at(feeds, Lens::Action, book.at);
        let after = after.ok().and_then(|quoted| quoted.verdict(&account, Test::Liquidation).ok());
        Ok((effects, after))
    }

    /// What of the account's is sold, each with its value: what the action names, or else everything that it loses.
    fn sold(
        &self,
        number: u32,
        place: u32,
        action: &Action,
        effects: &Effects,
        value: u128,
    ) -> Vec<(InstrumentId, u128)> {
        match action {
            Action::Liquidate(Mechanism::Discount { seize, .. }) => return vec![(*seize, value)],
            Action::Liquidate(Mechanism::Reduce { instrument, .. }) | Action::Fill { instrument, .. } => {
                return vec![(*instrument, value)];
            }
            _ => {}
        }
        let account = &self.state.book.accounts[place as usize].account;
        let Some(after) = effects.apply_to(account) else { return Vec::new() };
        let market = &self.state.book.markets[number as usize].market;
        if *action == Action::Liquidate(Mechanism::Unwind) {
            // Of several positions each counts as all of it: caps hold sooner, and never later.
            let smaller = |held: &&plimsoll_core::Holding| {
                let (id, left) = (held.instrument, after.quantity(held.instrument));
                market.traded(id).is_some() && left.magnitude() < held.quantity.magnitude()
            };
            return account.holdings().iter().filter(smaller).map(|held| (held.instrument, value)).collect();
        }
        let is_debt = |instrument: InstrumentId| {
            market
                .instruments()
                .get(instrument.index())
                .is_some_and(|one| one.kind == plimsoll_core::Kind::Debt)
        };
        let lost =
            account.holdings().iter().map(|holding| (holding.instrument, after.quantity(holding.instrument)));
        let lost =
            lost.filter(|(instrument, left)| *left < account.quantity(*instrument) && !is_debt(*instrument));
        // Each is worth what the account's collateral is worth less without it; what nobody can say is all of it.
        let worth = |account: &plimsoll_core::Account| {
            let book = &self.state.book;
            let listed = &book.markets[number as usize];
            let readings = book.readings(listed, &book.graph.quotes(book.at));
            let quoted = listed.market.at(Feeds { readings: &readings }, Lens::Action, book.at).ok()?;
            let seen = quoted.verdict(account, Test::Liquidation).ok()?;
            self.value(place, seen.collateral, seen.unit.decimals)
        };
        let whole = worth(account);
        lost.map(|(instrument, left)| {
            let without = worth(&account.clone().with(instrument, left));
            let value = whole.zip(without).map_or(value, |(whole, without)| whole.saturating_sub(without));
            (instrument, value)
        })
        .collect()
    }

    /// How much of what the market takes of an asset a value is (millionths, raised).
    fn of_depth(&self, asset: &str, value: u128) -> u64 {
        let depth = self.state.config.depths.get(asset).copied().unwrap_or(0);
        let part = value
            .checked_mul(1_000_000)
            .and_then(|scaled| scaled.checked_add(depth.checked_sub(1)?)?.checked_div(depth));
        part.and_then(|part| u64::try_from(part).ok()).unwrap_or(u64::MAX)
    }

    /// Whose call has passed is above his venue's line, and no venue forces him: the desk trades for him, as his agent, what it would
    /// have reduced.
    fn as_agent(&self, place: u32, action: &Action, price: Option<u128>) -> Action {
        let Action::Liquidate(Mechanism::Reduce { instrument, size }) = action else { return action.clone() };
        let listed = &self.state.book.accounts[place as usize];
        let held = listed.account.quantity(*instrument);
        let size = Int::from(*size);
        let quantity = if held.is_negative() { size } else { size.neg() };
        let number = listed.market as u32;
        let reference = self.reference(number, &self.asset(number, *instrument));
        let price = Int::from(plimsoll_core::U256::from(price.or(reference).unwrap_or(0)));
        if size > Int::from(held.magnitude()) {
            return action.clone();
        }
        Action::Fill { instrument: *instrument, quantity, price }
    }

    fn asset(&self, number: u32, instrument: InstrumentId) -> String {
        let market = &self.state.book.markets[number as usize].market;
        market.instruments().get(instrument.index()).map_or_else(String::new, |one| one.asset.clone())
    }

    /// What the market reads of an asset's price, in the digits of its slot; `None` where it has no price, for it is counted at par.
    fn reference(&self, number: u32, asset: &str) -> Option<u128> {
        let book = &self.state.book;
        let listed = &book.markets[number as usize];
        let readings = book.readings(listed, &book.graph.quotes(book.at));
        let Some(slot) = listed.market.slots().iter().position(|slot| slot.asset == asset) else {
            // A contract without a slot of its own is worth what the market says.
            let all = (0..).map(InstrumentId).zip(listed.market.instruments());
            let mut contracts =
                all.filter(|(id, one)| one.asset == asset && listed.market.traded(*id).is_some());
            let (id, _) = contracts.next()?;
            let quoted = listed.market.at(Feeds { readings: &readings }, Lens::Action, book.at).ok();
            let mark = quoted.and_then(|quoted| quoted.mark(id, plimsoll_core::Rounding::Down).ok()?);
            return Some(mark.and_then(|(price, _)| price.to_u256()?.to_u128()).unwrap_or(0));
        };
        // A price that is not there is none that anything may be done at.
        Some(readings.get(slot).and_then(|reading| reading.value?.to_u128()).unwrap_or(0))
    }

    pub(super) fn send(&mut self, intent: u64, external: &str) -> Result<(), Refused> {
        let Some(found) = self.state.intents.get(&intent) else { return Err(self.gone(intent)) };
        if found.stage != Stage::Intended {
            return Err(Refused::Unfit(format!("intent {intent} was sent already")));
        }
        // Much may have happened since it was decided: what may not be intended now may not be sent.
        if self.state.now.saturating_sub(found.since) > self.state.config.late {
            return Err(Refused::Unfit(format!("intent {intent} is too old to be sent: abandon it")));
        }
        let life = self.state.rows.get(found.place as usize).map(|row| row.life.state);
        let by_call = matches!(life, Some(calls::State::Liquidating { by_call: true, .. }));
        self.is_below(found.place, by_call)?;
        self.holds_enough(found.place, &found.action)?;
        // Against the price and the caps of now.
        let mut act = found.act.clone();
        if act.prices[1] != 0 {
            let number = self.market(&act.market)?;
            act.prices[1] = self.reference(number, &act.asset).unwrap_or(0);
        }
        self.state.guards.check_again(&act, self.state.now).map_err(Refused::Held)?;
        self.is_of_one_time(&act)?;
        self.happen(Event::Sent { intent, external: external.into() });
        Ok(())
    }

    /// An intent that is not on its way: one that ended, or that never was.
    fn gone(&self, intent: u64) -> Refused {
        if intent < self.state.counters[0] {
            Refused::IsResolved
        } else {
            no_such("intent", &intent.to_string())
        }
    }

    pub(super) fn resolve(&mut self, intent: u64, outcome: &Outcome) -> Result<(), Refused> {
        let Some(found) = self.state.intents.get(&intent).cloned() else { return Err(self.gone(intent)) };
        if *outcome == Outcome::Carried && found.stage == Stage::Intended {
            return Err(Refused::Unfit(format!(
                "intent {intent} was not sent, and cannot have been carried out"
            )));
        }
        if *outcome == Outcome::Carried {
            self.holds_enough(found.place, &found.action)?;
        }
        if *outcome == Outcome::Carried && !self.is_followed(&found.act.market) {
            let number = self.market(&found.act.market)?;
            let (effects, _) = self.try_out(number, found.place, &found.action)?;
            let mut changed = Vec::new();
            for id in touched(&effects).into_iter().filter(|id| *id != KEEPER) {
                let place = u32::try_from(id.0)
                    .ok()
                    .filter(|place| (*place as usize) < self.state.book.accounts.len());
                if let Some(place) = place {
                    let after = Machine::after(&effects, &self.state.book.accounts[place as usize].account)?;
                    changed.push((place, after));
                }
            }
            self.happen(Event::Cells { market: number, cells: effects.cells, rules: effects.epoch_moved });
            self.dirty.markets.insert(number);
            for (place, holds) in changed {
                self.dirty.accounts.insert(place);
                self.happen(Event::Account { place, market: number, holds });
            }
        }
        self.resolved(intent, outcome.clone());
        Ok(())
    }

    /// An intent ends, and its account's life goes on.
    pub(super) fn resolved(&mut self, intent: u64, outcome: Outcome) {
        let Some(place) = self.state.intents.get(&intent).map(|intent| intent.place) else { return };
        let what = match outcome {
            Outcome::Carried => calls::Event::Liquidated,
            Outcome::Abandoned { .. } => calls::Event::Abandoned,
        };
        self.causes.insert(place, calls::Cause::Us);
        self.dirty.accounts.insert(place);
        self.dirty.look.insert(place);
        self.happen(Event::Resolved { intent, outcome });
        self.happen(Event::Lived { place, what, grounds: None });
        if what == calls::Event::Liquidated {
            self.alert(Alert::Account { account: self.state.called(place), what: "liquidated".into() });
        }
    }
}

/// How an account lives, in a word.
const fn state_word(state: &calls::State) -> &'static str {
    match state {
        calls::State::Healthy => "healthy",
        calls::State::Warned => "warned",
        calls::State::Called { .. } => "called",
        calls::State::Liquidatable { .. } => "liquidatable",
        calls::State::Liquidating { .. } => "being liquidated already",
        calls::State::Closed => "closed",
        calls::State::BadDebt => "bad debt",
    }
}
