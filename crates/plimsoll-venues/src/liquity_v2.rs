//! Liquity v2 (Bold) 1.0: the whole system, as `BorrowerOperations.sol`, `TroveManager.sol`, `ActivePool.sol`,
//! `StabilityPool.sol`, `SortedTroves.sol` and `CollateralRegistry.sol` compute it (liquity/bold, commit 405f912).
//!
//! One market is all branches together: each has its own collateral, price, troves and stability pool; BOLD, its
//! supply and the redemption fee are common to all. Units: BOLD and collateral raw (10^18 is one); rates, ratios and
//! prices in wad (a price is BOLD for one collateral, times 10^18); seconds.
//!
//! **A trove's debt and collateral** (`getLatestTroveData`), with L the sums of what was redistributed for one stake:
//!
//! ```text
//! collateral = recorded + floor(stake * (L_coll - snapshot) / 10^18)
//! debt       = recorded + floor(recorded * rate * seconds / 31536000 / 10^18)       two floors, as one
//!            + floor(stake * (L_debt - snapshot) / 10^18)
//! in a batch = floor(B * shares / all) + floor(interest * shares / all) + floor(fee * shares / all), and redistributed
//!              interest = floor(B * rate * seconds / ...), fee = floor(B * fee rate * seconds / ...)
//! ICR        = floor(collateral * price / debt), 2^256 - 1 without debt
//! ```
//!
//! Seconds end where the branch was shut down. All floors are for the borrower; the branch's own sums go up
//! (`calcPendingAggInterest`, `calcPendingAggBatchManagementFee`), so they are never less than their parts.
//!
//! **The lines.** Liquidatable: ICR < MCR. Borrowing asks ICR >= MCR, in a batch >= MCR + BCR, and of the branch
//! TCR >= CCR; below CCR nothing is lent unless that lifts the branch above, and no collateral leaves but against a
//! repayment of the same value. Debt is 2000 BOLD or more. Shutdown: TCR < SCR. Every loan pays seven days of interest
//! at the branch's average rate at once, and so does a rate changed within seven days (strictly; at seven days it is free).
//! Repaying stops at 2000 BOLD: all is repaid by closing.
//!
//! **Interest** is minted when a branch is touched: 75 % (floored) to its stability pool, the rest to the router. Yield
//! waits while deposits are less than one BOLD. The files beside this one have the other rules: `position` and `deposit` what
//! an account is, `pool` the sums and batch shares, `stability` the stability pool, `list` the order of redemption, `borrow`,
//! `close` and `batches` what a borrower and a manager do, `liquidate` and `redeem` what others do to a trove.
//!
//! **An account** is a trove, or a person: with BOLD, a deposit in one stability pool, what it earned, and what was left
//! over for it by liquidations. Who acts pays BOLD out of the actor's account where that says so ([`PURSE`]), else out of
//! what the market knows nobody to have (`System::unlisted`), and never more than there is of it. A batch is the market's: its manager's number stands in the cells.
//!
//! **Lenses.** Getters count interest to now, as a call does, so both lenses see the same debts and ratios. They differ in
//! the yield of a deposit: the view is `getDepositorYieldGain`, without interest that nobody minted yet; the action lens
//! is `getDepositorYieldGainWithPending`.
//!
//! **The form.** The two integers compared are collateral * price and debt * MCR, which is the contract's comparison without
//! its division (floor(x) < n is x < n for a whole n), in 10^-36 BOLD. The row's unit is that over 10^18 * 31536000.
//! Nodes: the price P, P * L_coll, L_debt and the clock of each branch, all exact, and floor(10^18 * B' / all shares) of
//! each batch with B' = B + interest + fee, whose error is below one.
//!
//! ```text
//! backing     = (recorded * 10^18 - stake * snapshot) * Y * P + stake * Y * (P * L_coll)          Y = 31536000
//! requirement = MCR * Y * (recorded * 10^18 + stake * (L_debt - snapshot)) + MCR * recorded * rate * (clock - last update)
//! in a batch, for recorded debt and interest: MCR * Y * shares * batch node
//! ```
//!
//! Slack: the floor of collateral takes less than one unit off backing's, worth less than P; the floors of interest and
//! of redistributed debt (in a batch: three of the shares, and one of redistribution) take less than two (four) units off
//! the debt, worth less than MCR each. So |row - headroom| < P + 2 MCR (4 MCR in a batch, and the node's error) in headroom
//! units; of a debt in shares that error is shares / 10^18 raw units. For the borrowing line values are whole BOLD units:
//! backing is floored and the requirement goes up, one unit each more. Monotone in the price: no row and no verdict falls
//! when it rises.
//!
//! Not modelled: managers whom an owner lets act for him, individual delegates, `kickFromBatch`, limits on the upfront fee,
//! the governance of the interest router, an oracle's failure, and a redemption price that differs from the price (the
//! staked-ether branches redeem at the higher of market and canonical rate).

mod state;
mod position;
mod back;
mod deposit;
mod standing;
mod form;
mod act;
mod turn;
mod pool;
mod list;
mod borrow;
mod close;
mod batches;
mod stability;
mod liquidate;
mod redeem;
mod arith;

pub use arith::{interest_of, ratio as collateral_ratio};
pub use batches::{MAX_FEE, MIN_CHANGE_PERIOD};
pub use borrow::{MAX_RATE, MIN_DEBT, MIN_RATE};
pub use liquidate::{Split, reward};
pub use position::{
    BATCH, BRANCH, LAST_CHANGE, LAST_UPDATE, LatestBatch as BatchNow, NEXT, OWNER, PREVIOUS, PURSE, RATE,
    SNAPSHOT_COLLATERAL, SNAPSHOT_DEBT, SNAPSHOT_PRODUCT, SNAPSHOT_SCALE, SNAPSHOT_SUM, SNAPSHOT_YIELD,
    STAKE, STATUS, Status,
};
pub use redeem::{ATTEMPTED, FEE_STEP, FEES, PAID_OUT, REDEEMED, TCR_STEP, decay_power};
pub use stability::PRODUCT_ZERO;
pub use state::{Batch, Branch, Parameters, Scale, System};

use crate::table;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use plimsoll_core::{
    Account, AccountId, Accounts, Call, Cell, Compiled, Counting, Effects, Encoded, Feeds, Instrument,
    InstrumentId, Int, Kind, Lens, Meaning, Mechanism, Nature, NodeSpec, PriceSlot, Question, Quoted,
    Refusal, TermId, TermSpec, Time, Trace, U256, Unit, WAD, WhyNot,
};
use position::Trove;
use turn::Turn;

const ONE: U256 = WAD.value();

/// The stablecoin itself.
pub const BOLD: InstrumentId = InstrumentId(0);
/// A trove's recorded debt.
pub const DEBT: InstrumentId = InstrumentId(1);
/// A batched trove's part of its batch's debt, in shares.
pub const SHARES: InstrumentId = InstrumentId(2);

/// How many instruments stand before those of branches, and how many each branch has.
const COMMON: u32 = 3;
const EACH: u32 = 5;
const PLACE_TOKEN: u32 = 0;
const PLACE_COLLATERAL: u32 = 1;
const PLACE_DEPOSIT: u32 = 2;
const PLACE_GAIN: u32 = 3;
const PLACE_SURPLUS: u32 = 4;

/// The most branches (`CollateralRegistry`).
pub const MOST_BRANCHES: usize = 10;

const fn instrument(branch: usize, place: u32) -> InstrumentId {
    // At most ten branches: no product can leave 32 bits.
    InstrumentId(COMMON + EACH * (branch as u32 % 1000) + place)
}

/// The collateral token of a branch.
#[must_use]
pub const fn token(branch: usize) -> InstrumentId {
    instrument(branch, PLACE_TOKEN)
}

/// Collateral in a trove of a branch.
#[must_use]
pub const fn collateral(branch: usize) -> InstrumentId {
    instrument(branch, PLACE_COLLATERAL)
}

/// A deposit in the stability pool of a branch, as it was when it was last touched.
#[must_use]
pub const fn deposit(branch: usize) -> InstrumentId {
    instrument(branch, PLACE_DEPOSIT)
}

/// Collateral that a deposit has earned and left in the stability pool (`stashedColl`).
#[must_use]
pub const fn gain(branch: usize) -> InstrumentId {
    instrument(branch, PLACE_GAIN)
}

/// Collateral left over by a liquidation, to be claimed.
#[must_use]
pub const fn surplus(branch: usize) -> InstrumentId {
    instrument(branch, PLACE_SURPLUS)
}

/// The branch of an instrument, and which of the branch's it is; `None` for those of all branches.
fn of_instrument(id: InstrumentId) -> Option<(usize, u32)> {
    let place = id.0.checked_sub(COMMON)?;
    Some((usize::try_from(place / EACH).ok()?, place % EACH))
}

// ---- objects of cells -----------------------------------------------------------------------------------------

const BATCHES: u64 = 1 << 62;
const SCALES: u64 = 1 << 61;
/// Accounts and scales below this have objects.
const ROOM: u64 = 1 << 48;

/// The object of a batch: of a branch and a manager; `None` for a manager whose number is too high.
#[must_use]
pub fn batch_object(branch: usize, manager: AccountId) -> Option<u64> {
    object(BATCHES, branch, manager.0)
}

/// The object of one scale of a stability pool.
#[must_use]
pub fn scale_object(branch: usize, scale: u64) -> Option<u64> {
    object(SCALES, branch, scale)
}

fn object(kind: u64, branch: usize, number: u64) -> Option<u64> {
    let branch = u64::try_from(branch).ok().filter(|branch| *branch < MOST_BRANCHES as u64)?;
    (number < ROOM).then_some(kind | (branch << 48) | number)
}

/// The branch and the number of an object of a kind.
fn of_object(kind: u64, object: u64) -> Option<(usize, u64)> {
    let rest = object.checked_sub(kind)?;
    let branch = usize::try_from(rest >> 48).ok()?;
    (rest < (MOST_BRANCHES as u64) << 48).then_some((branch, rest & (ROOM - 1)))
}

/// Branch and number of a scale's object.
#[must_use]
pub fn scale_of_object(object: u64) -> Option<(usize, u64)> {
    of_object(SCALES, object)
}

/// Branch and manager of a batch's object.
#[must_use]
pub fn batch_of_object(object: u64) -> Option<(usize, AccountId)> {
    let (branch, manager) = of_object(BATCHES, object)?;
    Some((branch, AccountId(manager)))
}

fn price(feeds: Feeds<'_>, branch: usize) -> Result<U256, Refusal> {
    let reading = feeds.get(branch);
    let why = reading.doubt.unwrap_or(plimsoll_core::Why::Missing);
    reading.value.ok_or(Refusal::PriceUnknown { slot: branch, why })
}

// ---- the market -----------------------------------------------------------------------------------------------

/// All branches of one deployment.
#[derive(Clone, Debug)]
pub struct Market {
    system: System,
    branches: Vec<Branch>,
    batches: BTreeMap<u64, Batch>,
    scales: BTreeMap<u64, Scale>,
    stablecoin: String,
    collaterals: Vec<String>,
    epoch: u64,
    instruments: Vec<Instrument>,
    slots: Vec<PriceSlot>,
    nodes: Vec<NodeSpec>,
}

impl Market {
    /// A system of these branches, each with the name of its collateral, in their order of deployment.
    ///
    /// # Errors
    /// [`Refusal::NoSuchCell`] for numbers that the contracts cannot hold, no branch or more than ten, and a collateral
    /// that has two branches.
    pub fn new(stablecoin: &str, system: System, branches: &[(&str, Branch)]) -> Result<Market, Refusal> {
        let names: Vec<&str> = branches.iter().map(|(name, _)| *name).collect();
        let twice =
            names.iter().enumerate().any(|(at, name)| *name == stablecoin || names[..at].contains(name));
        let count = 1..=MOST_BRANCHES;
        let sound = table::holds(state::SYSTEM, &system)
            && branches.iter().all(|(_, branch)| table::holds(state::BRANCH, branch));
        if twice || !count.contains(&branches.len()) || !sound {
            return Err(Refusal::NoSuchCell);
        }
        let mut market = Market {
            system,
            branches: branches.iter().map(|(_, branch)| *branch).collect(),
            batches: BTreeMap::new(),
            scales: BTreeMap::new(),
            stablecoin: stablecoin.into(),
            collaterals: names.into_iter().map(String::from).collect(),
            epoch: 0,
            instruments: Vec::new(),
            slots: Vec::new(),
            nodes: Vec::new(),
        };
        market.instruments = market.list_instruments();
        market.slots = market.collaterals.iter().map(|name| slot(name)).collect();
        market.nodes = form::specs(&market);
        Ok(market)
    }

    /// What all branches share.
    #[must_use]
    pub fn system(&self) -> &System {
        &self.system
    }

    /// The branches, in their order of deployment.
    #[must_use]
    pub fn branches(&self) -> &[Branch] {
        &self.branches
    }

    /// The names of the branches' collaterals.
    #[must_use]
    pub fn collaterals(&self) -> &[String] {
        &self.collaterals
    }

    /// Every batch, with its branch and its manager.
    pub fn batches(&self) -> impl Iterator<Item = (usize, AccountId, &Batch)> {
        self.batches.iter().filter_map(|(object, batch)| {
            let (branch, manager) = batch_of_object(*object)?;
            Some((branch, manager, batch))
        })
    }

    /// What the stability pool of a branch has earned at one scale.
    #[must_use]
    pub fn scale(&self, branch: usize, scale: u64) -> Scale {
        let row = scale_object(branch, scale).and_then(|object| self.scales.get(&object));
        row.copied().unwrap_or_default()
    }

    /// What an account owes and holds now, as `getLatestTroveData` says it; `None` for an account that is no open trove.
    ///
    /// # Errors
    /// [`Refusal::InconsistentAccount`]; [`Refusal::ClockWentBack`]; [`Refusal::Overflow`].
    pub fn trove(&self, account: &Account, at: Time) -> Result<Option<TroveNow>, Refusal> {
        if !position::is_trove(account) {
            return Ok(None);
        }
        let trove = Trove::of(account, self)?;
        if !trove.is_open() {
            return Ok(None);
        }
        let latest = self.latest(&trove, at, &mut plimsoll_core::Silent)?;
        Ok(Some(TroveNow {
            branch: trove.branch,
            debt: latest.debt,
            collateral: latest.collateral,
            redistributed_debt: latest.redistributed_debt,
            redistributed_collateral: latest.redistributed_collateral,
            interest: latest.interest,
            batch_fee: latest.fee,
        }))
    }

    /// What an account has in the stability pool of a branch, now.
    ///
    /// # Errors
    /// As [`Market::trove`].
    pub fn deposit(&self, account: &Account, branch: usize, at: Time) -> Result<DepositNow, Refusal> {
        let held = deposit::Deposit::of(account, branch)?;
        let state = self.branches.get(branch).ok_or(Refusal::InconsistentInput)?;
        let collateral = |scale| self.scale(branch, scale).collateral;
        let interest = |scale| self.scale(branch, scale).interest;
        Ok(DepositNow {
            compounded: held.compounded(state)?,
            collateral_gain: held.gained(held.sum, collateral, state.pool_collateral)?,
            yield_gain: held.gained(held.interest, interest, state.yield_owed)?,
            yield_with_pending: stability::with_pending(&held, state, interest, at)?,
        })
    }

    /// A batch with interest and fee to a time, as `getLatestBatchData` says it.
    ///
    /// # Errors
    /// [`Refusal::NoSuchManager`], and as [`Market::trove`].
    pub fn batch(&self, branch: usize, manager: AccountId, at: Time) -> Result<BatchNow, Refusal> {
        let state = self.branches.get(branch).ok_or(Refusal::NoSuchManager)?;
        let batch = batch_object(branch, manager).and_then(|object| self.batches.get(&object));
        batch.ok_or(Refusal::NoSuchManager)?.latest(&mut plimsoll_core::Silent, state, at)
    }

    /// Sets one number of a batch that is part of the market from the beginning: the epoch does not move.
    ///
    /// # Errors
    /// [`Refusal::NoSuchCell`] for a cell that is no batch's, or a value that does not fit it.
    pub fn found(&mut self, cell: Cell, value: Int) -> Result<(), Refusal> {
        batch_of_object(cell.object)
            .filter(|(branch, _)| *branch < self.branches.len())
            .ok_or(Refusal::NoSuchCell)?;
        set_row(&mut self.batches, state::BATCH, cell.object, cell.field, Some(value))?;
        self.nodes = form::specs(self);
        Ok(())
    }

    fn latest<T: Trace + ?Sized>(
        &self,
        trove: &Trove,
        at: Time,
        t: &mut T,
    ) -> Result<position::Latest, Refusal> {
        let branch = self.branches.get(trove.branch).ok_or(Refusal::InconsistentInput)?;
        let batch = match trove.batch {
            Some(manager) => {
                let batch = batch_object(trove.branch, manager).and_then(|object| self.batches.get(&object));
                Some(batch.ok_or(Refusal::NoSuchManager)?)
            }
            None => None,
        };
        trove.latest(t, branch, batch, at)
    }

    fn visit_name(&self, cell: Cell) -> Option<&'static str> {
        let mut found = None;
        plimsoll_core::Market::visit(self, &mut |at, name, _, _| {
            if at == cell {
                found = Some(name);
            }
        });
        found
    }

    fn check_clock(&self, at: Time) -> Result<(), Refusal> {
        let state = plimsoll_core::Market::updated(self);
        if at < state { Err(Refusal::ClockWentBack { state, asked: at }) } else { Ok(()) }
    }

    fn list_instruments(&self) -> Vec<Instrument> {
        let stable = self.stablecoin.as_str();
        let one = |name: String, kind, asset: String| Instrument { name, kind, asset, decimals: 18 };
        let mut all = vec![
            one(format!("{stable} token"), Kind::Asset, stable.into()),
            // What people mean when they name the stablecoin and a debt.
            one(stable.into(), Kind::Debt, stable.into()),
            one(format!("{stable} batch shares"), Kind::Debt, stable.into()),
        ];
        for name in &self.collaterals {
            all.extend([
                one(name.clone(), Kind::Asset, name.clone()),
                one(format!("{name} collateral"), Kind::Receipt, name.clone()),
                one(format!("{stable} in the {name} pool"), Kind::Receipt, stable.into()),
                one(format!("{name} gain"), Kind::Receipt, format!("{name} gain")),
                one(format!("{name} surplus"), Kind::Receipt, format!("{name} surplus")),
            ]);
        }
        all
    }
}

/// A trove with everything that has accrued to it (raw).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TroveNow {
    /// Its branch.
    pub branch: usize,
    /// Everything that it owes.
    pub debt: U256,
    /// Everything that it holds.
    pub collateral: U256,
    /// Of the debt: what was redistributed to it and not yet recorded.
    pub redistributed_debt: U256,
    /// Of the collateral, likewise.
    pub redistributed_collateral: U256,
    /// Of the debt: interest that is not yet recorded.
    pub interest: U256,
    /// Of the debt: the manager's fee that is not yet recorded.
    pub batch_fee: U256,
}

/// A deposit in a stability pool with everything that has accrued to it (raw).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepositNow {
    /// What offsets have left of it.
    pub compounded: U256,
    /// Collateral that it has earned, without what is left in of earlier times.
    pub collateral_gain: U256,
    /// Yield that was minted for it.
    pub yield_gain: U256,
    /// The same with interest to now.
    pub yield_with_pending: U256,
}

/// The contracts count one BOLD as one of these.
const CURRENCY: &str = "USD";

fn slot(collateral: &str) -> PriceSlot {
    PriceSlot {
        asset: collateral.into(),
        currency: CURRENCY.into(),
        decimals: 18,
        // A billion BOLD for one collateral.
        highest: U256::new(10u128.pow(27)),
    }
}

impl plimsoll_core::Market for Market {
    fn venue(&self) -> (&'static str, &'static str) {
        (NAME, REVISIONS[0])
    }

    fn epoch(&self) -> u64 {
        self.epoch
    }

    fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    fn slots(&self) -> &[PriceSlot] {
        &self.slots
    }

    fn nodes(&self) -> &[NodeSpec] {
        &self.nodes
    }

    fn terms(&self) -> &[TermSpec] {
        position::TERMS
    }

    /// Accounts by their numbers and one, a branch by its collateral, a status by its name.
    fn meaning(&self, term: TermId, value: &Int) -> Option<Meaning> {
        let number = value.to_u64()?;
        match term {
            OWNER | BATCH | PREVIOUS | NEXT => position::marked(number).map(Meaning::Account),
            BRANCH => {
                let place = usize::try_from(number).ok()?.checked_sub(1)?;
                self.collaterals.get(place).cloned().map(Meaning::Word)
            }
            STATUS => Status::of(number).map(|status| Meaning::Word(status.name().into())),
            _ => None,
        }
    }

    fn updated(&self) -> Time {
        let branches = self
            .branches
            .iter()
            .flat_map(|branch| [branch.last_update, branch.last_fee_update, branch.shutdown_time]);
        Time(branches.chain([self.system.last_fee_time]).max().unwrap_or(0))
    }

    fn at<'m>(&'m self, feeds: Feeds<'_>, lens: Lens, at: Time) -> Result<Box<dyn Quoted + 'm>, Refusal> {
        Ok(Box::new(standing::Standing::new(self, feeds, lens, at)?))
    }

    fn compile(&self, account: &Account, question: Question) -> Result<Compiled, Refusal> {
        form::compile(self, account, question.test)
    }

    /// A trove's collateral counts by one over MCR, told as MCR; nothing else secures anything.
    fn counting(&self, _: &Account, instrument: InstrumentId) -> Result<Counting, Refusal> {
        let weight =
            |weight, why_not| Counting { weight, unit: Unit::WAD, why_not, frozen: false, paused: false };
        let never = weight(None, Some(WhyNot::NeverCollateral));
        match of_instrument(instrument) {
            None if instrument == BOLD => Ok(never),
            None if instrument == DEBT || instrument == SHARES => Ok(weight(None, None)),
            Some((branch, place)) => {
                let state = self.branches.get(branch).ok_or(Refusal::NoSuchInstrument(instrument))?;
                if place != PLACE_COLLATERAL {
                    return Ok(never);
                }
                let what = Refusal::DivisionByZero("1 / MCR");
                let part = ONE.mul_div(ONE, state.rules.mcr, plimsoll_core::Rounding::Down).ok_or(what)?;
                Ok(Counting { frozen: state.is_shut_down(), ..weight(Some(part), None) })
            }
            None => Err(Refusal::NoSuchInstrument(instrument)),
        }
    }

    fn act(
        &self,
        call: &Call,
        accounts: &dyn Accounts,
        feeds: Feeds<'_>,
        trace: &mut dyn Trace,
    ) -> Result<Effects, Refusal> {
        let mut turn = Turn::new(self, call, accounts, feeds, trace)?;
        turn.act(&call.action)?;
        turn.finish()
    }

    /// Whose BOLD is listed: the owner that a trove names, else the account of the same owner in the book that has most.
    fn caller(
        &self,
        account: &Account,
        accounts: &dyn Accounts,
        own: &dyn Fn() -> Vec<AccountId>,
    ) -> AccountId {
        let purse = |id: &AccountId| accounts.get(*id).is_some_and(position::is_purse);
        if position::is_purse(account) {
            return account.id;
        }
        let owner = account.term(OWNER).to_u64().and_then(position::marked);
        if let Some(owner) = owner.filter(purse) {
            return owner;
        }
        let held = |id: &AccountId| accounts.get(*id).map_or(Int::ZERO, |account| account.quantity(BOLD));
        // Of equals the first.
        let richest = own().into_iter().filter(purse).max_by_key(|id| (held(id), core::cmp::Reverse(*id)));
        richest.unwrap_or(account.id)
    }

    fn endowed(&self) -> Option<Box<dyn plimsoll_core::Market>> {
        let mut market = self.clone();
        // Far above all BOLD, far below the end of 256 bits.
        market.system.supply = market.system.supply.add(U256::pow10(60)?)?;
        Some(Box::new(market))
    }

    /// Liquidation by the stability pool, alone in its batch.
    fn forced(&self, account: &Account, _: Feeds<'_>) -> Vec<Mechanism> {
        let owes = [DEBT, SHARES].iter().any(|&debt| !account.quantity(debt).is_zero());
        owes.then(|| Mechanism::Batch { accounts: vec![account.id] }).into_iter().collect()
    }

    /// Of an open trove that owes something that of its branch.
    fn queue_of(&self, account: &Account) -> Option<usize> {
        let trove = Trove::of(account, self).ok().filter(Trove::is_open)?;
        // A trove with a stake may yet be given debt of others.
        let owes = [trove.debt, trove.shares].into_iter().any(|part| part != U256::ZERO);
        owes.then_some(trove.branch)
    }

    /// CCR is of the whole branch, every loan pays a fee, and a trove that is not active is lent nothing.
    fn asked(&self) -> Option<InstrumentId> {
        Some(DEBT)
    }

    fn rule(&self, cell: Cell) -> Option<&'static str> {
        state::rule(self.visit_name(cell)?)
    }

    fn queues(&self, accounts: &dyn Accounts, feeds: Feeds<'_>, at: Time) -> Vec<plimsoll_core::Queue> {
        (0..self.branches.len()).map(|branch| standing::queue(self, branch, accounts, feeds, at)).collect()
    }

    /// A changed rule, a shutdown and a new batch move the epoch.
    fn set(&mut self, cell: Cell, value: Option<Int>) -> Result<(), Refusal> {
        let Cell { object, field } = cell;
        if let Some((branch, _)) = of_object(BATCHES, object) {
            if branch >= self.branches.len() {
                return Err(Refusal::NoSuchCell);
            }
            let before = self.batches.len();
            set_row(&mut self.batches, state::BATCH, object, field, value)?;
            if self.batches.len() != before {
                self.nodes = form::specs(self);
                plimsoll_core::Market::move_epoch(self);
            }
            return Ok(());
        }
        if let Some((branch, _)) = of_object(SCALES, object) {
            if branch >= self.branches.len() {
                return Err(Refusal::NoSuchCell);
            }
            return set_row(&mut self.scales, state::SCALE, object, field, value);
        }
        if object == 0 {
            return table::set(state::SYSTEM, &mut self.system, field, value.as_ref());
        }
        let branch =
            usize::try_from(object).ok().and_then(|object| self.branches.get_mut(object.checked_sub(1)?));
        table::set(state::BRANCH, branch.ok_or(Refusal::NoSuchCell)?, field, value.as_ref())?;
        if field < state::RULES || field == state::SHUTDOWN {
            plimsoll_core::Market::move_epoch(self);
        }
        Ok(())
    }

    fn visit(&self, see: &mut dyn FnMut(Cell, &'static str, Unit, Int)) {
        table::visit(state::SYSTEM, 0, &self.system, see);
        for (object, branch) in (1..).zip(&self.branches) {
            table::visit(state::BRANCH, object, branch, see);
        }
        for (object, scale) in &self.scales {
            table::visit(state::SCALE, *object, scale, see);
        }
        for (object, batch) in &self.batches {
            table::visit(state::BATCH, *object, batch, see);
        }
    }

    /// A branch's rules are those that it is deployed with; what a batch's manager sets is state.
    fn nature(&self, cell: Cell) -> Nature {
        let branch = 1..=self.branches.len() as u64;
        let rule = branch.contains(&cell.object) && cell.field < state::RULES;
        if rule { Nature::Rule } else { Nature::State }
    }

    fn put_back(&self, later: &Account, was: Option<&Account>, at: Time) -> Result<Option<Account>, Refusal> {
        back::put_back(self, later, was, at)
    }

    fn names(&self) -> Vec<(u64, &'static str, String)> {
        let collaterals =
            (1..).zip(&self.collaterals).map(|(object, name)| (object, "collateral", name.clone()));
        [(0, "stablecoin", self.stablecoin.clone())].into_iter().chain(collaterals).collect()
    }

    fn move_epoch(&mut self) {
        self.epoch = self.epoch.saturating_add(1);
    }

    fn boxed_clone(&self) -> Box<dyn plimsoll_core::Market> {
        Box::new(self.clone())
    }
}

/// Sets one number of a row that comes to be with its first and ceases to be without a value.
fn set_row<Row: Copy + Default>(
    rows: &mut BTreeMap<u64, Row>,
    fields: &[table::Field<Row>],
    object: u64,
    field: u16,
    value: Option<Int>,
) -> Result<(), Refusal> {
    if value.is_none() {
        return rows.remove(&object).map(|_| ()).ok_or(Refusal::NoSuchCell);
    }
    let mut row = rows.get(&object).copied().unwrap_or_default();
    table::set(fields, &mut row, field, value.as_ref())?;
    rows.insert(object, row);
    Ok(())
}

// ---- opening --------------------------------------------------------------------------------------------------

/// The venue's name in files.
pub const NAME: &str = "liquity_v2";
const REVISIONS: &[&str] = &["1.0"];

/// Opens deployments of Liquity v2.
#[derive(Clone, Copy, Debug)]
pub struct LiquityV2;

impl plimsoll_core::Venue for LiquityV2 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn revisions(&self) -> &'static [&'static str] {
        REVISIONS
    }

    fn open(&self, bytes: &[u8]) -> Result<Box<dyn plimsoll_core::Market>, Refusal> {
        let encoded = Encoded::read(bytes).ok_or(Refusal::NoSuchCell)?;
        if encoded.venue != NAME || !REVISIONS.contains(&encoded.revision.as_str()) {
            return Err(Refusal::NotAtThisVenue);
        }
        let Some(((0, key, stablecoin), names)) = encoded.names.split_first() else {
            return Err(Refusal::NoSuchCell);
        };
        let named =
            |(at, (object, key, _)): (u64, &(u64, String, String))| *object == at && key == "collateral";
        if key != "stablecoin" || !(1..).zip(names).all(named) {
            return Err(Refusal::NoSuchCell);
        }
        let mut system = System::default();
        let mut rest = table::fill(state::SYSTEM, 0, &mut system, &encoded.cells)?;
        let mut branches = Vec::new();
        for (object, (_, _, name)) in (1..).zip(names) {
            let mut branch = Branch::new(Parameters::default());
            rest = table::fill(state::BRANCH, object, &mut branch, rest)?;
            branches.push((name.as_str(), branch));
        }
        let mut market = Market::new(stablecoin, system, &branches)?;
        let mut last = 0;
        while let Some((cell, _)) = rest.first() {
            let object = cell.object;
            let batch = of_object(BATCHES, object);
            let (branch, _) = batch.or_else(|| of_object(SCALES, object)).ok_or(Refusal::NoSuchCell)?;
            // In the order of their numbers: another order would be other bytes of one market.
            if branch >= branches.len() || object <= last {
                return Err(Refusal::NoSuchCell);
            }
            last = object;
            if batch.is_some() {
                let mut batch = Batch::default();
                rest = table::fill(state::BATCH, object, &mut batch, rest)?;
                market.batches.insert(object, batch);
            } else {
                let mut scale = Scale::default();
                rest = table::fill(state::SCALE, object, &mut scale, rest)?;
                market.scales.insert(object, scale);
            }
        }
        market.nodes = form::specs(&market);
        market.epoch = encoded.epoch;
        Ok(Box::new(market))
    }
}
