//! Which ways, and in which order: those that cost least.
//!
//! Where health is linear in amounts and costs are lines with fixed parts, the cheapest of all mixtures takes each way whole, or
//! up to a bend of its curve, but one. So every way is gone alone first, as far as is needed or as it goes, and up to each bend.
//! By what these gain and cost, all orders of up to [`CHAINS`] are put together, and the most promising are gone through the
//! exact markets, the last way as far as is needed. Sums of gains and costs only say what is tried first; what is compared in
//! the end is what the markets did. Where so few ways are not enough, all that serves is gone, what costs least for its gain first.
//!
//! Accounts are helped one after the other, in two orders, and a few of the best states are kept from one to the next, so that
//! what the first took from the second is seen.

use super::chain::{Sink, Source, Way, sinks, ways};
use super::settle::{Settled, settle};
use super::state::State;
use super::{Binding, Bound, Doing, Short, Top};
use crate::ratio::Ratio;
use crate::restore::Payer;
use plimsoll_core::num::Wide;
use plimsoll_core::{Amount, Int, Kind, U256, Verdict};

/// So many ways one after the other, the last included.
const CHAINS: usize = 3;
/// So often the same way may be gone again: collateral that is sold to pay its own debt in rounds.
const ROUNDS: usize = 12;
/// So many points of a curve are tried as amounts.
const POINTS: usize = 6;
/// So many ways are put before others.
const FIRST: usize = 16;
/// So many sequences of each length are gone.
const TRIED: usize = 10;
/// So many states are kept from one account to the next.
const KEPT: usize = 2;

/// The cheapest state in which every account reaches the target, whether its last steps are proven to be least, and how many
/// ways were tried.
pub(super) fn cheapest<'g>(start: State<'g>, accounts: &[usize]) -> Result<(State<'g>, bool, u64), Short> {
    let mut short: Vec<usize> = accounts.iter().copied().filter(|account| !start.reaches(*account)).collect();
    let mut tried = 0;
    if short.is_empty() {
        return Ok((start, true, tried));
    }
    let ratio = |account: &usize| start.seen(*account).ok().and_then(|seen| super::state::health(&seen));
    short.sort_by_key(ratio);
    let mut orders = vec![short.clone()];
    if short.len() > 1 {
        orders.push(short.iter().rev().copied().collect());
    }
    let (mut best, mut failed): (Option<State<'g>>, Option<Short>) = (None, None);
    for order in orders {
        match in_order(&start, &order, accounts, &mut tried) {
            Ok(state) => {
                if best.as_ref().is_none_or(|best| state.key() < best.key()) {
                    best = Some(state);
                }
            }
            Err(why) => failed = failed.or(Some(why)),
        }
    }
    match (best, failed) {
        (Some(state), _) => {
            let (state, proven) = trimmed(&start, state);
            Ok((state, proven, tried))
        }
        (None, Some(why)) => Err(why),
        (None, None) => Err(Short {
            account: short[0],
            reaches: None,
            binds: Vec::new(),
            enough: Vec::new(),
            unknown: None,
        }),
    }
}

/// Helps accounts in one order.
fn in_order<'g>(
    start: &State<'g>,
    order: &[usize],
    accounts: &[usize],
    tried: &mut u64,
) -> Result<State<'g>, Short> {
    let mut states = vec![start.clone()];
    for &helped in order {
        let mut next: Vec<State<'g>> = Vec::new();
        let mut failed: Option<(State<'g>, Vec<Bound>)> = None;
        for state in &states {
            if state.reaches(helped) {
                next.push(state.clone());
                continue;
            }
            let mut search = Search::new(helped, accounts, state);
            search.run();
            *tried += search.tried;
            if search.found.is_empty() {
                failed = failed.or(Some((search.nearest, search.binds)));
            }
            next.extend(search.found);
        }
        if next.is_empty() {
            let (nearest, binds) = failed.unwrap_or_else(|| (start.clone(), Vec::new()));
            return Err(short(&nearest, helped, binds));
        }
        next.sort_by_key(State::key);
        next.truncate(KEPT);
        states = next;
    }
    Ok(states.remove(0))
}

/// The tries for one account.
struct Search<'a, 'g> {
    start: &'a State<'g>,
    helped: usize,
    ways: Vec<Way>,
    /// By how much the target is missed (in units of [`Search::scaled`]).
    missing: i128,
    shift: usize,
    /// Reach the target; the cheapest first, at most [`KEPT`].
    found: Vec<State<'g>>,
    /// The state in which the account stands best of all that do not reach it.
    nearest: State<'g>,
    binds: Vec<Bound>,
    tried: u64,
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
    fn new(helped: usize, accounts: &[usize], start: &'a State<'g>) -> Search<'a, 'g> {
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
        }
    }

    fn keep(&mut self, state: State<'g>) {
        self.found.push(state);
        self.found.sort_by_key(State::key);
        self.found.truncate(KEPT);
    }

    fn run(&mut self) {
        // Each alone: those that reach the target, and what the others come to.
        let (mut whole, mut enough): (Vec<Weighed>, Vec<Weighed>) = (Vec::new(), Vec::new());
        for at in 0..self.ways.len() {
            self.tried += 1;
            let way = self.ways[at].clone();
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
            let per = |one: &Weighed| (one.cost + one.gas).max(1);
            (per(a).saturating_mul(b.gain)).cmp(&per(b).saturating_mul(a.gain))
        });
        whole.truncate(FIRST);
        let lasts: Vec<Weighed> = enough.iter().chain(&whole).copied().collect();
        for length in 1..CHAINS {
            for sequence in self.together(&whole, &lasts, length) {
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
            i128::try_from(raw.div(U256::pow10(MONEY)?, plimsoll_core::Rounding::Up)?.to_u128()?).ok()
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
            let sum = |of: fn(&Weighed) -> i128| first.iter().map(of).sum::<i128>();
            let left = self.missing - sum(|one| one.gain);
            let (spent, out) = (sum(|one| one.cost + one.gas), sum(|one| one.drawn));
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
                let part = |of: i128| of.saturating_mul(left >> 20) / (last.gain >> 20).max(1);
                let cost = spent + part(last.cost) + last.gas.saturating_mul(rounds.min(100));
                all.push(Sequence {
                    cost,
                    drawn: out + part(last.drawn),
                    first: first.clone(),
                    last: last.way,
                });
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
                        weighed.gain -= before.gain;
                        weighed.cost -= before.cost;
                        let better = |best: &Weighed| {
                            let per = |one: &Weighed| (one.cost + one.gas).max(1);
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
        if super::chain::gain(&self.nearest, state, self.helped) == Some(true) {
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
    let mut left = gap;
    let mut shift = shift;
    while shift > 0 {
        let now = shift.min(200);
        left = Wide::product(left.div_down(U256::ZERO.with_bit(now, true))?, Int::ONE);
        shift -= now;
    }
    let cut = left.to_int()?;
    let size = i128::try_from(cut.magnitude().to_u128()?).ok()?;
    Some(if cut.is_negative() { -size } else { size })
}

/// What is said where nothing reaches the target: from where the account stands best, what would still be enough.
fn short(nearest: &State<'_>, helped: usize, binds: Vec<Bound>) -> Short {
    let seen = nearest.seen(helped).ok();
    let reaches: Option<Ratio> = seen
        .filter(|seen| seen.verdict != Verdict::NoDebt)
        .and_then(|seen| Ratio::of(seen.backing, seen.requirement));
    let mut enough = Vec::new();
    for (sink, (asset, decimals)) in sinks(nearest, helped) {
        let (instrument, kind) = match sink {
            Sink::Repay(debt) => (debt, Kind::Debt),
            Sink::Deposit(into) => (into, Kind::Receipt),
        };
        let found = payer(nearest, helped).least(nearest.ground.aim, instrument, kind);
        enough.push((Top { repays: kind == Kind::Debt, asset: (asset, decimals) }, found));
    }
    Short { account: helped, reaches, binds, enough, unknown: None }
}

fn payer<'s>(state: &'s State<'_>, account: usize) -> Payer<'s> {
    Payer {
        market: state.market_of(account),
        accounts: state,
        account: state.account(account),
        readings: state.feeds(account).readings,
        at: state.ground.book.at,
    }
}

/// The same plan, with the last step of each account cut to the least that reaches the target; and whether that is proven.
///
/// The steps are done again from the beginning: what is cut stays in the wallet.
fn trimmed<'g>(start: &State<'g>, found: State<'g>) -> (State<'g>, bool) {
    let mut state = start.clone();
    let mut proven = true;
    let steps = found.steps.clone();
    for (at, step) in steps.iter().enumerate() {
        let last =
            step.account.is_some() && steps[at + 1..].iter().all(|later| later.account != step.account);
        let next = redo(&state, step, last, &mut proven);
        match next {
            Some(next) => state = next,
            // What was done once is done again: only a cut could change what comes after. Then it stays as it was found.
            None => return (found, false),
        }
    }
    (state, proven)
}

fn redo<'g>(state: &State<'g>, step: &super::Step, last: bool, proven: &mut bool) -> Option<State<'g>> {
    let mut next = state.clone();
    let Some(account) = step.account else {
        let Doing::Swap { from, to, amount, .. } = &step.doing else { return None };
        next.swap(from, *amount, to).ok()?;
        return Some(next);
    };
    let sink = match step.doing {
        Doing::Deposit { into, amount } => Some((Sink::Deposit(into), into, Kind::Receipt, amount)),
        Doing::Repay { debt, amount } => Some((Sink::Repay(debt), debt, Kind::Debt, amount)),
        _ => None,
    };
    if let (true, Some((sink, instrument, kind, given))) = (last, sink) {
        let found = payer(state, account).least(state.ground.aim, instrument, kind);
        if let Ok(enough) = found {
            *proven &= enough.no_less_than == enough.amount;
            if enough.all {
                let all = match sink {
                    Sink::Repay(debt) => Doing::Repay { debt, amount: Amount::All },
                    Sink::Deposit(into) => Doing::Deposit { into, amount: given },
                };
                return next.take(account, all, U256::ZERO).ok().map(|_| next);
            }
            if enough.amount == U256::ZERO {
                return Some(next);
            }
            if next.put(account, sink, enough.amount).is_ok() {
                return Some(next);
            }
            next = state.clone();
        }
        *proven = false;
    }
    match step.doing {
        Doing::Fill { instrument, quantity, .. } => {
            if last {
                *proven &= no_smaller_fill(state, account, instrument, quantity);
            }
            next.fill(account, instrument, quantity).ok()?;
        }
        _ => {
            next.take(account, step.doing.clone(), step.lost).ok()?;
        }
    }
    Some(next)
}

/// So many smaller trades are all tried.
const SMALLER: u64 = 512;

/// Whether every smaller trade was tried, and none reaches the target.
fn no_smaller_fill(
    state: &State<'_>,
    account: usize,
    instrument: plimsoll_core::InstrumentId,
    quantity: Int,
) -> bool {
    let mut probe = state.clone();
    let lot = match probe.fill(account, instrument, Int::from_parts(quantity.is_negative(), U256::ONE)) {
        Err(super::state::Stop::Refused(plimsoll_core::Refusal::NotInLots { lot })) => lot,
        _ => U256::ONE,
    };
    let lots = quantity.magnitude().div(lot, plimsoll_core::Rounding::Down).and_then(U256::to_u64);
    let Some(lots) = lots.filter(|lots| *lots <= SMALLER) else { return false };
    (1..lots).all(|fewer| {
        let Some(size) = lot.mul(U256::from(fewer)) else { return false };
        let mut tried = state.clone();
        let done = tried.fill(account, instrument, Int::from_parts(quantity.is_negative(), size));
        done.is_err() || !tried.reaches(account)
    })
}
