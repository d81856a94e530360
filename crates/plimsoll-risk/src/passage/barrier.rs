//! Barrier and digital options with one barrier that is watched all the time: published tables of their values check the chances here.
//!
//! Reiner and Rubinstein 1991 (Risk 4: "Breaking down the barriers", "Unscrambling the binary code"); Haug 2007, 4.17 and 4.19.

use super::diffusion::Diffusion;
use crate::special::normal;
use crate::unfit::{Unfit, must, positive};
use libm::{exp, log, pow};

/// The market that an option is valued in; rates are continuous, a year.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// The price today.
    pub spot: f64,
    /// What the asset pays.
    pub dividend: f64,
    /// The riskless rate.
    pub rate: f64,
    /// Time to expiry \[years\].
    pub years: f64,
    /// Volatility, a year.
    pub volatility: f64,
}

/// From which side the barrier is met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It lies below today's price.
    Down,
    /// It lies above.
    Up,
}

/// What is paid at the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// To buy.
    Call,
    /// To sell.
    Put,
}

/// What meeting the barrier does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Knock {
    /// The right begins there; without it the rebate is paid at expiry.
    In,
    /// The right ends there, and the rebate is paid at once.
    Out,
}

impl Setting {
    pub(super) fn sound(&self) -> Result<(), Unfit> {
        positive("spot", self.spot)?;
        positive("years", self.years)?;
        positive("volatility", self.volatility)?;
        must("dividend", self.dividend, true, "a finite number")?;
        must("rate", self.rate, true, "a finite number")
    }

    fn process(&self) -> Diffusion {
        Diffusion::of_price(self.volatility, self.rate - self.dividend)
    }

    /// The chance to meet `barrier` before expiry, and whether it is met already.
    fn meets(&self, barrier: f64, side: Side) -> Result<f64, Unfit> {
        let line = barrier / self.spot;
        match side {
            Side::Down => self.process().falls_to(line, self.years),
            Side::Up => self.process().rises_to(line, self.years),
        }
    }

    fn met(&self, barrier: f64, side: Side) -> bool {
        match side {
            Side::Down => self.spot <= barrier,
            Side::Up => self.spot >= barrier,
        }
    }

    /// One unit of cash at the moment when the barrier is met.
    ///
    /// # Errors
    /// With a number that is no price, time, rate or volatility.
    pub fn touch_at_hit(&self, barrier: f64, side: Side) -> Result<f64, Unfit> {
        self.sound()?;
        positive("barrier", barrier)?;
        if self.met(barrier, side) {
            Ok(1.0)
        } else {
            Ok(self.terms(barrier, barrier, side, Right::Call).touch)
        }
    }

    /// One unit of cash at expiry if the barrier is met before (`Knock::In`) or never (`Knock::Out`).
    ///
    /// # Errors
    /// As [`Setting::touch_at_hit`].
    pub fn touch_at_expiry(&self, barrier: f64, side: Side, knock: Knock) -> Result<f64, Unfit> {
        self.sound()?;
        positive("barrier", barrier)?;
        let met = self.meets(barrier, side)?;
        let chance = if knock == Knock::In { met } else { 1.0 - met };
        Ok(chance * exp(-self.rate * self.years))
    }

    /// A European option with a barrier and a rebate. A barrier that is met already has done what it does.
    ///
    /// # Errors
    /// As [`Setting::touch_at_hit`], and with a rebate that is no number.
    pub fn barrier_option(
        &self,
        strike: f64,
        right: Right,
        barrier: (f64, Side, Knock),
        rebate: f64,
    ) -> Result<f64, Unfit> {
        self.sound()?;
        let (barrier, side, knock) = barrier;
        positive("strike", strike)?;
        positive("barrier", barrier)?;
        must("rebate", rebate, true, "a finite number")?;
        let terms = self.terms(strike, barrier, side, right);
        if self.met(barrier, side) {
            return Ok(if knock == Knock::In { terms.a } else { rebate });
        }
        let Terms { a, b, c, d, stay, touch } = terms;
        // Which of the four ways barrier and strike lie: the published table, read by rows.
        let live_in = match (side, right, strike > barrier) {
            (Side::Down, Right::Call, true) | (Side::Up, Right::Put, false) => c,
            (Side::Down, Right::Call, false) | (Side::Up, Right::Put, true) => a - b + d,
            (Side::Up, Right::Call, true) | (Side::Down, Right::Put, false) => a,
            (Side::Up, Right::Call, false) | (Side::Down, Right::Put, true) => b - c + d,
        };
        Ok(match knock {
            Knock::In => live_in + rebate * stay,
            Knock::Out => a - live_in + rebate * touch,
        })
    }

    /// The building blocks of both papers.
    fn terms(&self, strike: f64, barrier: f64, side: Side, right: Right) -> Terms {
        let Setting { spot, dividend, rate, years, volatility } = *self;
        let eta = if side == Side::Down { 1.0 } else { -1.0 };
        let phi = if right == Right::Call { 1.0 } else { -1.0 };
        let deviation = volatility * years.sqrt();
        let mu = (rate - dividend) / (volatility * volatility) - 0.5;
        let lambda = (mu * mu + 2.0 * rate / (volatility * volatility)).sqrt();
        let away = (1.0 + mu) * deviation;
        let (asset, cash) = (spot * exp(-dividend * years), exp(-rate * years));
        let mirror = |power: f64| pow(barrier / spot, power);
        let direct = |x: f64| phi * (asset * normal(phi * x) - strike * cash * normal(phi * (x - deviation)));
        let reflected = |y: f64| {
            phi * (asset * mirror(2.0 * (mu + 1.0)) * normal(eta * y)
                - strike * cash * mirror(2.0 * mu) * normal(eta * (y - deviation)))
        };
        let at_barrier = log(spot / barrier) / deviation + away;
        let beyond = log(barrier / spot) / deviation + away;
        let z = log(barrier / spot) / deviation + lambda * deviation;
        Terms {
            a: direct(log(spot / strike) / deviation + away),
            b: direct(at_barrier),
            c: reflected(log(barrier * barrier / (spot * strike)) / deviation + away),
            d: reflected(beyond),
            stay: cash
                * (normal(eta * (at_barrier - deviation))
                    - mirror(2.0 * mu) * normal(eta * (beyond - deviation))),
            touch: mirror(mu + lambda) * normal(eta * z)
                + mirror(mu - lambda) * normal(eta * (z - 2.0 * lambda * deviation)),
        }
    }
}

/// A to F of the papers, E and F for a rebate of one.
struct Terms {
    a: f64,
    b: f64,
    c: f64,
    d: f64,
    stay: f64,
    touch: f64,
}
