//! Panels in the order of who falls first: a tile of scenarios need not look at who is far.
//!
//! Of a row without hinges let B be its positive part and D its negative, as amounts in the reference world ([`Reference`]): in a
//! scenario in which every node's value is within m and M times its reference, backing is at least m B and requirement at most M D. Each
//! block has a *key*, the least (B (1 - r) - 1024 kappa) / (D (1 + r)) of its accounts, with r = 1024 rho + 2^-20 and kappa at the reference. Where
//! key >= M/m (1 + 2^-20), m over the nodes of B and M over those of D, all of the block is clear in all of the tile.
//!
//! **Proof.** Let no node of B be above 1024 m, and neither the slack's nodes: then T at the box's greatest is at most
//! rho (1024 m B + M D) + 1024 m kappa. From the key m (B (1 - r) - 1024 kappa) >= M D (1 + r)(1 + 2^-20), so in real numbers R - T >=
//! 2^-20 (m B + M D), where all roundings of R, T, key and quotient are a few hundred times 2^-53 of 1024 m B + M D. Money must
//! fit the sums, too: `most`, the greatest that stands on an account at the reference, bounds it. Where one of these does not hold, the tile looks at all of the panel.

use crate::block::MOST_MONEY;
use crate::lower::{LEAST_SLACK, Lowered, TermShape};
use crate::panel::Panel;
use crate::single::Reference;

/// What nodes of backing and slack may have risen by beside the node that fell most.
const APART: f64 = 1024.0;
/// Beyond all roundings.
const MARGIN: f64 = 1.0 / 1_048_576.0;

/// What of an account's order is the same for its panel or its block.
#[derive(Clone, Copy)]
pub(crate) struct Near<'r> {
    pub(crate) reference: &'r Reference,
    /// The panel's slack at the reference (quanta).
    kappa: f64,
}

impl<'r> Near<'r> {
    pub(crate) fn new(absolute: &[(u32, f64)], reference: &'r Reference) -> Near<'r> {
        let slack = absolute.iter().map(|&(node, a)| reference.worth(node, a));
        Near { reference, kappa: slack.fold(LEAST_SLACK, |sum, a| sum + a) }
    }

    /// The key of an account whose rho is no greater than this.
    pub(crate) fn key(&self, row: &Lowered, relative: f64) -> f64 {
        let (mut backing, mut requirement) = (0.0, f64::MIN_POSITIVE);
        for (term, &c) in row.terms.iter().zip(&row.coefficients) {
            let worth = self.reference.worth(term.node, c);
            if worth > 0.0 { backing += worth } else { requirement -= worth }
        }
        let off = APART * relative + MARGIN;
        let key = (backing * (1.0 - off) - APART * self.kappa) / (requirement * (1.0 + off));
        // What is not a number is never far.
        if key.is_nan() { f64::NEG_INFINITY } else { key }
    }

    /// The greatest of what its rows and its full value add up to, without signs (quanta).
    pub(crate) fn most(&self, row: &Lowered) -> f64 {
        let sum = |numbers: &[f64]| {
            let worth =
                row.terms.iter().zip(numbers).map(|(term, &x)| self.reference.worth(term.node, x).abs());
            worth.sum::<f64>()
        };
        let (rows, value) = (sum(&row.coefficients), sum(&row.worth));
        if rows >= value { rows } else { value }
    }
}

/// No block is nearer than those behind it.
pub(crate) fn rising(keys: &mut [f64]) {
    let mut least = f64::INFINITY;
    for key in keys.iter_mut().rev() {
        least = least.min(*key);
        *key = least;
    }
}

impl Panel<'_> {
    /// All money that stands on its accounts fits the sums wherever nodes are within `ratios`.
    #[inline(always)]
    pub(crate) fn small(&self, ratios: &[[f64; 2]]) -> bool {
        let greatest =
            |term: &TermShape| ratios.get(term.node as usize).map_or(f64::INFINITY, |ratio| ratio[1]);
        let most = self.terms.iter().map(greatest).fold(1.0, f64::max);
        self.most * most < MOST_MONEY * (1.0 - MARGIN)
    }

    /// How many of its blocks, from the first, may hold anybody who is not clear everywhere that nodes are within `ratios` (least and
    /// greatest beside the reference; zero and infinite where one is unknown).
    #[inline(always)]
    pub(crate) fn reach(&self, ratios: &[[f64; 2]]) -> usize {
        let ratio = |node: u32| ratios.get(node as usize).copied().unwrap_or([0.0, f64::INFINITY]);
        let (mut low, mut high, mut owed) = (f64::INFINITY, 1.0_f64, 0.0_f64);
        for term in self.terms {
            let [least, greatest] = ratio(term.node);
            match (term.idle, term.negative) {
                (true, _) => {}
                (false, true) => owed = owed.max(greatest),
                (false, false) => (low, high) = (low.min(least), high.max(greatest)),
            }
        }
        for &(node, _) in self.absolute {
            high = high.max(ratio(node)[1]);
        }
        if !(high <= APART * low && low.is_finite() && self.small(ratios)) {
            return self.blocks;
        }
        let far = owed / low * (1.0 + MARGIN);
        if far.is_finite() { self.keys.partition_point(|&key| key < far) } else { self.blocks }
    }
}
