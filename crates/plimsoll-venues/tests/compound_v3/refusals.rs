//! Every refusal that a Compound v3 market can give, by the call that gets it.

use crate::world::*;
use plimsoll_core::{
    AccountId, Action, Amount, Call, Cell, Feeds, InstrumentId, Int, Lens, Lot, Market as _, Mechanism,
    Reading, Receive, Refusal, Silent, TermId, Test, Time, U256, Venue as _, Why,
};
use plimsoll_venues::compound_v3::{
    BASE, CompoundV3, DEBT, Market, PAUSE_ABSORB, PAUSE_BUY, PAUSE_SUPPLY, PAUSE_TRANSFER, PAUSE_WITHDRAW,
    SUPPLY, Spec, State, casts, collateral, slot, token,
};

/// 0 lends 1,000,000 USDC; 1 has posted 10 WETH, worth 30,000, and owes 20,000.
fn world() -> World {
    let mut world = World::new();
    world.action(0, 0, deposit(SUPPLY, usdc(1_000_000))).unwrap();
    world.action(1, 1, deposit(collateral(0), weth(10))).unwrap();
    world.action(1, 1, borrow(usdc(20_000))).unwrap();
    world
}

fn usdc(whole: u128) -> Amount {
    Amount::Assets(u(whole * 1_000_000))
}

fn weth(whole: u128) -> Amount {
    Amount::Assets(u(whole * 10u128.pow(18)))
}

fn deposit(into: InstrumentId, amount: Amount) -> Action {
    Action::Deposit { into, amount }
}

fn withdraw(from: InstrumentId, amount: Amount) -> Action {
    Action::Withdraw { from, amount }
}

fn borrow(amount: Amount) -> Action {
    Action::Borrow { debt: DEBT, amount }
}

fn repay(amount: Amount) -> Action {
    Action::Repay { debt: DEBT, amount }
}

fn send(instrument: InstrumentId, to: u64, amount: Amount) -> Action {
    Action::Transfer { instrument, to: AccountId(to), amount }
}

fn absorb(who: u64) -> Action {
    Action::Liquidate(Mechanism::Absorb { accounts: vec![AccountId(who)] })
}

fn buy(asset: usize, pay: U256) -> Action {
    Action::Liquidate(Mechanism::BuyReserve { asset: collateral(asset), pay })
}

#[track_caller]
fn check(world: &World, actor: u64, account: u64, action: Action, refusal: Refusal) {
    let (mut before, mut bytes) = (Vec::new(), Vec::new());
    world.market.encode(&mut before);
    let mut after = world.clone();
    assert_eq!(after.action(actor, account, action), Err(refusal));
    after.market.encode(&mut bytes);
    assert_eq!(bytes, before);
}

fn set(world: &World, object: u64, name: &str, value: impl Into<Int>) -> World {
    let mut world = world.clone();
    let mut cell = None;
    world.market.visit(&mut |known: Cell, called, _, _| {
        if known.object == object && called == name {
            cell = Some(known);
        }
    });
    world.market.set(cell.unwrap(), Some(value.into())).unwrap();
    world
}

#[test]
fn every_refusal_is_reachable() {
    let world = world();
    let mut sunk = world.clone();
    sunk.prices[1] = u(100_000_000_000);
    let nothing = Amount::Assets(U256::ZERO);

    // SupplyCapExceeded: a million WETH is the cap, and 10 are in.
    check(&world, 2, 2, deposit(collateral(0), weth(999_991)), Refusal::SupplyCap(collateral(0)));
    assert!(world.clone().action(2, 2, deposit(collateral(0), weth(999_990))).is_ok());

    // NotCollateralized: 30,000 x 0.83 = 24,900. Values have two digits more than USDC.
    let over = |debt: u128, capacity: u128| Refusal::OverCapacity {
        debt: u(debt * 100),
        capacity: u(capacity * 100),
    };
    let one_more = Amount::Assets(u(4_900_000_001));
    check(&world, 1, 1, borrow(one_more), over(24_900_000_001, 24_900_000_000));
    assert!(world.clone().action(1, 1, borrow(usdc(4_900))).is_ok());
    check(&world, 1, 1, withdraw(SUPPLY, one_more), over(24_900_000_001, 24_900_000_000));
    check(&world, 1, 1, withdraw(collateral(0), weth(2)), over(20_000_000_000, 19_920_000_000));
    check(&world, 1, 1, send(collateral(0), 2, weth(2)), over(20_000_000_000, 19_920_000_000));
    check(&world, 1, 1, send(SUPPLY, 2, usdc(4_901)), over(24_901_000_000, 24_900_000_000));
    check(&world, 2, 2, borrow(usdc(100)), over(100_000_000, 0));

    // BorrowTooSmall comes before the line; 100 USDC is the least.
    let small = |owed| Refusal::BorrowTooSmall { owed: u(owed), least: u(100_000_000) };
    check(&world, 2, 2, borrow(Amount::Assets(u(99_999_999))), small(99_999_999));
    check(&world, 2, 2, withdraw(SUPPLY, Amount::Assets(u(1))), small(1));
    check(&world, 2, 2, send(SUPPLY, 1, Amount::Assets(u(1))), small(1));

    // The cash: 980,000 are left, and the lender has a million.
    let short = |held, asked| Refusal::InsufficientCash { held: u(held), asked: u(asked) };
    check(&world, 0, 0, withdraw(SUPPLY, Amount::All), short(980_000_000_000, 1_000_000_000_000));
    check(&world, 0, 0, withdraw(SUPPLY, usdc(980_001)), short(980_000_000_000, 980_001_000_000));
    assert!(world.clone().action(0, 0, withdraw(SUPPLY, usdc(980_000))).is_ok());

    // Panics for want of balance, and "all" of nothing.
    let ten = u(10 * 10u128.pow(18));
    let too_large = Refusal::AmountTooLarge { held: ten, asked: u(11 * 10u128.pow(18)) };
    check(&world, 1, 1, withdraw(collateral(0), weth(11)), too_large);
    check(&world, 1, 1, send(collateral(0), 2, weth(11)), too_large);
    check(&world, 2, 2, withdraw(collateral(0), Amount::All), Refusal::NothingHeld(collateral(0)));

    // Absorption.
    for who in [0, 1, 2, 77] {
        check(&world, 9, 9, absorb(who), Refusal::NotLiquidatable);
    }
    let twice = Action::Liquidate(Mechanism::Absorb { accounts: vec![AccountId(1), AccountId(1)] });
    check(&sunk, 9, 9, twice, Refusal::NotLiquidatable);

    // The sale: nothing is there; then the reserves are at their target, and one unit below it they are not.
    check(&world, 9, 9, buy(0, u(1_000_000)), short(0, 343_642_611_683_848));
    let target = Refusal::NotForSale { reserves: u(5), target: u(5) };
    let rich =
        set(&set(&world, 0, "base_balance", Int::new(980_000_000_005)), 0, "target_reserves", Int::new(5));
    check(&rich, 9, 9, buy(0, U256::ZERO), target);
    let poor = set(&rich, 0, "base_balance", Int::new(980_000_000_004));
    assert!(poor.clone().action(9, 9, buy(0, U256::ZERO)).is_ok());

    // Self transfers.
    check(&world, 1, 1, send(SUPPLY, 1, nothing), Refusal::SelfTransfer);
    check(&world, 1, 1, send(collateral(0), 1, nothing), Refusal::SelfTransfer);
}

#[test]
fn what_is_stopped_is_refused_before_all_else() {
    let world = world();
    let stop = |flag: u8| set(&world, 0, "pause_flags", Int::new(flag.into()));
    let none = Amount::Assets(U256::ZERO);
    let supplying = [deposit(SUPPLY, none), repay(Amount::All), deposit(collateral(0), none)];
    let withdrawing = [withdraw(SUPPLY, none), borrow(none), withdraw(collateral(0), none)];
    let transferring = [send(SUPPLY, 1, none), send(collateral(0), 1, none)];
    for (flag, what, stopped) in [
        (PAUSE_SUPPLY, "supplying", supplying.as_slice()),
        (PAUSE_WITHDRAW, "withdrawing", &withdrawing),
        (PAUSE_TRANSFER, "transferring", &transferring),
        (PAUSE_ABSORB, "absorbing", &[absorb(1)]),
        (PAUSE_BUY, "buying collateral", &[buy(0, U256::ZERO)]),
    ] {
        for action in stopped {
            check(&stop(flag), 1, 1, action.clone(), Refusal::ActionPaused(what));
        }
        // Nothing else is.
        let rest = stop(31 & !flag);
        for action in stopped {
            let answer = rest.clone().action(1, 1, action.clone());
            assert!(!matches!(answer, Err(Refusal::ActionPaused(_))), "{action:?}: {answer:?}");
        }
    }
    // The verdict stands, and nothing can be done about it.
    let mut sunk = stop(PAUSE_ABSORB);
    sunk.prices[1] = u(100_000_000_000);
    let line = sunk.assess(1, Test::Liquidation, Lens::Action).unwrap();
    assert_eq!(line.executable, Err(Refusal::ActionPaused("absorbing")));
    assert!(sunk.unhealthy(1));
    assert_eq!(world.assess(1, Test::Liquidation, Lens::Action).unwrap().executable, Ok(()));
}

#[test]
fn what_does_not_fit_is_told_by_the_contracts_name_for_it() {
    let world = world();
    let beyond = |bit| Amount::Assets(U256::ZERO.with_bit(bit, true));
    let cast = Refusal::Overflow;
    check(&world, 0, 0, deposit(collateral(0), beyond(128)), cast(casts::UINT128));
    check(&world, 1, 1, withdraw(collateral(0), beyond(128)), cast(casts::UINT128));
    check(&world, 0, 0, deposit(SUPPLY, beyond(255)), cast(casts::INT256));
    check(&world, 0, 0, deposit(SUPPLY, beyond(104)), cast(casts::UINT104));
    check(&world, 0, 0, deposit(SUPPLY, beyond(103)), cast(casts::INT104));
    check(&world, 1, 1, borrow(beyond(104)), cast(casts::UINT104));
    check(&world, 1, 1, borrow(beyond(254)), cast("principal = owed * 1e15 / borrow index"));
    check(&world, 0, 0, deposit(SUPPLY, beyond(254)), cast("principal = supplied * 1e15 / supply index"));
    let full =
        set(&world, 0, "total_supply_base", Int::from(U256::ZERO.with_bit(104, true).sub(u(2)).unwrap()));
    check(&full, 0, 0, deposit(SUPPLY, Amount::Assets(u(2))), cast("supplied by all + amount"));
    let full = set(&world, 1, "total_supply", Int::from(U256::ZERO.with_bit(128, true).sub(u(2)).unwrap()));
    check(&full, 0, 0, deposit(collateral(0), Amount::Assets(u(2))), cast("collateral of all + amount"));
    // A debt above the total of all (Panic 0x11), as recordings have had it.
    let short = set(&world, 0, "total_borrow_base", Int::new(19_999_999_999));
    check(&short, 1, 1, repay(Amount::All), cast("owed by all - amount"));
    let mut sunk = short;
    sunk.prices[1] = u(100_000_000_000);
    check(&sunk, 9, 9, absorb(1), cast("owed by all - amount"));

    let mut late = world.clone();
    late.at = Time(1 << 40);
    check(&late, 0, 0, Action::Accrue, cast(casts::TIMESTAMP));
    let grown = set(
        &set(&world, 0, "total_borrow_base", Int::ONE),
        0,
        "base_borrow_index",
        Int::new(i128::from(u64::MAX)),
    );
    let mut later = grown;
    later.at = Time(START + 1_000_000);
    check(&later, 0, 0, Action::Accrue, cast("borrow index = index + that"));
    let mut past = world.clone();
    past.at = Time(START - 1);
    let back = Refusal::ClockWentBack { state: Time(START), asked: past.at };
    check(&past, 0, 0, Action::Accrue, back);
    assert_eq!(past.market.at(Feeds { readings: &[] }, Lens::View, past.at).err(), Some(back));
}

#[test]
fn a_price_of_nothing_is_no_price() {
    let world = world();
    let answer = |readings: &[Reading], action: Action| {
        let call = Call { actor: AccountId(1), account: AccountId(1), at: world.at, action };
        world.market.act(&call, &world.accounts, Feeds { readings }, &mut Silent).map(|_| ())
    };
    let mut prices = readings(&world.prices);
    prices[0] = Reading::certain(U256::ZERO);
    let refused = |slot, why| Err(Refusal::PriceUnknown { slot, why });
    assert_eq!(answer(&prices, borrow(usdc(1))), refused(0, Why::NotPositive));
    prices[0] = Reading::unknown(None, Why::Stale);
    assert_eq!(answer(&prices, borrow(usdc(1))), refused(0, Why::Stale));
    assert_eq!(answer(&prices, absorb(1)), refused(0, Why::Stale));
    // Nobody asks a price of who pays, or of who owes nothing.
    assert_eq!(answer(&[], repay(usdc(1))), Ok(()));
    assert_eq!(answer(&[], repay(usdc(30_000))), Ok(()));
    assert_eq!(answer(&[], deposit(collateral(1), Amount::Assets(u(5)))), Ok(()));
    assert_eq!(answer(&prices, buy(0, u(1))), refused(0, Why::Stale));
    prices = readings(&world.prices);
    prices[1] = Reading::unknown(None, Why::Missing);
    assert_eq!(answer(&prices, buy(0, u(1))), refused(slot(0), Why::Missing));
    // A discount that leaves nothing of the price: 9 x 0.97 is 8, 1 x 0.97 nothing.
    prices[1] = Reading::certain(U256::ONE);
    let formula = "that * unit / reduced price";
    assert_eq!(answer(&prices, buy(0, u(1))), Err(Refusal::DivisionByZero(formula)));
}

#[test]
fn what_the_venue_does_not_have_is_refused() {
    let world = world();
    let shares = Amount::Shares(u(5));
    let discount = Mechanism::Discount {
        repay: DEBT,
        seize: collateral(0),
        lot: Lot::Repay(Amount::All),
        receive: Receive::Asset,
    };
    for action in [
        deposit(SUPPLY, Amount::All),
        deposit(collateral(0), Amount::All),
        borrow(Amount::All),
        deposit(SUPPLY, shares),
        withdraw(SUPPLY, shares),
        repay(shares),
        send(SUPPLY, 2, shares),
        Action::Liquidate(Mechanism::Bark),
        Action::Liquidate(discount),
        Action::Poke { slot: 0 },
        Action::SetTerm { term: TermId(0), value: Int::ONE },
        Action::UseAsCollateral { instrument: collateral(0), on: false },
        Action::Settle { instrument: BASE },
    ] {
        check(&world, 1, 1, action, Refusal::NotAtThisVenue);
    }
    let no = Refusal::NoSuchInstrument;
    for instrument in [BASE, DEBT, token(0), collateral(3), token(3)] {
        check(&world, 1, 1, deposit(instrument, usdc(1)), no(instrument));
        check(&world, 1, 1, withdraw(instrument, usdc(1)), no(instrument));
        check(&world, 1, 1, send(instrument, 2, usdc(1)), no(instrument));
        let sale = Action::Liquidate(Mechanism::BuyReserve { asset: instrument, pay: U256::ONE });
        check(&world, 1, 1, sale, no(instrument));
    }
    for instrument in [SUPPLY, BASE, collateral(0)] {
        check(&world, 1, 1, Action::Borrow { debt: instrument, amount: usdc(1) }, no(instrument));
        check(&world, 1, 1, Action::Repay { debt: instrument, amount: usdc(1) }, no(instrument));
    }
}

#[test]
fn an_account_that_contradicts_itself_is_refused() {
    let mut world = world();
    let both = plimsoll_core::Account::new(AccountId(2)).with(DEBT, Int::ONE).with(SUPPLY, Int::ONE);
    world.accounts[2] = both;
    let what = "the base token is both supplied and owed";
    check(&world, 2, 2, Action::Accrue, Refusal::InconsistentAccount(what));
    assert_eq!(world.assess(2, Test::Liquidation, Lens::View), Err(Refusal::InconsistentAccount(what)));
    for (instrument, bits) in [(SUPPLY, 104), (DEBT, 104), (collateral(1), 129)] {
        let what = "a holding that is negative or beyond its bits";
        for wrong in [Int::from(U256::ZERO.with_bit(bits - 1, true)), Int::new(-1)] {
            world.accounts[2] = plimsoll_core::Account::new(AccountId(2)).with(instrument, wrong);
            assert_eq!(world.assess(2, Test::Borrow, Lens::View), Err(Refusal::InconsistentAccount(what)));
        }
    }
    for instrument in [BASE, token(0), collateral(3)] {
        world.accounts[2] = plimsoll_core::Account::new(AccountId(2)).with(instrument, Int::ONE);
        assert_eq!(world.assess(2, Test::Borrow, Lens::View), Err(Refusal::NoSuchInstrument(instrument)));
    }
    let account = &world.accounts[1];
    for instrument in [BASE, token(0), collateral(3)] {
        assert!(matches!(world.market.counting(account, instrument), Err(Refusal::NoSuchInstrument(_))));
    }
}

/// What no contract can be is no market.
#[test]
fn impossible_markets_are_refused() {
    let made = |spec: Spec| Market::new(spec).map(|_| ());
    let spec = || Spec {
        base: "USDC".into(),
        currency: "USD".into(),
        rules: rules(),
        state: fresh(),
        assets: assets(),
    };
    assert_eq!(made(spec()), Ok(()));
    let refused = Err(Refusal::NoSuchCell);
    let one_less = u(INDEX_ONE - 1);
    for state in [
        State { base_supply_index: one_less, ..fresh() },
        State { base_borrow_index: one_less, ..fresh() },
        State { total_supply_base: U256::ZERO.with_bit(104, true), ..fresh() },
        State { last_accrual_time: 1 << 40, ..fresh() },
        State { base_balance: U256::MAX, ..fresh() },
    ] {
        assert_eq!(made(Spec { state, ..spec() }), refused);
    }
    for change in 0..7 {
        let mut rules = rules();
        match change {
            0 => rules.base_decimals = 5,
            1 => rules.base_decimals = 19,
            2 => rules.tracking_index_scale = U256::ZERO,
            3 => rules.base_min_for_rewards = U256::ZERO,
            4 => rules.store_front_price_factor = wad(1001),
            5 => rules.pause_flags = 32,
            _ => rules.supply.kink = U256::MAX,
        }
        assert_eq!(made(Spec { rules, ..spec() }), refused, "{change}");
    }
    for (factors, decimals) in [([900, 900, 950], 18), ([900, 1001, 950], 18), ([800, 900, 950], 20)] {
        let mut assets = assets();
        assets[0].rules.borrow_factor = wad(factors[0]);
        assets[0].rules.liquidate_factor = wad(factors[1]);
        assets[0].rules.decimals = decimals;
        assert_eq!(made(Spec { assets, ..spec() }), refused);
    }
    let many = |count| (0..count).map(|place| asset(&format!("A{place}"), 18, [800, 900, 950])).collect();
    assert_eq!(made(Spec { assets: many(24), ..spec() }), Ok(()));
    assert_eq!(made(Spec { assets: many(25), ..spec() }), refused);
    assert_eq!(CompoundV3.open(&[]).err(), Some(Refusal::NoSuchCell));
}
