//! Maker: the laws of the form, conservation of every unit, the corners of the oracle and of both auction houses, and
//! every refusal.
//!
//! Expected values come from the contracts' rules, worked out here by exact integers or by hand, or from the contracts'
//! own tests, never from a run of the market itself. `PLIMSOLL_CASES` multiplies the number of cases of every property.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../shared/seen.rs"]
mod seen;
mod world;
mod conservation;
mod laws;
mod vaults;
mod oracle;
mod dutch;
mod english;
mod refusals;
mod order;
mod encoding;
