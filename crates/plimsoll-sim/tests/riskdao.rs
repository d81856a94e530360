//! Risk DAO's rules by hand: one lot of 600 units into a market that takes 400 in half an hour.

#![allow(clippy::float_arithmetic, clippy::expect_used)]

use plimsoll_sim::riskdao::{Minute, Setting, Tape, USD_A_UNIT};

fn tape(price: impl Fn(usize) -> f64) -> Tape {
    let minute = |at: usize| {
        let liquidated = if at == 0 { 3.0 } else { 0.0 };
        Minute { ask: price(at), bid: price(at), liquidated }
    };
    Tape::new(&(0..40).map(minute).collect::<Vec<_>>()).expect("a tape")
}

const SETTING: Setting = Setting {
    volume: 400.0,
    collateral: 600.0 * USD_A_UNIT,
    factor: 1.0,
    incentive: 0.1,
    every: 1800.0,
    recovery: 1e-6,
};

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{found}, expected {expected}");
}

#[test]
fn a_lot_waits_for_the_market_and_the_worst_fall_is_told() {
    let found = tape(|at| if at == 5 { 90.0 } else { 100.0 }).play(&SETTING).expect("an outcome");
    near(found.capacity, 400.0);
    near(found.volume, 600.0);
    near(found.max_liquidation_volume, 600.0);
    // 401 are closed at once and one unit in each minute after, so that 195 wait when the price is at 90.
    near(found.max_drop, 0.1);
    near(found.price_at_max_drop, 90.0);
    near(found.max_drop_volume, 195.0);
    // 400 into a reserve of 3,600: (3600 / 4000)^2.
    near(found.min_factor, 0.81);
    // In minute 31 the first sale is half an hour ago, and the market takes the rest.
    near(found.open_volume, 0.0);
}

#[test]
fn an_impact_that_stays_is_a_fall_of_its_own() {
    // A half-life of a million days: the price stays at 0.81 while the rest waits.
    let found = tape(|_| 100.0).play(&Setting { recovery: 1e6, ..SETTING }).expect("an outcome");
    assert!((found.max_drop - 0.19).abs() < 1e-6, "{}", found.max_drop);
}

#[test]
fn what_is_no_configuration_has_no_outcome() {
    let tape = tape(|_| 100.0);
    for setting in [
        Setting { incentive: 1.0, ..SETTING },
        Setting { every: 59.0, ..SETTING },
        Setting { volume: 0.0, ..SETTING },
        Setting { recovery: f64::NAN, ..SETTING },
    ] {
        assert_eq!(tape.play(&setting), None);
    }
    assert!(Tape::new(&[]).is_none());
    assert!(Tape::new(&[Minute { ask: 1.0, bid: 1.0, liquidated: 0.0 }]).is_none());
}
