//! A person: BOLD, a deposit in one stability pool, and claims.

use super::arith::{add, share};
use super::position::{
    BAD_HOLDING, BAD_TERM, SNAPSHOT_PRODUCT, SNAPSHOT_SCALE, SNAPSHOT_SUM, SNAPSHOT_YIELD, held, is_trove,
    number, word,
};
use super::state::Branch;
use super::{BOLD, deposit, gain, of_instrument, surplus};
use plimsoll_core::Rounding::Down;
use plimsoll_core::{Account, Int, Refusal, TermId, U256};

/// What a person has beside troves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deposit {
    pub(super) branch: usize,
    /// What the deposit was when it was last touched (raw).
    pub(super) initial: U256,
    /// Collateral that it has earned and left in (raw).
    pub(super) stash: U256,
    pub(super) product: U256,
    pub(super) sum: U256,
    pub(super) interest: U256,
    pub(super) scale: u64,
}

impl Deposit {
    /// What an account has in the stability pool of one branch.
    ///
    /// # Errors
    /// [`Refusal::InconsistentAccount`] for an account with a deposit in another one.
    pub(super) fn of(account: &Account, branch: usize) -> Result<Deposit, Refusal> {
        if is_trove(account) {
            return Err(Refusal::InconsistentAccount("a trove with a deposit"));
        }
        for holding in account.holdings() {
            let other = match of_instrument(holding.instrument) {
                Some((other, _)) if holding.instrument == deposit(other) => Some(other),
                _ => None,
            };
            if other.is_some_and(|other| other != branch) {
                return Err(Refusal::InconsistentAccount("deposits in two stability pools"));
            }
        }
        Ok(Deposit {
            branch,
            initial: held(account, deposit(branch))?,
            stash: held(account, gain(branch))?,
            product: word(account, SNAPSHOT_PRODUCT)?,
            sum: word(account, SNAPSHOT_SUM)?,
            interest: word(account, SNAPSHOT_YIELD)?,
            scale: number(account, SNAPSHOT_SCALE)?,
        })
    }

    /// The branch that a person's account has a deposit or a stash in.
    pub(super) fn branch_of(account: &Account) -> Option<usize> {
        account.holdings().iter().find_map(|holding| {
            let (branch, _) = of_instrument(holding.instrument)?;
            (holding.instrument == deposit(branch)).then_some(branch)
        })
    }

    pub(super) fn terms(&self) -> [(TermId, Int); 4] {
        [
            (SNAPSHOT_PRODUCT, self.product.into()),
            (SNAPSHOT_SUM, self.sum.into()),
            (SNAPSHOT_YIELD, self.interest.into()),
            (SNAPSHOT_SCALE, Int::from(self.scale)),
        ]
    }

    /// What offsets have left of it (raw, floored) (`getCompoundedBoldDeposit`).
    pub(super) fn compounded(&self, branch: &Branch) -> Result<U256, Refusal> {
        if self.initial == U256::ZERO {
            return Ok(U256::ZERO);
        }
        let lifted = branch.scale.checked_sub(self.scale).ok_or(BAD_TERM)?;
        // Beyond eight lifts nothing is left (`MAX_SCALE_FACTOR_EXPONENT`).
        let Some(factor) = u8::try_from(lifted).ok().filter(|lifted| *lifted <= 8) else {
            return Ok(U256::ZERO);
        };
        let left = share(self.initial, branch.product, self.product, "deposit * P / P then")?;
        let factor = U256::pow10(factor * 9).unwrap_or(U256::MAX);
        left.div(factor, Down).ok_or(Refusal::DivisionByZero("deposit * P / P then"))
    }

    /// What one of the pool's two sums has added since (raw, floored): the sum of the deposit's own scale and of the two
    /// that followed, a billionth each (`getDepositorCollGain`, `getDepositorYieldGain`).
    pub(super) fn gained(&self, then: U256, sums: impl Fn(u64) -> U256, most: U256) -> Result<U256, Refusal> {
        if self.initial == U256::ZERO {
            return Ok(U256::ZERO);
        }
        let mut sum = sums(self.scale).sub(then).ok_or(BAD_TERM)?;
        for lifts in 1..=2u8 {
            let factor = U256::pow10(lifts * 9).unwrap_or(U256::MAX);
            let later = sums(self.scale.saturating_add(lifts.into())).div(factor, Down).unwrap_or(U256::ZERO);
            sum = add(sum, later, "sum of gains")?;
        }
        Ok(share(self.initial, sum, self.product, "gain = deposit * sum / P then")?.min(most))
    }
}

/// A person's account holds nothing but BOLD, deposits, gains and surpluses.
pub(super) fn check_person(account: &Account, branches: usize) -> Result<(), Refusal> {
    let fits = |instrument| {
        instrument == BOLD
            || of_instrument(instrument).is_some_and(|(branch, _)| {
                branch < branches && [deposit(branch), gain(branch), surplus(branch)].contains(&instrument)
            })
    };
    let bad =
        account.holdings().iter().find(|holding| holding.quantity.is_negative() || !fits(holding.instrument));
    match bad {
        Some(bad) if of_instrument(bad.instrument).is_some_and(|(branch, _)| branch >= branches) => {
            Err(Refusal::NoSuchInstrument(bad.instrument))
        }
        Some(_) => Err(BAD_HOLDING),
        None => Ok(()),
    }
}
