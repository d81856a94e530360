//! The t copula of two series: dependence that does not fade in the tails, as it does in a normal one.

use crate::minimise::valley;
use crate::rank::{kendall, ranks};
use crate::special::Student;
use crate::unfit::{Unfit, must, pairs, positive};
use libm::{lgamma, log, log1p, sin};
use std::f64::consts::FRAC_PI_2;

/// A fitted t copula.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TCopula {
    /// Correlation.
    pub rho: f64,
    /// Degrees of freedom.
    pub nu: f64,
    /// The logarithm of the likelihood of the ranks.
    pub log_likelihood: f64,
}

/// Degrees of freedom within which fits search: at 200 the copula is a normal one to all that data can tell.
const NU: (f64, f64) = (0.5, 200.0);

/// The chance that one falls very far given that the other does: `2 t(-sqrt((nu+1)(1-rho)/(1+rho)))` with `nu + 1` degrees of
/// freedom (Demarta and McNeil 2005, eq. 23). The same in both tails.
///
/// # Errors
/// With a correlation outside -1 to 1 or degrees of freedom that are not positive.
pub fn tail_dependence(rho: f64, nu: f64) -> Result<f64, Unfit> {
    sound(rho)?;
    positive("nu", nu)?;
    let distance = ((nu + 1.0) * (1.0 - rho) / (1.0 + rho)).sqrt();
    Ok(2.0 * Student::new(nu + 1.0).below(-distance))
}

fn sound(rho: f64) -> Result<(), Unfit> {
    must("rho", rho, rho > -1.0 && rho < 1.0, "a correlation between -1 and 1, both excluded")
}

/// The ranks of two series, over `n + 1`.
pub struct Ranked {
    /// Twice each rank, less one: an index into the list of quantiles (ranks are halves where values are tied).
    places: Vec<(usize, usize)>,
    tau: f64,
}

impl Ranked {
    /// Ranks two series.
    ///
    /// # Errors
    /// With unequal series, fewer than ten observations, what is no number, or a series that does not move.
    pub fn new(first: &[f64], second: &[f64]) -> Result<Ranked, Unfit> {
        pairs(first, second, 10)?;
        let tau = kendall(first, second)?;
        let place = |rank: &f64| (2.0 * rank) as usize - 2;
        let (ranks1, ranks2) = (ranks(first), ranks(second));
        let places = ranks1.iter().zip(&ranks2).map(|(a, b)| (place(a), place(b))).collect();
        Ok(Ranked { places, tau })
    }

    /// Kendall's tau-b.
    #[must_use]
    pub fn tau(&self) -> f64 {
        self.tau
    }

    /// The correlation of an elliptical copula with this tau: `sin(pi tau / 2)` (Lindskog, McNeil and Schmock 2003).
    #[must_use]
    pub fn rho_of_tau(&self) -> f64 {
        sin(FRAC_PI_2 * self.tau)
    }

    /// The logarithm of the likelihood (Demarta and McNeil 2005, eq. 8).
    ///
    /// # Errors
    /// With a correlation outside -1 to 1 or degrees of freedom that are not positive.
    pub fn log_likelihood(&self, rho: f64, nu: f64) -> Result<f64, Unfit> {
        sound(rho)?;
        positive("nu", nu)?;
        Ok(-At::new(self, nu).minus(rho))
    }

    /// The most likely `nu` with the correlation of tau: robust, and one search less.
    ///
    /// # Errors
    /// When the correlation of tau is -1 or 1.
    pub fn fit_tau(&self) -> Result<TCopula, Unfit> {
        let rho = self.rho_of_tau();
        sound(rho)?;
        let mut value = |ln_nu: f64| At::new(self, libm::exp(ln_nu)).minus(rho);
        let (ln_nu, minus) = valley(log(NU.0), log(NU.1), 1e-7, &mut value);
        Ok(TCopula { rho, nu: libm::exp(ln_nu), log_likelihood: -minus })
    }

    /// The most likely pair.
    ///
    /// # Errors
    /// When the correlation of tau is -1 or 1.
    pub fn fit(&self) -> Result<TCopula, Unfit> {
        sound(self.rho_of_tau())?;
        let best_rho = |at: &At<'_>| valley(-0.999_999, 0.999_999, 1e-9, &mut |rho| at.minus(rho));
        let mut value = |ln_nu: f64| best_rho(&At::new(self, libm::exp(ln_nu))).1;
        let (ln_nu, minus) = valley(log(NU.0), log(NU.1), 1e-7, &mut value);
        let nu = libm::exp(ln_nu);
        Ok(TCopula { rho: best_rho(&At::new(self, nu)).0, nu, log_likelihood: -minus })
    }
}

/// The series as values of a Student with `nu` degrees of freedom; the correlation is still open.
struct At<'a> {
    ranked: &'a Ranked,
    nu: f64,
    quantiles: Vec<f64>,
    /// What of the likelihood does not hang on the correlation.
    constant: f64,
}

impl At<'_> {
    fn new(ranked: &Ranked, nu: f64) -> At<'_> {
        let (n, student) = (ranked.places.len(), Student::new(nu));
        // One for every rank and every half: most pairs share these with another. The lower half is the upper one's mirror.
        let mut quantiles = vec![f64::NAN; 2 * n - 1];
        let mut used = vec![false; 2 * n - 1];
        for (a, b) in &ranked.places {
            used[*a] = true;
            used[*b] = true;
        }
        for place in 0..n {
            let mirror = 2 * n - 2 - place;
            if used[place] || used[mirror] {
                let value = student.quantile((place as f64 + 2.0) / (2.0 * (n as f64 + 1.0)));
                quantiles[place] = value;
                quantiles[mirror] = -value;
            }
        }
        let margins: f64 = ranked
            .places
            .iter()
            .map(|(a, b)| {
                log1p(quantiles[*a] * quantiles[*a] / nu) + log1p(quantiles[*b] * quantiles[*b] / nu)
            })
            .sum();
        // Of the densities: Γ((ν+2)/2) Γ(ν/2) / Γ((ν+1)/2)², the margins' own constants taken out.
        let each = lgamma(0.5 * nu + 1.0) + lgamma(0.5 * nu) - 2.0 * lgamma(0.5 * (nu + 1.0));
        let constant = n as f64 * each + 0.5 * (nu + 1.0) * margins;
        At { ranked, nu, quantiles, constant }
    }

    fn minus(&self, rho: f64) -> f64 {
        let rest = 1.0 - rho * rho;
        let sum: f64 = self
            .ranked
            .places
            .iter()
            .map(|(a, b)| {
                let (x, y) = (self.quantiles[*a], self.quantiles[*b]);
                log1p((x * x - 2.0 * rho * x * y + y * y) / (self.nu * rest))
            })
            .sum();
        let n = self.ranked.places.len() as f64;
        0.5 * (self.nu + 2.0) * sum + 0.5 * n * log(rest) - self.constant
    }
}
