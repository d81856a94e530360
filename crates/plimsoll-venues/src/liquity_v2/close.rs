//! Closing a trove, and making what has accrued to it its own record (`BorrowerOperations.sol`).

use super::DEBT;
use super::arith::{add, mul, shrink, sub};
use super::borrow::{MIN_DEBT, WEIGHTED, weigh};
use super::pool::Change;
use super::position::{Latest, Status, Trove, mark};
use super::state::Branch;
use super::token;
use super::turn::{GAS_RESERVE, Turn};
use plimsoll_core::{Party, Refusal, U256};

impl Turn<'_> {
    /// `closeTrove`.
    pub(super) fn close(&mut self) -> Result<(), Refusal> {
        let mut trove = self.open_trove()?;
        self.by_owner(&trove)?;
        let (branch, actor) = (trove.branch, self.call.actor);
        let latest = self.latest(&trove)?;
        self.can_pay(actor, latest.debt)?;
        let mut change = Change::of(&latest);
        change.collateral_out = latest.collateral;
        change.debt_down = latest.debt;
        let manager = trove.batch;
        let batch_debt = self.leave_weights(&trove, &latest, &mut change, U256::ZERO)?;
        let state = self.branch(branch)?;
        if !state.is_shut_down() {
            let price = self.price(branch)?;
            self.above_ccr(branch, &change, price)?;
        }
        self.settle(&mut trove, &latest)?;
        self.shut(&mut trove, &latest, &change, batch_debt, Status::Closed)?;
        self.account_for(branch, &change, manager)?;
        let mut trove = self.trove(trove.id)?;
        if manager.is_none() {
            self.unlend(&mut trove, latest.debt)?;
        }
        self.burn(latest.debt, self.purse(actor))?;
        self.unpost(&mut trove, latest.collateral, actor)?;
        self.effects.flow(token(0), GAS_RESERVE, Party::Pool, Party::Wallet(actor));
        self.put(trove);
        Ok(())
    }

    /// What the branch's weighted sums become when a trove leaves its batch for a debt of `new_weighted` alone; the
    /// batch's debt until then.
    pub(super) fn leave_weights(
        &mut self,
        trove: &Trove,
        latest: &Latest,
        change: &mut Change,
        new_weighted: U256,
    ) -> Result<U256, Refusal> {
        let Some(batch) = self.batch_of(trove)? else {
            change.old_weighted = latest.weighted;
            change.new_weighted = new_weighted;
            return Ok(U256::ZERO);
        };
        let all = self.latest_batch(trove.branch, &batch)?;
        let rest = sub(all.debt, latest.own_debt()?, "debt of the batch")?;
        change.batch_fee = all.fee;
        change.old_weighted = all.weighted;
        change.new_weighted = add(mul(rest, batch.rate, WEIGHTED)?, new_weighted, WEIGHTED)?;
        change.old_weighted_fee = all.weighted_fee;
        change.new_weighted_fee = mul(rest, batch.fee, WEIGHTED)?;
        Ok(all.debt)
    }

    /// `_closeTrove`: out of the list, its batch and the sum of stakes. What it holds and owes is the caller's to move.
    pub(super) fn shut(
        &mut self,
        trove: &mut Trove,
        latest: &Latest,
        change: &Change,
        batch_debt: U256,
        status: Status,
    ) -> Result<(), Refusal> {
        let state = self.branch(trove.branch)?;
        // A branch that was shut down may be wound up to the last trove, but not by liquidation.
        if (!state.is_shut_down() || status == Status::Liquidated) && state.troves == 1 {
            return Err(Refusal::LastPosition);
        }
        self.put(*trove);
        if trove.status == Status::Active {
            self.remove(trove.id)?;
            *trove = self.trove(trove.id)?;
        }
        self.remove_shares(trove, change, [latest.debt, latest.collateral], batch_debt)?;
        let own = mark(trove.id)?;
        let state: &mut Branch = self.branch_mut(trove.branch)?;
        if trove.status == Status::Zombie && state.last_zombie == own {
            state.last_zombie = 0;
        }
        state.troves = state.troves.checked_sub(1).ok_or(Refusal::Overflow("troves of the branch"))?;
        shrink(&mut state.total_stakes, trove.stake, "all stakes")?;
        *trove = Trove {
            status,
            owner: trove.owner,
            debt: trove.debt,
            collateral: trove.collateral,
            ..Trove::new(trove.id, trove.branch)
        };
        self.put(*trove);
        Ok(())
    }

    /// `applyPendingDebt`: the stake stays as it was.
    pub(super) fn apply_pending(&mut self) -> Result<(), Refusal> {
        let trove = self.trove(self.call.account);
        if let Ok(trove) = &trove {
            self.not_shut_down(trove.branch)?;
        }
        let mut trove = self.open_trove()?;
        let latest = self.latest(&trove)?;
        if latest.debt == U256::ZERO {
            return Err(Refusal::NothingOwed(DEBT));
        }
        let mut change = Change::of(&latest);
        let batch = self.batch_of(&trove)?;
        let batch_debt = match &batch {
            Some(batch) => {
                let all = self.latest_batch(trove.branch, batch)?;
                change.batch_fee = all.fee;
                change.old_weighted = all.weighted;
                change.old_weighted_fee = all.weighted_fee;
                Some(all.debt)
            }
            None => {
                change.old_weighted = latest.weighted;
                None
            }
        };
        weigh(&mut change, &latest, batch.as_ref().zip(batch_debt), latest.debt)?;
        self.settle(&mut trove, &latest)?;
        match batch_debt {
            Some(batch_debt) => self.update_shares(&mut trove, &change, latest.debt, batch_debt, true)?,
            None => trove.last_update = self.at().0,
        }
        self.snapshot(&mut trove)?;
        self.account_for(trove.branch, &change, trove.batch)?;
        self.put(trove);
        if trove.status == Status::Zombie && latest.debt >= MIN_DEBT {
            self.activate(trove.id)?;
        }
        Ok(())
    }
}
