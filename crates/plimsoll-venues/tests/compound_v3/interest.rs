//! Rates, indices and rewards over time.

use crate::model::{Around, Model};
use crate::world::*;
use num_bigint::BigInt;
use plimsoll_core::{Action, Amount, Refusal, Time, U256};
use plimsoll_venues::compound_v3::{
    DEBT, Rates, Rules, SUPPLY, State, TRACKING_ACCRUED, TRACKING_INDEX, casts,
};
use proptest::prelude::*;

/// 3.6 % at most below the kink of 90 %, then 290 %: half way 1.8 %, at 95 % 3.24 % + 14.5 %. Per second and cut:
/// floor(0.036e18 / 31536000) = 1141552511, floor(2.9e18 / 31536000) = 91958396752.
#[test]
fn rates_by_hand() {
    let rates = rules().supply;
    assert_eq!(
        (rates.slope_low, rates.slope_high, rates.base),
        (u(1_141_552_511), u(91_958_396_752), U256::ZERO)
    );
    for (used, rate) in [
        (0, 0),
        (500_000_000_000_000_000, 570_776_255),
        (900_000_000_000_000_000, 1_027_397_259),
        // 900000000000000001: the part beyond the kink is cut away.
        (900_000_000_000_000_001, 1_027_397_259),
        (950_000_000_000_000_000, 1_027_397_259 + 4_597_919_837),
        // More borrowed than supplied: nothing ends at one.
        (1_900_000_000_000_000_000, 1_027_397_259 + 91_958_396_752),
    ] {
        assert_eq!(rates.at(u(used)), Ok(u(rate)), "{used}");
    }
    let steep = Rates { slope_high: u(u128::from(u64::MAX)), ..rates };
    assert_eq!(steep.at(u(3_000_000_000_000_000_000)), Err(Refusal::Overflow(casts::UINT64)));
}

#[test]
fn utilisation_without_supply_is_none() {
    let state = State { total_borrow_base: u(5), ..fresh() };
    assert_eq!(state.utilisation(), Ok(U256::ZERO));
    let state = State { total_supply_base: u(4), ..state };
    assert_eq!(state.utilisation(), Ok(u(1_250_000_000_000_000_000)));
    // The claims are worth less than a unit: none.
    let state = State { total_supply_base: U256::ZERO, ..state };
    assert_eq!(state.utilisation(), Ok(U256::ZERO));
}

/// A total one below the least earns no rewards, and all of it does from the least on.
#[test]
fn rewards_begin_at_the_least_total() {
    for (total, index) in [(999_999, 0u128), (1_000_000, 173_611_111_111 * 10)] {
        let state = State { total_supply_base: u(total), ..fresh() };
        let after = market(rules(), state, assets()).accrued(Time(START + 10)).unwrap();
        assert_eq!(after.tracking_supply_index, u(index));
        assert_eq!(after.tracking_borrow_index, U256::ZERO);
    }
}

/// Of 18 decimals twelve are cut, after the cut by the tracking scale.
#[test]
fn rewards_are_cut_twice() {
    let rules = Rules { base_decimals: 18, base_min_for_rewards: U256::ONE, ..rules() };
    let mut world = World::of(market(rules, State { tracking_supply_index: u(5_000), ..fresh() }, assets()));
    // 3,999,999,999,999 x 5000 / 10^15 = 19.9...: 19, and of that millionths of a millionth: nothing.
    world.accounts[0].set(SUPPLY, plimsoll_core::Int::new(3_999_999_999_999));
    world.action(0, 0, Action::Accrue).unwrap();
    assert!(world.account(0).term(TRACKING_ACCRUED).is_zero());
    assert_eq!(signed(world.account(0).term(TRACKING_INDEX)), big(5_000));
    // (2 x 10^12 + 1) x 10^15 / 5000 of principal earn two and a bit.
    world.accounts[1].set(SUPPLY, plimsoll_core::Int::new(400_000_000_000_200_000_000_000));
    world.action(1, 1, Action::Accrue).unwrap();
    assert_eq!(signed(world.account(1).term(TRACKING_ACCRUED)), big(2));
}

/// An account's index that is ahead of the market's is a panic, as in the contract.
#[test]
fn an_index_ahead_of_the_market_is_refused() {
    let mut world = World::new();
    world.accounts[0].set_term(TRACKING_INDEX, plimsoll_core::Int::new(7));
    let refusal = Err(Refusal::Overflow("growth of the tracking index"));
    assert_eq!(world.action(0, 0, Action::Accrue), refusal);
    world.accounts[0].set_term(TRACKING_INDEX, plimsoll_core::Int::new(-7));
    assert!(matches!(world.action(0, 0, Action::Accrue), Err(Refusal::InconsistentAccount(_))));
}

proptest! {
    #![proptest_config(cases(60))]

    /// Interest is linear in the seconds of one accrual, but for one cut of each index; several accruals are at least as
    /// much, since the second counts on the first.
    #[test]
    fn p47_interest_is_linear_within_one_accrual(ops in ops(), first in 0..1_000_000u64, second in 0..1_000_000u64) {
        let world = live(&ops, |_| Ok(()))?;
        let (start, at) = (world.market.state(), world.at.0);
        let after = |seconds: u64| world.market.accrued(Time(at + seconds)).unwrap();
        let gone = at - start.last_accrual_time;
        let (once, twice) = (after(0), after(first + second));
        let grown = |state: &State| z(state.base_borrow_index) - z(start.base_borrow_index);
        // growth(t) = floor(index * rate * t / 10^18): the growth of a sum is the sum of growths, and a unit.
        let sum = grown(&after(first)) * BigInt::from(gone + first + second);
        let whole = grown(&twice) * BigInt::from(gone + first);
        let off = if sum > whole { sum - whole } else { whole - sum };
        prop_assert!(off <= BigInt::from(gone + first + second) * 2);
        let mut between = world.clone();
        between.at = Time(at + first);
        between.action(0, 0, Action::Accrue).unwrap();
        let later = between.market.accrued(Time(at + first + second)).unwrap();
        prop_assert!(z(later.base_borrow_index) + 1 >= z(twice.base_borrow_index));
        prop_assert!(once.base_supply_index <= twice.base_supply_index);
        prop_assert_eq!(once.total_borrow_base, twice.total_borrow_base);
    }

    /// No order of accruals and calls is another's: only what was stored counts, and looking changes nothing.
    #[test]
    fn looking_is_not_accruing(ops in ops(), seconds in 0..10_000_000u64) {
        let world = live(&ops, |_| Ok(()))?;
        let at = Time(world.at.0 + seconds);
        let projected = world.market.projected(at).unwrap();
        let accrued = world.market.accrued(at).unwrap();
        prop_assert_eq!(projected.base_supply_index, accrued.base_supply_index);
        prop_assert_eq!(projected.base_borrow_index, accrued.base_borrow_index);
        prop_assert_eq!(projected.last_accrual_time, world.market.state().last_accrual_time);
        prop_assert_eq!(projected.utilisation().is_ok(), true);
        let prices = world.prices.iter().copied().map(z).collect();
        let around = Around { market: &world.market, prices, at: at.0 };
        let mut model = Model::of(&world);
        model.accrue(&around);
        prop_assert_eq!(model.supply_index, z(accrued.base_supply_index));
        prop_assert_eq!(model.tracking, [z(accrued.tracking_supply_index), z(accrued.tracking_borrow_index)]);
    }

    /// Properties 48 to 51: no way there and back is a gain, and a part of an amount is not worth more than its share.
    #[test]
    fn p49_there_and_back_is_no_gain(ops in ops(), amount in 0..100_000_000_000u64) {
        let mut world = live(&ops, |_| Ok(()))?;
        let amount = Amount::Assets(u(amount.into()));
        let before = BigInt::from(0) + z(world.balance(3, SUPPLY)) - z(world.balance(3, DEBT));
        let there = world.action(3, 3, Action::Deposit { into: SUPPLY, amount });
        prop_assert!(there.is_ok());
        if world.action(3, 3, Action::Withdraw { from: SUPPLY, amount }).is_ok() {
            let after = z(world.balance(3, SUPPLY)) - z(world.balance(3, DEBT));
            prop_assert!(after <= before && &before - &after <= BigInt::from(8));
        }
    }
}
