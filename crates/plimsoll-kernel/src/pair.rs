//! Accounts with one holding and one debt: they are sorted once, and a scenario is a place in the order.
//!
//! Such an account is below its line where its ratio q = c/d is below x = w/v, with c v backing and d w requirement: R = d v (q - x). A whole
//! panel of them in the order of q is answered by two searches, for the last that is surely below and the first that is surely clear.
//!
//! **Proof.** In [`crate::lower`]'s words T = rho (c v + d w) + kappa = d v (rho (q + x) + kappa / (d v)). Let `least` be the least d of the
//! panel, and kappa <= eps least w, so that kappa / (d v) <= eps x. With rho + eps <= 1/8, R >= T follows from
//! q >= x (1 + theta) and R < -T from q <= x (1 - theta), for any theta >= 2 (rho + eps), since
//! (1 + rho + eps)/(1 - rho) <= 1 + 2 (rho + eps) + ... and likewise below; theta is taken at 3 (rho + eps), which leaves more than the dozen roundings by which q, x and the
//! products may be off: rho is never below 13 x 2^-53.

use crate::lower::TermShape;
use crate::panel::{NOBODY, Packed, Panel};
use std::ops::Range;

/// A panel of pairs.
#[derive(Clone, Debug)]
pub(crate) struct Pairs {
    /// Which term is the backing; the other is the requirement.
    backing: usize,
    /// Every account's ratio, rising; as they stand in the panel's blocks.
    ratios: Vec<f64>,
    /// Places in the order in which nobody stands any longer; rising.
    gone: Vec<usize>,
    least: f64,
    relative: f64,
}

/// The terms are one of backing and one of requirement.
pub(crate) fn backing_of(terms: &[TermShape]) -> Option<usize> {
    match terms {
        [first, second] if !first.idle && !second.idle && first.negative != second.negative => {
            // A second row would begin anew.
            (second.begins == crate::lower::Begins::Nothing).then_some(usize::from(first.negative))
        }
        _ => None,
    }
}

impl Pairs {
    /// Of rows that stand in the order of their ratios.
    pub(crate) fn new(backing: usize, rows: &[[f64; 2]], relative: f64) -> Pairs {
        let ratios = rows.iter().map(|row| ratio(backing, row)).collect();
        let least = rows.iter().map(|row| row[1 - backing].abs()).fold(f64::INFINITY, f64::min);
        Pairs { backing, ratios, gone: Vec::new(), least, relative }
    }

    /// How many are surely below, and which cannot be told, in the panel's order; `None` where the panel's slack is too
    /// great beside its smallest account.
    pub(crate) fn at(&self, values: [f64; 2], kappa: f64) -> Option<(usize, Range<usize>)> {
        let (v, w) = (values[self.backing], values[1 - self.backing]);
        let eps = kappa / (self.least * w);
        let off = self.relative + eps;
        // Not a number is not small, either.
        if !(off <= 1.0 / 8.0 && v > 0.0 && w > 0.0) {
            return None;
        }
        let (x, theta) = (w / v, 3.0 * off);
        let below = self.ratios.partition_point(|&ratio| ratio <= x * (1.0 - theta));
        // Who cannot be told is next to the line: seldom anybody.
        let near = self.ratios[below..].iter().take_while(|&&ratio| ratio < x * (1.0 + theta)).count();
        Some((below, below..below + near))
    }
}

impl Pairs {
    /// Nobody stands at this place any longer.
    pub(crate) fn leaves(&mut self, place: usize) {
        let at = self.gone.partition_point(|gone| *gone < place);
        self.gone.insert(at, place);
    }

    /// How many stand before a place.
    pub(crate) fn before(&self, place: usize) -> usize {
        place - self.gone.partition_point(|gone| *gone < place)
    }
}

/// Backing over requirement, a unit of each.
pub(crate) fn ratio(backing: usize, row: &[f64]) -> f64 {
    row[backing] / row[1 - backing].abs()
}

impl Panel<'_> {
    /// [`Pairs::at`], where the panel has them.
    pub(crate) fn order(&self, values: &[f64], kappa: f64) -> Option<(usize, Range<usize>)> {
        let &[first, second] = values else { return None };
        self.pairs?.at([first, second], kappa)
    }
}

impl Packed {
    /// Accounts of a panel by their places in its order.
    pub(crate) fn placed<'p>(
        &'p self,
        panel: &Panel<'_>,
        places: Range<usize>,
    ) -> impl Iterator<Item = u32> + use<'p> {
        let blocks = &self.accounts[panel.first..panel.first + panel.blocks];
        blocks.as_flattened()[places].iter().copied().filter(|account| *account != NOBODY)
    }
}
