//! Black-76 against values of high precision, within the errors that come with the numbers.

#![allow(clippy::unwrap_used)]

use num_bigint::BigInt;
use plimsoll_margin::black76::{European, Near, Right, Settling, delta_in_coin, deviation, in_coin};
use plimsoll_margin::fixed::ONE;

const UNIT: i64 = 1_000_000;

fn holds(name: &str, line: &str, near: Near, truth: &str) -> bool {
    let truth: BigInt = truth.parse().unwrap();
    let error = BigInt::from(near.value) * UNIT - truth;
    assert!(
        *error.magnitude() <= (BigInt::from(near.error) * UNIT).magnitude().clone(),
        "{name} of {line}: {near:?}"
    );
    // Whether the error is more than a thousandth of its bound.
    error.magnitude() * 1_000_u32 > (BigInt::from(near.error) * UNIT).magnitude().clone()
}

#[test]
fn prices_and_greeks_are_within_their_errors_of_the_true_values() {
    let mut telling = 0;
    for line in include_str!("values/black76.txt").lines() {
        let words: Vec<&str> = line.split(' ').collect();
        let number = |at: usize| words[at].parse::<i128>().unwrap();
        let option = European {
            forward: number(0),
            strike: number(1),
            deviation: deviation(number(2), number(4) as u64).unwrap(),
            discount: number(3),
            right: if words[5] == "C" { Right::Call } else { Right::Put },
        };
        let price = option.price().unwrap();
        telling += usize::from(holds("price", line, price, words[6]));
        // Far below what an account is: 4 units of the whole price of both.
        assert!(price.error <= (option.forward + option.strike) / ONE * 2 + 8, "{line}");
        let greeks = option.greeks().unwrap();
        holds("delta", line, greeks.delta, words[7]);
        holds("gamma", line, greeks.gamma, words[8]);
        holds("vega", line, greeks.vega, words[9]);
    }
    // Bounds are no more than a thousand times the errors that occur, most of the time.
    assert!(telling > 200, "{telling}");
}

fn option(forward: i128, strike: i128, deviation: i128, right: Right) -> European {
    European { forward, strike, deviation, discount: ONE, right }
}

#[test]
fn what_is_certain_is_exact() {
    let value = |option: European| option.price().unwrap().value;
    assert_eq!(value(option(7 * ONE, 5 * ONE, 0, Right::Call)), 2 * ONE);
    assert_eq!(value(option(7 * ONE, 5 * ONE, 0, Right::Put)), 0);
    assert_eq!(value(option(0, 5 * ONE, ONE, Right::Put)), 5 * ONE);
    assert_eq!(value(option(7 * ONE, 0, ONE, Right::Call)), 7 * ONE);
    assert_eq!(value(option(7 * ONE, 0, ONE, Right::Put)), 0);
    assert_eq!(option(7 * ONE, 5 * ONE, 0, Right::Call).greeks(), None);
    assert_eq!(option(-1, 5, ONE, Right::Call).price(), None);
    assert_eq!(option(i128::MAX, i128::MAX, ONE, Right::Call).price(), None);
    // Whatever the deviation, a call is worth no more than the forward and no less than it pays now.
    for deviation in [1, 1_000, ONE, 40 * ONE, 1_000 * ONE] {
        let call = value(option(7 * ONE, 5 * ONE, deviation, Right::Call));
        assert!((2 * ONE..=7 * ONE).contains(&call), "{deviation} {call}");
    }
}

#[test]
fn calls_less_puts_are_forward_less_strike() {
    for strike in (1..200).map(|n| n * ONE / 10) {
        let [call, put] =
            [Right::Call, Right::Put].map(|right| option(10 * ONE, strike, ONE / 2, right).price().unwrap());
        assert!((call.value - put.value - (10 * ONE - strike)).abs() <= call.error + put.error);
    }
}

#[test]
fn coins_are_paid_at_the_settlement_price() {
    // At expiry: max(S - K, 0) / S coins.
    let linear = option(50_000 * ONE, 40_000 * ONE, 0, Right::Call).price().unwrap();
    let coin = in_coin(linear, 50_000 * ONE).unwrap();
    assert_eq!(coin.value, ONE / 5);
    assert!(coin.error <= 4);
    assert_eq!(in_coin(linear, 0), None);
    let whole = Near { value: ONE, error: 1 };
    assert_eq!(delta_in_coin(whole, coin), Some(Near { value: ONE - ONE / 5, error: 1 + coin.error }));
}

#[test]
fn the_last_half_hour_is_fixed_second_by_second() {
    let forward = 3_600 * ONE;
    assert_eq!(Settling::of(forward, 1_800, 1_800), Some(Settling { fixed: 0, moving: forward }));
    assert_eq!(Settling::of(forward, 450, 1_800), Some(Settling { fixed: 2_700 * ONE, moving: 900 * ONE }));
    assert_eq!(Settling::of(forward, 0, 1_800).unwrap().at(2 * ONE), Some(forward));
    // A market that doubles moves a quarter of it.
    assert_eq!(Settling::of(forward, 450, 1_800).unwrap().at(2 * ONE), Some(4_500 * ONE));
}
