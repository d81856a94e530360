//! Vaults: the vat's checks in their order, and the proxy's loans and repayments to the last unit.

use crate::world::*;
use num_bigint::BigInt;
use plimsoll_core::{
    AccountId, Action, Amount, Effects, Int, Lens, Market as _, Party, Refusal, Silent, Test, Time, U256,
    Verdict,
};
use plimsoll_venues::maker::words::consent;
use plimsoll_venues::maker::{ART, DAI, GEM, INK, Parameters, Revision, State, VAT_DAI};
use proptest::prelude::*;

fn world() -> World {
    World::new(Revision::V2_0, rules())
}

/// The same world, at a rate that divides nothing.
fn odd(rate: U256) -> World {
    let mut world = World::new(Revision::V2_0, Parameters { duty: ray(1), dust: U256::ZERO, ..rules() });
    let state = State { rate, ..*world.market.state() };
    world.market = market(Revision::V2_0, *world.market.parameters(), state);
    world
}

fn paid(effects: &Effects, who: u64) -> BigInt {
    signed(effects.net(Party::Wallet(AccountId(who)), DAI).unwrap())
}

/// 10 ETH at 2,000 and 145 % carry 13,793.1 Dai: the spot is floor(2000e45 / 1.45e27), and equality is safe.
#[test]
fn the_last_unit_of_debt_is_safe() {
    let mut world = World::new(Revision::V2_0, Parameters { dust: U256::ZERO, duty: ray(1), ..rules() });
    world.lock(0, wad(10)).unwrap();
    let spot: U256 = "1379310344827586206896551724137".parse().unwrap();
    assert_eq!(world.market.state().spot, spot);
    // art * 1e27 <= 10e18 * spot
    let most: U256 = "13793103448275862068965".parse().unwrap();
    assert_eq!(z(most), z(spot) * 10u8 * BigInt::from(10).pow(18) / z(ray(1)));
    let mut more = world.clone();
    more.frob(0, Int::ZERO, most.into()).unwrap();
    assert_eq!(more.verdict(0, Lens::View), Verdict::Healthy);
    let refused = world.frob(0, Int::ZERO, most.add(U256::ONE).unwrap().into());
    assert!(matches!(refused, Err(Refusal::OverCapacity { .. })), "{refused:?}");
}

/// 100 ETH at 1,500 and 150 % carry 100,000 Dai to the last unit: that much is safe, and stays so for a keeper.
#[test]
fn equality_is_safe() {
    let usual = Parameters { duty: ray(1), mat: e(15, 26), ..rules() };
    let mut world = World::new(Revision::V2_0, usual);
    world.poke(wad(1_500));
    world.lock(0, wad(100)).unwrap();
    world.frob(0, Int::ZERO, wad(100_000).into()).unwrap();
    let seen = world.assess(0, Lens::Action).unwrap();
    assert_eq!((seen.verdict, seen.backing), (Verdict::Healthy, seen.requirement));
    let bark = world.liquidate(KEEPER, 0, plimsoll_core::Mechanism::Bark);
    assert_eq!(bark, Err(Refusal::NotLiquidatable));
    let one_more = world.frob(0, Int::ZERO, Int::ONE);
    assert!(matches!(one_more, Err(Refusal::OverCapacity { .. })), "{one_more:?}");
}

/// Ceilings come before safety, safety before consent, consent before dust, dust before what the parties have.
#[test]
fn the_checks_stand_in_the_vats_order() {
    let mut world = world();
    let adjust = |dink: Int, dart: Int| Action::Adjust {
        collateral: (INK, dink),
        debt: (ART, dart),
        collateral_party: AccountId(0),
        debt_party: AccountId(0),
    };
    let dart = |amount: U256| adjust(Int::ZERO, amount.into());
    // No collateral, no consent, dusty, and no room: the ceiling is told.
    assert_eq!(world.action(1, 0, dart(wad(200_000_000))), Err(Refusal::BorrowCap(ART)));
    let refused = world.action(1, 0, dart(wad(1)));
    assert_eq!(refused, Err(Refusal::OverCapacity { debt: rad(1), capacity: U256::ZERO }));
    world.lock(0, wad(10)).unwrap();
    assert_eq!(world.action(1, 0, dart(wad(1))), Err(Refusal::NoConsent(consent::POSITION)));
    let more = adjust(wad(1).into(), Int::ZERO);
    assert_eq!(world.action(1, 0, more), Err(Refusal::NoConsent(consent::COLLATERAL_PARTY)));
    assert_eq!(world.action(0, 0, dart(wad(1))), Err(Refusal::LeavesDust));
    world.draw(0, wad(13_000)).err();
    world.lock(0, wad(90)).unwrap();
    world.draw(0, wad(20_000)).unwrap();
    let less = adjust(Int::ZERO, Int::from(wad(1_000)).neg());
    assert_eq!(world.action(1, 0, less), Err(Refusal::NoConsent(consent::DEBT_PARTY)));
    // All drawn Dai went to the wallet.
    let less = adjust(Int::ZERO, Int::from(wad(1_000)).neg());
    assert_eq!(
        world.action(0, 0, less),
        Err(Refusal::AmountTooLarge { held: U256::ZERO, asked: rad(1_000) })
    );
    let more = adjust(wad(1).into(), Int::ZERO);
    assert_eq!(world.action(0, 0, more), Err(Refusal::AmountTooLarge { held: U256::ZERO, asked: wad(1) }));
}

/// Whoever was given consent acts as the owner.
#[test]
fn hope_is_consent() {
    let mut world = world();
    world.lock(0, wad(100)).unwrap();
    let draw = Action::Borrow { debt: ART, amount: Amount::Assets(wad(20_000)) };
    assert_eq!(world.action(1, 0, draw.clone()), Err(Refusal::NoConsent(consent::POSITION)));
    assert_eq!(world.action(1, 0, hope(1)), Err(Refusal::NoConsent(consent::POSITION)));
    world.action(0, 0, hope(1)).unwrap();
    let effects = world.action(1, 0, draw).unwrap();
    assert_eq!(paid(&effects, 1), z(wad(20_000)));
    let nope = Action::SetTerm { term: plimsoll_venues::maker::HOPE, value: Int::ZERO };
    world.action(0, 0, nope).unwrap();
    let free = Action::Withdraw { from: INK, amount: Amount::Assets(wad(1)) };
    assert_eq!(world.action(1, 0, free), Err(Refusal::NoConsent(consent::POSITION)));
}

/// Only what is riskier, or somebody else's, needs consent: anybody may add collateral of his own and pay.
#[test]
fn gifts_need_no_consent() {
    let mut world = world();
    world.lock(0, wad(100)).unwrap();
    world.draw(0, wad(40_000)).unwrap();
    let lock = Action::Deposit { into: INK, amount: Amount::Assets(wad(1)) };
    world.action(1, 0, lock).unwrap();
    assert_eq!(world.held(0, INK), wad(101));
    let wipe = Action::Repay { debt: ART, amount: Amount::Assets(wad(1_000)) };
    let effects = world.action(1, 0, wipe).unwrap();
    assert_eq!(paid(&effects, 1), -z(wad(1_000)));
    assert!(world.held(0, ART) < wad(40_000));
}

#[test]
fn both_sides_of_a_fork_must_agree_be_safe_and_not_dusty() {
    let mut world = world();
    world.lock(0, wad(100)).unwrap();
    world.draw(0, wad(40_000)).unwrap();
    let fork = |ink: u128, art: u128| Action::Fork {
        collateral: (INK, wad(ink).into()),
        debt: (ART, wad(art).into()),
        to: AccountId(1),
    };
    assert_eq!(world.action(0, 0, fork(50, 20_000)), Err(Refusal::NoConsent(consent::POSITION)));
    world.action(1, 1, hope(0)).unwrap();
    assert!(matches!(world.action(0, 0, fork(80, 0)), Err(Refusal::OverCapacity { .. })));
    assert!(matches!(world.action(0, 0, fork(10, 20_000)), Err(Refusal::ReceiverOverCapacity { .. })));
    assert_eq!(world.action(0, 0, fork(50, 30_000)), Err(Refusal::LeavesDust));
    assert_eq!(world.action(0, 0, fork(50, 10_000)), Err(Refusal::ReceiverDust));
    let over = fork(101, 0);
    assert_eq!(world.action(0, 0, over), Err(Refusal::AmountTooLarge { held: wad(100), asked: wad(101) }));
    world.action(0, 0, fork(50, 20_000)).unwrap();
    assert_eq!((world.held(0, INK), world.held(1, INK)), (wad(50), wad(50)));
    assert_eq!((world.held(0, ART), world.held(1, ART)), (wad(20_000), wad(20_000)));
    // And back, by a negative amount.
    let back = Action::Fork {
        collateral: (INK, Int::from(wad(50)).neg()),
        debt: (ART, Int::from(wad(20_000)).neg()),
        to: AccountId(1),
    };
    world.action(0, 0, back).unwrap();
    assert_eq!((world.held(0, INK), world.held(1, ART)), (wad(100), U256::ZERO));
}

/// One unit of debt makes 1.5 units of Dai: a loan of 10 takes 7 units and leaves half a unit in the vat.
#[test]
fn a_loan_is_rounded_up_and_its_rest_stays() {
    let mut world = odd(e(15, 26));
    world.lock(0, wad(10)).unwrap();
    let effects = world.draw(0, u(10)).unwrap();
    assert_eq!(paid(&effects, 0), BigInt::from(10));
    assert_eq!(world.held(0, ART), u(7));
    assert_eq!(world.held(0, VAT_DAI), e(5, 26));
    // Half a unit is there, 9.5 are missing: 6 units of debt make 9 < 10, so a seventh.
    world.draw(0, u(10)).unwrap();
    assert_eq!(world.held(0, ART), u(14));
    assert_eq!(world.held(0, VAT_DAI), e(10, 26));
    // One unit is there, and 9 are missing, which 6 units of debt make exactly. The proxy compares with all ten and
    // takes a seventh all the same.
    world.draw(0, u(10)).unwrap();
    assert_eq!(world.held(0, ART), u(21));
    assert_eq!(world.held(0, VAT_DAI), e(15, 26));
    // What is there already suffices: no debt.
    world.draw(0, u(1)).unwrap();
    assert_eq!((world.held(0, ART), world.held(0, VAT_DAI)), (u(21), e(5, 26)));
}

/// 21 units of debt are 31.5 of Dai. What is paid buys whole units of debt; the rest stays in the vat.
#[test]
fn a_repayment_is_rounded_down_and_all_of_it_up() {
    let mut world = odd(e(15, 26));
    world.lock(0, wad(10)).unwrap();
    world.frob(0, Int::ZERO, Int::new(21)).unwrap();
    let exit = Action::Withdraw { from: VAT_DAI, amount: Amount::Assets(u(31)) };
    world.action(0, 0, exit).unwrap();
    assert_eq!(world.held(0, VAT_DAI), e(5, 26));
    let wipe = |amount| Action::Repay { debt: ART, amount };
    // 4 and the half that is there: three units of debt exactly.
    world.action(0, 0, wipe(Amount::Assets(u(4)))).unwrap();
    assert_eq!((world.held(0, ART), world.held(0, VAT_DAI)), (u(18), U256::ZERO));
    // A stranger's 4 buy two units, and the rest is his own.
    world.action(1, 0, wipe(Amount::Assets(u(4)))).unwrap();
    assert_eq!((world.held(0, ART), world.held(1, VAT_DAI)), (u(16), ray(1)));
    // 15 units are 22.5: 23 tokens, and half a unit stays.
    world.frob(0, Int::ZERO, Int::new(1)).unwrap();
    let out = Action::Transfer { instrument: VAT_DAI, to: AccountId(2), amount: Amount::All };
    world.action(0, 0, out).unwrap();
    let effects = world.action(0, 0, wipe(Amount::All)).unwrap();
    // 17 units are 25.5.
    assert_eq!(paid(&effects, 0), BigInt::from(-26));
    assert_eq!((world.held(0, ART), world.held(0, VAT_DAI)), (U256::ZERO, e(5, 26)));
    assert_eq!(world.action(0, 0, wipe(Amount::All)), Err(Refusal::NothingOwed(ART)));
}

proptest! {
    #![proptest_config(cases(200))]

    /// However odd the rate: the wallet gets what it asked for, and the debt is the least that makes it, or one more
    /// where Dai was there before.
    #[test]
    fn a_loan_makes_what_was_asked(rate in 1_000..3_000u128, dust in 0..1_000u64, wads in 1..10_000_000u64, there in 0..3u64) {
        let rate = e(rate, 24).add(u(dust.into())).unwrap();
        let mut world = odd(rate);
        world.lock(0, wad(10)).unwrap();
        world.fund(0, u(there.into()));
        let wanted = BigInt::from(wads) * z(ray(1));
        let before = z(world.held(0, VAT_DAI));
        let effects = world.draw(0, u(wads.into())).unwrap();
        prop_assert_eq!(paid(&effects, 0), BigInt::from(wads));
        let (art, rate) = (z(world.held(0, ART)), z(rate));
        let missing = (&wanted - &before).max(BigInt::ZERO);
        let least = (&missing + &rate - 1u8) / &rate;
        prop_assert!(art >= least && art <= &least + i32::from(there > 0));
        prop_assert_eq!(z(world.held(0, VAT_DAI)), before + art * rate - wanted);
    }

    /// All the debt is paid with the fewest tokens that pay it.
    #[test]
    fn all_of_a_debt_is_paid(rate in 1_000..3_000u128, dust in 0..1_000u64, art in 1..10_000_000u64, there in 0..3u64) {
        let rate = e(rate, 24).add(u(dust.into())).unwrap();
        let mut world = odd(rate);
        world.lock(0, wad(10)).unwrap();
        world.frob(0, Int::ZERO, Int::from(art)).unwrap();
        let all = Action::Transfer { instrument: VAT_DAI, to: AccountId(1), amount: Amount::All };
        world.action(0, 0, all).unwrap();
        world.fund(0, u(there.into()));
        let tab = BigInt::from(art) * z(rate);
        let before = z(world.held(0, VAT_DAI));
        let repay = Action::Repay { debt: ART, amount: Amount::All };
        let outcome = world.action(0, 0, repay);
        if before > tab {
            // The proxy subtracts what is there.
            prop_assert!(matches!(outcome, Err(Refusal::Overflow(_))));
            return Ok(());
        }
        let missing = &tab - &before;
        let tokens = (&missing + z(ray(1)) - 1u8) / z(ray(1));
        prop_assert_eq!(-paid(&outcome.unwrap(), 0), tokens.clone());
        prop_assert_eq!(z(world.held(0, VAT_DAI)), before + tokens * z(ray(1)) - tab);
        prop_assert_eq!(world.held(0, ART), U256::ZERO);
    }
}

/// A loan drips first; nothing else of the proxy does, and nothing pokes.
#[test]
fn a_loan_drips_and_a_withdrawal_does_not() {
    let mut world = world();
    world.lock(0, wad(100)).unwrap();
    world.draw(0, wad(20_000)).unwrap();
    world.wait(31_536_000);
    let mut repaid = world.clone();
    let repay = Action::Repay { debt: ART, amount: Amount::All };
    let effects = repaid.action(0, 0, repay).unwrap();
    assert_eq!(paid(&effects, 0), -z(wad(20_000)));
    let free = Action::Withdraw { from: INK, amount: Amount::Assets(wad(1)) };
    world.action(0, 0, free).unwrap();
    assert_eq!(world.market.state().rate, ray(1));
    world.draw(0, wad(1)).unwrap();
    // 0.0198 as a continuous rate is 2 % a year: 1.02 to within the roundings of 25 squares.
    let rate = world.market.state().rate;
    assert!(rate > e(1_019_999, 21) && rate < e(1_020_001, 21), "{rate}");
    assert_eq!(world.market.state().rho, world.at.0);
}

/// Unlocked collateral and Dai in the vat come and go by their adapters, and back nothing.
#[test]
fn what_is_unlocked_backs_nothing() {
    let mut world = world();
    world.action(0, 0, Action::Deposit { into: GEM, amount: Amount::Assets(wad(5)) }).unwrap();
    world.fund(0, wad(3));
    assert_eq!((world.held(0, GEM), world.held(0, VAT_DAI)), (wad(5), rad(3)));
    assert_eq!(world.assess(0, Lens::View).unwrap().backing, Int::ZERO);
    let flux = Action::Transfer { instrument: GEM, to: AccountId(1), amount: Amount::Assets(wad(2)) };
    assert_eq!(world.action(1, 0, flux.clone()), Err(Refusal::NoConsent(consent::POSITION)));
    world.action(0, 0, flux).unwrap();
    // Locked by a frob out of the vat, not out of the wallet.
    let effects = world.frob(1, wad(2).into(), Int::ZERO).unwrap();
    assert_eq!(effects.net(Party::Wallet(AccountId(1)), GEM), Some(Int::ZERO));
    assert_eq!((world.held(1, GEM), world.held(1, INK)), (U256::ZERO, wad(2)));
    let exit = |from, amount| Action::Withdraw { from, amount };
    let too_much = exit(GEM, Amount::Assets(wad(4)));
    assert_eq!(world.action(0, 0, too_much), Err(Refusal::AmountTooLarge { held: wad(3), asked: wad(4) }));
    world.action(0, 0, exit(GEM, Amount::All)).unwrap();
    let effects = world.action(0, 0, exit(VAT_DAI, Amount::Assets(wad(3)))).unwrap();
    assert_eq!(paid(&effects, 0), z(wad(3)));
    assert!(world.account(0).holdings().is_empty());
}

/// An actor whom the book does not know is not asked what he has.
#[test]
fn a_stranger_has_what_he_needs() {
    let mut world = world();
    let stranger = 1_000;
    world.lock(0, wad(10)).unwrap();
    let lock = Action::Deposit { into: INK, amount: Amount::Assets(wad(2)) };
    let effects = world.action(stranger, 0, lock).unwrap();
    assert_eq!(effects.net(Party::Wallet(AccountId(stranger)), GEM), Some(Int::from(wad(2)).neg()));
    assert_eq!(world.held(0, INK), wad(12));
}

/// What people see: ratio in per cent, the prices, and the numbers of the vat.
#[test]
fn figures_by_hand() {
    let mut world = World::new(Revision::V2_0, Parameters { duty: ray(1), mat: e(15, 26), ..rules() });
    world.poke(wad(1_500));
    world.lock(0, wad(100)).unwrap();
    world.draw(0, wad(80_000)).unwrap();
    let readings = [world.price];
    let feeds = plimsoll_core::Feeds { readings: &readings };
    let quoted = world.market.at(feeds, Lens::Action, Time(START)).unwrap();
    let figures = quoted.figures(world.account(0)).unwrap();
    let figure = |name: &str| figures.iter().find(|figure| figure.name == name).map(|figure| figure.value);
    assert_eq!(figure("ink"), Some(wad(100).into()));
    assert_eq!(figure("tab"), Some(rad(80_000).into()));
    // 150,000 against 80,000: 187.5 %, at 150 %; safe down to 1,200.
    assert_eq!(figure("collateralizationRatio"), Some(e(1_875, 24).into()));
    assert_eq!(figure("liquidationRatio"), Some(e(150, 25).into()));
    assert_eq!(figure("liquidationPrice"), Some(wad(1_200).into()));
    assert_eq!(figure("currentPrice"), Some(wad(1_500).into()));
    assert_eq!(figure("nextPrice"), None);
    let line = quoted.assess(world.account(0), Test::Liquidation, &mut Silent).unwrap();
    assert_eq!((line.collateral, line.debt), (rad(150_000).into(), rad(80_000).into()));
    let debt = quoted.balance(world.account(0), ART).unwrap();
    assert_eq!((debt.raw, debt.value), (wad(80_000), Some(rad(80_000))));
}
