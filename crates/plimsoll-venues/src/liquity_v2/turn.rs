//! One call while it is computed: what will be of the market and of the troves, and what moved.

use super::arith::{add, grow, ratio, shrink, sub};
use super::deposit::check_person;
use super::pool::Change;
use super::position::{Latest, LatestBatch, Trove, is_purse};
use super::state::{self, Batch, Branch, Scale, System};
use super::{BOLD, Market, PLACE_COLLATERAL, batch_object, collateral, of_instrument, scale_object, token};
use crate::table;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use plimsoll_core::{
    Account, AccountId, Accounts, Call, Effects, Feeds, InstrumentId, Party, Refusal, Time, Trace, U256,
};

/// A gas reserve that a trove is opened with, in the first branch's collateral (raw) (`ETH_GAS_COMPENSATION`).
pub(super) const GAS_RESERVE: U256 = U256::new(37_500_000_000_000_000);

pub(super) struct Turn<'a> {
    pub(super) market: &'a Market,
    pub(super) call: &'a Call,
    pub(super) accounts: &'a dyn Accounts,
    feeds: Feeds<'a>,
    pub(super) system: System,
    pub(super) branches: Vec<Branch>,
    batches: BTreeMap<u64, Batch>,
    scales: BTreeMap<u64, Scale>,
    troves: BTreeMap<AccountId, Trove>,
    pub(super) effects: Effects,
    pub(super) t: &'a mut dyn Trace,
}

impl<'a> Turn<'a> {
    pub(super) fn new(
        market: &'a Market,
        call: &'a Call,
        accounts: &'a dyn Accounts,
        feeds: Feeds<'a>,
        t: &'a mut dyn Trace,
    ) -> Result<Turn<'a>, Refusal> {
        market.check_clock(call.at)?;
        Ok(Turn {
            market,
            call,
            accounts,
            feeds,
            system: market.system,
            branches: market.branches.clone(),
            batches: BTreeMap::new(),
            scales: BTreeMap::new(),
            troves: BTreeMap::new(),
            effects: Effects::default(),
            t,
        })
    }

    /// Everything that changed, as effects.
    pub(super) fn finish(mut self) -> Result<Effects, Refusal> {
        self.count_listed()?;
        let (market, effects) = (self.market, &mut self.effects);
        table::diff(state::SYSTEM, 0, &market.system, &self.system, &mut effects.cells);
        for ((object, before), after) in (1..).zip(&market.branches).zip(&self.branches) {
            table::diff(state::BRANCH, object, before, after, &mut effects.cells);
        }
        for (object, after) in &self.scales {
            let before = market.scales.get(object).copied().unwrap_or_default();
            table::diff(state::SCALE, *object, &before, after, &mut effects.cells);
        }
        for (object, after) in &self.batches {
            let before = market.batches.get(object).copied().unwrap_or_default();
            table::diff(state::BATCH, *object, &before, after, &mut effects.cells);
        }
        for (id, trove) in &self.troves {
            let nobody = Account::new(*id);
            let account = self.accounts.get(*id).unwrap_or(&nobody);
            for (term, value) in trove.terms()? {
                if account.term(term) != value {
                    effects.terms.push((*id, term, value));
                }
            }
        }
        Ok(self.effects)
    }

    pub(super) fn at(&self) -> Time {
        self.call.at
    }

    pub(super) fn branch(&self, branch: usize) -> Result<Branch, Refusal> {
        self.branches.get(branch).copied().ok_or(Refusal::InconsistentInput)
    }

    pub(super) fn branch_mut(&mut self, branch: usize) -> Result<&mut Branch, Refusal> {
        self.branches.get_mut(branch).ok_or(Refusal::InconsistentInput)
    }

    /// The branch whose collateral receipt an action names.
    pub(super) fn branch_of(&self, instrument: InstrumentId) -> Result<usize, Refusal> {
        match of_instrument(instrument) {
            Some((branch, PLACE_COLLATERAL)) if branch < self.branches.len() => Ok(branch),
            _ => Err(Refusal::NoSuchInstrument(instrument)),
        }
    }

    pub(super) fn not_shut_down(&self, branch: usize) -> Result<(), Refusal> {
        if self.branch(branch)?.is_shut_down() { Err(Refusal::BranchShutDown) } else { Ok(()) }
    }

    pub(super) fn price(&self, branch: usize) -> Result<U256, Refusal> {
        super::price(self.feeds, branch)
    }

    // ---- troves and batches ----

    /// A trove as the calls before left it.
    pub(super) fn trove(&self, id: AccountId) -> Result<Trove, Refusal> {
        if let Some(trove) = self.troves.get(&id) {
            return Ok(*trove);
        }
        match self.accounts.get(id) {
            Some(account) => Trove::of(account, self.market),
            None => Err(Refusal::PositionNotOpen),
        }
    }

    pub(super) fn put(&mut self, trove: Trove) {
        self.troves.insert(trove.id, trove);
    }

    pub(super) fn batch(&self, branch: usize, manager: AccountId) -> Result<Batch, Refusal> {
        let object = batch_object(branch, manager).ok_or(Refusal::NoSuchManager)?;
        let batch = self.batches.get(&object).or_else(|| self.market.batches.get(&object));
        batch.copied().ok_or(Refusal::NoSuchManager)
    }

    pub(super) fn put_batch(
        &mut self,
        branch: usize,
        manager: AccountId,
        batch: Batch,
    ) -> Result<(), Refusal> {
        let object = batch_object(branch, manager).ok_or(Refusal::NoSuchManager)?;
        self.batches.insert(object, batch);
        Ok(())
    }

    pub(super) fn batch_of(&self, trove: &Trove) -> Result<Option<Batch>, Refusal> {
        trove.batch.map(|manager| self.batch(trove.branch, manager)).transpose()
    }

    pub(super) fn latest(&mut self, trove: &Trove) -> Result<Latest, Refusal> {
        let (branch, batch, at) = (self.branch(trove.branch)?, self.batch_of(trove)?, self.at());
        trove.latest(self.t, &branch, batch.as_ref(), at)
    }

    pub(super) fn latest_batch(&mut self, branch: usize, batch: &Batch) -> Result<LatestBatch, Refusal> {
        let (branch, at) = (self.branch(branch)?, self.at());
        batch.latest(&mut plimsoll_core::Silent, &branch, at)
    }

    pub(super) fn scale(&self, branch: usize, scale: u64) -> Scale {
        let Some(object) = scale_object(branch, scale) else { return Scale::default() };
        let row = self.scales.get(&object).or_else(|| self.market.scales.get(&object));
        row.copied().unwrap_or_default()
    }

    pub(super) fn put_scale(&mut self, branch: usize, scale: u64, row: Scale) -> Result<(), Refusal> {
        let object = scale_object(branch, scale).ok_or(Refusal::Overflow("scale of P"))?;
        self.scales.insert(object, row);
        Ok(())
    }

    // ---- tokens ----

    /// Where an actor keeps BOLD: in an account whose BOLD is all it has, or with everybody whom the market does not know.
    pub(super) fn purse(&self, actor: AccountId) -> Party {
        match self.accounts.get(actor) {
            Some(account) if is_purse(account) => Party::Account(actor),
            _ => Party::Wallet(actor),
        }
    }

    /// The most that an actor can pay (raw): what its account has, or all that is with nobody whom the market knows.
    fn purse_holds(&self, actor: AccountId) -> Result<U256, Refusal> {
        let party = self.purse(actor);
        let account = self.accounts.get(actor).filter(|_| party == Party::Account(actor));
        let Some(account) = account else { return Ok(self.system.unlisted(&self.branches)) };
        check_person(account, self.branches.len())?;
        let moved = self.effects.net(party, BOLD);
        let held = moved.and_then(|moved| account.quantity(BOLD).add(moved));
        held.and_then(plimsoll_core::Int::to_u256).ok_or(Refusal::Overflow("BOLD of the account"))
    }

    /// Refuses where an actor has less BOLD than it is to pay.
    pub(super) fn can_pay(&self, actor: AccountId, amount: U256) -> Result<(), Refusal> {
        let held = self.purse_holds(actor)?;
        if held < amount { Err(Refusal::BalanceTooLow { held, asked: amount }) } else { Ok(()) }
    }

    /// What accounts of the market have received and paid is listed, and no longer.
    fn count_listed(&mut self) -> Result<(), Refusal> {
        let what = "BOLD of the accounts listed";
        let flows = self.effects.flows.iter().filter(|flow| flow.instrument == BOLD);
        let (mut received, mut paid) = (U256::ZERO, U256::ZERO);
        for flow in flows {
            if matches!(flow.to, Party::Account(_)) {
                grow(&mut received, flow.amount, what)?;
            }
            if matches!(flow.from, Party::Account(_)) {
                grow(&mut paid, flow.amount, what)?;
            }
        }
        grow(&mut self.system.listed, received, what)?;
        shrink(&mut self.system.listed, paid, what)
    }

    pub(super) fn mint(&mut self, amount: U256, to: Party) -> Result<(), Refusal> {
        grow(&mut self.system.supply, amount, "all BOLD")?;
        self.effects.flow(BOLD, amount, Party::Mint, to);
        Ok(())
    }

    pub(super) fn burn(&mut self, amount: U256, from: Party) -> Result<(), Refusal> {
        shrink(&mut self.system.supply, amount, "all BOLD")?;
        self.effects.flow(BOLD, amount, from, Party::Burn);
        Ok(())
    }

    /// Collateral comes in and is a trove's.
    pub(super) fn post(&mut self, trove: &mut Trove, amount: U256, from: AccountId) -> Result<(), Refusal> {
        let what = "collateral of the branch";
        grow(&mut self.branch_mut(trove.branch)?.active_collateral, amount, what)?;
        grow(&mut trove.collateral, amount, "collateral of the trove")?;
        self.effects.flow(token(trove.branch), amount, Party::Wallet(from), Party::Pool);
        self.effects.flow(collateral(trove.branch), amount, Party::Mint, Party::Account(trove.id));
        Ok(())
    }

    /// Collateral of a trove goes out.
    pub(super) fn unpost(&mut self, trove: &mut Trove, amount: U256, to: AccountId) -> Result<(), Refusal> {
        let what = "collateral of the branch";
        shrink(&mut self.branch_mut(trove.branch)?.active_collateral, amount, what)?;
        shrink(&mut trove.collateral, amount, "collateral of the trove")?;
        self.effects.flow(collateral(trove.branch), amount, Party::Account(trove.id), Party::Burn);
        self.effects.flow(token(trove.branch), amount, Party::Pool, Party::Wallet(to));
        Ok(())
    }

    /// The ratio of the whole branch after a change (wad) (`_getNewTCRFromTroveChange`).
    pub(super) fn tcr(&self, branch: usize, change: &Change, price: U256) -> Result<U256, Refusal> {
        let state = self.branch(branch)?;
        let what = "collateral of the branch after the change";
        let held = add(state.entire_collateral()?, change.collateral_in, what)?;
        let held = sub(held, change.collateral_out, what)?;
        let what = "debt of the branch after the change";
        let owed = add(state.entire_debt(self.at())?, change.debt_up, what)?;
        let owed = sub(add(owed, change.upfront_fee, what)?, change.debt_down, what)?;
        ratio(held, owed, price)
    }

    /// Refuses where the branch would be below its CCR.
    pub(super) fn above_ccr(&self, branch: usize, change: &Change, price: U256) -> Result<(), Refusal> {
        let (tcr, ccr) = (self.tcr(branch, change, price)?, self.branch(branch)?.rules.ccr);
        if tcr < ccr { Err(Refusal::BranchBelowCcr { ratio: tcr, least: ccr }) } else { Ok(()) }
    }

    /// Refuses where a trove would be below what its branch asks of a new loan.
    pub(super) fn above_mcr(
        &self,
        trove: &Trove,
        held: U256,
        owed: U256,
        price: U256,
    ) -> Result<(), Refusal> {
        let rules = self.branch(trove.branch)?.rules;
        let icr = ratio(held, owed, price)?;
        if trove.batch.is_none() {
            let least = rules.mcr;
            return if icr < least { Err(Refusal::BelowMcr { ratio: icr, least }) } else { Ok(()) };
        }
        let least = add(rules.mcr, rules.bcr, "MCR + BCR")?;
        if icr < least { Err(Refusal::BelowBatchMcr { ratio: icr, least }) } else { Ok(()) }
    }
}
