//! Every operation on numbers against num-bigint.

use crate::check;
use num_bigint::{BigInt, BigUint, Sign};
use plimsoll_core::num::{DecimalError, Wide};
use plimsoll_core::{BPS, Decimal, Divisor, Int, RAY, Rounding, U256, WAD, YEAR};
use proptest::prelude::*;

const ALL: [Rounding; 5] =
    [Rounding::Exact, Rounding::Down, Rounding::Up, Rounding::HalfUp, Rounding::TowardZero];

/// Numbers of every length, with many near powers of two and of ten.
pub(crate) fn any_u256() -> impl Strategy<Value = U256> {
    let random = (any::<[u64; 4]>(), 0usize..=256).prop_map(|(limbs, bits)| {
        let mut bytes = [0; 32];
        for (chunk, limb) in bytes.chunks_mut(8).zip(limbs) {
            chunk.copy_from_slice(&limb.to_le_bytes());
        }
        let value = U256::from_le_bytes(bytes);
        (bits..256).fold(value, |value, bit| value.with_bit(bit, false))
    });
    let two = (0usize..256).prop_map(|bit| U256::ZERO.with_bit(bit, true));
    let ten = (0u8..78).prop_map(|power| U256::pow10(power).expect("below 10^78"));
    let near = (prop_oneof![two, ten], 0u8..3).prop_map(|(value, off)| match off {
        0 => value,
        1 => value.add(U256::ONE).expect("below 2^256"),
        _ => value.sub(U256::ONE).expect("at least 1"),
    });
    let small = (0u64..20_000).prop_map(U256::from);
    prop_oneof![4 => random, 2 => near, 1 => small, 1 => Just(U256::MAX)]
}

pub(crate) fn any_int() -> impl Strategy<Value = Int> {
    (any::<bool>(), any_u256()).prop_map(|(negative, magnitude)| Int::from_parts(negative, magnitude))
}

fn any_wide() -> impl Strategy<Value = Wide> {
    (any_int(), any_int(), any_int())
        .prop_map(|(x, y, z)| x.mul_wide(y).add(z.into()).unwrap_or(x.mul_wide(y)))
}

pub(crate) fn big(value: &U256) -> BigUint {
    BigUint::from_bytes_le(&value.to_le_bytes())
}

pub(crate) fn signed(value: &Int) -> BigInt {
    let sign = if value.is_negative() { Sign::Minus } else { Sign::Plus };
    BigInt::from_biguint(sign, big(&value.magnitude()))
}

fn wide(value: &Wide) -> BigInt {
    value.to_string().parse().expect("an integer")
}

/// The number if it has at most 256 bits.
fn fit(value: BigUint) -> Option<U256> {
    let mut bytes = value.to_bytes_le();
    if bytes.len() > 32 {
        return None;
    }
    bytes.resize(32, 0);
    Some(U256::from_le_bytes(bytes.try_into().expect("32 bytes")))
}

fn fit_signed(value: BigInt) -> Option<Int> {
    let negative = value.sign() == Sign::Minus;
    fit(value.magnitude().clone()).map(|magnitude| Int::from_parts(negative, magnitude))
}

fn fit_512(value: BigInt) -> Option<BigInt> {
    (value.bits() <= 512).then_some(value)
}

/// The quotient of two numbers that are not negative, rounded.
fn quotient(dividend: &BigUint, by: &BigUint, rounding: Rounding) -> Option<BigUint> {
    if *by == BigUint::default() {
        return None;
    }
    let (floor, rest) = (dividend / by, dividend % by);
    let even = rest == BigUint::default();
    match rounding {
        Rounding::Exact => even.then_some(floor),
        Rounding::Down | Rounding::TowardZero => Some(floor),
        Rounding::Up => Some(floor + u8::from(!even)),
        Rounding::HalfUp => Some(floor + u8::from(rest * 2u8 >= *by)),
    }
}

#[test]
fn mul_div_rounds_as_named() {
    check(60_000, (any_u256(), any_u256(), any_u256()), |(x, y, by)| {
        let product = big(&x) * big(&y);
        for rounding in ALL {
            let exact = quotient(&product, &big(&by), rounding);
            prop_assert_eq!(
                x.mul_div_wide(y, by, rounding),
                exact.clone().and_then(fit),
                "wide {:?}",
                rounding
            );
            // Checked Solidity: the product must fit, and half up adds half the divisor to it before it divides.
            let half = if rounding == Rounding::HalfUp { big(&by) / 2u8 } else { BigUint::default() };
            let fits = product.bits() <= 256 && (&product + half).bits() <= 256;
            let expected = exact.filter(|_| fits).and_then(fit);
            prop_assert_eq!(x.mul_div(y, by, rounding), expected, "{:?}", rounding);
            prop_assert_eq!(x.mul_div(y, Divisor::of(by), rounding), expected, "prepared, {:?}", rounding);
        }
        Ok(())
    });
}

/// A prepared divisor divides as a plain one, whatever its factors of two.
#[test]
fn prepared_divisors_divide_the_same() {
    let shifted = (any_u256(), 0usize..256).prop_map(|(odd, zeros)| {
        (0..zeros).fold(odd.with_bit(0, true), |value, bit| value.with_bit(bit, false)).with_bit(zeros, true)
    });
    check(60_000, (any_u256(), prop_oneof![shifted, any_u256()]), |(dividend, by)| {
        let prepared = Divisor::of(by);
        prop_assert_eq!(prepared.value(), by);
        for rounding in ALL {
            let half = if rounding == Rounding::HalfUp { big(&by) / 2u8 } else { BigUint::default() };
            let fits = (big(&dividend) + half).bits() <= 256;
            let expected = quotient(&big(&dividend), &big(&by), rounding).filter(|_| fits).and_then(fit);
            prop_assert_eq!(dividend.div(prepared, rounding), expected, "{:?}", rounding);
            prop_assert_eq!(dividend.div(by, rounding), expected, "plain, {:?}", rounding);
            prop_assert_eq!(Divisor::from(by).divide(dividend, rounding), expected);
        }
        Ok(())
    });
    let named = [(RAY, 27), (WAD, 18), (BPS, 4)];
    assert!(named.iter().all(|(divisor, power)| Some(divisor.value()) == U256::pow10(*power)));
    assert_eq!(YEAR.value(), U256::new(365 * 24 * 60 * 60));
}

#[test]
fn unsigned_sums_and_products_are_exact_or_refused() {
    check(60_000, (any_u256(), any_u256()), |(x, y)| {
        let (a, b) = (big(&x), big(&y));
        prop_assert_eq!(x.add(y), fit(&a + &b));
        prop_assert_eq!(x.mul(y), fit(&a * &b));
        let difference = (a >= b).then(|| &a - &b).and_then(fit);
        prop_assert_eq!(x.sub(y), difference);
        prop_assert_eq!(x.sub_or_zero(y), difference.unwrap_or(U256::ZERO));
        prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        prop_assert_eq!(x.to_u64(), u64::try_from(&a).ok());
        prop_assert_eq!(x.to_u128(), u128::try_from(&a).ok());
        prop_assert_eq!(x.bit_len() as u64, a.bits());
        prop_assert_eq!(x.to_string(), a.to_string());
        prop_assert_eq!(x.to_string().parse(), Ok(x));
        Ok(())
    });
}

#[test]
fn bits_and_fields_are_shifts_and_masks() {
    check(20_000, (any_u256(), 0usize..256, 1usize..=64, any::<u64>()), |(word, at, width, value)| {
        let number = big(&word);
        let mask = (BigUint::from(1u8) << width) - 1u8;
        prop_assert_eq!(word.bit(at), number.bit(at as u64));
        prop_assert_eq!(BigUint::from(word.field(at, width)), (&number >> at) & &mask);
        let fits = width == 64 || value >> width == 0;
        if fits && at + width <= 256 {
            let cleared = &number - (((&number >> at) & &mask) << at);
            let expected = fit(cleared + (BigUint::from(value) << at));
            prop_assert_eq!(word.with_field(at, width, value), expected);
        } else if !fits {
            prop_assert_eq!(word.with_field(at, width, value), None);
        }
        let (on, off) = (word.with_bit(at, true), word.with_bit(at, false));
        prop_assert_eq!(big(&on) - big(&off), BigUint::from(1u8) << at);
        prop_assert_eq!([word.with_bit(256, true), word.with_bit(at, word.bit(at))], [word; 2]);
        prop_assert!(!word.bit(256) && !word.bit(usize::MAX));
        Ok(())
    });
}

#[test]
fn signed_arithmetic_is_exact_or_refused() {
    check(60_000, (any_int(), any_int()), |(x, y)| {
        let (a, b) = (signed(&x), signed(&y));
        prop_assert_eq!(x.add(y), fit_signed(&a + &b));
        prop_assert_eq!(x.sub(y), fit_signed(&a - &b));
        prop_assert_eq!(x.mul(y), fit_signed(&a * &b));
        prop_assert_eq!(x.cmp(&y), a.cmp(&b));
        prop_assert_eq!(signed(&x.neg()), -&a);
        prop_assert_eq!(wide(&x.mul_wide(y)), &a * &b);
        prop_assert_eq!(x.to_u256(), (a.sign() != Sign::Minus).then(|| x.magnitude()));
        prop_assert_eq!((x.to_string(), x.to_string().parse()), (a.to_string(), Ok(x)));
        let negative = x.is_negative() != y.is_negative();
        for rounding in ALL {
            // Down is toward minus infinity, Up toward plus infinity, whatever the signs.
            let magnitude = match (rounding, negative) {
                (Rounding::Down, true) => Some(Rounding::Up),
                (Rounding::Up, true) => Some(Rounding::Down),
                (Rounding::HalfUp, _) => None,
                (other, _) => Some(other),
            };
            let expected = magnitude.and_then(|rounding| quotient(a.magnitude(), b.magnitude(), rounding));
            let expected = expected.and_then(fit).map(|magnitude| Int::from_parts(negative, magnitude));
            prop_assert_eq!(x.div(y, rounding), expected, "{:?}", rounding);
        }
        Ok(())
    });
    assert_eq!(Int::new(i128::MIN).to_string(), i128::MIN.to_string());
    assert_eq!(Int::new(-7).div(Int::new(2), Rounding::Down), Some(Int::new(-4)));
    assert_eq!(Int::new(-7).div(Int::new(2), Rounding::TowardZero), Some(Int::new(-3)));
}

#[test]
fn wide_arithmetic_is_exact_or_refused() {
    check(40_000, (any_wide(), any_wide(), any_u256()), |(x, y, by)| {
        let (a, b) = (wide(&x), wide(&y));
        let read = |value: Option<Wide>| value.map(|value| wide(&value));
        prop_assert_eq!(read(x.add(y)), fit_512(&a + &b));
        prop_assert_eq!(read(x.sub(y)), fit_512(&a - &b));
        prop_assert_eq!(read(x.mul(by)), fit_512(&a * BigInt::from(big(&by))));
        prop_assert_eq!((wide(&x.neg()), wide(&x.abs())), (-&a, BigInt::from(a.magnitude().clone())));
        prop_assert_eq!((x.cmp(&y), x.is_negative()), (a.cmp(&b), a.sign() == Sign::Minus));
        prop_assert_eq!(x.to_int(), fit_signed(a.clone()));
        let floor = (by != U256::ZERO).then(|| {
            let divisor = BigInt::from(big(&by));
            let down = &a / &divisor;
            if a.sign() == Sign::Minus && &down * &divisor != a { down - 1 } else { down }
        });
        prop_assert_eq!(x.div_down(by), floor.and_then(fit_signed));
        Ok(())
    });
}

#[test]
fn powers_of_ten() {
    for power in 0..=u8::MAX {
        assert_eq!(U256::pow10(power), fit(BigUint::from(10u8).pow(power.into())), "10^{power}");
    }
}

#[test]
fn only_plain_digits_are_integers() {
    for text in
        ["", "+1", "-1", " 1", "1 ", "1_000", "0x10", "1.0", "1e3", "١", &"9".repeat(78), &"1".repeat(79)]
    {
        assert_eq!(text.parse::<U256>(), Err(()), "{text:?}");
    }
    let most = U256::MAX.to_string();
    assert_eq!(most.parse(), Ok(U256::MAX));
    let above = (big(&U256::MAX) + 1u8).to_string();
    assert_eq!(above.parse::<U256>(), Err(()));
    for text in ["--1", "-", "- 1", "-+1", ""] {
        assert_eq!(text.parse::<Int>(), Err(()), "{text:?}");
    }
    assert_eq!("-0".parse(), Ok(Int::ZERO));
}

/// Property 54: what was parsed prints as it was written, and what is printed parses to the same.
#[test]
fn p54_parse_of_print_is_the_same() {
    let number = (any::<bool>(), "[0-9]{1,50}", "[0-9]{0,17}");
    check(30_000, number, |(negative, whole, fraction)| {
        let point = if fraction.is_empty() { "" } else { "." };
        let text = format!("{}{whole}{point}{fraction}", if negative { "-" } else { "" });
        let parsed: Decimal = text.parse().expect("a plain decimal");
        let printed = parsed.to_string();
        prop_assert_eq!(printed.parse(), Ok(parsed));
        prop_assert_eq!(usize::from(parsed.decimals), fraction.len());
        let digits: BigInt = format!("{whole}{fraction}").parse().expect("digits");
        prop_assert_eq!(signed(&parsed.mantissa), if negative { -digits } else { digits });
        // Scaling up and trimming lose nothing.
        let scale = parsed.decimals + 3;
        let scaled = parsed.scaled(scale).expect("70 digits at most");
        prop_assert_eq!(signed(&scaled), signed(&parsed.mantissa) * 1_000);
        let trimmed = parsed.trimmed();
        prop_assert_eq!(trimmed.scaled(scale), Ok(scaled));
        let zeros = fraction.len() - fraction.trim_end_matches('0').len();
        prop_assert_eq!(usize::from(trimmed.decimals), fraction.len() - zeros);
        Ok(())
    });
}

#[test]
fn what_is_no_decimal_is_refused_with_its_reason() {
    let parse = |text: &str| text.parse::<Decimal>();
    for text in
        ["", "-", ".", "1.", ".5", "1.2.3", "+1", "1e5", "1,0", " 1", "1 ", "NaN", "inf", "--1", "1.-2", "٣"]
    {
        assert_eq!(parse(text), Err(DecimalError::NotANumber), "{text:?}");
    }
    assert_eq!(parse(&"1".repeat(78)), Err(DecimalError::TooLong));
    assert!(parse(&"9".repeat(77)).is_ok());
    assert_eq!(parse(&format!("{}.{}", "9".repeat(40), "9".repeat(38))), Err(DecimalError::TooLong));
    let number = parse("-1.230").expect("a decimal");
    assert_eq!(number, Decimal { mantissa: Int::new(-1230), decimals: 3 });
    assert_eq!(number.scaled(2), Ok(Int::new(-123)));
    assert_eq!(number.scaled(1), Err(DecimalError::TooFine { found: 2, allowed: 1 }));
    assert_eq!(number.scaled_amount(2), Err(DecimalError::Negative));
    // 10^77 fits 256 bits, 5 x 10^77 does not.
    assert_eq!(parse("1").and_then(|one| one.scaled(77)).map(Some), Ok(U256::pow10(77).map(Int::from)));
    assert_eq!(parse("5").and_then(|five| five.scaled(77)), Err(DecimalError::TooLarge));
    assert_eq!(parse("1").and_then(|one| one.scaled(78)), Err(DecimalError::TooLarge));
    assert_eq!(parse("-0.0").map(|zero| zero.to_string()), Ok("0.0".into()));
}

#[test]
fn roots_and_wide_quotients_are_exact() {
    check(4_000, (any_wide(), any_wide()), |(x, by)| {
        let root = x.root().map(|root| big(&root));
        prop_assert_eq!(root, (!x.is_negative()).then(|| wide(&x).magnitude().sqrt()));
        let divided = x.div_rem(by).map(|(quotient, rest)| (wide(&quotient), wide(&rest)));
        let fits = !x.is_negative() && !by.is_negative() && by != Wide::ZERO;
        prop_assert_eq!(divided, fits.then(|| (wide(&x) / wide(&by), wide(&x) % wide(&by))));
        // At a square and a unit below it.
        if let Some(root) = x.root().filter(|root| *root != U256::ZERO) {
            let square = Int::from(root).mul_wide(root.into());
            prop_assert_eq!(square.root(), Some(root));
            prop_assert_eq!(square.sub(Int::ONE.into()).and_then(Wide::root), root.sub(U256::ONE));
        }
        Ok(())
    });
}
