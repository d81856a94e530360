//! Cross margin as a market, by its laws. What it should say is computed by another evaluator, in big integers and from the definition.

#![allow(clippy::unwrap_used)]

mod actions;
mod laws;
mod schedule;
mod world;
