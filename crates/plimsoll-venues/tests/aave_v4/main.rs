//! Aave v4: the laws of the form, the books of hubs and spokes, every refusal, and liquidations beside a plain model.
//!
//! Expected values come from the contracts' formulas, written down here a second time in unbounded integers, or were
//! worked out by hand; never from a run of the market itself. `PLIMSOLL_CASES` multiplies the number of cases of every
//! property.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../shared/seen.rs"]
mod seen;
mod world;
mod accounting;
mod laws;
mod model;
mod corners;
mod hubs;
mod refusals;
mod interest;
mod limits;
mod premiums;
mod lines;
