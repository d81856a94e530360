//! Every refusal of the venue, reached by name.

use crate::world::*;
use plimsoll_core::{
    Account, AccountId, Action, Amount, Effects, Feeds, Int, Lens, Manage, Market as _, Mechanism, Reading,
    Refusal, Test, Time, U256,
};
use plimsoll_venues::liquity_v2::{
    BATCH, BOLD, Branch, DEBT, MAX_FEE, MAX_RATE, MIN_CHANGE_PERIOD, MIN_DEBT, MIN_RATE, Market, RATE,
    SHARES, System, collateral, deposit, gain, surplus,
};

fn is(outcome: Result<Effects, Refusal>, code: &str) {
    let refusal = outcome.expect_err(code);
    assert_eq!(refusal.code(), code, "{refusal}");
}

fn borrow(amount: U256) -> Action {
    Action::Borrow { debt: DEBT, amount: Amount::Assets(amount) }
}

fn adjust(held: i128, owed: i128) -> Action {
    let (collateral, debt) = ((collateral(0), Int::new(held)), (DEBT, Int::new(owed)));
    Action::Adjust { collateral, debt, collateral_party: T0, debt_party: T0 }
}

fn manage(what: Manage) -> Action {
    Action::ManageGroup { branch: collateral(0), what }
}

fn register() -> Manage {
    Manage::Register { rate: wad(30), fee: wad(1), least: wad(10), most: wad(100), period: 3600 }
}

const T0: AccountId = AccountId(1000);
const T4: AccountId = AccountId(1004);

#[test]
fn every_refusal_of_a_borrower_is_reachable() {
    let mut world = World::begun();
    world.endow(whole(1_000_000));
    let fresh = || world.clone();
    let open = |held, lent, rate| fresh().open_trove(0, 5, [held, lent, rate]);
    is(open(whole(10), whole(5_000), MIN_RATE.sub(u(1)).unwrap()), "PL0170");
    is(open(whole(10), whole(5_000), MAX_RATE.add(u(1)).unwrap()), "PL0171");
    is(open(whole(10), whole(1_900), wad(50)), "PL0167");
    is(open(whole(2), whole(3_900), wad(50)), "PL0164");
    is(fresh().open_in_batch(0, 5, 0, [whole(10), whole(16_900)]), "PL0165");
    is(fresh().open_in_batch(0, 5, 2, [whole(10), whole(5_000)]), "PL0181");
    is(open(whole(1_000), whole(1_700_000), wad(50)), "PL0163");
    is(fresh().open_trove(0, 0, [whole(10), whole(5_000), wad(50)]), "PL0175");
    is(fresh().act(KEEPER, trove(0, 5), Action::Close), "PL0176");
    is(fresh().act(KEEPER, trove(0, 5), borrow(u(1))), "PL0177");
    let shares = Action::Borrow { debt: SHARES, amount: Amount::Assets(u(1)) };
    is(fresh().act(T0, T0, shares.clone()), "PL0402");
    fresh().act(T4, T4, shares).unwrap();
    is(fresh().act(T0, T0, adjust(0, 0)), "PL0109");
    is(fresh().act(T0, T0, adjust(-(10i128.pow(24)), 0)), "PL0110");
    is(fresh().act(T0, T0, borrow(whole(40_000))), "PL0164");
    is(fresh().act(T0, T0, Action::SetTerm { term: RATE, value: wad(20).into() }), "PL0173");
    is(fresh().act(T4, T4, Action::SetTerm { term: RATE, value: wad(21).into() }), "PL0179");
    is(fresh().act(T0, T0, Action::LeaveGroup { rate: wad(50) }), "PL0180");
    is(fresh().act(T4, T4, Action::JoinGroup { manager: person(0) }), "PL0179");
    is(fresh().act(T0, T0, Action::JoinGroup { manager: person(2) }), "PL0181");
    let reactivate = Action::Reactivate { collateral: (collateral(0), Int::ONE), debt: (DEBT, Int::ZERO) };
    is(fresh().act(T0, T0, reactivate), "PL0178");
    let mut poor = fresh();
    let all = Amount::Assets(poor.account(person(1)).quantity(BOLD).magnitude());
    poor.act(person(1), person(1), Action::Transfer { instrument: BOLD, to: KEEPER, amount: all }).unwrap();
    is(poor.act(person(1), T0, Action::Repay { debt: DEBT, amount: Amount::Assets(whole(1)) }), "PL0169");
    is(poor.act(person(1), T0, Action::Close), "PL0141");
    is(poor.act(person(1), trove(0, 1), Action::Close), "PL0169");
    let mut low = fresh();
    low.prices[0] = whole(900);
    is(low.act(T0, T0, adjust(-1, 0)), "PL0166");
    let mut at_minimum = fresh();
    at_minimum.act(T0, T0, Action::Repay { debt: DEBT, amount: Amount::All }).unwrap();
    assert_eq!(at_minimum.now(T0).unwrap().debt, MIN_DEBT);
    is(at_minimum.act(T0, T0, Action::Repay { debt: DEBT, amount: Amount::All }), "PL0168");
    // A trove that a redemption emptied owes nothing that could be applied.
    let mut emptied = fresh();
    let debt = emptied.now(T0).unwrap().debt;
    emptied.redeem(person(1), whole(1)).unwrap();
    let mut zombie = fresh();
    zombie.redeem(KEEPER, debt.mul(u(5)).unwrap()).unwrap();
    let none = (0..2).flat_map(|branch| (0..5).map(move |number| trove(branch, number)));
    let none = none.into_iter().find(|id| zombie.now(*id).is_some_and(|now| now.debt == U256::ZERO)).unwrap();
    is(zombie.act(KEEPER, none, Action::ApplyPending), "PL0103");
}

#[test]
fn every_refusal_of_managers_is_reachable() {
    let world = World::begun();
    let as_manager = |what| world.clone().act(person(0), person(0), manage(what));
    let as_new = |what| world.clone().act(person(2), person(2), manage(what));
    is(as_manager(register()), "PL0182");
    is(as_new(Manage::Rate(wad(30))), "PL0181");
    is(as_manager(Manage::Rate(wad(40))), "PL0174");
    is(as_manager(Manage::Fee(wad(10))), "PL0183");
    let with = |change: fn(&mut [U256; 4], &mut u64)| {
        let (mut numbers, mut period) = ([wad(30), wad(1), wad(10), wad(100)], MIN_CHANGE_PERIOD);
        change(&mut numbers, &mut period);
        let [rate, fee, least, most] = numbers;
        as_new(Manage::Register { rate, fee, least, most, period })
    };
    is(with(|numbers, _| numbers[0] = wad(9)), "PL0172");
    is(with(|numbers, _| numbers[1] = MAX_FEE.add(U256::ONE).unwrap()), "PL0183");
    is(with(|numbers, _| numbers[2] = wad(4)), "PL0170");
    is(with(|numbers, _| numbers[3] = wad(2501)), "PL0171");
    is(with(|numbers, _| numbers[2] = numbers[3]), "PL0127");
    is(with(|_, period| *period = 3599), "PL0184");
    let mut later = world.clone();
    later.at.0 += 3600;
    is(later.act(person(0), person(0), manage(Manage::Rate(wad(2501)))), "PL0172");
    later.act(person(0), person(0), manage(Manage::Rate(wad(40)))).unwrap();
    later.act(person(0), person(0), manage(Manage::Fee(wad(9)))).unwrap();
}

/// Debt that has outgrown its shares a billionfold cannot grow any more, only be paid.
#[test]
fn a_batch_that_outgrew_its_shares_takes_no_more_debt() {
    let mut world = World::begun();
    let object = plimsoll_venues::liquity_v2::batch_object(0, person(0)).unwrap();
    let few = world
        .market
        .batches()
        .next()
        .unwrap()
        .2
        .debt
        .div(
            whole(2).div(u(10u128.pow(9)), plimsoll_core::Rounding::Down).unwrap(),
            plimsoll_core::Rounding::Down,
        )
        .unwrap();
    world.market.set(plimsoll_core::Cell { object, field: 2 }, Some(few.into())).unwrap();
    let account = world.account(T4).with(SHARES, few.into());
    world.people.0.insert(T4, account);
    is(world.act(T4, T4, borrow(whole(10))), "PL0185");
    world.act(person(1), T4, Action::Repay { debt: SHARES, amount: Amount::Assets(whole(10)) }).unwrap();
}

#[test]
fn every_refusal_of_pools_and_claims_is_reachable() {
    let world = World::begun();
    let fresh = || world.clone();
    let holder = depositor(0, 1);
    is(fresh().stake(0, 0, U256::ZERO), "PL0109");
    is(fresh().stake(0, 0, whole(10_000_000)), "PL0169");
    let unstake = |amount| Action::Unstake { pool: deposit(0), amount, claim: true };
    is(fresh().act(person(0), depositor(0, 0), unstake(u(1))), "PL0104");
    is(fresh().act(person(1), holder, unstake(whole(9_000))), "PL0188");
    is(fresh().act(person(1), holder, Action::Claim { instrument: gain(0) }), "PL0189");
    is(fresh().act(person(1), depositor(0, 2), Action::Claim { instrument: gain(0) }), "PL0104");
    is(fresh().act(person(1), person(1), Action::Claim { instrument: surplus(0) }), "PL0104");
    is(fresh().act(person(1), person(1), Action::Claim { instrument: BOLD }), "PL0402");
    let mut both = fresh();
    both.stake(0, 0, whole(100)).unwrap();
    let second = Action::Stake { pool: deposit(1), amount: whole(100), claim: false };
    is(both.act(person(0), depositor(0, 0), second), "PL0405");
}

#[test]
fn every_refusal_of_force_is_reachable() {
    let mut world = World::begun();
    world.endow(whole(1_000_000));
    let fresh = || world.clone();
    is(fresh().liquidate(vec![T0]), "PL0101");
    is(fresh().liquidate(vec![]), "PL0403");
    is(fresh().liquidate(vec![trove(0, 5)]), "PL0101");
    is(fresh().liquidate(vec![T0, trove(1, 0)]), "PL0127");
    let mut alone = World::new();
    alone.open_trove(0, 0, [whole(10), whole(9_000), wad(50)]).unwrap();
    alone.endow(whole(10_000));
    is(alone.clone().act(T0, T0, Action::Close), "PL0186");
    alone.prices[0] = whole(900);
    is(alone.liquidate(vec![T0]), "PL0186");
    let redeem =
        |amount, max_fee| Action::Liquidate(Mechanism::Redeem { amount, max_iterations: 0, max_fee });
    is(fresh().act(KEEPER, KEEPER, redeem(whole(1_000), wad(5))), "PL0187");
    is(fresh().act(KEEPER, KEEPER, redeem(whole(1_000), wad(4))), "PL0127");
    is(fresh().act(KEEPER, KEEPER, redeem(U256::ZERO, whole(1))), "PL0109");
    is(World::new().act(KEEPER, KEEPER, redeem(whole(1), whole(1))), "PL0302");
    is(fresh().act(person(1), person(1), redeem(whole(61_000), whole(1))), "PL0169");
    is(fresh().act(KEEPER, KEEPER, Action::ShutDown { branch: collateral(0) }), "PL0162");
    let urgent = |amount| {
        Action::Liquidate(Mechanism::RedeemUrgently { collateral: collateral(0), amount, accounts: vec![T0] })
    };
    is(fresh().act(KEEPER, KEEPER, urgent(whole(1))), "PL0161");
    let mut shut = fresh();
    shut.prices[0] = whole(500);
    shut.act(KEEPER, KEEPER, Action::ShutDown { branch: collateral(0) }).unwrap();
    is(shut.act(KEEPER, KEEPER, urgent(U256::ZERO)), "PL0109");
    is(shut.act(T0, T0, borrow(u(1))), "PL0160");
    is(shut.act(KEEPER, KEEPER, Action::ShutDown { branch: collateral(0) }), "PL0160");
}

/// Every surviving trove has a stake of zero: the contract divides by it and reverts.
#[test]
fn a_redistribution_to_nobody_is_refused() {
    let mut world = World::new();
    for number in 0..2 {
        world.open_trove(0, number, [whole(10), whole(9_000), wad(20 + u128::from(number))]).unwrap();
    }
    let account = world.account(T0).with_term(plimsoll_venues::liquity_v2::STAKE, Int::ZERO);
    world.people.0.insert(T0, account);
    let stakes = world.account(trove(0, 1)).term(plimsoll_venues::liquity_v2::STAKE);
    world.market.set(plimsoll_core::Cell { object: 1, field: 15 }, Some(stakes)).unwrap();
    world.prices[0] = whole(900);
    is(world.liquidate(vec![trove(0, 1)]), "PL0302");
}

#[test]
fn every_refusal_of_the_world_is_reachable() {
    let mut world = World::begun();
    is(world.act(T0, T0, Action::Deposit { into: collateral(1), amount: Amount::Assets(u(1)) }), "PL0402");
    is(world.act(T0, T0, Action::Deposit { into: collateral(7), amount: Amount::Assets(u(1)) }), "PL0402");
    is(world.act(T0, T0, Action::Deposit { into: collateral(0), amount: Amount::All }), "PL0401");
    is(world.act(T0, T0, Action::Liquidate(Mechanism::Bark)), "PL0401");
    is(
        world.act(T0, T0, Action::Deposit { into: collateral(0), amount: Amount::Assets(U256::MAX) }),
        "PL0301",
    );
    world.at = Time(START - 1);
    is(world.act(T0, T0, Action::Accrue), "PL0202");
    let readings = [Reading::unknown(None, plimsoll_core::Why::Missing); 2];
    let market = &World::begun().market;
    let call = plimsoll_core::Call { actor: KEEPER, account: T0, at: Time(START), action: borrow(u(1)) };
    let blind =
        market.act(&call, &World::begun().people, Feeds { readings: &readings }, &mut plimsoll_core::Silent);
    is(blind, "PL0201");
    let quoted = market.at(Feeds { readings: &readings }, Lens::Action, Time(START)).unwrap();
    let seen = quoted.verdict(&World::begun().account(T0), Test::Liquidation);
    assert_eq!(seen.unwrap_err().code(), "PL0201");
    let two = Account::new(KEEPER).with(DEBT, Int::ONE).with(SHARES, Int::ONE);
    let two = World::begun()
        .account(T0)
        .terms()
        .iter()
        .fold(two, |account, (term, value)| account.with_term(*term, *value));
    assert_eq!(quoted.verdict(&two, Test::Liquidation).unwrap_err().code(), "PL0405");
    let lost = World::begun().account(T4).with_term(BATCH, Int::new(77));
    assert_eq!(quoted.verdict(&lost, Test::Liquidation).unwrap_err().code(), "PL0181");
    let branch = Branch::new(rules(1500, 1100, 100));
    let none =
        |branches: &[(&str, Branch)]| Market::new("BOLD", System::default(), branches).unwrap_err().code();
    assert_eq!(none(&[]), "PL0404");
    assert_eq!(none(&[("WETH", branch), ("WETH", branch)]), "PL0404");
    assert_eq!(none(&[("BOLD", branch)]), "PL0404");
    let wrong = Branch { product: U256::ZERO, ..branch };
    assert_eq!(none(&[("WETH", wrong)]), "PL0404");
}
