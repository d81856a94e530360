//! How an event changes the state.

use super::{Compared, Intent, Kept, Proposal, Raised, Row, Stage, State, second};
use crate::Stamp;
use crate::calls;
use crate::config::Change;
use crate::feed;
use crate::record::{Answer, Command, Event, Outcome, Position, Record, Refused, Release, Word};
use plimsoll_core::{Account, AccountId, ListedAccount};

impl State {
    /// Everything that a record says, and the answer that was given for it.
    pub fn replay(&mut self, number: u64, record: &Record) {
        self.advance(record.at);
        let positions: &[Position] = match &record.request.command {
            Command::Positions { positions, .. } => positions,
            _ => &[],
        };
        record.events.iter().for_each(|event| self.apply(event, positions));
        self.keep(record, record.answer(number));
    }

    /// As [`State::replay`], of a record that nobody needs any more: what accounts hold is taken out of it.
    pub(crate) fn replay_once(&mut self, number: u64, mut record: Record) {
        self.advance(record.at);
        self.keep(&record, record.answer(number));
        let mut positions = match &mut record.request.command {
            Command::Positions { positions, .. } => std::mem::take(positions),
            _ => Vec::new(),
        };
        for event in &record.events {
            match event {
                Event::Seen { market, places } => {
                    places.iter().zip(positions.drain(..)).for_each(|(place, position)| {
                        self.seen_as(*market, *place, &position);
                        self.holds(*place, position.holds);
                    });
                }
                event => self.apply(event, &[]),
            }
        }
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
        // An engine's start is nobody's to ask twice, and what a clock that was late asked may be asked again.
        if matches!(record.request.command, Command::Start)
            || matches!(record.refused, Some(Refused::ClockBack { .. }))
        {
            return;
        }
        let id = record.request.id.clone();
        if self.kept.insert(id.clone(), Kept { request: record.request.hash(), answer }).is_none() {
            self.order.push_back((record.at, id));
        }
    }

    /// What an event changes; `positions` are the command's. What it names and does not exist is passed over: no log that an
    /// engine wrote has such a thing.
    pub fn apply(&mut self, event: &Event, positions: &[Position]) {
        match event {
            Event::Account { place, holds, .. } => self.holds(*place, holds.clone()),
            Event::Seen { market, places } => {
                places
                    .iter()
                    .zip(positions)
                    .for_each(|(place, position)| self.seen(*market, *place, position));
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
                // What was sent may have been done in part, whatever is said of it.
                if let Some(intent) = self.intents.remove(intent)
                    && (*outcome == Outcome::Carried || intent.stage != Stage::Intended)
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
                let config = self.config_hash();
                self.proposals.insert(*proposal, Proposal { by, change, impact, config, at: self.now });
                self.counters[1] = proposal.saturating_add(1);
            }
            Event::Closed { proposal, .. } => {
                self.proposals.remove(proposal);
            }
            Event::Changed(change) => self.change(change),
            Event::Alert { alert, of } => {
                // What was told before and did not arrive gives way to the newer word.
                for older in [Some(of.clone()), of.replaces()].into_iter().flatten() {
                    if let Some(older) = self.waiting.remove(&older) {
                        self.alerts.remove(&older);
                    }
                }
                self.alerts.insert(*alert, Raised { at: self.now, of: of.clone() });
                self.waiting.insert(of.clone(), *alert);
                if of.lasts() {
                    self.lasting.insert(of.clone());
                }
                self.counters[2] = alert.saturating_add(1);
            }
            Event::Told { alert, to } => {
                if to.is_ok()
                    && let Some(raised) = self.alerts.remove(alert)
                {
                    self.waiting.remove(&raised.of);
                }
            }
            Event::Compared { offset, source } => {
                let (at, offset, source) = (self.now, *offset, source.clone());
                self.clock = Some(Compared { at, offset, source });
            }
            Event::Flipped(places) => self.guards.breaker.flip(places, self.now),
            Event::Over(of) => {
                self.lasting.remove(of);
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

    /// An account that there is holds this.
    fn holds(&mut self, place: u32, holds: Account) {
        let at = place as usize;
        if let (Some(listed), Some(row)) = (self.book.accounts.get_mut(at), self.rows.get_mut(at)) {
            listed.account = holds;
            listed.account.id = AccountId(place.into());
            (row.seen, row.unseen) = (self.now, false);
        }
    }

    /// An account was seen: a new one, or one that may hold something else or be somebody else's now.
    pub(crate) fn seen(&mut self, market: u32, place: u32, position: &Position) {
        self.seen_as(market, place, position);
        self.holds(place, position.holds.clone());
    }

    /// Whose it is and of which group, without what it holds.
    fn seen_as(&mut self, market: u32, place: u32, position: &Position) {
        let Position { account, owner, group, .. } = position;
        if place as usize >= self.book.accounts.len() {
            let Some(names) = self.names.get_mut(market as usize) else { return };
            names.insert(account.clone(), place);
            self.book.accounts.push(ListedAccount {
                name: account.clone(),
                owner: owner.clone(),
                market: market as usize,
                account: Account::new(AccountId(place.into())),
            });
            self.rows.push(Row { group: group.clone(), ..Row::default() });
        }
        let (listed, row) = (&mut self.book.accounts[place as usize], &mut self.rows[place as usize]);
        if listed.owner != *owner {
            listed.owner.clone_from(owner);
        }
        if row.group != *group {
            row.group.clone_from(group);
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
                    self.apply(&Event::Cells { market, cells: cells.clone(), rules: true }, &[]);
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
                // What was heard stays, and what was believed: jumps go on being measured from that.
                let before = self.feeds.remove(&source.price);
                if self.listen(source).is_ok()
                    && let Some(before) = before
                    && let Some(heard) = self.feeds.get_mut(&source.price)
                {
                    heard.feed = before.feed.under(source.rule.clone());
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
