//! Properties 50 to 53: every rounding goes against whoever acts, and nothing can be made of it.

use crate::health::SETUP;
use crate::world::*;
use num_bigint::BigInt;
use plimsoll_core::{Action, Amount, Effects, Party, Refusal, U256};
use plimsoll_venues::morpho_blue::{BORROW, COLLATERAL, Irm, LOAN, SUPPLY};
use proptest::prelude::*;

fn deposit(amount: Amount) -> Action {
    Action::Deposit { into: SUPPLY, amount }
}
fn withdraw(amount: Amount) -> Action {
    Action::Withdraw { from: SUPPLY, amount }
}
fn borrow(amount: Amount) -> Action {
    Action::Borrow { debt: BORROW, amount }
}
fn repay(amount: Amount) -> Action {
    Action::Repay { debt: BORROW, amount }
}

/// What went into the pool and what shares came into being; out of it and burned is negative.
fn moved(effects: &Effects, shares: plimsoll_core::InstrumentId, who: u64) -> (BigInt, BigInt) {
    let account = Party::Account(plimsoll_core::AccountId(who));
    (signed(effects.net(Party::Pool, LOAN).unwrap()), signed(effects.net(account, shares).unwrap()))
}

fn two_thousandths(part: u16, of: U256) -> U256 {
    of.mul_div_wide(u(part.into()), u(2000), plimsoll_core::Rounding::Up).unwrap()
}

fn named(value: U256, by_shares: bool) -> Amount {
    if by_shares { Amount::Shares(value) } else { Amount::Assets(value) }
}

fn word(value: &BigInt) -> U256 {
    value.to_string().trim_start_matches('-').parse().unwrap()
}

/// A world in which account 2 has borrowed and can borrow more, at one instant.
fn stand(setup: Setup, ops: &[Op]) -> Result<World, proptest::test_runner::TestCaseError> {
    let mut world = live(setup, ops, |_| Ok(()))?;
    world.action(0, 0, Action::Accrue).unwrap();
    let lot = U256::pow10(setup.loan_power).unwrap();
    world.action(0, 0, deposit(Amount::Assets(lot.mul(u(4)).unwrap()))).unwrap();
    let posted = U256::pow10(setup.collateral_power).unwrap();
    world.price = World::new(setup).price.add(U256::ONE).unwrap();
    world
        .action(
            2,
            2,
            Action::Deposit { into: COLLATERAL, amount: Amount::Assets(posted.mul(u(1000)).unwrap()) },
        )
        .unwrap();
    Ok(world)
}

proptest! {
    #![proptest_config(cases(100))]

    /// Out of what was put in, nobody gets more; for what was borrowed, nobody pays less; named in assets or in shares.
    #[test]
    fn p50_round_trips_never_profit(setup in setup(), ops in ops(), part in 1..=1000u16) {
        let world = stand(setup, &ops)?;
        let lot = U256::pow10(setup.loan_power).unwrap();
        let assets = lot.mul_div_wide(u(part.into()), u(1000), plimsoll_core::Rounding::Up).unwrap();
        let shares = assets.mul(u(1_000_000)).unwrap();
        for amount in [Amount::Assets(assets), Amount::Shares(shares)] {
            let mut world = world.clone();
            let (paid, minted) = moved(&world.action(2, 2, deposit(amount)).unwrap(), SUPPLY, 2);
            if minted > BigInt::ZERO {
                let mut back = world.clone();
                let (got, _) = moved(&back.action(2, 2, withdraw(Amount::Shares(word(&minted)))).unwrap(), SUPPLY, 2);
                prop_assert!(-got <= paid);
            }
            // The dual: taking out the assets that were paid burns no fewer shares.
            match world.action(2, 2, withdraw(Amount::Assets(word(&paid)))) {
                Ok(effects) => prop_assert!(-moved(&effects, SUPPLY, 2).1 >= minted),
                Err(Refusal::AmountTooLarge { asked, .. }) => prop_assert!(z(asked) > minted),
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
        for amount in [Amount::Assets(assets), Amount::Shares(shares)] {
            let mut world = world.clone();
            let Ok(effects) = world.action(2, 2, borrow(amount)) else { continue };
            let (got, owed) = moved(&effects, BORROW, 2);
            let mut back = world.clone();
            let (paid, _) = moved(&back.action(2, 2, repay(Amount::Shares(word(&owed)))).unwrap(), BORROW, 2);
            prop_assert!(paid >= -&got);
            if got != BigInt::ZERO {
                let (_, burned) = moved(&world.action(2, 2, repay(Amount::Assets(word(&got)))).unwrap(), BORROW, 2);
                prop_assert!(-burned <= owed);
            }
        }
    }

    /// One call in two parts gives its caller no more than the call at once.
    #[test]
    fn p51_splitting_never_profits(setup in setup(), ops in ops(), x in 1..=1000u16, y in 1..=1000u16) {
        let mut world = stand(setup, &ops)?;
        let lot = U256::pow10(setup.loan_power).unwrap();
        let _ = world.action(2, 2, borrow(Amount::Assets(lot)));
        world.action(2, 2, deposit(Amount::Assets(lot))).unwrap();
        type Make = fn(Amount) -> Action;
        let calls: [(Make, plimsoll_core::InstrumentId); 4] =
            [(deposit, SUPPLY), (withdraw, SUPPLY), (borrow, BORROW), (repay, BORROW)];
        for (make, kind) in calls {
            for by_shares in [false, true] {
                let unit = if by_shares { lot.mul(u(1_000_000)).unwrap() } else { lot };
                let (a, b) = (two_thousandths(x, unit), two_thousandths(y, unit));
                let (mut once, mut split) = (world.clone(), world.clone());
                let whole = once.action(2, 2, make(named(a.add(b).unwrap(), by_shares)));
                let first = split.action(2, 2, make(named(a, by_shares)));
                let second = split.action(2, 2, make(named(b, by_shares)));
                let (Ok(whole), Ok(first), Ok(second)) = (whole, first, second) else { continue };
                let (whole, first, second) = (moved(&whole, kind, 2), moved(&first, kind, 2), moved(&second, kind, 2));
                let (paid, shares) = (first.0 + second.0, first.1 + second.1);
                // Supply shares are an asset of the caller, borrow shares a debt.
                let better = if kind == SUPPLY { shares > whole.1 } else { shares < whole.1 };
                let cheaper = paid < whole.0;
                let emptied = once.state().borrow.assets == U256::ZERO || split.state().borrow.assets == U256::ZERO;
                prop_assert!(!better && !cheaper || emptied, "{whole:?} {paid} {shares}");
            }
        }
    }

    /// The two sides of the line against exact rationals: debt up by less than a unit; value and borrowable down by
    /// less than a unit each.
    #[test]
    fn p52_every_rounding_is_against_the_account(setup in setup(), ops in ops()) {
        live(setup, &ops, |turn| {
            let world = &turn.after;
            for who in 0..PEOPLE {
                let line = world.assess(who);
                let (owed, value) = (Q::from_integer(signed(line.debt)), Q::from_integer(signed(line.collateral)));
                let exact = world.debt(who);
                prop_assert!(exact <= owed && owed < exact + n(1));
                let exact = world.value(who);
                prop_assert!(value <= exact && exact < &value + n(1));
                let most = Q::from_integer(signed(line.backing));
                let exact = value * q(u(world.setup.lltv)) / ten(18);
                prop_assert!(most <= exact && exact < most + n(1));
            }
            Ok(())
        })?;
    }
}

proptest! {
    #![proptest_config(cases(6))]

    /// Ten thousand calls of 0 to 32 units against a pool of as few: the caller is never ahead by a single unit, nobody
    /// else's claim falls or debt rises, and what the caller loses is less than two units and a share a call.
    #[test]
    fn p53_small_numbers_do_not_amplify(
        supplied in 1..=32u8, borrowed in 0..=32u8, seed in any::<u64>(), power in 0..3u8,
    ) {
        let setup = Setup { irm: Irm::Zero, fee: 0, loan_power: power, collateral_power: 18, worth: 4000, ..SETUP };
        let mut world = World::new(setup);
        let ether = U256::pow10(24).unwrap();
        world.action(0, 0, deposit(Amount::Assets(u(supplied.into())))).unwrap();
        for who in [1, 2] {
            let post = Action::Deposit { into: COLLATERAL, amount: Amount::Assets(ether) };
            world.action(who, who, post).unwrap();
        }
        if borrowed > 0 {
            let _ = world.action(1, 1, borrow(Amount::Assets(u(borrowed.min(supplied).into()))));
        }
        let (claim, owed) = (world.supplied(0), world.assess(1).debt);
        let mut wallet = BigInt::ZERO;
        let mut calls = 0u32;
        let mut random = seed | 1;
        for _ in 0..10_000 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let few = u(u128::from(random >> 8) % 33);
            let amount = match random % 3 {
                0 => Amount::Assets(few),
                1 => Amount::Shares(few.mul(u(1_000_003)).unwrap()),
                _ => Amount::Shares(few),
            };
            let make = [deposit, withdraw, borrow, repay][(random >> 40) as usize % 4];
            let Ok(effects) = world.action(2, 2, make(amount)) else { continue };
            calls += 1;
            wallet -= signed(effects.net(Party::Pool, LOAN).unwrap());
            let wealth = &wallet + z(world.supplied(2)) - signed(world.assess(2).debt);
            prop_assert!(wealth <= BigInt::ZERO, "ahead by {wealth} after {calls}");
            let share = share_price(world.state().supply).max(share_price(world.state().borrow));
            prop_assert!(Q::from_integer(-wealth) <= (n(2) + share) * n(i64::from(calls)));
            prop_assert!(world.supplied(0) >= claim && world.assess(1).debt <= owed);
        }
        prop_assert!(calls > 1000, "{calls}");
    }
}
