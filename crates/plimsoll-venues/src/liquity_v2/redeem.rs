//! Redemption, and what a shutdown changes about it (`CollateralRegistry.sol`, `TroveManager.sol`).

use super::arith::{RAW, add, mul, power, share, shrink, sub};
use super::borrow::{MIN_DEBT, WEIGHTED};
use super::pool::Change;
use super::position::{Latest, Status, Trove, mark};
use super::state::System;
use super::turn::Turn;
use super::{ONE, collateral, token};
use alloc::vec::Vec;
use plimsoll_core::Rounding::Down;
use plimsoll_core::{AccountId, Arithmetic, Party, Refusal, Subject, Time, U256, Unit, WAD};

/// The least redemption fee (wad) (`REDEMPTION_FEE_FLOOR`).
pub(super) const LEAST_FEE: U256 = U256::new(5_000_000_000_000_000);
/// What is left of the base rate after a minute (wad): half after six hours (`REDEMPTION_MINUTE_DECAY_FACTOR`).
const DECAY: U256 = U256::new(998_076_443_575_628_800);
/// What an urgent redemption pays for one BOLD (wad): 1.02 (`URGENT_REDEMPTION_BONUS`).
const URGENT: U256 = U256::new(1_020_000_000_000_000_000);

/// Steps that a listener of a redemption or shutdown finds, by these names.
pub const ATTEMPTED: &str = "to be redeemed from the branch";
/// BOLD that was redeemed from the branch.
pub const REDEEMED: &str = "redeemed from the branch";
/// Collateral that was paid for it.
pub const PAID_OUT: &str = "collateral paid for it";
/// The fees that stayed in the branch's troves.
pub const FEES: &str = "fees that stay in the troves";
/// The fee that stayed in one trove.
pub const FEE_STEP: &str = "fee that stays in the trove = collateral * fee rate";
/// The ratio at which a branch was shut down.
pub const TCR_STEP: &str = "collateral ratio of the branch";

impl System {
    /// The base rate after its decay to a time (wad, floored) (`_calcDecayedBaseRate`).
    ///
    /// # Errors
    /// [`Refusal::ClockWentBack`]; [`Refusal::Overflow`].
    pub fn decayed(&self, at: Time) -> Result<U256, Refusal> {
        let state = Time(self.last_fee_time);
        let seconds = at.since(state).ok_or(Refusal::ClockWentBack { state, asked: at })?;
        share(self.base_rate, power(DECAY, seconds / 60)?, ONE, "base rate * decay")
    }

    /// The base rate after a redemption of so much of all BOLD (wad) (`_getUpdatedBaseRateFromRedemption`).
    fn base_after(&self, at: Time, amount: U256, supply: U256) -> Result<U256, Refusal> {
        let part = share(amount, ONE, supply, "redeemed part = amount / all BOLD")?;
        Ok(add(self.decayed(at)?, part, "base rate + redeemed part")?.min(ONE))
    }

    /// The fee of a redemption at this base rate (wad) (`_calcRedemptionRate`).
    ///
    /// # Errors
    /// [`Refusal::Overflow`].
    pub fn fee_at(base_rate: U256) -> Result<U256, Refusal> {
        Ok(add(LEAST_FEE, base_rate, "0.5 % + base rate")?.min(ONE))
    }
}

/// `base ^ minutes` (wad), each step half up (`LiquityMath._decPow`).
///
/// # Errors
/// [`Refusal::Overflow`].
pub fn decay_power(base: U256, minutes: u64) -> Result<U256, Refusal> {
    power(base, minutes)
}

/// What one redemption takes from troves of one branch, in sums.
#[derive(Default)]
struct Taken {
    change: Change,
    batch: Option<AccountId>,
}

impl Turn<'_> {
    /// `CollateralRegistry.redeemCollateral`: from each branch by the debt that its stability pool does not back.
    pub(super) fn redeem(&mut self, amount: U256, most: u32, most_fee: U256) -> Result<(), Refusal> {
        if most_fee < LEAST_FEE || most_fee > ONE {
            return Err(Refusal::InconsistentInput);
        }
        if amount == U256::ZERO {
            return Err(Refusal::AmountZero);
        }
        let (at, count) = (self.at(), self.branches.len());
        let (mut prices, mut parts) = (Vec::new(), Vec::new());
        let mut redeemable = Vec::new();
        for branch in 0..count {
            let (state, price) = (self.branch(branch)?, self.price(branch)?);
            let open = !state.is_shut_down() && state.tcr(price, at)? >= state.rules.scr;
            parts.push(if open { state.unbacked(at)? } else { U256::ZERO });
            prices.push(price);
            redeemable.push(open);
        }
        let mut left = total(&parts)?;
        let mut rest = amount;
        if left == U256::ZERO {
            // Everything is backed: by the size of the branches.
            for (branch, open) in redeemable.into_iter().enumerate() {
                parts[branch] = if open { self.branch(branch)?.entire_debt(at)? } else { U256::ZERO };
            }
            left = total(&parts)?;
        } else {
            rest = self.t.min("redeemed at most = min(amount, unbacked debt)", rest, left, RAW);
        }
        let supply = self.system.supply;
        let fee = System::fee_at(self.system.base_after(at, rest, supply)?)?;
        self.t.about(Subject::Market);
        self.t.given("redemption fee = min(0.5 % + base rate, 1)", fee, Unit::WAD);
        if fee > most_fee {
            return Err(Refusal::FeeAboveLimit { fee, limit: most_fee });
        }
        let mut redeemed = U256::ZERO;
        for (branch, part) in parts.into_iter().enumerate() {
            if part == U256::ZERO {
                continue;
            }
            let lot = share(rest, part, left, "part of the branch = amount * unbacked / all unbacked")?;
            if lot != U256::ZERO {
                let done = self.redeem_branch(branch, lot, prices[branch], fee, most)?;
                redeemed = add(redeemed, done, "redeemed")?;
            }
            rest = sub(rest, lot, "amount left")?;
            left = sub(left, part, "unbacked debt left")?;
        }
        self.system.base_rate = self.system.base_after(at, redeemed, supply)?;
        let minutes = (at.0.saturating_sub(self.system.last_fee_time)) / 60;
        self.system.last_fee_time = self.system.last_fee_time.saturating_add(60 * minutes);
        self.can_pay(self.call.actor, redeemed)?;
        self.burn(redeemed, self.purse(self.call.actor))
    }

    /// `TroveManager.redeemCollateral`: the last zombie first, then from the lowest rate upward.
    fn redeem_branch(
        &mut self,
        branch: usize,
        amount: U256,
        price: U256,
        fee_rate: U256,
        most: u32,
    ) -> Result<U256, Refusal> {
        let state = self.branch(branch)?;
        if state.unlisted != U256::ZERO {
            return Err(Refusal::AccountsMissing);
        }
        let mut zombie = state.last_zombie != 0;
        let mut next = if zombie { state.last_zombie } else { state.tail };
        let (mut rest, mut taken, mut fees) = (amount, Taken::default(), U256::ZERO);
        let mut turns = if most == 0 { u32::MAX } else { most };
        self.t.about(Subject::Instrument(collateral(branch)));
        self.t.given(ATTEMPTED, amount, RAW);
        while next != 0 && rest != U256::ZERO && turns > 0 {
            turns = turns.saturating_sub(1);
            let mut trove = self.listed(next)?;
            next = if zombie { self.branch(branch)?.tail } else { trove.previous };
            let latest = self.latest(&trove)?;
            // Below 100 % the debt of a trove would be worth more than what is taken for it.
            if latest.icr(price)? < ONE {
                zombie = false;
                continue;
            }
            if trove.batch.is_some() && trove.batch != taken.batch {
                self.update_batch(&trove)?;
                taken.batch = trove.batch;
            }
            let latest = self.latest(&trove)?;
            let lot = rest.min(latest.debt);
            self.t.about(Subject::Instrument(collateral(branch)));
            let formula = "collateral for it = redeemed * 1e18 / price";
            let whole = self.t.mul_div(formula, lot, WAD.value(), price, Down, RAW)?;
            let fee = self.t.mul_div(FEE_STEP, whole, fee_rate, WAD, Down, RAW)?;
            let out = sub(whole, fee, "collateral - fee")?;
            fees = add(fees, fee, "fees of a redemption")?;
            let debt = self.take(&mut trove, &latest, [lot, out], &mut taken)?;
            if debt < MIN_DEBT {
                if !zombie {
                    self.remove(trove.id)?;
                    let mut trove = self.trove(trove.id)?;
                    trove.status = Status::Zombie;
                    self.put(trove);
                    if debt != U256::ZERO {
                        self.branch_mut(branch)?.last_zombie = mark(trove.id)?;
                    }
                } else if debt == U256::ZERO {
                    self.branch_mut(branch)?.last_zombie = 0;
                }
            }
            rest = sub(rest, lot, "amount left")?;
            zombie = false;
        }
        self.pay_out(branch, &taken)?;
        // The last trove looked at may have been passed over: the sums are of the branch.
        self.t.about(Subject::Instrument(collateral(branch)));
        self.t.given(REDEEMED, taken.change.debt_down, RAW);
        self.t.given(PAID_OUT, taken.change.collateral_out, RAW);
        self.t.given(FEES, fees, RAW);
        Ok(taken.change.debt_down)
    }

    /// `_updateBatchInterestPriorToRedemption`.
    fn update_batch(&mut self, trove: &Trove) -> Result<(), Refusal> {
        let Some((manager, mut batch)) = trove.batch.zip(self.batch_of(trove)?) else { return Ok(()) };
        let latest = self.latest_batch(trove.branch, &batch)?;
        batch.debt = latest.debt;
        batch.last_update = self.at().0;
        self.put_batch(trove.branch, manager, batch)?;
        let change = Change {
            batch_fee: latest.fee,
            old_weighted: latest.weighted,
            new_weighted: mul(latest.debt, batch.rate, WEIGHTED)?,
            old_weighted_fee: latest.weighted_fee,
            new_weighted_fee: mul(latest.debt, batch.fee, WEIGHTED)?,
            ..Change::default()
        };
        self.account_for(trove.branch, &change, Some(manager))
    }

    /// `_applySingleRedemption`: a trove owes and holds less. What it owes then.
    fn take(
        &mut self,
        trove: &mut Trove,
        latest: &Latest,
        [lot, out]: [U256; 2],
        taken: &mut Taken,
    ) -> Result<U256, Refusal> {
        let debt = sub(latest.debt, lot, "debt of the trove")?;
        let mut change = Change::of(latest);
        change.debt_down = lot;
        change.collateral_out = out;
        let batch = self.batch_of(trove)?;
        self.settle(trove, latest)?;
        match (trove.batch, batch) {
            (Some(manager), Some(batch)) => {
                let all = self.latest_batch(trove.branch, &batch)?;
                let what = "debt of the batch";
                let after = sub(add(all.debt, latest.redistributed_debt, what)?, lot, what)?;
                change.old_weighted = all.weighted;
                change.new_weighted = mul(after, batch.rate, WEIGHTED)?;
                change.old_weighted_fee = all.weighted_fee;
                change.new_weighted_fee = mul(after, batch.fee, WEIGHTED)?;
                self.account_for_fee(trove.branch, &change, manager)?;
                self.update_shares(trove, &change, debt, all.debt, false)?;
            }
            _ => {
                change.old_weighted = latest.weighted;
                change.new_weighted = mul(debt, latest.rate, WEIGHTED)?;
                self.unlend(trove, lot)?;
                trove.last_update = self.at().0;
            }
        }
        shrink(&mut trove.collateral, out, "collateral of the trove")?;
        self.effects.flow(collateral(trove.branch), out, Party::Account(trove.id), Party::Burn);
        self.restake(trove)?;
        self.snapshot(trove)?;
        self.put(*trove);
        let (sums, what) = (&mut taken.change, "sums of a redemption");
        sums.debt_down = add(sums.debt_down, lot, what)?;
        sums.collateral_out = add(sums.collateral_out, out, what)?;
        sums.redistributed_debt = add(sums.redistributed_debt, change.redistributed_debt, what)?;
        sums.old_weighted = add(sums.old_weighted, change.old_weighted, what)?;
        sums.new_weighted = add(sums.new_weighted, change.new_weighted, what)?;
        Ok(debt)
    }

    /// The branch's sums follow, and the collateral goes to whoever redeemed.
    fn pay_out(&mut self, branch: usize, taken: &Taken) -> Result<(), Refusal> {
        self.account_for(branch, &taken.change, None)?;
        let out = taken.change.collateral_out;
        shrink(&mut self.branch_mut(branch)?.active_collateral, out, "collateral of the branch")?;
        self.effects.flow(token(branch), out, Party::Pool, Party::Wallet(self.call.actor));
        Ok(())
    }

    // ---- shutdown ----

    /// `BorrowerOperations.shutdown`: strictly below SCR.
    pub(super) fn shut_down(&mut self, branch: usize) -> Result<(), Refusal> {
        self.not_shut_down(branch)?;
        let (price, state) = (self.price(branch)?, self.branch(branch)?);
        let tcr = state.tcr(price, self.at())?;
        self.t.about(Subject::Market);
        self.t.given(TCR_STEP, tcr, Unit::WAD);
        if tcr >= state.rules.scr {
            return Err(Refusal::BranchAboveScr { ratio: tcr, least: state.rules.scr });
        }
        self.accrue(branch)?;
        self.branch_mut(branch)?.shutdown_time = self.at().0;
        self.effects.epoch_moved = true;
        Ok(())
    }

    /// `urgentRedemption`: from the troves named, at a bonus, once the branch was shut down.
    pub(super) fn redeem_urgently(
        &mut self,
        branch: usize,
        amount: U256,
        accounts: &[AccountId],
    ) -> Result<(), Refusal> {
        if !self.branch(branch)?.is_shut_down() {
            return Err(Refusal::NotShutDown);
        }
        if amount == U256::ZERO {
            return Err(Refusal::AmountZero);
        }
        let actor = self.call.actor;
        self.can_pay(actor, amount)?;
        let price = self.price(branch)?;
        let (mut rest, mut taken) = (amount, Taken::default());
        for id in accounts {
            if rest == U256::ZERO {
                break;
            }
            let mut trove = match self.trove(*id) {
                Err(Refusal::PositionNotOpen) => continue,
                other => other?,
            };
            if trove.branch != branch {
                return Err(Refusal::InconsistentInput);
            }
            if !trove.is_open() {
                continue;
            }
            // What the trove owes is read before its batch is brought up to date.
            let latest = self.latest(&trove)?;
            if latest.debt == U256::ZERO {
                continue;
            }
            self.update_batch(&trove)?;
            let mut lot = rest.min(latest.debt);
            let formula = "collateral for it = redeemed * 1.02 / price";
            let mut out = share(lot, URGENT, price, formula)?;
            if out > latest.collateral {
                out = latest.collateral;
                lot = share(out, price, URGENT, "redeemed = collateral * price / 1.02")?;
            }
            self.t.about(Subject::Instrument(collateral(branch)));
            self.t.given(FEE_STEP, U256::ZERO, RAW);
            self.take(&mut trove, &latest, [lot, out], &mut taken)?;
            rest = sub(rest, lot, "amount left")?;
        }
        self.pay_out(branch, &taken)?;
        self.burn(taken.change.debt_down, self.purse(actor))
    }
}

fn total(parts: &[U256]) -> Result<U256, Refusal> {
    parts.iter().try_fold(U256::ZERO, |sum, part| add(sum, *part, "unbacked debt"))
}
