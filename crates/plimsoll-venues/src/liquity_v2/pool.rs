//! The active pool's sums and batch shares: what an action moves beside the trove itself (`ActivePool.sol`,
//! `TroveManager.sol`).

use super::arith::{add, grow, interest, mul, share, shrink, sub};
use super::position::{Latest, Trove};
use super::turn::Turn;
use super::{DEBT, SHARES, collateral};
use plimsoll_core::Rounding::Down;
use plimsoll_core::{AccountId, Party, Refusal, U256, WAD};

/// What a change of a trove means for the sums of its branch (`TroveChange`).
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Change {
    pub(super) redistributed_debt: U256,
    pub(super) redistributed_collateral: U256,
    pub(super) collateral_in: U256,
    pub(super) collateral_out: U256,
    pub(super) debt_up: U256,
    pub(super) debt_down: U256,
    pub(super) new_weighted: U256,
    pub(super) old_weighted: U256,
    pub(super) upfront_fee: U256,
    /// The batch's management fee that is minted now.
    pub(super) batch_fee: U256,
    pub(super) new_weighted_fee: U256,
    pub(super) old_weighted_fee: U256,
}

impl Change {
    /// A change that applies what was redistributed to a trove.
    pub(super) fn of(latest: &Latest) -> Change {
        Change {
            redistributed_debt: latest.redistributed_debt,
            redistributed_collateral: latest.redistributed_collateral,
            ..Change::default()
        }
    }
}

/// Three quarters of all interest go to the stability pool (wad) (`SP_YIELD_SPLIT`).
pub(super) const POOL_PART: U256 = U256::new(750_000_000_000_000_000);
/// No more debt is added to a batch of fewer shares than this part of its debt (`MAX_BATCH_SHARES_RATIO`).
const SHARES_RATIO: U256 = U256::new(1_000_000_000);
/// Seven days of interest are paid at once (s) (`UPFRONT_INTEREST_PERIOD`).
const UPFRONT_SECONDS: u64 = 7 * 86_400;

impl Turn<'_> {
    /// Interest to now and an upfront fee, minted to the stability pool and the router (`_mintAggInterest`).
    fn mint_interest(&mut self, branch: usize, fee: U256) -> Result<U256, Refusal> {
        let at = self.at();
        let minted = add(self.branch(branch)?.pending_interest(at)?, fee, "interest + upfront fee")?;
        if minted != U256::ZERO {
            let for_pool = share(POOL_PART, minted, WAD.value(), "interest for the stability pool")?;
            let rest = minted.sub_or_zero(for_pool);
            self.mint(rest, Party::Treasury)?;
            grow(&mut self.system.router, rest, "interest for the router")?;
            if for_pool != U256::ZERO {
                self.mint(for_pool, Party::StabilityPool)?;
                self.distribute(branch, for_pool)?;
            }
        }
        self.branch_mut(branch)?.last_update = at.0;
        Ok(minted)
    }

    /// `mintAggInterest`: interest to now and nothing else.
    pub(super) fn accrue(&mut self, branch: usize) -> Result<(), Refusal> {
        let minted = self.mint_interest(branch, U256::ZERO)?;
        grow(&mut self.branch_mut(branch)?.recorded_debt, minted, "recorded debt of the branch")
    }

    /// `mintAggInterestAndAccountForTroveChange`.
    pub(super) fn account_for(
        &mut self,
        branch: usize,
        change: &Change,
        manager: Option<AccountId>,
    ) -> Result<(), Refusal> {
        if let Some(manager) = manager {
            self.account_for_fee(branch, change, manager)?;
        }
        let minted = self.mint_interest(branch, change.upfront_fee)?;
        let state = self.branch_mut(branch)?;
        let what = "recorded debt of the branch";
        grow(&mut state.recorded_debt, minted, what)?;
        grow(&mut state.recorded_debt, change.redistributed_debt, what)?;
        grow(&mut state.recorded_debt, change.debt_up, what)?;
        shrink(&mut state.recorded_debt, change.debt_down, what)?;
        let what = "weighted debt of the branch";
        grow(&mut state.weighted_debt, change.new_weighted, what)?;
        shrink(&mut state.weighted_debt, change.old_weighted, what)
    }

    /// `mintBatchManagementFeeAndAccountForChange`.
    pub(super) fn account_for_fee(
        &mut self,
        branch: usize,
        change: &Change,
        manager: AccountId,
    ) -> Result<(), Refusal> {
        let at = self.at();
        let state = self.branch_mut(branch)?;
        let pending = state.pending_fees(at)?;
        grow(&mut state.recorded_debt, change.batch_fee, "recorded debt of the branch")?;
        let what = "batch fees of the branch";
        grow(&mut state.batch_fees, pending, what)?;
        shrink(&mut state.batch_fees, change.batch_fee, what)?;
        let what = "weighted batch fees of the branch";
        grow(&mut state.weighted_batch_fees, change.new_weighted_fee, what)?;
        shrink(&mut state.weighted_batch_fees, change.old_weighted_fee, what)?;
        state.last_fee_update = at.0;
        let manager = match self.accounts.get(manager) {
            Some(_) => Party::Account(manager),
            None => Party::Wallet(manager),
        };
        self.mint(change.batch_fee, manager)
    }

    /// Seven days of interest on a debt, at the branch's average rate after the change
    /// (`getNewApproxAvgInterestRateFromTroveChange`, `_calcUpfrontFee`).
    pub(super) fn upfront_fee(
        &mut self,
        branch: usize,
        debt: U256,
        change: &Change,
    ) -> Result<U256, Refusal> {
        let (state, at) = (self.branch(branch)?, self.at());
        if state.is_shut_down() {
            return Ok(U256::ZERO);
        }
        let what = "debt of the branch after the change";
        let mut owed = add(state.recorded_debt, state.pending_interest(at)?, what)?;
        for more in [change.redistributed_debt, change.debt_up, change.batch_fee] {
            owed = add(owed, more, what)?;
        }
        let owed = sub(owed, change.debt_down, what)?;
        let what = "weighted debt of the branch after the change";
        let weighted = sub(add(state.weighted_debt, change.new_weighted, what)?, change.old_weighted, what)?;
        let average = weighted.div(owed, Down).unwrap_or(U256::ZERO);
        let weighted = mul(debt, average, "debt * average rate")?;
        let formula = "upfront fee = debt * average rate * 7 days / (31536000 * 1e18)";
        interest(self.t, formula, weighted, UPFRONT_SECONDS)
    }

    /// A trove's interest and its part of what was redistributed are its own records from here on. Its debt, where it is
    /// in a batch, is the batch's, which [`Turn::update_shares`] sees to.
    pub(super) fn settle(&mut self, trove: &mut Trove, latest: &Latest) -> Result<(), Refusal> {
        self.branch_mut(trove.branch)?
            .take_over(latest.redistributed_debt, latest.redistributed_collateral)?;
        let account = Party::Account(trove.id);
        let taken = latest.redistributed_collateral;
        self.effects.flow(collateral(trove.branch), taken, Party::Pool, account);
        trove.collateral = latest.collateral;
        if trove.batch.is_some() {
            self.effects.flow(DEBT, latest.redistributed_debt, Party::Pool, Party::Burn);
        } else {
            self.effects.flow(DEBT, latest.interest, Party::Mint, account);
            self.effects.flow(DEBT, latest.redistributed_debt, Party::Pool, account);
            trove.debt = latest.debt;
        }
        Ok(())
    }

    /// A trove takes its part in future redistributions from here on (`_updateTroveRewardSnapshots`).
    pub(super) fn snapshot(&mut self, trove: &mut Trove) -> Result<(), Refusal> {
        let state = self.branch(trove.branch)?;
        trove.snapshot_collateral = state.redistributed_collateral;
        trove.snapshot_debt = state.redistributed_debt;
        Ok(())
    }

    /// `_updateStakeAndTotalStakes`.
    pub(super) fn restake(&mut self, trove: &mut Trove) -> Result<(), Refusal> {
        let state = self.branch_mut(trove.branch)?;
        let stake = state.stake(trove.collateral)?;
        shrink(&mut state.total_stakes, trove.stake, "all stakes")?;
        grow(&mut state.total_stakes, stake, "all stakes")?;
        trove.stake = stake;
        Ok(())
    }

    /// A debt without a batch grows.
    pub(super) fn lend(&mut self, trove: &mut Trove, amount: U256) -> Result<(), Refusal> {
        grow(&mut trove.debt, amount, "debt of the trove")?;
        self.effects.flow(DEBT, amount, Party::Mint, Party::Account(trove.id));
        Ok(())
    }

    /// A debt without a batch shrinks.
    pub(super) fn unlend(&mut self, trove: &mut Trove, amount: U256) -> Result<(), Refusal> {
        shrink(&mut trove.debt, amount, "debt of the trove")?;
        self.effects.flow(DEBT, amount, Party::Account(trove.id), Party::Burn);
        Ok(())
    }

    /// `_updateBatchShares`: what a trove owes more or less becomes more or fewer shares, down both ways. `debt` is what
    /// the trove owes afterwards, `batch_debt` what the batch owed before, with interest and fee.
    pub(super) fn update_shares(
        &mut self,
        trove: &mut Trove,
        change: &Change,
        debt: U256,
        batch_debt: U256,
        check_ratio: bool,
    ) -> Result<(), Refusal> {
        let Some(manager) = trove.batch else { return Ok(()) };
        let mut batch = self.batch(trove.branch, manager)?;
        let what = "debt of the batch";
        let up = add(add(change.debt_up, change.upfront_fee, what)?, change.redistributed_debt, what)?;
        let (up, down) = (up.sub_or_zero(change.debt_down), change.debt_down.sub_or_zero(up));
        batch.debt = sub(add(batch_debt, up, what)?, down, what)?;
        let account = Party::Account(trove.id);
        if up != U256::ZERO {
            let shares = if batch_debt == U256::ZERO {
                up
            } else {
                let most = mul(batch.shares, SHARES_RATIO, "shares of the batch * 1e9")?;
                if check_ratio && most < batch_debt {
                    return Err(Refusal::TooFewShares);
                }
                share(batch.shares, up, batch_debt, "shares = all shares * debt / debt of the batch")?
            };
            grow(&mut trove.shares, shares, "shares of the trove")?;
            grow(&mut batch.shares, shares, "shares of the batch")?;
            self.effects.flow(SHARES, shares, Party::Mint, account);
        } else if down != U256::ZERO {
            let shares = if debt == U256::ZERO {
                trove.shares
            } else {
                share(batch.shares, down, batch_debt, "shares = all shares * debt / debt of the batch")?
            };
            shrink(&mut trove.shares, shares, "shares of the trove")?;
            shrink(&mut batch.shares, shares, "shares of the batch")?;
            self.effects.flow(SHARES, shares, account, Party::Burn);
        }
        batch.last_update = self.at().0;
        let what = "collateral of the batch";
        let more = add(change.collateral_in, change.redistributed_collateral, what)?;
        batch.collateral = sub(add(batch.collateral, more, what)?, change.collateral_out, what)?;
        self.put_batch(trove.branch, manager, batch)
    }

    /// `_removeTroveSharesFromBatch`: a trove leaves its batch with everything. `debt` and `held` are what it has of
    /// both, with what was redistributed to it and with the upfront fee.
    pub(super) fn remove_shares(
        &mut self,
        trove: &mut Trove,
        change: &Change,
        [debt, held]: [U256; 2],
        batch_debt: U256,
    ) -> Result<(), Refusal> {
        let Some(manager) = trove.batch.take() else { return Ok(()) };
        let mut batch = self.batch(trove.branch, manager)?;
        let what = "debt of the batch";
        let own = sub(sub(debt, change.upfront_fee, what)?, change.redistributed_debt, what)?;
        batch.debt = sub(batch_debt, own, what)?;
        let own = sub(held, change.redistributed_collateral, "collateral of the batch")?;
        shrink(&mut batch.collateral, own, "collateral of the batch")?;
        shrink(&mut batch.shares, trove.shares, "shares of the batch")?;
        self.effects.flow(SHARES, trove.shares, Party::Account(trove.id), Party::Burn);
        trove.shares = U256::ZERO;
        batch.last_update = self.at().0;
        self.put_batch(trove.branch, manager, batch)
    }
}
