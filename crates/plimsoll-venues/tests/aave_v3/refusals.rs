//! Every refusal that an Aave pool can give, each with the least scene; where there is a limit, what still passes.

use crate::liquidation::liquidate;
use crate::scenes::{BORROWER, OTHER, USDC, WBTC, WETH, plain};
use crate::world::{World, u};
use plimsoll_core::{
    Action, Amount, Call, InstrumentId, Int, Lens, Lot, Market, Mechanism, Reading, Receive, Refusal, TermId,
    Test, Time, U256, Why,
};
use plimsoll_venues::aave_v3::{
    Configuration, E_MODE, Pool, PoolError, PoolSpec, Revision, USER_CONFIG, asset, debt, receipt,
};

const USD: u128 = 100_000_000;

fn some(amount: u128) -> Amount {
    Amount::Assets(u(amount))
}

fn deposit(reserve: usize, amount: u128) -> Action {
    Action::Deposit { into: receipt(reserve), amount: some(amount) }
}

fn withdraw(reserve: usize, amount: u128) -> Action {
    Action::Withdraw { from: receipt(reserve), amount: some(amount) }
}

fn borrow(reserve: usize, amount: u128) -> Action {
    Action::Borrow { debt: debt(reserve), amount: some(amount) }
}

fn repay(reserve: usize, amount: u128) -> Action {
    Action::Repay { debt: debt(reserve), amount: some(amount) }
}

fn use_as(reserve: usize, on: bool) -> Action {
    Action::UseAsCollateral { instrument: receipt(reserve), on }
}

fn enter(mode: u64) -> Action {
    Action::SetTerm { term: E_MODE, value: Int::from(mode) }
}

/// The borrower's own action: what it is refused with, `None` where it goes through.
fn own(world: &World, action: Action) -> Option<Refusal> {
    world.then(BORROWER, BORROWER, action).err()
}

fn liquidated(world: &World) -> Option<Refusal> {
    world.then(OTHER, BORROWER, liquidate(USDC, WETH, Amount::All)).err()
}

fn each(check: fn(Revision)) {
    Revision::ALL.into_iter().for_each(check);
}

const WETH_UNIT: u128 = 1_000_000_000_000_000_000;

/// Flags of reserves that the pool does not list mean nothing: the contracts skip the empty address.
#[test]
fn flags_beyond_the_list_are_skipped() {
    each(|revision| {
        let beyond = |mut world: World| {
            let account = &mut world.accounts[0];
            let word = account.term(USER_CONFIG).magnitude();
            let word = [200, 255].into_iter().fold(word, |word, bit| word.with_bit(bit, true));
            let word = word.with_bit(254, true).with_bit(201, true);
            account.set_term(USER_CONFIG, word.into());
            world
        };
        // Everything is seized: from 3.3 on what is still owed is written off, reserve by reserve.
        let world = beyond(plain(revision).owing(BORROWER, USDC, 100_000));
        assert_eq!(liquidated(&world), None, "{revision:?}");
        let world = beyond(plain(revision).owing(BORROWER, USDC, 1_000));
        for action in [deposit(USDC, 1), borrow(USDC, 1), use_as(WETH, true), withdraw(WETH, 1)] {
            assert_eq!(own(&world, action.clone()), None, "{revision:?}: {action:?}");
        }
    });
}

/// Where two rules refuse a loan, the contract's first one is told (`validateBorrow` and `executeBorrow` of each release).
#[test]
fn a_loan_is_refused_in_the_contracts_order() {
    each(|revision| {
        let isolated = |world: World| world.set(WETH, Configuration::DEBT_CEILING, 100_000);
        let in_mode = |world: World| world.with_mode(&[WETH]).in_mode(BORROWER, 1);
        let (mode, isolation) =
            (Refusal::NotBorrowableInMode(debt(USDC)), Refusal::NotBorrowableInIsolation(debt(USDC)));
        // The cap is asked before the mode up to 3.5.
        let world = in_mode(plain(revision)).set(USDC, Configuration::BORROW_CAP, 1);
        let expected = if revision <= Revision::V3_5 { Refusal::BorrowCap(debt(USDC)) } else { mode };
        assert_eq!(own(&world, borrow(USDC, 1_000_001)), Some(expected), "{revision:?}");
        // Isolation is asked before the mode up to 3.3, and after the token was minted since.
        let world = in_mode(isolated(plain(revision)));
        let expected = if revision <= Revision::V3_3 { isolation } else { mode };
        assert_eq!(own(&world, borrow(USDC, 1)), Some(expected), "{revision:?}");
        // What collateral carries is asked after isolation, in 3.4 before it; 3.7 has none.
        let world = isolated(plain(revision));
        let capacity = own(&world, borrow(USDC, 16_000_000_001)).expect("a refusal");
        let over = matches!(capacity, Refusal::OverCapacity { .. });
        assert_eq!(over, [Revision::V3_4, Revision::V3_7].contains(&revision), "{revision:?} {capacity:?}");
        assert!(over || capacity == isolation, "{revision:?} {capacity:?}");
        // Up to 3.4 the token alone refuses an amount that does not count: 1 of a debt at an index of 5.
        let small = plain(revision).rebuilt(|spec| {
            spec.reserves[USDC].state.variable_borrow_index =
                plimsoll_core::RAY.value().mul(u(5)).expect("5e27");
        });
        let expected = (revision <= Revision::V3_4).then_some(Refusal::AmountZero);
        assert_eq!(own(&small, borrow(USDC, 1)), expected, "{revision:?}");
        let closed = small.set(USDC, Configuration::BORROWING, 0);
        assert_eq!(own(&closed, borrow(USDC, 1)), Some(Refusal::NotBorrowable(debt(USDC))), "{revision:?}");
    });
}

/// An amount that does not count (1 at an index of 5) is refused by the token, after everything else, up to 3.4; from 3.5
/// on by the pool and first, for a deposit: a withdrawal burns at least one.
#[test]
fn an_amount_that_does_not_count_is_refused_in_the_contracts_order() {
    each(|revision| {
        let at_five = |world: World| {
            world.rebuilt(|spec| {
                let index = plimsoll_core::RAY.value().mul(u(5)).expect("5e27");
                spec.reserves[WETH].state.liquidity_index = index;
            })
        };
        let old = revision <= Revision::V3_4;
        let world = at_five(plain(revision));
        assert_eq!(own(&world, deposit(WETH, 1)), Some(Refusal::AmountZero), "{revision:?}");
        assert_eq!(own(&world, withdraw(WETH, 1)), old.then_some(Refusal::AmountZero), "{revision:?}");
        let frozen = world.clone().set(WETH, Configuration::FROZEN, 1);
        let expected = if old { Refusal::Frozen(asset(WETH)) } else { Refusal::AmountZero };
        assert_eq!(own(&frozen, deposit(WETH, 1)), Some(expected), "{revision:?}");
        let paused = world.clone().set(WETH, Configuration::PAUSED, 1);
        assert_eq!(own(&paused, withdraw(WETH, 1)), Some(Refusal::Paused(asset(WETH))), "{revision:?}");
        let nobody = world.then(3, 3, withdraw(WETH, 1)).err();
        assert_eq!(nobody, Some(Refusal::AmountTooLarge { held: u(0), asked: u(1) }), "{revision:?}");
    });
}

/// From 3.6 on a mode is entered reserve by reserve, its debt before its collateral, through all flags (`getNextFlags`).
#[test]
fn a_mode_is_entered_reserve_by_reserve() {
    each(|revision| {
        let late = revision >= Revision::V3_6;
        // Collateral that carries nothing in the category, and debt that it does not lend.
        let of = |collateral: usize, owed: usize| {
            let world = plain(revision).with_mode_like(&[WETH, WBTC], |mode| {
                mode.ltv_zero = U256::ZERO.with_bit(collateral, true);
                mode.borrowable = U256::ZERO.with_bit(collateral, true);
            });
            let world = world.set(owed, Configuration::EMODE, 0);
            world.holding(BORROWER, WBTC, 1, collateral == WBTC).owing_raw(BORROWER, owed, u(100))
        };
        let (first, last) = (of(WETH, WBTC), of(WBTC, WETH));
        let (no_debt, no_collateral) =
            (Refusal::NotBorrowableInMode(debt(WBTC)), Refusal::NotUsableAsCollateral(receipt(WETH)));
        assert_eq!(own(&first, enter(1)), Some(if late { no_collateral } else { no_debt }), "{revision:?}");
        assert_eq!(own(&last, enter(1)), Some(Refusal::NotBorrowableInMode(debt(WETH))), "{revision:?}");
        // Flags beyond the list: up to 3.3 the walk ends before them; then no bitmap lends them. For collateral the
        // contract looks at an empty reserve, which has the id 0.
        let flagged = |bit: usize, mode: &[usize]| {
            let mut world = plain(revision).with_mode(mode);
            let word = world.accounts[0].term(USER_CONFIG).magnitude();
            world.accounts[0].set_term(USER_CONFIG, word.with_bit(bit, true).into());
            own(&world, enter(1))
        };
        let expected = (revision >= Revision::V3_4).then_some(Refusal::NotBorrowableInMode(debt(100)));
        assert_eq!(flagged(200, &[WETH]), expected, "{revision:?}");
        assert_eq!(flagged(201, &[WETH]), None, "{revision:?}");
        let expected = late.then_some(Refusal::NotUsableAsCollateral(receipt(100)));
        assert_eq!(flagged(201, &[WBTC]), expected, "{revision:?}");
    });
}

#[test]
fn every_refusal_is_reachable() {
    each(of_liquidation);
    each(of_flags_and_caps);
    each(of_health_and_capacity);
    each(of_isolation_and_silos);
    each(of_modes);
    each(of_amounts_and_instruments);
    each(of_prices_and_time);
}

fn of_liquidation(revision: Revision) {
    let world = plain(revision).owing(BORROWER, USDC, 16_500);
    assert_eq!(liquidated(&world), Some(Refusal::NotLiquidatable), "health is exactly 1");
    let world = plain(revision).owing(BORROWER, USDC, 16_501);
    assert_eq!(liquidated(&world), None);
    let seize = |reserve| world.then(OTHER, BORROWER, liquidate(USDC, reserve, Amount::All)).err();
    assert_eq!(seize(WBTC), Some(Refusal::NotSeizable(receipt(WBTC))));
    let other = world.then(OTHER, BORROWER, liquidate(WBTC, WETH, Amount::All)).err();
    assert_eq!(other, Some(Refusal::NothingOwed(debt(WBTC))));
    let own = world.then(BORROWER, BORROWER, liquidate(USDC, WETH, Amount::All)).err();
    assert_eq!(own, (revision >= Revision::V3_4).then_some(Refusal::SelfLiquidation));
    // A threshold of zero cannot be seized up to 3.5; from 3.6 it can, and counts for nothing.
    let none = world.clone().set(WETH, Configuration::LTV, 0).set(WETH, Configuration::THRESHOLD, 0);
    let none = none.holding(BORROWER, WBTC, 1, true).owing(BORROWER, USDC, 40_000);
    let expected = (revision <= Revision::V3_5).then_some(Refusal::NotSeizable(receipt(WETH)));
    assert_eq!(liquidated(&none), expected, "{revision:?}");
    // The cash for the collateral is lent out.
    let lent = world.clone().rebuilt(|spec| {
        let state = &mut spec.reserves[WETH].state;
        state.scaled_debt = state.cash;
        (state.cash, state.virtual_balance) = (U256::ONE, U256::ONE);
    });
    assert!(matches!(liquidated(&lent), Some(Refusal::InsufficientCash { .. })), "{revision:?}");
    // Both sides are asked for a pause before either is asked for a grace period.
    let paused = world.clone().set(USDC, Configuration::PAUSED, 1);
    let held = paused.rebuilt(|spec| spec.reserves[WETH].grace_until = Time(u64::from(u32::MAX)));
    assert_eq!(liquidated(&held), Some(Refusal::Paused(asset(USDC))), "{revision:?}");
    for side in [WETH, USDC] {
        let inactive = world.clone().set(side, Configuration::ACTIVE, 0);
        assert_eq!(liquidated(&inactive), Some(Refusal::Inactive(asset(side))));
    }
    let share = |lot| {
        let (repay, seize, receive) = (debt(USDC), receipt(WETH), Receive::Asset);
        let action = Action::Liquidate(Mechanism::Discount { repay, seize, lot, receive });
        world.then(OTHER, BORROWER, action).err()
    };
    assert_eq!(share(Lot::Seize(u(1))), Some(Refusal::NotAtThisVenue));
    assert_eq!(share(Lot::Repay(Amount::Shares(u(1)))), Some(Refusal::NotAtThisVenue));
    assert_eq!(share(Lot::Repay(some(0))), Some(Refusal::AmountZero));
}

fn of_flags_and_caps(revision: Revision) {
    for action in [deposit(WETH, 1), withdraw(WETH, 1), use_as(WETH, false), borrow(WETH, 1)] {
        let at = |field, on| own(&plain(revision).set(WETH, field, on), action.clone());
        assert_eq!(at(Configuration::ACTIVE, 0), Some(Refusal::Inactive(asset(WETH))), "{action:?}");
        assert_eq!(at(Configuration::PAUSED, 1), Some(Refusal::Paused(asset(WETH))), "{action:?}");
        let frozen = matches!(action, Action::Deposit { .. } | Action::Borrow { .. });
        let expected = frozen.then_some(Refusal::Frozen(asset(WETH)));
        assert_eq!(at(Configuration::FROZEN, 1), expected, "{action:?}");
    }
    let world = plain(revision).owing(BORROWER, USDC, 1_000);
    let at = |field, on| own(&world.clone().set(USDC, field, on), repay(USDC, 1));
    assert_eq!(at(Configuration::ACTIVE, 0), Some(Refusal::Inactive(asset(USDC))));
    assert_eq!(at(Configuration::PAUSED, 1), Some(Refusal::Paused(asset(USDC))));
    assert_eq!(at(Configuration::FROZEN, 1), None);

    // 10 000 000 USDC are supplied and 1 000 borrowed: caps one higher leave room for one, and no raw unit more.
    let capped = world.clone().set(USDC, Configuration::SUPPLY_CAP, 10_000_001);
    assert_eq!(own(&capped, deposit(USDC, 1_000_000)), None);
    assert_eq!(own(&capped, deposit(USDC, 1_000_001)), Some(Refusal::SupplyCap(receipt(USDC))));
    // The treasury's claim counts as supplied.
    let claimed = capped.rebuilt(|spec| spec.reserves[USDC].state.accrued_to_treasury = U256::ONE);
    assert_eq!(own(&claimed, deposit(USDC, 1_000_000)), Some(Refusal::SupplyCap(receipt(USDC))));
    let capped = world.clone().set(USDC, Configuration::BORROW_CAP, 1_001);
    assert_eq!(own(&capped, borrow(USDC, 1_000_000)), None);
    assert_eq!(own(&capped, borrow(USDC, 1_000_001)), Some(Refusal::BorrowCap(debt(USDC))));
    // From 3.1 on nothing is lent beyond the receipts, though cash that belongs to the treasury is there.
    let unclaimed = world.clone().rebuilt(|spec| {
        let state = &mut spec.reserves[USDC].state;
        state.accrued_to_treasury = state.scaled_supply.sub(u(999)).expect("a large supply");
        state.scaled_supply = u(999);
    });
    assert_eq!(own(&unclaimed, borrow(USDC, 999)), None);
    let beyond = Refusal::BeyondReceipts { receipts: u(999), lent: u(1_000) };
    let expected = (revision >= Revision::V3_1).then_some(beyond);
    assert_eq!(own(&unclaimed, borrow(USDC, 1_000)), expected, "{revision:?}");
    let closed = world.set(USDC, Configuration::BORROWING, 0);
    assert_eq!(own(&closed, borrow(USDC, 1)), Some(Refusal::NotBorrowable(debt(USDC))));
}

fn of_health_and_capacity(revision: Revision) {
    // 10 WETH at 2 000: 80 % carry 16 000, 82.5 % hold 16 500.
    let world = plain(revision);
    assert_eq!(own(&world, borrow(USDC, 16_000_000_000)), None);
    let refusal = own(&world, borrow(USDC, 16_000_000_001));
    let (debt_value, capacity) = (u(1_600_000_000_100), u(1_600_000_000_000));
    assert_eq!(refusal, Some(Refusal::OverCapacity { debt: debt_value, capacity }), "{revision:?}");
    // 16 500 of debt on 20 000: health is 1 and the last unit of collateral cannot leave.
    let world = world.owing(BORROWER, USDC, 8_250);
    assert_eq!(own(&world, withdraw(WETH, 5 * WETH_UNIT)), None, "{revision:?}");
    let below = own(&world, withdraw(WETH, 5 * WETH_UNIT + 500_000_000_000_000));
    assert_eq!(below, Some(Refusal::WouldBeUnhealthy), "{revision:?}");
    assert_eq!(own(&world, use_as(WETH, false)), Some(Refusal::WouldBeUnhealthy));
    // At a health of exactly 1 a loan is refused for its health: up to 3.4 as it is, since 3.5 as it would be.
    let world = plain(revision).owing(BORROWER, USDC, 16_500);
    assert_eq!(own(&world, borrow(USDC, 1)), Some(Refusal::WouldBeUnhealthy), "{revision:?}");
    // Nothing that carries debt: no collateral, or a loan-to-value of zero.
    let bare = world.then(3, 3, borrow(USDC, 1)).err();
    assert_eq!(bare, Some(Refusal::NoBorrowingPower));
    let zero = plain(revision).set(WETH, Configuration::LTV, 0);
    assert_eq!(own(&zero, borrow(USDC, 1)), Some(Refusal::NoBorrowingPower));
    // Collateral of loan-to-value zero leaves first.
    let mixed = zero.holding(BORROWER, WBTC, 1, true).owing(BORROWER, USDC, 100);
    assert_eq!(own(&mixed, withdraw(WBTC, 1)), Some(Refusal::ZeroLtvFirst));
    assert_eq!(own(&mixed, use_as(WBTC, false)), Some(Refusal::ZeroLtvFirst));
    assert_eq!(own(&mixed, withdraw(WETH, 1)), None);
    assert_eq!(own(&mixed, use_as(WETH, true)), None, "it is on already");
    // The flag alone does it: `hasZeroLtvCollateral` is set before any balance is looked at.
    let flagged = plain(revision).set(WBTC, Configuration::LTV, 0).owing(BORROWER, USDC, 100);
    let flagged = flagged.holding_raw(BORROWER, WBTC, U256::ZERO, true);
    assert_eq!(own(&flagged, withdraw(WETH, 1)), Some(Refusal::ZeroLtvFirst), "{revision:?}");
    let unweighted = flagged.set(WBTC, Configuration::THRESHOLD, 0);
    let expected = (revision >= Revision::V3_6).then_some(Refusal::ZeroLtvFirst);
    assert_eq!(own(&unweighted, withdraw(WETH, 1)), expected, "up to 3.5 it is skipped: {revision:?}");
    let off = plain(revision).set(WBTC, Configuration::LTV, 0).holding(BORROWER, WBTC, 1, false);
    assert_eq!(own(&off, use_as(WBTC, true)), Some(Refusal::NotUsableAsCollateral(receipt(WBTC))));
    assert_eq!(own(&off, use_as(USDC, true)), Some(Refusal::NothingHeld(receipt(USDC))));
    // The pool lent everything out.
    let lent = plain(revision).rebuilt(|spec| {
        let state = &mut spec.reserves[WETH].state;
        (state.cash, state.virtual_balance) = (u(WETH_UNIT), u(WETH_UNIT));
    });
    assert_eq!(own(&lent, withdraw(WETH, WETH_UNIT)), None);
    let (held, asked) = (u(WETH_UNIT), u(WETH_UNIT + 1));
    assert_eq!(own(&lent, withdraw(WETH, WETH_UNIT + 1)), Some(Refusal::InsufficientCash { held, asked }));
}

fn of_isolation_and_silos(revision: Revision) {
    let old = revision <= Revision::V3_6;
    // A ceiling of 1 000.00 in cents.
    let isolated = plain(revision).set(WETH, Configuration::DEBT_CEILING, 100_000);
    let expected = old.then_some(Refusal::NotBorrowableInIsolation(debt(USDC)));
    assert_eq!(own(&isolated, borrow(USDC, 1_000_000)), expected, "{revision:?}");
    let allowed = isolated.set(USDC, Configuration::BORROWABLE_IN_ISOLATION, 1);
    assert_eq!(own(&allowed, borrow(USDC, 1_000_009_999)), None, "{revision:?}");
    let expected = old.then_some(Refusal::DebtCeiling(receipt(WETH)));
    assert_eq!(own(&allowed, borrow(USDC, 1_000_010_000)), expected, "{revision:?}");
    // Another collateral beside an isolated one, and an isolated one beside another.
    let beside = allowed.clone().holding(BORROWER, WBTC, 1, false);
    let expected = old.then_some(Refusal::NotUsableAsCollateral(receipt(WBTC)));
    assert_eq!(own(&beside, use_as(WBTC, true)), expected, "{revision:?}");
    let beside = plain(revision).set(WBTC, Configuration::DEBT_CEILING, 1).holding(BORROWER, WBTC, 1, false);
    assert_eq!(own(&beside, use_as(WBTC, true)), expected, "{revision:?}");
    // Repaying makes room, in whole cents.
    let lent = allowed.then(BORROWER, BORROWER, borrow(USDC, 1_000_000_000)).expect("a loan");
    let cents = |world: &World| world.state(WETH).isolation_debt;
    assert_eq!(cents(&lent), if old { u(100_000) } else { U256::ZERO });
    let paid = lent.then(BORROWER, BORROWER, repay(USDC, 500_019_999)).expect("a repayment");
    assert_eq!(cents(&paid), if old { u(49_999) } else { U256::ZERO });

    // A siloed asset is the only debt.
    let siloed = plain(revision).set(USDC, Configuration::SILOED, 1);
    assert_eq!(own(&siloed, borrow(USDC, 1_000_000)), None);
    let first = siloed.clone().owing(BORROWER, WBTC, 0).owing_raw(BORROWER, WBTC, u(1));
    let expected = old.then_some(Refusal::Siloed(debt(USDC)));
    assert_eq!(own(&first, borrow(USDC, 1_000_000)), expected, "{revision:?}");
    let first = siloed.owing(BORROWER, USDC, 1);
    let expected = old.then_some(Refusal::Siloed(debt(WBTC)));
    assert_eq!(own(&first, borrow(WBTC, 1)), expected, "{revision:?}");
    assert_eq!(own(&first, borrow(USDC, 1_000_000)), None);
}

fn of_modes(revision: Revision) {
    let world = plain(revision).with_mode(&[WETH, WBTC]);
    assert_eq!(own(&world, enter(1)), None);
    assert_eq!(own(&world, enter(2)), Some(Refusal::ModeNotAllowed));
    assert_eq!(own(&world, enter(256)), Some(Refusal::ModeNotAllowed));
    let empty = plain(revision).with_mode_like(&[WETH], |mode| mode.threshold = 0);
    assert_eq!(own(&empty, enter(1)), Some(Refusal::ModeNotAllowed));
    // USDC is not borrowable in the category: neither before it is entered nor in it.
    let owing = world.clone().owing(BORROWER, USDC, 100);
    assert_eq!(own(&owing, enter(1)), Some(Refusal::NotBorrowableInMode(debt(USDC))));
    let inside = world.clone().in_mode(BORROWER, 1);
    assert_eq!(own(&inside, borrow(USDC, 1)), Some(Refusal::NotBorrowableInMode(debt(USDC))));
    assert_eq!(own(&inside, borrow(WBTC, 1)), None);
    // 9 300 bps hold 18 600: without the category 16 500 are left, and it cannot be left. 0.34 WBTC are 17 000.
    let deep = inside.owing_raw(BORROWER, WBTC, u(34_000_000));
    assert_eq!(own(&deep, enter(0)), Some(Refusal::WouldBeUnhealthy));
    let less = world.clone().in_mode(BORROWER, 1).owing_raw(BORROWER, WBTC, u(33_000_000));
    assert_eq!(own(&less, enter(0)), None, "16 500 exactly");
    // From 3.6: a category may lend what is closed outside, and be closed to what carries no debt in it.
    let closed = world.clone().set(WBTC, Configuration::BORROWING, 0).in_mode(BORROWER, 1);
    let expected = (revision <= Revision::V3_5).then_some(Refusal::NotBorrowable(debt(WBTC)));
    assert_eq!(own(&closed, borrow(WBTC, 1)), expected, "{revision:?}");
    let left = closed.owing_raw(BORROWER, WBTC, u(100));
    let expected = (revision >= Revision::V3_6).then_some(Refusal::NotBorrowableInMode(debt(WBTC)));
    assert_eq!(own(&left, enter(0)), expected, "{revision:?}");
    let weightless = plain(revision).with_mode_like(&[WETH], |mode| mode.ltv_zero = u(1));
    let expected = (revision >= Revision::V3_6).then_some(Refusal::NotUsableAsCollateral(receipt(WETH)));
    assert_eq!(own(&weightless, enter(1)), expected, "{revision:?}");
    // 3.7: an isolated category leaves others without loan-to-value.
    let alone = plain(revision).with_mode_like(&[WBTC], |mode| mode.isolated = true);
    let expected = (revision >= Revision::V3_7).then_some(Refusal::NotUsableAsCollateral(receipt(WETH)));
    assert_eq!(own(&alone, enter(1)), expected, "{revision:?}");
    let foreign = world.then(OTHER, BORROWER, enter(1)).err();
    assert_eq!(foreign, Some(Refusal::NotAtThisVenue), "only for oneself");
    assert_eq!(
        own(&world, Action::SetTerm { term: USER_CONFIG, value: Int::ONE }),
        Some(Refusal::NotAtThisVenue)
    );
    let lost = plain(revision).in_mode(BORROWER, 3);
    assert!(matches!(own(&lost, borrow(USDC, 1)), Some(Refusal::InconsistentAccount(_))));
}

fn of_amounts_and_instruments(revision: Revision) {
    let world = plain(revision).owing(BORROWER, USDC, 1_000);
    for action in [deposit(WETH, 0), withdraw(WETH, 0), borrow(USDC, 0), repay(USDC, 0)] {
        assert_eq!(own(&world, action), Some(Refusal::AmountZero));
    }
    assert_eq!(own(&world, repay(WBTC, 1)), Some(Refusal::NothingOwed(debt(WBTC))));
    let (held, asked) = (u(10 * WETH_UNIT), u(10 * WETH_UNIT + 1));
    assert_eq!(
        own(&world, withdraw(WETH, 10 * WETH_UNIT + 1)),
        Some(Refusal::AmountTooLarge { held, asked })
    );
    // One action's instrument is not another's, and what the pool does not list is nobody's.
    let foreign = |action| own(&world, action);
    let one = some(1);
    let beyond = InstrumentId(9);
    for (action, instrument) in [
        (Action::Deposit { into: debt(WETH), amount: one }, debt(WETH)),
        (Action::Withdraw { from: asset(WETH), amount: one }, asset(WETH)),
        (Action::Borrow { debt: receipt(WETH), amount: one }, receipt(WETH)),
        (Action::Repay { debt: receipt(WETH), amount: one }, receipt(WETH)),
        (Action::UseAsCollateral { instrument: debt(WETH), on: true }, debt(WETH)),
        (Action::Deposit { into: beyond, amount: one }, beyond),
        (liquidate(USDC, 3, Amount::All), receipt(3)),
        (liquidate(3, WETH, Amount::All), debt(3)),
    ] {
        assert_eq!(foreign(action), Some(Refusal::NoSuchInstrument(instrument)));
    }
    let swapped = Mechanism::Discount {
        repay: receipt(USDC),
        seize: receipt(WETH),
        lot: Lot::Repay(one),
        receive: Receive::Asset,
    };
    assert_eq!(foreign(Action::Liquidate(swapped)), Some(Refusal::NoSuchInstrument(receipt(USDC))));
    let swapped = Mechanism::Discount {
        repay: debt(USDC),
        seize: debt(WETH),
        lot: Lot::Repay(one),
        receive: Receive::Asset,
    };
    assert_eq!(foreign(Action::Liquidate(swapped)), Some(Refusal::NoSuchInstrument(debt(WETH))));
    // What another may not do for the account, and what nobody does here.
    for action in [withdraw(WETH, 1), borrow(USDC, 1), use_as(WETH, false)] {
        assert_eq!(world.then(OTHER, BORROWER, action).err(), Some(Refusal::NotAtThisVenue));
    }
    let all = Action::Repay { debt: debt(USDC), amount: Amount::All };
    assert_eq!(world.then(OTHER, BORROWER, all).err(), Some(Refusal::NotAtThisVenue));
    for action in [Action::Poke { slot: 0 }, Action::Liquidate(Mechanism::Bark)] {
        assert_eq!(foreign(action), Some(Refusal::NotAtThisVenue));
    }
    let wrong = Action::SetTerm { term: TermId(9), value: Int::ONE };
    assert_eq!(foreign(wrong), Some(Refusal::NotAtThisVenue));
    // Amounts that no contract could compute with.
    let too_much = Action::Deposit { into: receipt(WETH), amount: Amount::Assets(U256::MAX) };
    assert!(matches!(foreign(too_much), Some(Refusal::Overflow(_))));
    let mut negative = world.clone();
    negative.accounts[0].set(receipt(WBTC), Int::new(-1));
    let verdict = negative.quoted().verdict(&negative.accounts[0], Test::Liquidation).err();
    assert!(matches!(verdict, Some(Refusal::InconsistentAccount(_))));
}

fn of_prices_and_time(revision: Revision) {
    let mut world = plain(revision).owing(BORROWER, USDC, 1_000);
    let early = Call {
        actor: world.accounts[0].id,
        account: world.accounts[0].id,
        at: Time(0),
        action: Action::Accrue,
    };
    let state = world.state(WETH).last_update;
    assert_eq!(world.act(&early).err(), Some(Refusal::ClockWentBack { state, asked: Time(0) }));
    // A zero price of the collateral that is to be seized: the rate of exchange is zero.
    let worthless = plain(revision).owing(BORROWER, USDC, 10).priced(WETH, 0);
    assert!(matches!(liquidated(&worthless), Some(Refusal::DivisionByZero(_))), "{revision:?}");
    world.readings[USDC] = Reading::unknown(None, Why::Missing);
    let unknown = Some(Refusal::PriceUnknown { slot: USDC, why: Why::Missing });
    for action in [borrow(USDC, 1), withdraw(WETH, 1), use_as(WETH, false)] {
        assert_eq!(own(&world, action), unknown, "{revision:?}");
    }
    assert_eq!(liquidated(&world), unknown);
    assert_eq!(own(&world, deposit(USDC, 1)), None);
    let quoted = world.pool.at(world.feeds(), Lens::View, world.at).expect("a time");
    assert_eq!(quoted.verdict(&world.accounts[0], Test::Liquidation).err(), unknown);
    assert_eq!(quoted.nodes().iter().filter(|node| node.is_err()).count(), 2);
    assert_eq!(world.clone().priced(USDC, USD).data(plimsoll_core::AccountId(1)).debt, u(1_000 * USD));
}

/// A pool that no chain could hold is not opened.
#[test]
fn impossible_pools_are_not_opened() {
    let good = plain(Revision::V3_2).with_mode(&[WETH]);
    let open = |change: &dyn Fn(&mut PoolSpec)| {
        let mut spec = PoolSpec {
            revision: Revision::V3_2,
            currency: "USD".into(),
            reserves: good.pool.reserves().to_vec(),
            modes: good.pool.modes().to_vec(),
        };
        change(&mut spec);
        Pool::new(spec).err()
    };
    assert_eq!(open(&|_| {}), None);
    let of = |count: usize| move |spec: &mut PoolSpec| spec.reserves = vec![spec.reserves[0].clone(); count];
    assert_eq!((open(&of(128)), open(&of(129))), (None, Some(PoolError::TooManyReserves(129))));
    let decimals = |value| {
        move |spec: &mut PoolSpec| {
            let word = &mut spec.reserves[0].configuration;
            *word = word.with(Configuration::DECIMALS, value).expect("8 bits");
        }
    };
    assert_eq!((open(&decimals(38)), open(&decimals(39))), (None, Some(PoolError::Decimals("WETH".into()))));
    let below = plimsoll_core::RAY.value().sub(U256::ONE).expect("positive");
    let low = Some(PoolError::IndexBelowOne("USDC".into()));
    assert_eq!(open(&|spec| spec.reserves[USDC].state.liquidity_index = below), low);
    assert_eq!(open(&|spec| spec.reserves[USDC].state.variable_borrow_index = below), low);
    for (optimal, refused) in [(0, true), (1, false), (9_999, false), (10_000, true)] {
        let found = open(&|spec| spec.reserves[WETH].curve.optimal = optimal);
        assert_eq!(found, refused.then_some(PoolError::Curve("WETH".into())), "{optimal}");
    }
    assert_eq!(open(&|spec| spec.modes[0].id = 0), Some(PoolError::ModeNumber(0)));
    assert_eq!(open(&|spec| spec.modes.push(spec.modes[0].clone())), Some(PoolError::ModeNumber(1)));
}
