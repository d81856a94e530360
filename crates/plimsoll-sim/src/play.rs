//! One run: from tick to tick until the path ends.
//!
//! At each tick, in this order: buyers come back and liquidity withdraws; prices move, pressed down by what was sold; oracles publish; whoever may
//! have crossed a line is judged; borrowers act whose time has come; keepers act, worst account first; pools whose time has come are brought back to
//! the market. What is drawn is drawn in this order from the run's own stream, so that a run is the same whatever runs beside it.

mod act;

use crate::borrower::Wakeful;
use crate::ledger::Ledger;
use crate::outcome::{Event, Outcome, What};
use crate::plan::{ONE, Plan};
use crate::state::{State, Unplayable};
use crate::street::Street;
use crate::worth::rescale;
use plimsoll_core::{Book, Feeds, Int, Lens, Reading, Rounding, Test, U256};
use plimsoll_risk::stream::Stream;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What keepers draw comes from another key than prices.
const KEEPERS: u64 = 0x6b65_6570_6572_7300;
/// Calls on one account at one tick.
const CALLS_MAX: u32 = 64;
/// An account that nobody wanted is looked at again after as many ticks as it was left times, at most this.
const PATIENCE: u64 = 64;
/// One whose position is in an auction, at most this.
const FOLLOWED: u64 = 4;
/// One that is worth less than a call even in calm waits twice as long each time, at most this many ticks.
const DUST: u64 = 1024;

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
    /// Accounts that are looked at at the next tick.
    ready: BTreeSet<u32>,
    /// Accounts that nobody wanted, by the tick from which they are looked at again.
    waiting: BTreeMap<u64, Vec<u32>>,
    /// How often each was left.
    left: BTreeMap<u32, u64>,
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
            ready: BTreeSet::new(),
            waiting: BTreeMap::new(),
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

    /// Who is below his line.
    pub fn below(&self) -> impl Iterator<Item = u32> {
        self.state.crossed.below.iter().copied()
    }

    /// What came of it so far.
    #[must_use]
    pub fn outcome(&self) -> &Outcome {
        &self.outcome
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
        let fell = std::mem::take(&mut self.state.crossed.fell);
        self.ready.extend(&fell);
        self.fallen.extend(fell);
        self.outcome.fell = self.fallen.len() as u64;
        self.tell_crossings();
        Ok(())
    }

    /// Tells who fell or rose since it was told last.
    fn tell_crossings(&mut self) {
        if self.events.is_none() {
            return;
        }
        let now = self.state.crossed.below.clone();
        let before = std::mem::replace(&mut self.told, now.clone());
        now.difference(&before).for_each(|place| self.tell(What::Fell(*place)));
        before.difference(&now).for_each(|place| self.tell(What::Rose(*place)));
    }

    fn time_below(&mut self) {
        let after = self.state.after();
        match (self.since, self.state.crossed.below.is_empty()) {
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
        self.outcome.left = self.state.crossed.below.len() as u64;
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
