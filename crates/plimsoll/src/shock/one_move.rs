//! How one asset moves.

use super::fraction::Fraction;
use super::part::{Part, Rest};
use plimsoll_core::{Decimal, How};
use std::collections::BTreeSet;

/// To what.
#[derive(Clone, Copy)]
pub(super) enum Base {
    Times(Fraction),
    Value(Decimal),
}

/// How an asset moves.
#[derive(Clone)]
pub(super) struct Move {
    pub(super) currency: Vec<String>,
    pub(super) base: Base,
    pub(super) wrong: Fraction,
    /// Something is said of it beside that it is wrong.
    pub(super) said: bool,
    /// Its feeds have stopped: each keeps what it said, in whatever it counts.
    pub(super) frozen: bool,
    /// What it was computed of: of a mapping to something that moves so.
    pub(super) rests: BTreeSet<Rest>,
    /// The shocks of the scenario that say so, by their places; mappings of whoever asks come after them.
    pub(super) shocks: Vec<usize>,
}

impl Move {
    pub(super) fn still(currency: &[String]) -> Move {
        let (base, wrong) = (Base::Times(Fraction::ONE), Fraction::ONE);
        let (said, frozen) = (true, false);
        Move {
            currency: currency.to_vec(),
            base,
            wrong,
            said,
            frozen,
            rests: BTreeSet::new(),
            shocks: Vec::new(),
        }
    }

    /// Of which nothing is said yet.
    pub(super) fn unsaid(currency: &[String]) -> Move {
        Move { said: false, ..Move::still(currency) }
    }

    /// By how much it moves, as wrong as it is; `None` of one to a value, or past 256 bits.
    pub(super) fn part(&self) -> Option<Part> {
        let Base::Times(part) = self.base else { return None };
        Some(Part { times: part.by(self.wrong)?, rests: self.rests.clone() })
    }

    /// Of two shocks the later stands; a wrong feed is wrong on top.
    pub(super) fn take(&mut self, shock: usize, currency: &[String], how: How) -> Option<()> {
        self.shocks.push(shock);
        match how {
            How::Wrong(factor) => self.wrong = self.wrong.by(Fraction::whole(factor))?,
            How::Factor(factor) => self.base = Base::Times(Fraction::whole(factor)),
            How::Value(value) => self.base = Base::Value(value),
            How::Frozen => self.base = Base::Times(Fraction::ONE),
        }
        if !matches!(how, How::Wrong(_)) {
            self.currency = currency.to_vec();
            (self.said, self.frozen) = (true, matches!(how, How::Frozen));
        }
        Some(())
    }
}
