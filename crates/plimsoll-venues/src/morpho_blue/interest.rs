//! Interest: `Morpho._accrueInterest`, and the rate models that it asks.

use super::{Irm, Numbers, Pool, State, grow};
use plimsoll_core::Rounding::{Down, Exact, TowardZero};
use plimsoll_core::{
    Arithmetic, Divisor, Int, Operation, Refusal, Step, Subject, Time, Trace, U256, Unit, WAD, YEAR,
};

const TWO_WAD: Divisor = Divisor::of(U256::new(2 * 10u128.pow(18)));
const THREE_WAD: Divisor = Divisor::of(U256::new(3 * 10u128.pow(18)));

/// What a market adds when time passes; `None` in place of this where no time passed or there is no rate model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    /// The average rate over the time (wad per second).
    pub rate: U256,
    /// What borrowers owe more and suppliers own more (loan raw).
    pub interest: U256,
    /// The venue's part (supply shares).
    pub fee_shares: U256,
}

impl Numbers {
    /// Seconds since the last update.
    pub(super) fn seconds_to(&self, at: Time) -> Result<u64, Refusal> {
        let state = Time(self.state.last_update);
        at.since(state).ok_or(Refusal::ClockWentBack { state, asked: at })
    }

    /// Brings interest to `at` (`Morpho._accrueInterest`).
    pub(super) fn accrue<T: Trace + ?Sized>(
        &self,
        at: Time,
        t: &mut T,
    ) -> Result<(State, Option<Interest>), Refusal> {
        let mut state = self.state;
        let seconds = self.seconds_to(at)?;
        if seconds == 0 {
            return Ok((state, None));
        }
        state.last_update = at.0;
        t.about(Subject::Market);
        t.given("borrow assets, at the last update", state.borrow.assets, self.rules.loan_unit());
        t.given("supply assets, at the last update", state.supply.assets, self.rules.loan_unit());
        t.given("seconds since the last update", seconds, Unit::SECONDS);
        let rate = match self.rules.irm {
            Irm::Zero => return Ok((state, None)),
            Irm::Utilisation => {
                let used = utilisation(t, &state)?;
                t.mul_div("rate = utilisation / year", used, U256::ONE, YEAR, Down, Unit::WAD)?
            }
            Irm::AdaptiveCurve => {
                let curve = adaptive_rate(t, &state, seconds)?;
                state.rate_at_target = curve.end_rate_at_target;
                curve.rate
            }
        };
        let growth = compounded(t, rate, seconds)?;
        let unit = self.rules.loan_unit();
        let interest =
            t.mul_div("interest = borrow assets * growth", state.borrow.assets, growth, WAD, Down, unit)?;
        grow(&mut state.borrow.assets, interest, "borrow assets + interest")?;
        grow(&mut state.supply.assets, interest, "supply assets + interest")?;
        let mut fee_shares = U256::ZERO;
        if state.fee != U256::ZERO {
            let fee = t.mul_div("fee = interest * fee rate", interest, state.fee, WAD, Down, unit)?;
            let assets = t.sub("supply assets - fee", state.supply.assets, fee, unit)?;
            let before = Pool { assets, shares: state.supply.shares };
            let formula = "fee shares = fee * (supply shares + 1e6) / (supply assets - fee + 1)";
            fee_shares = before.to_shares(t, formula, fee, Down, self.rules.share_unit())?;
            if state.fee_recipient.is_none() {
                grow(&mut state.treasury_shares, fee_shares, "treasury shares + fee shares")?;
            }
            grow(&mut state.supply.shares, fee_shares, "supply shares + fee shares")?;
        }
        Ok((state, Some(Interest { rate, interest, fee_shares })))
    }
}

/// `e^(rate * seconds) - 1` by three terms of its series (wad) (`MathLib.wTaylorCompounded`).
fn compounded<T: Trace + ?Sized>(t: &mut T, rate: U256, seconds: u64) -> Result<U256, Refusal> {
    let first = t.mul("x1 = rate * seconds", rate, seconds.into(), Unit::WAD)?;
    let second = t.mul_div("x2 = x1 * x1 / 2", first, first, TWO_WAD, Down, Unit::WAD)?;
    let third = t.mul_div("x3 = x2 * x1 / 3", second, first, THREE_WAD, Down, Unit::WAD)?;
    let two = t.add("x1 + x2", first, second, Unit::WAD)?;
    t.add("growth = x1 + x2 + x3", two, third, Unit::WAD)
}

/// borrow / supply (wad, floored); zero without supply.
fn utilisation<T: Trace + ?Sized>(t: &mut T, state: &State) -> Result<U256, Refusal> {
    let (borrow, supply) = (state.borrow.assets, state.supply.assets);
    if supply == U256::ZERO {
        return Ok(U256::ZERO);
    }
    t.mul_div("utilisation = borrow assets / supply assets", borrow, WAD.value(), supply, Down, Unit::WAD)
}

// ---- AdaptiveCurveIrm: signed, every `/` toward zero ----------------------------------------------------------

const ONE: Int = Int::new(10i128.pow(18));
const TARGET: Int = Int::new(9 * 10i128.pow(17));
const ABOVE_TARGET: Int = Int::new(10i128.pow(17));
const SPEED: Int = Int::new(50 * 10i128.pow(18) / 31_536_000);
const INITIAL_RATE: u128 = 4 * 10u128.pow(16) / 31_536_000;
const MIN_RATE: u128 = 10u128.pow(15) / 31_536_000;
const MAX_RATE: u128 = 2 * 10u128.pow(18) / 31_536_000;
const STEEP_BELOW: Int = Int::new(75 * 10i128.pow(16)); // 1 - 1/4
const STEEP_ABOVE: Int = Int::new(3 * 10i128.pow(18)); // 4 - 1

struct CurveRate {
    rate: U256,
    end_rate_at_target: U256,
}

/// The average borrow rate since the last update, and where the model stands now (`_borrowRate`).
fn adaptive_rate<T: Trace + ?Sized>(t: &mut T, state: &State, seconds: u64) -> Result<CurveRate, Refusal> {
    let used = Int::from(utilisation(t, state)?);
    let formula = "error = (utilisation - target) / distance from target to its end";
    let distance = if used > TARGET { ABOVE_TARGET } else { TARGET };
    let off_target = used.sub(TARGET).ok_or(Refusal::Overflow(formula))?;
    let error = signed(t, formula, off_target, ONE, distance)?;

    let start = state.rate_at_target;
    t.given("rate at target, at the last update", start, Unit::WAD);
    let (average, end) = if start == U256::ZERO {
        (U256::new(INITIAL_RATE), U256::new(INITIAL_RATE))
    } else {
        let speed = signed(t, "speed = 50 a year * error", SPEED, error, ONE)?;
        let shift = signed(t, "shift = speed * seconds", speed, Int::from(seconds), Int::ONE)?;
        if shift.is_zero() {
            (start, start)
        } else {
            let end = adapted(t, "end rate = start * e^shift", start, shift)?;
            let half = signed(t, "shift / 2", shift, Int::ONE, Int::new(2))?;
            let middle = adapted(t, "middle rate = start * e^(shift / 2)", start, half)?;
            let ends = t.add("start + end", start, end, Unit::WAD)?;
            let middles = t.add("2 * middle", middle, middle, Unit::WAD)?;
            let sum = t.add("start + end + 2 * middle", ends, middles, Unit::WAD)?;
            let formula = "average rate at target = (start + end + 2 * middle) / 4";
            (t.mul_div(formula, sum, U256::ONE, U256::new(4), Down, Unit::WAD)?, end)
        }
    };

    let steepness = if error.is_negative() { STEEP_BELOW } else { STEEP_ABOVE };
    let slope = signed(t, "slope = steepness * error", steepness, error, ONE)?;
    let formula = "rate = (1 + slope) * average rate at target";
    let factor = slope.add(ONE).ok_or(Refusal::Overflow(formula))?;
    let rate = signed(t, formula, factor, average.into(), ONE)?;
    let rate = rate.to_u256().ok_or(Refusal::Overflow(formula))?;
    Ok(CurveRate { rate, end_rate_at_target: end })
}

/// `start * e^shift`, within the model's bounds (`_newRateAtTarget`).
fn adapted<T: Trace + ?Sized>(
    t: &mut T,
    formula: &'static str,
    start: U256,
    shift: Int,
) -> Result<U256, Refusal> {
    let power = exp(t, shift).ok_or(Refusal::Overflow(formula))?;
    let free = signed(t, formula, start.into(), power.into(), ONE)?.magnitude();
    let low = t.max("at least 0.1 % a year", free, U256::new(MIN_RATE), Unit::WAD);
    Ok(t.min("at most 200 % a year", low, U256::new(MAX_RATE), Unit::WAD))
}

/// `x * y / by` toward zero, the product within a Solidity `int256`.
fn signed<T: Trace + ?Sized>(
    t: &mut T,
    formula: &'static str,
    x: Int,
    y: Int,
    by: Int,
) -> Result<Int, Refusal> {
    let product = x.mul(y).filter(|product| product.magnitude().bit_len() <= 255);
    let value = product.and_then(|p| p.div(by, TowardZero)).ok_or(Refusal::Overflow(formula))?;
    if t.listens() {
        let operation = Operation::MulDiv { x, y, by };
        t.step(Step { formula, operation, rounding: TowardZero, value, unit: Unit::WAD });
    }
    Ok(value)
}

/// `e^x` (wad): x = q ln 2 + r, then 2^q (1 + r + r^2/2) (`ExpLib.wExp`).
fn exp<T: Trace + ?Sized>(t: &mut T, x: Int) -> Option<U256> {
    const LN_2: i128 = 693_147_180_559_945_309;
    const LOWEST: i128 = -41_446_531_673_892_822_312; // ln(10^-18)
    const HIGHEST: i128 = 93_859_467_695_000_404_319; // ln(2^255 / 10^36)
    const AT_HIGHEST: u128 = 1_325_096_421_112_656_151; // times 2^135
    const UNIT: i128 = 10i128.pow(18);
    let mut tell = |formula, operation, rounding, value: Int, unit| {
        if t.listens() {
            t.step(Step { formula, operation, rounding, value, unit });
        }
    };
    if x < Int::new(LOWEST) {
        tell("x, below ln(1e-18): e^x = 0", Operation::Given, Exact, x, Unit::WAD);
        return Some(U256::ZERO);
    }
    if x >= Int::new(HIGHEST) {
        let (power, scale) = (U256::new(AT_HIGHEST), U256::ZERO.with_bit(135, true));
        let value = power.mul(scale)?;
        tell("x, beyond what e^x is computed for", Operation::Given, Exact, x, Unit::WAD);
        let operation = Operation::MulDiv { x: power.into(), y: scale.into(), by: Int::ONE };
        tell("e^x, its highest = 1325096421112656151 x 2^135", operation, Exact, value.into(), Unit::WAD);
        return Some(value);
    }
    // |x| < 2^67 and |r| < 2^59 from here on: 128 bits hold every product.
    let size = i128::try_from(x.magnitude().to_u128()?).ok()?;
    let x = if x.is_negative() { -size } else { size };
    let half = if x < 0 { -(LN_2 / 2) } else { LN_2 / 2 };
    let q = (x + half) / LN_2;
    let r = x - q * LN_2;
    let square = r * r / UNIT;
    let power = UNIT + r + square / 2;
    let shift = U256::ZERO.with_bit(usize::try_from(q.unsigned_abs()).ok()?, true);
    let magnitude = U256::new(u128::try_from(power).ok()?);
    let value = if q >= 0 { magnitude.mul(shift)? } else { magnitude.div(shift, Down)? };

    let int = Int::new;
    let mul_div = |x, y, by| Operation::MulDiv { x: int(x), y: int(y), by: int(by) };
    let add = |x, y| Operation::Add { x: int(x), y: int(y) };
    let sub = Operation::Sub { x: int(x), y: int(q * LN_2), floor_at_zero: false };
    tell("x + ln 2 / 2, with the sign of x", add(x, half), Exact, int(x + half), Unit::WAD);
    tell("q = that / ln 2", mul_div(x + half, 1, LN_2), TowardZero, int(q), Unit::NUMBER);
    tell("q ln 2", mul_div(q, LN_2, 1), Exact, int(q * LN_2), Unit::WAD);
    tell("r = x - q ln 2", sub, Exact, int(r), Unit::WAD);
    tell("r^2", mul_div(r, r, UNIT), TowardZero, int(square), Unit::WAD);
    tell("r^2 / 2", mul_div(square, 1, 2), TowardZero, int(square / 2), Unit::WAD);
    tell("1 + r", add(UNIT, r), Exact, int(UNIT + r), Unit::WAD);
    tell("e^r = 1 + r + r^2 / 2", add(UNIT + r, square / 2), Exact, int(power), Unit::WAD);
    let (y, by, rounding) = if q >= 0 { (shift, U256::ONE, Exact) } else { (U256::ONE, shift, Down) };
    let operation = Operation::MulDiv { x: int(power), y: y.into(), by: by.into() };
    tell("e^x = 2^q e^r", operation, rounding, value.into(), Unit::WAD);
    Some(value)
}
