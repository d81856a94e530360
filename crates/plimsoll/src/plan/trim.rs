//! The last step of each account, cut to the least that reaches the target, and whether that is proven.

use super::chain::Sink;
use super::choose::payer;
use super::state::{State, Stop};
use super::{Doing, Step};
use plimsoll_core::{Amount, InstrumentId, Int, Kind, Refusal, Rounding, U256};

/// The same plan, with the last step of each account cut to the least that reaches the target; and whether that is proven.
///
/// The steps are done again from the beginning: what is cut stays in the wallet.
pub(super) fn trimmed<'g>(start: &State<'g>, found: State<'g>) -> (State<'g>, bool) {
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

fn redo<'g>(state: &State<'g>, step: &Step, last: bool, proven: &mut bool) -> Option<State<'g>> {
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
fn no_smaller_fill(state: &State<'_>, account: usize, instrument: InstrumentId, quantity: Int) -> bool {
    let mut probe = state.clone();
    let lot = match probe.fill(account, instrument, Int::from_parts(quantity.is_negative(), U256::ONE)) {
        Err(Stop::Refused(Refusal::NotInLots { lot })) => lot,
        _ => U256::ONE,
    };
    let lots = quantity.magnitude().div(lot, Rounding::Down).and_then(U256::to_u64);
    let Some(lots) = lots.filter(|lots| *lots <= SMALLER) else { return false };
    (1..lots).all(|fewer| {
        let Some(size) = lot.mul(U256::from(fewer)) else { return false };
        let mut tried = state.clone();
        let done = tried.fill(account, instrument, Int::from_parts(quantity.is_negative(), size));
        done.is_err() || !tried.reaches(account)
    })
}
