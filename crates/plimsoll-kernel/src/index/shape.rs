//! Shapes: what the lines of like accounts have in common, kept once.
//!
//! All of them stand in one list of words, so that what a weighing reads of one lies side by side: four counts, the market, the nodes, the
//! terms, and the places of the nodes that its slack is on. A shape's number is where it begins.

use crate::float::HALF_ULP;
use crate::lower::{Begins, Lowered, ONE, RAISE, TermShape};
use crate::simd::prefetch;
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

/// A term as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term(u32);

impl Term {
    fn new(at: usize, term: &TermShape, in_hinge: bool) -> Term {
        let side = match (term.negative ^ in_hinge, term.owed) {
            (false, false) => Side::BackingUp,
            (false, true) => Side::OwedUp,
            (true, false) => Side::BackingDown,
            (true, true) => Side::OwedDown,
        };
        let begins = match term.begins {
            Begins::Nothing => 0,
            Begins::Row => 1,
            Begins::Hinge => 2,
        };
        let flags = u32::from(term.negative) << 12 | u32::from(term.owed) << 13;
        Term(at as u32 | (side as u32) << 8 | begins << 10 | flags)
    }

    /// The place of its node in the shape's list.
    pub(super) fn at(self) -> usize {
        (self.0 & 0xff) as usize
    }

    pub(super) fn side(self) -> usize {
        (self.0 >> 8 & 3) as usize
    }

    pub(super) fn begins(self) -> Begins {
        match self.0 >> 10 & 3 {
            0 => Begins::Nothing,
            1 => Begins::Row,
            _ => Begins::Hinge,
        }
    }

    pub(super) fn negative(self) -> bool {
        self.0 >> 12 & 1 == 1
    }

    pub(super) fn owed(self) -> bool {
        self.0 >> 13 & 1 == 1
    }
}

/// A shape, as it stands in the list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape<'s> {
    pub(super) market: u32,
    /// All nodes of terms and slack; the number one stands behind the last and has no box.
    pub(super) nodes: &'s [u32],
    terms: &'s [u32],
    slack: &'s [u32],
    flags: u8,
}

/// Nothing but integers can decide: there are no terms.
const OPAQUE: u8 = 1;
/// One row without hinges.
const PLAIN: u8 = 2;
/// Its two terms are one of backing and one of requirement, on different nodes.
const PAIR: u8 = 4;

/// What tells shapes apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Opaque(u32),
    Rows(u32, Vec<TermShape>, Vec<u32>),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Shapes {
    words: Vec<u32>,
    known: HashMap<Kind, u32>,
    /// Bytes of what they are known by.
    kinds: usize,
}

/// Terms and slack of a line together; more than this is left to integers.
const MOST_TERMS: usize = 100;
/// Words of the list that a number counts, so that numbers stay small.
const UNIT: usize = 4;
/// Numbers stay far enough below what a seat can hold that each market's opaque shape has one.
const MOST_SHAPES: usize = 1 << 28;

impl Shapes {
    pub(super) fn get(&self, shape: u32) -> Shape<'_> {
        let words = &self.words[shape as usize * UNIT..];
        let [nodes, terms, slack, flags] = words[0].to_le_bytes();
        let (nodes_of, rest) = words[2..].split_at(usize::from(nodes));
        let (terms_of, rest) = rest.split_at(usize::from(terms));
        let slack_of = &rest[..usize::from(slack)];
        Shape { market: words[1], nodes: nodes_of, terms: terms_of, slack: slack_of, flags }
    }

    /// How many nodes a shape has.
    pub(super) fn nodes(&self, shape: u32) -> usize {
        usize::from(self.words[shape as usize * UNIT] as u8)
    }

    /// Asks for a shape before it is needed.
    pub(super) fn prefetch(&self, shape: u32) {
        let at = shape as usize * UNIT;
        prefetch(&self.words[at]);
        if let Some(next) = self.words.get(at + 16) {
            prefetch(next);
        }
    }

    /// The shape of accounts of a market that only integers can decide.
    pub(super) fn opaque(&mut self, market: u32) -> u32 {
        self.intern(Kind::Opaque(market))
    }

    /// The shape of an account's rows, mostly the one that it had; `None` where there are too many terms, nodes beyond the
    /// world's, or no numbers left.
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
        let full = self.words.len() / UNIT >= MOST_SHAPES;
        let beyond = nodes.max().is_some_and(|node| node as usize >= len);
        if full || beyond || terms.len() + slack.len() > MOST_TERMS {
            return None;
        }
        let slack = slack.iter().map(|(node, _)| *node).collect();
        Some(self.intern(Kind::Rows(market, std::mem::take(&mut lowered.terms), slack)))
    }

    fn intern(&mut self, kind: Kind) -> u32 {
        if let Some(known) = self.known.get(&kind) {
            return *known;
        }
        let number = (self.words.len() / UNIT) as u32;
        self.add(&kind);
        self.words.resize(self.words.len().next_multiple_of(UNIT), 0);
        if let Kind::Rows(_, terms, slack) = &kind {
            self.kinds += terms.len() * size_of::<TermShape>() + slack.len() * size_of::<u32>();
        }
        self.known.insert(kind, number);
        number
    }

    fn add(&mut self, kind: &Kind) {
        let (market, terms, slack): (u32, &[TermShape], &[u32]) = match kind {
            Kind::Rows(market, terms, slack) => (*market, terms, slack),
            Kind::Opaque(market) => (*market, &[], &[]),
        };
        let mut nodes: Vec<u32> = terms.iter().map(|term| term.node).chain(slack.iter().copied()).collect();
        nodes.sort_unstable();
        nodes.dedup();
        nodes.retain(|node| *node != ONE);
        let at = |node| nodes.iter().position(|known| *known == node).unwrap_or(nodes.len());
        let mut in_hinge = false;
        let term = |term: &TermShape| {
            in_hinge = term.begins.in_hinge(in_hinge);
            Term::new(at(term.node), term, in_hinge)
        };
        let built: Vec<Term> = terms.iter().map(term).collect();
        let mut flags = if matches!(kind, Kind::Opaque(_)) { OPAQUE } else { 0 };
        if terms.iter().skip(1).all(|term| term.begins == Begins::Nothing) {
            flags |= PLAIN;
        }
        if let [backing, requirement] = built[..]
            && flags & PLAIN != 0
            && backing.at() != requirement.at()
            && backing.side() == Side::BackingUp as usize
            && requirement.side() == Side::OwedDown as usize
        {
            flags |= PAIR;
        }
        let counts = [nodes.len() as u8, terms.len() as u8, slack.len() as u8, flags];
        self.words.extend([u32::from_le_bytes(counts), market]);
        self.words.extend(&nodes);
        self.words.extend(built.iter().map(|term| term.0));
        self.words.extend(slack.iter().map(|node| at(*node) as u32));
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.words) + self.kinds + self.known.len() * size_of::<(Kind, u32)>()
    }
}

impl<'s> Shape<'s> {
    pub(super) fn is_opaque(&self) -> bool {
        self.flags & OPAQUE != 0
    }

    pub(super) fn is_plain(&self) -> bool {
        self.flags & PLAIN != 0
    }

    /// The nodes of the one kind of backing and the one of requirement that an account has.
    pub(super) fn pair(&self) -> Option<[u32; 2]> {
        match *self.terms {
            [backing, requirement] if self.flags & PAIR != 0 => {
                Some([backing, requirement].map(|term| self.node(Term(term).at())))
            }
            _ => None,
        }
    }

    pub(super) fn terms(&self) -> impl ExactSizeIterator<Item = Term> + use<'s> {
        self.terms.iter().map(|term| Term(*term))
    }

    /// The places of the nodes that its slack is on.
    pub(super) fn slack(&self) -> impl Iterator<Item = usize> + use<'s> {
        self.slack.iter().map(|at| *at as usize)
    }

    /// The share of the sum of absolute terms that rounding may take, that of the line's own coefficients left out.
    pub(super) fn rho(&self) -> f64 {
        (self.terms.len() as f64 * 2.0 + 80.0) * HALF_ULP * RAISE
    }

    /// The node at a place of its list.
    pub(super) fn node(&self, at: usize) -> u32 {
        self.nodes.get(at).copied().unwrap_or(ONE)
    }

    /// Whether an account's rows are of this shape.
    fn is_of(&self, lowered: &Lowered, market: u32) -> bool {
        let mut in_hinge = false;
        let same = |(term, theirs): (Term, &TermShape)| {
            in_hinge = theirs.begins.in_hinge(in_hinge);
            self.node(term.at()) == theirs.node && Term::new(term.at(), theirs, in_hinge) == term
        };
        self.market == market
            && !self.is_opaque()
            && self.terms.len() == lowered.terms.len()
            && self.slack.len() == lowered.slack.len()
            && self.slack().zip(&lowered.slack).all(|(at, (node, _))| self.node(at) == *node)
            && self.terms().zip(&lowered.terms).all(same)
    }

    /// How many words a line has.
    pub(super) fn words(&self) -> usize {
        self.nodes.len() + (2 * self.terms.len() + self.slack.len()).div_ceil(4)
    }
}
