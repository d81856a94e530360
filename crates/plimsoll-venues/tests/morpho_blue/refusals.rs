//! Every refusal that a Morpho market can give, by the call that gets it.

use crate::health::SETUP;
use crate::world::*;
use plimsoll_core::{
    Action, Amount, Feeds, InstrumentId, Int, Lens, Lot, Market as _, Mechanism, Reading, Receive, Refusal,
    TermId, Test, Time, U256, Why,
};
use plimsoll_venues::morpho_blue::{BORROW, COLLATERAL, Irm, LOAN, MAX_UINT128, SUPPLY};

/// 0 lends 1,000,000 USDC; 1 has posted 700 WETH, worth 1,400,000, and owes 900,000.
fn world() -> World {
    let setup = Setup { irm: Irm::Zero, ..SETUP };
    let mut world = World::new(setup);
    world.step(Op::Supply { by: 0, to: 0, size: Size::Part(1000) });
    world.step(Op::Post { by: 1, to: 1, size: Size::Part(700) });
    world.action(1, 1, Action::Borrow { debt: BORROW, amount: usdc(900_000) }).unwrap();
    world
}

fn usdc(whole: u128) -> Amount {
    Amount::Assets(u(whole * 1_000_000))
}

fn cast() -> Refusal {
    Refusal::Overflow(MAX_UINT128)
}

#[track_caller]
fn check(world: &World, actor: u64, account: u64, action: Action, refusal: Refusal) {
    let before = world.market.state();
    let mut after = world.clone();
    assert_eq!(after.action(actor, account, action), Err(refusal));
    assert_eq!(after.market.state(), before);
}

#[test]
fn every_refusal_is_reachable() {
    let world = world();
    let mut sunk = world.clone();
    sunk.price = world.price.div(u(2), plimsoll_core::Rounding::Down).unwrap();
    let seize = |amount| liquidation(Lot::Seize(amount));
    let beyond = Amount::Assets(U256::ZERO.with_bit(128, true));
    let huge = Amount::Shares(U256::MAX);
    let deposit = |into, amount| Action::Deposit { into, amount };
    let withdraw = |from, amount| Action::Withdraw { from, amount };
    let borrow = |amount| Action::Borrow { debt: BORROW, amount };
    let repay = |amount| Action::Repay { debt: BORROW, amount };
    let nothing = Amount::Assets(U256::ZERO);

    // exactlyOneZero, and "zero assets"
    for action in [
        deposit(SUPPLY, nothing),
        deposit(COLLATERAL, nothing),
        withdraw(SUPPLY, nothing),
        withdraw(COLLATERAL, nothing),
        borrow(nothing),
        repay(nothing),
        seize(U256::ZERO),
        liquidation(Lot::Repay(Amount::Shares(U256::ZERO))),
    ] {
        check(&world, 0, 1, action, Refusal::AmountZero);
    }

    // toUint128
    check(&world, 0, 0, deposit(COLLATERAL, beyond), cast());
    check(&world, 0, 0, deposit(SUPPLY, beyond), cast());
    check(&world, 1, 1, withdraw(COLLATERAL, beyond), cast());
    check(&world, 1, 1, repay(beyond), cast());
    check(&sunk, 0, 1, seize(U256::ZERO.with_bit(150, true)), cast());

    // checked arithmetic
    let formula = "assets = shares * (assets of all + 1) / (shares of all + 1e6)";
    check(&world, 0, 0, deposit(SUPPLY, huge), Refusal::Overflow(formula));
    let full = Amount::Assets(U256::ZERO.with_bit(128, true).sub(U256::ONE).unwrap());
    check(&world, 1, 1, deposit(COLLATERAL, full), Refusal::Overflow("collateral + assets"));

    // panics for want of balance
    let shares = |world: &World, who, instrument| world.held(who, instrument).add(U256::ONE).unwrap();
    let too_large = |held, asked| Refusal::AmountTooLarge { held, asked };
    let held = world.held(0, SUPPLY);
    let asked = shares(&world, 0, SUPPLY);
    check(&world, 0, 0, withdraw(SUPPLY, Amount::Shares(asked)), too_large(held, asked));
    let held = world.held(1, COLLATERAL);
    let asked = shares(&world, 1, COLLATERAL);
    check(&world, 1, 1, withdraw(COLLATERAL, Amount::Assets(asked)), too_large(held, asked));
    let held = world.held(1, BORROW);
    let asked = shares(&world, 1, BORROW);
    check(&world, 0, 1, repay(Amount::Shares(asked)), too_large(held, asked));
    check(&sunk, 0, 1, liquidation(Lot::Repay(Amount::Shares(asked))), too_large(held, asked));
    check(&world, 0, 2, withdraw(SUPPLY, Amount::All), Refusal::NothingHeld(SUPPLY));
    check(&world, 0, 2, withdraw(COLLATERAL, Amount::All), Refusal::NothingHeld(COLLATERAL));
    check(&world, 0, 2, repay(Amount::All), Refusal::NothingOwed(BORROW));

    // the line: 1,400,000 * 0.86 = 1,204,000
    let over = |debt| Refusal::OverCapacity { debt: u(debt), capacity: u(1_204_000_000_000) };
    check(&world, 1, 1, borrow(Amount::Assets(u(304_000_000_001))), over(1_204_000_000_001));
    let all_but_half = withdraw(COLLATERAL, Amount::Assets(u(350 * 10u128.pow(18))));
    let over = Refusal::OverCapacity { debt: u(900_000_000_000), capacity: u(602_000_000_000) };
    check(&world, 1, 1, all_but_half, over);
    check(&world, 0, 1, seize(U256::ONE), Refusal::NotLiquidatable);
    check(&world, 0, 2, seize(U256::ONE), Refusal::NotLiquidatable);

    // the cash: 100,000 left
    let short = |asked| Refusal::InsufficientCash { held: u(100_000_000_000), asked: u(asked) };
    check(&world, 1, 1, borrow(usdc(200_000)), short(200_000_000_000));
    check(&world, 0, 0, withdraw(SUPPLY, usdc(100_001)), short(100_001_000_000));

    // the oracle
    let mut free = sunk.clone();
    free.price = U256::ZERO;
    let formula = "seized = quoted * 1e36 / price";
    check(&free, 0, 1, liquidation(Lot::Repay(Amount::All)), Refusal::DivisionByZero(formula));
    let dead = [Reading::unknown(None, Why::Stale)];
    let call = plimsoll_core::Call {
        actor: plimsoll_core::AccountId(0),
        account: plimsoll_core::AccountId(1),
        at: world.at,
        action: seize(U256::ONE),
    };
    let unknown = Refusal::PriceUnknown { slot: 0, why: Why::Stale };
    let silent = &mut plimsoll_core::Silent;
    let answer = world.market.act(&call, &world.accounts, Feeds { readings: &dead }, silent);
    assert_eq!(answer, Err(unknown));

    // the clock
    let mut past = world.clone();
    past.at = Time(START - 1);
    let back = Refusal::ClockWentBack { state: Time(START), asked: past.at };
    check(&past, 0, 0, Action::Accrue, back);
    let view = past.market.at(Feeds { readings: &[] }, Lens::View, past.at);
    assert_eq!(view.err(), Some(back));

    // what Morpho does not have
    for action in [
        deposit(SUPPLY, Amount::All),
        borrow(Amount::All),
        liquidation(Lot::Repay(usdc(1))),
        Action::Liquidate(Mechanism::Bark),
        Action::Liquidate(Mechanism::Discount {
            repay: BORROW,
            seize: COLLATERAL,
            lot: Lot::Seize(U256::ONE),
            receive: Receive::Receipt,
        }),
        Action::Poke { slot: 0 },
        Action::SetTerm { term: TermId(0), value: Int::ONE },
        Action::UseAsCollateral { instrument: COLLATERAL, on: false },
        Action::Transfer { instrument: SUPPLY, to: plimsoll_core::AccountId(0), amount: Amount::All },
        Action::Settle { instrument: LOAN },
    ] {
        check(&sunk, 0, 1, action, Refusal::NotAtThisVenue);
    }
    check(&world, 0, 0, deposit(BORROW, usdc(1)), Refusal::NoSuchInstrument(BORROW));
    check(&world, 0, 0, withdraw(LOAN, usdc(1)), Refusal::NoSuchInstrument(LOAN));
    let other = InstrumentId(9);
    check(&world, 0, 0, Action::Borrow { debt: other, amount: usdc(1) }, Refusal::NoSuchInstrument(other));
    check(&world, 0, 0, Action::Repay { debt: SUPPLY, amount: usdc(1) }, Refusal::NoSuchInstrument(SUPPLY));
    let discount = |repay, seize| {
        let (lot, receive) = (Lot::Seize(U256::ONE), Receive::Asset);
        Action::Liquidate(Mechanism::Discount { repay, seize, lot, receive })
    };
    check(&sunk, 0, 1, discount(LOAN, COLLATERAL), Refusal::NoSuchInstrument(LOAN));
    check(&sunk, 0, 1, discount(BORROW, SUPPLY), Refusal::NotSeizable(SUPPLY));
}

fn borrower(shares: U256) -> plimsoll_core::Account {
    plimsoll_core::Account::new(plimsoll_core::AccountId(0)).with(BORROW, shares.into())
}

/// `mulDivUp` overflows on product plus divisor, also where the quotient would fit.
#[test]
fn rounding_up_overflows_as_the_contract_does() {
    use plimsoll_venues::morpho_blue::{Market, Parameters, Pool, State};
    let full = U256::ZERO.with_bit(128, true).sub(U256::ONE).unwrap();
    let parameters =
        Parameters { loan_decimals: 0, collateral_decimals: 0, lltv: u(SETUP.lltv), irm: Irm::Zero };
    let borrow = Pool { assets: full, shares: full };
    let totals = State { borrow, supply: borrow, ..state(START) };
    let market = Market::new(["A", "B"], parameters, totals).unwrap();
    let readings = [Reading::certain(U256::ONE)];
    let quoted = market.at(Feeds { readings: &readings }, Lens::View, Time(START)).unwrap();
    // (2^128 - 1) * 2^128 + (2^128 - 1 + 10^6 - 1) > 2^256 - 1
    let formula = "owed = shares * (borrow assets + 1) / (borrow shares + 1e6)";
    assert_eq!(quoted.verdict(&borrower(full), Test::Liquidation).err(), Some(Refusal::Overflow(formula)));
    // One share fewer: 2^256 - 2^129 + (2^128 + 10^6 - 2) fits.
    let fewer = full.sub(U256::ONE).unwrap();
    assert!(quoted.verdict(&borrower(fewer), Test::Liquidation).is_ok());
}

/// A liquidator may be the borrower, and an account that was never heard of is one that holds nothing.
#[test]
fn self_liquidation_and_strangers_are_allowed() {
    let mut sunk = world();
    sunk.price = sunk.price.div(u(2), plimsoll_core::Rounding::Down).unwrap();
    assert!(sunk.action(1, 1, liquidation(Lot::Seize(U256::ONE))).is_ok());
    let deposit = Action::Deposit { into: SUPPLY, amount: usdc(5) };
    let effects = sunk.action(77, 99, deposit).unwrap();
    let party = plimsoll_core::Party::Account(plimsoll_core::AccountId(99));
    assert_eq!(effects.net(party, SUPPLY), Some(Int::new(5_000_000_000_000)));
}
