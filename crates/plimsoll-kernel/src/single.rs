//! Rows in single precision: half the bytes, twice the lanes, and a bound of their own. Whom they cannot tell the floats of 64 bits
//! are asked, so that every answer is theirs to the bit.
//!
//! **What is claimed.** In [`crate::lower`]'s words, of a panel whose accounts have one row without hinges: from singles `c'` beside
//! c ref unit and `v'` beside v / ref the kernel computes
//!
//! ```text
//! R' = sum of c' v', by fused multiply-adds, begun at zero or at T'
//! G' = sum of |c'| v'
//! T' = share G' + least
//! ```
//!
//! and R' > T' means R >= T (clear), R' < -T' means R < -T (surely unhealthy). `ref` is a node's value in the world that the book was
//! packed near, and `unit` a power of two of the panel's own, so that everything is near one.
//!
//! **Proof.** Let e = 2^-24, and all sums be counted in units. `c'` and `v'` are each within 1.001 e of their numbers: a dozen
//! roundings of 64 bits, then one of 32. A fused sum of n terms begun at T' is off by n e (G + T')(1 + 2^-16) at most, as n <= [`MOST_TERMS`]. Together R' is
//! off by (n + 3) e (G + T'), and R by less than e G from the same sum in real numbers. What T is beyond rho G, the panel's absolute slack A w, is a share of |c| on the same node
//! and so of G; of the number one, which is the same in every world, it stands in `least`. A row without the node that its slack is on has
//! no such share, and its block is not told. So T' >= T + (n + 4) e (G + T') is enough; `share` has (n + 6) e beside rho and the slack's
//! share, and both are raised by 2^-10 of themselves: above what G' may be off ((n + 2) e of it) and e T' sixty-four times over.
//!
//! Nothing leaves the floats: c' is zero or within 2^-60 and 2^61, v' zero or within 2^-40 and 2^40 (else not a number, and what is computed
//! with it proves nothing), so that products are within 2^-100 and 2^101; `least` is above all that underflow could lose.
//!
//! Over a box both are taken at its greatest, as T is there.

use crate::lower::{Lowered, ONE};
use crate::panel::LANES;
use crate::world::World;
use std::ops::RangeInclusive;

/// Half the distance from 1 to the next single.
const HALF_ULP: f64 = 1.0 / 16_777_216.0;

/// What `share` and `least` are raised by.
const RAISE: f64 = 1.0 + 1.0 / 1024.0;

/// Above what underflow could lose of a row.
const LEAST: f64 = 1e-33;

/// More terms than this are left to the floats of 64 bits.
pub(crate) const MOST_TERMS: usize = 64;

/// A bound beyond this proves nothing: sums with it must stay within the singles.
pub(crate) const MOST_BOUND: f32 = 1.3e33;

/// A node's value beside its reference; 2^-40 to 2^40.
const VALUES: RangeInclusive<f64> = 1.0 / 1_099_511_627_776.0..=1_099_511_627_776.0;

/// The greatest coefficient of a panel is below 2^61, and no less than 2^60.
const GREATEST: i32 = 60;

/// A coefficient other than zero; 2^-60 to 2^61.
const COEFFICIENTS: RangeInclusive<f64> = 1.0 / 1_152_921_504_606_846_976.0..=2_305_843_009_213_693_952.0;

/// One number of each account of a block.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(align(32))]
pub(crate) struct Single(pub(crate) [f32; LANES]);

impl Single {
    pub(crate) const ZERO: Single = Single([0.0; LANES]);
}

/// T' of a block's accounts: what of G' they may be off by, and what beyond.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bound {
    pub(crate) share: f32,
    pub(crate) least: f32,
}

impl Bound {
    /// Makes room for a row that may be off by so much of G', where the block's rho rose by so much.
    pub(crate) fn widen(&mut self, share: f64, risen: f64) {
        // Rounded up, however often it rises.
        let others = (f64::from(self.share) + risen * RAISE * RAISE) as f32;
        let others = if risen > 0.0 { others.next_up() } else { self.share };
        self.share = others.max((share * RAISE) as f32);
    }

    /// Proves nothing.
    pub(crate) const NONE: Bound = Bound { share: f32::INFINITY, least: f32::INFINITY };
}

/// The world that nodes are counted in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reference(Vec<f64>);

impl Reference {
    /// So many nodes of a world; what is unknown or zero there is counted in ones.
    pub(crate) fn new(near: &World, nodes: usize) -> Reference {
        let value = |node| Some(near.value(node)).filter(|value| *value > 0.0).unwrap_or(1.0);
        Reference((0..).take(nodes).map(value).collect())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn of(&self, node: u32) -> f64 {
        self.0.get(node as usize).copied().unwrap_or(1.0)
    }

    /// A node's value beside its reference; not a number where it is unknown or too far away.
    pub(crate) fn value(&self, node: u32, value: f64) -> f32 {
        let beside = value / self.of(node);
        // The range has no zero in it, and is of no use for what is not a number.
        if value.abs() < f64::MIN_POSITIVE {
            0.0
        } else if VALUES.contains(&beside) {
            beside as f32
        } else {
            f32::NAN
        }
    }

    /// What a coefficient is worth at the reference (quanta).
    pub(crate) fn worth(&self, node: u32, coefficient: f64) -> f64 {
        coefficient * self.of(node)
    }
}

/// The power of two that brings the greatest of a panel's coefficients to [`GREATEST`]; zero where none does.
pub(crate) fn unit<'r>(rows: impl Iterator<Item = &'r Lowered>, reference: &Reference) -> f64 {
    let greatest = rows.flat_map(|row| row.terms.iter().zip(&row.coefficients));
    let greatest = greatest.map(|(term, &c)| reference.worth(term.node, c).abs()).fold(0.0, f64::max);
    let exponent = (greatest.to_bits() >> 52) as i32 - 1023;
    match GREATEST - exponent {
        power if greatest > 0.0 && greatest.is_finite() && (-900..=900).contains(&power) => 2_f64.powi(power),
        _ => 0.0,
    }
}

impl Lowered {
    /// A coefficient as a single; `None` where it is none.
    fn single(&self, term: usize, reference: &Reference, unit: f64) -> Option<f32> {
        let beside = reference.worth(self.terms[term].node, self.coefficients[term]) * unit;
        if self.terms[term].idle {
            return Some(0.0);
        }
        COEFFICIENTS.contains(&beside.abs()).then_some(beside as f32)
    }

    /// Its coefficients as singles, and what bounds them; `None` where nothing is proven. `relative` is its block's rho.
    pub(crate) fn singles(
        &self,
        absolute: &[(u32, f64)],
        relative: f64,
        reference: &Reference,
        unit: f64,
    ) -> Option<(Vec<f32>, f64)> {
        let singles = (0..self.terms.len()).map(|term| self.single(term, reference, unit));
        let singles: Vec<f32> = singles.collect::<Option<_>>()?;
        let mut slack: f64 = 0.0;
        for &(node, a) in absolute.iter().filter(|(node, a)| *node != ONE && *a > 0.0) {
            let weight = self.weight(node);
            if weight <= 0.0 {
                return None;
            }
            slack = slack.max(a / weight);
        }
        let rounding = (self.terms.len() as f64 + 6.0) * HALF_ULP;
        Some((singles, (rounding + relative + slack) * RAISE))
    }
}

/// A block's singles, term after term, and its bound. Lanes in which nobody stands repeat the first, so that they are told
/// when all are.
pub(crate) fn block(
    rows: &[(f64, u32, Lowered)],
    absolute: &[(u32, f64)],
    relative: f64,
    reference: &Reference,
    unit: f64,
) -> (Vec<Single>, Bound) {
    let terms = rows.first().map_or(0, |(_, _, row)| row.terms.len());
    let mut lanes = vec![Single::ZERO; terms];
    let mut most: f64 = 0.0;
    for place in 0..LANES {
        let (_, _, row) = &rows[if place < rows.len() { place } else { 0 }];
        let Some((singles, share)) = row.singles(absolute, relative, reference, unit) else {
            return (vec![Single::ZERO; terms], Bound::NONE);
        };
        most = most.max(share);
        for (lane, single) in lanes.iter_mut().zip(singles) {
            lane.0[place] = single;
        }
    }
    // The number one's slack is the same in every world, and so is the least of all.
    let one = absolute.iter().filter(|(node, _)| *node == ONE).map(|(_, a)| *a).sum::<f64>();
    let least = (one + crate::lower::LEAST_SLACK) * unit * RAISE * RAISE + LEAST;
    // Rounded up by what it is raised once more.
    (lanes, Bound { share: (most * RAISE) as f32, least: (least * RAISE) as f32 })
}
