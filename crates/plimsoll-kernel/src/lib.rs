//! Whole books in packed rows: who may have crossed, in one world or in thousands.
//!
//! A market compiles an account to a form ([`plimsoll_core::form`]); the kernel lowers it to floats with a bound that is proven, packs
//! like rows side by side, and screens. What it says is one of three things: surely not unhealthy, surely below the line, undecided. The
//! last are for the market's integers to decide; no float decides anything.
//!
//! The modules in the order in which a newcomer should read them: `lower` (the bound and its proof), `world`, `panel` (the
//! layout), `screen` (one world), `worlds` and `sweep` (many), `index` (one tick), `simd` (the paths).

#![allow(clippy::float_arithmetic)] // this is where the floats are

mod block;
mod float;
mod index;
mod lower;
mod memory;
mod pair;
mod panel;
mod rows;
mod screen;
mod simd;
mod sweep;
mod threads;
mod world;
mod worlds;

pub use index::{Candidate, Event, Index, Level, Ticked};
pub use panel::{MarketRows, Packed, Packing};
pub use screen::Screened;
pub use simd::Path;
pub use sweep::{Money, Plan, Swept, Tally};
pub use threads::Threads;
pub use world::{Layout, World};
pub use worlds::Worlds;
