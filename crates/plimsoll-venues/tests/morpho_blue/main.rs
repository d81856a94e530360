//! Morpho Blue: the laws of the form, the properties of lending by number, and every refusal.
//!
//! Expected values come from exact rationals written down here from the protocol's formulas, never from a run of the
//! market itself. `PLIMSOLL_CASES` multiplies the number of cases of every property.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../shared/seen.rs"]
mod seen;
mod world;
mod accounting;
mod health;
mod liquidation;
mod interest;
mod rounding;
mod laws;
mod refusals;
mod boundaries;
