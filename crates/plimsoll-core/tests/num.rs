//! Our short ways through 256-bit arithmetic, against the big-integer crate's own long ones.

use plimsoll_core::{BPS, Divisor, RAY, Rounding, U256, WAD, YEAR};
use proptest::prelude::*;
use ruint::Uint;

type Word = Uint<256, 4>;

const ROUNDINGS: [Rounding; 5] =
    [Rounding::Exact, Rounding::Down, Rounding::Up, Rounding::HalfUp, Rounding::TowardZero];

fn word(value: U256) -> Word {
    Word::from_le_bytes(value.to_le_bytes())
}

fn ours(value: Word) -> U256 {
    U256::from_le_bytes(value.to_le_bytes())
}

/// What a checked contract would compute.
fn divided(dividend: Word, by: Word, rounding: Rounding) -> Option<Word> {
    if by.is_zero() {
        return None;
    }
    let (quotient, rest) = dividend.div_rem(by);
    match rounding {
        Rounding::Down | Rounding::TowardZero => Some(quotient),
        Rounding::Up if rest.is_zero() => Some(quotient),
        Rounding::Up => quotient.checked_add(Word::from(1)),
        Rounding::HalfUp => Some(dividend.checked_add(by >> 1)?.div_rem(by).0),
        Rounding::Exact => rest.is_zero().then_some(quotient),
    }
}

/// Any width, and as often next to a power of two or of ten, or all ones from some bit on.
fn number() -> impl Strategy<Value = U256> {
    let near = |value: U256| {
        let (below, above) = (value.sub_or_zero(U256::ONE), value.add(U256::ONE).unwrap_or(value));
        prop_oneof![Just(below), Just(value), Just(above)]
    };
    let wide = (any::<[u8; 32]>(), 0_usize..=256)
        .prop_map(|(bytes, less)| ours(Word::from_le_bytes(bytes).checked_shr(less).unwrap_or_default()));
    let two = (0_usize..256).prop_flat_map(move |bit| near(U256::ZERO.with_bit(bit, true)));
    let ten = (0_u8..78).prop_flat_map(move |power| near(U256::pow10(power).unwrap_or(U256::MAX)));
    let ones = (0_usize..256).prop_map(|from| ours(Word::MAX << from));
    prop_oneof![2 => wide, 1 => two, 1 => ten, 1 => ones]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn sums_differences_and_products_are_those_of_the_long_way(x in number(), y in number()) {
        prop_assert_eq!(x.add(y).map(word), word(x).checked_add(word(y)));
        prop_assert_eq!(x.sub(y).map(word), word(x).checked_sub(word(y)));
        prop_assert_eq!(x.mul(y).map(word), word(x).checked_mul(word(y)));
        prop_assert_eq!(word(x.half()), word(x) >> 1);
    }

    #[test]
    fn quotients_are_those_of_the_long_way(dividend in number(), by in number()) {
        for rounding in ROUNDINGS {
            let expected = divided(word(dividend), word(by), rounding);
            prop_assert_eq!(Divisor::of(by).divide(dividend, rounding).map(word), expected, "prepared");
            prop_assert_eq!(Divisor::from(by).divide(dividend, rounding).map(word), expected, "once");
        }
    }

    #[test]
    fn what_venues_divide_by_is_divided_by_the_long_way_too(x in number(), y in number(), power in 0_u8..40) {
        let unit = Divisor::of(U256::pow10(power).unwrap_or(U256::ONE));
        for by in [RAY, WAD, BPS, YEAR, unit] {
            for rounding in ROUNDINGS {
                let product = word(x).checked_mul(word(y));
                let expected = product.and_then(|product| divided(product, word(by.value()), rounding));
                prop_assert_eq!(x.mul_div(y, by, rounding).map(word), expected);
            }
        }
    }

    /// Dividends that are just at, below and above a whole multiple: where an estimated quotient is off by one.
    #[test]
    fn quotients_are_right_next_to_multiples(by in number(), times in number(), power in 0_u8..40) {
        let powers = U256::pow10(power).unwrap_or(U256::ONE);
        for by in [by, powers] {
            let Some(multiple) = by.mul(times) else { continue };
            let dividends = [multiple.sub_or_zero(U256::ONE), multiple, multiple.add(U256::ONE).unwrap_or(multiple)];
            for (dividend, rounding) in dividends.into_iter().flat_map(|d| ROUNDINGS.map(|r| (d, r))) {
                let expected = divided(word(dividend), word(by), rounding);
                prop_assert_eq!(Divisor::of(by).divide(dividend, rounding).map(word), expected);
            }
        }
    }
}
