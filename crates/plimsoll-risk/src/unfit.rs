//! Why a method has no answer.

use std::fmt;

/// What is wrong with what a method was given. No method guesses: it answers, or says this.
#[derive(Clone, Debug, PartialEq)]
pub enum Unfit {
    /// Fewer observations than the method needs.
    TooFew {
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many are needed.
        least: usize,
    },
    /// Two series that go together have different lengths.
    Lengths {
        /// Of the first.
        first: usize,
        /// Of the second.
        second: usize,
    },
    /// A number is not what it may be.
    Number {
        /// Its name.
        name: &'static str,
        /// Its value.
        found: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// An observation is not what it may be.
    Observation {
        /// Of which series.
        series: &'static str,
        /// Its place, from 0.
        index: usize,
        /// Its value.
        found: f64,
        /// What it may be.
        expected: &'static str,
    },
    /// Bars do not stand one step after the other.
    Order {
        /// The place of the bar, from 0.
        index: usize,
        /// Its time \[s\].
        time: i64,
        /// What was expected of it.
        expected: &'static str,
    },
    /// All observations are the same, so there is nothing to estimate.
    Still(&'static str),
    /// A search ended without an optimum.
    NotFound(&'static str),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::TooFew { what, found, least } => write!(f, "{found} {what}, expected at least {least}"),
            Unfit::Lengths { first, second } => {
                write!(f, "series of {first} and {second} observations, expected equally many")
            }
            Unfit::Number { name, found, expected } => {
                write!(f, "{name}: found {found}, expected {expected}")
            }
            Unfit::Observation { series, index, found, expected } => {
                write!(f, "{series}[{index}]: found {found}, expected {expected}")
            }
            Unfit::Order { index, time, expected } => {
                write!(f, "bar {index} at {time} s: expected {expected}")
            }
            Unfit::Still(what) => write!(f, "{what}: all observations are the same"),
            Unfit::NotFound(what) => write!(f, "{what}: the search found no optimum"),
        }
    }
}

impl std::error::Error for Unfit {}

/// There are `least` observations, and each is a number.
pub(crate) fn numbers(series: &'static str, values: &[f64], least: usize) -> Result<(), Unfit> {
    if values.len() < least {
        return Err(Unfit::TooFew { what: "observations", found: values.len(), least });
    }
    match values.iter().position(|value| !value.is_finite()) {
        Some(index) => {
            Err(Unfit::Observation { series, index, found: values[index], expected: "a finite number" })
        }
        None => Ok(()),
    }
}

/// Two series go together.
pub(crate) fn pairs(first: &[f64], second: &[f64], least: usize) -> Result<(), Unfit> {
    if first.len() != second.len() {
        return Err(Unfit::Lengths { first: first.len(), second: second.len() });
    }
    numbers("first", first, least)?;
    numbers("second", second, least)
}

/// A number of this name satisfies what is expected of it; one that is no number satisfies nothing.
pub(crate) fn must(name: &'static str, found: f64, holds: bool, expected: &'static str) -> Result<(), Unfit> {
    if holds && found.is_finite() { Ok(()) } else { Err(Unfit::Number { name, found, expected }) }
}

/// A positive finite number.
pub(crate) fn positive(name: &'static str, found: f64) -> Result<(), Unfit> {
    must(name, found, found > 0.0, "a positive number")
}

/// A number strictly between 0 and 1.
pub(crate) fn fraction(name: &'static str, found: f64) -> Result<(), Unfit> {
    must(name, found, found > 0.0 && found < 1.0, "a number between 0 and 1, both excluded")
}
