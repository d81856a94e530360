//! Batches: troves whose rate one manager sets, for a fee.

use super::arith::{add, mul};
use super::borrow::{WEIGHTED, valid_rate};
use super::pool::Change;
use super::position::Status;
use super::state::Batch;
use super::turn::Turn;
use plimsoll_core::{AccountId, Manage, Refusal, U256};

/// No management fee is higher (wad) (`MAX_ANNUAL_BATCH_MANAGEMENT_FEE`).
pub const MAX_FEE: U256 = U256::new(100_000_000_000_000_000);
/// No manager may change the rate more often (s) (`MIN_INTEREST_RATE_CHANGE_PERIOD`).
pub const MIN_CHANGE_PERIOD: u64 = 3600;

impl Turn<'_> {
    /// What a manager does with its batch of one branch.
    pub(super) fn manage(&mut self, branch: usize, what: &Manage) -> Result<(), Refusal> {
        match *what {
            Manage::Register { rate, fee, least, most, period } => {
                self.not_shut_down(branch)?;
                let batch = Batch {
                    rate,
                    fee,
                    min_rate: least,
                    max_rate: most,
                    change_period: period,
                    last_change: self.at().0,
                    ..Batch::default()
                };
                self.register(branch, batch)
            }
            Manage::Rate(rate) => self.set_batch_rate(branch, rate),
            Manage::Fee(fee) => self.lower_fee(branch, fee),
        }
    }

    /// `registerBatchManager`.
    fn register(&mut self, branch: usize, batch: Batch) -> Result<(), Refusal> {
        let manager = self.call.account;
        if self.batch(branch, manager).is_ok() {
            return Err(Refusal::ManagerExists);
        }
        valid_rate(batch.min_rate)?;
        valid_rate(batch.max_rate)?;
        if batch.min_rate >= batch.max_rate {
            return Err(Refusal::InconsistentInput);
        }
        in_range(&batch, batch.rate)?;
        if batch.fee > MAX_FEE {
            return Err(Refusal::FeeTooHigh { most: MAX_FEE });
        }
        if batch.change_period < MIN_CHANGE_PERIOD {
            return Err(Refusal::PeriodTooShort { least: MIN_CHANGE_PERIOD });
        }
        // The market has a node more.
        self.effects.epoch_moved = true;
        self.put_batch(branch, manager, batch)
    }

    /// `lowerBatchManagementFee`.
    fn lower_fee(&mut self, branch: usize, fee: U256) -> Result<(), Refusal> {
        self.not_shut_down(branch)?;
        let manager = self.call.account;
        let mut batch = self.batch(branch, manager)?;
        let latest = self.latest_batch(branch, &batch)?;
        if fee >= batch.fee {
            return Err(Refusal::FeeTooHigh { most: batch.fee.sub_or_zero(U256::ONE) });
        }
        let change = Change {
            batch_fee: latest.fee,
            old_weighted: latest.weighted,
            new_weighted: mul(latest.debt, batch.rate, WEIGHTED)?,
            old_weighted_fee: latest.weighted_fee,
            new_weighted_fee: mul(latest.debt, fee, WEIGHTED)?,
            ..Change::default()
        };
        batch.debt = latest.debt;
        batch.fee = fee;
        batch.last_update = self.at().0;
        self.put_batch(branch, manager, batch)?;
        self.account_for(branch, &change, Some(manager))
    }

    /// `setBatchManagerAnnualInterestRate`.
    fn set_batch_rate(&mut self, branch: usize, rate: U256) -> Result<(), Refusal> {
        self.not_shut_down(branch)?;
        let manager = self.call.account;
        let batch = self.batch(branch, manager)?;
        in_range(&batch, rate)?;
        let latest = self.latest_batch(branch, &batch)?;
        let until = batch.last_change.checked_add(batch.change_period);
        let until = until.ok_or(Refusal::Overflow("last change + period"))?;
        if self.at().0 < until {
            return Err(Refusal::TooSoon { until: plimsoll_core::Time(until) });
        }
        let mut debt = latest.debt;
        let mut change = Change {
            batch_fee: latest.fee,
            old_weighted: latest.weighted,
            new_weighted: mul(debt, rate, WEIGHTED)?,
            old_weighted_fee: latest.weighted_fee,
            new_weighted_fee: mul(debt, batch.fee, WEIGHTED)?,
            ..Change::default()
        };
        if batch.rate != rate && self.in_cooldown(batch.last_change)? {
            let price = self.price(branch)?;
            change.upfront_fee = self.upfront_fee(branch, debt, &change)?;
            debt = add(debt, change.upfront_fee, "debt + upfront fee")?;
            change.new_weighted = mul(debt, rate, WEIGHTED)?;
            change.new_weighted_fee = mul(debt, batch.fee, WEIGHTED)?;
            self.above_ccr(branch, &change, price)?;
        }
        self.account_for(branch, &change, Some(manager))?;
        self.reinsert_batch(branch, manager, rate)?;
        let now = self.at().0;
        let batch = self.batch(branch, manager)?;
        self.put_batch(branch, manager, Batch { debt, rate, last_update: now, last_change: now, ..batch })
    }

    /// `setInterestBatchManager`: always for a fee, and the stake stays as it was.
    pub(super) fn join_batch(&mut self, manager: AccountId) -> Result<(), Refusal> {
        let mut trove = match self.trove(self.call.account) {
            Ok(trove) => trove,
            Err(Refusal::PositionNotOpen) => return Err(Refusal::PositionNotActive),
            Err(other) => return Err(other),
        };
        self.not_shut_down(trove.branch)?;
        if trove.status != Status::Active {
            return Err(Refusal::PositionNotActive);
        }
        self.by_owner(&trove)?;
        let batch = self.batch(trove.branch, manager)?;
        if trove.batch.is_some() {
            return Err(Refusal::InGroup);
        }
        let latest = self.latest(&trove)?;
        let all = self.latest_batch(trove.branch, &batch)?;
        let mut change = Change::of(&latest);
        change.batch_fee = all.fee;
        change.old_weighted = add(all.weighted, latest.weighted, WEIGHTED)?;
        change.new_weighted = mul(add(all.debt, latest.debt, WEIGHTED)?, batch.rate, WEIGHTED)?;
        let mut joined = trove;
        joined.batch = Some(manager);
        let debt = self.premature(&joined, &latest, &mut change)?;
        let together = add(all.debt, debt, WEIGHTED)?;
        change.new_weighted = mul(together, batch.rate, WEIGHTED)?;
        change.old_weighted_fee = all.weighted_fee;
        change.new_weighted_fee = mul(together, batch.fee, WEIGHTED)?;

        // After this point the trove joins.
        self.account_for(trove.branch, &change, Some(manager))?;
        self.remove(trove.id)?;
        trove = self.trove(trove.id)?;
        self.settle(&mut trove, &latest)?;
        let owed = trove.debt;
        self.unlend(&mut trove, owed)?;
        self.snapshot(&mut trove)?;
        trove.batch = Some(manager);
        trove.rate = U256::ZERO;
        trove.last_update = 0;
        trove.last_change = self.at().0;
        // To the batch all of the trove is new; what was redistributed to it is already part of the change.
        change.collateral_in = latest.collateral.sub_or_zero(latest.redistributed_collateral);
        change.debt_up = latest.own_debt()?;
        self.update_shares(&mut trove, &change, debt, all.debt, true)?;
        self.put(trove);
        self.insert(trove.id, batch.rate)
    }

    /// `removeFromBatch`: for a fee where it is another rate within the cooldown.
    pub(super) fn leave_batch(&mut self, rate: U256) -> Result<(), Refusal> {
        let mut trove = match self.trove(self.call.account) {
            Ok(trove) => trove,
            Err(Refusal::PositionNotOpen) => return Err(Refusal::PositionNotActive),
            Err(other) => return Err(other),
        };
        self.not_shut_down(trove.branch)?;
        if trove.status != Status::Active {
            return Err(Refusal::PositionNotActive);
        }
        self.by_owner(&trove)?;
        valid_rate(rate)?;
        let manager = trove.batch.ok_or(Refusal::NotInGroup)?;
        let batch = self.batch(trove.branch, manager)?;
        let latest = self.latest(&trove)?;
        let mut change = Change::of(&latest);
        let alone = mul(latest.debt, rate, WEIGHTED)?;
        let batch_debt = self.leave_weights(&trove, &latest, &mut change, alone)?;
        let mut debt = latest.debt;
        if batch.rate != rate && self.in_cooldown(latest.last_change)? {
            let mut single = trove;
            single.batch = None;
            debt = self.premature(&single, &latest, &mut change)?;
            let alone = mul(debt, rate, WEIGHTED)?;
            self.leave_weights(&trove, &latest, &mut change, alone)?;
        }

        // After this point the trove leaves; the stake stays as it was.
        self.remove(trove.id)?;
        trove = self.trove(trove.id)?;
        self.account_for(trove.branch, &change, Some(manager))?;
        self.settle(&mut trove, &latest)?;
        self.remove_shares(&mut trove, &change, [debt, latest.collateral], batch_debt)?;
        self.lend(&mut trove, debt)?;
        trove.rate = rate;
        trove.last_update = self.at().0;
        trove.last_change = self.at().0;
        self.snapshot(&mut trove)?;
        self.put(trove);
        self.insert(trove.id, rate)
    }
}

fn in_range(batch: &Batch, rate: U256) -> Result<(), Refusal> {
    if rate < batch.min_rate || rate > batch.max_rate {
        return Err(Refusal::RateOutOfRange { least: batch.min_rate, most: batch.max_rate });
    }
    Ok(())
}
