//! Whether a book is the chain: every number that the venues' own view functions return, against the same number computed
//! from the book.
//!
//! What stands in the book as it was read (balances, flags, totals, prices) is asked again; what is computed (health, values,
//! indices and interest to the block's time, verdicts) is what the comparison is for.

mod aave_v3;
mod morpho_blue;

use crate::error::ChainError;
use crate::origin::{Origin, Place};
use crate::reader::Reader;
use crate::rpc::{Asked, Client};
use plimsoll_core::{Book, Cell, InstrumentId, Int, ListedAccount, Market, Quote, Refusal, U256};
use std::collections::BTreeMap;

/// Differences that are kept of a market; more are counted.
pub const DIFFERENCES_MAX: usize = 1000;

/// A number that is not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The account; `None` where it is a number of the market.
    pub account: Option<String>,
    /// The venue's function, and which number of it.
    pub what: String,
    /// What the book comes to.
    pub book: String,
    /// What the chain says.
    pub chain: String,
}

/// One market, compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// Its name.
    pub market: String,
    /// Its accounts.
    pub accounts: u64,
    /// How many of them are the same in every number.
    pub accounts_equal: u64,
    /// How many numbers were compared.
    pub numbers: u64,
    /// How many of them are the same.
    pub equal: u64,
    /// The first [`DIFFERENCES_MAX`] that are not.
    pub differences: Vec<Difference>,
}

/// A book, compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Every market of it.
    pub markets: Vec<Compared>,
    /// What was asked for it.
    pub asked: Asked,
}

impl Report {
    /// Whether every number is the same.
    #[must_use]
    pub fn equal(&self) -> bool {
        self.markets.iter().all(|market| market.numbers == market.equal)
    }
}

/// Compares a book with the chain at its block.
///
/// # Errors
/// When the chain has another block of that number, does not answer, or a market of the book is not where the origin says.
pub fn compare(
    client: &Client,
    origin: &Origin,
    book: &Book,
    progress: &mut dyn FnMut(&str, usize, usize),
) -> Result<Report, ChainError> {
    let block = origin.block_of(client)?;
    let reader = Reader::new(client, block)?;
    let quotes = book.graph.quotes(book.at);
    let mut markets = Vec::new();
    for (place, listed) in book.markets.iter().enumerate() {
        let at = origin.markets.get(&listed.name).ok_or_else(|| {
            ChainError::NoOrigin(listed.name.clone(), "the origin does not say where this market is".into())
        })?;
        let accounts = book.accounts.iter().filter(|account| account.market == place).collect();
        let whole = origin.whole;
        let side = Side { reader: &reader, book, place, quotes: &quotes, accounts, whole };
        markets.push(match at {
            Place::AaveV3 { pool, oracle, reserves } => {
                aave_v3::compare(&side, [*pool, *oracle], reserves, progress)?
            }
            Place::MorphoBlue { morpho, id, parameters } => {
                morpho_blue::compare(&side, *morpho, *id, parameters, progress)?
            }
        });
    }
    Ok(Report { markets, asked: client.asked() })
}

/// One market on both sides.
struct Side<'a> {
    reader: &'a Reader<'a>,
    book: &'a Book,
    place: usize,
    quotes: &'a [Quote],
    accounts: Vec<&'a ListedAccount>,
    /// Whether these are all that there are.
    whole: bool,
}

impl<'a> Side<'a> {
    fn name(&self) -> &'a str {
        &self.book.markets[self.place].name
    }

    fn market(&self) -> &'a dyn Market {
        &*self.book.markets[self.place].market
    }

    /// What all accounts hold of an instrument, where these are all: nobody is missing where that is the venue's own total.
    fn sum(&self, instrument: InstrumentId) -> Option<Result<U256, Refusal>> {
        let held = |account: &&ListedAccount| account.account.quantity(instrument).to_u256();
        let mut all = self.accounts.iter().map(held);
        let sum = all.try_fold(U256::ZERO, |sum, held| sum.add(held?));
        self.whole.then(|| sum.ok_or(Refusal::Overflow("a sum over accounts")))
    }

    fn compared(&self) -> Compared {
        let accounts = self.accounts.len() as u64;
        Compared { market: self.name().into(), accounts, accounts_equal: accounts, ..Compared::default() }
    }
}

/// The numbers of a market by object and name.
fn cells(market: &dyn Market) -> BTreeMap<(u64, &'static str), (Cell, Int)> {
    let mut cells = BTreeMap::new();
    market.visit(&mut |cell, name, _, value| {
        cells.insert((cell.object, name), (cell, value));
    });
    cells
}

/// A number of the market, zero where it has none.
fn number(cells: &BTreeMap<(u64, &'static str), (Cell, Int)>, object: u64, name: &'static str) -> U256 {
    cells.get(&(object, name)).and_then(|(_, value)| value.to_u256()).unwrap_or(U256::ZERO)
}

impl Compared {
    /// One number of an account or of the market.
    fn number(&mut self, account: Option<&str>, what: &str, book: Result<U256, Refusal>, chain: U256) {
        let same = book == Ok(chain);
        let book = book.map_or_else(|refusal| refusal.to_string(), |number| number.to_string());
        self.word(account, what, (book, chain.to_string()), same);
    }

    /// One answer in words.
    fn word(&mut self, account: Option<&str>, what: &str, (book, chain): (String, String), same: bool) {
        self.numbers += 1;
        if same {
            self.equal += 1;
        } else if self.differences.len() < DIFFERENCES_MAX {
            let (account, what) = (account.map(str::to_string), what.into());
            self.differences.push(Difference { account, what, book, chain });
        }
    }
}
