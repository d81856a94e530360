//! From a compiled form to floats, with a bound that is proven.
//!
//! **What is claimed.** Let `row` be the form's row and `slack` its slack, node errors included, both exact, at a world whose
//! nodes are `w`. Both are counted here in *quanta*: a row unit is `quanta / scale` of one. From floats `c` beside the
//! coefficients and `v` beside the nodes the kernel computes
//!
//! ```text
//! R = sum of c v, by fused multiply-adds, less max(0, H) of each hinge H computed alike
//! G = sum of |c| v, over all terms, those of hinges too
//! T = rho G + kappa
//! ```
//!
//! and `R >= T` means that row >= slack (law 1: clear), `R < -T` that row < -slack (surely unhealthy).
//!
//! **Proof.** Let u = 2^-53 and n the number of terms and hinges. A float is within 2u of its integer ([`crate::float`]);
//! `c` is a quotient and a product of such, so within 9u of its number; `v` within 2u ([`crate::World`] says which nodes are not,
//! and which have an error above 2u of their value: they count as unknown). A fused sum of n terms is off by nu/(1 - nu) of the sum of
//! its absolute terms; max(0, .) moves no error; taking a hinge away rounds once more. Together R is off by (n + 11)u(1 + 2^-20) G
//! at most, as n < 2^16, and the nodes' errors move the row by 2u G more. So it is enough that
//! T >= (n + 13)u(1 + 2^-20) G + slack, in real numbers. The form's slack is a sum of s w over nodes; each panel has an
//! *absolute* part A w of it, the same for all of its rows, and what is left of a row's own, (s - A), is at most a share of |c| on the same
//! node, and so a share `rho` of G. `rho` and `kappa` are sums and products of what is not negative, a dozen
//! roundings each; both are raised by 2^-20 of themselves, far above all of those and above what G itself may be off. Nothing here can
//! underflow: quanta are within [`QUANTA`] and a scale is below 2^256, so that a coefficient is above 10^-178 or zero; a slack that
//! small is lost in `kappa`, which is never below [`LEAST_SLACK`].

use crate::float::{HALF_ULP, float, magnitude};
use plimsoll_core::{Compiled, Form, Linear, NodeId};
use std::ops::RangeInclusive;

/// What `rho` and `kappa` are raised by.
pub(crate) const RAISE: f64 = 1.0 + 1.0 / 1_048_576.0;

/// The least `kappa` (quanta): above everything that underflow could lose.
pub(crate) const LEAST_SLACK: f64 = 1e-290;

/// Quanta in a unit of the headroom are within these: then no coefficient of a row is lost below the floats, whatever its
/// scale up to 2^256, and no product leaves them.
const QUANTA: RangeInclusive<f64> = 1e-100..=1e100;

/// More terms than this are not lowered.
const MOST_TERMS: usize = 1 << 15;

/// A node's place in the world of a whole book; 0 is the number one, which constants stand beside.
pub(crate) const ONE: u32 = 0;

/// Where a term stands in its account's rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Begins {
    /// The first of a row.
    Row,
    /// The first of a hinge of the row before it.
    Hinge,
    /// Goes on with what stands before it.
    Nothing,
}

impl Begins {
    /// Whether the term is of a hinge, where the one before it was or was not.
    #[inline(always)]
    pub(crate) fn in_hinge(self, before: bool) -> bool {
        match self {
            Begins::Row => false,
            Begins::Hinge => true,
            Begins::Nothing => before,
        }
    }
}

/// A term of a row, without its number: like rows have like terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct TermShape {
    pub(crate) node: u32,
    pub(crate) begins: Begins,
    /// The coefficient is below zero.
    pub(crate) negative: bool,
    /// The coefficient is zero: the term is there for its worth alone.
    pub(crate) idle: bool,
    /// It is of the requirement, which a level multiplies; its worth is debt, and not collateral.
    pub(crate) owed: bool,
}

impl TermShape {
    /// Of a row that is zero in every world.
    const NOTHING: TermShape =
        TermShape { node: ONE, begins: Begins::Row, negative: false, idle: false, owed: false };
}

/// An account's rows as floats: each coefficient with its place, and the slack as it is.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lowered {
    pub(crate) terms: Vec<TermShape>,
    pub(crate) coefficients: Vec<f64>,
    /// What each term is worth at full value, a unit of its node (quanta).
    pub(crate) worth: Vec<f64>,
    /// Node and slack a unit of it, summed over the rows of the account.
    pub(crate) slack: Vec<(u32, f64)>,
}

/// What becomes of an account.
pub(crate) enum Lowering {
    /// Screened.
    Rows(Lowered),
    /// Never a candidate.
    NoDebt,
    /// Always one.
    Opaque,
}

/// Whether full values are lowered, too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Worth {
    Told,
    LeftOut,
}

/// Lowers an account of a market whose nodes stand in the world from `base` on. `quanta` are those in one unit of the
/// exact headroom; where they are not within [`QUANTA`], nothing is proven.
pub(crate) fn lower(compiled: &Compiled, base: u32, epoch: u64, quanta: f64, worth: Worth) -> Lowering {
    let rows = match compiled {
        Compiled::NoDebt => return Lowering::NoDebt,
        Compiled::Opaque => return Lowering::Opaque,
        Compiled::Rows(rows) => rows,
    };
    // A box is not screened: outside it the row says nothing.
    if !QUANTA.contains(&quanta)
        || rows.is_empty()
        || rows.iter().any(|row| !row.valid.boxes.is_empty() || row.valid.epoch != epoch)
    {
        return Lowering::Opaque;
    }
    let mut lowered = Lowered::default();
    for form in rows {
        lowered.row(form, base, quanta, worth);
    }
    if lowered.terms.len() > MOST_TERMS { Lowering::Opaque } else { Lowering::Rows(lowered) }
}

impl Lowered {
    fn row(&mut self, form: &Form, base: u32, quanta: f64, worth: Worth) {
        let unit = quanta / magnitude(form.scale).max(1.0);
        let first = self.terms.len();
        // All rows of an account speak of the same collateral and debt.
        let nothing = Linear::default();
        let told = first == 0 && worth == Worth::Told;
        let worth = if told { [&form.collateral, &form.debt] } else { [&nothing; 2] };
        self.side(&form.backing, worth[0], base, [unit, unit], false);
        self.side(&form.requirement, worth[1], base, [-unit, unit], true);
        // A row without any term is zero, and stays one.
        if self.terms.len() == first {
            self.terms.push(TermShape::NOTHING);
            self.coefficients.push(0.0);
            self.worth.push(0.0);
        }
        self.terms[first].begins = Begins::Row;
        for hinge in &form.hinges {
            let first = self.terms.len();
            self.side(hinge, &nothing, base, [unit, unit], false);
            if let Some(term) = self.terms.get_mut(first) {
                term.begins = Begins::Hinge;
            }
        }
        let constant = (ONE, float(form.slack.constant) * unit);
        let nodes = form.slack.terms.iter().map(|&(node, s)| (base + node.0, float(s) * unit));
        for (node, s) in nodes.chain([constant]).filter(|(_, s)| *s > 0.0) {
            match self.slack.iter_mut().find(|(known, _)| *known == node) {
                // Of several rows each has its own slack; the sum is enough for all.
                Some((_, sum)) => *sum += s,
                None => self.slack.push((node, s)),
            }
        }
    }

    /// A linear part and what it is worth, node by node; `units` are those of a coefficient and of a worth.
    fn side(&mut self, part: &Linear, worth: &Linear, base: u32, units: [f64; 2], owed: bool) {
        let on = |linear: &Linear, node: NodeId| {
            let term = linear.terms.iter().find(|(known, _)| *known == node);
            term.map_or(0.0, |(_, coefficient)| float(*coefficient))
        };
        let idle = worth.terms.iter().filter(|(node, _)| part.terms.iter().all(|(known, _)| known != node));
        for &(node, _) in part.terms.iter().chain(idle) {
            let (coefficient, worth) = (on(part, node) * units[0], on(worth, node) * units[1]);
            self.term(base + node.0, coefficient, worth, owed);
        }
        self.term(ONE, float(part.constant) * units[0], float(worth.constant) * units[1], owed);
    }

    /// A term, unless there is nothing of it.
    fn term(&mut self, node: u32, coefficient: f64, worth: f64, owed: bool) {
        let (negative, idle) = (coefficient < 0.0, coefficient.abs() < f64::MIN_POSITIVE);
        if idle && worth.abs() < f64::MIN_POSITIVE {
            return;
        }
        self.terms.push(TermShape { node, begins: Begins::Nothing, negative, idle, owed });
        self.coefficients.push(coefficient);
        self.worth.push(worth);
    }

    /// The share of G that rounding may take, and what is left of the slack beyond the panel's absolute part.
    pub(crate) fn relative(&self, absolute: &[(u32, f64)]) -> f64 {
        let rounding = (self.terms.len() as f64 * 2.0 + 13.0) * HALF_ULP;
        let beyond = self.slack.iter().map(|&(node, s)| {
            let covered = absolute.iter().find(|(known, _)| *known == node).map_or(0.0, |(_, a)| *a);
            let rest = (s * RAISE - covered).max(0.0);
            if rest > 0.0 { rest / self.weight(node) } else { 0.0 }
        });
        (rounding + beyond.fold(0.0, f64::max)) * RAISE
    }

    /// The greatest coefficient on a node, without its sign; zero where the rows do not have it.
    pub(crate) fn weight(&self, node: u32) -> f64 {
        let on_node = self.terms.iter().zip(&self.coefficients).filter(|(term, _)| term.node == node);
        on_node.map(|(_, coefficient)| coefficient.abs()).fold(0.0, f64::max)
    }
}
