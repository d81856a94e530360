//! Liquidation: the stability pool pays what it can, the other troves take the rest over (`TroveManager.sol`).

use super::arith::{RAW, add, grow, mul, share, shrink, sub};
use super::borrow::WEIGHTED;
use super::pool::Change;
use super::position::{Latest, Status, Trove, marked};
use super::stability::LEAST_DEPOSITS;
use super::state::Branch;
use super::turn::{GAS_RESERVE, Turn};
use super::{DEBT, ONE, collateral, surplus, token};
use alloc::vec::Vec;
use plimsoll_core::Rounding::Down;
use plimsoll_core::{AccountId, Arithmetic, Liquidated, Party, Refusal, Trace, U256, Unit};

/// A two-hundredth of the collateral that the pool pays for rewards whoever liquidates ... (`COLL_GAS_COMPENSATION_DIVISOR`).
const REWARD_PART: U256 = U256::new(200);
/// ... but no more than this (raw) (`COLL_GAS_COMPENSATION_CAP`).
const MOST_REWARD: U256 = U256::new(2 * 10u128.pow(18));
/// What becomes of a liquidated trove's debt and collateral (raw) (`_getOffsetAndRedistributionVals`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Split {
    /// Debt that the stability pool pays.
    pub debt_offset: U256,
    /// Collateral that it receives.
    pub collateral_offset: U256,
    /// Collateral for whoever liquidates.
    pub reward: U256,
    /// Debt that all other troves take over.
    pub debt_redistributed: U256,
    /// Collateral that goes with it.
    pub collateral_redistributed: U256,
    /// Collateral that the owner may claim.
    pub surplus: U256,
}

/// The reward of a liquidation for so much collateral (raw, floored) (`_getCollGasCompensation`).
#[must_use]
pub fn reward(seized: U256) -> U256 {
    seized.div(REWARD_PART, Down).unwrap_or(U256::ZERO).min(MOST_REWARD)
}

impl Split {
    /// Splits a trove, with so much BOLD in the stability pool that may be used.
    ///
    /// # Errors
    /// [`Refusal::Overflow`]; [`Refusal::DivisionByZero`] for a price of zero.
    pub fn of<T: Trace + ?Sized>(
        t: &mut T,
        branch: &Branch,
        [debt, held]: [U256; 2],
        in_pool: U256,
        price: U256,
    ) -> Result<Split, Refusal> {
        let mut split = Split::default();
        let mut portion = U256::ZERO;
        if in_pool != U256::ZERO {
            split.debt_offset =
                t.min("debt paid by the stability pool = min(debt, BOLD in the pool)", debt, in_pool, RAW);
            let formula = "collateral for the pool = collateral * debt paid / debt";
            portion = t.mul_div(formula, held, split.debt_offset, debt, Down, RAW)?;
            split.reward = reward(portion);
            t.given("reward = min(that / 200, 2)", split.reward, RAW);
            let rest = sub(portion, split.reward, formula)?;
            (split.collateral_offset, split.surplus) =
                seize(t, rest, split.debt_offset, branch.rules.penalty_pool, price)?;
        }
        let formula = "debt redistributed = debt - debt paid by the pool";
        split.debt_redistributed = t.sub(formula, debt, split.debt_offset, RAW)?;
        let rest = sub(held, portion, "collateral - collateral for the pool")?;
        if split.debt_redistributed != U256::ZERO && rest != U256::ZERO {
            // What the pool left over is not the owner's before the other troves have theirs.
            let rest = t.add("collateral left + surplus", rest, split.surplus, RAW)?;
            let penalty = branch.rules.penalty_redistribution;
            (split.collateral_redistributed, split.surplus) =
                seize(t, rest, split.debt_redistributed, penalty, price)?;
        }
        Ok(split)
    }

    fn plus(self, other: Split) -> Result<Split, Refusal> {
        let what = "sums of a liquidation";
        Ok(Split {
            debt_offset: add(self.debt_offset, other.debt_offset, what)?,
            collateral_offset: add(self.collateral_offset, other.collateral_offset, what)?,
            reward: add(self.reward, other.reward, what)?,
            debt_redistributed: add(self.debt_redistributed, other.debt_redistributed, what)?,
            collateral_redistributed: add(
                self.collateral_redistributed,
                other.collateral_redistributed,
                what,
            )?,
            surplus: add(self.surplus, other.surplus, what)?,
        })
    }
}

/// What is seized for a debt and its penalty, and what is left over (`_getCollPenaltyAndSurplus`).
fn seize<T: Trace + ?Sized>(
    t: &mut T,
    held: U256,
    debt: U256,
    penalty: U256,
    price: U256,
) -> Result<(U256, U256), Refusal> {
    let factor = t.add("1 + penalty", ONE, penalty, Unit::WAD)?;
    let most = t.mul_div("most seized = debt * (1 + penalty) / price", debt, factor, price, Down, RAW)?;
    let seized = t.min("seized = min(collateral, most seized)", held, most, RAW);
    let rest = t.sub("left over = collateral - seized", held, seized, RAW)?;
    Ok((seized, rest))
}

impl Turn<'_> {
    /// `batchLiquidateTroves`.
    pub(super) fn liquidate(&mut self, accounts: &[AccountId]) -> Result<(), Refusal> {
        if accounts.is_empty() {
            return Err(Refusal::NoSuchAccount);
        }
        // Who never was a trove is passed over, as who no longer is one.
        let troves = accounts.iter().filter(|id| self.trove(**id) != Err(Refusal::PositionNotOpen));
        let troves: Vec<AccountId> = troves.copied().collect();
        let Some(first) = troves.first() else { return Err(Refusal::NotLiquidatable) };
        let branch = self.trove(*first)?.branch;
        let price = self.price(branch)?;
        let state = self.branch(branch)?;
        let mut in_pool = state.deposits.sub_or_zero(LEAST_DEPOSITS);
        let (mut sums, mut all) = (Split::default(), Change::default());
        let mut seized = U256::ZERO;
        for id in &troves {
            let trove = self.trove(*id)?;
            if trove.branch != branch {
                return Err(Refusal::InconsistentInput);
            }
            if !trove.is_open() {
                continue;
            }
            let latest = self.latest(&trove)?;
            if latest.icr(price)? >= state.rules.mcr {
                continue;
            }
            let split = Split::of(self.t, &state, [latest.debt, latest.collateral], in_pool, price)?;
            self.liquidate_one(trove, &latest, &split, &mut all)?;
            in_pool = sub(in_pool, split.debt_offset, "BOLD in the pool")?;
            seized = add(seized, latest.collateral, "collateral seized")?;
            sums = sums.plus(split)?;
            self.effects.flow(token(0), GAS_RESERVE, Party::Pool, Party::Keeper);
        }
        if all.debt_down == U256::ZERO {
            return Err(Refusal::NotLiquidatable);
        }
        self.account_for(branch, &all, None)?;
        if sums.debt_offset != U256::ZERO || sums.collateral_offset != U256::ZERO {
            self.offset(branch, sums.debt_offset, sums.collateral_offset)?;
        }
        self.redistribute(branch, &sums)?;
        let state = self.branch_mut(branch)?;
        let what = "collateral of the branch";
        shrink(&mut state.active_collateral, sums.surplus, what)?;
        grow(&mut state.surplus, sums.surplus, "surplus of the branch")?;
        state.total_stakes_snapshot = state.total_stakes;
        // Without the reward, which has not left yet.
        shrink(&mut state.active_collateral, sums.reward, what)?;
        state.total_collateral_snapshot = state.entire_collateral()?;
        self.effects.flow(token(branch), sums.reward, Party::Pool, Party::Keeper);
        self.effects.liquidated = Some(Liquidated {
            repaid: sums.debt_offset,
            seized: sub(seized, sums.surplus, "collateral seized")?,
            fee: U256::ZERO,
            bad_debt: Vec::new(),
        });
        Ok(())
    }

    /// `_liquidate`: one trove ceases to be.
    fn liquidate_one(
        &mut self,
        mut trove: Trove,
        latest: &Latest,
        split: &Split,
        all: &mut Change,
    ) -> Result<(), Refusal> {
        let branch = trove.branch;
        let mut change = Change::of(latest);
        change.collateral_out = latest.collateral;
        change.debt_down = latest.debt;
        let manager = trove.batch;
        let batch = self.batch_of(&trove)?;
        self.settle(&mut trove, latest)?;
        let batch_debt = match &batch {
            Some(batch) => {
                let entire = self.latest_batch(branch, batch)?;
                let own = latest.own_debt()?;
                change.batch_fee = entire.fee;
                // What the trove owes is in the batch's debt both before and after, and is taken off by the old sum.
                change.old_weighted = add(entire.weighted, mul(own, batch.rate, WEIGHTED)?, WEIGHTED)?;
                change.new_weighted = mul(entire.debt, batch.rate, WEIGHTED)?;
                change.old_weighted_fee = add(entire.weighted_fee, mul(own, batch.fee, WEIGHTED)?, WEIGHTED)?;
                change.new_weighted_fee = mul(entire.debt, batch.fee, WEIGHTED)?;
                entire.debt
            }
            None => {
                change.old_weighted = latest.weighted;
                U256::ZERO
            }
        };
        self.shut(&mut trove, latest, &change, batch_debt, Status::Liquidated)?;
        if let Some(manager) = manager {
            self.account_for_fee(branch, &change, manager)?;
        }
        let what = "sums of a liquidation";
        all.debt_down = add(all.debt_down, change.debt_down, what)?;
        all.collateral_out = add(all.collateral_out, change.collateral_out, what)?;
        all.redistributed_debt = add(all.redistributed_debt, change.redistributed_debt, what)?;
        all.old_weighted = add(all.old_weighted, change.old_weighted, what)?;
        all.new_weighted = add(all.new_weighted, change.new_weighted, what)?;

        let (account, owner) = (Party::Account(trove.id), marked(trove.owner).unwrap_or(trove.id));
        let gone = add(split.collateral_offset, split.reward, what)?;
        self.effects.flow(collateral(branch), gone, account, Party::Burn);
        self.effects.flow(collateral(branch), split.collateral_redistributed, account, Party::Pool);
        self.effects.flow(collateral(branch), split.surplus, account, Party::Burn);
        self.effects.flow(surplus(branch), split.surplus, Party::Mint, Party::Account(owner));
        let from = if manager.is_none() { account } else { Party::Mint };
        self.effects.flow(DEBT, split.debt_redistributed, from, Party::Pool);
        if manager.is_none() {
            self.effects.flow(DEBT, split.debt_offset, account, Party::Burn);
        }
        trove.debt = U256::ZERO;
        trove.collateral = U256::ZERO;
        self.put(trove);
        Ok(())
    }

    /// `_redistributeDebtAndColl`: to all stakes, what the division leaves over kept for the next time.
    fn redistribute(&mut self, branch: usize, sums: &Split) -> Result<(), Refusal> {
        if sums.debt_redistributed == U256::ZERO {
            return Ok(());
        }
        let state = self.branch_mut(branch)?;
        let stakes = state.total_stakes;
        let amount = &sums.collateral_redistributed;
        let (sum, error) = (&mut state.redistributed_collateral, &mut state.collateral_error);
        spread(amount, &stakes, sum, error, "collateral per stake")?;
        let (sum, error) = (&mut state.redistributed_debt, &mut state.debt_error);
        spread(&sums.debt_redistributed, &stakes, sum, error, "debt per stake")?;
        grow(&mut state.default_debt, sums.debt_redistributed, "redistributed debt")?;
        shrink(&mut state.active_collateral, sums.collateral_redistributed, "collateral of the branch")?;
        grow(&mut state.default_collateral, sums.collateral_redistributed, "redistributed collateral")
    }

    /// `CollSurplusPool.claimColl`.
    pub(super) fn claim_surplus(&mut self, branch: usize) -> Result<(), Refusal> {
        let account = self.accounts.get(self.call.account);
        let held =
            account.and_then(|account| account.quantity(surplus(branch)).to_u256()).unwrap_or(U256::ZERO);
        if held == U256::ZERO {
            return Err(Refusal::NothingHeld(surplus(branch)));
        }
        shrink(&mut self.branch_mut(branch)?.surplus, held, "surplus of the branch")?;
        self.effects.flow(surplus(branch), held, Party::Account(self.call.account), Party::Burn);
        self.effects.flow(token(branch), held, Party::Pool, Party::Wallet(self.call.actor));
        Ok(())
    }
}

/// Adds an amount for each unit of stake to a sum; what the division leaves over is kept in `error`.
fn spread(
    amount: &U256,
    stakes: &U256,
    sum: &mut U256,
    error: &mut U256,
    what: &'static str,
) -> Result<(), Refusal> {
    let numerator = add(mul(*amount, ONE, what)?, *error, what)?;
    let each = share(numerator, U256::ONE, *stakes, what)?;
    *error = sub(numerator, mul(each, *stakes, what)?, what)?;
    grow(sum, each, what)
}
