//! Absorption and the sale of what it brought in: what is seized, paid, credited and written off adds up.

use crate::accounting::adds_up;
use crate::laws::bits;
use crate::model::{Around, Model, one};
use crate::world::*;
use num_bigint::BigInt;
use plimsoll_core::{
    AccountId, Action, Call, Feeds, Lens, Mechanism, Party, Refusal, Test, Time, U256, Verdict,
};
use plimsoll_venues::compound_v3::{
    Absorbed, DEBT, SUPPLY, State, TRACKING_ACCRUED, TRACKING_INDEX, collateral, slot,
};
use proptest::prelude::*;

/// A market in which everybody stands as drawn, with totals that are the sums, and tokens to go with them.
fn standing(
    indices: [u128; 2],
    people: &[(i128, [U256; 3])],
    stock: [u64; 3],
    base_balance: u64,
    prices: &[u64],
) -> World {
    let mut assets = assets();
    let sum =
        |asset: usize| people.iter().fold(U256::ZERO, |sum, (_, posted)| sum.add(posted[asset]).unwrap());
    for (place, asset) in assets.iter_mut().enumerate() {
        asset.totals.total_supply = sum(place);
        asset.totals.reserves = u(stock[place].into());
    }
    let total = |sign: i128| {
        let side = people.iter().map(|(principal, _)| u((principal * sign).max(0).unsigned_abs()));
        side.fold(U256::ZERO, |sum, one| sum.add(one).unwrap())
    };
    let state = State {
        base_supply_index: u(INDEX_ONE + indices[0]),
        base_borrow_index: u(INDEX_ONE + indices[1]),
        total_supply_base: total(1),
        total_borrow_base: total(-1),
        base_balance: u(base_balance.into()),
        ..fresh()
    };
    let mut world = World::of(market(rules(), state, assets));
    for ((principal, posted), account) in people.iter().zip(&mut world.accounts) {
        let side = if *principal < 0 { DEBT } else { SUPPLY };
        account.set(side, u(principal.unsigned_abs()).into());
        for (asset, posted) in posted.iter().enumerate() {
            account.set(collateral(asset), (*posted).into());
        }
    }
    world.cash[0] = base_balance.into();
    for place in 0..3 {
        let asset = &world.market.assets()[place];
        world.cash[place + 1] = z(asset.totals.total_supply) + z(asset.totals.reserves);
        world.treasury[collateral(place).index()] = z(asset.totals.reserves);
    }
    world.prices = prices.iter().map(|price| u(u128::from(*price) + 1)).collect();
    world
}

fn person() -> impl Strategy<Value = (i128, [U256; 3])> {
    let principal = prop_oneof![8 => (0..100u32, any::<u64>()).prop_map(|(bits, word)| -i128::from(word >> (bits % 64)) - 1),
        1 => any::<u32>().prop_map(i128::from)];
    (principal, [bits(70), bits(50), bits(70)])
}

/// Three accounts of any kind, and one that has lent them what they owe.
fn anybody() -> impl Strategy<Value = World> {
    let price = prop_oneof![any::<u16>().prop_map(u64::from), 0..10_000_000_000_000u64];
    (
        [0..2 * INDEX_ONE, 0..2 * INDEX_ONE],
        prop::collection::vec(person(), 4),
        any::<[u32; 3]>().prop_map(|stock| stock.map(u64::from)),
        any::<u64>(),
        prop::collection::vec(price, 4),
    )
        .prop_map(|(indices, mut people, stock, balance, prices)| {
            let owed: i128 = people[..3].iter().map(|(principal, _)| -(*principal).min(0)).sum();
            people[3].0 = people[3].0.abs() + 3 * owed;
            standing(indices, &people, stock, balance, &prices)
        })
}

fn absorb(world: &mut World, who: &[u64]) -> Result<Vec<Absorbed>, Refusal> {
    let accounts = who.iter().copied().map(AccountId).collect();
    let action = Action::Liquidate(Mechanism::Absorb { accounts });
    let call = Call { actor: AccountId(9), account: AccountId(9), at: world.at, action };
    let readings = readings(&world.prices);
    let feeds = Feeds { readings: &readings };
    let (effects, absorbed) = world.market.absorb(&call, &world.accounts, feeds)?;
    assert_eq!(world.call(&call), Ok(effects));
    Ok(absorbed)
}

proptest! {
    #![proptest_config(cases(1000))]

    /// Every unit of collateral goes to the market's own, every unit of debt ceases, and what the reserves paid is what
    /// was owed and what is credited: nothing comes from anywhere else, and nothing is left of the account but the credit.
    #[test]
    fn liquidation_conserves_quantities(world in anybody(), seconds in prop_oneof![Just(0u64), 0..10_000_000u64], first in 0..PEOPLE) {
        let mut world = world;
        world.at = Time(world.at.0 + seconds);
        let below: Vec<u64> = (0..PEOPLE).map(|who| (who + first) % PEOPLE).filter(|who| world.unhealthy(*who)).collect();
        let before = world.clone();
        let accrued = Model::of(&world);
        let around = Around {
            market: &before.market,
            prices: before.prices.iter().copied().map(z).collect(),
            at: before.at.0,
        };
        let mut accrued = accrued;
        accrued.accrue(&around);
        let absorbed = absorb(&mut world, &below).unwrap();
        adds_up(&world)?;
        prop_assert_eq!(absorbed.len(), below.len());
        crate::seen::liquidations(absorbed.len());
        let mut paid = BigInt::ZERO;
        for (who, told) in below.iter().zip(&absorbed) {
            let place = usize::try_from(*who).unwrap();
            let owed = -accrued.present(&accrued.users[place].principal);
            let (out, short) = (z(told.base_paid_out), z(told.shortfall));
            // All of the debt is paid, and what is credited beyond it stands in the account, cut by the index at most.
            let credit = &out - &owed;
            prop_assert!(credit >= BigInt::ZERO && (credit == BigInt::ZERO || short == BigInt::ZERO));
            prop_assert_eq!(world.held(*who, DEBT), U256::ZERO);
            let left = z(world.balance(*who, SUPPLY));
            prop_assert!(left <= credit && &credit - &left <= &accrued.supply_index / big(INDEX_ONE) + 1);
            // What was seized is what there was, at its full value and at its credited one.
            let posted = before.posted(*who);
            let held: Vec<_> = posted.iter().enumerate().filter(|(_, amount)| **amount != U256::ZERO).collect();
            prop_assert_eq!(held.len(), told.seized.len());
            let mut credited = BigInt::ZERO;
            for ((asset, amount), seized) in held.into_iter().zip(&told.seized) {
                prop_assert_eq!((asset, *amount), (seized.asset, seized.amount));
                let rules = &before.market.assets()[asset].rules;
                let unit = big(10).pow(rules.decimals.into());
                prop_assert_eq!(z(seized.value), z(*amount) * z(before.prices[slot(asset)]) / unit);
                credited += z(seized.value) * z(rules.liquidation_factor) / one();
            }
            let covered: BigInt = credited * 1_000_000 / z(before.prices[0]);
            prop_assert_eq!(&covered + &short, (&owed).max(&covered).clone());
            prop_assert_eq!(z(told.value_paid_out), &out * z(before.prices[0]) / 1_000_000);
            prop_assert!(world.posted(*who).iter().all(|left| *left == U256::ZERO));
            paid += out;
        }
        // The reserves fall by what they paid, but for the cuts of two totals.
        let after = Model::of(&world);
        let fall = accrued.reserves() - after.reserves();
        let off = &fall - &paid;
        let dust: BigInt = BigInt::from(below.len()) * (&accrued.supply_index / big(INDEX_ONE) + 2) + 2;
        prop_assert!(off.magnitude() <= dust.magnitude(), "{fall} {paid}");
        // Those who stand above the line, and those who were named already, are not absorbed.
        for who in 0..PEOPLE {
            prop_assert_eq!(absorb(&mut world.clone(), &[who]).err(), Some(Refusal::NotLiquidatable));
        }
        if let Some(twice) = below.first() {
            let answer = absorb(&mut before.clone(), &[*twice, *twice]);
            prop_assert_eq!(answer.err(), Some(Refusal::NotLiquidatable));
        }
    }

    /// One after the other in one call is the same as in calls of their own at the same time.
    #[test]
    fn p36_several_at_once_are_several_one_by_one(world in anybody(), seconds in 0..10_000_000u64) {
        let mut at_once = world;
        at_once.at = Time(at_once.at.0 + seconds);
        let below: Vec<u64> = (0..PEOPLE).filter(|who| at_once.unhealthy(*who)).collect();
        let mut one_by_one = at_once.clone();
        let told = absorb(&mut at_once, &below).unwrap();
        let mut each = Vec::new();
        for who in &below {
            each.extend(absorb(&mut one_by_one, &[*who]).unwrap());
        }
        // Nobody to absorb is still an accrual.
        if below.is_empty() {
            absorb(&mut one_by_one, &[]).unwrap();
        }
        prop_assert_eq!(told, each);
        prop_assert_eq!(Model::of(&at_once), Model::of(&one_by_one));
    }

    /// Sold collateral is what there was, paid for at no less than the discount says, and both sides move together.
    #[test]
    fn p38_what_is_sold_was_held_and_paid_for(world in anybody(), asset in 0..3usize, pay in bits(80)) {
        let mut after = world.clone();
        let outcome = after.action(5, 5, Action::Liquidate(Mechanism::BuyReserve { asset: collateral(asset), pay }));
        let around = Around {
            market: &world.market,
            prices: world.prices.iter().copied().map(z).collect(),
            at: world.at.0,
        };
        match outcome {
            Ok(effects) => {
                adds_up(&after)?;
                let sold = signed(effects.net(Party::Treasury, collateral(asset)).unwrap());
                prop_assert_eq!(-sold, Model::quote(&around, asset, &z(pay)));
            }
            Err(Refusal::NotForSale { reserves, target }) => {
                prop_assert!(reserves >= target);
                prop_assert_eq!(z(reserves), Model::of(&world).reserves());
            }
            Err(Refusal::InsufficientCash { held, asked }) => prop_assert!(asked > held),
            // A price so low that its discount leaves nothing of it.
            Err(Refusal::DivisionByZero(_)) => prop_assert!(world.prices[slot(asset)] < u(10)),
            Err(other) => prop_assert!(false, "{other:?}"),
        }
    }
}

/// 10 WETH at 1,800 USD secure 17,000 USDC: at 0.9 they carry 16,200. Credited at 0.95 they are 17,100: the account
/// keeps 100, and the reserves are short of 17,100 USDC and own 10 WETH.
#[test]
fn an_absorption_by_hand() {
    let weth = U256::pow10(19).unwrap();
    let people = [(-17_000_000_000, [weth, U256::ZERO, U256::ZERO]), (50_000_000_000, [U256::ZERO; 3])];
    let mut world = standing([0, 0], &people, [0; 3], 33_000_000_000, &[0; 4]);
    world.prices = [100_000_000, 180_000_000_000, 1, 1].map(u).to_vec();
    let absorbed = absorb(&mut world, &[0]).unwrap();
    assert_eq!(absorbed[0].base_paid_out, u(17_100_000_000));
    assert_eq!(absorbed[0].value_paid_out, u(17_100 * 100_000_000));
    assert_eq!(absorbed[0].seized[0].value, u(18_000 * 100_000_000));
    assert_eq!(absorbed[0].shortfall, U256::ZERO);
    assert_eq!(world.held(0, SUPPLY), u(100_000_000));
    let reserves = world.market.state().reserves().unwrap();
    assert_eq!(signed(reserves), BigInt::from(33_000_000_000i64 - 50_100_000_000));
    assert_eq!(world.market.assets()[0].totals.reserves, weth);
    // At 1,000 they are credited 9,500; 7,500 are nobody's loss but the reserves'.
    let mut world = standing([0, 0], &people, [0; 3], 33_000_000_000, &[0; 4]);
    world.prices = [100_000_000, 100_000_000_000, 1, 1].map(u).to_vec();
    let action = Action::Liquidate(Mechanism::Absorb { accounts: vec![AccountId(0)] });
    let effects = world.action(9, 9, action).unwrap();
    let told = effects.liquidated.unwrap();
    assert_eq!((told.repaid, told.seized), (u(9_500_000_000), weth));
    assert_eq!(told.bad_debt, [(DEBT, u(7_500_000_000))]);
    assert!(world.account(0).holdings().is_empty());
    // And 10 WETH are then for sale at 1,000 x (1 - 0.6 x 0.05) = 970 USDC each.
    let buy = |pay| Action::Liquidate(Mechanism::BuyReserve { asset: collateral(0), pay });
    let effects = world.clone().action(7, 7, buy(u(9_700_000_000))).unwrap();
    assert_eq!(
        effects.net(Party::Wallet(AccountId(7)), plimsoll_venues::compound_v3::token(0)),
        Some(weth.into())
    );
    let one_more = world.clone().action(7, 7, buy(u(9_700_000_001)));
    assert!(matches!(one_more, Err(Refusal::InsufficientCash { held, .. }) if held == weth));
}

/// Rewards are those of the side that the account was on, and its new index that of the side that it is on now.
#[test]
fn an_absorbed_account_takes_its_rewards_along() {
    for (price, side) in [(180_000_000_000, 0), (100_000_000_000, 0)] {
        let weth = U256::pow10(19).unwrap();
        let people = [(-17_000_000_000, [weth, U256::ZERO, U256::ZERO]), (50_000_000_000, [U256::ZERO; 3])];
        let mut world = standing([0, 0], &people, [0; 3], 33_000_000_000, &[0; 4]);
        world.prices = [100_000_000, price, 1, 1].map(u).to_vec();
        world.at = Time(START + 1000);
        absorb(&mut world, &[0]).unwrap();
        // speed x seconds x 10^6 / total, then x principal / 10^15: 86,805,555,555,000 shared by one borrower.
        let borrow: u128 = 86_805_555_555 * 1000 * 1_000_000 / 17_000_000_000;
        let accrued = 17_000_000_000 * borrow / INDEX_ONE;
        assert_eq!(signed(world.account(0).term(TRACKING_ACCRUED)), big(accrued));
        let state = world.market.state();
        let indices = [state.tracking_supply_index, state.tracking_borrow_index];
        assert_eq!(world.account(0).term(TRACKING_INDEX), indices[side].into());
        assert_eq!(z(indices[1]), big(borrow));
    }
}

/// The getter counts with stored indices; absorbing accrues first. A day's interest takes the account below the line in
/// between.
#[test]
fn the_getter_may_call_safe_what_is_absorbed() {
    let weth = U256::pow10(19).unwrap();
    let people = [(-27_000_000_000, [weth, U256::ZERO, U256::ZERO]), (50_000_000_000, [U256::ZERO; 3])];
    let mut world = standing([0, 0], &people, [0; 3], 23_000_000_000, &[0; 4]);
    world.prices = usual_prices();
    world.at = Time(START + 86_400);
    let verdict = |lens| world.assess(0, Test::Liquidation, lens).map(|line| line.verdict);
    assert_eq!(verdict(Lens::View), Ok(Verdict::Healthy));
    assert_eq!(verdict(Lens::Action), Ok(Verdict::Unhealthy));
    assert!(absorb(&mut world.clone(), &[0]).is_ok());
    world.at = Time(START);
    assert_eq!(absorb(&mut world, &[0]).err(), Some(Refusal::NotLiquidatable));
}
