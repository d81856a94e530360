//! Where the verdict flips: prices found with a pencil, or by the description's integers.

use crate::model::{Model, To, big, divide, n, ten, wad};
use crate::scenes::{BORROWER, USDC, WBTC, WETH, plain};
use crate::tape::{Outcome, Tape, check};
use crate::world::{World, u};
use num_bigint::BigUint;
use plimsoll_core::{
    AccountId, Compiled, Lens, Market, Nodes, Question, Reading, Screen, Test, U256, Verdict, screen,
};
use plimsoll_venues::aave_v3::{Configuration, Revision, receipt};

fn verdict_at(world: &World, slot: usize, price: &BigUint) -> Verdict {
    let price: U256 = price.to_string().parse().expect("a price of 256 bits");
    let mut moved = world.clone();
    moved.readings[slot] = Reading::certain(price);
    moved.verdict(AccountId(BORROWER))
}

/// One collateral, one debt of a fixed value D. The lowest healthy value B of the collateral is, from 3.5 on,
/// B x threshold x 1e18 + D / 2 >= 1e22 x D; before, h(B x threshold / 1e4) x 1e18 + D / 2 >= 1e18 x D. The trigger
/// price is the least one at which the balance is worth B.
fn single_collateral(tape: &mut Tape<'_>) -> Outcome {
    let revision = tape.pick(&Revision::ALL);
    let threshold = tape.between(1, 10_000);
    let balance = u(tape.magnitude(27));
    let owed = u(tape.magnitude(18));
    let mut world =
        plain(revision).set(WETH, Configuration::THRESHOLD, threshold).set(WETH, Configuration::LTV, 1);
    for account in &mut world.accounts {
        account.set(receipt(WETH), plimsoll_core::Int::ZERO);
    }
    let world = world.holding_raw(BORROWER, WETH, balance, true).owing_raw(BORROWER, USDC, owed);
    // USDC at 1 with 6 decimals and an index of 1: each raw unit is 100 base.
    let debt = big(owed) * 100u32;
    let weight = n(threshold.into());
    let value = if revision >= Revision::V3_5 {
        divide(&(n(10).pow(22) * &debt - &debt / 2u32), &(weight * wad()), To::Ceil)
    } else {
        let backing = divide(&(wad() * &debt - &debt / 2u32), &wad(), To::Ceil);
        // (B x threshold + 5000) / 1e4 >= backing
        divide(&(backing * 10_000u32 - 5_000u32), &weight, To::Ceil)
    };
    let price = divide(&(value * ten(18)), &big(balance), To::Ceil);
    if price <= n(1) || price > big(U256::MAX) >> 140u32 {
        return Ok(0);
    }
    let found = (verdict_at(&world, WETH, &price), verdict_at(&world, WETH, &(&price - 1u32)));
    match found {
        (Verdict::Healthy, Verdict::Unhealthy) => Ok(1),
        _ => Err(format!("{revision:?}: at {price} and one below: {found:?}")),
    }
}

/// Two collaterals from 3.5 on, where health is monotone: the description's integers find the price by bisection.
fn two_collaterals(tape: &mut Tape<'_>) -> Outcome {
    let revision = tape.pick(&[Revision::V3_5, Revision::V3_6, Revision::V3_7]);
    let (weth, wbtc) = (tape.magnitude(20), tape.magnitude(10));
    let owed = tape.magnitude(13);
    let world = plain(revision)
        .holding_raw(BORROWER, WETH, u(weth), true)
        .holding_raw(BORROWER, WBTC, u(wbtc), true)
        .owing_raw(BORROWER, USDC, u(owed));
    let healthy = |price: u128| {
        let moved = world.clone().priced(WETH, price);
        let model = Model::of(&moved);
        let found = model.account(moved.account(AccountId(BORROWER)));
        model.health(&found).is_none_or(|health| health >= wad())
    };
    let (mut low, mut high) = (1, 1 << 70);
    if healthy(low) || !healthy(high) {
        return Ok(0);
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if healthy(middle) { high = middle } else { low = middle }
    }
    match (verdict_at(&world, WETH, &n(high)), verdict_at(&world, WETH, &n(low))) {
        (Verdict::Healthy, Verdict::Unhealthy) => Ok(1),
        found => Err(format!("{revision:?}: at {high} and one below: {found:?}")),
    }
}

#[test]
fn verdict_flips_at_trigger_price() {
    check("verdict_flips_at_trigger_price", 8_000, single_collateral);
    check("two_collaterals", 1_500, two_collaterals);
}

/// Up to 3.4 a price that rises by its last digit can turn healthy into liquidatable: 100 WETH at 2 000.00 and
/// 82.5 %, 100 000 of a 75 % asset, 240 000.00 of debt. At 1.00000000 the average threshold is 8 000 bps, at
/// 1.00000001 it is 7 999. The screen asks at both prices. From 3.5 on the rise
/// does good, and the slack is narrow enough for the screen to see it.
#[test]
fn a_rising_price_can_liquidate_up_to_3_4() {
    const OTHER_COLLATERAL: usize = WBTC;
    for revision in Revision::ALL {
        let world = plain(revision)
            .set(OTHER_COLLATERAL, Configuration::DECIMALS, 6)
            .holding(BORROWER, WETH, 90, true)
            .holding(BORROWER, OTHER_COLLATERAL, 100_000, true)
            .owing(BORROWER, USDC, 240_000);
        let account = world.account(AccountId(BORROWER)).clone();
        let question = Question { test: Test::Liquidation, lens: Lens::Action, at: world.at };
        let compiled = world.pool.compile(&account, question).expect("a form");
        assert!(matches!(compiled, Compiled::Rows(_)));
        let old = revision <= Revision::V3_4;
        for (price, threshold, verdict) in [
            (100_000_000, 8_000, Verdict::Healthy),
            (100_000_001, 7_999, if old { Verdict::Unhealthy } else { Verdict::Healthy }),
        ] {
            let world = world.clone().priced(OTHER_COLLATERAL, price);
            let data = world.data(AccountId(BORROWER));
            assert_eq!(
                (world.verdict(AccountId(BORROWER)), data.threshold),
                (verdict, u(threshold)),
                "{revision:?}"
            );
            let quoted = world.quoted();
            let screened = screen(&compiled, &Nodes { values: quoted.nodes() }, world.pool.epoch());
            let asked = if old || price == 100_000_000 { Screen::Candidate } else { Screen::Clear };
            assert_eq!(screened, asked, "{revision:?} at {price}");
        }
    }
}
