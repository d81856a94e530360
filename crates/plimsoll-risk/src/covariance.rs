//! Covariances of many assets from few observations: the sample's, and shrunk toward equal and uncorrelated.

use crate::matrix::Matrix;
use crate::unfit::{Unfit, numbers};

/// Observations of several assets, one row a time.
#[derive(Clone, Debug)]
pub struct Panel {
    assets: usize,
    /// Deviations from each asset's mean, row by row.
    centred: Vec<f64>,
}

/// A covariance that was shrunk.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The estimate.
    pub covariance: Matrix,
    /// The weight of the target (the mean variance on the diagonal), 0 to 1.
    pub shrinkage: f64,
}

impl Panel {
    /// Takes rows of equal length, one number an asset.
    ///
    /// # Errors
    /// With fewer than two rows, none or unequally many assets, or what is no number.
    pub fn new(rows: &[Vec<f64>]) -> Result<Panel, Unfit> {
        let assets = rows.first().map_or(0, Vec::len);
        if rows.len() < 2 || assets == 0 {
            return Err(Unfit::TooFew { what: "rows with assets", found: rows.len().min(assets), least: 2 });
        }
        for row in rows {
            if row.len() != assets {
                return Err(Unfit::Lengths { first: assets, second: row.len() });
            }
            numbers("row", row, 1)?;
        }
        let n = rows.len() as f64;
        let means: Vec<f64> = (0..assets).map(|j| rows.iter().map(|row| row[j]).sum::<f64>() / n).collect();
        let deviations =
            |row: &Vec<f64>| -> Vec<f64> { row.iter().zip(&means).map(|(x, mean)| x - mean).collect() };
        Ok(Panel { assets, centred: rows.iter().flat_map(deviations).collect() })
    }

    fn rows(&self) -> std::slice::ChunksExact<'_, f64> {
        self.centred.chunks_exact(self.assets)
    }

    /// The sample covariance; sums are divided by the number of rows (the maximum likelihood).
    #[must_use]
    pub fn covariance(&self) -> Matrix {
        let (n, p) = (self.rows().len() as f64, self.assets);
        let mut sums = Matrix::zero(p);
        for row in self.rows() {
            for i in 0..p {
                for j in 0..=i {
                    sums.set(i, j, sums.at(i, j) + row[i] * row[j]);
                }
            }
        }
        for i in 0..p {
            for j in 0..=i {
                sums.set_both(i, j, sums.at(i, j) / n);
            }
        }
        sums
    }

    /// Ledoit and Wolf 2004 (J. Multivariate Analysis 88), lemma 3.2 to 3.4.
    #[must_use]
    pub fn ledoit_wolf(&self) -> Shrunk {
        let (n, p) = (self.rows().len() as f64, self.assets as f64);
        let sample = self.covariance();
        let mean = sample.trace() / p;
        // Both distances by the same norm: the sum of squares over the number of assets.
        let apart = (squares(&sample) - p * mean * mean) / p;
        // Σ |x xᵀ - S|² = Σ |x|⁴ - n |S|², since the x xᵀ sum to n S.
        let fourth: f64 = self.rows().map(|row| row.iter().map(|x| x * x).sum::<f64>()).map(|r| r * r).sum();
        let noise = ((fourth - n * squares(&sample)) / (p * n * n)).min(apart);
        let shrinkage = if apart > 0.0 { (noise / apart).clamp(0.0, 1.0) } else { 0.0 };
        Shrunk { covariance: toward(&sample, mean, shrinkage), shrinkage }
    }

    /// The oracle approximating shrinkage of Chen, Wiesel, Eldar and Hero 2010 (IEEE Trans. Signal Processing 58), eq. 23, in the form
    /// that scikit-learn has: for normal data and few observations.
    #[must_use]
    pub fn oas(&self) -> Shrunk {
        let (n, p) = (self.rows().len() as f64, self.assets as f64);
        let sample = self.covariance();
        let mean = sample.trace() / p;
        let alpha = squares(&sample) / (p * p);
        let (above, below) = (alpha + mean * mean, (n + 1.0) * (alpha - mean * mean / p));
        let shrinkage = if below > 0.0 { (above / below).min(1.0) } else { 1.0 };
        Shrunk { covariance: toward(&sample, mean, shrinkage), shrinkage }
    }
}

fn squares(matrix: &Matrix) -> f64 {
    (0..matrix.size()).flat_map(|i| matrix.row(i)).map(|x| x * x).sum()
}

fn toward(sample: &Matrix, mean: f64, shrinkage: f64) -> Matrix {
    let mut shrunk = sample.clone();
    for i in 0..sample.size() {
        for j in 0..sample.size() {
            let target = if i == j { shrinkage * mean } else { 0.0 };
            shrunk.set(i, j, (1.0 - shrinkage) * sample.at(i, j) + target);
        }
    }
    shrunk
}

/// Correlations of a covariance; `None` where an asset does not move.
#[must_use]
pub fn correlations(covariance: &Matrix) -> Option<Matrix> {
    let deviations: Vec<f64> = (0..covariance.size()).map(|i| covariance.at(i, i).sqrt()).collect();
    if deviations.iter().any(|deviation| deviation.is_nan() || *deviation <= 0.0) {
        return None;
    }
    let mut matrix = Matrix::zero(covariance.size());
    for i in 0..covariance.size() {
        for j in 0..i {
            matrix.set_both(i, j, covariance.at(i, j) / (deviations[i] * deviations[j]));
        }
        matrix.set(i, i, 1.0);
    }
    Some(matrix)
}

/// The mean of all correlations between different assets; `None` for fewer than two.
#[must_use]
pub fn mean_correlation(correlations: &Matrix) -> Option<f64> {
    let n = correlations.size();
    let pairs = n * n.saturating_sub(1) / 2;
    let sum: f64 = (0..n).flat_map(|i| &correlations.row(i)[i + 1..]).sum();
    (pairs > 0).then(|| sum / pairs as f64)
}
