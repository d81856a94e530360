//! The last unit on each side of a boundary, and the corners that the description calls traps. Figures are from the
//! description, worked out in whole numbers by hand.

use crate::world::*;
use num_bigint::BigInt;
use plimsoll_core::{
    Account, AccountId, Action, Amount, Feeds, Int, Lens, Market as _, Party, Test, U256, Verdict, WhyNot,
};
use plimsoll_venues::compound_v3::{
    AssetRules, DEBT, PAUSE_SUPPLY, PAUSE_WITHDRAW, SUPPLY, State, collateral, slot,
};

/// Four decimals of a factor survive, as 16 bits hold them; a cap keeps whole tokens, as 64 bits hold them.
#[test]
fn configurations_are_packed() {
    let packed = AssetRules::packed(
        6,
        [645_099_087_867_224_934, 685_999_087_867_224_934, 908_199_087_867_224_934].map(u),
        u(63_391_013_950_896),
    );
    assert_eq!(packed.borrow_factor, u(645_000_000_000_000_000));
    assert_eq!(packed.liquidate_factor, u(685_900_000_000_000_000));
    assert_eq!(packed.liquidation_factor, u(908_100_000_000_000_000));
    assert_eq!(packed.supply_cap, u(63_391_013_000_000));
    // 65537 steps are one, and 2^64 + 3 tokens are three.
    let wrapped = AssetRules::packed(0, [u(65_537 * 10u128.pow(14)), wad(1), wad(1)], u((1 << 64) + 3));
    assert_eq!((wrapped.borrow_factor, wrapped.supply_cap), (u(10u128.pow(14)), u(3)));
}

/// An index of 1.5: what stands for 2 principal is 3, and 3 are 2 again; what stands for 1 is 1, and 1 is no principal.
/// Supplying nothing takes the unit, and the total keeps it; withdrawing nothing takes it from both.
#[test]
fn supplying_nothing_can_lower_the_principal() {
    let state = State {
        base_supply_index: u(INDEX_ONE * 3 / 2),
        total_supply_base: u(100),
        base_balance: u(150),
        ..fresh()
    };
    let mut world = World::of(market(rules(), state, assets()));
    world.accounts[0].set(SUPPLY, Int::ONE);
    world.accounts[1].set(SUPPLY, Int::new(99));
    let nothing = Amount::Assets(U256::ZERO);
    let mut supplied = world.clone();
    let effects = supplied.action(0, 0, Action::Deposit { into: SUPPLY, amount: nothing }).unwrap();
    assert_eq!(supplied.held(0, SUPPLY), U256::ZERO);
    assert_eq!(supplied.market.state().total_supply_base, u(100));
    assert_eq!(effects.net(Party::Treasury, SUPPLY), Some(Int::ONE));
    let mut withdrawn = world.clone();
    withdrawn.action(0, 0, Action::Withdraw { from: SUPPLY, amount: nothing }).unwrap();
    assert_eq!(withdrawn.held(0, SUPPLY), U256::ZERO);
    assert_eq!(withdrawn.market.state().total_supply_base, u(99));
    // All that one principal stands for is one token: there and back loses it to the reserves.
    let mut all = world;
    all.action(0, 0, Action::Withdraw { from: SUPPLY, amount: Amount::All }).unwrap();
    assert_eq!(all.market.state().base_balance, u(149));
    assert_eq!(all.held(0, SUPPLY), U256::ZERO);
}

/// An index of 1.5: 3 principal stand for 4 owed. Paying 1 leaves 3, which is 2 principal; paying 4 leaves none; "all" is 4.
#[test]
fn a_tiny_repayment_pays_whole_principal() {
    let state = State {
        base_borrow_index: u(INDEX_ONE * 3 / 2),
        total_borrow_base: u(3),
        base_balance: u(0),
        ..fresh()
    };
    let mut world = World::of(market(rules(), state, assets()));
    world.accounts[0].set(DEBT, Int::new(3));
    assert_eq!(world.balance(0, DEBT), u(4));
    let paid = |amount| {
        let mut world = world.clone();
        world.action(5, 0, Action::Repay { debt: DEBT, amount }).unwrap();
        let state = world.market.state();
        (world.principal(0), z(state.total_borrow_base), z(state.total_supply_base), z(state.base_balance))
    };
    let told = |p: i32, borrow: u32, supply: u32, cash: u32| {
        (BigInt::from(p), BigInt::from(borrow), BigInt::from(supply), BigInt::from(cash))
    };
    assert_eq!(paid(Amount::Assets(u(0))), told(-3, 3, 0, 0));
    assert_eq!(paid(Amount::Assets(u(1))), told(-2, 2, 0, 1));
    assert_eq!(paid(Amount::Assets(u(2))), told(-2, 2, 0, 2));
    assert_eq!(paid(Amount::Assets(u(3))), told(-1, 1, 0, 3));
    assert_eq!(paid(Amount::All), told(0, 0, 0, 4));
    // More than is owed is supplied, at the other index; and a deposit is the same call.
    assert_eq!(paid(Amount::Assets(u(9))), told(5, 0, 5, 9));
    let mut deposited = world.clone();
    deposited.action(5, 0, Action::Deposit { into: SUPPLY, amount: Amount::Assets(u(9)) }).unwrap();
    assert_eq!(deposited.principal(0), BigInt::from(5));
}

/// A withdrawal beyond the balance is a loan of the rest, and a loan by who has a balance begins with it.
#[test]
fn withdrawals_and_loans_go_through_zero() {
    let mut world = World::new();
    world.action(0, 0, Action::Deposit { into: SUPPLY, amount: Amount::Assets(u(10u128.pow(12))) }).unwrap();
    world.action(1, 1, Action::Deposit { into: SUPPLY, amount: Amount::Assets(u(500_000_000)) }).unwrap();
    world
        .action(1, 1, Action::Deposit { into: collateral(0), amount: Amount::Assets(u(10u128.pow(18))) })
        .unwrap();
    let withdraw = |amount| Action::Withdraw { from: SUPPLY, amount: Amount::Assets(u(amount)) };
    let borrow = |amount| Action::Borrow { debt: DEBT, amount: Amount::Assets(u(amount)) };
    for action in [withdraw(700_000_000), borrow(700_000_000)] {
        let mut after = world.clone();
        after.action(1, 1, action).unwrap();
        assert_eq!(after.principal(1), BigInt::from(-200_000_000));
        let state = after.market.state();
        assert_eq!((state.total_supply_base, state.total_borrow_base), (u(10u128.pow(12)), u(200_000_000)));
    }
    // A transfer does the same, and pays the debt of who receives it.
    let mut sent = world.clone();
    sent.action(1, 1, withdraw(700_000_000)).unwrap();
    let amount = Amount::Assets(u(300_000_000));
    sent.action(0, 0, Action::Transfer { instrument: SUPPLY, to: AccountId(1), amount }).unwrap();
    assert_eq!(sent.principal(1), BigInt::from(100_000_000));
    assert_eq!(sent.market.state().total_borrow_base, U256::ZERO);
    assert_eq!(sent.market.state().base_balance, u(10u128.pow(12) - 200_000_000));
}

/// Collateral leaves by the stored indices, base tokens by accrued ones: at the edge the same debt forbids one and not
/// the other.
#[test]
fn collateral_leaves_without_accrual() {
    let mut world = World::new();
    world.action(0, 0, Action::Deposit { into: SUPPLY, amount: Amount::Assets(u(10u128.pow(12))) }).unwrap();
    world
        .action(1, 1, Action::Deposit { into: collateral(0), amount: Amount::Assets(u(10u128.pow(19))) })
        .unwrap();
    // 24,900 are all that 10 WETH carry.
    world.action(1, 1, Action::Borrow { debt: DEBT, amount: Amount::Assets(u(24_900_000_000)) }).unwrap();
    world.at.0 += 86_400;
    let none = Amount::Assets(U256::ZERO);
    let verdict = |lens| world.assess(1, Test::Borrow, lens).unwrap().verdict;
    assert_eq!([verdict(Lens::View), verdict(Lens::Action)], [Verdict::Healthy, Verdict::Unhealthy]);
    assert!(world.clone().action(1, 1, Action::Withdraw { from: collateral(0), amount: none }).is_ok());
    assert!(world.clone().action(1, 1, Action::Borrow { debt: DEBT, amount: none }).is_err());
    // And it leaves the indices alone.
    let before = *world.market.state();
    world.action(2, 2, Action::Deposit { into: collateral(1), amount: Amount::Assets(u(7)) }).unwrap();
    assert_eq!(*world.market.state(), before);
}

/// A debt that is worth less than a unit of value asks for nothing, and is not liquidatable without any collateral.
#[test]
fn dust_is_worth_nothing() {
    let mut world = World::new();
    world.accounts[0].set(DEBT, Int::ONE);
    world.prices[0] = u(999_999);
    let line = world.assess(0, Test::Liquidation, Lens::View).unwrap();
    assert_eq!((line.verdict, line.requirement), (Verdict::Healthy, Int::ZERO));
    world.prices[0] = u(1_000_000);
    let line = world.assess(0, Test::Liquidation, Lens::View).unwrap();
    assert_eq!((line.verdict, line.requirement), (Verdict::Unhealthy, Int::ONE));
}

/// 10 WETH at 3,000 and 1 COMP at 50; 20,000 USDC owed at an index of 1.1, which is 22,000, at 0.999.
#[test]
fn figures_by_hand() {
    let state =
        State { base_borrow_index: u(INDEX_ONE * 11 / 10), total_borrow_base: u(20_000_000_000), ..fresh() };
    let mut world = World::of(market(rules(), state, assets()));
    world.prices[0] = u(99_900_000);
    let account = Account::new(AccountId(0))
        .with(DEBT, Int::new(20_000_000_000))
        .with(collateral(0), Int::new(10i128.pow(19)))
        .with(collateral(2), Int::new(10i128.pow(18)));
    let readings = readings(&world.prices);
    let quoted = world.market.at(Feeds { readings: &readings }, Lens::View, world.at).unwrap();
    let figures: Vec<(&str, String)> =
        quoted.figures(&account).unwrap().iter().map(|it| (it.name, it.value.to_string())).collect();
    let expected = [
        ("borrowBalanceOf", "22000000000"),
        ("balanceOf", "0"),
        ("baseTrackingAccrued", "0"),
        ("isBorrowCollateralized", "1"),
        ("isLiquidatable", "0"),
        // 30,000 x 0.83 + 50 x 0.5, and 30,000 x 0.9 + 50 x 0.7.
        ("borrowLimit", "2492500000000"),
        ("liquidationLimit", "2703500000000"),
        // 21,978 / 27,035 = 0.81294618...
        ("liquidationRisk", "812946180876641391"),
    ];
    assert_eq!(figures, expected.map(|(name, value)| (name, value.to_string())));
    let line = quoted.verdict(&account, Test::Liquidation).unwrap();
    assert_eq!(
        (line.requirement, line.collateral),
        (Int::new(2_197_800_000_000), Int::new(3_005_000_000_000))
    );
    let balance = quoted.balance(&account, collateral(0)).unwrap();
    assert_eq!((balance.raw, balance.value), (u(10u128.pow(19)), Some(u(3_000_000_000_000))));
    // Where a price is missing, what needs it is left out.
    let mut dead = readings.clone();
    dead[slot(2)] = plimsoll_core::Reading::unknown(None, plimsoll_core::Why::Missing);
    let quoted = world.market.at(Feeds { readings: &dead }, Lens::View, world.at).unwrap();
    let names: Vec<&str> = quoted.figures(&account).unwrap().iter().map(|it| it.name).collect();
    assert_eq!(
        names,
        ["borrowBalanceOf", "balanceOf", "baseTrackingAccrued", "isBorrowCollateralized", "isLiquidatable"]
    );
    assert_eq!(quoted.balance(&account, collateral(2)).unwrap().value, None);
}

#[test]
fn what_a_holding_is_good_for() {
    let mut world = World::new();
    let told = |world: &World, instrument| {
        let counting = world.market.counting(&world.accounts[0], instrument).unwrap();
        (counting.weight, counting.why_not, counting.frozen, counting.paused)
    };
    assert_eq!(told(&world, collateral(2)), (Some(wad(700)), None, false, false));
    assert_eq!(told(&world, SUPPLY), (None, Some(WhyNot::NeverCollateral), false, false));
    assert_eq!(told(&world, DEBT), (None, None, false, false));
    world.market = market(
        plimsoll_venues::compound_v3::Rules { pause_flags: PAUSE_SUPPLY, ..rules() },
        fresh(),
        assets(),
    );
    assert_eq!(told(&world, collateral(0)), (Some(wad(900)), None, true, false));
    assert_eq!(told(&world, DEBT), (None, None, false, false));
    let flags = PAUSE_SUPPLY | PAUSE_WITHDRAW;
    world.market =
        market(plimsoll_venues::compound_v3::Rules { pause_flags: flags, ..rules() }, fresh(), assets());
    assert_eq!(told(&world, DEBT), (None, None, true, true));
}

/// A price of one whole WETH at 3,000 USD is read times 10^8; slots and nodes are in the order of the assets.
#[test]
fn slots_have_the_venues_scale() {
    let market = World::new().market;
    let slots: Vec<(&str, &str, u8)> = market
        .slots()
        .iter()
        .map(|slot| (slot.asset.as_str(), slot.currency.as_str(), slot.decimals))
        .collect();
    assert_eq!(slots, [("USDC", "USD", 8), ("WETH", "USD", 8), ("WBTC", "USD", 8), ("COMP", "USD", 8)]);
    let nodes: Vec<Option<usize>> = market.nodes().iter().map(|node| node.slot).collect();
    assert_eq!(nodes, [Some(0), Some(0), Some(1), Some(2), Some(3)]);
    let names: Vec<&str> = market.instruments().iter().map(|one| one.name.as_str()).collect();
    let expected = [
        "USDC",
        "USDC supply",
        "USDC debt",
        "WETH",
        "WETH collateral",
        "WBTC",
        "WBTC collateral",
        "COMP",
        "COMP collateral",
    ];
    assert_eq!(names, expected);
}
