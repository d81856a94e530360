//! Everything that the contracts store, as rows of tables.

use super::arith::{add, interest_up, ratio, sub};
use super::batches::{MAX_FEE, MIN_CHANGE_PERIOD};
use super::borrow::{MAX_RATE, MIN_RATE};
use crate::table::{Field, put_u64, put_unsigned, put_up_to};
use plimsoll_core::{Int, Refusal, Time, U256, Unit};

/// What a branch is deployed with (wad).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Parameters {
    /// The ratio of the whole branch below which borrowing is restricted.
    pub ccr: U256,
    /// The ratio of a trove below which it is liquidated.
    pub mcr: U256,
    /// What a trove in a batch must have above that ratio.
    pub bcr: U256,
    /// The ratio of the whole branch below which anybody may shut it down.
    pub scr: U256,
    /// What is seized above the debt that the stability pool pays.
    pub penalty_pool: U256,
    /// What is seized above the debt that other troves take over.
    pub penalty_redistribution: U256,
}

/// So many thousandths (wad).
const fn thousandths(count: u128) -> U256 {
    U256::new(count * 10u128.pow(15))
}

/// What `AddressesRegistry` takes when a branch is deployed: least and most.
impl Parameters {
    /// CCR, MCR and SCR (wad): above 100 % and below 200 %.
    pub const RATIOS: [U256; 2] = [U256::new(10u128.pow(18) + 1), U256::new(2 * 10u128.pow(18) - 1)];
    /// BCR (wad): from 5 % to below 50 %.
    pub const BUFFERS: [U256; 2] = [thousandths(50), U256::new(5 * 10u128.pow(17) - 1)];
    /// Both penalties (wad): from 5 % to 20 %.
    pub const PENALTIES: [U256; 2] = [thousandths(50), thousandths(200)];
}

/// One branch: its rules and what its contracts store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Branch {
    /// What it is deployed with.
    pub rules: Parameters,
    /// Collateral of troves, without what was redistributed and not yet taken over (raw) (`ActivePool.collBalance`).
    pub active_collateral: U256,
    /// Debt of all troves to the last update, without batch fees (raw) (`aggRecordedDebt`).
    pub recorded_debt: U256,
    /// Sum of recorded debt times rate (raw x wad) (`aggWeightedDebtSum`).
    pub weighted_debt: U256,
    /// When interest was last minted (s) (`lastAggUpdateTime`).
    pub last_update: u64,
    /// Management fees of batches to the last update, not yet minted (raw) (`aggBatchManagementFees`).
    pub batch_fees: U256,
    /// Sum of batch debt times management fee (raw x wad) (`aggWeightedBatchManagementFeeSum`).
    pub weighted_batch_fees: U256,
    /// When batch fees were last brought up to date (s) (`lastAggBatchManagementFeesUpdateTime`).
    pub last_fee_update: u64,
    /// Collateral that was redistributed and not yet taken over (raw) (`DefaultPool.collBalance`).
    pub default_collateral: U256,
    /// Debt that was redistributed and not yet taken over (raw) (`DefaultPool.BoldDebt`).
    pub default_debt: U256,
    /// Sum of all troves' stakes (raw).
    pub total_stakes: U256,
    /// That sum after the last liquidation (raw).
    pub total_stakes_snapshot: U256,
    /// All collateral after the last liquidation (raw).
    pub total_collateral_snapshot: U256,
    /// Collateral redistributed for one unit of stake, ever (wad) (`L_coll`).
    pub redistributed_collateral: U256,
    /// Debt redistributed for one unit of stake, ever (wad) (`L_boldDebt`).
    pub redistributed_debt: U256,
    /// What the last redistribution's division left over (raw x wad) (`lastCollError_Redistribution`).
    pub collateral_error: U256,
    /// The same of the debt (`lastBoldDebtError_Redistribution`).
    pub debt_error: U256,
    /// The trove that a redemption left with some debt: its account's number and one; zero for none.
    pub last_zombie: u64,
    /// When the branch was shut down (s); zero while it is not.
    pub shutdown_time: u64,
    /// How many troves are open.
    pub troves: u64,
    /// The trove of the highest rate, as [`Branch::last_zombie`].
    pub head: u64,
    /// The trove of the lowest rate.
    pub tail: u64,
    /// Deposits in the stability pool (raw) (`totalBoldDeposits`).
    pub deposits: U256,
    /// The product P of the stability pool (1e36 at first).
    pub product: U256,
    /// How often P was lifted by 1e9.
    pub scale: u64,
    /// Collateral that depositors may claim (raw) (`StabilityPool.collBalance`).
    pub pool_collateral: U256,
    /// Yield that depositors may claim (raw) (`yieldGainsOwed`).
    pub yield_owed: U256,
    /// Yield that waits for a deposit (raw) (`yieldGainsPending`).
    pub yield_pending: U256,
    /// What was left over of liquidated troves and not yet claimed (raw) (`CollSurplusPool.collBalance`).
    pub surplus: U256,
    /// Stakes of troves that exist and that nobody listed (raw): where there are any, nobody knows who is redeemed first.
    pub unlisted: U256,
}

/// P of a stability pool before its first offset (`P_PRECISION`).
pub(super) const PRODUCT: U256 = U256::new(10u128.pow(36));

impl Branch {
    /// A branch just deployed.
    #[must_use]
    pub fn new(rules: Parameters) -> Branch {
        let zero = U256::ZERO;
        Branch {
            rules,
            active_collateral: zero,
            recorded_debt: zero,
            weighted_debt: zero,
            last_update: 0,
            batch_fees: zero,
            weighted_batch_fees: zero,
            last_fee_update: 0,
            default_collateral: zero,
            default_debt: zero,
            total_stakes: zero,
            total_stakes_snapshot: zero,
            total_collateral_snapshot: zero,
            redistributed_collateral: zero,
            redistributed_debt: zero,
            collateral_error: zero,
            debt_error: zero,
            last_zombie: 0,
            shutdown_time: 0,
            troves: 0,
            head: 0,
            tail: 0,
            deposits: zero,
            product: PRODUCT,
            scale: 0,
            pool_collateral: zero,
            yield_owed: zero,
            yield_pending: zero,
            surplus: zero,
            unlisted: zero,
        }
    }

    /// Whether it was shut down.
    #[must_use]
    pub fn is_shut_down(&self) -> bool {
        self.shutdown_time != 0
    }

    /// The time at which interest stands: it stops where the branch was shut down.
    #[must_use]
    pub fn clock(&self, at: Time) -> u64 {
        if self.is_shut_down() { at.0.min(self.shutdown_time) } else { at.0 }
    }

    /// Seconds of interest since a time (`_getInterestPeriod`).
    ///
    /// # Errors
    /// [`Refusal::ClockWentBack`].
    pub fn seconds(&self, since: u64, at: Time) -> Result<u64, Refusal> {
        if self.is_shut_down() {
            return Ok(self.shutdown_time.saturating_sub(since));
        }
        at.since(Time(since)).ok_or(Refusal::ClockWentBack { state: Time(since), asked: at })
    }

    /// Interest of all troves since the last update, up (raw) (`calcPendingAggInterest`).
    ///
    /// # Errors
    /// [`Refusal::ClockWentBack`]; [`Refusal::Overflow`].
    pub fn pending_interest(&self, at: Time) -> Result<U256, Refusal> {
        if self.is_shut_down() {
            return Ok(U256::ZERO);
        }
        interest_up(self.weighted_debt, self.seconds(self.last_update, at)?, "interest of the branch")
    }

    /// Management fees of all batches since the last update, up (raw) (`calcPendingAggBatchManagementFee`).
    ///
    /// # Errors
    /// As [`Branch::pending_interest`].
    pub fn pending_fees(&self, at: Time) -> Result<U256, Refusal> {
        interest_up(
            self.weighted_batch_fees,
            self.seconds(self.last_fee_update, at)?,
            "batch fees of the branch",
        )
    }

    /// What all troves owe, without what was redistributed and not yet taken over (raw) (`getBoldDebt`).
    ///
    /// # Errors
    /// As [`Branch::pending_interest`].
    pub fn active_debt(&self, at: Time) -> Result<U256, Refusal> {
        let what = "debt of the branch";
        let recorded = add(self.recorded_debt, self.pending_interest(at)?, what)?;
        add(add(recorded, self.batch_fees, what)?, self.pending_fees(at)?, what)
    }

    /// What all troves owe (raw) (`getEntireBranchDebt`).
    ///
    /// # Errors
    /// As [`Branch::pending_interest`].
    pub fn entire_debt(&self, at: Time) -> Result<U256, Refusal> {
        add(self.active_debt(at)?, self.default_debt, "debt of the branch")
    }

    /// All collateral (raw) (`getEntireBranchColl`).
    ///
    /// # Errors
    /// [`Refusal::Overflow`].
    pub fn entire_collateral(&self) -> Result<U256, Refusal> {
        add(self.active_collateral, self.default_collateral, "collateral of the branch")
    }

    /// The collateral ratio of the branch (wad, floored); 2^256 - 1 without debt (`getTCR`).
    ///
    /// # Errors
    /// As [`Branch::pending_interest`].
    pub fn tcr(&self, price: U256, at: Time) -> Result<U256, Refusal> {
        ratio(self.entire_collateral()?, self.entire_debt(at)?, price)
    }

    /// The debt that the stability pool does not stand behind (raw) (`getUnbackedPortionPriceAndRedeemability`).
    ///
    /// # Errors
    /// As [`Branch::pending_interest`].
    pub fn unbacked(&self, at: Time) -> Result<U256, Refusal> {
        Ok(self.entire_debt(at)?.sub_or_zero(self.deposits))
    }

    /// The stake of so much collateral (raw, floored) (`_computeNewStake`).
    ///
    /// # Errors
    /// [`Refusal::Overflow`].
    pub fn stake(&self, collateral: U256) -> Result<U256, Refusal> {
        if self.total_collateral_snapshot == U256::ZERO {
            return Ok(collateral);
        }
        let what = "stake = collateral * stakes snapshot / collateral snapshot";
        super::arith::share(collateral, self.total_stakes_snapshot, self.total_collateral_snapshot, what)
    }

    /// Debt and collateral that a trove takes over leave the default pool.
    pub(super) fn take_over(&mut self, debt: U256, collateral: U256) -> Result<(), Refusal> {
        self.default_debt = sub(self.default_debt, debt, "redistributed debt")?;
        self.default_collateral = sub(self.default_collateral, collateral, "redistributed collateral")?;
        self.active_collateral = add(self.active_collateral, collateral, "collateral of the branch")?;
        Ok(())
    }
}

/// What all branches share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct System {
    /// The redemption fee's moving part at its last update (wad) (`CollateralRegistry.baseRate`).
    pub base_rate: U256,
    /// The minute of that update (s) (`lastFeeOperationTime`).
    pub last_fee_time: u64,
    /// All BOLD (raw) (`BoldToken.totalSupply`).
    pub supply: U256,
    /// What the interest router has received (raw).
    pub router: U256,
    /// BOLD of the accounts that the market knows (raw). No contract keeps it: it says what is left for everybody else.
    pub listed: U256,
}

impl System {
    /// BOLD that is neither in a pool nor with the router nor with an account that the market knows (raw): what everybody
    /// else has together.
    #[must_use]
    pub fn unlisted(&self, branches: &[Branch]) -> U256 {
        let pools = branches.iter().flat_map(|of| [of.deposits, of.yield_owed, of.yield_pending]);
        let known = pools.chain([self.router, self.listed]);
        known.fold(self.supply, U256::sub_or_zero)
    }
}

/// A batch of one branch: troves whose rate one manager sets, and that share one debt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Debt to the last update, without what was redistributed (raw).
    pub debt: U256,
    /// Collateral of its troves, without what was redistributed (raw).
    pub collateral: U256,
    /// Shares of the debt, of all its troves.
    pub shares: U256,
    /// Interest a year (wad).
    pub rate: U256,
    /// Management fee a year (wad).
    pub fee: U256,
    /// When debt was last brought up to date (s).
    pub last_update: u64,
    /// When the rate was last set (s).
    pub last_change: u64,
    /// The least rate that the manager may set (wad).
    pub min_rate: U256,
    /// The highest rate that the manager may set (wad).
    pub max_rate: U256,
    /// Seconds that must pass between two changes.
    pub change_period: u64,
    /// Its trove nearest the head of the list: the account's number and one; zero for none.
    pub head: u64,
    /// Its trove nearest the tail.
    pub tail: u64,
}

impl Batch {
    /// The rates that a manager may have and name as ends of a range (wad): least and most.
    pub const RATES: [U256; 2] = [MIN_RATE, MAX_RATE];
}

/// What the stability pool of a branch has earned at one scale of its product.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scale {
    /// Collateral for one unit of deposit over P (`scaleToS`).
    pub collateral: U256,
    /// Yield for one unit of deposit over P (`scaleToB`).
    pub interest: U256,
}

/// One line of a table.
macro_rules! field {
    ($name:literal, $unit:expr, $($place:ident).+) => {
        Field::new($name, |_| $unit, |r| r.$($place).+.into(), |r, v| put_unsigned(&mut r.$($place).+, v, 256))
    };
    ($name:literal, $unit:expr, $($place:ident).+, up to $most:expr) => {
        Field::new($name, |_| $unit, |r| r.$($place).+.into(), |r, v| put_up_to(&mut r.$($place).+, v, $most))
    };
    ($name:literal, $unit:expr, $($place:ident).+, in $range:expr) => {
        Field::new(
            $name,
            |_| $unit,
            |r| r.$($place).+.into(),
            |r, v| {
                let [least, most] = $range;
                r.$($place).+ = v.to_u256().filter(|value| (least..=most).contains(value))?;
                Some(())
            },
        )
    };
    ($name:literal, whole $unit:expr, $($place:ident).+) => {
        Field::new($name, |_| $unit, |r| Int::from(r.$($place).+), |r, v| put_u64(&mut r.$($place).+, v))
    };
}

const RAW: Unit = Unit::raw(18);
const NUMBER: Unit = Unit::NUMBER;
const SECONDS: Unit = Unit::SECONDS;
const WAD: Unit = Unit::WAD;
/// Raw units times wad.
const WEIGHTED: Unit = Unit::raw(36);
const ONE: U256 = U256::new(10u128.pow(18));
pub(super) const SYSTEM: &[Field<System>] = &[
    field!("base_rate", WAD, base_rate, up to ONE),
    field!("last_fee_time", whole SECONDS, last_fee_time),
    field!("supply", RAW, supply),
    field!("router", RAW, router),
    field!("listed_stablecoin", RAW, listed),
];

/// How many fields at the head of [`BRANCH`] are rules: changing one voids forms.
pub(super) const RULES: u16 = 6;
/// The place of the shutdown time, which voids forms as well.
pub(super) const SHUTDOWN: u16 = 24;

pub(super) const BRANCH: &[Field<Branch>] = &[
    field!("ccr", WAD, rules.ccr, in Parameters::RATIOS),
    field!("mcr", WAD, rules.mcr, in Parameters::RATIOS),
    field!("bcr", WAD, rules.bcr, in Parameters::BUFFERS),
    field!("scr", WAD, rules.scr, in Parameters::RATIOS),
    field!("penalty_pool", WAD, rules.penalty_pool, in Parameters::PENALTIES),
    field!("penalty_redistribution", WAD, rules.penalty_redistribution, in Parameters::PENALTIES),
    field!("active_collateral", RAW, active_collateral),
    field!("recorded_debt", RAW, recorded_debt),
    field!("weighted_debt", WEIGHTED, weighted_debt),
    field!("last_interest_update", whole SECONDS, last_update),
    field!("batch_fees", RAW, batch_fees),
    field!("weighted_batch_fees", WEIGHTED, weighted_batch_fees),
    field!("last_fee_update", whole SECONDS, last_fee_update),
    field!("default_collateral", RAW, default_collateral),
    field!("default_debt", RAW, default_debt),
    field!("total_stakes", RAW, total_stakes),
    field!("total_stakes_snapshot", RAW, total_stakes_snapshot),
    field!("total_collateral_snapshot", RAW, total_collateral_snapshot),
    field!("redistributed_collateral", WAD, redistributed_collateral),
    field!("redistributed_debt", WAD, redistributed_debt),
    field!("collateral_error", WEIGHTED, collateral_error),
    field!("debt_error", WEIGHTED, debt_error),
    field!("troves", whole NUMBER, troves),
    field!("last_zombie", whole NUMBER, last_zombie),
    field!("shutdown_time", whole SECONDS, shutdown_time),
    field!("head", whole NUMBER, head),
    field!("tail", whole NUMBER, tail),
    field!("deposits", RAW, deposits),
    Field::new(
        "product",
        |_| WEIGHTED,
        |r| r.product.into(),
        |r, v| {
            // P stays above 10^27, or gains could not be told.
            r.product = v.to_u256().filter(|p| *p != U256::ZERO && *p <= PRODUCT)?;
            Some(())
        },
    ),
    field!("scale", whole NUMBER, scale),
    field!("pool_collateral", RAW, pool_collateral),
    field!("yield_owed", RAW, yield_owed),
    field!("yield_pending", RAW, yield_pending),
    field!("surplus", RAW, surplus),
    field!("unlisted_stakes", RAW, unlisted),
];

/// What the number of a name must obey, where not every number may stand there.
pub(super) fn rule(name: &str) -> Option<&'static str> {
    Some(match name {
        "ccr" | "mcr" | "scr" => "above 100 % and below 200 % (wad)",
        "bcr" => "from 5 % to below 50 % (wad)",
        "penalty_pool" | "penalty_redistribution" => "from 5 % to 20 % (wad)",
        "base_rate" => "at most 100 % (wad)",
        "rate" | "min_rate" | "max_rate" => "from 0.5 % to 250 % a year (wad)",
        "product" => "above zero, at most 10^36",
        "change_period" => "as many seconds as the contract asks at least",
        _ => return None,
    })
}

pub(super) const BATCH: &[Field<Batch>] = &[
    field!("debt", RAW, debt),
    field!("collateral", RAW, collateral),
    field!("shares", Unit::shares(18), shares),
    field!("rate", WAD, rate, in Batch::RATES),
    field!("fee", WAD, fee, up to MAX_FEE),
    field!("last_debt_update", whole SECONDS, last_update),
    field!("last_change", whole SECONDS, last_change),
    field!("min_rate", WAD, min_rate, in Batch::RATES),
    field!("max_rate", WAD, max_rate, in Batch::RATES),
    Field::new(
        "change_period",
        |_| SECONDS,
        |r| Int::from(r.change_period),
        |r, v| {
            r.change_period = v.to_u64().filter(|period| *period >= MIN_CHANGE_PERIOD)?;
            Some(())
        },
    ),
    field!("head", whole NUMBER, head),
    field!("tail", whole NUMBER, tail),
];

pub(super) const SCALE: &[Field<Scale>] =
    &[field!("collateral", WEIGHTED, collateral), field!("interest", WEIGHTED, interest)];
