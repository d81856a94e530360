//! A book: markets, the accounts in them, and the prices they are wired to.

use crate::account::{Account, AccountId};
use crate::graph::{Graph, PriceId, Quote};
use crate::market::{Accounts, Market};
use crate::reading::{Reading, Why};
use crate::unit::Time;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// A market of a book.
pub struct ListedMarket {
    /// Its name in the book.
    pub name: String,
    /// Its rules and state.
    pub market: Box<dyn Market>,
    /// For each price slot, the price it is wired to; `None` where the book names none.
    pub wiring: Vec<Option<PriceId>>,
}

impl Clone for ListedMarket {
    fn clone(&self) -> ListedMarket {
        ListedMarket {
            name: self.name.clone(),
            market: self.market.boxed_clone(),
            wiring: self.wiring.clone(),
        }
    }
}

/// An account of a book.
#[derive(Clone)]
pub struct ListedAccount {
    /// Its name in the book; unique within its market.
    pub name: String,
    /// Whose it is. One owner's accounts stand side by side and are never pooled.
    pub owner: String,
    /// Which of the book's markets it is in.
    pub market: usize,
    /// What it holds.
    pub account: Account,
}

/// Markets, accounts and prices at one time.
///
/// Invariant: `account.id` is the account's place in `accounts`.
#[derive(Clone)]
pub struct Book {
    /// What the book calls itself.
    pub name: String,
    /// The time its state and prices are of.
    pub at: Time,
    /// All prices.
    pub graph: Graph,
    /// All markets.
    pub markets: Vec<ListedMarket>,
    /// All accounts.
    pub accounts: Vec<ListedAccount>,
}

impl Book {
    /// What a market reads of the given quotes ([`Graph::quotes`]), in the order of its slots.
    #[must_use]
    pub fn readings(&self, market: &ListedMarket, quotes: &[Quote]) -> Vec<Reading> {
        let slots = market.market.slots().iter().enumerate();
        slots
            .map(|(slot, spec)| {
                let wired = market.wiring.get(slot).copied().flatten();
                let quote = wired.and_then(|id| quotes.get(id.0 as usize));
                // A value that the slot cannot hold is refused when the book is read; should it come here all
                // the same, it is no value.
                quote
                    .and_then(|quote| quote.reading(spec.decimals).ok())
                    .unwrap_or(Reading::unknown(None, Why::Missing))
            })
            .collect()
    }
}

impl Book {
    /// Who calls for an account of the book ([`Market::caller`]).
    #[must_use]
    pub fn caller(&self, account: usize) -> AccountId {
        let listed = &self.accounts[account];
        let own = || {
            let others = self.accounts.iter().enumerate().filter(|(at, other)| {
                *at != account && other.market == listed.market && other.owner == listed.owner
            });
            others.map(|(_, other)| other.account.id).collect()
        };
        self.markets[listed.market].market.caller(&listed.account, self, &own)
    }
}

impl Accounts for Book {
    fn get(&self, id: AccountId) -> Option<&Account> {
        let place = usize::try_from(id.0).ok()?;
        self.accounts.get(place).map(|listed| &listed.account)
    }
}
