//! Liquity v2: the laws of the form, conservation over random lives and liquidations, the list of troves, the corners
//! that no recording reaches, and every refusal.
//!
//! Expected values come from the protocol's formulas, restated here with exact integers and rationals, never from a run of
//! the market itself. `PLIMSOLL_CASES` multiplies the number of cases of every property.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../shared/seen.rs"]
mod seen;
mod world;
mod accounting;
mod laws;
mod corners;
mod refusals;
