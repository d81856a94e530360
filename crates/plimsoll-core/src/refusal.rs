//! Why a market will not do or say something: a closed list, each with a stable code and its evidence.
//!
//! A refusal is an expected answer. Codes never change their meaning; `docs/errors.md` has a section for each.

use crate::instrument::InstrumentId;
use crate::num::U256;
use crate::reading::Why;
use crate::unit::Time;
use core::fmt;

/// A market's refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The account is not below the venue's liquidation line.
    NotLiquidatable,
    /// The instrument is not collateral of the account, or cannot be seized at this venue.
    NotSeizable(InstrumentId),
    /// The account has nothing that counts as collateral: nobody is paid for repaying its debt.
    NothingToSeize,
    /// The account does not owe this instrument.
    NothingOwed(InstrumentId),
    /// The account holds none of this instrument.
    NothingHeld(InstrumentId),
    /// The liquidation would leave less than the venue's minimum of debt or collateral.
    LeavesDust,
    /// The account would be below the liquidation line afterwards.
    WouldBeUnhealthy,
    /// The account's collateral does not carry this much debt.
    OverCapacity {
        /// Debt after the action, in the market's account unit.
        debt: U256,
        /// What the collateral carries, in the same unit.
        capacity: U256,
    },
    /// The pool does not hold this much.
    InsufficientCash {
        /// What the pool holds (raw).
        held: U256,
        /// What was asked (raw).
        asked: U256,
    },
    /// All receipts of the asset together stand for less than the loan.
    BeyondReceipts {
        /// What all receipts stand for (raw).
        receipts: U256,
        /// What would be owed for the loan, as the venue counts it here (raw).
        lent: U256,
    },
    /// An amount of nothing.
    AmountZero,
    /// More than the account holds or owes.
    AmountTooLarge {
        /// What there is, in the instrument's unit.
        held: U256,
        /// What was asked, in the same unit.
        asked: U256,
    },
    /// The market takes no more deposits of this asset.
    SupplyCap(InstrumentId),
    /// The market lends no more of this asset.
    BorrowCap(InstrumentId),
    /// The market's owner has stopped all actions on this asset.
    Paused(InstrumentId),
    /// The market's owner allows no new exposure to this asset.
    Frozen(InstrumentId),
    /// The asset is listed but not in use.
    Inactive(InstrumentId),
    /// The asset cannot be borrowed at all.
    NotBorrowable(InstrumentId),
    /// The asset cannot be borrowed in the account's mode.
    NotBorrowableInMode(InstrumentId),
    /// The account's isolated collateral does not allow this debt.
    NotBorrowableInIsolation(InstrumentId),
    /// The debt ceiling of the isolated collateral is reached.
    DebtCeiling(InstrumentId),
    /// A siloed asset must be the only debt.
    Siloed(InstrumentId),
    /// The asset cannot be used as collateral by this account.
    NotUsableAsCollateral(InstrumentId),
    /// A collateral that no longer carries new debt must be withdrawn first.
    ZeroLtvFirst,
    /// No collateral carries new debt.
    NoBorrowingPower,
    /// No such mode, or the account cannot enter it with what it holds.
    ModeNotAllowed,
    /// Liquidations are held back for a time after an outage.
    GracePeriod {
        /// When it ends.
        until: Time,
    },
    /// An account may not liquidate itself.
    SelfLiquidation,
    /// Debt and collateral of one call must be given as exactly one amount.
    InconsistentInput,
    /// The market makes no loan that leaves so little owed.
    BorrowTooSmall {
        /// What would be owed (raw).
        owed: U256,
        /// The least that may be (raw).
        least: U256,
    },
    /// The market's owner has stopped all actions of this kind; names what is stopped.
    ActionPaused(&'static str),
    /// Nothing can be transferred to the account that it comes from.
    SelfTransfer,
    /// The market sells no collateral while its reserves are this high.
    NotForSale {
        /// Its reserves (raw).
        reserves: U256,
        /// It sells below these (raw).
        target: U256,
    },

    /// The system is shut down.
    ShutDown,
    /// The actor has no consent of the party that gives; names what for.
    NoConsent(&'static str),
    /// The collateral of the account that receives does not carry what it would owe.
    ReceiverOverCapacity {
        /// Its debt after the action, in the market's account unit.
        debt: U256,
        /// What its collateral carries, in the same unit.
        capacity: U256,
    },
    /// The account that receives would owe less than the venue's minimum.
    ReceiverDust,
    /// As much is on auction as the venue allows at once.
    AuctionLimit,
    /// So little room is left for auctions that this one would be below the venue's minimum.
    DustyAuction,
    /// Nothing would be on auction.
    NullAuction,
    /// The auction would have nothing to raise.
    NothingToRaise,
    /// There is no such auction, or it has ended.
    NoSuchAuction {
        /// Its number.
        auction: u64,
    },
    /// The market's owner has stopped this part of the auction house.
    AuctionsStopped,
    /// The auction has run out and must be restarted first.
    AuctionRanOut,
    /// The auction still runs.
    AuctionStillRuns,
    /// The auction's price is above the most that the buyer would pay.
    AuctionTooExpensive {
        /// The price now.
        price: U256,
        /// The most that would be paid.
        most: U256,
    },
    /// What the purchase would leave is below the venue's minimum: only all of it can be bought.
    NoPartialPurchase,
    /// The venue's oracle has no valid price.
    NoValidPrice,
    /// The oracle's price is so low that an auction would begin at nothing.
    FirstPriceZero,
    /// The delayed oracle takes no price before its time.
    OracleTooEarly {
        /// When it does.
        from: Time,
    },
    /// The auction does not take this bid; names the rule.
    BidRefused(&'static str),
    /// The time for bids is over.
    BiddingOver,
    /// The auction is in its other phase; names what should have been.
    AuctionPhase(&'static str),
    /// The branch was shut down: nothing can be borrowed or changed there any more.
    BranchShutDown,
    /// Only a branch that was shut down can be dealt with so.
    NotShutDown,
    /// The branch as a whole is not below the ratio at which it may be shut down.
    BranchAboveScr {
        /// What it is, or would be (wad).
        ratio: U256,
        /// The least (in the unit of what is asked).
        least: U256,
    },
    /// The branch as a whole would be below its critical ratio.
    BranchBelowCcr {
        /// What it is, or would be (wad).
        ratio: U256,
        /// The least (in the unit of what is asked).
        least: U256,
    },
    /// The position would be below the ratio that its branch asks.
    BelowMcr {
        /// What it is, or would be (wad).
        ratio: U256,
        /// The least (in the unit of what is asked).
        least: U256,
    },
    /// The position would be below the ratio that its branch asks in a group.
    BelowBatchMcr {
        /// What it is, or would be (wad).
        ratio: U256,
        /// The least (in the unit of what is asked).
        least: U256,
    },
    /// The branch is below its critical ratio, and more collateral would leave than is repaid.
    RepaymentTooSmall,
    /// Less would be owed than the venue's minimum.
    DebtBelowMinimum {
        /// What would be owed (raw).
        debt: U256,
        /// The least (in the unit of what is asked).
        least: U256,
    },
    /// Nothing of the debt can be repaid but all, by closing.
    DebtAtMinimum,
    /// Who pays has less of the token than that.
    BalanceTooLow {
        /// What there is (raw).
        held: U256,
        /// What was asked (raw).
        asked: U256,
    },
    /// The rate is lower than any may be.
    RateTooLow {
        /// The least (in the unit of what is asked).
        least: U256,
    },
    /// The rate is higher than any may be.
    RateTooHigh {
        /// The highest (wad).
        most: U256,
    },
    /// The rate is not in the range that the group's manager promised.
    RateOutOfRange {
        /// The least (in the unit of what is asked).
        least: U256,
        /// The highest (wad).
        most: U256,
    },
    /// The rate is this one already.
    RateUnchanged,
    /// The group's manager changed the rate a short time ago.
    TooSoon {
        /// When it may be.
        until: Time,
    },
    /// The account is a position already, or holds something else.
    PositionExists,
    /// The account is no position, or it was closed.
    PositionNotOpen,
    /// The position is closed, or was set aside by a redemption.
    PositionNotActive,
    /// Only a position that a redemption set aside can be taken back so.
    PositionNotDormant,
    /// The position is in a group already.
    InGroup,
    /// The position is in no group.
    NotInGroup,
    /// The account manages no group of this branch.
    NoSuchManager,
    /// The account manages a group of this branch already.
    ManagerExists,
    /// The management fee is higher than it may be; one that was set can only be lowered.
    FeeTooHigh {
        /// The highest (wad).
        most: U256,
    },
    /// The manager could change the rate more often than any may.
    PeriodTooShort {
        /// The least (s).
        least: u64,
    },
    /// The debt of the group has outgrown its shares: no more can be added.
    TooFewShares,
    /// The last position of a branch cannot be liquidated or closed.
    LastPosition,
    /// The fee of a redemption is above the limit of the call.
    FeeAboveLimit {
        /// What it would be (wad).
        fee: U256,
        /// What the call allows (wad).
        limit: U256,
    },
    /// The withdrawal would leave the stability pool with less than one unit.
    PoolMinimum,
    /// Gains that were left in are claimed apart only by an account without a deposit.
    StillDeposited,

    /// The account has as many collaterals, or as many debts, as its spoke lets anybody have.
    TooManyReserves {
        /// How many that is.
        most: u64,
    },
    /// What is owed at a premium would be more of all that the spoke owes than its hub allows.
    RiskPremiumLimit(InstrumentId),
    /// So small an amount that no share would stand for it.
    NoShares,
    /// The instrument is of another part of the market (a spoke), in which whoever holds it is another account.
    AnotherAccount(InstrumentId),
    /// A position or an order changes by whole lots alone.
    NotInLots {
        /// One lot (raw).
        lot: U256,
    },
    /// The contract has expired: what it settled at is no price of the market.
    Expired(InstrumentId),
    /// Closing it by itself would make the account worse: it covers other positions.
    HedgeKept(InstrumentId),

    /// A price that the answer needs is not known.
    PriceUnknown {
        /// Which of the market's prices.
        slot: usize,
        /// What is wrong with it.
        why: Why,
    },
    /// The market's state is younger than the time asked about.
    ClockWentBack {
        /// Last update of the state.
        state: Time,
        /// Time asked about.
        asked: Time,
    },
    /// The answer depends on accounts that the book does not list.
    AccountsMissing,
    /// Accounts hold or owe what by the market's totals does not exist: its rates, which follow from them, say nothing.
    TotalsMissing(InstrumentId),

    /// A number does not fit 256 bits (the contract reverts); names the formula.
    Overflow(&'static str),
    /// A division by zero (the contract reverts); names the formula.
    DivisionByZero(&'static str),

    /// This venue has no such action.
    NotAtThisVenue,
    /// The market does not list this instrument, or the action does not apply to it.
    NoSuchInstrument(InstrumentId),
    /// The account named is not there.
    NoSuchAccount,
    /// The market has no such cell, or the value does not fit it.
    NoSuchCell,
    /// What the account holds and what its mode says contradict each other; names the contradiction.
    InconsistentAccount(&'static str),
}

impl Refusal {
    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Refusal::NotLiquidatable => "PL0101",
            Refusal::NotSeizable(_) => "PL0102",
            Refusal::NothingOwed(_) => "PL0103",
            Refusal::NothingHeld(_) => "PL0104",
            Refusal::LeavesDust => "PL0105",
            Refusal::WouldBeUnhealthy => "PL0106",
            Refusal::OverCapacity { .. } => "PL0107",
            Refusal::InsufficientCash { .. } => "PL0108",
            Refusal::AmountZero => "PL0109",
            Refusal::AmountTooLarge { .. } => "PL0110",
            Refusal::SupplyCap(_) => "PL0111",
            Refusal::BorrowCap(_) => "PL0112",
            Refusal::Paused(_) => "PL0113",
            Refusal::Frozen(_) => "PL0114",
            Refusal::Inactive(_) => "PL0115",
            Refusal::NotBorrowable(_) => "PL0116",
            Refusal::NotBorrowableInMode(_) => "PL0117",
            Refusal::NotBorrowableInIsolation(_) => "PL0118",
            Refusal::DebtCeiling(_) => "PL0119",
            Refusal::Siloed(_) => "PL0120",
            Refusal::NotUsableAsCollateral(_) => "PL0121",
            Refusal::ZeroLtvFirst => "PL0122",
            Refusal::NoBorrowingPower => "PL0123",
            Refusal::ModeNotAllowed => "PL0124",
            Refusal::GracePeriod { .. } => "PL0125",
            Refusal::SelfLiquidation => "PL0126",
            Refusal::InconsistentInput => "PL0127",
            Refusal::BeyondReceipts { .. } => "PL0128",
            Refusal::NothingToSeize => "PL0129",
            Refusal::BorrowTooSmall { .. } => "PL0130",
            Refusal::ActionPaused(_) => "PL0131",
            Refusal::SelfTransfer => "PL0132",
            Refusal::NotForSale { .. } => "PL0133",
            Refusal::ShutDown => "PL0140",
            Refusal::NoConsent(_) => "PL0141",
            Refusal::ReceiverOverCapacity { .. } => "PL0142",
            Refusal::ReceiverDust => "PL0143",
            Refusal::AuctionLimit => "PL0144",
            Refusal::DustyAuction => "PL0145",
            Refusal::NullAuction => "PL0146",
            Refusal::NoSuchAuction { .. } => "PL0147",
            Refusal::AuctionsStopped => "PL0148",
            Refusal::AuctionRanOut => "PL0149",
            Refusal::AuctionStillRuns => "PL0150",
            Refusal::AuctionTooExpensive { .. } => "PL0151",
            Refusal::NoPartialPurchase => "PL0152",
            Refusal::NoValidPrice => "PL0153",
            Refusal::OracleTooEarly { .. } => "PL0154",
            Refusal::BidRefused(_) => "PL0155",
            Refusal::BiddingOver => "PL0156",
            Refusal::AuctionPhase(_) => "PL0157",
            Refusal::FirstPriceZero => "PL0158",
            Refusal::NothingToRaise => "PL0159",
            Refusal::BranchShutDown => "PL0160",
            Refusal::NotShutDown => "PL0161",
            Refusal::BranchAboveScr { .. } => "PL0162",
            Refusal::BranchBelowCcr { .. } => "PL0163",
            Refusal::BelowMcr { .. } => "PL0164",
            Refusal::BelowBatchMcr { .. } => "PL0165",
            Refusal::RepaymentTooSmall => "PL0166",
            Refusal::DebtBelowMinimum { .. } => "PL0167",
            Refusal::DebtAtMinimum => "PL0168",
            Refusal::BalanceTooLow { .. } => "PL0169",
            Refusal::RateTooLow { .. } => "PL0170",
            Refusal::RateTooHigh { .. } => "PL0171",
            Refusal::RateOutOfRange { .. } => "PL0172",
            Refusal::RateUnchanged => "PL0173",
            Refusal::TooSoon { .. } => "PL0174",
            Refusal::PositionExists => "PL0175",
            Refusal::PositionNotOpen => "PL0176",
            Refusal::PositionNotActive => "PL0177",
            Refusal::PositionNotDormant => "PL0178",
            Refusal::InGroup => "PL0179",
            Refusal::NotInGroup => "PL0180",
            Refusal::NoSuchManager => "PL0181",
            Refusal::ManagerExists => "PL0182",
            Refusal::FeeTooHigh { .. } => "PL0183",
            Refusal::PeriodTooShort { .. } => "PL0184",
            Refusal::TooFewShares => "PL0185",
            Refusal::LastPosition => "PL0186",
            Refusal::FeeAboveLimit { .. } => "PL0187",
            Refusal::PoolMinimum => "PL0188",
            Refusal::StillDeposited => "PL0189",
            Refusal::TooManyReserves { .. } => "PL0190",
            Refusal::RiskPremiumLimit(_) => "PL0191",
            Refusal::NoShares => "PL0192",
            Refusal::AnotherAccount(_) => "PL0193",
            Refusal::NotInLots { .. } => "PL0194",
            Refusal::Expired(_) => "PL0195",
            Refusal::HedgeKept(_) => "PL0720",
            Refusal::PriceUnknown { .. } => "PL0201",
            Refusal::ClockWentBack { .. } => "PL0202",
            Refusal::AccountsMissing => "PL0203",
            Refusal::TotalsMissing(_) => "PL0204",
            Refusal::Overflow(_) => "PL0301",
            Refusal::DivisionByZero(_) => "PL0302",
            Refusal::NotAtThisVenue => "PL0401",
            Refusal::NoSuchInstrument(_) => "PL0402",
            Refusal::NoSuchAccount => "PL0403",
            Refusal::NoSuchCell => "PL0404",
            Refusal::InconsistentAccount(_) => "PL0405",
        }
    }

    /// The instrument that the refusal is about, where there is one.
    #[must_use]
    pub const fn instrument(&self) -> Option<InstrumentId> {
        match self {
            Refusal::NotSeizable(i)
            | Refusal::NothingOwed(i)
            | Refusal::NothingHeld(i)
            | Refusal::SupplyCap(i)
            | Refusal::BorrowCap(i)
            | Refusal::Paused(i)
            | Refusal::Frozen(i)
            | Refusal::Inactive(i)
            | Refusal::NotBorrowable(i)
            | Refusal::NotBorrowableInMode(i)
            | Refusal::NotBorrowableInIsolation(i)
            | Refusal::DebtCeiling(i)
            | Refusal::Siloed(i)
            | Refusal::NotUsableAsCollateral(i)
            | Refusal::RiskPremiumLimit(i)
            | Refusal::AnotherAccount(i)
            | Refusal::Expired(i)
            | Refusal::HedgeKept(i)
            | Refusal::TotalsMissing(i)
            | Refusal::NoSuchInstrument(i) => Some(*i),
            _ => None,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::NotLiquidatable => f.write_str("the account is not below the liquidation line"),
            Refusal::NothingToSeize => {
                f.write_str("the account has no collateral: there is nothing to seize")
            }
            Refusal::NotSeizable(_) => f.write_str("this instrument cannot be seized from the account"),
            Refusal::NothingOwed(_) => f.write_str("the account owes none of this instrument"),
            Refusal::NothingHeld(_) => f.write_str("the account holds none of this instrument"),
            Refusal::LeavesDust => f.write_str("less than the venue's minimum would be left over"),
            Refusal::WouldBeUnhealthy => f.write_str("the account would be below the liquidation line"),
            Refusal::OverCapacity { debt, capacity } => {
                write!(f, "debt of {debt} where the collateral carries {capacity}")
            }
            Refusal::InsufficientCash { held, asked } => {
                write!(f, "the pool holds {held}, {asked} was asked")
            }
            Refusal::BeyondReceipts { receipts, lent } => {
                write!(f, "a loan of {lent} where all receipts stand for {receipts}")
            }
            Refusal::AmountZero => f.write_str("an amount of zero"),
            Refusal::AmountTooLarge { held, asked } => write!(f, "{asked} was asked of {held}"),
            Refusal::SupplyCap(_) => f.write_str("the supply cap would be exceeded"),
            Refusal::BorrowCap(_) => f.write_str("the borrow cap would be exceeded"),
            Refusal::Paused(_) => f.write_str("the asset is paused"),
            Refusal::Frozen(_) => f.write_str("the asset is frozen"),
            Refusal::Inactive(_) => f.write_str("the asset is not active"),
            Refusal::NotBorrowable(_) => f.write_str("the asset cannot be borrowed"),
            Refusal::NotBorrowableInMode(_) => f.write_str("the asset cannot be borrowed in this mode"),
            Refusal::NotBorrowableInIsolation(_) => {
                f.write_str("the asset cannot be borrowed against isolated collateral")
            }
            Refusal::DebtCeiling(_) => f.write_str("the debt ceiling of the isolated collateral is reached"),
            Refusal::Siloed(_) => f.write_str("a siloed asset must be the only debt"),
            Refusal::NotUsableAsCollateral(_) => {
                f.write_str("the account cannot use this asset as collateral")
            }
            Refusal::ZeroLtvFirst => f.write_str("collateral of loan-to-value zero must leave first"),
            Refusal::NoBorrowingPower => f.write_str("no collateral carries new debt"),
            Refusal::ModeNotAllowed => f.write_str("the account cannot enter this mode"),
            Refusal::GracePeriod { until } => {
                write!(f, "liquidations are held back until {until}")
            }
            Refusal::SelfLiquidation => f.write_str("an account may not liquidate itself"),
            Refusal::InconsistentInput => f.write_str("exactly one of the two amounts must be given"),
            Refusal::BorrowTooSmall { owed, least } => {
                write!(f, "{owed} would be owed, less than the least loan of {least}")
            }
            Refusal::ActionPaused(what) => write!(f, "the market's owner has stopped {what}"),
            Refusal::SelfTransfer => f.write_str("nothing can be transferred to where it comes from"),
            Refusal::NotForSale { reserves, target } => {
                write!(f, "no collateral is for sale with reserves of {reserves}, only below {target}")
            }
            Refusal::ShutDown => f.write_str("the system is shut down"),
            Refusal::NoConsent(what) => write!(f, "the actor has no consent: {what}"),
            Refusal::ReceiverOverCapacity { debt, capacity } => {
                write!(f, "the receiver would owe {debt} where its collateral carries {capacity}")
            }
            Refusal::ReceiverDust => f.write_str("the receiver would owe less than the venue's minimum"),
            Refusal::AuctionLimit => f.write_str("as much is on auction as the venue allows at once"),
            Refusal::DustyAuction => f.write_str("the auction would be below the venue's minimum"),
            Refusal::NullAuction => f.write_str("nothing would be on auction"),
            Refusal::NoSuchAuction { auction } => write!(f, "auction {auction} does not run"),
            Refusal::AuctionsStopped => f.write_str("this part of the auction house is stopped"),
            Refusal::AuctionRanOut => f.write_str("the auction has run out and must be restarted"),
            Refusal::AuctionStillRuns => f.write_str("the auction still runs"),
            Refusal::AuctionTooExpensive { price, most } => {
                write!(f, "the auction asks {price}, at most {most} would be paid")
            }
            Refusal::NoPartialPurchase => f.write_str("only all of the auction can be bought"),
            Refusal::NoValidPrice => f.write_str("the venue's oracle has no valid price"),
            Refusal::FirstPriceZero => f.write_str("the auction would begin at a price of zero"),
            Refusal::NothingToRaise => f.write_str("the auction would have nothing to raise"),
            Refusal::OracleTooEarly { from } => write!(f, "the delayed oracle takes no price before {from}"),
            Refusal::BidRefused(rule) => write!(f, "the auction does not take this bid: {rule}"),
            Refusal::BiddingOver => f.write_str("the time for bids is over"),
            Refusal::AuctionPhase(should) => write!(f, "the auction is in its other phase: {should}"),
            Refusal::BranchShutDown => f.write_str("the branch was shut down"),
            Refusal::NotShutDown => f.write_str("the branch is not shut down"),
            Refusal::BranchAboveScr { ratio, least } => write!(f, "the branch is at {ratio}, not below {least}"),
            Refusal::BranchBelowCcr { ratio, least } => write!(f, "the branch would be at {ratio}, below {least}"),
            Refusal::BelowMcr { ratio, least } => write!(f, "the position would be at {ratio}, below {least}"),
            Refusal::BelowBatchMcr { ratio, least } => write!(f, "the position would be at {ratio}, below {least} as its group asks"),
            Refusal::RepaymentTooSmall => f.write_str("the branch is below its critical ratio: collateral leaves only against a repayment of its value"),
            Refusal::DebtBelowMinimum { debt, least } => write!(f, "a debt of {debt}, below the least of {least}"),
            Refusal::DebtAtMinimum => f.write_str("the debt is at the venue's minimum: the rest is repaid by closing"),
            Refusal::BalanceTooLow { held, asked } => write!(f, "{asked} is to be paid out of {held}"),
            Refusal::RateTooLow { least } => write!(f, "a rate below the least of {least}"),
            Refusal::RateTooHigh { most } => write!(f, "a rate above the highest of {most}"),
            Refusal::RateOutOfRange { least, most } => write!(f, "a rate that is not between {least} and {most}, as the manager promised"),
            Refusal::RateUnchanged => f.write_str("the rate is this one already"),
            Refusal::TooSoon { until } => write!(f, "the rate may not be changed before {until}"),
            Refusal::PositionExists => f.write_str("there is a position already"),
            Refusal::PositionNotOpen => f.write_str("there is no open position"),
            Refusal::PositionNotActive => f.write_str("the position is not active"),
            Refusal::PositionNotDormant => f.write_str("the position was not set aside"),
            Refusal::InGroup => f.write_str("the position is in a group: its manager sets the rate"),
            Refusal::NotInGroup => f.write_str("the position is in no group"),
            Refusal::NoSuchManager => f.write_str("no such manager of a group"),
            Refusal::ManagerExists => f.write_str("the account manages a group of this branch already"),
            Refusal::FeeTooHigh { most } => write!(f, "a management fee above the highest of {most}"),
            Refusal::PeriodTooShort { least } => write!(f, "changes closer than {least} seconds"),
            Refusal::TooFewShares => f.write_str("the group's debt is too large for its shares to grow"),
            Refusal::LastPosition => f.write_str("it is the last position of its branch"),
            Refusal::FeeAboveLimit { fee, limit } => write!(f, "a fee of {fee}, above the limit of {limit}"),
            Refusal::PoolMinimum => f.write_str("the stability pool would be left with less than it keeps"),
            Refusal::StillDeposited => f.write_str("the account still has a deposit: its gains come with a deposit or withdrawal"),
            Refusal::TooManyReserves { most } => {
                write!(f, "the account has as many on this side as it may have: {most}")
            }
            Refusal::RiskPremiumLimit(_) => {
                f.write_str("more would be owed at a premium than the hub allows this spoke")
            }
            Refusal::NoShares => f.write_str("so small an amount that no share would stand for it"),
            Refusal::AnotherAccount(_) => {
                f.write_str("it is of another spoke than the account: a position there is another account")
            }
            Refusal::NotInLots { lot } => write!(f, "not a whole number of lots of {lot} (raw)"),
            Refusal::Expired(_) => f.write_str("the contract has expired and is not settled"),
            Refusal::HedgeKept(_) => f.write_str("closing it by itself would make the account worse: it covers other positions"),
            Refusal::PriceUnknown { why, .. } => write!(f, "a price that this needs is {why}"),
            Refusal::ClockWentBack { state, asked } => {
                write!(f, "the state is of {state}, later than the {asked} asked about")
            }
            Refusal::AccountsMissing => f.write_str("it depends on accounts that the book does not list"),
            Refusal::TotalsMissing(_) => f.write_str(
                "by the market's totals nothing of it exists, though accounts have it: rates follow from totals",
            ),
            Refusal::Overflow(formula) => write!(f, "below zero, or more than its bits hold: {formula}"),
            Refusal::DivisionByZero(formula) => write!(f, "division by zero in {formula}"),
            Refusal::NotAtThisVenue => f.write_str("this venue has no such action"),
            Refusal::NoSuchInstrument(_) => f.write_str("the market has no such instrument for this"),
            Refusal::NoSuchAccount => f.write_str("no such account"),
            Refusal::NoSuchCell => f.write_str("the market has no such number, or it cannot take this value"),
            Refusal::InconsistentAccount(what) => write!(f, "the account contradicts itself: {what}"),
        }
    }
}

impl core::error::Error for Refusal {}
