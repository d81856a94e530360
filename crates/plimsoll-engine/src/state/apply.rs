//! How an event changes the state.

use super::{Heard, Intent, Proposal, Row, Stage, State, second};
use crate::Stamp;
use crate::calls;
use crate::config::Change;
use crate::feed::{self, Feed};
use crate::record::{Answer, Event, Outcome, Record, Release, Word};
use crate::state::Kept;
use plimsoll_core::{Account, AccountId, ListedAccount};

impl State {
    /// Everything that a record says, and the answer that was given for it.
    pub fn replay(&mut self, number: u64, record: &Record) {
        self.advance(record.at);
        record.events.iter().for_each(|event| self.apply(event));
        self.keep(record, record.answer(number));
    }

    /// The clock of the records. It does not go back.
    pub(crate) fn advance(&mut self, now: Stamp) {
        self.now = self.now.max(now);
        self.book.at = second(self.now);
        while let Some((at, _)) = self.order.front()
            && self.now.saturating_sub(*at) > self.config.memory
            && let Some((_, id)) = self.order.pop_front()
        {
            self.kept.remove(&id);
        }
    }

    /// Keeps an answer for whoever asks twice.
    pub(crate) fn keep(&mut self, record: &Record, answer: Answer) {
        let id = record.request.id.clone();
        if self.kept.insert(id.clone(), Kept { request: record.request.hash(), answer }).is_none() {
            self.order.push_back((record.at, id));
        }
    }

    /// What an event changes. What it names and does not exist is passed over: no log that an engine wrote has such a thing.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Account { place, listed, market, holds } => {
                self.account_is(*place, listed.as_ref(), *market, holds)
            }
            Event::Cells { market, cells, rules } => {
                if let Some(listed) = self.book.markets.get_mut(*market as usize) {
                    for (cell, value) in cells {
                        let _ = listed.market.set(*cell, *value);
                    }
                    if *rules {
                        listed.market.move_epoch();
                    }
                }
            }
            Event::Heard { feed, quote } => {
                let now = self.now;
                if let Some(heard) = self.feeds.get_mut(feed) {
                    let _ = heard.feed.hear(quote.clone(), now);
                }
            }
            Event::Turned { feed, state, value } => self.turned(feed, state, *value),
            Event::Word { feed, word } => {
                let now = self.now;
                if let Some(heard) = self.feeds.get_mut(feed) {
                    match word {
                        Word::Impaired(by, why) => heard.feed.impair(Some((by.clone(), why.clone()))),
                        Word::Trusted => heard.feed.impair(None),
                        Word::Confirmed => {
                            let _ = heard.feed.confirm(now);
                        }
                    }
                }
            }
            Event::Lived { place, what, .. } => self.lived(*place, what),
            Event::Intended { intent, act, place, action, .. } => {
                self.guards.take(act, self.now);
                let (act, action, since) = (act.clone(), action.clone(), self.now);
                self.intents
                    .insert(*intent, Intent { act, place: *place, action, stage: Stage::Intended, since });
                self.counters[0] = intent.saturating_add(1);
            }
            Event::Sent { intent, external } => {
                if let Some(intent) = self.intents.get_mut(intent) {
                    intent.stage = Stage::Sent(external.clone());
                }
            }
            Event::Resolved { intent, outcome } => {
                if let Some(intent) = self.intents.remove(intent)
                    && *outcome == Outcome::Carried
                    && self.config.followed.contains(&intent.act.market)
                    && let Some(row) = self.rows.get_mut(intent.place as usize)
                {
                    row.unseen = true;
                }
            }
            Event::Killed { scope, kill } => self.guards.kill(scope.clone(), kill.clone()),
            Event::Released(Release::Kill(scope)) => {
                let _ = self.guards.release(scope);
            }
            Event::Released(Release::Breaker) => {
                let _ = self.guards.breaker.release();
            }
            Event::Released(Release::Strategy(strategy)) => {
                let _ = self.guards.throttle.release(strategy);
            }
            Event::Tripped(flips) => self.guards.breaker.trip(*flips, self.now),
            Event::Proposed { proposal, by, change, impact } => {
                let (by, change, impact) = (by.clone(), change.clone(), impact.clone());
                self.proposals.insert(*proposal, Proposal { by, change, impact });
                self.counters[1] = proposal.saturating_add(1);
            }
            Event::Closed { proposal, .. } => {
                self.proposals.remove(proposal);
            }
            Event::Changed(change) => self.change(change),
            Event::Alert { alert, of } => {
                self.alerts.insert(*alert, of.clone());
                self.waiting.insert(of.clone());
                self.counters[2] = alert.saturating_add(1);
            }
            Event::Told { alert, to } => {
                if to.is_ok()
                    && let Some(of) = self.alerts.remove(alert)
                {
                    self.waiting.remove(&of);
                }
            }
            Event::Started => {
                self.guards.resume.restart();
                let names: Vec<String> = self.feeds.keys().cloned().collect();
                for name in names {
                    if let Some(heard) = self.feeds.get_mut(&name) {
                        heard.feed.forget();
                    }
                    self.turned(&name, &feed::State::Stale, None);
                }
            }
        }
    }

    fn account_is(&mut self, place: u32, listed: Option<&[String; 3]>, market: u32, holds: &Account) {
        let id = AccountId(place.into());
        let mut account = Account::new(id);
        holds.holdings().iter().for_each(|held| account.set(held.instrument, held.quantity));
        holds.terms().iter().for_each(|(term, value)| account.set_term(*term, *value));
        let at = place as usize;
        if let Some([name, owner, group]) = listed {
            let row =
                ListedAccount { name: name.clone(), owner: owner.clone(), market: market as usize, account };
            if at < self.book.accounts.len() {
                self.book.accounts[at] = row;
            } else {
                self.names.insert((market, name.clone()), place);
                self.book.accounts.push(row);
                self.rows.push(Row::default());
            }
            if let Some(row) = self.rows.get_mut(at) {
                row.group.clone_from(group);
            }
        } else if let Some(row) = self.book.accounts.get_mut(at) {
            row.account = account;
        }
        if let Some(row) = self.rows.get_mut(at) {
            (row.seen, row.unseen) = (self.now, false);
        }
    }

    fn turned(&mut self, feed: &str, state: &feed::State, value: Option<u128>) {
        let Some(heard) = self.feeds.get_mut(feed) else { return };
        heard.state = state.clone();
        match state {
            feed::State::Fresh => self.guards.resume.is_fresh(feed, self.now),
            _ => self.guards.resume.is_not_fresh(feed),
        }
        self.put(feed, value);
    }

    fn lived(&mut self, place: u32, what: &calls::Event) {
        if let Some(row) = self.rows.get_mut(place as usize) {
            row.life.apply(what);
        }
    }

    fn change(&mut self, change: &Change) {
        match change {
            Change::Rules { market, cells } => {
                if let Some(market) = self.market(market) {
                    self.apply(&Event::Cells { market, cells: cells.clone(), rules: true });
                }
            }
            Change::Prices(graph) => {
                self.book.graph = graph.clone();
                let names: Vec<String> = self.feeds.keys().cloned().collect();
                for name in names {
                    let value = self.feeds[&name].feed.value(self.now);
                    let fresh = self.feeds[&name].state == feed::State::Fresh;
                    if let Some(heard) = self.feeds.get_mut(&name)
                        && let Some(price) = self.book.graph.find(&name)
                    {
                        heard.price = price;
                    }
                    self.put(&name, value.filter(|_| fresh));
                }
            }
            Change::Source(source) => {
                let quotes = self.feeds.get(&source.price).map(|heard| heard.feed.quotes());
                if self.listen(source).is_ok()
                    && let Some(Heard { feed, .. }) = self.feeds.get_mut(&source.price)
                    && let Some(mut anew) = Feed::new(source.rule.clone())
                {
                    for quote in quotes.unwrap_or_default() {
                        let _ = anew.hear(quote, self.now);
                    }
                    *feed = anew;
                }
                self.guards.resume.is_not_fresh(&source.price);
            }
            Change::Terms(group, terms) => {
                self.config.terms.insert(group.clone(), *terms);
            }
            Change::Limits(limits) => self.config.limits = *limits,
            Change::Depth(asset, value) => {
                self.config.depths.insert(asset.clone(), *value);
            }
            Change::Collar(collar) => self.config.collar = *collar,
            Change::People(people) => self.config.people.clone_from(people),
        }
        self.arm();
    }
}
