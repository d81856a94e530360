//! An account: signed raw quantities and the mode they are held in. Plain data, the same for every venue.

use crate::instrument::InstrumentId;
use crate::num::Int;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// An account's number in its book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccountId(pub u64);

/// A quantity of one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// What is held.
    pub instrument: InstrumentId,
    /// How much, in the instrument's own integers.
    pub quantity: Int,
}

/// A number that the venue keeps for an account beside its holdings: e-mode, collateral flags, a trove's rate,
/// a snapshot of an accumulator. Which term means what is the market's to say ([`crate::Market::terms`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TermId(pub u16);

/// One account of one market.
///
/// Invariants: holdings are sorted by instrument, without zeros or repetition; terms likewise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The account's number in its book.
    pub id: AccountId,
    holdings: Vec<Holding>,
    terms: Vec<(TermId, Int)>,
}

impl Account {
    /// An account that holds nothing.
    #[must_use]
    pub const fn new(id: AccountId) -> Account {
        Account { id, holdings: Vec::new(), terms: Vec::new() }
    }

    /// Makes it an account that holds nothing, under another number; its memory stays its own.
    pub fn clear(&mut self, id: AccountId) {
        self.id = id;
        self.holdings.clear();
        self.terms.clear();
    }

    /// The account with this quantity in place of what it held.
    #[must_use]
    pub fn with(mut self, instrument: InstrumentId, quantity: Int) -> Account {
        self.set(instrument, quantity);
        self
    }

    /// The account with this term in place of what it had.
    #[must_use]
    pub fn with_term(mut self, term: TermId, value: Int) -> Account {
        self.set_term(term, value);
        self
    }

    /// Whether it holds what another holds, in the same mode.
    #[must_use]
    pub fn is_like(&self, other: &Account) -> bool {
        self.holdings == other.holdings && self.terms == other.terms
    }

    /// Everything held, by instrument; nothing in it is zero.
    #[must_use]
    #[inline]
    pub fn holdings(&self) -> &[Holding] {
        &self.holdings
    }

    /// Every term that is not zero.
    #[must_use]
    pub fn terms(&self) -> &[(TermId, Int)] {
        &self.terms
    }

    /// How much of an instrument is held; zero when none.
    #[must_use]
    pub fn quantity(&self, instrument: InstrumentId) -> Int {
        match self.holdings.binary_search_by_key(&instrument, |h| h.instrument) {
            Ok(at) => self.holdings[at].quantity,
            Err(_) => Int::ZERO,
        }
    }

    /// A term; zero when it was never set.
    #[must_use]
    #[inline]
    pub fn term(&self, term: TermId) -> Int {
        self.terms.iter().find(|(id, _)| *id == term).map_or(Int::ZERO, |(_, value)| *value)
    }

    /// Puts a quantity in place.
    pub fn set(&mut self, instrument: InstrumentId, quantity: Int) {
        match self.holdings.binary_search_by_key(&instrument, |h| h.instrument) {
            Ok(at) if quantity.is_zero() => {
                self.holdings.remove(at);
            }
            Ok(at) => self.holdings[at].quantity = quantity,
            Err(_) if quantity.is_zero() => {}
            Err(at) => self.holdings.insert(at, Holding { instrument, quantity }),
        }
    }

    /// Puts a term in place.
    pub fn set_term(&mut self, term: TermId, value: Int) {
        match self.terms.binary_search_by_key(&term, |(id, _)| *id) {
            Ok(at) if value.is_zero() => {
                self.terms.remove(at);
            }
            Ok(at) => self.terms[at].1 = value,
            Err(_) if value.is_zero() => {}
            Err(at) => self.terms.insert(at, (term, value)),
        }
    }
}
