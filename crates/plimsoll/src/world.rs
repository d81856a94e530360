//! A book as it would be: changed by actions, prices, parameters and time.

use crate::ask::{self, Misasked, asset_of};
use crate::ratio::Ratio;
use plimsoll_core::{
    AccountId, Action, Book, Call, Effects, FeedKind, Feeds, InstrumentId, Int, Lens, Observation, Origin,
    Party, PriceId, Reading, Refusal, Scale, Silent, Test, Time, U256, Verdict,
};

/// A copy of a book that is changed; its clock is the book's own time.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) book: Book,
}

/// An amount of an asset that an actor's wallet paid or received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The asset.
    pub asset: String,
    /// Its decimals.
    pub decimals: u8,
    /// What the wallet paid (raw).
    pub paid: U256,
    /// What the wallet received (raw).
    pub received: U256,
}

/// A change of what an account holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The instrument's name.
    pub instrument: String,
    /// Its decimals.
    pub decimals: u8,
    /// By how much the stored quantity changes, in the instrument's own integers.
    pub change: Int,
    /// Whether those integers are the asset itself in finer units (Dai in Maker's vat), so that the decimals make tokens of
    /// them.
    pub finer: bool,
}

impl World {
    /// The market of an account, and what it reads of the prices now.
    pub(crate) fn readings(&self, market: usize) -> Vec<Reading> {
        self.book.readings(&self.book.markets[market], &self.book.graph.quotes(self.book.at))
    }

    /// What an account's own action would do now, called by whoever calls for it.
    ///
    /// # Errors
    /// The market's refusal.
    pub(crate) fn act(&self, account: usize, action: Action) -> Result<Effects, Refusal> {
        let listed = &self.book.accounts[account];
        let id = listed.account.id;
        let actor = self.book.caller(account);
        let call = Call { actor, account: id, at: self.book.at, action };
        self.call(listed.market, &call, &self.readings(listed.market))
    }

    /// What anybody's call in a market would do now.
    ///
    /// # Errors
    /// The market's refusal.
    pub(crate) fn call(&self, market: usize, call: &Call, readings: &[Reading]) -> Result<Effects, Refusal> {
        self.book.markets[market].market.act(call, &self.book, Feeds { readings }, &mut Silent)
    }

    /// An account's health after effects of its market's own `act`, by the line of liquidation; `None` where it owes
    /// nothing more.
    ///
    /// # Errors
    /// When the account cannot be judged then.
    pub(crate) fn health_after(
        &self,
        account: usize,
        effects: &Effects,
        readings: &[Reading],
    ) -> Result<Option<Ratio>, Refusal> {
        let listed = &self.book.accounts[account];
        let mut market = self.book.markets[listed.market].market.boxed_clone();
        market.apply(effects)?;
        let account = effects.apply_to(&listed.account).ok_or(Refusal::Overflow("held - seized"))?;
        let quoted = market.at(Feeds { readings }, Lens::Action, self.book.at)?;
        let seen = quoted.verdict(&account, Test::Liquidation)?;
        let owes = seen.verdict != Verdict::NoDebt;
        Ok(if owes { Ratio::of(seen.backing, seen.requirement) } else { None })
    }

    /// Changes a market and the accounts that effects of its own `act` name.
    ///
    /// # Errors
    /// When a quantity leaves 256 bits; then nothing has changed.
    pub(crate) fn apply(&mut self, market: usize, effects: &Effects) -> Result<(), Refusal> {
        let mut places: Vec<usize> = Vec::new();
        let mut name = |id: AccountId| {
            let place = usize::try_from(id.0).ok().filter(|place| *place < self.book.accounts.len());
            places.extend(place.filter(|place| !places.contains(place)));
        };
        for flow in &effects.flows {
            for party in [flow.from, flow.to] {
                if let Party::Account(id) = party {
                    name(id);
                }
            }
        }
        effects.terms.iter().for_each(|(id, _, _)| name(*id));
        let mut after = Vec::with_capacity(places.len());
        for place in places {
            let account = effects.apply_to(&self.book.accounts[place].account);
            after.push((place, account.ok_or(Refusal::Overflow("held + received"))?));
        }
        self.book.markets[market].market.apply(effects)?;
        for (place, account) in after {
            self.book.accounts[place].account = account;
        }
        Ok(())
    }

    /// Puts a price in place as if it were observed now: certain, with the limits that its feed has. A price that
    /// was derived no longer is.
    pub(crate) fn observe(&mut self, id: PriceId, price: plimsoll_core::Decimal) {
        let before = self.book.graph.price(id).map(|price| price.origin.clone());
        let fresh = match before {
            Some(Origin::Feed(observed)) => Observation {
                price: Some(price),
                observed_at: Some(self.book.at),
                confidence: None,
                ..observed
            },
            _ => Observation {
                kind: FeedKind::Oracle,
                price: Some(price),
                scale: Scale::Decimal,
                source: "assumed".into(),
                observed_at: Some(self.book.at),
                max_age: None,
                confidence: None,
                floor: None,
                ceiling: None,
            },
        };
        // The id is one of this graph.
        let _ = self.book.graph.observe(id, fresh);
    }

    /// By how many digits a price is finer than what some market reads of it.
    pub(crate) fn too_fine(&self) -> Option<TooFine> {
        let quotes = self.book.graph.quotes(self.book.at);
        for listed in &self.book.markets {
            for (slot, wired) in listed.market.slots().iter().zip(&listed.wiring) {
                let quote = wired.and_then(|id| quotes.get(id.0 as usize));
                let refused = quote.and_then(|quote| quote.reading(slot.decimals).err());
                match refused {
                    None => {}
                    Some(plimsoll_core::num::DecimalError::TooFine { found, allowed }) => {
                        return Some(TooFine { excess: found - allowed, allowed });
                    }
                    Some(_) => return Some(TooFine { excess: u8::MAX, allowed: slot.decimals }),
                }
            }
        }
        None
    }

    /// The number that an account's own wallet, or whoever calls for it, and its holdings show of effects.
    pub(crate) fn moved(&self, account: usize, effects: &Effects) -> (Vec<Moved>, Vec<Held>) {
        let listed = &self.book.accounts[account];
        let market = &*self.book.markets[listed.market].market;
        let id = listed.account.id;
        // What the owner's other account pays and receives is paid and received for this one.
        let caller = self.book.caller(account);
        let outside = |party: Party| {
            [Party::Wallet(id), Party::Wallet(caller)].contains(&party)
                || (caller != id && party == Party::Account(caller))
        };
        let mut seen: Vec<InstrumentId> = Vec::new();
        for flow in &effects.flows {
            if !seen.contains(&flow.instrument) {
                seen.push(flow.instrument);
            }
        }
        let (mut moved, mut held) = (Vec::new(), Vec::new());
        for instrument in seen {
            let sum = |side: fn(&plimsoll_core::Flow) -> Party| {
                let mine = effects.flows.iter().filter(|flow| flow.instrument == instrument);
                let mine = mine.filter(|flow| outside(side(flow))).map(|flow| flow.amount);
                ask::total(mine, "paid").unwrap_or(U256::MAX)
            };
            let (paid, received) = (sum(|flow| flow.from), sum(|flow| flow.to));
            if (paid, received) != (U256::ZERO, U256::ZERO) {
                let (asset, decimals) = asset_of(market, instrument);
                moved.push(Moved { asset, decimals, paid, received });
            }
            let change = effects.net(Party::Account(id), instrument).unwrap_or(Int::ZERO);
            if let Some(spec) = market.instruments().get(instrument.index()).filter(|_| !change.is_zero()) {
                let finer = spec.decimals > asset_of(market, instrument).1;
                held.push(Held { instrument: spec.name.clone(), decimals: spec.decimals, change, finer });
            }
        }
        (moved, held)
    }

    /// Moves the clock.
    pub(crate) fn wait_until(&mut self, at: Time) {
        self.book.at = at;
    }

    /// The names that the book has for a market's trouble.
    pub(crate) fn stands(&self, market: usize, refusal: Refusal) -> Misasked {
        Misasked::Stands { market: self.book.markets[market].name.clone(), refusal }
    }
}

/// A price has more digits than a market reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TooFine {
    /// How many must go; 255 where the price does not fit 256 bits at all.
    pub(crate) excess: u8,
    /// How many may stand after the point of what the market reads.
    pub(crate) allowed: u8,
}
