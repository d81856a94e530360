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
    pub(super) negative: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) market: u32,
    /// Nothing but integers can decide: there are no terms.
    pub(super) opaque: bool,
    pub(super) terms: Vec<Term>,
    /// The places of the nodes that its slack is on.
    pub(super) slack: Vec<u8>,
    /// All nodes of terms and slack; the number one stands behind the last and has no box.
    pub(super) nodes: Vec<u32>,
    /// One row without hinges.
    pub(super) plain: bool,
    /// Its two terms are one of backing and one of requirement, on different nodes.
    pub(super) pair: bool,
    /// The share of the sum of absolute terms that rounding may take, that of the line's own coefficients left out.
    pub(super) rho: f64,
}

/// What tells shapes apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Opaque(u32),
    Rows(u32, Vec<TermShape>, Vec<u32>),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Shapes {
    shapes: Vec<Shape>,
    known: HashMap<Kind, u32>,
    /// How many nodes each has.
    nodes: Vec<u8>,
}

/// Terms and slack of a line together; more than this is left to integers.
const MOST_TERMS: usize = 100;

impl Shapes {
    pub(super) fn get(&self, shape: u32) -> &Shape {
        &self.shapes[shape as usize]
    }

    pub(super) fn nodes(&self, shape: u32) -> usize {
        usize::from(self.nodes[shape as usize])
    }

    /// The shape of accounts of a market that only integers can decide.
    pub(super) fn opaque(&mut self, market: u32) -> u32 {
        self.intern(Kind::Opaque(market))
    }

    /// The shape of an account's rows, mostly the one that it had; `None` where there are too many terms, or nodes beyond the
    /// world's.
    pub(super) fn rows(
        &mut self,
        lowered: &mut Lowered,
        market: u32,
        old: Option<u32>,
        len: usize,
    ) -> Option<u32> {
        let (terms, slack) = (&lowered.terms, &lowered.slack);
        if let Some(old) = old.filter(|old| self.get(*old).is_of(lowered, market)) {
            return Some(old);
        }
        let nodes = terms.iter().map(|term| term.node).chain(slack.iter().map(|(node, _)| *node));
        if terms.len() + slack.len() > MOST_TERMS || nodes.max().is_some_and(|node| node as usize >= len) {
            return None;
        }
        let slack = slack.iter().map(|(node, _)| *node).collect();
        Some(self.intern(Kind::Rows(market, std::mem::take(&mut lowered.terms), slack)))
    }

    fn intern(&mut self, kind: Kind) -> u32 {
        if let Some(known) = self.known.get(&kind) {
            return *known;
        }
        let number = self.shapes.len() as u32;
        let shape = Shape::of(&kind);
        self.nodes.push(shape.nodes.len() as u8);
        self.shapes.push(shape);
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
        let (market, terms, slack): (u32, &[TermShape], &[u32]) = match kind {
            Kind::Rows(market, terms, slack) => (*market, terms, slack),
            Kind::Opaque(market) => (*market, &[], &[]),
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
        let plain = terms.iter().skip(1).all(|term| term.begins == Begins::Nothing);
        let pair = match built[..] {
            [backing, requirement] => {
                plain
                    && backing.at != requirement.at
                    && (backing.side, requirement.side) == (Side::BackingUp, Side::OwedDown)
            }
            _ => false,
        };
        Shape {
            market,
            opaque: matches!(kind, Kind::Opaque(_)),
            plain,
            pair,
            rho: (terms.len() as f64 * 2.0 + 80.0) * HALF_ULP * RAISE,
            slack: slack.iter().map(|node| at(*node)).collect(),
            terms: built,
            nodes,
        }
    }

    /// The node at a place of its list.
    pub(super) fn node(&self, at: u8) -> u32 {
        self.nodes.get(usize::from(at)).copied().unwrap_or(ONE)
    }

    /// Whether an account's rows are of this shape.
    fn is_of(&self, lowered: &Lowered, market: u32) -> bool {
        let term = |term: &Term| TermShape {
            idle: false,
            node: self.node(term.at),
            begins: term.begins,
            negative: term.negative,
            owed: term.owed,
        };
        let same_slack =
            self.slack.iter().map(|at| self.node(*at)).eq(lowered.slack.iter().map(|(node, _)| *node));
        same_slack
            && self.market == market
            && !self.opaque
            && self.terms.iter().map(term).eq(lowered.terms.iter().copied())
    }

    /// How many words a line has.
    pub(super) fn words(&self) -> usize {
        self.nodes.len() + (2 * self.terms.len() + self.slack.len()).div_ceil(4)
    }
}
