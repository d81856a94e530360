//! One account's rows as plain lists of floats, for estimates: nothing is proven of a sum of them, and no verdict is taken from one.

use crate::lower::{Begins, Lowering, Worth, lower};
use crate::panel::MarketRows;
use plimsoll_core::Compiled;

/// A node's place in a world ([`crate::World`]), and its coefficient.
pub type PlainTerms = Vec<(u32, f64)>;

/// What becomes of an account.
#[derive(Clone, Debug, PartialEq)]
pub enum Plain {
    /// It is healthy where every row is not negative.
    Rows(PlainRows),
    /// It owes nothing.
    NoDebt,
    /// It has no row that is true at every price.
    Opaque,
}

/// An account's rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlainRows {
    /// Each of them.
    pub rows: Vec<PlainRow>,
    /// What all collateral is worth, in the rows' own unit.
    pub collateral: PlainTerms,
    /// What all debt is worth, likewise.
    pub debt: PlainTerms,
}

/// `backing - requirement - sum of max(0, hinge)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlainRow {
    /// What counts for the account.
    pub backing: PlainTerms,
    /// What the venue asks.
    pub requirement: PlainTerms,
    /// Each takes its positive part away.
    pub hinges: Vec<PlainTerms>,
}

impl Plain {
    /// The rows of an account of a market.
    #[must_use]
    pub fn of(compiled: &Compiled, market: &MarketRows) -> Plain {
        let lowered = match lower(compiled, market.base, market.epoch, market.quanta, Worth::Told) {
            Lowering::NoDebt => return Plain::NoDebt,
            Lowering::Opaque => return Plain::Opaque,
            Lowering::Rows(lowered) => lowered,
        };
        let mut all = PlainRows::default();
        let mut hinge = false;
        for ((term, coefficient), worth) in
            lowered.terms.iter().zip(&lowered.coefficients).zip(&lowered.worth)
        {
            if term.begins == Begins::Row {
                all.rows.push(PlainRow::default());
            }
            hinge = term.begins.in_hinge(hinge);
            let side = if term.owed { &mut all.debt } else { &mut all.collateral };
            if worth.abs() >= f64::MIN_POSITIVE {
                side.push((term.node, *worth));
            }
            let Some(row) = all.rows.last_mut().filter(|_| !term.idle) else { continue };
            match (hinge, term.owed) {
                (true, _) => {
                    if term.begins == Begins::Hinge {
                        row.hinges.push(Vec::new());
                    }
                    if let Some(hinge) = row.hinges.last_mut() {
                        hinge.push((term.node, *coefficient));
                    }
                }
                (false, true) => row.requirement.push((term.node, -coefficient)),
                (false, false) => row.backing.push((term.node, *coefficient)),
            }
        }
        Plain::Rows(all)
    }
}

impl PlainRow {
    /// Backing, less what hinges take away, and requirement where nodes have these numbers.
    #[must_use]
    pub fn sides(&self, nodes: &[f64]) -> [f64; 2] {
        let hinges: f64 = self.hinges.iter().map(|hinge| total(hinge, nodes).max(0.0)).sum();
        [total(&self.backing, nodes) - hinges, total(&self.requirement, nodes)]
    }
}

impl PlainRows {
    /// Backing over requirement of the row in which it is least; infinite where nothing is asked.
    #[must_use]
    pub fn health(&self, nodes: &[f64]) -> f64 {
        let health = |row: &PlainRow| {
            let [backing, requirement] = row.sides(nodes);
            match () {
                () if requirement > 0.0 => backing / requirement,
                () if backing < 0.0 => 0.0,
                () => f64::INFINITY,
            }
        };
        self.rows.iter().map(health).fold(f64::INFINITY, f64::min)
    }

    /// Every node that a row or its worth has.
    #[must_use]
    pub fn nodes(&self) -> Vec<u32> {
        let of = |row: &PlainRow| {
            let parts = [&row.backing, &row.requirement].into_iter().chain(&row.hinges);
            parts.flatten().map(|(node, _)| *node).collect::<Vec<_>>()
        };
        let worth = self.collateral.iter().chain(&self.debt).map(|(node, _)| *node);
        let mut nodes: Vec<u32> = self.rows.iter().flat_map(of).chain(worth).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes
    }
}

/// The sum of coefficients times nodes.
#[must_use]
pub fn total(terms: &PlainTerms, nodes: &[f64]) -> f64 {
    terms.iter().map(|(node, coefficient)| coefficient * nodes[*node as usize]).sum()
}
