//! The documents say what the code does.

use plimsoll_core::{InstrumentId, Refusal, Time, U256, Why};
use plimsoll_io::fault::Code;
use std::collections::BTreeMap;

/// The headings of the error page: code and title.
fn sections() -> BTreeMap<String, String> {
    let page = include_str!("../../../docs/errors.md");
    let headings = page.lines().filter_map(|line| line.strip_prefix("## "));
    let pairs = headings.map(|heading| heading.split_once(": ").expect("a code and a title"));
    let mut sections = BTreeMap::new();
    for (code, title) in pairs {
        let before = sections.insert(code.to_string(), title.to_string());
        assert_eq!(before, None, "{code} has one section");
    }
    sections
}

#[test]
fn every_code_has_its_section() {
    let mut sections = sections();
    for code in Code::ALL {
        let title = sections.remove(code.name());
        assert_eq!(title.as_deref(), Some(code.title()), "{}", code.name());
    }
    for refusal in refusals() {
        assert!(sections.remove(refusal.code()).is_some(), "{} {refusal}", refusal.code());
    }
    // The engine's own are held by a test of the engine.
    sections.retain(|code, _| !code.starts_with("PL06"));
    assert!(sections.is_empty(), "sections of no code: {sections:?}");
}

/// One refusal of each kind. The match makes a new kind a compile error here.
fn refusals() -> Vec<Refusal> {
    let instrument = InstrumentId(0);
    let (held, asked) = (U256::ZERO, U256::ONE);
    let all = vec![
        Refusal::NotLiquidatable,
        Refusal::NotSeizable(instrument),
        Refusal::NothingOwed(instrument),
        Refusal::NothingHeld(instrument),
        Refusal::LeavesDust,
        Refusal::WouldBeUnhealthy,
        Refusal::OverCapacity { debt: asked, capacity: held },
        Refusal::InsufficientCash { held, asked },
        Refusal::BeyondReceipts { receipts: held, lent: asked },
        Refusal::NothingToSeize,
        Refusal::AmountZero,
        Refusal::AmountTooLarge { held, asked },
        Refusal::SupplyCap(instrument),
        Refusal::BorrowCap(instrument),
        Refusal::Paused(instrument),
        Refusal::Frozen(instrument),
        Refusal::Inactive(instrument),
        Refusal::NotBorrowable(instrument),
        Refusal::NotBorrowableInMode(instrument),
        Refusal::NotBorrowableInIsolation(instrument),
        Refusal::DebtCeiling(instrument),
        Refusal::Siloed(instrument),
        Refusal::NotUsableAsCollateral(instrument),
        Refusal::ZeroLtvFirst,
        Refusal::NoBorrowingPower,
        Refusal::ModeNotAllowed,
        Refusal::GracePeriod { until: Time(0) },
        Refusal::SelfLiquidation,
        Refusal::InconsistentInput,
        Refusal::BorrowTooSmall { owed: asked, least: held },
        Refusal::ActionPaused("a word"),
        Refusal::SelfTransfer,
        Refusal::NotForSale { reserves: asked, target: held },
        Refusal::BranchShutDown,
        Refusal::NotShutDown,
        Refusal::BranchAboveScr { ratio: asked, least: held },
        Refusal::BranchBelowCcr { ratio: asked, least: held },
        Refusal::BelowMcr { ratio: asked, least: held },
        Refusal::BelowBatchMcr { ratio: asked, least: held },
        Refusal::RepaymentTooSmall,
        Refusal::DebtBelowMinimum { debt: asked, least: held },
        Refusal::DebtAtMinimum,
        Refusal::BalanceTooLow { held: asked, asked: held },
        Refusal::RateTooLow { least: asked },
        Refusal::RateTooHigh { most: asked },
        Refusal::RateOutOfRange { least: asked, most: held },
        Refusal::RateUnchanged,
        Refusal::TooSoon { until: Time(1) },
        Refusal::PositionExists,
        Refusal::PositionNotOpen,
        Refusal::PositionNotActive,
        Refusal::PositionNotDormant,
        Refusal::InGroup,
        Refusal::NotInGroup,
        Refusal::NoSuchManager,
        Refusal::ManagerExists,
        Refusal::FeeTooHigh { most: asked },
        Refusal::PeriodTooShort { least: 1 },
        Refusal::TooFewShares,
        Refusal::LastPosition,
        Refusal::FeeAboveLimit { fee: asked, limit: held },
        Refusal::PoolMinimum,
        Refusal::StillDeposited,
        Refusal::ShutDown,
        Refusal::NoConsent("whose"),
        Refusal::ReceiverOverCapacity { debt: asked, capacity: held },
        Refusal::ReceiverDust,
        Refusal::AuctionLimit,
        Refusal::DustyAuction,
        Refusal::NullAuction,
        Refusal::NoSuchAuction { auction: 1 },
        Refusal::AuctionsStopped,
        Refusal::AuctionRanOut,
        Refusal::AuctionStillRuns,
        Refusal::AuctionTooExpensive { price: asked, most: held },
        Refusal::NoPartialPurchase,
        Refusal::NoValidPrice,
        Refusal::FirstPriceZero,
        Refusal::NothingToRaise,
        Refusal::OracleTooEarly { from: Time(1) },
        Refusal::BidRefused("a rule"),
        Refusal::BiddingOver,
        Refusal::AuctionPhase("a phase"),
        Refusal::TooManyReserves { most: 3 },
        Refusal::RiskPremiumLimit(instrument),
        Refusal::NoShares,
        Refusal::AnotherAccount(instrument),
        Refusal::NotInLots { lot: held },
        Refusal::Expired(instrument),
        Refusal::HedgeKept(instrument),
        Refusal::PriceUnknown { slot: 0, why: Why::Missing },
        Refusal::ClockWentBack { state: Time(1), asked: Time(0) },
        Refusal::AccountsMissing,
        Refusal::TotalsMissing(instrument),
        Refusal::Overflow("a formula"),
        Refusal::DivisionByZero("a formula"),
        Refusal::NotAtThisVenue,
        Refusal::NoSuchInstrument(instrument),
        Refusal::NoSuchAccount,
        Refusal::NoSuchCell,
        Refusal::InconsistentAccount("a contradiction"),
    ];
    for refusal in &all {
        match refusal {
            Refusal::NotLiquidatable
            | Refusal::NotSeizable(_)
            | Refusal::NothingOwed(_)
            | Refusal::NothingHeld(_)
            | Refusal::LeavesDust
            | Refusal::WouldBeUnhealthy
            | Refusal::OverCapacity { .. }
            | Refusal::InsufficientCash { .. }
            | Refusal::BeyondReceipts { .. }
            | Refusal::NothingToSeize
            | Refusal::AmountZero
            | Refusal::AmountTooLarge { .. }
            | Refusal::SupplyCap(_)
            | Refusal::BorrowCap(_)
            | Refusal::Paused(_)
            | Refusal::Frozen(_)
            | Refusal::Inactive(_)
            | Refusal::NotBorrowable(_)
            | Refusal::NotBorrowableInMode(_)
            | Refusal::NotBorrowableInIsolation(_)
            | Refusal::DebtCeiling(_)
            | Refusal::Siloed(_)
            | Refusal::NotUsableAsCollateral(_)
            | Refusal::ZeroLtvFirst
            | Refusal::NoBorrowingPower
            | Refusal::ModeNotAllowed
            | Refusal::GracePeriod { .. }
            | Refusal::SelfLiquidation
            | Refusal::InconsistentInput
            | Refusal::BorrowTooSmall { .. }
            | Refusal::ActionPaused(_)
            | Refusal::SelfTransfer
            | Refusal::NotForSale { .. }
            | Refusal::BranchShutDown
            | Refusal::NotShutDown
            | Refusal::TooManyReserves { .. }
            | Refusal::RiskPremiumLimit(_)
            | Refusal::NoShares
            | Refusal::AnotherAccount(_)
            | Refusal::NotInLots { .. }
            | Refusal::Expired(_)
            | Refusal::HedgeKept(_)
            | Refusal::BranchAboveScr { .. }
            | Refusal::BranchBelowCcr { .. }
            | Refusal::BelowMcr { .. }
            | Refusal::BelowBatchMcr { .. }
            | Refusal::RepaymentTooSmall
            | Refusal::DebtBelowMinimum { .. }
            | Refusal::DebtAtMinimum
            | Refusal::BalanceTooLow { .. }
            | Refusal::RateTooLow { .. }
            | Refusal::RateTooHigh { .. }
            | Refusal::RateOutOfRange { .. }
            | Refusal::RateUnchanged
            | Refusal::TooSoon { .. }
            | Refusal::PositionExists
            | Refusal::PositionNotOpen
            | Refusal::PositionNotActive
            | Refusal::PositionNotDormant
            | Refusal::InGroup
            | Refusal::NotInGroup
            | Refusal::NoSuchManager
            | Refusal::ManagerExists
            | Refusal::FeeTooHigh { .. }
            | Refusal::PeriodTooShort { .. }
            | Refusal::TooFewShares
            | Refusal::LastPosition
            | Refusal::FeeAboveLimit { .. }
            | Refusal::PoolMinimum
            | Refusal::StillDeposited
            | Refusal::ShutDown
            | Refusal::NoConsent(_)
            | Refusal::ReceiverOverCapacity { .. }
            | Refusal::ReceiverDust
            | Refusal::AuctionLimit
            | Refusal::DustyAuction
            | Refusal::NullAuction
            | Refusal::NoSuchAuction { .. }
            | Refusal::AuctionsStopped
            | Refusal::AuctionRanOut
            | Refusal::AuctionStillRuns
            | Refusal::AuctionTooExpensive { .. }
            | Refusal::NoPartialPurchase
            | Refusal::NoValidPrice
            | Refusal::FirstPriceZero
            | Refusal::NothingToRaise
            | Refusal::OracleTooEarly { .. }
            | Refusal::BidRefused(_)
            | Refusal::BiddingOver
            | Refusal::AuctionPhase(_)
            | Refusal::PriceUnknown { .. }
            | Refusal::ClockWentBack { .. }
            | Refusal::AccountsMissing
            | Refusal::TotalsMissing(_)
            | Refusal::Overflow(_)
            | Refusal::DivisionByZero(_)
            | Refusal::NotAtThisVenue
            | Refusal::NoSuchInstrument(_)
            | Refusal::NoSuchAccount
            | Refusal::NoSuchCell
            | Refusal::InconsistentAccount(_) => {}
        }
    }
    all
}
