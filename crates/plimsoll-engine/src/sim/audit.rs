//! The auditor: it trusts nothing that the engine says of itself, judges accounts by the venue's own integers at the true prices, and reads the log.

use super::Lived;
pub use super::feeds::Worlds;
use crate::calls;
use crate::disk::Disk;
use crate::engine::replay;
use crate::keeper;
use crate::log::scan;
use crate::record::{Answer, Entry, Event, Outcome, Release};
use crate::state::{State, Venues};
use crate::watch::Watch;
use std::collections::{BTreeMap, BTreeSet};

/// More prices than this are not combined, to each its last two values.
const COMBINED: usize = 8;

/// An account's levels at all combinations of what its prices were at the last two steps.
fn levels(state: &State, place: u32, worlds: &Worlds) -> Vec<Option<calls::Level>> {
    let listed = &state.book.accounts[place as usize];
    let market = &state.book.markets[listed.market];
    let feeds: Vec<String> =
        state.needs(market).into_iter().filter(|feed| worlds.contains_key(feed)).collect();
    let mut state = state.clone();
    if let Some(row) = state.rows.get_mut(place as usize) {
        row.unseen = false;
    }
    let combined = feeds.len().min(COMBINED);
    let mut levels = Vec::new();
    for bits in 0..1_u32 << combined {
        for (at, feed) in feeds.iter().enumerate() {
            let which = usize::from(at < combined && bits >> at & 1 == 1);
            state.put(feed, Some(worlds[feed][which]));
        }
        levels.push(Watch::see(&state, place).level);
    }
    levels
}

/// Somebody was acted on: with right, if he was below his line at some of the last true prices, or below the level of his call.
pub(super) fn acted(state: &State, place: u32, by_call: bool, worlds: Worlds) -> Result<(), String> {
    let right = |level: &Option<calls::Level>| match level {
        Some(calls::Level::Line | calls::Level::Bad) => true,
        Some(calls::Level::Call) => by_call,
        _ => false,
    };
    if levels(state, place, &worlds).iter().any(right) {
        return Ok(());
    }
    Err(format!("account {} is healthy and was acted on", state.called(place)))
}

/// Everything is back and stands still: nobody below his line is left alone whom his market would let be acted on, and nothing hangs.
pub(super) fn calm(state: &State, watch: &Watch, worlds: Worlds) -> Result<(), String> {
    if let Some((intent, _)) = state.intents.first_key_value() {
        return Err(format!("intent {intent} was never resolved"));
    }
    for place in 0..state.book.accounts.len() as u32 {
        let level = levels(state, place, &worlds)[0];
        let below = level.map(|level| matches!(level, calls::Level::Line | calls::Level::Bad));
        if watch.below(place) != below {
            let feeds = state.feeds.iter().filter(|(_, heard)| heard.state != crate::feed::State::Fresh);
            let feeds: Vec<_> = feeds.map(|(name, heard)| (name, &heard.state)).collect();
            let seen = watch.below(place);
            return Err(format!(
                "{} is {level:?} and seen as {seen:?}; not fresh: {feeds:?}",
                state.called(place)
            ));
        }
        let life = state.rows[place as usize].life.state;
        let right = match level {
            Some(calls::Level::Line) => matches!(life, calls::State::Liquidatable { .. }),
            Some(calls::Level::Bad) => life == calls::State::BadDebt,
            Some(calls::Level::Call) => {
                matches!(life, calls::State::Called { .. } | calls::State::Liquidatable { by_call: true })
            }
            Some(calls::Level::Warning) => life == calls::State::Warned,
            Some(calls::Level::Above | calls::Level::NoDebt | calls::Level::Gone) => {
                matches!(life, calls::State::Healthy | calls::State::Closed)
            }
            None => false,
        };
        if !right {
            return Err(format!("{} is {level:?} and lives as {life:?}", state.called(place)));
        }
        if matches!(life, calls::State::Liquidatable { .. }) && keeper::plan(state, place).is_some() {
            return Err(format!("{} could be acted on and was not", state.called(place)));
        }
    }
    Ok(())
}

/// What clients were told is what the state would tell them.
pub(super) fn told(state: &State, told: &BTreeMap<String, Answer>) -> Result<(), String> {
    for (id, answer) in told {
        match state.kept.get(id) {
            Some(kept) if kept.answer.record == answer.record => {}
            Some(kept) => {
                return Err(format!("{id} was record {} and is {}", answer.record, kept.answer.record));
            }
            None => return Err(format!("{id} was answered and is gone")),
        }
    }
    Ok(())
}

/// The log from its first record to its last.
pub(super) fn whole(
    disk: &Disk,
    told: &BTreeMap<String, Answer>,
    carried: &BTreeMap<u64, u64>,
    venues: Venues<'_>,
    lived: &mut Lived,
) -> Result<(), String> {
    let (mut state, mut wrong) = (None, None);
    let mut log = Log::default();
    scan(disk, 0, None, &mut |number, payload, _| {
        if wrong.is_none() {
            wrong =
                replay(&mut state, number, payload, venues).and_then(|()| log.read(number, payload)).err();
        }
    })
    .map_err(|damage| damage.to_string())?;
    if let Some(wrong) = wrong {
        return Err(wrong);
    }
    let state = state.ok_or("no state")?;
    self::told(&state, told)?;
    for (intent, times) in carried {
        match (times, log.intents.get(intent)) {
            (_, None) => return Err(format!("intent {intent} was carried out and is not in the log")),
            (0 | 1, Some(_)) => {}
            (times, _) => return Err(format!("intent {intent} was carried out {times} times")),
        }
    }
    for (intent, resolved) in &log.intents {
        let open = state.intents.contains_key(intent);
        if *resolved + u64::from(open) != 1 {
            return Err(format!("intent {intent} was resolved {resolved} times"));
        }
        if log.stopped.contains(intent) && carried.get(intent).is_some_and(|times| *times > 0) {
            return Err(format!("intent {intent} was stopped before it was sent, and carried out"));
        }
    }
    lived.state = state.hash();
    lived.records = log.records;
    lived.calls = log.calls;
    lived.intents = [log.intents.len() as u64, log.carried];
    Ok(())
}

/// What is read of a log.
#[derive(Default)]
struct Log {
    records: u64,
    calls: u64,
    carried: u64,
    /// How often each intent was resolved.
    intents: BTreeMap<u64, u64>,
    /// Intents that were abandoned before they were sent, and those that were sent.
    stopped: BTreeSet<u64>,
    sent: BTreeSet<u64>,
    killed: bool,
    ids: BTreeSet<String>,
    acts: BTreeMap<String, u64>,
}

impl Log {
    fn read(&mut self, number: u64, payload: &[u8]) -> Result<(), String> {
        self.records += 1;
        let Entry::Decided(record) = Entry::read(payload)? else { return Ok(()) };
        if !self.ids.insert(record.request.id.clone()) {
            return Err(format!("record {number}: the id {} comes a second time", record.request.id));
        }
        if record.refused.is_none() && record.request.by.name == "client" {
            // A client means each of his wishes once, whatever he calls it.
            let wish = record.request.id.trim_end_matches(" again").to_string();
            let times = self.acts.entry(wish).or_default();
            *times += 1;
            if *times > 1 {
                return Err(format!("record {number}: what {} wished was done twice", record.request.id));
            }
        }
        for event in &record.events {
            match event {
                Event::Intended { intent, .. } if self.killed => {
                    return Err(format!("record {number}: intent {intent} after a kill"));
                }
                Event::Intended { intent, .. } => {
                    self.intents.insert(*intent, 0);
                }
                Event::Sent { intent, .. } => {
                    self.sent.insert(*intent);
                }
                Event::Resolved { intent, outcome } => {
                    *self.intents.entry(*intent).or_default() += 1;
                    self.carried += u64::from(*outcome == Outcome::Carried);
                    if !self.sent.contains(intent) {
                        self.stopped.insert(*intent);
                    }
                }
                Event::Killed { .. } => self.killed = true,
                Event::Released(Release::Kill(_)) => self.killed = false,
                Event::Lived { what: calls::Event::Called { .. }, .. } => self.calls += 1,
                _ => {}
            }
        }
        Ok(())
    }
}
