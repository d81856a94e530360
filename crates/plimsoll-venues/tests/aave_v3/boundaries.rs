//! Exact boundaries that recorded vectors do not reach; every number can be checked with a pencil.

use crate::liquidation::liquidate;
use crate::scenes::{BORROWER, OTHER, USDC, WBTC, WETH, plain};
use crate::world::{World, u};
use plimsoll_core::{
    AccountId, Action, Amount, Compiled, Lens, Lot, Market, Mechanism, Nodes, Question, Reading, Receive,
    Refusal, Screen, Test, U256, Verdict, screen,
};
use plimsoll_venues::aave_v3::{Configuration, Revision, debt, receipt};

const USD: u128 = 100_000_000;

fn repaid(world: &World, amount: Amount) -> Result<U256, Refusal> {
    let before = world.state(USDC).cash;
    let after = world.then(OTHER, BORROWER, liquidate(USDC, WETH, amount))?;
    Ok(after.state(USDC).cash.sub(before).expect("paid in"))
}

/// 10 WETH at 1 187.50 and 80 %, 10 000 USDC of debt: health is 0.95 exactly, and all of it may be repaid. One last
/// digit of the price more, and half: of the reserve's debt, from 3.3 of all debt, which is the same here.
#[test]
fn p29_whole_debt_at_exactly_095() {
    for revision in Revision::ALL {
        let world = plain(revision).set(WETH, Configuration::THRESHOLD, 8_000).owing(BORROWER, USDC, 10_000);
        let at = |price| world.clone().priced(WETH, price);
        let exact = at(118_750_000_000);
        assert_eq!(exact.data(AccountId(BORROWER)).health, u(950_000_000_000_000_000), "{revision:?}");
        assert_eq!(repaid(&exact, Amount::All), Ok(u(10_000_000_000)), "{revision:?}");
        assert_eq!(repaid(&at(118_750_000_001), Amount::All), Ok(u(5_000_000_000)), "{revision:?}");
    }
}

/// 2 000 USDC of debt at health 0.97: from 3.3 a position of exactly 2 000 is large, and half of it is repaid, which
/// leaves exactly the 1 000 that must be left. One raw unit less, and it is small: all of it.
#[test]
fn p29_debt_of_exactly_2000_is_large() {
    for revision in Revision::ALL.into_iter().filter(|revision| *revision >= Revision::V3_3) {
        let world =
            plain(revision).set(WETH, Configuration::THRESHOLD, 8_000).priced(WETH, 24_250 * USD / 100);
        let owing = |raw| world.clone().owing_raw(BORROWER, USDC, u(raw));
        assert_eq!(repaid(&owing(2_000_000_000), Amount::All), Ok(u(1_000_000_000)), "{revision:?}");
        assert_eq!(repaid(&owing(1_999_999_999), Amount::All), Ok(u(1_999_999_999)), "{revision:?}");
    }
}

/// The same of the collateral that is seized: 10 WETH at exactly 200 beside some WBTC, 2 100 USDC of debt. Large means
/// 1 050 USDC, which would leave 897.5 of WETH: dust. At 199.99999999 it is small, and all WETH goes.
#[test]
fn p29_collateral_of_exactly_2000_is_large() {
    for revision in Revision::ALL.into_iter().filter(|revision| *revision >= Revision::V3_3) {
        let world =
            plain(revision).owing(BORROWER, USDC, 2_100).holding_raw(BORROWER, WBTC, u(960_000), true);
        let at = |price| world.clone().priced(WETH, price);
        let health = at(200 * USD).data(AccountId(BORROWER)).health;
        assert!(health > u(950_000_000_000_000_000), "{revision:?}: {health}");
        assert_eq!(repaid(&at(200 * USD), Amount::All), Err(Refusal::LeavesDust), "{revision:?}");
        // 1 999.999999 / 1.05 is 1 904.761903809…: to the nearest or up the same.
        assert_eq!(repaid(&at(200 * USD - 1), Amount::All), Ok(u(1_904_761_904)), "{revision:?}");
    }
}

/// From 3.3 both sides must keep 1 000: debt of 10 000 at health 0.8, of which 9 000 may be repaid, and not a unit
/// more, but all; and collateral likewise.
#[test]
fn p30_exactly_1000_may_be_left() {
    for revision in Revision::ALL {
        let dust = |found: Result<U256, Refusal>, amount: u128| {
            let expected = if revision >= Revision::V3_3 { Err(Refusal::LeavesDust) } else { Ok(u(amount)) };
            assert_eq!(found, expected, "{revision:?} {amount}");
        };
        let some = |amount| Amount::Assets(u(amount));
        // 12 000 of collateral: 9 000 x 1.05 = 9 450 go, 2 550 stay.
        let world = plain(revision).priced(WETH, 1_200 * USD).owing(BORROWER, USDC, 10_500);
        assert_eq!(repaid(&world, some(9_500_000_000)), Ok(u(9_500_000_000)), "{revision:?}");
        dust(repaid(&world, some(9_500_000_001)), 9_500_000_001);
        assert_eq!(repaid(&world, some(10_500_000_000)), Ok(u(10_500_000_000)), "{revision:?}");
        // 11 500 of collateral: 10 000 x 1.05 = 10 500 go, 1 000 stay.
        let world = plain(revision).priced(WETH, 1_150 * USD).owing(BORROWER, USDC, 20_000);
        assert_eq!(repaid(&world, some(10_000_000_000)), Ok(u(10_000_000_000)), "{revision:?}");
        dust(repaid(&world, some(10_000_000_001)), 10_000_000_001);
    }
}

/// Half up in the health factor: with D of debt and a headroom of -1, health is 1e18 - 1e18 / D, which the division
/// rounds to 1 from D = 2e18 on (20 billion). The verdict passes; the screen asks.
///
/// Up to 3.4 backing is C x 50 % = D - 1; from 3.5 the threshold sum is 1e4 x D - 1, made of 99.99 % and 0.01 %.
#[test]
fn health_is_rounded_half_up() {
    for revision in Revision::ALL {
        for (owed, verdict) in
            [(2_000_000_000_000_000_000, Verdict::Healthy), (1_999_999_999_999_999_999, Verdict::Unhealthy)]
        {
            let world = whale(revision, owed);
            let answer =
                world.quoted().verdict(world.account(AccountId(3)), Test::Liquidation).expect("a verdict");
            let headroom = answer.backing.sub(answer.requirement).expect("256 bits");
            assert_eq!(
                (headroom, answer.verdict),
                (plimsoll_core::Int::new(-1), verdict),
                "{revision:?} {owed}"
            );
            let health = if verdict == Verdict::Healthy { 10u128.pow(18) } else { 10u128.pow(18) - 1 };
            assert_eq!(world.data(AccountId(3)).health, u(health), "{revision:?} {owed}");
            let question = Question { test: Test::Liquidation, lens: Lens::Action, at: world.at };
            let compiled = world.pool.compile(world.account(AccountId(3)), question).expect("a form");
            assert!(matches!(compiled, Compiled::Rows(_)));
            let quoted = world.quoted();
            let screened = screen(&compiled, &Nodes { values: quoted.nodes() }, world.pool.epoch());
            assert_eq!(screened, Screen::Candidate, "{revision:?} {owed}");
            let refused = world.then(OTHER, 3, liquidate(WBTC, WETH, Amount::All)).err();
            let expected = (verdict == Verdict::Healthy).then_some(Refusal::NotLiquidatable);
            assert_eq!(refused, expected, "{revision:?} {owed}");
        }
    }
}

/// Account 3 owes so many base units of WBTC, at one base unit a raw unit, and is short by one.
fn whale(revision: Revision, owed: u128) -> World {
    let (weth, usdc, first, second) = if revision <= Revision::V3_4 {
        (5_000, 5_000, 2 * (owed - 1), 0)
    } else {
        let sum = 10_000 * owed - 1;
        (9_999, 1, sum / 9_999, sum % 9_999)
    };
    let mut world = plain(revision).priced(WETH, USD).priced(USDC, USD).priced(WBTC, USD);
    for (reserve, threshold) in [(WETH, weth), (USDC, usdc)] {
        world = world.rebuilt(|spec| {
            let word = &mut spec.reserves[reserve].configuration;
            let fields = [
                (Configuration::DECIMALS, 8),
                (Configuration::THRESHOLD, threshold),
                (Configuration::LTV, 0),
            ];
            *word =
                fields.iter().fold(*word, |word, &(field, value)| word.with(field, value).expect("it fits"));
        });
    }
    world = world.holding_raw(3, WETH, u(first), true).owing_raw(3, WBTC, u(owed));
    if second == 0 { world } else { world.holding_raw(3, USDC, u(second), true) }
}

/// A loan of 100 at a debt index of 1.5 is 67 scaled (66.67 rounded up), which owe 101 (100.5 rounded up): from 3.5 the
/// contract holds that against all receipts (`vars.amount` of `validateBorrow`), before what is borrowed.
#[test]
fn receipts_must_cover_the_debt_as_it_is_owed() {
    for revision in Revision::ALL {
        let lending = |receipts: u128| {
            plain(revision).rebuilt(|spec| {
                let state = &mut spec.reserves[USDC].state;
                state.scaled_supply = u(receipts);
                state.variable_borrow_index = u(1_500_000_000_000_000_000_000_000_000);
            })
        };
        let borrow = |world: &World, amount: u128| {
            let action = Action::Borrow { debt: debt(USDC), amount: Amount::Assets(u(amount)) };
            world.then(BORROWER, BORROWER, action).err()
        };
        let fine = revision >= Revision::V3_5;
        let beyond = |lent| Some(Refusal::BeyondReceipts { receipts: u(100), lent: u(lent) });
        assert_eq!(borrow(&lending(100), 100), beyond(101).filter(|_| fine), "{revision:?}");
        assert_eq!(borrow(&lending(101), 100), None, "{revision:?}");
        // 99 is 66 scaled, which owe 99.
        assert_eq!(borrow(&lending(100), 99), None, "{revision:?}");
        let expected = if fine { beyond(102) } else { beyond(101) };
        assert_eq!(
            borrow(&lending(100), 101),
            expected.filter(|_| revision >= Revision::V3_1),
            "{revision:?}"
        );
    }
}

/// A scaled balance has 128 bits up to 3.3 and 120 from 3.4 on (`IncentivizedERC20.UserState`), of whomever it is.
#[test]
fn scaled_balances_have_a_width() {
    for revision in Revision::ALL {
        let bits = if revision >= Revision::V3_4 { 120 } else { 128 };
        // Room for ten more.
        let full = U256::ZERO.with_bit(bits, true).sub(u(11)).expect("large");
        let refused = |outcome: Result<World, Refusal>| match outcome {
            Ok(_) => false,
            Err(Refusal::Overflow(what)) => {
                what == format!("a scaled balance that moves or is left, in a token's {bits} bits")
            }
            Err(other) => panic!("{revision:?}: {other}"),
        };
        let mut world = plain(revision);
        world.accounts[0].set(receipt(WBTC), full.into());
        let deposit = |amount| Action::Deposit { into: receipt(WBTC), amount: Amount::Assets(u(amount)) };
        assert!(!refused(world.then(OTHER, BORROWER, deposit(10))), "{revision:?}");
        assert!(refused(world.then(OTHER, BORROWER, deposit(11))), "{revision:?}");
        // 10 WETH that carry it all.
        let mut world = plain(revision).owing(BORROWER, USDC, 0);
        world.readings[WETH] = Reading::certain(U256::ZERO.with_bit(145, true));
        world.accounts[0].set(debt(USDC), full.into());
        let borrow = |amount| Action::Borrow { debt: debt(USDC), amount: Amount::Assets(u(amount)) };
        assert!(!refused(world.then(BORROWER, BORROWER, borrow(10))), "{revision:?}");
        assert!(refused(world.then(BORROWER, BORROWER, borrow(11))), "{revision:?}");
        // What a liquidator receives.
        let mut world = plain(revision).owing(BORROWER, USDC, 16_501);
        let seize = Action::Liquidate(Mechanism::Discount {
            repay: debt(USDC),
            seize: receipt(WETH),
            lot: Lot::Repay(Amount::All),
            receive: Receive::Receipt,
        });
        assert!(!refused(world.then(OTHER, BORROWER, seize.clone())), "{revision:?}");
        world.accounts[1].set(receipt(WETH), full.into());
        assert!(refused(world.then(OTHER, BORROWER, seize)), "{revision:?}");
    }
}

/// A debt without its flag, which no account of a contract has: up to 3.3 only the first debt of an asset sets the flag
/// (`isFirstBorrowing`), from 3.4 on every loan that finds it unset.
#[test]
fn a_loan_sets_the_flag_that_is_not_set() {
    for revision in Revision::ALL {
        let mut world = plain(revision);
        let borrow = Action::Borrow { debt: debt(USDC), amount: Amount::Assets(u(1_000)) };
        let flagged = |world: &World| {
            let after = world.then(BORROWER, BORROWER, borrow.clone()).expect("a loan");
            after.bits(AccountId(BORROWER), USDC).0
        };
        assert!(flagged(&world));
        world.accounts[0].set(debt(USDC), u(1_000).into());
        assert_eq!(flagged(&world), revision >= Revision::V3_4, "{revision:?}");
    }
}

/// Half of the debt, with the half: 5 000 bps of an odd number of base units or raw units is rounded up.
#[test]
fn half_of_an_odd_debt_is_rounded_up() {
    for revision in Revision::ALL {
        // 10 000.000001 of debt, worth 10 000.00000100; half of it 5 000.00000050, up to 3.2 5 000.000001 raw.
        let world = plain(revision)
            .set(WETH, Configuration::THRESHOLD, 8_000)
            .priced(WETH, 1_200 * USD)
            .owing_raw(BORROWER, USDC, u(10_000_000_001));
        let half = if revision <= Revision::V3_2 { 5_000_000_001 } else { 5_000_000_000 };
        assert_eq!(repaid(&world, Amount::All), Ok(u(half)), "{revision:?}");
        assert!(!world.account(AccountId(BORROWER)).quantity(debt(USDC)).is_zero());
    }
}
