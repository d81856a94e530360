//! What a pool pays for a sale, from its reserves: constant product, and StableSwap. In whole numbers of 10^-18, as its contracts round.

use super::made::Slope;
use crate::num::{Rounding, U256};
use alloc::vec::Vec;

const ONE: U256 = U256::new(1_000_000_000_000_000_000);
/// Rounds of Newton's method; contracts give up at as many.
const ROUNDS: u32 = 255;

/// How a pool sets its price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The product of two reserves stays what it is.
    ConstantProduct,
    /// StableSwap with this amplification, as its contract has it: the A n^(n-1) of the paper.
    StableSwap(U256),
}

/// A pool's reserves and rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// What sets the price.
    pub rule: Rule,
    /// Of each asset \[10^-18 of whole tokens\].
    pub reserves: Vec<U256>,
    /// The fee, of one \[10^-18\]: of what comes in where the product is constant, of what goes out in a StableSwap pool.
    pub fee: U256,
}

impl Pool {
    /// What a sale of so much of asset `from` brings of asset `to`, rounded down. `None` where the pool has no such assets, no reserves, or
    /// a number does not fit.
    #[must_use]
    pub fn pays(&self, from: usize, to: usize, sold: U256) -> Option<U256> {
        let (held, paid) = (*self.reserves.get(from)?, *self.reserves.get(to)?);
        if from == to || self.reserves.contains(&U256::ZERO) {
            return None;
        }
        match self.rule {
            Rule::ConstantProduct if self.reserves.len() == 2 => {
                let kept = ONE.sub(self.fee)?;
                let sold = sold.mul_div_wide(kept, ONE, Rounding::Down)?;
                paid.mul_div_wide(sold, held.add(sold)?, Rounding::Down)
            }
            Rule::ConstantProduct => None,
            Rule::StableSwap(a) => {
                let ann = a.mul(U256::from(self.reserves.len() as u64))?;
                let all = invariant(&self.reserves, ann)?;
                let mut after = self.reserves.clone();
                after[from] = held.add(sold)?;
                let left = balance(&after, to, ann, all)?;
                // One unit less, in case rounding went the other way.
                let brings = paid.sub_or_zero(left.add(U256::ONE)?);
                brings.sub(brings.mul_div_wide(self.fee, ONE, Rounding::Down)?)
            }
        }
    }

    /// Its curve from nothing up to a sale as large as its reserve of what is sold. Beyond it the formula goes on and is not asked.
    #[must_use]
    pub fn slope(&self, from: usize, to: usize) -> Option<Slope> {
        let most = *self.reserves.get(from)?;
        // The first price: of a millionth of the reserve, before the fee, raised.
        let least = most.div(U256::new(1_000_000), Rounding::Up)?;
        let free = Pool { fee: U256::ZERO, ..self.clone() };
        let first = free.pays(from, to, least)?.add(U256::ONE)?.mul_div_wide(ONE, least, Rounding::Up)?;
        let first = match self.rule {
            Rule::ConstantProduct => self.reserves.get(to)?.mul_div_wide(ONE, most, Rounding::Up)?,
            Rule::StableSwap(_) => first,
        };
        Slope::of_market(most, first, |sold| self.pays(from, to, sold))
    }
}

/// The invariant D of StableSwap (Egorov 2019), by the contract's own rounds.
fn invariant(reserves: &[U256], ann: U256) -> Option<U256> {
    let n = U256::from(reserves.len() as u64);
    let sum = reserves.iter().try_fold(U256::ZERO, |sum, held| sum.add(*held))?;
    let mut d = sum;
    for _ in 0..ROUNDS {
        let mut p = d;
        for held in reserves {
            p = p.mul_div_wide(d, held.mul(n)?, Rounding::Down)?;
        }
        let before = d;
        let up = ann.mul(sum)?.add(p.mul(n)?)?;
        let down = ann.sub(U256::ONE)?.mul(d)?.add(n.add(U256::ONE)?.mul(p)?)?;
        d = up.mul_div_wide(d, down, Rounding::Down)?;
        if d.sub_or_zero(before).max(before.sub_or_zero(d)) <= U256::ONE {
            return Some(d);
        }
    }
    None
}

/// What the pool must hold of one asset, given the others and the invariant.
fn balance(reserves: &[U256], of: usize, ann: U256, d: U256) -> Option<U256> {
    let n = U256::from(reserves.len() as u64);
    let (mut c, mut others) = (d, U256::ZERO);
    for held in reserves.iter().enumerate().filter(|(at, _)| *at != of).map(|(_, held)| held) {
        others = others.add(*held)?;
        c = c.mul_div_wide(d, held.mul(n)?, Rounding::Down)?;
    }
    c = c.mul_div_wide(d, ann.mul(n)?, Rounding::Down)?;
    let b = others.add(d.div(ann, Rounding::Down)?)?;
    let mut y = d;
    for _ in 0..ROUNDS {
        let before = y;
        let up = y.mul(y)?.add(c)?;
        let down = y.mul(U256::new(2))?.add(b)?.sub(d)?;
        y = up.div(down, Rounding::Down)?;
        if y.sub_or_zero(before).max(before.sub_or_zero(y)) <= U256::ONE {
            return Some(y);
        }
    }
    None
}
