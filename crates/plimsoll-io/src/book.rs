//! A book as files: a folder, or one JSON file. `docs/book-format.md` describes both.
//!
//! [`open`] reads either and gives what is sound together with every fault. An account of which one row is faulty is
//! left out whole, and so is every account of a faulty market: a part of a position is not a position. Where a row
//! does not say clearly whose it is, whoever it may belong to is left out. A price that is faulty is unknown.

mod aave_v3;
mod convert;
mod feeds;
mod files;
mod head;
pub mod import;
mod markets;
mod morpho_blue;
mod positions;
mod prices;
mod rows;
mod stream;
mod venue;
mod write;

pub use convert::{ConvertError, Order, convert, convert_files};
pub use files::{File, FileBytes, SIZE_MAX, regular};
pub use prices::DERIVED_MAX;
pub use stream::{Stream, Unsteady, stream};
pub use write::{WriteError, Written, write, write_json};

use crate::fault::{Faults, Log, Source};
use crate::tree::{Fields, Node, list, read_json, read_toml};
use head::Head;
use plimsoll_core::{Book, Graph, Time};
use positions::{Place, Positions};
use prices::Prices;
use std::path::Path;

/// What was made of the files of a book.
pub struct Opened {
    /// All that is sound.
    pub book: Book,
    /// Everything that is not.
    pub faults: Faults,
    /// How many accounts were left out, because a row of theirs or their market is faulty.
    pub left_out: u64,
}

/// Opens the book at a path: a folder with a `book.toml`, or one `.json` file.
#[must_use]
pub fn open(path: &Path) -> Opened {
    read(files::list(path))
}

/// Reads a book from its files: either all files of a folder, with names relative to it, or a single JSON file.
#[must_use]
pub fn read(files: Vec<File>) -> Opened {
    let mut log = Log::default();
    let sources = files::texts(files, &mut log);
    let (book, left_out) = of_sources(&sources, &mut log);
    Opened { book, faults: log.finish(&sources), left_out }
}

/// What is sound of a book, and how many accounts are not.
fn of_sources(sources: &[Source], log: &mut Log) -> (Book, u64) {
    let parts = match sources.iter().position(|source| source.name == "book.toml") {
        Some(at) => folder(at, sources, log),
        None => one_file(sources, log),
    };
    parts.unwrap_or_else(|| (empty(), 0))
}

fn empty() -> Book {
    Book {
        name: String::new(),
        at: Time(0),
        graph: Graph::default(),
        markets: Vec::new(),
        accounts: Vec::new(),
    }
}

fn folder(head: usize, sources: &[Source], log: &mut Log) -> Option<(Book, u64)> {
    let Frame { head, prices, places, wirings } = frame(head, sources, log)?;
    let mut positions = Positions::new(&places);
    if let Some((id, source)) = files::table("positions", sources, log) {
        let whole = rows::of_table(source, id, positions::COLUMNS, log, |record, sound, log| {
            positions.read(record, sound, &places, log);
        });
        if !whole {
            positions.spoil();
        }
    }
    Some(assemble(head, prices, places, wirings, positions, log))
}

/// A book without its accounts.
struct Frame {
    head: Head,
    prices: Prices,
    places: Vec<Place>,
    wirings: Vec<markets::Wiring>,
}

fn frame(head: usize, sources: &[Source], log: &mut Log) -> Option<Frame> {
    let node = read_toml(&sources[head], head as u16, log)?;
    let mut fields = Fields::of(&node, log)?;
    let head = head::read(&mut fields, log);
    let derived = fields.take("price").and_then(|node| list(node, log)).unwrap_or(&[]);
    fields.finish(log);
    let head = head?;

    let mut prices = Prices::new();
    prices.complete = files::table("feeds", sources, log).is_some_and(|(id, source)| {
        rows::of_table(source, id, feeds::COLUMNS, log, |record, sound, log| {
            feeds::read(record, sound, &mut prices, log);
        })
    });
    prices::read(derived, &mut prices, log);

    let mut listed = Vec::new();
    for (id, source) in sources.iter().enumerate() {
        let Some((name, format)) = files::market_of(&source.name) else { continue };
        let node = match format {
            files::Format::Toml => read_toml(source, id as u16, log),
            files::Format::Json => read_json(source, id as u16, log),
        };
        listed.push(markets::Listed::in_file(name, node, id as u16, source));
    }
    let (places, wirings) = markets::read(&listed, &head, &prices, log);
    Some(Frame { head, prices, places, wirings })
}

fn one_file(sources: &[Source], log: &mut Log) -> Option<(Book, u64)> {
    let [source] = sources else {
        files::missing("book.toml", sources, log);
        return None;
    };
    let node = read_json(source, 0, log)?;
    let mut fields = Fields::of(&node, log)?;
    let head = head::read(&mut fields, log);
    let mut part = |name| -> &[Node] {
        let node = fields.take(name);
        node.and_then(|node| list(node, log)).unwrap_or(&[])
    };
    let (derived, markets) = (part("prices"), part("markets"));
    let (positions_list, feeds_list) = (part("positions"), part("feeds"));
    fields.finish(log);
    let head = head?;

    let mut prices = Prices::new();
    rows::of_list(feeds_list, feeds::COLUMNS, log, |record, sound, log| {
        feeds::read(record, sound, &mut prices, log);
    });
    prices::read(derived, &mut prices, log);
    let listed: Vec<_> = markets.iter().map(markets::Listed::in_list).collect();
    let (places, wirings) = markets::read(&listed, &head, &prices, log);
    let mut positions = Positions::new(&places);
    rows::of_list(positions_list, positions::COLUMNS, log, |record, sound, log| {
        positions.read(record, sound, &places, log);
    });
    Some(assemble(head, prices, places, wirings, positions, log))
}

/// Puts the parts together; markets that cannot be are not in the book, and accounts are numbered.
fn assemble(
    head: Head,
    prices: Prices,
    places: Vec<Place>,
    wirings: Vec<markets::Wiring>,
    positions: Positions,
    log: &mut Log,
) -> (Book, u64) {
    let (mut accounts, left_out) = positions.finish();
    let mut numbers = Vec::new();
    let mut markets = Vec::new();
    for (number, (place, wiring)) in places.into_iter().zip(wirings).enumerate() {
        numbers.push(markets.len());
        markets.extend(markets::list(number, place, wiring, &accounts, log));
    }
    for account in &mut accounts {
        account.market = numbers[account.market];
    }
    (Book { name: head.name, at: head.at, graph: prices.graph, markets, accounts }, left_out)
}
