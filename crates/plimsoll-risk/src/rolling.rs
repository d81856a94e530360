//! Correlations of several assets as returns come in, row by row, with the band within which the true one lies.

use crate::matrix::Matrix;
use crate::special::normal_quantile;
use crate::unfit::{Unfit, fraction, must, numbers};
use libm::{atanh, tanh};

/// Correlations over the last rows of a window.
///
/// A row is added and one taken away at each step, so a step costs as many operations as there are pairs. What rounding that leaves is wiped out by
/// summing anew once a window.
#[derive(Clone, Debug)]
pub struct Rolling {
    assets: usize,
    window: usize,
    /// The rows of the window, in the place of their time modulo the window.
    rows: Vec<f64>,
    pushed: usize,
    sums: Vec<f64>,
    products: Matrix,
}

impl Rolling {
    /// Of so many assets over so many rows.
    ///
    /// # Errors
    /// With no asset, or a window of fewer than four rows, over which no band is told.
    pub fn new(assets: usize, window: usize) -> Result<Rolling, Unfit> {
        if assets == 0 {
            return Err(Unfit::TooFew { what: "assets", found: 0, least: 1 });
        }
        if window < 4 {
            return Err(Unfit::TooFew { what: "rows in the window", found: window, least: 4 });
        }
        let rows = vec![0.0; assets * window];
        Ok(Rolling {
            assets,
            window,
            rows,
            pushed: 0,
            sums: vec![0.0; assets],
            products: Matrix::zero(assets),
        })
    }

    /// Adds the returns of a step, one an asset.
    ///
    /// # Errors
    /// With another number of assets, or what is no number.
    pub fn push(&mut self, returns: &[f64]) -> Result<(), Unfit> {
        if returns.len() != self.assets {
            return Err(Unfit::Lengths { first: self.assets, second: returns.len() });
        }
        numbers("returns", returns, 1)?;
        let place = self.pushed % self.window * self.assets;
        let slot = place..place + self.assets;
        if self.pushed >= self.window {
            add(&mut self.sums, &mut self.products, &self.rows[slot.clone()], -1.0);
        }
        self.rows[slot].copy_from_slice(returns);
        self.pushed += 1;
        if self.pushed.is_multiple_of(self.window) {
            self.sums.fill(0.0);
            self.products = Matrix::zero(self.assets);
            for row in self.rows.chunks_exact(self.assets) {
                add(&mut self.sums, &mut self.products, row, 1.0);
            }
        } else {
            add(&mut self.sums, &mut self.products, returns, 1.0);
        }
        Ok(())
    }

    /// How many rows the correlations are of.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.pushed.min(self.window)
    }

    /// The correlation of two assets; `None` before four rows have come, or where one of them did not move.
    #[must_use]
    pub fn correlation(&self, first: usize, second: usize) -> Option<f64> {
        if self.rows() < 4 || first.max(second) >= self.assets {
            return None;
        }
        let n = self.rows() as f64;
        let (i, j) = (first.max(second), first.min(second));
        let central = |i: usize, j: usize| self.products.at(i, j) - self.sums[i] * self.sums[j] / n;
        let (variance1, variance2) = (central(i, i), central(j, j));
        // Of what does not move, rounding leaves a hair of its size.
        let moves = |i: usize, variance: f64| variance > 1e-12 * self.products.at(i, i);
        (moves(i, variance1) && moves(j, variance2))
            .then(|| (central(i, j) / variance1.sqrt() / variance2.sqrt()).clamp(-1.0, 1.0))
    }
}

fn add(sums: &mut [f64], products: &mut Matrix, row: &[f64], sign: f64) {
    for (i, a) in row.iter().enumerate() {
        sums[i] += sign * a;
        for (j, b) in row[..=i].iter().enumerate() {
            products.set(i, j, products.at(i, j) + sign * a * b);
        }
    }
}

/// Correlations in which each row counts `decay` times as much as the next; returns are taken to have mean zero, as EWMA does.
#[derive(Clone, Debug)]
pub struct Fading {
    decay: f64,
    products: Matrix,
    /// The sum of the weights so far, of which a full history has one.
    weight: f64,
}

impl Fading {
    /// Of so many assets.
    ///
    /// # Errors
    /// With no asset, or a decay outside 0 to 1.
    pub fn new(assets: usize, decay: f64) -> Result<Fading, Unfit> {
        if assets == 0 {
            return Err(Unfit::TooFew { what: "assets", found: 0, least: 1 });
        }
        fraction("decay", decay)?;
        Ok(Fading { decay, products: Matrix::zero(assets), weight: 0.0 })
    }

    /// Adds the returns of a step, one an asset.
    ///
    /// # Errors
    /// With another number of assets, or what is no number.
    pub fn push(&mut self, returns: &[f64]) -> Result<(), Unfit> {
        if returns.len() != self.products.size() {
            return Err(Unfit::Lengths { first: self.products.size(), second: returns.len() });
        }
        numbers("returns", returns, 1)?;
        for (i, a) in returns.iter().enumerate() {
            for (j, b) in returns[..=i].iter().enumerate() {
                let value = self.decay * self.products.at(i, j) + (1.0 - self.decay) * a * b;
                self.products.set(i, j, value);
            }
        }
        self.weight = self.decay * self.weight + 1.0 - self.decay;
        Ok(())
    }

    /// As many equally weighted rows as would tell as much: `(Σ w)² / Σ w²`.
    #[must_use]
    pub fn rows(&self) -> f64 {
        // With k rows so far, decay^k is what the weights lack of one.
        let lacking = 1.0 - self.weight;
        (1.0 + self.decay) / (1.0 - self.decay) * (1.0 - lacking) / (1.0 + lacking)
    }

    /// The correlation of two assets; `None` where one of them has not moved.
    #[must_use]
    pub fn correlation(&self, first: usize, second: usize) -> Option<f64> {
        let (i, j) = (first.max(second), first.min(second));
        if i >= self.products.size() {
            return None;
        }
        let (variance1, variance2) = (self.products.at(i, i), self.products.at(j, j));
        (variance1 > 0.0 && variance2 > 0.0)
            .then(|| (self.products.at(i, j) / variance1.sqrt() / variance2.sqrt()).clamp(-1.0, 1.0))
    }
}

/// The band in which the true correlation lies with this confidence, if returns are normal: `tanh(atanh(r) ± z / sqrt(rows - 3))` (Fisher
/// 1921). Fat tails make it wider than this.
///
/// # Errors
/// With a correlation outside -1 to 1, no more than three rows, or a confidence outside 0 to 1.
pub fn band(correlation: f64, rows: f64, confidence: f64) -> Result<(f64, f64), Unfit> {
    must("correlation", correlation, (-1.0..=1.0).contains(&correlation), "between -1 and 1")?;
    must("rows", rows, rows > 3.0, "more than 3")?;
    fraction("confidence", confidence)?;
    let reach = normal_quantile(0.5 + 0.5 * confidence) / (rows - 3.0).sqrt();
    // At the ends themselves the transform is infinite, and the band is the end.
    let middle = atanh(correlation);
    Ok((tanh(middle - reach), tanh(middle + reach)))
}
