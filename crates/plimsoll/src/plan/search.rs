//! The tries for one account: each way alone, then the most promising of them together.

use super::chain::{Sink, Source, Way, gain, ways};
use super::settle::{Settled, settle, shifted};
use super::state::State;
use super::{Binding, Bound};
use plimsoll_core::num::Wide;
use plimsoll_core::{Rounding, U256};

/// So many ways one after the other, the last included.
pub(super) const CHAINS: usize = 3;
/// So often the same way may be gone again: collateral that is sold to pay its own debt in rounds.
const ROUNDS: usize = 12;
/// So many points of a curve are tried as amounts.
const POINTS: usize = 6;
/// So many ways are put before others.
const FIRST: usize = 16;
/// So many sequences of each length are gone.
const TRIED: usize = 10;
/// So many states are kept from one account to the next.
pub(super) const KEPT: usize = 2;

/// The tries for one account.
pub(super) struct Search<'a, 'g> {
    start: &'a State<'g>,
    helped: usize,
    ways: Vec<Way>,
    /// By how much the target is missed (in units of [`Search::scaled`]).
    missing: i128,
    shift: usize,
    /// Reach the target; the cheapest first, at most [`KEPT`].
    pub(super) found: Vec<State<'g>>,
    /// The state in which the account stands best of all that do not reach it.
    pub(super) nearest: State<'g>,
    pub(super) binds: Vec<Bound>,
    pub(super) tried: u64,
    /// What cannot be cheaper than what was found is left out.
    cut: bool,
}

/// A way, whole or up to a point, or for as much as reaches the target alone: what it costs and what it gains.
#[derive(Clone, Copy, Debug)]
struct Weighed {
    way: usize,
    /// How much of it.
    amount: U256,
    gain: i128,
    /// Without gas, in [`MONEY`] of the currency.
    cost: i128,
    drawn: i128,
    gas: i128,
}

/// Costs are compared in 10^-6 while ways are put together.
const MONEY: u8 = 12;

/// Some ways one after the other, each so much but the last.
#[derive(Clone, Debug)]
struct Sequence {
    cost: i128,
    drawn: i128,
    first: Vec<Weighed>,
    last: usize,
}

impl<'a, 'g> Search<'a, 'g> {
    pub(super) fn new(helped: usize, accounts: &[usize], start: &'a State<'g>) -> Search<'a, 'g> {
        let missing = start.seen(helped).ok().and_then(|seen| start.ground.aim.gap(&seen));
        // What is missing fits 62 bits, and so does whatever is gained and is not enough.
        let shift = missing.map_or(0, |missing| missing.abs().bits().saturating_sub(62));
        let missing = missing.and_then(|missing| scaled(missing.neg(), shift)).unwrap_or(i128::MAX);
        Search {
            start,
            helped,
            ways: ways(start, helped, accounts),
            missing,
            shift,
            found: Vec::new(),
            nearest: start.clone(),
            binds: Vec::new(),
            tried: 0,
            cut: false,
        }
    }

    fn keep(&mut self, state: State<'g>) {
        self.found.push(state);
        self.found.sort_by_key(State::key);
        self.found.truncate(KEPT);
    }

    /// Tries for the cheapest alone: what cannot be cheaper than what was found is left out.
    pub(super) fn run_for_one(&mut self) {
        self.cut = true;
        self.run();
    }

    /// Whether something that costs at least so much more than nothing cannot be better than what was found.
    fn is_beaten(&self, least: Option<U256>) -> bool {
        let best = self.found.first().and_then(State::cost);
        self.cut && least.zip(best).is_some_and(|(least, best)| least > best)
    }

    /// Tries; the best few are kept, so that whoever is helped next has a choice.
    pub(super) fn run(&mut self) {
        // Each alone: those that reach the target, and what the others come to.
        let (mut whole, mut enough): (Vec<Weighed>, Vec<Weighed>) = (Vec::new(), Vec::new());
        for at in 0..self.ways.len() {
            let way = self.ways[at].clone();
            let calls = self.start.ground.gas.mul(U256::from(way.calls()));
            if self.is_beaten(calls.zip(self.start.cost()).and_then(|(calls, cost)| calls.add(cost))) {
                continue;
            }
            self.tried += 1;
            let most = match settle(self.start, &way, self.helped) {
                Settled::Reaches(amount, after) => {
                    enough.extend(self.weigh(at, amount, &after));
                    self.keep(after);
                    amount
                }
                Settled::Falls(most, after, by) => {
                    self.note(&way, most, by);
                    whole.extend(self.weigh(at, most, &after));
                    self.better(&after);
                    if way.is_own(self.helped) {
                        self.rounds(after, &way);
                    }
                    most
                }
                Settled::Not(by) => {
                    self.note(&way, U256::ZERO, by);
                    continue;
                }
            };
            // Up to where its curve bends: the rest by another way.
            let mut parts = way.sale().map_or_else(Vec::new, |(from, to)| self.start.points(from, to));
            parts.retain(|part| *part < most);
            let skip = parts.len().div_ceil(POINTS).max(1);
            for part in parts.into_iter().step_by(skip) {
                let after = way.go(self.start, self.helped, part).ok();
                whole.extend(after.and_then(|after| self.weigh(at, part, &after)));
            }
        }
        whole.retain(|one| one.gain > 0);
        // The cheapest for what they gain first.
        whole.sort_by(|a, b| {
            let per = |one: &Weighed| one.cost.saturating_add(one.gas).max(1);
            (per(a).saturating_mul(b.gain)).cmp(&per(b).saturating_mul(a.gain))
        });
        whole.truncate(FIRST);
        let lasts: Vec<Weighed> = enough.iter().chain(&whole).copied().collect();
        for length in 1..CHAINS {
            for sequence in self.together(&whole, &lasts, length) {
                let more = U256::pow10(MONEY).zip(u128::try_from(sequence.cost).ok());
                let more = more.and_then(|(unit, cost)| U256::new(cost).mul(unit));
                if self.is_beaten(more.zip(self.start.cost()).and_then(|(more, cost)| more.add(cost))) {
                    continue;
                }
                self.tried += 1;
                self.go(&sequence);
            }
        }
        if self.found.is_empty() {
            // Not within so many ways: all that serves, what costs least for its gain first.
            self.exhaust();
        }
    }

    /// What a way comes to after so much.
    fn weigh(&self, way: usize, amount: U256, after: &State<'g>) -> Option<Weighed> {
        let seen = after.seen(self.helped).ok()?;
        let aim = self.start.ground.aim;
        let gain = if aim.reached(&seen) {
            self.missing
        } else {
            let gap = scaled(aim.gap(&seen)?.neg(), self.shift)?;
            self.missing.checked_sub(gap)?
        };
        let money = |raw: U256| -> Option<i128> {
            i128::try_from(raw.div(U256::pow10(MONEY)?, Rounding::Up)?.to_u128()?).ok()
        };
        let gas = money(after.gas.sub(self.start.gas)?)?;
        let cost = money(after.cost()?.sub_or_zero(self.start.cost()?))?.checked_sub(gas)?;
        let drawn = after.drawn.sub(self.start.drawn)?;
        let size = money(drawn.magnitude())?;
        let drawn = if drawn.is_negative() { -size } else { size };
        Some(Weighed { way, amount, gain, cost: cost.max(0), drawn, gas })
    }

    /// The most promising ways together, by what they would cost if gains and costs added up.
    fn together(&self, whole: &[Weighed], lasts: &[Weighed], length: usize) -> Vec<Sequence> {
        let mut firsts: Vec<Vec<Weighed>> = whole.iter().map(|one| vec![*one]).collect();
        if length > 1 {
            let pairs = firsts.iter().flat_map(|first| {
                let others = whole.iter().filter(|other| other.way != first[0].way);
                others.map(|other| vec![first[0], *other])
            });
            firsts = pairs.collect();
        }
        let mut all: Vec<Sequence> = Vec::new();
        for first in firsts {
            let sum = |of: fn(&Weighed) -> i128| first.iter().map(of).fold(0, i128::saturating_add);
            let left = self.missing.saturating_sub(sum(|one| one.gain));
            let (spent, out) = (sum(|one| one.cost.saturating_add(one.gas)), sum(|one| one.drawn));
            if left <= 0 {
                continue;
            }
            for last in lasts {
                let used = first.iter().any(|one| one.way == last.way || self.shares(one.way, last.way));
                let own = self.ways[last.way].is_own(self.helped);
                if used || last.gain <= 0 || (left > last.gain && !own) {
                    continue;
                }
                let rounds = left / last.gain + 1;
                let part = |of: i128| match of.checked_mul(left) {
                    Some(product) => product / last.gain,
                    None => (of / last.gain).saturating_mul(left),
                };
                let calls = last.gas.saturating_mul(rounds.min(100));
                let cost = spent.saturating_add(part(last.cost)).saturating_add(calls);
                let drawn = out.saturating_add(part(last.drawn));
                all.push(Sequence { cost, drawn, first: first.clone(), last: last.way });
            }
        }
        all.sort_by_key(|sequence| (sequence.cost, sequence.drawn));
        all.dedup_by_key(|sequence| {
            let firsts: Vec<(usize, U256)> = sequence.first.iter().map(|one| (one.way, one.amount)).collect();
            (firsts, sequence.last)
        });
        all.truncate(TRIED);
        all
    }

    /// Whether two ways take from one place that the first empties.
    fn shares(&self, one: usize, other: usize) -> bool {
        match (&self.ways[one], &self.ways[other]) {
            (
                Way::Chain { source: Source::Wallet, of, sink: Sink::Deposit(_), .. },
                Way::Chain { source: Source::Wallet, of: also, .. },
            ) => of.0 == also.0,
            _ => false,
        }
    }

    /// Goes some ways, the last as far as is needed.
    fn go(&mut self, sequence: &Sequence) {
        let mut state = self.start.clone();
        for one in &sequence.first {
            // What comes before may leave less of it.
            let way = &self.ways[one.way];
            let next = way.go(&state, self.helped, one.amount).ok();
            let next = next.or_else(|| match settle(&state, way, self.helped) {
                Settled::Falls(_, after, _) => Some(after),
                Settled::Reaches(_, after) => Some(after),
                Settled::Not(_) => None,
            });
            let Some(next) = next else { return };
            state = next;
            if state.reaches(self.helped) {
                return;
            }
        }
        self.better(&state);
        let way = self.ways[sequence.last].clone();
        match settle(&state, &way, self.helped) {
            Settled::Reaches(_, after) => self.keep(after),
            Settled::Falls(_, after, _) => {
                self.better(&after);
                if way.is_own(self.helped) {
                    self.rounds(after, &way);
                }
            }
            Settled::Not(_) => {}
        }
    }

    /// Collateral that pays its own debt, again and again: each round makes room for the next.
    fn rounds(&mut self, mut state: State<'g>, way: &Way) {
        for _ in 0..ROUNDS {
            match settle(&state, way, self.helped) {
                Settled::Reaches(_, after) => {
                    self.keep(after);
                    return;
                }
                Settled::Falls(_, after, _) => state = after,
                Settled::Not(_) => return,
            }
            self.better(&state);
            if self.found.first().is_some_and(|best| state.key() >= best.key()) {
                return;
            }
        }
    }

    /// Everything that serves, what costs least for its gain first.
    fn exhaust(&mut self) {
        let mut state = self.nearest.clone();
        for _ in 0..ROUNDS {
            let mut best: Option<(Weighed, State<'g>)> = None;
            for at in 0..self.ways.len() {
                self.tried += 1;
                match settle(&state, &self.ways[at], self.helped) {
                    Settled::Reaches(_, after) => {
                        self.keep(after);
                    }
                    Settled::Falls(amount, after, _) => {
                        let Some(mut weighed) = self.weigh(at, amount, &after) else { continue };
                        let Some(before) = self.weigh(at, amount, &state) else { continue };
                        weighed.gain = weighed.gain.saturating_sub(before.gain);
                        weighed.cost = weighed.cost.saturating_sub(before.cost);
                        let better = |best: &Weighed| {
                            let per = |one: &Weighed| one.cost.saturating_add(one.gas).max(1);
                            per(&weighed).saturating_mul(best.gain) < per(best).saturating_mul(weighed.gain)
                        };
                        if weighed.gain > 0 && best.as_ref().is_none_or(|(best, _)| better(best)) {
                            best = Some((weighed, after));
                        }
                    }
                    Settled::Not(_) => {}
                }
            }
            if !self.found.is_empty() {
                return;
            }
            let Some((_, after)) = best else { return };
            state = after;
            self.better(&state);
        }
    }

    fn better(&mut self, state: &State<'g>) {
        if gain(&self.nearest, state, self.helped) == Some(true) {
            self.nearest = state.clone();
        }
    }

    /// Remembers what a way ran into.
    fn note(&mut self, way: &Way, most: U256, by: Binding) {
        let (asset, decimals) = way.counted(self.start, self.helped);
        let way = way.words(self.start, self.helped);
        self.binds.push(Bound { way, most: (asset, decimals, most), by });
    }
}

/// A gap without its last bits; `None` where even that does not fit.
fn scaled(gap: Wide, shift: usize) -> Option<i128> {
    let cut = shifted(gap, shift)?;
    let size = i128::try_from(cut.magnitude().to_u128()?).ok()?;
    Some(if cut.is_negative() { -size } else { size })
}
