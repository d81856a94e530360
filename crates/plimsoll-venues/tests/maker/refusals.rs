//! Every refusal that a Maker market can give, by the call that gets it; those of auctions stand with the auctions.

use crate::world::*;
use plimsoll_core::{
    Account, AccountId, Accounts, Action, Amount, Call, Feeds, InstrumentId, Int, Lens, Market as _,
    Mechanism, Refusal, Silent, TermId, Test, U256,
};
use plimsoll_venues::maker::{
    ART, DAI, GEM, HOPE, INK, Maker, Names, POKE_SPOT, Parameters, Revision, State, VAT_DAI,
};

#[track_caller]
fn check(world: &World, actor: u64, account: u64, action: Action, refusal: Refusal) {
    let mut after = world.clone();
    assert_eq!(after.action(actor, account, action), Err(refusal));
    assert_eq!(after.market.state(), world.market.state());
}

/// 0 has 100 ETH and owes 40,000.
fn world() -> World {
    let mut world = World::new(Revision::V2_0, rules());
    world.lock(0, wad(100)).unwrap();
    world.draw(0, wad(40_000)).unwrap();
    world
}

fn frob(dink: Int, dart: Int) -> Action {
    let party = AccountId(0);
    Action::Adjust { collateral: (INK, dink), debt: (ART, dart), collateral_party: party, debt_party: party }
}

#[test]
fn every_refusal_is_reachable() {
    let world = world();
    let one = Amount::Assets(wad(1));
    let nowhere = InstrumentId(9);

    // What there is not.
    for instrument in [DAI, nowhere] {
        let unknown = Refusal::NoSuchInstrument(instrument);
        check(&world, 0, 0, Action::Deposit { into: instrument, amount: one }, unknown);
        check(&world, 0, 0, Action::Withdraw { from: instrument, amount: one }, unknown);
        check(&world, 0, 0, Action::Borrow { debt: instrument, amount: one }, unknown);
        check(&world, 0, 0, Action::Repay { debt: instrument, amount: one }, unknown);
        let transfer = Action::Transfer { instrument, to: AccountId(1), amount: one };
        check(&world, 0, 0, transfer, unknown);
        let party = AccountId(0);
        let (good, bad) = ((INK, Int::ZERO), (instrument, Int::ZERO));
        for (collateral, debt) in [(bad, (ART, Int::ZERO)), (good, bad)] {
            let adjust = Action::Adjust { collateral, debt, collateral_party: party, debt_party: party };
            check(&world, 0, 0, adjust, unknown);
            check(&world, 0, 0, Action::Fork { collateral, debt, to: party }, unknown);
        }
    }
    for action in [
        Action::Deposit { into: INK, amount: Amount::All },
        Action::Borrow { debt: ART, amount: Amount::All },
        Action::Poke { slot: 7 },
        Action::Settle { instrument: INK },
        Action::UseAsCollateral { instrument: INK, on: true },
        Action::SetTerm { term: TermId(1), value: Int::ONE },
        Action::Liquidate(Mechanism::Absorb { accounts: vec![] }),
    ] {
        check(&world, 0, 0, action, Refusal::NotAtThisVenue);
    }
    check(&world, 0, 0, Action::SetTerm { term: HOPE, value: Int::new(-1) }, Refusal::ModeNotAllowed);

    // What is not held or owed, and too much of what is.
    check(&world, 0, 0, Action::Withdraw { from: GEM, amount: Amount::All }, Refusal::NothingHeld(GEM));
    check(
        &world,
        0,
        0,
        Action::Withdraw { from: VAT_DAI, amount: Amount::All },
        Refusal::NothingHeld(VAT_DAI),
    );
    check(&world, 1, 1, Action::Withdraw { from: INK, amount: Amount::All }, Refusal::NothingHeld(INK));
    check(&world, 1, 1, Action::Repay { debt: ART, amount: Amount::All }, Refusal::NothingOwed(ART));
    let over = Refusal::AmountTooLarge { held: wad(100), asked: wad(101) };
    check(&world, 0, 0, Action::Withdraw { from: INK, amount: Amount::Assets(wad(101)) }, over);
    let over = Refusal::AmountTooLarge { held: wad(40_000), asked: wad(40_001) };
    check(&world, 0, 0, Action::Repay { debt: ART, amount: Amount::Shares(wad(40_001)) }, over);

    // Ceilings, safety, dust.
    let borrow = |whole| Action::Borrow { debt: ART, amount: Amount::Assets(wad(whole)) };
    check(&world, 0, 0, borrow(99_970_000), Refusal::BorrowCap(ART));
    let mut told = world.clone();
    let refused = told.action(0, 0, borrow(100_000));
    assert!(matches!(refused, Err(Refusal::OverCapacity { .. })), "{refused:?}");
    let repay = Action::Repay { debt: ART, amount: Amount::Assets(wad(39_000)) };
    check(&world, 0, 0, repay, Refusal::LeavesDust);

    // Auctions.
    check(&world, 0, 0, Action::Liquidate(Mechanism::Bark), Refusal::NotLiquidatable);
    let none = Refusal::NoSuchAuction { auction: 3 };
    for mechanism in [
        Mechanism::Take { auction: 3, amount: wad(1), max_price: U256::MAX },
        Mechanism::Redo { auction: 3 },
        Mechanism::Yank { auction: 3 },
    ] {
        check(&world, 0, 0, Action::Liquidate(mechanism), none);
    }
    assert_eq!(world.market.status(3, world.at), Err(none));
}

/// `Vat._add`, `Vat._mul` and their like.
#[test]
fn what_does_not_fit_reverts() {
    let world = world();
    let int_max = U256::ZERO.with_bit(255, true).sub(U256::ONE).unwrap();
    let beyond = Int::from(U256::ZERO.with_bit(255, true));
    let overflow = |world: &World, action: Action| {
        let outcome = world.clone().action(0, 0, action);
        assert!(matches!(outcome, Err(Refusal::Overflow(_))), "{outcome:?}");
    };
    overflow(&world, frob(beyond, Int::ZERO));
    overflow(&world, frob(Int::ZERO, beyond));
    overflow(&world, frob(Int::ZERO, int_max.into()));
    // ink * spot is multiplied even where only collateral is added.
    overflow(&world, frob(int_max.into(), Int::ZERO));
    overflow(&world, Action::Borrow { debt: ART, amount: Amount::Assets(U256::MAX) });
    overflow(&world, Action::Deposit { into: VAT_DAI, amount: Amount::Assets(U256::MAX) });
    let mut poked = world.clone();
    poked.price = plimsoll_core::Reading::certain(U256::MAX);
    overflow(&poked, Action::Poke { slot: POKE_SPOT });
    // total art * rate is multiplied even where debt is paid.
    let state = State { total_art: int_max, ..*world.market.state() };
    let mut heavy = world.clone();
    heavy.market = market(Revision::V2_0, *world.market.parameters(), state);
    overflow(&heavy, frob(Int::ZERO, Int::new(-1)));
    // The fees of a very large rate.
    let mut dripped = world.clone();
    dripped.market = market(
        Revision::V2_0,
        Parameters { duty: ray(10), ..*world.market.parameters() },
        *world.market.state(),
    );
    dripped.wait(10_000_000);
    overflow(&dripped, Action::Accrue);
    // Of an account in debt there is then no verdict.
    let rate = U256::ZERO.with_bit(254, true);
    let state = State { rate, ..*world.market.state() };
    heavy.market = market(Revision::V2_0, *world.market.parameters(), state);
    assert!(matches!(heavy.assess(0, Lens::View), Err(Refusal::Overflow(_))));
}

#[test]
fn a_system_that_is_shut_down_or_was_never_begun() {
    let mut world = world();
    let (rules, state) = (*world.market.parameters(), *world.market.state());
    world.market = market(Revision::V2_0, Parameters { live: false, ..rules }, state);
    world.price = plimsoll_core::Reading::certain(wad(1));
    for action in [
        Action::Accrue,
        Action::Poke { slot: POKE_SPOT },
        Action::Deposit { into: INK, amount: Amount::Assets(wad(1)) },
        Action::Repay { debt: ART, amount: Amount::All },
        Action::Liquidate(Mechanism::Bark),
    ] {
        check(&world, 0, 0, action, Refusal::ShutDown);
    }
    // Nobody can drip or poke: what is stored stands, through both lenses.
    world.wait(1_000_000);
    assert_eq!(world.assess(0, Lens::Action), world.assess(0, Lens::View));
    // Shut down below the line: unhealthy, and nobody can act on it.
    let sunk = State { spot: ray(1), ..state };
    world.market = market(Revision::V2_0, Parameters { live: false, ..rules }, sunk);
    assert_eq!(world.assess(0, Lens::Action).unwrap().executable, Err(Refusal::ShutDown));
    world.market = market(Revision::V1_2, Parameters { live: false, ..rules }, sunk);
    check(&world, KEEPER, 0, Action::Liquidate(Mechanism::Bark), Refusal::ShutDown);

    world.market = market(Revision::V2_0, rules, State { rate: U256::ZERO, ..state });
    check(&world, 0, 0, frob(Int::ZERO, Int::ZERO), Refusal::Inactive(INK));
}

#[test]
fn accounts_that_contradict_themselves() {
    let world = world();
    let feeds = Feeds { readings: &[] };
    let quoted = world.market.at(feeds, Lens::View, world.at).unwrap();
    let account = || Account::new(AccountId(0));
    let told = |account: &Account| quoted.verdict(account, Test::Liquidation).map(|_| ()).err();
    for bad in [
        account().with(INK, Int::new(-1)),
        account().with_term(HOPE, Int::new(-1)),
        account().with_term(TermId(3), Int::ONE),
    ] {
        assert!(matches!(told(&bad), Some(Refusal::InconsistentAccount(_))), "{bad:?}");
        let call = Call {
            actor: AccountId(0),
            account: AccountId(0),
            at: world.at,
            action: Action::Deposit { into: INK, amount: Amount::Assets(wad(1)) },
        };
        let all = vec![bad];
        let accounts: &dyn Accounts = &all;
        let told = world.market.act(&call, accounts, feeds, &mut Silent);
        assert!(matches!(told, Err(Refusal::InconsistentAccount(_))));
    }
    assert_eq!(told(&account().with(DAI, Int::ONE)), Some(Refusal::NoSuchInstrument(DAI)));
    let balance = quoted.balance(&account(), DAI).map(|_| ());
    assert_eq!(balance, Err(Refusal::NoSuchInstrument(DAI)));
    assert_eq!(world.market.counting(&account(), DAI).map(|_| ()), Err(Refusal::NoSuchInstrument(DAI)));
    let (low, high) = (account().with(ART, Int::new(2)), account().with(ART, Int::ONE));
    let over = quoted.over(&low, &high, Test::Liquidation, feeds);
    assert!(matches!(over, Err(Refusal::InconsistentAccount(_))));
}

#[test]
fn numbers_that_no_contract_holds() {
    let names = Names { gem: "ETH", dai: "DAI", currency: "USD" };
    let made = |rules: Parameters, state: State| {
        plimsoll_venues::maker::Market::new(Revision::V2_0, names, rules, state).map(|_| ())
    };
    let usual = rules();
    let fresh = state(&usual);
    assert_eq!(made(usual, fresh), Ok(()));
    for bad in [
        Parameters { mat: U256::ZERO, ..usual },
        Parameters { par: U256::ZERO, ..usual },
        Parameters { hop: 1 << 16, ..usual },
    ] {
        assert_eq!(made(bad, fresh), Err(Refusal::NoSuchCell));
    }
    let next = stored(U256::ZERO.with_bit(128, true));
    assert_eq!(made(usual, State { next, ..fresh }), Err(Refusal::NoSuchCell));
    let _ = Maker;
}
