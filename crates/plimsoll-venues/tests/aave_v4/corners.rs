//! Corners by hand: where a rounding or a comparison of the rules decides, and no recording tells.

use crate::model::{Case, Outcome, agree};
use crate::world::*;
use num_bigint::BigInt;
use plimsoll_core::{Action, Amount, Int, Lens, Market as _, Receive, Refusal, Test, Time, U256, Verdict};
use plimsoll_venues::aave_v4::{
    LiquidationRules, MAP, RISK_PREMIUM, configuration_key, debt, premium_offset, premium_shares, receipt,
};

/// A debt of 100,000 USD against a collateral of so many USD that counts 80 %, both of 6 decimals at 1 USD.
fn plain(collateral: u128) -> Case {
    Case {
        decimals: [6, 6],
        prices: [100_000_000; 2],
        version: [8_000, 10_500, 0],
        rules: LiquidationRules {
            target_health: u(WAD / 100 * 105),
            health_for_max_bonus: U256::ZERO,
            bonus_factor: 10_000,
        },
        supplied: collateral * 1_000_000,
        pot: [10u128.pow(13); 2],
        drawn: 100_000 * 1_000_000,
        premium_shares: 0,
        premium: 0,
        index: RAY,
        cover: None,
    }
}

fn amounts(case: &Case) -> [u128; 5] {
    agree(case);
    let Outcome::Done(amounts) = case.outcome() else { panic!("{case:?}") };
    amounts.map(|amount: BigInt| amount.to_string().parse().unwrap())
}

/// A health of 0.96: to 1.05 it takes 100,000 x 0.09 / (1.05 - 0.84) = 42,857.142857 142857..., raised to a unit.
#[test]
fn debt_to_target_is_raised() {
    let [drawn, _, shares, _, paid] = amounts(&plain(120_000));
    assert_eq!((drawn, paid), (42_857_142_858, 42_857_142_858));
    // 5 % more of it, cut: 45,000.0000009.
    assert_eq!(shares, 45_000_000_000);
}

/// All of the collateral, 80,000 USD, pays for 80,000 / 1.05 = 76,190.476190 476..., raised to a unit.
#[test]
fn debt_for_all_collateral_is_raised() {
    let case = Case { drawn: 150_000 * 1_000_000, ..plain(80_000) };
    let [drawn, _, shares, _, paid] = amounts(&case);
    assert_eq!((drawn, paid, shares), (76_190_476_191, 76_190_476_191, 80_000_000_000));
}

/// A health of 0.92 asks for more than the 1,000 USD that the liquidator would pay. Of 2,000 USD exactly 1,000 may be left;
/// of a unit less, what would be left is dust, and all must be repaid.
#[test]
fn a_thousand_may_be_left_and_less_may_not() {
    let owing = |raw: u128| Case { drawn: raw, cover: Some(1_000_000_000), ..plain(2_300) };
    assert_eq!(amounts(&owing(2_000_000_000))[0], 1_000_000_000);
    agree(&owing(1_999_999_999));
    assert_eq!(owing(1_999_999_999).outcome(), Outcome::Dust);
    // Who would pay all takes all.
    let all = Case { cover: None, ..owing(1_999_999_999) };
    assert_eq!(amounts(&all)[0], 1_999_999_999);
}

/// A premium makes the debt to target a part of 10^27 more than 42,853,333,519 drawn shares and itself: it takes one more. At a
/// health of h, which the premium lowers too, that is (D + premium) x (1.05 - h) / (1.05 - 0.84) in parts of 10^27.
#[test]
fn debt_to_target_is_raised_before_it_is_divided() {
    let premium = 37_666_666_548_506_984_617_686_927_700;
    let case = Case { drawn: 100_000_000_007, premium_shares: 10, premium, ..plain(120_001) };
    assert_eq!(amounts(&case)[..2], [42_853_333_520, premium]);
}

/// All of 80,000 USD pays 76,190,476,190.476190... units, which end in ...476.19 in parts of 10^27. A premium of 0.476190... that
/// ends in ...476 leaves a fifth of such a part beyond 76,190,476,190 drawn shares: it takes one more.
#[test]
fn debt_for_all_collateral_is_raised_before_it_is_divided() {
    let premium = 476_190_476_190_476_190_476_190_476;
    let case = Case { drawn: 150_000 * 1_000_000, premium_shares: 10, premium, ..plain(80_000) };
    assert_eq!(amounts(&case)[..3], [76_190_476_191, premium, 80_000_000_000]);
}

/// Cents against millionths of a dollar: 76,190.48 pays for 80,000.004, of which there are exactly 80,000.00. Nothing is left, so
/// there is no dust, and what was to be paid stays.
#[test]
fn what_takes_all_exactly_is_paid_as_it_was() {
    let cover = 76_190_480_000;
    let case = Case {
        decimals: [2, 6],
        supplied: 8_000_000,
        drawn: 150_000 * 1_000_000,
        cover: Some(cover),
        ..plain(0)
    };
    assert_eq!(amounts(&case)[..3], [cover, 0, 8_000_000]);
}

/// 20,000 USD take 21,000 of the collateral in cents; of what is left exactly 1,000 may stay, and less may not, its cents cut.
#[test]
fn a_thousand_of_the_collateral_may_be_left() {
    let left = |supplied: u128, pot: [u128; 2]| Case {
        decimals: [2, 6],
        supplied,
        pot,
        cover: Some(20_000 * 1_000_000),
        ..plain(0)
    };
    let even = [10u128.pow(13); 2];
    assert_eq!(amounts(&left(2_200_000, even))[2], 2_100_000);
    let dust = |case: Case| {
        agree(&case);
        case.outcome() == Outcome::Dust
    };
    assert!(dust(left(2_199_999, even)));
    // A share of 1.1: 1,909,090 are taken; 90,910 left are 100,001 cents, and 90,909 are 99,999.9, which is less than 100,000.
    let dear = [11 * 10u128.pow(12) - 1_000_000, 10u128.pow(13) - 1_000_000];
    assert_eq!(amounts(&left(1_909_090 + 90_910, dear))[2], 1_909_090);
    assert!(dust(left(1_909_090 + 90_909, dear)));
}

/// 1 USD takes 1.05 at 1.1 a share: 954,545 shares, which are 1,049,999.5 units. A tenth of the bonus is 4,545.45 shares, raised;
/// the 949,999 others are 1,044,998.9 units. Both are cut, and the fee is their difference.
#[test]
fn what_was_seized_is_told_in_whole_units() {
    let case = Case {
        pot: [11 * 10u128.pow(12) - 1_000_000, 10u128.pow(13) - 1_000_000],
        version: [8_000, 10_500, 1_000],
        cover: Some(1_000_000),
        ..plain(100_000)
    };
    assert_eq!(amounts(&case), [1_000_000, 0, 954_545, 949_999, 1_000_000]);
    let done = case.done().unwrap();
    let told = done.effects.liquidated.unwrap();
    assert_eq!((told.seized, told.fee), (u(1_049_999), u(1_049_999 - 1_044_998)));
    assert_eq!(done.liquidation.unwrap().received, u(1_044_998));
}

/// The only debt of an account whose collateral is gone is written off as far as it is left.
#[test]
fn what_is_left_of_an_only_debt_is_lost() {
    let case = Case { drawn: 150_000 * 1_000_000, ..plain(80_000) };
    let told = case.done().unwrap().effects.liquidated.unwrap();
    assert_eq!(told.bad_debt, [(debt(1), u(150_000_000_000 - 76_190_476_191))]);
}

/// Premium first, and of it whole units: 10.5 units of premium are paid by 11 raw units at most.
#[test]
fn premium_goes_first() {
    let case = Case { premium_shares: 10, premium: 10 * RAY + RAY / 2, ..plain(120_000) };
    assert_eq!(amounts(&Case { cover: Some(7), ..case.clone() })[..2], [0, 7 * RAY]);
    assert_eq!(amounts(&Case { cover: Some(11), ..case.clone() })[..2], [0, 10 * RAY + RAY / 2]);
    assert_eq!(amounts(&Case { cover: Some(12), ..case })[..2], [1, 10 * RAY + RAY / 2]);
}

/// 250 and 300 USD of safe and risky collateral: the safe pays for itself first, and what nothing covers pays nothing.
#[test]
fn the_risk_premium_is_of_what_is_covered() {
    let mut world = World::begun();
    world.prices = vec![u(100_000_000); RESERVES];
    let mut account = plimsoll_core::Account::new(plimsoll_core::AccountId(0));
    account.set(receipt(0), u(250 * WAD).into());
    account.set(receipt(2), u(300 * 10u128.pow(8)).into());
    account.set(debt(1), u(400 * 1_000_000).into());
    let bits = [1, 5, 2].into_iter().fold(U256::ZERO, |map, bit| map.with_bit(bit, true));
    account.set_term(MAP, bits.into());
    let premium = |account: &plimsoll_core::Account, world: &World| {
        let readings = readings(&world.prices);
        let feeds = plimsoll_core::Feeds { readings: &readings };
        let quoted = world.market.at(feeds, Lens::View, Time(world.at)).unwrap();
        let figures = quoted.figures(account).unwrap();
        figures.iter().find(|figure| figure.name == "riskPremium").unwrap().value
    };
    // 250 at nothing and 150 at 20 %: 7.5 %.
    assert_eq!(premium(&account, &world), Int::new(750));
    // Of 1,000 only 550 are covered: 300 x 20 % / 550 = 10.909 %, raised.
    account.set(debt(1), u(1_000 * 1_000_000).into());
    assert_eq!(premium(&account, &world), Int::new(1_091));
    account.set(debt(1), Int::ZERO);
    assert_eq!(premium(&account, &world), Int::ZERO);
}

/// Under the account's own version 80 % of its ether counts, under the newest 75 %: it is healthy as liquidations see it,
/// and may take no new risk; acting moves it.
#[test]
fn an_old_version_stays_until_the_account_acts() {
    let mut world = World::new();
    world.set(2_000, "dynamic_config_key", Int::ZERO).unwrap();
    world.supply(1, 1, 100_000_000_000).unwrap();
    world.supply(0, 0, 10 * WAD).unwrap();
    world.use_it(0, 0, true).unwrap();
    world.borrow(0, 1, 19_000_000_000).unwrap();
    assert_eq!(world.accounts[0].term(configuration_key(0)), Int::ZERO);
    world.set(2_000, "dynamic_config_key", Int::ONE).unwrap();
    assert_eq!(world.assess(0, Test::Liquidation).unwrap().verdict, Verdict::Healthy);
    assert_eq!(world.assess(0, Test::Borrow).unwrap().verdict, Verdict::Unhealthy);
    for action in
        [Action::Refresh { rules: true }, Action::Borrow { debt: debt(1), amount: Amount::Assets(u(1)) }]
    {
        assert_eq!(world.call(0, 0, action), Err(Refusal::WouldBeUnhealthy));
    }
    // Premium alone goes by the own version, and changes none.
    world.call(0, 0, Action::Refresh { rules: false }).unwrap();
    assert_eq!(world.accounts[0].term(configuration_key(0)), Int::ZERO);
    world.repay(0, 1, Amount::Assets(u(1_000_000_000))).unwrap();
    assert_eq!(world.accounts[0].term(configuration_key(0)), Int::ZERO);
    world.call(0, 0, Action::Refresh { rules: true }).unwrap();
    assert_eq!(world.accounts[0].term(configuration_key(0)), Int::ONE);
}

/// A loan of 10,000 at a risk premium of 5 %: 500 premium shares that owe nothing yet. After a year at a rate of r they owe
/// 500 x r, beside the loan's own interest; a repayment of less than that is premium alone.
#[test]
fn premium_grows_on_shares_that_nobody_drew() {
    let mut world = World::new();
    world.supply(1, 2, 10 * 10u128.pow(8)).unwrap();
    world.supply(0, 1, 50_000_000_000).unwrap();
    world.use_it(0, 1, true).unwrap();
    world.borrow(0, 2, 10_000_000).unwrap();
    fn own(world: &World) -> &plimsoll_core::Account {
        &world.accounts[0]
    }
    assert_eq!(own(&world).term(RISK_PREMIUM), Int::new(500));
    assert_eq!(own(&world).term(premium_shares(2)), Int::new(500_000));
    assert_eq!(own(&world).term(premium_offset(2)), u(500_000).mul(u(RAY)).unwrap().into());
    let rate = world.market.assets()[2].state.drawn_rate;
    world.at += 31_536_000;
    let views = world.market.assets()[2].views(Time(world.at)).unwrap();
    assert_eq!(z(views.drawn_index), big(RAY) + z(rate));
    assert_eq!(z(views.premium), big(500_000) * z(rate));
    let before = own(&world).clone();
    let paid = world.repay(0, 2, Amount::Assets(u(1))).unwrap();
    assert_eq!(paid.answer, [U256::ZERO, U256::ONE]);
    assert_eq!(own(&world).quantity(debt(2)), before.quantity(debt(2)));
    let grown = own(&world).term(premium_offset(2)).sub(before.term(premium_offset(2))).unwrap();
    assert_eq!(grown, Int::from(u(RAY)));
}

/// The last collateral goes and leaves debts: all of them become deficits, each of its own hub asset, and suppliers keep
/// what they have; the other spoke's suppliers of the same asset stand behind the same loss.
#[test]
fn a_deficit_is_of_all_debts_and_stays_in_the_share_price() {
    let mut world = World::new();
    world.supply(1, 1, 100_000_000_000).unwrap();
    world.supply(1, 2, 10 * 10u128.pow(8)).unwrap();
    world.supply(5, 5, 100_000_000_000).unwrap();
    world.supply(0, 0, 10 * WAD).unwrap();
    world.use_it(0, 0, true).unwrap();
    world.borrow(0, 1, 12_000_000_000).unwrap();
    world.borrow(0, 2, 5_000_000).unwrap();
    world.prices[0] = u(100_000_000_000);
    let worth = |world: &World| world.market.assets()[1].views(Time(world.at)).unwrap().added_assets;
    let before = worth(&world);
    let done = world.liquidate([1, 0], [0, 1], Amount::All, Receive::Asset).unwrap();
    let told = done.effects.liquidated.unwrap();
    // All of the ether, at a bonus of 6 %, pays 10,000 / 1.06, raised; the last listed debt is written off first.
    let left = 12_000_000_000 - 9_433_962_265;
    assert_eq!(told.bad_debt, [(debt(2), u(5_000_000)), (debt(1), u(left))]);
    assert_eq!(worth(&world), before);
    assert_eq!(world.market.assets()[2].state.deficit, u(5_000_000).mul(u(RAY)).unwrap());
    assert_eq!(world.market.reserves()[1].link.deficit, u(left).mul(u(RAY)).unwrap());
    assert_eq!(world.accounts[0].holdings(), []);
    // The collateral's bit stays; all other terms are gone.
    assert_eq!(world.accounts[0].term(MAP), Int::new(2));
}

/// The contract reads the price of every reserve that is switched on, also where nothing of it is left: without one there is no
/// answer.
#[test]
fn what_is_switched_on_needs_a_price() {
    let mut world = World::begun();
    world.borrow(1, 1, 1_000_000_000).unwrap();
    let all = Action::Withdraw { from: receipt(2), amount: Amount::All };
    world.call(1, 1, all).unwrap();
    assert!(world.held(1, receipt(2)) == U256::ZERO && world.accounts[1].term(MAP).magnitude().bit(5));
    let mut off = world.clone();
    off.use_it(1, 2, false).unwrap();
    for world in [&mut world, &mut off] {
        world.prices[2] = U256::ZERO;
    }
    let why = plimsoll_core::Why::NotPositive;
    assert_eq!(world.assess(1, Test::Liquidation), Err(Refusal::PriceUnknown { slot: 2, why }));
    assert_eq!(off.assess(1, Test::Liquidation).unwrap().verdict, Verdict::Healthy);
}
