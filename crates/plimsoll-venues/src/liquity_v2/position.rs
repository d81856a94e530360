//! What an account is here: a trove of one branch, or a person with BOLD, a deposit in one stability pool, and claims.

use super::arith::{RAW, add, interest, mul, ratio};
use super::state::{Batch, Branch};
use super::{DEBT, Market, SHARES, collateral, surplus};
use plimsoll_core::Rounding::Down;
use plimsoll_core::{
    Account, AccountId, Arithmetic, Int, Refusal, Subject, TermId, TermSpec, Time, Trace, U256, Unit, WAD,
};

/// A trove's yearly interest (wad); zero while it is in a batch.
pub const RATE: TermId = TermId(0);
/// The manager of a trove's batch: the account's number and one; zero for none.
pub const BATCH: TermId = TermId(1);
/// A trove's branch, from 1.
pub const BRANCH: TermId = TermId(2);
/// A trove's [`Status`]; zero where there is no trove.
pub const STATUS: TermId = TermId(3);
/// To whom what a liquidation leaves over belongs: the account's number and one; zero for the trove itself.
pub const OWNER: TermId = TermId(4);
/// A trove's part in redistributions (raw).
pub const STAKE: TermId = TermId(5);
/// Collateral redistributed for one stake when the trove last took its part (wad).
pub const SNAPSHOT_COLLATERAL: TermId = TermId(6);
/// Debt redistributed for one stake, then (wad).
pub const SNAPSHOT_DEBT: TermId = TermId(7);
/// When a trove's debt was last brought up to date (s).
pub const LAST_UPDATE: TermId = TermId(8);
/// When a trove's rate was last set (s).
pub const LAST_CHANGE: TermId = TermId(9);
/// The next trove of a rate not lower: the account's number and one; zero at the head.
pub const PREVIOUS: TermId = TermId(10);
/// The next trove of a rate not higher; zero at the tail.
pub const NEXT: TermId = TermId(11);
/// One where the account's BOLD is all that it pays with; zero where it pays out of what nobody listed.
pub const PURSE: TermId = TermId(12);
/// The stability pool's product P at the deposit (1e36).
pub const SNAPSHOT_PRODUCT: TermId = TermId(13);
/// Its collateral sum S, then.
pub const SNAPSHOT_SUM: TermId = TermId(14);
/// Its yield sum B, then.
pub const SNAPSHOT_YIELD: TermId = TermId(15);
/// Its scale, then.
pub const SNAPSHOT_SCALE: TermId = TermId(16);

pub(super) const TERMS: &[TermSpec] = &[
    TermSpec::new(RATE, "rate", Unit::WAD),
    TermSpec::new(BATCH, "batch", Unit::NUMBER),
    TermSpec::new(BRANCH, "branch", Unit::NUMBER),
    TermSpec::new(STATUS, "status", Unit::NUMBER),
    TermSpec::new(OWNER, "owner", Unit::NUMBER),
    TermSpec::new(STAKE, "stake", RAW),
    TermSpec::new(SNAPSHOT_COLLATERAL, "snapshot_collateral", Unit::WAD),
    TermSpec::new(SNAPSHOT_DEBT, "snapshot_debt", Unit::WAD),
    TermSpec::new(LAST_UPDATE, "last_update", Unit::SECONDS),
    TermSpec::new(LAST_CHANGE, "last_change", Unit::SECONDS),
    TermSpec::new(PREVIOUS, "previous", Unit::NUMBER),
    TermSpec::new(NEXT, "next", Unit::NUMBER),
    TermSpec::new(PURSE, "purse", Unit::NUMBER),
    TermSpec::new(SNAPSHOT_PRODUCT, "snapshot_product", Unit::raw(36)),
    TermSpec::new(SNAPSHOT_SUM, "snapshot_sum", Unit::raw(36)),
    TermSpec::new(SNAPSHOT_YIELD, "snapshot_yield", Unit::raw(36)),
    TermSpec::new(SNAPSHOT_SCALE, "snapshot_scale", Unit::NUMBER),
];

/// The state of a trove, numbered as in `ITroveManager.Status`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// In the list.
    Active = 1,
    /// Closed by its owner.
    Closed = 2,
    /// Closed by a liquidation.
    Liquidated = 3,
    /// Out of the list after a redemption: its debt is less than the minimum.
    Zombie = 4,
}

impl Status {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Closed => "closed",
            Status::Liquidated => "liquidated",
            Status::Zombie => "zombie",
        }
    }

    pub(super) fn of(number: u64) -> Option<Status> {
        [Status::Active, Status::Closed, Status::Liquidated, Status::Zombie]
            .into_iter()
            .find(|status| *status as u64 == number)
    }
}

pub(super) const BAD_TERM: Refusal = Refusal::InconsistentAccount("a term that no trove or deposit can have");
pub(super) const BAD_HOLDING: Refusal =
    Refusal::InconsistentAccount("a holding that no trove or person can have");

pub(super) fn word(account: &Account, term: TermId) -> Result<U256, Refusal> {
    account.term(term).to_u256().ok_or(BAD_TERM)
}

pub(super) fn number(account: &Account, term: TermId) -> Result<u64, Refusal> {
    account.term(term).to_u64().ok_or(BAD_TERM)
}

pub(super) fn held(account: &Account, instrument: plimsoll_core::InstrumentId) -> Result<U256, Refusal> {
    account.quantity(instrument).to_u256().ok_or(BAD_HOLDING)
}

/// Whether an account is, or was, a trove.
pub(super) fn is_trove(account: &Account) -> bool {
    !account.term(STATUS).is_zero()
}

/// Whether an account's BOLD is all that it pays with.
pub(super) fn is_purse(account: &Account) -> bool {
    !account.term(PURSE).is_zero() && !is_trove(account)
}

/// An account's number and one, as terms and cells keep it; zero stands for nobody.
pub(super) fn mark(id: AccountId) -> Result<u64, Refusal> {
    id.0.checked_add(1).ok_or(Refusal::NoSuchAccount)
}

/// The account that a term or cell means.
pub(super) fn marked(mark: u64) -> Option<AccountId> {
    mark.checked_sub(1).map(AccountId)
}

/// A trove as the contracts store it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trove {
    pub(super) id: AccountId,
    pub(super) branch: usize,
    pub(super) status: Status,
    pub(super) owner: u64,
    pub(super) rate: U256,
    pub(super) batch: Option<AccountId>,
    pub(super) debt: U256,
    pub(super) shares: U256,
    pub(super) collateral: U256,
    pub(super) stake: U256,
    pub(super) snapshot_collateral: U256,
    pub(super) snapshot_debt: U256,
    pub(super) last_update: u64,
    pub(super) last_change: u64,
    pub(super) previous: u64,
    pub(super) next: u64,
}

impl Trove {
    /// A trove that owes and holds nothing yet.
    pub(super) fn new(id: AccountId, branch: usize) -> Trove {
        let zero = U256::ZERO;
        Trove {
            id,
            branch,
            status: Status::Active,
            owner: 0,
            rate: zero,
            batch: None,
            debt: zero,
            shares: zero,
            collateral: zero,
            stake: zero,
            snapshot_collateral: zero,
            snapshot_debt: zero,
            last_update: 0,
            last_change: 0,
            previous: 0,
            next: 0,
        }
    }

    /// The trove that an account is, or was.
    ///
    /// # Errors
    /// [`Refusal::PositionNotOpen`] where it never was one; [`Refusal::InconsistentAccount`].
    pub(super) fn of(account: &Account, market: &Market) -> Result<Trove, Refusal> {
        if !is_trove(account) {
            return Err(Refusal::PositionNotOpen);
        }
        let branch = usize::try_from(number(account, BRANCH)?).ok().and_then(|branch| branch.checked_sub(1));
        let branch = branch.filter(|branch| *branch < market.branches.len()).ok_or(BAD_TERM)?;
        for holding in account.holdings() {
            // A surplus is held here where the trove is its own owner.
            if ![DEBT, SHARES, collateral(branch), surplus(branch)].contains(&holding.instrument) {
                return Err(BAD_HOLDING);
            }
        }
        let batch = marked(number(account, BATCH)?);
        let (debt, shares) = (held(account, DEBT)?, held(account, SHARES)?);
        if (batch.is_some() && debt != U256::ZERO) || (batch.is_none() && shares != U256::ZERO) {
            return Err(Refusal::InconsistentAccount("debt and batch shares in one trove"));
        }
        Ok(Trove {
            id: account.id,
            branch,
            status: Status::of(number(account, STATUS)?).ok_or(BAD_TERM)?,
            owner: number(account, OWNER)?,
            rate: word(account, RATE)?,
            batch,
            debt,
            shares,
            collateral: held(account, collateral(branch))?,
            stake: word(account, STAKE)?,
            snapshot_collateral: word(account, SNAPSHOT_COLLATERAL)?,
            snapshot_debt: word(account, SNAPSHOT_DEBT)?,
            last_update: number(account, LAST_UPDATE)?,
            last_change: number(account, LAST_CHANGE)?,
            previous: number(account, PREVIOUS)?,
            next: number(account, NEXT)?,
        })
    }

    /// Every term, with its value.
    pub(super) fn terms(&self) -> Result<[(TermId, Int); 12], Refusal> {
        let batch = self.batch.map_or(Ok(0), mark)?;
        Ok([
            (RATE, self.rate.into()),
            (BATCH, Int::from(batch)),
            (BRANCH, Int::from(self.branch as u64 + 1)),
            (STATUS, Int::from(self.status as u64)),
            (OWNER, Int::from(self.owner)),
            (STAKE, self.stake.into()),
            (SNAPSHOT_COLLATERAL, self.snapshot_collateral.into()),
            (SNAPSHOT_DEBT, self.snapshot_debt.into()),
            (LAST_UPDATE, Int::from(self.last_update)),
            (LAST_CHANGE, Int::from(self.last_change)),
            (PREVIOUS, Int::from(self.previous)),
            (NEXT, Int::from(self.next)),
        ])
    }

    pub(super) fn is_open(&self) -> bool {
        matches!(self.status, Status::Active | Status::Zombie)
    }

    /// What it owes and holds now, with its part of what was redistributed (`getLatestTroveData`).
    pub(super) fn latest<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        branch: &Branch,
        batch: Option<&Batch>,
        at: Time,
    ) -> Result<Latest, Refusal> {
        let wad = WAD.value();
        let since = |sum: U256, snapshot: U256| sum.sub(snapshot).ok_or(BAD_TERM);
        let debts = since(branch.redistributed_debt, self.snapshot_debt)?;
        let collaterals = since(branch.redistributed_collateral, self.snapshot_collateral)?;
        t.about(Subject::Holding(collateral(self.branch)));
        t.given("collateral of the trove, as recorded", self.collateral, RAW);
        let formula = "redistributed collateral = stake * collateral per stake since";
        let redistributed_collateral = t.mul_div(formula, self.stake, collaterals, wad, Down, RAW)?;
        let formula = "collateral = recorded + redistributed";
        let entire_collateral = t.add(formula, self.collateral, redistributed_collateral, RAW)?;
        t.about(Subject::Holding(if batch.is_some() { SHARES } else { DEBT }));
        let mut latest = Latest {
            recorded: self.debt,
            redistributed_debt: U256::ZERO,
            redistributed_collateral,
            interest: U256::ZERO,
            fee: U256::ZERO,
            weighted: U256::ZERO,
            rate: self.rate,
            last_change: self.last_change,
            debt: U256::ZERO,
            collateral: entire_collateral,
        };
        match batch {
            Some(batch) => {
                let all = batch.latest(t, branch, at)?;
                latest.rate = batch.rate;
                latest.last_change = batch.last_change.max(self.last_change);
                if batch.shares != U256::ZERO {
                    let (own, every) = (self.shares, batch.shares);
                    let formula = "recorded debt = debt of the batch * shares / all shares";
                    latest.recorded = t.mul_div(formula, batch.debt, own, every, Down, RAW)?;
                    let formula = "interest = interest of the batch * shares / all shares";
                    latest.interest = t.mul_div(formula, all.interest, own, every, Down, RAW)?;
                    let formula = "batch fee = fee of the batch * shares / all shares";
                    latest.fee = t.mul_div(formula, all.fee, own, every, Down, RAW)?;
                }
                latest.weighted = mul(latest.recorded, batch.rate, "recorded debt * rate")?;
            }
            None => {
                t.given("debt of the trove, as recorded", self.debt, RAW);
                latest.weighted = mul(self.debt, self.rate, "recorded debt * rate")?;
                let seconds = branch.seconds(self.last_update, at)?;
                if t.listens() {
                    t.mul("weighted debt = recorded debt * rate", self.debt, self.rate, Unit::raw(36))?;
                }
                let formula = "interest = weighted debt * seconds / (31536000 * 1e18)";
                latest.interest = interest(t, formula, latest.weighted, seconds)?;
            }
        }
        let formula = "redistributed debt = stake * debt per stake since";
        latest.redistributed_debt = t.mul_div(formula, self.stake, debts, wad, Down, RAW)?;
        let debt = t.add("recorded + redistributed", latest.recorded, latest.redistributed_debt, RAW)?;
        let debt = t.add("recorded + redistributed + interest", debt, latest.interest, RAW)?;
        latest.debt = t.add("debt = all that + batch fee", debt, latest.fee, RAW)?;
        Ok(latest)
    }
}

/// A trove with everything that has accrued to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Latest {
    /// Debt to its last update, or its part of its batch's (raw).
    pub(super) recorded: U256,
    pub(super) redistributed_debt: U256,
    pub(super) redistributed_collateral: U256,
    pub(super) interest: U256,
    /// Its part of the manager's fee (raw).
    pub(super) fee: U256,
    /// Recorded debt times rate (raw x wad).
    pub(super) weighted: U256,
    pub(super) rate: U256,
    pub(super) last_change: u64,
    /// Everything that it owes (raw).
    pub(super) debt: U256,
    /// Everything that it holds (raw).
    pub(super) collateral: U256,
}

impl Latest {
    /// The trove's collateral ratio (wad, floored) (`getCurrentICR`).
    pub(super) fn icr(&self, price: U256) -> Result<U256, Refusal> {
        ratio(self.collateral, self.debt, price)
    }

    /// Debt without what was redistributed (raw).
    pub(super) fn own_debt(&self) -> Result<U256, Refusal> {
        super::arith::sub(self.debt, self.redistributed_debt, "debt - redistributed debt")
    }
}

impl Batch {
    /// The batch with interest and fee to a time (`getLatestBatchData`).
    pub(super) fn latest<T: Trace + ?Sized>(
        &self,
        t: &mut T,
        branch: &Branch,
        at: Time,
    ) -> Result<LatestBatch, Refusal> {
        let seconds = branch.seconds(self.last_update, at)?;
        let weighted = mul(self.debt, self.rate, "debt of the batch * rate")?;
        let weighted_fee = mul(self.debt, self.fee, "debt of the batch * fee rate")?;
        let formula = "interest of the batch = debt * rate * seconds / (31536000 * 1e18)";
        let interest_due = interest(t, formula, weighted, seconds)?;
        let formula = "fee of the batch = debt * fee rate * seconds / (31536000 * 1e18)";
        let fee = interest(t, formula, weighted_fee, seconds)?;
        let debt = add(add(self.debt, interest_due, "debt of the batch")?, fee, "debt of the batch")?;
        Ok(LatestBatch { weighted, weighted_fee, interest: interest_due, fee, debt })
    }
}

/// A batch with everything that has accrued to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LatestBatch {
    /// Recorded debt times rate (raw x wad).
    pub weighted: U256,
    /// Recorded debt times management fee (raw x wad).
    pub weighted_fee: U256,
    /// Interest that is not yet recorded (raw).
    pub interest: U256,
    /// The manager's fee that is not yet recorded (raw).
    pub fee: U256,
    /// With interest and fee (raw).
    pub debt: U256,
}
