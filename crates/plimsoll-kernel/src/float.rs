//! From exact integers to floats, with a known error.

use plimsoll_core::{Int, U256};

/// Half the distance from 1 to the next float: a correctly rounded operation is off by this part of its result at most.
pub(crate) const HALF_ULP: f64 = 1.0 / 9_007_199_254_740_992.0;

/// The float beside an integer: off by at most 2 [`HALF_ULP`] of it.
///
/// Up to 64 bits the conversion rounds once. Beyond, the highest 64 bits are kept, which loses less than 2^-63 of the
/// value, and rounded once; the power of two is exact, for 256 bits are far from the float's range.
pub(crate) fn float(value: Int) -> f64 {
    let magnitude = magnitude(value.magnitude());
    if value.is_negative() { -magnitude } else { magnitude }
}

pub(crate) fn magnitude(value: U256) -> f64 {
    let beyond = value.bit_len().saturating_sub(64);
    let top = value.field(beyond, 64) as f64;
    top * power_of_two(beyond)
}

/// 2^n, for n up to 192.
fn power_of_two(n: usize) -> f64 {
    f64::from_bits((1023 + n as u64) << 52)
}

#[cfg(test)]
#[allow(clippy::float_cmp)] // equal to the bit is what is meant
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_integers_are_themselves() {
        for value in [0, 1, -1, 7, i128::from(u32::MAX)] {
            assert_eq!(float(Int::new(value)), value as f64);
        }
        assert_eq!(float(Int::from(U256::pow10(22).expect("fits"))), 1e22); // the highest power of ten that is a float
    }

    proptest! {
        /// The float is an integer times a power of two: turned back, it is within 2 x 2^-53 of the value.
        #[test]
        fn a_float_is_within_its_bound(words in prop::array::uniform32(any::<u8>()), cut in 0_usize..32) {
            let mut bytes = words;
            bytes[32 - cut..].fill(0);
            let value = U256::from_le_bytes(bytes);
            let bits = magnitude(value).to_bits();
            prop_assume!(value != U256::ZERO);
            let (exponent, fraction) = ((bits >> 52) as i64 - 1075, (bits & ((1 << 52) - 1)) | 1 << 52);
            // value x 2^53 against |value - float| x 2^52, in integers shifted so that both are whole.
            let (up, down) = (exponent.max(0) as u32, (-exponent).max(0) as u32);
            let (mut back, mut exact) = (plimsoll_core::num::Wide::from(Int::from(fraction)), plimsoll_core::num::Wide::from(Int::from(value)));
            for _ in 0..up { back = back.mul(U256::new(2)).expect("512 bits"); }
            for _ in 0..down { exact = exact.mul(U256::new(2)).expect("512 bits"); }
            let off = exact.sub(back).expect("512 bits").abs();
            let mut scaled = off;
            for _ in 0..52 { scaled = scaled.mul(U256::new(2)).expect("512 bits"); }
            prop_assert!(scaled <= exact, "{value} became {fraction} x 2^{exponent}");
        }
    }
}
