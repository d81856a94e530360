//! Which ways, and in which order: those that cost least.
//!
//! Where health is linear in amounts and costs are lines with fixed parts, the cheapest of all mixtures takes each way whole, or
//! up to a bend of its curve, but one. So every way is gone alone first, as far as is needed or as it goes, and up to each bend.
//! By what these gain and cost, all orders of up to [`super::search::CHAINS`] are put together, and the most promising are gone through the
//! exact markets, the last way as far as is needed. Sums of gains and costs only say what is tried first; what is compared in
//! the end is what the markets did. Where so few ways are not enough, all that serves is gone, what costs least for its gain first.
//!
//! Of several accounts each is first helped as if it were alone. Where what is found for all of them can be done together, nothing is cheaper. Else
//! accounts are helped one after the other, in two orders, and a few of the best states are kept from one to the next, so that
//! what the first took from the second is seen.

use super::chain::{Sink, sinks};
use super::search::{KEPT, Search};
use super::state::State;
use super::trim::trimmed;
use super::{Bound, Doing, Short, Top};
use crate::ratio::Ratio;
use crate::restore::Payer;
use plimsoll_core::{Kind, Verdict};

/// The cheapest state in which every account reaches the target, whether its last steps are proven to be least, and how many
/// ways were tried.
pub(super) fn cheapest<'g>(
    start: State<'g>,
    accounts: &[usize],
) -> Result<(State<'g>, bool, u64), Box<Short>> {
    let mut short: Vec<usize> = accounts.iter().copied().filter(|account| !start.reaches(*account)).collect();
    let mut tried = 0;
    if short.is_empty() {
        return Ok((start, true, tried));
    }
    let ratio = |account: &usize| start.seen(*account).ok().and_then(|seen| super::state::health(&seen));
    short.sort_by_key(ratio);
    // Each as if it were alone: nothing costs less than all of these together, so where they do not get in each other's way
    // they are the answer.
    let (mut alone, mut hopeless) = (Vec::new(), None);
    for &helped in &short {
        let mut search = Search::new(helped, accounts, &start);
        search.run_for_one();
        tried += search.tried;
        match search.found.into_iter().next() {
            Some(found) => alone.push(found),
            None => hopeless = hopeless.or(Some((search.nearest, helped, search.binds))),
        }
    }
    match hopeless {
        Some((nearest, helped, binds)) if short.len() == 1 => {
            return Err(self::short(&nearest, helped, binds));
        }
        Some(_) => {}
        None => {
            if let Some(state) = together(&start, &alone, accounts) {
                let (state, proven) = trimmed(&start, state);
                return Ok((state, proven, tried));
            }
        }
    }
    let mut orders = vec![short.clone()];
    if short.len() > 1 {
        orders.push(short.iter().rev().copied().collect());
    }
    let (mut best, mut failed): (Option<State<'g>>, Option<Box<Short>>) = (None, None);
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
        // Every order either ends or fails.
        (None, None) => Err(self::short(&start, short[0], Vec::new())),
    }
}

/// What was found for each alone, one after the other; `None` where they get in each other's way.
fn together<'g>(start: &State<'g>, alone: &[State<'g>], accounts: &[usize]) -> Option<State<'g>> {
    let mut state = start.clone();
    for step in alone.iter().flat_map(|found| &found.steps) {
        match (&step.doing, step.account) {
            (Doing::Swap { from, to, amount, at_least }, _) => {
                let brought = state.swap(from, *amount, to).ok()?;
                if brought < *at_least {
                    return None;
                }
            }
            (Doing::Fill { instrument, quantity, .. }, Some(account)) => {
                let lost = state.lost;
                state.fill(account, *instrument, *quantity).ok()?;
                if state.lost.sub(lost)? > step.lost {
                    return None;
                }
            }
            (doing, Some(account)) => {
                state.take(account, doing.clone(), step.lost).ok()?;
            }
            (_, None) => return None,
        }
    }
    accounts.iter().all(|account| state.reaches(*account)).then_some(state)
}

/// Helps accounts in one order.
fn in_order<'g>(
    start: &State<'g>,
    order: &[usize],
    accounts: &[usize],
    tried: &mut u64,
) -> Result<State<'g>, Box<Short>> {
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

/// What is said where nothing reaches the target: from where the account stands best, what would still be enough.
fn short(nearest: &State<'_>, helped: usize, binds: Vec<Bound>) -> Box<Short> {
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
    Box::new(Short { account: helped, reaches, binds, enough, unknown: None })
}

pub(super) fn payer<'s>(state: &'s State<'_>, account: usize) -> Payer<'s> {
    Payer {
        market: state.market_of(account),
        accounts: state,
        account: state.account(account),
        readings: state.feeds(account).readings,
        at: state.ground.book.at,
    }
}
