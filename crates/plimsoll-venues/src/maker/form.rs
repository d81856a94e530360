//! An account as its rows; where its slack comes from stands in the venue's header.

use super::position::Position;
use super::{Market, PRICE_NODE, Parameters, RATE_NODE, SPOT_NODE};
use alloc::vec;
use alloc::vec::Vec;
use plimsoll_core::Rounding::{Down, Exact, Up};
use plimsoll_core::{Form, Int, Linear, NodeId, RAY, U256, Valid};

impl Market {
    /// The row in rad: exact, by the least spot that the lens sees.
    pub(super) fn spot_form(&self, position: &Position) -> Form {
        Form {
            backing: term(SPOT_NODE, position.ink),
            requirement: term(RATE_NODE, position.art),
            collateral: term(SPOT_NODE, self.unweighted(position.ink)),
            debt: term(RATE_NODE, position.art),
            hinges: Vec::new(),
            slack: Linear::default(),
            scale: U256::ONE,
            valid: Valid { boxes: Vec::new(), epoch: self.epoch },
        }
    }

    /// What the spot has divided by `mat`, whole again; as it is where 256 bits do not hold that.
    fn unweighted(&self, backing: U256) -> U256 {
        backing.mul_div_wide(self.numbers.rules.mat, RAY.value(), Down).unwrap_or(backing)
    }

    /// The row by the feed's own price, in units of a den-th of a rad; `None` where 256 bits do not hold its coefficients.
    pub(super) fn price_form(&self, position: &Position) -> Option<Form> {
        let Parameters { mat, par, .. } = self.numbers.rules;
        // 10^63 / (par * mat): 10^27 / par and 10^36 / mat, each in lowest terms, and then crosswise.
        let (top, bottom) = (RAY.value(), U256::new(10u128.pow(36)));
        let (a, par) = lowest(top, par)?;
        let (b, mat_rest) = lowest(bottom, mat)?;
        let (a, mat_rest) = lowest(a, mat_rest)?;
        let (b, par) = lowest(b, par)?;
        let (num, den) = (a.mul(b)?, par.mul(mat_rest)?);
        let backing = position.ink.mul(num)?;
        let requirement = position.art.mul(den)?;
        let floors = den.mul_div_wide(top, mat, Up)?.add(den)?;
        let slack = position.ink.mul(floors)?;
        Some(Form {
            backing: term(PRICE_NODE, backing),
            requirement: term(RATE_NODE, requirement),
            collateral: term(PRICE_NODE, self.unweighted(backing)),
            debt: term(RATE_NODE, requirement),
            hinges: Vec::new(),
            slack: Linear { terms: Vec::new(), constant: slack.into() },
            scale: den,
            valid: Valid { boxes: Vec::new(), epoch: self.epoch },
        })
    }
}

fn term(node: NodeId, coefficient: U256) -> Linear {
    Linear { terms: vec![(node, coefficient.into())], constant: Int::ZERO }
}

/// A fraction in lowest terms; `None` where the divisor is zero.
fn lowest(x: U256, by: U256) -> Option<(U256, U256)> {
    let (mut a, mut b) = (x, by);
    while b != U256::ZERO {
        let quotient = a.div(b, Down)?;
        (a, b) = (b, a.sub(quotient.mul(b)?)?);
    }
    Some((x.div(a, Exact)?, by.div(a, Exact)?))
}
