//! Checked integers with the name of what was computed, as Solidity's checked arithmetic reverts.

use plimsoll_core::Rounding::{Down, HalfUp, Up};
use plimsoll_core::{Arithmetic, Refusal, Trace, U256, Unit, WAD};

/// BOLD and every collateral have 18 decimals.
pub(super) const RAW: Unit = Unit::raw(18);

pub(super) fn add(x: U256, y: U256, what: &'static str) -> Result<U256, Refusal> {
    x.add(y).ok_or(Refusal::Overflow(what))
}

pub(super) fn sub(x: U256, y: U256, what: &'static str) -> Result<U256, Refusal> {
    x.sub(y).ok_or(Refusal::Overflow(what))
}

pub(super) fn mul(x: U256, y: U256, what: &'static str) -> Result<U256, Refusal> {
    x.mul(y).ok_or(Refusal::Overflow(what))
}

/// `x * y / by`, down.
pub(super) fn share(x: U256, y: U256, by: U256, what: &'static str) -> Result<U256, Refusal> {
    if by == U256::ZERO {
        return Err(Refusal::DivisionByZero(what));
    }
    x.mul_div(y, by, Down).ok_or(Refusal::Overflow(what))
}

/// Adds to a place.
pub(super) fn grow(place: &mut U256, by: U256, what: &'static str) -> Result<(), Refusal> {
    *place = add(*place, by, what)?;
    Ok(())
}

/// Takes off a place.
pub(super) fn shrink(place: &mut U256, by: U256, what: &'static str) -> Result<(), Refusal> {
    *place = sub(*place, by, what)?;
    Ok(())
}

/// 365 days, in wad seconds: what a weighted debt (BOLD raw x wad) times seconds is divided by for a year's interest.
const YEAR_WAD: U256 = U256::new(31_536_000 * 10u128.pow(18));

/// `weighted * seconds / 31536000 / 10^18`: two floors, which are one (`_calcInterest`).
pub(super) fn interest(
    t: &mut (impl Trace + ?Sized),
    formula: &'static str,
    weighted: U256,
    seconds: u64,
) -> Result<U256, Refusal> {
    t.mul_div(formula, weighted, seconds.into(), YEAR_WAD, Down, RAW)
}

/// Interest on a weighted debt (raw x wad) over seconds, down (raw) (`_calcInterest`).
///
/// # Errors
/// [`Refusal::Overflow`].
pub fn interest_of(weighted: U256, seconds: u64) -> Result<U256, Refusal> {
    interest(&mut plimsoll_core::Silent, "weighted debt * seconds", weighted, seconds)
}

/// The same of an aggregate, rounded up, so that it is never less than its parts (`calcPendingAggInterest`).
pub(super) fn interest_up(weighted: U256, seconds: u64, what: &'static str) -> Result<U256, Refusal> {
    weighted.mul_div(seconds.into(), YEAR_WAD, Up).ok_or(Refusal::Overflow(what))
}

/// Collateral ratio (wad): `coll * price / debt`, down; 2^256 - 1 without debt (`_computeCR`).
///
/// # Errors
/// [`Refusal::Overflow`].
pub fn ratio(coll: U256, debt: U256, price: U256) -> Result<U256, Refusal> {
    if debt == U256::ZERO {
        return Ok(U256::MAX);
    }
    share(coll, price, debt, "collateral * price / debt")
}

/// `base` to the power of whole minutes (wad), by squaring, half up at each step (`_decPow`).
pub(super) fn power(base: U256, minutes: u64) -> Result<U256, Refusal> {
    const MOST: u64 = 525_600_000; // a thousand years
    let mut left = minutes.min(MOST);
    if left == 0 {
        return Ok(WAD.value());
    }
    let (mut y, mut x) = (WAD.value(), base);
    while left > 1 {
        if left % 2 == 1 {
            y = product(x, y)?;
        }
        x = product(x, x)?;
        left /= 2;
    }
    product(x, y)
}

/// `x * y` in wad, half up (`decMul`).
fn product(x: U256, y: U256) -> Result<U256, Refusal> {
    x.mul_div(y, WAD, HalfUp).ok_or(Refusal::Overflow("decay factor ^ minutes"))
}
