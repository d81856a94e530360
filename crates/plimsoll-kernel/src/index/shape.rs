//! Shapes: what the lines of like accounts have in common, kept once.

use crate::float::HALF_ULP;
use crate::lower::{Begins, Lowered, ONE, RAISE, TermShape};
use std::collections::HashMap;

/// Which of its node's four sums a term goes into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// Backing that rises with the node, or a hinge that falls.
    BackingUp = 0,
    /// Requirement that falls when the node rises.
    OwedUp = 1,
    BackingDown = 2,
    OwedDown = 3,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Term {
    /// The place of its node in the shape's list.
    pub(super) at: u8,
    pub(super) side: Side,
    pub(super) begins: Begins,
    pub(super) owed: bool,
    negative: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Shape {
    /// The market that nothing but integers can decide; such a shape has no terms.
    pub(super) opaque: Option<u32>,
    pub(super) terms: Vec<Term>,
    /// The places of the nodes that its slack is on.
    pub(super) slack: Vec<u8>,
    /// All nodes of terms and slack; the number one stands behind the last and has no box.
    pub(super) nodes: Vec<u32>,
    /// One row without hinges.
    pub(super) plain: bool,
    /// The share of the sum of absolute terms that rounding may take.
    pub(super) rho: f64,
}

/// What tells shapes apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Opaque(u32),
    Rows(Vec<TermShape>, Vec<u32>),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Shapes {
    shapes: Vec<Shape>,
    known: HashMap<Kind, u32>,
}

/// Terms, slack and nodes of a line together; more than this is left to integers.
const MOST_WORDS: usize = 200;

impl Shapes {
    pub(super) fn get(&self, shape: u32) -> &Shape {
        &self.shapes[shape as usize]
    }

    /// The shape of accounts of a market that only integers can decide.
    pub(super) fn opaque(&mut self, market: u32) -> u32 {
        let shape = Shape {
            opaque: Some(market),
            terms: Vec::new(),
            slack: Vec::new(),
            nodes: Vec::new(),
            plain: true,
            rho: 0.0,
        };
        self.intern(Kind::Opaque(market), |_| shape)
    }

    /// The shape of an account's rows, mostly the one that it had; `None` where there are too many terms, or nodes beyond the
    /// world's.
    pub(super) fn rows(&mut self, lowered: &mut Lowered, old: Option<u32>, len: usize) -> Option<u32> {
        let (terms, slack) = (&lowered.terms, &lowered.slack);
        if let Some(old) = old.filter(|old| self.get(*old).is_of(lowered)) {
            return Some(old);
        }
        let nodes = terms.iter().map(|term| term.node).chain(slack.iter().map(|(node, _)| *node));
        if terms.len() * 2 + slack.len() * 2 > MOST_WORDS
            || nodes.max().is_some_and(|node| node as usize >= len)
        {
            return None;
        }
        let slack = slack.iter().map(|(node, _)| *node).collect();
        Some(self.intern(Kind::Rows(std::mem::take(&mut lowered.terms), slack), Shape::of))
    }

    fn intern(&mut self, kind: Kind, make: impl FnOnce(&Kind) -> Shape) -> u32 {
        if let Some(known) = self.known.get(&kind) {
            return *known;
        }
        let number = self.shapes.len() as u32;
        self.shapes.push(make(&kind));
        self.known.insert(kind, number);
        number
    }

    pub(super) fn bytes(&self) -> usize {
        let of = |shape: &Shape| {
            let terms = shape.terms.len() * (size_of::<Term>() + size_of::<TermShape>());
            terms
                + shape.slack.len() * 5
                + shape.nodes.len() * 4
                + size_of::<Shape>()
                + size_of::<(Kind, u32)>()
        };
        self.shapes.iter().map(of).sum()
    }
}

impl Shape {
    fn of(kind: &Kind) -> Shape {
        let (terms, slack): (&[TermShape], &[u32]) = match kind {
            Kind::Rows(terms, slack) => (terms, slack),
            Kind::Opaque(_) => (&[], &[]),
        };
        let mut nodes: Vec<u32> = terms.iter().map(|term| term.node).chain(slack.iter().copied()).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes.retain(|node| *node != ONE);
        let at = |node| nodes.iter().position(|known| *known == node).unwrap_or(nodes.len()) as u8;
        let mut in_hinge = false;
        let term = |term: &TermShape| {
            in_hinge = match term.begins {
                Begins::Row => false,
                Begins::Hinge => true,
                Begins::Nothing => in_hinge,
            };
            let side = match (term.negative ^ in_hinge, term.owed) {
                (false, false) => Side::BackingUp,
                (false, true) => Side::OwedUp,
                (true, false) => Side::BackingDown,
                (true, true) => Side::OwedDown,
            };
            Term { at: at(term.node), side, begins: term.begins, owed: term.owed, negative: term.negative }
        };
        let built: Vec<Term> = terms.iter().map(term).collect();
        Shape {
            opaque: None,
            plain: terms.iter().skip(1).all(|term| term.begins == Begins::Nothing),
            rho: (terms.len() as f64 * 2.0 + 80.0) * HALF_ULP * RAISE,
            slack: slack.iter().map(|node| at(*node)).collect(),
            terms: built,
            nodes,
        }
    }

    /// Whether an account's rows are of this shape.
    fn is_of(&self, lowered: &Lowered) -> bool {
        let node = |at: u8| self.nodes.get(usize::from(at)).copied().unwrap_or(ONE);
        let term = |term: &Term| TermShape {
            idle: false,
            node: node(term.at),
            begins: term.begins,
            negative: term.negative,
            owed: term.owed,
        };
        let same_slack =
            self.slack.iter().map(|at| node(*at)).eq(lowered.slack.iter().map(|(node, _)| *node));
        same_slack && self.opaque.is_none() && self.terms.iter().map(term).eq(lowered.terms.iter().copied())
    }

    /// The word at which the coefficients begin.
    pub(super) fn coefficients(&self) -> usize {
        1 + self.nodes.len()
    }

    /// How many words a line has.
    pub(super) fn words(&self) -> usize {
        self.coefficients() + self.terms.len() + self.slack.len().div_ceil(2)
    }
}
