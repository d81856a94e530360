//! Whole books in packed rows: who may have crossed, in one world or in thousands.
//!
//! A market compiles an account to a form ([`plimsoll_core::form`]); the kernel lowers it to floats with a bound that is proven, packs
//! like rows side by side, and screens. What it says is one of three things: surely not unhealthy, surely below the line, undecided. The
//! last are for the market's integers to decide; no float decides anything.
//!
//! The modules in the order in which a newcomer should read them: `lower` (the bound and its proof), `world`, `panel` and `packing` (the
//! layout), `single` (half the bytes, with a bound of its own), `screen` and `filter` (one world), `worlds` and `sweep` (many), with
//! `order` (who need not be looked at), `quick` and `block`; `lanes` (numbers of drawn paths) and `passage` (who falls below on them, by when); `update` (one account), `plain` (one account for estimates), `index` (one tick), `columns` (a portfolio on risk arrays), `simd` (the paths).

#![allow(clippy::float_arithmetic)] // this is where the floats are

mod block;
mod columns;
mod filter;
mod float;
mod index;
mod lanes;
mod lower;
mod memory;
mod order;
mod packing;
mod pair;
mod panel;
mod passage;
mod plain;
mod quick;
mod rows;
#[cfg(test)]
mod samples;
mod screen;
mod simd;
mod single;
mod sweep;
mod threads;
mod update;
mod world;
mod worlds;

pub use columns::{Column, Positions, Scenarios, Worst};
pub use index::{Candidate, Event, Index, Level, Ticked};
pub use lanes::{Drawn, Lanes, PATHS, philox};
pub use memory::Yardstick;
pub use packing::Packing;
pub use panel::{MarketRows, Packed};
pub use passage::{Course, Loss, Passed, Walks};
pub use plain::{Plain, PlainRow, PlainRows, PlainTerms, total};
pub use screen::Screened;
pub use simd::Path;
pub use sweep::{Money, Plan, Swept, Tally};
pub use threads::Threads;
pub use world::{Layout, World};
pub use worlds::{Across, Worlds};
