//! What tests of books share.
#![allow(dead_code)] // each test file uses some of it

pub(crate) mod recorded;

use plimsoll_core::{Book, Cell, InstrumentId, Int, Market, U256};
use plimsoll_io::book::{self, File, FileBytes, Opened, Written};
use std::path::{Path, PathBuf};

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

/// What accounts of a market hold of an instrument.
pub(crate) fn held(book: &Book, market: usize, instrument: InstrumentId) -> U256 {
    let held = book.accounts.iter().filter(|one| one.market == market);
    let held = held.map(|one| one.account.quantity(instrument));
    held.fold(Int::ZERO, |sum, held| sum.add(held).expect("256 bits")).to_u256().expect("nothing below zero")
}

/// The number of a market that is its total of an instrument, found by what it does, and by how much it is more (the
/// Dai of Maker's own purse); `None` where the market keeps no total of it.
pub(crate) fn total(market: &dyn Market, instrument: InstrumentId) -> Option<(Cell, &'static str, U256)> {
    let total = market.total(instrument)?;
    let mut cells = Vec::new();
    market.visit(&mut |cell, name, _, value| cells.push((cell, name, value)));
    let moves = |cell: Cell, value: Int| {
        let mut other = market.boxed_clone();
        other.set(cell, value.add(Int::ONE)).is_ok() && other.total(instrument) == total.add(U256::ONE)
    };
    let (cell, name, value) =
        cells.into_iter().find(|(cell, _, value)| moves(*cell, *value)).expect("a number");
    Some((cell, name, value.to_u256().expect("a total").sub(total).expect("the number is the greater")))
}

/// Raises the totals of all markets to what their accounts hold.
pub(crate) fn cover(book: &mut Book) {
    for market in 0..book.markets.len() {
        for id in (0..book.markets[market].market.instruments().len() as u32).map(InstrumentId) {
            let held = held(book, market, id);
            let market = &mut book.markets[market].market;
            if market.total(id).is_some_and(|total| total < held) {
                let (cell, _, beside) = total(&**market, id).expect("it has one");
                market.set(cell, held.add(beside).map(Int::from)).expect("a total that fits");
            }
        }
    }
}

/// The folder of a book of `examples`.
pub(crate) fn example_folder(example: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(example)
}

/// An example whose files are changed one by one, by their names.
#[track_caller]
pub(crate) fn changed(example: &str, change: impl Fn(&str, String) -> String) -> Opened {
    let folder = example_folder(example);
    let markets = std::fs::read_dir(folder.join("markets")).expect("markets");
    let markets = markets.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = markets.map(|name| format!("markets/{name}")).collect();
    names.sort();
    names.extend(["book.toml", "feeds.csv", "positions.csv"].map(String::from));
    let read = |name: &String| std::fs::read_to_string(folder.join(name)).expect("a file of the example");
    book::read(names.iter().map(|name| file(name, change(name, read(name)))).collect())
}

/// An example with one text put for another in one file.
#[track_caller]
pub(crate) fn with(example: &str, name: &str, from: &str, to: &str) -> Opened {
    changed(example, |other, text| {
        if other != name {
            return text;
        }
        assert!(text.contains(from), "{name} has no {from}");
        text.replacen(from, to, 1)
    })
}

/// The first fault of such a book has this code and was found to be this.
#[track_caller]
pub(crate) fn fault(example: &str, name: &str, [from, to]: [&str; 2], code: &str, found: &str) {
    let opened = with(example, name, from, to);
    let told = opened.faults.render(false);
    let first = opened.faults.list.first().unwrap_or_else(|| panic!("{to} is taken"));
    assert_eq!(first.code.name(), code, "{told}");
    assert!(first.found.contains(found), "{told}");
}

/// A file with this text.
pub(crate) fn file(name: &str, text: impl Into<Vec<u8>>) -> File {
    File { name: name.to_string(), bytes: FileBytes::Read(text.into()) }
}

/// The files of a written book.
pub(crate) fn files(written: &Written) -> Vec<File> {
    written.files.iter().map(|(name, text)| file(name, text.clone())).collect()
}

/// The faults of a book: `file:line:column CODE` each.
pub(crate) fn told(opened: &Opened) -> Vec<String> {
    let line = |fault: &plimsoll_io::fault::Fault| {
        let place = fault.place.map_or(String::new(), |place| format!(":{}:{}", place.line, place.column));
        format!("{}{place} {}", fault.file, fault.code.name())
    };
    opened.faults.list.iter().map(line).collect()
}
