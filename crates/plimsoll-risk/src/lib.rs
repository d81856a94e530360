//! How likely a line is to be crossed: from price history to volatilities, dependence and tails, and from those to chances.
//!
//! Floats throughout, and none of them decides whether an account is healthy: that is for the venues' integers. What is estimated here is a
//! chance, and says from what. Nothing reads a file, a clock or a random source: seeds are passed in, and elementary functions come from
//! the `libm` crate, so that a number is the same on every machine. `docs/risk-methods.md` tells of each method, its source and what it
//! leaves out.
//!
//! In the order in which a newcomer should read: `bars`, `history`, `volatility`, `garch`, `covariance`, `rolling`, `rank`, `copula` (what prices do),
//! `extremes`, `hawkes` (tails and clusters), `loss`, `backtest`, `margin`, `liquidation`, `windows`, `threshold` (what may be lost, and where a
//! line may stand), `passage` (chances in closed form),
//! `stream`, `points`, `paths` (chances by drawn paths), `tracks` (prices by drawn days, for accounts of any form), `smart_ltv` (a rule of others).

#![allow(clippy::float_arithmetic)] // estimates are floats; verdicts are not made here

mod matrix;
mod minimise;
mod special;
mod twice;
mod unfit;

pub mod backtest;
pub mod bars;
pub mod copula;
pub mod covariance;
pub mod extremes;
pub mod garch;
pub mod hawkes;
pub mod history;
pub mod liquidation;
pub mod loss;
pub mod margin;
pub mod passage;
pub mod paths;
pub mod peg;
pub mod points;
pub mod rank;
pub mod regime;
pub mod rolling;
pub mod smart_ltv;
pub mod stream;
pub mod threshold;
pub mod tracks;
pub mod volatility;
pub mod watch;
pub mod windows;
pub mod wrong_way;

/// Elementary functions that are the same on every machine.
pub use libm::{exp, log};
pub use matrix::Matrix;
pub use special::{
    Student, chi_squared_1_above, chi_squared_2_above, normal, normal_density, normal_quantile,
};
pub use unfit::Unfit;
