//! Compound v3: the laws of the form, the books that add up, every refusal, and the market beside a plain model of it.
//!
//! Expected values come from the formulas of the contract, written down here a second time in unbounded integers, or
//! were worked out by hand; never from a run of the market itself. `PLIMSOLL_CASES` multiplies the number of cases of
//! every property.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../shared/seen.rs"]
mod seen;
mod world;
mod model;
mod twin;
mod accounting;
mod liquidation;
mod laws;
mod doubt;
mod interest;
mod boundaries;
mod refusals;
