//! Geometric Brownian motion: one asset, or the ratio of two.

use crate::special::{normal, normal_times_exp};
use crate::unfit::{Unfit, must, positive};
use libm::{exp, log};

/// A standard deviation of the logarithm that is none.
const STILL: f64 = 1e-12;

/// A Brownian motion of the logarithm, watched all the time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Diffusion {
    /// Volatility, a year.
    pub volatility: f64,
    /// Drift of the *logarithm*, a year: drift of the price less half the variance.
    pub log_drift: f64,
}

impl Diffusion {
    /// Of one asset whose price is expected to grow by `drift` a year (0: not at all).
    #[must_use]
    pub fn of_price(volatility: f64, drift: f64) -> Diffusion {
        Diffusion { volatility, log_drift: drift - 0.5 * volatility * volatility }
    }

    /// Of the ratio of collateral to debt, neither price being expected to grow: `σ² = σc² + σd² - 2 ρ σc σd`, and the logarithm drifts
    /// by `-(σc² - σd²) / 2`.
    ///
    /// # Errors
    /// With a volatility that is negative, or a correlation outside -1 to 1.
    pub fn of_ratio(collateral: f64, debt: f64, correlation: f64) -> Result<Diffusion, Unfit> {
        for (name, found) in [("volatility of the collateral", collateral), ("volatility of the debt", debt)]
        {
            must(name, found, found >= 0.0, "not negative")?;
        }
        must("correlation", correlation, (-1.0..=1.0).contains(&correlation), "between -1 and 1")?;
        let square = collateral * collateral + debt * debt - 2.0 * correlation * collateral * debt;
        let log_drift = -0.5 * (collateral * collateral - debt * debt);
        Ok(Diffusion { volatility: square.max(0.0).sqrt(), log_drift })
    }

    /// The chance to be at or below `line` (a share of today's value) at some moment within `years`: `Φ((k - νT)/(σ√T)) +
    /// exp(2νk/σ²) Φ((k + νT)/(σ√T))` with `k = ln(line)` (Harrison 1985, 1.8; Borodin and Salminen 2002). 1 where the line is
    /// reached already.
    ///
    /// # Errors
    /// With a line or a time that is not positive, or a volatility or drift that is no such thing.
    pub fn falls_to(&self, line: f64, years: f64) -> Result<f64, Unfit> {
        positive("line", line)?;
        positive("years", years)?;
        must("volatility", self.volatility, self.volatility >= 0.0, "not negative")?;
        must("drift", self.log_drift, true, "a finite number")?;
        if line >= 1.0 {
            return Ok(1.0);
        }
        let (k, drifted) = (log(line), self.log_drift * years);
        let deviation = self.volatility * years.sqrt();
        // So little is no movement; and the weight below would be infinite.
        if deviation <= STILL {
            return Ok(if drifted <= k { 1.0 } else { 0.0 });
        }
        // The weight may overflow where its factor underflows; their product is computed as one.
        let weight = 2.0 * self.log_drift * k / (self.volatility * self.volatility);
        let direct = normal((k - drifted) / deviation);
        Ok((direct + normal_times_exp((k + drifted) / deviation, weight)).min(1.0))
    }

    /// The chance to be at or above `line` at some moment within `years`.
    ///
    /// # Errors
    /// As [`Diffusion::falls_to`].
    pub fn rises_to(&self, line: f64, years: f64) -> Result<f64, Unfit> {
        positive("line", line)?;
        Diffusion { log_drift: -self.log_drift, ..*self }.falls_to(1.0 / line, years)
    }

    /// The chance that a Brownian bridge between two values above the line touches it on the way: `exp(-2 a b / (σ² dt))`, where `a` and
    /// `b` are the logarithmic distances to the line before and after.
    #[must_use]
    pub fn bridge(before: f64, after: f64, variance: f64) -> f64 {
        if before <= 0.0 || after <= 0.0 {
            return 1.0;
        }
        exp(-2.0 * before * after / variance)
    }
}

/// `-ζ(1/2) / sqrt(2π)`: by how many standard deviations of a step a line must be moved so that one who always looks finds what one who
/// looks each step does.
pub const SHIFT: f64 = 0.582_597_157_939_010_6;

impl Diffusion {
    /// **Approximate**: the chance seen by one who looks `looks` times at equal distances, by moving the line away by
    /// `exp(-0.5826 σ sqrt(dt))` (Broadie, Glasserman and Kou 1997). Up to 16 % too low at 5 to 7 looks; `looks::falls_to` is exact.
    ///
    /// # Errors
    /// As [`Diffusion::falls_to`], or with no look.
    pub fn falls_to_shifted(&self, line: f64, years: f64, looks: u32) -> Result<f64, Unfit> {
        positive("looks", f64::from(looks))?;
        positive("line", line)?;
        positive("years", years)?;
        let step = self.volatility * (years / f64::from(looks)).sqrt();
        self.falls_to(line * exp(-SHIFT * step), years)
    }
}
