//! Margin of derivative positions, in exact integers.
//!
//! A margin system asks one question of an account: is what backs it at least what its positions require? This crate has the mathematics that such
//! answers need ([`fixed`], [`black76`]), with proven errors, and knows no file, no float and no clock.

#![no_std]
#![deny(clippy::float_arithmetic, clippy::disallowed_types)]

extern crate alloc;

pub mod fixed;
pub mod black76;
pub mod mango;
pub mod drift;
pub mod dydx;
pub mod span;
pub mod hyperliquid;
pub mod derive;
pub mod cross;
pub mod boundary;
pub mod pretrade;
pub mod pairing;
pub mod liquidation;
pub mod choose;
pub mod ruin;
pub mod waterfall;
mod fields;
mod ledger;
pub mod market;
pub mod schedule;
pub mod portfolio;
