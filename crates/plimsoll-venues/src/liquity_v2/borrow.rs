//! What a borrower does with one trove: `BorrowerOperations.sol`, in the order of its checks.

use super::arith::{add, mul, sub};
use super::pool::Change;
use super::position::{BATCH, Latest, OWNER, RATE, Status, Trove, is_purse, is_trove, mark, marked};
use super::state::Batch;
use super::turn::{GAS_RESERVE, Turn};
use super::{DEBT, SHARES, deposit, token};
use plimsoll_core::{AccountId, Amount, InstrumentId, Int, Party, Refusal, TermId, U256};

/// No trove owes less (raw) (`MIN_DEBT`).
pub const MIN_DEBT: U256 = U256::new(2000 * 10u128.pow(18));
/// No rate is lower (wad) (`MIN_ANNUAL_INTEREST_RATE`).
pub const MIN_RATE: U256 = U256::new(5_000_000_000_000_000);
/// No rate is higher (wad) (`MAX_ANNUAL_INTEREST_RATE`).
pub const MAX_RATE: U256 = U256::new(2_500_000_000_000_000_000);
/// A rate that is changed sooner costs a fee (s) (`INTEREST_RATE_ADJ_COOLDOWN`).
pub(super) const COOLDOWN: u64 = 7 * 86_400;

/// A change of collateral or debt with its sign, as a call has it.
#[derive(Clone, Copy)]
pub(super) struct Wish {
    pub(super) collateral: Int,
    pub(super) debt: Int,
    pub(super) collateral_party: AccountId,
    pub(super) debt_party: AccountId,
}

pub(super) fn valid_rate(rate: U256) -> Result<(), Refusal> {
    if rate < MIN_RATE {
        return Err(Refusal::RateTooLow { least: MIN_RATE });
    }
    if rate > MAX_RATE { Err(Refusal::RateTooHigh { most: MAX_RATE }) } else { Ok(()) }
}

/// The amount of a call in raw tokens.
pub(super) fn raw(amount: Amount) -> Result<U256, Refusal> {
    match amount {
        Amount::Assets(amount) => Ok(amount),
        Amount::Shares(_) | Amount::All => Err(Refusal::NotAtThisVenue),
    }
}

impl Turn<'_> {
    /// The trove that the call is about, if it is in the list.
    fn active(&self) -> Result<Trove, Refusal> {
        let trove = self.trove(self.call.account).map_err(not_active)?;
        if trove.status == Status::Active { Ok(trove) } else { Err(Refusal::PositionNotActive) }
    }

    fn zombie(&self) -> Result<Trove, Refusal> {
        let trove = self.trove(self.call.account).map_err(not_zombie)?;
        if trove.status == Status::Zombie { Ok(trove) } else { Err(Refusal::PositionNotDormant) }
    }

    /// Refuses a caller who is not the owner, where that is a person who pays with an account of his own: of others the
    /// market does not know who they are, and whoever calls may. Nobody has named a manager.
    pub(super) fn by_owner(&self, trove: &Trove) -> Result<(), Refusal> {
        let owner = marked(trove.owner).filter(|owner| self.accounts.get(*owner).is_some_and(is_purse));
        let may = owner.is_none_or(|owner| [owner, trove.id].contains(&self.call.actor));
        if may { Ok(()) } else { Err(Refusal::NoConsent("the owner of the trove")) }
    }

    pub(super) fn open_trove(&self) -> Result<Trove, Refusal> {
        let trove = self.trove(self.call.account)?;
        if trove.is_open() { Ok(trove) } else { Err(Refusal::PositionNotOpen) }
    }

    /// `openTrove`, `openTroveAndJoinInterestBatchManager`.
    pub(super) fn open(
        &mut self,
        branch: usize,
        held: U256,
        lent: U256,
        terms: &[(TermId, Int)],
    ) -> Result<(), Refusal> {
        let mut trove = Trove::new(self.call.account, branch);
        for (term, value) in terms {
            match *term {
                RATE => trove.rate = value.to_u256().ok_or(Refusal::InconsistentInput)?,
                BATCH => trove.batch = marked(value.to_u64().ok_or(Refusal::InconsistentInput)?),
                OWNER => trove.owner = value.to_u64().ok_or(Refusal::InconsistentInput)?,
                _ => return Err(Refusal::InconsistentInput),
            }
        }
        let batch = match trove.batch {
            Some(_) if trove.rate != U256::ZERO => return Err(Refusal::InconsistentInput),
            None => valid_rate(trove.rate).map(|()| None)?,
            Some(manager) => Some(self.batch(branch, manager)?),
        };
        self.not_shut_down(branch)?;
        let price = self.price(branch)?;
        if self
            .accounts
            .get(trove.id)
            .is_some_and(|account| is_trove(account) || !account.holdings().is_empty())
        {
            return Err(Refusal::PositionExists);
        }
        let latest = batch.map(|batch| self.latest_batch(branch, &batch)).transpose()?;
        let (batch_debt, rate) = match (&batch, &latest) {
            (Some(batch), Some(latest)) => (latest.debt, batch.rate),
            _ => (U256::ZERO, trove.rate),
        };
        let mut change = Change { collateral_in: held, debt_up: lent, ..Change::default() };
        if let Some(latest) = &latest {
            change.batch_fee = latest.fee;
            change.old_weighted = latest.weighted;
            change.old_weighted_fee = latest.weighted_fee;
        }
        change.new_weighted = mul(add(batch_debt, lent, WEIGHTED)?, rate, WEIGHTED)?;
        change.upfront_fee = self.upfront_fee(branch, lent, &change)?;
        let debt = add(lent, change.upfront_fee, "debt + upfront fee")?;
        at_least_minimum(debt)?;
        change.new_weighted = mul(add(batch_debt, debt, WEIGHTED)?, rate, WEIGHTED)?;
        if let Some(batch) = &batch {
            change.new_weighted_fee = mul(add(batch_debt, debt, WEIGHTED)?, batch.fee, WEIGHTED)?;
        }
        self.above_mcr(&trove, held, debt, price)?;
        self.above_ccr(branch, &change, price)?;

        // After this point the trove is opened.
        self.account_for(branch, &change, trove.batch)?;
        self.post(&mut trove, held, self.call.actor)?;
        self.mint(lent, self.purse(self.call.actor))?;
        self.effects.flow(token(0), GAS_RESERVE, Party::Wallet(self.call.actor), Party::Pool);
        trove.last_change = self.at().0;
        self.snapshot(&mut trove)?;
        if batch.is_none() {
            trove.last_update = self.at().0;
            self.lend(&mut trove, debt)?;
        } else {
            self.update_shares(&mut trove, &change, debt, batch_debt, true)?;
        }
        self.restake(&mut trove)?;
        let state = self.branch_mut(branch)?;
        state.troves = state.troves.checked_add(1).ok_or(Refusal::Overflow("troves of the branch"))?;
        self.put(trove);
        self.insert(trove.id, rate)
    }

    /// Changes of one side: `addColl`, `withdrawColl`, `withdrawBold`, `repayBold`.
    pub(super) fn one_sided(
        &mut self,
        instrument: InstrumentId,
        amount: Amount,
        up: bool,
    ) -> Result<(), Refusal> {
        let zero = Int::ZERO;
        let actor = self.call.actor;
        let trove = self.active()?;
        let amount = match amount {
            Amount::All if up => return Err(Refusal::NotAtThisVenue),
            Amount::All => {
                let latest = self.latest(&trove)?;
                if instrument == DEBT || instrument == SHARES { latest.debt } else { latest.collateral }
            }
            other => raw(other)?,
        };
        let signed = if up { Int::from(amount) } else { Int::from(amount).neg() };
        let (collateral, debt) = match instrument {
            other if is_debt(&trove, other) => (zero, signed),
            other if other == super::collateral(trove.branch) => (signed, zero),
            other => return Err(Refusal::NoSuchInstrument(other)),
        };
        self.adjust(trove, &Wish { collateral, debt, collateral_party: actor, debt_party: actor })
    }

    /// `adjustTrove`.
    pub(super) fn adjust_active(
        &mut self,
        instruments: [InstrumentId; 2],
        wish: &Wish,
    ) -> Result<(), Refusal> {
        let trove = self.active()?;
        expect(&trove, instruments)?;
        self.adjust(trove, wish)
    }

    /// `adjustZombieTrove`: back into the list.
    pub(super) fn reactivate(&mut self, instruments: [InstrumentId; 2], wish: &Wish) -> Result<(), Refusal> {
        let trove = self.zombie()?;
        expect(&trove, instruments)?;
        self.adjust(trove, wish)?;
        self.activate(trove.id)
    }

    pub(super) fn activate(&mut self, id: AccountId) -> Result<(), Refusal> {
        let mut trove = self.trove(id)?;
        trove.status = Status::Active;
        self.put(trove);
        let own = mark(id)?;
        let state = self.branch_mut(trove.branch)?;
        if state.last_zombie == own {
            state.last_zombie = 0;
        }
        let rate = self.batch_of(&trove)?.map_or(trove.rate, |batch| batch.rate);
        self.insert(id, rate)
    }

    /// `_adjustTrove`.
    fn adjust(&mut self, mut trove: Trove, wish: &Wish) -> Result<(), Refusal> {
        let branch = trove.branch;
        self.not_shut_down(branch)?;
        let price = self.price(branch)?;
        let state = self.branch(branch)?;
        let below_ccr = state.tcr(price, self.at())? < state.rules.ccr;
        let latest = self.latest(&trove)?;
        let mut change = Change::of(&latest);
        (change.collateral_in, change.collateral_out) = sides(&wish.collateral);
        (change.debt_up, change.debt_down) = sides(&wish.debt);
        // Anybody may put in and repay.
        if change.collateral_out != U256::ZERO || change.debt_up != U256::ZERO {
            self.by_owner(&trove)?;
        }
        if change.debt_down != U256::ZERO {
            // No more can be paid than leaves the minimum; the rest is paid by closing.
            change.debt_down = change.debt_down.min(latest.debt.sub_or_zero(MIN_DEBT));
            self.can_pay(wish.debt_party, change.debt_down)?;
        }
        let nothing =
            wish.collateral.is_zero() && change.debt_up == U256::ZERO && change.debt_down == U256::ZERO;
        if nothing {
            return Err(if wish.debt.is_zero() { Refusal::AmountZero } else { Refusal::DebtAtMinimum });
        }
        if change.collateral_out > latest.collateral {
            let (held, asked) = (latest.collateral, change.collateral_out);
            return Err(Refusal::AmountTooLarge { held, asked });
        }
        let what = "collateral of the trove";
        let held = sub(add(latest.collateral, change.collateral_in, what)?, change.collateral_out, what)?;
        let what = "debt of the trove";
        let owed = sub(add(latest.debt, change.debt_up, what)?, change.debt_down, what)?;

        let batch = self.batch_of(&trove)?;
        let batch_debt = match &batch {
            Some(batch) => {
                let all = self.latest_batch(branch, batch)?;
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
        weigh(&mut change, &latest, batch.as_ref().zip(batch_debt), owed)?;
        let mut debt = owed;
        if change.debt_up != U256::ZERO {
            change.upfront_fee = self.upfront_fee(branch, change.debt_up, &change)?;
            debt = add(owed, change.upfront_fee, "debt + upfront fee")?;
            weigh(&mut change, &latest, batch.as_ref().zip(batch_debt), debt)?;
        }
        at_least_minimum(debt)?;
        self.above_mcr(&trove, held, debt, price)?;
        self.in_mode(branch, &change, below_ccr, price)?;

        // After this point the adjustment is made.
        self.settle(&mut trove, &latest)?;
        match batch_debt {
            Some(batch_debt) => self.update_shares(&mut trove, &change, debt, batch_debt, true)?,
            None => {
                self.lend(&mut trove, change.debt_up)?;
                self.lend(&mut trove, change.upfront_fee)?;
                self.unlend(&mut trove, change.debt_down)?;
                trove.last_update = self.at().0;
            }
        }
        self.snapshot(&mut trove)?;
        self.account_for(branch, &change, trove.batch)?;
        self.mint(change.debt_up, self.purse(wish.debt_party))?;
        self.burn(change.debt_down, self.purse(wish.debt_party))?;
        self.post(&mut trove, change.collateral_in, wish.collateral_party)?;
        self.unpost(&mut trove, change.collateral_out, wish.collateral_party)?;
        self.restake(&mut trove)?;
        self.put(trove);
        Ok(())
    }

    /// `_requireValidAdjustmentInCurrentMode`, for the branch: below CCR nothing may make it worse.
    fn in_mode(&self, branch: usize, change: &Change, below_ccr: bool, price: U256) -> Result<(), Refusal> {
        if !below_ccr {
            return self.above_ccr(branch, change, price);
        }
        if change.debt_up != U256::ZERO {
            self.above_ccr(branch, change, price)?;
        }
        let paid = mul(change.debt_down, super::ONE, "repayment * 1e18")?;
        let taken = mul(change.collateral_out, price, "withdrawal * price")?;
        if paid < taken { Err(Refusal::RepaymentTooSmall) } else { Ok(()) }
    }

    /// `adjustTroveInterestRate`.
    pub(super) fn set_rate(&mut self, rate: U256) -> Result<(), Refusal> {
        let mut trove = self.trove(self.call.account)?;
        self.not_shut_down(trove.branch)?;
        valid_rate(rate)?;
        if trove.batch.is_some() {
            return Err(Refusal::InGroup);
        }
        // Whose it is is asked before its status, and a trove that ceased to be is nobody's.
        if !trove.is_open() {
            return Err(Refusal::PositionNotOpen);
        }
        self.by_owner(&trove)?;
        if trove.status != Status::Active {
            return Err(Refusal::PositionNotActive);
        }
        let latest = self.latest(&trove)?;
        if latest.rate == rate {
            return Err(Refusal::RateUnchanged);
        }
        let mut change = Change::of(&latest);
        change.old_weighted = latest.weighted;
        change.new_weighted = mul(latest.debt, rate, WEIGHTED)?;
        let debt = match self.in_cooldown(latest.last_change)? {
            true => self.premature(&trove, &latest, &mut change)?,
            false => latest.debt,
        };
        change.new_weighted = mul(debt, rate, WEIGHTED)?;

        // After this point the rate is set. The stake stays as it was.
        self.account_for(trove.branch, &change, None)?;
        self.remove(trove.id)?;
        trove = self.trove(trove.id)?;
        self.settle(&mut trove, &latest)?;
        self.lend(&mut trove, change.upfront_fee)?;
        trove.rate = rate;
        trove.last_update = self.at().0;
        trove.last_change = self.at().0;
        self.snapshot(&mut trove)?;
        self.put(trove);
        self.insert(trove.id, rate)
    }

    /// Whether a change now costs a fee: strictly before seven days have passed.
    pub(super) fn in_cooldown(&self, last_change: u64) -> Result<bool, Refusal> {
        let end = last_change.checked_add(COOLDOWN).ok_or(Refusal::Overflow("last change + 7 days"))?;
        Ok(self.at().0 < end)
    }

    /// The debt with a fee on all of it, if the trove and the branch carry that (`_applyUpfrontFee`).
    pub(super) fn premature(
        &mut self,
        trove: &Trove,
        latest: &Latest,
        change: &mut Change,
    ) -> Result<U256, Refusal> {
        let price = self.price(trove.branch)?;
        change.upfront_fee = self.upfront_fee(trove.branch, latest.debt, change)?;
        let debt = add(latest.debt, change.upfront_fee, "debt + upfront fee")?;
        self.above_mcr(trove, latest.collateral, debt, price)?;
        self.above_ccr(trove.branch, change, price)?;
        Ok(debt)
    }

    /// A deposit or withdrawal that names a stability pool.
    pub(super) fn pool_of(&self, instrument: InstrumentId) -> Option<usize> {
        let (branch, _) = super::of_instrument(instrument)?;
        (branch < self.branches.len() && instrument == deposit(branch)).then_some(branch)
    }
}

pub(super) const WEIGHTED: &str = "debt * rate";

/// The weighted sums after a trove owes `debt`: its own, or its batch's with what it takes over, borrows and repays.
pub(super) fn weigh(
    change: &mut Change,
    latest: &Latest,
    batch: Option<(&Batch, U256)>,
    debt: U256,
) -> Result<(), Refusal> {
    let Some((batch, batch_debt)) = batch else {
        change.new_weighted = mul(debt, latest.rate, WEIGHTED)?;
        return Ok(());
    };
    let what = "debt of the batch";
    let more = add(add(change.redistributed_debt, change.debt_up, what)?, change.upfront_fee, what)?;
    let after = sub(add(batch_debt, more, what)?, change.debt_down, what)?;
    change.new_weighted = mul(after, batch.rate, WEIGHTED)?;
    change.new_weighted_fee = mul(after, batch.fee, WEIGHTED)?;
    Ok(())
}

/// What is added, and what is taken away.
fn sides(change: &Int) -> (U256, U256) {
    let size = change.magnitude();
    if change.is_negative() { (U256::ZERO, size) } else { (size, U256::ZERO) }
}

fn at_least_minimum(debt: U256) -> Result<(), Refusal> {
    if debt < MIN_DEBT { Err(Refusal::DebtBelowMinimum { debt, least: MIN_DEBT }) } else { Ok(()) }
}

fn expect(trove: &Trove, [held, owed]: [InstrumentId; 2]) -> Result<(), Refusal> {
    if held != super::collateral(trove.branch) {
        return Err(Refusal::NoSuchInstrument(held));
    }
    if is_debt(trove, owed) { Ok(()) } else { Err(Refusal::NoSuchInstrument(owed)) }
}

/// Whether an instrument means the trove's debt: its own does always, the batch's shares do in a batch.
fn is_debt(trove: &Trove, instrument: InstrumentId) -> bool {
    instrument == DEBT || (instrument == SHARES && trove.batch.is_some())
}

fn not_active(refusal: Refusal) -> Refusal {
    if refusal == Refusal::PositionNotOpen { Refusal::PositionNotActive } else { refusal }
}

fn not_zombie(refusal: Refusal) -> Refusal {
    if refusal == Refusal::PositionNotOpen { Refusal::PositionNotDormant } else { refusal }
}
