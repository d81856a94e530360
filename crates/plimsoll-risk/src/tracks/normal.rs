//! Normal returns, the same every day: geometric Brownian motion seen now and then. No fat tails.

use super::{Track, Tracks};
use crate::matrix::Matrix;
use crate::stream::Stream;
use crate::unfit::Unfit;

/// The model.
#[derive(Clone, Debug)]
pub struct Normal {
    looks: usize,
    factor: Matrix,
    drifts: Vec<f64>,
}

impl Normal {
    /// From the covariance of a day's logarithmic returns.
    ///
    /// # Errors
    /// When it is not positive definite, or nobody looks.
    pub fn new(covariance: &Matrix, looks: usize) -> Result<Normal, Unfit> {
        if looks == 0 {
            return Err(Unfit::TooFew { what: "looks a day", found: 0, least: 1 });
        }
        let prices = covariance.size();
        let mut step = Matrix::zero(prices);
        for i in 0..prices {
            for j in 0..prices {
                step.set(i, j, covariance.at(i, j) / looks as f64);
            }
        }
        let factor = step
            .cholesky()
            .ok_or(Unfit::NotFound("a root of the covariance, which must be positive definite"))?;
        let drifts = (0..prices).map(|i| -0.5 * step.at(i, i)).collect();
        Ok(Normal { looks, factor, drifts })
    }
}

impl Tracks for Normal {
    fn prices(&self) -> usize {
        self.drifts.len()
    }

    fn looks(&self) -> usize {
        self.looks
    }

    fn draw(&self, seed: u64, number: u64, days: usize, track: &mut Track) {
        let prices = self.prices();
        track.begin(days * self.looks, prices, false);
        let mut stream = Stream::new(seed, number);
        let mut normals = vec![0.0; prices];
        let mut stands = vec![0.0; prices];
        for look in track.close.chunks_exact_mut(prices) {
            normals.fill_with(|| stream.normal());
            for (i, (stands, drift)) in stands.iter_mut().zip(&self.drifts).enumerate() {
                let row = &self.factor.row(i)[..=i];
                *stands += drift + row.iter().zip(&normals).map(|(a, b)| a * b).sum::<f64>();
            }
            look.copy_from_slice(&stands);
        }
    }
}
