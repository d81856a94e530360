//! Crashes, step by step: what a falling market does to a book, and the book to the market.
//!
//! A [`plan`] says how prices move ([`prices`]), what oracles make of them, where things are sold and who acts; [`play`] plays one run of it over
//! a real book: its markets act by their own exact rules, the kernel's tick index says who may have crossed a line, and [`outcome`] is what came of
//! it. Amounts are integers, as venues and pools compute them; where a pool or a market is exact, so is it here. Floats stand in the laws of
//! others that are floats themselves ([`almgren_chriss`], [`riskdao`]), in the drawing of prices and in the laws of impact. Nothing reads a
//! file, a clock or a random source: a seed is passed in, and the same seed gives the same bytes on any machine and any number of threads.

#![allow(clippy::float_arithmetic)] // prices are drawn and impact laws are floats; verdicts are not made here

mod borrower;
mod keeper;
mod ledger;
mod oracle;
mod state;
mod street;
mod worth;

pub mod almgren_chriss;
pub mod llamma;
pub mod many;
pub mod outcome;
pub mod plan;
pub mod play;
pub mod prices;
pub mod riskdao;

pub use ledger::{Holder, Ledger};
pub use state::Unplayable;
pub use street::square_root;
