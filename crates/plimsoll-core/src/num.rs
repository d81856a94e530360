//! Integers as the venues compute them: 256 bits, checked, every division with a named rounding.
//!
//! There is no operator `+`, `-`, `*` or `/` here. The big-integer crate underneath wraps silently in every
//! build; these types wrap it and offer only operations that answer `None` where the true result does not
//! fit, which is where a contract would revert.

// `add` and `mul` are methods that may refuse; the operator traits cannot.
#![allow(clippy::should_implement_trait)]

mod decimal;
mod divisor;
mod int;
mod u256;
mod wide;

pub use decimal::{Decimal, DecimalError};
pub use divisor::{BPS, Divisor, RAY, WAD, YEAR};
pub use int::Int;
pub use u256::U256;
pub use wide::Wide;

/// Which way a division goes when it does not come out even.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Rounding {
    /// No remainder can occur, or none is lost.
    Exact,
    /// Toward minus infinity.
    Down,
    /// Toward plus infinity.
    Up,
    /// To the nearest, a tie away from zero; unsigned numbers only.
    HalfUp,
    /// Toward zero, as signed division in Solidity.
    TowardZero,
}

impl Rounding {
    /// The word that people read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Rounding::Exact => "exact",
            Rounding::Down => "down",
            Rounding::Up => "up",
            Rounding::HalfUp => "half up",
            Rounding::TowardZero => "toward zero",
        }
    }
}
