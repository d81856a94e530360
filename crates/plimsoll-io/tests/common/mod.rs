//! What tests of books share.
#![allow(dead_code)] // each test file uses some of it

pub(crate) mod recorded;

use plimsoll_core::Book;
use plimsoll_io::book::{File, FileBytes, Opened, Written};

/// The book, of which nothing may be faulty.
#[track_caller]
pub(crate) fn sound(opened: Opened) -> Book {
    assert!(opened.faults.is_empty(), "{}", opened.faults.render(false));
    assert_eq!(opened.left_out.count(), 0);
    opened.book
}

/// Everything a book says, in a form that can be compared.
pub(crate) fn all_of(book: &Book) -> impl PartialEq + std::fmt::Debug + use<> {
    let markets = book.markets.iter().map(|market| {
        let mut bytes = Vec::new();
        market.market.encode(&mut bytes);
        (market.name.clone(), market.wiring.clone(), bytes)
    });
    let accounts = book.accounts.iter().map(|account| {
        (account.name.clone(), account.owner.clone(), account.market, account.account.clone())
    });
    let (markets, accounts): (Vec<_>, Vec<_>) = (markets.collect(), accounts.collect());
    (book.name.clone(), book.at, book.graph.clone(), markets, accounts)
}

/// A file with this text.
pub(crate) fn file(name: &str, text: impl Into<Vec<u8>>) -> File {
    File { name: name.to_string(), bytes: FileBytes::Read(text.into()) }
}

/// The files of a written book.
pub(crate) fn files(written: &Written) -> Vec<File> {
    written.files.iter().map(|(name, text)| file(name, text.clone())).collect()
}
