//! The venues: rules of deployed contracts, restated to the last unit.
//!
//! One venue, one module; its header is the specification: source, units, formula, rounding, slack. Nothing here
//! knows files, floats or clocks.

#![no_std]
#![deny(clippy::float_arithmetic, clippy::disallowed_types)]

extern crate alloc;

use plimsoll_core::table;
pub mod aave_v3;
pub mod aave_v4;
pub mod compound_v3;
pub mod morpho_blue;
pub mod maker;
pub mod liquity_v2;
