//! The stability pool (`StabilityPool.sol`): deposits pay the debt of liquidated troves and earn collateral and yield, told by
//! a product and two sums.

use super::arith::{add, grow, mul, share, shrink, sub};
use super::deposit::Deposit;
use super::pool::POOL_PART;
use super::state::{Branch, Scale};
use super::turn::Turn;
use super::{BOLD, deposit, gain, token};
use plimsoll_core::Rounding::Down;
use plimsoll_core::{Account, Party, Refusal, Time, U256, WAD};

/// The least that the stability pool keeps and distributes on (raw) (`MIN_BOLD_IN_SP`).
pub(super) const LEAST_DEPOSITS: U256 = U256::new(10u128.pow(18));
/// P is lifted by this (`SCALE_FACTOR`).
const SCALE_FACTOR: U256 = U256::new(1_000_000_000);
/// P is lifted below this (`P_PRECISION / SCALE_FACTOR`).
const LEAST_PRODUCT: U256 = U256::new(10u128.pow(27));

/// What an offset that would leave nothing of P is refused with: the contract asks for that before it lifts P.
pub const PRODUCT_ZERO: &str = "P, which may not become zero";

impl Turn<'_> {
    /// `_updateYieldRewardsSum`: yield waits while there is less than one BOLD to distribute it on.
    pub(super) fn distribute(&mut self, branch: usize, more: U256) -> Result<(), Refusal> {
        let mut state = self.branch(branch)?;
        let all = add(state.yield_pending, more, "pending yield")?;
        if all == U256::ZERO {
            return Ok(());
        }
        if state.deposits < LEAST_DEPOSITS {
            self.branch_mut(branch)?.yield_pending = all;
            return Ok(());
        }
        grow(&mut state.yield_owed, all, "owed yield")?;
        state.yield_pending = U256::ZERO;
        let mut row = self.scale(branch, state.scale);
        let added = share(state.product, all, state.deposits, "yield per deposit = P * yield / deposits")?;
        grow(&mut row.interest, added, "yield per deposit")?;
        self.put_scale(branch, state.scale, row)?;
        *self.branch_mut(branch)? = state;
        Ok(())
    }

    /// `offset`: deposits pay debt and receive collateral.
    pub(super) fn offset(&mut self, branch: usize, debt: U256, seized: U256) -> Result<(), Refusal> {
        let mut state = self.branch(branch)?;
        let mut row: Scale = self.scale(branch, state.scale);
        let formula = "collateral per deposit = P * collateral / deposits";
        grow(&mut row.collateral, share(state.product, seized, state.deposits, formula)?, formula)?;
        self.put_scale(branch, state.scale, row)?;
        let formula = "P = P * (deposits - debt) / deposits";
        let left = sub(state.deposits, debt, formula)?;
        let mut numerator = mul(state.product, left, formula)?;
        let divide =
            |numerator: &U256| numerator.div(state.deposits, Down).ok_or(Refusal::DivisionByZero(formula));
        let mut product = divide(&numerator)?;
        if product == U256::ZERO {
            return Err(Refusal::Overflow(PRODUCT_ZERO));
        }
        while product < LEAST_PRODUCT {
            numerator = mul(numerator, SCALE_FACTOR, formula)?;
            product = divide(&numerator)?;
            state.scale = state.scale.checked_add(1).ok_or(Refusal::Overflow("scale of P"))?;
        }
        state.product = product;
        state.deposits = left;
        grow(&mut state.pool_collateral, seized, "collateral of the stability pool")?;
        shrink(&mut state.active_collateral, seized, "collateral of the branch")?;
        *self.branch_mut(branch)? = state;
        self.burn(debt, Party::StabilityPool)?;
        self.effects.flow(token(branch), seized, Party::Pool, Party::StabilityPool);
        Ok(())
    }

    /// What a deposit has earned of collateral and yield (raw).
    pub(super) fn earned(&self, held: &Deposit) -> Result<[U256; 2], Refusal> {
        let state = self.branch(held.branch)?;
        let collateral = |scale| self.scale(held.branch, scale).collateral;
        let interest = |scale| self.scale(held.branch, scale).interest;
        Ok([
            held.gained(held.sum, collateral, state.pool_collateral)?,
            held.gained(held.interest, interest, state.yield_owed)?,
        ])
    }

    /// `provideToSP` and `withdrawFromSP`: interest first, then gains, then the amount.
    pub(super) fn stake(
        &mut self,
        branch: usize,
        paid: U256,
        asked: Option<U256>,
        claim: bool,
    ) -> Result<(), Refusal> {
        let nobody = Account::new(self.call.account);
        let account = self.accounts.get(self.call.account).unwrap_or(&nobody);
        let mut held = Deposit::of(account, branch)?;
        let (actor, party) = (self.call.actor, Party::Account(self.call.account));
        match asked {
            Some(_) if held.initial == U256::ZERO => return Err(Refusal::NothingHeld(deposit(branch))),
            None if paid == U256::ZERO => return Err(Refusal::AmountZero),
            _ => self.can_pay(actor, paid)?,
        }
        self.accrue(branch)?;
        let [collateral_gain, yield_gain] = self.earned(&held)?;
        let mut state = self.branch(branch)?;
        let compounded = held.compounded(&state)?;
        let taken = asked.unwrap_or(U256::ZERO).min(compounded);
        let (kept, sent) = if claim { (U256::ZERO, yield_gain) } else { (yield_gain, U256::ZERO) };
        let what = "deposit + amount + yield";
        let after = add(add(compounded.sub_or_zero(taken), paid, what)?, kept, what)?;
        let stash = add(held.stash, collateral_gain, "collateral gain")?;
        let (stash, claimed) = if claim { (U256::ZERO, stash) } else { (stash, U256::ZERO) };

        // The deposit is counted anew: what offsets took of it is gone, what is added is added.
        self.effects.flow(deposit(branch), held.initial.sub_or_zero(compounded), party, Party::Loss);
        self.effects.flow(deposit(branch), taken, party, Party::Burn);
        self.effects.flow(deposit(branch), paid, Party::Mint, party);
        self.effects.flow(deposit(branch), kept, Party::Mint, party);
        self.effects.flow(gain(branch), collateral_gain, Party::Mint, party);
        self.effects.flow(gain(branch), claimed, party, Party::Burn);
        self.effects.flow(token(branch), claimed, Party::StabilityPool, Party::Wallet(actor));
        self.effects.flow(BOLD, paid, self.purse(actor), Party::StabilityPool);
        let back = add(taken, sent, "withdrawn + yield")?;
        self.effects.flow(BOLD, back, Party::StabilityPool, self.purse(actor));

        let row = self.scale(branch, state.scale);
        held = Deposit {
            initial: after,
            stash,
            product: U256::ZERO,
            sum: U256::ZERO,
            interest: U256::ZERO,
            scale: 0,
            branch,
        };
        if after != U256::ZERO {
            held.product = state.product;
            held.sum = row.collateral;
            held.interest = row.interest;
            held.scale = state.scale;
        }
        let terms = held.terms().into_iter().filter(|(term, value)| account.term(*term) != *value);
        self.effects.terms.extend(terms.map(|(term, value)| (self.call.account, term, value)));

        shrink(&mut state.yield_owed, yield_gain, "owed yield")?;
        grow(&mut state.deposits, add(paid, kept, what)?, "deposits")?;
        shrink(&mut state.deposits, taken, "deposits")?;
        shrink(&mut state.pool_collateral, claimed, "collateral of the stability pool")?;
        *self.branch_mut(branch)? = state;
        if asked.is_some() {
            if state.deposits < LEAST_DEPOSITS {
                return Err(Refusal::PoolMinimum);
            }
            return Ok(());
        }
        // Yield that waited for a deposit waits no longer.
        self.distribute(branch, U256::ZERO)
    }

    /// `claimAllCollGains`: what was left in, of an account without a deposit.
    pub(super) fn claim_gain(&mut self, branch: usize) -> Result<(), Refusal> {
        let nobody = Account::new(self.call.account);
        let account = self.accounts.get(self.call.account).unwrap_or(&nobody);
        let held = Deposit::of(account, branch)?;
        if held.initial != U256::ZERO {
            return Err(Refusal::StillDeposited);
        }
        self.accrue(branch)?;
        if held.stash == U256::ZERO {
            return Err(Refusal::NothingHeld(gain(branch)));
        }
        let what = "collateral of the stability pool";
        shrink(&mut self.branch_mut(branch)?.pool_collateral, held.stash, what)?;
        self.effects.flow(gain(branch), held.stash, Party::Account(self.call.account), Party::Burn);
        self.effects.flow(token(branch), held.stash, Party::StabilityPool, Party::Wallet(self.call.actor));
        Ok(())
    }
}

/// Yield that a deposit would have after interest to now (`getDepositorYieldGainWithPending`).
pub(super) fn with_pending(
    held: &Deposit,
    state: &Branch,
    sums: impl Fn(u64) -> U256,
    at: Time,
) -> Result<U256, Refusal> {
    if held.initial == U256::ZERO || state.deposits < LEAST_DEPOSITS {
        return Ok(U256::ZERO);
    }
    let pending =
        share(state.pending_interest(at)?, POOL_PART, WAD.value(), "interest for the stability pool")?;
    let added = share(state.product, pending, state.deposits, "yield per deposit = P * yield / deposits")?;
    let most = add(state.yield_owed, pending, "owed yield")?;
    // Of the pool's own scale; older scales see a billionth of it for each lift, up to two.
    let mut sum =
        sums(held.scale).sub(held.interest).ok_or(Refusal::InconsistentAccount("a yield from the future"))?;
    for lifts in 1..=2u8 {
        let factor = U256::pow10(lifts * 9).unwrap_or(U256::MAX);
        let later = sums(held.scale.saturating_add(lifts.into()));
        sum = add(sum, later.div(factor, Down).unwrap_or(U256::ZERO), "sum of gains")?;
    }
    let lifted = state.scale.saturating_sub(held.scale);
    if let Some(lifts) = u8::try_from(lifted).ok().filter(|lifts| *lifts <= 2) {
        let factor = U256::pow10(lifts * 9).unwrap_or(U256::MAX);
        sum = add(sum, added.div(factor, Down).unwrap_or(U256::ZERO), "sum of gains")?;
    }
    Ok(share(held.initial, sum, held.product, "gain = deposit * sum / P then")?.min(most))
}
