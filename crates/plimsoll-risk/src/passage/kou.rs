//! Double-exponential jumps: Kou and Wang 2003 (Adv. Appl. Prob. 35), theorem 3.1, inverted by Gaver and Stehfest.
//!
//! Their Laplace transform is inverted at 20 real points whose weights alternate and reach 10^12: what `f64` has left after that would be
//! four digits, so numbers of twice its precision are used.

use crate::twice::{LN_TWO, Twice};
use crate::unfit::{Unfit, fraction, must, positive};
use libm::log;

/// A Brownian motion of the logarithm with jumps either way, each exponentially distributed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Kou {
    /// Volatility between jumps, a year.
    pub volatility: f64,
    /// Drift of the logarithm between jumps, a year.
    pub log_drift: f64,
    /// Jumps, a year.
    pub jumps: f64,
    /// The chance that a jump is upward.
    pub upward: f64,
    /// The mean logarithm of an upward jump.
    pub mean_up: f64,
    /// The mean logarithm of a downward jump, as a positive number.
    pub mean_down: f64,
}

/// Points of the inversion, as the reference values have.
pub const POINTS: u32 = 20;

impl Kou {
    /// With the drift at which the price is not expected to grow: `-σ²/2 - λ E(exp(J) - 1)`.
    ///
    /// # Errors
    /// When upward jumps have a mean of one or more: their price has none.
    pub fn without_drift(self) -> Result<Kou, Unfit> {
        must("mean upward jump", self.mean_up, self.mean_up < 1.0, "below 1: the price has no mean")?;
        let jump = self.upward / (1.0 - self.mean_up) + (1.0 - self.upward) / (1.0 + self.mean_down) - 1.0;
        Ok(Kou { log_drift: -0.5 * self.volatility * self.volatility - self.jumps * jump, ..self })
    }

    /// The same with up and down exchanged.
    fn mirrored(self) -> Kou {
        Kou {
            log_drift: -self.log_drift,
            upward: 1.0 - self.upward,
            mean_up: self.mean_down,
            mean_down: self.mean_up,
            ..self
        }
    }

    pub(crate) fn sound(&self) -> Result<(), Unfit> {
        positive("volatility", self.volatility)?;
        must("drift", self.log_drift, true, "a finite number")?;
        must("jumps a year", self.jumps, self.jumps >= 0.0, "not negative")?;
        must("upward share", self.upward, (0.0..=1.0).contains(&self.upward), "between 0 and 1")?;
        positive("mean upward jump", self.mean_up)?;
        positive("mean downward jump", self.mean_down)
    }

    /// The chance to be at or below `line` (a share of today's value) at some moment within `years`. Absolute error about 1e-6; 1 where
    /// the line is reached already.
    ///
    /// # Errors
    /// With a parameter that is no such thing.
    pub fn falls_to(&self, line: f64, years: f64) -> Result<f64, Unfit> {
        positive("line", line)?;
        self.mirrored().rises_by(-log(line), years, POINTS)
    }

    /// The chance that the logarithm has risen by `distance` at some moment within `years`, by an inversion of `points` points (even, 2 to
    /// 30).
    ///
    /// # Errors
    /// With a parameter that is no such thing.
    pub fn rises_by(&self, distance: f64, years: f64, points: u32) -> Result<f64, Unfit> {
        self.sound()?;
        positive("years", years)?;
        must("distance", distance, true, "a finite number")?;
        let even = points.is_multiple_of(2) && (2..=30).contains(&points);
        must("points", f64::from(points), even, "even and 2 to 30")?;
        if distance <= 0.0 {
            return Ok(1.0);
        }
        let rate = LN_TWO / Twice::new(years);
        let sum = weights(points).into_iter().zip(1_u32..).fold(Twice::ZERO, |sum, (weight, k)| {
            let alpha = rate * Twice::new(f64::from(k));
            // The transform of the distribution function is that of the first passage over alpha.
            sum + weight * self.transform(alpha, distance) / alpha
        });
        let chance = (sum * rate).to_f64();
        // Parameters beyond any market leave the range of floats; no number is not a small chance.
        must("chance", chance, true, "a finite number: a parameter is too large or too small")?;
        Ok(chance.clamp(0.0, 1.0))
    }

    /// `E exp(-alpha τ)` of the time at which the logarithm first stands `distance` higher.
    fn transform(&self, alpha: Twice, distance: f64) -> Twice {
        let one = Twice::new(1.0);
        let decay = |root: Twice| (-(root * Twice::new(distance))).exp();
        let eta = one / Twice::new(self.mean_up);
        let near = self.root(alpha, 0.0, eta.to_f64());
        // Without upward jumps the line is met and never jumped over.
        if self.jumps * self.upward <= 0.0 {
            return decay(self.root(alpha, 0.0, f64::INFINITY));
        }
        let far = self.root(alpha, eta.to_f64(), f64::INFINITY);
        let apart = far - near;
        (eta - near) / eta * far / apart * decay(near) + (far - eta) / eta * near / apart * decay(far)
    }

    /// `G(x) - alpha`: the exponent of the process less the rate.
    fn exponent(&self, x: Twice, alpha: Twice) -> Twice {
        let one = Twice::new(1.0);
        let (up, down) = (Twice::new(self.mean_up), Twice::new(self.mean_down));
        let p = Twice::new(self.upward);
        let brownian = Twice::new(self.log_drift) * x
            + Twice::new(0.5 * self.volatility) * Twice::new(self.volatility) * x * x;
        if self.jumps <= 0.0 {
            return brownian - alpha;
        }
        let up = if self.upward > 0.0 { p / (one - up * x) } else { Twice::ZERO };
        brownian + Twice::new(self.jumps) * (up + (one - p) / (one + down * x) - one) - alpha
    }

    /// Its one root between two of its poles: halved down in `f64`, then by Newton in twice the precision.
    fn root(&self, alpha: Twice, low: f64, high: f64) -> Twice {
        let value = |x: f64| self.exponent(Twice::new(x), alpha).to_f64();
        let (mut below, mut above) = (low, high);
        if above.is_infinite() {
            above = 2.0 * low.max(1.0);
            while value(above) < 0.0 {
                above *= 2.0;
            }
        }
        loop {
            let middle = 0.5 * (below + above);
            if middle <= below || middle >= above {
                break;
            }
            if value(middle) < 0.0 { below = middle } else { above = middle }
        }
        let mut x = Twice::new(0.5 * (below + above));
        for _ in 0..3 {
            let at = x.to_f64();
            let (up, down) = (1.0 - self.mean_up * at, 1.0 + self.mean_down * at);
            let jumps =
                self.upward * self.mean_up / (up * up) - (1.0 - self.upward) * self.mean_down / (down * down);
            let slope = self.log_drift + self.volatility * self.volatility * at + self.jumps * jumps;
            if slope.is_finite() && slope > 0.0 {
                x = x - self.exponent(x, alpha) / Twice::new(slope);
            }
        }
        x
    }
}

/// The weights of Stehfest 1970 (Comm. ACM 13, algorithm 368) for an even number of points.
fn weights(points: u32) -> Vec<Twice> {
    let half = points / 2;
    let factorial = |n: u32| (1..=n).fold(Twice::new(1.0), |product, k| product * Twice::new(f64::from(k)));
    let power =
        |base: u32| (0..half).fold(Twice::new(1.0), |product, _| product * Twice::new(f64::from(base)));
    let weight = |k: u32| {
        let sum = (k.div_ceil(2)..=k.min(half)).fold(Twice::ZERO, |sum, j| {
            let below = factorial(half - j)
                * factorial(j)
                * factorial(j - 1)
                * factorial(k - j)
                * factorial(2 * j - k);
            sum + power(j) * factorial(2 * j) / below
        });
        if (half + k).is_multiple_of(2) { sum } else { -sum }
    };
    (1..=points).map(weight).collect()
}

/// A Kou process given by the rates of its jumps, as papers do.
///
/// # Errors
/// When a rate is not positive or the upward share is not between 0 and 1.
pub fn of_rates(
    log_drift: f64,
    volatility: f64,
    jumps: f64,
    upward: f64,
    rates: [f64; 2],
) -> Result<Kou, Unfit> {
    positive("rate of upward jumps", rates[0])?;
    positive("rate of downward jumps", rates[1])?;
    fraction("upward share", upward)?;
    let (mean_up, mean_down) = (1.0 / rates[0], 1.0 / rates[1]);
    Ok(Kou { volatility, log_drift, jumps, upward, mean_up, mean_down })
}
