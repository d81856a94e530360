//! What changed from release to release where no recorded vector looks, each with the least scene that tells the
//! releases apart. Expected values follow from the contracts' source of each release.

use crate::model::{Rules, To, big, compound, divide, n, ray};
use crate::scenes::{BORROWER, OTHER, USDC, WBTC, WETH, plain};
use crate::world::{World, u};
use plimsoll_core::{
    AccountId, Action, Amount, Compiled, Int, Lens, Lot, Market, Mechanism, NodeId, Nodes, Question, RAY,
    Receive, Refusal, Silent, Step, Subject, Test, Time, Trace, U256, Verdict,
};
use plimsoll_venues::aave_v3::{Configuration, E_MODE, Revision, State, USER_CONFIG, debt, receipt};

const USD: u128 = 100_000_000;
const WETH_UNIT: u128 = 1_000_000_000_000_000_000;
const ID: AccountId = AccountId(BORROWER);

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

fn own(world: &World, action: Action) -> Option<Refusal> {
    world.then(BORROWER, BORROWER, action).err()
}

/// Both indices of a reserve, in halves of a ray.
fn at_index(world: World, reserve: usize, halves: u128) -> World {
    world.rebuilt(|spec| {
        let index =
            RAY.value().mul(u(halves)).and_then(|double| double.div(u(2), plimsoll_core::Rounding::Exact));
        let state = &mut spec.reserves[reserve].state;
        state.liquidity_index = index.expect("even");
        state.variable_borrow_index = index.expect("even");
    })
}

fn each(check: fn(Revision)) {
    Revision::ALL.into_iter().for_each(check);
}

/// The borrowing line passes at equality; its numbers are base units. The liquidation line's are ten-thousandths of
/// them from 3.5 on.
#[test]
fn assessments_are_in_the_unit_of_their_line() {
    each(|revision| {
        let answer = |raw, test| {
            let world = plain(revision).owing_raw(BORROWER, USDC, u(raw));
            world.quoted().verdict(world.account(ID), test).expect("a verdict")
        };
        assert_eq!(answer(16_000_000_000, Test::Borrow).verdict, Verdict::Healthy, "{revision:?}");
        assert_eq!(answer(16_000_000_001, Test::Borrow).verdict, Verdict::Unhealthy, "{revision:?}");
        let borrowing = answer(16_000_000_000, Test::Borrow);
        assert_eq!(borrowing.unit.decimals, 8);
        assert_eq!([borrowing.backing, borrowing.requirement], [Int::new(16_000 * USD as i128); 2]);
        let line = answer(16_000_000_000, Test::Liquidation);
        let (fine, decimals) = if revision >= Revision::V3_5 { (10_000, 12) } else { (1, 8) };
        let base = |whole: i128| Int::new(whole * fine * USD as i128);
        assert_eq!(line.unit.decimals, decimals, "{revision:?}");
        assert_eq!([line.collateral, line.debt], [base(20_000), base(16_000)], "{revision:?}");
        assert_eq!([line.backing, line.requirement], [base(16_500), base(16_000)], "{revision:?}");
    });
}

/// Somebody who hears every step and keeps none.
struct Listener;

impl Trace for Listener {
    fn listens(&self) -> bool {
        true
    }
    fn about(&mut self, _: Subject) {}
    fn step(&mut self, _: Step) {}
}

/// A listener hears the health divided, without one it is compared by a product: at the line both say the same.
#[test]
fn listening_changes_no_verdict_at_the_line() {
    each(|revision| {
        for (raw, verdict) in [(16_500_000_000, Verdict::Healthy), (16_500_000_001, Verdict::Unhealthy)] {
            let world = plain(revision).owing_raw(BORROWER, USDC, u(raw));
            let (quoted, account) = (world.quoted(), world.account(ID));
            let heard = quoted.assess(account, Test::Liquidation, &mut Listener).expect("a verdict");
            assert_eq!(Ok(heard), quoted.verdict(account, Test::Liquidation), "{revision:?}");
            assert_eq!(heard.verdict, verdict, "{revision:?} {raw}");
        }
    });
}

/// One raw unit of WETH is worth less than a base unit: nothing as a receipt, as a debt one from 3.5 on.
#[test]
fn values_of_single_units_are_cut_or_raised() {
    each(|revision| {
        let world = plain(revision).holding_raw(3, WETH, u(1), true).owing_raw(3, WETH, u(1));
        let value = |instrument| {
            let balance = world.quoted().balance(world.account(AccountId(3)), instrument).expect("a balance");
            (balance.raw, balance.value)
        };
        assert_eq!(value(receipt(WETH)), (u(1), Some(U256::ZERO)));
        let owed = if revision >= Revision::V3_5 { u(1) } else { U256::ZERO };
        assert_eq!(value(debt(WETH)), (u(1), Some(owed)), "{revision:?}");
    });
}

/// At an index of 3, 10 scaled units of debt are 30. Paying 29 burns all 10: up to 3.3 the flag stays for the one unit
/// outstanding, from 3.4 on the balance decides (from 3.5 9 are burned, rounded down).
#[test]
fn debt_flag_follows_amounts_up_to_3_3() {
    each(|revision| {
        let world = at_index(plain(revision), USDC, 6).owing_raw(BORROWER, USDC, u(10));
        let after = world.then(BORROWER, BORROWER, repay(USDC, 29)).expect("a repayment");
        let held = after.account(ID).quantity(debt(USDC));
        assert_eq!(held, Int::new(if revision >= Revision::V3_5 { 1 } else { 0 }), "{revision:?}");
        assert_eq!(after.bits(ID, USDC).0, revision != Revision::V3_4, "{revision:?}");
    });
}

/// At an index of 1.5 with one scaled unit: 4 more are 2 + 4 as receipts up to 3.4, and floor(3 x 1.5) = 4 from 3.5 on,
/// as two are minted; as debt 2 more are 2 + 2, and ceil(3 x 1.5) = 5, as two are minted.
#[test]
fn caps_are_tested_on_what_will_be_held_from_3_5() {
    each(|revision| {
        let new = revision >= Revision::V3_5;
        let world = at_index(plain(revision), WBTC, 3).set(WBTC, Configuration::DECIMALS, 0).priced(WBTC, 1);
        let single = world.rebuilt(|spec| {
            let state = &mut spec.reserves[WBTC].state;
            (state.scaled_supply, state.scaled_debt) = (u(1), u(1));
        });
        let capped = |field, cap| single.clone().set(WBTC, field, cap);
        let supply = |cap| own(&capped(Configuration::SUPPLY_CAP, cap), deposit(WBTC, 4));
        let refused = Some(Refusal::SupplyCap(receipt(WBTC)));
        let old = refused.filter(|_| !new);
        assert_eq!([3, 4, 5, 6].map(supply), [refused, old, old, None], "{revision:?}");
        // Nothing is lent beyond the receipts.
        let supplied = single.clone().rebuilt(|spec| spec.reserves[WBTC].state.scaled_supply = u(10));
        let lend = |cap| own(&supplied.clone().set(WBTC, Configuration::BORROW_CAP, cap), borrow(WBTC, 2));
        let refused = Some(Refusal::BorrowCap(debt(WBTC)));
        assert_eq!((lend(3), lend(4), lend(5)), (refused, refused.filter(|_| new), None), "{revision:?}");
    });
}

/// At an index of 3 one scaled unit is 3. Up to 3.4 four are too much by their amount though they round to one unit;
/// two take the unit and leave the flag, which from 3.5 on goes with it.
#[test]
fn withdrawals_are_tested_by_amounts_up_to_3_4() {
    each(|revision| {
        let world = at_index(plain(revision), WBTC, 6).holding_raw(BORROWER, WBTC, u(1), true);
        let (held, asked) = (u(3), u(4));
        assert_eq!(
            own(&world, withdraw(WBTC, 4)),
            Some(Refusal::AmountTooLarge { held, asked }),
            "{revision:?}"
        );
        let after = world.then(BORROWER, BORROWER, withdraw(WBTC, 2)).expect("a withdrawal");
        assert!(after.account(ID).quantity(receipt(WBTC)).is_zero());
        assert_eq!(after.bits(ID, WBTC).1, revision <= Revision::V3_4, "{revision:?}");
    });
}

/// A first deposit counts as collateral by itself, but isolated collateral (up to 3.6) does not; a second one changes
/// nothing.
#[test]
fn first_deposits_become_collateral() {
    each(|revision| {
        let counts = |world: &World| {
            world.then(3, 3, deposit(WBTC, 100)).expect("a deposit").bits(AccountId(3), WBTC).1
        };
        assert!(counts(&plain(revision)), "{revision:?}");
        assert!(!counts(&plain(revision).holding_raw(3, WBTC, u(1), false)), "{revision:?}");
        assert!(!counts(&plain(revision).set(WBTC, Configuration::LTV, 0)), "{revision:?}");
        let isolated = plain(revision).set(WBTC, Configuration::DEBT_CEILING, 1);
        assert_eq!(counts(&isolated), revision >= Revision::V3_7, "{revision:?}");
        // Whoever has other collateral already, or an isolated one, up to 3.6.
        let beside = plain(revision).set(WETH, Configuration::DEBT_CEILING, 1).holding(3, WETH, 1, true);
        assert_eq!(counts(&beside), revision >= Revision::V3_7, "{revision:?}");
    });
}

/// Switching off what is off: up to 3.3 a balance is asked for first, from 3.4 on nothing is.
#[test]
fn switching_nothing_needs_no_balance_from_3_4() {
    each(|revision| {
        let expected = (revision <= Revision::V3_3).then_some(Refusal::NothingHeld(receipt(USDC)));
        assert_eq!(own(&plain(revision), use_as(USDC, false)), expected, "{revision:?}");
        // The flag of collateral that left: it can be taken off from 3.4 on.
        let mut left = plain(revision);
        left.accounts[0].set(receipt(WETH), Int::ZERO);
        let expected = (revision <= Revision::V3_3).then_some(Refusal::NothingHeld(receipt(WETH)));
        assert_eq!(own(&left, use_as(WETH, false)), expected, "{revision:?}");
        assert_eq!(own(&left, use_as(USDC, true)), Some(Refusal::NothingHeld(receipt(USDC))), "{revision:?}");
    });
}

/// From 3.5 on only the state after a loan counts, and a health of exactly 1 passes; up to 3.4 the state before.
///
/// WETH at a loan-to-value and a threshold of 80 %: 8 WETH of debt on 10 are exactly at both lines. With one raw unit
/// less the debt is worth as much from 3.5 on (rounded up) and a base unit less before.
#[test]
fn loans_are_tested_before_or_after() {
    each(|revision| {
        let world = plain(revision).set(WETH, Configuration::THRESHOLD, 8_000);
        let nearly = world.clone().owing_raw(BORROWER, WETH, u(8 * WETH_UNIT - 1));
        assert_eq!(own(&nearly, borrow(WETH, 1)), None, "{revision:?}");
        // A raw unit above: its value is cut to nothing up to 3.4.
        let above = own(&world, borrow(WETH, 8 * WETH_UNIT + 1));
        assert_eq!(above.is_none(), revision <= Revision::V3_4, "{revision:?}: {above:?}");
        // At an index of 3 the least loan of 2 is a debt of 3, which 250 base units do not carry: 300 are owed.
        let small = at_index(plain(revision), USDC, 6).holding_raw(3, WETH, u(1_250_000_000), true);
        let taken = small.then(3, 3, borrow(USDC, 2));
        assert_eq!(taken.is_ok(), revision <= Revision::V3_4, "{revision:?}");
        if let Ok(after) = taken {
            assert_eq!(after.data(AccountId(3)).debt, u(300), "{revision:?}");
        }
    });
}

/// Debt over loan-to-value: at 75 %, 3k + 1 of debt need 4k + 1.33 of collateral and 3k + 2 need 4k + 2.67, to the
/// nearest up to 3.4, rounded up from 3.5 on.
#[test]
fn collateral_needed_is_rounded_as_stated() {
    each(|revision| {
        let new = revision >= Revision::V3_5;
        let lends = |collateral: u128, owed| {
            let world = plain(revision)
                .set(WBTC, Configuration::LTV, 7_500)
                .set(WBTC, Configuration::THRESHOLD, 9_000)
                .set(USDC, Configuration::DECIMALS, 8)
                .priced(WBTC, USD)
                .holding_raw(3, WBTC, u(collateral), true);
            world.then(3, 3, borrow(USDC, owed)).is_ok()
        };
        let (collateral, owed) = (4_000_001, 3_000_001);
        assert_eq!(lends(collateral, owed), !new, "{revision:?}: 4k + 1 for 3k + 1");
        assert!(lends(collateral + 1, owed), "{revision:?}: 4k + 2 for 3k + 1");
        assert!(!lends(collateral + 1, owed + 1), "{revision:?}: 4k + 2 for 3k + 2");
        assert!(lends(collateral + 2, owed + 1), "{revision:?}: 4k + 3 for 3k + 2");
    });
}

/// What may be borrowed in a category: up to 3.1 what belongs to it, from 3.2 on what its own bitmap says.
#[test]
fn a_categorys_loans_are_in_its_bitmap_from_3_2() {
    each(|revision| {
        let world = plain(revision).with_mode_like(&[WETH, WBTC], |mode| mode.borrowable = u(1 << USDC));
        let inside = world.clone().in_mode(BORROWER, 1);
        let new = revision >= Revision::V3_2;
        let refused = |reserve| Some(Refusal::NotBorrowableInMode(debt(reserve)));
        assert_eq!(own(&inside, borrow(WBTC, 1)), refused(WBTC).filter(|_| new), "{revision:?}");
        assert_eq!(own(&inside, borrow(USDC, 1)), refused(USDC).filter(|_| !new), "{revision:?}");
        let owing = |reserve| own(&world.clone().owing_raw(BORROWER, reserve, u(1)), enter(1));
        assert_eq!(owing(WBTC), refused(WBTC).filter(|_| new), "{revision:?}");
        assert_eq!(owing(USDC), refused(USDC).filter(|_| !new), "{revision:?}");
        // Flags of reserves that the pool does not list say nothing up to 3.3, whose walk ends with the list; from 3.4 on
        // a debt's is looked up in the bitmap.
        let mut stray = world.clone();
        let word = stray.accounts[0].term(USER_CONFIG).magnitude();
        stray.accounts[0].set_term(USER_CONFIG, word.with_bit(6, true).with_bit(7, true).into());
        let expected = refused(3).filter(|_| revision >= Revision::V3_4);
        assert_eq!(own(&stray, enter(1)), expected, "{revision:?}");
    });
}

/// Regression, found by a mutant that survived. 3.1 was taken to have 3.2's rules for changing the category. It has
/// 3.0's: who enters a first category is not asked for health, and who sets his own again is.
#[test]
fn entering_a_category_asks_for_health_from_3_2() {
    each(|revision| {
        let old = revision <= Revision::V3_1;
        let world =
            plain(revision).with_mode_like(&[WETH, WBTC], |mode| (mode.ltv, mode.threshold) = (900, 1_000));
        let owing = world.owing_raw(BORROWER, WBTC, u(10_000_000));
        let unhealthy = Some(Refusal::WouldBeUnhealthy);
        assert_eq!(own(&owing, enter(1)), unhealthy.filter(|_| !old), "{revision:?}");
        let inside = owing.in_mode(BORROWER, 1);
        assert_eq!(own(&inside, enter(1)), unhealthy.filter(|_| old), "{revision:?}");
        // A category that lost its threshold: from 3.2 on who is in it may say so again.
        let void = inside.rebuilt(|spec| spec.modes[0].threshold = 0);
        assert_eq!(own(&void, enter(1)), Some(Refusal::ModeNotAllowed).filter(|_| old), "{revision:?}");
    });
}

/// From 3.6 on the loan-to-value that decides flags is the account's in its category; before, the reserve's own.
#[test]
fn a_category_decides_flags_from_3_6() {
    each(|revision| {
        let new = revision >= Revision::V3_6;
        let weightless = plain(revision).with_mode_like(&[WETH], |mode| mode.ltv = 0);
        let off = weightless.clone().in_mode(3, 1).holding(3, WETH, 1, false);
        let expected = new.then_some(Refusal::NotUsableAsCollateral(receipt(WETH)));
        assert_eq!(off.then(3, 3, use_as(WETH, true)).err(), expected, "{revision:?}");
        // WETH carries nothing in the category and must leave before WBTC, which is outside of it.
        let mixed = weightless.in_mode(BORROWER, 1).holding(BORROWER, WBTC, 1, true).owing(BORROWER, WETH, 1);
        assert_eq!(own(&mixed, withdraw(WBTC, 1)), new.then_some(Refusal::ZeroLtvFirst), "{revision:?}");
        // Collateral without loan-to-value of its own does not enter a category that has none for it.
        let world = plain(revision).with_mode(&[WBTC]).set(WETH, Configuration::LTV, 0);
        assert_eq!(own(&world, enter(1)), expected, "{revision:?}");
    });
}

/// Isolation ended with 3.7: a repayment leaves the number of what was carried in it alone.
#[test]
fn isolated_debt_is_left_alone_from_3_7() {
    each(|revision| {
        let world =
            plain(revision).set(WETH, Configuration::DEBT_CEILING, 100_000).owing(BORROWER, USDC, 100);
        let carried = world.rebuilt(|spec| spec.reserves[WETH].state.isolation_debt = u(10_000));
        let after = carried.then(BORROWER, BORROWER, repay(USDC, 60_000_000)).expect("a repayment");
        let left = if revision >= Revision::V3_7 { 10_000 } else { 4_000 };
        assert_eq!(after.state(WETH).isolation_debt, u(left), "{revision:?}");
    });
}

/// Nothing is asked of a repayment of zero but that it is one, whether or not something is owed.
#[test]
fn a_repayment_of_zero_is_none() {
    each(|revision| {
        assert_eq!(own(&plain(revision), repay(USDC, 0)), Some(Refusal::AmountZero), "{revision:?}");
        let all = Action::Repay { debt: debt(USDC), amount: Amount::All };
        assert_eq!(own(&plain(revision), all), Some(Refusal::NothingOwed(debt(USDC))), "{revision:?}");
    });
}

// ---- liquidation ---------------------------------------------------------------------------------------------

fn liquidated(
    world: &World,
    actor: u64,
    repay: usize,
    seize: usize,
    receive: Receive,
) -> Result<World, Refusal> {
    let (repay, seize, lot) = (debt(repay), receipt(seize), Lot::Repay(Amount::All));
    world.then(actor, BORROWER, Action::Liquidate(Mechanism::Discount { repay, seize, lot, receive }))
}

/// Receipts that a liquidator takes become his collateral, if they are his first, up to 3.5.
///
/// Regression, found by a mutant that survived: 3.0 to 3.2 were taken to switch collateral on again for an account
/// that liquidates itself whole, as 3.3 does; there the flag stays off, for the balance before was not zero.
#[test]
fn a_liquidators_first_receipts_become_collateral_up_to_3_5() {
    each(|revision| {
        let world = plain(revision).owing(BORROWER, USDC, 16_501);
        let counts = |world: &World, actor| {
            let after = liquidated(world, actor, USDC, WETH, Receive::Receipt).expect("a liquidation");
            after.bits(AccountId(actor), WETH).1
        };
        assert_eq!(counts(&world, 3), revision <= Revision::V3_5, "{revision:?}");
        let second = world.holding_raw(3, WETH, u(1), false);
        assert!(!counts(&second, 3), "{revision:?}");
        // All that there is goes: 20 000 of debt on collateral of 5 000.
        let whole = second.owing(BORROWER, USDC, 3_499).priced(WETH, 500 * USD);
        assert!(!counts(&whole, 3), "{revision:?}");
        if revision <= Revision::V3_3 {
            let free = whole.set(WETH, Configuration::PROTOCOL_FEE, 0);
            assert_eq!(counts(&free, BORROWER), revision == Revision::V3_3, "{revision:?}");
            let part = plain(revision).owing(BORROWER, USDC, 16_501);
            assert!(counts(&part, BORROWER), "{revision:?}: it never went");
        }
    });
}

/// 3.3 and 3.4: a debt that is exactly half of all debt is liquidated whole, the raw units that round away included.
#[test]
fn exactly_half_is_the_whole_reserve() {
    for revision in [Revision::V3_3, Revision::V3_4] {
        let world = plain(revision)
            .set(WETH, Configuration::THRESHOLD, 0)
            .holding(BORROWER, WBTC, 1, true)
            .priced(WBTC, 1_034_667_000_000)
            .owing_raw(BORROWER, WETH, u(2 * WETH_UNIT + 3))
            .owing(BORROWER, USDC, 4_000);
        let after = liquidated(&world, OTHER, WETH, WBTC, Receive::Asset).expect("a liquidation");
        assert!(after.account(ID).quantity(debt(WETH)).is_zero(), "{revision:?}");
    }
}

/// A raw unit of WETH short of 2 000, and the position is small: value is cut, not rounded.
#[test]
fn collateral_just_below_2000_is_small() {
    for revision in Revision::ALL.into_iter().filter(|revision| *revision >= Revision::V3_3) {
        let mut world =
            plain(revision).owing(BORROWER, USDC, 2_100).holding_raw(BORROWER, WBTC, u(960_000), true);
        world = world.priced(WETH, 200 * USD);
        assert_eq!(liquidated(&world, OTHER, USDC, WETH, Receive::Asset).err(), Some(Refusal::LeavesDust));
        world.accounts[0].set(receipt(WETH), Int::new(10 * WETH_UNIT as i128 - 1));
        assert_eq!(liquidated(&world, OTHER, USDC, WETH, Receive::Asset).err(), None, "{revision:?}");
    }
}

/// What is left of the collateral is cut as well: at 1 150 and with 10 000 repaid, 9.130434782608695652 WETH go (3.7:
/// one unit less), and of 10 less one unit (3.7: two) 999.99999999 and a fraction are left.
#[test]
fn collateral_left_just_below_1000_is_dust() {
    for revision in Revision::ALL.into_iter().filter(|revision| *revision >= Revision::V3_3) {
        let world = plain(revision).priced(WETH, 1_150 * USD).owing(BORROWER, USDC, 20_000);
        let found = |short: i128| {
            let mut world = world.clone();
            world.accounts[0].set(receipt(WETH), Int::new(10 * WETH_UNIT as i128 - short));
            let (repay, seize, lot) = (debt(USDC), receipt(WETH), Lot::Repay(some(10_000_000_000)));
            let receive = Receive::Asset;
            let action = Action::Liquidate(Mechanism::Discount { repay, seize, lot, receive });
            world.then(OTHER, BORROWER, action).err()
        };
        let last = if revision >= Revision::V3_7 { 1 } else { 0 };
        assert_eq!((found(last), found(last + 1)), (None, Some(Refusal::LeavesDust)), "{revision:?}");
    }
}

// ---- reserves ------------------------------------------------------------------------------------------------

/// 3.1 to 3.3: a reserve without virtual accounting has the base rate, no supply rate, and no virtual balance to keep.
/// From 3.4 on every reserve has it; 3.0 does not know it.
#[test]
fn virtual_accounting_can_be_off_from_3_1_to_3_3() {
    each(|revision| {
        let world =
            plain(revision).set(USDC, Configuration::VIRTUAL_ACCOUNTING, 0).owing(BORROWER, USDC, 1_000);
        let before = world.state(USDC).virtual_balance;
        let after = world.then(OTHER, OTHER, deposit(USDC, 1_000_000)).expect("a deposit");
        let State { liquidity_rate, variable_borrow_rate, virtual_balance, .. } = *after.state(USDC);
        let base = u(100).mul(u(10u128.pow(23))).expect("256 bits");
        let off = matches!(revision, Revision::V3_1 | Revision::V3_2 | Revision::V3_3);
        assert_eq!((variable_borrow_rate == base, liquidity_rate == U256::ZERO), (off, off), "{revision:?}");
        let kept = off || revision == Revision::V3_0;
        assert_eq!(virtual_balance == before, kept, "{revision:?}");
    });
}

/// A deficit lowers what suppliers earn from 3.3 on; before there is none, and a number in its place says nothing.
#[test]
fn deficit_lowers_the_supply_rate_from_3_3() {
    each(|revision| {
        let rate = |deficit| {
            let world = plain(revision).owing(BORROWER, USDC, 1_000);
            let world = world.rebuilt(|spec| spec.reserves[USDC].state.deficit = u(deficit));
            world.then(OTHER, OTHER, deposit(USDC, 1)).expect("a deposit").state(USDC).liquidity_rate
        };
        assert_eq!(rate(10_000_000_000_000) < rate(0), revision >= Revision::V3_3, "{revision:?}");
    });
}

/// The binomial series' last digits: the square of the rate is cut by 31 536 000^2 after it was rounded, its cube by
/// 31 536 000. Rates are chosen so that the rounding decides which whole number is left; the time is long enough to
/// see it.
#[test]
fn binomial_rounds_before_it_cuts() {
    let rules = Rules::of(Revision::V3_0);
    let year = n(31_536_000);
    let square = &year * &year;
    let mut rates = Vec::new();
    for k in (1u128..400_000_000).step_by(7_654_321) {
        // rate^2 / 1e27 just below k x year^2, by less and by more than half.
        let whole = (n(k) * &square * ray()).sqrt();
        let half = (n(k) * &square * ray() - ray() / 2u32).sqrt();
        for near in [whole, half] {
            rates.extend((0u32..4).map(|off| &near + off - 2u32));
        }
    }
    for m in 1u128..12 {
        // rate^3 / (1e54 x year^2) near m x year, in steps of one power two.
        let near = (n(m) * &square * &year * ray() * ray()).cbrt();
        let step = &square * ray() / (&near * 2u32);
        let first = &near - &step * 40u32;
        rates.extend((0u32..80).map(|i| &first + &step * i));
    }
    for rate in rates {
        let seconds = 300_000_000;
        let state = State {
            variable_borrow_rate: rate.to_string().parse().expect("256 bits"),
            last_update: Time(0),
            ..*plain(Revision::V3_0).state(WETH)
        };
        let found = state.debt_index(&mut Silent, Revision::V3_0, Time(seconds)).expect("an index");
        assert_eq!(big(found), divide(&compound(&rules, &rate, seconds), &n(1), To::Floor), "rate {rate}");
    }
}

// ---- slack ---------------------------------------------------------------------------------------------------

fn form(world: &World, test: Test) -> plimsoll_core::Form {
    let question = Question { test, lens: Lens::Action, at: world.at };
    match world.pool.compile(world.account(ID), question).expect("a form") {
        Compiled::Rows(rows) => rows.into_iter().next().expect("a row"),
        other => panic!("{other:?}"),
    }
}

/// The header's slack and not more. One threshold: nothing is averaged, and up to 3.4 the slack is
/// 0.825 x (u/2 + 1) of WETH, (u/2 + 1) of USDC with u = 100 base units, and a half: 52.3; from 3.5 on 0.825 + 101, in
/// ten-thousandths.
/// The borrowing line of collateral that does not count has none of it.
#[test]
fn slack_is_the_headers() {
    each(|revision| {
        let world = plain(revision).owing(BORROWER, USDC, 10_000);
        let row = form(&world, Test::Liquidation);
        let quoted = world.quoted();
        let slack = row.slack(&Nodes { values: quoted.nodes() }).expect("known nodes");
        let tenths = slack.mul(u(10)).and_then(|slack| slack.div_down(row.scale)).expect("small");
        let expected = if revision >= Revision::V3_5 { 10_182_500 } else { 523 };
        assert_eq!(tenths, Int::new(expected), "{revision:?}");
        // An odd threshold: half of it is raised to the next whole.
        let odd = form(
            &world.clone().set(WETH, Configuration::LTV, 1).set(WETH, Configuration::THRESHOLD, 1),
            Test::Liquidation,
        );
        let weth = odd.slack.terms.iter().find(|(node, _)| *node == NodeId(0)).map(|(_, x)| *x);
        assert_eq!(weth, Some(Int::ONE), "{revision:?}");
        let useless = world.clone().set(WBTC, Configuration::LTV, 0).set(WBTC, Configuration::THRESHOLD, 0);
        let useless = form(&useless.holding(BORROWER, WBTC, 1, true), Test::Borrow);
        let counted = useless.slack.terms.iter().any(|(node, x)| *node == NodeId(4) && !x.is_zero());
        assert_eq!(counted, revision >= Revision::V3_6, "{revision:?}");
    });
}
