//! The last unit on each side of a boundary. Figures are from the description, worked out in whole numbers by hand.

use crate::health::SETUP;
use crate::world::*;
use plimsoll_core::{
    Account, AccountId, Action, Amount, Feeds, Int, Lens, Market as _, Reading, Refusal, Silent, Time, U256,
};
use plimsoll_venues::morpho_blue::{BORROW, COLLATERAL, Irm, Market, Parameters, Pool, SUPPLY, State};

fn parameters(lltv: u128, irm: Irm) -> Parameters {
    Parameters { loan_decimals: 6, collateral_decimals: 18, lltv: u(lltv), irm }
}

#[test]
fn a_token_has_at_most_36_decimals() {
    let market = |loan_decimals, collateral_decimals| {
        let parameters =
            Parameters { loan_decimals, collateral_decimals, ..parameters(SETUP.lltv, Irm::Zero) };
        Market::new(["A", "B"], parameters, state(START)).map(|_| ())
    };
    assert_eq!(market(36, 36), Ok(()));
    assert_eq!(market(37, 36), Err(Refusal::NoSuchCell));
    assert_eq!(market(36, 37), Err(Refusal::NoSuchCell));
}

/// fl(10^36 / (10^18 - fl(0.3 x (10^18 - lltv)))), at most 1.15; at these lltvs the inner floor cuts.
#[test]
fn the_incentive_cuts_twice() {
    for (lltv, incentive) in [
        (860_000_000_000_000_001, 1_043_841_336_116_910_228),
        (945_000_000_000_000_003, 1_016_776_817_488_561_259),
        (700_000_000_000_000_001, 1_098_901_098_901_098_899),
        (385_000_000_000_000_007, 1_150_000_000_000_000_000),
    ] {
        assert_eq!(parameters(lltv, Irm::Zero).incentive(&mut Silent), Ok(u(incentive)), "{lltv}");
    }
}

/// A pool of 2^128 - 1 is one that the contract can hold; one unit more is not.
#[test]
fn totals_end_at_128_bits() {
    let most = U256::ZERO.with_bit(128, true).sub(U256::ONE).unwrap();
    let ten = u(10);
    for (room, fits) in [(ten, true), (u(9), false)] {
        let supply = Pool { assets: most.sub(room).unwrap(), shares: U256::ZERO };
        let state = State { supply, ..state(START) };
        let market = Market::new(["A", "B"], parameters(SETUP.lltv, Irm::Zero), state).unwrap();
        let mut world = World { market, ..World::new(SETUP) };
        let deposited = world.action(0, 0, Action::Deposit { into: SUPPLY, amount: Amount::Assets(ten) });
        // So few shares for so many assets that the deposit buys none; what is told then is the sum.
        assert_eq!(deposited.is_ok(), fits, "{room}: {deposited:?}");
    }
}

/// All that is idle may go, and not a unit more (`insufficient liquidity`).
#[test]
fn the_last_idle_unit_can_be_taken() {
    let mut world = World::new(Setup { irm: Irm::Zero, ..SETUP });
    world.step(Op::Supply { by: 0, to: 0, size: Size::Part(1000) });
    world.step(Op::Post { by: 1, to: 1, size: Size::Part(1000) });
    let idle = world.state().supply.assets;
    let borrow = |amount| Action::Borrow { debt: BORROW, amount: Amount::Assets(amount) };
    let withdraw = |amount| Action::Withdraw { from: SUPPLY, amount: Amount::Assets(amount) };
    let half = idle.div(u(2), plimsoll_core::Rounding::Down).unwrap();
    let rest = idle.sub(half).unwrap();
    let one_more = rest.add(U256::ONE).unwrap();
    world.price = world.price.mul(u(1000)).unwrap();
    world.action(1, 1, borrow(half)).unwrap();
    world.clone().action(1, 1, borrow(rest)).unwrap();
    world.clone().action(0, 0, withdraw(rest)).unwrap();
    let refusal = Err(Refusal::InsufficientCash { held: rest, asked: one_more });
    assert_eq!(world.clone().action(1, 1, borrow(one_more)).map(|_| ()), refusal);
    assert_eq!(world.clone().action(0, 0, withdraw(one_more)).map(|_| ()), refusal);
}

/// Utilisation a year, both divisions cut: 567503996185583999202313 of 10^24 + 7 is 0.567503996185583995 and a bit;
/// one more in its last digit would be another rate. A day of it, by x + x^2/2 + x^3/6.
#[test]
fn utilisation_is_cut() {
    let pool = |assets: u128| Pool { assets: u(assets), shares: u(assets) };
    let state = State {
        supply: pool(1_000_000_000_000_000_000_000_007),
        borrow: pool(567_503_996_185_583_999_202_313),
        ..state(START)
    };
    let market = Market::new(["A", "B"], parameters(SETUP.lltv, Irm::Utilisation), state).unwrap();
    let (after, _) = market.accrued(Time(START + 86_400)).unwrap();
    let interest = after.borrow.assets.sub(state.borrow.assets).unwrap();
    assert_eq!(interest, u(883_044_620_174_020_362_309));
}

/// Roundings that only people see: health down, debt up, value down.
#[test]
fn shown_numbers_are_cut_against_the_account() {
    let totals = State {
        supply: Pool { assets: u(3_000), shares: u(3_000_000_000) },
        borrow: Pool { assets: u(2_000), shares: u(1_999_000_000) },
        ..state(START)
    };
    let market = Market::new(["A", "B"], parameters(860_000_000_000_000_000, Irm::Zero), totals).unwrap();
    let account =
        Account::new(AccountId(0)).with(COLLATERAL, Int::new(1_000)).with(BORROW, Int::new(700_000_001));
    // A price of 1.0009: 1000 are worth 1000.9, and carry fl(1000 x 0.86).
    let price = u(1_000_900).mul(U256::pow10(30).unwrap()).unwrap();
    let readings = [Reading::certain(price)];
    let quoted = market.at(Feeds { readings: &readings }, Lens::Action, Time(START)).unwrap();
    let figures = quoted.figures(&account).unwrap();
    let figure = |name: &str| figures.iter().find(|f| f.name == name).unwrap().value;
    // 700000001 x 2001 / 2000000000 = 700.35...: owed is 701.
    assert_eq!(figure("borrowedAssets"), Int::new(701));
    assert_eq!(quoted.balance(&account, BORROW).unwrap().raw, u(701));
    assert_eq!(quoted.balance(&account, COLLATERAL).unwrap().value, Some(u(1_000)));
    assert_eq!(figure("maxBorrow"), Int::new(860));
    // 860 / 701 = 1.2268188302425106990...
    assert_eq!(figure("healthFactor"), Int::new(1_226_818_830_242_510_699));
}
