//! From commands to records: everything that an engine decides, without a file, a clock or chance.
//!
//! [`Machine::decide`] is told a time and a command and gives the record of what came of it. What happens is applied as it is decided,
//! so that a command's later events see its earlier ones. Feeds that grow old, deadlines that pass and accounts that cross with time are
//! part of the next record, whatever its command is and whether or not it is refused.

mod act;
mod change;
mod intend;
mod settle;

use crate::Stamp;
use crate::calls::Cause;
use crate::feed;
use crate::guard::{Kill, Scope};
use crate::record::{
    Alert, Command, Event, Outcome, Position, Prices, Record, Refused, Release, Request, Word,
};
use crate::state::{Stage, State};
use crate::watch::{Dirty, Watch};
use plimsoll_core::{Account, Cell, Int, Kind, Nature};
use std::collections::{BTreeMap, BTreeSet};

/// Names are shorter than this.
const NAME_MAX: usize = 200;

/// A state, what is seen of it, and how it goes on.
#[derive(Clone)]
pub struct Machine {
    state: State,
    watch: Watch,
    program: String,
    /// What happened in the command that is being decided, in order.
    events: Vec<Event>,
    dirty: Dirty,
    /// Feeds that said something since they were judged, and when all were.
    spoke: BTreeSet<String>,
    judged: Option<Stamp>,
    /// SHA-256 of the configuration.
    config: [u8; 32],
    /// Prices that decisions of this command rest on, and which of them are a market's now.
    prices: Vec<Prices>,
    now: BTreeMap<u32, u32>,
    /// Why accounts that are looked at next stand where they do, where it is not the world.
    causes: BTreeMap<u32, Cause>,
}

impl Machine {
    /// Over a state.
    ///
    /// # Errors
    /// What cannot be watched, in words.
    pub fn new(state: State, program: &str) -> Result<Machine, String> {
        let watch = Watch::new(&state)?;
        let mut machine = Machine {
            config: state.config_hash(),
            state,
            watch,
            program: program.into(),
            events: Vec::new(),
            dirty: Dirty::default(),
            spoke: BTreeSet::new(),
            judged: None,
            causes: BTreeMap::new(),
            prices: Vec::new(),
            now: BTreeMap::new(),
        };
        machine.remind_all();
        Ok(machine)
    }

    /// What is known.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// Who stands where.
    #[must_use]
    pub const fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Decides a command at a time (ns of UTC), as the record of a number; `waited` is how long the write before took, where this one
    /// is to say so.
    pub fn decide(&mut self, number: u64, at: Stamp, waited: Option<u64>, request: Request) -> Record {
        let config = self.config;
        let refused = if at < self.state.now && !is_never_late(&request.command) {
            Some(Refused::ClockBack { was: self.state.now })
        } else {
            self.state.advance(at);
            // What time has brought about comes first: a feed that ran out and a deadline that passed are not undone by what is heard now.
            if !is_fact(&request.command) || self.judged != Some(self.state.now) {
                self.settle();
            }
            let refused = self.command(&request).err();
            self.settle();
            refused
        };
        let (at, offset, program) = (self.state.now, self.state.offset(), self.program.clone());
        let events = std::mem::take(&mut self.events);
        let prices = std::mem::take(&mut self.prices);
        self.now.clear();
        let record = Record { at, offset, waited, program, config, request, events, refused, prices };
        self.state.keep(&record, record.answer(number));
        record
    }

    /// Applies an event, and notes it.
    fn happen(&mut self, event: Event) {
        self.state.apply(&event, &[]);
        self.events.push(event);
    }

    fn command(&mut self, request: &Request) -> Result<(), Refused> {
        let by = &request.by.name;
        match &request.command {
            Command::Tick => Ok(()),
            Command::Quote { feed, quote } => {
                let heard = self.state.feeds.get(feed).ok_or_else(|| no_such("feed", feed))?;
                self.may_speak(by, quote)?;
                heard.feed.takes(quote, self.state.now).map_err(Refused::Quote)?;
                self.happen(Event::Heard { feed: feed.clone(), quote: quote.clone() });
                self.spoke.insert(feed.clone());
                Ok(())
            }
            Command::Positions { market, positions } => self.positions(market, positions),
            Command::Cells { market, cells } => self.cells(market, cells),
            Command::Act { market, steps } => self.act(market, steps),
            Command::Intend { market, account, action, strategy, price } => {
                self.intend(market, account, action, strategy, *price)
            }
            Command::Send { intent, external } => self.send(*intent, external),
            Command::Resolve { intent, outcome } => self.resolve(*intent, outcome),
            Command::Impair { feed, reason } => self.word(feed, Word::Impaired(by.clone(), reason.clone())),
            Command::Trust { feed } => {
                self.person(by)?;
                self.word(feed, Word::Trusted)
            }
            Command::Confirm { feed } => {
                self.person(by)?;
                let heard = self.state.feeds.get(feed).ok_or_else(|| no_such("feed", feed))?;
                if heard.feed.clone().confirm(self.state.now).is_none() {
                    return Err(Refused::Unfit("the feed says nothing that could be confirmed".into()));
                }
                self.word(feed, Word::Confirmed)
            }
            Command::Kill { scope, reason } => {
                let strategies = &self.state.config.strategies;
                if let Scope::Strategy(name) = scope
                    && !strategies.is_empty()
                    && !strategies.contains(name)
                {
                    return Err(no_such("strategy", name));
                }
                let (by, reason, at) = (by.clone(), reason.clone(), self.state.now);
                self.kill(scope, Kill { by, reason, at });
                Ok(())
            }
            Command::Release(what) => {
                self.person(by)?;
                self.release(what)
            }
            Command::Propose(change) => {
                self.person(by)?;
                self.propose(by, change)
            }
            Command::Approve { proposal } => {
                self.person(by)?;
                self.approve(by, *proposal)
            }
            Command::Reject { proposal } => {
                self.person(by)?;
                let known = self.state.proposals.contains_key(proposal);
                known.then_some(()).ok_or_else(|| no_such("proposal", &proposal.to_string()))?;
                let (proposal, by) = (*proposal, by.clone());
                self.happen(Event::Closed { proposal, by, agreed: false, impact: None });
                Ok(())
            }
            Command::Delivered { alert, to } => {
                // One that gave way to a newer word may still arrive.
                let known = *alert < self.state.counters[2];
                known.then_some(()).ok_or_else(|| no_such("alert", &alert.to_string()))?;
                self.happen(Event::Told { alert: *alert, to: to.clone() });
                Ok(())
            }
            Command::Start => {
                let feeds = self.state.feeds.iter();
                let fresh = feeds.filter(|(_, heard)| heard.state == feed::State::Fresh);
                let fresh: Vec<String> = fresh.map(|(feed, _)| feed.clone()).collect();
                self.happen(Event::Started);
                for feed in fresh {
                    self.alert(Alert::Feed { feed, fresh: false });
                }
                self.judged = None;
                self.dirty.markets.extend(0..self.state.book.markets.len() as u32);
                Ok(())
            }
            Command::Clock { offset, source } => {
                self.happen(Event::Compared { offset: *offset, source: source.clone() });
                Ok(())
            }
        }
    }

    /// Whether a source may say something: where sources are named, only as it is named.
    fn may_speak(&self, by: &str, quote: &crate::feed::Quote) -> Result<(), Refused> {
        let sources = &self.state.config.sources;
        if sources.is_empty() {
            return Ok(());
        }
        let unfit = |why: String| Err(Refused::Unfit(why));
        let Some(voice) = sources.get(&quote.source) else {
            return unfit(format!("source {} is not one that may be heard", quote.source));
        };
        if voice.origin != quote.origin {
            return unfit(format!("source {} is of origin {}", quote.source, voice.origin));
        }
        if !voice.by.is_empty() && !voice.by.contains(by) {
            return unfit(format!("{by} does not speak for source {}", quote.source));
        }
        Ok(())
    }

    fn person(&self, by: &str) -> Result<(), Refused> {
        if self.state.config.people.contains(by) { Ok(()) } else { Err(Refused::NotAPerson) }
    }

    fn market(&self, name: &str) -> Result<u32, Refused> {
        self.state.market(name).ok_or_else(|| no_such("market", name))
    }

    fn account(&self, market: &str, name: &str) -> Result<(u32, u32), Refused> {
        let number = self.market(market)?;
        let place = self.state.account(number, name);
        place.map(|place| (number, place)).ok_or_else(|| no_such("account", &format!("{market}:{name}")))
    }

    fn is_followed(&self, market: &str) -> bool {
        self.state.config.followed.contains(market)
    }

    /// Accounts are so.
    fn positions(&mut self, market: &str, positions: &[Position]) -> Result<(), Refused> {
        let number = self.market(market)?;
        for position in positions {
            self.holds(number, position)?;
            let group = (market.to_string(), position.group.clone());
            if !position.group.is_empty() && !self.state.config.terms.contains_key(&group) {
                let why = format!("account {}: no policy is for group {}", position.account, position.group);
                return Err(Refused::Unfit(why));
            }
        }
        let mut places = Vec::with_capacity(positions.len());
        for position in positions {
            let known = self.state.account(number, &position.account);
            let place = known.unwrap_or(self.state.book.accounts.len() as u32);
            // Who was acted on by us and is seen again stands where he does because of us.
            let ours = self.state.rows.get(place as usize).is_some_and(|row| row.unseen);
            let same = known.is_some_and(|place| {
                self.state.book.accounts[place as usize].account.is_like(&position.holds)
            });
            if ours || !same {
                self.causes.insert(place, if ours { Cause::Us } else { Cause::Owner });
            }
            self.dirty.accounts.insert(place);
            self.state.seen(number, place, position);
            places.push(place);
        }
        self.events.push(Event::Seen { market: number, places });
        Ok(())
    }

    /// Whether a position can be one of a market.
    fn holds(&self, market: u32, position: &Position) -> Result<(), Refused> {
        let unfit = |why: String| Err(Refused::Unfit(format!("account {}: {why}", position.account)));
        for (what, name) in
            [("name", &position.account), ("owner", &position.owner), ("group", &position.group)]
        {
            let empty = what == "name" && name.is_empty();
            if empty || name.len() > NAME_MAX || name.chars().any(char::is_control) {
                return unfit(format!(
                    "a {what} of 1 to {NAME_MAX} bytes without control characters is expected"
                ));
            }
        }
        let market = &*self.state.book.markets[market as usize].market;
        for holding in position.holds.holdings() {
            let Some(instrument) = market.instruments().get(holding.instrument.index()) else {
                return unfit(format!("the market has no instrument {}", holding.instrument.0));
            };
            if holding.quantity.is_negative()
                && matches!(instrument.kind, Kind::Receipt | Kind::Debt | Kind::Asset)
            {
                return unfit(format!("{} of {} is below zero", holding.quantity, instrument.name));
            }
        }
        for (term, _) in position.holds.terms() {
            if !market.terms().iter().any(|spec| spec.id == *term) {
                return unfit(format!("the market has no term {}", term.0));
            }
        }
        Ok(())
    }

    /// Numbers of a market are so.
    fn cells(&mut self, market: &str, cells: &[(Cell, Option<Int>)]) -> Result<(), Refused> {
        let number = self.market(market)?;
        let before = &*self.state.book.markets[number as usize].market;
        let mut after = before.boxed_clone();
        for (cell, value) in cells {
            after.set(*cell, *value).map_err(|refusal| refused(&refusal))?;
        }
        if after.instruments().len() != before.instruments().len()
            || after.nodes().len() != before.nodes().len()
        {
            return Err(Refused::Unfit(
                "the market would have other instruments; it must be founded anew".into(),
            ));
        }
        let rules = cells.iter().any(|(cell, _)| before.nature(*cell) == Nature::Rule);
        if rules && !self.is_followed(market) {
            return Err(Refused::Unfit(
                "rules of a market that is kept here are proposed, and take a second person".into(),
            ));
        }
        self.happen(Event::Cells { market: number, cells: cells.to_vec(), rules });
        self.dirty.markets.insert(number);
        Ok(())
    }

    fn word(&mut self, feed: &str, word: Word) -> Result<(), Refused> {
        if !self.state.feeds.contains_key(feed) {
            return Err(no_such("feed", feed));
        }
        self.happen(Event::Word { feed: feed.into(), word });
        self.spoke.insert(feed.into());
        Ok(())
    }

    /// A switch is thrown: what was not sent yet will not be, and what was is told.
    fn kill(&mut self, scope: &Scope, kill: Kill) {
        self.happen(Event::Killed { scope: scope.clone(), kill });
        self.alert(Alert::Killed(scope.clone()));
        let held: Vec<u64> = self
            .state
            .intents
            .iter()
            .filter(|(_, intent)| scope.holds(&intent.act))
            .map(|(id, _)| *id)
            .collect();
        for intent in held {
            if self.state.intents[&intent].stage == Stage::Intended {
                let why = format!("{scope} was stopped before it was sent");
                self.resolved(intent, Outcome::Abandoned { why });
            } else {
                self.alert(Alert::Outstanding(intent));
            }
        }
    }

    fn release(&mut self, what: &Release) -> Result<(), Refused> {
        let guards = &self.state.guards;
        let held = match what {
            Release::Kill(scope) => guards.kills().any(|(of, _)| of == scope),
            Release::Breaker => guards.breaker.check().is_err(),
            Release::Strategy(strategy) => {
                guards.throttle.stopped().any(|stopped| stopped.strategy == *strategy)
            }
        };
        if !held {
            return Err(Refused::Unfit("nothing of that is held".into()));
        }
        self.happen(Event::Released(what.clone()));
        Ok(())
    }

    /// Somebody is to be told; of what lasts, once.
    fn alert(&mut self, of: Alert) {
        if !of.lasts() || !self.state.lasting.contains(&of) {
            let alert = self.state.counters[2];
            self.happen(Event::Alert { alert, of });
        }
    }

    /// What is seen anew of feeds, of all as time passes and else of those that spoke: what one is worth, where that is not what was
    /// decided last.
    fn turn(&mut self) {
        let now = self.state.now;
        let spoke = std::mem::take(&mut self.spoke);
        let all = self.judged != Some(now);
        self.judged = Some(now);
        self.now.clear();
        let (mut turned, mut far) = (Vec::new(), BTreeSet::new());
        for (name, heard) in self.state.feeds.iter().filter(|(name, _)| all || spoke.contains(*name)) {
            let origins = heard.feed.deviating(now).into_iter();
            far.extend(origins.map(|origin| Alert::Deviates { feed: name.clone(), origin }));
            let (state, value) = (heard.feed.state(now).0, heard.feed.value(now));
            if state != heard.state || value != self.state.price(name) {
                turned.push((name.clone(), state, value));
            }
        }
        self.lasts(far, |of| match of {
            Alert::Deviates { feed, .. } => all || spoke.contains(feed),
            _ => false,
        });
        for (feed, state, value) in turned {
            let was_fresh = self.state.feeds[&feed].state == feed::State::Fresh;
            let fresh = state == feed::State::Fresh;
            for (number, listed) in (0..).zip(&self.state.book.markets) {
                if self.state.needs(listed).contains(&feed) {
                    self.dirty.markets.insert(number);
                }
            }
            self.happen(Event::Turned { feed: feed.clone(), state, value });
            if fresh != was_fresh {
                self.alert(Alert::Feed { feed, fresh });
            }
        }
    }

    /// The account after effects, where they fit.
    fn after(effects: &plimsoll_core::Effects, account: &Account) -> Result<Account, Refused> {
        let unfit = || Refused::Unfit("an amount does not fit 256 bits".into());
        effects.apply_to(account).ok_or_else(unfit)
    }
}

/// What stops something, lowers a risk or says what has happened is done at the time that it is, though whoever asks has a clock that
/// is late.
const fn is_never_late(command: &Command) -> bool {
    matches!(
        command,
        Command::Kill { .. }
            | Command::Impair { .. }
            | Command::Act { .. }
            | Command::Resolve { .. }
            | Command::Delivered { .. }
            | Command::Start
    )
}

/// What only tells how the world is.
const fn is_fact(command: &Command) -> bool {
    matches!(
        command,
        Command::Tick
            | Command::Quote { .. }
            | Command::Positions { .. }
            | Command::Cells { .. }
            | Command::Clock { .. }
    )
}

fn no_such(what: &str, name: &str) -> Refused {
    Refused::NoSuch { what: what.into(), name: name.into() }
}

fn refused(refusal: &plimsoll_core::Refusal) -> Refused {
    Refused::Market { code: refusal.code().into(), why: refusal.to_string() }
}
