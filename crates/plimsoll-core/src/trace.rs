//! Arithmetic that can show its work.
//!
//! A venue computes through a [`Trace`]: every named step is both the calculation and its record, so what
//! `explain` prints cannot differ from what was decided. With [`Silent`] the record compiles to nothing.

use crate::instrument::InstrumentId;
use crate::num::{Divisor, Int, Rounding, U256};
use crate::refusal::Refusal;
use crate::unit::Unit;

/// What the steps that follow are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The market as a whole.
    Market,
    /// One instrument of the market, for everybody who holds it.
    Instrument(InstrumentId),
    /// What the account holds of one instrument.
    Holding(InstrumentId),
    /// The account over all its holdings.
    Account,
}

/// How a step's value follows from its inputs; anyone can recompute it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Read from the account, the market or a feed.
    Given,
    /// `x * y / by` in the step's rounding.
    MulDiv {
        /// First factor.
        x: Int,
        /// Second factor.
        y: Int,
        /// Divisor.
        by: Int,
    },
    /// `x + y`.
    Add {
        /// First summand.
        x: Int,
        /// Second summand.
        y: Int,
    },
    /// `x - y`, or zero where `floor_at_zero` and it would be negative.
    Sub {
        /// What is lessened.
        x: Int,
        /// By how much.
        y: Int,
        /// Negative results become zero.
        floor_at_zero: bool,
    },
    /// The smaller of `x` and `y`.
    Min {
        /// One.
        x: Int,
        /// The other.
        y: Int,
    },
    /// The greater of `x` and `y`.
    Max {
        /// One.
        x: Int,
        /// The other.
        y: Int,
    },
}

/// One named step of a calculation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// `name = formula`, in words.
    pub formula: &'static str,
    /// The numbers that went in.
    pub operation: Operation,
    /// Which way the division went.
    pub rounding: Rounding,
    /// The number that came out.
    pub value: Int,
    /// What the number counts.
    pub unit: Unit,
}

/// A listener to named steps, and the arithmetic that reports to it.
pub trait Trace {
    /// Whether anybody listens; lets the silent case cost nothing.
    fn listens(&self) -> bool;
    /// The steps that follow are about this.
    fn about(&mut self, subject: Subject);
    /// One step was taken.
    fn step(&mut self, step: Step);
}

/// Nobody listens.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Trace for Silent {
    #[inline(always)]
    fn listens(&self) -> bool {
        false
    }
    #[inline(always)]
    fn about(&mut self, _: Subject) {}
    #[inline(always)]
    fn step(&mut self, _: Step) {}
}

/// The arithmetic of [`Trace`]; each operation refuses with its own formula where 256 bits do not hold it.
pub trait Arithmetic: Trace {
    /// A number that is read, not computed.
    #[inline]
    fn given(&mut self, formula: &'static str, value: impl Into<Int>, unit: Unit) {
        if self.listens() {
            let (operation, rounding) = (Operation::Given, Rounding::Exact);
            self.step(Step { formula, operation, rounding, value: value.into(), unit });
        }
    }

    /// `x * y / by`, the product checked to fit 256 bits as Solidity does.
    ///
    /// # Errors
    /// [`Refusal::Overflow`] or [`Refusal::DivisionByZero`], naming the formula.
    #[inline(always)]
    fn mul_div(
        &mut self,
        formula: &'static str,
        x: U256,
        y: U256,
        by: impl Into<Divisor>,
        rounding: Rounding,
        unit: Unit,
    ) -> Result<U256, Refusal> {
        let by = by.into();
        let Some(value) = x.mul_div(y, by, rounding) else {
            return Err(overflow_or_zero(formula, by.value()));
        };
        if self.listens() {
            let operation = Operation::MulDiv { x: x.into(), y: y.into(), by: by.value().into() };
            tell(self, formula, operation, rounding, value, unit);
        }
        Ok(value)
    }

    /// `x * y`.
    ///
    /// # Errors
    /// [`Refusal::Overflow`], naming the formula.
    #[inline(always)]
    fn mul(&mut self, formula: &'static str, x: U256, y: U256, unit: Unit) -> Result<U256, Refusal> {
        let Some(value) = x.mul(y) else { return Err(overflow(formula)) };
        if self.listens() {
            let operation = Operation::MulDiv { x: x.into(), y: y.into(), by: Int::ONE };
            tell(self, formula, operation, Rounding::Exact, value, unit);
        }
        Ok(value)
    }

    /// `x + y`.
    ///
    /// # Errors
    /// [`Refusal::Overflow`], naming the formula.
    #[inline(always)]
    fn add(&mut self, formula: &'static str, x: U256, y: U256, unit: Unit) -> Result<U256, Refusal> {
        let Some(value) = x.add(y) else { return Err(overflow(formula)) };
        if self.listens() {
            let operation = Operation::Add { x: x.into(), y: y.into() };
            tell(self, formula, operation, Rounding::Exact, value, unit);
        }
        Ok(value)
    }

    /// `x - y`.
    ///
    /// # Errors
    /// [`Refusal::Overflow`], naming the formula, where the result would be negative.
    #[inline(always)]
    fn sub(&mut self, formula: &'static str, x: U256, y: U256, unit: Unit) -> Result<U256, Refusal> {
        let Some(value) = x.sub(y) else { return Err(overflow(formula)) };
        if self.listens() {
            let operation = Operation::Sub { x: x.into(), y: y.into(), floor_at_zero: false };
            tell(self, formula, operation, Rounding::Exact, value, unit);
        }
        Ok(value)
    }

    /// `x - y`, or zero where it would be negative.
    #[inline]
    fn sub_or_zero(&mut self, formula: &'static str, x: U256, y: U256, unit: Unit) -> U256 {
        let value = x.sub_or_zero(y);
        if self.listens() {
            let operation = Operation::Sub { x: x.into(), y: y.into(), floor_at_zero: true };
            tell(self, formula, operation, Rounding::Exact, value, unit);
        }
        value
    }

    /// The smaller of the two.
    #[inline]
    fn min(&mut self, formula: &'static str, x: U256, y: U256, unit: Unit) -> U256 {
        let value = if x <= y { x } else { y };
        if self.listens() {
            let operation = Operation::Min { x: x.into(), y: y.into() };
            tell(self, formula, operation, Rounding::Exact, value, unit);
        }
        value
    }

    /// The greater of the two.
    #[inline]
    fn max(&mut self, formula: &'static str, x: U256, y: U256, unit: Unit) -> U256 {
        let value = if x >= y { x } else { y };
        if self.listens() {
            let operation = Operation::Max { x: x.into(), y: y.into() };
            tell(self, formula, operation, Rounding::Exact, value, unit);
        }
        value
    }
}

impl<T: Trace + ?Sized> Arithmetic for T {}

/// Out of the way of those to whom nobody listens.
#[inline(never)]
fn tell<T: Trace + ?Sized>(
    t: &mut T,
    formula: &'static str,
    operation: Operation,
    rounding: Rounding,
    value: U256,
    unit: Unit,
) {
    t.step(Step { formula, operation, rounding, value: value.into(), unit });
}

#[cold]
fn overflow(formula: &'static str) -> Refusal {
    Refusal::Overflow(formula)
}

#[cold]
fn overflow_or_zero(formula: &'static str, by: U256) -> Refusal {
    if by == U256::ZERO { Refusal::DivisionByZero(formula) } else { Refusal::Overflow(formula) }
}

impl Step {
    /// Recomputes the value from the inputs; `None` where it is given or does not fit.
    ///
    /// This is what a reader with a pencil does; a test runs it over every step of every trace.
    #[must_use]
    pub fn recompute(&self) -> Option<Int> {
        match self.operation {
            Operation::Given => None,
            Operation::MulDiv { x, y, by } => {
                if x.is_negative() || y.is_negative() || by.is_negative() {
                    return x.mul(y)?.div(by, self.rounding);
                }
                let (x, y, by) = (x.magnitude(), y.magnitude(), by.magnitude());
                Some(x.mul_div_wide(y, by, self.rounding)?.into())
            }
            Operation::Add { x, y } => x.add(y),
            Operation::Sub { x, y, floor_at_zero } => {
                let difference = x.sub(y)?;
                Some(if floor_at_zero && difference.is_negative() { Int::ZERO } else { difference })
            }
            Operation::Min { x, y } => Some(x.min(y)),
            Operation::Max { x, y } => Some(x.max(y)),
        }
    }
}
