//! Portfolio margin as a market, by its laws. What the example book is asked is checked against another evaluator in plimsoll-io's tests.

#![allow(clippy::unwrap_used)]

mod laws;
mod liquidate;
mod schedule;
mod world;
