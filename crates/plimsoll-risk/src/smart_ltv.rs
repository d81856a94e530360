//! SmartLTV (B.Protocol and Risk DAO): a loan-to-value ratio from volatility, liquidity and a cap.

use crate::unfit::{Unfit, must, positive};
use libm::exp;

/// Beyond this exponent their contract answers 0: `10.46e18 / 2^59`, the largest mantissa of its exponential.
const LARGEST_EXPONENT: f64 = 10.46e18 / (1_u64 << 59) as f64;

/// What the formula is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SmartLtv {
    /// What can be sold at the bonus, in the units of the cap.
    pub liquidity: f64,
    /// Volatility, in the units of their series.
    pub volatility: f64,
    /// The supply cap.
    pub cap: f64,
    /// The liquidation bonus, as a share.
    pub bonus: f64,
    /// Confidence: how many volatilities.
    pub confidence: f64,
}

impl SmartLtv {
    /// `exp(-confidence volatility / sqrt(liquidity / cap)) - bonus`, not below 0.
    ///
    /// # Errors
    /// When liquidity or cap is not positive, or another input is negative or no number.
    pub fn ratio(&self) -> Result<f64, Unfit> {
        positive("liquidity", self.liquidity)?;
        positive("cap", self.cap)?;
        let least = [("volatility", self.volatility), ("bonus", self.bonus), ("confidence", self.confidence)];
        for (name, found) in least {
            must(name, found, found >= 0.0, "not negative")?;
        }
        let exponent = self.confidence * self.volatility / (self.liquidity / self.cap).sqrt();
        if exponent >= LARGEST_EXPONENT {
            return Ok(0.0);
        }
        Ok((exp(-exponent) - self.bonus).max(0.0))
    }
}
