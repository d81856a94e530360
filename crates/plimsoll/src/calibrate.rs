//! Where a line should stand, and how much margin to ask: from prices that were and depth that was measured.
//!
//! Floats estimate here; whom a change of parameters would touch is asked of the venue's integers.

#![allow(clippy::float_arithmetic)] // estimates of losses that may come: no account is judged by them

pub(crate) mod margins;

/// Why something of an asset cannot be estimated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotEstimable {
    /// Which asset.
    pub asset: String,
    /// Why, in words.
    pub why: String,
}

impl core::fmt::Display for NotEstimable {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "{}: not estimable: {}", self.asset, self.why)
    }
}

impl std::error::Error for NotEstimable {}
