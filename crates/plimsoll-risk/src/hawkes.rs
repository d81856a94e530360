//! Events that bring about events: a Hawkes process with an exponential kernel.
//!
//! Intensity `lambda(t) = mu + Σ branching decay exp(-decay (t - t[i]))` over the events before (Hawkes 1971; the likelihood in one
//! pass, Ozaki 1979). Units: times in any unit, rates in its inverse.

use crate::minimise::simplex;
use crate::unfit::{Unfit, must, numbers, positive};
use libm::{exp, expm1, log};

/// What drives the events.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hawkes {
    /// Events that come by themselves, a unit of time.
    pub mu: f64,
    /// How many events one event brings about, directly: below 1 or they never end.
    pub branching: f64,
    /// How fast an event's effect fades, a unit of time.
    pub decay: f64,
}

/// A fitted process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    /// The estimates.
    pub process: Hawkes,
    /// The logarithm of the likelihood there.
    pub log_likelihood: f64,
    /// That of events that know nothing of each other: what self-excitation has to beat.
    pub poisson: f64,
}

fn sound(times: &[f64], until: f64, least: usize) -> Result<(), Unfit> {
    numbers("times", times, least)?;
    for (index, pair) in times.windows(2).enumerate() {
        if pair[1] <= pair[0] {
            let expected = "later than the one before";
            return Err(Unfit::Observation { series: "times", index: index + 1, found: pair[1], expected });
        }
    }
    must("first time", times[0], times[0] >= 0.0, "not before the window begins at 0")?;
    must("end", until, until >= times[times.len() - 1] && until > 0.0, "not before the last event")
}

impl Hawkes {
    /// The logarithm of the likelihood of events at `times` in a window from 0 to `until`.
    ///
    /// # Errors
    /// When times do not rise or lie outside the window, or a parameter is not positive.
    pub fn log_likelihood(&self, times: &[f64], until: f64) -> Result<f64, Unfit> {
        sound(times, until, 1)?;
        positive("mu", self.mu)?;
        must("branching", self.branching, self.branching >= 0.0, "not negative")?;
        positive("decay", self.decay)?;
        Ok(self.of(times, until))
    }

    fn of(&self, times: &[f64], until: f64) -> f64 {
        let (mut excited, mut sum, mut brought) = (0.0, 0.0, 0.0);
        for (i, time) in times.iter().enumerate() {
            if i > 0 {
                excited = exp(-self.decay * (time - times[i - 1])) * (1.0 + excited);
            }
            sum += log(self.mu + self.branching * self.decay * excited);
            brought -= expm1(-self.decay * (until - time));
        }
        sum - self.mu * until - self.branching * brought
    }
}

/// The logarithm of the likelihood of as many events, each independent of all others.
///
/// # Errors
/// As [`fit`].
pub fn poisson(times: &[f64], until: f64) -> Result<f64, Unfit> {
    sound(times, until, 1)?;
    let n = times.len() as f64;
    Ok(n * log(n / until) - n)
}

/// The most likely process; the branching ratio is searched below 1.
///
/// # Errors
/// With fewer than 20 events, or when times do not rise or lie outside the window.
pub fn fit(times: &[f64], until: f64) -> Result<Fit, Unfit> {
    sound(times, until, 20)?;
    let rate = times.len() as f64 / until;
    // The logarithms of rates, the logit of the branching ratio: every place is a process.
    let process = |x: &[f64]| Hawkes { mu: exp(x[0]), branching: 1.0 / (1.0 + exp(-x[1])), decay: exp(x[2]) };
    let mut value = |x: &[f64]| -process(x).of(times, until);
    let start = [log(0.5 * rate), 0.0, log(2.0 * rate)];
    let best = simplex(&start, &[0.3, 0.3, 0.3], 1e-10, &mut value).ok_or(Unfit::NotFound("Hawkes"))?;
    Ok(Fit { process: process(&best.at), log_likelihood: -best.value, poisson: poisson(times, until)? })
}
