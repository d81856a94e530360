//! What can be done to an account, and what is refused.

use super::Market;
use super::position::Position;
use super::standing::Standing;
use crate::ledger::{Place, Turn, given};
use plimsoll_core::{Account, Accounts, Action, Call, Effects, Feeds, Mechanism, Refusal, Trace};

pub(super) fn act(
    market: &Market,
    call: &Call,
    accounts: &dyn Accounts,
    feeds: Feeds<'_>,
    t: &mut dyn Trace,
) -> Result<Effects, Refusal> {
    if call.at < market.spec.updated {
        return Err(Refusal::ClockWentBack { state: market.spec.updated, asked: call.at });
    }
    let account = accounts.get(call.account).cloned().unwrap_or_else(|| Account::new(call.account));
    let position = Position::of(market, &account)?;
    let mut standing = Standing::new(market.version(call.at), feeds, call.at);
    if matches!(call.action, Action::Liquidate(_)) {
        standing = standing.prepared_for(&position);
    }
    let mut turn = Turn { market, call, account, standing, effects: Effects::default() };
    match &call.action {
        Action::Deposit { into, amount } => turn.deposit(turn.asset(*into, Place::Held)?, given(*amount)?),
        Action::Withdraw { from, amount } => turn.withdraw(turn.asset(*from, Place::Held)?, *amount, t)?,
        Action::Borrow { debt, amount } => {
            turn.borrow(turn.asset(*debt, Place::Owed)?, given(*amount)?, t)?;
        }
        Action::Repay { debt, amount } => turn.repay(turn.asset(*debt, Place::Owed)?, *amount)?,
        Action::Fill { instrument, quantity, price } => turn.fill(*instrument, *quantity, *price, t)?,
        Action::Liquidate(Mechanism::Reduce { instrument, size }) => turn.reduce(*instrument, *size, t)?,
        Action::Liquidate(Mechanism::Unwind) => turn.unwind(t)?,
        _ => return Err(Refusal::NotAtThisVenue),
    }
    // What was computed must still be an account.
    Position::of(market, &turn.after()?)?;
    Ok(turn.effects)
}
