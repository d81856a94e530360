//! What a hub makes of an amount, where neither a share nor a drawn share is worth one unit: every rounding by hand.

use crate::world::*;
use num_bigint::BigInt;
use plimsoll_core::{Action, Amount, Int, Kind, Lens, Market as _, Refusal, Test, Time, U256, WhyNot};
use plimsoll_venues::aave_v4::{HubCall, MAP, NO_LIMIT, Reserve, Spec, SpecError, debt, receipt};

/// The asset of USDC (number 1): 1,000,000,007 shares stand for 1,300,000,011 units, and a drawn share owes 1.1. Person 0
/// owes 100,000,001 drawn shares against ether; nothing accrues.
fn odd() -> World {
    let mut spec = spec();
    let state = &mut spec.assets[1].state;
    state.drawn_index = u(RAY / 10 * 11);
    state.added_shares = u(1_000_000_007);
    state.drawn_shares = u(100_000_001);
    // 1.1 x 100,000,001 = 110,000,001.1 is owed, raised to …002.
    state.liquidity = u(1_300_000_011 - 110_000_002);
    let link = &mut spec.reserves[1].link;
    (link.added_shares, link.drawn_shares) = (state.added_shares, state.drawn_shares);
    let mut world = World::of(spec);
    world.supply(0, 0, 10 * WAD).unwrap();
    world.use_it(0, 0, true).unwrap();
    let account = &mut world.accounts[0];
    account.set(debt(1), Int::new(100_000_001));
    let map = account.term(MAP).magnitude().with_bit(2, true);
    account.set_term(MAP, map.into());
    world.accounts[1].set(receipt(1), Int::new(1_000_000_007));
    world
}

/// Assets and shares of all suppliers with their virtual part.
fn pot() -> [BigInt; 2] {
    [big(1_301_000_011), big(1_001_000_007)]
}

#[test]
fn each_call_rounds_for_the_hub() {
    let [assets, shares] = pot();
    let amount = big(1_000_003);
    let answer = |done: plimsoll_venues::aave_v4::Done| z(done.answer[0]);
    assert_eq!(answer(odd().supply(2, 1, 1_000_003).unwrap()), fl(&amount * &shares, assets.clone()));
    assert_eq!(answer(odd().withdraw(1, 1, 1_000_003).unwrap()), ce(&amount * &shares, assets));
    assert_eq!(answer(odd().borrow(0, 1, 1_000_003).unwrap()), ce(&amount * 10, big(11)));
    let repaid = odd().repay(0, 1, Amount::Assets(u(1_000_003))).unwrap();
    assert_eq!(answer(repaid.clone()), fl(&amount * 10, big(11)));
    assert_eq!(repaid.answer[1], u(1_000_003));
    // All: 110,000,001.1 raised.
    let all = odd().repay(0, 1, Amount::All).unwrap();
    assert_eq!(all.answer, [u(100_000_001), u(110_000_002)]);
}

/// What is supplied counts raised against a cap, and what is owed likewise; both to the unit.
#[test]
fn caps_hold_to_the_unit() {
    let with = |name: &str, cap: i128| {
        let mut world = odd();
        world.set(2_001, name, Int::new(cap)).unwrap();
        world
    };
    let [assets, shares] = pot();
    let supplied = ce(big(1_000_000_007) * assets, shares);
    let room = 1_301_000_000 - supplied.to_string().parse::<u128>().unwrap();
    assert!(with("add_cap", 1_301).supply(2, 1, room).is_ok());
    assert_eq!(with("add_cap", 1_301).supply(2, 1, room + 1).err(), Some(Refusal::SupplyCap(receipt(1))));
    let room = 112_000_000 - 110_000_002;
    assert!(with("draw_cap", 112).borrow(0, 1, room).is_ok());
    assert_eq!(with("draw_cap", 112).borrow(0, 1, room + 1).err(), Some(Refusal::BorrowCap(debt(1))));
}

/// Usage is raised, then each step of the curve; below, at and above where it turns.
#[test]
fn the_rate_follows_the_curve() {
    let expected = |liquidity: u128, drawn: u128, optimal: u128| {
        let (ray, bps) = (big(RAY), big(RAY / 10_000));
        let usage = ce(big(drawn) * &ray, big(liquidity + drawn));
        let optimal = &bps * optimal;
        if usage <= optimal {
            let part = ce(ce(&bps * 500 * usage, ray.clone()) * &ray, optimal);
            return &bps * 50 + part;
        }
        let over = ce(&bps * 8_000 * (usage - &optimal), ray.clone());
        &bps * 550 + ce(over * &ray, ray - optimal)
    };
    // 90 % divides 10^27 and what is left of it; 93 % neither.
    for (liquidity, drawn, optimal) in [
        (1_000_003u128, 777_777u128, 9_000u16),
        (100_000, 900_000, 9_000),
        (100_000, 900_001, 9_000),
        (3, 1_000_000, 9_000),
        (100_000, 900_001, 9_300),
        (3, 1_000_000, 9_300),
    ] {
        let mut spec = spec();
        spec.assets[1].curve.optimal_usage = optimal;
        spec.assets[1].state.liquidity = u(liquidity);
        spec.assets[1].state.drawn_shares = u(drawn);
        spec.assets[1].state.added_shares = u(liquidity + drawn);
        let views = spec.assets[1].views(Time(START)).unwrap();
        let expected = expected(liquidity, drawn, optimal.into());
        assert_eq!(z(views.drawn_rate), expected, "{liquidity} {drawn} {optimal}");
    }
    let mut idle = spec();
    idle.assets[1].state.drawn_rate = u(RAY);
    let views = idle.assets[1].views(Time(START + 1_000)).unwrap();
    assert_eq!((z(views.drawn_index), z(views.drawn_rate)), (big(RAY), big(RAY / 10_000 * 50)));
}

/// Fees become shares at a price without them, and a loss is paid for in shares raised; a fee too small for a share stays.
#[test]
fn what_a_hub_does_by_itself() {
    let mut spec = spec();
    let state = &mut spec.assets[1].state;
    state.added_shares = u(1_000_000_000);
    state.liquidity = u(1_500_000_009);
    state.realized_fees = u(9);
    spec.reserves[1].link.added_shares = u(1_000_000_000);
    let mut world = World::of(spec);
    // 9 x 1,001,000,000 / 1,501,000,000 = 6.002.
    assert_eq!(world.hub(1, HubCall::MintFeeShares).unwrap().answer, [u(6)]);
    assert_eq!(world.market.assets()[1].state.realized_fees, U256::ZERO);
    assert_eq!(world.market.assets()[1].state.fee_shares, u(6));
    assert_eq!(world.hub(1, HubCall::MintFeeShares).unwrap().answer, [U256::ZERO]);
    let mut spec = self::spec();
    let state = &mut spec.assets[1].state;
    (state.added_shares, state.fee_shares) = (u(1_000_000_000), u(1_000));
    (state.liquidity, state.deficit) = (u(1_499_999_990), u(10 * RAY - 5));
    (spec.reserves[1].link.added_shares, spec.reserves[1].link.deficit) = (u(999_999_000), u(10 * RAY - 5));
    let world = World::of(spec);
    // 3 x 1,001,000,000 / 1,501,000,000 = 2.0007, raised; 10 of them 6.67.
    let part = world.clone().hub(1, HubCall::EliminateDeficit(u(3))).unwrap();
    assert_eq!(part.answer, [u(3), u(3)]);
    for amount in [10, 11] {
        let mut world = world.clone();
        assert_eq!(world.hub(1, HubCall::EliminateDeficit(u(amount))).unwrap().answer, [u(7), u(10)]);
        assert_eq!(world.market.reserves()[1].link.deficit, U256::ZERO);
    }
    let mut world = world;
    world.hub(1, HubCall::Sweep(u(1_000))).unwrap();
    assert_eq!(world.market.assets()[1].state.swept, u(1_000));
    world.hub(1, HubCall::Reclaim(u(400))).unwrap();
    assert_eq!(world.market.assets()[1].state.swept, u(600));
}

/// What a holding is good for, and how much of it there is.
#[test]
fn holdings_are_counted() {
    let world = odd();
    assert_eq!(world.market.total(receipt(1)), Some(u(1_000_000_007)));
    assert_eq!(world.market.total(debt(1)), Some(u(100_000_001)));
    let counting = |who: usize, instrument| world.market.counting(&world.accounts[who], instrument).unwrap();
    assert_eq!(counting(0, receipt(0)).weight, Some(u(7_500)));
    assert_eq!(counting(1, receipt(1)).why_not, Some(WhyNot::SwitchedOff));
    assert_eq!((counting(0, debt(1)).weight, counting(0, debt(1)).why_not), (None, None));
    let kinds: Vec<Kind> = world.market.instruments().iter().take(3).map(|spec| spec.kind).collect();
    assert_eq!(kinds, [Kind::Asset, Kind::Receipt, Kind::Debt]);
    let quoted =
        world.market.at(plimsoll_core::Feeds { readings: &readings(&world.prices) }, Lens::View, Time(START));
    let quoted = quoted.unwrap();
    assert_eq!(quoted.renewed(&world.accounts[0]), Ok(None));
    let mut old = world.accounts[0].clone();
    old.set_term(plimsoll_venues::aave_v4::configuration_key(0), Int::ZERO);
    let [older, newer] =
        [&old, &world.accounts[0]].map(|it| quoted.verdict(it, Test::Liquidation).unwrap().backing);
    assert!(older > newer);
    let renewed = quoted.renewed(&old).unwrap().unwrap();
    let own = quoted.figures(&world.accounts[0]).unwrap();
    assert_eq!(Some(renewed.health.value), own.last().map(|figure| figure.value));
}

/// 128 reserves fill the map, and one more has no place in it.
#[test]
fn a_map_has_128_places() {
    let with = |count: usize| {
        let versions = [version(7_500, 10_450, 0)];
        let reserves: Vec<Reserve> =
            (0..count).map(|place| reserve(&format!("R{place}"), place, 0, 0, &versions)).collect();
        let spokes = (0..count).map(|place| spoke(&format!("S{place}"))).collect();
        let assets = vec![asset("core", "USDC", 6)];
        plimsoll_venues::aave_v4::Market::new(Spec { currency: "USD".into(), assets, spokes, reserves })
    };
    assert!(with(128).is_ok());
    assert_eq!(with(129).err(), Some(SpecError::TooManyReserves(129)));
    assert_eq!(with(1).unwrap().spokes()[0].max_user_reserves, NO_LIMIT);
    // A refresh of one who has nothing asks for nothing.
    assert!(World::new().call(0, 0, Action::Refresh { rules: true }).unwrap().events.is_empty());
}

/// What a hub says of itself: a loss stands beside the spoke that reported it, and everybody who supplied bears it by shares.
#[test]
fn a_loss_is_told_with_all_who_bear_it() {
    let mut world = odd();
    // Six units and one part of 10^27: raised to seven.
    for object in [1, 2_001] {
        world.set(object, "deficit_ray", u(6 * RAY + 1)).unwrap();
    }
    let pools = world.market.pools(Time(world.at)).unwrap();
    let of = |figures: &[plimsoll_core::Figure], name: &str| {
        figures.iter().find(|figure| figure.name == name).map(|figure| signed(figure.value))
    };
    let found = &pools[1];
    // 110,000,001.1 drawn and 6.0...01 lost make 110,000,007.1..., raised: six units more than 110,000,002 are supplied.
    assert_eq!(of(&found.figures, "supplied"), Some(big(1_300_000_017)));
    assert_eq!(of(&found.figures, "drawn"), Some(big(110_000_002)));
    assert_eq!(of(&found.figures, "deficit"), Some(big(7)));
    assert_eq!(of(&found.figures, "liquidity"), Some(big(1_300_000_011 - 110_000_002)));
    let member = found.members.iter().find(|member| of(&member.figures, "deficit") == Some(big(7))).unwrap();
    let supplied = fl(big(1_000_000_007) * big(1_301_000_017), big(1_001_000_007));
    assert_eq!(of(&member.figures, "supplied"), Some(supplied));
    assert_eq!(member.bears, [u(1_000_000_007), u(1_000_000_007)]);
    let others = found.members.iter().filter(|member| of(&member.figures, "deficit") == Some(big(0)));
    assert!(others.count() >= 1, "a spoke that shares the pool and lost nothing");
}
