//! An account against its line, by hand: what a form is made of, verdicts to the unit, and whether a liquidation could run.

use crate::world::*;
use plimsoll_core::{
    Account, Action, Amount, Feeds, Int, Lens, Market as _, Meaning, Node, Quoted, Reading, Receive, Refusal,
    Test, Time, U256, Verdict,
};
use plimsoll_venues::aave_v4::{
    HALTED, LiquidationRules, MAP, Market, RISK_PREMIUM, SpecError, debt, premium_offset, receipt, token,
};

fn asked<Answer>(world: &World, about: impl FnOnce(&dyn Quoted, &[Account]) -> Answer) -> Answer {
    let readings = readings(&world.prices);
    let quoted = world.market.at(Feeds { readings: &readings }, Lens::View, Time(world.at)).unwrap();
    about(&*quoted, &world.accounts)
}

fn figure(world: &World, name: &str) -> Int {
    let figures = asked(world, |quoted, accounts| quoted.figures(&accounts[0]).unwrap());
    figures.iter().find(|figure| figure.name == name).unwrap().value
}

/// USDC (number 1) whose shares are worth 1.1: 10,000,000 shares of everybody, the virtual ones included.
fn dear() -> World {
    let mut spec = spec();
    let state = &mut spec.assets[1].state;
    (state.liquidity, state.added_shares, state.fee_shares) = (u(10_000_000), u(9_000_000), u(1_001));
    spec.reserves[1].link.added_shares = u(8_998_999);
    World::of(spec)
}

/// 7 shares are 7.7 units and 1,001 of the fee receiver 1,101.1: both are cut.
#[test]
fn shares_are_worth_whole_units() {
    let mut world = dear();
    world.give(0, &[(1, 7)], &[]);
    let balance = asked(&world, |quoted, accounts| quoted.balance(&accounts[0], receipt(1)).unwrap());
    assert_eq!(balance.raw, u(7));
    let pools = world.market.pools(Time(START)).unwrap();
    let receivers = |pool: usize| {
        let members = pools[pool].members.iter();
        members.filter(|member| member.name == "fee receiver").collect::<Vec<_>>()
    };
    let [receiver] = receivers(1)[..] else { panic!("one fee receiver") };
    assert_eq!((receiver.figures[0].name, receiver.figures[0].value), ("supplied", Int::new(1_101)));
    assert_eq!(receiver.bears, [u(9_000_000), u(1_001)]);
    assert!(receivers(0).is_empty(), "who has no shares is no member");
    // All of 8,998,999 shares: 9,898,898.9 cut.
    let mut world = dear();
    world.accounts[1].set(receipt(1), Int::new(8_998_999));
    let all = Action::Withdraw { from: receipt(1), amount: Amount::All };
    assert_eq!(world.call(1, 1, all).unwrap().answer, [u(8_998_999), u(9_898_898)]);
}

/// Nodes are price x share price (cut), price x index, and price.
#[test]
fn nodes_are_exact_products() {
    let mut spec = spec();
    let state = &mut spec.assets[1].state;
    (state.liquidity, state.added_shares) = (u(1_000_000), u(2_000_000));
    state.drawn_index = u(RAY / 10 * 11);
    let mut world = World::of(spec);
    world.prices[1] = u(99_999_999);
    let nodes = asked(&world, |quoted, _| quoted.nodes()[3..6].to_vec());
    // 2,000,000 assets of 3,000,000 shares, in ray: two thirds, cut.
    let factors = [u(2 * RAY / 3), u(RAY / 10 * 11), U256::ONE];
    let expected = factors.map(|factor| Ok(Node::exact(factor.mul(u(99_999_999)).unwrap().into())));
    assert_eq!(nodes, expected);
}

/// 10 ether at 2,500 USD and 75 % carry 18,750: who owes that is healthy on both lines, and a unit more is not lent.
#[test]
fn the_line_itself_is_healthy() {
    let mut world = World::new();
    world.supply(1, 1, 50_000_000_000).unwrap();
    world.supply(0, 0, 10 * WAD).unwrap();
    world.use_it(0, 0, true).unwrap();
    let mut beyond = world.clone();
    world.borrow(0, 1, 18_750_000_000).unwrap();
    assert_eq!(beyond.borrow(0, 1, 18_750_000_001).err(), Some(Refusal::WouldBeUnhealthy));
    for test in [Test::Borrow, Test::Liquidation] {
        assert_eq!(world.assess(0, test).unwrap().verdict, Verdict::Healthy);
    }
    assert_eq!(figure(&world, "healthFactor"), Int::from(u(WAD)));
    let seize =
        |world: &World| world.clone().liquidate([1, 0], [0, 1], Amount::All, Receive::Asset).map(drop);
    assert_eq!(seize(&world), Err(Refusal::NotLiquidatable));
    world.prices[0] = u(249_999_999_999);
    assert_eq!(world.assess(0, Test::Liquidation).unwrap().verdict, Verdict::Unhealthy);
    assert_eq!(seize(&world), Ok(()));
}

/// 5 shares are 5.5 units, cut to 5, which carry 3.75 at 75 %: a debt of 4 is beyond them, and the half unit does not help.
#[test]
fn a_box_cuts_what_is_held() {
    let mut world = dear();
    world.give(0, &[(1, 5)], &[(3, 4)]);
    let readings: Vec<Reading> = readings(&world.prices);
    let range = asked(&world, |quoted, accounts| {
        quoted.over(&accounts[0], &accounts[0], Test::Borrow, Feeds { readings: &readings }).unwrap()
    });
    assert_eq!(range.verdict, Some(Verdict::Unhealthy));
}

/// What only the newest version does not count is collateral on both lines.
#[test]
fn collateral_is_by_the_version_in_force() {
    let mut spec = spec();
    spec.reserves[2].configurations.push((1, version(0, 11_000, 0)));
    spec.reserves[2].newest = 1;
    let mut world = World::of(spec);
    world.give(0, &[(2, 10u128.pow(8)), (3, 1_000_000)], &[(1, 1_000_000)]);
    let lines = [Test::Borrow, Test::Liquidation].map(|test| world.assess(0, test).unwrap());
    // 60,000 and 1 USD, in values of 1e26 and basis points.
    let all = big(60_001) * big(10).pow(30);
    assert_eq!(lines.map(|line| signed(line.collateral)), [all.clone(), all]);
    assert_eq!(signed(lines[0].backing), big(7_000) * big(10).pow(26));
}

/// A debt of 2,000 and a part of 10^27 must be covered by 2,001: the last of them by bitcoin, 2,000 / 2,001 raised. The average
/// factor of 2,000 at 80 % and 60,000 at 70 % is cut.
#[test]
fn debts_to_cover_are_raised_and_averages_cut() {
    let mut world = World::new();
    world.prices = vec![U256::ONE; RESERVES];
    let account = world.give(0, &[(0, 2_000), (2, 1)], &[(0, 2_000)]);
    account.set_term(premium_offset(0), Int::new(-1));
    assert_eq!(figure(&world, "totalDebtValueRay"), u(2_000 * RAY + 1).into());
    assert_eq!(figure(&world, "riskPremium"), Int::ONE);
    let account = &mut world.accounts[0];
    account.set_term(premium_offset(0), Int::ZERO);
    assert_eq!(figure(&world, "riskPremium"), Int::ZERO);
    // (2,000 x 8,000 + 10^10 x 7,000) x 1e14 / (2,000 + 10^10).
    let (weighted, all) = (big(2_000) * 8_000 + big(10u128.pow(10)) * 7_000, big(2_000 + 10u128.pow(10)));
    let average = weighted * big(10u128.pow(14));
    assert!(&average % &all != big(0));
    assert_eq!(signed(figure(&world, "avgCollateralFactor")), fl(average, all));
}

/// Whether some pair could be liquidated: the collateral counts and there is some of it, and both hubs take the calls.
#[test]
fn what_stops_a_liquidation_is_told() {
    let with = |cells: &[(u64, &str, u64)]| {
        let mut world = World::new();
        world.give(0, &[(0, WAD), (2, 0)], &[(1, 2_500_000_000)]);
        for &(object, name, value) in cells {
            world.set(object, name, value).unwrap();
        }
        let line = world.assess(0, Test::Liquidation).unwrap();
        assert_eq!(line.verdict, Verdict::Unhealthy);
        line.executable
    };
    assert_eq!(with(&[]), Ok(()));
    // There is no bitcoin to seize.
    assert_eq!(with(&[(2_002, "flags", 13)]), Ok(()));
    assert_eq!(with(&[(2_000, "flags", 13)]), Err(Refusal::Paused(token(0))));
    assert_eq!(with(&[(2_001, "flags", 13)]), Err(Refusal::Paused(token(1))));
    assert_eq!(with(&[(2_000, "active", 0)]), Err(Refusal::Inactive(token(0))));
    assert_eq!(with(&[(2_000, "halted", 1)]), Ok(()));
    let halted = Err(Refusal::ActionPaused(HALTED));
    for flags in [4, 14] {
        assert_eq!(with(&[(2_000, "halted", 1), (2_000, "flags", flags)]), halted);
    }
    assert_eq!(with(&[(2_001, "halted", 1)]), halted);
    let mut world = World::new();
    world.give(0, &[(0, 0)], &[(1, 1)]);
    assert_eq!(world.assess(0, Test::Liquidation).unwrap().executable, Err(Refusal::NothingToSeize));
}

/// A target of one at a bonus of 99.99 % of it and next to no health asks for 10^4 times all debt: 2^90 dollars of it are more
/// than 256 bits of the smallest asset, where the contract has no answer either.
#[test]
fn a_target_beyond_all_numbers_is_an_overflow() {
    let drawn = u(1 << 90);
    let mut spec = spec();
    spec.spokes[0].liquidation =
        LiquidationRules { target_health: u(WAD), health_for_max_bonus: U256::ZERO, bonus_factor: 10_000 };
    spec.reserves[2].configurations[0].1 = version(9_090, 11_000, 0);
    for (asset, owed) in [(0, U256::ONE), (1, drawn)] {
        spec.assets[asset].state.drawn_shares = owed;
        spec.reserves[asset].link.drawn_shares = owed;
    }
    let mut world = World::of(spec);
    world.prices[0] = U256::ONE;
    world.give(0, &[(2, 1)], &[(0, 1), (1, 1 << 90)]);
    let why = world.liquidate([1, 0], [2, 0], Amount::All, Receive::Asset).err();
    assert_eq!(why, Some(Refusal::Overflow("debt to target = all debt x … / …")));
}

/// An account has no more premium than its spoke: 11.5 units of 10.5 are told as twelve of ten.
#[test]
fn a_premium_that_a_hub_does_not_know_is_refused() {
    let mut spec = spec();
    let owes = |premium: u128| Int::from(u(premium)).neg();
    let (known, claimed) = (owes(10 * RAY + RAY / 2), owes(11 * RAY + RAY / 2));
    let (state, link) = (&mut spec.assets[1].state, &mut spec.reserves[1].link);
    (state.drawn_shares, state.premium_offset) = (u(1_000), known);
    (link.drawn_shares, link.premium_offset) = (u(1_000), known);
    let mut world = World::of(spec);
    world.give(0, &[], &[(1, 1_000)]).set_term(premium_offset(1), claimed);
    let (held, asked) = (u(10), u(12));
    let refused = world.repay(0, 1, Amount::All);
    assert_eq!(refused.err(), Some(Refusal::AmountTooLarge { held, asked }));
}

/// A map is told in words and flags by name; nothing else of the market is made of bits.
#[test]
fn bits_are_told_by_name() {
    let market = World::new().market;
    // Bit 1 and 5: uses ether and bitcoin; bit 2: owes USDC.
    let map = Int::new(0b10_0110);
    let words = Meaning::Word("collateral WETH WBTC; debt USDC".into());
    assert_eq!(market.meaning(MAP, &map), Some(words));
    assert_eq!(market.meaning(RISK_PREMIUM, &map), None);
    let world = World::new();
    let names = |object, name| -> Vec<_> {
        market.parts(world.cell(object, name)).iter().map(|part| (part.name, part.at)).collect()
    };
    let flags = [("paused", 0), ("frozen", 1), ("borrowable", 2), ("receive_shares_enabled", 3)];
    assert_eq!(names(2_001, "flags"), flags);
    assert_eq!(names(2_001, "collateral_risk"), []);
    assert_eq!(names(1, "growth_before"), []);
}

/// Places end with what the market has.
#[test]
fn there_is_no_reserve_beyond_the_last() {
    let six = RESERVES;
    let borrowed = World::begun().borrow(0, six, 1);
    assert_eq!(borrowed.err(), Some(Refusal::NoSuchInstrument(debt(six))));
    let mut spec = spec();
    spec.reserves[5].asset = spec.assets.len();
    let lost = Market::new(spec).err();
    assert_eq!(lost, Some(SpecError::Lost("USDC prime".into())));
}
