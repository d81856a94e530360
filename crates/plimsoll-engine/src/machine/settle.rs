//! What follows from what was heard, and from time: feeds that turn, accounts that cross, calls that are made, met and pass.

use super::Machine;
use crate::calls::{self, Cause, Level, Seen};
use crate::config::MEASURED;
use crate::guard::Flips;
use crate::record::{Alert, Event, Grounds, Outcome, Prices};
use crate::state::{Stage, State};
use crate::watch::{All, Sight, is_below_line};
use plimsoll_core::{Decimal, Int, Quote as Quoted, Rounding, U256};
use std::collections::BTreeSet;

/// Digits of the values that guards count in.
const DIGITS: u8 = 6;

impl Machine {
    pub(super) fn settle(&mut self) {
        self.turn();
        self.abandon();
        let dirty = std::mem::take(&mut self.dirty);
        let sights = self.watch.look(&self.state, dirty);
        self.flips(&sights);
        for sight in &sights {
            self.live(sight);
        }
        self.causes.clear();
        self.lasting();
    }

    /// What was intended and not sent in time will not be: nobody waits for whoever wanted it.
    fn abandon(&mut self) {
        let late = |since: u64| self.state.now.saturating_sub(since) > self.state.config.late;
        let intents = self.state.intents.iter();
        let old = intents.filter(|(_, intent)| intent.stage == Stage::Intended && late(intent.since));
        let old: Vec<u64> = old.map(|(number, _)| *number).collect();
        for intent in old {
            self.resolved(intent, Outcome::Abandoned { why: "it was not sent in time".into() });
        }
    }

    /// What lasts until it is over: who is to be told that it began, and that it is.
    fn lasting(&mut self) {
        let State { now, config, .. } = &self.state;
        let late =
            self.state.intents.iter().filter(|(_, intent)| now.saturating_sub(intent.since) > config.late);
        let mut stands: BTreeSet<Alert> = late.map(|(number, _)| Alert::Late(*number)).collect();
        for (number, accounts) in self.watch.unseen() {
            let market = self.state.book.markets.get(number as usize).map(|listed| listed.name.clone());
            stands.extend(market.map(|market| Alert::Unseen { market, accounts }));
        }
        if let Some(most) = config.clock {
            match self.state.offset() {
                // A comparison a minute is owed from the second minute on.
                None if self.state.now.saturating_sub(self.state.founded) <= MEASURED => {}
                None => stands.extend([Alert::Unmeasured]),
                Some(offset) if offset.unsigned_abs() > most => stands.extend([Alert::Clock]),
                Some(_) => {}
            }
        }
        self.lasts(stands, |of| !matches!(of, Alert::Deviates { .. }));
    }

    /// Of the alerts that `asked` is true of these stand, and no others.
    pub(super) fn lasts(&mut self, stands: BTreeSet<Alert>, asked: impl Fn(&Alert) -> bool) {
        let over = self.state.lasting.difference(&stands).filter(|of| asked(of));
        let over: Vec<Alert> = over.cloned().collect();
        over.into_iter().for_each(|of| self.happen(Event::Over(of)));
        stands.into_iter().for_each(|of| self.alert(of));
    }

    /// What follows for one account.
    pub(super) fn live(&mut self, sight: &Sight) {
        let place = sight.place;
        let Some(terms) = self.state.terms(place).copied() else { return };
        let cause = self.causes.get(&place).copied().unwrap_or(Cause::World);
        let decimals = sight.seen.map_or(0, |seen| seen.unit.decimals);
        let missing = quanta(sight.missing, decimals).unwrap_or(u128::MAX);
        let seen = Seen { level: sight.level, missing, cause };
        let row = &self.state.rows[place as usize];
        let events = row.life.decide(&terms.policy, &seen, self.state.now);
        if events.is_empty() {
            return;
        }
        let grounds = sight.seen.map(|seen| Grounds::of(&seen, self.prices(place)));
        for what in events {
            if let calls::Event::Called { deadline, .. } = what {
                self.watch.remind(deadline, place);
            }
            self.happen(Event::Lived { place, what, grounds: grounds.clone() });
            if let Some(word) = word(&what) {
                self.alert(Alert::Account { account: self.state.called(place), what: word.into() });
            }
        }
    }

    /// Whether too many crossed their venue's line within the breaker's window for it to be the accounts.
    fn flips(&mut self, sights: &[Sight]) {
        let flipped = |sight: &&Sight| {
            let below = matches!(sight.level, Some(Level::Line | Level::Bad));
            below && !is_below_line(self.state.rows[sight.place as usize].life.state)
        };
        let places: Vec<u32> = sights.iter().filter(flipped).map(|sight| sight.place).collect();
        if places.is_empty() || self.state.guards.breaker.check().is_err() {
            return;
        }
        self.happen(Event::Flipped(places));
        let mut places = self.state.guards.breaker.within(self.state.now);
        places.retain(|place| self.watch.owes(*place));
        if places.len() as u64 <= self.state.guards.breaker.least {
            return;
        }
        if self.trips(&places) {
            let flips = self.measure(&places);
            self.happen(Event::Tripped(flips));
            self.alert(Alert::Breaker);
        }
    }

    /// Whether so many may not flip at once. Mostly too few do by far, and then not everybody is asked what he holds.
    fn trips(&self, places: &[u32]) -> bool {
        let (worth, breaker) = (Worth::new(self), &self.state.guards.breaker);
        let part = worth.sum(places.iter().copied());
        let accounts = [places.len() as u64, self.watch.counts()[0]];
        let whole = worth.least(self.watch.owing(), breaker.enough(part)).max(part).max(1);
        breaker.trips(&Flips { accounts, value: [part, whole] })
    }

    /// Accounts, and their collateral, against all that owe. Where nobody can say what one of these accounts holds it counts as more than
    /// all; of all others those count that can be said: the part looks no smaller than it is.
    pub(super) fn measure(&self, places: &[u32]) -> Flips {
        let worth = Worth::new(self);
        let part = worth.sum(places.iter().copied());
        let whole = worth.least(self.watch.owing(), u128::MAX).max(part).max(1);
        Flips { accounts: [places.len() as u64, self.watch.counts()[0]], value: [part, whole] }
    }

    /// A value of an account's market in millionths of the engine's currency, raised; `None` where nobody can say.
    pub(super) fn value(&self, place: u32, value: Int, decimals: u8) -> Option<u128> {
        Worth::new(self).value(place, value, decimals)
    }

    /// What the prices of an account's market are now: their place in the record's.
    pub(super) fn prices(&mut self, place: u32) -> u32 {
        let market = self.state.book.accounts.get(place as usize).map_or(0, |listed| listed.market as u32);
        if let Some(known) = self.now.get(&market) {
            return *known;
        }
        let quotes = self.state.book.graph.quotes(self.state.book.at);
        let needs = self.state.book.markets.get(market as usize).map(|listed| self.state.needs(listed));
        let price = |feed: &String| {
            let id = self.state.book.graph.find(feed)?;
            quotes.get(id.0 as usize)?.value
        };
        let prices: Prices = needs.into_iter().flatten().map(|feed| (feed.clone(), price(&feed))).collect();
        let at = self.prices.iter().position(|known| *known == prices).unwrap_or_else(|| {
            self.prices.push(prices);
            self.prices.len() - 1
        });
        self.now.insert(market, at as u32);
        at as u32
    }

    /// Every deadline that is set, for a machine that was just made.
    pub(super) fn remind_all(&mut self) {
        for (place, row) in (0..).zip(&self.state.rows) {
            if let calls::State::Called { deadline, .. } = row.life.state {
                self.watch.remind(deadline, place);
            }
        }
    }
}

/// What accounts hold, in millionths of the engine's currency.
struct Worth<'m> {
    state: &'m State,
    all: All<'m>,
    quotes: Vec<Quoted>,
}

impl Worth<'_> {
    fn new(machine: &Machine) -> Worth<'_> {
        let state = &machine.state;
        Worth { state, all: All::new(state), quotes: state.book.graph.quotes(state.book.at) }
    }

    /// Raised; `None` where nobody can say.
    fn value(&self, place: u32, value: Int, decimals: u8) -> Option<u128> {
        let listed = &self.state.book.accounts.get(place as usize)?;
        let market = &self.state.book.markets.get(listed.market)?.name;
        let Some(price) = self.state.config.worth.get(market) else { return quanta(value, decimals) };
        let quote = self.quotes.get(self.state.book.graph.find(price)?.0 as usize)?;
        let Decimal { mantissa, decimals: digits } = quote.value.filter(|_| quote.doubt.is_none())?;
        quanta(value.mul(mantissa)?, decimals.checked_add(digits)?)
    }

    /// The collateral of an account; nothing where its venue has no numbers, for its prices are out and nobody acts on it.
    fn collateral(&self, place: u32) -> Option<u128> {
        let Some(seen) = self.all.see(place).seen else { return Some(0) };
        self.value(place, seen.collateral, seen.unit.decimals)
    }

    /// Of all of these; beyond every number where nobody can say of one.
    fn sum(&self, mut places: impl Iterator<Item = u32>) -> u128 {
        let sum = places.try_fold(0_u128, |sum, place| sum.checked_add(self.collateral(place)?));
        sum.unwrap_or(u128::MAX)
    }

    /// Of those of these of whom somebody can say, until it is so much.
    fn least(&self, places: impl Iterator<Item = u32>, enough: u128) -> u128 {
        let mut sum = 0_u128;
        for value in places.filter_map(|place| self.collateral(place)) {
            if sum >= enough {
                break;
            }
            sum = sum.saturating_add(value);
        }
        sum
    }
}

/// Millionths of a value with so many digits after the point, raised; nothing below zero. `None` beyond 128 bits.
pub(super) fn quanta(value: Int, decimals: u8) -> Option<u128> {
    let Some(value) = value.to_u256() else { return Some(0) };
    let scaled = if decimals >= DIGITS {
        value.div(U256::pow10(decimals - DIGITS)?, Rounding::Up)?
    } else {
        value.mul(U256::pow10(DIGITS - decimals)?)?
    };
    scaled.to_u128()
}

/// What people are told of an account's life.
const fn word(what: &calls::Event) -> Option<&'static str> {
    Some(match what {
        calls::Event::Warned => "warned",
        calls::Event::Called { .. } => "called",
        calls::Event::Met => "met",
        calls::Event::Withdrawn => "withdrawn",
        calls::Event::Escalated => "escalated",
        calls::Event::Overdue => "overdue",
        calls::Event::BelowLine => "below the line",
        calls::Event::Recovered => "recovered",
        calls::Event::Liquidated => "liquidated",
        calls::Event::Closed => "closed",
        calls::Event::Settled => "above its call again",
        calls::Event::BecameBad => "bad debt",
        calls::Event::PartlyMet { .. }
        | calls::Event::Widened { .. }
        | calls::Event::Moved { .. }
        | calls::Event::Intended { .. }
        | calls::Event::Abandoned
        | calls::Event::Cleared => return None,
    })
}
