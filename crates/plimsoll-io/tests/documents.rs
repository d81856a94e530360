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
        Refusal::BorrowTooSmall { owed: held, least: asked },
        Refusal::ActionPaused("an action"),
        Refusal::SelfTransfer,
        Refusal::NotForSale { reserves: asked, target: held },
        Refusal::PriceUnknown { slot: 0, why: Why::Missing },
        Refusal::ClockWentBack { state: Time(1), asked: Time(0) },
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
            | Refusal::PriceUnknown { .. }
            | Refusal::ClockWentBack { .. }
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
