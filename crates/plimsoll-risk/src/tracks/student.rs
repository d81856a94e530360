//! A t copula of days with Student margins: prices fall far, and together. Within a day they go the way of a Brownian bridge whose
//! volatility is the day's.

use super::{Track, Tracks};
use crate::copula::Ranked;
use crate::matrix::Matrix;
use crate::minimise::valley;
use crate::special::Student;
use crate::stream::Stream;
use crate::unfit::{Unfit, must, numbers};
use libm::{exp, log};

/// Degrees of freedom within which fits search: below, a return has no variance.
const NU: (f64, f64) = (2.05, 200.0);
/// Quantiles are read from a table of so many cells between these ends of the normal scale.
const CELLS: usize = 1024;

/// The most likely degrees of freedom of returns of variance one.
///
/// # Errors
/// With fewer than 30 returns, or one that is no number.
pub fn margin(standardised: &[f64]) -> Result<f64, Unfit> {
    numbers("returns", standardised, 30)?;
    let mut minus = |ln_nu: f64| {
        let nu = exp(ln_nu);
        // A Student of variance one is one times this.
        let scale = ((nu - 2.0) / nu).sqrt();
        let student = Student::new(nu);
        let of = |z: &f64| student.ln_density(z / scale) - log(scale);
        -standardised.iter().map(of).sum::<f64>()
    };
    Ok(exp(valley(log(NU.0), log(NU.1), 1e-6, &mut minus).0))
}

/// The model.
#[derive(Clone, Debug)]
pub struct Copula {
    looks: usize,
    /// Degrees of freedom of the copula.
    nu: f64,
    factor: Matrix,
    margins: Vec<Margin>,
}

/// One price's day.
#[derive(Clone, Debug)]
struct Margin {
    /// Volatility of a day.
    deviation: f64,
    /// Its own degrees of freedom.
    nu: f64,
    /// The return, in units of variance one, of a copula's value: at equal distances of `asinh`.
    quantiles: Vec<f64>,
    /// By how much the mean of the price is taken back.
    drift: f64,
}

/// The ends of the table, in `asinh` of the copula's value: a chance of 1e-12 is inside for every `nu` above 2.
const END: f64 = 14.0;

impl Copula {
    /// From standardised returns of each price (rows of the same days) and the volatility expected of a day now.
    ///
    /// # Errors
    /// With too few or unequal returns, or series that move as one.
    pub fn new(standardised: &[Vec<f64>], deviations: &[f64], looks: usize) -> Result<Copula, Unfit> {
        let prices = standardised.len();
        if prices != deviations.len() || prices == 0 {
            return Err(Unfit::Lengths { first: prices, second: deviations.len() });
        }
        must("looks a day", looks as f64, looks > 0, "at least 1")?;
        let mut pairs = Vec::new();
        let mut correlations = Matrix::zero(prices);
        for i in 0..prices {
            correlations.set(i, i, 1.0);
            for j in 0..i {
                let ranked = Ranked::new(&standardised[i], &standardised[j])?;
                let rho = ranked.rho_of_tau().clamp(-0.9999, 0.9999);
                correlations.set_both(i, j, rho);
                // Degrees of freedom are one number: each series with the first and with the one before it says enough.
                if j == 0 || j + 1 == i {
                    pairs.push((ranked, rho));
                }
            }
        }
        let margins: Vec<f64> = standardised.iter().map(|one| margin(one)).collect::<Result<_, _>>()?;
        // The pairs' likelihoods are multiplied as if pairs were independent: consistent (Varin, Reid and Firth 2011), and one number.
        let nu = if pairs.is_empty() {
            margins[0]
        } else {
            let mut minus = |ln_nu: f64| {
                let of = |(ranked, rho): &(Ranked, f64)| {
                    ranked.log_likelihood(*rho, exp(ln_nu)).unwrap_or(f64::NEG_INFINITY)
                };
                -pairs.iter().map(of).sum::<f64>()
            };
            exp(valley(log(NU.0), log(NU.1), 1e-2, &mut minus).0)
        };
        let factor = root(&correlations)?;
        let of = |(nu_own, deviation): (&f64, &f64)| margin_of(nu, *nu_own, *deviation);
        let margins = margins.iter().zip(deviations).map(of).collect();
        Ok(Copula { looks, nu, factor, margins })
    }

    /// Degrees of freedom of the copula, and of each price.
    #[must_use]
    pub fn nus(&self) -> (f64, Vec<f64>) {
        (self.nu, self.margins.iter().map(|margin| margin.nu).collect())
    }
}

/// A root of correlations that were estimated pair by pair: where they contradict each other they are shrunk until there is one.
fn root(correlations: &Matrix) -> Result<Matrix, Unfit> {
    let mut shrunk = correlations.clone();
    for _ in 0..200 {
        if let Some(factor) = shrunk.cholesky() {
            return Ok(factor);
        }
        for i in 0..shrunk.size() {
            for j in 0..i {
                shrunk.set_both(i, j, shrunk.at(i, j) * 0.99);
            }
        }
    }
    Err(Unfit::NotFound("a root of the correlations"))
}

fn margin_of(copula: f64, nu: f64, deviation: f64) -> Margin {
    let (from, to) = (Student::new(copula), Student::new(nu));
    let scale = ((nu - 2.0) / nu).sqrt();
    let quantile = |cell: usize| {
        let y = END * (cell as f64 / CELLS as f64 * 2.0 - 1.0);
        scale * to.quantile(from.below(libm::sinh(y)).max(1e-300))
    };
    // The upper half is the lower one's mirror.
    let mut quantiles: Vec<f64> = (0..CELLS / 2).map(quantile).collect();
    quantiles.push(0.0);
    quantiles.extend((0..CELLS / 2).rev().map(|cell| -quantiles[cell]).collect::<Vec<f64>>());
    // A Student's exponential has no mean; a price that stood still on average is as near as there is.
    Margin { deviation, nu, quantiles, drift: 0.5 * deviation * deviation }
}

impl Margin {
    fn value(&self, copula: f64) -> f64 {
        let place = ((libm::asinh(copula) / END + 1.0) * 0.5 * CELLS as f64).clamp(0.0, CELLS as f64 - 1e-9);
        let (cell, part) = (place as usize, place - place.floor());
        self.quantiles[cell] * (1.0 - part) + self.quantiles[cell + 1] * part
    }
}

impl Tracks for Copula {
    fn prices(&self) -> usize {
        self.margins.len()
    }

    fn looks(&self) -> usize {
        self.looks
    }

    fn draw(&self, seed: u64, number: u64, days: usize, track: &mut Track) {
        let (prices, looks) = (self.prices(), self.looks);
        track.begin(days * looks, prices, false);
        let mut stream = Stream::new(seed, number);
        let mut normals = vec![0.0; prices];
        let mut stands = vec![0.0; prices];
        let mut bridge = vec![0.0; looks * prices];
        let root = 1.0 / (looks as f64).sqrt();
        for day in 0..days {
            let mut sums = vec![0.0; prices];
            for look in bridge.chunks_exact_mut(prices) {
                normals.fill_with(|| stream.normal());
                for (i, (cell, sum)) in look.iter_mut().zip(&mut sums).enumerate() {
                    let row = &self.factor.row(i)[..=i];
                    *sum += root * row.iter().zip(&normals).map(|(a, b)| a * b).sum::<f64>();
                    *cell = *sum;
                }
            }
            // The sum of the day's normals is a normal of variance one; over a common root it is the copula's t.
            let mixing = 1.0 / stream.chi_squared_mean(self.nu).sqrt();
            let calm = ((self.nu - 2.0) / self.nu).max(0.0).sqrt();
            for (i, margin) in self.margins.iter().enumerate() {
                let end = margin.deviation * margin.value(sums[i] * mixing);
                // On the way a bridge with the volatility that the mixing gives the day.
                let width = margin.deviation * mixing * calm;
                for look in 0..looks {
                    let share = (look + 1) as f64 / looks as f64;
                    let wave = bridge[look * prices + i] - share * sums[i];
                    track.close[(day * looks + look) * prices + i] =
                        stands[i] + share * (end - margin.drift) + width * wave;
                }
                stands[i] += end - margin.drift;
            }
        }
    }
}
