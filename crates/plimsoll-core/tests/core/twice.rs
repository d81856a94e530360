//! Helpers called twice with the same big number give the same answer.
//!
//! rustc 1.95 miscompiles, when it optimises, a closure that takes a large `Copy` value by value and is called twice
//! with it: the callee works on the caller's own copy, and the second call sees what the first left
//! (rust-lang/rust#155241). Helpers on big numbers are therefore `fn` items; should the fault reach those too, or
//! should an operation work on its argument in place, it is seen here. Tests are built as releases are.

use crate::check;
use crate::num::{any_int, any_u256};
use plimsoll_core::num::Wide;
use plimsoll_core::{Divisor, Int, Rounding, U256};
use proptest::prelude::*;
use std::hint::black_box;

#[inline(never)]
fn divided(dividend: U256, by: Divisor) -> [Option<U256>; 5] {
    let all = [Rounding::Exact, Rounding::Down, Rounding::Up, Rounding::HalfUp, Rounding::TowardZero];
    all.map(|rounding| by.divide(dividend, rounding))
}

#[inline(never)]
fn combined(x: U256, y: U256, by: U256) -> [Option<U256>; 6] {
    [
        x.add(y),
        x.sub(y),
        x.mul(y),
        x.mul_div(y, by, Rounding::HalfUp),
        x.mul_div_wide(y, by, Rounding::Up),
        Some(x.sub_or_zero(y).with_bit(3, true)),
    ]
}

#[inline(never)]
fn signed(x: Int, y: Int) -> ([Option<Int>; 4], Option<Wide>) {
    let wide = x.mul_wide(y).add(x.into());
    ([x.add(y), x.sub(y), x.mul(y), x.div(y, Rounding::Down)], wide)
}

#[inline(never)]
fn text(x: U256, y: Int) -> String {
    format!("{x} {y} {}", x.field(5, 40))
}

#[test]
fn helpers_called_twice_agree() {
    check(30_000, (any_u256(), any_u256(), any_u256(), any_int(), any_int()), |(x, y, by, a, b)| {
        let (x, y, by, a, b) = black_box((x, y, by, a, b));
        let prepared = Divisor::of(by);
        let first = (divided(x, prepared), combined(x, y, by), signed(a, b), text(x, a));
        let second = (divided(x, prepared), combined(x, y, by), signed(a, b), text(x, a));
        prop_assert_eq!(first, second);
        prop_assert_eq!(prepared, Divisor::of(by));
        Ok(())
    });
}
