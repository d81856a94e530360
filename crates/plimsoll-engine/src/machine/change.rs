//! Changes of rules, prices, feeds and limits: shown on the whole live book first, and in force when a second person agrees.

use super::{Machine, no_such, refused};
use crate::calls::{self, Level};
use crate::config::Change;
use crate::record::{Event, Impact, Refused};
use crate::state::State;
use crate::watch::{All, Watch, compile};
use plimsoll_core::Compiled;

/// A proposal that waits for longer has to be made again (ns).
const EXPIRES: crate::Stamp = 7 * 86_400 * 1_000_000_000;

/// How many accounts an impact names.
const NAMED: usize = 100;

impl Machine {
    pub(super) fn propose(&mut self, by: &str, change: &Change) -> Result<(), Refused> {
        let impact = self.impact(change)?;
        if self.state.guards.breaker.trips(&impact.at_worst()) {
            return Err(Refused::TooMuch(Box::new(impact)));
        }
        let proposal = self.state.counters[1];
        let (by, change) = (by.into(), change.clone());
        self.happen(Event::Proposed { proposal, by, change, impact });
        Ok(())
    }

    pub(super) fn approve(&mut self, by: &str, proposal: u64) -> Result<(), Refused> {
        let found = self.state.proposals.get(&proposal).cloned();
        let found = found.ok_or_else(|| no_such("proposal", &proposal.to_string()))?;
        if found.by == by {
            return Err(Refused::SamePerson);
        }
        if found.config != self.config {
            let why = "the configuration is another since it was proposed: propose it again";
            return Err(Refused::Unfit(why.into()));
        }
        if self.state.now.saturating_sub(found.at) > EXPIRES {
            return Err(Refused::Unfit("it was proposed more than seven days ago: propose it again".into()));
        }
        let impact = self.impact(&found.change)?;
        if self.state.guards.breaker.trips(&impact.at_worst()) {
            return Err(Refused::TooMuch(Box::new(impact)));
        }
        // Whom it was shown to touch, and nobody else; and hardly more of what they hold.
        let others = |was: &[u32], is: &[u32]| is.iter().any(|place| !was.contains(place));
        let shown = &found.impact;
        let tenth = shown.flips.value[0] / 10;
        if others(&shown.places, &impact.places)
            || (0..3).any(|kind| others(&shown.others[kind], &impact.others[kind]))
            || impact.flips.value[0] > shown.flips.value[0].saturating_add(tenth)
        {
            return Err(Refused::Moved(Box::new(impact)));
        }
        let watch = self.changed(&found.change)?.1;
        self.happen(Event::Closed { proposal, by: by.into(), agreed: true, impact: Some(impact) });
        self.happen(Event::Changed(found.change));
        self.watch = watch;
        self.config = self.state.config_hash();
        self.judged = None;
        self.remind_all();
        // Whoever stands elsewhere now is looked at: all of them, for a change is rare.
        self.dirty.look.extend(0..self.state.book.accounts.len() as u32);
        Ok(())
    }

    /// The state and what is seen of it after a change.
    fn changed(&self, change: &Change) -> Result<(State, Watch), Refused> {
        let unfit = |why: String| Refused::Unfit(why);
        let mut after = self.state.clone();
        match change {
            Change::Rules { market, cells } => {
                let number = self.market(market)?;
                if self.is_followed(market) {
                    return Err(Refused::KeptElsewhere);
                }
                let listed = &mut after.book.markets[number as usize];
                for (cell, value) in cells {
                    listed.market.set(*cell, *value).map_err(|refusal| refused(&refusal))?;
                }
                let before = &self.state.book.markets[number as usize].market;
                let same = listed.market.nodes().len() == before.nodes().len();
                if !same || listed.market.instruments().len() != before.instruments().len() {
                    return Err(unfit("a market keeps its instruments".into()));
                }
            }
            Change::Prices(graph) => {
                for price in self.state.book.graph.prices() {
                    let place = self.state.book.graph.find(&price.name);
                    let there = graph.find(&price.name);
                    let same_unit =
                        there.and_then(|id| graph.price(id)).is_some_and(|now| now.unit == price.unit);
                    if there != place || !same_unit {
                        return Err(unfit(format!("price {} keeps its place and unit", price.name)));
                    }
                }
            }
            Change::Source(source) => after.listen(source).map_err(unfit)?,
            Change::Terms(..) | Change::Limits(_) | Change::Depth(..) | Change::Collar(_) => {}
            Change::People(people) => {
                if people.len() < 2 {
                    return Err(unfit("two people are needed to change anything".into()));
                }
            }
        }
        let mut after = self.state.clone();
        after.apply(&Event::Changed(change.clone()), &[]);
        after.fits().map_err(unfit)?;
        // What feeds are worth by the new rules, as they will be judged when it is in force.
        let judged: Vec<_> = after
            .feeds
            .iter()
            .map(|(name, heard)| (name.clone(), heard.feed.state(after.now).0, heard.feed.value(after.now)))
            .collect();
        for (feed, state, value) in judged {
            after.apply(&Event::Turned { feed, state, value }, &[]);
        }
        let watch = Watch::new(&after).map_err(unfit)?;
        Ok((after, watch))
    }

    /// Whether a change might do something to an account of which nobody can say where it stands: not where its own rows stay as they
    /// are, and not where it is about calls or about feeds, which are judged when they are back.
    fn might_touch(&self, change: &Change, after: &State, place: u32) -> bool {
        match change {
            Change::Rules { .. } => {
                let [was, is] = [compile(&self.state, place), compile(after, place)];
                was == Compiled::Opaque || was != is
            }
            Change::Prices(_) => true,
            _ => false,
        }
    }

    /// Whom a change would touch, of everybody who stands in the book now.
    fn impact(&self, change: &Change) -> Result<Impact, Refused> {
        let (after, watch) = self.changed(change)?;
        let mut impact = Impact::default();
        if matches!(change, Change::Limits(_) | Change::Depth(..) | Change::Collar(_) | Change::People(_)) {
            // Nobody stands elsewhere for these.
            impact.flips = self.measure(&[]);
            return Ok(impact);
        }
        let [now, then] = [All::new(&self.state), All::new(&after)];
        let (mut flipped, mut called_now, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
        let mut all: Vec<u32> = self.watch.owing().chain(watch.owing()).collect();
        all.sort_unstable();
        all.dedup();
        for place in all {
            match (self.watch.below(place), watch.below(place)) {
                (was, Some(true)) if was != Some(true) => flipped.push(place),
                (Some(true), Some(false)) => impact.recovered += 1,
                (Some(_), None) => {
                    impact.unknown += 1;
                    unknown.push(place);
                }
                (None, None) if self.might_touch(change, &after, place) => {
                    impact.unjudged += 1;
                    unknown.push(place);
                }
                _ => {}
            }
            let called = |all: &All<'_>| all.see(place).level == Some(Level::Call);
            if watch.below(place) == Some(false) && called(&then) && !called(&now) {
                called_now.push(place);
            }
        }
        let escalated: Vec<u32> = (0..self.state.rows.len() as u32)
            .filter(|place| {
                let overdue = |state: &State| {
                    let life = state.rows[*place as usize].life;
                    let escalates = state.terms(*place).is_some_and(|terms| terms.policy.escalates);
                    let passed = |deadline| state.now >= deadline;
                    matches!(life.state, calls::State::Called { deadline, .. } if passed(deadline) && escalates)
                };
                overdue(&after) && !overdue(&self.state)
            })
            .collect();
        impact.escalated = escalated.len() as u64;
        let named =
            |places: &[u32]| places.iter().take(NAMED).map(|place| self.state.called(*place)).collect();
        impact.called = called_now.len() as u64;
        (impact.first, impact.first_called, impact.first_unknown) =
            (named(&flipped), named(&called_now), named(&unknown));
        impact.flips = self.measure(&flipped);
        impact.places = flipped;
        impact.others = [called_now, unknown, escalated];
        Ok(impact)
    }
}
