//! What can be done to an account, and what is refused.

use super::position::Position;
use super::standing::Standing;
use super::{INITIAL, MAINTENANCE, Market, asks, bids};
use crate::ledger::{self, Judge, Place, given};
use crate::liquidation::may_be_done;
use plimsoll_core::{
    Account, Accounts, Action, Call, Effects, Feeds, Int, Mechanism, Receive, Refusal, Subject, TermId,
    Trace, U256,
};

/// One call while it is computed.
pub(super) type Turn<'a> = ledger::Turn<'a, Market, Standing<'a>>;

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
    Position::of(market, &account)?;
    let standing = Standing::new(market.version(call.at), feeds);
    let mut turn = Turn { market, call, account, standing, effects: Effects::default() };
    match &call.action {
        Action::Deposit { into, amount } => turn.deposit(turn.asset(*into, Place::Held)?, given(*amount)?),
        Action::Withdraw { from, amount } => turn.withdraw(turn.asset(*from, Place::Held)?, *amount, t)?,
        Action::Borrow { debt, amount } => {
            turn.borrow(turn.asset(*debt, Place::Owed)?, given(*amount)?, t)?
        }
        Action::Repay { debt, amount } => turn.repay(turn.asset(*debt, Place::Owed)?, *amount)?,
        Action::Fill { instrument, quantity, price } => turn.fill(*instrument, *quantity, *price, t)?,
        Action::SetTerm { term, value } => turn.order(*term, *value, t)?,
        Action::Liquidate(Mechanism::Reduce { instrument, size }) => turn.reduce(*instrument, *size, t)?,
        Action::Liquidate(Mechanism::Discount { repay, seize, lot, receive: Receive::Asset }) => {
            turn.sell(turn.asset(*repay, Place::Owed)?, *seize, *lot, t)?;
        }
        _ => return Err(Refusal::NotAtThisVenue),
    }
    // What was computed must still be an account.
    Position::of(market, &turn.after()?)?;
    Ok(turn.effects)
}

impl Turn<'_> {
    /// Places orders, or cancels some.
    fn order(&mut self, term: TermId, value: Int, t: &mut dyn Trace) -> Result<(), Refusal> {
        let perp = usize::from(term.0 / 2);
        if perp >= self.market.spec.perps.len() || value.is_negative() {
            return Err(Refusal::ModeNotAllowed);
        }
        self.in_lots(perp, value)?;
        self.effects.terms.push((self.call.account, term, value));
        if value <= self.account.term(term) {
            return Ok(());
        }
        self.allowed(t)
    }

    /// All orders of the account are cancelled.
    pub(super) fn cancel(&mut self) {
        for perp in 0..self.market.spec.perps.len() {
            for term in [bids(perp), asks(perp)] {
                if !self.account.term(term).is_zero() {
                    self.effects.terms.push((self.call.account, term, Int::ZERO));
                }
            }
        }
    }
}

impl Judge for Standing<'_> {
    /// Above both lines afterwards, or no worse than before.
    fn allows(&self, before: &Account, after: &Account, t: &mut dyn Trace) -> Result<(), Refusal> {
        let [before, after] = [Position::of(self.market, before)?, Position::of(self.market, after)?];
        if after.owes_nothing() {
            return Ok(());
        }
        // Told of the line that new risk is measured by.
        t.about(Subject::Account);
        let seen = self.assess_with(&after, INITIAL, t)?;
        let bucket = |line| Ok((self.bucket(&before, line)?, self.bucket(&after, line)?));
        if may_be_done(&[bucket(INITIAL)?, bucket(MAINTENANCE)?]) {
            return Ok(());
        }
        let capacity = seen.backing.to_u256().unwrap_or(U256::ZERO);
        Err(Refusal::OverCapacity { debt: seen.requirement.magnitude(), capacity })
    }
}
