//! Actions on accounts that are liquidatable: durable before they are sent, and resolved once.

use super::act::touched;
use super::{Machine, no_such, refused};
use crate::calls::{self, Level};
use crate::guard::{Act, Kind};
use crate::record::{Alert, Event, Grounds, Outcome, Refused};
use crate::state::Stage;
use crate::watch::Watch;
use plimsoll_core::{
    AccountId, Action, Call, Effects, Feeds, InstrumentId, Lens, Mechanism, Reading, Silent, Test,
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
        if !life.may_be_liquidated() {
            return Err(Refused::NotLiquidatable { state: state_word(&life.state).into() });
        }
        // Exactly, and now: not what the index was last told.
        let sight = Watch::see(&self.state, place);
        let by_call = life.state == calls::State::Liquidatable { by_call: true };
        let seen = match (sight.level, sight.seen) {
            (Some(Level::Line | Level::Bad), Some(seen)) => seen,
            (Some(Level::Call), Some(seen)) if by_call => seen,
            (None, _) => return Err(Refused::Unknown { why: sight.why }),
            _ => return Err(Refused::NotLiquidatable { state: "above its line".into() }),
        };
        let (effects, after) = self.try_out(number, place, action)?;
        let value = after.and_then(|after| {
            let paid = seen.debt.sub(after.debt)?.max(seen.collateral.sub(after.collateral)?);
            self.value(place, paid, seen.unit.decimals)
        });
        let sold = self.sold(number, place, action, &effects);
        let asset = sold.map_or_else(String::new, |sold| self.asset(number, sold));
        let value = value.unwrap_or(u128::MAX);
        let depth = self.state.config.depths.get(&asset).copied().unwrap_or(0);
        let of_depth = value
            .checked_mul(1_000_000)
            .and_then(|scaled| scaled.checked_add(depth.checked_sub(1)?)?.checked_div(depth));
        let of_depth = of_depth.and_then(|part| u64::try_from(part).ok()).unwrap_or(u64::MAX);
        let reference = self.reference(number, &asset);
        let act = Act {
            kind: Kind::Liquidation,
            market: market.into(),
            account: account.into(),
            asset,
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
        let grounds = Grounds::of(&seen, self.prices(place));
        let intent = self.state.counters[0];
        self.happen(Event::Intended { intent, act, place, action: action.clone(), grounds });
        self.happen(Event::Lived { place, what: calls::Event::Intended { intent }, grounds: None });
        if self.state.guards.throttle.stopped().any(|stopped| stopped.strategy == strategy) {
            self.alert(Alert::Throttled(strategy.into()));
        }
        Ok(())
    }

    /// What an action would do, and how the account would stand, where that can be said. It may touch nobody else but whoever carries
    /// it out.
    fn try_out(
        &self,
        number: u32,
        place: u32,
        action: &Action,
    ) -> Result<(Effects, Option<plimsoll_core::Assessment>), Refused> {
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
        let call = Call { actor: KEEPER, account: own, at: book.at, action: action.clone() };
        let effects =
            listed.market.act(&call, book, feeds, &mut Silent).map_err(|refusal| refused(&refusal))?;
        let account = Machine::after(&effects, &book.accounts[place as usize].account)?;
        let mut market = listed.market.boxed_clone();
        market.apply(&effects).map_err(|refusal| refused(&refusal))?;
        let after = market.at(feeds, Lens::Action, book.at);
        let after = after.ok().and_then(|quoted| quoted.verdict(&account, Test::Liquidation).ok());
        Ok((effects, after))
    }

    /// What of the account's is sold: what the action names, or else what it loses most pieces of.
    fn sold(&self, number: u32, place: u32, action: &Action, effects: &Effects) -> Option<InstrumentId> {
        match action {
            Action::Liquidate(Mechanism::Discount { seize, .. }) => return Some(*seize),
            Action::Liquidate(Mechanism::Reduce { instrument, .. }) => return Some(*instrument),
            _ => {}
        }
        let account = &self.state.book.accounts[place as usize].account;
        let after = effects.apply_to(account)?;
        let market = &self.state.book.markets[number as usize].market;
        let lost =
            account.holdings().iter().filter(|holding| after.quantity(holding.instrument) < holding.quantity);
        let receipts = lost.filter(|holding| {
            market
                .instruments()
                .get(holding.instrument.index())
                .is_some_and(|one| one.kind != plimsoll_core::Kind::Debt)
        });
        receipts.max_by_key(|holding| holding.quantity).map(|holding| holding.instrument)
    }

    fn asset(&self, number: u32, instrument: InstrumentId) -> String {
        let market = &self.state.book.markets[number as usize].market;
        market.instruments().get(instrument.index()).map_or_else(String::new, |one| one.asset.clone())
    }

    /// What the market reads of an asset's price, in the digits of its slot; `None` where it has no price, for it is counted at par.
    fn reference(&self, number: u32, asset: &str) -> Option<u128> {
        let book = &self.state.book;
        let listed = &book.markets[number as usize];
        let slot = listed.market.slots().iter().position(|slot| slot.asset == asset)?;
        let readings = book.readings(listed, &book.graph.quotes(book.at));
        // A price that is not there is none that anything may be done at.
        Some(readings.get(slot).and_then(|reading| reading.value?.to_u128()).unwrap_or(0))
    }

    pub(super) fn send(&mut self, intent: u64, external: &str) -> Result<(), Refused> {
        match self.state.intents.get(&intent).map(|intent| &intent.stage) {
            Some(Stage::Intended) => {
                self.happen(Event::Sent { intent, external: external.into() });
                Ok(())
            }
            Some(Stage::Sent(_)) => Err(Refused::Unfit(format!("intent {intent} was sent already"))),
            None => Err(self.gone(intent)),
        }
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
                self.happen(Event::Account { place, listed: None, market: number, holds });
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
