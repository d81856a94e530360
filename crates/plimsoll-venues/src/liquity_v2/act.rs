//! Which function of the contracts each action is.

use super::borrow::{Wish, raw};
use super::turn::Turn;
use super::{BOLD, DEBT, PLACE_GAIN, PLACE_SURPLUS, RATE, SHARES, of_instrument};
use plimsoll_core::{AccountId, Action, Amount, InstrumentId, Mechanism, Refusal, Subject, U256};

impl Turn<'_> {
    pub(super) fn act(&mut self, action: &Action) -> Result<(), Refusal> {
        match *action {
            Action::Accrue => (0..self.branches.len()).try_for_each(|branch| self.accrue(branch)),
            Action::Open { collateral, debt, ref terms } => {
                let branch = self.branch_of(collateral.0)?;
                if debt.0 != DEBT && debt.0 != SHARES {
                    return Err(Refusal::NoSuchInstrument(debt.0));
                }
                self.open(branch, collateral.1, debt.1, terms)
            }
            Action::Close => self.close(),
            Action::ApplyPending => self.apply_pending(),
            Action::Deposit { into, amount } => match self.pool_of(into) {
                Some(branch) => self.stake(branch, raw(amount)?, None, false),
                None => self.one_sided(into, amount, true),
            },
            Action::Withdraw { from, amount } => match (self.pool_of(from), amount) {
                (Some(branch), Amount::All) => self.stake(branch, U256::ZERO, Some(U256::MAX), true),
                (Some(branch), amount) => self.stake(branch, U256::ZERO, Some(raw(amount)?), true),
                (None, amount) => self.one_sided(from, amount, false),
            },
            Action::Stake { pool, amount, claim } => {
                let branch = self.pool_of(pool).ok_or(Refusal::NoSuchInstrument(pool))?;
                self.stake(branch, amount, None, claim)
            }
            Action::Unstake { pool, amount, claim } => {
                let branch = self.pool_of(pool).ok_or(Refusal::NoSuchInstrument(pool))?;
                self.stake(branch, U256::ZERO, Some(amount), claim)
            }
            Action::Borrow { debt, amount } => self.one_sided(debt_only(debt)?, amount, true),
            Action::Repay { debt, amount } => self.one_sided(debt_only(debt)?, amount, false),
            Action::Adjust { collateral, debt, collateral_party, debt_party } => {
                let wish = Wish { collateral: collateral.1, debt: debt.1, collateral_party, debt_party };
                self.adjust_active([collateral.0, debt.0], &wish)
            }
            Action::Reactivate { collateral, debt } => {
                let actor = self.call.actor;
                let wish = Wish {
                    collateral: collateral.1,
                    debt: debt.1,
                    collateral_party: actor,
                    debt_party: actor,
                };
                self.reactivate([collateral.0, debt.0], &wish)
            }
            Action::SetTerm { term: RATE, value } => {
                self.set_rate(value.to_u256().ok_or(Refusal::InconsistentInput)?)
            }
            Action::JoinGroup { manager } => self.join_batch(manager),
            Action::LeaveGroup { rate } => self.leave_batch(rate),
            Action::ManageGroup { branch, ref what } => {
                let branch = self.branch_of(branch)?;
                self.manage(branch, what)
            }
            Action::Claim { instrument } => match of_instrument(instrument) {
                Some((branch, PLACE_SURPLUS)) if branch < self.branches.len() => self.claim_surplus(branch),
                Some((branch, PLACE_GAIN)) if branch < self.branches.len() => self.claim_gain(branch),
                _ => Err(Refusal::NoSuchInstrument(instrument)),
            },
            Action::Transfer { instrument: BOLD, to, amount } => self.transfer(raw(amount)?, to),
            Action::ShutDown { branch } => {
                let branch = self.branch_of(branch)?;
                self.shut_down(branch)
            }
            Action::Liquidate(Mechanism::Batch { ref accounts }) => self.liquidate(accounts),
            Action::Liquidate(Mechanism::Redeem { amount, max_iterations, max_fee }) => {
                self.redeem(amount, max_iterations, max_fee)
            }
            Action::Liquidate(Mechanism::RedeemUrgently { collateral, amount, ref accounts }) => {
                let branch = self.branch_of(collateral)?;
                self.redeem_urgently(branch, amount, accounts)
            }
            _ => Err(Refusal::NotAtThisVenue),
        }
    }

    /// BOLD goes from one holder to another.
    fn transfer(&mut self, amount: U256, to: AccountId) -> Result<(), Refusal> {
        self.t.about(Subject::Instrument(BOLD));
        self.can_pay(self.call.actor, amount)?;
        let (from, to) = (self.purse(self.call.actor), self.purse(to));
        self.effects.flow(BOLD, amount, from, to);
        Ok(())
    }
}

fn debt_only(instrument: InstrumentId) -> Result<InstrumentId, Refusal> {
    let is_debt = instrument == DEBT || instrument == SHARES;
    is_debt.then_some(instrument).ok_or(Refusal::NoSuchInstrument(instrument))
}
