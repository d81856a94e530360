//! Properties 27 to 42: who can be liquidated, for how much, and where it ends.

use crate::health::SETUP;
use crate::world::*;
use plimsoll_core::{Amount, Effects, Lot, Party, Refusal, Silent, U256};
use plimsoll_venues::morpho_blue::{BORROW, COLLATERAL, COLLATERAL_TOKEN, LOAN};
use proptest::prelude::*;

/// min(1.15, 1 / (1 - 0.3 (1 - lltv))), as the protocol's documents give it; the contract floors it.
fn exact_incentive(lltv: u128) -> Q {
    let rest = n(1) - Q::new(3.into(), 10.into()) * (n(1) - q(u(lltv)) / ten(18));
    (n(1) / rest).min(Q::new(115.into(), 100.into()))
}

/// The incentive as the contract rounds it.
fn incentive(world: &World) -> Q {
    let stored = world.market.parameters().incentive(&mut Silent).unwrap();
    let (exact, stored) = (exact_incentive(world.setup.lltv), q(stored) / ten(18));
    // `cut` is floored too: a larger divisor.
    assert!(stored <= exact && stored > exact - Q::new(3.into(), 1.into()) / ten(18));
    stored
}

fn repaid_shares(effects: &Effects) -> U256 {
    effects.net(Party::Burn, BORROW).unwrap().magnitude()
}

/// Liquidates as far as the contract lets a keeper: all collateral, or else all debt.
fn finish(world: &mut World, who: u64) -> Result<Effects, Refusal> {
    let all = world.held(who, COLLATERAL);
    if all != U256::ZERO {
        match world.action(3, who, liquidation(Lot::Seize(all))) {
            Err(Refusal::AmountTooLarge { .. }) => {}
            other => return other,
        }
    }
    world.action(3, who, liquidation(Lot::Repay(Amount::All)))
}

proptest! {
    #![proptest_config(cases(100))]

    #[test]
    fn p27_only_accounts_below_the_line_are_liquidated(setup in setup(), ops in ops()) {
        live(setup, &ops, |turn| {
            if let Op::Seize { from, .. } = turn.op {
                let unhealthy = turn.before.unhealthy(from);
                prop_assert!(!turn.done() || unhealthy);
                let told = turn.outcome == Err(Refusal::NotLiquidatable);
                prop_assert!(turn.outcome == Err(Refusal::AmountZero) || told != unhealthy);
            }
            Ok(())
        })?;
    }

    /// seized * P <= repaid * incentive, exactly; and not below it by more than the roundings of either way.
    #[test]
    fn p31_value_seized_is_value_repaid_with_the_incentive(setup in setup(), ops in ops()) {
        live(setup, &ops, |turn| {
            let Some(done) = turn.outcome.as_ref().ok().and_then(|effects| effects.liquidated.as_ref()) else {
                return Ok(());
            };
            let factor = incentive(&turn.before);
            let price = q(turn.before.price) / ten(36);
            let (seized, due) = (q(done.seized) * &price, q(done.repaid) * &factor);
            prop_assert!(seized <= due);
            // By shares: toAssetsUp - toAssetsDown <= 1, the incentive's floor < 1, a unit of collateral < P.
            // By seizure: two ceilings of a loan unit, one of a share, toAssetsUp, each with the incentive.
            let share = share_price(turn.before.state().borrow);
            prop_assert!(seized + &price + n(1) + (n(3) + share) * factor > due);
            Ok(())
        })?;
    }

    /// While the debt with the incentive is covered, what a partial liquidation leaves is better off, and no bad
    /// debt arises.
    #[test]
    fn p32_covered_liquidation_improves_the_position(setup in setup(), ops in ops()) {
        live(setup, &ops, |turn| {
            let (Op::Seize { from, .. }, true) = (turn.op, turn.done()) else { return Ok(()) };
            let (before, after) = (&turn.before, &turn.after);
            if before.debt(from) * incentive(before) < before.value(from) {
                prop_assert!(!turn.bad_debt());
                if after.state().borrow.assets != U256::ZERO {
                    let (left, right) = (after.debt(from) * before.value(from), before.debt(from) * after.value(from));
                    prop_assert!(left <= right);
                }
            }
            Ok(())
        })?;
    }

    /// One of the two full liquidations always goes through, however deep under water, and then nothing is owed.
    #[test]
    fn p33_p42_liquidation_ends_at_once(setup in setup(), ops in ops(), fall in 0..=1000u16) {
        let mut world = live(setup, &ops, |_| Ok(()))?;
        world.step(Op::Price(fall));
        for who in 0..PEOPLE {
            if world.unhealthy(who) {
                let done = finish(&mut world, who);
                prop_assert!(done.is_ok(), "{done:?}");
                prop_assert_eq!(world.held(who, BORROW), U256::ZERO);
                prop_assert!(!world.unhealthy(who));
            }
        }
    }

    /// Halving a position's collateral again and again ends, too: a keeper of little means is not stuck.
    #[test]
    fn p33_repeated_liquidation_terminates(setup in setup(), ops in ops(), fall in 1..=1000u16) {
        let mut world = live(setup, &ops, |_| Ok(()))?;
        world.step(Op::Price(fall));
        for who in 0..PEOPLE {
            let mut steps = 0;
            while world.unhealthy(who) {
                let half = world.held(who, COLLATERAL).div(u(2), plimsoll_core::Rounding::Up).unwrap();
                let by_half = world.action(3, who, liquidation(Lot::Seize(half)));
                if by_half.is_err() {
                    prop_assert!(finish(&mut world, who).is_ok());
                }
                steps += 1;
                prop_assert!(steps <= 128);
            }
        }
    }

    #[test]
    fn p34_debt_without_collateral_is_recorded(setup in setup(), ops in ops()) {
        live(setup, &ops, |turn| {
            for who in 0..PEOPLE {
                let bare = turn.after.held(who, COLLATERAL) == U256::ZERO;
                prop_assert!(!bare || turn.after.held(who, BORROW) == U256::ZERO);
            }
            Ok(())
        })?;
    }

    /// Suppliers and borrowers lose the same amount, no more than was owed, and only when no collateral is left.
    #[test]
    fn p35_bad_debt_is_at_most_the_debt(setup in setup(), ops in ops()) {
        live(setup, &ops, |turn| {
            let (Op::Seize { from, .. }, Ok(effects)) = (turn.op, &turn.outcome) else { return Ok(()) };
            let Some(done) = &effects.liquidated else { return Ok(()) };
            let bad = done.bad_debt.first().map_or(U256::ZERO, |(_, amount)| *amount);
            let (before, after) = (turn.before.state(), turn.after.state());
            prop_assert_eq!(z(before.supply.assets) - z(after.supply.assets), z(bad));
            prop_assert!(q(bad) < turn.before.debt(from) + n(1));
            prop_assert!(done.bad_debt.is_empty() || turn.after.held(from, COLLATERAL) == U256::ZERO);
            Ok(())
        })?;
    }

    /// Repaying the shares that a seizure would repay seizes as much, or more by less than the roundings are worth.
    #[test]
    fn p36_seize_and_repay_inputs_are_equivalent(setup in setup(), ops in ops(), part in 1..=1000u16) {
        let world = live(setup, &ops, |_| Ok(()))?;
        for who in 0..PEOPLE {
            let mut by_seizure = world.clone();
            let held = world.held(who, COLLATERAL);
            let some = held.mul_div_wide(u(part.into()), u(1000), plimsoll_core::Rounding::Up).unwrap();
            let Ok(effects) = by_seizure.action(3, who, liquidation(Lot::Seize(some))) else { continue };
            let shares = repaid_shares(&effects);
            if shares == U256::ZERO {
                continue; // worth nothing: not an input of the other kind
            }
            let seized = effects.liquidated.unwrap().seized;
            let mut by_shares = world.clone();
            match by_shares.action(3, who, liquidation(Lot::Repay(Amount::Shares(shares)))) {
                Ok(other) => {
                    prop_assert_eq!(repaid_shares(&other), shares);
                    let more = z(other.liquidated.unwrap().seized) - z(seized);
                    let more = Q::from_integer(more);
                    prop_assert!(more >= n(0));
                    let share = share_price(world.state().borrow);
                    let bound = n(1) + incentive(&world) * (n(1) + share);
                    prop_assert!(more * q(world.price) / ten(36) <= bound);
                }
                // It would seize one unit more than there is.
                Err(Refusal::AmountTooLarge { held, .. }) => prop_assert_eq!(held, world.held(who, COLLATERAL)),
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }

    #[test]
    fn p37_a_finished_account_is_not_liquidated_again(setup in setup(), ops in ops(), fall in 1..=1000u16) {
        let mut world = live(setup, &ops, |_| Ok(()))?;
        world.step(Op::Price(fall));
        for who in 0..PEOPLE {
            if world.unhealthy(who) {
                finish(&mut world, who).unwrap();
                prop_assert_eq!(finish(&mut world, who), Err(Refusal::NotLiquidatable));
            }
        }
    }

    /// The collateral that the account loses reaches the liquidator, the loan tokens it pays reach the pool, and the
    /// account's debt falls by what was repaid and what was lost: to the unit.
    #[test]
    fn p39_liquidation_conserves_quantities(setup in setup(), ops in ops()) {
        live(setup, &ops, |turn| {
            let (Op::Seize { by, from, .. }, Ok(effects)) = (turn.op, &turn.outcome) else { return Ok(()) };
            let done = effects.liquidated.as_ref().unwrap();
            crate::seen::liquidations(1);
            let lost = z(turn.before.held(from, COLLATERAL)) - z(turn.after.held(from, COLLATERAL));
            let wallet = Party::Wallet(plimsoll_core::AccountId(by));
            prop_assert_eq!(&signed(effects.net(wallet, COLLATERAL_TOKEN).unwrap()), &lost);
            prop_assert_eq!(&z(done.seized), &lost);
            prop_assert_eq!(done.fee, U256::ZERO);
            prop_assert_eq!(signed(effects.net(wallet, LOAN).unwrap()), -z(done.repaid));
            let shares = z(turn.before.held(from, BORROW)) - z(turn.after.held(from, BORROW));
            let gone = effects.net(Party::Loss, BORROW).unwrap().add(effects.net(Party::Burn, BORROW).unwrap());
            prop_assert_eq!(signed(gone.unwrap()), shares);
            Ok(())
        })?;
    }
}

/// The random population reaches everything that the properties above speak of; a generator that drifted into
/// refusals would prove nothing.
#[test]
fn the_population_is_lively() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = std::collections::BTreeMap::<&str, u32>::new();
    for _ in 0..400 {
        let (setup, ops) = (setup(), ops()).new_tree(&mut runner).unwrap().current();
        live(setup, &ops, |turn| {
            let what = match turn.op {
                Op::Wait(_) | Op::Price(_) | Op::Sink { .. } => "world",
                _ if !turn.done() => "refused",
                Op::Supply { .. } => "supply",
                Op::Withdraw { .. } => "withdraw",
                Op::Post { .. } => "post",
                Op::Unpost { .. } => "unpost",
                Op::Borrow { .. } => "borrow",
                Op::Repay { .. } => "repay",
                Op::Seize { size: Size::Few(_) | Size::Part(_), .. } => "seize",
                Op::Seize { .. } => "repay shares",
                Op::Accrue { .. } => "accrue",
            };
            *seen.entry(what).or_default() += 1;
            if turn.bad_debt() {
                *seen.entry("bad debt").or_default() += 1;
            }
            Ok(())
        })
        .unwrap();
    }
    println!("{seen:?}");
    for what in ["supply", "withdraw", "post", "unpost", "borrow", "repay", "seize", "repay shares", "accrue"]
    {
        assert!(seen.get(what).is_some_and(|times| *times >= 100), "{what}: {seen:?}");
    }
    assert!(seen["bad debt"] >= 50, "{seen:?}");
}

/// 1 / (1 - 0.3 * 0.14) = 1 / 0.958 and 1 / (1 - 0.3 * 0.055) = 1 / 0.9835, floored to 18 digits; 1.15 from
/// 1 - lltv = 0.4347... on.
#[test]
fn incentive_by_hand() {
    for (lltv, factor) in [
        (860, 1_043_841_336_116_910_229),
        (945, 1_016_776_817_488_561_260),
        (385, 1_150_000_000_000_000_000),
        (0, 1_150_000_000_000_000_000),
    ] {
        let world = World::new(Setup { lltv: lltv * 10u128.pow(15), ..SETUP });
        assert_eq!(world.market.parameters().incentive(&mut Silent), Ok(u(factor)));
        incentive(&world);
    }
}
