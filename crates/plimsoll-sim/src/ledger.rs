//! Who gave what to whom: every token that changes hands outside the accounts of a venue, so that none comes to be or is lost by our hand.

use plimsoll_core::{Int, U256};
use std::collections::BTreeMap;

/// A holder of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// A market of the book: its cash, its auctions, what it mints and burns.
    Market(usize),
    /// A keeper.
    Keeper(usize),
    /// A borrower's own wallet.
    Borrower(usize),
    /// Somebody behind a depth curve.
    Street,
    /// A pool.
    Pool(usize),
    /// Who brings pools back to the market.
    Arbitrageur,
}

/// Changes since the start, in raw units of each token; nobody's is written down of who has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    held: BTreeMap<String, BTreeMap<Holder, Int>>,
}

impl Ledger {
    /// So much of a token goes from one to another; `None` beyond 256 bits.
    pub(crate) fn flow(&mut self, token: &str, amount: U256, from: Holder, to: Holder) -> Option<()> {
        if amount == U256::ZERO {
            return Some(());
        }
        if !self.held.contains_key(token) {
            self.held.insert(token.into(), BTreeMap::new());
        }
        let held = self.held.get_mut(token)?;
        let left = held.get(&from).copied().unwrap_or(Int::ZERO).sub(amount.into())?;
        held.insert(from, left);
        let more = held.get(&to).copied().unwrap_or(Int::ZERO).add(amount.into())?;
        held.insert(to, more);
        Some(())
    }

    /// What a holder has more of a token than at the start.
    #[must_use]
    pub fn held(&self, token: &str, holder: Holder) -> Int {
        self.held.get(token).and_then(|held| held.get(&holder)).copied().unwrap_or(Int::ZERO)
    }

    /// Every token, with who has more or less of it.
    pub fn all(&self) -> impl Iterator<Item = (&str, &BTreeMap<Holder, Int>)> {
        self.held.iter().map(|(token, held)| (token.as_str(), held))
    }

    /// The first token of which more, or less, is held by all together than at the start.
    #[must_use]
    pub fn unbalanced(&self) -> Option<&str> {
        let sum = |held: &BTreeMap<Holder, Int>| held.values().try_fold(Int::ZERO, |sum, it| sum.add(*it));
        self.held
            .iter()
            .find(|(_, held)| sum(held).is_none_or(|sum| !sum.is_zero()))
            .map(|(token, _)| token.as_str())
    }
}
