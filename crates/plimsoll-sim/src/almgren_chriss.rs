//! What a sale in slices costs, and how it varies: the discrete model of Almgren and Chriss, "Optimal execution of portfolio transactions"
//! (2000), with linear impact.
//!
//! Each slice moves the price for good by `permanent` for each unit sold, and the seller receives less by `spread` and by `temporary` for each
//! unit a day. Between slices the price diffuses. The schedule minimises expected cost + aversion x variance.

use libm::{acosh, cosh, sinh, tanh};

/// What is sold, in how many slices, in which market.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sale {
    /// Units to sell.
    pub units: f64,
    /// Days within which they are sold.
    pub days: f64,
    /// In so many slices of equal length.
    pub slices: u32,
    /// Standard deviation of the price \[currency / sqrt(day)\].
    pub sigma: f64,
    /// Half the spread, and fees \[currency a unit\].
    pub spread: f64,
    /// How far the price stays down \[currency a unit, for each unit sold\].
    pub permanent: f64,
    /// How far what is received falls with the pace \[currency a unit, for each unit a day\].
    pub temporary: f64,
}

/// The best schedule at one risk aversion.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// How fast the rest decays \[1 / day\].
    pub kappa: f64,
    /// 1 / kappa \[days\], the authors' half-life of a trade.
    pub half_life: f64,
    /// Units still held before the first slice, between slices and after the last.
    pub held: Vec<f64>,
    /// Units sold in each slice.
    pub sold: Vec<f64>,
    /// Expected cost \[currency\].
    pub cost: f64,
    /// Variance of the cost \[currency^2\].
    pub variance: f64,
    /// Cost + aversion x variance.
    pub utility: f64,
}

/// More slices than this are refused.
pub const SLICES_MAX: u32 = 100_000;

impl Sale {
    /// The schedule that is best for whoever counts a unit of variance as `aversion` units of cost (above 0).
    ///
    /// `None` where a number is not positive (spread and permanent impact may be 0), there are no slices, or more than [`SLICES_MAX`],
    /// or the permanent impact within one slice is more than the temporary one: then no schedule is best.
    #[must_use]
    pub fn schedule(&self, aversion: f64) -> Option<Schedule> {
        let positive = [self.units, self.days, self.sigma, self.temporary, aversion];
        let least = [self.spread, self.permanent];
        let sound = positive.iter().all(|it| it.is_finite() && *it > 0.0)
            && least.iter().all(|it| it.is_finite() && *it >= 0.0)
            && (1..=SLICES_MAX).contains(&self.slices);
        if !sound {
            return None;
        }
        let step = self.days / f64::from(self.slices);
        // What a slice loses beyond the permanent impact, which its own second half has already borne.
        let eta = self.temporary - self.permanent * step / 2.0;
        if eta <= 0.0 {
            return None;
        }
        let pressure = aversion * self.sigma * self.sigma / eta;
        let kappa = acosh(pressure * step * step / 2.0 + 1.0) / step;
        let whole = sinh(kappa * self.days);
        if !whole.is_finite() || whole <= 0.0 {
            return None;
        }
        let mut held = Vec::new();
        let mut sold = Vec::new();
        for slice in 0..=self.slices {
            let left = self.days - f64::from(slice) * step;
            held.push(if slice == self.slices { 0.0 } else { sinh(kappa * left) / whole * self.units });
            if slice > 0 {
                sold.push(
                    2.0 * sinh(kappa * step / 2.0) / whole * cosh(kappa * (left + step / 2.0)) * self.units,
                );
            }
        }
        let square = self.units * self.units;
        let cost = self.permanent * square / 2.0
            + self.spread * self.units
            + eta
                * square
                * tanh(kappa * step / 2.0)
                * (step * sinh(2.0 * kappa * self.days) + 2.0 * self.days * sinh(kappa * step))
                / (2.0 * step * step * whole * whole);
        let variance = self.sigma * self.sigma * square / 2.0
            * (step * whole * cosh(kappa * (self.days - step)) - self.days * sinh(kappa * step))
            / (whole * whole * sinh(kappa * step));
        let schedule = Schedule {
            kappa,
            half_life: 1.0 / kappa,
            held,
            sold,
            cost,
            variance,
            utility: cost + aversion * variance,
        };
        let fits = [schedule.kappa, schedule.cost, schedule.variance, schedule.utility]
            .iter()
            .all(|it| it.is_finite());
        fits.then_some(schedule)
    }
}
