//! Wrong-way risk: how often the collateral falls far just when the debt rises far.

use crate::copula::{Ranked, tail_dependence};
use crate::rank::lower_tail;
use crate::unfit::Unfit;

/// The share of the worst moves that is looked at.
pub const SHARE: f64 = 0.05;

/// How the worst moves of the two go together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct WrongWay {
    /// Of moves that are among the worst 5 % for the collateral, the part in which the debt's rise is among its largest 5 %. Of prices
    /// that do not depend on each other: 0.05.
    pub seen: f64,
    /// The limit for ever worse moves by a t copula, its correlation by Kendall's tau and its degrees of freedom fitted; `None` where the
    /// fit found no optimum.
    pub fitted: Option<f64>,
    /// How many moves that is of.
    pub rows: usize,
}

/// Of returns of the collateral and the debt at the same times.
///
/// # Errors
/// With unequal series, fewer than ten returns, what is no number, or a series that does not move.
pub fn wrong_way(collateral: &[f64], debt: &[f64]) -> Result<WrongWay, Unfit> {
    // What is owed hurts where it rises.
    let debt: Vec<f64> = debt.iter().map(|r| -r).collect();
    let seen = lower_tail(collateral, &debt, SHARE)?;
    let ranked = Ranked::new(collateral, &debt)?;
    let fitted = ranked.fit_tau().ok().and_then(|fit| tail_dependence(fit.rho, fit.nu).ok());
    Ok(WrongWay { seen, fitted, rows: collateral.len() })
}
