//! Signed arithmetic that shows its steps.

use plimsoll_core::{Int, Operation, Refusal, Rounding, Step, Trace, Unit};

fn told<T: Trace + ?Sized>(
    t: &mut T,
    formula: &'static str,
    operation: Operation,
    value: Option<Int>,
    unit: Unit,
) -> Result<Int, Refusal> {
    let value = value.ok_or(Refusal::Overflow(formula))?;
    if t.listens() {
        t.step(Step { formula, operation, rounding: Rounding::Exact, value, unit });
    }
    Ok(value)
}

/// `x * y`.
pub(super) fn times<T: Trace + ?Sized>(
    t: &mut T,
    formula: &'static str,
    x: Int,
    y: Int,
    unit: Unit,
) -> Result<Int, Refusal> {
    told(t, formula, Operation::MulDiv { x, y, by: Int::ONE }, x.mul(y), unit)
}

/// `x + y`.
pub(super) fn plus<T: Trace + ?Sized>(
    t: &mut T,
    formula: &'static str,
    x: Int,
    y: Int,
    unit: Unit,
) -> Result<Int, Refusal> {
    told(t, formula, Operation::Add { x, y }, x.add(y), unit)
}

/// `x - y`.
pub(super) fn less<T: Trace + ?Sized>(
    t: &mut T,
    formula: &'static str,
    x: Int,
    y: Int,
    unit: Unit,
) -> Result<Int, Refusal> {
    told(t, formula, Operation::Sub { x, y, floor_at_zero: false }, x.sub(y), unit)
}

/// `x - y`, or zero where it would be negative.
pub(super) fn above<T: Trace + ?Sized>(
    t: &mut T,
    formula: &'static str,
    x: Int,
    y: Int,
    unit: Unit,
) -> Result<Int, Refusal> {
    let difference = x.sub(y).map(|difference| difference.max(Int::ZERO));
    told(t, formula, Operation::Sub { x, y, floor_at_zero: true }, difference, unit)
}

/// The smaller of the two.
pub(super) fn least<T: Trace + ?Sized>(
    t: &mut T,
    formula: &'static str,
    x: Int,
    y: Int,
    unit: Unit,
) -> Result<Int, Refusal> {
    told(t, formula, Operation::Min { x, y }, Some(x.min(y)), unit)
}
