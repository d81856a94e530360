//! The fixed-point functions against values of high precision, and against themselves over dense grids.

#![allow(clippy::unwrap_used)]

use num_bigint::BigInt;
use plimsoll_core::{Rounding, U256};
use plimsoll_margin::fixed::{
    ONE, density, div, dot, exp, ln_ratio, mul, mul_div, normal, power, root, root_of,
};

/// One unit of 1e-18 in the table's unit.
const UNIT: i64 = 1_000_000;

/// What the header of `fixed` says of a result, in units of 1e-24, and half of one for the table's own rounding.
fn bound(function: &str, arguments: &[i128], found: i128) -> BigInt {
    let half = BigInt::from(501_001);
    let share = |parts: BigInt| BigInt::from(found) * UNIT * parts / BigInt::from(ONE) + 1;
    match function {
        "exp" => half + ((BigInt::from(found) * UNIT) >> 112_usize) + 1,
        "power" => {
            let parts = BigInt::from(arguments[2].unsigned_abs()) * 51 / 100 / BigInt::from(ONE) + 2;
            half + share(parts)
        }
        _ => half,
    }
}

#[test]
fn functions_are_within_their_bounds_of_the_true_values() {
    let mut seen = [0; 5];
    for line in include_str!("values/fixed.txt").lines() {
        let mut words = line.split(' ');
        let function = words.next().unwrap();
        let mut numbers: Vec<&str> = words.collect();
        let truth: BigInt = numbers.pop().unwrap().parse().unwrap();
        let x: Vec<i128> = numbers.iter().map(|number| number.parse().unwrap()).collect();
        let (at, found) = match function {
            "exp" => (0, exp(x[0]).unwrap()),
            "ln" => (1, ln_ratio(x[0], x[1]).unwrap()),
            "normal" => (2, normal(x[0])),
            "density" => (3, density(x[0])),
            _ => (4, power((x[0], x[1]), x[2]).unwrap()),
        };
        let error = BigInt::from(found) * UNIT - truth;
        let bound = bound(function, &x, found);
        assert!(
            error.magnitude() <= bound.magnitude(),
            "{line}: found {found}, error {error}, bound {bound}"
        );
        seen[at] += 1;
    }
    assert!(seen.iter().all(|n| *n > 80), "{seen:?}");
}

/// Rounding to the nearest of something within 2^-94 of a monotone function may fall by nothing that a unit would show.
#[test]
fn functions_are_monotone_and_symmetric_on_dense_grids() {
    let step = 300_000_000_000_123; // 0.0003
    let (mut last, mut largest) = (0, 0);
    for n in -32_000..32_000_i128 {
        let x = n * step;
        assert_eq!(normal(x) + normal(-x), ONE);
        assert!(normal(x) >= last, "{x}");
        // The distribution's rise is its density times the step, within the density's own change.
        let rise = normal(x) - last;
        let mean = mul((density(x) + density(x - step)) / 2, step, Rounding::Down).unwrap();
        if n > -32_000 {
            largest = largest.max((rise - mean).abs());
        }
        last = normal(x);
    }
    // step^3 / 12 x max |p''| = 2.25e-12 x 0.4 = 9.0e-13 in units of 1e-18, and what two roundings are.
    assert!(largest < 900_100, "{largest}");
    let mut last = 0;
    for n in 0..40_000_i128 {
        let x = (n - 20_000) * 2_100_000_000_000_007;
        let e = exp(x).unwrap();
        assert!(e >= last, "{x}");
        last = e;
        // e^x e^-x = 1 within what the smaller of both is rounded by.
        let (small, great) = (e.min(exp(-x).unwrap()), e.max(exp(-x).unwrap()));
        let one = mul_div(small, great, ONE, Rounding::Down).unwrap();
        assert!((one - ONE).abs() <= great / ONE + 3, "{x} {one}");
        // ln e^x = x within the share that one unit is of e^x.
        if e > 1_000 {
            let back = ln_ratio(e, ONE).unwrap();
            assert!((back - x).abs() <= ONE / e + 2, "{x} {back}");
        }
    }
}

#[test]
fn what_does_not_fit_is_none() {
    assert_eq!((exp(-51 * ONE), exp(51 * ONE), exp(47 * ONE)), (Some(0), None, None));
    assert_eq!((exp(i128::MIN), exp(i128::MAX)), (Some(0), None));
    assert_eq!(
        (ln_ratio(0, 1), ln_ratio(1, 0), ln_ratio(-1, 1), ln_ratio(5, 5)),
        (None, None, None, Some(0))
    );
    assert_eq!((normal(i128::MAX), normal(i128::MIN), density(i128::MIN)), (ONE, 0, 0));
    assert_eq!((mul(i128::MAX, i128::MAX, Rounding::Down), div(1, 0, Rounding::Down)), (None, None));
    assert_eq!((root(-1), root(0), root(4 * ONE)), (None, Some(0), Some(2 * ONE)));
}

/// ln(1 + 4.9e-19) rounds to 0, and times 10^18 it is 0.49: beyond 10^15 no bound is promised, and so nothing is answered.
#[test]
fn a_power_beyond_its_bound_is_none() {
    let most = 1_000_000_000_000_000 * ONE;
    let nearly_one = (10_i128.pow(20) + 49, 10_i128.pow(20));
    assert_eq!((power(nearly_one, 10_i128.pow(36)), power(nearly_one, most + 1)), (None, None));
    assert_eq!(power(nearly_one, -most - 1), None);
    assert_eq!((power((1, 1), most), power((1, 1), -most)), (Some(ONE), Some(ONE)));
}

#[test]
fn roundings_are_those_named() {
    let third = |x, rounding| mul_div(x, 1, 3, rounding).unwrap();
    assert_eq!((third(7, Rounding::Down), third(7, Rounding::Up), third(7, Rounding::TowardZero)), (2, 3, 2));
    assert_eq!(
        (third(-7, Rounding::Down), third(-7, Rounding::Up), third(-7, Rounding::TowardZero)),
        (-3, -2, -2)
    );
    assert_eq!((mul_div(7, 1, 3, Rounding::Exact), mul_div(7, 1, 3, Rounding::HalfUp)), (None, None));
    assert_eq!(mul(-1, 1, Rounding::Down), Some(-1));
    assert_eq!(mul(-1, 1, Rounding::Up), Some(0));
}

#[test]
fn sums_of_products_are_cut_once() {
    let half = ONE / 2;
    // Three halves of a unit: by themselves each would be cut to nothing.
    assert_eq!(dot([(1, half), (1, half), (1, half)].into_iter()), Some(1));
    assert_eq!(dot([(-1, half), (1, -half), (-1, half)].into_iter()), Some(-1));
    assert_eq!(dot([(i128::MAX, i128::MAX), (i128::MIN + 1, i128::MAX)].into_iter()), Some(0));
    assert_eq!(dot([(i128::MAX, ONE)].into_iter()), Some(i128::MAX));
    assert_eq!(dot([(i128::MAX, ONE), (ONE, 1)].into_iter()), None);
    assert_eq!(dot([(i128::MIN, i128::MIN); 5].into_iter()), None);
    assert_eq!(dot(core::iter::empty()), Some(0));
}

#[test]
fn roots_are_the_greatest_whose_square_is_not_above() {
    for x in [1, 2, 3, ONE - 1, ONE, ONE + 1, 2 * ONE, 340 * ONE, 341 * ONE, i128::MAX] {
        let found = BigInt::from(root(x).unwrap());
        let square = BigInt::from(x) * BigInt::from(ONE);
        assert!(&found * &found <= square && (&found + 1) * (&found + 1) > square, "{x}");
    }
    assert_eq!(root_of(U256::new(99)), Some(9));
    assert_eq!(root_of(U256::MAX), None);
}
